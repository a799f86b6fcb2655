//! One small catalogue that all tests of a file read and none writes to.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use metabasin_catalogue::{Catalogue, EventRecord};
use serde_json::Value;

use crate::program::{glass, json, text};

/// The catalogue, and what `search` said of it.
pub struct Shared {
    pub path: PathBuf,
    pub summary: Value,
}

pub const SEARCHES: &str = "5";
/// Finds three events in five searches.
pub const SEED: &str = "33";

pub static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME"));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("glass.sqlite");
    let _ = std::fs::remove_file(&path);
    let summary = search(&glass(), &path, SEARCHES, &["--temperature", "0.28"]);
    Shared { path, summary }
});

/// Searches into a catalogue; what `search` says of it.
pub fn search(file: &str, output: &Path, searches: &str, more: &[&str]) -> Value {
    let arguments = ["search", file, "-o", text(output), "--searches", searches];
    let settings = ["--seed", SEED, "--kernel", "portable"];
    json(&[&arguments[..], &settings[..], more].concat())
}

pub fn events(path: &Path) -> Vec<EventRecord> {
    Catalogue::open_read_only(path).unwrap().events().unwrap()
}
