//! What every pair of sites costs, whichever species sit there.

use metabasin_atoms::{Cell, Species};
use metabasin_neighbors::VerletList;
use nalgebra::Vector3;

use crate::Potential;

/// Two sites within the cutoff, and the energy of their pair under all labels of two species.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SitePair {
    /// Index of one site.
    pub first: u32,
    /// Index of the other one, not below `first`; the same where a site sees its own image (such a
    /// pair is listed twice, at half its energy).
    pub second: u32,
    /// V₁₁, V₁₂ and V₂₂ at their distance `[energy]`.
    pub energies: [f64; 3],
}

/// Every pair of periodic images of sites within the cutoff, once.
///
/// The energy is counted from its value at the cutoff, so it is continuous in every cut mode: in
/// `Truncated` it is the `Shifted` one, whose forces are the same, and which is therefore what
/// molecular dynamics with these forces samples.
///
/// The pairs depend on cell and positions alone, not on earlier calls. `None` for a model that is
/// no sum over pairs or has other than two species, and where positions make no sense.
pub fn site_pairs(
    potential: &dyn Potential,
    cell: &Cell,
    positions: &[Vector3<f64>],
) -> Option<Vec<SitePair>> {
    let pair = potential.as_pair().filter(|_| potential.species() == 2)?;
    let cutoff = pair.cutoff();
    let squared_cutoff = cutoff * cutoff;
    let labels = [(0, 0), (0, 1), (1, 1)];
    let at_cutoff = labels.map(|(a, b)| pair.energy_and_force(a, b, squared_cutoff).0);
    let mut list = VerletList::new(cutoff, 0.0);
    list.update(cell, positions, &vec![Species(0); positions.len()])
        .ok()?;
    let mut pairs = Vec::new();
    for (row, &first) in list.row_atoms().iter().enumerate() {
        for neighbor in list.neighbors(row) {
            let second = neighbor.atom as u32;
            let squared = neighbor.separation.norm_squared();
            if second < first || squared >= squared_cutoff {
                continue;
            }
            let share = if second == first { 0.5 } else { 1.0 };
            let mut energies = at_cutoff;
            for (energy, (a, b)) in energies.iter_mut().zip(labels) {
                *energy = share * (pair.energy_and_force(a, b, squared).0 - *energy);
            }
            pairs.push(SitePair {
                first,
                second,
                energies,
            });
        }
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{BinaryLennardJones, Cut, ForceField, Kernel};

    /// Sites within a cell so small that each sees several images of the others and of itself.
    #[test]
    fn the_pairs_add_up_to_the_energy() {
        let cell = Cell::new([2.4, 2.3, 2.6, 0.7, -0.4, 0.9]).unwrap();
        let positions: Vec<_> = [
            [0.1, 0.2, 0.3],
            [1.3, 0.4, 0.2],
            [0.5, 1.5, 1.4],
            [7.9, -3.0, 1.7],
        ]
        .map(|[x, y, z]| Vector3::new(x, y, z))
        .to_vec();
        let species = [0, 1, 1, 0].map(Species);
        for (cut, sampled) in [
            (Cut::Smooth, Cut::Smooth),
            (Cut::Shifted, Cut::Shifted),
            (Cut::Truncated, Cut::Shifted),
        ] {
            let potential = BinaryLennardJones::wahnstrom(cut);
            let sum: f64 = site_pairs(&potential, &cell, &positions)
                .unwrap()
                .iter()
                .map(|pair| {
                    let [first, second] =
                        [pair.first, pair.second].map(|k| usize::from(species[k as usize].0));
                    pair.energies[first + second]
                })
                .sum();
            let potential = Arc::new(BinaryLennardJones::wahnstrom(sampled));
            let mut forces = vec![Vector3::zeros(); 4];
            let energy = ForceField::new(potential, Kernel::Portable)
                .evaluate(&cell, &positions, &species, &mut forces)
                .energy;
            assert!(
                (sum - energy).abs() < 1e-11 * energy.abs(),
                "{sum} {energy}"
            );
        }
    }
}
