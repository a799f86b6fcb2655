//! Numbers in comma-separated tables.

use std::io::{self, Write};

/// A comment line that says which program wrote the table, and what it holds.
pub(crate) fn comment(writer: &mut dyn Write, what: &str) -> io::Result<()> {
    writeln!(
        writer,
        "# metabasin {}; {what}; reduced Lennard-Jones units, tension positive",
        env!("CARGO_PKG_VERSION")
    )
}

/// Numbers in the shortest form that reads back to the same bits.
pub(crate) fn numbers(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    texts.join(",")
}
