//! Events followed under load.
//!
//! [`LoadedMinimum`] loads a minimum along a [`Loading`], a strain of its cell or a stress under which the
//! cell gives way, and follows it until it becomes unstable;
//! [`LoadedMinimum::follow_event`] follows one of its saddles beside it, until the event vanishes.
//! Steps are taken from the point before (extrapolated) and are halved wherever a stationary point
//! does not follow continuously; what cannot be followed by a step of
//! [`LoadSettings::tolerance`] is gone.

mod dead_load;
mod event_path;
mod landscape;
mod loading;
mod minimum_path;
mod release;

use metabasin_atoms::{Dipole, PlasticVolume};

pub use event_path::{FollowedEvent, LoadEnd, LoadedBarrier, LoadedState};
pub use loading::Loading;
pub use minimum_path::{LoadedMinimum, MinimumPoint};

/// A stationary point that an atom leaves by more than this in one step, beyond what was
/// extrapolated, did not follow continuously `[length]`.
const CONTINUOUS: f64 = 0.1;

/// Nor did one whose energy changed otherwise than its stress says (trapezoidal rule) by more than
/// this in one step `[energy]`.
const ENERGY_JUMP: f64 = 2e-3;

/// How barriers are followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadSettings {
    /// The load at which something vanishes is bracketed to this, in units of the loading's direction.
    pub tolerance: f64,
}

impl Default for LoadSettings {
    fn default() -> Self {
        Self { tolerance: 1e-5 }
    }
}

/// Activation volume for simple shear in xy, 2 Q_xy `[length³]`.
fn shear_volume(plastic: PlasticVolume) -> f64 {
    2.0 * plastic.xy()
}

/// Step lengths towards requested loads: halved after a failure, doubled after two steps that went
/// well.
#[derive(Clone, Copy, Debug)]
struct Pace {
    length: f64,
    well: u32,
}

impl Pace {
    fn new(length: f64) -> Self {
        Self { length, well: 0 }
    }

    /// Where the next step from `at` ends, and whether that is `goal`.
    fn next(&self, at: f64, goal: f64) -> (f64, bool) {
        let left = goal - at;
        // A remainder much shorter than the step is taken along.
        if left.abs() <= 1.001 * self.length {
            (goal, true)
        } else {
            (at + self.length.copysign(left), false)
        }
    }

    fn went_well(&mut self) {
        self.well += 1;
        if self.well >= 2 {
            self.length *= 2.0;
            self.well = 0;
        }
    }

    /// Halves the step that just failed.
    fn failed(&mut self, tried: f64) {
        self.length = 0.5 * tried.abs();
        self.well = 0;
    }
}

/// P = −V Δσ of a change of stress times volume.
fn dipole_of(change: [f64; 6]) -> Dipole {
    -Dipole(change)
}

/// Requested loads lead away from zero.
fn check_order(gammas: &[f64]) -> Result<(), crate::LandscapeError> {
    let mut last = 0.0_f64;
    for (k, &next) in gammas.iter().enumerate() {
        let onward = next.abs() > last.abs() && next * last >= 0.0;
        if !next.is_finite() || !(onward || (k == 0 && next == 0.0)) {
            return Err(crate::LandscapeError::StrainOrder { last, next });
        }
        last = next;
    }
    Ok(())
}
