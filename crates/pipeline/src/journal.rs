//! What is finished of a long work, kept on disk until all of it is.
//!
//! A [`Journal`] is the file; [`Kept`] does work side by side and notes every result in one, so that
//! the same command goes on where a killed one stopped.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use metabasin_files::{Checksum, FilesError, Overwrite, write_atomic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stages::branches::side_by_side;
use crate::{PipelineError, Progress};

/// The file beside `path` whose name ends in `suffix`, too.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A file of JSON, one array a line, checksum and entry: the first says what all others follow from.
///
/// What is appended is on disk when the call returns (power losses apart). A line that was cut
/// short or does not fit its checksum, or a file whose first line differs, is as good as none.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    header: String,
    file: Option<File>,
}

impl Journal {
    /// The file at `path`, of results that follow from `identity`.
    ///
    /// # Errors
    /// An identity that cannot be written as JSON.
    pub(crate) fn at(path: PathBuf, identity: &impl Serialize) -> Result<Self, PipelineError> {
        let header = line(identity, &path)?;
        Ok(Self {
            path,
            header,
            file: None,
        })
    }

    /// What an earlier call left; no entries of a file that follows from something else.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Earlier<T> {
        let mut earlier = Earlier {
            entries: Vec::new(),
            fault: None,
        };
        let Ok(file) = File::open(&self.path) else {
            return earlier;
        };
        let mut lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
        let header = lines.next().unwrap_or_default();
        if header != self.header.trim_end().as_bytes() {
            earlier.fault = Some(format!(
                "{} is of other settings, another version, or damaged: all is done anew",
                self.path.display()
            ));
            return earlier;
        }
        let mut lines = lines.peekable();
        let mut damaged = 0;
        while let Some(line) = lines.next() {
            match entry(&line) {
                Some(entry) => earlier.entries.push(entry),
                // A kill cuts the last line.
                None if lines.peek().is_none() => {}
                None => damaged += 1,
            }
        }
        if damaged > 0 {
            earlier.fault = Some(format!(
                "{}: {damaged} lines do not fit their checksums: what they held is done anew",
                self.path.display()
            ));
        }
        earlier
    }

    /// Whether entries can be appended: this call has written the file.
    pub(crate) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Writes the file anew, whole, with these entries, to go on behind its end.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub(crate) fn rewrite<T: Serialize>(
        &mut self,
        entries: impl Iterator<Item = T>,
    ) -> Result<(), PipelineError> {
        let mut text = self.header.clone();
        for entry in entries {
            text.push_str(&line(&entry, &self.path)?);
        }
        write_atomic(&self.path, Overwrite::Allow, |file| {
            file.write_all(text.as_bytes())
        })?;
        let file = OpenOptions::new().append(true).open(&self.path);
        self.file = Some(file.map_err(|error| self.failed(error))?);
        Ok(())
    }

    /// Appends an entry to a file that this call has written.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub(crate) fn append(&mut self, entry: &impl Serialize) -> Result<(), PipelineError> {
        let line = line(entry, &self.path)?;
        let written = match &mut self.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => Ok(()),
        };
        written.map_err(|error| self.failed(error))
    }

    /// Removes the file.
    ///
    /// # Errors
    /// What the system reports.
    pub(crate) fn remove(self) -> Result<(), PipelineError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    fn failed(&self, source: std::io::Error) -> PipelineError {
        let path = self.path.clone();
        FilesError::Write { path, source }.into()
    }
}

/// What an earlier call left in a journal.
pub(crate) struct Earlier<T> {
    pub(crate) entries: Vec<T>,
    /// Why there are fewer than there were, for the user.
    pub(crate) fault: Option<String>,
}

/// `["0a1b2c3d",ENTRY]`, the checksum being that of the entry.
fn line(value: &impl Serialize, path: &Path) -> Result<String, PipelineError> {
    let entry = serde_json::to_string(value)
        .map_err(|error| PipelineError::Failed(format!("{}: {error}", path.display())))?;
    let crc32 = Checksum::of(entry.as_bytes()).crc32;
    Ok(format!("[\"{crc32:08x}\",{entry}]\n"))
}

/// The entry of a line that is whole.
fn entry<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = std::str::from_utf8(line).ok()?;
    let (crc32, rest) = line.strip_prefix("[\"")?.split_once("\",")?;
    let entry = rest.strip_suffix(']')?;
    let crc32 = u32::from_str_radix(crc32, 16).ok()?;
    (crc32 == Checksum::of(entry.as_bytes()).crc32)
        .then(|| serde_json::from_str(entry).ok())
        .flatten()
}

/// Results by number, those of an earlier call and those of this one.
pub(crate) struct Kept<'a, T> {
    earlier: BTreeMap<u64, T>,
    /// None where the disk takes none: nothing is kept then.
    journal: Mutex<Option<Journal>>,
    progress: &'a dyn Progress,
}

impl<'a, T: Serialize + DeserializeOwned + Clone + Send + Sync> Kept<'a, T> {
    /// What an earlier call left in the file at `path`, if it follows from the same.
    ///
    /// # Errors
    /// An identity that cannot be written as JSON.
    pub(crate) fn at(
        path: PathBuf,
        identity: &impl Serialize,
        progress: &'a dyn Progress,
    ) -> Result<Self, PipelineError> {
        let mut journal = Journal::at(path, identity)?;
        let Earlier { entries, fault } = journal.read::<(u64, T)>();
        if let Some(fault) = fault {
            progress.note(&fault);
        }
        let earlier: BTreeMap<u64, T> = entries.into_iter().collect();
        let kept = Self {
            journal: Mutex::new(None),
            progress,
            earlier,
        };
        let begun = journal.rewrite(kept.earlier.iter());
        let journal = begun.is_ok().then_some(journal);
        kept.warn(&begun);
        Ok(Self {
            journal: Mutex::new(journal),
            ..kept
        })
    }

