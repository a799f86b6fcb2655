//! What the visits of trajectories add to the graph that a catalogue stores.

use metabasin_catalogue::{FluxRecord, HarvestRecord, SampleRecord, StateGraph, StateRecord};
use metabasin_graphs::{Counts, ReversibleModel};

use super::series::{StationarySeries, VisitedMinimum};
use super::states::States;
use crate::PipelineError;

/// Temperatures and intervals that differ by less are the same: they come back from a file.
const SAME: f64 = 1e-9;

/// The place of a harvest in a graph that holds just this one.
fn place_of(graph: &StateGraph, harvest: &HarvestRecord) -> Option<usize> {
    let mut stored = graph.harvests.iter();
    stored.position(|stored| stored.same_trajectories(harvest))
}

/// What a graph held before a harvest was stored in it: after a stop between storing and telling, the same
/// command tells the same.
pub(crate) fn before(graph: &StateGraph, harvest: &HarvestRecord) -> StationarySeries {
    let mut series = as_series(graph);
    if let Some(place) = place_of(graph, harvest) {
        let states = graph.states.iter();
        let known = states.take_while(|state| state.first_harvest < place);
        series.minima.truncate(known.count());
    }
    series
}

/// The states of a graph as minima that no trajectory of `series` visits.
pub(crate) fn as_series(graph: &StateGraph) -> StationarySeries {
    let minimum = |state: &StateRecord| VisitedMinimum {
        energy: state.energy,
        stress: state.stress,
        displacement: state.displacement.clone(),
    };
    StationarySeries {
        minima: graph.states.iter().map(minimum).collect(),
        visits: Vec::new(),
        stresses: Vec::new(),
        squares: Vec::new(),
        affine: Vec::new(),
    }
}

/// Times and jumps of a graph.
pub(crate) fn counts_of(graph: &StateGraph, states: usize) -> Counts {
    let mut counts = Counts::new(states);
    for (state, record) in graph.states.iter().enumerate() {
        counts.add_time(state, record.time);
    }
    for flux in &graph.fluxes {
        let [a, b] = flux.between;
        counts.add_jumps([a, b], flux.jumps[0]);
        counts.add_jumps([b, a], flux.jumps[1]);
    }
    counts
}

/// Whether two temperatures or two intervals are the same.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME * a.abs().max(b.abs())
}

/// Whether the weights of a graph are those of a temperature; why not, where they are not.
pub(crate) fn check_temperature(graph: &StateGraph, temperature: f64) -> Result<(), String> {
    let mut stored = graph.harvests.iter().map(|harvest| harvest.temperature);
    match stored.find(|&stored| !same(stored, temperature)) {
        Some(stored) => Err(format!(
            "the catalogue stores states of k_B T = {stored}, not of {temperature}"
        )),
        None => Ok(()),
    }
}

/// Whether trajectories may be added to a graph.
///
/// # Errors
/// Another temperature or interval, or trajectories of which it holds others of the same seed, named; just
/// these may be added again, which changes nothing.
pub(crate) fn check_addition(
    graph: &StateGraph,
    harvest: &HarvestRecord,
) -> Result<(), PipelineError> {
    if place_of(graph, harvest).is_some() {
        return Ok(());
    }
    for stored in &graph.harvests {
        for (what, there, here) in [
            ("k_B T", stored.temperature, harvest.temperature),
            ("an interval of", stored.interval, harvest.interval),
        ] {
            if !same(there, here) {
                return Err(PipelineError::BadInput(format!(
                    "the catalogue stores states at {what} {there}, these are at {here}: weights of both do \
                     not add up; take the same, or store them in another catalogue"
                )));
            }
        }
        if stored.seed == harvest.seed {
            return Err(PipelineError::BadInput(format!(
                "the catalogue stores other trajectories of seed {}: give another --seed",
                harvest.seed
            )));
        }
    }
    Ok(())
}

