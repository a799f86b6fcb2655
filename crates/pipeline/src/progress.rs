//! How a run tells whoever watches where it stands.

/// Whoever watches a run: a progress bar, a log, nobody.
pub trait Progress: Sync {
    /// A stage begins that will do `total` units of work.
    fn begin(&self, stage: &str, total: u64);
    /// The units of the stage that has begun are MD steps of this kind.
    fn work(&self, _work: Work) {}
    /// `units` more are done.
    fn advance(&self, units: u64);
    /// Something worth a line.
    fn note(&self, message: &str);
    /// The stage is over.
    fn end(&self);
    /// `units` were done in an earlier call: they count as progress, not as speed.
    fn resume(&self, units: u64) {
        self.advance(units);
    }
}

/// What a unit of work of molecular dynamics is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Atoms that move in a step.
    pub atoms: u64,
    /// Length of a step `[τ]`.
    pub time_step: f64,
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
