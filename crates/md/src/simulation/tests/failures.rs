//! Bad starts and bad steps are named.

use super::{ensembles, random_ensembles};
use crate::tests_support::{force_field, glass};
use crate::{Checkpoint, Dynamics, MdError, Simulation, Symptom, initial_liquid};

#[test]
fn too_large_a_time_step_is_noticed_within_a_hundred_steps() {
    for (time_step, unit) in [(0.05, 2.5), (0.15, 7.5)] {
        let mut all = ensembles(time_step, unit);
        all.extend(random_ensembles(time_step, unit));
        for (name, dynamics) in all {
            let mut simulation = Simulation::new(glass(), force_field(), dynamics).unwrap();
            let error = simulation.advance(100).expect_err(name);
            let message = error.to_string();
            assert!(
                message.contains("try a time_step smaller than"),
                "{message}"
            );
            assert!(message.contains(&time_step.to_string()), "{message}");
            let MdError::BlowUp {
                step,
                largest_force,
                ..
            } = error
            else {
                panic!("{message}")
            };
            assert!(step <= 100 && (largest_force > 10.0 || largest_force.is_nan()));
        }
    }
}

#[test]
fn not_a_number_is_noticed_at_once() {
    let mut simulation = Simulation::new(
        glass(),
        force_field(),
        Dynamics::constant_energy(0.003, 0.28),
    )
    .unwrap();
    simulation.advance(3).unwrap();
    simulation.velocities[7].y = f64::NAN;
    let error = simulation.advance(100).unwrap_err();
    assert!(matches!(
        error,
        MdError::BlowUp {
            step: 3,
            symptom: Symptom::NotFinite,
            ..
        }
    ));
}

#[test]
fn bad_starts_are_refused() {
    let dynamics = Dynamics::constant_volume(0.003, 0.28);
    let start = |configuration| {
        Simulation::new(configuration, force_field(), dynamics.clone())
            .unwrap_err()
            .to_string()
    };
    let mut cold = glass();
    cold.velocities = None;
    assert!(start(cold).contains("no velocities"));
    let mut overlapping = glass();
    overlapping.positions[3] = overlapping.positions[17];
    let message = start(overlapping);
    assert!(
        message.contains("id 4") && message.contains("id 18"),
        "{message}"
    );
    let tiny = initial_liquid(32, 1.2, 1.0, 1, 0).unwrap();
    assert!(start(tiny).contains("too small"));
    let mut broken = glass();
    broken.positions[0].x = f64::NAN;
    assert!(start(broken).contains("not finite"));
}

#[test]
fn a_checkpoint_with_a_lost_chain_is_refused() {
    let mut simulation = Simulation::new(
        glass(),
        force_field(),
        Dynamics::constant_volume(0.003, 0.28),
    )
    .unwrap();
    let mut value = serde_json::to_value(simulation.checkpoint()).unwrap();
    value["motion"]["atom_chain"] = serde_json::Value::Null;
    let broken: Checkpoint = serde_json::from_value(value).unwrap();
    let error = Simulation::restore(broken, force_field()).unwrap_err();
    assert!(error.to_string().contains("atom chain has 0 entries"));
}
