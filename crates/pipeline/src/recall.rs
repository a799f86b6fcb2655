//! Whether a catalogue holds the ways by which molecular dynamics leaves its minimum. The verb `recall`.
//!
//! [`first_exit`] follows one trajectory to the first other minimum and finds the pass that leads
//! there, [`channels`] tells exits apart and looks for each in the catalogue, [`binomial`] puts error
//! bars on shares, and [`lasting_exits`] lays stationary trajectories beside the states of a harvest. First exits of walkers put at a minimum are a diagnosis of searches: they tell which
//! passes are missing, not what the metabasin around does.

mod binomial;
mod channels;
mod first_exit;
mod lasting_exits;
mod told;

use std::path::{Path, PathBuf};
use std::time::Instant;

use metabasin_catalogue::{EventRecord, RateSum, SampleRecord, StateGraph, good_turing_coverage};
use metabasin_minimizers::InherentStructure;
use serde::Serialize;

use crate::escape::{Setting, Trajectory, many_times, positive};
use crate::harvest::{StationarySeries, check_temperature, stationary_series};
use crate::journal::{Kept, beside};
use crate::memory::{of_visited_minima, require_for};
use crate::trajectory_dynamics::TrajectoryDynamics;
use crate::trajectory_start::TrajectoryStart;
use crate::{Interrupt, PipelineError, Progress, poisson};
pub(crate) use channels::MOVED;
pub use channels::{ExitChannel, ExitVerdict};
use first_exit::{FirstExit, first_exit};
use lasting_exits::stationary_recall;
pub use lasting_exits::{RecallWindow, StationaryRecall};
pub use told::{Recall, write_missing, write_recall_csv};

/// Place of the random streams of stationary trajectories: none of `escape`, `harvest` or `step`.
const STREAMS: u64 = 3 << 16;

/// Two-sided 95 % and one standard deviation: the probability of either tail.
const TAIL: f64 = 0.025;
const TAIL_OF_ERROR: f64 = 0.1587;

/// What is asked.
#[derive(Clone, Debug, Serialize)]
pub struct RecallRequest {
    /// Trajectories.
    pub trajectories: u64,
    /// Time between two quenches `[τ]`.
    pub interval: f64,
    /// Time after which a trajectory that stayed is given up `[τ]`.
    pub longest: f64,
    /// Stationary trajectories that are laid beside the states of a harvest, where the catalogue stores them.
    pub stationary: u64,
    /// Time at the start of each of these that is not looked at `[τ]`.
    pub settle: f64,
    /// Time of each that is `[τ]`.
    pub duration: f64,
    /// How trajectories are run.
    pub dynamics: TrajectoryDynamics,
}

impl Default for RecallRequest {
    fn default() -> Self {
        Self {
            trajectories: 24,
            interval: 0.25,
            longest: 100.0,
            stationary: 8,
            settle: 50.0,
            duration: 250.0,
            dynamics: TrajectoryDynamics::default(),
        }
    }
}

/// A share of something counted.
#[derive(Clone, Copy)]
struct Share {
    value: f64,
    /// Half the exact interval of one standard deviation.
    error: f64,
    /// The exact interval at 95 %.
    interval: [f64; 2],
}

impl Share {
    fn of(count: u64, trials: u64) -> Option<Self> {
        let [low, high] = binomial::interval(count, trials, TAIL_OF_ERROR);
        (trials > 0).then(|| Self {
            value: count as f64 / trials as f64,
            error: 0.5 * (high - low),
            interval: binomial::interval(count, trials, TAIL),
        })
    }
}

/// What trajectories follow from, besides their number: those of the same are the same, to the bit.
#[derive(Serialize)]
struct RecallIdentity<'a> {
    version: &'a str,
    /// Fingerprint of the minimum.
    minimum: &'a str,
    kernel: String,
    temperature: f64,
    home_distance: f64,
    request: RecallRequest,
}

/// The file beside a catalogue that holds the exits of a test that is not finished.
pub(crate) fn recall_file(catalogue: &Path) -> PathBuf {
    beside(catalogue, ".recall")
}

/// The same of stationary trajectories.
pub(crate) fn stationary_file(catalogue: &Path) -> PathBuf {
    beside(catalogue, ".recall-states")
}

