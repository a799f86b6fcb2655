//! Minima of all trajectories told apart, and what of them a catalogue stores.

use metabasin_atoms::Cell;
use metabasin_catalogue::{DisplacementField, EventRecord, SampleRecord};
use metabasin_landscape::{moved_together, same_minimum};
use nalgebra::Vector3;

use super::series::{SAME_ENERGY, StationarySeries, VisitedMinimum};

/// Minima whose atoms are this close are the same, like atoms exchanged or not `[length]`.
const SAME_STATE: f64 = 0.1;
/// A group of atoms is where an event brings it if none is farther from there `[length]`: half of a small
/// flip, and more than what flips elsewhere in the sample shift it by.
const SAME_GROUP: f64 = 0.15;

/// The states of a sample: minima, those that differ by an exchange of like atoms being one.
pub(crate) struct States<'a> {
    /// One minimum of each, in the order in which they were seen.
    pub(crate) minima: Vec<&'a VisitedMinimum>,
    /// The state at every quench of every trajectory.
    pub(crate) trajectories: Vec<Vec<usize>>,
}

impl VisitedMinimum {
    /// Whether both are the same but for an exchange of like atoms.
    pub(crate) fn is_same_state(&self, other: &Self, sample: &SampleRecord) -> bool {
        (self.energy - other.energy).abs() < SAME_ENERGY
            && same_minimum(&self.displacement, &other.displacement, sample, SAME_STATE)
    }
}

impl<'a> States<'a> {
    pub(crate) fn of(series: &'a [StationarySeries], sample: &SampleRecord) -> Self {
        let mut minima: Vec<&VisitedMinimum> = Vec::new();
        let trajectories = series
            .iter()
            .map(|one| {
                let states: Vec<usize> = one
                    .minima
                    .iter()
                    .map(|minimum| {
                        let same = |known: &&VisitedMinimum| known.is_same_state(minimum, sample);
                        minima.iter().position(same).unwrap_or_else(|| {
                            minima.push(minimum);
                            minima.len() - 1
                        })
                    })
                    .collect();
                one.visits.iter().map(|&k| states[k as usize]).collect()
            })
            .collect();
        Self {
            minima,
            trajectories,
        }
    }

    /// Of every trajectory the share of its quenches in states that others visited, together; none of a
    /// single one.
    pub(crate) fn seen_by_others(&self) -> Option<f64> {
        let visited: Vec<Vec<bool>> = self
            .trajectories
            .iter()
            .map(|trajectory| {
                let mut visited = vec![false; self.minima.len()];
                for &state in trajectory {
                    visited[state] = true;
                }
                visited
            })
            .collect();
        let mut seen = 0_usize;
        for (k, trajectory) in self.trajectories.iter().enumerate() {
            let by_others = |state: usize| {
                let others = visited.iter().enumerate().filter(|(other, _)| *other != k);
                others.into_iter().any(|(_, visited)| visited[state])
            };
            seen += trajectory.iter().filter(|&&state| by_others(state)).count();
        }
        let all: usize = self.trajectories.iter().map(Vec::len).sum();
        (self.trajectories.len() > 1 && all > 0).then(|| seen as f64 / all as f64)
    }
}

/// Whether a catalogue stores a state: every group of atoms that stands elsewhere than in its minimum
/// stands where one of its verified events brings it.
pub(crate) fn is_stored(
    minimum: &VisitedMinimum,
    events: &[EventRecord],
    sample: &SampleRecord,
    cell: &Cell,
) -> bool {
    let stored = &minimum.displacement;
    let distance = |a: usize, b: usize| {
        let [a, b] = [a, b].map(|atom| Vector3::from(sample.positions[atom]));
        cell.minimum_image(&(a - b)).norm()
    };
    let home = DisplacementField::default();
    let is_known = |group: &DisplacementField| {
        let verified = events.iter().filter(|event| event.is_verified());
        let ends = verified.map(|event| &event.displacement_final);
        let mut known = std::iter::once(&home).chain(ends);
        known.any(|end| same_minimum(group, end, sample, SAME_GROUP))
    };
    // What moves together by one event may look like several groups.
    if is_known(stored) {
        return true;
    }
    let groups = moved_together(&stored.coordinates(sample.positions.len()), &distance);
    !groups.is_empty()
        && groups.iter().all(|group| {
            let rows: Vec<[f64; 3]> = group.chunks(3).map(|u| [u[0], u[1], u[2]]).collect();
            is_known(&DisplacementField::from_full(&rows))
        })
}

