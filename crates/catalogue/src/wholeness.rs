//! Whether a catalogue holds whole transactions.
//!
//! A file that was copied while it was being written may hold half of a transaction. Its tables
//! contradict each other then: every search and the event that it ended in are stored together.

use std::path::Path;

use rusqlite::Connection;

use crate::error::CatalogueError;
use crate::opening::database_error;

/// What must not be, and the query that counts how often it is.
const CONTRADICTIONS: [(&str, &str); 4] = [
    (
        "samples are there other than one",
        "SELECT abs(count(*) - 1) FROM samples",
    ),
    (
        "searches ended in an event that is not there",
        "SELECT count(*) FROM searches WHERE event IS NOT NULL AND event NOT IN (SELECT id FROM events)",
    ),
    (
        "events were hit another number of times than searches ended in them",
        "SELECT count(*) FROM events
         WHERE hits <> (SELECT count(*) FROM searches WHERE event = events.id)",
    ),
    (
        "searches are in their table or in its index alone",
        "SELECT abs((SELECT count(seconds) FROM searches) - (SELECT count(*) FROM searches
         INDEXED BY searches_by_event))",
    ),
];

/// Checks that the tables do not contradict each other; cheap beside reading them.
///
/// # Errors
/// [`CatalogueError::Torn`], [`CatalogueError::Malformed`], or what SQLite reports.
pub(crate) fn check_tables(connection: &Connection, path: &Path) -> Result<(), CatalogueError> {
    for (what, query) in CONTRADICTIONS {
        let count: i64 = connection
            .query_row(query, [], |row| row.get(0))
            .map_err(|source| database_error(path, source))?;
        if count != 0 {
            return Err(CatalogueError::Torn {
                path: path.to_owned(),
                contradiction: format!("{count} {what}"),
            });
        }
    }
    Ok(())
}

/// Checks every page of the file, then its tables.
///
/// # Errors
/// As [`check_tables`].
pub(crate) fn check_file(connection: &Connection, path: &Path) -> Result<(), CatalogueError> {
    let verdict: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|source| database_error(path, source))?;
    if verdict != "ok" {
        return Err(CatalogueError::Malformed {
            path: path.to_owned(),
            detail: verdict,
        });
    }
    check_tables(connection, path)
}
