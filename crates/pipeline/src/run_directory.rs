//! The folder of a run: who may write into it, what is done, and where each stage keeps its files.

use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use metabasin_files::{
    FilesError, Manifest, StageEntry, StageState, is_temporary, remove_temporaries,
};

use crate::config::{LoadedConfig, RunConfig};
use crate::finished_stages::{faults, first_difference, left_by};
use crate::search_output::make_way;
use crate::{PipelineError, Progress};
use crate::{crystallization, replicas};

/// What to do with a folder that holds something already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse, naming the remedy.
    Refuse,
    /// Continue an unfinished run.
    Resume,
    /// Delete the run that the folder holds.
    Replace,
}

/// The folder of a run, locked for this process.
#[derive(Debug)]
pub struct RunDirectory {
    root: PathBuf,
    manifest: Manifest,
    _lock: File,
}

const LOCK: &str = ".lock";

fn cannot(what: &str, path: &Path, error: std::io::Error) -> PipelineError {
    let message = format!(
        "cannot {what} {}: {error}; choose a folder that can be written with --out",
        path.display()
    );
    let failure = FilesError::Write {
        path: path.to_owned(),
        source: error,
    };
    if failure.is_disk_failure() {
        PipelineError::Failed(message)
    } else {
        PipelineError::BadInput(message)
    }
}

fn holds_something(root: &Path) -> Result<bool, PipelineError> {
    if !root.exists() {
        return Ok(false);
    }
    let entries = fs::read_dir(root).map_err(|error| cannot("read", root, error))?;
    // A process that was killed before it wrote anything leaves a lock and a beginning.
    Ok(entries.flatten().any(|entry| {
        let name = entry.file_name();
        name != LOCK && !name.to_str().is_some_and(is_temporary)
    }))
}

