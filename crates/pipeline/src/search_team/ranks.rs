//! The ranks of an MPI job: rank 0 writes and searches, the others search.
//!
//! Every message of a helper is answered once, and it sends the next only after the answer; nobody
//! sends to a helper unasked. So no two ranks ever wait for each other to receive.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use metabasin_files::Host;
use metabasin_landscape::SearchResult;
use mpi::Threading;
use mpi::environment::Universe;
use mpi::point_to_point::MatchedReceiveVec;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use serde::{Deserialize, Serialize};

use super::finished_ahead::InOrder;
use super::{
    Deliver, FinishedAhead, PAUSE, SearchIdentity, SearchJob, SearchTeam, panic_message, search,
};
use crate::PipelineError;

/// What a helper says.
#[derive(Debug, Serialize, Deserialize)]
enum FromHelper {
    /// It is ready, with so many threads.
    Ready {
        identity: Box<SearchIdentity>,
        host: String,
        threads: u64,
    },
    /// A search is finished.
    Finished(Box<SearchResult>),
    /// It cannot go on.
    Failed { host: String, message: String },
    /// It was asked to stop.
    Interrupted,
}

/// What a helper is answered: the searches to do next; none when it has one less to do.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    searches: Vec<u64>,
}

/// The ranks of the MPI job that this process belongs to.
///
/// Rank 0 alone writes; it searches as well, on all of its threads. Searches are handed out one by
/// one as threads become free.
pub struct Ranks {
    world: SimpleCommunicator,
    /// Held until the end: dropping it waits for all ranks.
    _universe: Universe,
    /// Results that each helper still owes, of those that reported to rank 0.
    owing: RefCell<BTreeMap<i32, u64>>,
}

impl std::fmt::Debug for Ranks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rank {} of {}", self.world.rank(), self.world.size())
    }
}

impl Ranks {
    /// Joins the MPI job. Only once in a process, from its main thread.
    ///
    /// # Errors
    /// An MPI that does not allow threads beside the one that sends.
    pub fn join() -> Result<Self, PipelineError> {
        let (universe, threading) = mpi::initialize_with_threading(Threading::Funneled)
            .ok_or_else(|| PipelineError::Failed("MPI is initialized already".to_owned()))?;
        if threading < Threading::Funneled {
            return Err(PipelineError::Failed(format!(
                "this MPI allows no threads (MPI_THREAD_FUNNELED asked for, {threading:?} given): \
                 leave --mpi out and run --range A..B as a job array"
            )));
        }
        Ok(Self {
            world: universe.world(),
            _universe: universe,
            owing: RefCell::default(),
        })
    }

