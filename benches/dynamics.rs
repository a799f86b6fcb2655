//! Speed of the production job, constant-rate shear at zero pressure, beside LAMMPS.
//!
//! The same glass, cut, time step and rate; each round runs every contestant once, LAMMPS among
//! them, and what is printed is the median over rounds and the median of the ratios within rounds,
//! with the least and the largest. One thread is timed by the processor time that it took, several
//! by the wall.
//! `cargo bench --bench dynamics -- [ROUNDS [COPIES]] [NAME]`; the glass of 500 atoms is repeated
//! COPIES times along each direction (4: 32,000 atoms), and only contestants whose names begin with
//! NAME run. LAMMPS is the program that `METABASIN_LMP` names,
//! or `lmp` on the path, with its pair style `lj/cut/opt` on one core; without it there are no
//! ratios.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints a table and stops at the first surprise"
)]

#[path = "glass/sample.rs"]
mod glass;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use metabasin_atoms::Configuration;
use metabasin_files::{Overwrite, write_lammps_data};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel, Precision};
use metabasin_md::{Drive, Dynamics, Simulation};

use glass::{median, sample};

const TIME_STEP: f64 = 0.002778;
const TEMPERATURE: f64 = 0.28;
/// 1e8 of a mapped second, 1/τ.
const RATE: f64 = 3.6e-5;
const STEPS: u64 = 500;

/// `avx512 mixed truncated, 1 thread(s)`.
fn name(kernel: Kernel, precision: Precision, cut: Cut, threads: usize) -> String {
    format!("{kernel} {precision} {cut}, {threads} thread(s)")
}

struct Contestant {
    name: String,
    pool: rayon::ThreadPool,
    simulation: Simulation,
    speeds: Vec<f64>,
}

impl Contestant {
    fn new(
        start: &Configuration,
        cut: Cut,
        kernel: Kernel,
        precision: Precision,
        threads: usize,
    ) -> Self {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.unwrap();
        let field = ForceField::new(Arc::new(BinaryLennardJones::wahnstrom(cut)), kernel)
            .with_precision(precision)
            .with_parallel(threads > 1);
        let dynamics =
            Dynamics::zero_pressure(TIME_STEP, TEMPERATURE).with_drive(Drive::Shear { rate: RATE });
        let simulation = pool.install(|| {
            let mut simulation = Simulation::new(start.clone(), field, dynamics).unwrap();
            simulation.advance(200).unwrap();
            simulation.refresh();
            simulation
        });
        Self {
            name: name(kernel, precision, cut, threads),
            pool,
            simulation,
            speeds: Vec::new(),
        }
    }

    fn run(&mut self, atoms: usize) {
        let simulation = &mut self.simulation;
        let (start, used) = (Instant::now(), processor_seconds());
        self.pool.install(|| simulation.advance(STEPS).unwrap());
        let seconds = match (self.pool.current_num_threads(), used, processor_seconds()) {
            (1, Some(before), Some(after)) => after - before,
            _ => start.elapsed().as_secs_f64(),
        };
        self.speeds.push((STEPS * atoms as u64) as f64 / seconds);
    }
}

/// Processor time of this process, to a hundredth of a second; `None` where the system does not tell.
fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The fields behind the name, which may hold anything; ticks are hundredths on Linux.
    let (_, fields) = text.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Option<Vec<f64>> = ticks.map(|field| field.parse().ok()).collect();
    Some(ticks?.iter().sum::<f64>() / 100.0)
}

