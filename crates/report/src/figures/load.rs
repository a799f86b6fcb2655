//! The sheet of `activation --plot`: barriers under load, in four panels.

use crate::number::significant;
use crate::plot::{
    Axis, Bar, COLORS, DataPoint, GRAY, INK, Layer, Marker, Plot, Shape, panels_svg,
};

/// An event followed one way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadedCurve {
    /// Load and barrier, outward from zero.
    pub barriers: Vec<(f64, f64)>,
    /// Load and activation volume Ω_xy.
    pub volumes: Vec<(f64, f64)>,
    /// Where the event ended; `None` where it was followed to the end.
    pub end: Option<f64>,
    /// Name of what became of it.
    pub fate: String,
}

/// What grows with the load, for the axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadAxis {
    /// A strain γ of a cell that is held.
    #[default]
    Strain,
    /// A stress σ added on a cell that gives way.
    Stress,
}

impl LoadAxis {
    /// What stands at the axis: before a symbol, and the symbol.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Strain => ("Strain", "γ"),
            Self::Stress => ("Stress added", "σ"),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Strain => "",
            Self::Stress => "ε/σ³",
        }
    }

    fn linear(self) -> Axis {
        let (name, symbol) = self.words();
        Axis::linear(&format!("{name} {symbol}"), self.unit())
    }

    fn barrier(self) -> &'static str {
        match self {
            Self::Strain => "Barrier ΔE at fixed cell",
            Self::Stress => "Barrier ΔH at fixed stress",
        }
    }
}

/// Fates with a color of their own; all others share one.
const FATES: [(&str, &str); 4] = [
    ("barrier_vanished", "saddle met its minimum"),
    ("saddle_vanished", "saddle met something else"),
    ("followed", "still there"),
    ("minimum_unstable", "minimum lost to another event"),
];

/// Bins of the histogram, each way.
const BINS: usize = 12;

/// All panels as one stand-alone SVG file.
pub fn load_sheet_svg(curves: &[LoadedCurve], load: LoadAxis) -> String {
    panels_svg(
        &[
            barriers(curves, load),
            power_law(curves, load),
            ends(curves, load),
            volumes(curves, load),
        ],
        2,
    )
}

fn color(fate: &str) -> &'static str {
    match FATES.iter().position(|(name, _)| *name == fate) {
        Some(0) => COLORS[0],
        Some(1) => COLORS[1],
        Some(2) => COLORS[2],
        Some(_) => GRAY,
        None => COLORS[3],
    }
}

fn line(color: &'static str, points: Vec<(f64, f64)>, width: f64) -> Layer {
    Layer::new(
        color,
        Shape::Line {
            points,
            dash: "",
            width,
        },
    )
}

/// Whether an event is none at zero load already.
fn none_at_zero(curve: &LoadedCurve) -> bool {
    curve.end == Some(0.0)
}

/// Curves colored by fate, one legend entry a fate, in which all events of that fate are counted.
fn colored(
    curves: &[LoadedCurve],
    load: LoadAxis,
    of: impl Fn(&LoadedCurve) -> Vec<(f64, f64)>,
) -> Vec<Layer> {
    let mut layers: Vec<Layer> = curves
        .iter()
        .map(|curve| line(color(&curve.fate), of(curve), 1.0).with_opacity(0.7))
        .collect();
    let mut label = |name: &str, has: &dyn Fn(&LoadedCurve) -> bool| {
        let Some(first) = curves.iter().position(has) else {
            return;
        };
        let count = curves.iter().filter(|curve| has(curve)).count();
        let zero = curves
            .iter()
            .filter(|curve| has(curve) && none_at_zero(curve))
            .count();
        layers[first].label = Some(if zero > 0 {
            let (_, symbol) = load.words();
            format!("{name} ({count}, {zero} of them at {symbol} = 0)")
        } else {
            format!("{name} ({count})")
        });
    };
    for (fate, name) in FATES {
        label(name, &|curve| curve.fate == fate);
    }
    label("not connected or not rebuilt", &|curve| {
        FATES.iter().all(|(fate, _)| *fate != curve.fate)
    });
    layers
}

