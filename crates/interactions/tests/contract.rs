//! What every potential must keep, written once and run on every cut and kernel.
#![cfg(test)]

use std::sync::Arc;

use metabasin_atoms::{Cell, Configuration, Purpose, Species, Stress, random_stream};
use metabasin_interactions::{
    BinaryLennardJones, Cut, EnergyLandscape, Execution, FixedCell, ForceField, InteractionError,
    Kernel, Linearization, PairPotential, Potential, Precision, StrainSums, Totals, flatten,
};
use metabasin_neighbors::VerletList;
use nalgebra::{Matrix3, Vector3};
use rand::RngExt;

#[path = "contract_parts/second_derivatives.rs"]
mod second_derivatives;
use second_derivatives::second_derivatives_are_slopes_of_forces;

/// A hot disordered mixture in a skewed cell: a lattice with displacements of up to a tenth.
fn sample(side: usize) -> Configuration {
    let mut random = random_stream(7, Purpose::Test, 0, side as u64);
    let spacing = 0.93;
    let length = spacing * side as f64;
    let cell = Cell::new([
        length,
        1.1 * length,
        length,
        0.4 * length,
        -0.2 * length,
        0.3 * length,
    ])
    .unwrap();
    let mut positions = Vec::new();
    let mut species = Vec::new();
    for k in 0..side.pow(3) {
        let place = Vector3::new(k % side, k / side % side, k / side / side);
        let fractional =
            place.map(|n| (n as f64 + 0.1 * random.random_range(-1.0..1.0)) / side as f64);
        positions.push(cell.to_cartesian(&fractional));
        species.push(Species(u8::from(random.random_bool(0.5))));
    }
    Configuration {
        cell,
        ids: (1..=positions.len() as u64).collect(),
        positions,
        velocities: None,
        species,
        masses: vec![1.0, 0.5],
        names: None,
    }
}

fn evaluate(field: &mut ForceField, sample: &Configuration) -> (f64, Stress, Vec<Vector3<f64>>) {
    let mut forces = vec![Vector3::zeros(); sample.len()];
    let found = field.evaluate(
        &sample.cell,
        &sample.positions,
        &sample.species,
        &mut forces,
    );
    (found.energy, found.virial_stress, forces)
}

fn evaluate_step(
    field: &mut ForceField,
    sample: &Configuration,
) -> (f64, Stress, Vec<Vector3<f64>>) {
    let mut forces = vec![Vector3::zeros(); sample.len()];
    let found = field.evaluate_step(
        &sample.cell,
        &sample.positions,
        &sample.species,
        &mut forces,
    );
    (found.energy, found.virial_stress, forces)
}

/// The sample after x → F x with F = 1 + e at one upper-triangular place.
fn strained(sample: &Configuration, (a, b): (usize, usize), e: f64) -> Configuration {
    let mut deformation = Matrix3::identity();
    deformation[(a, b)] += e;
    let mut strained = sample.clone();
    strained.cell = Cell::from_matrix(&(deformation * sample.cell.matrix())).unwrap();
    for position in &mut strained.positions {
        *position = deformation * *position;
    }
    strained
}

const COMPONENTS: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)];

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1.0),
        "{what}: {found} for {expected}"
    );
}

/// Everything that must hold for any potential whose energy is continuous.
fn assert_keeps_the_contract(potential: &Arc<dyn Potential>, kernel: Kernel) {
    let sample = sample(6);
    let mut field = ForceField::new(potential.clone(), kernel);
    field.check(&sample).unwrap();
    let (energy, stress, forces) = evaluate(&mut field, &sample);
    forces_are_slopes_of_the_energy(&mut field, &sample, &forces);
    let sum: Vector3<f64> = forces.iter().sum();
    assert!(sum.norm() < 1e-10, "forces add to {sum}");
    stress_is_the_slope_under_strain(&mut field, &sample, stress);
    second_derivatives_are_slopes_of_forces(&mut field, &sample, &forces, stress);
    symmetries_hold(&mut field, &sample, energy, &forces, stress);

    let atoms = field.per_atom(&sample.cell, &sample.positions, &sample.species);
    close(atoms.energy.iter().sum(), energy, 1e-12, "sum of energies");
    let mean = atoms
        .stress
        .iter()
        .fold(Stress::ZERO, |sum, atom| sum + *atom)
        * (1.0 / sample.len() as f64);
    assert!((mean - stress).norm() < 1e-12 * stress.norm().max(1.0));
}

