//! `akmc` from the command line: a short walk of a small glass, stopped and continued.
#![cfg(test)]

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
use program::{assert_keys, glass, json, refused, text};

/// The walk's first searches are six of `search`: the catalogue is handed over.
fn walk(folder: &Path, catalogue: &Path, end: [&str; 2], more: &[&str]) -> Value {
    let file = glass();
    let arguments = [
        "akmc",
        &file,
        "--catalogue",
        text(catalogue),
        "--out",
        text(folder),
        end[0],
        end[1],
    ];
    let settings = [
        "--temperature",
        "0.3",
        "--kernel",
        "portable",
        "--effort",
        "1",
        "--trajectories",
        "2",
    ];
    json(&[&arguments[..], &settings[..], more].concat())
}

/// The log without the wall seconds at the end of each line.
fn log(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("series/walk.csv")).unwrap();
    text.lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_owned())
        .collect()
}

#[test]
fn a_walk_is_logged_refused_twice_and_resumed_to_the_same_bits() {
    let folder = TempDir::new().unwrap();
    let catalogue = folder.path().join("glass.sqlite");
    let file = glass();
    let search = ["search", &file, "-o", text(&catalogue), "--searches", "6"];
    let searched = json(&[&search[..], &["--seed", "33", "--kernel", "portable"]].concat());
    let (whole, halves) = (folder.path().join("whole"), folder.path().join("halves"));
    let summary = walk(&whole, &catalogue, ["--steps", "2"], &["--threads", "2"]);
    assert_keys(
        &summary,
        &[
            "steps",
            "kinds",
            "time",
            "time_mapped",
            "energy_start",
            "energy_end",
            "regions",
            "states",
            "exits",
            "searches",
            "force_evaluations",
            "seconds",
            "tau_per_second",
        ],
    );
    assert!(summary["time"].as_f64().unwrap() > 0.0);
    let rows = log(&whole);
    assert_eq!(rows.len(), 5);
    // The six searches that fed it count, and two trajectories at each of two temperatures; and what they
    // cost is part of what the walk did.
    let start: Vec<&str> = rows[2].split(',').collect();
    let mut names = rows[1].split(',');
    let searches = names.position(|name| name == "searches").unwrap();
    assert_eq!(start[searches], "10");
    let evaluations: u64 = start[searches + 1].parse().unwrap();
    assert!(evaluations > searched["force_evaluations"].as_u64().unwrap());
    assert!(summary["seconds_start"].as_f64() < summary["seconds"].as_f64());
    for row in &rows {
        assert!(!row.split(',').any(|value| value == "-0.0"), "{row}");
    }
    for file in [
        "energy.svg",
        "structures/current.extxyz",
        "checkpoints/walk.json",
    ] {
        assert!(whole.join(file).exists());
    }
    // Far more often than anything happens: at each of these times the sample is where it was.
    let drawn = folder.path().join("drawn");
    let summary = walk(&drawn, &catalogue, ["--time", "3e-6"], &["--every", "1e-6"]);
    assert_eq!(summary["kinds"]["time_up"], 3);
    assert!((summary["time"].as_f64().unwrap() - 3e-6).abs() < 1e-12);
    assert_eq!(summary["energy_start"], summary["energy_end"]);
    let never = ["--temperature", "0.3", "--every", "0"];
    let elsewhere = folder.path().join("never");
    let arguments = ["akmc", &file, "--out", text(&elsewhere)];
    let message = refused(&[&arguments[..], &never[..]].concat());
    assert!(message.contains("'0' for '--every") && message.contains("positive and finite"));
    walk(&halves, &catalogue, ["--steps", "1"], &["--threads", "1"]);
    let arguments = [
        "akmc",
        &file,
        "--out",
        text(&halves),
        "--temperature",
        "0.3",
        "--kernel",
        "portable",
    ];
    assert!(refused(&arguments).contains("--resume"));
    let warmer = ["--resume", "--seed", "4"];
    assert!(refused(&[&arguments[..], &warmer[..]].concat()).contains("other settings"));
    walk(
        &halves,
        &catalogue,
        ["--steps", "2"],
        &["--resume", "--threads", "1"],
    );
    assert_eq!(log(&halves), log(&whole));
}
