//! What was measured for the rates of events.

use std::path::Path;

use rusqlite::{Transaction, TransactionBehavior, params};

use super::Catalogue;
use crate::error::CatalogueError;
use crate::opening::database_error;
use crate::records::EventRates;

impl Catalogue {
    /// Stores what was measured for the rates of events, in place of what was there, in one
    /// transaction.
    ///
    /// # Errors
    /// [`CatalogueError::NoSuchEvent`], [`CatalogueError::NotFinite`], [`CatalogueError::Busy`], or
    /// what SQLite reports; nothing is stored then.
    pub fn set_rates<'a>(
        &mut self,
        measured: impl IntoIterator<Item = (u64, &'a EventRates)>,
    ) -> Result<(), CatalogueError> {
        let path = self.path.clone();
        let database = |source| database_error(&path, source);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(database)?;
        for (event, rates) in measured {
            store_rates(&transaction, &path, event, rates)?;
        }
        transaction.commit().map_err(database)
    }
}

fn store_rates(
    transaction: &Transaction,
    path: &Path,
    event: u64,
    rates: &EventRates,
) -> Result<(), CatalogueError> {
    for (column, value) in [
        ("prefactor_forward", rates.prefactor_forward),
        ("prefactor_reverse", rates.prefactor_reverse),
        ("barrier_core", rates.barrier_core),
    ] {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            return Err(CatalogueError::NotFinite {
                column: column.to_owned(),
                value,
            });
        }
    }
    let values = params![
        event.cast_signed(),
        rates.prefactor_forward,
        rates.prefactor_reverse,
        rates.barrier_core,
        rates.core_atoms,
    ];
    let changed = transaction
        .prepare_cached(
            "UPDATE events SET prefactor_forward = ?2, prefactor_reverse = ?3, \
             barrier_core = ?4, core_atoms = ?5 WHERE id = ?1",
        )
        .and_then(|mut statement| statement.execute(values))
        .map_err(|source| database_error(path, source))?;
    if changed == 0 {
        return Err(CatalogueError::NoSuchEvent {
            path: path.to_owned(),
            event,
        });
    }
    Ok(())
}
