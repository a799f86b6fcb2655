//! Coordinates of clusters, followed from step to step.
#![expect(
    clippy::inline_always,
    reason = "what a sweep calls must be compiled for the sweep's vectors"
)]

use metabasin_atoms::Species;
use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use super::columns::Columns;
use crate::deformation::Motion;

/// Atoms in a cluster.
pub const MEMBERS: usize = 4;

/// Steps of the grid that span any separation; a difference of two of them fits an integer.
pub(super) const STEPS: f64 = (1_u32 << 30) as f64;

/// Where members that only fill up a cluster stand: with any atom or image at most 2³⁰ steps from
/// the middle of the cell, the difference, wrapped to 32 bits, is at least 2³⁰ steps.
const FAR_AWAY: i32 = i32::MIN;

/// The same for coordinates in double precision.
const FAR_AWAY_LENGTH: f64 = 1e100;

/// Clusters treated together; fixed, so that nothing depends on the number of threads.
const CLUSTERS_PER_TASK: usize = 512;

/// x, y and z of a cluster's members.
pub(super) type Axes = [[f64; MEMBERS]; 3];

/// Lattice vectors of a cluster's members.
type Periods = [[i32; MEMBERS]; 3];

/// A cluster on a grid of integers, counted from the middle of the cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Cluster {
    /// Steps of the grid along x.
    pub x: [i32; MEMBERS],
    /// Along y.
    pub y: [i32; MEMBERS],
    /// Along z.
    pub z: [i32; MEMBERS],
    /// Species, counted from 0; negative for a member that is no atom.
    pub species: [f32; MEMBERS],
}

/// Who sits in the clusters, and where they were.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    atoms: Vec<[u32; MEMBERS]>,
    /// Places that no atom fills: cluster and member.
    empty: Vec<(u32, u32)>,
    /// Lattice vectors subtracted from positions, in the reduced basis.
    periods: Vec<Periods>,
    /// Positions at the build and at the last pruning.
    built: Vec<Axes>,
    pruned: Vec<Axes>,
}

/// What a sweep over the clusters needs.
pub(super) struct Follow<'a> {
    pub basis: &'a Matrix3<f64>,
    /// Of the cell since the last pruning.
    pub deformation: Matrix3<f64>,
    pub center: Vector3<f64>,
    pub steps_per_length: f64,
    pub positions: &'a [Vector3<f64>],
    pub species: &'a [Species],
    pub parallel: bool,
}

/// The two largest of some squared displacements, member by member, and their sum, which is not
/// finite once one of them was not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Largest {
    first: [f64; MEMBERS],
    second: [f64; MEMBERS],
    sum: [f64; MEMBERS],
}

