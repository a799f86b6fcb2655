//! The folder of a walk: its log, its structure, and where it goes on after a stop.

use std::io::Write;
use std::path::{Path, PathBuf};

use metabasin_atomistic::{GlassTerrain, Step, Walk};
use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_files::{
    Checksum, FilesError, Frame, Overwrite, read_checkpoint, read_configuration,
    remove_temporaries, write_atomic, write_checkpoint, write_extxyz,
};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::csv::comment;
use crate::finished_stages::whole_catalogue;
use crate::run_directory::Existing;
use crate::search_output::make_way;

/// A row of the log and when it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) step: Step,
    pub(super) seconds: f64,
}

/// A walk and its log.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) walk: Walk,
    pub(super) rows: Vec<Row>,
    /// Wall seconds of all calls.
    pub(super) seconds: f64,
}

/// The files of a walk.
pub(super) struct Folder<'a> {
    pub(super) root: &'a Path,
}

impl Folder<'_> {
    pub(super) fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoints").join("walk.json")
    }

    pub(super) fn catalogue(&self) -> PathBuf {
        self.root.join("catalogue.sqlite")
    }

    pub(super) fn start(&self) -> PathBuf {
        self.root.join("checkpoints").join("start.json")
    }

    fn series(&self) -> PathBuf {
        self.root.join("series").join("walk.csv")
    }

    fn structure(&self) -> PathBuf {
        self.root.join("structures").join("current.extxyz")
    }

    /// Whether a walk was begun here.
    pub(super) fn can_resume(&self) -> bool {
        self.checkpoint().exists() || self.catalogue().exists()
    }

    /// Makes the folders, or refuses to.
    pub(super) fn open(&self, existing: Existing) -> Result<(), PipelineError> {
        match (self.can_resume(), existing) {
            (true, Existing::Refuse) => Err(PipelineError::in_file(
                self.root,
                "holds a walk already: --resume continues it, --force replaces it",
            )),
            (false, Existing::Resume) => Err(PipelineError::in_file(
                self.root,
                "holds no walk to resume: leave --resume out to start one",
            )),
            (true, Existing::Replace) => {
                make_way(&self.catalogue())?;
                let old = [self.checkpoint(), self.start()];
                for path in old.iter().filter(|path| path.exists()) {
                    std::fs::remove_file(path).map_err(|source| FilesError::Write {
                        path: path.clone(),
                        source,
                    })?;
                }
                Ok(())
            }
            _ => Ok(()),
        }?;
        ["checkpoints", "series", "structures"]
            .iter()
            .try_for_each(|name| {
                let folder = self.root.join(name);
                std::fs::create_dir_all(&folder)
                    .and_then(|()| remove_temporaries(&folder))
                    .map_err(|source| {
                        FilesError::Write {
                            path: folder,
                            source,
                        }
                        .into()
                    })
            })
    }

    /// What is no longer as an earlier call left it, in words, where the walk goes on from `stored`.
    ///
    /// Log and structure follow from the checkpoint and are written anew with it; after a kill they
    /// may be a little ahead of it.
    ///
    /// # Errors
    /// What the walk cannot be written as.
    pub(super) fn faults(
        &self,
        stored: &Stored,
        terrain: &GlassTerrain,
        own_catalogue: bool,
    ) -> Result<Vec<String>, PipelineError> {
        let checkpoint = self.checkpoint();
        let anew = format!("is written anew from {}", checkpoint.display());
        let mut faults = Vec::new();
        let mut rows = Vec::new();
        write_rows(&mut rows, &stored.rows).map_err(|error| {
            PipelineError::Failed(format!("{}: {error}", self.series().display()))
        })?;
        if let Some(damage) = Checksum::of(&rows).damage_of_beginning(&self.series()) {
            faults.push(format!("{damage}: it {anew}"));
        }
        let read = read_configuration(&self.structure());
        let atoms = terrain.configuration_at(&stored.walk.minimum().x).len();
        match read {
            Ok(found) if found.len() == atoms => {}
            Ok(found) => faults.push(format!(
                "{} has {} atoms of {atoms}: it {anew}",
                self.structure().display(),
                found.len()
            )),
            Err(error) => faults.push(format!("{error}: it {anew}")),
        }
        if let Err(error) = read_checkpoint::<Walk>(&self.start()) {
            faults.push(format!(
                "{error}: no other walk can begin as this one did (--from), this one goes on"
            ));
        }
        if own_catalogue {
            let done = atoms as u64 * u64::from(stored.walk.settings().first_effort);
            let fault = match whole_catalogue(&self.catalogue()) {
                Err(error) => Some(error.to_string()),
                Ok(catalogue) => {
                    let left = catalogue.searches()?.len() as u64;
                    (left < done).then(|| {
                        let path = self.catalogue();
                        format!("{} holds {left} searches of {done}", path.display())
                    })
                }
            };
            let goes_on = |fault| format!("{fault}; the walk goes on: it knows their results");
            faults.extend(fault.map(goes_on));
        }
        Ok(faults)
    }

    /// Writes structure, log and checkpoint, the checkpoint last.
    pub(super) fn store(
        &self,
        stored: &Stored,
        terrain: &GlassTerrain,
    ) -> Result<(), PipelineError> {
        let current = terrain.configuration_at(&stored.walk.minimum().x);
        let frame = Frame::new(&current);
        write_extxyz(&self.structure(), &[frame], Overwrite::Allow)?;
        write_atomic(&self.series(), Overwrite::Allow, |writer| {
            write_rows(writer, &stored.rows)
        })?;
        write_checkpoint(&self.checkpoint(), stored)?;
        Ok(())
    }
}

fn write_rows(writer: &mut dyn Write, rows: &[Row]) -> std::io::Result<()> {
    comment(writer, "atomistic kinetic Monte Carlo, one line a step")?;
    writeln!(
        writer,
        "step,kind,time [tau],time_mapped [s],energy [epsilon],interaction [epsilon],\
         barrier [epsilon],moved,regions,states,exits,exit_rate [1/tau],unseen_rate [1/tau],\
         searches,force_evaluations,seconds"
    )?;
    for Row { step, seconds } in rows {
        let barrier = step
            .barrier
            .map_or(String::new(), |barrier| format!("{barrier:?}"));
        writeln!(
            writer,
            "{},{},{:?},{:?},{:?},{:?},{barrier},{},{},{},{},{:?},{:?},{},{},{seconds:.3}",
            step.step,
            step.kind.name(),
            step.time,
            step.time * SECONDS_PER_TAU,
            step.energy,
            step.interaction,
            step.moved,
            step.regions,
            step.states,
            step.exits,
            step.exit_rate,
            step.unseen_rate,
            step.searches,
            step.evaluations,
        )?;
    }
    Ok(())
}
