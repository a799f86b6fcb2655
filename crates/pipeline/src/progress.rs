//! How a run tells whoever watches where it stands, and how it is asked to stop.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whoever watches a run: a progress bar, a log, nobody.
pub trait Progress: Sync {
    /// A stage begins that will do `total` units of work.
    fn begin(&self, stage: &str, total: u64);
    /// `units` more are done.
    fn advance(&self, units: u64);
    /// Something worth a line.
    fn note(&self, message: &str);
    /// The stage is over.
    fn end(&self);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &str, _total: u64) {}
    fn advance(&self, _units: u64) {}
    fn note(&self, _message: &str) {}
    fn end(&self) {}
}

/// A request to stop at the next safe moment, set from a signal handler or a test.
#[derive(Debug, Default)]
pub struct Interrupt(AtomicBool);

impl Interrupt {
    /// Not requested yet.
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Requests the stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the stop was requested.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
