//! `search` from the command line, and catalogues and places that are refused.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use metabasin_catalogue::{Catalogue, SearchRecord};
use metabasin_testkit::data;
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
#[path = "support/small_catalogue.rs"]
mod small_catalogue;
use program::{assert_keys, glass, json, metabasin, refused, said, text};
use small_catalogue::{SEARCHES, SEED, SHARED, events, search};

/// A copy of the shared catalogue, for tests that change it.
fn copy(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("copy.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    path
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
    // The config says all that these switches do, and the others do nothing that it does not say.
    let plain = folder.path().join("plain.sqlite");
    search(&glass(), &plain, "2", &["--temperature", "0.28", "--heat"]);
    assert_eq!(searches(&path), searches(&plain));
    assert_ne!(searches(&path), searches(&SHARED.path)[..2]);
    let sample = Catalogue::open_read_only(&path).unwrap().sample().unwrap();
    assert_eq!(sample.temperature, Some(0.28));
}

#[test]
fn saddles_are_descended_along_the_path_of_steepest_descent_when_asked() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flow.sqlite");
    let found = search(&glass(), &path, SEARCHES, &["--gradient-flow"]);
    let evaluations =
        |found: &serde_json::Value| found["force_evaluations"].as_u64().expect("is reported");
    assert!(evaluations(&found) > evaluations(&SHARED.summary));
    let flowed = events(&path);
    assert!(!flowed.is_empty());
    // The same climbs: no other saddles, and as many where both descents lead home.
    for event in &flowed {
        let saddle = |other: &metabasin_catalogue::EventRecord| {
            (other.barrier_forward - event.barrier_forward).abs() < 1e-9
        };
        assert!(events(&SHARED.path).iter().any(saddle));
    }
    // Verified as they were found, from the settings in the catalogue.
    let verified = json(&["barriers", text(&path), "--verify", "--kernel", "portable"]);
    assert_eq!(verified["holds"], flowed.len() as u64);
    let by_flow = ["--verify", "--gradient-flow", "--kernel", "portable"];
    let again = json(&[&["barriers", text(&path)], &by_flow[..]].concat());
    assert_eq!(again["rows"], verified["rows"]);

    // One catalogue, one kind of end states.
    let more = [
        "--searches",
        "9",
        "--resume",
        "--seed",
        SEED,
        "--kernel",
        "portable",
    ];
    let message = refused(&[&["search", &glass(), "-o", text(&path)], &more[..]].concat());
    assert!(message.contains("gradient_flow"), "{message}");
}

#[test]
fn what_a_config_says_itself_is_not_said_beside_it_and_ignored() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/search.ron");
    let sample = format!("sample={}", glass());
    let config = [
        "search",
        text(&config),
        "-o",
        "none.sqlite",
        "--set",
        &sample,
    ];
    let beside: [(&[&str], &str); 7] = [
        (&["--gradient-flow"], "settings.descents=gradient_flow"),
        (&["--heat"], "settings.heat=()"),
        (&["--prefactors"], "stages[1].rates=(prefactor_radius: 3.5)"),
        (&["--temperature", "0.2"], "stages[0].temperature=Reduced("),
        (&["--searches", "9"], "stages[1].searches=N"),
        (
            &["--until-coverage", "0.5"],
            "stages[1].until=(coverage: 0.5)",
        ),
        (&["--no-minimize"], "give the structure file"),
    ];
    for (switch, remedy) in beside {
        let message = refused(&[&config[..], switch].concat());
        assert!(message.contains(switch[0]), "{message}");
        assert!(message.contains(remedy), "{message}");
    }
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
    assert!(message.contains(&format!("seed {SEED}")), "{message}");
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

#[test]
fn softness_counts_the_events_of_the_catalogue() {
    let catalogue = text(&SHARED.path);
    let found = json(&["barriers", catalogue, "--softness"]);
    let events = events(&SHARED.path);
    assert_eq!(found["events"].as_u64().unwrap() as usize, events.len());
    let measures = found["measures"].as_array().unwrap();
    let mean = |measure: &serde_json::Value| {
        let thirds = measure["events_per_atom"].as_array().unwrap();
        thirds
            .iter()
            .filter_map(|third| third["value"].as_f64())
            .fold(0.0, f64::max)
    };
    for measure in measures {
        for key in ["auc_softest", "auc_hardest"] {
            let area = measure[key]["value"].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&area), "{measure}");
        }
        assert!(mean(measure) > 0.0, "{measure}");
    }
    let names: Vec<&str> = measures
        .iter()
        .map(|of| of["name"].as_str().unwrap())
        .collect();
    for name in [
        "icosahedral",
        "four_fold",
        "free_volume",
        "von_mises",
        "kelvin_lowest",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let lowest = events
        .iter()
        .map(|event| event.barrier_forward)
        .fold(f64::INFINITY, f64::min);
    assert!(found["soft_below"].as_f64().unwrap() >= lowest);
    let below = format!("{}", 0.5 * lowest);
    let message = refused(&["barriers", catalogue, "--softness", "--below", &below]);
    assert!(message.contains("no verified event"), "{message}");
}

#[test]
fn events_are_shown_and_none_are_refused() {
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("events.html");
    let catalogue = text(&SHARED.path);
    json(&["barriers", catalogue, "--view", text(&page)]);
    let html = std::fs::read_to_string(&page).unwrap();
    assert_eq!(
        html.matches("\"barrier\":").count(),
        events(&SHARED.path).len()
    );
    let message = refused(&["barriers", catalogue, "--view", "events.svg"]);
    assert!(message.contains(".html"), "{message}");
}
