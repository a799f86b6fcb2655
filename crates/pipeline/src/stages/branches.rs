//! The branches of a loading experiment: every rate, every pair, both signs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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

/// All branches, fastest rate first and both signs of a pair side by side, so that a run that is
/// stopped leaves whole pairs.
pub(crate) fn branches(shear: &ShearStage) -> Vec<Branch> {
    let mut rates: Vec<(StrainRate, usize)> = shear.pairs_by_rate().collect();
    rates.sort_by(|a, b| b.0.per_tau().total_cmp(&a.0.per_tau()));
    let mut branches = Vec::new();
    for (rate, pairs) in rates {
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
///
/// Items are taken up strictly in their order, one a thread, so that the first are done first;
/// after a failure or a stop none is begun.
pub(crate) fn side_by_side<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, PipelineError> + Sync + Send,
) -> Result<Vec<T>, PipelineError> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let take_up = |_| {
        let mut done = Vec::new();
        while !failed.load(Ordering::SeqCst) {
            let k = next.fetch_add(1, Ordering::SeqCst);
            let Some(item) = items.get(k) else { break };
            let result = work(item);
            failed.fetch_or(result.is_err(), Ordering::SeqCst);
            done.push((k, result));
        }
        done
    };
    let workers = rayon::current_num_threads().min(items.len());
    let mut results: Vec<(usize, Result<T, PipelineError>)> = (0..workers)
        .into_par_iter()
        .with_max_len(1)
        .flat_map_iter(take_up)
        .collect();
    results.sort_by_key(|(k, _)| *k);
    // A failure says more than the stops that it made the others end with.
    let worst = results
        .iter()
        .position(|(_, result)| matches!(result, Err(error) if !error.is_interruption()));
    if let Some(worst) = worst {
        results.swap(0, worst);
    }
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Pairs;

    fn stage(pairs: Pairs) -> ShearStage {
        ShearStage {
            rates: vec![StrainRate::PerSecond(2e8), StrainRate::PerSecond(1e9)],
            strain: 0.02,
            pairs,
            quenches: 2,
        }
    }

    #[test]
    fn every_rate_has_both_signs_and_a_name_of_its_own() {
        let all = branches(&stage(Pairs::Each(2)));
        assert_eq!(all.len(), 8);
        assert_eq!(all[0].name(), "rate-1e9-pair-1-plus");
        assert_eq!(all[1].name(), "rate-1e9-pair-1-minus");
        let mut names: Vec<String> = all.iter().map(Branch::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 8);
        assert_eq!(all.iter().map(|branch| branch.sign).sum::<f64>(), 0.0);
    }

    #[test]
    fn a_rate_may_have_more_pairs_than_another() {
        let all = branches(&stage(Pairs::ByRate(vec![1, 3])));
        let of = |rate: f64| all.iter().filter(|b| b.rate.per_second() == rate).count();
        assert_eq!((of(2e8), of(1e9)), (2, 6));
    }

    #[test]
    fn items_are_taken_up_in_order_and_none_after_a_failure() {
        let items: Vec<usize> = (0..40).collect();
        let doubled = side_by_side(&items, |k| Ok(2 * k)).unwrap();
        assert_eq!(doubled, items.iter().map(|k| 2 * k).collect::<Vec<_>>());
        let begun = std::sync::Mutex::new(Vec::new());
        let stopped = |k: &usize| {
            begun.lock().unwrap().push(*k);
            if *k == 5 {
                Err(PipelineError::Failed("five".to_owned()))
            } else {
                Ok(())
            }
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let error = pool.unwrap().install(|| side_by_side(&items, stopped));
        assert_eq!(error.unwrap_err().to_string(), "five");
        assert_eq!(*begun.lock().unwrap(), (0..=5).collect::<Vec<_>>());
    }
}
