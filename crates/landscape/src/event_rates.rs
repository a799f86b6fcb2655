//! What the rate of an event needs besides its barrier: prefactors, and where the barrier sits.

use metabasin_catalogue::{EventRates, EventRecord};
use metabasin_interactions::{FixedCell, unflatten};
use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use crate::rebuild::{RebuildError, Rebuilder, StationaryPoints};
use crate::settings::SettingsError;
use crate::vineyard::{DynamicalMatrix, Region, vineyard_prefactor};

/// How prefactors and cores are measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateSettings {
    /// Atoms within this of an atom of the core take part in the harmonic prefactor, all others
    /// are frozen `[length]`.
    pub prefactor_radius: f64,
    /// Atoms that moved more than this to the saddle or to the final minimum are the core
    /// `[length]`.
    pub core_threshold: f64,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self {
            prefactor_radius: 3.5,
            core_threshold: 0.1,
        }
    }
}

impl RateSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// The first [`SettingsError`] found.
    pub fn validate(&self) -> Result<(), SettingsError> {
        for (field, value) in [
            ("prefactor_radius", self.prefactor_radius),
            ("core_threshold", self.core_threshold),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(SettingsError {
                    field,
                    wanted: "positive and finite",
                    value,
                });
            }
        }
        Ok(())
    }
}

/// The prefactors of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prefactors {
    /// From the minimum over the saddle `[1/τ]`.
    pub forward: f64,
    /// From the final minimum over the saddle `[1/τ]`.
    pub reverse: f64,
    /// The negative eigenvalue ω² of the mass-weighted Hessian at the saddle `[1/τ²]`.
    pub unstable: f64,
    /// Atoms that took part.
    pub atoms: usize,
}

/// A barrier, split between the core and the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarrierSplit {
    /// Σ (e_sad − e_min) over the core `[energy]`.
    pub core: f64,
    /// The same over all other atoms `[energy]`.
    pub elastic: f64,
    /// Atoms of the core.
    pub core_atoms: usize,
}

/// Vineyard prefactors from the minimum over the saddle to the last minimum, `stationary` in this
/// order, and back: the atoms of `region` free, all others frozen at the positions of each point. `mode` is
/// the unstable direction at the saddle. `None` where a minimum is not stable or the saddle not of
/// index 1 within the region.
pub fn harmonic_prefactors(
    landscape: &mut FixedCell,
    stationary: [&[f64]; 3],
    mode: &[f64],
    region: &Region,
) -> Option<Prefactors> {
    let configuration = landscape.configuration();
    let masses: Vec<f64> = (0..configuration.len())
        .map(|atom| configuration.mass(atom))
        .collect();
    let mut matrix = |x: &[f64]| {
        let at = landscape.configuration_at(x);
        let field = landscape.force_field();
        let blocks = field.hessian_blocks(&at.cell, &at.positions, &at.species, 0.0)?;
        Some(DynamicalMatrix::of_region(&blocks, &masses, region))
    };
    let [minimum, saddle, last] = stationary;
    let first = matrix(minimum)?.log_product_at_minimum()?;
    let last = matrix(last)?.log_product_at_minimum()?;
    // The mode in mass-weighted coordinates, within the region.
    let atoms: Vec<usize> = match region {
        Region::Atoms(atoms) => atoms.clone(),
        Region::Full => (0..masses.len()).collect(),
    };
    let guess: Vec<f64> = atoms
        .iter()
        .flat_map(|&atom| (0..3).map(move |k| (atom, 3 * atom + k)))
        .map(|(atom, k)| mode[k] * masses[atom].sqrt())
        .collect();
    let (log_saddle, unstable) =
        matrix(saddle)?.log_product_at_saddle(&DVector::from_vec(guess))?;
    Some(Prefactors {
        forward: vineyard_prefactor(first, log_saddle),
        reverse: vineyard_prefactor(last, log_saddle),
        unstable,
        atoms: region.len(masses.len()),
    })
}

impl Rebuilder {
    /// The atoms that an event is built around: its core, and the atom that moves farthest.
    fn centers(points: &StationaryPoints, settings: &RateSettings) -> Vec<usize> {
        let mut centers = points.core(settings.core_threshold);
        if centers.is_empty() {
            centers.push(points.most_mobile());
        }
        centers
    }

    /// The region around an event's core that `settings` ask for.
    pub fn region(&self, points: &StationaryPoints, settings: &RateSettings) -> Region {
        let configuration = self.minimum().configuration();
        Region::around(
            &configuration.cell,
            &configuration.positions,
            &Self::centers(points, settings),
            settings.prefactor_radius,
        )
    }

    /// Vineyard prefactors with the atoms of `region` free and all others frozen at the positions
    /// of each stationary point; `None` where a minimum is not stable or the saddle not of index 1
    /// within the region.
    pub fn prefactors(&self, points: &StationaryPoints, region: &Region) -> Option<Prefactors> {
        let minimum = self.minimum().coordinates();
        let stationary = [&minimum[..], &points.saddle, &points.last];
        harmonic_prefactors(&mut self.landscape(), stationary, &points.mode, region)
    }

    /// The change of the per-atom energies from the minimum to the saddle, summed over the atoms
    /// that moved more than `threshold` and over the rest. Half of a pair's energy belongs to each
    /// of its atoms.
    pub fn barrier_split(&self, points: &StationaryPoints, threshold: f64) -> BarrierSplit {
        let mut landscape = self.landscape();
        let before = per_atom_energy(&mut landscape, &self.minimum().coordinates());
        let after = per_atom_energy(&mut landscape, &points.saddle);
        let core = points.core(threshold);
        let mut is_core = vec![false; before.len()];
        for &atom in &core {
            is_core[atom] = true;
        }
        let sum = |wanted: bool| {
            (0..before.len())
                .filter(|&atom| is_core[atom] == wanted)
                .map(|atom| after[atom] - before[atom])
                .sum()
        };
        BarrierSplit {
            core: sum(true),
            elastic: sum(false),
            core_atoms: core.len(),
        }
    }

    /// Everything that the catalogue stores for the rate of an event; prefactors that do not exist
    /// (see [`Rebuilder::prefactors`]) are `None`.
    ///
    /// # Errors
    /// [`RebuildError`] where the event's stationary points do not converge again.
    pub fn event_rates(
        &self,
        event: &EventRecord,
        settings: &RateSettings,
    ) -> Result<EventRates, RebuildError> {
        let points = self.rebuild(event)?;
        let prefactors = self.prefactors(&points, &self.region(&points, settings));
        let split = self.barrier_split(&points, settings.core_threshold);
        Ok(EventRates {
            prefactor_forward: prefactors.map(|prefactors| prefactors.forward),
            prefactor_reverse: prefactors.map(|prefactors| prefactors.reverse),
            barrier_core: Some(split.core),
            core_atoms: Some(split.core_atoms as u32),
        })
    }
}

fn per_atom_energy(landscape: &mut FixedCell, x: &[f64]) -> Vec<f64> {
    let configuration = landscape.configuration().clone();
    landscape
        .force_field()
        .per_atom(&configuration.cell, &unflatten(x), &configuration.species)
        .energy
}
