//! The clock of one escape: regular looks at a walker, recrossings apart.

use serde::{Deserialize, Serialize};

/// Where a walker is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// In the minimum that it started from.
    Home,
    /// In another, to which this event of the catalogue leads, if any does.
    Away(Option<u64>),
}

/// Something that moves on a landscape and can be looked at.
pub(crate) trait Walker {
    /// Why it cannot go on.
    type Error;
    /// Lets an interval pass, and says in which minimum it is then.
    fn look(&mut self) -> Result<Place, Self::Error>;
}

/// How long to look, in intervals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Looks before the clock starts: equilibration.
    pub(crate) settle: u64,
    /// Looks away from home after which an escape counts as one; a return before is a recrossing.
    pub(crate) lasting: u64,
    /// Looks at home after which nothing more is awaited.
    pub(crate) longest: u64,
}

/// What became of one walker. Times in intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Escape {
    /// It was away already when the clock should have started: it says nothing.
    pub(crate) unsettled: bool,
    /// Time at risk: at home, the escape at the middle of the interval in which it happened.
    pub(crate) exposure: f64,
    /// Where it escaped to for good, if it did.
    pub(crate) escaped: Option<Place>,
    /// Excursions that came back in time.
    pub(crate) recrossings: u64,
}

/// Follows a walker until it escapes or patience ends.
pub(crate) fn follow<W: Walker>(walker: &mut W, patience: Patience) -> Result<Escape, W::Error> {
    let mut result = Escape::default();
    for _ in 0..patience.settle {
        if walker.look()? != Place::Home {
            result.unsettled = true;
        }
    }
    if patience.settle > 0 {
        // Only where it stands now matters: excursions before belong to the equilibration.
        result.unsettled = result.unsettled && walker.look()? != Place::Home;
        if result.unsettled {
            return Ok(result);
        }
    }
    let mut home = 0_u64;
    while home < patience.longest {
        let place = walker.look()?;
        if place == Place::Home {
            home += 1;
            continue;
        }
        let mut came_back = false;
        for _ in 0..patience.lasting {
            if walker.look()? == Place::Home {
                came_back = true;
                break;
            }
        }
        if !came_back {
            result.escaped = Some(place);
            result.exposure = home as f64 + 0.5;
            return Ok(result);
        }
        result.recrossings += 1;
        // The look that found it at home again.
        home += 1;
    }
    result.exposure = home as f64;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use metabasin_atoms::{Purpose, random_stream};
    use rand::RngExt;

    use super::*;

    /// Jumps between home and one other state at exponential times.
    struct TwoStates<R> {
        random: R,
        away: bool,
        left: f64,
        rates: [f64; 2],
    }

    fn two_states(index: u64, out: f64, back: f64) -> TwoStates<impl RngExt> {
        let mut walker = TwoStates {
            random: random_stream(5, Purpose::Test, 0, index),
            away: false,
            left: 0.0,
            rates: [out, back],
        };
        walker.left = walker.waiting();
        walker
    }

    impl<R: RngExt> TwoStates<R> {
        fn waiting(&mut self) -> f64 {
            -(1.0 - self.random.random::<f64>()).ln() / self.rates[usize::from(self.away)]
        }
    }

    impl<R: RngExt> Walker for TwoStates<R> {
        type Error = Infallible;
        fn look(&mut self) -> Result<Place, Infallible> {
            let mut interval = 1.0;
            while self.left < interval {
                interval -= self.left;
                self.away = !self.away;
                self.left = self.waiting();
            }
            self.left -= interval;
            Ok(if self.away {
                Place::Away(Some(7))
            } else {
                Place::Home
            })
        }
    }

    const PATIENCE: Patience = Patience {
        settle: 0,
        lasting: 10,
        longest: 1_000,
    };

    /// Escapes, exposure and recrossings of many walkers.
    fn many(out: f64, back: f64, walkers: u64) -> (f64, f64, f64) {
        let (mut escapes, mut exposure, mut recrossings) = (0.0, 0.0, 0.0);
        for index in 0..walkers {
            let mut walker = two_states(index, out, back);
            let Ok(found) = follow(&mut walker, PATIENCE);
            escapes += f64::from(u8::from(found.escaped.is_some()));
            exposure += found.exposure;
            recrossings += found.recrossings as f64;
        }
        (escapes, exposure, recrossings)
    }

    /// Without a way back the rate of escape is the rate out, n escapes known to 1/√n.
    #[test]
    fn the_rate_of_a_known_chain_comes_back() {
        let (out, walkers) = (0.004, 20_000);
        let (escapes, exposure, recrossings) = many(out, 1e-9, walkers);
        assert_eq!(recrossings, 0.0);
        assert!(escapes > 19_000.0);
        let rate = escapes / exposure;
        // Four standard errors of 0.7 %, false alarms below 1e-4; 5 % off would be outside.
        let error = out / escapes.sqrt();
        assert!((rate - out).abs() < 4.0 * error, "{rate}");
        assert!((rate - 1.05 * out).abs() > 3.0 * error);
    }

    /// With a way back of rate k' a jump lasts with the chance of no return in the ten intervals
    /// after the look that found it (it is found only if it lasted till then).
    #[test]
    fn returns_within_ten_intervals_are_recrossings() {
        let (out, back) = (0.004_f64, 0.1_f64);
        let (escapes, exposure, recrossings) = many(out, back, 4000);
        // A look away: the jump was uniformly within the interval and did not return before its
        // end, (1 − e^(−k'))/k'. Looks then see it at home at least once in ten intervals with
        // chance 1 − p; a return between looks that jumps out again is of order k_out.
        let found = (1.0 - (-back).exp()) / back;
        let lasting = (-10.0 * back).exp();
        let rate = escapes / exposure;
        let expected = out * found * lasting;
        let tolerance = expected * (4.0 / escapes.sqrt() + 10.0 * out);
        assert!((rate - expected).abs() < tolerance, "{rate} {expected}");
        let recrossed = recrossings / exposure;
        let expected = out * found * (1.0 - lasting);
        let tolerance = expected * (4.0 / recrossings.sqrt() + 10.0 * out);
        assert!((recrossed - expected).abs() < tolerance, "{recrossed}");
    }

    /// Where nothing happens, time passes all the same.
    #[test]
    fn patience_ends() {
        let Ok(found) = follow(&mut two_states(1, 1e-12, 1.0), PATIENCE);
        assert_eq!((found.exposure, found.escaped), (1000.0, None));
        // Away at the start of the clock and ever after: no escape, no time.
        let mut away = two_states(1, 1e9, 1e-12);
        let settled = Patience {
            settle: 3,
            ..PATIENCE
        };
        let Ok(found) = follow(&mut away, settled);
        assert!(found.unsettled && found.exposure == 0.0 && found.escaped.is_none());
    }
}
