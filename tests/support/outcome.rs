//! What a command left in a folder: whether each file is whole, and all that must not depend on how
//! often it was stopped on the way.

use std::collections::BTreeMap;
use std::path::Path;

use metabasin_catalogue::Catalogue;
use metabasin_files::{Manifest, read_series, read_trajectory};
use serde_json::Value;

/// Files by their path in the folder, without what differs from run to run.
pub type Outcome = BTreeMap<String, String>;

/// Times and places.
const VARYING: [&str; 5] = ["started", "finished", "seconds", "host", "crc32"];

/// What a folder holds, whole: panics at the first file that is not.
pub fn outcome(folder: &Path) -> Outcome {
    let mut outcome = Outcome::new();
    collect(folder, folder, &mut outcome);
    outcome
}

fn collect(root: &Path, folder: &Path, outcome: &mut Outcome) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, outcome);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().display().to_string();
        // Locks; files that a killed process left on their way into being; what SQLite needs to take
        // a broken-off transaction back.
        let passing = [".lock", ".part", "-journal", "-wal", "-shm"];
        if !passing.iter().any(|ending| name.ends_with(ending)) {
            outcome.insert(name, content(&path));
        }
    }
}

fn content(path: &Path) -> String {
    let shown = path.display();
    let ending = path.extension().and_then(|ending| ending.to_str());
    if matches!(ending, Some("sqlite" | "merging")) {
        return rows(path);
    }
    let bytes = std::fs::read(path).unwrap();
    if matches!(ending, Some("gz" | "parquet")) {
        return format!("{bytes:?}");
    }
    let text = String::from_utf8(bytes).unwrap();
    match ending {
        Some("json") => {
            let mut value: Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{shown}: {error}"));
            strip(&mut value);
            value.to_string()
        }
        Some("html") => {
            // It shows how long the stages took.
            assert!(text.trim_end().ends_with("</html>"), "{shown} is cut");
            String::new()
        }
        Some("svg") => {
            assert!(text.trim_end().ends_with("</svg>"), "{shown} is cut");
            text
        }
        Some("extxyz") => {
            read_trajectory(path).unwrap_or_else(|error| panic!("{error}"));
            text
        }
        Some("csv") if text.starts_with("# metabasin series") => {
            // A kill cuts the last line, or leaves nothing but a beginning of the header.
            let titles = text
                .split_once("\nstep,")
                .map(|(_, rest)| rest.contains('\n'));
            if titles == Some(true) {
                read_series(path).unwrap_or_else(|error| panic!("{error}"));
            }
            text
        }
        Some("csv") => without_seconds(&text),
        // Results on their way: checked line by line by who reads them.
        _ => text,
    }
}

/// The rows of a catalogue that SQLite finds whole.
fn rows(path: &Path) -> String {
    let catalogue = Catalogue::open_read_only(path)
        // A transaction that was broken off is taken back by whoever may write.
        .or_else(|_| Catalogue::open(path))
        .unwrap_or_else(|error| panic!("{error}"));
    catalogue
        .check_integrity()
        .unwrap_or_else(|error| panic!("{error}"));
    let mut searches = catalogue.searches().unwrap();
    for search in &mut searches {
        search.seconds = 0.0;
    }
    format!(
        "{:?}\n{:?}\n{searches:?}",
        catalogue.sample().unwrap(),
        catalogue.events().unwrap()
    )
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in VARYING {
                fields.remove(name);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Without a last column of seconds, where the table has one.
fn without_seconds(text: &str) -> String {
    let timed = text
        .lines()
        .find(|line| !line.starts_with('#'))
        .is_some_and(|titles| titles.ends_with(",seconds"));
    let shorten = |line: &str| match line.rsplit_once(',') {
        Some((kept, _)) if timed && !line.starts_with('#') => kept.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|line| shorten(line) + "\n").collect()
}

/// Checks that every file that a finished run took down is what it was.
pub fn assert_undamaged(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.join(Manifest::FILE_NAME).exists() {
            let damages = Manifest::read(&path).unwrap().damages(&path);
            assert!(damages.is_empty(), "{damages:?}");
        }
    }
}
