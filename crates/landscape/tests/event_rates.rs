//! Prefactors and cores of events of the reference glass of 500 atoms.
#![cfg(test)]

use std::sync::{Arc, OnceLock};

use metabasin_catalogue::EventRecord;
use metabasin_interactions::{
    BinaryLennardJones, Cut, EnergyLandscape, FixedCell, ForceField, Kernel,
};
use metabasin_landscape::{
    RateSettings, RebuildError, Rebuilder, Region, SearchSettings, Searcher, StationaryPoints,
};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_testkit::small_inherent_structure;
use nalgebra::DMatrix;

fn force_field() -> ForceField {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    ForceField::new(potential, Kernel::Portable)
}

struct Found {
    rebuilder: Rebuilder,
    events: Vec<(EventRecord, StationaryPoints)>,
}

/// Two events.
fn found() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| {
        let start = small_inherent_structure();
        let (minimum, _) =
            InherentStructure::quench(&start, force_field(), &Lbfgs::default(), 1e-5).unwrap();
        let searcher = Searcher::new(&minimum, SearchSettings::default(), 1, 0).unwrap();
        let rebuilder = Rebuilder::new(searcher.minimum(), SearchSettings::default()).unwrap();
        let events = (0..60)
            .filter_map(|index| searcher.run(index)?.event)
            .filter(|event| event.barrier_forward > 0.3)
            .map(|event| {
                let points = rebuilder.rebuild(&event).unwrap();
                (event, points)
            })
            .take(2)
            .collect();
        Found { rebuilder, events }
    })
}

fn around(points: &StationaryPoints, radius: f64) -> Region {
    let settings = RateSettings {
        prefactor_radius: radius,
        ..RateSettings::default()
    };
    found().rebuilder.region(points, &settings)
}

#[test]
fn stored_events_converge_to_the_points_they_were_stored_from() {
    for (event, points) in &found().events {
        let minimum = found().rebuilder.minimum().energy();
        assert!((points.saddle_energy - minimum - event.barrier_forward).abs() < 1e-9);
        assert!((points.saddle_energy - points.last_energy - event.barrier_reverse).abs() < 1e-9);
        let mut landscape = found().rebuilder.landscape();
        for x in [&points.saddle, &points.last] {
            let mut gradient = vec![0.0; x.len()];
            landscape.evaluate(x, &mut gradient);
            assert!(landscape.largest_force(&gradient) < 1e-8);
        }
    }
}

#[test]
fn a_foreign_or_wrong_event_is_told() {
    let (event, _) = &found().events[0];
    let mut foreign = event.clone();
    foreign.displacement_saddle.atoms[0] = 500;
    let error = found().rebuilder.rebuild(&foreign).unwrap_err();
    assert_eq!(
        error,
        RebuildError::ForeignEvent {
            atom: 500,
            atoms: 500
        }
    );
    let mut wrong = event.clone();
    wrong.barrier_forward += 1e-3;
    let error = found().rebuilder.rebuild(&wrong).unwrap_err();
    assert!(error.to_string().contains("saddle converges at"), "{error}");
}

/// D of a region from Hessian-vector products, one column at a time.
fn matrix_by_products(landscape: &mut FixedCell, x: &[f64], atoms: &[usize]) -> DMatrix<f64> {
    let configuration = landscape.configuration().clone();
    let coordinates: Vec<usize> = atoms
        .iter()
        .flat_map(|atom| (0..3).map(move |k| 3 * atom + k))
        .collect();
    let mass = |coordinate: usize| configuration.mass(coordinate / 3);
    let mut matrix = DMatrix::zeros(coordinates.len(), coordinates.len());
    for (column, &c) in coordinates.iter().enumerate() {
        let mut unit = vec![0.0; x.len()];
        unit[c] = 1.0;
        let mut product = vec![0.0; x.len()];
        landscape.hessian_vector(x, &unit, &mut product);
        for (row, &r) in coordinates.iter().enumerate() {
            matrix[(row, column)] = product[r] / (mass(r) * mass(c)).sqrt();
        }
    }
    matrix
}

