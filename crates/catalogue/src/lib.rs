//! The catalogue of minima, saddle searches and events of a sample.
//!
//! Read in this order: [`SampleRecord`], [`SearchRecord`] and [`EventRecord`] are the rows;
//! [`Catalogue`] is the SQLite file that holds them, one whole search at a time;
//! [`BarrierStatistics`] is what can be said about the barriers and about how complete they are;
//! [`MeyerNeldel`] lays prefactors against barriers, [`RateSum`] adds rates at a temperature;
//! [`export_csv`] prints the scalar columns for other programs. Every table and column is
//! described in `docs/catalogue-schema.md`.

mod error;
mod export;
mod meyer_neldel;
mod opening;
mod rate_sum;
mod records;
mod rows;
mod schema;
mod statistics;
mod store;

pub use error::CatalogueError;
pub use export::export_csv;
pub use meyer_neldel::MeyerNeldel;
pub use rate_sum::RateSum;
pub use records::{
    DisplacementField, EvaluationCounts, EventRates, EventRecord, SampleRecord, SearchRecord,
};
pub use schema::SCHEMA_VERSION;
pub use statistics::{
    BarrierStatistics, ClassStatistics, Distribution, Histogram, StatisticsOptions, Summary,
    good_turing_coverage, quantile, species_richness,
};
pub use store::{Catalogue, Found, Session};
