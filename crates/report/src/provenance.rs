//! Where a run came from: what the report shows of `run.json`, and which series lie beside it.

use std::path::Path;

use metabasin_files::{Manifest, StageState};
use serde::Serialize;

use crate::number::wall_time;

/// A line of the table of provenance.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: &'static str,
    value: String,
}

/// A line of the table of stages.
#[derive(Debug, Serialize)]
pub(crate) struct Stage<'a> {
    name: &'a str,
    state: String,
    time: String,
}

/// Program, seed, kernel, machine and times of a run.
pub(crate) fn rows(manifest: &Manifest) -> Vec<Row> {
    let host = &manifest.host;
    let seconds: f64 = manifest.stages.iter().filter_map(|s| s.seconds).sum();
    [
        (
            "Program",
            format!("{} {}", manifest.program, manifest.version),
        ),
        ("Verb", manifest.verb.clone()),
        ("Seed", manifest.seed.to_string()),
        ("Force kernel", manifest.kernel.clone()),
        ("Units", manifest.units.clone()),
        (
            "Machine",
            format!(
                "{} ({}), {} cores, {} threads used",
                host.name, host.platform, host.cores, host.threads
            ),
        ),
        ("Started", manifest.started.clone()),
        (
            "Finished",
            manifest
                .finished
                .clone()
                .unwrap_or_else(|| "not yet".to_owned()),
        ),
        (
            "Wall time of all stages",
            if seconds > 0.0 {
                wall_time(seconds)
            } else {
                String::new()
            },
        ),
    ]
    .into_iter()
    .filter(|(_, value)| !value.trim().is_empty())
    .map(|(name, value)| Row { name, value })
    .collect()
}

/// The stages of a run.
pub(crate) fn stages(manifest: &Manifest) -> Vec<Stage<'_>> {
    manifest
        .stages
        .iter()
        .map(|stage| Stage {
            name: &stage.name,
            state: match stage.state {
                StageState::Pending => "not begun".to_owned(),
                StageState::Running => "running, or killed while it ran".to_owned(),
                StageState::Done => "done".to_owned(),
                StageState::Failed => "failed".to_owned(),
                StageState::Interrupted => "interrupted".to_owned(),
                StageState::LeftOut => match &stage.reason {
                    Some(reason) => format!("left out: {reason}"),
                    None => "left out".to_owned(),
                },
            },
            time: stage.seconds.map_or_else(String::new, wall_time),
        })
        .collect()
}

/// The time series of the stages, relative to the run directory: `NAME/series/*.csv`, sorted.
/// Empty where there are none or the folder cannot be listed.
pub(crate) fn series(run_dir: &Path) -> Vec<String> {
    names(run_dir)
        .into_iter()
        .filter(|stage| {
            names(&run_dir.join(stage).join("series"))
                .iter()
                .any(|name| {
                    Path::new(name)
                        .extension()
                        .is_some_and(|ending| ending == "csv")
                })
        })
        .map(|stage| format!("{stage}/series/*.csv"))
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
