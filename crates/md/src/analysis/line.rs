//! Straight lines through correlated data.

use serde::{Deserialize, Serialize};

/// Blocks of consecutive points that count as independent of each other.
const BLOCKS: usize = 10;
/// Fewer points make no line with an error.
const FEWEST_POINTS: usize = 8;
/// Share of the largest stress within which unloading counts as linear: plasticity bends the
/// curve above.
pub(crate) const UNLOADING_WINDOW: f64 = 0.3;

/// A least-squares line y = offset + slope x, with errors that allow for correlated noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineFit {
    /// dy/dx.
    pub slope: f64,
    /// Standard error of the slope.
    pub slope_error: f64,
    /// y at x = 0.
    pub offset: f64,
    /// Standard error of the offset.
    pub offset_error: f64,
    /// Points fitted.
    pub points: usize,
    /// Mean x̄ of the abscissae.
    pub center: f64,
    /// S_xx = Σ (x − x̄)².
    pub spread: f64,
    /// Per block of consecutive points: Σ r_i and Σ (x_i − x̄) r_i of the residuals.
    pub blocks: Vec<[f64; 2]>,
}

impl LineFit {
    /// The line at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.offset + self.slope * x
    }

    /// Standard error of the line at `x`: the sandwich estimator over blocks of consecutive points,
    ///
    /// ```text
    /// error² = B/(B − 2) Σ_blocks [ Σ_i r_i (1/n + (x_i − x̄)(x − x̄)/S_xx) ]²
    /// ```
    pub fn error_at(&self, x: f64) -> f64 {
        self.error_of(1.0 / self.points as f64, (x - self.center) / self.spread)
    }

    fn error_of(&self, of_mean: f64, of_slope: f64) -> f64 {
        let count = self.blocks.len() as f64;
        let sum: f64 = self
            .blocks
            .iter()
            .map(|[residual, moment]| (residual * of_mean + moment * of_slope).powi(2))
            .sum();
        (count / (count - 2.0) * sum).sqrt()
    }

    /// Where the line crosses zero, and the standard error of that place.
    pub fn root(&self) -> (f64, f64) {
        let root = -self.offset / self.slope;
        (root, self.error_at(root) / self.slope.abs())
    }
}

/// Fits a line through points in the order in which they were taken. `None` for fewer than 8
/// points or x without spread.
pub fn line_fit(x: &[f64], y: &[f64]) -> Option<LineFit> {
    let points = x.len().min(y.len());
    if points < FEWEST_POINTS {
        return None;
    }
    let (x, y) = (&x[..points], &y[..points]);
    let count = points as f64;
    let center = x.iter().sum::<f64>() / count;
    let mean = y.iter().sum::<f64>() / count;
    let spread: f64 = x.iter().map(|x| (x - center).powi(2)).sum();
    if !(spread > 0.0 && spread.is_finite() && mean.is_finite()) {
        return None;
    }
    let slope = x
        .iter()
        .zip(y)
        .map(|(x, y)| (x - center) * (y - mean))
        .sum::<f64>()
        / spread;
    let block_count = BLOCKS.min(points / 2);
    let mut blocks = vec![[0.0; 2]; block_count];
    for (i, (x, y)) in x.iter().zip(y).enumerate() {
        let residual = y - mean - slope * (x - center);
        let block = &mut blocks[i * block_count / points];
        block[0] += residual;
        block[1] += residual * (x - center);
    }
    let mut fit = LineFit {
        slope,
        slope_error: 0.0,
        offset: mean - slope * center,
        offset_error: 0.0,
        points,
        center,
        spread,
        blocks,
    };
    fit.slope_error = fit.error_of(0.0, 1.0 / spread);
    fit.offset_error = fit.error_at(0.0);
    Some(fit)
}

/// Shear modulus from the start of a loading curve: the slope of τ(γ) for |γ| ≤ `up_to`, its
/// offset left free (a finite sample carries a frozen-in stress).
pub fn shear_modulus_fit(gamma: &[f64], stress: &[f64], up_to: f64) -> Option<LineFit> {
    let (x, y): (Vec<f64>, Vec<f64>) = gamma
        .iter()
        .zip(stress)
        .filter(|(gamma, _)| gamma.abs() <= up_to)
        .unzip();
    line_fit(&x, &y)
}

/// Where an unloading curve crosses zero stress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZeroStress {
    /// The strain at zero stress: the residual strain.
    pub strain: f64,
    /// Its standard error, correlated noise included.
    pub error: f64,
    /// The line that was fitted.
    pub line: LineFit,
    /// Strains within which the fitted line stays below 0.3 of the largest stress.
    pub window: [f64; 2],
    /// Whether the data go on through the far end of the window.
    pub covered: bool,
}

