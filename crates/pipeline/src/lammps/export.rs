//! A folder with everything that LAMMPS needs for the job of a config.

use std::path::{Path, PathBuf};

use metabasin_atoms::{Configuration, Purpose, random_stream};
use metabasin_files::{FilesError, Overwrite, write_lammps_data};
use metabasin_md::initial_liquid;
use nalgebra::Vector3;
use serde::Serialize;

use super::script::{SETTINGS, Script, measure, potential};
use super::{CONFIG, SCRIPT, START, folder, trajectories};
use crate::PipelineError;
use crate::config::{LoadedConfig, PrepareStage, RunConfig, Stage};
use crate::replicas::config_of;
use crate::stages::start::prepare_settings;
use crate::structure_file::write_text;

/// What an export wrote.
#[derive(Clone, Debug, Serialize)]
pub struct LammpsExport {
    /// The folder.
    pub folder: String,
    /// The script in it.
    pub script: String,
    /// Atoms of the sample.
    pub atoms: usize,
    /// Trajectories that the script runs.
    pub trajectories: usize,
    /// Samples of the config: the job is for the first of them.
    pub samples: usize,
    /// Stages of the config that LAMMPS has no counterpart of, left out.
    pub left_out: Vec<String>,
}

/// Writes the MD stages of a config as a LAMMPS job into a folder: of its first sample, where the
/// config has several.
///
/// # Errors
/// Bad input where the config has no MD to export, where its temperature is to be measured on the
/// way (LAMMPS cannot), or where the folder holds an export already and may not be overwritten.
pub fn export_lammps(
    loaded: &LoadedConfig,
    output: &Path,
    overwrite: Overwrite,
) -> Result<LammpsExport, PipelineError> {
    let samples = loaded.config.replicas;
    let first = (samples > 1).then(|| config_of(loaded, 1)).transpose()?;
    let loaded = first.as_ref().unwrap_or(loaded);
    let config = &loaded.config;
    let (start, temperature) = begin(config)?;
    let script = Script::new(config, temperature)?.write()?;
    let mut all = 0;
    let mut left_out = Vec::new();
    let create = |folder: PathBuf| {
        std::fs::create_dir_all(&folder).map_err(|source| FilesError::Write {
            path: folder,
            source,
        })
    };
    let job = output.join(SCRIPT);
    if overwrite == Overwrite::Refuse && job.exists() {
        return Err(FilesError::Exists { path: job }.into());
    }
    create(output.to_owned())?;
    write_text(&output.join(CONFIG), &loaded.text, Overwrite::Allow)?;
    write_text(&output.join("settings.lammps"), SETTINGS, Overwrite::Allow)?;
    write_text(
        &output.join("potential.lammps"),
        &potential(config, start.masses.len()),
        Overwrite::Allow,
    )?;
    write_text(&output.join("measure.lammps"), &measure(), Overwrite::Allow)?;
    write_lammps_data(&output.join(START), &start, Overwrite::Allow)?;
    for (k, stage) in config.stages.iter().enumerate() {
        let names = trajectories(config, stage);
        all += names.len();
        if !names.is_empty() {
            create(output.join(folder(k, stage)))?;
        } else if !matches!(stage, Stage::FromSample(_) | Stage::Compare(_)) {
            left_out.push(stage.name().to_owned());
        }
    }
    // Last: where it is, all that it reads is.
    write_text(&job, &script, overwrite)?;
    Ok(LammpsExport {
        folder: output.display().to_string(),
        script: output.join(SCRIPT).display().to_string(),
        atoms: start.len(),
        trajectories: all,
        samples,
        left_out,
    })
}

/// The structure to begin with, at rest as a whole, and the temperature of the experiments.
fn begin(config: &RunConfig) -> Result<(Configuration, f64), PipelineError> {
    let (mut start, temperature) = match config.stages.first() {
        Some(Stage::Prepare(prepare)) => (melt(config, prepare)?, prepared_at(config, prepare)?),
        Some(Stage::FromSample(from)) => {
            let path = config.sample.as_deref().ok_or_else(|| {
                PipelineError::BadInput("the config names no sample: --set sample=FILE".to_owned())
            })?;
            let mut sample = crate::sample::Sample::read(path, config.cut)?.configuration;
            let temperature = from.temperature.reduced();
            if sample.velocities.is_none() {
                let purpose = Purpose::InitialVelocities;
                sample.draw_velocities(temperature, &mut random_stream(config.seed, purpose, 1, 0));
            }
            (sample, temperature)
        }
        _ => {
            return Err(PipelineError::BadInput(
                "nothing to export: the config does not begin with 'Prepare' or 'FromSample'"
                    .to_owned(),
            ));
        }
    };
    at_rest(&mut start);
    // Beyond one half older versions of LAMMPS refuse a tilt; the lattice is the same.
    start.cell = start.cell.with_small_tilts().0;
    Ok((start, temperature))
}

fn melt(config: &RunConfig, prepare: &PrepareStage) -> Result<Configuration, PipelineError> {
    let settings = prepare_settings(config, prepare);
    if settings.hold.is_some() || settings.swap.is_some() {
        return Err(PipelineError::BadInput(
            "stages[0]: holds and swaps on the way have no counterpart in the export: prepare the \
             sample with metabasin, then export a config with FromSample"
                .to_owned(),
        ));
    }
    initial_liquid(
        settings.atoms,
        settings.density,
        settings.melt_temperature,
        config.seed,
        1,
    )
    .map_err(|error| PipelineError::BadInput(error.to_string()))
}

fn prepared_at(config: &RunConfig, prepare: &PrepareStage) -> Result<f64, PipelineError> {
    prepare_settings(config, prepare)
        .sample_temperature
        .ok_or_else(|| {
            PipelineError::BadInput(format!(
                "stages[0].temperature: LAMMPS cannot find T_f while it cools {} atoms: say the \
                 temperature, e.g. --set stages[0].temperature=Reduced(0.28)",
                prepare.atoms
            ))
        })
}

/// Takes the motion of the center of mass out, as a simulation does that starts from it.
fn at_rest(configuration: &mut Configuration) {
    let masses: Vec<f64> = (0..configuration.len())
        .map(|i| configuration.mass(i))
        .collect();
    if let Some(velocities) = &mut configuration.velocities {
        let total: f64 = masses.iter().sum();
        let momentum: Vector3<f64> = masses.iter().zip(&*velocities).map(|(m, v)| v * *m).sum();
        for velocity in velocities {
            *velocity -= momentum / total;
        }
    }
}
