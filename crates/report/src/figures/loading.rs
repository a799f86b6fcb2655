//! Loading, unloading and recovery, by MD and by KMC.

use std::fmt::Write;

use metabasin_files::findings::{Curve, LoadingFindings, RateFindings};

use super::Figure;
use crate::display::{bin_linear, bin_logarithmic, finite, thin};
use crate::number::rate;
use crate::plot::{Axis, DataPoint, GRAY, INK, Layer, Marker, Plot, SeriesStyle, Shape};

/// Points of an MD curve on display.
const STRAIN_BINS: usize = 40;
/// Points a decade of an MD curve on a logarithmic time axis.
const TIME_BINS: f64 = 8.0;
/// Vertices a decade of a KMC line on a logarithmic time axis.
const KMC_TIME_BINS: f64 = 25.0;
/// Vertices of a KMC line on display.
const VERTICES: usize = 800;

fn line(points: &[DataPoint], dash: &'static str, width: f64) -> Shape {
    let points = points.iter().map(|p| (p.x, p.y)).collect();
    Shape::Line {
        points: thin(points, VERTICES),
        dash,
        width,
    }
}

fn band(points: &[DataPoint]) -> Option<Shape> {
    let points: Vec<_> = points
        .iter()
        .filter_map(|p| p.error.map(|error| (p.x, p.y - error, p.y + error)))
        .collect();
    (!points.is_empty()).then(|| Shape::Band {
        points: thin(points, VERTICES),
    })
}

/// Layers of the KMC points that `points` picks out of every rate, bands under lines.
fn kmc_layers(
    rates: &[RateFindings],
    points: impl Fn(&LoadingFindings) -> Vec<DataPoint>,
) -> Vec<Layer> {
    let mut bands = Vec::new();
    let mut lines = Vec::new();
    for (index, found) in rates.iter().enumerate() {
        let style = SeriesStyle::of(index);
        let points = found.kmc.as_ref().map(&points).unwrap_or_default();
        if points.is_empty() {
            continue;
        }
        if let Some(shape) = band(&points) {
            bands.push(Layer::new(style.color, shape).with_opacity(0.14));
        }
        lines.push(
            Layer::new(style.color, line(&points, style.dash, 2.0))
                .labeled(format!("{} KMC", rate(found.rate_per_second))),
        );
    }
    bands.extend(lines);
    bands
}

fn realizations(rates: &[RateFindings]) -> String {
    let counts = |pick: fn(&RateFindings) -> Option<&LoadingFindings>| {
        let counts: Vec<(f64, usize)> = rates
            .iter()
            .filter_map(|found| Some((found.rate_per_second, pick(found)?.realizations)))
            .collect();
        match counts.first() {
            None => String::new(),
            Some((_, first)) if counts.iter().all(|(_, count)| count == first) => {
                format!("{first} at every rate")
            }
            _ => counts
                .iter()
                .map(|(at, count)| format!("{count} at {}", rate(*at)))
                .collect::<Vec<_>>()
                .join(", "),
        }
    };
    let md = counts(|found| found.md.as_ref());
    let kmc = counts(|found| found.kmc.as_ref());
    let mut text = String::new();
    if !md.is_empty() {
        let _ = write!(text, " Independent realizations, MD: {md}.");
    }
    if !kmc.is_empty() {
        let _ = write!(text, " Independent realizations, KMC: {kmc}.");
    }
    text
}

