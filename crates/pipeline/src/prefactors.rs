//! Prefactors and cores of stored events: the verb `prefactors`, and the last step of `search`.

use std::path::Path;
use std::time::Instant;

use metabasin_catalogue::{Catalogue, EventRates, EventRecord, SampleRecord, quantile};
use metabasin_landscape::{RateSettings, Rebuilder, Region};
use serde::Serialize;

use crate::catalogue_reading::open_minimum;
use crate::config::KernelChoice;
use crate::memory::{FEWER_THREADS, of_full_prefactors, require_for};
use crate::search_output::patiently;
use crate::stages::branches::side_by_side;
use crate::{Interrupt, PipelineError, Progress};

/// The entry of the catalogue's metadata that holds the settings of what was measured.
const SETTINGS_KEY: &str = "rates";
/// Events that are measured before the catalogue is written to.
const BATCH: usize = 16;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct PrefactorRequest {
    /// How prefactors and cores are measured.
    pub settings: RateSettings,
    /// Measure again what is there already.
    pub anew: bool,
    /// Force kernel.
    pub kernel: KernelChoice,
}

/// An event without prefactors, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Unmeasured {
    /// The event.
    pub event: u64,
    /// What happened.
    pub reason: String,
}

/// Quantiles of prefactors `[1/τ]`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PrefactorSpread {
    /// 5 % quantile.
    pub q05: f64,
    /// Lower quartile.
    pub q25: f64,
    /// Median.
    pub median: f64,
    /// Upper quartile.
    pub q75: f64,
    /// 95 % quantile.
    pub q95: f64,
    /// Standard deviation of ln ν.
    pub log_std: f64,
}

impl PrefactorSpread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let count = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / count;
        let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
        Some(Self {
            q05: quantile(&values, 0.05),
            q25: quantile(&values, 0.25),
            median: quantile(&values, 0.5),
            q75: quantile(&values, 0.75),
            q95: quantile(&values, 0.95),
            log_std: (squares / (count - 1.0).max(1.0)).sqrt(),
        })
    }
}

/// What `prefactors` reports.
#[derive(Clone, Debug, Serialize)]
pub struct PrefactorSummary {
    /// Verified events.
    pub events: usize,
    /// Events measured by this call.
    pub measured: usize,
    /// Events with prefactors now.
    pub with_prefactors: usize,
    /// Events without, and why.
    pub unmeasured: Vec<Unmeasured>,
    /// Radius of the regions `[length]`.
    pub prefactor_radius: f64,
    /// Threshold of the core `[length]`.
    pub core_threshold: f64,
    /// Declared attempt frequency ν₀ `[1/τ]`.
    pub attempt_frequency: f64,
    /// Forward prefactors.
    pub forward: Option<PrefactorSpread>,
    /// Reverse prefactors.
    pub reverse: Option<PrefactorSpread>,
    /// Mean of the core's part of the barrier, `barrier_core / barrier_forward`, over barriers
    /// above 0.1 ε.
    pub core_part: Option<f64>,
    /// Wall seconds.
    pub seconds: f64,
}

/// What rebuilds the events of a catalogue.
///
/// # Errors
/// Where settings or sample are damaged, or the stored minimum is none.
pub(crate) fn rebuilder(
    path: &Path,
    sample: &SampleRecord,
    kernel: (KernelChoice, &Interrupt),
) -> Result<Rebuilder, PipelineError> {
    let (minimum, settings) = open_minimum(path, sample, kernel)?;
    Rebuilder::new(&minimum, settings).map_err(|error| {
        PipelineError::in_file(path, error)
            .unless(kernel.1, || "start the same command anew".to_owned())
    })
}

