use super::*;
use crate::elasticity::Elasticity;
use crate::settings::ElasticSites;
use std::collections::HashSet;

fn population() -> Population {
    let excitation = |event: u64, barrier: f64| Excitation {
        event,
        barrier,
        energy_final: 1.0,
        plastic_saddle: PlasticVolume([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        plastic_final: PlasticVolume([0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        attempt_forward: 3.6,
        attempt_reverse: 3.6,
        structure_class: None,
    };
    Population {
        excitations: (0..40).map(|i| excitation(i, 0.2 * i as f64)).collect(),
        volume: 300.0,
        elasticity: Elasticity::new(18.0, 0.35).unwrap(),
        unverified: 0,
    }
}

fn draw(settings: &KmcSettings, seed: u64) -> Lattice {
    let population = population();
    let kernel = settings.kernel(population.elasticity).unwrap();
    Lattice::draw(&population, settings, kernel, seed, 0, 0).unwrap()
}

#[test]
fn density_is_the_catalogues_whatever_the_elastic_share() {
    for elastic_sites in [
        ElasticSites::None,
        ElasticSites::Independent { fraction: 0.3 },
        ElasticSites::Clustered {
            fraction: 0.3,
            correlation_length: 1.5,
        },
    ] {
        let settings = KmcSettings {
            elastic_sites,
            interactions: false,
            ..KmcSettings::default()
        };
        let lattice = draw(&settings, 5);
        // 30 of the 40 lie below 6: 0.1 per volume in 17280. A Poisson number, 5 standard errors.
        let expected = 0.1 * lattice.volume();
        let error = (lattice.excitations() as f64 - expected) / expected.sqrt();
        assert!(error.abs() < 5.0, "{}", lattice.excitations());
        assert!(lattice.pairs.iter().all(|pair| !lattice.elastic[pair.site]));
        assert!(lattice.pairs.iter().all(|pair| pair.barrier < 6.0));
        let found = lattice.elastic_sites() as f64 / lattice.kernel.sites() as f64;
        assert!((found - settings.elastic_sites.fraction()).abs() < 1e-3);
        assert_eq!(draw(&settings, 5).fingerprint(), lattice.fingerprint());
        assert_ne!(draw(&settings, 6).fingerprint(), lattice.fingerprint());
    }
}

#[test]
fn cubic_orientations_are_all_24_rotations_and_keep_invariants() {
    let mut generator = random_stream(2, Purpose::Test, 0, 0);
    let template = population().excitations[3].clone();
    let mut seen = HashSet::new();
    for _ in 0..600 {
        let mut turned = template.clone();
        turn(&mut turned, &mut generator);
        let trace = turned.plastic_saddle.trace() - template.plastic_saddle.trace();
        let norm = turned.plastic_final.norm() - template.plastic_final.norm();
        let mixed = turned.plastic_saddle.contract(turned.plastic_final.0)
            - template.plastic_saddle.contract(template.plastic_final.0);
        assert!(trace.abs() < 1e-14 && norm.abs() < 1e-14 && mixed.abs() < 1e-14);
        seen.insert(turned.plastic_saddle.0.map(|c| (c * 10.0).round() as i64));
    }
    assert_eq!(seen.len(), 24);
}

#[test]
fn impossible_lattices_are_refused() {
    let settings = KmcSettings {
        sites_per_edge: 3,
        upper_barrier: 1e-9,
        ..KmcSettings::default()
    };
    let mut population = population();
    population.excitations.remove(0);
    let kernel = settings.kernel(population.elasticity).unwrap();
    let error = Lattice::draw(&population, &settings, Arc::clone(&kernel), 1, 0, 0).unwrap_err();
    assert!(error.to_string().contains("upper_barrier"));
    let placed = vec![(27, population.excitations[0].clone())];
    let error = Lattice::with_excitations(&settings, Arc::clone(&kernel), placed).unwrap_err();
    assert_eq!(
        error,
        EshelbyError::NoSuchSite {
            site: 27,
            sites: 27
        }
    );
    let mut broken = population.excitations[0].clone();
    broken.attempt_forward = 0.0;
    let error = Lattice::with_excitations(&settings, kernel, vec![(0, broken)]).unwrap_err();
    assert!(error.to_string().contains("attempt_forward"));
}
