//! Where the minimizations start.

use std::sync::Arc;

use metabasin_atoms::{Cell, Configuration, Purpose, Species, random_stream};
use metabasin_interactions::{
    BinaryLennardJones, Cut, EnergyLandscape, FixedCell, ForceField, Kernel, unflatten,
};
use metabasin_md::{Dynamics, Simulation};
use metabasin_minimizers::{InherentStructure, TruncatedNewton};
use metabasin_testkit::{LennardJonesCluster, MuellerBrown, Quadratic, Rosenbrock};
use nalgebra::Vector3;
use rand::RngExt;

use crate::glass::sample;

/// A landscape of any of the families.
#[derive(Clone)]
pub enum Surface {
    Glass(Box<FixedCell>),
    Cluster(LennardJonesCluster),
    Rosenbrock(Rosenbrock),
    Parabola(Quadratic),
    MuellerBrown(MuellerBrown),
}

impl Surface {
    fn landscape(&self) -> &dyn EnergyLandscape {
        match self {
            Self::Glass(landscape) => &**landscape,
            Self::Cluster(landscape) => landscape,
            Self::Rosenbrock(landscape) => landscape,
            Self::Parabola(landscape) => landscape,
            Self::MuellerBrown(landscape) => landscape,
        }
    }

    fn landscape_mut(&mut self) -> &mut dyn EnergyLandscape {
        match self {
            Self::Glass(landscape) => &mut **landscape,
            Self::Cluster(landscape) => landscape,
            Self::Rosenbrock(landscape) => landscape,
            Self::Parabola(landscape) => landscape,
            Self::MuellerBrown(landscape) => landscape,
        }
    }
}

impl EnergyLandscape for Surface {
    fn dimension(&self) -> usize {
        self.landscape().dimension()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.landscape_mut().evaluate(x, gradient)
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.landscape_mut().hessian_vector(x, v, product);
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        self.landscape().largest_force(gradient)
    }

    fn translation_invariant(&self) -> bool {
        self.landscape().translation_invariant()
    }

    fn energy_resolution(&self, energy: f64) -> f64 {
        self.landscape().energy_resolution(energy)
    }
}

/// Atoms as LAMMPS needs them.
pub struct Atoms {
    pub configuration: Configuration,
    /// `pair_style` and all that belongs to it.
    pub potential: String,
}

pub struct Start {
    pub surface: Surface,
    pub x: Vec<f64>,
    /// `None` where LAMMPS has no such landscape.
    pub atoms: Option<Atoms>,
}

pub struct Family {
    pub name: String,
    pub starts: Vec<Start>,
}

/// Energy at a start.
pub fn energy(start: &Start) -> f64 {
    start
        .surface
        .clone()
        .evaluate(&start.x, &mut vec![0.0; start.x.len()])
}

fn force_field() -> ForceField {
    let potential = BinaryLennardJones::wahnstrom(Cut::Smooth);
    ForceField::new(Arc::new(potential), Kernel::detect()).with_parallel(false)
}

fn glassy(configuration: Configuration) -> Start {
    let landscape = FixedCell::new(&configuration, force_field()).unwrap();
    let potential = "pair_style lj/smooth 2.3 2.5\npair_coeff 1 1 1.0 1.0\n\
                     pair_coeff 1 2 1.0 0.9166666666666666\n\
                     pair_coeff 2 2 1.0 0.8333333333333334\npair_modify shift yes\n";
    Start {
        x: landscape.start(),
        surface: Surface::Glass(Box::new(landscape)),
        atoms: Some(Atoms {
            configuration,
            potential: potential.to_owned(),
        }),
    }
}

/// So many snapshots of molecular dynamics at constant volume, 2 τ apart.
fn snapshots(start: &Configuration, temperature: f64, count: usize) -> Vec<Start> {
    let mut start = start.clone();
    start.draw_velocities(temperature, &mut random_stream(7, Purpose::Test, 0, 0));
    let dynamics = Dynamics::constant_volume(0.005, temperature);
    let mut simulation = Simulation::new(start, force_field(), dynamics).unwrap();
    let snapshots = (0..count).map(|_| {
        simulation.advance(400).unwrap();
        glassy(Configuration {
            velocities: None,
            ..simulation.configuration()
        })
    });
    snapshots.collect()
}

