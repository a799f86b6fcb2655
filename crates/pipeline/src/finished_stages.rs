//! What finished stages left, when a run goes on: whether it is still what it was.
//!
//! When a stage is done, `run.json` takes down size and checksum of every file that it left, in the
//! same write that calls it done. A run that goes on compares; a stage with a damaged file is done
//! anew, which costs only what is damaged, and what follows from it only where the new files differ
//! from the old. The catalogue is another matter, because later verbs add to it: it must be whole
//! and hold the searches that the stage counted.

use std::path::Path;

use metabasin_catalogue::{Catalogue, CatalogueError};
use metabasin_files::findings::Findings;
use metabasin_files::{Checksum, Checksums, FilesError, StageEntry, StageState, checksums_below};

use crate::PipelineError;
use crate::stage::{has_results, read_results};
use crate::stages::search::SearchResults;

/// Checksums of what a stage left.
pub(crate) fn left_by(root: &Path, entry: &StageEntry) -> Result<Checksums, PipelineError> {
    let mut checksums = Checksums::new();
    checksums_below(root, &entry.folder, &mut checksums)?;
    let path = root.join(Findings::FILE_NAME);
    // What is imported has its findings only after its last stage.
    if entry.name == "compare" && path.exists() {
        let checksum =
            Checksum::of_file(&path).map_err(|source| FilesError::Read { path, source })?;
        checksums.insert(Findings::FILE_NAME.to_owned(), checksum);
    }
    Ok(checksums)
}

/// The first file that two lists do not agree on.
pub(crate) fn first_difference<'a>(before: &'a Checksums, now: &'a Checksums) -> Option<&'a str> {
    let changed = before
        .iter()
        .find(|(file, checksum)| now.get(*file) != Some(*checksum));
    let added = || now.iter().find(|(file, _)| !before.contains_key(*file));
    changed.or_else(added).map(|(file, _)| file.as_str())
}

/// What is no longer as a finished stage left it, in words. Damaged files are removed, so that
/// nothing can take them for whole.
///
/// # Errors
/// A catalogue that is there and damaged: it may hold more than this run can make again.
pub(crate) fn faults(
    root: &Path,
    entry: &StageEntry,
    catalogue: &Path,
) -> Result<Vec<String>, PipelineError> {
    let mut faults = Vec::new();
    if entry.state != StageState::Done {
        return Ok(faults);
    }
    for damage in entry.damages(root) {
        faults.push(damage.to_string());
        match std::fs::remove_file(&damage.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(PipelineError::Failed(format!(
                    "{damage}, and it cannot be removed ({error}): remove it and resume again"
                )));
            }
            _ => {}
        }
    }
    if entry.name == "search" {
        faults.extend(fault_of_catalogue(root, entry, catalogue)?);
    }
    Ok(faults)
}

/// What is wrong with the catalogue of a finished search that searching on can mend.
fn fault_of_catalogue(
    root: &Path,
    entry: &StageEntry,
    path: &Path,
) -> Result<Option<String>, PipelineError> {
    let folder = root.join(&entry.folder);
    if !path.exists() {
        return Ok(Some(format!("{} is gone", path.display())));
    }
    let catalogue = whole_catalogue(path).map_err(|error| {
        PipelineError::BadInput(format!(
            "{error}; restore it from a copy, or move it away: --resume then makes its searches anew"
        ))
    })?;
    if !has_results(&folder) {
        // Said already, and counted anew.
        return Ok(None);
    }
    let counted: SearchResults = read_results(&folder)?;
    let stored = catalogue.searches()?.len() as u64;
    Ok((stored < counted.searches).then(|| {
        format!(
            "{} holds {stored} searches, {} were done",
            path.display(),
            counted.searches
        )
    }))
}

/// Opens a catalogue to read it, and looks through it for damage.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn whole_catalogue(path: &Path) -> Result<Catalogue, CatalogueError> {
    let catalogue = Catalogue::open_read_only(path)?;
    catalogue.check_integrity()?;
    Ok(catalogue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_differ_are_told_by_their_first_difference() {
        let list = |files: &[(&str, &[u8])]| -> Checksums {
            let files = files.iter();
            files
                .map(|(file, content)| ((*file).to_owned(), Checksum::of(content)))
                .collect()
        };
        let before = list(&[("a", b"1"), ("b", b"2")]);
        assert_eq!(first_difference(&before, &before), None);
        let changed = list(&[("a", b"1"), ("b", b"3")]);
        assert_eq!(first_difference(&before, &changed), Some("b"));
        let fewer = list(&[("b", b"2")]);
        assert_eq!(first_difference(&before, &fewer), Some("a"));
        assert_eq!(first_difference(&fewer, &before), Some("a"));
    }
}
