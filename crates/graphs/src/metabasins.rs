//! States lumped where they exchange fast.

use crate::reversible_model::ReversibleModel;

/// For every state of the model, in the order of [`ReversibleModel::states`], the number of its
/// metabasin: states between which the flux c_ij settles unequal occupations at a rate
/// c_ij (1/w_i + 1/w_j) above `fastest` `[1/τ]`, directly or along others, are one. Numbered in the
/// order of their first states.
pub fn metabasins(model: &ReversibleModel, fastest: f64) -> Vec<usize> {
    let states = model.states();
    let mut lump: Vec<usize> = (0..states.len()).collect();
    for flux in model.fluxes() {
        let [i, j] = flux.between;
        if model.rate(i, j) + model.rate(j, i) <= fastest {
            continue;
        }
        let places = [i, j].map(|state| states.partition_point(|&other| other < state));
        let [low, high] = {
            let [a, b] = places.map(|place| lump[place]);
            [a.min(b), a.max(b)]
        };
        for number in &mut lump {
            if *number == high {
                *number = low;
            }
        }
    }
    let mut first = lump.clone();
    first.sort_unstable();
    first.dedup();
    lump.iter()
        .map(|number| first.partition_point(|other| other < number))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Counts;

    /// 0 and 1 exchange at every other moment, 3 lasts one moment whenever it is entered from 2, and
    /// between 1 and 2 two jumps are seen in all.
    #[test]
    fn what_exchanges_fast_is_one() {
        let mut trajectory = Vec::new();
        for _ in 0..2 {
            for _ in 0..50 {
                trajectory.extend([0, 0, 1, 1]);
            }
            for _ in 0..10 {
                trajectory.extend([2, 2, 2, 2, 2, 2, 2, 2, 2, 3]);
            }
            trajectory.push(2);
        }
        trajectory.extend([1, 0]);
        let mut counts = Counts::new(4);
        counts.add(&trajectory, 1.0);
        let model = ReversibleModel::fit(&counts).unwrap();
        assert_eq!(metabasins(&model, 0.3), [0, 0, 1, 1]);
        assert_eq!(metabasins(&model, 1.05), [0, 1, 2, 2]);
        assert_eq!(metabasins(&model, 2.0), [0, 1, 2, 3]);
        assert_eq!(metabasins(&model, 1e-4), [0, 0, 0, 0]);
    }
}
