//! Digesting a run that is not over yet: what is finished so far, and on how many pairs it rests.

use std::path::Path;

use metabasin_files::Manifest;
use metabasin_files::findings::{Findings, RateFindings};
use serde::Serialize;

use crate::PipelineError;
use crate::finished_run::FinishedRun;
use crate::stages::branches::shear_stage;
use crate::stages::compare::findings;

/// How many pairs of trajectories stand behind the numbers at one rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairCount {
    /// Strain rate per mapped second.
    pub rate_per_second: f64,
    /// Pairs that the config asks for.
    pub planned: usize,
    /// Pairs loaded to the end.
    pub loaded: usize,
    /// Pairs whose residual strain is known.
    pub unloaded: usize,
    /// Pairs that have recovered.
    pub recovered: usize,
}

/// The pairs of every rate by MD, planned and finished; empty where the run has no loading.
pub(crate) fn pair_counts(run: &FinishedRun, rates: &[RateFindings]) -> Vec<PairCount> {
    let Ok(shear) = shear_stage(&run.config) else {
        return Vec::new();
    };
    let count = |(rate, planned): (metabasin_atoms::units::StrainRate, usize)| {
        let rate_per_second = rate.per_second();
        let same =
            |found: &&RateFindings| (found.rate_per_second / rate_per_second - 1.0).abs() < 1e-6;
        let found = rates.iter().find(same).and_then(|found| found.md.as_ref());
        PairCount {
            rate_per_second,
            planned: planned * run.config.replicas,
            loaded: found.map_or(0, |found| found.realizations),
            unloaded: found.map_or(0, |found| found.unloaded),
            recovered: found.map_or(0, |found| found.recovered),
        }
    };
    shear.pairs_by_rate().map(count).collect()
}

/// Whether anything that comes before the digest itself is still to be done.
fn is_over(manifest: &Manifest) -> bool {
    let mut stages = manifest.stages.iter();
    stages.all(|stage| stage.state.is_over() || stage.name == "compare")
}

/// A caveat that says what is missing; `None` where the run is over.
pub(crate) fn describe(run: &FinishedRun, findings: &Findings) -> Option<String> {
    if is_over(&run.manifest) {
        return None;
    }
    let mut parts =
        vec!["This run is not over: its numbers rest on what is finished so far".to_owned()];
    for pairs in pair_counts(run, &findings.rates) {
        parts.push(format!(
            "at {:.0e} /s {} of {} pairs are loaded, {} unloaded, {} recovered",
            pairs.rate_per_second, pairs.loaded, pairs.planned, pairs.unloaded, pairs.recovered
        ));
    }
    Some(parts.join("; ") + ".")
}

/// Digests a run as far as it has come into `findings.json`, unless it is over and has one; a run
/// that still goes on is not disturbed. Returns whether it is over, and the pairs of each rate.
///
/// # Errors
/// Bad input where the folder holds no run, or one without anything finished.
pub fn digest_so_far(root: &Path) -> Result<(bool, Vec<PairCount>), PipelineError> {
    let run = FinishedRun::open(root)?;
    let over = run.manifest.is_done();
    let found = if over && root.join(Findings::FILE_NAME).exists() {
        Findings::read(root)?
    } else {
        let found = findings(&run)?;
        found.write(root)?;
        found
    };
    Ok((over, pair_counts(&run, &found.rates)))
}
