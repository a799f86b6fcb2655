//! `step`: a step of strain and back, in molecular dynamics and in the Eshelby model.
#![cfg(test)]

use metabasin_catalogue::{
    Catalogue, FluxRecord, HarvestRecord, StateGraph, StateRecord, WellModuli,
};
use metabasin_pipeline::{
    Interrupt, KernelChoice, Silent, StepRequest, StrainStep, TrajectoryDynamics, strain_step,
};
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
#[expect(
    dead_code,
    reason = "shared with tests that look at what the searches found"
)]
#[path = "support/small_catalogue.rs"]
mod small_catalogue;
use program::{assert_keys, json, refused, text};
use small_catalogue::{SHARED, search};

fn stepped(request: &StepRequest) -> StrainStep {
    let request = StepRequest {
        dynamics: TrajectoryDynamics {
            kernel: KernelChoice::Portable,
            seed: 4,
            ..request.dynamics.clone()
        },
        ..request.clone()
    };
    strain_step(&SHARED.path, &request, (&Silent, &Interrupt::new())).unwrap()
}

/// Nearly at rest and for a small strain, the stress is that of the relaxed stiffness, which the searches took
/// from the Hessian, turned by half the strain, as simple shear turns what was there: ω (σ_yy − σ_xx) with
/// ω = γ/2. Nothing flips; the sound of the step dies out at the friction.
#[test]
fn a_cold_sample_answers_with_its_stiffness() {
    let found = stepped(&StepRequest {
        dynamics: TrajectoryDynamics {
            temperature: Some(1e-6),
            ..TrajectoryDynamics::default()
        },
        strain: 1e-4,
        hold: 64.0,
        pairs: 1,
        settle: 0.0,
        runs: 1,
    });
    let sample = Catalogue::open_read_only(&SHARED.path).unwrap().sample();
    let sample = sample.unwrap();
    let [xx, yy, ..] = sample.stress_minimum.0;
    let expected = sample.stiffness.unwrap().0[3][3] + 0.5 * (yy - xx);
    // More than the test forgives.
    assert!((yy - xx).abs() > 0.1);
    let (held, back) = found.rows.split_at(7);
    let ends: Vec<f64> = held.iter().map(|row| row.to).collect();
    assert_eq!(ends, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]);
    assert!(held.iter().all(|row| !row.back) && back.iter().all(|row| row.back));
    let last = held[6].md.modulus;
    assert!((last / expected - 1.0).abs() < 5e-4, "{last} {expected}");
    let residual = back[6].md.modulus;
    assert!(residual.abs() < 5e-4 * expected, "{residual}");
    assert!(found.residual_strain_md.abs() < 2e-7);
    // One pair has no error, and without an error there is no verdict.
    assert!(found.rows.iter().all(|row| row.agrees.is_none()));
    assert_eq!(found.residual_strain_md_error, None);
    // The model flips nothing either: the stiffness of its cell answers, whose volume may follow.
    let cell = found.cell_modulus.unwrap();
    assert!((cell - sample.stiffness.unwrap().0[3][3]).abs() < 1e-9);
    for row in &found.rows {
        let expected = if row.back { 0.0 } else { expected };
        assert!(
            (row.kmc.unwrap().modulus - expected).abs() < 2e-3 * cell,
            "{row:?} {cell}"
        );
    }
}

