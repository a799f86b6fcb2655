//! What other programs read in our files and what comes back, as docs/formats.md says: with the Python
//! that `METABASIN_PYTHON` names, which must have all of them, or with `python3` and those it has.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use metabasin_atoms::{Cell, Configuration};
use metabasin_files::{
    Frame, Overwrite, Placement, read_configuration, write_extxyz, write_lammps_data,
    write_lammps_dump,
};
use metabasin_testkit::data;
use nalgebra::Vector3;
use program::{json, text};
use serde_json::{Value, json as object};
use tempfile::TempDir;

const ENERGY: f64 = -7.25;
/// Within which neighbors are counted `[length]`.
const RANGE: f64 = 2.0;

/// What is lost in the decimals that others write: lammpsio's box has six.
const DECIMALS: f64 = 1e-5;

/// A tilted cell, atoms far outside, velocities.
fn sample() -> Configuration {
    let mut sample = read_configuration(&data("wahn500_T0.28.data.gz")).unwrap();
    let [lx, ly, lz, ..] = sample.cell.components();
    let cell = Cell::new([lx, ly, lz, 0.31, -0.17, 0.23]).unwrap();
    for position in &mut sample.positions {
        let fraction = sample.cell.to_fractional(position);
        *position = cell.to_cartesian(&fraction);
    }
    sample.cell = cell;
    sample
}

fn rows(vectors: &[Vector3<f64>]) -> Vec<[f64; 3]> {
    vectors.iter().map(|vector| (*vector).into()).collect()
}

/// Ordered pairs within [`RANGE`], images apart.
fn neighbors(sample: &Configuration) -> usize {
    let cell = sample.cell.matrix();
    let mut pairs = 0;
    for a in &sample.positions {
        for b in &sample.positions {
            let nearest = sample.cell.minimum_image(&(a - b));
            for i in -1..=1 {
                for j in -1..=1 {
                    for k in -1..=1 {
                        let shift = Vector3::new(f64::from(i), f64::from(j), f64::from(k));
                        let distance = (nearest + cell * shift).norm();
                        pairs += usize::from(distance > 0.0 && distance < RANGE);
                    }
                }
            }
        }
    }
    pairs
}

/// Writes the sample in our formats, and what is in it as JSON, in the order of the ids.
fn write_all(folder: &Path, sample: &Configuration) {
    let forces: Vec<Vector3<f64>> = sample.positions.iter().map(|x| x.map(f64::sin)).collect();
    let frame = Frame::new(sample)
        .with_forces(&forces)
        .with_key("energy", ENERGY);
    for (name, placement) in [
        ("sample", Placement::Unwrapped),
        ("wrapped", Placement::Wrapped),
    ] {
        let frame = frame.clone().placed(placement);
        let path = |kind: &str| folder.join(format!("{name}.{kind}"));
        let new = Overwrite::Refuse;
        write_extxyz(&path("extxyz"), std::slice::from_ref(&frame), new).unwrap();
        write_lammps_data(&path("data"), frame.clone(), new).unwrap();
        write_lammps_dump(&path("dump"), &[(0, frame)], new).unwrap();
    }
    let twice = [frame.clone(), frame.clone()];
    write_extxyz(&folder.join("frames.extxyz"), &twice, Overwrite::Refuse).unwrap();
    let twice = [(0, frame.clone()), (1, frame)];
    write_lammps_dump(&folder.join("frames.dump"), &twice, Overwrite::Refuse).unwrap();

    let mut order: Vec<usize> = (0..sample.len()).collect();
    order.sort_by_key(|i| sample.ids[*i]);
    let sorted = |vectors: &[Vector3<f64>]| -> Vec<[f64; 3]> {
        let rows = rows(vectors);
        order.iter().map(|i| rows[*i]).collect()
    };
    let (wrapped, shifts): (Vec<_>, Vec<_>) = sample
        .positions
        .iter()
        .map(|position| sample.cell.wrap(position))
        .unzip();
    let species: Vec<u8> = order.iter().map(|i| sample.species[*i].number()).collect();
    let icosahedra = json(&["analyze", text(&folder.join("sample.extxyz"))]);
    let truth = object!({
        "file_order": sample.ids,
        "ids": order.iter().map(|i| sample.ids[*i]).collect::<Vec<_>>(),
        "positions": sorted(&sample.positions),
        "wrapped": sorted(&wrapped),
        "shifts": order.iter().map(|i| shifts[*i]).collect::<Vec<_>>(),
        "cell": rows(&[0, 1, 2].map(|k| sample.cell.matrix().column(k).into_owned())),
        "species": species,
        "masses": order.iter().map(|i| sample.mass(*i)).collect::<Vec<_>>(),
        "radii": species.iter().map(|n| [0.5, 5.0 / 12.0][usize::from(*n) - 1]).collect::<Vec<_>>(),
        "velocities": sorted(sample.velocities.as_ref().unwrap()),
        "forces": sorted(&forces),
        "energy": ENERGY,
        "range": RANGE,
        "neighbors": neighbors(sample),
        "icosahedra": icosahedra["icosahedral"]["count"],
    });
    std::fs::write(folder.join("truth.json"), truth.to_string()).unwrap();
}

