//! The README's tour does what it says: its commands run, and print what stands under them.
//!
//! `METABASIN_TOUR=write cargo test --test tour -- --include-ignored --test-threads 1` runs all of it
//! and writes what it printed into the README, in place of the lines that stand there.
#![cfg(test)]

#[path = "support/tour.rs"]
mod tour;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use tour::{Step, difference, rewritten, run, same_line, steps};

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn follow(wanted: impl Fn(&Step) -> bool) {
    let text = std::fs::read_to_string(readme()).unwrap();
    let folder = TempDir::new().unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_metabasin"));
    let all = steps(&text);
    let printed: Vec<(Step, String)> = all
        .into_iter()
        .filter(wanted)
        .map(|step| {
            let printed = run(&step, &program, folder.path());
            (step, printed)
        })
        .collect();
    assert!(printed.len() > 5, "the README has no tour");
    if std::env::var("METABASIN_TOUR").is_ok_and(|what| what == "write") {
        std::fs::write(readme(), rewritten(&text, &printed)).unwrap();
        return;
    }
    let differences: Vec<String> = printed
        .iter()
        .filter_map(|(step, printed)| difference(step, printed))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn the_quick_part_of_the_tour_prints_what_the_readme_shows() {
    follow(|step| !step.is_long);
}

#[test]
#[ignore = "takes minutes: for the nightly script"]
fn the_whole_tour_prints_what_the_readme_shows() {
    follow(|_| true);
}

const TEXT: &str = "## Before\n```console\n$ not this\n```\n## A tour\n```console\n$ one file # a word\n\
                    energy  -1.5000  (xx)\n...\nspeed   12 atom-steps/s\n$ two   # about 3 min: to the end\n$ three\n```\n\
                    ```sh\n$ nor this\n```\n## After\n```console\n$ nor that\n```\n";

#[test]
fn steps_are_read_from_the_tour_alone() {
    let found = steps(TEXT);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].command, "one file # a word");
    assert_eq!(found[0].shown.len(), 3);
    assert!(!found[0].is_long && found[1].is_long && found[2].is_long);
}

#[test]
fn outputs_differ_where_they_do() {
    let step = &steps(TEXT)[0];
    for printed in [
        "energy  -1.5000 (xx)\nspeed  13 atom-steps/s\n",
        "energy  -1.5001 (xx)\nmore\nand more\nspeed 1e5 atom-steps/s\n",
    ] {
        assert_eq!(difference(step, printed), None, "{printed}");
    }
    for printed in [
        "",
        "energy  -1.5003 (xx)\nspeed  13 atom-steps/s\n",
        "first\nenergy  -1.5000 (xx)\nspeed  13 atom-steps/s\n",
        "energy  -1.5000 (yy)\nspeed  13 atom-steps/s\n",
        "energy  -1.5000 (xx)\nspeed  13 atom-steps\n",
        "energy  -1.5000 (xx)\nspeed  13 atom-steps/s\nand more\n",
    ] {
        assert!(difference(step, printed).is_some(), "{printed}");
    }
    // Whole numbers are counts: no error is allowed them.
    assert!(!same_line("atoms 500", "atoms 501"));
    assert!(same_line("mean  1.0  2.0  ...", "mean 1.0 2.0 3.0 4.0"));
    assert!(!same_line("mean  1.0  2.0  ...", "mean 1.0"));
}

#[test]
fn a_tour_is_rewritten_line_by_line() {
    let found = steps(TEXT);
    let printed = "energy  -1.7000  (xx)\nand more\nspeed   15 atom-steps/s\n".to_owned();
    let fresh = rewritten(TEXT, &[(found[0].clone(), printed.clone())]);
    assert!(fresh.contains("energy  -1.7000  (xx)\n...\nspeed   15 atom-steps/s\n$ two"));
    assert_eq!(difference(&steps(&fresh)[0], &printed), None);
    assert_eq!(fresh.lines().count(), TEXT.lines().count());
}