/// A graph with the visits of more trajectories.
///
/// # Errors
/// As [`check_addition`].
pub(crate) fn with_visits(
    graph: StateGraph,
    series: Vec<StationarySeries>,
    harvest: HarvestRecord,
    sample: &SampleRecord,
) -> Result<StateGraph, PipelineError> {
    check_addition(&graph, &harvest)?;
    if place_of(&graph, &harvest).is_some() {
        return Ok(graph);
    }
    let place = graph.harvests.len();
    let interval = harvest.interval;
    // What is stored comes first and keeps its numbers.
    let mut all = vec![as_series(&graph)];
    all.extend(series);
    let states = States::of(&all, sample);
    let mut counts = counts_of(&graph, states.minima.len());
    let mut quenches: Vec<u64> = graph.states.iter().map(|state| state.quenches).collect();
    quenches.resize(states.minima.len(), 0);
    for trajectory in &states.trajectories {
        counts.add(trajectory, interval);
        for &state in trajectory {
            quenches[state] += 1;
        }
    }
    let model = ReversibleModel::fit(&counts);
    let records = states.minima.iter().enumerate().map(|(state, minimum)| {
        let model = model.as_ref();
        let stored = graph.states.get(state);
        StateRecord {
            first_harvest: stored.map_or(place, |stored| stored.first_harvest),
            energy: minimum.energy,
            stress: minimum.stress,
            quenches: quenches[state],
            time: counts.time(state),
            weight: model.and_then(|model| model.weight(state)),
            weight_relative_error: model.and_then(|model| model.relative_error(state)),
            displacement: minimum.displacement.clone(),
        }
    });
    let mut pairs: Vec<[usize; 2]> = counts
        .all_jumps()
        .map(|(from, to, _)| [from.min(to), from.max(to)])
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let fluxes = pairs.into_iter().map(|between| {
        let [a, b] = between;
        let flux = model.as_ref().and_then(|model| {
            let fluxes = model.fluxes();
            let place = fluxes.binary_search_by_key(&between, |flux| flux.between);
            place.ok().map(|place| fluxes[place])
        });
        FluxRecord {
            between,
            jumps: [counts.jumps(a, b), counts.jumps(b, a)],
            flux: flux.map(|flux| flux.flux),
            flux_relative_error: flux.map(|flux| flux.relative_error),
        }
    });
    let (states, fluxes) = (records.collect(), fluxes.collect());
    let mut harvests = graph.harvests;
    harvests.push(harvest);
    Ok(StateGraph {
        harvests,
        states,
        fluxes,
    })
}

#[cfg(test)]
mod tests {
    use metabasin_atoms::Stress;
    use metabasin_catalogue::DisplacementField;

    use super::*;

    fn sample() -> SampleRecord {
        SampleRecord {
            cell: [20.0, 20.0, 20.0, 0.0, 0.0, 0.0],
            positions: (0..4).map(|k| [4.0 * f64::from(k), 0.0, 0.0]).collect(),
            species: vec![1, 1, 2, 2],
            ..SampleRecord::default()
        }
    }

    /// Where atom 0 stands, and how high.
    fn minimum(energy: f64, along: f64) -> VisitedMinimum {
        VisitedMinimum {
            energy,
            stress: Stress([0.0, 0.0, 0.0, along, 0.0, 0.0]),
            displacement: DisplacementField {
                atoms: vec![0],
                displacements: vec![[0.0, along, 0.0]],
                rest_norm: 0.0,
            },
        }
    }

    fn series(minima: &[(f64, f64)], visits: &[u32]) -> StationarySeries {
        StationarySeries {
            minima: minima.iter().map(|&(e, y)| minimum(e, y)).collect(),
            visits: visits.to_vec(),
            stresses: vec![Stress::ZERO; visits.len()],
            squares: vec![[0.0; 3]; visits.len()],
            affine: vec![[0.0; 3]; visits.len()],
        }
    }

