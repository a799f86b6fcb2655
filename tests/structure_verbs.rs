//! `energy`, `minimize`, `settle` and `analyze` from the command line: numbers, files, exit codes.
#![cfg(test)]

#[path = "support/table.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use metabasin_files::read_configuration;
use metabasin_testkit::data;
use serde_json::Value;
use tempfile::TempDir;

use table::rows;

fn metabasin(arguments: &[&str]) -> Output {
    Command::cargo_bin("metabasin")
        .unwrap()
        .args(arguments)
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = metabasin(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs, expects exit code 2, returns the message.
fn refused(arguments: &[&str]) -> String {
    let output = metabasin(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty());
    stderr
}

fn sample(name: &str) -> String {
    data(name).display().to_string()
}

fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn energy_agrees_with_lammps_in_every_cut() {
    // pe_total and pressure of the reference files: LAMMPS, 22 Jul 2025.
    for (cut, energy) in [
        ("smooth", -3502.931731710607),
        ("shifted", -3553.31962324768),
        ("truncated", -3761.300157612475),
    ] {
        let found = json(&[
            "energy",
            &sample("wahn500_IS.data.gz"),
            "--cut",
            cut,
            "--json",
        ]);
        assert_eq!(found["atoms"], 500);
        assert_eq!(found["cut"], cut);
        assert!(
            (found["energy"].as_f64().unwrap() - energy).abs() < 1e-12 * 500.0 * 10.0,
            "{cut}"
        );
        assert_eq!(found["virial_stress"].as_array().unwrap().len(), 6);
        // No velocities: the stress is the virial stress, and pressure is -trace/3.
        assert_eq!(found["stress"], found["virial_stress"]);
        let trace: f64 = (0..3).map(|k| found["stress"][k].as_f64().unwrap()).sum();
        assert!((found["pressure"].as_f64().unwrap() + trace / 3.0).abs() < 1e-12);
        let volume = found["volume"].as_f64().unwrap();
        assert!((found["density"].as_f64().unwrap() * volume - 500.0).abs() < 1e-9);
    }
}

#[test]
fn the_kinetic_part_of_the_stress_is_the_kinetic_temperature() {
    let found = json(&["energy", &sample("wahn500_T0.28.data.gz"), "--json"]);
    let sum = |key: &str| -> f64 { (0..3).map(|k| found[key][k].as_f64().unwrap()).sum() };
    let kinetic = sum("virial_stress") - sum("stress");
    let volume = found["volume"].as_f64().unwrap();
    let temperature = found["temperature"].as_f64().unwrap();
    assert!((kinetic * volume - (3.0 * 500.0 - 3.0) * temperature).abs() < 1e-6);
    assert!((0.2..0.4).contains(&temperature));
}

#[test]
fn per_atom_values_add_up_and_are_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("atoms.csv").display().to_string();
    let file = sample("wahn500_IS.data.gz");
    let arguments = ["energy", &file, "--json", "--per-atom", &table];
    let found = json(&arguments);
    let text = std::fs::read_to_string(&table).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(
        lines.next().unwrap(),
        "id,species,energy,fx,fy,fz,sxx,syy,szz,sxy,sxz,syz"
    );
    let rows: Vec<Vec<f64>> = lines
        .map(|line| line.split(',').map(|x| x.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 500);
    let sum: f64 = rows.iter().map(|row| row[2]).sum();
    assert!((sum - found["energy"].as_f64().unwrap()).abs() < 1e-9);
    let mean_xy: f64 = rows.iter().map(|row| row[9]).sum::<f64>() / 500.0;
    assert!((mean_xy - found["virial_stress"][3].as_f64().unwrap()).abs() < 1e-12);
    assert!(refused(&arguments).contains("--force"));
    assert_eq!(std::fs::read_to_string(&table).unwrap(), text);
    let mut forced = arguments.to_vec();
    forced.push("--force");
    json(&forced);
}

#[test]
fn every_minimizer_writes_an_inherent_structure_that_energy_confirms() {
    let folder = TempDir::new().unwrap();
    for method in ["conjugate_gradient", "lbfgs", "fire", "truncated_newton"] {
        let out = folder
            .path()
            .join(format!("{method}.extxyz"))
            .display()
            .to_string();
        let found = json(&[
            "minimize",
            &sample("wahn500_IS.data.gz"),
            "-o",
            &out,
            "--method",
            method,
            "--force-tolerance",
            "1e-7",
            "--json",
        ]);
        assert_eq!(found["converged"], true);
        assert!(found["max_force"].as_f64().unwrap() < 1e-7);
        let again = json(&["energy", &out, "--json"]);
        let (before, after) = (
            found["energy"].as_f64().unwrap(),
            again["energy"].as_f64().unwrap(),
        );
        assert!((before - after).abs() < 1e-8, "{method}");
        assert!(again["max_force"].as_f64().unwrap() < 1e-6, "{method}");
    }
}

#[test]
fn analyze_finds_the_icosahedra_of_the_reference() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("cells.csv").display().to_string();
    let file = sample("wahn500_IS.data.gz");
    let found = json(&["analyze", &file, "--json", "--per-atom", &table]);
    let classes = &found["classes"];
    let fraction = |class: &str| classes[class]["fraction"].as_f64().unwrap();
    assert!((fraction("icosahedral") + fraction("other") - 1.0).abs() < 1e-12);
    // The class means, weighted, are the global values.
    let energy = json(&["energy", &file, "--json"]);
    let xy = |class: &str| classes[class]["stress"][3].as_f64().unwrap();
    let weighted = fraction("icosahedral") * xy("icosahedral") + fraction("other") * xy("other");
    assert!((weighted - energy["virial_stress"][3].as_f64().unwrap()).abs() < 1e-12);
    let volume = energy["volume"].as_f64().unwrap();
    assert!((found["volume_sum"].as_f64().unwrap() / volume - 1.0).abs() < 1e-12);
    let count = found["icosahedral"]["count"].as_u64().unwrap();
    assert_eq!(
        found["voronoi_index_histogram"]["0,0,12,0"]
            .as_u64()
            .unwrap(),
        count
    );
    let rows = rows(&table);
    let marked = rows.iter().filter(|row| row["class"] == "icosahedral");
    assert_eq!(marked.count() as u64, count);
    // Orders of this glass before and after the modified radical Voronoi step, from the faces of
    // voro++.
    assert_eq!(
        found["bond_order_standard"],
        serde_json::json!({"3": 7, "4": 416, "5": 2027, "6": 902, "7": 102, "8": 12})
    );
    assert_eq!(
        found["bond_order"],
        serde_json::json!({"4": 439, "5": 2139, "6": 827, "7": 17})
    );
    assert_eq!(
        found["su2"],
        serde_json::json!({"icosahedral": 72, "frank_kasper": 25, "nelson": 347, "other": 56})
    );
    let in_class = |class: &str| rows.iter().filter(|row| row["su2"] == class).count() as u64;
    for (class, atoms) in found["su2"].as_object().unwrap() {
        assert_eq!(in_class(class), atoms.as_u64().unwrap(), "{class}");
    }
    assert!(!rows[0].contains_key("d2min"));
    assert!(found["displacement"].is_null());
}

#[test]
fn displacements_from_a_sheared_copy_are_affine_only() {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("same.data").display().to_string();
    let file = sample("wahn500_IS.data.gz");
    json(&[
        "minimize",
        &file,
        "-o",
        &copy,
        "--force-tolerance",
        "1e-5",
        "--json",
    ]);
    let found = json(&["analyze", &copy, "--reference", &file, "--json"]);
    assert!(found["displacement"]["mean_square"].as_f64().unwrap() < 1e-2);
    assert_eq!(found["displacement"]["movers"], 0);
    assert!(refused(&["analyze", &copy, "--radii", "0.5,-1"]).contains("-1"));
    assert!(refused(&["analyze", &copy, "--radii", "0.5"]).contains("two radii"));
    // Radical planes move with r_1^2 - r_2^2: equal radii, however large, are plain Voronoi.
    let equal = json(&["analyze", &copy, "--radii", "0.5,0.5", "--json"]);
    let larger = json(&["analyze", &copy, "--radii", "0.7,0.7", "--json"]);
    assert_eq!(
        equal["voronoi_index_histogram"],
        larger["voronoi_index_histogram"]
    );
    assert_ne!(
        equal["voronoi_index_histogram"],
        found["voronoi_index_histogram"]
    );
}

#[test]
fn a_large_strain_is_told_from_displacements() {
    // Made by shearing the reference by 1.0 and moving single atoms.
    let found = json(&[
        "analyze",
        &sample("strain_1.0.data"),
        "--reference",
        &sample("strain_reference.data"),
        "--json",
    ]);
    let displacement = &found["displacement"];
    let number = |key: &str| displacement[key].as_f64().unwrap();
    assert!((number("mean_square") - 0.009533).abs() < 5e-7);
    assert!((number("largest") - 0.6).abs() < 5e-5);
    assert_eq!(displacement["largest_id"], 11);
    assert!((displacement["strain"][3].as_f64().unwrap() - 1.0).abs() < 1e-9);
    assert!(displacement["second_best"].is_null());
}

#[test]
fn a_perfect_crystal_has_its_voronoi_index() {
    let found = json(&["analyze", &sample("fcc.data"), "--json"]);
    let histogram = &found["voronoi_index_histogram"];
    assert_eq!(*histogram, serde_json::json!({"0,12,0,0": 256}));
    assert_eq!(found["coordination_mean"], 12.0);
    assert_eq!(found["bond_order"], serde_json::json!({"4": 1536}));
    assert_eq!(found["su2"]["other"], 256);
    let threshold = found["edge_threshold"].as_f64().unwrap();
    let spacing = (6.2_f64.powi(3) / 256.0).cbrt();
    assert!((threshold / (1e-7 * spacing) - 1.0).abs() < 1e-12);
    // With edges of no length the index is arbitrary, and that was asked for.
    let all = json(&[
        "analyze",
        &sample("fcc.data"),
        "--edge-threshold",
        "0",
        "--json",
    ]);
    assert_eq!(all["edge_threshold"], 0.0);
    assert_ne!(all["voronoi_index_histogram"], *histogram);
    let negative = ["analyze", &sample("fcc.data"), "--edge-threshold=-1"];
    assert!(refused(&negative).contains("edge threshold"));
}

const HEADER: &str = "LAMMPS data\n\n2 atoms\n2 atom types\n\n0 6 xlo xhi\n0 6 ylo yhi\n0 6 zlo zhi\n\nMasses\n\n1 1\n2 0.5\n\nAtoms # atomic\n\n";

#[test]
fn broken_structure_files_are_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let cases = [
        ("missing", None, "cannot read"),
        ("empty", Some(String::new()), "empty"),
        ("count", Some(format!("{HEADER}1 1 1 1 1\n")), "2"),
        (
            "nan",
            Some(format!("{HEADER}1 1 1 1 1\n2 2 nan 3 3\n")),
            "nan",
        ),
        (
            "volume",
            Some(format!("{HEADER}1 1 1 1 1\n2 2 3 3 3\n").replace("0 6 ylo", "6 6 ylo")),
            "ly",
        ),
        (
            "overlap",
            Some(format!("{HEADER}1 1 1 1 1\n2 2 1 1 1.001\n")),
            "id 1 and id 2",
        ),
        (
            "species",
            Some(format!("{HEADER}1 1 1 1 1\n2 7 3 3 3\n")),
            "7",
        ),
        (
            "cutoff",
            Some(format!("{HEADER}1 1 1 1 1\n2 2 3 3 3\n").replace("0 6 zlo", "0 4 zlo")),
            "cutoff",
        ),
        (
            "prose",
            Some("Dear diary, today I made a glass.\n".to_owned()),
            "Dear diary",
        ),
    ];
    for (name, text, expected) in cases {
        let path = match text {
            Some(text) => write(&folder, name, &text),
            None => folder.path().join(name).display().to_string(),
        };
        for verb in ["energy", "analyze"] {
            let message = refused(&[verb, &path, "--json"]);
            assert!(message.contains(&path), "{name}: {message}");
            assert!(message.contains(expected), "{name}: {message}");
        }
    }
}

