//! The catalogue of minima, saddle searches and events of a sample.
//!
//! Read in this order: [`SampleRecord`], [`SearchRecord`] and [`EventRecord`] are the rows, [`StateGraph`] is
//! what molecular dynamics visited;
//! [`Catalogue`] is the SQLite file that holds them, one whole search at a time;
//! [`BarrierStatistics`] is what can be said about the barriers, [`Completeness`] about how many of
//! them are known, and [`BarrierReport`] all that papers show, made of the [`EventMeasures`] of every
//! event; [`MeyerNeldel`] lays prefactors against barriers, [`RateSum`] adds rates at a temperature;
//! [`export_csv`] prints the scalar columns for other programs, and `parquet_bytes` (feature
//! `parquet`) writes any [`Column`]s for pandas. Every table and column is described in
//! `docs/catalogue-schema.md`.

mod barrier_report;
mod columns;
mod companions;
mod completeness;
mod correlation;
mod error;
mod export;
mod leftovers;
mod measures;
mod meyer_neldel;
mod opening;
#[cfg(feature = "parquet")]
mod parquet;
mod rate_sum;
mod records;
mod rows;
mod schema;
mod softness;
mod state_graph;
mod statistics;
mod store;
mod strings;
mod wholeness;
mod writer_lock;

pub use barrier_report::{BarrierReport, JointHistogram, JointStatistics, OrientationStatistics};
pub use columns::{Column, ColumnValues, measures_columns, measures_csv};
pub use companions::{companions, remove_catalogue};
pub use completeness::{Completeness, GrowthPoint, WindowCompleteness, good_turing_error};
pub use correlation::Correlation;
pub use error::CatalogueError;
pub use export::{event_columns, export_csv};
pub use measures::EventMeasures;
pub use meyer_neldel::MeyerNeldel;
#[cfg(feature = "parquet")]
pub use parquet::parquet_bytes;
pub use rate_sum::RateSum;
pub use records::{
    DisplacementField, EvaluationCounts, EventRates, EventRecord, SampleRecord, SearchRecord,
};
pub use schema::SCHEMA_VERSION;
pub use softness::{Estimated, MeasureSoftness, SoftnessTable, area_under_curve, involvement};
pub use state_graph::{FluxRecord, HarvestRecord, StateGraph, StateRecord, WellModuli};
pub use statistics::{
    BarrierStatistics, ClassStatistics, Distribution, Histogram, StatisticsOptions, Summary,
    good_turing_coverage, quantile, species_richness,
};
pub use store::{Catalogue, Found, Session};
pub use strings::string_length;
