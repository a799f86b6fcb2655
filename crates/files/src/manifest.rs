//! `run.json`: what a run directory holds, how it was made, and how far it came.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::atomic_file::{read_json, write_json};
use crate::{Checksums, Damage, FilesError, Overwrite};

/// How far a stage came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Not begun.
    #[default]
    Pending,
    /// Begun; also what a killed run leaves.
    Running,
    /// Finished.
    Done,
    /// Ended with an error.
    Failed,
    /// Stopped on request; can be resumed.
    Interrupted,
    /// Over without a result, which this sample does not give: [`StageEntry::reason`] says why.
    LeftOut,
}

impl StageState {
    /// Whether nothing is left to be done.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::LeftOut)
    }
}

/// One stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageEntry {
    /// Its name.
    pub name: String,
    /// Its folder, relative to the run directory.
    pub folder: String,
    /// How far it came.
    pub state: StageState,
    /// Wall seconds that it took, where it has run.
    pub seconds: Option<f64>,
    /// Why it was left out, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it left when it was done, by path relative to the run directory; none of a stage that
    /// was never done, or was done by a version without checksums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Checksums>,
}

impl StageEntry {
    /// A stage that has not begun.
    pub fn pending(name: &str, folder: &str) -> Self {
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            state: StageState::Pending,
            seconds: None,
            reason: None,
            files: None,
        }
    }

    /// The files that the stage left when it was done and that are no longer what they were.
    pub fn damages(&self, run_directory: &Path) -> Vec<Damage> {
        let files = self.files.iter().flatten();
        files
            .filter_map(|(path, checksum)| checksum.damage(&run_directory.join(path)))
            .collect()
    }
}

/// The machine that a run ran on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Operating system and architecture.
    pub platform: String,
    /// Processors that the system offers.
    pub cores: usize,
    /// Worker threads that were used.
    pub threads: usize,
}

impl Host {
    /// This machine, running `threads` workers.
    pub fn this_machine(threads: usize) -> Self {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .ok()
            .or_else(|| std::env::var("HOSTNAME").ok())
            .or_else(|| std::env::var("COMPUTERNAME").ok())
            .unwrap_or_default();
        Self {
            name: name.trim().to_owned(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads,
        }
    }
}

/// The manifest of a run directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub manifest_version: u32,
    /// The program.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The verb that made the directory.
    pub verb: String,
    /// The config as run, as text.
    pub config: String,
    /// The seed of all random streams.
    pub seed: u64,
    /// The kernel that computed forces.
    pub kernel: String,
    /// What the numbers mean, for people.
    pub units: String,
    /// Where it ran.
    pub host: Host,
    /// When it began, RFC 3339, UTC.
    pub started: String,
    /// When it ended, RFC 3339, UTC.
    pub finished: Option<String>,
    /// The stages, in order.
    pub stages: Vec<StageEntry>,
    /// What makes the sample unfit for what is said of it: crystallization.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Manifest {
    /// Version of this format.
    pub const VERSION: u32 = 1;

    /// File name within a run directory.
    pub const FILE_NAME: &'static str = "run.json";

    /// The manifest of a run that begins now.
    pub fn new(verb: &str, config: &str, seed: u64, kernel: &str, threads: usize) -> Self {
        Self {
            manifest_version: Self::VERSION,
            program: "metabasin".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            verb: verb.to_owned(),
            config: config.to_owned(),
            seed,
            kernel: kernel.to_owned(),
            units: "reduced Lennard-Jones: length sigma_11, energy epsilon, mass m_1, k_B = 1, \
                    time tau = sigma sqrt(m / epsilon); mapped: epsilon = 1 eV, 0.002778 tau = 1 fs"
                .to_owned(),
            host: Host::this_machine(threads),
            started: rfc3339(SystemTime::now()),
            finished: None,
            stages: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Notes that the run ends now.
    pub fn finish(&mut self) {
        self.finished = Some(rfc3339(SystemTime::now()));
    }

    /// Whether every stage is over.
    pub fn is_done(&self) -> bool {
        self.stages.iter().all(|stage| stage.state.is_over())
    }

    /// The files of stages that are done and that are no longer what they were; also those of
    /// replicas, which are runs of their own in folders of this one.
    pub fn damages(&self, run_directory: &Path) -> Vec<Damage> {
        let of_stage = |stage: &StageEntry| {
            let folder = run_directory.join(&stage.folder);
            match Self::read(&folder) {
                Ok(replica) => replica.damages(&folder),
                Err(_) if stage.state == StageState::Done => stage.damages(run_directory),
                Err(_) => Vec::new(),
            }
        };
        self.stages.iter().flat_map(of_stage).collect()
    }

    /// Reads `run.json` in a run directory.
    ///
    /// # Errors
    /// [`FilesError::Read`] and [`FilesError::Json`].
    pub fn read(run_directory: &Path) -> Result<Self, FilesError> {
        read_json(&run_directory.join(Self::FILE_NAME))
    }

    /// Writes `run.json` in a run directory, whole, replacing an older one.
    ///
    /// # Errors
    /// As [`crate::write_atomic`].
    pub fn write(&self, run_directory: &Path) -> Result<(), FilesError> {
        write_json(&run_directory.join(Self::FILE_NAME), self, Overwrite::Allow)
    }
}

/// A moment as RFC 3339 in UTC, to the second.
pub fn rfc3339(moment: SystemTime) -> String {
    // Moments before 1970 come from a clock that was never set.
    let seconds = moment
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) = (
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60,
    );
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a number of days after 1970-01-01 (Gregorian calendar; the algorithm
/// `civil_from_days` of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil_date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months counted from March, so that the leap day comes last.
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn moments_agree_with_the_calendar() {
        // Reference values: date -u -d @SECONDS +%FT%TZ.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_manifest_comes_back_and_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = Manifest::new("run", "(seed: 7)", u64::MAX, "portable", 2);
        manifest.stages = vec![
            StageEntry::pending("equilibrate", "01-equilibrate"),
            StageEntry::pending("shear", "02-shear"),
        ];
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest);
        assert!(!manifest.is_done());
        for stage in &mut manifest.stages {
            stage.state = StageState::Done;
            stage.seconds = Some(0.1);
        }
        manifest.finish();
        manifest.write(folder.path()).unwrap();
        let back = Manifest::read(folder.path()).unwrap();
        assert!(back.is_done() && back.finished.is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let text = std::fs::read_to_string(folder.path().join("run.json")).unwrap();
        assert!(text.contains("\"state\": \"done\""), "{text}");
    }

    #[test]
    fn a_damaged_manifest_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("run.json"), "{\"seed\": 7,\n").unwrap();
        let text = Manifest::read(folder.path()).unwrap_err().to_string();
        assert!(
            text.contains("run.json") && text.contains("line 2"),
            "{text}"
        );
    }
}
