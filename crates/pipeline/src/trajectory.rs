//! One MD experiment from start to end: series written, inherent states quenched, checkpoints
//! kept, so that it resumes after any stop.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use metabasin_atoms::Configuration;
use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_files::{
    Checksum, Checksums, FilesError, Overwrite, SeriesHeader, SeriesWriter, read_checkpoint,
    write_checkpoint,
};
use metabasin_interactions::ForceField;
use metabasin_md::{Frame, MdError, Observer, Protocol, Status};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::inherent_states::{INHERENT, InherentState, quench};
use crate::stage::StageContext;
use crate::{PipelineError, Progress};

/// Time between two checkpoints at least; where they fall changes no bit of the result.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);
/// And at least so many times what writing one takes, so that large samples do not mostly write.
const CHECKPOINT_SHARE: u32 = 30;

/// Columns of a series of frames, after `step`: the moment's values, then means over the interval
/// that ends there.
pub(crate) fn frame_header(comment: &str) -> SeriesHeader {
    let mut columns = vec![("time", "tau"), ("time_mapped", "s"), ("gamma", "")];
    columns.extend([
        ("temperature", "epsilon"),
        ("potential_energy_per_atom", "epsilon"),
        ("kinetic_energy_per_atom", "epsilon"),
        ("volume", "sigma^3"),
        ("pressure", "epsilon/sigma^3"),
        ("conserved", "epsilon"),
        ("mean_gamma", ""),
        ("mean_temperature", "epsilon"),
        ("mean_potential_energy_per_atom", "epsilon"),
        ("mean_enthalpy_per_atom", "epsilon"),
        ("mean_volume", "sigma^3"),
    ]);
    columns.extend(MEAN_STRESS.map(|name| (name, "epsilon/sigma^3")));
    SeriesHeader::new(&columns).with_comment(comment)
}

const MEAN_STRESS: [&str; 6] = [
    "mean_stress_xx",
    "mean_stress_yy",
    "mean_stress_zz",
    "mean_stress_xy",
    "mean_stress_xz",
    "mean_stress_yz",
];

fn frame_values(frame: &Frame) -> Vec<f64> {
    let mean = &frame.mean;
    let mut values = vec![
        frame.time,
        frame.time * SECONDS_PER_TAU,
        frame.gamma,
        frame.temperature,
        frame.potential_energy_per_atom,
        frame.kinetic_energy_per_atom,
        frame.volume,
        frame.pressure,
        frame.conserved,
        mean.gamma,
        mean.temperature,
        mean.potential_energy_per_atom,
        mean.enthalpy_per_atom,
        mean.volume,
    ];
    values.extend(mean.stress.0);
    values
}

/// At which steps something is done along a trajectory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule(Vec<u64>);

impl Schedule {
    /// `count` steps spread evenly, first and last step among them.
    pub(crate) fn even(count: usize, total: u64) -> Self {
        if count < 2 {
            return Self(if count == 1 { vec![total] } else { Vec::new() });
        }
        let step = |k: usize| (total as f64 * k as f64 / (count - 1) as f64).round() as u64;
        Self((0..count).map(step).collect())
    }

    /// The same number of steps, squeezed into what remains after the first `share`.
    pub(crate) fn within_last(self, share: f64) -> Self {
        let total = self.0.last().copied().unwrap_or(0) as f64;
        let squeezed = |step: u64| (share * total + (1.0 - share) * step as f64).round() as u64;
        Self(self.0.into_iter().map(squeezed).collect())
    }

    /// The start, then steps spread evenly on a logarithmic axis from `first` to the last step.
    pub(crate) fn logarithmic(count: usize, first: u64, total: u64) -> Self {
        let mut steps = vec![0];
        let (first, last) = (first.max(1) as f64, total.max(1) as f64);
        let intervals = count.saturating_sub(2).max(1) as f64;
        for k in 0..count.saturating_sub(1) {
            steps.push((first * (last / first).powf(k as f64 / intervals)).round() as u64);
        }
        steps.dedup();
        Self(steps)
    }

