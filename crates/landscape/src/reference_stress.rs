//! The barrier of an event at another stress than that of the cell in which it was searched.

use metabasin_atoms::{Dipole, PlasticVolume, Stress};
use metabasin_catalogue::{EventRecord, SampleRecord};

/// Height of the saddle and of the final minimum over the starting minimum at a macroscopic stress.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StressedHeights {
    /// Barrier of the forward jump `[energy]`.
    pub saddle: f64,
    /// Energy difference final − start `[energy]`.
    pub final_minimum: f64,
}

/// dH(Σ) = dE − (Σ + σ_th − σ_0):Q − P:Q/(2V) for the saddle and for the final minimum of an event,
/// with Q = S : P, σ_0 the stress of the minimum in the search cell and σ_th the thermal part that a
/// macroscopic stress contains ([`SampleRecord::stress_at_rest`]).
///
/// To first order the work is P:S:Δσ; Q = S : P stands for it where S is symmetric, which a deviatoric
/// stress of the minimum makes it miss by that stress over the modulus (1.2 % for the reference glass
/// of 500 atoms). Stresses are those of a sample that did not turn: a rotation changes no barrier.
///
/// `None` where the stiffness of the sample is not known.
pub fn barrier_at_stress(
    event: &EventRecord,
    sample: &SampleRecord,
    stress: Stress,
) -> Option<StressedHeights> {
    let thermal = sample.stress_at_rest();
    let excess = stress + thermal - sample.stress_minimum;
    let volume = sample.volume();
    let height = |energy: f64, dipole: Dipole, plastic: Option<PlasticVolume>| {
        let plastic = match (plastic, sample.stiffness) {
            (Some(plastic), _) => plastic,
            (None, Some(stiffness)) => {
                let (stable, _) = stiffness.stable_or_isotropic();
                stable.plastic_volume(dipole).ok()?
            }
            (None, None) => return None,
        };
        Some(energy - excess.contract(plastic.0) - dipole.contract(plastic.0) / (2.0 * volume))
    };
    Some(StressedHeights {
        saddle: height(
            event.barrier_forward,
            event.dipole_saddle,
            event.plastic_saddle,
        )?,
        final_minimum: height(
            event.barrier_forward - event.barrier_reverse,
            event.dipole_final,
            event.plastic_final,
        )?,
    })
}
