//! What a LAMMPS job left, as a run directory that `report` and `compare` read.

use std::path::Path;

use metabasin_atoms::Stress;
use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_files::{KeyValue, Overwrite, SeriesWriter, StageState, read_with_notes};
use metabasin_md::analysis::{block_error, zero_stress_root};
use serde::Serialize;

use super::{CONFIG, MEAN, NOW, REFERENCE, START, folder, trajectories};
use crate::config::{LoadedConfig, RunConfig, Stage, load_text};
use crate::finished_run::FinishedRun;
use crate::finished_trajectories::FinishedTrajectories;
use crate::inherent_states::{quench, quench_cut};
use crate::replicas::config_of;
use crate::run_directory::{Existing, RunDirectory};
use crate::sample::force_field;
use crate::stage::write_results;
use crate::stages::branches::{branches, shear_stage};
use crate::stages::compare::findings;
use crate::stages::equilibrate::ReferenceResults;
use crate::stages::start::{StartResults, integration, prepare_settings};
use crate::stages::unload::UnloadResult;
use crate::structure_file::write_structure;
use crate::trajectory::frame_header;
use crate::{PipelineError, Silent};

/// What an import found.
#[derive(Clone, Debug, Serialize)]
pub struct LammpsImport {
    /// The run directory.
    pub run_dir: String,
    /// Trajectories that the job has.
    pub trajectories: usize,
    /// Those that came to their end.
    pub finished: usize,
}

/// A table of `fix ave/time`, one row a frame.
struct Table {
    steps: Vec<u64>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    /// Reads a table with so many columns after the step; a last line that was cut off is left out.
    fn read(path: &Path, columns: usize) -> Result<Self, PipelineError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| PipelineError::in_file(path, format!("cannot be read: {error}")))?;
        let mut table = Self {
            steps: Vec::new(),
            rows: Vec::new(),
        };
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if line.starts_with('#') || !line.ends_with('\n') {
                continue;
            }
            let mut words = line.split_whitespace();
            let step = words.next().and_then(|word| word.parse().ok());
            let row: Option<Vec<f64>> = words.map(|word| word.parse().ok()).collect();
            let (Some(step), Some(row)) = (step, row.filter(|row| row.len() == columns)) else {
                return Err(PipelineError::in_file(
                    path,
                    format!(
                        "line {}: expected a step and {columns} numbers, as the exported script \
                         writes them",
                        number + 1
                    ),
                ));
            };
            table.steps.push(step);
            table.rows.push(row);
        }
        Ok(table)
    }

    fn column(&self, name: &str) -> Vec<f64> {
        let k = MEAN.iter().position(|known| *known == name).unwrap_or(0);
        self.rows.iter().map(|row| row[k]).collect()
    }
}

/// What LAMMPS left of one trajectory.
struct Trajectory {
    now: Table,
    mean: Table,
}

impl Trajectory {
    fn read(folder: &Path, name: &str) -> Result<Option<Self>, PipelineError> {
        let path = |suffix: &str| folder.join(format!("{name}.{suffix}"));
        if !path("now").exists() || !path("mean").exists() {
            return Ok(None);
        }
        Ok(Some(Self {
            now: Table::read(&path("now"), NOW.len())?,
            mean: Table::read(&path("mean"), MEAN.len())?,
        }))
    }

    /// Writes our own series: the moment's values, then means over the interval that ends there.
    fn write(&self, path: &Path, config: &RunConfig, atoms: usize) -> Result<(), PipelineError> {
        let header = frame_header("by LAMMPS; its conserved quantity was not written");
        let mut series = SeriesWriter::create(path, &header, Overwrite::Allow)?;
        // Kinetic energy of 3N − 3 degrees of freedom, per atom and kT.
        let pressure = integration(config, 1.0).barostat.pressure();
        let kinetic = 1.5 * (atoms as f64 - 1.0) / atoms as f64;
        for (step, now) in self.now.steps.iter().zip(&self.now.rows) {
            let moment = [&now[..3], &now[4..5], &now[6..]].concat();
            let mean = match self.mean.steps.binary_search(step) {
                Ok(k) => self.mean.rows[k].clone(),
                // The start has no interval before it.
                Err(_) if *step == 0 => moment,
                Err(_) => continue,
            };
            let time = *step as f64 * config.time_step.tau();
            let mut values = vec![time, time * SECONDS_PER_TAU];
            values.extend(&now[..6]);
            values.push(f64::NAN);
            values.extend(&mean[..3]);
            values.push(mean[2] + kinetic * mean[1] + pressure * mean[3] / atoms as f64);
            values.extend(&mean[3..]);
            series.append(*step, &values)?;
        }
        series.flush()?;
        Ok(())
    }

    fn last_step(&self) -> u64 {
        self.mean.steps.last().copied().unwrap_or(0)
    }
}

