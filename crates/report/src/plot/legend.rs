//! The legend: a column right of the axes, so that it never covers data.

use std::fmt::Write;

use super::render::{number, write_marker};
use super::text::{escape_with_subscripts, width, wrap};
use super::{DataPoint, Layer, Plot, Shape};

const FONT_SIZE: f64 = 13.0;
const NOTE_SIZE: f64 = 12.0;
const LINE_HEIGHT: f64 = 19.0;
const NOTE_HEIGHT: f64 = 16.0;
const SAMPLE_WIDTH: f64 = 30.0;
const SAMPLE_GAP: f64 = 8.0;

/// The legend with its text broken into lines.
pub(super) struct Legend<'a> {
    entries: Vec<(&'a Layer, Vec<String>)>,
    notes: Vec<Vec<String>>,
    width: f64,
}

impl<'a> Legend<'a> {
    /// Lays out the legend of a plot, at most `limit` pixels wide.
    pub(super) fn of(plot: &'a Plot, limit: f64) -> Self {
        let text_limit = limit - SAMPLE_WIDTH - SAMPLE_GAP;
        let entries: Vec<_> = plot
            .layers
            .iter()
            .filter_map(|layer| {
                let label = layer.label.as_deref()?;
                Some((layer, wrap(label, FONT_SIZE, text_limit)))
            })
            .collect();
        let widest = entries
            .iter()
            .flat_map(|(_, lines)| lines)
            .map(|line| width(line, FONT_SIZE))
            .fold(0.0, f64::max);
        let mut total = if entries.is_empty() {
            0.0
        } else {
            widest + SAMPLE_WIDTH + SAMPLE_GAP
        };
        if !plot.notes.is_empty() {
            total = total.max(170.0);
        }
        let notes: Vec<_> = plot
            .notes
            .iter()
            .map(|note| wrap(note, NOTE_SIZE, total))
            .collect();
        Self {
            entries,
            notes,
            width: total.min(limit),
        }
    }

    /// Width of the column; 0 where there is none.
    pub(super) fn width(&self) -> f64 {
        self.width
    }

    /// Height of the column.
    pub(super) fn height(&self) -> f64 {
        let entries: usize = self.entries.iter().map(|(_, lines)| lines.len()).sum();
        let notes: usize = self.notes.iter().map(Vec::len).sum();
        let gap = if self.notes.is_empty() { 0.0 } else { 14.0 };
        entries as f64 * LINE_HEIGHT
            + gap
            + notes as f64 * NOTE_HEIGHT
            + self.notes.len() as f64 * 5.0
    }

    /// Draws the legend with its upper left corner at (left, top).
    pub(super) fn write(&self, svg: &mut String, left: f64, top: f64, name: &str) {
        let mut y = top + 0.5 * LINE_HEIGHT;
        for (layer, lines) in &self.entries {
            write_sample(svg, layer, left, y, name);
            for line in lines {
                write_line(
                    svg,
                    left + SAMPLE_WIDTH + SAMPLE_GAP,
                    y + 4.5,
                    FONT_SIZE,
                    1.0,
                    line,
                );
                y += LINE_HEIGHT;
            }
        }
        y += if self.entries.is_empty() { 4.0 } else { 14.0 };
        for note in &self.notes {
            for line in note {
                write_line(svg, left, y, NOTE_SIZE, 0.8, line);
                y += NOTE_HEIGHT;
            }
            y += 5.0;
        }
    }
}

fn write_line(svg: &mut String, x: f64, y: f64, size: f64, opacity: f64, line: &str) {
    let _ = writeln!(
        svg,
        r#"<text x="{}" y="{}" font-size="{size}" fill-opacity="{opacity}">{}</text>"#,
        number(x),
        number(y),
        escape_with_subscripts(line)
    );
}

fn write_sample(svg: &mut String, layer: &Layer, left: f64, y: f64, name: &str) {
    let right = left + SAMPLE_WIDTH;
    let middle = 0.5 * (left + right);
    let Layer { color, opacity, .. } = layer;
    let stroke = |svg: &mut String, x1: f64, y1: f64, x2: f64, y2: f64, dash: &str, width: f64| {
        let dashes = if dash.is_empty() {
            String::new()
        } else {
            format!(r#" stroke-dasharray="{dash}""#)
        };
        let _ = writeln!(
            svg,
            r#"<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{color}" stroke-width="{width}" stroke-opacity="{opacity}"{dashes}/>"#,
            number(x1),
            number(y1),
            number(x2),
            number(y2)
        );
    };
    match &layer.shape {
        Shape::Line { dash, width, .. } => stroke(svg, left, y, right, y, dash, *width),
        Shape::HorizontalLine { dash, .. } => stroke(svg, left, y, right, y, dash, 1.3),
        Shape::VerticalLine { dash, .. } => {
            stroke(svg, middle, y - 8.0, middle, y + 8.0, dash, 1.3);
        }
        Shape::Points {
            points,
            marker,
            filled,
            size,
        } => {
            if points.iter().any(|point: &DataPoint| point.error.is_some()) {
                stroke(svg, middle, y - 7.5, middle, y + 7.5, "", 1.2);
            }
            let size = size.max(3.5);
            write_marker(
                svg,
                *marker,
                (middle, y),
                size,
                (color, *filled, *opacity),
                "legend",
            );
        }
        Shape::Band { .. } => {
            let _ = writeln!(
                svg,
                r#"<rect x="{}" y="{}" width="{SAMPLE_WIDTH}" height="11" fill="{color}" fill-opacity="{opacity}"/>"#,
                number(left),
                number(y - 5.5)
            );
        }
        Shape::Bars { hatched, .. } => {
            let fill = if *hatched {
                format!("url(#{name}-hatch)")
            } else {
                (*color).to_owned()
            };
            let _ = writeln!(
                svg,
                r#"<rect x="{}" y="{}" width="{SAMPLE_WIDTH}" height="12" fill="{fill}" stroke="{color}" fill-opacity="{opacity}"/>"#,
                number(left),
                number(y - 6.0)
            );
        }
    }
}
