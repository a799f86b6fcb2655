//! The direct check of a catalogue's rates: how soon molecular dynamics leaves the minimum. The verb
//! `escape`.
//!
//! [`clock`] follows one trajectory and keeps recrossings apart, [`trajectory`] is the dynamics with
//! its regular quenches, [`crate::poisson`] puts error bars on counts; this file lays the counts beside the
//! catalogue's sum of rates ([`RateSum`]).

mod clock;
mod trajectory;

use std::path::{Path, PathBuf};
use std::time::Instant;

use metabasin_catalogue::{Catalogue, EventRecord, RateSum, SampleRecord};
use metabasin_files::{Overwrite, write_atomic};
use serde::Serialize;

use crate::config::KernelChoice;
use crate::journal::{Kept, beside};
use crate::prefactors::rebuilder;
use crate::{Interrupt, PipelineError, Progress, csv, poisson};
use clock::{Escape, Patience, Place, follow};
pub(crate) use trajectory::{Setting, Trajectory, TrajectorySettings, interrupted};

/// Summed lasting rates above this, an attempt period, are not rates of a rare event.
const RARE: f64 = 0.01;
/// Rates an attempt period at which temperatures are chosen where none are given.
const CHOSEN: [f64; 3] = [0.01, 0.005, 0.0025];
/// A return within so many attempt periods is a recrossing.
const LASTING_PERIODS: u64 = 10;
/// Attempt periods of equilibration before the clock starts.
const SETTLING_PERIODS: u64 = 10;
/// A trajectory is given up after so many mean lifetimes by the catalogue.
const LIFETIMES: f64 = 5.0;

/// What is asked.
#[derive(Clone, Debug, Serialize)]
pub struct EscapeRequest {
    /// Temperatures k_B T `[energy]`; none: three at which the catalogue's sum of lasting rates is
    /// 0.01, 0.005 and 0.0025 an attempt period.
    pub temperatures: Vec<f64>,
    /// Trajectories at each temperature.
    pub trajectories: usize,
    /// Relaxation time of the Langevin thermostat `[τ]`: long against the period of the unstable
    /// mode, or friction slows the escape below transition state theory (Kramers, Physica 7, 284
    /// (1940)).
    pub friction_time: f64,
    /// Time step `[τ]`.
    pub time_step: f64,
    /// Attempt periods between two quenches.
    pub interval: f64,
    /// Seed.
    pub seed: u64,
    /// Force kernel.
    pub kernel: KernelChoice,
}

impl Default for EscapeRequest {
    fn default() -> Self {
        Self {
            temperatures: Vec::new(),
            trajectories: 24,
            friction_time: 5.0,
            time_step: 0.002778,
            interval: 1.0,
            seed: 1,
            kernel: KernelChoice::default(),
        }
    }
}

/// One temperature.
#[derive(Clone, Debug, Serialize)]
pub struct EscapeRow {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Trajectories that settled in the minimum.
    pub trajectories: usize,
    /// Trajectories that left it before the clock started; they count nowhere.
    pub unsettled: usize,
    /// Lasting escapes.
    pub escapes: u64,
    /// Of them, those to a final minimum of the catalogue.
    pub known: u64,
    /// Excursions that came back within ten attempt periods.
    pub recrossings: u64,
    /// Time at risk, all trajectories together `[τ]`.
    pub exposure: f64,
    /// Lasting escapes a time `[1/τ]`.
    pub md: f64,
    /// Its limits at one standard deviation `[1/τ]`.
    pub md_low: f64,
    /// Upper one.
    pub md_high: f64,
    /// Its limits at two standard deviations `[1/τ]`.
    pub md_low_2: f64,
    /// Upper one.
    pub md_high_2: f64,
    /// The catalogue's sum at this temperature.
    pub catalogue: RateSum,
    /// The sum of its lasting rates, divided by the coverage of its window `[1/τ]`.
    pub corrected: Option<f64>,
    /// The declared ν₀'s sum divided and multiplied by its band `[1/τ]`.
    pub declared_low: f64,
    /// Upper one.
    pub declared_high: f64,
    /// The catalogue's sum of lasting rates an attempt period: a rate only where it is small. Jumps
    /// that go straight back are left out: minima behind barriers of less than k_B T and this one
    /// are one basin.
    pub rate_per_period: f64,
    /// Whether it is small enough, 0.01.
    pub rare: bool,
    /// Whether the dynamics at two standard deviations meets the catalogue, from the sum as it is to
    /// the sum corrected by coverage.
    pub agrees: bool,
    /// Whether it meets the declared band.
    pub within_band: bool,
}

