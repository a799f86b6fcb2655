//! The periodic cell and its minimum image, right under any shear.

use nalgebra::{Matrix3, Vector3};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a cell is refused.
#[derive(Debug, Error, PartialEq)]
pub enum CellError {
    /// A diagonal length is not positive and finite.
    #[error("cell length {axis} must be positive and finite, got {value}")]
    Length {
        /// lx, ly or lz.
        axis: &'static str,
        /// The value given.
        value: f64,
    },
    /// A tilt is not finite.
    #[error("cell tilt {axis} must be finite, got {value}")]
    Tilt {
        /// xy, xz or yz.
        axis: &'static str,
        /// The value given.
        value: f64,
    },
    /// The lattice vectors do not have the upper-triangular form (or are left-handed).
    #[error(
        "lattice vectors must be a = (lx, 0, 0), b = (xy, ly, 0), c = (xz, yz, lz) with positive \
         lx, ly, lz: rotate the sample first"
    )]
    NotUpperTriangular,
}

/// A fully periodic triclinic cell with lattice vectors a = (lx, 0, 0), b = (xy, ly, 0),
/// c = (xz, yz, lz) `[length]` and its origin at zero.
///
/// Any tilt is legal: the lattice matters, not its basis, and [`Cell::minimum_image`] works on a
/// reduced basis of the same lattice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 6]", into = "[f64; 6]")]
pub struct Cell {
    components: [f64; 6],
    /// Columns are a reduced basis of the lattice, shortest vector first.
    reduced: Matrix3<f64>,
    reduced_inverse: Matrix3<f64>,
    /// Squared radius of the ball inside the Wigner-Seitz cell: half the shortest lattice vector.
    safe_radius_squared: f64,
}

impl TryFrom<[f64; 6]> for Cell {
    type Error = CellError;
    fn try_from(components: [f64; 6]) -> Result<Self, CellError> {
        Self::new(components)
    }
}

impl From<Cell> for [f64; 6] {
    fn from(cell: Cell) -> Self {
        cell.components
    }
}

/// Rounds of a reduction at most. Each shortens a vector, by half where it leans by more than one
/// length, so that a few suffice; cells of numbers too far apart for their digits end unreduced.
const REDUCTIONS: usize = 2000;

/// A Minkowski-reduced basis: each vector is the shortest that completes the ones before it.
fn reduce(lattice: &Matrix3<f64>) -> Matrix3<f64> {
    let mut basis: [Vector3<f64>; 3] = [0, 1, 2].map(|k| lattice.column(k).into_owned());
    for _ in 0..REDUCTIONS {
        basis.sort_by(|p, q| p.norm_squared().total_cmp(&q.norm_squared()));
        let shorten = |v: &mut Vector3<f64>, u: &Vector3<f64>| {
            *v -= u * (v.dot(u) / u.norm_squared()).round();
        };
        let (first, second) = (basis[0], basis[1]);
        shorten(&mut basis[1], &first);
        if basis[1].norm_squared() < second.norm_squared() * (1.0 - 1e-12) {
            continue;
        }
        // The third vector against all combinations of the first two near its projection.
        let gram = first.norm_squared() * second.norm_squared() - first.dot(&second).powi(2);
        let third = basis[2];
        let along_first = (third.dot(&first) * second.norm_squared()
            - third.dot(&second) * first.dot(&second))
            / gram;
        let along_second = (third.dot(&second) * first.norm_squared()
            - third.dot(&first) * first.dot(&second))
            / gram;
        let mut best = third;
        for i in -1..=1 {
            for j in -1..=1 {
                let candidate = third
                    - first * (along_first.round() + f64::from(i))
                    - second * (along_second.round() + f64::from(j));
                if candidate.norm_squared() < best.norm_squared() * (1.0 - 1e-12) {
                    best = candidate;
                }
            }
        }
        if best.norm_squared() < third.norm_squared() * (1.0 - 1e-12) {
            basis[2] = best;
            continue;
        }
        break;
    }
    Matrix3::from_columns(&basis)
}

