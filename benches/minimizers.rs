//! What minimizations cost: every method from the same starts, beside LAMMPS `minimize`.
//!
//! For each family of starts and each method the medians over the starts of force evaluations
//! (Hessian-vector products count as one each) to a largest force of 1e-5 and of 1e-10 and of the
//! seconds of processor time to the latter, how many runs failed to get there with the largest force that they ended
//! at, and the median depth of the minimum below the start with the number of starts whose minimum
//! is that of L-BFGS.
//! `cargo bench --bench minimizers -- [FAMILY]`: only families whose names begin with FAMILY.
//! LAMMPS is the program that `METABASIN_LMP` names, or `lmp` on the path, on one core with the same
//! cut (`lj/smooth`), the largest force as norm and no energy tolerance; without it its rows are
//! missing.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints a table and stops at the first surprise"
)]

#[path = "glass/sample.rs"]
mod glass;
#[path = "minimizers/lammps.rs"]
mod lammps;
#[path = "minimizers/starts.rs"]
mod starts;

use std::sync::OnceLock;
use std::time::Instant;

use metabasin_minimizers::MinimizerKind;

use glass::median;
use starts::{Family, families};

/// One minimization, of whichever program.
struct Run {
    /// Evaluations and products; `None` where the tolerance was not reached.
    evaluations: Option<u64>,
    seconds: f64,
    energy: f64,
    largest_force: f64,
}

/// A method's runs, one a start, to both tolerances.
struct Entry {
    name: String,
    loose: Vec<Run>,
    tight: Vec<Run>,
}

/// Seconds that this thread has been on a processor, by Linux; elsewhere by the clock.
fn processor_seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = text.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || START.get_or_init(Instant::now).elapsed().as_secs_f64(),
        |count| 1e-9 * count,
    )
}

const LOOSE: f64 = 1e-5;
const TIGHT: f64 = 1e-10;
/// The family on which LAMMPS's quickmin runs.
const QUICKMIN: &str = "glass, 500 atoms at T = 0.28";
/// Minima whose energies differ by less are one.
const SAME: f64 = 1e-6;

fn own(family: &Family, kind: MinimizerKind) -> Entry {
    let run = |tolerance: f64| {
        let starts = family.starts.iter();
        let runs = starts.map(|start| {
            let minimizer = kind.build();
            let mut surface = start.surface.clone();
            let begin = processor_seconds();
            let found = minimizer.minimize(&mut surface, &start.x, tolerance);
            Run {
                evaluations: found.converged().then_some(found.force_evaluations()),
                seconds: processor_seconds() - begin,
                energy: found.energy,
                largest_force: found.largest_force,
            }
        });
        runs.collect()
    };
    Entry {
        name: kind.name().to_owned(),
        loose: run(LOOSE),
        tight: run(TIGHT),
    }
}

fn theirs(family: &Family, style: &str) -> Option<Entry> {
    let run = |tolerance: f64| -> Option<Vec<Run>> {
        let starts = family.starts.iter();
        starts
            .map(|start| lammps::minimize(start.atoms.as_ref()?, style, tolerance))
            .collect()
    };
    Some(Entry {
        name: format!("LAMMPS {style}"),
        loose: run(LOOSE)?,
        tight: run(TIGHT)?,
    })
}

/// The median with failures as the largest: `-` where most failed.
fn cost(runs: &[Run]) -> String {
    let cost = |run: &Run| run.evaluations.map_or(f64::INFINITY, |count| count as f64);
    let middle = median(runs.iter().map(cost).collect());
    if middle.is_finite() {
        format!("{middle:.0}")
    } else {
        "-".to_owned()
    }
}

fn row(entry: &Entry, reference: &Entry, before: &[f64]) -> String {
    let tight = &entry.tight;
    let seconds = median(tight.iter().map(|run| run.seconds).collect());
    let failed: Vec<&Run> = tight.iter().filter(|r| r.evaluations.is_none()).collect();
    let worst = failed.iter().map(|run| run.largest_force);
    let worst = worst.fold(0.0, f64::max);
    let failures = match failed.len() {
        0 => "0".to_owned(),
        count => format!("{count} (at {worst:.0e})"),
    };
    let depth = median(
        tight
            .iter()
            .zip(before)
            .map(|(r, b)| r.energy - b)
            .collect(),
    );
    let pairs = tight.iter().zip(&reference.tight);
    let same = pairs.filter(|(one, other)| (one.energy - other.energy).abs() < SAME);
    format!(
        "| {} | {} | {} | {:.4} | {failures} | {depth:.3} | {} of {} |",
        entry.name,
        cost(&entry.loose),
        cost(tight),
        seconds,
        same.count(),
        tight.len(),
    )
}

fn main() {
    // Cargo hands `--bench` on.
    let mut words = std::env::args().skip(1);
    let wanted = words.find(|word| !word.starts_with('-'));
    let wanted = wanted.unwrap_or_default();
    for family in families() {
        if !family.name.starts_with(&wanted) {
            continue;
        }
        let before: Vec<f64> = family.starts.iter().map(starts::energy).collect();
        println!("\n{}, {} starts\n", family.name, family.starts.len());
        println!(
            "| | to 1e-5 | to 1e-10 | seconds | failed | energy gained | minimum of L-BFGS |\n\
             |---|---|---|---|---|---|---|"
        );
        let reference = own(&family, MinimizerKind::Lbfgs);
        println!("{}", row(&reference, &reference, &before));
        for kind in MinimizerKind::ALL {
            if kind != MinimizerKind::Lbfgs {
                println!("{}", row(&own(&family, kind), &reference, &before));
            }
        }
        for style in ["cg", "hftn", "fire", "quickmin"] {
            // Twenty times as dear as the others: one family shows it.
            if style == "quickmin" && !family.name.starts_with(QUICKMIN) {
                continue;
            }
            if let Some(entry) = theirs(&family, style) {
                println!("{}", row(&entry, &reference, &before));
            }
        }
    }
}