/// What `escape` reports.
#[derive(Clone, Debug, Serialize)]
pub struct EscapeTest {
    /// 1/ν₀ `[τ]`.
    pub attempt_period: f64,
    /// Time between two quenches `[τ]`.
    pub interval: f64,
    /// Time after which an escape lasts `[τ]`.
    pub lasting_time: f64,
    /// Relaxation time of the thermostat `[τ]`.
    pub friction_time: f64,
    /// Atoms within this of their places count as home, the largest displacement `[length]`.
    pub home_distance: f64,
    /// One row a temperature, hot to cold.
    pub rows: Vec<EscapeRow>,
    /// Rows in which the event is rare and dynamics and catalogue agree.
    pub agreeing: usize,
    /// Rows in which the event is rare and a trajectory was at risk.
    pub tested: usize,
    /// Wall seconds.
    pub seconds: f64,
}

impl EscapeTest {
    /// Agreement or its absence in words.
    pub fn verdict(&self) -> String {
        let Self {
            agreeing, tested, ..
        } = self;
        match (*agreeing, *tested) {
            (_, 0) => {
                "nothing tested: at no temperature is the summed rate rare and does a trajectory stay \
                 in the minimum while it equilibrates"
                    .to_owned()
            }
            (a, t) if a == t => format!(
                "agreement: at all {t} temperatures the dynamics meets the catalogue's sum within two \
                 standard deviations"
            ),
            (0, t) => format!(
                "no agreement: at none of {t} temperatures does the dynamics meet the catalogue's sum \
                 within two standard deviations"
            ),
            (a, t) => {
                format!("agreement at {a} of {t} temperatures only, within two standard deviations")
            }
        }
    }
}

pub(crate) fn positive(name: &str, value: f64) -> Result<(), PipelineError> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(PipelineError::BadInput(format!(
        "{name} must be positive and finite, got {value}"
    )))
}

/// A time that must be `least` to 1e9 times a shorter one.
pub(crate) fn many_times(
    name: &str,
    longer: f64,
    (shorter, least): (f64, f64),
) -> Result<(), PipelineError> {
    if longer >= least * shorter && longer / shorter <= 1e9 {
        return Ok(());
    }
    Err(PipelineError::BadInput(format!(
        "{name} must be {least} to 1e9 times {shorter}, got {longer}"
    )))
}

/// Steps between two quenches at most: at a usual time step they are about a hundred.
const MOST_STEPS: f64 = 1e6;

fn check(request: &EscapeRequest, period: f64) -> Result<(), PipelineError> {
    positive("--friction-time", request.friction_time)?;
    positive("--time-step", request.time_step)?;
    positive("--interval", request.interval)?;
    for &temperature in &request.temperatures {
        positive("--temperatures", temperature)?;
    }
    if request.interval > 0.5 * LASTING_PERIODS as f64 {
        return Err(PipelineError::BadInput(format!(
            "--interval must be at most {} attempt periods, or recrossings are not seen, got {}",
            0.5 * LASTING_PERIODS as f64,
            request.interval
        )));
    }
    let steps = request.interval * period / request.time_step;
    if steps > MOST_STEPS {
        return Err(PipelineError::BadInput(format!(
            "--time-step {:e} makes {steps:.1e} steps between two quenches, more than {MOST_STEPS:.0e}: \
             0.002778 is the usual one",
            request.time_step
        )));
    }
    if request.trajectories == 0 {
        return Err(PipelineError::BadInput(
            "--trajectories must be at least 1".to_owned(),
        ));
    }
    Ok(())
}

