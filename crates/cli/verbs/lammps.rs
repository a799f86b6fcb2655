//! The same job for LAMMPS and back: `export-lammps`, `import-lammps`.

use anyhow::Result;
use metabasin_pipeline::config::load;
use metabasin_pipeline::{Existing, PipelineError, export_lammps, import_lammps};

use crate::arguments::{ExportLammps, ImportLammps};
use crate::outputs::Files;
use crate::verbs::Context;
use crate::verbs::runs::edits_with_seed;

/// `export-lammps`.
pub fn export(context: &mut Context, arguments: &ExportLammps) -> Result<()> {
    let edits = edits_with_seed(&arguments.edits, arguments.seed);
    let loaded = load(&arguments.config, &edits).map_err(PipelineError::Config)?;
    let outputs = Files::of(arguments.force)
        .reads_config(&loaded)
        .writes_folder("--output", &arguments.output)
        .tried()?;
    let exported = export_lammps(&loaded, &arguments.output, outputs.overwrite())?;
    for stage in &exported.left_out {
        context.say(&format!("{stage}: no stage of LAMMPS, left out"));
    }
    if exported.samples > 1 {
        context.say(&format!(
            "the job is for the first of {} samples: another needs a seed of its own, --seed N",
            exported.samples
        ));
    }
    context.output.result(&exported, |exported| {
        format!(
            "{}: {} trajectories of {} atoms; run it with\n  cd {} && lmp -in in.lammps",
            exported.script, exported.trajectories, exported.atoms, exported.folder
        )
    })
}

/// `import-lammps`.
pub fn import(context: &mut Context, arguments: &ImportLammps) -> Result<()> {
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    Files::of(arguments.force)
        .reads("the job", &arguments.job)
        .writes_run("--output", &arguments.output)
        .tried()?;
    let imported = import_lammps(&arguments.job, &arguments.output, existing)?;
    context.output.result(&imported, |imported| {
        format!(
            "{}: {} of {} trajectories are finished; `metabasin report {}` shows them",
            imported.run_dir, imported.finished, imported.trajectories, imported.run_dir
        )
    })
}
