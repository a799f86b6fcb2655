//! The smooth end of a Lennard-Jones force without branch and square root.

use nalgebra::{DMatrix, DVector};

/// By what the terms (σ/r)¹² and (σ/r)⁶ of a force are multiplied where it ends smoothly.
///
/// Between r_in and r_c [`Cut::Smooth`](crate::Cut::Smooth) replaces c/r^(p+1) by the cubic in r that
/// matches it and its slope at r_in and vanishes with zero slope at r_c. The ratio of the two depends
/// on r_in/r_c alone, is 1 with zero slope at r_in, and is a polynomial in
/// u = (r² − r_in²)/(r_c² − r_in²) to the rounding of single precision:
///
/// ```text
/// a(u) = 1 + u² (a₀ + a₁ u + a₂ u² + a₃ u³),   b(u) = 1 + u² (b₀ + ... + b₄ u⁴)
/// ```
///
/// with coefficients that reproduce the ratio where a Chebyshev polynomial of u vanishes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Smoothing {
    /// Of the twelfth power.
    pub repulsion: [f32; 4],
    /// Of the sixth power.
    pub attraction: [f32; 5],
}

impl Smoothing {
    /// For a ratio r_in/r_c between 0 and 1.
    pub fn new(ratio: f64) -> Self {
        Self {
            repulsion: coefficients(ratio, 12),
            attraction: coefficients(ratio, 6),
        }
    }
}

/// The smoothed force over the plain one of r^(−power) at u, with r_c = 1.
fn exact(inner: f64, power: i32, u: f64) -> f64 {
    let r = (inner * inner + u * (1.0 - inner * inner)).sqrt();
    let (t, width) = (r - inner, 1.0 - inner);
    let f1 = inner.powi(-power - 1);
    let f2 = -f64::from(power + 1) * inner.powi(-power - 2);
    let f3 = -(3.0 * f1 + 2.0 * f2 * width) / width.powi(2);
    let f4 = (2.0 * f1 + f2 * width) / width.powi(3);
    (f1 + t * (f2 + t * (f3 + t * f4))) * r.powi(power + 1)
}

fn coefficients<const N: usize>(inner: f64, power: i32) -> [f32; N] {
    let node = |k: usize| {
        let angle = std::f64::consts::PI * (k as f64 + 0.5) / N as f64;
        0.5 * (1.0 - angle.cos())
    };
    let powers = DMatrix::from_fn(N, N, |k, l| node(k).powi(l as i32));
    let values = DVector::from_fn(N, |k, _| {
        (exact(inner, power, node(k)) - 1.0) / node(k).powi(2)
    });
    // Nodes differ, so the matrix of their powers has an inverse.
    let found = powers.lu().solve(&values);
    let found = found.expect("nodes of a Chebyshev polynomial differ");
    std::array::from_fn(|k| found[k] as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forces of the glass are of the order of 17 ε/σ (rms), so single precision rounds them by
    /// 17 × 6e-8 = 1e-6; what the polynomials lack is below half of that at any distance.
    #[test]
    fn polynomials_are_the_cubic_below_single_rounding() {
        for (inner, cutoff) in [(2.3, 2.5), (0.92 * 2.0, 2.0), (2.2, 2.5)] {
            let smoothing = Smoothing::new(inner / cutoff);
            let sum = |coefficients: &[f32], u: f64| {
                let powers = coefficients.iter().rev();
                1.0 + u * u * powers.fold(0.0, |sum, &c| sum * u + f64::from(c))
            };
            let mut worst = 0.0_f64;
            for k in 0..=1000 {
                let u = f64::from(k) / 1000.0;
                let r = (inner * inner + u * (cutoff * cutoff - inner * inner)).sqrt();
                let a = sum(&smoothing.repulsion, u) - exact(inner / cutoff, 12, u);
                let b = sum(&smoothing.attraction, u) - exact(inner / cutoff, 6, u);
                worst = worst.max((48.0 * a / r.powi(13) - 24.0 * b / r.powi(7)).abs());
            }
            // At 2 σ a force is five times as large, at 2.2 σ its end a third longer.
            let limit = if inner == 2.3 { 5e-7 } else { 1e-5 };
            assert!(worst < limit, "{inner} {cutoff}: {worst}");
            assert!(worst > 1e-12, "a polynomial is not the ratio itself");
        }
    }

    #[test]
    fn the_force_begins_as_the_plain_one_and_ends_at_zero() {
        for power in [6, 12] {
            let slope = (exact(0.92, power, 1e-6) - exact(0.92, power, 0.0)) / 1e-6;
            assert!((exact(0.92, power, 0.0) - 1.0).abs() < 1e-12 && slope.abs() < 1e-4);
            assert!(exact(0.92, power, 1.0).abs() < 1e-9);
        }
    }
}
