//! The sheet of `barriers --plot`: what a catalogue says, in twelve panels.

mod completeness;

use metabasin_catalogue::{BarrierReport, Correlation, EventMeasures, Histogram};

use crate::display::thin;
use crate::number::{fixed, significant};
use crate::plot::{
    Axis, Bar, COLORS, DataPoint, INK, Layer, Marker, Plot, SeriesStyle, Shape, panels_svg,
};
use completeness::{cost, coverage, richness};

const MOST_POINTS: usize = 4000;
const CLASSES: [(&str, &str); 2] = [("icosahedral", "icosahedral"), ("other", "not icosahedral")];

/// All panels of a catalogue as one stand-alone SVG file.
pub fn barrier_sheet_svg(report: &BarrierReport, measures: &[EventMeasures]) -> String {
    panels_svg(&barrier_panels(report, measures), 2)
}

/// All panels of a catalogue.
pub fn barrier_panels(report: &BarrierReport, measures: &[EventMeasures]) -> Vec<Plot> {
    let windows = &report.completeness.windows;
    vec![
        barriers(report),
        by_class(measures),
        joint(report, measures),
        activation_volumes(report),
        orientation(report, measures),
        alignment(measures),
        participation(measures),
        string_lengths(report),
        prefactors(measures),
        coverage(windows),
        richness(windows),
        cost(windows),
    ]
}

fn panel(name: &str, title: &str, x: Axis, y: Axis) -> Plot {
    Plot {
        name: name.to_owned(),
        title: title.to_owned(),
        x,
        y,
        empty_reason: "no verified event is in the catalogue".to_owned(),
        ..Plot::default()
    }
}

/// Bars and, where a bin is not empty, its error.
fn bars(histogram: &Histogram, color: &'static str) -> Vec<Layer> {
    let bins = || histogram.edges.windows(2).zip(&histogram.counts);
    let bars = bins()
        .filter(|(_, count)| **count > 0)
        .map(|(edges, count)| Bar {
            from: edges[0],
            to: edges[1],
            base: 0.0,
            top: *count as f64,
        });
    let errors = bins()
        .zip(&histogram.errors)
        .filter(|((_, count), _)| **count > 0)
        .map(|((edges, count), error)| DataPoint {
            x: 0.5 * (edges[0] + edges[1]),
            y: *count as f64,
            error: Some(*error),
        });
    vec![
        Layer::new(
            color,
            Shape::Bars {
                bars: bars.collect(),
                hatched: false,
            },
        )
        .with_opacity(0.55),
        Layer::new(
            INK,
            Shape::Points {
                points: errors.collect(),
                marker: Marker::Circle,
                filled: true,
                size: 1.6,
            },
        ),
    ]
}

fn vertical(at: f64, label: Option<String>) -> Layer {
    let layer = Layer::new(INK, Shape::VerticalLine { at, dash: "5 4" }).with_opacity(0.6);
    match label {
        Some(label) => layer.labeled(label),
        None => layer,
    }
}

fn horizontal(at: f64) -> Layer {
    Layer::new(INK, Shape::HorizontalLine { at, dash: "" }).with_opacity(0.4)
}

fn scatter(points: Vec<(f64, f64)>, index: usize, label: String) -> Layer {
    let style = SeriesStyle::of(index);
    let points = points
        .into_iter()
        .map(|(x, y)| DataPoint { x, y, error: None })
        .collect();
    Layer::new(
        style.color,
        Shape::Points {
            points: thin(points, MOST_POINTS),
            marker: style.marker,
            filled: true,
            size: 3.2,
        },
    )
    .with_opacity(0.55)
    .labeled(label)
}

fn line(points: Vec<(f64, f64)>, index: usize, label: String) -> Layer {
    let style = SeriesStyle::of(index);
    Layer::new(
        style.color,
        Shape::Line {
            points,
            dash: style.dash,
            width: 2.0,
        },
    )
    .labeled(label)
}

/// A scatter by structure class of the atom that moves most.
fn by_structure(
    measures: &[EventMeasures],
    point: impl Fn(&EventMeasures) -> Vec<(f64, f64)>,
) -> Vec<Layer> {
    let known = |m: &EventMeasures| {
        CLASSES
            .iter()
            .position(|(name, _)| m.structure_class.as_deref() == Some(name))
    };
    let mut layers = Vec::new();
    for (index, label) in CLASSES
        .iter()
        .map(|(_, label)| *label)
        .chain(["class unknown"])
        .enumerate()
    {
        let members = measures
            .iter()
            .filter(|m| known(m).unwrap_or(CLASSES.len()) == index);
        let (count, points) = members.fold((0, Vec::new()), |(count, mut points), m| {
            points.extend(point(m));
            (count + 1, points)
        });
        if !points.is_empty() {
            layers.push(scatter(points, index, format!("{label} ({count})")));
        }
    }
    layers
}

