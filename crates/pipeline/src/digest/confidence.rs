//! What may be said of a number with an error that was itself estimated: Student's t.

use std::f64::consts::FRAC_2_PI;

use metabasin_files::findings::Measured;

/// Fewer independent values do not tell their own spread well enough for a verdict.
pub(crate) const FEWEST: usize = 4;
/// Two-sided level of every interval that a verdict rests on.
pub(crate) const LEVEL: f64 = 0.95;

/// Probability that |t| stays below `t` at so many degrees of freedom, by the finite sums of
/// Abramowitz and Stegun, 26.7.3 and 26.7.4.
fn within(t: f64, degrees: usize) -> f64 {
    let angle = (t / (degrees as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    // Odd: cosine (1 + 2/3 cosine² + ...); even: 1 + 1/2 cosine² + ...
    let odd = degrees % 2 == 1;
    let mut term = if odd { cosine } else { 1.0 };
    let mut sum = 0.0;
    let mut k = if odd { 3 } else { 2 };
    while k <= degrees {
        sum += term;
        term *= (k - 1) as f64 / k as f64 * cosine * cosine;
        k += 2;
    }
    if odd {
        FRAC_2_PI * (angle + sine * sum)
    } else {
        sine * sum
    }
}

/// The two-sided quantile of Student's t at [`LEVEL`]; infinite for no degree of freedom.
pub(crate) fn students_t(degrees: usize) -> f64 {
    if degrees == 0 {
        return f64::INFINITY;
    }
    // Beyond this the sums are long and the change is below 1e-3.
    let degrees = degrees.min(2000);
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if within(middle, degrees) < LEVEL {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Half the width of the interval of a number; `None` where its error is not known well enough.
pub(crate) fn margin(measured: Measured) -> Option<f64> {
    let error = measured.error.filter(|_| measured.independent >= FEWEST)?;
    Some(students_t(measured.independent - 1) * error)
}

/// Degrees of freedom of Σ c_i x_i from the standard errors c_i s_i and their own degrees of
/// freedom (Satterthwaite, Biometrics Bull. 2, 110 (1946)), rounded down.
pub(crate) fn effective_degrees(parts: &[(f64, usize)]) -> usize {
    let total: f64 = parts.iter().map(|(error, _)| error * error).sum();
    let shares: f64 = parts
        .iter()
        .map(|(error, degrees)| error.powi(4) / *degrees as f64)
        .sum();
    if shares > 0.0 {
        (total * total / shares) as usize
    } else {
        parts.iter().map(|(_, degrees)| *degrees).min().unwrap_or(0)
    }
}

/// The difference a − b of two independent numbers, with an error only where both errors are known
/// well enough.
fn difference(a: Measured, b: Measured) -> Option<Measured> {
    let (of_a, of_b) = (a.error?, b.error?);
    if a.independent < FEWEST || b.independent < FEWEST {
        return None;
    }
    let degrees = effective_degrees(&[(of_a, a.independent - 1), (of_b, b.independent - 1)]);
    Some(Measured::mean_of(
        degrees + 1,
        a.value - b.value,
        of_a.hypot(of_b),
    ))
}

/// Whether two numbers agree: zero lies in the interval of their difference, and that interval is
/// not so wide that anything of their size would. `None` where it cannot be told.
pub(crate) fn agrees(a: Option<Measured>, b: Option<Measured>) -> Option<bool> {
    let (a, b) = a.zip(b)?;
    let difference = difference(a, b)?;
    let margin = margin(difference)?;
    if difference.value.abs() > margin {
        return Some(false);
    }
    (margin <= a.value.abs().max(b.value.abs())).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_published_tables() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, column 0.975.
        for (degrees, quantile) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (5, 2.571),
            (6, 2.447),
            (7, 2.365),
            (9, 2.262),
            (10, 2.228),
            (15, 2.131),
            (30, 2.042),
            (60, 2.000),
            (100, 1.984),
        ] {
            let found = students_t(degrees);
            assert!((found - quantile).abs() < 5.1e-4, "{degrees}: {found}");
        }
        assert!((students_t(1_000_000) - 1.960).abs() < 2e-3);
        assert!(students_t(0).is_infinite());
        // One degree is Cauchy's distribution, two have a closed form: t = q √(2/(1 − q²)).
        assert!((students_t(1) - (0.475 * std::f64::consts::PI).tan()).abs() < 1e-9);
        let two = 0.95 * std::f64::consts::SQRT_2 / (1.0_f64 - 0.95 * 0.95).sqrt();
        assert!((students_t(2) - two).abs() < 1e-9);
    }

    #[test]
    fn an_error_that_is_not_known_gives_no_interval() {
        assert!(margin(Measured::bare(1.0)).is_none());
        assert!(margin(Measured::within(1.0, 0.1)).is_none());
        assert!(margin(Measured::mean_of(3, 1.0, 0.1)).is_none());
        let four = margin(Measured::mean_of(4, 1.0, 0.1)).unwrap();
        assert!((four - 0.3182).abs() < 1e-4);
    }

    #[test]
    fn degrees_of_freedom_are_satterthwaites() {
        // Equal errors of n − 1 = 3 each: 6; one alone: its own 3.
        assert_eq!(effective_degrees(&[(0.2, 3), (0.2, 3)]), 6);
        assert_eq!(effective_degrees(&[(0.2, 3), (1e-9, 3)]), 3);
        // (1 + 4)² / (1/3 + 16/9) = 11.84.
        assert_eq!(effective_degrees(&[(1.0, 3), (2.0, 9)]), 11);
    }

    #[test]
    fn numbers_agree_differ_or_cannot_be_told_apart() {
        let at = |value, error| Some(Measured::mean_of(4, value, error));
        // Combined error 0.5 at 6 degrees and less: t ≤ 2.571 for 5.
        assert_eq!(agrees(at(17.0, 0.3), at(17.9, 0.4)), Some(true));
        assert_eq!(agrees(at(17.0, 0.3), at(18.9, 0.4)), Some(false));
        // The same scatter about zero: nothing is said by agreeing.
        assert_eq!(agrees(at(0.1, 0.3), at(0.5, 0.4)), None);
        let three = Some(Measured::mean_of(3, 17.0, 0.3));
        assert_eq!(agrees(three, at(30.0, 0.1)), None);
        let thermal = Some(Measured::within(17.0, 0.3));
        assert_eq!(agrees(thermal, at(30.0, 0.1)), None);
        assert_eq!(agrees(None, at(1.0, 0.1)), None);
    }
}
