//! Sums over pairs of clusters: part by part, then folded in a fixed order.

use std::sync::{Mutex, PoisonError};

use metabasin_neighbors::{ClusterList, ClusterPart, MEMBERS};
use nalgebra::Vector3;
use rayon::prelude::*;

use crate::pair::COMPONENTS;
use crate::potential::{Execution, StepVirial, Totals};

/// Clusters folded together; fixed, so that the order of sums does not depend on threads.
const CLUSTERS_PER_TASK: usize = 256;

/// Forces on the members of a cluster.
type OnMembers<T> = [[T; MEMBERS]; 3];

/// Forces on a cluster, pair by pair of members, of all its partners together; aligned so that no
/// vector of them lies in two lines of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct OnPairs<T>(pub [[T; MEMBERS * MEMBERS]; 3]);

/// A model that is summed over pairs of clusters.
///
/// The list was updated for the configuration in question and holds every pair within the model's
/// cutoff; forces are in the order of atoms.
pub trait ClusterPotential: Send + Sync {
    /// Forces for a step of dynamics from the list's fixed points in single precision, and what the
    /// step needs of the virial.
    fn mixed_forces(
        &self,
        list: &ClusterList,
        execution: Execution,
        sums: &mut ClusterSums,
        forces: &mut [Vector3<f64>],
    ) -> StepVirial;

    /// Energy, virial and forces from the list's coordinates in double precision.
    fn evaluate_clusters(
        &self,
        list: &ClusterList,
        execution: Execution,
        sums: &mut ClusterSums,
        forces: &mut [Vector3<f64>],
    ) -> Totals;
}

/// Memory for sums over pairs of clusters, kept from call to call.
#[derive(Debug, Default)]
pub struct ClusterSums {
    single: Sums<f32>,
    double: Sums<f64>,
}

#[derive(Debug, Default)]
struct Sums<T> {
    parts: Vec<PartSums<T>>,
    folded: Vec<OnMembers<T>>,
    /// Memory for the sums by pairs of members, one for each thread that ever needed one; zero
    /// between parts.
    spare: Mutex<Vec<Vec<OnPairs<T>>>>,
}

/// What the pairs of a part add to forces.
#[derive(Debug, Default)]
pub(crate) struct PartSums<T> {
    /// On the clusters whose rows these are.
    pub own: Vec<OnMembers<T>>,
    /// On those beside them, all in the part's window. Not reduced to members: a loop over pairs
    /// would spend as much on that as on the pairs themselves.
    pub pushed: Vec<OnPairs<T>>,
    /// On rows shifted by each lattice vector.
    pub shifted: Vec<[f64; 3]>,
    /// On all clusters of the window.
    pub reduced: Vec<OnMembers<T>>,
}

impl<T: Number> PartSums<T> {
    fn clear(&mut self, part: &ClusterPart, shifts: usize) {
        self.own.clear();
        self.own.resize(part.own().len(), [[T::ZERO; MEMBERS]; 3]);
        self.shifted.clear();
        self.shifted.resize(shifts, [0.0; 3]);
    }

    /// Adds the force on a row.
    pub fn add_shifted(&mut self, shift: u32, force: [f64; 3]) {
        for (sum, more) in self.shifted[shift as usize].iter_mut().zip(force) {
            *sum += more;
        }
    }

    /// Adds up the pairs of each member, and leaves zeros behind, while all is in the cache.
    fn reduce(&mut self, part: &ClusterPart) {
        self.reduced.clear();
        let own = self.own.iter().copied();
        let rim = std::iter::repeat([[T::ZERO; MEMBERS]; 3]);
        let window = &mut self.pushed[..part.window().len()];
        for (mut sums, OnPairs(pushed)) in own.chain(rim).zip(window) {
            for (sums, pairs) in sums.iter_mut().zip(pushed) {
                for (member, sum) in sums.iter_mut().enumerate() {
                    let row = |k: usize| pairs[k * MEMBERS + member];
                    *sum += (row(0) + row(1)) + (row(2) + row(3));
                }
                *pairs = [T::ZERO; MEMBERS * MEMBERS];
            }
            self.reduced.push(sums);
        }
    }
}

