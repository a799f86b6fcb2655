//! One structure, looked at: `energy`, `minimize`, `analyze`; one machine: `bench`.

use std::path::Path;

use anyhow::Result;
use metabasin_pipeline::{
    Displacements, PipelineError, Placement, Radii, Sample, StructureOutput, Thresholds,
    analyze as analyze_sample, measure_speed, relax, single_point,
};

use crate::arguments::{Analyze, Bench, Energy, Minimize};
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

/// The radii of the Voronoi cells.
fn radii_of(arguments: &Analyze) -> Result<Radii, PipelineError> {
    match &arguments.radii {
        Some(radii) if radii.len() != 2 => Err(PipelineError::BadInput(format!(
            "--radii takes two radii, of the large and the small atom, got {}: e.g. --radii \
                 0.5,0.4167",
            radii.len()
        ))),
        Some(radii) => {
            Radii::new(radii.clone()).map_err(|error| PipelineError::BadInput(error.to_string()))
        }
        None => Ok(Radii::half_sigma()),
    }
}

/// `analyze`.
pub fn analyze(context: &mut Context, arguments: &Analyze) -> Result<()> {
    let forces = arguments.forces;
    let per_atom = arguments.per_atom.as_deref();
    let mut files = Files::of(arguments.force).reads("FILE", &arguments.file);
    if let Some(reference) = &arguments.reference {
        files = files.reads("--reference", reference);
    }
    let mut outputs = files.writes("--per-atom", per_atom, Format::Text).tried()?;
    let sample = Sample::read(&arguments.file, forces.cut)?;
    context.say_all(&sample.notes);
    let radii = radii_of(arguments)?;
    let thresholds = Thresholds {
        edge: arguments.edge_threshold,
        ..Thresholds::default()
    };
    let read = |path: &Path| Sample::read(path, forces.cut).map(|sample| sample.configuration);
    let reference = arguments.reference.as_deref().map(read).transpose()?;
    let per_atom = per_atom.map(|path| (path, outputs.overwrite()));
    let (result, written) = analyze_sample(
        &sample,
        (forces.cut, forces.kernel.into()),
        (&radii, &thresholds),
        reference.as_ref(),
        per_atom,
    )?;
    if let Some(doubt) = result.displacement.as_ref().and_then(Displacements::doubt) {
        context.say(&doubt);
    }
    outputs.keep_if(written);
    context.output.result(&result, |r| {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let optional = |share: Option<f64>| share.map_or("none".to_owned(), percent);
        let network = &r.icosahedral;
        let mut rows = vec![
            ("atoms", r.atoms.to_string()),
            ("mean coordination", format!("{:.4}", r.coordination_mean)),
            ("icosahedral atoms", network.count.to_string()),
            (
                "  share of small atoms",
                optional(network.fraction_of_small),
            ),
            ("  share of all atoms", percent(network.fraction_of_all)),
            (
                "  largest cluster of centers",
                format!(
                    "{} atoms, percolates in {} directions",
                    network.largest_cluster_centers, network.winding_rank_centers
                ),
            ),
            (
                "  largest cluster with shells",
                format!(
                    "{} atoms, percolates in {} directions",
                    network.largest_cluster_with_shells, network.winding_rank_with_shells
                ),
            ),
            (
                "Laves-like large atoms",
                optional(r.laves_fraction_of_large),
            ),
            ("sum of Voronoi volumes", format!("{:.6}", r.volume_sum)),
        ];
        for (class, properties) in &r.classes {
            let name = if *class == "icosahedral" {
                "class icosahedral"
            } else {
                "class other"
            };
            rows.push((
                name,
                format!(
                    "{} atoms, energy per atom {:.6}, pressure {:.4}, shear stress xy {:.4}",
                    properties.atoms,
                    properties.energy_per_atom,
                    properties.stress.pressure(),
                    properties.stress.xy()
                ),
            ));
        }
        if let Some(moved) = &r.displacement {
            rows.push((
                "displacement",
                format!(
                    "mean square {:.6}, largest {:.4} (atom id {}), participation {:.1}",
                    moved.mean_square, moved.largest, moved.largest_id, moved.participation
                ),
            ));
            rows.push(("  beyond the strain", moved.strain.to_string()));
        }
        let mut frequent: Vec<_> = r.voronoi_index_histogram.iter().collect();
        frequent.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let mut lines = vec![
            pairs(&rows),
            "most frequent Voronoi indices n3,n4,n5,n6:".to_owned(),
        ];
        for (index, count) in frequent.into_iter().take(8) {
            lines.push(format!("  {index:<14} {count}"));
        }
        lines.join("\n")
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
