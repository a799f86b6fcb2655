//! Ctrl-C and SIGTERM ask the run to stop at the next safe moment.

use std::sync::atomic::{AtomicBool, Ordering};

use metabasin_pipeline::Interrupt;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The interrupt that signals set.
pub static INTERRUPT: Interrupt = Interrupt::new();

/// Set in a process whose stopping another one reports.
pub static SILENT: AtomicBool = AtomicBool::new(false);

/// Listens for SIGINT and SIGTERM: the first asks the run to stop and keep what it has, the
/// second stops at once (what was written so far still resumes).
pub fn listen() -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if INTERRUPT.is_requested() {
                std::process::exit(130);
            }
            INTERRUPT.request();
            if !SILENT.load(Ordering::Relaxed) {
                crate::output::complain(
                    "stopping at the next safe moment; once more to stop at once",
                );
            }
        }
    });
    Ok(())
}
