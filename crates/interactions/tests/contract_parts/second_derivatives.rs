//! Second derivatives of the energy: Hessian, its blocks, elastic response.

use metabasin_atoms::{Configuration, Purpose, Stiffness, Stress, random_stream};
use metabasin_interactions::{ForceField, flatten};
use nalgebra::{DMatrix, DVector, Matrix3, Vector3};
use rand::RngExt;

use super::{COMPONENTS, close, evaluate, strained};

/// Hessian, Ξ and Born stiffness against differences of forces and stresses.
pub fn second_derivatives_are_slopes_of_forces(
    field: &mut ForceField,
    sample: &Configuration,
    forces: &[Vector3<f64>],
    stress: Stress,
) {
    let (cell, positions, species) = (&sample.cell, &sample.positions, &sample.species);
    let mut random = random_stream(8, Purpose::Test, 0, 0);
    let direction: Vec<Vector3<f64>> = positions
        .iter()
        .map(|_| Vector3::from_fn(|_, _| random.random_range(-1.0..1.0)))
        .collect();
    let mut product = vec![Vector3::zeros(); sample.len()];
    field.hessian_vector(cell, positions, species, &direction, &mut product);
    let step = 1e-6;
    let displaced = |sign: f64| {
        let mut moved = sample.clone();
        for (position, v) in moved.positions.iter_mut().zip(&direction) {
            *position += v * (sign * step);
        }
        moved
    };
    let ahead = evaluate(field, &displaced(1.0)).2;
    let behind = evaluate(field, &displaced(-1.0)).2;
    for i in 0..sample.len() {
        for k in 0..3 {
            let slope = (behind[i][k] - ahead[i][k]) / (2.0 * step);
            close(product[i][k], slope, 1e-6, &format!("Hv on atom {i}"));
        }
    }
    let dense = field.dense_hessian(cell, positions, species).unwrap();
    let exact = &dense * DVector::from_vec(flatten(&direction));
    assert!((exact - DVector::from_vec(flatten(&product))).amax() < 1e-10 * dense.amax());
    assert!((&dense - dense.transpose()).amax() == 0.0);
    blocks_are_those_of_the_hessian(field, sample, &dense);

    let response = field.strain_response(cell, positions, species);
    for (k, (a, b)) in COMPONENTS.into_iter().enumerate() {
        let (_, stress_ahead, ahead) = evaluate(field, &strained(sample, (a, b), step));
        let (_, stress_behind, behind) = evaluate(field, &strained(sample, (a, b), -step));
        // F = 1 + γ âb̂ is the symmetric strain γ/2 and a rotation by the rest, which turns forces
        // and stress.
        let mut turn = Matrix3::zeros();
        if a != b {
            turn[(a, b)] = 0.5;
            turn[(b, a)] = -0.5;
        }
        for i in 0..sample.len() {
            let slope = (ahead[i] - behind[i]) / (2.0 * step) - turn * forces[i];
            for axis in 0..3 {
                let what = format!("Ξ {k} on atom {i}");
                close(response.forces[k][i][axis], slope[axis], 1e-6, &what);
            }
        }
        let matrix = stress.to_matrix();
        let turned = Stress::from_matrix(&(turn * matrix - matrix * turn));
        let slope = (stress_ahead - stress_behind) * (0.5 / step) - turned;
        for row in 0..6 {
            let what = format!("Born stiffness {row} {k}");
            close(response.born.0[row][k], slope.0[row], 1e-6, &what);
        }
    }
    stiffness_of_atoms_is_that_of_differences(field, sample, &response.born, &direction, step);
}

/// Both parts of the stiffness of every atom against differences of its stress, and their mean against the whole.
fn stiffness_of_atoms_is_that_of_differences(
    field: &mut ForceField,
    sample: &Configuration,
    born: &Stiffness,
    direction: &[Vector3<f64>],
    step: f64,
) {
    let displacements: [_; 6] = std::array::from_fn(|_| direction.to_vec());
    let Some(local) = field.local_stiffness(
        &sample.cell,
        &sample.positions,
        &sample.species,
        &displacements,
    ) else {
        assert!(field.potential().as_pair().is_none());
        return;
    };
    let stresses = |field: &mut ForceField, of: &Configuration| {
        field.per_atom(&of.cell, &of.positions, &of.species).stress
    };
    let now = stresses(field, sample);
    let moved = |sign: f64| {
        let mut moved = sample.clone();
        for (position, v) in moved.positions.iter_mut().zip(direction) {
            *position += v * (sign * step);
        }
        moved
    };
    let (ahead, behind) = (stresses(field, &moved(1.0)), stresses(field, &moved(-1.0)));
    for i in 0..sample.len() {
        let slope = (ahead[i] - behind[i]) * (0.5 / step);
        for row in 0..6 {
            close(
                local[i].nonaffine.0[row][2],
                slope.0[row],
                1e-5,
                &format!("non-affine stiffness {row} of atom {i}"),
            );
        }
    }
    for (k, (a, b)) in COMPONENTS.into_iter().enumerate() {
        let ahead = stresses(field, &strained(sample, (a, b), step));
        let behind = stresses(field, &strained(sample, (a, b), -step));
        let mut turn = Matrix3::zeros();
        if a != b {
            turn[(a, b)] = 0.5;
            turn[(b, a)] = -0.5;
        }
        for i in 0..sample.len() {
            let matrix = now[i].to_matrix();
            let turned = Stress::from_matrix(&(turn * matrix - matrix * turn));
            let slope = (ahead[i] - behind[i]) * (0.5 / step) - turned;
            for row in 0..6 {
                let what = format!("Born stiffness {row} {k} of atom {i}");
                close(local[i].born.0[row][k], slope.0[row], 1e-5, &what);
            }
        }
        for row in 0..6 {
            let mean = local.iter().map(|of| of.born.0[row][k]).sum::<f64>() / sample.len() as f64;
            close(mean, born.0[row][k], 1e-12, "mean Born stiffness");
        }
    }
}

/// All blocks when none is too weak; otherwise the whole diagonal and every block above the limit.
fn blocks_are_those_of_the_hessian(
    field: &mut ForceField,
    sample: &Configuration,
    dense: &DMatrix<f64>,
) {
    let (cell, positions, species) = (&sample.cell, &sample.positions, &sample.species);
    let mean = dense.trace() / dense.nrows() as f64;
    let mut kept = Vec::new();
    for weakest in [0.0, 0.05] {
        let blocks = field
            .hessian_blocks(cell, positions, species, weakest)
            .unwrap();
        let mut left = dense.clone();
        for (atom, block) in blocks.diagonal.iter().enumerate() {
            let mut view = left.fixed_view_mut::<3, 3>(3 * atom, 3 * atom);
            view -= block;
        }
        for block in &blocks.below {
            assert!(block.row > block.column);
            let (row, column) = (3 * block.row, 3 * block.column);
            let mut view = left.fixed_view_mut::<3, 3>(row, column);
            view -= block.matrix;
            let mut view = left.fixed_view_mut::<3, 3>(column, row);
            view -= block.matrix.transpose();
        }
        let rounding = 1e-12 * dense.amax();
        for row in 0..sample.len() {
            for column in 0..sample.len() {
                let norm = left.fixed_view::<3, 3>(3 * row, 3 * column).norm();
                let limit = if row == column { 0.0 } else { weakest * mean };
                assert!(norm <= limit + rounding, "{row} {column}: {norm}");
            }
        }
        kept.push(blocks.below.len());
    }
    assert!(kept[1] < kept[0], "{kept:?}");
}
