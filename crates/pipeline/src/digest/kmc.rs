//! What kinetic Monte Carlo says, from its series.

use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_files::Series;
use metabasin_files::findings::{Curve, LoadingFindings, Measured};
use metabasin_md::analysis::half_difference;

use super::loading::{Realization, StressStrain, digest, over_realizations};
use super::signatures::BackStress;
use crate::PipelineError;
use crate::config::{KmcStage, Stage};
use crate::finished_run::{FinishedRun, column};
use crate::stage::read_results;
use crate::stages::kmc::{CycleResult, Item, KmcResults, LOADING, control_name};

/// The run's stage of kinetic Monte Carlo, where it has one.
pub(crate) fn kmc_stage(run: &FinishedRun) -> Option<&KmcStage> {
    run.config.stages.iter().find_map(|stage| match stage {
        Stage::Kmc(kmc) => Some(kmc),
        _ => None,
    })
}

/// What the stage found, where it is done.
pub(crate) fn results(run: &FinishedRun) -> Result<Option<KmcResults>, PipelineError> {
    match run.stage("kmc") {
        Some(folder) if folder.join("results.json").exists() => Ok(Some(read_results(&folder)?)),
        _ => Ok(None),
    }
}

/// The values of a column in the rows of one stage of a cycle.
fn of_stage(series: &Series, stage: usize, name: &str) -> Result<Vec<f64>, PipelineError> {
    let stages = column(series, "stage")?;
    let values = column(series, name)?;
    let chosen = stages
        .iter()
        .zip(values)
        .filter(|(at, _)| **at == stage as f64);
    Ok(chosen.map(|(_, value)| *value).collect())
}

fn stress_strain(series: &Series, stage: usize) -> Result<StressStrain, PipelineError> {
    Ok(StressStrain {
        strain: of_stage(series, stage, "strain")?,
        stress: of_stage(series, stage, "stress_xy")?,
    })
}

/// Both signs of one lattice at one rate.
fn both(cycles: &[CycleResult], rate: f64, lattice: usize) -> Option<(&CycleResult, &CycleResult)> {
    let of_sign = |sign: f64| {
        cycles.iter().find(|cycle| {
            cycle.rate_per_second == rate && cycle.lattice == lattice && cycle.sign == sign
        })
    };
    of_sign(1.0).zip(of_sign(-1.0))
}

/// Residual strain over all lattices at one rate.
pub(crate) fn residual_strain(
    cycles: &[CycleResult],
    rate: f64,
    lattices: usize,
) -> Option<Measured> {
    let of_lattice = |lattice| {
        let (plus, minus) = both(cycles, rate, lattice)?;
        let value = 0.5 * (plus.residual_strain? - minus.residual_strain?);
        Some(Measured { value, error: None })
    };
    over_realizations(&(1..=lattices).filter_map(of_lattice).collect::<Vec<_>>())
}

/// Loading, unloading and recovery at every rate, with the rate per mapped second.
pub(crate) fn loading(run: &FinishedRun) -> Result<Vec<(f64, LoadingFindings)>, PipelineError> {
    let Some((stage, results)) = kmc_stage(run).zip(results(run)?) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for &rate in &stage.rates {
        let mut realizations = Vec::new();
        for lattice in 1..=stage.pairs {
            let [plus, minus] = [1.0, -1.0].map(|sign| Item::new(rate, lattice, sign).name());
            let series = run.series("kmc", &plus)?.zip(run.series("kmc", &minus)?);
            let cycles = both(&results.cycles, rate.per_second(), lattice);
            let Some(((plus, minus), cycles)) = series.zip(cycles) else {
                continue;
            };
            let odd = |stage: usize| -> Result<StressStrain, PipelineError> {
                let (plus, minus) = (stress_strain(&plus, stage)?, stress_strain(&minus, stage)?);
                Ok(StressStrain::odd_part(&plus, &minus))
            };
            let recovery = LOADING + 2;
            let strain = |series: &Series| of_stage(series, recovery, "strain");
            let residual = cycles.0.residual_strain.zip(cycles.1.residual_strain);
            realizations.push(Realization {
                loading: odd(LOADING)?,
                unloading: odd(LOADING + 1)?,
                residual: residual.map(|(plus, minus)| Measured {
                    value: 0.5 * (plus - minus),
                    error: None,
                }),
                recovery_time: of_stage(&plus, recovery, "elapsed")?,
                recovery_strain: half_difference(&strain(&plus)?, &strain(&minus)?),
                strain_noise: Some(0.0),
                events_loading: Some(cycles.0.events_loading + cycles.1.events_loading),
            });
        }
        if !realizations.is_empty() {
            found.push((rate.per_second(), digest(&realizations)));
        }
    }
    Ok(found)
}

/// Energy per atom at zero load against mapped time, mean over lattices; and how far it dropped.
pub(crate) fn zero_load(
    run: &FinishedRun,
) -> Result<(Option<Curve>, Option<Measured>), PipelineError> {
    let Some((stage, results)) = kmc_stage(run).zip(results(run)?) else {
        return Ok((None, None));
    };
    let mut curves = Vec::new();
    let mut times = Vec::new();
    for lattice in 1..=stage.pairs {
        if let Some(series) = run.series("kmc", &control_name(lattice))? {
            let energy = of_stage(&series, LOADING, "energy")?;
            curves.push(
                energy
                    .iter()
                    .map(|e| (e - energy[0]) / results.atoms)
                    .collect::<Vec<_>>(),
            );
            times = of_stage(&series, LOADING, "elapsed")?
                .into_iter()
                .map(|elapsed| elapsed * SECONDS_PER_TAU)
                .collect();
        }
    }
    if curves.is_empty() || times.len() < 2 {
        return Ok((None, None));
    }
    let mean = |k: usize| curves.iter().map(|curve| curve[k]).sum::<f64>() / curves.len() as f64;
    let curve = Curve {
        y: (0..times.len()).map(mean).collect(),
        x: times,
        y_error: None,
    };
    let drops: Vec<Measured> = curves
        .iter()
        .filter_map(|curve| curve.last())
        .map(|last| Measured {
            value: -last,
            error: None,
        })
        .collect();
    Ok((Some(curve), over_realizations(&drops)))
}

/// Reported shear stress of elastic sites minus that of active ones after unloading at the slowest
/// rate, odd in the load.
pub(crate) fn back_stress(run: &FinishedRun) -> Result<Option<BackStress>, PipelineError> {
    let Some((stage, results)) = kmc_stage(run).zip(results(run)?) else {
        return Ok(None);
    };
    let slowest = stage
        .rates
        .iter()
        .map(|rate| rate.per_second())
        .fold(f64::INFINITY, f64::min);
    let difference = |cycle: &CycleResult| {
        Some(cycle.reported_elastic_unloaded? - cycle.reported_active_unloaded)
    };
    let values: Vec<Measured> = (1..=stage.pairs)
        .filter_map(|lattice| {
            let (plus, minus) = both(&results.cycles, slowest, lattice)?;
            let value = 0.5 * (difference(plus)? - difference(minus)?);
            Some(Measured { value, error: None })
        })
        .collect();
    Ok(over_realizations(&values).map(|difference| BackStress { difference }))
}
