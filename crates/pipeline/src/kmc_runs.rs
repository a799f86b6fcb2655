//! One kinetic Monte Carlo run after the other: rows kept, resumable, side by side.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration as WallTime, Instant};

use metabasin_atoms::units::{Duration, SECONDS_PER_TAU, StrainRate};
use metabasin_atoms::{PlasticVolume, Stress};
use metabasin_eshelby::{
    Checkpoint, Counters, Cycle, Elasticity, EshelbyError, Excitation, KmcSettings, Lattice,
    Observer, Outcome, Population, Protocol, Row, Simulation,
};
use metabasin_files::{Manifest, Overwrite, SeriesHeader, SeriesWriter, write_checkpoint};
use serde::{Deserialize, Serialize};

use crate::machine_speed::KmcSpeed;
use crate::stage::{StageContext, checkpoint_or_anew, read_results};
use crate::stages::kmc::KmcResults;
use crate::{Interrupt, PipelineError};

/// A run is stored at least this often; where it falls changes no bit of the result.
const STORE_EVERY: WallTime = WallTime::from_secs(5);

/// Rows so far and where to go on.
#[derive(Serialize, Deserialize)]
struct Stored {
    rows: Vec<Row>,
    checkpoint: Option<Checkpoint>,
    counters: Counters,
}

/// What a finished run gave.
pub(crate) struct KmcRun {
    /// All rows.
    pub(crate) rows: Vec<Row>,
    /// What happened.
    pub(crate) counters: Counters,
}

/// Columns of a series of rows, after `step` (the number of the row).
fn header(comment: &str) -> SeriesHeader {
    SeriesHeader::new(&[
        ("stage", ""),
        ("elapsed", "tau"),
        ("time", "tau"),
        ("time_mapped", "s"),
        ("strain", ""),
        ("stress_xx", "epsilon/sigma^3"),
        ("stress_yy", "epsilon/sigma^3"),
        ("stress_zz", "epsilon/sigma^3"),
        ("stress_xy", "epsilon/sigma^3"),
        ("stress_xz", "epsilon/sigma^3"),
        ("stress_yz", "epsilon/sigma^3"),
        ("energy", "epsilon"),
        ("events", ""),
        ("driving_active_xy", "epsilon/sigma^3"),
        ("reported_active_xy", "epsilon/sigma^3"),
        ("reported_elastic_xy", "epsilon/sigma^3"),
    ])
    .with_comment(comment)
    .with_comment("driving stress leaves the own field out, reported stress holds it")
}

fn values(row: &Row) -> Vec<f64> {
    let shear = |stress: Option<Stress>| stress.map_or(f64::NAN, Stress::xy);
    let mut values = vec![
        row.stage as f64,
        row.elapsed,
        row.time,
        row.time * SECONDS_PER_TAU,
        row.strain,
    ];
    values.extend(row.stress.0);
    values.extend([
        row.energy,
        row.events as f64,
        shear(row.driving_active_mean),
        row.reported_active_mean.xy(),
        shear(row.reported_elastic_mean),
    ]);
    values
}

struct Recorder<'a> {
    rows: Vec<Row>,
    path: &'a Path,
    interrupt: &'a Interrupt,
    stored: Instant,
    failure: Option<PipelineError>,
}

impl Recorder<'_> {
    fn store(&mut self, simulation: &Simulation) -> Result<(), PipelineError> {
        let _saving = self.interrupt.saving();
        let stored = Stored {
            rows: self.rows.clone(),
            checkpoint: Some(simulation.checkpoint()),
            counters: simulation.counters(),
        };
        write_checkpoint(self.path, &stored)?;
        self.stored = Instant::now();
        Ok(())
    }
}

