//! What the visits of all trajectories tell.

use metabasin_atoms::{Cell, Stress};
use metabasin_files::findings::Measured;
use metabasin_graphs::{Counts, ReversibleModel, lasting_exits, metabasins};

use super::relaxation_modulus::{RelaxationModulus, SHEAR, StressSeries};
use super::series::{StationarySeries, VisitedMinimum};
use super::states::{States, is_stored};
use super::well_modulus::{Followed, well_moduli};
use super::{Harvest, VisitedState};
use crate::recall::MOVED;
use crate::trajectory_start::TrajectoryStart;
use crate::{PipelineError, poisson};

/// Attempt periods within which states that exchange form one metabasin, and after which an exit lasts.
pub(crate) const LASTING_PERIODS: f64 = 10.0;

/// What the visits tell, laid beside the catalogue and the minima `before` that other harvests stored; seed and seconds are left to whoever asked.
pub(crate) fn summary(
    series: &[StationarySeries],
    (known, before): (&TrajectoryStart, &StationarySeries),
    interval: f64,
    stiffnesses: &[[f64; 3]],
) -> Result<Harvest, PipelineError> {
    let sample = &known.sample;
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
    let visited = visited(&states, &counts, model.as_ref(), (known, before), &basin_of)?;
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
        wells: well_moduli(
            series,
            &states,
            stiffnesses,
            &Followed {
                volume: sample.volume(),
                atoms: sample.positions.len(),
                temperature: known.temperature,
            },
        ),
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
    let Measured {
        value: mean, error, ..
    } = Measured::of(&changes);
    (mean, error.filter(|_| changes.len() >= 4))
}

fn visited(
    states: &States<'_>,
    counts: &Counts,
    model: Option<&ReversibleModel>,
    (known, before): (&TrajectoryStart, &StationarySeries),
    basin_of: &dyn Fn(usize) -> Option<usize>,
) -> Result<Vec<VisitedState>, PipelineError> {
    let sample = &known.sample;
    let cell = Cell::new(sample.cell)
        .map_err(|error| PipelineError::BadInput(format!("the catalogue's cell: {error}")))?;
    let is_stored = |minimum: &VisitedMinimum| {
        let mut before = before.minima.iter();
        before.any(|known| known.is_same_state(minimum, sample))
            || is_stored(minimum, &known.events, sample, &cell)
    };
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
                moved_atoms: minimum.displacement.atoms_beyond(MOVED),
                stored: is_stored(minimum),
            }
        })
        .collect();
    visited.sort_by(|a, b| b.share.total_cmp(&a.share));
    Ok(visited)
}

fn moduli(
    series: &[StationarySeries],
    states: &States<'_>,
    known: &TrajectoryStart,
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
