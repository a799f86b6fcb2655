//! The sample files and reference numbers that tests share.

use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use metabasin_atoms::Configuration;
use nalgebra::Vector3;
use serde::Deserialize;

/// The file `name` in the repository's `tests/data`.
///
/// # Panics
/// If there is no such file: the folder belongs to the repository, not to the published crate.
pub fn data(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/data")
        .join(name);
    assert!(path.exists(), "no test data at {}", path.display());
    path
}

/// A small glass: 500 Wahnstrom atoms at T = 0.28, cooled from the melt, with velocities.
///
/// # Panics
/// If its file is missing, as [`data`].
pub fn small_glass() -> Configuration {
    read("wahn500_T0.28.data.gz")
}

/// An inherent structure of a small glass: 500 Wahnstrom atoms quenched from T = 0.05 with the
/// shifted potential, to forces of about 0.1 in the smooth one.
///
/// # Panics
/// If its file is missing, as [`data`].
pub fn small_inherent_structure() -> Configuration {
    read("wahn500_IS.data.gz")
}

fn read(name: &str) -> Configuration {
    metabasin_files::read_configuration(&data(name)).expect("the sample files are sound")
}

/// What LAMMPS says of a sample, smooth cut.
#[derive(Clone, Debug, Deserialize)]
pub struct LammpsReference {
    /// Potential energy `[energy]`.
    #[serde(rename = "pe_total")]
    pub energy: f64,
    /// Virial part of the pressure tensor, xx, yy, zz, xy, xz, yz: minus the stress
    /// `[energy / length³]`.
    #[serde(rename = "pressure_virial_xx_yy_zz_xy_xz_yz")]
    pub virial_pressure: [f64; 6],
    /// Id of each atom.
    #[serde(rename = "id")]
    pub ids: Vec<u64>,
    /// Force on each atom, in the order of `ids` `[energy / length]`.
    #[serde(rename = "force")]
    pub forces: Vec<Vector3<f64>>,
}

impl LammpsReference {
    /// The force on the atom with this id, if there is one `[energy / length]`.
    pub fn force(&self, id: u64) -> Option<Vector3<f64>> {
        let index = self.ids.iter().position(|&known| known == id)?;
        Some(self.forces[index])
    }
}

/// Reads what LAMMPS says of a sample, `smooth_wahn500_IS_ortho.json.gz` for example.
///
/// # Panics
/// If the file is missing, as [`data`], or is not such a reference.
pub fn lammps_reference(name: &str) -> LammpsReference {
    let file = File::open(data(name)).expect("the path exists");
    serde_json::from_reader(GzDecoder::new(file))
        .unwrap_or_else(|error| panic!("{name} is not a reference: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glass_is_the_one_that_lammps_measured() {
        let glass = small_glass();
        assert_eq!(glass.len(), 500);
        assert_eq!(glass.validate(), Ok(()));
        assert!(glass.velocities.is_some());
        let reference = lammps_reference("smooth_wahn500_T0.28_ortho.json.gz");
        let total: Vector3<f64> = reference.forces.iter().sum();
        assert!(total.norm() < 1e-9);
        assert!(glass.ids.iter().all(|&id| reference.force(id).is_some()));
        assert_eq!(reference.force(501), None);
    }
}
