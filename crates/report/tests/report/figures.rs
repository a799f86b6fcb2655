//! Labels, legends, numbers of points and pixels of the figures.

use metabasin_files::findings::{Curve, Findings, LoadingFindings, Measured, RateFindings};
use metabasin_report::figures::{self, Figure};
use metabasin_report::plot::{Axis, DataPoint, Layer, Marker, Plot, ScaleKind, Shape};
use metabasin_report::{Completeness, barrier_histogram_svg, recovery_svg, stress_strain_svg};

use crate::synthetic::{RATES, event, events, findings};

fn count(svg: &str, pattern: &str) -> usize {
    svg.matches(pattern).count()
}

fn of_name(name: &str) -> Figure {
    let events = events();
    figures::all(&findings(), Some(&events))
        .into_iter()
        .find(|figure| figure.plot.name == name)
        .unwrap()
}

/// Text of an SVG, markup and subscript shifts taken out.
fn letters(svg: &str) -> String {
    let mut inside = false;
    svg.chars()
        .filter(|c| {
            if *c == '<' {
                inside = true;
            }
            let keep = !inside && *c != '\u{200b}';
            if *c == '>' {
                inside = false;
            }
            keep
        })
        .collect()
}

#[test]
fn every_figure_has_its_axes_with_units() {
    for (name, labels) in [
        ("cooling", ["Temperature k", "Enthalpy per atom H/N [ε]"]),
        ("stress-strain", ["Shear strain γ", "Shear stress τ [ε/σ³]"]),
        (
            "residual-strain",
            ["Strain rate [1/s (mapped)]", "Residual strain γres"],
        ),
        (
            "recovery",
            ["Time since unloading [s (mapped)]", "Shear strain γ"],
        ),
        (
            "zero-load-energy",
            ["Time [s (mapped)]", "Change of energy per atom ΔE/N"],
        ),
        ("barriers", ["Forward barrier ΔE [ε]", "Events per 0.5 ε"]),
        (
            "activation-volumes",
            ["Forward barrier ΔE [ε]", "Activation volume Ωxy [σ³]"],
        ),
        (
            "search-outcomes",
            ["Searches", "lost negative curvature (17)"],
        ),
    ] {
        let figure = of_name(name);
        let text = letters(&figure.plot.to_svg());
        for label in labels {
            assert!(text.contains(label), "{name}: {label} not in {text}");
        }
        assert!(text.contains(&figure.plot.title));
        assert!(figure.caption.len() > 80 && !figure.source.is_empty());
    }
}

#[test]
fn rates_stand_in_the_legend_once_each() {
    let findings = findings();
    for svg in [
        stress_strain_svg(&findings.rates),
        recovery_svg(&findings.rates),
    ] {
        let text = letters(&svg);
        for name in ["1e9 /s", "2e8 /s"] {
            assert_eq!(count(&text, &format!("{name} MD")), 1);
        }
        for name in [
            "1e9 /s", "2e8 /s", "1e8 /s", "1e7 /s", "1e6 /s", "1e5 /s", "1e4 /s",
        ] {
            assert_eq!(count(&text, &format!("{name} KMC")), 1);
        }
        assert_eq!(count(&text, "1e8 /s MD"), 0);
    }
}

#[test]
fn a_rate_keeps_its_color_and_others_differ() {
    let colors = |name: &str, label: &str| -> Vec<&'static str> {
        of_name(name)
            .plot
            .layers
            .iter()
            .filter(|layer| layer.label.as_deref().is_some_and(|l| l.starts_with(label)))
            .map(|layer| layer.color)
            .collect()
    };
    let first = colors("stress-strain", "1e9 /s");
    assert_eq!(first.len(), 2);
    for name in ["stress-strain", "residual-strain", "recovery"] {
        assert!(
            colors(name, "1e9 /s")
                .iter()
                .all(|color| *color == first[0])
        );
        assert!(
            colors(name, "2e8 /s")
                .iter()
                .all(|color| *color != first[0])
        );
    }
}