/// Single or double precision.
pub(crate) trait Number:
    Copy + Send + Sync + Into<f64> + std::ops::AddAssign + std::ops::Add<Output = Self>
{
    const ZERO: Self;
}

impl Number for f32 {
    const ZERO: Self = 0.0;
}

impl Number for f64 {
    const ZERO: Self = 0.0;
}

/// Forces in single precision by `task`, which adds those of a part's pairs times a step's length.
pub(crate) fn step_forces(
    list: &ClusterList,
    parallel: bool,
    sums: &mut ClusterSums,
    forces: &mut [Vector3<f64>],
    task: impl Fn(&ClusterPart, &mut PartSums<f32>) + Sync,
) -> StepVirial {
    sums.single.over_parts(list, parallel, task);
    let place = |cluster: usize| {
        let cluster = &list.clusters()[cluster];
        let double = |axis: &[i32; MEMBERS]| [0, 1, 2, 3].map(|k: usize| f64::from(axis[k]));
        [double(&cluster.x), double(&cluster.y), double(&cluster.z)]
    };
    let shift = |shift: usize| list.shifts()[shift].steps.map(f64::from);
    let virial = sums.single.fold(list, parallel, place, shift);
    sums.single
        .gather(list, parallel, list.steps_per_length(), forces);
    StepVirial {
        trace: virial[0] + virial[1] + virial[2],
        xy: virial[3],
    }
}

/// Energy, virial and forces in double precision by `task`, which adds forces and returns the energy
/// of a part's pairs.
pub(crate) fn evaluate(
    list: &ClusterList,
    parallel: bool,
    sums: &mut ClusterSums,
    forces: &mut [Vector3<f64>],
    task: impl Fn(&ClusterPart, &mut PartSums<f64>) -> f64 + Sync,
) -> Totals {
    let energies = sums.double.over_parts(list, parallel, task);
    let place = |cluster: usize| list.doubles()[cluster];
    let shift = |shift: usize| list.shifts()[shift].vector;
    let virial = sums.double.fold(list, parallel, place, shift);
    sums.double.gather(list, parallel, 1.0, forces);
    Totals {
        energy: energies.iter().sum(),
        virial,
    }
}

impl<T: Number> Sums<T> {
    /// Runs `task` on every part; returns what it returned in order.
    fn over_parts<R: Send>(
        &mut self,
        list: &ClusterList,
        parallel: bool,
        task: impl Fn(&ClusterPart, &mut PartSums<T>) -> R + Sync,
    ) -> Vec<R> {
        let parts = list.parts();
        self.parts.resize_with(parts.len(), || PartSums {
            own: Vec::new(),
            pushed: Vec::new(),
            shifted: Vec::new(),
            reduced: Vec::new(),
        });
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let run = |(part, sums): (&ClusterPart, &mut PartSums<T>)| {
            sums.clear(part, list.shifts().len());
            sums.pushed = spare().pop().unwrap_or_default();
            if sums.pushed.len() < part.window().len() {
                let zero = OnPairs([[T::ZERO; MEMBERS * MEMBERS]; 3]);
                sums.pushed.resize(part.window().len(), zero);
            }
            let result = task(part, sums);
            sums.reduce(part);
            spare().push(std::mem::take(&mut sums.pushed));
            result
        };
        if parallel && parts.len() > 1 {
            let both = parts.par_iter().zip(&mut self.parts);
            both.map(run).collect()
        } else {
            parts.iter().zip(&mut self.parts).map(run).collect()
        }
    }

