//! The program `metabasin`: verbs, progress and exit codes. Physics and configs live in the
//! library crates.

mod arguments;
mod output;
mod outputs;
mod signals;
mod verbs;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use metabasin_pipeline::PipelineError;
use tracing_subscriber::filter::LevelFilter;

use crate::arguments::Arguments;

/// Exit codes are a contract: 0 done, 1 failed, 2 bad input, 130 interrupted and resumable.
fn exit_code(error: &anyhow::Error) -> u8 {
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<PipelineError>())
        .map_or(1, PipelineError::exit_code)
}

/// What went wrong and why; a cause that its effect names already is not said twice.
fn message(error: &anyhow::Error) -> String {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    message
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    if let Some(threads) = arguments.threads {
        let built = rayon::ThreadPoolBuilder::new()
            .num_threads(usize::from(threads))
            .build_global();
        if let Err(error) = built {
            output::complain(&format!("cannot start {threads} threads: {error}"));
            return ExitCode::FAILURE;
        }
    }
    match verbs::execute(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&message(&error));
            ExitCode::from(exit_code(&error))
        }
    }
}
