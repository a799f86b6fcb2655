//! The stationary points of a stored event, converged again.

use metabasin_catalogue::{DisplacementField, EventRecord};
use metabasin_interactions::{FixedCell, flatten, unflatten};
use metabasin_minimizers::{InherentStructure, TruncatedNewton};
use nalgebra::Vector3;
use thiserror::Error;

use crate::climb::{Ascent, ClimbOutcome, WhenConvex, follow_mode};
use crate::displacement::displacements;
use crate::elasticity::hessian_preconditioner;
use crate::error::LandscapeError;
use crate::index::converged_mode;
use crate::preconditioner::IncompleteCholesky;
use crate::settings::SearchSettings;
use crate::verify::{polish_tolerance, polished};

/// An energy that differs by more than this from the stored one belongs to another stationary
/// point `[energy]`.
const ENERGY_TOLERANCE: f64 = 1e-6;

/// Why a stored event could not be rebuilt.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RebuildError {
    /// The event does not belong to the sample.
    #[error("names atom {atom}, but the sample has {atoms} atoms")]
    ForeignEvent {
        /// Index of the atom.
        atom: u32,
        /// Atoms of the sample.
        atoms: usize,
    },
    /// A stationary point does not converge from the stored displacements.
    #[error("its {point} does not converge again: {detail}")]
    NotConverged {
        /// `saddle` or `final minimum`.
        point: &'static str,
        /// What happened.
        detail: String,
    },
    /// A stationary point converged, but to another one.
    #[error("its {point} converges at the energy {found}, but {stored} is stored")]
    Elsewhere {
        /// `saddle` or `final minimum`.
        point: &'static str,
        /// Energy above the minimum, as stored `[energy]`.
        stored: f64,
        /// Energy above the minimum, as found `[energy]`.
        found: f64,
    },
}

/// Saddle and final minimum of an event, converged to the tolerance of stored stationary points.
#[derive(Clone, Debug)]
pub struct StationaryPoints {
    /// Coordinates of the saddle.
    pub saddle: Vec<f64>,
    /// Energy of the saddle `[energy]`.
    pub saddle_energy: f64,
    /// Lowest mode at the saddle, a unit vector over all coordinates.
    pub mode: Vec<f64>,
    /// Coordinates of the final minimum.
    pub last: Vec<f64>,
    /// Energy of the final minimum `[energy]`.
    pub last_energy: f64,
    /// Displacements minimum → saddle, one an atom `[length]`.
    pub field_saddle: Vec<Vector3<f64>>,
    /// Displacements minimum → final minimum `[length]`.
    pub field_last: Vec<Vector3<f64>>,
}

impl StationaryPoints {
    /// The atoms that moved more than `threshold` from the minimum to the saddle or to the final
    /// minimum, in ascending order.
    pub fn core(&self, threshold: f64) -> Vec<usize> {
        let moved = |k: usize| self.field_saddle[k].norm().max(self.field_last[k].norm());
        (0..self.field_last.len())
            .filter(|&k| moved(k) > threshold)
            .collect()
    }

    /// The atom that moves farthest from the minimum to the final minimum.
    pub fn most_mobile(&self) -> usize {
        let mut atom = 0;
        for (k, u) in self.field_last.iter().enumerate() {
            if u.norm_squared() > self.field_last[atom].norm_squared() {
                atom = k;
            }
        }
        atom
    }
}

/// Rebuilds the stationary points of events that start from one minimum.
#[derive(Debug)]
pub struct Rebuilder {
    minimum: InherentStructure,
    coordinates: Vec<f64>,
    preconditioner: IncompleteCholesky,
    settings: SearchSettings,
    tolerance: f64,
}

impl Rebuilder {
    /// For the events of `minimum`, the one that the catalogue stores, with the settings of its
    /// searches. Polishes it where it is not.
    ///
    /// # Errors
    /// [`LandscapeError`] where settings are out of bounds or the structure is no stable minimum.
    pub fn new(
        minimum: &InherentStructure,
        settings: SearchSettings,
    ) -> Result<Self, LandscapeError> {
        settings.validate()?;
        let minimum = polished(minimum)?;
        let coordinates = minimum.coordinates();
        let preconditioner = hessian_preconditioner(&mut minimum.landscape(), &coordinates)?;
        Ok(Self {
            tolerance: polish_tolerance(minimum.configuration().len()),
            minimum,
            coordinates,
            preconditioner,
            settings,
        })
    }

