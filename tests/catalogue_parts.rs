//! Catalogues made in parts, by several processes, by killed ones: what is finished is kept, and
//! what is put together is what one process would have made.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use metabasin_testkit::data;
use tempfile::TempDir;

#[path = "support/catalogues.rs"]
mod catalogues;
#[path = "support/program.rs"]
mod program;
use catalogues::{arguments, contents, wait_for};
use program::{assert_keys, glass, json, metabasin, refused, said, text};

/// Eight searches of one process.
static WHOLE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("catalogue_parts");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("whole.sqlite");
    let _ = std::fs::remove_file(&path);
    let glass = glass();
    json(&arguments(&glass, &path, &["--searches", "8"]));
    path
});

fn part(folder: &TempDir, name: &str, range: &str, more: &[&str]) -> PathBuf {
    let path = folder.path().join(name);
    let glass = glass();
    json(&arguments(
        &glass,
        &path,
        &[&["--range", range], more].concat(),
    ));
    path
}

#[test]
fn merged_ranges_are_what_one_process_makes() {
    let folder = TempDir::new().unwrap();
    let a = part(&folder, "a.sqlite", "0..3", &[]);
    let b = part(&folder, "b.sqlite", "3..4", &[]);
    let c = part(&folder, "c.sqlite", "4..8", &[]);
    let output = folder.path().join("merged.sqlite");
    // In any order.
    let merged = json(&["merge", text(&c), text(&a), text(&b), "-o", text(&output)]);
    assert_keys(
        &merged,
        &[
            "parts",
            "searches",
            "events_found",
            "events_distinct",
            "missing",
        ],
    );
    assert_eq!(contents(&output), contents(&WHOLE));
    let (_, events, searches) = contents(&WHOLE);
    assert_eq!(merged["events_distinct"], events.len());
    assert_eq!(merged["searches"], searches.len());
    // Two parts found events, or the test shows nothing.
    assert!(events.len() > 1);
    // The merged catalogue can be added to, as any other.
    let glass = glass();
    json(&arguments(
        &glass,
        &output,
        &["--searches", "9", "--resume"],
    ));
    assert_eq!(contents(&output).2[..8], searches[..]);

    // A hole is refused by name, or merged when asked.
    let hole = folder.path().join("hole.sqlite");
    let with_hole = ["merge", text(&a), text(&c), "-o", text(&hole)];
    let message = refused(&with_hole);
    assert!(
        message.contains("3..4") && message.contains("--partial"),
        "{message}"
    );
    assert!(!hole.exists());
    let partial = json(&[&with_hole[..], &["--partial"]].concat());
    assert_eq!(partial["missing"], serde_json::json!([[3, 4]]));
    assert_eq!(contents(&hole).2.len(), 7);
    // An output in the way.
    assert!(refused(&with_hole).contains("--force"));
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let folder = TempDir::new().unwrap();
    let a = part(&folder, "a.sqlite", "0..2", &[]);
    let overlapping = part(&folder, "b.sqlite", "1..3", &[]);
    let output = folder.path().join("merged.sqlite");
    let merge = |other: &Path| refused(&["merge", text(&a), text(other), "-o", text(&output)]);
    let message = merge(&overlapping);
    assert!(
        message.contains("0..2") && message.contains("1..3") && message.contains("overlap"),
        "{message}"
    );
    let path = folder.path().join("seed.sqlite");
    let glass = glass();
    json(&[
        "search",
        &glass,
        "-o",
        text(&path),
        "--seed",
        "77",
        "--kernel",
        "portable",
        "--range",
        "2..3",
    ]);
    let message = merge(&path);
    assert!(
        message.contains("seed is 33") && message.contains("77"),
        "{message}"
    );
    let path = folder.path().join("sample.sqlite");
    let other = data("wahn500_IS.data.gz");
    json(&arguments(text(&other), &path, &["--range", "2..3"]));
    let message = merge(&path);
    for sample in [&a, &path] {
        let fingerprint = contents(sample).0.fingerprint;
        assert!(message.contains(&fingerprint), "{message}");
    }
    let path = folder.path().join("cut.sqlite");
    json(&arguments(
        &glass,
        &path,
        &["--range", "2..3", "--cut", "shifted"],
    ));
    let message = merge(&path);
    assert!(message.contains("cannot be merged"), "{message}");
    assert!(!output.exists());
    // A range is resumed as itself, and a range that makes no sense is refused.
    let message = refused(&arguments(
        &glass,
        &overlapping,
        &["--searches", "5", "--resume"],
    ));
    assert!(
        message.contains("1..3") && message.contains("merge"),
        "{message}"
    );
    assert!(refused(&arguments(&glass, &output, &["--range", "5..5"])).contains("200..300"));
}