impl Cell {
    /// A cell from its components lx, ly, lz, xy, xz, yz.
    ///
    /// # Errors
    /// [`CellError`] for a length that is not positive or anything not finite.
    pub fn new(components: [f64; 6]) -> Result<Self, CellError> {
        for (axis, &value) in ["lx", "ly", "lz"].into_iter().zip(&components[..3]) {
            if !(value > 0.0 && value.is_finite()) {
                return Err(CellError::Length { axis, value });
            }
        }
        for (axis, &value) in ["xy", "xz", "yz"].into_iter().zip(&components[3..]) {
            if !value.is_finite() {
                return Err(CellError::Tilt { axis, value });
            }
        }
        let [lx, ly, lz, xy, xz, yz] = components;
        let lattice = Matrix3::new(lx, xy, xz, 0.0, ly, yz, 0.0, 0.0, lz);
        let reduced = reduce(&lattice);
        let reduced_inverse = reduced.try_inverse().ok_or(CellError::Length {
            axis: "lz",
            value: lz,
        })?;
        let safe_radius_squared = 0.25 * reduced.column(0).norm_squared();
        Ok(Self {
            components,
            reduced,
            reduced_inverse,
            safe_radius_squared,
        })
    }

    /// A cube of side `length`.
    ///
    /// # Errors
    /// As [`Cell::new`].
    pub fn cubic(length: f64) -> Result<Self, CellError> {
        Self::new([length, length, length, 0.0, 0.0, 0.0])
    }

    /// A cell from a matrix whose columns are the lattice vectors.
    ///
    /// # Errors
    /// [`CellError::NotUpperTriangular`] where an element below the diagonal exceeds 1e-12 of the
    /// largest, and as [`Cell::new`].
    pub fn from_matrix(matrix: &Matrix3<f64>) -> Result<Self, CellError> {
        let below = [matrix[(1, 0)], matrix[(2, 0)], matrix[(2, 1)]];
        if below
            .iter()
            .any(|element| element.abs() > 1e-12 * matrix.amax())
        {
            return Err(CellError::NotUpperTriangular);
        }
        let m = |row, column| matrix[(row, column)];
        Self::new([m(0, 0), m(1, 1), m(2, 2), m(0, 1), m(0, 2), m(1, 2)])
    }

    /// lx, ly, lz, xy, xz, yz `[length]`.
    pub fn components(&self) -> [f64; 6] {
        self.components
    }

    /// The matrix h whose columns are the lattice vectors a, b, c.
    pub fn matrix(&self) -> Matrix3<f64> {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        Matrix3::new(lx, xy, xz, 0.0, ly, yz, 0.0, 0.0, lz)
    }

    /// Volume lx ly lz `[length³]`.
    pub fn volume(&self) -> f64 {
        self.components[0] * self.components[1] * self.components[2]
    }

    /// Distances between opposite faces of the cell as given, along a, b, c `[length]`.
    pub fn widths(&self) -> [f64; 3] {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        let a = Vector3::new(lx, 0.0, 0.0);
        let b = Vector3::new(xy, ly, 0.0);
        let c = Vector3::new(xz, yz, lz);
        let volume = self.volume();
        [
            volume / b.cross(&c).norm(),
            volume / c.cross(&a).norm(),
            volume / a.cross(&b).norm(),
        ]
    }

    /// Length of the shortest lattice vector: an interaction of range r sees each neighbor once
    /// only if 2 r is not above it `[length]`.
    pub fn shortest_lattice_vector(&self) -> f64 {
        2.0 * self.safe_radius_squared.sqrt()
    }

    /// Fractional coordinates s with x = h s.
    pub fn to_fractional(&self, position: &Vector3<f64>) -> Vector3<f64> {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        let c = position.z / lz;
        let b = (position.y - yz * c) / ly;
        let a = (position.x - xy * b - xz * c) / lx;
        Vector3::new(a, b, c)
    }

