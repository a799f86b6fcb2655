//! Time series: CSV with units in the header, appended to as a run goes on.
//!
//! ```text
//! # metabasin series 1
//! # shear at 1e7 per mapped second
//! step,time [tau],gamma,stress_xy [energy / length^3]
//! 0,0.0,0.0,0.0123
//! ```
//! In pandas: `pandas.read_csv("shear.csv", comment="#")`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::checksum::{Checksum, RunningChecksum};
use crate::compression::read_text;
use crate::text::{Located, integer};
use crate::{FilesError, Overwrite, Problem};

/// First line of every series.
const BANNER: &str = "# metabasin series 1";

/// Name and unit of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesColumn {
    /// Name, unique within the series.
    pub name: String,
    /// Unit; empty for a number without dimension.
    pub unit: String,
}

impl SeriesColumn {
    /// A column of this name and unit.
    pub fn new(name: &str, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
        }
    }

    fn title(&self) -> String {
        if self.unit.is_empty() {
            self.name.clone()
        } else {
            format!("{} [{}]", self.name, self.unit)
        }
    }

    fn parse(title: &str) -> Self {
        match title.split_once(" [") {
            Some((name, unit)) => Self::new(name, unit.strip_suffix(']').unwrap_or(unit)),
            None => Self::new(title, ""),
        }
    }
}

/// What a series holds: its columns after `step`, and what there is to say about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesHeader {
    /// Lines of comment.
    pub comments: Vec<String>,
    /// Columns after the first, which is always `step`.
    pub columns: Vec<SeriesColumn>,
}

impl SeriesHeader {
    /// A header of columns given as (name, unit).
    pub fn new(columns: &[(&str, &str)]) -> Self {
        Self {
            comments: Vec::new(),
            columns: columns
                .iter()
                .map(|(name, unit)| SeriesColumn::new(name, unit))
                .collect(),
        }
    }

    /// With one more line of comment.
    #[must_use]
    pub fn with_comment(mut self, comment: &str) -> Self {
        self.comments.push(comment.to_owned());
        self
    }

    /// The line that names the columns.
    fn titles(&self) -> String {
        let mut titles = vec!["step".to_owned()];
        titles.extend(self.columns.iter().map(SeriesColumn::title));
        titles.join(",")
    }

    fn text(&self) -> String {
        let mut text = format!("{BANNER}\n");
        for comment in &self.comments {
            for line in comment.lines() {
                text.push_str("# ");
                text.push_str(line);
                text.push('\n');
            }
        }
        text.push_str(&self.titles());
        text.push('\n');
        text
    }

    fn check(&self) -> Result<(), Problem> {
        let titles = self.columns.iter().map(SeriesColumn::title);
        for title in titles {
            if title.is_empty() || title.contains([',', '#', '"', '\n', '\r']) {
                return Err(Problem::Unsupported {
                    what: format!("the column title `{title}` in a series"),
                });
            }
        }
        Ok(())
    }
}

/// Appends rows to a time series; the same rows give the same bytes, also across a resume.
///
/// Rows are buffered: call [`SeriesWriter::flush`] at every checkpoint. Numbers are printed in the
/// shortest form that reads back to the same bits.
#[derive(Debug)]
pub struct SeriesWriter {
    path: PathBuf,
    header: SeriesHeader,
    output: BufWriter<File>,
    checksum: RunningChecksum,
    last_step: Option<u64>,
}

impl SeriesWriter {
    /// A new series, its header on disk.
    ///
    /// # Errors
    /// [`FilesError::Exists`] where there is a file that must not be overwritten,
    /// [`FilesError::Write`], or [`FilesError::Content`] for a title that CSV cannot hold.
    pub fn create(
        path: &Path,
        header: &SeriesHeader,
        overwrite: Overwrite,
    ) -> Result<Self, FilesError> {
        header.check().map_err(|problem| FilesError::Content {
            path: path.to_owned(),
            line: None,
            problem,
        })?;
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        match overwrite {
            Overwrite::Refuse => options.create_new(true),
            Overwrite::Allow => options.create(true).truncate(true),
        };
        let file = options.open(path).map_err(|source| {
            if source.kind() == io::ErrorKind::AlreadyExists {
                FilesError::Exists {
                    path: path.to_owned(),
                }
            } else {
                FilesError::Write {
                    path: path.to_owned(),
                    source,
                }
            }
        })?;
        let mut writer = Self {
            path: path.to_owned(),
            header: header.clone(),
            output: BufWriter::new(file),
            checksum: RunningChecksum::default(),
            last_step: None,
        };
        writer
            .put(&header.text())
            .map_err(|source| writer.failed(source))?;
        writer.flush()?;
        Ok(writer)
    }

