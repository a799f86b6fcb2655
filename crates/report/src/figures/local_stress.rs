//! How local shear stress is distributed over the atoms, and which atoms carry the global one.

use std::f64::consts::PI;

use super::Figure;
use crate::number::{significant, with_error};
use crate::plot::{Axis, INK, Layer, Plot, SeriesStyle, Shape};

/// A Gaussian with the standard errors of its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FittedGaussian {
    /// Center and error `[energy / length³]`.
    pub center: (f64, f64),
    /// Width and error `[energy / length³]`.
    pub width: (f64, f64),
    /// Share of the atoms that it accounts for.
    pub share: f64,
}

/// Local stresses of one group of atoms.
#[derive(Clone, Debug, PartialEq)]
pub struct StressHistogram {
    /// The group, for the legend.
    pub label: String,
    /// Its atoms.
    pub atoms: usize,
    /// Lower edge of the first bin `[energy / length³]`.
    pub from: f64,
    /// Width of the bins `[energy / length³]`.
    pub bin_width: f64,
    /// Atoms in each bin.
    pub counts: Vec<usize>,
    /// The fit of the most probable part.
    pub fit: Option<FittedGaussian>,
    /// What the group's atoms of local stress up to each limit add to the global stress.
    pub within: Vec<f64>,
}

/// Local stresses of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct StressHistograms {
    /// The component: `xy`.
    pub component: String,
    /// The shear modulus by which stresses are divided, where one is known `[energy / length³]`.
    pub shear_modulus: Option<f64>,
    /// The limits of `within`, ascending `[energy / length³]`.
    pub limits: Vec<f64>,
    /// The groups.
    pub groups: Vec<StressHistogram>,
}

impl StressHistograms {
    fn scale(&self) -> f64 {
        self.shear_modulus.unwrap_or(1.0)
    }

    fn unit(&self) -> &'static str {
        if self.shear_modulus.is_some() {
            "G"
        } else {
            "ε/σ³"
        }
    }

    fn unit_in_words(&self) -> String {
        self.shear_modulus.map_or(String::new(), |modulus| {
            format!(" G = {} ε/σ³.", significant(modulus, 4))
        })
    }

    fn named<'a>(
        &'a self,
        labels: &'a [&str],
    ) -> impl Iterator<Item = (usize, &'a StressHistogram)> {
        let find = |label: &&str| self.groups.iter().find(|group| group.label == *label);
        labels.iter().filter_map(find).enumerate()
    }

    /// Density of the stress and its Gaussians, in units of the modulus, for some of the groups.
    fn densities(&self, labels: &[&str]) -> (Vec<Layer>, Vec<String>) {
        let scale = self.scale();
        let (mut layers, mut notes) = (Vec::new(), Vec::new());
        for (index, group) in self.named(labels) {
            let style = SeriesStyle::of(index);
            layers.push(
                Layer::new(
                    style.color,
                    Shape::Line {
                        points: steps(group, scale),
                        dash: "",
                        width: 1.4,
                    },
                )
                .labeled(format!("{} ({})", group.label, group.atoms)),
            );
            if let Some(fit) = &group.fit {
                layers.push(
                    Layer::new(
                        style.color,
                        Shape::Line {
                            points: gaussian(fit, scale),
                            dash: "6 3",
                            width: 1.8,
                        },
                    )
                    .with_opacity(0.8),
                );
                let over = |(value, error): (f64, f64)| with_error(value / scale, error / scale);
                notes.push(format!("{}:", group.label));
                notes.push(format!("  center {}", over(fit.center)));
                notes.push(format!("  width {}", over(fit.width)));
            }
        }
        (layers, notes)
    }

    /// Ends of the horizontal axis: the farthest atom, but not beyond six widths of the widest fit.
    fn range(&self) -> Option<(f64, f64)> {
        let farthest = |group: &StressHistogram| {
            let end = group.from + group.counts.len() as f64 * group.bin_width;
            end.abs().max(group.from.abs())
        };
        let most = self.groups.iter().map(farthest).fold(0.0, f64::max);
        let fits = self.groups.iter().filter_map(|group| group.fit);
        let reach = fits
            .map(|fit| fit.center.0.abs() + 6.0 * fit.width.0)
            .fold(0.0, f64::max)
            .min(1.05 * most);
        (reach > 0.0).then(|| (-reach / self.scale(), reach / self.scale()))
    }
}

/// The outline of a histogram as a density.
fn steps(group: &StressHistogram, scale: f64) -> Vec<(f64, f64)> {
    let density = |count: usize| count as f64 * scale / (group.atoms as f64 * group.bin_width);
    let edge = |bin: usize| (group.from + bin as f64 * group.bin_width) / scale;
    let mut points = vec![(edge(0), 0.0)];
    for (bin, &count) in group.counts.iter().enumerate() {
        points.extend([(edge(bin), density(count)), (edge(bin + 1), density(count))]);
    }
    points.push((edge(group.counts.len()), 0.0));
    points
}

/// The fitted Gaussian over three widths to either side, as high as its share of the atoms.
fn gaussian(fit: &FittedGaussian, scale: f64) -> Vec<(f64, f64)> {
    let (center, width) = (fit.center.0, fit.width.0);
    let height = fit.share / (width * (2.0 * PI).sqrt());
    (-60..=60)
        .map(|k| {
            let z = f64::from(k) / 20.0;
            (
                (center + z * width) / scale,
                scale * height * (-0.5 * z * z).exp(),
            )
        })
        .collect()
}

