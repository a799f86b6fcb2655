//! The two choices behind every Voronoi index: radii and thresholds.

use metabasin_atoms::{Configuration, Species};
use serde::{Deserialize, Serialize};

use crate::StructureError;

/// One radius a species `[length]`; to the tessellation only differences of their squares matter.
///
/// The radical (Laguerre) cell of atom i is the set of points x with
/// |x − xᵢ|² − rᵢ² ≤ |x − xⱼ|² − rⱼ² for every other atom and image j
/// (Gellatly & Finney, J. Non-Cryst. Solids 50, 313, 1982).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Radii(Vec<f64>);

impl Default for Radii {
    /// [`Radii::half_sigma`].
    fn default() -> Self {
        Self::half_sigma()
    }
}

impl Radii {
    /// Half the Lennard-Jones lengths of the Wahnstrom glass, 1/2 and 5/12:
    /// r₁² − r₂² = 0.0764.
    pub fn half_sigma() -> Self {
        Self(vec![0.5, 5.0 / 12.0])
    }

    /// 0.55 and 0.45, the radii of the published SU(2) bond-order code (Derlet, arXiv 2007.08878):
    /// r₁² − r₂² = 0.1.
    pub fn derlet() -> Self {
        Self(vec![0.55, 0.45])
    }

    /// The same radius for `species` species: the plain Voronoi tessellation.
    pub fn equal(species: usize) -> Self {
        Self(vec![0.5; species])
    }

    /// Radii of the species in their order `[length]`.
    ///
    /// # Errors
    /// [`StructureError::Radius`] for one that is negative or not finite.
    pub fn new(by_species: Vec<f64>) -> Result<Self, StructureError> {
        let radii = Self(by_species);
        radii.check()?;
        Ok(radii)
    }

    /// The radii in the order of the species `[length]`.
    pub fn by_species(&self) -> &[f64] {
        &self.0
    }

    /// Radius of a species, where it has one `[length]`.
    pub fn of(&self, species: Species) -> Option<f64> {
        self.0.get(usize::from(species.0)).copied()
    }

    pub(crate) fn of_atom(
        &self,
        configuration: &Configuration,
        i: usize,
    ) -> Result<f64, StructureError> {
        let species = configuration.species[i];
        self.of(species).ok_or(StructureError::MissingRadius {
            id: configuration.ids[i],
            number: species.number(),
            radii: self.0.len(),
        })
    }

    pub(crate) fn check(&self) -> Result<(), StructureError> {
        match self
            .0
            .iter()
            .position(|radius| !(radius.is_finite() && *radius >= 0.0))
        {
            Some(k) => Err(StructureError::Radius {
                number: k + 1,
                radius: self.0[k],
            }),
            None => Ok(()),
        }
    }
}

/// Which edges and faces count; by default all but those of no length, see
/// [`Thresholds::NO_LENGTH`].
///
/// The rules are OVITO's: an edge counts if it is longer than `edge`; a face counts if it has at
/// least three counted edges and an area above the larger of `absolute_face` and
/// `relative_face` times the surface of that cell. A dropped face leaves the edges of its
/// neighbors alone. Face thresholds hardly touch icosahedra; edge thresholds destroy them.
///
/// Beyond those rules, a face that has too few counted edges from one side does not count from the
/// other side either, so a bond counts from both sides or from neither; unless `edge` is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Smallest length of an edge that counts `[length]`; by default [`Thresholds::NO_LENGTH`]
    /// times the mean spacing of the atoms. Zero counts every edge, those of no length, too.
    pub edge: Option<f64>,
    /// Smallest area of a face that counts `[length²]`.
    pub absolute_face: f64,
    /// Smallest area of a face that counts, as a share of the surface of its cell.
    pub relative_face: f64,
}

impl Thresholds {
    /// An edge has no length if it is shorter than this share of the mean spacing (V/N)^⅓.
    ///
    /// Where more than three faces meet in a point, as in FCC and HCP, rounding leaves edges of
    /// some 1e-15 of the spacing, whose number is arbitrary. The shortest edges of glasses of
    /// thousands of atoms are 1e-6 to 1e-5 of it.
    pub const NO_LENGTH: f64 = 1e-7;

    /// Every edge counts, those of no length, too: in perfect crystals the numbers of edges then
    /// follow a fixed but arbitrary rule.
    pub fn every_edge() -> Self {
        Self {
            edge: Some(0.0),
            ..Self::default()
        }
    }

    /// The length above which an edge counts where atoms have this mean spacing `[length]`.
    pub(crate) fn edge_length(&self, spacing: f64) -> f64 {
        self.edge.unwrap_or(Self::NO_LENGTH * spacing)
    }

    pub(crate) fn check(&self) -> Result<(), StructureError> {
        for (name, value) in [
            ("edge", self.edge.unwrap_or(0.0)),
            ("absolute face", self.absolute_face),
            ("relative face", self.relative_face),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(StructureError::Threshold { name, value });
            }
        }
        Ok(())
    }
}
