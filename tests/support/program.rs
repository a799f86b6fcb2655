//! The program as scripts call it.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use metabasin_testkit::data;
use serde_json::Value;

/// Runs the program to its end, whatever comes of it.
pub fn metabasin(arguments: &[&str]) -> Output {
    Command::cargo_bin("metabasin")
        .unwrap()
        .args(arguments)
        .output()
        .unwrap()
}

/// What the program says on stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs with `--json`, expects success, returns the one object on stdout.
pub fn json(arguments: &[&str]) -> Value {
    let output = metabasin(&[arguments, &["--json"]].concat());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        said(&output)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs, expects exit code 2 and nothing on stdout, returns the message.
pub fn refused(arguments: &[&str]) -> String {
    let output = metabasin(arguments);
    assert_eq!(
        output.status.code(),
        Some(2),
        "{arguments:?}: {}",
        said(&output)
    );
    assert!(output.stdout.is_empty(), "{arguments:?}");
    said(&output)
}

/// A small, badly annealed glass: many low barriers.
pub fn glass() -> String {
    data("wahn300_T0.28.extxyz.gz").display().to_string()
}

/// A path as the argument that it becomes.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Whether an object has all these keys.
pub fn assert_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "no field '{key}' in {value}");
    }
}
