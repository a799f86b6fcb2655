//! The signatures that the reference paper reports, each present, absent or not resolvable.

use metabasin_files::findings::{LoadingFindings, Measured, RateFindings, Signature, Verdict};

/// What is said of a quantity that the signature wants positive: present at two standard errors
/// above zero, absent at two below, or where zero is established to within `smallest`, the
/// smallest value that would matter; else not resolvable.
fn verdict(measured: Measured, smallest: f64) -> Verdict {
    let Some(error) = measured.error else {
        return Verdict::NotResolvable;
    };
    if measured.value >= 2.0 * error && measured.value > 0.0 {
        Verdict::Present
    } else if measured.value <= -2.0 * error || measured.value + 2.0 * error < smallest {
        Verdict::Absent
    } else {
        Verdict::NotResolvable
    }
}

fn text(measured: Measured) -> String {
    match measured.error {
        Some(error) => format!("{:.2e} +- {:.1e}", measured.value, error),
        None => format!("{:.2e} (no error)", measured.value),
    }
}

/// Slope of y against the logarithm of the rate by weighted least squares, and its error.
fn slope_per_decade(points: &[(f64, Measured)]) -> Option<Measured> {
    let weighted: Vec<(f64, f64, f64)> = points
        .iter()
        .filter_map(|(rate, measured)| {
            let error = measured.error.filter(|error| *error > 0.0)?;
            Some((rate.log10(), measured.value, error.powi(-2)))
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
    (spread > 0.0).then(|| Measured {
        value: covariance / spread,
        error: Some(spread.sqrt().recip()),
    })
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
    if let Some(slope) = slope_per_decade(&moduli) {
        say(
            "stiffness falls as the rate falls",
            Some(slope),
            0.1,
            format!(
                "dG/d log10(rate) = {} epsilon/sigma^3 per decade",
                text(slope)
            ),
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
    if let Some(slope) = slope_per_decade(&residuals).map(negative) {
        say(
            "residual strain grows as the rate falls",
            Some(slope),
            1e-4,
            format!("-d gamma_res/d log10(rate) = {} per decade", text(slope)),
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

    fn measured(value: f64, error: f64) -> Measured {
        Measured {
            value,
            error: Some(error),
        }
    }

    #[test]
    fn verdicts_follow_the_noise() {
        assert_eq!(verdict(measured(3.0, 1.0), 0.1), Verdict::Present);
        assert_eq!(verdict(measured(-3.0, 1.0), 0.1), Verdict::Absent);
        assert_eq!(verdict(measured(1.0, 1.0), 0.1), Verdict::NotResolvable);
        assert_eq!(verdict(measured(0.001, 0.01), 0.1), Verdict::Absent);
        assert_eq!(
            verdict(
                Measured {
                    value: 5.0,
                    error: None
                },
                0.1
            ),
            Verdict::NotResolvable
        );
    }

    #[test]
    fn a_slope_over_decades_is_found_with_its_error() {
        let points = [
            (1e9, measured(1.0, 0.1)),
            (1e8, measured(3.0, 0.1)),
            (1e7, measured(5.0, 0.1)),
        ];
        let slope = slope_per_decade(&points).unwrap();
        assert!((slope.value + 2.0).abs() < 1e-12);
        assert!((slope.error.unwrap() - 0.1 / 2.0_f64.sqrt()).abs() < 1e-12);
        assert!(slope_per_decade(&points[..1]).is_none());
    }
}
