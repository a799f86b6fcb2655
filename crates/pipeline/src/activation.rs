//! Activation volumes, and barriers followed under load: the verb `activation`.

use std::path::{Path, PathBuf};

use metabasin_atoms::{Strain, Stress};
use metabasin_catalogue::{Catalogue, EventRecord};
use metabasin_files::{Overwrite, write_atomic};
use metabasin_landscape::{
    FollowedEvent, LoadEnd, LoadSettings, LoadedBarrier, LoadedMinimum, LoadedState, Loading,
    SearchSettings,
};
use metabasin_minimizers::InherentStructure;
use serde::Serialize;

use crate::catalogue_reading::open_minimum;
use crate::config::KernelChoice;
use crate::csv::comment;
use crate::journal::{Kept, beside};
use crate::{Interrupt, PipelineError, Progress};

/// The largest strain, either way.
const LARGEST_STRAIN: f64 = 0.5;
/// The largest stress that may be added, either way: moduli are about 15 `[energy / length³]`.
const LARGEST_STRESS: f64 = 20.0;

/// What of the sample grows with the load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum LoadControl {
    /// A strain of a cell that is held: the tensor for γ = 1; ε_xy = 1/2 is simple shear.
    Strain(Strain),
    /// The stress on a cell that gives way: the tensor of which γ times is added to the stress of the
    /// minimum in the search cell `[energy / length³]`.
    Stress(Stress),
}

impl LoadControl {
    /// `strain` or `stress`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strain(_) => "strain",
            Self::Stress(_) => "stress",
        }
    }

    /// The tensor for γ = 1.
    pub fn direction(self) -> [f64; 6] {
        match self {
            Self::Strain(strain) => strain.0,
            Self::Stress(stress) => stress.0,
        }
    }

    fn largest(self) -> f64 {
        match self {
            Self::Strain(_) => LARGEST_STRAIN,
            Self::Stress(_) => LARGEST_STRESS,
        }
    }

    fn loading(self) -> Result<Loading, PipelineError> {
        match self {
            Self::Strain(strain) => Loading::new(strain),
            Self::Stress(stress) => Loading::stress(stress),
        }
        .map_err(|error| PipelineError::BadInput(error.to_string()))
    }
}

/// Loads closer than this are one beside the rounding of forces and stresses.
const LEAST_TOLERANCE: f64 = 1e-9;

/// What is asked.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ActivationRequest {
    /// What grows, and in which direction.
    pub control: LoadControl,
    /// γ to follow barriers to, either sign.
    pub to: f64,
    /// In how many steps.
    pub steps: usize,
    /// Follow them to the opposite of `to`, too.
    pub both_ways: bool,
    /// The loads γ at which events vanish are bracketed to this.
    pub tolerance: f64,
    /// Only the first so many events.
    pub events: Option<usize>,
    /// Force kernel.
    pub kernel: KernelChoice,
}

/// One event at one load.
#[derive(Clone, Debug, Serialize)]
pub struct ActivationRow {
    /// The event.
    pub event: u64,
    /// The load, in units of the direction: strain from the search cell, or stress added.
    pub gamma: f64,
    /// Barrier, where it still exists; of the enthalpy where the stress is given.
    pub barrier: Option<f64>,
    /// Barrier from the final minimum.
    pub barrier_reverse: Option<f64>,
    /// d(barrier)/dγ by Hellmann and Feynman, at fixed cell or at fixed stress.
    pub slope: Option<f64>,
    /// Ω_xy = 2 Q_xy of the saddle, where the compliance is known.
    pub omega_xy: Option<f64>,
    /// Activation volume tensor Q of the saddle: S : P, or where the stress is given V₀ times the
    /// difference of the cells' strains.
    pub activation_volume: Option<[f64; 6]>,
    /// `stored` at zero strain; then `followed`, or what became of the event.
    pub state: String,
}

/// How one event ended, one way.
#[derive(Clone, Debug, Serialize)]
pub struct ActivationEnd {
    /// The event.
    pub event: u64,
    /// 1 towards `to`, −1 the other way.
    pub way: i8,
    /// What became of it: `followed` to the end, or how it vanished.
    pub state: String,
    /// The last load at which it existed.
    pub last: f64,
    /// The first at which it did not; null where it was followed to the end.
    pub first_without: Option<f64>,
    /// Where its last barrier and slope put the end of the barrier, ΔE ∝ (γ_c − γ)^(3/2).
    pub extrapolated: Option<f64>,
}

/// The minimum of the catalogue under the load, one way.
#[derive(Clone, Debug, Serialize)]
pub struct LoadedWay {
    /// 1 towards `to`, −1 the other way.
    pub way: i8,
    /// The last load at which it was stable and the next at which it was not; null where it was
    /// stable to the end.
    pub minimum_unstable: Option<(f64, f64)>,
    /// Events by what became of them, by name of the state.
    pub states: Vec<(String, usize)>,
    /// Those of them that are no events at zero load already, by name of the state: where the stress
    /// is given, events of the cell that was held while they were searched.
    pub states_at_zero: Vec<(String, usize)>,
}

