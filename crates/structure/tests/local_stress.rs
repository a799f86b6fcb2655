//! The fit of the most probable stress and the integral up to a limit, on numbers drawn from known
//! distributions.
#![cfg(test)]

use std::f64::consts::PI;

use metabasin_atoms::{Purpose, random_stream};
use metabasin_structure::{Histogram, LocalStress, MostProbable, stress_within};
use proptest::prelude::*;
use rand::{Rng, RngExt};

/// A Gaussian number of width 1 (Box & Muller).
fn gaussian(random: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random_range(0.0..1.0_f64)).ln()).sqrt();
    radius * (2.0 * PI * random.random_range(0.0..1.0)).cos()
}

#[test]
fn center_and_width_of_a_gaussian_are_found_with_their_errors() {
    let mut random = random_stream(11, Purpose::Test, 0, 0);
    let (center, width) = (0.7, 2.5);
    let draws = 200;
    let mut pulls = [0.0; 4];
    for _ in 0..draws {
        let values: Vec<f64> = (0..2000)
            .map(|_| center + width * gaussian(&mut random))
            .collect();
        let fit = MostProbable::fit(&values).unwrap();
        assert!((fit.share - 1.0).abs() < 0.06, "{fit:?}");
        assert!((fit.center_error / (1.08 * width / 2000.0_f64.sqrt()) - 1.0).abs() < 0.1);
        assert!((fit.width_error / (0.82 * width / 2000.0_f64.sqrt()) - 1.0).abs() < 0.1);
        let off = [
            (fit.center - center) / fit.center_error,
            (fit.width - width) / fit.width_error,
        ];
        for (k, pull) in off.into_iter().enumerate() {
            pulls[k] += pull / f64::from(draws);
            pulls[2 + k] += pull * pull / f64::from(draws);
        }
    }
    // Mean 0 ± 0.071, mean square 1 ± 0.1: four σ, false alarms 6e-5 each.
    assert!(pulls[0].abs() < 0.29 && pulls[1].abs() < 0.29, "{pulls:?}");
    assert!(
        (pulls[2] - 1.0).abs() < 0.4 && (pulls[3] - 1.0).abs() < 0.4,
        "{pulls:?}"
    );
}

#[test]
fn tails_do_not_widen_the_most_probable_part() {
    // One atom in ten in a tail five times as wide: the whole has 1.84 widths of the core.
    let mut random = random_stream(12, Purpose::Test, 0, 0);
    let values: Vec<f64> = (0..40_000)
        .map(|k| if k % 10 == 0 { 5.0 } else { 1.0 } * gaussian(&mut random))
        .collect();
    let found = LocalStress::new(&values, LocalStress::bin_width(&values));
    assert!((found.standard_deviation - 1.84).abs() < 0.05);
    let fit = found.most_probable.unwrap();
    // Of the weight g = exp(−z²/4.5), tail and core have 0.0287 and 0.749, of g z² 0.0593 and 0.5186:
    // ⟨z²⟩ is 0.743, not 0.692, and the width larger by a 2 · 0.692² = 0.958 of that, 5 %.
    assert!((fit.width - 1.06).abs() < 0.03, "{fit:?}");
    assert!((fit.share - 0.95).abs() < 0.02, "{fit:?}");
    assert!(fit.center.abs() < 4.0 * fit.center_error);
    assert!(fit.width_error < 0.01);
    assert_eq!(found.histogram.counts.iter().sum::<usize>(), 40_000);
    let halved = fit.over(2.0);
    assert_eq!((halved.width, halved.share), (fit.width / 2.0, fit.share));
}

#[test]
fn what_has_no_most_probable_part_is_not_fitted() {
    assert_eq!(MostProbable::fit(&[1.0; 100]), None);
    assert_eq!(MostProbable::fit(&[1.0, 2.0, 3.0]), None);
    assert_eq!(MostProbable::fit(&[]), None);
    assert_eq!(MostProbable::fit(&[f64::NAN; 100]), None);
    let empty = LocalStress::new(&[], 0.1);
    assert_eq!(
        (empty.atoms, empty.mean, empty.most_probable),
        (0, 0.0, None)
    );
    assert_eq!(empty.histogram, Histogram::new(&[], 0.1));
}

