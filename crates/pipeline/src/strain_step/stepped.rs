//! Pairs or runs summed up, and laid beside each other interval by interval.

use metabasin_files::findings::Measured;

use super::dynamics::SteppedPair;
use super::told::{StepRow, SteppedStress};
use crate::digest::confidence::{agrees, margin};

/// Pairs or runs summed up: moduli and what relaxed of them, interval by interval, held, then back.
pub(crate) struct Stepped {
    /// Stress over strain of each interval.
    pub(crate) moduli: Vec<Measured>,
    /// How far it fell since the first one; after the step back, how far it stands below zero.
    pub(crate) relaxed: Vec<Measured>,
    /// Minus the stress of the last interval, over the modulus of the first.
    pub(crate) residual: Measured,
}

impl Stepped {
    /// Of pairs of steps by ±`strain`.
    pub(crate) fn of(pairs: &[SteppedPair], strain: f64) -> Self {
        let over = |of: &dyn Fn(&SteppedPair) -> f64| {
            Measured::of(&pairs.iter().map(of).collect::<Vec<f64>>())
        };
        let intervals = pairs.first().map_or(0, |pair| pair.held.len());
        let (mut moduli, mut relaxed) = (Vec::new(), Vec::new());
        for k in 0..intervals {
            moduli.push(over(&|pair| pair.held[k] / strain));
            relaxed.push(over(&|pair| (pair.held[0] - pair.held[k]) / strain));
        }
        for k in 0..intervals {
            moduli.push(over(&|pair| pair.back[k] / strain));
            relaxed.push(over(&|pair| -pair.back[k] / strain));
        }
        // The modulus is known far better than the residual stress: its error is left out.
        let first = moduli.first().map_or(f64::NAN, |modulus| modulus.value);
        let last = over(&|pair| -pair.back.last().copied().unwrap_or(f64::NAN));
        let residual = Measured {
            value: last.value / first,
            error: last.error.map(|error| error / first.abs()),
            ..last
        };
        Self {
            moduli,
            relaxed,
            residual,
        }
    }

    /// These numbers with the standard deviations of `draws` as their errors.
    pub(crate) fn with_spread(self, draws: &Self, number: usize) -> Self {
        let spread = |value: &Measured, drawn: &Measured| Measured {
            value: value.value,
            error: drawn.error.map(|error| error * (number as f64).sqrt()),
            independent: number,
        };
        let all = |values: &[Measured], drawn: &[Measured]| -> Vec<Measured> {
            values
                .iter()
                .zip(drawn)
                .map(|(a, b)| spread(a, b))
                .collect()
        };
        Self {
            moduli: all(&self.moduli, &draws.moduli),
            relaxed: all(&self.relaxed, &draws.relaxed),
            residual: spread(&self.residual, &draws.residual),
        }
    }

    /// These numbers with a relative error that all have in common, independent of their own.
    pub(crate) fn with_common_error(mut self, relative: f64) -> Self {
        let numbers = self.moduli.iter_mut().chain(&mut self.relaxed);
        for number in numbers {
            number.error = number
                .error
                .map(|error| error.hypot(relative * number.value));
        }
        // Of a ratio of two stresses it leaves nothing.
        self
    }

    fn at(&self, k: usize) -> SteppedStress {
        SteppedStress {
            modulus: self.moduli[k].value,
            modulus_error: self.moduli[k].error,
            relaxed: self.relaxed[k].value,
            relaxed_error: self.relaxed[k].error,
        }
    }
}

