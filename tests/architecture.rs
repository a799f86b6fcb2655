//! ARCHITECTURE.md tells the truth about which crate uses which.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The arrows that the page lists.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md"))
            .unwrap();
    let quoted = |text: &str| -> Vec<String> {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    page.lines()
        .skip_while(|line| *line != "## Rooms and arrows")
        .take_while(|line| *line != "## What each room promises")
        .filter_map(|line| line.strip_prefix("- ")?.split_once(':'))
        .map(|(room, uses)| (quoted(room).remove(0), quoted(uses).into_iter().collect()))
        .collect()
}

/// The arrows that cargo sees, development dependencies apart.
fn actual() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let short = |name: &str| name.strip_prefix("metabasin-").unwrap_or(name).to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let uses = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap())
                .filter(|name| name.starts_with("metabasin-"))
                .map(short)
                .collect();
            (short(package["name"].as_str().unwrap()), uses)
        })
        .collect()
}

#[test]
fn the_page_lists_exactly_the_arrows_that_cargo_sees() {
    let (documented, actual) = (documented(), actual());
    assert!(documented.len() > 10, "the list on the page was not found");
    assert_eq!(documented, actual);
}

#[test]
fn rooms_that_must_not_see_each_other_do_not() {
    let arrows = actual();
    let rooms = ["md", "landscape", "structure", "eshelby"];
    for room in rooms {
        for other in rooms {
            assert!(!arrows[room].contains(other), "{room} sees {other}");
        }
    }
    assert!(!arrows["md"].contains("catalogue"));
    assert!(!arrows["report"].contains("md") && !arrows["report"].contains("pipeline"));
}
