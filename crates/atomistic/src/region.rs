//! Regions: groups of atoms that flicker together, each with its own small network of minima.

use serde::{Deserialize, Serialize};

use crate::chain::{AbsorbingChain, ChainError};
use crate::field::{Field, core, largest};
use crate::settings::WalkSettings;
use crate::terrain::WayOut;

/// Saddles in one place whose energies differ by less are one pass, in units of kT.
const SAME_HEIGHT: f64 = 0.1;

/// A minimum of a region, the rest of the sample being as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Displacement from state 0.
    pub field: Field,
    /// Energy above state 0 `[energy]`.
    pub level: f64,
}

/// A way over a saddle: between two states of its region, or out of one to a minimum that nobody
/// has seen yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Passage {
    pub from: usize,
    pub to: Option<usize>,
    /// Displacements from state 0 to the saddle and to the minimum behind.
    pub saddle: Field,
    pub end: Field,
    /// Energies of both above state 0 `[energy]`.
    pub saddle_level: f64,
    pub end_level: f64,
    /// Sites that move.
    pub core: Vec<u32>,
    /// Attempt frequencies there and back `[1/τ]`.
    pub prefactors: Option<[f64; 2]>,
    /// Whether it was converged in the minimum that it leaves, not carried over from another.
    pub confirmed: bool,
}

impl Passage {
    pub fn barrier(&self, states: &[State]) -> f64 {
        self.saddle_level - states[self.from].level
    }

    /// Displacement from state 0 to the minimum that it leads to.
    pub fn end_field<'a>(&'a self, states: &'a [State]) -> &'a Field {
        self.to.map_or(&self.end, |to| &states[to].field)
    }

    /// The same from the state that it leads to.
    fn reversed(&self) -> Option<Self> {
        Some(Self {
            from: self.to?,
            to: Some(self.from),
            prefactors: self.prefactors.map(|[there, back]| [back, there]),
            ..self.clone()
        })
    }
}

/// Sites whose events move them together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Region {
    /// Ascending; none for the background, whose only state is that nothing happened.
    pub sites: Vec<u32>,
    pub states: Vec<State>,
    pub passages: Vec<Passage>,
    pub current: usize,
}

impl Region {
    /// A region with one state and no passages.
    pub fn at_rest(sites: Vec<u32>) -> Self {
        Self {
            sites,
            states: vec![State {
                field: Field::default(),
                level: 0.0,
            }],
            passages: Vec::new(),
            current: 0,
        }
    }

    /// Over how many ways out of one minimum the rate of a passage's saddle is shared: those, itself
    /// counted, whose saddles are in its place and at its height. Of its two minima the larger number
    /// counts, so that both directions keep detailed balance.
    ///
    /// Where three minima meet, two saddles may lie so close that there is no telling them apart at this
    /// temperature: their harmonic surroundings, of which a rate is made, are the same place, and count
    /// once.
    fn sharing(&self, passage: &Passage, settings: &WalkSettings) -> f64 {
        let height = SAME_HEIGHT * settings.temperature;
        let is_beside = |other: &Passage, state: usize| {
            (other.from == state || other.to == Some(state))
                && (other.saddle_level - passage.saddle_level).abs() < height
                && other.saddle.is_within(settings.same_place, &passage.saddle)
        };
        let ends = std::iter::once(passage.from).chain(passage.to);
        let ways = ends.map(|state| {
            let ways = self.passages.iter();
            ways.filter(|other| is_beside(other, state)).count()
        });
        ways.fold(1, usize::max) as f64
    }

    /// Rate of a passage that leads from a height to a saddle, k = ν exp(−ΔE / T) / n `[1/τ]`, shared
    /// among the n ways over that saddle ([`Self::sharing`]); a saddle below one of its minima (carried
    /// over, to first order) counts as level with the higher one, so that both directions keep detailed
    /// balance.
    pub fn rate(&self, passage: &Passage, settings: &WalkSettings) -> f64 {
        let level = self.states[passage.from].level;
        let end = passage
            .to
            .map_or(passage.end_level, |to| self.states[to].level);
        let saddle = passage.saddle_level.max(level).max(end);
        let frequency = passage
            .prefactors
            .map_or(settings.attempt_frequency, |[there, _]| there);
        frequency * ((level - saddle) / settings.temperature).exp()
            / self.sharing(passage, settings)
    }

    fn rate_back(&self, passage: &Passage, to: usize, settings: &WalkSettings) -> f64 {
        let level = self.states[to].level;
        let saddle = passage
            .saddle_level
            .max(level)
            .max(self.states[passage.from].level);
        let frequency = passage
            .prefactors
            .map_or(settings.attempt_frequency, |[_, back]| back);
        frequency * ((level - saddle) / settings.temperature).exp()
            / self.sharing(passage, settings)
    }

