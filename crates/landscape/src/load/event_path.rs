//! An event followed under load, beside its minimum.

use metabasin_atoms::{Dipole, PlasticVolume};
use metabasin_catalogue::EventRecord;
use serde::{Deserialize, Serialize};

use super::landscape::LoadedLandscape;
use super::minimum_path::{LoadedMinimum, MinimumPoint};
use super::release::{Released, release};
use super::{CONTINUOUS, ENERGY_JUMP, Pace, dipole_of, shear_volume};
use crate::climb::{Ascent, Climb, ClimbOutcome, WhenConvex, follow_mode};
use crate::descent::DescentOutcome;
use crate::error::LandscapeError;
use crate::lowest_mode::LowestMode;
use crate::rebuild::RebuildError;
use crate::settings::SearchSettings;
use crate::verify::descend_both_sides;

/// What became of an event under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadedState {
    /// Minimum, saddle and their connection still exist.
    Followed,
    /// The saddle met the minimum that it starts from: the barrier is used up.
    BarrierVanished,
    /// The saddle is gone while there was a barrier left: it met its final minimum (its reverse
    /// barrier was going to zero), or a saddle with two negative eigenvalues, as where a soft spot
    /// elsewhere gives way while the event is at its saddle.
    SaddleVanished,
    /// The minimum became unstable by another event.
    MinimumUnstable,
    /// The saddle exists, but no longer descends to the minimum.
    Disconnected,
    /// The saddle has more than one negative eigenvalue, or none.
    WrongIndex,
    /// The stored event could not be converged again at zero load.
    NotRebuilt,
}

impl LoadedState {
    /// The name that outputs show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Followed => "followed",
            Self::BarrierVanished => "barrier_vanished",
            Self::SaddleVanished => "saddle_vanished",
            Self::MinimumUnstable => "minimum_unstable",
            Self::Disconnected => "disconnected",
            Self::WrongIndex => "wrong_index",
            Self::NotRebuilt => "not_rebuilt",
        }
    }
}

/// An event at one load, where it exists.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadedBarrier {
    /// The load, in units of its direction: a strain from the search cell, or a stress beyond that of the
    /// minimum in the search cell.
    pub gamma: f64,
    /// Barrier; of the enthalpy where the stress is given `[energy]`.
    pub barrier: f64,
    /// Barrier from the other side `[energy]`; `None` where that side was not descended (between the
    /// loads that were asked for) or did not converge.
    pub barrier_reverse: Option<f64>,
    /// d(barrier)/dγ by Hellmann and Feynman: V (σ^sad − σ^min) : U F⁻¹ at fixed cell, −Θ : Q where the
    /// stress is given.
    pub slope: f64,
    /// Lowest eigenvalue at the saddle, of atoms and cell where the cell gives way
    /// `[energy / length²]`.
    pub lowest_eigenvalue: f64,
    /// P = V (σ^min − σ^sad) at this load `[energy]`: next to nothing where the stress is given.
    pub dipole: Dipole,
    /// Activation volume −∂ΔH/∂Σ `[length³]`. Where the strain is given, Q = S : P with the compliance at
    /// this strain, linear elasticity; `None` between the strains that were asked for, and for an
    /// elastically unstable sample. Where the stress is given, Q = V₀ (e^sad − e^min), exact.
    pub plastic: Option<PlasticVolume>,
}

impl LoadedBarrier {
    /// Activation volume for simple shear at fixed stress, 2 Q_xy `[length³]`.
    pub fn omega_xy(&self) -> Option<f64> {
        self.plastic.map(shear_volume)
    }
}

/// Where an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadEnd {
    /// What became of it.
    pub state: LoadedState,
    /// The last load at which it existed; it ends within [`super::LoadSettings::tolerance`] of it.
    pub last: f64,
    /// The first load at which it did not.
    pub first_without: f64,
    /// Where its last barrier and slope say that the barrier reaches zero, with
    /// ΔE ∝ (γ_c − γ)^(3/2): γ_c = γ − (3/2) ΔE / (dΔE/dγ). `None` where the barrier grows.
    pub extrapolated: Option<f64>,
}

/// An event followed under load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowedEvent {
    /// At the requested loads that it reached, verified.
    pub points: Vec<LoadedBarrier>,
    /// At all loads through which it was followed.
    pub path: Vec<LoadedBarrier>,
    /// How it ended; `None` where it was followed to the last load.
    pub end: Option<LoadEnd>,
}

/// How near the extrapolated end of a barrier must be to where the event ended, in tolerances, for
/// the barrier to be what vanished.
const NEAR: f64 = 10.0;

/// The saddle at one load.
struct SaddlePoint {
    x: Vec<f64>,
    energy: f64,
    mode: Vec<f64>,
    /// dE/dγ of the saddle itself.
    slope: f64,
    barrier: LoadedBarrier,
}

