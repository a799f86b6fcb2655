//! A run that was stopped, or still goes on, can be reported: from whole pairs only.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use metabasin_pipeline::config::{LoadedConfig, load};
use metabasin_pipeline::{Existing, Interrupt, PipelineError, Progress, digest_so_far, run};
use metabasin_testkit::data;
use program::{json, metabasin, refused, said, text};
use tempfile::TempDir;

fn config() -> LoadedConfig {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/tiny.ron");
    let edits = [
        format!("sample={}", data("wahn300_T0.28.extxyz.gz").display()),
        "stages=[FromSample(temperature: Reduced(0.28)), Equilibrate(duration: Tau(2.0), quenches: \
         2), Shear(rates: [PerTau(0.005), PerTau(0.01)], strain: 0.02, pairs: [1, 2], quenches: 2), \
         Unload(unload_rate: PerTau(0.01)), Recover(quenches: 2), Compare()]"
            .to_owned(),
    ];
    load(&file, &edits).unwrap()
}

/// Asks for a stop after so many steps of the loading.
struct StopAfter<'a> {
    steps: u64,
    done: AtomicU64,
    interrupt: &'a Interrupt,
}

impl Progress for StopAfter<'_> {
    fn begin(&self, _stage: &str, _total: u64) {
        self.done.store(0, Ordering::SeqCst);
    }

    fn advance(&self, units: u64) {
        if self.done.fetch_add(units, Ordering::SeqCst) + units >= self.steps {
            self.interrupt.request();
        }
    }

    fn note(&self, _message: &str) {}

    fn end(&self) {}
}

fn stopped_after(steps: u64, folder: &Path) -> PipelineError {
    let interrupt = Interrupt::new();
    let watch = StopAfter {
        steps,
        done: AtomicU64::new(0),
        interrupt: &interrupt,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    pool.install(|| {
        run(
            "run",
            &config(),
            folder,
            Existing::Refuse,
            &watch,
            &interrupt,
        )
    })
    .unwrap_err()
}

#[test]
fn an_unfinished_run_is_reported_from_its_whole_pairs() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("run");
    // At 0.01 per tau a branch has 400 steps of loading, at most 800 of unloading and 400 of
    // recovery: the first pair is through, the second loads.
    let error = stopped_after(3400, &root);
    assert_eq!(error.exit_code(), 130);
    let (over, pairs) = digest_so_far(&root).unwrap();
    assert!(!over);
    let counts = |k: usize| (pairs[k].planned, pairs[k].loaded, pairs[k].recovered);
    assert_eq!((counts(0), counts(1)), ((1, 0, 0), (2, 1, 1)));
    let reported = json(&["report", text(&root)]);
    assert_eq!(reported["finished"], false);
    assert_eq!(reported["pairs"][1]["unloaded"], 1);
    let page = std::fs::read_to_string(root.join("report.html")).unwrap();
    assert!(page.contains("1 of 2 pairs are loaded"), "no caveat");
    let output = metabasin(&["report", text(&root)]);
    assert!(said(&output).is_empty(), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("the run is not over"));
}

#[test]
fn a_run_without_any_pair_says_so() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("run");
    stopped_after(500, &root);
    let (over, pairs) = digest_so_far(&root).unwrap();
    assert!(!over);
    assert!(pairs.iter().all(|pairs| pairs.loaded == 0));
    assert!(refused(&["report", text(folder.path())]).contains("findings.json"));
}
