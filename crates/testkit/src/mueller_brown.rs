//! The Müller-Brown surface.

use metabasin_interactions::EnergyLandscape;

/// A stationary point of [`MuellerBrown`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StationaryPoint {
    /// Where it is.
    pub x: [f64; 2],
    /// The energy there.
    pub energy: f64,
}

/// The surface of Müller & Brown (Theor. Chim. Acta 53, 75, 1979), the usual first test of saddle
/// searches: three minima joined by two saddles.
///
/// ```text
/// E(x, y) = Σ_k A_k exp(a_k (x − x_k)² + b_k (x − x_k)(y − y_k) + c_k (y − y_k)²)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MuellerBrown;

/// A, a, b, c, x, y of the four Gaussians.
const TERMS: [[f64; 6]; 4] = [
    [-200.0, -1.0, 0.0, -10.0, 1.0, 0.0],
    [-100.0, -1.0, 0.0, -10.0, 0.0, 0.5],
    [-170.0, -6.5, 11.0, -6.5, -0.5, 1.5],
    [15.0, 0.7, 0.6, 0.7, -1.0, 1.0],
];

impl MuellerBrown {
    /// The three minima, lowest first.
    pub const MINIMA: [StationaryPoint; 3] = [
        StationaryPoint {
            x: [-0.5582236346330243, 1.4417258418046686],
            energy: -146.69951720995402,
        },
        StationaryPoint {
            x: [0.6234994049308765, 0.028037758528685668],
            energy: -108.16672411685235,
        },
        StationaryPoint {
            x: [-0.050010822998206056, 0.4666941048719721],
            energy: -80.76781812965903,
        },
    ];

    /// The two saddles: the one between the first and the third minimum, and the one between the
    /// second and the third.
    pub const SADDLES: [StationaryPoint; 2] = [
        StationaryPoint {
            x: [-0.8220015587327321, 0.6243128028148713],
            energy: -40.664843508657405,
        },
        StationaryPoint {
            x: [0.212486582000662, 0.2929883251073678],
            energy: -72.24894011232522,
        },
    ];
}

impl EnergyLandscape for MuellerBrown {
    fn dimension(&self) -> usize {
        2
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut energy = 0.0;
        for [amplitude, a, b, c, x0, y0] in TERMS {
            let (dx, dy) = (x[0] - x0, x[1] - y0);
            let term = amplitude * (a * dx * dx + b * dx * dy + c * dy * dy).exp();
            energy += term;
            gradient[0] += term * (2.0 * a * dx + b * dy);
            gradient[1] += term * (b * dx + 2.0 * c * dy);
        }
        energy
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        product.fill(0.0);
        for [amplitude, a, b, c, x0, y0] in TERMS {
            let (dx, dy) = (x[0] - x0, x[1] - y0);
            let term = amplitude * (a * dx * dx + b * dx * dy + c * dy * dy).exp();
            let slope = [2.0 * a * dx + b * dy, b * dx + 2.0 * c * dy];
            let along = slope[0] * v[0] + slope[1] * v[1];
            product[0] += term * (slope[0] * along + 2.0 * a * v[0] + b * v[1]);
            product[1] += term * (slope[1] * along + b * v[0] + 2.0 * c * v[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Determinant and trace of the Hessian.
    fn curvatures(x: &[f64]) -> (f64, f64) {
        let column = |v: [f64; 2]| {
            let mut product = [0.0; 2];
            MuellerBrown.hessian_vector(x, &v, &mut product);
            product
        };
        let (first, second) = (column([1.0, 0.0]), column([0.0, 1.0]));
        (
            first[0] * second[1] - first[1] * second[0],
            first[0] + second[1],
        )
    }

    #[test]
    fn the_tabulated_points_are_stationary_and_of_the_right_index() {
        let points = MuellerBrown::MINIMA
            .iter()
            .map(|point| (point, false))
            .chain(MuellerBrown::SADDLES.iter().map(|point| (point, true)));
        for (point, saddle) in points {
            let mut gradient = [0.0; 2];
            let energy = MuellerBrown.evaluate(&point.x, &mut gradient);
            // Coordinates of 15 digits and curvatures up to 1e3.
            assert!((energy - point.energy).abs() < 1e-11, "{energy}");
            assert!(
                MuellerBrown.largest_force(&gradient) < 5e-12,
                "{gradient:?}"
            );
            let (determinant, trace) = curvatures(&point.x);
            assert_eq!(determinant < 0.0, saddle);
            assert!(saddle || trace > 0.0);
        }
    }
}