fn forces_are_slopes_of_the_energy(
    field: &mut ForceField,
    sample: &Configuration,
    forces: &[Vector3<f64>],
) {
    let step = 1e-5;
    for atom in (0..sample.len()).step_by(17) {
        for (axis, force) in forces[atom].iter().enumerate() {
            let mut moved = sample.clone();
            moved.positions[atom][axis] += step;
            let ahead = evaluate(field, &moved).0;
            moved.positions[atom][axis] -= 2.0 * step;
            let behind = evaluate(field, &moved).0;
            // Rounding of an energy of order 1000 over 2e-5: 1e-8; third derivatives of 1e5 at
            // close contacts over a step of 1e-5: 1e-5.
            let slope = (behind - ahead) / (2.0 * step);
            let what = format!("force {axis} on atom {atom}");
            close(*force, slope, 2e-5, &what);
        }
    }
}

fn stress_is_the_slope_under_strain(
    field: &mut ForceField,
    sample: &Configuration,
    stress: Stress,
) {
    let step = 1e-6;
    for (k, component) in COMPONENTS.into_iter().enumerate() {
        let ahead = evaluate(field, &strained(sample, component, step)).0;
        let behind = evaluate(field, &strained(sample, component, -step)).0;
        let slope = (ahead - behind) / (2.0 * step) / sample.cell.volume();
        close(stress.0[k], slope, 1e-7, &format!("stress {k}"));
    }
}

fn symmetries_hold(
    field: &mut ForceField,
    sample: &Configuration,
    energy: f64,
    forces: &[Vector3<f64>],
    stress: Stress,
) {
    let mut same = |other: &Configuration, order: &dyn Fn(usize) -> usize, what: &str| {
        for fresh in [false, true] {
            if fresh {
                field.invalidate();
            }
            let found = evaluate(field, other);
            close(found.0, energy, 1e-12, what);
            assert!(
                (found.1 - stress).norm() < 1e-10 * stress.norm().max(1.0),
                "{what}"
            );
            for (i, force) in found.2.iter().enumerate() {
                let expected = forces[order(i)];
                let tolerance = 1e-9 * expected.norm().max(1.0);
                assert!((force - expected).norm() < tolerance, "{what}: atom {i}");
            }
        }
    };
    let mut shifted = sample.clone();
    for position in &mut shifted.positions {
        *position += Vector3::new(0.123, -4.56, 17.8);
    }
    same(&shifted, &|i| i, "translation");

    let matrix = sample.cell.matrix();
    let mut wandered = sample.clone();
    for (i, position) in wandered.positions.iter_mut().enumerate() {
        let periods = Vector3::new(i % 7, i % 5, i % 3).map(|n| n as f64 - 2.0);
        *position += matrix * periods;
    }
    same(&wandered, &|i| i, "lattice vectors");

    let mut flipped = sample.clone();
    let [lx, ly, lz, xy, xz, yz] = sample.cell.components();
    flipped.cell = Cell::new([lx, ly, lz, xy - 2.0 * lx, xz + lx + xy, yz + ly]).unwrap();
    same(&flipped, &|i| i, "change of basis");

    let count = sample.len();
    let order = |i: usize| (i * 5 + 3) % count;
    assert_ne!(count % 5, 0, "or it is no permutation");
    let permuted = Configuration {
        positions: (0..count).map(|i| sample.positions[order(i)]).collect(),
        species: (0..count).map(|i| sample.species[order(i)]).collect(),
        ..sample.clone()
    };
    same(&permuted, &order, "permutation");
}

