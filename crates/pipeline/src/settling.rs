//! One structure to the deepest minimum that only tiny barriers keep it from: the verb `settle`, and
//! `settle` of a `Search` stage.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use metabasin_files::KeyValue;
use metabasin_interactions::Cut;
use metabasin_landscape::{SearchSettings, Settled, settle};
use metabasin_minimizers::InherentStructure;
use serde::{Deserialize, Serialize};

use crate::config::KernelChoice;
use crate::memory::{FEWER_THREADS, of_searches, require_for};
use crate::saddle_searches::quench_start;
use crate::sample::{Sample, force_field};
use crate::structure_file::{StructureOutput, Written};
use crate::{Interrupt, PipelineError, Progress};

/// How deep to look for a start of saddle searches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettleSettings {
    /// Highest energy on the straight line to a deeper minimum that is crossed, above the one left.
    pub barrier: f64,
    /// Saddle searches from every minimum on the way; by default one for every 16 atoms.
    pub searches: Option<u64>,
}

impl Default for SettleSettings {
    fn default() -> Self {
        Self {
            barrier: 0.8,
            searches: None,
        }
    }
}

/// Atoms for each search, where nobody says how many: the soft spots of a sample grow with it.
const ATOMS_PER_SEARCH: u64 = 16;

impl SettleSettings {
    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// Bad input that names what is wrong.
    pub fn validate(&self) -> Result<(), PipelineError> {
        if !(self.barrier > 0.0 && self.barrier.is_finite()) {
            return Err(PipelineError::BadInput(format!(
                "barrier must be positive and finite, got {}",
                self.barrier
            )));
        }
        if self.searches == Some(0) {
            return Err(PipelineError::BadInput(
                "searches must be at least 1: deeper minima are found by saddle searches"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn searches_around(&self, atoms: usize) -> u64 {
        self.searches
            .unwrap_or_else(|| (atoms as u64).div_ceil(ATOMS_PER_SEARCH))
    }
}

/// What the verb `settle` is asked.
#[derive(Clone, Copy, Debug)]
pub struct SettleRequest {
    /// Cut mode.
    pub cut: Cut,
    /// Force kernel.
    pub kernel: KernelChoice,
    /// How deep to look.
    pub settings: SettleSettings,
    /// Seed of the searches.
    pub seed: u64,
}

/// One move of `settle`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SettlingMove {
    /// Energy after minus energy before.
    pub descent: f64,
    /// Highest energy on the straight line between both, above the first.
    pub barrier_bound: f64,
}

/// What `settle` reports.
#[derive(Clone, Debug, Serialize)]
pub struct SettleSummary {
    /// Energy of the inherent structure of the input.
    pub energy_before: f64,
    /// Energy of the structure written.
    pub energy: f64,
    /// Largest norm of a force on an atom there.
    pub max_force: f64,
    /// The moves in order; empty where no deeper neighbor was found.
    pub moves: Vec<SettlingMove>,
    /// Cost of the searches.
    pub force_evaluations: u64,
    /// Wall seconds.
    pub seconds: f64,
}

/// The deepest minimum that only tiny barriers keep `minimum` from, with the moves that led there.
///
/// # Errors
/// Settings that make no sense, searches that fail, or on request.
pub(crate) fn settle_minimum(
    minimum: &InherentStructure,
    settings: SettleSettings,
    search: &SearchSettings,
    (seed, stage): (u64, u64),
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Settled, PipelineError> {
    settings.validate()?;
    let searches = settings.searches_around(minimum.configuration().len());
    // One bar for the searches from every minimum on the way: 0 before the first.
    let rounds = Mutex::new(0);
    let before_search = |round: usize| {
        if interrupt.is_requested() {
            return ControlFlow::Break(());
        }
        let mut begun = rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if *begun <= round {
            *begun = round + 1;
            progress.begin("searches for deeper neighbors", searches);
        }
        progress.advance(1);
        ControlFlow::Continue(())
    };
    let asked = (0..searches, settings.barrier);
    let settled = settle(minimum, search, seed, stage, asked, &before_search);
    progress.end();
    settled
        .map_err(|error| PipelineError::Failed(format!("settle: {error}")).unless(interrupt, anew))?
        .ok_or(PipelineError::Abandoned)
}

fn anew() -> String {
    "start the same command anew".to_owned()
}

/// The moves, as they are reported.
pub(crate) fn moves(settled: &Settled) -> Vec<SettlingMove> {
    let moves = settled.moves.iter();
    moves
        .map(|step| SettlingMove {
            descent: step.descent,
            barrier_bound: step.barrier_bound,
        })
        .collect()
}

/// Settles `sample` and writes the minimum found to `output`.
///
/// # Errors
/// A barrier or a number of searches that makes no sense, a sample that does not relax to a stable
/// minimum, or on request.
pub fn settle_sample(
    sample: &Sample,
    output: StructureOutput,
    request: &SettleRequest,
    watch: (&dyn Progress, &Interrupt),
) -> Result<(SettleSummary, Written), PipelineError> {
    request.settings.validate()?;
    let clock = Instant::now();
    let search = SearchSettings::default();
    let atoms = sample.configuration.len();
    let dense_up_to = search.inertia_up_to as usize;
    let bytes = of_searches(atoms, rayon::current_num_threads(), dense_up_to);
    require_for("settle", atoms, bytes, FEWER_THREADS)?;
    let interrupt = watch.1;
    let field = force_field(request.cut, request.kernel).with_interrupt(interrupt.clone());
    let minimum = quench_start(&sample.configuration, field)
        .map_err(|error| error.unless(interrupt, anew))?;
    let streams = (request.seed, 0);
    let settled = settle_minimum(&minimum, request.settings, &search, streams, watch)?;
    let deepest = &settled.minimum;
    let properties = [
        ("energy", KeyValue::Real(deepest.energy())),
        ("cut", KeyValue::Text(request.cut.to_string())),
    ];
    let written = output.write(deepest.configuration(), &properties);
    let summary = SettleSummary {
        energy_before: minimum.energy(),
        energy: deepest.energy(),
        max_force: deepest.largest_force(),
        moves: moves(&settled),
        force_evaluations: settled.force_evaluations,
        seconds: clock.elapsed().as_secs_f64(),
    };
    Ok((summary, written))
}
