//! Inherent energies along molecular dynamics at fixed cell: what a walk is compared with.
//!
//! `cargo run --release -p metabasin-atomistic --example md_relaxation -- FILE TEMPERATURE TAU COPIES
//! [SEED [EVERY]]` starts every copy in the minimum of FILE, velocities drawn at twice the temperature
//! (half of it goes into the springs), quenches at logarithmic times, or EVERY so many τ, and prints a
//! table: copy, time in τ, inherent energy, and atoms that are more than 0.3 σ from their places in the first minimum.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a measurement prints a table and stops at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use metabasin_atoms::{Purpose, random_stream};
use metabasin_files::read_configuration;
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use metabasin_landscape::displacements;
use metabasin_md::{Dynamics, Simulation};
use metabasin_minimizers::{InherentStructure, Lbfgs};

const TIME_STEP: f64 = 0.005;
/// Quenches at times a factor of √2 apart, from this on `[τ]`.
const FIRST: f64 = 2.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| -> f64 { arguments[index].parse().unwrap() };
    let (temperature, duration, copies) = (number(1), number(2), number(3) as u64);
    let seed = arguments.get(4).map_or(1, |text| text.parse().unwrap());
    let every: Option<f64> = arguments.get(5).map(|text| text.parse().unwrap());
    let sample = read_configuration(Path::new(&arguments[0])).unwrap();
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    let field = ForceField::new(potential, Kernel::detect());
    let quench = |configuration: &_| {
        InherentStructure::quench(configuration, field.clone(), &Lbfgs::default(), 1e-5)
            .unwrap()
            .0
    };
    let first = quench(&sample);
    println!("copy,time [tau],energy [epsilon],moved");
    println!("0,0,{},0", first.energy());
    let (mut steps, mut seconds) = (0, 0.0);
    for copy in 0..copies {
        let mut start = first.configuration().clone();
        let mut random = random_stream(seed, Purpose::InitialVelocities, 0, copy);
        start.draw_velocities(2.0 * temperature, &mut random);
        let dynamics = Dynamics::constant_volume(TIME_STEP, temperature);
        let mut simulation = Simulation::new(start, field.clone(), dynamics).unwrap();
        let mut time = every.unwrap_or(FIRST);
        while time <= duration * 1.001 {
            let next = (time / TIME_STEP).round() as u64;
            let clock = Instant::now();
            let ahead = next - simulation.steps();
            simulation.advance(ahead).unwrap();
            seconds += clock.elapsed().as_secs_f64();
            steps += ahead;
            let now = quench(&simulation.configuration());
            let (from, to) = (first.configuration(), now.configuration());
            let moved = displacements(&from.cell, &from.positions, &to.positions)
                .iter()
                .filter(|u| u.norm() > 0.3)
                .count();
            println!("{copy},{time},{},{moved}", now.energy());
            time = every.map_or(time * std::f64::consts::SQRT_2, |every| time + every);
        }
    }
    let speed = steps as f64 * TIME_STEP / seconds;
    eprintln!("{speed:.2} tau per wall second, dynamics alone");
}
