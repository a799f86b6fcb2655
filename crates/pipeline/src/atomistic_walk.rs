//! Atomistic kinetic Monte Carlo from a structure file: the verb `akmc`.

mod folder;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use metabasin_atomistic::{
    AtomisticError, GlassTerrain, StepKind, Terrain, Walk, WalkSettings, WayOut,
};
use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_catalogue::Catalogue;
use metabasin_files::{read_checkpoint, write_checkpoint};
use metabasin_interactions::Cut;
use metabasin_landscape::{HeatSettings, SearchSettings};
use serde::Serialize;

use crate::config::KernelChoice;
use crate::memory::{FEWER_THREADS, of_searches, require_for};
use crate::run_directory::Existing;
use crate::saddle_searches::{SearchPlan, SearchStart, quench_start, search_into};
use crate::sample::{Sample, force_field};
use crate::{Interrupt, PipelineError, Progress};
use folder::{Folder, Row, Stored};

/// The walk is stored at least this often; where it falls changes no bit of the result.
const STORE_EVERY: Duration = Duration::from_secs(20);

/// A start is the minimum of a catalogue when no atom is farther off `[length]`.
const SAME_MINIMUM: f64 = 1e-2;

/// What `akmc FILE` is asked.
#[derive(Clone, Debug)]
pub struct WalkRequest {
    /// Most steps in all.
    pub steps: Option<u64>,
    /// Physical time at which it ends `[τ]`.
    pub until: Option<f64>,
    /// The minimum is drawn at multiples of this time, too, each draw a step of its own: means over
    /// such rows are means over time `[τ]`.
    pub every: Option<f64>,
    /// Wall seconds after which it stops, resumable.
    pub wall_seconds: Option<f64>,
    /// Cut mode.
    pub cut: Cut,
    /// Force kernel.
    pub kernel: KernelChoice,
    /// Declared attempt frequency per mapped second.
    pub attempt_frequency_per_second: f64,
    /// Events of the start that are known already.
    pub catalogue: Option<PathBuf>,
    /// Folder of another walk from the same sample, whose first searches are taken over.
    pub from: Option<PathBuf>,
    /// Atoms this close to one that moves may feel it `[length]`.
    pub shell: f64,
    /// How the walk is done; the attempt frequency is the declared one.
    pub walk: WalkSettings,
}

impl Default for WalkRequest {
    fn default() -> Self {
        Self {
            steps: Some(100),
            until: None,
            every: None,
            wall_seconds: None,
            cut: Cut::default(),
            kernel: KernelChoice::default(),
            attempt_frequency_per_second: 1e13,
            catalogue: None,
            from: None,
            shell: 1.2,
            walk: WalkSettings::default(),
        }
    }
}

/// Times and energies of the minima along a walk, for a picture `(mapped seconds, energy)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WalkTrack {
    /// The start, and where the walk stopped at a passage.
    pub passages: Vec<(f64, f64)>,
    /// Where it was at given times.
    pub drawn: Vec<(f64, f64)>,
}

/// Parts in which progress to a physical time is shown.
const PARTS_OF_TIME: u64 = 1000;

impl WalkRequest {
    /// What progress is measured in, and how much of it there is.
    fn goal(&self) -> (&'static str, u64) {
        match (self.steps, self.wall_seconds, self.until) {
            (Some(steps), ..) => ("steps", steps),
            (None, Some(seconds), _) => ("wall seconds", seconds.ceil() as u64),
            (None, None, Some(_)) => ("thousandths of the time", PARTS_OF_TIME),
            (None, None, None) => ("steps", 0),
        }
    }

    /// How much of it is done, `spent` wall seconds into this call.
    fn done(&self, walk: &Walk, spent: f64) -> u64 {
        let (_, total) = self.goal();
        let done = match (self.steps, self.wall_seconds, self.until) {
            (Some(_), ..) | (None, None, None) => walk.steps(),
            (None, Some(_), _) => spent as u64,
            (None, None, Some(until)) => (PARTS_OF_TIME as f64 * walk.time() / until) as u64,
        };
        done.min(total)
    }
}

