use super::*;
use metabasin_atoms::PlasticVolume;

pub(crate) fn event(barrier: f64, hits: u64, class: Option<&str>) -> EventRecord {
    EventRecord {
        id: 1,
        barrier_forward: barrier,
        barrier_reverse: barrier,
        energy_saddle: barrier,
        lowest_eigenvalue: -1.0,
        plastic_saddle: Some(PlasticVolume([0.0, 0.0, 0.0, 0.5 * barrier, 0.0, 0.0])),
        participation: 1.0,
        largest_displacement: 1.0,
        species: 1,
        structure_class: class.map(str::to_owned),
        converged: true,
        index: 1,
        index_method: "inertia".to_owned(),
        connected: true,
        hits,
        ..EventRecord::default()
    }
}

fn catalogue() -> Vec<EventRecord> {
    let mut unconnected = event(9.0, 4, None);
    unconnected.connected = false;
    vec![
        event(4.0, 1, Some("other")),
        event(1.0, 5, Some("icosahedral")),
        event(2.0, 2, Some("other")),
        event(8.0, 1, None),
        event(3.0, 1, Some("other")),
        unconnected,
    ]
}

#[test]
fn counts_and_quantiles_are_those_done_by_hand() {
    let found = BarrierStatistics::of(&catalogue(), &StatisticsOptions::default());
    assert_eq!((found.events, found.distinct), (10, 5));
    // f₁ = 3, f₂ = 1, n = 10: 1 − 3/10 and 5 + 3·2/(2·2).
    assert_eq!(found.coverage, Some(0.7));
    assert_eq!(found.chao1, Some(6.5));
    let barrier = found.barrier.unwrap().summary;
    assert_eq!(barrier.mean, 3.6);
    // Squares of −2.6, −1.6, −0.6, 0.4, 4.4 sum to 29.2; over 4.
    assert!((barrier.std - 7.3_f64.sqrt()).abs() < 1e-15);
    // numpy.quantile([1, 2, 3, 4, 8], [.05, .25, .5, .75, .95]).
    let quantiles = [
        barrier.q05,
        barrier.q25,
        barrier.median,
        barrier.q75,
        barrier.q95,
    ];
    for (value, expected) in quantiles.into_iter().zip([1.2, 2.0, 3.0, 4.0, 7.2]) {
        assert!((value - expected).abs() < 1e-14, "{quantiles:?}");
    }
    assert_eq!(found.activation_volume.unwrap().summary, barrier);
    let other = &found.classes["other"];
    assert_eq!((other.events, other.distinct), (4, 3));
    assert_eq!(other.barrier.unwrap().summary.mean, 3.0);
    assert_eq!(found.classes["unknown"].distinct, 1);
}

#[test]
fn the_window_leaves_out_what_lies_above() {
    let options = StatisticsOptions {
        window: Some(4.0),
        bins: 4,
        ..StatisticsOptions::default()
    };
    let found = BarrierStatistics::of(&catalogue(), &options);
    assert_eq!((found.events, found.distinct), (8, 3));
    assert_eq!(found.coverage, Some(1.0 - 1.0 / 8.0));
    assert_eq!(found.histogram.edges, [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(found.histogram.counts, [0, 1, 1, 1]);
}

#[test]
fn the_histogram_counts_every_event_once() {
    let found = BarrierStatistics::of(&catalogue(), &StatisticsOptions::default());
    assert_eq!(found.histogram.counts.iter().sum::<u64>(), 5);
    assert_eq!(found.histogram.edges.len(), 41);
    assert_eq!(found.histogram.counts[39], 1);
    // Four of the five stand alone, 1 of 5: √(1·4/5).
    assert!((found.histogram.errors[39] - 0.8_f64.sqrt()).abs() < 1e-15);
}

#[test]
fn the_error_of_a_count_is_that_of_the_bootstrap() {
    // 40 of 100 events lie in the bin; draws of 100 with replacement.
    let values: Vec<f64> = (0..100).map(|k| if k < 40 { 0.5 } else { 1.5 }).collect();
    let histogram = equal_bins(&values, 1, Some(1.0));
    assert_eq!(histogram.errors, [0.0]);
    let two = equal_bins(&values, 2, Some(1.5));
    assert_eq!(two.counts, [40, 60]);
    let counts: Vec<f64> = (0..2000)
        .map(|index| {
            let mut random = random_stream(3, Purpose::Test, 0, index);
            (0..100)
                .filter(|_| values[random.random_range(0..100)] < 1.0)
                .count() as f64
        })
        .collect();
    // A spread of 2,000 draws is known to 1.6 %; four times that.
    assert!((two.errors[0] / spread(&counts) - 1.0).abs() < 0.064);
}

#[test]
fn an_empty_catalogue_has_no_numbers_and_one_event_no_spread() {
    let none = BarrierStatistics::of(&[], &StatisticsOptions::default());
    assert_eq!(
        (none.coverage, none.chao1, none.barrier),
        (None, None, None)
    );
    let json = serde_json::to_value(&none).unwrap();
    assert!(json["barrier"].is_null() && json["histogram"]["counts"].is_array());
    let one = BarrierStatistics::of(&[event(2.0, 1, None)], &StatisticsOptions::default());
    let barrier = one.barrier.unwrap();
    assert_eq!((barrier.summary.std, barrier.error.mean), (0.0, 0.0));
    assert_eq!((one.coverage, one.chao1), (Some(0.0), Some(1.0)));
    let json = serde_json::to_value(&one).unwrap();
    assert_eq!(json["barrier"]["q05"], 2.0);
    assert_eq!(json["barrier"]["error"]["mean"], 0.0);
}

#[test]
fn the_bootstrap_error_of_the_mean_is_that_of_theory() {
    // A resampled mean of n values has the variance (n − 1)/n · s²/n exactly.
    let events: Vec<EventRecord> = (0..50)
        .map(|k| event(1.0 + f64::from(k * k % 17), 2, None))
        .collect();
    let options = StatisticsOptions {
        resamples: 2000,
        ..StatisticsOptions::default()
    };
    let barrier = BarrierStatistics::of(&events, &options).barrier.unwrap();
    let expected = barrier.summary.std * (49.0_f64 / 50.0 / 50.0).sqrt();
    // The spread of 2,000 draws is known to 1/√4000 = 1.6 %; four times that.
    let relative = barrier.error.mean / expected - 1.0;
    assert!(relative.abs() < 0.064, "{relative}");
    // Dividing by n instead of √n, or forgetting the root, would be far off.
    assert!((barrier.error.mean / barrier.summary.std - 1.0).abs() > 0.5);
    assert_eq!(
        BarrierStatistics::of(&events, &options).barrier,
        Some(barrier)
    );
}

#[test]
fn coverage_error_follows_the_hits() {
    // Two events of even odds and four hits: a resample leaves f₁ = 1 with probability
    // 2·4/16, so that the coverage is 3/4 or 1 with odds one to one; its deviation is 1/8.
    let events = [event(1.0, 2, None), event(2.0, 2, None)];
    let options = StatisticsOptions {
        resamples: 4000,
        ..StatisticsOptions::default()
    };
    let found = BarrierStatistics::of(&events, &options);
    // A two-point distribution of even odds: the deviation is within 4/4000 of 1/8 at 4 sigma
    // of the odds, (p(1 − p))^½ being flat at ½.
    assert!((found.coverage_error.unwrap() - 0.125).abs() < 1e-3);
    assert_eq!(found.coverage, Some(1.0));
}
