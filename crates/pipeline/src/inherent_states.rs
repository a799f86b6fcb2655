//! Inherent states along a trajectory: a quenched copy, its energy, stress and structure.

use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_atoms::{Configuration, Stress};
use metabasin_files::SeriesHeader;
use metabasin_interactions::{Cut, ForceField};
use metabasin_minimizers::{
    ConjugateGradient, InherentStructure, Lbfgs, MinimizationOutcome, MinimizeError, Minimizer,
};
use metabasin_structure::{LavesOrder, Radii};

use crate::PipelineError;
use crate::crystallization::Order;
use crate::structure_analysis::{Network, by_class};

/// Largest force at which a quenched copy counts as an inherent structure.
const FORCE_TOLERANCE: f64 = 1e-5;

/// How the names of series of inherent states end.
pub(crate) const INHERENT: &str = "-inherent";
/// Column of the share of large atoms in the environment of the Laves phase.
pub(crate) const LAVES_FRACTION: &str = "laves_fraction_of_large";
/// Column of the largest cluster of such atoms.
pub(crate) const LAVES_CLUSTER: &str = "laves_largest_cluster";

/// What is kept of an inherent state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct InherentState {
    pub(crate) energy_per_atom: f64,
    pub(crate) stress: Stress,
    pub(crate) icosahedral_fraction_of_small: Option<f64>,
    pub(crate) largest_cluster: f64,
    pub(crate) laves: Order,
    shear_stress_icosahedral: f64,
    shear_stress_other: f64,
}

impl InherentState {
    /// Columns of a series of inherent states, after `step`.
    pub(crate) fn header(comment: &str) -> SeriesHeader {
        SeriesHeader::new(&[
            ("time", "tau"),
            ("time_mapped", "s"),
            ("gamma", ""),
            ("energy_per_atom", "epsilon"),
            ("stress_xx", "epsilon/sigma^3"),
            ("stress_yy", "epsilon/sigma^3"),
            ("stress_zz", "epsilon/sigma^3"),
            ("stress_xy", "epsilon/sigma^3"),
            ("stress_xz", "epsilon/sigma^3"),
            ("stress_yz", "epsilon/sigma^3"),
            ("icosahedral_fraction_of_small", ""),
            ("icosahedral_largest_cluster", "atoms"),
            (LAVES_FRACTION, ""),
            (LAVES_CLUSTER, "atoms"),
            ("stress_xy_icosahedral", "epsilon/sigma^3"),
            ("stress_xy_other", "epsilon/sigma^3"),
        ])
        .with_comment(comment)
        .with_comment(
            "inherent states: quenched at fixed cell; virial stress; classes redone every frame; of \
             the cut `truncated` their energies are those of `shifted`, which has its forces",
        )
    }

    /// The row at a time `[τ]` and strain.
    pub(crate) fn values(&self, time: f64, gamma: f64) -> Vec<f64> {
        let mut values = vec![time, time * SECONDS_PER_TAU, gamma, self.energy_per_atom];
        values.extend(self.stress.0);
        values.extend([
            self.icosahedral_fraction_of_small.unwrap_or(f64::NAN),
            self.largest_cluster,
            self.laves.fraction_of_large,
            self.laves.largest_cluster,
            self.shear_stress_icosahedral,
            self.shear_stress_other,
        ]);
        values
    }
}

/// The cut that quenches use: where the energy jumps at the cutoff no minimizer converges, and
/// `Shifted` has the same forces.
pub(crate) fn quench_cut(cut: Cut) -> Cut {
    match cut {
        Cut::Truncated => Cut::Shifted,
        other => other,
    }
}

/// The error of a quench: what it does not give is left out, but where it was cut short it is done
/// again ([`PipelineError::unless`]).
pub(crate) fn not_quenched(what: &str, error: &MinimizeError) -> PipelineError {
    let message = format!("{what}: {error}");
    match error {
        MinimizeError::NotConverged {
            outcome: MinimizationOutcome::Interrupted,
            ..
        } => PipelineError::Failed(message),
        _ => PipelineError::LeftOut(message),
    }
}

