//! Bringing two frames of one sample into comparable cells.

use metabasin_atoms::{Cell, Configuration};

use crate::PipelineError;

/// The basis of `now`'s lattice whose tilts are closest to those of `reference`.
///
/// Fractional coordinates of two frames are comparable only between such bases: a flip of the cell
/// between the frames would shift atoms by whole lattice vectors.
pub(crate) fn comparable_cell(now: &Cell, reference: &Cell) -> Result<Cell, PipelineError> {
    let [lx, ly, lz, mut xy, mut xz, mut yz] = now.components();
    let [_, ly_before, lz_before, xy_before, xz_before, yz_before] = reference.components();
    let flips_yz = ((yz - yz_before * lz / lz_before) / ly).round();
    yz -= flips_yz * ly;
    xz -= flips_yz * xy;
    xy -= ((xy - xy_before * ly / ly_before) / lx).round() * lx;
    xz -= ((xz - xz_before * lz / lz_before) / lx).round() * lx;
    Cell::new([lx, ly, lz, xy, xz, yz]).map_err(|error| PipelineError::BadInput(error.to_string()))
}

/// The configuration deformed affinely, with its velocities, into the cell `target`.
pub(crate) fn mapped_into(
    configuration: &Configuration,
    target: &Cell,
) -> Result<Configuration, PipelineError> {
    let comparable = comparable_cell(&configuration.cell, target)?;
    let mut mapped = configuration.clone();
    mapped.cell = *target;
    for position in &mut mapped.positions {
        *position = target.to_cartesian(&comparable.to_fractional(position));
    }
    Ok(mapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_atoms::Species;
    use nalgebra::Vector3;

    #[test]
    fn a_flip_between_two_frames_moves_no_atom() {
        let before = Configuration {
            cell: Cell::new([6.0, 6.0, 6.0, 2.9, 0.0, 0.0]).unwrap(),
            positions: vec![Vector3::new(1.0, 5.5, 3.0), Vector3::new(4.0, 0.5, 2.0)],
            velocities: None,
            species: vec![Species::LARGE; 2],
            ids: vec![1, 2],
            masses: vec![1.0],
        };
        // A shear of 0.05 takes xy from 2.9 to 3.2, which a simulation shows as -2.8.
        let sheared = before.sheared(0.05);
        let mut flipped = sheared.clone();
        flipped.cell = sheared.cell.with_small_tilts().0;
        assert!(flipped.cell.components()[3] < 0.0);
        let back = mapped_into(&flipped, &before.cell).unwrap();
        for (back, before) in back.positions.iter().zip(&before.positions) {
            assert!((back - before).norm() < 1e-12);
        }
    }
}
