//! A request to stop, shared by whoever asks and whoever works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A request to stop at the next safe moment, set from a signal handler or a test.
///
/// Clones are handles to one request. It is never taken back, so work that finds it not requested
/// at its end was not cut short on the way: whoever works may break off wherever it looks, and what
/// it then holds counts as nothing.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    requested: AtomicBool,
    saving: AtomicUsize,
}

/// What is being saved: while it lives, whoever asked to stop should wait.
#[derive(Debug)]
pub struct Saving(Arc<State>);

impl Interrupt {
    /// Not requested yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests the stop.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
    }

    /// Whether the stop was requested.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Says that something is being saved until the answer goes out of scope.
    #[must_use]
    pub fn saving(&self) -> Saving {
        self.0.saving.fetch_add(1, Ordering::SeqCst);
        Saving(Arc::clone(&self.0))
    }

    /// Whether something is being saved.
    pub fn is_saving(&self) -> bool {
        self.0.saving.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        self.0.saving.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reaches_every_handle_and_stays() {
        let asked = Interrupt::new();
        let works = asked.clone();
        let other = Interrupt::new();
        assert!(!works.is_requested());
        asked.request();
        assert!(works.is_requested() && asked.is_requested());
        assert!(!other.is_requested());
    }

    #[test]
    fn what_is_saved_is_known_until_the_last_is_done() {
        let interrupt = Interrupt::new();
        let first = interrupt.saving();
        let second = interrupt.clone().saving();
        drop(first);
        assert!(interrupt.is_saving());
        drop(second);
        assert!(!interrupt.is_saving());
    }
}
