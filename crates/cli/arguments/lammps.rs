//! LAMMPS: `export-lammps`, `import-lammps`.

use std::path::PathBuf;

use clap::Args;

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
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
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
