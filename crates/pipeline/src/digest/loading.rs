//! Loading, unloading and recovery from pairs of trajectories of opposite sign.

use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_files::findings::{Curve, LoadingFindings, Measured};
use metabasin_md::analysis::{block_error, half_difference, logarithmic_bins, shear_modulus_fit};

use super::confidence::{FEWEST, margin};

/// The shear modulus is the slope up to this strain.
pub(crate) const MODULUS_UP_TO: f64 = 0.01;
/// Points of a displayed curve.
const SHOWN_POINTS: usize = 40;
/// Bins a decade of a recovery curve.
const BINS_PER_DECADE: usize = 6;

/// Strain and shear stress along a trajectory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StressStrain {
    pub(crate) strain: Vec<f64>,
    pub(crate) stress: Vec<f64>,
}

impl StressStrain {
    /// Half the difference of both signs.
    pub(crate) fn odd_part(plus: &Self, minus: &Self) -> Self {
        Self {
            strain: half_difference(&plus.strain, &minus.strain),
            stress: half_difference(&plus.stress, &minus.stress),
        }
    }
}

/// One pair of trajectories of opposite sign, already reduced to what is odd in the load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Realization {
    pub(crate) loading: StressStrain,
    pub(crate) unloading: StressStrain,
    /// Residual strain, half the difference of both signs.
    pub(crate) residual: Option<Measured>,
    /// Times since the unloading `[τ]`.
    pub(crate) recovery_time: Vec<f64>,
    /// Strain at those times.
    pub(crate) recovery_strain: Vec<f64>,
    /// Standard deviation of its strain at zero stress that no fit within one trajectory sees; `None`
    /// where nobody knows it, and with it no error of its strains.
    pub(crate) strain_noise: Option<f64>,
    /// Events while loading, both signs (KMC).
    pub(crate) events_loading: Option<u64>,
}

/// Mean and standard error over realizations. From three on the error is their spread, or what
/// they say of themselves where that is larger; one or two keep what they came with, which is
/// noise within trajectories.
pub(crate) fn over_realizations(values: &[Measured]) -> Option<Measured> {
    let count = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let value = values.iter().map(|measured| measured.value).sum::<f64>() / count;
    let own: Option<f64> = values
        .iter()
        .map(|measured| measured.error.map(|error| error * error))
        .sum::<Option<f64>>()
        .map(|sum| sum.sqrt() / count);
    let spread = (values.len() > 2).then(|| {
        let squares = values
            .iter()
            .map(|measured| (measured.value - value).powi(2))
            .sum::<f64>();
        (squares / (count - 1.0) / count).sqrt()
    });
    // Realizations of one sample share its disorder, so the larger of the two errors counts.
    let error = match (own, spread) {
        (Some(own), Some(spread)) => Some(own.max(spread)),
        (own, spread) => own.or(spread),
    };
    Some(Measured {
        value,
        error,
        independent: if spread.is_some() { values.len() } else { 0 },
    })
}

/// A strain of one realization with the noise that its own scatter does not show; where that is not
/// known, the scatter alone would be too small an error, so there is none.
fn with_noise(measured: Measured, noise: Option<f64>) -> Measured {
    let error = noise.and_then(|noise| match measured.error {
        Some(error) => Some(error.hypot(noise)),
        None => (noise > 0.0).then_some(noise),
    });
    Measured { error, ..measured }
}

/// The mean curve of those realizations that have one, ending with the shortest.
fn mean_curve(curves: &[&StressStrain]) -> StressStrain {
    let curves: Vec<&&StressStrain> = curves
        .iter()
        .filter(|curve| !curve.strain.is_empty())
        .collect();
    let length = curves
        .iter()
        .map(|curve| curve.strain.len())
        .min()
        .unwrap_or(0);
    let mean = |of: &dyn Fn(&StressStrain) -> &[f64], k: usize| {
        curves.iter().map(|curve| of(curve)[k]).sum::<f64>() / curves.len() as f64
    };
    StressStrain {
        strain: (0..length)
            .map(|k| mean(&|curve| &curve.strain, k))
            .collect(),
        stress: (0..length)
            .map(|k| mean(&|curve| &curve.stress, k))
            .collect(),
    }
}

