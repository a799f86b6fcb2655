//! Distributions against statistical mechanics.

use crate::analysis::block_error;
use crate::tests_support::{fluid, force_field};
use crate::{Barostat, Drive, Dynamics, Simulation, TemperatureSchedule};

/// Canonical: 2K/k_BT is χ² of N_f = 3N − 3 degrees of freedom, mean N_f and variance 2 N_f. Both
/// must agree within four block errors, and a temperature 5 % off must be rejected by both.
#[test]
fn kinetic_energies_are_canonical_in_mean_and_spread() {
    let atoms = 24;
    let degrees = 3.0 * atoms as f64 - 3.0;
    let dynamics = Dynamics::constant_volume(0.005, 2.0);
    let mut simulation = Simulation::new(fluid(atoms, 0.18), force_field(), dynamics).unwrap();
    let reduced: Vec<f64> = (0..60_000)
        .map(|_| {
            simulation.advance(5).unwrap();
            0.5 * simulation.temperature() * degrees
        })
        .collect();
    let mean = block_error(&reduced).unwrap();
    let squares: Vec<f64> = reduced.iter().map(|x| (x - degrees).powi(2)).collect();
    let spread = block_error(&squares).unwrap();
    assert!((mean.mean - degrees).abs() < 4.0 * mean.error, "{mean:?}");
    assert!(
        (spread.mean - 2.0 * degrees).abs() < 4.0 * spread.error,
        "{spread:?}"
    );
    // 5 % in temperature: 5 % in the mean, 10 % in the variance.
    assert!(mean.error < 0.05 * degrees / 8.0, "{mean:?}");
    assert!(spread.error < 0.1 * 2.0 * degrees / 4.0, "{spread:?}");
}

/// The mean volume at pressure P is the volume at which the mean pressure is P, up to terms of
/// relative order 1/N (1 % here) and the errors of both; the spread of the volume is that of the
/// compressibility, var V = −k_BT ∂V/∂P, with ∂P/∂V from two more runs at constant volume.
#[test]
fn volume_at_constant_pressure_agrees_with_pressure_at_constant_volume() {
    let pressure = 0.4;
    let start = fluid(100, 0.22);
    let barostat = Barostat::Isotropic {
        pressure,
        time_constant: 1.0,
    };
    let dynamics = Dynamics {
        barostat: Some(barostat),
        ..Dynamics::constant_volume(0.005, 2.0)
    };
    let mut simulation = Simulation::new(start.clone(), force_field(), dynamics).unwrap();
    simulation.advance(2000).unwrap();
    let volumes: Vec<f64> = (0..12_000)
        .map(|_| {
            simulation.advance(5).unwrap();
            simulation.frame().volume
        })
        .collect();
    let volume = block_error(&volumes).unwrap();
    let at_volume = |volume: f64| {
        let mut configuration = start.clone();
        let factor = (volume / configuration.cell.volume()).cbrt();
        configuration.cell = configuration.cell.scaled(factor).unwrap();
        for position in &mut configuration.positions {
            *position *= factor;
        }
        let dynamics = Dynamics::constant_volume(0.005, 2.0);
        let mut simulation = Simulation::new(configuration, force_field(), dynamics).unwrap();
        simulation.advance(1000).unwrap();
        let pressures: Vec<f64> = (0..4000)
            .map(|_| {
                simulation.advance(5).unwrap();
                simulation.frame().pressure
            })
            .collect();
        block_error(&pressures).unwrap()
    };
    let lower = at_volume(0.9 * volume.mean);
    let upper = at_volume(1.1 * volume.mean);
    let stiffness = (lower.mean - upper.mean) / (0.2 * volume.mean);
    // P is convex in V: at the middle it lies below the chord, by 1 % for P ∝ 1/V.
    let middle = 0.5 * (lower.mean + upper.mean) * 0.99;
    let error = (0.5 * lower.error.hypot(upper.error)).hypot(stiffness * volume.error);
    assert!(
        (middle - pressure).abs() < 4.0 * error + 0.01 * pressure,
        "{middle} {error} {volume:?}"
    );
    assert!(error < 0.03 * pressure, "{error}");
    let squares: Vec<f64> = volumes.iter().map(|v| (v - volume.mean).powi(2)).collect();
    let spread = block_error(&squares).unwrap();
    let expected = 2.0 / stiffness;
    let stiffness_error = lower.error.hypot(upper.error) / (lower.mean - upper.mean);
    let tolerance = 4.0 * spread.error.hypot(stiffness_error * expected) + 0.05 * expected;
    assert!(
        (spread.mean - expected).abs() < tolerance,
        "{spread:?} {expected}"
    );
    assert!(tolerance < 0.6 * expected, "{tolerance} {expected}");
}

/// Equipartition of the cell's own motion: ⟨W ε̇²⟩ = ⟨W_γ γ̇²⟩ = k_B T, within four block errors
/// that are small enough to reject a quarter more.
#[test]
fn the_motion_of_the_cell_has_the_temperature_of_the_atoms() {
    let dynamics = Dynamics {
        time_step: 0.005,
        temperature: TemperatureSchedule::Constant(2.0),
        barostat: Some(Barostat::Isotropic {
            pressure: 0.4,
            time_constant: 0.5,
        }),
        drive: Drive::ZeroShearStress { time_constant: 0.5 },
        ..Dynamics::constant_volume(0.005, 2.0)
    };
    let mut simulation = Simulation::new(fluid(80, 0.22), force_field(), dynamics).unwrap();
    let (mut swelling, mut shear) = (Vec::new(), Vec::new());
    for _ in 0..15_000 {
        simulation.advance(5).unwrap();
        let inertia = simulation.inertia;
        swelling.push(inertia.volume.unwrap() * simulation.motion.gradient.0[0].powi(2));
        shear.push(inertia.tilt.unwrap() * simulation.motion.gradient.0[3].powi(2));
    }
    for energies in [swelling, shear] {
        let twice_kinetic = block_error(&energies).unwrap();
        let deviation = (twice_kinetic.mean - 2.0).abs();
        assert!(deviation < 4.0 * twice_kinetic.error, "{twice_kinetic:?}");
        assert!(twice_kinetic.error < 0.13, "{twice_kinetic:?}");
    }
    // A fluid does not resist: its cell has turned over and was flipped back.
    let [lx, _, _, xy, _, _] = simulation.configuration.cell.components();
    assert!(xy.abs() <= 0.5 * lx);
}
