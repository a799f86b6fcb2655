//! What can go wrong with a file, and what to do about it.

use std::io;
use std::path::PathBuf;

use metabasin_atoms::{CellError, ConfigurationError};
use thiserror::Error;

/// Why a file could not be read or written.
#[derive(Debug, Error)]
pub enum FilesError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}; {}", read_remedy(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written; nothing was left behind.
    #[error("cannot write {path}: {source}; {}", write_remedy(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file exists and must not be overwritten.
    #[error("{path} exists already; choose another name, or allow overwriting (--force)")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The content of a file is not what it should be.
    #[error("{path}{}: {problem}; {}", at_line(*line), problem.remedy())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where one line is to blame.
        line: Option<usize>,
        /// What is wrong.
        problem: Problem,
    },
    /// A JSON document of ours cannot be understood.
    #[error(
        "{path}: {source}; the file was damaged or written by another version: restore it or start the run anew"
    )]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// A checkpoint whose content is not what its checksum was made of.
    #[error(
        "{path} is damaged: its content does not fit its checksum; restore it from a copy, or delete it \
         and what it belongs to is done anew"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Numbers that JSON cannot hold were about to be written.
    #[error(
        "cannot write {path}: it would hold a number that is not finite ({source}); leave such points out"
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Where the number was noticed.
        source: serde_json::Error,
    },
}

/// What is wrong with the content of a file.
#[derive(Debug, Error, PartialEq)]
pub enum Problem {
    /// No bytes, or blank lines only.
    #[error("the file is empty")]
    Empty,
    /// Compressed data that end early or are damaged.
    #[error("the {format} data are damaged or end early ({detail})")]
    Compressed {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// What the decoder said.
        detail: String,
    },
    /// Bytes that are no text.
    #[error("the content is not text (byte {byte} is not UTF-8)")]
    NotText {
        /// Offset of the first offending byte after decompression.
        byte: usize,
    },
    /// No known structure format.
    #[error("not a structure file: it begins with `{beginning}`")]
    NotAStructure {
        /// Its first line, shortened.
        beginning: String,
    },
    /// A word that should be a number.
    #[error("{what} should be a number, found `{text}`")]
    Number {
        /// What the number means.
        what: String,
        /// The word found.
        text: String,
    },
    /// A number that is NaN or infinite.
    #[error("{what} is not finite: `{text}`")]
    NotFinite {
        /// What the number means.
        what: String,
        /// The word found.
        text: String,
    },
    /// A count that does not fit what follows.
    #[error("{declared} {what} are declared, but {found} are there")]
    Count {
        /// What is counted.
        what: &'static str,
        /// As declared.
        declared: u64,
        /// As found.
        found: u64,
    },
    /// A line with too few or too many columns.
    #[error("{what} has {found} columns, expected {expected}")]
    Columns {
        /// What the line describes.
        what: &'static str,
        /// How many there should be.
        expected: String,
        /// How many there are.
        found: usize,
    },
    /// Something indispensable is missing.
    #[error("{what} is missing")]
    Missing {
        /// Section, key or column.
        what: String,
    },
    /// A type number or name that cannot be mapped.
    #[error("unknown species `{text}`")]
    UnknownSpecies {
        /// The name or number found.
        text: String,
    },
    /// A label that `Atom Type Labels` does not declare.
    #[error("the atom type label `{label}` is not declared")]
    UndeclaredLabel {
        /// The label found.
        label: String,
    },
    /// A label that stands for two types, or two labels for one type.
    #[error("the atom type label `{label}` is given to type {number}, but {taken}")]
    LabelTaken {
        /// The label found.
        label: String,
        /// The type that it is given to.
        number: u8,
        /// What it clashes with.
        taken: String,
    },
    /// A type beyond the two of the glass, and no masses that would tell which is which.
    #[error("there are atoms of type {number}, but no masses")]
    NoMass {
        /// The highest type.
        number: u8,
    },
    /// All atoms are of one type beyond the two of the glass.
    #[error("all atoms are of type {number}")]
    LoneType {
        /// The type.
        number: u8,
    },
    /// Something this program does not read.
    #[error("{what} is not supported")]
    Unsupported {
        /// What was found.
        what: String,
    },
    /// A cell that is no cell.
    #[error("the cell is not usable: {0}")]
    Cell(CellError),
    /// Lattice vectors of no volume.
    #[error("the cell has no volume: its lattice vectors lie in a plane")]
    NoVolume,
    /// Lattice vectors that no rotation brings to the standard form.
    #[error("the lattice vectors are left-handed (a·(b×c) = {triple_product})")]
    LeftHanded {
        /// a·(b×c) `[length³]`.
        triple_product: f64,
    },
    /// Open boundaries.
    #[error("the cell is not periodic in every direction (found `{found}`)")]
    NotPeriodic {
        /// As the file says it.
        found: String,
    },
    /// Masses that are not 2 : 1.
    #[error("the masses {first} and {second} are not in the ratio 2:1")]
    MassRatio {
        /// Mass of type 1.
        first: f64,
        /// Mass of type 2.
        second: f64,
    },
    /// Atoms of one type with different masses.
    #[error("atoms of type {number} have different masses, {first} and {second}")]
    MixedMasses {
        /// The type.
        number: u8,
        /// One mass.
        first: f64,
        /// Another mass.
        second: f64,
    },
    /// A velocity of an atom that does not exist.
    #[error("there is no atom with id {id}")]
    NoSuchAtom {
        /// The id.
        id: u64,
    },
    /// Steps that do not ascend.
    #[error("step {step} comes after step {last}")]
    StepOrder {
        /// The step before.
        last: u64,
        /// The step that should lie beyond it.
        step: u64,
    },
    /// A header other than expected.
    #[error("the header is `{found}`, expected `{expected}`")]
    Header {
        /// As expected.
        expected: String,
        /// As found.
        found: String,
    },
    /// The configuration as a whole is not valid.
    #[error("{0}")]
    Configuration(ConfigurationError),
}

