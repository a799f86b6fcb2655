//! The branches of a loading experiment: every rate, every pair, both signs.

use metabasin_atoms::units::StrainRate;
use metabasin_atoms::{Purpose, random_stream};
use metabasin_md::Sample;
use rayon::prelude::*;

use crate::PipelineError;
use crate::config::{RunConfig, ShearStage, Stage, UnloadStage};
use crate::stage::StageContext;

/// One trajectory of loading, unloading and recovery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Branch {
    pub(crate) rate: StrainRate,
    /// Which pair of signs, from 1.
    pub(crate) pair: usize,
    /// +1 or −1.
    pub(crate) sign: f64,
}

impl Branch {
    /// The name of its series and checkpoints.
    pub(crate) fn name(&self) -> String {
        let sign = if self.sign > 0.0 { "plus" } else { "minus" };
        format!(
            "rate-{:e}-pair-{}-{sign}",
            self.rate.per_second(),
            self.pair
        )
    }
}

/// All branches, slowest first: they take longest.
pub(crate) fn branches(rates: &[StrainRate], pairs: usize) -> Vec<Branch> {
    let mut rates = rates.to_vec();
    rates.sort_by(|a, b| a.per_tau().total_cmp(&b.per_tau()));
    let mut branches = Vec::new();
    for rate in rates {
        for pair in 1..=pairs {
            branches.extend([1.0, -1.0].map(|sign| Branch { rate, pair, sign }));
        }
    }
    branches
}

/// The run's stage of loading.
pub(crate) fn shear_stage(config: &RunConfig) -> Result<&ShearStage, PipelineError> {
    let found = config.stages.iter().find_map(|stage| match stage {
        Stage::Shear(shear) => Some(shear),
        _ => None,
    });
    found.ok_or_else(|| PipelineError::BadInput("the run has no stage 'shear'".to_owned()))
}

/// The run's stage of unloading, where it has one.
pub(crate) fn unload_stage(config: &RunConfig) -> Option<&UnloadStage> {
    config.stages.iter().find_map(|stage| match stage {
        Stage::Unload(unload) => Some(unload),
        _ => None,
    })
}

/// The reference state as realization `number` starts from it: the first as it is, the others
/// with velocities drawn anew, so that they part within a few τ.
pub(crate) fn realization(
    context: &StageContext,
    mut reference: Sample,
    temperature: f64,
    number: usize,
) -> Sample {
    if number > 1 {
        let (seed, index) = (context.config.seed, number as u64);
        let mut random = random_stream(seed, Purpose::InitialVelocities, context.index, index);
        reference
            .configuration
            .draw_velocities(temperature, &mut random);
    }
    reference
}

/// Does `work` for every item, side by side; results in the order of the items.
pub(crate) fn side_by_side<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, PipelineError> + Sync + Send,
) -> Result<Vec<T>, PipelineError> {
    items.par_iter().with_max_len(1).map(work).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_has_both_signs_and_a_name_of_its_own() {
        let rates = [StrainRate::PerSecond(1e9), StrainRate::PerSecond(2e8)];
        let all = branches(&rates, 2);
        assert_eq!(all.len(), 8);
        assert_eq!(all[0].name(), "rate-2e8-pair-1-plus");
        let mut names: Vec<String> = all.iter().map(Branch::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 8);
        assert_eq!(all.iter().map(|branch| branch.sign).sum::<f64>(), 0.0);
    }
}