fn check(request: &RecallRequest) -> Result<(), PipelineError> {
    for (name, value) in [
        ("--interval", request.interval),
        ("--longest", request.longest),
        ("--duration", request.duration),
    ] {
        positive(name, value)?;
    }
    if !(0.0..=1e9).contains(&request.settle) {
        return Err(PipelineError::BadInput(format!(
            "--settle must be 0 to 1e9, got {}",
            request.settle
        )));
    }
    many_times(
        "--interval",
        request.interval,
        (request.dynamics.time_step, 1.0),
    )?;
    many_times("--longest", request.longest, (request.interval, 1.0))?;
    if request.trajectories == 0 {
        return Err(PipelineError::BadInput(
            "--trajectories must be at least 1".to_owned(),
        ));
    }
    Ok(())
}

/// Lets molecular dynamics leave the minimum of a catalogue, at fixed cell, and looks for every way
/// that it took in the catalogue.
///
/// Every trajectory starts in the minimum and is quenched at regular times until it ends in another
/// minimum; the groups of atoms that moved together are exits of their own; the pass of each is the
/// first one on the way ([`metabasin_landscape::Searcher::event_towards`]). Trajectories that finished before a stop are
/// kept in a file beside the catalogue until the test is done.
///
/// # Errors
/// A catalogue that cannot be read, whose minimum is none, or which has no temperature; settings out of
/// bounds; a temperature at which every trajectory is gone by the first quench; or on request.
pub fn recall(
    path: &Path,
    request: &RecallRequest,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Recall, PipelineError> {
    let clock = Instant::now();
    request.dynamics.check()?;
    check(request)?;
    let start = TrajectoryStart::open(path, (&request.dynamics, interrupt))?;
    let TrajectoryStart {
        sample,
        events,
        temperature,
        searcher,
        graph,
    } = start;
    let graph = graph.filter(|_| request.stationary > 0);
    if let Some(graph) = &graph {
        let instead = "give that --temperature, or --stationary 0 to leave them out";
        check_temperature(graph, temperature)
            .map_err(|why| PipelineError::BadInput(format!("{why}: {instead}")))?;
    }
    let setting = request.dynamics.looked_at_every(request.interval);
    let setting = Setting::new(searcher.minimum(), &events, &setting);
    let interval = setting.interval();
    let longest = (request.longest / interval).ceil() as u64;
    let identity = RecallIdentity {
        version: env!("CARGO_PKG_VERSION"),
        minimum: &sample.fingerprint,
        kernel: searcher.minimum().force_field().kernel().to_string(),
        temperature,
        home_distance: setting.home_distance(),
        request: RecallRequest {
            stationary: 0,
            settle: 0.0,
            duration: 0.0,
            ..request.clone()
        },
    };
    let kept = Kept::at(recall_file(path), &identity, progress)?;
    progress.begin("exits", request.trajectories);
    progress.resume(kept.earlier());
    let work: Vec<(u64, u64)> = (0..request.trajectories).map(|k| (k, k)).collect();
    let found: Vec<FirstExit> = kept.side_by_side(&work, |&index| {
        let mut trajectory = Trajectory::new(&setting, temperature, (0, index), interrupt)?;
        let patience = (setting.home_distance(), longest);
        first_exit(&mut trajectory, &searcher, patience, interrupt)
    })?;
    progress.end();
    if found.iter().all(|f| f.at_home == 0 && !f.exits.is_empty()) {
        kept.close();
        return Err(PipelineError::BadInput(format!(
            "at k_B T = {temperature} each of {} trajectories is in another minimum at the first quench, \
             after {interval} tau: lower --temperature or --interval",
            request.trajectories
        )));
    }
    let stationary = match &graph {
        Some(graph) => {
            let identity = RecallIdentity {
                request: RecallRequest {
                    trajectories: 0,
                    interval: 0.0,
                    longest: 0.0,
                    ..request.clone()
                },
                ..identity
            };
            let asked = (&identity, searcher.minimum());
            beside_states(path, (graph, &sample), asked, (progress, interrupt))?
        }
        None => None,
    };
    kept.close();
    let rates = Exposed {
        temperature,
        interval,
        exposure: exposure(&found, interval),
    };
    let recall = summary(&found, &events, &sample, &rates);
    Ok(Recall {
        seed: request.dynamics.seed,
        time_in_stored_states: stationary.as_ref().map(|told| told.time_in_stored_states),
        windows: stationary
            .as_ref()
            .map_or(Vec::new(), |told| told.windows.clone()),
        stationary,
        seconds: clock.elapsed().as_secs_f64(),
        ..recall
    })
}

/// Follows stationary trajectories of streams of their own and lays them beside the stored states.
fn beside_states(
    path: &Path,
    (graph, sample): (&StateGraph, &SampleRecord),
    (identity, home): (&RecallIdentity<'_>, &InherentStructure),
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Option<StationaryRecall>, PipelineError> {
    let request = &identity.request;
    let interval = graph
        .harvests
        .first()
        .map_or(1.0, |harvest| harvest.interval);
    let setting = request.dynamics.looked_at_every(interval);
    let setting = Setting::new(home, &[], &setting);
    let interval = setting.interval();
    let moments = |time: f64| (time / interval).round() as u64;
    let lengths = (moments(request.settle), moments(request.duration).max(1));
    let atoms = home.configuration().len();
    let running = rayon::current_num_threads();
    let bytes = of_visited_minima(atoms, (request.stationary, lengths.1), running);
    require_for(
        "recall",
        atoms,
        bytes,
        "take fewer --stationary trajectories or a shorter --duration",
    )?;
    let kept = Kept::at(stationary_file(path), identity, progress)?;
    progress.begin("stationary trajectories", request.stationary);
    progress.resume(kept.earlier());
    let work: Vec<(u64, u64)> = (0..request.stationary).map(|k| (k, k)).collect();
    let series: Vec<StationarySeries> = kept.side_by_side(&work, |&index| {
        let address = (STREAMS, index);
        let mut trajectory = Trajectory::new(&setting, identity.temperature, address, interrupt)?;
        stationary_series(&mut trajectory, home, lengths)
    })?;
    progress.end();
    kept.close();
    Ok(stationary_recall(
        &series,
        (graph, sample),
        (interval, request.dynamics.seed),
    ))
}

/// Time at risk `[τ]`: an exit happened in the middle of its interval.
fn exposure(found: &[FirstExit], interval: f64) -> f64 {
    let at_risk = |f: &FirstExit| f.at_home as f64 + if f.exits.is_empty() { 0.0 } else { 0.5 };
    interval * found.iter().map(at_risk).sum::<f64>()
}

/// What counts become rates with.
struct Exposed {
    temperature: f64,
    interval: f64,
    exposure: f64,
}

fn summary(
    found: &[FirstExit],
    events: &[EventRecord],
    sample: &SampleRecord,
    &Exposed {
        temperature,
        interval,
        exposure,
    }: &Exposed,
) -> Recall {
    let channels = channels::channels(
        found.iter().flat_map(|f| &f.exits),
        events,
        sample,
        (temperature, exposure),
    );
    let with = |verdict: ExitVerdict| -> u64 {
        let these = channels.iter().filter(|c| c.verdict == verdict);
        these.map(|channel| channel.exits).sum()
    };
    let exits = channels.iter().map(|channel| channel.exits).sum();
    let held = with(ExitVerdict::Held);
    let by_rate = Share::of(held, exits);
    let again = || channels.iter().filter(|channel| channel.exits > 1);
    let held_again = again().filter(|c| c.verdict == ExitVerdict::Held);
    let by_count = Share::of(held_again.count() as u64, again().count() as u64);
    let counts: Vec<u64> = channels.iter().map(|channel| channel.exits).collect();
    let (low, high) = poisson::limits(exits, 2.0);
    let lasting_time = 10.0 / sample.attempt_frequency;
    Recall {
        temperature,
        seed: 0,
        interval,
        trajectories: found.len() as u64,
        stayed: found.iter().filter(|f| f.exits.is_empty()).count() as u64,
        exits,
        exposure,
        held,
        held_by_detour: with(ExitVerdict::HeldByDetour),
        missing: with(ExitVerdict::Missing),
        without_pass: with(ExitVerdict::NoPass),
        recall_by_rate: by_rate.map(|share| share.value),
        recall_by_rate_error: by_rate.map(|share| share.error),
        recall_by_rate_interval: by_rate.map(|share| share.interval),
        recall_by_count: by_count.map(|share| share.value),
        recall_by_count_error: by_count.map(|share| share.error),
        recall_by_count_interval: by_count.map(|share| share.interval),
        channels_seen: good_turing_coverage(&counts),
        rate_md: exits as f64 / exposure,
        rate_md_interval: [low / exposure, high / exposure],
        rate_catalogue: RateSum::at(events, sample, temperature, lasting_time).rate,
        time_in_stored_states: None,
        windows: Vec::new(),
        stationary: None,
        channels,
        events: events
            .iter()
            .map(|event| {
                (
                    event.barrier_forward,
                    event.rate_forward(sample, temperature),
                )
            })
            .collect(),
        seconds: 0.0,
    }
}
