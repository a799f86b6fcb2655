//! Whole runs: `demo`, `run`, `kmc`, `check`, and what is made of them: `compare`, `report`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use metabasin_pipeline::config::{
    ConfigError, LoadedConfig, check_catalogue, check_sample, load, load_text,
};
use metabasin_pipeline::{
    Estimate, Existing, PairCount, PipelineError, RunSummary, check_memory, compare_runs,
    damaged_files, digest_so_far, estimate, kmc_summary, run as run_pipeline, takes_long,
    write_bytes, write_text,
};
use metabasin_report::{ReportError, recovery_svg, stress_strain_svg, write_report};
use serde::Serialize;

use crate::arguments::{Check, Compare, Demo, Init, Report, Run, Template};
use crate::output::{bytes, span, table};
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::run_views::write_run_views;
use crate::verbs::{Context, SAMPLE, text_of};

fn existing(resume: bool, force: bool) -> Existing {
    match (resume, force) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    }
}

/// `--seed N` is `--set seed=N`.
pub fn edits_with_seed(edits: &[String], seed: Option<u64>) -> Vec<String> {
    edits
        .iter()
        .cloned()
        .chain(seed.map(|seed| format!("seed={seed}")))
        .collect()
}

/// Says about how long a run will last, where that is long. A run that is resumed says so stage by
/// stage, from what it measures there.
fn foretell(context: &Context, loaded: &LoadedConfig, existing: Existing) {
    if context.quiet || matches!(existing, Existing::Resume) || !takes_long(&loaded.config) {
        return;
    }
    // What no estimate can be made of is reported by the run itself.
    if let Ok(estimate) = estimate(&loaded.config) {
        context.say(&format!(
            "about {} on this machine, by its speed just measured; `metabasin check` says what of it \
             each stage takes",
            span(estimate.seconds)
        ));
        context.watch.foretold();
    }
}

/// Runs a config and, where it ends in findings, builds the report; what became of that comes beside
/// the summary, which is worth printing either way.
fn run_and_report(
    context: &Context,
    (verb, loaded, out): (&str, &LoadedConfig, &Path),
    existing: Existing,
) -> Result<(RunSummary, Result<()>)> {
    foretell(context, loaded, existing);
    let summary = run_pipeline(verb, loaded, out, existing, &context.watch, &INTERRUPT)?;
    if !out.join("findings.json").exists() {
        return Ok((summary, Ok(())));
    }
    let report = write_run_views(context, out)
        .map_err(anyhow::Error::from)
        .and_then(|()| Ok(write_report(out)?))
        .map(|report| context.say(&format!("report: {}", report.display())))
        .context("the run is done, but its report failed");
    Ok((summary, report))
}

fn describe(summary: &RunSummary) -> String {
    let mut rows = vec![["stage", "state", "seconds"].map(str::to_owned).to_vec()];
    for stage in &summary.stages {
        rows.push(vec![
            stage.name.clone(),
            stage.state.clone(),
            stage
                .seconds
                .map_or(String::new(), |seconds| format!("{seconds:.1}")),
        ]);
    }
    let mut text = format!("run directory: {}\n{}", summary.run_dir, table(&rows));
    for stage in &summary.stages {
        if let Some(reason) = &stage.reason {
            text = format!("{text}\n{} was left out: {reason}", stage.name);
        }
    }
    for warning in &summary.warnings {
        text = format!("{text}\nWARNING: {warning}");
    }
    text
}

/// `demo`.
pub fn demo(context: &mut Context, arguments: &Demo) -> Result<()> {
    let edits = edits_with_seed(&arguments.edits, arguments.seed);
    let loaded = load_text(text_of(Template::Demo), Path::new("demo.ron"), &edits)
        .map_err(PipelineError::Config)?;
    let mode = existing(arguments.resume, arguments.force);
    Files::of(arguments.force)
        .writes_run("--out", &arguments.out)
        .tried()?;
    let (summary, report) = run_and_report(context, ("demo", &loaded, &arguments.out), mode)?;
    context.output.result(&summary, describe)?;
    report
}

/// What `init` prints.
#[derive(Serialize)]
struct Printed {
    /// The config as text, comments included.
    config: &'static str,
}

fn out_of(arguments: &Run) -> PathBuf {
    arguments.out.clone().unwrap_or_else(|| {
        let stem = arguments
            .config
            .file_stem()
            .unwrap_or(arguments.config.as_os_str());
        PathBuf::from(stem)
    })
}

fn run_config(
    context: &Context,
    verb: &str,
    arguments: &Run,
) -> Result<(RunSummary, Result<()>, PathBuf)> {
    let edits = edits_with_seed(&arguments.edits, arguments.seed);
    let loaded = load(&arguments.config, &edits).map_err(PipelineError::Config)?;
    let out = out_of(arguments);
    let mode = existing(arguments.resume, arguments.force);
    Files::of(arguments.force)
        .reads_config(&loaded)
        .writes_run("--out", &out)
        .tried()?;
    let (summary, report) = run_and_report(context, (verb, &loaded, &out), mode)?;
    Ok((summary, report, out))
}