/// What `activation` reports.
#[derive(Clone, Debug, Serialize)]
pub struct Activation {
    /// How many events.
    pub events: usize,
    /// `strain` or `stress`: what γ is.
    pub control: String,
    /// The tensor for γ = 1.
    pub direction: [f64; 6],
    /// The loads γ at which events vanish are bracketed to this.
    pub tolerance: f64,
    /// Both ways, or the one asked for.
    pub ways: Vec<LoadedWay>,
    /// How events ended.
    pub ends: Vec<ActivationEnd>,
    /// All rows, event by event, in the order of loading.
    pub rows: Vec<ActivationRow>,
    /// All points through which events were followed, those between the steps, too: event, way and
    /// point.
    #[serde(skip)]
    pub path: Vec<(u64, i8, LoadedBarrier)>,
}

/// A catalogue opened for following its events.
struct Opened {
    settings: SearchSettings,
    /// Fingerprint of the minimum.
    fingerprint: String,
    events: Vec<EventRecord>,
    minimum: InherentStructure,
}

fn open(
    catalogue: &Path,
    events: Option<usize>,
    kernel: (KernelChoice, &Interrupt),
) -> Result<Opened, PipelineError> {
    let opened = Catalogue::open_read_only(catalogue)?;
    let sample = opened.sample()?;
    let mut verified = opened.verified_events()?;
    verified.truncate(events.unwrap_or(verified.len()));
    let (minimum, settings) = open_minimum(catalogue, &sample, kernel)?;
    Ok(Opened {
        settings,
        fingerprint: sample.fingerprint,
        events: verified,
        minimum,
    })
}

/// What following an event depends on, besides its number and way: results of the same are the same,
/// to the bit.
#[derive(Serialize)]
struct ActivationIdentity<'a> {
    version: &'a str,
    /// Fingerprint of the minimum.
    minimum: &'a str,
    kernel: String,
    settings: &'a SearchSettings,
    request: &'a ActivationRequest,
    events: Vec<u64>,
}

/// The file beside a catalogue that holds the events followed so far.
pub(crate) fn activation_file(catalogue: &Path) -> PathBuf {
    beside(catalogue, ".activation")
}

fn go_on() -> String {
    "the same command goes on with the events that are left".to_owned()
}

