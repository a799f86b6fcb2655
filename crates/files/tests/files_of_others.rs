//! What LAMMPS, ASE and the `extxyz` library write is read as they mean it. What they read and
//! write was tried with LAMMPS 22Jul2025, ASE 3.29.0, extxyz 0.4.6 and ase-extxyz 0.1.2.
#![cfg(test)]

use std::path::{Path, PathBuf};

use metabasin_atoms::{Configuration, Species};
use metabasin_files::{
    FilesError, Problem, ReadReport, StructureFormat, parse_with_notes, read_trajectory,
    read_with_notes,
};
use nalgebra::Vector3;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn read(text: &str) -> ReadReport {
    parse_with_notes(text, Path::new("sample")).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Line, problem and whole message of a text that must be refused.
fn refused(text: &str) -> (Option<usize>, Problem, String) {
    let error = parse_with_notes(text, Path::new("sample")).unwrap_err();
    let message = error.to_string();
    match error {
        FilesError::Content { line, problem, .. } => (line, problem, message),
        other => panic!("{other}"),
    }
}

/// The names of its species; none where the file says none.
fn named(sample: &Configuration) -> Vec<&str> {
    let names = sample.names.iter().flatten();
    names.map(String::as_str).collect()
}

/// Atoms by id: type and place.
fn atoms(sample: &Configuration) -> Vec<(u64, Species, Vector3<f64>)> {
    let mut atoms: Vec<_> = (0..sample.len())
        .map(|i| (sample.ids[i], sample.species[i], sample.positions[i]))
        .collect();
    atoms.sort_by_key(|(id, _, _)| *id);
    atoms
}

#[test]
fn one_glass_is_read_the_same_in_every_spelling() {
    let plain = read_with_notes(&data("title_number.data")).unwrap();
    assert_eq!(plain.format, StructureFormat::LammpsData);
    assert_eq!(plain.notes, Vec::<String>::new());
    let plain = plain.configuration;
    assert_eq!(plain.len(), 168);
    for name in [
        "labels.data",
        "tabs.data",
        "indented.data",
        "three_types.data",
        "labels.dump",
        "pbc_words.xyz",
        "pbc_list.xyz",
        "lattice_commas.xyz",
        "lattice_nested.xyz",
        "lattice_fortran.xyz",
        "atomic_numbers.xyz",
        "byte_order_mark.xyz",
        "ase_of_data.xyz",
    ] {
        let sample = read_with_notes(&data(name))
            .unwrap_or_else(|error| panic!("{error}"))
            .configuration;
        assert_eq!(sample.masses, [1.0, 0.5], "{name}");
        let names: &[&str] = match name {
            "labels.data" => &["LA", "SB"],
            "labels.dump" => &["A", "B"],
            _ => &[],
        };
        assert_eq!(named(&sample), names, "{name}");
        for (found, expected) in sample
            .cell
            .components()
            .into_iter()
            .zip(plain.cell.components())
        {
            assert!((found - expected).abs() < 1e-14, "{name}");
        }
        for (found, expected) in atoms(&sample).into_iter().zip(atoms(&plain)) {
            assert_eq!((found.0, found.1), (expected.0, expected.1), "{name}");
            assert!((found.2 - expected.2).norm() < 1e-12, "{name}");
        }
    }
}

/// A data file of two atoms.
fn two(title: &str, types: &str, masses: &str, atoms: &str) -> String {
    format!(
        "{title}\n\n2 atoms\n{types} atom types\n\n0 4 xlo xhi\n0 4 ylo yhi\n0 4 zlo zhi\n\n{masses}\
         Atoms # atomic\n\n{atoms}\n\nVelocities\n\n1 0.5 0 0\n2 0 0.25 0\n"
    )
}

const PLAIN: &str = "1 1 1 1 1\n2 2 3 3 3";

#[test]
fn the_title_of_a_data_file_may_say_anything() {
    let expected = read(&two("glass", "2", "", PLAIN)).configuration;
    for title in [
        "",
        "2",
        "168 atoms",
        "ITEM: TIMESTEP",
        "ITEM: NUMBER OF ATOMS",
        "Lattice=\"1 0 0 0 1 0 0 0 1\"",
        "Atoms",
        "\u{feff}Gl\u{e4}ser",
    ] {
        let report = read(&two(title, "2", "", PLAIN));
        assert_eq!(report.format, StructureFormat::LammpsData, "{title}");
        assert_eq!(report.configuration, expected, "{title}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample");
    // Latin-1, then UTF-16 with its mark, as Windows shells write it.
    let text = two("Gl\u{e4}ser", "2", "", PLAIN);
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    assert!(std::str::from_utf8(&latin).is_err());
    let marked: Vec<u16> = "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .collect();
    let little = marked.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big = marked.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [latin, little, big] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read_with_notes(&path).unwrap().configuration, expected);
    }
}

