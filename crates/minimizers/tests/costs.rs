//! What minimizations of a small glass cost.
#![cfg(test)]

use std::sync::Arc;

use metabasin_atoms::{Purpose, random_stream};
use metabasin_interactions::{BinaryLennardJones, Cut, FixedCell, ForceField, Kernel};
use metabasin_minimizers::{InherentStructure, Lbfgs, MinimizerKind};
use metabasin_testkit::small_glass;
use nalgebra::Vector3;
use rand_distr::{Distribution, StandardNormal};

/// The inherent structure with the atoms within 1.5 of atom 100 shaken by 0.1 a component: what a
/// search leaves behind.
fn locally_disturbed() -> (FixedCell, Vec<f64>) {
    let force_field = ForceField::new(
        Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth)),
        Kernel::detect(),
    );
    let (quenched, _) =
        InherentStructure::quench(&small_glass(), force_field, &Lbfgs::default(), 1e-5).unwrap();
    let mut random = random_stream(1, Purpose::Test, 0, 0);
    let configuration = quenched.configuration();
    let center = configuration.positions[100];
    let mut x = quenched.coordinates();
    for (atom, position) in x
        .chunks_exact_mut(3)
        .zip(&configuration.positions)
        .map(|(chunk, position)| (chunk, position - center))
    {
        if configuration.cell.minimum_image(&position).norm() < 1.5 {
            let shake = Vector3::from_fn(|_, _| StandardNormal.sample(&mut random));
            for (component, shake) in atom.iter_mut().zip(&shake) {
                let shake: f64 = *shake;
                *component += 0.1 * shake;
            }
        }
    }
    (quenched.landscape(), x)
}

#[test]
fn a_local_disturbance_relaxes_within_its_budget() {
    let (landscape, start) = locally_disturbed();
    let mut energies = Vec::new();
    for (kind, search, polished) in [
        (MinimizerKind::ConjugateGradient, 520, 1350),
        (MinimizerKind::Lbfgs, 260, 540),
        (MinimizerKind::Fire, 900, 1600),
        (MinimizerKind::TruncatedNewton, 370, 620),
    ] {
        for (tolerance, budget) in [(1e-5, search), (1e-10, polished)] {
            let found = kind
                .build()
                .minimize(&mut landscape.clone(), &start, tolerance);
            println!(
                "{kind} to {tolerance:e}: {} evaluations, {} products, {}",
                found.evaluations, found.hessian_products, found.outcome
            );
            assert!(found.converged(), "{kind}: {}", found.outcome);
            assert!(
                found.force_evaluations() <= budget,
                "{kind} to {tolerance:e} took {} force evaluations, {budget} are its budget",
                found.force_evaluations()
            );
            energies.push(found.energy);
        }
    }
    // One basin: forces of 1e-5 on 500 atoms leave 500 · 1e-10 / (2 k), k ≥ 1 the softest mode.
    let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(energies.iter().all(|energy| energy - lowest < 2.5e-8));
}