/// Vineyard's products from all eigenvalues of matrices made by Hessian-vector products.
#[test]
fn prefactors_agree_with_all_frequencies() {
    let (_, points) = &found().events[0];
    let region = around(points, 2.0);
    let Region::Atoms(atoms) = &region else {
        panic!("a small region is not the whole cell");
    };
    assert!(atoms.len() > 20, "{}", atoms.len());
    let rebuilder = &found().rebuilder;
    let mut landscape = rebuilder.landscape();
    let minimum = rebuilder.minimum().coordinates();
    let mut frequencies = |x: &[f64]| -> Vec<f64> {
        let matrix = matrix_by_products(&mut landscape, x, atoms);
        let positive = matrix.symmetric_eigenvalues();
        let positive = positive.iter().filter(|l| **l > 0.0);
        positive.map(|l| l.sqrt() / std::f64::consts::TAU).collect()
    };
    let (first, saddle, last) = (
        frequencies(&minimum),
        frequencies(&points.saddle),
        frequencies(&points.last),
    );
    assert_eq!(saddle.len() + 1, first.len());
    let log = |of: &[f64]| of.iter().map(|nu| nu.ln()).sum::<f64>();
    let found = rebuilder.prefactors(points, &region).unwrap();
    let forward = (log(&first) - log(&saddle)).exp();
    let reverse = (log(&last) - log(&saddle)).exp();
    assert!(
        (found.forward / forward - 1.0).abs() < 1e-7,
        "{found:?} {forward}"
    );
    assert!(
        (found.reverse / reverse - 1.0).abs() < 1e-7,
        "{found:?} {reverse}"
    );
    // The saddle drops out of ν_f/ν_r: the entropies of the two minima alone make it.
    let ratio = (log(&first) - log(&last)).exp();
    assert!((found.forward / found.reverse / ratio - 1.0).abs() < 1e-7);
}

/// Regions that take more atoms along come nearer to the full cell, whose translations are removed.
#[test]
fn prefactors_converge_with_the_region() {
    let [mut near, mut far] = [0.0_f64; 2];
    for (_, points) in &found().events[..2] {
        let full = found().rebuilder.prefactors(points, &Region::Full).unwrap();
        assert_eq!(full.atoms, 500);
        let error = |radius: f64| {
            let region = around(points, radius);
            let part = found().rebuilder.prefactors(points, &region).unwrap();
            let forward = (part.forward / full.forward).ln().abs();
            forward.max((part.reverse / full.reverse).ln().abs())
        };
        near = near.max(error(1.8));
        far = far.max(error(3.3));
    }
    println!("largest |ln ratio|: {near:.3} at 1.8, {far:.3} at 3.3");
    assert!(far < 0.3 && far < 0.25 * near, "{near} {far}");
}

/// ω² goes as 1/m: all masses times 4 halve every prefactor.
#[test]
fn four_times_the_mass_halves_the_prefactor() {
    let (_, points) = &found().events[1];
    let light = &found().rebuilder;
    let mut configuration = light.minimum().configuration().clone();
    for mass in &mut configuration.masses {
        *mass *= 4.0;
    }
    let (minimum, _) =
        InherentStructure::quench(&configuration, force_field(), &Lbfgs::default(), 1e-5).unwrap();
    let heavy = Rebuilder::new(&minimum, SearchSettings::default()).unwrap();
    let region = around(points, 2.0);
    let (light, heavy) = (
        light.prefactors(points, &region).unwrap(),
        heavy.prefactors(points, &region).unwrap(),
    );
    assert!((heavy.forward / light.forward - 0.5).abs() < 1e-7);
    assert!((heavy.reverse / light.reverse - 0.5).abs() < 1e-7);
    assert!((heavy.unstable / light.unstable - 0.25).abs() < 1e-7);
}

#[test]
fn core_and_rest_add_up_to_the_barrier() {
    for (event, points) in &found().events {
        let split = found().rebuilder.barrier_split(points, 0.1);
        let sum = split.core + split.elastic;
        assert!((sum - event.barrier_forward).abs() < 1e-8, "{split:?}");
        assert!(split.core_atoms > 0 && split.core_atoms < 400);
        // Just below the distance that the tenth atom moves it is of the core, just above it is not.
        let mut moved: Vec<f64> = (0..500)
            .map(|k| {
                points.field_saddle[k]
                    .norm()
                    .max(points.field_last[k].norm())
            })
            .collect();
        moved.sort_by(|a, b| b.total_cmp(a));
        for (share, atoms) in [(0.999, 10), (1.001, 9)] {
            let split = found().rebuilder.barrier_split(points, share * moved[9]);
            assert_eq!(split.core_atoms, atoms);
        }
        // No threshold: all is core. A threshold that nothing passes: all is elastic.
        let all = found().rebuilder.barrier_split(points, 0.0);
        assert_eq!((all.core_atoms, all.elastic), (500, 0.0));
        let none = found().rebuilder.barrier_split(points, 10.0);
        assert_eq!((none.core_atoms, none.core), (0, 0.0));
        // The core alone is not the barrier: the test would pass for a trivial split otherwise.
        assert!((split.core - event.barrier_forward).abs() > 1e-3);
        let rates = found()
            .rebuilder
            .event_rates(event, &RateSettings::default())
            .unwrap();
        assert_eq!(rates.barrier_core, Some(split.core));
        assert_eq!(rates.core_atoms, Some(split.core_atoms as u32));
    }
}
