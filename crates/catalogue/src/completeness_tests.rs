use super::*;
use crate::EvaluationCounts;
use metabasin_atoms::{Purpose, random_stream};
use rand::RngExt;

fn event(id: u64, barrier: f64) -> EventRecord {
    EventRecord {
        id,
        ..crate::statistics::tests::event(barrier, 0, None)
    }
}

fn search(index: u64, atom: u32, event: Option<u64>) -> SearchRecord {
    SearchRecord {
        index,
        center_atom: atom,
        outcome: String::new(),
        detail: None,
        event,
        evaluations: EvaluationCounts {
            climb: 100,
            ..EvaluationCounts::default()
        },
        seconds: 0.0,
    }
}

/// Three atoms, three passes; events 1 (low) to 4.
fn small() -> (Vec<SearchRecord>, Vec<EventRecord>) {
    let found = [
        Some(1),
        Some(2),
        None,
        Some(1),
        None,
        Some(3),
        Some(1),
        Some(2),
        Some(4),
    ];
    let searches = found
        .into_iter()
        .enumerate()
        .map(|(k, event)| search(k as u64, (k % 3) as u32, event))
        .collect();
    let events = [1.0, 2.0, 3.0, 4.0];
    let events = events
        .into_iter()
        .zip(1..)
        .map(|(barrier, id)| event(id, barrier))
        .collect();
    (searches, events)
}

#[test]
fn numbers_are_those_done_by_hand() {
    let (searches, events) = small();
    let found = Completeness::of(&searches, &events, 3, &[2.5]);
    let [all, low] = &found.windows[..] else {
        panic!("one entry a window")
    };
    assert_eq!((all.hits, all.distinct, all.once, all.twice), (7, 4, 2, 1));
    assert_eq!(all.coverage, Some(1.0 - 2.0 / 7.0));
    // 4 + 2·1/(2·2).
    assert_eq!(all.chao1, Some(4.5));
    // Incidences 3, 2, 1, 1 in m = 3 passes: 4 + (2/3)·2·1/(2·2).
    assert_eq!(all.passes, 3);
    assert!((all.chao2.unwrap() - (4.0 + 1.0 / 3.0)).abs() < 1e-15);
    // 1 − (2/7)·(2·2)/(2·2 + 2·1).
    assert!((all.coverage_by_pass.unwrap() - (1.0 - 2.0 / 7.0 * 4.0 / 6.0)).abs() < 1e-15);
    assert_eq!(
        (all.evaluations, all.evaluations_per_event),
        (900, Some(225.0))
    );
    // Under the window only 1 and 2 are left, but every search is paid for.
    assert_eq!((low.hits, low.distinct, low.once), (5, 2, 0));
    assert_eq!((low.coverage, low.chao1), (Some(1.0), Some(2.0)));
    assert_eq!(low.evaluations_per_event, Some(450.0));
    // Leaving out atoms 0, 1, 2: hits (0,2,1,1), (3,0,1,1), (3,2,0,0).
    let coverages = [1.0 - 2.0 / 4.0, 1.0 - 2.0 / 5.0, 1.0];
    let mean = coverages.iter().sum::<f64>() / 3.0;
    let squares: f64 = coverages.iter().map(|c| (c - mean).powi(2)).sum();
    let expected = (squares * 2.0 / 3.0).sqrt();
    assert!((all.coverage_error.unwrap() - expected).abs() < 1e-15);
}

#[test]
fn growth_ends_in_the_totals_and_its_promise_is_checked() {
    let (searches, events) = small();
    let found = Completeness::of(&searches, &events, 3, &[]);
    let all = &found.windows[0];
    let last = all.growth.last().unwrap();
    assert_eq!((last.searches, last.hits, last.distinct), (9, 7, 4));
    assert_eq!((last.coverage, last.chao1), (all.coverage, all.chao1));
    assert_eq!(last.evaluations_per_event, all.evaluations_per_event);
    let point = |searches: u64| {
        *all.growth
            .iter()
            .find(|point| point.searches == searches)
            .unwrap()
    };
    // After the third search 1 and 2 are known; the fourth finds 1.
    assert_eq!((point(3).distinct, point(3).known_next), (2, Some(1.0)));
    // The fifth search finds nothing: nothing to check.
    assert_eq!(point(4).known_next, None);
    assert_eq!(
        (point(5).known_next, point(8).known_next),
        (Some(0.0), Some(0.0))
    );
}

