//! What molecular dynamics says, from the series of its stages.

use metabasin_files::Series;
use metabasin_files::findings::{Curve, LoadingFindings, Measured};
use metabasin_md::analysis::{half_difference, shear_modulus_fit, strain_fluctuation};

use super::loading::{MODULUS_UP_TO, Realization, StressStrain, digest, over_realizations};
use super::signatures::BackStress;
use crate::PipelineError;
use crate::config::Stage;
use crate::finished_run::{FinishedRun, column};
use crate::stage::{has_results, read_results};
use crate::stages::branches::{Branch, shear_stage};
use crate::stages::equilibrate::ReferenceResults;
use crate::stages::relax::copy_name;
use crate::stages::unload::UnloadResult;

/// A column without the opening row of its series, which is a moment, not a mean over an interval;
/// nothing of a series without rows.
fn intervals(series: &Series, name: &str) -> Result<Vec<f64>, PipelineError> {
    let column = column(series, name)?;
    Ok(column.get(1..).unwrap_or_default().to_vec())
}

/// Means over the intervals of a series.
fn stress_strain(series: &Series) -> Result<StressStrain, PipelineError> {
    Ok(StressStrain {
        strain: intervals(series, "mean_gamma")?,
        stress: intervals(series, "mean_stress_xy")?,
    })
}

fn odd_part(
    run: &FinishedRun,
    stage: &str,
    names: &[String; 2],
) -> Result<Option<StressStrain>, PipelineError> {
    let (plus, minus) = (
        run.finished_series(stage, &names[0])?,
        run.finished_series(stage, &names[1])?,
    );
    let Some((plus, minus)) = plus.zip(minus) else {
        return Ok(None);
    };
    Ok(Some(StressStrain::odd_part(
        &stress_strain(&plus)?,
        &stress_strain(&minus)?,
    )))
}

/// Temperature and mean volume of the reference state, where the equilibration found it.
fn reference(run: &FinishedRun) -> Result<Option<(f64, f64)>, PipelineError> {
    let found: ReferenceResults = match run.stage("equilibrate") {
        Some(folder) if has_results(&folder) => read_results(&folder)?,
        _ => return Ok(None),
    };
    Ok(Some((found.temperature, found.volume.mean)))
}

/// Gives every pair the thermal noise of the strain at zero stress of half the difference of two
/// samples, √(k_B T/GV)/√2: with its own shear modulus, or, where its curve is too short for one,
/// with the mean of the others, which are of the same glass.
///
/// A fit or a block error sees the fast part of it only: the slow part is which of its many minima
/// the sample happens to be in.
fn add_noise(reference: Option<(f64, f64)>, rates: &mut [(f64, Vec<(Realization, Option<f64>)>)]) {
    let moduli: Vec<f64> = rates
        .iter()
        .flat_map(|(_, pairs)| pairs.iter().filter_map(|(_, modulus)| *modulus))
        .collect();
    let mean = moduli.iter().sum::<f64>() / moduli.len() as f64;
    let mean = Some(mean).filter(|mean| mean.is_finite());
    for (one, modulus) in rates.iter_mut().flat_map(|(_, pairs)| pairs) {
        let known = reference.zip(modulus.or(mean));
        one.strain_noise = known.map(|((temperature, volume), modulus)| {
            strain_fluctuation(temperature, modulus, volume) / std::f64::consts::SQRT_2
        });
    }
}

fn residual(results: &[UnloadResult], rate: f64, pair: usize) -> Option<Measured> {
    let of_sign = |sign: f64| {
        let found = results.iter().find(|result| {
            result.rate_per_second == rate && result.pair == pair && result.sign == sign
        })?;
        found
            .residual
            .as_ref()
            .map(|root| (root.strain, root.error))
    };
    let ((plus, plus_error), (minus, minus_error)) = of_sign(1.0).zip(of_sign(-1.0))?;
    Some(Measured {
        value: 0.5 * (plus - minus),
        error: Some(0.5 * plus_error.hypot(minus_error)),
    })
}