/// `run`.
pub fn run(context: &mut Context, verb: &str, arguments: &Run) -> Result<()> {
    let (summary, report, _) = run_config(context, verb, arguments)?;
    context.output.result(&summary, describe)?;
    report
}

/// `kmc`.
pub fn kmc(context: &mut Context, arguments: &Run) -> Result<()> {
    let edits = edits_with_seed(&arguments.edits, arguments.seed);
    let loaded = load(&arguments.config, &edits).map_err(PipelineError::Config)?;
    if !loaded
        .config
        .stages
        .iter()
        .any(|stage| stage.name() == "kmc")
    {
        return Err(PipelineError::BadInput(format!(
            "{} has no Kmc stage: `metabasin init kmc` prints a config that has one",
            arguments.config.display()
        ))
        .into());
    }
    let (_, report, out) = run_config(context, "kmc", arguments)?;
    let summary = kmc_summary(&out)?;
    context.output.result(&summary, |s| {
        format!(
            "{} events in {:.1} s: {:.0} events/s\nlast row: time {:.4e} tau, strain {:.6}, shear \
             stress {:.6}",
            s.events,
            s.seconds,
            s.events_per_second,
            s.r#final.time,
            s.r#final.strain,
            s.r#final.stress.xy()
        )
    })?;
    report
}

/// `init`.
pub fn init(context: &mut Context, arguments: &Init) -> Result<()> {
    let bytes = if arguments.sample {
        SAMPLE
    } else {
        text_of(arguments.template).as_bytes()
    };
    if let Some(output) = &arguments.output {
        let zipped = output
            .extension()
            .is_some_and(|extension| extension == "gz");
        if zipped != arguments.sample {
            let remedy = if arguments.sample {
                "the sample is compressed: end its name in .data.gz"
            } else {
                "a config is not compressed: end its name in .ron"
            };
            return Err(PipelineError::BadInput(format!("{}: {remedy}", output.display())).into());
        }
        let outputs = Files::of(arguments.force)
            .writes("--output", Some(output), Format::Text)
            .tried()?;
        write_bytes(output, bytes, outputs.overwrite())?;
        context.say(&format!("written: {}", output.display()));
        return Ok(());
    }
    if arguments.sample && context.output.is_terminal() {
        return Err(PipelineError::BadInput(
            "the sample is compressed, not for a screen: metabasin init --sample > glass.data.gz"
                .to_owned(),
        )
        .into());
    }
    if arguments.sample {
        return context.output.bytes(bytes);
    }
    let printed = Printed {
        config: text_of(arguments.template),
    };
    context
        .output
        .result(&printed, |printed| printed.config.to_owned())
}

/// What `check` prints.
#[derive(Serialize)]
struct Checked {
    valid: bool,
    errors: Vec<ConfigError>,
    /// Files that the config names and that are not there, as `field: name`.
    missing: Vec<String>,
    estimate: Option<Estimate>,
}

/// `check`.
pub fn check(context: &mut Context, arguments: &Check) -> Result<()> {
    let loaded = load(&arguments.config, &arguments.edits).and_then(|loaded| {
        check_sample(&loaded)?;
        check_catalogue(&loaded)?;
        check_memory(&loaded)?;
        Ok(loaded)
    });
    match loaded {
        Ok(loaded) => {
            let missing = loaded.missing_files();
            for file in &missing {
                context.say(&format!("{file} is not there: the run will need it"));
            }
            let estimate = Some(estimate(&loaded.config)?);
            let checked = Checked {
                valid: true,
                errors: Vec::new(),
                missing,
                estimate,
            };
            context.output.result(&checked, |checked| {
                let mut lines = vec!["valid".to_owned()];
                if let Some(estimate) = &checked.estimate {
                    let header = ["stage", "time", "atom-steps", "memory"];
                    let mut rows = vec![header.map(str::to_owned).to_vec()];
                    for stage in &estimate.stages {
                        rows.push(vec![
                            stage.name.clone(),
                            span(stage.seconds),
                            format!("{:.2e}", stage.atom_steps),
                            bytes(stage.memory_bytes),
                        ]);
                    }
                    lines.push(table(&rows));
                    lines.push(format!(
                        "in all about {} on this machine, {:.2e} atom-steps, {:.1} MB on disk",
                        span(estimate.seconds),
                        estimate.atom_steps,
                        estimate.bytes / 1e6
                    ));
                    let available = estimate
                        .memory_available_bytes
                        .map_or(String::new(), |left| format!("; {} are there", bytes(left)));
                    lines.push(format!(
                        "memory: {} at most{available}",
                        bytes(estimate.memory_bytes)
                    ));
                    lines.push(format!(
                        "counted with {:.2e} atom-steps/s, just measured: samples of {} atoms on {} \
                         threads",
                        estimate.atom_steps_per_second, estimate.measured_atoms, estimate.threads
                    ));
                }
                lines.join("\n")
            })
        }
        Err(errors) => {
            let checked = Checked {
                valid: false,
                errors: errors.0.clone(),
                missing: Vec::new(),
                estimate: None,
            };
            context.output.result(&checked, |_| String::new())?;
            Err(PipelineError::Config(errors).into())
        }
    }
}

