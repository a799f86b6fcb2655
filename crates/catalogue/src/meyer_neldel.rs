//! The Meyer-Neldel rule: do high barriers have high prefactors?

use serde::Serialize;

use crate::EventRecord;

/// The least number of points to which a line with an error is fitted.
const LEAST_POINTS: usize = 3;

/// A straight line through points, by ordinary least squares:
///
/// ```text
/// ln ν = intercept + slope ΔE
/// ```
///
/// The Meyer-Neldel (compensation) rule says that the slope is positive, 1/E_MN with the
/// Meyer-Neldel energy E_MN (Meyer & Neldel, Z. Tech. Phys. 18, 588 (1937); Yelon, Movaghar &
/// Crandall, Rep. Prog. Phys. 69, 1145 (2006)): entropy then pays for part of the barrier, and all
/// rates meet at k_B T = E_MN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeyerNeldel {
    /// Events with a measured forward prefactor.
    pub events: usize,
    /// d ln ν / dΔE `[1 / energy]`.
    pub slope: f64,
    /// Standard error of the slope, from the scatter about the line.
    pub slope_error: f64,
    /// ln ν at no barrier, ν in 1/τ.
    pub intercept: f64,
    /// Its standard error.
    pub intercept_error: f64,
    /// Scatter of ln ν about the line.
    pub scatter: f64,
    /// Coefficient of correlation of ln ν and ΔE.
    pub correlation: f64,
    /// E_MN = 1/slope `[energy]`, where the slope is positive by more than two standard errors.
    pub meyer_neldel_energy: Option<f64>,
    /// Standard error of `E_MN` to first order, `slope_error` / slope².
    pub meyer_neldel_energy_error: Option<f64>,
}

impl MeyerNeldel {
    /// The rule over the events with a measured forward prefactor; `None` with fewer than three of
    /// them, or where all barriers are equal.
    pub fn of(events: &[&EventRecord]) -> Option<Self> {
        let points: Vec<(f64, f64)> = events
            .iter()
            .filter_map(|event| Some((event.barrier_forward, event.prefactor_forward?)))
            .filter(|(barrier, prefactor)| barrier.is_finite() && *prefactor > 0.0)
            .map(|(barrier, prefactor)| (barrier, prefactor.ln()))
            .collect();
        Self::through(&points)
    }

    /// The line through points (ΔE, ln ν).
    pub fn through(points: &[(f64, f64)]) -> Option<Self> {
        if points.len() < LEAST_POINTS {
            return None;
        }
        let count = points.len() as f64;
        let mean_x = points.iter().map(|p| p.0).sum::<f64>() / count;
        let mean_y = points.iter().map(|p| p.1).sum::<f64>() / count;
        let [mut xx, mut xy, mut yy] = [0.0; 3];
        for (x, y) in points {
            let (x, y) = (x - mean_x, y - mean_y);
            xx += x * x;
            xy += x * y;
            yy += y * y;
        }
        if xx <= 0.0 {
            return None;
        }
        let slope = xy / xx;
        let residual = (yy - slope * xy).max(0.0);
        let scatter = (residual / (count - 2.0)).sqrt();
        let slope_error = scatter / xx.sqrt();
        let significant = slope > 2.0 * slope_error;
        Some(Self {
            events: points.len(),
            slope,
            slope_error,
            intercept: mean_y - slope * mean_x,
            intercept_error: scatter * (1.0 / count + mean_x * mean_x / xx).sqrt(),
            scatter,
            correlation: if yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 },
            meyer_neldel_energy: significant.then(|| slope.recip()),
            meyer_neldel_energy_error: significant.then(|| slope_error / (slope * slope)),
        })
    }
}

#[cfg(test)]
mod tests {
    use metabasin_atoms::{Purpose, random_stream};
    use rand::RngExt;

    use super::*;

    /// Anscombe's first set (Am. Stat. 27, 17 (1973)): y = 3.00 + 0.500 x, standard errors 1.125
    /// and 0.118, r² = 0.667, as every statistics program prints them.
    #[test]
    fn a_textbook_line_has_its_textbook_errors() {
        let points = [
            (10.0, 8.04),
            (8.0, 6.95),
            (13.0, 7.58),
            (9.0, 8.81),
            (11.0, 8.33),
            (14.0, 9.96),
            (6.0, 7.24),
            (4.0, 4.26),
            (12.0, 10.84),
            (7.0, 4.82),
            (5.0, 5.68),
        ];
        let line = MeyerNeldel::through(&points).unwrap();
        assert!((line.slope - 0.5001).abs() < 1e-4);
        assert!((line.slope_error - 0.1179).abs() < 1e-4);
        assert!((line.intercept - 3.0001).abs() < 1e-4);
        assert!((line.intercept_error - 1.1247).abs() < 1e-4);
        assert!((line.scatter - 1.2366).abs() < 1e-4);
        assert!((line.correlation - 0.81642).abs() < 1e-5);
        assert!((line.meyer_neldel_energy.unwrap() - 1.9996).abs() < 1e-3);
        assert!((line.meyer_neldel_energy_error.unwrap() - 0.4714).abs() < 1e-3);
    }

    /// Errors are right on average: the deviations from the true slope, in standard errors, have
    /// the spread of Student's t with 38 degrees of freedom, √(38/36) = 1.027.
    #[test]
    fn errors_say_how_far_off_a_slope_is() {
        let (slope, draws) = (0.25, 2000);
        let mut squares = 0.0;
        for index in 0..draws {
            let mut random = random_stream(3, Purpose::Test, 0, index);
            let mut noise = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            let points: Vec<(f64, f64)> = (0..40)
                .map(|k| {
                    let x = 0.3 * f64::from(k);
                    (x, 1.0 + slope * x + 0.8 * noise())
                })
                .collect();
            let line = MeyerNeldel::through(&points).unwrap();
            squares += ((line.slope - slope) / line.slope_error).powi(2);
        }
        let spread = (squares / draws as f64).sqrt();
        // Standard error of the spread 1.027/√(2 · 2000) = 0.016 (a little more for t): four of
        // them, false alarms below 1e-4; errors 10 % off would be six away.
        assert!((spread - 1.027).abs() < 0.068, "{spread}");
    }

    #[test]
    fn too_few_points_or_one_barrier_have_no_line() {
        assert_eq!(MeyerNeldel::through(&[(1.0, 2.0), (2.0, 3.0)]), None);
        assert_eq!(MeyerNeldel::through(&[(1.0, 2.0); 5]), None);
        let flat = MeyerNeldel::through(&[(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]).unwrap();
        assert_eq!((flat.slope, flat.meyer_neldel_energy), (0.0, None));
    }
}
