//! Tables of a catalogue as Apache Parquet (feature `parquet`).

use std::path::Path;

use metabasin_catalogue::{Catalogue, Column, EventMeasures, event_columns, measures_columns};
use metabasin_files::Overwrite;
#[cfg(feature = "parquet")]
use metabasin_files::write_atomic;

use crate::PipelineError;

/// Whether this program writes Parquet.
///
/// # Errors
/// Bad input where it was built without.
pub fn check_parquet() -> Result<(), PipelineError> {
    if cfg!(feature = "parquet") {
        return Ok(());
    }
    Err(PipelineError::BadInput(
        "this program was built without Parquet: write CSV, or build it with `--features parquet`"
            .to_owned(),
    ))
}

/// Writes the scalar columns of all events as Parquet; how many events.
///
/// # Errors
/// Where the catalogue cannot be read or the file not written, and where the program was built without
/// Parquet.
pub fn export_parquet(
    catalogue: &Path,
    output: &Path,
    overwrite: Overwrite,
) -> Result<usize, PipelineError> {
    let catalogue = Catalogue::open_read_only(catalogue)?;
    write(&catalogue, &event_columns(&catalogue)?, output, overwrite)?;
    Ok(catalogue.events()?.len())
}

/// Writes the numbers of events that a report was made of as Parquet.
///
/// # Errors
/// As [`export_parquet`].
pub fn write_measures_parquet(
    catalogue: &Path,
    measures: &[EventMeasures],
    output: &Path,
    overwrite: Overwrite,
) -> Result<(), PipelineError> {
    let catalogue = Catalogue::open_read_only(catalogue)?;
    write(&catalogue, &measures_columns(measures), output, overwrite)
}

#[cfg(feature = "parquet")]
fn write(
    catalogue: &Catalogue,
    columns: &[Column],
    output: &Path,
    overwrite: Overwrite,
) -> Result<(), PipelineError> {
    let bytes = metabasin_catalogue::parquet_bytes(columns, &notes(catalogue)?)?;
    write_atomic(output, overwrite, |writer| writer.write_all(&bytes))?;
    Ok(())
}

#[cfg(not(feature = "parquet"))]
fn write(
    _catalogue: &Catalogue,
    _columns: &[Column],
    _output: &Path,
    _overwrite: Overwrite,
) -> Result<(), PipelineError> {
    check_parquet()
}

/// What made the catalogue: sample, configs, seeds, versions; no times and no machines, so that equal
/// catalogues give equal files.
#[cfg(feature = "parquet")]
fn notes(catalogue: &Catalogue) -> Result<Vec<(String, String)>, PipelineError> {
    let sample = catalogue.sample()?;
    let sessions = catalogue.sessions()?;
    let of_sessions = |of: &dyn Fn(&metabasin_catalogue::Session) -> String| {
        let mut all: Vec<String> = Vec::new();
        for (_, session) in &sessions {
            let next = of(session);
            if !all.contains(&next) {
                all.push(next);
            }
        }
        serde_json::Value::from(all).to_string()
    };
    let number = |value: f64| format!("{value:?}");
    let notes = [
        ("program", "metabasin".to_owned()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("sample", sample.fingerprint.clone()),
        ("source", sample.source.clone()),
        ("potential", sample.potential.clone()),
        ("cut", sample.cut.clone()),
        ("atoms", sample.ids.len().to_string()),
        ("volume", number(sample.volume())),
        ("energy_minimum", number(sample.energy)),
        (
            "temperature",
            sample.temperature.map_or(String::new(), number),
        ),
        ("search_settings", sample.settings.clone()),
        ("seed", sample.seed.to_string()),
        (
            "search_configs",
            of_sessions(&|session| session.config.clone()),
        ),
        (
            "search_seeds",
            of_sessions(&|session| session.seed.to_string()),
        ),
        (
            "search_versions",
            of_sessions(&|session| session.version.clone()),
        ),
        (
            "search_kernels",
            of_sessions(&|session| session.kernel.clone()),
        ),
    ];
    let notes = notes.into_iter().filter(|(_, value)| !value.is_empty());
    Ok(notes.map(|(key, value)| (key.to_owned(), value)).collect())
}
