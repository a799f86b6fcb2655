//! The panels of completeness: coverage, richness, cost.

use metabasin_catalogue::WindowCompleteness;

use super::{line, panel};
use crate::number::{fixed, significant};
use crate::plot::{Axis, DataPoint, INK, Layer, Marker, Plot, SeriesStyle, Shape};

fn name_of(window: &WindowCompleteness) -> String {
    window.window.map_or("all events".to_owned(), |edge| {
        format!("ΔE < {} ε", significant(edge, 3))
    })
}

pub(super) fn coverage(windows: &[WindowCompleteness]) -> Plot {
    let mut plot = panel(
        "coverage",
        "Coverage: does the next hit find a known event?",
        Axis::logarithmic("Searches", ""),
        // As high as what is known: a few percent would lie on the axis of a plot up to one.
        Axis::linear("Probability", "")
            .including(0.0)
            .including(0.1),
    );
    for (index, window) in windows.iter().enumerate() {
        let points = window
            .growth
            .iter()
            .filter_map(|point| Some((point.searches as f64, point.coverage?)))
            .collect();
        plot.layers.push(line(points, index, name_of(window)));
    }
    // What came: shares of the hits between two points, with the error of a share.
    if let Some(all) = windows.first() {
        let pairs = all.growth.windows(2);
        let points: Vec<DataPoint> = pairs
            .filter_map(|pair| {
                let share = pair[0].known_next?;
                let hits = (pair[1].hits - pair[0].hits) as f64;
                (hits >= 5.0).then(|| DataPoint {
                    x: (pair[0].searches as f64 * pair[1].searches as f64).sqrt(),
                    y: share,
                    error: Some((share * (1.0 - share) / hits).sqrt()),
                })
            })
            .collect();
        if !points.is_empty() {
            plot.layers.push(
                Layer::new(
                    INK,
                    Shape::Points {
                        points,
                        marker: Marker::Circle,
                        filled: false,
                        size: 3.0,
                    },
                )
                .labeled("known among the next hits"),
            );
        }
        if let (Some(value), Some(error)) = (all.coverage, all.coverage_error) {
            plot.notes
                .push(format!("now {} ± {}", fixed(value, 2), fixed(error, 2)));
        }
    }
    plot
}

pub(super) fn richness(windows: &[WindowCompleteness]) -> Plot {
    let mut plot = panel(
        "richness",
        "Distinct events found, and how many there are at least",
        Axis::logarithmic("Searches", ""),
        Axis::logarithmic("Events", ""),
    );
    for (index, window) in windows.iter().enumerate() {
        let of = |value: &dyn Fn(&metabasin_catalogue::GrowthPoint) -> Option<f64>| {
            window
                .growth
                .iter()
                .filter(|point| point.hits > 0)
                .filter_map(|point| Some((point.searches as f64, value(point)?)))
                .collect::<Vec<_>>()
        };
        let name = name_of(window);
        let style = SeriesStyle::of(index);
        let found = of(&|point| Some(point.distinct as f64));
        plot.layers
            .push(line(found, index, format!("{name}: found")));
        let chao1 = of(&|point| point.chao1);
        plot.layers.push(
            Layer::new(
                style.color,
                Shape::Points {
                    points: chao1
                        .into_iter()
                        .map(|(x, y)| DataPoint { x, y, error: None })
                        .collect(),
                    marker: style.marker,
                    filled: false,
                    size: 3.0,
                },
            )
            .labeled(format!("{name}: Chao1")),
        );
    }
    plot.notes
        .push("Chao1 is a lower bound of what these searches can find".to_owned());
    plot
}

pub(super) fn cost(windows: &[WindowCompleteness]) -> Plot {
    let mut plot = panel(
        "cost",
        "Force evaluations for each distinct event",
        Axis::logarithmic("Searches", ""),
        Axis::logarithmic("Force evaluations per event", ""),
    );
    for (index, window) in windows.iter().enumerate() {
        let points = window
            .growth
            .iter()
            .filter_map(|point| Some((point.searches as f64, point.evaluations_per_event?)))
            .collect();
        plot.layers.push(line(points, index, name_of(window)));
        if let Some(each) = window.evaluations_per_event {
            plot.notes
                .push(format!("{}: {}", name_of(window), fixed(each, 0)));
        }
    }
    plot.notes
        .push("all searches are paid for, both descents included".to_owned());
    plot
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_catalogue::GrowthPoint;

    #[test]
    fn a_coverage_of_few_percent_is_seen() {
        let growth = |searches: u64, coverage: f64| GrowthPoint {
            searches,
            hits: searches,
            distinct: searches,
            coverage: Some(coverage),
            chao1: None,
            known_next: None,
            evaluations: 0,
            evaluations_per_event: None,
        };
        let window = |coverage: f64| WindowCompleteness {
            window: None,
            searches: 100,
            hits: 100,
            distinct: 100,
            once: 100,
            twice: 0,
            coverage: Some(coverage),
            coverage_error: None,
            chao1: None,
            chao1_error: None,
            passes: 0,
            coverage_by_pass: None,
            chao2: None,
            evaluations: 0,
            evaluations_per_event: None,
            growth: vec![growth(10, 0.0), growth(100, coverage)],
        };
        for coverage_now in [0.0, 0.03, 0.9] {
            let frame = coverage(&[window(coverage_now)]).frame();
            let (zero, now) = (frame.y.position(0.0), frame.y.position(coverage_now));
            let (zero, now) = (zero.unwrap(), now.unwrap());
            // Off the axis, and a rise is seen to be one.
            assert!(frame.bottom - zero > 5.0);
            assert!(coverage_now == 0.0 || zero - now > 0.2 * (frame.bottom - frame.top));
        }
    }
}
