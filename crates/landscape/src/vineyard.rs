//! Vineyard prefactors from mass-weighted Hessians.

use metabasin_atoms::Cell;
use metabasin_interactions::HessianBlocks;
use nalgebra::{DMatrix, DVector, Vector3};

use crate::cholesky::Cholesky;

/// The lowest mode is iterated until its residual is below this part of the eigenvalue; the error
/// of the eigenvalue is of second order in it.
const MODE_RESIDUAL: f64 = 1e-7;
/// Inverse iterations for the lowest mode.
const MODE_ITERATIONS: usize = 60;
/// Shifts that are tried for them.
const SHIFTS: usize = 40;

/// The atoms that may move in a harmonic prefactor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Region {
    /// These atoms (indices in ascending order); all others are frozen, so that no translation
    /// has to be removed.
    Atoms(Vec<usize>),
    /// All atoms of a periodic cell, translations removed.
    Full,
}

impl Region {
    /// The atoms within `radius` of any atom of `core` (their minimum images at `positions`); all
    /// of them as [`Region::Full`] where that is every atom of the cell.
    pub fn around(cell: &Cell, positions: &[Vector3<f64>], core: &[usize], radius: f64) -> Self {
        let near = |position: &Vector3<f64>| {
            core.iter().any(|&atom| {
                cell.minimum_image(&(position - positions[atom]))
                    .norm_squared()
                    <= radius * radius
            })
        };
        let atoms: Vec<usize> = (0..positions.len())
            .filter(|&atom| near(&positions[atom]))
            .collect();
        if atoms.len() == positions.len() {
            Self::Full
        } else {
            Self::Atoms(atoms)
        }
    }

    /// How many atoms may move, of `all`.
    pub fn len(&self, all: usize) -> usize {
        match self {
            Self::Atoms(atoms) => atoms.len(),
            Self::Full => all,
        }
    }
}

/// The mass-weighted Hessian of a region,
///
/// ```text
/// D_ij = H_ij / √(m_i m_j)
/// ```
///
/// whose eigenvalues are the squares ω² of the angular frequencies `[1/τ²]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DynamicalMatrix {
    matrix: DMatrix<f64>,
    /// Unit vectors of the translations, where the region is the full cell.
    translations: Vec<DVector<f64>>,
}

impl DynamicalMatrix {
    /// From a Hessian `[energy / length²]` and the mass of every coordinate `[mass]`; nothing is
    /// free to translate.
    ///
    /// # Panics
    /// If the masses are not as many as the coordinates.
    pub fn from_hessian(mut hessian: DMatrix<f64>, masses: &[f64]) -> Self {
        assert_eq!(hessian.nrows(), masses.len(), "one mass a coordinate");
        for (j, b) in masses.iter().enumerate() {
            for (i, a) in masses.iter().enumerate() {
                hessian[(i, j)] /= (a * b).sqrt();
            }
        }
        Self {
            matrix: hessian,
            translations: Vec::new(),
        }
    }

    /// From the Hessian of a whole sample and the mass of every atom.
    ///
    /// # Panics
    /// If the region has atoms that the sample has not.
    pub fn of_region(blocks: &HessianBlocks, masses: &[f64], region: &Region) -> Self {
        let all = masses.len();
        let atoms: Vec<usize> = match region {
            Region::Atoms(atoms) => atoms.clone(),
            Region::Full => (0..all).collect(),
        };
        let hessian = blocks.dense(&atoms);
        let weights: Vec<f64> = atoms.iter().flat_map(|&atom| [masses[atom]; 3]).collect();
        let mut dynamical = Self::from_hessian(hessian, &weights);
        if *region == Region::Full {
            let total: f64 = masses.iter().sum();
            dynamical.translations = (0..3)
                .map(|k| {
                    DVector::from_fn(3 * all, |i, _| {
                        if i % 3 == k {
                            (masses[i / 3] / total).sqrt()
                        } else {
                            0.0
                        }
                    })
                })
                .collect();
        }
        dynamical
    }

    /// The scale of the eigenvalues, by which directions are shifted out of the way.
    fn shift(&self) -> f64 {
        self.matrix.diagonal().amax().max(f64::MIN_POSITIVE)
    }

    /// The matrix with its translations at the eigenvalue `shift`.
    fn held(&self, shift: f64) -> DMatrix<f64> {
        let mut matrix = self.matrix.clone();
        for translation in &self.translations {
            matrix.ger(shift, translation, translation, 1.0);
        }
        matrix
    }

    /// ln Π ω² at a minimum, translations removed; `None` unless all others are positive.
    pub fn log_product_at_minimum(&self) -> Option<f64> {
        let shift = self.shift();
        let factor = Cholesky::new(self.held(shift))?;
        Some(factor.log_determinant() - self.translations.len() as f64 * shift.ln())
    }

