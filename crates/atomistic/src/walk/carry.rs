//! Ways out that are known elsewhere, carried to where the surroundings are alike.

use rayon::prelude::*;

use crate::error::AtomisticError;
use crate::field::{Field, farthest, largest, union};
use crate::region::{Passage, Region};
use crate::terrain::{Terrain, WayOut};
use crate::walk::Walk;

/// A saddle found again from a guess is the guessed one when no site is farther off, in units of the
/// distance between two places.
const SAME_SADDLE: f64 = 3.0;

/// A way out as it is known, or guessed, at a site.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The site that moves most.
    pub center: u32,
    /// Displacement from the minimum to the saddle.
    pub saddle: Field,
    /// Displacement to the minimum behind.
    pub end: Field,
    /// Whether its attempt frequencies were measured.
    pub measured: bool,
}

/// A minimum and the ways out of it that are known.
pub(super) struct Chart {
    pub x: Vec<f64>,
    pub ways: Vec<Known>,
}

/// What is left to search after known ways were carried over.
#[derive(Default)]
pub(super) struct Open {
    /// Sites whose surroundings are like none around which a way is known.
    pub unlike: Vec<u32>,
    /// Sites where a way that should be there was not found.
    pub missed: Vec<u32>,
}

impl Walk {
    /// The current minimum and what is known of it.
    pub(super) fn chart(&self, per_site: usize) -> Chart {
        let known = |region: &Region| -> Vec<Known> {
            region
                .ways_from(region.current)
                .map(|passage| self.known(region, &passage, region.current, per_site))
                .collect()
        };
        Chart {
            x: self.minimum.x.clone(),
            ways: self.regions.iter().flat_map(known).collect(),
        }
    }

    /// The minima of a region's other states but `left`, the newest first, and what leads out of
    /// them; the rest of the sample as it is.
    pub(super) fn charts_of_others(
        &self,
        index: usize,
        left: usize,
        per_site: usize,
    ) -> Vec<Chart> {
        let region = &self.regions[index];
        let here = &region.states[region.current].field;
        let others = (0..region.states.len()).rev();
        others
            .filter(|&state| state != left && state != region.current)
            .map(|state| {
                let mut x = self.minimum.x.clone();
                here.add_to(-1.0, &mut x);
                region.states[state].field.add_to(1.0, &mut x);
                let ways = region
                    .ways_from(state)
                    .map(|passage| self.known(region, &passage, state, per_site))
                    .collect();
                Chart { x, ways }
            })
            .collect()
    }

    /// A passage of a region as seen from the state that it leaves.
    pub(super) fn known(
        &self,
        region: &Region,
        passage: &Passage,
        state: usize,
        per_site: usize,
    ) -> Known {
        let from = &region.states[state].field;
        let end = passage.end_field(&region.states);
        let end = end.plus(-1.0, from, self.dimension);
        Known {
            center: farthest(&end.dense(self.dimension), per_site),
            saddle: passage.saddle.plus(-1.0, from, self.dimension),
            end,
            measured: passage.prefactors.is_some(),
        }
    }

    /// Converges the ways of `charts` wherever the surroundings of one of `sites` in the current minimum
    /// are like those of such a way's center, and enters what is found. A site takes the ways of the first
    /// chart that knows its like.
    pub(super) fn carry(
        &mut self,
        terrain: &impl Terrain,
        charts: &[Chart],
        sites: &[u32],
    ) -> Result<Open, AtomisticError> {
        let mut open = Open {
            unlike: sites.to_vec(),
            missed: Vec::new(),
        };
        for chart in charts {
            if open.unlike.is_empty() {
                break;
            }
            let mut centers: Vec<u32> = chart.ways.iter().map(|way| way.center).collect();
            centers.sort_unstable();
            centers.dedup();
            let alike = terrain.alike(&chart.x, &centers, &self.minimum.x, &open.unlike);
            let mut guesses: Vec<Known> = Vec::new();
            let known = self.chart(terrain.site_dimension()).ways;
            for likeness in &alike {
                for way in chart.ways.iter().filter(|way| way.center == likeness.known) {
                    let mapped = |field: &Field| {
                        let field = field.dense(self.dimension);
                        let mapped = terrain.mapped(&chart.x, &field, &self.minimum.x, likeness)?;
                        Some(Field::from_dense(&mapped))
                    };
                    let (Some(saddle), Some(end)) = (mapped(&way.saddle), mapped(&way.end)) else {
                        open.missed.push(likeness.site);
                        continue;
                    };
                    let guess = Known {
                        center: likeness.site,
                        saddle,
                        end,
                        measured: way.measured,
                    };
                    let same = |other: &Known| self.same_way(terrain, other, &guess);
                    if !known.iter().chain(&guesses).any(same) {
                        guesses.push(guess);
                    }
                }
            }
            open.missed.extend(self.converge(terrain, &guesses)?);
            let is_open = |site: &u32| alike.iter().all(|likeness| likeness.site != *site);
            open.unlike.retain(is_open);
        }
        open.missed = union(&open.missed, &[]);
        Ok(open)
    }