fn names(rate: metabasin_atoms::units::StrainRate, pair: usize) -> [String; 2] {
    [1.0, -1.0].map(|sign| Branch { rate, pair, sign }.name())
}

/// Loading, unloading and recovery at every rate that was run, with the rate per mapped second.
pub(crate) fn loading(run: &FinishedRun) -> Result<Vec<(f64, LoadingFindings)>, PipelineError> {
    let Ok(shear) = shear_stage(&run.config) else {
        return Ok(Vec::new());
    };
    let unloaded: Vec<UnloadResult> = match run.stage("unload") {
        Some(folder) if folder.join("results.json").exists() => read_results(&folder)?,
        _ => Vec::new(),
    };
    let mut rates = Vec::new();
    for (rate, pairs) in shear.pairs_by_rate() {
        let mut realizations = Vec::new();
        for pair in 1..=pairs {
            let names = names(rate, pair);
            let Some(loading) = odd_part(run, "shear", &names)? else {
                continue;
            };
            let mut one = Realization {
                loading,
                unloading: odd_part(run, "unload", &names)?.unwrap_or_default(),
                residual: residual(&unloaded, rate.per_second(), pair),
                ..Realization::default()
            };
            let recovery = run
                .finished_series("recover", &names[0])?
                .zip(run.finished_series("recover", &names[1])?);
            if let Some((plus, minus)) = recovery {
                one.recovery_time = intervals(&plus, "time")?;
                one.recovery_strain = half_difference(
                    &intervals(&plus, "mean_gamma")?,
                    &intervals(&minus, "mean_gamma")?,
                );
            }
            let modulus =
                shear_modulus_fit(&one.loading.strain, &one.loading.stress, MODULUS_UP_TO)
                    .map(|fit| fit.slope)
                    .filter(|modulus| *modulus > 0.0);
            realizations.push((one, modulus));
        }
        if !realizations.is_empty() {
            rates.push((rate.per_second(), realizations));
        }
    }
    add_noise(reference(run)?, &mut rates);
    let digested = rates.into_iter().map(|(rate, pairs)| {
        let realizations: Vec<Realization> = pairs.into_iter().map(|(one, _)| one).collect();
        (rate, digest(&realizations))
    });
    Ok(digested.collect())
}

/// Energy of inherent states at zero load against mapped time, relative to the first, mean over
/// copies; and how far it dropped.
pub(crate) fn zero_load(
    run: &FinishedRun,
) -> Result<(Option<Curve>, Option<Measured>), PipelineError> {
    let copies = run.config.stages.iter().find_map(|stage| match stage {
        Stage::Relax(relax) => Some(relax.copies),
        _ => None,
    });
    let mut energies: Vec<Vec<f64>> = Vec::new();
    let mut times = Vec::new();
    for copy in 1..=copies.unwrap_or(0) {
        let copy = copy_name(copy);
        if run.finished_series("relax", &copy)?.is_none() {
            continue;
        }
        if let Some(series) = run.series("relax", &format!("{copy}-inherent"))? {
            let energy = column(&series, "energy_per_atom")?;
            energies.push(energy.iter().map(|e| e - energy[0]).collect());
            times = column(&series, "time_mapped")?.to_vec();
        }
    }
    if energies.is_empty() || times.len() < 2 {
        return Ok((None, None));
    }
    let length = energies
        .iter()
        .map(Vec::len)
        .min()
        .unwrap_or(0)
        .min(times.len());
    let mut curve = Curve::default();
    let mut errors = Vec::new();
    let count = energies.len() as f64;
    for (k, &time) in times.iter().enumerate().take(length) {
        let mean = energies.iter().map(|energy| energy[k]).sum::<f64>() / count;
        let squares = energies
            .iter()
            .map(|energy| (energy[k] - mean).powi(2))
            .sum::<f64>();
        curve.x.push(time);
        curve.y.push(mean);
        errors.push((squares / (count - 1.0).max(1.0) / count).sqrt());
    }
    if energies.len() > 1 {
        curve.y_error = Some(errors);
    }
    Ok((Some(curve), energy_drop(&energies)))
}

