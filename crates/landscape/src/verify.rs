//! From a converged climb to a verified event: both sides, polish, index.

use metabasin_atoms::{Cell, Dipole, Stiffness, Stress};
use metabasin_catalogue::{DisplacementField, EvaluationCounts, EventRecord};
use metabasin_interactions::{Counted, EnergyLandscape, FixedCell, flatten, unflatten};
use metabasin_minimizers::{InherentStructure, MinimizeError};
use nalgebra::Vector3;

use crate::climb::{Ascent, Climb, ClimbOutcome, WhenConvex, core_of, follow_mode};
use crate::descent::{Descent, DescentLimits, DescentOutcome, descend, polish};
use crate::displacement::{displacements, largest, shape};
use crate::flat::add_scaled;
use crate::gradient_flow::descend_by_flow;
use crate::index::{SaddleIndex, count_again, index_by_inertia, index_by_lanczos};
use crate::levels::outward_mode;
use crate::lowest_mode::LowestMode;
use crate::outcome::SearchOutcome;
use crate::preconditioner::{IncompleteCholesky, Preconditioner};
use crate::settings::{DescentMethod, SearchSettings};

/// The minimum that searches start from, and what verifying an event needs to know.
pub(crate) struct Origin<'a> {
    pub positions: &'a [Vector3<f64>],
    pub energy: f64,
    pub stress: Stress,
    /// What turns dipoles into plastic volumes: stable.
    pub stiffness: Stiffness,
    pub settings: &'a SearchSettings,
    pub preconditioner: &'a IncompleteCholesky,
}

/// How a verification ended.
pub(crate) struct Verdict {
    pub outcome: SearchOutcome,
    pub detail: Option<String>,
    pub event: Option<EventRecord>,
    /// Coordinates of minima beside saddles that do not touch the origin.
    pub elsewhere: Vec<Vec<f64>>,
}

impl Verdict {
    pub(crate) fn failed(outcome: SearchOutcome, detail: String) -> Self {
        Self {
            outcome,
            detail: Some(detail),
            event: None,
            elsewhere: Vec::new(),
        }
    }
}

/// Largest force of stored stationary points `[energy / length]`.
pub(crate) fn polish_tolerance(atoms: usize) -> f64 {
    if atoms <= 4000 { 1e-8 } else { 1e-6 }
}

/// A minimum as events refer to it: polished, unless it is already.
pub(crate) fn polished(minimum: &InherentStructure) -> Result<InherentStructure, MinimizeError> {
    let tolerance = polish_tolerance(minimum.configuration().len());
    if minimum.largest_force() < tolerance {
        Ok(minimum.clone())
    } else {
        minimum.polished(tolerance)
    }
}

/// Both sides of a saddle.
pub(crate) struct Sides {
    /// Descended against the mode that points away from the origin.
    pub back: Descent,
    /// Descended along it.
    pub forth: Descent,
}

/// Descends beside a saddle: off it along `sign` times the mode.
fn descend_beside(
    landscape: &mut dyn EnergyLandscape,
    climb: &Climb,
    mode: &[f64],
    (sign, method): (f64, DescentMethod),
    settings: &SearchSettings,
    preconditioner: &dyn Preconditioner,
) -> Descent {
    let mut start = climb.x.clone();
    let length = sign * settings.descent_step / landscape.largest_force(mode);
    add_scaled(&mut start, length, mode);
    let limits = DescentLimits {
        force_tolerance: settings.force_tolerance,
        largest_step: settings.relaxation_step,
        evaluations: settings.max_force_evaluations,
    };
    match method {
        DescentMethod::Minimizer => descend(landscape, &start, preconditioner, limits),
        DescentMethod::GradientFlow => descend_by_flow(landscape, &start, preconditioner, limits),
    }
}

/// Descends on both sides of a saddle.
pub(crate) fn descend_both_sides(
    landscape: &mut dyn EnergyLandscape,
    climb: &Climb,
    origin: &[f64],
    settings: &SearchSettings,
    preconditioner: &dyn Preconditioner,
) -> Sides {
    let mode = outward_mode(climb, origin);
    let mut descended = |sign: f64| {
        let how = (sign, settings.descents);
        descend_beside(landscape, climb, &mode, how, settings, preconditioner)
    };
    Sides {
        back: descended(-1.0),
        forth: descended(1.0),
    }
}

