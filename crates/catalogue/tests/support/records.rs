//! A sample, events and searches to store, and a catalogue to store them in.

use std::path::PathBuf;

use metabasin_atoms::{Dipole, PlasticVolume, Stiffness, Stress};
use metabasin_catalogue::{
    Catalogue, DisplacementField, EvaluationCounts, EventRecord, SampleRecord, SearchRecord,
};

pub fn sample() -> SampleRecord {
    SampleRecord {
        fingerprint: "00ff00ff00ff00ff".into(),
        source: "structures/minimum.extxyz".into(),
        potential: "wahnstrom".into(),
        cut: "smooth".into(),
        cell: [7.0, 7.5, 8.0, 0.1, -0.2, 0.3],
        positions: vec![[0.1, 0.2, 0.3], [1.0 / 3.0, -2.5, 7.0]],
        species: vec![1, 2],
        ids: vec![u64::MAX, 7],
        masses: vec![1.0, 0.5],
        energy: -12.5,
        largest_force: 3e-9,
        temperature: Some(0.28),
        stress_minimum: Stress([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        stress_thermal: None,
        stiffness: Some(Stiffness::isotropic(17.0, 0.36)),
        attempt_frequency: 1.5,
        attempt_frequency_band: 3.0,
        settings: "{\"push\":0.1}".into(),
        seed: u64::MAX - 1,
    }
}

pub fn event(barrier: f64) -> EventRecord {
    EventRecord {
        id: 0,
        first_search: 0,
        barrier_forward: barrier,
        barrier_reverse: 0.5 * barrier,
        energy_minimum: -12.5,
        energy_saddle: -12.5 + barrier,
        energy_final: -12.5 + 0.5 * barrier,
        lowest_eigenvalue: -4.0,
        dipole_saddle: Dipole([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        dipole_final: Dipole([-1.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        plastic_saddle: Some(PlasticVolume([0.0, 0.0, 0.0, 0.25, 0.0, 0.0])),
        plastic_final: None,
        prefactor_forward: None,
        prefactor_reverse: Some(0.7),
        center: [1.0, 2.0, 3.0],
        participation: 4.5,
        largest_displacement: 0.7,
        species: 2,
        structure_class: Some("other".into()),
        largest_force_saddle: 1e-9,
        converged: true,
        index: 1,
        index_method: "inertia".into(),
        connected: true,
        hits: 0,
        evaluations: EvaluationCounts {
            basin: 1,
            lowest_mode: 2,
            climb: 3,
            descent: 4,
            verification: 5,
        },
        displacement_saddle: DisplacementField {
            atoms: vec![0, 1],
            displacements: vec![[0.1, 0.2, 0.3], [-0.1, 1.0 / 3.0, 0.0]],
            rest_norm: 1e-3,
        },
        displacement_final: DisplacementField::default(),
        barrier_core: Some(0.75),
        core_atoms: Some(9),
    }
}

pub fn search(index: u64) -> SearchRecord {
    SearchRecord {
        index,
        center_atom: 1,
        outcome: "connected".into(),
        detail: None,
        event: None,
        evaluations: EvaluationCounts::default(),
        seconds: 0.25,
    }
}

pub fn fresh() -> (tempfile::TempDir, PathBuf, Catalogue) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let catalogue = Catalogue::create(&path, &sample()).unwrap();
    (folder, path, catalogue)
}