/// LAMMPS's atom-steps a second of processor time, by its own clock and its share of a processor;
/// `None` where there is no LAMMPS.
fn lammps(folder: &Path, atoms: usize) -> Option<f64> {
    let program = std::env::var("METABASIN_LMP").unwrap_or_else(|_| "lmp".to_owned());
    let output = Command::new(program)
        .args(["-in", "in.shear", "-log", "none"])
        .env("OMP_NUM_THREADS", "1")
        .current_dir(folder)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |marker: &str, field: usize| -> f64 {
        let line = text.lines().rfind(|line| line.contains(marker));
        let line = line.unwrap_or_else(|| panic!("LAMMPS did not finish:\n{text}"));
        let word = line.split_whitespace().nth(field).unwrap();
        word.trim_end_matches('%').parse().unwrap()
    };
    let seconds = number("Loop time of", 3) * number("% CPU use", 0) / 100.0;
    Some((STEPS * atoms as u64) as f64 / seconds)
}

fn script() -> String {
    format!(
        "units lj\natom_style atomic\nread_data glass.data\nchange_box all triclinic\n\
         pair_style lj/cut/opt 2.5\npair_coeff 1 1 1.0 1.0\n\
         pair_coeff 1 2 1.0 0.9166666666666667\npair_coeff 2 2 1.0 0.8333333333333334\n\
         neighbor 0.3 bin\ntimestep {TIME_STEP}\n\
         fix 1 all npt temp {TEMPERATURE} {TEMPERATURE} 0.3 iso 0 0 2.0\n\
         fix 2 all deform 1 xy erate {RATE} remap x\nthermo {STEPS}\n\
         run 200\nrun {STEPS}\n"
    )
}

fn main() {
    // Cargo hands `--bench` on.
    let words = || {
        std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with('-'))
    };
    let numbers: Vec<usize> = words().filter_map(|word| word.parse().ok()).collect();
    let wanted = words().rfind(|word| word.parse::<usize>().is_err());
    let wanted = wanted.unwrap_or_default();
    let rounds = numbers.first().copied().unwrap_or(5);
    let copies = numbers.get(1).copied().unwrap_or(4);
    let glass = sample([copies; 3]);
    let atoms = glass.len();
    let folder = tempfile::tempdir().unwrap();
    write_lammps_data(&folder.path().join("glass.data"), &glass, Overwrite::Allow).unwrap();
    std::fs::write(folder.path().join("in.shear"), script()).unwrap();

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut contestants = Vec::new();
    for cut in [Cut::Truncated, Cut::Smooth] {
        for kernel in [Kernel::Avx512, Kernel::Avx2, Kernel::Portable] {
            for precision in [Precision::Mixed, Precision::Double] {
                let best = kernel == Kernel::detect();
                let both = [1, if best { cores } else { 1 }];
                for &threads in if both[1] > 1 { &both[..] } else { &both[..1] } {
                    let runs = kernel.is_available() && (best || cut == Cut::Truncated);
                    if runs && name(kernel, precision, cut, threads).starts_with(&wanted) {
                        let new = Contestant::new(&glass, cut, kernel, precision, threads);
                        contestants.push(new);
                    }
                }
            }
        }
    }
    let mut reference = Vec::new();
    for _ in 0..rounds {
        reference.extend(lammps(folder.path(), atoms));
        for contestant in &mut contestants {
            contestant.run(atoms);
        }
    }
    println!("{atoms} atoms, NPT + shear, {rounds} rounds of {STEPS} steps; M atom-steps/s");
    if !reference.is_empty() {
        println!(
            "{:<38} {:>7.2}",
            "LAMMPS lj/cut/opt, 1 core",
            median(reference.clone()) / 1e6
        );
    }
    for Contestant { name, speeds, .. } in contestants {
        let ratios = speeds
            .iter()
            .zip(&reference)
            .map(|(own, other)| own / other);
        let ratios: Vec<f64> = ratios.collect();
        let ratio = if ratios.is_empty() {
            String::new()
        } else {
            let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let most = ratios.iter().copied().fold(0.0, f64::max);
            format!("{:>6.2} ({least:.2}-{most:.2}) x LAMMPS", median(ratios))
        };
        println!("{name:<38} {:>7.2} {ratio}", median(speeds) / 1e6);
    }
}
