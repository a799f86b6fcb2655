//! Analytic surfaces for the unit tests of this crate.

use metabasin_interactions::EnergyLandscape;
use nalgebra::{DMatrix, DVector};

/// E = ½ xᵀ H x.
pub(crate) struct Quadratic {
    hessian: DMatrix<f64>,
}

impl Quadratic {
    /// The given eigenvalues in a rotated frame.
    pub fn rotated(eigenvalues: &[f64]) -> Self {
        let size = eigenvalues.len();
        let irregular =
            DMatrix::from_fn(size, size, |i, j| ((i * 31 + j * 17 + i * j) as f64).sin());
        let rotation = irregular.qr().q();
        let diagonal = DMatrix::from_diagonal(&DVector::from_column_slice(eigenvalues));
        Self {
            hessian: &rotation * diagonal * rotation.transpose(),
        }
    }

    pub fn hessian(&self) -> &DMatrix<f64> {
        &self.hessian
    }
}

impl EnergyLandscape for Quadratic {
    fn dimension(&self) -> usize {
        self.hessian.nrows()
    }
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let x = DVector::from_column_slice(x);
        let product = &self.hessian * &x;
        gradient.copy_from_slice(product.as_slice());
        0.5 * x.dot(&product)
    }
    fn hessian_vector(&mut self, _x: &[f64], v: &[f64], product: &mut [f64]) {
        let image = &self.hessian * DVector::from_column_slice(v);
        product.copy_from_slice(image.as_slice());
    }
}

/// The surface of Müller and Brown (Theor. Chim. Acta 53, 75 (1979)).
pub(crate) struct MuellerBrown;

impl EnergyLandscape for MuellerBrown {
    fn dimension(&self) -> usize {
        2
    }
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        const HEIGHT: [f64; 4] = [-200.0, -100.0, -170.0, 15.0];
        const A: [f64; 4] = [-1.0, -1.0, -6.5, 0.7];
        const B: [f64; 4] = [0.0, 0.0, 11.0, 0.6];
        const C: [f64; 4] = [-10.0, -10.0, -6.5, 0.7];
        const X: [f64; 4] = [1.0, 0.0, -0.5, -1.0];
        const Y: [f64; 4] = [0.0, 0.5, 1.5, 1.0];
        gradient.fill(0.0);
        let mut energy = 0.0;
        for k in 0..4 {
            let (dx, dy) = (x[0] - X[k], x[1] - Y[k]);
            let term = HEIGHT[k] * (A[k] * dx * dx + B[k] * dx * dy + C[k] * dy * dy).exp();
            energy += term;
            gradient[0] += term * (2.0 * A[k] * dx + B[k] * dy);
            gradient[1] += term * (B[k] * dx + 2.0 * C[k] * dy);
        }
        energy
    }
}
