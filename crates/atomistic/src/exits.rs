//! The ways out that a sample takes by itself: short dynamics from a minimum, told apart and converged.

use metabasin_atoms::{Purpose, random_stream};
use metabasin_interactions::{Counted, unflatten};
use metabasin_landscape::{
    HeatSettings, SAME_PLACE, heated_out, hessian_preconditioner, moved_together,
};
use nalgebra::Vector3;
use rayon::prelude::*;

use crate::error::AtomisticError;
use crate::field::{core, largest, sum};
use crate::glass::GlassTerrain;
use crate::terrain::{Minimum, Round, Terrain};

/// Time steps of one trajectory, 0.5 τ: one to three escapes in a glass of a thousand atoms.
const STEPS: u32 = 50;
/// Trajectories between two looks at how many of the escapes are new.
const BATCH: u32 = 16;
/// The search ends when the next escape is known with this probability (Good-Turing).
const COVERAGE: f64 = 0.95;
/// Escapes before that estimate counts for anything.
const FEWEST_ESCAPES: u32 = 20;

/// A neighboring minimum, how often trajectories fell into it, and whether nobody knew it before.
struct Neighbor {
    displacement: Vec<f64>,
    escapes: u32,
    new: bool,
}

impl GlassTerrain<'_> {
    /// See [`Terrain::exits`].
    pub(crate) fn thermal_exits(
        &self,
        minimum: &Minimum,
        known: &[Vec<f64>],
        (temperature, trajectories): (f64, u32),
        round: u64,
    ) -> Result<Round, AtomisticError> {
        let mut found = Round::default();
        let mut neighbors: Vec<Neighbor> = known
            .iter()
            .map(|displacement| Neighbor {
                displacement: displacement.clone(),
                escapes: 0,
                new: false,
            })
            .collect();
        let mut nowhere: Vec<Vec<f64>> = Vec::new();
        let mut landscape = self.landscape(&minimum.x)?;
        let preconditioner = hessian_preconditioner(&mut landscape, &minimum.x)?;
        let heat = HeatSettings {
            temperature,
            growth: 1.0,
            steps: STEPS,
            rounds: 1,
            ..HeatSettings::frozen()
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
                    let sizes = (self.settings().relaxation_step, 2.0 * SAME_PLACE);
                    let out = heated_out(
                        &mut counted,
                        &minimum.x,
                        &preconditioner,
                        (&heat, &|_| true),
                        sizes,
                        &mut random,
                    );
                    (self.goes_on()).then(|| (out, counted.force_evaluations()))
                })
                .collect();
            for trial in trials {
                let (out, evaluations) = trial.ok_or(AtomisticError::Stopped)?;
                found.evaluations += evaluations;
                let Some(displacement) = out else { continue };
                let there: Vec<f64> = sum(&minimum.x, &displacement);
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
                    let (alone, evaluations) = self.relax(&sum(&minimum.x, &part))?;
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
                    let (way, evaluations) =
                        self.way_towards(minimum, &mut landscape, &preconditioner, &end)?;
                    found.evaluations += evaluations;
                    found.ways.extend(way);
                    neighbors.push(Neighbor {
                        displacement: end,
                        escapes: 1,
                        new: true,
                    });
                }
            }
            let escapes: u32 = neighbors.iter().map(|neighbor| neighbor.escapes).sum();
            let once = neighbors.iter().filter(|n| n.new && n.escapes == 1);
            let once = once.count();
            if escapes >= FEWEST_ESCAPES && once as f64 <= (1.0 - COVERAGE) * f64::from(escapes) {
                break;
            }
        }
        found.searches = u64::from(done);
        Ok(found)
    }

    /// A displacement split into what moves together.
    fn parts(&self, x: &[f64], displacement: &[f64]) -> Vec<Vec<f64>> {
        let positions: Vec<Vector3<f64>> = unflatten(x);
        moved_together(displacement, &|a, b| {
            let separation = positions[a] - positions[b];
            self.cell().minimum_image(&separation).norm()
        })
    }
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
    use super::*;

    fn put(field: &mut [f64], atom: usize, u: [f64; 3]) {
        field[3 * atom..3 * atom + 3].copy_from_slice(&u);
    }

    #[test]
    fn displacements_are_compared_where_the_first_one_moves() {
        let mut flip = vec![0.0; 9];
        put(&mut flip, 1, [0.4, 0.0, 0.0]);
        let mut more = flip.clone();
        put(&mut more, 2, [0.0, 0.3, 0.0]);
        assert!(same_where_it_moves(&flip, &more));
        assert!(!same_where_it_moves(&more, &flip));
        put(&mut more, 1, [0.4, 0.06, 0.0]);
        assert!(!same_where_it_moves(&flip, &more));
    }
}
