//! Time of one force evaluation and one Hessian-vector product an atom, portable and vectorized.
//!
//! Forces are timed along molecular dynamics of a glass at T = 0.28 (smooth cut, time step
//! 0.002778), neighbor lists included: `cargo bench --bench forces`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints a table and stops at the first surprise"
)]

#[path = "glass/sample.rs"]
mod glass;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use metabasin_atoms::{Configuration, Species};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use nalgebra::Vector3;

use glass::{median, sample};

const TIME_STEP: f64 = 0.002778;

/// Nanoseconds an atom of an evaluation along velocity Verlet: with the list kept, with the list
/// built, and the mean of both in their proportion; steps between builds.
fn dynamics(configuration: &Configuration, field: &mut ForceField, steps: usize) -> [f64; 4] {
    let mut moving = configuration.clone();
    let mut velocities = moving.velocities.take().unwrap();
    let mut forces = vec![Vector3::zeros(); moving.len()];
    let (mut kept, mut built) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        let builds = field.list_builds();
        let start = Instant::now();
        black_box(field.evaluate(
            &moving.cell,
            &moving.positions,
            &moving.species,
            &mut forces,
        ));
        let time = start.elapsed().as_nanos() as f64 / moving.len() as f64;
        if field.list_builds() == builds {
            kept.push(time);
        } else {
            built.push(time);
        }
        for i in 0..velocities.len() {
            let inverse_mass = if moving.species[i] == Species::LARGE {
                1.0
            } else {
                2.0
            };
            velocities[i] += forces[i] * (TIME_STEP * inverse_mass);
            moving.positions[i] += velocities[i] * TIME_STEP;
        }
    }
    let every = steps as f64 / built.len() as f64;
    let (kept, built) = (median(kept), median(built));
    [kept, built, kept + (built - kept) / every, every]
}

/// Nanoseconds an atom of the first product at some positions and of later ones there.
fn products(configuration: &Configuration, field: &mut ForceField, repeats: usize) -> [f64; 2] {
    let mut positions = configuration.positions.clone();
    let direction = configuration.velocities.clone().unwrap();
    let mut product = vec![Vector3::zeros(); positions.len()];
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..=repeats {
        positions[0].x += 1e-6;
        for times in [&mut first, &mut later] {
            let start = Instant::now();
            field.hessian_vector(
                &configuration.cell,
                &positions,
                &configuration.species,
                &direction,
                &mut product,
            );
            times.push(start.elapsed().as_nanos() as f64 / positions.len() as f64);
        }
    }
    black_box(product);
    [median(first), median(later)]
}

fn main() {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    println!("median nanoseconds an atom; mean: one build every so many steps");
    println!(
        "atoms  threads kernel    list kept  built     mean  (every)  Hv first   again  \
         portable/kernel"
    );
    let sizes = [
        ([1, 1, 1], 1000),
        ([2, 1, 1], 500),
        ([2, 2, 2], 150),
        ([4, 4, 4], 40),
    ];
    for (copies, steps) in sizes {
        let configuration = sample(copies);
        let threads: &[usize] = if configuration.len() > 8000 {
            &[1, 2]
        } else {
            &[1]
        };
        for &threads in threads {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut portable = 0.0;
            for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
                if !kernel.is_available() {
                    continue;
                }
                let ([kept, built, mean, every], [first, later]) = pool.install(|| {
                    let mut field = ForceField::new(potential.clone(), kernel);
                    let forces = dynamics(&configuration, &mut field, steps);
                    (forces, products(&configuration, &mut field, steps / 5))
                });
                if kernel == Kernel::Portable {
                    portable = mean;
                }
                println!(
                    "{:<6} {threads:<7} {kernel:<9} {kept:>9.1} {built:>7.1} {mean:>8.1}  \
                     ({every:>5.1}) {first:>9.1} {later:>7.1}  {:.2}",
                    configuration.len(),
                    portable / mean
                );
            }
        }
    }
}
