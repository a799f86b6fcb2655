//! `analyze` from the command line: local stress, free volume, disclination lines, pictures and the page.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;
#[path = "support/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::path::Path;

use metabasin_files::{Overwrite, read_configuration, write_lammps_data};
use metabasin_testkit::data;
use serde_json::Value;
use tempfile::TempDir;

use program::{json, refused};
use table::rows;

fn sample(name: &str) -> String {
    data(name).display().to_string()
}

fn at(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn parts_of_the_stress_are_the_global_stress() {
    let file = sample("wahn500_IS.data.gz");
    let found = json(&["analyze", &file, "--shear-modulus", "16"]);
    let global = number(&json(&["energy", &file])["virial_stress"][3]);
    let stresses = &found["local_stress"];
    assert_eq!(stresses["component"], "xy");
    let group = |name: &str| &stresses["groups"][name];
    assert!((number(&group("all")["mean"]) - global).abs() < 1e-12);
    let last = stresses["limits"].as_array().unwrap().len() - 1;
    for parts in [["icosahedral", "other"], ["large", "small"]] {
        let weighted = |value: &dyn Fn(&Value) -> f64| parts.map(|part| value(group(part)));
        let fractions: f64 = weighted(&|g| number(&g["fraction"])).iter().sum();
        assert!((fractions - 1.0).abs() < 1e-12);
        let means = weighted(&|g| number(&g["fraction"]) * number(&g["mean"]));
        assert!((means.iter().sum::<f64>() - global).abs() < 1e-12);
        for limit in 0..=last {
            let within: f64 = weighted(&|g| number(&g["within"][limit])).iter().sum();
            assert!((within - number(&group("all")["within"][limit])).abs() < 1e-12);
        }
        for part in parts {
            let whole = number(&group(part)["fraction"]) * number(&group(part)["mean"]);
            assert!((number(&group(part)["within"][last]) - whole).abs() < 1e-12);
            let counts = group(part)["histogram"]["counts"].as_array().unwrap();
            let atoms: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
            assert_eq!(atoms, group(part)["atoms"].as_u64().unwrap());
        }
    }
    let fit = &group("all")["most_probable"];
    let scaled = &group("all")["most_probable_over_modulus"];
    for key in ["center", "center_error", "width", "width_error"] {
        assert!(
            (number(&scaled[key]) * 16.0 - number(&fit[key])).abs() < 1e-12,
            "{key}"
        );
    }
    // The tails make the standard deviation the larger.
    assert!(number(&fit["width"]) < number(&group("all")["standard_deviation"]));
    let plain = json(&["analyze", &file]);
    assert!(plain["local_stress"]["shear_modulus"].is_null());
    assert!(refused(&["analyze", &file, "--shear-modulus", "soft"]).contains("or `relaxed`"));
}

#[test]
fn the_relaxed_modulus_is_the_slope_of_the_stress_of_strained_minima() {
    let folder = TempDir::new().unwrap();
    let minimize = |from: &str, name: &str| {
        let to = at(&folder, name);
        let arguments = ["minimize", from, "-o", &to, "--force-tolerance", "1e-9"];
        let stress: [f64; 6] = serde_json::from_value(json(&arguments)["stress"].clone()).unwrap();
        (to, stress)
    };
    let (minimum, stress) = minimize(&sample("wahn500_IS.data.gz"), "minimum.extxyz");
    let configuration = read_configuration(Path::new(&minimum)).unwrap();
    let strain = 1e-5;
    let [low, high] = [-strain, strain].map(|gamma| {
        let strained = at(&folder, &format!("{gamma}.data"));
        let sheared = configuration.sheared(gamma);
        write_lammps_data(Path::new(&strained), &sheared, Overwrite::Refuse).unwrap();
        minimize(&strained, &format!("{gamma}.extxyz")).1[3]
    });
    let slope = (high - low) / (2.0 * strain);
    let found = json(&["analyze", &minimum, "--shear-modulus", "relaxed"]);
    let modulus = number(&found["local_stress"]["shear_modulus"]);
    // Simple shear is half a turn: the stress that is there turns with it by γ/2.
    let turned = 0.5 * (stress[1] - stress[0]);
    assert!(turned > 0.1);
    assert!(
        ((modulus + turned) / slope - 1.0).abs() < 1e-4,
        "{modulus} and {slope}"
    );
    let hot = sample("wahn500_T0.28.data.gz");
    let message = refused(&["analyze", &hot, "--shear-modulus", "relaxed"]);
    assert!(message.contains("metabasin minimize"), "{message}");
}

#[test]
fn local_moduli_average_to_those_of_the_sample() {
    let folder = TempDir::new().unwrap();
    let minimum = at(&folder, "minimum.extxyz");
    let glass = sample("wahn500_IS.data.gz");
    json(&[
        "minimize",
        &glass,
        "-o",
        &minimum,
        "--force-tolerance",
        "1e-9",
    ]);
    let analyzed = |width: &str, name: &str| {
        let table = at(&folder, name);
        let moduli = format!("--moduli={width}");
        let found = json(&["analyze", &minimum, &moduli, "--per-atom", &table]);
        let mean = |column: &str| {
            let values = rows(&table)
                .into_iter()
                .map(|row| row[column].parse::<f64>().unwrap());
            values.sum::<f64>() / 500.0
        };
        let means = ["shear_born", "shear_nonaffine", "kelvin_lowest"].map(mean);
        (found["moduli"].clone(), means)
    };
    let (narrow, of_narrow) = analyzed("0.5", "narrow.csv");
    let (wide, of_wide) = analyzed("2", "wide.csv");
    for (found, means) in [(&narrow, of_narrow), (&wide, of_wide)] {
        for (key, mean) in ["shear_born", "shear_nonaffine", "kelvin_lowest"]
            .into_iter()
            .zip(means)
        {
            assert!((number(&found[key]["all"]) - mean).abs() < 1e-9, "{key}");
        }
    }
    // Spreading keeps means, and takes extremes away.
    for k in 0..2 {
        assert!((of_narrow[k] - of_wide[k]).abs() < 1e-9 * of_wide[k].abs());
    }
    assert!(of_narrow[2] < of_wide[2]);
    // The Voigt mean of the relaxed sample holds the three planes; xy is one of them.
    let relaxed = json(&["analyze", &minimum, "--shear-modulus", "relaxed"]);
    let xy = number(&relaxed["local_stress"]["shear_modulus"]);
    let mean = of_wide[0] - of_wide[1];
    assert!((mean / xy - 1.0).abs() < 0.2, "{mean} and {xy}");
    assert!(relaxed["moduli"].is_null());
    let hot = sample("wahn500_T0.28.data.gz");
    assert!(refused(&["analyze", &hot, "--moduli"]).contains("metabasin minimize"));
    assert!(refused(&["analyze", &minimum, "--moduli=50"]).contains("--moduli"));
}

/// The table of `energy --per-atom`, von Mises stress by id.
fn von_mises(folder: &TempDir, file: &str) -> BTreeMap<String, f64> {
    let table = at(folder, "energy.csv");
    json(&["energy", file, "--per-atom", &table, "--force"]);
    let rows = rows(&table);
    let of_row = |row: &BTreeMap<String, String>| {
        let s = ["sxx", "syy", "szz", "sxy", "sxz", "syz"]
            .map(|name| row[name].parse::<f64>().unwrap());
        let normal = (s[0] - s[1]).powi(2) + (s[1] - s[2]).powi(2) + (s[2] - s[0]).powi(2);
        let shear = s[3] * s[3] + s[4] * s[4] + s[5] * s[5];
        (row["id"].clone(), (0.5 * normal + 3.0 * shear).sqrt())
    };
    rows.iter().map(of_row).collect()
}

#[test]
fn columns_of_stress_and_free_volume_are_what_they_say() {
    let folder = TempDir::new().unwrap();
    let now = sample("wahn500_T0.28.data.gz");
    // The reference in the opposite order, its atoms moved.
    let mut earlier = read_configuration(Path::new(&now)).unwrap();
    for (k, position) in earlier.positions.iter_mut().enumerate() {
        position.x += 0.03 * (k as f64).sin();
    }
    earlier.velocities = None;
    earlier.positions.reverse();
    earlier.ids.reverse();
    earlier.species.reverse();
    let reference = at(&folder, "earlier.data");
    write_lammps_data(Path::new(&reference), &earlier, Overwrite::Refuse).unwrap();
    let (after, before) = (von_mises(&folder, &now), von_mises(&folder, &reference));
    let table = at(&folder, "atoms.csv");
    let arguments = [
        "analyze",
        &now,
        "--reference",
        &reference,
        "--per-atom",
        &table,
    ];
    let found = json(&arguments);
    let (mut largest, mut sums) = (0.0_f64, [0.0; 2]);
    for row in rows(&table) {
        let value = |name: &str| row[name].parse::<f64>().unwrap();
        let change = after[&row["id"]] - before[&row["id"]];
        assert!(
            (value("von_mises_change") - change).abs() < 1e-9,
            "{}",
            row["id"]
        );
        largest = largest.max(change.abs());
        let radius = if row["species"] == "1" {
            0.5
        } else {
            5.0 / 12.0
        };
        let free = value("volume") - 4.0 / 3.0 * PI * f64::powi(radius, 3);
        assert!((value("free_volume") - free).abs() < 1e-12);
        assert!((value("von_mises") - after[&row["id"]]).abs() < 1e-9);
        sums[usize::from(row["species"] == "2")] += free;
    }
    assert!(largest > 1.0);
    let mean = &found["free_volume"];
    assert!((number(&mean["all"]) - (sums[0] + sums[1]) / 500.0).abs() < 1e-12);
    assert!((number(&mean["large"]) - sums[0] / 250.0).abs() < 1e-12);
    assert!((number(&mean["small"]) - sums[1] / 250.0).abs() < 1e-12);
}

#[test]
fn extended_xyz_holds_the_columns_of_the_table() {
    let folder = TempDir::new().unwrap();
    let now = sample("wahn500_IS.data.gz");
    let reference = sample("wahn500_T0.28.data.gz");
    let (table, frame) = (at(&folder, "atoms.csv"), at(&folder, "atoms.extxyz"));
    for file in [&table, &frame] {
        json(&[
            "analyze",
            &now,
            "--reference",
            &reference,
            "--per-atom",
            file,
        ]);
    }
    let text = std::fs::read_to_string(&frame).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("500"));
    let comment = lines.next().unwrap();
    let properties = comment
        .split("Properties=")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    let words: Vec<&str> = properties.split(':').collect();
    let mut places = BTreeMap::new();
    let mut width = 0;
    for column in words.chunks(3) {
        places.insert(column[0], width);
        width += column[2].parse::<usize>().unwrap();
    }
    for (row, line) in rows(&table).iter().zip(lines) {
        let fields: Vec<&str> = line.split(' ').collect();
        assert_eq!(fields.len(), width);
        for (name, value) in row {
            let name = match name.as_str() {
                // Programs take a column of this name for a calculator's result.
                "energy" => "atom_energy",
                // Types are names of elements.
                "species" => continue,
                name => name,
            };
            let written = fields[places[name]];
            match (value.parse::<f64>(), written.parse::<f64>()) {
                (Ok(value), Ok(written)) => assert_eq!(value, written, "{name}"),
                _ => assert_eq!(value, written, "{name}"),
            }
        }
    }
}

