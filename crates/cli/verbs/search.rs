//! Saddle searches from the command line: `search`, `merge`.

use std::path::Path;
#[cfg(feature = "mpi")]
use std::sync::atomic::Ordering;

use anyhow::Result;
use metabasin_pipeline::config::load;
use metabasin_pipeline::{
    CoverageGoal, DescentMethod, Existing, HeatSettings, PipelineError, Progress, RateSettings,
    Sample, SearchRequest, SearchSettings, SearchSummary, SearchTeam, SettleRequest,
    SettleSettings, StructureOutput, ThisProcess, merge_catalogues, search_from_config,
    search_from_file, settle_sample,
};
#[cfg(feature = "mpi")]
use metabasin_pipeline::{Ranks, Silent};

use crate::arguments::{Merge, Search, Settle};
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::inspect::{pairs, placement};
use crate::watch::Watch;

fn is_config(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ron")
}

/// `search`.
pub fn search(context: &mut Context, arguments: &Search) -> Result<()> {
    let summary = if arguments.mpi {
        search_on_ranks(&context.watch, arguments)?
    } else {
        searched(arguments, &ThisProcess, &context.watch)?
    };
    summary.map_or(Ok(()), |summary| print(context, &summary))
}

/// The searches on the ranks of an MPI job. An error ends all ranks.
#[cfg(feature = "mpi")]
fn search_on_ranks(watch: &Watch, arguments: &Search) -> Result<Option<SearchSummary>> {
    let ranks = Ranks::join()?;
    let done = ranks.run(|| {
        if ranks.writes() {
            searched(arguments, &ranks, watch)
        } else {
            crate::signals::SILENT.store(true, Ordering::Relaxed);
            searched(arguments, &ranks, &Silent)
        }
    });
    done.or_else(|error| {
        let code = error.exit_code();
        crate::output::complain(&crate::message(&error.into()));
        ranks.abort(code)
    })
}

#[cfg(not(feature = "mpi"))]
fn search_on_ranks(_watch: &Watch, _arguments: &Search) -> Result<Option<SearchSummary>> {
    Err(PipelineError::BadInput(
        "--mpi: this program was built without MPI; build it with `cargo build --release \
         --features mpi`, or share the searches among jobs with --range A..B and `metabasin merge`"
            .to_owned(),
    )
    .into())
}

/// Switches that are for structure files: a config says the same in its own words, and one of the two
/// would be ignored.
fn refuse_what_a_config_says(arguments: &Search) -> Result<(), PipelineError> {
    let said = [
        (
            arguments.searches.is_some(),
            "--searches",
            "--set stages[1].searches=N",
        ),
        (
            arguments.until_coverage.is_some(),
            "--until-coverage",
            "--set 'stages[1].until=(coverage: 0.5)'",
        ),
        (
            arguments.temperature.is_some(),
            "--temperature",
            "--set 'stages[0].temperature=Reduced(0.28)'",
        ),
        (
            arguments.prefactors,
            "--prefactors",
            "--set 'stages[1].rates=(prefactor_radius: 3.5)'",
        ),
        (
            arguments.gradient_flow,
            "--gradient-flow",
            "--set stages[1].settings.descents=gradient_flow",
        ),
        (
            arguments.heat,
            "--heat",
            "--set 'stages[1].settings.heat=()'",
        ),
        (
            arguments.no_minimize,
            "--no-minimize",
            "give the structure file in place of the config",
        ),
    ];
    match said.iter().find(|(given, ..)| *given) {
        Some((_, switch, remedy)) => Err(PipelineError::BadInput(format!(
            "{switch} is for structure files, not for a config: {remedy}"
        ))),
        None => Ok(()),
    }
}

