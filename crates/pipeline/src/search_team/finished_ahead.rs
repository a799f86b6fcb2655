//! Searches that finished before one with a lower index: kept on disk until their turn comes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use metabasin_landscape::SearchResult;

use super::Deliver;
use crate::PipelineError;
use crate::journal::{Journal, beside};
use crate::search_team::SearchIdentity;

/// Results that the catalogue has taken meanwhile and the file still holds, before it is written
/// anew without them.
const OUTDATED: usize = 256;

/// The file beside `catalogue` that holds what finished ahead of its turn.
pub(crate) fn ahead_file(catalogue: &Path) -> PathBuf {
    beside(catalogue, ".ahead")
}

/// Results that wait for one with a lower index, in memory and in a file that outlives a killed
/// process.
///
/// A line that was cut short, or a file of other searches, is as good as none: those searches are
/// done again.
#[derive(Debug)]
pub struct FinishedAhead {
    journal: Journal,
    waiting: BTreeMap<u64, SearchResult>,
    outdated: usize,
    /// Why fewer results wait than an earlier call left.
    fault: Option<String>,
}

impl FinishedAhead {
    /// What an earlier call left beside `catalogue` for searches from `next` on.
    ///
    /// # Errors
    /// An identity that cannot be written as JSON.
    pub(crate) fn beside(
        catalogue: &Path,
        identity: &SearchIdentity,
        next: u64,
    ) -> Result<Self, PipelineError> {
        let journal = Journal::at(ahead_file(catalogue), identity)?;
        let earlier = journal.read::<SearchResult>();
        let waiting = earlier
            .entries
            .into_iter()
            .map(|result| (result.record.index, result))
            .filter(|(index, _)| *index >= next)
            .collect();
        Ok(Self {
            journal,
            waiting,
            outdated: 0,
            fault: earlier.fault,
        })
    }

    /// Why fewer results wait than an earlier call left, for the user: those are searched anew.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Takes the result of search `index`, if it waits.
    pub(crate) fn take(&mut self, index: u64) -> Option<SearchResult> {
        let taken = self.waiting.remove(&index);
        self.outdated += usize::from(taken.is_some());
        taken
    }

    /// The indices that wait, ascending.
    pub(crate) fn indices(&self) -> BTreeSet<u64> {
        self.waiting.keys().copied().collect()
    }

    /// Keeps a result until its turn; on disk when this returns (power losses apart).
    ///
    /// # Errors
    /// A disk that does not take it.
    pub(crate) fn keep(&mut self, result: SearchResult) -> Result<(), PipelineError> {
        let index = result.record.index;
        self.waiting.insert(index, result);
        if self.journal.is_open() && self.outdated <= OUTDATED {
            return self.journal.append(&self.waiting[&index]);
        }
        self.outdated = 0;
        self.journal.rewrite(self.waiting.values())
    }

    /// Removes the file once nothing waits, or what waits is not asked for any more.
    ///
    /// # Errors
    /// What the system reports.
    pub(crate) fn close(self, whatever_waits: bool) -> Result<(), PipelineError> {
        if whatever_waits || self.waiting.is_empty() {
            self.journal.remove()
        } else {
            Ok(())
        }
    }
}

/// Takes the results of a range of searches in any order and delivers them in order.
pub(crate) struct InOrder<'a> {
    /// The index that is delivered next.
    pub(crate) wanted: u64,
    /// One above the index that is delivered last.
    pub(crate) end: u64,
    pub(crate) ahead: &'a mut FinishedAhead,
    pub(crate) deliver: Deliver<'a>,
}

