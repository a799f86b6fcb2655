//! Crystals with exact answers, the glass of the reference, and their bonds.

use std::fs::File;

use flate2::read::GzDecoder;
use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_structure::{BondTopology, Radii, Tessellation, Thresholds, tessellate};
use nalgebra::{Matrix3, Vector3};
use serde::Deserialize;

#[derive(Deserialize)]
struct Sample {
    #[serde(rename = "box")]
    lattice: [[f64; 3]; 3],
    types: Vec<u8>,
    positions: Vec<[f64; 3]>,
}

/// A file of the reference.
pub fn data(name: &str) -> File {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/structure");
    File::open(format!("{folder}/{name}")).unwrap()
}

/// The glass of 500 atoms in one of its cells.
pub fn glass(case: &str) -> Configuration {
    let file = data(&format!("wahn500_IS_{case}.json.gz"));
    let sample: Sample = serde_json::from_reader(GzDecoder::new(file)).unwrap();
    let rows = sample.lattice.map(Vector3::from);
    configuration(
        Cell::from_matrix(&Matrix3::from_columns(&rows)).unwrap(),
        sample.positions.iter().map(|p| (*p).into()).collect(),
        sample.types.iter().map(|t| t - 1).collect(),
    )
}

/// Atoms of species 0 and 1.
pub fn configuration(cell: Cell, positions: Vec<Vector3<f64>>, species: Vec<u8>) -> Configuration {
    Configuration {
        cell,
        ids: (1..=positions.len() as u64).collect(),
        positions,
        velocities: None,
        species: species.into_iter().map(Species).collect(),
        masses: vec![1.0, 0.5],
        names: None,
    }
}

/// The tessellation with default radii, and its bonds.
pub fn topology(configuration: &Configuration) -> (Tessellation, BondTopology) {
    let tessellation =
        tessellate(configuration, &Radii::default(), &Thresholds::default()).unwrap();
    let topology = BondTopology::new(&tessellation, configuration).unwrap();
    (tessellation, topology)
}

/// Atoms of a crystal, `copies` unit cells along each axis, off the origin.
pub fn crystal(side: f64, motif: &[[f64; 3]], copies: usize) -> Configuration {
    let mut positions = Vec::new();
    for number in 0..copies.pow(3) {
        let corner = Vector3::new(
            (number % copies) as f64,
            (number / copies % copies) as f64,
            (number / copies / copies) as f64,
        );
        for site in motif {
            let place = (corner + Vector3::from(*site)) * side;
            positions.push(place + Vector3::new(0.1234, 2.0_f64.sqrt(), -0.7));
        }
    }
    let species = vec![0; positions.len()];
    configuration(
        Cell::cubic(side * copies as f64).unwrap(),
        positions,
        species,
    )
}

/// The corners of a face-centered cube.
pub const FACE_CENTERED: [[f64; 3]; 4] =
    [[0.0; 3], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]];

/// `MgCu2` (C15): Mg on 8a, then Cu on 16d.
pub fn laves_motif() -> Vec<[f64; 3]> {
    let mut motif = Vec::new();
    for site in [
        [0.125; 3],
        [0.875; 3],
        [0.5; 3],
        [0.5, 0.25, 0.25],
        [0.25, 0.5, 0.25],
        [0.25, 0.25, 0.5],
    ] {
        for shift in FACE_CENTERED {
            motif.push([0, 1, 2].map(|k| site[k] + shift[k]));
        }
    }
    motif
}

/// `Cr3Si` (A15): Si on 2a, then Cr on 6c, in chains along the three axes.
pub const A15: [[f64; 3]; 8] = [
    [0.0; 3],
    [0.5; 3],
    [0.25, 0.0, 0.5],
    [0.75, 0.0, 0.5],
    [0.5, 0.25, 0.0],
    [0.5, 0.75, 0.0],
    [0.0, 0.5, 0.25],
    [0.0, 0.5, 0.75],
];
