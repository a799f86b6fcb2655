//! The atoms of a finished run as pictures need them.

use std::fs;
use std::path::{Path, PathBuf};

use metabasin_files::{Manifest, Overwrite};
use metabasin_structure::{Radii, Thresholds};

use crate::atom_picture::AtomPicture;
use crate::config::load_text;
use crate::sample::Sample;
use crate::structure_analysis::{AnalysisRequest, analyze};
use crate::{Interrupt, PipelineError};

/// The structures that a stage leaves as its result.
const RESULTS: [&str; 3] = ["minimum.extxyz", "reference.extxyz", "sample.extxyz"];

/// The structure that the last stage with one left behind, relative to the folder of the run.
fn last_structure(run_dir: &Path, manifest: &Manifest) -> Option<PathBuf> {
    manifest.stages.iter().rev().find_map(|stage| {
        let folder = Path::new(&stage.folder).join("structures");
        let files = RESULTS.map(|name| folder.join(name));
        files
            .into_iter()
            .find(|file| fs::exists(run_dir.join(file)).unwrap_or(false))
    })
}

/// The last structure of a run, and its file relative to the folder of the run; none where the run left none.
///
/// # Errors
/// Where the run's own record or the structure cannot be read.
pub fn run_picture(
    run_dir: &Path,
    interrupt: &Interrupt,
) -> Result<Option<(PathBuf, AtomPicture)>, PipelineError> {
    if !run_dir.join(Manifest::FILE_NAME).exists() {
        return Ok(None);
    }
    let manifest = Manifest::read(run_dir)?;
    let Some(file) = last_structure(run_dir, &manifest) else {
        return Ok(None);
    };
    let config = load_text(&manifest.config, &run_dir.join(Manifest::FILE_NAME), &[])?.config;
    let sample = Sample::read(&run_dir.join(&file), config.cut)?;
    let request = AnalysisRequest {
        forces: (config.cut, config.kernel),
        radii: &Radii::half_sigma(),
        thresholds: &Thresholds::default(),
        shear_modulus: None,
        moduli: None,
        reference: None,
        per_atom: None,
        disclinations: None,
        picture: true,
        overwrite: Overwrite::Refuse,
    };
    let analyzed = analyze(&sample, &request, interrupt)?;
    Ok(analyzed.picture.map(|picture| (file, picture)))
}
