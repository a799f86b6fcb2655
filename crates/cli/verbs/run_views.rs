//! The views in three dimensions that stand beside the report of a run.

use std::path::Path;

use metabasin_pipeline::{Overwrite, PipelineError, run_picture, write_text};
use metabasin_report::{ATOMS_PAGE, AtomView, EVENTS_PAGE};

use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::atom_view::{atom_view, events_view};

/// Writes the views of the last structure and of the events of a run, and removes those of an earlier one. What cannot
/// be shown is said, and is no failure: the report has its numbers without.
pub fn write_run_views(context: &Context, run_dir: &Path) {
    let made = [(ATOMS_PAGE, atoms(run_dir)), (EVENTS_PAGE, events(run_dir))];
    for (name, view) in made {
        let path = run_dir.join(name);
        let written = view.and_then(|view| match view {
            Some(view) => {
                let html = AtomView {
                    command: "metabasin report DIR".to_owned(),
                    ..view
                }
                .to_html();
                let html = html.map_err(|error| PipelineError::Failed(error.to_string()))?;
                write_text(&path, &html, Overwrite::Allow).map(|()| true)
            }
            None => Ok(false),
        });
        if !matches!(written, Ok(true)) {
            // Not there is what is wanted.
            let _ = std::fs::remove_file(&path);
        }
        if let Err(error) = written {
            context.say(&format!("{name} is left out: {error}"));
        }
    }
}

fn atoms(run_dir: &Path) -> Result<Option<AtomView>, PipelineError> {
    Ok(
        run_picture(run_dir, &INTERRUPT)?.map(|(file, picture)| AtomView {
            title: "The atoms of the run".to_owned(),
            subtitle: format!("{} atoms of {}", picture.ids.len(), file.display()),
            ..atom_view(picture, None)
        }),
    )
}

fn events(run_dir: &Path) -> Result<Option<AtomView>, PipelineError> {
    let catalogue = run_dir.join("catalogue.sqlite");
    if !catalogue.exists() {
        return Ok(None);
    }
    let view = events_view(&catalogue, None)?;
    Ok((!view.events.is_empty()).then_some(view))
}
