//! Searches from a structure file, and from a config: the verb `search`.

use std::ops::Range;
use std::path::Path;

use metabasin_atoms::Configuration;
use metabasin_interactions::{Cut, ForceField};
use metabasin_landscape::{RateSettings, SearchSettings};
use metabasin_minimizers::InherentStructure;

use super::{SearchPlan, SearchStart, SearchSummary, quench_start, search_with};
use crate::config::{KernelChoice, LoadedConfig, Stage};
use crate::coverage_goal::CoverageGoal;
use crate::memory::{FEWER_THREADS, of_searches, require_for};
use crate::run_directory::Existing;
use crate::sample::{Sample, force_field};
use crate::search_output::{check_output, make_way};
use crate::search_team::SearchTeam;
use crate::{Interrupt, PipelineError, Progress};

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
    let atoms = sample.configuration.len();
    let dense_up_to = request.settings.inertia_up_to as usize;
    let bytes = of_searches(atoms, rayon::current_num_threads(), dense_up_to);
    require_for("search", atoms, bytes, FEWER_THREADS)?;
    let interrupt = watch.1;
    let mut field = force_field(request.cut, request.kernel).with_interrupt(interrupt.clone());
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
    let minimum = quench_start(configuration, field.clone())
        .map_err(|error| error.unless(interrupt, || "start the same command anew".to_owned()))?;
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
    if search.settle.is_some() {
        return Err(PipelineError::in_file(
            &loaded.file,
            "`search` starts from the minimum of the file: `metabasin settle` it first and leave \
             `settle` out, or give the config to `metabasin run`",
        ));
    }
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
