//! Barriers under load and catalogues for other programs: `activation`, `export`.

use std::fmt::Write;

use anyhow::Result;
use metabasin_pipeline::{
    Activation as ActivationResult, ActivationRequest, LoadControl, PipelineError, Strain, Stress,
    activation_volumes, export_csv, export_extxyz, export_parquet, export_sqlite,
    write_activation_csv, write_text,
};
use metabasin_report::{LoadAxis, LoadedCurve, load_sheet_svg};
use serde::Serialize;

use crate::arguments::{Activation, Export, ExportFormat};
use crate::output::table;
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::inspect::placement;

/// `activation`.
pub fn activation(context: &mut Context, arguments: &Activation) -> Result<()> {
    let (plot, csv) = (arguments.plot.as_deref(), arguments.csv.as_deref());
    let mut outputs = Files::of(arguments.force)
        .reads_catalogue(&arguments.catalogue)
        .writes("--plot", plot, Format::Svg)
        .writes("--csv", csv, Format::Text)
        .tried()?;
    let control = arguments.stress.map_or_else(
        || LoadControl::Strain(Strain(arguments.strain)),
        |stress| LoadControl::Stress(Stress(stress)),
    );
    let (axis, to, tolerance) = match control {
        LoadControl::Strain(_) => (LoadAxis::Strain, 0.01, 1e-5),
        LoadControl::Stress(_) => (LoadAxis::Stress, 0.1, 1e-4),
    };
    let request = ActivationRequest {
        control,
        to: arguments.to.unwrap_or(to),
        steps: usize::from(arguments.steps),
        both_ways: arguments.both_ways,
        tolerance: arguments.tolerance.unwrap_or(tolerance),
        events: arguments.events,
        kernel: arguments.kernel.into(),
    };
    let result = activation_volumes(&arguments.catalogue, &request, (&context.watch, &INTERRUPT))?;
    outputs.write(context, "plot", plot, |path, mode| {
        write_text(path, &load_sheet_svg(&curves(&result), axis), mode)
    });
    outputs.write(context, "points", csv, |path, mode| {
        write_activation_csv(&result, path, mode)
    });
    context.output.result(&result, describe)?;
    Ok(outputs.finish()?)
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.6}"))
}

fn describe(result: &ActivationResult) -> String {
    let (load, barrier, slope) = if result.control == "stress" {
        (
            "stress added [epsilon/sigma^3]",
            "enthalpy barrier [epsilon]",
            "slope [sigma^3]",
        )
    } else {
        ("gamma", "barrier [epsilon]", "slope [epsilon]")
    };
    let header = ["event", load, barrier, slope, "Omega_xy [sigma^3]", "state"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for row in &result.rows {
        rows.push(vec![
            row.event.to_string(),
            format!("{:.5}", row.gamma),
            number(row.barrier),
            number(row.slope),
            number(row.omega_xy),
            row.state.clone(),
        ]);
    }
    let mut text = table(&rows);
    for way in &result.ways {
        let states: Vec<String> = way
            .states
            .iter()
            .map(|(state, count)| {
                let at_zero = way.states_at_zero.iter().find(|(name, _)| name == state);
                at_zero.map_or_else(
                    || format!("{count} {state}"),
                    |(_, zero)| format!("{count} {state} ({zero} of them at zero load)"),
                )
            })
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}: {}; the minimum {}",
            if way.way > 0 { "forward" } else { "backward" },
            states.join(", "),
            way.minimum_unstable.map_or_else(
                || "is stable to the end".to_owned(),
                |(last, _)| format!("becomes unstable at {last:.6}")
            )
        );
    }
    if result.ways.iter().any(|way| !way.states_at_zero.is_empty()) {
        text.push_str(if result.control == "stress" {
            "An event that ends at zero load is one only in a cell of fixed shape, as it was searched: \
             once the cell gives way, its saddle slides off into a minimum (saddle_vanished), leads \
             to another one (disconnected) or has another number of unstable modes (wrong_index); or it \
             could not be converged again from what is stored (not_rebuilt).\n"
        } else {
            "An event that ends at zero load could not be converged again from what is stored.\n"
        });
    }
    text
}

/// The curves that the figure draws, one an event and way.
fn curves(result: &ActivationResult) -> Vec<LoadedCurve> {
    result
        .ends
        .iter()
        .map(|end| {
            let points = || {
                result
                    .path
                    .iter()
                    .filter(|(event, way, _)| (*event, *way) == (end.event, end.way))
                    .map(|(_, _, point)| point)
            };
            LoadedCurve {
                barriers: points().map(|p| (p.gamma, p.barrier)).collect(),
                volumes: points()
                    .filter_map(|p| Some((p.gamma, p.omega_xy()?)))
                    .collect(),
                end: end
                    .extrapolated
                    .filter(|_| end.state == "barrier_vanished")
                    .or(end.first_without),
                fate: end.state.clone(),
            }
        })
        .collect()
}

/// What `export` prints.
#[derive(Serialize)]
struct Exported {
    file: String,
    events: usize,
}

/// `export`.
pub fn export(context: &mut Context, arguments: &Export) -> Result<()> {
    if arguments.wrapped && arguments.format != ExportFormat::Extxyz {
        return Err(PipelineError::BadInput(
            "--wrapped is for positions, which only --format extxyz holds: leave it out".to_owned(),
        )
        .into());
    }
    let format = match arguments.format {
        ExportFormat::Parquet => Format::Parquet,
        ExportFormat::Csv | ExportFormat::Extxyz | ExportFormat::Sqlite => Format::Text,
    };
    let outputs = Files::of(arguments.force)
        .reads_catalogue(&arguments.catalogue)
        .writes("--output", Some(&arguments.output), format)
        .tried()?;
    let mode = outputs.overwrite();
    let events = match arguments.format {
        ExportFormat::Csv => export_csv(&arguments.catalogue, &arguments.output, mode)?,
        ExportFormat::Parquet => export_parquet(&arguments.catalogue, &arguments.output, mode)?,
        ExportFormat::Extxyz => export_extxyz(
            &arguments.catalogue,
            &arguments.output,
            mode,
            placement(arguments.wrapped),
        )?,
        ExportFormat::Sqlite => export_sqlite(&arguments.catalogue, &arguments.output, mode)?,
    };
    let exported = Exported {
        file: arguments.output.display().to_string(),
        events,
    };
    context
        .output
        .result(&exported, |e| format!("{} events in {}", e.events, e.file))
}
