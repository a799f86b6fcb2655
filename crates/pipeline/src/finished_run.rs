//! A run directory that is looked at, not worked in.

use std::path::{Path, PathBuf};

use metabasin_files::{Manifest, Series, StageState, read_series};

use crate::PipelineError;
use crate::config::{RunConfig, load_text};
use crate::finished_trajectories;

/// A run directory with the config that it was run with.
pub(crate) struct FinishedRun {
    pub(crate) root: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) config: RunConfig,
}

impl FinishedRun {
    /// Opens a run directory, or the one that a stage's folder lies in.
    ///
    /// # Errors
    /// Bad input where there is no run.
    pub(crate) fn open(folder: &Path) -> Result<Self, PipelineError> {
        let has_manifest = |path: &Path| path.join(Manifest::FILE_NAME).exists();
        let parent = folder
            .canonicalize()
            .ok()
            .and_then(|path| path.parent().map(Path::to_owned));
        let root = if has_manifest(folder) {
            folder.to_owned()
        } else if let Some(parent) = parent.filter(|parent| has_manifest(parent)) {
            parent
        } else {
            return Err(PipelineError::in_file(
                folder,
                "holds no run (no run.json here or one folder up)",
            ));
        };
        let manifest = Manifest::read(&root)?;
        let config = load_text(&manifest.config, &root.join(Manifest::FILE_NAME), &[])?.config;
        Ok(Self {
            root,
            manifest,
            config,
        })
    }

    /// Folder of a stage, where the run has it.
    pub(crate) fn stage(&self, name: &str) -> Option<PathBuf> {
        let entry = self
            .manifest
            .stages
            .iter()
            .find(|entry| entry.name == name)?;
        let folder = self.root.join(&entry.folder);
        folder.exists().then_some(folder)
    }

    /// The series of a trajectory that came to its end.
    pub(crate) fn finished_series(
        &self,
        stage: &str,
        name: &str,
    ) -> Result<Option<Series>, PipelineError> {
        if self.has_finished(stage, name)? {
            self.series(stage, name)
        } else {
            Ok(None)
        }
    }

    /// Whether a trajectory came to its end.
    fn has_finished(&self, stage: &str, name: &str) -> Result<bool, PipelineError> {
        let entry = self
            .manifest
            .stages
            .iter()
            .find(|entry| entry.name == stage);
        let Some(entry) = entry else {
            return Ok(false);
        };
        if entry.state == StageState::Done {
            return Ok(true);
        }
        let folder = self.root.join(&entry.folder);
        Ok(finished_trajectories::read(&folder)?.contains(name))
    }

    /// A series of a stage, where it was written.
    pub(crate) fn series(&self, stage: &str, name: &str) -> Result<Option<Series>, PipelineError> {
        let Some(folder) = self.stage(stage) else {
            return Ok(None);
        };
        let path = folder.join("series").join(format!("{name}.csv"));
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(read_series(&path)?))
    }
}

/// The files of a run that are no longer what they were when their stage was done, in words: what
/// is made of them may be wrong.
///
/// # Errors
/// Bad input where the folder holds no run.
pub fn damaged_files(folder: &Path) -> Result<Vec<String>, PipelineError> {
    let run = FinishedRun::open(folder)?;
    let damages = run.manifest.damages(&run.root);
    Ok(damages.iter().map(ToString::to_string).collect())
}

/// A column of a series of ours.
pub(crate) fn column<'a>(series: &'a Series, name: &str) -> Result<&'a [f64], PipelineError> {
    series.column(name).ok_or_else(|| {
        PipelineError::BadInput(format!(
            "a series has no column '{name}': another version wrote it"
        ))
    })
}
