//! What a catalogue says: statistics, CSV, and three frames an event for other codes.

use std::path::Path;

use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_catalogue::{
    BarrierReport, Catalogue, DisplacementField, EventMeasures, EventRecord, SampleRecord,
    StatisticsOptions, remove_catalogue,
};
use metabasin_files::{Frame, Overwrite, Placement, write_atomic, write_extxyz};
use metabasin_interactions::Cut;
use metabasin_landscape::SearchSettings;
use metabasin_minimizers::{InherentStructure, TruncatedNewton};
use nalgebra::Vector3;

use crate::config::KernelChoice;
use crate::journal::beside;
use crate::memory::{FEWER_THREADS, of_searches, require_for};
use crate::sample::force_field;
use crate::{Interrupt, PipelineError};

/// What statistics are asked of a catalogue.
#[derive(Clone, Debug)]
pub struct BarrierRequest {
    /// Only events with a forward barrier below this.
    pub below: Option<f64>,
    /// Energy windows that completeness is reported for apart; where there is none and the sample
    /// has a temperature, those of the rates in [`WINDOW_RATES`].
    pub windows: Vec<f64>,
    /// Bins of the histogram.
    pub bins: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Strain rates per mapped second whose energy windows are reported where none is asked for.
pub const WINDOW_RATES: [f64; 2] = [1e7, 1e4];

/// Strain within which events must happen to be felt, in E* = kT ln(ν 0.02/γ̇).
const WINDOW_STRAIN: f64 = 0.02;

/// E* = kT ln(ν 0.02/γ̇) of [`WINDOW_RATES`]: an event above it happens less than once while the
/// sample is strained by 0.02. None without a temperature.
fn rate_windows(sample: &SampleRecord) -> Vec<f64> {
    let Some(temperature) = sample.temperature else {
        return Vec::new();
    };
    WINDOW_RATES
        .into_iter()
        .map(|rate| {
            let tries = sample.attempt_frequency / (rate * SECONDS_PER_TAU) * WINDOW_STRAIN;
            temperature * tries.ln()
        })
        .filter(|window| *window > 0.0 && window.is_finite())
        .collect()
}

/// A stored minimum may be exact: it is proven to this largest force then `[energy / length]`.
const LEAST_TOLERANCE: f64 = 1e-12;

/// Statistics of the verified events of a catalogue, and the numbers of every one of them.
///
/// # Errors
/// Where the catalogue cannot be read.
pub fn barrier_report(
    catalogue: &Path,
    request: &BarrierRequest,
) -> Result<(BarrierReport, Vec<EventMeasures>), PipelineError> {
    let given = request.below.iter().map(|below| ("--below", *below));
    let windows = request.windows.iter().map(|window| ("--window", *window));
    for (option, value) in given.chain(windows) {
        if !(value > 0.0 && value.is_finite()) {
            return Err(PipelineError::BadInput(format!(
                "{option} must be positive and finite, got {value}"
            )));
        }
    }
    let catalogue = Catalogue::open_read_only(catalogue)?;
    let sample = catalogue.sample()?;
    let options = StatisticsOptions {
        bins: request.bins,
        seed: request.seed,
        window: request.below,
        ..StatisticsOptions::default()
    };
    let windows = if request.windows.is_empty() {
        rate_windows(&sample)
    } else {
        request.windows.clone()
    };
    Ok(BarrierReport::of(
        &sample,
        &catalogue.events()?,
        &catalogue.searches()?,
        &windows,
        &options,
    ))
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

/// Copies a catalogue, also one that is being written, into one file that needs no other; how many
/// events.
///
/// # Errors
/// Where the catalogue cannot be read or the file not written.
pub fn export_sqlite(
    catalogue: &Path,
    output: &Path,
    overwrite: Overwrite,
) -> Result<usize, PipelineError> {
    let catalogue = Catalogue::open_read_only(catalogue)?;
    let unfinished = beside(output, ".copying");
    remove_catalogue(&unfinished)?;
    let copied = copy(&catalogue, &unfinished, output, overwrite);
    // Best effort: the first error is the one worth telling.
    remove_catalogue(&unfinished).ok();
    copied
}

fn copy(
    catalogue: &Catalogue,
    unfinished: &Path,
    output: &Path,
    overwrite: Overwrite,
) -> Result<usize, PipelineError> {
    catalogue.copy_to(unfinished)?;
    let copy = Catalogue::open_read_only(unfinished)?;
    copy.check_integrity()?;
    let events = copy.events()?.len();
    drop(copy);
    write_atomic(output, overwrite, |writer| {
        std::io::copy(&mut std::fs::File::open(unfinished)?, writer).map(drop)
    })?;
    Ok(events)
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
        names: None,
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

/// The minimum that a catalogue starts from, shown to be one, and the settings of its searches.
///
/// Stored positions are those of the polished minimum: the quench moves nothing, it only proves it.
///
/// # Errors
/// Where settings or sample are damaged, or the stored minimum is none.
pub(crate) fn open_minimum(
    path: &Path,
    sample: &SampleRecord,
    (kernel, interrupt): (KernelChoice, &Interrupt),
) -> Result<(InherentStructure, SearchSettings), PipelineError> {
    let settings: SearchSettings = serde_json::from_str(&sample.settings).map_err(|error| {
        PipelineError::in_file(path, format!("the search settings are damaged: {error}"))
    })?;
    let configuration = minimum_of(sample)?;
    let atoms = configuration.len();
    let dense_up_to = settings.inertia_up_to as usize;
    let bytes = of_searches(atoms, rayon::current_num_threads(), dense_up_to);
    require_for("its minimum", atoms, bytes, FEWER_THREADS)?;
    let field = force_field(cut_of(sample)?, kernel).with_interrupt(interrupt.clone());
    let tolerance = (2.0 * sample.largest_force).max(LEAST_TOLERANCE);
    let minimizer = TruncatedNewton::default();
    InherentStructure::quench(&configuration, field, &minimizer, tolerance)
        .map(|(minimum, _)| (minimum, settings))
        .map_err(|error| PipelineError::in_file(path, error).unless(interrupt, anew))
}

/// How to go on where nothing is kept.
fn anew() -> String {
    "start the same command anew".to_owned()
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
/// minimum, so the forces of saddle and final frame are small, not zero. Unwrapped, the atoms of the
/// three frames differ by what they moved; wrapped, each frame has its own lattice shifts.
///
/// # Errors
/// Where the catalogue cannot be read or the file not written.
pub fn export_extxyz(
    catalogue: &Path,
    output: &Path,
    overwrite: Overwrite,
    placement: Placement,
) -> Result<usize, PipelineError> {
    let catalogue = Catalogue::open_read_only(catalogue)?;
    let sample = catalogue.sample()?;
    let events = catalogue.verified_events()?;
    write_events(&sample, &events, output, (overwrite, placement))?;
    Ok(events.len())
}

/// Writes minimum, saddle and final minimum of events of `sample`.
///
/// # Errors
/// Where the sample is damaged or the file cannot be written.
pub(crate) fn write_events(
    sample: &SampleRecord,
    events: &[EventRecord],
    output: &Path,
    (overwrite, placement): (Overwrite, Placement),
) -> Result<(), PipelineError> {
    let minimum = minimum_of(sample)?;
    let cut = cut_of(sample)?;
    let mut field = force_field(cut, KernelChoice::Portable);
    let mut states = Vec::new();
    for event in events {
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
                .placed(placement)
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
    Ok(())
}