/// The intervals that end at `edges`: molecular dynamics, its inherent structures, what is laid beside it, and
/// the share of trajectories that end each in a stored state.
pub(crate) fn rows(
    (md, inherent): (&Stepped, &Stepped),
    kmc: Option<&Stepped>,
    states: Option<&Stepped>,
    (in_states, edges): (&[f64], &[f64]),
) -> Vec<StepRow> {
    let intervals = edges.len() - 1;
    (0..2 * intervals)
        .map(|k| {
            let ends = &edges[k % intervals..];
            let of_md = md.relaxed[k];
            let relaxes = margin(of_md).is_some_and(|margin| of_md.value.abs() > margin);
            let verdict = |other: Option<&Stepped>| {
                let verdict = agrees(Some(md.moduli[k]), other.map(|other| other.moduli[k]));
                verdict.filter(|_| relaxes)
            };
            StepRow {
                back: k >= intervals,
                from: ends[0],
                to: ends[1],
                md: md.at(k),
                md_inherent: inherent.at(k),
                md_in_states: in_states.get(k).copied(),
                kmc: kmc.map(|kmc| kmc.at(k)),
                agrees: verdict(kmc),
                states: states.map(|states| states.at(k)),
                states_agree: verdict(states),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs whose stress falls from 0.3 by `relaxed`, and stands as far below zero after the step back, give
    /// or take `spread`.
    fn pairs(relaxed: f64, spread: f64, count: usize) -> Stepped {
        let pairs: Vec<SteppedPair> = (0..count)
            .map(|k| {
                let relaxed = relaxed + if k % 2 == 0 { spread } else { -spread };
                SteppedPair {
                    held: vec![0.3, 0.3 - relaxed],
                    back: vec![-relaxed, -relaxed],
                }
            })
            .collect();
        Stepped::of(&pairs, 0.02)
    }

    /// Draws scatter as single values, so their standard deviation is the error, not that of their mean.
    #[test]
    fn the_error_of_a_fit_is_the_spread_of_its_draws() {
        let fitted = pairs(0.06, 0.0, 1).with_spread(&pairs(0.05, 0.005, 6), 6);
        assert!((fitted.relaxed[1].value - 3.0).abs() < 1e-12);
        let spread = 0.005 * (6.0_f64 / 5.0).sqrt() / 0.02;
        for error in [fitted.relaxed[1].error, fitted.moduli[3].error] {
            assert!((error.unwrap() - spread).abs() < 1e-12);
        }
        assert_eq!(fitted.relaxed[1].independent, 6);
        assert!((fitted.residual.error.unwrap() - spread * 0.02 / 15.0).abs() < 1e-12);
        let residual = fitted.residual;
        let common = fitted.with_common_error(0.01);
        assert!((common.moduli[0].error.unwrap() - 0.15).abs() < 1e-12);
        assert!((common.relaxed[1].error.unwrap() - spread.hypot(0.03)).abs() < 1e-12);
        assert_eq!(common.residual, residual);
    }

    fn verdicts(md: &Stepped, kmc: &Stepped) -> Vec<Option<bool>> {
        let rows = rows((md, md), Some(kmc), None, (&[], &[0.0, 1.0, 2.0]));
        rows.iter().map(|row| row.agrees).collect()
    }

    /// Six pairs of 0.06 ± 0.005 (standard error 0.0022, Student's t of 5 degrees 2.57): 0.055 agrees, 0.03
    /// differs, and what does not relax, or is known from three pairs, tells nothing.
    #[test]
    fn a_verdict_needs_a_relaxation_that_is_known() {
        let md = pairs(0.06, 0.005, 6);
        assert!((md.moduli[1].value - 12.0).abs() < 1e-12);
        assert!((md.relaxed[1].value - 3.0).abs() < 1e-12);
        assert!((md.relaxed[3].value - 3.0).abs() < 1e-12);
        let error = 0.005 / 5.0_f64.sqrt() / 0.02;
        assert!((md.relaxed[1].error.unwrap() - error).abs() < 1e-12);
        assert!((md.residual.value - 0.06 / 15.0).abs() < 1e-12);
        assert!((md.residual.error.unwrap() - error * 0.02 / 15.0).abs() < 1e-12);
        let like = verdicts(&md, &pairs(0.055, 0.001, 6));
        assert_eq!(like, [None, Some(true), Some(true), Some(true)]);
        let unlike = verdicts(&md, &pairs(0.03, 0.001, 6));
        assert_eq!(unlike, [None, Some(false), Some(false), Some(false)]);
        assert_eq!(verdicts(&md, &pairs(0.03, 0.001, 3)), [None; 4]);
        assert_eq!(
            verdicts(&pairs(0.004, 0.005, 6), &pairs(0.0, 0.001, 6)),
            [None; 4]
        );
    }
}
