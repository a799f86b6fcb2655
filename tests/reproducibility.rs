//! Same config, seed and kernel: the same bits, for any number of threads and however often the
//! run was stopped or killed on the way.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use metabasin_catalogue::Catalogue;
use metabasin_files::{Manifest, StageState};
use metabasin_pipeline::config::{LoadedConfig, load};
use metabasin_pipeline::{Existing, Interrupt, PipelineError, Progress, Silent, run};
use metabasin_testkit::data;
use rayon::ThreadPoolBuilder;
use tempfile::TempDir;

/// Names of what runs count their progress in.
const EQUILIBRATE: &str = "equilibrate at zero stress";
const LOADING: &str = "shear, unload, recover";
const RELAX: &str = "relax at zero load";
const SEARCH: &str = "saddle searches";
const KMC: &str = "Eshelby KMC";

fn config(edits: &[&str]) -> LoadedConfig {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/tiny.ron");
    let sample = format!("sample={}", data("wahn300_T0.28.extxyz.gz").display());
    let edits: Vec<String> = edits
        .iter()
        .map(|&edit| edit.to_owned())
        .chain([sample])
        .collect();
    load(&file, &edits).unwrap()
}

/// Everything that must not depend on threads, stops and kills: series, structures, results,
/// findings byte by byte, and the rows of the catalogue but for their seconds.
type Bits = BTreeMap<String, Vec<u8>>;

fn bits(root: &Path) -> Bits {
    let mut bits = Bits::new();
    collect(root, root, &mut bits);
    let catalogue = Catalogue::open_read_only(&root.join("catalogue.sqlite")).unwrap();
    let mut searches = catalogue.searches().unwrap();
    for search in &mut searches {
        search.seconds = 0.0;
    }
    // The debug form of a number reads back to the same bits.
    let rows = [
        ("sample", format!("{:?}", catalogue.sample().unwrap())),
        ("events", format!("{:?}", catalogue.events().unwrap())),
        ("searches", format!("{searches:?}")),
    ];
    bits.extend(rows.map(|(table, rows)| (format!("catalogue: {table}"), rows.into_bytes())));
    bits
}

fn collect(root: &Path, folder: &Path, bits: &mut Bits) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, bits);
            continue;
        }
        let parent = path.parent().unwrap().file_name().unwrap();
        let name = path.file_name().unwrap();
        if parent == "series"
            || parent == "structures"
            || name == "results.json"
            || name == "findings.json"
        {
            let relative = path.strip_prefix(root).unwrap().display().to_string();
            bits.insert(relative, std::fs::read(&path).unwrap());
        }
    }
}

fn assert_same(found: &Bits, expected: &Bits) {
    let names = |bits: &Bits| bits.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    for (name, bytes) in expected {
        assert!(&found[name] == bytes, "{name} differs");
    }
}

fn go(
    root: &Path,
    loaded: &LoadedConfig,
    threads: usize,
    existing: Existing,
    watch: (&dyn Progress, &Interrupt),
) -> Result<(), PipelineError> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| run("run", loaded, root, existing, watch.0, watch.1))
        .map(|_| ())
}

/// A run on one thread that nothing disturbed.
static UNDISTURBED: LazyLock<Bits> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    let watch = (&Silent as &dyn Progress, &Interrupt::new());
    go(folder.path(), &config(&[]), 1, Existing::Refuse, watch).unwrap();
    bits(folder.path())
});

/// Acts once, when a stage has done so many units of its work.
struct At<'a> {
    stage: &'a str,
    units: u64,
    current: Mutex<String>,
    done: AtomicU64,
    act: &'a (dyn Fn() + Sync),
}

impl<'a> At<'a> {
    fn new(stage: &'a str, units: u64, act: &'a (dyn Fn() + Sync)) -> Self {
        Self {
            stage,
            units,
            current: Mutex::default(),
            done: AtomicU64::new(0),
            act,
        }
    }
}