    fn harvest(seed: u64) -> HarvestRecord {
        HarvestRecord {
            seed,
            temperature: 0.28,
            interval: 0.5,
            settle: 50.0,
            ..HarvestRecord::default()
        }
    }

    const PLACES: [(f64, f64); 3] = [(0.0, 0.0), (0.2, 0.5), (0.7, 1.0)];

    #[test]
    fn parts_add_up_to_the_whole() {
        let first = || series(&PLACES[..2], &[0, 0, 1, 0, 1, 1, 0]);
        // Its states in another order, one of them new.
        let second = || {
            series(
                &[PLACES[2], PLACES[0], PLACES[1]],
                &[1, 0, 1, 2, 1, 1, 0, 1],
            )
        };
        let sample = sample();
        let part = with_visits(StateGraph::default(), vec![first()], harvest(1), &sample).unwrap();
        let sum = with_visits(part, vec![second()], harvest(2), &sample).unwrap();
        let both = vec![first(), second()];
        let whole = with_visits(StateGraph::default(), both, harvest(1), &sample).unwrap();
        let of_first = |state: &StateRecord| StateRecord {
            first_harvest: 0,
            ..state.clone()
        };
        let states: Vec<StateRecord> = sum.states.iter().map(of_first).collect();
        assert_eq!(states, whole.states);
        assert_eq!(sum.fluxes, whole.fluxes);
        assert_eq!(sum.harvests.len(), 2);
        let first: Vec<usize> = sum.states.iter().map(|s| s.first_harvest).collect();
        assert_eq!(first, [0, 0, 1]);
        // Once more changes nothing, and what was there before is remembered.
        let again = with_visits(sum.clone(), vec![second()], harvest(2), &sample).unwrap();
        assert_eq!(again, sum);
        assert_eq!(before(&sum, &harvest(2)).minima.len(), 2);
        assert_eq!(before(&sum, &harvest(1)).minima.len(), 0);
        assert_eq!(before(&sum, &harvest(3)).minima.len(), 3);
        assert_eq!(
            sum.states.iter().map(|s| s.quenches).collect::<Vec<_>>(),
            [9, 4, 2]
        );
        assert_eq!(sum.fluxes[0].jumps, [3, 3]);
        // 13 moments of 15 are followed by another.
        let time: f64 = sum.states.iter().map(|s| s.time).sum();
        assert!((time - 6.5).abs() < 1e-12);
        let weights: f64 = sum.states.iter().filter_map(|s| s.weight).sum();
        assert!((weights - 1.0).abs() < 1e-12);
        // A flux between two states is weight times rate, so both ways give one.
        let counts = counts_of(&sum, 3);
        let model = ReversibleModel::fit(&counts).unwrap();
        for flux in &sum.fluxes {
            let [a, b] = flux.between;
            let there = sum.states[a].weight.unwrap() * model.rate(a, b);
            assert!((there - flux.flux.unwrap()).abs() < 1e-14);
        }
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let graph = with_visits(
            StateGraph::default(),
            vec![series(&PLACES[..2], &[0, 1, 0])],
            harvest(1),
            &sample(),
        )
        .unwrap();
        check_addition(&graph, &harvest(2)).unwrap();
        check_addition(&graph, &harvest(1)).unwrap();
        let refused = |harvest: HarvestRecord, what: &str| {
            let text = check_addition(&graph, &harvest).unwrap_err().to_string();
            assert!(text.contains(what), "{text}");
        };
        refused(
            HarvestRecord {
                settle: 51.0,
                ..harvest(1)
            },
            "of seed 1",
        );
        refused(
            HarvestRecord {
                temperature: 0.3,
                ..harvest(2)
            },
            "k_B T 0.28",
        );
        refused(
            HarvestRecord {
                interval: 1.0,
                ..harvest(2)
            },
            "interval of 0.5",
        );
    }
}
