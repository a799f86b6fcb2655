//! The catalogue of minima, saddle searches and events of a sample.

mod records;

pub use records::{DisplacementField, EvaluationCounts, EventRecord, SampleRecord, SearchRecord};
