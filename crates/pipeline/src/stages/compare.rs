//! The last stage: everything that the stages before it found, digested into `findings.json`.

use metabasin_catalogue::{BarrierStatistics, Catalogue, StatisticsOptions};
use metabasin_eshelby::window_barrier;
use metabasin_files::findings::{
    Curve, Findings, GlassFindings, LandscapeFindings, Measured, RateFindings,
};
use metabasin_md::analysis::strain_fluctuation;

use crate::PipelineError;
use crate::crystallization::seen_by;
use crate::digest::signatures::BackStress;
use crate::digest::{kmc, md, quantities, replicas, rows, signatures};
use crate::elastic_stability;
use crate::finished_run::FinishedRun;
use crate::stage::{StageContext, read_results};
use crate::stages::branches::shear_stage;
use crate::stages::equilibrate::ReferenceResults;
use crate::stages::start::StartResults;

/// Rates of the reference paper end here, per mapped second.
const PAPER_FASTEST_RATE: f64 = 1e7;
/// Atoms of the reference paper's sample.
const PAPER_ATOMS: usize = 32_000;

/// Digests the run.
pub(crate) fn compare(context: &StageContext) -> Result<(), PipelineError> {
    let run = FinishedRun::open(context.run.root())?;
    let findings = findings(&run)?;
    findings.write(&run.root)?;
    Ok(())
}

/// MD and KMC at every rate that either was run at, fastest first.
pub(crate) fn rates(
    md: Vec<(f64, metabasin_files::findings::LoadingFindings)>,
    kmc: Vec<(f64, metabasin_files::findings::LoadingFindings)>,
) -> Vec<RateFindings> {
    let mut all: Vec<RateFindings> = Vec::new();
    let mut entry = |rate: f64| {
        let same = |found: &RateFindings| (found.rate_per_second / rate - 1.0).abs() < 1e-6;
        all.iter().position(same).unwrap_or_else(|| {
            all.push(RateFindings {
                rate_per_second: rate,
                ..RateFindings::default()
            });
            all.len() - 1
        })
    };
    let md: Vec<_> = md
        .into_iter()
        .map(|(rate, found)| (entry(rate), found))
        .collect();
    let kmc: Vec<_> = kmc
        .into_iter()
        .map(|(rate, found)| (entry(rate), found))
        .collect();
    for (place, found) in md {
        all[place].md = Some(found);
    }
    for (place, found) in kmc {
        all[place].kmc = Some(found);
    }
    all.sort_by(|a, b| b.rate_per_second.total_cmp(&a.rate_per_second));
    all
}

fn results_of<T: serde::de::DeserializeOwned>(
    run: &FinishedRun,
    stage: &str,
) -> Result<Option<T>, PipelineError> {
    match run.stage(stage) {
        Some(folder) if folder.join("results.json").exists() => Ok(Some(read_results(&folder)?)),
        _ => Ok(None),
    }
}

/// All that a run found.
pub(crate) fn findings(run: &FinishedRun) -> Result<Findings, PipelineError> {
    let runs = replicas::runs(run)?;
    let first = runs.first().unwrap_or(run);
    let start = started(first)?;
    let reference: Option<ReferenceResults> = results_of(first, "equilibrate")?;
    let md_rates = replicas::loading(&runs, md::loading)?;
    let kmc_rates = replicas::loading(&runs, kmc::loading)?;
    let (zero_load_md, drop_md) = replicas::zero_load(&runs, md::zero_load)?;
    let (zero_load_kmc, drop_kmc) = replicas::zero_load(&runs, kmc::zero_load)?;
    let modulus = md_rates
        .iter()
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .and_then(|(_, fastest)| fastest.shear_modulus);
    let rates = rates(md_rates, kmc_rates);
    let mut said = signatures::signatures(
        "MD",
        &rates,
        |rate| rate.md.as_ref(),
        drop_md,
        back_stress(&runs, md::back_stress)?,
    );
    said.extend(signatures::signatures(
        "KMC",
        &rates,
        |rate| rate.kmc.as_ref(),
        drop_kmc,
        back_stress(&runs, kmc::back_stress)?,
    ));
    let landscape = landscape(run)?;
    let mut findings = Findings {
        title: run.config.title.clone(),
        samples: runs.len(),
        caveats: Vec::new(),
        glass: glass_of_all(&runs, start.as_ref(), reference.as_ref())?,
        comparison: rows::comparison(&rates, (drop_md, drop_kmc)),
        rates,
        zero_load_md,
        zero_load_kmc,
        signatures: said,
        measured: Vec::new(),
        assumed: Vec::new(),
        landscape,
    };
    findings.glass.crystallization = seen_by(&run.root, &run.manifest.stages)?
        .into_iter()
        .reduce(|all, warning| format!("{all}. {warning}"));
    // First of all whether it is a glass.
    let caveats: Vec<String> = findings
        .glass
        .crystallization
        .iter()
        .cloned()
        .chain(not_to_be_had(run, &runs))
        .chain(start.iter().flat_map(|start| start.notes.iter().cloned()))
        .chain(caveats(run, &findings, reference.as_ref()))
        .collect();
    findings.caveats = caveats;
    findings.measured = quantities::measured(
        run,
        &findings,
        (start.as_ref(), reference.as_ref()),
        modulus,
    )?;
    findings.assumed = quantities::assumed(run);
    Ok(findings)
}

