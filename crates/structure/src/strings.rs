//! Strings: atoms that moved to where others were.

use metabasin_atoms::Cell;
use nalgebra::Vector3;

use crate::StructureError;
use crate::grid::Grid;

/// Atoms of which each took the place of the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplacementString {
    /// The atoms: of a chain from the one whose place nobody took to the one that took no place, of
    /// a ring from the lowest on.
    pub atoms: Vec<usize>,
    /// Whether the last atom took the place of the first.
    pub is_ring: bool,
}

/// An atom takes the place of another when it comes this close to it `[length]` (0.6 σ: Donati et
/// al., Phys. Rev. Lett. 80, 2338, 1998).
const REPLACED: f64 = 0.6;

/// The strings of a displacement field, longest first, equals by their first atoms.
///
/// Of the atoms that `moved`, i takes the place of j when it ends within 0.6 σ of where j was, nearer
/// to it than to the place of any other atom that moved, its own included. Where several end at one
/// place, the nearest takes it. So every atom belongs to one string at most.
///
/// `places` are where the atoms were, mapped affinely into the cell of the structure, `cell`;
/// `displacements` are from there to where they are now. One entry an atom each.
///
/// # Errors
/// [`StructureError::Length`] unless the three have one length.
pub fn displacement_strings(
    cell: &Cell,
    places: &[Vector3<f64>],
    displacements: &[Vector3<f64>],
    moved: &[bool],
) -> Result<Vec<DisplacementString>, StructureError> {
    StructureError::unless_one_an_atom("displacements", displacements.len(), places.len())?;
    StructureError::unless_one_an_atom("movers", moved.len(), places.len())?;
    let movers: Vec<usize> = (0..places.len()).filter(|&i| moved[i]).collect();
    let successors = successors(cell, places, displacements, &movers);
    let mut followed = vec![false; movers.len()];
    for &next in successors.iter().flatten() {
        followed[next] = true;
    }
    let mut strings = Vec::new();
    let mut seen = vec![false; movers.len()];
    // Chains from their tails, then what is left: rings.
    let tails = (0..movers.len()).filter(|&k| !followed[k]);
    let others = (0..movers.len()).filter(|&k| followed[k]);
    for start in tails.chain(others) {
        if seen[start] || successors[start].is_none() {
            continue;
        }
        let mut atoms = Vec::new();
        let mut at = Some(start);
        while let Some(k) = at.filter(|&k| !seen[k]) {
            seen[k] = true;
            atoms.push(movers[k]);
            at = successors[k];
        }
        strings.push(DisplacementString {
            atoms,
            is_ring: followed[start],
        });
    }
    strings.sort_by(|p, q| {
        (q.atoms.len().cmp(&p.atoms.len())).then_with(|| p.atoms[0].cmp(&q.atoms[0]))
    });
    Ok(strings)
}

/// Whose place each mover took, both by their number among the movers.
fn successors(
    cell: &Cell,
    places: &[Vector3<f64>],
    displacements: &[Vector3<f64>],
    movers: &[usize],
) -> Vec<Option<usize>> {
    // A grid of the places that were left, then of where the movers are now.
    let count = movers.len();
    let mut points: Vec<Vector3<f64>> = movers.iter().map(|&i| places[i]).collect();
    points.extend(movers.iter().map(|&i| places[i] + displacements[i]));
    let grid = Grid::new(cell, &points, &vec![0.0; points.len()], REPLACED);
    // The nearest arrival at each place: distance and mover.
    let mut arrivals: Vec<Option<(f64, usize)>> = vec![None; count];
    let mut candidates = Vec::new();
    for slot in 0..points.len() {
        let Some(mover) = (grid.atom(slot) as usize).checked_sub(count) else {
            continue;
        };
        candidates.clear();
        grid.gather(slot, -1.0, REPLACED, &mut candidates);
        let nearest = candidates
            .iter()
            .map(|candidate| {
                (
                    candidate.distance,
                    grid.atom(candidate.slot as usize) as usize,
                )
            })
            .filter(|(_, place)| *place < count)
            .min_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)));
        let Some((distance, place)) = nearest.filter(|(_, place)| *place != mover) else {
            continue;
        };
        let arrival = (distance, mover);
        if arrivals[place].is_none_or(|earlier| arrival < earlier) {
            arrivals[place] = Some(arrival);
        }
    }
    let mut successors = vec![None; count];
    for (place, arrival) in arrivals.into_iter().enumerate() {
        if let Some((_, mover)) = arrival {
            successors[mover] = Some(place);
        }
    }
    successors
}
