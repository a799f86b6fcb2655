//! The states that molecular dynamics visited at zero load, relaxed in a sheared cell.

use metabasin_catalogue::{SampleRecord, StateGraph};
use metabasin_minimizers::{InherentStructure, MinimizeError};

use crate::displaced_minimum::{TOLD_APART, displaced_minimum, quenched};
use crate::escape::interrupted;
use crate::harvest::{VisitedMinimum, as_series};
use crate::stages::branches::side_by_side;
use crate::{Interrupt, PipelineError};

/// States in a cell sheared by γ, each reached without heat from where it lies at zero load.
pub(crate) struct StrainedStates {
    /// What the minimum of the catalogue became: reference of [`minima`](Self::minima).
    home: InherentStructure,
    /// The minimum that each state became, beside that of the catalogue.
    pub(crate) minima: Vec<VisitedMinimum>,
    /// The state that each became: itself, or another with which it fell together.
    pub(crate) became: Vec<usize>,
    /// The state that each comes back to when the strain is taken back; itself where that is none of them.
    pub(crate) returns_to: Vec<usize>,
    /// The sample in the sheared cell, which tells minima apart.
    sample: SampleRecord,
}

impl StrainedStates {
    /// Relaxes all states of a graph at the strain `gamma`.
    ///
    /// # Errors
    /// A quench that fails, or on request.
    pub(crate) fn relaxed(
        graph: &StateGraph,
        (home, sample): (&InherentStructure, &SampleRecord),
        gamma: f64,
        interrupt: &Interrupt,
    ) -> Result<Self, PipelineError> {
        let failed = |error: MinimizeError| {
            PipelineError::Failed(format!(
                "a stored state in the cell sheared by {gamma}: {error}"
            ))
        };
        let force_field = home.force_field().with_parallel(false);
        let sheared = |minimum: &InherentStructure, gamma: f64| {
            let configuration = minimum.configuration().sheared(gamma);
            quenched(&configuration, &force_field, TOLD_APART).map_err(failed)
        };
        let strained_home = sheared(home, gamma)?;
        let states: Vec<usize> = (0..graph.states.len()).collect();
        let at_rest = as_series(graph).minima;
        let relaxed = side_by_side(&states, |&state| {
            if interrupt.is_requested() {
                return Err(interrupted());
            }
            let displacement = &graph.states[state].displacement;
            let displacement = displacement.coordinates(home.configuration().len());
            let there = displaced_minimum(home, &displacement, TOLD_APART).map_err(failed)?;
            let strained = sheared(&there, gamma)?;
            let back = VisitedMinimum::beside(home, &sheared(&strained, -gamma)?);
            Ok(Relaxed {
                strained: VisitedMinimum::beside(&strained_home, &strained),
                returns: at_rest[state].is_same_state(&back, sample),
                back,
            })
        })?;
        let strained_sample = SampleRecord {
            cell: strained_home.configuration().cell.components(),
            positions: positions(&strained_home),
            ..sample.clone()
        };
        let quenches: Vec<u64> = graph.states.iter().map(|state| state.quenches).collect();
        let became = became(&relaxed, &quenches, &strained_sample);
        let stored = |state: usize| {
            let mut known = at_rest.iter();
            known.position(|known| known.is_same_state(&relaxed[state].back, sample))
        };
        let returns_to = became
            .iter()
            .map(|&state| {
                if relaxed[state].returns {
                    state
                } else {
                    stored(state).unwrap_or(state)
                }
            })
            .collect();
        Ok(Self {
            home: strained_home,
            minima: relaxed.into_iter().map(|state| state.strained).collect(),
            became,
            returns_to,
            sample: strained_sample,
        })
    }

    /// Whether a configuration quenched in the sheared cell is one of them.
    pub(crate) fn holds(&self, quenched: &InherentStructure) -> bool {
        let here = VisitedMinimum::beside(&self.home, quenched);
        let mut states = self.minima.iter();
        states.any(|state| state.is_same_state(&here, &self.sample))
    }
}

/// A state in the sheared cell and back.
struct Relaxed {
    strained: VisitedMinimum,
    back: VisitedMinimum,
    /// Whether it came back to itself.
    returns: bool,
}

fn positions(minimum: &InherentStructure) -> Vec<[f64; 3]> {
    let positions = minimum.configuration().positions.iter();
    positions.map(|&position| position.into()).collect()
}