#[test]
fn labels_stand_for_the_types_that_the_file_gives_them() {
    let labels = "Atom Type Labels\n\n1 LA\n2 SB\n\nMasses\n\nSB 0.5\nLA 1\n\n";
    let text = two("glass", "2", labels, "1 SB 1 1 1\n2 LA 3 3 3");
    let report = read(&text);
    assert_eq!(
        report.configuration.species,
        [Species::SMALL, Species::LARGE]
    );
    assert_eq!(report.configuration.masses, [1.0, 0.5]);
    let names = "the file names type 1 `LA` and type 2 `SB`";
    assert!(
        report.notes.iter().any(|note| note == names),
        "{:?}",
        report.notes
    );
    assert_eq!(named(&report.configuration), ["LA", "SB"]);
    // Numbers may be used all the same.
    let numbers = text.replace("1 SB 1", "1 2 1").replace("SB 0.5", "2 0.5");
    assert_eq!(read(&numbers).configuration, report.configuration);
    let (line, problem, message) = refused(&text.replace("2 LA 3", "2 LB 3"));
    assert_eq!(line, Some(23));
    assert_eq!(problem, Problem::UndeclaredLabel { label: "LB".into() });
    assert!(message.contains("`Atom Type Labels`"), "{message}");
    let (line, problem, _) = refused(&text.replace("2 SB\n", "2 LA\n"));
    assert_eq!(line, Some(13));
    assert!(matches!(problem, Problem::LabelTaken { number: 2, .. }));
    let (line, _, _) = refused(&text.replace("2 SB\n", "1 SB\n"));
    assert_eq!(line, Some(13));
    let (_, problem, _) = refused(&text.replace("1 LA\n2 SB\n", "1 LA\n"));
    assert!(matches!(problem, Problem::Count { .. }), "{problem}");
}

#[test]
fn types_that_no_atom_has_are_left_out_whatever_their_masses() {
    let with = |types: &str, masses: &str, atoms: &str| {
        let text = two("glass", types, &format!("Masses\n\n{masses}\n\n"), atoms);
        read(&text)
    };
    let expected = with("2", "1 1\n2 0.5", PLAIN).configuration;
    // Twice the masses: half the velocities squared, the same kinetic energy.
    let heavy = with("3", "1 2\n2 1\n3 7", PLAIN);
    assert_eq!(heavy.configuration.masses, [1.0, 0.5]);
    assert_eq!(heavy.configuration.species, expected.species);
    let velocity = heavy.configuration.velocities.as_ref().unwrap()[0];
    assert!((velocity.x - 0.5 * 2.0_f64.sqrt()).abs() < 1e-15);
    for part in ["no atom is of type 3", "mass 2 to type 1"] {
        assert!(
            heavy.notes.iter().any(|note| note.contains(part)),
            "{:?}",
            heavy.notes
        );
    }
    // A wrong ratio is found behind a third type too.
    let text = two("glass", "3", "Masses\n\n1 1\n2 1\n3 7\n\n", PLAIN);
    assert_eq!(
        refused(&text).1,
        Problem::MassRatio {
            first: 1.0,
            second: 1.0
        }
    );
    // A gap closes.
    let gap = with("4", "1 3\n2 1\n3 9\n4 0.5", "1 2 1 1 1\n2 4 3 3 3");
    assert_eq!(gap.configuration, expected);
    let moved = "type 2 of the file is type 1 here, 4 of the file is type 2 here";
    assert!(
        gap.notes.iter().any(|note| note == moved),
        "{:?}",
        gap.notes
    );
    // One species: its own mass is the unit of the large, half the unit of the small.
    let large = with("2", "1 1\n2 0.5", "1 1 1 1 1\n2 1 3 3 3").configuration;
    assert_eq!(large.masses, [1.0]);
    assert_eq!(large.species, [Species::LARGE; 2]);
    let small = with("2", "1 9\n2 2", "1 2 1 1 1\n2 2 3 3 3").configuration;
    assert_eq!(small.masses, [1.0, 0.5]);
    assert_eq!(small.species, [Species::SMALL; 2]);
    assert_eq!(small.velocities.unwrap()[0].x, 0.5 * 2.0);
    let third = two(
        "glass",
        "3",
        "Masses\n\n1 1\n2 0.5\n3 1\n\n",
        "1 3 1 1 1\n2 3 3 3 3",
    );
    assert_eq!(refused(&third).1, Problem::LoneType { number: 3 });
    let bare = two("glass", "3", "", "1 1 1 1 1\n2 3 3 3 3");
    assert_eq!(refused(&bare).1, Problem::NoMass { number: 3 });
}

