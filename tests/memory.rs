//! What `check` says of memory, beside what runs take: the peak that the system counts.
#![cfg(test)]
#![cfg(target_os = "linux")]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;
#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/small_catalogue.rs"]
mod small_catalogue;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use program::{glass, json, text};
use tempfile::TempDir;

/// The estimate is an upper bound, and not more than so many times the peak.
const LOOSEST: f64 = 3.0;

/// The peak of the resident memory of a run in bytes, looked at until its end.
fn peak(verb: &str, config: &Path, out: &Path) -> f64 {
    let mut run = Command::new(assert_cmd::cargo::cargo_bin("metabasin"))
        .args([verb, text(config), "--out", text(out), "--threads", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", run.id());
    let mut highest = 0.0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kilobytes) = line.and_then(|line| line.split_whitespace().next()) {
            highest = 1024.0 * kilobytes.parse::<f64>().unwrap();
        }
        if let Some(ended) = run.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(ended.success());
    highest
}

/// Estimate over peak of a config of which `check` says the first stage takes most.
fn ratio(verb: &str, content: &str) -> f64 {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("job.ron");
    std::fs::write(&config, content).unwrap();
    let checked = json(&["check", text(&config), "--threads", "2"]);
    let estimate = checked["estimate"]["memory_bytes"].as_f64().unwrap();
    let taken = peak(verb, &config, &folder.path().join("run"));
    println!(
        "{verb}: {:.1} MB said, {:.1} MB taken",
        estimate / 1e6,
        taken / 1e6
    );
    estimate / taken
}

#[test]
fn lattices_take_what_check_says() {
    let found = ratio(
        "kmc",
        &format!(
            "(catalogue: {:?}, stages: [Kmc(rates: [PerSecond(1e9)], unload_rate: PerSecond(1e9), \
             strain: 0.001, temperature: Reduced(0.001), pairs: 1, settings: (sites_per_edge: 32))])",
            small_catalogue::SHARED.path
        ),
    );
    assert!((1.0..LOOSEST).contains(&found), "{found}");
}

#[test]
fn trajectories_take_what_check_says() {
    let found = ratio(
        "run",
        &format!(
            "(kernel: portable, time_step: Tau(0.005), sample: {:?}, stages: [FromSample(temperature: \
             Reduced(0.28)), Equilibrate(duration: Tau(5.0), quenches: 2)])",
            glass()
        ),
    );
    assert!((1.0..LOOSEST).contains(&found), "{found}");
}
