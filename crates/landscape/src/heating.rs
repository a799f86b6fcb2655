//! Out of a basin by heat: a short piece of dynamics that ends beside another minimum.

use metabasin_interactions::EnergyLandscape;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::descent::{DescentLimits, descend};
use crate::flat::{add_scaled, difference, remove_translation, scale};
use crate::preconditioner::Preconditioner;
use crate::settings::SettingsError;

/// Time step of the dynamics, with masses of one `[τ]`: twice that of molecular dynamics. Where it leads
/// matters, not how exactly.
const TIME_STEP: f64 = 0.01;
/// Largest force of the quenches that tell whether the basin was left `[energy / length]`, and the
/// evaluations that one may take.
const QUENCH_TOLERANCE: f64 = 0.05;
const QUENCH_EVALUATIONS: u64 = 300;

/// How the atoms around a search are heated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeatSettings {
    /// k_B T of the first round `[energy]`. Frozen atoms around raise barriers: among them far above any
    /// temperature at which the whole sample would stay a glass, among free ones near or somewhat above
    /// that of the glass.
    pub temperature: f64,
    /// The temperature grows by this factor from round to round.
    pub growth: f64,
    /// Time steps of 0.01 in a round, after which a quench tells whether the basin was left.
    pub steps: u32,
    /// Rounds before a search is given up.
    pub rounds: u32,
    /// What the heated atoms have around them.
    pub surroundings: Surroundings,
    /// Only atoms this close to the chosen one are heated, anew in every round; the others move from
    /// where they stand still `[length]`. None: all atoms that move, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius: Option<f64>,
    /// Every so manyth search heats the atoms of the smallest region among frozen ones instead, as by
    /// [`HeatSettings::frozen`]: cheaper, and over passes that are too high for free ones; a push in
    /// samples that are too small for that region. 0 for none; nothing where `surroundings` are frozen anyway.
    pub frozen_every: u32,
}

/// What heated atoms have around them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surroundings {
    /// Atoms outside the smallest region stand still: cheap, and blind to soft spots that need more
    /// room.
    Frozen,
    /// The atoms of the largest region that saves anything move, or, in small samples, all.
    #[default]
    Free,
}

impl Default for HeatSettings {
    fn default() -> Self {
        Self {
            temperature: 0.6,
            growth: 1.2,
            steps: 50,
            rounds: 20,
            surroundings: Surroundings::Free,
            radius: Some(2.0),
            frozen_every: 2,
        }
    }
}

impl HeatSettings {
    /// All atoms of the smallest region, far hotter than the glass, among frozen ones: for the high
    /// barriers of crystals and of walks far below the glass transition, at a third to two thirds of the
    /// evaluations.
    pub fn frozen() -> Self {
        Self {
            temperature: 2.0,
            steps: 25,
            rounds: 10,
            surroundings: Surroundings::Frozen,
            radius: None,
            ..Self::default()
        }
    }

    /// How search `index` heats.
    pub(crate) fn of_search(&self, index: u64) -> Self {
        let every = u64::from(self.frozen_every);
        let frozen =
            self.surroundings == Surroundings::Free && every > 0 && index % every == every - 1;
        if frozen { Self::frozen() } else { *self }
    }

    /// Checks every number.
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let faults = [
            (
                "heat.temperature",
                self.temperature > 0.0 && self.temperature.is_finite(),
                "positive and finite",
                self.temperature,
            ),
            (
                "heat.growth",
                self.growth >= 1.0 && self.growth.is_finite(),
                "at least 1 and finite",
                self.growth,
            ),
            (
                "heat.steps",
                self.steps > 0,
                "at least 1",
                f64::from(self.steps),
            ),
            (
                "heat.rounds",
                self.rounds > 0,
                "at least 1",
                f64::from(self.rounds),
            ),
            (
                "heat.radius",
                self.radius.is_none_or(|r| r > 0.0 && r.is_finite()),
                "positive and finite",
                self.radius.unwrap_or_default(),
            ),
        ];
        match faults.into_iter().find(|(_, right, ..)| !right) {
            Some((field, _, wanted, value)) => Err(SettingsError {
                field,
                wanted,
                value,
            }),
            None => Ok(()),
        }
    }
}

