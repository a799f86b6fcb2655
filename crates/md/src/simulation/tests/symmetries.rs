//! Reversal, translation, boosts, flips, and the same bits after a restart.

use metabasin_atoms::{Cell, Configuration, Purpose, random_stream};
use metabasin_interactions::Precision;
use nalgebra::Vector3;
use rand::RngExt;

use super::{ensembles, random_ensembles};
use crate::tests_support::{fluid, force_field, glass};
use crate::{Barostat, Checkpoint, Drive, Dynamics, Simulation, TemperatureSchedule};

fn everything() -> Dynamics {
    Dynamics {
        temperature: TemperatureSchedule::Ramp {
            from: 0.28,
            to: 0.2,
            duration: 3.0,
        },
        barostat: Some(Barostat::Isotropic {
            pressure: 0.4,
            time_constant: 1.0,
        }),
        drive: Drive::ZeroShearStress { time_constant: 1.0 },
        ..Dynamics::constant_volume(0.003, 0.28)
    }
}

fn shear() -> Dynamics {
    Dynamics::zero_pressure(0.003, 0.28).with_drive(Drive::Shear { rate: 2e-3 })
}

fn largest_move(first: &Configuration, second: &Configuration) -> f64 {
    first
        .positions
        .iter()
        .zip(&second.positions)
        .map(|(p, q)| (p - q).norm())
        .fold(0.0, f64::max)
}

/// Each step is a symmetric product of reversible flows; only rounding, grown by chaos
/// (1e-15 times e^(3 τ/0.3 τ)), may keep the atoms from coming home.
#[test]
fn every_dynamics_runs_backward() {
    let constant = Dynamics {
        temperature: TemperatureSchedule::Constant(0.28),
        ..everything()
    };
    for dynamics in [Dynamics::constant_energy(0.003, 0.28), constant, shear()] {
        let start = glass();
        let mut simulation = Simulation::new(start.clone(), force_field(), dynamics).unwrap();
        simulation.advance(400).unwrap();
        assert!(largest_move(&start, &simulation.configuration()) > 0.05);
        for velocity in &mut simulation.velocities {
            *velocity = -*velocity;
        }
        let motion = &mut simulation.motion;
        motion.gradient = motion.gradient.scaled(-1.0);
        if let Drive::Shear { rate } = &mut simulation.dynamics.drive {
            *rate = -*rate;
        }
        for chain in [&mut motion.atom_chain, &mut motion.cell_chain]
            .into_iter()
            .flatten()
        {
            chain.reverse();
        }
        simulation.advance(400).unwrap();
        let distance = largest_move(&start, &simulation.configuration());
        assert!(distance < 1e-8, "{distance}");
        assert!(simulation.gamma().abs() < 1e-10);
    }
}

#[test]
fn momentum_stays_zero_and_boosts_and_lattice_vectors_change_nothing() {
    let mut all = random_ensembles(0.003, 1.0);
    all.extend(ensembles(0.003, 1.0));
    for (name, dynamics) in all {
        let mut boosted = glass();
        for velocity in boosted.velocities.as_mut().unwrap() {
            *velocity += Vector3::new(1.5, -0.7, 0.3);
        }
        let mut here = Simulation::new(glass(), force_field(), dynamics.clone()).unwrap();
        let mut there = Simulation::new(boosted, force_field(), dynamics.clone()).unwrap();
        here.advance(50).unwrap();
        there.advance(50).unwrap();
        let momentum: Vector3<f64> = here
            .velocities
            .iter()
            .zip(&here.masses)
            .map(|(v, m)| v * *m)
            .sum();
        assert!(momentum.norm() < 1e-11, "{name}: {momentum}");
        let (p, q) = (here.frame(), there.frame());
        assert!((p.temperature - q.temperature).abs() < 1e-10);
        assert!((p.stress - q.stress).norm() < 1e-9);
        assert!((p.conserved - q.conserved).abs() < 1e-8);
        // Nor do lattice vectors added to some of the atoms, but for rounding of 1e-14 in 20 that
        // chaos multiplies.
        let mut elsewhere = glass();
        let lattice = elsewhere.cell.matrix();
        for (i, position) in elsewhere.positions.iter_mut().enumerate() {
            *position += lattice * Vector3::new((i % 3) as f64 - 1.0, (i % 5) as f64 - 2.0, 1.0);
        }
        let mut elsewhere = Simulation::new(elsewhere, force_field(), dynamics).unwrap();
        elsewhere.advance(50).unwrap();
        let q = elsewhere.frame();
        assert!((p.temperature - q.temperature).abs() < 1e-9, "{name}");
        assert!((p.stress - q.stress).norm() < 1e-8, "{name}");
        assert!((p.conserved - q.conserved).abs() < 1e-7, "{name}");
    }
}

