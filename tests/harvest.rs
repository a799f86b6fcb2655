//! `harvest`: what dynamics does around the minimum of a catalogue while it is left alone.
#![cfg(test)]

use metabasin_catalogue::Catalogue;
use metabasin_pipeline::{
    Harvest, HarvestRequest, Interrupt, Keep, KernelChoice, Silent, TrajectoryDynamics, harvest,
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

fn harvested(temperature: Option<f64>, duration: f64) -> Harvest {
    let request = HarvestRequest {
        trajectories: 4,
        settle: 2.0,
        duration,
        dynamics: TrajectoryDynamics {
            temperature,
            seed: 3,
            kernel: KernelChoice::Portable,
            ..TrajectoryDynamics::default()
        },
        ..HarvestRequest::default()
    };
    let request = (&request, Keep::Nothing);
    harvest(&SHARED.path, request, (&Silent, &Interrupt::new())).unwrap()
}

/// Too cold to leave: one state, the stored one; its modulus is the stiffness that the searches measured,
/// at all times, and so is that of its well, by the fluctuations of the stress: a harmonic solid has the same
/// stiffness at every temperature. A false alarm at eight errors of three degrees of freedom is below 0.5 % each.
#[test]
fn what_stays_in_its_minimum_keeps_its_stiffness() {
    let found = harvested(Some(1e-3), 40.0);
    let [home] = &found.states[..] else {
        panic!("{:?}", found.states)
    };
    assert!(home.energy.abs() < 1e-4 && home.share == 1.0 && home.weight == Some(1.0));
    assert!(home.stored && home.moved_atoms == 0 && home.entries == 0);
    assert_eq!((found.jumps, found.lasting_exits), (0, 0));
    assert_eq!(found.time_in_stored_states, 1.0);
    assert_eq!(found.time_in_seen_states, Some(1.0));
    let sample = Catalogue::open_read_only(&SHARED.path).unwrap().sample();
    let stiffness = sample.unwrap().stiffness.unwrap();
    for (modulus, place) in found.moduli.iter().zip(3..) {
        let expected = stiffness.0[place][place];
        // Minima to forces of 1e-6 here, 1e-8 there.
        assert!(
            (modulus.inherent - expected).abs() < 1e-4 * expected,
            "{modulus:?} {expected}"
        );
        assert_eq!(modulus.equilibrium, Some(modulus.inherent));
        assert!(
            modulus
                .points
                .iter()
                .all(|point| point.modulus == modulus.inherent)
        );
    }
    let wells = found.wells.unwrap();
    for (k, modulus) in found.moduli.iter().enumerate() {
        assert_eq!(wells.inherent[k], modulus.inherent);
        let apart = wells.thermal[k] - wells.inherent[k];
        let error = wells.thermal_error[k];
        assert!(
            apart.abs() < 8.0 * error && error < 0.15 * modulus.inherent,
            "{wells:?}"
        );
    }
}

/// At the temperature of the glass it flips: shares and weights are shares, flips only soften, and what
/// the catalogue stores is at least its own minimum.
#[test]
fn a_glass_that_flips_is_softer_the_longer_one_waits() {
    let found = harvested(None, 12.0);
    assert!(found.states.len() > 1 && found.jumps > 0, "{found:?}");
    let shares: f64 = found.states.iter().map(|state| state.share).sum();
    let weights: f64 = found.states.iter().filter_map(|state| state.weight).sum();
    assert!((shares - 1.0).abs() < 1e-12 && (weights - 1.0).abs() < 1e-12);
    let home = found
        .states
        .iter()
        .find(|state| state.moved_atoms == 0 && state.stored);
    let home = home.map_or(0.0, |state| state.share);
    assert!((home..=1.0).contains(&found.time_in_stored_states));
    // A lasting exit is a jump, and metabasins are made of states with a weight.
    assert!(found.lasting_exits <= found.jumps);
    let basins = found
        .states
        .iter()
        .filter_map(|state| state.metabasin)
        .max();
    assert_eq!(basins.map_or(0, |last| last + 1), found.metabasins);
    for modulus in &found.moduli {
        assert!(modulus.fluctuation >= 0.0 && modulus.points[0].modulus == modulus.inherent);
        // 12 quenches have lags of 1 and 2.
        let times: Vec<f64> = modulus.points.iter().map(|point| point.time).collect();
        assert_eq!(times, [0.0, 1.0, 2.0]);
        assert!(modulus.points[1].modulus < modulus.inherent, "{modulus:?}");
    }
}

#[test]
fn the_verb_writes_table_and_picture_and_the_same_bits_on_any_threads() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let [csv, plot] = ["states.csv", "modulus.svg"].map(|name| folder.path().join(name));
    let short = "--trajectories 3 --settle 1 --duration 5 --kernel portable --seed 2".split(' ');
    let arguments: Vec<&str> = ["harvest", text(&path)].into_iter().chain(short).collect();
    let outputs = ["--csv", text(&csv), "--plot", text(&plot), "--threads", "2"];
    let mut found = json(&[&arguments[..], &outputs].concat());
    assert_keys(
        &found,
        &[
            "temperature",
            "states",
            "time_in_seen_states",
            "time_in_stored_states",
            "lasting_rate",
            "imbalance",
            "moduli",
            "energy_drift",
        ],
    );
    let states = found["states"].as_array().unwrap().len();
    let table = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(table.lines().count(), 2 + states);
    assert!(std::fs::read_to_string(&plot).unwrap().starts_with("<svg"));
    // Three trajectories are too few for errors, and so for an equilibrium.
    let modulus = &found["moduli"][0];
    assert!(modulus["equilibrium"].is_null() && modulus["fluctuation_error"].is_null());
    let why = modulus["unresolved"].as_str().unwrap();
    assert!(why.contains("trajectories"), "{why}");
    let mut alone = json(&[&arguments[..], &["--threads", "1"]].concat());
    for found in [&mut found, &mut alone] {
        found.as_object_mut().unwrap().remove("seconds");
    }
    assert_eq!(found, alone);
    assert!(!folder.path().join("glass.sqlite.harvest").exists());
}

