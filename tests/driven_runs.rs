//! Creep and cycles from a config: the same bits for any number of threads, with baths that draw
//! random numbers.
#![cfg(test)]

use std::path::Path;

use metabasin_pipeline::config::load_text;
use metabasin_pipeline::{Existing, Interrupt, Silent, run};
use metabasin_testkit::data;
use rayon::ThreadPoolBuilder;
use serde_json::Value;

const CONFIG: &str = "(
    kernel: portable,
    time_step: Tau(0.005),
    thermostat: Langevin(time_constant: Tau(0.5)),
    barostat: StochasticCellRescaling(),
    stages: [
        FromSample(temperature: Reduced(0.1)),
        Equilibrate(duration: Tau(8.0), quenches: 2),
        Creep(stresses: [0.3], duration: Tau(8.0), quenches: 2),
        Cycle(amplitude: 0.01, period: Tau(1.5), cycles: 2, copies: 2, quenches: 3),
    ],
)";

fn results(threads: usize, root: &Path) -> [Value; 2] {
    let sample = format!("sample={:?}", data("wahn300_T0.28.extxyz.gz"));
    let loaded = load_text(CONFIG, Path::new("driven.ron"), &[sample]).unwrap();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap()
        .install(|| {
            run(
                "run",
                &loaded,
                root,
                Existing::Refuse,
                &Silent,
                &Interrupt::new(),
            )
        })
        .unwrap();
    ["03-creep", "04-cycle"].map(|stage| {
        let text = std::fs::read_to_string(root.join(stage).join("results.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    })
}

#[test]
fn creep_and_cycles_run_from_a_config() {
    let folder = tempfile::tempdir().unwrap();
    let [creep, cycle] = results(1, &folder.path().join("one"));
    assert_eq!(
        results(2, &folder.path().join("two")),
        [creep.clone(), cycle.clone()]
    );
    // Both signs follow their stress; 300 atoms at T = 0.1: √(kT/GV) is 0.005 of strain, and 0.3/18
    // is 0.017.
    let creep = creep.as_array().unwrap();
    assert_eq!(creep.len(), 2);
    let strain = |k: usize| creep[k]["strain"]["mean"].as_f64().unwrap();
    assert!(strain(0) - strain(1) > 0.01, "{creep:?}");
    // Random numbers are those of the trajectory: no two copies do the same work.
    let work = |k: usize| cycle[k]["work_per_volume"].as_array().unwrap().clone();
    assert_eq!((work(0).len(), work(1).len()), (2, 2));
    assert_ne!(work(0), work(1));
    // A frame every 8 steps of a period of 300, over two periods.
    let series = folder.path().join("one/04-cycle/series/copy-1.csv");
    let rows = std::fs::read_to_string(series).unwrap();
    assert!(rows.lines().count() > 75);
}