fn start(output: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_metabasin"))
        .args(arguments(&glass(), output, &["--searches", "200"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_second_writer_is_told_who_writes_and_a_killed_one_leaves_whole_searches() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    let mut writer = start(&path);
    wait_for(&path, 2);
    let glass = glass();
    for more in [
        &["--searches", "9", "--resume"][..],
        &["--searches", "9", "--force"],
    ] {
        let message = refused(&arguments(&glass, &path, more));
        let process = format!("process {}", writer.id());
        assert!(message.contains(&process), "{message}");
    }
    // Readers are welcome.
    assert!(json(&["barriers", text(&path)])["events"].is_u64());
    writer.kill().unwrap();
    writer.wait().unwrap();
    let (_, _, searches) = contents(&path);
    let (_, events, whole) = contents(&WHOLE);
    let both = searches.len().min(whole.len());
    assert!(both >= 2);
    assert_eq!(searches[..both], whole[..both]);
    // Goes on where it was killed, up to what one process would have made; by then it may have got farther than that.
    let number = searches.len().max(whole.len());
    let up_to = number.to_string();
    json(&arguments(
        &glass,
        &path,
        &["--searches", &up_to, "--resume"],
    ));
    let (_, found, searches) = contents(&path);
    assert_eq!(searches.len(), number);
    assert_eq!(searches[..whole.len()], whole);
    if number == whole.len() {
        assert_eq!(found, events);
    }
    assert!(!path.with_file_name("glass.sqlite.lock").exists());
}

#[test]
fn events_are_derived_again_and_a_spoilt_one_is_recorded() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("copy.sqlite");
    std::fs::copy(&*WHOLE, &path).unwrap();
    let verify = ["barriers", text(&path), "--verify", "--kernel", "portable"];
    let found = json(&verify);
    assert_keys(&found, &["events", "holds", "fails", "largest", "rows"]);
    let events = contents(&path).1;
    assert_eq!(
        (found["events"].as_u64(), &found["fails"]),
        (Some(events.len() as u64), &0.into())
    );
    // Polished to 1e-8 both times: energies agree far better than they must.
    assert!(
        found["largest"]["barrier"].as_f64().unwrap() < 1e-9,
        "{found}"
    );
    assert!(
        found["largest"]["displacement"].as_f64().unwrap() < 1e-5,
        "{found}"
    );
    let rows = found["rows"].as_array().unwrap();
    for (row, event) in rows.iter().zip(&events) {
        assert_eq!(row["event"], event.id);
        assert_eq!(
            (&row["index"], &row["connected"]),
            (&1.into(), &true.into())
        );
    }
    let one = json(&[&verify[..], &["--events", "1"]].concat());
    assert_eq!(one["events"], 1);
    assert_eq!(one["rows"][0], rows[0]);

    // A barrier that is 0.1 % off, and an event that leads nowhere near its saddle.
    let database = rusqlite::Connection::open(&path).unwrap();
    let spoil = "UPDATE events SET barrier_forward = barrier_forward * 1.001,
                     energy_saddle = energy_saddle + 0.001 * barrier_forward,
                     barrier_reverse = barrier_reverse + 0.001 * barrier_forward WHERE id = 1";
    database.execute(spoil, []).unwrap();
    drop(database);
    let output = metabasin(&[&verify[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains(&format!("1 of {}", events.len())));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["rows"].as_array().unwrap().len(), events.len());
    let failure = found["rows"][0]["failure"].as_str().unwrap();
    assert!(failure.contains("forward barrier"), "{failure}");

    // Positions that moved: not the sample of these events any more.
    let database = rusqlite::Connection::open(&path).unwrap();
    let positions: Vec<u8> = database
        .query_row("SELECT positions FROM samples", [], |row| row.get(0))
        .unwrap();
    let mut moved = positions;
    moved[..8].copy_from_slice(&0.5_f64.to_le_bytes());
    database
        .execute("UPDATE samples SET positions = ?1", [moved])
        .unwrap();
    drop(database);
    let message = refused(&verify);
    assert!(
        message.contains(&contents(&path).0.fingerprint),
        "{message}"
    );
    assert!(message.contains("the sample given is"), "{message}");
}

#[test]
fn a_coverage_that_is_none_is_refused_and_one_not_reached_is_said() {
    let folder = TempDir::new().unwrap();
    let glass = glass();
    let path = folder.path().join("no.sqlite");
    for coverage in ["1.5", "nan"] {
        let goal = ["--searches", "5", "--until-coverage", coverage];
        let message = refused(&arguments(&glass, &path, &goal));
        assert!(message.contains("between 0 and 1"), "{message}");
    }
    let goal = [
        "--searches",
        "3",
        "--until-coverage",
        "0.9",
        "--window",
        "5",
    ];
    let found = json(&arguments(&glass, &path, &goal));
    assert_eq!(
        (&found["searches"], &found["coverage_reached"]),
        (&3.into(), &false.into())
    );
}
