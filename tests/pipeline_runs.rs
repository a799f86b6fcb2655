//! Whole runs from the command line: what they leave behind, what may be done with it, and the
//! verbs `check`, `demo`, `compare` and `report`.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::SystemTime;

use metabasin_catalogue::Catalogue;
use metabasin_files::{Manifest, StageState, read_series};
use serde_json::Value;
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
use program::{assert_keys, glass, json, metabasin, refused, said, text};

const STAGES: [&str; 9] = [
    "from-sample",
    "equilibrate",
    "shear",
    "unload",
    "recover",
    "relax",
    "search",
    "kmc",
    "compare",
];

/// A finished run that all tests read and none changes, and what `run` said of it.
struct Shared {
    folder: PathBuf,
    summary: Value,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pipeline_runs");
    let _ = std::fs::remove_dir_all(&folder);
    let summary = json(&tiny(&folder, &[]));
    Shared { folder, summary }
});

fn config() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/configs/tiny.ron")
}

/// The edit that names the sample.
fn sample() -> &'static str {
    static SAMPLE: LazyLock<String> = LazyLock::new(|| format!("sample={}", glass()));
    &SAMPLE
}

/// Arguments that run the tiny config in a folder.
fn tiny<'a>(folder: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["run", config(), "--set", sample(), "--out", text(folder)];
    arguments.extend(more);
    arguments
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy_of_shared(folder: &TempDir) -> PathBuf {
    let copy = folder.path().join("run");
    for file in files(&SHARED.folder) {
        let target = copy.join(file.strip_prefix(&SHARED.folder).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&file, &target).unwrap();
    }
    copy
}

/// What lies below a folder, and since when; but for the lock, which every attempt touches.
fn state(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let state = |path: PathBuf| {
        let modified = path.metadata().unwrap().modified().unwrap();
        let content = std::fs::read(&path).unwrap();
        (path, (modified, content))
    };
    files(folder)
        .into_iter()
        .filter(|path| !path.ends_with(".lock"))
        .map(state)
        .collect()
}

/// Whether nothing is new or gone, and nothing written again but files and folders of these names.
fn assert_untouched(run: &Path, before: &BTreeMap<PathBuf, (SystemTime, Vec<u8>)>, but: &[&str]) {
    let after = state(run);
    assert!(
        after.keys().eq(before.keys()),
        "{:?} {:?}",
        after.keys(),
        before.keys()
    );
    for (path, was) in before {
        let excused = path.iter().any(|part| but.iter().any(|name| part == *name));
        assert!(
            excused || &after[path] == was,
            "{} was touched",
            path.display()
        );
    }
}

#[test]
fn a_run_reports_its_stages() {
    let found = &SHARED.summary;
    assert_eq!(found["run_dir"], text(&SHARED.folder));
    let stages = found["stages"].as_array().unwrap();
    assert_eq!(stages.len(), STAGES.len());
    for (stage, name) in stages.iter().zip(STAGES) {
        assert_eq!(stage["name"], name);
        assert_eq!(stage["state"], "done");
        assert!(stage["seconds"].as_f64().unwrap() >= 0.0);
    }
    let manifest = Manifest::read(&SHARED.folder).unwrap();
    assert!(manifest.is_done());
    assert!(
        manifest
            .stages
            .iter()
            .all(|stage| stage.state == StageState::Done)
    );
    assert_eq!((manifest.seed, manifest.kernel.as_str()), (3, "portable"));
    assert!(manifest.config.contains(&glass()));
}

