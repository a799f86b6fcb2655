//! What can go wrong in a run, and the exit code that scripts see.

use std::path::PathBuf;

use metabasin_atoms::Interrupt;
use metabasin_catalogue::CatalogueError;
use metabasin_files::FilesError;
use thiserror::Error;

use crate::config::ConfigErrors;

/// Why a verb did not do what it was asked.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// The config is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// A file is wrong, missing, in the way or cannot be written.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The catalogue is wrong, of another sample, or in use.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Something that the user gave is wrong.
    #[error("{0}")]
    BadInput(String),
    /// The computation failed; the message names what and the remedy.
    #[error("{0}")]
    Failed(String),
    /// What a stage of a run was to find cannot be had from this sample: the stage costs its own
    /// rows in the report, the run goes on.
    #[error("{0}")]
    LeftOut(String),
    /// The user asked to stop; everything finished is kept.
    #[error("interrupted; everything finished is kept: {resume}")]
    Interrupted {
        /// How to go on.
        resume: String,
    },
    /// The user asked to stop a work of which nothing is kept.
    #[error("interrupted; nothing of it is kept: give the same command again to start anew")]
    Abandoned,
}

impl PipelineError {
    /// Bad input found while doing something with a file.
    pub(crate) fn in_file(file: impl Into<PathBuf>, message: impl std::fmt::Display) -> Self {
        Self::BadInput(format!("{}: {message}", file.into().display()))
    }

    /// This error, unless it is the failure of a computation that `interrupt` cut short.
    pub(crate) fn unless(self, interrupt: &Interrupt, resume: impl FnOnce() -> String) -> Self {
        match self {
            Self::Failed(_) | Self::BadInput(_) if interrupt.is_requested() => {
                Self::Interrupted { resume: resume() }
            }
            other => other,
        }
    }

    /// Whether the user asked to stop.
    pub(crate) fn is_interruption(&self) -> bool {
        matches!(self, Self::Interrupted { .. } | Self::Abandoned)
    }

    /// 1 failed, 2 bad input, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Files(error) if error.is_disk_failure() => 1,
            Self::Catalogue(error) if error.is_disk_failure() => 1,
            Self::Failed(_) | Self::LeftOut(_) => 1,
            Self::Config(_) | Self::BadInput(_) | Self::Files(_) | Self::Catalogue(_) => 2,
            Self::Interrupted { .. } | Self::Abandoned => 130,
        }
    }
}
