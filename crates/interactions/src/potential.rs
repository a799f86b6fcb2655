//! What a model of interatomic forces must answer.

use std::any::Any;
use std::fmt::{self, Debug};

use metabasin_atoms::Species;
use metabasin_neighbors::VerletList;
use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use crate::clusters::ClusterPotential;
use crate::{Cut, HessianBlocks, Kernel, PairPotential};

/// How a sum over atoms is to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Which instructions.
    pub kernel: Kernel,
    /// Whether over rayon's threads; the bits are the same.
    pub parallel: bool,
}

/// Energy and virial of a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Potential energy `[energy]`.
    pub energy: f64,
    /// V `σ_ab` = −½ `Σ_ij` `F_ij,a` `r_ij,b`, tension positive; xx, yy, zz, xy, xz, yz `[energy]`.
    pub virial: [f64; 6],
}

/// The parts of the virial that a step of dynamics at constant shape or under simple shear needs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepVirial {
    /// V tr σ `[energy]`.
    pub trace: f64,
    /// V `σ_xy` `[energy]`.
    pub xy: f64,
}

/// With what numbers the pairs of a step of dynamics are summed. Every reported energy and stress
/// comes from an evaluation in double precision, whatever moves the atoms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Double precision throughout.
    #[default]
    Double,
    /// Exact integer differences of coordinates, pair terms and forces in single precision, the
    /// virial in double precision; where a potential has no such sums
    /// ([`Potential::as_clusters`]), double precision.
    Mixed,
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Double => "double",
            Self::Mixed => "mixed",
        })
    }
}

/// Second derivatives of the energy with respect to strain.
#[derive(Clone, Debug, PartialEq)]
pub struct StrainSums {
    /// V ∂`σ_ab/∂e_cd` at affine positions, without the change of volume: see
    /// [`StrainResponse`](crate::StrainResponse) `[energy]`.
    pub fourth_rank: [[f64; 6]; 6],
    /// ∂`F_i/∂e` at affine positions, for each of the six engineering strains `[energy / length]`.
    pub forces: [Vec<Vector3<f64>>; 6],
    /// V σ `[energy]`.
    pub virial: [f64; 6],
}

/// The Hessian at one configuration, ready for repeated products.
pub trait Linearization: Any + Send + Sync + Debug {
    /// Writes H v into `product` `[energy / length²]` × unit of v.
    ///
    /// # Panics
    /// If `v` or `product` has not one entry an atom.
    fn multiply(&mut self, v: &[Vector3<f64>], product: &mut [Vector3<f64>]);

    /// H in blocks of atoms, those off the diagonal left out whose norm is below `weakest` times
    /// the mean diagonal element.
    fn blocks(&self, weakest: f64) -> HessianBlocks;
}

/// A model of interatomic forces: sums over the neighbors that a list holds.
///
/// The list was updated for the configuration in question and holds every pair within
/// [`Potential::cutoff`]; forces and other arrays are in the order of atoms.
pub trait Potential: Send + Sync + Debug {
    /// Name and parameters as `run.json` shows them.
    fn name(&self) -> String;

    /// How pair terms end at the cutoff, where the model has such a choice.
    fn cut(&self) -> Option<Cut> {
        None
    }

    /// Range of the neighbor list `[length]`.
    fn cutoff(&self) -> f64;

    /// Number of species that the model knows.
    fn species(&self) -> usize;

    /// Distance below which two atoms count as sitting on top of each other `[length]`.
    fn least_distance(&self, first: Species, second: Species) -> f64;

    /// The same model pair by pair, where its energy is a sum over pairs.
    fn as_pair(&self) -> Option<&dyn PairPotential> {
        None
    }

    /// The same model summed over pairs of clusters, where it can be: [`Precision::Mixed`] needs it.
    fn as_clusters(&self) -> Option<&dyn ClusterPotential> {
        None
    }

    /// Energy and virial; writes the force on each atom.
    fn evaluate(
        &self,
        list: &VerletList,
        execution: Execution,
        forces: &mut [Vector3<f64>],
    ) -> Totals;

    /// Forces for a step of dynamics, and what it needs of the virial.
    fn step_forces(
        &self,
        list: &VerletList,
        execution: Execution,
        forces: &mut [Vector3<f64>],
    ) -> StepVirial {
        let [xx, yy, zz, xy, ..] = self.evaluate(list, execution, forces).virial;
        StepVirial {
            trace: xx + yy + zz,
            xy,
        }
    }

    /// Energy and virial of each atom; their sums are those of the configuration.
    fn per_atom(&self, list: &VerletList, execution: Execution) -> Vec<Totals>;

    /// The Hessian, for products. `spare` is what an earlier call of the same potential returned
    /// and nobody needs any more: its memory may be used again.
    fn linearize(
        &self,
        list: &VerletList,
        execution: Execution,
        spare: Option<Box<dyn Linearization>>,
    ) -> Box<dyn Linearization>;

    /// Derivatives of stress and forces with respect to strain.
    fn strain_sums(&self, list: &VerletList, execution: Execution) -> StrainSums;
}
