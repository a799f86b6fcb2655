//! A search from small to large: through regions of growing radius, at last in the whole sample.

use metabasin_atoms::Cell;
use metabasin_catalogue::EvaluationCounts;
use metabasin_interactions::{Counted, EnergyLandscape, FixedCell, largest_norm};
use rand_pcg::Pcg64;

use crate::active_region::{PreconditionedRegion, shared};
use crate::climb::{Ascent, Climb, ClimbOutcome, WhenConvex, climb_from_minimum, follow_mode};
use crate::descent::{Descent, DescentLimits, DescentOutcome, descend};
use crate::flat::{add_scaled, difference, dot, scale};
use crate::heated_climb::heated_climb;
use crate::heating::HeatSettings;
use crate::held::{Around, Held};
use crate::preconditioner::IncompleteCholesky;
use crate::settings::SearchSettings;

/// Largest force to which a saddle is converged while atoms outside its region are frozen
/// `[energy / length]`: they are about to move.
const REGION_TOLERANCE: f64 = 1e-2;

/// Largest force of the minima beside a saddle that is to be verified later, as that of a region is
/// `[energy / length]`: close enough to tell whether one is the starting minimum.
pub(crate) const ROUGH_DESCENT_TOLERANCE: f64 = 1e-3;

/// Largest force to which a descent goes in the smaller regions `[energy / length]`.
const DESCENT_TOLERANCE: f64 = 0.1;

/// Largest force of the atoms around a region when it is about to be joined by them
/// `[energy / length]`, and the evaluations that may be spent on it.
const OUTSIDE_TOLERANCE: f64 = 0.5;
const OUTSIDE_EVALUATIONS: u64 = 40;

/// Saddles among frozen atoms are up to so many times as high as when these give way.
const FROZEN_HEIGHT: f64 = 2.0;

/// The minimum that searches leave.
#[derive(Clone, Copy)]
pub(crate) struct Start<'a> {
    /// Coordinates of all atoms.
    pub x: &'a [f64],
    /// Its energy `[energy]`.
    pub energy: f64,
    /// The factorization of its Hessian.
    pub preconditioner: &'a IncompleteCholesky,
}

/// The atoms that move.
pub(crate) enum Level<'a> {
    /// Those of a region.
    Region(&'a mut PreconditionedRegion),
    /// All.
    Whole(&'a mut FixedCell),
}

impl Level<'_> {
    /// Cost of an evaluation over that of the whole sample.
    pub(crate) fn share(&self) -> f64 {
        match self {
            Self::Region(local) => local.region.share(),
            Self::Whole(_) => 1.0,
        }
    }

    /// Coordinates of the atoms that move where the sample is at `whole`; the frozen ones take
    /// theirs from now on.
    pub(crate) fn enter(&mut self, whole: &[f64], start: &Start<'_>) -> Vec<f64> {
        match self {
            Self::Region(local) => local.region.enter(&difference(whole, start.x)),
            Self::Whole(_) => whole.to_vec(),
        }
    }

    /// Their coordinates in the minimum.
    fn origin(&self, start: &Start<'_>) -> Vec<f64> {
        match self {
            Self::Region(local) => local.region.start().to_vec(),
            Self::Whole(_) => start.x.to_vec(),
        }
    }

    /// Puts them at `x` in the coordinates `whole` of the sample.
    fn leave(&self, x: &[f64], start: &Start<'_>, whole: &mut Vec<f64>) {
        match self {
            Self::Region(local) => {
                let mut displacement = difference(whole, start.x);
                local.region.leave(x, &mut displacement);
                whole.clone_from_slice(start.x);
                add_scaled(whole, 1.0, &displacement);
            }
            Self::Whole(_) => x.clone_into(whole),
        }
    }

    /// The components of a vector of the sample that belong to them.
    pub(crate) fn restrict(&self, full: &[f64]) -> Vec<f64> {
        match self {
            Self::Region(local) => local.region.restrict(full),
            Self::Whole(_) => full.to_vec(),
        }
    }

    /// The vector of the sample with these components.
    fn embed(&self, vector: &[f64], start: &Start<'_>) -> Vec<f64> {
        match self {
            Self::Region(local) => {
                let mut full = vec![0.0; start.x.len()];
                local.region.embed(vector, &mut full);
                full
            }
            Self::Whole(_) => vector.to_vec(),
        }
    }

    /// The cell of the sample, where the coordinates are those of its atoms.
    pub(crate) fn cell(&self) -> Option<Cell> {
        match self {
            Self::Region(_) => None,
            Self::Whole(landscape) => Some(*landscape.cell()),
        }
    }

    /// Where the atoms of a smaller region stand among them.
    pub(crate) fn places(&self, inner: &[u32]) -> Vec<usize> {
        match self {
            Self::Region(local) => inner
                .iter()
                .filter_map(|atom| local.region.active().binary_search(atom).ok())
                .collect(),
            Self::Whole(_) => inner.iter().map(|&atom| atom as usize).collect(),
        }
    }

    /// The energies of a region and of the sample differ by a constant, which stays; modes and
    /// coordinates become those of the sample.
    pub(crate) fn in_the_sample(&self, climb: Climb, start: &Start<'_>, whole: &[f64]) -> Climb {
        let mut x = whole.to_vec();
        self.leave(&climb.x, start, &mut x);
        let mut climb = Climb { x, ..climb };
        if let Some(mode) = &mut climb.mode {
            mode.direction = self.embed(&mode.direction, start);
            mode.image = self.embed(&mode.image, start);
        }
        climb
    }

    pub(crate) fn parts<'b>(
        &'b mut self,
        start: &Start<'b>,
    ) -> (&'b mut dyn EnergyLandscape, &'b IncompleteCholesky) {
        match self {
            Self::Region(local) => (&mut local.region, &local.preconditioner),
            Self::Whole(landscape) => (*landscape, start.preconditioner),
        }
    }
}

