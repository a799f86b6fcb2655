//! The minimizers by name, as configs and command lines choose them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{ConjugateGradient, Fire, Lbfgs, Minimizer, TruncatedNewton};

/// A choice of minimizer, all parameters at their defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinimizerKind {
    /// [`ConjugateGradient`]: the usual choice for inherent structures.
    ConjugateGradient,
    /// [`Lbfgs`]: the fewest evaluations from a local disturbance.
    #[default]
    Lbfgs,
    /// [`Fire`]: damped dynamics, robust from hot starts.
    Fire,
    /// [`TruncatedNewton`]: the tightest tolerances.
    TruncatedNewton,
}

/// A name that no minimizer has.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown minimizer `{0}`: choose conjugate_gradient, lbfgs, fire or truncated_newton")]
pub struct UnknownMinimizer(pub String);

impl MinimizerKind {
    /// Every choice there is.
    pub const ALL: [Self; 4] = [
        Self::ConjugateGradient,
        Self::Lbfgs,
        Self::Fire,
        Self::TruncatedNewton,
    ];

    /// The minimizer, all parameters at their defaults.
    pub fn build(self) -> Box<dyn Minimizer> {
        match self {
            Self::ConjugateGradient => Box::new(ConjugateGradient::default()),
            Self::Lbfgs => Box::new(Lbfgs::default()),
            Self::Fire => Box::new(Fire::default()),
            Self::TruncatedNewton => Box::new(TruncatedNewton::default()),
        }
    }

    /// The name that configs, command lines and outputs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConjugateGradient => "conjugate_gradient",
            Self::Lbfgs => "lbfgs",
            Self::Fire => "fire",
            Self::TruncatedNewton => "truncated_newton",
        }
    }
}

impl fmt::Display for MinimizerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for MinimizerKind {
    type Err = UnknownMinimizer;

    fn from_str(name: &str) -> Result<Self, UnknownMinimizer> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownMinimizer(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways_and_match_the_minimizer() {
        for kind in MinimizerKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(kind.build().name(), kind.name());
        }
        let error = "newton".parse::<MinimizerKind>().unwrap_err();
        assert!(error.to_string().contains("`newton`"));
        assert!(error.to_string().contains("truncated_newton"));
    }
}