    /// Cartesian coordinates x = h s.
    pub fn to_cartesian(&self, fractional: &Vector3<f64>) -> Vector3<f64> {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        let (a, b, c) = (fractional.x, fractional.y, fractional.z);
        Vector3::new(lx * a + xy * b + xz * c, ly * b + yz * c, lz * c)
    }

    /// The image inside the cell (0 ≤ s < 1) and the lattice shift n with x = wrapped + h n.
    pub fn wrap(&self, position: &Vector3<f64>) -> (Vector3<f64>, [i32; 3]) {
        let fractional = self.to_fractional(position);
        let mut shift = fractional.map(f64::floor);
        let mut inside = fractional - shift;
        for k in 0..3 {
            // A tiny negative number plus one rounds to one.
            if inside[k] >= 1.0 {
                inside[k] = 0.0;
                shift[k] += 1.0;
            }
        }
        (
            self.to_cartesian(&inside),
            [shift.x as i32, shift.y as i32, shift.z as i32],
        )
    }

    /// The shortest vector equivalent to `difference` modulo the lattice, exact for any tilt.
    ///
    /// Rounding fractional coordinates is wrong in skewed cells; here they are rounded in a
    /// reduced basis and, unless the result lies inside the ball that fits into the Wigner-Seitz
    /// cell, compared with its 26 neighbors.
    pub fn minimum_image(&self, difference: &Vector3<f64>) -> Vector3<f64> {
        let rounded = (self.reduced_inverse * difference).map(f64::round);
        let near = difference - self.reduced * rounded;
        let mut shortest = near;
        let mut shortest_squared = near.norm_squared();
        if shortest_squared <= self.safe_radius_squared {
            return near;
        }
        for i in -1..=1 {
            for j in -1..=1 {
                for k in -1..=1 {
                    let candidate = near
                        + self.reduced * Vector3::new(f64::from(i), f64::from(j), f64::from(k));
                    let squared = candidate.norm_squared();
                    if squared < shortest_squared {
                        shortest = candidate;
                        shortest_squared = squared;
                    }
                }
            }
        }
        shortest
    }

    /// The cell after a simple shear γ in xy: lattice vectors x → x + γ y.
    ///
    /// # Panics
    /// If γ is not finite.
    #[must_use]
    pub fn sheared(&self, gamma: f64) -> Self {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        Self::new([lx, ly, lz, xy + gamma * ly, xz + gamma * yz, yz])
            .expect("a finite shear keeps the lengths of a valid cell")
    }

    /// The cell with every length multiplied by `factor`.
    ///
    /// # Errors
    /// As [`Cell::new`], for a factor that is not positive and finite.
    pub fn scaled(&self, factor: f64) -> Result<Self, CellError> {
        Self::new(self.components.map(|component| component * factor))
    }

