//! Plots and the self-contained HTML report of a run.
//!
//! Read in this order: [`plot`] draws axes, series and legends as stand-alone SVG text;
//! [`figures`] turns what a run found into such plots, one function a figure, with a caption;
//! [`write_report`] puts all of them, the tables and the provenance into one HTML file that opens
//! from disk without a network; [`StructurePage`] is the same for one or two structures; [`AtomView`]
//! shows atoms in three dimensions. Nothing here simulates: everything shown is handed in, or read from `findings.json`, `run.json`,
//! `catalogue.sqlite` and the series.

mod answer;
mod display;
pub mod figures;
mod inherent_series;
mod key_numbers;
mod number;
mod page;
pub mod plot;
mod provenance;
mod structure_page;
mod templates;
mod view;
mod write;

pub use figures::{
    Completeness, DisplacementCurve, DisplacementCurves, EscapePoint, Figure, FittedGaussian,
    LoadAxis, LoadedCurve, ModulusCurve, SteppedInterval, StressHistogram, StressHistograms,
    TakenWay, WayVerdict, barrier_histogram_svg, barrier_sheet_svg, escape_svg, load_sheet_svg,
    recall_svg, recovery_svg, relaxation_modulus_svg, strain_step_svg, stress_strain_svg, walk_svg,
};
pub use inherent_series::{InherentLoading, InherentPoint};
pub use plot::panels_svg;
pub use structure_page::{StructurePage, StructureTable};
pub use view::{ATOMS_PAGE, AtomView, BondSet, EVENTS_PAGE, ViewColumn, ViewValues, ViewedEvent};
pub use write::{ReportError, write_report};