/// Steps that a trajectory must reach to count as finished: all but what the script leaves over.
fn steps(config: &RunConfig, stage: &Stage, name: &str) -> Result<u64, PipelineError> {
    let whole = |duration: f64| {
        let integration = integration(config, duration);
        let steps = (duration / integration.time_step - 1e-9).ceil() as u64;
        steps - steps % integration.frame_interval
    };
    let strain = || shear_stage(config).map(|shear| shear.strain);
    let loading = || {
        let shear = shear_stage(config)?;
        let all = branches(shear);
        let branch = all.iter().find(|branch| branch.name() == name);
        Ok::<f64, PipelineError>(branch.map_or(0.0, |one| shear.strain / one.rate.per_tau()))
    };
    Ok(match stage {
        Stage::Prepare(prepare) => {
            let settings = prepare_settings(config, prepare);
            let ramp = (settings.cool_from - settings.cool_to) / settings.cooling_rate;
            let steps = (ramp / settings.integration.time_step - 1e-9).ceil() as u64;
            steps - steps % settings.integration.frame_interval
        }
        Stage::Equilibrate(hold) => whole(hold.duration.tau()),
        Stage::Shear(_) | Stage::Recover(_) => whole(loading()?),
        // The script goes beyond zero by a good part of the strain.
        Stage::Unload(unload) => whole(1.3 * strain()? / unload.unload_rate.per_tau()),
        Stage::Relax(relax) => whole(crate::stages::relax::duration(config, relax)?),
        _ => 0,
    })
}

/// Reads the folder of an exported job after LAMMPS has run in it, as far as it came, and writes a
/// run directory with its series, residual strains and findings.
///
/// # Errors
/// Bad input where the folder holds no export of ours or files that are not as its script writes
/// them, or where the run directory is taken.
pub fn import_lammps(
    job: &Path,
    output: &Path,
    existing: Existing,
) -> Result<LammpsImport, PipelineError> {
    let path = job.join(CONFIG);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        PipelineError::in_file(
            &path,
            format!("{error}: name the folder that `metabasin export-lammps` wrote and lmp ran in"),
        )
    })?;
    let mut loaded = load_text(&text, &path, &[])?;
    if loaded.config.replicas > 1 {
        // A job is of one sample.
        loaded = config_of(&loaded, 1)?;
    }
    let config = &loaded.config;
    let atoms = read_with_notes(&job.join(START))?.configuration.len();
    let mut run = RunDirectory::open(output, "import-lammps", &loaded, "lammps", existing)?;
    let (mut all, mut done) = (0, 0);
    for (k, stage) in config.stages.iter().enumerate() {
        let names = trajectories(config, stage);
        let mut ended = 0;
        let work = |_: &RunDirectory, folders: &[std::path::PathBuf], _: &[_]| {
            let source = job.join(folder(k, stage));
            let finished = FinishedTrajectories::open(&folders[0])?;
            for name in &names {
                let Some(found) = Trajectory::read(&source, name)? else {
                    continue;
                };
                let series = folders[0].join("series").join(format!("{name}.csv"));
                found.write(&series, config, atoms)?;
                if found.last_step() >= steps(config, stage, name)? {
                    finished.add(name)?;
                    ended += 1;
                }
            }
            results(&loaded, job, (k, stage), &folders[0], atoms)
        };
        run.run_stages(k..k + 1, &Silent, work)?;
        all += names.len();
        done += ended;
        let needed = matches!(stage, Stage::FromSample(_) | Stage::Compare(_));
        let left_out = names.is_empty() && !needed;
        if ended < names.len() || left_out {
            run.note(k, StageState::Interrupted, 0.0)?;
        }
    }
    if all == done {
        run.finish()?;
    }
    findings(&FinishedRun::open(output)?)?.write(output)?;
    Ok(LammpsImport {
        run_dir: output.display().to_string(),
        trajectories: all,
        finished: done,
    })
}

/// What a stage of ours would have left beside its series.
fn results(
    loaded: &LoadedConfig,
    job: &Path,
    (k, stage): (usize, &Stage),
    target: &Path,
    atoms: usize,
) -> Result<(), PipelineError> {
    let config = &loaded.config;
    let temperature = match config.stages.first() {
        Some(Stage::FromSample(from)) => from.temperature.reduced(),
        Some(Stage::Prepare(prepare)) => prepare_settings(config, prepare)
            .sample_temperature
            .unwrap_or_default(),
        _ => 0.0,
    };
    match stage {
        Stage::Prepare(_) | Stage::FromSample(_) => write_results(
            target,
            &StartResults {
                origin: format!("{atoms} atoms, by LAMMPS"),
                temperature,
                notes: vec![format!("imported from {}", job.display())],
                ..StartResults::default()
            },
        ),
        Stage::Equilibrate(_) if job.join(REFERENCE).exists() => {
            let source = job.join(folder(k, stage));
            let Some(found) = Trajectory::read(&source, "equilibrate")? else {
                return Ok(());
            };
            match reference(config, job, &found, temperature, target)? {
                Some(results) => write_results(target, &results),
                None => Ok(()),
            }
        }
        Stage::Unload(_) => write_results(target, &residuals(config, job)?),
        _ => Ok(()),
    }
}