/// What `akmc` reports.
#[derive(Clone, Debug, Serialize)]
pub struct WalkSummary {
    /// Steps taken.
    pub steps: u64,
    /// What they came to.
    pub kinds: BTreeMap<String, u64>,
    /// Physical time reached `[τ]`.
    pub time: f64,
    /// The same in mapped seconds.
    pub time_mapped: f64,
    /// Energy of the first minimum `[energy]`.
    pub energy_start: f64,
    /// Energy of the last minimum `[energy]`.
    pub energy_end: f64,
    /// Regions with more than one known minimum.
    pub regions: u32,
    /// Known minima of the regions.
    pub states: u32,
    /// Known ways to unseen minima.
    pub exits: u32,
    /// Searches and trajectories from all minima, the searches of the first one included, whether
    /// this walk did them, found them in a catalogue or took them over from another walk.
    pub searches: u64,
    /// Force evaluations of all of these and of everything else; a Hessian-vector product counts as
    /// one.
    pub force_evaluations: u64,
    /// Wall seconds of all calls. Searches of the first minimum that were there before the walk
    /// began, or that another call was stopped in, count with the seconds that a thread of theirs took,
    /// shared among the threads of this call; a start of another walk with what it took there.
    pub seconds: f64,
    /// The part of these before the first step.
    pub seconds_start: f64,
    /// Physical time per second of these `[τ/s]`.
    pub tau_per_second: f64,
}

fn failure(error: &AtomisticError, root: &Path) -> PipelineError {
    match error {
        AtomisticError::Stopped if !(Folder { root }).can_resume() => PipelineError::Abandoned,
        AtomisticError::Stopped => PipelineError::Interrupted {
            resume: format!(
                "continue with the same command and --resume ({})",
                root.display()
            ),
        },
        AtomisticError::Setting { .. } | AtomisticError::ForeignState { .. } => {
            PipelineError::BadInput(format!("akmc: {error}"))
        }
        _ => PipelineError::Failed(format!("akmc: {error}")),
    }
}

/// Searches leave by heat, which finds the low barriers that a walk takes, give up early above those
/// that are kept, and count the index without a dense factorization.
fn search_settings(request: &WalkRequest) -> SearchSettings {
    SearchSettings {
        energy_window: request.walk.highest_barrier + 1.0,
        inertia_up_to: 0,
        heat: Some(HeatSettings::frozen()),
        ..SearchSettings::default()
    }
}

/// The ways out that a catalogue knows, if its minimum is this one.
fn known_ways(
    catalogue: &Catalogue,
    terrain: &GlassTerrain,
    start: &[f64],
) -> Result<Vec<WayOut>, PipelineError> {
    let sample = catalogue.sample()?;
    let stored: Vec<f64> = sample.positions.iter().flatten().copied().collect();
    let off = if stored.len() == start.len() {
        farthest(terrain, &stored, start)
    } else {
        f64::INFINITY
    };
    if off > SAME_MINIMUM {
        return Err(PipelineError::in_file(
            catalogue.path(),
            format!(
                "belongs to another minimum (fingerprint {}, {} atoms; the sample has {}, and an \
                 atom is {off:.3} away from its place there): give the sample that was searched",
                sample.fingerprint,
                stored.len() / 3,
                start.len() / 3
            ),
        ));
    }
    let events = catalogue.verified_events()?;
    if events.is_empty() {
        return Err(PipelineError::in_file(
            catalogue.path(),
            "holds no verified event: no way out of the start is known; search more",
        ));
    }
    Ok(events.iter().map(|event| terrain.way_out(event)).collect())
}

/// Seconds that the searches of a catalogue took, shared among the threads of this process.
fn seconds_of(path: &Path) -> Result<f64, PipelineError> {
    let searches = Catalogue::open_read_only(path)?.searches()?;
    let seconds: f64 = searches.iter().map(|search| search.seconds).sum();
    Ok(seconds / rayon::current_num_threads() as f64)
}

