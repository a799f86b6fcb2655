//! Creep and cycles.

use super::*;
use crate::analysis::block_error;
use crate::{Barostat, Thermostat};

fn restarts_change_no_bit<P: Protocol>(start: impl Fn() -> P) -> P {
    let (whole, seen) = run_in_pieces(start(), 1_000_000);
    let (pieces, seen_in_pieces) = run_in_pieces(start(), 60);
    assert_eq!(whole.frames(), pieces.frames());
    assert_eq!(seen, seen_in_pieces);
    whole
}

/// The glass settles at the stress that is asked for, and at the strain stress/modulus of it: 0.2
/// over 18 at this temperature, or less where atoms rearrange.
#[test]
fn a_glass_under_stress_creeps_and_carries_that_stress() {
    let settings = CreepSettings {
        temperature: 0.1,
        stress: -0.2,
        duration: 12.0,
        integration: Integration {
            thermostat: Thermostat::langevin(),
            ..integration()
        },
    };
    assert_eq!(settings.total_steps(), 3000);
    let hold = HoldSettings {
        temperature: 0.1,
        duration: 6.0,
        integration: settings.integration,
    };
    let mut rest = Hold::start(&hold, Sample::unstrained(glass()), force_field()).unwrap();
    rest.finish(&mut Unobserved).unwrap();
    let start = Sample::unstrained(rest.sample().configuration);
    let creep =
        restarts_change_no_bit(|| Creep::start(&settings, start.clone(), force_field()).unwrap());
    let settled = &creep.frames()[40..];
    let stress = block_error(&shear_stresses(settled)).unwrap();
    assert!((stress.mean + 0.2).abs() < 4.0 * stress.error, "{stress:?}");
    assert!(stress.error < 0.02, "{stress:?}");
    let strain = block_error(&strains(settled)).unwrap();
    // √(kT/GV) = 0.004 is the noise of the start, once more of the mean.
    assert!((strain.mean + 0.011).abs() < 0.01, "{strain:?}");
}

#[test]
fn a_cycle_swings_to_its_amplitude_and_comes_back() {
    let settings = CycleSettings {
        temperature: 0.1,
        amplitude: 0.01,
        period: 1.0,
        cycles: 3,
        integration: Integration {
            frame_interval: 25,
            thermostat: Thermostat::velocity_rescaling(),
            barostat: Barostat::stochastic(0.0),
            ..integration()
        },
    };
    let sample = Sample {
        configuration: glass(),
        gamma: 0.3,
    };
    let cycle =
        restarts_change_no_bit(|| Cycle::start(&settings, sample.clone(), force_field()).unwrap());
    assert_eq!(cycle.frames().len(), 30);
    for frame in cycle.frames() {
        let expected = 0.3 + 0.01 * (std::f64::consts::TAU * frame.time).sin();
        assert!((frame.gamma - expected).abs() < 1e-12, "{}", frame.time);
    }
    let half = CycleSettings {
        cycles: 0,
        ..settings
    };
    let message = half.validate().unwrap_err().to_string();
    assert_eq!(message, "cycles must be at least 1, got 0");
    let fast = CycleSettings {
        amplitude: 0.1,
        ..settings
    };
    let error = Cycle::start(&fast, sample, force_field()).unwrap_err();
    assert!(error.to_string().starts_with("drive.amplitude must be"));
}

/// A full cell has its free tilt already, so zero shear stress asks for nothing more.
#[test]
fn a_hold_of_a_full_cell_needs_no_free_tilt() {
    let settings = HoldSettings {
        temperature: 0.1,
        duration: 0.4,
        integration: Integration {
            barostat: Barostat::full_cell(0.0),
            ..integration()
        },
    };
    let hold = restarts_change_no_bit(|| {
        Hold::start(&settings, Sample::unstrained(glass()), force_field()).unwrap()
    });
    let [lx, ly, _, xy, xz, _] = hold.sample().configuration.cell.components();
    assert!(lx != ly && xy != 0.0 && xz != 0.0);
    // To first order in the strains.
    let gamma = hold.sample().gamma;
    assert!(
        (gamma - xy / ly).abs() < 0.05 * gamma.abs(),
        "{gamma} {}",
        xy / ly
    );
}