/// Residual strain: the root of a line through the part of an unloading curve where
/// |τ| < 0.3 `largest_stress`.
///
/// The window is chosen by strain, where the LINE is below that stress, and found by iteration:
/// choosing points by their own noisy stress would flatten the line. Points come in the order of
/// the unloading. `None` while there are too
/// few points, the slope is not positive, or the root lies outside the data.
pub fn zero_stress_root(gamma: &[f64], stress: &[f64], largest_stress: f64) -> Option<ZeroStress> {
    let lowest = gamma.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = gamma.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let downward = gamma.last() < gamma.first();
    let mut window = [lowest, highest];
    let mut result = None;
    for _ in 0..50 {
        let (x, y): (Vec<f64>, Vec<f64>) = gamma
            .iter()
            .zip(stress)
            .filter(|(gamma, _)| (window[0]..=window[1]).contains(*gamma))
            .unzip();
        // A window that shrinks below the fewest points ends the search, not the result.
        let Some(line) = line_fit(&x, &y) else { break };
        if line.slope <= 0.0 {
            return None;
        }
        let (strain, error) = line.root();
        let half_width = UNLOADING_WINDOW * largest_stress / line.slope;
        let next = [strain - half_width, strain + half_width];
        let settled = (next[0] - window[0]).abs() < 1e-9 && (next[1] - window[1]).abs() < 1e-9;
        window = next;
        result = Some(ZeroStress {
            strain,
            error,
            line,
            window,
            covered: if downward {
                lowest <= window[0]
            } else {
                highest >= window[1]
            },
        });
        if settled {
            break;
        }
    }
    result.filter(|root| (lowest..=highest).contains(&root.strain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests_support::correlated_noise;

    #[test]
    fn an_exact_line_is_found_exactly() {
        let x: Vec<f64> = (0..20).map(|i| 0.01 * f64::from(i)).collect();
        let y: Vec<f64> = x.iter().map(|x| 0.3 + 17.0 * x).collect();
        let fit = line_fit(&x, &y).unwrap();
        assert!((fit.slope - 17.0).abs() < 1e-12 && (fit.offset - 0.3).abs() < 1e-13);
        assert!(fit.slope_error < 1e-11);
        assert!(line_fit(&x[..7], &y[..7]).is_none());
        assert!(line_fit(&[1.0; 9], &y[..9]).is_none());
        let initial = shear_modulus_fit(&x, &y, 0.1).unwrap();
        assert_eq!(initial.points, 11);
    }

    #[test]
    fn quoted_errors_are_the_scatter_of_repeated_experiments() {
        // 200 lines with noise of memory 0.8: (found − true)/error has spread 1 up to the
        // heavier tails of ten blocks and blocks that still know each other: 0.9 to 1.5.
        let x: Vec<f64> = (0..400).map(|i| -0.01 + 5e-5 * f64::from(i)).collect();
        let (mut slopes, mut roots) = (0.0, 0.0);
        let runs = 200;
        for run in 0..runs {
            let noise = correlated_noise(run, x.len(), 0.8);
            let y: Vec<f64> = x
                .iter()
                .zip(&noise)
                .map(|(x, n)| 17.0 * (x - 0.003) + 0.05 * n)
                .collect();
            let fit = line_fit(&x, &y).unwrap();
            slopes += ((fit.slope - 17.0) / fit.slope_error).powi(2);
            let (root, error) = fit.root();
            roots += ((root - 0.003) / error).powi(2);
        }
        for sum in [slopes, roots] {
            let spread = (sum / runs as f64).sqrt();
            assert!((0.9..1.5).contains(&spread), "{spread}");
        }
    }

    #[test]
    fn the_residual_strain_of_a_bent_noisy_curve_is_unbiased() {
        // Straight for |τ| < 0.12, bent above; noise larger than the window itself.
        let gamma: Vec<f64> = (0..600).map(|i| 0.02 - 5e-5 * f64::from(i)).collect();
        let mut sum = 0.0;
        let mut squared = 0.0;
        let runs = 40;
        for run in 0..runs {
            let noise = correlated_noise(run, gamma.len(), 0.5);
            let stress: Vec<f64> = gamma
                .iter()
                .zip(&noise)
                .map(|(g, n)| {
                    let elastic = 16.0 * (g - 0.002);
                    elastic - 60.0 * (elastic - 0.12).max(0.0).powi(2) / 16.0 + 0.1 * n
                })
                .collect();
            let root = zero_stress_root(&gamma, &stress, 0.3).unwrap();
            assert!(root.covered);
            sum += root.strain - 0.002;
            squared += ((root.strain - 0.002) / root.error).powi(2);
        }
        let bias = sum / runs as f64;
        assert!(bias.abs() < 4.0 * 6e-4 / (runs as f64).sqrt(), "{bias}");
        let spread = (squared / runs as f64).sqrt();
        assert!((0.6..1.6).contains(&spread), "{spread}");
    }

    #[test]
    fn a_curve_that_stays_loaded_has_no_root() {
        let gamma: Vec<f64> = (0..50).map(|i| 0.02 - 1e-4 * f64::from(i)).collect();
        let stress: Vec<f64> = gamma.iter().map(|g| 16.0 * (g - 0.002)).collect();
        assert_eq!(zero_stress_root(&gamma, &stress, 0.3), None);
        let falling: Vec<f64> = stress.iter().map(|s| -s).collect();
        assert_eq!(zero_stress_root(&gamma, &falling, 0.3), None);
    }
}
