//! `search`, `barriers`, `activation`, `export` and `kmc` from the command line, around one small
//! catalogue.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use metabasin_atoms::Configuration;
use metabasin_catalogue::{Catalogue, EventRecord, SearchRecord};
use metabasin_files::read_trajectory;
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use metabasin_testkit::data;
use nalgebra::Vector3;
use serde_json::Value;
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
use program::{assert_keys, glass, json, metabasin, refused, said, text};

/// A catalogue that all tests read and none writes to, and what `search` said of it.
struct Shared {
    path: PathBuf,
    summary: Value,
}

const SEARCHES: &str = "5";
/// Finds two events in five searches.
const SEED: &str = "9";

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("catalogue_verbs");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("glass.sqlite");
    let _ = std::fs::remove_file(&path);
    let summary = search(&glass(), &path, SEARCHES, &["--temperature", "0.28"]);
    Shared { path, summary }
});

fn search(file: &str, output: &Path, searches: &str, more: &[&str]) -> Value {
    let arguments = ["search", file, "-o", text(output), "--searches", searches];
    let settings = ["--seed", SEED, "--kernel", "portable"];
    json(&[&arguments[..], &settings[..], more].concat())
}

/// A copy of the shared catalogue, for tests that change it.
fn copy(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("copy.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    path
}

fn events(path: &Path) -> Vec<EventRecord> {
    Catalogue::open_read_only(path).unwrap().events().unwrap()
}

/// All searches, but for their seconds.
fn searches(path: &Path) -> Vec<SearchRecord> {
    let mut searches = Catalogue::open_read_only(path).unwrap().searches().unwrap();
    for search in &mut searches {
        search.seconds = 0.0;
    }
    searches
}

fn files(folder: &TempDir) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn search_says_how_every_search_ended_and_what_it_cost() {
    let found = &SHARED.summary;
    assert_keys(
        found,
        &[
            "searches",
            "outcomes",
            "events_found",
            "events_distinct",
            "seconds",
        ],
    );
    assert_eq!(found["searches"], 5);
    let outcomes = found["outcomes"].as_object().unwrap();
    assert_eq!(
        outcomes
            .values()
            .map(|count| count.as_u64().unwrap())
            .sum::<u64>(),
        5
    );
    let distinct = found["events_distinct"].as_u64().unwrap();
    assert!(distinct >= 1 && distinct <= found["events_found"].as_u64().unwrap());
    let evaluations = found["force_evaluations"].as_f64().unwrap();
    let per_event = found["force_evaluations_per_event"].as_f64().unwrap();
    assert_eq!(per_event, evaluations / distinct as f64);
    let stored: u64 = searches(&SHARED.path)
        .iter()
        .map(|s| s.evaluations.search())
        .sum();
    assert_eq!(stored as f64, evaluations);
}

#[test]
fn a_start_that_is_no_minimum_is_minimized_aloud_or_refused() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("a.sqlite");
    let arguments = ["search", &glass(), "-o", text(&output), "--searches", "1"];
    let message = refused(&[&arguments[..], &["--no-minimize"]].concat());
    assert!(
        message.contains("largest force") && message.contains("--no-minimize"),
        "{message}"
    );
    assert!(files(&folder).is_empty());

    let aloud = metabasin(&arguments);
    assert_eq!(aloud.status.code(), Some(0));
    let message = said(&aloud);
    assert!(
        message.contains("energy") && message.contains("largest move"),
        "{message}"
    );

    let minimum = folder.path().join("minimum.extxyz");
    let relaxed = json(&[
        "minimize",
        &glass(),
        "-o",
        text(&minimum),
        "--force-tolerance",
        "1e-8",
    ]);
    let from_minimum = folder.path().join("b.sqlite");
    search(text(&minimum), &from_minimum, "1", &["--no-minimize"]);
    let energy = Catalogue::open_read_only(&from_minimum)
        .unwrap()
        .sample()
        .unwrap()
        .energy;
    assert!((energy - relaxed["energy"].as_f64().unwrap()).abs() < 1e-8);
    // A minimum under one cut is none under another.
    let message = refused(&[
        "search",
        text(&minimum),
        "-o",
        text(&folder.path().join("c.sqlite")),
        "--searches",
        "1",
        "--no-minimize",
        "--cut",
        "shifted",
    ]);
    assert!(message.contains("shifted"), "{message}");
}