struct Tracker<'a> {
    minimum: &'a LoadedMinimum,
    /// The last two saddles.
    last: Option<SaddlePoint>,
    before: Option<(f64, Vec<f64>)>,
    /// Whether every step is verified, as it is after one failed to.
    careful: bool,
}

pub(super) fn follow_event(
    minimum: &LoadedMinimum,
    event: &EventRecord,
) -> Result<FollowedEvent, LandscapeError> {
    let mut followed = FollowedEvent {
        points: Vec::new(),
        path: Vec::new(),
        end: None,
    };
    let ended = |state| LoadEnd {
        state,
        last: 0.0,
        first_without: 0.0,
        extrapolated: None,
    };
    let rebuilt = match minimum.rebuilder.rebuild(event) {
        Ok(rebuilt) => rebuilt,
        Err(RebuildError::ForeignEvent { atom, atoms }) => {
            return Err(LandscapeError::ForeignEvent { atom, atoms });
        }
        Err(_) => {
            followed.end = Some(ended(LoadedState::NotRebuilt));
            return Ok(followed);
        }
    };
    let mut tracker = Tracker {
        minimum,
        last: None,
        before: None,
        careful: false,
    };
    let (saddle, mode) = if minimum.loading.is_stress() {
        let Some(Released { x, mode }) = release(minimum, &rebuilt)? else {
            followed.end = Some(ended(LoadedState::SaddleVanished));
            return Ok(followed);
        };
        (x, mode)
    } else {
        (rebuilt.saddle, rebuilt.mode)
    };
    match tracker.try_at(0.0, &saddle, &mode, true)? {
        Ok(saddle) => tracker.accept(saddle, minimum.gammas.first() == Some(&0.0), &mut followed),
        Err(state) => {
            followed.end = Some(ended(state));
            return Ok(followed);
        }
    }
    let mut pace = Pace::new(f64::INFINITY);
    for &goal in minimum.gammas.iter().filter(|goal| **goal != 0.0) {
        followed.end = tracker.advance(goal, &mut pace, &mut followed)?;
        if followed.end.is_some() {
            break;
        }
    }
    Ok(followed)
}

