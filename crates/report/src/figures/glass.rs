//! The glass itself: how it froze, and how it ages at zero load.

use metabasin_files::findings::{Curve, GlassFindings};

use super::Figure;
use crate::display::{bin_linear, bin_logarithmic, finite, thin};
use crate::number::measured;
use crate::plot::{Axis, COLORS, INK, Layer, Marker, Plot, ScaleKind, Shape};

const COOLING_BINS: usize = 90;
const TIME_BINS: usize = 60;
const LINE_VERTICES: usize = 800;

/// Enthalpy against temperature along the cooling ramp, with the lines whose crossing is
/// the glass temperature.
pub fn cooling(glass: &GlassFindings) -> Figure {
    let mut layers = Vec::new();
    if let Some(curve) = &glass.cooling {
        layers.push(
            Layer::new(
                COLORS[0],
                Shape::Points {
                    points: bin_linear(curve, COOLING_BINS),
                    marker: Marker::Circle,
                    filled: true,
                    size: 2.8,
                },
            )
            .labeled("MD cooling ramp"),
        );
    }
    let middle = |curve: &Curve| curve.x.iter().sum::<f64>() / curve.x.len() as f64;
    let hottest = glass.cooling_lines.iter().map(middle).fold(0.0, f64::max);
    for (index, curve) in glass.cooling_lines.iter().enumerate() {
        let (label, dash) = if middle(curve) == hottest {
            ("line of the liquid", "7 3")
        } else {
            ("line of the glass", "2 2.5")
        };
        let points = finite(curve).into_iter().map(|p| (p.x, p.y)).collect();
        layers.push(
            Layer::new(
                COLORS[(index + 1) % COLORS.len()],
                Shape::Line {
                    points,
                    dash,
                    width: 1.8,
                },
            )
            .labeled(label),
        );
    }
    let mut sentence = String::from(" No glass temperature could be read off.");
    if let Some(fictive) = glass.fictive_temperature
        && fictive.value.is_finite()
    {
        let text = measured(fictive);
        sentence =
            format!(" They cross at T_f = {text} ε/k_B; the error is the spread over fit windows.");
        layers.push(
            Layer::new(
                INK,
                Shape::VerticalLine {
                    at: fictive.value,
                    dash: "5 3",
                },
            )
            .with_opacity(0.75)
            .labeled(format!("T_f = {text}")),
        );
    }
    Figure {
        plot: Plot {
            name: "cooling".to_owned(),
            title: "Cooling through the glass transition".to_owned(),
            x: Axis::linear("Temperature k_B T", "ε"),
            y: Axis::linear("Enthalpy per atom H/N", "ε"),
            layers,
            notes: Vec::new(),
            empty_reason: "the sample was not cooled in this run".to_owned(),
        },
        caption: format!(
            "Enthalpy per atom against temperature along the cooling ramp, averaged for display \
             over at most {COOLING_BINS} intervals of temperature, with the straight lines fitted \
             to the liquid and to the glass.{sentence}"
        ),
        source: "findings.json, glass: cooling, cooling_lines, fictive_temperature".to_owned(),
        stages: &["prepare", "cool"],
    }
}

/// Energy against time at zero load: of inherent structures (MD), of cores and elastic fields (KMC).
pub fn zero_load_energy(md: Option<&Curve>, kmc: Option<&Curve>) -> Figure {
    let kind = time_axis(&[md, kmc]);
    let mut layers =
        vec![Layer::new(INK, Shape::HorizontalLine { at: 0.0, dash: "" }).with_opacity(0.35)];
    if let Some(curve) = md {
        let points = match kind {
            ScaleKind::Linear => bin_linear(curve, TIME_BINS),
            ScaleKind::Logarithmic => bin_logarithmic(curve, 8.0),
        };
        layers.push(
            Layer::new(
                COLORS[0],
                Shape::Points {
                    points,
                    marker: Marker::Circle,
                    filled: true,
                    size: 3.8,
                },
            )
            .labeled("MD"),
        );
    }
    if let Some(curve) = kmc {
        let points = finite(curve);
        let band: Vec<_> = points
            .iter()
            .filter_map(|p| p.error.map(|error| (p.x, p.y - error, p.y + error)))
            .collect();
        if !band.is_empty() {
            let points = thin(band, LINE_VERTICES);
            layers.push(Layer::new(COLORS[1], Shape::Band { points }).with_opacity(0.16));
        }
        let points = points.into_iter().map(|p| (p.x, p.y)).collect();
        layers.push(
            Layer::new(
                COLORS[1],
                Shape::Line {
                    points: thin(points, LINE_VERTICES),
                    dash: "",
                    width: 2.0,
                },
            )
            .labeled("KMC"),
        );
    }
    let mut x = Axis::linear("Time", "s (mapped)");
    x.kind = kind;
    let missing = match (md, kmc) {
        (Some(_), None) => " No KMC at zero load was run.",
        (None, Some(_)) => " No MD at zero load was run.",
        _ => "",
    };
    let zero = if kind == ScaleKind::Logarithmic {
        " The first frame, at time zero, has no place on the logarithmic axis."
    } else {
        ""
    };
    Figure {
        plot: Plot {
            name: "zero-load-energy".to_owned(),
            title: "Relaxation at zero load".to_owned(),
            x,
            y: Axis::linear("Change of energy per atom ΔE/N", "ε").including(0.0),
            layers,
            notes: Vec::new(),
            empty_reason: "nothing was run at zero load".to_owned(),
        },
        caption: format!(
            "Energy per atom against time without load (MD: of inherent structures; KMC: of cores and \
             elastic fields at constant stress), relative to the first frame. Points: MD, averaged for display over intervals of time; bars: standard error \
             of a frame. Line: KMC; band: standard error.{missing}{zero}"
        ),
        source: "findings.json, zero_load_md and zero_load_kmc".to_owned(),
        stages: &["relax", "control", "kmc"],
    }
}

/// Logarithmic where the times span more than two decades.
fn time_axis(curves: &[Option<&Curve>]) -> ScaleKind {
    let mut low = f64::INFINITY;
    let mut high = 0.0f64;
    for time in curves.iter().flatten().flat_map(|curve| &curve.x) {
        if time.is_finite() && *time > 0.0 {
            low = low.min(*time);
            high = high.max(*time);
        }
    }
    if high > 100.0 * low {
        ScaleKind::Logarithmic
    } else {
        ScaleKind::Linear
    }
}
