//! The periodic stress of a plastic event on a cubic grid of sites.
//!
//! Source and target are Gaussians of standard deviation s, so the field has no ringing: the
//! usual spectral kernel, cut off at the grid's Nyquist frequency, is wrong by factors on the axes,
//! while the sum over all aliases is the exact periodic field sampled at the sites,
//!
//! ```text
//! K(r) = −(1/V) Σ_{k≠0} e^{ik·r} Σ_G exp(−|k+G|² s²) M((k+G)/|k+G|),   Σ_r K(r) = 0
//! ```
//!
//! with M of a plane wave (the plane-stress stiffness of the plane normal to its direction).

use rustfft::num_complex::Complex;
use std::f64::consts::PI;

use metabasin_atoms::{PlasticVolume, Stress};
use rayon::prelude::*;

use crate::elasticity::Elasticity;
use crate::error::{EshelbyError, positive};
use crate::mandel::{Mandel, PAIRS, from_tensor, multiply, pair_index, to_tensor};
use crate::transform::Transform;
use crate::vector;

/// Aliases whose weight is below this are left out.
const SMALLEST_WEIGHT: f64 = 1e-8;

/// Sites from which on a field is updated by several threads; below, starting them costs more.
const PARALLEL_SITES: usize = 20_000;

/// Stress at every site of a periodic cubic grid per plastic volume at one site.
#[derive(Clone, Debug)]
pub struct Kernel {
    edge: usize,
    spacing: f64,
    elasticity: Elasticity,
    /// K(r) row by row: for every (z, y) the 21 components in turn, each over two periods of x,
    /// so that the row seen from any source is contiguous.
    table: Vec<f64>,
    /// Fourier transform of K, 21 components for every wavevector; real and even.
    spectrum: Vec<[f64; PAIRS]>,
}

/// Standard deviation of the Gaussian whose second moment is that of a ball of volume V₀:
/// s = R₀/√5, R₀ = (3V₀/4π)^{1/3} `[length]`.
pub fn source_width(volume: f64) -> f64 {
    (3.0 * volume / (4.0 * PI)).cbrt() / 5.0_f64.sqrt()
}

impl Kernel {
    /// The kernel of edge³ sites of spacing a `[length]` with Gaussian sources of standard
    /// deviation s `[length]`.
    ///
    /// # Errors
    /// Spacing and width must be positive, the width at least 0.15 a (below, the sum over aliases
    /// would be long, and the source smaller than any site), and the edge at least 2.
    pub fn gaussian(
        edge: usize,
        spacing: f64,
        width: f64,
        elasticity: Elasticity,
    ) -> Result<Self, EshelbyError> {
        positive("spacing", spacing)?;
        positive("source_width", width)?;
        if width < 0.15 * spacing {
            return Err(EshelbyError::OutOfRange {
                field: "source_width",
                value: width,
                range: "[0.15 spacing, ...)",
            });
        }
        check_edge(edge)?;
        let spectrum = spectrum(edge, spacing, width, &elasticity);
        let table = real_space(edge, &spectrum);
        Ok(Self {
            edge,
            spacing,
            elasticity,
            table,
            spectrum,
        })
    }

    /// A kernel of the same shape through which events do not interact at all, the limit with
    /// closed-form answers.
    ///
    /// # Errors
    /// As [`Kernel::gaussian`].
    pub fn without_interaction(
        edge: usize,
        spacing: f64,
        elasticity: Elasticity,
    ) -> Result<Self, EshelbyError> {
        positive("spacing", spacing)?;
        check_edge(edge)?;
        let sites = edge.pow(3);
        Ok(Self {
            edge,
            spacing,
            elasticity,
            table: vec![0.0; 2 * sites * PAIRS],
            spectrum: vec![[0.0; PAIRS]; sites],
        })
    }

    /// Sites along one edge.
    pub fn edge(&self) -> usize {
        self.edge
    }

    /// Number of sites.
    pub fn sites(&self) -> usize {
        self.edge.pow(3)
    }

    /// Distance of neighboring sites a `[length]`.
    pub fn spacing(&self) -> f64 {
        self.spacing
    }

    /// Volume of the whole periodic cube `[length³]`.
    pub fn volume(&self) -> f64 {
        (self.edge as f64 * self.spacing).powi(3)
    }

