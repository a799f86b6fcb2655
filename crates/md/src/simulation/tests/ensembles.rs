//! Distributions against statistical mechanics.

use crate::analysis::{Average, block_error};
use crate::tests_support::{fluid, force_field};
use crate::{
    Barostat, Drive, Dynamics, Simulation, TemperatureSchedule, Thermostat, initial_liquid,
};

fn thermostats() -> [Thermostat; 3] {
    [
        Thermostat::default(),
        Thermostat::VelocityRescaling { time_constant: 0.1 },
        Thermostat::Langevin { time_constant: 0.3 },
    ]
}

/// Mean and mean square deviation from `center`.
fn moments(values: &[f64], center: f64) -> (Average, Average) {
    let squares: Vec<f64> = values.iter().map(|x| (x - center).powi(2)).collect();
    (block_error(values).unwrap(), block_error(&squares).unwrap())
}

/// Canonical: 2K/k_BT is χ² of N_f = 3N − 3 degrees of freedom, mean N_f and variance 2 N_f. Both
/// must agree within four block errors, and a temperature 5 % off must be rejected by both. The
/// potential energy must be that of the first thermostat.
#[test]
fn kinetic_energies_are_canonical_in_mean_and_spread() {
    let atoms = 24;
    let degrees = 3.0 * atoms as f64 - 3.0;
    let start = fluid(atoms, 0.18);
    let mut potential_energies: Vec<Average> = Vec::new();
    for thermostat in thermostats() {
        let dynamics = Dynamics {
            thermostat: Some(thermostat),
            ..Dynamics::constant_volume(0.005, 2.0)
        };
        let mut simulation = Simulation::new(start.clone(), force_field(), dynamics).unwrap();
        let (mut reduced, mut potential) = (Vec::new(), Vec::new());
        for _ in 0..40_000 {
            simulation.advance(5).unwrap();
            reduced.push(0.5 * simulation.temperature() * degrees);
            potential.push(simulation.frame().potential_energy_per_atom);
        }
        let (mean, spread) = moments(&reduced, degrees);
        let name = format!("{thermostat:?}");
        assert!(
            (mean.mean - degrees).abs() < 4.0 * mean.error,
            "{name}: {mean:?}"
        );
        assert!(
            (spread.mean - 2.0 * degrees).abs() < 4.0 * spread.error,
            "{name}: {spread:?}"
        );
        // 5 % in temperature: 5 % in the mean, 10 % in the variance.
        assert!(mean.error < 0.05 * degrees / 8.0, "{name}: {mean:?}");
        assert!(
            spread.error < 0.1 * 2.0 * degrees / 4.0,
            "{name}: {spread:?}"
        );
        potential_energies.push(block_error(&potential).unwrap());
    }
    for other in &potential_energies[1..] {
        let difference = other.minus(potential_energies[0]);
        assert!(
            difference.mean.abs() < 4.0 * difference.error,
            "{potential_energies:?}"
        );
        assert!(difference.error < 0.02, "{difference:?}");
    }
}

