//! Events derived again from what is stored of them.

use metabasin_atoms::{Cell, Dipole, Stress};
use metabasin_catalogue::{DisplacementField, EventRecord};
use metabasin_interactions::{Counted, EnergyLandscape, FixedCell, flatten, unflatten};
use metabasin_minimizers::InherentStructure;
use nalgebra::Vector3;
use serde::Serialize;

use crate::climb::{Ascent, Climb, ClimbOutcome, WhenConvex, follow_mode};
use crate::descent::{Descent, DescentOutcome, polish};
use crate::displacement::{displacements, largest};
use crate::elasticity::hessian_preconditioner;
use crate::error::LandscapeError;
use crate::index::converged_mode;
use crate::preconditioner::IncompleteCholesky;
use crate::settings::{DescentMethod, SearchSettings};
use crate::verify::{Sides, count_index, descend_both_sides, polish_tolerance, polished, returned};

/// How far what is derived again may lie from what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReverificationTolerances {
    /// Of each energy difference `[energy]`.
    pub energy: f64,
    /// Of the place of each atom `[length]`.
    pub displacement: f64,
    /// Of each component of a dipole `[energy]`.
    pub dipole: f64,
}

impl Default for ReverificationTolerances {
    fn default() -> Self {
        Self {
            energy: 1e-6,
            displacement: 1e-3,
            dipole: 1e-2,
        }
    }
}

/// An event derived again. Differences are derived minus stored; those of what could not be derived
/// are `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reverification {
    /// The event.
    pub event: u64,
    /// Why it does not hold; `None` where it does.
    pub failure: Option<String>,
    /// Forward barrier derived again `[energy]`.
    pub barrier_forward: Option<f64>,
    /// Difference of the forward barriers `[energy]`.
    pub barrier_forward_shift: Option<f64>,
    /// Difference of the reverse barriers `[energy]`.
    pub barrier_reverse_shift: Option<f64>,
    /// Largest distance of an atom of the saddle from where it was stored `[length]`.
    pub saddle_shift: Option<f64>,
    /// The same of the final minimum `[length]`.
    pub final_shift: Option<f64>,
    /// Largest difference of a component of the saddle's dipole `[energy]`.
    pub dipole_saddle_shift: Option<f64>,
    /// The same of the final minimum `[energy]`.
    pub dipole_final_shift: Option<f64>,
    /// Lowest eigenvalue at the saddle `[energy / length²]`.
    pub lowest_eigenvalue: Option<f64>,
    /// Negative eigenvalues at the saddle, counted on the full system.
    pub index: Option<u32>,
    /// Whether one side, and only one, descends to the minimum.
    pub connected: Option<bool>,
    /// Force evaluations, Hessian-vector products counted.
    pub evaluations: u64,
}

impl Reverification {
    fn begun(event: u64) -> Self {
        Self {
            event,
            failure: None,
            barrier_forward: None,
            barrier_forward_shift: None,
            barrier_reverse_shift: None,
            saddle_shift: None,
            final_shift: None,
            dipole_saddle_shift: None,
            dipole_final_shift: None,
            lowest_eigenvalue: None,
            index: None,
            connected: None,
            evaluations: 0,
        }
    }

    /// Whether everything could be derived again.
    pub fn holds(&self) -> bool {
        self.failure.is_none()
    }
}

/// Derives events of one minimum again: the stored displacement is put on the minimum and converged
/// on the full system, its negative eigenvalues are counted, both sides are descended, and energies
/// and dipoles are computed anew. Nothing but the displacement of the saddle is taken over.
#[derive(Clone, Debug)]
pub struct Reverifier {
    minimum: InherentStructure,
    landscape: FixedCell,
    start: Vec<f64>,
    preconditioner: IncompleteCholesky,
    settings: SearchSettings,
    tolerances: ReverificationTolerances,
}

impl Reverifier {
    /// For the events of `minimum`, searched with `settings`.
    ///
    /// # Errors
    /// [`LandscapeError`]: a setting out of bounds, or a structure that is not a stable minimum.
    pub fn new(
        minimum: &InherentStructure,
        settings: SearchSettings,
        tolerances: ReverificationTolerances,
    ) -> Result<Self, LandscapeError> {
        settings.validate()?;
        let minimum = polished(minimum)?;
        let mut landscape = minimum.landscape();
        let start = minimum.coordinates();
        let preconditioner = hessian_preconditioner(&mut landscape, &start)?;
        Ok(Self {
            minimum,
            landscape,
            start,
            preconditioner,
            settings,
            tolerances,
        })
    }

    /// Descends from saddles along the path of steepest descent, however the searches did.
    #[must_use]
    pub fn by_gradient_flow(mut self) -> Self {
        self.settings.descents = DescentMethod::GradientFlow;
        self
    }

