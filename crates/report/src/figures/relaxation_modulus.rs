//! The shear modulus against the time after a step of strain.

use super::Figure;
use crate::plot::{Axis, COLORS, DataPoint, Layer, Marker, Plot, Shape};

/// G(t) of one shear component.
#[derive(Clone, Debug, PartialEq)]
pub struct ModulusCurve {
    /// `xy`, `xz` or `yz`.
    pub component: String,
    /// Time `[τ]`, modulus `[energy / length³]`, its standard error; from time 0 on.
    pub points: Vec<(f64, f64, Option<f64>)>,
    /// The modulus once all has relaxed, and its standard error, where they are known.
    pub equilibrium: Option<(f64, f64)>,
}

/// The color of a component, by its place among the others.
fn color(place: usize) -> &'static str {
    COLORS[place % COLORS.len()]
}

/// Moduli against time on a logarithmic axis, G(0) as a dashed line.
pub fn relaxation_modulus(curves: &[ModulusCurve], verdict: &str) -> Figure {
    let mut layers = Vec::new();
    for (place, curve) in curves.iter().enumerate() {
        let times = curve.points.iter().filter(|(time, ..)| *time > 0.0);
        let times: Vec<(f64, f64, Option<f64>)> = times.copied().collect();
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            continue;
        };
        let across = |value: f64, dash: &'static str| {
            let points = vec![(first.0, value), (last.0, value)];
            Shape::Line {
                points,
                dash,
                width: 1.0,
            }
        };
        if let Some((_, inherent, _)) = curve.points.iter().find(|(time, ..)| *time == 0.0) {
            layers.push(Layer::new(color(place), across(*inherent, "5 3")).with_opacity(0.6));
        }
        layers.push(Layer::new(
            color(place),
            Shape::Line {
                points: times
                    .iter()
                    .map(|&(time, modulus, _)| (time, modulus))
                    .collect(),
                dash: "",
                width: 1.4,
            },
        ));
        layers.push(
            Layer::new(
                color(place),
                Shape::Points {
                    points: times
                        .iter()
                        .map(|&(x, y, error)| DataPoint { x, y, error })
                        .collect(),
                    marker: Marker::Circle,
                    filled: true,
                    size: 3.0,
                },
            )
            .labeled(format!("G_{}", curve.component)),
        );
        if let Some((value, error)) = curve.equilibrium {
            let points = vec![
                (first.0, value - error, value + error),
                (last.0, value - error, value + error),
            ];
            layers.push(Layer::new(color(place), Shape::Band { points }).with_opacity(0.15));
        }
    }
    let plot = Plot {
        name: "relaxation-modulus".to_owned(),
        title: "Shear modulus by fluctuations".to_owned(),
        x: Axis::logarithmic("Time after the step", "τ"),
        y: Axis::linear("G(t)", "ε/σ³"),
        layers,
        notes: Vec::new(),
        empty_reason: "no visited minimum has a stiffness".to_owned(),
    };
    Figure {
        plot,
        caption: format!(
            "G(t) = G_IS − (V/k_B T)[C(0) − C(t)] with the autocorrelation C of the stress of the minima that \
             dynamics at zero load visits; dashed, G_IS; shaded, the modulus once all has relaxed where it is \
             resolved; errors over trajectories. {verdict}."
        ),
        source: "metabasin harvest --json".to_owned(),
        stages: &[],
    }
}

/// [`relaxation_modulus`] as a stand-alone SVG file.
pub fn relaxation_modulus_svg(curves: &[ModulusCurve], verdict: &str) -> String {
    relaxation_modulus(curves, verdict).plot.to_svg()
}