fn axis(stresses: &StressHistograms) -> Axis {
    let label = format!("Local shear stress σ_{}", stresses.component);
    Axis {
        range: stresses.range(),
        ..Axis::linear(&label, stresses.unit())
    }
}

fn histograms(stresses: &StressHistograms, (name, title): (&str, &str), labels: &[&str]) -> Figure {
    let (layers, notes) = stresses.densities(labels);
    Figure {
        plot: Plot {
            name: name.to_owned(),
            title: title.to_owned(),
            x: axis(stresses),
            y: Axis::linear("Probability density", "").including(0.0),
            layers,
            notes,
            empty_reason: "there are no atoms".to_owned(),
        },
        caption: format!(
            "Stress of single atoms, each for the mean volume of an atom. Dashed, the Gaussian through the most probable part, \
             where atoms count by exp(−z²/4.5) at z of its widths from its center, with center and width in {}.{}",
            stresses.unit(),
            stresses.unit_in_words()
        ),
        source: "metabasin analyze --json, local_stress".to_owned(),
        stages: &[],
    }
}

/// Local stress of icosahedral and other atoms.
pub fn local_stress_by_class(stresses: &StressHistograms) -> Figure {
    let title = ("local-stress-classes", "Local stress by structure");
    histograms(stresses, title, &["icosahedral", "other"])
}

/// Local stress of large and small atoms.
pub fn local_stress_by_species(stresses: &StressHistograms) -> Figure {
    let title = ("local-stress-species", "Local stress by species");
    histograms(stresses, title, &["large", "small"])
}

/// What atoms of local stress up to a limit add to the global stress.
pub fn stress_within_limit(stresses: &StressHistograms) -> Figure {
    let scale = stresses.scale();
    let mut layers =
        vec![Layer::new(INK, Shape::HorizontalLine { at: 0.0, dash: "" }).with_opacity(0.3)];
    let mut notes = vec!["in the end:".to_owned()];
    for (index, group) in stresses.named(&["all", "icosahedral", "other"]) {
        let style = SeriesStyle::of(index);
        let points = stresses.limits.iter().zip(&group.within);
        layers.push(
            Layer::new(
                style.color,
                Shape::Line {
                    points: points.map(|(x, y)| (x / scale, y / scale)).collect(),
                    dash: style.dash,
                    width: 1.8,
                },
            )
            .labeled(&group.label),
        );
        if let Some(last) = group.within.last() {
            notes.push(format!(
                "  {}: {}",
                group.label,
                significant(last / scale, 3)
            ));
        }
    }
    Figure {
        plot: Plot {
            name: "stress-within-limit".to_owned(),
            title: "Which atoms carry the stress".to_owned(),
            x: Axis::linear("Limit L of the local stress", stresses.unit()).including(0.0),
            y: Axis::linear("Stress of atoms with |σ| ≤ L", stresses.unit()).including(0.0),
            layers,
            notes,
            empty_reason: "there are no atoms".to_owned(),
        },
        caption: format!(
            "Part of the global stress σ_{} that comes from atoms whose local stress is at most L in size: the sum over \
             such atoms of a class over the number of all atoms. The classes add up to the curve of all atoms, which ends at \
             the global stress.{}",
            stresses.component,
            stresses.unit_in_words()
        ),
        source: "metabasin analyze --json, local_stress".to_owned(),
        stages: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(label: &str) -> StressHistogram {
        StressHistogram {
            label: label.to_owned(),
            atoms: 1000,
            from: -8.0,
            bin_width: 0.5,
            counts: (0..32)
                .map(|k| if k % 2 == 0 { 20 } else { 42 })
                .chain([8])
                .collect(),
            fit: Some(FittedGaussian {
                center: (0.5, 0.1),
                width: (2.0, 0.05),
                share: 0.8,
            }),
            within: vec![0.0, 0.25],
        }
    }

    fn stresses(shear_modulus: Option<f64>) -> StressHistograms {
        StressHistograms {
            component: "xy".to_owned(),
            shear_modulus,
            limits: vec![0.0, 8.0],
            groups: ["all", "icosahedral", "other", "large", "small"]
                .map(group)
                .into(),
        }
    }

    fn area(points: &[(f64, f64)]) -> f64 {
        let trapezoid =
            |pair: &[(f64, f64)]| 0.5 * (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1);
        points.windows(2).map(trapezoid).sum()
    }

    #[test]
    fn outlines_and_gaussians_are_densities_in_any_unit() {
        for scale in [1.0, 16.0] {
            let group = group("all");
            assert!((area(&steps(&group, scale)) - 1.0).abs() < 1e-12);
            // Within three widths is all of a Gaussian but 0.27 %.
            let whole = 0.8 * 0.9973;
            let drawn = gaussian(&group.fit.unwrap(), scale);
            assert!((area(&drawn) / whole - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn stress_is_shown_in_units_of_a_modulus_that_is_known() {
        let plain = local_stress_by_class(&stresses(None)).plot.to_svg();
        assert!(
            plain.contains("ε/σ³") && plain.contains("2.000 ± 0.050"),
            "{plain}"
        );
        let scaled = local_stress_by_species(&stresses(Some(16.0)));
        assert!(scaled.caption.contains("G = 16.00 ε/σ³"));
        let svg = scaled.plot.to_svg();
        assert!(
            svg.contains("large (1000)") && svg.contains("0.1250 ± 0.0031"),
            "{svg}"
        );
        let within = stress_within_limit(&stresses(Some(16.0)));
        assert!(
            within.plot.notes[1].contains("0.0156"),
            "{:?}",
            within.plot.notes
        );
        assert_eq!(within.plot.layers.len(), 4);
    }
}
