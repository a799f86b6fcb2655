//! Where a run begins: `Prepare` makes a glass, `FromSample` reads one.

use metabasin_atoms::units::Temperature;
use metabasin_atoms::{Purpose, random_stream};
use metabasin_files::{KeyValue, Overwrite, read_json, write_checkpoint};
use metabasin_md::analysis::FictiveTemperature;
use metabasin_md::{Barostat, Cooling, Integration, Prepare, PrepareSettings, Sample, Thermostat};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::{BarostatChoice, FromSampleStage, PrepareStage, RunConfig, ThermostatChoice};
use crate::stage::StageContext;
use crate::structure_file::write_structure;
use crate::trajectory::{Outputs, Schedule, drive, md_failure};

/// What the first stage of a run found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StartResults {
    /// How the sample was made or where it came from.
    pub(crate) origin: String,
    /// k_B T of the experiments.
    pub(crate) temperature: f64,
    /// T_f by enthalpy, where a ramp was run and shows it.
    pub(crate) fictive_temperature: Option<FictiveTemperature>,
    /// T_f by volume.
    pub(crate) fictive_temperature_of_volume: Option<FictiveTemperature>,
    /// The cooling ramp.
    pub(crate) cooling: Option<Cooling>,
    /// What had to be assumed.
    pub(crate) notes: Vec<String>,
}

/// Frames about so many a trajectory.
const FRAMES: u64 = 400;

/// How a trajectory of `duration` `[τ]` is integrated and how often it is looked at.
pub(crate) fn integration(config: &RunConfig, duration: f64) -> Integration {
    let time_step = config.time_step.tau();
    let steps = (duration / time_step).ceil() as u64;
    Integration {
        time_step,
        frame_interval: (steps / FRAMES).clamp(20, 2000),
        thermostat: config
            .thermostat
            .map_or_else(Thermostat::default, ThermostatChoice::reduced),
        barostat: config
            .barostat
            .map_or_else(Barostat::default, BarostatChoice::reduced),
        ..Integration::default()
    }
}

/// Settings of a preparation, as the config says.
pub(crate) fn prepare_settings(config: &RunConfig, stage: &PrepareStage) -> PrepareSettings {
    let duration = stage.cool_duration.tau();
    let (cool_from, cool_to) = (stage.cool_from.reduced(), stage.cool_to.reduced());
    PrepareSettings {
        atoms: stage.atoms,
        density: stage.melt_density,
        melt_temperature: stage.melt_temperature.reduced(),
        melt_duration: stage.melt_duration.tau(),
        cool_from,
        cool_to,
        cooling_rate: (cool_from - cool_to) / duration,
        sample_temperature: stage.temperature.map(Temperature::reduced),
        integration: integration(config, duration),
        ..PrepareSettings::default()
    }
}

const SAMPLE: &str = "checkpoints/sample.json";

fn keep(
    context: &StageContext,
    sample: &Sample,
    results: &StartResults,
) -> Result<(), PipelineError> {
    write_checkpoint(&context.folder.join(SAMPLE), sample)?;
    write_structure(
        &context.folder.join("structures/sample.extxyz"),
        Overwrite::Allow,
        &sample.configuration,
        &[("temperature", KeyValue::Real(results.temperature))],
    )?;
    context.write_results(results)
}

/// What the first stage found, and the sample.
pub(crate) fn started(context: &StageContext) -> Result<(StartResults, Sample), PipelineError> {
    let stage = context
        .config
        .stages
        .first()
        .map_or("prepare", |stage| stage.name());
    let sample = read_json(&context.folder_of(stage)?.join(SAMPLE))?;
    Ok((context.results_of(stage)?, sample))
}

/// Makes a glass from the melt.
pub(crate) fn prepare(context: &StageContext, stage: &PrepareStage) -> Result<(), PipelineError> {
    let mut settings = prepare_settings(context.config, stage);
    settings.integration.random = context.random("cooling");
    context.begin("prepare a glass", settings.total_steps(), settings.atoms);
    let outputs = Outputs {
        name: "cooling".to_owned(),
        comment: "melt, quench and settle, then a linear cooling ramp at zero pressure".to_owned(),
        quenches: Schedule::default(),
        snapshots: Schedule::default(),
    };
    let protocol: Prepare = drive(context, &outputs, |force_field| {
        Prepare::start(&settings, force_field, context.config.seed, context.index)
    })?;
    let prepared = protocol
        .outcome()
        .map_err(|error| md_failure("prepare", &error))?;
    let results = StartResults {
        origin: format!(
            "{} atoms, melted at T = {}, cooled at zero pressure from {} to {} at {:.2e} per tau, \
             taken at T = {:.4}",
            settings.atoms,
            settings.melt_temperature,
            settings.cool_from,
            settings.cool_to,
            settings.cooling_rate,
            prepared.taken_at
        ),
        temperature: prepared.temperature,
        fictive_temperature: prepared.fictive_temperature,
        fictive_temperature_of_volume: prepared.fictive_temperature_of_volume,
        cooling: Some(prepared.cooling),
        notes: Vec::new(),
    };
    keep(context, &prepared.sample, &results)?;
    context.progress.end();
    Ok(())
}

/// Starts from the structure file of the config.
pub(crate) fn from_sample(
    context: &StageContext,
    stage: &FromSampleStage,
) -> Result<(), PipelineError> {
    let path = context.config.sample.as_deref().ok_or_else(|| {
        PipelineError::BadInput("the config names no sample: --set sample=FILE".to_owned())
    })?;
    let read = crate::sample::Sample::read(path, context.config.cut)?;
    let mut configuration = read.configuration;
    let mut notes = read.notes;
    let temperature = stage.temperature.reduced();
    if configuration.velocities.is_none() {
        let mut random = random_stream(
            context.config.seed,
            Purpose::InitialVelocities,
            context.index,
            0,
        );
        configuration.draw_velocities(temperature, &mut random);
        notes.push(format!(
            "the file has no velocities: drawn at T = {temperature}"
        ));
    }
    for note in &notes {
        context.progress.note(note);
    }
    let results = StartResults {
        origin: format!("{} atoms from {}", configuration.len(), path.display()),
        temperature,
        fictive_temperature: None,
        fictive_temperature_of_volume: None,
        cooling: None,
        notes,
    };
    keep(context, &Sample::unstrained(configuration), &results)
}
