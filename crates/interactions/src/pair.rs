//! Pair potentials: every sum written once, in plain code.

mod linearization;
mod local_stiffness;

use std::fmt::Debug;
use std::ops::Range;

use metabasin_neighbors::VerletList;
use nalgebra::Vector3;
use rayon::prelude::*;

use crate::potential::{StepVirial, StrainSums, Totals};

pub(crate) use linearization::{BlockWriter, PairLinearization, Part};
pub use local_stiffness::LocalStiffness;
pub(crate) use local_stiffness::local_stiffness;

/// Rows summed together; fixed, so that the order of sums does not depend on threads.
pub(crate) const ROWS_PER_TASK: usize = 128;

/// Indices of the components xx, yy, zz, xy, xz, yz.
pub(crate) const COMPONENTS: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)];

/// A sum over pairs `V_ab(r)`.
pub trait PairPotential: Send + Sync + Debug {
    /// Range of the interaction `[length]`.
    fn cutoff(&self) -> f64;

    /// V `[energy]` and −V'/r `[energy / length²]` of species `a` and `b` at a squared distance
    /// below the squared cutoff.
    fn energy_and_force(&self, a: usize, b: usize, squared: f64) -> (f64, f64);

    /// (V'' − V'/r)/r² and V'/r of species `a` and `b` at a squared distance below the squared
    /// cutoff: the pair's Hessian is A r rᵀ + B 1.
    fn stiffness(&self, a: usize, b: usize, squared: f64) -> (f64, f64);
}

/// One neighbor within the cutoff.
pub(crate) struct Near {
    pub image: u32,
    pub species: usize,
    pub separation: Vector3<f64>,
    pub squared: f64,
}

/// Species of a row's atom and its neighbors within `cutoff`.
pub(crate) fn within(
    list: &VerletList,
    row: usize,
    cutoff: f64,
) -> (usize, impl Iterator<Item = Near> + '_) {
    let coordinates = list.coordinates();
    let here = coordinates[list.row_images()[row] as usize];
    let neighbors = list
        .blocks(row)
        .as_flattened()
        .iter()
        .filter_map(move |&image| {
            let there = &coordinates[image as usize];
            let separation =
                Vector3::new(here[0] - there[0], here[1] - there[1], here[2] - there[2]);
            let squared = separation.norm_squared();
            (squared < cutoff * cutoff).then_some(Near {
                image,
                species: there[3] as usize,
                separation,
                squared,
            })
        });
    (here[3] as usize, neighbors)
}

/// Runs `task` over all rows, a fixed number at a time, and returns what it returned in order.
pub(crate) fn over_rows<T: Send>(
    list: &VerletList,
    parallel: bool,
    task: impl Fn(Range<usize>) -> T + Sync + Send,
) -> Vec<T> {
    let rows = list.rows();
    let tasks = rows.div_ceil(ROWS_PER_TASK);
    let range = |k: usize| k * ROWS_PER_TASK..((k + 1) * ROWS_PER_TASK).min(rows);
    if parallel {
        (0..tasks).into_par_iter().map(|k| task(range(k))).collect()
    } else {
        (0..tasks).map(|k| task(range(k))).collect()
    }
}

/// Sums of forces over rows by `task`, which fills the forces of its rows and returns twice some
/// totals; gathers the forces in the order of atoms and returns the totals task by task.
pub(crate) fn sum_forces<T: Send>(
    list: &VerletList,
    parallel: bool,
    forces: &mut [Vector3<f64>],
    task: impl Fn(Range<usize>, &mut [Vector3<f64>]) -> T + Sync + Send,
) -> Vec<T> {
    let mut by_row = vec![Vector3::zeros(); list.rows()];
    let run = |(k, part): (usize, &mut [Vector3<f64>])| {
        let first = k * ROWS_PER_TASK;
        task(first..first + part.len(), part)
    };
    let parts: Vec<T> = if parallel {
        let tasks = by_row.par_chunks_mut(ROWS_PER_TASK).enumerate();
        tasks.map(run).collect()
    } else {
        let tasks = by_row.chunks_mut(ROWS_PER_TASK).enumerate();
        tasks.map(run).collect()
    };
    let gather = |(force, &row): (&mut Vector3<f64>, &u32)| *force = by_row[row as usize];
    if parallel {
        let atoms = forces.par_iter_mut().zip(list.atom_rows());
        atoms.with_min_len(ROWS_PER_TASK).for_each(gather);
    } else {
        forces.iter_mut().zip(list.atom_rows()).for_each(gather);
    }
    parts
}

/// Energy and virial from twice those of the tasks, in their order.
pub(crate) fn half_of(parts: &[Totals]) -> Totals {
    let mut totals = Totals::default();
    for part in parts {
        totals.energy += 0.5 * part.energy;
        for k in 0..6 {
            totals.virial[k] += 0.5 * part.virial[k];
        }
    }
    totals
}

/// The same of what a step needs.
pub(crate) fn half_of_step(parts: &[StepVirial]) -> StepVirial {
    let mut virial = StepVirial::default();
    for part in parts {
        virial.trace += 0.5 * part.trace;
        virial.xy += 0.5 * part.xy;
    }
    virial
}

/// Energy, virial and forces.
pub(crate) fn evaluate<P: PairPotential>(
    potential: &P,
    list: &VerletList,
    parallel: bool,
    forces: &mut [Vector3<f64>],
) -> Totals {
    let cutoff = potential.cutoff();
    let parts = sum_forces(list, parallel, forces, |rows, by_row| {
        let mut totals = Totals::default();
        for (row, force) in rows.zip(by_row) {
            let (own, neighbors) = within(list, row, cutoff);
            for near in neighbors {
                let (energy, push) = potential.energy_and_force(own, near.species, near.squared);
                *force += near.separation * push;
                totals.energy += energy;
                for (sum, (a, b)) in totals.virial.iter_mut().zip(COMPONENTS) {
                    *sum -= push * near.separation[a] * near.separation[b];
                }
            }
        }
        totals
    });
    half_of(&parts)
}