#[test]
fn every_stage_leaves_series_that_pandas_reads() {
    let series: Vec<PathBuf> = files(&SHARED.folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    // Frames, and inherent states of all but unloading and equilibration; five cycles and a
    // control of KMC.
    for (folder, count) in [
        ("02-equilibrate", 1),
        ("03-shear", 4),
        ("04-unload", 2),
        ("05-recover", 4),
        ("06-relax", 4),
        ("08-kmc", 7),
    ] {
        let of_stage = |path: &&PathBuf| path.starts_with(SHARED.folder.join(folder));
        assert_eq!(series.iter().filter(of_stage).count(), count, "{folder}");
    }
    for path in series {
        let content = std::fs::read_to_string(&path).unwrap();
        let mut lines = content.lines().filter(|line| !line.starts_with('#'));
        let header: Vec<&str> = lines.next().unwrap().split(',').collect();
        assert_eq!(header[0], "step");
        let mut rows = 0;
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells.len(), header.len(), "{}: {line}", path.display());
            assert!(
                cells.iter().all(|cell| cell.parse::<f64>().is_ok()),
                "{line}"
            );
            rows += 1;
        }
        assert!(rows >= 2, "{}", path.display());
        let series = read_series(&path).unwrap();
        let time = series.column("time").unwrap();
        assert!(
            time.windows(2).all(|pair| pair[0] <= pair[1]),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_report_opens_from_disk_without_a_network() {
    let report = std::fs::read_to_string(SHARED.folder.join("report.html")).unwrap();
    for attribute in ["src=\"", "href=\"", "url(", "srcset=\"", "data=\""] {
        for part in report.split(attribute).skip(1) {
            let target: String = part.chars().take(40).collect();
            let is_inside = target.starts_with('#') || target.starts_with("data:");
            // The views in three dimensions stand beside it.
            let page = target.split('"').next().unwrap();
            let is_beside = attribute == "href=\"" && SHARED.folder.join(page).is_file();
            assert!(
                is_inside || is_beside,
                "the report loads {attribute}{target}"
            );
        }
    }
    assert!(!report.contains("@import") && !report.contains("<link"));
    for (page, holds) in [
        ("atoms.html", "\"events\":[]"),
        ("events.html", "\"barrier\":"),
    ] {
        assert!(report.contains(&format!("href=\"{page}\"")), "{page}");
        let view = std::fs::read_to_string(SHARED.folder.join(page)).unwrap();
        assert!(view.contains(holds) && !view.contains(" src="), "{page}");
    }
    assert!(report.matches("<svg").count() >= 6);
    let findings = std::fs::read_to_string(SHARED.folder.join("findings.json")).unwrap();
    let findings: Value = serde_json::from_str(&findings).unwrap();
    assert_eq!(findings["title"], "tiny");
    assert_eq!(findings["glass"]["atoms"], 300);
}

#[test]
fn the_catalogue_refers_to_the_reference_state() {
    let catalogue = Catalogue::open_read_only(&SHARED.folder.join("catalogue.sqlite")).unwrap();
    let sample = catalogue.sample().unwrap();
    assert_eq!(sample.temperature, Some(0.28));
    assert!(sample.stress_thermal.is_some() && sample.stiffness.is_some());
    assert_eq!(catalogue.searches().unwrap().len(), 6);
    let events = catalogue.verified_events().unwrap();
    assert!(!events.is_empty());
    assert!(events.iter().all(|event| event.structure_class.is_some()));
}

#[test]
fn a_finished_run_is_kept_unless_forced() {
    let folder = TempDir::new().unwrap();
    let run = copy_of_shared(&folder);
    let before = state(&run);
    let message = refused(&tiny(&run, &[]));
    assert!(
        message.contains("--force") && message.contains("finished"),
        "{message}"
    );
    let message = refused(&["demo", "--out", text(&run)]);
    assert!(message.contains("--force"), "{message}");
    let message = refused(&tiny(&run, &["--resume", "--seed", "4"]));
    assert!(message.contains("another config"), "{message}");
    refused(&tiny(&run, &["--resume", "--force"]));
    // A mistyped name does not cost the run that it was to replace.
    refused(&[
        "run",
        config(),
        "--set",
        "sample=none.data",
        "--out",
        text(&run),
        "--force",
    ]);
    assert_untouched(&run, &before, &[]);

    let resumed = json(&tiny(&run, &["--resume"]));
    assert_eq!(resumed["stages"], SHARED.summary["stages"]);
    // The report, its views and its plots are drawn anew.
    let drawn = ["report.html", "atoms.html", "events.html", "plots"];
    let excused = [&[Manifest::FILE_NAME], &drawn[..]].concat();
    assert_untouched(&run, &before, &excused);

    let short = "stages=[FromSample(temperature: Reduced(0.28))]";
    let mine = run.join("notes.txt");
    std::fs::write(&mine, "mine").unwrap();
    let replaced = json(&tiny(&run, &["--force", "--set", short]));
    assert_eq!(replaced["stages"].as_array().unwrap().len(), 1);
    assert!(!run.join("report.html").exists() && !run.join("catalogue.sqlite").exists());
    assert!(!run.join("atoms.html").exists() && !run.join("events.html").exists());
    assert!(run.join("01-from-sample").exists() && !run.join("03-shear").exists());
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "mine");
}

#[test]
fn a_folder_that_is_no_run_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("thesis.tex");
    std::fs::write(&file, "mine").unwrap();
    for more in [&[][..], &["--force"], &["--resume"]] {
        let message = refused(&tiny(folder.path(), more));
        assert!(message.contains("no run of metabasin"), "{message}");
    }
    let below = file.join("run");
    let message = refused(&tiny(&below, &[]));
    assert!(message.contains(text(&file)), "{message}");
    let message = refused(&tiny(&folder.path().join("new"), &["--resume"]));
    assert!(message.contains("no run to resume"), "{message}");
    let new = folder.path().join("new");
    let mistyped = ["run", config(), "--set", "sample=none.data", "--out"];
    let message = refused(&[&mistyped[..], &[text(&new)]].concat());
    assert_eq!(message.matches("none.data").count(), 1, "{message}");
    assert_eq!(message.matches("os error").count(), 1, "{message}");
    let truncated = folder.path().join("truncated.extxyz");
    std::fs::write(&truncated, "300\n").unwrap();
    let sample = format!("sample={}", truncated.display());
    let message = refused(&["run", config(), "--set", &sample, "--out", text(&new)]);
    assert!(message.contains(text(&truncated)), "{message}");
    std::fs::remove_file(&truncated).unwrap();
    assert!(!new.exists());
    assert_eq!(files(folder.path()), std::slice::from_ref(&file));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn check_says_what_a_run_would_cost() {
    let found = json(&["check", config(), "--set", sample()]);
    assert_eq!(found["valid"], true);
    assert_eq!(found["errors"].as_array().unwrap().len(), 0);
    for field in ["seconds", "atom_steps", "bytes"] {
        assert!(found["estimate"][field].as_f64().unwrap() > 0.0, "{field}");
    }
    let output = metabasin(&["check", config(), "--json", "--set", "stages[1].quenches=0"]);
    assert_eq!(output.status.code(), Some(2));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["valid"], false);
    assert_eq!(found["estimate"], Value::Null);
    assert_keys(
        &found["errors"][0],
        &["file", "line", "column", "field", "message"],
    );
    assert_eq!(found["errors"][0]["field"], "stages[1].quenches");
}

