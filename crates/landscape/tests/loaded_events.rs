//! Events under strain on the reference glass of 500 atoms.
#![cfg(test)]

use std::sync::{Arc, OnceLock};

use metabasin_atoms::{Strain, Stress};
use metabasin_catalogue::EventRecord;
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use metabasin_landscape::{
    FollowedEvent, LandscapeError, LoadSettings, LoadedBarrier, LoadedMinimum, LoadedState,
    Loading, SearchSettings, Searcher,
};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_testkit::small_inherent_structure;

fn searcher() -> &'static Searcher {
    static SEARCHER: OnceLock<Searcher> = OnceLock::new();
    SEARCHER.get_or_init(|| {
        let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
        let field = ForceField::new(potential, Kernel::Portable);
        let start = small_inherent_structure();
        let (minimum, _) =
            InherentStructure::quench(&start, field, &Lbfgs::default(), 1e-5).unwrap();
        // All atoms move: the low events, which vanish soon under load, rarely show among frozen atoms.
        let settings = SearchSettings {
            region_radii: Vec::new(),
            convex_steps: 20,
            soft_every: 1,
            push_step: 0.07,
            soft_step: 0.05,
            escape_curvature: 1.0,
            ..SearchSettings::default()
        };
        Searcher::new(&minimum, settings, 1, 0).unwrap()
    })
}

fn events() -> &'static [EventRecord] {
    static EVENTS: OnceLock<Vec<EventRecord>> = OnceLock::new();
    EVENTS.get_or_init(|| {
        (0..24)
            .filter_map(|index| searcher().run(index)?.event)
            .collect()
    })
}

fn loaded(loading: Loading, gammas: &[f64], load: LoadSettings) -> LoadedMinimum {
    let settings = SearchSettings::default();
    LoadedMinimum::follow(searcher().minimum(), loading, gammas, &settings, load).unwrap()
}

fn point(followed: &FollowedEvent) -> Option<LoadedBarrier> {
    followed.points.last().copied()
}

#[test]
fn barriers_change_with_any_strain_as_stresses_say() {
    // The central difference is off by the third derivative, step² ΔE'''/6, and by energies
    // converged to a force of 1e-8.
    let step = 2e-5;
    for tensor in [[0.3, -0.5, 0.4, 0.2, -0.35, 0.1]] {
        let loading = Loading::new(Strain(tensor)).unwrap();
        let [zero, ahead, behind] = [0.0, step, -step].map(|gamma| {
            let minimum = loaded(loading, &[gamma], LoadSettings::default());
            move |event: &EventRecord| point(&minimum.follow_event(event).unwrap())
        });
        let mut compared = 0;
        for event in events().iter().take(4) {
            let (Some(here), Some(ahead), Some(behind)) =
                (zero(event), ahead(event), behind(event))
            else {
                continue;
            };
            let difference = (ahead.barrier - behind.barrier) / (2.0 * step);
            assert!(
                (difference - here.slope).abs() < 1e-3 * here.slope.abs().max(1.0),
                "{difference} against {}",
                here.slope
            );
            // At zero strain it is the stored dipole.
            let stored = -event.dipole_saddle.contract(tensor);
            assert!((here.slope - stored).abs() < 1e-5 * stored.abs().max(1.0));
            let near = |a: [f64; 6], b: [f64; 6]| {
                let mut pairs = a.iter().zip(b);
                pairs.all(|(a, b)| (a - b).abs() < 1e-4 * b.abs().max(1.0))
            };
            assert!(near(here.dipole.0, event.dipole_saddle.0));
            assert!(near(
                here.plastic.unwrap().0,
                event.plastic_saddle.unwrap().0
            ));
            compared += 1;
        }
        assert!(compared >= 2, "only {compared} events followed");
    }
}

