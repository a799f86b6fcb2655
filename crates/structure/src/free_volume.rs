//! What an atom's Voronoi cell has beyond the atom.

use std::f64::consts::PI;

use metabasin_atoms::Configuration;

use crate::{Radii, StructureError, Tessellation};

/// Free volume of each atom, v_f = v − v₀ `[length³]`: its Voronoi cell less the sphere of its own
/// radius, v₀ = 4π rᵢ³/3.
///
/// Cohen & Turnbull's free volume (J. Chem. Phys. 31, 1164, 1959), what an atom's cage has
/// beyond the atom, with the cell of the tessellation as the cage and the tessellation's own radius
/// as that of the atom. Differences between atoms of one species do not depend on that radius but
/// through the cells, the sum over all atoms is the volume that the spheres leave.
///
/// # Errors
/// [`StructureError::Length`] unless the tessellation has one cell an atom,
/// [`StructureError::MissingRadius`] for a species without radius.
pub fn free_volumes(
    tessellation: &Tessellation,
    configuration: &Configuration,
    radii: &Radii,
) -> Result<Vec<f64>, StructureError> {
    let count = configuration.len();
    StructureError::unless_one_an_atom("tessellation", tessellation.len(), count)?;
    (0..count)
        .map(|i| {
            let radius = radii.of_atom(configuration, i)?;
            Ok(tessellation.volume(i) - 4.0 / 3.0 * PI * radius.powi(3))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Thresholds, tessellate};
    use metabasin_atoms::{Cell, Purpose, Species, random_stream};
    use nalgebra::Vector3;
    use rand::RngExt;

    fn configuration(
        side: f64,
        positions: Vec<Vector3<f64>>,
        species: Vec<Species>,
    ) -> Configuration {
        Configuration {
            cell: Cell::cubic(side).unwrap(),
            velocities: None,
            ids: (1..=positions.len() as u64).collect(),
            masses: vec![1.0, 0.5],
            names: None,
            species,
            positions,
        }
    }

    #[test]
    fn close_packed_spheres_leave_a_quarter_free() {
        // Spheres that touch, 1/2 across √2/2 of the side: 1 − π/√18 of the volume is free.
        let corners = [[0.0; 3], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]];
        let side = 2.0_f64.sqrt();
        let positions = corners.map(|s| Vector3::from(s) * side).to_vec();
        let crystal = configuration(side, positions, vec![Species::LARGE; 4]);
        let radii = Radii::default();
        let cells = tessellate(&crystal, &radii, &Thresholds::default()).unwrap();
        let expected = side.powi(3) / 4.0 * (1.0 - PI / 18.0_f64.sqrt());
        for free in free_volumes(&cells, &crystal, &radii).unwrap() {
            assert!((free - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn the_sum_is_what_the_spheres_leave_whatever_the_radii() {
        let mut random = random_stream(4, Purpose::Test, 0, 0);
        let positions = (0..60)
            .map(|_| Vector3::from_fn(|_, _| random.random_range(0.0..4.0)))
            .collect();
        let species = (0..60)
            .map(|k| {
                if k % 3 == 0 {
                    Species::SMALL
                } else {
                    Species::LARGE
                }
            })
            .collect();
        let sample = configuration(4.0, positions, species);
        for pair in [[0.5, 5.0 / 12.0], [0.55, 0.45]] {
            let radii = Radii::new(pair.to_vec()).unwrap();
            let cells = tessellate(&sample, &radii, &Thresholds::default()).unwrap();
            let free = free_volumes(&cells, &sample, &radii).unwrap();
            let spheres = 4.0 / 3.0 * PI * (40.0 * pair[0].powi(3) + 20.0 * pair[1].powi(3));
            assert!((free.iter().sum::<f64>() - (64.0 - spheres)).abs() < 1e-10);
        }
        let radii = Radii::new(vec![0.5, 0.4]).unwrap();
        let cells = tessellate(&sample, &radii, &Thresholds::default()).unwrap();
        let one = Radii::new(vec![0.5]).unwrap();
        let refused = free_volumes(&cells, &sample, &one).unwrap_err().to_string();
        assert!(refused.contains("atom id 1 has type 2"), "{refused}");
    }
}
