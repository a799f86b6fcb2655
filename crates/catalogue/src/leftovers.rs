//! What a stopped process left beside a catalogue: does it belong to it?
//!
//! SQLite puts a journal or a log into whatever file has the right name, without a look at whether
//! it is that file's: neither names its database. So it is tried on a copy first, where a catalogue
//! must come out that is whole and tells the same story as the file alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use tempfile::TempDir;

use crate::companions::Leftover;
use crate::error::CatalogueError;
use crate::opening::{check_version, database_error, immutable_uri};
use crate::wholeness::check_file;

/// Energies of one minimum agree this well, relative to it; those of two samples do not.
const SAME_ENERGY: f64 = 1e-9;

/// A copy of a catalogue into which SQLite has put what was left beside it. Removed when dropped.
#[derive(Debug)]
pub(crate) struct Recovered {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

/// Tries what is left beside `catalogue` on a copy.
///
/// # Errors
/// [`CatalogueError::ForeignCompanion`] where it does not belong to the catalogue, or what the system
/// reports.
pub(crate) fn recover_copy(
    catalogue: &Path,
    leftovers: &[Leftover],
) -> Result<Recovered, CatalogueError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| CatalogueError::File { path, source }
    };
    let folder = tempfile::tempdir().map_err(failed(&std::env::temp_dir()))?;
    let path = folder.path().join("catalogue.sqlite");
    fs::copy(catalogue, &path).map_err(failed(catalogue))?;
    let alone = Story::of_file_alone(&path);
    for leftover in leftovers {
        let source = leftover.file(catalogue);
        fs::copy(&source, leftover.file(&path)).map_err(failed(&source))?;
    }
    let undoes = leftovers.contains(&Leftover::Journal);
    judge(&path, alone.as_ref(), undoes).map_err(|reason| CatalogueError::ForeignCompanion {
        path: catalogue.to_owned(),
        companion: leftovers[0].file(catalogue),
        reason,
    })?;
    Ok(Recovered {
        _folder: folder,
        path,
    })
}

/// Lets SQLite put the copy at `path` together, and says what speaks against the result.
fn judge(path: &Path, alone: Option<&Story>, undoes: bool) -> Result<(), String> {
    let said = |error: CatalogueError| match error {
        CatalogueError::Torn { contradiction, .. } => format!("with it, {contradiction}"),
        CatalogueError::Malformed { detail, .. } => {
            format!("with it, the file is damaged: {detail}")
        }
        other => format!("with it, {other}"),
    };
    let connection = Connection::open(path).map_err(|source| said(database_error(path, source)))?;
    check_version(&connection, path).map_err(said)?;
    check_file(&connection, path).map_err(said)?;
    let together = Story::of(&connection).map_err(|source| said(database_error(path, source)))?;
    together.check_energies()?;
    // A file that was torn is no witness; that it is whole again is witness enough.
    let Some(alone) = alone else { return Ok(()) };
    if undoes {
        // What it undoes is the file's own: a merged catalogue holds sessions older than itself.
        together.is_beginning_of(alone)
    } else {
        alone.is_beginning_of(&together)?;
        alone.check_sessions_added(&together)
    }
}

/// What a catalogue tells, as far as it tells it from another and a later state from an earlier one.
#[derive(Debug, PartialEq)]
struct Story {
    /// Fingerprint, cut, settings and seed of the sample; id and time of creation.
    identity: Vec<String>,
    /// Seed of the searches.
    seed: String,
    /// Energy of the sample.
    energy: f64,
    created: Option<String>,
    /// By index: the event, and the bits of the seconds that it took, which no other search shares.
    searches: BTreeMap<i64, (Option<i64>, u64)>,
    /// By id: the bits of the barrier.
    events: BTreeMap<i64, u64>,
    /// The lowest and highest energy of the minimum that events start from.
    energies: Option<(f64, f64)>,
    /// Seed and time of every session, in order.
    sessions: Vec<(String, String)>,
}