/// Energy and virial of each atom, half of each pair.
pub(crate) fn per_atom<P: PairPotential>(
    potential: &P,
    list: &VerletList,
    parallel: bool,
) -> Vec<Totals> {
    let cutoff = potential.cutoff();
    let tasks = over_rows(list, parallel, |rows| {
        rows.map(|row| {
            let mut totals = Totals::default();
            let (own, neighbors) = within(list, row, cutoff);
            for near in neighbors {
                let (energy, push) = potential.energy_and_force(own, near.species, near.squared);
                totals.energy += 0.5 * energy;
                for (sum, (a, b)) in totals.virial.iter_mut().zip(COMPONENTS) {
                    *sum -= 0.5 * push * near.separation[a] * near.separation[b];
                }
            }
            totals
        })
        .collect::<Vec<Totals>>()
    });
    let mut by_atom = vec![Totals::default(); list.rows()];
    for (&atom, totals) in list.row_atoms().iter().zip(tasks.iter().flatten()) {
        by_atom[atom as usize] = *totals;
    }
    by_atom
}

/// Fills blocks of stiffness for the rows of a task.
pub(crate) fn linearize_rows<P: PairPotential>(
    potential: &P,
    list: &VerletList,
    rows: Range<usize>,
    writer: &mut BlockWriter<'_>,
) {
    let cutoff = potential.cutoff();
    for row in rows {
        let (own, neighbors) = within(list, row, cutoff);
        for near in neighbors {
            let (along, across) = potential.stiffness(own, near.species, near.squared);
            let atom = list.image_atoms()[near.image as usize];
            writer.push(atom, near.separation, along, across);
        }
        writer.end_row();
    }
}

/// Derivatives of stress and forces with respect to strain.
///
/// With A = (V'' − V'/r)/r² and B = V'/r, sums over pairs in the first line, over neighbors in the
/// last:
///
/// ```text
/// V ∂σ_ab/∂e_cd + σ_ab ∂V/∂e_cd = Σ A r_a r_b r_c r_d
///     + ½ Σ B (δ_ac r_b r_d + δ_ad r_b r_c + δ_bc r_a r_d + δ_bd r_a r_c)
/// ∂F_i,c/∂e_ab = −Σ_j A r_c r_a r_b + ½ B (δ_ca r_b + δ_cb r_a)
/// ```
pub(crate) fn strain_sums<P: PairPotential>(
    potential: &P,
    list: &VerletList,
    parallel: bool,
) -> StrainSums {
    struct Part {
        fourth: [[f64; 6]; 6],
        virial: [f64; 6],
        forces: Vec<[Vector3<f64>; 6]>,
    }
    let cutoff = potential.cutoff();
    let parts = over_rows(list, parallel, |rows| {
        let mut part = Part {
            fourth: [[0.0; 6]; 6],
            virial: [0.0; 6],
            forces: Vec::with_capacity(rows.len()),
        };
        for row in rows {
            let mut forces = [Vector3::zeros(); 6];
            let (own, neighbors) = within(list, row, cutoff);
            for near in neighbors {
                let (along, across) = potential.stiffness(own, near.species, near.squared);
                let r = near.separation;
                let products = COMPONENTS.map(|(a, b)| r[a] * r[b]);
                for (first, force) in forces.iter_mut().enumerate() {
                    let (a, b) = COMPONENTS[first];
                    for second in 0..6 {
                        part.fourth[first][second] +=
                            0.5 * along * products[first] * products[second];
                    }
                    part.virial[first] += 0.5 * across * products[first];
                    *force -= r * (along * products[first]);
                    force[a] -= 0.5 * across * r[b];
                    force[b] -= 0.5 * across * r[a];
                }
            }
            part.forces.push(forces);
        }
        part
    });
    let mut sums = StrainSums {
        fourth_rank: [[0.0; 6]; 6],
        forces: std::array::from_fn(|_| vec![Vector3::zeros(); list.rows()]),
        virial: [0.0; 6],
    };
    for part in &parts {
        for first in 0..6 {
            sums.virial[first] += part.virial[first];
            for second in 0..6 {
                sums.fourth_rank[first][second] += part.fourth[first][second];
            }
        }
    }
    let rows = parts.iter().flat_map(|part| &part.forces);
    for (&atom, forces) in list.row_atoms().iter().zip(rows) {
        for (all, force) in sums.forces.iter_mut().zip(forces) {
            all[atom as usize] = *force;
        }
    }
    add_stress_terms(&mut sums.fourth_rank, &sums.virial);
    sums
}

/// Adds ½ (`δ_ac` `σ_bd` + `δ_ad` `σ_bc` + `δ_bc` `σ_ad` + `δ_bd` `σ_ac`).
fn add_stress_terms(fourth: &mut [[f64; 6]; 6], virial: &[f64; 6]) {
    let stress = metabasin_atoms::Stress(*virial).to_matrix();
    let same = |a: usize, b: usize| f64::from(u8::from(a == b));
    for (row, (a, b)) in fourth.iter_mut().zip(COMPONENTS) {
        for (element, (c, d)) in row.iter_mut().zip(COMPONENTS) {
            *element += 0.5
                * (same(a, c) * stress[(b, d)]
                    + same(a, d) * stress[(b, c)]
                    + same(b, c) * stress[(a, d)]
                    + same(b, d) * stress[(a, c)]);
        }
    }
}
