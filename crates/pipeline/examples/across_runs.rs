//! Means over samples: `cargo run --release -p metabasin-pipeline --example across_runs -- RUN...`
//!
//! Each RUN is the folder of a finished run, one config with seeds of their own, as
//!
//! ```text
//! for seed in 1 2 3 4 5 6 7 8; do metabasin demo --seed $seed --out demo-$seed; done
//! ```
//!
//! makes them. Prints a CSV: mean, standard error over samples and 95 % interval (Student's t) of the
//! shear modulus, the residual and the recovered strain, by method and rate.
#![expect(clippy::print_stdout, reason = "its output")]

use std::path::PathBuf;
use std::process::ExitCode;

use metabasin_pipeline::across_runs;

fn main() -> ExitCode {
    let folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match across_runs(&folders) {
        Ok(found) => {
            print!("{}", found.to_csv());
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
