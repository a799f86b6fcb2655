//! What stands beside a catalogue: nothing once it is finished, what makes it whole after a kill,
//! and what belongs to another file.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use metabasin_catalogue::{
    Catalogue, CatalogueError, EventRecord, Found, SampleRecord, SearchRecord, Session, companions,
    remove_catalogue,
};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

#[path = "support/records.rs"]
mod records;
use records::{event, fresh, sample, search};

/// Everything that a catalogue holds.
type Contents = (
    SampleRecord,
    Vec<EventRecord>,
    Vec<SearchRecord>,
    Vec<(u64, Session)>,
);

fn contents(catalogue: &Catalogue) -> Contents {
    (
        catalogue.sample().unwrap(),
        catalogue.events().unwrap(),
        catalogue.searches().unwrap(),
        catalogue.sessions().unwrap(),
    )
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Searches with these indices in a sample of this energy, every second of which finds an event.
fn filled(path: &Path, energy: f64, indices: std::ops::Range<u64>) -> Catalogue {
    let sample = SampleRecord { energy, ..sample() };
    let mut catalogue = Catalogue::create(path, &sample).unwrap();
    let session = Session {
        seed: sample.seed,
        started: "2999-01-01T00:00:00Z".into(),
        ..Session::default()
    };
    catalogue.record_session(&session).unwrap();
    for index in indices {
        let mut record = search(index);
        record.seconds = 0.25 + index as f64;
        let mut event = event(1.0 + index as f64);
        event.energy_minimum = energy;
        // Events of some thousand atoms, so that the file has many pages.
        event.displacement_final.atoms = (0..2000).collect();
        event.displacement_final.displacements = vec![[0.5; 3]; 2000];
        let found = if index % 2 == 0 {
            Found::New(Box::new(event))
        } else {
            Found::None
        };
        catalogue.record_search(&record, &found).unwrap();
    }
    catalogue
}

/// What a kill in the middle of a transaction leaves of the catalogue at `path`, as `copy`: some
/// pages are written already, and a journal is there that undoes them.
fn kill_in_the_middle(path: &Path, copy: &Path) {
    let writer = Connection::open(path).unwrap();
    writer
        .execute_batch(
            "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2; PRAGMA cache_spill = 1;
             BEGIN IMMEDIATE;
             UPDATE events SET hits = hits + 1, barrier_forward = barrier_forward + 1.0;
             UPDATE events SET displacement_saddle = displacement_final,
                 displacement_saddle_atoms = displacement_final_atoms;",
        )
        .unwrap();
    fs::copy(path, copy).unwrap();
    fs::copy(beside(path, "-journal"), beside(copy, "-journal")).unwrap();
    writer.execute_batch("ROLLBACK").unwrap();
}

/// What an earlier version, in WAL mode, left when it was killed: all searches in the log alone.
/// The catalogue of the first searches, with those of `rest` in its log.
fn kill_in_log_mode(path: &Path, rest: &Path, copy: &Path) {
    let writer = Connection::open(path).unwrap();
    let mode: String = writer
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    writer
        .execute_batch(&format!(
            "PRAGMA wal_autocheckpoint = 0; ATTACH '{}' AS rest; BEGIN;
             INSERT INTO events SELECT * FROM rest.events
                 WHERE id NOT IN (SELECT id FROM main.events);
             INSERT INTO searches SELECT * FROM rest.searches
                 WHERE search NOT IN (SELECT search FROM main.searches);
             INSERT INTO provenance SELECT * FROM rest.provenance
                 WHERE session NOT IN (SELECT session FROM main.provenance);
             COMMIT;",
            rest.display()
        ))
        .unwrap();
    fs::copy(path, copy).unwrap();
    fs::copy(beside(path, "-wal"), beside(copy, "-wal")).unwrap();
}

/// How a catalogue with something beside it is refused, by readers and writers, unchanged.
fn refused(path: &Path, companion: &str) -> String {
    let files = || {
        let beside = beside(path, companion);
        (fs::read(path).unwrap(), fs::read(beside).unwrap())
    };
    let before = files();
    let read = Catalogue::open_read_only(path).unwrap_err();
    let written = Catalogue::open(path).unwrap_err();
    for error in [&read, &written] {
        assert!(
            matches!(error, CatalogueError::ForeignCompanion { .. }),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(companion) && text.contains("move it away"),
            "{text}"
        );
    }
    assert_eq!(read.to_string(), written.to_string());
    assert!(files() == before);
    read.to_string()
}

#[test]
fn a_finished_catalogue_is_one_file_that_any_reader_opens_without_another() {
    let (folder, path, mut catalogue) = fresh();
    catalogue
        .record_search(&search(0), &Found::New(Box::new(event(1.0))))
        .unwrap();
    let lock = "catalogue.sqlite.lock".to_owned();
    let one = "catalogue.sqlite".to_owned();
    assert_eq!(names(folder.path()), [one.clone(), lock].into());
    drop(catalogue);
    assert_eq!(names(folder.path()), [one.clone()].into());
    // SQLite's bytes for the mode of the file; 2 would ask a reader for a folder to write to.
    assert_eq!(fs::read(&path).unwrap()[18..20], [1, 1]);
    let plain = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let count: i64 = plain
        .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
    assert_eq!(names(folder.path()), [one].into());
    drop(plain);
    for companion in companions(&path) {
        fs::write(companion, "").unwrap();
    }
    remove_catalogue(&path).unwrap();
    assert_eq!(
        names(folder.path()),
        ["catalogue.sqlite.lock".to_owned()].into()
    );
}

/// A merged catalogue takes over sessions that are older than itself: a kill just before its journal goes leaves
/// them in the file, and the journal undoes them.
#[test]
fn a_journal_undoes_sessions_older_than_the_catalogue() {
    let folder = TempDir::new().unwrap();
    let (path, copy) = (
        folder.path().join("a.sqlite"),
        folder.path().join("b.sqlite"),
    );
    let catalogue = filled(&path, -12.5, 0..16);
    let before = contents(&catalogue);
    let seed = catalogue.sample().unwrap().seed;
    drop(catalogue);
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch(&format!(
            "BEGIN IMMEDIATE; INSERT INTO provenance
             (first_search, config, seed, version, kernel, host, started)
             VALUES (0, '', '{seed}', '', '', '', '2000-01-01T00:00:00Z');"
        ))
        .unwrap();
    writer.cache_flush().unwrap();
    fs::copy(&path, &copy).unwrap();
    fs::copy(beside(&path, "-journal"), beside(&copy, "-journal")).unwrap();
    drop(writer);
    assert_eq!(contents(&Catalogue::open_read_only(&copy).unwrap()), before);
    let opened = Catalogue::open(&copy).unwrap();
    assert_eq!(contents(&opened), before);
    assert_eq!(
        opened.sessions().unwrap(),
        Catalogue::open(&path).unwrap().sessions().unwrap()
    );
}

#[test]
fn a_kill_in_the_middle_of_a_transaction_leaves_what_was_there_before() {
    let folder = TempDir::new().unwrap();
    let (path, copy) = (
        folder.path().join("a.sqlite"),
        folder.path().join("b.sqlite"),
    );
    let before = contents(&filled(&path, -12.5, 0..16));
    kill_in_the_middle(&path, &copy);
    let killed = fs::read(&copy).unwrap();
    assert!(
        killed != fs::read(&path).unwrap(),
        "nothing was written yet"
    );

    // Copied alone it is half a transaction, which is said and not read.
    let alone = folder.path().join("alone.sqlite");
    fs::copy(&copy, &alone).unwrap();
    for error in [
        Catalogue::open_read_only(&alone).unwrap_err(),
        Catalogue::open(&alone).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(
            matches!(
                error,
                CatalogueError::Torn { .. } | CatalogueError::Malformed { .. }
            ),
            "{text}"
        );
        assert!(text.contains("export --format sqlite"), "{text}");
    }
    assert!(fs::read(&alone).unwrap() == killed);

    // With its journal it is whole; a reader leaves both as they are, a writer puts them together.
    let read = Catalogue::open_read_only(&copy).unwrap();
    read.check_integrity().unwrap();
    assert_eq!(contents(&read), before);
    assert!(fs::read(&copy).unwrap() == killed && beside(&copy, "-journal").exists());
    drop(read);
    assert_eq!(contents(&Catalogue::open(&copy).unwrap()), before);
    assert!(!beside(&copy, "-journal").exists());
    let alone = Connection::open_with_flags(&copy, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let count: i64 = alone
        .query_row("SELECT count(*) FROM searches", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, before.2.len() as i64);
}

#[test]
fn a_journal_of_another_catalogue_is_refused() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    drop(filled(&at("part-0.sqlite"), -12.5, 0..16));
    drop(filled(&at("part-1.sqlite"), -12.5, 100..116));
    drop(filled(&at("other.sqlite"), -13.5, 0..16));
    for donor in ["part-1.sqlite", "other.sqlite"] {
        kill_in_the_middle(&at(donor), &at("killed.sqlite"));
        let path = at("mixed.sqlite");
        fs::copy(at("part-0.sqlite"), &path).unwrap();
        fs::rename(at("killed.sqlite-journal"), at("mixed.sqlite-journal")).unwrap();
        refused(&path, "-journal");
        fs::remove_file(at("mixed.sqlite-journal")).unwrap();
        assert_eq!(
            Catalogue::open(&path).unwrap().searches().unwrap().len(),
            16
        );
    }
}

#[test]
fn a_catalogue_in_log_mode_still_opens_and_becomes_one_file() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let whole = contents(&filled(&at("whole.sqlite"), -12.5, 0..12));
    for begun in [0, 4] {
        let (path, copy) = (at("old.sqlite"), at("copy.sqlite"));
        // The same catalogue after its first searches: rows that never were leave no trace.
        fs::copy(at("whole.sqlite"), &path).unwrap();
        Connection::open(&path)
            .unwrap()
            .execute_batch(&format!(
                "DELETE FROM searches WHERE search >= {begun};
                 DELETE FROM events WHERE first_search >= {begun};
                 DELETE FROM provenance WHERE {begun} = 0; VACUUM;"
            ))
            .unwrap();
        kill_in_log_mode(&path, &at("whole.sqlite"), &copy);
        let alone = fs::read(&copy).unwrap();
        let read = Catalogue::open_read_only(&copy).unwrap();
        assert_eq!(contents(&read), whole);
        assert!(fs::read(&copy).unwrap() == alone && beside(&copy, "-wal").exists());
        drop(read);
        assert_eq!(contents(&Catalogue::open(&copy).unwrap()), whole);
        assert!(!beside(&copy, "-wal").exists() && !beside(&copy, "-shm").exists());
        assert_eq!(fs::read(&copy).unwrap()[18..20], [1, 1]);
        remove_catalogue(&copy).unwrap();
        remove_catalogue(&path).unwrap();
    }
    // Closed in order: no log is left, and none is made to read it.
    let path = at("whole.sqlite");
    let connection = Connection::open(&path).unwrap();
    connection
        .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
        .unwrap();
    drop(connection);
    assert_eq!(fs::read(&path).unwrap()[18..20], [2, 2]);
    assert_eq!(contents(&Catalogue::open_read_only(&path).unwrap()), whole);
    assert_eq!(names(folder.path()), ["whole.sqlite".to_owned()].into());
    assert_eq!(contents(&Catalogue::open(&path).unwrap()), whole);
    assert_eq!(fs::read(&path).unwrap()[18..20], [1, 1]);
}

