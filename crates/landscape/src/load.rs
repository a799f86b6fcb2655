//! An event followed under load.

use metabasin_atoms::Dipole;
use metabasin_catalogue::EventRecord;
use metabasin_interactions::{Counted, EnergyLandscape, FixedCell, flatten, unflatten};
use metabasin_minimizers::InherentStructure;
use nalgebra::Vector3;

use crate::climb::{Ascent, ClimbOutcome, WhenConvex, follow_mode};
use crate::descent::{Descent, DescentLimits, DescentOutcome, descend, polish};
use crate::displacement::{displacements, largest};
use crate::elasticity::{hessian_preconditioner, stiffness_at};
use crate::error::LandscapeError;
use crate::settings::SearchSettings;
use crate::verify::{count_index, descend_both_sides, polish_tolerance, returned};

/// A step under load in which an atom moves farther than this beyond the affine strain has left
/// its stationary point `[length]`.
const LEFT: f64 = 0.3;

/// What became of an event at one strain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadedState {
    /// Minimum, saddle and their connection still exist.
    Followed,
    /// The minimum became unstable on the way.
    MinimumUnstable,
    /// The saddle merged with a minimum, or the path to it was lost.
    SaddleVanished,
    /// The saddle exists, but no longer descends to the minimum.
    Disconnected,
}

impl LoadedState {
    /// The name that outputs show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Followed => "followed",
            Self::MinimumUnstable => "minimum_unstable",
            Self::SaddleVanished => "saddle_vanished",
            Self::Disconnected => "disconnected",
        }
    }
}

/// An event at one strain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadedBarrier {
    /// Engineering shear strain from the search cell.
    pub gamma: f64,
    /// Barrier `[energy]`; NaN unless followed.
    pub barrier: f64,
    /// d(barrier)/dγ = V (σ_xy^sad − σ_xy^min) at fixed cell `[energy]`; NaN unless followed.
    pub slope: f64,
    /// Activation volume for simple shear at fixed stress, 2 Q_xy with Q = S : P and the stiffness
    /// at this strain `[length³]`; NaN unless followed and elastically stable.
    pub omega_xy: f64,
    /// P = V (σ^min − σ^sad) at this strain; zero unless followed.
    pub dipole: Dipole,
    /// What became of it.
    pub state: LoadedState,
}

/// Follows an event's barrier through the shear strains `gammas` (each taken from the one before,
/// so list them in the order of loading, outward from zero): strains the cell and both stationary
/// points, minimizes again, converges the saddle again and checks that it is still connected.
/// Stops where the event vanishes.
///
/// # Errors
/// [`LandscapeError`] where event and minimum do not belong together.
pub fn follow_load(
    minimum: &InherentStructure,
    event: &EventRecord,
    gammas: &[f64],
    settings: &SearchSettings,
) -> Result<Vec<LoadedBarrier>, LandscapeError> {
    settings.validate()?;
    let atoms = minimum.configuration().len();
    let mut saddle = minimum.configuration().positions.clone();
    let field = &event.displacement_saddle;
    for (&atom, &displacement) in field.atoms.iter().zip(&field.displacements) {
        let position = saddle
            .get_mut(atom as usize)
            .ok_or(LandscapeError::ForeignEvent { atom, atoms })?;
        *position += Vector3::from(displacement);
    }
    let mut configuration = minimum.configuration().clone();
    let mut strained = 0.0;
    let mut steps = Vec::new();
    for &gamma in gammas {
        let change = gamma - strained;
        strained = gamma;
        configuration = configuration.sheared(change);
        for position in &mut saddle {
            position.x += change * position.y;
        }
        let landscape = FixedCell::new(&configuration, minimum.force_field())?;
        let step = loaded_step(
            landscape,
            &mut configuration.positions,
            &mut saddle,
            gamma,
            settings,
        )?;
        steps.push(step);
        if step.state != LoadedState::Followed {
            break;
        }
    }
    Ok(steps)
}

fn loaded_step(
    mut landscape: FixedCell,
    minimum: &mut Vec<Vector3<f64>>,
    saddle: &mut Vec<Vector3<f64>>,
    gamma: f64,
    settings: &SearchSettings,
) -> Result<LoadedBarrier, LandscapeError> {
    let ended = |state| LoadedBarrier {
        gamma,
        barrier: f64::NAN,
        slope: f64::NAN,
        omega_xy: f64::NAN,
        dipole: Dipole::ZERO,
        state,
    };
    let cell = *landscape.cell();
    let tolerance = polish_tolerance(minimum.len());
    let affine = flatten(minimum);
    let preconditioner = hessian_preconditioner(&mut landscape, &affine)?;
    let descended = descend(
        &mut landscape,
        &affine,
        &preconditioner,
        DescentLimits {
            force_tolerance: settings.force_tolerance,
            largest_step: settings.relaxation_step,
            evaluations: 10 * settings.max_force_evaluations,
        },
    );
    let lower: Descent = polish(&mut landscape, descended, &preconditioner, tolerance);
    let relaxed = unflatten(&lower.x);
    if lower.outcome != DescentOutcome::Converged
        || largest(&displacements(&cell, minimum, &relaxed)) > LEFT
    {
        return Ok(ended(LoadedState::MinimumUnstable));
    }
    let guess: Vec<f64> = flatten(&displacements(&cell, &relaxed, saddle));
    let ascent = Ascent {
        origin: (&lower.x, lower.energy),
        start: &flatten(saddle),
        guess: &guess,
        tolerance,
        when_convex: WhenConvex::GiveUp,
    };
    let climb = follow_mode(&mut landscape, &ascent, settings, &preconditioner);
    let upper = unflatten(&climb.x);
    let moved = largest(&displacements(&cell, saddle, &upper));
    if climb.outcome != ClimbOutcome::Saddle || moved > LEFT || climb.energy <= lower.energy {
        return Ok(ended(LoadedState::SaddleVanished));
    }
    let mode = climb.mode.as_ref().map(|mode| mode.direction.clone());
    let index = mode.map(|mode| {
        let mut counted = Counted::new(&mut landscape);
        count_index(&mut counted, &climb.x, &mode, settings, &preconditioner).index
    });
    if index != Some(1) {
        return Ok(ended(LoadedState::SaddleVanished));
    }
    // Soft spots with tiny barriers flip in a coarse descent: a finer one decides.
    let fine = SearchSettings {
        relaxation_step: 0.3 * settings.relaxation_step,
        ..settings.clone()
    };
    let connected = [settings, &fine].into_iter().any(|settings| {
        let sides = descend_both_sides(&mut landscape, &climb, &lower.x, settings, &preconditioner);
        returned(&landscape, &sides.back, &relaxed, settings)
            || returned(&landscape, &sides.forth, &relaxed, settings)
    });
    if !connected {
        return Ok(ended(LoadedState::Disconnected));
    }
    let stress = |landscape: &mut FixedCell, x: &[f64]| landscape.stress(x).unwrap_or_default();
    let change =
        (stress(&mut landscape, &climb.x) - stress(&mut landscape, &lower.x)) * cell.volume();
    let dipole = Dipole((-change).0);
    let stiffness = stiffness_at(&mut landscape, &lower.x, &preconditioner)?;
    let plastic = stiffness.plastic_volume(dipole);
    *minimum = relaxed;
    *saddle = upper;
    Ok(LoadedBarrier {
        gamma,
        barrier: climb.energy - lower.energy,
        slope: change.xy(),
        omega_xy: plastic.map_or(f64::NAN, |plastic| 2.0 * plastic.xy()),
        dipole,
        state: LoadedState::Followed,
    })
}
