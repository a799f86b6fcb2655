//! Which sites carry no excitation.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rustfft::num_complex::Complex;
use std::f64::consts::PI;

use crate::settings::ElasticSites;
use crate::transform::Transform;

/// Marks round(f·sites) sites as elastic.
pub(crate) fn draw(elastic: ElasticSites, edge: usize, generator: &mut Pcg64) -> Vec<bool> {
    let sites = edge.pow(3);
    let count = (elastic.fraction() * sites as f64).round() as usize;
    let height: Vec<f64> = match elastic {
        ElasticSites::None => return vec![false; sites],
        ElasticSites::Independent { .. } => (0..sites).map(|_| generator.random::<f64>()).collect(),
        ElasticSites::Clustered {
            correlation_length, ..
        } => gaussian_field(edge, correlation_length, generator),
    };
    let mut order: Vec<usize> = (0..sites).collect();
    order.sort_by(|&a, &b| height[b].total_cmp(&height[a]).then(a.cmp(&b)));
    let mut mask = vec![false; sites];
    for &site in &order[..count] {
        mask[site] = true;
    }
    mask
}

/// White noise smoothed so that its correlation function is exp(−r²/2ξ²), r and ξ in sites.
fn gaussian_field(edge: usize, correlation_length: f64, generator: &mut Pcg64) -> Vec<f64> {
    let sites = edge.pow(3);
    let mut cube: Vec<Complex<f64>> = (0..sites)
        .map(|_| Complex::new(StandardNormal.sample(generator), 0.0))
        .collect();
    Transform::forward(edge).apply(&mut cube);
    // The spectrum of exp(−r²/2ξ²) is exp(−k²ξ²/2): the amplitude takes half of the exponent.
    let amplitude: Vec<f64> = (0..edge)
        .map(|index| {
            let signed = if 2 * index > edge {
                index as f64 - edge as f64
            } else {
                index as f64
            };
            let k = 2.0 * PI * signed / edge as f64;
            (-(k * correlation_length).powi(2) / 4.0).exp()
        })
        .collect();
    for (index, value) in cube.iter_mut().enumerate() {
        let (x, y, z) = (index % edge, index / edge % edge, index / (edge * edge));
        *value *= amplitude[x] * amplitude[y] * amplitude[z];
    }
    Transform::inverse(edge).apply(&mut cube);
    cube.iter().map(|value| value.re).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_atoms::{Purpose, random_stream};

    /// Share of equal neighbors along x among elastic sites.
    fn neighbors(mask: &[bool], edge: usize) -> f64 {
        let pairs = (0..mask.len()).filter(|&site| {
            let right = site - site % edge + (site % edge + 1) % edge;
            mask[site] && mask[right]
        });
        pairs.count() as f64 / mask.iter().filter(|&&elastic| elastic).count() as f64
    }

    #[test]
    fn counts_are_exact_and_clusters_cluster() {
        let edge = 16;
        let mut generator = random_stream(3, Purpose::Test, 0, 0);
        let independent = ElasticSites::Independent { fraction: 0.25 };
        let clustered = ElasticSites::Clustered {
            fraction: 0.25,
            correlation_length: 2.0,
        };
        let loose = draw(independent, edge, &mut generator);
        let dense = draw(clustered, edge, &mut generator);
        for mask in [&loose, &dense] {
            assert_eq!(mask.iter().filter(|&&elastic| elastic).count(), 1024);
        }
        // Independent: a quarter, with a standard error of √(0.25·0.75/1024) = 0.014.
        let share = neighbors(&loose, edge);
        assert!((share - 0.25).abs() < 4.0 * 0.014, "{share}");
        // Correlation exp(−1/8) = 0.88 between neighbors: the bivariate normal above its upper
        // quartile gives about 0.73; one sample of some 60 correlated clusters scatters by 0.05.
        let share = neighbors(&dense, edge);
        assert!((share - 0.73).abs() < 0.15, "{share}");
    }
}