#[test]
fn the_demo_is_a_run_like_any_other() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("demo");
    let melt = "stages=[Prepare(atoms: 300, melt_temperature: Reduced(1.0), melt_duration: Tau(0.5), \
                cool_from: Reduced(0.7), cool_to: Reduced(0.2), cool_duration: Tau(1.0), \
                temperature: Reduced(0.28))]";
    let arguments = ["demo", "--out", text(&run), "--set", melt];
    let found = json(&arguments);
    assert_eq!(found["run_dir"], text(&run));
    assert_eq!(found["stages"][0]["name"], "prepare");
    assert_eq!(found["stages"][0]["state"], "done");
    assert!(refused(&arguments).contains("--force"));
}

#[test]
fn md_and_kmc_are_compared_row_by_row() {
    let folder = TempDir::new().unwrap();
    let plot = folder.path().join("overlay.svg");
    let run = text(&SHARED.folder);
    let arguments = ["compare", run, run, "--plot", text(&plot)];
    let found = json(&arguments);
    let rows = found["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    let quantities = [
        "shear_modulus",
        "residual_strain",
        "recovered_strain",
        "recovery_half_time",
        "energy_drop",
    ];
    for row in rows {
        let keys = [
            "quantity",
            "rate_per_second",
            "md",
            "md_error",
            "kmc",
            "kmc_error",
            "agrees",
        ];
        assert_keys(row, &keys);
        assert!(
            quantities.contains(&row["quantity"].as_str().unwrap()),
            "{row}"
        );
    }
    // At the rate that both were run at there is a modulus from both.
    let both = |row: &&Value| {
        row["quantity"] == "shear_modulus" && row["md"].is_number() && row["kmc"].is_number()
    };
    assert_eq!(rows.iter().filter(both).count(), 1, "{rows:#?}");
    let svg = std::fs::read_to_string(&plot).unwrap();
    assert!(svg.starts_with("<svg"));
    assert!(refused(&arguments).contains("--force"));

    let (shear, kmc) = (SHARED.folder.join("03-shear"), SHARED.folder.join("08-kmc"));
    assert_eq!(json(&["compare", text(&shear), text(&kmc)]), found);
    let message = refused(&["compare", run, text(folder.path())]);
    assert!(message.contains(text(folder.path())), "{message}");
}

#[test]
fn the_report_is_built_anew_from_what_lies_there() {
    let folder = TempDir::new().unwrap();
    let run = copy_of_shared(&folder);
    let report = run.join("report.html");
    let before = std::fs::read(&report).unwrap();
    std::fs::remove_file(&report).unwrap();
    let found = json(&["report", text(&run)]);
    assert_eq!(found["report"], text(&report));
    assert_eq!(std::fs::read(&report).unwrap(), before);
    let message = refused(&["report", text(folder.path())]);
    assert!(message.contains(text(folder.path())), "{message}");
}

/// The first interrupt signal ends in exit code 130 and a run that resumes to the same result.
#[cfg(unix)]
#[test]
fn a_signal_leaves_a_run_that_resumes() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_metabasin"))
        .args(tiny(&run, &["--json"]))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The searches are the longest stage by far; wherever the signal falls, the result is the same.
    let is_searching = || {
        let manifest = Manifest::read(&run);
        manifest.is_ok_and(|manifest| manifest.stages[6].state == StageState::Running)
    };
    while !is_searching() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before its searches"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let message = said(&output);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("--resume"), "{message}");
    assert!(output.stdout.is_empty());
    let message = refused(&tiny(&run, &[]));
    assert!(message.contains("--resume"), "{message}");
    json(&tiny(&run, &["--resume"]));
    let (of_run, of_shared) = (
        run.join("findings.json"),
        SHARED.folder.join("findings.json"),
    );
    assert_eq!(
        std::fs::read(of_run).unwrap(),
        std::fs::read(of_shared).unwrap()
    );
}
