//! Files that come into being whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use crate::checksum::Checksum;
use crate::compression::read_text;
use crate::{Compression, FilesError};

/// Whether an existing file may be replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error, [`FilesError::Exists`].
    #[default]
    Refuse,
    /// An existing file is replaced, in one step.
    Allow,
}

/// Writes a file whole: `content` goes to a temporary file in the same folder, which is synced to
/// disk and then renamed; readers see the old file or the new one, never a half. On any error
/// nothing is left behind and an existing file stays as it was.
///
/// # Errors
/// [`FilesError::Exists`] where overwriting is refused, [`FilesError::Write`] for anything that
/// the system or `content` reports.
pub fn write_atomic(
    path: &Path,
    overwrite: Overwrite,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FilesError> {
    let exists = || FilesError::Exists {
        path: path.to_owned(),
    };
    if overwrite == Overwrite::Refuse && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    match replace(path, overwrite, content) {
        Ok(()) => Ok(()),
        Err(error)
            if overwrite == Overwrite::Refuse && error.kind() == io::ErrorKind::AlreadyExists =>
        {
            Err(exists())
        }
        Err(source) => Err(FilesError::Write {
            path: path.to_owned(),
            source,
        }),
    }
}

/// As [`write_atomic`], compressed where the name ends in `.gz` or `.zst`.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_atomic_compressed(
    path: &Path,
    overwrite: Overwrite,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FilesError> {
    write_atomic(path, overwrite, |output| {
        Compression::of_name(path).write_through(output, content)
    })
}

/// The folder that a file stands in.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Names of files on their way into being, as a killed process leaves them.
const PREFIX: &str = ".metabasin-";
const SUFFIX: &str = ".part";

/// Whether a file of this name was on its way into being ([`write_atomic`]).
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// Removes what killed processes left half-written in a folder that nobody else writes to, and in
/// its subfolders.
///
/// # Errors
/// What the system reports.
pub fn remove_temporaries(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            remove_temporaries(&entry.path())?;
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_temporary) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

pub(crate) fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the process's umask leaves of this, as for any other file.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn replace(
    path: &Path,
    overwrite: Overwrite,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder_of(path);
    // The temporary file removes itself when it is dropped before the rename.
    let temporary = temporary_file(&folder)?;
    let mut buffer = BufWriter::with_capacity(1 << 16, temporary);
    content(&mut buffer)?;
    let temporary = buffer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    temporary.as_file().sync_all()?;
    match overwrite {
        // What is dropped then finds its name gone and removes nothing.
        Overwrite::Allow => fs::rename(temporary.path(), path)?,
        Overwrite::Refuse => {
            temporary
                .persist_noclobber(path)
                .map_err(|error| error.error)?;
        }
    }
    sync_folder(&folder)
}

/// Makes a rename last through a loss of power.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|opened| opened.sync_all()) {
        // Some network and overlay file systems cannot sync a folder; the file itself is safe.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        outcome => outcome,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes a value as indented JSON, whole: for files that people read.
///
/// # Errors
/// [`FilesError::NotFinite`] for a number that JSON cannot hold, and as [`write_atomic`].
pub fn write_json<T: Serialize + DeserializeOwned>(
    path: &Path,
    value: &T,
    overwrite: Overwrite,
) -> Result<(), FilesError> {
    let mut text = finite_json::<T>(path, serde_json::to_string_pretty(value))?;
    text.push('\n');
    write_atomic(path, overwrite, |output| output.write_all(text.as_bytes()))
}

/// Writes a value as JSON without white space, whole, with its checksum: for checkpoints, which
/// are large and which a run goes on from. [`read_checkpoint`] reads it.
///
/// # Errors
/// As [`write_json`].
pub fn write_checkpoint<T: Serialize + DeserializeOwned>(
    path: &Path,
    value: &T,
) -> Result<(), FilesError> {
    let content = finite_json::<T>(path, serde_json::to_string(value))?;
    let crc32 = Checksum::of(content.as_bytes()).crc32;
    write_atomic(path, Overwrite::Allow, |output| {
        write!(output, "{CHECKED}{crc32:08x}{CONTENT}")?;
        output.write_all(content.as_bytes())?;
        output.write_all(END.as_bytes())
    })
}

/// How a checkpoint with a checksum begins; eight hexadecimal digits follow, then [`CONTENT`], what
/// the checksum is of, and [`END`].
const CHECKED: &str = "{\"crc32\":\"";
const CONTENT: &str = "\",\"content\":";
const END: &str = "}\n";

