//! A potential coupled with a neighbor list.

mod fitness;
mod steps;

use std::sync::Arc;

use metabasin_atoms::{Cell, Interrupt, Species, Stiffness, Stress};
use metabasin_neighbors::{ClusterList, ListError, VerletList};
use nalgebra::{DMatrix, Vector3};

use crate::clusters::ClusterSums;
use crate::pair::{LocalStiffness, local_stiffness};
use crate::potential::{Execution, Linearization, Potential, Precision, Totals};
use crate::{HessianBlocks, Kernel};

/// Extra range of neighbor lists in Lennard-Jones systems: atoms of a glass seldom leave their
/// cages by half of it `[length]`.
pub const DEFAULT_SKIN: f64 = 0.75;

/// Extra range of the short rows drawn from them: they last about ten steps of dynamics
/// `[length]`.
pub const DEFAULT_INNER_SKIN: f64 = 0.24;

/// The same of pairs of clusters: each holds pairs from outside the range anyway, so that more of
/// them cost more than drawing them anew.
const CLUSTER_INNER_SKIN: f64 = 0.14;

/// From this many atoms on, sums run over rayon's threads unless told otherwise.
const PARALLEL_FROM: usize = 8000;

/// What one evaluation gives beside the forces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Potential energy `[energy]`; infinite or NaN where positions make no sense.
    pub energy: f64,
    /// Virial part of the Cauchy stress, tension positive `[energy / length³]`.
    pub virial_stress: Stress,
}

/// Energy and stress of each atom.
#[derive(Clone, Debug, PartialEq)]
pub struct PerAtom {
    /// Half of each of the atom's pair energies, their sum the total energy `[energy]`.
    pub energy: Vec<f64>,
    /// `σ_i` = −(`1/V_atom`) ½ `Σ_j` `F_ij` `r_ij` with `V_atom` = V/N, their mean the virial stress
    /// `[energy / length³]`.
    pub stress: Vec<Stress>,
}

/// The linear response of stress and forces to a small symmetric strain of the cell under which
/// all atoms move affinely, x → (1 + ε) x.
///
/// ```text
/// u = H⁺ Ξ e                        how atoms of a minimum relax, H⁺ inverse but for translations
/// C = C_Born − Ξᵀ H⁺ Ξ / V          the stiffness of the relaxed sample
/// C_Born,abcd = (1/V) Σ A r_a r_b r_c r_d − σ_ab δ_cd
///     + ½ (δ_ac σ_bd + δ_ad σ_bc + δ_bc σ_ad + δ_bd σ_ac),   A = (V'' − V'/r)/r²
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StrainResponse {
    /// `C_Born` = ∂σ/∂e, the change of the Cauchy stress with engineering strain, initial stress
    /// included, so not symmetric where there is any `[energy / length³]`.
    pub born: Stiffness,
    /// Ξ = ∂F/∂e, the force on each atom per unit of each of the engineering strains xx, yy, zz,
    /// xy, xz, yz `[energy / length]`.
    pub forces: [Vec<Vector3<f64>>; 6],
}

/// A potential, the instructions that evaluate it, and the neighbor list that it needs.
///
/// The list is kept from call to call and followed while it stays complete. Equal calls on equal
/// states of the list give equal bits, for any number of threads. Sums run in the order of the
/// list, so another history of calls may differ in the last bits: [`ForceField::invalidate`] makes
/// the next result depend on its arguments alone (to be bit-identical, a run that writes a
/// checkpoint and the run that starts from it must both call it there), and a clone starts without
/// a list for the same reason.
///
/// Where positions make no sense (not finite, thousands of atoms on one spot) the energy is NaN or
/// infinite and forces are NaN; nothing panics.
#[derive(Debug)]
pub struct ForceField {
    potential: Arc<dyn Potential>,
    kernel: Kernel,
    precision: Precision,
    parallel: Option<bool>,
    list: VerletList,
    clusters: ClusterList,
    sums: ClusterSums,
    hessian: Option<Hessian>,
    interrupt: Interrupt,
}

fn fresh_list(cutoff: f64, skin: f64) -> VerletList {
    VerletList::new(cutoff, skin).with_pruning(DEFAULT_INNER_SKIN)
}

fn fresh_clusters(cutoff: f64, skin: f64) -> ClusterList {
    ClusterList::new(cutoff, skin, CLUSTER_INNER_SKIN)
}

/// The result of an evaluation; not-a-number for stress and forces where there is no energy but the
/// one to report.
fn evaluation(cell: &Cell, totals: Result<Totals, f64>, forces: &mut [Vector3<f64>]) -> Evaluation {
    match totals {
        Ok(totals) => Evaluation {
            energy: totals.energy,
            virial_stress: Stress(totals.virial) * (1.0 / cell.volume()),
        },
        Err(energy) => {
            forces.fill(Vector3::repeat(f64::NAN));
            Evaluation {
                energy,
                virial_stress: Stress([f64::NAN; 6]),
            }
        }
    }
}

