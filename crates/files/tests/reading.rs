//! Every format is read as its own program means it, and every fault is named.
#![cfg(test)]

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use metabasin_atoms::Species;
use metabasin_files::{
    FilesError, Problem, ReadReport, StructureFormat, read_configuration, read_trajectory,
    read_with_notes,
};
use nalgebra::Vector3;
use tempfile::TempDir;

/// A folder with one file in it.
fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn read(content: &str) -> Result<ReadReport, FilesError> {
    let (_folder, path) = file("sample", content);
    read_with_notes(&path)
}

/// Line and problem of a content that must be refused; the message names the file and a remedy.
fn refused(content: &str) -> (Option<usize>, Problem) {
    let error = read(content).unwrap_err();
    let text = error.to_string();
    match error {
        FilesError::Content { line, problem, .. } => {
            assert!(
                text.contains("sample") && text.ends_with(problem.remedy()),
                "{text}"
            );
            (line, problem)
        }
        other => panic!("expected a problem with the content, got {other}"),
    }
}

/// As LAMMPS writes it: low corner not zero, tilted, image flags, ids in any order.
const DATA: &str = "LAMMPS data file via write_data, version 22 Jul 2025, timestep = 0, units = lj

3 atoms
2 atom types

0.5 4.5 xlo xhi
-1.0 4.0 ylo yhi
0 6 zlo zhi
1.0 -0.5 2.0 xy xz yz

Masses

1 1
2 0.5

Pair Coeffs # lj/cut

1 1 1
2 1 0.833333

Atoms # atomic

7 1 1.0 0.0 1.0 1 0 0
3 2 2.5 0.25 3.0 0 -1 1
5 2 0.5 -1.0 0.0 0 0 0

Velocities

3 0.1 0.2 0.3
5 -1 0 1
7 1e-3 2e-3 -3e-3
";

#[test]
fn lammps_data_are_read_unwrapped_in_the_order_of_the_file() {
    let report = read(DATA).unwrap();
    assert_eq!(report.format, StructureFormat::LammpsData);
    assert_eq!(report.notes, Vec::<String>::new());
    let sample = report.configuration;
    assert_eq!(sample.cell.components(), [4.0, 5.0, 6.0, 1.0, -0.5, 2.0]);
    assert_eq!(sample.ids, [7, 3, 5]);
    assert_eq!(
        sample.species,
        [Species::LARGE, Species::SMALL, Species::SMALL]
    );
    assert_eq!(sample.masses, [1.0, 0.5]);
    // x − lo, plus a for the first atom, minus b plus c for the second.
    assert_eq!(sample.positions[0], Vector3::new(0.5 + 4.0, 1.0, 1.0));
    assert_eq!(
        sample.positions[1],
        Vector3::new(2.0 - 1.0 - 0.5, 1.25 - 5.0 + 2.0, 3.0 + 6.0)
    );
    let velocities = sample.velocities.unwrap();
    assert_eq!(velocities[0], Vector3::new(1e-3, 2e-3, -3e-3));
    assert_eq!(velocities[1], Vector3::new(0.1, 0.2, 0.3));
}

#[test]
fn other_masses_of_ratio_two_are_scaled_and_the_kinetic_energy_stays() {
    let heavy = DATA.replace("1 1\n2 0.5", "1 2\n2 1");
    let report = read(&heavy).unwrap();
    assert_eq!(report.configuration.masses, [1.0, 0.5]);
    assert!(report.notes[0].contains("mass 2"), "{:?}", report.notes);
    let plain = read(DATA).unwrap().configuration;
    // Kinetic energy with the masses and velocities of the file, and with the scaled ones.
    let kinetic = |masses: [f64; 2], velocities: &[Vector3<f64>]| -> f64 {
        let twice = velocities.iter().zip(&plain.species);
        twice
            .map(|(v, s)| masses[usize::from(s.0)] * v.norm_squared())
            .sum()
    };
    let before = kinetic([2.0, 1.0], &plain.velocities.clone().unwrap());
    let after = kinetic([1.0, 0.5], &report.configuration.velocities.unwrap());
    assert!((before / after - 1.0).abs() < 1e-14);
}

#[test]
fn a_data_file_without_masses_gets_the_default_ones_and_says_so() {
    let text = DATA.replace("Masses\n\n1 1\n2 0.5\n", "");
    let report = read(&text).unwrap();
    assert_eq!(report.configuration.masses, [1.0, 0.5]);
    assert!(report.notes[0].contains("no masses"));
}

