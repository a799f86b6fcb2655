//! Loading, unloading and recovery, branch by branch: each goes through all of them before the next
//! is begun, so that a run that is stopped leaves whole pairs with all their numbers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use metabasin_md::Sample;

use crate::PipelineError;
use crate::config::Stage;
use crate::stage::{StageContext, has_results, read_results};
use crate::stages::branches::{Branch, branches, shear_stage, side_by_side};
use crate::stages::equilibrate::{ReferenceResults, reference};
use crate::stages::unload::UnloadResult;
use crate::stages::{recover, shear, unload};

/// The stages of a loading experiment, in their order.
const ORDER: [&str; 3] = ["shear", "unload", "recover"];

/// How many stages from the first of `stages` on are gone through branch by branch; 0 where it is
/// no loading.
pub(crate) fn together(stages: &[Stage]) -> usize {
    let name = |stage: &Stage| stage.name();
    let Some(begin) = ORDER
        .iter()
        .position(|stage| Some(*stage) == stages.first().map(name))
    else {
        return 0;
    };
    stages
        .iter()
        .zip(&ORDER[begin..])
        .take_while(|(stage, expected)| stage.name() == **expected)
        .count()
}

/// A stage at work, with the nanoseconds that its trajectories took.
pub(crate) struct Part<'a> {
    pub(crate) context: StageContext<'a>,
    pub(crate) stage: &'a Stage,
    pub(crate) spent: &'a AtomicU64,
}

impl Part<'_> {
    fn steps(&self, temperature: f64, branch: &Branch) -> Result<u64, PipelineError> {
        match self.stage {
            Stage::Shear(stage) => Ok(shear::steps(&self.context, stage, temperature, branch)),
            Stage::Unload(stage) => unload::steps(&self.context, stage, temperature),
            Stage::Recover(_) => recover::steps(&self.context, temperature, branch),
            _ => Ok(0),
        }
    }

    fn go(
        &self,
        reference: &(ReferenceResults, Sample),
        branch: &Branch,
        unloaded: &Unloaded,
    ) -> Result<(), PipelineError> {
        let temperature = reference.0.temperature;
        match self.stage {
            Stage::Shear(stage) => shear::shear(&self.context, stage, reference, branch),
            Stage::Unload(stage) => {
                let result = unload::unload(&self.context, stage, temperature, branch)?;
                unloaded.add(&self.context, branch, result)
            }
            Stage::Recover(stage) => recover::recover(&self.context, stage, temperature, branch),
            _ => Ok(()),
        }
    }
}

/// The residual strains found so far, on disk after each, in the order of the branches.
struct Unloaded {
    order: BTreeMap<String, usize>,
    found: Mutex<BTreeMap<usize, UnloadResult>>,
}

impl Unloaded {
    fn new(parts: &[Part], all: &[Branch]) -> Result<Self, PipelineError> {
        let mut found = BTreeMap::new();
        for part in parts {
            let folder = part.context.folder;
            if matches!(part.stage, Stage::Unload(_)) && has_results(folder) {
                let earlier: Vec<UnloadResult> = read_results(folder)?;
                for result in earlier {
                    let same = |branch: &Branch| {
                        branch.rate.per_second() == result.rate_per_second
                            && branch.pair == result.pair
                            && branch.sign == result.sign
                    };
                    if let Some(k) = all.iter().position(same) {
                        found.insert(k, result);
                    }
                }
            }
        }
        let order = all.iter().enumerate().map(|(k, branch)| (branch.name(), k));
        Ok(Self {
            order: order.collect(),
            found: Mutex::new(found),
        })
    }

    fn add(
        &self,
        context: &StageContext,
        branch: &Branch,
        result: UnloadResult,
    ) -> Result<(), PipelineError> {
        let mut found = self
            .found
            .lock()
            .map_err(|_| PipelineError::Failed("unload: another trajectory panicked".to_owned()))?;
        if let Some(k) = self.order.get(&branch.name()) {
            found.insert(*k, result);
        }
        context.write_results(&found.values().cloned().collect::<Vec<_>>())
    }
}

/// Takes every branch through all parts.
pub(crate) fn loading(parts: &[Part]) -> Result<(), PipelineError> {
    let Some(first) = parts.first() else {
        return Ok(());
    };
    let reference = reference(&first.context)?;
    let all = branches(shear_stage(first.context.config)?);
    let mut total = 0;
    for branch in &all {
        for part in parts {
            total += part.steps(reference.0.temperature, branch)?;
        }
    }
    let names: Vec<&str> = parts.iter().map(|part| part.stage.name()).collect();
    first
        .context
        .begin(&names.join(", "), total, reference.0.atoms);
    let unloaded = Unloaded::new(parts, &all)?;
    side_by_side(&all, |branch| {
        for part in parts {
            let start = Instant::now();
            let result = part.go(&reference, branch, &unloaded);
            let spent = start.elapsed().as_nanos() as u64;
            part.spent.fetch_add(spent, Ordering::Relaxed);
            result?;
        }
        Ok(())
    })?;
    first.context.progress.end();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RecoverStage, RelaxStage, UnloadStage};
    use metabasin_atoms::units::StrainRate;

    #[test]
    fn stages_that_follow_each_other_are_gone_through_together() {
        let unload = Stage::Unload(UnloadStage {
            unload_rate: StrainRate::PerSecond(1e9),
        });
        let recover = Stage::Recover(RecoverStage { quenches: 2 });
        let relax = Stage::Relax(RelaxStage {
            copies: 1,
            duration: None,
            quenches: 2,
        });
        assert_eq!(
            together(&[unload.clone(), recover.clone(), relax.clone()]),
            2
        );
        assert_eq!(together(&[unload, relax.clone(), recover.clone()]), 1);
        assert_eq!(together(&[recover]), 1);
        assert_eq!(together(&[relax]), 0);
        assert_eq!(together(&[]), 0);
    }
}
