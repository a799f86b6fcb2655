//! The view as a still picture, for browsers that draw no WebGL2 and for paper.

use std::fmt::Write;

use super::{AtomView, ViewValues};

/// Width and height of the picture.
const SIZE: f64 = 720.0;
/// Pixels of the grid on which it is decided who is seen.
const GRID: usize = 480;
/// Colors of names, as in the script.
const NAMED: [&str; 8] = [
    "#e69f00", "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#7a7a7a",
];
/// What is left over stays in the background.
const LEFT_OVER: &str = "#9aa9b8";
/// A scale from few to much, as in the script.
const SCALE: [&str; 9] = [
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30",
    "#fde725",
];
/// Share of the atoms beyond either end of the scale.
const BEYOND: f64 = 0.01;

/// Right, up and towards the viewer: the direction from which the interactive view begins.
fn seen(point: [f64; 3]) -> [f64; 3] {
    let (sin_y, cos_y) = (-0.55_f64).sin_cos();
    let (sin_x, cos_x) = 0.42_f64.sin_cos();
    let [x, y, z] = point;
    let (right, towards) = (cos_y * x + sin_y * z, -sin_y * x + cos_y * z);
    [
        right,
        cos_x * y - sin_x * towards,
        sin_x * y + cos_x * towards,
    ]
}

/// The color of every atom by the first column.
fn colors(view: &AtomView) -> Vec<&'static str> {
    match view.columns.first().map(|column| &column.values) {
        Some(ViewValues::Names { names, of_atoms }) => of_atoms
            .iter()
            .map(|&name| match names.get(usize::from(name)) {
                Some(name) if name == "other" => LEFT_OVER,
                _ => NAMED[usize::from(name) % NAMED.len()],
            })
            .collect(),
        Some(ViewValues::Numbers(values)) => {
            let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
            sorted.sort_by(f64::total_cmp);
            let quantile = |share: f64| {
                let place = share * sorted.len().saturating_sub(1) as f64;
                sorted.get(place.round() as usize).copied().unwrap_or(0.0)
            };
            let (low, high) = (quantile(BEYOND), quantile(1.0 - BEYOND));
            let width = if high > low { high - low } else { 1.0 };
            values
                .iter()
                .map(|value| {
                    let share = ((value - low) / width).clamp(0.0, 1.0);
                    // A number that is none becomes zero.
                    SCALE[(share * (SCALE.len() - 1) as f64).round() as usize]
                })
                .collect()
        }
        None => vec![NAMED[7]; view.positions.len()],
    }
}

/// Who is seen, the farthest first: each atom is drawn as a disk into a grid that keeps the nearest.
fn visible(places: &[[f64; 3]], radii: &[f64], pixels_a_length: f64) -> Vec<usize> {
    let mut nearest = vec![(f64::NEG_INFINITY, usize::MAX); GRID * GRID];
    let scale = pixels_a_length * GRID as f64 / SIZE;
    for (i, ([right, up, towards], radius)) in places.iter().zip(radii).enumerate() {
        let middle = 0.5 * GRID as f64;
        let (x, y, r) = (middle + right * scale, middle - up * scale, radius * scale);
        let span = |at: f64| {
            let low = (at - r).floor().max(0.0) as usize;
            low..((at + r).ceil().max(0.0) as usize).min(GRID)
        };
        for row in span(y) {
            for column in span(x) {
                let squared = (column as f64 + 0.5 - x).powi(2) + (row as f64 + 0.5 - y).powi(2);
                if squared > r * r {
                    continue;
                }
                let front = towards + (r * r - squared).sqrt() / scale;
                let kept = &mut nearest[row * GRID + column];
                if front > kept.0 {
                    *kept = (front, i);
                }
            }
        }
    }
    let mut shown: Vec<usize> = nearest
        .into_iter()
        .map(|(_, atom)| atom)
        .filter(|&atom| atom != usize::MAX)
        .collect();
    shown.sort_unstable();
    shown.dedup();
    shown.sort_by(|&p, &q| places[p][2].total_cmp(&places[q][2]));
    shown
}

/// The picture as SVG text.
pub(super) fn picture(view: &AtomView) -> String {
    let [a, b, c] = view.cell;
    let middle = [0, 1, 2].map(|k| 0.5 * (a[k] + b[k] + c[k]));
    let diagonals = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)].map(|(p, q)| {
        let diagonal = [0, 1, 2].map(|k| a[k] + p * b[k] + q * c[k]);
        diagonal.iter().map(|x| x * x).sum::<f64>().sqrt()
    });
    let reach = diagonals.into_iter().fold(0.0, f64::max) / 2.0 + 1.0;
    let scale = SIZE / (1.7 * reach);
    let places: Vec<[f64; 3]> = view
        .positions
        .iter()
        .map(|at| seen([0, 1, 2].map(|k| at[k] - middle[k])))
        .collect();
    let colors = colors(view);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIZE} {SIZE}\" role=\"img\" \
         aria-label=\"Atoms\"><g stroke=\"#22262b\" stroke-width=\"0.5\">"
    );
    for i in visible(&places, &view.radii, scale) {
        let [right, up, _] = places[i];
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{:.1}\" fill=\"{}\"/>",
            0.5 * SIZE + right * scale,
            0.5 * SIZE - up * scale,
            view.radii[i] * scale,
            colors[i]
        );
    }
    svg.push_str("</g></svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_behind_is_not_drawn() {
        let places = [[0.0, 0.0, -2.0], [0.0, 0.0, 1.0], [2.0, 0.0, -3.0]];
        assert_eq!(visible(&places, &[0.4, 0.5, 0.5], 50.0), vec![2, 1]);
        // A larger one behind shows its rim.
        assert_eq!(visible(&places, &[0.6, 0.5, 0.5], 50.0), vec![2, 0, 1]);
    }

    #[test]
    fn the_eye_keeps_lengths_and_hands() {
        let [x, y, z] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(seen);
        let determinant = x[0] * (y[1] * z[2] - y[2] * z[1]) - y[0] * (x[1] * z[2] - x[2] * z[1])
            + z[0] * (x[1] * y[2] - x[2] * y[1]);
        assert!((determinant - 1.0).abs() < 1e-14);
        for axis in [x, y, z] {
            assert!((axis.iter().map(|c| c * c).sum::<f64>() - 1.0).abs() < 1e-14);
        }
        // The three faces that are seen are those towards +x, +y and +z.
        assert!(
            [x, y, z].iter().all(|axis| axis[2] > 0.0),
            "{x:?} {y:?} {z:?}"
        );
    }

    #[test]
    fn numbers_are_colored_by_their_scale() {
        let mut view = super::super::tests::small();
        view.columns[0].values = ViewValues::Numbers(vec![0.0, 1.0, f64::NAN]);
        assert_eq!(colors(&view), [SCALE[0], SCALE[8], SCALE[0]]);
        let svg = picture(&view);
        assert_eq!(svg.matches("<circle").count(), 3);
        view.columns.clear();
        assert!(picture(&view).contains(NAMED[7]));
    }
}
