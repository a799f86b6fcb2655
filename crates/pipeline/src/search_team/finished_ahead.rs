//! Searches that finished before one with a lower index: kept on disk until their turn comes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use metabasin_files::{FilesError, Overwrite, write_atomic};
use metabasin_landscape::SearchResult;

use crate::PipelineError;
use crate::search_team::SearchIdentity;

/// Results that the catalogue has taken meanwhile and the file still holds, before it is written
/// anew without them.
const OUTDATED: usize = 256;

/// The file beside `catalogue` that holds what finished ahead of its turn.
pub(crate) fn ahead_file(catalogue: &Path) -> PathBuf {
    let mut name = catalogue.as_os_str().to_owned();
    name.push(".ahead");
    PathBuf::from(name)
}

/// Results that wait for one with a lower index, in memory and in a file that outlives a killed
/// process: JSON, one object a line, the first says what they follow from.
///
/// A line that was cut short, or a file of other searches, is as good as none: those searches are
/// done again.
#[derive(Debug)]
pub struct FinishedAhead {
    path: PathBuf,
    identity: SearchIdentity,
    waiting: BTreeMap<u64, SearchResult>,
    file: Option<File>,
    outdated: usize,
}

impl FinishedAhead {
    /// What an earlier call left beside `catalogue` for searches from `next` on.
    pub(crate) fn beside(catalogue: &Path, identity: &SearchIdentity, next: u64) -> Self {
        let path = ahead_file(catalogue);
        let waiting = read(&path, identity)
            .into_iter()
            .map(|result| (result.record.index, result))
            .filter(|(index, _)| *index >= next)
            .collect();
        Self {
            path,
            identity: identity.clone(),
            waiting,
            file: None,
            outdated: 0,
        }
    }

    /// Takes the result of search `index`, if it waits.
    pub(crate) fn take(&mut self, index: u64) -> Option<SearchResult> {
        let taken = self.waiting.remove(&index);
        self.outdated += usize::from(taken.is_some());
        taken
    }

    /// The lowest index from `index` on that waits.
    pub(crate) fn first_from(&self, index: u64) -> Option<u64> {
        self.waiting.range(index..).next().map(|(index, _)| *index)
    }

    /// The indices that wait, ascending.
    #[cfg(feature = "mpi")]
    pub(crate) fn indices(&self) -> std::collections::BTreeSet<u64> {
        self.waiting.keys().copied().collect()
    }

    /// Keeps a result until its turn; on disk when this returns (power losses apart).
    ///
    /// # Errors
    /// A disk that does not take it.
    #[cfg_attr(
        not(feature = "mpi"),
        expect(
            dead_code,
            reason = "the threads of one process finish nearly in order"
        )
    )]
    pub(crate) fn keep(&mut self, result: SearchResult) -> Result<(), PipelineError> {
        let line = self.line(&result)?;
        self.waiting.insert(result.record.index, result);
        let file = match &mut self.file {
            Some(file) if self.outdated <= OUTDATED => file,
            _ => return self.rewrite(),
        };
        file.write_all(line.as_bytes())
            .map_err(|error| self.failed(error))
    }

    /// Removes the file once nothing waits.
    ///
    /// # Errors
    /// What the system reports.
    pub(crate) fn close(self) -> Result<(), PipelineError> {
        if !self.waiting.is_empty() {
            return Ok(());
        }
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    /// Writes the file anew, whole, and goes on behind its end.
    fn rewrite(&mut self) -> Result<(), PipelineError> {
        let mut text = self.line(&self.identity)?;
        for result in self.waiting.values() {
            text.push_str(&self.line(result)?);
        }
        write_atomic(&self.path, Overwrite::Allow, |file| {
            file.write_all(text.as_bytes())
        })?;
        let file = OpenOptions::new().append(true).open(&self.path);
        self.file = Some(file.map_err(|error| self.failed(error))?);
        self.outdated = 0;
        Ok(())
    }

    fn line(&self, value: &impl serde::Serialize) -> Result<String, PipelineError> {
        let mut line = serde_json::to_string(value)
            .map_err(|error| PipelineError::Failed(format!("{}: {error}", self.path.display())))?;
        line.push('\n');
        Ok(line)
    }

    fn failed(&self, source: std::io::Error) -> PipelineError {
        let path = self.path.clone();
        FilesError::Write { path, source }.into()
    }
}

/// The results in a file, where it is of the same searches; up to the first line cut short.
fn read(path: &Path, identity: &SearchIdentity) -> Vec<SearchResult> {
    let Ok(file) = File::open(path) else {
        return Vec::new();
    };
    let mut lines = BufReader::new(file).lines().map_while(Result::ok);
    let header = lines
        .next()
        .and_then(|line| serde_json::from_str::<SearchIdentity>(&line).ok());
    if header.as_ref() != Some(identity) {
        return Vec::new();
    }
    lines
        .map_while(|line| serde_json::from_str(&line).ok())
        .collect()
}

#[cfg(all(test, feature = "mpi"))]
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
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 0);
        for index in [3, 5, 4, 9] {
            ahead.keep(result(index)).unwrap();
        }
        assert_eq!(ahead.take(3), Some(result(3)));
        drop(ahead);
        let file = ahead_file(&catalogue);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, &text[..text.len() - 3]).unwrap();
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 4);
        assert_eq!(Vec::from_iter(ahead.indices()), [4, 5]);
        assert_eq!(ahead.first_from(5), Some(5));
        // Goes on behind whole lines only.
        ahead.keep(result(6)).unwrap();
        ahead.keep(result(7)).unwrap();
        drop(ahead);
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 0);
        for index in 4..8 {
            assert_eq!(ahead.take(index), Some(result(index)));
        }
        // Other searches have no use for it; done searches none for the file.
        let other = FinishedAhead::beside(&catalogue, &identity(2), 0);
        assert!(other.indices().is_empty());
        ahead.close().unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn the_file_does_not_grow_with_what_is_delivered() {
        let folder = tempfile::TempDir::new().unwrap();
        let catalogue = folder.path().join("glass.sqlite");
        let mut ahead = FinishedAhead::beside(&catalogue, &identity(1), 0);
        for index in 0..4 * OUTDATED as u64 {
            ahead.keep(result(index + 1)).unwrap();
            ahead.take(index);
        }
        let text = std::fs::read_to_string(ahead_file(&catalogue)).unwrap();
        assert!(text.lines().count() <= OUTDATED + 3);
        let last = 4 * OUTDATED as u64;
        let mut again = FinishedAhead::beside(&catalogue, &identity(1), last);
        assert_eq!(again.take(last), Some(result(last)));
    }
}