    /// Does `work` on this rank. A helper that fails or panics tells rank 0, which ends the job;
    /// it does not come back.
    ///
    /// # Errors
    /// On rank 0, what `work` fails with.
    pub fn run<T>(
        &self,
        work: impl FnOnce() -> Result<T, PipelineError>,
    ) -> Result<T, PipelineError> {
        let result = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|panic| Err(PipelineError::Failed(panic_message(&*panic))));
        match result {
            Err(error) if !self.writes() => {
                self.tell(&if error.is_interruption() {
                    FromHelper::Interrupted
                } else {
                    FromHelper::Failed {
                        host: host(),
                        message: error.to_string(),
                    }
                })?;
                // Rank 0 says what happened and aborts all ranks; whoever ended first would be
                // blamed by mpirun instead.
                loop {
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
            Ok(done) if self.writes() => {
                // Not before every helper knows that there is nothing to do.
                self.dismiss()?;
                Ok(done)
            }
            result => result,
        }
    }

    /// Ends all ranks at once with this exit code.
    pub fn abort(&self, code: u8) -> ! {
        self.world.abort(i32::from(code))
    }

    fn helpers(&self) -> usize {
        self.world.size() as usize - 1
    }

    fn tell(&self, message: &FromHelper) -> Result<(), PipelineError> {
        self.world.process_at_rank(0).send(&bytes(message)?[..]);
        Ok(())
    }

    /// The next message of a helper, if there is one.
    fn heard(&self) -> Result<Option<(i32, FromHelper)>, PipelineError> {
        let Some(message) = self.world.any_process().immediate_matched_probe() else {
            return Ok(None);
        };
        let (bytes, status) = message.matched_receive_vec::<u8>();
        let message = serde_json::from_slice(&bytes).map_err(|error| {
            PipelineError::Failed(format!(
                "rank {} sent what cannot be read ({error}): start the same program on all ranks",
                status.source_rank()
            ))
        })?;
        Ok(Some((status.source_rank(), message)))
    }

    /// Gives a rank these searches to do, or lets it go when there are none and it owes none.
    fn give(&self, rank: i32, searches: Vec<u64>) -> Result<(), PipelineError> {
        *self.owing.borrow_mut().entry(rank).or_default() += searches.len() as u64;
        let answer = bytes(&Answer { searches })?;
        self.world.process_at_rank(rank).send(&answer[..]);
        Ok(())
    }

    /// Notes that a rank delivered a result.
    fn delivered(&self, rank: i32) {
        if let Some(owed) = self.owing.borrow_mut().get_mut(&rank) {
            *owed = owed.saturating_sub(1);
        }
    }

    /// Whether all helpers have reported and owe nothing.
    fn all_gone(&self) -> bool {
        let owing = self.owing.borrow();
        owing.len() == self.helpers() && owing.values().all(|owed| *owed == 0)
    }

    /// Lets the helpers go, each when it has finished what it was given last.
    fn dismiss(&self) -> Result<(), PipelineError> {
        while !self.all_gone() {
            match self.heard()? {
                Some((rank, FromHelper::Ready { .. })) => self.give(rank, Vec::new())?,
                Some((rank, FromHelper::Finished(_))) => {
                    self.delivered(rank);
                    self.give(rank, Vec::new())?;
                }
                Some((rank, other)) => return Err(given_up(rank, &other)),
                None => std::thread::sleep(PAUSE),
            }
        }
        Ok(())
    }
}

/// Hands out indices, each once.
#[derive(Debug)]
struct Claims {
    next: AtomicU64,
    end: u64,
    /// Done in an earlier call.
    done: BTreeSet<u64>,
    stopped: AtomicBool,
}

impl Claims {
    fn claim(&self) -> Option<u64> {
        while !self.stopped.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.end {
                return None;
            }
            if !self.done.contains(&index) {
                return Some(index);
            }
        }
        None
    }
}

/// Stops the threads of this process when it goes out of scope, however that comes.
struct StopAtEnd<'a>(&'a Claims);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}

impl SearchTeam for Ranks {
    fn writes(&self) -> bool {
        self.world.rank() == 0
    }

    fn run_range(
        &self,
        job: &SearchJob,
        range: Range<u64>,
        ahead: &mut FinishedAhead,
        deliver: Deliver,
    ) -> Result<(), PipelineError> {
        let claims = Arc::new(Claims {
            next: AtomicU64::new(range.start),
            end: range.end,
            done: ahead.indices(),
            stopped: AtomicBool::new(false),
        });
        let _stop = StopAtEnd(&claims);
        let (sender, receiver) = mpsc::channel();
        let searcher = Arc::new(job.searcher.clone());
        for _ in 0..rayon::current_num_threads() {
            let (searcher, claims, sender) = (searcher.clone(), claims.clone(), sender.clone());
            rayon::spawn(move || {
                while let Some(report) = claims.claim().and_then(|index| search(&searcher, index)) {
                    if sender.send(report).is_err() {
                        return;
                    }
                }
            });
        }
        let mut order = InOrder {
            wanted: range.start,
            end: range.end,
            ahead,
            deliver,
        };
        let mut flow = order.go_on();
        while flow.is_continue() && !order.is_done() {
            let mut heard = false;
            if let Ok(report) = receiver.try_recv() {
                heard = true;
                let result = report.map_err(|message| failed_at(0, &host(), &message))?;
                flow = order.accept(result)?;
            }
            if let Some((rank, message)) = self.heard()? {
                heard = true;
                match message {
                    FromHelper::Ready {
                        identity,
                        host,
                        threads,
                    } => {
                        check_identity(job.identity, &identity, rank, &host)?;
                        let searches: Vec<u64> =
                            (0..threads).map_while(|_| claims.claim()).collect();
                        self.give(rank, searches)?;
                    }
                    FromHelper::Finished(result) => {
                        // Answered first: the helper goes on while this is written.
                        self.delivered(rank);
                        self.give(rank, claims.claim().into_iter().collect())?;
                        flow = order.accept(*result)?;
                    }
                    other => return Err(given_up(rank, &other)),
                }
            }
            if job.interrupt.is_requested() && !order.is_done() {
                // The caller ends all ranks.
                return Ok(());
            }
            if !heard {
                std::thread::sleep(PAUSE);
            }
        }
        claims.stopped.store(true, Ordering::Relaxed);
        self.dismiss()
    }