#[test]
fn a_general_triclinic_data_file_is_rotated_into_the_standard_frame() {
    let text = DATA
        .replace("0.5 4.5 xlo xhi\n", "0 4 0 avec\n")
        .replace("-1.0 4.0 ylo yhi\n", "-5 1 0 bvec\n")
        .replace("0 6 zlo zhi\n", "-2 -0.5 6 cvec\n")
        .replace("1.0 -0.5 2.0 xy xz yz\n", "0 0 0 abc origin\n");
    let report = read(&text).unwrap();
    let components = report.configuration.cell.components();
    for (found, expected) in components.into_iter().zip([4.0, 5.0, 6.0, 1.0, -0.5, 2.0]) {
        assert!((found - expected).abs() < 1e-14, "{components:?}");
    }
    // A quarter turn about z brings (x, y) to (y, −x).
    let velocity = report.configuration.velocities.unwrap()[1];
    assert!((velocity - Vector3::new(0.2, -0.1, 0.3)).norm() < 1e-15);
    assert!(report.notes[0].contains("rotated"));
}

#[test]
fn faults_of_data_files_are_named_by_line() {
    let at = |from: &str, to: &str| {
        assert!(DATA.contains(from), "{from}");
        refused(&DATA.replacen(from, to, 1))
    };
    let (line, problem) = at("3 atoms", "4 atoms");
    assert_eq!(line, Some(25));
    assert!(matches!(
        problem,
        Problem::Count {
            what: "atoms",
            declared: 4,
            found: 3
        }
    ));
    let (line, problem) = at("0.25 3.0", "nan 3.0");
    assert_eq!(
        (line, problem.to_string().as_str()),
        (Some(24), "y is not finite: `nan`")
    );
    let (line, problem) = at("0.25 3.0", "0.25 3,0");
    assert_eq!(line, Some(24));
    assert!(problem.to_string().contains("`3,0`"));
    let (line, problem) = at("-1.0 4.0 ylo", "4.0 4.0 ylo");
    assert_eq!(line, Some(8));
    assert!(
        problem
            .to_string()
            .contains("ly must be positive and finite, got 0")
    );
    let (line, problem) = at("0.5 4.5 xlo", "0.5 inf xlo");
    assert_eq!(line, Some(6));
    assert!(matches!(problem, Problem::NotFinite { .. }), "{problem}");
    let (_, problem) = at("0 6 zlo zhi\n", "");
    assert!(problem.to_string().contains("zlo zhi"));
    let (_, problem) = at("Atoms # atomic", "Atomen");
    assert!(problem.to_string().contains("`Atoms` is missing"));
    let (line, problem) = at("# atomic", "# full");
    assert_eq!(line, Some(21));
    assert!(problem.to_string().contains("`full`"));
    let (_, problem) = at("3 2 2.5", "3 9 2.5");
    assert!(problem.to_string().contains("id 3 has type 9"));
    let (line, problem) = at("3 2 2.5", "3 0 2.5");
    assert_eq!(
        (line, problem),
        (Some(24), Problem::UnknownSpecies { text: "0".into() })
    );
    let (line, problem) = at("3 0.1", "4 0.1");
    assert_eq!((line, problem), (Some(29), Problem::NoSuchAtom { id: 4 }));
    let (_, problem) = at("5 2 0.5", "7 2 0.5");
    assert!(problem.to_string().contains("id 7 occurs twice"));
    let (_, problem) = at("2 0.5\n", "2 0.6\n");
    assert_eq!(
        problem,
        Problem::MassRatio {
            first: 1.0,
            second: 0.6
        }
    );
    let (_, problem) = at("2 0.5\n", "2 0\n");
    assert!(problem.to_string().contains("mass of type 2"));
    let (line, problem) = at("7 1 1.0 0.0 1.0 1 0 0", "7 1 1.0 0.0 1.0 1");
    assert_eq!(line, Some(23));
    assert!(matches!(problem, Problem::Columns { found: 6, .. }));
    // Cut in the middle of a line and at a section.
    let (_, problem) = refused(&DATA[..DATA.find("0.2 0.3").unwrap()]);
    assert!(matches!(
        problem,
        Problem::Count {
            what: "velocities",
            ..
        }
    ));
}

const XYZ: &str = r#"2
Lattice="3.0 0.0 0.0 0.5 4.0 0.0 0.25 -0.5 5.0" Properties=species:S:1:pos:R:3:velo:R:3:id:I:1:note:S:1 pbc="T T T" energy=-3.5 name="a \"b\" c"
1 0.1 0.2 0.3 1 2 3 9 x
2 1.5 2.5 3.5 -1 -2 -3 4 y
"#;

#[test]
fn extended_xyz_is_read_with_velocities_and_ids() {
    let report = read(XYZ).unwrap();
    assert_eq!(report.format, StructureFormat::ExtendedXyz);
    let sample = report.configuration;
    assert_eq!(sample.cell.components(), [3.0, 4.0, 5.0, 0.5, 0.25, -0.5]);
    assert_eq!(sample.ids, [9, 4]);
    assert_eq!(sample.species, [Species::LARGE, Species::SMALL]);
    assert_eq!(sample.positions[1], Vector3::new(1.5, 2.5, 3.5));
    assert_eq!(sample.velocities.unwrap()[0], Vector3::new(1.0, 2.0, 3.0));
}