/// `x` with every coordinate up to `size` away, where `chosen` says so.
fn shaken(x: &[f64], size: f64, seed: u64, chosen: &dyn Fn(usize) -> bool) -> Vec<f64> {
    let mut random = random_stream(seed, Purpose::Test, 0, 0);
    let coordinates = x.iter().enumerate();
    coordinates
        .map(|(k, x)| {
            let by = random.random_range(-size..size);
            if chosen(k / 3) { x + by } else { *x }
        })
        .collect()
}

/// The atoms around one atom shaken, as a search leaves them.
fn disturbed(minimum: &Configuration, center: usize) -> Start {
    let origin = minimum.positions[center];
    let near = |atom: usize| {
        let apart = minimum.positions[atom] - origin;
        minimum.cell.minimum_image(&apart).norm() < 1.5
    };
    let x: Vec<f64> = metabasin_interactions::flatten(&minimum.positions);
    glassy(Configuration {
        positions: unflatten(&shaken(&x, 0.17, center as u64, &near)),
        ..minimum.clone()
    })
}

fn cluster(seed: u64) -> Start {
    let sites = LennardJonesCluster::truncated_octahedron(1.12);
    let x = shaken(&sites, 0.2, seed, &|_| true);
    let middle = Vector3::repeat(30.0);
    let configuration = Configuration {
        cell: Cell::cubic(60.0).unwrap(),
        positions: unflatten(&x).iter().map(|site| site + middle).collect(),
        velocities: None,
        species: vec![Species::LARGE; 38],
        ids: (1..=38).collect(),
        masses: vec![1.0],
        names: None,
    };
    Start {
        surface: Surface::Cluster(LennardJonesCluster::new(38)),
        x,
        atoms: Some(Atoms {
            configuration,
            potential: "pair_style lj/cut 25\npair_coeff * * 1 1\n".to_owned(),
        }),
    }
}

fn analytic(surface: Surface, x: Vec<f64>) -> Start {
    Start {
        surface,
        x,
        atoms: None,
    }
}

pub fn families() -> Vec<Family> {
    let glass = sample([1; 3]);
    let newton = TruncatedNewton::default();
    let (quenched, _) = InherentStructure::quench(&glass, force_field(), &newton, 1e-10).unwrap();
    let minimum = quenched.configuration();
    let family = |name: &str, starts: Vec<Start>| Family {
        name: name.to_owned(),
        starts,
    };
    let sheared = [-0.1, -0.05, -0.02, 0.005, 0.02, 0.05, 0.1];
    let parabola = (0..100).map(|k| 10_f64.powf(f64::from(k) / 33.0 - 1.0));
    let parabola = Quadratic::new(parabola.collect());
    let random = |dimension: usize, size: f64, seed: u64| {
        shaken(&vec![0.0; dimension], size, seed, &|_| true)
    };
    vec![
        family("glass, 500 atoms at T = 0.05", snapshots(&glass, 0.05, 7)),
        family("glass, 500 atoms at T = 0.28", snapshots(&glass, 0.28, 7)),
        family("melt, 500 atoms at T = 1", snapshots(&glass, 1.0, 7)),
        family(
            "sheared: a minimum of 500 atoms strained by 0.005 to 0.1",
            sheared.map(|gamma| glassy(minimum.sheared(gamma))).into(),
        ),
        family(
            "local: a minimum of 500 atoms, those within 1.5 of one shaken by 0.1",
            (0..7).map(|k| disturbed(minimum, 60 * k)).collect(),
        ),
        family(
            "large: 4,000 atoms at T = 0.28",
            snapshots(&sample([2; 3]), 0.28, 3),
        ),
        family(
            "cluster: 38 Lennard-Jones atoms, shaken by 0.1",
            (0..7).map(cluster).collect(),
        ),
        family(
            "rosenbrock, 8 dimensions",
            (0..7)
                .map(|seed| {
                    let surface = Surface::Rosenbrock(Rosenbrock::new(8));
                    analytic(surface, random(8, 2.0, seed))
                })
                .collect(),
        ),
        family(
            "parabola, 100 dimensions, curvatures 0.1 to 100",
            (0..7)
                .map(|seed| analytic(Surface::Parabola(parabola.clone()), random(100, 2.0, seed)))
                .collect(),
        ),
        family(
            "mueller-brown",
            (0..7)
                .map(|seed| analytic(Surface::MuellerBrown(MuellerBrown), random(2, 1.0, seed)))
                .collect(),
        ),
    ]
}
