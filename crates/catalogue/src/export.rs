//! Events as CSV.

use std::fmt::Write;

use rusqlite::types::ValueRef;

use crate::{Catalogue, CatalogueError};

/// The scalar columns of all events as CSV text, one row an event in order of discovery, with a
/// header; blobs are left out, missing values are empty. Numbers have the shortest form that
/// reads back to the same bits. Write it with `metabasin_files::write_atomic`.
///
/// # Errors
/// What SQLite reports.
pub fn export_csv(catalogue: &Catalogue) -> Result<String, CatalogueError> {
    let database = |source| catalogue.database(source);
    let columns = scalar_columns(catalogue)?;
    let quoted: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let mut statement = catalogue
        .connection()
        .prepare(&format!(
            "SELECT {} FROM events ORDER BY id",
            quoted.join(", ")
        ))
        .map_err(database)?;
    let mut text = columns.join(",");
    text.push('\n');
    let mut rows = statement.query([]).map_err(database)?;
    while let Some(row) = rows.next().map_err(database)? {
        for k in 0..columns.len() {
            if k > 0 {
                text.push(',');
            }
            push_value(&mut text, row.get_ref(k).map_err(database)?);
        }
        text.push('\n');
    }
    Ok(text)
}

/// Names of the columns of `events` that are no blobs, in the order of the schema.
fn scalar_columns(catalogue: &Catalogue) -> Result<Vec<String>, CatalogueError> {
    let database = |source| catalogue.database(source);
    let mut statement = catalogue
        .connection()
        .prepare("SELECT name FROM pragma_table_info('events') WHERE type <> 'BLOB' ORDER BY cid")
        .map_err(database)?;
    let names = statement
        .query_map([], |row| row.get(0))
        .map_err(database)?;
    names.collect::<Result<_, _>>().map_err(database)
}

fn push_value(text: &mut String, value: ValueRef) {
    // Writing to a string cannot fail.
    match value {
        ValueRef::Null | ValueRef::Blob(_) => Ok(()),
        ValueRef::Integer(value) => write!(text, "{value}"),
        ValueRef::Real(value) => write!(text, "{value:?}"),
        ValueRef::Text(bytes) => {
            let content = String::from_utf8_lossy(bytes);
            if content.contains([',', '"', '\n', '\r']) {
                write!(text, "\"{}\"", content.replace('"', "\"\""))
            } else {
                write!(text, "{content}")
            }
        }
    }
    .expect("a string takes any text");
}
