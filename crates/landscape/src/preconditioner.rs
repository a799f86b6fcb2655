//! Approximate inverses of the Hessian that shorten every linear solve of a search.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use metabasin_interactions::{EnergyLandscape, HessianBlocks};
use nalgebra::{DMatrix, DVector, Matrix3, Vector3};

/// Blocks of the factor are dropped where their norm is below this times the square root of the
/// mean diagonal element of the Hessian.
const DROP: f64 = 0.02;

/// Blocks of the Hessian weaker than this share of its mean diagonal element are not looked at: most
/// would not enter the factor.
const WEAKEST: f64 = 0.003;

/// Eigenvalues of the core of an indefinite factorization keep at least this share of the mean
/// diagonal element.
const LEAST: f64 = 1e-3;

/// The first shift of a factorization that fails, as a share of the largest diagonal element, and how
/// many are tried, each twice the one before: up to half of that element.
const FIRST_SHIFT: f64 = 1e-3;
const SHIFTS: i32 = 10;

/// A symmetric positive definite approximation M⁻¹ ≈ H⁻¹ of the inverse Hessian.
pub trait Preconditioner: Send + Sync {
    /// Writes M⁻¹ r into `z`.
    fn apply(&self, r: &[f64], z: &mut [f64]);
}

/// M = 1: no preconditioning; the lowest mode is then found by plain Lanczos.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl Preconditioner for Identity {
    fn apply(&self, r: &[f64], z: &mut [f64]) {
        z.copy_from_slice(r);
    }
}

/// Incomplete Cholesky factorization L Lᵀ ≈ H with fill-in above a threshold, in 3×3 blocks of
/// atoms (Saad, Iterative Methods for Sparse Linear Systems, 10.4).
///
/// A glass's Hessian has a condition number of about 600 (eigenvalues 2.5 to 1430 ε/σ²), and its
/// softest modes are local: at 4,000 atoms conjugate gradients need 10 to 15 products for a decimal
/// digit without fill-in and without weak blocks, about 9 with all blocks and no fill-in, 4 with the
/// fill-in, and L has then half as many blocks as the Hessian. A coarse space of rigid blocks gains
/// nothing.
#[derive(Clone, Debug)]
pub struct IncompleteCholesky {
    /// Atoms in the order of elimination; those of the core come last.
    order: Vec<usize>,
    /// Start of every row in `columns`, and the end of the last.
    starts: Vec<usize>,
    /// Places in the order.
    columns: Vec<usize>,
    /// L_ij of the blocks below the diagonal, row by row.
    lower: Vec<Matrix3<f64>>,
    /// L_ii⁻¹ outside the core.
    inverse_diagonal: Vec<Matrix3<f64>>,
    /// The inverse of the absolute value of what is left for the core.
    core: DMatrix<f64>,
}

impl IncompleteCholesky {
    /// Factorizes the Hessian of a landscape at `x` around `core`; `None` as for
    /// [`IncompleteCholesky::around`], or where the landscape does not know its Hessian in blocks.
    pub fn at(landscape: &mut dyn EnergyLandscape, x: &[f64], core: &[usize]) -> Option<Self> {
        Self::around(&landscape.hessian_blocks(x, WEAKEST)?, core)
    }

    /// Factorizes a positive definite Hessian; `None` as for [`IncompleteCholesky::around`].
    pub fn of_minimum(hessian: &HessianBlocks) -> Option<Self> {
        Self::around(hessian, &[])
    }

