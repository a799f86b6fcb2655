//! Catalogues read: `barriers`, `activation`, `prefactors`, `escape`, `recall`, `harvest`, `step`, `export`.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use metabasin_pipeline::{
    EscapeRequest, HarvestRequest, RateSettings, RecallRequest, StepRequest, TrajectoryDynamics,
};

use super::Kernel;
use super::numbers::{finite, positive};

/// Arguments of `barriers`.
#[derive(Args, Debug)]
pub struct Barriers {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Only events with a forward barrier below this.
    #[arg(long, value_name = "ENERGY", allow_negative_numbers = true, value_parser = positive)]
    pub below: Option<f64>,
    /// Report completeness and cost of the events with a forward barrier below this, too; may be
    /// given several times. Left out, the windows of the rates 1e7 and 1e4 per second where the
    /// sample's temperature is known.
    #[arg(long = "window", value_name = "ENERGY", allow_negative_numbers = true, value_parser = positive)]
    pub windows: Vec<f64>,
    /// Number of bins of the histogram.
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub bins: u16,
    /// Draw everything on one sheet.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write the numbers of every event, one row each.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Write the same table as Parquet, with units, config, seed and version in the file's metadata.
    #[arg(long, value_name = "FILE.parquet")]
    pub parquet: Option<PathBuf>,
    /// Show the events in the glass, from minimum over saddle to end, in a page that opens without a network.
    #[arg(long, value_name = "FILE.html")]
    pub view: Option<PathBuf>,
    /// Tell instead what makes a place soft: events and barriers against measures of the atoms that take part, with the
    /// area under the ROC curve of each for the softest and hardest 5 % of atoms. Local moduli among them are spread over
    /// a Gaussian of this width.
    #[arg(
        long,
        value_name = "WIDTH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        allow_negative_numbers = true,
        value_parser = positive,
        conflicts_with_all = ["plot", "csv", "parquet", "view", "windows", "verify"]
    )]
    pub softness: Option<f64>,
    /// Derive every event again from its stored displacement, and report how far it is off; exit
    /// code 1 where an event does not hold.
    #[arg(long, conflicts_with_all = ["plot", "csv", "parquet", "view", "below", "windows"])]
    pub verify: bool,
    /// Descend from saddles along the path of steepest descent itself, not by a minimizer, which now
    /// and then ends in a neighboring minimum; some 1,500 force evaluations an event.
    #[arg(long, requires = "verify")]
    pub gradient_flow: bool,
    /// Derive only the first so many events again.
    #[arg(long, value_name = "N", requires = "verify", allow_negative_numbers = true, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub events: Option<usize>,
    /// Force kernel of --verify.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// Seed of the bootstrap errors.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        allow_negative_numbers = true
    )]
    pub seed: u64,
    /// Overwrite plot, tables and view.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `activation`.
#[derive(Args, Debug)]
pub struct Activation {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Strain the cell in this direction: xy (simple shear), another component, or the six components of
    /// a tensor in the order xx,yy,zz,xy,xz,yz.
    #[arg(
        long,
        value_name = "DIRECTION",
        default_value = "xy",
        allow_hyphen_values = true,
        value_parser = direction
    )]
    pub strain: [f64; 6],
    /// Add stress in this direction instead, a component or six of them, under which cell and atoms give
    /// way: barriers of the enthalpy.
    #[arg(
        long,
        value_name = "DIRECTION",
        conflicts_with = "strain",
        allow_hyphen_values = true,
        value_parser = stress_direction
    )]
    pub stress: Option<[f64; 6]>,
    /// Follow every barrier to this strain or stress in units of the direction, either sign; by default
    /// to a strain of 0.01 or a stress of 0.1 epsilon/sigma^3.
    #[arg(long, value_name = "GAMMA", allow_hyphen_values = true, value_parser = finite)]
    pub to: Option<f64>,
    /// In how many steps.
    #[arg(long, value_name = "N", default_value_t = 5, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub steps: u16,
    /// Follow every barrier to the opposite load, too.
    #[arg(long)]
    pub both_ways: bool,
    /// Bracket the loads at which events vanish to this; by default to a strain of 1e-5 or a stress of
    /// 1e-4 epsilon/sigma^3.
    #[arg(long, value_name = "GAMMA", allow_negative_numbers = true, value_parser = positive)]
    pub tolerance: Option<f64>,
    /// Only the first so many events.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub events: Option<usize>,
    /// Force kernel.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// Draw barriers and activation volumes against the load, and where events vanish.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write all points, those between the steps, too.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Overwrite plot and table.
    #[arg(long)]
    pub force: bool,
}

/// A direction of strain: one component, or six.
fn direction(text: &str) -> Result<[f64; 6], String> {
    match ["xx", "yy", "zz", "xy", "xz", "yz"]
        .iter()
        .position(|name| *name == text)
    {
        // Shear by one component is engineering strain, twice the tensor's component.
        Some(k) => Ok(std::array::from_fn(|i| match (i == k, k < 3) {
            (true, true) => 1.0,
            (true, false) => 0.5,
            (false, _) => 0.0,
        })),
        None => six(text).map_err(|_| {
            format!(
                "a direction is one of xx, yy, zz, xy, xz, yz or six comma-separated components in \
                 this order, and --to says how far, got `{text}`"
            )
        }),
    }
}

