//! The report of a run directory, written whole.

use std::path::{Path, PathBuf};

use metabasin_catalogue::{Catalogue, EventRecord, Session};
use metabasin_files::findings::Findings;
use metabasin_files::{FilesError, Manifest, Overwrite, StageState, write_atomic};

use crate::inherent_series::inherent_loadings;
use crate::page::{Material, render};
use crate::provenance;
use crate::view::{ATOMS_PAGE, EVENTS_PAGE};

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
    /// The page could not be put together.
    #[error("the page of the report could not be put together: {0}")]
    Template(#[from] minijinja::Error),
}

/// Writes `report.html` and `plots/*.svg` into a run directory from its `findings.json` and, where
/// they are, `run.json` and `catalogue.sqlite`. Returns the path of the report.
///
/// Where the folder holds [`ATOMS_PAGE`] or [`EVENTS_PAGE`], the report leads there. Parts that the run did not have, or that cannot be read, are left out, and the page says so.
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
    let damages = manifest
        .iter()
        .flat_map(|manifest| manifest.damages(run_dir));
    unreadable.extend(damages.map(|damage| {
        format!(
            "{damage} since its stage was done: what follows from it may be wrong, --resume mends it"
        )
    }));
    let events = events(run_dir, manifest.as_ref(), &findings)
        .map_err(|reason| unreadable.push(format!("{CATALOGUE}: {reason}")))
        .unwrap_or_default();
    let inherent = inherent_loadings(run_dir)
        .map_err(|error| unreadable.push(format!("inherent states along loading: {error}")))
        .unwrap_or_default();
    let series = provenance::series(run_dir);
    let views: Vec<&str> = [ATOMS_PAGE, EVENTS_PAGE]
        .into_iter()
        // Events that are left out are not shown either.
        .filter(|name| *name != EVENTS_PAGE || events.is_some())
        .filter(|name| run_dir.join(name).exists())
        .collect();
    let (html, plots) = render(&Material {
        findings: &findings,
        manifest: manifest.as_ref(),
        events: events.as_deref(),
        inherent: &inherent,
        series: &series,
        views: &views,
        unreadable,
    })?;
    let folder = run_dir.join("plots");
    std::fs::create_dir_all(&folder).map_err(|source| FilesError::Write {
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

/// The events of the catalogue in the folder; none where the run made none.
///
/// # Errors
/// What is wrong with the catalogue: it is missing, cannot be read, or is not the one that the run
/// made.
fn events(
    run_dir: &Path,
    manifest: Option<&Manifest>,
    findings: &Findings,
) -> Result<Option<Vec<EventRecord>>, String> {
    let path = run_dir.join(CATALOGUE);
    let searched = manifest.is_some_and(|manifest| {
        let mut stages = manifest.stages.iter();
        stages.any(|stage| stage.name == "search" && stage.state == StageState::Done)
    });
    if !path.exists() {
        return if searched {
            Err("is missing, though the run searched: put it back".to_owned())
        } else {
            Ok(None)
        };
    }
    let catalogue = Catalogue::open_read_only(&path).map_err(|error| error.to_string())?;
    if let Some(manifest) = manifest {
        let sessions = catalogue.sessions().map_err(|error| error.to_string())?;
        let own = |(_, session): &(u64, Session)| session.config == manifest.config;
        if !sessions.iter().any(own) {
            return Err(
                "is not the one that this run made: no search in it was done with the config of \
                 run.json; its events are left out"
                    .to_owned(),
            );
        }
    }
    let range = catalogue
        .search_range()
        .map_err(|error| error.to_string())?;
    let (stored, found) = (
        range.map_or(0, |range| range.end - range.start),
        findings.landscape.as_ref().map_or(0, |landscape| {
            landscape.outcomes.iter().map(|(_, count)| count).sum()
        }),
    );
    if stored < found {
        return Err(format!(
            "holds {stored} searches, the findings rest on {found}: it is an earlier copy; its \
             events are left out"
        ));
    }
    let events = catalogue.events().map_err(|error| error.to_string())?;
    Ok(Some(events))
}

fn write_text(path: &Path, text: &str) -> Result<(), ReportError> {
    write_atomic(path, Overwrite::Allow, |output| {
        output.write_all(text.as_bytes())
    })?;
    Ok(())
}