/// Shear stress against shear strain while loading and unloading.
pub fn stress_strain(rates: &[RateFindings]) -> Figure {
    let mut layers =
        vec![Layer::new(INK, Shape::HorizontalLine { at: 0.0, dash: "" }).with_opacity(0.35)];
    for (index, found) in rates.iter().enumerate() {
        let style = SeriesStyle::of(index);
        if let Some(kmc) = &found.kmc
            && !kmc.unloading.x.is_empty()
        {
            layers.push(
                Layer::new(style.color, line(&finite(&kmc.unloading), style.dash, 1.1))
                    .with_opacity(0.6),
            );
        }
    }
    layers.extend(kmc_layers(rates, |kmc| finite(&kmc.loading)));
    for (index, found) in rates.iter().enumerate() {
        let style = SeriesStyle::of(index);
        let Some(md) = &found.md else { continue };
        let points = |curve: &Curve, filled: bool| Shape::Points {
            points: bin_linear(curve, STRAIN_BINS),
            marker: style.marker,
            filled,
            size: 3.6,
        };
        if !md.unloading.x.is_empty() {
            layers.push(Layer::new(style.color, points(&md.unloading, false)));
        }
        if !md.loading.x.is_empty() {
            layers.push(
                Layer::new(style.color, points(&md.loading, true))
                    .labeled(format!("{} MD", rate(found.rate_per_second))),
            );
        }
    }
    // In the legend MD comes first, as in the text.
    layers.sort_by_key(|layer| match (&layer.shape, &layer.label) {
        (Shape::HorizontalLine { .. } | Shape::Band { .. }, _) => 0,
        (Shape::Line { .. }, None) => 1,
        (Shape::Points { .. }, None) => 2,
        (Shape::Points { .. }, Some(_)) => 3,
        _ => 4,
    });
    let unloading = rates.iter().any(|found| {
        [&found.md, &found.kmc]
            .iter()
            .any(|side| side.as_ref().is_some_and(|s| !s.unloading.x.is_empty()))
    });
    let mut notes = Vec::new();
    if unloading {
        notes.push("Unloading: hollow points (MD), thin pale lines (KMC)".to_owned());
    }
    Figure {
        plot: Plot {
            name: "stress-strain".to_owned(),
            title: "Shear stress against strain".to_owned(),
            x: Axis::linear("Shear strain γ", "").including(0.0),
            y: Axis::linear("Shear stress τ", "ε/σ³").including(0.0),
            layers,
            notes,
            empty_reason: "no loading was run".to_owned(),
        },
        caption: format!(
            "Shear stress against shear strain at constant rate; half the difference of loading in \
             both directions, so that the frozen-in stress drops out. Points: MD, averaged for \
             display over at most {STRAIN_BINS} intervals of strain; bars: scatter of frames, thermal \
             noise alone. Lines: kinetic Monte Carlo of thermally activated Eshelby events; bands: \
             scatter of rows. Neither says what another pair or sample would give. Filled points and full lines load, hollow points and thin lines \
             unload.{}",
            realizations(rates)
        ),
        source: "findings.json, rates[].md and rates[].kmc: loading, unloading".to_owned(),
        stages: &["shear", "load", "kmc"],
    }
}

/// Strain left at zero stress after unloading, against the rate of loading.
pub fn residual_strain(rates: &[RateFindings]) -> Figure {
    let residual = |found: &RateFindings, side: &Option<LoadingFindings>| {
        let measured = side.as_ref()?.residual_strain?;
        Some(DataPoint {
            x: found.rate_per_second,
            y: measured.value,
            error: measured.error,
        })
    };
    let mut layers =
        vec![Layer::new(INK, Shape::HorizontalLine { at: 0.0, dash: "" }).with_opacity(0.35)];
    let mut kmc: Vec<DataPoint> = rates
        .iter()
        .filter_map(|found| residual(found, &found.kmc))
        .collect();
    kmc.sort_by(|a, b| a.x.total_cmp(&b.x));
    if !kmc.is_empty() {
        layers.push(Layer::new(
            GRAY,
            Shape::Line {
                points: kmc.iter().map(|p| (p.x, p.y)).collect(),
                dash: "",
                width: 1.6,
            },
        ));
    }
    let mut md_seen = false;
    for (index, found) in rates.iter().enumerate() {
        let style = SeriesStyle::of(index);
        let name = rate(found.rate_per_second);
        if let Some(point) = residual(found, &found.md) {
            md_seen = true;
            layers.push(
                Layer::new(style.color, single(point, Marker::Circle, true))
                    .labeled(format!("{name} MD")),
            );
        }
        if let Some(point) = residual(found, &found.kmc) {
            layers.push(
                Layer::new(style.color, single(point, Marker::Square, false))
                    .labeled(format!("{name} KMC")),
            );
        }
    }
    layers.sort_by_key(|layer| match &layer.label {
        None => 0,
        Some(label) if label.ends_with("MD") => 1,
        Some(_) => 2,
    });
    let caption = match (md_seen, kmc.is_empty()) {
        (true, true) => "Discs: MD. No KMC was run.",
        (false, false) => "Squares joined by a line: KMC. No MD value was found.",
        _ => "Discs: MD. Squares joined by a line: KMC.",
    };
    Figure {
        plot: Plot {
            name: "residual-strain".to_owned(),
            title: "Residual strain against loading rate".to_owned(),
            x: Axis::logarithmic("Strain rate", "1/s (mapped)"),
            y: Axis::linear("Residual strain γ_res", "").including(0.0),
            layers,
            notes: Vec::new(),
            empty_reason: "no residual strain was measured".to_owned(),
        },
        caption: format!(
            "Strain at zero stress after unloading: root of a straight line through τ(γ) for \
             |τ| < 0.3 τ_max (MD) or the crossing itself (KMC); half the difference of loading in \
             both directions, so that what happens without load drops out. {caption} Bars: standard \
             error of the mean over pairs (MD, at least their thermal noise √(kT/2GV)) and lattices \
             (KMC), from three on; of fewer pairs the thermal noise alone.{}",
            realizations(rates)
        ),
        source: "findings.json, rates[].md and rates[].kmc: residual_strain".to_owned(),
        stages: &["unload", "kmc"],
    }
}

