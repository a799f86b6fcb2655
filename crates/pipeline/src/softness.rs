//! What makes a place soft: `barriers --softness`.

use std::path::Path;

use metabasin_catalogue::{Catalogue, SoftnessTable, StatisticsOptions};
use metabasin_structure::{BondTopology, Radii, Su2Class, free_volumes};

use crate::catalogue_reading::{cut_of, minimum_of, open_minimum};
use crate::config::KernelChoice;
use crate::memory::{of_analysis, require_for};
use crate::moduli::local_moduli;
use crate::sample::force_field;
use crate::structure_analysis::Network;
use crate::{Interrupt, PipelineError};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct SoftnessRequest {
    /// Only events with a barrier below this.
    pub below: Option<f64>,
    /// Width of the Gaussian over which local moduli are spread.
    pub coarse_graining: f64,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Events and barriers of a catalogue against measures of the atoms of its minimum: whether an atom is icosahedral,
/// breaks the SU(2) rules, its share of 4-fold bonds, free volume, von Mises stress, energy and local moduli.
///
/// # Errors
/// Where the catalogue cannot be read, holds no verified event, or its minimum is none.
pub fn softness(
    path: &Path,
    request: &SoftnessRequest,
    interrupt: &Interrupt,
) -> Result<SoftnessTable, PipelineError> {
    let catalogue = Catalogue::open_read_only(path)?;
    let sample = catalogue.sample()?;
    let configuration = minimum_of(&sample)?;
    let atoms = configuration.len();
    require_for(
        "the table",
        atoms,
        of_analysis(atoms),
        "take a smaller sample",
    )?;
    let mut events = catalogue.verified_events()?;
    events.retain(|event| {
        request
            .below
            .is_none_or(|below| event.barrier_forward < below)
    });
    let bad = |error: metabasin_structure::StructureError| PipelineError::in_file(path, error);
    let radii = Radii::half_sigma();
    let Network {
        tessellation,
        icosahedra,
    } = Network::new(&configuration, &radii)?;
    let bonds = BondTopology::new(&tessellation, &configuration).map_err(bad)?;
    let parts = force_field(cut_of(&sample)?, KernelChoice::Portable).per_atom(
        &configuration.cell,
        &configuration.positions,
        &configuration.species,
    );
    let (minimum, _) = open_minimum(path, &sample, (KernelChoice::Portable, interrupt))?;
    let moduli = local_moduli(&minimum, request.coarse_graining, interrupt)?;
    let yes = |holds: bool| if holds { 1.0 } else { 0.0 };
    let four_fold = bonds.environments().iter().map(|of| {
        let all = of.coordination().max(1);
        f64::from(of.four) / f64::from(all)
    });
    let measures: Vec<(String, Vec<f64>)> = [
        (
            "icosahedral",
            icosahedra
                .is_icosahedral()
                .iter()
                .map(|&of| yes(of))
                .collect(),
        ),
        (
            "breaks_su2",
            bonds
                .classes()
                .iter()
                .map(|of| yes(*of == Su2Class::Other))
                .collect(),
        ),
        ("four_fold", four_fold.collect()),
        (
            "free_volume",
            free_volumes(&tessellation, &configuration, &radii).map_err(bad)?,
        ),
        ("energy", parts.energy),
        (
            "von_mises",
            parts
                .stress
                .iter()
                .map(|stress| stress.von_mises())
                .collect(),
        ),
        ("shear_born", moduli.shear_born),
        ("shear_nonaffine", moduli.shear_nonaffine),
        ("kelvin_lowest", moduli.kelvin_lowest),
    ]
    .into_iter()
    .map(|(name, values): (&str, Vec<f64>)| (name.to_owned(), values))
    .collect();
    let options = StatisticsOptions {
        seed: request.seed,
        ..StatisticsOptions::default()
    };
    SoftnessTable::of(&measures, &events, atoms, &options).ok_or_else(|| {
        PipelineError::in_file(
            path,
            "the catalogue holds no verified event to compare with".to_owned(),
        )
    })
}
