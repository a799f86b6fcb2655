//! Kinetic Monte Carlo of interacting thermally activated Eshelby events.
