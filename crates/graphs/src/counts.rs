//! Residence times and jumps along trajectories.

use std::collections::BTreeMap;

/// How long trajectories stayed in each state, and how often they jumped from one to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    pub(crate) times: Vec<f64>,
    pub(crate) jumps: BTreeMap<(usize, usize), u64>,
}

impl Counts {
    /// Counts of no trajectory, among so many states.
    pub fn new(states: usize) -> Self {
        Self {
            times: vec![0.0; states],
            jumps: BTreeMap::new(),
        }
    }

    /// Adds a trajectory: its state at moments `interval` apart `[τ]`. Each moment but the last stands
    /// for the interval behind it.
    ///
    /// # Panics
    /// On a state that is none.
    pub fn add(&mut self, trajectory: &[usize], interval: f64) {
        for pair in trajectory.windows(2) {
            self.times[pair[0]] += interval;
            if pair[0] != pair[1] {
                *self.jumps.entry((pair[0], pair[1])).or_default() += 1;
            }
        }
    }

    /// Adds time spent in a state `[τ]`.
    ///
    /// # Panics
    /// On a state that is none.
    pub fn add_time(&mut self, state: usize, time: f64) {
        self.times[state] += time;
    }

    /// Adds jumps from a state to another.
    ///
    /// # Panics
    /// On a state that is none, or a jump from a state to itself.
    pub fn add_jumps(&mut self, [from, to]: [usize; 2], jumps: u64) {
        assert!(from != to && from.max(to) < self.times.len(), "{from} {to}");
        if jumps > 0 {
            *self.jumps.entry((from, to)).or_default() += jumps;
        }
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.times.len()
    }

    /// Time spent in a state `[τ]`.
    pub fn time(&self, state: usize) -> f64 {
        self.times.get(state).copied().unwrap_or(0.0)
    }

    /// Jumps from one state to another.
    pub fn jumps(&self, from: usize, to: usize) -> u64 {
        self.jumps.get(&(from, to)).copied().unwrap_or(0)
    }

    /// All jumps: from, to, how often; ascending.
    pub fn all_jumps(&self) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        self.jumps.iter().map(|(&(from, to), &n)| (from, to, n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_stand_for_the_interval_behind_them() {
        let mut counts = Counts::new(3);
        counts.add(&[0, 0, 2, 0, 1], 0.5);
        counts.add(&[1], 0.5);
        counts.add(&[1, 1, 0], 0.25);
        assert_eq!([0, 1, 2].map(|state| counts.time(state)), [1.5, 0.5, 0.5]);
        let jumps: Vec<_> = counts.all_jumps().collect();
        assert_eq!(jumps, [(0, 1, 1), (0, 2, 1), (1, 0, 1), (2, 0, 1)]);
        assert_eq!((counts.jumps(0, 2), counts.jumps(2, 1)), (1, 0));
        // The same from sums.
        let mut sums = Counts::new(3);
        for (state, time) in [1.5, 0.5, 0.5].into_iter().enumerate() {
            sums.add_time(state, time);
        }
        for jump in [[0, 1], [0, 2], [1, 0], [2, 0]] {
            sums.add_jumps(jump, 1);
        }
        sums.add_jumps([1, 2], 0);
        assert_eq!(sums, counts);
    }
}