/// An extended XYZ file with these keys before its properties.
fn xyz(keys: &str, properties: &str, atoms: [&str; 2]) -> String {
    let [first, second] = atoms;
    format!("2\n{keys} Properties={properties}\n{first}\n{second}\n")
}

const LATTICE: &str = "Lattice=\"3 0 0 0.5 4 0 0.25 -0.5 5\"";
const PLACES: [&str; 2] = ["H 0.1 0.2 0.3", "He 1.0 1.5 2.0"];

#[test]
fn a_lattice_is_read_in_every_spelling_and_nested_ones_by_columns() {
    let expected = [3.0, 4.0, 5.0, 0.5, 0.25, -0.5];
    for lattice in [
        "\"3 0 0 0.5 4 0 0.25 -0.5 5\"",
        "'3 0 0 0.5 4 0 0.25 -0.5 5'",
        "{3 0 0 0.5 4 0 0.25 -0.5 5}",
        "{3, 0, 0, 0.5, 4, 0, 0.25, -0.5, 5}",
        "[3, 0, 0, 0.5, 4, 0, 0.25, -0.5, 5]",
        "[3 0 0 0.5 4 0 0.25 -0.5 5]",
        "\"3, 0, 0, 0.5, 4, 0, 0.25, -0.5, 5\"",
        "\"3,0,0,0.5,4,0,0.25,-0.5,5,\"",
        "3,0,0,0.5,4,0,0.25,-0.5,5",
        "\" +3\t0 0 .5 4. 0 25E-2 -5.0D-01 0.5d1 \"",
        // As the extxyz library: the rows of the matrix whose columns are a, b, c.
        "[[3, 0.5, 0.25], [0, 4, -0.5], [0, 0, 5]]",
        "[ [3.0,0.5,0.25],[0.0,4.0,-0.5],[0.0,0.0,5.0] ]",
    ] {
        for keys in [
            format!("Lattice={lattice}"),
            format!("Lattice = {lattice}"),
            format!("\"Lattice\"={lattice}"),
        ] {
            let sample = read(&xyz(&keys, "species:S:1:pos:R:3", PLACES)).configuration;
            assert_eq!(sample.cell.components(), expected, "{keys}");
        }
    }
    let edges = read(&xyz("Lattice=[3, 4, 5]", "species:S:1:pos:R:3", PLACES));
    assert_eq!(
        edges.configuration.cell.components(),
        [3.0, 4.0, 5.0, 0.0, 0.0, 0.0]
    );
    // Of two the last counts, as with ASE.
    let twice = format!("Lattice=\"9 0 0 0 9 0 0 0 9\" {LATTICE}");
    let sample = read(&xyz(&twice, "species:S:1:pos:R:3", PLACES)).configuration;
    assert_eq!(sample.cell.components(), expected);
    for lattice in [
        "\"3 4\"",
        "3.0",
        "\"3 0 0; 0.5 4 0; 0.25 -0.5 5\"",
        "\"[[3, 0, 0], [0.5, 4, 0], [0.25, -0.5, 5]]\"",
    ] {
        let keys = format!("Lattice={lattice}");
        let (line, _, message) = refused(&xyz(&keys, "species:S:1:pos:R:3", PLACES));
        assert_eq!(line, Some(2));
        assert!(message.contains("Lattice"), "{message}");
    }
}

