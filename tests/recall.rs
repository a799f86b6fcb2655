//! `recall`: what a catalogue holds of the ways that dynamics takes, from the library and from the
//! command line.
#![cfg(test)]

use std::path::{Path, PathBuf};

use metabasin_catalogue::{Catalogue, EventRecord, Found, SearchRecord};
use metabasin_files::read_trajectory;
use metabasin_pipeline::{
    ExitVerdict, Interrupt, KernelChoice, Recall, RecallRequest, ReverificationRequest,
    ReverificationTolerances, Silent, TrajectoryDynamics, recall, reverify,
};
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
#[path = "support/small_catalogue.rs"]
mod small_catalogue;
use program::{assert_keys, json, refused, text};
use small_catalogue::{SHARED, events, search};

const TRAJECTORIES: u64 = 10;

fn recalled(path: &Path) -> Recall {
    let request = RecallRequest {
        trajectories: TRAJECTORIES,
        longest: 5.0,
        dynamics: TrajectoryDynamics {
            seed: 4,
            kernel: KernelChoice::Portable,
            ..TrajectoryDynamics::default()
        },
        ..RecallRequest::default()
    };
    recall(path, &request, (&Silent, &Interrupt::new())).unwrap()
}

/// A copy of the shared catalogue with these events, too.
fn with(folder: &TempDir, name: &str, events: &[EventRecord]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::copy(&SHARED.path, &path).unwrap();
    let mut catalogue = Catalogue::open(&path).unwrap();
    for event in events {
        let search = SearchRecord {
            index: catalogue.next_search_index().unwrap(),
            center_atom: 0,
            outcome: "connected".to_owned(),
            detail: None,
            event: None,
            evaluations: event.evaluations,
            seconds: 0.0,
        };
        let found = Found::New(Box::new(event.clone()));
        catalogue.record_search(&search, &found).unwrap();
    }
    path
}

/// The exits themselves are the truth here: a catalogue that holds their passes has all, one that lacks
/// a pass loses the exits that took it, and one that has it only higher up holds them by a detour.
#[test]
fn a_catalogue_loses_the_share_of_the_events_that_it_lacks() {
    let folder = TempDir::new().unwrap();
    let searched = with(&folder, "searched.sqlite", &[]);
    let known = events(&searched)
        .iter()
        .filter(|event| event.is_verified())
        .count();
    assert_eq!(SHARED.summary["events_distinct"], known);
    let first = recalled(&searched);
    assert!(first.exits >= TRAJECTORIES - first.stayed && first.exits > 0);
    let sum = first.held + first.held_by_detour + first.missing + first.without_pass;
    assert_eq!(sum, first.exits);
    let unknown: Vec<&metabasin_pipeline::ExitChannel> = first
        .channels
        .iter()
        .filter(|channel| channel.verdict != ExitVerdict::Held && channel.pass.is_some())
        .collect();
    let passes: Vec<EventRecord> = unknown.iter().filter_map(|c| c.pass.clone()).collect();
    // Five searches know next to nothing of this soft glass.
    let most = unknown
        .first()
        .expect("a way that five searches did not find");

    let path = with(&folder, "all.sqlite", &passes);
    let all = recalled(&path);
    assert_eq!((all.exits, all.exposure), (first.exits, first.exposure));
    assert_eq!(all.held, first.exits - first.without_pass);
    assert_eq!((all.missing, all.held_by_detour), (0, 0));
    let share = all.held as f64 / all.exits as f64;
    assert_eq!(all.recall_by_rate, Some(share));
    let [low, high] = all.recall_by_rate_interval.unwrap();
    assert!(low < share && share <= high && all.rate_catalogue > first.rate_catalogue);

    // What dynamics found are events like any other.
    let request = ReverificationRequest {
        events: None,
        by_gradient_flow: false,
        kernel: KernelChoice::Portable,
        tolerances: ReverificationTolerances::default(),
    };
    let again = reverify(&path, &request, (&Silent, &Interrupt::new())).unwrap();
    assert!(
        again.events >= passes.len() && again.fails == 0,
        "{:?}",
        again.rows
    );

    let lacking = recalled(&with(&folder, "lacking.sqlite", &passes[1..]));
    assert_eq!(lacking.held, all.held - most.exits);
    let end_known = most.verdict == ExitVerdict::HeldByDetour;
    let lost = if end_known {
        lacking.held_by_detour
    } else {
        lacking.missing
    };
    assert_eq!(lost, most.exits);

    let mut detour = passes.clone();
    detour[0].barrier_forward += 5.0;
    detour[0].energy_saddle += 5.0;
    let by_detour = recalled(&with(&folder, "detour.sqlite", &detour));
    assert_eq!(by_detour.held_by_detour, most.exits);
    assert_eq!(
        (by_detour.held, by_detour.missing),
        (all.held - most.exits, 0)
    );
}