impl InOrder<'_> {
    /// Whether all of the range is delivered.
    pub(crate) fn is_done(&self) -> bool {
        self.wanted >= self.end
    }

    /// Delivers a result, or keeps it until its turn.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub(crate) fn accept(
        &mut self,
        result: SearchResult,
    ) -> Result<ControlFlow<()>, PipelineError> {
        if result.record.index != self.wanted {
            self.ahead.keep(result)?;
            return Ok(ControlFlow::Continue(()));
        }
        self.wanted += 1;
        let flow = (self.deliver)(result);
        Ok(if flow.is_break() { flow } else { self.go_on() })
    }

    /// Delivers what waits for its turn and has it.
    pub(crate) fn go_on(&mut self) -> ControlFlow<()> {
        while !self.is_done() {
            let Some(result) = self.ahead.take(self.wanted) else {
                break;
            };
            self.wanted += 1;
            (self.deliver)(result)?;
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use metabasin_catalogue::SearchRecord;

    use super::*;

    fn identity(seed: u64) -> SearchIdentity {
        SearchIdentity {
            minimum: "00ff".to_owned(),
            settings: "{}".to_owned(),
            seed,
            stage: 0,
            kernel: "portable".to_owned(),
            version: "1".to_owned(),
        }
    }

    fn result(index: u64) -> SearchResult {
        SearchResult {
            record: SearchRecord {
                index,
                center_atom: 7,
                outcome: "lost".to_owned(),
                detail: Some("two\nlines".to_owned()),
                event: None,
                evaluations: metabasin_catalogue::EvaluationCounts::default(),
                seconds: 0.1 + index as f64,
            },
            event: None,
        }
    }

    #[test]
    fn what_finished_ahead_outlives_the_process_and_a_line_cut_short() {
        let folder = tempfile::TempDir::new().unwrap();
        let catalogue = folder.path().join("glass.sqlite");
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 0).unwrap();
        for index in [3, 5, 4, 9] {
            ahead.keep(result(index)).unwrap();
        }
        assert_eq!(ahead.take(3), Some(result(3)));
        drop(ahead);
        let file = ahead_file(&catalogue);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, &text[..text.len() - 3]).unwrap();
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 4).unwrap();
        assert_eq!(Vec::from_iter(ahead.indices()), [4, 5]);
        // Goes on behind whole lines only.
        ahead.keep(result(6)).unwrap();
        ahead.keep(result(7)).unwrap();
        drop(ahead);
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 0).unwrap();
        for index in 4..8 {
            assert_eq!(ahead.take(index), Some(result(index)));
        }
        // Other searches have no use for it; done searches none for the file.
        let other = FinishedAhead::beside(&catalogue, &identity(2), 0).unwrap();
        assert!(other.indices().is_empty());
        ahead.keep(result(9)).unwrap();
        ahead.close(false).unwrap();
        assert!(file.exists());
        let ahead = FinishedAhead::beside(&catalogue, &identity(1), 9).unwrap();
        assert_eq!(Vec::from_iter(ahead.indices()), [9]);
        ahead.close(true).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn results_are_delivered_in_order_and_none_behind_the_range() {
        let folder = tempfile::TempDir::new().unwrap();
        let catalogue = folder.path().join("glass.sqlite");
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 0).unwrap();
        let mut delivered = Vec::new();
        let mut order = InOrder {
            wanted: 2,
            end: 6,
            ahead: &mut ahead,
            deliver: &mut |result| {
                delivered.push(result.record.index);
                ControlFlow::Continue(())
            },
        };
        for index in [4, 6, 3, 2] {
            assert!(order.accept(result(index)).unwrap().is_continue());
        }
        assert!(!order.is_done());
        assert!(order.accept(result(5)).unwrap().is_continue());
        assert!(order.is_done());
        assert_eq!(delivered, [2, 3, 4, 5]);
        assert_eq!(Vec::from_iter(ahead.indices()), [6]);
    }

    #[test]
    fn the_file_does_not_grow_with_what_is_delivered() {
        let folder = tempfile::TempDir::new().unwrap();
        let catalogue = folder.path().join("glass.sqlite");
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 0).unwrap();
        for index in 0..4 * OUTDATED as u64 {
            ahead.keep(result(index + 1)).unwrap();
            ahead.take(index);
        }
        let text = std::fs::read_to_string(ahead_file(&catalogue)).unwrap();
        assert!(text.lines().count() <= OUTDATED + 3);
        let last = 4 * OUTDATED as u64;
        let mut again = FinishedAhead::beside(&catalogue, &identity(1), last).unwrap();
        assert_eq!(again.take(last), Some(result(last)));
    }
}
