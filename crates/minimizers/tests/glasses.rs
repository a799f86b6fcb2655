//! What minimizers must keep on glasses, clusters and their symmetric images.
#![cfg(test)]

use std::sync::{Arc, OnceLock};

use metabasin_atoms::{Cell, Configuration, Purpose, random_stream};
use metabasin_interactions::{
    BinaryLennardJones, Cut, EnergyLandscape, FixedCell, ForceField, Kernel, flatten, unflatten,
};
use metabasin_minimizers::{
    ConjugateGradient, Fire, InherentStructure, Lbfgs, Minimization, Minimizer, MinimizerKind,
    TruncatedNewton,
};
use metabasin_testkit::strategies::displacements;
use metabasin_testkit::{
    EQUAL_ENERGY, EQUAL_POSITION, LennardJonesCluster, assert_is_a_minimizer,
    assert_is_equivariant, assert_returns, small_glass, small_inherent_structure,
};
use nalgebra::{Matrix3, Vector3};
use proptest::prelude::*;
use rand::seq::SliceRandom;

const ATOMS: usize = 500;

fn every_minimizer() -> impl Iterator<Item = Box<dyn Minimizer>> {
    MinimizerKind::ALL.into_iter().map(MinimizerKind::build)
}

fn force_field(cut: Cut) -> ForceField {
    ForceField::new(
        Arc::new(BinaryLennardJones::wahnstrom(cut)),
        Kernel::detect(),
    )
}

fn polished(start: &Configuration) -> InherentStructure {
    let minimizer = Lbfgs::default();
    let (quenched, _) =
        InherentStructure::quench(start, force_field(Cut::Smooth), &minimizer, 1e-5).unwrap();
    quenched.polished(1e-10).unwrap()
}

/// The small glass, polished; made once.
fn minimum() -> &'static InherentStructure {
    static MINIMUM: OnceLock<InherentStructure> = OnceLock::new();
    MINIMUM.get_or_init(|| polished(&small_glass()))
}

/// The small glass in a cell that leans by a twentieth, polished; made once.
fn leaning_minimum() -> &'static InherentStructure {
    static MINIMUM: OnceLock<InherentStructure> = OnceLock::new();
    MINIMUM.get_or_init(|| polished(&small_glass().sheared(0.05)))
}

fn moved(x: &[f64], by: &[f64]) -> Vec<f64> {
    x.iter().zip(by).map(|(x, by)| x + by).collect()
}

/// A random order of so many things.
fn permutation(things: usize) -> impl Strategy<Value = Vec<usize>> {
    any::<u64>().prop_map(move |seed| {
        let mut order: Vec<usize> = (0..things).collect();
        order.shuffle(&mut random_stream(seed, Purpose::Test, 0, 0));
        order
    })
}

/// One of the 48 symmetries of the cube.
fn cube_symmetries() -> impl Strategy<Value = Matrix3<f64>> {
    (permutation(3), prop::array::uniform3(any::<bool>())).prop_map(|(axes, flips)| {
        Matrix3::from_fn(|row, column| match (axes[row] == column, flips[row]) {
            (false, _) => 0.0,
            (true, false) => 1.0,
            (true, true) => -1.0,
        })
    })
}

/// Any rotation: by up to π about any axis.
fn rotations() -> impl Strategy<Value = Matrix3<f64>> {
    prop::array::uniform3(-1.8..1.8_f64)
        .prop_map(|axis| nalgebra::Rotation3::new(Vector3::from(axis)).into_inner())
}

fn translations() -> impl Strategy<Value = Vector3<f64>> {
    prop::array::uniform3(-12.0..12.0_f64).prop_map(Vector3::from)
}

/// Atom `order[i]` put at place i, its vector mapped.
fn reordered(
    x: &[f64],
    order: &[usize],
    map: &dyn Fn(usize, Vector3<f64>) -> Vector3<f64>,
) -> Vec<f64> {
    let vectors = unflatten(x);
    let mapped: Vec<_> = order.iter().map(|&i| map(i, vectors[i])).collect();
    flatten(&mapped)
}

