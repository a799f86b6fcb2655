//! What is written comes back with the same bits.
#![cfg(test)]

use std::fs;

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_files::{
    AtomColumn, FilesError, Frame, Overwrite, read_configuration, read_trajectory, read_with_notes,
    write_extxyz, write_lammps_data, write_lammps_dump,
};
use nalgebra::Vector3;
use proptest::prelude::*;

fn vectors(count: usize) -> impl Strategy<Value = Vec<Vector3<f64>>> {
    // Any magnitude and any last bit.
    let component =
        (-1.0_f64..1.0, -12..4_i32).prop_map(|(value, power)| value * 10_f64.powi(power));
    prop::collection::vec(
        prop::array::uniform3(component).prop_map(Vector3::from),
        count,
    )
}

/// Two names that differ, of letters and of what has a meaning elsewhere in the formats.
fn names() -> impl Strategy<Value = Vec<String>> {
    const NAME: &str = "[A-GI-W][a-z,:;=*'\"\\\\\\[\\]{}]{0,4}";
    [NAME, NAME]
        .prop_map(|names| names.to_vec())
        .prop_filter("one name for two types", |names| names[0] != names[1])
}

fn samples(tilted: bool) -> impl Strategy<Value = Configuration> {
    (1_usize..12)
        .prop_flat_map(move |atoms| {
            (
                prop::array::uniform3(1.0..30.0_f64),
                prop::array::uniform3(if tilted { -9.0..9.0_f64 } else { 0.0..1e-300 }),
                vectors(atoms),
                prop::option::of(vectors(atoms)),
                prop::collection::vec(0_u8..2, atoms),
                Just((0..atoms as u64).map(|i| 3 * i + 1).collect::<Vec<_>>()).prop_shuffle(),
                prop::option::of(names()),
            )
        })
        .prop_map(
            move |(l, t, positions, velocities, species, ids, names)| Configuration {
                cell: Cell::new(if tilted {
                    [l[0], l[1], l[2], t[0], t[1], t[2]]
                } else {
                    [l[0], l[1], l[2], 0.0, 0.0, 0.0]
                })
                .unwrap(),
                positions,
                velocities,
                // Only types that occur have a mass.
                masses: [1.0, 0.5][..=usize::from(*species.iter().max().unwrap())].to_vec(),
                names: names
                    .map(|names| names[..=usize::from(*species.iter().max().unwrap())].to_vec()),
                species: species.into_iter().map(Species).collect(),
                ids,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn extended_xyz_and_lammps_data_are_exact(sample in samples(true)) {
        let folder = tempfile::tempdir().unwrap();
        for suffix in ["", ".gz", ".zst"] {
            let xyz = folder.path().join(format!("sample.xyz{suffix}"));
            write_extxyz(&xyz, &[Frame::new(&sample)], Overwrite::Refuse).unwrap();
            let report = read_with_notes(&xyz).unwrap();
            prop_assert_eq!(&report.configuration, &sample);
            prop_assert_eq!(report.configuration.fingerprint(), sample.fingerprint());
            prop_assert!(report.notes.is_empty(), "{:?}", report.notes);
            let data = folder.path().join(format!("sample.data{suffix}"));
            write_lammps_data(&data, &sample, Overwrite::Refuse).unwrap();
            prop_assert_eq!(read_configuration(&data).unwrap(), sample.clone());
        }
    }

    #[test]
    fn a_dump_is_exact_where_its_format_allows(sample in samples(false), tilted in samples(true)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sample.dump");
        write_lammps_dump(&path, &[(0, &sample), (1, &tilted)], Overwrite::Refuse).unwrap();
        let frames = read_trajectory(&path).unwrap();
        let mut sample = sample;
        if let Some(names) = &mut sample.names
            && !sample.species.contains(&Species::LARGE)
        {
            // A dump has names for atoms only.
            names[0] = "H".to_owned();
        }
        prop_assert_eq!(&frames[0], &sample);
        prop_assert_eq!(&frames[1].masses, &tilted.masses);
        let found = frames[1].cell.components();
        for (k, expected) in tilted.cell.components().into_iter().enumerate() {
            // The bounding box adds tilts of up to 18 to a length and takes them off again.
            prop_assert!((found[k] - expected).abs() < 4.0 * 48.0 * f64::EPSILON);
        }
        prop_assert_eq!(&frames[1].positions, &tilted.positions);
    }

    #[test]
    fn no_text_brings_a_reader_down(text in "(ITEM: |ATOMS id type x y z|BOX BOUNDS xy xz yz pp pp pp|NUMBER OF ATOMS|[0-9]{1,3}| |\n|-1e9|atoms|xlo xhi|Lattice=|\"|Properties=pos:R:3:|Atoms|Masses|nan){0,40}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any");
        fs::write(&path, text).unwrap();
        if let Ok(sample) = read_configuration(&path) {
            prop_assert_eq!(sample.validate(), Ok(()));
        }
    }
}

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

#[test]
fn keys_forces_and_columns_stand_where_other_programs_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("event.xyz");
    let sample = pair();
    let forces = vec![Vector3::new(1.0, 0.0, 0.0), Vector3::new(-1.0, 0.0, 0.0)];
    let frames = ["minimum", "saddle", "final"].map(|kind| {
        Frame::new(&sample)
            .with_forces(&forces)
            .with_key("config_type", kind)
            .with_key("energy", -7.25)
            .with_key("event", 12)
            .with_key("remark", "tilted \"glass\"")
            .with_column("n5", AtomColumn::Integers(vec![12, 8]))
            .with_column(
                "class",
                AtomColumn::Names(vec!["icosahedral".into(), "other".into()]),
            )
    });
    write_extxyz(&path, &frames, Overwrite::Refuse).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 12);
    for part in [
        "Properties=species:S:1:pos:R:3:id:I:1:masses:R:1:radius:R:1:forces:R:3:n5:I:1:class:S:1",
        "pbc=\"T T T\"",
        "energy=-7.2500000000000000e0",
        "event=12",
        "remark=\"tilted \\\"glass\\\"\"",
    ] {
        assert!(lines[1].contains(part), "{part} in {}", lines[1]);
    }
    assert!(lines[5].contains("config_type=\"saddle\""));
    assert!(lines[2].starts_with("H ") && lines[2].ends_with(" 12 icosahedral"));
    assert_eq!(
        read_trajectory(&path).unwrap(),
        vec![sample.clone(), sample.clone(), sample]
    );
}

