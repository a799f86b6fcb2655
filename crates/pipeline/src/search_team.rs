//! Who does the searches of a range: the threads of this process, or those of many.

mod finished_ahead;
#[cfg(feature = "mpi")]
mod ranks;

use std::ops::{ControlFlow, Range};

use metabasin_landscape::{SearchResult, Searcher};
use serde::{Deserialize, Serialize};

use crate::{Interrupt, PipelineError};

pub use finished_ahead::FinishedAhead;
pub(crate) use finished_ahead::ahead_file;
#[cfg(feature = "mpi")]
pub use ranks::Ranks;

/// What a search follows from, besides its index: processes that agree in this find the same, to
/// the bit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchIdentity {
    /// Fingerprint of the polished minimum, in hexadecimal.
    pub(crate) minimum: String,
    /// The settings of a search as JSON.
    pub(crate) settings: String,
    /// Seed.
    pub(crate) seed: u64,
    /// Position in a pipeline.
    pub(crate) stage: u64,
    /// The force kernel that runs.
    pub(crate) kernel: String,
    /// Version of the program.
    pub(crate) version: String,
}

/// Searches from one minimum that a team is to do.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(feature = "mpi"),
    expect(
        dead_code,
        reason = "the threads of one process agree, and stop as they deliver"
    )
)]
pub struct SearchJob<'a> {
    /// Does one search.
    pub(crate) searcher: &'a Searcher,
    /// What its results follow from.
    pub(crate) identity: &'a SearchIdentity,
    /// Whether to stop.
    pub(crate) interrupt: &'a Interrupt,
}

/// Takes results in the order of their indices, and breaks to stop.
pub type Deliver<'a> = &'a mut (dyn FnMut(SearchResult) -> ControlFlow<()> + Send);

/// Who does the searches of a range.
///
/// Whoever it is, results are delivered in the order of their indices, whatever the order in which
/// they finish, so that what is delivered is always a prefix of the range and a catalogue does not
/// depend on who made it.
pub trait SearchTeam {
    /// Whether this process writes the catalogue; one that does not only helps.
    fn writes(&self) -> bool;

    /// Does the searches of `range` and delivers their results; those that an earlier call finished
    /// out of order come from `ahead`. Stops early when `deliver` breaks.
    ///
    /// # Errors
    /// A helper that failed, or that would find something else.
    fn run_range(
        &self,
        job: &SearchJob,
        range: Range<u64>,
        ahead: &mut FinishedAhead,
        deliver: Deliver,
    ) -> Result<(), PipelineError>;

    /// Does searches for the process that writes, until it needs no more.
    ///
    /// # Errors
    /// A search that failed here.
    fn help(&self, job: &SearchJob) -> Result<(), PipelineError>;
}

/// The threads of this process, all of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisProcess;

impl SearchTeam for ThisProcess {
    fn writes(&self) -> bool {
        true
    }

    fn run_range(
        &self,
        job: &SearchJob,
        range: Range<u64>,
        ahead: &mut FinishedAhead,
        deliver: Deliver,
    ) -> Result<(), PipelineError> {
        let mut next = range.start;
        while next < range.end {
            if let Some(result) = ahead.take(next) {
                next += 1;
                if deliver(result).is_break() {
                    break;
                }
                continue;
            }
            let gap = next..ahead
                .first_from(next)
                .map_or(range.end, |index| index.min(range.end));
            next = gap.end;
            let mut flow = ControlFlow::Continue(());
            job.searcher.run_range(gap, |result| {
                flow = deliver(result);
                flow
            });
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn help(&self, _job: &SearchJob) -> Result<(), PipelineError> {
        Ok(())
    }
}