    /// Continues a series after `step`: rows beyond it, and a last line that was cut off, are
    /// removed, so that a resumed run writes the bytes of one that was never interrupted. Where
    /// there is no file yet, or its header was cut off, the series begins.
    ///
    /// # Errors
    /// [`FilesError::Content`] where the file holds other columns or rows that are no numbers,
    /// [`FilesError::Read`] and [`FilesError::Write`].
    pub fn resume(path: &Path, header: &SeriesHeader, step: u64) -> Result<Self, FilesError> {
        if !path.exists() {
            return Self::create(path, header, Overwrite::Refuse);
        }
        let text = read_text(path)?;
        if header.text().starts_with(&text) {
            return Self::create(path, header, Overwrite::Allow);
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|source| FilesError::Write {
                path: path.to_owned(),
                source,
            })?;
        let mut writer = Self {
            path: path.to_owned(),
            header: header.clone(),
            output: BufWriter::new(file),
            checksum: RunningChecksum::default(),
            last_step: None,
        };
        writer.truncate_to(step)?;
        Ok(writer)
    }

    /// Removes every row beyond `step`, and a last line that was cut off.
    ///
    /// # Errors
    /// As [`SeriesWriter::resume`].
    pub fn truncate_to(&mut self, step: u64) -> Result<(), FilesError> {
        self.output.flush().map_err(|source| self.failed(source))?;
        let text = read_text(&self.path)?;
        let parsed = parse(&text).map_err(|located| content(&self.path, located))?;
        let expected = self.header.titles();
        if parsed.series.header.titles() != expected {
            return Err(FilesError::Content {
                path: self.path.clone(),
                line: Some(parsed.title_line),
                problem: Problem::Header {
                    expected,
                    found: parsed.series.header.titles(),
                },
            });
        }
        let kept = parsed.series.steps.partition_point(|row| *row <= step);
        let end = if kept == 0 {
            parsed.header_end
        } else {
            parsed.row_ends[kept - 1]
        };
        let file = self.output.get_mut();
        file.set_len(end as u64)
            .and_then(|()| file.seek(SeekFrom::Start(end as u64)))
            .and_then(|_| file.sync_all())
            .map_err(|source| self.failed(source))?;
        self.checksum = RunningChecksum::default();
        self.checksum.update(&text.as_bytes()[..end]);
        self.last_step = parsed.series.steps[..kept].last().copied();
        Ok(())
    }

    /// Appends a row.
    ///
    /// # Errors
    /// [`FilesError::Content`] where the number of values is not that of the columns or the step
    /// does not lie beyond the last one; [`FilesError::Write`].
    pub fn append(&mut self, step: u64, values: &[f64]) -> Result<(), FilesError> {
        let columns = self.header.columns.len();
        let problem = if values.len() == columns {
            self.last_step
                .filter(|last| *last >= step)
                .map(|last| Problem::StepOrder { last, step })
        } else {
            Some(Problem::Columns {
                what: "a row of the series",
                expected: (columns + 1).to_string(),
                found: values.len() + 1,
            })
        };
        if let Some(problem) = problem {
            return Err(FilesError::Content {
                path: self.path.clone(),
                line: None,
                problem,
            });
        }
        self.write_row(step, values)
            .map_err(|source| self.failed(source))?;
        self.last_step = Some(step);
        Ok(())
    }

    fn write_row(&mut self, step: u64, values: &[f64]) -> io::Result<()> {
        // Debug prints the shortest digits that read back the same, with an exponent where that is
        // shorter.
        let values = values.iter().map(|value| format!(",{value:?}"));
        let mut row: String = std::iter::once(step.to_string()).chain(values).collect();
        row.push('\n');
        self.put(&row)
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.checksum.update(text.as_bytes());
        self.output.write_all(text.as_bytes())
    }

