//! A step of strain at fixed cell and back: molecular dynamics beside the Eshelby model of the same catalogue.
//! The verb `step`.
//!
//! No barostat, no unloading and no fit stands between the two: after the step the stress relaxes as atoms
//! flip, and after the step back what flipped stands against what did not. `windows` are the intervals of time,
//! `dynamics` steps molecular dynamics, `network` the model and `visited_states` what molecular dynamics visited at
//! zero load, which `strained_states` brings into the sheared cell; this file lays one beside the others.

mod dynamics;
mod network;
mod strained_states;
mod visited_states;
mod windows;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use metabasin_catalogue::HarvestRecord;
use metabasin_eshelby::Lattice;
use metabasin_files::findings::Measured;
use metabasin_files::{Overwrite, write_atomic};
use serde::Serialize;

use crate::digest::confidence::{agrees, margin};
use crate::escape::{Setting, many_times, positive};
use crate::journal::{Kept, beside};
use crate::memory::{of_trajectories, require_for};
use crate::stages::branches::side_by_side;
use crate::trajectory_dynamics::TrajectoryDynamics;
use crate::trajectory_start::TrajectoryStart;
use crate::{Interrupt, PipelineError, Progress, csv};
use dynamics::{SteppedPair, WatchedPair, stepped_pair};
use network::{network, stepped_lattice};
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

/// A number of molecular dynamics or of the model, with its standard error over pairs or runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SteppedStress {
    /// Mean xy stress over the strain of the step `[energy / length³]`.
    pub modulus: f64,
    /// Its standard error; none of fewer than two.
    pub modulus_error: Option<f64>,
    /// While held, how far it fell since the first interval of the hold, pair by pair; after the step back,
    /// how far it stands below zero `[energy / length³]`.
    pub relaxed: f64,
    /// Its standard error; none of fewer than two.
    pub relaxed_error: Option<f64>,
}

/// An interval of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRow {
    /// Whether the strain has been taken back.
    pub back: bool,
    /// Where it begins, since the step or the step back `[τ]`.
    pub from: f64,
    /// Where it ends `[τ]`.
    pub to: f64,
    /// Molecular dynamics.
    pub md: SteppedStress,
    /// Share of its trajectories, of both signs, that end the interval in a state that the catalogue stores.
    pub md_in_states: Option<f64>,
    /// The Eshelby model.
    pub kmc: Option<SteppedStress>,
    /// Whether both stand at the same stress: null where either has fewer than four pairs or runs, where
    /// molecular dynamics alone cannot be told from a solid that does not relax, or where the errors are too
    /// large; at 95 %, by Student's t.
    pub agrees: Option<bool>,
    /// The states that molecular dynamics visited at zero load, where the catalogue stores them; errors by the
    /// counts of their jumps.
    pub states: Option<SteppedStress>,
    /// Whether they stand where molecular dynamics does, as `agrees`.
    pub states_agree: Option<bool>,
}

/// What `step` reports.
#[derive(Clone, Debug, Serialize)]
pub struct StrainStep {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Strain of the step.
    pub strain: f64,
    /// How long it was held `[τ]`.
    pub hold: f64,
    /// Pairs of trajectories.
    pub pairs: u64,
    /// Runs of the model.
    pub runs: u64,
    /// Seed of trajectories and runs.
    pub seed: u64,
    /// Events in the model, each once.
    pub events: Option<usize>,
    /// Shear modulus of the model's medium, which is isotropic `[energy / length³]`.
    pub medium: Option<f64>,
    /// Why there is no model, where it was asked for.
    pub left_out: Option<String>,
    /// The intervals of the hold, then those after the step back.
    pub rows: Vec<StepRow>,
    /// Residual strain: minus the mean stress of the last interval after the step back, over the modulus of
    /// the first interval of the hold; of molecular dynamics.
    pub residual_strain_md: f64,
    /// Its standard error; none of fewer than two pairs.
    pub residual_strain_md_error: Option<f64>,
    /// The same of the model.
    pub residual_strain_kmc: Option<f64>,
    /// Its standard error, over runs.
    pub residual_strain_kmc_error: Option<f64>,
    /// States of the catalogue that have a weight.
    pub states: Option<usize>,
    /// Share of the harvested time that was spent in them.
    pub states_share: Option<f64>,
    /// Of their equilibrium at zero load, the share in states that the strain takes away without heat, mean of
    /// both signs.
    pub states_fallen: Option<f64>,
    /// Why they tell nothing, where the catalogue stores some.
    pub states_left_out: Option<String>,
    /// Residual strain by the states.
    pub residual_strain_states: Option<f64>,
    /// Its standard error.
    pub residual_strain_states_error: Option<f64>,
    /// Wall seconds.
    pub seconds: f64,
}

