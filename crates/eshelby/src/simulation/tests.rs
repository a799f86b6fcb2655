//! T5, T6 (one pair), T7 (window), T11 (checkpoints) and the mechanics of stages. Statistics of whole runs: `tests/`.

use super::waiting::Wait;
use super::*;
use crate::excitation::Excitation;
use crate::kernel::Kernel;
use crate::protocol::{Cycle, Load, Protocol, Rows, Stage};
use crate::settings::{ElasticSites, Floor, KmcSettings};
use crate::{Elasticity, Population};
use metabasin_atoms::PlasticVolume;
use metabasin_atoms::units::{Duration, StrainRate, Temperature};
use proptest::prelude::*;
use rand::RngExt;
use std::ops::ControlFlow;

mod bounds;
mod fields;

const ALL: [Control; 5] = [
    Control::Stress,
    Control::ShearStrain,
    Control::Shape,
    Control::ShapeFreeShear,
    Control::Strain,
];

fn random_excitation(generator: &mut Pcg64) -> Excitation {
    let mut tensor = |scale: f64| {
        PlasticVolume(std::array::from_fn(|_| {
            scale * (generator.random::<f64>() - 0.5)
        }))
    };
    let (plastic_saddle, plastic_final) = (tensor(1.2), tensor(2.0));
    let final_energy = 2.0 * generator.random::<f64>() - 0.5;
    Excitation {
        event: 0,
        barrier: 0.5 + 3.0 * generator.random::<f64>(),
        energy_final: final_energy,
        plastic_saddle,
        plastic_final,
        attempt_forward: 3.6,
        attempt_reverse: 3.6 * (0.5 + generator.random::<f64>()),
        structure_class: None,
    }
}

fn settings(edge: usize) -> KmcSettings {
    KmcSettings {
        sites_per_edge: edge,
        floor: Floor::None,
        ..KmcSettings::default()
    }
}

/// `count` excitations on a cube of edge³ sites, some sharing a site.
fn crowd(edge: usize, count: usize) -> Simulation {
    let settings = settings(edge);
    let mut generator = random_stream(11, Purpose::Test, 0, 0);
    let kernel = settings
        .kernel(Elasticity::new(18.0, 0.35).unwrap())
        .unwrap();
    let placed = (0..count)
        .map(|_| {
            let site = generator.random_range(0..kernel.sites());
            (site, random_excitation(&mut generator))
        })
        .collect();
    let lattice = Lattice::with_excitations(&settings, kernel, placed).unwrap();
    Simulation::new(Arc::new(lattice), 11, 0, 0)
}

/// Flips an excitation whatever its rate.
fn flip(simulation: &mut Simulation, index: usize) -> Event {
    let field = simulation.field_at(index);
    simulation.execute(index, &field)
}

/// The barrier of an excitation's next jump.
fn barrier_of(simulation: &Simulation, index: usize) -> f64 {
    let stress = add(&simulation.field_at(index), &simulation.macroscopic());
    simulation.leaps[index].barrier(&stress, simulation.state.floor)
}

fn load(simulation: &mut Simulation, control: Control) {
    simulation.state.control = control;
    simulation.state.strain_start = [0.003, -0.001, 0.002, 0.02, -0.004, 0.001];
    simulation.state.applied = [0.1, -0.2, 0.05, 0.2, 0.1, -0.1];
    simulation.rebuild_leaps();
}

#[test]
fn t5_every_event_changes_the_energy_by_the_difference_of_its_barriers() {
    for control in ALL {
        let mut simulation = crowd(4, 90);
        load(&mut simulation, control);
        let mut generator = random_stream(5, Purpose::Test, 0, 0);
        for _ in 0..300 {
            let index = generator.random_range(0..90);
            let floor = generator.random::<f64>();
            simulation.state.floor = floor;
            let before = simulation.hamiltonian();
            let forward = barrier_of(&simulation, index);
            assert_eq!(flip(&mut simulation, index).barrier, forward);
            let reverse = barrier_of(&simulation, index);
            let change = simulation.hamiltonian() - before;
            assert!(
                (change - (forward - reverse)).abs() < 1e-10,
                "{control:?}: {change} {forward} {reverse}"
            );
            assert!(forward >= floor && reverse >= floor);
        }
        // H by the double sum over pairs is H by the field.
        let state = &simulation.state;
        let pairwise = simulation.lattice.interaction_energy(&state.flipped)
            + simulation.lattice.cell.energy(
                control,
                (&state.strain_start, &state.applied),
                &simulation.plastic_strain(),
                simulation.lattice.volume(),
            );
        assert!((simulation.hamiltonian() - pairwise).abs() < 1e-9);
        assert!(simulation.state.interaction.abs() > 1.0);
    }
}

