//! Reading a config: RON text, `--set` edits, places of errors.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ron::extensions::Extensions;
use serde::Serialize;
use thiserror::Error;

use super::source::{Place, Source, parse_path, place_of};
use super::{RunConfig, validation};
use crate::memory::{catalogue_of, drawn_from};
use crate::sample::Sample;

/// One thing that is wrong with a config, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// The file, or the `--set` that brought the value.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The field, as a dotted path; empty where the text could not be parsed at all.
    pub field: String,
    /// What is wrong, and what was meant.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}", self.message)
    }
}

/// Everything that is wrong with a config.
#[derive(Debug, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, error) in self.0.iter().enumerate() {
            if k > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// A config with its text as run.
#[derive(Clone, Debug)]
pub struct LoadedConfig {
    /// The config.
    pub config: RunConfig,
    /// The text after all `--set` edits: what manifests record.
    pub text: String,
    /// Where it came from.
    pub file: PathBuf,
}

/// Fields whose values are text: `--set sample=FILE` needs no quotes.
const TEXT_FIELDS: [&str; 3] = ["title", "sample", "catalogue"];

struct Edit {
    argument: String,
    span: Range<usize>,
}

/// Reads the config at `file`, after applying `path=value` edits in order.
///
/// # Errors
/// All that is wrong, each with its place.
pub fn load(file: &Path, edits: &[String]) -> Result<LoadedConfig, ConfigErrors> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        ConfigErrors(vec![ConfigError {
            file: file.display().to_string(),
            line: 1,
            column: 1,
            field: String::new(),
            message: format!(
                "cannot be read: {error}; `metabasin init` prints a config to start from"
            ),
        }])
    })?;
    load_text(&text, file, edits)
}

/// As [`load`], for a text that is already there; `file` only names it.
///
/// # Errors
/// All that is wrong, each with its place.
pub fn load_text(text: &str, file: &Path, edits: &[String]) -> Result<LoadedConfig, ConfigErrors> {
    let mut text = text.to_owned();
    let mut applied: Vec<Edit> = Vec::new();
    for argument in edits {
        let (new_text, span) = apply(&text, argument).map_err(|message| {
            ConfigErrors(vec![ConfigError {
                file: format!("--set {argument}"),
                line: 1,
                column: 1,
                field: argument.split('=').next().unwrap_or_default().to_owned(),
                message,
            }])
        })?;
        // Earlier edits behind this one move with the text.
        let grown = new_text.len() as isize - text.len() as isize;
        for edit in &mut applied {
            if edit.span.start >= span.start {
                edit.span.start = edit.span.start.saturating_add_signed(grown);
                edit.span.end = edit.span.end.saturating_add_signed(grown);
            }
        }
        applied.push(Edit {
            argument: argument.clone(),
            span,
        });
        text = new_text;
    }
    let locate = |place: Place, offset: usize, field: String, message: String| {
        let edited = applied
            .iter()
            .rev()
            .find(|edit| edit.span.contains(&offset));
        let file = edited.map_or_else(
            || file.display().to_string(),
            |edit| format!("{} (--set {})", file.display(), edit.argument),
        );
        ConfigError {
            file,
            line: place.line,
            column: place.column,
            field,
            message,
        }
    };
    let options = ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES);
    let config: RunConfig = options.from_str(&text).map_err(|error| {
        let place = Place {
            line: error.span.start.line,
            column: error.span.start.col,
        };
        let offset = offset_of(&text, place);
        ConfigErrors(vec![locate(
            place,
            offset,
            String::new(),
            explain(&error.code),
        )])
    })?;
    let faults = validation::faults(&config);
    if faults.is_empty() {
        return Ok(LoadedConfig {
            config,
            text,
            file: file.to_owned(),
        });
    }
    let source = Source::new(text.clone());
    let errors = faults
        .into_iter()
        .map(|fault| {
            let offset = match (&source, parse_path(&fault.field)) {
                (Some(source), Ok(path)) => source.span(&path).start,
                _ => 0,
            };
            locate(place_of(&text, offset), offset, fault.field, fault.message)
        })
        .collect();
    Err(ConfigErrors(errors))
}

/// Whether the sample that a config names, where there is such a file, is fit for its potential: a
/// cell wide enough, no atoms on top of each other, species that the potential knows.
///
/// # Errors
/// What is wrong with it, at the field `sample`.
pub fn check_sample(loaded: &LoadedConfig) -> Result<(), ConfigErrors> {
    let Some(path) = loaded.config.sample.as_deref().filter(|path| path.exists()) else {
        return Ok(());
    };
    match Sample::read(path, loaded.config.cut) {
        Ok(_) => Ok(()),
        Err(error) => Err(loaded.wrong("sample", error.to_string())),
    }
}

/// Whether the catalogue that a config draws events from, where there is such a file, can be drawn
/// from.
///
/// # Errors
/// What is wrong with it, at the field `catalogue`.
pub fn check_catalogue(loaded: &LoadedConfig) -> Result<(), ConfigErrors> {
    let Some(path) = catalogue_of(&loaded.config).filter(|path| path.exists()) else {
        return Ok(());
    };
    match drawn_from(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(loaded.wrong("catalogue", error.to_string())),
    }
}

