//! What every stage of a run is given.

use std::path::{Path, PathBuf};

use metabasin_files::{FilesError, Overwrite, read_checkpoint, read_json, write_json};
use metabasin_interactions::ForceField;
use metabasin_md::RandomAddress;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::RunConfig;
use crate::finished_trajectories::FinishedTrajectories;
use crate::inherent_states::quench_cut;
use crate::progress::Work;
use crate::run_directory::RunDirectory;
use crate::sample::force_field;
use crate::{Interrupt, PipelineError, Progress};

/// A stage at work.
pub(crate) struct StageContext<'a> {
    pub(crate) run: &'a RunDirectory,
    pub(crate) config: &'a RunConfig,
    /// Folder of this stage.
    pub(crate) folder: &'a Path,
    /// Position of the stage in its pipeline, for its random streams.
    pub(crate) index: u64,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) interrupt: &'a Interrupt,
    /// Set where a trajectory failed: those beside it stop at their next frame.
    pub(crate) aborted: &'a Interrupt,
    /// The trajectories of this stage that came to their end.
    pub(crate) finished: FinishedTrajectories,
}

impl StageContext<'_> {
    /// A fresh force field of the run's potential.
    pub(crate) fn force_field(&self) -> ForceField {
        force_field(self.config.cut, self.config.kernel)
            .with_precision(self.config.precision)
            .with_interrupt(self.interrupt.clone())
    }

    /// The random numbers of a trajectory of this stage, by its name.
    pub(crate) fn random(&self, trajectory: &str) -> RandomAddress {
        // FNV-1a: names of one stage are few.
        let hash = trajectory.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        RandomAddress {
            seed: self.config.seed,
            stage: self.index as u32,
            trajectory: hash,
        }
    }

    /// A fresh force field for quenches.
    pub(crate) fn quench_field(&self) -> ForceField {
        force_field(quench_cut(self.config.cut), self.config.kernel)
            .with_interrupt(self.interrupt.clone())
    }

    /// Begins to show the progress of trajectories of `atoms` atoms with `steps` steps in all.
    pub(crate) fn begin(&self, what: &str, steps: u64, atoms: usize) {
        self.progress.begin(what, steps);
        self.progress.work(Work {
            atoms: atoms as u64,
            time_step: self.config.time_step.tau(),
        });
    }

    /// Whether trajectories must stop at their next frame.
    pub(crate) fn must_stop(&self) -> bool {
        self.interrupt.is_requested() || self.aborted.is_requested()
    }

    /// The error of a run that the user stopped.
    pub(crate) fn interrupted(&self) -> PipelineError {
        PipelineError::Interrupted {
            resume: self.run.how_to_resume(),
        }
    }

    /// Stops here if the user asked for it.
    pub(crate) fn check_interrupt(&self) -> Result<(), PipelineError> {
        if self.interrupt.is_requested() {
            Err(self.interrupted())
        } else {
            Ok(())
        }
    }

    /// Writes what this stage found.
    pub(crate) fn write_results<T: Serialize + DeserializeOwned>(
        &self,
        results: &T,
    ) -> Result<(), PipelineError> {
        write_results(self.folder, results)
    }

    /// What an earlier stage found.
    pub(crate) fn results_of<T: DeserializeOwned>(&self, stage: &str) -> Result<T, PipelineError> {
        read_results(&self.folder_of(stage)?)
    }

    /// Folder of an earlier stage.
    pub(crate) fn folder_of(&self, stage: &str) -> Result<PathBuf, PipelineError> {
        self.run
            .stage_folder(stage)
            .ok_or_else(|| PipelineError::BadInput(format!("this run has no stage '{stage}'")))
    }
}

/// What a checkpoint holds; `None` where there is none, or where it is damaged, which is said: then
/// `name`, which it belongs to, is done anew.
pub(crate) fn checkpoint_or_anew<T: DeserializeOwned>(
    path: &Path,
    name: &str,
    progress: &dyn Progress,
) -> Result<Option<T>, PipelineError> {
    if !path.exists() {
        return Ok(None);
    }
    match read_checkpoint(path) {
        Err(FilesError::Damaged { .. }) => {
            progress.note(&format!(
                "{} does not fit its checksum: {name} is done anew",
                path.display()
            ));
            Ok(None)
        }
        read => Ok(Some(read?)),
    }
}

const RESULTS: &str = "results.json";

/// Writes what a stage found into its folder.
pub(crate) fn write_results<T: Serialize + DeserializeOwned>(
    folder: &Path,
    results: &T,
) -> Result<(), PipelineError> {
    write_json(&folder.join(RESULTS), results, Overwrite::Allow)?;
    Ok(())
}

/// Whether a stage has left what it found.
pub(crate) fn has_results(folder: &Path) -> bool {
    folder.join(RESULTS).exists()
}

/// What a stage found, from its folder.
pub(crate) fn read_results<T: DeserializeOwned>(folder: &Path) -> Result<T, PipelineError> {
    Ok(read_json(&folder.join(RESULTS))?)
}