/// Whether a descent ended in the minimum `positions`: converged, and no atom far from its place.
pub(crate) fn returned(
    cell: &Cell,
    descent: &Descent,
    positions: &[Vector3<f64>],
    settings: &SearchSettings,
) -> bool {
    let field = displacements(cell, positions, &unflatten(&descent.x));
    descent.outcome == DescentOutcome::Converged && largest(&field) < settings.return_distance
}

/// Descends from a converged saddle towards the origin and, if it gets there, to the other side;
/// polishes the saddle and the final minimum, counts the index and writes the event down.
pub(crate) fn verify(
    landscape: &mut FixedCell,
    climb: &Climb,
    origin: &Origin<'_>,
    counts: &mut EvaluationCounts,
) -> Verdict {
    let start = flatten(origin.positions);
    let mode = outward_mode(climb, &start);
    let cell = *landscape.cell();
    let mut counted = Counted::new(&mut *landscape);
    let mut descended = |sign: f64, method: DescentMethod| {
        descend_beside(
            &mut counted,
            climb,
            &mode,
            (sign, method),
            origin.settings,
            origin.preconditioner,
        )
    };
    let method = origin.settings.descents;
    let home = |side: &Descent| returned(&cell, side, origin.positions, origin.settings);
    let height = climb.energy - origin.energy;
    // Where a minimizer does not get home steepest descent seldom does, so it is not asked.
    let mut back = descended(-1.0, DescentMethod::Minimizer);
    if method != DescentMethod::Minimizer && home(&back) {
        back = descended(-1.0, method);
    }
    if !home(&back) {
        counts.descent += counted.force_evaluations();
        let detail = format!(
            "saddle at {height:.6}; the near side at {:.6} ({:?})",
            back.energy - origin.energy,
            back.outcome,
        );
        let converged = back.outcome == DescentOutcome::Converged;
        return Verdict {
            elsewhere: converged.then_some(back.x).into_iter().collect(),
            ..Verdict::failed(SearchOutcome::Disconnected, detail)
        };
    }
    let forth = descended(1.0, method);
    counts.descent += counted.force_evaluations();
    if home(&forth) {
        let detail = format!("saddle at {height:.6}");
        return Verdict::failed(SearchOutcome::BothSidesSame, detail);
    }
    let mut counted = Counted::new(landscape);
    let verdict = polished_event(&mut counted, climb, forth, origin, &start);
    counts.verification += counted.force_evaluations();
    verdict
}

fn polished_event(
    landscape: &mut Counted<&mut FixedCell>,
    climb: &Climb,
    final_side: Descent,
    origin: &Origin<'_>,
    start: &[f64],
) -> Verdict {
    let atoms = origin.positions.len();
    let tolerance = polish_tolerance(atoms);
    let guess = outward_mode(climb, start);
    let ascent = Ascent {
        origin: (start, origin.energy),
        start: &climb.x,
        guess: &guess,
        tolerance,
        when_convex: WhenConvex::GiveUp,
    };
    let saddle = follow_mode(landscape, &ascent, origin.settings, origin.preconditioner);
    let final_minimum = polish(landscape, final_side, origin.preconditioner, tolerance);
    let cell = *landscape.inner_mut().cell();
    let moved = largest(&displacements(
        &cell,
        &unflatten(&climb.x),
        &unflatten(&saddle.x),
    ));
    let Some(mut mode) = saddle.mode.clone() else {
        return Verdict::failed(SearchOutcome::NotConverged, "no lowest mode".into());
    };
    if saddle.outcome != ClimbOutcome::Saddle || moved > origin.settings.return_distance {
        let detail = format!(
            "the saddle does not polish: largest force {:.3e}, moved by {moved:.3e}",
            saddle.largest_force
        );
        return Verdict::failed(SearchOutcome::NotConverged, detail);
    }
    if final_minimum.outcome != DescentOutcome::Converged {
        let detail = format!(
            "the final minimum does not polish: largest force {:.3e}",
            final_minimum.largest_force
        );
        return Verdict::failed(SearchOutcome::NotConverged, detail);
    }
    let core = core_of(&mode.direction);
    let fresh = IncompleteCholesky::at(landscape, &saddle.x, &core);
    let index = count_index(
        landscape,
        &saddle.x,
        &mut mode,
        origin.settings,
        fresh.as_ref().unwrap_or(origin.preconditioner),
    );
    let event = event_record(
        landscape,
        origin,
        &saddle,
        mode.eigenvalue,
        &final_minimum,
        index,
    );
    if index.index == 1 {
        Verdict {
            outcome: SearchOutcome::Connected,
            detail: None,
            event: Some(event),
            elsewhere: Vec::new(),
        }
    } else {
        let detail = format!(
            "{} negative eigenvalues at {:.6}",
            index.index, event.barrier_forward
        );
        Verdict::failed(SearchOutcome::WrongIndex, detail)
    }
}

