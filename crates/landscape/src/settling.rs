//! From a minimum to the deepest one that only tiny barriers keep it from.

use std::ops::{ControlFlow, Range};

use metabasin_interactions::EnergyLandscape;
use metabasin_minimizers::{InherentStructure, Lbfgs};

use crate::error::LandscapeError;
use crate::flat::{add_scaled, difference};
use crate::searcher::Searcher;
use crate::settings::SearchSettings;

/// Points on the straight line between two minima at which the energy is looked at.
const POINTS: u32 = 20;
/// A minimum less deep than this below the start is not worth a move `[energy]`.
const LEAST_DESCENT: f64 = 1e-6;

/// A move to a deeper minimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settling {
    /// Energy after minus energy before `[energy]`.
    pub descent: f64,
    /// Highest energy on the straight line between the two minima, above the first: an upper bound
    /// of the barrier `[energy]`.
    pub barrier_bound: f64,
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
/// are collected from the saddles of the searches in `range`; that the barrier is low is shown by
/// the energy along the straight line between the two minima, which no path of least energy exceeds.
///
/// `before_search` is called with the number of moves so far before every search; `None` where it
/// breaks.
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
    let mut at = minimum.clone();
    let mut moves = Vec::new();
    let mut cost = 0;
    loop {
        let searcher = Searcher::new(&at, settings.clone(), seed, stage)?;
        let round = moves.len();
        let found = searcher.neighboring_minima(range.clone(), &|| before_search(round));
        let Some((neighbors, spent)) = found else {
            return Ok(None);
        };
        cost += spent;
        let mut best: Option<(InherentStructure, Settling)> = None;
        for x in neighbors {
            let bound = highest_between(searcher.minimum(), &x);
            if bound > barrier {
                continue;
            }
            let start = searcher.minimum().landscape().configuration_at(&x);
            let tolerance = settings.force_tolerance;
            let Ok((neighbor, _)) = InherentStructure::quench(
                &start,
                searcher.minimum().force_field(),
                &Lbfgs::default(),
                tolerance,
            ) else {
                continue;
            };
            let descent = neighbor.energy() - searcher.minimum().energy();
            let deepest = best
                .as_ref()
                .map_or(-LEAST_DESCENT, |(_, found)| found.descent);
            if descent < deepest {
                let settling = Settling {
                    descent,
                    barrier_bound: bound,
                };
                best = Some((neighbor, settling));
            }
        }
        let Some((deeper, settling)) = best else {
            return Ok(Some(Settled {
                minimum: searcher.minimum().clone(),
                moves,
                force_evaluations: cost,
            }));
        };
        moves.push(settling);
        at = deeper;
    }
}

/// The highest energy on the straight line from `minimum` to `x`, above that of `minimum`.
fn highest_between(minimum: &InherentStructure, x: &[f64]) -> f64 {
    let mut landscape = minimum.landscape();
    let start = minimum.coordinates();
    let change = difference(x, &start);
    let mut gradient = vec![0.0; start.len()];
    (1..POINTS)
        .map(|k| {
            let mut point = start.clone();
            add_scaled(&mut point, f64::from(k) / f64::from(POINTS), &change);
            let energy = landscape.evaluate(&point, &mut gradient) - minimum.energy();
            // Atoms on top of each other have no energy: such a line bounds nothing.
            if energy.is_nan() {
                f64::INFINITY
            } else {
                energy
            }
        })
        .fold(0.0, f64::max)
}
