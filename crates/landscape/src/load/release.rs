//! A saddle of the search cell, its cell let go.

use metabasin_interactions::EnergyLandscape;

use super::dead_load::DeadLoad;
use super::landscape::LoadedLandscape;
use super::minimum_path::LoadedMinimum;
use super::{CONTINUOUS, ENERGY_JUMP, Pace};
use crate::climb::{Ascent, ClimbOutcome, WhenConvex, follow_mode};
use crate::error::LandscapeError;
use crate::rebuild::StationaryPoints;

/// The shortest part of the way that is tried.
const SHORTEST: f64 = 1e-3;

/// A saddle under the stress of the minimum, atoms and cell at rest.
pub(super) struct Released {
    pub x: Vec<f64>,
    pub mode: Vec<f64>,
}

/// The saddle under the stress of the minimum; `None` where it does not lead there continuously.
///
/// At fixed cell the saddle is at rest under its own stress σ^sad: from there the stress goes to that
/// of the minimum in steps, T(t) = σ^sad + t (σ₀ − σ^sad), each of which must move little and change
/// the enthalpy as dH/dt = −V₀ (σ₀ − σ^sad) : e says.
pub(super) fn release(
    minimum: &LoadedMinimum,
    rebuilt: &StationaryPoints,
) -> Result<Option<Released>, LandscapeError> {
    let origin = &minimum.points()[0];
    let own = minimum
        .rebuilder
        .landscape()
        .stress(&rebuilt.saddle)
        .unwrap_or_default();
    let change = minimum.rebuilder.minimum().stress() - own;
    let at = |part: f64| -> Result<LoadedLandscape, LandscapeError> {
        let lower = minimum.rebuilder.minimum();
        let load = own + change * part;
        let landscape = DeadLoad::new(lower.configuration(), lower.force_field(), load)?;
        Ok(LoadedLandscape::Stressed(Box::new(landscape)))
    };
    let volume = minimum.search_volume();
    let mut x = minimum.loading.entered(&rebuilt.saddle);
    let mut mode = minimum.loading.entered(&rebuilt.mode);
    let mut energy = rebuilt.saddle_energy;
    let mut slope = 0.0;
    let mut before: Option<(f64, Vec<f64>)> = None;
    let mut part = 0.0;
    let mut pace = Pace::new(f64::INFINITY);
    loop {
        if minimum.rebuilder.minimum().interrupt().is_requested() {
            return Err(LandscapeError::Interrupted);
        }
        let (next, arrives) = pace.next(part, 1.0);
        let mut guess = x.clone();
        if let Some((earlier, there)) = &before {
            let ratio = (next - part) / (part - earlier);
            for ((guess, now), then) in guess.iter_mut().zip(&x).zip(there) {
                *guess += ratio * (now - then);
            }
        }
        let mut landscape = at(next)?;
        let ascent = Ascent {
            origin: (&origin.x, origin.energy),
            start: &guess,
            guess: &mode,
            tolerance: minimum.rebuilder.tolerance(),
            when_convex: WhenConvex::GiveUp,
        };
        let preconditioner = minimum.preconditioner();
        let climb = follow_mode(&mut landscape, &ascent, &minimum.following, &preconditioner);
        let new_slope = -volume * change.contract(landscape.response(&climb.x).strain.0);
        let expected = 0.5 * (slope + new_slope) * (next - part);
        let off = (climb.energy - energy - expected).abs();
        // Comparisons that NaN fails.
        let continuous = off < ENERGY_JUMP && landscape.moved(&guess, &climb.x) < CONTINUOUS;
        match climb
            .mode
            .filter(|_| climb.outcome == ClimbOutcome::Saddle && continuous)
        {
            Some(lowest) => {
                before = Some((part, std::mem::replace(&mut x, climb.x)));
                (mode, energy, slope) = (lowest.direction, climb.energy, new_slope);
                if arrives {
                    return Ok(Some(Released { x, mode }));
                }
                part = next;
                pace.went_well();
            }
            None if next - part < SHORTEST => return Ok(None),
            None => pace.failed(next - part),
        }
    }
}
