//! A small plot layer: axes, series and a legend as stand-alone SVG text.
//!
//! Written out by hand rather than through a drawing crate, because the figures of the report need
//! text that any browser lays out, colors that follow a dark page, hatched bars and a legend
//! beside the data instead of on it. A [`Plot`] is plain data; [`Plot::to_svg`] draws it. No input
//! can make it fail: values without a place on their axis are left out, and a plot with nothing to
//! show says why.

mod legend;
mod panels;
mod render;
mod scale;
mod style;
pub mod text;

pub use panels::panels_svg;
pub use render::Frame;
pub use scale::{Scale, ScaleKind, Tick};
pub use style::{COLORS, GRAY, INK, Marker, SeriesStyle};

/// One axis: what it shows and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What is plotted, e.g. `Shear stress τ`.
    pub label: String,
    /// Its unit, e.g. `ε/σ³`; empty for a pure number.
    pub unit: String,
    /// Linear or logarithmic.
    pub kind: ScaleKind,
    /// Ends of the axis; `None` fits the data with a margin.
    pub range: Option<(f64, f64)>,
    /// Values that a fitted range must contain.
    pub include: Vec<f64>,
    /// Names instead of numbers: the one with index i stands at i + 1/2. Vertical axis only.
    pub categories: Vec<String>,
}

impl Axis {
    /// A linear axis that fits its data.
    pub fn linear(label: &str, unit: &str) -> Self {
        Self {
            label: label.to_owned(),
            unit: unit.to_owned(),
            ..Self::default()
        }
    }

    /// A logarithmic axis that fits its data.
    pub fn logarithmic(label: &str, unit: &str) -> Self {
        Self {
            kind: ScaleKind::Logarithmic,
            ..Self::linear(label, unit)
        }
    }

    /// The same axis, made to contain `value`.
    #[must_use]
    pub fn including(mut self, value: f64) -> Self {
        self.include.push(value);
        self
    }

    /// Title with its unit, and with the power of ten that the tick labels leave out.
    fn title(&self, exponent: i32) -> String {
        let power = if exponent == 0 {
            String::new()
        } else {
            format!("10{}", crate::number::superscript(exponent))
        };
        let unit = [power.as_str(), self.unit.as_str()]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
        if unit.is_empty() {
            self.label.clone()
        } else {
            format!("{} [{unit}]", self.label)
        }
    }
}

/// A data point with an optional error bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataPoint {
    /// Abscissa.
    pub x: f64,
    /// Ordinate.
    pub y: f64,
    /// Half the length of the error bar.
    pub error: Option<f64>,
}

/// One bar of a histogram, upright or lying.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Left edge.
    pub from: f64,
    /// Right edge.
    pub to: f64,
    /// Lower edge.
    pub base: f64,
    /// Upper edge.
    pub top: f64,
}

/// What a layer draws.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through points in their order, broken where one has no place.
    Line {
        /// Points.
        points: Vec<(f64, f64)>,
        /// SVG dash pattern; empty for a solid line.
        dash: &'static str,
        /// Stroke width `[pixels]`.
        width: f64,
    },
    /// Markers with error bars.
    Points {
        /// Points.
        points: Vec<DataPoint>,
        /// Their shape.
        marker: Marker,
        /// Filled or hollow.
        filled: bool,
        /// Radius `[pixels]`.
        size: f64,
    },
    /// A band between two curves: x, lower y, upper y.
    Band {
        /// Points.
        points: Vec<(f64, f64, f64)>,
    },
    /// Bars of a histogram.
    Bars {
        /// The bars.
        bars: Vec<Bar>,
        /// Hatched instead of filled; at most one layer of a plot.
        hatched: bool,
    },
    /// A reference line across the plot at this abscissa.
    VerticalLine {
        /// Where.
        at: f64,
        /// SVG dash pattern.
        dash: &'static str,
    },
    /// A reference line across the plot at this ordinate.
    HorizontalLine {
        /// Where.
        at: f64,
        /// SVG dash pattern.
        dash: &'static str,
    },
}

/// A shape with its color and its line in the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Text in the legend; `None` leaves it out.
    pub label: Option<String>,
    /// SVG color.
    pub color: &'static str,
    /// From 0 (invisible) to 1.
    pub opacity: f64,
    /// What is drawn.
    pub shape: Shape,
}

impl Layer {
    /// An opaque layer without a legend entry.
    pub fn new(color: &'static str, shape: Shape) -> Self {
        Self {
            label: None,
            color,
            opacity: 1.0,
            shape,
        }
    }