/// A search that has come to an end before its saddle was one of the whole sample.
pub(crate) enum Failure {
    /// The climb did not end at a saddle.
    Climb(Climb),
    /// No pass was found to the minimum into which heat drove it.
    NoPass,
    /// Neither side of the saddle leads back in a region; coordinates of both, of all atoms.
    Disconnected(Climb, [Vec<f64>; 2]),
    /// Both sides lead back in a region.
    BothSidesSame(Climb),
    /// Heat did not drive it into another minimum.
    NotHeatedOut,
}

/// How a search leaves its basin.
pub(crate) enum Departure<'a> {
    /// Along the displacement of a push.
    Push(&'a [f64]),
    /// By heat around an atom, in the smallest of the levels.
    Heat(&'a HeatSettings, &'a mut Pcg64, u32),
}

/// One search: climbs among the atoms of the smallest level with all others frozen;
/// where one side of the saddle leads back to the minimum, lets the atoms of the next level give
/// way and converges it again, up to the whole sample, which the last level must be.
pub(crate) fn climb_through(
    levels: &mut [Level<'_>],
    start: &Start<'_>,
    departure: Departure<'_>,
    when_convex: WhenConvex,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Result<Climb, Box<Failure>> {
    let larger = 1..levels.len();
    let smallest = &mut levels[0];
    let mut climb = match departure {
        Departure::Push(push) => {
            let climb = first_climb(smallest, start, push, when_convex, settings, counts)?;
            if !larger.is_empty() {
                leads_back(&mut levels[..1], start, &climb, settings, counts)?;
            }
            climb
        }
        Departure::Heat(heat, random, center) => {
            heated_climb(smallest, start, (heat, random), center, settings, counts)?
        }
    };
    for k in larger {
        if k > 1 {
            leads_back(&mut levels[..k], start, &climb, settings, counts)?;
        }
        climb = hand_over(&mut levels[k - 1..=k], start, climb, settings, counts)?;
    }
    Ok(climb)
}

fn tolerance(level: &Level<'_>, settings: &SearchSettings) -> f64 {
    match level {
        Level::Region(_) => settings.force_tolerance.max(REGION_TOLERANCE),
        Level::Whole(_) => settings.force_tolerance,
    }
}

/// Settings of a climb among the atoms of a level: in a region saddles need no more than `tolerance`, and
/// stand higher.
pub(crate) fn frozen_settings(
    level: &Level<'_>,
    tolerance: f64,
    settings: &SearchSettings,
) -> SearchSettings {
    let mut settings = settings.clone();
    if let Level::Region(_) = level {
        settings.force_tolerance = settings.force_tolerance.max(tolerance);
        settings.energy_window *= FROZEN_HEIGHT;
    }
    settings
}

fn first_climb(
    level: &mut Level<'_>,
    start: &Start<'_>,
    push: &[f64],
    when_convex: WhenConvex,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Result<Climb, Box<Failure>> {
    let push = level.restrict(push);
    climb_out(level, start, settings, counts, |bottom, settings| {
        climb_from_minimum(
            bottom.landscape,
            bottom.x,
            bottom.energy,
            &push,
            when_convex,
            settings,
            bottom.preconditioner,
        )
    })
}

/// The minimum as the atoms of a level see it.
struct Bottom<'a> {
    pub landscape: &'a mut dyn EnergyLandscape,
    /// Their coordinates.
    pub x: &'a [f64],
    /// Their energy `[energy]`: that of the sample up to a constant.
    pub energy: f64,
    pub preconditioner: &'a IncompleteCholesky,
}

/// A climb out of the minimum among the atoms of one level, with the tolerance and the energy window
/// of that level; what it found is one of the sample.
fn climb_out(
    level: &mut Level<'_>,
    start: &Start<'_>,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
    climb: impl FnOnce(Bottom<'_>, &SearchSettings) -> Climb,
) -> Result<Climb, Box<Failure>> {
    let share = level.share();
    let settings = frozen_settings(level, REGION_TOLERANCE, settings);
    let x = level.enter(start.x, start);
    let (landscape, preconditioner) = level.parts(start);
    let mut gradient = vec![0.0; x.len()];
    let energy = landscape.evaluate(&x, &mut gradient);
    let bottom = Bottom {
        landscape,
        x: &x,
        energy,
        preconditioner,
    };
    let mut climb = climb(bottom, &settings);
    counts.add(&shared(climb.counts, share));
    climb.energy += start.energy - energy;
    let climb = level.in_the_sample(climb, start, start.x);
    match climb.outcome {
        ClimbOutcome::Saddle => Ok(climb),
        _ => Err(Box::new(Failure::Climb(climb))),
    }
}

/// Whether exactly one side of a saddle of the last of `levels`, a region, descends to the minimum.
pub(crate) fn leads_back(
    levels: &mut [Level<'_>],
    start: &Start<'_>,
    climb: &Climb,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Result<(), Box<Failure>> {
    let mode = outward_mode(climb, start.x);
    let ends = [-1.0, 1.0].map(|sign| {
        let mut whole = climb.x.clone();
        let Some((last, smaller)) = levels.split_last_mut() else {
            return (false, whole);
        };
        let length = largest_norm(&mode);
        add_scaled(&mut whole, sign * settings.descent_step / length, &mode);
        for level in smaller {
            let limit = settings.force_tolerance.max(DESCENT_TOLERANCE);
            descend_in(level, start, &mut whole, limit, settings, counts);
        }
        let limit = settings.force_tolerance.max(ROUGH_DESCENT_TOLERANCE);
        let descent = descend_in(last, start, &mut whole, limit, settings, counts);
        let moved = largest_norm(&difference(&whole, start.x));
        let back = descent.outcome == DescentOutcome::Converged && moved < settings.return_distance;
        (back, whole)
    });
    match (ends[0].0, ends[1].0) {
        (true, true) => Err(Box::new(Failure::BothSidesSame(climb.clone()))),
        (false, false) => Err(Box::new(Failure::Disconnected(
            climb.clone(),
            ends.map(|(_, whole)| whole),
        ))),
        _ => Ok(()),
    }
}

/// A descent in one level from the coordinates `whole` of the sample, which it moves.
fn descend_in(
    level: &mut Level<'_>,
    start: &Start<'_>,
    whole: &mut Vec<f64>,
    force_tolerance: f64,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Descent {
    let share = level.share();
    let x = level.enter(whole, start);
    let (landscape, preconditioner) = level.parts(start);
    let mut counted = Counted::new(landscape);
    let descent = descend(
        &mut counted,
        &x,
        preconditioner,
        DescentLimits {
            force_tolerance,
            largest_step: settings.relaxation_step,
            evaluations: settings.max_force_evaluations,
        },
    );
    counts.descent += part(counted.force_evaluations(), share);
    level.leave(&descent.x, start, whole);
    descent
}

/// From a saddle of the first of two levels to one of the second: the atoms that are new give way
/// while those of the first stand still, the saddle converges again among those of the first, the
/// others give way once more, and then all move.
fn hand_over(
    levels: &mut [Level<'_>],
    start: &Start<'_>,
    climb: Climb,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Result<Climb, Box<Failure>> {
    let [Level::Region(inner), outer] = levels else {
        return Ok(climb);
    };
    let atoms = outer.places(inner.region.active());
    let mut whole = climb.x.clone();
    let mut mode = outward_mode(&climb, start.x);
    give_way(outer, &atoms, start, &mut whole, settings, counts);
    let mut inner = Level::Region(inner);
    let ascent_settings = SearchSettings {
        energy_window: f64::INFINITY,
        ..settings.clone()
    };
    let again = converge_in(
        &mut inner,
        start,
        &whole,
        &mode,
        DESCENT_TOLERANCE,
        &ascent_settings,
        counts,
    );
    if again.outcome == ClimbOutcome::Saddle {
        whole.clone_from(&again.x);
        mode = outward_mode(&again, start.x);
        give_way(outer, &atoms, start, &mut whole, settings, counts);
    }
    let limit = tolerance(outer, settings);
    let energy = climb.energy;
    let mut climb = converge_in(outer, start, &whole, &mode, limit, &ascent_settings, counts);
    if let Level::Region(_) = outer {
        // Of a constant apart: what its report says is the height in the smaller region.
        climb.energy = energy;
    } else if climb.energy > start.energy + settings.energy_window {
        climb.outcome = ClimbOutcome::OutsideEnergyWindow;
    }
    match climb.outcome {
        ClimbOutcome::Saddle => Ok(climb),
        _ => Err(Box::new(Failure::Climb(climb))),
    }
}

/// Lets the atoms of `level` relax around `atoms` of them, which stand still.
fn give_way(
    level: &mut Level<'_>,
    atoms: &[usize],
    start: &Start<'_>,
    whole: &mut Vec<f64>,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) {
    let share = level.share();
    let x = level.enter(whole, start);
    let (landscape, preconditioner) = level.parts(start);
    let mut held = Counted::new(Held { landscape, atoms });
    let relaxed = descend(
        &mut held,
        &x,
        &Around {
            preconditioner,
            atoms,
        },
        DescentLimits {
            force_tolerance: OUTSIDE_TOLERANCE,
            largest_step: settings.relaxation_step,
            evaluations: OUTSIDE_EVALUATIONS,
        },
    );
    counts.climb += part(held.force_evaluations(), share);
    level.leave(&relaxed.x, start, whole);
}

/// Converges a saddle among the atoms of a level.
fn converge_in(
    level: &mut Level<'_>,
    start: &Start<'_>,
    whole: &[f64],
    mode: &[f64],
    force_tolerance: f64,
    settings: &SearchSettings,
    counts: &mut EvaluationCounts,
) -> Climb {
    let share = level.share();
    let x = level.enter(whole, start);
    let origin = level.origin(start);
    let guess = level.restrict(mode);
    let (landscape, preconditioner) = level.parts(start);
    let ascent = Ascent {
        origin: (&origin, start.energy),
        start: &x,
        guess: &guess,
        tolerance: force_tolerance,
        when_convex: WhenConvex::GiveUp,
    };
    let climb = follow_mode(landscape, &ascent, settings, preconditioner);
    counts.add(&shared(climb.counts, share));
    level.in_the_sample(climb, start, whole)
}

pub(crate) fn part(count: u64, share: f64) -> u64 {
    (count as f64 * share).ceil() as u64
}

/// The lowest mode of a climb, turned so that it points away from `origin`.
pub(crate) fn outward_mode(climb: &Climb, origin: &[f64]) -> Vec<f64> {
    let mut mode = climb
        .mode
        .as_ref()
        .map_or_else(|| vec![0.0; origin.len()], |mode| mode.direction.clone());
    if dot(&mode, &difference(&climb.x, origin)) < 0.0 {
        scale(&mut mode, -1.0);
    }
    mode
}