fn kernels() -> Vec<Kernel> {
    let mut kernels = vec![Kernel::Portable, Kernel::Avx2, Kernel::Avx512];
    kernels.retain(|kernel| kernel.is_available());
    kernels
}

fn wahnstrom(cut: Cut) -> Arc<dyn Potential> {
    Arc::new(BinaryLennardJones::wahnstrom(cut))
}

#[test]
fn every_cut_and_kernel_keeps_the_contract() {
    for kernel in kernels() {
        for cut in [Cut::Smooth, Cut::Shifted, Cut::Truncated] {
            assert_keeps_the_contract(&wahnstrom(cut), kernel);
        }
    }
}

/// Delegates, but the force on atom 0 is a thousandth off.
#[derive(Debug)]
struct WrongForce(BinaryLennardJones);

impl Potential for WrongForce {
    fn name(&self) -> String {
        "wrong on purpose".to_owned()
    }
    fn cutoff(&self) -> f64 {
        Potential::cutoff(&self.0)
    }
    fn species(&self) -> usize {
        self.0.species()
    }
    fn least_distance(&self, first: Species, second: Species) -> f64 {
        self.0.least_distance(first, second)
    }
    fn evaluate(&self, list: &VerletList, how: Execution, forces: &mut [Vector3<f64>]) -> Totals {
        let totals = self.0.evaluate(list, how, forces);
        forces[0] *= 1.001;
        totals
    }
    fn per_atom(&self, list: &VerletList, how: Execution) -> Vec<Totals> {
        self.0.per_atom(list, how)
    }
    fn linearize(
        &self,
        list: &VerletList,
        how: Execution,
        spare: Option<Box<dyn Linearization>>,
    ) -> Box<dyn Linearization> {
        self.0.linearize(list, how, spare)
    }
    fn strain_sums(&self, list: &VerletList, how: Execution) -> StrainSums {
        self.0.strain_sums(list, how)
    }
}

#[test]
#[should_panic(expected = "on atom 0")]
fn the_contract_notices_a_wrong_force() {
    let wrong = WrongForce(BinaryLennardJones::wahnstrom(Cut::Smooth));
    let wrong: Arc<dyn Potential> = Arc::new(wrong);
    assert_keeps_the_contract(&wrong, Kernel::Portable);
}

#[test]
fn the_list_finds_what_all_pairs_by_minimum_image_give() {
    let sample = sample(6);
    for cut in [Cut::Smooth, Cut::Shifted, Cut::Truncated] {
        let model = BinaryLennardJones::wahnstrom(cut);
        let range = PairPotential::cutoff(&model);
        let (mut energy, mut forces) = (0.0, vec![Vector3::zeros(); sample.len()]);
        for i in 0..sample.len() {
            for j in 0..i {
                let difference = sample.positions[i] - sample.positions[j];
                let r = sample.cell.minimum_image(&difference);
                if r.norm() < range {
                    let [a, b] = [i, j].map(|k| usize::from(sample.species[k].0));
                    let (pair, push) = model.energy_and_force(a, b, r.norm_squared());
                    energy += pair;
                    forces[i] += r * push;
                    forces[j] -= r * push;
                }
            }
        }
        for kernel in kernels() {
            let found = evaluate(&mut ForceField::new(wahnstrom(cut), kernel), &sample);
            close(found.0, energy, 1e-12, "energy");
            for (found, expected) in found.2.iter().zip(&forces) {
                assert!((found - expected).norm() < 1e-10 * expected.norm().max(1.0));
            }
        }
    }
}