impl Problem {
    /// What to do about it, in one clause.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Empty => "was it cut off by a full disk? make or copy it again",
            Self::Compressed { .. } => "copy or compress the file again",
            Self::NotText { .. } => {
                "give a text file: LAMMPS data, LAMMPS text dump or extended XYZ, plain, gzip or zstd"
            }
            Self::NotAStructure { .. } => {
                "give a LAMMPS data file, a LAMMPS text dump or an extended XYZ file"
            }
            Self::Number { .. } => "correct this line",
            Self::NotFinite { .. } => {
                "the simulation that wrote it has blown up: use an earlier frame"
            }
            Self::Count { .. } => "the file was cut off or edited: write it again",
            Self::Columns { .. } => "correct this line or write the file again",
            Self::Missing { .. } => "add it, or write the file again with it",
            Self::UnknownSpecies { .. } => {
                "name species 1 and 2, A and B or H and He; other names need a column of type \
                 numbers, or one of masses 2:1 for two species"
            }
            Self::UndeclaredLabel { .. } => {
                "declare it in the section `Atom Type Labels`, or give the type by its number"
            }
            Self::LabelTaken { .. } => "give every type one label of its own",
            Self::NoMass { .. } => {
                "number the types 1 (large) and 2 (small), or give masses in the file"
            }
            Self::LoneType { .. } => "make it type 1 (large) or 2 (small)",
            Self::Unsupported { .. } => "convert the file, for example with OVITO or ASE",
            Self::Cell(_) | Self::NoVolume => "give three lattice vectors that span a volume",
            Self::LeftHanded { .. } => "exchange two lattice vectors so that a·(b×c) is positive",
            Self::NotPeriodic { .. } => {
                "only fully periodic cells (pbc=\"T T T\", pp pp pp) are read"
            }
            Self::MassRatio { .. } => {
                "the two species need masses 2:1 (1 and 0.5): correct the masses or exchange the types"
            }
            Self::MixedMasses { .. } => "give every type one mass",
            Self::NoSuchAtom { .. } => "make the ids of both sections agree",
            Self::StepOrder { .. } => {
                "two runs wrote into one file: remove the rows of one, or start in a new folder"
            }
            Self::Header { .. } => {
                "the file belongs to another kind of run: move it away or start in a new folder"
            }
            Self::Configuration(_) => "correct the file or write it again",
        }
    }
}

impl FilesError {
    /// Whether the disk failed while writing, rather than the user asking for the impossible.
    pub fn is_disk_failure(&self) -> bool {
        match self {
            Self::Write { source, .. } => !matches!(
                source.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::AlreadyExists
                    | io::ErrorKind::InvalidFilename
            ),
            _ => false,
        }
    }
}

/// `:LINE`, or nothing.
fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(":{line}"))
}

fn read_remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "check the name and the folder you are in",
        io::ErrorKind::PermissionDenied => "check the permissions of the file and its folders",
        io::ErrorKind::IsADirectory => "this is a folder: name a file in it",
        _ => "check that it is a readable file",
    }
}

fn write_remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: free space or choose another folder; nothing was left behind"
        }
        io::ErrorKind::NotFound => "its folder does not exist: create it first",
        io::ErrorKind::NotADirectory => "a part of its path is a file: choose another folder",
        io::ErrorKind::IsADirectory => "this is a folder: name a file in it",
        io::ErrorKind::InvalidInput => "name a file",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "the folder cannot be written to: choose another or change its permissions"
        }
        _ => "check the folder and its disk; nothing was left behind",
    }
}
