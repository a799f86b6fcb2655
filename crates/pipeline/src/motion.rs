//! Who moved between two structures, and how: movers, D²_min and strings of `analyze --reference`.

use std::collections::BTreeMap;

use metabasin_atoms::{Configuration, Stress};
use metabasin_structure::{StructureClass, TailRange, d2min, displacement_strings};
use nalgebra::Vector3;
use serde::Serialize;

use crate::PipelineError;
use crate::displacements::{Displacements, displacements};
use crate::van_hove::{VanHoveCorrelation, van_hove};

/// The structure to compare with, and what counts.
#[derive(Clone, Copy, Debug)]
pub struct EarlierStructure<'a> {
    /// The structure.
    pub configuration: &'a Configuration,
    /// An atom moved if its displacement beyond the strain is larger `[length]`.
    pub mover_threshold: f64,
    /// Distance in the earlier structure up to which atoms are neighbors in D²_min `[length]`.
    pub d2min_cutoff: f64,
    /// The displacements that belong to the tail of the van Hove correlation; by default those beyond
    /// its core.
    pub tail: Option<TailRange>,
}

/// Shares of the atoms of each class that moved; none where the class has no atoms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MoversFraction {
    /// Of those that are icosahedral in the structure.
    pub icosahedral: Option<f64>,
    /// Of all others.
    pub other: Option<f64>,
}

/// Strings of atoms of which each took the place of the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StringCounts {
    /// Chains by the number of their atoms.
    pub chains: BTreeMap<usize, usize>,
    /// Closed rings by the number of their atoms.
    pub rings: BTreeMap<usize, usize>,
    /// Atoms of the longest string; 0 without one.
    pub longest: usize,
}

/// Motion from an earlier structure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Motion {
    /// The strain, and the displacements beyond it.
    #[serde(flatten)]
    pub displacements: Displacements,
    /// Atoms moved whose displacement beyond the strain is larger than this.
    pub mover_threshold: f64,
    /// Number of atoms that moved.
    pub movers: usize,
    /// Their share of each class of the structure.
    pub movers_fraction: MoversFraction,
    /// Neighbors in D²_min were within this distance.
    pub d2min_cutoff: f64,
    /// Mean of D²_min over all atoms.
    pub d2min_mean: f64,
    /// Strings of movers.
    pub strings: StringCounts,
    /// How far atoms went beyond the strain.
    pub van_hove: VanHoveCorrelation,
}

/// The motion of every atom.
pub(crate) struct AtomMotion {
    pub(crate) d2min: Vec<f64>,
    /// Displacement beyond the strain.
    pub(crate) nonaffine: Vec<Vector3<f64>>,
    /// Number of the string, 1 for the longest; 0 for atoms of none.
    pub(crate) string: Vec<usize>,
    /// Number of each atom in the earlier structure.
    earlier: Vec<usize>,
    /// Change of the von Mises stress, where stresses were compared.
    pub(crate) von_mises_change: Vec<f64>,
}

impl AtomMotion {
    /// Von Mises stress of each atom now less that before: the change of the invariant, not the invariant
    /// of the change, so that a turned neighborhood has not changed.
    pub(crate) fn compare_stress(&mut self, now: &[Stress], before: &[Stress]) {
        let pairs = now.iter().zip(&self.earlier);
        self.von_mises_change = pairs
            .map(|(now, &place)| now.von_mises() - before[place].von_mises())
            .collect();
    }
}

/// The motion of `now` from an earlier structure; `classes` are those of `now`.
///
/// # Errors
/// Where the two do not hold the same atoms, or for a cutoff without sense.
pub(crate) fn motion(
    now: &Configuration,
    earlier: &EarlierStructure<'_>,
    classes: &[StructureClass],
) -> Result<(Motion, AtomMotion), PipelineError> {
    let bad = |error: metabasin_structure::StructureError| {
        PipelineError::BadInput(format!("--reference: {error}"))
    };
    let (displacements, moves) = displacements(now, earlier.configuration)?;
    let d2min = d2min(
        (&earlier.configuration.cell, &moves.before),
        (&now.cell, &moves.nonaffine),
        earlier.d2min_cutoff,
    )
    .map_err(bad)?;
    let moved: Vec<bool> = moves
        .nonaffine
        .iter()
        .map(|u| u.norm() > earlier.mover_threshold)
        .collect();
    let strings =
        displacement_strings(&now.cell, &moves.places, &moves.nonaffine, &moved).map_err(bad)?;
    let mut string = vec![0; now.len()];
    let mut counts = StringCounts {
        chains: BTreeMap::new(),
        rings: BTreeMap::new(),
        longest: strings.first().map_or(0, |longest| longest.atoms.len()),
    };
    for (number, found) in strings.iter().enumerate() {
        for &atom in &found.atoms {
            string[atom] = number + 1;
        }
        let kind = if found.is_ring {
            &mut counts.rings
        } else {
            &mut counts.chains
        };
        *kind.entry(found.atoms.len()).or_insert(0) += 1;
    }
    let share = |class: StructureClass| {
        let of_class = || (0..now.len()).filter(|&i| classes[i] == class);
        let atoms = of_class().count();
        (atoms > 0).then(|| of_class().filter(|&i| moved[i]).count() as f64 / atoms as f64)
    };
    let motion = Motion {
        displacements,
        mover_threshold: earlier.mover_threshold,
        movers: moved.iter().filter(|yes| **yes).count(),
        movers_fraction: MoversFraction {
            icosahedral: share(StructureClass::Icosahedral),
            other: share(StructureClass::Other),
        },
        d2min_cutoff: earlier.d2min_cutoff,
        d2min_mean: d2min.iter().sum::<f64>() / now.len() as f64,
        strings: counts,
        van_hove: van_hove(&moves.nonaffine, classes, earlier.tail),
    };
    let atoms = AtomMotion {
        d2min,
        nonaffine: moves.nonaffine,
        string,
        earlier: moves.earlier,
        von_mises_change: Vec::new(),
    };
    Ok((motion, atoms))
}