/// What the first stage of a run found.
fn started(run: &FinishedRun) -> Result<Option<StartResults>, PipelineError> {
    match results_of(run, "prepare")? {
        Some(prepared) => Ok(Some(prepared)),
        None => results_of(run, "from-sample"),
    }
}

fn back_stress(
    runs: &[FinishedRun],
    of: fn(&FinishedRun) -> Result<Option<BackStress>, PipelineError>,
) -> Result<Option<BackStress>, PipelineError> {
    let difference = |run: &FinishedRun| Ok(of(run)?.map(|found| found.difference));
    let found = replicas::measured(runs, difference)?;
    Ok(found.map(|difference| BackStress { difference }))
}

/// The glass of the first replica, with means over all of what they have in common.
fn glass_of_all(
    runs: &[FinishedRun],
    start: Option<&StartResults>,
    reference: Option<&ReferenceResults>,
) -> Result<GlassFindings, PipelineError> {
    let mut glass = glass(start, reference);
    if runs.len() < 2 {
        return Ok(glass);
    }
    glass.origin = format!("{} samples, the first: {}", runs.len(), glass.origin);
    let of_start = |pick: fn(&StartResults) -> Option<Measured>| {
        replicas::measured(runs, |run| Ok(started(run)?.as_ref().and_then(pick)))
    };
    let of_reference = |pick: fn(&ReferenceResults) -> Option<f64>| {
        replicas::measured(runs, |run| {
            let found: Option<ReferenceResults> = results_of(run, "equilibrate")?;
            Ok(found.as_ref().and_then(pick).map(Measured::bare))
        })
    };
    glass.fictive_temperature = of_start(|start| {
        let fictive = start.fictive_temperature?;
        Some(Measured::within(fictive.value, fictive.error))
    })?;
    if let Some(temperature) = of_start(|start| Some(Measured::bare(start.temperature)))? {
        glass.temperature = temperature.value;
    }
    let value = |measured: Measured| measured.value;
    glass.inherent_energy_per_atom =
        of_reference(|found| found.inherent_energy_per_atom)?.map(value);
    glass.icosahedral_fraction_of_small =
        of_reference(|found| found.icosahedral_fraction_of_small)?.map(value);
    glass.icosahedral_largest_cluster = of_reference(|found| found.icosahedral_largest_cluster)?
        .map(|measured| measured.value.round() as usize);
    Ok(glass)
}

fn glass(start: Option<&StartResults>, reference: Option<&ReferenceResults>) -> GlassFindings {
    let Some(start) = start else {
        return GlassFindings::default();
    };
    let prepared = start.preparation.as_ref();
    let mut glass = GlassFindings {
        atoms: reference
            .map(|reference| reference.atoms)
            .or_else(|| prepared.map(|prepared| prepared.atoms))
            .unwrap_or(0),
        origin: start.origin.clone(),
        temperature: start.temperature,
        fictive_temperature: start
            .fictive_temperature
            .map(|fictive| Measured::within(fictive.value, fictive.error)),
        inherent_energy_per_atom: reference
            .and_then(|reference| reference.inherent_energy_per_atom)
            .or_else(|| prepared.and_then(|prepared| prepared.inherent_energy_per_atom)),
        icosahedral_fraction_of_small: reference
            .and_then(|reference| reference.icosahedral_fraction_of_small)
            .or_else(|| prepared.and_then(|prepared| prepared.icosahedral_fraction_of_small)),
        icosahedral_largest_cluster: reference
            .and_then(|reference| reference.icosahedral_largest_cluster)
            .or_else(|| prepared.and_then(|prepared| prepared.icosahedral_largest_cluster))
            .map(|cluster| cluster.round() as usize),
        ..GlassFindings::default()
    };
    if let Some(cooling) = &start.cooling {
        glass.cooling = Some(Curve {
            x: cooling.temperature.clone(),
            y: cooling.enthalpy_per_atom.clone(),
            y_error: None,
        });
        if let Some(fictive) = start.fictive_temperature {
            let lowest = cooling
                .temperature
                .iter()
                .copied()
                .fold(f64::INFINITY, f64::min);
            let highest = cooling.temperature.iter().copied().fold(0.0, f64::max);
            let line = |line: metabasin_md::analysis::StraightLine, ends: [f64; 2]| Curve {
                x: ends.to_vec(),
                y: ends.map(|x| line.at(x)).to_vec(),
                y_error: None,
            };
            let above = 1.2 * fictive.value;
            let below = 0.8 * fictive.value;
            glass.cooling_lines = vec![
                line(fictive.glass, [lowest, above]),
                line(fictive.liquid, [below, highest]),
            ];
        }
    }
    glass
}