/// The mean volume at pressure P is the volume at which the mean pressure is P, up to terms of
/// relative order 1/N (1 % here) and the errors of both; the spread of the volume is that of the
/// compressibility, var V = −k_BT ∂V/∂P, with ∂P/∂V from two more runs at constant volume. This
/// holds for every barostat with every thermostat.
#[test]
fn volume_at_constant_pressure_agrees_with_pressure_at_constant_volume() {
    let pressure = 0.4;
    let start = fluid(100, 0.22);
    let inertial = Barostat::Isotropic {
        pressure,
        time_constant: 1.0,
    };
    let random = Barostat::StochasticCellRescaling {
        pressure,
        time_constant: 0.5,
        compressibility: 2.0,
    };
    let [chain, rescaling, langevin] = thermostats();
    let volumes_of = |thermostat, barostat| {
        let dynamics = Dynamics {
            thermostat: Some(thermostat),
            barostat: Some(barostat),
            ..Dynamics::constant_volume(0.005, 2.0)
        };
        let mut simulation = Simulation::new(start.clone(), force_field(), dynamics).unwrap();
        simulation.advance(2000).unwrap();
        (0..8000)
            .map(|_| {
                simulation.advance(5).unwrap();
                simulation.frame().volume
            })
            .collect::<Vec<f64>>()
    };
    let all: Vec<Vec<f64>> = [
        (chain, inertial),
        (langevin, inertial),
        (rescaling, random),
        (langevin, random),
    ]
    .into_iter()
    .map(|(thermostat, barostat)| volumes_of(thermostat, barostat))
    .collect();
    let middle = block_error(&all[0]).unwrap().mean;
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
    let (lower, upper) = (at_volume(0.9 * middle), at_volume(1.1 * middle));
    let stiffness = (lower.mean - upper.mean) / (0.2 * middle);
    let stiffness_error = lower.error.hypot(upper.error) / (lower.mean - upper.mean);
    // P is convex in V: at the middle it lies below the chord, by 1 % for P ∝ 1/V.
    let at_middle = 0.5 * (lower.mean + upper.mean) * 0.99;
    for (k, volumes) in all.iter().enumerate() {
        let volume = block_error(volumes).unwrap();
        let expected = at_middle - stiffness * (volume.mean - middle);
        let error = (0.5 * lower.error.hypot(upper.error)).hypot(stiffness * volume.error);
        assert!(
            (expected - pressure).abs() < 4.0 * error + 0.01 * pressure,
            "{k}: {expected} {error} {volume:?}"
        );
        assert!(error < 0.03 * pressure, "{k}: {error}");
        let (_, spread) = moments(volumes, volume.mean);
        let expected = 2.0 / stiffness;
        let tolerance = 4.0 * spread.error.hypot(stiffness_error * expected) + 0.05 * expected;
        assert!(
            (spread.mean - expected).abs() < tolerance,
            "{k}: {spread:?} {expected}"
        );
        assert!(tolerance < 0.6 * expected, "{k}: {tolerance} {expected}");
    }
}

/// Means of a crystal of 256 atoms (face-centered, both species at random): a solid, so
/// that a cell may take any shape and still keep it.
fn crystal(barostat: Option<Barostat>, drive: Drive) -> Simulation {
    let start = initial_liquid(256, 1.25, 0.1, 7, 0).unwrap();
    let dynamics = Dynamics {
        thermostat: Some(Thermostat::Langevin { time_constant: 0.5 }),
        barostat,
        drive,
        ..Dynamics::constant_volume(0.005, 0.1)
    };
    let mut simulation = Simulation::new(start, force_field(), dynamics).unwrap();
    simulation.advance(2000).unwrap();
    simulation
}

/// In a full cell each component of the pressure has the mean of the pressure from outside,
/// ⟨V P_ab⟩ = P ⟨V⟩ δ_ab − k_BT δ_ab, each of the six motions has k_B T, and the volume is that of
/// an isotropic cell. Four block errors.
#[test]
fn a_full_cell_is_in_equilibrium_in_all_its_components() {
    let pressure = 1.0;
    let light = |pressure| Barostat::FullCell {
        pressure,
        time_constant: 0.2,
    };
    let mut simulation = crystal(Some(light(pressure)), Drive::None);
    let inertia = simulation.inertia;
    let masses = [0, 1, 2, 3, 4, 5].map(|k| if k == 3 { inertia.tilt } else { inertia.shape });
    let (mut volumes, mut stresses, mut energies) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..2000 {
        simulation.advance(5).unwrap();
        let frame = simulation.frame();
        volumes.push(frame.volume);
        stresses.push(frame.stress * frame.volume);
        energies.push(simulation.motion.gradient.0);
    }
    let volume = block_error(&volumes).unwrap();
    for k in 0..6 {
        let stress: Vec<f64> = stresses.iter().map(|stress| stress.0[k]).collect();
        let stress = block_error(&stress).unwrap();
        let diagonal = if k < 3 {
            0.1 - pressure * volume.mean
        } else {
            0.0
        };
        assert!(
            (stress.mean - diagonal).abs() < 4.0 * stress.error,
            "{k}: {stress:?}"
        );
        assert!(
            stress.error < 0.02 * pressure * volume.mean,
            "{k}: {stress:?}"
        );
        let mass = masses[k].unwrap();
        let twice: Vec<f64> = energies
            .iter()
            .map(|rates| mass * rates[k] * rates[k])
            .collect();
        let twice = block_error(&twice).unwrap();
        assert!(
            (twice.mean - 0.1).abs() < 4.0 * twice.error,
            "{k}: {twice:?}"
        );
    }
    let all: Vec<f64> = energies
        .iter()
        .map(|rates| {
            (0..6)
                .map(|k| masses[k].unwrap() * rates[k] * rates[k])
                .sum()
        })
        .collect();
    let all = block_error(&all).unwrap();
    assert!((all.mean - 0.6).abs() < 4.0 * all.error, "{all:?}");
    assert!(all.error < 0.03, "{all:?}");
    let mut isotropic = crystal(Some(Barostat::isotropic(pressure)), Drive::None);
    let of_isotropic: Vec<f64> = (0..400)
        .map(|_| {
            isotropic.advance(5).unwrap();
            isotropic.frame().volume
        })
        .collect();
    let difference = volume.minus(block_error(&of_isotropic).unwrap());
    // Shape fluctuations shift the mean volume by a relative 1/N.
    let tolerance = 4.0 * difference.error + volume.mean / 256.0;
    assert!(difference.mean.abs() < tolerance, "{difference:?}");
    assert!(tolerance < 0.03 * volume.mean, "{difference:?}");
}

