//! The same step and back in the Eshelby model of the very cell: every event of the catalogue once, where it
//! was found.

use std::ops::ControlFlow;
use std::sync::Arc;

use metabasin_atoms::units::{Duration, StrainRate, Temperature};
use metabasin_atoms::{Cell, Stiffness};
use metabasin_catalogue::{EventRecord, SampleRecord};
use metabasin_eshelby::{
    CellShape, Excitation, KmcSettings, Lattice, Load, Observer, Outcome, Population, Protocol,
    Row, Rows, Simulation, Stage,
};
use nalgebra::Vector3;

use super::dynamics::SteppedPair;
use super::windows::means;
use crate::escape::interrupted;
use crate::kmc_runs::kmc_failure;
use crate::thermal_softening::ThermalSoftening;
use crate::{Interrupt, PipelineError};

/// Hold of the cell as it is before the step `[τ]`: as long as the aging of a KMC stage without MD.
const AGING: f64 = 150.0;
/// Duration of the step itself `[τ]`: nothing happens within it.
const RISE: f64 = 1e-6;
/// First row of a hold `[τ]`, and rows a decade from there on.
const FIRST_ROW: f64 = 0.02;
const ROWS_A_DECADE: f64 = 30.0;

/// A cube of the volume of the sample that holds every verified event below the upper barrier once, on the
/// site in which its center lies; `cell` is that of the sample. It has the shape of the sample all along; only its
/// volume follows the pressure.
///
/// Between sites events act through an isotropic medium; the cell as a whole has the stiffness of the sample,
/// where that is stable. Both are as soft as `softening` says.
///
/// The cube has as many sites as make a site's volume, which is that of an excitation's source, come nearest to
/// the usual one.
///
/// # Errors
/// A sample without a stiffness, or no event below the barrier.
pub(crate) fn network(
    sample: &SampleRecord,
    events: &[EventRecord],
    cell: &Cell,
    (temperature, softening): (f64, Option<ThermalSoftening>),
) -> Result<Arc<Lattice>, PipelineError> {
    let failure = |error| kmc_failure(&error);
    // The cell is that of molecular dynamics: no event is taken to another stress.
    let sample = &SampleRecord {
        stress_thermal: Some(sample.stress_minimum),
        ..sample.clone()
    };
    let population = Population::from_catalogue(sample, events).map_err(failure)?;
    let ratio = softening.map_or(1.0, |softening| softening.ratio);
    let population = population.in_medium_softened(ratio).map_err(failure)?;
    let usual = KmcSettings::default();
    let edge = (population.volume / usual.site_volume).cbrt().round();
    let edge = (edge as usize).clamp(2, 256);
    let settings = KmcSettings {
        sites_per_edge: edge,
        site_volume: population.volume / edge.pow(3) as f64,
        temperature: Temperature::Reduced(temperature),
        cell: CellShape::Fixed,
        ..usual
    };
    let kernel = settings.kernel(population.elasticity).map_err(failure)?;
    let verified = events.iter().filter(|event| event.is_verified());
    let placed: Vec<(usize, Excitation)> = verified
        .zip(population.excitations)
        .filter(|(_, excitation)| excitation.barrier < settings.upper_barrier)
        .map(|(event, excitation)| (site_at(cell, event.center, edge), excitation))
        .collect();
    if placed.is_empty() {
        return Err(PipelineError::BadInput(format!(
            "kmc: no verified event has a barrier below {}: search more",
            settings.upper_barrier
        )));
    }
    let lattice = Lattice::with_excitations(&settings, kernel, placed).map_err(failure)?;
    let lattice = match sample.stiffness.map(Stiffness::stable_or_isotropic) {
        Some((stiffness, _)) => {
            let stiffness = softening.map_or(stiffness, |softening| softening.of(&stiffness));
            lattice.with_cell_stiffness(&stiffness).map_err(failure)?
        }
        None => lattice,
    };
    Ok(Arc::new(lattice))
}

/// What simple shear adds to σ_xy by turning the stress of the sample, half the strain to each side:
/// ½ (σ_yy − σ_xx) a strain `[energy / length³]`.
pub(crate) fn turn(sample: &SampleRecord) -> f64 {
    let [xx, yy, ..] = sample.stress_minimum.0;
    0.5 * (yy - xx)
}