/// A direction of stress: one component, or six.
fn stress_direction(text: &str) -> Result<[f64; 6], String> {
    match ["xx", "yy", "zz", "xy", "xz", "yz"]
        .iter()
        .position(|name| *name == text)
    {
        Some(k) => Ok(std::array::from_fn(|i| f64::from(u8::from(i == k)))),
        None => direction(text),
    }
}

/// Six components of a tensor in the order xx, yy, zz, xy, xz, yz.
fn six(text: &str) -> Result<[f64; 6], String> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|number| number.trim().parse().ok())
        .collect();
    numbers
        .filter(|numbers| numbers.iter().all(|number| number.is_finite()))
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| {
            format!("six finite numbers wanted in the order xx,yy,zz,xy,xz,yz, got `{text}`")
        })
}

/// Arguments of `prefactors`.
#[derive(Args, Debug)]
pub struct Prefactors {
    /// The catalogue; events that have prefactors already are left as they are.
    pub catalogue: PathBuf,
    /// Atoms this near to the core vibrate, all others are frozen in sigma.
    #[arg(long, value_name = "R", default_value_t = RateSettings::default().prefactor_radius, allow_negative_numbers = true, value_parser = positive)]
    pub radius: f64,
    /// Atoms that moved more than this are the core in sigma.
    #[arg(long, value_name = "D", default_value_t = RateSettings::default().core_threshold, allow_negative_numbers = true, value_parser = positive)]
    pub core: f64,
    /// Measure all events again.
    #[arg(long)]
    pub anew: bool,
    /// Store nothing; show how far prefactors at these radii are from those of the full cell.
    #[arg(long, value_name = "R,R,...", value_delimiter = ',', allow_negative_numbers = true, value_parser = positive)]
    pub radii: Vec<f64>,
    /// Over how many events (with --radii).
    #[arg(long, value_name = "N", default_value_t = 20, requires = "radii", allow_negative_numbers = true, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub events: usize,
    /// Force kernel.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
}

/// Arguments of `escape`.
#[derive(Args, Debug)]
pub struct Escape {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Temperatures k_B T in epsilon; by default three at which the catalogue's sum of lasting rates
    /// is 0.01, 0.005 and 0.0025 an attempt period.
    #[arg(long, value_name = "KT,KT,...", value_delimiter = ',', allow_negative_numbers = true, value_parser = positive)]
    pub temperatures: Vec<f64>,
    /// Trajectories at each temperature.
    #[arg(long, value_name = "N", default_value_t = 24, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub trajectories: u16,
    /// Relaxation time of the Langevin thermostat in tau.
    #[arg(long, value_name = "TAU", default_value_t = EscapeRequest::default().friction_time, allow_negative_numbers = true, value_parser = positive)]
    pub friction_time: f64,
    /// Time step in tau.
    #[arg(long, value_name = "TAU", default_value_t = EscapeRequest::default().time_step, allow_negative_numbers = true, value_parser = positive)]
    pub time_step: f64,
    /// Attempt periods (1/nu_0) between two quenches.
    #[arg(long, value_name = "PERIODS", default_value_t = EscapeRequest::default().interval, allow_negative_numbers = true, value_parser = positive)]
    pub interval: f64,
    /// Seed.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        allow_negative_numbers = true
    )]
    pub seed: u64,
    /// Force kernel.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// Draw the rates against 1/T.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write the table.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Overwrite plot and table.
    #[arg(long)]
    pub force: bool,
}

/// The dynamics around a catalogue's minimum.
#[derive(Args, Debug)]
pub struct Dynamics {
    /// Temperature k_B T in epsilon; by default that of the sample.
    #[arg(long, value_name = "KT", allow_negative_numbers = true, value_parser = positive)]
    pub temperature: Option<f64>,
    /// Relaxation time of the Langevin thermostat in tau.
    #[arg(long, value_name = "TAU", default_value_t = TrajectoryDynamics::default().friction_time, allow_negative_numbers = true, value_parser = positive)]
    pub friction_time: f64,
    /// Time step in tau.
    #[arg(long, value_name = "TAU", default_value_t = TrajectoryDynamics::default().time_step, allow_negative_numbers = true, value_parser = positive)]
    pub time_step: f64,
    /// Seed.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        allow_negative_numbers = true
    )]
    pub seed: u64,
    /// Force kernel.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
}

impl From<&Dynamics> for TrajectoryDynamics {
    fn from(arguments: &Dynamics) -> Self {
        Self {
            temperature: arguments.temperature,
            friction_time: arguments.friction_time,
            time_step: arguments.time_step,
            seed: arguments.seed,
            kernel: arguments.kernel.into(),
        }
    }
}

