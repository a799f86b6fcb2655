//! New ways out: searched, told apart from known ones, given to the region they belong to.

use crate::error::AtomisticError;
use crate::field::{Field, core, largest, shared, union};
use crate::region::Passage;
use crate::terrain::{Round, Terrain, WayOut};
use crate::walk::{BACKGROUND, Walk};

/// Minima that differ by less in energy are one `[energy]`: they are converged far better.
const SAME_ENERGY: f64 = 1e-6;

impl Walk {
    /// One round of searches from the current minimum.
    pub(super) fn search(
        &mut self,
        terrain: &impl Terrain,
        around: Option<&[u32]>,
        effort: u32,
    ) -> Result<(), AtomisticError> {
        let round = terrain.search(&self.minimum, around, effort, self.rounds)?;
        self.gain(terrain, &round);
        Ok(())
    }

    /// The fastest ways out of the current minimum, by dynamics, unless it has looked from there before.
    /// Some exist only where several regions are in certain states at once.
    pub(super) fn look_for_exits(&mut self, terrain: &impl Terrain) -> Result<(), AtomisticError> {
        let energy = self.minimum.energy;
        let here = |looked: &f64| (looked - energy).abs() < SAME_ENERGY;
        if self.settings.trajectories == 0 || self.looked_from.iter().any(here) {
            return Ok(());
        }
        self.looked_from.push(energy);
        for heat in self.settings.trajectory_heats.clone() {
            let dynamics = (heat * self.settings.temperature, self.settings.trajectories);
            let known = self.known_neighbors();
            let found = terrain.exits(&self.minimum, &known, dynamics, self.rounds)?;
            self.gain(terrain, &found);
        }
        Ok(())
    }

    /// Displacements from where the sample is to the minima behind all the ways out that are known.
    fn known_neighbors(&self) -> Vec<Vec<f64>> {
        let mut neighbors = Vec::new();
        for region in &self.regions {
            let here = &region.states[region.current].field;
            for passage in region.ways_from(region.current) {
                let end = passage.end_field(&region.states);
                neighbors.push(end.plus(-1.0, here, self.dimension).dense(self.dimension));
            }
        }
        neighbors
    }

    fn gain(&mut self, terrain: &impl Terrain, round: &Round) {
        self.rounds += 1;
        self.searches += round.searches;
        self.evaluations += round.evaluations;
        for way in &round.ways {
            self.learn(terrain.site_dimension(), way);
        }
    }

