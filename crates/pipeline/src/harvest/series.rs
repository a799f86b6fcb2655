//! A stationary trajectory as a series of visits to minima.

use metabasin_atoms::{Configuration, Stress};
use metabasin_catalogue::DisplacementField;
use metabasin_landscape::displacements;
use metabasin_minimizers::InherentStructure;
use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::escape::Trajectory;

/// Atoms that moved less are not stored `[length]`: a quench brings them to their places.
const STORED: f64 = 0.02;
/// Quenches whose atoms are this close ended in the same minimum `[length]`.
const SAME_PLACES: f64 = 0.05;
/// Energies of quenches that ended in the same minimum are this close `[energy]`.
pub(crate) const SAME_ENERGY: f64 = 0.02;

/// A minimum that a trajectory visited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct VisitedMinimum {
    /// Energy above that of the minimum of the catalogue `[energy]`.
    pub(crate) energy: f64,
    /// Its stress `[energy / length³]`.
    pub(crate) stress: Stress,
    /// Displacement from the minimum of the catalogue.
    pub(crate) displacement: DisplacementField,
}

impl VisitedMinimum {
    /// A quenched configuration beside another minimum of the same cell.
    pub(crate) fn beside(reference: &InherentStructure, quenched: &InherentStructure) -> Self {
        let reference_at = reference.configuration();
        let positions = &quenched.configuration().positions;
        let field = displacements(&reference_at.cell, &reference_at.positions, positions);
        Self {
            energy: quenched.energy() - reference.energy(),
            stress: quenched.stress(),
            displacement: stored(&field),
        }
    }
}

/// What one trajectory saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StationarySeries {
    /// Minima in the order in which they were seen first.
    pub(crate) minima: Vec<VisitedMinimum>,
    /// The minimum of every quench.
    pub(crate) visits: Vec<u32>,
    /// Stress of the dynamics averaged over the interval before every quench `[energy / length³]`.
    pub(crate) stresses: Vec<Stress>,
    /// Mean squares of its xy, xz and yz over the same interval `[energy² / length⁶]`.
    pub(crate) squares: Vec<[f64; 3]>,
    /// Stiffness at every quench under affine shear xy, xz and yz `[energy / length³]`.
    pub(crate) affine: Vec<[f64; 3]>,
}

/// Follows a trajectory for `quenches` intervals, after `settle` that are not looked at.
pub(crate) fn stationary_series(
    trajectory: &mut Trajectory<'_>,
    home: &InherentStructure,
    (settle, quenches): (u64, u64),
) -> Result<StationarySeries, PipelineError> {
    trajectory.settle(settle)?;
    let mut seen = Seen::of(home);
    let mut visits = Vec::new();
    let mut stresses = Vec::new();
    let mut squares = Vec::new();
    let mut affine = Vec::new();
    for _ in 0..quenches {
        squares.push(trajectory.shear_squares()?);
        stresses.push(trajectory.mean_stress());
        affine.push(trajectory.affine_moduli());
        visits.push(seen.visit(&trajectory.inherent_structure()?));
    }
    Ok(StationarySeries {
        minima: seen.minima,
        visits,
        stresses,
        squares,
        affine,
    })
}

/// Minima that were seen.
struct Seen<'a> {
    home: &'a Configuration,
    energy: f64,
    minima: Vec<VisitedMinimum>,
    /// Displacements of all atoms.
    fields: Vec<Vec<Vector3<f64>>>,
    latest: usize,
}

impl<'a> Seen<'a> {
    fn of(home: &'a InherentStructure) -> Self {
        Self {
            home: home.configuration(),
            energy: home.energy(),
            minima: Vec::new(),
            fields: Vec::new(),
            latest: 0,
        }
    }

    /// The number of a minimum.
    fn visit(&mut self, quenched: &InherentStructure) -> u32 {
        let positions = &quenched.configuration().positions;
        let field = displacements(&self.home.cell, &self.home.positions, positions);
        let energy = quenched.energy() - self.energy;
        let same = |k: &usize| {
            (self.minima[*k].energy - energy).abs() < SAME_ENERGY
                && field
                    .iter()
                    .zip(&self.fields[*k])
                    .all(|(a, b)| (a - b).norm_squared() < SAME_PLACES * SAME_PLACES)
        };
        // Nearly always it is that of the last quench.
        let known = (self.latest..self.minima.len()).chain(0..self.latest);
        self.latest = known.into_iter().find(same).unwrap_or_else(|| {
            self.minima.push(VisitedMinimum {
                energy,
                stress: quenched.stress(),
                displacement: stored(&field),
            });
            self.fields.push(field);
            self.minima.len() - 1
        });
        self.latest as u32
    }
}

fn stored(field: &[Vector3<f64>]) -> DisplacementField {
    let mut stored = DisplacementField::default();
    let mut rest = 0.0;
    for (atom, u) in (0..).zip(field) {
        if u.norm() > STORED {
            stored.atoms.push(atom);
            stored.displacements.push((*u).into());
        } else {
            rest += u.norm_squared();
        }
    }
    stored.rest_norm = rest.sqrt();
    stored
}
