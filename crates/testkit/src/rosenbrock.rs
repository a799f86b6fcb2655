//! Rosenbrock's valley.

use metabasin_interactions::EnergyLandscape;

/// A bent, narrow valley that leads to its minimum at (1, …, 1), where E = 0 (Rosenbrock, Comput.
/// J. 3, 175, 1960).
///
/// ```text
/// E(x) = Σ_k 100 (x_{k+1} − x_k²)² + (1 − x_k)²
/// ```
///
/// From four dimensions on there is a second, local minimum near (−1, 1, …, 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rosenbrock {
    dimension: usize,
}

impl Rosenbrock {
    /// The valley in `dimension` ≥ 2 dimensions.
    ///
    /// # Panics
    /// If `dimension` is below 2.
    pub fn new(dimension: usize) -> Self {
        assert!(dimension >= 2, "Rosenbrock's valley needs two dimensions");
        Self { dimension }
    }

    /// The global minimum (1, …, 1).
    pub fn minimum(&self) -> Vec<f64> {
        vec![1.0; self.dimension]
    }
}

impl EnergyLandscape for Rosenbrock {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut energy = 0.0;
        for k in 0..self.dimension - 1 {
            let off = x[k + 1] - x[k] * x[k];
            let rest = 1.0 - x[k];
            energy += 100.0 * off * off + rest * rest;
            gradient[k] -= 400.0 * off * x[k] + 2.0 * rest;
            gradient[k + 1] += 200.0 * off;
        }
        energy
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        product.fill(0.0);
        for k in 0..self.dimension - 1 {
            let diagonal = 1200.0 * x[k] * x[k] - 400.0 * x[k + 1] + 2.0;
            let coupling = -400.0 * x[k];
            product[k] += diagonal * v[k] + coupling * v[k + 1];
            product[k + 1] += coupling * v[k] + 200.0 * v[k + 1];
        }
    }
}