/// A harvest of two trajectories.
fn asked<'a>(catalogue: &'a str, what: &'a str, times: &'a str) -> Vec<&'a str> {
    let always = ["harvest", catalogue, "--trajectories", "2"];
    let portable = "--kernel portable".split(' ');
    let asked = always.into_iter().chain(portable);
    asked
        .chain(what.split(' '))
        .chain(times.split(' '))
        .collect()
}

/// What was stored is known from there on: the same trajectories never leave it, and others add theirs.
#[test]
fn stored_states_add_up_over_seeds() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let early = |more: &'static str| asked(text(&path), more, "--settle 1 --duration 6");
    let graph = || Catalogue::open_read_only(&path).unwrap().graph().unwrap();
    let told = json(&early("--seed 2"));
    assert_eq!(graph(), None);
    let stored = json(&early("--seed 2 --store"));
    assert_eq!(told["states"], stored["states"]);
    let first = graph().unwrap();
    assert_eq!(
        first.states.len(),
        stored["states"].as_array().unwrap().len()
    );
    assert_eq!(
        first.states.iter().map(|state| state.quenches).sum::<u64>(),
        12
    );
    let jumps: u64 = first.fluxes.iter().flat_map(|flux| flux.jumps).sum();
    assert_eq!(Some(jumps), stored["jumps"].as_u64());
    // The same once more, as after a stop, and their later parts, which others do not keep.
    assert_eq!(json(&early("--seed 2 --store"))["states"], stored["states"]);
    let later = |more: &'static str| asked(text(&path), more, "--settle 2 --duration 5");
    let known = json(&later("--seed 2"))["time_in_stored_states"].as_f64();
    assert!((known.unwrap() - 1.0).abs() < 1e-12, "{known:?}");
    let later = refused(&later("--seed 2 --store"));
    assert!(later.contains("of seed 2"), "{later}");
    let warmer = refused(&early("--seed 3 --store --temperature 0.5"));
    assert!(warmer.contains("k_B T"), "{warmer}");
    assert_eq!(graph().as_ref(), Some(&first));

    json(&early("--seed 3 --store"));
    let second = graph().unwrap();
    let seeds: Vec<u64> = second.harvests.iter().map(|harvest| harvest.seed).collect();
    assert_eq!(seeds, [2, 3]);
    assert_eq!(
        second
            .states
            .iter()
            .map(|state| state.quenches)
            .sum::<u64>(),
        24
    );
    // Merging does not lose them without a word.
    let merged = folder.path().join("merged.sqlite");
    let said = program::said(&program::metabasin(&[
        "merge",
        text(&path),
        "-o",
        text(&merged),
    ]));
    assert!(said.contains("harvest --store"), "{said}");
    for (before, now) in first.states.iter().zip(&second.states) {
        assert_eq!(before.displacement, now.displacement);
        assert!(before.quenches <= now.quenches);
    }
}

