//! How local stress is distributed: the most probable part, and which atoms carry the global stress.

use serde::Serialize;

use crate::histogram::Histogram;

/// The weight of a value falls over so many widths of the fit.
const REACH: f64 = 1.5;
/// Fewest values that are fitted.
const LEAST_VALUES: usize = 50;
/// Steps until the fit settles.
const STEPS: usize = 500;
/// Bins of a histogram in a width of the fit.
const BINS_A_WIDTH: f64 = 5.0;

/// A Gaussian through the most probable values, whatever the tails.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MostProbable {
    /// Where the Gaussian is highest.
    pub center: f64,
    /// Its standard error, for independent values.
    pub center_error: f64,
    /// Its width (standard deviation).
    pub width: f64,
    /// Its standard error, for independent values.
    pub width_error: f64,
    /// Share of the values that the Gaussian accounts for, those in the tails beside it left out;
    /// about 1 where all is Gaussian.
    pub share: f64,
}

/// Weighted means over the values at one center and width.
#[derive(Default)]
struct Sums {
    weight: f64,
    first: f64,
    second: f64,
    /// Mean squares of the two scores and their mean slopes.
    scores: [f64; 2],
    slopes: [f64; 2],
}

impl MostProbable {
    /// The Gaussian that agrees with the values where it is high (Windham, J. R. Stat. Soc. B 57, 599,
    /// 1995).
    ///
    /// With z = (x − c)/w, values count by the weight g = exp(−z²/2k²), k = 1.5, and center and width
    /// are such that the weighted means of z and z² are those of a Gaussian: 0 and
    /// V = k²/(1 + k²). Errors are those of an estimate by Σ ψ = 0, √(⟨ψ²⟩/N)/|⟨∂ψ⟩|, with
    /// ψ = g z and ψ = g (z² − V): for a pure Gaussian 1.08 w/√N and 0.82 w/√N, where mean and standard deviation
    /// have 1 and 0.71. `None` for fewer than 50 values, or where no width settles.
    pub fn fit(values: &[f64]) -> Option<Self> {
        const SQUARED: f64 = REACH * REACH;
        const VARIANCE: f64 = SQUARED / (1.0 + SQUARED);
        let (mut center, mut width) = robust(values)?;
        let first_width = width;
        let number = values.len() as f64;
        for _ in 0..STEPS {
            let mut sums = Sums::default();
            for value in values {
                let z = (value - center) / width;
                let square = z * z;
                let weight = (-0.5 * square / SQUARED).exp();
                let off = square - VARIANCE;
                sums.weight += weight;
                sums.first += weight * z;
                sums.second += weight * square;
                sums.scores[0] += (weight * z).powi(2);
                sums.scores[1] += (weight * off).powi(2);
                sums.slopes[0] += weight * (1.0 - square / SQUARED);
                sums.slopes[1] += weight * square * (2.0 - off / SQUARED);
            }
            let error = |k: usize| width * sums.scores[k].sqrt() / sums.slopes[k].abs();
            let found = Self {
                center,
                center_error: error(0),
                width,
                width_error: error(1),
                share: sums.weight / (number * VARIANCE.sqrt()),
            };
            // Newton's steps, were all Gaussian.
            let shift = sums.first / sums.weight / VARIANCE;
            let growth = (sums.second / sums.weight - VARIANCE) / (2.0 * VARIANCE * VARIANCE);
            if shift.abs().max(growth.abs()) < 1e-10 {
                return Some(found);
            }
            center += width * shift.clamp(-1.0, 1.0);
            width *= 1.0 + growth.clamp(-0.4, 0.6);
            if !(width > 1e-6 * first_width && width < 1e3 * first_width) {
                return None;
            }
        }
        None
    }

    /// The same over a unit.
    #[must_use]
    pub fn over(self, unit: f64) -> Self {
        Self {
            center: self.center / unit,
            center_error: self.center_error / unit,
            width: self.width / unit,
            width_error: self.width_error / unit,
            share: self.share,
        }
    }
}

/// Median and, by the quartiles, the width of a Gaussian; `None` where half of the values are equal.
fn robust(values: &[f64]) -> Option<(f64, f64)> {
    let mut values = values.to_vec();
    let count = values.len();
    if count < LEAST_VALUES {
        return None;
    }
    let mut quantile = |k: usize| *values.select_nth_unstable_by(k, f64::total_cmp).1;
    let (low, median, high) = (
        quantile(count / 4),
        quantile(count / 2),
        quantile(3 * count / 4),
    );
    let width = (high - low) / 1.349;
    (width > 0.0 && width.is_finite()).then_some((median, width))
}

/// One component of the local stress over one group of atoms.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalStress {
    /// Atoms of the group.
    pub atoms: usize,
    /// Mean over the group.
    pub mean: f64,
    /// Standard deviation over the group, tails and all.
    pub standard_deviation: f64,
    /// The Gaussian through the most probable part.
    pub most_probable: Option<MostProbable>,
    /// Atoms by their stress.
    pub histogram: Histogram,
}

impl LocalStress {
    /// The distribution of these stresses, one of each atom of the group, in bins of about a width.
    pub fn new(stresses: &[f64], bin_width: f64) -> Self {
        let number = stresses.len().max(1) as f64;
        let mean = stresses.iter().sum::<f64>() / number;
        let squares = stresses.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        Self {
            atoms: stresses.len(),
            mean,
            standard_deviation: (squares / number).sqrt(),
            most_probable: MostProbable::fit(stresses),
            histogram: Histogram::new(stresses, bin_width),
        }
    }

    /// A bin width that shows the most probable part of these stresses.
    pub fn bin_width(stresses: &[f64]) -> f64 {
        robust(stresses).map_or(0.0, |(_, width)| width / BINS_A_WIDTH)
    }
}

/// The stress that a group contributes to the global one through its atoms of small local stress: for
/// each limit L, ascending, (1/N) Σ σᵢ over the atoms of the group with |σᵢ| ≤ L, N being
/// `all_atoms` of the sample.
///
/// As a function of L the integral ∫₋ₗᴸ σ P(σ) dσ of the group's distribution of local stress,
/// weighted by its share of the atoms. It ends at share times mean, so groups that together are all
/// atoms end at the global stress: where it levels off says how extreme the atoms are that carry the
/// stress.
pub fn stress_within(stresses: &[f64], all_atoms: usize, limits: &[f64]) -> Vec<f64> {
    let mut by_size = stresses.to_vec();
    by_size.sort_unstable_by(|p, q| p.abs().total_cmp(&q.abs()));
    let (mut next, mut sum) = (0, 0.0);
    limits
        .iter()
        .map(|limit| {
            while by_size.get(next).is_some_and(|x| x.abs() <= *limit) {
                sum += by_size[next];
                next += 1;
            }
            sum / all_atoms as f64
        })
        .collect()
}
