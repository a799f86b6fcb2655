//! `analyze --reference` from the command line: the motion of a sheared glass with planted strings.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;
#[path = "support/table.rs"]
mod table;

use std::fmt::Write;

use metabasin_testkit::data;
use serde_json::Value;
use tempfile::TempDir;

use program::{json, refused};
use table::rows;

fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A LAMMPS data file of atoms in a cell lx, ly, lz, xy, xz, yz.
fn data_file(cell: [f64; 6], species: &[u8], positions: &[[f64; 3]]) -> String {
    let [lx, ly, lz, xy, xz, yz] = cell;
    let mut text = format!(
        "moved\n\n{} atoms\n2 atom types\n\n0 {lx:?} xlo xhi\n0 {ly:?} ylo yhi\n0 {lz:?} zlo zhi\n\
         {xy:?} {xz:?} {yz:?} xy xz yz\n\nMasses\n\n1 1\n2 0.5\n\nAtoms # atomic\n\n",
        positions.len()
    );
    for (k, ([x, y, z], species)) in positions.iter().zip(species).enumerate() {
        writeln!(text, "{} {species} {x:?} {y:?} {z:?}", k + 1).unwrap();
    }
    text
}

/// The last atom of a chain.
const SENT: usize = 3443;

/// The sheared glass, and what was planted.
struct Planted {
    species: Vec<u8>,
    before: Vec<[f64; 3]>,
    after: Vec<[f64; 3]>,
    moved: Vec<[f64; 3]>,
    d2min: Vec<f64>,
    longest: Vec<usize>,
    side: f64,
}

fn planted() -> Planted {
    let planted: Value = serde_json::from_reader(flate2::read::GzDecoder::new(
        std::fs::File::open(data("structure/displacement_shear0.02.json.gz")).unwrap(),
    ))
    .unwrap();
    let of = |key: &str| -> Vec<[f64; 3]> { serde_json::from_value(planted[key].clone()).unwrap() };
    let species: Vec<u8> = serde_json::from_value(planted["types"].clone()).unwrap();
    let before: Vec<[f64; 3]> = of("positions0");
    let (mut after, mut moved) = (of("positions1"), of("moved"));
    let d2min: Vec<f64> = serde_json::from_value(planted["d2min"].clone()).unwrap();
    let side = planted["cell0"][0][0].as_f64().unwrap();
    // The last atom of a chain was sent to 0.18 from another, nearer than atoms may be: away, to
    // 0.38 from it. That changes D2min where it was a neighbor.
    for (k, shift) in [-0.001, -0.131, 0.151].into_iter().enumerate() {
        after[SENT][k] += shift;
        moved[SENT][k] += shift;
    }
    let longest = serde_json::from_value(planted["strings"][6]["atoms"].clone()).unwrap();
    Planted {
        species,
        before,
        after,
        moved,
        d2min,
        longest,
        side,
    }
}