impl RunDirectory {
    /// Opens `root` for a run of `config`, new or continued.
    ///
    /// # Errors
    /// Bad input where the folder holds a finished run (`--force`), an unfinished one
    /// (`--resume`), a run of another config, something else, or is in use by another process.
    pub fn open(
        root: &Path,
        verb: &str,
        loaded: &LoadedConfig,
        kernel: &str,
        existing: Existing,
    ) -> Result<Self, PipelineError> {
        let shown = root.display();
        let occupied = holds_something(root)?;
        let has_manifest = root.join(Manifest::FILE_NAME).exists();
        if occupied && !has_manifest {
            return Err(PipelineError::BadInput(format!(
                "{shown} holds files that are no run of metabasin: choose another folder with --out"
            )));
        }
        if !occupied && existing == Existing::Resume {
            return Err(PipelineError::BadInput(format!(
                "{shown} holds no run to resume: leave --resume out to start one"
            )));
        }
        fs::create_dir_all(root).map_err(|error| cannot("create", root, error))?;
        let lock_path = root.join(LOCK);
        let lock = File::create(&lock_path).map_err(|error| cannot("write", &lock_path, error))?;
        if lock.try_lock().is_err() {
            return Err(PipelineError::BadInput(format!(
                "{shown} is in use by another process: wait for it, or choose another folder"
            )));
        }
        let tidy = || remove_temporaries(root).map_err(|error| cannot("tidy", root, error));
        if occupied {
            let manifest = Manifest::read(root)?;
            match existing {
                Existing::Refuse if manifest.is_done() => {
                    return Err(PipelineError::BadInput(format!(
                        "{shown} holds a finished run: --force replaces it, --out chooses another folder"
                    )));
                }
                Existing::Refuse => {
                    // An import reads all anew.
                    let resume = if verb == "import-lammps" {
                        ""
                    } else {
                        "--resume continues it, "
                    };
                    return Err(PipelineError::BadInput(format!(
                        "{shown} holds an unfinished run: {resume}--force starts anew"
                    )));
                }
                Existing::Resume => {
                    if manifest.config != loaded.text {
                        return Err(PipelineError::BadInput(format!(
                            "{shown} was started with another config (it stands in its run.json): \
                             resume with the same config and the same --set, or choose another folder"
                        )));
                    }
                    if manifest.kernel != kernel {
                        return Err(PipelineError::BadInput(format!(
                            "{shown} was started with kernel '{}', this machine would use '{kernel}': \
                             resuming would change bits; resume where it was started, or start anew \
                             with kernel: portable",
                            manifest.kernel
                        )));
                    }
                    tidy()?;
                    let expected = entries(&loaded.config);
                    let folders = |stages: &[StageEntry]| -> Vec<String> {
                        stages.iter().map(|entry| entry.folder.clone()).collect()
                    };
                    if folders(&manifest.stages) != folders(&expected) {
                        return Err(PipelineError::in_file(
                            root.join(Manifest::FILE_NAME),
                            format!(
                                "lists the stages {:?}, its own config has {:?}: it was changed by \
                                 hand; start anew with --force, or choose another folder",
                                folders(&manifest.stages),
                                folders(&expected)
                            ),
                        ));
                    }
                    return Ok(Self {
                        root: root.to_owned(),
                        manifest,
                        _lock: lock,
                    });
                }
                Existing::Replace => clear(root)?,
            }
        }
        tidy()?;
        let threads = rayon::current_num_threads();
        let mut manifest = Manifest::new(verb, &loaded.text, loaded.config.seed, kernel, threads);
        manifest.stages = entries(&loaded.config);
        manifest.write(root)?;
        Ok(Self {
            root: root.to_owned(),
            manifest,
            _lock: lock,
        })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The manifest as it stands.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The catalogue of this run.
    pub fn catalogue(&self) -> PathBuf {
        self.root.join("catalogue.sqlite")
    }

    /// The folder of a stage, by its name, where the run has such a stage.
    pub fn stage_folder(&self, name: &str) -> Option<PathBuf> {
        let entry = self
            .manifest
            .stages
            .iter()
            .find(|entry| entry.name == name)?;
        Some(self.root.join(&entry.folder))
    }

    /// Whether stage `k` is over already.
    pub fn is_done(&self, k: usize) -> bool {
        self.manifest.stages[k].state.is_over()
    }

    /// Why an earlier stage was left out, where it was.
    pub(crate) fn left_out(&self, name: &str) -> Option<&str> {
        let mut stages = self.manifest.stages.iter();
        let entry = stages.find(|entry| entry.name == name)?;
        (entry.state == StageState::LeftOut).then(|| entry.reason.as_deref().unwrap_or_default())
    }

    /// Looks at what the finished stages left: a stage with a damaged file is to be done anew, and
    /// what is damaged is said, as is a stage that left no checksums.
    ///
    /// # Errors
    /// A damaged catalogue; a file that cannot be read or removed.
    pub(crate) fn check_finished(&mut self, progress: &dyn Progress) -> Result<(), PipelineError> {
        let catalogue = self.catalogue();
        let mut unknown = Vec::new();
        for entry in &mut self.manifest.stages {
            let faults = faults(&self.root, entry, &catalogue)?;
            if !faults.is_empty() {
                for fault in faults {
                    progress.note(&format!("{fault}: the stage {} is done anew", entry.name));
                }
                entry.state = StageState::Pending;
            } else if entry.state == StageState::Done && entry.files.is_none() {
                unknown.push(entry.name.as_str());
            }
        }
        if !unknown.is_empty() {
            progress.note(&format!(
                "{} holds no checksums of {} (an earlier version ran them): taken as they are",
                self.root.join(Manifest::FILE_NAME).display(),
                unknown.join(", ")
            ));
        }
        Ok(())
    }

    /// Takes down what stages left that are done now. Where one was done before and left something
    /// else, all that follows from it is deleted and to be done anew.
    fn take_down(
        &mut self,
        range: Range<usize>,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        let mut changed = None;
        for entry in &mut self.manifest.stages[range.clone()] {
            let left = left_by(&self.root, entry)?;
            if let Some(before) = entry.files.replace(left)
                && let Some(file) =
                    first_difference(&before, entry.files.as_ref().unwrap_or(&before))
            {
                changed.get_or_insert(file.to_owned());
            }
        }
        let Some(changed) = changed else {
            return Ok(());
        };
        for entry in &mut self.manifest.stages[range.end..] {
            if entry.state == StageState::Pending && entry.files.is_none() {
                continue;
            }
            progress.note(&format!(
                "{changed} is not what it was before: the stage {} is done anew",
                entry.name
            ));
            let folder = self.root.join(&entry.folder);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(|error| cannot("delete", &folder, error))?;
            }
            entry.state = StageState::Pending;
            entry.files = None;
        }
        Ok(())
    }