/// The reference state: means over all but the first quarter, and one quench of the mean cell.
fn reference(
    config: &RunConfig,
    job: &Path,
    found: &Trajectory,
    temperature: f64,
    target: &Path,
) -> Result<Option<ReferenceResults>, PipelineError> {
    let sample = read_with_notes(&job.join(REFERENCE))?.configuration;
    let settling = found.mean.rows.len().div_ceil(4);
    let settled = |name: &str| found.mean.column(name)[settling..].to_vec();
    let strains = settled("gamma");
    let halves = strains.split_at(strains.len() / 2);
    let (Some(volume), Some(first), Some(second)) = (
        block_error(&settled("vol")),
        block_error(halves.0),
        block_error(halves.1),
    ) else {
        return Ok(None);
    };
    let drift = second.minus(first);
    let mean = |name: &str| {
        let values = settled(name);
        values.iter().sum::<f64>() / values.len() as f64
    };
    let stress_md = Stress(["sxx", "syy", "szz", "sxy", "sxz", "syz"].map(mean));
    let (state, _) = quench(&sample, &force_field(quench_cut(config.cut), config.kernel))?;
    write_structure(
        &target.join("structures/reference.extxyz"),
        Overwrite::Allow,
        &sample,
        &[("temperature", KeyValue::Real(temperature))],
    )?;
    let diagonal = |stress: Stress| stress.trace() / 3.0;
    Ok(Some(ReferenceResults {
        temperature,
        atoms: sample.len(),
        volume,
        strain_drift: drift,
        stationary: drift.mean.abs() < 3.0 * drift.error,
        stress_md,
        stress_inherent: Some(state.stress),
        stress_thermal: Some(Stress::isotropic(
            diagonal(state.stress) - diagonal(stress_md),
        )),
        stress_thermal_error: None,
        quenches: 1,
        inherent_energy_per_atom: Some(state.energy_per_atom),
        icosahedral_fraction_of_small: state.icosahedral_fraction_of_small,
        icosahedral_largest_cluster: Some(state.largest_cluster),
        crystallization: state.laves.warning("the reference state by LAMMPS"),
    }))
}

/// Residual strains by our own fit to the unloading curves.
fn residuals(config: &RunConfig, job: &Path) -> Result<Vec<UnloadResult>, PipelineError> {
    let of = |name: &str| {
        let stages = config.stages.iter().enumerate();
        let found = stages
            .into_iter()
            .find(|(_, stage)| stage.name() == name)
            .map(|(k, stage)| job.join(folder(k, stage)));
        found.unwrap_or_default()
    };
    let (loading, unloading) = (of("shear"), of("unload"));
    let mut results = Vec::new();
    for branch in branches(shear_stage(config)?) {
        let name = branch.name();
        let loaded = Trajectory::read(&loading, &name)?;
        let unloaded = Trajectory::read(&unloading, &name)?;
        let Some((loaded, unloaded)) = loaded.zip(unloaded) else {
            continue;
        };
        let stresses = loaded.mean.column("sxy");
        let width = (stresses.len() / 20).max(1);
        let largest = stresses
            .windows(width)
            .map(|window| (window.iter().sum::<f64>() / width as f64).abs())
            .fold(0.0, f64::max);
        let (strain, stress) = (unloaded.mean.column("gamma"), unloaded.mean.column("sxy"));
        let residual = zero_stress_root(&strain, &stress, largest);
        results.push(UnloadResult {
            rate_per_second: branch.rate.per_second(),
            pair: branch.pair,
            sign: branch.sign,
            complete: residual.as_ref().is_some_and(|root| root.covered),
            residual,
        });
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_averages_is_read_and_a_torn_line_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.mean");
        let head = "# Time-averaged data for fix mean\n# TimeStep v_a v_b\n";
        std::fs::write(&path, format!("{head}0 1.5 -2e-3\n20 2.5 1\n40 3.")).unwrap();
        let table = Table::read(&path, 2).unwrap();
        assert_eq!(table.steps, [0, 20]);
        assert_eq!(table.rows[0], [1.5, -2e-3]);
        std::fs::write(&path, format!("{head}0 1.5\n")).unwrap();
        let error = Table::read(&path, 2).err().unwrap().to_string();
        assert!(
            error.contains("line 3") && error.contains("2 numbers"),
            "{error}"
        );
    }
}