impl Largest {
    #[inline(always)]
    fn add(&mut self, squared: &[f64; MEMBERS]) {
        for (k, &squared) in squared.iter().enumerate() {
            let less = if squared < self.first[k] {
                squared
            } else {
                self.first[k]
            };
            self.second[k] = if less > self.second[k] {
                less
            } else {
                self.second[k]
            };
            self.first[k] = if squared > self.first[k] {
                squared
            } else {
                self.first[k]
            };
            self.sum[k] += squared;
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.add(&other.first);
        self.add(&other.second);
        for (sum, more) in self.sum.iter_mut().zip(other.sum) {
            *sum += more;
        }
        self
    }

    pub fn motion(&self, smallest_stretch: f64) -> Motion {
        let mut all = [self.first, self.second].concat();
        all.sort_unstable_by(f64::total_cmp);
        let finite = self.sum.iter().all(|sum| sum.is_finite());
        let two_largest = all[2 * MEMBERS - 1].sqrt() + all[2 * MEMBERS - 2].sqrt();
        Motion {
            smallest_stretch,
            two_largest: if finite { two_largest } else { f64::NAN },
        }
    }
}

#[inline(always)]
fn gather(positions: &[Vector3<f64>], atoms: &[u32; MEMBERS]) -> Axes {
    let mut axes = Axes::default();
    for (member, &atom) in atoms.iter().enumerate() {
        let position = &positions[atom as usize];
        for (axis, along) in axes.iter_mut().zip(position) {
            axis[member] = *along;
        }
    }
    axes
}

#[inline(always)]
fn times(matrix: &Matrix3<f64>, axes: &Axes) -> Axes {
    let row = |k: usize| -> [f64; MEMBERS] {
        std::array::from_fn(|member| {
            matrix[(k, 0)] * axes[0][member]
                + matrix[(k, 1)] * axes[1][member]
                + matrix[(k, 2)] * axes[2][member]
        })
    };
    [row(0), row(1), row(2)]
}

#[inline(always)]
fn minus(a: &Axes, b: &Axes) -> Axes {
    std::array::from_fn(|axis| std::array::from_fn(|member| a[axis][member] - b[axis][member]))
}

#[inline(always)]
fn squared_norms(axes: &Axes) -> [f64; MEMBERS] {
    std::array::from_fn(|member| {
        axes[0][member] * axes[0][member]
            + axes[1][member] * axes[1][member]
            + axes[2][member] * axes[2][member]
    })
}

/// The nearest integer, for numbers below 2³¹ in size: added to 1.5 × 2⁵², a number of that size is
/// rounded to its last bit, and its low half is the integer. (A cast would be several instructions
/// a number, for what becomes of numbers out of range.)
#[inline(always)]
fn nearest(value: f64) -> i32 {
    (value + 6_755_399_441_055_744.0).to_bits() as i32
}

impl Follow<'_> {
    /// The sweep over some clusters.
    #[inline(always)]
    fn sweep(
        &self,
        atoms: &[[u32; MEMBERS]],
        (periods, pruned): (&[Periods], &[Axes]),
        clusters: &mut [Cluster],
        doubles: &mut [Axes],
    ) -> Largest {
        let mut largest = Largest::default();
        let center = [self.center.x, self.center.y, self.center.z];
        let mut doubles = doubles.iter_mut();
        for (((atoms, periods), before), cluster) in
            atoms.iter().zip(periods).zip(pruned).zip(clusters)
        {
            let here = gather(self.positions, atoms);
            largest.add(&squared_norms(&minus(
                &here,
                &times(&self.deformation, before),
            )));
            let mut lattice = Axes::default();
            for (axis, periods) in lattice.iter_mut().zip(periods) {
                for (element, period) in axis.iter_mut().zip(periods) {
                    *element = f64::from(*period);
                }
            }
            let mut inside = minus(&here, &times(self.basis, &lattice));
            for (axis, center) in inside.iter_mut().zip(center) {
                for coordinate in axis {
                    *coordinate -= center;
                }
            }
            let place =
                |axis: &[f64; MEMBERS]| axis.map(|value| nearest(value * self.steps_per_length));
            *cluster = Cluster {
                x: place(&inside[0]),
                y: place(&inside[1]),
                z: place(&inside[2]),
                species: atoms.map(|atom| f32::from(self.species[atom as usize].0)),
            };
            if let Some(places) = doubles.next() {
                *places = inside;
            }
        }
        largest
    }
}

impl Members {
    pub fn len(&self) -> usize {
        self.atoms.len()
    }

    pub fn assign(&mut self, columns: &Columns, positions: &[Vector3<f64>]) {
        self.atoms.clone_from(&columns.atoms);
        self.empty.clear();
        for (cluster, &filled) in (0..).zip(&columns.filled) {
            let empty = u32::from(filled)..MEMBERS as u32;
            self.empty.extend(empty.map(|member| (cluster, member)));
        }
        self.periods.clear();
        self.periods.extend(self.atoms.iter().map(|atoms| {
            let members = atoms.map(|atom| columns.periods[atom as usize]);
            [0, 1, 2].map(|axis: usize| members.map(|periods| periods[axis]))
        }));
        take(&self.atoms, positions, &mut self.built);
        self.pruned.clone_from(&self.built);
    }

    /// Keeps the present positions as those of the last pruning.
    pub fn take_pruned(&mut self, positions: &[Vector3<f64>]) {
        take(&self.atoms, positions, &mut self.pruned);
    }

