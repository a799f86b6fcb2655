//! A minimum followed under strain.

use metabasin_atoms::{Stiffness, Stress};
use metabasin_catalogue::EventRecord;
use metabasin_interactions::{EnergyLandscape, FixedCell, unflatten};
use metabasin_minimizers::InherentStructure;

use super::event_path::{FollowedEvent, follow_event};
use super::loading::Loading;
use super::{CONTINUOUS, ENERGY_JUMP, LoadSettings, Pace, check_order};
use crate::descent::{DescentLimits, DescentOutcome, descend, polish};
use crate::displacement::{displacements, largest};
use crate::elasticity::stiffness_at;
use crate::error::LandscapeError;
use crate::rebuild::Rebuilder;
use crate::settings::SearchSettings;

/// The minimum at one strain.
#[derive(Clone, Debug)]
pub struct MinimumPoint {
    /// Strain from the search cell.
    pub gamma: f64,
    /// Coordinates `[length]`.
    pub x: Vec<f64>,
    /// Energy `[energy]`.
    pub energy: f64,
    /// Stress `[energy / length³]`.
    pub stress: Stress,
    /// Volume of the cell `[length³]`.
    pub volume: f64,
    /// Relaxed stiffness, at the strains that were asked for; `None` between them, and where it
    /// cannot be solved for.
    pub stiffness: Option<Stiffness>,
}

/// A minimum followed along a loading, for the events that start from it.
#[derive(Debug)]
pub struct LoadedMinimum {
    pub(super) rebuilder: Rebuilder,
    pub(super) loading: Loading,
    pub(super) load: LoadSettings,
    pub(super) gammas: Vec<f64>,
    /// All points followed, from zero outward.
    points: Vec<MinimumPoint>,
    unstable: Option<(f64, f64)>,
    /// Settings for saddles: one that is still there is found at a fraction of a search's cost.
    pub(super) following: SearchSettings,
}

/// Force evaluations for following a saddle through one step.
const FOLLOWING: u64 = 400;

impl LoadedMinimum {
    /// Follows `minimum` (the polished one of a catalogue, with the settings of its searches) through
    /// the strains `gammas`, which lead away from zero to one side, until it becomes unstable.
    ///
    /// # Errors
    /// [`LandscapeError`]: settings or strains out of bounds, a structure that is no stable minimum,
    /// a cell strained to nothing.
    pub fn follow(
        minimum: &InherentStructure,
        loading: Loading,
        gammas: &[f64],
        settings: &SearchSettings,
        load: LoadSettings,
    ) -> Result<Self, LandscapeError> {
        check_order(gammas)?;
        let mut followed = Self {
            rebuilder: Rebuilder::new(minimum, settings.clone())?,
            loading,
            load,
            gammas: gammas.to_vec(),
            points: Vec::new(),
            unstable: None,
            following: SearchSettings {
                max_force_evaluations: settings.max_force_evaluations.min(FOLLOWING),
                ..settings.clone()
            },
        };
        let start = minimum.coordinates();
        let origin = followed
            .relaxed(0.0, &start)?
            .ok_or(LandscapeError::NotAMinimum)?;
        followed.points.push(origin);
        followed.stiffen()?;
        let mut pace = Pace::new(f64::INFINITY);
        for &goal in gammas {
            if goal == 0.0 {
                continue;
            }
            if !followed.advance(goal, &mut pace)? {
                break;
            }
            followed.stiffen()?;
        }
        Ok(followed)
    }

    /// Follows to `goal`; false where the minimum becomes unstable before.
    fn advance(&mut self, goal: f64, pace: &mut Pace) -> Result<bool, LandscapeError> {
        loop {
            let last = &self.points[self.points.len() - 1];
            let at = last.gamma;
            let (gamma, arrives) = pace.next(at, goal);
            let next = self.relaxed(gamma, &self.extrapolated(gamma))?;
            let next = next.filter(|next| self.is_continuous(last, next));
            if let Some(next) = next {
                self.points.push(next);
                pace.went_well();
                if arrives {
                    return Ok(true);
                }
            } else {
                if (gamma - at).abs() <= self.load.tolerance {
                    self.unstable = Some((at, gamma));
                    return Ok(false);
                }
                pace.failed(gamma - at);
            }
        }
    }

    /// Coordinates at `gamma` by the last two points.
    fn extrapolated(&self, gamma: f64) -> Vec<f64> {
        let last = &self.points[self.points.len() - 1];
        let mut x = self.loading.carried(&last.x, last.gamma, gamma);
        if let [.., before, _] = &self.points[..] {
            let affine = self.loading.carried(&before.x, before.gamma, last.gamma);
            let ratio = (gamma - last.gamma) / (last.gamma - before.gamma);
            for ((x, now), then) in x.iter_mut().zip(&last.x).zip(&affine) {
                *x += ratio * (now - then);
            }
        }
        x
    }

