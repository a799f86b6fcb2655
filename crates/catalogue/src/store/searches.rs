//! Whole searches into the file, and what each ended in.

use std::path::Path;

use rusqlite::{Transaction, TransactionBehavior};

use super::{Catalogue, insert, last_search, next_event};
use crate::error::CatalogueError;
use crate::opening::database_error;
use crate::records::{EventRecord, SearchRecord};
use crate::rows::{event_cells, search_cells};

/// What a search ended in.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// An event that the catalogue does not hold yet; its id, first search and hits are set when
    /// it is stored.
    New(Box<EventRecord>),
    /// A known event, which is counted as hit once more.
    Known {
        /// Its id.
        event: u64,
    },
    /// No event.
    None,
}

impl Catalogue {
    /// Stores a search and what it found, in one transaction. Returns the id of the event.
    ///
    /// `search.event` is set from `found`; a new event gets the next id, this search as its first
    /// and one hit; a known event one more hit.
    ///
    /// # Errors
    /// [`CatalogueError::SearchOrder`] for an index not above the last,
    /// [`CatalogueError::NoSuchEvent`], [`CatalogueError::NotFinite`], [`CatalogueError::Busy`], or
    /// what SQLite reports; nothing of this search is stored then.
    pub fn record_search(
        &mut self,
        search: &SearchRecord,
        found: &Found,
    ) -> Result<Option<u64>, CatalogueError> {
        let mut ids = self.record_searches(std::iter::once((search, found)))?;
        Ok(ids.pop().flatten())
    }

    /// Stores a batch of searches in one transaction, as [`Catalogue::record_search`] does one.
    ///
    /// # Errors
    /// As [`Catalogue::record_search`]; nothing of the batch is stored then.
    pub fn record_searches<'a>(
        &mut self,
        batch: impl IntoIterator<Item = (&'a SearchRecord, &'a Found)>,
    ) -> Result<Vec<Option<u64>>, CatalogueError> {
        let path = self.path.clone();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|source| database_error(&path, source))?;
        let mut ids = Vec::new();
        for (search, found) in batch {
            ids.push(store_search(&transaction, &path, search, found)?);
        }
        transaction
            .commit()
            .map_err(|source| database_error(&path, source))?;
        Ok(ids)
    }
}

fn store_search(
    transaction: &Transaction,
    path: &Path,
    search: &SearchRecord,
    found: &Found,
) -> Result<Option<u64>, CatalogueError> {
    let database = |source| database_error(path, source);
    if let Some(last) = last_search(transaction).map_err(database)?
        && search.index <= last
    {
        return Err(CatalogueError::SearchOrder {
            path: path.to_owned(),
            index: search.index,
            last,
        });
    }
    let event = match found {
        Found::None => None,
        Found::Known { event } => {
            let changed = transaction
                .prepare_cached("UPDATE events SET hits = hits + 1 WHERE id = ?1")
                .and_then(|mut statement| statement.execute([event.cast_signed()]))
                .map_err(database)?;
            if changed == 0 {
                return Err(CatalogueError::NoSuchEvent {
                    path: path.to_owned(),
                    event: *event,
                });
            }
            Some(*event)
        }
        Found::New(record) => {
            let mut record = record.as_ref().clone();
            record.id = next_event(transaction).map_err(database)?;
            record.first_search = search.index;
            record.hits = 1;
            insert(transaction, path, "events", event_cells(&record))?;
            Some(record.id)
        }
    };
    let mut search = search.clone();
    search.event = event;
    insert(transaction, path, "searches", search_cells(&search))?;
    Ok(event)
}
