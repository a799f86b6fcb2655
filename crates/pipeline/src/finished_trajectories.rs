//! Which trajectories of a stage came to their end: `finished.json` in its folder.
//!
//! A stage that still runs can be digested with it: what is not listed is left out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use metabasin_files::{Overwrite, read_json, write_json};

use crate::PipelineError;

const FILE_NAME: &str = "finished.json";

/// The names of finished trajectories, on disk after each.
#[derive(Debug)]
pub(crate) struct FinishedTrajectories {
    path: PathBuf,
    names: Mutex<BTreeSet<String>>,
}

impl FinishedTrajectories {
    /// Those of a stage's folder so far.
    pub(crate) fn open(folder: &Path) -> Result<Self, PipelineError> {
        Ok(Self {
            path: folder.join(FILE_NAME),
            names: Mutex::new(read(folder)?),
        })
    }

    /// Notes that a trajectory is over.
    pub(crate) fn add(&self, name: &str) -> Result<(), PipelineError> {
        self.change(|names| names.insert(name.to_owned()))
    }

    /// Notes that a trajectory is to be done anew.
    pub(crate) fn remove(&self, name: &str) -> Result<(), PipelineError> {
        self.change(|names| names.remove(name))
    }

    fn change(
        &self,
        change: impl FnOnce(&mut BTreeSet<String>) -> bool,
    ) -> Result<(), PipelineError> {
        let mut names = self
            .names
            .lock()
            .map_err(|_| PipelineError::Failed("another trajectory panicked".to_owned()))?;
        if change(&mut names) {
            write_json(&self.path, &*names, Overwrite::Allow)?;
        }
        Ok(())
    }
}

/// The names in a stage's folder; none where nothing finished yet.
pub(crate) fn read(folder: &Path) -> Result<BTreeSet<String>, PipelineError> {
    let path = folder.join(FILE_NAME);
    if path.exists() {
        Ok(read_json(&path)?)
    } else {
        Ok(BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        let first = FinishedTrajectories::open(folder.path()).unwrap();
        first.add("b").unwrap();
        FinishedTrajectories::open(folder.path())
            .unwrap()
            .add("a")
            .unwrap();
        let names: Vec<String> = read(folder.path()).unwrap().into_iter().collect();
        assert_eq!(names, ["a", "b"]);
    }
}
