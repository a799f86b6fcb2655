//! Who added what to a catalogue.

use rusqlite::params;

use super::Catalogue;
use crate::error::CatalogueError;
use crate::rows::BadColumn;

/// What a program run added to the catalogue, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The config as run.
    pub config: String,
    /// The seed.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
    /// The kernel that computed forces.
    pub kernel: String,
    /// The machine.
    pub host: String,
    /// When it began, RFC 3339, UTC.
    pub started: String,
}

impl Catalogue {
    /// Notes who adds to the catalogue from here on.
    ///
    /// # Errors
    /// [`CatalogueError::Busy`], or what SQLite reports.
    pub fn record_session(&mut self, session: &Session) -> Result<(), CatalogueError> {
        let first_search = self.next_search_index()?;
        self.record_session_from(first_search, session)
    }

    /// Notes who adds to the catalogue from the search `first_search` on.
    ///
    /// # Errors
    /// As [`Catalogue::record_session`].
    pub fn record_session_from(
        &mut self,
        first_search: u64,
        session: &Session,
    ) -> Result<(), CatalogueError> {
        let statement = "INSERT INTO provenance (first_search, config, seed, version, kernel, host, \
             started) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let values = params![
            first_search.cast_signed(),
            session.config,
            session.seed.to_string(),
            session.version,
            session.kernel,
            session.host,
            session.started,
        ];
        self.connection
            .execute(statement, values)
            .map_err(|source| self.database(source))?;
        Ok(())
    }

    /// The sessions so far: index of the first search of each, and the session.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn sessions(&self) -> Result<Vec<(u64, Session)>, CatalogueError> {
        self.read_all("provenance", "session", |row| {
            let get = |column: &str| -> Result<String, BadColumn> {
                row.0.get(column).map_err(|error| BadColumn {
                    column: column.to_owned(),
                    detail: error.to_string(),
                })
            };
            let first_search: i64 = row.0.get("first_search").map_err(|error| BadColumn {
                column: "first_search".to_owned(),
                detail: error.to_string(),
            })?;
            let session = Session {
                config: get("config")?,
                seed: get("seed")?.parse().unwrap_or_default(),
                version: get("version")?,
                kernel: get("kernel")?,
                host: get("host")?,
                started: get("started")?,
            };
            Ok((first_search.cast_unsigned(), session))
        })
    }
}