    /// Enters a way out of the current minimum, unless it is known or too high.
    pub(super) fn learn(&mut self, per_site: usize, way: &WayOut) {
        if !(way.barrier > 0.0 && way.barrier <= self.settings.highest_barrier) {
            return;
        }
        let tolerance = self.settings.same_place;
        let dimension = self.dimension;
        let moving = core(&way.end, per_site, self.settings.core_move);
        // The region that it moves most of; the lowest index of several.
        let owner = (1..self.regions.len())
            .map(|index| (shared(&moving, &self.regions[index].sites), index))
            .filter(|&(count, _)| count > 0)
            .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))
            .map_or(BACKGROUND, |(_, index)| index);
        let touches = (1..self.regions.len())
            .filter(|&index| shared(&moving, &self.regions[index].sites) > 0)
            .count();
        let region = &mut self.regions[owner];
        let mut passage = region.passage(way, per_site, &self.settings);
        let here = region.current;
        let behind = if touches == 1 {
            region.state_like(&passage.end, dimension, per_site, tolerance)
        } else {
            None
        };
        if behind == Some(here) {
            return;
        }
        let same = |known: &Passage| {
            let ends_meet = match (known.to, behind) {
                (Some(to), Some(behind)) => {
                    (known.from, to) == (here, behind) || (known.from, to) == (behind, here)
                }
                (None, _) if known.from == here => {
                    region.same_on_sites(&known.end, &passage.end, dimension, per_site, tolerance)
                }
                _ => false,
            };
            ends_meet
                && region.same_on_sites(
                    &known.saddle,
                    &passage.saddle,
                    dimension,
                    per_site,
                    tolerance,
                )
        };
        let known = region.passages.iter().position(same);
        passage.to = behind;
        match known {
            None => region.passages.push(passage),
            Some(index) if region.passages[index].to.is_none() => {
                // What was measured once stays measured.
                let measured = region.passages[index].prefactors;
                passage.prefactors = passage.prefactors.or(measured);
                region.passages[index] = passage;
            }
            // Both ends are known and the saddle is the same: the first one found stays.
            Some(_) => return,
        }
        self.forget_chains();
    }

    /// Converges carried ways out of the current states again, the fastest first, while one's share
    /// of the rate at which anything happens is above the bound; searches where they are gone.
    pub(super) fn confirm_likely(&mut self, terrain: &impl Terrain) -> Result<(), AtomisticError> {
        let per_site = terrain.site_dimension();
        let mut lost = Vec::new();
        while let Some((region, exit)) = self.likely() {
            let center = self.center(region, exit, per_site);
            if self.confirm(terrain, region, exit)?.is_none() {
                lost.push(center);
            }
        }
        self.look_around(terrain, &union(&lost, &[]))
    }

    /// The fastest way out of a current state that was carried over, where its share of the rate
    /// is above the bound: its region, and its index there.
    fn likely(&self) -> Option<(usize, usize)> {
        let mut total = 0.0;
        let mut fastest: Option<(f64, usize, usize)> = None;
        for (index, region) in self.regions.iter().enumerate() {
            for exit in region.exits_of(region.current) {
                let passage = &region.passages[exit];
                let rate = region.rate(passage, &self.settings);
                total += rate;
                if !passage.confirmed && fastest.is_none_or(|(best, _, _)| rate > best) {
                    fastest = Some((rate, index, exit));
                }
            }
        }
        fastest
            .filter(|(rate, ..)| *rate > self.settings.confirm_share * total)
            .map(|(_, region, exit)| (region, exit))
    }

    /// The site that a passage moves most.
    pub(super) fn center(&self, region: usize, exit: usize, per_site: usize) -> u32 {
        let owner = &self.regions[region];
        let passage = &owner.passages[exit];
        self.known(owner, passage, passage.from, per_site).center
    }

    /// Converges a way out of a current state again; it is gone where that leads elsewhere, and
    /// whatever is found instead is kept as a way of its own. Says whether it still exists.
    pub(super) fn confirm(
        &mut self,
        terrain: &impl Terrain,
        region: usize,
        exit: usize,
    ) -> Result<Option<WayOut>, AtomisticError> {
        let per_site = terrain.site_dimension();
        let owner = &self.regions[region];
        let here = &owner.states[owner.current].field;
        let passage = &owner.passages[exit];
        let guess = passage.saddle.plus(-1.0, here, self.dimension);
        let guess = guess.dense(self.dimension);
        let (way, evaluations) = if passage.prefactors.is_some() {
            terrain.confirm(&self.minimum, &guess)?
        } else {
            terrain.confirm_declared(&self.minimum, &guess)?
        };
        self.evaluations += evaluations;
        self.forget_chains();
        let Some(way) = way else {
            self.regions[region].passages.remove(exit);
            return Ok(None);
        };
        let owner = &self.regions[region];
        let passage = &owner.passages[exit];
        let again = owner.passage(&way, per_site, &self.settings);
        let tolerance = 3.0 * self.settings.same_place;
        let close = |a: &Field, b: &Field| {
            let difference = a.plus(-1.0, b, self.dimension).dense(self.dimension);
            largest(&difference, per_site) < tolerance
        };
        let same = close(&again.saddle, &passage.saddle) && close(&again.end, &passage.end);
        if same && way.barrier > 0.0 {
            self.regions[region].passages[exit] = again;
            Ok(Some(way))
        } else {
            self.regions[region].passages.remove(exit);
            self.learn(per_site, &way);
            Ok(None)
        }
    }
}