#[test]
fn motion_is_that_of_the_reference_before_and_after_a_flip() {
    let folder = TempDir::new().unwrap();
    let Planted {
        species,
        before,
        after,
        moved,
        d2min,
        longest: mut nine,
        side,
    } = planted();
    let cube = [side, side, side, 0.0, 0.0, 0.0];
    let earlier = write(&folder, "before.data", &data_file(cube, &species, &before));
    let percent = |part: usize, of: usize| part as f64 / of as f64;
    let near = |i: usize| {
        let squares = (0..3).map(|k| {
            let along = before[i][k] - before[SENT][k];
            (along - side * (along / side).round()).powi(2)
        });
        squares.sum::<f64>().sqrt() < 1.5001
    };
    assert_eq!((0..4000).filter(|&i| near(i)).count(), 15);
    // The same lattice with a subtracted from b, and with two a added.
    for (flip, basis) in [0.0, -1.0, 2.0].into_iter().enumerate() {
        let mut cell = cube;
        cell[3] = (0.02 + basis) * side;
        let now = write(
            &folder,
            &format!("after{flip}.data"),
            &data_file(cell, &species, &after),
        );
        let table = folder.path().join(format!("{flip}.csv"));
        let table = table.display().to_string();
        let found = json(&[
            "analyze",
            &now,
            "--reference",
            &earlier,
            "--per-atom",
            &table,
        ]);
        let motion = &found["displacement"];
        let strain: [f64; 6] = serde_json::from_value(motion["strain"].clone()).unwrap();
        for (found, right) in strain.iter().zip([0.0, 0.0, 0.0, 0.02, 0.0, 0.0]) {
            assert!((found - right).abs() < 1e-9, "{strain:?}");
        }
        assert_eq!(motion["movers"], 38);
        assert_eq!(
            motion["strings"],
            serde_json::json!({
                "chains": {"6": 1, "9": 1},
                "rings": {"3": 1, "4": 2, "5": 1, "7": 1},
                "longest": 9
            })
        );
        let number = |key: &str| motion[key].as_f64().unwrap();
        let squares = moved.iter().flatten().map(|u| u * u).sum::<f64>();
        assert!((number("mean_square") - squares / 4000.0).abs() < 1e-7);
        assert!((number("largest") - 1.127725).abs() < 1e-5);

        assert_van_hove(&motion["van_hove"], &moved);
        let rows = rows(&table);
        let value = |row: usize, name: &str| rows[row][name].parse::<f64>().unwrap();
        for i in 0..4000 {
            let allowed = 5e-6 * d2min[i] + 1e-5 * (1.0 + d2min[i].sqrt());
            assert!(
                near(i) || (value(i, "d2min") - d2min[i]).abs() < allowed,
                "atom {i}"
            );
            for (k, name) in ["ux", "uy", "uz"].into_iter().enumerate() {
                assert!((value(i, name) - moved[i][k]).abs() < 1e-5, "atom {i}");
            }
        }
        let mean = (0..4000).map(|i| value(i, "d2min")).sum::<f64>() / 4000.0;
        assert!((number("d2min_mean") / mean - 1.0).abs() < 1e-12);
        let is_mover = |i: &usize| moved[*i].iter().map(|u| u * u).sum::<f64>().sqrt() > 0.6;
        for class in ["icosahedral", "other"] {
            let of_class: Vec<usize> = (0..4000).filter(|&i| rows[i]["class"] == class).collect();
            let movers = of_class.iter().filter(|i| is_mover(i)).count();
            let share = motion["movers_fraction"][class].as_f64().unwrap();
            assert!((share - percent(movers, of_class.len())).abs() < 1e-12);
        }
        // The string of nine is number 1; its atoms and no others bear it.
        nine.sort_unstable();
        let of_first: Vec<usize> = (0..4000).filter(|&i| rows[i]["string"] == "1").collect();
        assert_eq!(of_first, nine);
        let in_none = rows.iter().filter(|row| row["string"] == "0").count();
        assert_eq!(in_none, 4000 - 38);
    }
}

/// The counts of displacements, class by class, are those of what was planted.
fn assert_van_hove(found: &Value, moved: &[[f64; 3]]) {
    let lengths: Vec<f64> = moved
        .iter()
        .map(|u| u.iter().map(|u| u * u).sum::<f64>().sqrt())
        .collect();
    let width = found["bin_width"].as_f64().unwrap();
    let counts = |class: &str| -> Vec<usize> {
        serde_json::from_value(found["classes"][class]["counts"].clone()).unwrap()
    };
    for (bin, count) in counts("all").into_iter().enumerate() {
        // Displacements are told to 1e-5: near an edge they may lie on either side.
        let edges = [0.0, 1.0].map(|k| (bin as f64 + k) * width);
        let within = |margin: f64| {
            let holds = |u: &&f64| **u >= edges[0] - margin && **u < edges[1] + margin;
            lengths.iter().filter(holds).count()
        };
        assert!((within(-2e-5)..=within(2e-5)).contains(&count), "{bin}");
    }
    let of_classes = ["icosahedral", "other"].map(|class| counts(class).iter().sum::<usize>());
    assert_eq!(of_classes.iter().sum::<usize>(), 4000);
    let tail = &found["classes"]["all"]["tail"];
    let from = found["tail_range"]["from"].as_f64().unwrap();
    let beyond = lengths.iter().filter(|u| **u > from).count();
    assert!(tail["atoms"].as_u64().unwrap().abs_diff(beyond as u64) <= 1);
}