/// Rows of the table under a heading of docs/formats.md, by their first cell.
fn documented(heading: &str) -> BTreeMap<String, Vec<String>> {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md"))
            .unwrap();
    let rows = page
        .lines()
        .skip_while(|line| *line != format!("## {heading}"))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|') && !line.starts_with("| ---"))
        .skip(1);
    rows.map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let name = cells.next().unwrap().to_owned();
        (name, cells.map(str::to_owned).collect())
    })
    .collect()
}

/// Compares what was measured with the page; `complete`: nothing of the page may be missing.
fn assert_documented(heading: &str, measured: &BTreeMap<String, Vec<String>>, complete: bool) {
    let documented = documented(heading);
    for (name, cells) in measured {
        assert_eq!(documented.get(name), Some(cells), "{heading}: {name}");
    }
    if complete {
        assert_eq!(documented.len(), measured.len(), "{heading}");
    }
}

fn words(value: &Value) -> Vec<String> {
    let words = value.as_array().unwrap().iter();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

/// What comes back in a file that another program wrote from ours, quantity by quantity.
fn returned(path: &Path, sample: &Configuration) -> Vec<String> {
    let Ok(found) = read_configuration(path) else {
        return vec!["refused".to_owned(); 6];
    };
    let close = |a: &Vector3<f64>, b: &Vector3<f64>| (a - b).amax() < DECIMALS;
    let same_ids = {
        let (mut a, mut b) = (found.ids.clone(), sample.ids.clone());
        a.sort_unstable();
        b.sort_unstable();
        // Ids of other atoms are none: programs number atoms anew in the order of the file.
        let first = found.ids.iter().position(|id| *id == sample.ids[0]);
        a == b && first.is_some_and(|k| close_to_image(&found, k, sample, 0))
    };
    // Where ids are lost the order of the file is kept.
    let partner = |i: usize| {
        let place = || found.ids.iter().position(|id| *id == sample.ids[i]);
        if same_ids { place().unwrap() } else { i }
    };
    let all = |same: &dyn Fn(usize, usize) -> bool| {
        found.len() == sample.len() && (0..sample.len()).all(|i| same(i, partner(i)))
    };
    let positions = if all(&|i, j| close(&sample.positions[i], &found.positions[j])) {
        "yes"
    } else if all(&|i, j| close_to_image(&found, j, sample, i)) {
        "wrapped"
    } else {
        "wrong"
    };
    let says = |same: bool| if same { "yes" } else { "wrong" };
    let components = found.cell.components().into_iter();
    let mut cells = components.zip(sample.cell.components());
    let velocities = match (&found.velocities, sample.velocities.as_ref().unwrap()) {
        (None, _) => "no",
        (Some(found), expected) => says(all(&|i, j| close(&expected[i], &found[j]))),
    };
    [
        positions,
        says(cells.all(|(a, b)| (a - b).abs() < DECIMALS)),
        if same_ids { "yes" } else { "no" },
        says(all(&|i, j| sample.species[i] == found.species[j])),
        says(all(&|i, j| (sample.mass(i) - found.mass(j)).abs() < 1e-8)),
        velocities,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn close_to_image(found: &Configuration, j: usize, sample: &Configuration, i: usize) -> bool {
    let difference = found.positions[j] - sample.positions[i];
    sample.cell.minimum_image(&difference).amax() < DECIMALS
}

#[test]
fn other_programs_read_what_the_page_says_and_so_do_we_of_theirs() {
    let named = std::env::var_os("METABASIN_PYTHON");
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let works = Command::new(&python).args(["-c", "import numpy"]).output();
    if named.is_none() && !works.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "skipped: no python3 with numpy, ase, ovito, ... and METABASIN_PYTHON is not set"
        );
        return;
    }
    let folder = TempDir::new().unwrap();
    let sample = sample();
    write_all(folder.path(), &sample);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interoperability.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(folder.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let skipped = String::from_utf8_lossy(&output.stdout).into_owned();
    eprint!("{skipped}");
    let complete = named.is_some();
    assert!(!(complete && skipped.contains("skipped")), "{skipped}");

    let measured = std::fs::read_to_string(folder.path().join("measured.json")).unwrap();
    let measured: Value = serde_json::from_str(&measured).unwrap();
    let quantities = words(&measured["quantities"]);
    let read = measured["read"].as_object().unwrap().iter();
    let read = read.map(|(name, row)| {
        let cell = |quantity: &String| row[quantity].as_str().unwrap().to_owned();
        (name.clone(), quantities.iter().map(cell).collect())
    });
    assert_documented("What other programs read", &read.collect(), complete);
    let analysed = measured["analysed"].as_object().unwrap().iter();
    let analysed = analysed.map(|(name, pair)| (name.clone(), words(pair)));
    assert_documented("What they count", &analysed.collect(), complete);

    let energy = |path: &Path| {
        let found = json(&["energy", text(path), "--cut", "truncated"]);
        found["energy"].as_f64().unwrap()
    };
    let expected = energy(&folder.path().join("sample.extxyz"));
    let mut back = BTreeMap::new();
    for entry in std::fs::read_dir(folder.path().join("back")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let row = returned(&path, &sample);
        if row[0] != "refused" {
            let found = energy(&path);
            assert!(
                (found - expected).abs() < 1e-3,
                "{name}: {found} {expected}"
            );
        }
        back.insert(name, row);
    }
    assert_documented("What comes back", &back, complete);
}