impl Progress for At<'_> {
    fn begin(&self, stage: &str, _total: u64) {
        stage.clone_into(&mut self.current.lock().unwrap());
        self.done.store(0, Ordering::SeqCst);
    }

    fn advance(&self, units: u64) {
        let before = self.done.fetch_add(units, Ordering::SeqCst);
        let is_due = before < self.units && before + units >= self.units;
        if is_due && *self.current.lock().unwrap() == self.stage {
            (self.act)();
        }
    }

    fn note(&self, _message: &str) {}

    fn end(&self) {}
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let folder = TempDir::new().unwrap();
    let watch = (&Silent as &dyn Progress, &Interrupt::new());
    go(folder.path(), &config(&[]), 2, Existing::Refuse, watch).unwrap();
    let found = bits(folder.path());
    assert_eq!(found.len(), 34, "{:?}", found.keys());
    assert_same(&found, &UNDISTURBED);
}

#[test]
fn another_seed_gives_other_trajectories_and_other_searches() {
    let stages = "stages=[FromSample(temperature: Reduced(0.28)), Equilibrate(duration: Tau(2.0), \
                  quenches: 2), Relax(copies: 2, duration: Tau(0.2), quenches: 2), Search(searches: 2)]";
    let [first, again, other] = ["seed=3", "seed=3", "seed=4"].map(|seed| {
        let folder = TempDir::new().unwrap();
        let watch = (&Silent as &dyn Progress, &Interrupt::new());
        go(
            folder.path(),
            &config(&[stages, seed]),
            2,
            Existing::Refuse,
            watch,
        )
        .unwrap();
        bits(folder.path())
    });
    assert_same(&again, &first);
    for name in ["03-relax/series/copy-2.csv", "catalogue: searches"] {
        assert!(first[name] != other[name], "{name} is the same");
    }
    // The first copy goes on with the velocities that the sample has.
    assert!(first["03-relax/series/copy-1.csv"] == other["03-relax/series/copy-1.csv"]);
}

/// Stops a run again and again, each time when a stage has done so many units, resumes it with
/// another number of threads, and lets it end.
fn stopped(stops: &[(&str, u64)]) -> Bits {
    let folder = TempDir::new().unwrap();
    let loaded = config(&[]);
    let mut existing = Existing::Refuse;
    for (k, &(stage, units)) in stops.iter().enumerate() {
        let interrupt = Interrupt::new();
        let request = || interrupt.request();
        let at = At::new(stage, units, &request);
        let stopped = go(
            folder.path(),
            &loaded,
            1 + k % 2,
            existing,
            (&at, &interrupt),
        );
        let error = stopped.expect_err(stage);
        assert!(
            matches!(error, PipelineError::Interrupted { .. }),
            "{stage} {units}: {error}"
        );
        assert_eq!(error.exit_code(), 130);
        assert!(error.to_string().contains("--resume"));
        existing = Existing::Resume;
    }
    let watch = (&Silent as &dyn Progress, &Interrupt::new());
    go(folder.path(), &loaded, 2, existing, watch).unwrap();
    bits(folder.path())
}

#[test]
fn a_run_stopped_once_in_every_stage_ends_the_same() {
    let stops = [
        (EQUILIBRATE, 1),
        (LOADING, 1),
        (RELAX, 1),
        (SEARCH, 1),
        (KMC, 1),
    ];
    assert_same(&stopped(&stops), &UNDISTURBED);
}

#[test]
fn a_run_stopped_several_times_in_a_stage_ends_the_same() {
    let stops = [
        (EQUILIBRATE, 57),
        (EQUILIBRATE, 203),
        (EQUILIBRATE, 204),
        (LOADING, 150),
        (LOADING, 633),
        (LOADING, 911),
        (LOADING, 1705),
        (LOADING, 2900),
        (RELAX, 150),
        (SEARCH, 3),
        (SEARCH, 5),
        (KMC, 2),
        (KMC, 3),
        (KMC, 6),
    ];
    assert_same(&stopped(&stops), &UNDISTURBED);
}

