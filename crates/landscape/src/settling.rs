//! From a minimum to the deepest one that only tiny barriers keep it from.

use std::ops::{ControlFlow, Range};

use metabasin_minimizers::{InherentStructure, Lbfgs};

use crate::error::LandscapeError;
use crate::flat::{add_scaled, difference};
use crate::heating::HeatSettings;
use crate::searcher::Searcher;
use crate::settings::SearchSettings;
use crate::straight_line::highest_along;

/// Points on the straight line between two minima at which the energy is looked at.
const POINTS: u32 = 20;
/// A minimum less deep than this below the start is not worth a move `[energy]`.
const LEAST_DESCENT: f64 = 1e-6;

/// A move to a deeper minimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settling {
    /// Energy after minus energy before `[energy]`.
    pub descent: f64,
    /// An upper bound of the barrier: the saddle between the two minima where one was found, or the
    /// highest energy on the straight line between them, above the first `[energy]`.
    pub barrier_bound: f64,
}

/// A minimum beside a saddle that a search found.
pub(crate) struct Neighbor {
    /// Coordinates.
    pub x: Vec<f64>,
    /// Height of the saddle that leads there from the start, where that is known `[energy]`.
    pub barrier: Option<f64>,
}

/// Where a minimum settled.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The deepest minimum found, polished.
    pub minimum: InherentStructure,
    /// The moves that led there; empty where no deeper neighbor was found.
    pub moves: Vec<Settling>,
    /// What the searches cost, Hessian-vector products counted.
    pub force_evaluations: u64,
}

/// Moves from `minimum` to deeper minima as long as a barrier of at most `barrier` separates them,
/// and says what it did.
///
/// A glass has soft spots that flip across barriers far below k_B T. An inherent structure taken
/// from a simulation sits in an arbitrary one of their states; a neighbor that is deeper by such a
/// flip is then beside most saddles in place of the start, and searches end disconnected. Neighbors
/// are collected from the saddles of the searches in `range`: those of its first half are pushed, in all
/// but the smallest region, which would freeze the softest spots; those of the second half leave by
/// heat. That the barrier is low is shown by the saddle itself where it leads there from the start, or by the
/// energy along the straight line between the two minima, which no path of least energy exceeds.
///
/// `before_search` is called with the number of moves so far before every search; `None` where it
/// breaks, or where the force field of `minimum` is interrupted.
///
/// # Errors
/// [`LandscapeError`] as for [`Searcher::new`].
pub fn settle(
    minimum: &InherentStructure,
    settings: &SearchSettings,
    seed: u64,
    stage: u64,
    (range, barrier): (Range<u64>, f64),
    before_search: &(dyn Fn(usize) -> ControlFlow<()> + Sync),
) -> Result<Option<Settled>, LandscapeError> {
    let pushed = SearchSettings {
        region_radii: settings.region_radii.iter().skip(1).copied().collect(),
        heat: None,
        ..settings.clone()
    };
    let heated = SearchSettings {
        heat: Some(HeatSettings {
            frozen_every: 0,
            ..settings.heat.unwrap_or_default()
        }),
        ..settings.clone()
    };
    let middle = range.start + (range.end - range.start).div_ceil(2);
    let halves = [(pushed, range.start..middle), (heated, middle..range.end)];
    let mut at = minimum.clone();
    let mut moves = Vec::new();
    let mut cost = 0;
    loop {
        let round = moves.len();
        let mut neighbors = Vec::new();
        let mut start = at;
        for (settings, range) in halves.clone() {
            let searcher = Searcher::new(&start, settings, seed, stage)?;
            let found = searcher.neighboring_minima(range, &|| before_search(round));
            let Some((found, spent)) = found else {
                return Ok(None);
            };
            neighbors.extend(found);
            cost += spent;
            start = searcher.minimum().clone();
        }
        let origin = start.coordinates();
        let mut deeper: Vec<(f64, Flip)> = neighbors
            .iter()
            .filter_map(|neighbor| {
                let flip = Flip {
                    displacement: difference(&neighbor.x, &origin),
                    barrier: neighbor.barrier,
                };
                let (_, settling) = flipped(&start, &flip, barrier, settings)?;
                Some((settling.descent, flip))
            })
            .collect();
        deeper.sort_by(|a, b| a.0.total_cmp(&b.0));
        at = start.clone();
        // Soft spots far apart flip one after another, over barriers that do not feel each other; of
        // two that are the same or exclude each other the deeper one does.
        for (_, flip) in &deeper {
            if let Some((neighbor, settling)) = flipped(&at, flip, barrier, settings) {
                moves.push(settling);
                at = neighbor;
            }
        }
        if minimum.interrupt().is_requested() {
            // A neighbor whose quench was cut short would be missing.
            return Ok(None);
        }
        if moves.len() == round {
            return Ok(Some(Settled {
                minimum: at,
                moves,
                force_evaluations: cost,
            }));
        }
    }
}