/// Mean over the first third of the inherent states minus that over the last third, all copies
/// together; the error is their scatter, which is large from one inherent state to the next.
fn energy_drop(energies: &[Vec<f64>]) -> Option<Measured> {
    let third = |late: bool| -> Vec<f64> {
        let part = |energy: &Vec<f64>| {
            let width = energy.len() / 3;
            let range = if late {
                energy.len() - width..energy.len()
            } else {
                0..width
            };
            energy[range].to_vec()
        };
        energies.iter().flat_map(part).collect()
    };
    let mean_and_variance = |values: &[f64]| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (mean, squares / (count - 1.0) / count)
    };
    let (early, late) = (third(false), third(true));
    if early.len() < 3 {
        return None;
    }
    let ((before, before_variance), (after, after_variance)) =
        (mean_and_variance(&early), mean_and_variance(&late));
    Some(Measured {
        value: before - after,
        error: Some((before_variance + after_variance).sqrt()),
    })
}

/// Shear stress of icosahedral atoms minus that of the others in inherent states during recovery,
/// odd in the load.
pub(crate) fn back_stress(run: &FinishedRun) -> Result<Option<BackStress>, PipelineError> {
    let Ok(shear) = shear_stage(&run.config) else {
        return Ok(None);
    };
    let difference = |series: &Series| -> Result<Vec<f64>, PipelineError> {
        let icosahedral = column(series, "stress_xy_icosahedral")?;
        let other = column(series, "stress_xy_other")?;
        Ok(icosahedral.iter().zip(other).map(|(i, o)| i - o).collect())
    };
    let mut values = Vec::new();
    for (rate, pairs) in shear.pairs_by_rate() {
        for pair in 1..=pairs {
            let names = names(rate, pair);
            if odd_part(run, "recover", &names)?.is_none() {
                continue;
            }
            let [plus, minus] = names.map(|name| format!("{name}-inherent"));
            let both = run
                .series("recover", &plus)?
                .zip(run.series("recover", &minus)?);
            if let Some((plus, minus)) = both {
                let odd = half_difference(&difference(&plus)?, &difference(&minus)?);
                let odd: Vec<f64> = odd.into_iter().filter(|value| value.is_finite()).collect();
                if odd.len() > 1 {
                    let count = odd.len() as f64;
                    let mean = odd.iter().sum::<f64>() / count;
                    let squares = odd.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
                    // Inherent states of one recovery resemble each other: their scatter is
                    // taken as the error of their mean, not divided by their number.
                    let error = (squares / (count - 1.0)).sqrt();
                    values.push(Measured {
                        value: mean,
                        error: Some(error),
                    });
                }
            }
        }
    }
    Ok(over_realizations(&values).map(|difference| BackStress { difference }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_without_a_modulus_of_its_own_keeps_its_thermal_noise() {
        let pair = |modulus| (Realization::default(), modulus);
        let noise = |reference, moduli: [Option<f64>; 3]| {
            let [a, b, c] = moduli.map(pair);
            let mut rates = vec![(1e8, vec![a, b]), (1e9, vec![c])];
            add_noise(reference, &mut rates);
            let pairs = rates.into_iter().flat_map(|(_, pairs)| pairs);
            pairs.map(|(one, _)| one.strain_noise).collect::<Vec<_>>()
        };
        // √(0.28 / (G · 400)) / √2.
        let of = |modulus: f64| (0.28 / (modulus * 400.0) / 2.0).sqrt();
        let found = noise(Some((0.28, 400.0)), [Some(12.0), None, Some(20.0)]);
        for (found, modulus) in found.iter().zip([12.0, 16.0, 20.0]) {
            assert!((found.unwrap() / of(modulus) - 1.0).abs() < 1e-12);
        }
        assert_eq!(noise(Some((0.28, 400.0)), [None; 3]), [None; 3]);
        assert_eq!(noise(None, [Some(12.0); 3]), [None; 3]);
    }
}
