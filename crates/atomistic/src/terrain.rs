//! What the walk needs to know of the land: minima, and the ways out of them.

use nalgebra::Matrix3;
use serde::{Deserialize, Serialize};

use crate::error::AtomisticError;

/// A local minimum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minimum {
    /// Coordinates.
    pub x: Vec<f64>,
    /// Energy `[energy]`.
    pub energy: f64,
}

/// A way out of a minimum over a saddle, as seen from the minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct WayOut {
    /// Displacement minimum → saddle, all coordinates `[length]`.
    pub saddle: Vec<f64>,
    /// Displacement minimum → minimum behind, all coordinates `[length]`.
    pub end: Vec<f64>,
    /// Energy of the saddle above the minimum `[energy]`.
    pub barrier: f64,
    /// Energy of the minimum behind above the minimum `[energy]`; may be negative.
    pub end_energy: f64,
    /// Attempt frequencies there and back, where measured `[1/τ]`.
    pub prefactors: Option<[f64; 2]>,
}

/// The surroundings of two sites are alike: a rotation or reflection about them takes the ones to the
/// others, like sites to like ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    /// The site around which ways are known.
    pub known: u32,
    /// The site whose surroundings are like that.
    pub site: u32,
    /// What takes places as seen from `known` to places as seen from `site`.
    pub map: Matrix3<f64>,
}

/// What a round of searches found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Round {
    /// Ways out, in the order of the searches; the same one may come more than once.
    pub ways: Vec<WayOut>,
    /// Searches done.
    pub searches: u64,
    /// Force evaluations, Hessian-vector products counted.
    pub evaluations: u64,
}

/// An energy landscape on which one can walk from minimum to minimum.
///
/// Coordinates come in sites of [`Terrain::site_dimension`] each: atoms, on a landscape of atoms.
/// Every answer depends on its arguments alone, bit by bit, for any number of threads.
pub trait Terrain: Sync {
    /// Coordinates of one site.
    fn site_dimension(&self) -> usize;

    /// The minimum at the bottom of the slope from `x`, and the force evaluations that took.
    ///
    /// # Errors
    /// [`AtomisticError`] where no minimum is reached.
    fn relax(&self, x: &[f64]) -> Result<(Minimum, u64), AtomisticError>;

    /// Displacement between two points: by the nearest images, without rigid drift.
    fn displacement(&self, from: &[f64], to: &[f64]) -> Vec<f64>;

    /// The sites of `core` and of the shell around it, ascending.
    fn surroundings(&self, x: &[f64], core: &[u32]) -> Vec<u32>;

    /// The sites whose surroundings differ between two points, those of `moved` among them, ascending:
    /// where ways out may have come and gone.
    ///
    /// What moved, by default.
    fn changed(&self, _before: &[f64], _after: &[f64], moved: &[u32]) -> Vec<u32> {
        moved.to_vec()
    }

    /// Everything that takes the surroundings of one of the sites `known` at `from` to those of one of
    /// `sites` at `to`.
    ///
    /// Nothing by default: sites of a landscape need not be alike.
    fn alike(&self, _from: &[f64], _known: &[u32], _to: &[f64], _sites: &[u32]) -> Vec<Likeness> {
        Vec::new()
    }

    /// Those of `sites` at `to` whose surroundings are like those of some site close by at `from`,
    /// ascending; none by default.
    fn familiar(&self, _from: &[f64], _to: &[f64], _sites: &[u32]) -> Vec<u32> {
        Vec::new()
    }

    /// A displacement from `from` as it is at `to` under a likeness; `None` where a site that moves has
    /// no counterpart.
    fn mapped(
        &self,
        _from: &[f64],
        _displacement: &[f64],
        _to: &[f64],
        _likeness: &Likeness,
    ) -> Option<Vec<f64>> {
        None
    }

    /// Searches for ways out of `minimum`, `effort` around each of the sites `around` (all where
    /// `None`); `round` tells one round of searches from another.
    ///
    /// # Errors
    /// [`AtomisticError`] where `minimum` is none.
    fn search(
        &self,
        minimum: &Minimum,
        around: Option<&[u32]>,
        effort: u32,
        round: u64,
    ) -> Result<Round, AtomisticError>;

    /// Ways out that `dynamics` takes, at this k_B T and with up to so many short trajectories: fewer
    /// where the next escape is almost surely a known one. Finds the fastest ways, however they are
    /// shaped, and no slow ones. Escapes to minima at the displacements `known` count, but give no way.
    ///
    /// None by default: a landscape need not know dynamics.
    ///
    /// # Errors
    /// [`AtomisticError`] where `minimum` is none.
    fn exits(
        &self,
        _minimum: &Minimum,
        _known: &[Vec<f64>],
        _dynamics: (f64, u32),
        _round: u64,
    ) -> Result<Round, AtomisticError> {
        Ok(Round::default())
    }

    /// The way out over the saddle next to `minimum` + `saddle`, if there is one, and the force
    /// evaluations that took.
    ///
    /// # Errors
    /// [`AtomisticError`] where `minimum` is none.
    fn confirm(
        &self,
        minimum: &Minimum,
        saddle: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError>;

    /// As [`Terrain::confirm`], of a way whose attempt frequencies are declared: they need not be
    /// measured.
    ///
    /// # Errors
    /// [`AtomisticError`] where `minimum` is none.
    fn confirm_declared(
        &self,
        minimum: &Minimum,
        saddle: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        let (way, evaluations) = self.confirm(minimum, saddle)?;
        let declared = way.map(|way| WayOut {
            prefactors: None,
            ..way
        });
        Ok((declared, evaluations))
    }
}
