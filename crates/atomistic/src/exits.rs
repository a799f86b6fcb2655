//! The ways out that a sample takes by itself: short dynamics from a minimum, told apart and converged.

use metabasin_atoms::{Purpose, random_stream};
use metabasin_interactions::{Counted, EnergyLandscape, unflatten};
use metabasin_landscape::{
    HeatSettings, WhenConvex, heated_out, hessian_preconditioner, highest_along,
};
use nalgebra::Vector3;
use rayon::prelude::*;

use crate::error::AtomisticError;
use crate::field::{core, largest};
use crate::glass::GlassTerrain;
use crate::terrain::{Minimum, Round, Terrain, WayOut};

/// Time steps of one trajectory, 0.5 τ: one to three escapes in a glass of a thousand atoms.
const STEPS: u32 = 50;
/// Trajectories between two looks at how many of the escapes are new.
const BATCH: u32 = 16;
/// The search ends when the next escape is known with this probability (Good-Turing).
const COVERAGE: f64 = 0.95;
/// Escapes before that estimate counts for anything.
const FEWEST_ESCAPES: u32 = 20;
/// Atoms that moved and are this close moved together: nearest neighbors `[length]`.
const TOGETHER: f64 = 1.6;
/// Parts of the straight line to a neighbor, between which the energy is looked at.
const PARTS: u32 = 12;
/// Places of an atom closer than this are one `[length]`.
const SAME_PLACE: f64 = 0.1;

/// A neighboring minimum, and how often trajectories fell into it.
struct Neighbor {
    displacement: Vec<f64>,
    escapes: u32,
}

impl GlassTerrain<'_> {
    /// See [`Terrain::exits`].
    pub(crate) fn thermal_exits(
        &self,
        minimum: &Minimum,
        temperature: f64,
        trajectories: u32,
        round: u64,
    ) -> Result<Round, AtomisticError> {
        let mut found = Round::default();
        let mut neighbors: Vec<Neighbor> = Vec::new();
        let mut nowhere: Vec<Vec<f64>> = Vec::new();
        let mut landscape = self.landscape(&minimum.x)?;
        let preconditioner = hessian_preconditioner(&mut landscape, &minimum.x)?;
        let heat = HeatSettings {
            temperature,
            growth: 1.0,
            steps: STEPS,
            rounds: 1,
        };
        let mut done = 0;
        while done < trajectories {
            let batch = done..(done + BATCH).min(trajectories);
            done = batch.end;
            let trials: Vec<_> = batch
                .into_par_iter()
                .map(|index| {
                    let mut landscape = landscape.clone();
                    let mut counted = Counted::new(&mut landscape);
                    let mut random = random_stream(
                        self.seed(),
                        Purpose::ThermalExit,
                        self.stage_of(round),
                        u64::from(index),
                    );
                    let step = self.settings().relaxation_step;
                    let out = heated_out(
                        &mut counted,
                        &minimum.x,
                        &preconditioner,
                        &heat,
                        step,
                        &mut random,
                    );
                    (self.goes_on()).then(|| (out, counted.force_evaluations()))
                })
                .collect();
            for trial in trials {
                let (out, evaluations) = trial.ok_or(AtomisticError::Stopped)?;
                found.evaluations += evaluations;
                let Some(displacement) = out else { continue };
                let there: Vec<f64> = sum(&minimum.x, 1.0, &displacement);
                let displacement = self.displacement(&minimum.x, &there);
                for part in self.parts(&minimum.x, &displacement) {
                    let same = |known: &[f64]| same_where_it_moves(&part, known);
                    if nowhere.iter().any(|known| same(known)) {
                        continue;
                    }
                    if let Some(known) = neighbors.iter_mut().find(|n| same(&n.displacement)) {
                        known.escapes += 1;
                        continue;
                    }
                    let (alone, evaluations) = self.relax(&sum(&minimum.x, 1.0, &part))?;
                    found.evaluations += evaluations;
                    let end = self.displacement(&minimum.x, &alone.x);
                    if largest(&end, 3) < 2.0 * SAME_PLACE {
                        nowhere.push(part);
                        continue;
                    }
                    let known = neighbors
                        .iter_mut()
                        .find(|n| same_where_it_moves(&end, &n.displacement));
                    if let Some(known) = known {
                        known.escapes += 1;
                        continue;
                    }
                    let (way, evaluations) = self.way_towards(minimum, &mut landscape, &end)?;
                    found.evaluations += evaluations;
                    found.ways.extend(way);
                    neighbors.push(Neighbor {
                        displacement: end,
                        escapes: 1,
                    });
                }
            }
            let escapes: u32 = neighbors.iter().map(|neighbor| neighbor.escapes).sum();
            let once = neighbors.iter().filter(|n| n.escapes == 1).count();
            if escapes >= FEWEST_ESCAPES && once as f64 <= (1.0 - COVERAGE) * f64::from(escapes) {
                break;
            }
        }
        found.searches = u64::from(done);
        Ok(found)
    }

    /// A displacement split into what moves together, each part by itself.
    fn parts(&self, x: &[f64], displacement: &[f64]) -> Vec<Vec<f64>> {
        let positions: Vec<Vector3<f64>> = unflatten(x);
        let mut left = core(displacement, 3, SAME_PLACE);
        let mut parts = Vec::new();
        while let Some(first) = left.pop() {
            let mut part = vec![first];
            let mut looked = 0;
            while looked < part.len() {
                let here = positions[part[looked] as usize];
                looked += 1;
                left.retain(|&other| {
                    let separation = positions[other as usize] - here;
                    let near = self.cell().minimum_image(&separation).norm() < TOGETHER;
                    if near {
                        part.push(other);
                    }
                    !near
                });
            }
            let mut alone = vec![0.0; displacement.len()];
            for atom in part {
                let k = 3 * atom as usize;
                alone[k..k + 3].copy_from_slice(&displacement[k..k + 3]);
            }
            if largest(&alone, 3) > 2.0 * SAME_PLACE {
                parts.push(alone);
            }
        }
        parts
    }

    /// The way out over the saddle near the highest point of the straight line to a neighbor.
    fn way_towards(
        &self,
        minimum: &Minimum,
        landscape: &mut dyn EnergyLandscape,
        end: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        let (_, place) = highest_along(landscape, &minimum.x, end, PARTS);
        let guess: Vec<f64> = end.iter().map(|u| place * u).collect();
        let (way, spent) = self.converge(minimum, &guess, WhenConvex::FollowMode)?;
        Ok((way, spent + u64::from(PARTS) - 1))
    }
}

