//! The report of a run directory, written whole.

use std::path::{Path, PathBuf};

use metabasin_catalogue::Catalogue;
use metabasin_files::findings::Findings;
use metabasin_files::{FilesError, Manifest, Overwrite, write_atomic};

use crate::page::{Material, render};
use crate::provenance;

/// File name of the catalogue within a run directory.
const CATALOGUE: &str = "catalogue.sqlite";

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// `findings.json` cannot be read, or a file cannot be written.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The run directory holds no findings yet.
    #[error("{} is missing: the report is made from what a finished run leaves; finish it with `metabasin run CONFIG --resume`", path.display())]
    NoFindings {
        /// Where they should be.
        path: PathBuf,
    },
    /// The folder of the plots cannot be made.
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The page could not be put together.
    #[error("the page of the report could not be put together: {0}")]
    Template(#[from] minijinja::Error),
}

/// Writes `report.html` and `plots/*.svg` into a run directory from its `findings.json` and, where
/// they are, `run.json` and `catalogue.sqlite`. Returns the path of the report.
///
/// Parts that the run did not have, or that cannot be read, are left out, and the page says so.
/// Every file appears whole or not at all; older ones are replaced.
///
/// # Errors
/// Where `findings.json` is missing or malformed, or where the folder cannot be written.
pub fn write_report(run_dir: &Path) -> Result<PathBuf, ReportError> {
    let path = run_dir.join(Findings::FILE_NAME);
    if !path.exists() {
        return Err(ReportError::NoFindings { path });
    }
    let findings = Findings::read(run_dir)?;
    let mut unreadable = Vec::new();
    let manifest = if run_dir.join(Manifest::FILE_NAME).exists() {
        Manifest::read(run_dir)
            .map_err(|error| unreadable.push(format!("run.json: {error}")))
            .ok()
    } else {
        None
    };
    let damages = manifest.iter().flat_map(|manifest| manifest.damages(run_dir));
    unreadable.extend(damages.map(|damage| {
        format!("{damage} since its stage was done: what follows from it may be wrong, --resume mends it")
    }));
    let catalogue = run_dir.join(CATALOGUE);
    let events = if catalogue.exists() {
        Catalogue::open_read_only(&catalogue)
            .and_then(|catalogue| catalogue.events())
            .map_err(|error| unreadable.push(format!("{CATALOGUE}: {error}")))
            .ok()
    } else {
        None
    };
    let series = provenance::series(run_dir);
    let (html, plots) = render(&Material {
        findings: &findings,
        manifest: manifest.as_ref(),
        events: events.as_deref(),
        series: &series,
        unreadable,
    })?;
    let folder = run_dir.join("plots");
    std::fs::create_dir_all(&folder).map_err(|source| ReportError::Folder {
        path: folder.clone(),
        source,
    })?;
    for (name, svg) in &plots {
        write_text(&folder.join(format!("{name}.svg")), svg)?;
    }
    let report = run_dir.join("report.html");
    write_text(&report, &html)?;
    Ok(report)
}

fn write_text(path: &Path, text: &str) -> Result<(), ReportError> {
    write_atomic(path, Overwrite::Allow, |output| {
        output.write_all(text.as_bytes())
    })?;
    Ok(())
}