/// The site of a cube of `edge`³, x fastest, in which a position in the cell lies.
fn site_at(cell: &Cell, position: [f64; 3], edge: usize) -> usize {
    let along = cell.to_fractional(&Vector3::from(position));
    let [x, y, z] = [along.x, along.y, along.z].map(|share| {
        let share = share - share.floor();
        ((share * edge as f64) as usize).min(edge - 1)
    });
    x + edge * (y + edge * z)
}

fn protocol(strain: f64, hold: f64) -> Protocol {
    let stage = |name: &str, load: Load, rows: Rows| Stage {
        name: name.to_owned(),
        load,
        rows,
        zeroes_strain: false,
    };
    let step = |name: &str, to: f64| {
        let rate = StrainRate::PerTau(strain.abs() / RISE);
        stage(name, Load::StrainRamp { rate, to }, Rows::Even(1))
    };
    let decades = (hold / FIRST_ROW).log10().max(1.0);
    let rows = Rows::Logarithmic {
        count: (ROWS_A_DECADE * decades).ceil() as u32,
        decades,
    };
    let duration = Duration::Tau(hold);
    Protocol {
        stages: vec![
            stage(
                "age",
                Load::StrainHold {
                    duration: Duration::Tau(AGING),
                },
                rows,
            ),
            step("step", strain),
            stage("hold", Load::StrainHold { duration }, rows),
            step("step-back", 0.0),
            stage("hold-back", Load::StrainHold { duration }, rows),
        ],
    }
}

/// Rows, until the user asks to stop.
struct Watcher<'a> {
    rows: Vec<Row>,
    interrupt: &'a Interrupt,
}

impl Watcher<'_> {
    fn goes_on(&self) -> ControlFlow<()> {
        if self.interrupt.is_requested() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Observer for Watcher<'_> {
    fn row(&mut self, row: &Row, _: &Simulation) -> ControlFlow<()> {
        self.rows.push(row.clone());
        self.goes_on()
    }

    fn pass(&mut self) -> ControlFlow<()> {
        self.goes_on()
    }
}

/// Steps a lattice by ±`strain` and back, with the random numbers of `index`, which both signs share; intervals
/// end at `edges` `[τ]`. Simple shear also turns the stress that the sample had, by [`turn`] a strain.
pub(crate) fn stepped_lattice(
    lattice: &Arc<Lattice>,
    (seed, index): (u64, u64),
    (strain, edges, turn): (f64, &[f64], f64),
    interrupt: &Interrupt,
) -> Result<SteppedPair, PipelineError> {
    let hold = edges.last().copied().unwrap_or_default();
    let signed = |strain: f64| -> Result<[Vec<f64>; 2], PipelineError> {
        let mut simulation = Simulation::new(Arc::clone(lattice), seed, 0, index);
        let mut watcher = Watcher {
            rows: Vec::new(),
            interrupt,
        };
        let outcome = simulation
            .run(&protocol(strain, hold), &mut watcher)
            .map_err(|error| kmc_failure(&error))?;
        if outcome == Outcome::Stopped {
            return Err(interrupted());
        }
        let of_stage = |stage: usize| {
            let rows = watcher.rows.iter().filter(|row| row.stage == stage);
            let points: Vec<(f64, f64)> = rows
                .map(|row| (row.elapsed, row.stress.xy() + turn * row.strain))
                .collect();
            means(&points, edges)
        };
        Ok([of_stage(2), of_stage(4)])
    };
    Ok(SteppedPair::of(&signed(strain)?, &signed(-strain)?))
}

#[cfg(test)]
mod tests {
    use metabasin_atoms::{Dipole, PlasticVolume, Stress};
    use metabasin_catalogue::{HarvestRecord, StateGraph, WellModuli};
    use metabasin_eshelby::{Elasticity, Floor};

    use super::super::windows::edges;
    use super::*;

    const MODULUS: f64 = 15.0;
    const TEMPERATURE: f64 = 0.28;