#[cfg(test)]
mod tests {
    use metabasin_atoms::Stress;

    use super::*;

    /// Eight atoms on a line, 2 apart: each is a group of its own.
    fn sample() -> SampleRecord {
        SampleRecord {
            cell: [20.0, 20.0, 20.0, 0.0, 0.0, 0.0],
            positions: (0..8).map(|k| [2.0 * f64::from(k), 0.0, 0.0]).collect(),
            species: vec![1, 1, 1, 1, 2, 2, 2, 2],
            ..SampleRecord::default()
        }
    }

    fn minimum(energy: f64, moves: &[(u32, [f64; 3])]) -> VisitedMinimum {
        VisitedMinimum {
            energy,
            stress: Stress::ZERO,
            displacement: DisplacementField {
                atoms: moves.iter().map(|(atom, _)| *atom).collect(),
                displacements: moves.iter().map(|(_, u)| *u).collect(),
                rest_norm: 0.0,
            },
        }
    }

    fn series(minima: Vec<VisitedMinimum>, visits: &[u32]) -> StationarySeries {
        StationarySeries {
            stresses: vec![Stress::ZERO; visits.len()],
            squares: vec![[0.0; 3]; visits.len()],
            affine: vec![[0.0; 3]; visits.len()],
            minima,
            visits: visits.to_vec(),
        }
    }

    #[test]
    fn permutations_of_like_atoms_are_one_state() {
        let sample = sample();
        let exchanged = [(0, [2.0, 0.0, 0.3]), (1, [-2.0, 0.0, 0.0])];
        let moved = [(1, [0.0, 0.0, 0.3])];
        // Unlike ones.
        let others = [(3, [2.0, 0.0, 0.0]), (4, [-2.0, 0.0, 0.0])];
        let first = series(
            vec![minimum(0.0, &[]), minimum(0.2, &exchanged)],
            &[0, 0, 1, 0],
        );
        let second = series(
            vec![minimum(0.2, &moved), minimum(0.2, &others)],
            &[0, 1, 0],
        );
        let both = [first, second];
        let states = States::of(&both, &sample);
        assert_eq!(states.trajectories, [vec![0, 0, 1, 0], vec![1, 2, 1]]);
        // One quench of the first in a state of the second, two of the second in one of the first.
        assert_eq!(states.seen_by_others(), Some(3.0 / 7.0));
        assert_eq!(States::of(&both[..1], &sample).seen_by_others(), None);
    }

    #[test]
    fn a_state_is_stored_where_events_bring_each_of_its_groups() {
        let sample = sample();
        let cell = Cell::new(sample.cell).unwrap();
        let event = |moves: &[(u32, [f64; 3])]| EventRecord {
            converged: true,
            index: 1,
            connected: true,
            displacement_final: minimum(0.0, moves).displacement,
            ..EventRecord::default()
        };
        let up = (2, [0.0, 0.4, 0.0]);
        let down = (6, [0.0, -0.4, 0.0]);
        let events = [event(&[up]), event(&[down])];
        let stored = |moves: &[(u32, [f64; 3])], events: &[EventRecord]| {
            is_stored(&minimum(0.1, moves), events, &sample, &cell)
        };
        assert!(stored(&[], &[]) && stored(&[(1, [0.05, 0.0, 0.0])], &[]));
        assert!(stored(&[up], &events) && stored(&[up, down], &events));
        assert!(!stored(&[up, down], &events[..1]));
        assert!(!stored(&[(2, [0.0, -0.4, 0.0])], &events));
        let mut refused = event(&[up]);
        refused.index = 2;
        assert!(!stored(&[up], &[refused]));
        // Like atoms that exchanged their places are where they were.
        let exchanged = [(0, [2.0, 0.0, 0.0]), (1, [-2.0, 0.0, 0.0])];
        assert!(stored(&exchanged, &[]));
        // One event that moves both.
        assert!(stored(&[up, down], &[event(&[up, down])]));
        assert!(!stored(&[up], &[event(&[up, down])]));
    }
}