    /// Adds up what parts have for each cluster, in the order of parts, and sums the virial:
    ///
    /// ```text
    /// V σ_ab = −Σ_pairs F_a (x_i + n − x_j)_b = −Σ_i F_i,a x_i,b − Σ_n F_n,a n_b
    /// ```
    ///
    /// with all of an atom's force F_i and the force F_n on rows shifted by n.
    fn fold(
        &mut self,
        list: &ClusterList,
        parallel: bool,
        place: impl Fn(usize) -> OnMembers<f64> + Sync,
        shift: impl Fn(usize) -> [f64; 3],
    ) -> [f64; 6] {
        self.folded.resize(list.len(), [[T::ZERO; MEMBERS]; 3]);
        let parts = &self.parts;
        let task = |(k, folded): (usize, &mut [OnMembers<T>])| {
            let first = k * CLUSTERS_PER_TASK;
            folded.fill([[T::ZERO; MEMBERS]; 3]);
            for (part, sums) in list.parts().iter().zip(parts) {
                add_part(part, sums, list.len(), first, folded);
            }
            // Member by member, so that compilers keep them in vectors.
            let mut virial = [[0.0; MEMBERS]; 6];
            for (cluster, forces) in (first..).zip(folded.iter()) {
                let place = place(cluster);
                for (sums, (a, b)) in virial.iter_mut().zip(COMPONENTS) {
                    let both = forces[a].iter().zip(&place[b]);
                    for (sum, (force, along)) in sums.iter_mut().zip(both) {
                        *sum -= (*force).into() * along;
                    }
                }
            }
            virial.map(|members| members.iter().sum())
        };
        let virials: Vec<[f64; 6]> = if parallel {
            let tasks = self.folded.par_chunks_mut(CLUSTERS_PER_TASK).enumerate();
            tasks.map(task).collect()
        } else {
            let tasks = self.folded.chunks_mut(CLUSTERS_PER_TASK).enumerate();
            tasks.map(task).collect()
        };
        let mut virial = [0.0; 6];
        for part in virials {
            for (sum, more) in virial.iter_mut().zip(part) {
                *sum += more;
            }
        }
        for part in &self.parts {
            for (k, force) in part.shifted.iter().enumerate() {
                let shift = shift(k);
                for (sum, (a, b)) in virial.iter_mut().zip(COMPONENTS) {
                    *sum -= force[a] * shift[b];
                }
            }
        }
        virial
    }

    /// Writes the forces in the order of atoms, times a factor.
    fn gather(&self, list: &ClusterList, parallel: bool, factor: f64, forces: &mut [Vector3<f64>]) {
        let gather = |(force, &slot): (&mut Vector3<f64>, &u32)| {
            let (cluster, member) = (slot as usize / MEMBERS, slot as usize % MEMBERS);
            let [x, y, z] = &self.folded[cluster];
            *force = Vector3::new(x[member].into(), y[member].into(), z[member].into()) * factor;
        };
        if parallel {
            let atoms = forces.par_iter_mut().zip(list.slots());
            atoms
                .with_min_len(MEMBERS * CLUSTERS_PER_TASK)
                .for_each(gather);
        } else {
            forces.iter_mut().zip(list.slots()).for_each(gather);
        }
    }
}

/// Adds what a part has for some clusters, the first of them `first`; clusters around the cell stand
/// behind the last of all.
fn add_part<T: Number>(
    part: &ClusterPart,
    sums: &PartSums<T>,
    all: usize,
    first: usize,
    folded: &mut [OnMembers<T>],
) {
    let wanted = first..first + folded.len();
    let window = part.window();
    for around in [0, all] {
        let (start, end) = (wanted.start + around, wanted.end + around);
        for cluster in window.start.max(start)..window.end.min(end) {
            let forces = &mut folded[cluster - start];
            for (sums, more) in forces.iter_mut().zip(&sums.reduced[cluster - window.start]) {
                for (sum, more) in sums.iter_mut().zip(more) {
                    *sum += *more;
                }
            }
        }
    }
}
