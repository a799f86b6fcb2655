//! Replicas: one config on several independent samples, each a run of its own in a subfolder.

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use metabasin_atoms::{Purpose, random_stream};
use metabasin_files::{Manifest, StageState};
use rand::Rng;

use crate::config::{LoadedConfig, RunConfig, Stage, load_text};
use crate::estimate::planned_steps;
use crate::finished_run::FinishedRun;
use crate::progress::Work;
use crate::run::run_alone;
use crate::run_directory::{Existing, RunDirectory};
use crate::stages::branches::side_by_side;
use crate::stages::compare::findings;
use crate::{Interrupt, PipelineError, Progress};

/// Name and folder of a replica, from 1.
pub(crate) fn name(replica: usize) -> String {
    format!("replica-{replica}")
}

/// Seed of a replica: the config's own for the first, which is the run without replicas.
pub(crate) fn seed(config: &RunConfig, replica: usize) -> u64 {
    if replica == 1 {
        config.seed
    } else {
        // Short enough to be read and typed; the purpose is that of the first numbers drawn with it.
        let stream = random_stream(
            config.seed,
            Purpose::InitialPositions,
            u64::MAX,
            replica as u64,
        );
        u64::from({ stream }.next_u32())
    }
}

/// The config of one replica.
pub(crate) fn config_of(
    loaded: &LoadedConfig,
    replica: usize,
) -> Result<LoadedConfig, PipelineError> {
    let seed = seed(&loaded.config, replica);
    let edits = [format!("seed={seed}"), "replicas=1".to_owned()];
    Ok(load_text(&loaded.text, &loaded.file, &edits)?)
}

/// What the replicas do, as one: their MD steps are counted together, their notes name them.
struct OneOfMany<'a> {
    all: &'a dyn Progress,
    name: String,
    /// Whether the stage at work counts MD steps.
    counts_steps: Mutex<bool>,
    atoms: u64,
}

impl OneOfMany<'_> {
    fn counting(&self, set: bool) {
        if let Ok(mut counts) = self.counts_steps.lock() {
            *counts = set;
        }
    }

    fn counts(&self) -> bool {
        self.counts_steps.lock().is_ok_and(|counts| *counts)
    }
}

impl Progress for OneOfMany<'_> {
    fn begin(&self, _stage: &str, _total: u64) {
        self.counting(false);
    }

    fn work(&self, work: Work) {
        self.counting(work.atoms == self.atoms);
    }

    fn advance(&self, units: u64) {
        if self.counts() {
            self.all.advance(units);
        }
    }

    fn resume(&self, units: u64) {
        if self.counts() {
            self.all.resume(units);
        }
    }

    fn note(&self, message: &str) {
        self.all.note(&format!("{}: {message}", self.name));
    }

    fn end(&self) {
        self.counting(false);
    }
}

/// Runs all replicas side by side, then digests them together where the config ends in `Compare`.
pub(crate) fn run_replicas(
    verb: &str,
    loaded: &LoadedConfig,
    run: RunDirectory,
    existing: Existing,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<RunDirectory, PipelineError> {
    let config = &loaded.config;
    let root = run.root().to_owned();
    let atoms = config.stages.iter().find_map(|stage| match stage {
        Stage::Prepare(prepare) => Some(prepare.atoms as u64),
        _ => None,
    });
    let atoms = atoms.unwrap_or(0);
    progress.begin(
        &format!("{} replicas", config.replicas),
        planned_steps(config)? * config.replicas as u64,
    );
    progress.work(Work {
        atoms,
        time_step: config.time_step.tau(),
    });
    let run = Mutex::new(run);
    let note = |replica: usize, state: StageState, seconds: f64| {
        let mut run = run
            .lock()
            .map_err(|_| PipelineError::Failed("another replica panicked".to_owned()))?;
        run.note(replica - 1, state, seconds)
    };
    let replicas: Vec<usize> = (1..=config.replicas).collect();
    // A replica that fails does not stop the others: its error is told at once and again at the end.
    let results = side_by_side(&replicas, |&replica| {
        let start = Instant::now();
        note(replica, StageState::Running, 0.0)?;
        let watch = OneOfMany {
            all: progress,
            name: name(replica),
            counts_steps: Mutex::new(false),
            atoms,
        };
        let result = one(verb, loaded, replica, &root, existing, (&watch, interrupt));
        let state = match &result {
            Ok(()) => StageState::Done,
            Err(error) if error.is_interruption() => StageState::Interrupted,
            Err(error) => {
                watch.note(&error.to_string());
                StageState::Failed
            }
        };
        note(replica, state, start.elapsed().as_secs_f64())?;
        Ok(result)
    })?;
    let run = run
        .into_inner()
        .map_err(|_| PipelineError::Failed("a replica panicked".to_owned()))?;
    for (result, replica) in results.into_iter().zip(replicas) {
        result.map_err(|error| match error {
            PipelineError::Failed(message) => {
                PipelineError::Failed(format!("{}: {message}", name(replica)))
            }
            error if error.is_interruption() => PipelineError::Interrupted {
                resume: run.how_to_resume(),
            },
            other => other,
        })?;
    }
    progress.end();
    let digests = |stage: &Stage| matches!(stage, Stage::Compare(_));
    if config.stages.iter().any(digests) {
        findings(&FinishedRun::open(&root)?)?.write(&root)?;
    }
    Ok(run)
}

/// Runs one replica in its subfolder, or on from where it stopped.
fn one(
    verb: &str,
    loaded: &LoadedConfig,
    replica: usize,
    root: &Path,
    existing: Existing,
    watch: (&dyn Progress, &Interrupt),
) -> Result<(), PipelineError> {
    let loaded = config_of(loaded, replica)?;
    let folder = root.join(name(replica));
    let begun = folder.join(Manifest::FILE_NAME).exists();
    let existing = if existing == Existing::Resume && begun {
        Existing::Resume
    } else {
        Existing::Refuse
    };
    run_alone(verb, &loaded, &folder, existing, watch).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "(seed: 7, replicas: 3, stages: [Prepare(atoms: 300, melt_temperature: \
                        Reduced(1.5), melt_duration: Tau(1.0), cool_from: Reduced(0.6), cool_to: \
                        Reduced(0.1), cool_duration: Tau(1.0))])";

    #[test]
    fn every_replica_has_a_seed_of_its_own_and_the_first_that_of_the_config() {
        let loaded = load_text(TEXT, Path::new("run.ron"), &[]).unwrap();
        let configs: Vec<LoadedConfig> = (1..=3).map(|k| config_of(&loaded, k).unwrap()).collect();
        assert!(configs.iter().all(|one| one.config.replicas == 1));
        let seeds: Vec<u64> = configs.iter().map(|one| one.config.seed).collect();
        assert_eq!(seeds[0], 7);
        assert!(seeds[1] != seeds[0] && seeds[2] != seeds[0] && seeds[1] != seeds[2]);
    }
}
