//! A glass of 500 atoms in eight cells, against voro++ (three builds) and a 4-D convex hull.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fs::File;

use flate2::read::GzDecoder;
use metabasin_atoms::{Cell, Configuration, Species, Stress};
use metabasin_structure::{
    Cluster, IcosahedralNetwork, LavesOrder, Radii, StructureClass, Tessellation, Thresholds,
    class_averages, tessellate,
};
use nalgebra::{Matrix3, Vector3};
use serde::Deserialize;

#[derive(Deserialize)]
struct ReferenceClusters {
    n_clusters: usize,
    sizes_top10: Vec<usize>,
    largest: usize,
    largest_winding_rank: u8,
    n_atoms_in_any_icosahedron: Option<usize>,
}

#[derive(Deserialize)]
struct ReferenceThreshold {
    n_ico: usize,
    n_ico_small: usize,
    ico_fraction_of_small: f64,
    #[serde(rename = "mean_Z")]
    mean_coordination: f64,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "box")]
    lattice: [[f64; 3]; 3],
    types: Vec<u8>,
    positions: Vec<[f64; 3]>,
    index_n3_to_n12: Vec<Vec<usize>>,
    volume: Vec<f64>,
    face_i: Vec<u32>,
    face_j: Vec<u32>,
    face_shift: Vec<[i32; 3]>,
    face_edges: Vec<u32>,
    face_area: Vec<f64>,
    radii: Vec<f64>,
    icosahedral: Vec<usize>,
    centers: ReferenceClusters,
    with_shells: ReferenceClusters,
    thresholds: BTreeMap<String, ReferenceThreshold>,
}

const CASES: [&str; 8] = [
    "ortho",
    "shear_xy0.02",
    "shear_xy-0.1",
    "shear_xy0.3",
    "shear_xy0.5",
    "general_triclinic",
    "latticeequiv_b+a",
    "latticeequiv_c+b-a",
];

