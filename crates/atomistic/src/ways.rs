//! One way out of a minimum of a glass: from a guess, or from the neighbor that it leads to.

use metabasin_interactions::FixedCell;
use metabasin_landscape::{
    Approach, Ascent, Leaving, Preconditioner, Sides, WhenConvex, approach, follow_mode,
    hessian_preconditioner, sides,
};

use crate::error::AtomisticError;
use crate::field::sum;
use crate::frequencies::HESSIANS;
use crate::glass::GlassTerrain;
use crate::terrain::{Minimum, Terrain, WayOut};

/// Whether the attempt frequencies of a way are measured or declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptFrequency {
    Measured,
    Declared,
}

impl GlassTerrain<'_> {
    /// The way out over the saddle found by following the lowest mode from `minimum` + `guess`, if one
    /// of its sides descends to the minimum, and the force evaluations that took.
    pub(crate) fn converge(
        &self,
        minimum: &Minimum,
        guess: &[f64],
        frequency: AttemptFrequency,
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        if !self.goes_on() {
            return Err(AtomisticError::Stopped);
        }
        let mut landscape = self.landscape(&minimum.x)?;
        let preconditioner = hessian_preconditioner(&mut landscape, &minimum.x)?;
        let ascent = Ascent {
            origin: (&minimum.x, minimum.energy),
            start: &sum(&minimum.x, guess),
            guess,
            tolerance: self.settings().force_tolerance,
            when_convex: WhenConvex::GiveUp,
        };
        let saddle = follow_mode(&mut landscape, &ascent, self.settings(), &preconditioner);
        let mut spent = saddle.counts.search();
        let displacement = |x: &[f64]| self.displacement(&minimum.x, x);
        let tolerance = self.settings().force_tolerance;
        let from = leaving(minimum, &preconditioner, &displacement, tolerance);
        let (beside, descents) = sides(&mut landscape, from, &saddle, self.settings());
        spent += descents;
        let way = match beside {
            Sides::Home(behind) => {
                let found = Approach { saddle, behind };
                let (way, measured) = self.way(minimum, &mut landscape, &found, frequency);
                spent += measured;
                Some(way)
            }
            Sides::Elsewhere(_) | Sides::Nowhere => None,
        };
        if !self.goes_on() {
            return Err(AtomisticError::Stopped);
        }
        Ok((way, spent))
    }

    /// The first way out on the path to the minimum at `end` from here, and what it took; behind it may
    /// lie another minimum ([`approach`]).
    pub(crate) fn way_towards(
        &self,
        minimum: &Minimum,
        landscape: &mut FixedCell,
        preconditioner: &dyn Preconditioner,
        end: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        if !self.goes_on() {
            return Err(AtomisticError::Stopped);
        }
        let displacement = |x: &[f64]| self.displacement(&minimum.x, x);
        let tolerance = self.settings().force_tolerance;
        let from = leaving(minimum, preconditioner, &displacement, tolerance);
        let (found, counts) = approach(landscape, from, end, self.settings());
        let mut spent = counts.search();
        let way = found.map(|found| {
            let frequency = AttemptFrequency::Measured;
            let (way, measured) = self.way(minimum, landscape, &found, frequency);
            spent += measured;
            way
        });
        if !self.goes_on() {
            return Err(AtomisticError::Stopped);
        }
        Ok((way, spent))
    }

    /// A pass as a way out, and what its attempt frequencies took.
    fn way(
        &self,
        minimum: &Minimum,
        landscape: &mut FixedCell,
        found: &Approach,
        frequency: AttemptFrequency,
    ) -> (WayOut, u64) {
        let Approach { saddle: at, behind } = found;
        let saddle = self.displacement(&minimum.x, &at.x);
        let end = behind.displacement.clone();
        let mode = at.mode.as_ref().map(|mode| &mode.direction);
        let (prefactors, spent) = match (frequency, mode) {
            (AttemptFrequency::Measured, Some(mode)) => {
                let stationary = [&minimum.x[..], &at.x, &behind.x];
                let moves = [&saddle[..], &end];
                let measured = self.prefactors(landscape, stationary, moves, mode);
                (measured, HESSIANS)
            }
            _ => (None, 0),
        };
        let way = WayOut {
            saddle,
            end,
            barrier: at.energy - minimum.energy,
            end_energy: behind.energy - minimum.energy,
            prefactors,
        };
        (way, spent)
    }
}

/// A minimum as a landscape leaves it; what lies beside its passes is converged like itself.
fn leaving<'a>(
    minimum: &'a Minimum,
    preconditioner: &'a dyn Preconditioner,
    displacement: &'a dyn Fn(&[f64]) -> Vec<f64>,
    descent_tolerance: f64,
) -> Leaving<'a> {
    Leaving {
        x: &minimum.x,
        energy: minimum.energy,
        preconditioner,
        displacement,
        descent_tolerance,
    }
}
