//! Every verb that writes, killed, or with a failing disk, at the steps in which it writes: what is
//! there is whole, nothing that was there is lost, and the same command ends with the same bits as
//! one that nothing disturbed.
//!
//! A few faults of each kind by default; `METABASIN_FAULTS=1000` asks for that many kills and as
//! many failures, spread over all verbs and all their steps (`.ci/nightly`).
#![cfg(test)]
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use metabasin_testkit::data;
use rayon::prelude::*;
use tempfile::TempDir;

#[path = "support/faults.rs"]
mod faults;
#[path = "support/outcome.rs"]
mod outcome;
#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use faults::{Fault, Step, run_in, steps};
use outcome::{Outcome, assert_undamaged, outcome};
use program::said;

/// Faults of each kind where the environment does not say.
const USUAL: usize = 40;

/// A command, and what it needs.
struct Scenario {
    name: &'static str,
    /// Files and folders of [`FIXTURES`] that it reads.
    inputs: &'static [&'static str],
    arguments: &'static str,
}

const GLASS: &str = "glass.extxyz.gz";

/// The stages of a run that has them all, far too short to mean anything.
const STAGES: &str = "FromSample(temperature: Reduced(0.28)), Equilibrate(duration: Tau(2.0), \
     quenches: 2), Shear(rates: [PerTau(0.05)], strain: 0.02, pairs: 1, quenches: 2), \
     Unload(unload_rate: PerTau(0.05)), Recover(quenches: 2), Relax(copies: 1, duration: Tau(0.1), \
     quenches: 2), Search(searches: 3), Kmc(rates: [PerTau(0.05)], unload_rate: PerTau(0.05), \
     strain: 0.02, pairs: 1, temperature: Reduced(0.28), settings: (sites_per_edge: 4, \
     upper_barrier: 20.0)), Compare()";

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "run",
        inputs: &[GLASS, "run.ron"],
        arguments: "run run.ron --out out",
    },
    Scenario {
        name: "demo",
        inputs: &[GLASS],
        arguments: "demo --out out --set kernel=portable --set sample=glass.extxyz.gz --set \
                    stages=[FromSample(temperature:Reduced(0.28)),Equilibrate(duration:Tau(2.0),\
                    quenches:2)]",
    },
    Scenario {
        name: "kmc",
        inputs: &["small.sqlite", "kmc.ron"],
        arguments: "kmc kmc.ron --out out",
    },
    Scenario {
        name: "report",
        inputs: &["done"],
        arguments: "report done",
    },
    Scenario {
        name: "search",
        inputs: &[GLASS],
        arguments: "search glass.extxyz.gz -o out.sqlite --searches 3 --seed 33 --kernel portable \
                    --prefactors",
    },
    Scenario {
        name: "merge",
        inputs: &["a.sqlite", "b.sqlite"],
        arguments: "merge a.sqlite b.sqlite -o out.sqlite",
    },
    Scenario {
        name: "merge over a catalogue",
        inputs: &["a.sqlite", "b.sqlite", "small.sqlite"],
        arguments: "merge a.sqlite b.sqlite -o small.sqlite --force",
    },
    Scenario {
        name: "akmc",
        inputs: &[GLASS, "small.sqlite"],
        arguments: "akmc glass.extxyz.gz --catalogue small.sqlite --out out --temperature 0.3 \
                    --time 3e-6 --every 1e-6 --trajectories 0 --kernel portable",
    },
    Scenario {
        name: "settle",
        inputs: &[GLASS],
        arguments: "settle glass.extxyz.gz -o out.extxyz --searches 1 --kernel portable",
    },
    Scenario {
        name: "minimize",
        inputs: &[GLASS],
        arguments: "minimize glass.extxyz.gz -o out.extxyz --kernel portable",
    },
    Scenario {
        name: "analyze",
        inputs: &[GLASS],
        arguments: "analyze glass.extxyz.gz --per-atom out.csv --kernel portable",
    },
    Scenario {
        name: "activation",
        inputs: &["small.sqlite"],
        arguments: "activation small.sqlite --events 2 --steps 1 --to 0.001 --csv out.csv --plot \
                    out.svg --kernel portable",
    },
    Scenario {
        name: "escape",
        inputs: &["small.sqlite"],
        arguments: "escape small.sqlite --temperatures 1.0 --trajectories 1 --csv out.csv --plot \
                    out.svg --kernel portable",
    },
    Scenario {
        name: "recall",
        inputs: &["small.sqlite"],
        arguments: "recall small.sqlite --trajectories 2 --longest 2 --csv out.csv --plot out.svg \
                    --missing out.extxyz --kernel portable",
    },
    Scenario {
        name: "harvest",
        inputs: &["small.sqlite"],
        arguments: "harvest small.sqlite --trajectories 2 --settle 1 --duration 4 --store --csv out.csv \
                    --plot out.svg --kernel portable",
    },
    Scenario {
        name: "step",
        inputs: &["small.sqlite"],
        arguments: "step small.sqlite --pairs 2 --settle 1 --hold 2 --runs 2 --csv out.csv --plot \
                    out.svg --kernel portable",
    },
    Scenario {
        name: "prefactors",
        inputs: &["small.sqlite"],
        arguments: "prefactors small.sqlite --kernel portable",
    },
    Scenario {
        name: "barriers",
        inputs: &["small.sqlite"],
        arguments: "barriers small.sqlite --csv out.csv --plot out.svg",
    },
    Scenario {
        name: "export csv",
        inputs: &["small.sqlite"],
        arguments: "export small.sqlite --format csv -o out.csv",
    },
    Scenario {
        name: "export extxyz",
        inputs: &["small.sqlite"],
        arguments: "export small.sqlite --format extxyz -o out.extxyz",
    },
    Scenario {
        name: "export-lammps",
        inputs: &[GLASS, "run.ron"],
        arguments: "export-lammps run.ron -o out",
    },
    Scenario {
        name: "import-lammps",
        inputs: &["job"],
        arguments: "import-lammps job -o out",
    },
];

