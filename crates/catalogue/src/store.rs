//! The SQLite file: whole searches in, records out.

mod graph;
mod rates;
mod searches;
mod sessions;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params_from_iter};

use crate::companions::{Leftover, remove_catalogue};
use crate::error::CatalogueError;
use crate::leftovers::{Recovered, recover_copy, refuse_orphans};
use crate::opening::{Mode, check_magic, check_version, database_error, immutable_uri, upgrade};
use crate::records::{EventRecord, SampleRecord, SearchRecord};
use crate::rows::{BadColumn, Cells, Reader, read_event, read_sample, read_search, sample_cells};
use crate::schema::{SCHEMA_VERSION, UNITS, definition};
use crate::wholeness::{check_file, check_tables};
use crate::writer_lock::{WriterLock, is_held};

pub use searches::Found;
pub use sessions::Session;

/// How long a reader waits for a transaction to end, and a writer when it opens a catalogue.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a transaction waits for readers before it is undone: it keeps new ones out while it
/// waits. Whoever can wait longer tries again.
const TRANSACTION_TIMEOUT: Duration = Duration::from_millis(500);

/// How often a catalogue whose files change under the eyes is looked at again, and after what time.
const READ_TRIES: u32 = 5;
const READ_PAUSE: Duration = Duration::from_millis(50);

/// A catalogue: one sample, its searches and its events, in one SQLite file.
///
/// Each call that records is one transaction, synced to disk, after which the file alone is whole: a
/// kill at any moment leaves whole searches, in the file and, in the middle of a transaction, the
/// journal beside it (`-journal`) that undoes it. One process at a time has it open for writing;
/// readers may look on.
#[derive(Debug)]
pub struct Catalogue {
    path: PathBuf,
    connection: Connection,
    /// Held while open for writing; dropped after the connection.
    _lock: Option<WriterLock>,
    /// What is read in place of a file that a stopped process left half-written.
    _recovered: Option<Recovered>,
}

impl Catalogue {
    /// Makes a catalogue for a sample. It appears under its name only when it is complete.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`], [`CatalogueError::Orphan`], or what the system or SQLite report.
    pub fn create(path: &Path, sample: &SampleRecord) -> Result<Self, CatalogueError> {
        if path.symlink_metadata().is_ok() {
            return Err(CatalogueError::Exists {
                path: path.to_owned(),
            });
        }
        refuse_orphans(path)?;
        let lock = WriterLock::acquire(path)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let partial = path.with_file_name(name);
        let failed = |source| CatalogueError::File {
            path: path.to_owned(),
            source,
        };
        File::create(&partial).map_err(failed)?;
        let outcome = Self::fill(&partial, sample);
        let outcome = outcome.and_then(|()| fs::rename(&partial, path).map_err(failed));
        if let Err(error) = outcome {
            // Best effort: the first error is the one worth telling.
            remove_catalogue(&partial).ok();
            return Err(error);
        }
        sync_folder_of(path);
        Self::open_locked(path, lock)
    }

    /// Schema, metadata and sample in one transaction.
    fn fill(path: &Path, sample: &SampleRecord) -> Result<(), CatalogueError> {
        let mut connection =
            Connection::open(path).map_err(|source| database_error(path, source))?;
        let database = |source| database_error(path, source);
        let transaction = connection.transaction().map_err(database)?;
        transaction.execute_batch(&definition()).map_err(database)?;
        let schema_version = SCHEMA_VERSION.to_string();
        let compliance = match sample.stiffness {
            Some(stiffness) => stiffness.stable_or_isotropic().1.name(),
            None => "none",
        };
        for (key, value) in [
            ("schema_version", schema_version.as_str()),
            ("program", "metabasin"),
            ("program_version", env!("CARGO_PKG_VERSION")),
            ("units", UNITS),
            ("tensor_components", "xx, yy, zz, xy, xz, yz"),
            ("blobs", "little-endian; f64 unless docs say otherwise"),
            ("compliance", compliance),
        ] {
            transaction
                .execute("INSERT INTO metadata VALUES (?1, ?2)", [key, value])
                .map_err(database)?;
        }
        transaction
            .execute(
                "INSERT INTO metadata VALUES
                 ('created', strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
                 ('id', lower(hex(randomblob(16))))",
                [],
            )
            .map_err(database)?;
        insert(&transaction, path, "samples", sample_cells(sample))?;
        transaction.commit().map_err(database)
    }

    /// Opens a catalogue to add to it; one of an older version of the schema is upgraded, and what a
    /// stopped process left beside it is put into it, if it belongs to it.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`], [`CatalogueError::NotADatabase`],
    /// [`CatalogueError::NotACatalogue`], [`CatalogueError::SchemaVersion`],
    /// [`CatalogueError::InUse`] where another process has it open for writing,
    /// [`CatalogueError::Torn`] and [`CatalogueError::Malformed`] where the file is not whole,
    /// [`CatalogueError::ForeignCompanion`], or what SQLite reports.
    pub fn open(path: &Path) -> Result<Self, CatalogueError> {
        check_magic(path)?;
        let lock = WriterLock::acquire(path)?;
        Self::open_locked(path, lock)
    }

    fn open_locked(path: &Path, lock: WriterLock) -> Result<Self, CatalogueError> {
        let leftovers = Leftover::beside(path)?;
        if !leftovers.is_empty() {
            recover_copy(path, &leftovers)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = |source| database_error(path, source);
        let mut connection = Connection::open_with_flags(path, flags).map_err(database)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(database)?;
        let version = check_version(&connection, path)?;
        // A rollback journal, of all modes the one in which the file alone is whole after every
        // transaction. Where other programs look into a log, the mode stays what it is.
        let mode: String = connection
            .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
            .map_err(database)?;
        if mode != "delete" {
            return Err(CatalogueError::Busy {
                path: path.to_owned(),
            });
        }
        connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .map_err(database)?;
        upgrade(&mut connection, path, version)?;
        check_tables(&connection, path)?;
        connection
            .busy_timeout(TRANSACTION_TIMEOUT)
            .map_err(database)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            _lock: Some(lock),
            _recovered: None,
        })
    }

