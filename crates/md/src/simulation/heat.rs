//! The thermostats: half a step of heat exchange at constant positions.

use rand_distr::{ChiSquared, Distribution, StandardNormal};

use super::Simulation;
use crate::Thermostat;
use crate::dynamics::Draw;

/// Twice the kinetic energy after a time in which its excess decays by `decay`, over that before:
/// α of Bussi, Donadio & Parrinello 2007, eq. A7, with its sign (eq. A8), which matters where the
/// degrees of freedom are few.
fn rescaling_factor(
    twice_kinetic: f64,
    degrees_of_freedom: f64,
    thermal_energy: f64,
    decay: f64,
    random: &mut impl rand::Rng,
) -> f64 {
    let first: f64 = StandardNormal.sample(random);
    let others = if degrees_of_freedom > 1.0 {
        // A positive number of degrees of freedom is all that the distribution asks for.
        ChiSquared::new(degrees_of_freedom - 1.0).map_or(0.0, |chi| chi.sample(random))
    } else {
        0.0
    };
    let share = (1.0 - decay) * thermal_energy / twice_kinetic;
    let squared = decay + share * (first * first + others) + 2.0 * first * (decay * share).sqrt();
    let sign = first + (decay / share).sqrt();
    squared.max(0.0).sqrt().copysign(sign)
}

impl Simulation {
    /// Half a step of the thermostats of atoms and cell; Langevin's noise on the atoms comes in the
    /// middle of the drift instead.
    pub(super) fn exchange_heat(&mut self, duration: f64, thermal_energy: f64, draw: Draw) {
        let Some(thermostat) = self.dynamics.thermostat else {
            return;
        };
        let cell_time = self.cell_time_constant();
        if matches!(thermostat, Thermostat::NoseHooverChain { .. }) {
            self.advance_chains(duration, thermal_energy);
            return;
        }
        let atoms = self.configuration.len();
        let mut random = self.dynamics.random.draw(self.motion.step, atoms, draw);
        if let Thermostat::VelocityRescaling { time_constant } = thermostat {
            let decay = (-duration / time_constant).exp();
            let before = self.twice_kinetic();
            let freedom = self.degrees_of_freedom();
            let factor = rescaling_factor(before, freedom, thermal_energy, decay, &mut random);
            self.scale_velocities(factor);
            self.motion.injected += 0.5 * (self.twice_kinetic() - before);
        }
        let before = self.inertia.twice_kinetic(&self.motion.gradient);
        let decay = (-duration / cell_time).exp();
        let inertia = self.inertia;
        inertia.change_rates(&mut self.motion.gradient, |rate, mass| {
            let normal: f64 = StandardNormal.sample(&mut random);
            decay * rate + ((1.0 - decay * decay) * thermal_energy / mass).sqrt() * normal
        });
        let after = self.inertia.twice_kinetic(&self.motion.gradient);
        self.motion.injected += 0.5 * (after - before);
    }

    fn cell_time_constant(&self) -> f64 {
        cell_time_constant(&self.dynamics)
    }

    fn advance_chains(&mut self, duration: f64, thermal_energy: f64) {
        let twice_kinetic = self.twice_kinetic();
        if let Some(chain) = &mut self.motion.atom_chain {
            let factor = chain.advance(duration, thermal_energy, twice_kinetic);
            self.scale_velocities(factor);
        }
        if let Some(chain) = &mut self.motion.cell_chain {
            let twice_kinetic = self.inertia.twice_kinetic(&self.motion.gradient);
            let factor = chain.advance(duration, thermal_energy, twice_kinetic);
            let inertia = self.inertia;
            inertia.change_rates(&mut self.motion.gradient, |rate, _| rate * factor);
        }
    }

    /// Multiplies all velocities, when next a sweep passes over them, and their sums now.
    pub(super) fn scale_velocities(&mut self, factor: f64) {
        self.velocity_factor *= factor;
        for component in &mut self.kinetic {
            *component *= factor * factor;
        }
    }
}

/// The time constant of the cell's own thermostat `[τ]`.
pub(super) fn cell_time_constant(dynamics: &crate::Dynamics) -> f64 {
    let inertial = dynamics
        .barostat
        .filter(|barostat| !matches!(barostat, crate::Barostat::StochasticCellRescaling { .. }));
    inertial.map_or_else(
        || dynamics.drive.time_constant().unwrap_or(1.0),
        |barostat| barostat.time_constant(),
    )
}

