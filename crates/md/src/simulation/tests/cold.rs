//! Solids at and near T = 0, against their inherent states.

use metabasin_atoms::{Configuration, Purpose, random_stream};
use metabasin_minimizers::{InherentStructure, TruncatedNewton};

use crate::tests_support::{force_field, glass};
use crate::{Dynamics, Simulation, TemperatureSchedule};

fn quench(configuration: &Configuration) -> InherentStructure {
    let minimizer = TruncatedNewton::default();
    InherentStructure::quench(configuration, force_field(), &minimizer, 1e-8)
        .unwrap()
        .0
}

fn largest_move(first: &Configuration, second: &Configuration) -> f64 {
    // A quench may shift the whole sample.
    let atoms = first.len() as f64;
    let moves: Vec<_> = first
        .positions
        .iter()
        .zip(&second.positions)
        .map(|(p, q)| q - p)
        .collect();
    let shift = moves.iter().sum::<nalgebra::Vector3<f64>>() / atoms;
    moves.iter().map(|m| (m - shift).norm()).fold(0.0, f64::max)
}

/// The glass cooled within 10 τ and quenched: quenched at once, this one lands beside an
/// instability, where its shear modulus is 2 instead of 18.
fn annealed() -> InherentStructure {
    let mut dynamics = Dynamics::constant_volume(0.005, 0.28);
    dynamics.temperature = TemperatureSchedule::Ramp {
        from: 0.28,
        to: 0.01,
        duration: 10.0,
    };
    let mut simulation = Simulation::new(glass(), force_field(), dynamics).unwrap();
    simulation.advance(2000).unwrap();
    quench(&simulation.configuration())
}

/// Sheared in small steps, quenched after each, and back: where no step dropped the energy below
/// the elastic curve the atoms come home. Forces below 1e-8 over the softest stiffness of about
/// 0.1 leave 1e-7.
#[test]
fn athermal_strain_without_a_drop_is_reversible() {
    let step = 2e-4;
    let start = quench(&glass());
    let mut state = start.clone();
    let mut energies = vec![start.energy()];
    for sign in [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0] {
        let next = quench(&state.configuration().sheared(sign * step));
        // dE = V σ dγ, and what the curvature adds, V G dγ²/2 = 2e-4, no drop of an event.
        let volume = start.configuration().cell.volume();
        let mean = 0.5 * (state.stress().xy() + next.stress().xy());
        let change = next.energy() - state.energy();
        assert!(
            (change - volume * mean * sign * step).abs() < 1e-5,
            "{change}"
        );
        energies.push(next.energy());
        state = next;
    }
    let spread = energies
        .iter()
        .fold(0.0_f64, |m, e| m.max((e - energies[0]).abs()));
    assert!(spread > 1e-3, "{energies:?}");
    let distance = largest_move(start.configuration(), state.configuration());
    assert!(distance < 1e-6, "{distance}");
}

/// Near T = 0 the stress of molecular dynamics against strain has the slope of inherent states, in
/// shear and under a stretch along x.
///
/// The states of both signs move with the same velocities, so the thermal noise (√(k_BT C/V) =
/// 5e-3) cancels in their difference but for a share of the order of the strain; the modulus
/// itself changes with T as T ∂ln C/∂T, of order 10 T = 2e-3.
#[test]
fn elastic_constants_of_cold_dynamics_are_those_of_inherent_states() {
    let step = 3e-4;
    let start = annealed();
    let temperature = 2e-4;
    let stretched = |strain: f64| {
        let mut configuration = start.configuration().clone();
        let [lx, ly, lz, xy, xz, yz] = configuration.cell.components();
        let components = [lx * (1.0 + strain), ly, lz, xy, xz, yz];
        configuration.cell = metabasin_atoms::Cell::new(components).unwrap();
        for position in &mut configuration.positions {
            position.x *= 1.0 + strain;
        }
        configuration
    };
    let sheared = |strain: f64| start.configuration().sheared(strain);
    let deformations: [&dyn Fn(f64) -> Configuration; 2] = [&sheared, &stretched];
    for (deformed, component) in deformations.into_iter().zip([3, 0]) {
        let stress = |strain: f64| {
            let inherent = quench(&deformed(strain));
            let mut configuration = inherent.configuration().clone();
            let mut random = random_stream(1, Purpose::Test, 0, 0);
            configuration.draw_velocities(temperature, &mut random);
            let dynamics = Dynamics::constant_energy(0.005, temperature);
            let mut simulation = Simulation::new(configuration, force_field(), dynamics).unwrap();
            simulation.advance(400).unwrap();
            simulation.begin_interval();
            simulation.advance(800).unwrap();
            let mean = simulation.frame().mean.stress;
            [inherent.stress().0[component], mean.0[component]]
        };
        let (plus, minus) = (stress(step), stress(-step));
        let [cold, moving] = [0, 1].map(|k| (plus[k] - minus[k]) / (2.0 * step));
        assert!(cold > 10.0, "{cold}");
        assert!(
            (moving - cold).abs() < 0.01 * cold,
            "{component}: {moving} {cold}"
        );
    }
}
