//! Strings: atoms that replace one another.

use metabasin_atoms::Cell;
use nalgebra::Vector3;

use crate::{DisplacementField, SampleRecord};

/// An atom replaces another when it comes this close to the place that the other left `[length]`
/// (0.6 σ: Donati et al., Phys. Rev. Lett. 80, 2338 (1998)).
const REPLACED: f64 = 0.6;

/// Number of atoms in the longest string of a displacement field: a chain, or a closed ring, in
/// which each atom takes the place of the next.
///
/// Atom i takes the place of j when it ends within 0.6 σ of where j began, nearer to it than to any
/// other place that was left, and nearer than to its own. 1 where atoms moved but none replaced
/// another, 0 for an empty field.
pub fn string_length(field: &DisplacementField, sample: &SampleRecord) -> usize {
    let Ok(cell) = Cell::new(sample.cell) else {
        return 0;
    };
    let moved: Vec<(Vector3<f64>, Vector3<f64>)> = field
        .atoms
        .iter()
        .zip(&field.displacements)
        .filter_map(|(&atom, &u)| {
            let place = sample.positions.get(atom as usize)?;
            Some((Vector3::from(*place), Vector3::from(u)))
        })
        .collect();
    let successor: Vec<Option<usize>> = moved
        .iter()
        .enumerate()
        .map(|(i, &(place, u))| {
            let own = u.norm();
            // Nearer to another place than to the own: that place is at most 2|u| away, and no two
            // atoms of a dense liquid are nearer than half a diameter.
            if own < 0.25 {
                return None;
            }
            moved
                .iter()
                .enumerate()
                .filter(|(j, _)| *j != i)
                .map(|(j, other)| (j, cell.minimum_image(&(place + u - other.0)).norm()))
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .filter(|&(_, distance)| distance < REPLACED.min(own))
                .map(|(j, _)| j)
        })
        .collect();
    (0..moved.len())
        .map(|start| {
            let mut visited = vec![false; moved.len()];
            visited[start] = true;
            let mut at = start;
            let mut length = 1;
            while let Some(next) = successor[at].filter(|&next| !visited[next]) {
                visited[next] = true;
                at = next;
                length += 1;
            }
            length
        })
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Atoms in a row along x, 1 apart, the row as long as the cell.
    fn row(atoms: usize) -> SampleRecord {
        SampleRecord {
            cell: [atoms as f64, 10.0, 10.0, 0.0, 0.0, 0.0],
            positions: (0..atoms).map(|k| [k as f64, 0.0, 0.0]).collect(),
            species: vec![1; atoms],
            ids: (0..atoms as u64).collect(),
            masses: vec![1.0],
            ..SampleRecord::default()
        }
    }

    fn length(sample: &SampleRecord, moves: &[(usize, [f64; 3])]) -> usize {
        let mut field = vec![[0.0; 3]; sample.positions.len()];
        for &(atom, u) in moves {
            field[atom] = u;
        }
        string_length(&DisplacementField::from_full(&field), sample)
    }

    #[test]
    fn a_string_counts_every_atom_that_steps_on_and_the_one_at_its_head() {
        let sample = row(12);
        let step = [0.8, 0.0, 0.0];
        // Atoms 2, 3, 4 step on; 5 makes way sideways.
        let moves = [(2, step), (3, step), (4, step), (5, [0.3, 0.9, 0.0])];
        assert_eq!(length(&sample, &moves), 4);
        // A gap ends it: two strings, the longer one counts.
        let moves = [
            (2, step),
            (3, [0.0, 0.9, 0.0]),
            (7, step),
            (8, step),
            (9, [0.0, 0.0, 0.9]),
        ];
        assert_eq!(length(&sample, &moves), 3);
    }

    #[test]
    fn a_ring_through_the_boundary_counts_each_atom_once() {
        let sample = row(6);
        let all: Vec<_> = (0..6).map(|atom| (atom, [0.9, 0.0, 0.0])).collect();
        assert_eq!(length(&sample, &all), 6);
        // Two that change places.
        let swap = [(0, [1.0, 0.1, 0.0]), (1, [-1.0, -0.1, 0.0])];
        assert_eq!(length(&sample, &swap), 2);
        // The last atom takes the place of the first, through the boundary and in no other way.
        let through = [(5, [0.9, 0.0, 0.0]), (0, [0.0, 0.9, 0.0])];
        assert_eq!(length(&sample, &through), 2);
    }

    #[test]
    fn a_place_is_taken_within_six_tenths() {
        let sample = row(8);
        let beside = |y: f64| [(2, [0.7, y, 0.0]), (3, [0.0, 0.0, 0.9])];
        // (1 − 0.7, y) is 0.59 and 0.61 long.
        assert_eq!(length(&sample, &beside(0.508)), 2);
        assert_eq!(length(&sample, &beside(0.531)), 1);
    }

    #[test]
    fn without_a_replacement_there_is_no_string() {
        let sample = row(8);
        assert_eq!(length(&sample, &[]), 0);
        // A hop into free space, and neighbors that only give way a little.
        let hop = [(3, [0.0, 0.9, 0.0]), (4, [-0.2, 0.0, 0.0])];
        assert_eq!(length(&sample, &hop), 1);
        // Half way to a place that nobody left.
        assert_eq!(length(&sample, &[(3, [0.8, 0.0, 0.0])]), 1);
        // Not past the middle between own place and the next.
        assert_eq!(
            length(&sample, &[(3, [0.45, 0.0, 0.0]), (4, [0.0, 0.9, 0.0])]),
            1
        );
    }
}
