//! The configuration of a run, its stages in order, resume and comparison.
