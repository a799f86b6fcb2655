//! Conserved quantities against the time step.

use metabasin_interactions::Precision;

use super::{ensembles, random_ensembles};
use crate::tests_support::{fastest_force_field, force_field, glass};
use crate::{Drive, Dynamics, Simulation};

/// The conserved quantity per atom after every step.
fn conserved(dynamics: Dynamics, duration: f64, precision: Precision) -> Vec<f64> {
    let steps = (duration / dynamics.time_step).round() as usize;
    let field = fastest_force_field().with_precision(precision);
    let mut simulation = Simulation::new(glass(), field, dynamics).unwrap();
    (0..steps)
        .map(|_| {
            simulation.advance(1).unwrap();
            simulation.conserved() / 500.0
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn fluctuation(values: &[f64]) -> f64 {
    let center = mean(values);
    let squares: Vec<f64> = values
        .iter()
        .map(|value| (value - center).powi(2))
        .collect();
    mean(&squares).sqrt()
}

/// How the conserved quantity strays within 0.12 τ: rms change from a moment to that much later.
///
/// (With random baths it walks: each heat exchange at an energy that is dt² off leaves such an
/// error behind. So the wandering about a mean of a whole run would be one draw of a walk; changes
/// over a short time are many.)
fn straying(dynamics: Dynamics) -> f64 {
    let lag = (0.12 / dynamics.time_step).round() as usize;
    let values = conserved(dynamics, 1.8, Precision::Double);
    let changes = values.iter().zip(&values[lag..]);
    let squares: Vec<f64> = changes.map(|(now, then)| (then - now).powi(2)).collect();
    mean(&squares).sqrt()
}

/// A missing or wrong term leaves an error that does not shrink with dt (slope 0 or 1). The band
/// allows for the next order, (ω dt)²/4 of 2 % at ω = 50/τ, and for the spread of the rms values:
/// one trajectory shares most of its noise between the two steps (3 % of each, 4 √2 3 %/ln 3 =
/// 0.15), two realizations of random baths share none (1.8 τ at a correlation time of 0.02 τ: 6 %,
/// 0.3). The volume without inertia strays as dt and is small beside the rest.
#[test]
fn the_conserved_quantity_strays_as_the_square_of_the_time_step() {
    let random = random_ensembles(0.002, 1.0);
    let deterministic = ensembles(0.002, 1.0);
    let bands = [(deterministic, 1.85..2.15), (random, 1.7..2.3)];
    let all = bands
        .into_iter()
        .flat_map(|(list, band)| list.into_iter().map(move |one| (one, band.clone())));
    for ((name, dynamics), band) in all {
        let at = |time_step| {
            straying(Dynamics {
                time_step,
                ..dynamics.clone()
            })
        };
        let (coarse, fine) = (at(0.006), at(0.002));
        let slope = (coarse / fine).ln() / 3.0_f64.ln();
        assert!(
            band.contains(&slope),
            "{name}: slope {slope}, fine {fine:.3e}"
        );
        assert!(fine < 3e-5, "{name}: {fine}");
    }
}

/// The line through the energies has a slope error of 2.9e-5 √12/(10 τ √100) ≈ 1e-6 (fluctuation
/// 2.9e-5, a correlation time of 0.1 τ); the bound is five times that. Another code's drift over
/// 280 τ at this step is 3e-7. In mixed precision rounding adds a walk of far less than that.
#[test]
fn energy_at_constant_volume_does_not_drift() {
    for precision in [Precision::Double, Precision::Mixed] {
        let values = conserved(Dynamics::constant_energy(0.002778, 0.28), 10.0, precision);
        let rms = fluctuation(&values);
        assert!((1e-5..6e-5).contains(&rms), "{precision}: {rms}");
        let center = 0.5 * (values.len() - 1) as f64;
        let (mut above, mut below) = (0.0, 0.0);
        for (i, value) in values.iter().enumerate() {
            above += (i as f64 - center) * (value - values[0]);
            below += (i as f64 - center).powi(2);
        }
        let drift_per_tau = above / below / 0.002778;
        assert!(drift_per_tau.abs() < 5e-6, "{precision}: {drift_per_tau}");
    }
}

/// Energy gained equals work done: without the work integral the balance would miss what the
/// drive put in, a hundred times the residue.
#[test]
fn shear_does_the_work_that_the_energy_gains() {
    let dynamics = Dynamics::constant_energy(0.002, 0.28).with_drive(Drive::Shear { rate: 1e-2 });
    let mut simulation = Simulation::new(glass(), force_field(), dynamics).unwrap();
    let energy = |simulation: &Simulation| {
        let frame = simulation.frame();
        500.0 * (frame.kinetic_energy_per_atom + frame.potential_energy_per_atom)
    };
    let start = energy(&simulation);
    let mut work = 0.0;
    for _ in 0..1500 {
        let power = |simulation: &Simulation| {
            let frame = simulation.frame();
            frame.volume * frame.stress.xy() * 1e-2
        };
        let before = power(&simulation);
        simulation.advance(1).unwrap();
        work += 0.5 * 0.002 * (before + power(&simulation));
    }
    let gained = energy(&simulation) - start;
    assert!(gained > 1.0, "{gained}");
    assert!((gained - work).abs() < 0.02 * gained, "{gained} {work}");
}
