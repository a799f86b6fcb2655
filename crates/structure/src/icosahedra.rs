//! Icosahedral atoms and the network they form.

use std::fmt;

use metabasin_atoms::Species;
use serde::{Deserialize, Serialize};

use crate::{Bond, Cluster, StructureError, Tessellation, clusters};

/// The two classes into which the atoms of the glass are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StructureClass {
    /// Voronoi index <0,0,12,0>.
    Icosahedral,
    /// Everything else.
    Other,
}

impl StructureClass {
    /// `icosahedral` or `other`, as in tables and the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::Icosahedral => "icosahedral",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for StructureClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Who is icosahedral, and which clusters they form (Derlet & Maass, arXiv 2011.02704).
///
/// Clusters are built in two ways that differ widely: of the centers alone, joined where two share
/// a face that counts; and of whole icosahedra, every center joined to the twelve atoms of its
/// shell.
#[derive(Clone, Debug, PartialEq)]
pub struct IcosahedralNetwork {
    is_icosahedral: Vec<bool>,
    small: usize,
    icosahedral_small: usize,
    centers: Vec<Cluster>,
    with_shells: Vec<Cluster>,
}

impl IcosahedralNetwork {
    /// The network of a tessellation; `species` says which atoms are small.
    ///
    /// # Errors
    /// [`StructureError::Length`] unless there is one species an atom.
    pub fn new(tessellation: &Tessellation, species: &[Species]) -> Result<Self, StructureError> {
        StructureError::unless_one_an_atom("species", species.len(), tessellation.len())?;
        let is_icosahedral: Vec<bool> = (0..tessellation.len())
            .map(|i| tessellation.is_icosahedral(i))
            .collect();
        let is_small = |i: &usize| species[*i] == Species::SMALL;
        let shell_bonds = || {
            (0..tessellation.len())
                .filter(|&i| is_icosahedral[i])
                .flat_map(|i| {
                    tessellation.counted_faces(i).map(move |face| Bond {
                        from: i as u32,
                        to: face.neighbor,
                        shift: face.shift,
                    })
                })
        };
        let mut in_icosahedra = is_icosahedral.clone();
        for bond in shell_bonds() {
            in_icosahedra[bond.to as usize] = true;
        }
        Ok(Self {
            small: (0..species.len()).filter(is_small).count(),
            icosahedral_small: (0..species.len())
                .filter(is_small)
                .filter(|&i| is_icosahedral[i])
                .count(),
            centers: clusters(&is_icosahedral, shell_bonds()),
            with_shells: clusters(&in_icosahedra, shell_bonds()),
            is_icosahedral,
        })
    }

    /// Whether each atom is icosahedral.
    pub fn is_icosahedral(&self) -> &[bool] {
        &self.is_icosahedral
    }

    /// The class of each atom.
    pub fn classes(&self) -> Vec<StructureClass> {
        self.is_icosahedral
            .iter()
            .map(|&icosahedral| {
                if icosahedral {
                    StructureClass::Icosahedral
                } else {
                    StructureClass::Other
                }
            })
            .collect()
    }

    /// Number of icosahedral atoms of either species.
    pub fn count(&self) -> usize {
        self.is_icosahedral.iter().filter(|yes| **yes).count()
    }

    /// Share of the small atoms that are icosahedral, the number that the paper quotes; `None`
    /// where there are no small atoms.
    pub fn fraction_of_small(&self) -> Option<f64> {
        (self.small > 0).then(|| self.icosahedral_small as f64 / self.small as f64)
    }

    /// Share of all atoms that are icosahedral.
    pub fn fraction_of_all(&self) -> f64 {
        self.count() as f64 / self.is_icosahedral.len() as f64
    }

    /// Clusters of centers joined by faces, largest first.
    pub fn clusters_of_centers(&self) -> &[Cluster] {
        &self.centers
    }

    /// Clusters of whole icosahedra, centers and shells, largest first.
    pub fn clusters_with_shells(&self) -> &[Cluster] {
        &self.with_shells
    }

    /// Atoms and winding rank of the largest cluster of centers; zeros where there is none.
    pub fn largest_of_centers(&self) -> (usize, u8) {
        largest(&self.centers)
    }

    /// Atoms and winding rank of the largest cluster of whole icosahedra; zeros where there is
    /// none.
    pub fn largest_with_shells(&self) -> (usize, u8) {
        largest(&self.with_shells)
    }
}

fn largest(clusters: &[Cluster]) -> (usize, u8) {
    clusters.first().map_or((0, 0), |cluster| {
        (cluster.nodes.len(), cluster.winding_rank)
    })
}
