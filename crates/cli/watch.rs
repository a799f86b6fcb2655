//! Progress bars with speed and time left, on a terminal; lines now and then otherwise.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use metabasin_pipeline::{Progress, SECONDS_PER_TAU, Work};

use crate::output::span;

/// Between two lines where there is no terminal: a log of a night stays readable.
const LINE_EVERY: Duration = Duration::from_mins(5);
/// Between two updates of the text beside a bar.
const TEXT_EVERY: Duration = Duration::from_millis(500);

/// Shows the progress of a run on stderr.
pub struct Watch {
    quiet: bool,
    terminal: bool,
    current: Mutex<Option<Current>>,
}

/// A stage at work.
struct Current {
    bar: ProgressBar,
    stage: String,
    start: Instant,
    total: u64,
    /// Units done by this call and before it.
    done: u64,
    /// Units done before it, or that turned out not to be needed.
    credited: u64,
    work: Option<Work>,
    shown: Instant,
}

impl Current {
    /// Speed so far and time left, in words; `None` before there is any.
    fn describe(&self) -> Option<String> {
        let seconds = self.start.elapsed().as_secs_f64();
        let speed = (self.done - self.credited) as f64 / seconds;
        if speed.is_nan() || speed <= 0.0 {
            return None;
        }
        let left = span(self.total.saturating_sub(self.done) as f64 / speed);
        Some(match self.work {
            Some(work) => {
                let nanoseconds = speed * work.time_step * SECONDS_PER_TAU * 1e9 * 86_400.0;
                format!(
                    "{speed:.0} steps/s, {:.2} M atom-steps/s, {nanoseconds:.0} ns/day, {left} left",
                    speed * work.atoms as f64 / 1e6
                )
            }
            None => format!("{left} left"),
        })
    }

    fn percent(&self) -> f64 {
        100.0 * self.done as f64 / self.total.max(1) as f64
    }
}

impl Watch {
    /// A bar on a terminal; elsewhere a line every few minutes and at the end of each stage;
    /// nothing where `quiet`.
    pub fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            quiet,
            terminal,
            current: Mutex::new(None),
        }
    }

    fn with_current(&self, act: impl FnOnce(&mut Option<Current>)) {
        if let (false, Ok(mut current)) = (self.quiet, self.current.lock()) {
            act(&mut current);
        }
    }

    fn count(&self, units: u64, credited: u64) {
        self.with_current(|current| {
            let Some(current) = current else { return };
            current.done += units;
            current.credited += credited;
            current.bar.inc(units);
            let every = if self.terminal {
                TEXT_EVERY
            } else {
                LINE_EVERY
            };
            if current.shown.elapsed() < every {
                return;
            }
            current.shown = Instant::now();
            if let Some(text) = current.describe() {
                if self.terminal {
                    current.bar.set_message(text);
                } else {
                    let (stage, percent) = (&current.stage, current.percent());
                    crate::output::complain(&format!("{stage}: {percent:.1} % done, {text}"));
                }
            }
        });
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
                "{prefix:<26} [{bar:20}] {percent:>3} %  {elapsed} elapsed, {msg}",
            );
            if let Ok(style) = style {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(stage.to_owned());
            bar.enable_steady_tick(Duration::from_millis(250));
            let now = Instant::now();
            *current = Some(Current {
                bar,
                stage: stage.to_owned(),
                start: now,
                total,
                done: 0,
                credited: 0,
                work: None,
                shown: now,
            });
        });
    }

    fn work(&self, work: Work) {
        self.with_current(|current| {
            if let Some(current) = current {
                current.work = Some(work);
            }
        });
    }

    fn advance(&self, units: u64) {
        self.count(units, 0);
    }

    fn resume(&self, units: u64) {
        self.count(units, units);
    }

    fn note(&self, message: &str) {
        self.with_current(|current| match current {
            Some(current) => current.bar.suspend(|| crate::output::complain(message)),
            None => crate::output::complain(message),
        });
    }

    fn end(&self) {
        self.with_current(|current| {
            if let Some(current) = current.take() {
                current.bar.finish_and_clear();
                let seconds = current.start.elapsed().as_secs_f64();
                let speed = (current.done - current.credited) as f64 / seconds.max(1e-9);
                let speed = current.work.map_or(String::new(), |work| {
                    let million = speed * work.atoms as f64 / 1e6;
                    format!(", {million:.2} M atom-steps/s")
                });
                let stage = &current.stage;
                crate::output::complain(&format!("{stage:<28} done in {seconds:.1} s{speed}"));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(credited: u64, work: Option<Work>) -> Current {
        Current {
            bar: ProgressBar::hidden(),
            stage: "shear".to_owned(),
            start: Instant::now()
                .checked_sub(Duration::from_secs(100))
                .unwrap(),
            total: 20_000,
            done: 10_000,
            credited,
            work,
            shown: Instant::now(),
        }
    }

    #[test]
    fn speed_is_of_this_call_and_time_left_of_what_remains() {
        let work = Some(Work {
            atoms: 4000,
            time_step: 0.005,
        });
        // 5,000 steps in 100 s; 50 steps of 1.8 fs a second are 7.8 ns a day.
        let text = current(5000, work).describe().unwrap();
        assert_eq!(
            text,
            "50 steps/s, 0.20 M atom-steps/s, 8 ns/day, 3 min left"
        );
        assert_eq!(current(5000, None).describe().unwrap(), "3 min left");
        assert!(current(10_000, work).describe().is_none());
    }
}
