//! Local shear stress by structure and species: `analyze`.

use std::collections::BTreeMap;

use metabasin_atoms::{Configuration, Species, Stress};
use metabasin_landscape::relaxed_stiffness;
use metabasin_structure::{Histogram, LocalStress, MostProbable, StructureClass, stress_within};
use serde::Serialize;

use crate::atom_groups::by_group;
use crate::config::KernelChoice;
use crate::inherent_structure::{inherent_structure, no_inherent_structure};
use crate::{Cut, Interrupt, PipelineError};

/// Limits of the integral of the local stress.
const LIMITS: usize = 80;
/// What the relaxed modulus is asked for by.
const RELAXED: &str = "--shear-modulus relaxed";
/// The place of the component xy.
const XY: usize = 3;

/// In units of what local stresses are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ShearModulus {
    /// A value from elsewhere `[energy / length³]`.
    Given(f64),
    /// The relaxed modulus of the structure, an inherent one, in the plane xy.
    Relaxed,
}

/// Distributions of the local shear stress σ_xy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LocalStresses {
    /// The component of the stress, `xy`.
    pub component: &'static str,
    /// The shear modulus, where one was asked for.
    pub shear_modulus: Option<f64>,
    /// The limits L of `within`, ascending up to the largest local stress.
    pub limits: Vec<f64>,
    /// The distributions of `all` atoms, of `icosahedral` and `other` ones, of `large` and `small` ones, where there are
    /// any.
    pub groups: BTreeMap<&'static str, StressDistribution>,
}

/// Local stresses of a group of atoms, each for the mean volume of an atom.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StressDistribution {
    /// Atoms of the group.
    pub atoms: usize,
    /// Their share of all atoms: the means weighted by it are the global stress.
    pub fraction: f64,
    /// Mean of the local stress.
    pub mean: f64,
    /// Its standard deviation.
    pub standard_deviation: f64,
    /// The Gaussian through the most probable part.
    pub most_probable: Option<MostProbable>,
    /// The same in units of the shear modulus.
    pub most_probable_over_modulus: Option<MostProbable>,
    /// Atoms by local stress.
    pub histogram: Histogram,
    /// What the group's atoms with a local stress of at most each limit in size add to the global stress.
    pub within: Vec<f64>,
}

/// The distributions of σ_xy of single atoms.
pub(crate) fn local_stresses(
    stresses: &[Stress],
    classes: &[StructureClass],
    species: &[Species],
    shear_modulus: Option<f64>,
) -> LocalStresses {
    let all: Vec<f64> = stresses.iter().map(|stress| stress.xy()).collect();
    let atoms = all.len();
    let bin_width = LocalStress::bin_width(&all);
    let largest = all.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    // The last limit holds every atom, with the same bits.
    let limits: Vec<f64> = (0..=LIMITS)
        .map(|k| largest * (k as f64 / LIMITS as f64))
        .collect();
    let of = |members: &[f64]| {
        let found = LocalStress::new(members, bin_width);
        StressDistribution {
            atoms: found.atoms,
            fraction: found.atoms as f64 / atoms as f64,
            mean: found.mean,
            standard_deviation: found.standard_deviation,
            most_probable: found.most_probable,
            most_probable_over_modulus: found
                .most_probable
                .zip(shear_modulus)
                .map(|(fit, modulus)| fit.over(modulus)),
            histogram: found.histogram,
            within: stress_within(members, atoms, &limits),
        }
    };
    let groups = by_group(&all, classes, species, of);
    LocalStresses {
        component: "xy",
        shear_modulus,
        limits,
        groups,
    }
}

/// The shear modulus in numbers.
///
/// # Errors
/// Bad input where the relaxed modulus is wanted of what is no inherent structure.
pub(crate) fn shear_modulus(
    asked: ShearModulus,
    configuration: &Configuration,
    forces: (Cut, KernelChoice),
    interrupt: &Interrupt,
) -> Result<f64, PipelineError> {
    if let ShearModulus::Given(value) = asked {
        return Ok(value);
    }
    let minimum = inherent_structure(RELAXED, configuration, forces, interrupt)?;
    let refused = |why: String| no_inherent_structure(RELAXED, &why);
    let stiffness = relaxed_stiffness(&minimum).map_err(|error| {
        refused(error.to_string()).unless(interrupt, || "start the same command anew".to_owned())
    })?;
    let modulus = stiffness.0[XY][XY];
    if modulus > 0.0 {
        Ok(modulus)
    } else {
        Err(refused(format!("its modulus in xy is {modulus:.4}")))
    }
}
