//! Writing a sample in the format that its file name asks for, with what is known about it.

use std::path::Path;

use metabasin_atoms::Configuration;
use metabasin_files::{
    Frame, KeyValue, Overwrite, Placement, StructureFormat, write_atomic, write_extxyz,
    write_lammps_data, write_lammps_dump,
};

use crate::PipelineError;

/// Whether a structure was written and, where not, why: what was computed is told all the same.
pub type Written = Result<(), PipelineError>;

/// Whether a file name says in which format a structure is written.
///
/// # Errors
/// Bad input that names the endings.
pub fn check_structure_name(path: &Path) -> Result<(), PipelineError> {
    StructureFormat::of_name(path).map(drop).ok_or_else(|| {
        PipelineError::in_file(
            path,
            "the name says no format: end it in .extxyz, .data or .dump (.gz or .zst behind)",
        )
    })
}

/// Where a user wants a structure.
#[derive(Clone, Copy, Debug)]
pub struct StructureOutput<'a> {
    /// The file, its format in its name.
    pub path: &'a Path,
    /// Whether it may exist.
    pub overwrite: Overwrite,
    /// Where its atoms are put.
    pub placement: Placement,
}

impl StructureOutput<'_> {
    /// Writes `configuration`: `.extxyz`/`.xyz`, `.data` or `.dump`, compressed where the name ends
    /// in `.gz` or `.zst`. Extended XYZ also carries `keys`, version and units.
    ///
    /// # Errors
    /// Where the file exists and may not be overwritten, the name asks for no known format, or the
    /// disk does not take it.
    pub(crate) fn write(
        &self,
        configuration: &Configuration,
        keys: &[(&str, KeyValue)],
    ) -> Written {
        let mut frame = Frame::new(configuration)
            .placed(self.placement)
            .with_key("program", concat!("metabasin ", env!("CARGO_PKG_VERSION")))
            .with_key("units", "reduced Lennard-Jones");
        for (name, value) in keys {
            frame = frame.with_key(name, value.clone());
        }
        match StructureFormat::of_name(self.path) {
            Some(StructureFormat::ExtendedXyz) => {
                write_extxyz(self.path, &[frame], self.overwrite)?;
            }
            Some(StructureFormat::LammpsData) => {
                write_lammps_data(self.path, frame, self.overwrite)?;
            }
            Some(StructureFormat::LammpsDump) => {
                write_lammps_dump(self.path, &[(0, frame)], self.overwrite)?;
            }
            None => check_structure_name(self.path)?,
        }
        Ok(())
    }
}

/// Writes a structure that the program reads again, its atoms unwrapped with the same bits.
///
/// # Errors
/// As [`StructureOutput::write`].
pub(crate) fn write_structure(
    path: &Path,
    overwrite: Overwrite,
    configuration: &Configuration,
    keys: &[(&str, KeyValue)],
) -> Result<(), PipelineError> {
    let output = StructureOutput {
        path,
        overwrite,
        placement: Placement::Unwrapped,
    };
    output.write(configuration, keys)
}

/// Writes a text whole, such as a plot.
///
/// # Errors
/// Where the file exists and `overwrite` refuses, or cannot be written.
pub fn write_text(path: &Path, text: &str, overwrite: Overwrite) -> Result<(), PipelineError> {
    write_bytes(path, text.as_bytes(), overwrite)
}

/// Writes bytes whole, as they are.
///
/// # Errors
/// As [`write_text`].
pub fn write_bytes(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<(), PipelineError> {
    write_atomic(path, overwrite, |writer| writer.write_all(bytes))?;
    Ok(())
}