#[test]
fn the_same_content_gives_the_same_bytes_compressed_too() {
    let folder = tempfile::tempdir().unwrap();
    for suffix in ["xyz", "xyz.gz", "xyz.zst"] {
        let names = ["first", "second"].map(|name| folder.path().join(format!("{name}.{suffix}")));
        for path in &names {
            write_extxyz(path, &[Frame::new(&pair())], Overwrite::Refuse).unwrap();
        }
        assert_eq!(fs::read(&names[0]).unwrap(), fs::read(&names[1]).unwrap());
    }
}

#[test]
fn what_is_not_valid_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.xyz");
    let mut blown_up = pair();
    blown_up.positions[1].x = f64::NAN;
    let sample = pair();
    let short = Frame::new(&sample).with_column("n5", AtomColumn::Integers(vec![12]));
    let spaced = Frame::new(&sample).with_key("two words", 1.0);
    for frame in [Frame::new(&blown_up), short, spaced] {
        let error = write_extxyz(&path, &[frame], Overwrite::Allow).unwrap_err();
        assert!(matches!(error, FilesError::Content { .. }), "{error}");
    }
    assert!(write_lammps_data(&path, &blown_up, Overwrite::Allow).is_err());
    assert!(write_lammps_dump(&path, &[(0, &blown_up)], Overwrite::Allow).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
