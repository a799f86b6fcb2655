//! A sample of atoms at fixed cell as land to walk on.

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_catalogue::{DisplacementField, EventRecord};
use metabasin_interactions::{FixedCell, ForceField, flatten, unflatten};
use metabasin_landscape::{SearchSettings, Searcher, displacements};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use nalgebra::Vector3;
use rayon::prelude::*;

use crate::error::AtomisticError;
use crate::terrain::{Likeness, Minimum, Round, Terrain, WayOut};
use crate::ways::AttemptFrequency;

/// Rounds of searches of one stage of a pipeline: each draws from streams of its own.
const ROUNDS_OF_A_STAGE: u64 = 1 << 32;

/// Told of every search that is done; answers whether to go on.
pub type Watcher<'a> = &'a (dyn Fn() -> bool + Sync);

/// A sample of atoms as a [`Terrain`]: searches by [`Searcher`], side by side on the current rayon
/// pool and gathered in the order of their indices.
pub struct GlassTerrain<'a> {
    sample: Configuration,
    force_field: ForceField,
    settings: SearchSettings,
    /// Atoms this close to one that moves belong to its surroundings `[length]`.
    shell: f64,
    seed: u64,
    stage: u64,
    watcher: Watcher<'a>,
}

impl<'a> GlassTerrain<'a> {
    /// The land of `sample` at its fixed cell; `shell` is the distance up to which an atom near the
    /// core of an event may feel it `[length]`.
    pub fn new(
        sample: Configuration,
        force_field: ForceField,
        settings: SearchSettings,
        shell: f64,
        (seed, stage): (u64, u64),
        watcher: Watcher<'a>,
    ) -> Self {
        Self {
            sample,
            force_field,
            settings,
            shell,
            seed,
            stage,
            watcher,
        }
    }

    /// The coordinates of the sample.
    pub fn start(&self) -> Vec<f64> {
        flatten(&self.sample.positions)
    }

    /// The sample at coordinates `x`, without velocities.
    pub fn configuration_at(&self, x: &[f64]) -> Configuration {
        Configuration {
            positions: unflatten(x),
            velocities: None,
            ..self.sample.clone()
        }
    }

    pub(crate) fn cell(&self) -> &Cell {
        &self.sample.cell
    }

    pub(crate) fn species(&self) -> &[Species] {
        &self.sample.species
    }

    pub(crate) fn settings(&self) -> &SearchSettings {
        &self.settings
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The stage of the random streams of a round.
    pub(crate) fn stage_of(&self, round: u64) -> u64 {
        self.stage * ROUNDS_OF_A_STAGE + round
    }

    pub(crate) fn goes_on(&self) -> bool {
        (self.watcher)() && !self.force_field.is_interrupted()
    }

    /// Why work failed: what it says, unless it was cut short.
    fn failure(&self, error: impl Into<AtomisticError>) -> AtomisticError {
        if self.force_field.is_interrupted() {
            AtomisticError::Stopped
        } else {
            error.into()
        }
    }

    fn inherent(&self, x: &[f64]) -> Result<(InherentStructure, u64), AtomisticError> {
        let minimizer = Lbfgs::default().with_longest_move(self.settings.relaxation_step);
        let (inherent, found) = InherentStructure::quench(
            &self.configuration_at(x),
            self.force_field.clone(),
            &minimizer,
            self.settings.force_tolerance,
        )
        .map_err(|error| self.failure(error))?;
        Ok((inherent, found.force_evaluations()))
    }

    pub(crate) fn landscape(&self, x: &[f64]) -> Result<FixedCell, AtomisticError> {
        FixedCell::new(&self.configuration_at(x), self.force_field.clone())
            .map_err(|error| AtomisticError::Landscape(error.into()))
    }

    /// An event as a way out.
    pub fn way_out(&self, event: &EventRecord) -> WayOut {
        let dense = |field: &DisplacementField| {
            let mut x = vec![0.0; 3 * self.sample.len()];
            for (&atom, u) in field.atoms.iter().zip(&field.displacements) {
                x[3 * atom as usize..3 * atom as usize + 3].copy_from_slice(u);
            }
            x
        };
        WayOut {
            saddle: dense(&event.displacement_saddle),
            end: dense(&event.displacement_final),
            barrier: event.barrier_forward,
            end_energy: event.energy_final - event.energy_minimum,
            prefactors: event
                .prefactor_forward
                .zip(event.prefactor_reverse)
                .map(|(there, back)| [there, back]),
        }
    }

    /// The searches that push around the atoms `around`, `effort` each: their indices, ascending.
    fn indices(searcher: &Searcher, around: Option<&[u32]>, atoms: u64, effort: u32) -> Vec<u64> {
        let wanted = around.map_or(atoms, |around| around.len() as u64) * u64::from(effort);
        let mut counts = vec![0; atoms as usize];
        let mut indices = Vec::new();
        for index in 0..8 * atoms * u64::from(effort) {
            if indices.len() as u64 == wanted {
                break;
            }
            let center = searcher.center_atom(index);
            let asked = around.is_none_or(|around| around.binary_search(&center).is_ok());
            if asked && counts[center as usize] < effort {
                counts[center as usize] += 1;
                indices.push(index);
            }
        }
        indices
    }
}

impl Terrain for GlassTerrain<'_> {
    fn site_dimension(&self) -> usize {
        3
    }