    /// Its states as a chain that is left by the first passage to an unseen minimum.
    pub fn chain(&self, settings: &WalkSettings) -> Result<AbsorbingChain, ChainError> {
        let n = self.states.len();
        let mut hops = vec![0.0; n * n];
        let mut exits = vec![0.0; n];
        for passage in &self.passages {
            let there = self.rate(passage, settings);
            match passage.to {
                Some(to) => {
                    hops[passage.from * n + to] += there;
                    hops[to * n + passage.from] += self.rate_back(passage, to, settings);
                }
                None => exits[passage.from] += there,
            }
        }
        AbsorbingChain::new(hops, exits)
    }

    /// Indices of the passages from a state to unseen minima.
    pub fn exits_of(&self, state: usize) -> impl Iterator<Item = usize> {
        self.passages
            .iter()
            .enumerate()
            .filter(move |(_, passage)| passage.from == state && passage.to.is_none())
            .map(|(index, _)| index)
    }

    /// A way out of the current state as a passage of this region.
    pub fn passage(&self, way: &WayOut, per_site: usize, settings: &WalkSettings) -> Passage {
        let here = &self.states[self.current];
        let placed = |field: &[f64]| {
            let mut x = field.to_vec();
            here.field.add_to(1.0, &mut x);
            Field::from_dense(&x)
        };
        Passage {
            from: self.current,
            to: None,
            saddle: placed(&way.saddle),
            end: placed(&way.end),
            saddle_level: here.level + way.barrier,
            end_level: here.level + way.end_energy,
            core: core(&way.end, per_site, settings.core_move),
            prefactors: way.prefactors,
            confirmed: true,
        }
    }

    /// Whether two fields agree on all sites of the region and where either moves one by more than twice
    /// `tolerance`; on all sites where neither does and the region has none.
    ///
    /// Farther off they may differ by what other regions have done since one of them was found.
    pub fn same_on_sites(
        &self,
        a: &Field,
        b: &Field,
        dimension: usize,
        per_site: usize,
        tolerance: f64,
    ) -> bool {
        let (a, b) = (a.dense(dimension), b.dense(dimension));
        let difference: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        let moves = |u: &[f64], site: usize| largest(&u[site..site + per_site], per_site);
        let mut compared = false;
        for site in 0..dimension / per_site {
            let k = site * per_site;
            let counts = self.sites.binary_search(&(site as u32)).is_ok()
                || moves(&a, k).max(moves(&b, k)) > 2.0 * tolerance;
            if counts && moves(&difference, k) >= tolerance {
                return false;
            }
            compared |= counts;
        }
        compared || largest(&difference, per_site) < tolerance
    }

    /// Lets a passage lead to a known state, or drops it where that way is known already.
    pub fn link(&mut self, index: usize, to: usize, tolerance: (usize, usize, f64)) {
        let (dimension, per_site, tolerance) = tolerance;
        let passage = &self.passages[index];
        let ends = [(passage.from, Some(to)), (to, Some(passage.from))];
        let known = passage.from == to
            || self.passages.iter().any(|other| {
                ends.contains(&(other.from, other.to))
                    && self.same_on_sites(
                        &other.saddle,
                        &passage.saddle,
                        dimension,
                        per_site,
                        tolerance,
                    )
            });
        if known {
            self.passages.remove(index);
        } else {
            self.passages[index].to = Some(to);
        }
    }

    /// The state that a field from state 0 leads to, if it is known.
    pub fn state_like(
        &self,
        field: &Field,
        dimension: usize,
        per_site: usize,
        tolerance: f64,
    ) -> Option<usize> {
        (0..self.states.len()).find(|&k| {
            self.same_on_sites(field, &self.states[k].field, dimension, per_site, tolerance)
        })
    }

    /// The passages out of a state, to seen and unseen minima; those that were entered the other way
    /// around are turned.
    pub fn ways_from(&self, state: usize) -> impl Iterator<Item = Passage> {
        self.passages.iter().filter_map(move |passage| {
            if passage.from == state {
                Some(passage.clone())
            } else if passage.to == Some(state) {
                passage.reversed()
            } else {
                None
            }
        })
    }

    /// Rate of all known ways out of the current state `[1/τ]`.
    pub fn leaving_rate(&self, settings: &WalkSettings) -> f64 {
        self.ways_from(self.current)
            .map(|passage| self.rate(&passage, settings))
            .fold(0.0, |sum, rate| sum + rate)
    }

    /// Rate of those among them that lead to unseen minima `[1/τ]`.
    pub fn unseen_rate(&self, settings: &WalkSettings) -> f64 {
        self.exits_of(self.current)
            .map(|exit| self.rate(&self.passages[exit], settings))
            .fold(0.0, |sum, rate| sum + rate)
    }

