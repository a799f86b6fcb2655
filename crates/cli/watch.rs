//! Progress bars with speed and time left, on a terminal; lines now and then otherwise. Where work
//! will last, a line says about how long as soon as its first part shows it.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use metabasin_pipeline::{Progress, SECONDS_PER_TAU, Work};

use crate::output::span;

/// Between two lines where there is no terminal: a log of a night stays readable.
const LINE_EVERY: Duration = Duration::from_mins(5);
/// From so much work on it is said how long the rest will last `[s]`.
const SOON: f64 = 1.0;
/// Work that lasts less needs no word `[s]`.
const LONG: f64 = 5.0;
/// Between two updates of the text beside a bar.
const TEXT_EVERY: Duration = Duration::from_millis(500);

/// Shows the progress of a run on stderr.
pub struct Watch {
    quiet: bool,
    terminal: bool,
    current: Mutex<Option<Current>>,
    /// Whether it was said of the whole how long it will last: then not of every stage.
    foretold: AtomicBool,
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
    /// Whether it was said how long it will last, or found not worth a word.
    foretold: bool,
}

impl Current {
    /// How long the work will last if the rest goes like its first part; `None` before there is
    /// such a part, after it was said, and for what is soon over.
    fn foretell(&mut self) -> Option<String> {
        let seconds = self.start.elapsed().as_secs_f64();
        let done = self.done - self.credited;
        let total = self.total.saturating_sub(self.credited).max(done);
        if self.foretold || seconds < SOON || done == 0 {
            return None;
        }
        self.foretold = true;
        let whole = seconds * (total as f64 / done as f64);
        (whole >= LONG).then(|| {
            let (stage, whole) = (&self.stage, span(whole));
            let part = if self.work.is_some() {
                format!("{:.1} %", 100.0 * done as f64 / total as f64)
            } else {
                format!("{done} of {total}")
            };
            format!("{stage}: about {whole}, if all goes like the first {part}")
        })
    }

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
            foretold: AtomicBool::new(false),
        }
    }

    /// Says nothing of how long single stages will last: it was said of all of them.
    pub fn foretold(&self) {
        self.foretold.store(true, Ordering::Relaxed);
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
            if let Some(text) = current.foretell() {
                current.bar.suspend(|| crate::output::complain(&text));
            }
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
                foretold: self.foretold.load(Ordering::Relaxed),
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
            foretold: false,
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

    #[test]
    fn what_will_last_is_foretold_once_from_its_first_part() {
        let mut searches = current(0, None);
        searches.stage = "saddle searches".to_owned();
        (searches.done, searches.total) = (2, 10);
        assert_eq!(
            searches.foretell().unwrap(),
            "saddle searches: about 8 min, if all goes like the first 2 of 10"
        );
        assert_eq!(searches.foretell(), None);
        // What an earlier call did took none of these seconds.
        let mut resumed = current(8000, None);
        assert!(resumed.foretell().unwrap().contains("about 10 min"));
        let work = Some(Work {
            atoms: 4000,
            time_step: 0.005,
        });
        assert!(current(0, work).foretell().unwrap().ends_with("50.0 %"));
        // Nothing is done yet; nothing is known yet; soon over.
        assert_eq!(current(10_000, None).foretell(), None);
        let mut begun = current(0, None);
        begun.start = Instant::now();
        assert_eq!(begun.foretell(), None);
        assert!(!begun.foretold);
        begun.start = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        assert_eq!(begun.foretell(), None);
        assert!(begun.foretold);
    }
}