/// What the scenarios read, made once.
static FIXTURES: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let root = folder.path();
    std::fs::copy(data("wahn300_T0.28.extxyz.gz"), root.join(GLASS)).unwrap();
    let config = |name: &str, more: &str, stages: &str| {
        let text = format!(
            "(seed: 3, kernel: portable, time_step: Tau(0.005), {more}, stages: [{stages}])\n"
        );
        std::fs::write(root.join(name), text).unwrap();
    };
    config("run.ron", "sample: \"glass.extxyz.gz\"", STAGES);
    let kmc = STAGES.find("Kmc(").unwrap();
    config("kmc.ron", "catalogue: \"small.sqlite\"", &STAGES[kmc..]);
    for command in [
        "search glass.extxyz.gz -o small.sqlite --searches 4 --seed 33 --kernel portable \
         --temperature 0.28",
        "search glass.extxyz.gz -o a.sqlite --range 0..2 --seed 33 --kernel portable",
        "search glass.extxyz.gz -o b.sqlite --range 2..4 --seed 33 --kernel portable",
        "run run.ron --out done",
        "export-lammps run.ron -o job",
    ] {
        let output = run_in(root, &words(command), None);
        assert!(output.status.success(), "{command}: {}", said(&output));
    }
    // As LAMMPS would leave them: a step and its numbers.
    for (table, columns) in [("now", 12), ("mean", 10)] {
        let rows = (0..=10).map(|k| {
            let numbers: Vec<String> = (0..columns).map(|c| format!("{}.5", c + k)).collect();
            format!("{} {}\n", 20 * k, numbers.join(" "))
        });
        let path = root.join(format!("job/02-equilibrate/equilibrate.{table}"));
        std::fs::write(path, rows.collect::<String>()).unwrap();
    }
    folder
});

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

