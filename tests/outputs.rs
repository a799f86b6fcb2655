//! What a verb writes is never what it reads, and is tried before the work.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;

use metabasin_catalogue::Catalogue;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
#[path = "support/small_catalogue.rs"]
mod small_catalogue;
use program::{assert_keys, glass, json, metabasin, refused, said, text};
use small_catalogue::{SHARED, events, search};

/// Every verb that writes where it is told: its words, with `IN` for what it reads and `OUT` for
/// what it writes.
const WRITERS: [&str; 32] = [
    "demo --out OUT",
    "run IN --out OUT",
    "kmc IN --out OUT",
    "energy IN --per-atom OUT",
    "minimize IN -o OUT",
    "settle IN -o OUT",
    "analyze IN --per-atom OUT",
    "analyze GLASS --reference IN --per-atom OUT",
    "search IN -o OUT",
    "merge IN -o OUT",
    "merge GLASS IN -o OUT",
    "akmc IN --out OUT --temperature 0.3",
    "akmc GLASS --out OUT --temperature 0.3 --catalogue IN",
    "akmc GLASS --out OUT --temperature 0.3 --from IN",
    "barriers IN --csv OUT",
    "barriers IN --plot OUT",
    "barriers IN --parquet OUT",
    "activation IN --csv OUT",
    "activation IN --plot OUT",
    "escape IN --csv OUT",
    "escape IN --plot OUT",
    "recall IN --csv OUT",
    "recall IN --plot OUT",
    "recall IN --missing OUT",
    "harvest IN --csv OUT",
    "harvest IN --plot OUT",
    "step IN --csv OUT",
    "step IN --plot OUT",
    "export IN --format csv -o OUT",
    "export IN --format sqlite -o OUT",
    "export-lammps IN -o OUT",
    "import-lammps IN -o OUT",
];

/// Those that write nothing, nothing but what they are about, or beside folders only.
const OTHERS: [&str; 7] = [
    "init",
    "check",
    "prefactors",
    "compare",
    "report",
    "bench",
    "help",
];

#[test]
fn every_verb_is_looked_at() {
    let help = metabasin(&["--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split_once("Commands:\n").unwrap().1;
    let listed = listed.split_once("\n\n").unwrap().0;
    let verbs: BTreeSet<&str> = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let writers = WRITERS.iter().filter_map(|words| words.split(' ').next());
    assert_eq!(verbs, writers.chain(OTHERS).collect());
}

#[test]
fn no_verb_replaces_what_it_reads() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/kmc.ron");
    let config = std::fs::read_to_string(config).unwrap();
    // The content does not matter: names are looked at before anything is read, but for configs.
    let input = at("input.ron");
    std::fs::write(&input, &config).unwrap();
    std::fs::create_dir(at("sub")).unwrap();
    std::fs::hard_link(&input, at("hard.svg")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&input, at("soft.svg")).unwrap();
    let spellings = [
        "input.ron",
        "sub/../input.ron",
        "hard.svg",
        #[cfg(unix)]
        "soft.svg",
    ];
    let glass = glass();
    for words in WRITERS.iter().filter(|words| words.contains("IN")) {
        for (k, spelling) in spellings.iter().enumerate() {
            let output = at(spelling);
            let words = words.split(' ').map(|word| match word {
                "IN" => text(&input),
                "OUT" => text(&output),
                "GLASS" => &glass,
                word => word,
            });
            // With --force and without: an input is no output that might be replaced.
            let force = (k != 1).then_some("--force");
            let arguments: Vec<&str> = words.chain(force).collect();
            let message = refused(&arguments);
            assert!(
                message.contains("which is read"),
                "{arguments:?}: {message}"
            );
            assert_eq!(std::fs::read_to_string(&input).unwrap(), config);
        }
    }
    // The input, its two links and the folder.
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        spellings.len()
    );
}

#[test]
fn what_a_run_replaces_is_not_what_it_reads() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let walk = at("walk");
    std::fs::create_dir_all(walk.join("structures")).unwrap();
    std::fs::create_dir_all(walk.join("checkpoints")).unwrap();
    std::fs::write(walk.join("checkpoints/walk.json"), "{}").unwrap();
    let start = walk.join("structures/current.extxyz");
    std::fs::copy(glass(), &start).unwrap();
    let before = std::fs::read(&start).unwrap();
    let message = refused(&[
        "akmc",
        text(&start),
        "--out",
        text(&walk),
        "--temperature",
        "0.3",
        "--force",
    ]);
    assert!(message.contains("could be replaced"), "{message}");
    assert_eq!(std::fs::read(&start).unwrap(), before);
    assert!(walk.join("checkpoints/walk.json").exists());
}

#[test]
fn two_outputs_are_two_files() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (
        folder.path().join("a.svg"),
        folder.path().join("./x/../a.svg"),
    );
    std::fs::create_dir(folder.path().join("x")).unwrap();
    let catalogue = text(&SHARED.path);
    for verb in ["barriers", "activation", "escape"] {
        let message = refused(&[verb, catalogue, "--csv", text(&one), "--plot", text(&other)]);
        assert!(message.contains("the same file"), "{message}");
    }
    let message = refused(&[
        "barriers",
        catalogue,
        "--csv",
        text(&one),
        "--parquet",
        text(&one),
        "--force",
    ]);
    assert!(message.contains("the same file"), "{message}");
    assert!(!one.exists());
}