fn single(point: DataPoint, marker: Marker, filled: bool) -> Shape {
    Shape::Points {
        points: vec![point],
        marker,
        filled,
        size: 5.0,
    }
}

/// Strain against time at zero stress after unloading.
pub fn recovery(rates: &[RateFindings]) -> Figure {
    let mut layers =
        vec![Layer::new(INK, Shape::HorizontalLine { at: 0.0, dash: "" }).with_opacity(0.35)];
    let (lines, bands): (Vec<_>, Vec<_>) =
        kmc_layers(rates, |kmc| bin_logarithmic(&kmc.recovery, KMC_TIME_BINS))
            .into_iter()
            .partition(|layer| layer.label.is_some());
    layers.extend(bands);
    for (index, found) in rates.iter().enumerate() {
        let style = SeriesStyle::of(index);
        if let Some(md) = &found.md
            && !md.recovery.x.is_empty()
        {
            layers.push(
                Layer::new(
                    style.color,
                    Shape::Points {
                        points: bin_logarithmic(&md.recovery, TIME_BINS),
                        marker: style.marker,
                        filled: true,
                        size: 4.0,
                    },
                )
                .labeled(format!("{} MD", rate(found.rate_per_second))),
            );
        }
    }
    layers.extend(lines);
    Figure {
        plot: Plot {
            name: "recovery".to_owned(),
            title: "Strain recovery at zero stress".to_owned(),
            x: Axis::logarithmic("Time since unloading", "s (mapped)"),
            y: Axis::linear("Shear strain γ", "").including(0.0),
            layers,
            notes: Vec::new(),
            empty_reason: "no recovery was run".to_owned(),
        },
        caption: "Shear strain against time at zero shear stress after unloading, half the \
                  difference of loading in both directions, for the rate of the loading before. \
                  Points: MD (strain of the cell); bars: standard error over pairs, at least their \
                  thermal noise √(kT/2GV), which neighboring points share and which is all there is \
                  of fewer than three. Lines: KMC; bands: standard error over lattices. Both averaged for display over equal intervals of log \
                  time."
            .to_owned(),
        source: "findings.json, rates[].md and rates[].kmc: recovery".to_owned(),
        stages: &["recover", "kmc"],
    }
}

/// [`stress_strain`] as a stand-alone SVG file.
pub fn stress_strain_svg(rates: &[RateFindings]) -> String {
    stress_strain(rates).plot.to_svg()
}

/// [`recovery`] as a stand-alone SVG file.
pub fn recovery_svg(rates: &[RateFindings]) -> String {
    recovery(rates).plot.to_svg()
}