#[test]
fn the_verb_writes_table_and_picture_and_the_same_bits_on_any_threads() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let [csv, plot] = ["step.csv", "step.svg"].map(|name| folder.path().join(name));
    let short = "--pairs 3 --settle 1 --hold 3 --runs 4 --kernel portable --seed 2".split(' ');
    let arguments: Vec<&str> = ["step", text(&path)].into_iter().chain(short).collect();
    let outputs = ["--csv", text(&csv), "--plot", text(&plot), "--threads", "2"];
    let mut found = json(&[&arguments[..], &outputs].concat());
    assert_keys(
        &found,
        &[
            "temperature",
            "strain",
            "hold",
            "rows",
            "residual_strain_md",
            "residual_strain_kmc",
            "medium",
        ],
    );
    assert_eq!(found["rows"].as_array().unwrap().len(), 6);
    assert_eq!(
        std::fs::read_to_string(&csv).unwrap().lines().count(),
        2 + 6
    );
    assert!(std::fs::read_to_string(&plot).unwrap().starts_with("<svg"));
    let mut alone = json(&[&arguments[..], &["--threads", "1"]].concat());
    for found in [&mut found, &mut alone] {
        found.as_object_mut().unwrap().remove("seconds");
    }
    assert_eq!(found, alone);
    assert!(!folder.path().join("glass.sqlite.step").exists());
    let lacking = [
        "states",
        "states_share",
        "states_left_out",
        "residual_strain_states",
    ];
    assert!(lacking.iter().all(|key| found[key].is_null()));

    // What a harvest stored stands beside it from there on, and changes nothing else.
    let harvest = "--trajectories 3 --settle 1 --duration 30 --kernel portable --seed 2 --store";
    let harvest: Vec<&str> = ["harvest", text(&path)]
        .into_iter()
        .chain(harvest.split(' '))
        .collect();
    json(&harvest);
    let two = json(&[&arguments[..], &["--threads", "2"]].concat());
    let mut one = json(&[&arguments[..], &["--threads", "1"]].concat());
    one["seconds"] = two["seconds"].clone();
    assert_eq!(two, one);
    let states = two["states"].as_u64().unwrap();
    let share = two["states_share"].as_f64().unwrap();
    assert!(
        states > 1 && share > 0.0 && share <= 1.0,
        "{states} {share}"
    );
    assert!(two["residual_strain_states"].is_f64());
    let rows = |found: &serde_json::Value| found["rows"].as_array().unwrap().clone();
    for (row, before) in rows(&two).iter().zip(rows(&found)) {
        assert_eq!((&row["md"], &row["kmc"]), (&before["md"], &before["kmc"]));
        let modulus = row["states"]["modulus"].as_f64().unwrap();
        let relaxed = row["states"]["relaxed"].as_f64().unwrap();
        // A solid of some ten or twenty that flips soften and do not drive.
        let back = row["back"].as_bool().unwrap();
        assert!(
            relaxed > -1e-9 && (back || (5.0..25.0).contains(&modulus)),
            "{row}"
        );
    }
}

/// Two states of which one hardly counts answer as the other does: with its relaxed stiffness, turned by half the
/// strain as simple shear turns the stress that was there.
#[test]
fn states_answer_with_their_stiffness() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let mut catalogue = Catalogue::open(&path).unwrap();
    let sample = catalogue.sample().unwrap();
    let event = &catalogue.verified_events().unwrap()[0];
    let home = StateRecord {
        quenches: 100,
        time: 1e7,
        stress: sample.stress_minimum,
        ..StateRecord::default()
    };
    let rare = StateRecord {
        energy: event.energy_final - event.energy_minimum,
        time: 1.0,
        displacement: event.displacement_final.clone(),
        ..home.clone()
    };
    let temperature = sample.temperature.unwrap();
    let graph = StateGraph {
        harvests: vec![HarvestRecord {
            temperature,
            interval: 1.0,
            ..HarvestRecord::default()
        }],
        states: vec![home, rare],
        fluxes: vec![FluxRecord {
            between: [0, 1],
            jumps: [1, 1],
            ..FluxRecord::default()
        }],
    };
    catalogue.set_graph(&graph).unwrap();
    drop(catalogue);
    let arguments = "--strain 1e-3 --pairs 1 --settle 0 --hold 1 --runs 0 --kernel portable";
    let arguments = arguments.split(' ');
    let arguments: Vec<&str> = ["step", text(&path)].into_iter().chain(arguments).collect();
    let found = json(&arguments);
    let [xx, yy, ..] = sample.stress_minimum.0;
    let expected = sample.stiffness.unwrap().0[3][3] + 0.5 * (yy - xx);
    assert!((yy - xx).abs() > 0.1);
    let [held, back] = [0, 1].map(|row| found["rows"][row]["states"]["modulus"].as_f64().unwrap());
    // Minima to forces of 1e-3 here, 1e-8 there; nothing jumps within the interval.
    let minima = found["rows"][0]["md_inherent"]["modulus"].as_f64();
    assert!((minima.unwrap() / expected - 1.0).abs() < 1e-2);
    assert!((held / expected - 1.0).abs() < 1e-2, "{held} {expected}");
    assert!(back.abs() < 1e-4);
    assert_eq!(found["states"], 2);
    assert_eq!(found["states_fallen"], 0.0);
    let inside = found["rows"][0]["md_in_states"].as_f64().unwrap();
    assert!([0.0, 0.5, 1.0].contains(&inside));
}

