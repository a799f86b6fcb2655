//! How much memory work takes, before it is begun: measured on glasses, counted for lattices.

use std::path::Path;

use metabasin_catalogue::Catalogue;
use metabasin_eshelby::{KmcSettings, Population};
use serde::Serialize;

use crate::PipelineError;
use crate::config::{ConfigErrors, KmcStage, LoadedConfig, RunConfig, Stage};
use crate::estimate::atoms_of;
use crate::machine_memory::{available, refusal, require};
use crate::stages::branches::{branches, shear_stage};

/// What one stage takes at most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageMemory {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub bytes: f64,
}

/// Bytes of the program itself.
const PROGRAM: f64 = 20e6;
/// Bytes an atom of a structure in memory, with what is read of it and its energy and forces.
const STRUCTURE: f64 = 2000.0;
/// Bytes an atom of a trajectory of molecular dynamics: neighbors, and the text of a checkpoint.
const TRAJECTORY: f64 = 3000.0;
/// Bytes an atom of a minimization or a quench, analysis included.
const QUENCH: f64 = 8000.0;
/// Bytes an atom that all searches share, and of each that runs: Hessian in blocks, factor, vectors.
const SEARCHER: f64 = 12_000.0;
const SEARCH: f64 = 25_000.0;
/// Bytes an atom of the tessellation of a structure.
const TESSELLATION: f64 = 1000.0;
/// Bytes an atom of a visited minimum that is kept, and of the field that others are compared with.
const VISITED: f64 = 28.0;
const FIELD: f64 = 24.0;
/// Dense Hessians at once, where an index or a prefactor needs one.
const DENSE: f64 = 3.0;
/// Atoms around the core of an event that vibrate in a prefactor.
const REGION: f64 = 600.0;
/// Excitations in the volume of a site (10 sigma^3), where no catalogue tells yet.
const EXCITATIONS_PER_VOLUME: f64 = 0.5;

/// Bytes of a dense matrix over all coordinates of so many atoms.
fn dense(atoms: f64) -> f64 {
    DENSE * 8.0 * (3.0 * atoms).powi(2)
}

/// Bytes that one structure takes with its energy and forces.
pub(crate) fn of_structure(atoms: usize) -> f64 {
    PROGRAM + STRUCTURE * atoms as f64
}

/// Bytes that a minimization takes.
pub(crate) fn of_minimization(atoms: usize) -> f64 {
    PROGRAM + (STRUCTURE + QUENCH) * atoms as f64
}

/// Bytes that a structure takes with its tessellation.
pub(crate) fn of_analysis(atoms: usize) -> f64 {
    PROGRAM + (STRUCTURE + TESSELLATION) * atoms as f64
}

/// Bytes that so many searches at once take; of samples up to `dense_up_to` atoms with a dense Hessian.
pub(crate) fn of_searches(atoms: usize, running: usize, dense_up_to: usize) -> f64 {
    let (number, running) = (atoms as f64, running as f64);
    let matrix = if atoms <= dense_up_to {
        dense(number)
    } else {
        dense(number.min(REGION))
    };
    PROGRAM + SEARCHER * number + running * (SEARCH * number + matrix)
}

/// Bytes that prefactors of the full cell take, so many at once.
pub(crate) fn of_full_prefactors(atoms: usize, running: usize) -> f64 {
    of_searches(atoms, running, usize::MAX)
}

/// Bytes that so many trajectories at once take.
pub(crate) fn of_trajectories(atoms: usize, running: usize) -> f64 {
    let each = TRAJECTORY + QUENCH;
    PROGRAM + (STRUCTURE + running as f64 * each) * atoms as f64
}

/// Bytes that the minima of trajectories take, so many quenches each, if no two are the same; the whole
/// fields of those that run, and what is kept.
pub(crate) fn of_visited_minima(
    atoms: usize,
    (trajectories, quenches): (u64, u64),
    running: usize,
) -> f64 {
    let (all, running) = (trajectories as f64, running as f64);
    let each = all * VISITED + running.min(all) * FIELD;
    of_trajectories(atoms, running as usize) + each * quenches as f64 * atoms as f64
}

/// Refuses work on a structure that takes more memory than there is.
///
/// # Errors
/// Bad input with both numbers.
pub(crate) fn require_for(
    verb: &str,
    atoms: usize,
    bytes: f64,
    remedy: &str,
) -> Result<(), PipelineError> {
    require(&format!("{verb}: a sample of {atoms} atoms"), bytes, remedy)
}

/// What to do where searches do not fit.
pub(crate) const FEWER_THREADS: &str = "take fewer threads (--threads N) or a smaller sample";