impl Story {
    /// What the file tells without what lies beside it; none where it is torn.
    fn of_file_alone(path: &Path) -> Option<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(immutable_uri(path), flags).ok()?;
        check_file(&connection, path).ok()?;
        Self::of(&connection).ok()
    }

    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let metadata = |key: &str| -> rusqlite::Result<Option<String>> {
            connection
                .query_row("SELECT value FROM metadata WHERE key = ?1", [key], |row| {
                    row.get(0)
                })
                .optional()
        };
        let created = metadata("created")?;
        let (mut identity, energy): (Vec<String>, f64) = connection.query_row(
            "SELECT fingerprint, cut, settings, seed, energy FROM samples",
            [],
            |row| {
                let texts: Result<Vec<String>, _> = (0..4).map(|k| row.get(k)).collect();
                Ok((texts?, row.get(4)?))
            },
        )?;
        identity.extend(metadata("id")?);
        identity.extend(created.clone());
        let energies = connection.query_row(
            "SELECT min(energy_minimum), max(energy_minimum) FROM events",
            [],
            |row| {
                let (low, high): (Option<f64>, Option<f64>) = (row.get(0)?, row.get(1)?);
                Ok(low.zip(high))
            },
        )?;
        let mut story = Self {
            seed: identity[3].clone(),
            identity,
            energy,
            created,
            searches: BTreeMap::new(),
            events: BTreeMap::new(),
            energies,
            sessions: Vec::new(),
        };
        let mut statement = connection.prepare("SELECT search, event, seconds FROM searches")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let seconds: f64 = row.get(2)?;
            story
                .searches
                .insert(row.get(0)?, (row.get(1)?, seconds.to_bits()));
        }
        let mut statement = connection.prepare("SELECT id, barrier_forward FROM events")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let barrier: f64 = row.get(1)?;
            story.events.insert(row.get(0)?, barrier.to_bits());
        }
        let mut statement =
            connection.prepare("SELECT seed, started FROM provenance ORDER BY session")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            story.sessions.push((row.get(0)?, row.get(1)?));
        }
        Ok(story)
    }

    /// Whether the events are those of the sample: pages of another catalogue are not.
    fn check_energies(&self) -> Result<(), String> {
        let off = |energy: f64| (energy - self.energy).abs() > SAME_ENERGY * self.energy.abs();
        match self.energies {
            Some((low, high)) if off(low) || off(high) => Err(format!(
                "it holds events from a minimum of energy {}, the sample's is {}",
                if off(low) { low } else { high },
                self.energy
            )),
            _ => Ok(()),
        }
    }

    /// Whether `later` may have become of this: catalogues only grow.
    fn is_beginning_of(&self, later: &Self) -> Result<(), String> {
        let lost = |what: &str| Err(format!("with it, the {what} of the catalogue would change"));
        if self.identity != later.identity {
            return lost("sample, the settings or the seed");
        }
        let kept = |(k, search): (&i64, &(Option<i64>, u64))| later.searches.get(k) == Some(search);
        if !self.searches.iter().all(kept) {
            return lost("searches");
        }
        let kept = |(id, barrier): (&i64, &u64)| later.events.get(id) == Some(barrier);
        if !self.events.iter().all(kept) {
            return lost("events");
        }
        if !later.sessions.starts_with(&self.sessions) {
            return lost("sessions");
        }
        Ok(())
    }

    /// Whether the sessions that a log adds may be those of this catalogue.
    fn check_sessions_added(&self, later: &Self) -> Result<(), String> {
        // To the second: `2026-01-01T00:00:00`.
        let second = |time: &str| time.get(..19).map(str::to_owned);
        let created = self.created.as_deref().and_then(second);
        for (seed, started) in later.sessions.iter().skip(self.sessions.len()) {
            if *seed != self.seed {
                return Err(format!(
                    "it holds searches with seed {seed}, the catalogue's is {}",
                    self.seed
                ));
            }
            if second(started) < created {
                return Err(format!(
                    "it holds searches begun at {started}, before the catalogue was made"
                ));
            }
        }
        Ok(())
    }
}

/// Refuses a companion that waits for a catalogue of this name, where there is none.
///
/// # Errors
/// [`CatalogueError::Orphan`] naming it.
pub(crate) fn refuse_orphans(catalogue: &Path) -> Result<(), CatalogueError> {
    for leftover in [Leftover::Journal, Leftover::Log] {
        let companion = leftover.file(catalogue);
        if companion.metadata().is_ok_and(|found| found.len() > 0) {
            return Err(CatalogueError::Orphan {
                path: catalogue.to_owned(),
                companion,
            });
        }
    }
    Ok(())
}