    /// A cube of 6³ sites of volume 10, each with one excitation of barrier `barrier` whose states are as deep
    /// and differ by the work ±`work` a stress, on half of the sites each, that do not feel each other.
    fn lattice(barrier: f64, work: f64) -> Arc<Lattice> {
        let settings = KmcSettings {
            sites_per_edge: 6,
            site_volume: 10.0,
            temperature: Temperature::Reduced(TEMPERATURE),
            interactions: false,
            cell: CellShape::Fixed,
            floor: Floor::None,
            ..KmcSettings::default()
        };
        let kernel = settings
            .kernel(Elasticity::new(MODULUS, 0.35).unwrap())
            .unwrap();
        let sheared = |half: f64| PlasticVolume([0.0, 0.0, 0.0, half, 0.0, 0.0]);
        let placed = (0..216).map(|site| {
            let work = if site % 2 == 0 { work } else { -work };
            let excitation = Excitation {
                event: 0,
                barrier,
                energy_final: 0.0,
                plastic_saddle: sheared(0.25 * work),
                plastic_final: sheared(0.5 * work),
                attempt_forward: 3.6,
                attempt_reverse: 3.6,
                structure_class: None,
            };
            (site, excitation)
        });
        Arc::new(Lattice::with_excitations(&settings, kernel, placed.collect()).unwrap())
    }

    #[test]
    fn what_never_flips_keeps_the_stress_of_the_medium() {
        let edges = edges(8.0);
        let stepped = stepped_lattice(
            &lattice(30.0, 0.3),
            (1, 0),
            (0.02, &edges, 0.0),
            &Interrupt::new(),
        )
        .unwrap();
        for (held, back) in stepped.held.iter().zip(&stepped.back) {
            assert!((held / 0.02 - MODULUS).abs() < 1e-9 && back.abs() < 1e-9);
        }
    }

    /// Independent symmetric flips, n a volume, each of work Ω a stress, in equilibrium at small Ωσ/kT:
    /// 1/G = 1/μ + n Ω²/4kT, reached with the rate 2ν exp(−E/kT) (1 + μ n Ω²/4kT) at fixed strain. Errors over
    /// 12 runs: a false alarm at four standard errors is below 1e-3.
    #[test]
    fn fast_flips_soften_as_their_fluctuations_say() {
        let (barrier, work) = (0.6, 0.3);
        let lattice = lattice(barrier, work);
        let edges = edges(64.0);
        let runs: Vec<SteppedPair> = (0..12)
            .map(|index| {
                stepped_lattice(&lattice, (3, index), (0.02, &edges, 0.0), &Interrupt::new())
                    .unwrap()
            })
            .collect();
        let compliance = 0.1 * work * work / (4.0 * TEMPERATURE);
        let relaxed = 1.0 / (1.0 / MODULUS + compliance);
        let rate = 2.0 * 3.6 * (-barrier / TEMPERATURE).exp() * (1.0 + MODULUS * compliance);
        let check = |found: &dyn Fn(&SteppedPair) -> f64, expected: f64| {
            let values: Vec<f64> = runs.iter().map(found).collect();
            let mean = values.iter().sum::<f64>() / 12.0;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let error = (squares / (12.0 * 11.0)).sqrt();
            assert!(
                (mean - expected).abs() < 4.0 * error && error < 0.03 * MODULUS,
                "{mean} {error} {expected}"
            );
        };
        // The mean over [0, 1] of what is left of the difference.
        let left = (1.0 - (-rate).exp()) / rate;
        check(
            &|pair| pair.held[0] / 0.02,
            relaxed + (MODULUS - relaxed) * left,
        );
        check(&|pair| pair.held[6] / 0.02, relaxed);
        check(&|pair| pair.back[0] / 0.02, -(MODULUS - relaxed) * left);
        check(&|pair| pair.back[6] / 0.02, 0.0);
    }