/// Quenches a copy at fixed cell: what it is like, and where its atoms are.
///
/// By conjugate gradients, which rarely leave the basin; where they do not converge, by L-BFGS.
///
/// # Errors
/// [`PipelineError::LeftOut`] where neither converges, or what it is like cannot be told;
/// [`PipelineError::Failed`] where it was cut short.
pub(crate) fn quench(
    configuration: &Configuration,
    force_field: &ForceField,
) -> Result<(InherentState, Configuration), PipelineError> {
    let by = |minimizer: &dyn Minimizer| {
        let field = force_field.clone();
        InherentStructure::quench(configuration, field, minimizer, FORCE_TOLERANCE)
    };
    let quenched = match by(&ConjugateGradient::default()) {
        Err(MinimizeError::NotConverged { .. }) => by(&Lbfgs::default()),
        other => other,
    };
    let (inherent, _) =
        quenched.map_err(|error| not_quenched("quench to an inherent state", &error))?;
    let relaxed = inherent.configuration();
    let untold = |error: &dyn std::fmt::Display| {
        PipelineError::LeftOut(format!("structure of an inherent state: {error}"))
    };
    let network = Network::new(relaxed, &Radii::half_sigma()).map_err(|error| untold(&error))?;
    let classes = by_class(
        relaxed,
        &network.icosahedra.classes(),
        &mut inherent.force_field(),
    )?;
    let shear_stress = |class: &str| classes.get(class).map_or(f64::NAN, |part| part.stress.xy());
    let laves =
        LavesOrder::new(&network.tessellation, &relaxed.species).map_err(|error| untold(&error))?;
    let state = InherentState {
        energy_per_atom: inherent.energy() / relaxed.len() as f64,
        stress: inherent.stress(),
        icosahedral_fraction_of_small: network.icosahedra.fraction_of_small(),
        largest_cluster: network.icosahedra.largest_of_centers().0 as f64,
        laves: Order::of(&laves),
        shear_stress_icosahedral: shear_stress("icosahedral"),
        shear_stress_other: shear_stress("other"),
    };
    Ok((state, relaxed.clone()))
}

#[cfg(test)]
mod tests {
    use metabasin_atoms::{Cell, Interrupt, Species};
    use nalgebra::Vector3;

    use super::*;
    use crate::config::KernelChoice;
    use crate::sample::force_field;

    /// A simple cubic crystal of the model, far from any minimum of its own.
    fn crystal() -> Configuration {
        let mut positions = Vec::new();
        for place in 0..216 {
            let place = [place % 6, place / 6 % 6, place / 36].map(f64::from);
            // Off the symmetric place, so that there are forces.
            let off = Vector3::new(place[0].sin(), place[1].sin(), place[2].sin()) * 0.05;
            positions.push(Vector3::from(place) * 1.05 + off);
        }
        let species: Vec<Species> = (0..216)
            .map(|k| {
                if k % 2 == 0 {
                    Species::LARGE
                } else {
                    Species::SMALL
                }
            })
            .collect();
        Configuration {
            cell: Cell::cubic(6.3).unwrap(),
            ids: (1..=216).collect(),
            positions,
            velocities: None,
            species,
            masses: vec![1.0, 0.5],
            names: None,
        }
    }

    #[test]
    fn a_quench_that_is_cut_short_is_an_interruption_and_nothing_left_out() {
        let interrupt = Interrupt::new();
        let field =
            force_field(Cut::Smooth, KernelChoice::Portable).with_interrupt(interrupt.clone());
        quench(&crystal(), &field).unwrap();
        interrupt.request();
        let error = quench(&crystal(), &field).unwrap_err();
        let error = error.unless(&interrupt, || "go on".to_owned());
        assert!(error.is_interruption(), "{error}");
    }
}
