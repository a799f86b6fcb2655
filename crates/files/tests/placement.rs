//! Wrapped positions: inside the cell, and back where they were.
#![cfg(test)]

use std::fs;

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_files::{
    FilesError, Frame, Overwrite, Placement, read_configuration, write_extxyz, write_lammps_data,
    write_lammps_dump,
};
use nalgebra::Vector3;
use proptest::prelude::*;

fn samples() -> impl Strategy<Value = Configuration> {
    let atom = (prop::array::uniform3(-40.0..40.0_f64), 0_u8..2);
    (
        prop::array::uniform3(2.0..9.0_f64),
        prop::array::uniform3(-12.0..12.0_f64),
        prop::collection::vec(atom, 1..12),
    )
        .prop_map(|([lx, ly, lz], [xy, xz, yz], atoms)| {
            let positions: Vec<Vector3<f64>> = atoms.iter().map(|(x, _)| (*x).into()).collect();
            Configuration {
                cell: Cell::new([lx, ly, lz, xy, xz, yz]).unwrap(),
                velocities: Some(positions.iter().map(|x| x.map(f64::sin)).collect()),
                species: atoms.iter().map(|(_, species)| Species(*species)).collect(),
                ids: (1..=atoms.len() as u64).rev().collect(),
                masses: vec![1.0, 0.5],
                positions,
                names: None,
            }
        })
}

/// Writes a sample in one of the three formats and reads it back.
fn there_and_back(format: &str, frame: &Frame) -> Configuration {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample");
    match format {
        "xyz" => write_extxyz(&path, std::slice::from_ref(frame), Overwrite::Refuse),
        "data" => write_lammps_data(&path, frame.clone(), Overwrite::Refuse),
        _ => write_lammps_dump(&path, &[(0, frame.clone())], Overwrite::Refuse),
    }
    .unwrap();
    read_configuration(&path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn wrapped_positions_are_inside_and_lead_back(sample in samples()) {
        for format in ["xyz", "data", "dump"] {
            let back = there_and_back(format, &Frame::new(&sample).placed(Placement::Wrapped));
            for (found, expected) in back.positions.iter().zip(&sample.positions) {
                // Rounding of fractional coordinates, in cells skewed by up to six lengths.
                prop_assert!((found - expected).amax() < 1e-11, "{format}: {found} {expected}");
            }
            prop_assert_eq!(&back.velocities, &sample.velocities);
            prop_assert_eq!(&back.ids, &sample.ids);
        }
    }

    #[test]
    fn an_atom_inside_keeps_its_bits(sample in samples()) {
        let mut inside = sample;
        for position in &mut inside.positions {
            *position = inside.cell.wrap(position).0;
        }
        // An atom on the border may still be put to the other side.
        inside.positions.retain(|position| inside.cell.wrap(position).1 == [0; 3]);
        prop_assume!(!inside.positions.is_empty());
        let atoms = inside.positions.len();
        inside.velocities = None;
        inside.species.truncate(atoms);
        inside.ids.truncate(atoms);
        for format in ["xyz", "data"] {
            let back = there_and_back(format, &Frame::new(&inside).placed(Placement::Wrapped));
            prop_assert_eq!(back.fingerprint(), inside.fingerprint());
        }
    }
}

fn escaped() -> Configuration {
    Configuration {
        cell: Cell::new([4.0, 4.0, 4.0, 0.0, 0.0, 0.0]).unwrap(),
        positions: vec![Vector3::new(1.0, -0.5, 9.0), Vector3::new(0.5, 2.0, 3.5)],
        velocities: None,
        species: vec![Species::LARGE, Species::SMALL],
        ids: vec![7, 3],
        masses: vec![1.0, 0.5],
        names: None,
    }
}

#[test]
fn lattice_shifts_stand_where_other_programs_look() {
    let folder = tempfile::tempdir().unwrap();
    let [xyz, data, dump] = ["a.xyz", "a.data", "a.dump"].map(|name| folder.path().join(name));
    let sample = escaped();
    let forces = vec![Vector3::new(1.0, 0.0, 0.0), Vector3::new(-1.0, 0.0, 0.0)];
    let frame = Frame::new(&sample)
        .placed(Placement::Wrapped)
        .with_forces(&forces);
    write_extxyz(&xyz, std::slice::from_ref(&frame), Overwrite::Refuse).unwrap();
    write_lammps_data(&data, frame.clone(), Overwrite::Refuse).unwrap();
    write_lammps_dump(&dump, &[(5, frame)], Overwrite::Refuse).unwrap();
    let words = |path, line: usize| -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        let line = text.lines().nth(line).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    let numbers =
        |words: &[String]| -> Vec<f64> { words.iter().map(|word| word.parse().unwrap()).collect() };
    let head = words(&xyz, 1).join(" ");
    let columns =
        "Properties=species:S:1:pos:R:3:id:I:1:masses:R:1:radius:R:1:image:I:3:forces:R:3";
    assert!(head.contains(columns), "{head}");
    let atom = words(&xyz, 2);
    assert_eq!(numbers(&atom[1..4]), [1.0, 3.5, 1.0]);
    assert_eq!(atom[4..10], ["7", "1.0", "0.5", "0", "-1", "2"]);
    let atom = words(&data, 16);
    assert_eq!(numbers(&atom), [7.0, 1.0, 1.0, 3.5, 1.0, 0.0, -1.0, 2.0]);
    let head = words(&dump, 8).join(" ");
    assert_eq!(
        head,
        "ITEM: ATOMS id type element mass radius x y z ix iy iz fx fy fz"
    );
    let atom = words(&dump, 9);
    assert_eq!(atom[..5], ["7", "1", "H", "1.0", "0.5"]);
    assert_eq!(numbers(&atom[5..11]), [1.0, 3.5, 1.0, 0.0, -1.0, 2.0]);
    assert_eq!(
        words(&dump, 10)[..5],
        ["3", "2", "He", "0.5", "0.4166666666666667"]
    );
}

#[test]
fn an_atom_beyond_every_shift_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut sample = escaped();
    sample.positions[0].x = 1e12;
    let frame = Frame::new(&sample).placed(Placement::Wrapped);
    let path = folder.path().join("far.xyz");
    let error = write_extxyz(&path, &[frame], Overwrite::Refuse).unwrap_err();
    assert!(matches!(error, FilesError::Content { .. }), "{error}");
    assert!(!path.exists());
}