    /// Opens a catalogue to read it; also while another process writes to it, and from a folder
    /// that cannot be written to. Changes nothing: what a stopped process left beside the file is
    /// put into a copy, if it belongs to it, and read from there.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn open_read_only(path: &Path) -> Result<Self, CatalogueError> {
        let mut tries = 0;
        loop {
            match Self::read_as_it_stands(path) {
                // A writer came or went between two looks at the files.
                Err(error) if tries < READ_TRIES && error.passes() => {
                    tries += 1;
                    std::thread::sleep(READ_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    fn read_as_it_stands(path: &Path) -> Result<Self, CatalogueError> {
        let mode = check_magic(path)?;
        let leftovers = Leftover::beside(path)?;
        // While somebody writes, SQLite knows what belongs to what.
        let stopped = !leftovers.is_empty() && !is_held(path);
        let recovered = stopped
            .then(|| recover_copy(path, &leftovers))
            .transpose()?;
        let name = match &recovered {
            Some(recovered) => recovered.path.clone(),
            // Without a log nobody writes, and SQLite needs no file beside the catalogue.
            None if mode == Mode::Log && leftovers.is_empty() => immutable_uri(path).into(),
            None => path.to_owned(),
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let database = |source| database_error(path, source);
        let connection = Connection::open_with_flags(name, flags).map_err(database)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(database)?;
        check_version(&connection, path)?;
        check_tables(&connection, path)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            _lock: None,
            _recovered: recovered,
        })
    }

    /// Checks every page of the file, and that its tables do not contradict each other.
    ///
    /// # Errors
    /// [`CatalogueError::Malformed`], [`CatalogueError::Torn`], or what SQLite reports.
    pub fn check_integrity(&self) -> Result<(), CatalogueError> {
        check_file(&self.connection, &self.path)
    }

    /// Copies the catalogue as it is at this moment to `target`, which must not exist, in one file;
    /// also while another process writes to it.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`], or what SQLite reports.
    pub fn copy_to(&self, target: &Path) -> Result<(), CatalogueError> {
        if target.symlink_metadata().is_ok() {
            return Err(CatalogueError::Exists {
                path: target.to_owned(),
            });
        }
        self.connection
            .execute("VACUUM INTO ?1", [target.to_string_lossy()])
            .map(|_| ())
            .map_err(|source| database_error(target, source))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the catalogue belongs to a sample
    /// ([`metabasin_atoms::Configuration::fingerprint`] in hexadecimal).
    ///
    /// # Errors
    /// [`CatalogueError::SampleMismatch`] naming both.
    pub fn check_sample(&self, fingerprint: &str) -> Result<(), CatalogueError> {
        let catalogue: String = self
            .connection
            .query_row("SELECT fingerprint FROM samples", [], |row| row.get(0))
            .map_err(|source| self.database(source))?;
        if catalogue == fingerprint {
            return Ok(());
        }
        Err(CatalogueError::SampleMismatch {
            path: self.path.clone(),
            catalogue,
            given: fingerprint.to_owned(),
        })
    }

    /// Writes an entry of the table `metadata`, in place of what was there.
    ///
    /// # Errors
    /// [`CatalogueError::Busy`], or what SQLite reports.
    pub fn set_metadata(&mut self, key: &str, value: &str) -> Result<(), CatalogueError> {
        self.connection
            .execute(
                "INSERT INTO metadata VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [key, value],
            )
            .map(|_| ())
            .map_err(|source| self.database(source))
    }

    /// An entry of the table `metadata`, where there is one.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn metadata(&self, key: &str) -> Result<Option<String>, CatalogueError> {
        self.connection
            .query_row("SELECT value FROM metadata WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|source| self.database(source))
    }

    /// Index of the search to be done next: one above the highest stored, or 0.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn next_search_index(&self) -> Result<u64, CatalogueError> {
        let last = last_search(&self.connection).map_err(|source| self.database(source))?;
        Ok(last.map_or(0, |last| last + 1))
    }

    /// The searches stored, from the lowest index to one above the highest; `None` without any.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn search_range(&self) -> Result<Option<std::ops::Range<u64>>, CatalogueError> {
        let ends: Option<(i64, i64)> = self
            .connection
            .query_row("SELECT min(search), max(search) FROM searches", [], |row| {
                let (first, last): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
                Ok(first.zip(last))
            })
            .map_err(|source| self.database(source))?;
        Ok(ends.map(|(first, last)| first.cast_unsigned()..last.cast_unsigned() + 1))
    }

    /// Id that the next new event will get.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn next_event_id(&self) -> Result<u64, CatalogueError> {
        next_event(&self.connection).map_err(|source| self.database(source))
    }

    /// The sample.
    ///
    /// # Errors
    /// [`CatalogueError::Damaged`], or what SQLite reports.
    pub fn sample(&self) -> Result<SampleRecord, CatalogueError> {
        let mut samples = self.read_all("samples", "rowid", read_sample)?;
        samples.pop().ok_or_else(|| CatalogueError::Damaged {
            path: self.path.clone(),
            table: "samples",
            column: "fingerprint".to_owned(),
            detail: "there is no sample".to_owned(),
        })
    }

    /// All events, in order of discovery.
    ///
    /// # Errors
    /// [`CatalogueError::Damaged`], or what SQLite reports.
    pub fn events(&self) -> Result<Vec<EventRecord>, CatalogueError> {
        self.read_all("events", "id", read_event)
    }

    /// The events that [`EventRecord::is_verified`] holds for, in order of discovery.
    ///
    /// # Errors
    /// As [`Catalogue::events`].
    pub fn verified_events(&self) -> Result<Vec<EventRecord>, CatalogueError> {
        let mut events = self.events()?;
        events.retain(EventRecord::is_verified);
        Ok(events)
    }

    /// All searches, by index.
    ///
    /// # Errors
    /// [`CatalogueError::Damaged`], or what SQLite reports.
    pub fn searches(&self) -> Result<Vec<SearchRecord>, CatalogueError> {
        self.read_all("searches", "search", read_search)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn database(&self, source: rusqlite::Error) -> CatalogueError {
        database_error(&self.path, source)
    }

    fn read_all<T>(
        &self,
        table: &'static str,
        order: &str,
        read: impl Fn(&Reader) -> Result<T, BadColumn>,
    ) -> Result<Vec<T>, CatalogueError> {
        let mut statement = self
            .connection
            .prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))
            .map_err(|source| self.database(source))?;
        let mut rows = statement
            .query([])
            .map_err(|source| self.database(source))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(|source| self.database(source))? {
            let record = read(&Reader(row)).map_err(|bad| CatalogueError::Damaged {
                path: self.path.clone(),
                table,
                column: bad.column,
                detail: bad.detail,
            })?;
            records.push(record);
        }
        Ok(records)
    }
}

