//! The views in three dimensions that stand beside the report of a run.

use std::path::Path;

use metabasin_pipeline::{Overwrite, PipelineError, run_picture, write_text};
use metabasin_report::{ATOMS_PAGE, AtomView, EVENTS_PAGE};

use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::atom_view::{atom_view, events_view};

/// What makes the pages anew.
const COMMAND: &str = "metabasin report DIR";

/// Writes the views of the last structure and of the events of a run, and removes those of an earlier one. What cannot
/// be shown is said, and is no failure: the report has its numbers without.
///
/// # Errors
/// Where a page cannot be written or removed.
pub fn write_run_views(context: &Context, run_dir: &Path) -> Result<(), PipelineError> {
    let made = [(ATOMS_PAGE, atoms(run_dir)), (EVENTS_PAGE, events(run_dir))];
    for (name, view) in made {
        let path = run_dir.join(name);
        let html = view.and_then(|view| view.map(|view| to_html(&view)).transpose());
        if let Err(error) = &html {
            context.say(&format!("{name} is left out: {error}"));
        }
        match html {
            Ok(Some(html)) => write_text(&path, &html, Overwrite::Allow)?,
            Ok(None) | Err(_) if path.exists() => std::fs::remove_file(&path).map_err(|error| {
                PipelineError::Failed(format!("{} cannot be removed: {error}", path.display()))
            })?,
            Ok(None) | Err(_) => {}
        }
    }
    Ok(())
}

fn to_html(view: &AtomView) -> Result<String, PipelineError> {
    view.to_html()
        .map_err(|error| PipelineError::Failed(error.to_string()))
}

fn atoms(run_dir: &Path) -> Result<Option<AtomView>, PipelineError> {
    Ok(
        run_picture(run_dir, &INTERRUPT)?.map(|(file, picture)| AtomView {
            title: "The atoms of the run".to_owned(),
            subtitle: format!("{} atoms of {}", picture.ids.len(), file.display()),
            command: COMMAND.to_owned(),
            ..atom_view(picture, None)
        }),
    )
}

fn events(run_dir: &Path) -> Result<Option<AtomView>, PipelineError> {
    let catalogue = run_dir.join("catalogue.sqlite");
    if !catalogue.exists() {
        return Ok(None);
    }
    let view = AtomView {
        title: "The events of the run".to_owned(),
        command: COMMAND.to_owned(),
        ..events_view(&catalogue, None)?
    };
    Ok((!view.events.is_empty()).then_some(view))
}