    /// The minimum at `gamma` near `guess`; `None` where there is none.
    fn relaxed(&self, gamma: f64, guess: &[f64]) -> Result<Option<MinimumPoint>, LandscapeError> {
        let mut landscape = self.landscape(gamma)?;
        let settings = self.rebuilder.settings();
        let preconditioner = self.rebuilder.preconditioner();
        let descended = descend(
            &mut landscape,
            guess,
            preconditioner,
            DescentLimits {
                force_tolerance: settings.force_tolerance,
                largest_step: settings.relaxation_step,
                evaluations: 10 * settings.max_force_evaluations,
            },
        );
        let tolerance = self.rebuilder.tolerance();
        let lower = polish(&mut landscape, descended, preconditioner, tolerance);
        let field = displacements(landscape.cell(), &unflatten(guess), &unflatten(&lower.x));
        let moved = largest(&field);
        if lower.outcome != DescentOutcome::Converged || moved.is_nan() || moved > CONTINUOUS {
            return Ok(None);
        }
        Ok(Some(MinimumPoint {
            gamma,
            energy: lower.energy,
            stress: landscape.stress(&lower.x).unwrap_or_default(),
            volume: landscape.cell().volume(),
            x: lower.x,
            stiffness: None,
        }))
    }

    /// Whether the energies of two points differ as their stresses say.
    fn is_continuous(&self, one: &MinimumPoint, other: &MinimumPoint) -> bool {
        let slope = |point: &MinimumPoint| self.slope(point.gamma, point.stress, point.volume);
        let expected = 0.5 * (slope(one) + slope(other)) * (other.gamma - one.gamma);
        (other.energy - one.energy - expected).abs() < ENERGY_JUMP
    }

    /// dE/dγ = V σ : U F⁻¹ of a stationary point.
    pub(super) fn slope(&self, gamma: f64, stress: Stress, volume: f64) -> f64 {
        volume * stress.to_matrix().dot(&self.loading.rate(gamma))
    }

    fn stiffen(&mut self) -> Result<(), LandscapeError> {
        let Some(last) = self.points.last() else {
            return Ok(());
        };
        let mut landscape = self.landscape(last.gamma)?;
        let stiffness = stiffness_at(&mut landscape, &last.x, self.rebuilder.preconditioner()).ok();
        if let Some(last) = self.points.last_mut() {
            last.stiffness = stiffness;
        }
        Ok(())
    }

    /// The landscape at `gamma`.
    pub(super) fn landscape(&self, gamma: f64) -> Result<FixedCell, LandscapeError> {
        let minimum = self.rebuilder.minimum();
        self.loading
            .landscape(minimum.configuration(), minimum.force_field(), gamma)
    }

    /// The minimum at any strain between those followed; `None` beyond the last.
    pub(super) fn at(&self, gamma: f64) -> Result<Option<MinimumPoint>, LandscapeError> {
        let beyond = self
            .points
            .iter()
            .position(|point| point.gamma.abs() >= gamma.abs());
        let Some(beyond) = beyond else {
            return Ok(None);
        };
        let far = &self.points[beyond];
        if far.gamma == gamma {
            return Ok(Some(far.clone()));
        }
        let near = &self.points[beyond - 1];
        let share = (gamma - near.gamma) / (far.gamma - near.gamma);
        let mut guess = self.loading.carried(&near.x, near.gamma, gamma);
        let other = self.loading.carried(&far.x, far.gamma, gamma);
        for (guess, other) in guess.iter_mut().zip(&other) {
            *guess += share * (other - *guess);
        }
        self.relaxed(gamma, &guess)
    }

    /// The points followed, those between the requested strains, too.
    pub fn points(&self) -> &[MinimumPoint] {
        &self.points
    }

    /// The last strain at which the minimum was stable and the next at which it was not; `None` where
    /// it followed to the end.
    pub fn unstable(&self) -> Option<(f64, f64)> {
        self.unstable
    }

    /// Follows an event of the minimum through the same strains, until it vanishes. What happens to it
    /// is in the result.
    ///
    /// # Errors
    /// [`LandscapeError::ForeignEvent`] where it does not belong to the minimum.
    pub fn follow_event(&self, event: &EventRecord) -> Result<FollowedEvent, LandscapeError> {
        follow_event(self, event)
    }
}
