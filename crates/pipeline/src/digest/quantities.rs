//! The summary table: every number that a run measured or assumed, and where it comes from.

use metabasin_files::findings::{Findings, Measured, Quantity};

use super::kmc;
use crate::PipelineError;
use crate::config::Stage;
use crate::finished_run::FinishedRun;
use crate::stages::equilibrate::ReferenceResults;
use crate::stages::kmc::{CycleResult, KmcResults};
use crate::stages::start::StartResults;

fn quantity(name: &str, value: String, unit: &str, source: &str) -> Quantity {
    Quantity {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        source: source.to_owned(),
    }
}

fn with_error(value: f64, error: Option<f64>, digits: usize) -> String {
    match error {
        Some(error) => format!("{value:.digits$} +- {error:.digits$}"),
        None => format!("{value:.digits$}"),
    }
}

/// What the run measured, for the summary table.
pub(crate) fn measured(
    run: &FinishedRun,
    findings: &Findings,
    (start, reference): (Option<&StartResults>, Option<&ReferenceResults>),
    modulus: Option<Measured>,
) -> Result<Vec<Quantity>, PipelineError> {
    let mut list = start.map_or_else(Vec::new, of_the_preparation);
    list.extend(of_the_glass(findings, reference, modulus));
    list.extend(of_the_landscape(findings));
    if let Some(results) = kmc::results(run)? {
        list.extend(of_the_kmc(run, &results));
    }
    Ok(list)
}

fn of_the_preparation(start: &StartResults) -> Vec<Quantity> {
    let mut list = Vec::new();
    let spread = "spread over fit windows";
    if let Some(fictive) = start.fictive_temperature_of_volume {
        let value = with_error(fictive.value, Some(fictive.error), 3);
        let source = format!("cooling ramp, {spread}");
        list.push(quantity("T_f by volume", value, "epsilon", &source));
    }
    let Some(preparation) = &start.preparation else {
        return list;
    };
    let source = "prepare";
    if let Some(quenched) = &preparation.constant_volume {
        let fictive = quenched.fictive_temperature;
        let value = with_error(fictive.value, Some(fictive.error), 3);
        let source = format!("quench at constant volume, energy, {spread}");
        list.push(quantity(
            "T_f at constant volume",
            value,
            "epsilon",
            &source,
        ));
    }
    if let Some(energy) = preparation.inherent_energy_per_atom {
        let (name, value) = ("E_IS per atom as prepared", format!("{energy:.4}"));
        list.push(quantity(name, value, "epsilon", source));
    }
    let shares = [
        (
            "icosahedral share of small atoms as prepared",
            preparation.icosahedral_fraction_of_small,
        ),
        (
            "share of large atoms in a Laves environment",
            preparation.laves_fraction_of_large,
        ),
    ];
    for (name, share) in shares {
        if let Some(share) = share {
            let value = format!("{:.1} %", 100.0 * share);
            list.push(quantity(name, value, "", source));
        }
    }
    if let Some(acceptance) = preparation.swaps.and_then(|swaps| swaps.acceptance()) {
        let value = format!("{:.3} %", 100.0 * acceptance);
        list.push(quantity("swaps accepted", value, "", source));
    }
    list
}

fn of_the_glass(
    findings: &Findings,
    reference: Option<&ReferenceResults>,
    modulus: Option<Measured>,
) -> Vec<Quantity> {
    let mut list = Vec::new();
    let glass = &findings.glass;
    if let Some(fictive) = glass.fictive_temperature {
        let value = with_error(fictive.value, fictive.error, 3);
        list.push(quantity(
            "T_f by enthalpy",
            value,
            "epsilon",
            "cooling ramp, spread over fit windows",
        ));
    }
    if let Some(reference) = reference {
        let source = "equilibrate";
        if let Some(energy) = reference.inherent_energy_per_atom {
            let energy = format!("{energy:.4}");
            list.push(quantity("E_IS per atom", energy, "epsilon", source));
        }
        if let Some(share) = reference.icosahedral_fraction_of_small {
            let share = format!("{:.1} %", 100.0 * share);
            let name = "icosahedral share of small atoms";
            list.push(quantity(name, share, "", source));
        }
        let density = reference.atoms as f64 / reference.volume.mean;
        list.push(quantity(
            "density",
            format!("{density:.4}"),
            "1/sigma^3",
            source,
        ));
        if let Some(thermal) = reference.stress_thermal {
            list.push(quantity(
                "sigma_th = <sigma_IS> - <sigma_MD>",
                with_error(thermal.trace() / 3.0, reference.stress_thermal_error, 3),
                "epsilon/sigma^3",
                "equilibrate, inherent structures at the mean cell, isotropic part",
            ));
        }
    }
    if let Some(modulus) = modulus {
        let value = with_error(modulus.value, modulus.error, 2);
        list.push(quantity(
            "G of MD",
            value,
            "epsilon/sigma^3",
            "slope at the fastest rate, gamma < 0.01",
        ));
    }
    list
}

