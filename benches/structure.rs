//! Speed of the structure room: what `analyze` finds beside the tessellation alone, one thread.
//!
//! The glass of 500 atoms, repeated COPIES times along each direction (4: 32,000 atoms) and sheared by 0.1, beside a
//! reference from which each atom moved by up to 0.1 and one in fifty by 0.7. Each round runs every contestant once, in
//! turn; printed are medians of processor time. `cargo bench --bench structure -- [ROUNDS [COPIES]] [--write FOLDER]`;
//! `--write` leaves both structures there for other programs, such as `benches/structure/ovito_motion.py`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints a table and stops at the first surprise"
)]

#[path = "glass/sample.rs"]
mod glass;

use std::hint::black_box;
use std::path::{Path, PathBuf};

use metabasin_atoms::{Configuration, Interrupt, Purpose, random_stream};
use metabasin_files::{Overwrite, write_extxyz};
use metabasin_interactions::Cut;
use metabasin_pipeline::{
    AnalysisRequest, EarlierStructure, KernelChoice, Radii, Sample, Thresholds, analyze,
};
use metabasin_structure::{BondTopology, d2min, tessellate};
use nalgebra::Vector3;
use rand::RngExt;

use glass::{median, sample};

/// Processor seconds of this process so far, user and system, by Linux's clock of 100 ticks a second.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |k: usize| fields[k].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// The structure, the reference, and the displacements between the two.
fn pair(copies: usize) -> (Configuration, Configuration, Vec<Vector3<f64>>) {
    let mut reference = sample([copies; 3]);
    reference.velocities = None;
    let mut now = reference.sheared(0.1);
    let mut random = random_stream(1, Purpose::Test, 0, 0);
    let mut moves = Vec::new();
    for position in &mut now.positions {
        let far = if random.random_range(0..50) == 0 {
            0.7
        } else {
            0.1
        };
        let moved = Vector3::from_fn(|_, _| random.random_range(-far..far));
        *position += moved;
        moves.push(moved);
    }
    (now, reference, moves)
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let number = |k: usize| arguments.get(k).and_then(|a| a.parse::<usize>().ok());
    let (rounds, copies) = (number(0).unwrap_or(5), number(1).unwrap_or(4));
    let (now, reference, moves) = pair(copies);
    if let Some(k) = arguments.iter().position(|a| a == "--write") {
        let folder = PathBuf::from(&arguments[k + 1]);
        for (name, structure) in [("now.extxyz", &now), ("reference.extxyz", &reference)] {
            write_extxyz(&folder.join(name), &[structure.into()], Overwrite::Allow).unwrap();
        }
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let (radii, thresholds) = (Radii::half_sigma(), Thresholds::default());
    let tessellation = tessellate(&now, &radii, &thresholds).unwrap();
    let given = Sample {
        configuration: now.clone(),
        notes: Vec::new(),
    };
    let analyzed = |with_reference: bool| {
        let request = AnalysisRequest {
            forces: (Cut::Smooth, KernelChoice::Auto),
            radii: &radii,
            thresholds: &thresholds,
            shear_modulus: None,
            moduli: None,
            reference: with_reference.then_some(EarlierStructure {
                configuration: &reference,
                mover_threshold: 0.6,
                d2min_cutoff: 1.5,
                tail: None,
            }),
            per_atom: None::<&Path>,
            disclinations: None,
            picture: false,
            overwrite: Overwrite::Refuse,
        };
        black_box(analyze(&given, &request, &Interrupt::new()).unwrap());
    };
    let contestants: [(&str, &(dyn Fn() + Sync)); 5] = [
        ("tessellation", &|| {
            black_box(tessellate(&now, &radii, &thresholds).unwrap());
        }),
        ("bond orders, both steps", &|| {
            black_box(BondTopology::new(&tessellation, &now).unwrap());
        }),
        ("D2min", &|| {
            let before = (&reference.cell, reference.positions.as_slice());
            black_box(d2min(before, (&now.cell, &moves), 1.5).unwrap());
        }),
        ("analyze", &|| analyzed(false)),
        ("analyze --reference", &|| analyzed(true)),
    ];
    let mut seconds = vec![Vec::new(); contestants.len()];
    for _ in 0..rounds {
        for ((_, run), seconds) in contestants.iter().zip(&mut seconds) {
            let start = processor_seconds();
            pool.install(run);
            seconds.push(processor_seconds() - start);
        }
    }
    let medians: Vec<f64> = seconds.into_iter().map(median).collect();
    println!(
        "{} atoms, one thread, medians of {rounds} rounds",
        now.len()
    );
    for ((name, _), seconds) in contestants.iter().zip(&medians) {
        println!(
            "{name:<24} {seconds:7.3} s  {:8.1} k atoms/s  {:5.2} tessellations",
            now.len() as f64 / seconds / 1e3,
            seconds / medians[0]
        );
    }
}
