//! Rates of events at a temperature, and their sums.

use serde::Serialize;

use crate::statistics::good_turing_coverage;
use crate::{EventRecord, SampleRecord};

/// The part of a summed rate whose barriers are the window of its coverage.
const WINDOW_PART: f64 = 0.99;

impl EventRecord {
    /// The attempt frequency of the forward jump `[1/τ]`: measured, or else the sample's declared
    /// ν₀.
    pub fn attempt_forward(&self, sample: &SampleRecord) -> f64 {
        self.prefactor_forward.unwrap_or(sample.attempt_frequency)
    }

    /// The same of the reverse jump `[1/τ]`.
    pub fn attempt_reverse(&self, sample: &SampleRecord) -> f64 {
        self.prefactor_reverse.unwrap_or(sample.attempt_frequency)
    }

    /// k = ν exp(−ΔE/k_B T) of the forward jump in the cell of the searches `[1/τ]`.
    pub fn rate_forward(&self, sample: &SampleRecord, temperature: f64) -> f64 {
        self.attempt_forward(sample) * (-self.barrier_forward / temperature).exp()
    }

    /// The same of the reverse jump `[1/τ]`.
    pub fn rate_reverse(&self, sample: &SampleRecord, temperature: f64) -> f64 {
        self.attempt_reverse(sample) * (-self.barrier_reverse / temperature).exp()
    }
}

/// The sum of the rates of all ways out of a minimum at one temperature, in the cell of the
/// searches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RateSum {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Σ ν exp(−ΔE/k_B T), measured prefactors where there are any, else the declared one `[1/τ]`.
    pub rate: f64,
    /// The part of it that rests on measured prefactors, 0 to 1.
    pub measured: f64,
    /// Σ k exp(−k_rev t): jumps that do not go straight back within the time t `[1/τ]`.
    pub lasting: f64,
    /// The sum with the declared ν₀ for every event `[1/τ]`.
    pub declared: f64,
    /// Barrier below which 99 % of `rate` lie `[energy]`.
    pub window: f64,
    /// Good-Turing coverage of the events in this window.
    pub coverage: Option<f64>,
    /// Events in this window.
    pub events: usize,
}

/// The sum of rates; 0 where there are none, for which `sum` gives −0.
fn added(rates: impl Iterator<Item = f64>) -> f64 {
    rates.fold(0.0, |sum, rate| sum + rate)
}

impl RateSum {
    /// Over the verified events among `events`; jumps that go back by the same event within
    /// `lasting_time` `[τ]` do not last.
    pub fn at(
        events: &[EventRecord],
        sample: &SampleRecord,
        temperature: f64,
        lasting_time: f64,
    ) -> Self {
        let mut chosen: Vec<&EventRecord> =
            events.iter().filter(|event| event.is_verified()).collect();
        chosen.sort_by(|a, b| a.barrier_forward.total_cmp(&b.barrier_forward));
        let rates: Vec<f64> = chosen
            .iter()
            .map(|event| event.rate_forward(sample, temperature))
            .collect();
        let rate = added(rates.iter().copied());
        let pairs = || chosen.iter().zip(&rates);
        let measured = pairs().filter(|(event, _)| event.prefactor_forward.is_some());
        let measured = added(measured.map(|(_, rate)| *rate));
        let lasting = added(pairs().map(|(event, rate)| {
            rate * (-event.rate_reverse(sample, temperature) * lasting_time).exp()
        }));
        let declared =
            added(chosen.iter().map(|event| {
                sample.attempt_frequency * (-event.barrier_forward / temperature).exp()
            }));
        let mut below = 0.0;
        let inside = rates
            .iter()
            .position(|part| {
                below += part;
                below >= WINDOW_PART * rate
            })
            .map_or(chosen.len(), |last| last + 1);
        let hits: Vec<u64> = chosen[..inside].iter().map(|event| event.hits).collect();
        Self {
            temperature,
            rate,
            measured: if rate > 0.0 { measured / rate } else { 0.0 },
            lasting,
            declared,
            window: inside
                .checked_sub(1)
                .map_or(0.0, |last| chosen[last].barrier_forward),
            coverage: good_turing_coverage(&hits),
            events: inside,
        }
    }