#[test]
fn species_may_be_letters_elements_of_ase_or_numbers() {
    for (first, second) in [("A", "B"), ("H", "He"), ("1", "2")] {
        let text = XYZ.replace("\n1 0.1", &format!("\n{first} 0.1"));
        let text = text.replace("\n2 1.5", &format!("\n{second} 1.5"));
        let sample = read(&text).unwrap().configuration;
        assert_eq!(sample.species, [Species::LARGE, Species::SMALL]);
    }
    let (line, problem) = refused(&XYZ.replace("\n2 1.5", "\nCu 1.5"));
    assert_eq!(
        (line, problem),
        (Some(4), Problem::UnknownSpecies { text: "Cu".into() })
    );
}

#[test]
fn masses_in_a_column_or_a_key_count() {
    let text = XYZ.replace("id:I:1:note:S:1", "id:I:1:masses:R:1");
    let text = text.replace("9 x", "9 4.0").replace("4 y", "4 2.0");
    let sample = read(&text).unwrap().configuration;
    assert_eq!(sample.masses, [1.0, 0.5]);
    assert_eq!(sample.velocities.unwrap()[0], Vector3::new(2.0, 4.0, 6.0));
    let (_, problem) = refused(&text.replace("\n2 1.5", "\n1 1.5"));
    assert!(matches!(problem, Problem::MixedMasses { number: 1, .. }));
}

#[test]
fn a_turned_lattice_is_rotated_with_its_atoms_and_keeps_distances() {
    // a along y, b along −x: a quarter turn.
    let text = XYZ.replace(
        "3.0 0.0 0.0 0.5 4.0 0.0 0.25 -0.5 5.0",
        "0.0 3.0 0.0 -4.0 0.5 0.0 0.5 0.25 5.0",
    );
    let report = read(&text).unwrap();
    assert!(report.notes.iter().any(|note| note.contains("rotated")));
    let sample = report.configuration;
    for (found, expected) in sample
        .cell
        .components()
        .into_iter()
        .zip([3.0, 4.0, 5.0, 0.5, 0.25, -0.5])
    {
        assert!((found - expected).abs() < 1e-14);
    }
    assert!((sample.positions[1] - Vector3::new(2.5, -1.5, 3.5)).norm() < 1e-14);
    assert!((sample.velocities.unwrap()[0] - Vector3::new(2.0, -1.0, 3.0)).norm() < 1e-14);
}

#[test]
fn faults_of_extended_xyz_are_named_by_line() {
    let at = |from: &str, to: &str| {
        assert!(XYZ.contains(from), "{from}");
        refused(&XYZ.replacen(from, to, 1))
    };
    let (line, problem) = at("0.5 4.0 0.0", "0.5 -4.0 0.0");
    assert_eq!(line, Some(2));
    assert!(matches!(problem, Problem::LeftHanded { .. }));
    let (line, problem) = at("0.5 4.0 0.0", "0.5 0.0 0.0");
    assert_eq!((line, problem), (Some(2), Problem::NoVolume));
    let (_, problem) = at("T T T", "T T F");
    assert!(matches!(problem, Problem::NotPeriodic { .. }));
    let (_, problem) = at("Lattice=", "Gitter=");
    assert!(problem.to_string().contains("Lattice"));
    let (_, problem) = at("pos:R:3", "p:R:3");
    assert!(problem.to_string().contains("pos:R:3"));
    let (line, problem) = at("2\nLattice", "3\nLattice");
    assert_eq!(line, Some(4));
    assert!(matches!(
        problem,
        Problem::Count {
            declared: 3,
            found: 2,
            ..
        }
    ));
    let (line, problem) = at("0.2 0.3", "0.2 NaN");
    assert_eq!(line, Some(3));
    assert!(matches!(problem, Problem::NotFinite { .. }));
    let (line, problem) = at(" 9 x", " 9");
    assert_eq!(line, Some(3));
    assert!(matches!(problem, Problem::Columns { found: 8, .. }));
    let (_, problem) = at("T T T\"", "T T T");
    assert!(
        matches!(
            problem,
            Problem::Missing { .. } | Problem::NotPeriodic { .. }
        ),
        "{problem}"
    );
    let (_, problem) = refused("0\nLattice=\"1 0 0 0 1 0 0 0 1\"\n");
    assert!(problem.to_string().contains("no atoms"));
}

