//! What must end, or be refused before it begins: atoms without neighbors, numbers that are none,
//! runs that this machine has no memory for, durations that no count holds.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use metabasin_testkit::data;
use program::{glass, json, metabasin, refused, said, text};
use tempfile::TempDir;

/// Every search ends in a row, those around the lone atom, too.
#[test]
fn searches_around_an_atom_without_neighbors_end() {
    let folder = TempDir::new().unwrap();
    let catalogue = folder.path().join("x.sqlite");
    let sample = data("cluster_and_lone_atom.data");
    let searches = ["search", text(&sample), "--searches", "14", "-o"];
    let found = json(&[&searches[..], &[text(&catalogue), "--threads", "1"]].concat());
    assert_eq!(found["searches"], 14);
    let heated = folder.path().join("heated.sqlite");
    let found = json(&[&searches[..], &[text(&heated), "--heat"]].concat());
    assert_eq!(found["searches"], 14);
    let settled = folder.path().join("settled.extxyz");
    json(&["settle", text(&sample), "-o", text(&settled)]);
}

/// Each flag that takes a number, with what it cannot work with: refused by name and value, before
/// files are looked at.
#[test]
fn numbers_that_make_no_sense_are_refused_by_flag_and_value() {
    let walk = ["akmc", "no.data", "--out", "no", "--temperature", "0.3"];
    let search = ["search", "no.data", "-o", "no.sqlite"];
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &walk,
            &[
                "--time",
                "--every",
                "--wall-seconds",
                "--highest-barrier",
                "--attempt-frequency",
            ],
        ),
        (&["akmc", "no.data", "--out", "no"], &["--temperature"]),
        (&search, &["--temperature", "--until-coverage"]),
        (&["settle", "no.data", "-o", "no.extxyz"], &["--barrier"]),
        (
            &["minimize", "no.data", "-o", "no.extxyz"],
            &["--force-tolerance"],
        ),
        (&["activation", "no.sqlite"], &["--tolerance"]),
        (
            &["prefactors", "no.sqlite"],
            &["--radius", "--core", "--radii"],
        ),
        (
            &["escape", "no.sqlite"],
            &[
                "--temperatures",
                "--friction-time",
                "--time-step",
                "--interval",
            ],
        ),
        (&["bench"], &["--seconds"]),
    ];
    for (verb, flags) in cases {
        for flag in flags {
            for value in ["nan", "inf", "-1", "0", "1e999"] {
                let message = refused(&[verb, &[*flag, value]].concat());
                assert!(
                    message.contains(flag) && message.contains(value),
                    "{verb:?} {flag} {value}: {message}"
                );
            }
        }
    }
    for (verb, flag) in [
        (&walk[..], "--steps"),
        (&walk[..], "--first-effort"),
        (&walk[..], "--effort"),
        (&search[..], "--searches"),
        (&["settle", "no.data", "-o", "no.extxyz"][..], "--searches"),
        (&["activation", "no.sqlite"][..], "--steps"),
        (&["barriers", "no.sqlite"][..], "--bins"),
        (&["escape", "no.sqlite"][..], "--trajectories"),
    ] {
        for value in ["0", "-1", "1.5", "nan"] {
            let message = refused(&[verb, &[flag, value]].concat());
            assert!(
                message.contains(flag) && message.contains(value),
                "{verb:?} {flag} {value}: {message}"
            );
        }
    }
    let message = refused(&["barriers", "no.sqlite", "--below", "nan"]);
    assert!(message.contains("--below"), "{message}");
    let message = refused(&["activation", "no.sqlite", "--to", "inf"]);
    assert!(message.contains("--to"), "{message}");
}

const PREPARED: &str = "(stages: [Prepare(atoms: 1000, melt_temperature: Reduced(1.5), \
                        melt_duration: Tau(20.0), cool_from: Reduced(0.6), cool_to: Reduced(0.08), \
                        cool_duration: Tau(300.0))])";

#[test]
fn more_memory_than_there_is_is_refused_with_both_numbers() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("large.ron");
    std::fs::write(&config, PREPARED).unwrap();
    let run = folder.path().join("run");
    let large = ["--set", "stages[0].atoms=1000000000000"];
    for verb in [
        &["check", text(&config)][..],
        &["run", text(&config), "--out", text(&run)][..],
    ] {
        let output = metabasin(&[verb, &large].concat());
        let message = said(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for part in [
            "stages[0].atoms",
            "stage 'prepare' needs about",
            "TB",
            "--threads",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
    assert!(!run.exists());
    let checked = json(&["check", text(&config)]);
    let estimate = &checked["estimate"];
    let bytes = estimate["memory_bytes"].as_f64().unwrap();
    assert!(bytes > 1e6 && bytes < 1e9, "{bytes}");
    assert_eq!(
        estimate["stages"][0]["memory_bytes"],
        estimate["memory_bytes"]
    );
    let output = metabasin(&["check", text(&config)]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("memory: "));
}

/// The allowed range of the lattice ends where its kernel alone takes 8.5 GB.
#[test]
fn check_says_what_a_large_lattice_takes() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("kmc.ron");
    let text_of = "(catalogue: \"none.sqlite\", stages: [Kmc(rates: [PerSecond(1e9)], unload_rate: \
                   PerSecond(1e9), strain: 0.02, temperature: Reduced(0.28), pairs: 1000, settings: \
                   (sites_per_edge: 256))])";
    std::fs::write(&config, text_of).unwrap();
    let message = said(&metabasin(&["check", text(&config)]));
    assert!(
        message.contains("stages[0].settings.sites_per_edge")
            && message.contains("stage 'kmc' needs"),
        "{message}"
    );
    let small = [
        "--set",
        "stages[0].settings.sites_per_edge=12",
        "--set",
        "stages[0].pairs=2",
    ];
    let checked = json(&[&["check", text(&config)][..], &small].concat());
    assert_eq!(checked["missing"][0], "catalogue: none.sqlite");
    assert!(
        checked["estimate"]["stages"][0]["memory_bytes"]
            .as_f64()
            .unwrap()
            < 3e8
    );
}

#[test]
fn check_opens_the_catalogue_that_a_config_names() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("kmc.ron");
    let text_of = "(catalogue: \"none.sqlite\", stages: [Kmc(rates: [PerSecond(1e9)], unload_rate: \
                   PerSecond(1e9), strain: 0.02, temperature: Reduced(0.28))])";
    std::fs::write(&config, text_of).unwrap();
    let edit = format!("catalogue={}", glass());
    let message = said(&metabasin(&["check", text(&config), "--set", &edit]));
    assert!(
        message.contains("catalogue: ") && message.contains("wahn300_T0.28.extxyz.gz"),
        "{message}"
    );
}