    /// The medium.
    pub fn elasticity(&self) -> Elasticity {
        self.elasticity
    }

    /// Stress at `displacement` (in sites, any periodic image) from a source of plastic volume
    /// `plastic`; at zero displacement the stress within the source itself.
    pub fn stress(&self, displacement: [isize; 3], plastic: PlasticVolume) -> Stress {
        let stress = multiply(&self.at(displacement), &from_tensor(plastic.0));
        Stress(to_tensor(stress))
    }

    /// K at a displacement, upper triangle in Mandel components.
    pub(crate) fn at(&self, displacement: [isize; 3]) -> [f64; PAIRS] {
        let edge = self.edge as isize;
        let [x, y, z] = displacement.map(|d| d.rem_euclid(edge) as usize);
        let row = (z * self.edge + y) * PAIRS;
        std::array::from_fn(|pair| self.table[(row + pair) * 2 * self.edge + x])
    }

    /// Length of a stress field: six Mandel components for every site.
    pub(crate) fn field_length(&self) -> usize {
        6 * self.sites()
    }

    /// Where the xx component of a site stands in a field; component k stands k·edge further.
    pub(crate) fn field_index(&self, site: usize) -> usize {
        let row = site / self.edge;
        row * 6 * self.edge + site % self.edge
    }

    /// The stress of one site in a field.
    pub(crate) fn field_at(&self, field: &[f64], site: usize) -> Mandel {
        let first = self.field_index(site);
        std::array::from_fn(|k| field[first + k * self.edge])
    }

    /// Adds to `field` the stress of a change `plastic` of the plastic volume at `site`.
    ///
    /// Every site is written by exactly one thread, with the same arithmetic for any number of
    /// them.
    pub(crate) fn add(&self, field: &mut [f64], site: usize, plastic: &Mandel) {
        let edge = self.edge;
        let source = [site % edge, site / edge % edge, site / (edge * edge)];
        let row = |(index, row): (usize, &mut [f64])| {
            let y = (index % edge + edge - source[1]) % edge;
            let z = (index / edge + edge - source[2]) % edge;
            let first = (z * edge + y) * PAIRS * 2 * edge + edge - source[0];
            vector::add_row(row, edge, &self.table[first..], 2 * edge, plastic);
        };
        if self.sites() >= PARALLEL_SITES && rayon::current_num_threads() > 1 {
            field
                .par_chunks_exact_mut(6 * edge)
                .enumerate()
                .with_min_len(64)
                .for_each(row);
        } else {
            field.chunks_exact_mut(6 * edge).enumerate().for_each(row);
        }
    }

    /// The stress field of plastic volumes on all sites, by Fourier transform.
    pub(crate) fn convolve(&self, plastic: &[Mandel]) -> Vec<f64> {
        let sites = self.sites();
        let forward = Transform::forward(self.edge);
        let inverse = Transform::inverse(self.edge);
        let sources: Vec<Vec<Complex<f64>>> = (0..6)
            .map(|component| {
                let mut cube: Vec<Complex<f64>> = plastic
                    .iter()
                    .map(|p| Complex::new(p[component], 0.0))
                    .collect();
                forward.apply(&mut cube);
                cube
            })
            .collect();
        let mut field = vec![0.0; self.field_length()];
        for component in 0..6 {
            let mut cube: Vec<Complex<f64>> = (0..sites)
                .map(|k| {
                    (0..6)
                        .map(|other| {
                            sources[other][k] * self.spectrum[k][pair_index(component, other)]
                        })
                        .sum()
                })
                .collect();
            inverse.apply(&mut cube);
            for (site, value) in cube.iter().enumerate() {
                field[self.field_index(site) + component * self.edge] = value.re / sites as f64;
            }
        }
        field
    }
}

fn check_edge(edge: usize) -> Result<(), EshelbyError> {
    if (2..=256).contains(&edge) {
        Ok(())
    } else {
        Err(EshelbyError::OutOfRange {
            field: "sites_per_edge",
            value: edge as f64,
            range: "[2, 256]",
        })
    }
}

/// One direction's share of a wavevector k + G: the component `[1/length]` and exp(−q²s²).
#[derive(Clone, Copy)]
struct Alias {
    wave_number: f64,
    weight: f64,
}

