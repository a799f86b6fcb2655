//! Random inputs for property tests.

use std::ops::Range;

use metabasin_atoms::{Cell, Configuration, Purpose, Species, random_stream};
use metabasin_interactions::EnergyLandscape;
use nalgebra::Vector3;
use proptest::prelude::*;
use rand::RngExt;

use crate::{LennardJonesCluster, MuellerBrown, Quadratic, Rosenbrock};

/// Number density at which [`configurations`] packs its atoms `[1 / length³]`.
pub const PACKED_DENSITY: f64 = 0.6;
/// No two atoms of [`configurations`] are nearer than this `[length]`.
pub const PACKED_DISTANCE: f64 = 0.85;

/// Sheared cells: shortest side in `lengths`, sides up to 30 % longer, tilts up to ±60 % of the
/// side they belong to, so beyond the range in which rounding fractional coordinates is right.
///
/// # Panics
/// If `lengths` holds numbers that are not positive.
pub fn cells(lengths: Range<f64>) -> impl Strategy<Value = Cell> {
    (
        lengths,
        prop::array::uniform2(1.0..1.3_f64),
        prop::array::uniform3(-0.6..0.6_f64),
    )
        .prop_map(|(lx, [y, z], [xy, xz, yz])| {
            let (ly, lz) = (lx * y, lx * z);
            Cell::new([lx, ly, lz, xy * lx, xz * lx, yz * ly]).expect("lengths are positive")
        })
}

/// Random packed configurations of large and small atoms in sheared cells, at
/// [`PACKED_DENSITY`] with no two atoms nearer than [`PACKED_DISTANCE`]; ids from 1, masses 1
/// and 1/2, no velocities.
pub fn configurations(atoms: Range<usize>) -> impl Strategy<Value = Configuration> {
    (cells(1.0..1.001), atoms, any::<u64>())
        .prop_filter_map("random packing jammed", |(shape, atoms, seed)| {
            pack(&shape, atoms, seed)
        })
}

/// Random sequential addition: the volume fraction π/6 · 0.6 · 0.85³ = 0.19 is half of the 0.38
/// at which it jams.
fn pack(shape: &Cell, atoms: usize, seed: u64) -> Option<Configuration> {
    let volume = atoms as f64 / PACKED_DENSITY;
    let cell = shape.scaled((volume / shape.volume()).cbrt()).ok()?;
    let mut random = random_stream(seed, Purpose::Test, 0, 0);
    let mut positions: Vec<Vector3<f64>> = Vec::with_capacity(atoms);
    let mut attempts = 0;
    while positions.len() < atoms {
        attempts += 1;
        if attempts > 10_000 * atoms {
            return None;
        }
        let fractional = Vector3::from_fn(|_, _| random.random_range(0.0..1.0));
        let candidate = cell.to_cartesian(&fractional);
        let free = positions
            .iter()
            .all(|position| cell.minimum_image(&(candidate - position)).norm() >= PACKED_DISTANCE);
        if free {
            positions.push(candidate);
        }
    }
    let species = (0..atoms)
        .map(|_| {
            if random.random_range(0.0..1.0) < 0.5 {
                Species::LARGE
            } else {
                Species::SMALL
            }
        })
        .collect();
    Some(Configuration {
        cell,
        positions,
        velocities: None,
        species,
        ids: (1..=atoms as u64).collect(),
        masses: vec![1.0, 0.5],
        names: None,
    })
}

/// Displacements of `dimension` coordinates, none larger than `largest` `[length]`.
pub fn displacements(dimension: usize, largest: f64) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-largest..largest, dimension)
}

/// An analytic landscape with a start on it; a landscape itself.
#[derive(Clone, Debug, PartialEq)]
pub enum AnalyticCase {
    /// A parabola with a minimum.
    Quadratic(Quadratic, Vec<f64>),
    /// Rosenbrock's valley.
    Rosenbrock(Rosenbrock, Vec<f64>),
    /// The Müller-Brown surface.
    MuellerBrown(Vec<f64>),
    /// A Lennard-Jones cluster, its start a shaken lattice.
    Cluster(LennardJonesCluster, Vec<f64>),
}

impl AnalyticCase {
    fn landscape(&self) -> &dyn EnergyLandscape {
        match self {
            Self::Quadratic(landscape, _) => landscape,
            Self::Rosenbrock(landscape, _) => landscape,
            Self::MuellerBrown(_) => &MuellerBrown,
            Self::Cluster(landscape, _) => landscape,
        }
    }

