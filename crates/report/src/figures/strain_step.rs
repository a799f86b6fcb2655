//! Stress over strain after a step of strain and after the step back.

use super::Figure;
use crate::plot::{Axis, COLORS, DataPoint, Layer, Marker, Plot, Shape};

/// An interval of time after the step, or after the step back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteppedInterval {
    /// Whether the strain has been taken back.
    pub back: bool,
    /// Where it begins `[τ]`.
    pub from: f64,
    /// Where it ends `[τ]`.
    pub to: f64,
    /// Stress over strain in molecular dynamics `[energy / length³]`, and its standard error.
    pub md: (f64, Option<f64>),
    /// The same of the Eshelby model.
    pub kmc: Option<(f64, Option<f64>)>,
}

impl SteppedInterval {
    /// Where it stands on an axis of logarithmic time; the first interval begins at zero.
    fn middle(&self) -> f64 {
        if self.from > 0.0 {
            (self.from * self.to).sqrt()
        } else {
            0.5 * self.to
        }
    }
}

/// Molecular dynamics as points, the model as lines with their band, against time.
pub fn strain_step_figure(intervals: &[SteppedInterval], verdict: &str) -> Figure {
    let mut layers = Vec::new();
    for (back, color, name) in [
        (false, COLORS[0], "strain held"),
        (true, COLORS[1], "strain taken back"),
    ] {
        let these: Vec<&SteppedInterval> = intervals.iter().filter(|i| i.back == back).collect();
        let of_kmc: Vec<(f64, f64, Option<f64>)> = these
            .iter()
            .filter_map(|i| i.kmc.map(|(value, error)| (i.middle(), value, error)))
            .collect();
        if !of_kmc.is_empty() {
            let band = of_kmc.iter().filter_map(|&(x, value, error)| {
                error.map(|error| (x, value - error, value + error))
            });
            layers.push(
                Layer::new(
                    color,
                    Shape::Band {
                        points: band.collect(),
                    },
                )
                .with_opacity(0.2),
            );
            let points = of_kmc.iter().map(|&(x, value, _)| (x, value)).collect();
            layers.push(
                Layer::new(
                    color,
                    Shape::Line {
                        points,
                        dash: "",
                        width: 1.4,
                    },
                )
                .labeled(format!("Eshelby model, {name}")),
            );
        }
        let points = these.iter().map(|i| DataPoint {
            x: i.middle(),
            y: i.md.0,
            error: i.md.1,
        });
        layers.push(
            Layer::new(
                color,
                Shape::Points {
                    points: points.collect(),
                    marker: Marker::Circle,
                    filled: !back,
                    size: 3.5,
                },
            )
            .labeled(format!("MD, {name}")),
        );
    }
    let plot = Plot {
        name: "strain-step".to_owned(),
        title: "A step of strain and back".to_owned(),
        x: Axis::logarithmic("Time since the step or the step back", "τ"),
        y: Axis::linear("Shear stress over the strain of the step", "ε/σ³").including(0.0),
        layers,
        notes: Vec::new(),
        empty_reason: "nothing was stepped".to_owned(),
    };
    Figure {
        plot,
        caption: format!(
            "Half the difference of the shear stress of both signs at fixed cell, means over intervals; bars and \
             bands are standard errors over pairs of trajectories and over runs. {verdict}."
        ),
        source: "metabasin step --json".to_owned(),
        stages: &[],
    }
}

/// [`strain_step_figure`] as a stand-alone SVG file.
pub fn strain_step_svg(intervals: &[SteppedInterval], verdict: &str) -> String {
    strain_step_figure(intervals, verdict).plot.to_svg()
}
