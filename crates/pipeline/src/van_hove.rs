//! How far atoms went, all of them and class by class: the van Hove correlation of `analyze`.

use std::collections::BTreeMap;

use metabasin_structure::{ExponentialTail, StructureClass, TailRange, VanHove};
use nalgebra::Vector3;
use serde::Serialize;

use crate::atom_groups::by_class;

/// The self part of the van Hove correlation of the displacements beyond the strain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VanHoveCorrelation {
    /// Width of the bins, which begin at zero.
    pub bin_width: f64,
    /// Over which displacements the tails are fitted.
    pub tail_range: TailRange,
    /// The distributions: `all`, and `icosahedral` and `other` by the class in the structure.
    pub classes: BTreeMap<&'static str, DisplacementDistribution>,
}

/// The displacements of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DisplacementDistribution {
    /// Atoms of the class.
    pub atoms: usize,
    /// Mean square of the displacement.
    pub mean_square: f64,
    /// α₂ = 3⟨u⁴⟩/(5⟨u²⟩²) − 1, zero for ideal diffusion.
    pub non_gaussian: Option<f64>,
    /// Width of each component of the Gaussian with the same median displacement.
    pub core_width: f64,
    /// Atoms in each bin of the length.
    pub counts: Vec<usize>,
    /// G_s in each bin.
    pub self_correlation: Vec<f64>,
    /// The fit of the tail.
    pub tail: Option<ExponentialTail>,
}

/// The correlation of these displacements; `range` is by default what lies beyond the Gaussian core of
/// all atoms.
pub(crate) fn van_hove(
    displacements: &[Vector3<f64>],
    classes: &[StructureClass],
    range: Option<TailRange>,
) -> VanHoveCorrelation {
    let lengths: Vec<f64> = displacements.iter().map(Vector3::norm).collect();
    let range = range.unwrap_or_else(|| TailRange::beyond_core(&lengths));
    let bin_width = VanHove::bin_width(&lengths);
    let of = |lengths: &[f64]| {
        let found = VanHove::new(lengths, bin_width, range);
        DisplacementDistribution {
            atoms: lengths.len(),
            mean_square: found.mean_square,
            non_gaussian: found.non_gaussian,
            core_width: found.core_width,
            self_correlation: found.density(),
            counts: found.histogram.counts,
            tail: found.tail,
        }
    };
    VanHoveCorrelation {
        bin_width,
        tail_range: range,
        classes: by_class(&lengths, classes, of),
    }
}
