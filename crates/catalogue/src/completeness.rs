//! How much of what the searches can find they have found, and what finding it cost.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::statistics::{good_turing_coverage, species_richness};
use crate::{EventRecord, SearchRecord};

/// Points of a growth curve, at most.
const GROWTH_POINTS: usize = 48;

/// What the numbers of [`Completeness`] mean; printed beside them.
pub const MEANINGS: [(&str, &str); 6] = [
    (
        "coverage",
        "Good-Turing: probability that the next search that ends in an event of the window ends in a \
         known one (on the low side where searches are spread over the atoms); not a share of events, \
         nor of rate",
    ),
    (
        "chao1",
        "Chao1: lower bound of the number of distinct events that these searches can find, for \
         independent searches",
    ),
    (
        "chao2",
        "Chao2: the same bound from passes, each of which pushed every atom once: searches of one \
         pass are spread over the atoms and need not be alike; null before the second pass",
    ),
    (
        "errors",
        "standard errors from leaving out one atom at a time with all its searches (jackknife); \
         on average not too small (Efron & Stein 1981)",
    ),
    (
        "known_next",
        "share of the hits between this point and the next that were known at this point: what \
         coverage promises here",
    ),
    (
        "evaluations_per_event",
        "force evaluations of all searches so far, whatever they found, for each distinct event of \
         the window",
    ),
];

/// Coverage, richness and cost, of all events and of those under energy windows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Completeness {
    /// One entry a window; the first is that of all events.
    pub windows: Vec<WindowCompleteness>,
    /// What each number means.
    pub meaning: BTreeMap<&'static str, &'static str>,
}

/// Coverage, richness and cost of the events under one energy window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WindowCompleteness {
    /// Forward barriers below this `[energy]`; `None`: all.
    pub window: Option<f64>,
    /// All searches, whatever they found.
    pub searches: u64,
    /// Searches that ended in an event of the window.
    pub hits: u64,
    /// Distinct events.
    pub distinct: u64,
    /// Events hit once, f₁.
    pub once: u64,
    /// Events hit twice, f₂.
    pub twice: u64,
    /// Good-Turing coverage 1 − f₁/n.
    pub coverage: Option<f64>,
    /// Its standard error, by jackknife over atoms.
    pub coverage_error: Option<f64>,
    /// Chao1.
    pub chao1: Option<f64>,
    /// Its standard error, by jackknife over atoms.
    pub chao1_error: Option<f64>,
    /// Complete passes over all atoms.
    pub passes: u64,
    /// Coverage from incidences in complete passes (Chao et al., Ecol. Monogr. 84, 45 (2014)).
    pub coverage_by_pass: Option<f64>,
    /// Chao2 from complete passes.
    pub chao2: Option<f64>,
    /// Force evaluations of all searches, verification apart.
    pub evaluations: u64,
    /// The same for each distinct event.
    pub evaluations_per_event: Option<f64>,
    /// The same numbers as the catalogue grew.
    pub growth: Vec<GrowthPoint>,
}

/// The catalogue after some of its searches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GrowthPoint {
    /// Searches so far.
    pub searches: u64,
    /// Hits so far.
    pub hits: u64,
    /// Distinct events so far.
    pub distinct: u64,
    /// Good-Turing coverage.
    pub coverage: Option<f64>,
    /// Chao1.
    pub chao1: Option<f64>,
    /// Share of the hits up to the next point that were known at this one.
    pub known_next: Option<f64>,
    /// Force evaluations so far.
    pub evaluations: u64,
    /// The same for each distinct event.
    pub evaluations_per_event: Option<f64>,
}

impl Completeness {
    /// Of the searches of a catalogue in the order of their indices, for all events and for those
    /// with a forward barrier below each of `windows`. `atoms` is the number of atoms of the sample.
    pub fn of(
        searches: &[SearchRecord],
        events: &[EventRecord],
        atoms: usize,
        windows: &[f64],
    ) -> Self {
        let all = std::iter::once(None).chain(windows.iter().copied().map(Some));
        Self {
            windows: all
                .map(|window| window_completeness(searches, events, atoms, window))
                .collect(),
            meaning: MEANINGS.into_iter().collect(),
        }
    }
}