#[test]
fn searches_added_later_are_the_ones_that_one_call_would_have_made() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("grown.sqlite");
    let more = ["--temperature", "0.28", "--threads", "1"];
    assert_eq!(search(&glass(), &path, "2", &more)["searches"], 2);
    let resumed = search(
        &glass(),
        &path,
        SEARCHES,
        &[&more[..], &["--resume"]].concat(),
    );
    assert_eq!(resumed["searches"], SHARED.summary["searches"]);
    assert_eq!(events(&path), events(&SHARED.path));
    assert_eq!(searches(&path), searches(&SHARED.path));
    // Enough searches already: nothing is added.
    search(&glass(), &path, "3", &[&more[..], &["--resume"]].concat());
    assert_eq!(searches(&path), searches(&SHARED.path));
}

#[test]
fn search_takes_its_settings_from_a_config() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("from-config.sqlite");
    let sample = format!("sample={}", glass());
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/search.ron");
    let found = json(&[
        "search",
        text(&config),
        "-o",
        text(&path),
        "--set",
        &sample,
        "--set",
        "kernel=portable",
        "--set",
        "stages[1].searches=2",
        "--seed",
        SEED,
    ]);
    assert_eq!(found["searches"], 2);
    assert_eq!(searches(&path), searches(&SHARED.path)[..2]);
    let sample = Catalogue::open_read_only(&path).unwrap().sample().unwrap();
    assert_eq!(sample.temperature, Some(0.28));
}