/// Makes a rename last through a loss of power, where the file system can.
fn sync_folder_of(path: &Path) {
    let folder = path.parent().filter(|parent| *parent != Path::new(""));
    let folder = File::open(folder.unwrap_or(Path::new(".")));
    // Some network file systems cannot; the file itself is safe.
    folder.and_then(|folder| folder.sync_all()).ok();
}

fn last_search(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let last: Option<i64> =
        connection.query_row("SELECT max(search) FROM searches", [], |row| row.get(0))?;
    Ok(last.map(i64::cast_unsigned))
}

fn next_event(connection: &Connection) -> rusqlite::Result<u64> {
    let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM events", [], |row| {
        row.get(0)
    })?;
    Ok(last.cast_unsigned() + 1)
}

fn insert(
    transaction: &Transaction,
    path: &Path,
    table: &str,
    cells: Cells,
) -> Result<(), CatalogueError> {
    if let Some((column, value)) = cells.not_finite() {
        return Err(CatalogueError::NotFinite {
            column: format!("{table}.{column}"),
            value,
        });
    }
    let (names, values): (Vec<String>, Vec<Value>) = cells.0.into_iter().unzip();
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let statement = format!(
        "INSERT INTO {table} ({}) VALUES ({marks})",
        quoted.join(", ")
    );
    transaction
        .prepare_cached(&statement)
        .and_then(|mut statement| statement.execute(params_from_iter(values)))
        .map_err(|source| database_error(path, source))?;
    Ok(())
}
