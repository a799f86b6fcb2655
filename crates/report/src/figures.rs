//! The figures of the report: what a run found, as plots with captions.
//!
//! A rate has the same color in every figure; MD is points with error bars, KMC is lines.

mod barriers;
mod bond_orders;
mod escape;
mod glass;
mod inherent_states;
mod landscape;
mod load;
mod loading;
mod local_stress;
mod recall;
mod relaxation_modulus;
mod strain_step;
mod van_hove;
mod walk;

use metabasin_catalogue::EventRecord;
use metabasin_files::findings::Findings;

pub use barriers::{barrier_panels, barrier_sheet_svg};
pub use bond_orders::bond_orders;
pub use escape::{EscapePoint, escape_rates, escape_svg};
pub use glass::{cooling, zero_load_energy};
pub use inherent_states::{inherent_energy, inherent_icosahedra, inherent_stress};
pub use landscape::{
    Completeness, activation_volumes, barrier_histogram, barrier_histogram_svg, search_outcomes,
};
pub use load::{LoadAxis, LoadedCurve, load_sheet_svg};
pub use loading::{recovery, recovery_svg, residual_strain, stress_strain, stress_strain_svg};
pub use local_stress::{
    FittedGaussian, StressHistogram, StressHistograms, local_stress_by_class,
    local_stress_by_species, stress_within_limit,
};
pub use recall::{TakenWay, WayVerdict, recall_figure, recall_svg};
pub use relaxation_modulus::{ModulusCurve, relaxation_modulus, relaxation_modulus_svg};
pub use strain_step::{SteppedInterval, strain_step_figure, strain_step_svg};
pub use van_hove::{DisplacementCurve, DisplacementCurves, displacement_lengths, van_hove};
pub use walk::walk_svg;

use crate::plot::Plot;

/// A plot with its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The plot; its name is the name of the file under `plots/`.
    pub plot: Plot,
    /// What is shown, in which units, and how it was made fit for display.
    pub caption: String,
    /// Where the data lie: a path into `findings.json` or a table of the catalogue.
    pub source: String,
    /// Words in the names of the stage folders whose series stand behind the figure.
    pub stages: &'static [&'static str],
}

/// Every figure of a run, in the order of the report; those of parts that the run did not have are
/// missing. `events` is `None` where the run has no catalogue.
pub fn all(findings: &Findings, events: Option<&[EventRecord]>) -> Vec<Figure> {
    let mut figures = Vec::new();
    if findings.glass.cooling.is_some() {
        figures.push(cooling(&findings.glass));
    }
    if !findings.rates.is_empty() {
        figures.push(stress_strain(&findings.rates));
        figures.push(residual_strain(&findings.rates));
        figures.push(recovery(&findings.rates));
    }
    if findings.zero_load_md.is_some() || findings.zero_load_kmc.is_some() {
        figures.push(zero_load_energy(
            findings.zero_load_md.as_ref(),
            findings.zero_load_kmc.as_ref(),
        ));
    }
    if let Some(events) = events {
        let completeness = findings
            .landscape
            .as_ref()
            .map(Completeness::from)
            .unwrap_or_default();
        figures.push(barrier_histogram(events, completeness));
        figures.push(activation_volumes(events));
    }
    if let Some(landscape) = &findings.landscape
        && !landscape.outcomes.is_empty()
    {
        figures.push(search_outcomes(&landscape.outcomes));
    }
    figures
}
