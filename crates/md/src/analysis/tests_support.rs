//! Noise for tests of the analysis.

use metabasin_atoms::{Purpose, random_stream};
use rand_distr::{Distribution, StandardNormal};

/// Independent standard normal numbers.
pub(crate) fn white_noise(seed: u64, count: usize) -> Vec<f64> {
    let mut random = random_stream(seed, Purpose::Test, 0, 0);
    StandardNormal
        .sample_iter(&mut random)
        .take(count)
        .collect()
}

/// Normal numbers of unit variance whose correlation decays as `memory`ⁿ.
pub(crate) fn correlated_noise(seed: u64, count: usize, memory: f64) -> Vec<f64> {
    let fresh = (1.0 - memory * memory).sqrt();
    let mut value = 0.0;
    white_noise(seed, count)
        .into_iter()
        .enumerate()
        .map(|(i, noise)| {
            value = if i == 0 {
                noise
            } else {
                memory * value + fresh * noise
            };
            value
        })
        .collect()
}
