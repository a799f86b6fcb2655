//! Climbs on surfaces whose saddles are known.
#![cfg(test)]

use metabasin_interactions::EnergyLandscape;
use metabasin_landscape::{ClimbOutcome, Identity, SearchSettings, WhenConvex, climb_from_minimum};
use metabasin_minimizers::{Lbfgs, Minimizer};
use metabasin_testkit::{LennardJonesCluster, MuellerBrown};
use nalgebra::DMatrix;

#[test]
fn mueller_brown_saddles_are_found_exactly() {
    let settings = SearchSettings {
        push_step: 0.05,
        uphill_step: 0.1,
        energy_window: 200.0,
        basin_cycles: 40,
        escape_curvature: 1.0,
        ..SearchSettings::default()
    };
    let mut found = [false; 2];
    for start in MuellerBrown::MINIMA {
        for angle in 0..12 {
            let (sine, cosine) = (f64::from(angle) * std::f64::consts::FRAC_PI_6).sin_cos();
            let push = [0.05 * cosine, 0.05 * sine];
            let climb = climb_from_minimum(
                &mut MuellerBrown,
                &start.x,
                start.energy,
                &push,
                WhenConvex::PushOutward,
                &settings,
                &Identity,
            );
            if climb.outcome != ClimbOutcome::Saddle {
                continue;
            }
            let nearest = MuellerBrown::SADDLES.iter().position(|saddle| {
                (climb.x[0] - saddle.x[0]).hypot(climb.x[1] - saddle.x[1]) < 1e-6
            });
            let which = nearest.expect("every saddle found is one of the two that exist");
            assert!((climb.energy - MuellerBrown::SADDLES[which].energy).abs() < 1e-6);
            found[which] = true;
        }
    }
    assert_eq!(found, [true, true]);
}

#[test]
fn saddles_of_a_cluster_have_the_lowest_eigenvalue_that_was_reported() {
    let mut cluster = LennardJonesCluster::new(13);
    let minimum =
        Lbfgs::default().minimize(&mut cluster, &LennardJonesCluster::icosahedron(1.1), 1e-9);
    assert!((minimum.energy - LennardJonesCluster::LJ13_ENERGY).abs() < 1e-5);
    let mut saddles = 0;
    for atom in 0..6 {
        let mut push = vec![0.0; 39];
        for k in 0..3 {
            push[3 * atom + k] = 0.07 * (1.0 + (atom * 3 + k) as f64).sin();
        }
        let climb = climb_from_minimum(
            &mut cluster,
            &minimum.x,
            minimum.energy,
            &push,
            WhenConvex::PushOutward,
            &SearchSettings::default(),
            &Identity,
        );
        if climb.outcome != ClimbOutcome::Saddle {
            continue;
        }
        saddles += 1;
        assert!(climb.largest_force < 1e-5 && climb.energy > minimum.energy + 1.0);
        let mut hessian = DMatrix::zeros(39, 39);
        for k in 0..39 {
            let mut unit = vec![0.0; 39];
            unit[k] = 1.0;
            let mut column = vec![0.0; 39];
            cluster.hessian_vector(&climb.x, &unit, &mut column);
            hessian.column_mut(k).copy_from_slice(&column);
        }
        let eigenvalues = hessian.symmetric_eigenvalues();
        // Translations and rotations are zero to the force left over.
        let negative = eigenvalues.iter().filter(|value| **value < -1e-3).count();
        assert!(negative >= 1);
        let lowest = climb.mode.expect("a saddle has a mode").eigenvalue;
        assert!((eigenvalues.min() - lowest).abs() < 0.05 * lowest.abs());
    }
    assert!(saddles >= 1, "none of six pushes led to a saddle");
}