    /// The start.
    pub fn start(&self) -> &[f64] {
        match self {
            Self::Quadratic(_, start)
            | Self::Rosenbrock(_, start)
            | Self::MuellerBrown(start)
            | Self::Cluster(_, start) => start,
        }
    }
}

impl EnergyLandscape for AnalyticCase {
    fn dimension(&self) -> usize {
        self.landscape().dimension()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        match self {
            Self::Quadratic(landscape, _) => landscape.evaluate(x, gradient),
            Self::Rosenbrock(landscape, _) => landscape.evaluate(x, gradient),
            Self::MuellerBrown(_) => MuellerBrown.evaluate(x, gradient),
            Self::Cluster(landscape, _) => landscape.evaluate(x, gradient),
        }
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        match self {
            Self::Quadratic(landscape, _) => landscape.hessian_vector(x, v, product),
            Self::Rosenbrock(landscape, _) => landscape.hessian_vector(x, v, product),
            Self::MuellerBrown(_) => MuellerBrown.hessian_vector(x, v, product),
            Self::Cluster(landscape, _) => landscape.hessian_vector(x, v, product),
        }
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        self.landscape().largest_force(gradient)
    }

    fn translation_invariant(&self) -> bool {
        self.landscape().translation_invariant()
    }

    fn energy_resolution(&self, energy: f64) -> f64 {
        self.landscape().energy_resolution(energy)
    }
}

/// Parabolas of 1 to 20 dimensions with eigenvalues from 0.1 to 1000 and a start up to 2 away.
pub fn quadratics() -> impl Strategy<Value = AnalyticCase> {
    (1..20_usize)
        .prop_flat_map(|dimension| {
            let exponents = prop::collection::vec(-1.0..3.0_f64, dimension);
            let center = displacements(dimension, 3.0);
            let push = displacements(dimension, 2.0);
            (exponents, center, push)
        })
        .prop_map(|(exponents, center, push)| {
            let spectrum = exponents.into_iter().map(|k| 10_f64.powf(k)).collect();
            let start = center.iter().zip(&push).map(|(c, p)| c + p).collect();
            AnalyticCase::Quadratic(Quadratic::new(spectrum).with_center(center), start)
        })
}

/// Rosenbrock's valley in 2 to 8 dimensions with a start in [−2, 2]ⁿ.
pub fn rosenbrocks() -> impl Strategy<Value = AnalyticCase> {
    (2..9_usize)
        .prop_flat_map(|dimension| displacements(dimension, 2.0))
        .prop_map(|start| AnalyticCase::Rosenbrock(Rosenbrock::new(start.len()), start))
}

/// The Müller-Brown surface with a start around its minima and saddles.
pub fn mueller_browns() -> impl Strategy<Value = AnalyticCase> {
    (-1.4..1.0_f64, -0.3..1.9_f64).prop_map(|(x, y)| AnalyticCase::MuellerBrown(vec![x, y]))
}

/// Lennard-Jones clusters of 2 to 13 atoms, started from a shaken cubic lattice.
pub fn clusters() -> impl Strategy<Value = AnalyticCase> {
    (2..14_usize)
        .prop_flat_map(|atoms| displacements(3 * atoms, 0.15))
        .prop_map(|shake| {
            let start = shake
                .iter()
                .enumerate()
                .map(|(k, shake)| {
                    let (atom, axis) = (k / 3, k % 3);
                    let site = [atom % 3, atom / 3 % 3, atom / 9][axis];
                    1.1 * site as f64 + shake
                })
                .collect();
            AnalyticCase::Cluster(LennardJonesCluster::new(shake.len() / 3), start)
        })
}

/// Any of the analytic landscapes, with a start.
pub fn analytic_cases() -> impl Strategy<Value = AnalyticCase> {
    prop_oneof![quadratics(), rosenbrocks(), mueller_browns(), clusters()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_is_a_landscape;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn packed_atoms_keep_their_distance(packed in configurations(2..60)) {
            prop_assert_eq!(packed.validate(), Ok(()));
            prop_assert!((packed.density() - PACKED_DENSITY).abs() < 1e-9);
            for i in 0..packed.len() {
                for j in 0..i {
                    let r = packed.positions[i] - packed.positions[j];
                    prop_assert!(packed.cell.minimum_image(&r).norm() >= PACKED_DISTANCE);
                }
            }
        }

        #[test]
        fn every_analytic_case_is_a_landscape(mut case in analytic_cases()) {
            let start = case.start().to_vec();
            assert_is_a_landscape(&mut case, &start, 1e-4);
        }
    }
}
