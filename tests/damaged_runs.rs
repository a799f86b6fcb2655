//! Runs and walks whose files were cut, changed or deleted: what is damaged is named, and done anew
//! or refused; no number changes without a word.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::LazyLock;

use metabasin_catalogue::Catalogue;
use metabasin_files::{Checksum, Manifest, StageState};
use tempfile::TempDir;

#[path = "support/outcome.rs"]
mod outcome;
#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use outcome::{Outcome, assert_undamaged, outcome};
use program::{glass, json, metabasin, refused, said, text};

const STAGES: &str = "stages=[FromSample(temperature: Reduced(0.28)), Equilibrate(duration: Tau(2.0), \
     quenches: 2), Shear(rates: [PerTau(0.05)], strain: 0.02, pairs: 1, quenches: 2), \
     Unload(unload_rate: PerTau(0.05)), Recover(quenches: 2), Relax(copies: 1, duration: \
     Tau(0.1), quenches: 2), Search(searches: 3), \
     Kmc(rates: [PerTau(0.05)], unload_rate: PerTau(0.05), strain: 0.02, pairs: 1, settings: \
     (sites_per_edge: 4, upper_barrier: 20.0)), Compare()]";

fn run(folder: &Path, more: &[&str]) -> Output {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/tiny.ron");
    let sample = format!("sample={}", glass());
    let out = folder.join("run");
    let arguments = ["run", text(&config), "--out", text(&out)];
    let edits = ["--set", &sample, "--set", STAGES];
    metabasin(&[&arguments[..], &edits, more].concat())
}

/// A finished run, and what is in it.
static FINISHED: LazyLock<(TempDir, Outcome)> = LazyLock::new(|| {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let output = run(folder.path(), &[]);
    assert!(output.status.success(), "{}", said(&output));
    let found = outcome(folder.path());
    (folder, found)
});

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// A copy of the finished run.
fn copied() -> (TempDir, PathBuf) {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    copy(FINISHED.0.path(), folder.path());
    let run = folder.path().join("run");
    (folder, run)
}

/// Resumes; the run must end as if nothing had happened. Returns what was said.
fn resumed(folder: &Path) -> String {
    let output = run(folder, &["--resume"]);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(0), "{message}");
    let found = outcome(folder);
    assert!(
        found.keys().eq(FINISHED.1.keys()),
        "{:?}",
        found.keys().collect::<Vec<_>>()
    );
    for (name, content) in &FINISHED.1 {
        assert!(found[name] == *content, "{name} differs after: {message}");
    }
    assert_undamaged(folder);
    without_report(&message)
}

/// What was said, but for the line that names the report.
fn without_report(message: &str) -> String {
    let lines = message.lines();
    lines
        .filter(|line| !line.starts_with("metabasin: report: "))
        .collect::<Vec<&str>>()
        .join("\n")
}