    /// Size and checksum of the file once [`SeriesWriter::flush`] is done.
    pub fn checksum(&self) -> Checksum {
        self.checksum.so_far()
    }

    /// Step of the last row.
    pub fn last_step(&self) -> Option<u64> {
        self.last_step
    }

    /// Hands all rows to the system and the disk.
    ///
    /// # Errors
    /// [`FilesError::Write`].
    pub fn flush(&mut self) -> Result<(), FilesError> {
        self.output
            .flush()
            .and_then(|()| self.output.get_ref().sync_data())
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> FilesError {
        FilesError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// A time series in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Comments and columns.
    pub header: SeriesHeader,
    /// The first column.
    pub steps: Vec<u64>,
    /// One vector a column of the header.
    pub values: Vec<Vec<f64>>,
}

impl Series {
    /// The values of a column, by name without unit.
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        let columns = &self.header.columns;
        let index = columns.iter().position(|column| column.name == name)?;
        Some(&self.values[index])
    }
}

/// Reads a time series. A last line without line end was cut off and is left out.
///
/// # Errors
/// [`FilesError`] naming the line.
pub fn read_series(path: &Path) -> Result<Series, FilesError> {
    let text = read_text(path)?;
    parse(&text)
        .map(|parsed| parsed.series)
        .map_err(|located| content(path, located))
}

fn content(path: &Path, located: Located) -> FilesError {
    FilesError::Content {
        path: path.to_owned(),
        line: located.line,
        problem: located.problem,
    }
}

/// A series and where its rows end.
struct Parsed {
    series: Series,
    title_line: usize,
    header_end: usize,
    row_ends: Vec<usize>,
}

fn parse(text: &str) -> Result<Parsed, Located> {
    let mut parsed = Parsed {
        series: Series::default(),
        title_line: 0,
        header_end: 0,
        row_ends: Vec::new(),
    };
    let mut end = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        end += whole.len();
        let number = index + 1;
        let Some(line) = whole.strip_suffix('\n') else {
            break;
        };
        if number == 1 && line != BANNER {
            return Err(Located::at(
                number,
                Problem::Header {
                    expected: BANNER.to_owned(),
                    found: line.chars().take(60).collect(),
                },
            ));
        }
        if let Some(comment) = line.strip_prefix('#') {
            if number > 1 {
                let comment = comment.strip_prefix(' ').unwrap_or(comment);
                parsed.series.header.comments.push(comment.to_owned());
            }
        } else if parsed.title_line == 0 {
            parse_titles(number, line, &mut parsed.series)?;
            parsed.title_line = number;
            parsed.header_end = end;
        } else {
            parse_row(number, line, &mut parsed.series)?;
            parsed.row_ends.push(end);
        }
    }
    if parsed.title_line == 0 {
        return Err(Located::anywhere(Problem::Missing {
            what: "the line of column titles".to_owned(),
        }));
    }
    Ok(parsed)
}

fn parse_titles(number: usize, line: &str, series: &mut Series) -> Result<(), Located> {
    let mut titles = line.split(',');
    if titles.next() != Some("step") {
        return Err(Located::at(
            number,
            Problem::Header {
                expected: "step,...".to_owned(),
                found: line.to_owned(),
            },
        ));
    }
    series.header.columns = titles.map(SeriesColumn::parse).collect();
    series.values = vec![Vec::new(); series.header.columns.len()];
    Ok(())
}

fn parse_row(number: usize, line: &str, series: &mut Series) -> Result<(), Located> {
    let words: Vec<&str> = line.split(',').collect();
    if words.len() != series.values.len() + 1 {
        return Err(Located::at(
            number,
            Problem::Columns {
                what: "a row of the series",
                expected: (series.values.len() + 1).to_string(),
                found: words.len(),
            },
        ));
    }
    let step = integer(number, "the step", words[0])?;
    if let Some(&last) = series.steps.last()
        && last >= step
    {
        return Err(Located::at(number, Problem::StepOrder { last, step }));
    }
    series.steps.push(step);
    for (k, word) in words[1..].iter().enumerate() {
        // NaN is legal here: a quantity that was not measured at this step.
        let value = integer::<f64>(number, &series.header.columns[k].name, word)?;
        series.values[k].push(value);
    }
    Ok(())
}