    /// Runs stages that are gone through together: their states and seconds go into the manifest,
    /// whatever comes of them; one that [`PipelineError::LeftOut`] ends is no failure. `work` is given
    /// their folders and counts the nanoseconds spent on each, by which the wall time is shared out.
    pub(crate) fn run_stages(
        &mut self,
        range: Range<usize>,
        progress: &dyn Progress,
        work: impl FnOnce(&Self, &[PathBuf], &[AtomicU64]) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        let mut folders = Vec::new();
        for entry in &self.manifest.stages[range.clone()] {
            let folder = self.root.join(&entry.folder);
            for part in ["series", "structures", "checkpoints"] {
                let path = folder.join(part);
                fs::create_dir_all(&path).map_err(|error| cannot("create", &path, error))?;
            }
            folders.push(folder);
        }
        for entry in &mut self.manifest.stages[range.clone()] {
            entry.state = StageState::Running;
        }
        self.manifest.write(&self.root)?;
        let spent: Vec<AtomicU64> = folders.iter().map(|_| AtomicU64::new(0)).collect();
        let start = Instant::now();
        let result = work(self, &folders, &spent).and_then(|()| {
            for folder in &folders {
                remove_empty(folder);
            }
            self.take_down(range.clone(), progress)
        });
        let seconds = start.elapsed().as_secs_f64();
        let spent: Vec<u64> = spent.into_iter().map(AtomicU64::into_inner).collect();
        let total: u64 = spent.iter().sum();
        for (entry, spent) in self.manifest.stages[range].iter_mut().zip(&spent) {
            let share = if total == 0 {
                1.0 / folders.len() as f64
            } else {
                *spent as f64 / total as f64
            };
            entry.seconds = Some(entry.seconds.unwrap_or(0.0) + share * seconds);
            entry.state = match &result {
                Ok(()) => StageState::Done,
                Err(error) if error.is_interruption() => StageState::Interrupted,
                Err(PipelineError::LeftOut(_)) => StageState::LeftOut,
                Err(_) => StageState::Failed,
            };
            if let Err(PipelineError::LeftOut(reason)) = &result {
                entry.reason = Some(reason.clone());
            }
        }
        let result = match result {
            Err(PipelineError::LeftOut(_)) => Ok(()),
            other => other,
        };
        if result.is_ok() {
            self.manifest.warnings = crystallization::seen_by(&self.root, &self.manifest.stages)?;
        }
        // Where the disk is full, what the stage says of it matters more than the manifest.
        let written = self.manifest.write(&self.root);
        result?;
        written?;
        Ok(())
    }

    /// Notes how far a part came that has a run directory of its own, and seconds more.
    pub(crate) fn note(
        &mut self,
        k: usize,
        state: StageState,
        seconds: f64,
    ) -> Result<(), PipelineError> {
        let entry = &mut self.manifest.stages[k];
        entry.state = state;
        entry.seconds = Some(entry.seconds.unwrap_or(0.0) + seconds);
        self.manifest.write(&self.root)?;
        Ok(())
    }

    /// What to do to go on after a stop.
    pub(crate) fn how_to_resume(&self) -> String {
        format!(
            "continue with the same command and --resume (run directory {})",
            self.root.display()
        )
    }

    /// Notes that the run is over.
    pub(crate) fn finish(&mut self) -> Result<(), PipelineError> {
        self.manifest.warnings = crystallization::seen_by(&self.root, &self.manifest.stages)?;
        self.manifest.finish();
        self.manifest.write(&self.root)?;
        Ok(())
    }
}

/// What a run consists of: its stages, or its replicas where there are several.
fn entries(config: &RunConfig) -> Vec<StageEntry> {
    if config.replicas > 1 {
        let names = (1..=config.replicas).map(replicas::name);
        return names
            .map(|name| StageEntry::pending(&name, &name))
            .collect();
    }
    let stages = config.stages.iter().enumerate();
    stages
        .map(|(k, stage)| {
            let folder = format!("{:02}-{}", k + 1, stage.name());
            StageEntry::pending(stage.name(), &folder)
        })
        .collect()
}

/// Folders that a stage had no use for.
fn remove_empty(folder: &Path) {
    for part in ["series", "structures", "checkpoints"] {
        // A folder that is not empty refuses, which is the point.
        let _ = fs::remove_dir(folder.join(part));
    }
    let _ = fs::remove_dir(folder);
}

/// Deletes a run, but nothing that is not part of one.
fn clear(root: &Path) -> Result<(), PipelineError> {
    let mut manifest = Manifest::read(root)?;
    // Where this is broken off, nothing that is half-deleted counts as done.
    for stage in &mut manifest.stages {
        *stage = StageEntry::pending(&stage.name, &stage.folder);
    }
    manifest.write(root)?;
    let folders = manifest.stages.iter().map(|stage| stage.folder.clone());
    for folder in folders.chain(["plots".to_owned()]) {
        let path = root.join(folder);
        if path.is_dir() {
            fs::remove_dir_all(&path).map_err(|error| cannot("delete", &path, error))?;
        }
    }
    make_way(&root.join("catalogue.sqlite"))?;
    let files = [
        "findings.json",
        "report.html",
        "atoms.html",
        "events.html",
        Manifest::FILE_NAME,
    ];
    for file in files {
        let path = root.join(file);
        if path.is_file() {
            fs::remove_file(&path).map_err(|error| cannot("delete", &path, error))?;
        }
    }
    Ok(())
}