/// The compliance by force equals that by fluctuation: (⟨γ⟩₊ − ⟨γ⟩₋)/2σ = V ⟨δγ²⟩₀/k_BT, and the
/// mean stress is the one from outside; within four block errors, which are below a tenth.
#[test]
fn creep_of_a_solid_follows_its_fluctuations() {
    let stress = 0.3;
    let run = |stress| {
        let mut simulation = crystal(
            None,
            Drive::ConstantShearStress {
                stress,
                time_constant: 0.4,
            },
        );
        let (mut strains, mut stresses) = (Vec::new(), Vec::new());
        for _ in 0..2000 {
            simulation.advance(5).unwrap();
            strains.push(simulation.gamma());
            stresses.push(simulation.stress().xy());
        }
        let carried = block_error(&stresses).unwrap();
        assert!(
            (carried.mean - stress).abs() < 4.0 * carried.error,
            "{carried:?}"
        );
        assert!(carried.error < 0.1 * 0.3, "{carried:?}");
        let mean = block_error(&strains).unwrap();
        let (_, spread) = moments(&strains, mean.mean);
        (mean, spread)
    };
    let (plus, of_plus) = run(stress);
    let (minus, of_minus) = run(-stress);
    let difference = plus.minus(minus);
    let compliance = difference.mean / (2.0 * stress);
    let error = difference.error / (2.0 * stress);
    let volume = 256.0 / 1.25;
    let fluctuating = 0.5 * volume * (of_plus.mean + of_minus.mean) / 0.1;
    let fluctuating_error = 0.5 * volume * of_plus.error.hypot(of_minus.error) / 0.1;
    assert!(
        (compliance - fluctuating).abs() < 4.0 * error.hypot(fluctuating_error),
        "{compliance} {error} {fluctuating} {fluctuating_error}"
    );
    assert!(error < 0.1 * compliance && fluctuating_error < 0.1 * fluctuating);
}

/// What a cycle costs leaves as heat: work and heat balance but for the fluctuation of the energy,
/// which does not grow, and the work grows with every cycle.
#[test]
fn cyclic_work_becomes_heat() {
    let dynamics = Dynamics {
        thermostat: Some(Thermostat::velocity_rescaling()),
        ..Dynamics::constant_volume(0.0015, 2.0).with_drive(Drive::CyclicShear {
            amplitude: 0.2,
            period: 2.0,
        })
    };
    let mut simulation = Simulation::new(fluid(108, 0.7), force_field(), dynamics).unwrap();
    let mut works = Vec::new();
    for _ in 0..16 {
        simulation.advance(1333).unwrap();
        works.push(simulation.motion.work);
    }
    let (work, heat) = (simulation.motion.work, -simulation.motion.injected);
    assert!(
        works.windows(2).filter(|pair| pair[1] > pair[0]).count() >= 13,
        "{works:?}"
    );
    // The energy fluctuates by √C_v T, C_v about 2 N.
    let tolerance = 5.0 * 2.0_f64.sqrt() * 216.0_f64.sqrt() * 2.0;
    assert!((work - heat).abs() < tolerance, "{work} {heat}");
    assert!(work > 2.0 * tolerance, "{work}");
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
