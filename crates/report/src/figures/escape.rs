//! The escape test: rates of escape by molecular dynamics beside a catalogue's sum of rates.

use super::Figure;
use crate::number::significant;
use crate::plot::{Axis, COLORS, DataPoint, GRAY, INK, Layer, Marker, Plot, Shape};

/// Rates of escape at one temperature `[1/τ]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EscapePoint {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Lasting escapes a time of molecular dynamics.
    pub md: f64,
    /// Its limits, one standard deviation of a Poisson count.
    pub md_limits: (f64, f64),
    /// The catalogue's sum of lasting rates.
    pub catalogue: f64,
    /// The same corrected by coverage.
    pub corrected: Option<f64>,
    /// The sum with the declared attempt frequency, divided and multiplied by its band.
    pub declared: (f64, f64),
}

/// Rates against 1/T; an escape that never happened has only the upper end of its error bar.
pub fn escape_rates(points: &[EscapePoint], verdict: &str) -> Figure {
    let mut points = points.to_vec();
    points.sort_by(|a, b| b.temperature.total_cmp(&a.temperature));
    let inverse = |point: &EscapePoint| 1.0 / point.temperature;
    let line = |of: &dyn Fn(&EscapePoint) -> Option<f64>| -> Vec<(f64, f64)> {
        points
            .iter()
            .filter_map(|point| Some((inverse(point), of(point)?)))
            .collect()
    };
    let mut layers = vec![
        Layer::new(
            GRAY,
            Shape::Band {
                points: points
                    .iter()
                    .map(|point| (inverse(point), point.declared.0, point.declared.1))
                    .collect(),
            },
        )
        .with_opacity(0.3)
        .labeled("catalogue, declared ν₀ and its band"),
        Layer::new(
            COLORS[0],
            Shape::Line {
                points: line(&|point| Some(point.catalogue)),
                dash: "",
                width: 1.6,
            },
        )
        .labeled("catalogue, its prefactors"),
        Layer::new(
            COLORS[0],
            Shape::Line {
                points: line(&|point| point.corrected),
                dash: "5 3",
                width: 1.2,
            },
        )
        .labeled("the same, by coverage"),
    ];
    // Limits of a Poisson count are not symmetric: each bar is a line of its own.
    for point in &points {
        let (low, high) = point.md_limits;
        let low = if low > 0.0 { low } else { 0.1 * high };
        layers.push(Layer::new(
            INK,
            Shape::Line {
                points: vec![(inverse(point), low), (inverse(point), high)],
                dash: "",
                width: 1.2,
            },
        ));
    }
    let markers = |point: &EscapePoint| DataPoint {
        x: inverse(point),
        y: point.md,
        error: None,
    };
    layers.push(
        Layer::new(
            INK,
            Shape::Points {
                points: points.iter().map(markers).collect(),
                marker: Marker::Circle,
                filled: true,
                size: 3.5,
            },
        )
        .labeled("molecular dynamics"),
    );
    let notes = points
        .iter()
        .filter(|point| point.catalogue > 0.0 && point.md > 0.0)
        .map(|point| {
            format!(
                "T = {}: MD / catalogue {}",
                significant(point.temperature, 3),
                significant(point.md / point.catalogue, 2)
            )
        })
        .collect();
    let plot = Plot {
        name: "escape".to_owned(),
        title: "Escape from one minimum".to_owned(),
        x: Axis::linear("Inverse temperature 1/k_B T", "1/ε"),
        y: Axis::logarithmic("Rate of escape", "1/τ"),
        layers,
        notes,
        empty_reason: "no temperature was tested".to_owned(),
    };
    Figure {
        plot,
        caption: format!(
            "Lasting escapes of molecular dynamics from the minimum of a catalogue, with the limits of \
             their Poisson counts, beside the catalogue's sum of rates. {verdict}."
        ),
        source: "metabasin escape --json".to_owned(),
        stages: &[],
    }
}

/// [`escape_rates`] as a stand-alone SVG file.
pub fn escape_svg(points: &[EscapePoint], verdict: &str) -> String {
    escape_rates(points, verdict).plot.to_svg()
}