/// Measures prefactors and cores of the verified events of a catalogue and stores them; events that
/// have them already are left as they are.
///
/// # Errors
/// A catalogue that cannot be read or written, settings out of bounds, or on request; what was
/// measured until then is kept.
pub fn measure_prefactors(
    path: &Path,
    request: &PrefactorRequest,
    watch: (&dyn Progress, &Interrupt),
) -> Result<PrefactorSummary, PipelineError> {
    let clock = Instant::now();
    let settings = &request.settings;
    settings
        .validate()
        .map_err(|error| PipelineError::BadInput(error.to_string()))?;
    let mut catalogue = Catalogue::open(path)?;
    let sample = catalogue.sample()?;
    let text = serde_json::to_string(settings)
        .map_err(|error| PipelineError::Failed(error.to_string()))?;
    let known = catalogue.metadata(SETTINGS_KEY)?;
    if request.anew || known.as_deref() != Some(text.as_str()) {
        // Measured with other settings: forgotten before the new settings are noted, so that a
        // stop in between never leaves numbers of two kinds.
        let none = EventRates::default();
        let events = catalogue.verified_events()?;
        patiently(watch, || {
            catalogue.set_rates(events.iter().map(|event| (event.id, &none)))
        })?;
        patiently(watch, || catalogue.set_metadata(SETTINGS_KEY, &text))?;
    }
    let rebuilder = rebuilder(path, &sample, (request.kernel, watch.1))?;
    let missing: Vec<EventRecord> = catalogue
        .verified_events()?
        .into_iter()
        .filter(|event| event.barrier_core.is_none())
        .collect();
    let unmeasured = measure_missing(&mut catalogue, &rebuilder, &missing, settings, watch)?;
    let events = catalogue.verified_events()?;
    Ok(summary(
        &events,
        missing.len() - unmeasured.len(),
        unmeasured,
        (settings, sample.attempt_frequency),
        clock.elapsed().as_secs_f64(),
    ))
}

