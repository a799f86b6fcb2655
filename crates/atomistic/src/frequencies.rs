//! Attempt frequencies of a way out, from the Hessians around what moves.

use metabasin_interactions::{EnergyLandscape, FixedCell, unflatten};
use metabasin_landscape::{DynamicalMatrix, RateSettings, Region, vineyard_prefactor};
use nalgebra::DVector;

use crate::field::{core, union};
use crate::glass::GlassTerrain;

/// The three stationary points of a way, and the unstable direction at its saddle.
pub(crate) struct StationaryPoints<'a> {
    pub minimum: &'a [f64],
    pub saddle: &'a [f64],
    pub mode: &'a [f64],
    pub behind: &'a [f64],
    /// Displacements from the minimum to the saddle and to the minimum behind.
    pub moves: [&'a [f64]; 2],
}

/// Evaluations that three Hessians in blocks count for.
pub(crate) const HESSIANS: u64 = 9;

impl GlassTerrain<'_> {
    /// Vineyard prefactors there and back `[1/τ]` with the atoms around those that move free and all
    /// others frozen; `None` where a Hessian there has other signs than its point should have.
    pub(crate) fn prefactors(
        &self,
        landscape: &mut FixedCell,
        points: &StationaryPoints,
    ) -> Option<[f64; 2]> {
        let settings = RateSettings::default();
        let [moving, others] = points.moves.map(|u| core(u, 3, settings.core_threshold));
        let moving = union(&moving, &others);
        let moving: Vec<usize> = moving.into_iter().map(|atom| atom as usize).collect();
        let positions = unflatten(points.minimum);
        let region = Region::around(self.cell(), &positions, &moving, settings.prefactor_radius);
        let masses = self.masses();
        let mut matrix = |x: &[f64]| {
            let blocks = landscape.hessian_blocks(x, 0.0)?;
            Some(DynamicalMatrix::of_region(&blocks, &masses, &region))
        };
        let first = matrix(points.minimum)?.log_product_at_minimum()?;
        let last = matrix(points.behind)?.log_product_at_minimum()?;
        let saddle = matrix(points.saddle)?;
        let atoms: Vec<usize> = match &region {
            Region::Atoms(atoms) => atoms.clone(),
            Region::Full => (0..masses.len()).collect(),
        };
        let guess = atoms
            .iter()
            .flat_map(|&atom| (0..3).map(move |k| (atom, 3 * atom + k)))
            .map(|(atom, k)| points.mode[k] * masses[atom].sqrt());
        let guess = DVector::from_vec(guess.collect());
        let (log_saddle, _) = saddle.log_product_at_saddle(&guess)?;
        Some([first, last].map(|minimum| vineyard_prefactor(minimum, log_saddle)))
    }
}