/// Arguments of `recall`.
#[derive(Args, Debug)]
pub struct Recall {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Trajectories.
    #[arg(long, value_name = "N", default_value_t = RecallRequest::default().trajectories, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000))]
    pub trajectories: u64,
    /// Time between two quenches in tau.
    #[arg(long, value_name = "TAU", default_value_t = RecallRequest::default().interval, allow_negative_numbers = true, value_parser = positive)]
    pub interval: f64,
    /// Time after which a trajectory that stayed is given up in tau.
    #[arg(long, value_name = "TAU", default_value_t = RecallRequest::default().longest, allow_negative_numbers = true, value_parser = positive)]
    pub longest: f64,
    /// Stationary trajectories to lay beside the states of `harvest --store`, where there are some; 0: none.
    #[arg(long, value_name = "N", default_value_t = RecallRequest::default().stationary, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u64>::new().range(0..=1_000_000))]
    pub stationary: u64,
    /// Time of each that is looked at in tau.
    #[arg(long, value_name = "TAU", default_value_t = RecallRequest::default().duration, allow_negative_numbers = true, value_parser = positive)]
    pub duration: f64,
    /// Time before, from the minimum to equilibrium, in tau.
    #[arg(long, value_name = "TAU", default_value_t = RecallRequest::default().settle, allow_negative_numbers = true)]
    pub settle: f64,
    /// The dynamics.
    #[command(flatten)]
    pub dynamics: Dynamics,
    /// Draw the ways taken beside the events, rate against barrier.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write the table.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Write minimum, saddle and final minimum of the passes that the catalogue does not hold.
    #[arg(long, value_name = "FILE.extxyz")]
    pub missing: Option<PathBuf>,
    /// Overwrite plot, table and structures.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `harvest`.
#[derive(Args, Debug)]
pub struct Harvest {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Trajectories; errors are stated from four on.
    #[arg(long, value_name = "N", default_value_t = HarvestRequest::default().trajectories, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000))]
    pub trajectories: u64,
    /// Time of each that is looked at in tau.
    #[arg(long, value_name = "TAU", default_value_t = HarvestRequest::default().duration, allow_negative_numbers = true, value_parser = positive)]
    pub duration: f64,
    /// Time before, from the minimum to equilibrium, in tau.
    #[arg(long, value_name = "TAU", default_value_t = HarvestRequest::default().settle, allow_negative_numbers = true)]
    pub settle: f64,
    /// Time between two quenches in tau.
    #[arg(long, value_name = "TAU", default_value_t = HarvestRequest::default().interval, allow_negative_numbers = true, value_parser = positive)]
    pub interval: f64,
    /// The dynamics.
    #[command(flatten)]
    pub dynamics: Dynamics,
    /// Add the states, with weights and fluxes, to the catalogue: other seeds add to them, and `recall` and
    /// `step` use them.
    #[arg(long)]
    pub store: bool,
    /// Draw the moduli against time.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write all states, a row each.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Overwrite plot and table.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `step`.
#[derive(Args, Debug)]
pub struct Step {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Strain of the step, both signs.
    #[arg(long, value_name = "GAMMA", default_value_t = StepRequest::default().strain, allow_negative_numbers = true, value_parser = positive)]
    pub strain: f64,
    /// Time for which it is held, and again after the step back, in tau.
    #[arg(long, value_name = "TAU", default_value_t = StepRequest::default().hold, allow_negative_numbers = true, value_parser = positive)]
    pub hold: f64,
    /// Pairs of trajectories of opposite sign; verdicts from four on.
    #[arg(long, value_name = "N", default_value_t = StepRequest::default().pairs, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000))]
    pub pairs: u64,
    /// Time before the step, from the minimum to equilibrium, in tau.
    #[arg(long, value_name = "TAU", default_value_t = StepRequest::default().settle, allow_negative_numbers = true)]
    pub settle: f64,
    /// Runs of the Eshelby model, in which every event of the catalogue stands once where it was found; 0:
    /// molecular dynamics alone.
    #[arg(long, value_name = "N", default_value_t = StepRequest::default().runs, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u64>::new().range(0..=100_000))]
    pub runs: u64,
    /// The dynamics.
    #[command(flatten)]
    pub dynamics: Dynamics,
    /// Draw stress over strain against time.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write all intervals, a row each.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Overwrite plot and table.
    #[arg(long)]
    pub force: bool,
}

/// Formats of `export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One row an event, all scalar columns.
    Csv,
    /// The same as Apache Parquet, with units, config, seed and version in the file's metadata.
    Parquet,
    /// Three frames an event: minimum, saddle, final.
    Extxyz,
    /// The catalogue itself in one file, as it is at this moment, also while it is being written.
    Sqlite,
}

/// Arguments of `export`.
#[derive(Args, Debug)]
pub struct Export {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Format.
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Where it goes.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Extended XYZ with the atoms of each frame inside the cell and their lattice shifts in the
    /// column `image`; otherwise the three frames of an event differ by what atoms moved.
    #[arg(long)]
    pub wrapped: bool,
    /// Overwrite the output.
    #[arg(long)]
    pub force: bool,
}
