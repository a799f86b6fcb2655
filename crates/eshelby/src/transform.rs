//! Three-dimensional Fourier transform of a cubic grid: three passes of one-dimensional ones.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftDirection, FftPlanner};

/// Transforms a cube of edge³ numbers, x fastest, in place and without a prefactor.
pub(crate) struct Transform {
    edge: usize,
    plan: Arc<dyn Fft<f64>>,
}

impl Transform {
    /// Σ_k f(k) e^{+ik·r}.
    pub(crate) fn inverse(edge: usize) -> Self {
        Self::new(edge, FftDirection::Inverse)
    }

    /// Σ_r f(r) e^{−ik·r}.
    pub(crate) fn forward(edge: usize) -> Self {
        Self::new(edge, FftDirection::Forward)
    }

    fn new(edge: usize, direction: FftDirection) -> Self {
        Self {
            edge,
            plan: FftPlanner::new().plan_fft(edge, direction),
        }
    }

    /// Replaces the cube by its transform.
    pub(crate) fn apply(&self, cube: &mut Vec<Complex<f64>>) {
        let edge = self.edge;
        let plane = edge * edge;
        // One pass along x transforms; a rotation of the axes (x, y, z) → (y, z, x) brings the
        // next one to the front; after three passes the axes are back in place.
        let mut rotated = vec![Complex::default(); cube.len()];
        for _ in 0..3 {
            self.plan.process(cube);
            for (z, slab) in cube.chunks_exact(plane).enumerate() {
                for x in 0..edge {
                    let start = edge * z + plane * x;
                    for (y, value) in rotated[start..start + edge].iter_mut().enumerate() {
                        *value = slab[x + edge * y];
                    }
                }
            }
            std::mem::swap(cube, &mut rotated);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn a_plane_wave_becomes_a_point_and_back() {
        let edge = 6;
        let (kx, ky, kz) = (1, 2, 5);
        let mut cube = Vec::new();
        for z in 0..edge {
            for y in 0..edge {
                for x in 0..edge {
                    let phase = TAU * (kx * x + ky * y + kz * z) as f64 / edge as f64;
                    cube.push(Complex::from_polar(1.0, phase));
                }
            }
        }
        let wave = cube.clone();
        Transform::forward(edge).apply(&mut cube);
        for (index, value) in cube.iter().enumerate() {
            let here = index == kx + edge * (ky + edge * kz);
            let expected = if here { 216.0 } else { 0.0 };
            assert!((value - expected).norm() < 1e-11, "{index}: {value}");
        }
        Transform::inverse(edge).apply(&mut cube);
        for (value, expected) in cube.iter().zip(&wave) {
            assert!((value / 216.0 - expected).norm() < 1e-13);
        }
    }
}