fn measure_missing(
    catalogue: &mut Catalogue,
    rebuilder: &Rebuilder,
    missing: &[EventRecord],
    settings: &RateSettings,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Vec<Unmeasured>, PipelineError> {
    let mut unmeasured = Vec::new();
    progress.begin("prefactors", missing.len() as u64);
    for batch in missing.chunks(BATCH) {
        let measured = side_by_side(batch, |event: &EventRecord| {
            let rates = rebuilder.event_rates(event, settings);
            if interrupt.is_requested() {
                return Err(PipelineError::Interrupted {
                    resume: "the same command goes on with the events that are left".to_owned(),
                });
            }
            progress.advance(1);
            Ok(rates)
        })?;
        let mut found: Vec<(u64, EventRates)> = Vec::new();
        for (event, rates) in batch.iter().zip(measured) {
            match rates {
                Ok(rates) => found.push((event.id, rates)),
                Err(error) => {
                    progress.note(&format!("event {}: {error}", event.id));
                    unmeasured.push(Unmeasured {
                        event: event.id,
                        reason: error.to_string(),
                    });
                }
            }
        }
        patiently((progress, interrupt), || {
            catalogue.set_rates(found.iter().map(|(event, rates)| (*event, rates)))
        })?;
    }
    progress.end();
    Ok(unmeasured)
}

fn summary(
    events: &[EventRecord],
    measured: usize,
    mut unmeasured: Vec<Unmeasured>,
    (settings, attempt_frequency): (&RateSettings, f64),
    seconds: f64,
) -> PrefactorSummary {
    let forward: Vec<f64> = events.iter().filter_map(|e| e.prefactor_forward).collect();
    let reverse: Vec<f64> = events.iter().filter_map(|e| e.prefactor_reverse).collect();
    let unstable = events
        .iter()
        .filter(|event| event.barrier_core.is_some() && event.prefactor_forward.is_none());
    unmeasured.extend(unstable.map(|event| Unmeasured {
        event: event.id,
        reason: "not harmonic within its region: a larger --radius may do".to_owned(),
    }));
    let parts: Vec<f64> = events
        .iter()
        .filter(|event| event.barrier_forward > 0.1)
        .filter_map(|event| event.barrier_core.map(|core| core / event.barrier_forward))
        .collect();
    PrefactorSummary {
        events: events.len(),
        measured,
        with_prefactors: forward.len(),
        unmeasured,
        prefactor_radius: settings.prefactor_radius,
        core_threshold: settings.core_threshold,
        attempt_frequency,
        forward: PrefactorSpread::of(forward),
        reverse: PrefactorSpread::of(reverse),
        core_part: (!parts.is_empty()).then(|| parts.iter().sum::<f64>() / parts.len() as f64),
        seconds,
    }
}

/// How far prefactors of regions of one radius are from those of the full cell.
#[derive(Clone, Debug, Serialize)]
pub struct ConvergenceRow {
    /// Radius around the core `[length]`.
    pub radius: f64,
    /// Events that have a prefactor at this radius.
    pub events: usize,
    /// Mean number of atoms in a region.
    pub atoms: f64,
    /// Mean of ln(ν_region / ν_full) over events, forward and reverse.
    pub log_mean: f64,
    /// Its root mean square.
    pub log_rms: f64,
    /// Its largest absolute value.
    pub log_largest: f64,
    /// Seconds an event.
    pub seconds: f64,
}

/// What `prefactors --radii` reports.
#[derive(Clone, Debug, Serialize)]
pub struct PrefactorConvergence {
    /// Events that were rebuilt.
    pub events: usize,
    /// Atoms of the full cell.
    pub atoms: usize,
    /// Seconds an event of the full cell.
    pub seconds_full: f64,
    /// One row a radius.
    pub rows: Vec<ConvergenceRow>,
}

/// Prefactors of `events` verified events (every k-th of the catalogue) in regions of several
/// radii, against those of the full cell with its translations removed. Stores nothing.
///
/// # Errors
/// A catalogue that cannot be read, radii out of bounds, or on request.
pub fn prefactor_convergence(
    path: &Path,
    request: &PrefactorRequest,
    (radii, wanted): (&[f64], usize),
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<PrefactorConvergence, PipelineError> {
    let of_radius = |radius: f64| RateSettings {
        prefactor_radius: radius,
        ..request.settings
    };
    for &radius in radii {
        of_radius(radius)
            .validate()
            .map_err(|error| PipelineError::BadInput(error.to_string()))?;
    }
    let catalogue = Catalogue::open_read_only(path)?;
    let sample = catalogue.sample()?;
    let atoms = sample.positions.len();
    let bytes = of_full_prefactors(atoms, rayon::current_num_threads());
    require_for("prefactors --radii", atoms, bytes, FEWER_THREADS)?;
    let rebuilder = rebuilder(path, &sample, (request.kernel, interrupt))?;
    let all = catalogue.verified_events()?;
    let stride = all.len().div_ceil(wanted.max(1)).max(1);
    let chosen: Vec<EventRecord> = all.into_iter().step_by(stride).collect();
    progress.begin("prefactors", chosen.len() as u64);
    let measured = side_by_side(&chosen, |event: &EventRecord| {
        let measured = one_convergence(&rebuilder, event, radii, &of_radius);
        if interrupt.is_requested() {
            return Err(PipelineError::Abandoned);
        }
        progress.advance(1);
        Ok(measured)
    })?;
    progress.end();
    let measured: Vec<EventConvergence> = measured.into_iter().flatten().collect();
    let count = measured.len().max(1) as f64;
    let rows = radii
        .iter()
        .enumerate()
        .map(|(k, &radius)| convergence_row(&measured, k, radius))
        .collect();
    Ok(PrefactorConvergence {
        events: measured.len(),
        atoms: sample.positions.len(),
        seconds_full: measured.iter().map(|m| m.seconds).sum::<f64>() / count,
        rows,
    })
}

/// Prefactors of one event: seconds of the full cell, and by radius atoms, ln ν ratios, seconds.
struct EventConvergence {
    seconds: f64,
    rows: Vec<(usize, Option<[f64; 2]>, f64)>,
}

fn one_convergence(
    rebuilder: &Rebuilder,
    event: &EventRecord,
    radii: &[f64],
    of_radius: &dyn Fn(f64) -> RateSettings,
) -> Option<EventConvergence> {
    let points = rebuilder.rebuild(event).ok()?;
    let clock = Instant::now();
    let full = rebuilder.prefactors(&points, &Region::Full)?;
    let seconds = clock.elapsed().as_secs_f64();
    let atoms = rebuilder.minimum().configuration().len();
    let rows = radii
        .iter()
        .map(|&radius| {
            let clock = Instant::now();
            let region = rebuilder.region(&points, &of_radius(radius));
            let ratios = rebuilder.prefactors(&points, &region).map(|part| {
                [
                    (part.forward / full.forward).ln(),
                    (part.reverse / full.reverse).ln(),
                ]
            });
            (region.len(atoms), ratios, clock.elapsed().as_secs_f64())
        })
        .collect();
    Some(EventConvergence { seconds, rows })
}

fn convergence_row(measured: &[EventConvergence], k: usize, radius: f64) -> ConvergenceRow {
    let rows: Vec<_> = measured.iter().map(|event| &event.rows[k]).collect();
    let ratios: Vec<f64> = rows.iter().filter_map(|row| row.1).flatten().collect();
    let mean = |values: &mut dyn Iterator<Item = f64>, count: usize| {
        // No values have the mean 0: `sum` would give −0.
        values.fold(0.0, |sum, value| sum + value) / count.max(1) as f64
    };
    ConvergenceRow {
        radius,
        events: ratios.len() / 2,
        atoms: mean(&mut rows.iter().map(|row| row.0 as f64), rows.len()),
        log_mean: mean(&mut ratios.iter().copied(), ratios.len()),
        log_rms: mean(&mut ratios.iter().map(|r| r * r), ratios.len()).sqrt(),
        log_largest: ratios.iter().fold(0.0, |a, r| a.max(r.abs())),
        seconds: mean(&mut rows.iter().map(|row| row.2), rows.len()),
    }
}
