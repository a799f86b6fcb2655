//! The sample record of a catalogue.

use metabasin_atoms::{Stiffness, Stress};
use metabasin_catalogue::SampleRecord;
use metabasin_minimizers::InherentStructure;

/// What a sample record says beyond the inherent structure itself.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleContext {
    /// Where the sample came from (a path or a stage), for people.
    pub source: String,
    /// k_B T of the MD state whose mean cell this is `[energy]`.
    pub temperature: Option<f64>,
    /// σ_th = <σ_IS> − <σ_MD> at the same mean cell.
    pub stress_thermal: Option<Stress>,
    /// Declared attempt frequency ν₀ `[1/τ]`.
    pub attempt_frequency: f64,
    /// Factor up and down by which ν₀ may be wrong.
    pub attempt_frequency_band: f64,
    /// The search settings as JSON.
    pub settings: String,
    /// Seed of the searches.
    pub seed: u64,
}

/// The record of the sample whose minimum is `minimum`: pass [`crate::Searcher::minimum`], the
/// polished one that the events refer to, and its stiffness.
pub fn sample_record(
    minimum: &InherentStructure,
    stiffness: Stiffness,
    context: SampleContext,
) -> SampleRecord {
    let configuration = minimum.configuration();
    let potential = minimum.potential();
    SampleRecord {
        fingerprint: format!("{:016x}", configuration.fingerprint()),
        source: context.source,
        potential: potential.name(),
        cut: potential
            .cut()
            .map_or_else(|| String::from("none"), |cut| cut.to_string()),
        cell: configuration.cell.components(),
        positions: configuration.positions.iter().map(|&p| p.into()).collect(),
        species: configuration
            .species
            .iter()
            .map(|species| species.number())
            .collect(),
        ids: configuration.ids.clone(),
        masses: configuration.masses.clone(),
        energy: minimum.energy(),
        largest_force: minimum.largest_force(),
        temperature: context.temperature,
        stress_minimum: minimum.stress(),
        stress_thermal: context.stress_thermal,
        stiffness: Some(stiffness),
        attempt_frequency: context.attempt_frequency,
        attempt_frequency_band: context.attempt_frequency_band,
        settings: context.settings,
        seed: context.seed,
    }
}
