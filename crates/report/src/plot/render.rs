//! Drawing a [`Plot`] as SVG.

use std::fmt::Write;

use super::legend::Legend;
use super::text::{escape, escape_with_subscripts, width};
use super::{Bar, DataPoint, INK, Layer, Marker, Plot, Scale, Shape, Tick};

/// Attribute of a drawing that a page shows no wider than itself.
pub(super) const FITS_THE_PAGE: &str = r#" style="max-width:100%;height:auto""#;

const TOTAL_WIDTH: f64 = 860.0;
const TOTAL_HEIGHT: f64 = 430.0;
const TITLE_SIZE: f64 = 16.0;
const AXIS_SIZE: f64 = 14.0;
const TICK_SIZE: f64 = 12.5;
const TOP: f64 = 42.0;
const BOTTOM: f64 = 56.0;
const RIGHT: f64 = 16.0;
const LEGEND_GAP: f64 = 22.0;
const LEGEND_LIMIT: f64 = 250.0;

/// The rectangle of the axes in pixels, and the two scales that fill it.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
    /// Horizontal scale.
    pub x: Scale,
    /// Vertical scale, upwards.
    pub y: Scale,
    /// Width of the whole figure.
    pub total_width: f64,
    /// Height of the whole figure.
    pub total_height: f64,
}

impl Frame {
    /// Pixel of a point; `None` where it has no place on an axis or lies outside the frame.
    pub fn position(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        if !self.x.contains(x) || !self.y.contains(y) {
            return None;
        }
        Some((self.x.position(x)?, self.y.position(y)?))
    }

    /// Pixel of a point that may lie outside the frame, kept near enough for any viewer.
    fn beyond(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let clamp = |pixel: f64| pixel.clamp(-1e5, 1e5);
        Some((clamp(self.x.position(x)?), clamp(self.y.position(y)?)))
    }

    /// Vertical pixel of a value, moved onto the frame where it lies beyond or has no place.
    fn height_of(&self, y: f64) -> f64 {
        self.y
            .position(y)
            .unwrap_or(self.bottom)
            .clamp(self.top, self.bottom)
    }
}

/// A pixel coordinate with two decimals, trailing zeros dropped.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Keeps what may stand in an XML id.
fn identifier(name: &str) -> String {
    let mut id: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
        .collect();
    if !id.starts_with(|c: char| c.is_ascii_alphabetic()) {
        id.insert_str(0, "plot-");
    }
    id
}

impl Plot {
    /// Where the axes lie and how they map data to pixels.
    pub fn frame(&self) -> Frame {
        self.frame_beside(&Legend::of(self, LEGEND_LIMIT))
    }

    fn frame_beside(&self, legend: &Legend<'_>) -> Frame {
        let (x_range, y_range) = self.ranges();
        let total_height = TOTAL_HEIGHT.max(TOP + legend.height() + 20.0);
        let bottom = total_height - BOTTOM;
        let y = Scale::new(self.y.kind, y_range, (bottom, TOP));
        let labels = vertical_ticks(self, &y, bottom - TOP)
            .iter()
            .map(|tick| width(&tick.label, TICK_SIZE))
            .fold(16.0, f64::max);
        let title = if self.y.label.is_empty() { 8.0 } else { 36.0 };
        let left = title + labels.min(0.4 * TOTAL_WIDTH) + 8.0;
        let column = if legend.width() > 0.0 && !self.is_empty() {
            legend.width() + LEGEND_GAP
        } else {
            0.0
        };
        let right = TOTAL_WIDTH - RIGHT - column;
        Frame {
            left,
            top: TOP,
            right,
            bottom,
            x: Scale::new(self.x.kind, x_range, (left, right)),
            y,
            total_width: TOTAL_WIDTH,
            total_height,
        }
    }

