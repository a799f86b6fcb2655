//! One trajectory from a minimum to the first other one, and the passes that lead there.

use metabasin_catalogue::{DisplacementField, EventRecord};
use metabasin_interactions::flatten;
use metabasin_landscape::{Searcher, displacements, moved_together};
use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use crate::displaced_minimum::displaced_minimum;
use crate::escape::{Trajectory, interrupted};
use crate::{Interrupt, PipelineError};

/// A group of atoms that left its places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Exit {
    /// The first pass on the way, and the minimum behind; none where no way was found.
    pub(crate) pass: Option<EventRecord>,
    /// Displacement to the minimum that the quench led to, the group alone.
    pub(crate) end: DisplacementField,
    /// Its energy above the minimum `[energy]`.
    pub(crate) energy: f64,
}

/// What became of one trajectory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FirstExit {
    /// Quenches that ended at home before.
    pub(crate) at_home: u64,
    /// What had moved at the first one that did not; none where it stayed.
    pub(crate) exits: Vec<Exit>,
}

fn failed(error: impl std::fmt::Display) -> PipelineError {
    PipelineError::Failed(format!("recall: {error}"))
}

/// Follows a trajectory until a quench ends elsewhere, at most `longest` quenches.
pub(crate) fn first_exit(
    trajectory: &mut Trajectory<'_>,
    searcher: &Searcher,
    (home_distance, longest): (f64, u64),
    interrupt: &Interrupt,
) -> Result<FirstExit, PipelineError> {
    let minimum = searcher.minimum();
    let home = &minimum.configuration().positions;
    let cell = minimum.configuration().cell;
    let largest = |field: &[Vector3<f64>]| field.iter().map(Vector3::norm).fold(0.0, f64::max);
    for at_home in 0..longest {
        let quenched = trajectory.quenched()?;
        let field = displacements(&cell, home, &quenched.configuration().positions);
        if largest(&field) < home_distance {
            continue;
        }
        let whole = flatten(&field);
        let mut groups = moved_together(&whole, &|a, b| {
            cell.minimum_image(&(home[a] - home[b])).norm()
        });
        // Where each group needs the others they are one; the quench may also end near home.
        groups.push(whole);
        let alone = groups.len() - 1;
        let mut exits = Vec::new();
        for (k, group) in groups.iter().enumerate() {
            if k == alone && !exits.is_empty() {
                break;
            }
            let tolerance = searcher.settings().force_tolerance;
            let end = displaced_minimum(minimum, group, tolerance).map_err(|error| {
                if interrupt.is_requested() {
                    interrupted()
                } else {
                    failed(error)
                }
            })?;
            let field = displacements(&cell, home, &end.configuration().positions);
            if largest(&field) < home_distance {
                continue;
            }
            let (pass, _) = searcher
                .event_towards(&flatten(&field))
                .ok_or_else(interrupted)?;
            let rows: Vec<[f64; 3]> = field.iter().map(|&u| u.into()).collect();
            exits.push(Exit {
                pass,
                end: DisplacementField::from_full(&rows),
                energy: end.energy() - minimum.energy(),
            });
        }
        if !exits.is_empty() {
            return Ok(FirstExit { at_home, exits });
        }
    }
    Ok(FirstExit {
        at_home: longest,
        exits: Vec::new(),
    })
}
