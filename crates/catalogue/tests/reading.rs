//! What other programs and other versions find in the file, and what is refused.
#![cfg(test)]

use std::fs;
use std::path::Path;

use metabasin_atoms::Stress;
use metabasin_catalogue::{
    Catalogue, CatalogueError, DisplacementField, EventRates, FluxRecord, Found, HarvestRecord,
    StateGraph, StateRecord, WellModuli, export_csv,
};

#[path = "support/records.rs"]
mod records;
use records::{event, fresh, sample, search};

/// Two states of three quenches.
fn graph() -> StateGraph {
    let home = StateRecord {
        quenches: 2,
        time: 1.0,
        weight: Some(1.0 / 3.0),
        weight_relative_error: Some(0.5),
        ..StateRecord::default()
    };
    let flipped = StateRecord {
        first_harvest: 0,
        energy: 0.25,
        stress: Stress([0.1, 0.2, 0.3, 0.4, 0.5, 1.0 / 3.0]),
        quenches: 1,
        time: 0.5,
        weight: None,
        weight_relative_error: None,
        displacement: DisplacementField {
            atoms: vec![1],
            displacements: vec![[0.1, 0.2, 1.0 / 3.0]],
            rest_norm: 1e-3,
        },
    };
    StateGraph {
        harvests: vec![HarvestRecord {
            seed: u64::MAX,
            temperature: 0.28,
            trajectories: 1,
            settle: 50.0,
            duration: 1.5,
            interval: 0.5,
            friction_time: 5.0,
            time_step: 0.005,
            kernel: "portable".into(),
            version: "0.1.0".into(),
            wells: Some(WellModuli {
                inherent: [17.0, 18.0, 1.0 / 3.0],
                thermal: [16.0, 17.0, 0.25],
                thermal_error: [0.1, 0.2, 0.3],
            }),
        }],
        states: vec![home, flipped],
        fluxes: vec![FluxRecord {
            between: [0, 1],
            jumps: [1, 0],
            flux: Some(0.125),
            flux_relative_error: None,
        }],
    }
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
    assert!(catalogue.set_rates([(1, &EventRates::default())]).is_err());
    catalogue
        .record_search(&search(0), &Found::New(Box::new(event(1.0))))
        .unwrap();
    let measured = EventRates {
        prefactor_forward: Some(1.25),
        barrier_core: Some(0.5),
        core_atoms: Some(3),
        ..EventRates::default()
    };
    catalogue.set_rates([(1, &measured)]).unwrap();
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
    assert!(catalogue.set_rates([(1, &broken)]).is_err());
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
        text.contains("version 9") && text.contains("reads version 4"),
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
             DROP TABLE fluxes; DROP TABLE states; DROP TABLE harvests;
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
    assert_eq!(reader.graph().unwrap(), None);
    drop(reader);
    let mut writer = Catalogue::open(&path).unwrap();
    assert_eq!(writer.events().unwrap(), expected);
    assert_eq!(writer.metadata("schema_version").unwrap().unwrap(), "4");
    writer.set_graph(&graph()).unwrap();
    assert_eq!(writer.graph().unwrap().as_ref(), Some(&graph()));
    writer
        .record_search(&search(1), &Found::New(Box::new(event(2.0))))
        .unwrap();
    assert_eq!(writer.events().unwrap()[1].core_atoms, Some(9));
    drop(writer);
    Catalogue::open(&path).unwrap();
}

/// Version 3 knew nothing of wells.
#[test]
fn harvests_of_version_3_are_read_and_upgraded() {
    let (_folder, path, mut catalogue) = fresh();
    catalogue.set_graph(&graph()).unwrap();
    drop(catalogue);
    let connection = rusqlite::Connection::open(&path).unwrap();
    for name in ["inherent_modulus", "well_modulus", "well_modulus_error"] {
        for component in ["xy", "xz", "yz"] {
            connection
                .execute_batch(&format!(
                    "ALTER TABLE harvests DROP COLUMN {name}_{component}"
                ))
                .unwrap();
        }
    }
    connection
        .execute_batch(
            "PRAGMA user_version = 3;
             UPDATE metadata SET value = '3' WHERE key = 'schema_version';",
        )
        .unwrap();
    drop(connection);
    let mut expected = graph();
    expected.harvests[0].wells = None;
    let reader = Catalogue::open_read_only(&path).unwrap();
    assert_eq!(reader.graph().unwrap().as_ref(), Some(&expected));
    drop(reader);
    let mut writer = Catalogue::open(&path).unwrap();
    assert_eq!(writer.graph().unwrap().as_ref(), Some(&expected));
    writer.set_graph(&graph()).unwrap();
    assert_eq!(writer.graph().unwrap().as_ref(), Some(&graph()));
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
    assert_eq!(tables.len(), 10, "{tables:?}");
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

#[test]
fn a_graph_is_replaced_whole_or_not_at_all() {
    let (_folder, path, mut catalogue) = fresh();
    assert_eq!(catalogue.graph().unwrap(), None);
    catalogue.set_graph(&graph()).unwrap();
    let mut broken = graph();
    broken.states.pop();
    broken.fluxes.clear();
    broken.states[0].weight = Some(f64::NAN);
    let text = catalogue.set_graph(&broken).unwrap_err().to_string();
    assert!(text.contains("states.weight"), "{text}");
    assert_eq!(catalogue.graph().unwrap(), Some(graph()));
    broken.states[0].weight = None;
    catalogue.set_graph(&broken).unwrap();
    assert_eq!(catalogue.graph().unwrap(), Some(broken));
    drop(catalogue);
    let reader = Catalogue::open_read_only(&path).unwrap();
    assert_eq!(reader.graph().unwrap().unwrap().states.len(), 1);
}

#[test]
fn a_graph_that_contradicts_itself_is_refused_by_name() {
    for (damage, named) in [
        (
            "UPDATE states SET state = 7 WHERE state = 1",
            "states.state",
        ),
        ("UPDATE fluxes SET state_b = 7", "fluxes.state_b"),
        ("UPDATE fluxes SET state_b = 0", "fluxes.state_b"),
        (
            "UPDATE states SET displacement_state = x'01'",
            "states.displacement_state",
        ),
    ] {
        let (_folder, path, mut catalogue) = fresh();
        catalogue.set_graph(&graph()).unwrap();
        drop(catalogue);
        let other = rusqlite::Connection::open(&path).unwrap();
        other
            .execute_batch(&format!("PRAGMA foreign_keys = OFF; {damage}"))
            .unwrap();
        drop(other);
        let reader = Catalogue::open_read_only(&path).unwrap();
        let text = reader.graph().unwrap_err().to_string();
        assert!(text.contains(named), "{damage}: {text}");
    }
}
