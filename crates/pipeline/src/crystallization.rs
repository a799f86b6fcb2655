//! The watch for crystallization: what any stage of a run saw of the crystal of this mixture.
//!
//! A sample that freezes into the Laves phase has a lower energy and more icosahedra than any
//! glass, so these numbers alone would praise it. Every inherent state of a run is therefore
//! looked at, and what is found is said on stderr at once, in `run.json`, and above everything
//! else in the report.

use std::fs;
use std::path::Path;

use metabasin_files::{Manifest, StageEntry, read_json, read_series};
use metabasin_structure::LavesOrder;
use serde_json::Value;

use crate::PipelineError;
use crate::inherent_states::{INHERENT, LAVES_CLUSTER, LAVES_FRACTION};

/// From this share of the large atoms on a sample is called a crystal.
const CRYSTAL: f64 = 0.3;

/// Order of the Laves phase in a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Order {
    /// Share of the large atoms in its environment.
    pub(crate) fraction_of_large: f64,
    /// How many of them are joined, at most.
    pub(crate) largest_cluster: f64,
}

impl Order {
    pub(crate) fn of(laves: &LavesOrder) -> Self {
        Self {
            fraction_of_large: laves.fraction_of_large().unwrap_or(f64::NAN),
            largest_cluster: laves.largest_cluster() as f64,
        }
    }

    /// What to tell the user of `place`, where so many are joined as in no glass.
    pub(crate) fn warning(self, place: &str) -> Option<String> {
        let verdict = if self.fraction_of_large >= CRYSTAL {
            "this is a crystal, not a glass"
        } else if self.largest_cluster >= LavesOrder::SUSPICIOUS_CLUSTER as f64 {
            "a crystal may be growing in it"
        } else {
            return None;
        };
        Some(format!(
            "crystallization, {place}: {:.1} % of the large atoms have the environment <0,0,12,4> \
             of the Laves phase MgZn2, {} of them in one cluster (in fast-cooled glasses 0.6 to \
             1.6 %, at most 3 joined): {verdict}, and its energy and icosahedral share owe to that",
            100.0 * self.fraction_of_large,
            self.largest_cluster
        ))
    }
}

/// The most ordered inherent state of a series.
fn most_ordered(path: &Path) -> Result<Option<(u64, Order)>, PipelineError> {
    let series = read_series(path)?;
    let Some((clusters, fractions)) = series
        .column(LAVES_CLUSTER)
        .zip(series.column(LAVES_FRACTION))
    else {
        return Ok(None);
    };
    let most = (0..clusters.len()).max_by(|i, j| clusters[*i].total_cmp(&clusters[*j]));
    Ok(most.map(|row| {
        let order = Order {
            fraction_of_large: fractions[row],
            largest_cluster: clusters[row],
        };
        (series.steps[row], order)
    }))
}

/// Warnings of the stages of a run, in their order, one a stage; of its replicas, where it consists
/// of these.
///
/// # Errors
/// Series or results that cannot be read.
pub(crate) fn seen_by(root: &Path, stages: &[StageEntry]) -> Result<Vec<String>, PipelineError> {
    let mut warnings = Vec::new();
    for stage in stages {
        let folder = root.join(&stage.folder);
        if folder.join(Manifest::FILE_NAME).exists() {
            let stages = Manifest::read(&folder)?.stages;
            let of_replica = seen_by(&folder, &stages)?;
            warnings.extend(
                of_replica
                    .iter()
                    .map(|said| format!("{}: {said}", stage.name)),
            );
            continue;
        }
        let mut worst: Option<(String, u64, Order)> = None;
        let mut paths: Vec<_> = fs::read_dir(folder.join("series"))
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        paths.sort();
        for path in paths {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            if !name.ends_with(INHERENT) {
                continue;
            }
            if let Some((step, order)) = most_ordered(&path)?
                && worst
                    .as_ref()
                    .is_none_or(|(_, _, w)| order.largest_cluster > w.largest_cluster)
            {
                worst = Some((name.into_owned(), step, order));
            }
        }
        let of_series = worst.and_then(|(name, step, order)| {
            order.warning(&format!("stage {} ({name}, step {step})", stage.name))
        });
        let results = folder.join("results.json");
        let of_results = if results.exists() {
            // Some stages have a list of results, which has no such field.
            let results: Value = read_json(&results)?;
            results["crystallization"].as_str().map(str::to_owned)
        } else {
            None
        };
        warnings.extend(of_series.or(of_results));
    }
    Ok(warnings)
}