/// One state whose well was measured at temperature has the modulus of that, whatever its minimum has, turned as
/// simple shear turns the stress that was there; so has the cell of the KMC, and its medium on average.
#[test]
fn a_well_answers_as_heat_leaves_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let mut catalogue = Catalogue::open(&path).unwrap();
    let sample = catalogue.sample().unwrap();
    let wells = WellModuli {
        inherent: [17.0; 3],
        thermal: [12.0, 13.0, 14.0],
        thermal_error: [0.5; 3],
    };
    let graph = StateGraph {
        harvests: vec![HarvestRecord {
            temperature: sample.temperature.unwrap(),
            interval: 1.0,
            wells: Some(wells),
            ..HarvestRecord::default()
        }],
        states: vec![StateRecord {
            quenches: 100,
            time: 100.0,
            stress: sample.stress_minimum,
            ..StateRecord::default()
        }],
        fluxes: Vec::new(),
    };
    catalogue.set_graph(&graph).unwrap();
    drop(catalogue);
    let arguments = "--strain 1e-3 --pairs 1 --settle 0 --hold 1 --runs 1 --kernel portable";
    let arguments = arguments.split(' ');
    let arguments: Vec<&str> = ["step", text(&path)].into_iter().chain(arguments).collect();
    let found = json(&arguments);
    let [xx, yy, ..] = sample.stress_minimum.0;
    let held = &found["rows"][0]["states"];
    let modulus = held["modulus"].as_f64().unwrap();
    assert!((modulus - 12.0 - 0.5 * (yy - xx)).abs() < 1e-9, "{modulus}");
    assert!((held["modulus_error"].as_f64().unwrap() - 0.5).abs() < 1e-9);
    let (minimum, _) = sample.stiffness.unwrap().isotropic_average();
    let medium = found["medium"].as_f64().unwrap() / minimum;
    assert!((medium - 13.0 / 17.0).abs() < 1e-9, "{medium}");
    assert!((found["cell_modulus"].as_f64().unwrap() - 12.0).abs() < 1e-9);
}

/// Where nothing was left there is one state, and one state tells nothing about flips.
#[test]
fn a_single_state_is_left_out_and_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let cold = "--temperature 1e-3 --trajectories 1 --settle 0 --duration 4 --store";
    let cold: Vec<&str> = ["harvest", text(&path)]
        .into_iter()
        .chain(cold.split(' '))
        .collect();
    json(&cold);
    let step = "--temperature 1e-3 --pairs 1 --settle 0 --hold 1 --runs 0";
    let step: Vec<&str> = ["step", text(&path)]
        .into_iter()
        .chain(step.split(' '))
        .collect();
    let found = json(&step);
    assert!(found["states"].is_null());
    let why = found["states_left_out"].as_str().unwrap();
    assert!(why.contains("lead to each other"), "{why}");
    // Weights are those of one temperature.
    let warmer: Vec<&str> = step
        .iter()
        .map(|&word| if word == "1e-3" { "2e-3" } else { word })
        .collect();
    let found = json(&warmer);
    let why = found["states_left_out"].as_str().unwrap();
    assert!(why.contains("k_B T = 0.001"), "{why}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let catalogue = text(&SHARED.path);
    for (option, value) in [
        ("--hold", "1e-3"),
        ("--hold", "inf"),
        ("--strain", "0.5"),
        ("--strain", "nan"),
        ("--settle", "-1"),
        ("--pairs", "0"),
        ("--time-step", "2"),
    ] {
        let message = refused(&["step", catalogue, option, value]);
        assert!(message.contains(option), "{option} {value}: {message}");
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("timeless.sqlite");
    search(&program::glass(), &path, "1", &[]);
    let message = refused(&["step", text(&path)]);
    assert!(message.contains("--temperature"), "{message}");
}