/// The minimum in another cell, its atoms in another order, each mapped; with the map.
fn image(
    minimum: &InherentStructure,
    cell: Cell,
    order: &[usize],
    map: &dyn Fn(usize, Vector3<f64>) -> Vector3<f64>,
) -> FixedCell {
    let original = minimum.configuration();
    let mapped = Configuration {
        cell,
        positions: unflatten(&reordered(&flatten(&original.positions), order, map)),
        species: order.iter().map(|&i| original.species[i]).collect(),
        ..original.clone()
    };
    FixedCell::new(&mapped, force_field(Cut::Smooth)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn a_small_push_comes_back(push in displacements(3 * ATOMS, 1e-4)) {
        let landscape = minimum().landscape();
        for minimizer in every_minimizer() {
            let mut fresh = landscape.clone();
            assert_returns(&*minimizer, &mut fresh, &minimum().coordinates(), &push, 1e-8);
        }
    }

    /// From cold to molten: at 0.3 a component some atoms overlap.
    #[test]
    fn every_minimizer_keeps_the_contract_on_glasses(
        shape in displacements(3 * ATOMS, 1.0),
        size in 0.02..0.3_f64,
        gamma in -0.15..0.15_f64,
    ) {
        let sheared = small_inherent_structure().sheared(gamma);
        let landscape = FixedCell::new(&sheared, force_field(Cut::Smooth)).unwrap();
        let shake: Vec<f64> = shape.iter().map(|x| size * x).collect();
        let start = moved(&landscape.start(), &shake);
        for minimizer in every_minimizer() {
            let found = assert_is_a_minimizer(&*minimizer, &landscape, &start, 1e-5);
            prop_assert!(found.converged(), "{}: {}", minimizer.name(), found.outcome);
        }
    }

    #[test]
    fn minimizers_do_not_care_about_origin_order_and_axes_of_a_cubic_cell(
        push in displacements(3 * ATOMS, 0.01),
        order in permutation(ATOMS),
        turn in cube_symmetries(),
        shift in translations(),
    ) {
        let map = |_: usize, position: Vector3<f64>| turn * position + shift;
        let cell = minimum().configuration().cell;
        let mut original = minimum().landscape();
        let mut image = image(minimum(), cell, &order, &map);
        let start = moved(&minimum().coordinates(), &push);
        let mapped = |x: &[f64]| reordered(x, &order, &map);
        for minimizer in every_minimizer() {
            assert_is_equivariant(&*minimizer, &mut original, &mut image, &mapped, &start, 1e-8);
        }
    }

    /// A leaning cell has an inversion; any integer combination of its vectors that spans the same
    /// lattice is as good a cell, and every atom has an image in every copy of it.
    #[test]
    fn minimizers_do_not_care_about_images_and_lattice_vectors(
        push in displacements(3 * ATOMS, 0.01),
        images in prop::collection::vec(prop::array::uniform3(-2..3_i32), ATOMS),
        flip in any::<bool>(),
        lean in -1..2_i32,
    ) {
        let cell = &leaning_minimum().configuration().cell;
        let mut basis = cell.matrix();
        let first: Vector3<f64> = basis.column(0).into();
        let second: Vector3<f64> = basis.column(1).into();
        basis.set_column(1, &(second + f64::from(lean) * first));
        let sign = if flip { -1.0 } else { 1.0 };
        let map = |atom: usize, position: Vector3<f64>| {
            let image = Vector3::from(images[atom].map(f64::from));
            sign * position + cell.to_cartesian(&image)
        };
        let order: Vec<usize> = (0..ATOMS).collect();
        let mut original = leaning_minimum().landscape();
        let other = Cell::from_matrix(&basis).unwrap();
        let mut image = image(leaning_minimum(), other, &order, &map);
        let start = moved(&leaning_minimum().coordinates(), &push);
        let mapped = |x: &[f64]| reordered(x, &order, &map);
        for minimizer in every_minimizer() {
            assert_is_equivariant(&*minimizer, &mut original, &mut image, &mapped, &start, 1e-8);
        }
    }
}

/// Sorted distances between all atoms: what no rigid motion changes.
fn distances(x: &[f64]) -> Vec<f64> {
    let positions = unflatten(x);
    let pairs = (0..positions.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    pairs
        .map(|(i, j)| (positions[i] - positions[j]).norm())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn minimizers_do_not_care_how_a_cluster_lies(
        push in displacements(39, 0.01),
        order in permutation(13),
        turn in rotations(),
        shift in translations(),
    ) {
        let (mut cluster, mut same) = (LennardJonesCluster::new(13), LennardJonesCluster::new(13));
        let start = moved(&LennardJonesCluster::icosahedron(1.08), &push);
        let mapped = |x: &[f64]| reordered(x, &order, &|_, position| turn * position + shift);
        for minimizer in every_minimizer() {
            assert_is_equivariant(&*minimizer, &mut cluster, &mut same, &mapped, &start, 1e-8);
        }
    }

    #[test]
    fn a_small_push_of_a_cluster_comes_back_but_for_a_rigid_motion(
        push in displacements(114, 1e-4),
    ) {
        let mut cluster = LennardJonesCluster::new(38);
        let sites = LennardJonesCluster::truncated_octahedron(1.12);
        let rest = TruncatedNewton::default().minimize(&mut cluster, &sites, 1e-11);
        prop_assert!(rest.converged());
        for minimizer in every_minimizer() {
            let found = minimizer.minimize(&mut cluster, &moved(&rest.x, &push), 1e-8);
            prop_assert!(found.converged(), "{}: {}", minimizer.name(), found.outcome);
            prop_assert!((found.energy - rest.energy).abs() < EQUAL_ENERGY);
            for (one, other) in distances(&found.x).iter().zip(distances(&rest.x)) {
                prop_assert!((one - other).abs() < EQUAL_POSITION, "{}", minimizer.name());
            }
        }
    }
}

#[test]
fn any_number_of_threads_arrives_at_the_same_bits() {
    let glass = small_glass();
    for kind in MinimizerKind::ALL {
        let run = |threads: usize| -> Minimization {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let field = force_field(Cut::Smooth).with_parallel(threads > 1);
                let mut landscape = FixedCell::new(&glass, field).unwrap();
                let start = landscape.start();
                kind.build().minimize(&mut landscape, &start, 1e-5)
            })
        };
        let one = run(1);
        assert!(one.converged());
        for threads in [2, 3] {
            assert_eq!(run(threads), one, "{kind} on {threads} threads");
        }
    }
}