fn panel(name: &str, title: &str, x: Axis, y: Axis, layers: Vec<Layer>) -> Plot {
    Plot {
        name: name.to_owned(),
        title: title.to_owned(),
        x,
        y,
        layers,
        empty_reason: "no event was followed".to_owned(),
        ..Plot::default()
    }
}

fn barriers(curves: &[LoadedCurve], load: LoadAxis) -> Plot {
    panel(
        "load-barriers",
        "Barriers under load",
        load.linear(),
        Axis::linear(load.barrier(), "ε").including(0.0),
        colored(curves, load, |curve| curve.barriers.clone()),
    )
}

/// Barriers that vanish against the strain that is left, with the law of a fold.
fn power_law(curves: &[LoadedCurve], load: LoadAxis) -> Plot {
    let vanished = curves.iter().filter(|c| c.fate == "barrier_vanished");
    let mut layers = Vec::new();
    let mut corner: Option<(f64, f64)> = None;
    for curve in vanished {
        let Some(end) = curve.end else { continue };
        let left: Vec<(f64, f64)> = curve
            .barriers
            .iter()
            .map(|(gamma, barrier)| ((end - gamma).abs(), *barrier))
            .filter(|(left, barrier)| *left > 0.0 && *barrier > 0.0)
            .collect();
        for &(x, y) in &left {
            if corner.is_none_or(|(most, _)| x > most) {
                corner = Some((x, y));
            }
        }
        layers.push(line(COLORS[0], left, 1.0).with_opacity(0.7));
    }
    if let Some((x, y)) = corner {
        let guide = (0..=40)
            .map(|k| {
                let share = 10_f64.powf(-0.1 * f64::from(k));
                (x * share, 2.0 * y * share.powf(1.5))
            })
            .collect();
        layers.push(
            Layer::new(
                INK,
                Shape::Line {
                    points: guide,
                    dash: "5 3",
                    width: 1.4,
                },
            )
            .labeled("slope 3/2"),
        );
    }
    let (_, symbol) = load.words();
    Plot {
        empty_reason: "no barrier vanished".to_owned(),
        ..panel(
            "load-law",
            "Barriers near their end",
            Axis::logarithmic(&format!("Left, |{symbol}_c − {symbol}|"), load.unit()),
            Axis::logarithmic(load.barrier(), "ε"),
            layers,
        )
    }
}

/// Where saddles vanish, both ways.
fn ends(curves: &[LoadedCurve], load: LoadAxis) -> Plot {
    let found = |curve: &&LoadedCurve| {
        (curve.fate == "barrier_vanished" || curve.fate == "saddle_vanished")
            && curve.end.is_some_and(f64::is_finite)
            && !none_at_zero(curve)
    };
    let largest = curves
        .iter()
        .filter(found)
        .filter_map(|curve| curve.end)
        .fold(0.0, |most: f64, end| most.max(end.abs()));
    let width = largest / BINS as f64;
    let mut layers = Vec::new();
    for (fate, label) in &FATES[..2] {
        let bars: Vec<Bar> = (0..2 * BINS)
            .filter_map(|bin| {
                let from = (bin as f64 - BINS as f64) * width;
                let within = |end: f64| {
                    let at = ((end + largest) / width).floor();
                    (at.clamp(0.0, (2 * BINS - 1) as f64) - bin as f64).abs() < 0.5
                };
                let count = curves
                    .iter()
                    .filter(found)
                    .filter(|curve| curve.fate == *fate && curve.end.is_some_and(within))
                    .count();
                (count > 0).then_some(Bar {
                    from,
                    to: from + width,
                    base: 0.0,
                    top: count as f64,
                })
            })
            .collect();
        if !bars.is_empty() {
            layers.push(
                Layer::new(
                    color(fate),
                    Shape::Bars {
                        bars,
                        hatched: false,
                    },
                )
                .with_opacity(0.55)
                .labeled(*label),
            );
        }
    }
    let (name, symbol) = load.words();
    let side = |positive: bool| {
        let mut ends: Vec<f64> = curves
            .iter()
            .filter(found)
            .filter_map(|curve| curve.end)
            .filter(|end| (*end > 0.0) == positive)
            .collect();
        ends.sort_by(f64::total_cmp);
        let middle = ends.get(ends.len() / 2);
        let sign = if positive { ">" } else { "<" };
        middle.map(|middle| {
            format!(
                "{symbol} {sign} 0: {} vanish, median {}",
                ends.len(),
                significant(*middle, 3)
            )
        })
    };
    let at_zero = curves.iter().filter(|curve| none_at_zero(curve)).count();
    let at_zero = (at_zero > 0).then(|| format!("{symbol} = 0: {at_zero} are no events there"));
    Plot {
        notes: [side(true), side(false), at_zero]
            .into_iter()
            .flatten()
            .collect(),
        empty_reason: "no saddle vanished".to_owned(),
        ..panel(
            "load-ends",
            "Loads at which saddles vanish",
            Axis::linear(&format!("{name} {symbol}_c"), load.unit()),
            Axis::linear("Events", "").including(0.0),
            layers,
        )
    }
}

