//! Catalogues made, and walked over: `search`, `merge`, `akmc`.

use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::Forces;
use super::numbers::{positive, share};

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
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub searches: Option<u64>,
    /// Only the searches from A to B - 1, for job arrays: `merge` puts the catalogues together.
    #[arg(long, value_name = "A..B", value_parser = range, conflicts_with = "searches")]
    pub range: Option<Range<u64>>,
    /// Stop at this Good-Turing coverage, the probability that the next search that ends in an event
    /// ends in a known one (with a structure file; a config says so itself).
    #[arg(long, value_name = "SHARE", conflicts_with = "range", allow_negative_numbers = true, value_parser = share)]
    pub until_coverage: Option<f64>,
    /// Look at the coverage of events with a forward barrier below this.
    #[arg(long, value_name = "ENERGY", requires = "until_coverage", allow_negative_numbers = true, value_parser = positive)]
    pub window: Option<f64>,
    /// The catalogue to write.
    #[arg(short, long, value_name = "CATALOGUE")]
    pub output: PathBuf,
    /// Cut mode and kernel (with a structure file).
    #[command(flatten)]
    pub forces: Forces,
    /// Temperature k_B T that the sample stands for, recorded with it.
    #[arg(long, value_name = "KT", allow_negative_numbers = true, value_parser = positive)]
    pub temperature: Option<f64>,
    /// Measure prefactors once the searches are done (with a structure file; a config says so
    /// itself).
    #[arg(long)]
    pub prefactors: bool,
    /// Descend from saddles along the path of steepest descent itself, not by a minimizer: end states
    /// that do not hang on the minimizer, for about twice the evaluations (with a structure file; a
    /// config says so itself: `descents: gradient_flow`).
    #[arg(long)]
    pub gradient_flow: bool,
    /// Leave the basin by heat, not by a push: finds the low passes that molecular dynamics takes first,
    /// which pushes miss, for more evaluations a search (with a structure file; a config says so itself:
    /// `heat: ()`).
    #[arg(long)]
    pub heat: bool,
    /// Refuse a start that is not a minimum already, instead of minimizing it.
    #[arg(long)]
    pub no_minimize: bool,
    /// Change a value of the config.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub edits: Vec<String>,
    /// Seed of the searches.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
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
    #[arg(long, value_name = "KT", allow_negative_numbers = true, value_parser = positive)]
    pub temperature: f64,
    /// Steps in all; 100 where neither a time nor wall seconds end the walk.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub steps: Option<u64>,
    /// Physical time at which the walk ends, in tau.
    #[arg(long, value_name = "TAU", allow_negative_numbers = true, value_parser = positive)]
    pub time: Option<f64>,
    /// Draw the minimum at multiples of this time, too, in tau, each draw a step: rows to average over time.
    #[arg(long, value_name = "TAU", allow_negative_numbers = true, value_parser = positive)]
    pub every: Option<f64>,
    /// Stop after this many wall seconds; --resume goes on.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = positive)]
    pub wall_seconds: Option<f64>,
    /// Catalogue of the start, in place of searches there.
    #[arg(long, value_name = "CATALOGUE")]
    pub catalogue: Option<PathBuf>,
    /// Another walk from the same sample, whose first searches are taken over: for other temperatures
    /// and seeds.
    #[arg(long, value_name = "DIR", conflicts_with = "catalogue")]
    pub from: Option<PathBuf>,
    /// Ways with a higher barrier are left out.
    #[arg(long, value_name = "ENERGY", default_value_t = 6.0, allow_negative_numbers = true, value_parser = positive)]
    pub highest_barrier: f64,
    /// Searches around each atom of the start.
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000))]
    pub first_effort: u32,
    /// Searches around each atom that moved or has other neighbors than before, unless its surroundings
    /// are like some around which the ways out are known.
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000))]
    pub effort: u32,
    /// Most short trajectories of dynamics that look for the fastest ways out of every minimum in which
    /// the walk stops, so many at 1.5 and at 3 times the temperature; fewer where the next escape is
    /// almost surely known; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 48, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u32>::new().range(..=1_000_000))]
    pub trajectories: u32,
    /// Attempt frequency per mapped second of ways that have no prefactor of their own: those of searches
    /// (unless `search --prefactors` made the catalogue) and those whose region is not harmonic.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 1e13, allow_negative_numbers = true, value_parser = positive)]
    pub attempt_frequency: f64,
    /// Seed.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        allow_negative_numbers = true
    )]
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
