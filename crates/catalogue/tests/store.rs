//! What is stored comes back, whole searches at a time, and every refusal is named.
#![cfg(test)]

use std::fs;

use metabasin_atoms::{Dipole, PlasticVolume};
use metabasin_catalogue::{
    Catalogue, CatalogueError, DisplacementField, Found, SearchRecord, Session,
};
use proptest::prelude::*;

#[path = "support/records.rs"]
mod records;
use records::{event, fresh, sample, search};

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

#[test]
fn the_file_alone_is_whole_after_every_batch() {
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
        // What a kill right now would leave, copied alone.
        let copy = folder.path().join(format!("copy-{batch}.sqlite"));
        fs::copy(&path, &copy).unwrap();
        let left = Catalogue::open(&copy).unwrap();
        assert_eq!(left.searches().unwrap().len() as u64, 4 * (batch + 1));
        assert_eq!(left.events().unwrap(), catalogue.events().unwrap());
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
