//! The stiffness of single atoms: how their stresses answer a strain of the cell.

use metabasin_atoms::Stiffness;
use metabasin_neighbors::VerletList;
use nalgebra::Vector3;

use super::{COMPONENTS, PairPotential, over_rows, within};

/// The stiffness of one atom, in two parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalStiffness {
    /// Change of the atom's stress where all atoms follow the strain of the cell `[energy / length³]`.
    pub born: Stiffness,
    /// Change by what the atoms move beyond that `[energy / length³]`.
    pub nonaffine: Stiffness,
}

/// Derivatives of the stress of every atom with respect to strain.
///
/// The stress of atom i is σ_i = (1 / 2V_a) Σ_j B r r, B = V'/r and V_a = V/N. By a strain e and displacements u each
/// separation changes by δr = e r + u_i − u_j, so with A = (V'' − V'/r)/r²
///
/// ```text
/// δσ_i,ab = (1 / 2V_a) Σ_j [A (r·δr) r_a r_b + B (δr_a r_b + r_a δr_b)] − σ_i,ab tr e
/// ```
///
/// `displacements` are those per unit of each of the engineering strains xx, yy, zz, xy, xz, yz.
pub(crate) fn local_stiffness(
    potential: &dyn PairPotential,
    list: &VerletList,
    parallel: bool,
    displacements: &[Vec<Vector3<f64>>; 6],
    volume: f64,
) -> Vec<LocalStiffness> {
    let cutoff = potential.cutoff();
    let scale = 0.5 * list.rows() as f64 / volume;
    let tasks = over_rows(list, parallel, |rows| {
        rows.map(|row| {
            let own_atom = list.row_atoms()[row] as usize;
            let (mut born, mut nonaffine) = ([[0.0; 6]; 6], [[0.0; 6]; 6]);
            let mut stress = [0.0; 6];
            let (own, neighbors) = within(list, row, cutoff);
            for near in neighbors {
                let (along, across) = potential.stiffness(own, near.species, near.squared);
                let r = near.separation;
                let other = list.image_atoms()[near.image as usize] as usize;
                let add = |sums: &mut [[f64; 6]; 6], k: usize, change: Vector3<f64>| {
                    let stretch = along * r.dot(&change);
                    for (row, (a, b)) in sums.iter_mut().zip(COMPONENTS) {
                        row[k] += scale
                            * (stretch * r[a] * r[b]
                                + across * (change[a] * r[b] + r[a] * change[b]));
                    }
                };
                for (k, (a, b)) in COMPONENTS.into_iter().enumerate() {
                    // Half of an engineering shear strain to either side.
                    let mut affine = Vector3::zeros();
                    affine[a] += 0.5 * r[b];
                    affine[b] += 0.5 * r[a];
                    add(&mut born, k, affine);
                    let moved = displacements[k][own_atom] - displacements[k][other];
                    add(&mut nonaffine, k, moved);
                    stress[k] += scale * across * r[a] * r[b];
                }
            }
            for (row, stress) in born.iter_mut().zip(stress) {
                for element in &mut row[..3] {
                    *element -= stress;
                }
            }
            LocalStiffness {
                born: Stiffness(born),
                nonaffine: Stiffness(nonaffine),
            }
        })
        .collect::<Vec<_>>()
    });
    let none = LocalStiffness {
        born: Stiffness([[0.0; 6]; 6]),
        nonaffine: Stiffness([[0.0; 6]; 6]),
    };
    let mut by_atom = vec![none; list.rows()];
    for (&atom, stiffness) in list.row_atoms().iter().zip(tasks.iter().flatten()) {
        by_atom[atom as usize] = *stiffness;
    }
    by_atom
}