/// The walk before its first step, by searches, from a catalogue, or as another walk began; and the
/// seconds that it took before this call.
fn first_walk(
    request: &WalkRequest,
    terrain: &GlassTerrain,
    start: &[f64],
    settings: WalkSettings,
    root: &Path,
    watch: (&dyn Progress, &Interrupt),
) -> Result<(Walk, f64), PipelineError> {
    let failed = |error: AtomisticError| failure(&error, root);
    if let Some(other) = &request.from {
        let other = Folder { root: other };
        let walk: Walk = read_checkpoint(&other.start())?;
        let (minimum, _) = terrain.relax(start).map_err(failed)?;
        walk.check(start).map_err(failed)?;
        let off = farthest(terrain, &walk.minimum().x, &minimum.x);
        if off > SAME_MINIMUM {
            return Err(PipelineError::in_file(
                other.start(),
                format!(
                    "began in another minimum: an atom of the sample is {off:.3} away from its place there"
                ),
            ));
        }
        let stored: Stored = read_checkpoint(&other.checkpoint())?;
        let seconds = stored.rows.first().map_or(0.0, |row| row.seconds);
        return Ok((walk.with_settings(settings).map_err(failed)?, seconds));
    }
    let (minimum, _) = terrain.relax(start).map_err(failed)?;
    let own = Folder { root }.catalogue();
    let path = request.catalogue.as_ref().unwrap_or(&own);
    let before = if path.exists() {
        seconds_of(path)?
    } else {
        0.0
    };
    if request.catalogue.is_none() {
        search_the_start(request, terrain, &own, &settings, watch)?;
    }
    let catalogue = Catalogue::open_read_only(path)?;
    let known = known_ways(&catalogue, terrain, &minimum.x)?;
    let searches = catalogue.searches()?;
    let evaluations = searches
        .iter()
        .map(|search| search.evaluations.search() + search.evaluations.verification)
        .sum();
    let walk = Walk::start(terrain, start, &known, settings).map_err(failed)?;
    Ok((walk.with_cost(searches.len() as u64, evaluations), before))
}

/// Searches around every atom of the start into the walk's own catalogue, or goes on with them.
fn search_the_start(
    request: &WalkRequest,
    terrain: &GlassTerrain,
    path: &Path,
    settings: &WalkSettings,
    watch: (&dyn Progress, &Interrupt),
) -> Result<(), PipelineError> {
    let field = force_field(request.cut, request.kernel).with_interrupt(watch.1.clone());
    let start = SearchStart {
        configuration: terrain.configuration_at(&terrain.start()),
        source: path.display().to_string(),
        temperature: Some(settings.temperature),
        stress_thermal: None,
    };
    let minimum = quench_start(&start.configuration, field.clone()).map_err(|error| {
        error.unless(watch.1, || {
            "continue with the same command and --resume".to_owned()
        })
    })?;
    let atoms = start.configuration.len() as u64;
    let plan = SearchPlan {
        searches: atoms * u64::from(settings.first_effort),
        settings: &search_settings(request),
        attempt_frequency_per_second: request.attempt_frequency_per_second,
        seed: settings.seed,
        stage: settings.stage,
        force_field: field,
        kernel: request.kernel,
        config: "akmc".to_owned(),
        rates: None,
        first: 0,
        until: None,
    };
    search_into(path, &minimum, &start, &plan, watch).map(|_| ())
}

/// The largest displacement of an atom.
fn farthest(terrain: &GlassTerrain, from: &[f64], to: &[f64]) -> f64 {
    terrain
        .displacement(from, to)
        .chunks_exact(3)
        .map(|u| u.iter().map(|c| c * c).sum::<f64>().sqrt())
        .fold(0.0, f64::max)
}

/// Draws along a walk at most: each is a row that is kept.
const MOST_DRAWS: f64 = 1e7;

