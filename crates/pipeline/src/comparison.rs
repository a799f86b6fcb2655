//! MD and KMC side by side, from two run directories or one: the verb `compare`.

use std::path::Path;

use metabasin_files::findings::{ComparisonRow, RateFindings};
use serde::Serialize;

use crate::PipelineError;
use crate::digest::{confidence, kmc, md, replicas, rows};
use crate::finished_run::FinishedRun;
use crate::stages::compare::rates;

/// What `compare` reports.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Quantity by quantity, rate by rate.
    pub rows: Vec<ComparisonRow>,
    /// Two-sided level of the intervals behind `agrees`.
    pub level: f64,
    /// Of fewer independent values an error is not known well enough for `agrees`.
    pub fewest_independent: usize,
}

/// Compares the MD stages of one run with the KMC stage of another (or of the same): folders of
/// pipelines or of stages within them.
///
/// # Errors
/// Bad input where a folder holds no run, or not what is asked of it.
pub fn compare_runs(
    md_run: &Path,
    kmc_run: &Path,
) -> Result<(Vec<RateFindings>, Comparison), PipelineError> {
    let of_md = replicas::runs(&FinishedRun::open(md_run)?)?;
    let of_kmc = replicas::runs(&FinishedRun::open(kmc_run)?)?;
    let (md_rates, kmc_rates) = (
        replicas::loading(&of_md, md::loading)?,
        replicas::loading(&of_kmc, kmc::loading)?,
    );
    if md_rates.is_empty() {
        return Err(PipelineError::in_file(
            md_run,
            "holds no finished loading by MD",
        ));
    }
    if kmc_rates.is_empty() {
        return Err(PipelineError::in_file(kmc_run, "holds no finished KMC"));
    }
    let rates = rates(md_rates, kmc_rates);
    let drops = (
        replicas::zero_load(&of_md, md::zero_load)?.1,
        replicas::zero_load(&of_kmc, kmc::zero_load)?.1,
    );
    let rows = rows::comparison(&rates, drops);
    let comparison = Comparison {
        rows,
        level: confidence::LEVEL,
        fewest_independent: confidence::FEWEST,
    };
    Ok((rates, comparison))
}
