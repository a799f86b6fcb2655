//! Whether a file could be written, before the work whose result it is to hold.

use std::io;
use std::path::Path;

use crate::atomic_file::{folder_of, temporary_file};
use crate::{FilesError, Overwrite};

/// Tries whether [`crate::write_atomic`] could write `path`: a temporary file comes into its folder
/// and goes again. Whether the disk holds the whole of it, nobody knows before.
///
/// # Errors
/// [`FilesError::Exists`] where overwriting is refused, [`FilesError::Write`] for a folder in its
/// place and for anything that the system reports.
pub fn try_output(path: &Path, overwrite: Overwrite) -> Result<(), FilesError> {
    let failed = |source| FilesError::Write {
        path: path.to_owned(),
        source,
    };
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if path.file_name().is_none() {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    }
    if overwrite == Overwrite::Refuse && path.symlink_metadata().is_ok() {
        return Err(FilesError::Exists {
            path: path.to_owned(),
        });
    }
    temporary_file(&folder_of(path)).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_could_not_be_written_is_refused_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "old").unwrap();
        fs::create_dir(at("folder")).unwrap();
        try_output(&at("new"), Overwrite::Refuse).unwrap();
        try_output(&at("file"), Overwrite::Allow).unwrap();
        let exists = try_output(&at("file"), Overwrite::Refuse).unwrap_err();
        assert!(matches!(exists, FilesError::Exists { .. }), "{exists}");
        for (path, remedy) in [
            (at("absent/new"), "create it first"),
            (at("file/new"), "a part of its path is a file"),
            (at("folder"), "this is a folder"),
        ] {
            let text = try_output(&path, Overwrite::Allow).unwrap_err().to_string();
            assert!(text.contains(remedy), "{text}");
        }
        assert_eq!(fs::read(at("file")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
