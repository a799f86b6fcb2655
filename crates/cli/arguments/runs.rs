//! Runs of configs: `demo`, `init`, `run`, `kmc`, `check`, `compare`, `report`; and `bench`, for what
//! they cost.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::numbers::positive;

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
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
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
    /// A glass to try everything on in place of a config: LAMMPS data, gzip; its first line says
    /// how it was made.
    #[arg(long, conflicts_with = "template")]
    pub sample: bool,
    /// Where it goes; by default to stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the output.
    #[arg(long)]
    pub force: bool,
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
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
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

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub struct Bench {
    /// About how long each measurement takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, allow_negative_numbers = true, value_parser = positive)]
    pub seconds: f64,
}
