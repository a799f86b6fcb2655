//! Position swaps of two atoms of unlike species: Monte Carlo moves between pieces of dynamics.

mod lattice_gas;
#[cfg(test)]
mod tests;

use metabasin_atoms::{Configuration, Purpose, Species, random_stream};
use metabasin_interactions::{ForceField, site_pairs};
use serde::{Deserialize, Serialize};

use crate::error::positive;
use crate::{MdError, Simulation};
use lattice_gas::LatticeGas;

/// How often atoms try to swap their positions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwapSettings {
    /// Attempts per atom in each sweep.
    pub attempts_per_atom: f64,
    /// Time between two sweeps `[τ]`.
    pub interval: f64,
}

impl SwapSettings {
    /// Checks both numbers.
    ///
    /// # Errors
    /// [`MdError::Setting`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        positive("swap.attempts_per_atom", self.attempts_per_atom)?;
        positive("swap.interval", self.interval)
    }
}

/// What sweeps of swaps did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SwapCounts {
    /// Sweeps.
    pub sweeps: u64,
    /// Pairs that were tried.
    pub attempts: u64,
    /// Pairs that swapped.
    pub accepted: u64,
    /// Sum of the energy changes `[energy]`.
    pub energy: f64,
}

impl SwapCounts {
    /// Share of the attempts that were accepted; `None` before the first.
    pub fn acceptance(&self) -> Option<f64> {
        (self.attempts > 0).then(|| self.accepted as f64 / self.attempts as f64)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            sweeps: self.sweeps + other.sweeps,
            attempts: self.attempts + other.attempts,
            accepted: self.accepted + other.accepted,
            energy: self.energy + other.energy,
        }
    }
}

/// Sweeps of position swaps between pieces of molecular dynamics (hybrid MD / swap Monte Carlo).
///
/// An attempt draws one atom of each species uniformly and exchanges their positions with
/// probability min(1, exp(−ΔU / `k_B` T)) (Metropolis); each keeps id, mass and velocity. As the
/// proposal is symmetric and momenta stay, it leaves the canonical ensemble (at constant volume or
/// pressure) as it is, whatever the dynamics between sweeps. ΔU is the energy whose forces drive
/// the dynamics: the potential itself for `Smooth` and `Shifted`, the `Shifted` energy for
/// `Truncated` ([`metabasin_interactions::site_pairs`]).
///
/// A sweep changes no set of sites, only who sits where, so the energies of all pairs of sites
/// under all labels are computed once a sweep, and every attempt is exact at the cost of a few
/// additions. Sweep n draws from its own random stream: the counts are all that a restart needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwapMonteCarlo {
    settings: SwapSettings,
    seed: u64,
    stage: u64,
    counts: SwapCounts,
}

impl SwapMonteCarlo {
    /// Swaps that draw from the streams of `stage`, the stage's number in its pipeline; `earlier`
    /// are the counts of its earlier swaps, so that no stream is used twice.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range, or a sample or force field that swaps make no sense
    /// in ([`MdError::NoSwaps`]).
    pub fn new(
        settings: SwapSettings,
        configuration: &Configuration,
        force_field: &ForceField,
        (seed, stage): (u64, u64),
        earlier: SwapCounts,
    ) -> Result<Self, MdError> {
        settings.validate()?;
        let potential = force_field.potential();
        if potential.as_pair().is_none() || potential.species() != 2 {
            let reason = "it is no sum over pairs of two species";
            let potential = potential.name();
            return Err(MdError::NoSwaps { potential, reason });
        }
        for kind in [Species::LARGE, Species::SMALL] {
            if !configuration.species.contains(&kind) {
                return Err(MdError::NoSwaps {
                    potential: potential.name(),
                    reason: "the sample holds one species only",
                });
            }
        }
        Ok(Self {
            settings,
            seed,
            stage,
            counts: earlier,
        })
    }

    /// What was done so far.
    pub fn counts(&self) -> SwapCounts {
        self.counts
    }

    /// Steps of `time_step` `[τ]` between two sweeps.
    pub fn interval_steps(&self, time_step: f64) -> u64 {
        ((self.settings.interval / time_step).round() as u64).max(1)
    }

    /// One sweep at the simulation's present temperature.
    ///
    /// # Errors
    /// [`MdError::BlowUp`] where positions make no sense.
    pub fn sweep(&mut self, simulation: &mut Simulation) -> Result<(), MdError> {
        let mut random = random_stream(
            self.seed,
            Purpose::SpeciesSwap,
            self.stage,
            self.counts.sweeps,
        );
        let attempts = (self.settings.attempts_per_atom * simulation.atoms() as f64).round() as u64;
        let temperature = simulation.dynamics().temperature.at(simulation.time());
        let (done, occupants) = {
            let (cell, positions, species) = simulation.sites();
            let potential = simulation.force_field().potential();
            let pairs = site_pairs(potential.as_ref(), cell, positions)
                .ok_or_else(|| simulation.not_finite())?;
            let mut gas = LatticeGas::new(species, &pairs);
            let done = gas.attempt(attempts, temperature, &mut random);
            (done, gas.occupants().to_vec())
        };
        if done.accepted > 0 {
            simulation.rearrange(&occupants);
        }
        self.counts = self.counts.plus(SwapCounts {
            sweeps: 1,
            attempts,
            accepted: done.accepted,
            energy: done.energy,
        });
        Ok(())
    }
}