/// A curve with few enough points to look at: means over consecutive points, with the standard
/// error of each mean where it has more than three.
fn thinned(curve: &StressStrain) -> Curve {
    let width = curve.strain.len().div_ceil(SHOWN_POINTS).max(1);
    let mut shown = Curve::default();
    let mut errors = Vec::new();
    for (x, y) in curve.strain.chunks(width).zip(curve.stress.chunks(width)) {
        let count = x.len() as f64;
        shown.x.push(x.iter().sum::<f64>() / count);
        shown.y.push(y.iter().sum::<f64>() / count);
        errors.push((scatter(y) / count).sqrt());
    }
    shown.y_error = (width > 3).then_some(errors);
    shown
}

/// Variance of values about the ramp on which they lie: half that of their successive differences.
fn scatter(values: &[f64]) -> f64 {
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if steps.len() < 2 {
        return 0.0;
    }
    let count = steps.len() as f64;
    let mean = steps.iter().sum::<f64>() / count;
    let squares: f64 = steps.iter().map(|step| (step - mean).powi(2)).sum();
    0.5 * squares / (count - 1.0)
}

/// Mean strain over the last quarter of the time of a recovery, with its block error.
fn final_strain(time: &[f64], strain: &[f64]) -> Option<Measured> {
    let begin = 0.75 * time.last()?;
    let last: Vec<f64> = time
        .iter()
        .zip(strain)
        .filter(|(time, _)| **time >= begin)
        .map(|(_, strain)| *strain)
        .collect();
    let average = block_error(&last)?;
    Some(Measured::within(average.mean, average.error))
}

fn difference(a: Measured, b: Measured) -> Measured {
    let error = a.error.zip(b.error).map(|(a, b)| a.hypot(b));
    Measured {
        value: a.value - b.value,
        error,
        independent: 0,
    }
}

/// When a recovery curve first crosses half of what it recovers `[mapped seconds]`, where the
/// interval of the recovered strain lies above zero. The error is half the distance of two bins, no
/// spread.
pub(crate) fn half_time(
    recovery: &Curve,
    residual: Measured,
    recovered: Measured,
) -> Option<Measured> {
    let margin = margin(recovered)?;
    if recovered.value < margin {
        return None;
    }
    crossing(recovery, residual.value, recovered.value)
}

/// When a recovery curve first crosses half of what it recovers, whether that stands out or not.
fn crossing(recovery: &Curve, residual: f64, recovered: f64) -> Option<Measured> {
    let goal = residual - 0.5 * recovered;
    let k = recovery.y.iter().position(|&strain| strain <= goal)?;
    // Before the first bin there is nothing that the crossing could be told from. The bin before
    // is where it was still above: half of the distance is the uncertainty.
    let before = recovery.x[k.checked_sub(1)?];
    let error = 0.5 * (recovery.x[k] - before);
    Some(Measured::within(recovery.x[k], error))
}

/// What realizations say of the strain that remains and of its recovery.
struct Remaining {
    residual: Option<Measured>,
    recovered: Option<Measured>,
    recovery: Curve,
    /// How many stand behind each of the two strains.
    counts: (usize, usize),
}

impl Remaining {
    fn of(realizations: &[&Realization]) -> Self {
        let residuals: Vec<Measured> = realizations
            .iter()
            .filter_map(|one| Some(with_noise(one.residual?, one.strain_noise)))
            .collect();
        // Pair by pair, so that what a pair's two strains have in common drops out of the spread.
        let recovered: Vec<Measured> = realizations
            .iter()
            .filter_map(|one| {
                let last = final_strain(&one.recovery_time, &one.recovery_strain)?;
                let residual = with_noise(one.residual?, one.strain_noise);
                Some(difference(residual, with_noise(last, one.strain_noise)))
            })
            .collect();
        Self {
            residual: over_realizations(&residuals),
            recovered: over_realizations(&recovered),
            recovery: recovery_curve(realizations),
            counts: (residuals.len(), recovered.len()),
        }
    }

    fn crossing(&self) -> Option<f64> {
        let (residual, recovered) = self.residual.zip(self.recovered)?;
        crossing(&self.recovery, residual.value, recovered.value).map(|time| time.value)
    }
}