impl LoadedConfig {
    /// The error of a field that only the files it names, or this machine, show to be wrong.
    pub(crate) fn wrong(&self, field: &str, message: String) -> ConfigErrors {
        let segments = parse_path(field).unwrap_or_default();
        let source = Source::new(self.text.clone());
        let offset = source.map_or(0, |source| source.span(&segments).start);
        let place = place_of(&self.text, offset);
        ConfigErrors(vec![ConfigError {
            file: self.file.display().to_string(),
            line: place.line,
            column: place.column,
            field: field.to_owned(),
            message,
        }])
    }

    /// The files that the run reads and that are not there, as `field: name`.
    pub fn missing_files(&self) -> Vec<String> {
        let from_sample = self
            .config
            .stages
            .iter()
            .any(|stage| stage.name() == "from-sample");
        let sample = self.config.sample.as_deref().filter(|_| from_sample);
        [
            ("sample", sample),
            ("catalogue", catalogue_of(&self.config)),
        ]
        .into_iter()
        .filter_map(|(field, path)| Some((field, path.filter(|path| !path.exists())?)))
        .map(|(field, path)| format!("{field}: {}", path.display()))
        .collect()
    }
}

fn apply(text: &str, argument: &str) -> Result<(String, Range<usize>), String> {
    let (path, value) = argument
        .split_once('=')
        .ok_or("must have the form path=value, e.g. stages[1].strain=0.02")?;
    let segments = parse_path(path.trim())?;
    let source = Source::new(text.to_owned()).ok_or("the config itself is not valid RON")?;
    let last_field = path.trim().rsplit('.').next().unwrap_or_default();
    let is_text =
        TEXT_FIELDS.contains(&last_field) || source.text()[source.span(&segments)].starts_with('"');
    let bare = is_text && !value.starts_with('"') && value != "None";
    let value = if bare {
        format!("{value:?}")
    } else {
        value.to_owned()
    };
    if Source::new(value.clone()).is_none() {
        return Err(format!("'{value}' is not a RON value"));
    }
    source.replaced(&segments, &value)
}

/// RON's message, with a remedy where the kind of mistake is a common one.
fn explain(error: &ron::Error) -> String {
    match error {
        ron::Error::NoSuchStructField {
            expected,
            found,
            outer,
        } => format!(
            "unknown field '{found}'{}: known fields are {}",
            outer
                .as_ref()
                .map(|outer| format!(" in {outer}"))
                .unwrap_or_default(),
            expected.join(", ")
        ),
        ron::Error::NoSuchEnumVariant {
            expected,
            found,
            outer,
        } => format!(
            "unknown choice '{found}'{}: choose one of {}",
            outer
                .as_ref()
                .map(|outer| format!(" for {outer}"))
                .unwrap_or_default(),
            expected.join(", ")
        ),
        ron::Error::SuggestRawIdentifier(number) if number.parse::<f64>().is_ok() => format!(
            "the number {number} lacks its unit: write e.g. Reduced(0.28), Tau(10.0), PerSecond(1e9)"
        ),
        other => other.to_string(),
    }
}

fn offset_of(text: &str, place: Place) -> usize {
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number + 1 == place.line {
            let column = line.char_indices().nth(place.column.saturating_sub(1));
            return offset + column.map_or(line.len(), |(k, _)| k);
        }
        offset += line.len();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "(\n    seed: 3,\n    stages: [\n        FromSample(temperature: Reduced(0.28)),\n        Equilibrate(duration: Tau(10.0)),\n    ],\n    sample: \"a.data\",\n)\n";

    fn one_error(text: &str, edits: &[&str]) -> ConfigError {
        let edits: Vec<String> = edits.iter().map(|&edit| edit.to_owned()).collect();
        let errors = load_text(text, Path::new("run.ron"), &edits).unwrap_err();
        assert_eq!(errors.0.len(), 1, "{errors}");
        errors.0[0].clone()
    }

    #[test]
    fn edits_are_applied_and_text_needs_no_quotes() {
        let edits = [
            "seed=9",
            "sample=/data/my glass.xyz",
            "stages[1].duration=Seconds(1e-12)",
        ];
        let edits: Vec<String> = edits.iter().map(|&edit| edit.to_owned()).collect();
        let loaded = load_text(TEXT, Path::new("run.ron"), &edits).unwrap();
        assert_eq!(loaded.config.seed, 9);
        assert_eq!(
            loaded.config.sample,
            Some(PathBuf::from("/data/my glass.xyz"))
        );
        assert!(loaded.text.contains("Seconds(1e-12)"));
    }

    #[test]
    fn a_bad_edit_is_named() {
        assert!(one_error(TEXT, &["seed=-9"]).file.contains("--set seed=-9"));
        assert!(one_error(TEXT, &["seed"]).message.contains("path=value"));
        assert!(
            one_error(TEXT, &["stages[7].duration=1"])
                .message
                .contains("2 entries")
        );
        let error = one_error(TEXT, &["title=x", "stages[1].duration=Tau(-1.0)", "seed=2"]);
        assert!(error.file.contains("--set stages[1].duration"), "{error}");
        assert_eq!(error.field, "stages[1].duration");
    }

    #[test]
    fn an_unknown_field_is_named_with_its_place_and_the_known_ones() {
        let error = one_error(&TEXT.replace("seed", "sead"), &[]);
        assert_eq!(error.line, 2);
        assert!(
            error.message.contains("sead") && error.message.contains("seed"),
            "{error}"
        );
    }
}
