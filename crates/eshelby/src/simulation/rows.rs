//! The state of a lattice at one moment, and which excitations the floor holds back.

use metabasin_atoms::Stress;

use super::{Row, Simulation};
use crate::mandel::{Mandel, add, dot, scale, subtract, to_tensor};

impl Simulation {
    /// The state now.
    pub(super) fn row(&self) -> Row {
        let lattice = &self.lattice;
        let macroscopic = self.macroscopic();
        let mut driving = [0.0; 6];
        let mut active = [0.0; 6];
        let mut energy = 0.0;
        for (index, (pair, &flipped)) in lattice.pairs.iter().zip(&self.state.flipped).enumerate() {
            if flipped {
                let influence = &lattice.influence;
                let on_others = subtract(&influence.on_excitations[index], &pair.own_stress);
                driving = add(&driving, &on_others);
                active = add(&active, &influence.on_active[index]);
                energy += pair.energy_final;
            }
        }
        let mean = |sum: &Mandel, count: usize| {
            (count > 0).then(|| {
                let field = scale(sum, 1.0 / count as f64);
                Stress(to_tensor(add(&field, &macroscopic)))
            })
        };
        let elastic_sites = lattice.elastic_sites();
        let active_sites = lattice.elastic.len() - elastic_sites;
        energy += self.state.interaction
            + 0.5 * lattice.volume() * dot(&macroscopic, &lattice.cell.strain(&macroscopic));
        Row {
            stage: self.state.stage,
            elapsed: self.state.elapsed.now(),
            time: self.state.time.now(),
            strain: self.strain(),
            stress: self.stress(),
            energy,
            events: self.state.counters.events,
            driving_active_mean: mean(&driving, lattice.pairs.len()),
            reported_active_mean: mean(&active, active_sites).unwrap_or_default(),
            // The fields of all sites together vanish.
            reported_elastic_mean: mean(&scale(&active, -1.0), elastic_sites),
        }
    }

    /// Marks the excitations whose saddle the floor raises now.
    pub(super) fn mark_floored(&mut self) {
        if self.state.floor <= 0.0 {
            return;
        }
        let macroscopic = self.macroscopic();
        let unknown = self.state.field.unknown(&self.lattice);
        for (index, leap) in self.leaps.iter().enumerate() {
            if self.state.floored[index] {
                continue;
            }
            let below = |field: &Mandel| {
                let (saddle, other) = leap.energies(&add(field, &macroscopic));
                other.max(0.0) + self.state.floor - saddle
            };
            let mut margin = below(&self.state.field.known()[index]);
            let sizes = [leap.to_saddle, leap.to_other].map(|p| dot(&p, &p).sqrt());
            if margin.abs() <= unknown * (sizes[0] + sizes[1]) {
                margin = below(&self.field_at(index));
            }
            if margin > 0.0 {
                self.state.floored[index] = true;
            }
        }
    }
}
