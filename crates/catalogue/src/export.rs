//! The events table for other programs: CSV, and columns for other formats.

use rusqlite::types::ValueRef;

use crate::columns::{Column, ColumnValues, csv};
use crate::{Catalogue, CatalogueError};

/// The scalar columns of all events as CSV text, one row an event in order of discovery, with a
/// header; blobs are left out, missing values are empty. Numbers have the shortest form that
/// reads back to the same bits. Write it with `metabasin_files::write_atomic`.
///
/// # Errors
/// What SQLite reports.
pub fn export_csv(catalogue: &Catalogue) -> Result<String, CatalogueError> {
    Ok(csv(&event_columns(catalogue)?))
}

/// The scalar columns of all events, one row an event in order of discovery; blobs are left out.
///
/// # Errors
/// What SQLite reports.
pub fn event_columns(catalogue: &Catalogue) -> Result<Vec<Column>, CatalogueError> {
    let database = |source| catalogue.database(source);
    let mut columns = scalar_columns(catalogue)?;
    let quoted: Vec<String> = columns
        .iter()
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let mut statement = catalogue
        .connection()
        .prepare(&format!(
            "SELECT {} FROM events ORDER BY id",
            quoted.join(", ")
        ))
        .map_err(database)?;
    let mut rows = statement.query([]).map_err(database)?;
    while let Some(row) = rows.next().map_err(database)? {
        for (k, column) in columns.iter_mut().enumerate() {
            push(&mut column.values, row.get_ref(k).map_err(database)?);
        }
    }
    Ok(columns)
}

/// The columns of `events` that are no blobs, in the order of the schema, without rows.
fn scalar_columns(catalogue: &Catalogue) -> Result<Vec<Column>, CatalogueError> {
    let database = |source| catalogue.database(source);
    let mut statement = catalogue
        .connection()
        .prepare(
            "SELECT name, type FROM pragma_table_info('events') WHERE type <> 'BLOB' ORDER BY cid",
        )
        .map_err(database)?;
    let columns = statement
        .query_map([], |row| {
            let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
            let values = match kind.as_str() {
                "INTEGER" => ColumnValues::Integers(Vec::new()),
                "REAL" => ColumnValues::Numbers(Vec::new()),
                _ => ColumnValues::Texts(Vec::new()),
            };
            Ok(Column {
                unit: unit(&name),
                name,
                values,
            })
        })
        .map_err(database)?;
    columns.collect::<Result<_, _>>().map_err(database)
}

/// The unit of a column of `events`, as `docs/catalogue-schema.md` has it.
fn unit(name: &str) -> &'static str {
    const UNITS: [(&str, &str); 11] = [
        ("barrier_", "epsilon"),
        ("energy_", "epsilon"),
        ("dipole_", "epsilon"),
        ("plastic_", "sigma^3"),
        ("lowest_eigenvalue", "epsilon/sigma^2"),
        ("largest_force", "epsilon/sigma"),
        ("prefactor_", "1/tau"),
        ("center_", "sigma"),
        ("largest_displacement", "sigma"),
        ("displacement_saddle_rest_norm", "sigma"),
        ("displacement_final_rest_norm", "sigma"),
    ];
    let known = UNITS.iter().find(|(prefix, _)| name.starts_with(prefix));
    known.map_or("", |(_, unit)| unit)
}

/// Adds a row; a value of another kind than its column counts as missing.
fn push(values: &mut ColumnValues, value: ValueRef) {
    match (values, value) {
        (ColumnValues::Integers(values), ValueRef::Integer(value)) => values.push(Some(value)),
        (ColumnValues::Numbers(values), ValueRef::Real(value)) => values.push(Some(value)),
        (ColumnValues::Texts(values), ValueRef::Text(bytes)) => {
            values.push(Some(String::from_utf8_lossy(bytes).into_owned()));
        }
        (ColumnValues::Integers(values), _) => values.push(None),
        (ColumnValues::Numbers(values), _) => values.push(None),
        (ColumnValues::Texts(values), _) => values.push(None),
    }
}
