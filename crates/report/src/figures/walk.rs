//! The walk of atomistic kinetic Monte Carlo.

use crate::plot::{Axis, COLORS, DataPoint, GRAY, Layer, Marker, Plot, Shape};

/// Energies of minima against the logarithm of the time `(mapped seconds, ε)`, as stand-alone SVG:
/// those where the walk stopped at a passage, and those drawn at equal times.
///
/// Points, not a line: between two passages the sample flickers among the minima that are known, and
/// those where it stops are the unlikely ones. The first passage is the start.
pub fn walk_svg(passages: &[(f64, f64)], drawn: &[(f64, f64)]) -> String {
    let markers = |points: &[(f64, f64)]| -> Vec<DataPoint> {
        // The logarithm has no place for the start.
        let points = points.iter().filter(|point| point.0 > 0.0);
        points
            .map(|&(x, y)| DataPoint { x, y, error: None })
            .collect()
    };
    let mut layers = Vec::new();
    for (points, color, size, label) in [
        (drawn, GRAY, 2.0, "drawn at equal times"),
        (passages, COLORS[0], 3.5, "where a passage led"),
    ] {
        let points = markers(points);
        if !points.is_empty() {
            let shape = Shape::Points {
                points,
                marker: Marker::Circle,
                filled: true,
                size,
            };
            layers.push(Layer::new(color, shape).labeled(label));
        }
    }
    if let (false, Some(&(_, start))) = (layers.is_empty(), passages.first()) {
        let line = Shape::HorizontalLine {
            at: start,
            dash: "4 3",
        };
        layers.push(Layer::new(GRAY, line).labeled("the start"));
    }
    Plot {
        name: "walk".to_owned(),
        title: "Minima along the walk".to_owned(),
        x: Axis::logarithmic("time", "s"),
        y: Axis::linear("energy", "ε"),
        layers,
        notes: vec!["between passages it flickers among the minima it knows".to_owned()],
        empty_reason: "the walk has not left its first minimum".to_owned(),
    }
    .to_svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_drawn_and_a_start_alone_says_so() {
        let passages = [(0.0, -1.0), (1e-12, -1.5), (1e-9, -2.0)];
        let svg = walk_svg(&passages, &[]);
        assert!(svg.contains("where a passage led") && svg.contains("the start"));
        assert!(!svg.contains("equal times"));
        assert!(walk_svg(&passages, &[(2e-12, -1.0)]).contains("equal times"));
        assert!(walk_svg(&[(0.0, -1.0)], &[]).contains("has not left"));
    }
}
