//! MD beside KMC, quantity by quantity.

use metabasin_files::findings::{ComparisonRow, LoadingFindings, Measured, RateFindings};

/// Whether two measured numbers differ by less than two combined standard errors; `None` where an
/// error is missing.
pub(crate) fn agrees(a: Option<Measured>, b: Option<Measured>) -> Option<bool> {
    let (a, b) = a.zip(b)?;
    let error = a.error?.hypot(b.error?);
    Some((a.value - b.value).abs() <= 2.0 * error)
}

fn row(
    quantity: &str,
    rate_per_second: Option<f64>,
    md: Option<Measured>,
    kmc: Option<Measured>,
) -> ComparisonRow {
    ComparisonRow {
        quantity: quantity.to_owned(),
        rate_per_second,
        md: md.map(|measured| measured.value),
        md_error: md.and_then(|measured| measured.error),
        kmc: kmc.map(|measured| measured.value),
        kmc_error: kmc.and_then(|measured| measured.error),
        agrees: agrees(md, kmc),
    }
}

/// All rows: what depends on the rate, rate by rate, then the energy drop at zero load.
pub(crate) fn comparison(
    rates: &[RateFindings],
    energy_drop: (Option<Measured>, Option<Measured>),
) -> Vec<ComparisonRow> {
    type Quantity = (&'static str, fn(&LoadingFindings) -> Option<Measured>);
    let quantities: [Quantity; 4] = [
        ("shear_modulus", |found| found.shear_modulus),
        ("residual_strain", |found| found.residual_strain),
        ("recovered_strain", |found| found.recovered_strain),
        ("recovery_half_time", |found| found.recovery_half_time),
    ];
    let mut rows = Vec::new();
    for (name, quantity) in quantities {
        for rate in rates {
            let of = |found: &Option<LoadingFindings>| found.as_ref().and_then(quantity);
            let (md, kmc) = (of(&rate.md), of(&rate.kmc));
            if md.is_some() || kmc.is_some() {
                rows.push(row(name, Some(rate.rate_per_second), md, kmc));
            }
        }
    }
    let (md, kmc) = energy_drop;
    if md.is_some() || kmc.is_some() {
        rows.push(row("energy_drop", None, md, kmc));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_means_two_combined_standard_errors() {
        let at = |value: f64, error: f64| {
            Some(Measured {
                value,
                error: Some(error),
            })
        };
        assert_eq!(agrees(at(1.0, 0.3), at(1.9, 0.4)), Some(true));
        assert_eq!(agrees(at(1.0, 0.3), at(2.1, 0.4)), Some(false));
        let bare = Some(Measured {
            value: 1.0,
            error: None,
        });
        assert_eq!(agrees(bare, at(1.0, 0.1)), None);
        assert_eq!(agrees(None, at(1.0, 0.1)), None);
    }
}
