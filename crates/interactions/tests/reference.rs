//! Energies, forces and stresses against LAMMPS 22Jul2025 (`lj/cut`, `lj/smooth 2.3 2.5`).
#![cfg(test)]

use std::fs::File;
use std::sync::Arc;

use flate2::read::GzDecoder;
use metabasin_atoms::{Cell, Configuration, Species, Stress};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use nalgebra::Vector3;
use serde_json::Value;

fn load(name: &str) -> Value {
    let path = format!("{}/../../tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_reader(GzDecoder::new(file)).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

fn vectors(value: &Value) -> Vec<Vector3<f64>> {
    let rows = value.as_array().unwrap().iter();
    rows.map(|row| Vector3::from_vec(numbers(row))).collect()
}

/// The per-atom table, wherever the file keeps it.
fn atoms(file: &Value) -> &Value {
    if file["per_atom"].is_object() {
        &file["per_atom"]
    } else {
        file
    }
}

fn configuration(file: &Value) -> Configuration {
    let lengths: [f64; 3] = if file["lx"].is_number() {
        ["lx", "ly", "lz"].map(|key| file[key].as_f64().unwrap())
    } else {
        let (low, high) = (numbers(&file["boxlo"]), numbers(&file["boxhi"]));
        std::array::from_fn(|k| high[k] - low[k])
    };
    let xy = file["xy"].as_f64().unwrap();
    let table = atoms(file);
    let whole = |key: &str| -> Vec<u64> {
        let numbers = table[key].as_array().unwrap().iter();
        numbers.map(|number| number.as_u64().unwrap()).collect()
    };
    let configuration = Configuration {
        cell: Cell::new([lengths[0], lengths[1], lengths[2], xy, 0.0, 0.0]).unwrap(),
        positions: vectors(&table["pos"]),
        velocities: None,
        species: whole("type")
            .iter()
            .map(|&number| Species(number as u8 - 1))
            .collect(),
        ids: whole("id"),
        masses: vec![1.0, 0.5],
        names: None,
    };
    configuration.validate().unwrap();
    configuration
}

fn kernels() -> impl Iterator<Item = Kernel> {
    [Kernel::Portable, Kernel::Avx2, Kernel::Avx512]
        .into_iter()
        .filter(|kernel| kernel.is_available())
}

/// Compares everything that a file tells; `energy` and `per_atom` are the keys of this cut.
fn compare(name: &str, cut: Cut, energy: &str, per_atom: Option<&str>) {
    let file = load(name);
    let sample = configuration(&file);
    let (cell, positions, species) = (&sample.cell, &sample.positions, &sample.species);
    let count = sample.len() as f64;
    for kernel in kernels() {
        let mut field = ForceField::new(Arc::new(BinaryLennardJones::wahnstrom(cut)), kernel);
        field.check(&sample).unwrap();
        let mut forces = vec![Vector3::zeros(); sample.len()];
        let found = field.evaluate(cell, positions, species, &mut forces);
        let expected = file[energy].as_f64().unwrap();
        assert!(
            (found.energy - expected).abs() < 1e-12 * count,
            "{name} {cut} {kernel}: energy {} for {expected}",
            found.energy
        );
        for (i, (force, expected)) in forces
            .iter()
            .zip(vectors(&atoms(&file)["force"]))
            .enumerate()
        {
            for k in 0..3 {
                assert!(
                    (force[k] - expected[k]).abs() < 1e-10 * expected[k].abs().max(1.0),
                    "{name} {cut} {kernel}: force on atom {i} is {force} for {expected}"
                );
            }
        }
        let pressure = numbers(&file["pressure_virial_xx_yy_zz_xy_xz_yz"]);
        for (k, pressure) in pressure.iter().enumerate() {
            assert!(
                (found.virial_stress.0[k] + pressure).abs() < 1e-10 * pressure.abs().max(1.0),
                "{name} {cut} {kernel}: stress {k} is {} for {}",
                found.virial_stress.0[k],
                -pressure
            );
        }
        if let Some(key) = per_atom {
            let found = field.per_atom(cell, positions, species);
            for (energy, expected) in found.energy.iter().zip(numbers(&atoms(&file)[key])) {
                assert!((energy - expected).abs() < 1e-12 * expected.abs().max(1.0) * 10.0);
            }
            // LAMMPS reports stress times volume of each atom.
            let expected = &atoms(&file)["stress_atom_virial_xx_yy_zz_xy_xz_yz"];
            let atom_volume = cell.volume() / count;
            for (stress, expected) in found.stress.iter().zip(expected.as_array().unwrap()) {
                let expected = Stress(numbers(expected).try_into().unwrap());
                let difference = (*stress * atom_volume - expected).norm();
                assert!(difference < 1e-10 * expected.norm().max(1.0));
            }
        }
    }
}

#[test]
fn smooth_as_lammps_lj_smooth() {
    for name in [
        "smooth_wahn500_IS_ortho.json.gz",
        "smooth_wahn500_IS_xy0.05.json.gz",
        "smooth_wahn500_T0.28_ortho.json.gz",
        "smooth_wahn500_T0.28_xy0.05.json.gz",
    ] {
        compare(name, Cut::Smooth, "pe_total", None);
    }
}

#[test]
fn truncated_and_shifted_as_lammps_lj_cut() {
    for name in [
        "wahn500_IS_ortho.json.gz",
        "wahn500_IS_xy0.05.json.gz",
        "wahn500_T_ortho.json.gz",
        "wahn500_T_xy0.05.json.gz",
        "wahn4000_T_xy0.05.json.gz",
    ] {
        compare(
            name,
            Cut::Truncated,
            "pe_total_truncated_unshifted",
            Some("pe_atom"),
        );
        compare(
            name,
            Cut::Shifted,
            "pe_total_shifted",
            Some("pe_atom_shifted"),
        );
    }
}
