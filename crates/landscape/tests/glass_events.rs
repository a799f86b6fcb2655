//! Events, elasticity and load following on the reference glass of 500 atoms.
#![cfg(test)]

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use metabasin_atoms::Stress;
use metabasin_catalogue::{EventRecord, SampleRecord};
use metabasin_interactions::{
    BinaryLennardJones, Cut, EnergyLandscape, ForceField, Kernel, flatten,
};
use metabasin_landscape::{
    DescentMethod, HeatSettings, IdentityTolerances, LoadSettings, LoadedBarrier, LoadedMinimum,
    Loading, ReverificationTolerances, Reverifier, SampleContext, SearchResult, SearchSettings,
    Searcher, Settled, barrier_at_stress, local_stiffnesses, relaxed_stiffness, same_event,
    sample_record, settle,
};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_testkit::small_inherent_structure;
use nalgebra::Vector3;

fn force_field() -> ForceField {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    ForceField::new(potential, Kernel::Portable)
}

fn searcher() -> &'static Searcher {
    static SEARCHER: OnceLock<Searcher> = OnceLock::new();
    SEARCHER.get_or_init(|| {
        let start = small_inherent_structure();
        let (minimum, _) =
            InherentStructure::quench(&start, force_field(), &Lbfgs::default(), 1e-5).unwrap();
        Searcher::new(&minimum, SearchSettings::default(), 1, 0).unwrap()
    })
}

fn sample() -> SampleRecord {
    let context = SampleContext {
        source: "test".into(),
        temperature: None,
        stress_thermal: None,
        attempt_frequency: 1.0,
        attempt_frequency_band: 3.0,
        settings: String::new(),
        seed: 1,
    };
    sample_record(searcher().minimum(), searcher().stiffness(), context)
}

/// An event at one shear strain that it reached.
fn loaded(event: &EventRecord, gamma: f64) -> Option<LoadedBarrier> {
    let (shear, settings) = (Loading::simple_shear(), SearchSettings::default());
    let load = LoadSettings::default();
    let minimum =
        LoadedMinimum::follow(searcher().minimum(), shear, &[gamma], &settings, load).unwrap();
    let followed = minimum.follow_event(event).unwrap();
    followed.points.last().copied()
}

/// The first connected event with a barrier above 1 ε that can be followed a little both ways.
fn event() -> &'static EventRecord {
    static EVENT: OnceLock<EventRecord> = OnceLock::new();
    EVENT.get_or_init(|| {
        (0..70)
            .filter_map(|index| searcher().run(index)?.event)
            .find(|event| {
                let follows = |gamma: f64| loaded(event, gamma).is_some();
                event.barrier_forward > 1.0
                    && follows(2e-4)
                    && follows(1e-4)
                    && follows(-5e-5)
                    && follows(5e-5)
            })
            .expect("a fair share of the searches ends connected")
    })
}

fn searched(threads: usize) -> Vec<SearchResult> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let mut results = Vec::new();
    pool.install(|| {
        searcher().run_range(3..9, |mut result| {
            result.record.seconds = 0.0;
            results.push(result);
            ControlFlow::Continue(())
        });
    });
    results
}

#[test]
fn any_number_of_threads_gives_the_same_results_in_order() {
    let one = searched(1);
    assert_eq!(one, searched(2));
    let order: Vec<u64> = one.iter().map(|result| result.record.index).collect();
    assert_eq!(order, [3, 4, 5, 6, 7, 8]);
}

