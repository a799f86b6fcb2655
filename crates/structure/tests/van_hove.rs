//! The van Hove correlation of ideal diffusion, and planted exponential tails.
#![cfg(test)]

use std::f64::consts::PI;

use metabasin_atoms::{Purpose, random_stream};
use metabasin_structure::{ExponentialTail, TailRange, VanHove};
use proptest::prelude::*;
use rand::{Rng, RngExt};

/// A number between zero (not itself) and one.
fn uniform(random: &mut impl Rng) -> f64 {
    1.0 - random.random_range(0.0..1.0)
}

/// Length of a vector whose three components are Gaussian of this width (Box & Muller).
fn maxwell(random: &mut impl Rng, width: f64) -> f64 {
    let squares = -2.0 * uniform(random).ln();
    let third = (-2.0 * uniform(random).ln()).sqrt() * (2.0 * PI * uniform(random)).cos();
    width * (squares + third * third).sqrt()
}

/// A length of density r² exp(−r/λ) within a range: the sum of three exponential numbers where it lies
/// there.
fn tail_length(random: &mut impl Rng, decay: f64, range: TailRange) -> f64 {
    loop {
        let product: f64 = (0..3).map(|_| uniform(random)).product();
        let length = -decay * product.ln();
        if length > range.from && range.to.is_none_or(|to| length <= to) {
            return length;
        }
    }
}

/// Share of the lengths of Gaussian displacements below r: erf(x/√2) − √(2/π) x exp(−x²/2) with
/// x = r/width, by its series.
fn maxwell_share(r: f64, width: f64) -> f64 {
    let x = r / width;
    let (mut term, mut sum) = (x.powi(3) / 3.0, 0.0);
    for k in 0..400 {
        sum += term;
        term *= x * x / f64::from(2 * k + 5);
    }
    (2.0 / PI).sqrt() * (-0.5 * x * x).exp() * sum
}

/// χ² of the counts against ideal diffusion, and its degrees of freedom.
fn deviation(correlation: &VanHove, atoms: usize, width: f64) -> (f64, f64) {
    let (mut sum, mut bins) = (0.0, 0.0);
    for (bin, &count) in correlation.histogram.counts.iter().enumerate() {
        let (low, high) = correlation.histogram.edges(bin);
        let expected = atoms as f64 * (maxwell_share(high, width) - maxwell_share(low, width));
        if expected >= 10.0 {
            sum += (count as f64 - expected).powi(2) / expected;
            bins += 1.0;
        }
    }
    (sum, bins)
}

const WIDTH: f64 = 0.1;

fn diffusion(atoms: usize) -> Vec<f64> {
    let mut random = random_stream(7, Purpose::Test, 0, 0);
    (0..atoms).map(|_| maxwell(&mut random, WIDTH)).collect()
}

fn from(from: f64) -> TailRange {
    TailRange { from, to: None }
}

#[test]
fn ideal_diffusion_is_gaussian() {
    let atoms = 40_000;
    let lengths = diffusion(atoms);
    let range = TailRange::beyond_core(&lengths);
    let found = VanHove::new(&lengths, VanHove::bin_width(&lengths), range);
    // Four standard deviations of each: false alarms 6e-5 a line.
    let allowed = 4.0 / (atoms as f64).sqrt();
    let (squares, bins) = deviation(&found, atoms, WIDTH);
    assert!(bins > 10.0 && (squares - bins).abs() < 4.0 * (2.0 * bins).sqrt());
    let (squares, bins) = deviation(&found, atoms, 1.05 * WIDTH);
    assert!(squares > bins + 8.0 * (2.0 * bins).sqrt());
    assert!(
        (found.mean_square / (3.0 * WIDTH * WIDTH) - 1.0).abs() < allowed * (2.0_f64 / 3.0).sqrt()
    );
    // Var α₂ = 8/15 N by error propagation from the moments 3, 15, 105, 945.
    assert!(found.non_gaussian.unwrap().abs() < allowed * (8.0_f64 / 15.0).sqrt());
    // The median of 1.538 widths has the density 0.463 a width: 0.70 % of error at four σ.
    assert!((found.core_width / WIDTH - 1.0).abs() < 0.5 * allowed / (1.538 * 0.463));
    assert!((range.from / (4.0 * WIDTH) - 1.0).abs() < 0.01);
    // All of it: Σ G_s 4π/3 (high³ − low³) = 1, and G_s at zero is that of a Gaussian.
    let density = found.density();
    let total: f64 = (density.iter().enumerate())
        .map(|(bin, density)| {
            let (low, high) = found.histogram.edges(bin);
            density * 4.0 / 3.0 * PI * (high.powi(3) - low.powi(3))
        })
        .sum();
    assert!((total - 1.0).abs() < 1e-12);
    let peak = (2.0 * PI * WIDTH * WIDTH).powf(-1.5);
    let near = density[1] / (peak * (-0.5 * (1.5 * found.histogram.width / WIDTH).powi(2)).exp());
    assert!((near - 1.0).abs() < 0.15, "{near}");
    // Its tail is better described as what it is.
    let tail = ExponentialTail::fit(&lengths, from(2.0 * WIDTH)).unwrap();
    assert!((9_000..12_000).contains(&tail.atoms));
    assert!(tail.over_gaussian.unwrap() < -100.0);
}

