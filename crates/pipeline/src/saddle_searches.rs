//! Saddle searches into a catalogue: the stage `Search` and the verb `search`.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::time::{Instant, SystemTime};

use metabasin_atoms::units::SECONDS_PER_TAU;
use metabasin_atoms::{Configuration, Stress};
use metabasin_catalogue::{Catalogue, EventRecord, Found, SampleRecord, SearchRecord, Session};
use metabasin_files::{Host, rfc3339};
use metabasin_interactions::{Cut, ForceField};
use metabasin_landscape::{
    IdentityTolerances, RateSettings, SampleContext, SearchSettings, Searcher, same_event,
    sample_record,
};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_structure::{Radii, StructureClass};
use serde::Serialize;

use crate::config::{KernelChoice, LoadedConfig, Stage};
use crate::coverage_goal::{CoverageGoal, CoverageWatch};
use crate::prefactors::{PrefactorRequest, measure_prefactors};
use crate::run_directory::Existing;
use crate::sample::{Sample, force_field};
use crate::search_output::{check_output, first_search, interrupted, make_way, open_or_create};
use crate::search_team::{FinishedAhead, SearchIdentity, SearchJob, SearchTeam, ThisProcess};
use crate::structure_analysis::Network;
use crate::{Interrupt, PipelineError, Progress};

/// What `search` reports.
#[derive(Clone, Debug, Serialize)]
pub struct SearchSummary {
    /// Searches in the catalogue.
    pub searches: u64,
    /// How they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// Searches that ended in an event.
    pub events_found: u64,
    /// Distinct events.
    pub events_distinct: u64,
    /// Force evaluations of all searches, failures and both descents counted, verification apart;
    /// a Hessian-vector product counts as one.
    pub force_evaluations: u64,
    /// The same per distinct event.
    pub force_evaluations_per_event: Option<f64>,
    /// Wall seconds of this call.
    pub seconds: f64,
    /// Whether a coverage was asked for, and these searches reach it.
    pub coverage_reached: Option<bool>,
}

/// What a catalogue says of its searches.
///
/// # Errors
/// Where the catalogue cannot be read.
pub(crate) fn summarize(
    catalogue: &Catalogue,
    seconds: f64,
) -> Result<SearchSummary, PipelineError> {
    let searches = catalogue.searches()?;
    let distinct = catalogue.verified_events()?.len() as u64;
    let mut outcomes = BTreeMap::new();
    for search in &searches {
        *outcomes.entry(search.outcome.clone()).or_insert(0) += 1;
    }
    let force_evaluations = searches
        .iter()
        .map(|search| search.evaluations.search())
        .sum::<u64>();
    Ok(SearchSummary {
        searches: searches.len() as u64,
        outcomes,
        events_found: searches
            .iter()
            .filter(|search| search.event.is_some())
            .count() as u64,
        events_distinct: distinct,
        force_evaluations,
        force_evaluations_per_event: (distinct > 0)
            .then(|| force_evaluations as f64 / distinct as f64),
        seconds,
        coverage_reached: None,
    })
}

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
        .map_err(|error| PipelineError::Failed(format!("minimum of the searches: {error}")))
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

/// As [`search_into`], with whoever does the searches; nothing on a process that only helped.
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
    let searcher = Searcher::new(minimum, plan.settings.clone(), plan.seed, plan.stage)
        .map_err(|error| failed(&error))?;
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
    let sample = sample_record(
        polished,
        searcher.stiffness(),
        SampleContext {
            source: start.source.clone(),
            temperature: start.temperature,
            stress_thermal: start.stress_thermal,
            attempt_frequency: plan.attempt_frequency_per_second * SECONDS_PER_TAU,
            attempt_frequency_band: ATTEMPT_FREQUENCY_BAND,
            settings,
            seed: plan.seed,
        },
    );
    let mut catalogue = open_or_create(path, &sample)?;
    let first = first_search(&catalogue, path, plan.first)?;
    catalogue.record_session_from(first, &plan.session())?;
    let network = Network::new(polished.configuration(), &Radii::half_sigma())?;
    let classes = network.icosahedra.classes();
    let mut known = catalogue.events()?;
    let mut watch = plan.until.map(|goal| CoverageWatch::new(goal, &known));
    let mut reached = watch.as_ref().map(CoverageWatch::is_reached);
    let stopped = reached == Some(true);
    let end = if stopped { first } else { plan.searches };
    progress.begin("saddle searches", plan.searches.saturating_sub(plan.first));
    progress.advance(first.min(plan.searches).saturating_sub(plan.first));
    let mut failure = None;
    let mut ahead = FinishedAhead::beside(path, &identity, first);
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
            &sample,
            &classes,
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
    ahead.close()?;
    // Prefactors are written by a writer of their own.
    drop(catalogue);
    if let Some(settings) = plan.rates {
        let request = PrefactorRequest {
            settings,
            anew: false,
            kernel: plan.kernel,
        };
        measure_prefactors(path, &request, (progress, interrupt))?;
    }
    let catalogue = Catalogue::open_read_only(path)?;
    Ok(Some(SearchSummary {
        coverage_reached: reached,
        ..summarize(&catalogue, clock.elapsed().as_secs_f64())?
    }))
}

