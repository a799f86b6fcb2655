//! The configuration of a run: what a RON file may say, with every physical number's unit.
//!
//! A [`RunConfig`] that loads is valid; [`load`] names file, line, column, field, value and remedy
//! of what is not.

mod driven;
mod dynamics;
mod harvest_stage;
mod load;
mod pairs;
mod source;
mod validation;

use std::path::PathBuf;

use metabasin_atoms::units::{Duration, StrainRate, Temperature};
use metabasin_eshelby::KmcSettings;
use metabasin_interactions::{Cut, Precision};
use metabasin_landscape::{RateSettings, SearchSettings};
use serde::{Deserialize, Serialize};

use crate::coverage_goal::CoverageGoal;
use crate::settling::SettleSettings;

pub use driven::{CreepStage, CycleStage};
pub use dynamics::{BarostatChoice, ThermostatChoice};
pub use harvest_stage::HarvestStage;
pub use load::{
    ConfigError, ConfigErrors, LoadedConfig, check_catalogue, check_sample, load, load_text,
};
pub use pairs::Pairs;

/// Frames of molecular dynamics are at least so many time steps apart.
pub(crate) const SHORTEST_FRAME: u64 = 20;

/// Which force kernel computes the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelChoice {
    /// The fastest one this machine has; bits may differ between kinds of machine.
    #[default]
    Auto,
    /// The portable one: the same bits everywhere.
    Portable,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Title of the report.
    #[serde(default = "default_title")]
    pub title: String,
    /// Seed of every random stream.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Cut mode of the potential.
    #[serde(default)]
    pub cut: Cut,
    /// Force kernel.
    #[serde(default)]
    pub kernel: KernelChoice,
    /// Precision of the forces that move atoms in molecular dynamics; every energy and stress that
    /// is written, and every search, is in double precision.
    #[serde(default)]
    pub precision: Precision,
    /// Time step of molecular dynamics.
    #[serde(default = "default_time_step")]
    pub time_step: Duration,
    /// Thermostat of molecular dynamics; a Nose-Hoover chain by default.
    #[serde(default)]
    pub thermostat: Option<ThermostatChoice>,
    /// Barostat of molecular dynamics, at zero pressure; isotropic with inertia by default.
    #[serde(default)]
    pub barostat: Option<BarostatChoice>,
    /// A structure file to start from: read by the stage `FromSample`.
    #[serde(default)]
    pub sample: Option<PathBuf>,
    /// A catalogue to draw events from, where no `Search` stage makes one.
    #[serde(default)]
    pub catalogue: Option<PathBuf>,
    /// How many independent samples go through all stages, each with a seed of its own.
    #[serde(default = "one")]
    pub replicas: usize,
    /// The stages, in order.
    pub stages: Vec<Stage>,
}

fn default_title() -> String {
    "metabasin run".to_owned()
}

fn default_seed() -> u64 {
    1
}

fn default_time_step() -> Duration {
    Duration::Tau(metabasin_atoms::units::TAU_PER_FEMTOSECOND)
}

/// One stage of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// Makes a glass from the melt.
    Prepare(PrepareStage),
    /// Starts from a structure file.
    FromSample(FromSampleStage),
    /// Holds at zero stress until stationary: the reference state.
    Equilibrate(EquilibrateStage),
    /// Shears to +strain and -strain at every rate.
    Shear(ShearStage),
    /// Unloads every sheared state through zero stress.
    Unload(UnloadStage),
    /// Watches the strain recover at zero stress.
    Recover(RecoverStage),
    /// The control: the reference state at zero load.
    Relax(RelaxStage),
    /// Holds the reference state at shear stresses.
    Creep(CreepStage),
    /// Shears the reference state to and fro.
    Cycle(CycleStage),
    /// Saddle searches into the catalogue.
    Search(SearchStage),
    /// States that molecular dynamics visits around the minimum of the searches, into the catalogue.
    Harvest(HarvestStage),
    /// Eshelby kinetic Monte Carlo.
    Kmc(KmcStage),
    /// Digests everything into findings.
    Compare(CompareStage),
}

impl Stage {
    /// The name that folders and manifests show.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Prepare(_) => "prepare",
            Self::FromSample(_) => "from-sample",
            Self::Equilibrate(_) => "equilibrate",
            Self::Shear(_) => "shear",
            Self::Unload(_) => "unload",
            Self::Recover(_) => "recover",
            Self::Relax(_) => "relax",
            Self::Creep(_) => "creep",
            Self::Cycle(_) => "cycle",
            Self::Search(_) => "search",
            Self::Harvest(_) => "harvest",
            Self::Kmc(_) => "kmc",
            Self::Compare(_) => "compare",
        }
    }
}

/// Makes a glass: melt, then a linear cooling ramp at zero pressure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareStage {
    /// Number of atoms, half of each species.
    pub atoms: usize,
    /// Temperature of the melt.
    pub melt_temperature: Temperature,
    /// How long the melt is held.
    pub melt_duration: Duration,
    /// Number density of the melt before the pressure is let go `[1 / length³]`.
    #[serde(default = "default_density")]
    pub melt_density: f64,
    /// Temperature at which the ramp begins.
    pub cool_from: Temperature,
    /// Temperature at which the ramp ends, well below T_f.
    pub cool_to: Temperature,
    /// How long the ramp takes.
    pub cool_duration: Duration,
    /// Temperature of the experiments, on the ramp; by default 0.8 T_f.
    #[serde(default)]
    pub temperature: Option<Temperature>,
    /// A stop on the way, in which the liquid relaxes.
    #[serde(default)]
    pub hold: Option<HoldStage>,
    /// Swaps of unlike atoms while settling and cooling.
    #[serde(default)]
    pub swap: Option<SwapStage>,
    /// How many inherent structures are quenched along the way.
    #[serde(default = "default_quenches")]
    pub quenches: usize,
}