    /// Factorizes a Hessian whose negative eigenvalues belong to the atoms `core` (ascending): they
    /// are eliminated last, without approximation, and M takes the absolute value of their Schur
    /// complement, so that M⁻¹ H has eigenvalues near 1 and as many near −1 as H has negative ones.
    ///
    /// Where a pivot outside the core fails, the diagonal is shifted and the factorization repeated
    /// (Manteuffel, Math. Comp. 34, 473 (1980)); `None` if no shift up to half the size of the
    /// diagonal helps, or where no diagonal block is positive (an atom without neighbors).
    pub fn around(hessian: &HessianBlocks, core: &[usize]) -> Option<Self> {
        let size = hessian
            .diagonal
            .iter()
            .map(|block| block.trace() / 3.0)
            .fold(0.0, f64::max);
        if let Some(factor) = Self::shifted(hessian, core, 0.0) {
            return Some(factor);
        }
        // Atoms without neighbors have no diagonal to shift by a share of.
        let doublings = if size > 0.0 { SHIFTS } else { 0 };
        (0..doublings).find_map(|doubling| {
            let shift = FIRST_SHIFT * size * 2.0_f64.powi(doubling);
            Self::shifted(hessian, core, shift)
        })
    }

    fn shifted(hessian: &HessianBlocks, core: &[usize], shift: f64) -> Option<Self> {
        let diagonal = &hessian.diagonal;
        let atoms = diagonal.len();
        let outside = atoms - core.len();
        let mean = hessian.mean_diagonal().abs();
        let drop = DROP * mean.sqrt();
        let mut order: Vec<usize> = (0..atoms)
            .filter(|atom| core.binary_search(atom).is_err())
            .collect();
        order.extend(core);
        let mut place = vec![0; atoms];
        for (k, &atom) in order.iter().enumerate() {
            place[atom] = k;
        }
        let mut rows: Vec<Vec<(usize, Matrix3<f64>)>> = vec![Vec::new(); atoms];
        for block in &hessian.below {
            let (row, column) = (place[block.row], place[block.column]);
            if row > column {
                rows[row].push((column, block.matrix));
            } else {
                rows[column].push((row, block.matrix.transpose()));
            }
        }
        let mut factor = Self {
            starts: vec![0],
            columns: Vec::with_capacity(2 * hessian.below.len()),
            lower: Vec::with_capacity(2 * hessian.below.len()),
            inverse_diagonal: Vec::with_capacity(outside),
            core: DMatrix::zeros(0, 0),
            order,
        };
        let mut left = DMatrix::zeros(3 * core.len(), 3 * core.len());
        // L column by column, as far as it is known: what a row eliminates with.
        let mut columns: Vec<Vec<(usize, Matrix3<f64>)>> = vec![Vec::new(); outside];
        let mut row = vec![Matrix3::zeros(); atoms];
        let mut listed = vec![false; outside];
        let mut pending = BinaryHeap::new();
        for (i, entries) in rows.iter().enumerate() {
            for (j, block) in entries {
                row[*j] = *block;
                if *j < outside {
                    listed[*j] = true;
                    pending.push(Reverse(*j));
                }
            }
            let mut pivot = diagonal[factor.order[i]] + Matrix3::identity() * shift;
            while let Some(Reverse(k)) = pending.pop() {
                let value = row[k] * factor.inverse_diagonal[k].transpose();
                row[k] = Matrix3::zeros();
                listed[k] = false;
                if value.norm() < drop {
                    continue;
                }
                for (j, other) in &columns[k] {
                    row[*j] -= value * other.transpose();
                    if *j < outside && !listed[*j] {
                        listed[*j] = true;
                        pending.push(Reverse(*j));
                    }
                }
                pivot -= value * value.transpose();
                factor.columns.push(k);
                factor.lower.push(value);
            }
            for k in factor.starts[i]..factor.columns.len() {
                columns[factor.columns[k]].push((i, factor.lower[k]));
            }
            factor.starts.push(factor.columns.len());
            if i < outside {
                let root = pivot.cholesky()?.unpack();
                factor.inverse_diagonal.push(root.try_inverse()?);
                continue;
            }
            let first = 3 * (i - outside);
            left.fixed_view_mut::<3, 3>(first, first).copy_from(&pivot);
            for (j, block) in row[outside..i].iter_mut().enumerate() {
                left.fixed_view_mut::<3, 3>(first, 3 * j).copy_from(block);
                left.fixed_view_mut::<3, 3>(3 * j, first)
                    .copy_from(&block.transpose());
                *block = Matrix3::zeros();
            }
        }
        if !core.is_empty() {
            factor.core = inverse_of_absolute(left, LEAST * mean)?;
        }
        Some(factor)
    }
}

