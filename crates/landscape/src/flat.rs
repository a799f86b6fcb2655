//! Arithmetic on flat coordinate vectors, with sums in a fixed order.

/// Σ aᵢ bᵢ.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// √Σ aᵢ².
pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// y ← y + factor x.
pub(crate) fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// a ← factor a.
pub(crate) fn scale(a: &mut [f64], factor: f64) {
    for component in a {
        *component *= factor;
    }
}

/// a − b.
pub(crate) fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// Removes the component of `a` along the unit vector `direction`.
pub(crate) fn remove_component(a: &mut [f64], direction: &[f64]) {
    let component = dot(a, direction);
    add_scaled(a, -component, direction);
}

/// Removes the mean of each Cartesian component: the rigid translation.
pub(crate) fn remove_translation(a: &mut [f64]) {
    let atoms = a.len() / 3;
    if atoms == 0 {
        return;
    }
    let mut mean = [0.0; 3];
    for triple in a.chunks_exact(3) {
        for k in 0..3 {
            mean[k] += triple[k];
        }
    }
    for triple in a.chunks_exact_mut(3) {
        for k in 0..3 {
            triple[k] -= mean[k] / atoms as f64;
        }
    }
}
