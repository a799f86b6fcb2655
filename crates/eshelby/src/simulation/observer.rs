//! What a run shows of itself: rows, events, counters.

use std::ops::ControlFlow;

use metabasin_atoms::Stress;
use serde::{Deserialize, Serialize};

use super::Simulation;

/// The state of a lattice at one moment, in the units of the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Index of the stage in its protocol.
    pub stage: usize,
    /// Time since the stage began `[τ]`.
    pub elapsed: f64,
    /// Time since the run began `[τ]`.
    pub time: f64,
    /// Simple shear γ `[1]`.
    pub strain: f64,
    /// Macroscopic stress `[energy / length³]`.
    pub stress: Stress,
    /// Energy of cores and elastic fields of the whole cube above its start, without the work of
    /// the load `[energy]`.
    pub energy: f64,
    /// Events since the run began.
    pub events: u64,
    /// Mean over excitations of the stress that drives them, own field excluded; `None` without
    /// excitations.
    pub driving_active_mean: Option<Stress>,
    /// Mean over the sites that may carry excitations of the stress that a measurement averages,
    /// own fields included.
    pub reported_active_mean: Stress,
    /// The same over the elastic sites; `None` where there are none.
    pub reported_elastic_mean: Option<Stress>,
}

/// One executed event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Time since the run began `[τ]`.
    pub time: f64,
    /// Which excitation of the lattice.
    pub excitation: usize,
    /// Its number in the catalogue.
    pub event: u64,
    /// Its site.
    pub site: usize,
    /// Whether it went from state 1 to state 2.
    pub forward: bool,
    /// Barrier that it crossed, the floor included `[energy]`.
    pub barrier: f64,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Executed events.
    pub events: u64,
    /// Of these, jumps from state 2 back to state 1.
    pub reverse_events: u64,
    /// Proposals refused by the thinning.
    pub refused: u64,
    /// Passes over all rates.
    pub passes: u64,
    /// Excitations whose saddle the floor raised when any stage began or ended.
    pub floored_pairs: u64,
    /// Stages that ended early because of the limit on events.
    pub stages_cut_short: u64,
}

/// Looks on while a run proceeds.
pub trait Observer {
    /// A row. `Break` stops the run here, resumable.
    fn row(&mut self, row: &Row, simulation: &Simulation) -> ControlFlow<()>;

    /// An event, after it was executed.
    fn event(&mut self, _event: &Event) {}

    /// A wait for the next event begins. `Break` stops the run here, between rows: it goes on from
    /// the last checkpoint that was taken at a row.
    fn pass(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(&Row, &Simulation) -> ControlFlow<()>> Observer for F {
    fn row(&mut self, row: &Row, simulation: &Simulation) -> ControlFlow<()> {
        self(row, simulation)
    }
}
