//! The catalogue that searches write: made, replaced, or gone on with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use metabasin_catalogue::{Catalogue, CatalogueError, SampleRecord, companions, remove_catalogue};
use metabasin_files::{FilesError, Overwrite, try_output};
use serde_json::Value;

use crate::activation::activation_file;
use crate::escape::escape_file;
use crate::harvest::harvest_file;
use crate::recall::{recall_file, stationary_file};
use crate::run_directory::Existing;
use crate::search_team::ahead_file;
use crate::strain_step::step_file;
use crate::{Interrupt, PipelineError, Progress};

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
    let differences = differences(&stored, sample);
    if differences.is_empty() {
        return Ok(catalogue);
    }
    Err(PipelineError::in_file(
        path,
        format!(
            "was made with other settings: {}; resume with the same, or start another catalogue",
            differences.join("; ")
        ),
    ))
}

/// What a catalogue was made with and what is asked for now, where they differ. A temperature that
/// is not given is the catalogue's.
fn differences(stored: &SampleRecord, asked: &SampleRecord) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, there: String, here: String| {
        if there != here {
            found.push(format!("{what} {there} there, {here} now"));
        }
    };
    let number = |value: Option<f64>| value.map_or("none".to_owned(), |value| value.to_string());
    compare("seed", stored.seed.to_string(), asked.seed.to_string());
    compare("cut", stored.cut.clone(), asked.cut.clone());
    if asked.temperature.is_some() {
        compare(
            "temperature",
            number(stored.temperature),
            number(asked.temperature),
        );
    }
    compare(
        "attempt frequency",
        stored.attempt_frequency.to_string(),
        asked.attempt_frequency.to_string(),
    );
    if stored.settings != asked.settings {
        match (
            serde_json::from_str(&stored.settings),
            serde_json::from_str(&asked.settings),
        ) {
            (Ok(there), Ok(here)) => unequal(&there, &here, "", &mut found),
            _ => found.push(format!(
                "settings {} there, {} now",
                stored.settings, asked.settings
            )),
        }
    }
    found
}

/// The values at which two JSON documents differ, by their paths.
fn unequal(there: &Value, here: &Value, path: &str, found: &mut Vec<String>) {
    match (there, here) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let of = |object: &serde_json::Map<String, Value>| {
                    object.get(name).cloned().unwrap_or(Value::Null)
                };
                unequal(&of(a), &of(b), &path, found);
            }
        }
        _ if there == here => {}
        _ => found.push(format!("{path} {there} there, {here} now")),
    }
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
        (true, Existing::Refuse) => {
            return Err(PipelineError::in_file(
                output,
                "exists already: --resume adds to it, --force replaces it",
            ));
        }
        (false, Existing::Resume) => {
            return Err(PipelineError::in_file(
                output,
                "does not exist: leave --resume out to start a catalogue",
            ));
        }
        (true, Existing::Replace) => check_replaceable(output)?,
        _ => {}
    }
    try_output(output, Overwrite::Allow)?;
    Ok(())
}

