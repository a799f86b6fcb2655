//! A step of strain at fixed cell and back: molecular dynamics beside the Eshelby model of the same catalogue.
//! The verb `step`.
//!
//! No barostat, no unloading and no fit stands between the two: after the step the stress relaxes as atoms
//! flip, and after the step back what flipped stands against what did not. `windows` are the intervals of time,
//! `dynamics` steps molecular dynamics, `network` the model and `visited_states` what molecular dynamics visited at
//! zero load, which `strained_states` brings into the sheared cell and `driven_states` lets flip there; `stepped`
//! lays one beside the others and `told` is what comes of it.

mod driven_states;
mod dynamics;
mod network;
mod stepped;
mod strained_states;
mod told;
mod visited_states;
mod windows;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use metabasin_catalogue::HarvestRecord;
use metabasin_eshelby::Lattice;
use serde::Serialize;

use crate::escape::{Setting, many_times, positive};
use crate::journal::{Kept, beside};
use crate::memory::{of_trajectories, require_for};
use crate::stages::branches::side_by_side;
use crate::thermal_softening::ThermalSoftening;
use crate::trajectory_dynamics::TrajectoryDynamics;
use crate::trajectory_start::TrajectoryStart;
use crate::{Interrupt, PipelineError, Progress};
use dynamics::{SteppedPair, WatchedPair, stepped_pair};
use network::{network, stepped_lattice, turn};
use stepped::{Stepped, rows};
pub use told::{StepRow, SteppedStress, StrainStep, write_step_csv};
use visited_states::{Predicted, SteppedStates};

/// Time between two looks at the clock and at requests to stop `[τ]`; equilibration is counted in it.
const INTERVAL: f64 = 1.0;
/// Largest strain of a step: beyond, glasses yield.
const LARGEST_STRAIN: f64 = 0.2;

/// What is asked.
#[derive(Clone, Debug, Serialize)]
pub struct StepRequest {
    /// Engineering shear strain of the step, both signs.
    pub strain: f64,
    /// How long it is held, and how long it is looked at after the step back `[τ]`.
    pub hold: f64,
    /// Pairs of trajectories of opposite sign.
    pub pairs: u64,
    /// Equilibration before the step `[τ]`.
    pub settle: f64,
    /// How trajectories are run; their seed is also that of whatever else is drawn.
    pub dynamics: TrajectoryDynamics,
    /// Runs of the Eshelby model, both signs each; 0: molecular dynamics alone.
    pub runs: u64,
}

impl Default for StepRequest {
    fn default() -> Self {
        Self {
            strain: 0.02,
            hold: 256.0,
            pairs: 8,
            settle: 50.0,
            dynamics: TrajectoryDynamics::default(),
            runs: 32,
        }
    }
}

/// The file beside a catalogue that holds the pairs of a step that is not finished.
pub(crate) fn step_file(catalogue: &Path) -> PathBuf {
    beside(catalogue, ".step")
}

fn check(request: &StepRequest) -> Result<(), PipelineError> {
    for (name, value) in [("--strain", request.strain), ("--hold", request.hold)] {
        positive(name, value)?;
    }
    let bad = |what: String| Err(PipelineError::BadInput(what));
    if request.strain > LARGEST_STRAIN {
        return bad(format!(
            "--strain must be at most {LARGEST_STRAIN}, got {}",
            request.strain
        ));
    }
    let settle = request.settle;
    if !(0.0..=1e9).contains(&settle) {
        return bad(format!("--settle must be 0 to 1e9, got {settle}"));
    }
    many_times("--hold", request.hold, (INTERVAL, 1.0))?;
    let time_step = request.dynamics.time_step;
    if !(INTERVAL / 1e9..=INTERVAL).contains(&time_step) {
        return bad(format!(
            "--time-step must be 1e-9 to {INTERVAL}, got {time_step}"
        ));
    }
    if request.pairs == 0 {
        return bad("--pairs must be at least 1".to_owned());
    }
    Ok(())
}

