//! What the command line may say.

use std::ops::Range;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use metabasin_pipeline::{Cut, EscapeRequest, KernelChoice, MinimizerKind, RateSettings};

/// Thermally activated plasticity of glasses: molecular dynamics, saddle searches and Eshelby
/// kinetic Monte Carlo in one chain.
#[derive(Debug, Parser)]
#[command(
    name = "metabasin",
    version,
    after_help = "Examples:\n  metabasin demo                               the whole chain on a small glass\n  \
                  metabasin init shear > shear.ron             a commented config\n  \
                  metabasin check shear.ron                    what is wrong, what it would cost\n  \
                  metabasin run shear.ron --out shear          run it; --resume after a stop\n\n\
                  Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted (resumable)."
)]
pub struct Arguments {
    /// Threads to use; by default all cores. Results do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Say more on stderr; twice for everything.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on stderr but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print the results as one JSON object on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The whole pipeline on a small glass in about two minutes, ending in a report.
    #[command(
        after_help = "Example:\n  metabasin demo --out my-demo && xdg-open my-demo/report.html"
    )]
    Demo(Demo),
    /// Prints a commented config to start from.
    #[command(after_help = "Example:\n  metabasin init search > search.ron")]
    Init(Init),
    /// Runs the stages of a config.
    #[command(
        after_help = "Examples:\n  metabasin run shear.ron --out shear --set stages[2].strain=0.01\n  \
                      metabasin run shear.ron --out shear --resume"
    )]
    Run(Run),
    /// Validates a config without running it, and prints what it would cost.
    #[command(after_help = "Example:\n  metabasin check shear.ron --json")]
    Check(Check),
    /// Energy, stress and largest force of a structure.
    #[command(
        after_help = "Example:\n  metabasin energy glass.data.gz --cut shifted --per-atom atoms.csv"
    )]
    Energy(Energy),
    /// Relaxes a structure to its inherent structure at fixed cell.
    #[command(after_help = "Example:\n  metabasin minimize glass.data.gz -o inherent.extxyz")]
    Minimize(Minimize),
    /// Moves a glass to the deepest minimum that only tiny barriers keep it from.
    ///
    /// Soft spots of a glass flip across barriers far below k_B T. Saddle searches from a minimum
    /// with such a neighbor mostly end beside the neighbor, disconnected: settle first.
    #[command(
        after_help = "Example:\n  metabasin settle glass.data.gz -o settled.extxyz\n  metabasin search \
                      settled.extxyz -o glass.sqlite --searches 500"
    )]
    Settle(Settle),
    /// Voronoi structure, icosahedral network and stress by class.
    #[command(after_help = "Example:\n  metabasin analyze glass.data.gz --per-atom atoms.csv")]
    Analyze(Analyze),
    /// Saddle searches into a catalogue.
    #[command(
        after_help = "Examples:\n  metabasin search glass.data.gz --searches 200 -o glass.sqlite\n  \
                      metabasin search glass.data.gz --searches 400 -o glass.sqlite --resume\n  \
                      metabasin search glass.data.gz --searches 5000 --until-coverage 0.5 -o glass.sqlite\n  \
                      metabasin search search.ron -o glass.sqlite\n\n\
                      A job array: task k does\n  \
                      metabasin search glass.data.gz --range $((100*k))..$((100*k+100)) -o part-$k.sqlite\n\n\
                      An MPI job (docs/scaling.md):\n  \
                      srun metabasin search glass.data.gz --searches 20000 --threads 1 -o glass.sqlite --mpi"
    )]
    Search(Search),
    /// Puts catalogues of ranges of searches together, as if one process had done all.
    #[command(
        after_help = "Example:\n  metabasin merge part-0.sqlite part-1.sqlite part-2.sqlite -o glass.sqlite"
    )]
    Merge(Merge),
    /// Atomistic kinetic Monte Carlo: from minimum to minimum over saddles searched on the way.
    #[command(
        after_help = "Examples:\n  metabasin akmc glass.data.gz --temperature 0.14 --steps 50 --out walk\n  \
                      metabasin akmc glass.data.gz --temperature 0.14 --steps 100 --out walk --resume\n\n\
                      Writes series/walk.csv, structures/current.extxyz, checkpoints/ and energy.svg into the folder."
    )]
    Akmc(Akmc),
    /// Barrier statistics of a catalogue.
    #[command(
        after_help = "Examples:\n  metabasin barriers glass.sqlite --plot barriers.svg --csv events.csv\n  \
                      metabasin barriers glass.sqlite --window 2.8 --window 4.7 --json\n  \
                      metabasin barriers glass.sqlite --verify"
    )]
    Barriers(Barriers),
    /// Activation volumes, and barriers followed under strain.
    #[command(
        after_help = "Examples:\n  metabasin activation glass.sqlite --to 0.05 --steps 10 --both-ways --plot load.svg\n  \
                      metabasin activation glass.sqlite --strain 1,-0.5,-0.5,0,0,0 --to 0.02"
    )]
    Activation(Activation),
    /// Vineyard prefactors of stored events, and the core's part of their barriers.
    #[command(after_help = "Examples:\n  metabasin prefactors glass.sqlite\n  \
                      metabasin prefactors glass.sqlite --radii 1.5,2,2.5,3,3.5 --events 20")]
    Prefactors(Prefactors),
    /// Lets molecular dynamics escape from a catalogue's minimum, beside the catalogue's sum of rates.
    #[command(after_help = "Example:\n  metabasin escape glass.sqlite --plot escape.svg")]
    Escape(Escape),
    /// Eshelby kinetic Monte Carlo of a config.
    #[command(
        after_help = "Example:\n  metabasin kmc kmc.ron --set catalogue=glass.sqlite --out kmc"
    )]
    Kmc(Run),
    /// Overlays the results of an MD run and a KMC run.
    #[command(after_help = "Examples:\n  metabasin compare demo demo\n  \
                      metabasin compare demo/03-shear demo/08-kmc --plot overlay.svg")]
    Compare(Compare),
    /// Builds the HTML report of a run directory anew; of an unfinished run, from the pairs of
    /// trajectories that are finished so far.
    #[command(after_help = "Example:\n  metabasin report my-demo")]
    Report(Report),
    /// Exports a catalogue for pandas, ASE or OVITO.
    #[command(
        after_help = "Example:\n  metabasin export glass.sqlite --format extxyz -o events.extxyz"
    )]
    Export(Export),
    /// Writes the MD stages of a config as a LAMMPS job: a folder in which `lmp -in in.lammps` does
    /// them.
    #[command(
        after_help = "Example:\n  metabasin export-lammps shear.ron --set stages[0].temperature='Reduced(0.28)' -o job\n  \
                      cd job && mpirun -np 32 lmp -in in.lammps"
    )]
    ExportLammps(ExportLammps),
    /// Reads what LAMMPS left in an exported job into a run directory, for `report` and `compare`.
    #[command(
        after_help = "Example:\n  metabasin import-lammps job -o job-run && metabasin report job-run"
    )]
    ImportLammps(ImportLammps),
    /// Measures this machine's speed, with which `check` estimates cost.
    #[command(after_help = "Example:\n  metabasin bench --json")]
    Bench(Bench),
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// Folder of the run.
    #[arg(long, value_name = "DIR", default_value = "metabasin-demo")]
    pub out: PathBuf,
    /// Continue an unfinished demo.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Delete what the folder holds and start anew.
    #[arg(long)]
    pub force: bool,
    /// Seed of all random numbers.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Change a value of the demo's config, e.g. `stages[6].searches=40`.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub edits: Vec<String>,
}