/// A way to a neighbor.
struct Flip {
    displacement: Vec<f64>,
    barrier: Option<f64>,
}

/// The minimum to which `flip` leads from `minimum`, where it is deeper and the barrier low.
fn flipped(
    minimum: &InherentStructure,
    flip: &Flip,
    barrier: f64,
    settings: &SearchSettings,
) -> Option<(InherentStructure, Settling)> {
    let mut x = minimum.coordinates();
    add_scaled(&mut x, 1.0, &flip.displacement);
    let line = highest_between(minimum, &flip.displacement);
    let barrier_bound = flip.barrier.map_or(line, |saddle| saddle.min(line));
    if barrier_bound > barrier {
        return None;
    }
    let (neighbor, _) = InherentStructure::quench(
        &minimum.landscape().configuration_at(&x),
        minimum.force_field(),
        &Lbfgs::default(),
        settings.force_tolerance,
    )
    .ok()?;
    let descent = neighbor.energy() - minimum.energy();
    (descent < -LEAST_DESCENT).then_some((
        neighbor,
        Settling {
            descent,
            barrier_bound,
        },
    ))
}

/// The highest energy on the straight line from `minimum` along `displacement`, above that of
/// `minimum`; not below zero.
fn highest_between(minimum: &InherentStructure, displacement: &[f64]) -> f64 {
    let mut landscape = minimum.landscape();
    let origin = minimum.coordinates();
    let (highest, _) = highest_along(&mut landscape, &origin, displacement, POINTS);
    (highest - minimum.energy()).max(0.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
    use metabasin_testkit::small_inherent_structure;

    use super::*;

    /// The reference glass, its deeper neighbor, and the line between them.
    #[test]
    fn a_saddle_below_the_straight_line_is_the_better_bound() {
        let field = ForceField::new(
            Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth)),
            Kernel::Portable,
        );
        let start = small_inherent_structure();
        let (minimum, _) =
            InherentStructure::quench(&start, field, &Lbfgs::default(), 1e-5).unwrap();
        let settings = SearchSettings::default();
        let go_on = |_| ControlFlow::Continue(());
        let settled = settle(&minimum, &settings, 1, 0, (7..8, 0.8), &go_on);
        let deep = settled.unwrap().unwrap().minimum.coordinates();
        let displacement = difference(&deep, &minimum.coordinates());
        let line = highest_between(&minimum, &displacement);
        assert!(line > 0.01, "{line}");
        let over = |saddle: Option<f64>, barrier: f64| {
            let flip = Flip {
                displacement: displacement.clone(),
                barrier: saddle,
            };
            let found = flipped(&minimum, &flip, barrier, &settings);
            found.map(|(_, settling)| settling.barrier_bound)
        };
        assert_eq!(over(None, 0.9 * line), None);
        assert_eq!(over(Some(0.95 * line), 0.9 * line), None);
        assert_eq!(over(Some(0.5 * line), 0.9 * line), Some(0.5 * line));
        assert_eq!(over(Some(2.0 * line), 1.1 * line), Some(line));
    }
}