/// What trajectories follow from, besides their number: those of the same are the same, to the bit.
#[derive(Serialize)]
struct StepIdentity<'a> {
    version: &'a str,
    /// Fingerprint of the minimum.
    minimum: &'a str,
    kernel: String,
    temperature: f64,
    /// Where the states come from among which trajectories were looked up.
    states: Option<&'a [HarvestRecord]>,
    request: StepRequest,
}

/// Steps the sample of a catalogue by a strain at fixed cell and back, in molecular dynamics from its minimum
/// and in the Eshelby model of its events.
///
/// Half the difference between both signs is reported: what the sample had frozen in leaves it. Trajectories
/// that finished before a stop are kept in a file beside the catalogue until all is done.
///
/// # Errors
/// A catalogue that cannot be read, whose minimum is none, or which has no temperature; settings out of
/// bounds; dynamics that fail; or on request.
pub fn strain_step(
    path: &Path,
    request: &StepRequest,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<StrainStep, PipelineError> {
    let clock = Instant::now();
    request.dynamics.check()?;
    check(request)?;
    let start = TrajectoryStart::open(path, (&request.dynamics, interrupt))?;
    let temperature = start.temperature;
    let home = start.searcher.minimum();
    // Before the first step: that there is no model is known at once.
    let (model, left_out) = eshelby_model(&start, request.runs, progress);
    let (states, states_left_out) = stored_states(&start, request.strain, (progress, interrupt))?;
    let setting = request.dynamics.looked_at_every(INTERVAL);
    let setting = Setting::new(home, &[], &setting);
    let atoms = home.configuration().len();
    let bytes = of_trajectories(atoms, rayon::current_num_threads());
    require_for("step", atoms, bytes, "take fewer threads (--threads N)")?;
    let edges = windows::edges(request.hold);
    let graph = start.graph.as_ref().filter(|_| states.is_some());
    let harvests = graph.map(|graph| graph.harvests.as_slice());
    let identity = StepIdentity {
        version: env!("CARGO_PKG_VERSION"),
        minimum: &start.sample.fingerprint,
        kernel: home.force_field().kernel().to_string(),
        temperature,
        states: harvests,
        // The model is not kept: it is done in seconds.
        request: StepRequest {
            runs: 0,
            ..request.clone()
        },
    };
    let kept = Kept::at(step_file(path), &identity, progress)?;
    progress.begin("pairs of steps", request.pairs);
    progress.resume(kept.earlier());
    let work: Vec<(u64, u64)> = (0..request.pairs).map(|k| (k, k)).collect();
    let settle = (request.settle / setting.interval()).round() as u64;
    let load = (request.strain, edges.as_slice());
    let watched = kept.side_by_side(&work, |&index| {
        let beside = (states.as_ref(), interrupt);
        stepped_pair((&setting, temperature), load, (settle, index), beside)
    })?;
    progress.end();
    let stepped = match &model {
        Some(lattice) => {
            let load = (request.strain, edges.as_slice(), turn(&start.sample));
            stepped_runs(lattice, request, load, (progress, interrupt))?
        }
        None => Vec::new(),
    };
    kept.close();
    let drawn = (request.dynamics.seed, interrupt);
    let states = states.map(|states| states.predicted(temperature, load, drawn));
    let states: Option<Predicted> = states.transpose()?;
    let in_states = mean_in_states(&watched);
    let (pairs, inherent): (Vec<SteppedPair>, Vec<SteppedPair>) = watched
        .into_iter()
        .map(|pair| (pair.stepped, pair.inherent))
        .unzip();
    let md = Stepped::of(&pairs, request.strain);
    let inherent = Stepped::of(&inherent, request.strain);
    let kmc = (!stepped.is_empty()).then(|| Stepped::of(&stepped, request.strain));
    let residual_kmc = kmc.as_ref().map(|kmc| kmc.residual);
    let residual_states = states.as_ref().map(|states| states.stepped.residual);
    Ok(StrainStep {
        temperature,
        strain: request.strain,
        hold: request.hold,
        pairs: request.pairs,
        runs: stepped.len() as u64,
        seed: request.dynamics.seed,
        events: model.as_ref().map(|model| model.excitations()),
        medium: model
            .as_ref()
            .map(|model| model.kernel().elasticity().shear_modulus()),
        cell_modulus: model.as_ref().map(|model| model.shear_modulus()),
        left_out,
        rows: rows(
            (&md, &inherent),
            kmc.as_ref(),
            states.as_ref().map(|s| &s.stepped),
            (&in_states, &edges),
        ),
        residual_strain_md: md.residual.value,
        residual_strain_md_error: md.residual.error,
        residual_strain_kmc: residual_kmc.map(|residual| residual.value),
        residual_strain_kmc_error: residual_kmc.and_then(|residual| residual.error),
        states: states.as_ref().map(|states| states.states),
        states_share: states.as_ref().map(|states| states.share),
        states_fallen: states.as_ref().map(|states| states.fallen),
        softening: states
            .as_ref()
            .and_then(|s| s.softening.map(|(ratio, _)| ratio)),
        softening_error: states
            .as_ref()
            .and_then(|s| s.softening.map(|(_, error)| error)),
        states_left_out,
        residual_strain_states: residual_states.map(|residual| residual.value),
        residual_strain_states_error: residual_states.and_then(|residual| residual.error),
        seconds: clock.elapsed().as_secs_f64(),
    })
}

/// The Eshelby model of the sample, or why there is none where runs are asked for.
fn eshelby_model(
    start: &TrajectoryStart,
    runs: u64,
    progress: &dyn Progress,
) -> (Option<Arc<Lattice>>, Option<String>) {
    if runs == 0 {
        return (None, None);
    }
    let cell = &start.searcher.minimum().configuration().cell;
    let softening = ThermalSoftening::known(start.graph.as_ref(), start.temperature);
    let at = (start.temperature, softening);
    match network(&start.sample, &start.events, cell, at) {
        Ok(model) => (Some(model), None),
        Err(error) => {
            progress.note(&format!("the Eshelby model is left out: {error}"));
            (None, Some(error.to_string()))
        }
    }
}

/// The runs of the Eshelby model.
fn stepped_runs(
    lattice: &Arc<Lattice>,
    request: &StepRequest,
    load: (f64, &[f64], f64),
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Vec<SteppedPair>, PipelineError> {
    progress.begin("runs of the Eshelby model", request.runs);
    let runs: Vec<u64> = (0..request.runs).collect();
    let stepped = side_by_side(&runs, |&index| {
        let address = (request.dynamics.seed, index);
        let stepped = stepped_lattice(lattice, address, load, interrupt)?;
        progress.advance(1);
        Ok(stepped)
    })?;
    progress.end();
    Ok(stepped)
}

/// The states that the catalogue stores in the strained cell, or why they tell nothing; neither where it stores
/// none.
fn stored_states<'a>(
    start: &'a TrajectoryStart,
    strain: f64,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<(Option<SteppedStates<'a>>, Option<String>), PipelineError> {
    let Some(graph) = &start.graph else {
        return Ok((None, None));
    };
    progress.begin("stored states in the strained cell", 1);
    let home = (start.searcher.minimum(), &start.sample);
    let found = SteppedStates::new(graph, home, (start.temperature, strain), interrupt);
    progress.end();
    match found {
        Ok(states) => Ok((Some(states), None)),
        Err(error) if interrupt.is_requested() => Err(error),
        Err(error) => {
            progress.note(&error.to_string());
            Ok((None, Some(error.to_string())))
        }
    }
}

/// The share of all trajectories that end each interval in a stored state; empty where none is stored.
fn mean_in_states(pairs: &[WatchedPair]) -> Vec<f64> {
    let intervals = pairs.first().map_or(0, |pair| pair.in_states.len());
    (0..intervals)
        .map(|k| pairs.iter().map(|pair| pair.in_states[k]).sum::<f64>() / pairs.len() as f64)
        .collect()
}