#[test]
fn disclination_lines_are_written_for_other_programs() {
    let folder = TempDir::new().unwrap();
    let file = sample("wahn500_IS.data.gz");
    let (bonds, lines) = (at(&folder, "lines.data"), at(&folder, "lines.json"));
    let found = json(&["analyze", &file, "--disclinations", &bonds]);
    json(&["analyze", &file, "--disclinations", &lines]);
    let orders = found["bond_order"].as_object().unwrap();
    let defects: u64 = (orders.iter())
        .filter(|(order, _)| *order != "5")
        .map(|(_, count)| count.as_u64().unwrap())
        .sum();
    let text = std::fs::read_to_string(&bonds).unwrap();
    assert!(text.contains(&format!("\n{defects} bonds\n")) && text.contains("\n3 bond types\n"));
    let listed: Vec<Vec<u64>> = text[text.find("\nBonds\n").unwrap() + 7..]
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split(' ').map(|word| word.parse().unwrap()).collect())
        .collect();
    assert_eq!(listed.len() as u64, defects);
    for (kind, order) in [(1, "4"), (2, "6")] {
        let of_kind = listed.iter().filter(|bond| bond[1] == kind).count() as u64;
        assert_eq!(of_kind, orders[order].as_u64().unwrap());
    }
    assert!(
        listed
            .iter()
            .all(|bond| (1..=500).contains(&bond[2]) && (1..=500).contains(&bond[3]))
    );
    let polylines: Value = serde_json::from_str(&std::fs::read_to_string(&lines).unwrap()).unwrap();
    let all = polylines["lines"].as_array().unwrap();
    let counts = &found["disclinations"];
    assert_eq!(all.len() as u64, counts["lines"].as_u64().unwrap());
    assert_eq!(
        polylines["nodes"].as_array().unwrap().len() as u64,
        counts["nodes"].as_u64().unwrap()
    );
    let mut lengths: BTreeMap<String, f64> = BTreeMap::new();
    for line in all {
        let points: Vec<[f64; 3]> = serde_json::from_value(line["points"].clone()).unwrap();
        let length: f64 = (points.windows(2))
            .map(|pair| {
                (0..3)
                    .map(|k| (pair[1][k] - pair[0][k]).powi(2))
                    .sum::<f64>()
                    .sqrt()
            })
            .sum();
        assert!((number(&line["length"]) - length).abs() < 1e-9);
        *lengths.entry(line["order"].to_string()).or_insert(0.0) += length;
    }
    let volume = number(&found["volume_sum"]);
    for (order, length) in lengths {
        let density = number(&counts["length_density"][&order]);
        assert!((density * volume / length - 1.0).abs() < 1e-9, "{order}");
    }
    let wrong = at(&folder, "lines.obj");
    let message = refused(&["analyze", &file, "--disclinations", &wrong]);
    assert!(message.contains("end it in .data"), "{message}");
}