/// Stores one search: its event is new, or one that is known already. Returns the event as the
/// catalogue knows it.
fn store<'a>(
    catalogue: &mut Catalogue,
    known: &'a mut Vec<EventRecord>,
    record: &SearchRecord,
    event: Option<EventRecord>,
    sample: &SampleRecord,
    classes: &[StructureClass],
) -> Result<Option<&'a EventRecord>, PipelineError> {
    let Some(mut event) = event else {
        catalogue.record_search(record, &Found::None)?;
        return Ok(None);
    };
    let tolerances = IdentityTolerances::default();
    let same = known
        .iter()
        .position(|other| same_event(other, &event, sample, tolerances));
    if let Some(same) = same {
        let same = &known[same];
        catalogue.record_search(record, &Found::Known { event: same.id })?;
        return Ok(Some(same));
    }
    let mobile = most_mobile(&event);
    event.structure_class = mobile
        .and_then(|atom| classes.get(atom))
        .map(|class| class.name().to_owned());
    let id = catalogue.record_search(record, &Found::New(Box::new(event.clone())))?;
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

/// What `search FILE` is asked.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// Index of the first search, 0 unless this is one part of several that are merged later.
    pub first: u64,
    /// One above the index of the last search: searches in all where `first` is 0.
    pub searches: u64,
    /// Coverage at which to stop before.
    pub until: Option<CoverageGoal>,
    /// Cut mode.
    pub cut: Cut,
    /// Force kernel.
    pub kernel: KernelChoice,
    /// k_B T that the sample stands for.
    pub temperature: Option<f64>,
    /// Whether a start that is no minimum is minimized; refused otherwise.
    pub minimize: bool,
    /// Seed.
    pub seed: u64,
    /// Declared attempt frequency per mapped second.
    pub attempt_frequency_per_second: f64,
    /// Settings of a search.
    pub settings: SearchSettings,
    /// Whether and how prefactors are measured once the searches are done.
    pub rates: Option<RateSettings>,
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self {
            first: 0,
            searches: 100,
            until: None,
            cut: Cut::default(),
            kernel: KernelChoice::default(),
            temperature: None,
            minimize: true,
            seed: 1,
            attempt_frequency_per_second: 1e13,
            settings: SearchSettings::default(),
            rates: None,
        }
    }
}

/// Says how far a start was from its minimum.
fn report_start(
    sample: &Configuration,
    minimum: &InherentStructure,
    field: &mut ForceField,
) -> String {
    let mut forces = vec![nalgebra::Vector3::zeros(); sample.len()];
    let energy = field
        .evaluate(
            &sample.cell,
            &sample.positions,
            &sample.species,
            &mut forces,
        )
        .energy;
    let moved = minimum
        .configuration()
        .positions
        .iter()
        .zip(&sample.positions);
    let largest = moved
        .map(|(after, before)| (after - before).norm())
        .fold(0.0, f64::max);
    format!(
        "minimized the start: energy {energy:.6} -> {:.6}, largest move of an atom {largest:.4}",
        minimum.energy()
    )
}