#[test]
fn an_existing_catalogue_is_neither_overwritten_nor_mixed_up() {
    let folder = TempDir::new().unwrap();
    let path = copy(&folder);
    let before = std::fs::read(&path).unwrap();
    let arguments = [
        "search",
        &glass(),
        "-o",
        text(&path),
        "--searches",
        "1",
        "--kernel",
        "portable",
    ];
    let with = |more: &[&str]| refused(&[&arguments[..], more].concat());
    let message = with(&[]);
    assert!(
        message.contains("--resume") && message.contains("--force"),
        "{message}"
    );
    let message = with(&["--resume", "--seed", "4"]);
    assert!(message.contains("seed 9"), "{message}");
    // Refused for another reason, --force has not yet deleted anything.
    with(&["--force", "--no-minimize"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let missing = folder.path().join("missing.sqlite");
    let message = refused(&[
        "search",
        &glass(),
        "-o",
        text(&missing),
        "--searches",
        "1",
        "--resume",
    ]);
    assert!(message.contains("missing.sqlite"), "{message}");

    let other = data("wahn500_IS.data.gz");
    let message = refused(&[
        "search",
        text(&other),
        "-o",
        text(&path),
        "--searches",
        "9",
        "--resume",
        "--seed",
        SEED,
        "--kernel",
        "portable",
    ]);
    let own = Catalogue::open_read_only(&path)
        .unwrap()
        .sample()
        .unwrap()
        .fingerprint;
    assert!(message.contains(&own), "{message}");
    let is_fingerprint = |word: &&str| {
        word.len() == own.len() && word.chars().all(|digit| digit.is_ascii_hexdigit())
    };
    let words = message.split(|c: char| !c.is_alphanumeric());
    assert_eq!(
        words.filter(is_fingerprint).collect::<BTreeSet<_>>().len(),
        2,
        "{message}"
    );

    assert_eq!(events(&path), events(&SHARED.path));
    json(&[&arguments[..], &["--force"]].concat());
    assert_eq!(searches(&path).len(), 1);
}

#[test]
fn what_is_no_catalogue_of_this_version_is_refused_by_every_reader() {
    let folder = TempDir::new().unwrap();
    let newer = copy(&folder);
    let mut bytes = std::fs::read(&newer).unwrap();
    // SQLite keeps `PRAGMA user_version` here, in the order of the network.
    bytes[60..64].copy_from_slice(&77_u32.to_be_bytes());
    std::fs::write(&newer, &bytes).unwrap();
    let foreign = folder.path().join("foreign.sqlite");
    std::fs::write(&foreign, "a table of numbers, but no database").unwrap();
    let damaged = folder.path().join("damaged.sqlite");
    std::fs::write(&damaged, &std::fs::read(&SHARED.path).unwrap()[..6000]).unwrap();
    let missing = folder.path().join("missing.sqlite");
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/kmc.ron");
    let csv = folder.path().join("out.csv");
    let run = folder.path().join("run");
    let cases = [
        (newer, "77"),
        (foreign, "not a catalogue"),
        (damaged, ""),
        (missing, "no catalogue"),
    ];
    for (path, expected) in cases {
        let catalogue = format!("catalogue={}", path.display());
        for arguments in [
            vec!["barriers", text(&path)],
            vec!["activation", text(&path)],
            vec!["export", text(&path), "--format", "csv", "-o", text(&csv)],
            vec![
                "search",
                &glass(),
                "-o",
                text(&path),
                "--searches",
                "9",
                "--resume",
            ],
            vec![
                "kmc",
                text(&config),
                "--set",
                &catalogue,
                "--out",
                text(&run),
                "--force",
            ],
        ] {
            let message = refused(&arguments);
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(message.contains(name), "{arguments:?}: {message}");
            let is_search = arguments[0] == "search";
            assert!(
                is_search || message.contains(expected),
                "{arguments:?}: {message}"
            );
        }
    }
    assert!(!csv.exists());
    // --force replaces catalogues, not whatever else stands there.
    let message = refused(&[
        "search",
        &glass(),
        "-o",
        text(&folder.path().join("foreign.sqlite")),
        "--searches",
        "1",
        "--force",
    ]);
    assert!(message.contains("not a catalogue"), "{message}");
    assert!(folder.path().join("foreign.sqlite").exists());
}

#[test]
fn barriers_gives_statistics_and_a_plot() {
    let folder = TempDir::new().unwrap();
    let plot = folder.path().join("barriers.svg");
    let catalogue = text(&SHARED.path);
    let arguments = ["barriers", catalogue, "--plot", text(&plot), "--bins", "7"];
    let found = json(&arguments);
    assert_keys(
        &found,
        &["events", "distinct", "coverage", "chao1", "classes"],
    );
    for quantity in ["barrier", "activation_volume"] {
        assert_keys(
            &found[quantity],
            &["mean", "std", "q05", "q25", "median", "q75", "q95"],
        );
    }
    let mut barriers: Vec<f64> = events(&SHARED.path)
        .iter()
        .filter(|event| event.is_verified())
        .map(|event| event.barrier_forward)
        .collect();
    barriers.sort_by(f64::total_cmp);
    assert_eq!(found["distinct"], barriers.len());
    let mean = barriers.iter().sum::<f64>() / barriers.len() as f64;
    assert!((found["barrier"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    let histogram = &found["histogram"];
    assert_eq!(histogram["edges"].as_array().unwrap().len(), 8);
    let counts = histogram["counts"].as_array().unwrap();
    let counted: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(counted, barriers.len() as u64);

    let svg = std::fs::read_to_string(&plot).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    std::fs::write(&plot, "mine").unwrap();
    assert!(refused(&arguments).contains("--force"));
    assert_eq!(std::fs::read_to_string(&plot).unwrap(), "mine");
    json(&[&arguments[..], &["--force"]].concat());
    assert_eq!(std::fs::read_to_string(&plot).unwrap(), svg);

    let window = format!("{}", barriers[barriers.len() - 1]);
    let below = json(&["barriers", catalogue, "--below", &window]);
    assert_eq!(below["distinct"], barriers.len() - 1);
    assert!(refused(&["barriers", catalogue, "--below", "-1"]).contains("-1"));
}

#[test]
fn barriers_follow_the_strain_as_their_dipoles_say() {
    // d(barrier)/dγ = −P_xy at fixed cell. The central difference at ±γ has an error of order γ²,
    // and that of saddle energies converged to |F| < 1e-5: about 1e-9 / γ.
    let gamma = 1e-5;
    let loaded = |strain: &str| {
        let found = json(&[
            "activation",
            text(&SHARED.path),
            "--to",
            strain,
            "--steps",
            "1",
            "--kernel",
            "portable",
        ]);
        assert_keys(&found, &["events", "rows"]);
        found
    };
    let (forward, backward) = (loaded("1e-5"), loaded("-1e-5"));
    let events: Vec<EventRecord> = events(&SHARED.path)
        .into_iter()
        .filter(EventRecord::is_verified)
        .collect();
    assert_eq!(forward["events"], events.len());
    for (k, event) in events.iter().enumerate() {
        let (stored, plus, minus) = (
            &forward["rows"][2 * k],
            &forward["rows"][2 * k + 1],
            &backward["rows"][2 * k + 1],
        );
        assert_eq!(stored["event"], event.id);
        assert_eq!(stored["barrier"], event.barrier_forward);
        assert_eq!(stored["omega_xy"].as_f64(), event.activation_volume());
        let number = |row: &Value, key: &str| row[key].as_f64().unwrap();
        assert_eq!(number(plus, "gamma"), gamma);
        let slope = (number(plus, "barrier") - number(minus, "barrier")) / (2.0 * gamma);
        let expected = -event.dipole_saddle.0[3];
        assert!(
            (slope - expected).abs() < 1e-2 * expected.abs().max(1.0),
            "{slope} {expected}"
        );
        let volume = event.activation_volume().unwrap();
        for row in [plus, minus] {
            assert!((number(row, "barrier") - event.barrier_forward).abs() < 1e-2);
            assert!((number(row, "omega_xy") - volume).abs() < 1e-2 * volume.abs().max(1.0));
        }
    }
    let first = json(&[
        "activation",
        text(&SHARED.path),
        "--events",
        "1",
        "--steps",
        "1",
    ]);
    assert_eq!(first["events"], 1);
    for to in ["0", "nan", "0.9"] {
        let message = refused(&["activation", text(&SHARED.path), "--to", to]);
        assert!(message.contains("--to"), "{message}");
    }
    for strain in ["0.01", "xw", "1,2,3", "0,0,0,0,0,0"] {
        let message = refused(&["activation", text(&SHARED.path), "--strain", strain]);
        assert!(message.contains("--strain"), "{message}");
    }
}

fn energy(configuration: &Configuration) -> f64 {
    let potential = BinaryLennardJones::wahnstrom(Cut::Smooth);
    let mut field = ForceField::new(std::sync::Arc::new(potential), Kernel::Portable);
    let mut forces = vec![Vector3::zeros(); configuration.len()];
    let (cell, species) = (&configuration.cell, &configuration.species);
    field
        .evaluate(cell, &configuration.positions, species, &mut forces)
        .energy
}

#[test]
fn exported_frames_give_the_stored_barriers_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.extxyz");
    let arguments = [
        "export",
        text(&SHARED.path),
        "--format",
        "extxyz",
        "-o",
        text(&path),
    ];
    let exported = json(&arguments);
    let events: Vec<EventRecord> = events(&SHARED.path)
        .into_iter()
        .filter(EventRecord::is_verified)
        .collect();
    assert_eq!(exported["events"], events.len());
    let frames = read_trajectory(&path).unwrap();
    assert_eq!(frames.len(), 3 * events.len());
    let written = std::fs::read_to_string(&path).unwrap();
    let keys: Vec<&str> = written
        .lines()
        .filter(|line| line.contains("config_type="))
        .collect();
    assert_eq!(keys.len(), frames.len());
    for ((event, states), keys) in events.iter().zip(frames.chunks(3)).zip(keys.chunks(3)) {
        let [minimum, saddle, last] = [0, 1, 2].map(|k| energy(&states[k]));
        // Atoms that moved less than 1e-4 stand where they stood: the error is of second order.
        assert!((saddle - minimum - event.barrier_forward).abs() < 1e-4);
        assert!((saddle - last - event.barrier_reverse).abs() < 1e-4);
        for (line, (name, energy)) in
            keys.iter()
                .zip([("minimum", minimum), ("saddle", saddle), ("final", last)])
        {
            assert!(line.contains(&format!("config_type=\"{name}\"")), "{line}");
            assert!(line.contains(&format!("event={}", event.id)), "{line}");
            assert!(
                line.contains("cut=\"smooth\"") && line.contains("forces:R:3"),
                "{line}"
            );
            let stored = line
                .split("energy=")
                .nth(1)
                .unwrap()
                .split(' ')
                .next()
                .unwrap();
            assert!((stored.parse::<f64>().unwrap() - energy).abs() < 1e-9);
        }
    }
    assert!(refused(&arguments).contains("--force"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
}

#[test]
fn exported_rows_give_the_stored_numbers_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.csv");
    let arguments = [
        "export",
        text(&SHARED.path),
        "--format",
        "csv",
        "-o",
        text(&path),
    ];
    json(&arguments);
    let table = std::fs::read_to_string(&path).unwrap();
    let mut lines = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|title| *title == name).unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let events = events(&SHARED.path);
    assert_eq!(rows.len(), events.len());
    for (row, event) in rows.iter().zip(&events) {
        assert_eq!(row.len(), header.len());
        let number = |name: &str| row[column(name)].parse::<f64>().unwrap();
        assert_eq!(number("barrier_forward"), event.barrier_forward);
        assert_eq!(number("dipole_saddle_xy"), event.dipole_saddle.0[3]);
        assert_eq!(number("center_x"), event.center[0]);
        assert_eq!(number("hits"), event.hits as f64);
        assert_eq!(row[column("prefactor_forward")], "");
    }
    assert!(refused(&arguments).contains("--force"));
    json(&[&arguments[..], &["--force"]].concat());
}

#[test]
fn kmc_runs_from_a_catalogue() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("kmc");
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/kmc.ron");
    let catalogue = format!("catalogue={}", SHARED.path.display());
    let arguments = [
        "kmc",
        text(&config),
        "--out",
        text(&run),
        "--set",
        &catalogue,
        "--set",
        "stages[0].rates=[PerSecond(1e9)]",
        "--set",
        "stages[0].pairs=1",
        "--set",
        "stages[0].settings=(sites_per_edge: 4, upper_barrier: 20.0)",
    ];
    let found = json(&arguments);
    assert_keys(&found, &["events", "seconds", "events_per_second", "final"]);
    let (events, seconds) = (
        found["events"].as_f64().unwrap(),
        found["seconds"].as_f64().unwrap(),
    );
    let per_second = found["events_per_second"].as_f64().unwrap();
    assert!((per_second * seconds - events).abs() <= 1e-9 * events.max(1.0));
    assert_keys(&found["final"], &["time", "strain", "stress"]);
    assert_eq!(found["final"]["stress"].as_array().unwrap().len(), 6);
    assert!(run.join("findings.json").exists() && run.join("report.html").exists());
    assert!(refused(&arguments).contains("--force"));

    let search = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/search.ron");
    let message = refused(&[
        "kmc",
        text(&search),
        "--out",
        text(&folder.path().join("no")),
    ]);
    assert!(message.contains("Kmc"), "{message}");
    assert!(!folder.path().join("no").exists());
}

#[test]
fn an_unwritable_place_is_refused_and_nothing_is_left_there() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let below = |name: &str| file.join(name).display().to_string();
    let catalogue = text(&SHARED.path);
    for arguments in [
        vec![
            "search",
            &glass(),
            "--searches",
            "1",
            "-o",
            &below("a.sqlite"),
        ],
        vec![
            "export",
            catalogue,
            "--format",
            "csv",
            "-o",
            &below("a.csv"),
        ],
        vec![
            "export",
            catalogue,
            "--format",
            "extxyz",
            "-o",
            &below("a.extxyz"),
        ],
        vec!["barriers", catalogue, "--plot", &below("a.svg")],
    ] {
        let message = refused(&arguments);
        assert!(message.contains(text(&file)), "{arguments:?}: {message}");
    }
    assert_eq!(files(&folder), BTreeSet::from(["file".to_owned()]));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "in the way");
}