/// Only a catalogue that nobody writes to is replaced, whole or not, never some other file.
///
/// # Errors
/// As [`Catalogue::open`].
pub(crate) fn check_replaceable(path: &Path) -> Result<(), PipelineError> {
    match Catalogue::open(path) {
        Ok(_) | Err(CatalogueError::Torn { .. } | CatalogueError::Malformed { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The files beside a catalogue in which unfinished work on it waits.
fn unfinished_work(catalogue: &Path) -> [PathBuf; 7] {
    [
        ahead_file,
        activation_file,
        escape_file,
        recall_file,
        stationary_file,
        harvest_file,
        step_file,
    ]
    .map(|file| file(catalogue))
}

/// The names of all files that may stand beside a catalogue and are part of it or of the work on it.
pub fn files_beside_catalogue(catalogue: &Path) -> Vec<PathBuf> {
    let mut files = companions(catalogue).to_vec();
    files.extend(unfinished_work(catalogue));
    files
}

/// Deletes the catalogue that is to be replaced.
pub(crate) fn make_way(output: &Path) -> Result<(), PipelineError> {
    remove_catalogue(output)?;
    remove_unfinished_work(output)
}

/// Puts a finished catalogue in the place of another one, which is there until then.
pub(crate) fn take_place(finished: &Path, output: &Path) -> Result<(), PipelineError> {
    // Beside a torn catalogue stands what SQLite would put into the new one.
    if companions(output).iter().any(|path| path.exists()) {
        remove_catalogue(output)?;
    }
    std::fs::rename(finished, output).map_err(|source| FilesError::Write {
        path: output.to_owned(),
        source,
    })?;
    remove_unfinished_work(output)
}

/// Deletes the work on a catalogue that is there no longer.
fn remove_unfinished_work(catalogue: &Path) -> Result<(), PipelineError> {
    for path in unfinished_work(catalogue) {
        if path.exists() {
            std::fs::remove_file(&path).map_err(|source| FilesError::Write {
                path: path.clone(),
                source,
            })?;
        }
    }
    Ok(())
}

/// Between two tries of a transaction that a reader holds up, so that other readers come in.
const PAUSE: Duration = Duration::from_millis(200);

/// Stores something in a catalogue; where another program that reads holds it up, as often as it
/// takes, unless the user asks to stop.
///
/// # Errors
/// As `store`, or on request.
pub(crate) fn patiently<T>(
    (progress, interrupt): (&dyn Progress, &Interrupt),
    mut store: impl FnMut() -> Result<T, CatalogueError>,
) -> Result<T, PipelineError> {
    let mut said = false;
    loop {
        match store() {
            Err(error @ CatalogueError::Busy { .. }) => {
                if interrupt.is_requested() {
                    return Err(PipelineError::Interrupted {
                        resume: "give the same command again, with --resume where it has one"
                            .to_owned(),
                    });
                }
                if !said {
                    progress.note(&format!("waiting: {error}"));
                    said = true;
                }
                std::thread::sleep(PAUSE);
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// The error of searches that were asked to stop.
pub(crate) fn interrupted(path: &Path) -> PipelineError {
    if !path.exists() {
        return PipelineError::Abandoned;
    }
    PipelineError::Interrupted {
        resume: format!(
            "continue with the same command and --resume ({})",
            path.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Silent;

    fn busy() -> CatalogueError {
        CatalogueError::Busy {
            path: PathBuf::from("glass.sqlite"),
        }
    }

    #[test]
    fn a_reader_in_the_way_is_waited_for_until_the_user_asks_to_stop() {
        let interrupt = Interrupt::new();
        let mut tries = 0;
        let stored = patiently((&Silent, &interrupt), || {
            tries += 1;
            if tries < 4 { Err(busy()) } else { Ok(tries) }
        });
        assert_eq!(stored.unwrap(), 4);
        let asked = patiently((&Silent, &interrupt), || {
            interrupt.request();
            Err::<(), _>(busy())
        });
        assert_eq!(asked.unwrap_err().exit_code(), 130);
    }

    #[test]
    fn settings_that_differ_are_named_with_both_values() {
        let sample = |settings: &str, temperature| SampleRecord {
            settings: settings.to_owned(),
            seed: 7,
            cut: "smooth".to_owned(),
            temperature,
            ..SampleRecord::default()
        };
        let stored = sample(r#"{"push": 0.1, "climb": {"steps": 4}}"#, Some(0.28));
        let same = sample(r#"{"climb":{"steps":4},"push":0.1}"#, None);
        assert_eq!(differences(&stored, &same), [""; 0]);
        let other = sample(r#"{"climb":{"steps":5},"push":0.1,"new":true}"#, Some(0.3));
        assert_eq!(
            differences(&stored, &other),
            [
                "temperature 0.28 there, 0.3 now",
                "climb.steps 4 there, 5 now",
                "new null there, true now"
            ]
        );
    }

    #[test]
    fn nothing_is_promised_of_searches_that_have_not_begun() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("glass.sqlite");
        assert!(
            interrupted(&path)
                .to_string()
                .contains("nothing of it is kept")
        );
        std::fs::write(&path, "").unwrap();
        assert!(interrupted(&path).to_string().contains("--resume"));
    }
}