#[test]
fn a_log_of_another_catalogue_is_refused() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut made = Vec::new();
    for (name, energy, searches) in [
        ("part-0", -12.5, 0..6),
        ("part-1", -12.5, 100..112),
        ("other", -13.5, 0..12),
    ] {
        let whole = at(&format!("{name}-whole.sqlite"));
        drop(filled(&whole, energy, searches));
        let begun = at(&format!("{name}.sqlite"));
        fs::copy(&whole, &begun).unwrap();
        Connection::open(&begun)
            .unwrap()
            .execute_batch(
                "DELETE FROM searches; DELETE FROM events; DELETE FROM provenance; VACUUM;",
            )
            .unwrap();
        kill_in_log_mode(&begun, &whole, &at(&format!("{name}-killed.sqlite")));
        made.push(whole);
    }
    // Beside a catalogue that is finished, whatever its mode.
    for (log, victim) in [
        ("part-1", "part-0"),
        ("other", "part-0"),
        ("part-0", "part-1"),
        ("part-0", "other"),
    ] {
        let path = at("mixed.sqlite");
        fs::copy(at(&format!("{victim}-whole.sqlite")), &path).unwrap();
        fs::copy(
            at(&format!("{log}-killed.sqlite-wal")),
            beside(&path, "-wal"),
        )
        .unwrap();
        let text = refused(&path, "-wal");
        assert!(text.contains("mixed.sqlite"), "{text}");
        fs::remove_file(beside(&path, "-wal")).unwrap();
        let whole = Catalogue::open_read_only(&at(&format!("{victim}-whole.sqlite"))).unwrap();
        assert_eq!(contents(&Catalogue::open(&path).unwrap()), contents(&whole));
        remove_catalogue(&path).unwrap();
    }
    // Beside an empty one of another sample: only the energies tell.
    let path = at("mixed.sqlite");
    fs::copy(at("part-0-killed.sqlite"), &path).unwrap();
    fs::copy(at("other-killed.sqlite-wal"), beside(&path, "-wal")).unwrap();
    let text = refused(&path, "-wal");
    assert!(text.contains("-13.5") && text.contains("-12.5"), "{text}");
    // Where there is no catalogue, a new one would swallow it.
    fs::remove_file(&path).unwrap();
    let error = Catalogue::create(&path, &sample()).unwrap_err();
    assert!(matches!(error, CatalogueError::Orphan { .. }), "{error}");
    assert!(error.to_string().contains("mixed.sqlite-wal"), "{error}");
    remove_catalogue(&path).unwrap();
    Catalogue::create(&path, &sample()).unwrap();
}