/// Which config `init` prints.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Template {
    /// The demo's own config.
    Demo,
    /// Prepare, shear, unload, recover in MD.
    Shear,
    /// Saddle searches from a structure file.
    Search,
    /// Eshelby KMC from a catalogue.
    Kmc,
    /// The whole chain from a structure file.
    FromSample,
}

/// Arguments of `init`.
#[derive(Args, Debug)]
pub struct Init {
    /// Which config.
    #[arg(default_value = "demo")]
    pub template: Template,
}

/// Arguments of `run` and `kmc`.
#[derive(Args, Debug)]
pub struct Run {
    /// The config.
    #[arg(value_name = "CONFIG.ron")]
    pub config: PathBuf,
    /// Folder of the run; by default the name of the config without `.ron`.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Change a value of the config, e.g. `stages[1].rates=[PerSecond(1e8)]`.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub edits: Vec<String>,
    /// Seed of all random numbers; overrides the config's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Continue where the run stopped.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Delete what the folder holds and start anew.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct Check {
    /// The config.
    #[arg(value_name = "CONFIG.ron")]
    pub config: PathBuf,
    /// Change a value of the config first.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub edits: Vec<String>,
}

/// How forces are computed.
#[derive(Args, Clone, Copy, Debug)]
pub struct Forces {
    /// Cut mode of the potential at 2.5 sigma_11.
    #[arg(
        long,
        value_name = "truncated|shifted|smooth",
        default_value = "smooth"
    )]
    pub cut: Cut,
    /// Force kernel: `portable` gives the same bits on every machine.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
}