    /// Draws the plot. The text is a stand-alone SVG file, and the same text can stand inside
    /// HTML: lines and letters take the page's color there, and the paper behind them has the
    /// class `paper`.
    pub fn to_svg(&self) -> String {
        let legend = Legend::of(self, LEGEND_LIMIT);
        let frame = self.frame_beside(&legend);
        let name = identifier(&self.name);
        let mut svg = String::new();
        write_head(&mut svg, &frame, &name, &self.title);
        if self.is_empty() {
            write_empty(&mut svg, &frame, &self.empty_reason);
        } else {
            write_axes(&mut svg, self, &frame);
            let _ = writeln!(svg, r#"<g class="data" clip-path="url(#{name}-clip)">"#);
            for (index, layer) in self.layers.iter().enumerate() {
                write_layer(&mut svg, layer, &frame, (&name, index));
            }
            svg.push_str("</g>\n");
            write_border(&mut svg, &frame);
            if legend.width() > 0.0 {
                svg.push_str("<g class=\"legend\">\n");
                legend.write(&mut svg, frame.right + LEGEND_GAP, frame.top, &name);
                svg.push_str("</g>\n");
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn vertical_ticks(plot: &Plot, scale: &Scale, height: f64) -> Vec<Tick> {
    if plot.y.categories.is_empty() {
        return scale.ticks((height / 60.0) as usize);
    }
    plot.y
        .categories
        .iter()
        .enumerate()
        .map(|(i, name)| Tick {
            value: i as f64 + 0.5,
            label: name.clone(),
        })
        .collect()
}

fn horizontal_ticks(scale: &Scale, width: f64) -> Vec<Tick> {
    scale.ticks((width / 85.0) as usize)
}

fn write_head(svg: &mut String, frame: &Frame, name: &str, title: &str) {
    let (width, height) = (number(frame.total_width), number(frame.total_height));
    let title = escape(title);
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"{FITS_THE_PAGE} role="img" aria-label="{title}" color="#1b1f24" fill="{INK}" font-family="sans-serif" font-size="{AXIS_SIZE}">"##
    );
    let _ = writeln!(svg, "<title>{title}</title>");
    // Points on the frame keep their whole marker: the clip is a little larger than the frame.
    let _ = writeln!(
        svg,
        r#"<defs><clipPath id="{name}-clip"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath></defs>"#,
        number(frame.left - 5.0),
        number(frame.top - 5.0),
        number(frame.right - frame.left + 10.0),
        number(frame.bottom - frame.top + 5.5)
    );
    let _ = writeln!(
        svg,
        r##"<rect class="paper" width="{width}" height="{height}" fill="#ffffff"/>"##
    );
    let _ = writeln!(
        svg,
        r#"<text x="{}" y="26" font-size="{TITLE_SIZE}" font-weight="600">{title}</text>"#,
        number(frame.left)
    );
}

fn write_empty(svg: &mut String, frame: &Frame, reason: &str) {
    write_border(svg, frame);
    let reason = if reason.trim().is_empty() {
        "nothing was measured"
    } else {
        reason
    };
    let _ = writeln!(
        svg,
        r#"<text x="{}" y="{}" text-anchor="middle" fill-opacity="0.75">no data: {}</text>"#,
        number(0.5 * (frame.left + frame.right)),
        number(0.5 * (frame.top + frame.bottom)),
        escape(reason)
    );
}

fn write_border(svg: &mut String, frame: &Frame) {
    let _ = writeln!(
        svg,
        r#"<rect x="{}" y="{}" width="{}" height="{}" fill="none" stroke="{INK}" stroke-width="1.1"/>"#,
        number(frame.left),
        number(frame.top),
        number(frame.right - frame.left),
        number(frame.bottom - frame.top)
    );
}

fn write_axes(svg: &mut String, plot: &Plot, frame: &Frame) {
    let x_ticks = horizontal_ticks(&frame.x, frame.right - frame.left);
    let y_ticks = vertical_ticks(plot, &frame.y, frame.bottom - frame.top);
    svg.push_str("<g class=\"axes\">\n");
    let line = |svg: &mut String, x1: f64, y1: f64, x2: f64, y2: f64, opacity: f64| {
        let _ = writeln!(
            svg,
            r#"<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{INK}" stroke-opacity="{opacity}"/>"#,
            number(x1),
            number(y1),
            number(x2),
            number(y2)
        );
    };
    for Tick { value, label } in &x_ticks {
        let Some(x) = frame.x.position(*value) else {
            continue;
        };
        if label.is_empty() {
            line(svg, x, frame.bottom, x, frame.bottom - 4.0, 0.6);
            continue;
        }
        line(svg, x, frame.top, x, frame.bottom, 0.1);
        line(svg, x, frame.bottom, x, frame.bottom - 7.0, 1.0);
        let _ = writeln!(
            svg,
            r#"<text x="{}" y="{}" font-size="{TICK_SIZE}" text-anchor="middle">{}</text>"#,
            number(x),
            number(frame.bottom + 18.0),
            escape(label)
        );
    }
    for Tick { value, label } in &y_ticks {
        let Some(y) = frame.y.position(*value) else {
            continue;
        };
        if label.is_empty() {
            line(svg, frame.left, y, frame.left + 4.0, y, 0.6);
            continue;
        }
        if plot.y.categories.is_empty() {
            line(svg, frame.left, y, frame.right, y, 0.1);
        }
        line(svg, frame.left, y, frame.left + 7.0, y, 1.0);
        let _ = writeln!(
            svg,
            r#"<text x="{}" y="{}" font-size="{TICK_SIZE}" text-anchor="end">{}</text>"#,
            number(frame.left - 7.0),
            number(y + 4.5),
            escape(label)
        );
    }
    let _ = writeln!(
        svg,
        r#"<text class="x-title" x="{}" y="{}" text-anchor="middle">{}</text>"#,
        number(0.5 * (frame.left + frame.right)),
        number(frame.bottom + 43.0),
        escape_with_subscripts(&plot.x.title(frame.x.exponent()))
    );
    let middle = number(0.5 * (frame.top + frame.bottom));
    if plot.y.label.is_empty() {
        svg.push_str("</g>\n");
        return;
    }
    let _ = writeln!(
        svg,
        r#"<text class="y-title" x="20" y="{middle}" text-anchor="middle" transform="rotate(-90 20 {middle})">{}</text>"#,
        escape_with_subscripts(&plot.y.title(frame.y.exponent()))
    );
    svg.push_str("</g>\n");
}

fn write_layer(svg: &mut String, layer: &Layer, frame: &Frame, place: (&str, usize)) {
    let Layer { color, opacity, .. } = layer;
    match &layer.shape {
        Shape::Line {
            points,
            dash,
            width,
        } => write_path(svg, points, frame, (color, *opacity, dash, *width)),
        Shape::Points {
            points,
            marker,
            filled,
            size,
        } => {
            for point in points {
                write_point(svg, point, frame, layer, (*marker, *filled, *size));
            }
        }
        Shape::Band { points } => write_band(svg, points, frame, color, *opacity),
        Shape::Bars { bars, hatched } => {
            let fill = if *hatched {
                write_hatch(svg, place.0, color);
                format!("url(#{}-hatch)", place.0)
            } else {
                (*color).to_owned()
            };
            for bar in bars {
                write_bar(svg, bar, frame, (color, &fill, *opacity));
            }
        }
        Shape::VerticalLine { at, dash } => {
            let points = [(*at, frame.y.range().0), (*at, frame.y.range().1)];
            write_path(svg, &points, frame, (color, *opacity, dash, 1.3));
        }
        Shape::HorizontalLine { at, dash } => {
            let points = [(frame.x.range().0, *at), (frame.x.range().1, *at)];
            write_path(svg, &points, frame, (color, *opacity, dash, 1.3));
        }
    }
}

fn write_path(
    svg: &mut String,
    points: &[(f64, f64)],
    frame: &Frame,
    (color, opacity, dash, width): (&str, f64, &str, f64),
) {
    let mut path = String::new();
    let mut drawing = false;
    for &(x, y) in points {
        if let Some((x, y)) = frame.beyond(x, y) {
            let step = if drawing { 'L' } else { 'M' };
            let _ = write!(path, "{step}{} {}", number(x), number(y));
            drawing = true;
        } else {
            drawing = false;
        }
    }
    if path.is_empty() {
        return;
    }
    let dashes = if dash.is_empty() {
        String::new()
    } else {
        format!(r#" stroke-dasharray="{dash}""#)
    };
    let _ = writeln!(
        svg,
        r#"<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" stroke-opacity="{opacity}" stroke-linejoin="round"{dashes}/>"#
    );
}

fn write_point(
    svg: &mut String,
    point: &DataPoint,
    frame: &Frame,
    layer: &Layer,
    (marker, filled, size): (Marker, bool, f64),
) {
    let Some((x, y)) = frame.position(point.x, point.y) else {
        return;
    };
    let Layer { color, opacity, .. } = layer;
    let bar = point.error.filter(|error| error.is_finite()).map(|error| {
        let high = frame.height_of(point.y + error.abs());
        let low = frame.height_of(point.y - error.abs());
        (high, low)
    });
    // A bar that its marker would hide is drawn upon it, and the marker pale.
    let hidden = bar.is_some_and(|(high, low)| {
        let longer = (y - high).max(low - y);
        longer > SMALLEST_BAR && longer < MARKER_REACH * size
    });
    let marked = if hidden { PALE * opacity } else { *opacity };
    let mut drawn = String::new();
    write_marker(
        &mut drawn,
        marker,
        (x, y),
        size,
        (color, filled, if filled { marked } else { *opacity }),
        "point",
    );
    if let Some((high, low)) = bar {
        let cap = 0.8 * size;
        let (left, right, x) = (number(x - cap), number(x + cap), number(x));
        let (high, low) = (number(high), number(low));
        let strength = if hidden { *opacity } else { 0.6 * opacity };
        let bar = format!(
            r#"<path class="error" d="M{x} {low}L{x} {high}M{left} {low}L{right} {low}M{left} {high}L{right} {high}" fill="none" stroke="{color}" stroke-width="1.1" stroke-opacity="{strength}"/>"#
        );
        if hidden {
            let _ = writeln!(drawn, "{bar}");
        } else {
            let _ = writeln!(svg, "{bar}");
        }
    }
    svg.push_str(&drawn);
}

/// Half an error bar that is shorter than this is no more than its own line `[pixels]`.
const SMALLEST_BAR: f64 = 0.8;
/// How far markers reach up and down, in their size.
const MARKER_REACH: f64 = 1.4;
/// Opacity of a marker that would hide its error bar.
const PALE: f64 = 0.35;

/// Draws a marker around a pixel; all have about the area of the disc of radius `size`.
pub(super) fn write_marker(
    svg: &mut String,
    marker: Marker,
    (x, y): (f64, f64),
    size: f64,
    (color, filled, opacity): (&str, bool, f64),
    class: &str,
) {
    let paint = if filled {
        format!(r#"fill="{color}" fill-opacity="{opacity}""#)
    } else {
        format!(
            r#"class="paper" fill="{PAPER}" stroke="{color}" stroke-width="1.5" stroke-opacity="{opacity}""#
        )
    };
    // A hollow marker is painted with the paper, whose class the page may recolor.
    let class = if filled {
        format!(r#" class="{class}""#)
    } else {
        format!(r#" data-kind="{class}""#)
    };
    let corners = |corners: &[(f64, f64)]| {
        corners
            .iter()
            .map(|(dx, dy)| format!("{},{}", number(x + dx * size), number(y + dy * size)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let polygon = match marker {
        Marker::Circle => {
            let _ = writeln!(
                svg,
                r#"<circle{class} cx="{}" cy="{}" r="{}" {paint}/>"#,
                number(x),
                number(y),
                number(size)
            );
            return;
        }
        Marker::Square => corners(&[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)]),
        Marker::Triangle => corners(&[(0.0, -1.4), (1.2, 0.8), (-1.2, 0.8)]),
        Marker::Diamond => corners(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        Marker::DownTriangle => corners(&[(0.0, 1.4), (1.2, -0.8), (-1.2, -0.8)]),
    };
    let _ = writeln!(svg, r#"<polygon{class} points="{polygon}" {paint}/>"#);
}

const PAPER: &str = "#ffffff";

fn write_band(
    svg: &mut String,
    points: &[(f64, f64, f64)],
    frame: &Frame,
    color: &str,
    opacity: f64,
) {
    let mut upper = Vec::new();
    let mut lower = Vec::new();
    for &(x, low, high) in points {
        if let (Some(low), Some(high)) = (frame.beyond(x, low), frame.beyond(x, high)) {
            lower.push(low);
            upper.push(high);
        }
    }
    if upper.is_empty() {
        return;
    }
    let corners = upper
        .iter()
        .chain(lower.iter().rev())
        .map(|&(x, y)| format!("{},{}", number(x), number(y)))
        .collect::<Vec<_>>()
        .join(" ");
    let _ = writeln!(
        svg,
        r#"<polygon class="band" points="{corners}" fill="{color}" fill-opacity="{opacity}"/>"#
    );
}

fn write_hatch(svg: &mut String, name: &str, color: &str) {
    let _ = writeln!(
        svg,
        r#"<defs><pattern id="{name}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="{color}" fill-opacity="0.15"/><rect width="2" height="6" fill="{color}"/></pattern></defs>"#
    );
}

fn write_bar(
    svg: &mut String,
    bar: &Bar,
    frame: &Frame,
    (stroke, fill, opacity): (&str, &str, f64),
) {
    let (Some(left), Some(right)) = (frame.x.position(bar.from), frame.x.position(bar.to)) else {
        return;
    };
    if !bar.top.is_finite() || bar.top == bar.base {
        return;
    }
    let left = left.clamp(frame.left, frame.right);
    let right = right.clamp(frame.left, frame.right);
    let (first, second) = (frame.height_of(bar.base), frame.height_of(bar.top));
    let _ = writeln!(
        svg,
        r#"<rect class="bar" x="{}" y="{}" width="{}" height="{}" fill="{fill}" fill-opacity="{opacity}" stroke="{stroke}" stroke-width="0.8"/>"#,
        number(left.min(right)),
        number(first.min(second)),
        number((right - left).abs()),
        number((first - second).abs())
    );
}