#[test]
fn threads_and_repeated_products_do_not_change_a_bit() {
    let sample = sample(8);
    let direction: Vec<Vector3<f64>> = sample.positions.iter().map(|x| x * 0.3).collect();
    for kernel in kernels() {
        let run = |threads: usize, parallel: bool| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let mut field =
                    ForceField::new(wahnstrom(Cut::Smooth), kernel).with_parallel(parallel);
                let totals = evaluate(&mut field, &sample);
                let mut products = [vec![Vector3::zeros(); sample.len()], vec![]];
                products[1] = products[0].clone();
                for product in &mut products {
                    field.hessian_vector(
                        &sample.cell,
                        &sample.positions,
                        &sample.species,
                        &direction,
                        product,
                    );
                }
                assert_eq!(products[0], products[1]);
                let response =
                    field.strain_response(&sample.cell, &sample.positions, &sample.species);
                (totals, products, response)
            })
        };
        let alone = run(1, false);
        assert_eq!(run(1, true), alone);
        assert_eq!(run(3, true), alone);
    }
}

/// Forces of a step: in double precision those of an evaluation; in mixed precision to the rounding
/// of single precision. With forces of pairs up to f_max, 24 ulp of 6e-8 along the chain of products
/// (s³ alone counts six) and 85 pairs of random sign an atom, errors stay below
/// 24 x 6e-8 x 4 f_max; moving an atom by a millionth of its forces' range is far beyond that.
#[test]
fn forces_of_a_step_are_those_of_an_evaluation() {
    let sample = sample(8);
    for cut in [Cut::Truncated, Cut::Smooth] {
        for kernel in kernels() {
            let mut field = ForceField::new(wahnstrom(cut), kernel);
            let (_, stress, expected) = evaluate(&mut field, &sample);
            let volume = sample.cell.volume();
            let largest = expected.iter().map(Vector3::norm).fold(0.0, f64::max);
            let mut tolerance = [1e-12 * largest, 1e-10];
            for precision in [Precision::Double, Precision::Mixed] {
                let mut field = field.clone().with_precision(precision);
                let mut forces = vec![Vector3::zeros(); sample.len()];
                let virial = field.step_forces(
                    &sample.cell,
                    &sample.positions,
                    &sample.species,
                    &mut forces,
                );
                for (found, expected) in forces.iter().zip(&expected) {
                    assert!((found - expected).norm() < tolerance[0]);
                }
                let errors = [
                    virial.trace - volume * stress.trace(),
                    virial.xy - volume * stress.xy(),
                ];
                // Sums of 512 rows whose rounding errors are random.
                let scale = volume * stress.trace().abs();
                assert!(
                    errors
                        .iter()
                        .all(|error| error.abs() < tolerance[1] * scale)
                );
                tolerance = [24.0 * 6e-8 * 4.0 * largest, 1e-6];
            }
        }
    }
}

