//! Runs that must neither crawl nor hang: near absolute zero, and when they are asked to stop.

use super::*;

/// A pair that gives way to shear in xy: barrier 1, gone at a stress of about 1.
fn soft() -> Excitation {
    Excitation {
        event: 1,
        barrier: 1.0,
        energy_final: 0.5,
        plastic_saddle: PlasticVolume([0.0, 0.0, 0.0, 0.5, 0.0, 0.0]),
        plastic_final: PlasticVolume([0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
        attempt_forward: 3.6,
        attempt_reverse: 3.6,
        structure_class: None,
    }
}

/// Under a barrier that falls at the rate b the first jump comes where ν exp(−E/T) has had time for
/// one: E is T ln(νT/b) up to a few T (a Gumbel distribution of width T; e⁻¹² at 12 T above, e^(−e⁴)
/// at 4 T below), and nothing where that is negative. Windows of half a k_B T would be 1/T of them.
#[test]
fn near_absolute_zero_windows_leap_to_where_the_barrier_is_gone() {
    let rate = 1e-9;
    for temperature in [1e-2, 1e-3, 1e-6, 1e-9] {
        let settings = KmcSettings {
            temperature: Temperature::Reduced(temperature),
            ..settings(4)
        };
        let medium = Elasticity::new(18.0, 0.3).unwrap();
        let kernel = settings.kernel(medium).unwrap();
        let lattice = Lattice::with_excitations(&settings, kernel, vec![(5, soft())]).unwrap();
        let mut simulation = Simulation::new(Arc::new(lattice), 3, 0, 0);
        let ramp = Protocol {
            stages: vec![Stage {
                name: "load".into(),
                load: Load::StrainRamp {
                    rate: StrainRate::PerTau(rate),
                    to: 0.1,
                },
                rows: Rows::Even(20),
                zeroes_strain: false,
            }],
        };
        let mut record = Record::default();
        simulation.run(&ramp, &mut record).unwrap();
        let first = record.events.first().expect("the barrier is gone at 0.06");
        let falling = 18.0 * rate;
        let typical = (3.6 * temperature / falling).ln();
        let found = first.barrier / temperature;
        assert!(found < typical.max(0.0) + 12.0, "{temperature}: {found}");
        assert!(found > typical - 4.0, "{temperature}: {found} {typical}");
        let passes = simulation.counters().passes;
        assert!(passes < 3000, "{temperature}: {passes} passes");
        assert_eq!(record.rows.len(), 21);
    }
}

/// The second of two distant pairs feels the first only through a field that waits: its waiting time
/// must be that of the stress all the same. The first one gives way at once.
#[test]
fn a_distant_field_that_waits_still_sets_the_rate() {
    let (edge, distance) = (14, 6);
    let settings = settings(edge);
    let medium = Elasticity::new(18.0, 0.35).unwrap();
    let kernel = settings.kernel(medium).unwrap();
    let shear = |component: f64| PlasticVolume([0.0, 0.0, 0.0, component, 0.0, 0.0]);
    let pair = |barrier: f64, saddle: f64, plastic: f64| Excitation {
        barrier,
        energy_final: -60.0,
        plastic_saddle: shear(saddle),
        plastic_final: shear(plastic),
        attempt_reverse: 3.6,
        ..soft()
    };
    let placed = vec![(0, pair(0.0, 0.0, 12.0)), (distance, pair(1.5, 4.0, 1.0))];
    let mut lattice = Lattice::with_excitations(&settings, kernel, placed).unwrap();
    lattice.influence.allowance = 0.12;
    let stress = lattice.kernel.stress([6, 0, 0], shear(12.0)).xy();
    assert!(lattice.influence.outreach[0] < 0.12 && lattice.influence.outreach[0] >= stress);
    let lattice = Arc::new(lattice);
    let hold = Protocol {
        stages: vec![Stage {
            name: "hold".into(),
            load: Load::StressHold {
                stress: Stress::ZERO,
                duration: Duration::Tau(1e6),
            },
            rows: Rows::Even(1),
            zeroes_strain: false,
        }],
    };
    let rate = 3.6 * (-(1.5 - 2.0 * 4.0 * stress) / 0.28).exp();
    let runs = 1000;
    let mut refused = 0;
    let times: Vec<f64> = (0..runs)
        .filter_map(|index| {
            let mut simulation = Simulation::new(Arc::clone(&lattice), 3, 0, index);
            let mut record = Record::default();
            simulation.run(&hold, &mut record).unwrap();
            refused += simulation.counters().refused;
            assert_eq!(simulation.counters().events, 2);
            // Now and then the second one is first: the others' waits do not remember.
            (record.events[0].excitation == 0)
                .then(|| record.events[1].time - record.events[0].time)
        })
        .collect();
    assert!(
        refused > runs,
        "the bounds leave room for what waits: {refused}"
    );
    let count = times.len() as f64;
    assert!(count > 0.97 * runs as f64, "{count}");
    let mean = times.iter().sum::<f64>() / count;
    // Spread = mean; 4 standard errors, false alarm 6e-5. Without the field it would be 2 at least.
    assert!(
        (mean * rate - 1.0).abs() < 4.0 / count.sqrt(),
        "{mean} {rate}"
    );
    let alone = 3.6 * (-1.5_f64 / 0.28).exp();
    assert!((rate / alone).ln().abs() > 0.7, "{rate} {alone}");
}

#[test]
fn temperatures_that_are_rounding_are_refused_by_name_and_value() {
    let cold = KmcSettings {
        temperature: Temperature::Reduced(1e-12),
        ..settings(4)
    };
    let message = cold.validate().unwrap_err().to_string();
    assert!(
        message.contains("temperature") && message.contains("0.000000000001"),
        "{message}"
    );
}

/// Stops at a pass, wherever that is, and keeps the checkpoint of every row.
struct StopsAtPass {
    passes: u64,
    at: u64,
    last: Option<Checkpoint>,
    rows: Vec<Row>,
}

impl Observer for StopsAtPass {
    fn row(&mut self, row: &Row, simulation: &Simulation) -> ControlFlow<()> {
        self.rows.push(row.clone());
        self.last = Some(simulation.checkpoint());
        ControlFlow::Continue(())
    }

    fn pass(&mut self) -> ControlFlow<()> {
        self.passes += 1;
        if self.passes == self.at {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[test]
fn t11_a_stop_between_rows_goes_on_from_the_last_row_bit_by_bit() {
    let run = |simulation: &mut Simulation, at: u64| {
        let mut observer = StopsAtPass {
            passes: 0,
            at,
            last: None,
            rows: Vec::new(),
        };
        let outcome = simulation.run(&cycle().protocol(), &mut observer).unwrap();
        (outcome, observer)
    };
    let mut whole = crowd(4, 60);
    let (outcome, expected) = run(&mut whole, u64::MAX);
    assert_eq!(outcome, Outcome::Finished);
    for part in [3, 5, 7] {
        let mut simulation = crowd(4, 60);
        let (outcome, mut observer) = run(&mut simulation, expected.passes * part / 8);
        assert_eq!(outcome, Outcome::Stopped);
        assert_eq!(observer.passes, expected.passes * part / 8);
        let lattice = simulation.lattice().clone();
        let mut again = Simulation::restore(lattice, observer.last.take().unwrap()).unwrap();
        let (outcome, rest) = run(&mut again, u64::MAX);
        assert_eq!(outcome, Outcome::Finished);
        let rows: Vec<Row> = observer.rows.into_iter().chain(rest.rows).collect();
        assert!(rows == expected.rows, "rows differ after {part} eighths");
        assert_eq!(again.checkpoint(), whole.checkpoint());
    }
}