fn window_completeness(
    searches: &[SearchRecord],
    events: &[EventRecord],
    atoms: usize,
    window: Option<f64>,
) -> WindowCompleteness {
    let inside = |event: &&EventRecord| {
        event.is_verified() && window.is_none_or(|edge| event.barrier_forward < edge)
    };
    // Hits are counted by the place of the event among those of the window.
    let place: BTreeMap<u64, usize> = events
        .iter()
        .filter(inside)
        .enumerate()
        .map(|(place, event)| (event.id, place))
        .collect();
    let found: Vec<Option<usize>> = searches
        .iter()
        .map(|search| search.event.and_then(|id| place.get(&id).copied()))
        .collect();
    let mut hits = vec![0_u64; place.len()];
    for &event in found.iter().flatten() {
        hits[event] += 1;
    }
    let errors = jackknife(searches, &found, &hits);
    let by_pass = passes(searches, &found, place.len(), atoms as u64);
    let evaluations = searches.iter().map(|s| s.evaluations.search()).sum::<u64>();
    let seen = Tally::of(&hits);
    WindowCompleteness {
        window,
        searches: searches.len() as u64,
        hits: seen.hits,
        distinct: seen.distinct,
        once: seen.once,
        twice: seen.twice,
        coverage: good_turing_coverage(&hits),
        coverage_error: errors.map(|errors| errors.0),
        chao1: (seen.hits > 0).then(|| species_richness(&hits)),
        chao1_error: errors.map(|errors| errors.1),
        passes: by_pass.passes,
        coverage_by_pass: by_pass.coverage,
        chao2: by_pass.chao2,
        evaluations,
        evaluations_per_event: per_event(evaluations, seen.distinct),
        growth: growth(searches, &found, place.len()),
    }
}

fn per_event(evaluations: u64, distinct: u64) -> Option<f64> {
    (distinct > 0).then(|| evaluations as f64 / distinct as f64)
}

/// What Good-Turing and Chao1 need of the hits, kept up to date hit by hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    hits: u64,
    distinct: u64,
    once: u64,
    twice: u64,
}

impl Tally {
    fn of(hits: &[u64]) -> Self {
        let with = |wanted| hits.iter().filter(|count| **count == wanted).count() as u64;
        Self {
            hits: hits.iter().sum(),
            distinct: hits.len() as u64 - with(0),
            once: with(1),
            twice: with(2),
        }
    }

    /// An event that had `before` hits has `after`.
    fn change(&mut self, before: u64, after: u64) {
        self.hits = self.hits + after - before;
        self.distinct = self.distinct + u64::from(after > 0) - u64::from(before > 0);
        self.once = self.once + u64::from(after == 1) - u64::from(before == 1);
        self.twice = self.twice + u64::from(after == 2) - u64::from(before == 2);
    }

    fn coverage(&self) -> Option<f64> {
        (self.hits > 0).then(|| 1.0 - self.once as f64 / self.hits as f64)
    }

    fn chao1(&self) -> Option<f64> {
        let (once, twice) = (self.once as f64, self.twice as f64);
        (self.hits > 0).then(|| self.distinct as f64 + once * (once - 1.0) / (2.0 * (twice + 1.0)))
    }
}

/// Standard errors of coverage and Chao1: √((A − 1)/A Σ (θ₋ₐ − θ̄)²), where θ₋ₐ leaves out all
/// searches around atom a and A atoms were pushed.
///
/// Searches around one atom are alike, so that atoms and not searches are the independent draws.
/// Drawing atoms with replacement instead (bootstrap) would make pairs of every event found once and
/// give a spread that is far too small, for Chao1 by a factor of four in a model of 500 atoms and
/// 2,000 events.
fn jackknife(
    searches: &[SearchRecord],
    found: &[Option<usize>],
    hits: &[u64],
) -> Option<(f64, f64)> {
    let mut by_atom: BTreeMap<u32, BTreeMap<usize, u64>> = BTreeMap::new();
    for (search, event) in searches.iter().zip(found) {
        let of_atom = by_atom.entry(search.center_atom).or_default();
        if let Some(event) = event {
            *of_atom.entry(*event).or_default() += 1;
        }
    }
    let all = Tally::of(hits);
    let without: Option<Vec<(f64, f64)>> = by_atom
        .values()
        .map(|left_out| {
            let mut tally = all;
            for (&event, &count) in left_out {
                tally.change(hits[event], hits[event] - count);
            }
            Some((tally.coverage()?, tally.chao1()?))
        })
        .collect();
    let without = without.filter(|values| values.len() > 1)?;
    let count = without.len() as f64;
    let spread = |of: fn(&(f64, f64)) -> f64| {
        let mean = without.iter().map(of).sum::<f64>() / count;
        let squares: f64 = without.iter().map(|value| (of(value) - mean).powi(2)).sum();
        (squares * (count - 1.0) / count).sqrt()
    };
    Some((spread(|value| value.0), spread(|value| value.1)))
}