#[test]
fn an_unwritable_output_is_refused_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "file", "in the way");
    let below = Path::new(&file).join("out.extxyz").display().to_string();
    let message = refused(&["minimize", &sample("wahn500_IS.data.gz"), "-o", &below]);
    assert!(message.contains("out.extxyz"), "{message}");
    let nameless = folder.path().join("out").display().to_string();
    let message = refused(&["minimize", &sample("wahn500_IS.data.gz"), "-o", &nameless]);
    assert!(message.contains(".extxyz"), "{message}");
    let left: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [PathBuf::from(file)]);
}

/// Atoms far outside: `--wrapped` puts them inside, without it they keep their bits.
#[test]
fn a_minimum_is_written_wrapped_only_if_asked() {
    let folder = TempDir::new().unwrap();
    let minimized = |name: &str, options: &[&str]| {
        let path = folder.path().join(name);
        let input = sample("wahn500_IS.data.gz");
        let output = path.display().to_string();
        let arguments = [&["minimize", &input, "-o", &output, "--json"], options].concat();
        json(&arguments);
        (read_configuration(&path).unwrap(), output)
    };
    let (plain, _) = minimized("plain.extxyz", &["--kernel", "portable"]);
    let [a, b, c, ..] = plain.cell.components();
    let outside = |x: &[f64; 3]| x.iter().zip([a, b, c]).any(|(x, l)| *x < 0.0 || *x >= l);
    assert!(plain.positions.iter().any(|x| outside(&(*x).into())));
    for name in ["wrapped.extxyz", "wrapped.data", "wrapped.dump"] {
        let (wrapped, path) = minimized(name, &["--kernel", "portable", "--wrapped"]);
        for (found, expected) in wrapped.positions.iter().zip(&plain.positions) {
            assert!((found - expected).amax() < 1e-12, "{name}");
        }
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            ["image:I:3", "ix iy iz", "Atoms # atomic"]
                .iter()
                .any(|part| text.contains(part)),
            "{name}"
        );
    }
    let (again, _) = minimized("again.data", &["--kernel", "portable"]);
    assert_eq!(again.fingerprint(), plain.fingerprint());
}

