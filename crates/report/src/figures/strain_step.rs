//! Stress over strain after a step of strain and after the step back.

use super::Figure;
use crate::plot::{Axis, COLORS, DataPoint, Layer, Marker, Plot, Shape};

/// A number and its standard error.
type WithError = (f64, Option<f64>);

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
    pub md: WithError,
    /// The same of the Eshelby model.
    pub kmc: Option<WithError>,
    /// The same of the states that molecular dynamics visited at zero load.
    pub states: Option<WithError>,
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

/// Molecular dynamics as points, the model as lines with their band, the visited states as broken ones, against
/// time.
pub fn strain_step_figure(intervals: &[SteppedInterval], verdict: &str) -> Figure {
    let mut layers = Vec::new();
    for (back, color, name) in [
        (false, COLORS[0], "strain held"),
        (true, COLORS[1], "strain taken back"),
    ] {
        let these: Vec<&SteppedInterval> = intervals.iter().filter(|i| i.back == back).collect();
        let curve = |of: fn(&SteppedInterval) -> Option<WithError>| {
            let points = these.iter().filter_map(|i| {
                let (value, error) = of(i)?;
                Some((i.middle(), value, error))
            });
            points.collect::<Vec<(f64, f64, Option<f64>)>>()
        };
        for (curve, dash, model) in [
            (curve(|i| i.kmc), "", "Eshelby model"),
            (curve(|i| i.states), "5 3", "states visited at zero load"),
        ] {
            if curve.is_empty() {
                continue;
            }
            let band = curve.iter().filter_map(|&(x, value, error)| {
                error.map(|error| (x, value - error, value + error))
            });
            let points = band.collect();
            layers.push(Layer::new(color, Shape::Band { points }).with_opacity(0.2));
            let points = curve.iter().map(|&(x, value, _)| (x, value)).collect();
            let line = Shape::Line {
                points,
                dash,
                width: 1.4,
            };
            layers.push(Layer::new(color, line).labeled(format!("{model}, {name}")));
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
             bands are standard errors over pairs of trajectories, over runs and over counts of jumps. {verdict}."
        ),
        source: "metabasin step --json".to_owned(),
        stages: &[],
    }
}

/// [`strain_step_figure`] as a stand-alone SVG file.
pub fn strain_step_svg(intervals: &[SteppedInterval], verdict: &str) -> String {
    strain_step_figure(intervals, verdict).plot.to_svg()
}