/// A stage of a run stores what the verb would.
#[test]
fn a_run_harvests_into_its_catalogue() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("run.ron");
    let stages = "FromSample(temperature: Reduced(0.28)), Search(searches: 2, settings: (heat: ())), \
                  Harvest(trajectories: 2, settle: Tau(1.0), duration: Tau(6.0))";
    let glass = program::glass();
    let text_of_config = format!(
        "(seed: 4, kernel: portable, time_step: Tau(0.005), sample: {glass:?}, stages: [{stages}])"
    );
    std::fs::write(&config, text_of_config).unwrap();
    let out = folder.path().join("out");
    json(&["run", text(&config), "--out", text(&out)]);
    let path = out.join("catalogue.sqlite");
    let stored = Catalogue::open_read_only(&path).unwrap().graph().unwrap();
    let stored = stored.unwrap();
    assert_eq!(stored.states.iter().map(|s| s.quenches).sum::<u64>(), 12);
    let told = std::fs::read_to_string(out.join("03-harvest/results.json")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told["states"].as_array().unwrap().len(),
        stored.states.len()
    );
    let verb = "--trajectories 2 --settle 1 --duration 6 --kernel portable --seed 4";
    let verb: Vec<&str> = ["harvest", text(&path)]
        .into_iter()
        .chain(verb.split(' '))
        .collect();
    let mut verb = json(&verb);
    verb["seconds"] = told["seconds"].clone();
    assert_eq!(verb, told);
    // What a harvest needs, said before the first step.
    let alone = std::fs::read_to_string(&config).unwrap();
    let alone = alone.replace("Search(searches: 2, settings: (heat: ())), ", "");
    std::fs::write(&config, alone).unwrap();
    let message = refused(&["run", text(&config), "--out", text(&out)]);
    assert!(
        message.contains("'harvest' needs the stage 'search'"),
        "{message}"
    );
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let catalogue = text(&SHARED.path);
    for (option, value) in [
        ("--duration", "2"),
        ("--settle", "-1"),
        ("--settle", "nan"),
        ("--interval", "1e-9"),
        ("--duration", "inf"),
        ("--trajectories", "0"),
    ] {
        let message = refused(&["harvest", catalogue, option, value]);
        assert!(message.contains(option), "{option} {value}: {message}");
    }
    // More than any machine holds, before the first step.
    let message = refused(&["harvest", catalogue, "--duration", "1e9"]);
    assert!(message.contains("a shorter --duration"), "{message}");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("timeless.sqlite");
    search(&program::glass(), &path, "1", &[]);
    let message = refused(&["harvest", text(&path)]);
    assert!(message.contains("--temperature"), "{message}");
}
