//! The catalogue of minima, saddle searches and events of a sample.
