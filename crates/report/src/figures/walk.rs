//! The walk of atomistic kinetic Monte Carlo.

use crate::plot::{Axis, COLORS, Layer, Plot, Shape};

/// Energy of the minimum against the logarithm of the time `(mapped seconds, ε)`, each held until
/// the next, as stand-alone SVG.
pub fn walk_svg(points: &[(f64, f64)]) -> String {
    let mut line: Vec<(f64, f64)> = Vec::new();
    for pair in points.windows(2) {
        let (energy, until) = (pair[0].1, pair[1].0);
        line.push((pair[0].0, energy));
        line.push((until, energy));
    }
    line.extend(points.last());
    // The logarithm has no place for the start.
    line.retain(|point| point.0 > 0.0);
    Plot {
        name: "walk".to_owned(),
        title: "Energy of the minimum along the walk".to_owned(),
        x: Axis::logarithmic("time", "s"),
        y: Axis::linear("energy", "ε"),
        layers: vec![Layer::new(
            COLORS[0],
            Shape::Line {
                points: line,
                dash: "",
                width: 1.5,
            },
        )],
        notes: Vec::new(),
        empty_reason: "the walk has not left its first minimum".to_owned(),
    }
    .to_svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_drawn_and_a_start_alone_says_so() {
        let svg = walk_svg(&[(0.0, -1.0), (1e-12, -1.5), (1e-9, -2.0)]);
        assert!(svg.contains("energy"));
        assert!(walk_svg(&[(0.0, -1.0)]).contains("has not left"));
    }
}