#[test]
fn the_tail_is_fitted_where_it_is_asked_for_and_drawn() {
    let folder = TempDir::new().unwrap();
    let planted = planted();
    let cube = [planted.side, planted.side, planted.side, 0.0, 0.0, 0.0];
    let mut sheared = cube;
    sheared[3] = 0.02 * planted.side;
    let text = data_file(cube, &planted.species, &planted.before);
    let earlier = write(&folder, "before.data", &text);
    let text = data_file(sheared, &planted.species, &planted.after);
    let now = write(&folder, "now.data", &text);
    let plot = folder.path().join("sheet.svg").display().to_string();
    let (tail, reference) = (["--tail", "0.05,0.2"], ["--reference", &earlier]);
    let arguments = [&["analyze", &now, "--plot", &plot][..], &tail, &reference].concat();
    let found = json(&arguments);
    let van_hove = &found["displacement"]["van_hove"];
    assert_eq!(
        van_hove["tail_range"],
        serde_json::json!({"from": 0.05, "to": 0.2})
    );
    let svg = std::fs::read_to_string(&plot).unwrap();
    for name in ["bond-orders", "van-hove", "displacements"] {
        assert!(svg.contains(&format!("id=\"{name}-clip\"")), "{name}");
    }
    assert!(refused(&arguments).contains("--force"));
    assert!(refused(&["analyze", &now, "--tail", "0.3"]).contains("--reference"));
    let wrong = refused(&[
        "analyze",
        &now,
        "--reference",
        &earlier,
        "--tail",
        "0.6,0.3",
    ]);
    assert!(
        wrong.contains("--tail") && wrong.contains("the shorter one first"),
        "{wrong}"
    );
}

#[test]
fn thresholds_are_taken_and_what_cannot_be_compared_is_refused() {
    let folder = TempDir::new().unwrap();
    let Planted {
        species,
        before,
        after,
        side,
        ..
    } = planted();
    let cube = [side, side, side, 0.0, 0.0, 0.0];
    let sheared = [side, side, side, 0.02 * side, 0.0, 0.0];
    let earlier = write(&folder, "before.data", &data_file(cube, &species, &before));
    let now = write(&folder, "now.data", &data_file(sheared, &species, &after));
    // No atom moved by more than 1.2; within 0.3 hardly anyone has a neighbor.
    let none = json(&[
        "analyze",
        &now,
        "--reference",
        &earlier,
        "--movers",
        "1.2",
        "--d2min-cutoff",
        "0.3",
    ]);
    assert_eq!(none["displacement"]["movers"], 0);
    assert_eq!(none["displacement"]["strings"]["longest"], 0);
    assert!(none["displacement"]["d2min_mean"].as_f64().unwrap() < 1e-12);
    assert!(refused(&["analyze", &earlier, "--movers", "0.5"]).contains("--reference"));
    let far = [
        "analyze",
        &earlier,
        "--reference",
        &earlier,
        "--d2min-cutoff",
        "99",
    ];
    assert!(refused(&far).contains("at most"));
    let other = write(
        &folder,
        "other.data",
        &data_file(
            cube,
            &species.iter().map(|s| 3 - s).collect::<Vec<_>>(),
            &before,
        ),
    );
    let message = refused(&["analyze", &earlier, "--reference", &other]);
    assert!(message.contains("atom id 1 has type"), "{message}");
}