#[cfg(test)]
mod tests {
    use metabasin_atoms::{Purpose, random_stream};

    use super::rescaling_factor;
    use crate::dynamics::Draw;
    use crate::tests_support::{force_field, glass};
    use crate::{Barostat, Dynamics, Simulation, Thermostat};

    /// The random bath of a full cell alone gives each of its six motions k_B T: 6 × 32,000 draws that
    /// forget half of the energy before; a mean of χ² known to √(2 · 3/192,000) = 0.56 %.
    #[test]
    fn the_bath_of_the_cell_has_its_temperature() {
        let dynamics = Dynamics {
            thermostat: Some(Thermostat::langevin()),
            barostat: Some(Barostat::full_cell(0.0)),
            ..Dynamics::constant_volume(0.003, 0.28)
        };
        let mut simulation = Simulation::new(glass(), force_field(), dynamics).unwrap();
        let (mut sum, draws) = (0.0, 32_000);
        for step in 0..draws {
            simulation.motion.step = step;
            // c = exp(−0.69 τ/2 τ) = 0.71, c² = 0.5.
            simulation.exchange_heat(0.69, 0.28, Draw::FirstHalf);
            sum += simulation
                .inertia
                .twice_kinetic(&simulation.motion.gradient);
        }
        let mean = sum / draws as f64 / (6.0 * 0.28);
        assert!((mean - 1.0).abs() < 0.0225, "{mean}");
    }

    /// From any start the propagator leads to the χ² distribution of N_f degrees of freedom after a
    /// long time, and to mean N_f T + (K₀ − N_f T) c after a short one. 40,000 draws: the mean is
    /// known to √(2 N_f/40,000), the variance of 2 N_f to (12/N_f + 2)^½/200 of it. Four of these
    /// are the tolerance (false alarms: 1e-4 a check), and 5 % in temperature is beyond it.
    #[test]
    fn the_propagator_of_the_kinetic_energy_is_exact() {
        let mut random = random_stream(3, Purpose::Test, 0, 0);
        let draws = 40_000;
        for (freedom, decay) in [(1.0, 0.0), (1.0, 0.6), (6.0, 0.0), (6.0, 0.6), (300.0, 0.5)] {
            // The start is drawn from equilibrium by a propagation without memory.
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..draws {
                let start = rescaling_factor(1.0, freedom, 0.7, 0.0, &mut random).powi(2);
                let factor = rescaling_factor(start, freedom, 0.7, decay, &mut random);
                let reduced = start * factor * factor / 0.7;
                sum += reduced;
                squares += (reduced - freedom).powi(2);
            }
            let mean = sum / f64::from(draws);
            let variance = squares / f64::from(draws);
            let error = (2.0 * freedom / f64::from(draws)).sqrt();
            assert!((mean - freedom).abs() < 4.0 * error, "{freedom} {mean}");
            assert!(0.05 * freedom > 2.0 * error);
            let spread = 2.0 * freedom * (12.0 / freedom + 2.0).sqrt() / 200.0;
            assert!(
                (variance - 2.0 * freedom).abs() < 4.0 * spread,
                "{freedom} {variance}"
            );
        }
        let relaxed: f64 = (0..draws)
            .map(|_| 30.0 * rescaling_factor(30.0, 6.0, 0.7, 0.5, &mut random).powi(2))
            .sum::<f64>()
            / f64::from(draws);
        // Half the excess 30 − 4.2 is left; the spread is 2 (c (1−c) K T + ...)^½ ≈ 6.5.
        assert!((relaxed - 17.1).abs() < 4.0 * 6.5 / 200.0, "{relaxed}");
    }

    /// One degree of freedom is an Ornstein-Uhlenbeck process: ⟨v v'⟩ = √c ⟨v²⟩, sign included.
    #[test]
    fn a_single_velocity_keeps_its_correlation() {
        let mut random = random_stream(5, Purpose::Test, 0, 0);
        let draws = 40_000;
        let correlation: f64 = (0..draws)
            .map(|_| {
                let start = rescaling_factor(1.0, 1.0, 1.0, 0.0, &mut random);
                start * start * rescaling_factor(start * start, 1.0, 1.0, 0.25, &mut random)
            })
            .sum::<f64>()
            / f64::from(draws);
        // Spread of v v' is below √(⟨v⁴⟩ ⟨..⟩) ≈ 1.2.
        assert!(
            (correlation - 0.5).abs() < 4.0 * 1.2 / 200.0,
            "{correlation}"
        );
    }
}