    fn help(&self, job: &SearchJob) -> Result<(), PipelineError> {
        let threads = rayon::current_num_threads();
        let searcher = Arc::new(job.searcher.clone());
        let (sender, receiver) = mpsc::channel();
        let ask = |message: &FromHelper| -> Result<u64, PipelineError> {
            self.tell(message)?;
            let begun = self.answered(job)?;
            for &index in &begun.searches {
                let (searcher, sender) = (searcher.clone(), sender.clone());
                rayon::spawn(move || {
                    // Nobody listens any more where the send fails.
                    let _ = sender.send(search(&searcher, index));
                });
            }
            Ok(begun.searches.len() as u64)
        };
        let mut running = ask(&FromHelper::Ready {
            identity: Box::new(job.identity.clone()),
            host: host(),
            threads: threads as u64,
        })?;
        while running > 0 {
            match receiver.recv_timeout(100 * PAUSE) {
                Ok(Some(report)) => {
                    let result = report.map_err(PipelineError::Failed)?;
                    running -= 1;
                    running += ask(&FromHelper::Finished(Box::new(result)))?;
                }
                // Cut short by an interrupt, or nothing yet.
                Ok(None) | Err(_) => check_interrupt(job)?,
            }
        }
        Ok(())
    }
}

impl Ranks {
    /// Waits for the answer of rank 0.
    fn answered(&self, job: &SearchJob) -> Result<Answer, PipelineError> {
        let writer = self.world.process_at_rank(0);
        loop {
            if let Some(message) = writer.immediate_matched_probe() {
                let (bytes, _) = message.matched_receive_vec::<u8>();
                return serde_json::from_slice(&bytes)
                    .map_err(|error| PipelineError::Failed(format!("answer of rank 0: {error}")));
            }
            check_interrupt(job)?;
            std::thread::sleep(PAUSE);
        }
    }
}

fn check_interrupt(job: &SearchJob) -> Result<(), PipelineError> {
    if job.interrupt.is_requested() {
        return Err(interrupted());
    }
    Ok(())
}

fn host() -> String {
    Host::this_machine(rayon::current_num_threads()).name
}

fn bytes(message: &impl Serialize) -> Result<Vec<u8>, PipelineError> {
    serde_json::to_vec(message)
        .map_err(|error| PipelineError::Failed(format!("message to another rank: {error}")))
}

fn interrupted() -> PipelineError {
    PipelineError::Interrupted {
        resume: "continue with the same command and --resume".to_owned(),
    }
}

fn failed_at(rank: i32, host: &str, message: &str) -> PipelineError {
    PipelineError::Failed(format!(
        "rank {rank} on {host}: {message}; everything finished is kept: continue with the same \
         command and --resume"
    ))
}

/// The error of a helper that does not go on.
fn given_up(rank: i32, message: &FromHelper) -> PipelineError {
    match message {
        FromHelper::Failed { host, message } => failed_at(rank, host, message),
        _ => interrupted(),
    }
}

/// Whether a helper finds what this process would.
fn check_identity(
    own: &SearchIdentity,
    its: &SearchIdentity,
    rank: i32,
    host: &str,
) -> Result<(), PipelineError> {
    if own == its {
        return Ok(());
    }
    Err(PipelineError::BadInput(format!(
        "rank {rank} on {host} would search otherwise than rank 0: minimum {}, seed {}, kernel {}, \
         version {}; here: minimum {}, seed {}, kernel {}, version {}; give all ranks the same \
         program and arguments, and --kernel portable where processors differ",
        its.minimum,
        its.seed,
        its.kernel,
        its.version,
        own.minimum,
        own.seed,
        own.kernel,
        own.version
    )))
}