impl Tracker<'_> {
    fn advance(
        &mut self,
        goal: f64,
        pace: &mut Pace,
        followed: &mut FollowedEvent,
    ) -> Result<Option<LoadEnd>, LandscapeError> {
        loop {
            if self.minimum.rebuilder.minimum().interrupt().is_requested() {
                return Err(LandscapeError::Interrupted);
            }
            let Some(last) = &self.last else {
                return Ok(None);
            };
            let at = last.barrier.gamma;
            let (gamma, arrives) = pace.next(at, goal);
            let guess = self.extrapolated(last, gamma);
            let mode = last.mode.clone();
            match self.try_at(gamma, &guess, &mode, arrives || self.careful)? {
                Ok(saddle) => {
                    self.accept(saddle, arrives, followed);
                    pace.went_well();
                    if arrives {
                        return Ok(None);
                    }
                }
                Err(state) => {
                    self.careful |=
                        matches!(state, LoadedState::Disconnected | LoadedState::WrongIndex);
                    if (gamma - at).abs() > self.minimum.load.tolerance {
                        pace.failed(gamma - at);
                        continue;
                    }
                    return Ok(Some(self.end(state, gamma)));
                }
            }
        }
    }

    fn accept(&mut self, saddle: SaddlePoint, requested: bool, followed: &mut FollowedEvent) {
        followed.path.push(saddle.barrier);
        if requested {
            followed.points.push(saddle.barrier);
        }
        if let Some(last) = self.last.replace(saddle) {
            self.before = Some((last.barrier.gamma, last.x));
        }
    }

    /// The end of an event that could not be followed to `gamma` any more.
    fn end(&self, state: LoadedState, gamma: f64) -> LoadEnd {
        let last = self.last.as_ref().map(|last| last.barrier);
        let at = last.map_or(0.0, |last| last.gamma);
        let extrapolated = last.and_then(|last| {
            let left = -1.5 * last.barrier / last.slope;
            (left.is_finite() && left * gamma > 0.0).then_some(at + left)
        });
        // One event takes the minimum with it, the others only see it go.
        let near = NEAR * self.minimum.load.tolerance;
        let used_up = extrapolated.is_some_and(|end| (end - gamma).abs() < near);
        let state = match state {
            LoadedState::SaddleVanished | LoadedState::MinimumUnstable if used_up => {
                LoadedState::BarrierVanished
            }
            other => other,
        };
        LoadEnd {
            state,
            last: at,
            first_without: gamma,
            extrapolated,
        }
    }

    fn extrapolated(&self, last: &SaddlePoint, gamma: f64) -> Vec<f64> {
        let loading = &self.minimum.loading;
        let at = last.barrier.gamma;
        let mut x = loading.carried(&last.x, at, gamma);
        if let Some((before, earlier)) = &self.before {
            let affine = loading.carried(earlier, *before, at);
            let ratio = (gamma - at) / (at - before);
            for ((x, now), then) in x.iter_mut().zip(&last.x).zip(&affine) {
                *x += ratio * (now - then);
            }
        }
        x
    }

    /// The saddle at `gamma` near `guess`, or why there is none.
    fn try_at(
        &self,
        gamma: f64,
        guess: &[f64],
        mode: &[f64],
        verified: bool,
    ) -> Result<Result<SaddlePoint, LoadedState>, LandscapeError> {
        let Some(lower) = self.minimum.at(gamma)? else {
            return Ok(Err(LoadedState::MinimumUnstable));
        };
        let mut landscape = self.minimum.landscape(gamma)?;
        let rebuilder = &self.minimum.rebuilder;
        let ascent = Ascent {
            origin: (&lower.x, lower.energy),
            start: guess,
            guess: mode,
            tolerance: rebuilder.tolerance(),
            when_convex: WhenConvex::GiveUp,
        };
        let preconditioner = self.minimum.preconditioner();
        let climb = follow_mode(
            &mut landscape,
            &ascent,
            &self.minimum.following,
            &preconditioner,
        );
        let moved = landscape.moved(guess, &climb.x);
        let (ClimbOutcome::Saddle, Some(mode)) = (climb.outcome, &climb.mode) else {
            return Ok(Err(LoadedState::SaddleVanished));
        };
        if moved.is_nan() || moved > CONTINUOUS || climb.energy <= lower.energy {
            return Ok(Err(LoadedState::SaddleVanished));
        }
        let response = landscape.response(&climb.x);
        let dipole = dipole_of(((response.stress - lower.stress) * lower.volume).0);
        let plastic = if self.minimum.loading.is_stress() {
            let strain = response.strain - lower.strain;
            Some(PlasticVolume((strain * self.minimum.search_volume()).0))
        } else {
            let stiffness = lower.stiffness.filter(|_| verified);
            stiffness.and_then(|stiffness| stiffness.plastic_volume(dipole).ok())
        };
        let slope = self.minimum.slope(gamma, &response);
        let mut barrier = LoadedBarrier {
            gamma,
            barrier: climb.energy - lower.energy,
            barrier_reverse: None,
            slope: slope - self.minimum.slope(gamma, &lower.response()),
            lowest_eigenvalue: mode.eigenvalue,
            dipole,
            plastic,
        };
        if let Some(last) = &self.last {
            // Its energy must have changed as its stress says.
            let expected = 0.5 * (last.slope + slope) * (gamma - last.barrier.gamma);
            let off = (climb.energy - last.energy - expected).abs();
            if off.is_nan() || off >= ENERGY_JUMP {
                return Ok(Err(LoadedState::SaddleVanished));
            }
        }
        if verified {
            match self.verify(&mut landscape, &climb, mode, &lower) {
                Ok(reverse) => barrier.barrier_reverse = reverse,
                Err(state) => return Ok(Err(state)),
            }
        }
        Ok(Ok(SaddlePoint {
            energy: climb.energy,
            mode: mode.direction.clone(),
            x: climb.x,
            slope,
            barrier,
        }))
    }

    /// Counts the index and descends on both sides; the barrier from the other side.
    fn verify(
        &self,
        landscape: &mut LoadedLandscape,
        climb: &Climb,
        mode: &LowestMode,
        lower: &MinimumPoint,
    ) -> Result<Option<f64>, LoadedState> {
        let rebuilder = &self.minimum.rebuilder;
        let settings = rebuilder.settings();
        let preconditioner = &self.minimum.preconditioner();
        let mut mode = mode.clone();
        let index = landscape.count_index(&climb.x, &mut mode, settings, preconditioner);
        if index != 1 {
            return Err(LoadedState::WrongIndex);
        }
        // Soft spots with tiny barriers flip in a coarse descent: a finer one decides.
        let fine = SearchSettings {
            relaxation_step: 0.3 * settings.relaxation_step,
            descent_step: 0.3 * settings.descent_step,
            ..settings.clone()
        };
        for settings in [settings, &fine] {
            let sides = descend_both_sides(landscape, climb, &lower.x, settings, preconditioner);
            for (side, other) in [(&sides.back, &sides.forth), (&sides.forth, &sides.back)] {
                let home = side.outcome == DescentOutcome::Converged
                    && landscape.moved(&lower.x, &side.x) < settings.return_distance;
                if home {
                    let converged = other.outcome == DescentOutcome::Converged;
                    return Ok(converged.then_some(climb.energy - other.energy));
                }
            }
        }
        Err(LoadedState::Disconnected)
    }
}
