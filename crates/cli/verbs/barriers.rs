//! Barriers under load and catalogues for other programs: `activation`, `export`.

use anyhow::Result;
use metabasin_pipeline::{ActivationRequest, activation_volumes, export_csv, export_extxyz};
use serde::Serialize;

use crate::arguments::{Activation, Export, ExportFormat};
use crate::output::table;
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::inspect::overwrite;

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