/// |A|⁻¹ of a symmetric matrix, eigenvalues kept from zero by `least`; `None` unless it is finite.
fn inverse_of_absolute(matrix: DMatrix<f64>, least: f64) -> Option<DMatrix<f64>> {
    if !matrix.iter().all(|element| element.is_finite()) {
        return None;
    }
    let eigen = matrix.symmetric_eigen();
    let inverse = eigen.eigenvalues.map(|value| 1.0 / value.abs().max(least));
    Some(&eigen.eigenvectors * DMatrix::from_diagonal(&inverse) * eigen.eigenvectors.transpose())
}

fn triple(values: &[f64], atom: usize) -> Vector3<f64> {
    Vector3::new(values[3 * atom], values[3 * atom + 1], values[3 * atom + 2])
}

impl Preconditioner for IncompleteCholesky {
    fn apply(&self, r: &[f64], z: &mut [f64]) {
        let outside = self.inverse_diagonal.len();
        let mut y: Vec<Vector3<f64>> = Vec::with_capacity(self.order.len());
        for (i, &atom) in self.order.iter().enumerate() {
            let mut value = triple(r, atom);
            for k in self.starts[i]..self.starts[i + 1] {
                value -= self.lower[k] * y[self.columns[k]];
            }
            y.push(match self.inverse_diagonal.get(i) {
                Some(inverse) => inverse * value,
                None => value,
            });
        }
        if outside < y.len() {
            let left = DVector::from_iterator(
                self.core.nrows(),
                y[outside..]
                    .iter()
                    .flat_map(|value| [value.x, value.y, value.z]),
            );
            let solved = &self.core * left;
            for (value, solved) in y[outside..]
                .iter_mut()
                .zip(solved.as_slice().chunks_exact(3))
            {
                value.copy_from_slice(solved);
            }
        }
        for i in (0..y.len()).rev() {
            if let Some(inverse) = self.inverse_diagonal.get(i) {
                y[i] = inverse.tr_mul(&y[i]);
            }
            for k in self.starts[i]..self.starts[i + 1] {
                let change = self.lower[k].tr_mul(&y[i]);
                y[self.columns[k]] -= change;
            }
            let atom = 3 * self.order[i];
            z[atom..atom + 3].copy_from_slice(y[i].as_slice());
        }
    }
}

#[cfg(test)]
mod tests {
    use metabasin_interactions::HessianBlock;

    use super::*;

    const SPRING: Matrix3<f64> = Matrix3::new(4.0, 1.0, 0.0, 1.0, 3.0, 0.5, 0.0, 0.5, 2.0);

    /// Atoms on springs to their neighbors in a row, or in a ring, and to their places.
    fn springs(atoms: usize, closed: bool) -> HessianBlocks {
        let mut below: Vec<HessianBlock> = (1..atoms)
            .map(|row| HessianBlock {
                row,
                column: row - 1,
                matrix: -SPRING,
            })
            .collect();
        if closed {
            below.push(HessianBlock {
                row: atoms - 1,
                column: 0,
                matrix: -SPRING,
            });
        }
        HessianBlocks {
            diagonal: vec![SPRING * 2.2; atoms],
            below,
        }
    }

