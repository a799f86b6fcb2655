//! The same job for LAMMPS, and its output back as a run directory.
//!
//! [`export_lammps`] writes a folder in which `lmp -in in.lammps` does all MD stages of a config;
//! [`import_lammps`] reads what that leaves. Both speak of trajectories by the same names as the
//! program's own runs, so that the digest reads either.

mod export;
mod import;
mod script;

use crate::config::{RunConfig, Stage};
use crate::stages::branches::{branches, shear_stage};
use crate::stages::relax::copy_name;

pub use export::{LammpsExport, export_lammps};
pub use import::{LammpsImport, import_lammps};

/// The config that an export was made from, in its folder.
const CONFIG: &str = "config.ron";
/// The script that does everything.
const SCRIPT: &str = "in.lammps";
/// The structure that the script begins with.
const START: &str = "start.data";
/// The reference state that the script leaves.
const REFERENCE: &str = "reference.data";

/// The columns of a file of moments, after the step: as `fix ave/time` numbers them.
const NOW: [&str; 12] = [
    "gamma", "T", "u", "k", "vol", "p", "sxx", "syy", "szz", "sxy", "sxz", "syz",
];
/// The columns of a file of means over intervals.
const MEAN: [&str; 10] = [
    "gamma", "T", "u", "vol", "sxx", "syy", "szz", "sxy", "sxz", "syz",
];

/// The folder of the stage at `k`.
fn folder(k: usize, stage: &Stage) -> String {
    format!("{:02}-{}", k + 1, stage.name())
}

/// The names of a stage's trajectories; none for stages that LAMMPS does not do.
fn trajectories(config: &RunConfig, stage: &Stage) -> Vec<String> {
    match stage {
        Stage::Prepare(_) => vec!["cooling".to_owned()],
        Stage::Equilibrate(_) => vec!["equilibrate".to_owned()],
        Stage::Shear(_) | Stage::Unload(_) | Stage::Recover(_) => shear_stage(config).map_or_else(
            |_| Vec::new(),
            |shear| {
                branches(shear)
                    .iter()
                    .map(super::stages::branches::Branch::name)
                    .collect()
            },
        ),
        Stage::Relax(relax) => (1..=relax.copies).map(copy_name).collect(),
        _ => Vec::new(),
    }
}