#[test]
fn the_verb_writes_table_picture_and_missing_passes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let [csv, plot, missing] =
        ["ways.csv", "ways.svg", "missing.extxyz"].map(|name| folder.path().join(name));
    let short = "--trajectories 4 --longest 3 --kernel portable --seed 2".split(' ');
    let arguments = ["recall", text(&path)];
    let arguments: Vec<&str> = arguments.into_iter().chain(short).collect();
    let outputs = [
        "--csv",
        text(&csv),
        "--plot",
        text(&plot),
        "--missing",
        text(&missing),
    ];
    let mut found = json(&[&arguments[..], &outputs, &["--threads", "2"]].concat());
    assert_keys(
        &found,
        &[
            "trajectories",
            "exits",
            "recall_by_rate",
            "recall_by_rate_error",
            "recall_by_count",
            "recall_by_count_error",
            "rate_md",
            "rate_catalogue",
            "time_in_stored_states",
            "windows",
        ],
    );
    assert_eq!(found["temperature"], 0.28);
    let channels = found["channels"].as_array().unwrap().clone();
    let table = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(table.lines().count(), 2 + channels.len());
    assert!(std::fs::read_to_string(&plot).unwrap().starts_with("<svg"));
    let lacking = channels.iter().filter(|channel| {
        ["missing", "held_by_detour"].contains(&channel["verdict"].as_str().unwrap())
    });
    let lacking = lacking.count();
    assert!(lacking > 0);
    assert_eq!(read_trajectory(&missing).unwrap().len(), 3 * lacking);
    // The same bits with one thread.
    let mut alone = json(&[&arguments[..], &["--threads", "1"]].concat());
    for found in [&mut found, &mut alone] {
        found.as_object_mut().unwrap().remove("seconds");
    }
    assert_eq!(found, alone);
}

#[test]
fn temperatures_at_which_nothing_leaves_or_stays_are_said() {
    let catalogue = text(&SHARED.path);
    let short = ["--trajectories", "2", "--kernel", "portable"];
    let cold = [
        "recall",
        catalogue,
        "--temperature",
        "1e-4",
        "--longest",
        "1",
    ];
    let cold = json(&[&cold[..], &short].concat());
    assert_eq!((&cold["exits"], &cold["stayed"]), (&0.into(), &2.into()));
    assert!(cold["recall_by_rate"].is_null() && cold["rate_md"] == 0.0);
    // None seen in two tau: below 3.78 of them, Poisson's 97.7 %.
    let bound = cold["rate_md_interval"][1].as_f64().unwrap();
    assert!((bound * 2.0 - 3.78).abs() < 0.1, "{bound}");
    let hot = [
        "recall",
        catalogue,
        "--temperature",
        "1.5",
        "--interval",
        "1",
    ];
    let message = refused(&[&hot[..], &short].concat());
    assert!(message.contains("lower --temperature"), "{message}");
    for (option, value) in [
        ("--interval", "nan"),
        ("--interval", "1e-9"),
        ("--longest", "0.1"),
    ] {
        let message = refused(&["recall", catalogue, option, value]);
        assert!(message.contains(option), "{message}");
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("timeless.sqlite");
    search(&program::glass(), &path, "1", &[]);
    let message = refused(&["recall", text(&path)]);
    assert!(message.contains("--temperature"), "{message}");
}

/// Stationary trajectories are followed where a harvest stored states, and told the same on any threads.
#[test]
fn stored_states_are_held_against_other_trajectories() {
    let folder = TempDir::new().unwrap();
    let path = with(&folder, "harvested.sqlite", &[]);
    let of = |words: &'static str| -> Vec<&str> {
        let verb = words.split(' ').next();
        let rest = words.split(' ').skip(1);
        verb.into_iter().chain([text(&path)]).chain(rest).collect()
    };
    json(&of(
        "harvest --trajectories 2 --settle 1 --duration 8 --seed 3 --store --kernel portable",
    ));
    let recall = of(
        "recall --trajectories 2 --longest 2 --stationary 2 --settle 1 --duration 8 --seed 5 --kernel portable",
    );
    let mut two = json(&[&recall[..], &["--threads", "2"]].concat());
    let mut one = json(&[&recall[..], &["--threads", "1"]].concat());
    for found in [&mut two, &mut one] {
        found.as_object_mut().unwrap().remove("seconds");
    }
    assert_eq!(two, one);
    let share = two["time_in_stored_states"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&share), "{share}");
    assert_eq!(two["stationary"]["time"], 16.0);
    let windows = two["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 3);
    for window in windows {
        let [exits, held] = ["exits", "held"].map(|key| window[key].as_u64().unwrap());
        assert!(held <= exits, "{window}");
        assert!(window["slower_than"].as_f64() > window["faster_than"].as_f64());
    }
    let alone = json(&of(
        "recall --trajectories 2 --longest 2 --stationary 0 --seed 5 --kernel portable",
    ));
    assert!(alone["time_in_stored_states"].is_null() && alone["windows"] == serde_json::json!([]));
    assert_eq!(alone["channels"], two["channels"]);
    let warmer = refused(&[&recall[..], &["--temperature", "0.4"]].concat());
    assert!(warmer.contains("--stationary 0"), "{warmer}");
}