/// Searches from a structure file, done by `team`; nothing on a process that only helped.
///
/// # Errors
/// As the searches themselves, and bad input where the start is no minimum and must not be
/// minimized.
pub fn search_from_file(
    file: &Path,
    output: &Path,
    request: &SearchRequest,
    existing: Existing,
    team: &dyn SearchTeam,
    watch: (&dyn Progress, &Interrupt),
) -> Result<Option<SearchSummary>, PipelineError> {
    request
        .settings
        .validate()
        .map_err(|error| PipelineError::BadInput(error.to_string()))?;
    if request.searches <= request.first {
        return Err(PipelineError::BadInput(format!(
            "there must be at least 1 search, got {}..{}",
            request.first, request.searches
        )));
    }
    if let Some(goal) = &request.until {
        goal.validate()?;
        if request.first > 0 {
            return Err(PipelineError::BadInput(
                "a range of searches is done whole: --until-coverage needs all searches from 0 on"
                    .to_owned(),
            ));
        }
    }
    let sample = Sample::read(file, request.cut)?;
    for note in &sample.notes {
        watch.0.note(note);
    }
    if team.writes() {
        check_output(output, existing)?;
    }
    let mut field = force_field(request.cut, request.kernel);
    let configuration = &sample.configuration;
    if !request.minimize {
        let mut forces = vec![nalgebra::Vector3::zeros(); configuration.len()];
        let (cell, positions) = (&configuration.cell, &configuration.positions);
        field.evaluate(cell, positions, &configuration.species, &mut forces);
        let largest = forces
            .iter()
            .map(nalgebra::Vector3::norm)
            .fold(0.0, f64::max);
        if largest > request.settings.force_tolerance {
            return Err(PipelineError::in_file(
                file,
                format!(
                    "is no minimum under the cut '{}': its largest force is {largest:.3e}, above \
                     {:.0e}; leave --no-minimize out, or minimize it first",
                    request.cut, request.settings.force_tolerance
                ),
            ));
        }
    }
    let minimum = quench_start(configuration, field.clone())?;
    if request.minimize {
        watch
            .0
            .note(&report_start(configuration, &minimum, &mut field));
    }
    // Not before the start proved fit: a refusal leaves the old catalogue where it is.
    if team.writes() && existing == Existing::Replace {
        make_way(output)?;
    }
    let start = SearchStart {
        configuration: configuration.clone(),
        source: file.display().to_string(),
        temperature: request.temperature,
        stress_thermal: None,
    };
    let plan = SearchPlan {
        first: request.first,
        searches: request.searches,
        until: request.until,
        settings: &request.settings,
        attempt_frequency_per_second: request.attempt_frequency_per_second,
        seed: request.seed,
        stage: 0,
        force_field: field,
        kernel: request.kernel,
        config: format!(
            "search {} --range {}..{}",
            file.display(),
            request.first,
            request.searches
        ),
        rates: request.rates,
    };
    search_with(team, output, &minimum, &start, &plan, watch)
}

/// Searches as the `Search` stage of a config that starts with `FromSample` says; only those of
/// `range`, where one is given.
///
/// # Errors
/// As [`search_from_file`].
pub fn search_from_config(
    loaded: &LoadedConfig,
    range: Option<Range<u64>>,
    output: &Path,
    existing: Existing,
    team: &dyn SearchTeam,
    watch: (&dyn Progress, &Interrupt),
) -> Result<Option<SearchSummary>, PipelineError> {
    let config = &loaded.config;
    let (Some(Stage::FromSample(from)), Some(sample)) = (config.stages.first(), &config.sample)
    else {
        return Err(PipelineError::in_file(
            &loaded.file,
            "`search` starts from a structure file: the first stage must be FromSample; `metabasin \
             run` runs whole pipelines",
        ));
    };
    let search = config.stages.iter().find_map(|stage| match stage {
        Stage::Search(search) => Some(search),
        _ => None,
    });
    let search = search.ok_or_else(|| {
        PipelineError::in_file(
            &loaded.file,
            "has no Search stage: `metabasin init search` prints a config that has one",
        )
    })?;
    let until = search.until.filter(|_| range.is_none());
    let range = range.unwrap_or(0..search.searches);
    let request = SearchRequest {
        first: range.start,
        searches: range.end,
        until,
        cut: config.cut,
        kernel: config.kernel,
        temperature: Some(from.temperature.reduced()),
        minimize: true,
        seed: config.seed,
        attempt_frequency_per_second: search.attempt_frequency_per_second,
        settings: search.settings.clone(),
        rates: search.rates,
    };
    search_from_file(sample, output, &request, existing, team, watch)
}
