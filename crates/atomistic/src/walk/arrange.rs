//! The sample with every region in a given state.

use crate::error::AtomisticError;
use crate::field::{Field, core, shared, union};
use crate::region::Region;
use crate::terrain::Terrain;
use crate::walk::carry::Known;
use crate::walk::{BACKGROUND, Walk};

/// A relaxation that moves a site farther than this, in units of the distance between two places,
/// has left for another minimum.
const FAR: f64 = 3.0;

impl Walk {
    /// Puts every region into its state of `states` and relaxes the sample. Where these do not
    /// exist side by side, the sample falls elsewhere: regions are then found where they are, new
    /// minima are searched, and the answer is `false`.
    pub(super) fn arrange(
        &mut self,
        terrain: &impl Terrain,
        states: &[usize],
    ) -> Result<bool, AtomisticError> {
        if self
            .regions
            .iter()
            .zip(states)
            .all(|(region, &state)| region.current == state)
        {
            return Ok(true);
        }
        let per_site = terrain.site_dimension();
        let mut x = self.minimum.x.clone();
        for (region, &state) in self.regions.iter().zip(states) {
            region.states[state].field.add_to(1.0, &mut x);
            region.states[region.current].field.add_to(-1.0, &mut x);
        }
        let (minimum, evaluations) = terrain.relax(&x)?;
        self.evaluations += evaluations;
        let slid = terrain.displacement(&x, &minimum.x);
        let moved = terrain.displacement(&self.minimum.x, &minimum.x);
        let far = FAR * self.settings.same_place;
        let strayed: Vec<u32> = if crate::field::largest(&slid, per_site) < far {
            Vec::new()
        } else {
            core(&slid, per_site, far)
        };
        let before = self.chart(per_site);
        self.minimum = minimum;
        let mut lost = Vec::new();
        for (index, region) in self.regions.iter_mut().enumerate() {
            if index == BACKGROUND || shared(&strayed, &region.sites) == 0 {
                region.current = states[index];
                continue;
            }
            let mut here = moved.clone();
            region.states[region.current].field.add_to(1.0, &mut here);
            let here = Field::from_dense(&here);
            let tolerance = 2.0 * self.settings.same_place;
            match region.state_like(&here, self.dimension, per_site, tolerance) {
                Some(state) => region.current = state,
                None => lost.push(index),
            }
        }
        let accounted = self
            .regions
            .iter()
            .enumerate()
            .filter(|(index, _)| !lost.contains(index))
            .fold(Vec::new(), |sites, (_, region)| {
                union(&sites, &region.sites)
            });
        let wild = strayed
            .iter()
            .any(|site| accounted.binary_search(site).is_err());
        if lost.is_empty() && !wild {
            return Ok(strayed.is_empty());
        }
        let changed = terrain.changed(&x, &self.minimum.x, &strayed);
        self.rebuild(terrain, &lost, &strayed);
        let is_changed = |way: &&Known| changed.binary_search(&way.center).is_ok();
        let touched: Vec<Known> = before.ways.iter().filter(is_changed).cloned().collect();
        self.explore(terrain, &[before], &changed, &touched)?;
        Ok(false)
    }

    /// Replaces regions that are in no known state by one that knows nothing yet.
    fn rebuild(&mut self, terrain: &impl Terrain, lost: &[usize], strayed: &[u32]) {
        let mut sites = terrain.surroundings(&self.minimum.x, strayed);
        for &index in lost {
            sites = union(&sites, &self.regions[index].sites);
        }
        // A region that only touches is taken in with what it knows of its current state.
        let touched: Vec<usize> = (1..self.regions.len())
            .filter(|index| !lost.contains(index))
            .filter(|&index| shared(&self.regions[index].sites, strayed) > 0)
            .collect();
        let mut region = Region::at_rest(sites);
        for &index in &touched {
            region.sites = union(&region.sites, &self.regions[index].sites);
        }
        let stay = |passage: &crate::region::Passage| shared(&passage.core, strayed) == 0;
        for &index in lost.iter().chain(&touched) {
            let known = self.regions[index].passages_from_here(self.dimension);
            if touched.contains(&index) {
                region.passages.extend(known.into_iter().filter(&stay));
            }
        }
        let mut gone: Vec<usize> = lost.iter().chain(&touched).copied().collect();
        gone.sort_unstable();
        for index in gone.into_iter().rev() {
            self.regions.remove(index);
        }
        self.absorb(&mut region, &stay);
        self.regions.push(region);
        self.reference = self.minimum.energy - self.levels();
        self.forget_chains();
    }

    /// Moves the passages of the background that touch a region into it; those that `keep` refuses
    /// are dropped.
    pub(super) fn absorb(
        &mut self,
        region: &mut Region,
        keep: &dyn Fn(&crate::region::Passage) -> bool,
    ) {
        let background = &mut self.regions[BACKGROUND];
        let (inside, outside): (Vec<_>, Vec<_>) = std::mem::take(&mut background.passages)
            .into_iter()
            .partition(|passage| shared(&passage.core, &region.sites) > 0);
        background.passages = outside;
        region.passages.extend(inside.into_iter().filter(keep));
    }
}
