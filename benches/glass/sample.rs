//! The glass that benchmarks run on.

use metabasin_atoms::{Cell, Configuration, Purpose, random_stream};
use metabasin_testkit::data;
use nalgebra::Vector3;

/// The glass of 500 atoms at T = 0.28 repeated along the three directions.
pub fn sample(copies: [usize; 3]) -> Configuration {
    let one = metabasin_files::read_configuration(&data("wahn500_T0.28.data.gz")).unwrap();
    let lattice = one.cell.matrix();
    let mut many = Configuration {
        cell: Cell::from_matrix(
            &(lattice
                * nalgebra::Matrix3::from_diagonal(&Vector3::new(
                    copies[0] as f64,
                    copies[1] as f64,
                    copies[2] as f64,
                ))),
        )
        .unwrap(),
        ids: Vec::new(),
        positions: Vec::new(),
        velocities: None,
        species: Vec::new(),
        masses: one.masses.clone(),
        names: None,
    };
    for (position, species) in one.positions.iter().zip(&one.species) {
        for x in 0..copies[0] {
            for y in 0..copies[1] {
                for z in 0..copies[2] {
                    let shift = lattice * Vector3::new(x as f64, y as f64, z as f64);
                    many.positions.push(position + shift);
                    many.species.push(*species);
                    many.ids.push(many.positions.len() as u64);
                }
            }
        }
    }
    many.draw_velocities(0.28, &mut random_stream(1, Purpose::Test, 0, 0));
    many
}

/// The middle of some numbers: a busy machine interrupts a few calls, not most of them.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}
