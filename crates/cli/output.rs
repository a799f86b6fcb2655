//! Results go to stdout through one handle, messages to stderr; a closed pipe is not a panic.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// The one handle through which results are printed.
pub struct Output {
    json: bool,
    stdout: io::Stdout,
}

impl Output {
    /// Prints JSON where `json`, else text for people.
    pub fn new(json: bool) -> Self {
        Self {
            json,
            stdout: io::stdout(),
        }
    }

    /// Prints a result: as one JSON object, or as the text that `describe` makes of it.
    pub fn result<T: Serialize>(
        &mut self,
        result: &T,
        describe: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let text = if self.json {
            serde_json::to_string_pretty(result)?
        } else {
            describe(result)
        };
        self.text(&text)
    }

    /// Prints plain text.
    pub fn text(&mut self, text: &str) -> anyhow::Result<()> {
        let mut lock = self.stdout.lock();
        lock.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            lock.write_all(b"\n")?;
        }
        lock.flush()?;
        Ok(())
    }

    /// Writes bytes as they are, to be piped into a file.
    pub fn bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut lock = self.stdout.lock();
        lock.write_all(bytes)?;
        lock.flush()?;
        Ok(())
    }

    /// Whether people would see on a screen what is written.
    pub fn is_terminal(&self) -> bool {
        self.stdout.is_terminal()
    }
}

/// A span of time in the unit that people would say it in.
pub fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s if s < 6.3e7 => format!("{:.1} days", s / 86_400.0),
        s => format!("{:.1} years", s / 3.156e7),
    }
}

/// Bytes in the unit that people would say them in.
pub fn bytes(number: f64) -> String {
    match number {
        n if n < 1e9 => format!("{:.0} MB", n / 1e6),
        n if n < 1e12 => format!("{:.1} GB", n / 1e9),
        n => format!("{:.1} TB", n / 1e12),
    }
}

/// Prints an error on stderr; where even that fails there is nobody left to tell.
pub fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "metabasin: {message}");
}

/// Whether printing failed because the reader went away (`metabasin ... | head`).
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Rows of text with aligned columns; the first row is the header.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| {
            rows.iter()
                .filter_map(|row| row.get(c))
                .map(|x| x.chars().count())
                .max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A number with so many digits behind the point, and its standard error where there is one. What rounds to zero
/// has no sign.
pub fn with_error(value: f64, error: Option<f64>, digits: usize) -> String {
    let mut text = format!("{value:.digits$}");
    if !text.contains(|c: char| c.is_ascii_digit() && c != '0') && value.is_finite() {
        text = text.trim_start_matches('-').to_owned();
    }
    error.map_or(text.clone(), |error| format!("{text} +- {error:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        assert_eq!(with_error(-0.004, Some(0.17), 2), "0.00 +- 0.17");
        assert_eq!(with_error(-0.006, None, 2), "-0.01");
        assert_eq!(with_error(-1.25, Some(0.5), 1), "-1.2 +- 0.5");
    }
}
