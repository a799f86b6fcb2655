//! Saddle searches into a catalogue: the stage `Search` and the verb `search`.

mod requests;
mod summary;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Instant, SystemTime};

use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_atoms::{Configuration, Stress};
use metabasin_catalogue::{Catalogue, EventRecord, Found, SampleRecord, SearchRecord, Session};
use metabasin_files::{Host, rfc3339};
use metabasin_interactions::ForceField;
use metabasin_landscape::{
    IdentityTolerances, RateSettings, SampleContext, SearchSettings, Searcher, same_event,
    sample_record,
};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_structure::{Radii, StructureClass};

use crate::config::KernelChoice;
use crate::coverage_goal::{CoverageGoal, CoverageWatch};
use crate::elastic_stability;
use crate::inherent_states::not_quenched;
use crate::prefactors::{PrefactorRequest, measure_prefactors};
use crate::search_output::{first_search, interrupted, open_or_create, patiently};
use crate::search_team::{FinishedAhead, SearchIdentity, SearchJob, SearchTeam, ThisProcess};
use crate::structure_analysis::Network;
use crate::{Interrupt, PipelineError, Progress};

pub use requests::{SearchRequest, search_from_config, search_from_file};
pub use summary::SearchSummary;
pub(crate) use summary::summarize;

/// The sample that searches start from, and what is known of the MD state behind it.
pub(crate) struct SearchStart {
    /// A configuration in or near the minimum, in the cell that barriers refer to.
    pub(crate) configuration: Configuration,
    /// Where it came from.
    pub(crate) source: String,
    /// k_B T of the MD state.
    pub(crate) temperature: Option<f64>,
    /// σ_th of the MD state.
    pub(crate) stress_thermal: Option<Stress>,
}

/// How the searches are done.
pub(crate) struct SearchPlan<'a> {
    /// Index of the first search, 0 unless this is one part of several.
    pub(crate) first: u64,
    /// One above the index of the last search.
    pub(crate) searches: u64,
    /// Coverage at which to stop before.
    pub(crate) until: Option<CoverageGoal>,
    pub(crate) settings: &'a SearchSettings,
    /// Declared attempt frequency per mapped second.
    pub(crate) attempt_frequency_per_second: f64,
    pub(crate) seed: u64,
    /// Position in a pipeline, 0 on its own.
    pub(crate) stage: u64,
    pub(crate) force_field: ForceField,
    pub(crate) kernel: KernelChoice,
    /// The config as text, for the provenance.
    pub(crate) config: String,
    /// Whether and how prefactors are measured in the end.
    pub(crate) rates: Option<RateSettings>,
}