fn noted(correlation: Option<&Correlation>, name: &str) -> Vec<String> {
    correlation.map_or_else(Vec::new, |c| {
        vec![
            format!(
                "{name}: Pearson {} ± {}",
                fixed(c.pearson, 2),
                fixed(c.pearson_error, 2)
            ),
            format!(
                "Spearman {} ± {}",
                fixed(c.spearman, 2),
                fixed(c.spearman_error, 2)
            ),
        ]
    })
}

fn barriers(report: &BarrierReport) -> Plot {
    let mut plot = panel(
        "histogram",
        "Barriers of distinct verified events",
        Axis::linear("Forward barrier ΔE", "ε").including(0.0),
        Axis::linear("Events per bin", "").including(0.0),
    );
    plot.layers = bars(&report.statistics.histogram, COLORS[0]);
    for window in report.completeness.windows.iter().filter_map(|w| w.window) {
        plot.layers.push(vertical(window, None));
    }
    if let Some(barrier) = &report.statistics.barrier {
        let (q, e) = (&barrier.summary, &barrier.error);
        plot.notes = vec![
            format!("{} events", report.statistics.distinct),
            format!("mean {} ± {}", fixed(q.mean, 2), fixed(e.mean, 2)),
            format!("5 %: {} ± {}", fixed(q.q05, 2), fixed(e.q05, 2)),
            format!("25 %: {} ± {}", fixed(q.q25, 2), fixed(e.q25, 2)),
            format!("median {} ± {}", fixed(q.median, 2), fixed(e.median, 2)),
            format!("75 %: {} ± {}", fixed(q.q75, 2), fixed(e.q75, 2)),
            format!("95 %: {} ± {}", fixed(q.q95, 2), fixed(e.q95, 2)),
        ];
    }
    plot
}

/// Steps of an empirical distribution function.
fn cumulative(mut values: Vec<f64>) -> Vec<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let steps = values.iter().enumerate();
    steps
        .flat_map(|(k, &value)| [(value, k as f64 / count), (value, (k + 1) as f64 / count)])
        .collect()
}

fn by_class(measures: &[EventMeasures]) -> Plot {
    let mut plot = panel(
        "classes",
        "Barriers by the atom that moves most",
        Axis::linear("Forward barrier ΔE", "ε").including(0.0),
        Axis::linear("Share of events below", "").including(0.0),
    );
    let mut add = |label: String, index: usize, holds: &dyn Fn(&EventMeasures) -> bool| {
        let values: Vec<f64> = measures
            .iter()
            .filter(|m| holds(m))
            .map(|m| m.barrier_forward)
            .collect();
        if !values.is_empty() {
            let label = format!("{label} ({})", values.len());
            plot.layers.push(line(cumulative(values), index, label));
        }
    };
    for (index, (name, label)) in CLASSES.into_iter().enumerate() {
        add(label.to_owned(), index, &|m| {
            m.structure_class.as_deref() == Some(name)
        });
    }
    for species in 1..=2 {
        add(
            format!("species {species}"),
            1 + usize::from(species),
            &|m| m.species == species,
        );
    }
    plot
}

fn joint(report: &BarrierReport, measures: &[EventMeasures]) -> Plot {
    let mut plot = panel(
        "joint",
        "Barrier and energy of the end state",
        Axis::linear("Forward barrier ΔE", "ε").including(0.0),
        Axis::linear("End state − minimum ΔE₁₂", "ε").including(0.0),
    );
    let high = measures
        .iter()
        .map(|m| m.barrier_forward)
        .fold(0.0, f64::max);
    plot.layers = by_structure(measures, |m| vec![(m.barrier_forward, m.energy_difference)]);
    plot.layers.push(
        Layer::new(
            INK,
            Shape::Line {
                points: vec![(0.0, 0.0), (high, high)],
                dash: "5 4",
                width: 1.0,
            },
        )
        .labeled("end state as high as the saddle"),
    );
    plot.layers.push(horizontal(0.0));
    plot.notes = noted(report.joint.correlation.as_ref(), "ΔE₁₂");
    if let Some(downhill) = report.joint.downhill {
        plot.notes
            .push(format!("downhill: {} %", fixed(100.0 * downhill, 1)));
    }
    plot
}

