//! What can go wrong with a catalogue, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a catalogue cannot be opened, read or written.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// Columns that are no table, or that Parquet does not take.
    #[error("the table cannot be written as Parquet: {0}")]
    Parquet(String),
    /// There is no such file.
    #[error("there is no catalogue {path}; check the name, or make one with `metabasin search`")]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file exists and must not be overwritten.
    #[error(
        "{path} exists already; add to it (--resume), or choose another name, or overwrite it (--force)"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is no SQLite database.
    #[error("{path} is not a catalogue: it is not an SQLite database; name a catalogue.sqlite")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// An SQLite database of another program.
    #[error("{path} is an SQLite database, but not a catalogue; name a catalogue.sqlite")]
    NotACatalogue {
        /// The file.
        path: PathBuf,
    },
    /// A catalogue of another version.
    #[error(
        "{path} has schema version {found}, this program reads version {expected}; use the version of \
         metabasin that wrote it (see its table `metadata`), or repeat the searches"
    )]
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        found: i64,
        /// Version of this program.
        expected: i64,
    },
    /// The catalogue belongs to another sample.
    #[error(
        "{path} belongs to the sample {catalogue}, but the sample given is {given}; give the sample \
         that it was made from, or start another catalogue"
    )]
    SampleMismatch {
        /// The file.
        path: PathBuf,
        /// Fingerprint in the catalogue.
        catalogue: String,
        /// Fingerprint given.
        given: String,
    },
    /// Another program reads or writes the catalogue and does not come to an end.
    #[error(
        "{path} is held by another program in the middle of reading or writing; let it finish (in \
         Python: fetch all rows, or close the connection), or end it"
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the catalogue open for writing.
    #[error("{path} is being written by {holder}; wait for it to end, or end it")]
    InUse {
        /// The file.
        path: PathBuf,
        /// Who holds it: process and machine.
        holder: String,
    },
    /// Searches that do not ascend.
    #[error(
        "search {index} cannot follow search {last} in {path}; searches enter in ascending order: does \
         another process write to it?"
    )]
    SearchOrder {
        /// The file.
        path: PathBuf,
        /// The index given.
        index: u64,
        /// The last index stored.
        last: u64,
    },
    /// A search refers to an event that is not there.
    #[error("{path} holds no event {event}")]
    NoSuchEvent {
        /// The file.
        path: PathBuf,
        /// The number asked for.
        event: u64,
    },
    /// A number that is NaN or infinite was about to be stored.
    #[error("{column} is not finite ({value}) and cannot be stored")]
    NotFinite {
        /// The column.
        column: String,
        /// Its value.
        value: f64,
    },
    /// The tables contradict each other.
    #[error(
        "{path} holds half of a transaction: {contradiction}; was it copied alone while it was being \
         written? copy it again with `metabasin export --format sqlite`, or restore it from a copy"
    )]
    Torn {
        /// The file.
        path: PathBuf,
        /// What contradicts what.
        contradiction: String,
    },
    /// The pages of the file do not fit together.
    #[error(
        "{path} is damaged: {detail}; was it copied alone while it was being written? copy it again \
         with `metabasin export --format sqlite`, or restore it from a copy"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// A journal or log beside the catalogue that is not its own.
    #[error(
        "{companion} lies beside {path}, but does not belong to it: {reason}; move it away to open \
         the catalogue without it, or put the catalogue back that it belongs to"
    )]
    ForeignCompanion {
        /// The file.
        path: PathBuf,
        /// The journal or log.
        companion: PathBuf,
        /// What speaks against it.
        reason: String,
    },
    /// A journal or log of a catalogue that is not there.
    #[error(
        "{companion} was left by another catalogue of the name {path}: put that catalogue back, or \
         remove what is left of it, or choose another name"
    )]
    Orphan {
        /// The file that is not there.
        path: PathBuf,
        /// The journal or log.
        companion: PathBuf,
    },
    /// A row that cannot be understood.
    #[error("{table}.{column} of {path} is damaged: {detail}; restore the file from a copy")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// What is wrong.
        detail: String,
    },
    /// The file cannot be read or written.
    #[error("cannot open {path}: {source}; check the folder and its permissions")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else that SQLite reports.
    #[error("{path}: {source}; {}", remedy(source))]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

fn remedy(source: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
    match source.sqlite_error_code() {
        Some(DiskFull) => "the disk is full: free space; what was stored before is kept",
        Some(SystemIoFailure) => "check the disk; what was stored before is kept",
        Some(ReadOnly) => {
            "make the file and its folder writable; where a process that wrote it was stopped \
             meanwhile, start the command again"
        }
        Some(CannotOpen) => "check the folder and its permissions",
        _ => "is it a catalogue that another program changed?",
    }
}

impl CatalogueError {
    /// Whether a writer that came or went meanwhile explains it: another look may go well.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::File { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Database { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly)
            }
            Self::ForeignCompanion { .. } => true,
            _ => false,
        }
    }

    /// Whether the disk failed while writing, rather than the user asking for the impossible.
    pub fn is_disk_failure(&self) -> bool {
        match self {
            Self::File { source, .. } => !matches!(
                source.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::AlreadyExists
                    | io::ErrorKind::InvalidFilename
            ),
            Self::Database { source, .. } => matches!(
                source.sqlite_error_code(),
                // SQLite is given files that are open already, in folders that a lock was written
                // to: what it cannot open is a journal on a disk that takes no more.
                Some(
                    rusqlite::ErrorCode::DiskFull
                        | rusqlite::ErrorCode::SystemIoFailure
                        | rusqlite::ErrorCode::CannotOpen
                )
            ),
            _ => false,
        }
    }
}
