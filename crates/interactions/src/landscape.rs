//! The energy landscape as minimizers and saddle searches see it.

use metabasin_atoms::Stress;
use nalgebra::{DMatrix, Matrix3, Vector3};

/// One off-diagonal 3×3 block of a symmetric block matrix, `row > column`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HessianBlock {
    /// Index of the atom of the rows.
    pub row: usize,
    /// Index of the atom of the columns, below `row`.
    pub column: usize,
    /// ∂²E/∂x_row ∂x_column `[energy / length²]`.
    pub matrix: Matrix3<f64>,
}

/// A Hessian in 3×3 blocks of atoms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HessianBlocks {
    /// The diagonal block of every atom `[energy / length²]`.
    pub diagonal: Vec<Matrix3<f64>>,
    /// The blocks below the diagonal, each once; those that are not listed are zero or weak.
    pub below: Vec<HessianBlock>,
}

impl HessianBlocks {
    /// The rows and columns of these atoms as a matrix, three of each an atom in their order
    /// `[energy / length²]`.
    ///
    /// # Panics
    /// If an atom is none of the sample's.
    pub fn dense(&self, atoms: &[usize]) -> DMatrix<f64> {
        let mut place = vec![None; self.diagonal.len()];
        let mut matrix = DMatrix::zeros(3 * atoms.len(), 3 * atoms.len());
        for (k, &atom) in atoms.iter().enumerate() {
            place[atom] = Some(3 * k);
            let mut block = matrix.fixed_view_mut::<3, 3>(3 * k, 3 * k);
            block.copy_from(&self.diagonal[atom]);
        }
        for block in &self.below {
            if let (Some(row), Some(column)) = (place[block.row], place[block.column]) {
                let mut lower = matrix.fixed_view_mut::<3, 3>(row, column);
                lower.copy_from(&block.matrix);
                let mut upper = matrix.fixed_view_mut::<3, 3>(column, row);
                upper.copy_from(&block.matrix.transpose());
            }
        }
        matrix
    }

    /// The mean of the diagonal elements `[energy / length²]`; 0 without atoms.
    pub fn mean_diagonal(&self) -> f64 {
        let trace: f64 = self.diagonal.iter().map(Matrix3::trace).sum();
        trace / (3 * self.diagonal.len().max(1)) as f64
    }
}

/// The largest norm over atoms of a field of three components an atom; NaN where one is.
pub fn largest_norm(field: &[f64]) -> f64 {
    let mut largest = 0.0_f64;
    for atom in field.chunks_exact(3) {
        let norm = Vector3::from_column_slice(atom).norm();
        // Unlike f64::max, lets NaN through.
        if norm.is_nan() {
            return f64::NAN;
        }
        largest = largest.max(norm);
    }
    largest
}

/// A smooth energy E(x) over a vector of coordinates.
///
/// Minimizers, Lanczos and ARTn run on this alone, so they work unchanged on analytic test
/// surfaces, on atoms with any potential, or on a user's own function. Methods take `&mut self`
/// because a landscape may keep a neighbor list; it must not keep anything that changes the
/// numbers: equal arguments give equal bits.
pub trait EnergyLandscape {
    /// Number of coordinates.
    fn dimension(&self) -> usize;

    /// Energy at `x` `[energy]`; writes ∂E/∂x into `gradient` (both of length
    /// [`EnergyLandscape::dimension`]) `[energy / length]`.
    ///
    /// Where the energy is not defined (atoms on top of each other) it is infinite or NaN, which
    /// callers treat as a step too far.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;

