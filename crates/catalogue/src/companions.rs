//! The files that SQLite keeps beside a catalogue, by name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::CatalogueError;

/// What undoes the transaction under way, until it is finished.
const JOURNAL: &str = "-journal";
/// The log of a catalogue that an earlier version, or another program, opened in WAL mode.
const LOG: &str = "-wal";
/// The index of that log, which can be made anew.
const LOG_INDEX: &str = "-shm";
/// Names the process that writes.
const LOCK: &str = ".lock";

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The file that names the process that writes.
pub(crate) fn lock_file(catalogue: &Path) -> PathBuf {
    with_suffix(catalogue, LOCK)
}

/// The names of all files that stand beside a catalogue while it is written; of a finished one none
/// is there.
pub fn companions(catalogue: &Path) -> [PathBuf; 4] {
    [JOURNAL, LOG, LOG_INDEX, LOCK].map(|suffix| with_suffix(catalogue, suffix))
}

/// Removes a catalogue and what SQLite keeps beside it, where they are there.
///
/// # Errors
/// What the system reports.
pub fn remove_catalogue(catalogue: &Path) -> Result<(), CatalogueError> {
    // The file first: what a stop leaves then is a companion without a catalogue, which is noticed,
    // never a catalogue without the journal that makes it whole.
    for suffix in ["", JOURNAL, LOG, LOG_INDEX] {
        let path = with_suffix(catalogue, suffix);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(CatalogueError::File { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a process that was stopped left beside a catalogue, and SQLite would put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// The original pages of a transaction that was not finished.
    Journal,
    /// Transactions that were not moved into the file yet.
    Log,
}

impl Leftover {
    pub(crate) fn file(self, catalogue: &Path) -> PathBuf {
        with_suffix(
            catalogue,
            match self {
                Self::Journal => JOURNAL,
                Self::Log => LOG,
            },
        )
    }

    /// Those that are there, in the order in which SQLite takes them.
    ///
    /// # Errors
    /// What the system reports.
    pub(crate) fn beside(catalogue: &Path) -> Result<Vec<Self>, CatalogueError> {
        let mut found = Vec::new();
        for leftover in [Self::Journal, Self::Log] {
            let path = leftover.file(catalogue);
            match fs::File::open(&path) {
                Ok(file) => {
                    if leftover == Self::Log || begins(file) {
                        found.push(leftover);
                    }
                }
                Err(source) if source.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(CatalogueError::File { path, source }),
            }
        }
        Ok(found)
    }
}

/// Whether a journal undoes anything: SQLite passes over an empty one and one that begins with zero.
fn begins(mut file: fs::File) -> bool {
    let mut first = [0_u8];
    io::Read::read_exact(&mut file, &mut first).is_ok() && first != [0]
}
