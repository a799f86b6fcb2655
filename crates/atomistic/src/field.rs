//! Displacements that are zero almost everywhere.

use serde::{Deserialize, Serialize};

/// Components up to this are dropped: every field is converged again before it counts `[length]`.
const LEAST: f64 = 1e-4;

/// A displacement of all coordinates, sparse.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    coordinates: Vec<u32>,
    moves: Vec<f64>,
}

impl Field {
    pub fn from_dense(dense: &[f64]) -> Self {
        let mut field = Self::default();
        for (k, &u) in dense.iter().enumerate() {
            if u.abs() > LEAST {
                field.coordinates.push(k as u32);
                field.moves.push(u);
            }
        }
        field
    }

    /// x += factor · field.
    pub fn add_to(&self, factor: f64, x: &mut [f64]) {
        for (&k, u) in self.coordinates.iter().zip(&self.moves) {
            x[k as usize] += factor * u;
        }
    }

    pub fn dense(&self, dimension: usize) -> Vec<f64> {
        let mut x = vec![0.0; dimension];
        self.add_to(1.0, &mut x);
        x
    }

    /// Whether no coordinate differs by so much.
    pub fn is_within(&self, tolerance: f64, other: &Self) -> bool {
        let (mut i, mut j) = (0, 0);
        while i < self.coordinates.len() || j < other.coordinates.len() {
            let a = self.coordinates.get(i).copied().unwrap_or(u32::MAX);
            let b = other.coordinates.get(j).copied().unwrap_or(u32::MAX);
            let mut difference = 0.0;
            if a <= b {
                difference += self.moves[i];
                i += 1;
            }
            if b <= a {
                difference -= other.moves[j];
                j += 1;
            }
            if difference.abs() >= tolerance {
                return false;
            }
        }
        true
    }

    /// This field and a multiple of another.
    pub fn plus(&self, factor: f64, other: &Self, dimension: usize) -> Self {
        let mut x = self.dense(dimension);
        other.add_to(factor, &mut x);
        Self::from_dense(&x)
    }
}

/// Coordinates after a displacement.
pub(crate) fn sum(x: &[f64], u: &[f64]) -> Vec<f64> {
    x.iter().zip(u).map(|(x, u)| x + u).collect()
}

/// The largest displacement of one site.
pub(crate) fn largest(dense: &[f64], per_site: usize) -> f64 {
    dense
        .chunks_exact(per_site)
        .map(|u| u.iter().map(|c| c * c).sum::<f64>())
        .fold(0.0, f64::max)
        .sqrt()
}

/// The site that moves most, the first of several.
pub(crate) fn farthest(dense: &[f64], per_site: usize) -> u32 {
    let mut most = (0, 0.0);
    for (site, u) in dense.chunks_exact(per_site).enumerate() {
        let square = u.iter().map(|c| c * c).sum::<f64>();
        if square > most.1 {
            most = (site, square);
        }
    }
    most.0 as u32
}

/// The sites that move by more than `threshold`, or the one that moves most.
pub(crate) fn core(dense: &[f64], per_site: usize, threshold: f64) -> Vec<u32> {
    let mut sites: Vec<u32> = dense
        .chunks_exact(per_site)
        .enumerate()
        .filter(|(_, u)| u.iter().map(|c| c * c).sum::<f64>() > threshold * threshold)
        .map(|(site, _)| site as u32)
        .collect();
    if sites.is_empty() {
        sites.push(farthest(dense, per_site));
    }
    sites
}

/// Sites in both of two ascending lists.
pub(crate) fn shared(a: &[u32], b: &[u32]) -> usize {
    a.iter()
        .filter(|site| b.binary_search(site).is_ok())
        .count()
}

/// The sites of either of two lists, ascending.
pub(crate) fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut sites: Vec<u32> = a.iter().chain(b).copied().collect();
    sites.sort_unstable();
    sites.dedup();
    sites
}
