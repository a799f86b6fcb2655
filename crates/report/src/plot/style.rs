//! Colors that survive color blindness, markers and dashes that survive black and white.

/// The ink of axes and text: black on white paper, light on a dark page.
pub const INK: &str = "currentColor";

/// Okabe and Ito's colors; their black is the ink, and the pale yellow is left out because it
/// disappears on white.
pub const COLORS: [&str; 7] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK,
];

/// A gray of middle lightness, seen on white and on black.
pub const GRAY: &str = "#8a8f98";

/// The shape of a data point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle on its base.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// A triangle on its tip.
    DownTriangle,
}

const MARKERS: [Marker; 5] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::DownTriangle,
];

/// SVG dash patterns; the first is a solid line.
const DASHES: [&str; 6] = ["", "7 3", "2 2.5", "9 3 2 3", "12 4", "4 2 1 2 1 2"];

/// How everything that belongs to one strain rate looks, in every figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesStyle {
    /// Fill and stroke.
    pub color: &'static str,
    /// Marker of its points.
    pub marker: Marker,
    /// Dash pattern of its lines.
    pub dash: &'static str,
}

impl SeriesStyle {
    /// The style of the series with this index. Colors repeat after seven, markers after five,
    /// dashes after six, so the first 35 differ both as points and as lines.
    pub fn of(index: usize) -> Self {
        Self {
            color: COLORS[index % COLORS.len()],
            marker: MARKERS[index % MARKERS.len()],
            dash: DASHES[index % DASHES.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn many_series_differ_as_points_and_as_lines() {
        let styles = || (0..35).map(SeriesStyle::of);
        let points: HashSet<_> = styles()
            .map(|style| (style.color, format!("{:?}", style.marker)))
            .collect();
        let lines: HashSet<_> = styles().map(|style| (style.color, style.dash)).collect();
        assert_eq!((points.len(), lines.len()), (35, 35));
    }
}
