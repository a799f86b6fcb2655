//! A localized structural excitation: two states and the saddle between them, at zero stress.

use metabasin_atoms::{Dipole, PlasticVolume};
use metabasin_catalogue::{EventRecord, SampleRecord};
use serde::{Deserialize, Serialize};

use crate::error::{EshelbyError, finite, positive};

/// One excitation as the mesoscale model sees it: energies at macroscopic stress zero relative to
/// state 1, plastic volumes, attempt frequencies.
///
/// At a macroscopic stress Σ, to first order in it,
///
/// ```text
/// ΔH_saddle(Σ) = barrier − Σ : plastic_saddle
/// ΔH_final(Σ)  = energy_final − Σ : plastic_final
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excitation {
    /// Number of the event in its catalogue; 0 for a synthetic one.
    pub event: u64,
    /// Energy of the saddle above state 1 at macroscopic stress zero `[energy]`.
    pub barrier: f64,
    /// Energy of state 2 above state 1 at macroscopic stress zero `[energy]`.
    pub energy_final: f64,
    /// Plastic volume of the saddle `[length³]`.
    pub plastic_saddle: PlasticVolume,
    /// Plastic volume of state 2 `[length³]`.
    pub plastic_final: PlasticVolume,
    /// Attempt frequency of the jump 1 → 2 `[1/τ]`.
    pub attempt_forward: f64,
    /// Attempt frequency of the jump 2 → 1 `[1/τ]`.
    pub attempt_reverse: f64,
    /// Structure class of the atom that moves most, where known.
    pub structure_class: Option<String>,
}

impl Excitation {
    /// Takes an event of the catalogue to macroscopic stress zero:
    ///
    /// ```text
    /// E₀ = dE − (σ_th − σ_0) : Q − P : Q / 2V
    /// ```
    ///
    /// for saddle and final state alike, with P the dipole and Q = S : P the plastic volume. The
    /// last term takes the event out of the fixed cell in which it was searched; where σ_th was not
    /// measured, [`SampleRecord::stress_at_rest`] stands for it. Prefactors that were not measured are the
    /// sample's declared ν₀, in both directions.
    ///
    /// # Errors
    /// An unverified event, plastic volumes that are neither stored nor computable, numbers that
    /// are not finite.
    pub fn from_event(event: &EventRecord, sample: &SampleRecord) -> Result<Self, EshelbyError> {
        if !event.is_verified() {
            return Err(EshelbyError::Unverified {
                id: event.id,
                converged: event.converged,
                index: event.index,
                connected: event.connected,
            });
        }
        let plastic = |stored: Option<PlasticVolume>, dipole: Dipole| match stored {
            Some(plastic) => Ok(plastic),
            None => match sample.stiffness {
                Some(stiffness) => Ok(stiffness.stable_or_isotropic().0.plastic_volume(dipole)?),
                None => Err(EshelbyError::NoPlasticVolume { id: event.id }),
            },
        };
        let plastic_saddle = plastic(event.plastic_saddle, event.dipole_saddle)?;
        let plastic_final = plastic(event.plastic_final, event.dipole_final)?;
        let offset = sample.stress_at_rest() - sample.stress_minimum;
        let volume = positive("volume", sample.volume())?;
        let unloaded = |energy: f64, dipole: Dipole, plastic: PlasticVolume| {
            energy - offset.contract(plastic.0) - dipole.contract(plastic.0) / (2.0 * volume)
        };
        let energy_final = event.barrier_forward - event.barrier_reverse;
        let declared = sample.attempt_frequency;
        let excitation = Self {
            event: event.id,
            barrier: unloaded(event.barrier_forward, event.dipole_saddle, plastic_saddle),
            energy_final: unloaded(energy_final, event.dipole_final, plastic_final),
            plastic_saddle,
            plastic_final,
            attempt_forward: event.prefactor_forward.unwrap_or(declared),
            attempt_reverse: event.prefactor_reverse.unwrap_or(declared),
            structure_class: event.structure_class.clone(),
        };
        excitation.validated()
    }

    /// The excitation itself where all its numbers can be used.
    ///
    /// # Errors
    /// Energies and plastic volumes must be finite, attempt frequencies positive.
    pub fn validated(self) -> Result<Self, EshelbyError> {
        finite("barrier", self.barrier)?;
        finite("energy_final", self.energy_final)?;
        positive("attempt_forward", self.attempt_forward)?;
        positive("attempt_reverse", self.attempt_reverse)?;
        for component in self.plastic_saddle.0 {
            finite("plastic_saddle", component)?;
        }
        for component in self.plastic_final.0 {
            finite("plastic_final", component)?;
        }
        Ok(self)
    }

    /// Activation volume for simple shear, Ω_xy = 2 Q_xy of the saddle `[length³]`.
    pub fn activation_volume(&self) -> f64 {
        2.0 * self.plastic_saddle.xy()
    }

