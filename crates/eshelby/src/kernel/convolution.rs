//! Sums of the kernel over many sources at once, by Fourier transform.
//!
//! Two real fields share one complex transform: with F the transform of f₁ + i f₂,
//!
//! ```text
//! f̂₁(k) = ½[F(k) + F*(−k)]        f̂₂(k) = [F(k) − F*(−k)]/2i
//! ```

use rayon::prelude::*;
use rustfft::num_complex::Complex;

use super::Kernel;
use crate::mandel::{Mandel, PAIRS, pair_index};
use crate::transform::Transform;

type Cube = Vec<Complex<f64>>;

/// Index of −k.
fn opposite(index: usize, edge: usize) -> usize {
    let mirror = |index: usize| (edge - index) % edge;
    let (x, y, z) = (index % edge, index / edge % edge, index / (edge * edge));
    (mirror(z) * edge + mirror(y)) * edge + mirror(x)
}

impl Kernel {
    /// Stress Σ_j K(r − r_j) : p_j at the sites `targets` of plastic volumes on sites.
    pub(crate) fn convolve(
        &self,
        sources: impl Iterator<Item = (usize, Mandel)>,
        targets: impl Iterator<Item = usize>,
    ) -> Vec<Mandel> {
        let (edge, sites) = (self.edge, self.sites());
        let mut cubes: [Cube; 3] = std::array::from_fn(|_| vec![Complex::default(); sites]);
        for (site, plastic) in sources {
            for (couple, cube) in cubes.iter_mut().enumerate() {
                cube[site] += Complex::new(plastic[2 * couple], plastic[2 * couple + 1]);
            }
        }
        let forward = Transform::forward(edge);
        cubes.par_iter_mut().for_each(|cube| forward.apply(cube));
        for here in 0..sites {
            let there = opposite(here, edge);
            if there < here {
                continue;
            }
            let mut plastic = [Complex::default(); 6];
            for (couple, cube) in cubes.iter().enumerate() {
                let (a, b) = (cube[here], cube[there].conj());
                plastic[2 * couple] = (a + b) * 0.5;
                plastic[2 * couple + 1] = (a - b) * Complex::new(0.0, -0.5);
            }
            let matrix = &self.spectrum[here];
            let stress: [Complex<f64>; 6] = std::array::from_fn(|row| {
                (0..6)
                    .map(|column| plastic[column] * matrix[pair_index(row, column)])
                    .sum()
            });
            let i = Complex::new(0.0, 1.0);
            for (couple, cube) in cubes.iter_mut().enumerate() {
                let (a, b) = (stress[2 * couple], stress[2 * couple + 1]);
                cube[here] = a + i * b;
                cube[there] = a.conj() + i * b.conj();
            }
        }
        let inverse = Transform::inverse(edge);
        cubes.par_iter_mut().for_each(|cube| inverse.apply(cube));
        targets
            .map(|site| {
                std::array::from_fn(|component| {
                    let number = cubes[component / 2][site];
                    (if component % 2 == 0 {
                        number.re
                    } else {
                        number.im
                    }) / sites as f64
                })
            })
            .collect()
    }

    /// Σ_s w_s K(r_s − r) at the sites `targets`, upper triangle.
    pub(crate) fn weighted_sums(&self, weights: &[f64], targets: &[usize]) -> Vec<[f64; PAIRS]> {
        let sites = self.sites();
        let mut transformed: Cube = weights
            .iter()
            .map(|&weight| Complex::new(weight, 0.0))
            .collect();
        Transform::forward(self.edge).apply(&mut transformed);
        let mut sums = vec![[0.0; PAIRS]; targets.len()];
        let inverse = Transform::inverse(self.edge);
        for pair in (0..PAIRS).step_by(2) {
            // K̂ is real and even: both products keep the symmetry of a real field's transform.
            let mut cube: Cube = transformed
                .iter()
                .zip(&self.spectrum)
                .map(|(w, k)| w * Complex::new(k[pair], k.get(pair + 1).copied().unwrap_or(0.0)))
                .collect();
            inverse.apply(&mut cube);
            for (sum, &site) in sums.iter_mut().zip(targets) {
                sum[pair] = cube[site].re / sites as f64;
                if let Some(second) = sum.get_mut(pair + 1) {
                    *second = cube[site].im / sites as f64;
                }
            }
        }
        sums
    }
}

/// K(r) at every displacement from its transform.
pub(super) fn real_space(edge: usize, spectrum: &[[f64; PAIRS]]) -> Vec<[f64; PAIRS]> {
    let sites = edge.pow(3);
    let transform = Transform::inverse(edge);
    let couples: Vec<usize> = (0..PAIRS).step_by(2).collect();
    let cubes: Vec<Cube> = couples
        .par_iter()
        .map(|&pair| {
            let mut cube: Cube = spectrum
                .iter()
                .map(|k| Complex::new(k[pair], k.get(pair + 1).copied().unwrap_or(0.0)))
                .collect();
            transform.apply(&mut cube);
            cube
        })
        .collect();
    let value = |site: usize, pair: usize| {
        let number = cubes[pair / 2][site];
        (if pair.is_multiple_of(2) {
            number.re
        } else {
            number.im
        }) / sites as f64
    };
    (0..sites)
        .map(|site| {
            let opposite = opposite(site, edge);
            // Exactly even, so that the force of i on j is that of j on i to the last bit.
            std::array::from_fn(|pair| 0.5 * (value(site, pair) + value(opposite, pair)))
        })
        .collect()
}
