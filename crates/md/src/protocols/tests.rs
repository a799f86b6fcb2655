//! The experiments on a small glass, fast.

use metabasin_atoms::Configuration;

use super::*;
use crate::analysis::{fictive_temperature, half_difference, shear_modulus_fit};
use crate::tests_support::{force_field, glass};
use crate::{Frame, SwapSettings, Unobserved};

mod driven;

/// Dynamics of a few τ: light cell, many frames.
fn integration() -> Integration {
    Integration {
        time_step: 0.004,
        frame_interval: 25,
        ..Integration::default()
    }
}

fn shear_settings(final_strain: f64) -> ShearSettings {
    ShearSettings {
        temperature: 0.28,
        rate: 2e-3,
        final_strain,
        integration: integration(),
    }
}

/// Runs in pieces of `piece` steps, storing and restoring after each; returns what was observed.
fn run_in_pieces<P: Protocol>(mut protocol: P, piece: u64) -> (P, Vec<Frame>) {
    let mut seen = Vec::new();
    loop {
        let mut observer = |frame: &Frame, configuration: &Configuration| {
            assert_eq!(frame.volume, configuration.cell.volume());
            seen.push(*frame);
        };
        let status = protocol.advance(piece, &mut observer).unwrap();
        assert!(status.done_steps <= status.total_steps);
        if status.finished {
            return (protocol, seen);
        }
        let text = serde_json::to_string(&protocol.state()).unwrap();
        let state = serde_json::from_str(&text).unwrap();
        protocol = P::restore(state, force_field()).unwrap();
    }
}

#[test]
fn pieces_and_restarts_change_no_bit() {
    let start = || {
        let sample = Sample::unstrained(glass());
        Shear::start(&shear_settings(0.002), sample, force_field()).unwrap()
    };
    let (whole, seen) = run_in_pieces(start(), 1_000_000);
    let (pieces, seen_in_pieces) = run_in_pieces(start(), 60);
    assert_eq!(whole.frames(), pieces.frames());
    assert_eq!(whole.sample(), pieces.sample());
    assert_eq!(seen, seen_in_pieces);
    // The start and one frame each 25 steps.
    assert_eq!(seen.len(), 1 + 250 / 25);
    assert_eq!((seen[0].step, seen[0].gamma), (0, 0.0));
    assert!((whole.sample().gamma - 0.002).abs() < 1e-12);
}

#[test]
fn an_overshooting_last_frame_is_shorter() {
    let settings = ShearSettings {
        final_strain: -0.00025,
        ..shear_settings(0.0)
    };
    let sample = Sample::unstrained(glass());
    let mut shear = Shear::start(&settings, sample, force_field()).unwrap();
    let status = shear.finish(&mut Unobserved).unwrap();
    // 31.25 steps: the last one is whole.
    assert_eq!((status.done_steps, status.total_steps), (32, 32));
    let steps: Vec<u64> = shear.frames().iter().map(|frame| frame.step).collect();
    assert_eq!(steps, [25, 32]);
    let samples = shear.frames().iter().map(|frame| frame.mean.samples);
    assert_eq!(samples.collect::<Vec<u64>>(), [1, 1]);
    assert!((shear.sample().gamma + 0.000_256).abs() < 1e-12);
}