impl Scenario {
    /// A fresh folder with what the command reads; the path without links.
    fn folder(&self) -> (TempDir, PathBuf) {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for input in self.inputs {
            copy(&FIXTURES.path().join(input), &folder.path().join(input));
        }
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    /// What the undisturbed command does to the disk and leaves.
    fn undisturbed(&self) -> (Vec<Step>, Outcome) {
        let (_keep, folder) = self.folder();
        let log = TempDir::new().unwrap();
        let (output, steps) = steps(&folder, &words(self.arguments), &log.path().join("steps"));
        assert!(output.status.success(), "{}: {}", self.name, said(&output));
        (steps, outcome(&folder))
    }

    /// Gives the command again, as its own remedies say, until it is done.
    fn again(&self, folder: &Path) {
        let plain = words(self.arguments);
        let forced = plain.iter().any(|word| word == "--force");
        let mut output = run_in(folder, &plain, None);
        for remedy in ["--resume", "--force"] {
            if output.status.success() {
                return;
            }
            let message = said(&output);
            assert_eq!(output.status.code(), Some(2), "{message}");
            if message.contains(remedy) && !forced {
                let again = [&plain[..], &[remedy.to_owned()]].concat();
                output = run_in(folder, &again, None);
            }
        }
        assert!(output.status.success(), "{}", said(&output));
    }

    /// One fault, and what must hold after it. Returns whether it came to pass.
    fn disturb(&self, fault: Fault, step: usize, expected: &Outcome) -> bool {
        let (_keep, folder) = self.folder();
        let before = outcome(&folder);
        let output = run_in(&folder, &words(self.arguments), Some((fault, step)));
        let message = said(&output);
        assert!(!message.contains("panicked"), "{message}");
        let left = outcome(&folder);
        for (name, content) in &before {
            // `prefactors` adds to its catalogue, `report` and `merge --force` replace what is there.
            let now = left.get(name).unwrap_or_else(|| panic!("{name} is lost"));
            assert!(
                now == content || Some(now) == expected.get(name) || name.ends_with(".sqlite"),
                "{name} is neither the old nor the new"
            );
        }
        let killed = matches!(fault, Fault::Kill | Fault::KillWithin);
        match output.status.code() {
            None => assert!(killed, "{message}"),
            // What a command can do without, a file of results on their way or a lock: it says which
            // it could not remove.
            Some(0) => {
                let mut left = left.clone();
                left.retain(|name, _| {
                    expected.contains_key(name) || !message.contains(name.as_str())
                });
                assert_same(&left, expected);
            }
            Some(1) => {
                assert!(!killed, "{message}");
                // The file, or a folder that it stands in.
                let names = |name: &String| {
                    let file = Path::new(name).file_name().unwrap().to_str().unwrap();
                    let mut folders = Path::new(name).ancestors().skip(1);
                    message.contains(file)
                        || folders
                            .any(|folder| message.contains(&format!(" {}:", folder.display())))
                };
                assert!(
                    expected.keys().any(names) || message.contains("out/"),
                    "no file is named: {message}"
                );
            }
            code => panic!("exit code {code:?}: {message}"),
        }
        let happened = output.status.code() != Some(0);
        self.again(&folder);
        assert_same(&outcome(&folder), expected);
        assert_undamaged(&folder);
        happened
    }
}

fn assert_same(found: &Outcome, expected: &Outcome) {
    let names = |outcome: &Outcome| outcome.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    for (name, content) in expected {
        assert!(&found[name] == content, "{name} differs");
    }
}

/// So many faults of two kinds, spread over all scenarios by the square root of the number of their
/// steps, and evenly over those steps.
fn plan(kinds: [Fault; 2], total: usize, steps: &[usize]) -> Vec<(usize, Fault, usize)> {
    let shares = |factor: f64| -> Vec<usize> {
        let share = |&steps: &usize| (factor * (steps as f64).sqrt()).ceil() as usize;
        let shares = steps.iter().map(|steps| share(steps).min(2 * steps));
        shares.collect()
    };
    let all: usize = 2 * steps.iter().sum::<usize>();
    let counts = (1..100_000)
        .map(|k| shares(0.02 * f64::from(k)))
        .find(|shares| shares.iter().sum::<usize>() >= total.min(all))
        .unwrap();
    let mut plan = BTreeSet::new();
    for (scenario, (&steps, &count)) in steps.iter().zip(&counts).enumerate() {
        for k in 0..count {
            let at = (2 * k + 1) * 2 * steps / (2 * count);
            // Of a few, both kinds; of all, each step once with either.
            let kind = if count == 2 * steps { at } else { k + scenario };
            plan.insert((scenario, kinds[kind % 2], at / 2 + 1));
        }
    }
    plan.into_iter().collect()
}

fn total() -> usize {
    let asked = std::env::var("METABASIN_FAULTS");
    asked.map_or(USUAL, |asked| asked.parse().unwrap())
}

/// Disturbs every scenario; panics with a list of what does not hold.
fn disturb_all(kinds: [Fault; 2]) {
    let chosen = std::env::var("METABASIN_FAULTS_OF").unwrap_or_default();
    let scenarios: Vec<&Scenario> = SCENARIOS
        .iter()
        .filter(|scenario| chosen.is_empty() || chosen == scenario.name)
        .collect();
    let undisturbed: Vec<(Vec<Step>, Outcome)> = scenarios
        .par_iter()
        .map(|scenario| scenario.undisturbed())
        .collect();
    let seen: BTreeSet<&str> = undisturbed
        .iter()
        .flat_map(|(steps, _)| steps.iter().map(|step| step.what.as_str()))
        .collect();
    if chosen.is_empty() {
        for what in ["create", "write", "sync", "rename", "remove", "make folder"] {
            assert!(seen.contains(what), "no step is a {what}: {seen:?}");
        }
    }
    let counts: Vec<usize> = undisturbed.iter().map(|(steps, _)| steps.len()).collect();
    let plan = plan(kinds, total(), &counts);
    let happened = AtomicUsize::new(0);
    let faults: Vec<String> = plan
        .par_iter()
        .filter_map(|&(k, fault, step)| {
            let (scenario, (steps, expected)) = (scenarios[k], &undisturbed[k]);
            let result = std::panic::catch_unwind(|| scenario.disturb(fault, step, expected));
            let Err(panic) = result else {
                happened.fetch_add(usize::from(result.unwrap()), Ordering::Relaxed);
                return None;
            };
            let message = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let Step { what, path } = &steps[step - 1];
            Some(format!(
                "{}, {fault:?} at step {step} of {} ({what} {path}): {}",
                scenario.name,
                steps.len(),
                message.unwrap_or_default()
            ))
        })
        .collect();
    let happened = happened.into_inner();
    eprintln!(
        "{} faults, {happened} of which ended the program, over {} verbs and {} steps",
        plan.len(),
        scenarios.len(),
        counts.iter().sum::<usize>()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(2 * happened > plan.len(), "most faults went unnoticed");
}

#[test]
fn a_kill_at_any_step_loses_nothing() {
    disturb_all([Fault::Kill, Fault::KillWithin]);
}

#[test]
fn a_disk_that_fails_at_any_step_loses_nothing() {
    disturb_all([Fault::Fail, Fault::Full]);
}