/// Whether the times of a walk are numbers that it can come to.
fn check_times(request: &WalkRequest) -> Result<(), PipelineError> {
    let bad = |message: String| Err(PipelineError::BadInput(format!("akmc: {message}")));
    for (name, value) in [
        ("the time at which it ends", request.until),
        ("the time between two draws", request.every),
        ("the wall seconds", request.wall_seconds),
    ] {
        if let Some(value) = value.filter(|value| !(*value > 0.0 && value.is_finite())) {
            return bad(format!("{name} must be positive and finite, got {value}"));
        }
    }
    if let (Some(until), Some(every)) = (request.until, request.every)
        && until / every > MOST_DRAWS
    {
        return bad(format!(
            "a draw every {every:e} until {until:e} makes more than {MOST_DRAWS:.0e} rows: draw less \
             often"
        ));
    }
    Ok(())
}

/// Walks from the minimum of a structure file, or on from where a walk was stored.
///
/// # Errors
/// Bad input; a stop on request, everything since the last step being kept; a walk that cannot go
/// on; a disk that does not take the output.
pub fn walk_from_file(
    file: &Path,
    root: &Path,
    request: &WalkRequest,
    existing: Existing,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<(WalkSummary, WalkTrack), PipelineError> {
    let clock = Instant::now();
    let settings = WalkSettings {
        attempt_frequency: request.attempt_frequency_per_second * SECONDS_PER_TAU,
        ..request.walk.clone()
    };
    settings.validate().map_err(|error| failure(&error, root))?;
    check_times(request)?;
    let sample = Sample::read(file, request.cut)?;
    for note in &sample.notes {
        progress.note(note);
    }
    let atoms = sample.configuration.len();
    let bytes = of_searches(atoms, rayon::current_num_threads(), 0);
    require_for("akmc", atoms, bytes, FEWER_THREADS)?;
    let folder = Folder { root };
    folder.open(existing)?;
    let watcher = || !interrupt.is_requested();
    let terrain = GlassTerrain::new(
        sample.configuration,
        force_field(request.cut, request.kernel).with_interrupt(interrupt.clone()),
        search_settings(request),
        request.shell,
        (settings.seed, settings.stage),
        &watcher,
    );
    let start = terrain.start();
    let resumed = existing == Existing::Resume && folder.checkpoint().exists();
    // Seconds of what went before this call.
    let earlier;
    let mut stored = if resumed {
        let stored: Stored = read_checkpoint(&folder.checkpoint())?;
        stored
            .walk
            .check(&start)
            .map_err(|error| failure(&error, root))?;
        if *stored.walk.settings() != settings {
            return Err(PipelineError::in_file(
                folder.checkpoint(),
                "was made with other settings: resume with the same, or start another walk",
            ));
        }
        earlier = stored.seconds;
        let own_catalogue = request.catalogue.is_none() && request.from.is_none();
        for fault in folder.faults(&stored, &terrain, own_catalogue)? {
            progress.note(&fault);
        }
        stored
    } else {
        let watch = (progress, interrupt);
        let (walk, before) = first_walk(request, &terrain, &start, settings, root, watch)?;
        earlier = before;
        write_checkpoint(&folder.start(), &walk)?;
        let seconds = earlier + clock.elapsed().as_secs_f64();
        let row = Row {
            step: walk.row(StepKind::Start, None, 0),
            seconds,
        };
        let stored = Stored {
            walk,
            rows: vec![row],
            seconds,
        };
        folder.store(&stored, &terrain)?;
        stored
    };
    let (goal, total) = request.goal();
    progress.begin(goal, total);
    progress.resume(request.done(&stored.walk, 0.0));
    go_on(
        &mut stored,
        &terrain,
        &folder,
        request,
        (clock, earlier),
        progress,
    )?;
    progress.end();
    let points = |kept: &dyn Fn(StepKind) -> bool| {
        let rows = stored.rows.iter().filter(|row| kept(row.step.kind));
        rows.map(|row| (row.step.time * SECONDS_PER_TAU, row.step.energy))
            .collect()
    };
    let track = WalkTrack {
        passages: points(&|kind| kind != StepKind::TimeUp),
        drawn: points(&|kind| kind == StepKind::TimeUp),
    };
    Ok((summarize(&stored), track))
}

/// Steps until the request is fulfilled; stored now and then, and at the end.
fn go_on(
    stored: &mut Stored,
    terrain: &GlassTerrain,
    folder: &Folder,
    request: &WalkRequest,
    (clock, earlier): (Instant, f64),
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    let until = request.until.unwrap_or(f64::INFINITY);
    let mut written = Instant::now();
    let mut shown = request.done(&stored.walk, 0.0);
    let steps = request.steps.unwrap_or(u64::MAX);
    while stored.walk.steps() < steps && stored.walk.time() < until {
        let spent = clock.elapsed().as_secs_f64();
        if request.wall_seconds.is_some_and(|limit| spent > limit) {
            break;
        }
        // A step that is stopped half-way leaves no trace.
        let mut next = stored.walk.clone();
        let drawn = request
            .every
            .map_or(until, |every| next_multiple(every, next.time()).min(until));
        let step = match next.step(terrain, drawn) {
            Ok(step) => step,
            Err(error) => {
                folder.store(stored, terrain)?;
                return Err(failure(&error, folder.root));
            }
        };
        stored.walk = next;
        stored.seconds = earlier + clock.elapsed().as_secs_f64();
        let stuck = step.kind == StepKind::Stuck;
        stored.rows.push(Row {
            step,
            seconds: stored.seconds,
        });
        let done = request.done(&stored.walk, clock.elapsed().as_secs_f64());
        progress.advance(done - shown);
        shown = done;
        if stuck {
            break;
        }
        if written.elapsed() > STORE_EVERY {
            folder.store(stored, terrain)?;
            written = Instant::now();
        }
    }
    folder.store(stored, terrain)
}

/// The first multiple of `every` after `time`.
fn next_multiple(every: f64, time: f64) -> f64 {
    // A time that is a multiple up to rounding is that multiple.
    ((time / every + 1e-9).floor() + 1.0) * every
}

fn summarize(stored: &Stored) -> WalkSummary {
    let mut kinds = BTreeMap::new();
    for row in &stored.rows {
        *kinds.entry(row.step.kind.name().to_owned()).or_insert(0) += 1;
    }
    let last = stored.walk.row(StepKind::Start, None, 0);
    let first = &stored.rows[0];
    WalkSummary {
        steps: stored.walk.steps(),
        kinds,
        time: last.time,
        time_mapped: last.time * SECONDS_PER_TAU,
        energy_start: first.step.energy,
        energy_end: last.energy,
        regions: last.regions,
        states: last.states,
        exits: last.exits,
        searches: last.searches,
        force_evaluations: last.evaluations,
        seconds: stored.seconds,
        seconds_start: first.seconds,
        tau_per_second: last.time / stored.seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_measured_in_what_ends_the_walk() {
        let steps = WalkRequest::default();
        assert_eq!(steps.goal(), ("steps", 100));
        let endless = WalkRequest {
            steps: None,
            until: Some(2048.0),
            ..WalkRequest::default()
        };
        assert_eq!(endless.goal(), ("thousandths of the time", 1000));
        let timed = WalkRequest {
            wall_seconds: Some(59.5),
            ..endless
        };
        assert_eq!(timed.goal(), ("wall seconds", 60));
    }

    /// Whatever 0.1 adds up to.
    #[test]
    fn multiples_follow_one_another() {
        let mut time = 0.0;
        for k in 1..=1000 {
            time = next_multiple(0.1, time);
            assert!((time - 0.1 * f64::from(k)).abs() < 1e-9, "{time}");
        }
        assert!((next_multiple(0.1, 0.55) - 0.6).abs() < 1e-12);
    }
}
