//! Whether two events are the same.

use metabasin_atoms::Cell;
use metabasin_catalogue::{DisplacementField, EventRecord, SampleRecord};
use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use crate::matching::has_perfect_matching;

/// Within what two events of one minimum count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityTolerances {
    /// Difference of the energies of the saddles `[energy]`.
    pub energy: f64,
    /// Largest distance of an atom in one event from its partner in the other `[length]`.
    pub displacement: f64,
}

impl Default for IdentityTolerances {
    fn default() -> Self {
        Self {
            energy: 1e-5,
            displacement: 1e-2,
        }
    }
}

/// Whether two events from the minimum of `sample` are the same: their saddles agree in energy and,
/// under the best permutation of like atoms, in the positions of all atoms.
///
/// The saddle decides: what a stationary point of index one connects follows from it. "Best" is the
/// permutation with the smallest largest distance of an atom from its partner, by minimum image: the
/// saddles are the same when a perfect matching of like atoms exists that keeps all partners within
/// the tolerance. A rigid shift of the whole sample is no difference; it is taken as the median of
/// the differences, component by component, because nearly all atoms keep their role.
pub fn same_event(
    first: &EventRecord,
    second: &EventRecord,
    sample: &SampleRecord,
    tolerances: IdentityTolerances,
) -> bool {
    (first.energy_saddle - second.energy_saddle).abs() <= tolerances.energy
        && same_points(
            &first.displacement_saddle,
            &second.displacement_saddle,
            sample,
            tolerances.displacement,
        )
}

/// Whether two displacements from the minimum of `sample` lead to the same minimum: no atom of one farther
/// than `tolerance` from its partner in the other `[length]`, under the best permutation of like atoms.
pub fn same_minimum(
    first: &DisplacementField,
    second: &DisplacementField,
    sample: &SampleRecord,
    tolerance: f64,
) -> bool {
    same_points(first, second, sample, tolerance)
}

fn same_points(
    first: &DisplacementField,
    second: &DisplacementField,
    sample: &SampleRecord,
    tolerance: f64,
) -> bool {
    let Ok(cell) = Cell::new(sample.cell) else {
        return false;
    };
    let atoms = moved_atoms(first, second);
    if atoms
        .last()
        .is_some_and(|&last| last as usize >= sample.positions.len())
    {
        return false;
    }
    let of = |field: &DisplacementField| -> Vec<Vector3<f64>> {
        atoms
            .iter()
            .map(|atom| {
                field
                    .atoms
                    .binary_search(atom)
                    .map_or(Vector3::zeros(), |k| Vector3::from(field.displacements[k]))
            })
            .collect()
    };
    let (u, w) = (of(first), of(second));
    let still = sample.positions.len() - atoms.len();
    let shift = median_difference(&u, &w, still);
    // Where most atoms exchanged their roles the median says nothing.
    [shift, Vector3::zeros()].into_iter().any(|shift| {
        let places = |displacements: &[Vector3<f64>], shift: Vector3<f64>| -> Vec<Vector3<f64>> {
            atoms
                .iter()
                .zip(displacements)
                .map(|(&atom, u)| Vector3::from(sample.positions[atom as usize]) + u + shift)
                .collect()
        };
        let species = |k: usize| sample.species[atoms[k] as usize];
        same_arrangement(
            &cell,
            &places(&u, Vector3::zeros()),
            &places(&w, shift),
            species,
            tolerance,
        )
    })
}

/// Whether a permutation of like atoms brings every atom of one arrangement within the tolerance of
/// its partner in the other.
fn same_arrangement(
    cell: &Cell,
    first: &[Vector3<f64>],
    second: &[Vector3<f64>],
    species: impl Fn(usize) -> u8,
    tolerance: f64,
) -> bool {
    let close =
        |k: usize, l: usize| cell.minimum_image(&(first[k] - second[l])).norm() <= tolerance;
    // An atom that agrees with itself keeps its role: no two atoms of a saddle are within two
    // tolerances of each other, so that nobody else could take it.
    let differing: Vec<usize> = (0..first.len()).filter(|&k| !close(k, k)).collect();
    let candidates: Vec<Vec<usize>> = differing
        .iter()
        .map(|&k| {
            (0..differing.len())
                .filter(|&partner| {
                    let l = differing[partner];
                    species(k) == species(l) && close(k, l)
                })
                .collect()
        })
        .collect();
    has_perfect_matching(&candidates)
}

/// Component-wise median of u − w over all atoms, `still` of which moved in neither field.
fn median_difference(u: &[Vector3<f64>], w: &[Vector3<f64>], still: usize) -> Vector3<f64> {
    Vector3::from_fn(|component, _| {
        let mut values: Vec<f64> = u
            .iter()
            .zip(w)
            .map(|(u, w)| u[component] - w[component])
            .chain(std::iter::repeat_n(0.0, still))
            .collect();
        let middle = values.len() / 2;
        if values.is_empty() {
            return 0.0;
        }
        *values.select_nth_unstable_by(middle, f64::total_cmp).1
    })
}

/// The atoms stored in either field, ascending.
fn moved_atoms(first: &DisplacementField, second: &DisplacementField) -> Vec<u32> {
    let mut atoms: Vec<u32> = first.atoms.iter().chain(&second.atoms).copied().collect();
    atoms.sort_unstable();
    atoms.dedup();
    atoms
}