/// Lists of clusters hold the pairs of the rows, so energy, stress and forces differ by the order of
/// sums alone: before and after atoms have moved and the cell has been sheared and flipped, and in
/// cells that are elongated or just twice the cutoff wide.
#[test]
fn evaluations_over_clusters_are_those_over_rows() {
    let elongated = {
        let mut long = sample(6);
        let once = long.len();
        for k in 0..2 * once {
            let copies = (k / once + 1) as f64;
            let shift = long.cell.matrix().column(0) * copies;
            long.positions.push(long.positions[k % once] + shift);
            long.species.push(long.species[(k * 7) % once]);
            long.ids.push(long.ids.len() as u64 + 1);
        }
        let [lx, rest @ ..] = long.cell.components();
        let [ly, lz, xy, xz, yz] = rest;
        long.cell = Cell::new([3.0 * lx, ly, lz, xy, xz, yz]).unwrap();
        long
    };
    let smallest = {
        let mut small = sample(6);
        let scale = 5.0 * (1.0 + 1e-9) / small.cell.shortest_lattice_vector();
        small.cell = small.cell.scaled(scale).unwrap();
        for position in &mut small.positions {
            *position *= scale;
        }
        small
    };
    for start in [sample(8), elongated, smallest] {
        let mut moved = start.clone();
        for (i, position) in moved.positions.iter_mut().enumerate() {
            position.z += 0.06 * (i as f64).sin();
            position.x += 0.02 * position.y;
        }
        moved.cell = start.cell.sheared(0.02);
        let mut flipped = moved.clone();
        let [lx, ly, lz, xy, xz, yz] = moved.cell.components();
        flipped.cell = Cell::new([lx, ly, lz, xy - lx, xz + 2.0 * lx, yz]).unwrap();
        for cut in [Cut::Truncated, Cut::Shifted, Cut::Smooth] {
            for kernel in kernels() {
                let mut rows = ForceField::new(wahnstrom(cut), kernel);
                let mut clusters = rows.clone().with_precision(Precision::Mixed);
                for sample in [&start, &moved, &flipped] {
                    let (energy, stress, forces) = evaluate(&mut rows, sample);
                    let found = evaluate_step(&mut clusters, sample);
                    close(found.0, energy, 1e-12, "energy");
                    let largest = forces.iter().map(Vector3::norm).fold(0.0, f64::max);
                    assert!((found.1 - stress).norm() < 1e-11 * stress.norm());
                    for (found, expected) in found.2.iter().zip(&forces) {
                        assert!((found - expected).norm() < 1e-12 * largest);
                    }
                    let mut step = forces.clone();
                    let (cell, species) = (&sample.cell, &sample.species);
                    clusters.step_forces(cell, &sample.positions, species, &mut step);
                    for (found, expected) in step.iter().zip(&forces) {
                        assert!((found - expected).norm() < 24.0 * 6e-8 * largest);
                    }
                }
                assert_eq!(clusters.list_builds(), 1, "moves are inside the skin");
            }
        }
    }
}