#[test]
fn a_page_shows_numbers_and_figures_without_a_network() {
    let folder = TempDir::new().unwrap();
    let (file, hot) = (
        sample("wahn500_IS.data.gz"),
        sample("wahn500_T0.28.data.gz"),
    );
    let page = at(&folder, "page.html");
    let arguments = [
        "analyze",
        &file,
        "--reference",
        &hot,
        "--shear-modulus",
        "16",
        "--report",
        &page,
    ];
    let found = json(&arguments);
    let html = std::fs::read_to_string(&page).unwrap();
    for name in [
        "local-stress-classes",
        "local-stress-species",
        "stress-within-limit",
        "bond-orders",
        "van-hove",
        "displacements",
    ] {
        assert!(
            html.contains(&format!("<figure id=\"figure-{name}\">")),
            "{name}"
        );
    }
    assert_eq!(html.matches("<figure").count(), 6);
    assert!(html.contains("id=\"atoms-view\""));
    assert!(html.contains("<title>wahn500_IS.data.gz</title>"));
    assert!(html.contains("compared with wahn500_T0.28.data.gz"));
    assert!(html.contains(&format!("<td>{}</td>", found["icosahedral"]["count"])));
    assert!(html.contains("--shear-modulus 16 --report"));
    let without_namespace = html.replace("http://www.w3.org/2000/svg", "");
    for text in [
        "http:",
        "https:",
        " src=",
        "@import",
        "<script src",
        "fetch(",
    ] {
        assert!(!without_namespace.contains(text), "{text}");
    }
    assert!(refused(&arguments).contains("--force"));
    let alone = at(&folder, "alone.html");
    json(&["analyze", &file, "--report", &alone]);
    let html = std::fs::read_to_string(&alone).unwrap();
    assert!(!html.contains("van-hove") && html.matches("<figure").count() == 4);
    let wrong = at(&folder, "page.pdf");
    assert!(refused(&["analyze", &file, "--report", &wrong]).contains("end the name in .html"));
}
