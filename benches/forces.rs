//! Time of one force evaluation and one Hessian-vector product an atom, portable and vectorized.
//!
//! Forces are timed along molecular dynamics of a glass at T = 0.28 (smooth cut, time step
//! 0.002778), neighbor lists included: `cargo bench --bench forces`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints a table and stops at the first surprise"
)]

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::sync::Arc;
use std::time::Instant;

use flate2::read::GzDecoder;
use metabasin_atoms::{Cell, Configuration, Purpose, Species, random_stream};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use nalgebra::Vector3;

const TIME_STEP: f64 = 0.002778;

/// The sample of 500 atoms repeated along the three directions.
fn sample(copies: [usize; 3]) -> Configuration {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/wahn500_T0.28.data.gz"
    );
    let mut text = String::new();
    let file = File::open(path).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let numbers = |line: &str| -> Vec<f64> {
        let words = line.split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let lengths: Vec<f64> = text
        .lines()
        .filter(|line| line.ends_with("hi"))
        .map(|line| numbers(line)[1] - numbers(line)[0])
        .collect();
    let atoms = text.split("Atoms # atomic").nth(1).unwrap();
    let atoms = atoms.split("Velocities").next().unwrap();
    let mut positions = Vec::new();
    let mut species = Vec::new();
    for line in atoms.lines().filter(|line| !line.trim().is_empty()) {
        let row = numbers(line);
        for x in 0..copies[0] {
            for y in 0..copies[1] {
                for z in 0..copies[2] {
                    let shift = [x, y, z].map(|n| n as f64);
                    positions.push(Vector3::from_fn(|k, _| row[2 + k] + shift[k] * lengths[k]));
                    species.push(Species(row[1] as u8 - 1));
                }
            }
        }
    }
    let [lx, ly, lz] = [0, 1, 2].map(|k| lengths[k] * copies[k] as f64);
    let mut configuration = Configuration {
        cell: Cell::new([lx, ly, lz, 0.0, 0.0, 0.0]).unwrap(),
        ids: (1..=positions.len() as u64).collect(),
        positions,
        velocities: None,
        species,
        masses: vec![1.0, 0.5],
    };
    configuration.draw_velocities(0.28, &mut random_stream(1, Purpose::Test, 0, 0));
    configuration
}

/// The middle of some times: a busy machine interrupts a few calls, not most of them.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

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
