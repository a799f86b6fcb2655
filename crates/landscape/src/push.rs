//! The local random push that starts a search.

use metabasin_atoms::Configuration;
use nalgebra::Vector3;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

use crate::settings::SearchSettings;

/// Draws before the push is shortened instead of drawn again.
const DRAWS: u32 = 4;
/// So often it is shortened at most, each time by a fifth: by then it moves nothing.
const SHRINKS: u32 = 200;

/// The displacement of one push, flat: normal random vectors on `center` and on all atoms within
/// `push_radius` of it, scaled so that the atom that moves most moves by `push_step`.
///
/// Random starts put atoms on top of each other (median energy 1.6e4 ε for displacements of
/// 0.2-0.3 σ), so a push whose first repetitions bring two atoms closer than `closest_approach`
/// times the shortest distance around here between atoms of their species is drawn again, and after
/// a few draws shortened.
pub fn local_push(
    minimum: &Configuration,
    center: usize,
    settings: &SearchSettings,
    random: &mut Pcg64,
) -> Vec<f64> {
    let cell = &minimum.cell;
    let positions = &minimum.positions;
    let distance = |i: usize, j: usize| cell.minimum_image(&(positions[i] - positions[j]));
    let pushed: Vec<usize> = (0..minimum.len())
        .filter(|&i| distance(i, center).norm() <= settings.push_radius)
        .collect();
    // Pairs of a pushed atom and another that could come close, each pair once.
    let reach =
        2.0 * settings.push_radius + 2.0 * f64::from(settings.first_pushes) * settings.push_step;
    let mut pairs = Vec::new();
    for &i in &pushed {
        for j in 0..minimum.len() {
            if i != j && (j > i || !pushed.contains(&j)) {
                let separation = distance(i, j);
                if separation.norm() < reach {
                    pairs.push((i, j, separation));
                }
            }
        }
    }
    let kind = |i: usize, j: usize| {
        let (a, b) = (minimum.species[i], minimum.species[j]);
        (a.min(b), a.max(b))
    };
    let mut shortest = std::collections::BTreeMap::new();
    for (i, j, separation) in &pairs {
        let entry = shortest.entry(kind(*i, *j)).or_insert(f64::INFINITY);
        *entry = separation.norm().min(*entry);
    }
    let mut displacements = vec![Vector3::zeros(); minimum.len()];
    for draw in 1.. {
        let mut largest = 0.0_f64;
        for &i in &pushed {
            displacements[i] = Vector3::from_fn(|_, _| StandardNormal.sample(random));
            largest = largest.max(displacements[i].norm());
        }
        let mut length = settings.push_step / largest;
        let pushes = f64::from(settings.first_pushes);
        let clear = |length: f64| {
            pairs.iter().all(|(i, j, separation)| {
                let change = (displacements[*i] - displacements[*j]) * (length * pushes);
                (separation + change).norm() >= settings.closest_approach * shortest[&kind(*i, *j)]
            })
        };
        if !clear(length) {
            if draw < DRAWS {
                continue;
            }
            for _ in 0..SHRINKS {
                if clear(length) {
                    break;
                }
                length *= 0.8;
            }
        }
        return displacements
            .iter()
            .flat_map(|displacement| {
                (displacement * length)
                    .into_iter()
                    .copied()
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    unreachable!("the last draw is shortened until it is clear")
}