/// Counts the negative eigenvalues at a saddle, exactly for small samples. Converges `mode` first
/// where it does not show that there is one only.
pub(crate) fn count_index(
    landscape: &mut Counted<&mut FixedCell>,
    x: &[f64],
    mode: &mut LowestMode,
    settings: &SearchSettings,
    preconditioner: &dyn Preconditioner,
) -> SaddleIndex {
    let small = x.len() / 3 <= settings.inertia_up_to as usize;
    let dense = small.then(|| {
        let inner = landscape.inner_mut();
        let at = inner.configuration_at(x);
        let field = inner.force_field();
        field.dense_hessian(&at.cell, &at.positions, &at.species)
    });
    count_again(
        landscape,
        x,
        mode,
        preconditioner,
        |landscape, mode| match dense.as_ref().and_then(Option::as_ref) {
            Some(hessian) => index_by_inertia(landscape, x, mode, hessian, preconditioner),
            None => index_by_lanczos(landscape, x, mode, preconditioner),
        },
    )
}

fn event_record(
    landscape: &mut Counted<&mut FixedCell>,
    origin: &Origin<'_>,
    saddle: &Climb,
    lowest_eigenvalue: f64,
    final_minimum: &Descent,
    index: SaddleIndex,
) -> EventRecord {
    let cell = *landscape.inner_mut().cell();
    let volume = cell.volume();
    let mut dipole = |x: &[f64]| {
        let stress = landscape.stress(x).unwrap_or(Stress::ZERO);
        Dipole(((origin.stress - stress) * volume).0)
    };
    let dipole_saddle = dipole(&saddle.x);
    let dipole_final = dipole(&final_minimum.x);
    let plastic = |dipole: Dipole| origin.stiffness.plastic_volume(dipole).ok();
    let field_saddle = displacements(&cell, origin.positions, &unflatten(&saddle.x));
    let field_final = displacements(&cell, origin.positions, &unflatten(&final_minimum.x));
    let shape = shape(&cell, origin.positions, &field_final);
    let sparse = |field: &[Vector3<f64>]| {
        let rows: Vec<[f64; 3]> = field.iter().map(|&u| u.into()).collect();
        DisplacementField::from_full(&rows)
    };
    EventRecord {
        id: 0,
        first_search: 0,
        barrier_forward: saddle.energy - origin.energy,
        barrier_reverse: saddle.energy - final_minimum.energy,
        energy_minimum: origin.energy,
        energy_saddle: saddle.energy,
        energy_final: final_minimum.energy,
        lowest_eigenvalue,
        dipole_saddle,
        dipole_final,
        plastic_saddle: plastic(dipole_saddle),
        plastic_final: plastic(dipole_final),
        prefactor_forward: None,
        prefactor_reverse: None,
        center: shape.center.into(),
        participation: shape.participation,
        largest_displacement: shape.largest,
        species: landscape.inner_mut().configuration().species[shape.atom].number(),
        structure_class: None,
        largest_force_saddle: saddle.largest_force,
        converged: true,
        index: index.index,
        index_method: index.method.name().to_owned(),
        connected: true,
        hits: 1,
        evaluations: EvaluationCounts::default(),
        displacement_saddle: sparse(&field_saddle),
        displacement_final: sparse(&field_final),
        barrier_core: None,
        core_atoms: None,
    }
}