/// V σ = ∂E/∂strain: a shear, and a swelling in three directions.
#[test]
fn the_stress_is_the_derivative_of_the_energy() {
    let sample = glass().sheared(0.03);
    let simulation = Simulation::new(
        sample.clone(),
        force_field(),
        Dynamics::constant_energy(0.003, 0.28),
    )
    .unwrap();
    let volume = sample.cell.volume();
    let virial = simulation.evaluation.virial_stress;
    let energy = |configuration: &Configuration| {
        let mut forces = vec![Vector3::zeros(); 500];
        force_field()
            .evaluate(
                &configuration.cell,
                &configuration.positions,
                &configuration.species,
                &mut forces,
            )
            .energy
    };
    let step = 1e-5;
    let by_shear = (energy(&sample.sheared(step)) - energy(&sample.sheared(-step))) / (2.0 * step);
    let scaled = |factor: f64| {
        let mut scaled = sample.clone();
        scaled.cell = sample.cell.scaled(factor).unwrap();
        for position in &mut scaled.positions {
            *position *= factor;
        }
        energy(&scaled)
    };
    let by_swelling = (scaled(1.0 + step) - scaled(1.0 - step)) / (2.0 * step);
    // Central differences: third derivatives of about 1e6 times step²/6, rounding 1e-12·4e3/step.
    assert!((by_shear - volume * virial.xy()).abs() < 1e-3);
    assert!((by_swelling - volume * virial.trace()).abs() < 1e-2);
    let kinetic = 500.0 * 2.0 * simulation.frame().kinetic_energy_per_atom;
    let pressure = (kinetic - by_swelling) / (3.0 * volume);
    assert!((simulation.frame().pressure - pressure).abs() < 1e-5);
}

/// The same lattice, once as a cell about to be flipped, once as the flipped cell.
#[test]
fn a_flip_is_invisible() {
    let cube = fluid(108, 0.5);
    let tilted = cube.sheared(0.499);
    let mut flipped = tilted.clone();
    flipped.cell = {
        let [lx, ly, lz, xy, xz, yz] = tilted.cell.components();
        Cell::new([lx, ly, lz, xy - lx, xz, yz]).unwrap()
    };
    let barostat = Barostat::Isotropic {
        pressure: 0.3,
        time_constant: 2.0,
    };
    let dynamics = Dynamics {
        barostat: Some(barostat),
        ..Dynamics::constant_volume(0.004, 2.0).with_drive(Drive::Shear { rate: 5e-3 })
    };
    let mut turning = Simulation::new(tilted, force_field(), dynamics.clone()).unwrap();
    let mut steady = Simulation::new(flipped, force_field(), dynamics).unwrap();
    let mut flips = 0;
    for _ in 0..10 {
        let before = turning.configuration.cell.components()[3];
        turning.advance(10).unwrap();
        steady.advance(10).unwrap();
        flips += u32::from(before * turning.configuration.cell.components()[3] < 0.0);
        let (p, q) = (turning.frame(), steady.frame());
        assert_eq!(p.gamma, q.gamma);
        assert!((p.gamma - 5e-3 * p.time).abs() < 1e-12);
        assert!((p.stress - q.stress).norm() < 1e-8);
        assert!((p.volume - q.volume).abs() < 1e-7);
        assert!((p.temperature - q.temperature).abs() < 1e-8);
        assert!((p.conserved - q.conserved).abs() < 1e-6);
    }
    assert_eq!(flips, 1);
}

#[test]
fn a_restart_gives_the_same_bits() {
    let mut random = random_stream(1, Purpose::Test, 0, 0);
    let precisions = [Precision::Double, Precision::Mixed];
    let all = random_ensembles(0.003, 1.0)
        .into_iter()
        .chain([("", everything()), ("", shear())])
        .flat_map(|(_, dynamics)| precisions.map(|precision| (dynamics.clone(), precision)));
    for (dynamics, precision) in all {
        let force_field = || force_field().with_precision(precision);
        let mut simulation = Simulation::new(glass(), force_field(), dynamics)
            .unwrap()
            .with_strain(0.01);
        for _ in 0..2 {
            simulation.advance(random.random_range(1..50)).unwrap();
            let stored = simulation.checkpoint();
            let text = serde_json::to_string(&stored).unwrap();
            let read: Checkpoint = serde_json::from_str(&text).unwrap();
            assert_eq!(read, stored);
            let mut restored = Simulation::restore(read, force_field()).unwrap();
            simulation.advance(30).unwrap();
            restored.advance(30).unwrap();
            assert_eq!(simulation.frame(), restored.frame());
            assert_eq!(simulation.configuration(), restored.configuration());
            assert_eq!(simulation.motion, restored.motion);
        }
    }
}
