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

use std::f64::consts::PI;

use metabasin_atoms::{PlasticVolume, Stress};
use rayon::prelude::*;

use crate::elasticity::Elasticity;
use crate::error::{EshelbyError, positive};
use crate::mandel::{PAIRS, from_tensor, multiply, to_tensor};

mod convolution;

/// Aliases whose weight is below this are left out.
const SMALLEST_WEIGHT: f64 = 1e-8;

/// Stress at every site of a periodic cubic grid per plastic volume at one site.
#[derive(Clone, Debug)]
pub struct Kernel {
    edge: usize,
    spacing: f64,
    elasticity: Elasticity,
    /// K(r), 21 components for every displacement.
    table: Vec<[f64; PAIRS]>,
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
        let table = convolution::real_space(edge, &spectrum);
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
            table: vec![[0.0; PAIRS]; sites],
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
        self.table[(z * self.edge + y) * self.edge + x]
    }

    /// Whether events feel each other at all.
    pub(crate) fn is_interacting(&self) -> bool {
        self.table[0] != [0.0; PAIRS]
    }

    /// K at every displacement: at (z·edge + y)·edge + x of those that are not negative.
    pub(crate) fn table(&self) -> &[[f64; PAIRS]] {
        &self.table
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

#[cfg(test)]
mod tests;