    /// Writes H(x) v into `product`, H the Hessian ∂²E/∂x∂x `[energy / length²]`.
    ///
    /// The default takes a central difference of the gradient over ±1e-5 along v (cost: two
    /// evaluations); exact implementations cost about one.
    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        let norm = v
            .iter()
            .map(|component| component * component)
            .sum::<f64>()
            .sqrt();
        if norm == 0.0 {
            product.fill(0.0);
            return;
        }
        let step = 1e-5 / norm;
        let shifted =
            |sign: f64| -> Vec<f64> { x.iter().zip(v).map(|(x, v)| x + sign * step * v).collect() };
        let mut behind = vec![0.0; x.len()];
        self.evaluate(&shifted(1.0), product);
        self.evaluate(&shifted(-1.0), &mut behind);
        for (ahead, behind) in product.iter_mut().zip(&behind) {
            *ahead = (*ahead - behind) / (2.0 * step);
        }
    }

    /// The Hessian at `x` in blocks of atoms, where the landscape knows it that way; blocks off the
    /// diagonal whose norm is below `weakest` times the mean diagonal element may be left out.
    fn hessian_blocks(&mut self, _x: &[f64], _weakest: f64) -> Option<HessianBlocks> {
        None
    }

    /// Virial stress at `x`, where the landscape belongs to atoms in a cell.
    fn stress(&mut self, _x: &[f64]) -> Option<Stress> {
        None
    }

    /// The size of a gradient that convergence criteria compare with their tolerance: the largest
    /// absolute component by default, the largest norm over atoms for atoms.
    fn largest_force(&self, gradient: &[f64]) -> f64 {
        gradient
            .iter()
            .fold(0.0, |largest, component| f64::max(largest, component.abs()))
    }

    /// Whether coordinates come in triples and a common shift of all triples leaves the energy
    /// unchanged, so that three zero modes must be projected out.
    fn translation_invariant(&self) -> bool {
        false
    }

    /// Whether whoever asks for answers should stop asking: what was found so far is then not
    /// needed, and loops over evaluations end at once, however they say it.
    fn is_interrupted(&self) -> bool {
        false
    }

    /// Differences of energies below this are rounding `[energy]`.
    fn energy_resolution(&self, energy: f64) -> f64 {
        10.0 * f64::EPSILON * self.dimension() as f64 * energy.abs().max(1.0)
    }
}

impl<L: EnergyLandscape + ?Sized> EnergyLandscape for &mut L {
    fn dimension(&self) -> usize {
        (**self).dimension()
    }
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        (**self).evaluate(x, gradient)
    }
    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        (**self).hessian_vector(x, v, product);
    }
    fn hessian_blocks(&mut self, x: &[f64], weakest: f64) -> Option<HessianBlocks> {
        (**self).hessian_blocks(x, weakest)
    }
    fn stress(&mut self, x: &[f64]) -> Option<Stress> {
        (**self).stress(x)
    }
    fn largest_force(&self, gradient: &[f64]) -> f64 {
        (**self).largest_force(gradient)
    }
    fn translation_invariant(&self) -> bool {
        (**self).translation_invariant()
    }
    fn is_interrupted(&self) -> bool {
        (**self).is_interrupted()
    }
    fn energy_resolution(&self, energy: f64) -> f64 {
        (**self).energy_resolution(energy)
    }
}

/// As how many products a Hessian in blocks is counted: it visits every pair once, as a product
/// does, and every block has three columns.
const HESSIAN_IN_BLOCKS: u64 = 3;

/// A landscape that counts how often it was asked.
#[derive(Debug)]
pub struct Counted<L> {
    landscape: L,
    evaluations: u64,
    hessian_products: u64,
}

impl<L: EnergyLandscape> Counted<L> {
    /// Counts from zero.
    pub fn new(landscape: L) -> Self {
        Self {
            landscape,
            evaluations: 0,
            hessian_products: 0,
        }
    }

    /// Energy-and-gradient evaluations so far.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Hessian-vector products so far.
    pub fn hessian_products(&self) -> u64 {
        self.hessian_products
    }

    /// The cost that papers count: evaluations plus Hessian-vector products.
    pub fn force_evaluations(&self) -> u64 {
        self.evaluations + self.hessian_products
    }

    /// The landscape underneath; what it is asked directly is not counted.
    pub fn inner_mut(&mut self) -> &mut L {
        &mut self.landscape
    }

    /// Gives the landscape back.
    pub fn into_inner(self) -> L {
        self.landscape
    }
}

impl<L: EnergyLandscape> EnergyLandscape for Counted<L> {
    fn dimension(&self) -> usize {
        self.landscape.dimension()
    }
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.evaluations += 1;
        self.landscape.evaluate(x, gradient)
    }
    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.hessian_products += 1;
        self.landscape.hessian_vector(x, v, product);
    }
    fn hessian_blocks(&mut self, x: &[f64], weakest: f64) -> Option<HessianBlocks> {
        let blocks = self.landscape.hessian_blocks(x, weakest);
        if blocks.is_some() {
            self.hessian_products += HESSIAN_IN_BLOCKS;
        }
        blocks
    }
    fn stress(&mut self, x: &[f64]) -> Option<Stress> {
        self.landscape.stress(x)
    }
    fn largest_force(&self, gradient: &[f64]) -> f64 {
        self.landscape.largest_force(gradient)
    }
    fn translation_invariant(&self) -> bool {
        self.landscape.translation_invariant()
    }
    fn is_interrupted(&self) -> bool {
        self.landscape.is_interrupted()
    }
    fn energy_resolution(&self, energy: f64) -> f64 {
        self.landscape.energy_resolution(energy)
    }
}