    /// Derives an event again. What fails is said in the result, not dropped.
    pub fn check(&self, event: &EventRecord) -> Reverification {
        let mut found = Reverification::begun(event.id);
        let mut landscape = self.landscape.clone();
        let mut counted = Counted::new(&mut landscape);
        let outcome = self.derive(event, &mut counted, &mut found);
        found.evaluations = counted.force_evaluations();
        found.failure = outcome.err();
        found
    }

    fn derive(
        &self,
        event: &EventRecord,
        landscape: &mut Counted<&mut FixedCell>,
        found: &mut Reverification,
    ) -> Result<(), String> {
        self.stored_is_consistent(event)?;
        let saddle = self.saddle(event, landscape, found)?;
        let last = self.final_minimum(event, &saddle, landscape, found)?;
        let barrier = saddle.energy - self.minimum.energy();
        found.barrier_forward = Some(barrier);
        found.barrier_forward_shift = Some(barrier - event.barrier_forward);
        found.barrier_reverse_shift = Some(saddle.energy - last.energy - event.barrier_reverse);
        found.dipole_saddle_shift =
            Some(self.dipole_shift(landscape, &saddle.x, event.dipole_saddle));
        found.dipole_final_shift = Some(self.dipole_shift(landscape, &last.x, event.dipole_final));
        let ReverificationTolerances {
            energy,
            displacement,
            dipole,
        } = self.tolerances;
        for (what, shift, tolerance) in [
            ("forward barrier", found.barrier_forward_shift, energy),
            ("reverse barrier", found.barrier_reverse_shift, energy),
            ("saddle", found.saddle_shift, displacement),
            ("final minimum", found.final_shift, displacement),
            ("dipole of the saddle", found.dipole_saddle_shift, dipole),
            (
                "dipole of the final minimum",
                found.dipole_final_shift,
                dipole,
            ),
        ] {
            // A shift that is no number fails, too.
            let holds = shift.is_some_and(|shift| shift.abs() <= tolerance);
            if !holds {
                let shift = shift.unwrap_or(f64::NAN);
                return Err(format!(
                    "the {what} is off by {shift:.3e}, more than {tolerance:.0e}"
                ));
            }
        }
        Ok(())
    }

    /// Whether the stored numbers fit together and to this minimum.
    fn stored_is_consistent(&self, event: &EventRecord) -> Result<(), String> {
        let atoms = self.minimum.configuration().len();
        for field in [&event.displacement_saddle, &event.displacement_final] {
            if let Some(atom) = field.atoms.iter().find(|atom| **atom as usize >= atoms) {
                return Err(format!("it moves atom {atom}, but the sample has {atoms}"));
            }
            let mut components = field.displacements.iter().flatten();
            if components.any(|component| !component.is_finite()) {
                return Err("its displacement is not finite".to_owned());
            }
        }
        let off =
            |a: f64, b: f64| (a - b).abs().max(0.0) > self.tolerances.energy || (a - b).is_nan();
        let energies = [
            (
                "energy of the minimum",
                event.energy_minimum,
                self.minimum.energy(),
            ),
            (
                "forward barrier",
                event.barrier_forward,
                event.energy_saddle - event.energy_minimum,
            ),
            (
                "reverse barrier",
                event.barrier_reverse,
                event.energy_saddle - event.energy_final,
            ),
        ];
        for (what, stored, expected) in energies {
            if off(stored, expected) {
                return Err(format!(
                    "the stored {what} is {stored}, expected {expected}"
                ));
            }
        }
        Ok(())
    }

    /// The saddle, converged from where it was stored.
    fn saddle(
        &self,
        event: &EventRecord,
        landscape: &mut Counted<&mut FixedCell>,
        found: &mut Reverification,
    ) -> Result<Climb, String> {
        let configuration = self.minimum.configuration();
        let cell = configuration.cell;
        let stored = put_on(&configuration.positions, &event.displacement_saddle);
        let field = flatten(&displacements(&cell, &configuration.positions, &stored));
        let start = flatten(&stored);
        let guess = converged_mode(landscape, &start, &field, &self.preconditioner);
        let ascent = Ascent {
            origin: (&self.start, self.minimum.energy()),
            start: &start,
            guess: &guess.direction,
            tolerance: polish_tolerance(configuration.len()),
            when_convex: WhenConvex::GiveUp,
        };
        let mut saddle = follow_mode(landscape, &ascent, &self.settings, &self.preconditioner);
        found.saddle_shift = Some(shift(&cell, &stored, &saddle.x, &event.displacement_saddle));
        if saddle.outcome != ClimbOutcome::Saddle {
            return Err(format!(
                "the stored saddle does not converge ({:?}): largest force {:.3e}",
                saddle.outcome, saddle.largest_force
            ));
        }
        let mut mode = converged_mode(landscape, &saddle.x, &guess.direction, &self.preconditioner);
        let index = count_index(
            landscape,
            &saddle.x,
            &mut mode,
            &self.settings,
            &self.preconditioner,
        );
        found.lowest_eigenvalue = Some(mode.eigenvalue);
        found.index = Some(index.index);
        saddle.mode = Some(mode);
        if index.index == 1 {
            Ok(saddle)
        } else {
            Err(format!(
                "{} negative eigenvalues at the saddle",
                index.index
            ))
        }
    }