/// What to report as energy where there can be no list.
fn energy_without_list(error: ListError) -> f64 {
    match error {
        ListError::Unresolved { .. } => f64::NAN,
        ListError::CellTooSmall { .. } | ListError::Crowded { .. } => f64::INFINITY,
    }
}

/// The Hessian of the last configuration that products were asked for.
#[derive(Debug)]
struct Hessian {
    cell: Cell,
    positions: Vec<Vector3<f64>>,
    species: Vec<Species>,
    linearization: Box<dyn Linearization>,
}

impl Clone for ForceField {
    fn clone(&self) -> Self {
        Self {
            potential: Arc::clone(&self.potential),
            kernel: self.kernel,
            precision: self.precision,
            parallel: self.parallel,
            list: fresh_list(self.list.cutoff(), self.list.skin()),
            clusters: fresh_clusters(self.list.cutoff(), self.list.skin()),
            sums: ClusterSums::default(),
            hessian: None,
            interrupt: self.interrupt.clone(),
        }
    }
}

impl ForceField {
    /// A force field with the default skin; a kernel that this machine lacks is replaced by the
    /// portable one.
    pub fn new(potential: Arc<dyn Potential>, kernel: Kernel) -> Self {
        let list = fresh_list(potential.cutoff(), DEFAULT_SKIN);
        let clusters = fresh_clusters(potential.cutoff(), DEFAULT_SKIN);
        Self {
            potential,
            kernel: kernel.or_portable(),
            precision: Precision::Double,
            parallel: None,
            list,
            clusters,
            sums: ClusterSums::default(),
            hessian: None,
            interrupt: Interrupt::new(),
        }
    }

    /// The same with another skin: a thicker one is rebuilt less often, but longer `[length]`.
    ///
    /// # Panics
    /// If `skin` is negative or not finite.
    #[must_use]
    pub fn with_skin(self, skin: f64) -> Self {
        let list = fresh_list(self.potential.cutoff(), skin);
        let clusters = fresh_clusters(self.potential.cutoff(), skin);
        Self {
            list,
            clusters,
            hessian: None,
            ..self
        }
    }

    /// The same, summing over rayon's threads or not; by default from 8,000 atoms on.
    #[must_use]
    pub fn with_parallel(self, parallel: bool) -> Self {
        Self {
            parallel: Some(parallel),
            ..self
        }
    }

    /// The same with another precision of [`ForceField::step_forces`].
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The same, its clones too, for work that ends where `interrupt` is requested
    /// ([`EnergyLandscape::is_interrupted`](crate::EnergyLandscape::is_interrupted)).
    #[must_use]
    pub fn with_interrupt(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// The request that ends work with this force field.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Whether work with this force field should end.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.is_requested()
    }

    /// The precision of [`ForceField::step_forces`].
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Whether sums over this many atoms run over rayon's threads.
    pub fn is_parallel(&self, atoms: usize) -> bool {
        self.execution(atoms).parallel
    }

    /// The model.
    pub fn potential(&self) -> &Arc<dyn Potential> {
        &self.potential
    }

    /// The instructions in use.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// How often a neighbor list was built.
    pub fn list_builds(&self) -> u64 {
        self.list.builds() + self.clusters.builds()
    }

    /// Forgets the neighbor lists: the next call builds its own from its arguments alone.
    pub fn invalidate(&mut self) {
        self.list.invalidate();
        self.clusters.invalidate();
        self.hessian = None;
    }

    fn execution(&self, atoms: usize) -> Execution {
        Execution {
            kernel: self.kernel,
            parallel: self.parallel.unwrap_or(atoms >= PARALLEL_FROM),
        }
    }

    /// Brings the list up to date; the energy to report where that is impossible.
    fn update(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
    ) -> Result<Execution, f64> {
        self.check_species(species)?;
        let execution = self.execution(positions.len());
        self.list.set_parallel(execution.parallel);
        let updated = self.list.update(cell, positions, species);
        updated.map_err(energy_without_list)?;
        Ok(execution)
    }

    fn check_species(&self, species: &[Species]) -> Result<(), f64> {
        let known = self.potential.species();
        let unknown = |species: &Species| usize::from(species.0) >= known;
        if species.iter().any(unknown) {
            return Err(f64::NAN);
        }
        Ok(())
    }

    /// Energy and virial stress; overwrites `forces` with the force on each atom.
    ///
    /// # Panics
    /// If `positions`, `species` and `forces` differ in length.
    pub fn evaluate(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        forces: &mut [Vector3<f64>],
    ) -> Evaluation {
        assert_eq!(positions.len(), forces.len(), "one force an atom");
        let totals = self
            .update(cell, positions, species)
            .map(|execution| self.potential.evaluate(&self.list, execution, forces));
        evaluation(cell, totals, forces)
    }

