//! What a catalogue says: `barriers`, `activation`, `export`.

use anyhow::Result;
use metabasin_pipeline::{
    ActivationRequest, BarrierRequest, Distribution, activation_volumes, barrier_statistics,
    export_csv, export_extxyz, write_text,
};
use metabasin_report::{Completeness, barrier_histogram_svg};
use serde::Serialize;

use crate::arguments::{Activation, Barriers, Export, ExportFormat};
use crate::output::table;
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::inspect::{overwrite, pairs};
use crate::verbs::rates::meyer_neldel_text;

fn quantiles(of: &Distribution) -> String {
    let (q, error) = (&of.summary, &of.error);
    format!(
        "mean {:.3} +- {:.3}, std {:.3}, quantiles 5 % {:.3}, 25 % {:.3}, median {:.3} +- {:.3}, \
         75 % {:.3}, 95 % {:.3}",
        q.mean, error.mean, q.std, q.q05, q.q25, q.median, error.median, q.q75, q.q95
    )
}

/// `barriers`.
pub fn barriers(context: &mut Context, arguments: &Barriers) -> Result<()> {
    let request = BarrierRequest {
        below: arguments.below,
        bins: usize::from(arguments.bins),
        seed: arguments.seed,
    };
    let (statistics, events) = barrier_statistics(&arguments.catalogue, &request)?;
    if let Some(plot) = &arguments.plot {
        let completeness = Completeness {
            coverage: statistics.coverage,
            chao1: statistics.chao1,
            window: arguments.below,
        };
        let svg = barrier_histogram_svg(&events, completeness);
        write_text(plot, &svg, overwrite(arguments.force))?;
        context.say(&format!("plot: {}", plot.display()));
    }
    context.output.result(&statistics, |s| {
        let optional = |q: Option<&Distribution>| q.map_or("none".to_owned(), quantiles);
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
        let mut rows = vec![
            ("verified hits", s.events.to_string()),
            ("distinct events", s.distinct.to_string()),
            ("coverage (Good-Turing)", number(s.coverage)),
            ("richness (Chao1, lower bound)", number(s.chao1)),
            ("barrier [epsilon]", optional(s.barrier.as_ref())),
            ("Omega_xy [sigma^3]", optional(s.activation_volume.as_ref())),
            (
                "Meyer-Neldel rule",
                meyer_neldel_text(s.meyer_neldel.as_ref()),
            ),
        ];
        let classes: Vec<(String, String)> = s
            .classes
            .iter()
            .map(|(class, part)| {
                let text = part
                    .barrier
                    .as_ref()
                    .map_or("no events".to_owned(), quantiles);
                (
                    format!("class {class}"),
                    format!("{} events, barrier {text}", part.distinct),
                )
            })
            .collect();
        rows.extend(
            classes
                .iter()
                .map(|(name, text)| (name.as_str(), text.clone())),
        );
        let mut lines = vec![pairs(&rows), "histogram of forward barriers:".to_owned()];
        for (k, count) in s.histogram.counts.iter().enumerate() {
            let (from, to) = (s.histogram.edges[k], s.histogram.edges[k + 1]);
            let bar = "#".repeat((*count as usize).min(60));
            lines.push(format!("  {from:7.3} .. {to:7.3}  {count:5}  {bar}"));
        }
        lines.join("\n")
    })
}

/// `activation`.
pub fn activation(context: &mut Context, arguments: &Activation) -> Result<()> {
    let request = ActivationRequest {
        strain: arguments.strain,
        steps: usize::from(arguments.steps),
        events: arguments.events,
        kernel: arguments.kernel.into(),
    };
    let result = activation_volumes(&arguments.catalogue, &request, (&context.watch, &INTERRUPT))?;
    context.output.result(&result, |r| {
        let header = [
            "event",
            "gamma",
            "barrier [epsilon]",
            "Omega_xy [sigma^3]",
            "state",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for row in &r.rows {
            let number =
                |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.6}"));
            rows.push(vec![
                row.event.to_string(),
                format!("{:.5}", row.gamma),
                number(row.barrier),
                number(row.omega_xy),
                row.state.clone(),
            ]);
        }
        table(&rows)
    })
}

/// What `export` prints.
#[derive(Serialize)]
struct Exported {
    file: String,
    events: usize,
}

/// `export`.
pub fn export(context: &mut Context, arguments: &Export) -> Result<()> {
    let mode = overwrite(arguments.force);
    let events = match arguments.format {
        ExportFormat::Csv => export_csv(&arguments.catalogue, &arguments.output, mode)?,
        ExportFormat::Extxyz => export_extxyz(&arguments.catalogue, &arguments.output, mode)?,
    };
    let exported = Exported {
        file: arguments.output.display().to_string(),
        events,
    };
    context
        .output
        .result(&exported, |e| format!("{} events in {}", e.events, e.file))
}
