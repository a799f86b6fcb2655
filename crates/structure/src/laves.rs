//! A watch for crystallization into the Laves phase of this glass.

use metabasin_atoms::Species;

use crate::{Bond, Cluster, StructureError, Tessellation, clusters};

/// How much of a sample looks like the Laves phase `MgZn2`, the crystal of the Wahnstrom mixture
/// (Pedersen, Schrøder, Dyre & Harrowell, Phys. Rev. Lett. 104, 105701, 2010).
///
/// In `MgZn2` every small atom is icosahedral, as many in the glass are, so these tell little; but
/// every large atom has the 16-fold Frank-Kasper index <0,0,12,4>, and these share faces. Glasses
/// of 500 to 32,000 atoms cooled within 200 to 700 τ have 0.6 to 1.6 % of their large atoms in
/// such an environment, and never more than 3 of them joined.
#[derive(Clone, Debug, PartialEq)]
pub struct LavesOrder {
    large: usize,
    ordered: usize,
    clusters: Vec<Cluster>,
}

impl LavesOrder {
    /// A cluster from which on crystallization is suspected: four times the largest seen in
    /// glasses, less than a crystal of two unit cells a side (32).
    pub const SUSPICIOUS_CLUSTER: usize = 12;

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

    /// What to tell the user where the largest cluster has at least
    /// [`LavesOrder::SUSPICIOUS_CLUSTER`] atoms.
    pub fn warning(&self) -> Option<String> {
        (self.largest_cluster() >= Self::SUSPICIOUS_CLUSTER).then(|| {
            format!(
                "{} of {} large atoms have the environment <0,0,12,4> of the Laves phase MgZn2, \
                 {} of them in one cluster: the sample may be crystallizing",
                self.ordered,
                self.large,
                self.largest_cluster()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IcosahedralNetwork, Radii, Thresholds, tessellate};
    use metabasin_atoms::{Cell, Configuration, Purpose, random_stream};
    use nalgebra::Vector3;
    use rand::RngExt;

    /// `MgZn2` (C14, P6₃/mmc; Mg on 4f, z = 0.062; Zn on 2a and 6h, x = 0.830) with Mg large, Zn
    /// small, at a density near 1.35.
    fn laves(copies: usize) -> Configuration {
        let (a, z, x) = (1.845, 0.062, 0.830);
        let ratio = (8.0_f64 / 3.0).sqrt();
        let unit = [a, a * 0.75_f64.sqrt(), a * ratio, -a / 2.0, 0.0, 0.0];
        let (third, two_thirds) = (1.0 / 3.0, 2.0 / 3.0);
        let motif = [
            (Species::LARGE, [third, two_thirds, z]),
            (Species::LARGE, [two_thirds, third, z + 0.5]),
            (Species::LARGE, [two_thirds, third, -z]),
            (Species::LARGE, [third, two_thirds, 0.5 - z]),
            (Species::SMALL, [0.0, 0.0, 0.0]),
            (Species::SMALL, [0.0, 0.0, 0.5]),
            (Species::SMALL, [x, 2.0 * x, 0.25]),
            (Species::SMALL, [-2.0 * x, -x, 0.25]),
            (Species::SMALL, [x, -x, 0.25]),
            (Species::SMALL, [-x, -2.0 * x, 0.75]),
            (Species::SMALL, [2.0 * x, x, 0.75]),
            (Species::SMALL, [-x, x, 0.75]),
        ];
        let cell = Cell::new(unit.map(|component| component * copies as f64)).unwrap();
        let (mut positions, mut species) = (Vec::new(), Vec::new());
        for number in 0..copies.pow(3) {
            let corner = Vector3::new(
                (number % copies) as f64,
                (number / copies % copies) as f64,
                (number / copies / copies) as f64,
            );
            for (kind, site) in motif {
                let fraction = (corner + Vector3::from(site)) / copies as f64;
                positions.push(cell.to_cartesian(&fraction));
                species.push(kind);
            }
        }
        Configuration {
            cell,
            velocities: None,
            ids: (1..=positions.len() as u64).collect(),
            positions,
            species,
            masses: vec![1.0, 0.5],
            names: None,
        }
    }

    fn look(configuration: &Configuration) -> LavesOrder {
        let tessellation =
            tessellate(configuration, &Radii::default(), &Thresholds::default()).unwrap();
        LavesOrder::new(&tessellation, &configuration.species).unwrap()
    }

    #[test]
    fn the_perfect_crystal_is_all_order() {
        for copies in [1, 3] {
            let crystal = laves(copies);
            let order = look(&crystal);
            assert_eq!(order.fraction_of_large(), Some(1.0));
            assert_eq!(order.largest_cluster(), order.count());
            let tessellation =
                tessellate(&crystal, &Radii::default(), &Thresholds::default()).unwrap();
            let network = IcosahedralNetwork::new(&tessellation, &crystal.species).unwrap();
            assert_eq!(network.fraction_of_small(), Some(1.0));
        }
    }

    #[test]
    fn order_outlives_vibrations() {
        // Twice the vibrations of a crystal about to melt: 0.12/√3 = 0.07 along each axis.
        let mut crystal = laves(4);
        let mut random = random_stream(1, Purpose::Test, 0, 0);
        for position in &mut crystal.positions {
            *position += Vector3::from_fn(|_, _| random.random_range(-0.12..0.12));
        }
        let order = look(&crystal);
        assert!(order.fraction_of_large().unwrap() > 0.95);
        assert!(order.warning().unwrap().contains("Laves phase"));
    }
}
