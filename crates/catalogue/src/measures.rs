//! What papers show of an event, one number each.

use metabasin_atoms::Dipole;
use serde::Serialize;

use crate::strings::string_length;
use crate::{EventRecord, SampleRecord};

/// The numbers of one event that statistics and plots are made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventMeasures {
    /// Its number in the catalogue.
    pub event: u64,
    /// Saddle minus minimum `[energy]`.
    pub barrier_forward: f64,
    /// Saddle minus final minimum `[energy]`.
    pub barrier_reverse: f64,
    /// `dE_12`: final minimum minus minimum `[energy]`.
    pub energy_difference: f64,
    /// `Ω_xy` = 2 `Q_xy` of the saddle `[length³]`, where the compliance is known.
    pub activation_volume: Option<f64>,
    /// 2 Q of the saddle in the shear planes xy, xz, yz `[length³]`, where the compliance is known.
    pub activation_volumes: Option<[f64; 3]>,
    /// √2 P′/|P′| of the final state in the shear planes xy, xz, yz, P′ the deviator of its dipole:
    /// −1 to 1, how far the end state is a pure shear in that plane.
    pub orientation: Option<[f64; 3]>,
    /// P′(saddle) : P′(final) / (|P′(saddle)| |P′(final)|), −1 to 1: whether the saddle shears the
    /// way that the end state does.
    pub alignment: Option<f64>,
    /// (Σu²)²/Σu⁴ of the final displacement.
    pub participation: f64,
    /// Largest displacement of one atom, minimum to final minimum `[length]`.
    pub largest_displacement: f64,
    /// Atoms in the longest string of the final displacement, see [`string_length`].
    pub string_length: usize,
    /// Species (from 1) of the atom that moves most.
    pub species: u8,
    /// Structure class of that atom, where known.
    pub structure_class: Option<String>,
    /// Vineyard prefactor of the forward jump `[1/τ]`, where measured.
    pub prefactor_forward: Option<f64>,
    /// Vineyard prefactor of the reverse jump `[1/τ]`, where measured.
    pub prefactor_reverse: Option<f64>,
    /// Searches that ended in it.
    pub hits: u64,
    /// Force evaluations of the search that found it first, verification apart.
    pub evaluations: u64,
}

impl EventMeasures {
    /// Of an event of `sample`.
    pub fn of(event: &EventRecord, sample: &SampleRecord) -> Self {
        let saddle = deviator(event.dipole_saddle);
        let last = deviator(event.dipole_final);
        let (of_saddle, of_last) = (contract(saddle, saddle), contract(last, last));
        let volumes = event
            .plastic_saddle
            .map(|plastic| [3, 4, 5].map(|component| 2.0 * plastic.0[component]));
        Self {
            event: event.id,
            barrier_forward: event.barrier_forward,
            barrier_reverse: event.barrier_reverse,
            energy_difference: event.energy_final - event.energy_minimum,
            activation_volume: event.activation_volume(),
            activation_volumes: volumes,
            orientation: (of_last > 0.0).then(|| {
                [3, 4, 5]
                    .map(|component| std::f64::consts::SQRT_2 * last[component] / of_last.sqrt())
            }),
            alignment: (of_saddle > 0.0 && of_last > 0.0)
                .then(|| contract(saddle, last) / (of_saddle * of_last).sqrt()),
            participation: event.participation,
            largest_displacement: event.largest_displacement,
            string_length: string_length(&event.displacement_final, sample),
            species: event.species,
            structure_class: event.structure_class.clone(),
            prefactor_forward: event.prefactor_forward,
            prefactor_reverse: event.prefactor_reverse,
            hits: event.hits,
            evaluations: event.evaluations.search(),
        }
    }
}

/// P − tr(P)/3.
fn deviator(dipole: Dipole) -> [f64; 6] {
    let [xx, yy, zz, xy, xz, yz] = dipole.0;
    let mean = (xx + yy + zz) / 3.0;
    [xx - mean, yy - mean, zz - mean, xy, xz, yz]
}

/// a : b of symmetric tensors.
fn contract(a: [f64; 6], b: [f64; 6]) -> f64 {
    let diagonal: f64 = (0..3).map(|k| a[k] * b[k]).sum();
    let rest: f64 = (3..6).map(|k| a[k] * b[k]).sum();
    diagonal + 2.0 * rest
}