    /// Whether a step of the schedule lies in (after, upto], or at the start where `after` is none.
    fn is_due(&self, after: Option<u64>, upto: u64) -> bool {
        let earlier = |step: u64| after.is_none_or(|after| step > after);
        self.0.iter().any(|&step| earlier(step) && step <= upto)
    }
}

/// What a trajectory writes beside its checkpoint.
pub(crate) struct Outputs {
    /// Name of the trajectory: of its series and checkpoints.
    pub(crate) name: String,
    /// A line for people at the head of the series.
    pub(crate) comment: String,
    /// When inherent states are quenched.
    pub(crate) quenches: Schedule,
    /// When whole configurations are kept.
    pub(crate) snapshots: Schedule,
}

/// Where a trajectory goes on, and what it had written until then.
#[derive(Serialize, Deserialize)]
struct Stored<S> {
    /// By path relative to the stage's folder: series up to here, and whole configurations.
    files: Checksums,
    state: S,
}

/// Reads a checkpoint; one of an earlier version says nothing of what was written.
fn read_stored<S: DeserializeOwned>(path: &Path) -> Result<Stored<S>, FilesError> {
    match read_checkpoint(path) {
        Err(FilesError::Json { .. }) => read_checkpoint(path).map(|state| Stored {
            files: Checksums::new(),
            state,
        }),
        read => read,
    }
}

/// Where a trajectory of this stage goes on; `None` where it begins, or where it has to begin anew,
/// because what it wrote is damaged, which is said.
fn stored<S: DeserializeOwned>(
    context: &StageContext,
    name: &str,
) -> Result<Option<Stored<S>>, PipelineError> {
    let path = checkpoint_path(context.folder, name);
    if !path.exists() {
        return Ok(None);
    }
    let damage = match read_stored::<S>(&path) {
        Err(FilesError::Damaged { .. }) => {
            format!("{} does not fit its checksum", path.display())
        }
        Err(error) => return Err(error.into()),
        Ok(stored) => {
            let damage = stored.files.iter().find_map(|(file, checksum)| {
                checksum.damage_of_beginning(&context.folder.join(file))
            });
            match damage {
                None => return Ok(Some(stored)),
                Some(damage) => damage.to_string(),
            }
        }
    };
    context.finished.remove(name)?;
    context
        .progress
        .note(&format!("{damage}: the trajectory {name} is done anew"));
    Ok(None)
}

struct Recorder<'a> {
    frames: SeriesWriter,
    inherent: Option<SeriesWriter>,
    /// Whole configurations written so far.
    snapshots: Checksums,
    outputs: &'a Outputs,
    folder: &'a Path,
    force_field: &'a ForceField,
    progress: &'a dyn Progress,
    warned: bool,
    last_step: Option<u64>,
    failure: Option<PipelineError>,
}

impl Recorder<'_> {
    fn record(
        &mut self,
        frame: &Frame,
        configuration: &Configuration,
    ) -> Result<(), PipelineError> {
        self.frames.append(frame.step, &frame_values(frame))?;
        let Outputs {
            name,
            quenches,
            snapshots,
            ..
        } = self.outputs;
        if let Some(series) = &mut self.inherent
            && quenches.is_due(self.last_step, frame.step)
        {
            let place = format!("{name}, step {}", frame.step);
            match quench(configuration, self.force_field) {
                Ok((state, _)) => {
                    series.append(frame.step, &state.values(frame.time, frame.gamma))?;
                    let warning = state.laves.warning(&place);
                    if let Some(warning) = warning.filter(|_| !self.warned) {
                        self.progress.note(&warning);
                        self.warned = true;
                    }
                }
                Err(PipelineError::LeftOut(reason)) => {
                    self.progress
                        .note(&format!("{place}: {reason}; it is left out"));
                }
                Err(other) => return Err(other),
            }
        }
        if snapshots.is_due(self.last_step, frame.step) {
            let file = snapshot_file(name, frame.step);
            let path = self.folder.join(&file);
            write_checkpoint(&path, configuration)?;
            let checksum =
                Checksum::of_file(&path).map_err(|source| FilesError::Read { path, source })?;
            self.snapshots.insert(file, checksum);
        }
        self.last_step = Some(frame.step);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), PipelineError> {
        self.frames.flush()?;
        if let Some(series) = &mut self.inherent {
            series.flush()?;
        }
        Ok(())
    }

    /// What is on disk after [`Recorder::flush`].
    fn files(&self) -> Checksums {
        let name = &self.outputs.name;
        let mut files = self.snapshots.clone();
        files.insert(series_file(name, ""), self.frames.checksum());
        if let Some(series) = &self.inherent {
            files.insert(series_file(name, INHERENT), series.checksum());
        }
        files
    }
}

