//! When enough has been found: searches that stop at a coverage.

use std::collections::BTreeMap;

use metabasin_catalogue::{EventRecord, good_turing_coverage, good_turing_error};
use serde::{Deserialize, Serialize};

use crate::PipelineError;

/// Fewer hits than this say nothing about coverage.
const LEAST_HITS: u64 = 30;

/// The coverage at which searches stop.
///
/// Searches stop after the first one at which the Good-Turing coverage of the events in the window,
/// less its standard error (Esty 1983), reaches the goal, with at least 30 hits in the window. The
/// error is taken off because a rule that looks after every search stops early by chance otherwise.
/// What is looked at are the searches in the order of their index: the catalogue is the same for any
/// number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageGoal {
    /// Probability, between 0 and 1, that the next search that ends in an event of the window ends
    /// in a known one.
    pub coverage: f64,
    /// Only events with a forward barrier below this `[energy]`; all where left out.
    #[serde(default)]
    pub window: Option<f64>,
}

impl CoverageGoal {
    /// Checks both numbers.
    ///
    /// # Errors
    /// Which one is out of bounds.
    pub fn validate(&self) -> Result<(), PipelineError> {
        if !(self.coverage > 0.0 && self.coverage < 1.0) {
            return Err(PipelineError::BadInput(format!(
                "the coverage to stop at must lie between 0 and 1, got {}",
                self.coverage
            )));
        }
        match self.window {
            Some(window) if !(window > 0.0 && window.is_finite()) => {
                Err(PipelineError::BadInput(format!(
                    "the energy window of the coverage must be positive and finite, got {window}"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// Hits so far, looked at after every search.
#[derive(Clone, Debug)]
pub(crate) struct CoverageWatch {
    goal: CoverageGoal,
    hits: BTreeMap<u64, u64>,
}

impl CoverageWatch {
    /// Goes on from the hits that a catalogue holds.
    pub(crate) fn new(goal: CoverageGoal, events: &[EventRecord]) -> Self {
        let mut watch = Self {
            goal,
            hits: BTreeMap::new(),
        };
        for event in events {
            if watch.counts(event) {
                watch.hits.insert(event.id, event.hits);
            }
        }
        watch
    }

    fn counts(&self, event: &EventRecord) -> bool {
        let window = self.goal.window;
        event.is_verified() && window.is_none_or(|edge| event.barrier_forward < edge)
    }

    /// A search ended in this event.
    pub(crate) fn hit(&mut self, event: &EventRecord) {
        if self.counts(event) {
            *self.hits.entry(event.id).or_default() += 1;
        }
    }

    /// Whether the searches so far reach the goal.
    pub(crate) fn is_reached(&self) -> bool {
        let hits: Vec<u64> = self.hits.values().copied().collect();
        if hits.iter().sum::<u64>() < LEAST_HITS {
            return false;
        }
        match (good_turing_coverage(&hits), good_turing_error(&hits)) {
            (Some(coverage), Some(error)) => coverage - error >= self.goal.coverage,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_atoms::{Purpose, random_stream};

    use rand::RngExt;

    fn event(id: u64, barrier: f64) -> EventRecord {
        EventRecord {
            id,
            barrier_forward: barrier,
            converged: true,
            index: 1,
            connected: true,
            ..EventRecord::default()
        }
    }

    /// Hits, one after the other, until the goal is reached.
    fn until(goal: CoverageGoal, draws: impl Iterator<Item = EventRecord>) -> Option<usize> {
        let mut watch = CoverageWatch::new(goal, &[]);
        for (k, event) in draws.enumerate() {
            watch.hit(&event);
            if watch.is_reached() {
                return Some(k + 1);
            }
        }
        None
    }

    #[test]
    fn few_hits_decide_nothing_and_singles_never_suffice() {
        let goal = CoverageGoal {
            coverage: 0.5,
            window: None,
        };
        // One event again and again: as soon as there are thirty hits.
        let again = (0..100).map(|_| event(1, 2.0));
        assert_eq!(until(goal, again), Some(30));
        let new = (0..100).map(|k| event(k, 2.0));
        assert_eq!(until(goal, new), None);
        // High events do not count under a window.
        let low = CoverageGoal {
            window: Some(3.0),
            ..goal
        };
        let mixed = (0..100).map(|k| event(1 + k % 2, 1.0 + 3.0 * (k % 2) as f64));
        assert_eq!(until(low, mixed), Some(59));
    }

    #[test]
    fn what_was_stored_before_counts() {
        let goal = CoverageGoal {
            coverage: 0.9,
            window: None,
        };
        let mut stored = event(1, 2.0);
        stored.hits = 40;
        assert!(CoverageWatch::new(goal, &[stored.clone()]).is_reached());
        stored.index = 2;
        assert!(!CoverageWatch::new(goal, &[stored]).is_reached());
    }

    #[test]
    fn the_coverage_at_the_stop_is_that_of_the_goal() {
        // 200 events of equal odds: the true coverage at the stop is the share of known events.
        let goal = CoverageGoal {
            coverage: 0.6,
            window: None,
        };
        let at_stop: Vec<f64> = (0..200)
            .map(|trial| {
                let mut random = random_stream(9, Purpose::Test, 0, trial);
                let mut known = std::collections::BTreeSet::new();
                let mut watch = CoverageWatch::new(goal, &[]);
                while !watch.is_reached() {
                    let id = random.random_range(0..200);
                    known.insert(id);
                    watch.hit(&event(id, 1.0));
                }
                known.len() as f64 / 200.0
            })
            .collect();
        let mean = at_stop.iter().sum::<f64>() / 200.0;
        // Not below the goal on average, and not far above: the error taken off is about 0.05.
        assert!(mean > 0.6 && mean < 0.72, "{mean}");
        // One stop in six may fall short by chance of one standard error; looking after every
        // search makes that more, but not the rule.
        let short = at_stop.iter().filter(|coverage| **coverage < 0.6).count();
        assert!(short < 100, "{short} of 200");
    }
}