/// What the complete passes say.
struct Incidences {
    passes: u64,
    coverage: Option<f64>,
    chao2: Option<f64>,
}

/// Incidence counts per pass: search k belongs to pass ⌊k/N⌋, and a pass counts when all its N
/// searches are there. With m passes, Q₁ and Q₂ events found in one and in two of them, and U
/// incidences in all: Chao2 = S + (m − 1)/m Q₁(Q₁ − 1)/(2(Q₂ + 1)) (Chao, Biometrics 43, 783
/// (1987)) and coverage 1 − Q₁/U · (m − 1)Q₁/((m − 1)Q₁ + 2Q₂).
fn passes(
    searches: &[SearchRecord],
    found: &[Option<usize>],
    events: usize,
    atoms: u64,
) -> Incidences {
    let mut size: BTreeMap<u64, u64> = BTreeMap::new();
    for search in searches {
        *size.entry(search.index / atoms.max(1)).or_default() += 1;
    }
    size.retain(|_, count| *count == atoms);
    let passes = size.len() as u64;
    if passes < 2 {
        return Incidences {
            passes,
            coverage: None,
            chao2: None,
        };
    }
    let mut last_pass = vec![None; events];
    let mut incidences = vec![0_u64; events];
    for (search, event) in searches.iter().zip(found) {
        let pass = search.index / atoms.max(1);
        if let Some(event) = *event
            && size.contains_key(&pass)
            && last_pass[event] != Some(pass)
        {
            last_pass[event] = Some(pass);
            incidences[event] += 1;
        }
    }
    let tally = Tally::of(&incidences);
    let (m, once, twice) = (passes as f64, tally.once as f64, tally.twice as f64);
    let unseen = (m - 1.0) / m * once * (once - 1.0) / (2.0 * (twice + 1.0));
    let deficit = if tally.once == 0 {
        0.0
    } else {
        once / tally.hits as f64 * ((m - 1.0) * once / ((m - 1.0) * once + 2.0 * twice))
    };
    Incidences {
        passes,
        coverage: (tally.hits > 0).then_some(1.0 - deficit),
        chao2: (tally.hits > 0).then_some(tally.distinct as f64 + unseen),
    }
}

/// The numbers after so many searches, at points spread evenly over the logarithm of their number.
fn growth(searches: &[SearchRecord], found: &[Option<usize>], events: usize) -> Vec<GrowthPoint> {
    let total = searches.len();
    let mut stops: Vec<usize> = (1..=GROWTH_POINTS)
        .map(|k| (total as f64).powf(k as f64 / GROWTH_POINTS as f64).round() as usize)
        .filter(|&stop| stop > 0)
        .collect();
    stops.dedup();
    let mut hits = vec![0_u64; events];
    let mut tally = Tally::default();
    let mut evaluations = 0;
    let mut points: Vec<GrowthPoint> = Vec::with_capacity(stops.len());
    let mut begin = 0;
    for stop in stops {
        let known = hits.clone();
        let (mut of_known, mut in_all) = (0_u64, 0_u64);
        for k in begin..stop {
            evaluations += searches[k].evaluations.search();
            if let Some(event) = found[k] {
                in_all += 1;
                of_known += u64::from(known[event] > 0);
                tally.change(hits[event], hits[event] + 1);
                hits[event] += 1;
            }
        }
        if let Some(last) = points.last_mut() {
            last.known_next = (in_all > 0).then(|| of_known as f64 / in_all as f64);
        }
        points.push(GrowthPoint {
            searches: stop as u64,
            hits: tally.hits,
            distinct: tally.distinct,
            coverage: tally.coverage(),
            chao1: tally.chao1(),
            known_next: None,
            evaluations,
            evaluations_per_event: per_event(evaluations, tally.distinct),
        });
        begin = stop;
    }
    points
}

/// Standard error of the Good-Turing coverage for n independent draws, √(f₁(1 − f₁/n) + 2f₂)/n
/// (Esty, Ann. Statist. 11, 905 (1983)); with searches spread over the atoms it is not too small.
/// `None` without hits.
pub fn good_turing_error(hits: &[u64]) -> Option<f64> {
    let tally = Tally::of(hits);
    let (n, once) = (tally.hits as f64, tally.once as f64);
    (tally.hits > 0).then(|| (once * (1.0 - once / n) + 2.0 * tally.twice as f64).sqrt() / n)
}

#[cfg(test)]
#[path = "completeness_tests.rs"]
mod tests;
