//! What molecular dynamics says, from the series of its stages.

use metabasin_files::Series;
use metabasin_files::findings::{Curve, LoadingFindings, Measured};
use metabasin_md::analysis::{half_difference, shear_modulus_fit, strain_fluctuation};

use super::loading::{MODULUS_UP_TO, Realization, StressStrain, digest, over_realizations};
use super::signatures::BackStress;
use crate::PipelineError;
use crate::config::Stage;
use crate::finished_run::{FinishedRun, column};
use crate::stage::read_results;
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

/// Thermal noise of the strain at zero stress of half the difference of two samples,
/// √(k_B T/GV)/√2; `None` where the reference or G is not known.
///
/// A fit or a block error sees the fast part of it only: the slow part is which of its many minima
/// the sample happens to be in.
fn pair_noise(reference: Option<&ReferenceResults>, modulus: Option<f64>) -> Option<f64> {
    let (found, modulus) = reference.zip(modulus)?;
    let noise = strain_fluctuation(found.temperature, modulus, found.volume.mean);
    Some(noise / std::f64::consts::SQRT_2)
}

/// The modulus of each realization's own loading; of one whose own says nothing, the mean of all
/// others: no realization loses its thermal noise because another number is missing.
fn moduli(realizations: &[&Realization]) -> Vec<Option<f64>> {
    let own: Vec<Option<f64>> = realizations
        .iter()
        .map(|one| {
            let StressStrain { strain, stress } = &one.loading;
            let fit = shear_modulus_fit(strain, stress, MODULUS_UP_TO)?;
            (fit.slope > 0.0).then_some(fit.slope)
        })
        .collect();
    let known: Vec<f64> = own.iter().copied().flatten().collect();
    let mean = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
    own.into_iter().map(|own| own.or(mean)).collect()
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
    Some(Measured::within(
        0.5 * (plus - minus),
        0.5 * plus_error.hypot(minus_error),
    ))
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
    let reference: Option<ReferenceResults> = match run.stage("equilibrate") {
        Some(folder) if folder.join("results.json").exists() => Some(read_results(&folder)?),
        _ => None,
    };
    let mut found = Vec::new();
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
            realizations.push(one);
        }
        if !realizations.is_empty() {
            found.push((rate.per_second(), realizations));
        }
    }
    let all: Vec<&Realization> = found.iter().flat_map(|(_, some)| some).collect();
    let mut moduli = moduli(&all).into_iter();
    for one in found.iter_mut().flat_map(|(_, some)| some) {
        one.strain_noise = pair_noise(reference.as_ref(), moduli.next().flatten());
    }
    let digested = found
        .into_iter()
        .map(|(rate, realizations)| (rate, digest(&realizations)));
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
    let mut times: Vec<f64> = Vec::new();
    for copy in 1..=copies.unwrap_or(0) {
        let copy = copy_name(copy);
        if run.finished_series("relax", &copy)?.is_none() {
            continue;
        }
        if let Some(series) = run.series("relax", &format!("{copy}-inherent"))? {
            let (energy, time) = (
                column(&series, "energy_per_atom")?,
                column(&series, "time_mapped")?,
            );
            let Some(first) = energy.first() else {
                continue;
            };
            if times.is_empty() {
                times = time.to_vec();
            }
            // A copy that lacks an inherent state cannot be averaged row by row with the others.
            if time == times {
                energies.push(energy.iter().map(|e| e - first).collect());
            }
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

/// Mean over the first third of the inherent states minus that over the last third, copy by copy;
/// what a copy says of its error is their scatter, which is large from one inherent state to the
/// next.
fn energy_drop(energies: &[Vec<f64>]) -> Option<Measured> {
    let mean_and_variance = |values: &[f64]| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (mean, squares / (count - 1.0) / count)
    };
    let drop_of = |energy: &Vec<f64>| {
        let width = energy.len() / 3;
        if width < 2 {
            return None;
        }
        let (before, before_variance) = mean_and_variance(&energy[..width]);
        let (after, after_variance) = mean_and_variance(&energy[energy.len() - width..]);
        let error = (before_variance + after_variance).sqrt();
        Some(Measured::within(before - after, error))
    };
    over_realizations(&energies.iter().filter_map(drop_of).collect::<Vec<_>>())
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
                    values.push(Measured::within(mean, error));
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
    fn a_pair_whose_own_modulus_is_missing_takes_that_of_the_others() {
        let ramp = |slope: f64| Realization {
            loading: StressStrain {
                strain: (0..50).map(|k| 2e-4 * f64::from(k)).collect(),
                stress: (0..50).map(|k| slope * 2e-4 * f64::from(k)).collect(),
            },
            ..Realization::default()
        };
        let (stiff, soft, nothing, falling) =
            (ramp(18.0), ramp(14.0), Realization::default(), ramp(-3.0));
        let found = moduli(&[&stiff, &soft, &nothing, &falling]);
        let found: Vec<f64> = found.into_iter().map(Option::unwrap).collect();
        for (found, expected) in found.iter().zip([18.0, 14.0, 16.0, 16.0]) {
            assert!((found - expected).abs() < 1e-9, "{found}");
        }
        assert_eq!(moduli(&[&nothing]), [None]);
        // Without a reference state or any modulus the noise is not known; it is not zero.
        assert_eq!(pair_noise(None, Some(16.0)), None);
    }

    /// Whole copies are independent, inherent states of one copy are not.
    #[test]
    fn an_energy_drop_knows_its_error_from_four_copies_on() {
        let copy = |shift: f64| -> Vec<f64> {
            (0..12)
                .map(|k| -0.01 * f64::from(k) + shift * f64::from(k % 2))
                .collect()
        };
        let copies: Vec<Vec<f64>> = [0.0, 0.001, -0.001, 0.002].map(copy).to_vec();
        // First four minus last four on a ramp of −0.01: 0.08.
        let drop = energy_drop(&copies).unwrap();
        assert!((drop.value - 0.08).abs() < 1e-12, "{}", drop.value);
        assert_eq!(drop.independent, 4);
        assert_eq!(energy_drop(&copies[..2]).unwrap().independent, 0);
        assert!(energy_drop(&[vec![0.0; 5]]).is_none());
    }
}