#[test]
fn stopping_leaves_a_prefix() {
    let mut order = Vec::new();
    searcher().run_range(0..40, |result| {
        order.push(result.record.index);
        if order.len() == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert_eq!(order, [0, 1, 2]);
}

#[test]
fn an_event_keeps_its_promises() {
    let event = event();
    assert!(event.is_verified() && event.index_method == "inertia");
    assert!(event.lowest_eigenvalue < 0.0 && event.largest_force_saddle < 1e-8);
    let mut landscape = searcher().minimum().landscape();
    let mut saddle = searcher().minimum().coordinates();
    let field = &event.displacement_saddle;
    for (atom, u) in field.atoms.iter().zip(&field.displacements) {
        for k in 0..3 {
            saddle[3 * *atom as usize + k] += u[k];
        }
    }
    let mut gradient = vec![0.0; saddle.len()];
    let energy = landscape.evaluate(&saddle, &mut gradient);
    // Unstored displacements are below 1e-4 each: the saddle is met to second order in them.
    assert!((energy - event.energy_saddle).abs() < 1e-3);
    let stress = landscape.stress(&saddle).unwrap();
    let dipole = (searcher().minimum().stress() - stress) * landscape.cell().volume();
    assert!((Stress(event.dipole_saddle.0) - dipole).norm() < 0.05);
    // A positive dipole in xy unloads a positive stress: the same sign in plastic strain.
    let stiffness = searcher().stiffness();
    let strain = stiffness.strain(Stress(event.dipole_saddle.0)).unwrap();
    assert!((event.activation_volume().unwrap() - 2.0 * strain.xy()).abs() < 1e-12);
}

#[test]
fn stiffness_is_the_slope_of_re_minimized_stress() {
    let stiffness = relaxed_stiffness(searcher().minimum()).unwrap();
    let step = 2e-5;
    let at = |gamma: f64| {
        let strained = searcher().minimum().configuration().sheared(gamma);
        let (minimum, _) =
            InherentStructure::quench(&strained, force_field(), &Lbfgs::default(), 1e-7).unwrap();
        minimum.polished(1e-9).unwrap().stress()
    };
    let slope = (at(step) - at(-step)) * (0.5 / step);
    // A simple shear is the symmetric strain and a rotation by −γ/2, which turns the stress that
    // is already there: dσ = ω σ − σ ω with ω_xy = γ/2.
    let initial = searcher().minimum().stress();
    let turned = turned(initial);
    for a in 0..6 {
        let expected = stiffness.0[a][3] + turned.0[a];
        assert!(
            (slope.0[a] - expected).abs() < 1e-3,
            "component {a}: {} against {expected}",
            slope.0[a]
        );
    }
    let shear = (stiffness.0[3][3] + stiffness.0[4][4] + stiffness.0[5][5]) / 3.0;
    assert!((shear - 18.0).abs() < 1.5, "mean shear modulus {shear}");
}

#[test]
fn stiffnesses_of_atoms_average_to_that_of_the_relaxed_sample() {
    let minimum = searcher().minimum();
    let whole = relaxed_stiffness(minimum).unwrap();
    let local = local_stiffnesses(minimum).unwrap();
    let mut largest_nonaffine = 0.0_f64;
    for a in 0..6 {
        for b in 0..6 {
            let sum: f64 = local
                .iter()
                .map(|of| of.born.0[a][b] + of.nonaffine.0[a][b])
                .sum();
            let mean = sum / local.len() as f64;
            // Both rest on the same solution of the linear response, converged to 1e-10.
            assert!(
                (mean - whole.0[a][b]).abs() < 1e-8,
                "{a} {b}: {mean} for {}",
                whole.0[a][b]
            );
            let part: f64 = local.iter().map(|of| of.nonaffine.0[a][b]).sum();
            largest_nonaffine = largest_nonaffine.max((part / local.len() as f64).abs());
        }
    }
    assert!(largest_nonaffine > 5.0, "{largest_nonaffine}");
}

#[test]
fn the_slope_of_the_barrier_is_the_stress_difference() {
    let step = 5e-5;
    let at = |gamma: f64| loaded(event(), gamma).unwrap();
    let (behind, here, ahead) = (at(-step), at(0.0), at(step));
    assert!((here.barrier - event().barrier_forward).abs() < 1e-9);
    let difference = (ahead.barrier - behind.barrier) / (2.0 * step);
    assert!((here.slope + event().dipole_saddle.xy()).abs() < 1e-6);
    assert!(
        (difference - here.slope).abs() < 1e-4 * here.slope.abs().max(1.0),
        "{difference} against {}",
        here.slope
    );
    assert!((here.omega_xy().unwrap() - event().activation_volume().unwrap()).abs() < 1e-6);
}

/// By how much a stress changes for each unit of simple shear because that turns the sample.
fn turned(stress: Stress) -> Stress {
    let mut spin = nalgebra::Matrix3::zeros();
    spin[(0, 1)] = 0.5;
    spin[(1, 0)] = -0.5;
    let matrix = stress.to_matrix();
    Stress::from_matrix(&(spin * matrix - matrix * spin))
}

#[test]
fn an_event_in_a_strained_cell_has_the_barrier_of_its_stress() {
    let predicted = |stress| {
        barrier_at_stress(event(), &sample(), stress)
            .unwrap()
            .saddle
    };
    let [near, far] = [1e-4, 2e-4].map(|gamma| {
        let strained = searcher().minimum().configuration().sheared(gamma);
        let (other, _) =
            InherentStructure::quench(&strained, force_field(), &Lbfgs::default(), 1e-7).unwrap();
        let there = loaded(event(), gamma).unwrap();
        // Simple shear turns the sample by γ/2, and its stress with it, which changes no barrier.
        let initial = searcher().minimum().stress();
        let stress = other.stress() - turned(initial) * gamma;
        let change = predicted(stress) - predicted(initial);
        let strain = searcher().stiffness().strain(stress - initial);
        let work = event().dipole_saddle.contract(strain.unwrap().0);
        let measured = there.barrier - event().barrier_forward;
        (change, measured, measured + work)
    });
    // dE = −P:ε up to the second order in the strain, V ΔC γ²/2 with ΔC of the order of C.
    let second_order = 0.5 * sample().volume() * 18.0 * 2e-4 * 2e-4;
    assert!(far.2.abs() < 3.0 * second_order, "{near:?} {far:?}");
    assert!((far.2 / near.2 - 4.0).abs() < 0.4, "{near:?} {far:?}");
    assert!((far.1 / near.1 - 2.0).abs() < 0.1, "{near:?} {far:?}");
    // P:S:σ takes S as symmetric, which it is but for the deviatoric stress over the modulus.
    assert!((far.0 / far.1 - 1.0).abs() < 0.02, "{near:?} {far:?}");
}

#[test]
fn duplicates_are_recognized_and_near_misses_are_not() {
    let (event, sample) = (event(), sample());
    let tolerances = IdentityTolerances::default();
    assert!(same_event(event, event, &sample, tolerances));
    let mut shaken = event.clone();
    for u in &mut shaken.displacement_saddle.displacements {
        u[0] += 1e-4;
    }
    assert!(same_event(event, &shaken, &sample, tolerances));
    let mut higher = event.clone();
    higher.energy_saddle += 1e-3;
    assert!(!same_event(event, &higher, &sample, tolerances));
    let mut elsewhere = event.clone();
    elsewhere.displacement_saddle.displacements[0][1] += 0.1;
    assert!(!same_event(event, &elsewhere, &sample, tolerances));
}

#[test]
fn the_sample_record_describes_the_minimum() {
    let sample = sample();
    assert_eq!(
        (sample.cut.as_str(), sample.positions.len()),
        ("smooth", 500)
    );
    assert!(sample.largest_force < 1e-8);
    let positions: Vec<Vector3<f64>> = sample.positions.iter().map(|&p| p.into()).collect();
    assert_eq!(flatten(&positions), searcher().minimum().coordinates());
}

/// Norm of a symmetric tensor given as xx, yy, zz, xy, xz, yz.
fn norm(components: [f64; 6]) -> f64 {
    let weight = |k: usize| if k < 3 { 1.0 } else { 2.0 };
    let squares = (0..6).map(|k| weight(k) * components[k] * components[k]);
    squares.sum::<f64>().sqrt()
}

#[test]
fn one_event_searched_in_two_cells_has_one_barrier_at_one_stress() {
    let strain = 1e-6;
    for axes in [3, 1] {
        // Another volume, or another length along x: symmetric strains, without rotation.
        let stretch = |v: Vector3<f64>| {
            Vector3::from_fn(|k, _| {
                if k < axes {
                    v[k] * (1.0 + strain)
                } else {
                    v[k]
                }
            })
        };
        let mut configuration = searcher().minimum().configuration().clone();
        let matrix = configuration.cell.matrix();
        let [a, b, c] = [0, 1, 2].map(|k| stretch(matrix.column(k).into_owned()));
        configuration.cell = metabasin_atoms::Cell::new([a.x, b.y, c.z, b.x, c.x, c.y]).unwrap();
        for position in &mut configuration.positions {
            *position = stretch(*position);
        }
        let (other, _) =
            InherentStructure::quench(&configuration, force_field(), &Lbfgs::default(), 1e-7)
                .unwrap();
        let other = other.polished(1e-9).unwrap();
        // Converged again in the other cell; the stored energies are shifted to its minimum.
        let mut there = event().clone();
        there.energy_minimum = other.energy();
        there.energy_saddle = there.energy_minimum + there.barrier_forward;
        there.energy_final = there.energy_saddle - there.barrier_reverse;
        let wide = ReverificationTolerances {
            energy: 1.0,
            displacement: 0.1,
            dipole: 10.0,
        };
        let row = Reverifier::new(&other, SearchSettings::default(), wide)
            .unwrap()
            .check(&there);
        assert!(row.holds(), "{row:?}");
        there.barrier_forward = row.barrier_forward.unwrap();
        let mut in_other_cell = sample();
        in_other_cell.stress_minimum = other.stress();
        in_other_cell.cell = other.configuration().cell.components();
        let change = there.barrier_forward - event().barrier_forward;
        for stress in [other.stress(), Stress::ZERO] {
            let here = barrier_at_stress(event(), &sample(), stress).unwrap();
            let there = barrier_at_stress(&there, &in_other_cell, stress).unwrap();
            let off = here.saddle - there.saddle;
            // Second order in the strain, V C ε²/2, is about 1e-8. What is left is a share of about
            // σ_0/(2μ), here 2.3 %, of the change: stiffness and change of stress differ by products
            // of strain and the stress that is there already.
            let share = 0.5 * sample().stress_minimum.norm() / 18.0;
            // Of the work of all components of the dipole, which may cancel in the change itself.
            let work = strain * f64::from(axes as u32).sqrt() * norm(event().dipole_saddle.0);
            assert!(off.abs() < share * work + 1e-8, "{off} of {change}, {work}");
        }
        assert!(change.abs() > 1e-5, "too small to tell: {change}");
    }
}

/// The basins that events join are those of steepest descent, whatever a minimizer does.
#[test]
fn steepest_descent_itself_leads_from_the_saddle_to_both_minima() {
    let settings = SearchSettings {
        descents: DescentMethod::GradientFlow,
        ..SearchSettings::default()
    };
    let minimum = searcher().minimum();
    let by_flow = Searcher::new(minimum, settings, 1, 0).unwrap();
    let event = (0..70).find_map(|index| by_flow.run(index)?.event).unwrap();
    let check = |event| {
        Reverifier::new(
            minimum,
            SearchSettings::default(),
            ReverificationTolerances::default(),
        )
        .unwrap()
        .by_gradient_flow()
        .check(event)
    };
    let row = check(&event);
    assert!(row.holds(), "{row:?}");
    // Another final minimum than the one it leads to.
    let mut elsewhere = event.clone();
    elsewhere.displacement_final.displacements[0][0] += 0.1;
    let row = check(&elsewhere);
    assert!(!row.holds() && row.connected == Some(true), "{row:?}");
}

/// What heat finds is an event like any other: it holds when it is derived again, and a search draws
/// the same whenever it runs.
#[test]
fn heat_leads_to_events_that_hold() {
    heated_events_hold(HeatSettings::default(), 5);
}

/// The same where a small region is heated and nothing around gives way.
#[test]
fn heat_among_frozen_atoms_leads_to_events_that_hold() {
    heated_events_hold(HeatSettings::frozen(), 20);
}

fn heated_events_hold(heat: HeatSettings, searches: u64) {
    let settings = SearchSettings {
        heat: Some(heat),
        ..SearchSettings::default()
    };
    let minimum = searcher().minimum();
    let heated = Searcher::new(minimum, settings, 1, 0).unwrap();
    let results: Vec<SearchResult> = (0..searches)
        .map(|index| heated.run(index).unwrap())
        .collect();
    let events: Vec<&EventRecord> = results.iter().filter_map(|r| r.event.as_ref()).collect();
    assert!(!events.is_empty());
    let verifier = Reverifier::new(
        minimum,
        SearchSettings::default(),
        ReverificationTolerances::default(),
    )
    .unwrap();
    for event in &events {
        let row = verifier.check(event);
        assert!(row.holds(), "{row:?}");
    }
    // Dynamics and quenches are paid for.
    for result in &results {
        assert!(result.record.evaluations.basin > 5, "{:?}", result.record);
    }
    let first = results.iter().find(|result| result.event.is_some());
    let first = first.unwrap();
    let again = heated.run(first.record.index).unwrap();
    assert_eq!(again.event, first.event);
    assert_eq!(again.record.evaluations, first.record.evaluations);
}

/// This sample has a neighbor deeper by 0.14 ε across a barrier of some hundredths.
#[test]
fn a_deeper_neighbor_across_a_tiny_barrier_is_found_and_a_high_barrier_is_not_crossed() {
    let minimum = searcher().minimum();
    let settings = SearchSettings::default();
    let settled = |barrier: f64| {
        settle(minimum, &settings, 1, 0, (0..10, barrier), &|_| {
            ControlFlow::Continue(())
        })
        .unwrap()
        .unwrap()
    };
    let Settled {
        minimum: deeper,
        moves,
        force_evaluations,
    } = settled(0.8);
    assert!(!moves.is_empty() && force_evaluations > 0);
    let descent: f64 = moves.iter().map(|step| step.descent).sum();
    assert!((deeper.energy() - minimum.energy() - descent).abs() < 1e-6);
    assert!(descent < -0.1 && moves.iter().all(|step| step.descent < 0.0));
    assert!(moves.iter().all(|step| step.barrier_bound <= 0.8));
    assert!(deeper.largest_force() < 1e-8);
    let stayed = settled(1e-3);
    assert!(stayed.moves.is_empty());
    assert_eq!(stayed.minimum.coordinates(), minimum.coordinates());
    let told_to_stop = |_: usize| ControlFlow::Break(());
    let stopped = settle(minimum, &settings, 1, 0, (0..10, 0.8), &told_to_stop).unwrap();
    assert!(stopped.is_none());
}
