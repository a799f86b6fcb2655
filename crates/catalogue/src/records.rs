//! The records that a catalogue holds: plain data, documented column by column.
//!
//! Reduced units; six components in the order xx, yy, zz, xy, xz, yz.

use metabasin_atoms::{Dipole, PlasticVolume, Stiffness, Stress};
use serde::{Deserialize, Serialize};

/// The sample that all events of a catalogue start from: one inherent structure and the state
/// that its barriers refer to.
///
/// The default has no atoms: to be filled field by field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// [`metabasin_atoms::Configuration::fingerprint`] of the minimum, in hexadecimal.
    pub fingerprint: String,
    /// Where the sample came from (a path or a stage), for people.
    pub source: String,
    /// Name of the potential.
    pub potential: String,
    /// Cut mode of the potential: `truncated`, `shifted`, `smooth`.
    pub cut: String,
    /// lx, ly, lz, xy, xz, yz `[length]`.
    pub cell: [f64; 6],
    /// Positions of the minimum, one an atom `[length]`.
    pub positions: Vec<[f64; 3]>,
    /// Species of every atom, counted from 1.
    pub species: Vec<u8>,
    /// Id of every atom.
    pub ids: Vec<u64>,
    /// Mass of every species `[mass]`.
    pub masses: Vec<f64>,
    /// Energy of the minimum `[energy]`.
    pub energy: f64,
    /// Largest force on an atom of the minimum `[energy / length]`.
    pub largest_force: f64,
    /// `k_B` T of the MD state whose mean cell this is `[energy]`; `None` where no MD stands behind.
    pub temperature: Option<f64>,
    /// `σ_0`: stress of the minimum in the search cell.
    pub stress_minimum: Stress,
    /// `σ_th` = <`σ_IS`> − <`σ_MD`> at the same mean cell; `None` where it was not measured
    /// ([`SampleRecord::stress_at_rest`]).
    pub stress_thermal: Option<Stress>,
    /// Relaxed athermal stiffness of the sample, where it was measured.
    pub stiffness: Option<Stiffness>,
    /// Declared attempt frequency ν₀ `[1/τ]` used until prefactors are measured.
    pub attempt_frequency: f64,
    /// Factor up and down by which ν₀ may be wrong.
    pub attempt_frequency_band: f64,
    /// The search settings as JSON: two halves of one catalogue must agree on them.
    pub settings: String,
    /// Seed of the searches.
    pub seed: u64,
}

impl SampleRecord {
    /// Volume of the cell `[length³]`.
    pub fn volume(&self) -> f64 {
        self.cell[0] * self.cell[1] * self.cell[2]
    }

    /// The stress of an inherent structure in a sample without macroscopic stress `[energy / length³]`: σ_th
    /// where it was measured. Where it was not but the cell is said to be that of a temperature, the mean
    /// normal stress of the minimum: at that temperature the cell is taken to be without pressure, as vibrations
    /// push against what the minimum pulls (3 ε/σ³ in a glass at 0.8 T_f). Zero where no temperature is known
    /// either.
    pub fn stress_at_rest(&self) -> Stress {
        let of_cell = || {
            let mean = self.stress_minimum.trace() / 3.0;
            self.temperature.map(|_| Stress::isotropic(mean))
        };
        self.stress_thermal.or_else(of_cell).unwrap_or(Stress::ZERO)
    }
}

/// A displacement field between two stationary points, sparse.
///
/// Every atom that moved more than [`DisplacementField::THRESHOLD`] is stored; the rest is
/// summed up in one norm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DisplacementField {
    /// Indices of the moved atoms, ascending, into the arrays of the sample.
    pub atoms: Vec<u32>,
    /// Their displacements `[length]`.
    pub displacements: Vec<[f64; 3]>,
    /// √Σ u² over all other atoms `[length]`.
    pub rest_norm: f64,
}

impl DisplacementField {
    /// Displacements up to this are not stored atom by atom `[length]`.
    pub const THRESHOLD: f64 = 1e-4;

    /// Splits a full field into moved atoms and the rest.
    pub fn from_full(field: &[[f64; 3]]) -> Self {
        let mut sparse = Self::default();
        let mut rest = 0.0;
        for (i, u) in field.iter().enumerate() {
            let squared = u.iter().map(|component| component * component).sum::<f64>();
            if squared > Self::THRESHOLD * Self::THRESHOLD {
                sparse.atoms.push(i as u32);
                sparse.displacements.push(*u);
            } else {
                rest += squared;
            }
        }
        sparse.rest_norm = rest.sqrt();
        sparse
    }

    /// The displacement of all coordinates of a sample of so many atoms, zero where none is stored.
    ///
    /// # Panics
    /// On an atom that the sample lacks.
    pub fn coordinates(&self, atoms: usize) -> Vec<f64> {
        let mut full = vec![0.0; 3 * atoms];
        for (&atom, u) in self.atoms.iter().zip(&self.displacements) {
            full[3 * atom as usize..3 * atom as usize + 3].copy_from_slice(u);
        }
        full
    }

    /// How many atoms moved farther than `distance` `[length]`.
    pub fn atoms_beyond(&self, distance: f64) -> usize {
        let squared = |u: &[f64; 3]| u.iter().map(|c| c * c).sum::<f64>();
        let far = |u: &&[f64; 3]| squared(u) > distance * distance;
        self.displacements.iter().filter(far).count()
    }
}

/// How often the landscape was asked, by the stage of the search. One Hessian-vector product
/// counts as one force evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationCounts {
    /// Leaving the basin: push and perpendicular relaxation.
    pub basin: u64,
    /// Lowest mode: Lanczos iterations.
    pub lowest_mode: u64,
    /// Climbing and converging to the saddle.
    pub climb: u64,
    /// Descent on both sides.
    pub descent: u64,
    /// Polishing of the stored stationary points and the check of the index. Not part of the
    /// search cost that is compared between codes.
    pub verification: u64,
}

