//! A structure file, read and found fit for the potential.

use std::path::Path;
use std::sync::Arc;

use metabasin_atoms::Configuration;
use metabasin_files::read_with_notes;
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};

use crate::PipelineError;
use crate::config::KernelChoice;

/// The force field of a cut mode.
pub fn force_field(cut: Cut, kernel: KernelChoice) -> ForceField {
    let kernel = match kernel {
        KernelChoice::Auto => Kernel::detect(),
        KernelChoice::Portable => Kernel::Portable,
    };
    ForceField::new(Arc::new(BinaryLennardJones::wahnstrom(cut)), kernel)
}

/// A sample that can be computed with.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The atoms.
    pub configuration: Configuration,
    /// What had to be assumed while reading, for people.
    pub notes: Vec<String>,
}

impl Sample {
    /// Reads a structure file and checks it against the potential.
    ///
    /// # Errors
    /// Bad input, naming file, line or atom, value and remedy.
    pub fn read(path: &Path, cut: Cut) -> Result<Self, PipelineError> {
        let report = read_with_notes(path)?;
        force_field(cut, KernelChoice::Portable)
            .check(&report.configuration)
            .map_err(|error| PipelineError::in_file(path, error))?;
        Ok(Self {
            configuration: report.configuration,
            notes: report.notes,
        })
    }
}
