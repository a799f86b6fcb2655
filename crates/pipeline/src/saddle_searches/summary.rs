//! What a catalogue says of its searches.

use std::collections::BTreeMap;

use metabasin_catalogue::Catalogue;
use serde::Serialize;

use crate::PipelineError;

/// What `search` reports.
#[derive(Clone, Debug, Serialize)]
pub struct SearchSummary {
    /// Searches in the catalogue.
    pub searches: u64,
    /// How they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// Searches that ended in an event.
    pub events_found: u64,
    /// Distinct events.
    pub events_distinct: u64,
    /// Force evaluations of all searches, failures and both descents counted, verification apart;
    /// a Hessian-vector product counts as one.
    pub force_evaluations: u64,
    /// The same per distinct event.
    pub force_evaluations_per_event: Option<f64>,
    /// Wall seconds of this call.
    pub seconds: f64,
    /// Whether a coverage was asked for, and these searches reach it.
    pub coverage_reached: Option<bool>,
}

/// What a catalogue says of its searches.
///
/// # Errors
/// Where the catalogue cannot be read.
pub(crate) fn summarize(
    catalogue: &Catalogue,
    seconds: f64,
) -> Result<SearchSummary, PipelineError> {
    let searches = catalogue.searches()?;
    let distinct = catalogue.verified_events()?.len() as u64;
    let mut outcomes = BTreeMap::new();
    for search in &searches {
        *outcomes.entry(search.outcome.clone()).or_insert(0) += 1;
    }
    let force_evaluations = searches
        .iter()
        .map(|search| search.evaluations.search())
        .sum::<u64>();
    Ok(SearchSummary {
        searches: searches.len() as u64,
        outcomes,
        events_found: searches
            .iter()
            .filter(|search| search.event.is_some())
            .count() as u64,
        events_distinct: distinct,
        force_evaluations,
        force_evaluations_per_event: (distinct > 0)
            .then(|| force_evaluations as f64 / distinct as f64),
        seconds,
        coverage_reached: None,
    })
}