    /// The rate divided by the coverage of its window: what the ways out that no search has found
    /// would add if they were as fast as the known ones. `None` where every event of the window
    /// was found only once.
    pub fn corrected(&self) -> Option<f64> {
        self.coverage
            .filter(|coverage| *coverage > 0.0)
            .map(|coverage| self.lasting / coverage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::tests::event;

    fn sample() -> SampleRecord {
        SampleRecord {
            attempt_frequency: 4.0,
            ..SampleRecord::default()
        }
    }

    #[test]
    fn measured_prefactors_come_before_the_declared_one() {
        let mut fast = event(0.5, 3, None);
        fast.prefactor_forward = Some(2.0);
        fast.prefactor_reverse = Some(8.0);
        fast.barrier_reverse = 0.25;
        let mut slow = event(1.0, 1, None);
        slow.barrier_reverse = 5.0;
        let mut refused = event(0.1, 9, None);
        refused.connected = false;
        // ln of both Boltzmann factors: e^-2 and e^-4; back: e^-1.
        let temperature = 0.25;
        let sum = RateSum::at(&[slow, fast, refused], &sample(), temperature, 1.5);
        let (first, second) = (2.0 * (-2.0_f64).exp(), 4.0 * (-4.0_f64).exp());
        assert!((sum.rate - first - second).abs() < 1e-15);
        assert!((sum.measured - first / (first + second)).abs() < 1e-15);
        assert!((sum.declared - 4.0 * (-2.0_f64).exp() - second).abs() < 1e-15);
        let kept = (-8.0 * (-1.0_f64).exp() * 1.5).exp();
        let back = 4.0 * (-20.0_f64).exp() * 1.5;
        assert!((sum.lasting - first * kept - second * (-back).exp()).abs() < 1e-15);
        // Both are needed for 99 %: four hits, one event hit once.
        assert_eq!((sum.events, sum.window), (2, 1.0));
        assert_eq!(sum.coverage, Some(0.75));
        assert!((sum.corrected().unwrap() - sum.lasting / 0.75).abs() < 1e-15);
        // Cold enough, the first alone.
        let cold = RateSum::at(
            &[event(0.5, 3, None), event(1.0, 1, None)],
            &sample(),
            0.05,
            1.0,
        );
        assert_eq!((cold.events, cold.coverage), (1, Some(1.0)));
    }

    #[test]
    fn the_window_holds_ninety_nine_percent() {
        // Rates of 1, 0.02 and a third.
        let at = |part: f64, hits| event(1.0 - 0.25 * f64::ln(part), hits, None);
        let inside = |last: f64| {
            let events = [at(1.0, 7), at(0.02, 2), at(last, 1)];
            RateSum::at(&events, &sample(), 0.25, 0.0).events
        };
        // 1.02 of 1.03 is 0.9903, of 1.0305 it is 0.9898.
        assert_eq!((inside(0.01), inside(0.0105)), (2, 3));
    }

    #[test]
    fn no_event_no_rate() {
        let none = RateSum::at(&[], &sample(), 0.1, 1.0);
        assert_eq!(
            (none.rate, none.coverage, none.corrected()),
            (0.0, None, None)
        );
        // Nothing measured is 0, which is never written as −0.
        let declared = RateSum::at(&[event(0.5, 3, None)], &sample(), 0.1, 1.0);
        let zeros = [none.rate, none.lasting, none.declared, declared.measured];
        assert!(
            zeros
                .iter()
                .all(|zero| *zero == 0.0 && zero.is_sign_positive())
        );
    }
}
