//! Eshelby kinetic Monte Carlo: the cycle of MD at every rate, and the control at zero load.

use std::sync::Arc;

use metabasin_atoms::Stress;
use metabasin_atoms::units::{Duration, StrainRate, Temperature};
use metabasin_catalogue::{Catalogue, SampleRecord};
use metabasin_eshelby::results::residual_strain;
use metabasin_eshelby::{
    Cycle, Density, Floor, KmcSettings, Lattice, Load, Population, Protocol, Row, Rows, Stage,
};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::{KmcStage, Stage as ConfigStage};
use crate::kmc_runs::{drive, kmc_failure};
use crate::stage::StageContext;
use crate::stages::branches::side_by_side;
use crate::stages::relax;
use crate::thermal_softening::ThermalSoftening;

/// Rows of every stage of a cycle.
const ROWS: u32 = 200;
/// Decades of time that the rows of a hold spread over.
const DECADES: f64 = 4.0;
/// Aging before loading where no MD reference says how long.
const USUAL_AGING: Duration = Duration::Tau(150.0);
/// The second floor under barriers, to show what the first one does, allows so many times more
/// flips.
const SECOND_FLOOR_FACTOR: f64 = 3.0;

/// The second floor: lower by kT ln 3.
fn second_floor(settings: &KmcSettings) -> Floor {
    match settings.floor {
        Floor::None => Floor::None,
        Floor::Flips(flips) => Floor::Flips(SECOND_FLOOR_FACTOR * flips),
        Floor::Barrier(energy) => {
            let lower = energy - settings.temperature.reduced() * SECOND_FLOOR_FACTOR.ln();
            Floor::Barrier(lower.max(0.0))
        }
    }
}

/// One cycle on one lattice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CycleResult {
    /// Rate of loading per mapped second.
    pub rate_per_second: f64,
    /// Which lattice, from 1.
    pub lattice: usize,
    /// Sign of the load.
    pub sign: f64,
    /// Strain at zero stress after unloading, where it was reached.
    pub residual_strain: Option<f64>,
    /// Events while loading.
    pub events_loading: u64,
    /// All events.
    pub events: u64,
    /// Pairs whose barrier the floor raised.
    pub floored_pairs: u64,
    /// Stages cut short by the limit on events.
    pub stages_cut_short: u64,
    /// Reported shear stress of active sites when the unloading ended, where there are any.
    pub reported_active_unloaded: Option<f64>,
    /// The same of elastic sites, where there are any.
    pub reported_elastic_unloaded: Option<f64>,
}

/// What the stage found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KmcResults {
    /// k_B T.
    pub temperature: f64,
    /// Settings of the lattices.
    pub settings: KmcSettings,
    /// Shear modulus and Poisson ratio of the medium.
    pub elasticity: (f64, f64),
    /// By how much heat softens that shear modulus, where a harvest measured it.
    #[serde(default)]
    pub softening: Option<f64>,
    /// Density of excitations below the upper barrier.
    pub density: Density,
    /// Excitations on the first lattice.
    pub excitations: usize,
    /// Sites of a lattice.
    pub sites: usize,
    /// Atoms that a lattice stands for.
    pub atoms: f64,
    /// Events in all.
    pub events: u64,
    /// Every cycle.
    pub cycles: Vec<CycleResult>,
    /// The slowest rate again with the second floor.
    pub second_floor: Vec<CycleResult>,
    /// Last row of the slowest rate's first lattice: time `[τ]`.
    pub last_time: f64,
    /// Its strain.
    pub last_strain: f64,
    /// Its stress.
    pub last_stress: Stress,
}

/// One cycle to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) rate: StrainRate,
    pub(crate) lattice: usize,
    pub(crate) sign: f64,
    second_floor: bool,
}

impl Item {
    /// A cycle under the first floor.
    pub(crate) fn new(rate: StrainRate, lattice: usize, sign: f64) -> Self {
        Self {
            rate,
            lattice,
            sign,
            second_floor: false,
        }
    }

    pub(crate) fn name(&self) -> String {
        let sign = if self.sign > 0.0 { "plus" } else { "minus" };
        let floor = if self.second_floor {
            "-second-floor"
        } else {
            ""
        };
        format!(
            "rate-{:e}-lattice-{}-{sign}{floor}",
            self.rate.per_second(),
            self.lattice
        )
    }
}

/// The name of a control's series.
pub(crate) fn control_name(lattice: usize) -> String {
    format!("zero-load-lattice-{lattice}")
}

/// Index of the loading stage in the protocol of a cycle (unloading and recovery follow), and of
/// the hold in that of a control: both come after the aging.
pub(crate) const LOADING: usize = 1;

