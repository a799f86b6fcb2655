//! Progress bars with time left, on a terminal; a line a stage otherwise.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use metabasin_pipeline::Progress;

/// Shows the progress of a run on stderr.
pub struct Watch {
    quiet: bool,
    terminal: bool,
    current: Mutex<Option<(ProgressBar, String, Instant)>>,
}

impl Watch {
    /// A bar on a terminal, a line at the end of each stage elsewhere, nothing where `quiet`.
    pub fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            quiet,
            terminal,
            current: Mutex::new(None),
        }
    }

    fn with_current(&self, act: impl FnOnce(&mut Option<(ProgressBar, String, Instant)>)) {
        if let (false, Ok(mut current)) = (self.quiet, self.current.lock()) {
            act(&mut current);
        }
    }
}

impl Progress for Watch {
    fn begin(&self, stage: &str, total: u64) {
        self.with_current(|current| {
            let bar = if self.terminal {
                ProgressBar::new(total)
            } else {
                ProgressBar::hidden()
            };
            let style = ProgressStyle::with_template(
                "{msg:<28} [{bar:30}] {percent:>3} %  {elapsed} elapsed, {eta} left",
            );
            if let Ok(style) = style {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(stage.to_owned());
            bar.enable_steady_tick(std::time::Duration::from_millis(250));
            *current = Some((bar, stage.to_owned(), Instant::now()));
        });
    }

    fn advance(&self, units: u64) {
        self.with_current(|current| {
            if let Some((bar, _, _)) = current {
                bar.inc(units);
            }
        });
    }

    fn note(&self, message: &str) {
        self.with_current(|current| match current {
            Some((bar, _, _)) => bar.suspend(|| crate::output::complain(message)),
            None => crate::output::complain(message),
        });
    }

    fn end(&self) {
        self.with_current(|current| {
            if let Some((bar, stage, start)) = current.take() {
                bar.finish_and_clear();
                let seconds = start.elapsed().as_secs_f64();
                crate::output::complain(&format!("{stage:<28} done in {seconds:.1} s"));
            }
        });
    }
}
