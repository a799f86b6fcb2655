//! Ctrl-C and SIGTERM ask the run to stop at the next safe moment, and end it soon where none comes.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use metabasin_pipeline::Interrupt;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The interrupt that signals set.
pub static INTERRUPT: LazyLock<Interrupt> = LazyLock::new(Interrupt::new);

/// Set in a process whose stopping another one reports.
pub static SILENT: AtomicBool = AtomicBool::new(false);

/// How long a run may take to find a safe moment. What it has not written by then it would lose to a
/// kill, too, and does again when it is resumed.
const GRACE: Duration = Duration::from_millis(800);
/// How long it may take to save what it has.
const LONGEST_SAVING: Duration = Duration::from_mins(1);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Listens for SIGINT and SIGTERM: the first asks the run to stop and keep what it has, and ends it
/// where it does not stop within [`GRACE`]; the second stops at once. Either way what was written so
/// far still resumes, as after a kill.
pub fn listen() -> std::io::Result<()> {
    let interrupt: &'static Interrupt = &INTERRUPT;
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if interrupt.is_requested() {
                std::process::exit(130);
            }
            interrupt.request();
            say("stopping at the next safe moment; once more to stop at once");
            std::thread::spawn(end_soon);
        }
    });
    Ok(())
}

/// Ends the process unless that ends itself in time.
fn end_soon() {
    let asked = Instant::now();
    while asked.elapsed() < GRACE || (INTERRUPT.is_saving() && asked.elapsed() < LONGEST_SAVING) {
        std::thread::sleep(LOOK);
    }
    say(
        "stopped: what was written so far is kept, as after a kill; a verb with --resume goes on from there",
    );
    std::process::exit(130);
}

fn say(message: &str) {
    if !SILENT.load(Ordering::Relaxed) {
        crate::output::complain(message);
    }
}