fn sum(x: &[f64], factor: f64, u: &[f64]) -> Vec<f64> {
    x.iter().zip(u).map(|(x, u)| x + factor * u).collect()
}

/// Whether two displacements agree on the atoms that the first one moves.
fn same_where_it_moves(a: &[f64], b: &[f64]) -> bool {
    core(a, 3, SAME_PLACE).iter().all(|&atom| {
        let k = 3 * atom as usize;
        let off = |j: usize| (a[k + j] - b[k + j]).powi(2);
        (off(0) + off(1) + off(2)).sqrt() < SAME_PLACE
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
    use metabasin_landscape::SearchSettings;
    use metabasin_testkit::small_inherent_structure;

    use super::*;

    fn put(field: &mut [f64], atom: usize, u: [f64; 3]) {
        field[3 * atom..3 * atom + 3].copy_from_slice(&u);
    }

    /// Two neighbors that move are one part, a third atom far away another; what hardly moves and
    /// what is alone and moves little belongs to none.
    #[test]
    fn a_displacement_is_split_into_what_moves_together() {
        let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
        let terrain = GlassTerrain::new(
            small_inherent_structure(),
            ForceField::new(potential, Kernel::Portable),
            SearchSettings::default(),
            1.2,
            (1, 0),
            &|| true,
        );
        let x = terrain.start();
        let positions: Vec<Vector3<f64>> = unflatten(&x);
        let distance = |other: usize| {
            terrain
                .cell()
                .minimum_image(&(positions[other] - positions[0]))
                .norm()
        };
        let mut others: Vec<usize> = (1..positions.len()).collect();
        others.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        let (near, still, far, faint) = (others[0], others[1], others[498], others[497]);
        let mut field = vec![0.0; x.len()];
        put(&mut field, 0, [0.5, 0.0, 0.0]);
        put(&mut field, near, [0.0, 0.15, 0.0]);
        put(&mut field, still, [0.0, 0.05, 0.0]);
        put(&mut field, far, [0.0, 0.0, -0.3]);
        let mut first = vec![0.0; x.len()];
        put(&mut first, 0, [0.5, 0.0, 0.0]);
        put(&mut first, near, [0.0, 0.15, 0.0]);
        let mut second = vec![0.0; x.len()];
        put(&mut second, far, [0.0, 0.0, -0.3]);
        let mut parts = terrain.parts(&x, &field);
        parts.sort_by(|a, b| b[0].total_cmp(&a[0]));
        assert_eq!(parts, [first, second]);
        let mut weak = vec![0.0; x.len()];
        put(&mut weak, faint, [0.15, 0.0, 0.0]);
        assert!(terrain.parts(&x, &weak).is_empty());
    }

    #[test]
    fn displacements_are_compared_where_the_first_one_moves() {
        let mut flip = vec![0.0; 9];
        put(&mut flip, 1, [0.4, 0.0, 0.0]);
        let mut more = flip.clone();
        put(&mut more, 2, [0.0, 0.3, 0.0]);
        assert!(same_where_it_moves(&flip, &more));
        assert!(!same_where_it_moves(&more, &flip));
        put(&mut more, 1, [0.4, 0.11, 0.0]);
        assert!(!same_where_it_moves(&flip, &more));
    }
}
