//! What molecular dynamics visited.

use rusqlite::TransactionBehavior;

use super::{Catalogue, insert};
use crate::error::CatalogueError;
use crate::opening::database_error;
use crate::rows::{flux_cells, harvest_cells, read_flux, read_harvest, read_state, state_cells};
use crate::state_graph::{StateGraph, StateRecord};

impl Catalogue {
    /// The states that molecular dynamics visited; none before a harvest was stored, and none in a
    /// catalogue of a version that knew none.
    ///
    /// # Errors
    /// [`CatalogueError::Damaged`], or what SQLite reports.
    pub fn graph(&self) -> Result<Option<StateGraph>, CatalogueError> {
        let known: i64 = self
            .connection
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'harvests'",
                [],
                |row| row.get(0),
            )
            .map_err(|source| self.database(source))?;
        if known == 0 {
            return Ok(None);
        }
        let harvests = self.read_all("harvests", "harvest", read_harvest)?;
        if harvests.is_empty() {
            return Ok(None);
        }
        let numbered = self.read_all("states", "state", read_state)?;
        let missing = (0..)
            .zip(&numbered)
            .find(|(place, (number, _))| place != number);
        if let Some((place, _)) = missing {
            return Err(CatalogueError::Damaged {
                path: self.path.clone(),
                table: "states",
                column: "state".to_owned(),
                detail: format!("{place} is missing"),
            });
        }
        let states: Vec<StateRecord> = numbered.into_iter().map(|(_, state)| state).collect();
        let fluxes = self.read_all("fluxes", "state_a, state_b", |row| {
            read_flux(row, states.len())
        })?;
        Ok(Some(StateGraph {
            harvests,
            states,
            fluxes,
        }))
    }

    /// Stores a graph in place of the one that was there, in one transaction.
    ///
    /// # Errors
    /// [`CatalogueError::NotFinite`], [`CatalogueError::Busy`], or what SQLite reports; the graph that was
    /// there stays then.
    pub fn set_graph(&mut self, graph: &StateGraph) -> Result<(), CatalogueError> {
        let path = self.path.clone();
        let database = |source| database_error(&path, source);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(database)?;
        transaction
            .execute_batch("DELETE FROM fluxes; DELETE FROM states; DELETE FROM harvests;")
            .map_err(database)?;
        for (place, harvest) in graph.harvests.iter().enumerate() {
            insert(
                &transaction,
                &path,
                "harvests",
                harvest_cells(place, harvest),
            )?;
        }
        for (place, state) in graph.states.iter().enumerate() {
            insert(&transaction, &path, "states", state_cells(place, state))?;
        }
        for flux in &graph.fluxes {
            insert(&transaction, &path, "fluxes", flux_cells(flux))?;
        }
        transaction.commit().map_err(database)
    }
}