    /// Free energy of state 2 above state 1 with the entropy of both basins,
    /// energy_final − k_B T ln(ν_f/ν_r) `[energy]`: with it one attempt frequency serves both
    /// directions and their ratio obeys detailed balance.
    pub fn free_energy_final(&self, temperature: f64) -> f64 {
        self.energy_final - temperature * (self.attempt_forward / self.attempt_reverse).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elasticity::Elasticity;
    use metabasin_atoms::{Strain, Stress};

    use proptest::prelude::*;

    fn sample(edge: f64, stress_minimum: Stress, stress_thermal: Option<Stress>) -> SampleRecord {
        SampleRecord {
            cell: [edge, edge, edge, 0.0, 0.0, 0.0],
            temperature: Some(0.28),
            stress_minimum,
            stress_thermal,
            stiffness: Some(Elasticity::new(18.0, 0.35).unwrap().stiffness()),
            attempt_frequency: 3.6,
            attempt_frequency_band: 3.0,
            ..SampleRecord::default()
        }
    }

    fn event() -> EventRecord {
        EventRecord {
            id: 7,
            barrier_forward: 3.0,
            barrier_reverse: 2.0,
            converged: true,
            index: 1,
            connected: true,
            ..EventRecord::default()
        }
    }

    proptest! {
        /// Two parabolas of the same stiffness: state s has the energy e_s + V/2 ε_s:C:ε_s at cell
        /// strain E with ε_s = E − q_s/V. At fixed cell the difference and the stress drop are
        /// what a search reports; at fixed stress Σ the enthalpies differ by exactly
        /// e_s − Σ : q_s. The search cell's strain must drop out.
        #[test]
        fn two_parabolas_give_their_enthalpy_difference_in_any_cell(
            plastic in prop::array::uniform6(-2.0..2.0_f64),
            cell in prop::array::uniform6(-0.02..0.02_f64),
            thermal in prop::array::uniform6(-3.0..3.0_f64),
            energy in -1.0..8.0_f64,
        ) {
            let sample_of = |stress| sample(8.0, stress, Some(Stress(thermal)));
            let stiffness = Elasticity::new(18.0, 0.35).unwrap().stiffness();
            let volume = 512.0;
            let elastic = |strain: Strain| 0.5 * volume * stiffness.stress(strain).contract(strain.0);
            let before = Strain(cell);
            let after = before - Strain(plastic) * (1.0 / volume);
            let mut event = event();
            event.barrier_forward = energy + elastic(after) - elastic(before);
            event.dipole_saddle = Dipole((stiffness.stress(before) - stiffness.stress(after)).0) * volume;
            let record = sample_of(stiffness.stress(before));
            let found = Excitation::from_event(&event, &record).unwrap();
            // Zero macroscopic stress is the inherent-structure stress σ_th.
            let expected = energy - Stress(thermal).contract(plastic);
            prop_assert!((found.barrier - expected).abs() < 1e-9);
            prop_assert!((found.plastic_saddle - PlasticVolume(plastic)).norm() < 1e-9);
        }
    }

    /// A cell of a temperature has no pressure there, though its minimum is under tension; without a
    /// temperature zero stress is that of the minimum.
    #[test]
    fn without_a_thermal_stress_the_cell_of_a_temperature_has_no_pressure() {
        let mut event = event();
        event.plastic_saddle = Some(PlasticVolume([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
        let stress = Stress([3.2, 2.9, 2.9, 0.0, 0.0, 0.0]);
        let mut record = sample(8.0, stress, None);
        let barrier =
            |record: &SampleRecord| Excitation::from_event(&event, record).unwrap().barrier;
        assert!((barrier(&record) - (3.0 + 3.2 - 3.0)).abs() < 1e-14);
        record.temperature = None;
        assert!((barrier(&record) - (3.0 + 3.2)).abs() < 1e-14);
        record.stress_thermal = Some(stress);
        assert!((barrier(&record) - 3.0).abs() < 1e-14);
    }

    #[test]
    fn unverified_events_and_missing_stiffness_are_refused() {
        let record = sample(8.0, Stress::ZERO, None);
        for spoil in [
            |event: &mut EventRecord| event.connected = false,
            |event: &mut EventRecord| event.converged = false,
            |event: &mut EventRecord| event.index = 2,
        ] {
            let mut event = event();
            spoil(&mut event);
            let error = Excitation::from_event(&event, &record).unwrap_err();
            assert!(matches!(error, EshelbyError::Unverified { id: 7, .. }));
        }
        let mut soft = record;
        soft.stiffness = None;
        let error = Excitation::from_event(&event(), &soft).unwrap_err();
        assert_eq!(error, EshelbyError::NoPlasticVolume { id: 7 });
    }

    #[test]
    fn prefactors_shift_the_free_energy_so_that_detailed_balance_holds() {
        let mut event = event();
        event.prefactor_forward = Some(8.0);
        event.prefactor_reverse = Some(2.0);
        let excitation = Excitation::from_event(&event, &sample(8.0, Stress::ZERO, None)).unwrap();
        let temperature = 0.28;
        let ratio = 8.0 * (-3.0_f64 / temperature).exp() / (2.0 * (-2.0_f64 / temperature).exp());
        let boltzmann = (-excitation.free_energy_final(temperature) / temperature).exp();
        assert!((ratio / boltzmann - 1.0).abs() < 1e-12);
    }
}
