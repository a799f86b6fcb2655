//! Size and checksum of a file, and what they say of it later.
//!
//! CRC-32 (ISO-HDLC, as in gzip and zip) finds what disks, copies and slips of the hand do to a
//! file; it is no protection against intent.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::FilesError;
use crate::atomic_file::is_temporary;

/// Size and checksum of a file or of its beginning; as text `1234 bytes, crc32 0a1b2c3d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checksum {
    /// How many bytes.
    pub bytes: u64,
    /// Their CRC-32.
    pub crc32: u32,
}

/// Checksums of files by their path relative to some folder, with `/` between its parts.
pub type Checksums = BTreeMap<String, Checksum>;

impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} bytes, crc32 {:08x}", self.bytes, self.crc32)
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.to_string()
    }
}

impl TryFrom<String> for Checksum {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text
            .split_once(" bytes, crc32 ")
            .and_then(|(bytes, crc32)| {
                Some(Self {
                    bytes: bytes.parse().ok()?,
                    crc32: u32::from_str_radix(crc32, 16).ok()?,
                })
            });
        parsed.ok_or_else(|| format!("`{text}` is no size and checksum"))
    }
}

/// Takes in bytes one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunningChecksum {
    bytes: u64,
    hasher: crc32fast::Hasher,
}

impl RunningChecksum {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    pub(crate) fn so_far(&self) -> Checksum {
        Checksum {
            bytes: self.bytes,
            crc32: self.hasher.clone().finalize(),
        }
    }
}

impl Checksum {
    /// Of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        let mut running = RunningChecksum::default();
        running.update(bytes);
        running.so_far()
    }

    /// Of a file.
    ///
    /// # Errors
    /// What the system reports.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Self::of_beginning(path, u64::MAX)
    }

    /// Of the first `bytes` of a file, or of all of a shorter one.
    fn of_beginning(path: &Path, bytes: u64) -> io::Result<Self> {
        let mut file = File::open(path)?.take(bytes);
        let mut running = RunningChecksum::default();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(running.so_far()),
                read => running.update(&buffer[..read]),
            }
        }
    }

    /// What is wrong with a file that should be this; `None` where nothing is.
    pub fn damage(&self, path: &Path) -> Option<Damage> {
        let kind = match Self::of_file(path) {
            Ok(found) if found == *self => return None,
            Ok(found) => self.difference(found),
            Err(error) => DamageKind::of_error(&error),
        };
        Some(Damage {
            path: path.to_owned(),
            kind,
        })
    }

    /// What is wrong with a file that should begin with this, whatever follows.
    pub fn damage_of_beginning(&self, path: &Path) -> Option<Damage> {
        let kind = match Self::of_beginning(path, self.bytes) {
            Ok(found) if found == *self => return None,
            Ok(found) => self.difference(found),
            Err(error) => DamageKind::of_error(&error),
        };
        Some(Damage {
            path: path.to_owned(),
            kind,
        })
    }

    fn difference(&self, found: Self) -> DamageKind {
        if found.bytes == self.bytes {
            DamageKind::Changed
        } else {
            DamageKind::Size {
                expected: self.bytes,
                found: found.bytes,
            }
        }
    }
}

/// How a file differs from what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// It is gone.
    Missing,
    /// It cannot be read.
    Unreadable(String),
    /// It is shorter or longer.
    Size {
        /// Bytes once.
        expected: u64,
        /// Bytes now.
        found: u64,
    },
    /// As long, of other content.
    Changed,
}

impl DamageKind {
    fn of_error(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Self::Missing
        } else {
            Self::Unreadable(error.to_string())
        }
    }
}

/// A file that is no longer what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// How it differs.
    pub kind: DamageKind,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            DamageKind::Missing => write!(formatter, "{path} is gone"),
            DamageKind::Unreadable(error) => write!(formatter, "{path} cannot be read ({error})"),
            DamageKind::Size { expected, found } if found < expected => {
                write!(formatter, "{path} was cut: {found} of {expected} bytes")
            }
            DamageKind::Size { expected, found } => {
                write!(formatter, "{path} has grown: {found} bytes, not {expected}")
            }
            DamageKind::Changed => write!(
                formatter,
                "{path} was changed: its checksum is another, its size the same"
            ),
        }
    }
}