/// The temperature at which the catalogue's sum of lasting rates is `rate` `[1/τ]`, by bisection of its logarithm.
fn temperature_of(events: &[EventRecord], sample: &SampleRecord, rate: f64) -> Option<f64> {
    let lasting_time = LASTING_PERIODS as f64 / sample.attempt_frequency;
    let above =
        |temperature: f64| RateSum::at(events, sample, temperature, lasting_time).lasting > rate;
    let (mut low, mut high) = (1e-5_f64, 10.0_f64);
    if above(low) || !above(high) {
        return None;
    }
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if above(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some((low * high).sqrt())
}

/// What trajectories follow from, besides their number: those of the same are the same, to the bit.
#[derive(Serialize)]
struct EscapeIdentity<'a> {
    version: &'a str,
    /// Fingerprint of the minimum.
    minimum: &'a str,
    kernel: String,
    request: &'a EscapeRequest,
    /// How many final minima are known.
    events: usize,
    /// How long is waited depends on the catalogue's rates.
    sums: &'a [RateSum],
}

/// The file beside a catalogue that holds the trajectories of a test that is not finished.
pub(crate) fn escape_file(catalogue: &Path) -> PathBuf {
    beside(catalogue, ".escape")
}

/// Lets molecular dynamics escape from the minimum of a catalogue, at fixed cell, and lays the rate
/// of escape beside the sum of the catalogue's rates.
///
/// Trajectories that finished before a stop are kept in a file beside the catalogue until the test
/// is done, so that the same request goes on with those that are left.
///
/// # Errors
/// A catalogue that cannot be read or holds no event, settings out of bounds, dynamics that blows
/// up, or on request.
pub fn escape_test(
    path: &Path,
    request: &EscapeRequest,
    (progress, interrupt): (&dyn Progress, &Interrupt),
) -> Result<EscapeTest, PipelineError> {
    let clock = Instant::now();
    let catalogue = Catalogue::open_read_only(path)?;
    let sample = catalogue.sample()?;
    let events = catalogue.verified_events()?;
    let period = 1.0 / sample.attempt_frequency;
    positive("the catalogue's attempt period", period)?;
    check(request, period)?;
    let lasting_time = LASTING_PERIODS as f64 * period;
    let mut temperatures = request.temperatures.clone();
    if temperatures.is_empty() {
        let chosen = CHOSEN
            .iter()
            .filter_map(|part| temperature_of(&events, &sample, part * sample.attempt_frequency));
        temperatures.extend(chosen);
    }
    temperatures.sort_by(|a, b| b.total_cmp(a));
    if events.is_empty() || temperatures.is_empty() {
        return Err(PipelineError::in_file(
            path,
            "holds no verified event whose rate could be tested: search more, or give --temperatures",
        ));
    }
    let rebuilder = rebuilder(path, &sample, (request.kernel, interrupt))?;
    let setting = TrajectorySettings {
        friction_time: request.friction_time,
        time_step: request.time_step,
        interval: request.interval * period,
        seed: request.seed,
    };
    let setting = Setting::new(rebuilder.minimum(), &events, &setting);
    let sums: Vec<RateSum> = temperatures
        .iter()
        .map(|&temperature| RateSum::at(&events, &sample, temperature, lasting_time))
        .collect();
    let work: Vec<(u64, (usize, u64))> = (0_u64..)
        .zip((0..temperatures.len()).flat_map(|k| {
            let indices = 0..request.trajectories as u64;
            indices.map(move |index| (k, index))
        }))
        .collect();
    let identity = EscapeIdentity {
        version: env!("CARGO_PKG_VERSION"),
        minimum: &sample.fingerprint,
        kernel: rebuilder.minimum().force_field().kernel().to_string(),
        request,
        events: events.len(),
        sums: &sums,
    };
    let kept = Kept::at(escape_file(path), &identity, progress)?;
    progress.begin("escapes", work.len() as u64);
    progress.resume(kept.earlier());
    let in_looks = |periods: f64| (periods / request.interval).ceil() as u64;
    let escapes = kept.side_by_side(&work, |&(k, index)| {
        let expected = sums[k].lasting * period;
        let patience = Patience {
            settle: in_looks(SETTLING_PERIODS as f64),
            lasting: in_looks(LASTING_PERIODS as f64),
            longest: in_looks((LIFETIMES / expected).min(1e9)),
        };
        let mut trajectory =
            Trajectory::new(&setting, temperatures[k], (k as u64, index), interrupt)?;
        follow(&mut trajectory, patience)
    })?;
    progress.end();
    kept.close();
    let interval = setting.interval();
    let rows: Vec<EscapeRow> = sums
        .iter()
        .enumerate()
        .map(|(k, &sum)| {
            let of_row = &escapes[k * request.trajectories..][..request.trajectories];
            row(sum, of_row, interval, &sample)
        })
        .collect();
    let tested = || rows.iter().filter(|row| row.rare && row.exposure > 0.0);
    Ok(EscapeTest {
        attempt_period: period,
        interval,
        lasting_time,
        friction_time: request.friction_time,
        home_distance: setting.home_distance(),
        agreeing: tested().filter(|row| row.agrees).count(),
        tested: tested().count(),
        rows,
        seconds: clock.elapsed().as_secs_f64(),
    })
}

