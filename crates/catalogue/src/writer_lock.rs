//! One writer at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::companions::lock_file;
use crate::error::CatalogueError;

/// How often a lock that is held is tried again, and after what time.
const PATIENCE: u32 = 4;
const MOMENT: Duration = Duration::from_millis(25);

/// So often a lock is taken on a file that its last holder has removed.
const ATTEMPTS: usize = 1000;

/// Held by the one process that writes to a catalogue, from opening to closing.
///
/// The system lets go of the lock when the process ends, however it ends; the file beside the
/// catalogue (`.lock`) says who holds it, and is removed in an orderly end. The catalogue itself is
/// not locked: `SQLite` does that for each transaction, so that readers look on.
#[derive(Debug)]
pub(crate) struct WriterLock {
    path: PathBuf,
    /// Holds the lock until it is closed.
    _file: File,
}

impl WriterLock {
    /// Becomes the writer of `catalogue`.
    ///
    /// # Errors
    /// [`CatalogueError::InUse`] naming the writer, or what the system reports.
    pub(crate) fn acquire(catalogue: &Path) -> Result<Self, CatalogueError> {
        let path = lock_file(catalogue);
        let failed = |source| CatalogueError::File {
            path: catalogue.to_owned(),
            source,
        };
        let mut tries = 0;
        for _ in 0..ATTEMPTS {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                // A reader that asks whether somebody writes holds it for a moment.
                Err(TryLockError::WouldBlock) if tries < PATIENCE => {
                    tries += 1;
                    std::thread::sleep(MOMENT);
                    continue;
                }
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    // Whoever holds it may be about to write its name.
                    let named = file.read_to_string(&mut holder).is_ok() && !holder.is_empty();
                    return Err(CatalogueError::InUse {
                        path: catalogue.to_owned(),
                        holder: if named {
                            holder.trim().to_owned()
                        } else {
                            "another process".to_owned()
                        },
                    });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // The last holder may have removed the file between opening and locking it.
            if !is_file_at(&file, &path) {
                continue;
            }
            let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            let host = host.trim();
            let place = if host.is_empty() {
                String::new()
            } else {
                format!(" on {host}")
            };
            file.set_len(0)
                .and_then(|()| writeln!(file, "process {}{place}", std::process::id()))
                .map_err(failed)?;
            return Ok(Self { path, _file: file });
        }
        Err(CatalogueError::InUse {
            path: catalogue.to_owned(),
            holder: "processes that come and go".to_owned(),
        })
    }
}

/// Whether a process holds the lock of `catalogue`; not where nobody can know.
pub(crate) fn is_held(catalogue: &Path) -> bool {
    File::open(lock_file(catalogue))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Best effort: a file that stays behind unlocked is in nobody's way.
        fs::remove_file(&self.path).ok();
    }
}

#[cfg(unix)]
fn is_file_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => open.dev() == there.dev() && open.ino() == there.ino(),
        _ => false,
    }
}

/// Where open files cannot be removed, the file is still there.
#[cfg(not(unix))]
fn is_file_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