#[test]
fn a_planted_tail_is_found_with_its_error() {
    let mut random = random_stream(8, Purpose::Test, 0, 0);
    let (decay, range) = (0.12, from(0.6));
    let mut lengths = diffusion(40_000);
    assert!(lengths.iter().all(|length| *length < 0.6));
    lengths.extend((0..20_000).map(|_| tail_length(&mut random, decay, range)));
    let found = VanHove::new(&lengths, 0.05, range).tail.unwrap();
    assert_eq!(found.atoms, 20_000);
    // False alarm 6e-5; 5 % off is seen.
    let sigmas = |decay: f64| (found.decay_length - decay).abs() / found.decay_length_error;
    assert!(
        sigmas(decay) < 4.0 && sigmas(1.05 * decay) > 5.0,
        "{found:?}"
    );
    assert!(found.over_gaussian.unwrap() > 100.0);

    // Where nothing is beyond an end, the fit says so, with as wide an error as there is. The spread
    // of 200 fits is their error: off by more than 20 % once in 16,000.
    for range in [
        from(0.3),
        TailRange {
            from: 0.3,
            to: Some(0.6),
        },
    ] {
        let fits: Vec<ExponentialTail> = (0..200)
            .map(|_| {
                let lengths: Vec<f64> = (0..1000)
                    .map(|_| tail_length(&mut random, decay, range))
                    .collect();
                ExponentialTail::fit(&lengths, range).unwrap()
            })
            .collect();
        let pulls = fits
            .iter()
            .map(|fit| (fit.decay_length - decay) / fit.decay_length_error);
        let mean = pulls.clone().sum::<f64>() / 200.0;
        let spread = pulls.map(|pull| pull * pull).sum::<f64>() / 200.0;
        assert!(mean.abs() < 4.0 / 200.0_f64.sqrt(), "{range:?}: {mean}");
        assert!((spread - 1.0).abs() < 0.4, "{range:?}: {spread}");
    }
}

#[test]
fn what_does_not_decay_or_is_too_little_has_no_tail() {
    let mut random = random_stream(9, Purpose::Test, 0, 0);
    let range = TailRange {
        from: 0.3,
        to: Some(0.6),
    };
    let even: Vec<f64> = (0..5000)
        .map(|_| 0.3 + 0.3 * uniform(&mut random).powf(0.1))
        .collect();
    assert_eq!(ExponentialTail::fit(&even, range), None);
    assert_eq!(ExponentialTail::fit(&[0.4; 9], range), None);
    assert_eq!(ExponentialTail::fit(&[], from(0.0)), None);
    // Nobody moved: one bin, no tail, no number that is none.
    let still = [0.0; 20];
    let found = VanHove::new(
        &still,
        VanHove::bin_width(&still),
        TailRange::beyond_core(&still),
    );
    assert_eq!((found.non_gaussian, found.tail), (None, None));
    assert_eq!(found.histogram.counts, [20]);
    assert!(VanHove::new(&[], 1.0, from(0.0)).density()[0] == 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn neither_the_order_nor_the_unit_of_length_matters(
        lengths in prop::collection::vec(1e-4..2.0, 30..60),
        unit in 1e-9..1e9_f64,
    ) {
        let range = from(0.3);
        let Some(found) = ExponentialTail::fit(&lengths, range) else {
            prop_assert!(lengths.iter().filter(|u| **u > 0.3).count() < 10);
            return Ok(());
        };
        let mut other: Vec<f64> = lengths.iter().rev().map(|u| u * unit).collect();
        other.rotate_left(3);
        let scaled = ExponentialTail::fit(&other, from(0.3 * unit)).unwrap();
        prop_assert_eq!(found.atoms, scaled.atoms);
        prop_assert!((scaled.decay_length / (unit * found.decay_length) - 1.0).abs() < 1e-9);
        prop_assert!((scaled.decay_length_error / (unit * found.decay_length_error) - 1.0).abs() < 1e-6);
        // The mean of the fit is that of the tail: ∫ r³ e^(−r/λ) / ∫ r² e^(−r/λ) from a on.
        let (a, l): (f64, f64) = (0.3, found.decay_length);
        let mean = (a.powi(3) + 3.0 * a * a * l + 6.0 * a * l * l + 6.0 * l.powi(3))
            / (a * a + 2.0 * a * l + 2.0 * l * l);
        let tail: Vec<f64> = lengths.iter().copied().filter(|u| *u > a).collect();
        let sample = tail.iter().sum::<f64>() / tail.len() as f64;
        prop_assert!((mean / sample - 1.0).abs() < 1e-6, "{} {}", mean, sample);
    }
}