fn searched(
    arguments: &Search,
    team: &dyn SearchTeam,
    progress: &dyn Progress,
) -> Result<Option<SearchSummary>, PipelineError> {
    let watch = (progress, &*INTERRUPT);
    let existing = match (arguments.resume, arguments.force) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    };
    if is_config(&arguments.input) {
        let mut edits = arguments.edits.clone();
        edits.extend(arguments.seed.map(|seed| format!("seed={seed}")));
        let loaded = load(&arguments.input, &edits).map_err(PipelineError::Config)?;
        refuse_what_a_config_says(arguments)?;
        Files::of(arguments.force)
            .reads_config(&loaded)
            .writes_catalogue("--output", &arguments.output)
            .tried()?;
        search_from_config(
            &loaded,
            arguments.range.clone(),
            &arguments.output,
            existing,
            team,
            watch,
        )
    } else {
        Files::of(arguments.force)
            .reads("FILE", &arguments.input)
            .writes_catalogue("--output", &arguments.output)
            .tried()?;
        let all = arguments.searches.map(|searches| 0..searches);
        let Some(range) = arguments.range.clone().or(all) else {
            return Err(PipelineError::BadInput(
                "say how many searches with --searches N, or which with --range A..B".to_owned(),
            ));
        };
        if !arguments.edits.is_empty() {
            return Err(PipelineError::BadInput(
                "--set changes a config; a structure file has none".to_owned(),
            ));
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
            settings: SearchSettings {
                descents: if arguments.gradient_flow {
                    DescentMethod::GradientFlow
                } else {
                    DescentMethod::Minimizer
                },
                heat: arguments.heat.then(HeatSettings::default),
                ..SearchSettings::default()
            },
            ..SearchRequest::default()
        };
        search_from_file(
            &arguments.input,
            &arguments.output,
            &request,
            existing,
            team,
            watch,
        )
    }
}

fn print(context: &mut Context, summary: &SearchSummary) -> Result<()> {
    context.output.result(summary, |r| {
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

/// `settle`.
pub fn settle(context: &mut Context, arguments: &Settle) -> Result<()> {
    let forces = arguments.forces;
    let mut outputs = Files::of(arguments.force)
        .reads("FILE", &arguments.file)
        .writes("--output", Some(&arguments.output), Format::Structure)
        .tried()?;
    let sample = Sample::read(&arguments.file, forces.cut)?;
    context.say_all(&sample.notes);
    let request = SettleRequest {
        cut: forces.cut,
        kernel: forces.kernel.into(),
        settings: SettleSettings {
            barrier: arguments.barrier,
            searches: arguments.searches,
        },
        seed: arguments.seed,
    };
    let output = StructureOutput {
        path: &arguments.output,
        overwrite: outputs.overwrite(),
        placement: placement(arguments.wrapped),
    };
    let (result, written) = settle_sample(&sample, output, &request, (&context.watch, &INTERRUPT))?;
    outputs.keep_if(written);
    context.output.result(&result, |r| {
        let mut rows = vec![("energy before", format!("{:.10}", r.energy_before))];
        for step in &r.moves {
            let (descent, bound) = (step.descent, step.barrier_bound);
            rows.push((
                "moved",
                format!("by {descent:.6} across at most {bound:.4}"),
            ));
        }
        if r.moves.is_empty() {
            rows.push(("moved", "nowhere: no deeper neighbor was found".to_owned()));
        }
        rows.push(("energy", format!("{:.10}", r.energy)));
        rows.push(("largest force", format!("{:.3e}", r.max_force)));
        rows.push(("force evaluations", r.force_evaluations.to_string()));
        rows.push(("seconds", format!("{:.1}", r.seconds)));
        pairs(&rows)
    })?;
    Ok(outputs.finish()?)
}

/// `merge`.
pub fn merge(context: &mut Context, arguments: &Merge) -> Result<()> {
    let mut files = Files::of(arguments.force);
    for catalogue in &arguments.catalogues {
        files = files.reads_catalogue(catalogue);
    }
    let outputs = files
        .writes_catalogue("--output", &arguments.output)
        .tried()?;
    let result = merge_catalogues(
        &arguments.catalogues,
        &arguments.output,
        outputs.overwrite(),
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
