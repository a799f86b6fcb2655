//! Several plots on one sheet.

use std::fmt::Write;

use super::Plot;
use super::render::{FITS_THE_PAGE, number};

const GAP: f64 = 24.0;

/// Draws plots side by side, row by row, as one stand-alone SVG file. The names of the plots must
/// differ: they tell their parts apart.
pub fn panels_svg(plots: &[Plot], columns: usize) -> String {
    let columns = columns.max(1);
    let frames: Vec<_> = plots.iter().map(Plot::frame).collect();
    let width = frames
        .iter()
        .map(|frame| frame.total_width)
        .fold(0.0, f64::max);
    let mut body = String::new();
    let mut top = 0.0;
    for (plots, frames) in plots.chunks(columns).zip(frames.chunks(columns)) {
        for (column, plot) in plots.iter().enumerate() {
            let left = column as f64 * (width + GAP);
            let _ = writeln!(
                body,
                r#"<g transform="translate({} {})">"#,
                number(left),
                number(top)
            );
            // Within another drawing a height of `auto` is all of it, and the panel slides down.
            body.push_str(&plot.to_svg().replacen(FITS_THE_PAGE, "", 1));
            body.push_str("</g>\n");
        }
        let height = frames
            .iter()
            .map(|frame| frame.total_height)
            .fold(0.0, f64::max);
        top += height + GAP;
    }
    let shown = columns.min(plots.len().max(1)) as f64;
    let (width, height) = (
        number(shown * (width + GAP) - GAP),
        number((top - GAP).max(1.0)),
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Axis, INK, Layer, Shape};

    #[test]
    fn every_panel_has_its_place() {
        let plot = |name: &str| Plot {
            name: name.to_owned(),
            title: name.to_owned(),
            x: Axis::linear("x", ""),
            y: Axis::linear("y", ""),
            layers: vec![Layer::new(
                INK,
                Shape::Line {
                    points: vec![(0.0, 0.0), (1.0, 2.0)],
                    dash: "",
                    width: 1.0,
                },
            )],
            ..Plot::default()
        };
        let svg = panels_svg(&[plot("one"), plot("two"), plot("three")], 2);
        assert!(svg.contains("viewBox=\"0 0 1744 884\""), "{svg}");
        assert!(svg.contains("translate(884 0)") && svg.contains("translate(0 454)"));
        for name in ["one", "two", "three"] {
            assert!(svg.contains(&format!("id=\"{name}-clip\"")));
        }
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
        assert!(!svg.contains("height:auto") && plot("one").to_svg().contains("height:auto"));
        assert!(panels_svg(&[], 2).starts_with("<svg"));
    }
}
