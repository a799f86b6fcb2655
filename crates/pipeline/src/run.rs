//! A run from its first stage to its last.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use metabasin_catalogue::Catalogue;
use metabasin_files::StageState;
use serde::Serialize;

use crate::config::{KernelChoice, LoadedConfig, RunConfig, Stage};
use crate::finished_trajectories::FinishedTrajectories;
use crate::memory::check_memory;
use crate::replicas::run_replicas;
use crate::run_directory::{Existing, RunDirectory};
use crate::sample::{Sample, force_field};
use crate::stage::StageContext;
use crate::stages::{
    compare, creep, cycle, equilibrate, harvest, kmc, loading, relax, search, start,
};
use crate::{Interrupt, PipelineError, Progress};

/// One stage of a finished run.
#[derive(Clone, Debug, Serialize)]
pub struct StageSummary {
    /// Its name.
    pub name: String,
    /// How far it came.
    pub state: String,
    /// Wall seconds.
    pub seconds: Option<f64>,
    /// Why it was left out, where it was.
    pub reason: Option<String>,
}

/// What `run` and `demo` report.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// The run directory.
    pub run_dir: String,
    /// Its stages.
    pub stages: Vec<StageSummary>,
    /// What makes the sample unfit for what is said of it: crystallization.
    pub warnings: Vec<String>,
}

/// The name of the kernel that a run uses.
pub(crate) fn kernel_name(config: &RunConfig) -> String {
    force_field(config.cut, config.kernel).kernel().to_string()
}

/// The files that a run reads must be there and fit before its folder is touched: a mistyped name
/// neither leaves a folder behind nor costs the run that it was to replace.
fn check_inputs(config: &RunConfig) -> Result<(), PipelineError> {
    let has = |name: &str| config.stages.iter().any(|stage| stage.name() == name);
    if let Some(sample) = config.sample.as_deref().filter(|_| has("from-sample")) {
        Sample::read(sample, config.cut)?;
    }
    if let Some(catalogue) = config.catalogue.as_deref()
        && has("kmc")
        && !has("search")
    {
        Catalogue::open_read_only(catalogue)?;
    }
    Ok(())
}

/// Runs all stages of a config in `root`, or those that are left of an unfinished run; of every
/// replica, where there are several.
///
/// # Errors
/// Bad input, a failed stage, or [`PipelineError::Interrupted`]; what is finished is kept.
pub fn run(
    verb: &str,
    loaded: &LoadedConfig,
    root: &Path,
    existing: Existing,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<RunSummary, PipelineError> {
    let config = &loaded.config;
    check_memory(loaded)?;
    let watch = (progress, interrupt);
    let run = if config.replicas > 1 {
        if existing != Existing::Resume {
            check_inputs(config)?;
        }
        let run = RunDirectory::open(root, verb, loaded, &kernel_name(config), existing)?;
        let mut run = run_replicas(verb, loaded, run, existing, watch)?;
        run.finish()?;
        run
    } else {
        run_alone(verb, loaded, root, existing, watch)?
    };
    let stages = run.manifest().stages.iter().map(|entry| StageSummary {
        name: entry.name.clone(),
        state: state_name(entry.state).to_owned(),
        seconds: entry.seconds,
        reason: entry.reason.clone(),
    });
    Ok(RunSummary {
        run_dir: root.display().to_string(),
        stages: stages.collect(),
        warnings: run.manifest().warnings.clone(),
    })
}

/// Runs the stages of one sample.
pub(crate) fn run_alone(
    verb: &str,
    loaded: &LoadedConfig,
    root: &Path,
    existing: Existing,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<RunDirectory, PipelineError> {
    let config = &loaded.config;
    if config.kernel == KernelChoice::Auto {
        tracing::info!("kernel: {}", kernel_name(config));
    }
    if existing != Existing::Resume {
        check_inputs(config)?;
    }
    let mut run = RunDirectory::open(root, verb, loaded, &kernel_name(config), existing)?;
    if existing == Existing::Resume {
        run.check_finished(progress)?;
    }
    let mut k = 0;
    while k < config.stages.len() {
        let together = loading::together(&config.stages[k..]).max(1);
        let range = k..k + together;
        k = range.end;
        if range.clone().all(|k| run.is_done(k)) {
            continue;
        }
        let watch = (progress, interrupt);
        run.run_stages(range.clone(), progress, |run, folders, spent| {
            run_together(config, range, run, (folders, spent), watch).inspect_err(|error| {
                if let PipelineError::LeftOut(reason) = error {
                    progress.note(reason);
                }
            })
        })?;
    }
    run.finish()?;
    Ok(run)
}

/// Runs stages that are gone through together, or a single one.
fn run_together(
    config: &RunConfig,
    range: Range<usize>,
    run: &RunDirectory,
    (folders, spent): (&[PathBuf], &[AtomicU64]),
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<(), PipelineError> {
    let aborted = Interrupt::new();
    let mut parts = Vec::new();
    for ((k, folder), spent) in range.zip(folders).zip(spent) {
        let context = StageContext {
            run,
            config,
            folder,
            index: k as u64 + 1,
            progress,
            interrupt,
            aborted: &aborted,
            finished: FinishedTrajectories::open(folder)?,
        };
        context.check_interrupt()?;
        parts.push(loading::Part {
            context,
            stage: &config.stages[k],
            spent,
        });
    }
    let context = &parts[0].context;
    let result = match parts[0].stage {
        Stage::Prepare(stage) => start::prepare(context, stage),
        Stage::FromSample(stage) => start::from_sample(context, stage),
        Stage::Equilibrate(stage) => equilibrate::equilibrate(context, stage),
        Stage::Shear(_) | Stage::Unload(_) | Stage::Recover(_) => loading::loading(&parts),
        Stage::Relax(stage) => relax::relax(context, stage),
        Stage::Creep(stage) => creep::creep(context, stage),
        Stage::Cycle(stage) => cycle::cycle(context, stage),
        Stage::Search(stage) => search::search(context, stage),
        Stage::Harvest(stage) => harvest::harvest(context, stage),
        Stage::Kmc(stage) => kmc::kmc(context, stage),
        Stage::Compare(_) => compare::compare(context),
    };
    match (parts[0].stage, result) {
        // The later stages are made to go on without these.
        (Stage::Search(_) | Stage::Kmc(_), result) => result,
        (_, Err(PipelineError::LeftOut(message))) => Err(PipelineError::Failed(message)),
        (_, result) => result,
    }
    // Quenches and searches that were cut short fail; what they left is redone.
    .map_err(|error| error.unless(interrupt, || run.how_to_resume()))
}

fn state_name(state: StageState) -> &'static str {
    match state {
        StageState::Pending => "pending",
        StageState::Running => "running",
        StageState::Done => "done",
        StageState::Failed => "failed",
        StageState::Interrupted => "interrupted",
        StageState::LeftOut => "left out",
    }
}
