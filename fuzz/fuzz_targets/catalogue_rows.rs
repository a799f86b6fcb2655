//! No value in any cell of a catalogue makes its readers panic.
//!
//! The input is a list of changes of a small sound catalogue: a line each, with table, column, row
//! and the value as SQL (`events 7 0 X'00ff'`, `samples 12 0 -1e999`).
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use metabasin_pipeline::{BarrierRequest, barrier_report};
use rusqlite::Connection;
use rusqlite::types::Value;

/// A sample with a few events and searches, made by `metabasin search`.
static SOUND: &[u8] = include_bytes!("../seeds/catalogue.sqlite");

/// One file a process.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("metabasin-fuzz-{}.sqlite", std::process::id()))
});

const TABLES: [&str; 4] = ["samples", "events", "searches", "metadata"];

/// A value as SQL writes it; anything else is text.
fn value(word: &str) -> Value {
    let blob = word
        .strip_prefix("X'")
        .and_then(|rest| rest.strip_suffix('\''));
    if let Some(digits) = blob.filter(|digits| digits.is_ascii()) {
        let bytes = digits.as_bytes().chunks_exact(2).map(|pair| {
            let text = str::from_utf8(pair).unwrap_or_default();
            u8::from_str_radix(text, 16).unwrap_or(0)
        });
        return Value::Blob(bytes.collect());
    }
    if word == "NULL" {
        Value::Null
    } else if let Ok(integer) = word.parse() {
        Value::Integer(integer)
    } else if let Ok(real) = word.parse() {
        Value::Real(real)
    } else {
        Value::Text(word.to_owned())
    }
}

/// Makes one change; one that the schema refuses is none.
fn change(connection: &Connection, line: &str) -> Option<()> {
    let mut words = line.splitn(4, ' ');
    let table = words.next()?;
    let table = TABLES.into_iter().find(|name| *name == table)?;
    let column: usize = words.next()?.parse().ok()?;
    let row: u32 = words.next()?.parse().ok()?;
    let value = value(words.next()?);
    let statement = connection
        .prepare(&format!("SELECT * FROM {table}"))
        .ok()?;
    let names: Vec<&str> = statement.column_names().collect();
    let name = names.get(column % names.len())?;
    let change = format!(
        "UPDATE {table} SET \"{name}\" = ?1 WHERE rowid = \
         (SELECT rowid FROM {table} LIMIT 1 OFFSET ?2 % (SELECT max(1, count(*)) FROM {table}))"
    );
    connection
        .execute(&change, rusqlite::params![value, row])
        .ok()
        .map(drop)
}

fuzz_target!(|input: &str| {
    std::fs::write(&*PATH, SOUND).expect("a file can be written");
    let connection = Connection::open(&*PATH).expect("the catalogue is sound");
    connection
        .execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN")
        .expect("the catalogue is sound");
    for line in input.lines().take(8) {
        change(&connection, line);
    }
    connection.execute_batch("COMMIT").expect("a commit");
    drop(connection);
    let request = BarrierRequest {
        below: None,
        windows: Vec::new(),
        bins: 8,
        seed: 1,
    };
    // Refusing is fine; panicking is not.
    let _ = barrier_report(&PATH, &request);
});
