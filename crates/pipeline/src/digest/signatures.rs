//! The signatures that the reference paper reports, each present, absent or not resolvable.

use metabasin_files::findings::{LoadingFindings, Measured, RateFindings, Signature, Verdict};

use super::confidence::{FEWEST, effective_degrees, margin};

/// What is said of a quantity that the signature wants positive: present where its interval lies
/// above zero, absent where it lies below, or below `smallest`, the smallest value that would
/// matter; else, and wherever the error is not known well enough for an interval, not resolvable.
fn verdict(measured: Measured, smallest: f64) -> Verdict {
    let Some(margin) = margin(measured) else {
        return Verdict::NotResolvable;
    };
    if measured.value >= margin && measured.value > 0.0 {
        Verdict::Present
    } else if measured.value <= -margin || measured.value + margin < smallest {
        Verdict::Absent
    } else {
        Verdict::NotResolvable
    }
}

fn text(measured: Measured) -> String {
    let Measured {
        value,
        error,
        independent,
    } = measured;
    match (error, independent) {
        (Some(error), 0) => format!("{value:.2e} (thermal noise within a pair {error:.1e})"),
        (Some(error), few @ 1..FEWEST) => {
            format!("{value:.2e} +- {error:.1e} (of {few}; a verdict needs {FEWEST})")
        }
        (Some(error), _) => format!("{value:.2e} +- {error:.1e}"),
        (None, _) => format!("{value:.2e} (no error)"),
    }
}

/// Slope of y against the logarithm of the rate by weighted least squares over the points whose
/// error is known well enough, with its error.
fn slope_per_decade(points: &[(f64, Measured)]) -> Option<Measured> {
    let known: Vec<&(f64, Measured)> = points
        .iter()
        .filter(|(_, measured)| {
            measured.independent >= FEWEST && measured.error.is_some_and(|error| error > 0.0)
        })
        .collect();
    let weighted: Vec<(f64, f64, f64)> = known
        .iter()
        .filter_map(|(rate, measured)| {
            Some((rate.log10(), measured.value, measured.error?.powi(-2)))
        })
        .collect();
    if weighted.len() < 2 {
        return None;
    }
    let total: f64 = weighted.iter().map(|(_, _, weight)| weight).sum();
    let mean_x = weighted
        .iter()
        .map(|(x, _, weight)| x * weight)
        .sum::<f64>()
        / total;
    let mean_y = weighted
        .iter()
        .map(|(_, y, weight)| y * weight)
        .sum::<f64>()
        / total;
    let spread: f64 = weighted
        .iter()
        .map(|(x, _, weight)| weight * (x - mean_x).powi(2))
        .sum();
    let covariance: f64 = weighted
        .iter()
        .map(|(x, y, weight)| weight * (x - mean_x) * (y - mean_y))
        .sum();
    // Each point's part in the error of the slope, with the degrees of freedom of its own.
    let parts: Vec<(f64, usize)> = weighted
        .iter()
        .zip(&known)
        .map(|((x, _, weight), (_, measured))| {
            let part = weight.sqrt() * (x - mean_x) / spread;
            (part, measured.independent - 1)
        })
        .collect();
    (spread > 0.0).then(|| {
        Measured::mean_of(
            effective_degrees(&parts) + 1,
            covariance / spread,
            spread.sqrt().recip(),
        )
    })
}

fn slope_text(name: &str, slope: Option<Measured>, unit: &str) -> String {
    match slope {
        Some(slope) => format!("{name} = {} {unit}", text(slope)),
        None => format!("{name}: fewer than two rates have {FEWEST} pairs or more"),
    }
}

type Of = fn(&LoadingFindings) -> Option<Measured>;

fn negative(measured: Measured) -> Measured {
    Measured {
        value: -measured.value,
        ..measured
    }
}

/// How the logarithm of the half time of recovery depends on that of the rate, and the sentence
/// that says so; `rates` is how many rates were run.
fn slower_recovery(half_times: Vec<(f64, Measured)>, rates: usize) -> (Option<Measured>, String) {
    let count = half_times.len();
    let logarithms: Vec<(f64, Measured)> = half_times
        .into_iter()
        .map(|(rate, time)| {
            let relative = time.error.map(|error| error / time.value);
            let logarithm = Measured {
                value: time.value.log10(),
                error: relative.map(|relative| relative / std::f64::consts::LN_10),
                independent: time.independent,
            };
            (rate, logarithm)
        })
        .collect();
    let slower = slope_per_decade(&logarithms).map(negative);
    let evidence = match slower {
        Some(slope) => format!(
            "-d log10(half time)/d log10(rate) = {} over {count} rates",
            text(slope)
        ),
        None => format!("a half time stands above its noise at {count} of {rates} rates"),
    };
    (slower, evidence)
}

/// Stress on the unloading side carried by a class of atoms (MD) or sites (KMC), at zero load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackStress {
    /// Mean shear stress of the elastic class minus that of the active class, odd in the load.
    pub(crate) difference: Measured,
}