#[test]
fn mixed_forces_keep_momentum_and_do_not_depend_on_threads() {
    let sample = sample(10);
    for kernel in kernels() {
        let run = |parallel: bool| {
            let field = ForceField::new(wahnstrom(Cut::Smooth), kernel);
            let mut field = field
                .with_precision(Precision::Mixed)
                .with_parallel(parallel);
            let mut forces = vec![Vector3::zeros(); sample.len()];
            let virial = field.step_forces(
                &sample.cell,
                &sample.positions,
                &sample.species,
                &mut forces,
            );
            (virial, forces)
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let alone = run(false);
        assert_eq!(pool.unwrap().install(|| run(true)), alone);
        // Separations are exact, so pairs push equally; what is left is rounding of single sums:
        // 85 terms of up to f_max, random in sign, an atom.
        let net: Vector3<f64> = alone.1.iter().sum();
        let largest = alone.1.iter().map(Vector3::norm).fold(0.0, f64::max);
        let rounding = 6e-8 * 85.0_f64.sqrt() * largest * (sample.len() as f64).sqrt();
        assert!(net.norm() < 4.0 * rounding, "{} {rounding}", net.norm());
    }
}

#[test]
fn an_invalidated_list_forgets_its_history() {
    let start = sample(6);
    let mut moved = start.clone();
    for (i, position) in moved.positions.iter_mut().enumerate() {
        position.x += 0.02 * (i as f64).sin();
    }
    let mut field = ForceField::new(wahnstrom(Cut::Smooth), Kernel::detect());
    evaluate(&mut field, &start);
    let mut fresh = field.clone();
    let kept = evaluate(&mut field, &moved);
    assert_eq!(field.list_builds(), 1, "the move is well inside the skin");
    field.invalidate();
    let rebuilt = evaluate(&mut field, &moved);
    assert_eq!(evaluate(&mut fresh, &moved), rebuilt);
    close(kept.0, rebuilt.0, 1e-14, "energy");
}

#[test]
fn nonsense_gives_no_number_and_no_panic() {
    let start = sample(6);
    let precisions = [Precision::Double, Precision::Mixed];
    let all = kernels()
        .into_iter()
        .flat_map(|kernel| precisions.map(|precision| (kernel, precision)));
    for (kernel, precision) in all {
        let mut field = ForceField::new(wahnstrom(Cut::Smooth), kernel).with_precision(precision);
        for coordinate in [f64::NAN, f64::INFINITY, -1e300, 1e18] {
            let mut bad = start.clone();
            bad.positions[3].y = coordinate;
            assert!(!evaluate_step(&mut field, &bad).0.is_finite());
            assert!(matches!(
                field.check(&bad),
                Err(InteractionError::Unresolved { id: 4 })
            ));
        }
        let mut together = start.clone();
        together.positions[5] = together.positions[9] + together.cell.matrix().column(1);
        let energy = evaluate_step(&mut field, &together).0;
        assert!(!energy.is_finite() || energy > 1e30, "{energy}");
        let mut collapsed = start.clone();
        collapsed.positions.fill(Vector3::zeros());
        assert!(!evaluate_step(&mut field, &collapsed).0.is_finite());
        let mut unknown = start.clone();
        unknown.species[0] = Species(9);
        assert!(evaluate_step(&mut field, &unknown).0.is_nan());
        // And the next configuration that makes sense is fine again.
        let again = evaluate_step(&mut field, &start);
        assert_eq!(again, evaluate_step(&mut field.clone(), &start));
    }
}

#[test]
fn unfit_configurations_are_refused_by_name() {
    let field = ForceField::new(wahnstrom(Cut::Smooth), Kernel::Portable);
    let fit = sample(6);
    let mut overlapping = fit.clone();
    overlapping.positions[10] = overlapping.positions[20] + Vector3::new(0.1, 0.0, 0.0);
    let refused = field.check(&overlapping).unwrap_err();
    assert!(
        matches!(refused, InteractionError::Overlap { first: 11, second: 21, distance, .. }
            if (distance - 0.1).abs() < 1e-9),
        "{refused}"
    );
    let mut unknown = fit.clone();
    unknown.species[4] = Species(2);
    let refused = field.check(&unknown).unwrap_err().to_string();
    assert!(
        refused.contains("id 5") && refused.contains("type 3"),
        "{refused}"
    );
    let mut small = fit.clone();
    small.cell = Cell::cubic(4.9).unwrap();
    assert!(matches!(
        FixedCell::new(&small, field.clone()).unwrap_err(),
        InteractionError::CellTooSmall { cutoff: 2.5, .. }
    ));
    let mut short = fit;
    short.ids.pop();
    assert!(matches!(
        field.check(&short).unwrap_err(),
        InteractionError::Length { array: "ids", .. }
    ));
}

#[test]
fn the_fixed_cell_landscape_is_the_force_field() {
    let sample = sample(6);
    let field = ForceField::new(wahnstrom(Cut::Smooth), Kernel::detect());
    let (energy, stress, forces) = evaluate(&mut field.clone(), &sample);
    let mut landscape = FixedCell::new(&sample, field).unwrap();
    let x = landscape.start();
    let mut gradient = vec![0.0; landscape.dimension()];
    assert_eq!(landscape.evaluate(&x, &mut gradient), energy);
    assert_eq!(landscape.stress(&x), Some(stress));
    let minus: Vec<f64> = flatten(&forces).iter().map(|force| -force).collect();
    assert_eq!(gradient, minus);
    let largest = forces
        .iter()
        .map(nalgebra::Matrix::norm)
        .fold(0.0, f64::max);
    assert_eq!(landscape.largest_force(&gradient), largest);
    assert_eq!(landscape.configuration_at(&x), sample);
    gradient[4] = f64::NAN;
    assert!(landscape.largest_force(&gradient).is_nan());
}
