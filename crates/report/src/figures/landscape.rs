//! The energy landscape: barriers, activation volumes, outcomes of the searches.

use std::fmt::Write;

use metabasin_catalogue::EventRecord;
use metabasin_files::findings::LandscapeFindings;

use super::Figure;
use crate::display::thin;
use crate::number::{decimal_exponent, fixed, significant};
use crate::plot::{Axis, Bar, COLORS, DataPoint, GRAY, INK, Layer, Marker, Plot, Shape};

const MOST_BINS: f64 = 30.0;
const MOST_POINTS: usize = 5000;

/// How much of the landscape the searches have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Completeness {
    /// Good-Turing coverage: probability that the next search finds a known event.
    pub coverage: Option<f64>,
    /// Chao1 lower bound of the number of events that these searches can find.
    pub chao1: Option<f64>,
    /// Energy window E* = kT ln(ν·0.02/γ̇) of the slowest MD rate `[energy]`.
    pub window: Option<f64>,
}

impl From<&LandscapeFindings> for Completeness {
    fn from(findings: &LandscapeFindings) -> Self {
        Self {
            coverage: findings.coverage,
            chao1: findings.chao1,
            window: findings.window,
        }
    }
}

/// Counts of events by barrier, those found once apart.
#[derive(Clone, Debug, PartialEq)]
struct Histogram {
    width: f64,
    /// Lower edge, events found twice or more, events found once.
    bins: Vec<(f64, u64, u64)>,
}

fn histogram(barriers: &[(f64, bool)]) -> Histogram {
    let high = barriers.iter().map(|b| b.0).fold(0.0, f64::max);
    let low = barriers.iter().map(|b| b.0).fold(0.0, f64::min);
    let rough = ((high - low) / MOST_BINS).max(1e-6);
    let power = 10f64.powi(decimal_exponent(rough));
    let width = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|width| *width >= rough)
        .unwrap_or(10.0 * power);
    // In floating point: a barrier that makes no sense must not overflow an integer.
    let first = (low / width).floor();
    let count = (high / width).floor() - first + 1.0;
    let mut bins: Vec<(f64, u64, u64)> = (0..(count as usize).min(1000))
        .map(|i| ((first + i as f64) * width, 0, 0))
        .collect();
    for &(barrier, once) in barriers {
        let index = ((barrier / width).floor() - first).max(0.0) as usize;
        if let Some(bin) = bins.get_mut(index) {
            if once {
                bin.2 += 1;
            } else {
                bin.1 += 1;
            }
        }
    }
    Histogram { width, bins }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let count = values.len();
    match count {
        0 => None,
        _ if count % 2 == 1 => Some(values[count / 2]),
        _ => Some(0.5 * (values[count / 2 - 1] + values[count / 2])),
    }
}