/// Says which files of a run are no longer what they were; returns the same.
fn say_damaged(context: &Context, run_dir: &Path) -> Result<Vec<String>> {
    let damaged = damaged_files(run_dir)?;
    for file in &damaged {
        context.say(&format!(
            "{file} since its stage was done: what follows from it may be wrong; `metabasin run CONFIG \
             --resume` mends it"
        ));
    }
    Ok(damaged)
}

/// `compare`.
pub fn compare(context: &mut Context, arguments: &Compare) -> Result<()> {
    let plot = arguments.plot.as_deref();
    let recovery = plot.map(|plot| plot.with_extension("recovery.svg"));
    let recovery = recovery.as_deref();
    let mut outputs = Files::of(arguments.force)
        .reads("MD_RUN", &arguments.md_run)
        .reads("KMC_RUN", &arguments.kmc_run)
        .writes("--plot", plot, Format::Svg)
        .writes("--plot, of the recovery,", recovery, Format::Svg)
        .tried()?;
    say_damaged(context, &arguments.md_run)?;
    if arguments.kmc_run != arguments.md_run {
        say_damaged(context, &arguments.kmc_run)?;
    }
    let (rates, comparison) = compare_runs(&arguments.md_run, &arguments.kmc_run)?;
    outputs.write(context, "plot", plot, |path, mode| {
        write_text(path, &stress_strain_svg(&rates), mode)
    });
    outputs.write(context, "plot", recovery, |path, mode| {
        write_text(path, &recovery_svg(&rates), mode)
    });
    context.output.result(&comparison, |comparison| {
        let header = [
            "quantity",
            "rate [/s]",
            "MD",
            "error",
            "KMC",
            "error",
            "agrees",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3e}"));
        for row in &comparison.rows {
            rows.push(vec![
                row.quantity.clone(),
                number(row.rate_per_second),
                number(row.md),
                number(row.md_error),
                number(row.kmc),
                number(row.kmc_error),
                row.agrees.map_or("-".to_owned(), |agrees| {
                    if agrees { "yes" } else { "no" }.to_owned()
                }),
            ]);
        }
        format!(
            "{}\nagrees: yes where zero lies in the 95 % interval of the difference (Student's t), no \
             where it does not; -: not resolvable, with fewer than {} independent pairs, lattices or \
             samples of either method, or an interval wider than the numbers",
            table(&rows).trim_end(),
            comparison.fewest_independent
        )
    })?;
    Ok(outputs.finish()?)
}

/// What `report` prints.
#[derive(Serialize)]
struct Reported {
    report: String,
    /// Whether the run is over.
    finished: bool,
    /// On how many pairs the numbers of each MD rate rest.
    pairs: Vec<PairCount>,
    /// Files that are no longer what they were when their stage was done.
    damaged: Vec<String>,
}

/// `report`.
pub fn report(context: &mut Context, arguments: &Report) -> Result<()> {
    let root = &arguments.run_dir;
    if root.is_dir() {
        Files::of(true)
            .writes("the report", Some(&root.join("report.html")), Format::Text)
            .tried()?;
    }
    let mut damaged = Vec::new();
    let (finished, pairs) = if root.join("run.json").exists() {
        damaged = say_damaged(context, root)?;
        digest_so_far(root)?
    } else {
        (true, Vec::new())
    };
    if root.join("findings.json").exists() {
        write_run_views(context, root)?;
    }
    let path = write_report(root).map_err(|error| match error {
        ReportError::Files(error) => PipelineError::Files(error),
        other => PipelineError::BadInput(other.to_string()),
    })?;
    let reported = Reported {
        report: path.display().to_string(),
        finished,
        pairs,
        damaged,
    };
    context.output.result(&reported, |reported| {
        let mut lines = vec![reported.report.clone()];
        if !reported.finished {
            let header = ["rate [/s]", "pairs", "loaded", "unloaded", "recovered"];
            let mut rows = vec![header.map(str::to_owned).to_vec()];
            for pairs in &reported.pairs {
                rows.push(vec![
                    format!("{:e}", pairs.rate_per_second),
                    pairs.planned.to_string(),
                    pairs.loaded.to_string(),
                    pairs.unloaded.to_string(),
                    pairs.recovered.to_string(),
                ]);
            }
            lines.push("the run is not over; so far".to_owned());
            lines.push(table(&rows));
        }
        lines.join("\n")
    })
}