#[test]
fn wrong_words_on_the_command_line_exit_with_two() {
    let message = refused(&["energy", "x.data", "--cut", "sharp"]);
    assert!(message.contains("sharp"), "{message}");
    refused(&["levitate"]);
    refused(&["energy"]);
    for verb in [
        "demo",
        "init",
        "run",
        "check",
        "energy",
        "minimize",
        "analyze",
        "search",
        "barriers",
        "activation",
        "kmc",
        "compare",
        "report",
        "export",
        "bench",
    ] {
        let output = metabasin(&[verb, "--help"]);
        let help = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{verb}");
        assert!(
            help.contains("Example"),
            "{verb} has no example in its help"
        );
    }
}

#[test]
fn settling_never_climbs_and_refuses_what_makes_no_sense() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("settled.extxyz").display().to_string();
    let input = sample("wahn300_T0.28.extxyz.gz");
    let arguments = ["settle", &input, "-o", &out, "--searches", "3", "--json"];
    let found = json(&arguments);
    let number = |found: &Value, key: &str| found[key].as_f64().unwrap();
    let descents: f64 = found["moves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| number(step, "descent"))
        .sum();
    let descent = number(&found, "energy") - number(&found, "energy_before");
    assert!(descent <= 1e-6 && (descent - descents).abs() < 1e-5);
    assert!(number(&found, "force_evaluations") > 0.0);
    let again = json(&["energy", &out, "--json"]);
    assert!((number(&again, "energy") - number(&found, "energy")).abs() < 1e-7);
    assert!(number(&again, "max_force") < 1e-7);
    assert!(refused(&arguments).contains("--force"));
    let new = folder.path().join("new.extxyz").display().to_string();
    let with = |more: [&str; 2]| refused(&["settle", &input, "-o", &new, more[0], more[1]]);
    assert!(with(["--barrier", "0"]).contains("'0' for '--barrier <ENERGY>'"));
    assert!(with(["--searches", "0"]).contains("'0' for '--searches <N>'"));
}
