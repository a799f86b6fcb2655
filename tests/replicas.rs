//! Several samples as one config: each is the run of its own seed, and what is said of all is
//! their mean with their spread.
#![cfg(test)]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use metabasin_files::findings::{Findings, Measured};
use metabasin_files::{Manifest, StageState};
use metabasin_pipeline::config::{LoadedConfig, load_text};
use metabasin_pipeline::{
    Existing, Interrupt, PipelineError, Progress, Silent, digest_so_far, run,
};
use tempfile::TempDir;

const CONFIG: &str = "(
    title: \"replicas\",
    seed: 5,
    kernel: portable,
    time_step: Tau(0.005),
    replicas: 3,
    stages: [
        Prepare(
            atoms: 300,
            melt_temperature: Reduced(1.5),
            melt_duration: Tau(1.0),
            cool_from: Reduced(0.6),
            cool_to: Reduced(0.1),
            cool_duration: Tau(4.0),
            temperature: Reduced(0.28),
        ),
        Equilibrate(duration: Tau(2.0), quenches: 2),
        Shear(rates: [PerTau(0.01)], strain: 0.02, pairs: 1, quenches: 2),
        Unload(unload_rate: PerTau(0.01)),
        Recover(quenches: 2),
        Compare(),
    ],
)";

fn config(edits: &[&str]) -> LoadedConfig {
    let edits: Vec<String> = edits.iter().map(|&edit| edit.to_owned()).collect();
    load_text(CONFIG, Path::new("replicas.ron"), &edits).unwrap()
}

fn go(
    root: &Path,
    loaded: &LoadedConfig,
    existing: Existing,
    watch: (&dyn Progress, &Interrupt),
) -> Result<(), PipelineError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    pool.install(|| run("run", loaded, root, existing, watch.0, watch.1))
        .map(|_| ())
}

fn undisturbed(loaded: &LoadedConfig) -> TempDir {
    let folder = TempDir::new().unwrap();
    let watch = (&Silent as &dyn Progress, &Interrupt::new());
    go(folder.path(), loaded, Existing::Refuse, watch).unwrap();
    folder
}

fn modulus(findings: &Findings) -> Measured {
    findings.rates[0]
        .md
        .as_ref()
        .unwrap()
        .shear_modulus
        .unwrap()
}

struct StopAfter<'a>(AtomicU64, u64, &'a Interrupt);

impl Progress for StopAfter<'_> {
    fn begin(&self, _stage: &str, _total: u64) {}

    fn advance(&self, units: u64) {
        if self.0.fetch_add(units, Ordering::SeqCst) + units >= self.1 {
            self.2.request();
        }
    }

    fn note(&self, _message: &str) {}

    fn end(&self) {}
}

#[test]
fn replicas_are_runs_of_their_own_and_digest_to_mean_and_spread() {
    let all = undisturbed(&config(&[]));
    let alone = undisturbed(&config(&["replicas=1"]));
    let read = |root: &Path, path: &str| {
        std::fs::read(root.join(path)).unwrap_or_else(|_| panic!("no {path}"))
    };
    let names: Vec<_> = std::fs::read_dir(alone.path().join("03-shear/series"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with("plus.csv"))
        .collect();
    let series = format!("03-shear/series/{}", names[0]);
    let first = read(&all.path().join("replica-1"), &series);
    assert!(
        first == read(alone.path(), &series),
        "the first replica is the run"
    );
    assert!(first != read(&all.path().join("replica-2"), &series));

    let findings = Findings::read(all.path()).unwrap();
    let each: Vec<f64> = (1..=3)
        .map(|k| modulus(&Findings::read(&all.path().join(format!("replica-{k}"))).unwrap()).value)
        .collect();
    let mean = each.iter().sum::<f64>() / 3.0;
    let squares: f64 = each.iter().map(|value| (value - mean).powi(2)).sum();
    let found = modulus(&findings);
    assert!((found.value - mean).abs() < 1e-12 * mean.abs());
    assert!((found.error.unwrap() - (squares / 6.0).sqrt()).abs() < 1e-9 * mean.abs());
    let md = findings.rates[0].md.as_ref().unwrap();
    assert_eq!((md.replicas, md.realizations), (3, 3));
    let manifest = Manifest::read(all.path()).unwrap();
    assert_eq!(manifest.stages.len(), 3);
    assert!(
        manifest
            .stages
            .iter()
            .all(|one| one.state == StageState::Done)
    );

    // Stopped twice and resumed, the same; in between the finished pairs can be reported.
    let folder = TempDir::new().unwrap();
    for (existing, steps) in [(Existing::Refuse, 7000), (Existing::Resume, 10_500)] {
        let interrupt = Interrupt::new();
        let watch = StopAfter(AtomicU64::new(0), steps, &interrupt);
        let error = go(folder.path(), &config(&[]), existing, (&watch, &interrupt)).unwrap_err();
        assert_eq!(error.exit_code(), 130, "{error}");
        assert!(error.to_string().contains("--resume"));
        let (over, pairs) = digest_so_far(folder.path()).unwrap();
        assert!(!over && pairs[0].planned == 3 && pairs[0].loaded < 3);
    }
    let watch = (&Silent as &dyn Progress, &Interrupt::new());
    go(folder.path(), &config(&[]), Existing::Resume, watch).unwrap();
    assert_eq!(Findings::read(folder.path()).unwrap(), findings);
}
