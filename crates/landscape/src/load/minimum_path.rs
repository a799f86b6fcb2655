//! A minimum followed under load.

use metabasin_atoms::{Stiffness, Strain, Stress};
use metabasin_catalogue::EventRecord;
use metabasin_minimizers::InherentStructure;

use super::event_path::{FollowedEvent, follow_event};
use super::landscape::{BorderedPreconditioner, LoadedLandscape};
use super::loading::{Loading, Response};
use super::{CONTINUOUS, ENERGY_JUMP, LoadSettings, Pace, check_order};
use crate::descent::{DescentLimits, DescentOutcome, descend, polish};
use crate::elasticity::stiffness_at;
use crate::error::LandscapeError;
use crate::rebuild::Rebuilder;
use crate::settings::SearchSettings;

/// The minimum at one load.
#[derive(Clone, Debug)]
pub struct MinimumPoint {
    /// The load, in units of its direction.
    pub gamma: f64,
    /// Coordinates; those of the cell come last where it gives way `[length]`.
    pub x: Vec<f64>,
    /// Energy; enthalpy where the stress is given `[energy]`.
    pub energy: f64,
    /// Cauchy stress `[energy / length³]`.
    pub stress: Stress,
    /// Volume of the cell `[length³]`.
    pub volume: f64,
    /// Strain of the cell from the search cell.
    pub strain: Strain,
    /// Relaxed stiffness, at the strains that were asked for; `None` between them, where it cannot be
    /// solved for, and where the stress is given.
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
    /// What the preconditioner has on its diagonal for the cell's coordinates, where there are any.
    cell_diagonal: Vec<f64>,
}

/// Force evaluations for following a saddle through one step.
const FOLLOWING: u64 = 400;

impl MinimumPoint {
    pub(super) fn response(&self) -> Response {
        Response {
            stress: self.stress,
            volume: self.volume,
            strain: self.strain,
        }
    }
}

impl LoadedMinimum {
    /// Follows `minimum` (the polished one of a catalogue, with the settings of its searches) through
    /// the loads `gammas`, which lead away from zero to one side, until it becomes unstable.
    ///
    /// # Errors
    /// [`LandscapeError`]: settings or loads out of bounds, a structure that is no stable minimum,
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
            cell_diagonal: Vec::new(),
        };
        let start = loading.entered(&minimum.coordinates());
        followed.cell_diagonal = followed.landscape(0.0)?.cell_diagonal(&start);
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
            if self.rebuilder.minimum().interrupt().is_requested() {
                return Err(LandscapeError::Interrupted);
            }
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
        let preconditioner = self.preconditioner();
        let descended = descend(
            &mut landscape,
            guess,
            &preconditioner,
            DescentLimits {
                force_tolerance: settings.force_tolerance,
                largest_step: settings.relaxation_step,
                evaluations: 10 * settings.max_force_evaluations,
            },
        );
        let tolerance = self.rebuilder.tolerance();
        let lower = polish(&mut landscape, descended, &preconditioner, tolerance);
        let moved = landscape.moved(guess, &lower.x);
        if lower.outcome != DescentOutcome::Converged || moved.is_nan() || moved > CONTINUOUS {
            return Ok(None);
        }
        let Response {
            stress,
            volume,
            strain,
        } = landscape.response(&lower.x);
        Ok(Some(MinimumPoint {
            gamma,
            energy: lower.energy,
            stress,
            volume,
            strain,
            x: lower.x,
            stiffness: None,
        }))
    }

    /// Whether the energies of two points differ as their slopes say.
    fn is_continuous(&self, one: &MinimumPoint, other: &MinimumPoint) -> bool {
        let slope = |point: &MinimumPoint| self.slope(point.gamma, &point.response());
        let expected = 0.5 * (slope(one) + slope(other)) * (other.gamma - one.gamma);
        (other.energy - one.energy - expected).abs() < ENERGY_JUMP
    }

    /// d(energy)/dγ of a stationary point.
    pub(super) fn slope(&self, gamma: f64, point: &Response) -> f64 {
        self.loading.slope(gamma, point, self.search_volume())
    }

    /// V₀, the volume of the search cell.
    pub(super) fn search_volume(&self) -> f64 {
        self.rebuilder.minimum().configuration().cell.volume()
    }

    fn stiffen(&mut self) -> Result<(), LandscapeError> {
        let Some(last) = self.points.last() else {
            return Ok(());
        };
        let LoadedLandscape::Strained(mut landscape, _) = self.landscape(last.gamma)? else {
            return Ok(());
        };
        let stiffness = stiffness_at(&mut landscape, &last.x, self.rebuilder.preconditioner()).ok();
        if let Some(last) = self.points.last_mut() {
            last.stiffness = stiffness;
        }
        Ok(())
    }

    /// The landscape at `gamma`.
    pub(super) fn landscape(&self, gamma: f64) -> Result<LoadedLandscape, LandscapeError> {
        self.loading.landscape(self.rebuilder.minimum(), gamma)
    }

    /// The inverse Hessian of the minimum, nearly.
    pub(super) fn preconditioner(&self) -> BorderedPreconditioner<'_> {
        BorderedPreconditioner {
            atoms: self.rebuilder.preconditioner(),
            cell: &self.cell_diagonal,
        }
    }

    /// The minimum at any load between those followed; `None` beyond the last.
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

    /// The points followed, those between the requested loads, too.
    pub fn points(&self) -> &[MinimumPoint] {
        &self.points
    }

    /// The last load at which the minimum was stable and the next at which it was not; `None` where
    /// it followed to the end.
    pub fn unstable(&self) -> Option<(f64, f64)> {
        self.unstable
    }

    /// Follows an event of the minimum through the same loads, until it vanishes. What happens to it
    /// is in the result.
    ///
    /// # Errors
    /// [`LandscapeError::ForeignEvent`] where it does not belong to the minimum.
    pub fn follow_event(&self, event: &EventRecord) -> Result<FollowedEvent, LandscapeError> {
        follow_event(self, event)
    }
}
