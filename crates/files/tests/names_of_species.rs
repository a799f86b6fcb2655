//! Names of species: read where a file says them, and written again.
#![cfg(test)]

use std::fs;
use std::path::Path;

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_files::{
    Frame, Overwrite, ReadReport, parse_with_notes, write_extxyz, write_lammps_data,
    write_lammps_dump,
};
use nalgebra::Vector3;

fn pair() -> Configuration {
    Configuration {
        cell: Cell::new([3.0, 3.0, 3.0, 0.5, 0.0, 0.0]).unwrap(),
        positions: vec![Vector3::new(0.1, 0.2, 0.3), Vector3::new(1.0, -4.0, 1.0)],
        velocities: None,
        species: vec![Species::LARGE, Species::SMALL],
        ids: vec![8, 2],
        masses: vec![1.0, 0.5],
        names: None,
    }
}

fn read(text: &str) -> ReadReport {
    parse_with_notes(text, Path::new("sample")).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// By the atoms' own words where these tell the types apart, by the key `type_names` first.
#[test]
fn names_of_extended_xyz_are_kept() {
    let kept = |properties: &str, atoms: [&str; 2]| {
        let [first, second] = atoms;
        let text = format!(
            "2\nLattice=\"3 0 0 0 4 0 0 0 5\" Properties={properties}\n{first}\n{second}\n"
        );
        let sample = read(&text).configuration;
        (sample.species, sample.names)
    };
    let swapped = vec![Species::SMALL, Species::LARGE];
    for (properties, atoms, names) in [
        (
            "species:S:1:pos:R:3:mass:R:1",
            ["Cu 1 1 1 1.5", "Zr 2 2 2 3"],
            Some(["Zr", "Cu"]),
        ),
        (
            "species:S:1:pos:R:3:type:I:1",
            ["Cu 1 1 1 2", "Zr 2 2 2 1"],
            Some(["Zr", "Cu"]),
        ),
        (
            "species:S:1:pos:R:3:type:I:1",
            ["X 1 1 1 2", "X 2 2 2 1"],
            None,
        ),
        ("species:S:1:pos:R:3", ["He 1 1 1", "H 2 2 2"], None),
        ("species:S:1:pos:R:3", ["2 1 1 1", "1 2 2 2"], None),
        ("numbers:I:1:pos:R:3", ["2 1 1 1", "1 2 2 2"], None),
        // Whatever A and B would say by themselves.
        (
            "species:S:1:pos:R:3 type_names=\"B A\"",
            ["A 1 1 1", "B 2 2 2"],
            Some(["B", "A"]),
        ),
        (
            "species:S:1:pos:R:3 type_names=[LA, SB]",
            ["SB 1 1 1", "LA 2 2 2"],
            Some(["LA", "SB"]),
        ),
        // A list that does not know the atoms' words says nothing.
        (
            "species:S:1:pos:R:3 type_names=\"LA SB\"",
            ["He 1 1 1", "H 2 2 2"],
            None,
        ),
    ] {
        let (species, found) = kept(properties, atoms);
        assert_eq!(species, swapped, "{properties}");
        let names = names.map(|names| names.map(str::to_owned).to_vec());
        assert_eq!(found, names, "{properties}");
    }
}

const DUMP: &str = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 4\n0 4\n0 4\n\
                    ITEM: ATOMS id type x y z\n1 2 1 1 1\n2 1 3 3 3\n";

#[test]
fn dumps_name_species_by_label_or_element() {
    let expected = read(DUMP).configuration;
    assert_eq!(expected.names, None);
    let named = |names: [&str; 2]| Configuration {
        names: Some(names.map(str::to_owned).to_vec()),
        ..expected.clone()
    };
    let labelled = DUMP.replace("1 2 1 1 1", "1 B 1 1 1");
    let labelled = labelled.replace("2 1 3 3 3", "2 A 3 3 3");
    for column in ["type", "typelabel", "element"] {
        let text = labelled.replace("id type", &format!("id {column}"));
        assert_eq!(read(&text).configuration, named(["A", "B"]), "{column}");
        // Beside numbers too.
        let numbered = labelled.replace("id type", &format!("id type {column}"));
        let numbered = numbered.replace("1 B", "1 2 B").replace("2 A", "2 1 A");
        if column != "type" {
            assert_eq!(read(&numbered).configuration, named(["A", "B"]), "{column}");
        }
    }
    let weighed = DUMP.replace("x y z", "x y z mass");
    let weighed = weighed.replace("1 2 1 1 1", "1 SB 1 1 1 0.5");
    let weighed = weighed.replace("2 1 3 3 3", "2 LA 3 3 3 1");
    let report = read(&weighed);
    assert_eq!(report.configuration, named(["LA", "SB"]));
    assert!(report.notes[0].contains("`SB` was taken for type 2"));
    let stranger = labelled.replace("2 A 3", "2 LA 3");
    let error = parse_with_notes(&stranger, Path::new("sample")).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("sample:11:") && message.contains("`LA`"),
        "{message}"
    );
    assert!(message.contains("A and B"), "{message}");
}

/// A structure with names as each format has it, and without any.
#[test]
fn names_of_species_stand_where_each_format_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let written = |sample: &Configuration| {
        let [xyz, data, dump] = ["xyz", "data", "dump"].map(|end| folder.path().join(end));
        write_extxyz(&xyz, &[Frame::new(sample)], Overwrite::Allow).unwrap();
        write_lammps_data(&data, sample, Overwrite::Allow).unwrap();
        write_lammps_dump(&dump, &[(0, sample)], Overwrite::Allow).unwrap();
        [xyz, data, dump].map(|path| fs::read_to_string(path).unwrap())
    };
    let named = |names: [&str; 2]| Configuration {
        names: Some(names.map(str::to_owned).to_vec()),
        ..pair()
    };
    // B is not what these names say by themselves: the file's own list counts.
    let [xyz, data, dump] = written(&named(["B", "A"]));
    assert!(xyz.contains(" type_names=\"B A\""), "{xyz}");
    assert!(xyz.contains("\nB ") && xyz.contains("\nA "), "{xyz}");
    assert!(
        data.contains("\n\nAtom Type Labels\n\n1 B\n2 A\n\nMasses\n\n1 1"),
        "{data}"
    );
    assert!(
        dump.contains("\n8 1 B ") && dump.contains("\n2 2 A "),
        "{dump}"
    );
    // No label for LAMMPS: a digit first.
    let [xyz, data, _] = written(&named(["7Li", "6Li"]));
    assert!(xyz.contains("\n7Li ") && !data.contains("Labels"), "{data}");
    let [xyz, data, dump] = written(&pair());
    assert!(xyz.contains("\nH ") && xyz.contains("\nHe ") && !xyz.contains("type_names"));
    assert!(!data.contains("Labels"), "{data}");
    assert!(
        dump.contains("\n8 1 H ") && dump.contains("\n2 2 He "),
        "{dump}"
    );
}