#[test]
fn an_empty_catalogue_and_a_single_atom_have_no_errors() {
    let none = Completeness::of(&[], &[], 3, &[]);
    assert_eq!(none.windows[0].coverage, None);
    assert!(none.windows[0].growth.is_empty());
    let one = [search(0, 0, Some(1))];
    let found = Completeness::of(&one, &[event(1, 1.0)], 3, &[]);
    assert_eq!(found.windows[0].coverage, Some(0.0));
    assert_eq!(
        (found.windows[0].coverage_error, found.windows[0].chao2),
        (None, None)
    );
}

/// A landscape with known odds: every atom reaches the events nearby on a ring, each with its own
/// weight over three decades.
struct Model {
    reach: Vec<Vec<(usize, f64)>>,
    events: usize,
}

impl Model {
    fn new(atoms: usize, events: usize) -> Self {
        let mut random = random_stream(11, Purpose::Test, 0, 0);
        let weights: Vec<f64> = (0..events)
            .map(|_| 10f64.powf(random.random_range(0.0..3.0)))
            .collect();
        let reach = (0..atoms)
            .map(|atom| {
                let near = |event: &usize| {
                    let at = event * atoms / events;
                    let apart = at.abs_diff(atom);
                    apart.min(atoms - apart) <= 4
                };
                let near: Vec<usize> = (0..events).filter(near).collect();
                let total: f64 = near.iter().map(|&event| weights[event]).sum();
                near.into_iter()
                    .map(|event| (event, weights[event] / total))
                    .collect()
            })
            .collect();
        Self { reach, events }
    }

    /// Searches of whole passes: every atom once a pass.
    fn searches(&self, passes: usize, trial: u64) -> Vec<SearchRecord> {
        let mut random = random_stream(12, Purpose::Test, 1, trial);
        let atoms = self.reach.len();
        (0..atoms * passes)
            .map(|k| {
                let mut left: f64 = random.random_range(0.0..1.0);
                let reach = &self.reach[k % atoms];
                let drawn = reach.iter().find(|(_, odds)| {
                    left -= odds;
                    left < 0.0
                });
                let event = drawn.unwrap_or(&reach[reach.len() - 1]).0 as u64 + 1;
                search(k as u64, (k % atoms) as u32, Some(event))
            })
            .collect()
    }

    /// Probability that a search around a random atom ends in a known event: known from all
    /// searches, or, for every search in turn, from all others.
    fn coverage(&self, searches: &[SearchRecord], others_only: bool) -> f64 {
        let event_of = |search: &SearchRecord| search.event.map_or(0, |id| id as usize - 1);
        let mut hits = vec![0_u64; self.events];
        for search in searches {
            hits[event_of(search)] += 1;
        }
        let known: f64 = searches
            .iter()
            .map(|search| {
                let own = |event| u64::from(others_only && event == event_of(search));
                self.reach[search.center_atom as usize]
                    .iter()
                    .filter(|(event, _)| hits[*event] > own(*event))
                    .map(|(_, odds)| odds)
                    .sum::<f64>()
            })
            .sum();
        known / searches.len() as f64
    }
}

fn mean_and_spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (values.len() as f64 - 1.0)).sqrt())
}

