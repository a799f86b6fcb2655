//! From a minimum over the first pass on the way to a neighboring one.

use metabasin_catalogue::EvaluationCounts;
use metabasin_interactions::{Counted, EnergyLandscape};

use crate::climb::{Ascent, Climb, ClimbOutcome, WhenConvex, follow_mode};
use crate::descent::{DescentLimits, DescentOutcome, descend};
use crate::flat::add_scaled;
use crate::preconditioner::Preconditioner;
use crate::relaxed_line::{FirstPass, first_pass};
use crate::settings::SearchSettings;
use crate::straight_line::highest_along;

/// Steps of the way to a neighbor.
const PARTS: u32 = 12;
/// So often a minimum between the start and the neighbor takes the latter's place.
const NEARER: u32 = 3;

/// The minimum that is left.
#[derive(Clone, Copy)]
pub struct Leaving<'a> {
    /// Coordinates.
    pub x: &'a [f64],
    /// Its energy `[energy]`.
    pub energy: f64,
    /// Of its Hessian.
    pub preconditioner: &'a dyn Preconditioner,
    /// The displacement from it to a place `[length]`: by the nearest images and without rigid drift,
    /// where the landscape has such.
    pub displacement: &'a dyn Fn(&[f64]) -> Vec<f64>,
    /// Largest force of the minima beside a saddle `[energy / length]`.
    pub descent_tolerance: f64,
}

/// A minimum beside a saddle.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// Coordinates.
    pub x: Vec<f64>,
    /// Its energy `[energy]`.
    pub energy: f64,
    /// Displacement there from the minimum that was left `[length]`.
    pub displacement: Vec<f64>,
}

/// What lies beside a saddle.
#[derive(Clone, Debug, PartialEq)]
pub enum Sides {
    /// The minimum that was left, and another one.
    Home(Beside),
    /// Two others: the nearer one.
    Elsewhere(Beside),
    /// Nothing that a descent reaches, or the same minimum twice.
    Nowhere,
}

/// A pass: its saddle, and the minimum behind.
#[derive(Clone, Debug)]
pub struct Approach {
    /// Converged; its lowest mode is known.
    pub saddle: Climb,
    /// The minimum on its other side.
    pub behind: Beside,
}

/// The first pass on the way from a minimum to the one at `end` from it, and what looking for it
/// took; behind it may lie another minimum. None where no way was found, or on an interrupt.
///
/// The climb starts beside the first pass of a line that gives way ([`first_pass`]), or, where that
/// leads nowhere, at the highest point of the straight line. A saddle between two other minima gives
/// the nearer one as the next neighbor.
pub fn approach(
    landscape: &mut dyn EnergyLandscape,
    from: Leaving<'_>,
    end: &[f64],
    settings: &SearchSettings,
) -> (Option<Approach>, EvaluationCounts) {
    let mut counts = EvaluationCounts::default();
    let mut end = end.to_vec();
    for _ in 0..=NEARER {
        let mut nearer = None;
        for look in [beside_the_first_pass, on_the_straight_line] {
            if landscape.is_interrupted() {
                return (None, counts);
            }
            let mut counted = Counted::new(&mut *landscape);
            let pass = look(&mut counted, from, &end, settings);
            counts.basin += counted.force_evaluations();
            let Some(pass) = pass else { continue };
            let length = landscape.largest_force(&end);
            let climb = over(landscape, from, &pass, length, settings);
            counts.add(&climb.counts);
            let (sides, spent) = sides(landscape, from, &climb, settings);
            counts.descent += spent;
            match sides {
                Sides::Home(behind) => {
                    let saddle = climb;
                    return (Some(Approach { saddle, behind }), counts);
                }
                Sides::Elsewhere(beside) => {
                    nearer = Some(beside.displacement);
                    break;
                }
                Sides::Nowhere => {}
            }
        }
        match nearer {
            Some(nearer) => end = nearer,
            None => break,
        }
    }
    (None, counts)
}

fn beside_the_first_pass(
    landscape: &mut dyn EnergyLandscape,
    from: Leaving<'_>,
    end: &[f64],
    settings: &SearchSettings,
) -> Option<FirstPass> {
    first_pass(
        landscape,
        (from.x, from.energy),
        end,
        PARTS,
        from.preconditioner,
        settings.relaxation_step,
    )
}

fn on_the_straight_line(
    landscape: &mut dyn EnergyLandscape,
    from: Leaving<'_>,
    end: &[f64],
    _: &SearchSettings,
) -> Option<FirstPass> {
    let (energy, place) = highest_along(landscape, from.x, end, PARTS);
    energy.is_finite().then(|| FirstPass {
        place: end.iter().map(|u| place * u).collect(),
        direction: end.to_vec(),
    })
}

/// Climbs from beside a pass, in steps that are short beside the `length` of the way.
fn over(
    landscape: &mut dyn EnergyLandscape,
    from: Leaving<'_>,
    pass: &FirstPass,
    length: f64,
    settings: &SearchSettings,
) -> Climb {
    let settings = SearchSettings {
        soft_step: 0.5 * length / f64::from(PARTS),
        uphill_step: settings.relaxation_step,
        ..settings.clone()
    };
    let mut start = from.x.to_vec();
    add_scaled(&mut start, 1.0, &pass.place);
    let ascent = Ascent {
        origin: (from.x, from.energy),
        start: &start,
        guess: &pass.direction,
        tolerance: settings.force_tolerance,
        when_convex: WhenConvex::FollowMode,
    };
    follow_mode(landscape, &ascent, &settings, from.preconditioner)
}

/// Descends from both sides of where a climb ended, and the force evaluations that took.
pub fn sides(
    landscape: &mut dyn EnergyLandscape,
    from: Leaving<'_>,
    climb: &Climb,
    settings: &SearchSettings,
) -> (Sides, u64) {
    let (ClimbOutcome::Saddle, Some(mode)) = (climb.outcome, &climb.mode) else {
        return (Sides::Nowhere, 0);
    };
    let limits = DescentLimits {
        force_tolerance: from.descent_tolerance,
        largest_step: settings.relaxation_step,
        evaluations: settings.max_force_evaluations,
    };
    let size = settings.descent_step / landscape.largest_force(&mode.direction);
    let mut spent = 0;
    let mut home = false;
    let mut others = Vec::new();
    for sign in [-1.0, 1.0] {
        let mut x = climb.x.clone();
        add_scaled(&mut x, sign * size, &mode.direction);
        let mut counted = Counted::new(&mut *landscape);
        let side = descend(&mut counted, &x, from.preconditioner, limits);
        spent += counted.force_evaluations();
        if side.outcome != DescentOutcome::Converged {
            return (Sides::Nowhere, spent);
        }
        let displacement = (from.displacement)(&side.x);
        if landscape.largest_force(&displacement) < settings.return_distance {
            home = true;
        } else {
            others.push(Beside {
                x: side.x,
                energy: side.energy,
                displacement,
            });
        }
    }
    let length = |beside: &Beside| landscape.largest_force(&beside.displacement);
    others.sort_by(|a, b| length(a).total_cmp(&length(b)));
    let sides = match others.into_iter().next() {
        Some(behind) if home => Sides::Home(behind),
        Some(nearer) => Sides::Elsewhere(nearer),
        None => Sides::Nowhere,
    };
    (sides, spent)
}
