//! Exact energies and detailed balance.

use std::sync::Arc;

use metabasin_atoms::{Cell, Purpose, random_stream};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel, site_pairs};
use nalgebra::Vector3;

use super::*;
use crate::tests_support::glass;

fn gas_of(cut: Cut, cell: &Cell, positions: &[Vector3<f64>], species: &[Species]) -> LatticeGas {
    let potential = BinaryLennardJones::wahnstrom(cut);
    LatticeGas::new(species, &site_pairs(&potential, cell, positions).unwrap())
}

fn energy_of(cut: Cut, cell: &Cell, positions: &[Vector3<f64>], species: &[Species]) -> f64 {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(cut));
    let mut forces = vec![Vector3::zeros(); positions.len()];
    ForceField::new(potential, Kernel::Portable)
        .evaluate(cell, positions, species, &mut forces)
        .energy
}

/// Six sites in a triclinic cell far smaller than the cutoff.
fn few_sites() -> (Cell, Vec<Vector3<f64>>, Vec<Species>) {
    let cell = Cell::new([2.0, 1.9, 2.2, 0.5, -0.3, 0.4]).unwrap();
    let fractions = [
        [0.02, 0.05, 0.01],
        [0.52, 0.48, 0.09],
        [0.49, 0.03, 0.52],
        [0.03, 0.55, 0.47],
        [0.27, 0.24, 0.74],
        [3.76, -2.23, 0.26],
    ];
    let positions = fractions
        .map(|fraction| cell.to_cartesian(&Vector3::from(fraction)))
        .to_vec();
    (cell, positions, [0, 1, 0, 1, 0, 1].map(Species).to_vec())
}

/// Every swap that is made changes the energy by what was computed from local sums, in every cut
/// and in cells in which neighbors are seen through several images.
#[test]
fn energy_changes_are_those_of_a_full_evaluation() {
    let tiny = few_sites();
    let sheared = glass().sheared(0.31);
    let samples = [tiny, (sheared.cell, sheared.positions, sheared.species)];
    let cuts = [
        (Cut::Smooth, Cut::Smooth),
        (Cut::Shifted, Cut::Shifted),
        (Cut::Truncated, Cut::Shifted),
    ];
    for (cell, positions, species) in &samples {
        for (cut, sampled) in cuts {
            let mut gas = gas_of(cut, cell, positions, species);
            let mut random = random_stream(3, Purpose::Test, 0, 0);
            let mut before = energy_of(sampled, cell, positions, &gas.species);
            for _ in 0..60 {
                let places = [0, 1].map(|kind| random.random_range(0..gas.sites[kind].len()));
                let [large, small] = [0, 1].map(|kind| gas.sites[kind][places[kind]]);
                let change = gas.energy_change(large, small);
                gas.exchange(places);
                let after = energy_of(sampled, cell, positions, &gas.species);
                // Sums of energies up to 1e4 at random labels, rounded 100 times.
                let tolerance = 1e-10_f64.max(1e-13 * after.abs());
                assert!(
                    (after - before - change).abs() < tolerance,
                    "{cut}: {} {change}",
                    after - before
                );
                before = after;
            }
        }
    }
}

/// Six sites, three of each species: twenty states, visited as often as Boltzmann says.
///
/// Samples are 60 attempts apart; at a temperature of 0.6 times the spread of their energies more
/// than a tenth is accepted, so the next sample has
/// forgotten the last one and chi-square with its 19 degrees of freedom applies: by chance it exceeds 56
/// in 2e-5 of all cases. The seed is fixed.
#[test]
fn states_are_visited_as_often_as_boltzmann_says() {
    let (cell, positions, species) = few_sites();
    let mut gas = gas_of(Cut::Smooth, &cell, &positions, &species);
    let state = |species: &[Species]| -> usize {
        (0..6)
            .map(|site| usize::from(species[site].0) << site)
            .sum()
    };
    let states: Vec<usize> = (0..64).filter(|s: &usize| s.count_ones() == 3).collect();
    let energies: Vec<f64> = states
        .iter()
        .map(|s| {
            let labels: Vec<Species> = (0..6).map(|site| Species((s >> site & 1) as u8)).collect();
            energy_of(Cut::Smooth, &cell, &positions, &labels)
        })
        .collect();
    let mean = energies.iter().sum::<f64>() / 20.0;
    let spread = energies
        .iter()
        .map(|energy| (energy - mean).powi(2))
        .sum::<f64>();
    let temperature = 0.6 * (spread / 20.0).sqrt();
    let mut random = random_stream(17, Purpose::Test, 1, 0);
    let draws = 100_000;
    let mut counts = [0_u32; 64];
    let mut accepted = 0;
    for _ in 0..draws {
        accepted += gas.attempt(60, temperature, &mut random).accepted;
        counts[state(&gas.species)] += 1;
    }
    let chi_square = |temperature: f64| -> f64 {
        let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
        let weights: Vec<f64> = energies
            .iter()
            .map(|energy| (-(energy - lowest) / temperature).exp())
            .collect();
        let total: f64 = weights.iter().sum();
        states
            .iter()
            .zip(&weights)
            .map(|(&state, weight)| {
                let expected = f64::from(draws) * weight / total;
                assert!(expected > 5.0, "{expected}");
                (f64::from(counts[state]) - expected).powi(2) / expected
            })
            .sum()
    };
    let acceptance = accepted as f64 / (60.0 * f64::from(draws));
    assert!((0.1..0.9).contains(&acceptance), "{acceptance}");
    assert!(chi_square(temperature) < 56.0);
    // A temperature wrong by 5 % would be seen.
    assert!(chi_square(1.05 * temperature) > 56.0);
    assert_eq!(gas.sites[0].len(), 3);
}
