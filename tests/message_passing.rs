//! Searches on the ranks of an MPI job: the catalogue is the one that a single process makes,
//! whoever is killed on the way. Where the program was built without MPI, or there is no `mpirun`,
//! these tests say so and are skipped.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use metabasin_testkit::data;
use tempfile::TempDir;

#[path = "support/catalogues.rs"]
mod catalogues;
#[path = "support/program.rs"]
mod program;
use catalogues::{arguments, contents, wait_for};
use program::{assert_keys, glass, json, refused, said, text};

/// One job at a time: each has several processes.
static ONE_JOB: Mutex<()> = Mutex::new(());

/// Twelve searches of one process.
static WHOLE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("message_passing");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("whole.sqlite");
    let _ = std::fs::remove_file(&path);
    json(&arguments(&glass(), &path, &["--searches", "12"]));
    path
});

/// Whether ranks can be started here; says which test is skipped and why.
fn ranks_can_start(test: &str) -> bool {
    if !cfg!(feature = "mpi") {
        eprintln!("skipped: {test}: built without --features mpi");
        return false;
    }
    let found = Command::new("mpirun").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {test}: there is no mpirun");
        return false;
    }
    true
}

/// An MPI job of groups of ranks, each with arguments of its own.
fn job(groups: &[(&str, Vec<&str>)]) -> Command {
    let mut command = Command::new("mpirun");
    // What a container needs, in Open MPI's words; others do not look at it.
    command
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .env("OMPI_MCA_rmaps_base_oversubscribe", "1");
    for (number, (ranks, arguments)) in groups.iter().enumerate() {
        if number > 0 {
            command.arg(":");
        }
        command
            .args(["-n", ranks, env!("CARGO_BIN_EXE_metabasin")])
            .args(arguments)
            .args(["--mpi", "--json"]);
    }
    command
}

fn finish(groups: &[(&str, Vec<&str>)]) -> Output {
    job(groups).stdin(Stdio::null()).output().unwrap()
}

/// Starts so many searches on `ranks` ranks that they are killed before the last one, however long
/// this process waits for its turn.
fn start(path: &Path, ranks: &str) -> Child {
    let glass = glass();
    job(&[(ranks, arguments(&glass, path, &["--searches", "1000"]))])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The ranks of a job, lowest first.
fn ranks(job: &Child) -> Vec<String> {
    let output = Command::new("ps")
        .args(["--ppid", &job.id().to_string(), "-o", "pid="])
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let mut ranks: Vec<u32> = listed
        .split_whitespace()
        .map(|process| process.parse().unwrap())
        .collect();
    ranks.sort_unstable();
    ranks.iter().map(ToString::to_string).collect()
}

fn kill(processes: &[String]) {
    let status = Command::new("kill")
        .arg("-9")
        .args(processes)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn ranks_make_the_catalogue_of_one_process() {
    if !ranks_can_start("ranks_make_the_catalogue_of_one_process") {
        return;
    }
    let _one = ONE_JOB.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    let glass = glass();
    let output = finish(&[("2", arguments(&glass, &path, &["--searches", "12"]))]);
    assert!(output.status.success(), "{}", said(&output));
    // One rank prints, the other is silent.
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_keys(&summary, &["searches", "outcomes", "events_distinct"]);
    assert_eq!(summary["searches"], 12);
    assert_eq!(contents(&path), contents(&WHOLE));
    assert!(!path.with_file_name("glass.sqlite.ahead").exists());
    // Nothing is left to do: more ranks than searches are let go.
    let again = arguments(&glass, &path, &["--searches", "13", "--resume"]);
    let output = finish(&[("3", again)]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(contents(&path).2[..12], contents(&WHOLE).2[..]);
    assert_eq!(contents(&path).2.len(), 13);
}

#[test]
fn a_killed_job_goes_on_with_any_number_of_ranks() {
    if !ranks_can_start("a_killed_job_goes_on_with_any_number_of_ranks") {
        return;
    }
    let _one = ONE_JOB.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = TempDir::new().unwrap();
    let glass = glass();
    // The rank that writes, one that helps, all at once; then three ranks, one process, two ranks.
    for (victim, ranks_after) in [("writer", "3"), ("helper", "1"), ("all", "2")] {
        let path = folder.path().join(format!("{victim}.sqlite"));
        let mut job = start(&path, "2");
        wait_for(&path, 2);
        let running = ranks(&job);
        assert_eq!(running.len(), 2, "{running:?}");
        match victim {
            "writer" => kill(&running[..1]),
            "helper" => kill(&running[1..]),
            _ => {
                job.kill().unwrap();
                kill(&running);
            }
        }
        assert!(!job.wait().unwrap().success(), "{victim}");
        let (_, _, stored) = contents(&path);
        assert!(stored.len() >= 2, "{victim}");
        let searches = (stored.len() + 2).max(12).to_string();
        let more = ["--searches", &searches, "--resume"];
        let whole = folder.path().join(format!("{victim}-whole.sqlite"));
        std::fs::copy(&*WHOLE, &whole).unwrap();
        json(&arguments(&glass, &whole, &more));
        let whole = contents(&whole);
        assert_eq!(stored[..], whole.2[..stored.len()], "{victim}");
        let resume = arguments(&glass, &path, &more);
        if ranks_after == "1" {
            json(&resume);
        } else {
            let output = finish(&[(ranks_after, resume)]);
            assert!(output.status.success(), "{victim}: {}", said(&output));
        }
        assert_eq!(contents(&path), whole, "{victim}");
    }
}

#[test]
fn a_rank_that_cannot_help_ends_the_job_by_name() {
    if !ranks_can_start("a_rank_that_cannot_help_ends_the_job_by_name") {
        return;
    }
    let _one = ONE_JOB.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    let (glass, other) = (glass(), data("wahn500_IS.data.gz"));
    let good = arguments(&glass, &path, &["--searches", "50"]);

    // It cannot read the sample.
    let blind = arguments("nowhere.extxyz", &path, &["--searches", "50"]);
    let output = finish(&[("1", good.clone()), ("1", blind)]);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in ["rank 1 on ", "nowhere.extxyz", "--resume"] {
        assert!(message.contains(part), "no '{part}' in {message}");
    }

    // It has another sample: what it found would be of no use.
    let good = [&good[..], &["--force"]].concat();
    let stranger = arguments(text(&other), &path, &["--searches", "50"]);
    let output = finish(&[("1", good), ("1", stranger)]);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in ["rank 1 on ", "would search otherwise", "minimum"] {
        assert!(message.contains(part), "no '{part}' in {message}");
    }

    // What is wrong for all is said once, with the exit code of a single process.
    let refused_here = arguments(&glass, &path, &["--searches", "50"]);
    let output = finish(&[("2", refused_here)]);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.matches("exists already").count(), 1, "{message}");
}

#[test]
fn a_program_without_mpi_says_so() {
    if cfg!(feature = "mpi") {
        eprintln!("skipped: a_program_without_mpi_says_so: built with --features mpi");
        return;
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    let glass = glass();
    let message = refused(&arguments(&glass, &path, &["--searches", "2", "--mpi"]));
    for part in ["--features mpi", "--range", "merge"] {
        assert!(message.contains(part), "no '{part}' in {message}");
    }
    assert!(!path.exists());
}
