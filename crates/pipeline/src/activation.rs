//! Activation volumes, and barriers followed under shear strain: the verb `activation`.

use std::path::Path;

use metabasin_catalogue::{Catalogue, EventRecord};
use metabasin_landscape::{SearchSettings, follow_load};
use metabasin_minimizers::InherentStructure;
use metabasin_minimizers::TruncatedNewton;
use serde::Serialize;

use crate::catalogue_reading::{cut_of, minimum_of};
use crate::config::KernelChoice;
use crate::sample::force_field;
use crate::stages::branches::side_by_side;
use crate::{Interrupt, PipelineError, Progress};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct ActivationRequest {
    /// Shear strain to follow barriers to, either sign.
    pub strain: f64,
    /// In how many steps.
    pub steps: usize,
    /// Only the first so many events.
    pub events: Option<usize>,
    /// Force kernel.
    pub kernel: KernelChoice,
}

/// One event at one strain.
#[derive(Clone, Debug, Serialize)]
pub struct ActivationRow {
    /// The event.
    pub event: u64,
    /// Shear strain from the search cell.
    pub gamma: f64,
    /// Barrier, where it still exists.
    pub barrier: Option<f64>,
    /// Ω_xy = 2 Q_xy of the saddle, where the compliance is known.
    pub omega_xy: Option<f64>,
    /// `stored` at zero strain; then `followed`, or what became of the event.
    pub state: String,
}

/// What `activation` reports.
#[derive(Clone, Debug, Serialize)]
pub struct Activation {
    /// How many events.
    pub events: usize,
    /// All rows, event by event, in the order of loading.
    pub rows: Vec<ActivationRow>,
}

/// Follows the verified events of a catalogue under shear strain.
///
/// # Errors
/// Where the catalogue cannot be read, its minimum is none any more, or on request.
pub fn activation_volumes(
    catalogue: &Path,
    request: &ActivationRequest,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Activation, PipelineError> {
    let largest = 0.5;
    if request.strain == 0.0 || request.strain.is_nan() || request.strain.abs() > largest {
        return Err(PipelineError::BadInput(format!(
            "--strain must be nonzero and at most {largest} either way, got {}",
            request.strain
        )));
    }
    let opened = Catalogue::open_read_only(catalogue)?;
    let sample = opened.sample()?;
    let settings: SearchSettings = serde_json::from_str(&sample.settings).map_err(|error| {
        PipelineError::in_file(
            catalogue,
            format!("the search settings are damaged: {error}"),
        )
    })?;
    let mut events = opened.verified_events()?;
    events.truncate(request.events.unwrap_or(events.len()));
    let configuration = minimum_of(&sample)?;
    let field = force_field(cut_of(&sample)?, request.kernel);
    // Stored positions are those of the polished minimum: this moves nothing, it only proves it.
    let tolerance = (2.0 * sample.largest_force).max(settings.force_tolerance);
    let minimizer = TruncatedNewton::default();
    let (minimum, _) = InherentStructure::quench(&configuration, field, &minimizer, tolerance)
        .map_err(|error| PipelineError::in_file(catalogue, error))?;
    let gammas: Vec<f64> = (1..=request.steps)
        .map(|step| request.strain * step as f64 / request.steps as f64)
        .collect();
    progress.begin("follow barriers", events.len() as u64);
    let followed = side_by_side(&events, |event: &EventRecord| {
        if interrupt.is_requested() {
            return Err(PipelineError::Interrupted {
                resume: "start the same command anew".to_owned(),
            });
        }
        let steps = follow_load(&minimum, event, &gammas, &settings)
            .map_err(|error| PipelineError::Failed(format!("event {}: {error}", event.id)))?;
        progress.advance(1);
        let known = |value: f64| value.is_finite().then_some(value);
        let stored = ActivationRow {
            event: event.id,
            gamma: 0.0,
            barrier: Some(event.barrier_forward),
            omega_xy: event.activation_volume(),
            state: "stored".to_owned(),
        };
        let loaded = steps.into_iter().map(|step| ActivationRow {
            event: event.id,
            gamma: step.gamma,
            barrier: known(step.barrier),
            omega_xy: known(step.omega_xy),
            state: step.state.name().to_owned(),
        });
        Ok(std::iter::once(stored).chain(loaded).collect::<Vec<_>>())
    })?;
    progress.end();
    Ok(Activation {
        events: events.len(),
        rows: followed.into_iter().flatten().collect(),
    })
}