/// Random numbers below `below` that are the same in every run of the test.
fn draws(seed: u64, below: u64, count: usize) -> Vec<u64> {
    let mut state = seed;
    let mut draw = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        1 + (state >> 33) % (below - 1)
    };
    let mut all: Vec<u64> = (0..count).map(|_| draw()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn a_run_stopped_at_random_steps_ends_the_same() {
    for seed in [1, 2] {
        let mut stops = Vec::new();
        for (stage, total, count) in [(EQUILIBRATE, 400, 3), (LOADING, 3200, 6), (RELAX, 200, 2)] {
            stops.extend(
                draws(seed, total, count)
                    .into_iter()
                    .map(|units| (stage, units)),
            );
        }
        assert_same(&stopped(&stops), &UNDISTURBED);
    }
}

const KILLED: &str = "METABASIN_TEST_KILLED";

/// Not a test of its own: the process that [`a_killed_run_resumes_to_the_same_bits`] kills.
#[test]
#[ignore = "a child process of another test"]
fn the_process_that_is_killed() {
    let Ok(task) = std::env::var(KILLED) else {
        return;
    };
    let [folder, stage, units, existing] = task.split('|').collect::<Vec<_>>()[..] else {
        panic!("{task}");
    };
    let existing = if existing == "resume" {
        Existing::Resume
    } else {
        Existing::Refuse
    };
    let at = At::new(stage, units.parse().unwrap(), &|| std::process::abort());
    go(
        Path::new(folder),
        &config(&[]),
        2,
        existing,
        (&at, &Interrupt::new()),
    )
    .unwrap();
}

/// Runs or resumes in another process, which kills itself when a stage has done so many units.
fn kill(folder: &Path, stage: &str, units: u64, existing: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "--nocapture",
            "the_process_that_is_killed",
        ])
        .env(
            KILLED,
            format!("{}|{stage}|{units}|{existing}", folder.display()),
        )
        .output()
        .unwrap();
    assert!(
        !output.status.success(),
        "{stage} {units}: the process was not killed"
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{stage} {units}: {said}");
}

/// The stage that a killed run was in.
fn running(folder: &Path) -> Option<String> {
    let stages = Manifest::read(folder).unwrap().stages;
    stages
        .into_iter()
        .find(|stage| stage.state == StageState::Running)
        .map(|stage| stage.name)
}

#[test]
fn a_killed_run_resumes_to_the_same_bits() {
    let folder = TempDir::new().unwrap();
    let root: PathBuf = folder.path().join("run");
    let kills = [
        (EQUILIBRATE, 250, "equilibrate"),
        (LOADING, 220, "shear"),
        (LOADING, 1900, "shear"),
        (LOADING, 3000, "shear"),
        (SEARCH, 2, "search"),
        (SEARCH, 4, "search"),
        (KMC, 2, "kmc"),
    ];
    for (k, (stage, units, name)) in kills.into_iter().enumerate() {
        kill(&root, stage, units, if k == 0 { "new" } else { "resume" });
        assert_eq!(running(&root).as_deref(), Some(name));
        if stage == SEARCH {
            // Every search that was reported done is in the catalogue.
            let catalogue = Catalogue::open_read_only(&root.join("catalogue.sqlite")).unwrap();
            assert!(catalogue.searches().unwrap().len() as u64 >= units);
        }
    }
    let watch = (&Silent as &dyn Progress, &Interrupt::new());
    go(&root, &config(&[]), 2, Existing::Resume, watch).unwrap();
    assert_same(&bits(&root), &UNDISTURBED);
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("run");
    let loaded = config(&[]);
    // A stop leaves a checkpoint in the middle of the loading; the kill comes after more of it.
    let interrupt = Interrupt::new();
    let request = || interrupt.request();
    let at = At::new(LOADING, 90, &request);
    go(&root, &loaded, 2, Existing::Refuse, (&at, &interrupt)).unwrap_err();
    kill(&root, LOADING, 350, "resume");
    // Rows beyond the checkpoint that reached the disk before the kill.
    let series = root.join("03-shear/series");
    for entry in std::fs::read_dir(&series).unwrap() {
        let path = entry.unwrap().path();
        let mut content = std::fs::read_to_string(&path).unwrap();
        let last = content.lines().last().unwrap().to_owned();
        let (_, values) = last.split_once(',').unwrap();
        let torn = &values[..values.len() / 2];
        content = format!("{content}900000,{values}\n900020,{torn}");
        std::fs::write(&path, content).unwrap();
    }
    let watch = (&Silent as &dyn Progress, &Interrupt::new());
    go(&root, &loaded, 2, Existing::Resume, watch).unwrap();
    assert_same(&bits(&root), &UNDISTURBED);
}