/// Force kernels by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kernel {
    /// The fastest one this machine has.
    Auto,
    /// The portable one.
    Portable,
}

impl From<Kernel> for KernelChoice {
    fn from(kernel: Kernel) -> Self {
        match kernel {
            Kernel::Auto => Self::Auto,
            Kernel::Portable => Self::Portable,
        }
    }
}

/// Arguments of `energy`.
#[derive(Args, Debug)]
pub struct Energy {
    /// Structure file: LAMMPS data or dump, extended XYZ; gzip or zstd.
    pub file: PathBuf,
    /// Forces.
    #[command(flatten)]
    pub forces: Forces,
    /// Write id, species, energy, force and stress of every atom.
    #[arg(long, value_name = "FILE.csv")]
    pub per_atom: Option<PathBuf>,
    /// Overwrite the file that --per-atom names.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `minimize`.
#[derive(Args, Debug)]
pub struct Minimize {
    /// Structure file.
    pub file: PathBuf,
    /// Where the inherent structure goes: `.extxyz`, `.data` or `.dump`, `.gz` or `.zst` behind.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Forces.
    #[command(flatten)]
    pub forces: Forces,
    /// Minimizer: conjugate_gradient, lbfgs, fire, truncated_newton.
    #[arg(long, value_name = "NAME", default_value = "lbfgs")]
    pub method: MinimizerKind,
    /// Largest force on an atom at which the structure counts as converged.
    #[arg(long, value_name = "FORCE", default_value_t = 1e-8)]
    pub force_tolerance: f64,
    /// Overwrite the output.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `settle`.
#[derive(Args, Debug)]
pub struct Settle {
    /// Structure file.
    pub file: PathBuf,
    /// Where the deepest neighbor goes: `.extxyz`, `.data` or `.dump`, `.gz` or `.zst` behind.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Forces.
    #[command(flatten)]
    pub forces: Forces,
    /// Highest energy on the straight line to a deeper minimum that is crossed, above the one left.
    #[arg(long, value_name = "ENERGY", default_value_t = 0.8)]
    pub barrier: f64,
    /// Saddle searches from every minimum on the way.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub searches: u64,
    /// Seed of the searches.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Overwrite the output.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `analyze`.
#[derive(Args, Debug)]
pub struct Analyze {
    /// Structure file.
    pub file: PathBuf,
    /// Cut mode for energy and stress by class.
    #[command(flatten)]
    pub forces: Forces,
    /// Radii of the radical Voronoi cells, large and small atom.
    #[arg(long, value_name = "R1,R2", value_delimiter = ',')]
    pub radii: Option<Vec<f64>>,
    /// Compare with this earlier structure: displacements of every atom.
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// Write index, coordination, volume and class of every atom.
    #[arg(long, value_name = "FILE.csv")]
    pub per_atom: Option<PathBuf>,
    /// Overwrite the file that --per-atom names.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `search`.
#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Search {
    /// A config with a Search stage, or a structure file.
    #[arg(value_name = "CONFIG.ron|FILE")]
    pub input: PathBuf,
    /// How many searches in all (with a structure file; a config says so itself).
    #[arg(long, value_name = "N")]
    pub searches: Option<u64>,
    /// Only the searches from A to B - 1, for job arrays: `merge` puts the catalogues together.
    #[arg(long, value_name = "A..B", value_parser = range, conflicts_with = "searches")]
    pub range: Option<Range<u64>>,
    /// Stop at this Good-Turing coverage, the probability that the next search that ends in an event
    /// ends in a known one (with a structure file; a config says so itself).
    #[arg(long, value_name = "SHARE", conflicts_with = "range")]
    pub until_coverage: Option<f64>,
    /// Look at the coverage of events with a forward barrier below this.
    #[arg(long, value_name = "ENERGY", requires = "until_coverage")]
    pub window: Option<f64>,
    /// The catalogue to write.
    #[arg(short, long, value_name = "CATALOGUE")]
    pub output: PathBuf,
    /// Cut mode and kernel (with a structure file).
    #[command(flatten)]
    pub forces: Forces,
    /// Temperature k_B T that the sample stands for, recorded with it.
    #[arg(long, value_name = "KT")]
    pub temperature: Option<f64>,
    /// Measure prefactors once the searches are done (with a structure file; a config says so
    /// itself).
    #[arg(long)]
    pub prefactors: bool,
    /// Refuse a start that is not a minimum already, instead of minimizing it.
    #[arg(long)]
    pub no_minimize: bool,
    /// Change a value of the config.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub edits: Vec<String>,
    /// Seed of the searches.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Add to the catalogue until it holds that many searches.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Replace the catalogue.
    #[arg(long)]
    pub force: bool,
    /// Share the searches among the ranks of an MPI job, started with mpirun or srun; the catalogue
    /// is the one that a single process makes (a build with `--features mpi`).
    #[arg(long)]
    pub mpi: bool,
}

/// Reads A..B.
fn range(text: &str) -> Result<Range<u64>, String> {
    let number = |part: &str| part.trim().parse::<u64>().ok();
    match text.split_once("..").map(|(a, b)| (number(a), number(b))) {
        Some((Some(a), Some(b))) if a < b => Ok(a..b),
        _ => Err(
            "write two numbers with two dots between, the first below the second: 200..300".into(),
        ),
    }
}

/// Arguments of `merge`.
#[derive(Args, Debug)]
pub struct Merge {
    /// Catalogues of disjoint ranges of searches in one sample, with one seed and one set of settings.
    #[arg(value_name = "CATALOGUE", required = true)]
    pub catalogues: Vec<PathBuf>,
    /// The catalogue to write.
    #[arg(short, long, value_name = "CATALOGUE")]
    pub output: PathBuf,
    /// Merge although searches between the ranges are missing.
    #[arg(long)]
    pub partial: bool,
    /// Replace the output.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `akmc`.
#[derive(Args, Debug)]
pub struct Akmc {
    /// Structure file; minimized first.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Folder of the walk.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Temperature k_B T.
    #[arg(long, value_name = "KT")]
    pub temperature: f64,
    /// Steps in all.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub steps: u64,
    /// Physical time at which the walk ends, in tau.
    #[arg(long, value_name = "TAU")]
    pub time: Option<f64>,
    /// Stop after this many wall seconds; --resume goes on.
    #[arg(long, value_name = "SECONDS")]
    pub wall_seconds: Option<f64>,
    /// Catalogue of the start, in place of searches there.
    #[arg(long, value_name = "CATALOGUE")]
    pub catalogue: Option<PathBuf>,
    /// Another walk from the same sample, whose first searches are taken over: for other temperatures
    /// and seeds.
    #[arg(long, value_name = "DIR", conflicts_with = "catalogue")]
    pub from: Option<PathBuf>,
    /// Ways with a higher barrier are left out.
    #[arg(long, value_name = "ENERGY", default_value_t = 6.0)]
    pub highest_barrier: f64,
    /// Searches around each atom of the start.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub first_effort: u32,
    /// Searches around each atom that moved.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub effort: u32,
    /// Declared attempt frequency per mapped second.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 1e13)]
    pub attempt_frequency: f64,
    /// Seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Cut mode and kernel.
    #[command(flatten)]
    pub forces: Forces,
    /// Continue the walk in the folder.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Replace the walk in the folder.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `barriers`.
#[derive(Args, Debug)]
pub struct Barriers {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Only events with a forward barrier below this.
    #[arg(long, value_name = "ENERGY")]
    pub below: Option<f64>,
    /// Report completeness and cost of the events with a forward barrier below this, too; may be
    /// given several times. Left out, the windows of the rates 1e7 and 1e4 per second where the
    /// sample's temperature is known.
    #[arg(long = "window", value_name = "ENERGY")]
    pub windows: Vec<f64>,
    /// Number of bins of the histogram.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub bins: u16,
    /// Draw everything on one sheet.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write the numbers of every event, one row each.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Derive every event again from its stored displacement, and report how far it is off; exit
    /// code 1 where an event does not hold.
    #[arg(long, conflicts_with_all = ["plot", "csv", "below", "windows"])]
    pub verify: bool,
    /// Derive only the first so many events again.
    #[arg(long, value_name = "N", requires = "verify")]
    pub events: Option<usize>,
    /// Force kernel of --verify.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// Seed of the bootstrap errors.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
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

/// Arguments of `activation`.
#[derive(Args, Debug)]
pub struct Activation {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// Direction of the strain: xy (simple shear), another component, or the six components of a
    /// tensor in the order xx,yy,zz,xy,xz,yz.
    #[arg(
        long,
        value_name = "DIRECTION",
        default_value = "xy",
        allow_hyphen_values = true,
        value_parser = direction
    )]
    pub strain: [f64; 6],
    /// Follow every barrier to this strain, either sign.
    #[arg(
        long,
        value_name = "GAMMA",
        default_value_t = 0.01,
        allow_hyphen_values = true
    )]
    pub to: f64,
    /// In how many steps.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub steps: u16,
    /// Follow every barrier to the opposite strain, too.
    #[arg(long)]
    pub both_ways: bool,
    /// Bracket the strains at which events vanish to this.
    #[arg(long, value_name = "GAMMA", default_value_t = 1e-5)]
    pub tolerance: f64,
    /// Only the first so many events.
    #[arg(long, value_name = "N")]
    pub events: Option<usize>,
    /// Force kernel.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// Draw barriers and activation volumes against strain, and where events vanish.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write all points, those between the steps, too.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Overwrite plot and table.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `prefactors`.
#[derive(Args, Debug)]
pub struct Prefactors {
    /// The catalogue; events that have prefactors already are left as they are.
    pub catalogue: PathBuf,
    /// Atoms this near to the core vibrate, all others are frozen in sigma.
    #[arg(long, value_name = "R", default_value_t = RateSettings::default().prefactor_radius)]
    pub radius: f64,
    /// Atoms that moved more than this are the core in sigma.
    #[arg(long, value_name = "D", default_value_t = RateSettings::default().core_threshold)]
    pub core: f64,
    /// Measure all events again.
    #[arg(long)]
    pub anew: bool,
    /// Store nothing; show how far prefactors at these radii are from those of the full cell.
    #[arg(long, value_name = "R,R,...", value_delimiter = ',')]
    pub radii: Vec<f64>,
    /// Over how many events (with --radii).
    #[arg(long, value_name = "N", default_value_t = 20, requires = "radii")]
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
    #[arg(long, value_name = "KT,KT,...", value_delimiter = ',')]
    pub temperatures: Vec<f64>,
    /// Trajectories at each temperature.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..))]
    pub trajectories: u16,
    /// Relaxation time of the Langevin thermostat in tau.
    #[arg(long, value_name = "TAU", default_value_t = EscapeRequest::default().friction_time)]
    pub friction_time: f64,
    /// Time step in tau.
    #[arg(long, value_name = "TAU", default_value_t = EscapeRequest::default().time_step)]
    pub time_step: f64,
    /// Attempt periods (1/nu_0) between two quenches.
    #[arg(long, value_name = "PERIODS", default_value_t = EscapeRequest::default().interval)]
    pub interval: f64,
    /// Seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
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

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub struct Compare {
    /// Folder of an MD run: a pipeline, or its shear stage.
    pub md_run: PathBuf,
    /// Folder of a KMC run: a pipeline, or its kmc stage.
    pub kmc_run: PathBuf,
    /// Draw stress-strain and recovery of both.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Overwrite plot and table.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `report`.
#[derive(Args, Debug)]
pub struct Report {
    /// Folder of the run.
    pub run_dir: PathBuf,
}

/// Formats of `export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One row an event, all scalar columns.
    Csv,
    /// Three frames an event: minimum, saddle, final.
    Extxyz,
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
    /// Overwrite the output.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `export-lammps`.
#[derive(Args, Debug)]
pub struct ExportLammps {
    /// The config.
    #[arg(value_name = "CONFIG.ron")]
    pub config: PathBuf,
    /// Folder of the job.
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Change a value of the config first.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub edits: Vec<String>,
    /// Seed of all random numbers; overrides the config's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Overwrite a job that the folder holds.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `import-lammps`.
#[derive(Args, Debug)]
pub struct ImportLammps {
    /// Folder of the job that LAMMPS ran in.
    pub job: PathBuf,
    /// Folder of the run directory to write.
    #[arg(short, long, value_name = "RUN_DIR")]
    pub output: PathBuf,
    /// Replace the run that the folder holds.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub struct Bench {
    /// About how long each measurement takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub seconds: f64,
}