/// All aliases of every wavevector along one axis, symmetric about zero so that the kernel is
/// even and real also at the Nyquist frequency of an even grid.
fn aliases(edge: usize, spacing: f64, width: f64) -> Vec<Vec<Alias>> {
    let reach = (-SMALLEST_WEIGHT.ln()).sqrt() / width;
    let reciprocal = 2.0 * PI / spacing;
    let images = (reach / reciprocal).ceil() as i64 + 1;
    (0..edge)
        .map(|index| {
            (-images..=images)
                .map(|image| {
                    let turns = image * edge as i64 + index as i64;
                    let wave_number = turns as f64 * reciprocal / edge as f64;
                    Alias {
                        wave_number,
                        weight: (-(wave_number * width).powi(2)).exp(),
                    }
                })
                .filter(|alias| alias.weight > SMALLEST_WEIGHT)
                .collect()
        })
        .collect()
}

/// The discrete Fourier transform of K over the sites: K̂(k)/a³.
fn spectrum(edge: usize, spacing: f64, width: f64, elasticity: &Elasticity) -> Vec<[f64; PAIRS]> {
    let axis = aliases(edge, spacing, width);
    let site_volume = spacing.powi(3);
    let half: Vec<Vec<[f64; PAIRS]>> = (0..=edge / 2)
        .into_par_iter()
        .map(|z| {
            let mut plane = vec![[0.0; PAIRS]; edge * edge];
            for y in 0..edge {
                for x in 0..edge {
                    if x + y + z > 0 {
                        plane[y * edge + x] =
                            alias_sum(&axis[x], &axis[y], &axis[z], site_volume, elasticity);
                    }
                }
            }
            plane
        })
        .collect();
    // M(n) = M(−n): the other half of the wavevectors mirrors this one.
    let mut spectrum = vec![[0.0; PAIRS]; edge.pow(3)];
    for z in 0..edge {
        for y in 0..edge {
            for x in 0..edge {
                let mirror = |index: usize| (edge - index) % edge;
                spectrum[(z * edge + y) * edge + x] = if z <= edge / 2 {
                    half[z][y * edge + x]
                } else {
                    half[mirror(z)][mirror(y) * edge + mirror(x)]
                };
            }
        }
    }
    spectrum
}

fn alias_sum(
    x: &[Alias],
    y: &[Alias],
    z: &[Alias],
    site_volume: f64,
    elasticity: &Elasticity,
) -> [f64; PAIRS] {
    let mut sum = [0.0; PAIRS];
    for c in z {
        for b in y {
            for a in x {
                let weight = a.weight * b.weight * c.weight;
                if weight < SMALLEST_WEIGHT {
                    continue;
                }
                let q = [a.wave_number, b.wave_number, c.wave_number];
                let length = (q[0] * q[0] + q[1] * q[1] + q[2] * q[2]).sqrt();
                let matrix = elasticity.plane_wave(q.map(|component| component / length));
                for (total, term) in sum.iter_mut().zip(matrix) {
                    *total -= weight * term / site_volume;
                }
            }
        }
    }
    sum
}

/// The table of K(r) from its transform. Two real components share one complex transform.
fn real_space(edge: usize, spectrum: &[[f64; PAIRS]]) -> Vec<f64> {
    let sites = edge.pow(3);
    let transform = Transform::inverse(edge);
    let mut table = vec![0.0; 2 * sites * PAIRS];
    let couples: Vec<usize> = (0..PAIRS).step_by(2).collect();
    let cubes: Vec<Vec<Complex<f64>>> = couples
        .par_iter()
        .map(|&pair| {
            let mut cube: Vec<Complex<f64>> = spectrum
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
    for row in 0..edge * edge {
        let (y, z) = (row % edge, row / edge);
        for pair in 0..PAIRS {
            for x in 0..edge {
                let mirror = |index: usize| (edge - index) % edge;
                // Exactly even, so that the force of i on j is that of j on i to the last bit.
                let opposite = (mirror(z) * edge + mirror(y)) * edge + mirror(x);
                let even = 0.5 * (value(row * edge + x, pair) + value(opposite, pair));
                let start = (row * PAIRS + pair) * 2 * edge;
                table[start + x] = even;
                table[start + edge + x] = even;
            }
        }
    }
    table
}

#[cfg(test)]
mod tests;