/// Barriers of the verified events, with the share found only once.
pub fn barrier_histogram(events: &[EventRecord], completeness: Completeness) -> Figure {
    let barriers: Vec<(f64, bool)> = events
        .iter()
        .filter(|event| event.is_verified() && event.barrier_forward.is_finite())
        .map(|event| (event.barrier_forward, event.hits <= 1))
        .collect();
    let rejected = events.len() - barriers.len();
    let once = barriers.iter().filter(|(_, once)| *once).count();
    let Histogram { width, bins } = histogram(&barriers);
    let bars = |base: fn(&(f64, u64, u64)) -> u64, count: fn(&(f64, u64, u64)) -> u64| {
        bins.iter()
            .filter(|bin| count(bin) > 0)
            .map(|bin| Bar {
                from: bin.0,
                to: bin.0 + width,
                base: base(bin) as f64,
                top: (base(bin) + count(bin)) as f64,
            })
            .collect()
    };
    let mut layers = Vec::new();
    if !barriers.is_empty() {
        layers.push(
            Layer::new(
                COLORS[0],
                Shape::Bars {
                    bars: bars(|_| 0, |bin| bin.1),
                    hatched: false,
                },
            )
            .with_opacity(0.8)
            .labeled("found twice or more"),
        );
        layers.push(
            Layer::new(
                COLORS[1],
                Shape::Bars {
                    bars: bars(|bin| bin.1, |bin| bin.2),
                    hatched: true,
                },
            )
            .labeled("found once"),
        );
    }
    if let Some(window) = completeness.window.filter(|window| window.is_finite()) {
        layers.push(
            Layer::new(
                INK,
                Shape::VerticalLine {
                    at: window,
                    dash: "5 3",
                },
            )
            .labeled(format!("E* = {} ε", significant(window, 3))),
        );
    }
    let mut notes = vec![format!("Verified events: {}", barriers.len())];
    if let Some(median) = median(barriers.iter().map(|b| b.0).collect()) {
        notes.push(format!("Median: {} ε", significant(median, 3)));
    }
    if !barriers.is_empty() {
        notes.push(format!("Found once: {once}"));
    }
    if let Some(coverage) = completeness.coverage {
        notes.push(format!("Coverage: {}", fixed(coverage, 2)));
    }
    if let Some(chao1) = completeness.chao1 {
        notes.push(format!("Chao1: at least {} events", fixed(chao1, 0)));
    }
    let apart = if rejected == 0 {
        String::new()
    } else {
        format!(" {rejected} event(s) without every verdict are left out.")
    };
    Figure {
        plot: Plot {
            name: "barriers".to_owned(),
            title: "Barriers of localized events".to_owned(),
            x: Axis::linear("Forward barrier ΔE", "ε").including(0.0),
            y: Axis::linear(&format!("Events per {} ε", trimmed(width)), ""),
            layers,
            notes,
            empty_reason: "no verified event is in the catalogue".to_owned(),
        },
        caption: format!(
            "Forward barriers of the verified events (converged, one negative eigenvalue, \
             connected to the sample's minimum). Hatched: events that a single search found; \
             where they dominate, the catalogue is far from complete. Coverage is the Good-Turing \
             probability that the next search finds a known event, Chao1 a lower bound of the \
             events that these searches can find. E* is the energy window of the slowest MD rate: \
             events above it hardly happen while the sample is loaded.{apart}"
        ),
        source: "catalogue.sqlite, table events: barrier_forward, hits".to_owned(),
        stages: &[],
    }
}

/// A bin width as it was chosen: one digit.
fn trimmed(width: f64) -> String {
    fixed(width, (-decimal_exponent(width)).max(0) as usize)
}

/// A structure class: its name in the catalogue, its name for people, its look.
struct Class {
    name: Option<&'static str>,
    label: &'static str,
    color: &'static str,
    marker: Marker,
}

/// Events of any other class count as the last.
const CLASSES: [Class; 3] = [
    Class {
        name: Some("icosahedral"),
        label: "icosahedral",
        color: COLORS[0],
        marker: Marker::Circle,
    },
    Class {
        name: Some("other"),
        label: "not icosahedral",
        color: COLORS[1],
        marker: Marker::Triangle,
    },
    Class {
        name: None,
        label: "class unknown",
        color: GRAY,
        marker: Marker::Square,
    },
];

/// Barrier and activation volume of the verified events of the class with this index.
fn points_of_class(events: &[EventRecord], index: usize) -> Vec<DataPoint> {
    let class_of = |event: &EventRecord| {
        CLASSES
            .iter()
            .position(|class| class.name == event.structure_class.as_deref())
            .unwrap_or(CLASSES.len() - 1)
    };
    events
        .iter()
        .filter(|event| event.is_verified() && class_of(event) == index)
        .filter_map(|event| {
            let volume = event.activation_volume()?;
            (volume.is_finite() && event.barrier_forward.is_finite()).then_some(DataPoint {
                x: event.barrier_forward,
                y: volume,
                error: None,
            })
        })
        .collect()
}