/// Follows the verified events of a catalogue under strain or stress. Events that fail are in the
/// result as any other.
///
/// Events that were followed before a stop are kept in a file beside the catalogue until all are, so
/// that the same request goes on with those that are left.
///
/// # Errors
/// Where the catalogue cannot be read, its minimum is none any more, or on request.
pub fn activation_volumes(
    catalogue: &Path,
    request: &ActivationRequest,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Activation, PipelineError> {
    let bad = |message: String| Err(PipelineError::BadInput(message));
    let (control, largest) = (request.control, request.control.largest());
    let load = request.to.abs() * Strain(control.direction()).norm();
    if request.to == 0.0 || !load.is_finite() || load > largest || load == 0.0 {
        let name = control.name();
        return bad(format!(
            "--{name} times --to must be a {name} other than zero of norm at most {largest}, got {} times {:?}",
            request.to,
            control.direction()
        ));
    }
    if !(request.tolerance >= LEAST_TOLERANCE && request.tolerance.is_finite()) {
        return bad(format!(
            "--tolerance must be at least {LEAST_TOLERANCE:e} and finite, got {}",
            request.tolerance
        ));
    }
    let opened = open(catalogue, request.events, (request.kernel, interrupt))?;
    let loading = control.loading()?;
    let load = LoadSettings {
        tolerance: request.tolerance,
    };
    let ways: &[i8] = if request.both_ways { &[1, -1] } else { &[1] };
    let mut result = Activation {
        events: opened.events.len(),
        control: control.name().to_owned(),
        direction: control.direction(),
        tolerance: request.tolerance,
        ways: Vec::new(),
        ends: Vec::new(),
        rows: Vec::new(),
        path: Vec::new(),
    };
    let identity = ActivationIdentity {
        version: env!("CARGO_PKG_VERSION"),
        minimum: &opened.fingerprint,
        kernel: opened.minimum.force_field().kernel().to_string(),
        settings: &opened.settings,
        request,
        events: opened.events.iter().map(|event| event.id).collect(),
    };
    let kept = Kept::at(activation_file(catalogue), &identity, progress)?;
    progress.begin("follow barriers", (ways.len() * opened.events.len()) as u64);
    progress.resume(kept.earlier());
    let mut followed: Vec<Vec<FollowedEvent>> = Vec::new();
    for (first, way) in (0..).step_by(opened.events.len().max(1)).zip(ways) {
        let end = f64::from(*way) * request.to;
        // The stored barrier is that at zero strain; that at zero stress added is another, and is the same
        // both ways.
        let begin = usize::from(!loading.is_stress() || !result.ways.is_empty());
        let gammas: Vec<f64> = (begin..=request.steps)
            .map(|step| end * step as f64 / request.steps as f64)
            .collect();
        let minimum =
            LoadedMinimum::follow(&opened.minimum, loading, &gammas, &opened.settings, load)
                .map_err(|error| {
                    PipelineError::in_file(catalogue, error).unless(interrupt, go_on)
                })?;
        let numbered: Vec<(u64, &EventRecord)> = (first..).zip(&opened.events).collect();
        let found = kept.side_by_side(&numbered, |event| {
            let followed = minimum.follow_event(event);
            if interrupt.is_requested() {
                // It may have been cut short.
                return Err(PipelineError::Interrupted { resume: go_on() });
            }
            followed.map_err(|error| PipelineError::Failed(format!("event {}: {error}", event.id)))
        })?;
        result.ways.push(LoadedWay {
            way: *way,
            minimum_unstable: minimum.unstable(),
            states: count_states(&found, |_| true),
            states_at_zero: count_states(&found, |end| {
                end.is_some_and(|end| end.first_without == 0.0)
            }),
        });
        followed.push(found);
    }
    progress.end();
    kept.close();
    for (k, event) in opened.events.iter().enumerate() {
        if !loading.is_stress() {
            result.rows.push(stored(event));
        }
        for (found, way) in followed.iter().zip(ways) {
            add(&mut result, event.id, *way, &found[k]);
        }
    }
    Ok(result)
}

/// How often each state occurs among the ends that are asked for, by name.
fn count_states(
    found: &[FollowedEvent],
    asked: impl Fn(Option<LoadEnd>) -> bool,
) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for event in found.iter().filter(|event| asked(event.end)) {
        let state = event.end.map_or(LoadedState::Followed, |end| end.state);
        *counts.entry(state.name().to_owned()).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn stored(event: &EventRecord) -> ActivationRow {
    ActivationRow {
        event: event.id,
        gamma: 0.0,
        barrier: Some(event.barrier_forward),
        barrier_reverse: Some(event.barrier_reverse),
        slope: None,
        omega_xy: event.activation_volume(),
        activation_volume: event.plastic_saddle.map(|plastic| plastic.0),
        state: "stored".to_owned(),
    }
}

fn add(result: &mut Activation, event: u64, way: i8, found: &FollowedEvent) {
    for point in &found.points {
        result.rows.push(ActivationRow {
            event,
            gamma: point.gamma,
            barrier: Some(point.barrier),
            barrier_reverse: point.barrier_reverse,
            slope: Some(point.slope),
            omega_xy: point.omega_xy(),
            activation_volume: point.plastic.map(|plastic| plastic.0),
            state: LoadedState::Followed.name().to_owned(),
        });
    }
    // What is no event at zero load is none both ways: one row says so.
    let said = |end: &LoadEnd| way != result.ways[0].way && end.first_without == 0.0;
    if let Some(end) = found.end.filter(|end| !said(end)) {
        result.rows.push(ActivationRow {
            event,
            gamma: end.first_without,
            barrier: None,
            barrier_reverse: None,
            slope: None,
            omega_xy: None,
            activation_volume: None,
            state: end.state.name().to_owned(),
        });
    }
    let reached = found.path.last().map_or(0.0, |point| point.gamma);
    result.ends.push(ActivationEnd {
        event,
        way,
        state: found
            .end
            .map_or(LoadedState::Followed, |end| end.state)
            .name()
            .to_owned(),
        last: reached,
        first_without: found.end.map(|end| end.first_without),
        extrapolated: found.end.and_then(|end| end.extrapolated),
    });
    let path = found.path.iter().map(|point| (event, way, *point));
    result.path.extend(path);
}

fn text(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| format!("{value:?}"))
}

/// Writes all points of all events as a table, those between the steps, too.
///
/// # Errors
/// Where the file cannot be written, or exists and may not be replaced.
pub fn write_activation_csv(
    activation: &Activation,
    path: &Path,
    mode: Overwrite,
) -> Result<(), PipelineError> {
    write_atomic(path, mode, |writer| {
        comment(
            writer,
            &format!(
                "barriers under the {} gamma times {:?} (xx, yy, zz, xy, xz, yz){}",
                activation.control,
                activation.direction,
                if activation.control == "stress" {
                    ", added to that of the minimum: nominal stress, barriers of the enthalpy"
                } else {
                    ""
                }
            ),
        )?;
        writeln!(
            writer,
            "event,gamma,barrier,barrier_reverse,slope,lowest_eigenvalue,omega_xy,\
             q_xx,q_yy,q_zz,q_xy,q_xz,q_yz"
        )?;
        for (event, _, point) in &activation.path {
            let tensor = point
                .plastic
                .map_or_else(|| ",,,,,".to_owned(), |q| crate::csv::numbers(&q.0));
            writeln!(
                writer,
                "{event},{:?},{:?},{},{:?},{:?},{},{tensor}",
                point.gamma,
                point.barrier,
                text(point.barrier_reverse),
                point.slope,
                point.lowest_eigenvalue,
                text(point.omega_xy()),
            )?;
        }
        Ok(())
    })?;
    Ok(())
}
