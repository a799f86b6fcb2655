//! The first climb of a search that left its basin by heat: over the pass to the minimum that it fell
//! into, or to one before it.

use metabasin_catalogue::EvaluationCounts;
use metabasin_interactions::{Counted, EnergyLandscape, largest_norm};
use rand_pcg::Pcg64;

use crate::active_region::shared;
use crate::climb::{Ascent, Climb, ClimbOutcome, WhenConvex, climb_from_minimum, follow_mode};
use crate::flat::{add_scaled, difference, scale};
use crate::heating::{HeatSettings, heated_out};
use crate::levels::{FROZEN_HEIGHT, Failure, Level, Start, leads_back, part, tolerance};
use crate::settings::SearchSettings;

/// Points on the straight line to the other minimum at which the energy is looked at.
const POINTS: u32 = 8;
/// Lines that rise higher than this run atoms into each other `[energy]`: the way is not straight.
const HIGHEST_LINE: f64 = 50.0;
/// So often a minimum between the start and the other one takes the latter's place.
const NEARER: u32 = 3;

/// A saddle of the region `level` one side of which leads back to the start and the other elsewhere.
///
/// Heats the atoms of the region until they fall into another minimum, climbs from the highest point
/// of the straight line to it (where that runs atoms into each other: from the start, pushed that
/// way), and, where the saddle lies between two other minima, does so again for the nearer of them.
pub(crate) fn heated_climb(
    level: &mut Level<'_>,
    start: &Start<'_>,
    (heat, random): (&HeatSettings, &mut Pcg64),
    when_convex: WhenConvex,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Result<Climb, Box<Failure>> {
    let share = level.share();
    let origin = level.enter(start.x, start);
    let (landscape, preconditioner) = level.parts(start);
    let mut counted = Counted::new(landscape);
    let largest_step = settings.relaxation_step;
    let found = heated_out(
        &mut counted,
        &origin,
        preconditioner,
        heat,
        largest_step,
        random,
    );
    counts.basin += part(counted.force_evaluations(), share);
    let mut displacement = found.ok_or_else(|| Box::new(Failure::NotHeatedOut))?;
    let mut nearer = 0;
    loop {
        let climb = climb_towards(level, start, &displacement, when_convex, settings, counts)?;
        let alone = std::slice::from_mut(level);
        let back = leads_back(alone, start, &climb, settings, counts);
        match back.map_err(|failure| *failure) {
            Ok(()) => return Ok(climb),
            Err(Failure::Disconnected(_, sides)) if nearer < NEARER => {
                nearer += 1;
                let [a, b] = sides.map(|side| difference(&side, start.x));
                let side = if largest_norm(&a) <= largest_norm(&b) {
                    a
                } else {
                    b
                };
                displacement = level.restrict(&side);
            }
            Err(failure) => return Err(Box::new(failure)),
        }
    }
}

/// Climbs from the highest point of the straight line along `displacement`, or, where that is a
/// wall, from the minimum, pushed that way.
fn climb_towards(
    level: &mut Level<'_>,
    start: &Start<'_>,
    displacement: &[f64],
    when_convex: WhenConvex,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Result<Climb, Box<Failure>> {
    let share = level.share();
    let settings = SearchSettings {
        force_tolerance: tolerance(level, settings),
        energy_window: settings.energy_window * FROZEN_HEIGHT,
        ..settings.clone()
    };
    let origin = level.enter(start.x, start);
    let (landscape, preconditioner) = level.parts(start);
    let mut gradient = vec![0.0; origin.len()];
    let energy = landscape.evaluate(&origin, &mut gradient);
    let (height, place) = highest_along(landscape, &origin, displacement, &mut gradient);
    counts.basin += part(u64::from(POINTS), share);
    let mut climb = if height - energy < HIGHEST_LINE {
        let mut x = origin.clone();
        add_scaled(&mut x, place, displacement);
        let ascent = Ascent {
            origin: (&origin, energy),
            start: &x,
            guess: displacement,
            tolerance: settings.force_tolerance,
            when_convex,
        };
        follow_mode(landscape, &ascent, &settings, preconditioner)
    } else {
        let mut push = displacement.to_vec();
        scale(
            &mut push,
            settings.push_step / landscape.largest_force(displacement),
        );
        climb_from_minimum(
            landscape,
            &origin,
            energy,
            &push,
            when_convex,
            &settings,
            preconditioner,
        )
    };
    counts.add(&shared(climb.counts, share));
    climb.energy += start.energy - energy;
    let climb = level.in_the_sample(climb, start, start.x);
    match climb.outcome {
        ClimbOutcome::Saddle => Ok(climb),
        _ => Err(Box::new(Failure::Climb(climb))),
    }
}

/// The highest energy on the straight line from `origin` along `displacement`, and at which share of
/// it; infinite where atoms come to lie on top of each other.
fn highest_along(
    landscape: &mut dyn EnergyLandscape,
    origin: &[f64],
    displacement: &[f64],
    gradient: &mut [f64],
) -> (f64, f64) {
    (1..POINTS)
        .map(|k| {
            let place = f64::from(k) / f64::from(POINTS);
            let mut x = origin.to_vec();
            add_scaled(&mut x, place, displacement);
            let energy = landscape.evaluate(&x, gradient);
            (
                if energy.is_nan() {
                    f64::INFINITY
                } else {
                    energy
                },
                place,
            )
        })
        .fold((f64::NEG_INFINITY, 0.5), |best, point| {
            if point.0 > best.0 { point } else { best }
        })
}
