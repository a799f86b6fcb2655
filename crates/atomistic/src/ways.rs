//! One way out of a minimum of a glass: from a guess, or from the neighbor that it leads to.

use metabasin_interactions::{Counted, FixedCell};
use metabasin_landscape::{
    Ascent, Climb, ClimbOutcome, Preconditioner, SearchSettings, WhenConvex, climb_from_minimum,
    follow_mode, hessian_preconditioner, highest_along,
};
use metabasin_minimizers::{Lbfgs, Minimizer};

use crate::error::AtomisticError;
use crate::field::largest;
use crate::glass::GlassTerrain;
use crate::terrain::{Minimum, Terrain, WayOut};

/// Pushes that would lead to the neighbor if nothing gave way.
const PUSHES: u32 = 8;
/// Pushes, of the same length, before the basin of the minimum must have ended.
const MOST_PUSHES: u32 = 24;
/// The basin has ended where the lowest eigenvalue is below minus this `[energy / length²]`: a tenth
/// of what searches ask for, whose passes are 100 times as high as those of soft spots.
const ESCAPE_CURVATURE: f64 = 0.5;
/// Parts of the straight line to a neighbor, between which the energy is looked at.
const PARTS: u32 = 12;
/// So often a minimum between the start and the neighbor takes the latter's place.
const NEARER: u32 = 3;

/// What lies beside a saddle.
enum Sides {
    /// The minimum that the climb left, and another one.
    Home(WayOut),
    /// Two others: displacement to the nearer one.
    Elsewhere(Vec<f64>),
    /// Nothing that a descent reaches.
    Nowhere,
}

impl GlassTerrain<'_> {
    /// The way out over the saddle found by following the lowest mode from `minimum` + `guess`, if one
    /// of its sides descends to the minimum, and the force evaluations that took.
    pub(crate) fn converge(
        &self,
        minimum: &Minimum,
        guess: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        if !self.goes_on() {
            return Err(AtomisticError::Stopped);
        }
        let mut landscape = self.landscape(&minimum.x)?;
        let preconditioner = hessian_preconditioner(&mut landscape, &minimum.x)?;
        let climb = self.follow(
            minimum,
            &mut landscape,
            guess,
            WhenConvex::GiveUp,
            &preconditioner,
        );
        let (sides, spent) = self.sides(minimum, &mut landscape, &climb);
        let way = match sides {
            Sides::Home(way) => Some(way),
            Sides::Elsewhere(_) | Sides::Nowhere => None,
        };
        Ok((way, spent))
    }

    /// The first way out on the path to the minimum at `end` from here, and what it took; behind it may
    /// lie another minimum.
    ///
    /// Pushed towards the neighbor and relaxed across the push, the sample rides over the first pass,
    /// even one of 0.006 ε where the straight line rises to 0.28 ε; where it does not, the climb starts at the
    /// highest point of that line. A saddle between two other minima gives the nearer one as the
    /// next neighbor.
    pub(crate) fn way_towards(
        &self,
        minimum: &Minimum,
        landscape: &mut FixedCell,
        preconditioner: &dyn Preconditioner,
        end: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        let mut end = end.to_vec();
        let mut spent = 0;
        for _ in 0..=NEARER {
            if !self.goes_on() {
                return Err(AtomisticError::Stopped);
            }
            let climb = self.pushed(minimum, landscape, preconditioner, &end);
            let (mut sides, cost) = self.sides(minimum, landscape, &climb);
            spent += cost;
            if matches!(sides, Sides::Nowhere) {
                let (_, place) = highest_along(landscape, &minimum.x, &end, PARTS);
                spent += u64::from(PARTS) - 1;
                let guess: Vec<f64> = end.iter().map(|u| place * u).collect();
                let follow = WhenConvex::FollowMode;
                let climb = self.follow(minimum, landscape, &guess, follow, preconditioner);
                let (others, cost) = self.sides(minimum, landscape, &climb);
                spent += cost;
                sides = others;
            }
            match sides {
                Sides::Home(way) => return Ok((Some(way), spent)),
                Sides::Elsewhere(nearer) => end = nearer,
                Sides::Nowhere => break,
            }
        }
        Ok((None, spent))
    }

    fn pushed(
        &self,
        minimum: &Minimum,
        landscape: &mut FixedCell,
        preconditioner: &dyn Preconditioner,
        end: &[f64],
    ) -> Climb {
        let settings = SearchSettings {
            first_pushes: 1,
            basin_cycles: MOST_PUSHES,
            push_step: largest(end, 3) / f64::from(PUSHES),
            escape_curvature: ESCAPE_CURVATURE,
            uphill_step: self.settings().relaxation_step,
            ..self.settings().clone()
        };
        let push: Vec<f64> = end.iter().map(|u| u / f64::from(PUSHES)).collect();
        climb_from_minimum(
            landscape,
            &minimum.x,
            minimum.energy,
            &push,
            WhenConvex::GiveUp,
            &settings,
            preconditioner,
        )
    }

    fn follow(
        &self,
        minimum: &Minimum,
        landscape: &mut FixedCell,
        guess: &[f64],
        when_convex: WhenConvex,
        preconditioner: &dyn Preconditioner,
    ) -> Climb {
        let start: Vec<f64> = minimum.x.iter().zip(guess).map(|(x, u)| x + u).collect();
        let ascent = Ascent {
            origin: (&minimum.x, minimum.energy),
            start: &start,
            guess,
            tolerance: self.settings().force_tolerance,
            when_convex,
        };
        follow_mode(landscape, &ascent, self.settings(), preconditioner)
    }

    /// Descends from both sides of a saddle; costs of the climb counted.
    fn sides(&self, minimum: &Minimum, landscape: &mut FixedCell, climb: &Climb) -> (Sides, u64) {
        let mut spent = climb.counts.basin + climb.counts.lowest_mode + climb.counts.climb;
        let (ClimbOutcome::Saddle, Some(mode)) = (climb.outcome, &climb.mode) else {
            return (Sides::Nowhere, spent);
        };
        let settings = self.settings();
        let minimizer = Lbfgs::default().with_longest_move(settings.descent_step);
        let size = settings.descent_step / largest(&mode.direction, 3);
        let mut home = false;
        let mut beyond: Vec<(Vec<f64>, f64)> = Vec::new();
        for sign in [-1.0, 1.0] {
            let mut x = climb.x.clone();
            for (x, u) in x.iter_mut().zip(&mode.direction) {
                *x += sign * size * u;
            }
            let mut counted = Counted::new(&mut *landscape);
            let side = minimizer.minimize(&mut counted, &x, settings.force_tolerance);
            spent += counted.force_evaluations();
            if !side.converged() {
                return (Sides::Nowhere, spent);
            }
            let displacement = self.displacement(&minimum.x, &side.x);
            if largest(&displacement, 3) < settings.return_distance {
                home = true;
            } else {
                beyond.push((displacement, side.energy));
            }
        }
        beyond.sort_by(|a, b| largest(&a.0, 3).total_cmp(&largest(&b.0, 3)));
        let sides = match beyond.into_iter().next() {
            Some((end, energy)) if home => Sides::Home(WayOut {
                saddle: self.displacement(&minimum.x, &climb.x),
                end,
                barrier: climb.energy - minimum.energy,
                end_energy: energy - minimum.energy,
                prefactors: None,
            }),
            Some((nearer, _)) => Sides::Elsewhere(nearer),
            None => Sides::Nowhere,
        };
        (sides, spent)
    }
}