    /// Energy and stress of each atom (NaN where positions make no sense).
    ///
    /// # Panics
    /// If `positions` and `species` differ in length.
    pub fn per_atom(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
    ) -> PerAtom {
        let atoms = positions.len();
        match self.update(cell, positions, species) {
            Ok(execution) => {
                let totals = self.potential.per_atom(&self.list, execution);
                let per_volume = atoms as f64 / cell.volume();
                PerAtom {
                    energy: totals.iter().map(|atom| atom.energy).collect(),
                    stress: totals
                        .iter()
                        .map(|atom| Stress(atom.virial) * per_volume)
                        .collect(),
                }
            }
            Err(energy) => PerAtom {
                energy: vec![energy; atoms],
                stress: vec![Stress([f64::NAN; 6]); atoms],
            },
        }
    }

    /// Writes H v into `product`, H the Hessian of the energy `[energy / length²]`.
    ///
    /// The Hessian of the last configuration is kept, so that repeated products at the same
    /// (bitwise) cell and positions cost a fraction of an evaluation.
    ///
    /// # Panics
    /// If the arrays differ in length.
    pub fn hessian_vector(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        direction: &[Vector3<f64>],
        product: &mut [Vector3<f64>],
    ) {
        assert_eq!(positions.len(), direction.len(), "one direction an atom");
        assert_eq!(positions.len(), product.len(), "one product an atom");
        match self.linearized(cell, positions, species) {
            Some(linearization) => linearization.multiply(direction, product),
            None => product.fill(Vector3::repeat(f64::NAN)),
        }
    }

    /// The Hessian in blocks of atoms, those off the diagonal left out whose norm is below
    /// `weakest` times the mean diagonal element; `None` where positions make no sense. It is kept
    /// and shared with [`ForceField::hessian_vector`].
    ///
    /// # Panics
    /// If `positions` and `species` differ in length.
    pub fn hessian_blocks(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        weakest: f64,
    ) -> Option<HessianBlocks> {
        let linearization = self.linearized(cell, positions, species)?;
        Some(linearization.blocks(weakest))
    }

    /// The Hessian at this configuration, the one that is kept where it was the last; `None` where
    /// positions make no sense.
    fn linearized(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
    ) -> Option<&mut dyn Linearization> {
        let kept = self.hessian.as_ref().is_some_and(|kept| {
            kept.cell == *cell && kept.positions == positions && kept.species == species
        });
        if !kept {
            let spare = self.hessian.take();
            let execution = self.update(cell, positions, species).ok()?;
            let (mut old_positions, mut old_species, spare) = match spare {
                Some(old) => (old.positions, old.species, Some(old.linearization)),
                None => (Vec::new(), Vec::new(), None),
            };
            old_positions.clear();
            old_positions.extend_from_slice(positions);
            old_species.clear();
            old_species.extend_from_slice(species);
            self.hessian = Some(Hessian {
                cell: *cell,
                positions: old_positions,
                species: old_species,
                linearization: self.potential.linearize(&self.list, execution, spare),
            });
        }
        let hessian = self.hessian.as_mut()?;
        Some(hessian.linearization.as_mut())
    }

    /// Derivatives of stress and forces with respect to strain (NaN where positions make no
    /// sense).
    ///
    /// # Panics
    /// If `positions` and `species` differ in length.
    pub fn strain_response(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
    ) -> StrainResponse {
        let Ok(execution) = self.update(cell, positions, species) else {
            return StrainResponse {
                born: Stiffness([[f64::NAN; 6]; 6]),
                forces: std::array::from_fn(|_| vec![Vector3::repeat(f64::NAN); positions.len()]),
            };
        };
        let sums = self.potential.strain_sums(&self.list, execution);
        let mut born = sums.fourth_rank;
        for (row, virial) in born.iter_mut().zip(sums.virial) {
            // The volume grows with the normal strains.
            for element in &mut row[..3] {
                *element -= virial;
            }
            for element in row {
                *element /= cell.volume();
            }
        }
        StrainResponse {
            born: Stiffness(born),
            forces: sums.forces,
        }
    }

    /// The stiffness of every atom, where the atoms move by `displacements` per unit of each engineering strain beyond
    /// the strain itself: for u = H⁺ Ξ, of a minimum, the mean over all atoms is the stiffness of the relaxed sample.
    /// `None` for a model that is no sum over pairs, or where positions make no sense.
    ///
    /// # Panics
    /// If the arrays differ in length.
    pub fn local_stiffness(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        displacements: &[Vec<Vector3<f64>>; 6],
    ) -> Option<Vec<LocalStiffness>> {
        let execution = self.update(cell, positions, species).ok()?;
        let potential = self.potential.as_pair()?;
        Some(local_stiffness(
            potential,
            &self.list,
            execution.parallel,
            displacements,
            cell.volume(),
        ))
    }

    /// The full 3N × 3N Hessian, coordinates in the order x₀ y₀ z₀ x₁ ... `[energy / length²]`;
    /// `None` where positions make no sense.
    ///
    /// # Panics
    /// If `positions` and `species` differ in length.
    pub fn dense_hessian(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
    ) -> Option<DMatrix<f64>> {
        let all: Vec<usize> = (0..positions.len()).collect();
        let blocks = self.hessian_blocks(cell, positions, species, 0.0)?;
        Some(blocks.dense(&all))
    }
}
