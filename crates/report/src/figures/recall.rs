//! Recall: the ways that molecular dynamics took beside those that a catalogue holds.

use super::Figure;
use crate::plot::{Axis, COLORS, DataPoint, GRAY, INK, Layer, Marker, Plot, Shape};

/// Whether a catalogue holds a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayVerdict {
    /// Over a pass as low.
    Held,
    /// Only over a higher pass.
    ByDetour,
    /// Not at all.
    Missing,
}

/// A way that trajectories took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TakenWay {
    /// Height of its pass `[energy]`.
    pub barrier: f64,
    /// Exits a time `[1/τ]`.
    pub rate: f64,
    /// Limits of the rate, one standard deviation of a Poisson count.
    pub limits: (f64, f64),
    /// Whether the catalogue holds it.
    pub verdict: WayVerdict,
}

/// Events slower than this part of the slowest way that was taken are left out.
const LEAST_PART: f64 = 0.01;

/// Rates against barriers: ways taken, and events of the catalogue as (barrier, rate).
pub fn recall_figure(taken: &[TakenWay], events: &[(f64, f64)], verdict: &str) -> Figure {
    let slowest = taken
        .iter()
        .map(|way| way.rate)
        .fold(f64::INFINITY, f64::min);
    let seen = events
        .iter()
        .filter(|(_, rate)| taken.is_empty() || *rate >= LEAST_PART * slowest);
    let point = |x: f64, y: f64| DataPoint { x, y, error: None };
    let mut layers = vec![
        Layer::new(
            GRAY,
            Shape::Points {
                points: seen.map(|&(barrier, rate)| point(barrier, rate)).collect(),
                marker: Marker::Diamond,
                filled: true,
                size: 2.5,
            },
        )
        .labeled("events of the catalogue"),
    ];
    // Limits of a Poisson count are not symmetric: each bar is a line of its own.
    for way in taken {
        let (low, high) = way.limits;
        let low = if low > 0.0 { low } else { 0.1 * high };
        layers.push(Layer::new(
            INK,
            Shape::Line {
                points: vec![(way.barrier, low), (way.barrier, high)],
                dash: "",
                width: 1.0,
            },
        ));
    }
    for (verdict, color, filled, label) in [
        (WayVerdict::Held, COLORS[0], true, "taken, held"),
        (
            WayVerdict::ByDetour,
            COLORS[1],
            false,
            "taken, held by a detour",
        ),
        (WayVerdict::Missing, COLORS[1], true, "taken, missing"),
    ] {
        let these = taken.iter().filter(|way| way.verdict == verdict);
        layers.push(
            Layer::new(
                color,
                Shape::Points {
                    points: these.map(|way| point(way.barrier, way.rate)).collect(),
                    marker: Marker::Circle,
                    filled,
                    size: 4.0,
                },
            )
            .labeled(label),
        );
    }
    let plot = Plot {
        name: "recall".to_owned(),
        title: "Ways out of one minimum".to_owned(),
        x: Axis::linear("Height of the pass", "ε").including(0.0),
        y: Axis::logarithmic("Rate", "1/τ"),
        layers,
        notes: Vec::new(),
        empty_reason: "no trajectory left, and the catalogue is empty".to_owned(),
    };
    Figure {
        plot,
        caption: format!(
            "First exits of molecular dynamics from the minimum of a catalogue, with the limits of their \
             Poisson counts, beside the rates of its events. {verdict}."
        ),
        source: "metabasin recall --json".to_owned(),
        stages: &[],
    }
}

/// [`recall_figure`] as a stand-alone SVG file.
pub fn recall_svg(taken: &[TakenWay], events: &[(f64, f64)], verdict: &str) -> String {
    recall_figure(taken, events, verdict).plot.to_svg()
}
