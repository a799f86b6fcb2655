//! Whether two events are the same.

use metabasin_catalogue::{DisplacementField, EventRecord, SampleRecord};
use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

/// Within what two events of one minimum count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityTolerances {
    /// Difference of the energies of the saddles, and of the final minima `[energy]`.
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

/// Whether two events from the minimum of `sample` are the same: saddles and final minima agree in
/// energy and, under the best permutation of like atoms, in the positions of all atoms.
///
/// Stationary points of equal energy are compared atom by atom; where they differ, the moved atoms
/// of the one are assigned to the nearest moved atoms of the same species of the other, each once.
pub fn same_event(
    first: &EventRecord,
    second: &EventRecord,
    sample: &SampleRecord,
    tolerances: IdentityTolerances,
) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= tolerances.energy;
    close(first.energy_saddle, second.energy_saddle)
        && close(first.energy_final, second.energy_final)
        && same_points(
            &first.displacement_saddle,
            &second.displacement_saddle,
            sample,
            tolerances.displacement,
        )
        && same_points(
            &first.displacement_final,
            &second.displacement_final,
            sample,
            tolerances.displacement,
        )
}

fn same_points(
    first: &DisplacementField,
    second: &DisplacementField,
    sample: &SampleRecord,
    tolerance: f64,
) -> bool {
    let atoms = moved_atoms(first, second);
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
    if u.iter().zip(&w).all(|(u, w)| (u - w).norm() <= tolerance) {
        return true;
    }
    let Ok(cell) = metabasin_atoms::Cell::new(sample.cell) else {
        return false;
    };
    // Where the direct comparison fails, atoms may have changed roles.
    let place = |k: usize| Vector3::from(sample.positions[atoms[k] as usize]);
    let mut taken = vec![false; atoms.len()];
    (0..atoms.len()).all(|k| {
        let species = sample.species[atoms[k] as usize];
        let nearest = (0..atoms.len())
            .filter(|&l| !taken[l] && sample.species[atoms[l] as usize] == species)
            .map(|l| {
                let separation = place(k) + u[k] - place(l) - w[l];
                (l, cell.minimum_image(&separation).norm())
            })
            .min_by(|a, b| a.1.total_cmp(&b.1));
        match nearest {
            Some((l, distance)) if distance <= tolerance => {
                taken[l] = true;
                true
            }
            _ => false,
        }
    })
}

/// The atoms stored in either field, ascending.
fn moved_atoms(first: &DisplacementField, second: &DisplacementField) -> Vec<u32> {
    let mut atoms: Vec<u32> = first.atoms.iter().chain(&second.atoms).copied().collect();
    atoms.sort_unstable();
    atoms.dedup();
    atoms
}
