//! A liquid to start from.

use metabasin_atoms::{Cell, Configuration, Purpose, Species, random_stream};
use nalgebra::Vector3;
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::MdError;
use crate::error::positive;

/// Jitter of the lattice sites, as a share of the distance between neighbors.
const JITTER: f64 = 0.05;

/// Basis vectors (in units of the cubic lattice constant) and nearest distance of a cubic lattice.
struct Lattice {
    basis: &'static [[f64; 3]],
    nearest: f64,
}

const LATTICES: [Lattice; 3] = [
    Lattice {
        basis: &[[0.0, 0.0, 0.0]],
        nearest: 1.0,
    },
    Lattice {
        basis: &[[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]],
        nearest: 0.866_025_403_784_438_6,
    },
    Lattice {
        basis: &[
            [0.0, 0.0, 0.0],
            [0.5, 0.5, 0.0],
            [0.5, 0.0, 0.5],
            [0.0, 0.5, 0.5],
        ],
        nearest: std::f64::consts::FRAC_1_SQRT_2,
    },
];

/// A start for melting: `atoms` Wahnström atoms (half of each species, masses 1 and 1/2) at number
/// density `density` `[1/length³]` in a cube, with Maxwell-Boltzmann velocities of
/// `temperature` `[energy]`.
///
/// Of the three cubic lattices the one with the widest spacing is filled at random sites with
/// randomly assigned species and jittered a little, so no two atoms overlap. It is no liquid
/// yet: it melts within a few τ above the freezing point.
///
/// # Errors
/// [`MdError::Setting`] for a number out of range.
pub fn initial_liquid(
    atoms: usize,
    density: f64,
    temperature: f64,
    seed: u64,
    stage: u64,
) -> Result<Configuration, MdError> {
    positive("density", density)?;
    positive("temperature", temperature)?;
    if atoms < 2 {
        return Err(MdError::TooFewAtoms { atoms });
    }
    let length = (atoms as f64 / density).cbrt();
    let cell = Cell::cubic(length)?;
    let spacing = |lattice: &Lattice| {
        let repeats = (atoms as f64 / lattice.basis.len() as f64).cbrt().ceil();
        // cbrt may round an exact cube up.
        let repeats = if (repeats - 1.0).powi(3) * lattice.basis.len() as f64 >= atoms as f64 {
            repeats - 1.0
        } else {
            repeats
        };
        (length / repeats, repeats as usize)
    };
    let nearest = |lattice: &Lattice| spacing(lattice).0 * lattice.nearest;
    let lattice = LATTICES[1..].iter().fold(&LATTICES[0], |widest, next| {
        if nearest(next) > nearest(widest) {
            next
        } else {
            widest
        }
    });
    let (constant, repeats) = spacing(lattice);
    let mut sites = Vec::with_capacity(lattice.basis.len() * repeats.pow(3));
    for i in 0..repeats {
        for j in 0..repeats {
            for k in 0..repeats {
                let corner = Vector3::new(i as f64, j as f64, k as f64);
                sites.extend(
                    lattice
                        .basis
                        .iter()
                        .map(|basis| (corner + Vector3::from(*basis)) * constant),
                );
            }
        }
    }
    let mut random = random_stream(seed, Purpose::InitialPositions, stage, 0);
    sites.shuffle(&mut random);
    sites.truncate(atoms);
    let jitter = JITTER * lattice.nearest * constant;
    for site in &mut sites {
        *site += Vector3::from_fn(|_, _| random.random_range(-jitter..jitter));
    }
    let large = atoms.div_ceil(2);
    let mut configuration = Configuration {
        cell,
        positions: sites,
        velocities: None,
        species: (0..atoms)
            .map(|i| {
                if i < large {
                    Species::LARGE
                } else {
                    Species::SMALL
                }
            })
            .collect(),
        ids: (1..=atoms as u64).collect(),
        masses: vec![1.0, 0.5],
        names: None,
    };
    let mut random = random_stream(seed, Purpose::InitialVelocities, stage, 0);
    configuration.draw_velocities(temperature, &mut random);
    Ok(configuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_atoms_overlap_whatever_the_number() {
        for atoms in [2, 100, 256, 500, 501, 600, 864, 1000] {
            let configuration = initial_liquid(atoms, 1.2, 1.0, 3, 0).unwrap();
            configuration.validate().unwrap();
            assert_eq!(configuration.len(), atoms);
            assert!((configuration.density() - 1.2).abs() < 1e-12);
            let small = configuration
                .species
                .iter()
                .filter(|species| **species == Species::SMALL)
                .count();
            assert_eq!(small, atoms / 2);
            for i in 0..atoms {
                for j in 0..i {
                    let difference = configuration.positions[i] - configuration.positions[j];
                    let distance = configuration.cell.minimum_image(&difference).norm();
                    assert!(distance > 0.65, "{atoms} atoms: {distance}");
                }
            }
        }
    }

    #[test]
    fn the_seed_decides_everything() {
        let make = |seed| initial_liquid(256, 1.2, 1.0, seed, 0).unwrap();
        assert_eq!(make(1), make(1));
        assert_ne!(make(1).positions, make(2).positions);
    }

    #[test]
    fn species_are_mixed() {
        // Among the neighbors of large atoms half are small; a lattice sorted by species has none.
        let configuration = initial_liquid(500, 1.2, 1.0, 5, 0).unwrap();
        let (mut unlike, mut all) = (0, 0);
        for i in 0..500 {
            for j in 0..i {
                let difference = configuration.positions[i] - configuration.positions[j];
                if configuration.cell.minimum_image(&difference).norm() < 1.2 {
                    all += 1;
                    unlike += usize::from(configuration.species[i] != configuration.species[j]);
                }
            }
        }
        // Binomial with about 3,000 pairs: spread 0.01.
        assert!((f64::from(unlike as u32) / f64::from(all) - 0.5).abs() < 0.05);
    }
}
