//! Kinetic Monte Carlo of interacting thermally activated Eshelby events.

mod elasticity;
mod error;
mod excitation;
mod kernel;
mod mandel;
mod population;
mod transform;

pub use elasticity::Elasticity;
pub use error::EshelbyError;
pub use excitation::Excitation;
pub use kernel::{Kernel, source_width};
pub use population::{Density, Population, window_barrier};
