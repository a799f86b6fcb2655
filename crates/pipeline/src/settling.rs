//! One structure to the deepest minimum that only tiny barriers keep it from: the verb `settle`.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use metabasin_files::{KeyValue, Overwrite};
use metabasin_interactions::Cut;
use metabasin_landscape::{SearchSettings, Settled, settle};
use serde::Serialize;

use crate::config::KernelChoice;
use crate::saddle_searches::quench_start;
use crate::sample::{Sample, force_field};
use crate::structure_file::write_structure;
use crate::{Interrupt, PipelineError, Progress};

/// What `settle` is asked.
#[derive(Clone, Copy, Debug)]
pub struct SettleRequest {
    /// Cut mode.
    pub cut: Cut,
    /// Force kernel.
    pub kernel: KernelChoice,
    /// Highest energy on the straight line to a deeper minimum, above the one left.
    pub barrier: f64,
    /// Saddle searches from every minimum on the way.
    pub searches: u64,
    /// Seed of the searches.
    pub seed: u64,
}

/// One move of `settle`.
#[derive(Clone, Copy, Debug, Serialize)]
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

/// Settles `sample` and writes the minimum found to `output`.
///
/// # Errors
/// A barrier or a number of searches that makes no sense, a sample that does not relax to a stable
/// minimum, a file that cannot be written, or on request.
pub fn settle_sample(
    sample: &Sample,
    output: (&Path, Overwrite),
    request: &SettleRequest,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<SettleSummary, PipelineError> {
    if !(request.barrier > 0.0 && request.barrier.is_finite()) {
        return Err(PipelineError::BadInput(format!(
            "--barrier must be positive and finite, got {}",
            request.barrier
        )));
    }
    if request.searches == 0 {
        return Err(PipelineError::BadInput(
            "--searches must be at least 1: deeper minima are found by saddle searches".to_owned(),
        ));
    }
    let clock = Instant::now();
    let field = force_field(request.cut, request.kernel);
    let minimum = quench_start(&sample.configuration, field)?;
    // One bar for the searches from every minimum on the way: 0 before the first.
    let rounds = Mutex::new(0);
    let before_search = |round: usize| {
        if interrupt.is_requested() {
            return ControlFlow::Break(());
        }
        let mut begun = rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if *begun <= round {
            *begun = round + 1;
            progress.begin("searches for deeper neighbors", request.searches);
        }
        progress.advance(1);
        ControlFlow::Continue(())
    };
    let settled = settle(
        &minimum,
        &SearchSettings::default(),
        request.seed,
        0,
        (0..request.searches, request.barrier),
        &before_search,
    );
    progress.end();
    let settled = settled.map_err(|error| PipelineError::Failed(format!("settle: {error}")))?;
    let Some(Settled {
        minimum: deepest,
        moves,
        force_evaluations,
    }) = settled
    else {
        return Err(PipelineError::Interrupted {
            resume: "start the same command anew".to_owned(),
        });
    };
    let properties = [
        ("energy", KeyValue::Real(deepest.energy())),
        ("cut", KeyValue::Text(request.cut.to_string())),
    ];
    write_structure(output.0, output.1, deepest.configuration(), &properties)?;
    Ok(SettleSummary {
        energy_before: minimum.energy(),
        energy: deepest.energy(),
        max_force: deepest.largest_force(),
        moves: moves
            .into_iter()
            .map(|step| SettlingMove {
                descent: step.descent,
                barrier_bound: step.barrier_bound,
            })
            .collect(),
        force_evaluations,
        seconds: clock.elapsed().as_secs_f64(),
    })
}
