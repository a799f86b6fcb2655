//! What molecular dynamics does around a minimum of a catalogue while it is left alone. The verb `harvest`.
//!
//! [`stationary_series`] quenches a trajectory at equal times, `states` tells the minima of all trajectories
//! apart, [`summary`] makes weights and lasting exits of the visits by `metabasin-graphs`,
//! [`RelaxationModulus`] is the softening by flips, `well_modulus` what heat does without them, and `stored` adds the visits to the graph of states that
//! the catalogue keeps. States are those of the whole sample: beyond some
//! thousand atoms hardly one is seen twice, and only moduli and energies are worth reading.

mod relaxation_modulus;
mod series;
mod states;
mod stored;
mod summary;
mod visited_stiffness;
mod well_modulus;

use std::path::{Path, PathBuf};
use std::time::Instant;

use metabasin_catalogue::{Catalogue, HarvestRecord, WellModuli};
use metabasin_files::{Overwrite, write_atomic};
use serde::{Deserialize, Serialize};

use crate::config::HarvestStage;
use crate::escape::{Setting, Trajectory, many_times, positive};
use crate::journal::{Kept, beside};
use crate::memory::{of_visited_minima, require_for};
use crate::trajectory_dynamics::TrajectoryDynamics;
use crate::trajectory_start::TrajectoryStart;
use crate::{Interrupt, PipelineError, Progress, csv};
pub use relaxation_modulus::{ModulusPoint, RelaxationModulus};
pub(crate) use series::{StationarySeries, VisitedMinimum, stationary_series};
pub(crate) use states::States;
pub(crate) use stored::{as_series, check_temperature, counts_of, with_visits};
use stored::{before, check_addition};
pub(crate) use summary::LASTING_PERIODS;
use summary::summary;
use visited_stiffness::visited_stiffnesses;

/// Place of these trajectories' random streams: none of `escape` or `recall`.
const STREAMS: u64 = 1 << 16;
/// What is asked.
#[derive(Clone, Debug, Serialize)]
pub struct HarvestRequest {
    /// Trajectories.
    pub trajectories: u64,
    /// Time at the start of each that is not looked at `[τ]`.
    pub settle: f64,
    /// Time that is `[τ]`.
    pub duration: f64,
    /// Time between two quenches `[τ]`.
    pub interval: f64,
    /// How trajectories are run.
    pub dynamics: TrajectoryDynamics,
}

impl Default for HarvestRequest {
    fn default() -> Self {
        let stage = HarvestStage::default();
        Self {
            trajectories: stage.trajectories,
            settle: stage.settle.tau(),
            duration: stage.duration.tau(),
            interval: stage.interval.tau(),
            dynamics: TrajectoryDynamics::default(),
        }
    }
}

/// A state that was visited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VisitedState {
    /// Energy above that of the minimum of the catalogue `[energy]`.
    pub energy: f64,
    /// Share of the quenches.
    pub share: f64,
    /// Times that it was entered.
    pub entries: u64,
    /// Weight in equilibrium; none where it was not entered and left.
    pub weight: Option<f64>,
    /// Standard error of the logarithm of the weight.
    pub weight_error: Option<f64>,
    /// Its metabasin, numbered from 0; none without a weight.
    pub metabasin: Option<usize>,
    /// V (σ of the minimum of the catalogue − its own) in xy, xz, yz `[energy]`.
    pub dipole: [f64; 3],
    /// Atoms that stand elsewhere by more than 0.1 σ.
    pub moved_atoms: usize,
    /// Whether the catalogue stored it before: another harvest visited it, or each group of atoms that
    /// moved stands where a verified event brings it.
    pub stored: bool,
}

