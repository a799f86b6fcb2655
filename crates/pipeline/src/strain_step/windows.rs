//! Intervals of time after a step, each twice as long as all before it.

/// Length of the first interval `[τ]`: the sound of the step has passed the smallest samples by its end.
const FIRST: f64 = 1.0;

/// Ends of the intervals of a hold: 0, 1, 2, 4, … and its end `[τ]`; the last interval is at least half as long
/// as all before it.
pub(crate) fn edges(hold: f64) -> Vec<f64> {
    let mut edges = vec![0.0];
    let mut next = FIRST;
    while 1.5 * next <= hold {
        edges.push(next);
        next *= 2.0;
    }
    edges.push(hold);
    edges
}

/// The mean of a curve over each interval: `points` are (time, value) with times that grow from the first
/// edge to the last, joined by straight lines.
pub(crate) fn means(points: &[(f64, f64)], edges: &[f64]) -> Vec<f64> {
    let intervals = edges.windows(2);
    intervals
        .map(|interval| {
            let (from, to) = (interval[0], interval[1]);
            let mut area = 0.0;
            for pair in points.windows(2) {
                let ((t0, v0), (t1, v1)) = (pair[0], pair[1]);
                let (low, high) = (t0.max(from), t1.min(to));
                if high > low {
                    let at = |t: f64| v0 + (v1 - v0) * (t - t0) / (t1 - t0);
                    area += 0.5 * (at(low) + at(high)) * (high - low);
                }
            }
            area / (to - from)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_double_up_to_the_end_of_the_hold() {
        assert_eq!(edges(8.0), [0.0, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(edges(12.0), [0.0, 1.0, 2.0, 4.0, 8.0, 12.0]);
        assert_eq!(edges(10.0), [0.0, 1.0, 2.0, 4.0, 10.0]);
        assert_eq!(edges(0.5), [0.0, 0.5]);
    }

    /// A parabola through close points: ∫ t² = (b³ − a³)/3.
    #[test]
    fn means_are_integrals_over_lengths() {
        let points: Vec<(f64, f64)> = (0..=7000)
            .map(|k| f64::from(k) * 1e-3)
            .map(|t| (t, t * t))
            .collect();
        let edges = edges(7.0);
        for (mean, ends) in means(&points, &edges).iter().zip(edges.windows(2)) {
            let exact = (ends[1].powi(3) - ends[0].powi(3)) / (3.0 * (ends[1] - ends[0]));
            assert!((mean - exact).abs() < 1e-6, "{mean} {exact}");
        }
    }
}