    /// The minimum.
    pub fn minimum(&self) -> &InherentStructure {
        &self.minimum
    }

    /// A landscape of the minimum's atoms without memory of earlier calls.
    pub fn landscape(&self) -> FixedCell {
        self.minimum.landscape()
    }

    /// The preconditioner at the minimum.
    pub(crate) fn preconditioner(&self) -> &IncompleteCholesky {
        &self.preconditioner
    }

    /// The settings.
    pub(crate) fn settings(&self) -> &SearchSettings {
        &self.settings
    }

    /// The largest force of its stationary points `[energy / length]`.
    pub(crate) fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// Coordinates of the minimum moved by a stored field.
    fn moved(&self, field: &DisplacementField) -> Result<Vec<f64>, RebuildError> {
        let mut x = self.coordinates.clone();
        let atoms = x.len() / 3;
        for (&atom, displacement) in field.atoms.iter().zip(&field.displacements) {
            let at = x
                .get_mut(3 * atom as usize..3 * atom as usize + 3)
                .ok_or(RebuildError::ForeignEvent { atom, atoms })?;
            for (x, u) in at.iter_mut().zip(displacement) {
                *x += u;
            }
        }
        Ok(x)
    }

    /// Puts the stored displacements on the minimum and converges saddle and final minimum again.
    ///
    /// # Errors
    /// [`RebuildError`] where one does not converge, or to another energy than the stored one.
    pub fn rebuild(&self, event: &EventRecord) -> Result<StationaryPoints, RebuildError> {
        let mut landscape = self.landscape();
        let cell = *landscape.cell();
        let positions = &self.minimum.configuration().positions;
        let start = self.moved(&event.displacement_saddle)?;
        let onward = self.moved(&event.displacement_final)?;
        let between = |from: &[f64], to: &[f64]| {
            flatten(&displacements(&cell, &unflatten(from), &unflatten(to)))
        };
        let mut follow = |guess: &[f64]| {
            let ascent = Ascent {
                origin: (&self.coordinates, self.minimum.energy()),
                start: &start,
                guess,
                tolerance: self.tolerance,
                when_convex: WhenConvex::GiveUp,
            };
            follow_mode(
                &mut landscape,
                &ascent,
                &self.settings,
                &self.preconditioner,
            )
        };
        // The mode is mostly along the way to the saddle; where the short Lanczos iterations of a
        // climb miss it from there, a long one from the way on finds it.
        let mut climb = follow(&between(&self.coordinates, &start));
        if climb.outcome != ClimbOutcome::Saddle {
            let guess = between(&start, &onward);
            let mode = converged_mode(&mut self.landscape(), &start, &guess, &self.preconditioner);
            climb = follow(&mode.direction);
        }
        let (ClimbOutcome::Saddle, Some(mode)) = (climb.outcome, climb.mode) else {
            return Err(RebuildError::NotConverged {
                point: "saddle",
                detail: format!(
                    "{:?}, largest force {:.3e}",
                    climb.outcome, climb.largest_force
                ),
            });
        };
        let elsewhere = |point, stored: f64, found: f64| {
            let near = (stored - found).abs() < ENERGY_TOLERANCE;
            (!near).then_some(RebuildError::Elsewhere {
                point,
                stored,
                found,
            })
        };
        let barrier = climb.energy - self.minimum.energy();
        if let Some(error) = elsewhere("saddle", event.barrier_forward, barrier) {
            return Err(error);
        }
        let mut configuration = self.minimum.configuration().clone();
        configuration.positions = unflatten(&onward);
        let minimizer = TruncatedNewton::default();
        let field = self.minimum.force_field();
        let quenched = InherentStructure::quench(&configuration, field, &minimizer, self.tolerance);
        let (last, _) = quenched.map_err(|error| RebuildError::NotConverged {
            point: "final minimum",
            detail: error.to_string(),
        })?;
        let stored = event.barrier_forward - event.barrier_reverse;
        let found = last.energy() - self.minimum.energy();
        if let Some(error) = elsewhere("final minimum", stored, found) {
            return Err(error);
        }
        let field_saddle = displacements(&cell, positions, &unflatten(&climb.x));
        let field_last = displacements(&cell, positions, &last.configuration().positions);
        Ok(StationaryPoints {
            saddle: climb.x,
            saddle_energy: climb.energy,
            mode: mode.direction,
            last: last.coordinates(),
            last_energy: last.energy(),
            field_saddle,
            field_last,
        })
    }
}
