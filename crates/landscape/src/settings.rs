//! Settings of a saddle search.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::heating::HeatSettings;

/// A setting out of bounds.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{field} must be {wanted}, got {value}")]
pub struct SettingsError {
    /// Name of the field.
    pub field: &'static str,
    /// What would be right.
    pub wanted: &'static str,
    /// The value given.
    pub value: f64,
}

/// How the minima beside a saddle are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DescentMethod {
    /// By a minimizer, which now and then crosses the border of a basin.
    #[default]
    Minimizer,
    /// Along the path of steepest descent, which defines the basins, for about twice the
    /// evaluations ([`gradient_flow`](crate::gradient_flow)).
    GradientFlow,
}

impl DescentMethod {
    // Settings of before there was a choice read and write the same.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes fields by reference"
    )]
    fn is_minimizer(&self) -> bool {
        *self == Self::Minimizer
    }
}

/// How saddles are searched for. The defaults were tuned on a Wahnstrom glass of 500 atoms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSettings {
    /// Atoms this close to the chosen one are pushed along with it `[length]`.
    pub push_radius: f64,
    /// Largest move of an atom in one push `[length]`.
    pub push_step: f64,
    /// Pushes before the curvature is looked at for the first time.
    pub first_pushes: u32,
    /// Pushed atoms keep this share of the shortest distance that occurs in the minimum between
    /// atoms of their species.
    pub closest_approach: f64,
    /// Pushes after the first ones before a search that stays in its basin is given up.
    pub basin_cycles: u32,
    /// Hessian-vector products of the relaxation perpendicular to the push after each push.
    pub basin_products: u32,
    /// The basin is left when the lowest eigenvalue is below minus this `[energy / length²]`.
    pub escape_curvature: f64,
    /// Most Lanczos vectors for one lowest mode.
    pub lanczos_vectors: u32,
    /// Longest step along the lowest mode, as a norm over all atoms `[length]`.
    pub uphill_step: f64,
    /// Largest move of an atom in one relaxation step perpendicular to the mode, and in one step
    /// of a descent `[length]`.
    pub relaxation_step: f64,
    /// Most Hessian-vector products for one relaxation step while climbing.
    pub climb_products: u32,
    /// First steps of the climb whose relaxation is kept as short as in the basin, so that the
    /// strained region does not slide back.
    pub gentle_steps: u32,
    /// Steps that a climb may take in all where the lowest eigenvalue is positive again.
    pub convex_steps: u32,
    /// Every so manyth search takes these steps along the lowest mode, the others outward along
    /// the displacement so far; 0 for none. The two find different saddles: low ones and high ones.
    pub soft_every: u32,
    /// A step along the lowest mode where its eigenvalue is positive, the largest move of an atom
    /// `[length]`.
    pub soft_step: f64,
    /// Searches higher than this above the minimum are given up `[energy]`.
    pub energy_window: f64,
    /// Force evaluations (Hessian-vector products counted) before a search is given up.
    pub max_force_evaluations: u64,
    /// Largest force at which saddles and minima count as converged `[energy / length]`.
    pub force_tolerance: f64,
    /// A descent returned when no atom is farther than this from its place in the minimum
    /// `[length]`.
    pub return_distance: f64,
    /// First step off the saddle to both sides, the largest move of an atom `[length]`.
    pub descent_step: f64,
    /// Searches move only the atoms this close to the chosen one until their saddle is converged and
    /// leads back, then those of the next radius, at last all `[length]`; ascending. Radii that do
    /// not fit the sample are passed over; none: always all.
    pub region_radii: Vec<f64>,
    /// The index is counted exactly for samples up to so many atoms.
    pub inertia_up_to: u32,
    /// Searches leave their basin by heat instead of a push: finds the lowest barriers more often. Samples
    /// too small for the smallest of `region_radii` are pushed all the same, unless the surroundings of
    /// what is heated are free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heat: Option<HeatSettings>,
    /// How saddles are descended.
    #[serde(skip_serializing_if = "DescentMethod::is_minimizer")]
    pub descents: DescentMethod,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self {
            push_radius: 1.2,
            push_step: 0.1,
            first_pushes: 3,
            closest_approach: 0.85,
            basin_cycles: 12,
            basin_products: 8,
            escape_curvature: 5.0,
            lanczos_vectors: 20,
            uphill_step: 0.3,
            relaxation_step: 0.1,
            climb_products: 12,
            gentle_steps: 6,
            convex_steps: 7,
            soft_every: 1,
            soft_step: 0.1,
            energy_window: 25.0,
            max_force_evaluations: 1500,
            force_tolerance: 1e-5,
            return_distance: 1e-2,
            descent_step: 0.05,
            region_radii: vec![2.6, 5.0, 8.0],
            inertia_up_to: 1500,
            heat: None,
            descents: DescentMethod::default(),
        }
    }
}

impl SearchSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// The first [`SettingsError`] found.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let positive = [
            ("push_radius", self.push_radius),
            ("push_step", self.push_step),
            ("closest_approach", self.closest_approach),
            ("escape_curvature", self.escape_curvature),
            ("uphill_step", self.uphill_step),
            ("soft_step", self.soft_step),
            ("relaxation_step", self.relaxation_step),
            ("energy_window", self.energy_window),
            ("force_tolerance", self.force_tolerance),
            ("return_distance", self.return_distance),
            ("descent_step", self.descent_step),
        ];
        for (field, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                return Err(SettingsError {
                    field,
                    wanted: "positive and finite",
                    value,
                });
            }
        }
        if let Some(heat) = &self.heat {
            heat.validate()?;
        }
        let ascending = self.region_radii.is_sorted_by(|a, b| a < b);
        for &value in &self.region_radii {
            if !(ascending && value >= self.push_radius && value.is_finite()) {
                return Err(SettingsError {
                    field: "region_radii",
                    wanted: "ascending, finite and at least the push_radius",
                    value,
                });
            }
        }
        if self.closest_approach >= 1.0 {
            return Err(SettingsError {
                field: "closest_approach",
                wanted: "below 1",
                value: self.closest_approach,
            });
        }
        let counts = [
            ("first_pushes", f64::from(self.first_pushes)),
            ("basin_cycles", f64::from(self.basin_cycles)),
            ("basin_products", f64::from(self.basin_products)),
            ("climb_products", f64::from(self.climb_products)),
            ("max_force_evaluations", self.max_force_evaluations as f64),
        ];
        for (field, value) in counts {
            if value < 1.0 {
                return Err(SettingsError {
                    field,
                    wanted: "at least 1",
                    value,
                });
            }
        }
        if self.lanczos_vectors < 2 {
            return Err(SettingsError {
                field: "lanczos_vectors",
                wanted: "at least 2",
                value: f64::from(self.lanczos_vectors),
            });
        }
        Ok(())
    }
}
