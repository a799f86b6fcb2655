//! What `recall` tells: the numbers, the verdict in words, the table as CSV and the passes that are missing.

use std::path::Path;

use metabasin_catalogue::{Catalogue, EventRecord};
use metabasin_files::{Overwrite, Placement, write_atomic};
use serde::Serialize;

use super::channels::{ExitChannel, ExitVerdict};
use super::lasting_exits::{RecallWindow, StationaryRecall};
use crate::catalogue_reading::write_events;
use crate::{PipelineError, csv};

/// What `recall` reports: first exits from the minimum of the catalogue.
#[derive(Clone, Debug, Serialize)]
pub struct Recall {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Seed of the trajectories.
    pub seed: u64,
    /// Time between two quenches `[τ]`.
    pub interval: f64,
    /// Trajectories.
    pub trajectories: u64,
    /// Of them, those that stayed to the end.
    pub stayed: u64,
    /// Exits: groups of atoms that moved, of all trajectories.
    pub exits: u64,
    /// Time at risk, all trajectories together `[τ]`.
    pub exposure: f64,
    /// Exits over passes that the catalogue holds.
    pub held: u64,
    /// Exits to minima that it holds only behind higher passes.
    pub held_by_detour: u64,
    /// Exits of which it holds nothing.
    pub missing: u64,
    /// Exits whose pass was not found.
    pub without_pass: u64,
    /// Share of the exits that the catalogue holds, those without a pass counted as not held; none
    /// without an exit.
    pub recall_by_rate: Option<f64>,
    /// Its error.
    pub recall_by_rate_error: Option<f64>,
    /// Its exact interval at 95 %.
    pub recall_by_rate_interval: Option<[f64; 2]>,
    /// Share of the channels seen at least twice that the catalogue holds.
    pub recall_by_count: Option<f64>,
    /// Its error.
    pub recall_by_count_error: Option<f64>,
    /// Its exact interval at 95 %.
    pub recall_by_count_interval: Option<[f64; 2]>,
    /// Good-Turing: the chance that the next exit takes a channel that was seen.
    pub channels_seen: Option<f64>,
    /// Exits a time `[1/τ]`.
    pub rate_md: f64,
    /// Its exact limits at two standard deviations `[1/τ]`.
    pub rate_md_interval: [f64; 2],
    /// The catalogue's sum of rates `[1/τ]`.
    pub rate_catalogue: f64,
    /// Share of the time of stationary trajectories in states that a harvest stored; none where none did.
    pub time_in_stored_states: Option<f64>,
    /// Lasting exits of the stationary trajectories by the rate of their channel; empty where no harvest was
    /// stored.
    pub windows: Vec<RecallWindow>,
    /// What else they tell of the stored states.
    pub stationary: Option<StationaryRecall>,
    /// The ways out that were taken, the most frequent first.
    pub channels: Vec<ExitChannel>,
    /// The catalogue's events, barrier `[energy]` and rate `[1/τ]`.
    #[serde(skip)]
    pub events: Vec<(f64, f64)>,
    /// Wall seconds.
    pub seconds: f64,
}

impl Recall {
    /// The result in a sentence.
    pub fn verdict(&self) -> String {
        match self.recall_by_rate_interval {
            None => format!(
                "nothing left within {:.4} tau in all: the rate is below {:.2e} a tau (97.7 %)",
                self.exposure, self.rate_md_interval[1]
            ),
            Some([low, high]) => format!(
                "the catalogue holds {} of {} exits ({:.0} to {:.0} %); {} more lead to a minimum that it \
                 holds only behind a higher pass",
                self.held,
                self.exits,
                100.0 * low,
                100.0 * high,
                self.held_by_detour
            ),
        }
    }

    /// The passes that the catalogue does not hold.
    fn passes_not_held(&self) -> Vec<EventRecord> {
        let missing = self.channels.iter().filter(|channel| {
            matches!(
                channel.verdict,
                ExitVerdict::Missing | ExitVerdict::HeldByDetour
            )
        });
        (1..)
            .zip(missing.filter_map(|channel| channel.pass.clone()))
            .map(|(id, pass)| EventRecord { id, ..pass })
            .collect()
    }
}

/// Writes the channels as CSV.
///
/// # Errors
/// What the system reports, or a file in the way.
pub fn write_recall_csv(
    recall: &Recall,
    output: &Path,
    overwrite: Overwrite,
) -> Result<(), PipelineError> {
    write_atomic(output, overwrite, |writer| {
        let what = format!(
            "ways out that molecular dynamics took first; k_B T {:?}, {} trajectories of seed {}, quenched \
             every {:?} tau",
            recall.temperature, recall.trajectories, recall.seed, recall.interval
        );
        csv::comment(writer, &what)?;
        writeln!(
            writer,
            "exits,rate,barrier,energy,attempt_frequency,dipole_xy,moved_atoms,verdict,event,event_barrier"
        )?;
        let real = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:?}"));
        for channel in &recall.channels {
            writeln!(
                writer,
                "{},{:?},{},{:?},{},{},{},{},{},{}",
                channel.exits,
                channel.rate,
                real(channel.barrier),
                channel.energy,
                real(channel.attempt_frequency),
                real(channel.dipole_xy),
                channel.moved_atoms,
                channel.verdict.text(),
                channel
                    .event
                    .map_or(String::new(), |event| event.to_string()),
                real(channel.event_barrier),
            )?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Writes minimum, saddle and final minimum of every pass that the catalogue does not hold, as
/// [`crate::export_extxyz`] writes events; how many. None make no file: nobody reads one without frames.
///
/// # Errors
/// Where the catalogue cannot be read or the file not written.
pub fn write_missing(
    recall: &Recall,
    catalogue: &Path,
    output: &Path,
    overwrite: Overwrite,
) -> Result<usize, PipelineError> {
    let sample = Catalogue::open_read_only(catalogue)?.sample()?;
    let passes = recall.passes_not_held();
    if passes.is_empty() {
        return Ok(0);
    }
    write_events(&sample, &passes, output, (overwrite, Placement::Unwrapped))?;
    Ok(passes.len())
}