/// All that can be said of one method.
pub(crate) fn signatures(
    method: &str,
    rates: &[RateFindings],
    of: fn(&RateFindings) -> Option<&LoadingFindings>,
    energy_drop: Option<Measured>,
    back_stress: Option<BackStress>,
) -> Vec<Signature> {
    let points = |quantity: Of| -> Vec<(f64, Measured)> {
        rates
            .iter()
            .filter_map(|rate| Some((rate.rate_per_second, of(rate).and_then(quantity)?)))
            .collect()
    };
    let mut found = Vec::new();
    let mut say = |name: &str, measured: Option<Measured>, smallest: f64, evidence: String| {
        let verdict = measured.map_or(Verdict::NotResolvable, |m| verdict(m, smallest));
        found.push(Signature {
            name: name.to_owned(),
            method: method.to_owned(),
            verdict,
            evidence,
        });
    };
    let moduli = points(|found| found.shear_modulus);
    if moduli.len() > 1 {
        let slope = slope_per_decade(&moduli);
        say(
            "stiffness falls as the rate falls",
            slope,
            0.1,
            slope_text("dG/d log10(rate)", slope, "epsilon/sigma^3 per decade"),
        );
    }
    let residuals = points(|found| found.residual_strain);
    if let Some((rate, slowest)) = residuals.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0)) {
        say(
            "residual strain after unloading",
            Some(slowest),
            2e-4,
            format!("{} at the slowest rate, {rate:.0e} /s", text(slowest)),
        );
    }
    if residuals.len() > 1 {
        let slope = slope_per_decade(&residuals).map(negative);
        say(
            "residual strain grows as the rate falls",
            slope,
            1e-4,
            slope_text("-d gamma_res/d log10(rate)", slope, "per decade"),
        );
    }
    let recovered = points(|found| found.recovered_strain);
    if let Some((rate, slowest)) = recovered.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0)) {
        say(
            "strain recovery at zero stress",
            Some(slowest),
            2e-4,
            format!(
                "recovered strain {} at the slowest rate, {rate:.0e} /s",
                text(slowest)
            ),
        );
    }
    let watched = rates.iter().filter(|rate| of(rate).is_some()).count();
    if watched > 0 {
        let half_times = points(|found| found.recovery_half_time);
        let (slower, evidence) = slower_recovery(half_times, watched);
        say(
            "recovery is slower after slower loading",
            slower,
            0.1,
            evidence,
        );
    }
    if let Some(back) = back_stress {
        say(
            "back stress: elastic class pulls, active class pushes",
            Some(back.difference),
            1e-2,
            format!(
                "shear stress, elastic minus active class, after unloading: {} epsilon/sigma^3",
                text(back.difference)
            ),
        );
    }
    if let Some(drop) = energy_drop {
        say(
            "energy falls at zero load",
            Some(drop),
            1e-4,
            format!("drop {} epsilon per atom over the hold", text(drop)),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of four pairs.
    fn of_four(value: f64, error: f64) -> Measured {
        Measured::mean_of(4, value, error)
    }

    #[test]
    fn verdicts_follow_students_t() {
        // Four values: the interval is 3.182 standard errors wide either way.
        assert_eq!(verdict(of_four(3.3, 1.0), 0.1), Verdict::Present);
        assert_eq!(verdict(of_four(3.1, 1.0), 0.1), Verdict::NotResolvable);
        assert_eq!(verdict(of_four(-3.3, 1.0), 0.1), Verdict::Absent);
        assert_eq!(verdict(of_four(-3.0, 1.0), 0.1), Verdict::NotResolvable);
        assert_eq!(verdict(of_four(0.001, 0.01), 0.1), Verdict::Absent);
        // Eight values know their error better: 2.365.
        let eight = Measured::mean_of(8, 2.4, 1.0);
        assert_eq!(verdict(eight, 0.1), Verdict::Present);
    }

    #[test]
    fn one_pair_is_no_ground_for_a_verdict() {
        for measured in [
            Measured::bare(5.0),
            Measured::within(5.0, 0.01),
            Measured::within(-5.0, 0.01),
            Measured::mean_of(3, 5.0, 0.01),
        ] {
            assert_eq!(verdict(measured, 0.1), Verdict::NotResolvable);
        }
    }

    #[test]
    fn a_slope_over_decades_is_found_with_its_error() {
        let points = [
            (1e9, of_four(1.0, 0.1)),
            (1e8, of_four(3.0, 0.1)),
            (1e7, of_four(5.0, 0.1)),
        ];
        let slope = slope_per_decade(&points).unwrap();
        assert!((slope.value + 2.0).abs() < 1e-12);
        assert!((slope.error.unwrap() - 0.1 / 2.0_f64.sqrt()).abs() < 1e-12);
        // The outer points alone carry it: (1/2 + 1/2)² / (2 (1/4)/3) = 6 degrees of freedom.
        assert_eq!(slope.independent, 7);
        assert!(slope_per_decade(&points[..1]).is_none());
        // A point whose error nobody knows says nothing.
        let mut spoiled = points.to_vec();
        spoiled.push((1e6, Measured::within(100.0, 1e-6)));
        assert_eq!(slope_per_decade(&spoiled), Some(slope));
    }
}
