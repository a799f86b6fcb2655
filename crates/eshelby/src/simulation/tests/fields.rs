//! T4: fields added event by event, and what rows say of them.

use super::*;

/// Largest difference of two lists of stresses.
fn largest_difference(a: &[Mandel], b: &[Mandel]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| {
        let difference = subtract(a, b);
        dot(&difference, &difference).sqrt()
    });
    differences.fold(0.0, f64::max)
}

#[test]
fn t4_added_field_does_not_drift_and_forgets_the_order() {
    // At 3 sites an edge every site is near to every other, at 12 most of the field waits.
    for (edge, count) in [(3, 200), (12, 2000)] {
        let mut simulation = crowd(edge, count);
        let mut generator = random_stream(5, Purpose::Test, 0, 1);
        let jumps = if edge == 3 { 10_000 } else { 3000 };
        let mut waited = 0.0_f64;
        for _ in 0..jumps {
            flip(&mut simulation, generator.random_range(0..count));
            waited = waited.max(simulation.state.field.unknown(&simulation.lattice));
        }
        assert_eq!(waited > 0.0, edge == 12);
        let added: Vec<Mandel> = (0..count).map(|index| simulation.field_at(index)).collect();
        let (plastic, energy) = (simulation.state.plastic, simulation.hamiltonian());
        simulation.recompute_field();
        let anew = simulation.state.field.known();
        let largest = anew.iter().map(|f| dot(f, f).sqrt()).fold(0.0, f64::max);
        // 1e4 additions of rounding 1e-16 each at most, random in sign.
        assert!(largest_difference(&added, anew) < 1e-12 * largest);
        assert!((energy - simulation.hamiltonian()).abs() < 1e-9);
        assert!(
            (dot(&plastic, &plastic) - dot(&simulation.state.plastic, &simulation.state.plastic))
                .abs()
                < 1e-9
        );

        let mut there = crowd(edge, count);
        let mut back = crowd(edge, count);
        for (first, second) in [(3, 170), (88, 21)] {
            flip(&mut there, first);
            flip(&mut there, second);
            flip(&mut back, second);
            flip(&mut back, first);
        }
        for index in 0..count {
            let difference = subtract(&there.field_at(index), &back.field_at(index));
            assert!(dot(&difference, &difference).sqrt() < 1e-14 * largest);
        }
        assert!((there.hamiltonian() - back.hamiltonian()).abs() < 1e-12);
    }
}

/// What rows say of the field, against the stress of every flipped pair on every site.
#[test]
fn rows_average_the_field_over_sites_and_excitations() {
    let mut start = crowd(5, 90);
    let mut lattice = (*start.lattice).clone();
    let elastic: Vec<bool> = (0..125).map(|site| site % 3 == 0).collect();
    lattice.influence = crate::influence::Influence::new(
        &lattice.kernel,
        &lattice.pairs,
        &elastic,
        lattice.temperature(),
    );
    lattice.elastic = elastic;
    start.lattice = Arc::new(lattice);
    load(&mut start, Control::Shape);
    for index in (0..90).step_by(2) {
        flip(&mut start, index);
    }
    let row = start.row();
    let lattice = start.lattice();
    let place = |site: usize| [site % 5, site / 5 % 5, site / 25].map(|i| i as isize);
    let field = |site: usize, but: usize| -> Mandel {
        let flipped = (0..90).filter(|&i| start.flipped()[i] && i != but);
        flipped.fold(start.macroscopic(), |stress, i| {
            let (to, from) = (place(site), place(lattice.pairs[i].site));
            let r = std::array::from_fn(|axis| to[axis] - from[axis]);
            let matrix = lattice.kernel.at(r);
            add(
                &stress,
                &crate::mandel::multiply(&matrix, &lattice.pairs[i].plastic),
            )
        })
    };
    let mean = |stresses: Vec<Mandel>| {
        let sum = stresses
            .iter()
            .fold([0.0; 6], |sum, stress| add(&sum, stress));
        Stress(to_tensor(scale(&sum, 1.0 / stresses.len() as f64)))
    };
    let of = |elastic: bool| -> Stress {
        let sites = (0..125).filter(|&site| lattice.elastic[site] == elastic);
        mean(sites.map(|site| field(site, usize::MAX)).collect())
    };
    let driving = mean((0..90).map(|i| field(lattice.pairs[i].site, i)).collect());
    assert!((row.reported_active_mean - of(false)).norm() < 1e-12);
    assert!((row.reported_elastic_mean.unwrap() - of(true)).norm() < 1e-12);
    assert!((row.driving_active_mean.unwrap() - driving).norm() < 1e-12);
    assert!((of(true) - row.stress).norm() > 1e-3 && (driving - row.stress).norm() > 1e-3);
}