impl Observer for Recorder<'_> {
    fn on_frame(&mut self, frame: &Frame, configuration: &Configuration) {
        if self.failure.is_none() {
            self.failure = self.record(frame, configuration).err();
        }
    }
}

/// A series of a trajectory, below the stage's folder.
fn series_file(name: &str, suffix: &str) -> String {
    format!("series/{name}{suffix}.csv")
}

/// A configuration that a trajectory keeps, below the stage's folder.
fn snapshot_file(name: &str, step: u64) -> String {
    format!("checkpoints/{name}-snapshot-{step:012}.json")
}

/// The configurations that a trajectory kept, in the order of their steps.
pub(crate) fn read_snapshots(
    folder: &Path,
    name: &str,
) -> Result<Vec<Configuration>, PipelineError> {
    let prefix = format!("{name}-snapshot-");
    let entries = fs::read_dir(folder.join("checkpoints")).map_err(|error| {
        PipelineError::Failed(format!("cannot read checkpoints of {name}: {error}"))
    })?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(&prefix))
        })
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| read_checkpoint(path).map_err(PipelineError::from))
        .collect()
}

/// Where the checkpoint of a trajectory lies.
pub(crate) fn checkpoint_path(folder: &Path, name: &str) -> PathBuf {
    folder.join("checkpoints").join(format!("{name}.json"))
}

/// A blow-up and its like: what happened when, and what to try.
///
/// A broken input (no velocities, overlapping atoms, a cell too small) is the user's to mend, so it
/// counts as bad input.
pub(crate) fn md_failure(name: &str, error: &MdError) -> PipelineError {
    PipelineError::Failed(format!("{name}: {error}"))
}

/// A protocol that came to its end in an earlier stage, whose folder is given.
pub(crate) fn finished<P: Protocol>(
    context: &StageContext,
    folder: &Path,
    name: &str,
) -> Result<P, PipelineError> {
    let stored = read_stored(&checkpoint_path(folder, name))?;
    P::restore(stored.state, context.force_field()).map_err(|error| md_failure(name, &error))
}

/// Runs a protocol to its end, or on from its checkpoint.
///
/// # Errors
/// [`PipelineError::Interrupted`] where the user asked to stop (the checkpoint is kept), a blow-up,
/// or a disk that does not take the output.
pub(crate) fn drive<P: Protocol>(
    context: &StageContext,
    outputs: &Outputs,
    start: impl FnOnce(ForceField) -> Result<P, MdError>,
) -> Result<P, PipelineError> {
    let name = outputs.name.as_str();
    let force_field = context.force_field();
    let checkpoint = checkpoint_path(context.folder, name);
    let stored: Option<Stored<P::State>> = stored(context, name)?;
    let resumed = stored.is_some();
    let (restored, mut written) = match stored {
        Some(Stored { files, state }) => (P::restore(state, force_field.clone()), files),
        None => (start(force_field.clone()), Checksums::new()),
    };
    written.retain(|file, _| file.contains("-snapshot-"));
    let mut protocol = restored.map_err(|error| md_failure(name, &error))?;
    let mut status = protocol.status();
    if resumed {
        context.progress.resume(status.done_steps);
    }
    let quench_field = context.quench_field();
    let mut recorder = recorder(
        context,
        outputs,
        &quench_field,
        (resumed, status.done_steps),
        written,
    )?;
    let mut saved = Saved::new();
    let result = loop {
        if status.finished {
            break Ok(());
        }
        if let Err(error) = advance(&mut protocol, &mut recorder, &mut status, context) {
            break Err(error);
        }
        let stop = context.must_stop();
        if status.finished || stop || saved.is_due() {
            let _saving = context.interrupt.saving();
            let write = || {
                recorder.flush()?;
                let stored = Stored {
                    files: recorder.files(),
                    state: protocol.state(),
                };
                write_checkpoint(&checkpoint, &stored)?;
                Ok::<(), PipelineError>(())
            };
            if let Err(error) = saved.time(write) {
                break Err(error);
            }
        }
        if stop && !status.finished {
            break Err(context.interrupted());
        }
    };
    if let Err(error) = result {
        if !error.is_interruption() {
            context.aborted.request();
        }
        return Err(with_last_good(error, context, name));
    }
    context.finished.add(name)?;
    // What the protocol would still have been allowed to do counts as done.
    context
        .progress
        .resume(status.total_steps.saturating_sub(status.done_steps));
    Ok(protocol)
}

