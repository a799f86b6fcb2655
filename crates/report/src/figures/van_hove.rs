//! How far atoms went between two structures.

use std::f64::consts::PI;

use super::Figure;
use crate::number::{significant, with_error};
use crate::plot::{Axis, COLORS, DataPoint, INK, Layer, Plot, SeriesStyle, Shape};

/// The displacements of one class of atoms.
#[derive(Clone, Debug, PartialEq)]
pub struct DisplacementCurve {
    /// The class, for the legend.
    pub label: String,
    /// Its atoms.
    pub atoms: usize,
    /// G_s in bins of the length that begin at zero `[1 / length³]`.
    pub self_correlation: Vec<f64>,
    /// Atoms in each bin.
    pub counts: Vec<usize>,
    /// Decay length of the tail and its standard error `[length]`, and the atoms that it was fitted to.
    pub tail: Option<(f64, f64, usize)>,
}

/// All displacements between two structures.
#[derive(Clone, Debug, PartialEq)]
pub struct DisplacementCurves {
    /// Width of the bins `[length]`.
    pub bin_width: f64,
    /// Where the tail begins and, where it does, ends `[length]`.
    pub tail_range: (f64, Option<f64>),
    /// Length above which an atom counts as moved `[length]`.
    pub mover_threshold: f64,
    /// The classes; the first is all atoms.
    pub classes: Vec<DisplacementCurve>,
}

impl DisplacementCurves {
    /// Middle of a bin.
    fn middle(&self, bin: usize) -> f64 {
        (bin as f64 + 0.5) * self.bin_width
    }

    fn edges(&self, bin: usize) -> (f64, f64) {
        let low = bin as f64 * self.bin_width;
        (low, low + self.bin_width)
    }

    /// The fitted tail of a class: as many atoms in the range as there are, spread as the fit says.
    fn fitted(&self, curve: &DisplacementCurve) -> Option<Vec<(f64, f64)>> {
        let (decay, _, fitted) = curve.tail?;
        let (from, to) = self.tail_range;
        let end = to.unwrap_or(curve.counts.len() as f64 * self.bin_width);
        // ∫ 4π r² e^(−(r − from)/λ) dr from the beginning to the end of the range.
        let integral = |r: f64| {
            -4.0 * PI
                * decay
                * (r * r + 2.0 * decay * r + 2.0 * decay * decay)
                * ((from - r) / decay).exp()
        };
        let whole = to.map_or(0.0, integral) - integral(from);
        let height = fitted as f64 / curve.atoms as f64 / whole;
        let points = (0..=60).map(|k| {
            let r = from + (end - from) * f64::from(k) / 60.0;
            (r, height * ((from - r) / decay).exp())
        });
        Some(points.collect())
    }
}

/// The values of the bins that hold atoms, with the error of a count.
fn points(
    curves: &DisplacementCurves,
    curve: &DisplacementCurve,
    value: impl Fn(usize) -> f64,
) -> Vec<DataPoint> {
    let bins = curve.counts.iter().enumerate();
    bins.filter(|(_, count)| **count > 0)
        .map(|(bin, &count)| DataPoint {
            x: curves.middle(bin),
            y: value(bin),
            // A bar over the whole decade would hide the point on a logarithmic axis.
            error: (count > 1).then(|| value(bin) / (count as f64).sqrt()),
        })
        .collect()
}

fn class_layer(points: Vec<DataPoint>, index: usize, curve: &DisplacementCurve) -> Layer {
    let style = SeriesStyle::of(index);
    Layer::new(
        style.color,
        Shape::Points {
            points,
            marker: style.marker,
            filled: true,
            size: 2.6,
        },
    )
    .with_opacity(0.8)
    .labeled(format!("{} ({})", curve.label, curve.atoms))
}

fn tail_line(points: Vec<(f64, f64)>, index: usize) -> Layer {
    Layer::new(
        COLORS[index % COLORS.len()],
        Shape::Line {
            points,
            dash: "6 3",
            width: 1.6,
        },
    )
}