impl Observer for Recorder<'_> {
    fn row(&mut self, row: &Row, simulation: &Simulation) -> ControlFlow<()> {
        self.rows.push(row.clone());
        let stop = self.interrupt.is_requested();
        if stop || self.stored.elapsed() > STORE_EVERY {
            self.failure = self.store(simulation).err();
        }
        if stop || self.failure.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Between rows nothing is stored: what was since the last one is done again.
    fn pass(&mut self) -> ControlFlow<()> {
        if self.interrupt.is_requested() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// What went wrong in the mesoscale room, as this room says it.
pub(crate) fn kmc_failure(error: &EshelbyError) -> PipelineError {
    PipelineError::BadInput(format!("kmc: {error}"))
}

/// Runs a protocol on a lattice to its end, or on from where it was stored; writes its series.
///
/// # Errors
/// [`PipelineError::Interrupted`] on request, everything being stored; a disk that does not take
/// the output.
pub(crate) fn drive(
    context: &StageContext,
    name: &str,
    comment: &str,
    lattice: &Arc<Lattice>,
    index: u64,
    protocol: &Protocol,
) -> Result<KmcRun, PipelineError> {
    let path = context
        .folder
        .join("checkpoints")
        .join(format!("{name}.json"));
    let stored: Option<Stored> = checkpoint_or_anew(&path, name, context.progress)?;
    let (mut simulation, rows) = match stored {
        Some(Stored {
            rows,
            checkpoint: None,
            counters,
        }) => {
            // Whatever became of the series meanwhile: its rows are here.
            write_series(context.folder, name, comment, &rows)?;
            context.progress.advance(1);
            return Ok(KmcRun { rows, counters });
        }
        Some(Stored {
            rows,
            checkpoint: Some(checkpoint),
            ..
        }) => {
            let restored = Simulation::restore(lattice.clone(), checkpoint);
            (restored.map_err(|error| kmc_failure(&error))?, rows)
        }
        None => {
            let seed = context.config.seed;
            (
                Simulation::new(lattice.clone(), seed, context.index, index),
                Vec::new(),
            )
        }
    };
    let mut recorder = Recorder {
        rows,
        path: &path,
        interrupt: context.interrupt,
        stored: Instant::now(),
        failure: None,
    };
    let outcome = simulation
        .run(protocol, &mut recorder)
        .map_err(|error| kmc_failure(&error))?;
    if let Some(failure) = recorder.failure {
        return Err(failure);
    }
    if outcome == Outcome::Stopped {
        return Err(context.interrupted());
    }
    let counters = simulation.counters();
    let rows = recorder.rows;
    write_series(context.folder, name, comment, &rows)?;
    let done = Stored {
        rows: rows.clone(),
        checkpoint: None,
        counters,
    };
    write_checkpoint(&path, &done)?;
    context.progress.advance(1);
    Ok(KmcRun { rows, counters })
}

fn write_series(
    folder: &Path,
    name: &str,
    comment: &str,
    rows: &[Row],
) -> Result<(), PipelineError> {
    let path = folder.join("series").join(format!("{name}.csv"));
    let mut writer = SeriesWriter::create(&path, &header(comment), Overwrite::Allow)?;
    for (k, row) in rows.iter().enumerate() {
        writer.append(k as u64, &values(row))?;
    }
    writer.flush()?;
    Ok(())
}

/// The last row of a run, for scripts.
#[derive(Clone, Debug, Serialize)]
pub struct KmcFinal {
    /// Time `[τ]`.
    pub time: f64,
    /// Strain.
    pub strain: f64,
    /// Macroscopic stress.
    pub stress: Stress,
}

/// What `kmc` reports.
#[derive(Clone, Debug, Serialize)]
pub struct KmcSummary {
    /// Events of all lattices, rates and signs.
    pub events: u64,
    /// Wall seconds of the stage.
    pub seconds: f64,
    /// Their quotient.
    pub events_per_second: f64,
    /// The last row of the slowest rate's first lattice.
    pub r#final: KmcFinal,
    /// All that the stage found.
    pub results: KmcResults,
}

/// What the `Kmc` stage of a finished run found.
///
/// # Errors
/// A run without that stage, or with files that cannot be read.
pub fn kmc_summary(run_dir: &Path) -> Result<KmcSummary, PipelineError> {
    let manifest = Manifest::read(run_dir)?;
    let entry = manifest
        .stages
        .iter()
        .find(|entry| entry.name == "kmc")
        .ok_or_else(|| PipelineError::in_file(run_dir, "this run has no stage 'kmc'"))?;
    let results: KmcResults = read_results(&run_dir.join(&entry.folder))?;
    let seconds = entry.seconds.unwrap_or(0.0);
    Ok(KmcSummary {
        events: results.events,
        seconds,
        events_per_second: if seconds > 0.0 {
            results.events as f64 / seconds
        } else {
            0.0
        },
        r#final: KmcFinal {
            time: results.last_time,
            strain: results.last_strain,
            stress: results.last_stress,
        },
        results,
    })
}

/// Events per second on a lattice with a made-up population of usual numbers, one thread.
pub(crate) fn kmc_speed(
    sites_per_edge: usize,
    duration: WallTime,
) -> Result<KmcSpeed, PipelineError> {
    let failed = |error: EshelbyError| PipelineError::Failed(format!("bench: {error}"));
    let settings = KmcSettings {
        sites_per_edge,
        ..KmcSettings::default()
    };
    let excitations = (0..40_u32)
        .map(|k| {
            let barrier = 0.5 + 0.14 * f64::from(k);
            let shear = 0.4 * f64::from(k % 7) - 1.0;
            let plastic = PlasticVolume([
                0.1 * shear,
                -0.1 * shear,
                0.0,
                0.5 * shear,
                0.1,
                -0.1 * shear,
            ]);
            Excitation {
                event: u64::from(k) + 1,
                barrier,
                energy_final: 0.5 * barrier,
                plastic_saddle: plastic * 0.5,
                plastic_final: plastic,
                attempt_forward: 3.6,
                attempt_reverse: 3.6,
                structure_class: None,
            }
        })
        .collect();
    let population = Population {
        excitations,
        volume: 400.0,
        elasticity: Elasticity::new(17.0, 0.36).map_err(failed)?,
        unverified: 0,
    };
    let kernel = settings.kernel(population.elasticity).map_err(failed)?;
    let lattice = Lattice::draw(&population, &settings, kernel, 1, 0, 0).map_err(failed)?;
    let cycle = Cycle {
        aging: None,
        strain_rate: StrainRate::PerSecond(1e8),
        strain: 0.02,
        unload_rate: StrainRate::PerSecond(1e9),
        recovery: Duration::Seconds(2e-10),
        rows: 200,
        decades: 3.0,
    };
    let lattice = Arc::new(lattice);
    let start = Instant::now();
    let mut events = 0;
    let mut index = 0;
    while start.elapsed() < duration {
        let mut simulation = Simulation::new(lattice.clone(), 1, 0, index);
        let mut stop_in_time = |_: &Row, _: &Simulation| {
            if start.elapsed() < duration {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        simulation
            .run(&cycle.protocol(), &mut stop_in_time)
            .map_err(failed)?;
        events += simulation.counters().events;
        index += 1;
    }
    Ok(KmcSpeed {
        sites: sites_per_edge.pow(3),
        threads: 1,
        events_per_second: events as f64 / start.elapsed().as_secs_f64(),
    })
}