/// A stop on the way from liquid to glass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldStage {
    /// Temperature of a hold at zero pressure between two halves of the ramp; by default the
    /// paper's route: a quench at constant volume gives a T_f, the hold is at 0.95 of it at
    /// constant volume, and the ramp at zero pressure begins there.
    #[serde(default)]
    pub temperature: Option<Temperature>,
    /// How long.
    pub duration: Duration,
    /// Swaps of unlike atoms meanwhile.
    #[serde(default)]
    pub swap: Option<SwapStage>,
}

/// Monte Carlo swaps of the positions of unlike atoms, between pieces of dynamics.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwapStage {
    /// Attempts per atom in each sweep.
    pub attempts_per_atom: f64,
    /// Time between two sweeps.
    pub interval: Duration,
}

fn default_density() -> f64 {
    1.2
}

/// Starts from the structure file that the config names as `sample`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FromSampleStage {
    /// Temperature of the experiments; velocities are drawn where the file has none.
    pub temperature: Temperature,
}

/// Holds at zero pressure and zero shear stress: the strain at the end is called zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquilibrateStage {
    /// How long.
    pub duration: Duration,
    /// How many inherent structures are quenched from it, for <σ_IS> − <σ_MD>.
    #[serde(default = "default_quenches")]
    pub quenches: usize,
}

fn default_quenches() -> usize {
    20
}

/// Shears the reference state at constant rate, to both signs of strain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShearStage {
    /// Rates, one or more.
    pub rates: Vec<StrainRate>,
    /// Largest strain.
    pub strain: f64,
    /// How many independent pairs of +strain and -strain: one number for all rates, or one for
    /// each, as `[16, 4]`.
    #[serde(default)]
    pub pairs: Pairs,
    /// How many inherent structures are quenched along the way.
    #[serde(default = "default_quenches")]
    pub quenches: usize,
}

impl ShearStage {
    /// Every rate with its number of pairs, in the order of the config.
    pub fn pairs_by_rate(&self) -> impl Iterator<Item = (StrainRate, usize)> + '_ {
        let pairs = |k: usize| match &self.pairs {
            Pairs::Each(pairs) => *pairs,
            Pairs::ByRate(pairs) => pairs.get(k).copied().unwrap_or(0),
        };
        self.rates
            .iter()
            .enumerate()
            .map(move |(k, rate)| (*rate, pairs(k)))
    }
}

fn one() -> usize {
    1
}

/// Unloads every sheared state at one rate, through zero stress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnloadStage {
    /// Rate of unloading, not below the fastest rate of loading.
    pub unload_rate: StrainRate,
}

/// Lets every unloaded state recover at zero stress, as long as its loading lasted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoverStage {
    /// How many inherent structures are quenched along the way, at logarithmic times.
    #[serde(default = "default_quenches")]
    pub quenches: usize,
}

/// Holds the reference state at zero load, as long as the longest other history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaxStage {
    /// How many independent copies.
    #[serde(default = "one")]
    pub copies: usize,
    /// How long; by default as long as the slowest loading, unloading and recovery together.
    #[serde(default)]
    pub duration: Option<Duration>,
    /// How many inherent structures are quenched along the way.
    #[serde(default = "default_quenches")]
    pub quenches: usize,
}

/// Saddle searches from the inherent structure of the reference state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchStage {
    /// How many searches, at most.
    pub searches: u64,
    /// Moves to the deepest minimum that only tiny barriers keep the start from, before the
    /// searches; left out, they start from the inherent structure as it is.
    #[serde(default)]
    pub settle: Option<SettleSettings>,
    /// Coverage at which to stop before; all searches are done where left out.
    #[serde(default)]
    pub until: Option<CoverageGoal>,
    /// Declared attempt frequency per mapped second, until prefactors are measured.
    #[serde(default = "default_attempt_frequency")]
    pub attempt_frequency_per_second: f64,
    /// Settings of a search.
    #[serde(default)]
    pub settings: SearchSettings,
    /// Whether and how prefactors are measured once the searches are done.
    #[serde(default)]
    pub rates: Option<RateSettings>,
}

fn default_attempt_frequency() -> f64 {
    1e13
}

/// Eshelby kinetic Monte Carlo: load, unload, recover at every rate, and a hold at zero load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmcStage {
    /// Rates of loading.
    pub rates: Vec<StrainRate>,
    /// Rate of unloading.
    pub unload_rate: StrainRate,
    /// Largest strain.
    pub strain: f64,
    /// Temperature; by default that of the reference state.
    #[serde(default)]
    pub temperature: Option<Temperature>,
    /// How many independent lattices at each rate, each loaded to both signs.
    #[serde(default = "default_seeds")]
    pub pairs: usize,
    /// Settings of the lattice and of the chain.
    #[serde(default)]
    pub settings: KmcSettings,
}

fn default_seeds() -> usize {
    4
}

/// Digests all stages before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareStage {}