    /// Writes the coordinates of all clusters (in double precision too where `doubles` has room for
    /// them), and returns how far atoms have moved beyond the deformation since the last pruning.
    pub fn follow(
        &self,
        follow: &Follow<'_>,
        clusters: &mut [Cluster],
        doubles: &mut [Axes],
    ) -> Largest {
        let task = |(k, (clusters, doubles)): (usize, (&mut [Cluster], &mut [Axes]))| {
            let some = k * CLUSTERS_PER_TASK..k * CLUSTERS_PER_TASK + clusters.len();
            let before = (&self.periods[some.clone()], &self.pruned[some.clone()]);
            sweep(follow, &self.atoms[some], before, clusters, doubles)
        };
        let mut rest = &mut *doubles;
        let chunks = clusters.chunks_mut(CLUSTERS_PER_TASK).map(|clusters| {
            let count = clusters.len().min(rest.len());
            let (doubles, behind) = std::mem::take(&mut rest).split_at_mut(count);
            rest = behind;
            (clusters, doubles)
        });
        let largest = if follow.parallel {
            let chunks: Vec<_> = chunks.enumerate().collect();
            let each = chunks.into_par_iter().map(task);
            each.reduce(Largest::default, Largest::merge)
        } else {
            let each = chunks.enumerate().map(task);
            each.fold(Largest::default(), Largest::merge)
        };
        for &(cluster, member) in &self.empty {
            let (cluster, member) = (cluster as usize, member as usize);
            let Cluster { x, y, z, species } = &mut clusters[cluster];
            [x[member], y[member], z[member]] = [FAR_AWAY; 3];
            species[member] = -1.0;
            if let Some(places) = doubles.get_mut(cluster) {
                for axis in places {
                    axis[member] = FAR_AWAY_LENGTH;
                }
            }
        }
        largest
    }

    /// How far atoms have moved beyond a deformation since the build.
    pub fn motion(
        &self,
        (deformation, smallest_stretch): (Matrix3<f64>, f64),
        positions: &[Vector3<f64>],
        parallel: bool,
    ) -> Motion {
        let task = |(atoms, built): (&[[u32; MEMBERS]], &[Axes])| {
            let mut largest = Largest::default();
            for (atoms, before) in atoms.iter().zip(built) {
                let moved = minus(&gather(positions, atoms), &times(&deformation, before));
                largest.add(&squared_norms(&moved));
            }
            largest
        };
        let largest = if parallel {
            let atoms = self.atoms.par_chunks(CLUSTERS_PER_TASK);
            let each = atoms.zip(self.built.par_chunks(CLUSTERS_PER_TASK));
            each.map(task).reduce(Largest::default, Largest::merge)
        } else {
            task((&self.atoms, &self.built))
        };
        largest.motion(smallest_stretch)
    }
}

fn take(atoms: &[[u32; MEMBERS]], positions: &[Vector3<f64>], places: &mut Vec<Axes>) {
    places.clear();
    places.extend(atoms.iter().map(|atoms| gather(positions, atoms)));
}

/// The sweep with the widest vectors of this machine: the same bits, for products and sums are not
/// fused.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "a call of a function that needs CPU features")
)]
fn sweep(
    follow: &Follow<'_>,
    atoms: &[[u32; MEMBERS]],
    before: (&[Periods], &[Axes]),
    clusters: &mut [Cluster],
    doubles: &mut [Axes],
) -> Largest {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn sweep_avx2(
            follow: &Follow<'_>,
            atoms: &[[u32; MEMBERS]],
            before: (&[Periods], &[Axes]),
            clusters: &mut [Cluster],
            doubles: &mut [Axes],
        ) -> Largest {
            follow.sweep(atoms, before, clusters, doubles)
        }
        // SAFETY: the CPU has AVX2.
        return unsafe { sweep_avx2(follow, atoms, before, clusters, doubles) };
    }
    follow.sweep(atoms, before, clusters, doubles)
}