    /// Whether two ways lead over the same saddle to the same minimum: over one that two ways share
    /// they may lead to two.
    fn same_way(&self, terrain: &impl Terrain, a: &Known, b: &Known) -> bool {
        let tolerance = self.settings.same_place;
        let anywhere = Region::at_rest(Vec::new());
        let same = |a: &Field, b: &Field| {
            let per_site = terrain.site_dimension();
            anywhere.same_on_sites(a, b, self.dimension, per_site, tolerance)
        };
        same(&a.saddle, &b.saddle) && same(&a.end, &b.end)
    }

    /// Converges guessed ways out of the current minimum side by side and enters those that are there;
    /// gives back the centers of the others.
    pub(super) fn converge(
        &mut self,
        terrain: &impl Terrain,
        guesses: &[Known],
    ) -> Result<Vec<u32>, AtomisticError> {
        let (minimum, dimension) = (&self.minimum, self.dimension);
        let converged: Vec<Result<(Option<WayOut>, u64), AtomisticError>> = guesses
            .par_iter()
            .map(|guess| {
                let saddle = guess.saddle.dense(dimension);
                if guess.measured {
                    terrain.confirm(minimum, &saddle)
                } else {
                    terrain.confirm_declared(minimum, &saddle)
                }
            })
            .collect();
        let per_site = terrain.site_dimension();
        let tolerance = SAME_SADDLE * self.settings.same_place;
        let mut missed = Vec::new();
        for (guess, converged) in guesses.iter().zip(converged) {
            let (way, evaluations) = converged?;
            self.evaluations += evaluations;
            let there = way.is_some_and(|way| {
                self.learn(per_site, &way);
                let found = Field::from_dense(&way.saddle);
                let off = found.plus(-1.0, &guess.saddle, dimension);
                largest(&off.dense(dimension), per_site) < tolerance
            });
            if !there {
                missed.push(guess.center);
            }
        }
        Ok(missed)
    }

    /// Searches around sites of the current minimum, carries what is found to sites among them that
    /// are alike, and lets dynamics look for what is faster.
    pub(super) fn look_around(
        &mut self,
        terrain: &impl Terrain,
        sites: &[u32],
    ) -> Result<(), AtomisticError> {
        if !sites.is_empty() {
            let effort = self.settings.effort;
            self.search(terrain, Some(sites), effort)?;
            let here = self.chart(terrain.site_dimension());
            self.carry(terrain, &[here], sites)?;
        }
        self.look_for_exits(terrain)
    }
    /// Looks for the ways out of a new minimum where the surroundings of the sites `changed` are others
    /// than before: carries what is known of their like in `charts`, of which the first is the minimum that
    /// was left; converges the ways `touched` from there again where no likeness says what became of
    /// them, the first few; and searches around what is like nothing known, and where ways were lost.
    pub(super) fn explore(
        &mut self,
        terrain: &impl Terrain,
        charts: &[Chart],
        changed: &[u32],
        touched: &[Known],
    ) -> Result<(), AtomisticError> {
        let centers: Vec<u32> = touched.iter().map(|way| way.center).collect();
        let mut open = self.carry(terrain, charts, &union(changed, &centers))?;
        if let Some(left) = charts.first() {
            let familiar = terrain.familiar(&left.x, &self.minimum.x, &open.unlike);
            let is_new = |site: &u32| familiar.binary_search(site).is_err();
            open.unlike.retain(is_new);
        }
        let is_open = |way: &&Known| {
            let lists = [&open.unlike, &open.missed];
            lists
                .iter()
                .any(|sites| sites.binary_search(&way.center).is_ok())
        };
        let lost: Vec<Known> = touched.iter().filter(is_open).cloned().collect();
        let (again, given_up) = lost.split_at(lost.len().min(self.settings.reconverge as usize));
        let mut searched = open.missed.clone();
        searched.extend(self.converge(terrain, again)?);
        searched.extend(given_up.iter().map(|way| way.center));
        let is_changed = |site: &&u32| changed.binary_search(site).is_ok();
        searched.extend(open.unlike.iter().filter(is_changed));
        self.look_around(terrain, &union(&searched, &[]))
    }
}
