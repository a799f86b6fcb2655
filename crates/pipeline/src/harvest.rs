//! What molecular dynamics does around a minimum of a catalogue while it is left alone. The verb `harvest`.
//!
//! [`stationary_series`] quenches a trajectory at equal times, [`States`] tells the minima of all
//! trajectories apart, `metabasin-graphs` makes weights, fluxes and lasting exits of the visits, and
//! [`RelaxationModulus`] the softening by flips. States are those of the whole sample: beyond some
//! thousand atoms hardly one is seen twice, and only moduli and energies are worth reading.

mod relaxation_modulus;
mod series;
mod states;

use std::path::Path;
use std::time::Instant;

use metabasin_atoms::{Cell, Stress};
use metabasin_catalogue::{Catalogue, EventRecord, SampleRecord};
use metabasin_files::{Overwrite, write_atomic};
use metabasin_graphs::{Counts, ReversibleModel, lasting_exits, metabasins};
use metabasin_landscape::{Searcher, relaxed_stiffness};
use metabasin_minimizers::InherentStructure;
use serde::Serialize;

use crate::catalogue_reading::open_minimum;
use crate::config::KernelChoice;
use crate::displaced_minimum::displaced_minimum;
use crate::escape::{Setting, Trajectory, TrajectorySettings, positive};
use crate::journal::{Kept, beside};
use crate::memory::{of_visited_minima, require_for};
use crate::stages::branches::side_by_side;
use crate::{Interrupt, PipelineError, Progress, csv, poisson};
pub use relaxation_modulus::{ModulusPoint, RelaxationModulus};
use relaxation_modulus::{SHEAR, StressSeries, mean_and_error};
use series::{StationarySeries, stationary_series};
use states::{States, is_stored};

/// Place of these trajectories' random streams: none of `escape` or `recall`.
const STREAMS: u64 = 1 << 16;
/// Attempt periods within which states that exchange form one metabasin, and after which an exit lasts.
const LASTING_PERIODS: f64 = 10.0;
/// Moments whose minima the stiffness is averaged over.
const STIFFNESSES: usize = 16;
/// Atoms that moved farther count `[length]`.
const MOVED: f64 = 0.1;

/// What is asked.
#[derive(Clone, Debug, Serialize)]
pub struct HarvestRequest {
    /// k_B T `[energy]`; none: that of the sample.
    pub temperature: Option<f64>,
    /// Trajectories.
    pub trajectories: u64,
    /// Time at the start of each that is not looked at `[τ]`.
    pub settle: f64,
    /// Time that is `[τ]`.
    pub duration: f64,
    /// Time between two quenches `[τ]`.
    pub interval: f64,
    /// Relaxation time of the Langevin thermostat `[τ]`.
    pub friction_time: f64,
    /// Time step `[τ]`.
    pub time_step: f64,
    /// Seed.
    pub seed: u64,
    /// Force kernel.
    pub kernel: KernelChoice,
}

impl Default for HarvestRequest {
    fn default() -> Self {
        Self {
            temperature: None,
            trajectories: 8,
            settle: 50.0,
            duration: 250.0,
            interval: 1.0,
            friction_time: 5.0,
            time_step: 0.005,
            seed: 1,
            kernel: KernelChoice::default(),
        }
    }
}

/// A state that was visited.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// Whether the catalogue stores it: each group of atoms that moved stands where a verified event
    /// brings it.
    pub stored: bool,
}

/// What `harvest` reports.
#[derive(Clone, Debug, Serialize)]
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
    /// Share of the time in states that the catalogue stores.
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