/// The half time with the error that leaving out one realization after the other shows (the
/// jackknife; Efron & Stein, Ann. Stat. 9, 586 (1981)), or half the distance of two bins where that
/// is larger; where a subset has no half time, the bins alone.
fn half_time_of(all: &Remaining, realizations: &[&Realization]) -> Option<Measured> {
    let (residual, recovered) = all.residual.zip(all.recovered)?;
    let whole = half_time(&all.recovery, residual, recovered)?;
    let through: Vec<&Realization> = realizations
        .iter()
        .filter(|one| one.residual.is_some() && !one.recovery_time.is_empty())
        .copied()
        .collect();
    let without: Option<Vec<f64>> = (0..through.len())
        .map(|k| {
            let mut rest = through.clone();
            rest.remove(k);
            Remaining::of(&rest).crossing()
        })
        .collect();
    let Some(without) = without.filter(|times| times.len() >= FEWEST) else {
        return Some(whole);
    };
    let count = without.len() as f64;
    let mean = without.iter().sum::<f64>() / count;
    let squares: f64 = without.iter().map(|time| (time - mean).powi(2)).sum();
    let error = ((count - 1.0) / count * squares).sqrt();
    Some(Measured::mean_of(
        without.len(),
        whole.value,
        error.max(whole.error.unwrap_or(0.0)),
    ))
}

/// What all realizations at one rate say together.
pub(crate) fn digest(realizations: &[Realization]) -> LoadingFindings {
    let loading: Vec<&StressStrain> = realizations.iter().map(|one| &one.loading).collect();
    let unloading: Vec<&StressStrain> = realizations.iter().map(|one| &one.unloading).collect();
    let mean_loading = mean_curve(&loading);
    // A slow change of the stress-free strain while the fit's range is crossed tilts the line.
    let fit = |one: &Realization| {
        let fit = shear_modulus_fit(&one.loading.strain, &one.loading.stress, MODULUS_UP_TO)?;
        let noise = one.strain_noise;
        Some(with_noise(
            Measured::within(fit.slope, fit.slope_error),
            noise.map(|noise| fit.slope.abs() * noise / MODULUS_UP_TO),
        ))
    };
    let moduli: Vec<Measured> = realizations.iter().filter_map(fit).collect();
    let all: Vec<&Realization> = realizations.iter().collect();
    let remaining = Remaining::of(&all);
    LoadingFindings {
        replicas: 1,
        realizations: realizations.len(),
        unloaded: remaining.counts.0,
        recovered: remaining.counts.1,
        loading: thinned(&mean_loading),
        unloading: thinned(&mean_curve(&unloading)),
        shear_modulus: over_realizations(&moduli),
        residual_strain: remaining.residual,
        recovery_half_time: half_time_of(&remaining, &all),
        recovered_strain: remaining.recovered,
        recovery: remaining.recovery,
        events_loading: realizations.iter().map(|one| one.events_loading).sum(),
    }
}