fn cut(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

/// Another last digit.
fn change(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let digit = bytes.iter_mut().rev().find(|byte| byte.is_ascii_digit());
    let digit = digit.unwrap();
    *digit = if *digit == b'7' { b'3' } else { b'7' };
    std::fs::write(path, bytes).unwrap();
}

/// A file of a run, what is done to it, and how that is called.
type Damage<'a> = (&'a str, fn(&Path), &'a str);

#[test]
fn a_damaged_file_of_a_finished_stage_is_named_and_its_stage_done_anew() {
    let branch = FINISHED.1.keys().find_map(|name| {
        let series = name.strip_prefix("run/03-shear/series/")?;
        series.strip_suffix("-inherent.csv")
    });
    let branch = branch.unwrap();
    let damages: [Damage; 9] = [
        ("02-equilibrate/series/equilibrate.csv", cut, "was cut"),
        (
            "02-equilibrate/structures/reference.extxyz",
            change,
            "was changed",
        ),
        ("02-equilibrate/results.json", remove, "is gone"),
        (
            "02-equilibrate/checkpoints/reference.json",
            change,
            "was changed",
        ),
        (&format!("03-shear/series/{branch}.csv"), remove, "is gone"),
        (
            &format!("05-recover/series/{branch}-inherent.csv"),
            cut,
            "was cut",
        ),
        ("04-unload/results.json", change, "was changed"),
        ("08-kmc/results.json", change, "was changed"),
        ("findings.json", change, "was changed"),
    ];
    for (file, damage, how) in damages {
        let (folder, run) = copied();
        damage(&run.join(file));
        let message = resumed(folder.path());
        let name = Path::new(file).file_name().unwrap().to_str().unwrap();
        let stage = match file.split_once('/') {
            Some((stage, _)) => &stage[3..],
            None => "compare",
        };
        for part in [name, how, &format!("the stage {stage} is done anew")] {
            assert!(message.contains(part), "{file}: no `{part}` in {message}");
        }
    }
}

#[test]
fn a_finished_run_that_is_whole_resumes_without_a_word_and_an_older_one_with_a_note() {
    let (folder, run) = copied();
    assert_eq!(resumed(folder.path()), "");
    let mut manifest = Manifest::read(&run).unwrap();
    assert!(manifest.stages.iter().all(|stage| stage.files.is_some()));
    for stage in &mut manifest.stages {
        stage.files = None;
    }
    manifest.write(&run).unwrap();
    let output = self::run(folder.path(), &["--resume"]);
    assert_eq!(output.status.code(), Some(0));
    let message = said(&output);
    assert!(
        message.contains("no checksums of from-sample, equilibrate, shear"),
        "{message}"
    );
}

/// Every trajectory is over, the stages are not: a series that lost rows is not taken for whole.
#[test]
fn a_damaged_series_of_an_unfinished_stage_is_done_anew() {
    for damage in [cut, remove, change] {
        let (folder, run) = copied();
        let mut manifest = Manifest::read(&run).unwrap();
        for stage in &mut manifest.stages[2..] {
            stage.state = StageState::Running;
            stage.files = None;
        }
        manifest.write(&run).unwrap();
        let shear = run.join("03-shear/series");
        let mut series: Vec<PathBuf> = std::fs::read_dir(shear)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        series.sort();
        damage(&series[0]);
        let message = resumed(folder.path());
        let name = series[0].file_name().unwrap().to_str().unwrap();
        assert!(
            message.contains(name) && message.contains("is done anew"),
            "{message}"
        );
    }
}

#[test]
fn where_a_stage_done_anew_leaves_something_else_all_that_follows_is_done_anew() {
    let (folder, run) = copied();
    let mut manifest = Manifest::read(&run).unwrap();
    // As if another machine had made the reference state.
    let file = "02-equilibrate/checkpoints/reference.json";
    let files = manifest.stages[1].files.as_mut().unwrap();
    assert!(
        files
            .insert(file.to_owned(), Checksum::of(b"other"))
            .is_some()
    );
    manifest.write(&run).unwrap();
    let message = resumed(folder.path());
    assert!(
        message.contains("the stage equilibrate is done anew"),
        "{message}"
    );
    for stage in [
        "shear", "unload", "recover", "relax", "search", "kmc", "compare",
    ] {
        let expected = format!("{file} is not what it was before: the stage {stage} is done anew");
        assert!(message.contains(&expected), "{stage}: {message}");
    }
}

#[test]
fn a_catalogue_that_lost_searches_gets_them_again_and_a_damaged_one_is_refused() {
    let (folder, run) = copied();
    let catalogue = run.join("catalogue.sqlite");
    remove(&catalogue);
    let message = resumed(folder.path());
    assert!(
        message.contains("catalogue.sqlite is gone: the stage search is done anew"),
        "{message}"
    );
    let (folder, run) = copied();
    let catalogue = run.join("catalogue.sqlite");
    {
        let connection = rusqlite::Connection::open(&catalogue).unwrap();
        let removed = connection.execute("DELETE FROM searches WHERE search = 2", []);
        assert_eq!(removed.unwrap(), 1);
        let events = "DELETE FROM events WHERE first_search = 2";
        connection.execute(events, []).unwrap();
    }
    let message = resumed(folder.path());
    assert!(
        message.contains("holds 2 searches, 3 were done: the stage search is done anew"),
        "{message}"
    );
    // Garbage in the middle.
    let mut bytes = std::fs::read(&catalogue).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4000].fill(0xa5);
    std::fs::write(&catalogue, bytes).unwrap();
    let output = self::run(folder.path(), &["--resume"]);
    assert_eq!(output.status.code(), Some(2));
    let message = said(&output);
    for part in ["catalogue.sqlite", "restore it from a copy", "move it away"] {
        assert!(message.contains(part), "{message}");
    }
    // More searches than the stage did are a user's good right.
    let (folder, run) = copied();
    let catalogue = run.join("catalogue.sqlite");
    let count = || {
        let catalogue = Catalogue::open_read_only(&catalogue).unwrap();
        catalogue.searches().unwrap().len()
    };
    assert_eq!(count(), 3);
    json(&["prefactors", text(&catalogue), "--kernel", "portable"]);
    let output = self::run(folder.path(), &["--resume"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(without_report(&said(&output)), "");
}

#[test]
fn report_and_compare_say_what_is_damaged() {
    let (_folder, run) = copied();
    let whole = json(&["report", text(&run)]);
    assert_eq!(whole["damaged"].as_array().unwrap().len(), 0);
    let shear = run.join("03-shear/series");
    let series = std::fs::read_dir(shear)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    cut(&series);
    let name = series.file_name().unwrap().to_str().unwrap();
    let reported = json(&["report", text(&run)]);
    let damaged = reported["damaged"][0].as_str().unwrap();
    assert!(
        damaged.contains(name) && damaged.contains("was cut"),
        "{damaged}"
    );
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains(name) && page.contains("was cut"));
    for verb in [
        &["report", text(&run)][..],
        &["compare", text(&run), text(&run)],
    ] {
        let output = metabasin(verb);
        let message = said(&output);
        assert!(
            message.contains(name) && message.contains("was cut"),
            "{message}"
        );
        assert!(output.status.success(), "{message}");
    }
    // Nothing is left of it but its header: no panic either.
    let whole = std::fs::read_to_string(&series).unwrap();
    let titles = whole.find("\nstep,").unwrap() + 1;
    let end = titles + whole[titles..].find('\n').unwrap() + 1;
    std::fs::write(&series, &whole[..end]).unwrap();
    let output = metabasin(&["compare", text(&run), text(&run)]);
    assert!(!said(&output).contains("panicked"), "{}", said(&output));
    assert!(output.status.code().is_some_and(|code| code < 3));
}

#[test]
fn a_walk_whose_files_are_damaged_says_so() {
    let (folder, run) = copied();
    let catalogue = run.join("catalogue.sqlite");
    let walk = folder.path().join("walk");
    let glass = run.join("07-search/structures/minimum.extxyz");
    let step = |until: &str, more: &[&str]| {
        let arguments = ["akmc", text(&glass), "--out", text(&walk), "--time", until];
        // Draws before anything happens: quick.
        let every = ["--every", "1e-6", "--trajectories", "0"];
        let settings = [&every[..], &["--temperature", "0.3"]].concat();
        let start = ["--kernel", "portable", "--catalogue", text(&catalogue)];
        metabasin(&[&arguments[..], &settings, &start, more].concat())
    };
    let begun = step("3e-6", &[]);
    assert!(begun.status.success(), "{}", said(&begun));
    let log = || std::fs::read_to_string(walk.join("series/walk.csv")).unwrap();
    let written = log();
    let whole = said(&step("3e-6", &["--resume"]));
    assert!(
        !whole.contains("walk.csv") && !whole.contains("anew"),
        "{whole}"
    );
    for (file, damage, how) in [
        ("series/walk.csv", cut as fn(&Path), "was cut"),
        ("series/walk.csv", remove, "is gone"),
        ("structures/current.extxyz", cut, "written anew"),
        ("checkpoints/start.json", change, "no other walk can begin"),
    ] {
        damage(&walk.join(file));
        let output = step("3e-6", &["--resume"]);
        let message = said(&output);
        let name = Path::new(file).file_name().unwrap().to_str().unwrap();
        assert!(message.contains(name) && message.contains(how), "{message}");
        assert!(output.status.success(), "{message}");
        assert_eq!(log(), written);
    }
    change(&walk.join("checkpoints/walk.json"));
    let resume = step("4e-6", &["--resume"]);
    assert_eq!(resume.status.code(), Some(2));
    let message = said(&resume);
    assert!(
        message.contains("walk.json is damaged") && message.contains("checksum"),
        "{message}"
    );
    let elsewhere = folder.path().join("elsewhere");
    let from = [
        "akmc",
        text(&glass),
        "--out",
        text(&elsewhere),
        "--from",
        text(&walk),
    ];
    let message = refused(&[&from[..], &["--temperature", "0.3"]].concat());
    assert!(message.contains("start.json is damaged"), "{message}");
}
