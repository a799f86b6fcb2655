//! Events derived again from the catalogue: `barriers --verify`.

use std::path::Path;

use metabasin_catalogue::{Catalogue, EventRecord};
use metabasin_landscape::{Reverification, ReverificationTolerances, Reverifier};
use serde::Serialize;

use crate::catalogue_reading::{minimum_of, open_minimum};
use crate::config::KernelChoice;
use crate::stages::branches::side_by_side;
use crate::{Interrupt, PipelineError, Progress};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct ReverificationRequest {
    /// Only the first so many events.
    pub events: Option<usize>,
    /// Whether saddles are descended by gradient flow instead of a minimizer.
    pub by_gradient_flow: bool,
    /// Force kernel.
    pub kernel: KernelChoice,
    /// How far what is derived again may lie from what is stored.
    pub tolerances: ReverificationTolerances,
}

/// What `barriers --verify` reports.
#[derive(Clone, Debug, Serialize)]
pub struct ReverificationSummary {
    /// How many events were derived again.
    pub events: usize,
    /// How many hold.
    pub holds: usize,
    /// How many do not.
    pub fails: usize,
    /// Largest differences over all events that hold; `None` without any.
    pub largest: Option<LargestShifts>,
    /// The tolerances.
    pub tolerances: ReverificationTolerances,
    /// Every event, in the order of the catalogue.
    pub rows: Vec<Reverification>,
}

/// Largest differences over events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LargestShifts {
    /// Of a barrier, forward or reverse `[energy]`.
    pub barrier: f64,
    /// Of the place of an atom, at the saddle or in the final minimum `[length]`.
    pub displacement: f64,
    /// Of a component of a dipole `[energy]`.
    pub dipole: f64,
}

/// Derives the verified events of a catalogue again, side by side. Events that fail are in the
/// result as any other.
///
/// # Errors
/// Where the catalogue cannot be read, its minimum is none any more, or on request.
pub fn reverify(
    catalogue: &Path,
    request: &ReverificationRequest,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<ReverificationSummary, PipelineError> {
    let opened = Catalogue::open_read_only(catalogue)?;
    let sample = opened.sample()?;
    let mut events = opened.verified_events()?;
    events.truncate(request.events.unwrap_or(events.len()));
    // The stored sample must be the one that the events were found in.
    let stored = minimum_of(&sample)?;
    opened.check_sample(&format!("{:016x}", stored.fingerprint()))?;
    let (minimum, settings) = open_minimum(catalogue, &sample, (request.kernel, interrupt))?;
    let mut verifier =
        Reverifier::new(&minimum, settings, request.tolerances).map_err(|error| {
            PipelineError::in_file(catalogue, error)
                .unless(interrupt, || "start the same command anew".to_owned())
        })?;
    if request.by_gradient_flow {
        verifier = verifier.by_gradient_flow();
    }
    progress.begin("verify events", events.len() as u64);
    let rows = side_by_side(&events, |event: &EventRecord| {
        let row = verifier.check(event);
        if interrupt.is_requested() {
            return Err(PipelineError::Abandoned);
        }
        progress.advance(1);
        Ok(row)
    })?;
    progress.end();
    let held = || rows.iter().filter(|row| row.holds());
    let largest = held().fold(LargestShifts::default(), |largest, row| {
        let over = |largest: f64, shifts: [Option<f64>; 2]| {
            let shifts = shifts.into_iter().flatten().map(f64::abs);
            shifts.fold(largest, f64::max)
        };
        LargestShifts {
            barrier: over(
                largest.barrier,
                [row.barrier_forward_shift, row.barrier_reverse_shift],
            ),
            displacement: over(largest.displacement, [row.saddle_shift, row.final_shift]),
            dipole: over(
                largest.dipole,
                [row.dipole_saddle_shift, row.dipole_final_shift],
            ),
        }
    });
    let holds = held().count();
    Ok(ReverificationSummary {
        events: rows.len(),
        holds,
        fails: rows.len() - holds,
        largest: (holds > 0).then_some(largest),
        tolerances: request.tolerances,
        rows,
    })
}
