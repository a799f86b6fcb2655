//! How a pair potential ends at its cutoff.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UnknownName;

/// How a pair potential ends at its cutoff `r_c`.
///
/// Forces of `Truncated` and `Shifted` are the same and jump at `r_c`, so minimizers stall and
/// elastic constants from stress and from energy disagree; `Smooth` has a continuous force and
/// slope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// V(r) up to `r_c` and nothing beyond: the energy jumps. LAMMPS `lj/cut`.
    Truncated,
    /// V(r) − `V(r_c)`: a continuous energy. LAMMPS `lj/cut` with `pair_modify shift yes`.
    Shifted,
    /// From `r_in` on the force is the cubic that matches force and slope at `r_in` and reaches zero
    /// with zero slope at `r_c`; the energy is its integral, zero at `r_c`. LAMMPS `lj/smooth` with
    /// `pair_modify shift yes`.
    #[default]
    Smooth,
}

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Truncated => "truncated",
            Self::Shifted => "shifted",
            Self::Smooth => "smooth",
        })
    }
}

impl FromStr for Cut {
    type Err = UnknownName;
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "truncated" => Ok(Self::Truncated),
            "shifted" => Ok(Self::Shifted),
            "smooth" => Ok(Self::Smooth),
            _ => Err(UnknownName {
                what: "cut",
                given: name.to_owned(),
                expected: "truncated, shifted, smooth",
            }),
        }
    }
}