/// Strain against mapped time in logarithmic bins, mean over realizations; the error of a bin is
/// the larger of its own scatter and the spread over realizations, where any is known.
fn recovery_curve(realizations: &[&Realization]) -> Curve {
    let mut curve = Curve::default();
    let mut errors = Vec::new();
    let recovered: Vec<&Realization> = realizations
        .iter()
        .filter(|one| !one.recovery_time.is_empty())
        .copied()
        .collect();
    let binned: Vec<_> = recovered
        .iter()
        .map(|one| logarithmic_bins(&one.recovery_time, &one.recovery_strain, BINS_PER_DECADE))
        .collect();
    let length = binned.iter().map(Vec::len).min().unwrap_or(0);
    for k in 0..length {
        let values: Vec<Measured> = binned
            .iter()
            .zip(&recovered)
            .map(|(bins, one)| {
                let measured = Measured {
                    value: bins[k].mean,
                    error: bins[k].error,
                    independent: 0,
                };
                with_noise(measured, one.strain_noise)
            })
            .collect();
        if let Some(measured) = over_realizations(&values) {
            let time = binned.iter().map(|bins| bins[k].time).sum::<f64>() / binned.len() as f64;
            curve.x.push(time * SECONDS_PER_TAU);
            curve.y.push(measured.value);
            errors.push(measured.error);
        }
    }
    curve.y_error = errors.into_iter().collect();
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up trajectory: modulus 17, residual strain 0.002, recovering by half with a
    /// relaxation time of 10 τ; and a part even in the load that must drop out.
    fn made_up(sign: f64) -> (StressStrain, StressStrain, Vec<f64>, Vec<f64>) {
        let loading: Vec<f64> = (0..200).map(|k| sign * 1e-4 * f64::from(k)).collect();
        let stress = loading.iter().map(|gamma| 17.0 * gamma + 0.3).collect();
        let unloading: Vec<f64> = (0..200)
            .map(|k| sign * (0.02 - 1e-4 * f64::from(k)))
            .collect();
        let falling = unloading
            .iter()
            .map(|gamma| 17.0 * (gamma - sign * 0.002) + 0.3)
            .collect();
        let time: Vec<f64> = (1..=1000).map(f64::from).collect();
        let strain = time
            .iter()
            .map(|t| sign * (0.001 + 0.001 * (-t / 10.0).exp()) + 0.004 + 1e-5 * (7.0 * t).sin())
            .collect();
        (
            StressStrain {
                strain: loading,
                stress,
            },
            StressStrain {
                strain: unloading,
                stress: falling,
            },
            time,
            strain,
        )
    }

    #[test]
    fn the_odd_part_gives_back_modulus_residual_and_recovery() {
        let (plus, minus) = (made_up(1.0), made_up(-1.0));
        let one = Realization {
            loading: StressStrain::odd_part(&plus.0, &minus.0),
            unloading: StressStrain::odd_part(&plus.1, &minus.1),
            residual: Some(Measured::within(0.002, 1e-5)),
            recovery_time: plus.2.clone(),
            recovery_strain: half_difference(&plus.3, &minus.3),
            strain_noise: Some(0.0),
            events_loading: None,
        };
        // One pair: no half time is told from noise, and no error is a spread.
        let alone = digest(std::slice::from_ref(&one));
        assert!(alone.recovery_half_time.is_none());
        assert_eq!(alone.residual_strain.unwrap().independent, 0);
        let found = digest(&vec![one; 4]);
        assert!((found.shear_modulus.unwrap().value - 17.0).abs() < 1e-9);
        assert!((found.recovered_strain.unwrap().value - 0.001).abs() < 1e-6);
        // Half of the recovery is gone after 10 ln 2 = 6.9 τ; bins are a sixth of a decade wide.
        let half = found.recovery_half_time.unwrap();
        let time = half.value / SECONDS_PER_TAU;
        assert!((5.0..9.0).contains(&time), "{time}");
        // Alike to the last bit, the four differ by nothing: the bins' own width is the error.
        assert_eq!(half.independent, 4);
        assert!(half.error.unwrap() > 0.1 * half.value);
        assert_eq!(found.loading.x.len(), SHOWN_POINTS);
    }

    #[test]
    fn pairs_that_are_not_through_count_where_they_are() {
        let whole = |residual: f64| {
            let (plus, minus) = (made_up(1.0), made_up(-1.0));
            Realization {
                loading: StressStrain::odd_part(&plus.0, &minus.0),
                unloading: StressStrain::odd_part(&plus.1, &minus.1),
                residual: Some(Measured::within(residual, 1e-5)),
                recovery_time: plus.2.clone(),
                recovery_strain: half_difference(&plus.3, &minus.3),
                strain_noise: Some(0.0),
                events_loading: None,
            }
        };
        let loaded = Realization {
            loading: whole(0.0).loading,
            ..Realization::default()
        };
        let found = digest(&[whole(0.002), loaded, whole(0.003)]);
        assert_eq!(
            (found.realizations, found.unloaded, found.recovered),
            (3, 2, 2)
        );
        let alone = digest(&[whole(0.002), whole(0.003)]);
        assert_eq!(found.unloading, alone.unloading);
        assert_eq!(found.recovery, alone.recovery);
        assert_eq!(found.residual_strain, alone.residual_strain);
        // Residual 0.0025 on average, 0.001 left at the end.
        assert!((found.recovered_strain.unwrap().value - 0.0015).abs() < 1e-6);
    }

    #[test]
    fn a_strain_whose_thermal_noise_is_not_known_has_no_error() {
        let residual = Measured::within(0.002, 3e-4);
        let found = |strain_noise| {
            let one = Realization {
                residual: Some(residual),
                strain_noise,
                ..Realization::default()
            };
            digest(&[one]).residual_strain.unwrap().error
        };
        assert!((found(Some(4e-4)).unwrap() - 5e-4).abs() < 1e-12);
        assert_eq!(found(None), None);
    }

    #[test]
    fn errors_over_realizations_are_the_larger_of_own_and_spread() {
        let at = Measured::within;
        let single = over_realizations(&[at(1.0, 0.3)]).unwrap();
        assert_eq!((single.value, single.error), (1.0, Some(0.3)));
        let spread = over_realizations(&[at(0.0, 0.1), at(3.0, 0.1), at(6.0, 0.1)]).unwrap();
        assert!((spread.value - 3.0).abs() < 1e-12);
        assert!((spread.error.unwrap() - (9.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        let own = over_realizations(&[at(1.0, 0.9), at(1.0, 0.9), at(1.0, 0.9)]).unwrap();
        assert!((own.error.unwrap() - 0.9 / 3.0_f64.sqrt()).abs() < 1e-12);
        assert!(over_realizations(&[]).is_none());
    }

    #[test]
    fn an_error_over_realizations_is_a_spread_from_three_on() {
        let independent = |values: &[Measured]| over_realizations(values).unwrap().independent;
        let at = Measured::within(1.0, 0.1);
        assert_eq!(independent(&[at]), 0);
        assert_eq!(independent(&[at; 2]), 0);
        assert_eq!(independent(&[at; 3]), 3);
        assert_eq!(independent(&[Measured::bare(1.0); 4]), 4);
        assert!(
            over_realizations(&[Measured::bare(1.0)])
                .unwrap()
                .error
                .is_none()
        );
    }

    /// The scatter of a fit is a fraction of the thermal noise of the strain: where that noise is
    /// not known, the fit's error alone would be a false certainty.
    #[test]
    fn no_strain_keeps_an_error_that_lost_its_thermal_part() {
        let residual = Measured::within(0.002, 1e-5);
        let known = with_noise(residual, Some(0.007)).error.unwrap();
        assert!((known - 0.007).abs() < 1e-7);
        assert!(with_noise(residual, None).error.is_none());
        let bare = with_noise(Measured::bare(0.002), Some(0.007));
        assert_eq!(bare.error, Some(0.007));
    }

    #[test]
    fn a_half_time_is_jackknifed_over_realizations() {
        let relaxing = |time: f64| {
            let times: Vec<f64> = (1..=4000).map(|t| 0.25 * f64::from(t)).collect();
            let strain = times.iter().map(|t| 0.002 * (-t / time).exp()).collect();
            Realization {
                residual: Some(Measured::within(0.002, 1e-6)),
                recovery_time: times,
                recovery_strain: strain,
                strain_noise: Some(0.0),
                ..Realization::default()
            }
        };
        let alike: Vec<Realization> = (0..4).map(|_| relaxing(30.0)).collect();
        let unlike: Vec<Realization> = [3.0, 10.0, 100.0, 300.0].map(relaxing).to_vec();
        let error = |some: &[Realization]| {
            let half = digest(some).recovery_half_time.unwrap();
            (half.independent, half.error.unwrap() / half.value)
        };
        let (of_alike, of_unlike) = (error(&alike), error(&unlike));
        assert_eq!((of_alike.0, of_unlike.0), (4, 4));
        // Alike: half a bin of a sixth of a decade, at most. Unlike: relaxation times two decades
        // apart show in the error.
        assert!(of_alike.1 < 0.25, "{}", of_alike.1);
        assert!(of_unlike.1 > 2.0 * of_alike.1, "{}", of_unlike.1);
    }

    #[test]
    fn a_ramp_has_no_scatter_and_noise_on_it_has_its_own() {
        let ramp: Vec<f64> = (0..6).map(|k| 0.3 * f64::from(k)).collect();
        assert!(scatter(&ramp) < 1e-28);
        let zigzag: Vec<f64> = (0..1000).map(|k| f64::from(k) + f64::from(k % 2)).collect();
        // Alternating by ±1/2 about a ramp: a variance of 1/4, which successive differences of
        // alternating sign count twice.
        assert!((scatter(&zigzag) - 0.5).abs() < 1e-3);
    }

    #[test]
    fn no_half_time_is_claimed_from_noise() {
        let recovery = Curve {
            x: vec![1.0, 2.0],
            y: vec![0.002, 0.0],
            y_error: None,
        };
        // Four pairs: 3.182 standard errors.
        let at = |error| Measured::mean_of(4, 0.002, error);
        assert!(half_time(&recovery, at(0.0007), at(0.0007)).is_none());
        assert!(half_time(&recovery, at(0.0006), at(0.0006)).is_some());
        // One pair knows no error, however small its noise.
        let one = Measured::within(0.002, 1e-6);
        assert!(half_time(&recovery, one, one).is_none());
    }
}
