//! Saddle searches from the command line: `search`.

use std::path::Path;

use anyhow::Result;
use metabasin_pipeline::config::load;
use metabasin_pipeline::{
    Existing, PipelineError, RateSettings, SearchRequest, search_from_config, search_from_file,
};

use crate::arguments::Search;
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::inspect::pairs;

fn is_config(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ron")
}

/// `search`.
pub fn search(context: &mut Context, arguments: &Search) -> Result<()> {
    let existing = match (arguments.resume, arguments.force) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    };
    let result = if is_config(&arguments.input) {
        let mut edits = arguments.edits.clone();
        edits.extend(arguments.seed.map(|seed| format!("seed={seed}")));
        let loaded = load(&arguments.input, &edits).map_err(PipelineError::Config)?;
        search_from_config(
            &loaded,
            &arguments.output,
            existing,
            (&context.watch, &INTERRUPT),
        )?
    } else {
        let Some(searches) = arguments.searches else {
            return Err(PipelineError::BadInput(
                "say how many searches with --searches N".to_owned(),
            )
            .into());
        };
        if !arguments.edits.is_empty() {
            return Err(PipelineError::BadInput(
                "--set changes a config; a structure file has none".to_owned(),
            )
            .into());
        }
        let request = SearchRequest {
            searches,
            cut: arguments.forces.cut,
            kernel: arguments.forces.kernel.into(),
            temperature: arguments.temperature,
            minimize: !arguments.no_minimize,
            seed: arguments.seed.unwrap_or(1),
            rates: arguments.prefactors.then(RateSettings::default),
            ..SearchRequest::default()
        };
        search_from_file(
            &arguments.input,
            &arguments.output,
            &request,
            existing,
            (&context.watch, &INTERRUPT),
        )?
    };
    context.output.result(&result, |r| {
        let mut rows = vec![("searches", r.searches.to_string())];
        let outcomes: Vec<(String, u64)> = r
            .outcomes
            .iter()
            .map(|(name, count)| (name.clone(), *count))
            .collect();
        for (name, count) in &outcomes {
            rows.push((name.as_str(), count.to_string()));
        }
        rows.push(("events found", r.events_found.to_string()));
        rows.push(("events distinct", r.events_distinct.to_string()));
        rows.push(("force evaluations", r.force_evaluations.to_string()));
        let each = r.force_evaluations_per_event;
        rows.push((
            "  per distinct event",
            each.map_or("-".to_owned(), |cost| format!("{cost:.0}")),
        ));
        rows.push(("seconds", format!("{:.1}", r.seconds)));
        pairs(&rows)
    })
}
