//! The numbers of several runs of one config with seeds of their own: means over samples.

use std::path::PathBuf;

use metabasin_files::findings::{Findings, LoadingFindings, Measured, RateFindings};
use serde::Serialize;

use crate::PipelineError;
use crate::digest::confidence::students_t;

/// A number over several samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AcrossRow {
    /// `shear_modulus`, `residual_strain`, `recovered_strain`.
    pub quantity: String,
    /// `MD` or `KMC`.
    pub method: String,
    /// Strain rate per mapped second.
    pub rate_per_second: f64,
    /// The samples that have this number.
    pub samples: usize,
    /// Their mean.
    pub mean: f64,
    /// Its standard error, the spread over samples; `None` for one.
    pub standard_error: Option<f64>,
    /// 95 % interval of the mean by Student's t.
    pub interval: Option<[f64; 2]>,
    /// The samples' own values, in the order of the runs.
    pub values: Vec<f64>,
}

/// What several runs say together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AcrossRuns {
    /// How many runs.
    pub runs: usize,
    /// Quantity by quantity, method by method, rate by rate from the fastest.
    pub rows: Vec<AcrossRow>,
}

/// Mean, standard error and interval of independent values.
fn across(values: &[f64]) -> (f64, Option<f64>, Option<[f64; 2]>) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, None, None);
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let margin = students_t(values.len() - 1) * error;
    (mean, Some(error), Some([mean - margin, mean + margin]))
}

type Of = fn(&LoadingFindings) -> Option<Measured>;
type Side = fn(&RateFindings) -> Option<&LoadingFindings>;

/// Gathers the loading numbers of finished runs, one sample each: of what their `findings.json` say.
///
/// # Errors
/// Bad input where a folder has no findings, or where the runs are fewer than two.
pub fn across_runs(folders: &[PathBuf]) -> Result<AcrossRuns, PipelineError> {
    if folders.len() < 2 {
        return Err(PipelineError::BadInput(format!(
            "a spread over samples needs two runs or more, got {}",
            folders.len()
        )));
    }
    let found: Vec<Findings> = folders
        .iter()
        .map(|folder| Ok(Findings::read(folder)?))
        .collect::<Result<_, PipelineError>>()?;
    let mut rates: Vec<f64> = found
        .iter()
        .flat_map(|one| one.rates.iter().map(|rate| rate.rate_per_second))
        .collect();
    rates.sort_by(|a, b| b.total_cmp(a));
    rates.dedup_by(|a, b| (*a / *b - 1.0).abs() < 1e-6);
    let quantities: [(&str, Of); 3] = [
        ("shear_modulus", |found| found.shear_modulus),
        ("residual_strain", |found| found.residual_strain),
        ("recovered_strain", |found| found.recovered_strain),
    ];
    let sides: [(&str, Side); 2] = [
        ("MD", |rate| rate.md.as_ref()),
        ("KMC", |rate| rate.kmc.as_ref()),
    ];
    let mut rows = Vec::new();
    for (quantity, of) in quantities {
        for (method, side) in sides {
            for &rate in &rates {
                let same = |one: &&RateFindings| (one.rate_per_second / rate - 1.0).abs() < 1e-6;
                let value = |one: &Findings| Some(of(side(one.rates.iter().find(same)?)?)?.value);
                let values: Vec<f64> = found.iter().filter_map(value).collect();
                if values.is_empty() {
                    continue;
                }
                let (mean, standard_error, interval) = across(&values);
                rows.push(AcrossRow {
                    quantity: quantity.to_owned(),
                    method: method.to_owned(),
                    rate_per_second: rate,
                    samples: values.len(),
                    mean,
                    standard_error,
                    interval,
                    values,
                });
            }
        }
    }
    Ok(AcrossRuns {
        runs: folders.len(),
        rows,
    })
}

impl AcrossRuns {
    /// One line a number, for spreadsheets.
    pub fn to_csv(&self) -> String {
        let mut lines = vec![
            "quantity,method,rate_per_second,samples,runs,mean,standard_error,interval_low,\
             interval_high"
                .to_owned(),
        ];
        for row in &self.rows {
            let number = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:e}"));
            lines.push(format!(
                "{},{},{:e},{},{},{:e},{},{},{}",
                row.quantity,
                row.method,
                row.rate_per_second,
                row.samples,
                self.runs,
                row.mean,
                number(row.standard_error),
                number(row.interval.map(|interval| interval[0])),
                number(row.interval.map(|interval| interval[1]))
            ));
        }
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_over_samples_have_students_interval() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, variance 32/7, t = 2.365 at 7 degrees of freedom.
        let (mean, error, interval) = across(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(mean, 5.0);
        let expected = (32.0_f64 / 56.0).sqrt();
        assert!((error.unwrap() - expected).abs() < 1e-12);
        let [low, high] = interval.unwrap();
        assert!((high - 5.0 - 2.3646 * expected).abs() < 1e-4);
        assert!((low + high - 10.0).abs() < 1e-12);
        assert_eq!(across(&[3.0]), (3.0, None, None));
    }

    #[test]
    fn runs_are_gathered_rate_by_rate_and_gaps_are_counted() {
        let folders: Vec<tempfile::TempDir> =
            (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
        for (k, folder) in folders.iter().enumerate() {
            let of = |value: f64| LoadingFindings {
                // An error from within one sample does not enter.
                residual_strain: Some(Measured::within(value, 1e-9)),
                ..LoadingFindings::default()
            };
            let rate = |rate_per_second: f64, value: f64| RateFindings {
                rate_per_second,
                md: None,
                kmc: (k < 2 || rate_per_second > 1e8).then(|| of(value)),
            };
            let findings = Findings {
                rates: vec![rate(1e7, 0.1), rate(1e9, k as f64)],
                ..Findings::default()
            };
            findings.write(folder.path()).unwrap();
        }
        let paths: Vec<PathBuf> = folders.iter().map(|one| one.path().to_owned()).collect();
        let found = across_runs(&paths).unwrap();
        let places: Vec<(f64, usize)> = found
            .rows
            .iter()
            .map(|row| (row.rate_per_second, row.samples))
            .collect();
        assert_eq!(places, [(1e9, 3), (1e7, 2)]);
        assert_eq!(found.rows[0].mean, 1.0);
        assert!((found.rows[0].standard_error.unwrap() - 3.0_f64.sqrt().recip()).abs() < 1e-12);
        let csv = found.to_csv();
        assert_eq!(csv.lines().count(), 3);
        assert!(csv.contains("residual_strain,KMC,1e9,3,3,1e0,"), "{csv}");
        assert!(across_runs(&paths[..1]).is_err());
    }
}