    fn relax(&self, x: &[f64]) -> Result<(Minimum, u64), AtomisticError> {
        let (inherent, evaluations) = self.inherent(x)?;
        let minimum = Minimum {
            x: inherent.coordinates(),
            energy: inherent.energy(),
        };
        Ok((minimum, evaluations))
    }

    fn displacement(&self, from: &[f64], to: &[f64]) -> Vec<f64> {
        flatten(&displacements(
            &self.sample.cell,
            &unflatten(from),
            &unflatten(to),
        ))
    }

    fn surroundings(&self, x: &[f64], core: &[u32]) -> Vec<u32> {
        let positions: Vec<Vector3<f64>> = unflatten(x);
        let near = |site: usize| {
            core.iter().any(|&other| {
                let separation = positions[site] - positions[other as usize];
                self.sample.cell.minimum_image(&separation).norm() <= self.shell
            })
        };
        (0..positions.len())
            .filter(|&site| near(site))
            .map(|site| site as u32)
            .collect()
    }

    fn search(
        &self,
        minimum: &Minimum,
        around: Option<&[u32]>,
        effort: u32,
        round: u64,
    ) -> Result<Round, AtomisticError> {
        let (inherent, evaluations) = self.inherent(&minimum.x)?;
        let stage = self.stage_of(round);
        let searcher = Searcher::new(&inherent, self.settings.clone(), self.seed, stage)
            .map_err(|error| self.failure(error))?;
        let atoms = self.sample.len() as u64;
        let indices = Self::indices(&searcher, around, atoms, effort);
        let results: Vec<_> = indices
            .into_par_iter()
            .map(|index| (self.watcher)().then(|| searcher.run(index)).flatten())
            .collect();
        let mut found = Round {
            evaluations,
            ..Round::default()
        };
        for result in results {
            let result = result.ok_or(AtomisticError::Stopped)?;
            let counts = result.record.evaluations;
            found.searches += 1;
            found.evaluations += counts.search() + counts.verification;
            found
                .ways
                .extend(result.event.iter().map(|event| self.way_out(event)));
        }
        Ok(found)
    }

    fn exits(
        &self,
        minimum: &Minimum,
        known: &[Vec<f64>],
        dynamics: (f64, u32),
        round: u64,
    ) -> Result<Round, AtomisticError> {
        self.thermal_exits(minimum, known, dynamics, round)
    }

    fn confirm(
        &self,
        minimum: &Minimum,
        saddle: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        self.converge(minimum, saddle, AttemptFrequency::Measured)
    }

    fn confirm_declared(
        &self,
        minimum: &Minimum,
        saddle: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        self.converge(minimum, saddle, AttemptFrequency::Declared)
    }

    fn changed(&self, before: &[f64], after: &[f64], moved: &[u32]) -> Vec<u32> {
        self.other_neighbors(before, after, moved)
    }

    fn alike(&self, from: &[f64], known: &[u32], to: &[f64], sites: &[u32]) -> Vec<Likeness> {
        self.likenesses(from, known, to, sites)
    }

    fn familiar(&self, from: &[f64], to: &[f64], sites: &[u32]) -> Vec<u32> {
        self.seen_close_by(from, to, sites)
    }

    fn mapped(
        &self,
        from: &[f64],
        displacement: &[f64],
        to: &[f64],
        likeness: &Likeness,
    ) -> Option<Vec<f64>> {
        self.displacement_under(from, displacement, to, likeness)
    }
}
