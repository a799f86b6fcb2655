//! Attempt frequencies of a way out, from the Hessians around what moves.

use metabasin_interactions::{FixedCell, unflatten};
use metabasin_landscape::{RateSettings, Region, harmonic_prefactors};

use crate::field::{core, union};
use crate::glass::GlassTerrain;

/// Evaluations that three Hessians in blocks count for.
pub(crate) const HESSIANS: u64 = 9;

impl GlassTerrain<'_> {
    /// Vineyard prefactors there and back `[1/τ]` around the atoms that `moves` (to the saddle, and to the
    /// minimum behind) move, in the region that a catalogue takes; see [`harmonic_prefactors`].
    pub(crate) fn prefactors(
        &self,
        landscape: &mut FixedCell,
        stationary: [&[f64]; 3],
        moves: [&[f64]; 2],
        mode: &[f64],
    ) -> Option<[f64; 2]> {
        let settings = RateSettings::default();
        let [moving, others] = moves.map(|u| core(u, 3, settings.core_threshold));
        let moving = union(&moving, &others);
        let moving: Vec<usize> = moving.into_iter().map(|atom| atom as usize).collect();
        let positions = unflatten(stationary[0]);
        let region = Region::around(self.cell(), &positions, &moving, settings.prefactor_radius);
        let found = harmonic_prefactors(landscape, stationary, mode, &region)?;
        Some([found.forward, found.reverse])
    }
}