proptest! {
    /// Clamped cases included: saddles below either state, floors above everything.
    #[test]
    fn t6_both_directions_share_one_saddle(
        saddle in prop::array::uniform6(-1.0..1.0_f64),
        plastic in prop::array::uniform6(-2.0..2.0_f64),
        stress in prop::array::uniform6(-1.0..1.0_f64),
        barrier in -1.0..4.0_f64, energy in -3.0..3.0_f64, floor in 0.0..3.0_f64,
    ) {
        let settings = settings(2);
        let medium = Elasticity::new(18.0, 0.3).unwrap();
        let kernel = settings.kernel(medium).unwrap();
        let excitation = Excitation {
            event: 1, barrier, energy_final: energy,
            plastic_saddle: PlasticVolume(saddle), plastic_final: PlasticVolume(plastic),
            attempt_forward: 3.0, attempt_reverse: 3.0, structure_class: None,
        };
        let lattice = Lattice::with_excitations(&settings, kernel, vec![(3, excitation)]).unwrap();
        let mut simulation = Simulation::new(Arc::new(lattice), 1, 0, 0);
        simulation.state.applied = crate::mandel::from_tensor(stress);
        simulation.state.floor = floor;
        let forward = barrier_of(&simulation, 0);
        // Alone and under stress control: c − p:Σ, by hand.
        let at = |energy: f64, p: [f64; 6]| energy - Stress(stress).contract(p);
        let (saddle, other) = (at(barrier, saddle), at(energy, plastic));
        let expected = saddle.max(other.max(0.0) + floor);
        prop_assert!((forward - expected).abs() < 1e-12);
        flip(&mut simulation, 0);
        let reverse = barrier_of(&simulation, 0);
        prop_assert!((forward - reverse - other).abs() < 1e-11);
    }
}

/// Largest distance of two sorted samples' distribution functions.
fn two_sample_distance(a: &mut [f64], b: &mut [f64]) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (mut i, mut j, mut largest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        if a[i] <= b[j] {
            i += 1;
        } else {
            j += 1;
        }
        let gap = i as f64 / a.len() as f64 - j as f64 / b.len() as f64;
        largest = largest.max(gap.abs());
    }
    largest
}

#[test]
fn t7_waiting_times_do_not_depend_on_the_window() {
    let runs = 2000;
    let start = crowd(3, 12);
    let mut times = [0.02, 3.0].map(|growth| {
        (0..runs)
            .map(|index| {
                let mut simulation = start.clone();
                simulation.state.generator =
                    random_stream(17, Purpose::Test, (growth * 100.0) as u64, index);
                simulation.window_growth = growth;
                simulation.state.control = Control::ShearStrain;
                simulation.state.strain_rate = [0.0, 0.0, 0.0, 0.03, 0.0, 0.0];
                simulation.rebuild_leaps();
                let longest = simulation.longest_window();
                // The fourth event: fields of the first three act on it.
                let mut next = || match simulation.advance(1e9, longest, &mut Record::default()) {
                    Wait::Event(event) => event.time,
                    Wait::Over | Wait::Stopped => unreachable!("events follow each other"),
                };
                for _ in 0..3 {
                    next();
                }
                next()
            })
            .collect::<Vec<f64>>()
    });
    let [a, b] = &mut times;
    // Kolmogorov-Smirnov, false alarm 1e-4: √(−ln(α/2)/2) √(2/n).
    let limit = 2.23 * (2.0 / runs as f64).sqrt();
    let distance = two_sample_distance(a, b);
    assert!(distance < limit, "{distance} {limit}");
    // The test would see a 20 % change of all rates.
    let mut slower: Vec<f64> = b.iter().map(|time| time * 1.2).collect();
    assert!(two_sample_distance(a, &mut slower) > limit);
}

