//! T2, T3, T8, T9, T10 of the model's list of checks: inclusions, random mixtures, exhaustion, the
//! limit of zero temperature, and the signs of what a loaded and unloaded glass shows.
//!
//! Fixed seeds; every limit states its false-alarm rate.
#![cfg(test)]

use std::f64::consts::PI;
use std::sync::Arc;

use metabasin_atoms::units::{Duration, StrainRate, Temperature};
use metabasin_atoms::{PlasticVolume, Purpose, Stress, random_stream};
use metabasin_eshelby::*;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

#[path = "support/excitations.rs"]
mod excitations;
use excitations::*;

fn unloaded(duration: f64, rows: Rows) -> Protocol {
    let load = Load::StressHold {
        stress: Stress::ZERO,
        duration: Duration::Tau(duration),
    };
    stage(load, rows)
}

fn place(site: usize, edge: usize) -> [isize; 3] {
    [site % edge, site / edge % edge, site / (edge * edge)].map(|i| i as isize)
}

fn between(kernel: &Kernel, from: usize, to: usize) -> [isize; 3] {
    let edge = kernel.edge();
    let (from, to) = (place(from, edge), place(to, edge));
    std::array::from_fn(|axis| to[axis] - from[axis])
}

/// Mean and its standard error.
fn mean(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

/// Eshelby's inclusion of sites: inside, the stress of a uniform strain is that of the sphere, −2μ(1 − β)ε
/// in shear and −4μ(1 + ν)/3(1 − ν) e in dilatation, each times what the smeared sphere holds of itself
/// less its share of the cell: exactly so for the mean over the five shears, up to the lattice of images
/// for one of them. Of a dilatation's stress there is no trace anywhere else.
#[test]
fn t2_a_sphere_of_sites_is_eshelbys_inclusion() {
    let (edge, radius, width) = (40, 6.0_f64, 0.5);
    let kernel = Kernel::gaussian(edge, 1.0, width, medium()).unwrap();
    let inside: Vec<[isize; 3]> = (0..edge.pow(3))
        .map(|site| place(site, edge).map(|i| i - 20))
        .filter(|r| ((r[0] * r[0] + r[1] * r[1] + r[2] * r[2]) as f64) < radius * radius)
        .collect();
    let share = inside.len() as f64 / edge.pow(3) as f64;
    // Two Gaussians of standard deviation s overlap as one of √2 s.
    let overlap = |r: [isize; 3]| {
        let square = (r[0] * r[0] + r[1] * r[1] + r[2] * r[2]) as f64;
        (-square / (4.0 * width * width)).exp() / (4.0 * PI * width * width).powf(1.5)
    };
    let field = |at: [isize; 3], plastic: PlasticVolume| {
        let mut stress = Stress::ZERO;
        let mut held = -share;
        for source in &inside {
            let r = std::array::from_fn(|axis| at[axis] - source[axis]);
            stress += kernel.stress(r, plastic);
            held += overlap(r);
        }
        (stress, held)
    };
    let dilatation = PlasticVolume([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    let elongation = PlasticVolume([1.0, -1.0, 0.0, 0.0, 0.0, 0.0]);
    let bulk = -4.0 * MU * (1.0 + NU) / (3.0 * (1.0 - NU));
    let sample: Vec<[isize; 3]> = inside.iter().copied().step_by(3).collect();
    let (mut sheared, mut elongated, mut dilated, mut held) = (0.0, 0.0, 0.0, 0.0);
    for &at in &sample {
        let (stress, of_itself) = field(at, shear(1.0));
        sheared += stress.xy();
        held += of_itself;
        let stress = field(at, elongation).0;
        elongated += 0.5 * (stress.0[0] - stress.0[1]);
        dilated += field(at, dilatation).0.trace() / 3.0;
    }
    let expected = -2.0 * MU * (1.0 - medium().sphere_factor()) * held;
    let five = (3.0 * sheared + 2.0 * elongated) / 5.0;
    // The aliases of k = 0, 6 exp(−4π²s²) of them, are missing; a sample is not quite a sphere.
    assert!((five / expected - 1.0).abs() < 5e-3, "{five} {expected}");
    assert!(
        (sheared / expected - 1.0).abs() < 0.03,
        "{sheared} {expected}"
    );
    assert!((dilated / (bulk * held) - 1.0).abs() < 1e-3, "{dilated}");
    // A sphere of 6 sites holds most of its own.
    let of_itself = held / sample.len() as f64;
    assert!((0.8..1.0).contains(&of_itself), "{of_itself}");
    for at in [[0, 0, 0], [6, 0, 0], [4, 4, 2], [9, 1, 0], [20, 20, 20]] {
        let (stress, of_itself) = field(at, dilatation);
        let expected = 3.0 * bulk * of_itself;
        assert!(
            (stress.trace() - expected).abs() < 1e-3 * bulk.abs(),
            "{at:?}: {stress:?}"
        );
    }
}

/// The mean stress on sites that carry plastic strain at random is that of each on itself, less what
/// the removed mean of the kernel gives back: K(0) p n (1 − (A − 1)/(N − 1)) with A of N sites active.
#[test]
fn t3_a_random_mixture_holds_its_sheared_sites_back() {
    let settings = KmcSettings {
        elastic_sites: ElasticSites::Independent { fraction: 0.4 },
        ..settings(10)
    };
    let population = Population {
        // All give way.
        excitations: vec![excitation(0.3, -30.0, 0.0, 0.3)],
        volume: 5.0,
        elasticity: medium(),
        unverified: 0,
    };
    let kernel = settings.kernel(population.elasticity).unwrap();
    let own = kernel.stress([0, 0, 0], shear(0.3)).xy();
    let (active, sites) = (600.0, 1000.0);
    let mut ratios = [Vec::new(), Vec::new()];
    for index in 0..16 {
        let lattice =
            Lattice::draw(&population, &settings, Arc::clone(&kernel), 5, 0, index).unwrap();
        let lattice = Arc::new(lattice);
        let mut simulation = Simulation::new(Arc::clone(&lattice), 5, 0, index);
        let mut record = Record::default();
        simulation
            .run(&unloaded(1e6, Rows::Even(1)), &mut record)
            .unwrap();
        assert!(simulation.flipped().iter().all(|&flipped| flipped));
        let a_site = lattice.excitations() as f64 / active;
        let row = record.rows.last().unwrap();
        let expected = own * a_site * (1.0 - (active - 1.0) / (sites - 1.0));
        ratios[0].push(row.reported_active_mean.xy() / expected);
        let elastic = row.reported_elastic_mean.unwrap().xy();
        ratios[1].push(-elastic * (sites - active) / active / expected);
    }
    for ratios in ratios {
        let (ratio, error) = mean(&ratios);
        // Student's t at 15 degrees of freedom exceeds 5 twice in 1e4; a 5 % error would be 5 of them.
        assert!((ratio - 1.0).abs() < 5.0 * error, "{ratio} ± {error}");
        assert!(error < 0.01, "{error}");
    }
}

/// Ein(z) = ∫₀^z (1 − e^{−t})/t dt: by its series, or ln z + γ_E beyond, where E₁ is nothing.
fn entire_exponential_integral(z: f64) -> f64 {
    if z > 30.0 {
        return z.ln() + 0.577_215_664_901_532_9;
    }
    let (mut sum, mut term) = (0.0, -1.0);
    for k in 1..200 {
        term *= -z / f64::from(k);
        sum += term / f64::from(k);
    }
    sum
}

/// Barriers spread evenly up to E_m are used up as N(t) = g₀ kT [Ein(νt) − Ein(νt e^{−E_m/kT})]: with log t.
#[test]
fn t8_evenly_spread_barriers_exhaust_with_the_logarithm_of_time() {
    let mut settings = settings(6);
    settings.interactions = false;
    let (count, highest) = (20_000, 3.0);
    let placed = (0..count)
        .map(|i| {
            let barrier = highest * (i as f64 + 0.5) / count as f64;
            (i % 216, excitation(barrier, -30.0, 0.0, 0.0))
        })
        .collect();
    let kernel = settings.kernel(medium()).unwrap();
    let lattice = Lattice::with_excitations(&settings, kernel, placed).unwrap();
    let mut simulation = Simulation::new(Arc::new(lattice), 3, 0, 0);
    let rows = Rows::Logarithmic {
        count: 6,
        decades: 4.0,
    };
    let mut record = Record::default();
    simulation.run(&unloaded(4e3, rows), &mut record).unwrap();
    let mut distinguished = 0.0;
    for row in &record.rows[1..] {
        let attempts = 3.6 * row.elapsed;
        let used = count as f64 / highest
            * KT
            * (entire_exponential_integral(attempts)
                - entire_exponential_integral(attempts * (-highest / KT).exp()));
        let survive = |i: usize| {
            let barrier = highest * (i as f64 + 0.5) / count as f64;
            (-attempts * (-barrier / KT).exp()).exp()
        };
        let variance: f64 = (0..count).map(|i| survive(i) * (1.0 - survive(i))).sum();
        // 6 rows at 4.2 standard errors: false alarm 2e-4.
        let off = row.events as f64 - used;
        assert!(off.abs() < 4.2 * variance.sqrt(), "{used} {off} {variance}");
        // What 5 % more would be at the end, when a third of all are left.
        distinguished = 0.05 * used / variance.sqrt();
    }
    assert!(distinguished > 8.0, "{distinguished}");
}

/// Near T = 0 a ramp lets every excitation go when its own barrier is gone, and none stays that has none:
/// checked event by event with stresses summed over all pairs.
#[test]
fn t9_near_zero_temperature_barriers_give_way_in_their_order() {
    let edge = 10;
    let settings = KmcSettings {
        temperature: Temperature::Reduced(1e-5),
        ..settings(edge)
    };
    let mut generator = random_stream(31, Purpose::Test, 0, 0);
    let placed: Vec<(usize, Excitation)> = (0..60)
        .map(|i| {
            let site = (i * 16 + generator.random_range(0..16)) % 1000;
            let saddle = 0.3 + 0.5 * generator.random::<f64>();
            let barrier = 0.15 + generator.random::<f64>();
            (site, excitation(barrier, -30.0, saddle, 0.8 * saddle))
        })
        .collect();
    let kernel = settings.kernel(medium()).unwrap();
    let lattice =
        Lattice::with_excitations(&settings, Arc::clone(&kernel), placed.clone()).unwrap();
    let (volume, rate) = (lattice.volume(), 1e-6);
    let load = Load::StrainRamp {
        rate: StrainRate::PerTau(rate),
        to: 0.05,
    };
    let mut simulation = Simulation::new(Arc::new(lattice), 3, 0, 0);
    let mut record = Record::default();
    simulation
        .run(&stage(load, Rows::Even(1)), &mut record)
        .unwrap();
    let mut flipped = vec![false; placed.len()];
    // Of excitation i at strain γ: E + μΩ²/2V − Ωσ with Ω = 2 p_xy of the saddle.
    let barrier = |flipped: &[bool], strain: f64, i: usize| {
        let (site, own) = &placed[i];
        let mut stress = MU * strain;
        for ((other, excitation), _) in placed.iter().zip(flipped).filter(|(_, f)| **f) {
            stress -= MU * 2.0 * excitation.plastic_final.xy() / volume;
            stress += kernel
                .stress(between(&kernel, *other, *site), excitation.plastic_final)
                .xy();
        }
        let omega = 2.0 * own.plastic_saddle.xy();
        own.barrier + MU * omega * omega / (2.0 * volume) - omega * stress
    };
    assert!(record.events.len() > 20, "{}", record.events.len());
    let mut previous = 0.0;
    let mut interacted = 0.0_f64;
    for event in &record.events {
        let strain = rate * event.time;
        // T ln(ν T/b) and what a Gumbel distribution leaves: far below 1e-3.
        let here = barrier(&flipped, strain, event.excitation);
        assert!(here < 1e-3, "{event:?}: {here}");
        interacted = interacted.max((barrier(&[false; 60], strain, event.excitation) - here).abs());
        // Whoever has no barrier goes within a few attempts, at 3.6 a time unit.
        if event.time - previous > 100.0 {
            for i in (0..placed.len()).filter(|&i| !flipped[i]) {
                let other = barrier(&flipped, strain, i);
                assert!(other > -1e-3, "{i} waits at {strain}: {other}");
            }
        }
        previous = event.time;
        flipped[event.excitation] = true;
    }
    for i in (0..placed.len()).filter(|&i| !flipped[i]) {
        assert!(barrier(&flipped, 0.05, i) > -1e-3);
    }
    // Without interactions, or with them 5 % wrong, some would go at another time.
    assert!(0.05 * interacted > 3e-3, "{interacted}");
}

/// A population with barriers and volumes of a glass's order.
fn glass() -> Population {
    let mut generator = random_stream(7, Purpose::Test, 0, 0);
    let excitations = (0..60)
        .map(|k| {
            let mut number = || -> f64 { StandardNormal.sample(&mut generator) };
            let mut tensor = PlasticVolume(std::array::from_fn(|_| 0.35 * number()));
            tensor = tensor.deviator();
            let barrier = 1.8 + 2.0 * (f64::from(k) / 60.0);
            Excitation {
                plastic_saddle: tensor * 0.5,
                plastic_final: tensor,
                ..excitation(barrier, 0.3 + 0.3 * number().abs(), 0.0, 0.0)
            }
        })
        .collect();
    Population {
        excitations,
        volume: 1000.0,
        elasticity: medium(),
        unverified: 0,
    }
}

/// Slower loading softens, leaves strain of the load's sign, and the sheared sites are held back by the
/// others: each in the difference of loads of both signs, at 3 standard errors over lattices.
#[test]
fn t10_slow_loading_softens_leaves_strain_and_back_stress() {
    let population = glass();
    let settings = KmcSettings {
        elastic_sites: ElasticSites::Independent { fraction: 0.3 },
        orientations: Orientations::Cubic,
        site_volume: 20.0,
        ..settings(6)
    };
    let kernel = settings.kernel(population.elasticity).unwrap();
    let cycle = |rate: f64, strain: f64| Cycle {
        aging: Some(Duration::Tau(3e3)),
        strain_rate: StrainRate::PerTau(rate),
        strain,
        unload_rate: StrainRate::PerTau(1e-2),
        recovery: Duration::Tau(1.0),
        rows: 20,
        decades: 1.0,
    };
    let (mut fall, mut residual, mut active, mut elastic) = (vec![], vec![], vec![], vec![]);
    for index in 0..8 {
        let lattice =
            Lattice::draw(&population, &settings, Arc::clone(&kernel), 9, 0, index).unwrap();
        let lattice = Arc::new(lattice);
        let run = |rate: f64, strain: f64| {
            let mut simulation = Simulation::new(Arc::clone(&lattice), 9, 0, index);
            let mut record = Record::default();
            simulation
                .run(&cycle(rate, strain).protocol(), &mut record)
                .unwrap();
            let of = |stage: usize| -> Vec<Row> {
                record
                    .rows
                    .iter()
                    .filter(|row| row.stage == stage)
                    .cloned()
                    .collect()
            };
            let (loading, unloading) = (of(1), of(2));
            let end = unloading.last().unwrap();
            [
                loading.last().unwrap().stress.xy(),
                end.strain,
                end.reported_active_mean.xy(),
                end.reported_elastic_mean.unwrap().xy(),
            ]
        };
        let odd = |rate: f64| {
            let (plus, minus) = (run(rate, 0.02), run(rate, -0.02));
            results::half_difference(&plus, &minus)
        };
        let (slow, fast) = (odd(1e-6), odd(1e-3));
        fall.push(fast[0] - slow[0]);
        residual.push(slow[1]);
        active.push(-slow[2]);
        elastic.push(slow[3]);
    }
    for (name, numbers) in [
        ("softening", fall),
        ("residual strain", residual),
        ("back stress", active),
        ("stress of elastic sites", elastic),
    ] {
        let (value, error) = mean(&numbers);
        assert!(value > 3.0 * error, "{name}: {value} ± {error}");
    }
}