fn volumes(curves: &[LoadedCurve], load: LoadAxis) -> Plot {
    let mut layers = colored(curves, load, |curve| curve.volumes.clone());
    for layer in &mut layers {
        layer.label = None;
    }
    let points = curves.iter().filter_map(|curve| curve.volumes.first());
    layers.push(
        Layer::new(
            INK,
            Shape::Points {
                points: points
                    .map(|(x, y)| DataPoint {
                        x: *x,
                        y: *y,
                        error: None,
                    })
                    .collect(),
                marker: Marker::Circle,
                filled: true,
                size: 1.6,
            },
        )
        .labeled("first of each curve"),
    );
    panel(
        "load-volumes",
        "Activation volumes under load",
        load.linear(),
        Axis::linear("Activation volume Ω_xy", "σ³"),
        layers,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_counts_fates_and_ends() {
        let curve = |end: f64, fate: &str| LoadedCurve {
            barriers: vec![(0.0, 2.0), (0.5 * end, 1.0)],
            volumes: vec![(0.0, 0.3)],
            end: Some(end),
            fate: fate.to_owned(),
        };
        let curves = [
            curve(0.02, "barrier_vanished"),
            curve(-0.01, "barrier_vanished"),
            curve(0.03, "saddle_vanished"),
            curve(0.03, "disconnected"),
            curve(0.0, "saddle_vanished"),
        ];
        let svg = load_sheet_svg(&curves, LoadAxis::Strain);
        // Long labels are broken into lines.
        let text: String = svg
            .split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|(_, text)| text.trim())
            .filter(|text| !text.is_empty())
            .collect::<Vec<&str>>()
            .join(" ");
        assert!(text.contains("saddle met its minimum (2)"));
        assert!(text.contains("saddle met something else (2, 1 of them at γ = 0)"));
        assert!(text.contains("not connected or not rebuilt (1)"));
        assert!(text.contains("γ = 0: 1 are no events there"));
        assert!(text.contains("2 vanish"));
        let total: f64 = ends(&curves, LoadAxis::Strain)
            .layers
            .iter()
            .filter_map(|layer| match &layer.shape {
                Shape::Bars { bars, .. } => Some(bars.iter().map(|bar| bar.top).sum::<f64>()),
                _ => None,
            })
            .sum();
        assert_eq!(total, 3.0);
        let stressed = load_sheet_svg(&curves, LoadAxis::Stress);
        assert!(svg.contains("Strain γ") && !stressed.contains("Strain γ"));
        assert!(stressed.contains("Stress added σ") && stressed.contains("ΔH"));
        let empty = load_sheet_svg(&[], LoadAxis::Strain);
        assert!(empty.contains("no event was followed"));
    }
}
