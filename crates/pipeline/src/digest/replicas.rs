//! Several samples made alike: means over replicas, and what they differ by as the error.
//!
//! Pairs of one replica share its disorder, so from three replicas on the error of a mean is the
//! spread between replicas; of two, it is what their own errors make of it.

use metabasin_files::findings::{Curve, LoadingFindings, Measured};

use super::loading::half_time;
use crate::PipelineError;
use crate::finished_run::FinishedRun;

/// Replicas needed before their spread is taken for the error.
const ENOUGH: usize = 3;

/// Mean over replicas; its error by their spread where there are three or more, else by the errors
/// that they came with.
pub(crate) fn over_replicas(values: &[Measured]) -> Option<Measured> {
    if values.is_empty() {
        return None;
    }
    let count = values.len() as f64;
    let value = values.iter().map(|one| one.value).sum::<f64>() / count;
    let error = if values.len() >= ENOUGH {
        let squares: f64 = values.iter().map(|one| (one.value - value).powi(2)).sum();
        Some((squares / (count - 1.0) / count).sqrt())
    } else {
        let own: Option<f64> = values
            .iter()
            .map(|one| one.error.map(|error| error * error))
            .sum();
        own.map(|own| own.sqrt() / count)
    };
    Some(Measured {
        value,
        error,
        independent: if values.len() >= ENOUGH {
            values.len()
        } else {
            0
        },
    })
}

/// The value of a curve at `x` on the line between its points; `None` beyond its ends.
fn at(curve: &Curve, x: f64) -> Option<Measured> {
    let error = |k: usize| curve.y_error.as_ref().map(|errors| errors[k]);
    // Abscissae may run downwards (unloading).
    let span = |k: usize| (curve.x[k + 1] - curve.x[k], x - curve.x[k]);
    for k in 0..curve.x.len().saturating_sub(1) {
        let (width, ahead) = span(k);
        let share = ahead / width;
        if (0.0..=1.0).contains(&share) {
            let between = |a: f64, b: f64| a + share * (b - a);
            return Some(Measured {
                value: between(curve.y[k], curve.y[k + 1]),
                error: error(k).zip(error(k + 1)).map(|(a, b)| between(a, b)),
                independent: 0,
            });
        }
    }
    let single = curve.x.iter().position(|known| *known == x)?;
    Some(Measured {
        value: curve.y[single],
        error: error(single),
        independent: 0,
    })
}

/// The mean of curves, where all of them are known; at the points of the first.
pub(crate) fn mean_curve(curves: &[&Curve]) -> Curve {
    let curves: Vec<&&Curve> = curves.iter().filter(|curve| !curve.x.is_empty()).collect();
    let Some(first) = curves.first() else {
        return Curve::default();
    };
    let mut mean = Curve::default();
    let mut errors = Vec::new();
    for &x in &first.x {
        let values: Option<Vec<Measured>> = curves.iter().map(|curve| at(curve, x)).collect();
        if let Some(measured) = values.and_then(|values| over_replicas(&values)) {
            mean.x.push(x);
            mean.y.push(measured.value);
            errors.push(measured.error);
        }
    }
    mean.y_error = errors.into_iter().collect();
    mean
}

/// What all replicas say of one rate.
fn combined(found: &[LoadingFindings]) -> LoadingFindings {
    let curve =
        |of: fn(&LoadingFindings) -> &Curve| mean_curve(&found.iter().map(of).collect::<Vec<_>>());
    let number = |of: fn(&LoadingFindings) -> Option<Measured>| {
        over_replicas(&found.iter().filter_map(of).collect::<Vec<_>>())
    };
    let sum = |of: fn(&LoadingFindings) -> usize| found.iter().map(of).sum();
    let recovery = curve(|one| &one.recovery);
    let residual_strain = number(|one| one.residual_strain);
    let recovered_strain = number(|one| one.recovered_strain);
    LoadingFindings {
        replicas: found.len(),
        realizations: sum(|one| one.realizations),
        unloaded: sum(|one| one.unloaded),
        recovered: sum(|one| one.recovered),
        loading: curve(|one| &one.loading),
        unloading: curve(|one| &one.unloading),
        shear_modulus: number(|one| one.shear_modulus),
        residual_strain,
        recovery_half_time: residual_strain
            .zip(recovered_strain)
            .and_then(|(residual, recovered)| half_time(&recovery, residual, recovered)),
        recovery,
        recovered_strain,
        events_loading: found.iter().map(|one| one.events_loading).sum(),
    }
}

/// The runs that stand behind one: its replicas, or itself where it has none.
pub(crate) fn runs(run: &FinishedRun) -> Result<Vec<FinishedRun>, PipelineError> {
    if run.config.replicas < 2 {
        return Ok(vec![FinishedRun::open(&run.root)?]);
    }
    (1..=run.config.replicas)
        .map(|replica| run.root.join(crate::replicas::name(replica)))
        .filter(|folder| folder.join(metabasin_files::Manifest::FILE_NAME).exists())
        .map(|folder| FinishedRun::open(&folder))
        .collect()
}

