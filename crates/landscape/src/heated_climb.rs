//! The first climb of a search that left its basin by heat: over the pass to the minimum that it fell
//! into, or to one before it.

use metabasin_atoms::Cell;
use metabasin_catalogue::EvaluationCounts;
use metabasin_interactions::{Counted, EnergyLandscape, flatten, unflatten};
use nalgebra::Vector3;
use rand_distr::{Distribution, Uniform};
use rand_pcg::Pcg64;

use crate::active_region::shared;
use crate::approach::{Leaving, approach};
use crate::climb::Climb;
use crate::descent::{DescentLimits, DescentOutcome, descend};
use crate::displacement::displacements;
use crate::flat::{add_scaled, difference};
use crate::heating::{HeatSettings, heated_out};
use crate::levels::{Failure, Level, ROUGH_DESCENT_TOLERANCE, Start, frozen_settings};
use crate::moved_together::moved_together;
use crate::settings::SearchSettings;

/// A quench in which an atom ends farther than this from its place is another minimum `[length]`.
const OTHER_MINIMUM: f64 = 0.2;

/// The atoms of a level as points in space.
struct Places {
    origin: Vec<f64>,
    /// Of the sample; the atoms of a region stand around its center.
    cell: Option<Cell>,
}

impl Places {
    fn at(&self, atom: usize) -> Vector3<f64> {
        Vector3::from_column_slice(&self.origin[3 * atom..3 * atom + 3])
    }

    fn distance(&self, a: usize, b: usize) -> f64 {
        let separation = self.at(a) - self.at(b);
        match &self.cell {
            Some(cell) => cell.minimum_image(&separation).norm(),
            None => separation.norm(),
        }
    }

    fn displacement(&self, x: &[f64]) -> Vec<f64> {
        match &self.cell {
            Some(cell) => flatten(&displacements(
                cell,
                &unflatten(&self.origin),
                &unflatten(x),
            )),
            None => difference(x, &self.origin),
        }
    }
}

/// A saddle among the atoms of `level` one side of which leads back to the start and the other
/// elsewhere.
///
/// Heats the atoms, those around the atom `center` of the sample or all, until they fall into another
/// minimum; of the groups of atoms that moved together one is drawn, and its pass looked for
/// ([`approach`]).
pub(crate) fn heated_climb(
    level: &mut Level<'_>,
    start: &Start<'_>,
    (heat, random): (&HeatSettings, &mut Pcg64),
    center: u32,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Result<Climb, Box<Failure>> {
    let share = level.share();
    let settings = frozen_settings(level, ROUGH_DESCENT_TOLERANCE, settings);
    let places = Places {
        origin: level.enter(start.x, start),
        cell: level.cell(),
    };
    let center = level.places(&[center]).first().copied();
    let is_heated = |coordinate: usize| match (heat.radius, center) {
        (Some(radius), Some(center)) => places.distance(coordinate / 3, center) <= radius,
        _ => true,
    };
    let (landscape, preconditioner) = level.parts(start);
    let mut gradient = vec![0.0; places.origin.len()];
    let energy = landscape.evaluate(&places.origin, &mut gradient);
    let displacement = |x: &[f64]| places.displacement(x);
    let from = Leaving {
        x: &places.origin,
        energy,
        preconditioner,
        displacement: &displacement,
        descent_tolerance: settings.force_tolerance.max(ROUGH_DESCENT_TOLERANCE),
    };
    let mut counted = Counted::new(&mut *landscape);
    let sizes = (settings.relaxation_step, OTHER_MINIMUM);
    let heat = (heat, &is_heated as &dyn Fn(usize) -> bool);
    let out = heated_out(&mut counted, from.x, preconditioner, heat, sizes, random);
    let end = out.and_then(|whole| one_of(&whole, &mut counted, from, &places, &settings, random));
    let mut spent = EvaluationCounts {
        basin: counted.force_evaluations(),
        ..EvaluationCounts::default()
    };
    let Some(end) = end else {
        counts.add(&shared(spent, share));
        return Err(Box::new(Failure::NotHeatedOut));
    };
    let (found, over) = approach(landscape, from, &end, &settings);
    spent.add(&over);
    counts.add(&shared(spent, share));
    let mut climb = found.ok_or_else(|| Box::new(Failure::NoPass))?.saddle;
    climb.energy += start.energy - energy;
    Ok(level.in_the_sample(climb, start, start.x))
}

/// The minimum that one of the groups of atoms that moved together leads to by itself, drawn; where it
/// leads back, that of the next one, and, where all need each other, that of all.
fn one_of(
    whole: &[f64],
    landscape: &mut dyn EnergyLandscape,
    from: Leaving<'_>,
    places: &Places,
    settings: &SearchSettings,
    random: &mut Pcg64,
) -> Option<Vec<f64>> {
    let mut there = from.x.to_vec();
    add_scaled(&mut there, 1.0, whole);
    let whole = places.displacement(&there);
    let mut parts = moved_together(&whole, &|a, b| places.distance(a, b));
    if !parts.is_empty() {
        let first = Uniform::new(0, parts.len()).ok()?.sample(random);
        parts.rotate_left(first);
    }
    if parts.len() != 1 {
        parts.push(whole);
    }
    parts.into_iter().find_map(|part| {
        let mut x = from.x.to_vec();
        add_scaled(&mut x, 1.0, &part);
        let limits = DescentLimits {
            force_tolerance: from.descent_tolerance,
            largest_step: settings.relaxation_step,
            evaluations: settings.max_force_evaluations,
        };
        let alone = descend(landscape, &x, from.preconditioner, limits);
        let end = places.displacement(&alone.x);
        let left = landscape.largest_force(&end) > OTHER_MINIMUM;
        (alone.outcome == DescentOutcome::Converged && left).then_some(end)
    })
}