    /// ln Π' ω² over the positive eigenvalues at a saddle, and the negative one; `None` unless
    /// exactly one is negative, translations apart. `guess` is a start for its direction, in the
    /// coordinates of the region (not weighted by masses), in which the curvature is negative.
    ///
    /// With v the direction of the negative eigenvalue λ, D + c v vᵀ is positive definite and
    /// ln Π' ω² = ln det(D + c v vᵀ) − ln(λ + c).
    pub fn log_product_at_saddle(&self, guess: &DVector<f64>) -> Option<(f64, f64)> {
        let (eigenvalue, direction) = self.negative_mode(guess)?;
        let shift = self.shift();
        let lift = shift - eigenvalue;
        let mut matrix = self.held(shift);
        matrix.ger(lift, &direction, &direction, 1.0);
        let factor = Cholesky::new(matrix)?;
        let shifted = self.translations.len() as f64 + 1.0;
        Some((factor.log_determinant() - shifted * shift.ln(), eigenvalue))
    }

    /// The negative eigenvalue and its direction, by inverse iteration with a shift a little below
    /// it, D + s 1 being positive definite.
    fn negative_mode(&self, guess: &DVector<f64>) -> Option<(f64, DVector<f64>)> {
        let mut direction = guess.clone();
        for translation in &self.translations {
            let component = translation.dot(&direction);
            direction.axpy(-component, translation, 1.0);
        }
        direction = direction.try_normalize(f64::MIN_POSITIVE)?;
        let held = self.held(self.shift());
        let mut eigenvalue = direction.dot(&(&held * &direction));
        if eigenvalue >= 0.0 {
            return None;
        }
        let mut shift = -1.1 * eigenvalue;
        let factor = (0..SHIFTS).find_map(|_| {
            let mut shifted = held.clone();
            for k in 0..shifted.nrows() {
                shifted[(k, k)] += shift;
            }
            let factor = Cholesky::new(shifted);
            if factor.is_none() {
                shift *= 1.2;
            }
            factor
        })?;
        for _ in 0..MODE_ITERATIONS {
            factor.solve(&mut direction);
            direction = direction.try_normalize(f64::MIN_POSITIVE)?;
            let image = &held * &direction;
            eigenvalue = direction.dot(&image);
            let residual = (image - &direction * eigenvalue).norm();
            if residual < MODE_RESIDUAL * eigenvalue.abs() {
                return (eigenvalue < 0.0).then_some((eigenvalue, direction));
            }
        }
        None
    }
}

/// The prefactor of harmonic transition state theory (Vineyard, J. Phys. Chem. Solids 3, 121
/// (1957), eq. 18),
///
/// ```text
/// ν = (1/2π) Π ω_min / Π' ω_sad
/// ```
///
/// `[1/τ]`, from ln Π ω² at the minimum and ln Π' ω² over the positive eigenvalues at the saddle.
pub fn vineyard_prefactor(log_minimum: f64, log_saddle: f64) -> f64 {
    (0.5 * (log_minimum - log_saddle)).exp() / std::f64::consts::TAU
}

#[cfg(test)]
mod tests {
    use metabasin_interactions::HessianBlock;
    use nalgebra::Matrix3;

    use super::*;

    /// E = V(q) + ½ Σ k_i y_i², V the double well a(q² − 1)², rotated: one coordinate unstable.
    fn rotation(size: usize) -> DMatrix<f64> {
        DMatrix::from_fn(size, size, |i, j| ((i * 31 + j * 17 + i * j) as f64).sin())
            .qr()
            .q()
    }

    #[test]
    fn double_well_with_a_harmonic_bath_is_exact() {
        // V'' = 8 a at q = ±1 and −4 a at 0; bath springs change from k to k' at the saddle:
        // ν = (1/2π) √(8a Π k / Π k'), all masses 1.
        let a = 1.7;
        let springs: Vec<f64> = (0..30).map(|i| 0.3 + f64::from(i)).collect();
        let at_saddle: Vec<f64> = springs.iter().map(|k| k * 1.01 + 0.02).collect();
        let turn = rotation(31);
        let matrix = |first: f64, rest: &[f64]| {
            let diagonal: Vec<f64> = std::iter::once(first).chain(rest.iter().copied()).collect();
            let diagonal = DMatrix::from_diagonal(&DVector::from_vec(diagonal));
            DynamicalMatrix::from_hessian(&turn * diagonal * turn.transpose(), &[1.0; 31])
        };
        let minimum = matrix(8.0 * a, &springs).log_product_at_minimum().unwrap();
        let mut guess = turn.column(0).into_owned();
        guess += turn.column(3) * 0.05;
        let (saddle, negative) = matrix(-4.0 * a, &at_saddle)
            .log_product_at_saddle(&guess)
            .unwrap();
        assert!((negative + 4.0 * a).abs() < 1e-10);
        let ratio: f64 = springs.iter().zip(&at_saddle).map(|(k, s)| k / s).product();
        let exact = (8.0 * a * ratio).sqrt() / std::f64::consts::TAU;
        let found = vineyard_prefactor(minimum, saddle);
        assert!((found / exact - 1.0).abs() < 1e-10, "{found} {exact}");
    }