#[test]
fn the_last_frame_counts_and_all_can_be_had() {
    let second = XYZ.replace("0.1 0.2 0.3", "0.7 0.2 0.3");
    let (_folder, path) = file("two.xyz", format!("{XYZ}{second}"));
    let report = read_with_notes(&path).unwrap();
    assert_eq!(report.configuration.positions[0].x, 0.7);
    assert!(report.notes.iter().any(|note| note.contains("2 frames")));
    let frames = read_trajectory(&path).unwrap();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].positions[0].x, 0.1);
}

/// Tilted as in the manual's example: the bounding box spans the tilts.
const DUMP: &str = "ITEM: TIMESTEP
100
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS xy xz yz pp pp pp
-1.5 5.0 1.0
-1.0 6.0 -0.5
0.0 6.0 2.0
ITEM: ATOMS id type xs ys zs ix iy iz vx vy vz
2 1 0.5 0.5 0.5 0 0 0 1 2 3
1 2 0.25 0.0 0.0 1 -1 0 4 5 6
";

#[test]
fn a_tilted_dump_is_read_through_its_bounding_box() {
    let report = read(DUMP).unwrap();
    assert_eq!(report.format, StructureFormat::LammpsDump);
    let sample = report.configuration;
    // lx = (5 − max(0, 1, −0.5, 0.5)) − (−1.5 − min(0, 1, −0.5, 0.5)), ly = (6 − 2) − (−1).
    assert_eq!(sample.cell.components(), [5.0, 5.0, 6.0, 1.0, -0.5, 2.0]);
    assert_eq!(sample.ids, [2, 1]);
    assert_eq!(sample.positions[0], Vector3::new(2.75, 3.5, 3.0));
    assert_eq!(
        sample.positions[1],
        Vector3::new(1.25 + 5.0 - 1.0, -5.0, 0.0)
    );
    assert_eq!(sample.velocities.unwrap()[1], Vector3::new(4.0, 5.0, 6.0));
}

#[test]
fn unwrapped_dump_columns_ignore_image_flags() {
    let text = DUMP.replace("xs ys zs", "xu yu zu");
    let sample = read(&text).unwrap().configuration;
    // The low corner is (−1, −1, 0).
    assert_eq!(sample.positions[1], Vector3::new(1.25, 1.0, 0.0));
}

#[test]
fn faults_of_dumps_are_named_by_line() {
    let at = |from: &str, to: &str| refused(&DUMP.replacen(from, to, 1));
    let (_, problem) = at("pp pp pp", "pp pp fs");
    assert!(matches!(problem, Problem::NotPeriodic { .. }));
    let (line, problem) = at("\n2\n", "\n3\n");
    assert_eq!(line, Some(11));
    assert!(matches!(
        problem,
        Problem::Count {
            declared: 3,
            found: 2,
            ..
        }
    ));
    let (line, problem) = at("\n2\n", "\n1\n");
    assert_eq!(line, Some(11), "{problem}");
    let (_, problem) = at("id type", "id kind");
    assert!(problem.to_string().contains("`type`"));
    let (_, problem) = refused(&DUMP[..DUMP.find("ITEM: ATOMS").unwrap()]);
    assert!(problem.to_string().contains("ITEM: ATOMS"));
}

#[test]
fn compressed_files_are_seen_through_and_truncated_ones_refused() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(DATA.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(DATA.as_bytes(), 0).unwrap();
    let plain = read(DATA).unwrap().configuration;
    for (bytes, format) in [(gzip, "gzip"), (zstd, "zstd")] {
        // No suffix: the content decides.
        let (_folder, path) = file("sample", &bytes);
        assert_eq!(read_configuration(&path).unwrap(), plain);
        for keep in [bytes.len() / 2, bytes.len() - 1, 5] {
            let (_folder, path) = file("cut", &bytes[..keep]);
            let text = read_configuration(&path).unwrap_err().to_string();
            assert!(text.contains(format) && text.contains("copy"), "{text}");
        }
    }
}

#[test]
fn what_is_no_structure_is_refused() {
    assert_eq!(refused("").1, Problem::Empty);
    assert_eq!(refused(" \n\n").1, Problem::Empty);
    let (_, problem) = refused("step,time\n0,0\n");
    assert_eq!(
        problem,
        Problem::NotAStructure {
            beginning: "step,time".into()
        }
    );
    let (_folder, path) = file("binary", [0x53, 0x51, 0xff, 0x00]);
    let text = read_configuration(&path).unwrap_err().to_string();
    assert!(text.contains("byte 2 is not UTF-8"), "{text}");
    let absent = read_configuration(&path.with_file_name("absent")).unwrap_err();
    assert!(absent.to_string().contains("check the name"), "{absent}");
    let folder = read_configuration(path.parent().unwrap()).unwrap_err();
    assert!(folder.to_string().contains("this is a folder"), "{folder}");
}