impl StrainStep {
    /// The result in a sentence.
    pub fn verdict(&self) -> String {
        let told = |of: fn(&StepRow) -> Option<bool>| -> [usize; 2] {
            let told: Vec<bool> = self.rows.iter().filter_map(of).collect();
            [told.iter().filter(|alike| **alike).count(), told.len()]
        };
        let mut beside = Vec::new();
        if self.runs > 0 && self.left_out.is_none() {
            beside.push(("the Eshelby model stands", told(|row| row.agrees)));
        }
        if self.states.is_some() {
            beside.push(("the visited states stand", told(|row| row.states_agree)));
        }
        if beside.is_empty() {
            return "molecular dynamics alone: nothing is laid beside it".to_owned();
        }
        if beside.iter().all(|(_, [_, told])| *told == 0) {
            return "in no interval can molecular dynamics and what is laid beside it be told apart or together: \
                    more --pairs or a longer --hold"
                .to_owned();
        }
        let sentences = beside.iter().map(|(what, [alike, told])| {
            format!(
                "{what} where molecular dynamics does in {alike} of the {told} intervals in which that can be told"
            )
        });
        sentences.collect::<Vec<String>>().join("; ")
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
    let asked = (request.runs > 0).then(|| {
        let cell = &home.configuration().cell;
        network(&start.sample, &start.events, cell, temperature)
    });
    let (model, left_out) = match asked {
        None => (None, None),
        Some(Ok(model)) => (Some(model), None),
        Some(Err(error)) => (None, Some(error.to_string())),
    };
    if let Some(why) = &left_out {
        progress.note(&format!("the Eshelby model is left out: {why}"));
    }
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
        Some(lattice) => stepped_runs(lattice, request, load, (progress, interrupt))?,
        None => Vec::new(),
    };
    kept.close();
    let drawn = (request.dynamics.seed, interrupt);
    let states = states.map(|states| states.predicted(temperature, load, drawn));
    let states: Option<Predicted> = states.transpose()?;
    let in_states = mean_in_states(&watched);
    let pairs: Vec<SteppedPair> = watched.into_iter().map(|pair| pair.stepped).collect();
    let md = Stepped::of(&pairs, request.strain);
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
        left_out,
        rows: rows(
            &md,
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
        states_left_out,
        residual_strain_states: residual_states.map(|residual| residual.value),
        residual_strain_states_error: residual_states.and_then(|residual| residual.error),
        seconds: clock.elapsed().as_secs_f64(),
    })
}

