//! Opening a sample, whatever its format.

use std::path::{Path, PathBuf};

use metabasin_atoms::Configuration;

use crate::compression::read_text;
use crate::raw_frame::RawFrame;
use crate::text::Located;
use crate::{Compression, FilesError, Problem, extended_xyz, lammps_data, lammps_dump};

/// The structure formats that are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructureFormat {
    /// LAMMPS data file, atom style `atomic`.
    LammpsData,
    /// Extended XYZ, one frame or many.
    ExtendedXyz,
    /// LAMMPS text dump, one frame or many.
    LammpsDump,
}

impl StructureFormat {
    /// By content: a dump begins with `ITEM:`, an XYZ file with a bare count, and a data file
    /// names its box or its atoms in the header.
    fn of_content(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let first = lines.by_ref().find(|line| !line.trim().is_empty())?;
        if first.starts_with("ITEM:") {
            return Some(Self::LammpsDump);
        }
        let second = lines.next().unwrap_or_default();
        if first.trim().parse::<u64>().is_ok() && !second.trim_end().ends_with("atoms") {
            return Some(Self::ExtendedXyz);
        }
        text.lines()
            .take(200)
            .map(|line| line.split('#').next().unwrap_or_default().trim_end())
            .any(|line| line.ends_with("xlo xhi") || line.ends_with(" atoms"))
            .then_some(Self::LammpsData)
    }

    /// By the name of a file, its compression suffix apart: `.xyz` and `.extxyz`, `.dump` and
    /// `.lammpstrj`, `.data` and `.lammps` and `.lmp`.
    pub fn of_name(path: &Path) -> Option<Self> {
        let bare = match Compression::of_name(path) {
            Compression::Plain => path.to_owned(),
            Compression::Gzip | Compression::Zstd => path.with_extension(""),
        };
        match bare.extension()?.to_str()? {
            "xyz" | "extxyz" => Some(Self::ExtendedXyz),
            "dump" | "lammpstrj" => Some(Self::LammpsDump),
            "data" | "lammps" | "lmp" => Some(Self::LammpsData),
            _ => None,
        }
    }
}

/// A sample and what was assumed on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadReport {
    /// The sample.
    pub configuration: Configuration,
    /// Sentences for people: masses rescaled or taken for granted, a rotation, frames left out.
    pub notes: Vec<String>,
    /// The format found.
    pub format: StructureFormat,
}

/// Reads a sample; see [`read_with_notes`].
///
/// # Errors
/// As [`read_with_notes`].
pub fn read_configuration(path: &Path) -> Result<Configuration, FilesError> {
    read_with_notes(path).map(|report| report.configuration)
}

/// Reads a sample: LAMMPS data, LAMMPS text dump or extended XYZ, told apart by content; gzip and
/// zstd are seen through. Of several frames the last is taken.
///
/// Atoms keep the order and the ids of the file. Positions are relative to the low corner of the
/// box and unwrapped: image flags are applied, x − lo + h n. Velocities are kept where
/// there are any. Masses of two species must be 2:1; where the first is not 1, masses are divided
/// by it and velocities multiplied by its square root (see the notes). A lattice that is not
/// upper triangular is rotated.
///
/// # Errors
/// [`FilesError`] naming the file, the line, the value and what to do.
pub fn read_with_notes(path: &Path) -> Result<ReadReport, FilesError> {
    parse_with_notes(&read_text(path)?, path)
}

/// As [`read_with_notes`], for a text that is already there; errors name it `path`.
///
/// # Errors
/// As [`read_with_notes`].
pub fn parse_with_notes(text: &str, path: &Path) -> Result<ReadReport, FilesError> {
    let (mut frames, format) = parse(text).map_err(|located| content(path.to_owned(), located))?;
    let count = frames.len();
    let last = frames.pop().ok_or_else(|| FilesError::Content {
        path: path.to_owned(),
        line: None,
        problem: Problem::Empty,
    })?;
    let (configuration, mut notes) = last
        .into_configuration()
        .map_err(|located| content(path.to_owned(), located))?;
    if count > 1 {
        notes.push(format!("the file holds {count} frames: the last was taken"));
    }
    Ok(ReadReport {
        configuration,
        notes,
        format,
    })
}

/// Reads every frame of a file, first to last; each as [`read_with_notes`] would.
///
/// # Errors
/// As [`read_with_notes`].
pub fn read_trajectory(path: &Path) -> Result<Vec<Configuration>, FilesError> {
    let (frames, _) =
        parse(&read_text(path)?).map_err(|located| content(path.to_owned(), located))?;
    frames
        .into_iter()
        .map(|frame| {
            frame
                .into_configuration()
                .map(|(configuration, _)| configuration)
                .map_err(|located| content(path.to_owned(), located))
        })
        .collect()
}

fn content(path: PathBuf, located: Located) -> FilesError {
    FilesError::Content {
        path,
        line: located.line,
        problem: located.problem,
    }
}

fn parse(text: &str) -> Result<(Vec<RawFrame>, StructureFormat), Located> {
    if text.trim().is_empty() {
        return Err(Located::anywhere(Problem::Empty));
    }
    let Some(format) = StructureFormat::of_content(text) else {
        let first = text.lines().find(|line| !line.trim().is_empty());
        return Err(Located::anywhere(Problem::NotAStructure {
            beginning: first.unwrap_or_default().trim().chars().take(60).collect(),
        }));
    };
    let frames = match format {
        StructureFormat::LammpsData => vec![lammps_data::parse(text)?],
        StructureFormat::ExtendedXyz => extended_xyz::parse(text)?,
        StructureFormat::LammpsDump => lammps_dump::parse(text)?,
    };
    Ok((frames, format))
}