#[test]
fn points_are_counted() {
    // One disc per MD value; each with its error bar, as each KMC square.
    let svg = of_name("residual-strain").plot.to_svg();
    assert_eq!(count(&svg, "<circle class=\"point\""), 2);
    assert_eq!(count(&svg, "<polygon data-kind=\"point\""), RATES.len());
    assert_eq!(count(&svg, "class=\"error\""), 2 + RATES.len());
    // A hundred events, a quarter of them icosahedral.
    let svg = of_name("activation-volumes").plot.to_svg();
    assert_eq!(count(&svg, "<circle class=\"point\""), 25);
    assert_eq!(count(&svg, "<polygon class=\"point\""), 75);
    // MD noise is binned to at most 40 points a branch.
    let svg = of_name("stress-strain").plot.to_svg();
    assert_eq!(count(&svg, "<circle class=\"point\""), 40);
    assert_eq!(count(&svg, "<circle data-kind=\"point\""), 40);
}

#[test]
fn bars_add_up_to_the_verified_events() {
    let mut events = events();
    events[3].index = 2;
    events[4].connected = false;
    let figure = figures::barrier_histogram(
        &events,
        Completeness {
            coverage: Some(0.41),
            chao1: Some(346.0),
            window: Some(1.5),
        },
    );
    let heights = |hatched_wanted: bool| -> f64 {
        figure
            .plot
            .layers
            .iter()
            .filter_map(|layer| match &layer.shape {
                Shape::Bars { bars, hatched } if *hatched == hatched_wanted => Some(bars),
                _ => None,
            })
            .flatten()
            .map(|bar| bar.top - bar.base)
            .sum()
    };
    let once = events
        .iter()
        .filter(|event| event.is_verified() && event.hits == 1)
        .count();
    assert_eq!(heights(true), once as f64);
    assert_eq!(heights(true) + heights(false), 98.0);
    let text = letters(&figure.plot.to_svg());
    for part in [
        "E* = 1.50 ε",
        "Coverage: 0.41",
        "at least 346 events",
        "Verified events: 98",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(figure.caption.contains("2 event(s) without every verdict"));
}

#[test]
fn data_land_on_known_pixels() {
    let mut plot = Plot {
        name: "pixels".to_owned(),
        x: Axis::logarithmic("x", ""),
        y: Axis::linear("y", ""),
        ..Plot::default()
    };
    plot.x.range = Some((1.0, 100.0));
    plot.y.range = Some((-1.0, 1.0));
    let point = |x, y| DataPoint {
        x,
        y,
        error: Some(0.5),
    };
    plot.layers.push(Layer::new(
        "#0072B2",
        Shape::Points {
            points: vec![point(10.0, 0.0), point(1.0, 1.0), point(1000.0, 0.0)],
            marker: Marker::Circle,
            filled: true,
            size: 4.0,
        },
    ));
    let frame = plot.frame();
    let svg = plot.to_svg();
    // The middle of both axes, and the upper left corner; the third point lies outside.
    let middle = (
        0.5 * (frame.left + frame.right),
        0.5 * (frame.top + frame.bottom),
    );
    let position = |text: &str| {
        let parse = |name: &str| -> f64 {
            let start = text.find(name).unwrap() + name.len();
            text[start..].split('"').next().unwrap().parse().unwrap()
        };
        (parse("cx=\""), parse("cy=\""))
    };
    let circles: Vec<(f64, f64)> = svg.split("<circle").skip(1).map(position).collect();
    assert_eq!(circles.len(), 2);
    for (found, expected) in circles.iter().zip([middle, (frame.left, frame.top)]) {
        assert!(
            (found.0 - expected.0).abs() < 0.006,
            "{found:?} {expected:?}"
        );
        assert!(
            (found.1 - expected.1).abs() < 0.006,
            "{found:?} {expected:?}"
        );
    }
    // The error bar of the first spans a quarter of the axis on each side.
    let quarter = 0.25 * (frame.bottom - frame.top);
    let bar = svg.split("class=\"error\" d=\"M").nth(1).unwrap();
    let numbers: Vec<f64> = bar
        .split(['L', 'M', ' ', '"'])
        .take(4)
        .map(|number| number.parse().unwrap())
        .collect();
    assert!((numbers[1] - (middle.1 + quarter)).abs() < 0.006);
    assert!((numbers[3] - (middle.1 - quarter)).abs() < 0.006);
}

#[test]
fn no_marker_hides_its_error_bar() {
    let drawn = |error: f64| {
        let points = vec![DataPoint {
            x: 0.5,
            y: 0.0,
            error: Some(error),
        }];
        let mut plot = Plot {
            name: "bars".to_owned(),
            x: Axis::linear("x", ""),
            y: Axis::linear("y", ""),
            ..Plot::default()
        };
        plot.y.range = Some((-1.0, 1.0));
        plot.layers.push(Layer::new(
            "#0072B2",
            Shape::Points {
                points,
                marker: Marker::Circle,
                filled: true,
                size: 4.0,
            },
        ));
        let frame = plot.frame();
        let svg = plot.to_svg();
        let pixels = error * 0.5 * (frame.bottom - frame.top);
        let upon = svg.find("class=\"error\"") > svg.find("<circle");
        (pixels, upon, svg.contains("fill-opacity=\"0.35\""))
    };
    // Longer than the marker: behind it, as it was drawn.
    let (pixels, upon, pale) = drawn(0.2);
    assert!(pixels > 20.0 && !upon && !pale);
    // Within it: upon it, and the marker pale.
    let (pixels, upon, pale) = drawn(0.015);
    assert!(pixels > 1.0 && pixels < 4.0 && upon && pale);
    // Too short to be seen anyhow.
    let (pixels, upon, pale) = drawn(0.001);
    assert!(pixels < 0.5 && !upon && !pale);
}

#[test]
fn nothing_to_show_is_said_and_nothing_panics() {
    let empty = stress_strain_svg(&[]);
    assert!(letters(&empty).contains("no data: no loading was run"));
    assert!(!empty.contains("class=\"axes\""));
    assert!(letters(&barrier_histogram_svg(&[], Completeness::default())).contains("no data"));
    let odd_values = [
        vec![],
        vec![f64::NAN; 3],
        vec![f64::INFINITY, f64::NEG_INFINITY],
        vec![0.0],
        vec![2.5; 50],
        vec![-1.0, 1e300, -1e300, f64::MAX, -f64::MAX],
        vec![f64::MIN_POSITIVE, 1e-320, 1.0],
    ];
    for x in &odd_values {
        for y in &odd_values {
            let curve = Curve {
                x: x.clone(),
                y: y.clone(),
                y_error: Some(y.clone()),
            };
            let measured = y.first().map(|value| Measured {
                value: *value,
                error: x.first().copied(),
                independent: 4,
            });
            let loading = LoadingFindings {
                loading: curve.clone(),
                unloading: curve.clone(),
                recovery: curve.clone(),
                residual_strain: measured,
                ..LoadingFindings::default()
            };
            let mut findings = Findings {
                rates: vec![RateFindings {
                    rate_per_second: x.first().copied().unwrap_or(0.0),
                    md: Some(loading.clone()),
                    kmc: Some(loading),
                }],
                zero_load_md: Some(curve.clone()),
                zero_load_kmc: Some(curve.clone()),
                ..Findings::default()
            };
            findings.glass.cooling = Some(curve.clone());
            findings.glass.cooling_lines = vec![curve];
            findings.glass.fictive_temperature = measured;
            let events: Vec<_> = x
                .iter()
                .zip(y)
                .map(|(barrier, volume)| event(1, *barrier, Some(*volume), 0))
                .collect();
            for figure in figures::all(&findings, Some(&events)) {
                let svg = figure.plot.to_svg();
                assert!(svg.ends_with("</svg>\n"));
                for word in ["NaN", "inf\"", "inf ", "inf,"] {
                    let line = svg.lines().find(|line| line.contains(word));
                    assert_eq!(
                        line,
                        None,
                        "{} {:?}",
                        figure.plot.name,
                        figure.plot.ranges()
                    );
                }
            }
        }
    }
}

#[test]
fn a_logarithmic_axis_drops_what_is_not_positive() {
    let curve = Curve {
        x: vec![0.0, 1e-12, 1e-9],
        y: vec![0.0, 1.0, 2.0],
        y_error: None,
    };
    let figure = figures::zero_load_energy(Some(&curve), None);
    assert_eq!(figure.plot.x.kind, ScaleKind::Logarithmic);
    assert_eq!(count(&figure.plot.to_svg(), "<circle class=\"point\""), 2);
    assert!(figure.caption.contains("No KMC at zero load"));
}
