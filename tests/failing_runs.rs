//! Runs that cannot go on: what they say, with which exit code, and what is kept.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};

use program::{glass, json, metabasin, said, text};
use tempfile::TempDir;

fn config(folder: &Path, time_step: f64, stages: &str) -> PathBuf {
    let config = folder.join("job.ron");
    let content = format!(
        "(kernel: portable, time_step: Tau({time_step:?}), sample: {:?}, stages: [{stages}])",
        glass()
    );
    std::fs::write(&config, content).unwrap();
    config
}

/// The step that a message names.
fn step_of(message: &str) -> u64 {
    let (_, rest) = message.split_once("at step ").unwrap();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn a_time_step_that_is_too_large_is_named_within_100_steps() {
    let folder = TempDir::new().unwrap();
    // A thermostat at T = 40 with the longest step that a config may ask for.
    let stages = "FromSample(temperature: Reduced(40.0)), Equilibrate(duration: Tau(20.0), \
                  quenches: 2)";
    let config = config(folder.path(), 0.02, stages);
    let run = folder.path().join("run");
    let output = metabasin(&["run", text(&config), "--out", text(&run)]);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("blew up") && message.contains("time_step smaller than 0.02"));
    assert!(step_of(&message) <= 100, "{message}");
}

/// The file size limit of the process stands in for a disk that is full: writes fail in the same
/// place, with the same consequences.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_keeps_the_last_checkpoint_and_the_run_resumes() {
    let folder = TempDir::new().unwrap();
    let stages = "FromSample(temperature: Reduced(0.28)), Equilibrate(duration: Tau(30.0), \
                  quenches: 2), Relax(copies: 1, duration: Tau(1.0), quenches: 2)";
    let config = config(folder.path(), 0.005, stages);
    let [full, free] = ["full", "free"].map(|name| folder.path().join(name));
    let program = assert_cmd::cargo::cargo_bin("metabasin");
    // Blocks of 512 bytes: structures fit, the series outgrows them, a first checkpoint may or may not fit.
    let script = "ulimit -f 200; trap '' XFSZ; exec \"$0\" run \"$1\" --out \"$2\"";
    let output = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(&program)
        .args([&config, &full])
        .output()
        .unwrap();
    let message = said(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    let expected = ["cannot write", "make room", "--resume"];
    assert!(
        expected.iter().all(|part| message.contains(part)),
        "{message}"
    );
    json(&["run", text(&config), "--out", text(&full), "--resume"]);
    json(&["run", text(&config), "--out", text(&free)]);
    for series in [
        "02-equilibrate/series/equilibrate.csv",
        "03-relax/series/copy-1.csv",
    ] {
        let read = |root: &Path| std::fs::read(root.join(series)).unwrap();
        assert!(read(&full) == read(&free), "{series} differs");
    }
}
