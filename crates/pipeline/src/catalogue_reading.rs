//! What a catalogue says: statistics, CSV, and three frames an event for other codes.

use std::path::Path;

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_catalogue::{
    BarrierStatistics, Catalogue, DisplacementField, EventRecord, SampleRecord, StatisticsOptions,
};
use metabasin_files::{Frame, Overwrite, write_atomic, write_extxyz};
use metabasin_interactions::Cut;
use nalgebra::Vector3;

use crate::PipelineError;
use crate::config::KernelChoice;
use crate::sample::force_field;

/// What statistics are asked of a catalogue.
#[derive(Clone, Copy, Debug)]
pub struct BarrierRequest {
    /// Only events with a forward barrier below this.
    pub below: Option<f64>,
    /// Bins of the histogram.
    pub bins: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Statistics of the verified events of a catalogue, and the events themselves.
///
/// # Errors
/// Where the catalogue cannot be read.
pub fn barrier_statistics(
    catalogue: &Path,
    request: &BarrierRequest,
) -> Result<(BarrierStatistics, Vec<EventRecord>), PipelineError> {
    if let Some(below) = request.below
        && !(below > 0.0 && below.is_finite())
    {
        return Err(PipelineError::BadInput(format!(
            "--below must be positive and finite, got {below}"
        )));
    }
    let mut events = Catalogue::open_read_only(catalogue)?.verified_events()?;
    if let Some(below) = request.below {
        events.retain(|event| event.barrier_forward < below);
    }
    let options = StatisticsOptions {
        bins: request.bins,
        seed: request.seed,
        window: request.below,
        ..StatisticsOptions::default()
    };
    Ok((BarrierStatistics::of(&events, &options), events))
}

/// Writes the scalar columns of all events as CSV; how many events.
///
/// # Errors
/// Where the catalogue cannot be read or the file not written.
pub fn export_csv(
    catalogue: &Path,
    output: &Path,
    overwrite: Overwrite,
) -> Result<usize, PipelineError> {
    let catalogue = Catalogue::open_read_only(catalogue)?;
    let text = metabasin_catalogue::export_csv(&catalogue)?;
    write_atomic(output, overwrite, |writer| {
        writer.write_all(text.as_bytes())
    })?;
    Ok(catalogue.events()?.len())
}

/// The minimum that a catalogue starts from.
///
/// # Errors
/// Where the record holds no possible sample.
pub(crate) fn minimum_of(sample: &SampleRecord) -> Result<Configuration, PipelineError> {
    let damaged = |what: String| {
        PipelineError::BadInput(format!("the catalogue's sample is damaged: {what}"))
    };
    let configuration = Configuration {
        cell: Cell::new(sample.cell).map_err(|error| damaged(error.to_string()))?,
        positions: sample
            .positions
            .iter()
            .map(|&position| Vector3::from(position))
            .collect(),
        velocities: None,
        species: sample
            .species
            .iter()
            .map(|&number| Species(number.wrapping_sub(1)))
            .collect(),
        ids: sample.ids.clone(),
        masses: sample.masses.clone(),
    };
    configuration
        .validate()
        .map_err(|error| damaged(error.to_string()))?;
    Ok(configuration)
}

/// The cut mode of a catalogue's sample.
pub(crate) fn cut_of(sample: &SampleRecord) -> Result<Cut, PipelineError> {
    sample.cut.parse().map_err(|_| {
        PipelineError::BadInput(format!(
            "the catalogue's cut mode '{}' is unknown",
            sample.cut
        ))
    })
}

/// A minimum displaced by a stored field.
fn displaced(minimum: &Configuration, field: &DisplacementField) -> Configuration {
    let mut moved = minimum.clone();
    for (&atom, displacement) in field.atoms.iter().zip(&field.displacements) {
        moved.positions[atom as usize] += Vector3::from(*displacement);
    }
    moved
}

/// Writes minimum, saddle and final minimum of every verified event, with energy and forces, so
/// that any other code can check them; how many events.
///
/// Atoms that moved less than the threshold of the stored fields stand where they stood in the
/// minimum, so the forces of saddle and final frame are small, not zero.
///
/// # Errors
/// Where the catalogue cannot be read or the file not written.
pub fn export_extxyz(
    catalogue: &Path,
    output: &Path,
    overwrite: Overwrite,
) -> Result<usize, PipelineError> {
    let catalogue = Catalogue::open_read_only(catalogue)?;
    let sample = catalogue.sample()?;
    let events = catalogue.verified_events()?;
    let minimum = minimum_of(&sample)?;
    let cut = cut_of(&sample)?;
    let mut field = force_field(cut, KernelChoice::Portable);
    let mut states = Vec::new();
    for event in &events {
        let saddle = displaced(&minimum, &event.displacement_saddle);
        let last = displaced(&minimum, &event.displacement_final);
        for (name, configuration) in [
            ("minimum", minimum.clone()),
            ("saddle", saddle),
            ("final", last),
        ] {
            let mut forces = vec![Vector3::zeros(); configuration.len()];
            let energy = field
                .evaluate(
                    &configuration.cell,
                    &configuration.positions,
                    &configuration.species,
                    &mut forces,
                )
                .energy;
            states.push((event.id, name, configuration, forces, energy));
        }
    }
    let frames: Vec<Frame> = states
        .iter()
        .map(|(event, name, configuration, forces, energy)| {
            Frame::new(configuration)
                .with_forces(forces)
                .with_key("config_type", *name)
                .with_key("event", *event as i64)
                .with_key("energy", *energy)
                .with_key("cut", sample.cut.as_str())
                .with_key("program", concat!("metabasin ", env!("CARGO_PKG_VERSION")))
                .with_key("units", "reduced Lennard-Jones")
        })
        .collect();
    write_extxyz(output, &frames, overwrite)?;
    Ok(events.len())
}
