//! All excitations of a sample and how densely they fill it.

use metabasin_catalogue::{EventRecord, SampleRecord};
use serde::{Deserialize, Serialize};

use crate::elasticity::Elasticity;
use crate::error::{EshelbyError, positive};
use crate::excitation::Excitation;

/// The verified excitations of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Population {
    /// The excitations, in the order of their catalogue.
    pub excitations: Vec<Excitation>,
    /// Volume of the sample `[length³]`.
    pub volume: f64,
    /// The homogeneous medium through which they interact.
    pub elasticity: Elasticity,
    /// Events of the catalogue that were left out because they are not verified.
    pub unverified: usize,
}

/// How many excitations there are per volume below a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Density {
    /// Distinct excitations that were counted.
    pub count: usize,
    /// Excitations per volume `[1/length³]`: a lower bound, since a search finds only some.
    pub per_volume: f64,
    /// Relative standard error of the count, 1/√count; infinite for none.
    pub relative_error: f64,
}

impl Population {
    /// All verified events of a catalogue, at macroscopic stress zero.
    ///
    /// # Errors
    /// A sample without stiffness, or verified events whose numbers cannot be used.
    pub fn from_catalogue(
        sample: &SampleRecord,
        events: &[EventRecord],
    ) -> Result<Self, EshelbyError> {
        let stiffness = sample.stiffness.ok_or_else(|| EshelbyError::NoStiffness {
            fingerprint: sample.fingerprint.clone(),
        })?;
        let verified: Vec<&EventRecord> =
            events.iter().filter(|event| event.is_verified()).collect();
        Ok(Self {
            excitations: verified
                .iter()
                .map(|event| Excitation::from_event(event, sample))
                .collect::<Result<_, _>>()?,
            volume: positive("volume", sample.volume())?,
            elasticity: Elasticity::average(stiffness)?,
            unverified: events.len() - verified.len(),
        })
    }

    /// In a medium whose shear modulus is `ratio` times as large, the excitations' plastic volumes being the same.
    ///
    /// # Errors
    /// The ratio must be positive.
    pub fn in_medium_softened(self, ratio: f64) -> Result<Self, EshelbyError> {
        let shear_modulus = positive("softening", ratio)? * self.elasticity.shear_modulus();
        let elasticity = Elasticity::new(shear_modulus, self.elasticity.poisson_ratio())?;
        Ok(Self { elasticity, ..self })
    }

    /// The excitations whose barrier at zero stress is below `upper_barrier` `[energy]`.
    pub fn below(&self, upper_barrier: f64) -> impl Iterator<Item = &Excitation> {
        self.excitations
            .iter()
            .filter(move |excitation| excitation.barrier < upper_barrier)
    }

    /// Number density of distinct excitations below a barrier `[energy]`.
    pub fn density(&self, upper_barrier: f64) -> Density {
        let count = self.below(upper_barrier).count();
        Density {
            count,
            per_volume: count as f64 / self.volume,
            relative_error: 1.0 / (count as f64).sqrt(),
        }
    }

    /// The largest attempt frequency of either direction `[1/τ]`; 0 for no excitation.
    pub fn largest_attempt_frequency(&self) -> f64 {
        self.excitations
            .iter()
            .flat_map(|excitation| [excitation.attempt_forward, excitation.attempt_reverse])
            .fold(0.0, f64::max)
    }
}

/// The barrier that is crossed about once while a sample is strained by γ:
/// E* = k_B T ln(ν γ/γ̇) `[energy]`, at k_B T `[energy]`, ν `[1/τ]`, γ̇ `[1/τ]`.
///
/// # Errors
/// All four must be positive.
pub fn window_barrier(
    temperature: f64,
    attempt_frequency: f64,
    strain: f64,
    strain_rate: f64,
) -> Result<f64, EshelbyError> {
    positive("temperature", temperature)?;
    positive("attempt_frequency", attempt_frequency)?;
    positive("strain", strain)?;
    positive("strain_rate", strain_rate)?;
    Ok(temperature * (attempt_frequency * strain / strain_rate).ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_atoms::PlasticVolume;
    use metabasin_atoms::units::SECONDS_PER_TAU;

    #[test]
    fn windows_of_the_reference_paper() {
        // At k_B T = 0.28 ε and 1e13 attempts a second: 2.8 (1e7 /s), 4.1 (1e5), 4.7 (1e4).
        for (rate, expected) in [(1e7, 2.8), (1e5, 4.1), (1e4, 4.7), (1e-3, 9.2)] {
            let found =
                window_barrier(0.28, 1e13 * SECONDS_PER_TAU, 0.02, rate * SECONDS_PER_TAU).unwrap();
            assert!((found - expected).abs() < 0.06, "{rate}: {found}");
        }
        assert!(window_barrier(0.28, 1.0, 0.02, -1.0).is_err());
    }

    #[test]
    fn density_counts_what_lies_below() {
        let excitation = |barrier| Excitation {
            event: 0,
            barrier,
            energy_final: 0.0,
            plastic_saddle: PlasticVolume::ZERO,
            plastic_final: PlasticVolume::ZERO,
            attempt_forward: 3.0,
            attempt_reverse: 4.0,
            structure_class: None,
        };
        let population = Population {
            excitations: [1.0, 2.0, 3.0, 9.0].map(excitation).to_vec(),
            volume: 50.0,
            elasticity: Elasticity::new(18.0, 0.3).unwrap(),
            unverified: 0,
        };
        let density = population.density(4.0);
        assert_eq!(density.count, 3);
        assert!((density.per_volume - 0.06).abs() < 1e-15);
        assert!((density.relative_error - 3.0_f64.sqrt().recip()).abs() < 1e-15);
        assert!(population.density(0.5).relative_error.is_infinite());
        assert_eq!(population.largest_attempt_frequency(), 4.0);
    }
}