fn check(request: &HarvestRequest) -> Result<(), PipelineError> {
    for (name, value) in [
        ("--duration", request.duration),
        ("--interval", request.interval),
        ("--friction-time", request.friction_time),
        ("--time-step", request.time_step),
    ] {
        positive(name, value)?;
    }
    let settle = request.settle;
    if !(settle >= 0.0 && settle / request.interval <= 1e9) {
        return Err(PipelineError::BadInput(format!(
            "--settle must be at least 0 and at most 1e9 times --interval, got {settle}"
        )));
    }
    for (name, longer, shorter, least) in [
        ("--interval", request.interval, request.time_step, 1.0),
        ("--duration", request.duration, request.interval, 4.0),
    ] {
        if longer < least * shorter || longer / shorter > 1e9 {
            return Err(PipelineError::BadInput(format!(
                "{name} must be {least} to 1e9 times {shorter}, got {longer}"
            )));
        }
    }
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

/// Leaves molecular dynamics alone around the minimum of a catalogue, at its cell, and tells where it
/// stays, how it goes from state to state and how much that softens the sample.
///
/// Trajectories that finished before a stop are kept in a file beside the catalogue until all is done.
///
/// # Errors
/// A catalogue that cannot be read, whose minimum is none, or which has no temperature; settings out of
/// bounds; dynamics or quenches that fail; or on request.
pub fn harvest(
    path: &Path,
    request: &HarvestRequest,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Harvest, PipelineError> {
    let clock = Instant::now();
    check(request)?;
    let catalogue = Catalogue::open_read_only(path)?;
    let sample = catalogue.sample()?;
    let events = catalogue.verified_events()?;
    let temperature = request
        .temperature
        .or(sample.temperature)
        .ok_or_else(|| PipelineError::in_file(path, "says no temperature: give --temperature"))?;
    positive("--temperature", temperature)?;
    let stop = || "the same command goes on with the trajectories that are left".to_owned();
    let (minimum, settings) = open_minimum(path, &sample, (request.kernel, interrupt))?;
    let searcher = Searcher::new(&minimum, settings, sample.seed, 0)
        .map_err(|error| PipelineError::in_file(path, error).unless(interrupt, stop))?;
    let home = searcher.minimum();
    let setting = TrajectorySettings {
        friction_time: request.friction_time,
        time_step: request.time_step,
        interval: request.interval,
        seed: request.seed,
    };
    let setting = Setting::new(home, &[], &setting);
    let interval = setting.interval();
    let moments = |time: f64| (time / interval).round() as u64;
    let lengths = (moments(request.settle), moments(request.duration).max(4));
    let atoms = home.configuration().len();
    let running = rayon::current_num_threads();
    let bytes = of_visited_minima(atoms, (request.trajectories, lengths.1), running);
    let remedy = "take fewer trajectories, a shorter --duration or a longer --interval";
    require_for("harvest", atoms, bytes, remedy)?;
    let identity = HarvestIdentity {
        version: env!("CARGO_PKG_VERSION"),
        minimum: &sample.fingerprint,
        kernel: home.force_field().kernel().to_string(),
        temperature,
        request,
    };
    let kept = Kept::at(beside(path, ".harvest"), &identity, progress)?;
    progress.begin("trajectories", request.trajectories);
    progress.resume(kept.earlier());
    let work: Vec<(u64, u64)> = (0..request.trajectories).map(|k| (k, k)).collect();
    let series: Vec<StationarySeries> = kept.side_by_side(&work, |&index| {
        let mut trajectory = Trajectory::new(&setting, temperature, (STREAMS, index), interrupt)?;
        stationary_series(&mut trajectory, home, lengths)
    })?;
    progress.end();
    let stiffnesses =
        stiffnesses(&series, home, progress).map_err(|error| error.unless(interrupt, stop))?;
    kept.close();
    let known = Known {
        sample: &sample,
        events: &events,
        temperature,
    };
    let harvest = summary(&series, &known, interval, &stiffnesses)?;
    Ok(Harvest {
        seed: request.seed,
        seconds: clock.elapsed().as_secs_f64(),
        ..harvest
    })
}

/// G_IS in xy, xz and yz of minima at equal times along the trajectories; what has no stiffness is left out.
fn stiffnesses(
    series: &[StationarySeries],
    home: &InherentStructure,
    progress: &dyn Progress,
) -> Result<Vec<[f64; 3]>, PipelineError> {
    let moments: Vec<(&StationarySeries, usize)> = series
        .iter()
        .flat_map(|one| (0..one.visits.len()).map(move |moment| (one, moment)))
        .collect();
    let number = STIFFNESSES.min(moments.len());
    let drawn: Vec<usize> = (0..number)
        .map(|k| (2 * k + 1) * moments.len() / (2 * number))
        .collect();
    progress.begin("stiffnesses", number as u64);
    let found: Vec<Option<[f64; 3]>> = side_by_side(&drawn, |&moment| {
        let (one, moment) = moments[moment];
        let there = &one.minima[one.visits[moment] as usize].displacement;
        let mut displacement = vec![0.0; 3 * home.configuration().len()];
        for (&atom, u) in there.atoms.iter().zip(&there.displacements) {
            displacement[3 * atom as usize..3 * atom as usize + 3].copy_from_slice(u);
        }
        let quenched = displaced_minimum(home, &displacement, STIFFNESS_TOLERANCE);
        let stiffness = quenched
            .ok()
            .and_then(|minimum| relaxed_stiffness(&minimum).ok());
        if home.interrupt().is_requested() {
            return Err(PipelineError::Interrupted {
                resume: "the same command goes on with the trajectories that are left".to_owned(),
            });
        }
        progress.advance(1);
        Ok(stiffness.map(|c| SHEAR.map(|(place, _)| c.0[place][place])))
    })?;
    progress.end();
    let lacking = found.iter().filter(|one| one.is_none()).count();
    if lacking > 0 {
        progress.note(&format!(
            "{lacking} of {number} visited minima have no stiffness and are left out of G_IS"
        ));
    }
    Ok(found.into_iter().flatten().collect())
}

/// Largest force of the minima whose stiffness is measured `[energy / length]`.
const STIFFNESS_TOLERANCE: f64 = 1e-6;

/// What the visits are laid beside.
struct Known<'a> {
    sample: &'a SampleRecord,
    events: &'a [EventRecord],
    temperature: f64,
}

fn summary(
    series: &[StationarySeries],
    known: &Known<'_>,
    interval: f64,
    stiffnesses: &[[f64; 3]],
) -> Result<Harvest, PipelineError> {
    let sample = known.sample;
    let states = States::of(series, sample);
    let mut counts = Counts::new(states.minima.len());
    for trajectory in &states.trajectories {
        counts.add(trajectory, interval);
    }
    let model = ReversibleModel::fit(&counts);
    let lasting_time = LASTING_PERIODS / sample.attempt_frequency;
    let basins = model
        .as_ref()
        .map(|model| metabasins(model, 1.0 / lasting_time))
        .unwrap_or_default();
    let basin_of = |state: usize| {
        let place = model.as_ref()?.states().binary_search(&state).ok()?;
        Some(basins[place])
    };
    let number = basins.iter().max().map_or(0, |last| last + 1);
    let window = (lasting_time / interval).ceil() as usize;
    let mut lasting = 0;
    let mut told = 0;
    for trajectory in &states.trajectories {
        // What has no weight is a metabasin of its own.
        let basins: Vec<usize> = trajectory
            .iter()
            .map(|&state| basin_of(state).unwrap_or(number + state))
            .collect();
        let found = lasting_exits(&basins, window);
        lasting += found.exits.len() as u64;
        told += found.belongs.iter().flatten().count();
    }
    let told = told as f64 * interval;
    let (low, high) = poisson::limits(lasting, 2.0);
    let visits: usize = states.trajectories.iter().map(Vec::len).sum();
    let visited = visited(&states, &counts, model.as_ref(), known, &basin_of)?;
    let stored: f64 = visited.iter().filter(|s| s.stored).map(|s| s.share).sum();
    let imbalance = model.as_ref().map(ReversibleModel::imbalance);
    let (energy_drift, energy_drift_error) = energy_drift(&states);
    Ok(Harvest {
        temperature: known.temperature,
        seed: 0,
        interval,
        trajectories: series.len() as u64,
        time: visits as f64 * interval,
        jumps: counts.all_jumps().map(|(.., n)| n).sum(),
        energy_drift,
        energy_drift_error,
        time_in_seen_states: states.seen_by_others(),
        time_in_stored_states: stored,
        metabasins: number,
        lasting_exits: lasting,
        lasting_rate: lasting as f64 / told,
        lasting_rate_interval: [low / told, high / told],
        imbalance: imbalance.map(|test| test.chi_squared),
        imbalance_degrees: imbalance.map(|test| test.degrees_of_freedom),
        moduli: moduli(series, &states, known, interval, stiffnesses),
        states: visited,
        seconds: 0.0,
    })
}

fn energy_drift(states: &States<'_>) -> (f64, Option<f64>) {
    let changes: Vec<f64> = states
        .trajectories
        .iter()
        .map(|trajectory| {
            let (first, second) = trajectory.split_at(trajectory.len() / 2);
            let mean = |half: &[usize]| {
                let energies = half.iter().map(|&state| states.minima[state].energy);
                energies.sum::<f64>() / half.len() as f64
            };
            mean(second) - mean(first)
        })
        .collect();
    let (mean, error) = mean_and_error(&changes);
    (mean, error.filter(|_| changes.len() >= 4))
}

fn visited(
    states: &States<'_>,
    counts: &Counts,
    model: Option<&ReversibleModel>,
    known: &Known<'_>,
    basin_of: &dyn Fn(usize) -> Option<usize>,
) -> Result<Vec<VisitedState>, PipelineError> {
    let sample = known.sample;
    let cell = Cell::new(sample.cell)
        .map_err(|error| PipelineError::BadInput(format!("the catalogue's cell: {error}")))?;
    let mut moments = vec![0_u64; states.minima.len()];
    for &state in states.trajectories.iter().flatten() {
        moments[state] += 1;
    }
    let all: u64 = moments.iter().sum();
    let mut visited: Vec<VisitedState> = states
        .minima
        .iter()
        .enumerate()
        .map(|(state, minimum)| {
            let entered = counts.all_jumps().filter(|(_, to, _)| *to == state);
            let moves = minimum.displacement.displacements.iter();
            let far = |u: &&[f64; 3]| u.iter().map(|c| c * c).sum::<f64>() > MOVED * MOVED;
            VisitedState {
                energy: minimum.energy,
                share: moments[state] as f64 / all as f64,
                entries: entered.map(|(.., n)| n).sum(),
                weight: model.and_then(|model| model.weight(state)),
                weight_error: model.and_then(|model| model.relative_error(state)),
                metabasin: basin_of(state),
                dipole: SHEAR.map(|(place, _)| {
                    sample.volume() * (sample.stress_minimum.0[place] - minimum.stress.0[place])
                }),
                moved_atoms: moves.filter(far).count(),
                stored: is_stored(minimum, known.events, sample, &cell),
            }
        })
        .collect();
    visited.sort_by(|a, b| b.share.total_cmp(&a.share));
    Ok(visited)
}

fn moduli(
    series: &[StationarySeries],
    states: &States<'_>,
    known: &Known<'_>,
    interval: f64,
    stiffnesses: &[[f64; 3]],
) -> Vec<RelaxationModulus> {
    if stiffnesses.is_empty() {
        return Vec::new();
    }
    let inherent: Vec<Vec<Stress>> = states
        .trajectories
        .iter()
        .map(|trajectory| {
            trajectory
                .iter()
                .map(|&s| states.minima[s].stress)
                .collect()
        })
        .collect();
    let dynamics: Vec<&[Stress]> = series.iter().map(|one| one.stresses.as_slice()).collect();
    let stresses = StressSeries {
        inherent: &inherent,
        dynamics: &dynamics,
        interval,
        volume_over_temperature: known.sample.volume() / known.temperature,
    };
    (0..)
        .zip(SHEAR)
        .map(|(k, component): (usize, _)| {
            let of: Vec<f64> = stiffnesses.iter().map(|c| c[k]).collect();
            RelaxationModulus::of(&stresses, component, &of)
        })
        .collect()
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