    /// A coupled system with different masses: the logarithms against all eigenvalues.
    #[test]
    fn coupled_coordinates_agree_with_the_eigenvalues() {
        let size = 90;
        let masses: Vec<f64> = (0..size)
            .map(|i| if i % 6 < 3 { 1.0 } else { 0.5 })
            .collect();
        let mut eigenvalues: Vec<f64> = (0..size).map(|i| 0.02 + 0.7 * i as f64).collect();
        eigenvalues[4] = -1.3;
        let turn = rotation(size);
        let diagonal = DMatrix::from_diagonal(&DVector::from_vec(eigenvalues));
        let hessian = &turn * diagonal * turn.transpose();
        let dynamical = DynamicalMatrix::from_hessian(hessian, &masses);
        let exact = dynamical.matrix.clone().symmetric_eigenvalues();
        let guess = turn.column(4).into_owned();
        let (found, negative) = dynamical.log_product_at_saddle(&guess).unwrap();
        let expected: f64 = exact.iter().filter(|l| **l > 0.0).map(|l| l.ln()).sum();
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        assert!((negative - exact.min()).abs() < 1e-9);
        // All four times as heavy: each ω halves, and so does ν.
        assert!(dynamical.log_product_at_minimum().is_none());
    }

    #[test]
    fn heavier_atoms_jump_less_often_as_the_root_of_their_mass() {
        let turn = rotation(40);
        let hessian = |lowest: f64| {
            let diagonal =
                DVector::from_fn(40, |i, _| if i == 0 { lowest } else { 1.0 + i as f64 });
            &turn * DMatrix::from_diagonal(&diagonal) * turn.transpose()
        };
        let prefactor = |factor: f64| {
            let masses: Vec<f64> = (0..40).map(|i| factor * (1.0 + f64::from(i % 2))).collect();
            let of = |lowest| DynamicalMatrix::from_hessian(hessian(lowest), &masses);
            let minimum = of(3.0).log_product_at_minimum().unwrap();
            let guess = turn.column(0).into_owned();
            let (saddle, _) = of(-2.0).log_product_at_saddle(&guess).unwrap();
            vineyard_prefactor(minimum, saddle)
        };
        let (light, heavy) = (prefactor(1.0), prefactor(4.0));
        assert!((heavy / light - 0.5).abs() < 1e-10, "{light} {heavy}");
    }

    #[test]
    fn two_negative_eigenvalues_have_no_prefactor() {
        let turn = rotation(20);
        let diagonal = DVector::from_fn(20, |i, _| if i < 2 { -1.0 - i as f64 } else { 2.0 });
        let hessian = &turn * DMatrix::from_diagonal(&diagonal) * turn.transpose();
        let dynamical = DynamicalMatrix::from_hessian(hessian, &[1.0; 20]);
        let guess = turn.column(1).into_owned();
        assert!(dynamical.log_product_at_saddle(&guess).is_none());
    }

    /// A ring of three atoms on springs: translations are removed, in any number of masses.
    #[test]
    fn translations_are_removed_from_the_full_cell() {
        let spring = |k: f64| Matrix3::new(k, 0.1, 0.0, 0.1, 2.0 * k, 0.2, 0.0, 0.2, k);
        let mut blocks = HessianBlocks {
            diagonal: vec![Matrix3::zeros(); 3],
            below: Vec::new(),
        };
        for (row, column, k) in [(1, 0, 1.0), (2, 1, 2.0), (2, 0, 3.0)] {
            blocks.diagonal[row] += spring(k);
            blocks.diagonal[column] += spring(k);
            blocks.below.push(HessianBlock {
                row,
                column,
                matrix: -spring(k),
            });
        }
        let masses = [1.0, 0.5, 1.0];
        let dynamical = DynamicalMatrix::of_region(&blocks, &masses, &Region::Full);
        let eigenvalues = dynamical.matrix.clone().symmetric_eigenvalues();
        let expected: f64 = eigenvalues
            .iter()
            .filter(|l| **l > 1e-9)
            .map(|l| l.ln())
            .sum();
        let found = dynamical.log_product_at_minimum().unwrap();
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
        // With one atom frozen nothing translates: the plain block of the others.
        let region = Region::Atoms(vec![0, 2]);
        let block = DynamicalMatrix::of_region(&blocks, &masses, &region);
        let exact: f64 = block
            .matrix
            .clone()
            .symmetric_eigenvalues()
            .iter()
            .map(|l| l.ln())
            .sum();
        assert!((block.log_product_at_minimum().unwrap() - exact).abs() < 1e-10);
        assert_eq!(block.matrix[(0, 0)], 4.0);
        assert_eq!(block.matrix[(3, 3)], 5.0);
    }
}