fn cycle() -> Cycle {
    Cycle {
        aging: Some(Duration::Tau(200.0)),
        strain_rate: StrainRate::PerTau(1e-4),
        strain: 0.02,
        unload_rate: StrainRate::PerTau(1e-3),
        recovery: Duration::Tau(300.0),
        rows: 8,
        decades: 2.0,
    }
}

#[derive(Default)]
struct Record {
    rows: Vec<Row>,
    events: Vec<Event>,
}

impl Observer for Record {
    fn row(&mut self, row: &Row, _: &Simulation) -> ControlFlow<()> {
        self.rows.push(row.clone());
        ControlFlow::Continue(())
    }

    fn event(&mut self, event: &Event) {
        self.events.push(*event);
    }
}

#[test]
fn a_cycle_is_continuous_ends_at_zero_stress_and_partitions_its_stress() {
    let mut generator = random_stream(3, Purpose::Test, 0, 2);
    let excitations = (0..60).map(|_| random_excitation(&mut generator)).collect();
    let population = Population {
        excitations,
        volume: 600.0,
        elasticity: Elasticity::new(18.0, 0.35).unwrap(),
        unverified: 0,
    };
    for cell in [crate::CellShape::Free, crate::CellShape::Fixed] {
        let settings = KmcSettings {
            cell,
            elastic_sites: ElasticSites::Independent { fraction: 0.25 },
            ..settings(5)
        };
        let kernel = settings.kernel(population.elasticity).unwrap();
        let lattice = Lattice::draw(&population, &settings, kernel, 9, 0, 0).unwrap();
        let mut simulation = Simulation::new(Arc::new(lattice), 9, 0, 0);
        let mut record = Record::default();
        simulation.run(&cycle().protocol(), &mut record).unwrap();
        assert!(record.events.len() > 50 && simulation.counters().reverse_events > 5);
        let share = simulation.lattice.elastic_sites() as f64 / 125.0;
        for row in &record.rows {
            let mean = row.reported_active_mean * (1.0 - share)
                + row.reported_elastic_mean.unwrap() * share;
            assert!((mean - row.stress).norm() < 1e-12);
        }
        let last = |stage: usize| record.rows.iter().rfind(|row| row.stage == stage).unwrap();
        let first = |stage: usize| record.rows.iter().find(|row| row.stage == stage).unwrap();
        // The end of aging is γ = 0.
        assert!(first(1).strain.abs() < 1e-15);
        assert!((last(1).strain - 0.02).abs() < 1e-15);
        assert!((last(1).elapsed - 200.0).abs() < 1e-9);
        assert!((first(2).strain - last(1).strain).abs() < 1e-15);
        assert!((first(2).stress - last(1).stress).norm() < 1e-12);
        // Driven down to zero, but for the one event that may jump past it.
        assert!(last(2).stress.xy() < 1e-12);
        assert!(first(3).stress.xy().abs() < 1e-12);
        assert!((first(3).strain - last(2).strain).abs() < 1e-2);
        for row in &record.rows {
            if cell == crate::CellShape::Free {
                let mut other = row.stress;
                other.0[3] = 0.0;
                assert!(other.norm() < 1e-12);
            } else {
                assert!(row.stress.trace().abs() < 1e-11);
            }
        }
    }
}

