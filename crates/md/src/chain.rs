//! The state of a Nose-Hoover chain and its time-reversible half step.

use serde::{Deserialize, Serialize};

/// Weights of the third-order Suzuki-Yoshida splitting: w, 1 − 2w, w with w = 1/(2 − 2^(1/3)).
const WEIGHTS: [f64; 3] = [1.3512071919596578, -1.7024143839193155, 1.3512071919596578];

/// Thermostat variables coupled to a kinetic energy of `degrees_of_freedom` terms:
///
/// ```text
/// ξ̇₁ = (2K − N_f k_B T)/Q₁ − ξ₁ξ₂,   ξ̇_k = (Q_{k−1}ξ²_{k−1} − k_B T)/Q_k − ξ_k ξ_{k+1}
/// ```
///
/// (Martyna, Tuckerman, Tobias & Klein, Mol. Phys. 87, 1117 (1996), eqs. 2.14, 4.1-4.10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chain {
    degrees_of_freedom: f64,
    /// Q_k `[energy τ²]`.
    masses: Vec<f64>,
    /// ξ_k `[1/τ]`.
    rates: Vec<f64>,
    /// ∫ k_B T (N_f ξ₁ + ξ₂ + ...) dt: heat given to the bath beyond the chain `[energy]`. With a
    /// constant temperature this is k_B T (N_f η₁ + η₂ + ...); as an integral it stays right
    /// under temperature ramps.
    heat: f64,
}

impl Chain {
    /// A chain at rest.
    pub(crate) fn new(
        degrees_of_freedom: f64,
        thermal_energy: f64,
        time_constant: f64,
        length: usize,
    ) -> Self {
        let mut masses = vec![thermal_energy * time_constant * time_constant; length];
        masses[0] *= degrees_of_freedom;
        Self {
            degrees_of_freedom,
            rates: vec![0.0; length],
            masses,
            heat: 0.0,
        }
    }

    /// Number of thermostats.
    pub(crate) fn len(&self) -> usize {
        self.rates.len()
    }

    /// Advances the chain by `duration` at k_B T = `thermal_energy` and returns the factor by
    /// which it multiplies the velocities whose 2K is `twice_kinetic`.
    pub(crate) fn advance(
        &mut self,
        duration: f64,
        thermal_energy: f64,
        mut twice_kinetic: f64,
    ) -> f64 {
        let last = self.masses.len() - 1;
        let mut factor = 1.0;
        for weight in WEIGHTS {
            let span = weight * duration;
            self.push(last, 0.5 * span, thermal_energy, twice_kinetic);
            for k in (0..last).rev() {
                self.damped_push(k, span, thermal_energy, twice_kinetic);
            }
            let scale = (-span * self.rates[0]).exp();
            factor *= scale;
            twice_kinetic *= scale * scale;
            let bath: f64 = self.rates[1..].iter().sum();
            self.heat += span * thermal_energy * (self.degrees_of_freedom * self.rates[0] + bath);
            for k in 0..last {
                self.damped_push(k, span, thermal_energy, twice_kinetic);
            }
            self.push(last, 0.5 * span, thermal_energy, twice_kinetic);
        }
        factor
    }

    fn push(&mut self, k: usize, duration: f64, thermal_energy: f64, twice_kinetic: f64) {
        let excess = if k == 0 {
            twice_kinetic - self.degrees_of_freedom * thermal_energy
        } else {
            self.masses[k - 1] * self.rates[k - 1].powi(2) - thermal_energy
        };
        self.rates[k] += duration * excess / self.masses[k];
    }

    fn damped_push(&mut self, k: usize, span: f64, thermal_energy: f64, twice_kinetic: f64) {
        let damping = (-0.25 * span * self.rates[k + 1]).exp();
        self.rates[k] *= damping;
        self.push(k, 0.5 * span, thermal_energy, twice_kinetic);
        self.rates[k] *= damping;
    }

    /// Turns the chain's motion around.
    #[cfg(test)]
    pub(crate) fn reverse(&mut self) {
        for rate in &mut self.rates {
            *rate = -*rate;
        }
    }

    /// What the chain adds to the conserved quantity: Σ Q_k ξ_k²/2 + heat `[energy]`.
    pub(crate) fn energy(&self) -> f64 {
        let kinetic: f64 = self
            .masses
            .iter()
            .zip(&self.rates)
            .map(|(mass, rate)| 0.5 * mass * rate * rate)
            .sum();
        kinetic + self.heat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_to_one_and_cancel_the_third_order() {
        assert!((WEIGHTS.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!(WEIGHTS.iter().map(|w| w.powi(3)).sum::<f64>().abs() < 1e-14);
    }

    #[test]
    fn a_half_step_is_undone_by_its_reverse() {
        let mut chain = Chain::new(300.0, 0.3, 0.3, 3);
        let mut twice_kinetic = 120.0;
        for _ in 0..200 {
            let factor = chain.advance(0.0015, 0.3, twice_kinetic);
            twice_kinetic *= factor * factor;
        }
        assert!(chain.rates.iter().all(|rate| rate.abs() > 1e-6));
        for _ in 0..200 {
            let factor = chain.advance(-0.0015, 0.3, twice_kinetic);
            twice_kinetic *= factor * factor;
        }
        assert!((twice_kinetic - 120.0).abs() < 1e-9);
        assert!(chain.rates.iter().all(|rate| rate.abs() < 1e-10));
    }

    #[test]
    fn chain_and_kinetic_energy_conserve_their_sum() {
        // Fourth order in the step: 0.05 to 0.025 must gain about 16; a wrong sub-step gains 4 or less.
        let drift = |steps: u32| {
            let mut chain = Chain::new(3.0, 0.3, 0.5, 3);
            let mut twice_kinetic = 2.0;
            let start = 0.5 * twice_kinetic + chain.energy();
            let mut largest = 0.0_f64;
            for _ in 0..steps {
                let factor = chain.advance(4.0 / f64::from(steps), 0.3, twice_kinetic);
                twice_kinetic *= factor * factor;
                largest = largest.max((0.5 * twice_kinetic + chain.energy() - start).abs());
            }
            largest
        };
        let ratio = drift(80) / drift(160);
        assert!((10.0..25.0).contains(&ratio), "ratio {ratio}");
    }
}