/// Adds the checksums of all files in `root`/`folder` and its subfolders to `checksums`, under
/// their paths relative to `root`; files on their way into being are left out.
///
/// # Errors
/// [`FilesError::Read`].
pub fn checksums_below(
    root: &Path,
    folder: &str,
    checksums: &mut Checksums,
) -> Result<(), FilesError> {
    let path = root.join(folder);
    let failed = |path: &Path, source| FilesError::Read {
        path: path.to_owned(),
        source,
    };
    if !path.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(&path).map_err(|error| failed(&path, error))? {
        let entry = entry.map_err(|error| failed(&path, error))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let relative = format!("{folder}/{name}");
        let kind = entry.file_type();
        let kind = kind.map_err(|error| failed(&entry.path(), error))?;
        if kind.is_dir() {
            checksums_below(root, &relative, checksums)?;
        } else if kind.is_file() && !is_temporary(&name) {
            let checksum = Checksum::of_file(&entry.path());
            let checksum = checksum.map_err(|error| failed(&entry.path(), error))?;
            checksums.insert(relative, checksum);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_gzip_and_comes_back_from_its_text() {
        // The check value of CRC-32/ISO-HDLC.
        let checksum = Checksum::of(b"123456789");
        assert_eq!((checksum.bytes, checksum.crc32), (9, 0xcbf4_3926));
        let text = serde_json::to_string(&checksum).unwrap();
        assert_eq!(text, "\"9 bytes, crc32 cbf43926\"");
        assert_eq!(serde_json::from_str::<Checksum>(&text).unwrap(), checksum);
        assert!(serde_json::from_str::<Checksum>("\"9 bytes\"").is_err());
    }

    #[test]
    fn every_damage_is_found_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let whole = b"step,x\n0,1.5\n20,2.5\n";
        let checksum = Checksum::of(whole);
        let says = |content: Option<&[u8]>| {
            match content {
                Some(content) => fs::write(&path, content).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let damage = checksum.damage(&path).map(|damage| damage.to_string());
            let beginning = checksum.damage_of_beginning(&path);
            (
                damage.unwrap_or_default(),
                beginning.map(|damage| damage.kind),
            )
        };
        assert_eq!(says(Some(whole)), (String::new(), None));
        let (said, kind) = says(Some(&whole[..12]));
        assert!(said.ends_with("a.csv was cut: 12 of 20 bytes"), "{said}");
        assert!(matches!(kind, Some(DamageKind::Size { found: 12, .. })));
        let (said, kind) = says(Some(b"step,x\n0,1.5\n20,2.6\n"));
        assert!(said.contains("was changed"), "{said}");
        assert_eq!(kind, Some(DamageKind::Changed));
        let (said, kind) = says(Some(b"step,x\n0,1.5\n20,2.5\n40,3.5\n"));
        assert!(said.contains("has grown: 27 bytes, not 20"), "{said}");
        assert_eq!(kind, None);
        let (said, kind) = says(None);
        assert!(said.ends_with("is gone"), "{said}");
        assert_eq!(kind, Some(DamageKind::Missing));
    }

    #[test]
    fn files_of_a_folder_are_listed_by_their_path_below_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("01-shear/series")).unwrap();
        for name in [
            "01-shear/series/a.csv",
            "01-shear/results.json",
            "01-shear/.metabasin-x.part",
        ] {
            fs::write(root.join(name), name).unwrap();
        }
        let mut found = Checksums::new();
        checksums_below(root, "01-shear", &mut found).unwrap();
        checksums_below(root, "02-absent", &mut found).unwrap();
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["01-shear/results.json", "01-shear/series/a.csv"]);
    }
}