#[test]
fn the_work_of_the_stress_is_the_change_of_the_barrier() {
    // Along a whole path, not only at zero: Σ of (slope + slope')/2 Δγ, off by Δγ³ ΔE'''/12 a step.
    let event = events()
        .iter()
        .max_by(|a, b| a.barrier_forward.total_cmp(&b.barrier_forward));
    let gammas: Vec<f64> = (0..=20).map(|k| 5e-4 * f64::from(k)).collect();
    let followed = loaded(Loading::simple_shear(), &gammas, LoadSettings::default())
        .follow_event(event.unwrap())
        .unwrap();
    let pairs = followed.path.windows(2);
    let (mut change, mut work) = (0.0, 0.0);
    for pair in pairs {
        change += pair[1].barrier - pair[0].barrier;
        work += 0.5 * (pair[0].slope + pair[1].slope) * (pair[1].gamma - pair[0].gamma);
    }
    assert!(followed.path.len() > 5 && change.abs() > 1e-3);
    assert!(
        (change - work).abs() < 1e-2 * change.abs(),
        "{change} {work}"
    );
}

#[test]
fn what_does_not_belong_or_makes_no_sense_is_refused_by_name() {
    let mut foreign = events()[0].clone();
    foreign.displacement_saddle.atoms[0] = 500;
    let minimum = loaded(Loading::simple_shear(), &[0.0], LoadSettings::default());
    let error = minimum.follow_event(&foreign).unwrap_err().to_string();
    assert!(error.contains("500"), "{error}");
    // What cannot be converged again is recorded.
    let mut damaged = events()[0].clone();
    damaged.barrier_forward += 0.1;
    let found = minimum.follow_event(&damaged).unwrap();
    assert_eq!(found.end.unwrap().state, LoadedState::NotRebuilt);
    assert!(found.points.is_empty());
    let refused = |gammas: &[f64]| {
        let settings = SearchSettings::default();
        let (shear, load) = (Loading::simple_shear(), LoadSettings::default());
        LoadedMinimum::follow(searcher().minimum(), shear, gammas, &settings, load).unwrap_err()
    };
    for gammas in [[0.01, 0.005], [0.01, -0.02], [f64::NAN, 0.1]] {
        assert!(matches!(
            refused(&gammas),
            LandscapeError::StrainOrder { .. }
        ));
    }
}

/// Near its end a barrier is ΔE ∝ (γ_c − γ)^(3/2) (Maloney & Lacks, Phys. Rev. E 73, 061106 (2006)),
/// so that barrier and slope at some distance say where it ends.
#[test]
fn a_barrier_ends_where_its_slope_says_and_within_the_tolerance() {
    let lowest = events()
        .iter()
        .min_by(|a, b| a.barrier_forward.total_cmp(&b.barrier_forward))
        .unwrap();
    let end = |tolerance: f64| {
        let load = LoadSettings { tolerance };
        let minimum = loaded(Loading::simple_shear(), &[0.03], load);
        let followed = minimum.follow_event(lowest).unwrap();
        let (end, last) = (followed.end.unwrap(), followed.path.last().unwrap().gamma);
        assert_eq!(end.state, LoadedState::BarrierVanished);
        assert_eq!(end.last, last);
        assert!(end.last < end.first_without && end.first_without - end.last <= tolerance);
        end
    };
    let (fine, coarse) = (end(1e-5), end(1e-3));
    assert!(coarse.last <= fine.last && fine.last <= coarse.first_without);
    // Off by the next order of the expansion, a share of order (γ_c − γ)/γ_c, a few percent of the
    // way that is left at the most, here 0.1 %.
    let left = fine.last - coarse.last;
    assert!(left > 1e-4, "{coarse:?} {fine:?}");
    let said = coarse.extrapolated.unwrap() - coarse.last;
    assert!((said / left - 1.0).abs() < 0.02, "{coarse:?} {fine:?}");
}