/// The whole cycle: a positive modulus of the known size, a residual strain between zero and the
/// strain of the loading, and a recovery that starts there. At T = 0.1 the noise of 500 atoms is
/// small enough for any trajectory to show it: of 12 with other holds all did, none near a bound.
#[test]
fn a_glass_is_loaded_unloaded_and_recovers() {
    let hold = HoldSettings {
        temperature: 0.1,
        duration: 8.0,
        integration: integration(),
    };
    let mut equilibrate =
        Equilibrate::start(&hold, Sample::unstrained(glass()), force_field()).unwrap();
    equilibrate.finish(&mut Unobserved).unwrap();
    let reference = equilibrate.outcome().unwrap();
    assert_eq!(reference.sample.gamma, 0.0);
    let cell = reference.sample.configuration.cell;
    assert!((cell.volume() - reference.volume.mean).abs() < 1e-9);
    let [_, ly, _, xy, _, _] = cell.components();
    assert!((xy / ly - reference.tilt).abs() < 1e-12);
    // The volume of this glass at T = 0.1, by interpolation between other codes' 387 at T = 0.05 and
    // 404.3 at T = 0.28, and its frozen-in strain: a few per cent at most.
    assert!(
        (reference.volume.mean / 390.8 - 1.0).abs() < 0.02,
        "{reference:?}"
    );
    assert!(reference.tilt.abs() < 0.04);
    let stresses = shear_stresses(&equilibrate.frames()[20..]);
    let mean_stress = stresses.iter().sum::<f64>() / stresses.len() as f64;
    assert!(mean_stress.abs() < 0.05, "{mean_stress}");

    let load = |final_strain| {
        let settings = ShearSettings {
            temperature: 0.1,
            ..shear_settings(final_strain)
        };
        let mut shear = Shear::start(&settings, reference.sample.clone(), force_field()).unwrap();
        shear.finish(&mut Unobserved).unwrap();
        shear
    };
    let (plus, minus) = (load(0.02), load(-0.02));
    let strain = half_difference(&strains(plus.frames()), &strains(minus.frames()));
    let stress = half_difference(
        &shear_stresses(plus.frames()),
        &shear_stresses(minus.frames()),
    );
    // About 15 at slower rates, and up to the affine 45 at infinite rate.
    let modulus = shear_modulus_fit(&strain, &stress, 0.02).unwrap();
    assert!((8.0..35.0).contains(&modulus.slope), "{}", modulus.slope);
    let largest = largest_stress(plus.frames());
    assert!((0.15..1.0).contains(&largest), "{largest}");

    // A wide window, ±0.01 of strain: the noise of few frames leaves no narrower one.
    let unload = UnloadSettings {
        temperature: 0.1,
        rate: 2e-3,
        largest_stress: 0.5,
        strain_limit: 0.03,
        integration: integration(),
    };
    let unload = Unload::start(&unload, plus.sample(), force_field()).unwrap();
    let (unload, _) = run_in_pieces(unload, 700);
    let unloaded = unload.outcome();
    let residual = unloaded.residual.unwrap();
    assert!(unloaded.complete && residual.covered);
    assert!(residual.strain.abs() < 0.015, "{}", residual.strain);
    assert!(residual.error > 1e-5 && residual.error < 0.01);
    assert!((unloaded.sample.gamma - residual.strain).abs() < 2e-3);
    assert!(unload.status().done_steps <= unload.status().total_steps);

    let mut recover = Recover::start(
        &HoldSettings {
            duration: 1.0,
            ..hold
        },
        unloaded.sample.clone(),
        force_field(),
    )
    .unwrap();
    let mut first = None;
    let mut observer = |frame: &Frame, _: &Configuration| {
        first.get_or_insert(frame.gamma);
    };
    recover.finish(&mut observer).unwrap();
    assert_eq!(first, Some(unloaded.sample.gamma));
    assert_eq!(recover.frames().len(), 10);
}

#[test]
fn an_unloading_that_never_reaches_zero_says_so() {
    let settings = UnloadSettings {
        temperature: 0.28,
        rate: 4e-3,
        largest_stress: 0.5,
        strain_limit: 1e-3,
        integration: integration(),
    };
    // A sample strained by 3 % affinely, declared to be at 0.5 %: it stays loaded.
    let sample = Sample {
        configuration: glass().sheared(0.03),
        gamma: 0.005,
    };
    let mut unload = Unload::start(&settings, sample, force_field()).unwrap();
    let status = unload.finish(&mut Unobserved).unwrap();
    assert_eq!(status.done_steps, status.total_steps);
    let unloaded = unload.outcome();
    assert!(!unloaded.complete && unloaded.residual.is_none());
    assert!((unloaded.sample.gamma + 1e-3).abs() < 1e-4);
}