#[test]
fn coverage_and_richness_are_right_on_a_landscape_with_known_odds() {
    let (atoms, events, trials) = (100, 400, 300);
    let model = Model::new(atoms, events);
    let catalogue: Vec<EventRecord> = (1..=events as u64).map(|id| event(id, 1.0)).collect();
    for passes in [1, 3] {
        let (mut misses, mut truth) = (Vec::new(), Vec::new());
        let mut estimates = Vec::new();
        let mut errors = Vec::new();
        let mut richness = Vec::new();
        let mut by_pass = Vec::new();
        for trial in 0..trials {
            let searches = model.searches(passes, trial);
            let found = Completeness::of(&searches, &catalogue, atoms, &[]);
            let all = &found.windows[0];
            misses.push(all.coverage.unwrap() - model.coverage(&searches, true));
            truth.push(model.coverage(&searches, false));
            estimates.push(all.coverage.unwrap());
            errors.push(all.coverage_error.unwrap());
            richness.push(all.chao1.unwrap());
            by_pass.extend(all.chao2);
        }
        let (miss, spread) = mean_and_spread(&misses);
        // f₁/n is the share of searches whose event no other search found: on average exactly what
        // a fresh search in its place would do. Four standard errors (false alarm 6e-5).
        let tolerance = 4.0 * spread / (trials as f64).sqrt();
        assert!(miss.abs() < tolerance, "{passes}: {miss} {tolerance}");
        let (mean, spread) = mean_and_spread(&estimates);
        assert!(0.05 * mean > tolerance, "an error of 5 % would show");
        // The next search around an atom knows what the last one there found: the estimate is on
        // the low side of the truth, by less for every pass.
        let (truth, _) = mean_and_spread(&truth);
        assert!(
            truth > mean && truth - mean < 0.05 / passes as f64,
            "{truth} {mean}"
        );
        // The jackknife does not promise too much: its mean is no smaller than the spread from
        // trial to trial, and of its order.
        let (claimed, _) = mean_and_spread(&errors);
        assert!(
            claimed > 0.9 * spread && claimed < 3.0 * spread,
            "{claimed} {spread}"
        );
        // Both are lower bounds: below the number of events on average.
        for bound in [&richness, &by_pass] {
            if bound.is_empty() {
                continue;
            }
            let (mean, spread) = mean_and_spread(bound);
            let error = 4.0 * spread / (trials as f64).sqrt();
            assert!(mean < events as f64 + error, "{mean}");
            assert!(mean > 0.3 * events as f64, "{mean}");
        }
    }
}

#[test]
fn chao1_finds_the_number_of_equally_likely_events() {
    // For equal odds the bound is reached: 200 events, 300 draws.
    let mut random = random_stream(13, Purpose::Test, 2, 0);
    let estimates: Vec<f64> = (0..300)
        .map(|_| {
            let mut hits = vec![0_u64; 200];
            for _ in 0..300 {
                hits[random.random_range(0..200)] += 1;
            }
            species_richness(&hits)
        })
        .collect();
    let (mean, spread) = mean_and_spread(&estimates);
    // The bias-corrected form is unbiased to order 1/n: 1 of 200; four standard errors on top.
    assert!(
        (mean - 200.0).abs() < 1.0 + 4.0 * spread / 300_f64.sqrt(),
        "{mean}"
    );
}

#[test]
fn the_error_of_independent_draws_is_that_of_esty() {
    // f₁ = 3, f₂ = 2, n = 12: √(3 (1 − 3/12) + 2·2)/12.
    let by_hand = good_turing_error(&[1, 2, 1, 5, 2, 1]).unwrap();
    assert!((by_hand - 2.5 / 12.0).abs() < 1e-15);
    // 100 events of equal odds, 150 draws: spread of f₁/n from trial to trial.
    let mut random = random_stream(14, Purpose::Test, 3, 0);
    let trials: Vec<(f64, f64)> = (0..400)
        .map(|_| {
            let mut hits = vec![0_u64; 100];
            for _ in 0..150 {
                hits[random.random_range(0..100)] += 1;
            }
            let unseen = hits.iter().filter(|count| **count == 0).count() as f64 / 100.0;
            let coverage = good_turing_coverage(&hits).unwrap();
            (coverage - (1.0 - unseen), good_turing_error(&hits).unwrap())
        })
        .collect();
    let (misses, errors): (Vec<f64>, Vec<f64>) = trials.into_iter().unzip();
    let (_, spread) = mean_and_spread(&misses);
    let (claimed, _) = mean_and_spread(&errors);
    // A spread of 400 trials is known to 3.5 %; four times that and 5 % for terms of order 1/n.
    assert!((claimed / spread - 1.0).abs() < 0.19, "{claimed} {spread}");
}