fn of_the_landscape(findings: &Findings) -> Vec<Quantity> {
    let mut list = Vec::new();
    if let Some(landscape) = &findings.landscape {
        let source = "catalogue.sqlite";
        list.push(quantity(
            "distinct verified events",
            landscape.distinct.to_string(),
            "",
            source,
        ));
        if let Some(cost) = landscape.force_evaluations_per_event {
            let what = "force evaluations per distinct event";
            list.push(quantity(
                what,
                format!("{cost:.0}"),
                "",
                "searches, failures and descents counted",
            ));
        }
        if let Some(coverage) = landscape.coverage {
            let what =
                "coverage (chance that the next search that ends in an event finds a known one)";
            list.push(quantity(
                what,
                format!("{:.0} %", 100.0 * coverage),
                "",
                "Good-Turing",
            ));
        }
        if let Some(chao1) = landscape.chao1 {
            list.push(quantity(
                "events within reach (lower bound)",
                format!("{chao1:.0}"),
                "",
                "Chao1",
            ));
        }
    }
    list
}

fn of_the_kmc(run: &FinishedRun, results: &KmcResults) -> Vec<Quantity> {
    let mut list = Vec::new();
    let density = results.density;
    list.push(quantity(
        "density of events below the upper barrier",
        format!(
            "{:.4} +- {:.4}",
            density.per_volume,
            density.per_volume * density.relative_error
        ),
        "1/sigma^3",
        "distinct events per volume, a lower bound",
    ));
    let (shear, poisson) = results.elasticity;
    let value = format!("{shear:.2}, {poisson:.3}");
    list.push(quantity(
        "mu and nu of the KMC's medium",
        value,
        "epsilon/sigma^3, 1",
        &results.softening.map_or_else(
            || "Voigt average of the relaxed stiffness".to_owned(),
            |softening| {
                format!(
                    "Voigt average of the relaxed stiffness, mu softened by heat to {softening:.3} as harvested"
                )
            },
        ),
    ));
    list.push(quantity(
        "events executed by the KMC",
        results.events.to_string(),
        "",
        "kmc",
    ));
    list.extend(floors(run, results));
    list
}

/// What the barrier floor of the KMC changed, shown by a second one.
fn floors(run: &FinishedRun, results: &KmcResults) -> Vec<Quantity> {
    let Some(stage) = kmc::kmc_stage(run) else {
        return Vec::new();
    };
    let slowest = stage
        .rates
        .iter()
        .map(|rate| rate.per_second())
        .fold(f64::INFINITY, f64::min);
    let of = |cycles: &[CycleResult]| {
        let residual = kmc::residual_strain(cycles, slowest, stage.pairs);
        let at_rate = cycles
            .iter()
            .filter(|cycle| cycle.rate_per_second == slowest);
        let (events, floored) = at_rate.fold((0, 0), |(events, floored), cycle| {
            (events + cycle.events, floored + cycle.floored_pairs)
        });
        let residual = residual.map_or("no residual strain".to_owned(), |m| {
            with_error(m.value, m.error, 5)
        });
        format!("{residual}; {events} events, {floored} raised pairs")
    };
    let floor = format!(
        "residual strain at {slowest:.0e} /s, floor {:?}",
        results.settings.floor
    );
    vec![
        quantity(
            &floor,
            of(&results.cycles),
            "",
            "kmc, all lattices and signs",
        ),
        quantity(
            "the same with three times as many flips allowed",
            of(&results.second_floor),
            "",
            "kmc: how much the floor matters",
        ),
    ]
}

/// What the run assumed, and why.
pub(crate) fn assumed(run: &FinishedRun) -> Vec<Quantity> {
    let mut list = vec![quantity(
        "cut of the potential",
        run.config.cut.to_string(),
        "",
        "the paper truncates; a smooth force is needed for saddles and moduli",
    )];
    list.push(quantity(
        "mapping to seconds and kelvin",
        "epsilon = 1 eV, 0.002778 tau = 1 fs".to_owned(),
        "",
        "the reference paper's",
    ));
    for stage in &run.config.stages {
        match stage {
            Stage::Search(search) => list.push(quantity(
                "attempt frequency",
                format!("{:.0e}", search.attempt_frequency_per_second),
                "1/s (mapped)",
                "declared for all events, right within a factor of 3, until prefactors are measured",
            )),
            Stage::Kmc(kmc) => {
                let settings = &kmc.settings;
                let sites = settings.sites_per_edge;
                list.push(quantity(
                    "lattice of the KMC",
                    format!("{sites}^3 sites of {} sigma^3", settings.site_volume),
                    "",
                    "config",
                ));
                list.push(quantity(
                    "elastic-only sites",
                    format!("{:.0} %", 100.0 * settings.elastic_sites.fraction()),
                    "",
                    "config; stands for the icosahedral atoms",
                ));
                list.push(quantity(
                    "events of the KMC",
                    "two states each, drawn whole from the catalogue, homogeneous isotropic medium"
                        .to_owned(),
                    "",
                    "model",
                ));
            }
            _ => {}
        }
    }
    list
}
