//! Mandel vectors: symmetric tensors as six numbers whose scalar product is the full contraction.
//!
//! (xx, yy, zz, √2 xy, √2 xz, √2 yz). Nothing outside this room sees them.

use std::f64::consts::SQRT_2;

/// A symmetric tensor in Mandel components.
pub(crate) type Mandel = [f64; 6];

/// From plain tensor components.
pub(crate) fn from_tensor(tensor: [f64; 6]) -> Mandel {
    std::array::from_fn(|k| if k < 3 { tensor[k] } else { SQRT_2 * tensor[k] })
}

/// To plain tensor components.
pub(crate) fn to_tensor(mandel: Mandel) -> [f64; 6] {
    std::array::from_fn(|k| if k < 3 { mandel[k] } else { mandel[k] / SQRT_2 })
}

/// Full contraction of two tensors. The order of the sum is fixed.
pub(crate) fn dot(a: &Mandel, b: &Mandel) -> f64 {
    ((a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3])) + (a[4] * b[4] + a[5] * b[5])
}

/// a + b.
pub(crate) fn add(a: &Mandel, b: &Mandel) -> Mandel {
    std::array::from_fn(|k| a[k] + b[k])
}

/// a − b.
pub(crate) fn subtract(a: &Mandel, b: &Mandel) -> Mandel {
    std::array::from_fn(|k| a[k] - b[k])
}

/// factor · a.
pub(crate) fn scale(a: &Mandel, factor: f64) -> Mandel {
    a.map(|component| component * factor)
}

/// Number of independent components of a symmetric 6×6 matrix.
pub(crate) const PAIRS: usize = 21;

/// Where the component (row, column) of a symmetric 6×6 matrix is stored, row by row of the
/// upper triangle.
pub(crate) const fn pair_index(row: usize, column: usize) -> usize {
    let (low, high) = if row <= column {
        (row, column)
    } else {
        (column, row)
    };
    low * 6 - low * (low + 1) / 2 + high
}

/// A symmetric 6×6 matrix, upper triangle, times a vector.
pub(crate) fn multiply(matrix: &[f64; PAIRS], vector: &Mandel) -> Mandel {
    std::array::from_fn(|row| {
        let line: Mandel = std::array::from_fn(|column| matrix[pair_index(row, column)]);
        dot(&line, vector)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_atoms::Stress;

    #[test]
    fn scalar_product_is_the_full_contraction() {
        let a = Stress([1.0, -2.0, 0.5, 0.3, -0.7, 1.1]);
        let b = [0.2, 0.4, -1.0, 2.0, 0.9, -0.6];
        let product = dot(&from_tensor(a.0), &from_tensor(b));
        assert!((product - a.contract(b)).abs() < 1e-14);
        for (back, component) in to_tensor(from_tensor(b)).iter().zip(b) {
            assert!((back - component).abs() < 1e-15);
        }
    }

    #[test]
    fn every_pair_has_its_own_place() {
        let mut seen = [0; PAIRS];
        for row in 0..6 {
            for column in row..6 {
                assert_eq!(pair_index(row, column), pair_index(column, row));
                seen[pair_index(row, column)] += 1;
            }
        }
        assert_eq!(seen, [1; PAIRS]);
    }
}