    /// The same layer with a legend entry.
    #[must_use]
    pub fn labeled(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same layer, see-through.
    #[must_use]
    pub fn with_opacity(mut self, opacity: f64) -> Self {
        self.opacity = opacity;
        self
    }

    /// Whether it carries data (reference lines do not) that the axes have a place for.
    fn has_data(&self, x: ScaleKind, y: ScaleKind) -> bool {
        let shown = |kind: ScaleKind, value: f64| {
            value.is_finite() && (kind == ScaleKind::Linear || value > 0.0)
        };
        match &self.shape {
            Shape::Line { points, .. } => points.iter().any(|p| shown(x, p.0) && shown(y, p.1)),
            Shape::Points { points, .. } => points.iter().any(|p| shown(x, p.x) && shown(y, p.y)),
            Shape::Band { points } => points
                .iter()
                .any(|p| shown(x, p.0) && shown(y, p.1) && shown(y, p.2)),
            Shape::Bars { bars, .. } => bars
                .iter()
                .any(|bar| shown(x, bar.from) && shown(x, bar.to) && shown(y, bar.top)),
            Shape::VerticalLine { .. } | Shape::HorizontalLine { .. } => false,
        }
    }

    /// All abscissae and ordinates that a fitted axis should show.
    fn extent(&self) -> (Vec<f64>, Vec<f64>) {
        let mut xs = Vec::new();
        let mut ys = Vec::new();
        match &self.shape {
            Shape::Line { points, .. } => {
                for &(x, y) in points {
                    xs.push(x);
                    ys.push(y);
                }
            }
            Shape::Points { points, .. } => {
                for point in points {
                    xs.push(point.x);
                    ys.push(point.y);
                    if let Some(error) = point.error {
                        ys.extend([point.y - error, point.y + error]);
                    }
                }
            }
            Shape::Band { points } => {
                for &(x, low, high) in points {
                    xs.push(x);
                    ys.extend([low, high]);
                }
            }
            Shape::Bars { bars, .. } => {
                for bar in bars {
                    xs.extend([bar.from, bar.to]);
                    ys.extend([bar.base, bar.top]);
                }
            }
            Shape::VerticalLine { at, .. } => xs.push(*at),
            Shape::HorizontalLine { at, .. } => ys.push(*at),
        }
        (xs, ys)
    }
}

/// A figure as data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// Short name, used for the file and for the ids inside the SVG.
    pub name: String,
    /// Title above the axes.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// What is drawn, in this order.
    pub layers: Vec<Layer>,
    /// Remarks under the legend.
    pub notes: Vec<String>,
    /// Why there may be nothing to show, for a reader who finds the plot empty.
    pub empty_reason: String,
}

impl Plot {
    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        !self
            .layers
            .iter()
            .any(|layer| layer.has_data(self.x.kind, self.y.kind))
    }

    /// The ends of both axes: given ones, or the data's with a margin.
    pub fn ranges(&self) -> ((f64, f64), (f64, f64)) {
        let mut xs = self.x.include.clone();
        let mut ys = self.y.include.clone();
        let mut bars = false;
        for layer in &self.layers {
            let (layer_xs, layer_ys) = layer.extent();
            xs.extend(layer_xs);
            ys.extend(layer_ys);
            bars |= matches!(layer.shape, Shape::Bars { .. });
        }
        // Bars stand on the axis: no margin under zero.
        let x = self.x.range.unwrap_or_else(|| fit(self.x.kind, &xs, bars));
        let y = self.y.range.unwrap_or_else(|| fit(self.y.kind, &ys, bars));
        (x, y)
    }
}

/// The range of the values that an axis can show, with a margin of 4 % on each side.
fn fit(kind: ScaleKind, values: &[f64], on_zero: bool) -> (f64, f64) {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for &value in values {
        if value.is_finite() && (kind == ScaleKind::Linear || value > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
    }
    let scale = Scale::new(kind, (low, high), (0.0, 1.0));
    let (low, high) = scale.range();
    match kind {
        ScaleKind::Linear => {
            let margin = 0.04 * (high - low);
            let low = if on_zero && low == 0.0 {
                low
            } else {
                low - margin
            };
            (low, high + margin)
        }
        ScaleKind::Logarithmic => {
            let margin = (high / low).powf(0.04);
            (low / margin, high * margin)
        }
    }
}
