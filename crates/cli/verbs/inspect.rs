//! One structure, looked at: `energy`, `minimize`; one machine: `bench`.

use anyhow::Result;
use metabasin_pipeline::{Placement, Sample, StructureOutput, measure_speed, relax, single_point};

use crate::arguments::{Bench, Energy, Minimize};
use crate::output::table;
use crate::outputs::{Files, Format};
use crate::verbs::Context;

/// Atoms are put inside the cell by `--wrapped` alone.
pub fn placement(wrapped: bool) -> Placement {
    if wrapped {
        Placement::Wrapped
    } else {
        Placement::Unwrapped
    }
}

/// A table of names and values.
pub fn pairs(rows: &[(&str, String)]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(name, value)| vec![(*name).to_owned(), value.clone()])
        .collect();
    table(&rows)
}

/// Six components in one line.
fn six(components: [f64; 6]) -> String {
    let texts: Vec<String> = components
        .iter()
        .map(|value| format!("{value:.6}"))
        .collect();
    format!("{}  (xx yy zz xy xz yz)", texts.join(" "))
}

/// `energy`.
pub fn energy(context: &mut Context, arguments: &Energy) -> Result<()> {
    let forces = arguments.forces;
    let per_atom = arguments.per_atom.as_deref();
    let mut outputs = Files::of(arguments.force)
        .reads("FILE", &arguments.file)
        .writes("--per-atom", per_atom, Format::Text)
        .tried()?;
    let sample = Sample::read(&arguments.file, forces.cut)?;
    context.say_all(&sample.notes);
    let per_atom = per_atom.map(|path| (path, outputs.overwrite()));
    let (result, written) = single_point(&sample, forces.cut, forces.kernel.into(), per_atom)?;
    outputs.keep_if(written);
    context.output.result(&result, |r| {
        let temperature = r
            .temperature
            .map_or("no velocities".to_owned(), |t| format!("{t:.6}"));
        pairs(&[
            ("atoms", r.atoms.to_string()),
            ("cut", r.cut.to_string()),
            ("energy", format!("{:.10}", r.energy)),
            ("energy per atom", format!("{:.10}", r.energy_per_atom)),
            ("virial stress", six(r.virial_stress.0)),
            ("stress", six(r.stress.0)),
            ("pressure", format!("{:.6}", r.pressure)),
            ("largest force", format!("{:.3e}", r.max_force)),
            ("temperature", temperature),
            ("volume", format!("{:.6}", r.volume)),
            ("density", format!("{:.6}", r.density)),
        ])
    })?;
    Ok(outputs.finish()?)
}

/// `minimize`.
pub fn minimize(context: &mut Context, arguments: &Minimize) -> Result<()> {
    let forces = arguments.forces;
    let mut outputs = Files::of(arguments.force)
        .reads("FILE", &arguments.file)
        .writes("--output", Some(&arguments.output), Format::Structure)
        .tried()?;
    let sample = Sample::read(&arguments.file, forces.cut)?;
    context.say_all(&sample.notes);
    let (result, written) = relax(
        &sample,
        StructureOutput {
            path: &arguments.output,
            overwrite: outputs.overwrite(),
            placement: placement(arguments.wrapped),
        },
        (forces.cut, forces.kernel.into()),
        (arguments.method, arguments.force_tolerance),
        &crate::signals::INTERRUPT,
    )?;
    outputs.keep_if(written);
    context.output.result(&result, |r| {
        pairs(&[
            ("converged", r.converged.to_string()),
            ("method", r.method.clone()),
            ("energy", format!("{:.10}", r.energy)),
            ("energy per atom", format!("{:.10}", r.energy_per_atom)),
            ("largest force", format!("{:.3e}", r.max_force)),
            ("evaluations", r.evaluations.to_string()),
            ("iterations", r.iterations.to_string()),
            ("seconds", format!("{:.3}", r.seconds)),
            ("virial stress", six(r.stress.0)),
            ("largest move", format!("{:.4}", r.largest_move)),
        ])
    })?;
    Ok(outputs.finish()?)
}

/// `bench`.
pub fn bench(context: &mut Context, arguments: &Bench) -> Result<()> {
    let result = measure_speed(
        arguments.seconds,
        &context.watch,
        &crate::signals::INTERRUPT,
    )?;
    context.output.result(&result, |r| {
        let mut rows = vec![
            [
                "kernel",
                "precision",
                "threads",
                "atoms",
                "ensemble",
                "atom-steps/s",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        for line in &r.md {
            rows.push(vec![
                line.kernel.clone(),
                line.precision.clone(),
                line.threads.to_string(),
                line.atoms.to_string(),
                line.ensemble.clone(),
                format!("{:.3e}", line.atom_steps_per_second),
            ]);
        }
        let mut lines = vec![table(&rows)];
        for line in &r.force_evaluations {
            lines.push(format!(
                "force evaluations at {} atoms: {:.0}/s, Hessian-vector products {:.0}/s",
                line.atoms, line.evaluations_per_second, line.hessian_products_per_second
            ));
        }
        for line in &r.kmc {
            lines.push(format!(
                "KMC on {} sites, {} thread: {:.0} events/s",
                line.sites, line.threads, line.events_per_second
            ));
        }
        lines.join("\n")
    })
}