/// What `harvest` reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Harvest {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Seed of the trajectories.
    pub seed: u64,
    /// Time between two quenches `[τ]`.
    pub interval: f64,
    /// Trajectories.
    pub trajectories: u64,
    /// Time of all together `[τ]`.
    pub time: f64,
    /// Jumps from one state to another that were seen.
    pub jumps: u64,
    /// Mean energy of the second halves above that of the first halves `[energy]`: below zero, the sample
    /// ages.
    pub energy_drift: f64,
    /// Its standard error over trajectories; none of fewer than four.
    pub energy_drift_error: Option<f64>,
    /// Share of the time in states that another trajectory visited, too.
    pub time_in_seen_states: Option<f64>,
    /// Share of the time in states that the catalogue stored before.
    pub time_in_stored_states: f64,
    /// Metabasins of the states that have a weight.
    pub metabasins: usize,
    /// Exits from a metabasin without a return within ten attempt periods.
    pub lasting_exits: u64,
    /// Lasting exits a time `[1/τ]`.
    pub lasting_rate: f64,
    /// Its exact limits at two standard deviations `[1/τ]`.
    pub lasting_rate_interval: [f64; 2],
    /// χ² of detailed balance.
    pub imbalance: Option<f64>,
    /// Its degrees of freedom.
    pub imbalance_degrees: Option<usize>,
    /// G(t) of xy, xz and yz; empty where no visited minimum has a stiffness.
    pub moduli: Vec<RelaxationModulus>,
    /// Moduli of the visited minima and of their wells at this temperature, in xy, xz and yz; none where the
    /// stays were too short or trajectories too few to tell.
    pub wells: Option<WellModuli>,
    /// The states, the most visited first.
    pub states: Vec<VisitedState>,
    /// Wall seconds.
    pub seconds: f64,
}

impl Harvest {
    /// The result in a sentence.
    pub fn verdict(&self) -> String {
        let seen = self.time_in_seen_states.map_or(String::new(), |share| {
            format!(
                ", {:.0} % of the time in such that another trajectory saw",
                100.0 * share
            )
        });
        format!(
            "{} states in {:.4} tau{seen}; the catalogue stores {:.0} % of the time",
            self.states.len(),
            self.time,
            100.0 * self.time_in_stored_states
        )
    }
}

/// The file beside a catalogue that holds the trajectories of a harvest that is not finished.
pub(crate) fn harvest_file(catalogue: &Path) -> PathBuf {
    beside(catalogue, ".harvest")
}

fn check(request: &HarvestRequest) -> Result<(), PipelineError> {
    for (name, value) in [
        ("--duration", request.duration),
        ("--interval", request.interval),
    ] {
        positive(name, value)?;
    }
    let settle = request.settle;
    if !(settle >= 0.0 && settle / request.interval <= 1e9) {
        return Err(PipelineError::BadInput(format!(
            "--settle must be at least 0 and at most 1e9 times --interval, got {settle}"
        )));
    }
    many_times(
        "--interval",
        request.interval,
        (request.dynamics.time_step, 1.0),
    )?;
    many_times("--duration", request.duration, (request.interval, 4.0))?;
    if request.trajectories == 0 {
        return Err(PipelineError::BadInput(
            "--trajectories must be at least 1".to_owned(),
        ));
    }
    Ok(())
}

/// What trajectories follow from, besides their number: those of the same are the same, to the bit.
#[derive(Serialize)]
struct HarvestIdentity<'a> {
    version: &'a str,
    /// Fingerprint of the minimum.
    minimum: &'a str,
    kernel: String,
    temperature: f64,
    request: &'a HarvestRequest,
}

/// What becomes of the visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// They are told.
    Nothing,
    /// They are told and added to the graph of states in the catalogue.
    States,
}