    /// The final minimum, on the side of the saddle that does not lead home.
    fn final_minimum(
        &self,
        event: &EventRecord,
        saddle: &Climb,
        landscape: &mut Counted<&mut FixedCell>,
        found: &mut Reverification,
    ) -> Result<Descent, String> {
        let configuration = self.minimum.configuration();
        let stored = put_on(&configuration.positions, &event.displacement_final);
        let mut outcome = Err("no descent converged".to_owned());
        // Soft spots with tiny barriers flip in a coarse descent: finer ones decide.
        let shares: &[f64] = match self.settings.descents {
            DescentMethod::Minimizer => &[1.0, 0.3, 0.1],
            DescentMethod::GradientFlow => &[1.0],
        };
        for share in shares {
            let settings = SearchSettings {
                relaxation_step: share * self.settings.relaxation_step,
                max_force_evaluations: 4 * self.settings.max_force_evaluations,
                ..self.settings.clone()
            };
            let sides = descend_both_sides(
                landscape,
                saddle,
                &self.start,
                &settings,
                &self.preconditioner,
            );
            let home = |side: &Descent| {
                returned(
                    self.landscape.cell(),
                    side,
                    &configuration.positions,
                    &settings,
                )
            };
            let last = match (home(&sides.back), home(&sides.forth)) {
                (true, false) => sides.forth,
                (false, true) => sides.back,
                (true, true) => {
                    found.connected = Some(false);
                    outcome = Err("both sides of the saddle lead to the minimum".to_owned());
                    continue;
                }
                (false, false) => {
                    found.connected = Some(false);
                    outcome = Err(self.astray(&sides));
                    continue;
                }
            };
            found.connected = Some(true);
            let tolerance = polish_tolerance(configuration.len());
            let last = polish(landscape, last, &self.preconditioner, tolerance);
            if last.outcome != DescentOutcome::Converged {
                outcome = Err(format!(
                    "the final minimum does not converge: largest force {:.3e}",
                    last.largest_force
                ));
                continue;
            }
            let cell = configuration.cell;
            let apart = shift(&cell, &stored, &last.x, &event.displacement_final);
            found.final_shift = Some(apart);
            outcome = Ok(last);
            if apart <= self.tolerances.displacement {
                break;
            }
        }
        outcome
    }

    /// Where the nearer of two sides ended that both miss the minimum.
    fn astray(&self, sides: &Sides) -> String {
        let (cell, start) = (self.landscape.cell(), unflatten(&self.start));
        let [back, forth] = [&sides.back, &sides.forth].map(|side| {
            let farthest = largest(&displacements(cell, &start, &unflatten(&side.x)));
            (side, farthest)
        });
        let (side, farthest) = if back.1 <= forth.1 { back } else { forth };
        format!(
            "neither side of the saddle leads to the minimum: the nearer one ends {:.3e} above it, an atom \
             {farthest:.3} away ({:?}, largest force {:.1e})",
            side.energy - self.minimum.energy(),
            side.outcome,
            side.largest_force,
        )
    }

    /// Largest difference of a component of V (σ^min − σ) from a stored dipole.
    fn dipole_shift(
        &self,
        landscape: &mut Counted<&mut FixedCell>,
        x: &[f64],
        stored: Dipole,
    ) -> f64 {
        let volume = self.minimum.configuration().cell.volume();
        let stress = landscape.stress(x).unwrap_or(Stress::ZERO);
        let dipole = (self.minimum.stress() - stress) * volume;
        let differences = dipole.0.iter().zip(stored.0).map(|(a, b)| (a - b).abs());
        // `f64::max` would drop what is no number.
        differences.fold(0.0, |largest, difference| {
            if difference > largest || difference.is_nan() {
                difference
            } else {
                largest
            }
        })
    }
}

/// Positions displaced by a stored field.
fn put_on(positions: &[Vector3<f64>], field: &DisplacementField) -> Vec<Vector3<f64>> {
    let mut moved = positions.to_vec();
    for (&atom, &displacement) in field.atoms.iter().zip(&field.displacements) {
        if let Some(position) = moved.get_mut(atom as usize) {
            *position += Vector3::from(displacement);
        }
    }
    moved
}

/// Largest distance between stored and derived places of an atom, rigid drift apart; atoms whose
/// displacement was too small to be stored may lie that much off.
fn shift(cell: &Cell, stored: &[Vector3<f64>], x: &[f64], field: &DisplacementField) -> f64 {
    let apart = displacements(cell, stored, &unflatten(x));
    let of_stored: Vec<Vector3<f64>> = field
        .atoms
        .iter()
        .filter_map(|&atom| apart.get(atom as usize).copied())
        .collect();
    let of_rest = (largest(&apart) - DisplacementField::THRESHOLD).max(0.0);
    largest(&of_stored).max(of_rest)
}