    /// The error of a work that stopped on request, true to whether a file keeps what is finished;
    /// any other error as it is.
    fn stopped(&self, error: PipelineError) -> PipelineError {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        if error.is_interruption() && journal.is_none() {
            return PipelineError::Abandoned;
        }
        error
    }

    /// How many results an earlier call left.
    pub(crate) fn earlier(&self) -> u64 {
        self.earlier.len() as u64
    }

    /// A catalogue may lie where nothing can be written: that is no reason not to read it.
    fn warn(&self, written: &Result<(), PipelineError>) {
        if let Err(error) = written {
            let message = format!("a stop will lose what is finished: {error}");
            self.progress.note(&message);
        }
    }

    /// Does `work` for every item whose number has no result yet, side by side, and notes each as it
    /// is finished; results in the order of the items.
    ///
    /// # Errors
    /// As `work`.
    pub(crate) fn side_by_side<I: Sync>(
        &self,
        items: &[(u64, I)],
        work: impl Fn(&I) -> Result<T, PipelineError> + Sync + Send,
    ) -> Result<Vec<T>, PipelineError> {
        side_by_side(items, |(number, item)| {
            if let Some(result) = self.earlier.get(number) {
                return Ok(result.clone());
            }
            let result = work(item)?;
            self.note(&(number, &result));
            self.progress.advance(1);
            Ok(result)
        })
        .map_err(|error| self.stopped(error))
    }

    fn note(&self, entry: &impl Serialize) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = journal.as_mut() else { return };
        let written = open.append(entry);
        if written.is_err() {
            *journal = None;
        }
        self.warn(&written);
    }

    /// Removes the file: all is done. One that stays is in nobody's way, and no reason to lose the
    /// results.
    pub(crate) fn close(self) {
        let journal = self.journal.into_inner();
        let journal = journal.unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(error)) = journal.map(Journal::remove) {
            self.progress.note(&error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tempfile::TempDir;

    use super::*;
    use crate::Silent;

    fn squares(path: &Path, identity: &str, stop_at: Option<u64>) -> (Option<Vec<f64>>, u64) {
        let kept = Kept::at(path.to_owned(), &identity, &Silent).unwrap();
        let items: Vec<(u64, f64)> = (0..20).map(|k| (k, 0.1 + k as f64)).collect();
        let done = AtomicU64::new(0);
        let results = kept.side_by_side(&items, |x| {
            if stop_at.is_some_and(|stop| *x > stop as f64) {
                return Err(PipelineError::Failed("stopped".to_owned()));
            }
            done.fetch_add(1, Ordering::SeqCst);
            Ok(x * x)
        });
        let results = results.ok();
        if results.is_some() {
            kept.close();
        }
        (results, done.into_inner())
    }

    #[test]
    fn a_stopped_work_goes_on_with_what_is_left() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("glass.sqlite.squares");
        let (whole, all) = squares(&path, "a", None);
        assert_eq!(all, 20);
        assert!(!path.exists());
        let (none, first) = squares(&path, "a", Some(7));
        assert_eq!((none, first), (None, 7));
        // Of something else: all is done anew, and what was there is gone.
        let other = path.with_extension("other");
        std::fs::copy(&path, &other).unwrap();
        assert_eq!(squares(&other, "b", None), (whole.clone(), 20));
        // The last line is cut short, as by a kill.
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 3]).unwrap();
        assert_eq!(squares(&path, "a", None), (whole.clone(), 14));
        assert!(!path.exists());
        // A digit of the second entry is another: that entry is done anew, the others are kept.
        squares(&path, "a", Some(7));
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let number: u64 = lines[2].split(['[', ',']).nth(3).unwrap().parse().unwrap();
        let damaged = lines[2].replace(&format!("[{number},"), &format!("[{},", number + 10));
        assert!(damaged != lines[2], "{damaged}");
        lines[2] = damaged;
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let journal = Journal::at(path.clone(), &"a").unwrap();
        let earlier = journal.read::<(u64, f64)>();
        assert_eq!(earlier.entries.len(), 6);
        assert!(earlier.entries.iter().all(|(found, _)| *found != number));
        let fault = earlier.fault.unwrap();
        assert!(fault.contains("squares: 1 lines do not fit"), "{fault}");
        assert_eq!(squares(&path, "a", None), (whole, 14));
        let of_other = Journal::at(path.clone(), &"b").unwrap();
        squares(&path, "a", Some(7));
        let fault = of_other.read::<(u64, f64)>().fault.unwrap();
        assert!(fault.contains("all is done anew"), "{fault}");
    }

    #[test]
    fn work_is_done_where_nothing_can_be_written() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("missing").join("glass.sqlite.squares");
        assert_eq!(squares(&path, "a", None).1, 20);
    }

    #[test]
    fn what_a_stop_keeps_is_said_as_it_is() {
        let folder = TempDir::new().unwrap();
        for (path, kept) in [("squares", true), ("missing/squares", false)] {
            let path = folder.path().join(path);
            let work = Kept::<f64>::at(path, &"a", &Silent).unwrap();
            let stopped = work.side_by_side(&[(0, 1.0)], |_| {
                Err(PipelineError::Interrupted {
                    resume: "go on".to_owned(),
                })
            });
            let text = stopped.unwrap_err().to_string();
            assert_eq!(text.contains("everything finished is kept"), kept, "{text}");
        }
    }
}
