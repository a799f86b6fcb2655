//! Files of other programs, and of one species, from the command line to numbers.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use program::{json, metabasin, said, text};

/// A file of the readers' own tests.
fn sample(name: &str) -> String {
    format!(
        "{}/crates/files/tests/data/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

#[test]
fn one_glass_has_one_energy_in_every_spelling() {
    for name in [
        "title_number.data",
        "labels.data",
        "tabs.data",
        "indented.data",
        "three_types.data",
        "labels.dump",
        "pbc_words.xyz",
        "pbc_list.xyz",
        "lattice_commas.xyz",
        "lattice_nested.xyz",
        "lattice_fortran.xyz",
        "atomic_numbers.xyz",
        "byte_order_mark.xyz",
        "ase_of_data.xyz",
    ] {
        let found = json(&["energy", &sample(name), "--cut", "truncated"]);
        // By LAMMPS 22Jul2025, lj/cut 2.5.
        let energy = found["energy"].as_f64().unwrap();
        assert!((energy + 1240.453614).abs() < 1e-6, "{name}: {energy}");
        // Masses 2 and 1 (and 7 of no atom) mean the same kinetic energy.
        if let "three_types.data" | "labels.data" = name {
            let temperature = found["temperature"].as_f64().unwrap();
            assert!((temperature - 0.302479).abs() < 1e-6, "{temperature}");
        }
    }
    let output = metabasin(&["energy", &sample("three_types.data")]);
    assert!(said(&output).contains("mass 2 to type 1"));
}

#[test]
fn a_run_of_one_species_leaves_out_what_needs_two() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.ron");
    let run = folder.path().join("run");
    std::fs::write(
        &config,
        format!(
            "(title: \"one species\", seed: 1, cut: smooth, kernel: portable, \
             time_step: Tau(0.005), sample: {:?}, stages: [FromSample(temperature: Reduced(0.28)), \
             Equilibrate(duration: Tau(30.0), quenches: 2), Compare()])",
            sample("one_type.data")
        ),
    )
    .unwrap();
    let output = metabasin(&["run", text(&config), "--out", text(&run)]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let read = |name: &str| std::fs::read_to_string(run.join(name)).unwrap();
    let found: serde_json::Value =
        serde_json::from_str(&read("02-equilibrate/results.json")).unwrap();
    assert!(found["icosahedral_fraction_of_small"].is_null());
    assert!(found["icosahedral_largest_cluster"].is_f64());
    let report = read("report.html");
    assert!(report.contains("E_IS per atom"));
    assert!(!report.contains("cosahedral share of small atoms"));
    assert!(!report.contains("NaN"));
}