/// Activation volume against barrier, by structure class.
pub fn activation_volumes(events: &[EventRecord]) -> Figure {
    let mut layers =
        vec![Layer::new(INK, Shape::HorizontalLine { at: 0.0, dash: "" }).with_opacity(0.5)];
    let mut volumes = Vec::new();
    for (index, class) in CLASSES.iter().enumerate() {
        let points = points_of_class(events, index);
        if points.is_empty() {
            continue;
        }
        volumes.extend(points.iter().map(|point| point.y));
        let label = format!("{} ({})", class.label, points.len());
        layers.push(
            Layer::new(
                class.color,
                Shape::Points {
                    points: thin(points, MOST_POINTS),
                    marker: class.marker,
                    filled: true,
                    size: 4.2,
                },
            )
            .with_opacity(0.75)
            .labeled(label),
        );
    }
    let without = events
        .iter()
        .filter(|event| event.is_verified() && event.activation_volume().is_none())
        .count();
    let mut notes = Vec::new();
    if !volumes.is_empty() {
        let positive = volumes.iter().filter(|volume| **volume > 0.0).count();
        notes.push(format!(
            "Ω_xy > 0 (helped by positive shear): {positive} of {}",
            volumes.len()
        ));
        if let Some(median) = median(volumes.iter().map(|volume| volume.abs()).collect()) {
            notes.push(format!("Median of |Ω_xy|: {} σ³", significant(median, 2)));
        }
    }
    let mut remarks = String::new();
    if without > 0 {
        remarks = format!(
            " {without} event(s) have none, because the compliance of the sample was not measured."
        );
    }
    if volumes.len() > MOST_POINTS {
        let _ = write!(
            remarks,
            " At most {MOST_POINTS} points a class are drawn, evenly chosen."
        );
    }
    Figure {
        plot: Plot {
            name: "activation-volumes".to_owned(),
            title: "Activation volume against barrier".to_owned(),
            x: Axis::linear("Forward barrier ΔE", "ε").including(0.0),
            y: Axis::linear("Activation volume Ω_xy", "σ³").including(0.0),
            layers,
            notes,
            empty_reason: if without > 0 {
                "the compliance of the sample was not measured".to_owned()
            } else {
                "no verified event is in the catalogue".to_owned()
            },
        },
        caption: format!(
            "Activation volume for simple shear, Ω_xy = 2 Q_xy of the saddle (from the stress \
             difference between minimum and saddle), against the forward barrier, by the structure \
             class of the atom that moves most. A positive shear stress lowers the barriers of \
             events above the line and raises those below.{remarks}"
        ),
        source: "catalogue.sqlite, table events: barrier_forward, plastic_saddle, structure_class"
            .to_owned(),
        stages: &[],
    }
}

/// How the searches ended.
pub fn search_outcomes(outcomes: &[(String, u64)]) -> Figure {
    let total: u64 = outcomes.iter().map(|(_, count)| count).sum();
    // The most frequent on top: the axis counts upwards.
    let rows: Vec<&(String, u64)> = outcomes.iter().rev().collect();
    let bars = |connected: bool| {
        rows.iter()
            .enumerate()
            .filter(|(_, (name, count))| (name == "connected") == connected && *count > 0)
            .map(|(i, (_, count))| Bar {
                from: 0.0,
                to: *count as f64,
                base: i as f64 + 0.18,
                top: i as f64 + 0.82,
            })
            .collect()
    };
    let layer = |color, connected| {
        Layer::new(
            color,
            Shape::Bars {
                bars: bars(connected),
                hatched: false,
            },
        )
        .with_opacity(0.8)
    };
    let mut y = Axis::linear("", "");
    y.range = Some((0.0, rows.len() as f64));
    y.categories = rows
        .iter()
        .map(|(name, count)| format!("{} ({count})", name.replace('_', " ")))
        .collect();
    Figure {
        plot: Plot {
            name: "search-outcomes".to_owned(),
            title: "How the saddle searches ended".to_owned(),
            x: Axis::linear("Searches", "").including(0.0),
            y,
            layers: vec![layer(COLORS[2], true), layer(GRAY, false)],
            notes: Vec::new(),
            empty_reason: "no search was run".to_owned(),
        },
        caption: format!(
            "Outcomes of all {total} saddle searches, failures included; green: a first-order \
             saddle whose one side descends to the sample's minimum."
        ),
        source: "catalogue.sqlite, table searches: outcome".to_owned(),
        stages: &[],
    }
}

/// [`barrier_histogram`] as a stand-alone SVG file.
pub fn barrier_histogram_svg(events: &[EventRecord], completeness: Completeness) -> String {
    barrier_histogram(events, completeness).plot.to_svg()
}