/// What was found at every rate, with the rate per mapped second.
type Rates = Vec<(f64, LoadingFindings)>;

/// Loading at every rate, over all replicas.
pub(crate) fn loading(
    runs: &[FinishedRun],
    of: fn(&FinishedRun) -> Result<Rates, PipelineError>,
) -> Result<Rates, PipelineError> {
    let mut rates: Vec<(f64, Vec<LoadingFindings>)> = Vec::new();
    for run in runs {
        for (rate, found) in of(run)? {
            match rates.iter_mut().find(|(known, _)| *known == rate) {
                Some((_, all)) => all.push(found),
                None => rates.push((rate, vec![found])),
            }
        }
    }
    let only = runs.len() == 1;
    let together = |(rate, mut found): (f64, Vec<LoadingFindings>)| match found.pop() {
        Some(one) if only => (rate, one),
        Some(last) => {
            found.push(last);
            (rate, combined(&found))
        }
        None => (rate, LoadingFindings::default()),
    };
    Ok(rates.into_iter().map(together).collect())
}

/// A curve with a number that was read off it.
pub(crate) type Drop = (Option<Curve>, Option<Measured>);

/// Energy at zero load and how far it drops, over all replicas.
pub(crate) fn zero_load(
    runs: &[FinishedRun],
    of: fn(&FinishedRun) -> Result<Drop, PipelineError>,
) -> Result<Drop, PipelineError> {
    let mut found: Vec<Drop> = runs.iter().map(of).collect::<Result<_, _>>()?;
    if found.len() == 1
        && let Some(only) = found.pop()
    {
        return Ok(only);
    }
    let curves: Vec<&Curve> = found
        .iter()
        .filter_map(|(curve, _)| curve.as_ref())
        .collect();
    let drops: Vec<Measured> = found.iter().filter_map(|(_, drop)| *drop).collect();
    let curve = (!curves.is_empty()).then(|| mean_curve(&curves));
    Ok((curve, over_replicas(&drops)))
}

/// A number over all replicas.
pub(crate) fn measured(
    runs: &[FinishedRun],
    of: impl Fn(&FinishedRun) -> Result<Option<Measured>, PipelineError>,
) -> Result<Option<Measured>, PipelineError> {
    let mut found = Vec::new();
    for run in runs {
        found.extend(of(run)?);
    }
    Ok(match found[..] {
        [only] if runs.len() == 1 => Some(only),
        _ => over_replicas(&found),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: f64, error: f64) -> Measured {
        Measured::within(value, error)
    }

    #[test]
    fn three_replicas_differ_two_carry_their_own_errors() {
        let two = over_replicas(&[with(1.0, 0.3), with(3.0, 0.4)]).unwrap();
        assert_eq!((two.value, two.error), (2.0, Some(0.25)));
        // Spread 2, standard error of the mean 2/√3, however small their own errors.
        let three = over_replicas(&[with(1.0, 0.1), with(3.0, 0.1), with(5.0, 9.0)]).unwrap();
        assert_eq!(three.value, 3.0);
        assert!((three.error.unwrap() - 2.0 / 3.0_f64.sqrt()).abs() < 1e-15);
        assert!(over_replicas(&[]).is_none());
    }

    #[test]
    fn curves_are_averaged_where_all_are_known_in_either_direction() {
        let down = |slope: f64, end: f64| Curve {
            x: vec![2.0, 1.0, end],
            y: vec![2.0 * slope, slope, end * slope],
            y_error: Some(vec![0.1, 0.1, 0.1]),
        };
        let mean = mean_curve(&[&down(1.0, 0.0), &down(3.0, 0.5), &Curve::default()]);
        assert_eq!(mean.x, [2.0, 1.0]);
        assert_eq!(mean.y, [4.0, 2.0]);
        let error = mean.y_error.unwrap()[0];
        assert!((error - 0.1 / 2.0_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn counts_add_and_numbers_are_averaged() {
        let one = |modulus: f64| LoadingFindings {
            realizations: 4,
            unloaded: 3,
            recovered: 2,
            shear_modulus: Some(with(modulus, 1.0)),
            ..LoadingFindings::default()
        };
        let all = combined(&[one(15.0), one(16.0), one(20.0)]);
        assert_eq!((all.replicas, all.realizations, all.recovered), (3, 12, 6));
        let modulus = all.shear_modulus.unwrap();
        assert_eq!(modulus.value, 17.0);
        assert!((modulus.error.unwrap() - (7.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!(all.residual_strain.is_none());
    }
}