    fn product(hessian: &HessianBlocks, x: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; x.len()];
        let mut add = |row: usize, value: Vector3<f64>| {
            for k in 0..3 {
                product[3 * row + k] += value[k];
            }
        };
        for (atom, block) in hessian.diagonal.iter().enumerate() {
            add(atom, block * triple(x, atom));
        }
        for block in &hessian.below {
            add(block.row, block.matrix * triple(x, block.column));
            add(
                block.column,
                block.matrix.transpose() * triple(x, block.row),
            );
        }
        product
    }

    /// Largest difference between x and M⁻¹ H x.
    fn error(factor: &IncompleteCholesky, hessian: &HessianBlocks) -> f64 {
        let x: Vec<f64> = (0..3 * hessian.diagonal.len())
            .map(|k| (k as f64).sin())
            .collect();
        let mut back = vec![0.0; x.len()];
        factor.apply(&product(hessian, &x), &mut back);
        back.iter()
            .zip(&x)
            .map(|(back, x)| (back - x).abs())
            .fold(0.0, f64::max)
    }

    /// A row has no fill-in, so its incomplete factorization is exact; a ring has, and all of it
    /// is above the threshold.
    #[test]
    fn factorizations_of_rows_and_rings_are_exact() {
        for closed in [false, true] {
            let hessian = springs(7, closed);
            let factor = IncompleteCholesky::of_minimum(&hessian).unwrap();
            assert!(error(&factor, &hessian) < 1e-12, "closed: {closed}");
        }
    }

    #[test]
    fn an_indefinite_matrix_is_shifted_until_it_factorizes() {
        let hessian = HessianBlocks {
            diagonal: vec![Matrix3::identity(); 2],
            below: vec![HessianBlock {
                row: 1,
                column: 0,
                matrix: Matrix3::identity() * 1.5,
            }],
        };
        let factor = IncompleteCholesky::of_minimum(&hessian).unwrap();
        let r = [1.0, -2.0, 3.0, 0.5, 0.0, -1.0];
        let mut z = [0.0; 6];
        factor.apply(&r, &mut z);
        let quadratic: f64 = r.iter().zip(&z).map(|(r, z)| r * z).sum();
        assert!(quadratic > 0.0);
    }

    /// An atom without neighbors has no stiffness at all, a region of nothing else no scale.
    #[test]
    fn atoms_without_neighbors_end_without_a_factor() {
        let alone = |diagonal: Vec<Matrix3<f64>>| HessianBlocks {
            diagonal,
            below: Vec::new(),
        };
        let zero = Matrix3::zeros();
        for hopeless in [zero, Matrix3::repeat(f64::NAN), -SPRING] {
            let hessian = alone(vec![hopeless; 2]);
            assert!(IncompleteCholesky::of_minimum(&hessian).is_none());
            assert!(IncompleteCholesky::around(&hessian, &[1]).is_none());
        }
        let beside_others = alone(vec![SPRING, zero]);
        let factor = IncompleteCholesky::of_minimum(&beside_others).unwrap();
        let mut z = [0.0; 6];
        factor.apply(&[1.0; 6], &mut z);
        assert!(z.iter().all(|z| z.is_finite() && *z > 0.0), "{z:?}");
    }

    /// One negative eigenvalue: M⁻¹ H has the eigenvalue −1 once and 1 otherwise.
    #[test]
    fn a_saddle_differs_from_its_factor_in_one_direction() {
        let mut hessian = springs(7, true);
        hessian.diagonal[2][(2, 2)] -= 4.0;
        let size = 21;
        let factor = IncompleteCholesky::around(&hessian, &[1, 2, 5]).unwrap();
        let mut ratio = DMatrix::<f64>::zeros(size, size);
        for column in 0..size {
            let mut unit = vec![0.0; size];
            unit[column] = 1.0;
            let image = product(&hessian, &unit);
            let mut back = vec![0.0; size];
            factor.apply(&image, &mut back);
            ratio.set_column(column, &DVector::from_vec(back));
        }
        let mut eigenvalues: Vec<f64> = ratio
            .complex_eigenvalues()
            .iter()
            .map(|value| value.re)
            .collect();
        eigenvalues.sort_by(f64::total_cmp);
        assert!((eigenvalues[0] + 1.0).abs() < 1e-6, "{eigenvalues:?}");
        for value in &eigenvalues[1..] {
            assert!((value - 1.0).abs() < 1e-6, "{eigenvalues:?}");
        }
    }
}