fn row(sum: RateSum, found: &[Escape], interval: f64, sample: &SampleRecord) -> EscapeRow {
    let settled: Vec<&Escape> = found.iter().filter(|escape| !escape.unsettled).collect();
    let escapes = settled.iter().filter(|e| e.escaped.is_some()).count() as u64;
    let known = settled
        .iter()
        .filter(|e| matches!(e.escaped, Some(Place::Away(Some(_)))));
    // The sum of none is −0.
    let exposure = interval
        * settled
            .iter()
            .fold(0.0, |sum, escape| sum + escape.exposure);
    let per_time = |count: f64| {
        if exposure > 0.0 {
            count / exposure
        } else {
            0.0
        }
    };
    let [(low, high), (low_2, high_2)] = [1.0, 2.0].map(|s| poisson::limits(escapes, s));
    let corrected = sum.corrected();
    let upper = corrected.unwrap_or(sum.lasting);
    let (md_low_2, md_high_2) = (per_time(low_2), per_time(high_2));
    let meets = |from: f64, to: f64| exposure > 0.0 && md_low_2 <= to && md_high_2 >= from;
    let band = sample.attempt_frequency_band;
    let rate_per_period = sum.lasting / sample.attempt_frequency;
    EscapeRow {
        temperature: sum.temperature,
        trajectories: settled.len(),
        unsettled: found.len() - settled.len(),
        escapes,
        known: known.count() as u64,
        recrossings: settled.iter().map(|escape| escape.recrossings).sum(),
        exposure,
        md: per_time(escapes as f64),
        md_low: per_time(low),
        md_high: per_time(high),
        md_low_2,
        md_high_2,
        catalogue: sum,
        corrected,
        declared_low: sum.declared / band,
        declared_high: sum.declared * band,
        rate_per_period,
        // A little above is not another regime: temperatures chosen for 0.01 have it exactly.
        rare: rate_per_period <= 1.0001 * RARE,
        agrees: meets(sum.lasting.min(upper), upper),
        within_band: meets(sum.declared / band, sum.declared * band),
    }
}

/// Writes the rows as CSV.
///
/// # Errors
/// What the system reports, or a file in the way.
pub fn write_escape_csv(
    test: &EscapeTest,
    output: &Path,
    overwrite: Overwrite,
) -> Result<(), PipelineError> {
    write_atomic(output, overwrite, |writer| {
        csv::comment(
            writer,
            "escapes by molecular dynamics and the catalogue's sum of rates",
        )?;
        writeln!(
            writer,
            "temperature,trajectories,unsettled,escapes,known,recrossings,exposure,md,md_low,md_high,\
             catalogue,lasting,corrected,declared_low,declared_high,measured,coverage,agrees"
        )?;
        for row in &test.rows {
            let sum = &row.catalogue;
            let counts = [
                row.trajectories as u64,
                row.unsettled as u64,
                row.escapes,
                row.known,
                row.recrossings,
            ];
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            let optional = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:?}"));
            writeln!(
                writer,
                "{:?},{},{},{},{},{:?},{},{}",
                row.temperature,
                counts.join(","),
                csv::numbers(&[
                    row.exposure,
                    row.md,
                    row.md_low,
                    row.md_high,
                    sum.rate,
                    sum.lasting
                ]),
                optional(row.corrected),
                csv::numbers(&[row.declared_low, row.declared_high]),
                sum.measured,
                optional(sum.coverage),
                row.agrees
            )?;
        }
        Ok(())
    })?;
    Ok(())
}