/// The file that a config draws events from, where it makes none itself.
pub(crate) fn catalogue_of(config: &RunConfig) -> Option<&Path> {
    let has = |name: &str| config.stages.iter().any(|stage| stage.name() == name);
    config
        .catalogue
        .as_deref()
        .filter(|_| has("kmc") && !has("search"))
}

/// The events of a catalogue that can be drawn from.
///
/// # Errors
/// A file that is no catalogue, or one that holds nothing to draw.
pub(crate) fn drawn_from(path: &Path) -> Result<Population, PipelineError> {
    let catalogue = Catalogue::open_read_only(path)?;
    let (sample, events) = (catalogue.sample()?, catalogue.events()?);
    let population = Population::from_catalogue(&sample, &events)
        .map_err(|error| PipelineError::in_file(path, error))?;
    if population.excitations.is_empty() {
        return Err(PipelineError::in_file(
            path,
            "holds no verified event to draw: search more",
        ));
    }
    Ok(population)
}

/// Bytes that the lattices of a stage take, all drawn before the first runs.
fn of_lattices(config: &RunConfig, stage: &KmcStage, threads: usize) -> f64 {
    let settings: &KmcSettings = &stage.settings;
    let population = catalogue_of(config).and_then(|path| drawn_from(path).ok());
    let density = population.map_or(EXCITATIONS_PER_VOLUME, |population| {
        population.density(settings.upper_barrier).per_volume
    });
    let active = 1.0 - settings.elastic_sites.fraction();
    let per_site = density * settings.density_factor * settings.site_volume / active;
    let runs = 2 * stage.pairs * (stage.rates.len() + 1);
    // Each under two floors.
    PROGRAM + settings.memory(per_site, 2 * stage.pairs, threads.min(runs))
}

/// Refuses a run that takes more memory than there is.
///
/// # Errors
/// The stage with both numbers, at the field that makes it so large.
pub fn check_memory(loaded: &LoadedConfig) -> Result<(), ConfigErrors> {
    let config = &loaded.config;
    let available = available();
    let stages = of_stages(config, atoms_of(config), rayon::current_num_threads());
    for (k, (stage, memory)) in config.stages.iter().zip(&stages).enumerate() {
        if let Some(refusal) = refusal(memory.bytes, available.as_ref()) {
            let (field, remedy) = match stage {
                Stage::Kmc(_) => (
                    format!("stages[{k}].settings.sites_per_edge"),
                    "lower it, or pairs, or take fewer threads (--threads N)",
                ),
                _ if matches!(config.stages.first(), Some(Stage::Prepare(_))) => (
                    "stages[0].atoms".to_owned(),
                    "lower it, or take fewer threads (--threads N)",
                ),
                _ => ("sample".to_owned(), FEWER_THREADS),
            };
            let name = stage.name();
            return Err(loaded.wrong(&field, format!("stage '{name}' {refusal}: {remedy}")));
        }
    }
    Ok(())
}

/// What every stage of a run takes at most, with samples of `atoms` atoms on so many threads.
pub(crate) fn of_stages(config: &RunConfig, atoms: usize, threads: usize) -> Vec<StageMemory> {
    let replicas = config.replicas;
    let running = |trajectories: usize| trajectories.saturating_mul(replicas).min(threads).max(1);
    let md = |trajectories: usize| of_trajectories(atoms, running(trajectories));
    let of_branches = || md(shear_stage(config).map_or(1, |shear| branches(shear).len()));
    let bytes = |stage: &Stage| match stage {
        Stage::Prepare(_) | Stage::FromSample(_) | Stage::Equilibrate(_) => md(1),
        Stage::Shear(_) | Stage::Unload(_) | Stage::Recover(_) => of_branches(),
        Stage::Relax(relax) => md(relax.copies),
        Stage::Creep(creep) => md(2 * creep.pairs * creep.stresses.len()),
        Stage::Cycle(cycle) => md(cycle.copies),
        Stage::Search(search) => {
            let dense_up_to = search.settings.inertia_up_to as usize;
            of_searches(atoms, threads, dense_up_to)
        }
        Stage::Harvest(harvest) => {
            of_visited_minima(atoms, (harvest.trajectories, harvest.quenches()), threads)
        }
        Stage::Kmc(kmc) => of_lattices(config, kmc, threads),
        Stage::Compare(_) => PROGRAM,
    };
    let of = |stage: &Stage| StageMemory {
        name: stage.name().to_owned(),
        bytes: bytes(stage),
    };
    config.stages.iter().map(of).collect()
}
