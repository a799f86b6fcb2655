//! A parabola of any spectrum.

use metabasin_interactions::EnergyLandscape;

/// A parabola with any eigenvalues λ and eigenvectors q that no axis is parallel to.
///
/// ```text
/// E(x) = ½ Σ_k λ_k (q_k·(x − x₀))²
/// ```
/// The eigenvectors are the columns of the Householder reflection 1 − 2 w wᵀ/|w|² with components
/// k + 1 + √n of w (k from 0).
#[derive(Clone, Debug, PartialEq)]
pub struct Quadratic {
    spectrum: Vec<f64>,
    center: Vec<f64>,
}

impl Quadratic {
    /// A parabola around the origin with these eigenvalues `[energy / length²]`.
    pub fn new(spectrum: Vec<f64>) -> Self {
        let center = vec![0.0; spectrum.len()];
        Self { spectrum, center }
    }

    /// Moves the stationary point to `center`.
    ///
    /// # Panics
    /// If it has not one entry an eigenvalue.
    #[must_use]
    pub fn with_center(mut self, center: Vec<f64>) -> Self {
        assert_eq!(center.len(), self.spectrum.len());
        self.center = center;
        self
    }

    /// The stationary point: the minimum where every eigenvalue is positive.
    pub fn center(&self) -> &[f64] {
        &self.center
    }

    /// The eigenvalues of the Hessian.
    pub fn spectrum(&self) -> &[f64] {
        &self.spectrum
    }

    /// Eigenvector `k` of the Hessian.
    pub fn eigenvector(&self, k: usize) -> Vec<f64> {
        let mut unit = vec![0.0; self.spectrum.len()];
        unit[k] = 1.0;
        reflect(&unit)
    }
}

/// (1 − 2 w wᵀ/|w|²) v.
fn reflect(v: &[f64]) -> Vec<f64> {
    let root = (v.len() as f64).sqrt();
    let w = |k: usize| (k + 1) as f64 + root;
    let squared: f64 = (0..v.len()).map(|k| w(k) * w(k)).sum();
    let along: f64 = v.iter().enumerate().map(|(k, v)| w(k) * v).sum();
    let factor = 2.0 * along / squared;
    v.iter()
        .enumerate()
        .map(|(k, v)| v - factor * w(k))
        .collect()
}

impl EnergyLandscape for Quadratic {
    fn dimension(&self) -> usize {
        self.spectrum.len()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let difference: Vec<f64> = x.iter().zip(&self.center).map(|(x, c)| x - c).collect();
        self.hessian_vector(x, &difference, gradient);
        0.5 * difference
            .iter()
            .zip(&*gradient)
            .map(|(d, g)| d * g)
            .sum::<f64>()
    }

    fn hessian_vector(&mut self, _x: &[f64], v: &[f64], product: &mut [f64]) {
        let mut modes = reflect(v);
        for (mode, eigenvalue) in modes.iter_mut().zip(&self.spectrum) {
            *mode *= eigenvalue;
        }
        product.copy_from_slice(&reflect(&modes));
    }
}