fn items(stage: &KmcStage) -> Vec<Item> {
    let mut rates = stage.rates.clone();
    rates.sort_by(|a, b| a.per_tau().total_cmp(&b.per_tau()));
    let mut items = Vec::new();
    for (k, &rate) in rates.iter().enumerate() {
        for lattice in 1..=stage.pairs {
            for sign in [1.0, -1.0] {
                items.push(Item::new(rate, lattice, sign));
                if k == 0 {
                    items.push(Item {
                        second_floor: true,
                        ..Item::new(rate, lattice, sign)
                    });
                }
            }
        }
    }
    items
}

fn aging(context: &StageContext) -> Duration {
    let mut stages = context.config.stages.iter();
    stages
        .find_map(|stage| match stage {
            ConfigStage::Equilibrate(equilibrate) => Some(equilibrate.duration),
            _ => None,
        })
        .unwrap_or(USUAL_AGING)
}

fn cycle(context: &StageContext, stage: &KmcStage, item: &Item) -> Cycle {
    Cycle {
        aging: Some(aging(context)),
        strain_rate: item.rate,
        strain: item.sign * stage.strain,
        unload_rate: stage.unload_rate,
        recovery: Duration::Tau(stage.strain / item.rate.per_tau()),
        rows: ROWS,
        decades: DECADES,
    }
}

/// How long the control lasts: as the control of MD, or as the fastest loading and recovery.
fn control_duration(context: &StageContext, stage: &KmcStage) -> f64 {
    let of_md = context.config.stages.iter().find_map(|other| match other {
        ConfigStage::Relax(relax) => relax::duration(context.config, relax).ok(),
        _ => None,
    });
    let fastest = stage
        .rates
        .iter()
        .map(|rate| rate.per_tau())
        .fold(0.0, f64::max);
    of_md.unwrap_or(2.0 * stage.strain / fastest)
}

fn result(item: &Item, rows: &[Row], counters: metabasin_eshelby::Counters) -> CycleResult {
    let of = |stage: usize| -> Vec<Row> {
        rows.iter()
            .filter(|row| row.stage == stage)
            .cloned()
            .collect()
    };
    let (loading, unloading) = (of(LOADING), of(LOADING + 1));
    let events = |rows: &[Row]| rows.last().map_or(0, |last| last.events - rows[0].events);
    let unloaded = unloading.last();
    CycleResult {
        rate_per_second: item.rate.per_second(),
        lattice: item.lattice,
        sign: item.sign,
        residual_strain: residual_strain(&unloading),
        events_loading: events(&loading),
        events: counters.events,
        floored_pairs: counters.floored_pairs,
        stages_cut_short: counters.stages_cut_short,
        reported_active_unloaded: unloaded
            .map(|row| row.reported_active_mean.xy())
            .filter(|stress| stress.is_finite()),
        reported_elastic_unloaded: unloaded
            .and_then(|row| row.reported_elastic_mean)
            .map(Stress::xy),
    }
}

/// What this sample's own catalogue does not give costs the stage, not the run; a catalogue that
/// the config names is bad input.
fn unusable(context: &StageContext, error: PipelineError) -> PipelineError {
    match error {
        PipelineError::BadInput(message) if context.run.catalogue().exists() => {
            PipelineError::LeftOut(message)
        }
        other => other,
    }
}

/// The catalogue that the run made, or the one that its config names.
fn open_catalogue(context: &StageContext) -> Result<Catalogue, PipelineError> {
    if let Some(reason) = context.run.left_out("search") {
        return Err(PipelineError::LeftOut(format!(
            "kmc: there is no catalogue, because the searches were left out ({reason})"
        )));
    }
    let own = context.run.catalogue();
    if own.exists() {
        return Ok(Catalogue::open_read_only(&own)?);
    }
    let named = context.config.catalogue.as_deref().ok_or_else(|| {
        PipelineError::BadInput(
            "kmc: the config names no catalogue: --set catalogue=FILE".to_owned(),
        )
    })?;
    Ok(Catalogue::open_read_only(named)?)
}

/// The settings of the stage at the temperature of the run.
fn settings_of(stage: &KmcStage, sample: &SampleRecord) -> Result<KmcSettings, PipelineError> {
    let of_sample = sample.temperature.map(Temperature::Reduced);
    let temperature = stage.temperature.or(of_sample).ok_or_else(|| {
        PipelineError::BadInput(
            "kmc: neither the config nor the catalogue's sample says a temperature: set \
             temperature: Reduced(0.28) in the Kmc stage"
                .to_owned(),
        )
    })?;
    Ok(KmcSettings {
        temperature,
        ..stage.settings.clone()
    })
}

/// One lattice, under the first floor and under the second.
type UnderBothFloors = (Arc<Lattice>, Arc<Lattice>);