    /// What is known of the ways out of the current state, as seen from there: the region forgets
    /// its other states and only remembers the passages that lead to them.
    pub fn passages_from_here(&self, dimension: usize) -> Vec<Passage> {
        let here = &self.states[self.current];
        self.ways_from(self.current)
            .map(|passage| {
                let (end, end_level) = match passage.to {
                    Some(to) => (&self.states[to].field, self.states[to].level),
                    None => (&passage.end, passage.end_level),
                };
                Passage {
                    from: 0,
                    to: None,
                    saddle: passage.saddle.plus(-1.0, &here.field, dimension),
                    end: end.plus(-1.0, &here.field, dimension),
                    saddle_level: passage.saddle_level - here.level,
                    end_level: end_level - here.level,
                    ..passage
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(moves: &[(usize, f64)]) -> Field {
        let mut x = vec![0.0; 5];
        for &(site, move_) in moves {
            x[site] = move_;
        }
        Field::from_dense(&x)
    }

    /// Three minima around one place with three saddles, as an atom has that three sites are free for:
    /// each minimum is left at the rate of one saddle, and there and back are in detailed balance.
    #[test]
    fn ways_over_one_place_share_its_rate() {
        let settings = WalkSettings {
            temperature: 0.35,
            attempt_frequency: 2.0,
            ..WalkSettings::default()
        };
        let levels = [0.0, 0.3, -0.2];
        let mut region = Region::at_rest(vec![0]);
        region.states = (0..3)
            .map(|k| State {
                field: field(&[(0, k as f64)]),
                level: levels[k],
            })
            .collect();
        let pass = |from: usize, to: Option<usize>, place: f64, saddle_level: f64| Passage {
            from,
            to,
            saddle: field(&[(0, 0.5), (1, place)]),
            end: field(&[(0, 5.0)]),
            saddle_level,
            end_level: 0.1,
            core: vec![0],
            prefactors: None,
            confirmed: true,
        };
        region.passages = vec![
            pass(0, Some(1), 0.0, 1.0),
            pass(2, Some(0), 0.02, 1.0 + 1e-3),
            pass(1, Some(2), -0.02, 1.0 + 2e-3),
            // In the same place but higher by more than kT, and in another place.
            pass(0, None, 0.0, 1.5),
            pass(0, None, 0.3, 1.0),
        ];
        let alone = |passage: &Passage, level: f64| {
            2.0 * ((level - passage.saddle_level) / settings.temperature).exp()
        };
        for (passage, shared) in region.passages.iter().zip([2.0, 2.0, 2.0, 1.0, 1.0]) {
            let there = region.rate(passage, &settings);
            let expected = alone(passage, levels[passage.from]) / shared;
            assert!((there / expected - 1.0).abs() < 1e-12, "{passage:?}");
            let Some(to) = passage.to else { continue };
            let back = region.rate_back(passage, to, &settings);
            let balance = ((levels[passage.from] - levels[to]) / settings.temperature).exp();
            assert!((there / back / balance - 1.0).abs() < 1e-12, "{passage:?}");
            // Seen from the other side.
            let turned = passage.reversed().unwrap();
            assert_eq!(region.rate(&turned, &settings), back);
        }
        // Where one of two ways is known, it has all of the rate; of a way to a state that knows two,
        // each direction counts as shared.
        region.passages.truncate(1);
        let whole = region.rate(&region.passages[0], &settings);
        assert!((whole / alone(&region.passages[0], 0.0) - 1.0).abs() < 1e-12);
        region.passages.push(pass(1, None, 0.02, 1.0));
        for way in &region.passages {
            let expected = 0.5 * alone(way, levels[way.from]);
            assert!((region.rate(way, &settings) / expected - 1.0).abs() < 1e-12);
        }
    }

    /// Five sites of one coordinate, the region at the first; places 0.05 apart are two.
    #[test]
    fn places_are_compared_in_the_region_and_where_something_moves() {
        let region = Region::at_rest(vec![0]);
        let background = Region::at_rest(Vec::new());
        let same = |region: &Region, a: &[(usize, f64)], b: &[(usize, f64)]| {
            let (a, b) = (field(a), field(b));
            assert_eq!(
                region.same_on_sites(&a, &b, 5, 1, 0.05),
                region.same_on_sites(&b, &a, 5, 1, 0.05)
            );
            region.same_on_sites(&a, &b, 5, 1, 0.05)
        };
        // Moves alike in the region, and differently outside.
        assert!(!same(&region, &[(0, 0.5), (1, 0.3)], &[(0, 0.5), (2, 0.3)]));
        assert!(!same(&region, &[(0, 0.5)], &[(0, 0.5), (2, 0.11)]));
        // What others did far away since.
        assert!(same(&region, &[(0, 0.5)], &[(0, 0.52), (2, 0.09)]));
        assert!(same(&background, &[(3, 0.5)], &[(3, 0.52), (2, 0.09)]));
        assert!(!same(&background, &[(3, 0.5)], &[(3, 0.56)]));
        // In the region small moves count.
        assert!(!same(&region, &[(0, 0.02)], &[(0, 0.08)]));
        // Where nothing moves far, all sites do.
        assert!(!same(&background, &[(3, 0.09)], &[(3, 0.02)]));
        assert!(same(&background, &[(3, 0.09)], &[(3, 0.06)]));
    }
}
