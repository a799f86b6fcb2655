//! How a search ended.

use std::fmt;

use crate::climb::ClimbOutcome;

/// How a search ended; every search ends in one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SearchOutcome {
    /// A first-order saddle, one side of which descends to the starting minimum.
    Connected,
    /// A first-order saddle, no side of which descends to the starting minimum.
    Disconnected,
    /// Both sides of the saddle descend to the starting minimum.
    BothSidesSame,
    /// The lowest eigenvalue never fell below the threshold.
    StayedInBasin,
    /// The lowest eigenvalue became positive again while climbing.
    LostNegativeCurvature,
    /// Too many force evaluations.
    OutOfBudget,
    /// Too high above the minimum.
    OutsideEnergyWindow,
    /// A stationary point with more than one negative eigenvalue.
    WrongIndex,
    /// The climb, a descent or a polish stopped short of its force tolerance.
    NotConverged,
}

impl SearchOutcome {
    /// The name that the catalogue stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::BothSidesSame => "both_sides_same",
            Self::StayedInBasin => "stayed_in_basin",
            Self::LostNegativeCurvature => "lost_negative_curvature",
            Self::OutOfBudget => "out_of_budget",
            Self::OutsideEnergyWindow => "outside_energy_window",
            Self::WrongIndex => "wrong_index",
            Self::NotConverged => "not_converged",
        }
    }
}

impl fmt::Display for SearchOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl ClimbOutcome {
    /// The outcome of the search, if the climb already decides it.
    pub(crate) fn failure(self) -> Option<SearchOutcome> {
        match self {
            Self::Saddle => None,
            Self::StayedInBasin => Some(SearchOutcome::StayedInBasin),
            Self::LostNegativeCurvature => Some(SearchOutcome::LostNegativeCurvature),
            Self::OutOfBudget => Some(SearchOutcome::OutOfBudget),
            Self::OutsideEnergyWindow => Some(SearchOutcome::OutsideEnergyWindow),
            Self::NotConverged => Some(SearchOutcome::NotConverged),
        }
    }
}