/// Draws every lattice.
fn draw_lattices(
    context: &StageContext,
    stage: &KmcStage,
    population: &Population,
    settings: &KmcSettings,
) -> Result<Vec<UnderBothFloors>, PipelineError> {
    let second = KmcSettings {
        floor: second_floor(settings),
        ..settings.clone()
    };
    let kernel = settings
        .kernel(population.elasticity)
        .map_err(|error| kmc_failure(&error))?;
    let draw = |settings: &KmcSettings, number: usize| {
        let (seed, index) = (context.config.seed, number as u64);
        let kernel = kernel.clone();
        Lattice::draw(population, settings, kernel, seed, context.index, index)
            .map(Arc::new)
            .map_err(|error| kmc_failure(&error))
    };
    (1..=stage.pairs)
        .map(|number| Ok((draw(settings, number)?, draw(&second, number)?)))
        .collect()
}

/// The control: zero load, after the same aging as every cycle.
fn control(context: &StageContext, stage: &KmcStage) -> Protocol {
    let hold = |name: &str, duration: Duration| Stage {
        name: name.to_owned(),
        load: Load::StressHold {
            stress: Stress::ZERO,
            duration,
        },
        rows: Rows::Logarithmic {
            count: ROWS,
            decades: DECADES,
        },
        zeroes_strain: name == "age",
    };
    let duration = Duration::Tau(control_duration(context, stage));
    Protocol {
        stages: vec![hold("age", aging(context)), hold("relax", duration)],
    }
}

/// Runs every cycle on lattices drawn from the catalogue.
pub(crate) fn kmc(context: &StageContext, stage: &KmcStage) -> Result<(), PipelineError> {
    let catalogue = open_catalogue(context)?;
    let sample = catalogue.sample()?;
    let population = Population::from_catalogue(&sample, &catalogue.events()?)
        .map_err(|error| unusable(context, kmc_failure(&error)))?;
    let settings = settings_of(stage, &sample)?;
    let temperature = settings.temperature.reduced();
    let softening =
        ThermalSoftening::known(catalogue.graph()?.as_ref(), temperature).map(|known| known.ratio);
    let population = population
        .in_medium_softened(softening.unwrap_or(1.0))
        .map_err(|error| unusable(context, kmc_failure(&error)))?;
    let lattices = draw_lattices(context, stage, &population, &settings)
        .map_err(|error| unusable(context, error))?;
    let items = items(stage);
    context
        .progress
        .begin("Eshelby KMC", (items.len() + stage.pairs) as u64);
    let runs = side_by_side(&items, |item| {
        let (first, second) = &lattices[item.lattice - 1];
        let lattice = if item.second_floor { second } else { first };
        let protocol = cycle(context, stage, item).protocol();
        let comment = format!(
            "aging, loading at {:e} per mapped second to {}, unloading, recovery (stages 0 to 3)",
            item.rate.per_second(),
            item.sign * stage.strain
        );
        // The same waiting times whatever the sign: what differs is the load alone.
        let index = item.lattice as u64;
        drive(context, &item.name(), &comment, lattice, index, &protocol)
    })?;
    let numbers: Vec<usize> = (1..=stage.pairs).collect();
    let hold = control(context, stage);
    let controls = side_by_side(&numbers, |&number| {
        let comment = "aging, then zero load (stages 0 and 1)";
        let (lattice, index) = (&lattices[number - 1].0, number as u64);
        drive(
            context,
            &control_name(number),
            comment,
            lattice,
            index,
            &hold,
        )
    })?;
    let mut cycles = Vec::new();
    let mut second_floor = Vec::new();
    for (item, run) in items.iter().zip(&runs) {
        let result = result(item, &run.rows, run.counters);
        if item.second_floor {
            second_floor.push(result);
        } else {
            cycles.push(result);
        }
    }
    let cut_short: u64 = cycles.iter().map(|cycle| cycle.stages_cut_short).sum();
    if cut_short > 0 {
        context.progress.note(&format!(
            "kmc: {cut_short} stages were cut short after {} events: raise settings.maximum_events \
             or the floor",
            settings.maximum_events
        ));
    }
    let last = runs.first().and_then(|run| run.rows.last());
    let elasticity = population.elasticity;
    let lattice_volume = settings.site_volume * (settings.sites_per_edge.pow(3) as f64);
    context.write_results(&KmcResults {
        temperature,
        softening,
        elasticity: (elasticity.shear_modulus(), elasticity.poisson_ratio()),
        density: population.density(settings.upper_barrier),
        excitations: lattices[0].0.excitations(),
        sites: settings.sites_per_edge.pow(3),
        atoms: lattice_volume * sample.positions.len() as f64 / sample.volume(),
        settings,
        events: runs
            .iter()
            .chain(&controls)
            .map(|run| run.counters.events)
            .sum(),
        cycles,
        second_floor,
        last_time: last.map_or(0.0, |row| row.time),
        last_strain: last.map_or(0.0, |row| row.strain),
        last_stress: last.map_or(Stress::ZERO, |row| row.stress),
    })?;
    context.progress.end();
    Ok(())
}