#[test]
fn every_minimizer_keeps_the_contract_from_a_hot_glass() {
    let landscape = FixedCell::new(&small_glass(), force_field(Cut::Smooth)).unwrap();
    for minimizer in every_minimizer() {
        let found = assert_is_a_minimizer(&*minimizer, &landscape, &landscape.start(), 1e-5);
        assert!(found.converged(), "{}: {}", minimizer.name(), found.outcome);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Near a minimum, too, where a trial that goes too far is higher than the start.
    #[test]
    fn a_glass_out_of_budget_is_no_higher_than_before_and_says_so(
        shape in displacements(3 * ATOMS, 1.0),
        exponent in -3.0..-0.7_f64,
        budget in 2..60_u64,
    ) {
        let landscape = minimum().landscape();
        let shake: Vec<f64> = shape.iter().map(|x| 10_f64.powf(exponent) * x).collect();
        let start = moved(&minimum().coordinates(), &shake);
        let minimizers: [Box<dyn Minimizer>; 4] = [
            Box::new(ConjugateGradient::default().with_max_evaluations(budget)),
            Box::new(Lbfgs::default().with_max_evaluations(budget)),
            Box::new(Fire::default().with_max_evaluations(budget)),
            Box::new(TruncatedNewton::default().with_max_evaluations(budget)),
        ];
        for minimizer in minimizers {
            let found = assert_is_a_minimizer(&*minimizer, &landscape, &start, 1e-10);
            prop_assert!(found.converged() || found.force_evaluations() >= budget);
            prop_assert!(found.force_evaluations() <= budget + 1);
        }
    }
}

#[test]
fn newton_polishes_where_energies_are_rounding() {
    let shake: Vec<f64> = (1..=3 * ATOMS)
        .map(|k| 1e-3 * (k as f64 * 1.7).sin())
        .collect();
    let start = moved(&minimum().coordinates(), &shake);
    let minimizer = TruncatedNewton::default();
    let found = assert_is_a_minimizer(&minimizer, &minimum().landscape(), &start, 1e-10);
    assert!(found.converged(), "{}", found.outcome);
    assert!((found.energy - minimum().energy()).abs() < 1e-9);
    // Quadratic: from 1e-1 to 1e-10 in a handful of steps.
    assert!(found.iterations <= 8, "{} steps", found.iterations);
}

#[test]
fn an_inherent_structure_remembers_where_it_comes_from() {
    let polished = minimum();
    assert!(polished.largest_force() < 1e-10);
    assert_eq!(polished.force_tolerance(), 1e-10);
    assert_eq!(polished.potential().cut(), Some(Cut::Smooth));
    assert!(polished.configuration().velocities.is_none());
    assert_eq!(polished.configuration().ids, small_glass().ids);
    let mut landscape = polished.landscape();
    let mut gradient = vec![0.0; 1500];
    let energy = landscape.evaluate(&polished.coordinates(), &mut gradient);
    assert!((energy - polished.energy()).abs() < 1e-9);
    assert!(landscape.largest_force(&gradient) < 2e-10);
}
