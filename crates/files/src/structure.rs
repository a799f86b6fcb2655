//! Opening a sample, whatever its format.

use std::path::{Path, PathBuf};

use metabasin_atoms::Configuration;

use crate::compression::read_bytes;
use crate::raw_frame::RawFrames;
use crate::text::{BYTE_ORDER_MARK, Located, decode};
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
    /// By content: below its title, which may say anything, a data file has a line with the
    /// bounds of its box or its number of atoms; a dump begins with `ITEM:`, and an XYZ file with
    /// a bare count.
    fn of_content(text: &str) -> Option<Self> {
        let header = |is_wanted: &dyn Fn(&[&str]) -> bool| {
            text.lines().skip(1).take(200).any(|line| {
                let bare = line.split('#').next().unwrap_or_default();
                is_wanted(&bare.split_whitespace().collect::<Vec<_>>())
            })
        };
        let is_box = |words: &[&str]| {
            matches!(
                words,
                [_, _, "xlo", "xhi"] | [_, _, "ylo", "yhi"] | [_, _, "zlo", "zhi"]
            ) || matches!(words, [_, _, _, "avec" | "bvec" | "cvec"])
        };
        let is_count =
            |words: &[&str]| matches!(words, [count, "atoms"] if count.parse::<u64>().is_ok());
        if header(&is_box) {
            return Some(Self::LammpsData);
        }
        let first = text.lines().find(|line| !line.trim().is_empty())?;
        if first.trim_start().starts_with("ITEM:") {
            return Some(Self::LammpsDump);
        }
        if header(&is_count) {
            return Some(Self::LammpsData);
        }
        let is_bare = first.trim().parse::<u64>().is_ok();
        is_bare.then_some(Self::ExtendedXyz)
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
/// zstd are seen through. Of several frames the last whole one is taken.
///
/// Atoms keep the order and the ids of the file. Positions are relative to the low corner of the
/// box and unwrapped: image flags are applied, x − lo + h n. Velocities are kept where
/// there are any. Types that no atom has are left out, whatever their masses. Masses of two species
/// must be 2:1; where the first is not 1, masses are divided by it and velocities multiplied by its
/// square root (see the notes). A lattice that is not upper triangular is rotated.
///
/// Species are known by number, as A and B, or as H and He (what ASE calls the first two types of a
/// LAMMPS file); by a label that the file itself declares; by a column of type numbers; and two
/// other names by masses, the heavier being type 1.
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
    let in_file = |located| content(path.to_owned(), located);
    parse_as(text, format_of(text).map_err(in_file)?, path)
}

/// As [`parse_with_notes`], for a text whose format is known, whatever it looks like.
///
/// # Errors
/// As [`read_with_notes`].
pub fn parse_as(
    text: &str,
    format: StructureFormat,
    path: &Path,
) -> Result<ReadReport, FilesError> {
    let in_file = |located| content(path.to_owned(), located);
    let RawFrames { mut whole, cut } = parse(text, format).map_err(in_file)?;
    let count = whole.len();
    let last = whole
        .pop()
        .ok_or_else(|| in_file(Located::anywhere(Problem::Empty)))?;
    let (configuration, mut notes) = last.into_configuration().map_err(in_file)?;
    if let Some(Located { line, problem }) = cut {
        let place = line.map_or_else(String::new, |line| format!("line {line}: "));
        notes.push(format!(
            "the file ends within a frame ({place}{problem}): the one before it, number {count}, \
             was taken"
        ));
    } else if count > 1 {
        notes.push(format!("the file holds {count} frames: the last was taken"));
    }
    if !text.ends_with('\n') {
        notes.push(
            "the file does not end in a line break: if it was cut off there, its last number is \
             wrong"
                .to_owned(),
        );
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
/// As [`read_with_notes`], and where the last frame is cut off.
pub fn read_trajectory(path: &Path) -> Result<Vec<Configuration>, FilesError> {
    let text = read_text(path)?;
    let RawFrames { whole, cut } = format_of(&text)
        .and_then(|format| parse(&text, format))
        .map_err(|located| content(path.to_owned(), located))?;
    if let Some(located) = cut {
        return Err(content(path.to_owned(), located));
    }
    whole
        .into_iter()
        .map(|frame| {
            frame
                .into_configuration()
                .map(|(configuration, _)| configuration)
                .map_err(|located| content(path.to_owned(), located))
        })
        .collect()
}

/// The text of a structure file.
fn read_text(path: &Path) -> Result<String, FilesError> {
    decode(read_bytes(path)?)
        .map_err(|problem| content(path.to_owned(), Located::anywhere(problem)))
}

fn content(path: PathBuf, located: Located) -> FilesError {
    FilesError::Content {
        path,
        line: located.line,
        problem: located.problem,
    }
}

/// The format of a text, by its content.
fn format_of(text: &str) -> Result<StructureFormat, Located> {
    let text = text.trim_start_matches(BYTE_ORDER_MARK);
    if text.trim().is_empty() {
        return Err(Located::anywhere(Problem::Empty));
    }
    StructureFormat::of_content(text).ok_or_else(|| {
        let first = text.lines().find(|line| !line.trim().is_empty());
        Located::anywhere(Problem::NotAStructure {
            beginning: first.unwrap_or_default().trim().chars().take(60).collect(),
        })
    })
}

fn parse(text: &str, format: StructureFormat) -> Result<RawFrames, Located> {
    let text = text.trim_start_matches(BYTE_ORDER_MARK);
    match format {
        StructureFormat::LammpsData => Ok(RawFrames {
            whole: vec![lammps_data::parse(text)?],
            cut: None,
        }),
        StructureFormat::ExtendedXyz => extended_xyz::parse(text),
        StructureFormat::LammpsDump => lammps_dump::parse(text),
    }
}