fn quench() -> PrepareSettings {
    PrepareSettings {
        atoms: 256,
        melt_duration: 2.0,
        settle_duration: 2.0,
        cool_from: 0.7,
        cool_to: 0.05,
        cooling_rate: 0.03,
        integration: integration(),
        ..PrepareSettings::default()
    }
}

/// A quench within 22 τ of 256 atoms: a glass of nearly the right density at the end, and a T_f
/// with a large error.
#[test]
fn a_glass_is_made_from_the_melt() {
    let settings = quench();
    let mut seen = Vec::new();
    let mut prepare = Prepare::start(&settings, force_field(), 6, 0).unwrap();
    prepare
        .finish(&mut |frame: &Frame, _: &Configuration| seen.push(*frame))
        .unwrap();
    let cooling = prepare.cooling();
    let frames = cooling.temperature.len();
    // 21.7 τ at a frame each 0.1 τ.
    assert_eq!(frames, 217);
    for (i, temperature) in cooling.temperature.iter().enumerate() {
        let scheduled = 0.7 - 0.65 * i as f64 / frames as f64;
        // √(2/(3N)) = 5 % of fluctuation, four times, and what the thermostat lags behind.
        let tolerance = 0.2 * scheduled + 0.03;
        assert!(
            (temperature - scheduled).abs() < tolerance,
            "{i}: {temperature}"
        );
    }
    // Other codes, 500 atoms cooled thirty times slower, at T = 0.05 and P = 0: 0.774 per atom.
    let volume = cooling.volume_per_atom[frames - 1];
    assert!((0.77..0.81).contains(&volume), "{volume}");
    // One clock through all legs, and no frame twice.
    for pair in seen.windows(2) {
        assert!(pair[1].step > pair[0].step && pair[1].time > pair[0].time);
    }
    assert_eq!(seen.last().unwrap().step, settings.total_steps());
    let fictive = fictive_temperature(&cooling.temperature, &cooling.enthalpy_per_atom);
    match (prepare.outcome(), fictive) {
        (Ok(prepared), Some(fictive)) => {
            assert!((prepared.temperature - 0.8 * fictive.value).abs() < 1e-12);
            assert!((prepared.taken_at - prepared.temperature).abs() < 0.03);
            assert_eq!(prepared.sample.gamma, 0.0);
        }
        (Err(MdError::NoFictiveTemperature { from, to, .. }), None) => {
            assert_eq!((from, to), (0.7, 0.05));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_preparation_survives_restarts_in_every_leg() {
    let settings = PrepareSettings {
        atoms: 216,
        melt_duration: 1.0,
        settle_duration: 0.5,
        cool_to: 0.4,
        cooling_rate: 0.3,
        sample_temperature: Some(0.5),
        ..quench()
    };
    let start = || Prepare::start(&settings, force_field(), 6, 0).unwrap();
    let (whole, seen) = run_in_pieces(start(), 1_000_000);
    let (pieces, seen_in_pieces) = run_in_pieces(start(), 60);
    assert_eq!(seen, seen_in_pieces);
    let (whole, pieces) = (whole.outcome().unwrap(), pieces.outcome().unwrap());
    assert_eq!(whole, pieces);
    // A frame each 0.1 τ is 0.03 in temperature.
    assert!(whole.temperature == 0.5 && (whole.taken_at - 0.5).abs() <= 0.015 + 1e-12);
}

/// Both routes with a hold and swaps: by a temperature given, and by 0.95 T_f at constant volume.
#[test]
fn a_preparation_with_hold_and_swaps_survives_restarts() {
    let swap = Some(SwapSettings {
        attempts_per_atom: 3.0,
        interval: 0.17,
    });
    let hold = |temperature| PrepareHold {
        temperature,
        duration: 0.9,
        swap,
    };
    let short = PrepareSettings {
        atoms: 216,
        melt_duration: 1.0,
        settle_duration: 0.5,
        swap,
        ..quench()
    };
    let stopping = PrepareSettings {
        hold: Some(hold(Some(0.55))),
        cool_to: 0.4,
        cooling_rate: 0.2,
        sample_temperature: Some(0.5),
        ..short
    };
    let paper = PrepareSettings {
        hold: Some(hold(None)),
        settle_duration: 2.0,
        density: 1.4,
        cool_from: 1.0,
        swap: None,
        sample_temperature: Some(0.06),
        ..short
    };
    for settings in [stopping, paper] {
        let start = || Prepare::start(&settings, force_field(), 6, 0).unwrap();
        let (whole, seen) = run_in_pieces(start(), 1_000_000);
        let (pieces, seen_in_pieces) = run_in_pieces(start(), 90);
        assert_eq!(seen, seen_in_pieces);
        for pair in seen.windows(2) {
            assert!(pair[1].step > pair[0].step && pair[1].time > pair[0].time);
        }
        let status = whole.status();
        assert_eq!(status.done_steps, status.total_steps);
        assert!(status.total_steps <= settings.total_steps());
        let (whole, pieces) = (whole.outcome().unwrap(), pieces.outcome().unwrap());
        assert_eq!(whole, pieces);
        let swaps = whole.swaps.unwrap();
        assert!(swaps.attempts == 648 * swaps.sweeps && swaps.accepted > 0);
        let held = whole.held.unwrap();
        if let Some(quenched) = &whole.constant_volume {
            let expected = 0.95 * quenched.fictive_temperature.value;
            assert!((held.temperature - expected).abs() < 1e-12);
            // The ramp at constant pressure begins where the hold was.
            assert!((whole.cooling.temperature[0] - expected).abs() < 0.2 * expected);
            assert!(quenched.cooling.temperature[0] > 0.8);
        } else {
            // 0.75 τ down to the hold and 0.75 τ from there on, a frame each 0.1 τ.
            assert_eq!(held.temperature, 0.55);
            assert_eq!(whole.cooling.temperature.len(), 16);
            assert!((whole.taken_at - 0.5).abs() <= 0.011);
        }
    }
}

#[test]
fn bad_settings_are_refused_by_name() {
    let hold = PrepareSettings {
        hold: Some(PrepareHold {
            temperature: Some(0.9),
            duration: 1.0,
            swap: None,
        }),
        ..PrepareSettings::default()
    };
    let message = hold.validate().unwrap_err().to_string();
    let expected = "hold.temperature must be between cool_to and cool_from, got 0.9";
    assert_eq!(message, expected);
    let prepare = PrepareSettings {
        cool_to: 1.0,
        ..PrepareSettings::default()
    };
    let message = prepare.validate().unwrap_err().to_string();
    assert_eq!(message, "cool_to must be below cool_from, got 1");
    let shear = ShearSettings {
        rate: -1e-3,
        ..shear_settings(0.02)
    };
    let message = shear.validate().unwrap_err().to_string();
    assert_eq!(message, "rate must be positive and finite, got -0.001");
    let unknown = r#"{"temperature":0.3,"duration":1.0,"durations":2.0}"#;
    let message = serde_json::from_str::<HoldSettings>(unknown)
        .unwrap_err()
        .to_string();
    assert!(message.contains("unknown field `durations`"), "{message}");
    let frames = r#"{"temperature":0.3,"duration":1.0,"integration":{"frame_interval":0}}"#;
    let settings: HoldSettings = serde_json::from_str(frames).unwrap();
    let message = settings.validate().unwrap_err().to_string();
    assert_eq!(message, "frame_interval must be at least 1, got 0");
}