/// On to the next frame.
fn advance<P: Protocol>(
    protocol: &mut P,
    recorder: &mut Recorder,
    status: &mut Status,
    context: &StageContext,
) -> Result<(), PipelineError> {
    let before = status.done_steps;
    *status = protocol
        .advance(1, recorder)
        .map_err(|error| md_failure(&recorder.outputs.name, &error))?;
    if let Some(failure) = recorder.failure.take() {
        return Err(failure);
    }
    context.progress.advance(status.done_steps - before);
    Ok(())
}

/// The failure of a trajectory, with the place of what can still be gone on from.
fn with_last_good(error: PipelineError, context: &StageContext, name: &str) -> PipelineError {
    let path = checkpoint_path(context.folder, name);
    let kept = if path.exists() {
        format!("; the last good checkpoint is kept: {}", path.display())
    } else {
        String::new()
    };
    match error {
        PipelineError::Failed(message) => PipelineError::Failed(format!("{message}{kept}")),
        PipelineError::Files(source) if source.is_disk_failure() => PipelineError::Failed(format!(
            "{name}: {source}{kept}; make room, then go on with the same command and --resume"
        )),
        other => other,
    }
}

/// When the last checkpoint was written, and how long that took.
struct Saved {
    at: Instant,
    took: Duration,
}

impl Saved {
    fn new() -> Self {
        Self {
            at: Instant::now(),
            took: Duration::ZERO,
        }
    }

    fn is_due(&self) -> bool {
        self.at.elapsed() > CHECKPOINT_EVERY.max(CHECKPOINT_SHARE * self.took)
    }

    fn time<T>(&mut self, write: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let written = write();
        self.at = Instant::now();
        self.took = self.at - start;
        written
    }
}

/// What writes the series of a trajectory, new or going on after `done_steps`.
fn recorder<'a>(
    context: &StageContext<'a>,
    outputs: &'a Outputs,
    force_field: &'a ForceField,
    (resumed, done_steps): (bool, u64),
    snapshots: Checksums,
) -> Result<Recorder<'a>, PipelineError> {
    let series = |suffix: &str, header: &SeriesHeader| {
        let path = context.folder.join(series_file(&outputs.name, suffix));
        if resumed {
            SeriesWriter::resume(&path, header, done_steps)
        } else {
            SeriesWriter::create(&path, header, Overwrite::Allow)
        }
    };
    let quenched = !outputs.quenches.0.is_empty();
    let header = InherentState::header(&outputs.comment);
    Ok(Recorder {
        frames: series("", &frame_header(&outputs.comment))?,
        inherent: if quenched {
            Some(series(INHERENT, &header)?)
        } else {
            None
        },
        snapshots,
        outputs,
        folder: context.folder,
        force_field,
        progress: context.progress,
        warned: false,
        last_step: resumed.then_some(done_steps),
        failure: None,
    })
}