#[test]
fn periodicity_is_read_in_every_spelling() {
    let with = |pbc: &str| {
        xyz(
            &format!("{LATTICE} pbc={pbc}"),
            "species:S:1:pos:R:3",
            PLACES,
        )
    };
    for pbc in [
        "\"T T T\"",
        "'T T T'",
        "{T T T}",
        "{T, T, T}",
        "[T, T, T]",
        "[T,T,T]",
        "[T T T]",
        "T,T,T",
        "\"T, T, T\"",
        "T",
        "TTT",
        "True",
        "\"True True True\"",
        "\"TRUE TRUE TRUE\"",
        "[true,true,true]",
        "\"t t t\"",
        "\"1 1 1\"",
        "[1, 1, 1]",
        "1",
        "\"1.0 1.0 1.0\"",
        "\"_JSON [true, true, true]\"",
        "\" T T T \"",
    ] {
        assert_eq!(read(&with(pbc)).configuration.len(), 2, "{pbc}");
    }
    // Words that ASE takes for true because they are not empty are no yes.
    for pbc in [
        "\"T T F\"",
        "F",
        "[F, F, F]",
        "\"0 0 0\"",
        "\"f f f\"",
        "\"no no no\"",
        "\"T T\"",
        "\"\"",
        "FFF",
    ] {
        let (line, problem, _) = refused(&with(pbc));
        assert_eq!(line, Some(2), "{pbc}");
        assert!(matches!(problem, Problem::NotPeriodic { .. }), "{pbc}");
    }
}

#[test]
fn species_are_known_by_type_number_by_name_or_by_mass() {
    let types = |properties: &str, atoms: [&str; 2]| {
        let report = read(&xyz(LATTICE, properties, atoms));
        (report.configuration.species, report.notes)
    };
    let expected = [Species::SMALL, Species::LARGE];
    for (properties, atoms) in [
        (
            "species:S:1:pos:R:3:masses:R:1:type:I:1",
            ["X 1 1 1 0.5 2", "X 2 2 2 1.0 1"],
        ),
        // ASE guesses elements from masses: the type counts.
        (
            "species:S:1:pos:R:3:masses:R:1:type:I:1",
            ["H 1 1 1 1.0 2", "X 2 2 2 2.0 1"],
        ),
        ("species:S:1:pos:R:3:type:I:1", ["Cu 1 1 1 2", "Zr 2 2 2 1"]),
        ("type:I:1:pos:R:3", ["2 1 1 1", "1 2 2 2"]),
        ("numbers:I:1:pos:R:3", ["2 1 1 1", "1 2 2 2"]),
        ("Z:I:1:pos:R:3", ["2 1 1 1", "1 2 2 2"]),
        ("species:S:1:pos:R:3:Z:I:1", ["B 1 1 1 5", "A 2 2 2 0"]),
        ("species:S:1:pos:R:3", ["he 1 1 1", "h 2 2 2"]),
        (
            "species:S:1:pos:R:3:mass:R:1",
            ["Cu 1 1 1 1.5", "Zr 2 2 2 3"],
        ),
        (
            "numbers:I:1:pos:R:3:mass:R:1",
            ["40 1 1 1 1.5", "29 2 2 2 3"],
        ),
    ] {
        let (species, notes) = types(properties, atoms);
        assert_eq!(species, expected, "{properties}: {notes:?}");
    }
    let (_, notes) = types(
        "species:S:1:pos:R:3:mass:R:1",
        ["Cu 1 1 1 0.5", "Zr 2 2 2 1"],
    );
    let note = "by their masses, species `Cu` was taken for type 2 and `Zr` for type 1";
    assert_eq!(notes, [note]);
    let (_, notes) = types("species:S:1:pos:R:3:type:I:1", ["A 1 1 1 2", "B 2 2 2 1"]);
    assert!(notes.iter().any(|note| note.contains("`type` was taken")));
    for (properties, atoms) in [
        ("species:S:1:pos:R:3", ["X 1 1 1", "X 2 2 2"]),
        (
            "species:S:1:pos:R:3:masses:R:1",
            ["X 1 1 1 1.0", "X 2 2 2 1.0"],
        ),
        ("numbers:I:1:pos:R:3", ["29 1 1 1", "40 2 2 2"]),
    ] {
        let (line, problem, message) = refused(&xyz(LATTICE, properties, atoms));
        assert_eq!(line, Some(3));
        assert!(matches!(problem, Problem::UnknownSpecies { .. }));
        assert!(message.contains("column of type"), "{message}");
    }
}