/// Of states that fell together, the one that comes back to itself stands for all; where several do, or none,
/// the most visited.
fn became(relaxed: &[Relaxed], quenches: &[u64], sample: &SampleRecord) -> Vec<usize> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (state, here) in relaxed.iter().enumerate() {
        let same = |group: &&mut Vec<usize>| {
            relaxed[group[0]]
                .strained
                .is_same_state(&here.strained, sample)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(state),
            None => groups.push(vec![state]),
        }
    }
    let mut became = vec![0; relaxed.len()];
    for group in groups {
        // The first of equals.
        let rank = |&state: &usize| (relaxed[state].returns, quenches[state], usize::MAX - state);
        let end = group.iter().copied().max_by_key(rank).unwrap_or_default();
        for state in group {
            became[state] = end;
        }
    }
    became
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use metabasin_catalogue::StateRecord;
    use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
    use metabasin_landscape::{SearchSettings, relaxed_stiffness, settle};
    use metabasin_testkit::small_inherent_structure;

    use super::*;

    fn state(minimum: VisitedMinimum) -> StateRecord {
        StateRecord {
            energy: minimum.energy,
            stress: minimum.stress,
            quenches: 1,
            displacement: minimum.displacement,
            ..StateRecord::default()
        }
    }

    /// The reference glass, twice, and its deeper neighbor.
    fn states() -> (InherentStructure, SampleRecord, StateGraph) {
        let field = ForceField::new(
            Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth)),
            Kernel::Portable,
        );
        let start = small_inherent_structure();
        let home = quenched(&start, &field, 1e-6).unwrap();
        let settings = SearchSettings::default();
        let go_on = |_| ControlFlow::Continue(());
        let settled = settle(&home, &settings, 1, 0, (7..8, 0.8), &go_on);
        let deep = settled.unwrap().unwrap().minimum;
        let sample = SampleRecord {
            cell: home.configuration().cell.components(),
            positions: positions(&home),
            species: home
                .configuration()
                .species
                .iter()
                .map(|s| s.number())
                .collect(),
            ..SampleRecord::default()
        };
        let mut states: Vec<StateRecord> = [&home, &deep, &home]
            .map(|minimum| state(VisitedMinimum::beside(&home, minimum)))
            .into();
        states[2].quenches = 5;
        let graph = StateGraph {
            states,
            ..StateGraph::default()
        };
        (home, sample, graph)
    }

    #[test]
    fn states_take_up_the_work_of_the_strain_and_the_same_fall_together() {
        let (home, sample, graph) = states();
        let gamma = 1e-3;
        let [plus, minus] = [gamma, -gamma].map(|gamma| {
            StrainedStates::relaxed(&graph, (&home, &sample), gamma, &Interrupt::new()).unwrap()
        });
        for strained in [&plus, &minus] {
            // The more visited of both stands for them.
            assert_eq!(strained.became, [2, 1, 2]);
            assert_eq!(strained.returns_to[1..], [1, 2]);
        }
        // dE = V σ dγ, of the difference between both minima.
        let volume = home.configuration().cell.volume();
        let [at_home, deep] = [0, 1].map(|k| graph.states[k].stress.xy());
        let work = (plus.minima[1].energy - minus.minima[1].energy) / (2.0 * gamma);
        let expected = volume * (deep - at_home);
        assert!(expected.abs() > 1.0);
        assert!(
            (work - expected).abs() < 1e-2 * expected.abs(),
            "{work} {expected}"
        );
        // G of the minimum, and the turn of its own stress.
        let slope = (plus.minima[0].stress.xy() - minus.minima[0].stress.xy()) / (2.0 * gamma);
        let stress = home.stress();
        let stiffness = relaxed_stiffness(&home).unwrap().0[3][3];
        let expected = stiffness + 0.5 * (stress.0[1] - stress.0[0]);
        assert!(
            (slope - expected).abs() < 5e-3 * expected,
            "{slope} {expected}"
        );
        // Told apart in the sheared cell.
        let deep = displaced_minimum(
            &home,
            &graph.states[1]
                .displacement
                .coordinates(home.configuration().len()),
            TOLD_APART,
        )
        .unwrap();
        let force_field = home.force_field();
        let there = quenched(
            &deep.configuration().sheared(gamma),
            &force_field,
            TOLD_APART,
        )
        .unwrap();
        assert!(plus.holds(&there));
        let only_home = StateGraph {
            states: graph.states[..1].to_vec(),
            ..graph
        };
        let only_home =
            StrainedStates::relaxed(&only_home, (&home, &sample), gamma, &Interrupt::new());
        assert!(!only_home.unwrap().holds(&there));
    }

    /// Beyond the yield strain nothing comes back to where it was.
    #[test]
    fn a_state_that_a_strain_took_away_does_not_come_back() {
        let (home, sample, graph) = states();
        let far = StrainedStates::relaxed(&graph, (&home, &sample), 0.2, &Interrupt::new());
        let far = far.unwrap();
        let field = home.force_field();
        let sheared = |minimum: &InherentStructure, gamma: f64| {
            quenched(&minimum.configuration().sheared(gamma), &field, TOLD_APART).unwrap()
        };
        let back = VisitedMinimum::beside(&home, &sheared(&sheared(&home, 0.2), -0.2));
        let at_rest = VisitedMinimum::beside(&home, &home);
        assert!(!at_rest.is_same_state(&back, &sample));
        // Where it comes back to is stored nowhere: it stays what it became.
        assert_eq!(far.returns_to[0], far.became[0]);
        assert_eq!(far.became[0], far.became[2]);
    }
}
