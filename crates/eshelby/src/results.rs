//! What to read off the rows of a run.

use crate::simulation::Row;

/// Slope and intercept of a least-squares line, with the slope's standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Slope.
    pub slope: f64,
    /// Standard error of the slope from the residuals.
    pub slope_error: f64,
    /// Value at zero.
    pub intercept: f64,
}

/// Fits a line; `None` for fewer than three points or all at one abscissa.
fn fit(points: &[(f64, f64)]) -> Option<Line> {
    let count = points.len() as f64;
    if points.len() < 3 {
        return None;
    }
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if spread <= 0.0 {
        return None;
    }
    let slope = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum::<f64>()
        / spread;
    let intercept = mean_y - slope * mean_x;
    let residual: f64 = points
        .iter()
        .map(|(x, y)| (y - intercept - slope * x).powi(2))
        .sum();
    Some(Line {
        slope,
        slope_error: (residual / (count - 2.0) / spread).sqrt(),
        intercept,
    })
}

/// Effective shear modulus: slope of σ_xy over γ for |γ| up to `strain`, over the rows of one
/// loading stage `[energy / length³]`.
pub fn effective_modulus(rows: &[Row], strain: f64) -> Option<Line> {
    let points: Vec<(f64, f64)> = rows
        .iter()
        .filter(|row| row.strain.abs() <= strain)
        .map(|row| (row.strain, row.stress.xy()))
        .collect();
    fit(&points)
}

/// Residual strain: γ where the rows of one unloading stage reach zero xy stress, between the two
/// rows around the sign change (or the last row, if its stress is zero).
pub fn residual_strain(rows: &[Row]) -> Option<f64> {
    for pair in rows.windows(2) {
        let (a, b) = (pair[0].stress.xy(), pair[1].stress.xy());
        if a != 0.0 && a.signum() != b.signum() || b == 0.0 {
            return Some(pair[0].strain + (pair[1].strain - pair[0].strain) * a / (a - b));
        }
    }
    // An unloading stops within rounding of zero stress, on either side of it.
    let largest = rows
        .iter()
        .map(|row| row.stress.xy().abs())
        .fold(0.0, f64::max);
    let last = rows.last()?;
    (last.stress.xy().abs() <= 1e-9 * largest).then_some(last.strain)
}

/// Recovery: (elapsed `[τ]`, γ) of the rows of one hold.
pub fn recovery_curve(rows: &[Row]) -> Vec<(f64, f64)> {
    rows.iter().map(|row| (row.elapsed, row.strain)).collect()
}

/// Half the difference of two runs of one cycle loaded in opposite directions: what is odd in the
/// load. The rows are paired in order; a surplus is left out.
pub fn half_difference(plus: &[f64], minus: &[f64]) -> Vec<f64> {
    plus.iter().zip(minus).map(|(p, m)| 0.5 * (p - m)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_atoms::Stress;

    fn row(strain: f64, shear: f64) -> Row {
        Row {
            stage: 0,
            elapsed: 0.0,
            time: 0.0,
            strain,
            stress: Stress([0.0, 0.0, 0.0, shear, 0.0, 0.0]),
            energy: 0.0,
            events: 0,
            driving_active_mean: None,
            reported_active_mean: Stress::ZERO,
            reported_elastic_mean: None,
        }
    }

    #[test]
    fn modulus_is_the_slope_at_small_strain() {
        let rows: Vec<Row> = (0..=20)
            .map(|i| {
                let strain = 0.001 * f64::from(i);
                let shear = if i <= 10 { 18.0 * strain + 0.01 } else { 0.0 };
                row(strain, shear)
            })
            .collect();
        let line = effective_modulus(&rows, 0.0101).unwrap();
        assert!((line.slope - 18.0).abs() < 1e-10 && line.slope_error < 1e-10);
        assert!((line.intercept - 0.01).abs() < 1e-12);
        assert!(effective_modulus(&rows, 0.0011).is_none());
    }

    #[test]
    fn residual_strain_lies_between_the_rows_around_zero() {
        let rows = [row(0.02, 0.3), row(0.01, 0.1), row(0.005, -0.1)];
        assert!((residual_strain(&rows).unwrap() - 0.0075).abs() < 1e-15);
        let rows = [row(-0.02, -0.3), row(-0.01, -0.1), row(-0.004, -1e-17)];
        assert_eq!(residual_strain(&rows), Some(-0.004));
        assert_eq!(residual_strain(&rows[..2]), None);
        assert_eq!(residual_strain(&[]), None);
    }
}