/// The runs of the Eshelby model.
fn stepped_runs(
    lattice: &Arc<Lattice>,
    request: &StepRequest,
    load: (f64, &[f64]),
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

/// Pairs or runs summed up: moduli and what relaxed of them, interval by interval, held, then back.
struct Stepped {
    moduli: Vec<Measured>,
    relaxed: Vec<Measured>,
    residual: Measured,
}

impl Stepped {
    fn of(pairs: &[SteppedPair], strain: f64) -> Self {
        let over = |of: &dyn Fn(&SteppedPair) -> f64| {
            Measured::of(&pairs.iter().map(of).collect::<Vec<f64>>())
        };
        let intervals = pairs.first().map_or(0, |pair| pair.held.len());
        let (mut moduli, mut relaxed) = (Vec::new(), Vec::new());
        for k in 0..intervals {
            moduli.push(over(&|pair| pair.held[k] / strain));
            relaxed.push(over(&|pair| (pair.held[0] - pair.held[k]) / strain));
        }
        for k in 0..intervals {
            moduli.push(over(&|pair| pair.back[k] / strain));
            relaxed.push(over(&|pair| -pair.back[k] / strain));
        }
        // The modulus is known far better than the residual stress: its error is left out.
        let first = moduli.first().map_or(f64::NAN, |modulus| modulus.value);
        let last = over(&|pair| -pair.back.last().copied().unwrap_or(f64::NAN));
        let residual = Measured {
            value: last.value / first,
            error: last.error.map(|error| error / first.abs()),
            ..last
        };
        Self {
            moduli,
            relaxed,
            residual,
        }
    }

    /// These numbers with the standard deviations of `draws` as their errors.
    fn with_spread(self, draws: &Self, number: usize) -> Self {
        let spread = |value: &Measured, drawn: &Measured| Measured {
            value: value.value,
            error: drawn.error.map(|error| error * (number as f64).sqrt()),
            independent: number,
        };
        let all = |values: &[Measured], drawn: &[Measured]| -> Vec<Measured> {
            values
                .iter()
                .zip(drawn)
                .map(|(a, b)| spread(a, b))
                .collect()
        };
        Self {
            moduli: all(&self.moduli, &draws.moduli),
            relaxed: all(&self.relaxed, &draws.relaxed),
            residual: spread(&self.residual, &draws.residual),
        }
    }

    fn at(&self, k: usize) -> SteppedStress {
        SteppedStress {
            modulus: self.moduli[k].value,
            modulus_error: self.moduli[k].error,
            relaxed: self.relaxed[k].value,
            relaxed_error: self.relaxed[k].error,
        }
    }
}

fn rows(
    md: &Stepped,
    kmc: Option<&Stepped>,
    states: Option<&Stepped>,
    (in_states, edges): (&[f64], &[f64]),
) -> Vec<StepRow> {
    let intervals = edges.len() - 1;
    (0..2 * intervals)
        .map(|k| {
            let ends = &edges[k % intervals..];
            let of_md = md.relaxed[k];
            let relaxes = margin(of_md).is_some_and(|margin| of_md.value.abs() > margin);
            let verdict = |other: Option<&Stepped>| {
                let verdict = agrees(Some(md.moduli[k]), other.map(|other| other.moduli[k]));
                verdict.filter(|_| relaxes)
            };
            StepRow {
                back: k >= intervals,
                from: ends[0],
                to: ends[1],
                md: md.at(k),
                md_in_states: in_states.get(k).copied(),
                kmc: kmc.map(|kmc| kmc.at(k)),
                agrees: verdict(kmc),
                states: states.map(|states| states.at(k)),
                states_agree: verdict(states),
            }
        })
        .collect()
}

/// Writes the intervals as CSV.
///
/// # Errors
/// What the system reports, or a file in the way.
pub fn write_step_csv(
    step: &StrainStep,
    output: &Path,
    overwrite: Overwrite,
) -> Result<(), PipelineError> {
    write_atomic(output, overwrite, |writer| {
        let what = format!(
            "a step of strain {:?} at fixed cell, held {:?} tau, and back; k_B T {:?}, {} pairs of trajectories \
             and {} runs of the model, seed {}; moduli in epsilon/sigma^3",
            step.strain, step.hold, step.temperature, step.pairs, step.runs, step.seed
        );
        csv::comment(writer, &what)?;
        writeln!(
            writer,
            "back,from,to,md_modulus,md_modulus_error,md_relaxed,md_relaxed_error,kmc_modulus,\
             kmc_modulus_error,kmc_relaxed,kmc_relaxed_error,agrees,states_modulus,states_modulus_error,\
             states_relaxed,states_relaxed_error,states_agree,md_in_states"
        )?;
        let real = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:?}"));
        let columns = |stress: Option<SteppedStress>| {
            [
                real(stress.map(|s| s.modulus)),
                real(stress.and_then(|s| s.modulus_error)),
                real(stress.map(|s| s.relaxed)),
                real(stress.and_then(|s| s.relaxed_error)),
            ]
            .join(",")
        };
        let verdict = |agrees: Option<bool>| agrees.map_or("", |yes| if yes { "1" } else { "0" });
        for row in &step.rows {
            writeln!(
                writer,
                "{},{:?},{:?},{},{},{},{},{},{}",
                u8::from(row.back),
                row.from,
                row.to,
                columns(Some(row.md)),
                columns(row.kmc),
                verdict(row.agrees),
                columns(row.states),
                verdict(row.states_agree),
                real(row.md_in_states),
            )?;
        }
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs whose stress falls from 0.3 by `relaxed`, and stands as far below zero after the step back, give
    /// or take `spread`.
    fn pairs(relaxed: f64, spread: f64, count: usize) -> Stepped {
        let pairs: Vec<SteppedPair> = (0..count)
            .map(|k| {
                let relaxed = relaxed + if k % 2 == 0 { spread } else { -spread };
                SteppedPair {
                    held: vec![0.3, 0.3 - relaxed],
                    back: vec![-relaxed, -relaxed],
                }
            })
            .collect();
        Stepped::of(&pairs, 0.02)
    }

    /// Draws scatter as single values, so their standard deviation is the error, not that of their mean.
    #[test]
    fn the_error_of_a_fit_is_the_spread_of_its_draws() {
        let fitted = pairs(0.06, 0.0, 1).with_spread(&pairs(0.05, 0.005, 6), 6);
        assert!((fitted.relaxed[1].value - 3.0).abs() < 1e-12);
        let spread = 0.005 * (6.0_f64 / 5.0).sqrt() / 0.02;
        for error in [fitted.relaxed[1].error, fitted.moduli[3].error] {
            assert!((error.unwrap() - spread).abs() < 1e-12);
        }
        assert_eq!(fitted.relaxed[1].independent, 6);
        assert!((fitted.residual.error.unwrap() - spread * 0.02 / 15.0).abs() < 1e-12);
    }

    fn verdicts(md: &Stepped, kmc: &Stepped) -> Vec<Option<bool>> {
        let rows = rows(md, Some(kmc), None, (&[], &[0.0, 1.0, 2.0]));
        rows.iter().map(|row| row.agrees).collect()
    }

    /// Six pairs of 0.06 ± 0.005 (standard error 0.0022, Student's t of 5 degrees 2.57): 0.055 agrees, 0.03
    /// differs, and what does not relax, or is known from three pairs, tells nothing.
    #[test]
    fn a_verdict_needs_a_relaxation_that_is_known() {
        let md = pairs(0.06, 0.005, 6);
        assert!((md.moduli[1].value - 12.0).abs() < 1e-12);
        assert!((md.relaxed[1].value - 3.0).abs() < 1e-12);
        assert!((md.relaxed[3].value - 3.0).abs() < 1e-12);
        let error = 0.005 / 5.0_f64.sqrt() / 0.02;
        assert!((md.relaxed[1].error.unwrap() - error).abs() < 1e-12);
        assert!((md.residual.value - 0.06 / 15.0).abs() < 1e-12);
        assert!((md.residual.error.unwrap() - error * 0.02 / 15.0).abs() < 1e-12);
        let like = verdicts(&md, &pairs(0.055, 0.001, 6));
        assert_eq!(like, [None, Some(true), Some(true), Some(true)]);
        let unlike = verdicts(&md, &pairs(0.03, 0.001, 6));
        assert_eq!(unlike, [None, Some(false), Some(false), Some(false)]);
        assert_eq!(verdicts(&md, &pairs(0.03, 0.001, 3)), [None; 4]);
        assert_eq!(
            verdicts(&pairs(0.004, 0.005, 6), &pairs(0.0, 0.001, 6)),
            [None; 4]
        );
    }
}