/// Reads what [`write_checkpoint`] wrote; one without a checksum, of an earlier version, is taken
/// as it is.
///
/// # Errors
/// [`FilesError::Read`], [`FilesError::Json`], and [`FilesError::Damaged`] where the content is not
/// what the checksum was made of.
pub fn read_checkpoint<T: DeserializeOwned>(path: &Path) -> Result<T, FilesError> {
    let text = read_text(path)?;
    let json = |source| FilesError::Json {
        path: path.to_owned(),
        source,
    };
    let Some(rest) = text.strip_prefix(CHECKED) else {
        return serde_json::from_str(&text).map_err(json);
    };
    let content = rest.get(8..).and_then(|rest| rest.strip_prefix(CONTENT));
    let content = content.and_then(|content| content.strip_suffix(END));
    let whole = content.filter(|content| {
        u32::from_str_radix(&rest[..8], 16) == Ok(Checksum::of(content.as_bytes()).crc32)
    });
    let content = whole.ok_or_else(|| FilesError::Damaged {
        path: path.to_owned(),
    })?;
    serde_json::from_str(content).map_err(json)
}

/// The text of a value, if it holds finite numbers only.
fn finite_json<T: DeserializeOwned>(
    path: &Path,
    text: serde_json::Result<String>,
) -> Result<String, FilesError> {
    let not_finite = |source| FilesError::NotFinite {
        path: path.to_owned(),
        source,
    };
    let text = text.map_err(not_finite)?;
    // JSON has no NaN: such a number becomes null, which no reader of these types accepts.
    serde_json::from_str::<T>(&text).map_err(not_finite)?;
    Ok(text)
}

/// Reads a value from JSON.
///
/// # Errors
/// [`FilesError::Read`] and [`FilesError::Json`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FilesError> {
    let text = read_text(path)?;
    serde_json::from_str(&text).map_err(|source| FilesError::Json {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full after some bytes.
    fn fill_up(output: &mut dyn Write) -> io::Result<()> {
        output.write_all(&vec![b'x'; 100_000])?;
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_disk_leaves_nothing_behind_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.xyz");
        let error = write_atomic(&path, Overwrite::Refuse, fill_up).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("new.xyz") && text.contains("free space"),
            "{text}"
        );
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_failed_overwrite_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.xyz");
        write_atomic(&path, Overwrite::Refuse, |output| output.write_all(b"old")).unwrap();
        write_atomic(&path, Overwrite::Allow, fill_up).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_atomic(&path, Overwrite::Allow, |output| output.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["kept.xyz"]);
    }

    #[test]
    fn overwriting_is_refused_unless_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.xyz");
        fs::write(&path, "old").unwrap();
        let error =
            write_atomic(&path, Overwrite::Refuse, |output| output.write_all(b"new")).unwrap_err();
        assert!(matches!(error, FilesError::Exists { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raced.xyz");
        let error = write_atomic(&path, Overwrite::Refuse, |output| {
            fs::write(&path, "theirs")?;
            output.write_all(b"ours")
        })
        .unwrap_err();
        assert!(matches!(error, FilesError::Exists { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(folder.path()), ["raced.xyz"]);
    }

    #[test]
    fn a_folder_that_cannot_be_is_named_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let below = write_atomic(&file.join("below.xyz"), Overwrite::Allow, |_| Ok(()));
        let text = below.unwrap_err().to_string();
        assert!(text.contains("a part of its path is a file"), "{text}");
        let absent = folder.path().join("absent/file.xyz");
        let text = write_atomic(&absent, Overwrite::Allow, |_| Ok(()))
            .unwrap_err()
            .to_string();
        assert!(text.contains("does not exist: create it first"), "{text}");
    }

    #[test]
    fn a_checkpoint_comes_back_and_any_damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.json");
        let value = vec![0.1, -2.5e-300, 3.0];
        write_checkpoint(&path, &value).unwrap();
        let read = || read_checkpoint::<Vec<f64>>(&path);
        assert_eq!(read().unwrap(), value);
        let whole = fs::read(&path).unwrap();
        // It is JSON for everybody else.
        let json: serde_json::Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(json["content"][2], 3.0);
        for k in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[k] = if damaged[k] == b'1' { b'2' } else { b'1' };
            fs::write(&path, &damaged).unwrap();
            let error = read().expect_err(&format!("byte {k}")).to_string();
            assert!(error.contains("walk.json"), "{error}");
            fs::write(&path, &whole[..k]).unwrap();
            assert!(read().is_err(), "{k} bytes");
        }
        // Of an earlier version.
        fs::write(&path, "[0.1,-2.5e-300,3.0]\n").unwrap();
        assert_eq!(read().unwrap(), value);
    }

    #[test]
    fn what_killed_processes_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("series");
        fs::create_dir(&below).unwrap();
        for name in [".metabasin-abc.part", "a.part", "a.csv"] {
            fs::write(below.join(name), "").unwrap();
        }
        remove_temporaries(folder.path()).unwrap();
        assert_eq!(names(&below), ["a.csv", "a.part"]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_an_ordinary_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let ordinary = folder.path().join("ordinary");
        fs::write(&ordinary, "").unwrap();
        let whole = folder.path().join("whole");
        write_atomic(&whole, Overwrite::Refuse, |_| Ok(())).unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&whole), mode(&ordinary));
    }
}
