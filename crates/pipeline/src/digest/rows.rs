//! MD beside KMC, quantity by quantity.

use metabasin_files::findings::{ComparisonRow, LoadingFindings, Measured, RateFindings};

use super::confidence::agrees;

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
        md_independent: md.map_or(0, |measured| measured.independent),
        kmc: kmc.map(|measured| measured.value),
        kmc_error: kmc.and_then(|measured| measured.error),
        kmc_independent: kmc.map_or(0, |measured| measured.independent),
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
