//! What papers show of a catalogue: `barriers`.

use std::fmt::Write;

use anyhow::Result;
use metabasin_pipeline::{
    BarrierReport, BarrierRequest, Correlation, Distribution, PipelineError, ReverificationRequest,
    ReverificationTolerances, WindowCompleteness, barrier_report, compliance_note, measures_csv,
    reverify, write_measures_parquet, write_text,
};
use metabasin_report::barrier_sheet_svg;

use crate::arguments::Barriers;
use crate::output::table;
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::atom_view::events_html;
use crate::verbs::inspect::pairs;
use crate::verbs::rates::meyer_neldel_text;
use crate::verbs::softness::tell_softness;

/// `barriers`.
pub fn barriers(context: &mut Context, arguments: &Barriers) -> Result<()> {
    if arguments.verify {
        return verify(context, arguments);
    }
    if let Some(width) = arguments.softness {
        return tell_softness(context, arguments, width);
    }
    let request = BarrierRequest {
        below: arguments.below,
        windows: arguments.windows.clone(),
        bins: usize::from(arguments.bins),
        seed: arguments.seed,
    };
    let (plot, csv, parquet) = (
        arguments.plot.as_deref(),
        arguments.csv.as_deref(),
        arguments.parquet.as_deref(),
    );
    let mut outputs = Files::of(arguments.force)
        .reads_catalogue(&arguments.catalogue)
        .writes("--plot", plot, Format::Svg)
        .writes("--csv", csv, Format::Text)
        .writes("--parquet", parquet, Format::Parquet)
        .writes("--view", arguments.view.as_deref(), Format::Html)
        .tried()?;
    let (report, measures) = barrier_report(&arguments.catalogue, &request)?;
    if let Some(note) = compliance_note(&arguments.catalogue)? {
        context.say(&note);
    }
    outputs.write(context, "plot", plot, |path, mode| {
        write_text(path, &barrier_sheet_svg(&report, &measures), mode)
    });
    outputs.write(context, "events", csv, |path, mode| {
        write_text(path, &measures_csv(&measures), mode)
    });
    outputs.write(context, "events", parquet, |path, mode| {
        write_measures_parquet(&arguments.catalogue, &measures, path, mode)
    });
    outputs.write(context, "view", arguments.view.as_deref(), |path, mode| {
        let html = events_html(&arguments.catalogue, arguments.below)?;
        write_text(path, &html, mode)
    });
    context.output.result(&report, describe)?;
    Ok(outputs.finish()?)
}

/// `barriers --verify`.
fn verify(context: &mut Context, arguments: &Barriers) -> Result<()> {
    let request = ReverificationRequest {
        events: arguments.events,
        by_gradient_flow: arguments.gradient_flow,
        kernel: arguments.kernel.into(),
        tolerances: ReverificationTolerances::default(),
    };
    let result = reverify(&arguments.catalogue, &request, (&context.watch, &INTERRUPT))?;
    context.output.result(&result, |r| {
        let header = [
            "event",
            "barrier [epsilon]",
            "shift forward",
            "shift reverse",
            "saddle [sigma]",
            "end state",
            "dipole [epsilon]",
            "end state",
            "index",
            "verdict",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for row in &r.rows {
            let shift =
                |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1e}"));
            rows.push(vec![
                row.event.to_string(),
                row.barrier_forward
                    .map_or("-".to_owned(), |barrier| format!("{barrier:.6}")),
                shift(row.barrier_forward_shift),
                shift(row.barrier_reverse_shift),
                shift(row.saddle_shift),
                shift(row.final_shift),
                shift(row.dipole_saddle_shift),
                shift(row.dipole_final_shift),
                row.index.map_or("-".to_owned(), |index| index.to_string()),
                row.failure.clone().unwrap_or_else(|| "holds".to_owned()),
            ]);
        }
        let mut text = table(&rows);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} of {} events hold", r.holds, r.events);
        text
    })?;
    if result.fails > 0 {
        return Err(PipelineError::Failed(format!(
            "{} of {} events of {} do not hold: see their verdicts; leave them out, or search again",
            result.fails,
            result.events,
            arguments.catalogue.display()
        ))
        .into());
    }
    Ok(())
}

fn describe(report: &BarrierReport) -> String {
    [
        distributions(report),
        relations(report),
        completeness(report),
        histogram(report),
    ]
    .join("\n")
}

