//! Runs against exact answers: waiting times, equilibrium, relaxation, threads.
//!
//! Fixed seeds; every limit states its false-alarm rate.
#![cfg(test)]

use std::ops::ControlFlow;
use std::sync::Arc;

use metabasin_atoms::units::{Duration, StrainRate};
use metabasin_atoms::{PlasticVolume, Purpose, Stress, random_stream};
use metabasin_eshelby::*;
use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

#[path = "support/excitations.rs"]
mod excitations;
use excitations::*;

fn lattice(settings: &KmcSettings, placed: Vec<(usize, Excitation)>) -> Arc<Lattice> {
    let kernel = settings.kernel(medium()).unwrap();
    Arc::new(Lattice::with_excitations(settings, kernel, placed).unwrap())
}

fn hold(shear_stress: f64, duration: f64, rows: Rows) -> Protocol {
    stage(
        Load::StressHold {
            stress: Stress([0.0, 0.0, 0.0, shear_stress, 0.0, 0.0]),
            duration: Duration::Tau(duration),
        },
        rows,
    )
}

fn rows_of(simulation: &mut Simulation, protocol: &Protocol) -> Vec<Row> {
    let mut rows = Vec::new();
    simulation
        .run(protocol, &mut |row: &Row, _: &Simulation| {
            rows.push(row.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

/// Time of the first event of `runs` runs; `None` where the stage ends without one.
fn first_passages(lattice: &Arc<Lattice>, protocol: &Protocol, runs: u64) -> Vec<Option<f64>> {
    (0..runs)
        .map(|index| {
            let mut simulation = Simulation::new(Arc::clone(lattice), 23, 0, index);
            let mut record = Record::default();
            simulation.run(protocol, &mut record).unwrap();
            record.events.first().map(|event| event.time)
        })
        .collect()
}

/// √n times the largest distance of a sample from its distribution function.
fn kolmogorov(mut sample: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let count = sample.len() as f64;
    let distance = sample.iter().enumerate().fold(0.0_f64, |largest, (i, &x)| {
        let expected = distribution(x);
        let above = (i as f64 + 1.0) / count - expected;
        let below = expected - i as f64 / count;
        largest.max(above).max(below)
    });
    distance * count.sqrt()
}

/// Kolmogorov's limit for a false alarm of 1e-4: √(−ln(α/2)/2).
const KOLMOGOROV_LIMIT: f64 = 2.23;

const RUNS: u64 = 12_000;

#[test]
fn t7_waits_at_constant_stress_are_exponential_with_arrhenius_mean() {
    let mut settings = settings(2);
    settings.maximum_events = 1;
    let lattice = lattice(&settings, vec![(0, excitation(1.5, 0.2, 0.4, 0.9))]);
    let protocol = hold(0.3, 1e9, Rows::Even(1));
    let waits: Vec<f64> = first_passages(&lattice, &protocol, RUNS)
        .into_iter()
        .map(Option::unwrap)
        .collect();
    let rate = 3.6 * (-(1.5 - 0.3 * 0.8) / KT).exp();
    let mean = waits.iter().sum::<f64>() / RUNS as f64;
    // Spread = mean; 4 standard errors, false alarm 6e-5.
    assert!(
        (mean * rate - 1.0).abs() * (RUNS as f64).sqrt() < 4.0,
        "{mean} {}",
        1.0 / rate
    );
    let law = |t: f64| 1.0 - (-rate * t).exp();
    assert!(kolmogorov(waits.clone(), law) < KOLMOGOROV_LIMIT);
    assert!(kolmogorov(waits, |t| law(1.1 * t)) > KOLMOGOROV_LIMIT);
}

/// Exponential integral E₁ by its series, good for z < 3.
fn exponential_integral(z: f64) -> f64 {
    let mut sum = -0.577_215_664_901_532_9 - z.ln();
    let mut term = -1.0;
    for k in 1..80 {
        term *= -z / f64::from(k);
        sum += term / f64::from(k);
    }
    sum
}

#[test]
fn t7_waits_under_a_ramp_follow_the_exact_hazard() {
    let mut settings = settings(2);
    settings.maximum_events = 1;
    let volume = 80.0;
    let rate = 0.004;
    for (saddle, to) in [(0.5, 10.0), (-0.5, 10.0)] {
        let lattice = lattice(&settings, vec![(0, excitation(1.2, -9.0, saddle, saddle))]);
        let load = Load::StrainRamp {
            rate: StrainRate::PerTau(rate),
            to,
        };
        let waits = first_passages(&lattice, &stage(load, Rows::Even(1)), RUNS);
        // E(t) = E₀ + μΩ²/2V − Ω μ γ̇ t with Ω = 2 p_xy: the hazard grows as e^{bt}.
        let omega = 2.0 * saddle;
        let k0 = 3.6 * (-(1.2 + MU * omega * omega / (2.0 * volume)) / KT).exp();
        let b = omega * MU * rate / KT;
        // Up to the clamp at zero barrier, where practically everything has happened.
        let law = |t: f64| 1.0 - (-(k0 / b) * (b * t).exp_m1()).exp();
        let happened: Vec<f64> = waits.iter().copied().flatten().collect();
        if b > 0.0 {
            assert_eq!(happened.len() as u64, RUNS);
            let mean = happened.iter().sum::<f64>() / RUNS as f64;
            let z = k0 / b;
            let expected = z.exp() * exponential_integral(z) / b;
            let variance = happened.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / RUNS as f64;
            let error = (variance / RUNS as f64).sqrt();
            assert!(
                ((mean - expected) / error).abs() < 4.0,
                "{mean} {expected} {error}"
            );
            assert!(kolmogorov(happened.clone(), law) < KOLMOGOROV_LIMIT);
            assert!(kolmogorov(happened, |t| law(1.1 * t)) > KOLMOGOROV_LIMIT);
        } else {
            // The hazard dies out: exp(−k₀/|b|) never jump. Binomial, 4 standard errors.
            let survival = (-k0 / b.abs()).exp();
            let found = 1.0 - happened.len() as f64 / RUNS as f64;
            let error = (survival * (1.0 - survival) / RUNS as f64).sqrt();
            assert!(survival > 0.1 && survival < 0.9);
            assert!(
                ((found - survival) / error).abs() < 4.0,
                "{found} {survival}"
            );
            let happen = 1.0 - survival;
            assert!(kolmogorov(happened, |t| law(t) / happen) < KOLMOGOROV_LIMIT);
        }
    }
}

/// Five coupled excitations on a 3³ cube, two of them on one site.
fn coupled(floor: Floor) -> Arc<Lattice> {
    let mut settings = settings(3);
    settings.floor = floor;
    let mut generator = random_stream(41, Purpose::Test, 0, 0);
    let mut number = || -> f64 { StandardNormal.sample(&mut generator) };
    let placed = [0, 1, 1, 4, 13]
        .into_iter()
        .map(|site| {
            let mut tensor = |scale: f64| PlasticVolume(std::array::from_fn(|_| scale * number()));
            let (plastic_saddle, plastic_final) = (tensor(0.1), tensor(0.2));
            let excitation = Excitation {
                event: site as u64,
                barrier: 0.5 + 0.2 * number().abs(),
                energy_final: 0.15 * number(),
                plastic_saddle,
                plastic_final,
                attempt_forward: 3.6,
                attempt_reverse: 2.4,
                structure_class: None,
            };
            (site, excitation)
        })
        .collect();
    lattice(&settings, placed)
}

#[test]
fn t6_occupancies_are_boltzmanns_under_stress_and_strain_with_and_without_floor() {
    for floor in [Floor::None, Floor::Barrier(0.6)] {
        let lattice = coupled(floor);
        for strain_control in [false, true] {
            let count = lattice.excitations();
            let states = 1_usize << count;
            // Ten flips of a pair of barrier 1.2; that samples are independent is checked below.
            let interval = 10.0 / (2.4 * (-1.2_f64 / KT).exp());
            let samples = 1200;
            let protocol = if strain_control {
                let mut protocol = stage(
                    Load::StrainRamp {
                        rate: StrainRate::PerTau(1.0),
                        to: 0.01,
                    },
                    Rows::Even(1),
                );
                protocol.stages.push(Stage {
                    name: "hold".into(),
                    load: Load::StrainHold {
                        duration: Duration::Tau(interval * f64::from(samples)),
                    },
                    rows: Rows::Even(samples),
                    zeroes_strain: false,
                });
                protocol
            } else {
                hold(0.2, interval * f64::from(samples), Rows::Even(samples))
            };
            let mut simulation = Simulation::new(Arc::clone(&lattice), 77, 0, 0);
            let mut counts = vec![0_u32; states];
            // H of every state, learned when it is first seen and checked ever after.
            let mut energies = vec![None; states];
            let mut series = Vec::new();
            let last = protocol.stages.len() - 1;
            simulation
                .run(&protocol, &mut |row: &Row, now: &Simulation| {
                    if row.stage == last && row.elapsed > 0.0 {
                        let state = now
                            .flipped()
                            .iter()
                            .enumerate()
                            .map(|(bit, &flipped)| usize::from(flipped) << bit)
                            .sum::<usize>();
                        counts[state] += 1;
                        let energy = now.hamiltonian();
                        series.push(energy);
                        let known = energies[state].get_or_insert(energy);
                        assert!((*known - energy).abs() < 1e-9);
                    }
                    ControlFlow::Continue(())
                })
                .unwrap();
            // Successive energies are uncorrelated within 4/√n (false alarm 6e-5).
            let mean = series.iter().sum::<f64>() / f64::from(samples);
            let variance: f64 = series.iter().map(|e| (e - mean).powi(2)).sum();
            let lagged: f64 = series
                .windows(2)
                .map(|pair| (pair[0] - mean) * (pair[1] - mean))
                .sum();
            assert!((lagged / variance).abs() < 4.0 / f64::from(samples).sqrt());
            let weights: Vec<f64> = energies
                .iter()
                .map(|energy: &Option<f64>| energy.map_or(0.0, |energy| (-energy / KT).exp()))
                .collect();
            let partition: f64 = weights.iter().sum();
            // Rare states share one cell; unseen ones must be rare.
            let (mut chi, mut cells, mut rare, mut rare_expected) = (0.0, 0, 0.0, 0.0);
            let (mut flat, total) = (0.0, f64::from(samples));
            for (&seen, weight) in counts.iter().zip(&weights) {
                let expected = total * weight / partition;
                let seen = f64::from(seen);
                if expected < 8.0 {
                    rare += seen;
                    rare_expected += expected;
                } else {
                    chi += (seen - expected).powi(2) / expected;
                    cells += 1;
                }
                flat += (seen - total / states as f64).powi(2) / (total / states as f64);
            }
            if rare_expected > 8.0 {
                chi += (rare - rare_expected).powi(2) / rare_expected;
                cells += 1;
            }
            // Wilson and Hilferty's χ² quantile at a false alarm of 1e-4 (3.72 σ).
            let freedom = f64::from(cells - 1);
            let limit = freedom
                * (1.0 - 2.0 / (9.0 * freedom) + 3.72 * (2.0 / (9.0 * freedom)).sqrt()).powi(3);
            assert!(cells >= 8, "{cells} cells");
            assert!(
                chi < limit,
                "strain {strain_control}, {floor:?}: {chi} {limit}"
            );
            assert!(
                flat > 2.0 * limit,
                "the states are too alike to test anything: {flat}"
            );
        }
    }
}

#[test]
fn t6_rates_relax_as_the_generator_says() {
    // Two coupled excitations under stress: the exact occupancies from the 4×4 generator built
    // from energies alone, against 6000 runs at one time in the middle of the relaxation.
    let settings = settings(2);
    let a = excitation(0.9, 0.1, 0.25, 0.5);
    let b = excitation(1.1, -0.1, 0.2, 0.45);
    let lattice = lattice(&settings, vec![(0, a.clone()), (1, b.clone())]);
    let stress = 0.25;
    let coupling = lattice.kernel().stress([1, 0, 0], shear(0.5)).xy();
    let time = 12.0;
    let mut generator = DMatrix::<f64>::zeros(4, 4);
    for state in 0..4_usize {
        for (bit, own, other) in [(0, &a, &b), (1, &b, &a)] {
            let partner = if state >> (1 - bit) & 1 == 1 {
                other.plastic_final.xy() / 0.5 * coupling
            } else {
                0.0
            };
            let sigma = stress + partner;
            let saddle = own.barrier - 2.0 * sigma * own.plastic_saddle.xy();
            let end = own.energy_final - 2.0 * sigma * own.plastic_final.xy();
            let base = if state >> bit & 1 == 1 { end } else { 0.0 };
            let rate = 3.6 * (-(saddle.max(end).max(0.0) - base) / KT).exp();
            let to = state ^ (1 << bit);
            generator[(to, state)] += rate;
            generator[(state, state)] -= rate;
        }
    }
    let exact = (generator * time).exp();
    let protocol = hold(stress, time, Rows::Even(1));
    let runs = 6000;
    let mut counts = [0.0; 4];
    for index in 0..runs {
        let mut simulation = Simulation::new(Arc::clone(&lattice), 3, 0, index);
        simulation
            .run(&protocol, &mut |_: &Row, _: &Simulation| {
                ControlFlow::Continue(())
            })
            .unwrap();
        let flipped = simulation.flipped();
        counts[usize::from(flipped[0]) + 2 * usize::from(flipped[1])] += 1.0;
    }
    let chi: f64 = (0..4)
        .map(|state| {
            let expected = runs as f64 * exact[(state, 0)];
            (counts[state] - expected).powi(2) / expected
        })
        .sum();
    // χ² with 3 degrees of freedom exceeds 21.1 once in 1e4.
    assert!(chi < 21.1, "{chi} {counts:?} {exact}");
    // Far from the end: the equilibrium is not what was tested.
    let far = (&exact * &exact * &exact * &exact)[(3, 0)] / exact[(3, 0)];
    assert!((far - 1.0).abs() > 0.2, "{far}");
}

#[test]
fn t8_independent_pairs_creep_and_recover_as_the_standard_linear_solid() {
    let mut settings = settings(6);
    settings.interactions = false;
    let (barrier, gap, omega, stress) = (1.4, 0.3, 0.8, 0.15);
    let count = 8000;
    let placed = (0..count)
        .map(|i| (i % 216, excitation(barrier, gap, omega / 4.0, omega / 2.0)))
        .collect();
    let lattice = lattice(&settings, placed);
    let rates = |sigma: f64| {
        let forward = 3.6 * (-(barrier - 0.5 * omega * sigma) / KT).exp();
        let reverse = 3.6 * (-(barrier - gap + 0.5 * omega * sigma) / KT).exp();
        (forward / (forward + reverse), forward + reverse)
    };
    let (loaded, loaded_rate) = rates(stress);
    let (free, free_rate) = rates(0.0);
    let duration = 3.0 / loaded_rate;
    let mut protocol = hold(stress, duration, Rows::Even(6));
    protocol
        .stages
        .extend(hold(0.0, duration, Rows::Even(6)).stages);
    let mut simulation = Simulation::new(Arc::clone(&lattice), 8, 0, 0);
    let rows = rows_of(&mut simulation, &protocol);
    let jump = count as f64 * omega / lattice.volume();
    let at_release = loaded * (1.0 - (-3.0_f64).exp());
    for row in &rows {
        let (elastic, occupancy) = if row.stage == 0 {
            (
                stress / MU,
                loaded * (1.0 - (-loaded_rate * row.elapsed).exp()),
            )
        } else {
            (
                0.0,
                free + (at_release - free) * (-free_rate * row.elapsed).exp(),
            )
        };
        let error = jump * (occupancy * (1.0 - occupancy) / count as f64).sqrt();
        // 14 rows at 4.5 standard errors: false alarm 1e-4.
        let off = row.strain - elastic - jump * occupancy;
        assert!(off.abs() <= 4.5 * error + 1e-12, "{row:?}: {off} {error}");
    }
    // The load doubles as a check of the form: without Ωσ in the rates it would not pass.
    let wrong = free * (1.0 - (-3.0_f64).exp());
    assert!((at_release - wrong) * (count as f64).sqrt() > 4.5);
}

#[test]
fn t8_slow_loading_reaches_the_equilibrium_softening() {
    // γ_an = (1/V) Σ Ω [f(Δ − Ωσ) − f(Δ)], f(x) = 1/(1 + e^{x/kT}), any σ.
    let mut settings = settings(6);
    settings.interactions = false;
    let mut generator = random_stream(6, Purpose::Test, 0, 0);
    let placed: Vec<(usize, Excitation)> = (0..1000)
        .map(|i| {
            let gap = 2.0 * generator.random::<f64>();
            let omega = 3.0 * (generator.random::<f64>() - 0.5);
            (i % 216, excitation(2.2, gap, omega / 4.0, omega / 2.0))
        })
        .collect();
    let volume = 2160.0;
    let occupied = |excitation: &Excitation, sigma: f64| {
        let x = excitation.energy_final - 2.0 * excitation.plastic_final.xy() * sigma;
        1.0 / (1.0 + (x / KT).exp())
    };
    let softened = |sigma: f64| -> f64 {
        placed
            .iter()
            .map(|(_, e)| {
                2.0 * e.plastic_final.xy() * (occupied(e, sigma) - occupied(e, 0.0)) / volume
            })
            .sum()
    };
    let gamma = 0.03;
    let (mut low, mut high) = (0.0, MU * gamma);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if middle / MU + softened(middle) < gamma {
            low = middle;
        } else {
            high = middle;
        }
    }
    let lattice = lattice(&settings, placed.clone());
    let cycle = Cycle {
        aging: Some(Duration::Tau(4e3)),
        strain_rate: StrainRate::PerTau(gamma / 1e4),
        strain: gamma,
        unload_rate: StrainRate::PerTau(1.0),
        recovery: Duration::Tau(1.0),
        rows: 1,
        decades: 1.0,
    };
    let runs = 2;
    let mut odd = Vec::new();
    for index in 0..runs {
        let end = |cycle: &Cycle, index: u64| {
            let mut simulation = Simulation::new(Arc::clone(&lattice), 15, 0, index);
            let rows = rows_of(&mut simulation, &cycle.protocol());
            rows.iter().rfind(|row| row.stage == 1).unwrap().stress.xy()
        };
        odd.push(0.5 * (end(&cycle, 2 * index) - end(&cycle.reversed(), 2 * index + 1)));
    }
    let mean = odd.iter().sum::<f64>() / f64::from(odd.len() as u32);
    // Fluctuation of the plastic strain at both ends of a run, Σ Ω² f(1 − f)/V², times μ; two
    // independent runs a difference. The true slope at zero stress would be off by several.
    let noise: f64 = placed
        .iter()
        .map(|(_, e)| {
            let (f, omega) = (occupied(e, 0.0), 2.0 * e.plastic_final.xy());
            2.0 * omega * omega * f * (1.0 - f) / (volume * volume)
        })
        .sum();
    let error = MU * (0.5 * noise / f64::from(odd.len() as u32)).sqrt();
    assert!((mean - low).abs() < 4.0 * error, "{mean} {low} ± {error}");
    assert!(
        MU * gamma - low > 5.0 * error,
        "softening {low} against {}",
        MU * gamma
    );
}

#[test]
fn t11_threads_do_not_change_an_event() {
    let mut settings = settings(28);
    settings.maximum_events = 150;
    let mut generator = random_stream(2, Purpose::Test, 0, 0);
    let placed = (0..24_000)
        .map(|_| {
            let site = generator.random_range(0..21_952);
            let mut number = || generator.random::<f64>();
            let e = excitation(
                1.0 + 3.0 * number(),
                number(),
                number() - 0.5,
                number() - 0.5,
            );
            (site, e)
        })
        .collect();
    let lattice = lattice(&settings, placed);
    let load = Load::StrainRamp {
        rate: StrainRate::PerTau(1e-3),
        to: 0.02,
    };
    let protocol = stage(load, Rows::Even(2));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut simulation = Simulation::new(Arc::clone(&lattice), 4, 0, 0);
            let mut record = Record::default();
            simulation.run(&protocol, &mut record).unwrap();
            record.events
        })
    };
    let serial = run(1);
    assert_eq!(serial.len(), 150);
    for threads in [2, 4] {
        assert_eq!(run(threads), serial, "{threads} threads");
    }
}