    #[test]
    fn events_stand_where_their_centers_lie() {
        let cell = Cell::new([8.0, 8.0, 8.0, 2.0, 0.0, 0.0]).unwrap();
        // xy tilt: at the upper end of y the cell begins at x = 2.
        assert_eq!(site_at(&cell, [0.1, 0.1, 0.1], 4), 0);
        assert_eq!(site_at(&cell, [2.1, 7.9, 0.1], 4), 12);
        assert_eq!(site_at(&cell, [7.9, 0.1, 4.1], 4), 3 + 32);
        // Outside, by whole lattice vectors.
        assert_eq!(site_at(&cell, [-0.1, 0.1, 12.1], 4), 3 + 32);
    }

    /// One event at fixed cell: whatever the model takes off for the size of the sample and for its stress, the
    /// second state has the energy dE − P γ in the strained cell and the stress −P/V. Over 150 runs; a false
    /// alarm at four standard errors is below 1e-4.
    #[test]
    fn an_event_keeps_its_energy_and_its_stress_in_its_own_cell() {
        let edge = 7.4_f64;
        let (volume, dipole, difference, strain) = (edge.powi(3), 60.0, 0.3, 0.01);
        let sample = SampleRecord {
            cell: [edge, edge, edge, 0.0, 0.0, 0.0],
            temperature: Some(TEMPERATURE),
            stress_minimum: Stress([3.2, 2.9, 3.0, 0.1, 0.0, 0.0]),
            stiffness: Some(Elasticity::new(MODULUS, 0.35).unwrap().stiffness()),
            attempt_frequency: 3.6,
            ..SampleRecord::default()
        };
        let sheared = |half: f64| Dipole([0.0, 0.0, 0.0, half, 0.0, 0.0]);
        let event = EventRecord {
            barrier_forward: 0.6,
            barrier_reverse: 0.6 - difference,
            dipole_saddle: sheared(0.5 * dipole),
            dipole_final: sheared(dipole),
            converged: true,
            index: 1,
            connected: true,
            ..EventRecord::default()
        };
        let unverified = EventRecord {
            connected: false,
            ..event.clone()
        };
        let high = EventRecord {
            barrier_forward: 30.0,
            barrier_reverse: 29.0,
            ..event.clone()
        };
        let cell = Cell::cubic(edge).unwrap();
        let events = [unverified, event, high];
        let model = network(&sample, &events, &cell, (TEMPERATURE, None)).unwrap();
        assert_eq!(model.excitations(), 1);
        let graph = StateGraph {
            harvests: vec![HarvestRecord {
                temperature: TEMPERATURE,
                wells: Some(WellModuli {
                    inherent: [MODULUS; 3],
                    thermal: [0.8 * MODULUS, 0.9 * MODULUS, MODULUS],
                    thermal_error: [0.1; 3],
                }),
                ..HarvestRecord::default()
            }],
            ..StateGraph::default()
        };
        let softening = ThermalSoftening::known(Some(&graph), TEMPERATURE);
        let soft = network(&sample, &events, &cell, (TEMPERATURE, softening)).unwrap();
        let medium = soft.kernel().elasticity();
        assert!((medium.shear_modulus() - 0.9 * MODULUS).abs() < 1e-9);
        assert!((medium.poisson_ratio() - 0.35).abs() < 1e-9);
        assert!((soft.shear_modulus() - 0.8 * MODULUS).abs() < 1e-9);
        assert!((model.volume() - volume).abs() < 1e-9);
        let edges = edges(256.0);
        let last: Vec<f64> = (0..150)
            .map(|index| {
                let load = (strain, edges.as_slice(), 0.0);
                let stepped = stepped_lattice(&model, (9, index), load, &Interrupt::new()).unwrap();
                *stepped.held.last().unwrap()
            })
            .collect();
        let flipped =
            |strain: f64| 1.0 / (1.0 + ((difference - dipole * strain) / TEMPERATURE).exp());
        let relaxed = 0.5 * dipole / volume * (flipped(strain) - flipped(-strain));
        let expected = MODULUS * strain - relaxed;
        let mean = last.iter().sum::<f64>() / 150.0;
        let squares: f64 = last.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / (150.0 * 149.0)).sqrt();
        assert!(
            (mean - expected).abs() < 4.0 * error && error < 0.03 * relaxed,
            "{mean} {error} {expected} {relaxed}"
        );
    }
}
