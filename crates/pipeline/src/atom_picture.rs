//! The atoms of a structure as pictures need them: inside the cell, with their bonds and their motion.

use metabasin_atoms::Configuration;
use metabasin_structure::{Bond, BondTopology, Radii, Tessellation};

use crate::atom_table::AtomTable;
use crate::motion::AtomMotion;

/// Two atoms, and the lattice shift of the image of the second that is bonded to the first.
pub type PicturedBond = ([u32; 2], [i32; 3]);

/// The bonds that pictures show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PicturedBonds {
    /// Between icosahedral atoms whose cells share a face.
    pub icosahedral: Vec<PicturedBond>,
    /// Bonds of order 4, of order 6 and of other orders but 5: the disclination lines.
    pub disclinations: [Vec<PicturedBond>; 3],
}

/// Atoms without a radius of their own are drawn with this one `[length]`.
const DRAWN_WITHOUT_RADIUS: f64 = 0.4;

/// All of a structure that a picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct AtomPicture {
    /// Lattice vectors a, b, c.
    pub cell: [[f64; 3]; 3],
    /// Positions inside the cell.
    pub positions: Vec<[f64; 3]>,
    /// Radii of the Voronoi cells.
    pub radii: Vec<f64>,
    /// Ids.
    pub ids: Vec<u64>,
    /// Species of every atom: by number from 1, and their names where the file had any.
    pub species: (Vec<u8>, Option<Vec<String>>),
    /// What is known of every atom.
    pub table: AtomTable,
    /// Bonds.
    pub bonds: PicturedBonds,
    /// Displacements beyond the strain, where there is a reference.
    pub displacements: Option<Vec<[f64; 3]>>,
}

impl AtomPicture {
    /// A structure without bonds and motion.
    pub(crate) fn new(configuration: &Configuration, radii: &Radii, table: AtomTable) -> Self {
        let h = configuration.cell.matrix();
        Self {
            cell: [0, 1, 2].map(|k| [0, 1, 2].map(|axis| h[(axis, k)])),
            positions: (configuration.positions.iter())
                .map(|position| configuration.cell.wrap(position).0.into())
                .collect(),
            radii: (configuration.species.iter())
                .map(|species| radii.of(*species).filter(|radius| *radius > 0.0))
                .map(|radius| radius.unwrap_or(DRAWN_WITHOUT_RADIUS))
                .collect(),
            ids: configuration.ids.clone(),
            species: (
                configuration.species.iter().map(|s| s.number()).collect(),
                configuration.names.clone(),
            ),
            table,
            bonds: PicturedBonds::default(),
            displacements: None,
        }
    }

    /// With the network of icosahedral atoms, and the bonds of order other than 5 where they are known.
    pub(crate) fn with_bonds(
        mut self,
        configuration: &Configuration,
        tessellation: &Tessellation,
        topology: Option<&BondTopology>,
    ) -> Self {
        let images: Vec<[i32; 3]> = (configuration.positions.iter())
            .map(|position| configuration.cell.wrap(position).1)
            .collect();
        // x + h n and not x: the shift between wrapped atoms.
        let pictured = |bond: &Bond| {
            let (i, j) = (bond.from as usize, bond.to as usize);
            let shift = [0, 1, 2].map(|k| bond.shift[k] + images[j][k] - images[i][k]);
            ([bond.from, bond.to], shift)
        };
        self.bonds.icosahedral = (0..tessellation.len())
            .filter(|&i| tessellation.is_icosahedral(i))
            .flat_map(|i| {
                tessellation.counted_faces(i).map(move |face| Bond {
                    from: i as u32,
                    to: face.neighbor,
                    shift: face.shift,
                })
            })
            // Each once: from the lower number, of an atom and its own image along the positive shift.
            .filter(|bond| (bond.from, [0; 3]) < (bond.to, bond.shift))
            .filter(|bond| tessellation.is_icosahedral(bond.to as usize))
            .map(|bond| pictured(&bond))
            .collect();
        for (bond, order) in topology.map_or(&[][..], BondTopology::bonds) {
            let set = match order {
                4 => 0,
                5 => continue,
                6 => 1,
                _ => 2,
            };
            self.bonds.disclinations[set].push(pictured(bond));
        }
        self
    }

    /// With the displacements from a reference.
    pub(crate) fn with_motion(mut self, motion: Option<&AtomMotion>) -> Self {
        self.displacements =
            motion.map(|motion| motion.nonaffine.iter().map(|&u| u.into()).collect());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_structure::{Thresholds, tessellate};
    use metabasin_testkit::small_glass;
    use nalgebra::Vector3;

    fn pictured(configuration: &Configuration) -> AtomPicture {
        let radii = Radii::half_sigma();
        let tessellation = tessellate(configuration, &radii, &Thresholds::default()).unwrap();
        let topology = BondTopology::new(&tessellation, configuration).unwrap();
        AtomPicture::new(configuration, &radii, AtomTable::default()).with_bonds(
            configuration,
            &tessellation,
            Some(&topology),
        )
    }

    #[test]
    fn bonds_are_between_neighbors_wherever_the_atoms_are_written() {
        let glass = small_glass();
        let mut scattered = glass.clone();
        for (i, position) in scattered.positions.iter_mut().enumerate() {
            let n = [i % 3, i % 5, i % 2].map(|k| k as f64 - 1.0);
            *position += glass.cell.to_cartesian(&Vector3::from(n));
        }
        let (picture, other) = (pictured(&glass), pictured(&scattered));
        let bonds = |p: &AtomPicture| {
            let mut all = [&p.bonds.icosahedral]
                .into_iter()
                .chain(&p.bonds.disclinations)
                .map(Clone::clone)
                .collect::<Vec<_>>();
            for set in &mut all {
                set.sort_unstable();
            }
            all
        };
        assert_eq!(bonds(&picture), bonds(&other));
        let at = |i: u32| Vector3::from(picture.positions[i as usize]);
        let mut checked = 0;
        for ([i, j], n) in bonds(&picture).into_iter().flatten() {
            let shift = glass.cell.to_cartesian(&Vector3::from(n.map(f64::from)));
            let long = (at(j) + shift - at(i)).norm();
            assert!(long < 2.0, "{i} {j} {n:?}: {long}");
            checked += 1;
        }
        assert!(checked > 500, "{checked}");
    }
}