impl SearchPlan<'_> {
    /// What the searches from a polished minimum follow from.
    fn identity(&self, polished: &InherentStructure, settings: &str) -> SearchIdentity {
        SearchIdentity {
            minimum: format!("{:016x}", polished.configuration().fingerprint()),
            settings: settings.to_owned(),
            seed: self.seed,
            stage: self.stage,
            kernel: self.force_field.kernel().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// This process, as the catalogue remembers it.
    fn session(&self) -> Session {
        Session {
            config: self.config.clone(),
            seed: self.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kernel: self.force_field.kernel().to_string(),
            host: Host::this_machine(rayon::current_num_threads()).name,
            started: rfc3339(SystemTime::now()),
        }
    }
}

/// The declared attempt frequency may be wrong by this factor either way.
const ATTEMPT_FREQUENCY_BAND: f64 = 3.0;

/// Largest force at which the start of the searches counts as a minimum: it is polished later.
const START_TOLERANCE: f64 = 1e-5;

/// Quenches a start to its inherent structure.
pub(crate) fn quench_start(
    configuration: &Configuration,
    force_field: ForceField,
) -> Result<InherentStructure, PipelineError> {
    let minimizer = Lbfgs::default();
    InherentStructure::quench(configuration, force_field, &minimizer, START_TOLERANCE)
        .map(|(minimum, _)| minimum)
        .map_err(|error| not_quenched("minimum of the searches", &error))
}

/// Searches from `minimum` into the catalogue at `path` until it holds as many as planned, or until
/// the coverage asked for is reached.
///
/// Searches run side by side and enter in the order of their index, each in one transaction:
/// killed at any moment, the catalogue holds the first so many searches.
///
/// # Errors
/// A catalogue of another sample or other settings, a stop on request (finished searches are
/// kept), a disk that does not take the output.
pub(crate) fn search_into(
    path: &Path,
    minimum: &InherentStructure,
    start: &SearchStart,
    plan: &SearchPlan,
    watch: (&dyn Progress, &Interrupt),
) -> Result<SearchSummary, PipelineError> {
    search_with(&ThisProcess, path, minimum, start, plan, watch)?
        .ok_or_else(|| PipelineError::Failed("search: nobody wrote the catalogue".to_owned()))
}

/// The structure class of every atom; none where the tessellation fails, and the reason is told.
fn classes(minimum: &InherentStructure, progress: &dyn Progress) -> Vec<StructureClass> {
    match Network::new(minimum.configuration(), &Radii::half_sigma()) {
        Ok(network) => network.icosahedra.classes(),
        Err(error) => {
            progress.note(&format!("events get no structure class: {error}"));
            Vec::new()
        }
    }
}

/// As [`search_into`], with whoever does the searches; nothing on a process that only helped.
///
/// # Errors
/// A sample without a polished minimum, a catalogue that cannot be written, or on request.
fn search_with(
    team: &dyn SearchTeam,
    path: &Path,
    minimum: &InherentStructure,
    start: &SearchStart,
    plan: &SearchPlan,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<Option<SearchSummary>, PipelineError> {
    let clock = Instant::now();
    let failed = |error: &dyn std::fmt::Display| PipelineError::Failed(format!("search: {error}"));
    let searcher = Searcher::new(minimum, plan.settings.clone(), plan.seed, plan.stage);
    if interrupt.is_requested() {
        // Its stiffness may have been cut short.
        return Err(interrupted(path));
    }
    let searcher = searcher.map_err(|error| PipelineError::LeftOut(format!("search: {error}")))?;
    let polished = searcher.minimum();
    let settings = serde_json::to_string(plan.settings).map_err(|error| failed(&error))?;
    let identity = plan.identity(polished, &settings);
    let job = SearchJob {
        searcher: &searcher,
        identity: &identity,
        interrupt,
    };
    if !team.writes() {
        return team.help(&job).map(|()| None);
    }
    let context = SampleContext {
        source: start.source.clone(),
        temperature: start.temperature,
        stress_thermal: start.stress_thermal,
        attempt_frequency: plan.attempt_frequency_per_second * SECONDS_PER_TAU,
        attempt_frequency_band: ATTEMPT_FREQUENCY_BAND,
        settings,
        seed: plan.seed,
    };
    let sample = sample_record(polished, searcher.stiffness(), context);
    if let Some(note) = elastic_stability::note(&sample) {
        progress.note(&note);
    }
    let mut catalogue = open_or_create(path, &sample)?;
    let first = first_search(&catalogue, path, plan.first)?;
    let session = plan.session();
    patiently((progress, interrupt), || {
        catalogue.record_session_from(first, &session)
    })?;
    let classes = classes(polished, progress);
    let mut known = catalogue.events()?;
    let mut watch = plan.until.map(|goal| CoverageWatch::new(goal, &known));
    let mut reached = watch.as_ref().map(CoverageWatch::is_reached);
    let stopped = reached == Some(true);
    let end = if stopped { first } else { plan.searches };
    progress.begin("saddle searches", plan.searches.saturating_sub(plan.first));
    progress.advance(first.min(plan.searches).saturating_sub(plan.first));
    let mut failure = None;
    let mut ahead = FinishedAhead::beside(path, &identity, first)?;
    if let Some(fault) = ahead.fault() {
        progress.note(fault);
    }
    let done = team.run_range(&job, first..end, &mut ahead, &mut |result| {
        if interrupt.is_requested() {
            return ControlFlow::Break(());
        }
        let (record, event) = (result.record, result.event);
        match store(
            &mut catalogue,
            &mut known,
            &record,
            event,
            (&sample, &classes),
            (progress, interrupt),
        ) {
            Ok(event) => {
                progress.advance(1);
                if let (Some(watch), Some(event)) = (&mut watch, event) {
                    watch.hit(event);
                    reached = Some(watch.is_reached());
                }
                if reached == Some(true) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            }
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    done?;
    let left = reached != Some(true) && catalogue.next_search_index()? < plan.searches;
    if interrupt.is_requested() && left {
        return Err(interrupted(path));
    }
    progress.end();
    ahead.close(reached == Some(true))?;
    // Prefactors are written by a writer of their own.
    drop(catalogue);
    Ok(Some(SearchSummary {
        coverage_reached: reached,
        ..with_prefactors(path, plan, clock, (progress, interrupt))?
    }))
}

/// What was found, once the prefactors that the plan asks for are measured.
fn with_prefactors(
    path: &Path,
    plan: &SearchPlan,
    clock: Instant,
    watch: (&dyn Progress, &Interrupt),
) -> Result<SearchSummary, PipelineError> {
    if let Some(settings) = plan.rates {
        let request = PrefactorRequest {
            settings,
            anew: false,
            kernel: plan.kernel,
        };
        measure_prefactors(path, &request, watch)?;
    }
    let catalogue = Catalogue::open_read_only(path)?;
    summarize(&catalogue, clock.elapsed().as_secs_f64())
}

/// Stores one search: its event is new, or one that is known already. Returns the event as the
/// catalogue knows it.
fn store<'a>(
    catalogue: &mut Catalogue,
    known: &'a mut Vec<EventRecord>,
    record: &SearchRecord,
    event: Option<EventRecord>,
    (sample, classes): (&SampleRecord, &[StructureClass]),
    watch: (&dyn Progress, &Interrupt),
) -> Result<Option<&'a EventRecord>, PipelineError> {
    let mut record_as = |found: &Found| patiently(watch, || catalogue.record_search(record, found));
    let Some(mut event) = event else {
        record_as(&Found::None)?;
        return Ok(None);
    };
    let tolerances = IdentityTolerances::default();
    let same = known
        .iter()
        .position(|other| same_event(other, &event, sample, tolerances));
    if let Some(same) = same {
        let same = &known[same];
        record_as(&Found::Known { event: same.id })?;
        return Ok(Some(same));
    }
    let mobile = most_mobile(&event);
    event.structure_class = mobile
        .and_then(|atom| classes.get(atom))
        .map(|class| class.name().to_owned());
    let id = record_as(&Found::New(Box::new(event.clone())))?;
    event.id = id.unwrap_or_default();
    known.push(event);
    Ok(known.last())
}

/// The atom that moves farthest from minimum to final minimum.
fn most_mobile(event: &EventRecord) -> Option<usize> {
    let field = &event.displacement_final;
    let squared = |u: &[f64; 3]| u.iter().map(|component| component * component).sum::<f64>();
    let moved = field.atoms.iter().zip(&field.displacements);
    moved
        .max_by(|a, b| squared(a.1).total_cmp(&squared(b.1)))
        .map(|(&atom, _)| atom as usize)
}
