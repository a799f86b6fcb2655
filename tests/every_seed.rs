//! The demo with 200 atoms and shorter stages, seed after seed: each ends in a report, whatever its
//! sample does not give.
#![cfg(test)]

use metabasin_files::findings::Findings;
use metabasin_files::{Manifest, StageState};
use tempfile::TempDir;

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;
use program::{json, metabasin, said, text};

/// What makes the demo small and short. Cooling so fast leaves soft samples: this is where the
/// chain is most likely to miss something.
const SMALL: [&str; 9] = [
    "stages[0].atoms=200",
    "stages[0].melt_duration=Tau(5.0)",
    "stages[0].cool_duration=Tau(60.0)",
    "stages[1].duration=Tau(30.0)",
    "stages[2].rates=[PerSecond(1e10),PerSecond(5e9)]",
    "stages[3].unload_rate=PerSecond(1e10)",
    "stages[6].searches=40",
    "stages[7].rates=[PerSecond(1e10),PerSecond(5e9),PerSecond(1e6)]",
    "stages[7].pairs=2",
];

fn small_demo(seed: u64, more: &[&str]) -> (TempDir, std::process::Output) {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    let seed = seed.to_string();
    let mut arguments = vec!["demo", "--out", text(&run), "--seed", &seed];
    for edit in SMALL.iter().chain(more) {
        arguments.extend(["--set", edit]);
    }
    let output = metabasin(&arguments);
    (folder, output)
}

fn ends_in_a_report(seed: u64) {
    let (folder, output) = small_demo(seed, &[]);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(0), "seed {seed}: {message}");
    let run = folder.path().join("run");
    let manifest = Manifest::read(&run).unwrap();
    for stage in &manifest.stages {
        let told = stage.state == StageState::LeftOut && stage.reason.is_some();
        assert!(
            stage.state == StageState::Done || told,
            "seed {seed}: {stage:?}"
        );
    }
    let findings = Findings::read(&run).unwrap();
    assert!(findings.rates.iter().any(|rate| rate.md.is_some()));
    assert!(run.join("report.html").exists());
}

#[test]
fn seeds_1_and_2_end_in_a_report() {
    (1..=2).for_each(ends_in_a_report);
}

#[test]
fn seeds_3_and_4_end_in_a_report() {
    (3..=4).for_each(ends_in_a_report);
}

/// No event below the barrier that the KMC wants (searches by heat, and in some of these samples also pushes, find
/// some whose barrier is gone at zero stress; not in this one, on whatever machine): it costs the KMC, and is told where its numbers would stand; MD and the searches are reported as
/// ever.
#[test]
fn a_kmc_that_cannot_be_had_costs_its_own_rows() {
    let edits = [
        "kernel=portable",
        "stages[6].settings.heat=None",
        "stages[7].settings.upper_barrier=1e-9",
    ];
    let (folder, output) = small_demo(6, &edits);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let reason = "no verified event has a barrier below";
    assert!(said(&output).contains(reason), "{}", said(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("kmc was left out"), "{shown}");
    let run = folder.path().join("run");
    let manifest = Manifest::read(&run).unwrap();
    let kmc = &manifest.stages[7];
    assert_eq!((kmc.name.as_str(), kmc.state), ("kmc", StageState::LeftOut));
    assert!(kmc.reason.as_ref().unwrap().contains(reason));
    let findings = Findings::read(&run).unwrap();
    assert!(findings.rates.iter().all(|rate| rate.kmc.is_none()));
    assert!(findings.landscape.is_some_and(|found| found.distinct > 0));
    assert!(
        findings
            .caveats
            .iter()
            .any(|caveat| caveat.contains(reason))
    );
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("left out: kmc: no verified event"));
    // It is over: there is nothing to resume, and a report can be asked for again.
    assert!(manifest.is_done());
    let again = json(&["report", text(&run)]);
    assert_eq!(again["finished"], true);
}