fn landscape(run: &FinishedRun) -> Result<Option<LandscapeFindings>, PipelineError> {
    let path = run.root.join("catalogue.sqlite");
    let path = if path.exists() {
        Some(path)
    } else {
        run.config.catalogue.clone()
    };
    let Some(path) = path.filter(|path| path.exists()) else {
        return Ok(None);
    };
    let catalogue = Catalogue::open_read_only(&path)?;
    let summary = crate::saddle_searches::summarize(&catalogue, 0.0)?;
    let events = catalogue.verified_events()?;
    let options = StatisticsOptions {
        seed: run.config.seed,
        ..StatisticsOptions::default()
    };
    let statistics = BarrierStatistics::of(&events, &options);
    let sample = catalogue.sample()?;
    let slowest = shear_stage(&run.config).ok().map(|shear| {
        shear
            .rates
            .iter()
            .map(|rate| rate.per_tau())
            .fold(f64::INFINITY, f64::min)
    });
    let window = slowest
        .zip(sample.temperature)
        .and_then(|(rate, temperature)| {
            window_barrier(temperature, sample.attempt_frequency, 0.02, rate).ok()
        });
    let mut outcomes: Vec<(String, u64)> = summary.outcomes.into_iter().collect();
    outcomes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    Ok(Some(LandscapeFindings {
        outcomes,
        distinct: statistics.distinct,
        force_evaluations_per_event: summary.force_evaluations_per_event,
        coverage: statistics.coverage,
        chao1: statistics.chao1,
        window,
        compliance: elastic_stability::note(&sample),
    }))
}

/// The stages that this sample gave nothing for.
fn not_to_be_had(run: &FinishedRun, runs: &[FinishedRun]) -> Vec<String> {
    let mut said = Vec::new();
    for (one, k) in runs.iter().zip(1..) {
        let which = if run.config.replicas > 1 {
            format!(" of {}", crate::replicas::name(k))
        } else {
            String::new()
        };
        for stage in &one.manifest.stages {
            if let Some(reason) = &stage.reason {
                said.push(format!(
                    "The stage {}{which} is left out, and with it what rests on it: {reason}.",
                    stage.name
                ));
            }
        }
    }
    said
}

fn caveats(
    run: &FinishedRun,
    findings: &Findings,
    reference: Option<&ReferenceResults>,
) -> Vec<String> {
    let mut caveats: Vec<String> = crate::unfinished::describe(run, findings)
        .into_iter()
        .collect();
    let atoms = findings.glass.atoms;
    let slowest = shear_stage(&run.config).ok().map(|shear| {
        shear
            .rates
            .iter()
            .map(|rate| rate.per_second())
            .fold(f64::INFINITY, f64::min)
    });
    if let Some(slowest) = slowest.filter(|slowest| *slowest > PAPER_FASTEST_RATE) {
        caveats.push(format!(
            "These are not the reference paper's rates: the slowest MD rate here is {slowest:.0e} \
             per mapped second, the paper's are 1e7 to 1e4."
        ));
    }
    if atoms > 0 && atoms < PAPER_ATOMS {
        let samples = match run.config.replicas {
            0 | 1 => "one sample is one realization of disorder".to_owned(),
            2 => "two samples do not show how much samples differ".to_owned(),
            samples => {
                format!("its {samples} samples stand for all others: errors are their spread")
            }
        };
        caveats.push(format!(
            "The sample has {atoms} atoms, the paper's 32,000: its strain at zero stress fluctuates \
             more, and {samples}."
        ));
    }
    if let Some(reference) = reference {
        let modulus = findings
            .rates
            .iter()
            .find_map(|rate| rate.md.as_ref()?.shear_modulus)
            .map(|measured| measured.value)
            .filter(|modulus| *modulus > 0.0);
        if let Some(modulus) = modulus {
            let noise = strain_fluctuation(reference.temperature, modulus, reference.volume.mean);
            caveats.push(format!(
                "Thermal noise of the strain at zero stress, sqrt(kT/GV), is {noise:.4}; the \
                 paper's residual strains are 0.001 to 0.003."
            ));
        }
        if !reference.stationary {
            caveats.push(
                "The reference state was not yet stationary: part of what follows is its own aging."
                    .to_owned(),
            );
        }
    }
    if let Some(note) = findings
        .landscape
        .as_ref()
        .and_then(|found| found.compliance.clone())
    {
        caveats.push(format!("{note}."));
    }
    if let Some(coverage) = findings.landscape.as_ref().and_then(|found| found.coverage)
        && coverage < 0.9
    {
        caveats.push(format!(
            "The catalogue is far from complete (coverage {:.0} %): the density of events in the KMC \
             is a lower bound.",
            100.0 * coverage
        ));
    }
    if findings.rates.iter().any(|rate| rate.kmc.is_some()) {
        caveats.push(
            "The KMC's zero stress is that of a large sample. The MD sample of this size keeps a \
             frozen-in stress in the components that its cell does not let go (its normal \
             differences, xz and yz), so the two do not start from quite the same state."
                .to_owned(),
        );
        caveats.push(
            "Errors of the KMC are over lattices drawn from one catalogue: they do not show what \
             another sample, or a more complete catalogue, would change."
                .to_owned(),
        );
    }
    caveats
}
