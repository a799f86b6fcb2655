//! Samples for tests.

use std::io::Read;
use std::sync::Arc;

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use nalgebra::Vector3;

use crate::{Dynamics, Simulation, initial_liquid};

/// The smooth Wahnström force field in portable code.
pub(crate) fn force_field() -> ForceField {
    let potential = BinaryLennardJones::wahnstrom(Cut::Smooth);
    ForceField::new(Arc::new(potential), Kernel::Portable)
}

/// The same in this machine's fastest kernel, for tests that hold for any.
pub(crate) fn fastest_force_field() -> ForceField {
    let potential = BinaryLennardJones::wahnstrom(Cut::Smooth);
    ForceField::new(Arc::new(potential), Kernel::detect())
}

/// The 500-atom glass at T = 0.28 with its velocities.
pub(crate) fn glass() -> Configuration {
    let packed = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/data/wahn500_T0.28.data.gz"
    ));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_string(&mut text)
        .unwrap();
    let rows = |section: &str| -> Vec<Vec<f64>> {
        let start = text.find(section).unwrap() + section.len();
        text[start..]
            .lines()
            .skip(1)
            .skip_while(|line| line.is_empty())
            .take_while(|line| !line.is_empty())
            .map(|line| {
                line.split_whitespace()
                    .map(|word| word.parse().unwrap())
                    .collect()
            })
            .collect()
    };
    let bounds = text.lines().find(|line| line.ends_with("xlo xhi")).unwrap();
    let bounds: Vec<f64> = bounds
        .split_whitespace()
        .take(2)
        .map(|word| word.parse().unwrap())
        .collect();
    let mut atoms = rows("Atoms # atomic");
    let mut velocities = rows("Velocities");
    atoms.sort_by(|p, q| p[0].total_cmp(&q[0]));
    velocities.sort_by(|p, q| p[0].total_cmp(&q[0]));
    Configuration {
        cell: Cell::cubic(bounds[1] - bounds[0]).unwrap(),
        positions: atoms
            .iter()
            .map(|row| Vector3::new(row[2], row[3], row[4]))
            .collect(),
        velocities: Some(
            velocities
                .iter()
                .map(|row| Vector3::new(row[1], row[2], row[3]))
                .collect(),
        ),
        species: atoms.iter().map(|row| Species(row[1] as u8 - 1)).collect(),
        ids: atoms.iter().map(|row| row[0] as u64).collect(),
        masses: vec![1.0, 0.5],
        names: None,
    }
}

/// A dilute fluid, cheap to run for long, after 2,000 steps at T = 2.
pub(crate) fn fluid(atoms: usize, density: f64) -> Configuration {
    let start = initial_liquid(atoms, density, 2.0, 11, 0).unwrap();
    let dynamics = Dynamics::constant_volume(0.004, 2.0);
    let mut simulation = Simulation::new(start, force_field(), dynamics).unwrap();
    simulation.advance(2000).unwrap();
    simulation.configuration()
}
