//! One way out of a minimum of a glass: from a guess, or from the neighbor that it leads to.

use metabasin_interactions::{Counted, EnergyLandscape, FixedCell};
use metabasin_landscape::{
    Ascent, Climb, ClimbOutcome, FirstPass, Preconditioner, SearchSettings, WhenConvex, first_pass,
    follow_mode, hessian_preconditioner, highest_along,
};
use metabasin_minimizers::{Lbfgs, Minimizer};

use crate::error::AtomisticError;
use crate::field::{largest, sum};
use crate::frequencies::HESSIANS;
use crate::glass::GlassTerrain;
use crate::terrain::{Minimum, Terrain, WayOut};

/// Steps of the way to a neighbor.
const PARTS: u32 = 12;
/// So often a minimum between the start and the neighbor takes the latter's place.
const NEARER: u32 = 3;

/// Whether the attempt frequencies of a way are measured or declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptFrequency {
    Measured,
    Declared,
}

/// What lies beside a saddle.
enum Sides {
    /// The minimum that the climb left, and another one.
    Home(WayOut),
    /// Two others: displacement to the nearer one.
    Elsewhere(Vec<f64>),
    /// Nothing that a descent reaches.
    Nowhere,
}

fn beside_the_first_pass(
    landscape: &mut dyn EnergyLandscape,
    from: (&[f64], f64),
    end: &[f64],
    preconditioner: &dyn Preconditioner,
    largest_step: f64,
) -> Option<FirstPass> {
    first_pass(landscape, from, end, PARTS, preconditioner, largest_step)
}

fn on_the_straight_line(
    landscape: &mut dyn EnergyLandscape,
    (origin, _): (&[f64], f64),
    end: &[f64],
    _: &dyn Preconditioner,
    _: f64,
) -> Option<FirstPass> {
    let (energy, place) = highest_along(landscape, origin, end, PARTS);
    energy.is_finite().then(|| FirstPass {
        place: end.iter().map(|u| place * u).collect(),
        direction: end.to_vec(),
    })
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
        let climb = follow_mode(&mut landscape, &ascent, self.settings(), &preconditioner);
        let (sides, spent) = self.sides(minimum, &mut landscape, &climb, frequency);
        if !self.goes_on() {
            return Err(AtomisticError::Stopped);
        }
        let way = match sides {
            Sides::Home(way) => Some(way),
            Sides::Elsewhere(_) | Sides::Nowhere => None,
        };
        Ok((way, spent))
    }

    /// The first way out on the path to the minimum at `end` from here, and what it took; behind it may
    /// lie another minimum.
    ///
    /// The climb starts beside the first pass of a line that gives way, or, where that leads nowhere, at
    /// the highest point of the straight line. A saddle between two other minima gives the nearer one
    /// as the next neighbor.
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
            let mut sides = Sides::Nowhere;
            for look in [beside_the_first_pass, on_the_straight_line] {
                let mut counted = Counted::new(&mut *landscape);
                let across = self.settings().relaxation_step;
                let from = (&minimum.x[..], minimum.energy);
                let pass = look(&mut counted, from, &end, preconditioner, across);
                spent += counted.force_evaluations();
                if let Some(pass) = pass {
                    let length = largest(&end, 3);
                    let climb = self.over(minimum, landscape, &pass, length, preconditioner);
                    let measured = AttemptFrequency::Measured;
                    let (found, cost) = self.sides(minimum, landscape, &climb, measured);
                    spent += cost;
                    sides = found;
                }
                if !matches!(sides, Sides::Nowhere) {
                    break;
                }
            }
            if !self.goes_on() {
                return Err(AtomisticError::Stopped);
            }
            match sides {
                Sides::Home(way) => return Ok((Some(way), spent)),
                Sides::Elsewhere(nearer) => end = nearer,
                Sides::Nowhere => break,
            }
        }
        Ok((None, spent))
    }

    /// Climbs from beside a pass, in steps that are short beside the `length` of the way.
    fn over(
        &self,
        minimum: &Minimum,
        landscape: &mut FixedCell,
        pass: &FirstPass,
        length: f64,
        preconditioner: &dyn Preconditioner,
    ) -> Climb {
        let settings = SearchSettings {
            soft_step: 0.5 * length / f64::from(PARTS),
            uphill_step: self.settings().relaxation_step,
            ..self.settings().clone()
        };
        let ascent = Ascent {
            origin: (&minimum.x, minimum.energy),
            start: &sum(&minimum.x, &pass.place),
            guess: &pass.direction,
            tolerance: settings.force_tolerance,
            when_convex: WhenConvex::FollowMode,
        };
        follow_mode(landscape, &ascent, &settings, preconditioner)
    }

    /// Descends from both sides of a saddle; costs of the climb counted.
    fn sides(
        &self,
        minimum: &Minimum,
        landscape: &mut FixedCell,
        climb: &Climb,
        frequency: AttemptFrequency,
    ) -> (Sides, u64) {
        let mut spent = climb.counts.basin + climb.counts.lowest_mode + climb.counts.climb;
        let (ClimbOutcome::Saddle, Some(mode)) = (climb.outcome, &climb.mode) else {
            return (Sides::Nowhere, spent);
        };
        let settings = self.settings();
        let minimizer = Lbfgs::default().with_longest_move(settings.descent_step);
        let size = settings.descent_step / largest(&mode.direction, 3);
        let mut home = false;
        let mut beyond: Vec<(Vec<f64>, f64, Vec<f64>)> = Vec::new();
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
                beyond.push((displacement, side.energy, side.x));
            }
        }
        beyond.sort_by(|a, b| largest(&a.0, 3).total_cmp(&largest(&b.0, 3)));
        let sides = match beyond.into_iter().next() {
            Some((end, energy, behind)) if home => {
                let saddle = self.displacement(&minimum.x, &climb.x);
                let mut prefactors = None;
                if frequency == AttemptFrequency::Measured {
                    let stationary = [&minimum.x[..], &climb.x, &behind];
                    let moves = [&saddle[..], &end];
                    prefactors = self.prefactors(landscape, stationary, moves, &mode.direction);
                    spent += HESSIANS;
                }
                Sides::Home(WayOut {
                    saddle,
                    barrier: climb.energy - minimum.energy,
                    end_energy: energy - minimum.energy,
                    prefactors,
                    end,
                })
            }
            Some((nearer, ..)) => Sides::Elsewhere(nearer),
            None => Sides::Nowhere,
        };
        (sides, spent)
    }
}
