//! Is this file a catalogue of ours? And what SQLite says, in our words.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

use crate::error::CatalogueError;
use crate::schema::{APPLICATION_ID, SCHEMA_VERSION, upgrades};

/// What SQLite reports, in our words where there are better ones.
pub(crate) fn database_error(path: &Path, source: rusqlite::Error) -> CatalogueError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => CatalogueError::Busy { path },
        Some(ErrorCode::NotADatabase) => CatalogueError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => CatalogueError::Malformed {
            path,
            detail: source.to_string(),
        },
        _ => CatalogueError::Database { path, source },
    }
}

/// How SQLite keeps what is not in the file yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The file holds everything but a transaction under way.
    Journal,
    /// A log beside the file may hold transactions: catalogues of earlier versions.
    Log,
}

/// The first bytes tell whether a file is an SQLite database and in which mode it was left, before
/// SQLite touches it.
pub(crate) fn check_magic(path: &Path) -> Result<Mode, CatalogueError> {
    let failed = |source: std::io::Error| {
        if source.kind() == std::io::ErrorKind::NotFound {
            CatalogueError::NotFound {
                path: path.to_owned(),
            }
        } else {
            CatalogueError::File {
                path: path.to_owned(),
                source,
            }
        }
    };
    let mut beginning = Vec::new();
    File::open(path)
        .and_then(|file| file.take(20).read_to_end(&mut beginning))
        .map_err(failed)?;
    match beginning.strip_prefix(b"SQLite format 3\0") {
        Some([_, _, 2, 2]) => Ok(Mode::Log),
        Some(_) => Ok(Mode::Journal),
        None => Err(CatalogueError::NotADatabase {
            path: path.to_owned(),
        }),
    }
}

/// The version of the schema, which older than ours may be, as long as it can be upgraded.
pub(crate) fn check_version(connection: &Connection, path: &Path) -> Result<i64, CatalogueError> {
    let pragma = |name: &str| -> Result<i64, CatalogueError> {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .optional()
            .map(Option::unwrap_or_default)
            .map_err(|source| database_error(path, source))
    };
    if pragma("application_id")? != i64::from(APPLICATION_ID) {
        return Err(CatalogueError::NotACatalogue {
            path: path.to_owned(),
        });
    }
    let found = pragma("user_version")?;
    if !(1..=SCHEMA_VERSION).contains(&found) {
        return Err(CatalogueError::SchemaVersion {
            path: path.to_owned(),
            found,
            expected: SCHEMA_VERSION,
        });
    }
    Ok(found)
}

/// Takes a catalogue of an older version to ours, in one transaction.
pub(crate) fn upgrade(
    connection: &mut Connection,
    path: &Path,
    found: i64,
) -> Result<(), CatalogueError> {
    let database = |source| database_error(path, source);
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(database)?;
    // Another process may have done it meanwhile.
    let found = check_version(&transaction, path)?;
    for statements in upgrades().iter().skip(found as usize - 1) {
        transaction.execute_batch(statements).map_err(database)?;
    }
    transaction
        .execute_batch(&format!(
            "PRAGMA user_version = {SCHEMA_VERSION};
             UPDATE metadata SET value = '{SCHEMA_VERSION}' WHERE key = 'schema_version';"
        ))
        .map_err(database)?;
    transaction.commit().map_err(database)
}

/// A URI that tells SQLite that nobody writes, so that it needs no file beside the database.
pub(crate) fn immutable_uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            other => uri.push(other),
        }
    }
    uri.push_str("?immutable=1");
    uri
}
