//! A sample that only its fixed cell keeps stable: its relaxed stiffness is stored as it is, plastic
//! volumes are those of its isotropic average and say so, and the mesoscale model runs on it.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use metabasin_atoms::{Dipole, PlasticVolume};
use metabasin_catalogue::Catalogue;
use metabasin_files::read_series;
use metabasin_testkit::data;
use nalgebra::Matrix6;
use serde_json::Value;
use tempfile::TempDir;

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;
use program::{metabasin, said, text};

/// A catalogue that all tests read and none changes, and what `search` said while it made it.
struct Shared {
    catalogue: PathBuf,
    said: String,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unstable_samples");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let catalogue = folder.join("unstable.sqlite");
    let sample = data("unstable_minimum.extxyz.gz").display().to_string();
    let output = metabasin(&[
        "search",
        &sample,
        "--searches",
        "12",
        "--temperature",
        "0.287",
        "--kernel",
        "portable",
        "-o",
        text(&catalogue),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    Shared {
        catalogue,
        said: said(&output),
    }
});

/// Right values: elastic constants by finite strains and by a dense Hessian, published with the
/// structure in `tests/data/README.md`.
#[test]
fn the_stiffness_is_stored_as_it_is() {
    let catalogue = Catalogue::open_read_only(&SHARED.catalogue).unwrap();
    let stiffness = catalogue.sample().unwrap().stiffness.unwrap();
    let c = Matrix6::from_fn(|a, b| stiffness.0[a][b]);
    let eigenvalues = (c + c.transpose()).scale(0.5).symmetric_eigenvalues();
    assert!((eigenvalues.min() + 0.397).abs() < 2e-3, "{eigenvalues}");
    // Voigt averages by their definition: K = C_iijj / 9, G = (3 C_ijij - C_iijj) / 30.
    let sum = |of: &dyn Fn(usize, usize) -> f64| -> f64 {
        (0..3)
            .flat_map(|i| (0..3).map(move |j| (i, j)))
            .map(|(i, j)| of(i, j))
            .sum()
    };
    let iijj = sum(&|i, j| c[(i, j)]);
    let place = |i: usize, j: usize| match (i.min(j), i.max(j)) {
        (a, b) if a == b => a,
        (0, 1) => 3,
        (0, _) => 4,
        _ => 5,
    };
    let ijij = sum(&|i, j| c[(place(i, j), place(i, j))]);
    let (bulk, shear) = (iijj / 9.0, (3.0 * ijij - iijj) / 30.0);
    assert!((shear - 12.24).abs() < 6e-3, "{shear}");
    assert!((bulk - 46.35).abs() < 6e-3, "{bulk}");
    let average = stiffness.isotropic_average();
    assert!((average.0 - shear).abs() < 1e-9);
    assert!((average.1 - (3.0 * bulk - 2.0 * shear) / (6.0 * bulk + 2.0 * shear)).abs() < 1e-12);
}

#[test]
fn plastic_volumes_are_those_of_the_isotropic_average_and_marked() {
    let catalogue = Catalogue::open_read_only(&SHARED.catalogue).unwrap();
    let (shear, poisson) = catalogue
        .sample()
        .unwrap()
        .stiffness
        .unwrap()
        .isotropic_average();
    let events = catalogue.verified_events().unwrap();
    assert!(!events.is_empty());
    let expected = |dipole: Dipole| -> [f64; 6] {
        let trace: f64 = dipole.0[..3].iter().sum();
        std::array::from_fn(|k| {
            let own = if k < 3 {
                poisson / (1.0 + poisson) * trace
            } else {
                0.0
            };
            (dipole.0[k] - own) / (2.0 * shear)
        })
    };
    for event in &events {
        for (dipole, plastic) in [
            (event.dipole_saddle, event.plastic_saddle),
            (event.dipole_final, event.plastic_final),
        ] {
            let difference = plastic.unwrap() - PlasticVolume(expected(dipole));
            assert!(difference.norm() < 1e-9, "{}", event.id);
        }
    }
    let mark = catalogue.metadata("compliance").unwrap();
    assert_eq!(mark.as_deref(), Some("isotropic_average"));
    let note = "not positive definite";
    assert!(SHARED.said.contains(note) && SHARED.said.contains("isotropic average"));
    let barriers = metabasin(&["barriers", text(&SHARED.catalogue)]);
    assert_eq!(barriers.status.code(), Some(0));
    assert!(said(&barriers).contains(note), "{}", said(&barriers));
}

#[test]
fn the_mesoscale_model_runs_in_the_isotropic_average() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("kmc.ron");
    std::fs::write(
        &config,
        format!(
            "(catalogue: {:?}, stages: [Kmc(rates: [PerSecond(1e9)], unload_rate: PerSecond(1e9), \
             strain: 0.02, pairs: 1, settings: (sites_per_edge: 4, upper_barrier: 20.0)), \
             Compare()])",
            text(&SHARED.catalogue)
        ),
    )
    .unwrap();
    let run = folder.path().join("run");
    let output = metabasin(&["kmc", text(&config), "--out", text(&run), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let medium = &found["results"]["elasticity"];
    assert!(
        (medium[0].as_f64().unwrap() - 12.24).abs() < 6e-3,
        "{medium}"
    );
    // With (3 K - 2 G) / (6 K + 2 G) of 46.35 and 12.24.
    assert!(
        (medium[1].as_f64().unwrap() - 0.3787).abs() < 2e-4,
        "{medium}"
    );
    // While nothing jumps the lattice is elastic: d stress/d strain in xy is G.
    let series = run.join("01-kmc/series/rate-1e9-lattice-1-plus.csv");
    let series = read_series(&series).unwrap();
    let column = |name: &str| series.column(name).unwrap();
    let (stages, events) = (column("stage"), column("events"));
    let (strain, stress) = (column("strain"), column("stress_xy"));
    let slopes: Vec<f64> = (1..stages.len())
        .filter(|&k| stages[k - 1] == 1.0 && stages[k] == 1.0 && events[k - 1] == events[k])
        .map(|k| (stress[k] - stress[k - 1]) / (strain[k] - strain[k - 1]))
        .collect();
    assert!(!slopes.is_empty());
    for slope in slopes {
        assert!((slope - 12.24).abs() < 6e-3, "{slope}");
    }
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("not positive definite"));
}
