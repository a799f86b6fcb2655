//! Bringing two frames of one sample into comparable cells.

use std::fmt;

use metabasin_atoms::{Cell, Configuration};
use serde::Serialize;

use crate::PipelineError;

/// The strain F − 1 of the affine map F = h h₀⁻¹ from a reference cell h₀ to a cell h, F an upper
/// triangular matrix as both cells are. In JSON the six numbers xx, yy, zz, xy, xz, yz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(into = "[f64; 6]")]
pub struct AffineStrain {
    /// F_xx − 1: how much longer lx is.
    pub xx: f64,
    /// F_yy − 1.
    pub yy: f64,
    /// F_zz − 1.
    pub zz: f64,
    /// F_xy: how far x moves per length along y.
    pub xy: f64,
    /// F_xz: how far x moves per length along z.
    pub xz: f64,
    /// F_yz: how far y moves per length along z.
    pub yz: f64,
}

impl From<AffineStrain> for [f64; 6] {
    fn from(strain: AffineStrain) -> Self {
        let AffineStrain {
            xx,
            yy,
            zz,
            xy,
            xz,
            yz,
        } = strain;
        [xx, yy, zz, xy, xz, yz]
    }
}

impl AffineStrain {
    /// The strain from `reference` to `now`, tilts taken as they stand.
    pub(crate) fn between(reference: &Cell, now: &Cell) -> Self {
        let [lx, ly, lz, xy, xz, yz] = now.components();
        let [
            lx_before,
            ly_before,
            lz_before,
            xy_before,
            xz_before,
            yz_before,
        ] = reference.components();
        let (stretch_x, stretch_y) = (lx / lx_before, ly / ly_before);
        let shear_xy = (xy - stretch_x * xy_before) / ly_before;
        Self {
            xx: stretch_x - 1.0,
            yy: stretch_y - 1.0,
            zz: lz / lz_before - 1.0,
            xy: shear_xy,
            xz: (xz - stretch_x * xz_before - shear_xy * yz_before) / lz_before,
            yz: (yz - stretch_y * yz_before) / lz_before,
        }
    }
}

impl fmt::Display for AffineStrain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the sign of a zero.
        let [xx, yy, zz, xy, xz, yz] =
            <[f64; 6]>::from(*self).map(|value| (value * 1e6).round() / 1e6 + 0.0);
        if [xx, yy, zz] != [0.0; 3] {
            write!(formatter, "xx {xx:.6}, yy {yy:.6}, zz {zz:.6}, ")?;
        }
        write!(formatter, "xy {xy:.6}, xz {xz:.6}, yz {yz:.6}")
    }
}

/// A basis of a lattice.
pub(crate) struct Basis {
    /// The cell with that basis.
    pub(crate) cell: Cell,
    /// Lattice vectors a on b, a on c, b on c that lead to it from the basis as given.
    pub(crate) steps: [i64; 3],
}

/// The basis of `now`'s lattice whose shear from the reference is closest to `strain` plus `steps`
/// whole lattice vectors on xy, xz, yz.
pub(crate) fn basis_near(
    now: &Cell,
    reference: &Cell,
    strain: AffineStrain,
    steps: [i32; 3],
) -> Result<Basis, PipelineError> {
    let [lx, ly, lz, xy, xz, yz] = now.components();
    let [_, ly_before, lz_before, ..] = reference.components();
    let [more_xy, more_xz, more_yz] = steps.map(f64::from);
    let far = |cell: [f64; 6]| {
        Cell::new(cell)
            .map(|cell| (cell, AffineStrain::between(reference, &cell)))
            .map_err(|error| PipelineError::BadInput(error.to_string()))
    };
    // yz before xy before xz: a step of c along b takes the tilt of b with it.
    let (_, there) = far([lx, ly, lz, xy, xz, yz])?;
    let on_yz = ((strain.yz - there.yz) * lz_before / ly).round() + more_yz;
    let on_xy = ((strain.xy - there.xy) * ly_before / lx).round() + more_xy;
    let (xy, yz) = (xy + on_xy * lx, yz + on_yz * ly);
    let xz_carried = xz + on_yz * xy;
    let (_, there) = far([lx, ly, lz, xy, xz_carried, yz])?;
    let on_xz = ((strain.xz - there.xz) * lz_before / lx).round() + more_xz;
    let (cell, _) = far([lx, ly, lz, xy, xz_carried + on_xz * lx, yz])?;
    Ok(Basis {
        cell,
        steps: [on_xy, on_xz + on_yz * on_xy, on_yz].map(|n| n as i64),
    })
}

/// The basis of `now`'s lattice that is least sheared from `reference`.
///
/// Fractional coordinates of two frames are comparable only between such bases: a flip of the cell
/// between the frames would shift atoms by whole lattice vectors.
fn comparable_cell(now: &Cell, reference: &Cell) -> Result<Cell, PipelineError> {
    basis_near(now, reference, AffineStrain::default(), [0; 3]).map(|basis| basis.cell)
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
            names: None,
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
