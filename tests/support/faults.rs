//! A program whose every step on the disk is counted, and which is killed, or finds the disk
//! failing, at a chosen one: `faults.c`, preloaded.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process is killed before it.
    Kill,
    /// The process is killed in a write, half of which is done, or after any other step.
    KillWithin,
    /// This step fails.
    Fail,
    /// From here on the disk is full.
    Full,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::KillWithin => "within",
            Self::Fail => "fail",
            Self::Full => "full",
        }
    }
}

/// A step in which the folder is changed.
#[derive(Clone, Debug)]
pub struct Step {
    /// `write`, `sync`, `rename`, ...
    pub what: String,
    /// The file.
    pub path: String,
}

static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/faults.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "faults-{}-{}.so",
        env!("CARGO_CRATE_NAME"),
        std::process::id()
    ));
    // The compiler that SQLite was built with.
    let output = Command::new("cc")
        .args([
            "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o",
        ])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    library
});

/// Runs the program in `folder`, on one thread so that its steps have one order, with a fault at a
/// step counted from 1, or without one.
pub fn run_in(folder: &Path, arguments: &[String], fault: Option<(Fault, usize)>) -> Output {
    command(folder, arguments, fault, None).output().unwrap()
}

/// Runs the program to its end; what it did to the folder, step by step.
pub fn steps(folder: &Path, arguments: &[String], log: &Path) -> (Output, Vec<Step>) {
    let output = command(folder, arguments, None, Some(log))
        .output()
        .unwrap();
    let lines = std::fs::read_to_string(log).unwrap();
    let parse = |line: &str| {
        let (_, rest) = line.split_once(' ').unwrap();
        let (what, path) = rest.split_once(" /").unwrap();
        Step {
            what: what.to_owned(),
            path: format!("/{path}"),
        }
    };
    (output, lines.lines().map(parse).collect())
}

fn command(
    folder: &Path,
    arguments: &[String],
    fault: Option<(Fault, usize)>,
    log: Option<&Path>,
) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("metabasin"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", "1")
        .env("LD_PRELOAD", &*LIBRARY)
        .env("FAULTS_UNDER", folder);
    if let Some((fault, step)) = fault {
        command
            .env("FAULTS_KIND", fault.name())
            .env("FAULTS_STEP", step.to_string());
    }
    if let Some(log) = log {
        command.env("FAULTS_LOG", log);
    }
    command
}