#[test]
fn barriers_change_with_any_stress_as_activation_volumes_say() {
    // Along one stress at zero and far from it. The central difference is off by step² ΔH'''/6 and by
    // enthalpies converged to 1e-10, over the step.
    let tensor = [0.3, -0.5, 0.4, 0.2, -0.35, 0.1];
    let loading = Loading::stress(Stress(tensor)).unwrap();
    let step = 5e-4;
    let gammas = [0.0, step, 2.0 * step, 0.05 - step, 0.05, 0.05 + step];
    let minimum = loaded(loading, &gammas, LoadSettings::default());
    let mut compared = 0;
    for event in events().iter().take(3) {
        let followed = minimum.follow_event(event).unwrap();
        for three in followed.points.chunks_exact(3) {
            let difference = (three[2].barrier - three[0].barrier) / (2.0 * step);
            let slope = three[1].slope;
            assert!(
                (difference - slope).abs() < 1e-4 * slope.abs().max(0.1),
                "at {}: {difference} against {slope}",
                three[1].gamma
            );
            let volume = three[1].plastic.unwrap();
            assert!((volume.contract(tensor) + slope).abs() < 1e-9);
            compared += 1;
        }
        // With no stress added it is the fixed cell's barrier less what its change of stress does in a cell
        // that gives way, P:S:P/(2V), to the next order.
        if let (Some(first), Some(stored)) = (followed.points.first(), event.plastic_saddle) {
            let volume = 2.0 * searcher().minimum().configuration().cell.volume();
            let released = event.dipole_saddle.contract(stored.0) / volume;
            let off = first.barrier - (event.barrier_forward - released);
            assert!(off.abs() < 0.3 * released, "{off} of {released}");
        }
    }
    assert!(compared >= 3, "only {compared} points compared");
}

#[test]
fn a_barrier_under_stress_vanishes_with_the_power_three_halves() {
    // A fold: ΔH = A t^(3/2) (1 + O(√t)), dΔH/dσ ∝ t^(1/2), t the stress that is left. The exponent
    // between two points a factor four apart is off by the O(√t) of the farther one.
    let shear = |sign: f64| Loading::stress(Stress([0.0, 0.0, 0.0, sign, 0.0, 0.0])).unwrap();
    let coarse = LoadSettings { tolerance: 1e-4 };
    let vanishing = [1.0, -1.0].iter().find_map(|&sign| {
        let minimum = loaded(shear(sign), &[0.2, 0.4, 0.6], coarse);
        let mut low: Vec<&EventRecord> = events().iter().collect();
        low.sort_by(|a, b| a.barrier_forward.total_cmp(&b.barrier_forward));
        low.into_iter().take(4).find_map(|event| {
            let end = minimum.follow_event(event).unwrap().end?;
            // The minimum that it leaves ends with the last barrier on its way.
            let said = end.extrapolated? - end.last;
            let vanished = end.last > 0.1 && said < 0.02 * end.last;
            vanished.then_some((sign, event, 0.5 * (end.last + end.first_without)))
        })
    });
    let (sign, event, end) = vanishing.expect("one of the events vanishes");
    let left = [0.016, 0.004, 0.001, 0.00025];
    let gammas = left.map(|left| end - left);
    let followed = loaded(shear(sign), &gammas, coarse)
        .follow_event(event)
        .unwrap();
    let last = followed.points.last().unwrap();
    assert_eq!(followed.points.len(), 4, "{:?}", followed.end);
    // The end once more, from a point four times nearer than any that is looked at.
    let end = last.gamma - 1.5 * last.barrier / last.slope;
    for (pair, tolerance) in followed.points[..3].windows(2).zip([0.05, 0.025]) {
        let ratio = ((end - pair[0].gamma) / (end - pair[1].gamma)).ln();
        let barrier = (pair[0].barrier / pair[1].barrier).ln() / ratio;
        let slope = (pair[0].slope / pair[1].slope).ln() / ratio;
        assert!((barrier - 1.5).abs() < tolerance, "{barrier}");
        assert!((slope - 0.5).abs() < tolerance, "{slope}");
    }
}
