//! Local elastic moduli: `analyze --moduli`.

use std::collections::BTreeMap;

use metabasin_atoms::{Species, Stiffness};
use metabasin_landscape::{LandscapeError, local_stiffnesses};
use metabasin_minimizers::InherentStructure;
use metabasin_structure::{StructureClass, coarse_grained};
use serde::Serialize;

use crate::atom_groups::means_by_group;
use crate::inherent_structure::no_inherent_structure;
use crate::{Interrupt, PipelineError};

/// Means of the local moduli of `all` atoms, of each class and of each species that occurs.
pub type ModuliByGroup = BTreeMap<&'static str, f64>;

/// The local moduli in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LocalModuli {
    /// Width of the Gaussian over which the stiffness of atoms is spread.
    pub coarse_graining: f64,
    /// Mean shear modulus where atoms follow the strain of the cell.
    pub shear_born: ModuliByGroup,
    /// What the motion of the atoms beyond that takes from it.
    pub shear_nonaffine: ModuliByGroup,
    /// Lowest Kelvin modulus: twice the shear modulus of an isotropic medium.
    pub kelvin_lowest: ModuliByGroup,
    /// Share of the atoms whose lowest Kelvin modulus is negative.
    pub unstable_fraction: f64,
}

/// The moduli of every atom.
pub(crate) struct AtomModuli {
    pub(crate) shear_born: Vec<f64>,
    pub(crate) shear_nonaffine: Vec<f64>,
    pub(crate) kelvin_lowest: Vec<f64>,
}

/// The moduli of the atoms of an inherent structure, their stiffness spread over a Gaussian of the given width.
///
/// # Errors
/// Bad input where the structure is not stable or the width makes no sense.
pub(crate) fn local_moduli(
    minimum: &InherentStructure,
    width: f64,
    interrupt: &Interrupt,
) -> Result<AtomModuli, PipelineError> {
    let local = local_stiffnesses(minimum).map_err(|error| match error {
        LandscapeError::NoPairs => PipelineError::BadInput(format!("--moduli: {error}")),
        error => no_inherent_structure("--moduli", &error.to_string())
            .unless(interrupt, || "start the same command anew".to_owned()),
    })?;
    let configuration = minimum.configuration();
    let spread = |of: Vec<Stiffness>| {
        coarse_grained(&configuration.cell, &configuration.positions, &of, width)
            .map_err(|error| PipelineError::BadInput(format!("--moduli: {error}")))
    };
    let born = spread(local.iter().map(|of| of.born).collect())?;
    let nonaffine = spread(local.iter().map(|of| of.nonaffine).collect())?;
    let lowest = born.iter().zip(&nonaffine).map(|(born, nonaffine)| {
        let mut whole = *born;
        for (element, change) in whole
            .0
            .iter_mut()
            .flatten()
            .zip(nonaffine.0.iter().flatten())
        {
            *element += change;
        }
        whole.kelvin_moduli()[0]
    });
    Ok(AtomModuli {
        kelvin_lowest: lowest.collect(),
        shear_born: born.iter().map(|of| of.mean_shear_modulus()).collect(),
        shear_nonaffine: nonaffine
            .iter()
            .map(|of| -of.mean_shear_modulus())
            .collect(),
    })
}

impl LocalModuli {
    pub(crate) fn of(
        moduli: &AtomModuli,
        coarse_graining: f64,
        classes: &[StructureClass],
        species: &[Species],
    ) -> Self {
        let unstable = moduli.kelvin_lowest.iter().filter(|lowest| **lowest < 0.0);
        Self {
            coarse_graining,
            shear_born: means_by_group(&moduli.shear_born, classes, species),
            shear_nonaffine: means_by_group(&moduli.shear_nonaffine, classes, species),
            kelvin_lowest: means_by_group(&moduli.kelvin_lowest, classes, species),
            unstable_fraction: unstable.count() as f64 / classes.len() as f64,
        }
    }
}
