//! Who does the searches of a range: the threads of this process, or those of many.

mod finished_ahead;
#[cfg(feature = "mpi")]
mod ranks;

use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use metabasin_landscape::{SearchResult, Searcher};
use serde::{Deserialize, Serialize};

use crate::{Interrupt, PipelineError};

pub use finished_ahead::FinishedAhead;
use finished_ahead::InOrder;
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
pub struct SearchJob<'a> {
    /// Does one search.
    pub(crate) searcher: &'a Searcher,
    /// What its results follow from.
    #[cfg_attr(
        not(feature = "mpi"),
        expect(dead_code, reason = "the threads of one process agree")
    )]
    pub(crate) identity: &'a SearchIdentity,
    /// Whether to stop.
    pub(crate) interrupt: &'a Interrupt,
}

/// Between two looks for what the threads of a process report, or for messages: short beside a
/// search, long enough to leave the core to the searches.
const PAUSE: Duration = Duration::from_millis(1);

/// What a thread reports: a result, or the message of a panic.
type Report = Result<SearchResult, String>;

/// One search; a panic becomes a message. Nothing where it was cut short by an interrupt.
fn search(searcher: &Searcher, index: u64) -> Option<Report> {
    catch_unwind(AssertUnwindSafe(|| searcher.run(index)))
        .map_err(|panic| format!("search {index}: {}", panic_message(&*panic)))
        .transpose()
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a message"))
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
        let done = ahead.indices();
        let mut left = range.clone().filter(|index| !done.contains(index));
        let mut order = InOrder {
            wanted: range.start,
            end: range.end,
            ahead,
            deliver,
        };
        let mut flow = order.go_on();
        // One search waits for each thread, so that none is idle while this one is busy.
        let most = 2 * rayon::current_num_threads();
        let stopped = &AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel();
        rayon::in_place_scope(|scope| {
            let mut given = 0;
            while flow.is_continue() && !order.is_done() && !job.interrupt.is_requested() {
                for index in left.by_ref().take(most - given) {
                    let sender = sender.clone();
                    given += 1;
                    scope.spawn(move |_| {
                        if !stopped.load(Ordering::Relaxed)
                            && let Some(report) = search(job.searcher, index)
                        {
                            // Nobody listens any more where the send fails.
                            let _ = sender.send(report);
                        }
                    });
                }
                // A caller that is a thread of the pool searches while it waits.
                rayon::yield_now();
                if let Ok(report) = receiver.recv_timeout(PAUSE) {
                    given -= 1;
                    flow = report
                        .map_err(PipelineError::Failed)
                        .and_then(|result| order.accept(result))
                        .inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
                }
            }
            stopped.store(true, Ordering::Relaxed);
            Ok::<_, PipelineError>(())
        })?;
        if job.interrupt.is_requested() {
            for result in receiver.try_iter().flatten() {
                order.ahead.keep(result)?;
            }
        }
        Ok(())
    }

    fn help(&self, _job: &SearchJob) -> Result<(), PipelineError> {
        Ok(())
    }
}