#[test]
fn t11_a_restored_checkpoint_goes_on_bit_by_bit() {
    let crowd_of = |edge: usize| crowd(edge, if edge == 4 { 60 } else { 400 });
    let mut waiting = 0.0;
    for (edge, stop) in [
        (4, 1),
        (4, 5),
        (4, 9),
        (4, 14),
        (4, 22),
        (10, 7),
        (10, 12),
        (10, 21),
    ] {
        let mut whole = Record::default();
        crowd_of(edge).run(&cycle().protocol(), &mut whole).unwrap();
        let mut simulation = crowd_of(edge);
        let mut rows = Vec::new();
        let mut stored = None;
        let outcome = simulation
            .run(&cycle().protocol(), &mut |row: &Row, now: &Simulation| {
                rows.push(row.clone());
                if rows.len() == stop {
                    waiting += now.state.field.unknown(&now.lattice);
                    stored = Some(serde_json::to_string(&now.checkpoint()).unwrap());
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(outcome, Outcome::Stopped);
        let checkpoint = serde_json::from_str(&stored.unwrap()).unwrap();
        let lattice = Arc::clone(simulation.lattice());
        let mut resumed = Simulation::restore(lattice, checkpoint).unwrap();
        let mut record = Record::default();
        resumed.run(&cycle().protocol(), &mut record).unwrap();
        rows.extend(record.rows);
        assert_eq!(rows, whole.rows, "stopped at row {stop}");
        let skipped = whole.events.len() - record.events.len();
        assert_eq!(record.events, whole.events[skipped..]);
    }
    // Some were stored while distant fields waited.
    assert!(waiting > 0.0);
    let simulation = crowd(4, 60);
    let other = crowd(4, 61);
    let error = Simulation::restore(Arc::clone(other.lattice()), simulation.checkpoint());
    assert!(matches!(error, Err(EshelbyError::OtherLattice { .. })));
}

#[test]
fn a_fork_goes_on_from_the_same_state_with_other_numbers() {
    let protocol = cycle().protocol();
    let aging = Protocol {
        stages: protocol.stages[..1].to_vec(),
    };
    let mut aged = crowd(4, 60);
    aged.run(&aging, &mut Record::default()).unwrap();
    let continued = |mut simulation: Simulation| {
        let mut record = Record::default();
        simulation.run(&protocol, &mut record).unwrap();
        record
    };
    let mut whole = Record::default();
    crowd(4, 60).run(&protocol, &mut whole).unwrap();
    let same = continued(aged.clone());
    assert_eq!(same.rows, whole.rows[9..]);
    let (one, two) = (continued(aged.fork(1, 0, 1)), continued(aged.fork(1, 0, 2)));
    assert_eq!(one.rows[0], same.rows[0]);
    assert_ne!(one.events, two.events);
}

#[test]
fn the_limit_on_events_and_the_floor_are_counted() {
    let mut simulation = crowd(3, 30);
    let mut lattice = (**simulation.lattice()).clone();
    lattice.settings.maximum_events = 7;
    simulation.lattice = Arc::new(lattice);
    simulation
        .run(&cycle().protocol(), &mut Record::default())
        .unwrap();
    let counters = simulation.counters();
    assert!(counters.stages_cut_short >= 1 && counters.events <= 28);
    assert_eq!(counters.floored_pairs, 0);

    let raised = |floor| {
        let mut simulation = crowd(3, 30);
        let mut lattice = (**simulation.lattice()).clone();
        lattice.settings.floor = floor;
        simulation.lattice = Arc::new(lattice);
        simulation
            .run(&cycle().protocol(), &mut Record::default())
            .unwrap();
        simulation.counters()
    };
    let (low, high) = (raised(Floor::Barrier(0.2)), raised(Floor::Barrier(20.0)));
    assert!(low.floored_pairs < 30 && low.events > 0);
    assert_eq!((high.floored_pairs, high.events), (30, 0));
}

#[test]
fn a_lattice_without_excitations_is_elastic() {
    let settings = KmcSettings {
        temperature: Temperature::Reduced(0.28),
        ..settings(3)
    };
    let kernel = Kernel::gaussian(3, 2.0, 0.6, Elasticity::new(18.0, 0.35).unwrap()).unwrap();
    let lattice = Lattice::with_excitations(&settings, Arc::new(kernel), Vec::new()).unwrap();
    let mut simulation = Simulation::new(Arc::new(lattice), 1, 0, 0);
    let mut record = Record::default();
    let stages = vec![Stage {
        name: "load".into(),
        load: Load::StrainRamp {
            rate: StrainRate::PerTau(1e-3),
            to: -0.01,
        },
        rows: Rows::Even(4),
        zeroes_strain: false,
    }];
    simulation.run(&Protocol { stages }, &mut record).unwrap();
    let last = record.rows.last().unwrap();
    assert!((last.stress.xy() + 0.18).abs() < 1e-14 && last.driving_active_mean.is_none());
    // ½ V μ γ² of 216 at 18 and 0.01.
    assert!((last.energy - 0.5 * 216.0 * 18.0 * 1e-4).abs() < 1e-13);
    assert_eq!(record.rows.len(), 5);
}