    /// The same lattice with tilts |xy|, |xz| ≤ lx/2 and |yz| ≤ ly/2, and the integer change of
    /// basis: how often a was subtracted from b (xy), a from c (xz), and b from c (yz).
    ///
    /// Invisible in every reported quantity; positions need no change.
    ///
    /// # Panics
    /// Never: a change of basis keeps the lengths of a valid cell.
    pub fn with_small_tilts(&self) -> (Self, [i32; 3]) {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        let flips_yz = (yz / ly).round();
        let (xz, yz) = (xz - flips_yz * xy, yz - flips_yz * ly);
        let flips_xy = (xy / lx).round();
        let xy = xy - flips_xy * lx;
        let flips_xz = (xz / lx).round();
        let xz = xz - flips_xz * lx;
        let cell = Self::new([lx, ly, lz, xy, xz, yz])
            .expect("a change of basis keeps the lengths of a valid cell");
        (cell, [flips_xy as i32, flips_xz as i32, flips_yz as i32])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brute_force(cell: &Cell, difference: &Vector3<f64>) -> f64 {
        let (wrapped, _) = cell.wrap(difference);
        let mut shortest = f64::INFINITY;
        for i in -6..=6 {
            for j in -6..=6 {
                for k in -6..=6 {
                    let shift = Vector3::new(f64::from(i), f64::from(j), f64::from(k));
                    shortest = shortest.min((wrapped + cell.matrix() * shift).norm());
                }
            }
        }
        shortest
    }

    fn cells() -> impl Strategy<Value = Cell> {
        (
            prop::array::uniform3(2.0..6.0),
            prop::array::uniform3(-2.5..2.5),
        )
            .prop_map(|(l, t)| {
                Cell::new([l[0], l[1], l[2], t[0] * l[0], t[1] * l[0], t[2] * l[1]]).unwrap()
            })
    }

    fn vectors(size: f64) -> impl Strategy<Value = Vector3<f64>> {
        prop::array::uniform3(-size..size).prop_map(Vector3::from)
    }

    proptest! {
        #[test]
        fn minimum_image_is_the_shortest(cell in cells(), difference in vectors(9.0)) {
            // A reduced basis for the brute force too, or six images would not reach far enough.
            let (small, _) = cell.with_small_tilts();
            let (smaller, _) = small.with_small_tilts();
            let image = cell.minimum_image(&difference);
            prop_assert!((image.norm() - brute_force(&smaller, &difference)).abs() < 1e-10);
            let shift = cell.to_fractional(&(difference - image));
            prop_assert!((shift - shift.map(f64::round)).norm() < 1e-9);
        }

        #[test]
        fn minimum_image_does_not_depend_on_the_basis(cell in cells(), difference in vectors(9.0)) {
            let (flipped, _) = cell.with_small_tilts();
            let here = cell.minimum_image(&difference).norm();
            prop_assert!((here - flipped.minimum_image(&difference).norm()).abs() < 1e-10);
        }

        #[test]
        fn wrapping_returns_the_same_atom(cell in cells(), position in vectors(20.0)) {
            let (wrapped, shift) = cell.wrap(&position);
            let fractional = cell.to_fractional(&wrapped);
            prop_assert!(fractional.iter().all(|s| (-1e-12..1.0 + 1e-12).contains(s)));
            let back = wrapped + cell.matrix() * Vector3::from(shift.map(f64::from));
            prop_assert!((back - position).norm() < 1e-10);
        }

        #[test]
        fn a_flip_keeps_volume_and_lattice(cell in cells()) {
            let (flipped, _) = cell.with_small_tilts();
            prop_assert!((flipped.volume() / cell.volume() - 1.0).abs() < 1e-12);
            for k in 0..3 {
                let column = flipped.matrix().column(k).into_owned();
                let s = cell.to_fractional(&column);
                prop_assert!((s - s.map(f64::round)).norm() < 1e-9);
            }
        }
    }

    #[test]
    fn bad_cells_are_refused_by_name() {
        let zero = Cell::new([3.0, 0.0, 3.0, 0.0, 0.0, 0.0]).unwrap_err();
        assert_eq!(
            zero,
            CellError::Length {
                axis: "ly",
                value: 0.0
            }
        );
        let tilt = Cell::new([3.0, 3.0, 3.0, 0.0, f64::INFINITY, 0.0]).unwrap_err();
        assert_eq!(
            tilt,
            CellError::Tilt {
                axis: "xz",
                value: f64::INFINITY
            }
        );
        let rotated = Matrix3::new(1.0, 0.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.0, 1.0);
        assert_eq!(
            Cell::from_matrix(&rotated),
            Err(CellError::NotUpperTriangular)
        );
    }

    #[test]
    fn widths_and_serde_round_trip() {
        let cell = Cell::new([4.0, 5.0, 6.0, 1.0, -0.5, 2.0]).unwrap();
        let text = serde_json::to_string(&cell).unwrap();
        assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell);
        assert!((cell.widths()[2] - 6.0).abs() < 1e-12);
        let orthorhombic = Cell::new([4.0, 5.0, 6.0, 0.0, 0.0, 0.0]).unwrap();
        assert_eq!(orthorhombic.widths(), [4.0, 5.0, 6.0]);
        assert_eq!(orthorhombic.shortest_lattice_vector(), 4.0);
        assert!(serde_json::from_str::<Cell>("[1,1,-1,0,0,0]").is_err());
    }
}
