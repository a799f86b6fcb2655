//! A few samples along the way, one of which will turn out to be the one that is wanted.

use serde::{Deserialize, Serialize};

use super::Sample;

/// Samples kept at most.
const CAPACITY: usize = 24;

/// Samples labeled by a number (strain, temperature), thinned as they grow many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Keeper {
    kept: Vec<(f64, Sample)>,
    every: u64,
    offered: u64,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Self {
            kept: Vec::new(),
            every: 1,
            offered: 0,
        }
    }

    /// Keeps the sample, unless it falls between the strides. Where the keeper is full, the
    /// sample furthest from `wanted` goes if that is known, every second one if not.
    pub(super) fn offer(
        &mut self,
        label: f64,
        wanted: Option<f64>,
        sample: impl FnOnce() -> Sample,
    ) {
        self.offered += 1;
        if wanted.is_none() && !self.offered.is_multiple_of(self.every) {
            return;
        }
        self.kept.push((label, sample()));
        if self.kept.len() <= CAPACITY {
            return;
        }
        if let Some(wanted) = wanted {
            let distance = |label: f64| (label - wanted).abs();
            let furthest = (0..self.kept.len())
                .max_by(|i, j| distance(self.kept[*i].0).total_cmp(&distance(self.kept[*j].0)));
            if let Some(furthest) = furthest {
                self.kept.remove(furthest);
            }
        } else {
            let mut index = 0;
            self.kept.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.every *= 2;
        }
    }

    /// Keeps the sample only if it is nearer to `wanted` than all before.
    pub(super) fn offer_nearest(
        &mut self,
        label: f64,
        wanted: f64,
        sample: impl FnOnce() -> Sample,
    ) {
        let best = self
            .nearest(wanted)
            .map_or(f64::INFINITY, |(kept, _)| (kept - wanted).abs());
        if (label - wanted).abs() < best {
            self.kept = vec![(label, sample())];
        }
    }

    /// The kept sample whose label is nearest to `wanted`.
    pub(super) fn nearest(&self, wanted: f64) -> Option<(f64, &Sample)> {
        self.kept
            .iter()
            .min_by(|p, q| (p.0 - wanted).abs().total_cmp(&(q.0 - wanted).abs()))
            .map(|(label, sample)| (*label, sample))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::initial_liquid;

    #[test]
    fn the_kept_samples_cover_the_way_evenly_then_gather_at_the_goal() {
        let sample = Sample::unstrained(initial_liquid(2, 0.01, 1.0, 1, 0).unwrap());
        let mut keeper = Keeper::new();
        for i in 0..1000 {
            keeper.offer(f64::from(i), None, || sample.clone());
            assert!(keeper.kept.len() <= CAPACITY);
        }
        for wanted in [100.0, 512.0, 900.0] {
            let (label, _) = keeper.nearest(wanted).unwrap();
            assert!((label - wanted).abs() <= 0.5 * keeper.every as f64);
        }
        for i in 1000..1100 {
            keeper.offer(f64::from(i), Some(1050.0), || sample.clone());
        }
        assert_eq!(keeper.nearest(1047.3).unwrap().0, 1047.0);
        let mut single = Keeper::new();
        for i in 0..50 {
            single.offer_nearest(f64::from(i), 31.2, || sample.clone());
        }
        assert_eq!((single.kept.len(), single.kept[0].0), (1, 31.0));
    }
}