#[test]
fn a_copy_is_made_while_another_process_writes() {
    let folder = TempDir::new().unwrap();
    let (path, copy) = (
        folder.path().join("a.sqlite"),
        folder.path().join("b.sqlite"),
    );
    let catalogue = filled(&path, -12.5, 0..6);
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch("BEGIN IMMEDIATE; UPDATE events SET hits = 99")
        .unwrap();
    Catalogue::open_read_only(&path)
        .unwrap()
        .copy_to(&copy)
        .unwrap();
    let copied = Catalogue::open_read_only(&copy).unwrap();
    assert_eq!(contents(&copied), contents(&catalogue));
    assert_eq!(
        copied.metadata("id").unwrap(),
        catalogue.metadata("id").unwrap()
    );
    let error = catalogue.copy_to(&copy).unwrap_err();
    assert!(matches!(error, CatalogueError::Exists { .. }), "{error}");
}

#[test]
fn a_reader_in_the_middle_holds_a_transaction_up_and_costs_nothing() {
    let (_folder, path, mut catalogue) = fresh();
    catalogue
        .record_search(&search(0), &Found::New(Box::new(event(1.0))))
        .unwrap();
    let reader = Connection::open(&path).unwrap();
    let mut statement = reader.prepare("SELECT search FROM searches").unwrap();
    let mut rows = statement.query([]).unwrap();
    rows.next().unwrap().unwrap();
    let held = catalogue
        .record_search(&search(1), &Found::None)
        .unwrap_err();
    assert!(matches!(held, CatalogueError::Busy { .. }), "{held}");
    assert!(held.to_string().contains("fetch all rows"), "{held}");
    // Open, but not in the middle of reading.
    drop(rows);
    drop(statement);
    catalogue.record_search(&search(1), &Found::None).unwrap();
    let count: i64 = reader
        .query_row("SELECT count(*) FROM searches", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 2);
}
