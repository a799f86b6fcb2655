//! A `Search` stage that settles first: `run` searches from the settled minimum, and from the same one
//! when it goes on.
#![cfg(test)]

use std::path::Path;

use metabasin_catalogue::Catalogue;
use metabasin_files::{Manifest, StageState, read_checkpoint};
use serde_json::Value;
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
use program::{assert_keys, glass, json, refused, text};

fn config() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/search.ron");
    text(&path).to_owned()
}

fn run(folder: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments = vec!["run".to_owned(), config()];
    arguments.extend(["--out", text(folder)].map(str::to_owned));
    for edit in [
        &format!("sample={}", glass()),
        "kernel=portable",
        "stages[1].searches=2",
        "stages[1].rates=None",
        "stages[1].settle=(barrier: 0.8, searches: 4)",
    ] {
        arguments.extend(["--set".to_owned(), edit.to_owned()]);
    }
    arguments.extend(more.iter().map(|&argument| argument.to_owned()));
    arguments
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn a_run_settles_once_and_goes_on_from_there() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    json(&borrowed(&run(&out, &[])));
    let results = read(&out.join("02-search/results.json"));
    assert_keys(
        &results,
        &["settled", "searches", "events_distinct", "crystallization"],
    );
    let moves = results["settled"].as_array().unwrap().len();
    let kept = out.join("02-search/checkpoints/settled.json");
    let settled: Value = read_checkpoint(&kept).unwrap();
    assert_eq!(settled["moves"].as_array().unwrap().len(), moves);
    let catalogue = out.join("catalogue.sqlite");
    let sample = || {
        Catalogue::open_read_only(&catalogue)
            .unwrap()
            .sample()
            .unwrap()
    };
    let found = sample();
    assert!(
        found.source.ends_with(&format!("settled by {moves} moves")),
        "{}",
        found.source
    );

    // As a stop after settling leaves it: the minimum is not looked for again.
    let mut manifest = Manifest::read(&out).unwrap();
    manifest.stages[1].state = StageState::Interrupted;
    manifest.write(&out).unwrap();
    std::fs::remove_file(&catalogue).unwrap();
    let settled = std::fs::read(&kept).unwrap();
    let written = std::fs::metadata(&kept).unwrap().modified().unwrap();
    json(&borrowed(&run(&out, &["--resume"])));
    assert_eq!(std::fs::read(&kept).unwrap(), settled);
    assert_eq!(
        std::fs::metadata(&kept).unwrap().modified().unwrap(),
        written
    );
    assert_eq!(sample().fingerprint, found.fingerprint);

    // A manifest that does not fit its own config.
    manifest.stages.pop();
    manifest.write(&out).unwrap();
    let message = refused(&borrowed(&run(&out, &["--resume"])));
    assert!(
        message.contains("run.json") && message.contains("--force"),
        "{message}"
    );
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    for (settle, said) in [
        (
            "stages[1].settle=(barrier: -1.0)",
            "barrier must be positive",
        ),
        (
            "stages[1].settle=(searches: 0)",
            "searches must be at least 1",
        ),
        (
            "stages[1].settings.heat=(growth: 0.5)",
            "heat.growth must be",
        ),
    ] {
        let message = refused(&borrowed(&run(&out, &["--set", settle])));
        assert!(message.contains(said), "{message}");
    }
    // The verb `search` would start elsewhere than the config says.
    let sample = format!("sample={}", glass());
    let catalogue = folder.path().join("glass.sqlite");
    let message = refused(&[
        "search",
        &config(),
        "--set",
        &sample,
        "--set",
        "stages[1].settle=(barrier: 0.8)",
        "-o",
        text(&catalogue),
    ]);
    assert!(message.contains("metabasin settle"), "{message}");
    assert!(!catalogue.exists());
}