#[test]
fn the_integral_up_to_a_limit_is_that_of_the_distribution() {
    // ∫₋ₗᴸ x N(x; c, w) dx by Simpson's rule; errors of the mean of a bounded number, four σ.
    let mut random = random_stream(13, Purpose::Test, 0, 0);
    let (center, width, atoms) = (0.4, 1.3, 100_000);
    let values: Vec<f64> = (0..atoms)
        .map(|_| center + width * gaussian(&mut random))
        .collect();
    let limits: Vec<f64> = (0..=40).map(|k| 0.25 * f64::from(k)).collect();
    let found = stress_within(&values, 2 * atoms, &limits);
    let density =
        |x: f64| (-0.5 * ((x - center) / width).powi(2)).exp() / (width * (2.0 * PI).sqrt());
    for (limit, found) in limits.iter().zip(&found) {
        let step = limit / 500.0;
        let integral: f64 = (0..=1000)
            .map(|k| {
                let x = step * f64::from(k - 500);
                let simpson = [2.0, 4.0][k as usize % 2] - f64::from(u8::from(k % 1000 == 0));
                simpson / 3.0 * step * x * density(x)
            })
            .sum();
        let allowed = 4.0 * width.hypot(center) / (atoms as f64).sqrt();
        assert!(
            (2.0 * found - integral).abs() < allowed,
            "{limit}: {found} {integral}"
        );
    }
    assert!((2.0 * found[40] - center).abs() < 0.02 && found[0] == 0.0);
    // It does not rise like the mean of all: the small stresses cancel.
    assert!(2.0 * found[4] < 0.1 * center);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn groups_add_up_and_the_last_limit_holds_all(
        values in prop::collection::vec((-50.0..50.0_f64, 0..3_u8), 1..200),
        limits in prop::collection::vec(0.0..60.0_f64, 1..20),
    ) {
        let mut limits = limits;
        limits.push(60.0);
        limits.sort_by(f64::total_cmp);
        let all: Vec<f64> = values.iter().map(|v| v.0).collect();
        let whole = stress_within(&all, all.len(), &limits);
        let mut sums = vec![0.0; limits.len()];
        for group in 0..3 {
            let members: Vec<f64> = values.iter().filter(|v| v.1 == group).map(|v| v.0).collect();
            for (sum, part) in sums.iter_mut().zip(stress_within(&members, all.len(), &limits)) {
                *sum += part;
            }
        }
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        for (sum, whole) in sums.iter().zip(&whole) {
            prop_assert!((sum - whole).abs() < 1e-11);
        }
        prop_assert!((whole.last().unwrap() - mean).abs() < 1e-11);
        for (limit, found) in limits.iter().zip(&whole) {
            let direct: f64 = all.iter().filter(|x| x.abs() <= *limit).sum();
            prop_assert!((direct / all.len() as f64 - found).abs() < 1e-11);
        }
    }

    #[test]
    fn the_fit_moves_with_the_unit_and_the_origin(
        shift in -3.0..3.0_f64,
        unit in 0.1..10.0_f64,
        seed in 0..1000_u64,
    ) {
        let mut random = random_stream(seed, Purpose::Test, 0, 1);
        let values: Vec<f64> = (0..500).map(|_| gaussian(&mut random)).collect();
        let fit = MostProbable::fit(&values).unwrap();
        let moved: Vec<f64> = values.iter().rev().map(|x| unit * x + shift).collect();
        let other = MostProbable::fit(&moved).unwrap();
        prop_assert!((other.center - (unit * fit.center + shift)).abs() < 1e-7 * unit);
        prop_assert!((other.width - unit * fit.width).abs() < 1e-7 * unit);
        prop_assert!((other.width_error / (unit * fit.width_error) - 1.0).abs() < 1e-7);
    }
}