#[test]
fn an_output_that_cannot_be_is_refused_before_anything_is_read() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let file = at("file");
    std::fs::write(&file, "in the way").unwrap();
    std::fs::write(at("taken.svg"), "mine").unwrap();
    std::fs::write(at("taken.extxyz"), "mine").unwrap();
    // Nothing of this name is there: whoever reads first says so.
    let absent = at("absent");
    let of_file = |words: &str| words.contains("-o OUT") || words.contains("--per-atom OUT");
    for words in WRITERS.iter().filter(|words| words.contains("IN")) {
        if words.contains("--parquet") && !cfg!(feature = "parquet") {
            continue;
        }
        let verb = words.split(' ').next().unwrap();
        let config = [
            "run",
            "kmc",
            "search",
            "merge",
            "akmc",
            "export-lammps",
            "import-lammps",
        ];
        if config.contains(&verb) {
            continue;
        }
        let endings: &[&str] = if of_file(words) {
            &["file/a.extxyz", "none/a.extxyz", "taken.extxyz"]
        } else {
            &["file/a.svg", "none/a.svg", "taken.svg"]
        };
        for ending in endings {
            let output = at(ending);
            let arguments: Vec<&str> = words
                .split(' ')
                .map(|word| match word {
                    "IN" | "GLASS" => text(&absent),
                    "OUT" => text(&output),
                    word => word,
                })
                .collect();
            let message = refused(&arguments);
            assert!(message.contains(text(&output)), "{arguments:?}: {message}");
            assert!(!message.contains("absent"), "{arguments:?}: {message}");
        }
    }
    for (arguments, remedy) in [
        (
            ["barriers", text(&absent), "--plot", "a.png"],
            "end the name in .svg",
        ),
        (
            ["activation", text(&absent), "--plot", "a"],
            "end the name in .svg",
        ),
        (
            ["settle", text(&absent), "-o", "a.cif"],
            "end it in .extxyz",
        ),
        (["minimize", text(&absent), "-o", "a"], "end it in .extxyz"),
    ] {
        let message = refused(&arguments);
        assert!(message.contains(remedy), "{message}");
    }
    assert_eq!(std::fs::read_to_string(at("taken.svg")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

/// A disk that takes no file of more than a few blocks.
#[cfg(unix)]
#[test]
fn a_result_is_printed_though_its_plot_cannot_be_written() {
    let folder = TempDir::new().unwrap();
    let plot = folder.path().join("a.svg");
    let script = "ulimit -f 1; trap '' XFSZ; exec \"$@\"";
    let output = std::process::Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_metabasin")])
        .args([
            "barriers",
            text(&SHARED.path),
            "--plot",
            text(&plot),
            "--json",
        ])
        .output()
        .unwrap();
    let message = said(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("a.svg") && message.contains("is complete"),
        "{message}"
    );
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let whole = json(&["barriers", text(&SHARED.path)]);
    assert_eq!(printed, whole);
    assert!(!plot.exists());
}

#[test]
fn a_catalogue_is_exported_as_itself_while_it_is_written() {
    let folder = TempDir::new().unwrap();
    let (path, copy) = (
        folder.path().join("a.sqlite"),
        folder.path().join("b.sqlite"),
    );
    std::fs::copy(&SHARED.path, &path).unwrap();
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM searches")
        .unwrap();
    let arguments = [
        "export",
        text(&path),
        "--format",
        "sqlite",
        "-o",
        text(&copy),
    ];
    let found = json(&arguments);
    assert_keys(&found, &["file", "events"]);
    assert_eq!(found["events"], events(&SHARED.path).len());
    assert_eq!(events(&copy), events(&SHARED.path));
    let (here, there) = (
        Catalogue::open_read_only(&copy),
        Catalogue::open_read_only(&SHARED.path),
    );
    assert_eq!(
        here.unwrap().searches().unwrap(),
        there.unwrap().searches().unwrap()
    );
    assert!(refused(&arguments).contains("--force"));
    writer.execute_batch("ROLLBACK").unwrap();
    json(&[&arguments[..], &["--force"]].concat());
    let names: BTreeSet<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["a.sqlite".into(), "b.sqlite".into()].into());
}

#[test]
fn searches_that_are_resumed_with_something_else_say_with_what() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let glass = glass();
    let resume = |more: &[&str]| {
        let words = [
            "search",
            &glass,
            "-o",
            text(&path),
            "--searches",
            "6",
            "--resume",
        ];
        let same = ["--kernel", "portable", "--seed", small_catalogue::SEED];
        refused(&[&words[..], &same[..], more].concat())
    };
    for (more, values) in [
        (
            &["--temperature", "0.3"][..],
            ["temperature 0.28 there", "0.3 now"],
        ),
        (&["--heat"], ["heat null there", "temperature"]),
        (&["--gradient-flow"], ["descents", "gradient_flow"]),
    ] {
        let message = resume(more);
        for value in values {
            assert!(message.contains(value), "{more:?}: {message}");
        }
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // A temperature that is not given is the catalogue's.
    let resumed = search(&glass, &path, "5", &["--resume"]);
    assert_eq!(resumed["searches"], SHARED.summary["searches"]);
}

#[test]
fn a_printed_config_is_json_when_asked() {
    let printed = json(&["init", "shear"]);
    let plain = metabasin(&["init", "shear"]);
    let plain = String::from_utf8(plain.stdout).unwrap();
    assert_eq!(printed["config"].as_str().unwrap(), plain);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/shear.ron");
    assert_eq!(plain, std::fs::read_to_string(file).unwrap());
}