/// One row a quantity: value and bootstrap error of mean and median, and the quantiles.
fn distributions(report: &BarrierReport) -> String {
    let header = [
        "quantity", "events", "mean", "std", "5 %", "25 %", "median", "75 %", "95 %",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let mut add = |name: String, events: Option<usize>, of: Option<&Distribution>| {
        let events = events.map_or(String::new(), |events| events.to_string());
        let Some(of) = of else {
            rows.push(vec![name, events, "none".to_owned()]);
            return;
        };
        let (q, e) = (&of.summary, &of.error);
        let plain = |value: f64| format!("{value:.3}");
        let with = |value: f64, error: f64| format!("{value:.3} +- {error:.3}");
        rows.push(vec![
            name,
            events,
            with(q.mean, e.mean),
            plain(q.std),
            with(q.q05, e.q05),
            with(q.q25, e.q25),
            with(q.median, e.median),
            with(q.q75, e.q75),
            with(q.q95, e.q95),
        ]);
    };
    let statistics = &report.statistics;
    let all = Some(statistics.distinct);
    add(
        "barrier [epsilon]".to_owned(),
        all,
        statistics.barrier.as_ref(),
    );
    for (class, part) in &statistics.classes {
        add(
            format!("  class {class}"),
            Some(part.distinct),
            part.barrier.as_ref(),
        );
    }
    for (species, part) in &report.species {
        add(
            format!("  species {species}"),
            Some(part.distinct),
            part.barrier.as_ref(),
        );
    }
    for (name, of) in [
        ("reverse barrier [epsilon]", &report.barrier_reverse),
        ("end state - minimum [epsilon]", &report.energy_difference),
        ("Omega_xy [sigma^3]", &statistics.activation_volume),
        ("participation [atoms]", &report.participation),
        ("largest displacement [sigma]", &report.largest_displacement),
        ("longest string [atoms]", &report.string_length),
        ("alignment saddle, end state", &report.orientation.alignment),
        ("log10 prefactor [1/tau]", &report.log10_prefactor_forward),
    ] {
        add(name.to_owned(), None, of.as_ref());
    }
    table(&rows)
}

fn relations(report: &BarrierReport) -> String {
    let percent = |share: Option<f64>| {
        share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
    };
    let coefficients = |c: Option<&Correlation>| {
        c.map_or("-".to_owned(), |c| {
            format!(
                "Pearson {:.3} +- {:.3}, Spearman {:.3} +- {:.3}",
                c.pearson, c.pearson_error, c.spearman, c.spearman_error
            )
        })
    };
    let rows = [
        (
            "end state lower than the minimum",
            percent(report.joint.downhill),
        ),
        (
            "helped by positive shear (Omega_xy > 0)",
            percent(report.activation_volume_positive),
        ),
        (
            "barrier and end-state energy",
            coefficients(report.joint.correlation.as_ref()),
        ),
        (
            "Omega_xy and orientation of the end-state dipole",
            coefficients(report.orientation.xy.as_ref()),
        ),
        (
            "  planes xy, xz, yz together",
            coefficients(report.orientation.pooled.as_ref()),
        ),
        (
            "Meyer-Neldel rule",
            meyer_neldel_text(report.statistics.meyer_neldel.as_ref()),
        ),
    ];
    pairs(&rows)
}

/// One column a window, and under the table what the numbers mean.
fn completeness(report: &BarrierReport) -> String {
    let windows = &report.completeness.windows;
    let number = |value: Option<f64>, decimals: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.decimals$}"))
    };
    let with = |value: Option<f64>, error: Option<f64>, decimals: usize| match (value, error) {
        (Some(value), Some(error)) => format!("{value:.decimals$} +- {error:.decimals$}"),
        (value, _) => number(value, decimals),
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, of: &dyn Fn(&WindowCompleteness) -> String| {
        let cells = windows.iter().map(of);
        rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
    };
    row("completeness", &|w| {
        w.window.map_or("all events".to_owned(), |edge| {
            format!("barrier < {edge:.3}")
        })
    });
    row("searches", &|w| w.searches.to_string());
    row("hits", &|w| w.hits.to_string());
    row("distinct events", &|w| w.distinct.to_string());
    row("found once, twice", &|w| format!("{}, {}", w.once, w.twice));
    row("coverage (Good-Turing)", &|w| {
        with(w.coverage, w.coverage_error, 3)
    });
    row("richness (Chao1)", &|w| with(w.chao1, w.chao1_error, 0));
    row("passes over all atoms", &|w| w.passes.to_string());
    row("richness (Chao2)", &|w| number(w.chao2, 0));
    row("evaluations per event", &|w| {
        number(w.evaluations_per_event, 0)
    });
    let mut text = table(&rows);
    for (name, meaning) in &report.completeness.meaning {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name}: {meaning}");
    }
    text
}

fn histogram(report: &BarrierReport) -> String {
    let histogram = &report.statistics.histogram;
    let mut lines = vec!["histogram of forward barriers (count +- bootstrap error):".to_owned()];
    let highest = histogram.counts.iter().max().copied().unwrap_or(0).max(1);
    for (k, count) in histogram.counts.iter().enumerate() {
        let (from, to) = (histogram.edges[k], histogram.edges[k + 1]);
        let length = if highest <= 60 {
            *count
        } else {
            (60 * count).div_ceil(highest)
        };
        let bar = "#".repeat(length as usize);
        let error = histogram.errors[k];
        lines.push(format!(
            "  {from:7.3} .. {to:7.3}  {count:5} +- {error:5.1}  {bar}"
        ));
    }
    lines.join("\n")
}
