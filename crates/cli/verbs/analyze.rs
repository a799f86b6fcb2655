//! The structure of a glass and the motion between two: `analyze`.

mod drawing;
mod page;
mod rows;

use std::path::Path;

use anyhow::Result;
use metabasin_pipeline::{
    AnalysisRequest, Analyzed, EarlierStructure, PipelineError, Radii, Sample, StructureAnalysis,
    Thresholds, analyze as analyze_sample, write_text,
};
use metabasin_report::{AtomView, ReportError, panels_svg};

use crate::arguments::Analyze;
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::atom_view::{atom_view, file_name};
use crate::verbs::inspect::pairs;
use drawing::figures;
use page::{page, subtitle};
use rows::{motion_rows, structure_rows};

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
    let mut files = Files::of(arguments.force).reads("FILE", &arguments.file);
    if let Some(reference) = &arguments.reference {
        files = files.reads("--reference", reference);
    }
    let (plot, report) = (arguments.plot.as_deref(), arguments.report.as_deref());
    let view = arguments.view.as_deref();
    let (per_atom, lines) = (
        arguments.per_atom.as_deref(),
        arguments.disclinations.as_deref(),
    );
    let mut outputs = files
        .writes("--per-atom", per_atom, Format::Text)
        .writes("--disclinations", lines, Format::Disclinations)
        .writes("--plot", plot, Format::Svg)
        .writes("--report", report, Format::Html)
        .writes("--view", view, Format::Html)
        .tried()?;
    let sample = Sample::read(&arguments.file, forces.cut)?;
    context.say_all(&sample.notes);
    let radii = radii_of(arguments)?;
    let thresholds = Thresholds {
        edge: arguments.edge_threshold,
        ..Thresholds::default()
    };
    let read = |path: &Path| Sample::read(path, forces.cut).map(|sample| sample.configuration);
    let reference = arguments.reference.as_deref().map(read).transpose()?;
    let request = AnalysisRequest {
        forces: (forces.cut, forces.kernel.into()),
        radii: &radii,
        thresholds: &thresholds,
        shear_modulus: arguments.shear_modulus,
        moduli: arguments.moduli,
        reference: reference.as_ref().map(|configuration| EarlierStructure {
            configuration,
            mover_threshold: arguments.movers,
            d2min_cutoff: arguments.d2min_cutoff,
            tail: arguments.tail,
        }),
        per_atom,
        disclinations: lines,
        picture: report.is_some() || view.is_some(),
        overwrite: outputs.overwrite(),
    };
    let Analyzed {
        analysis: result,
        picture,
        written,
    } = analyze_sample(&sample, &request, &INTERRUPT)?;
    let moved = result.displacement.as_ref();
    let doubt = moved.and_then(|moved| moved.displacements.doubt());
    if let Some(doubt) = &doubt {
        context.say(doubt);
    }
    outputs.keep_if(written);
    outputs.write(context, "plot", plot, |path, mode| {
        let panels: Vec<_> = figures(&result).into_iter().map(|f| f.plot).collect();
        write_text(path, &panels_svg(&panels, 2), mode)
    });
    let notes: Vec<String> = sample.notes.iter().cloned().chain(doubt).collect();
    let movers = result.displacement.as_ref().map(|_| arguments.movers);
    let atoms = picture.map(|picture| AtomView {
        title: file_name(&arguments.file),
        subtitle: subtitle(arguments, result.atoms),
        caveats: notes.clone(),
        ..atom_view(picture, movers)
    });
    let failed = |error: ReportError| PipelineError::Failed(error.to_string());
    if let Some(atoms) = &atoms {
        outputs.write(context, "view", view, |path, mode| {
            write_text(path, &atoms.to_html().map_err(failed)?, mode)
        });
    }
    outputs.write(context, "report", report, |path, mode| {
        let html = page(arguments, &result, notes, atoms).to_html();
        write_text(path, &html.map_err(failed)?, mode)
    });
    context.output.result(&result, |r| {
        let mut rows = structure_rows(r);
        rows.extend(r.displacement.iter().flat_map(motion_rows));
        [
            pairs(&rows),
            "most frequent Voronoi indices n3,n4,n5,n6:".to_owned(),
            indices(r),
        ]
        .join("\n")
    })?;
    Ok(outputs.finish()?)
}

/// The most frequent Voronoi indices, a line each.
fn indices(analysis: &StructureAnalysis) -> String {
    let mut frequent: Vec<_> = analysis.voronoi_index_histogram.iter().collect();
    frequent.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let line = |(index, count): (&String, &usize)| format!("  {index:<14} {count}");
    let lines: Vec<String> = frequent.into_iter().take(8).map(line).collect();
    lines.join("\n")
}