fn reference(case: &str) -> Reference {
    let path = format!(
        "{}/../../tests/data/structure/wahn500_IS_{case}.json.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap()
}

fn configuration(reference: &Reference) -> Configuration {
    let rows = reference.lattice.map(Vector3::from);
    Configuration {
        cell: Cell::from_matrix(&Matrix3::from_columns(&rows)).unwrap(),
        positions: reference.positions.iter().map(|p| (*p).into()).collect(),
        velocities: None,
        species: reference.types.iter().map(|t| Species(t - 1)).collect(),
        ids: (1..=reference.types.len() as u64).collect(),
        masses: vec![1.0, 0.5],
        names: None,
    }
}

fn check_faces(tessellation: &Tessellation, reference: &Reference, case: &str) {
    let mut expected = BTreeMap::new();
    for k in 0..reference.face_i.len() {
        let (i, j, shift) = (
            reference.face_i[k],
            reference.face_j[k],
            reference.face_shift[k],
        );
        let face = (reference.face_edges[k], reference.face_area.get(k).copied());
        expected.insert((i, j, shift), face);
        expected.insert((j, i, shift.map(|n| -n)), face);
    }
    let mut seen = 0;
    for i in 0..tessellation.len() {
        for face in tessellation.faces(i) {
            let key = (i as u32, face.neighbor, face.shift);
            let (edges, area) = expected
                .get(&key)
                .unwrap_or_else(|| panic!("{case}: face {key:?} is not in the reference"));
            assert_eq!(face.edges, *edges, "{case}: edges of {key:?}");
            assert!(face.counts);
            if let Some(area) = area {
                // The reference areas were stored as f32 and then as the shortest text that gives
                // it back: each half a unit in the last of 24 bits, 6e-8.
                let allowed = 1.2e-7 * area + 1e-13;
                assert!(
                    (face.area - area).abs() < allowed,
                    "{case}: area of {key:?} is {}, not {area}",
                    face.area
                );
            }
            seen += 1;
        }
    }
    assert_eq!(seen, expected.len(), "{case}: number of faces");
}

fn check_clusters(found: &[Cluster], expected: &ReferenceClusters, case: &str) {
    assert_eq!(found.len(), expected.n_clusters, "{case}");
    let sizes: Vec<usize> = found.iter().map(|c| c.nodes.len()).take(10).collect();
    assert_eq!(sizes, expected.sizes_top10, "{case}");
    assert_eq!(sizes[0], expected.largest, "{case}");
    assert_eq!(
        found[0].winding_rank, expected.largest_winding_rank,
        "{case}"
    );
    if let Some(atoms) = expected.n_atoms_in_any_icosahedron {
        assert_eq!(found.iter().map(|c| c.nodes.len()).sum::<usize>(), atoms);
    }
}

#[test]
fn every_index_face_area_volume_and_cluster_agrees() {
    for case in CASES {
        let reference = reference(case);
        let configuration = configuration(&reference);
        let radii = Radii::default();
        assert_eq!(radii.by_species(), reference.radii);
        let tessellation = tessellate(&configuration, &radii, &Thresholds::default()).unwrap();
        // The shortest edge of all eight is some 2e-6 long: none of them has no length.
        let every_edge = tessellate(&configuration, &radii, &Thresholds::every_edge()).unwrap();
        for i in 0..500 {
            assert_eq!(tessellation.faces(i), every_edge.faces(i), "{case}");
        }
        for (i, expected) in reference.index_n3_to_n12.iter().enumerate() {
            let index = tessellation.index(i);
            let found: Vec<usize> = (3..=12).map(|k| index.faces_with(k) as usize).collect();
            assert_eq!(&found, expected, "{case}: index of atom {i}");
            assert_eq!(index.coordination() as usize, tessellation.coordination(i));
            let volume = tessellation.volume(i);
            assert!(
                (volume - reference.volume[i]).abs() < 1e-12,
                "{case}: volume of atom {i}"
            );
        }
        check_faces(&tessellation, &reference, case);

        let network = IcosahedralNetwork::new(&tessellation, &configuration.species).unwrap();
        let icosahedral: Vec<usize> = (0..500).filter(|&i| network.is_icosahedral()[i]).collect();
        assert_eq!(icosahedral, reference.icosahedral, "{case}");
        for (i, class) in network.classes().into_iter().enumerate() {
            let expected = icosahedral.binary_search(&i).is_ok();
            assert_eq!(class == StructureClass::Icosahedral, expected);
        }
        check_clusters(network.clusters_of_centers(), &reference.centers, case);
        check_clusters(network.clusters_with_shells(), &reference.with_shells, case);
        assert_eq!(
            network.largest_with_shells(),
            (
                reference.with_shells.largest,
                reference.with_shells.largest_winding_rank
            )
        );
    }
}

/// `edge=0.05,relface=0.005,absface=0`
fn parse(name: &str) -> Thresholds {
    let value = |key: &str| {
        name.split(',')
            .find_map(|part| part.strip_prefix(key))
            .unwrap()
            .parse()
            .unwrap()
    };
    Thresholds {
        edge: Some(value("edge=")),
        absolute_face: value("absface="),
        relative_face: value("relface="),
    }
}

#[test]
fn thresholds_act_as_in_ovito() {
    for case in ["ortho", "shear_xy0.5", "general_triclinic"] {
        let reference = reference(case);
        let configuration = configuration(&reference);
        assert_eq!(reference.thresholds.len(), 10);
        for (name, expected) in &reference.thresholds {
            let tessellation = tessellate(&configuration, &Radii::default(), &parse(name)).unwrap();
            let network = IcosahedralNetwork::new(&tessellation, &configuration.species).unwrap();
            assert_eq!(network.count(), expected.n_ico, "{case} {name}");
            let of_small = network.fraction_of_small().unwrap();
            assert!((of_small * 250.0 - expected.n_ico_small as f64).abs() < 1e-9);
            assert!((of_small - expected.ico_fraction_of_small).abs() < 1e-12);
            let mean = tessellation.coordination_mean();
            assert!(
                (mean - expected.mean_coordination).abs() < 1e-9,
                "{case} {name}: mean coordination {mean}"
            );
        }
    }
}

#[test]
fn the_histogram_counts_every_atom_and_puts_icosahedra_first() {
    let reference = reference("ortho");
    let configuration = configuration(&reference);
    let tessellation =
        tessellate(&configuration, &Radii::default(), &Thresholds::default()).unwrap();
    let histogram = tessellation.histogram();
    let top: Vec<(String, usize)> = histogram
        .iter()
        .take(3)
        .map(|(index, count)| (index.to_string(), *count))
        .collect();
    let expected = [("0,0,12,0", 64), ("0,3,6,4", 33), ("0,1,10,2", 28)];
    assert_eq!(
        top,
        expected.map(|(index, count)| (index.to_owned(), count))
    );
    assert_eq!(histogram.iter().map(|(_, count)| count).sum::<usize>(), 500);
}

#[test]
fn the_glass_is_no_laves_phase() {
    let configuration = configuration(&reference("ortho"));
    let tessellation =
        tessellate(&configuration, &Radii::default(), &Thresholds::default()).unwrap();
    let order = LavesOrder::new(&tessellation, &configuration.species).unwrap();
    assert!(order.fraction_of_large().unwrap() < 0.03);
    assert!(order.largest_cluster() < 4);
    assert_eq!(order.warning(), None);
}

/// Per-atom energies and virials of the same glass by LAMMPS.
#[derive(Deserialize)]
struct PerAtom {
    id: Vec<u64>,
    #[serde(rename = "pe_atom_shifted")]
    energy: Vec<f64>,
    /// Stress times volume, tension positive.
    #[serde(rename = "stress_atom_virial_xx_yy_zz_xy_xz_yz")]
    virial: Vec<[f64; 6]>,
}

#[derive(Deserialize)]
struct Lammps {
    pe_total_shifted: f64,
    pressure_virial_xx_yy_zz_xy_xz_yz: [f64; 6],
    per_atom: PerAtom,
}

#[test]
fn class_means_give_back_the_energy_and_stress_of_the_glass() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/data/wahn500_IS_ortho.json.gz"
    );
    let lammps: Lammps =
        serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap();
    let configuration = configuration(&reference("ortho"));
    let tessellation =
        tessellate(&configuration, &Radii::default(), &Thresholds::default()).unwrap();
    let network = IcosahedralNetwork::new(&tessellation, &configuration.species).unwrap();
    let mut order: Vec<usize> = (0..500).collect();
    order.sort_by_key(|&k| lammps.per_atom.id[k]);
    let per_atom_volume = configuration.cell.volume() / 500.0;
    let energies: Vec<f64> = order.iter().map(|&k| lammps.per_atom.energy[k]).collect();
    let stresses: Vec<Stress> = order
        .iter()
        .map(|&k| Stress(lammps.per_atom.virial[k]) * (1.0 / per_atom_volume))
        .collect();
    let averages = class_averages(&network.classes(), &energies, &stresses).unwrap();
    assert_eq!(averages.len(), 2);
    assert_eq!(
        (averages[0].class, averages[0].atoms),
        (StructureClass::Icosahedral, 64)
    );

    let energy: f64 = averages
        .iter()
        .map(|a| a.fraction * a.energy_per_atom)
        .sum();
    assert!((energy / (lammps.pe_total_shifted / 500.0) - 1.0).abs() < 1e-12);
    let mut stress = Stress::ZERO;
    for average in &averages {
        stress += average.stress * average.fraction;
    }
    let largest = stresses.iter().map(|s| s.norm()).fold(0.0, f64::max);
    let global = -Stress(lammps.pressure_virial_xx_yy_zz_xy_xz_yz);
    assert!((stress - global).norm() < 1e-12 * largest);
    // What a partition is for: icosahedral centers are small atoms under pressure, the rest pulls.
    assert!(averages[0].stress.trace() < averages[1].stress.trace());
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let configuration = configuration(&reference("shear_xy0.3"));
    let with_threads = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| tessellate(&configuration, &Radii::derlet(), &Thresholds::default()))
            .unwrap()
    };
    assert_eq!(with_threads(1), with_threads(3));
}
