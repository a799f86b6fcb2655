//! Every config that ships is valid, and every bad one yields exactly the error it names.
#![cfg(test)]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ron"))
        .collect();
    files.sort();
    files
}

/// All configs that ship, those in subfolders too.
fn shipped() -> Vec<PathBuf> {
    ["configs", "configs/small", "configs/paper"]
        .into_iter()
        .flat_map(files)
        .collect()
}

fn check(file: &Path) -> (Option<i32>, Value, String) {
    let output = Command::cargo_bin("metabasin")
        .unwrap()
        .args(["check", "--json"])
        .arg(file)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{stdout}: {error}"));
    (
        output.status.code(),
        value,
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn every_config_that_ships_is_valid_and_has_a_cost() {
    let all = shipped();
    assert!(all.len() >= 12);
    for file in all {
        let (code, value, stderr) = check(&file);
        assert_eq!(code, Some(0), "{}: {stderr}", file.display());
        assert_eq!(value["valid"], true);
        assert!(
            value["estimate"]["seconds"].as_f64().unwrap() > 0.0,
            "{}",
            file.display()
        );
    }
}

#[test]
fn every_line_of_a_config_that_ships_is_explained() {
    for file in shipped() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut explained_above = false;
        for (number, line) in text.lines().enumerate() {
            let code = line.trim();
            let is_value = code.contains(": ") && !code.starts_with("//");
            let is_title_or_list = code.starts_with("title:") || code.ends_with(['[', '(']);
            assert!(
                !is_value || is_title_or_list || explained_above || code.contains("//"),
                "{}:{}: no comment: {line}",
                file.display(),
                number + 1
            );
            explained_above = code.starts_with("//");
        }
    }
}

#[test]
fn every_bad_config_yields_the_error_it_names() {
    let all = files("tests/configs/bad");
    assert!(all.len() >= 20);
    for file in all {
        let text = std::fs::read_to_string(&file).unwrap();
        let expected = text
            .lines()
            .next()
            .unwrap()
            .strip_prefix("// expect: ")
            .unwrap()
            .to_owned();
        let (code, value, stderr) = check(&file);
        let name = file.display();
        assert_eq!(code, Some(2), "{name}");
        assert_eq!(value["valid"], false, "{name}");
        let errors = value["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{name}: {errors:#?}");
        let error = &errors[0];
        let shown = format!(
            "{}: {}",
            error["field"].as_str().unwrap(),
            error["message"].as_str().unwrap()
        );
        assert!(
            shown.contains(&expected),
            "{name}: expected '{expected}' in '{shown}'"
        );
        assert!(error["line"].as_u64().unwrap() >= 2, "{name}: {error}");
        assert!(
            stderr.contains(&format!("{}:{}:", file.display(), error["line"])),
            "{stderr}"
        );
    }
}

#[test]
fn init_prints_exactly_the_configs_that_ship() {
    for name in ["demo", "shear", "search", "kmc", "from-sample"] {
        let output = Command::cargo_bin("metabasin")
            .unwrap()
            .args(["init", name])
            .output()
            .unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("configs/{name}.ron"));
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            std::fs::read_to_string(path).unwrap()
        );
    }
}

#[test]
fn init_writes_the_sample_that_ships() {
    let folder = tempfile::TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        Command::cargo_bin("metabasin")
            .unwrap()
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/glass.data.gz");
    let shipped = std::fs::read(shipped).unwrap();
    assert_eq!(run(&["init", "--sample"]).stdout, shipped);
    let written = run(&["init", "--sample", "-o", "glass.data.gz"]);
    assert_eq!(written.status.code(), Some(0));
    assert!(written.stdout.is_empty());
    let path = folder.path().join("glass.data.gz");
    assert_eq!(std::fs::read(&path).unwrap(), shipped);
    for bad in [
        &["init", "--sample", "-o", "glass.data.gz"][..],
        &["init", "--sample", "-o", "glass.data"],
        &["init", "shear", "-o", "shear.ron.gz"],
        &["init", "shear", "--sample"],
    ] {
        assert_eq!(run(bad).status.code(), Some(2), "{bad:?}");
    }
    assert_eq!(
        run(&["init", "shear", "-o", "shear.ron"]).status.code(),
        Some(0)
    );
    assert!(folder.path().join("shear.ron").exists());
    // It says where it comes from, and is as well relaxed as that says (the demo: -6.93 and 0.26).
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&shipped[..]), &mut text)
        .unwrap();
    let title = text.lines().next().unwrap();
    assert!(
        title.contains("configs/swap.ron") && title.contains("seed"),
        "{title}"
    );
    let relaxed = run(&[
        "minimize",
        "glass.data.gz",
        "-o",
        "inherent.extxyz",
        "--json",
    ]);
    let relaxed: Value = serde_json::from_slice(&relaxed.stdout).unwrap();
    assert!(relaxed["energy_per_atom"].as_f64().unwrap() < -7.05);
    let found = run(&["analyze", "inherent.extxyz", "--json"]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["atoms"], 500);
    assert!(found["icosahedral"]["fraction_of_small"].as_f64().unwrap() > 0.35);
    assert!(found["laves_largest_cluster"].as_u64().unwrap() < 12);
}
