//! What is stored comes back, whole searches at a time, and every refusal is named.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use metabasin_atoms::{Dipole, PlasticVolume, Stiffness, Stress};
use metabasin_catalogue::{
    Catalogue, CatalogueError, DisplacementField, EvaluationCounts, EventRates, EventRecord, Found,
    SampleRecord, SearchRecord, Session, export_csv,
};
use proptest::prelude::*;

fn sample() -> SampleRecord {
    SampleRecord {
        fingerprint: "00ff00ff00ff00ff".into(),
        source: "structures/minimum.extxyz".into(),
        potential: "wahnstrom".into(),
        cut: "smooth".into(),
        cell: [7.0, 7.5, 8.0, 0.1, -0.2, 0.3],
        positions: vec![[0.1, 0.2, 0.3], [1.0 / 3.0, -2.5, 7.0]],
        species: vec![1, 2],
        ids: vec![u64::MAX, 7],
        masses: vec![1.0, 0.5],
        energy: -12.5,
        largest_force: 3e-9,
        temperature: Some(0.28),
        stress_minimum: Stress([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        stress_thermal: None,
        stiffness: Some(Stiffness::isotropic(17.0, 0.36)),
        attempt_frequency: 1.5,
        attempt_frequency_band: 3.0,
        settings: "{\"push\":0.1}".into(),
        seed: u64::MAX - 1,
    }
}

fn event(barrier: f64) -> EventRecord {
    EventRecord {
        id: 0,
        first_search: 0,
        barrier_forward: barrier,
        barrier_reverse: 0.5 * barrier,
        energy_minimum: -12.5,
        energy_saddle: -12.5 + barrier,
        energy_final: -12.5 + 0.5 * barrier,
        lowest_eigenvalue: -4.0,
        dipole_saddle: Dipole([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        dipole_final: Dipole([-1.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        plastic_saddle: Some(PlasticVolume([0.0, 0.0, 0.0, 0.25, 0.0, 0.0])),
        plastic_final: None,
        prefactor_forward: None,
        prefactor_reverse: Some(0.7),
        center: [1.0, 2.0, 3.0],
        participation: 4.5,
        largest_displacement: 0.7,
        species: 2,
        structure_class: Some("other".into()),
        largest_force_saddle: 1e-9,
        converged: true,
        index: 1,
        index_method: "inertia".into(),
        connected: true,
        hits: 0,
        evaluations: EvaluationCounts {
            basin: 1,
            lowest_mode: 2,
            climb: 3,
            descent: 4,
            verification: 5,
        },
        displacement_saddle: DisplacementField {
            atoms: vec![0, 1],
            displacements: vec![[0.1, 0.2, 0.3], [-0.1, 1.0 / 3.0, 0.0]],
            rest_norm: 1e-3,
        },
        displacement_final: DisplacementField::default(),
        barrier_core: Some(0.75),
        core_atoms: Some(9),
    }
}

fn search(index: u64) -> SearchRecord {
    SearchRecord {
        index,
        center_atom: 1,
        outcome: "connected".into(),
        detail: None,
        event: None,
        evaluations: EvaluationCounts::default(),
        seconds: 0.25,
    }
}

fn fresh() -> (tempfile::TempDir, PathBuf, Catalogue) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let catalogue = Catalogue::create(&path, &sample()).unwrap();
    (folder, path, catalogue)
}

#[test]
fn sample_events_searches_and_sessions_come_back() {
    let (_folder, path, mut catalogue) = fresh();
    assert_eq!(catalogue.next_search_index().unwrap(), 0);
    let session = Session {
        config: "(searches: 3)".into(),
        seed: u64::MAX,
        version: "0.1.0".into(),
        kernel: "portable".into(),
        host: "here".into(),
        started: "2026-01-01T00:00:00Z".into(),
    };
    catalogue.record_session(&session).unwrap();
    let mut failed = search(1);
    failed.outcome = "out_of_budget".into();
    failed.detail = Some("largest force 0.1".into());
    let new = Found::New(Box::new(event(1.0 / 3.0)));
    assert_eq!(catalogue.record_search(&search(0), &new).unwrap(), Some(1));
    assert_eq!(
        catalogue.record_search(&failed, &Found::None).unwrap(),
        None
    );
    let known = Found::Known { event: 1 };
    assert_eq!(
        catalogue.record_search(&search(5), &known).unwrap(),
        Some(1)
    );
    drop(catalogue);

    let catalogue = Catalogue::open(&path).unwrap();
    assert_eq!(catalogue.sample().unwrap(), sample());
    assert_eq!(catalogue.sessions().unwrap(), [(0, session)]);
    let mut expected = event(1.0 / 3.0);
    (expected.id, expected.hits) = (1, 2);
    assert_eq!(catalogue.events().unwrap(), [expected]);
    let searches = catalogue.searches().unwrap();
    assert_eq!(searches.len(), 3);
    assert_eq!(searches[1], failed);
    assert_eq!((searches[0].event, searches[2].event), (Some(1), Some(1)));
    assert_eq!(catalogue.next_search_index().unwrap(), 6);
    assert_eq!(catalogue.next_event_id().unwrap(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_number_comes_back_with_its_bits(
        reals in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL, 36),
        atoms in prop::collection::vec(any::<u32>(), 0..5),
        count in 0..(1_u64 << 62),
        class in prop::option::of("[ -~]{0,8}"),
        verdict: bool,
    ) {
        let take = |from: usize| -> [f64; 6] { std::array::from_fn(|k| reals[from + k]) };
        let mut event = event(reals[0]);
        event.barrier_reverse = reals[1];
        event.energy_saddle = reals[2];
        event.lowest_eigenvalue = reals[3];
        event.participation = reals[4];
        event.prefactor_forward = Some(reals[5]);
        event.dipole_saddle = Dipole(take(6));
        event.dipole_final = Dipole(take(12));
        event.plastic_final = Some(PlasticVolume(take(18)));
        event.center = [reals[24], reals[25], reals[26]];
        event.structure_class = class;
        event.converged = verdict;
        event.evaluations.climb = count;
        event.displacement_final = DisplacementField {
            displacements: atoms.iter().map(|_| [reals[27], reals[28], reals[29]]).collect(),
            atoms,
            rest_norm: reals[30],
        };
        let (_folder, _path, mut catalogue) = fresh();
        catalogue.record_search(&search(3), &Found::New(Box::new(event.clone()))).unwrap();
        (event.id, event.first_search, event.hits) = (1, 3, 1);
        // Equality of finite numbers that are not zero is equality of bits.
        prop_assert_eq!(catalogue.events().unwrap(), vec![event]);
    }
}

/// Copies the database and what belongs to it, as it stands on disk at this moment.
fn copy_as_it_stands(path: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join("copy.sqlite");
    for suffix in ["", "-wal"] {
        let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if with(path).exists() {
            fs::copy(with(path), with(&copy)).unwrap();
        }
    }
    copy
}

#[test]
fn a_kill_at_any_moment_leaves_whole_batches() {
    let (folder, path, mut catalogue) = fresh();
    for batch in 0..6_u64 {
        let rows: Vec<(SearchRecord, Found)> = (0..4)
            .map(|k| {
                let index = 4 * batch + k;
                let found = Found::New(Box::new(event(1.0 + index as f64)));
                (search(index), found)
            })
            .collect();
        catalogue
            .record_searches(rows.iter().map(|(search, found)| (search, found)))
            .unwrap();
        // What a kill right now would leave.
        let copy = copy_as_it_stands(&path, folder.path());
        let left = Catalogue::open(&copy).unwrap();
        assert_eq!(left.searches().unwrap().len() as u64, 4 * (batch + 1));
        assert_eq!(left.events().unwrap().len() as u64, 4 * (batch + 1));
        drop(left);
        // Cut anywhere inside the log, whole batches are left.
        let log = PathBuf::from(format!("{}-wal", path.display()));
        let bytes = fs::read(log).unwrap();
        for part in [bytes.len() / 3, bytes.len() - 1] {
            let copy = copy_as_it_stands(&path, folder.path());
            fs::write(format!("{}-wal", copy.display()), &bytes[..part]).unwrap();
            let left = Catalogue::open(&copy).unwrap();
            let searches = left.searches().unwrap().len();
            assert!(
                searches.is_multiple_of(4) && searches as u64 <= 4 * batch + 4,
                "{searches}"
            );
            assert_eq!(left.events().unwrap().len(), searches);
        }
    }
}

#[test]
fn a_batch_that_fails_leaves_nothing_of_itself() {
    let (_folder, path, mut catalogue) = fresh();
    let good = (search(0), Found::New(Box::new(event(1.0))));
    let mut bad_event = event(2.0);
    bad_event.barrier_reverse = f64::NAN;
    let bad = (search(1), Found::New(Box::new(bad_event)));
    let unknown = (search(1), Found::Known { event: 99 });
    let early = (search(0), Found::None);
    for second in [&bad, &unknown, &early] {
        let batch = [&good, second].map(|(search, found)| (search, found));
        let error = catalogue.record_searches(batch).unwrap_err();
        assert!(
            matches!(
                error,
                CatalogueError::NotFinite { .. }
                    | CatalogueError::NoSuchEvent { event: 99, .. }
                    | CatalogueError::SearchOrder {
                        index: 0,
                        last: 0,
                        ..
                    }
            ),
            "{error}"
        );
        assert_eq!(catalogue.next_search_index().unwrap(), 0);
        assert!(
            Catalogue::open_read_only(&path)
                .unwrap()
                .events()
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn readers_look_on_and_a_second_writer_is_told() {
    let (_folder, path, mut catalogue) = fresh();
    let reader = Catalogue::open_read_only(&path).unwrap();
    catalogue
        .record_search(&search(0), &Found::New(Box::new(event(1.0))))
        .unwrap();
    assert_eq!(reader.events().unwrap().len(), 1);
    // Another process in the middle of its transaction.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = catalogue
        .record_search(&search(1), &Found::None)
        .unwrap_err();
    assert!(matches!(error, CatalogueError::Busy { .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    catalogue.record_search(&search(1), &Found::None).unwrap();
    // A second program that wants to write, and is told who does.
    let error = Catalogue::open(&path).unwrap_err();
    assert!(matches!(error, CatalogueError::InUse { .. }), "{error}");
    let text = error.to_string();
    let process = format!("process {}", std::process::id());
    assert!(
        text.contains(&process) && text.contains("catalogue.sqlite"),
        "{text}"
    );
    assert_eq!(catalogue.search_range().unwrap(), Some(0..2));
    // Readers are welcome, and once the writer ended so is the next.
    Catalogue::open_read_only(&path).unwrap();
    drop(catalogue);
    let mut next = Catalogue::open(&path).unwrap();
    let error = next.record_search(&search(1), &Found::None).unwrap_err();
    assert!(
        matches!(error, CatalogueError::SearchOrder { .. }),
        "{error}"
    );
    drop(next);
    // What a killed writer leaves behind holds nobody up.
    let lock = path.with_file_name("catalogue.sqlite.lock");
    assert!(!lock.exists());
    std::fs::write(&lock, "process 1 on nowhere").unwrap();
    Catalogue::open(&path).unwrap();
    assert!(!lock.exists());
}

#[test]
fn what_is_no_catalogue_of_ours_is_refused_by_name() {
    let (folder, path, mut catalogue) = fresh();
    let exists = Catalogue::create(&path, &sample()).unwrap_err();
    assert!(matches!(exists, CatalogueError::Exists { .. }));
    catalogue.check_sample("00ff00ff00ff00ff").unwrap();
    let text = catalogue.check_sample("12").unwrap_err().to_string();
    assert!(
        text.contains("00ff00ff00ff00ff") && text.contains("sample given is 12"),
        "{text}"
    );
    assert!(catalogue.set_rates(1, &EventRates::default()).is_err());
    catalogue
        .record_search(&search(0), &Found::New(Box::new(event(1.0))))
        .unwrap();
    let measured = EventRates {
        prefactor_forward: Some(1.25),
        barrier_core: Some(0.5),
        core_atoms: Some(3),
        ..EventRates::default()
    };
    catalogue.set_rates(1, &measured).unwrap();
    let stored = &catalogue.events().unwrap()[0];
    assert_eq!(stored.prefactor_forward, Some(1.25));
    assert_eq!(stored.prefactor_reverse, None);
    assert_eq!(
        (stored.barrier_core, stored.core_atoms),
        (Some(0.5), Some(3))
    );
    let broken = EventRates {
        barrier_core: Some(f64::NAN),
        ..EventRates::default()
    };
    assert!(catalogue.set_rates(1, &broken).is_err());
    assert_eq!(catalogue.metadata("rates").unwrap(), None);
    for value in ["first", "second"] {
        catalogue.set_metadata("rates", value).unwrap();
        assert_eq!(catalogue.metadata("rates").unwrap().as_deref(), Some(value));
    }
    drop(catalogue);

    let absent = Catalogue::open(&folder.path().join("absent")).unwrap_err();
    assert!(matches!(absent, CatalogueError::NotFound { .. }));
    let text = folder.path().join("text");
    fs::write(&text, "no database, but long enough").unwrap();
    let error = Catalogue::open(&text).unwrap_err();
    assert!(
        matches!(error, CatalogueError::NotADatabase { .. }),
        "{error}"
    );
    let foreign = folder.path().join("foreign.sqlite");
    let other = rusqlite::Connection::open(&foreign).unwrap();
    other.execute_batch("CREATE TABLE t (x)").unwrap();
    let error = Catalogue::open_read_only(&foreign).unwrap_err();
    assert!(
        matches!(error, CatalogueError::NotACatalogue { .. }),
        "{error}"
    );
    let later = rusqlite::Connection::open(&path).unwrap();
    later.execute_batch("PRAGMA user_version = 9").unwrap();
    drop(later);
    let text = Catalogue::open(&path).unwrap_err().to_string();
    assert!(
        text.contains("version 9") && text.contains("reads version 2"),
        "{text}"
    );
    // Nothing half-made stays behind.
    let failed = Catalogue::create(&folder.path().join("absent/c.sqlite"), &sample());
    assert!(matches!(failed.unwrap_err(), CatalogueError::File { .. }));
    let parts = fs::read_dir(folder.path()).unwrap();
    assert!(parts.into_iter().all(|entry| {
        !entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains(".part")
    }));
}

/// A catalogue as version 1 of the schema made it.
fn as_version_1(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "ALTER TABLE events DROP COLUMN barrier_core; ALTER TABLE events DROP COLUMN core_atoms;
             PRAGMA user_version = 1;
             UPDATE metadata SET value = '1' WHERE key = 'schema_version';",
        )
        .unwrap();
}

#[test]
fn a_catalogue_of_version_1_is_read_as_it_is_and_upgraded_by_a_writer() {
    let (_folder, path, mut catalogue) = fresh();
    catalogue
        .record_search(&search(0), &Found::New(Box::new(event(1.0))))
        .unwrap();
    let mut expected = catalogue.events().unwrap();
    drop(catalogue);
    as_version_1(&path);
    expected[0].barrier_core = None;
    expected[0].core_atoms = None;
    let reader = Catalogue::open_read_only(&path).unwrap();
    assert_eq!(reader.events().unwrap(), expected);
    assert_eq!(reader.metadata("schema_version").unwrap().unwrap(), "1");
    drop(reader);
    let mut writer = Catalogue::open(&path).unwrap();
    assert_eq!(writer.events().unwrap(), expected);
    assert_eq!(writer.metadata("schema_version").unwrap().unwrap(), "2");
    writer
        .record_search(&search(1), &Found::New(Box::new(event(2.0))))
        .unwrap();
    assert_eq!(writer.events().unwrap()[1].core_atoms, Some(9));
    drop(writer);
    Catalogue::open(&path).unwrap();
}

#[test]
fn a_damaged_blob_is_named() {
    let (_folder, path, mut catalogue) = fresh();
    catalogue
        .record_search(&search(0), &Found::New(Box::new(event(1.0))))
        .unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("UPDATE events SET displacement_saddle = x'0102'")
        .unwrap();
    let text = catalogue.events().unwrap_err().to_string();
    assert!(
        text.contains("events.displacement_saddle") && text.contains("2 bytes"),
        "{text}"
    );
}

#[test]
fn the_documentation_names_every_table_view_and_column() {
    let (_folder, path, _catalogue) = fresh();
    let document = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/catalogue-schema.md"
    );
    let document = fs::read_to_string(document).unwrap();
    let connection = rusqlite::Connection::open(path).unwrap();
    let list = |query: &str| -> Vec<String> {
        let mut statement = connection.prepare(query).unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    };
    let tables = list("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");
    assert_eq!(tables.len(), 7, "{tables:?}");
    for table in &tables {
        assert!(document.contains(&format!("`{table}`")), "{table}");
        for column in list(&format!("SELECT name FROM pragma_table_info('{table}')")) {
            assert!(
                document.contains(&format!("`{column}`")),
                "{table}.{column}"
            );
        }
    }
}

#[test]
fn views_show_verified_events_and_minima() {
    let (_folder, path, mut catalogue) = fresh();
    let mut loose = event(3.0);
    loose.connected = false;
    catalogue
        .record_search(&search(0), &Found::New(Box::new(event(1.0))))
        .unwrap();
    catalogue
        .record_search(&search(1), &Found::New(Box::new(loose)))
        .unwrap();
    assert_eq!(catalogue.verified_events().unwrap().len(), 1);
    let connection = rusqlite::Connection::open(path).unwrap();
    let (count, volume): (i64, f64) = connection
        .query_row(
            "SELECT count(*), max(activation_volume) FROM verified_events",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!((count, volume), (1, 0.5));
    let heights: f64 = connection
        .query_row("SELECT sum(energy_above_sample) FROM minima", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(heights, 0.5 + 1.5);
}

#[test]
fn the_csv_holds_every_scalar_column() {
    let (_folder, _path, mut catalogue) = fresh();
    let mut quoted = event(1.0 / 3.0);
    quoted.structure_class = Some("a,\"b\"".into());
    catalogue
        .record_search(&search(4), &Found::New(Box::new(quoted)))
        .unwrap();
    let text = export_csv(&catalogue).unwrap();
    let (header, row) = text.trim_end().split_once('\n').unwrap();
    let names: Vec<&str> = header.split(',').collect();
    assert!(row.contains("\"a,\"\"b\"\"\""), "{row}");
    let row = row.replace("\"a,\"\"b\"\"\"", "class");
    let cells: Vec<&str> = row.split(',').collect();
    assert_eq!(names.len(), cells.len());
    let cell = |name: &str| cells[names.iter().position(|other| *other == name).unwrap()];
    assert_eq!(cell("barrier_forward"), "0.3333333333333333");
    assert_eq!(cell("dipole_saddle_yz"), "6.0");
    assert_eq!(cell("plastic_final_xy"), "");
    assert_eq!(cell("first_search"), "4");
    assert_eq!(cell("index"), "1");
    assert!(!names.contains(&"displacement_saddle"));
}
