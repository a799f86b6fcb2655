//! A watch for crystallization into the Laves phase of this glass.

use metabasin_atoms::Species;

use crate::{Bond, Cluster, StructureError, Tessellation, clusters};

/// How much of a sample looks like the Laves phase MgZn2, the crystal of the Wahnstrom mixture
/// (Pedersen, Schrøder & Dyre, Phys. Rev. Lett. 104, 105701, 2010).
#[derive(Clone, Debug, PartialEq)]
pub struct LavesOrder {
    large: usize,
    ordered: usize,
    clusters: Vec<Cluster>,
}

impl LavesOrder {
    /// Looks at a tessellation.
    ///
    /// # Errors
    /// [`StructureError::Length`] unless there is one species an atom.
    pub fn new(tessellation: &Tessellation, species: &[Species]) -> Result<Self, StructureError> {
        StructureError::unless_one_an_atom("species", species.len(), tessellation.len())?;
        let is_large = |i: usize| species[i] == Species::LARGE;
        let ordered: Vec<bool> = (0..species.len())
            .map(|i| is_large(i) && tessellation.index(i).counts() == [0, 0, 12, 4])
            .collect();
        let bonds = (0..species.len()).filter(|&i| ordered[i]).flat_map(|i| {
            tessellation.counted_faces(i).map(move |face| Bond {
                from: i as u32,
                to: face.neighbor,
                shift: face.shift,
            })
        });
        Ok(Self {
            large: (0..species.len()).filter(|&i| is_large(i)).count(),
            ordered: ordered.iter().filter(|yes| **yes).count(),
            clusters: clusters(&ordered, bonds),
        })
    }

    /// Number of large atoms with the index <0,0,12,4>.
    pub fn count(&self) -> usize {
        self.ordered
    }

    /// Their share of the large atoms; `None` where there are none.
    pub fn fraction_of_large(&self) -> Option<f64> {
        (self.large > 0).then(|| self.ordered as f64 / self.large as f64)
    }

    /// The largest cluster of such atoms that share faces.
    pub fn largest_cluster(&self) -> usize {
        self.clusters
            .first()
            .map_or(0, |cluster| cluster.nodes.len())
    }
}