/// G_s against the length, logarithmic, with the exponential tails.
pub fn van_hove(curves: &DisplacementCurves) -> Figure {
    let mut layers = Vec::new();
    let mut notes = Vec::new();
    for (index, curve) in curves.classes.iter().enumerate() {
        let of_curve = points(curves, curve, |bin| curve.self_correlation[bin]);
        layers.push(class_layer(of_curve, index, curve));
        if let Some((decay, error, atoms)) = curve.tail {
            notes.push(format!("{}: tail of {atoms},", curve.label));
            notes.push(format!("  λ = {}", with_error(decay, error)));
        }
        if let Some(line) = curves.fitted(curve) {
            layers.push(tail_line(line, index));
        }
    }
    layers.push(mover_line(curves.mover_threshold));
    Figure {
        plot: Plot {
            name: "van-hove".to_owned(),
            title: "Self part of the van Hove correlation".to_owned(),
            x: Axis::linear("Displacement beyond the strain r", "σ").including(0.0),
            y: Axis::logarithmic("G_s(r)", "1/σ³"),
            layers,
            notes,
            empty_reason: "no atom moved".to_owned(),
        },
        caption: format!(
            "Density of the displacements beyond the strain, averaged over directions; error bars by the number of atoms \
             in a bin. Dashed, G_s ∝ exp(−r/λ) of highest likelihood {}; dotted, the length above which an atom \
             counts as moved.",
            range_in_words(curves.tail_range)
        ),
        source: "metabasin analyze --reference --json, displacement.van_hove".to_owned(),
        stages: &[],
    }
}

/// 4π r² G_s against the length: the share of the atoms that went so far.
pub fn displacement_lengths(curves: &DisplacementCurves) -> Figure {
    let mut layers = Vec::new();
    for (index, curve) in curves.classes.iter().enumerate() {
        let share = |bin: usize| curve.counts[bin] as f64 / (curve.atoms as f64 * curves.bin_width);
        layers.push(class_layer(points(curves, curve, share), index, curve));
        if let Some(line) = curves.fitted(curve) {
            let line = line
                .iter()
                .map(|&(r, density)| (r, 4.0 * PI * r * r * density));
            layers.push(tail_line(line.collect(), index));
        }
    }
    layers.push(mover_line(curves.mover_threshold));
    let beyond = curves.classes.first().map_or(0, |all| {
        let bins = all.counts.iter().enumerate();
        bins.filter(|(bin, _)| curves.edges(*bin).0 >= curves.mover_threshold)
            .map(|(_, count)| count)
            .sum()
    });
    Figure {
        plot: Plot {
            name: "displacements".to_owned(),
            title: "How far atoms went".to_owned(),
            x: Axis::linear("Displacement beyond the strain r", "σ").including(0.0),
            y: Axis::logarithmic("4π r² G_s(r)", "1/σ"),
            layers,
            notes: vec![format!("beyond {} σ: {beyond}", significant(curves.mover_threshold, 3))],
            empty_reason: "no atom moved".to_owned(),
        },
        caption: "The same as the share of the atoms whose displacement has this length; atoms that took the place of a \
                  neighbor stand near one σ."
            .to_owned(),
        source: "metabasin analyze --reference --json, displacement.van_hove".to_owned(),
        stages: &[],
    }
}

fn mover_line(threshold: f64) -> Layer {
    let line = Shape::VerticalLine {
        at: threshold,
        dash: "2 3",
    };
    Layer::new(INK, line).with_opacity(0.6)
}

fn range_in_words((from, to): (f64, Option<f64>)) -> String {
    let from = significant(from, 3);
    match to {
        Some(to) => format!("between {from} and {} σ", significant(to, 3)),
        None => format!("beyond {from} σ"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fitted_tail_holds_the_atoms_that_it_was_fitted_to() {
        for to in [None, Some(0.9)] {
            let curve = DisplacementCurve {
                label: "all".to_owned(),
                atoms: 1000,
                self_correlation: vec![0.0; 400],
                counts: vec![0; 400],
                tail: Some((0.12, 0.01, 130)),
            };
            let curves = DisplacementCurves {
                bin_width: 0.01,
                tail_range: (0.5, to),
                mover_threshold: 0.6,
                classes: vec![curve.clone()],
            };
            let line = curves.fitted(&curve).unwrap();
            assert_eq!(line[0].0, 0.5);
            // The trapezoids of 4π r² G_s over the line.
            let atoms: f64 = line
                .windows(2)
                .map(|pair| {
                    let weight = |(r, density): (f64, f64)| 4.0 * PI * r * r * density;
                    500.0 * (pair[1].0 - pair[0].0) * (weight(pair[0]) + weight(pair[1]))
                })
                .sum();
            assert!((atoms / 130.0 - 1.0).abs() < 0.01, "{to:?}: {atoms}");
            assert!(
                (line[10].1 / line[0].1 - ((line[0].0 - line[10].0) / 0.12).exp()).abs() < 1e-12
            );
        }
    }
}
