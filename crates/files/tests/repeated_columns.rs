//! What extended XYZ holds more than once, after another program has changed one of the copies.
#![cfg(test)]

use std::fs;
use std::path::Path;

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_files::{Frame, Overwrite, ReadReport, read_with_notes, write_extxyz};
use nalgebra::Vector3;

fn moving() -> Configuration {
    Configuration {
        cell: Cell::new([4.0, 4.0, 4.0, 0.0, 0.0, 0.0]).unwrap(),
        positions: vec![Vector3::new(1.0, 0.5, 3.0), Vector3::new(0.5, 2.0, 3.5)],
        velocities: Some(vec![
            Vector3::new(0.1, -0.2, 0.3),
            Vector3::new(1.0 / 3.0, 0.7, -0.1),
        ]),
        species: vec![Species::LARGE, Species::SMALL],
        ids: vec![7, 3],
        masses: vec![1.0, 0.5],
        names: None,
    }
}

/// The text of [`moving`]: number of atoms, comment, two atoms.
fn text(folder: &Path) -> String {
    let path = folder.join("written.xyz");
    write_extxyz(&path, &[Frame::new(&moving())], Overwrite::Allow).unwrap();
    fs::read_to_string(path).unwrap()
}

/// Reads the second atom's line with some words replaced; columns are counted from 0.
fn with_words(words: &[(usize, &str)]) -> Result<ReadReport, String> {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path());
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut atom: Vec<&str> = text.lines().nth(3).unwrap().split(' ').collect();
    for (column, word) in words {
        atom[*column] = word;
    }
    lines[3] = atom.join(" ");
    let path = folder.path().join("changed.xyz");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    read_with_notes(&path).map_err(|error| error.to_string())
}

/// First columns of `velo`, `vel`, `momenta`, and the column of masses.
const VELO: usize = 4;
const VEL: usize = 7;
const MOMENTA: usize = 10;
const MASSES: usize = 14;

fn velocity(report: &ReadReport) -> Vector3<f64> {
    report.configuration.velocities.as_ref().unwrap()[1]
}

#[test]
fn velocities_stand_under_the_names_of_three_programs_and_come_back_with_their_bits() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path());
    let columns =
        "Properties=species:S:1:pos:R:3:velo:R:3:vel:R:3:momenta:R:3:id:I:1:masses:R:1:radius:R:1 ";
    assert!(text.contains(columns), "{text}");
    let words: Vec<&str> = text.lines().nth(3).unwrap().split(' ').collect();
    assert_eq!(words[VELO..VEL], words[VEL..MOMENTA]);
    assert_eq!(words[MOMENTA].parse::<f64>().unwrap(), 0.5 / 3.0);
    assert_eq!(words[MASSES], "0.5");
    let report = with_words(&[]).unwrap();
    assert_eq!(report.configuration, moving());
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[test]
fn eight_decimals_of_another_program_are_no_change() {
    let report = with_words(&[
        (VELO, "0.33333333"),
        (VEL, "0.33333333"),
        (MOMENTA, "0.16666667"),
    ])
    .unwrap();
    assert_eq!(velocity(&report).x, 0.33333333);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[test]
fn the_column_that_another_program_changed_counts() {
    for (column, word, name) in [
        (VELO, "0.25", "`velo`"),
        (VEL, "0.25", "`vel`"),
        (MOMENTA, "0.125", "`momenta`"),
    ] {
        let report = with_words(&[(column, word)]).unwrap();
        assert_eq!(velocity(&report).x, 0.25, "{name}");
        let note = format!("those of {name} were taken");
        assert!(report.notes[0].contains(&note), "{:?}", report.notes);
    }
}

#[test]
fn columns_that_all_differ_are_refused_by_name() {
    let error = with_words(&[(VELO, "0.1"), (VEL, "0.2")]).unwrap_err();
    for part in ["`velo`, `vel`, `momenta`", "keep the right one"] {
        assert!(error.contains(part), "{error}");
    }
}

fn parsed(content: &str) -> ReadReport {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.xyz");
    fs::write(&path, content).unwrap();
    read_with_notes(&path).unwrap()
}

#[test]
fn momenta_count_beside_a_velocity_and_masses_only() {
    let atoms = "H 0 0 0 0.1 0 0 0.3 0 0 1.0\nHe 1 1 1 0.2 0 0 0.1 0 0 0.5\n";
    let head =
        "2\nLattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3:vel:R:3:momenta:R:3";
    // With two columns, momenta are what ASE has changed.
    let report = parsed(&format!("{head}:masses:R:1\n{atoms}"));
    assert_eq!(report.configuration.velocities.unwrap()[0].x, 0.3);
    assert!(report.notes[0].contains("`momenta`"), "{:?}", report.notes);
    // Without masses nobody knows the unit of momenta.
    let report = parsed(&format!("{head}:q:R:1\n{atoms}"));
    assert_eq!(report.configuration.velocities.unwrap()[0].x, 0.1);
    assert!(report.notes[0].contains("left out"), "{:?}", report.notes);
}

#[test]
fn masses_of_atoms_that_were_changed_count_more_than_those_of_types() {
    let same = with_words(&[]).unwrap();
    assert_eq!(same.configuration.masses, [1.0, 0.5]);
    // 2:1 is gone.
    let error = with_words(&[(MASSES, "0.25")]).unwrap_err();
    assert!(error.contains("0.25"), "{error}");
    let content = "2\nLattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3:masses:R:1 \
                   type_masses=\"1.0 0.5\"\nH 0 0 0 3.0\nHe 1 1 1 1.5\n";
    let report = parsed(content);
    assert_eq!(report.configuration.masses, [1.0, 0.5]);
    assert!(
        report.notes[0].contains("`type_masses`"),
        "{:?}",
        report.notes
    );
    assert!(
        report.notes[1].contains("gives mass 3"),
        "{:?}",
        report.notes
    );
}

#[test]
fn files_of_older_versions_are_read() {
    let report = parsed(
        "2\nLattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3:velo:R:3:id:I:1 \
         pbc=\"T T T\" type_masses=\"1.0 0.5\"\nH 5 0 0 0.1 0 0 9\nHe 1 1 1 0.2 0 0 4\n",
    );
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let sample = report.configuration;
    assert_eq!(sample.positions[0].x, 5.0);
    assert_eq!(sample.velocities.unwrap()[1].x, 0.2);
    assert_eq!((sample.ids, sample.masses), (vec![9, 4], vec![1.0, 0.5]));
}

#[test]
fn masses_of_hydrogen_and_helium_are_names() {
    let report = parsed(
        "2\nLattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3:velo:R:3:masses:R:1\n\
         H 0 0 0 0.1 0 0 1.00794\nHe 1 1 1 0.2 0 0 4.0026\n",
    );
    assert_eq!(report.configuration.masses, [1.0, 0.5]);
    assert_eq!(report.configuration.velocities.unwrap()[1].x, 0.2);
    assert!(report.notes[0].contains("H and He"), "{:?}", report.notes);
}
