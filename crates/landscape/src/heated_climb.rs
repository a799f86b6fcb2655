//! The first climb of a search that left its basin by heat: over the pass to the minimum that it fell
//! into, or to one before it.

use metabasin_catalogue::EvaluationCounts;
use metabasin_interactions::{Counted, largest_norm};
use rand_pcg::Pcg64;

use crate::climb::{Ascent, Climb, WhenConvex, climb_from_minimum, follow_mode};
use crate::flat::{add_scaled, difference, scale};
use crate::heating::{HeatSettings, heated_out};
use crate::levels::{Failure, Level, Start, climb_out, leads_back, part};
use crate::settings::SearchSettings;
use crate::straight_line::highest_along;

/// Parts of the straight line to the other minimum, between which the energy is looked at.
const PARTS: u32 = 8;
/// Lines that rise higher than this run atoms into each other `[energy]`: the way is not straight.
const HIGHEST_LINE: f64 = 50.0;
/// A quench in which an atom ends farther than this from its place is another minimum `[length]`.
const OTHER_MINIMUM: f64 = 0.2;
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
    let sizes = (settings.relaxation_step, OTHER_MINIMUM);
    let found = heated_out(&mut counted, &origin, preconditioner, heat, sizes, random);
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
    climb_out(level, start, settings, counts, |bottom, settings| {
        let landscape = bottom.landscape;
        let (height, place) = highest_along(landscape, bottom.x, displacement, PARTS);
        let mut climb = if height - bottom.energy < HIGHEST_LINE {
            let mut x = bottom.x.to_vec();
            add_scaled(&mut x, place, displacement);
            let ascent = Ascent {
                origin: (bottom.x, bottom.energy),
                start: &x,
                guess: displacement,
                tolerance: settings.force_tolerance,
                when_convex,
            };
            follow_mode(landscape, &ascent, settings, bottom.preconditioner)
        } else {
            let mut push = displacement.to_vec();
            let length = landscape.largest_force(displacement);
            scale(&mut push, settings.push_step / length);
            climb_from_minimum(
                landscape,
                bottom.x,
                bottom.energy,
                &push,
                when_convex,
                settings,
                bottom.preconditioner,
            )
        };
        climb.counts.basin += u64::from(PARTS);
        climb
    })
}