fn activation_volumes(report: &BarrierReport) -> Plot {
    let mut plot = panel(
        "volumes",
        "Activation volumes, both signs",
        Axis::linear("Activation volume Ω_xy", "σ³").including(0.0),
        Axis::linear("Events per bin", "").including(0.0),
    );
    "no activation volume: the compliance was not measured".clone_into(&mut plot.empty_reason);
    plot.layers = bars(&report.activation_volume_histogram, COLORS[2]);
    plot.layers.push(vertical(0.0, None));
    if let Some(volume) = &report.statistics.activation_volume {
        let (q, e) = (&volume.summary, &volume.error);
        plot.notes = vec![
            format!(
                "mean {} ± {}",
                significant(q.mean, 2),
                significant(e.mean, 2)
            ),
            format!("std {} ± {}", significant(q.std, 3), significant(e.std, 2)),
        ];
    }
    if let Some(positive) = report.activation_volume_positive {
        plot.notes.push(format!(
            "helped by positive shear: {} %",
            fixed(100.0 * positive, 0)
        ));
    }
    plot
}

fn orientation(report: &BarrierReport, measures: &[EventMeasures]) -> Plot {
    let mut plot = panel(
        "orientation",
        "Activation volume and orientation of the end state (xy, xz, yz)",
        Axis::linear("Orientation √2 P′/|P′| of the end-state dipole", ""),
        Axis::linear("Activation volume", "σ³").including(0.0),
    );
    "no activation volume: the compliance was not measured".clone_into(&mut plot.empty_reason);
    plot.layers = by_structure(measures, |m| {
        let planes = m.orientation.zip(m.activation_volumes);
        planes.map_or_else(Vec::new, |(orientation, volumes)| {
            orientation.into_iter().zip(volumes).collect()
        })
    });
    plot.layers.push(horizontal(0.0));
    plot.notes = noted(report.orientation.pooled.as_ref(), "three planes");
    plot
}

/// Bins of equal width over a fixed range.
fn fixed_bins(values: &[f64], (low, high): (f64, f64), bins: usize) -> Histogram {
    let width = (high - low) / bins as f64;
    let mut counts = vec![0_u64; bins];
    for value in values {
        let bin = ((value - low) / width)
            .floor()
            .clamp(0.0, bins as f64 - 1.0);
        counts[bin as usize] += 1;
    }
    let total = values.len().max(1) as f64;
    Histogram {
        edges: (0..=bins).map(|k| low + width * k as f64).collect(),
        errors: counts
            .iter()
            .map(|&count| (count as f64 * (1.0 - count as f64 / total)).sqrt())
            .collect(),
        counts,
    }
}

fn alignment(measures: &[EventMeasures]) -> Plot {
    let values: Vec<f64> = measures.iter().filter_map(|m| m.alignment).collect();
    let mut plot = panel(
        "alignment",
        "Does the saddle shear the way the end state does?",
        Axis::linear("P′(saddle) : P′(end) / (|P′(saddle)| |P′(end)|)", ""),
        Axis::linear("Events per bin", "").including(0.0),
    );
    plot.layers = bars(&fixed_bins(&values, (-1.0, 1.0), 20), COLORS[3]);
    plot
}

fn participation(measures: &[EventMeasures]) -> Plot {
    let mut plot = panel(
        "participation",
        "Participation number of the final displacement",
        Axis::linear("Forward barrier ΔE", "ε").including(0.0),
        Axis::logarithmic("(Σu²)²/Σu⁴", "atoms"),
    );
    plot.layers = by_structure(measures, |m| vec![(m.barrier_forward, m.participation)]);
    plot
}

fn string_lengths(report: &BarrierReport) -> Plot {
    let counts = &report.string_length_counts;
    let highest = counts.keys().max().copied().unwrap_or(1);
    let total: u64 = counts.values().sum();
    let all: Vec<u64> = (0..=highest)
        .map(|length| counts.get(&length).copied().unwrap_or(0))
        .collect();
    let error = |count: f64| (count * (1.0 - count / (total.max(1)) as f64)).sqrt();
    let histogram = Histogram {
        edges: (0..=highest + 1).map(|k| k as f64 - 0.5).collect(),
        errors: all.iter().map(|&count| error(count as f64)).collect(),
        counts: all,
    };
    let mut plot = panel(
        "strings",
        "Longest string of atoms that replace one another",
        Axis::linear("Atoms in the string (1: none replaced another)", ""),
        Axis::linear("Events", "").including(0.0),
    );
    plot.layers = bars(&histogram, COLORS[4]);
    plot
}

fn prefactors(measures: &[EventMeasures]) -> Plot {
    let mut plot = panel(
        "prefactors",
        "Vineyard prefactors",
        Axis::linear("Forward barrier ΔE", "ε").including(0.0),
        Axis::logarithmic("Prefactor ν", "1/τ"),
    );
    "no prefactor has been measured yet".clone_into(&mut plot.empty_reason);
    plot.layers = by_structure(measures, |m| {
        let prefactor = m.prefactor_forward;
        prefactor.map_or_else(Vec::new, |nu| vec![(m.barrier_forward, nu)])
    });
    plot
}
