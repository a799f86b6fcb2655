//! Gzip and zstd, seen through: recognized by magic bytes when reading, by suffix when writing.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::{FilesError, Problem};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// Gzip, suffix `.gz`.
    Gzip,
    /// Zstandard, suffix `.zst`.
    Zstd,
}

impl Compression {
    /// By the first bytes of a file.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else {
            Self::Plain
        }
    }

    /// By the suffix of a name: `.gz`, `.zst`, anything else is plain.
    pub fn of_name(path: &Path) -> Self {
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// Writes through this compression; the same content gives the same bytes.
    ///
    /// # Errors
    /// Whatever `output` or `content` report.
    pub fn write_through(
        self,
        output: &mut dyn Write,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Plain => content(output),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(output, flate2::Compression::default());
                content(&mut encoder)?;
                encoder.finish().map(drop)
            }
            Self::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(output, 0)?;
                content(&mut encoder)?;
                encoder.finish().map(drop)
            }
        }
    }
}

/// The text of a file, decompressed.
pub(crate) fn read_text(path: &Path) -> Result<String, FilesError> {
    String::from_utf8(read_bytes(path)?).map_err(|error| FilesError::Content {
        path: path.to_owned(),
        line: None,
        problem: Problem::NotText {
            byte: error.utf8_error().valid_up_to(),
        },
    })
}

/// The bytes of a file, decompressed.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, FilesError> {
    let read = |source| FilesError::Read {
        path: path.to_owned(),
        source,
    };
    let content = |problem| FilesError::Content {
        path: path.to_owned(),
        line: None,
        problem,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(read)?;
    let mut plain = Vec::new();
    let damaged = |format, error: &io::Error| {
        content(Problem::Compressed {
            format,
            detail: error.to_string(),
        })
    };
    match Compression::of_bytes(&bytes) {
        Compression::Plain => plain = bytes,
        Compression::Gzip => {
            MultiGzDecoder::new(bytes.as_slice())
                .read_to_end(&mut plain)
                .map_err(|error| damaged("gzip", &error))?;
        }
        Compression::Zstd => {
            zstd::stream::read::Decoder::new(bytes.as_slice())
                .and_then(|mut decoder| decoder.read_to_end(&mut plain))
                .map_err(|error| damaged("zstd", &error))?;
        }
    }
    Ok(plain)
}
