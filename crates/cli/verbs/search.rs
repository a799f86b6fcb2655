//! Saddle searches from the command line: `search`, `merge`.

use std::path::Path;

use anyhow::Result;
use metabasin_pipeline::config::load;
use metabasin_pipeline::{
    CoverageGoal, Existing, PipelineError, RateSettings, SearchRequest, merge_catalogues,
    search_from_config, search_from_file,
};

use crate::arguments::{Merge, Search};
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::inspect::{overwrite, pairs};

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
        if arguments.until_coverage.is_some() {
            return Err(PipelineError::BadInput(
                "a config says itself at which coverage to stop: \
                 --set 'stages[1].until=(coverage: 0.5)'"
                    .to_owned(),
            )
            .into());
        }
        search_from_config(
            &loaded,
            arguments.range.clone(),
            &arguments.output,
            existing,
            (&context.watch, &INTERRUPT),
        )?
    } else {
        let all = arguments.searches.map(|searches| 0..searches);
        let Some(range) = arguments.range.clone().or(all) else {
            return Err(PipelineError::BadInput(
                "say how many searches with --searches N, or which with --range A..B".to_owned(),
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
            first: range.start,
            searches: range.end,
            until: arguments.until_coverage.map(|coverage| CoverageGoal {
                coverage,
                window: arguments.window,
            }),
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
        if let Some(reached) = r.coverage_reached {
            let answer = if reached {
                "reached"
            } else {
                "not reached: searches ran out"
            };
            rows.push(("coverage asked for", answer.to_owned()));
        }
        rows.push(("seconds", format!("{:.1}", r.seconds)));
        pairs(&rows)
    })
}

/// `merge`.
pub fn merge(context: &mut Context, arguments: &Merge) -> Result<()> {
    let result = merge_catalogues(
        &arguments.catalogues,
        &arguments.output,
        overwrite(arguments.force),
        arguments.partial,
        &context.watch,
    )?;
    context.output.result(&result, |r| {
        let missing: Vec<String> = r.missing.iter().map(|[a, b]| format!("{a}..{b}")).collect();
        let missing = if missing.is_empty() {
            "none".to_owned()
        } else {
            missing.join(", ")
        };
        pairs(&[
            ("catalogues", r.parts.to_string()),
            (
                "searches",
                format!("{} ({}..{})", r.searches, r.first, r.last + 1),
            ),
            ("missing", missing),
            ("events found", r.events_found.to_string()),
            ("events distinct", r.events_distinct.to_string()),
        ])
    })
}