/// Leaves molecular dynamics alone around the minimum of a catalogue, at its cell, and tells where it
/// stays, how it goes from state to state and how much that softens the sample.
///
/// Trajectories that finished before a stop are kept in a file beside the catalogue until all is done.
///
/// # Errors
/// A catalogue that cannot be read, whose minimum is none, or which has no temperature; settings out of
/// bounds; dynamics or quenches that fail; states that do not add up with those of the catalogue, or a
/// catalogue that cannot be written to, where they are to be kept; or on request.
pub fn harvest(
    path: &Path,
    (request, keep): (&HarvestRequest, Keep),
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Harvest, PipelineError> {
    let clock = Instant::now();
    request.dynamics.check()?;
    check(request)?;
    let start = TrajectoryStart::open(path, (&request.dynamics, interrupt))?;
    let temperature = start.temperature;
    let home = start.searcher.minimum();
    let setting = request.dynamics.looked_at_every(request.interval);
    let setting = Setting::new(home, &[], &setting);
    let interval = setting.interval();
    let moments = |time: f64| (time / interval).round() as u64;
    let lengths = (moments(request.settle), moments(request.duration).max(4));
    let atoms = home.configuration().len();
    let running = rayon::current_num_threads();
    let bytes = of_visited_minima(atoms, (request.trajectories, lengths.1), running);
    let remedy = "take fewer trajectories, a shorter --duration or a longer --interval";
    require_for("harvest", atoms, bytes, remedy)?;
    let kernel = home.force_field().kernel().to_string();
    let harvest = HarvestRecord {
        seed: request.dynamics.seed,
        temperature,
        trajectories: request.trajectories,
        settle: lengths.0 as f64 * interval,
        duration: lengths.1 as f64 * interval,
        interval,
        friction_time: request.dynamics.friction_time,
        time_step: request.dynamics.time_step,
        kernel: kernel.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wells: None,
    };
    if keep == Keep::States {
        // What cannot be written to is found before the work.
        drop(Catalogue::open(path)?);
        if let Some(graph) = &start.graph {
            check_addition(graph, &harvest)?;
        }
    }
    let identity = HarvestIdentity {
        version: env!("CARGO_PKG_VERSION"),
        minimum: &start.sample.fingerprint,
        kernel,
        temperature,
        request,
    };
    let kept = Kept::at(harvest_file(path), &identity, progress)?;
    progress.begin("trajectories", request.trajectories);
    progress.resume(kept.earlier());
    let work: Vec<(u64, u64)> = (0..request.trajectories).map(|k| (k, k)).collect();
    let series: Vec<StationarySeries> = kept.side_by_side(&work, |&index| {
        let mut trajectory = Trajectory::new(&setting, temperature, (STREAMS, index), interrupt)?;
        stationary_series(&mut trajectory, home, lengths)
    })?;
    progress.end();
    let stiffnesses = visited_stiffnesses(&series, home, progress)?;
    let graph = start.graph.clone().unwrap_or_default();
    let seen = before(&graph, &harvest);
    let found = summary(&series, (&start, &seen), interval, &stiffnesses)?;
    if keep == Keep::States {
        let mut catalogue = Catalogue::open(path)?;
        // As it is now: others may have added theirs meanwhile.
        let graph = catalogue.graph()?.unwrap_or_default();
        let harvest = HarvestRecord {
            wells: found.wells,
            ..harvest
        };
        let graph = with_visits(graph, series, harvest, &start.sample)?;
        catalogue.set_graph(&graph)?;
    }
    kept.close();
    Ok(Harvest {
        seed: request.dynamics.seed,
        seconds: clock.elapsed().as_secs_f64(),
        ..found
    })
}

/// Writes the states as CSV.
///
/// # Errors
/// What the system reports, or a file in the way.
pub fn write_harvest_csv(
    harvest: &Harvest,
    output: &Path,
    overwrite: Overwrite,
) -> Result<(), PipelineError> {
    write_atomic(output, overwrite, |writer| {
        let what = format!(
            "states that molecular dynamics visited; k_B T {:?}, {} trajectories of seed {}, quenched every \
             {:?} tau",
            harvest.temperature, harvest.trajectories, harvest.seed, harvest.interval
        );
        csv::comment(writer, &what)?;
        writeln!(
            writer,
            "energy,share,entries,weight,weight_relative_error,metabasin,dipole_xy,dipole_xz,dipole_yz,\
             moved_atoms,stored"
        )?;
        let real = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:?}"));
        for state in &harvest.states {
            let [xy, xz, yz] = state.dipole;
            writeln!(
                writer,
                "{:?},{:?},{},{},{},{},{xy:?},{xz:?},{yz:?},{},{}",
                state.energy,
                state.share,
                state.entries,
                real(state.weight),
                real(state.weight_error),
                state
                    .metabasin
                    .map_or(String::new(), |basin| basin.to_string()),
                state.moved_atoms,
                u8::from(state.stored),
            )?;
        }
        Ok(())
    })?;
    Ok(())
}
