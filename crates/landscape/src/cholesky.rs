//! Dense Cholesky factors, blocked.

use nalgebra::{DMatrix, DVector};

/// Width of the panels of the blocked factorization.
const PANEL: usize = 48;

/// The factor L of a symmetric positive definite matrix A = L Lᵀ.
pub(crate) struct Cholesky {
    /// L in the lower triangle; the upper one is left as it was.
    lower: DMatrix<f64>,
}

impl Cholesky {
    /// Factorizes a symmetric matrix, of which only the lower triangle is read; `None` unless it
    /// is positive definite.
    pub(crate) fn new(matrix: DMatrix<f64>) -> Option<Self> {
        Self::new_unless(matrix, || false)
    }

    /// As [`Cholesky::new`], given up where `stopped` says so between two panels.
    pub(crate) fn new_unless(mut matrix: DMatrix<f64>, stopped: impl Fn() -> bool) -> Option<Self> {
        let size = matrix.nrows();
        let mut start = 0;
        while start < size {
            if stopped() {
                return None;
            }
            let width = PANEL.min(size - start);
            let block = matrix.view((start, start), (width, width)).into_owned();
            let lower = block.cholesky()?.l();
            matrix
                .view_mut((start, start), (width, width))
                .copy_from(&lower);
            let below = size - start - width;
            if below > 0 {
                // Panel ← panel L⁻ᵀ, then the trailing matrix loses panel panelᵀ, column block by
                // column block so that the upper triangle costs nothing.
                let mut transposed = matrix
                    .view((start + width, start), (below, width))
                    .transpose();
                if !lower.solve_lower_triangular_mut(&mut transposed) {
                    return None;
                }
                let panel = transposed.transpose();
                matrix
                    .view_mut((start + width, start), (below, width))
                    .copy_from(&panel);
                let mut column = 0;
                while column < below {
                    let columns = (4 * PANEL).min(below - column);
                    let rows = below - column;
                    let mut target = matrix.view_mut(
                        (start + width + column, start + width + column),
                        (rows, columns),
                    );
                    target.gemm(
                        -1.0,
                        &panel.rows(column, rows),
                        &transposed.columns(column, columns),
                        1.0,
                    );
                    column += columns;
                }
            }
            start += width;
        }
        Some(Self { lower: matrix })
    }

    /// ln det A = 2 Σ ln L_kk.
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * self.lower.diagonal().iter().map(|l| l.ln()).sum::<f64>()
    }

    /// Replaces the right-hand side b by A⁻¹ b.
    pub(crate) fn solve(&self, right: &mut DVector<f64>) {
        // Neither can fail: no diagonal element of a factor is zero.
        self.lower.solve_lower_triangular_mut(right);
        self.lower.tr_solve_lower_triangular_mut(right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Large enough for several panels and column blocks.
    fn gram(size: usize) -> DMatrix<f64> {
        let random = DMatrix::from_fn(size, size, |i, j| ((i * 7 + j * 13 + i * j) as f64).sin());
        &random * random.transpose() + DMatrix::identity(size, size)
    }

    #[test]
    fn log_determinant_agrees_with_the_eigenvalues() {
        let matrix = gram(310);
        let expected: f64 = matrix
            .clone()
            .symmetric_eigenvalues()
            .iter()
            .map(|l| l.ln())
            .sum();
        let found = Cholesky::new(matrix).unwrap().log_determinant();
        assert!((found - expected).abs() < 1e-8, "{found} {expected}");
    }

    #[test]
    fn solutions_solve() {
        let matrix = gram(150);
        let exact = DVector::from_fn(150, |i, _| (i as f64).cos());
        let mut solution = &matrix * &exact;
        Cholesky::new(matrix).unwrap().solve(&mut solution);
        assert!((solution - exact).amax() < 1e-9);
    }

    #[test]
    fn an_indefinite_matrix_has_no_factor() {
        let matrix = gram(100);
        let smallest = matrix.clone().symmetric_eigenvalues().min();
        let shifted = |shift: f64| &matrix + DMatrix::identity(100, 100) * (shift - smallest);
        assert!(Cholesky::new(shifted(1e-3)).is_some());
        assert!(Cholesky::new(shifted(-1e-3)).is_none());
    }
}
