//! Curves made thin enough to look at: bins of noisy points, fewer vertices of long lines.

use metabasin_files::findings::Curve;

use crate::plot::DataPoint;

/// The points of a curve that are finite in both coordinates, with their errors where finite.
pub(crate) fn finite(curve: &Curve) -> Vec<DataPoint> {
    curve
        .x
        .iter()
        .zip(&curve.y)
        .enumerate()
        .filter(|(_, (x, y))| x.is_finite() && y.is_finite())
        .map(|(i, (&x, &y))| DataPoint {
            x,
            y,
            error: curve
                .y_error
                .as_ref()
                .and_then(|errors| errors.get(i).copied())
                .filter(|error| error.is_finite() && *error >= 0.0),
        })
        .collect()
}

/// Means over `bins` equal intervals of x; as they are where there are no more points than bins.
pub(crate) fn bin_linear(curve: &Curve, bins: usize) -> Vec<DataPoint> {
    bin(finite(curve), bins, |x| x)
}

/// Means over intervals of log x, this many a decade; points at x ≤ 0 are left out.
pub(crate) fn bin_logarithmic(curve: &Curve, per_decade: f64) -> Vec<DataPoint> {
    let mut points = finite(curve);
    points.retain(|point| point.x > 0.0);
    let low = points.iter().map(|p| p.x).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|p| p.x).fold(0.0, f64::max);
    if points.is_empty() {
        return points;
    }
    let bins = ((high.log10() - low.log10()) * per_decade).ceil().max(1.0);
    bin(points, bins as usize, f64::log10)
}

/// The error of a mean over a bin is the mean of the errors: frames of one run are correlated, so
/// they are not taken for independent.
fn bin(points: Vec<DataPoint>, bins: usize, coordinate: impl Fn(f64) -> f64) -> Vec<DataPoint> {
    if points.len() <= bins || bins == 0 {
        return points;
    }
    let low = points
        .iter()
        .map(|p| coordinate(p.x))
        .fold(f64::INFINITY, f64::min);
    let high = points
        .iter()
        .map(|p| coordinate(p.x))
        .fold(f64::NEG_INFINITY, f64::max);
    let span = high - low;
    if span <= 0.0 || !span.is_finite() {
        return points;
    }
    let mut members = vec![Vec::new(); bins];
    for point in points {
        let share = (coordinate(point.x) - low) / span;
        members[((share * bins as f64) as usize).min(bins - 1)].push(point);
    }
    members
        .iter()
        .filter(|members| !members.is_empty())
        .map(|members| {
            let count = members.len() as f64;
            let mean = |of: fn(&DataPoint) -> f64| members.iter().map(of).sum::<f64>() / count;
            let errors: Vec<f64> = members.iter().filter_map(|point| point.error).collect();
            DataPoint {
                x: mean(|point| point.x),
                y: mean(|point| point.y),
                error: (errors.len() == members.len()).then(|| errors.iter().sum::<f64>() / count),
            }
        })
        .collect()
}

/// At most `limit` points, evenly chosen by index, both ends kept.
pub(crate) fn thin<T: Clone>(points: Vec<T>, limit: usize) -> Vec<T> {
    if points.len() <= limit || limit < 2 {
        return points;
    }
    (0..limit)
        .map(|i| points[i * (points.len() - 1) / (limit - 1)].clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(count: usize) -> Curve {
        let x: Vec<f64> = (0..count).map(|i| i as f64).collect();
        Curve {
            y: x.iter().map(|x| 2.0 * x).collect(),
            y_error: Some(vec![0.5; count]),
            x,
        }
    }

    #[test]
    fn bin_means_of_a_line_stay_on_it() {
        let points = bin_linear(&line(1000), 10);
        assert_eq!(points.len(), 10);
        for point in points {
            assert!((point.y - 2.0 * point.x).abs() < 1e-9);
            assert_eq!(point.error, Some(0.5));
        }
    }

    #[test]
    fn few_points_stay_as_they_are() {
        assert_eq!(bin_linear(&line(7), 10), finite(&line(7)));
    }

    #[test]
    fn logarithmic_bins_leave_out_time_zero() {
        let points = bin_logarithmic(&line(1000), 4.0);
        assert!(points.iter().all(|point| point.x > 0.0));
        assert!(points.len() <= 12 && points.len() > 6);
    }

    #[test]
    fn values_that_are_not_finite_are_dropped() {
        let mut curve = line(20);
        curve.y[3] = f64::NAN;
        curve.x[4] = f64::INFINITY;
        assert_eq!(finite(&curve).len(), 18);
        assert_eq!(bin_linear(&Curve::default(), 5), []);
    }

    #[test]
    fn thinned_lines_keep_their_ends() {
        let thinned = thin((0..1000).collect(), 100);
        assert_eq!(thinned.len(), 100);
        assert_eq!((thinned[0], thinned[99]), (0, 999));
    }
}
