//! One structure, one evaluation: the verb `energy`.

use std::path::Path;

use metabasin_atoms::{Configuration, Stress};
use metabasin_files::{Overwrite, write_atomic};
use metabasin_interactions::{Cut, ForceField};
use nalgebra::Vector3;
use serde::Serialize;

use crate::config::KernelChoice;
use crate::memory::{of_structure, require_for};
use crate::sample::{Sample, force_field};
use crate::structure_file::Written;
use crate::{PipelineError, csv};

/// What `energy` reports; reduced units, stress tension positive.
#[derive(Clone, Debug, Serialize)]
pub struct SinglePoint {
    /// Number of atoms.
    pub atoms: usize,
    /// Cut mode.
    pub cut: Cut,
    /// Potential energy.
    pub energy: f64,
    /// The same per atom.
    pub energy_per_atom: f64,
    /// Virial part of the stress: xx, yy, zz, xy, xz, yz.
    pub virial_stress: Stress,
    /// Stress with the kinetic part, where the sample has velocities.
    pub stress: Stress,
    /// Pressure −tr(stress)/3.
    pub pressure: f64,
    /// Largest norm of a force on an atom.
    pub max_force: f64,
    /// Volume of the cell.
    pub volume: f64,
    /// Atoms per volume.
    pub density: f64,
    /// k_B T of the velocities, where there are any.
    pub temperature: Option<f64>,
}

/// Kinetic part of the stress, −Σ m v v / V, and k_B T = Σ m v² / (3N − 3).
fn kinetic(configuration: &Configuration) -> (Stress, Option<f64>) {
    let Some(velocities) = &configuration.velocities else {
        return (Stress::ZERO, None);
    };
    let mut stress = Stress::ZERO;
    for (i, v) in velocities.iter().enumerate() {
        let products = [
            v.x * v.x,
            v.y * v.y,
            v.z * v.z,
            v.x * v.y,
            v.x * v.z,
            v.y * v.z,
        ];
        stress -= Stress(products) * configuration.mass(i);
    }
    let degrees_of_freedom = (3 * configuration.len()).saturating_sub(3).max(1);
    let temperature = (0.0 - stress.trace()) / degrees_of_freedom as f64;
    (
        stress * configuration.cell.volume().recip(),
        Some(temperature),
    )
}

/// Energy, stress and largest force of a sample; `per_atom` also writes them atom by atom.
///
/// # Errors
/// A sample for which the machine has not the memory.
pub fn single_point(
    sample: &Sample,
    cut: Cut,
    kernel: KernelChoice,
    per_atom: Option<(&Path, Overwrite)>,
) -> Result<(SinglePoint, Written), PipelineError> {
    let configuration = &sample.configuration;
    let atoms = configuration.len();
    require_for(
        "energy",
        atoms,
        of_structure(atoms),
        "take a smaller sample",
    )?;
    let mut forces = vec![Vector3::zeros(); atoms];
    let mut field: ForceField = force_field(cut, kernel);
    let (cell, positions) = (&configuration.cell, &configuration.positions);
    let evaluation = field.evaluate(cell, positions, &configuration.species, &mut forces);
    let (kinetic_stress, temperature) = kinetic(configuration);
    let stress = evaluation.virial_stress + kinetic_stress;
    let write = |(path, overwrite): (&Path, Overwrite)| {
        let mut field = force_field(cut, kernel);
        let parts = field.per_atom(cell, positions, &configuration.species);
        write_atomic(path, overwrite, |writer| {
            csv::comment(
                writer,
                &format!("per-atom energy, force and stress; cut {cut}"),
            )?;
            writeln!(writer, "id,species,energy,fx,fy,fz,sxx,syy,szz,sxy,sxz,syz")?;
            for (i, force) in forces.iter().enumerate() {
                let (id, species) = (configuration.ids[i], configuration.species[i].number());
                let numbers: Vec<f64> = std::iter::once(parts.energy[i])
                    .chain(force.iter().copied())
                    .chain(parts.stress[i].0)
                    .collect();
                writeln!(writer, "{id},{species},{}", csv::numbers(&numbers))?;
            }
            Ok(())
        })?;
        Ok(())
    };
    let point = SinglePoint {
        atoms: configuration.len(),
        cut,
        energy: evaluation.energy,
        energy_per_atom: evaluation.energy / configuration.len() as f64,
        virial_stress: evaluation.virial_stress,
        stress,
        pressure: stress.pressure(),
        max_force: forces.iter().map(Vector3::norm).fold(0.0, f64::max),
        volume: cell.volume(),
        density: configuration.density(),
        temperature,
    };
    Ok((point, per_atom.map_or(Ok(()), write)))
}
