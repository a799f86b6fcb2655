//! Energy, stress and structure of the inherent states along loading.

use super::Figure;
use crate::inherent_series::{InherentLoading, InherentPoint};
use crate::number::rate;
use crate::plot::{Axis, DataPoint, INK, Layer, Plot, SeriesStyle, Shape};

/// A line of one loading with the error of its mean.
fn curve(
    loading: &InherentLoading,
    (index, color): (usize, usize),
    label: String,
    value: impl Fn(&InherentPoint) -> (f64, Option<f64>),
) -> Vec<Layer> {
    let (style, color) = (SeriesStyle::of(index), SeriesStyle::of(color).color);
    let points: Vec<DataPoint> = loading
        .points
        .iter()
        .map(|point| {
            let (y, error) = value(point);
            DataPoint {
                x: point.strain,
                y,
                error,
            }
        })
        .filter(|point| point.y.is_finite())
        .collect();
    vec![
        Layer::new(
            color,
            Shape::Line {
                points: points.iter().map(|p| (p.x, p.y)).collect(),
                dash: style.dash,
                width: 1.2,
            },
        )
        .with_opacity(0.7),
        Layer::new(
            color,
            Shape::Points {
                points,
                marker: style.marker,
                filled: true,
                size: 2.8,
            },
        )
        .labeled(label),
    ]
}

/// What mere aging does in the same time, as a line without points.
fn aging(
    loading: &InherentLoading,
    index: usize,
    value: impl Fn(&InherentPoint) -> (f64, Option<f64>),
) -> Option<Layer> {
    let points: Vec<(f64, f64)> = (loading.zero_load.iter())
        .map(|point| (point.strain, value(point).0))
        .filter(|(_, y)| y.is_finite())
        .collect();
    (points.len() > 1).then(|| {
        let line = Shape::Line {
            points,
            dash: "2 3",
            width: 1.4,
        };
        Layer::new(SeriesStyle::of(index).color, line).labeled(format!(
            "zero load, as long as at {}",
            rate(loading.rate_per_second)
        ))
    })
}

fn strain() -> Axis {
    Axis::linear("Shear strain γ", "").including(0.0)
}

fn figure((name, title): (&str, &str), y: Axis, layers: Vec<Layer>, caption: &str) -> Figure {
    Figure {
        plot: Plot {
            name: name.to_owned(),
            title: title.to_owned(),
            x: strain(),
            y,
            layers,
            notes: Vec::new(),
            empty_reason: "no inherent state was written along the loading".to_owned(),
        },
        caption: format!(
            "{caption} Inherent states along loading by MD, quenched at fixed cell, each as its own Voronoi cells class it; errors from \
             the spread of pairs. Dotted: copies at zero load, at the time at which the loading has that strain, γ = γ̇ t \
             (stresses less that of the first state)."
        ),
        source: "series/rate-*-pair-*-inherent.csv, series/copy-*-inherent.csv".to_owned(),
        stages: &["shear", "relax"],
    }
}

/// Energy per atom above that of the state at no strain.
pub fn inherent_energy(loadings: &[InherentLoading]) -> Figure {
    let layers = loadings.iter().enumerate().flat_map(|(index, loading)| {
        let label = rate(loading.rate_per_second);
        let mut layers = curve(loading, (index, index), label, |point| point.energy);
        layers.extend(aging(loading, index, |point| point.energy));
        layers
    });
    figure(
        ("inherent-energy", "Energy of inherent states"),
        Axis::linear("Energy per atom above the start", "ε").including(0.0),
        layers.collect(),
        "Mean over loading to either side.",
    )
}

/// Share of the small atoms that are icosahedral.
pub fn inherent_icosahedra(loadings: &[InherentLoading]) -> Figure {
    let layers = loadings.iter().enumerate().flat_map(|(index, loading)| {
        let label = rate(loading.rate_per_second);
        let mut layers = curve(loading, (index, index), label, |point| point.icosahedral);
        layers.extend(aging(loading, index, |point| point.icosahedral));
        layers
    });
    figure(
        ("inherent-icosahedra", "Icosahedra of inherent states"),
        Axis::linear("Icosahedral share of the small atoms", ""),
        layers.collect(),
        "Mean over loading to either side.",
    )
}

/// Shear stress of all atoms, of the icosahedral ones and of the others.
pub fn inherent_stress(loadings: &[InherentLoading]) -> Figure {
    let mut layers =
        vec![Layer::new(INK, Shape::HorizontalLine { at: 0.0, dash: "" }).with_opacity(0.3)];
    let several = loadings.len() > 1;
    for (index, loading) in loadings.iter().enumerate() {
        for (class, name) in ["all", "icosahedral", "other"].into_iter().enumerate() {
            // One rate: a color a class; several: a color a rate.
            let color = if several { index } else { class };
            let label = if several {
                format!("{name}, {}", rate(loading.rate_per_second))
            } else {
                name.to_owned()
            };
            let value = |point: &InherentPoint| point.stress[class];
            layers.extend(curve(loading, (class, color), label, value));
        }
        layers.extend(aging(loading, if several { index } else { 0 }, |point| {
            point.stress[0]
        }));
    }
    figure(
        ("inherent-stress", "Who carries the stress"),
        Axis::linear("Shear stress of a class σ_xy", "ε/σ³").including(0.0),
        layers,
        "Half the difference between loading to either side: the mean over the atoms of a class, each for the mean volume of an \
         atom, so that the classes weighted by their shares are the stress of all.",
    )
}
