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
