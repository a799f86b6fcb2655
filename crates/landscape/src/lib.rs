//! Saddle searches from inherent structures and the events they find.
//!
//! Read in this order: [`Searcher`] runs searches from one minimum; a search is a [`local_push`] (or,
//! with [`HeatSettings`], a short piece of hot dynamics into another minimum), an ARTn climb ([`climb_from_minimum`], on any [`EnergyLandscape`]) with the [`lowest_mode`] of
//! Hessian-vector products, a descent on both sides and a count of the index ([`SaddleIndex`]);
//! [`relaxed_stiffness`] turns stress differences into plastic volumes; [`LoadedMinimum`]
//! follows events under strain; [`same_event`] tells events apart; [`barrier_at_stress`] moves barriers to other stresses;
//! [`Rebuilder`] converges stored events again and measures what their rates need, the prefactors of
//! [`vineyard_prefactor`] and the core's part of the barrier.
//!
//! [`EnergyLandscape`]: metabasin_interactions::EnergyLandscape

mod active_region;
mod approach;
mod cholesky;
mod climb;
mod descent;
mod displacement;
mod elasticity;
mod error;
mod event_rates;
mod flat;
mod gradient_flow;
mod heated_climb;
mod heating;
mod held;
mod identity;
mod index;
mod levels;
mod linear_solve;
mod load;
mod lowest_mode;
mod matching;
mod moved_together;
mod outcome;
mod preconditioner;
mod push;
mod rebuild;
mod reference_stress;
mod relaxed_line;
mod reverification;
mod sample;
mod searcher;
mod settings;
mod settling;
mod straight_line;
#[cfg(test)]
mod test_surfaces;
mod verify;
mod vineyard;

pub use approach::{Approach, Beside, Leaving, Sides, approach, sides};
pub use climb::{Ascent, Climb, ClimbOutcome, WhenConvex, climb_from_minimum, follow_mode};
pub use displacement::{Shape, displacements, shape};
pub use elasticity::{hessian_preconditioner, local_stiffnesses, relaxed_stiffness};
pub use error::LandscapeError;
pub use event_rates::{BarrierSplit, Prefactors, RateSettings, harmonic_prefactors};
pub use gradient_flow::{Flow, FlowLimits, gradient_flow};
pub use heating::{HeatSettings, Surroundings, heated_out};
pub use identity::{IdentityTolerances, same_event, same_minimum};
pub use index::{
    IndexMethod, SaddleIndex, index_by_inertia, index_by_lanczos, is_positive_definite,
};
pub use load::{
    FollowedEvent, LoadEnd, LoadSettings, LoadedBarrier, LoadedMinimum, LoadedState, Loading,
    MinimumPoint,
};
pub use lowest_mode::{LanczosLimits, LowestMode, lowest_mode};
pub use moved_together::{SAME_PLACE, moved_together};
pub use outcome::SearchOutcome;
pub use preconditioner::{Identity, IncompleteCholesky, Preconditioner};
pub use push::local_push;
pub use rebuild::{RebuildError, Rebuilder, StationaryPoints};
pub use reference_stress::{StressedHeights, barrier_at_stress};
pub use relaxed_line::{FirstPass, first_pass};
pub use reverification::{Reverification, ReverificationTolerances, Reverifier};
pub use sample::{SampleContext, sample_record};
pub use searcher::{SearchResult, Searcher, count_outcomes, evaluations_per_event, is_connected};
pub use settings::{DescentMethod, SearchSettings, SettingsError};
pub use settling::{Settled, Settling, settle};
pub use straight_line::highest_along;
pub use vineyard::{DynamicalMatrix, Region, vineyard_prefactor};