#[test]
fn our_own_files_come_back_through_ase_and_the_extxyz_library() {
    // As ase-extxyz and extxyz rewrite a file of this program.
    for text in [
        "2\ntype_masses=[1.00000000, 0.50000000] config_type=minimum event=1 energy=-3.5 cut=smooth \
         program=\"metabasin 0.1.0\" units=\"reduced Lennard-Jones\" Lattice=\"3.00000000 0.00000000 \
         0.00000000 0.50000000 4.00000000 0.00000000 0.25000000 -0.50000000 5.00000000\" \
         pbc=[T, T, T] Properties=species:S:1:pos:R:3:velo:R:3:id:I:1\n\
         H   0.10000000   0.20000000   0.30000000  1.00000000 2.00000000 3.00000000    9\n\
         He  1.00000000   1.50000000   2.00000000 -1.00000000 0.00000000 0.00000000    4\n",
        "2\nLattice=\"3.0 0.0 0.0 0.5 4.0 0.0 0.25 -0.5 5.0\" \
         Properties=species:S:1:pos:R:3:velo:R:3:id:I:1 type_masses=\"_JSON [1.0, 0.5]\" \
         config_type=minimum event=1 units=\"reduced Lennard-Jones\" pbc=\"T T T\"\n\
         H        0.10000000       0.20000000       0.30000000  1.0 2.0 3.0      9\n\
         He       1.00000000       1.50000000       2.00000000 -1.0 0.0 0.0      4\n",
    ] {
        let report = read(text);
        assert_eq!(report.notes, Vec::<String>::new());
        let sample = report.configuration;
        assert_eq!(sample.masses, [1.0, 0.5]);
        assert_eq!(sample.ids, [9, 4]);
        assert_eq!(sample.velocities.unwrap()[0], Vector3::new(1.0, 2.0, 3.0));
        assert_eq!(sample.cell.components(), [3.0, 4.0, 5.0, 0.5, 0.25, -0.5]);
    }
}

#[test]
fn wrapped_positions_of_extended_xyz_are_unwrapped_by_their_images() {
    let properties = "species:S:1:pos:R:3:image:I:3";
    let text = xyz(
        LATTICE,
        properties,
        ["H 0.1 0.2 0.3 1 0 0", "He 1.0 1.5 2.0 0 -1 2"],
    );
    let places = read(&text).configuration.positions;
    assert_eq!(places[0], Vector3::new(3.1, 0.2, 0.3));
    assert_eq!(
        places[1],
        Vector3::new(1.0 - 0.5 + 0.5, 1.5 - 4.0 - 1.0, 2.0 + 10.0)
    );
}

const DUMP: &str = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 4\n0 4\n0 4\n\
                    ITEM: ATOMS id type x y z\n1 2 1 1 1\n2 1 3 3 3\n";

#[test]
fn a_last_frame_that_is_cut_gives_way_to_the_one_before_it() {
    let later = |text: &str| {
        text.replace(" 1 1 1", " 2 2 2")
            .replace("0.1 0.2", "0.7 0.2")
    };
    let velocities = "species:S:1:pos:R:3";
    let whole = xyz(LATTICE, velocities, PLACES);
    for whole in [whole.as_str(), DUMP] {
        let last = later(whole);
        assert_ne!(last, whole);
        let first = read(whole).configuration;
        let second = read(&format!("{whole}{last}")).configuration;
        assert_ne!(first, second);
        // Cut anywhere short of the last word: a number cut within is noted below.
        let end = last.trim_end().rfind(' ').unwrap();
        for keep in 1..=end {
            let text = format!("{whole}{}", &last[..keep]);
            let report = read(&text);
            assert_eq!(report.configuration, first, "{text}");
            let note = report
                .notes
                .iter()
                .find(|note| note.contains("ends within"));
            assert!(note.is_some() || last[..keep].trim().is_empty(), "{text}");
        }
        let text = format!("{whole}{}", last.trim_end());
        let report = read(&text);
        assert_eq!(report.configuration, second);
        assert!(report.notes.iter().any(|note| note.contains("line break")));
        // A fault within a last frame that is whole, and a cut one before it, are faults.
        assert!(
            parse_with_notes(
                &format!("{whole}{}", last.replace('3', "z")),
                Path::new("x")
            )
            .is_err()
        );
        assert!(parse_with_notes(&last[..end], Path::new("x")).is_err());
        let cut_before = format!("{whole}{}\n{whole}", &last[..end]);
        assert!(parse_with_notes(&cut_before, Path::new("x")).is_err());
        // Who asks for every frame is not given fewer without a word.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut");
        std::fs::write(&path, format!("{whole}{}", &last[..end])).unwrap();
        assert!(read_trajectory(&path).is_err());
    }
}