impl EvaluationCounts {
    /// What a search cost: everything but the verification.
    pub fn search(&self) -> u64 {
        self.basin + self.lowest_mode + self.climb + self.descent
    }

    /// Adds what another part of the search cost.
    pub fn add(&mut self, other: &Self) {
        self.basin += other.basin;
        self.lowest_mode += other.lowest_mode;
        self.climb += other.climb;
        self.descent += other.descent;
        self.verification += other.verification;
    }
}

/// One localized structural excitation: a verified path from the sample's minimum over a saddle
/// to another minimum.
///
/// The default is zero and not verified: to be filled field by field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Number within the catalogue, from 1 in order of discovery; 0 before it is stored.
    pub id: u64,
    /// Index of the search that found it first.
    pub first_search: u64,
    /// `dE_fwd` = `E_sad` − `E_min` `[energy]`.
    pub barrier_forward: f64,
    /// `dE_rev` = `E_sad` − `E_fin` `[energy]`.
    pub barrier_reverse: f64,
    /// Energy of the minimum `[energy]`.
    pub energy_minimum: f64,
    /// Energy of the saddle `[energy]`.
    pub energy_saddle: f64,
    /// Energy of the final minimum `[energy]`.
    pub energy_final: f64,
    /// Lowest eigenvalue of the Hessian at the saddle `[energy / length²]`.
    pub lowest_eigenvalue: f64,
    /// P = V (σ^min − σ^sad) at fixed cell.
    pub dipole_saddle: Dipole,
    /// P = V (σ^min − σ^fin) at fixed cell.
    pub dipole_final: Dipole,
    /// Q = S : P of the saddle, where the sample's compliance is known; S is that of its isotropic
    /// average where its own stiffness is not positive definite.
    pub plastic_saddle: Option<PlasticVolume>,
    /// Q = S : P of the final minimum, likewise.
    pub plastic_final: Option<PlasticVolume>,
    /// Vineyard prefactor of the forward jump `[1/τ]`, where measured.
    pub prefactor_forward: Option<f64>,
    /// Vineyard prefactor of the reverse jump `[1/τ]`, where measured.
    pub prefactor_reverse: Option<f64>,
    /// Center: mean position of the atoms weighted by u² of the final displacement `[length]`.
    pub center: [f64; 3],
    /// Participation number (Σu²)²/Σu⁴ of the final displacement.
    pub participation: f64,
    /// Largest displacement of one atom between minimum and final minimum `[length]`.
    pub largest_displacement: f64,
    /// Species (from 1) of the atom that moves most.
    pub species: u8,
    /// Structure class (`icosahedral`, `other`) of the atom that moves most, where known.
    pub structure_class: Option<String>,
    /// Largest force at the saddle after polishing `[energy / length]`.
    pub largest_force_saddle: f64,
    /// Verdict: saddle and both minima converged to the stored tolerance.
    pub converged: bool,
    /// Verdict: number of negative eigenvalues at the saddle.
    pub index: u32,
    /// How the index was counted: `inertia` (exact) or `numerical`.
    pub index_method: String,
    /// Verdict: one side of the saddle descends to the sample's minimum.
    pub connected: bool,
    /// How many searches ended in this event.
    pub hits: u64,
    /// Cost of the search that found it first.
    pub evaluations: EvaluationCounts,
    /// Displacement minimum → saddle.
    pub displacement_saddle: DisplacementField,
    /// Displacement minimum → final minimum.
    pub displacement_final: DisplacementField,
    /// Part of `barrier_forward` that the atoms of the core carry, the sum of their per-atom
    /// energies at the saddle minus at the minimum `[energy]`, where measured; the rest is elastic.
    #[serde(default)]
    pub barrier_core: Option<f64>,
    /// Atoms of the core: those that moved more than a threshold between minimum and final minimum
    /// or saddle, where measured.
    #[serde(default)]
    pub core_atoms: Option<u32>,
}

/// What is measured for the rates of an event, besides its barrier: columns of [`EventRecord`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EventRates {
    /// Vineyard prefactor of the forward jump `[1/τ]`.
    pub prefactor_forward: Option<f64>,
    /// Vineyard prefactor of the reverse jump `[1/τ]`.
    pub prefactor_reverse: Option<f64>,
    /// Part of the barrier that the core carries `[energy]`.
    pub barrier_core: Option<f64>,
    /// Atoms of the core.
    pub core_atoms: Option<u32>,
}

impl EventRecord {
    /// Activation volume for simple shear at fixed stress, `Ω_xy` = 2 `Q_xy` of the saddle
    /// `[length³]`, where the compliance is known.
    pub fn activation_volume(&self) -> Option<f64> {
        self.plastic_saddle.map(|plastic| 2.0 * plastic.xy())
    }

    /// Whether every verdict allows this event to enter a rate.
    pub fn is_verified(&self) -> bool {
        self.converged && self.index == 1 && self.connected
    }
}

/// One search, whatever came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchRecord {
    /// Index of the search: its random numbers follow from (seed, index) alone.
    pub index: u64,
    /// Index of the atom around which it was pushed.
    pub center_atom: u32,
    /// Name of the outcome, e.g. `connected`, `disconnected`, `lost_negative_curvature`.
    pub outcome: String,
    /// What there is to say about a failure.
    pub detail: Option<String>,
    /// The event that it ended in, if any.
    pub event: Option<u64>,
    /// What it cost.
    pub evaluations: EvaluationCounts,
    /// Wall seconds (differs between machines and runs).
    pub seconds: f64,
}
