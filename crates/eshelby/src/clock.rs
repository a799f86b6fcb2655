//! Time as a compensated sum: 10¹⁰ short waits after a long one still count.

use serde::{Deserialize, Serialize};

/// A running sum that carries its rounding error along (Neumaier 1974).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clock {
    sum: f64,
    lost: f64,
}

impl Clock {
    /// Adds a wait.
    pub(crate) fn add(&mut self, wait: f64) {
        let total = self.sum + wait;
        self.lost += if self.sum.abs() >= wait.abs() {
            (self.sum - total) + wait
        } else {
            (wait - total) + self.sum
        };
        self.sum = total;
    }

    /// Sets the clock.
    pub(crate) fn set(&mut self, time: f64) {
        *self = Self {
            sum: time,
            lost: 0.0,
        };
    }

    /// The time.
    pub(crate) fn now(&self) -> f64 {
        self.sum + self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_waits_after_a_long_one_are_not_lost() {
        let mut clock = Clock::default();
        clock.add(1e9);
        let mut plain = 1e9;
        for _ in 0..100_000 {
            clock.add(1e-8);
            plain += 1e-8;
        }
        assert_eq!(plain, 1e9);
        assert!((clock.now() - 1e9 - 1e-3).abs() < 2e-7);
    }
}
