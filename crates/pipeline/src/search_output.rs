//! The catalogue that searches write: made, replaced, or gone on with.

use std::path::{Path, PathBuf};

use metabasin_catalogue::{Catalogue, SampleRecord};
use metabasin_files::FilesError;

use crate::PipelineError;
use crate::activation::activation_file;
use crate::escape::escape_file;
use crate::run_directory::Existing;
use crate::search_team::ahead_file;

/// The catalogue at `path`, made by the same searches in the same sample, or a new one.
pub(crate) fn open_or_create(
    path: &Path,
    sample: &SampleRecord,
) -> Result<Catalogue, PipelineError> {
    if !path.exists() {
        return Ok(Catalogue::create(path, sample)?);
    }
    let catalogue = Catalogue::open(path)?;
    catalogue.check_sample(&sample.fingerprint)?;
    let stored = catalogue.sample()?;
    if stored.settings != sample.settings || stored.seed != sample.seed {
        return Err(PipelineError::in_file(
            path,
            format!(
                "was made with other search settings or another seed (seed {}, settings {}): \
                 resume with the same, or start another catalogue",
                stored.seed, stored.settings
            ),
        ));
    }
    Ok(catalogue)
}

/// Where to go on in a catalogue whose searches begin at `planned`.
pub(crate) fn first_search(
    catalogue: &Catalogue,
    path: &Path,
    planned: u64,
) -> Result<u64, PipelineError> {
    match catalogue.search_range()? {
        None => Ok(planned),
        Some(stored) if stored.start == planned => Ok(stored.end),
        Some(stored) => Err(PipelineError::in_file(
            path,
            format!(
                "holds searches {}..{}, but those asked for begin at {planned}: resume with the \
                 --range that it was made with, or put ranges together with `metabasin merge`",
                stored.start, stored.end
            ),
        )),
    }
}

/// Whether the searches may write to `output`; deletes nothing yet.
pub(crate) fn check_output(output: &Path, existing: Existing) -> Result<(), PipelineError> {
    match (output.exists(), existing) {
        (true, Existing::Refuse) => Err(PipelineError::in_file(
            output,
            "exists already: --resume adds to it, --force replaces it",
        )),
        (false, Existing::Resume) => Err(PipelineError::in_file(
            output,
            "does not exist: leave --resume out to start a catalogue",
        )),
        (true, Existing::Replace) => {
            // Only a catalogue that nobody writes to is replaced, never some other file.
            Catalogue::open(output)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Deletes the catalogue that is to be replaced.
pub(crate) fn make_way(output: &Path) -> Result<(), PipelineError> {
    let files = ["", "-wal", "-shm"].map(|suffix| {
        let mut name = output.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    });
    let of_works = [ahead_file, escape_file, activation_file].map(|file| file(output));
    for path in files.iter().chain(&of_works) {
        if path.exists() {
            std::fs::remove_file(path).map_err(|source| FilesError::Write {
                path: path.clone(),
                source,
            })?;
        }
    }
    Ok(())
}

/// The error of searches that were asked to stop.
pub(crate) fn interrupted(path: &Path) -> PipelineError {
    PipelineError::Interrupted {
        resume: format!(
            "continue with the same command and --resume ({})",
            path.display()
        ),
    }
}