/// The displacement from the minimum `origin` to the first other minimum into which a heated
/// trajectory falls; `None` where it stayed in all rounds.
///
/// Velocities of the coordinates that `is_heated` are drawn at twice the temperature, half of which goes
/// into the potential; velocity Verlet at constant energy; from round to round velocities grow by
/// √growth, or, where [`HeatSettings::radius`] heats a few atoms among many, are drawn anew at the grown
/// temperature. The basins that such a trajectory visits first are those behind the lowest passes.
/// Descents move no atom farther than `largest_step` at a time, and a quench in which one ends farther
/// than `other_minimum` from its place is another minimum `[length]`.
pub fn heated_out(
    landscape: &mut dyn EnergyLandscape,
    origin: &[f64],
    preconditioner: &dyn Preconditioner,
    (heat, is_heated): (&HeatSettings, &dyn Fn(usize) -> bool),
    (largest_step, other_minimum): (f64, f64),
    random: &mut Pcg64,
) -> Option<Vec<f64>> {
    let mut velocity = vec![0.0; origin.len()];
    // A sample that drifts would seem to have left.
    let drifts = landscape.translation_invariant();
    let mut draw = |velocity: &mut [f64], temperature: f64| {
        let hot = velocity
            .iter_mut()
            .enumerate()
            .filter(|(k, _)| is_heated(*k));
        for (_, component) in hot {
            let normal: f64 = StandardNormal.sample(random);
            *component = temperature.sqrt() * normal;
        }
        if drifts {
            remove_translation(velocity);
        }
    };
    draw(&mut velocity, 2.0 * heat.temperature);
    let mut x = origin.to_vec();
    let mut gradient = vec![0.0; x.len()];
    landscape.evaluate(&x, &mut gradient);
    for round in 0..heat.rounds {
        if round > 0 && heat.radius.is_some() {
            let growth = heat.growth.powf(f64::from(round));
            draw(&mut velocity, heat.temperature * growth);
        } else if round > 0 {
            scale(&mut velocity, heat.growth.sqrt());
        }
        for _ in 0..heat.steps {
            if landscape.is_interrupted() {
                return None;
            }
            add_scaled(&mut velocity, -0.5 * TIME_STEP, &gradient);
            add_scaled(&mut x, TIME_STEP, &velocity);
            landscape.evaluate(&x, &mut gradient);
            add_scaled(&mut velocity, -0.5 * TIME_STEP, &gradient);
        }
        let limits = DescentLimits {
            force_tolerance: QUENCH_TOLERANCE,
            largest_step,
            evaluations: QUENCH_EVALUATIONS,
        };
        let quenched = descend(landscape, &x, preconditioner, limits);
        let displacement = difference(&quenched.x, origin);
        let moved = landscape.largest_force(&displacement);
        if !moved.is_finite() {
            return None;
        }
        if moved > other_minimum {
            return Some(displacement);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preconditioner::Identity;
    use crate::test_surfaces::Quadratic;

    /// Two wells at x = 0 and x = 2, a pass of height `height` between them at x = 1; harmonic in
    /// all other coordinates.
    struct TwoWells {
        height: f64,
        evaluations: usize,
    }

    impl EnergyLandscape for TwoWells {
        fn dimension(&self) -> usize {
            9
        }
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            self.evaluations += 1;
            let u = x[0] - 1.0;
            let well = u * u - 1.0;
            let rest: f64 = x[1..].iter().map(|y| y * y).sum();
            gradient.copy_from_slice(x);
            scale(gradient, 20.0);
            gradient[0] = 4.0 * self.height * u * well;
            self.height * well * well + 10.0 * rest
        }
        fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
            product.copy_from_slice(v);
            scale(product, 20.0);
            let u = x[0] - 1.0;
            product[0] = 4.0 * self.height * (3.0 * u * u - 1.0) * v[0];
        }
    }

    fn out(height: f64, heat: &HeatSettings, stream: u128) -> (Option<Vec<f64>>, usize) {
        let mut wells = TwoWells {
            height,
            evaluations: 0,
        };
        let mut random = Pcg64::new(stream, 1);
        let found = heated_out(
            &mut wells,
            &[0.0; 9],
            &Identity,
            (heat, &|_| true),
            (0.1, 0.2),
            &mut random,
        );
        (found, wells.evaluations)
    }

    /// Nothing couples the coordinates: the first one has the energy it drew, and what growth adds.
    #[test]
    fn what_is_far_hotter_than_the_pass_is_high_falls_into_the_other_well() {
        let heat = HeatSettings {
            temperature: 30.0,
            rounds: 40,
            ..HeatSettings::default()
        };
        for stream in 0..8 {
            let (found, _) = out(1.0, &heat, stream);
            let displacement = found.unwrap();
            assert!((displacement[0] - 2.0).abs() < 0.02, "{displacement:?}");
            assert!(displacement[1..].iter().all(|y| y.abs() < 0.01));
        }
    }

    /// The first coordinate would need 60 T of its own, where it has T z² with a normal z: probability
    /// 1e-14 a stream.
    #[test]
    fn what_is_far_colder_stays() {
        let heat = HeatSettings {
            temperature: 0.05,
            growth: 1.0,
            ..HeatSettings::default()
        };
        for stream in 0..8 {
            assert_eq!(out(3.0, &heat, stream).0, None);
        }
    }

    #[test]
    fn heat_that_grows_leaves_what_it_did_not_at_first() {
        let cold = HeatSettings {
            temperature: 0.05,
            growth: 1.0,
            rounds: 40,
            ..HeatSettings::default()
        };
        let growing = HeatSettings {
            growth: 1.5,
            ..cold
        };
        let (stayed, spent) = out(3.0, &cold, 5);
        assert_eq!(stayed, None);
        // The dynamics and a quench of at least one evaluation a round.
        assert!(spent as u32 > cold.rounds * (cold.steps + 1), "{spent}");
        assert!(out(3.0, &growing, 5).0.is_some());
    }

    #[test]
    fn nothing_leaves_the_only_basin_there_is() {
        let mut bowl = Quadratic::rotated(&[3.0, 5.0, 9.0, 20.0, 50.0, 90.0]);
        let mut random = Pcg64::new(3, 1);
        let heat = HeatSettings::default();
        let found = heated_out(
            &mut bowl,
            &[0.0; 6],
            &Identity,
            (&heat, &|_| true),
            (0.1, 0.2),
            &mut random,
        );
        assert_eq!(found, None);
    }

    /// Two atoms on a stiff spring, in free space.
    struct Dumbbell;

    impl EnergyLandscape for Dumbbell {
        fn dimension(&self) -> usize {
            6
        }
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            let mut energy = 0.0;
            for k in 0..3 {
                let stretched = x[k] - x[k + 3];
                energy += 50.0 * stretched * stretched;
                gradient[k] = 100.0 * stretched;
                gradient[k + 3] = -100.0 * stretched;
            }
            energy
        }
        fn translation_invariant(&self) -> bool {
            true
        }
    }

    /// Heat moves the whole by T/m a coordinate squared: without care it drifts by 0.5 within 2.5 τ.
    #[test]
    fn what_is_free_to_drift_has_not_left() {
        let heat = HeatSettings {
            temperature: 0.05,
            growth: 1.0,
            ..HeatSettings::default()
        };
        for stream in 0..8 {
            let mut random = Pcg64::new(stream, 1);
            let found = heated_out(
                &mut Dumbbell,
                &[0.0; 6],
                &Identity,
                (&heat, &|_| true),
                (0.1, 0.2),
                &mut random,
            );
            assert_eq!(found, None);
        }
    }

    #[test]
    fn every_so_manyth_search_has_frozen_surroundings() {
        let frozen = |heat: &HeatSettings| -> Vec<u64> {
            (0..7)
                .filter(|&k| heat.of_search(k).surroundings == Surroundings::Frozen)
                .collect()
        };
        let heat = HeatSettings::default();
        let third = HeatSettings {
            frozen_every: 3,
            ..heat
        };
        let never = HeatSettings {
            frozen_every: 0,
            ..heat
        };
        assert_eq!(frozen(&heat), [1, 3, 5]);
        assert_eq!(frozen(&third), [2, 5]);
        assert!(frozen(&never).is_empty());
        assert_eq!(heat.of_search(1), HeatSettings::frozen());
        let hotter = HeatSettings {
            temperature: 3.0,
            ..HeatSettings::frozen()
        };
        assert_eq!(hotter.of_search(1), hotter);
    }

    #[test]
    fn settings_out_of_bounds_are_named() {
        let wrong = |heat: HeatSettings| heat.validate().unwrap_err().field;
        let right = HeatSettings::default();
        right.validate().unwrap();
        assert_eq!(
            wrong(HeatSettings {
                temperature: f64::NAN,
                ..right
            }),
            "heat.temperature"
        );
        assert_eq!(
            wrong(HeatSettings {
                growth: 0.5,
                ..right
            }),
            "heat.growth"
        );
        assert_eq!(
            wrong(HeatSettings {
                radius: Some(0.0),
                ..right
            }),
            "heat.radius"
        );
        assert_eq!(wrong(HeatSettings { steps: 0, ..right }), "heat.steps");
        assert_eq!(wrong(HeatSettings { rounds: 0, ..right }), "heat.rounds");
    }
}
