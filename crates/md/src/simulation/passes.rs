//! Everything a step does atom by atom beside the forces, each in one sweep over memory.
//!
//! Sums run over chunks of [`CHUNK`] atoms and then over the chunks in order, so that their bits
//! do not depend on who works on which chunk.

use nalgebra::Vector3;
use rayon::prelude::*;

use super::linear_map::UpperTriangular;

/// Atoms a partial sum covers.
const CHUNK: usize = 1024;

/// v ← A v + B F/m.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kick {
    /// A.
    pub(super) velocity: UpperTriangular,
    /// B `[τ]`.
    pub(super) force: UpperTriangular,
}

/// r ← A r + B v.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drift {
    /// A.
    pub(super) position: UpperTriangular,
    /// B `[τ]`.
    pub(super) velocity: UpperTriangular,
}

/// Half a drift, v ← c v + s ξ/√m without net momentum, half a drift: r ← A r + B v before, and
/// + C v after.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoisyDrift {
    /// A.
    pub(super) position: UpperTriangular,
    /// B `[τ]`.
    pub(super) before: UpperTriangular,
    /// C `[τ]`.
    pub(super) after: UpperTriangular,
    /// c.
    pub(super) decay: f64,
    /// s `[energy^1/2]`.
    pub(super) noise: f64,
}

/// What a noisy drift leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noised {
    /// Whether every velocity is within the limit.
    pub(super) within: bool,
    /// Σ m v v of the new velocities.
    pub(super) kinetic: [f64; 6],
}

/// Does `work` on all chunks, over rayon's threads or not; returns what it returned in order.
fn over_chunks<C: Send, R: Send>(
    parallel: bool,
    chunks: impl Iterator<Item = C>,
    work: impl Fn(C) -> R + Sync + Send,
) -> impl Iterator<Item = R> {
    let chunks: Vec<C> = chunks.collect();
    let results: Vec<R> = if parallel {
        chunks.into_par_iter().map(work).collect()
    } else {
        chunks.into_iter().map(work).collect()
    };
    results.into_iter()
}

impl Kick {
    #[inline]
    fn apply(
        &self,
        velocity: &Vector3<f64>,
        force: &Vector3<f64>,
        inverse_mass: f64,
    ) -> Vector3<f64> {
        self.velocity.apply(velocity) + self.force.apply(&(force * inverse_mass))
    }
}

/// Kick, then drift. Whether every velocity is within `speed_limit` (and a number).
pub(super) fn kick_and_drift(
    parallel: bool,
    (kick, drift): (&Kick, &Drift),
    positions: &mut [Vector3<f64>],
    velocities: &mut [Vector3<f64>],
    forces: &[Vector3<f64>],
    inverse_masses: &[f64],
    speed_limit: f64,
) -> bool {
    let limit = speed_limit * speed_limit;
    let chunks = positions
        .chunks_mut(CHUNK)
        .zip(velocities.chunks_mut(CHUNK))
        .zip(forces.chunks(CHUNK))
        .zip(inverse_masses.chunks(CHUNK));
    over_chunks(
        parallel,
        chunks,
        |(((positions, velocities), forces), inverse_masses)| {
            let mut within = true;
            for (((position, velocity), force), inverse_mass) in positions
                .iter_mut()
                .zip(velocities)
                .zip(forces)
                .zip(inverse_masses)
            {
                let kicked = kick.apply(velocity, force, *inverse_mass);
                within &= kicked.norm_squared() <= limit;
                *position = drift.position.apply(position) + drift.velocity.apply(&kicked);
                *velocity = kicked;
            }
            within
        },
    )
    .fold(true, |all, within| all & within)
}

/// Drift. Whether every velocity is within `speed_limit` (and a number).
pub(super) fn drift(
    parallel: bool,
    drift: &Drift,
    positions: &mut [Vector3<f64>],
    velocities: &[Vector3<f64>],
    speed_limit: f64,
) -> bool {
    let limit = speed_limit * speed_limit;
    let chunks = positions.chunks_mut(CHUNK).zip(velocities.chunks(CHUNK));
    over_chunks(parallel, chunks, |(positions, velocities)| {
        let mut within = true;
        for (position, velocity) in positions.iter_mut().zip(velocities) {
            within &= velocity.norm_squared() <= limit;
            *position = drift.position.apply(position) + drift.velocity.apply(velocity);
        }
        within
    })
    .fold(true, |all, within| all & within)
}

/// A drift with noise in its middle; `normal(i)` are three normal deviates for atom i.
///
/// A second sweep takes the net momentum out of the noise and its way out of the positions.
pub(super) fn noisy_drift(
    parallel: bool,
    drift: &NoisyDrift,
    positions: &mut [Vector3<f64>],
    velocities: &mut [Vector3<f64>],
    masses: &[f64],
    speed_limit: f64,
    normal: &(impl Fn(usize) -> Vector3<f64> + Sync + Send),
) -> Noised {
    let limit = speed_limit * speed_limit;
    let chunks = positions
        .chunks_mut(CHUNK)
        .zip(velocities.chunks_mut(CHUNK))
        .zip(masses.chunks(CHUNK))
        .enumerate();
    let (within, [x, y, z, mass]) = over_chunks(
        parallel,
        chunks,
        |(chunk, ((positions, velocities), masses))| {
            let mut within = true;
            let mut sum = [0.0; 4];
            for (i, ((position, velocity), mass)) in
                positions.iter_mut().zip(velocities).zip(masses).enumerate()
            {
                let random = normal(chunk * CHUNK + i) * (drift.noise / mass.sqrt());
                let noised = *velocity * drift.decay + random;
                within &= velocity.norm_squared().max(noised.norm_squared()) <= limit;
                *position = drift.position.apply(position)
                    + drift.before.apply(velocity)
                    + drift.after.apply(&noised);
                *velocity = noised;
                sum = add(
                    sum,
                    [mass * noised.x, mass * noised.y, mass * noised.z, *mass],
                );
            }
            (within, sum)
        },
    )
    .fold((true, [0.0; 4]), |(all, total), (within, sum)| {
        (all & within, add(total, sum))
    });
    let excess = Vector3::new(x, y, z) / mass;
    let way = drift.after.apply(&excess);
    let chunks = positions
        .chunks_mut(CHUNK)
        .zip(velocities.chunks_mut(CHUNK))
        .zip(masses.chunks(CHUNK));
    let kinetic = over_chunks(parallel, chunks, |((positions, velocities), masses)| {
        let mut sum = [0.0; 6];
        for ((position, velocity), mass) in positions.iter_mut().zip(velocities).zip(masses) {
            *position -= way;
            *velocity -= excess;
            add_kinetic(&mut sum, velocity, *mass);
        }
        sum
    })
    .fold([0.0; 6], add);
    Noised { within, kinetic }
}

/// Kick. Returns Σ m v v of the new velocities, order xx, yy, zz, xy, xz, yz.
pub(super) fn kick(
    parallel: bool,
    kick: &Kick,
    velocities: &mut [Vector3<f64>],
    forces: &[Vector3<f64>],
    masses: &[f64],
    inverse_masses: &[f64],
) -> [f64; 6] {
    let chunks = velocities
        .chunks_mut(CHUNK)
        .zip(forces.chunks(CHUNK))
        .zip(masses.chunks(CHUNK))
        .zip(inverse_masses.chunks(CHUNK));
    over_chunks(
        parallel,
        chunks,
        |(((velocities, forces), masses), inverse_masses)| {
            let mut sum = [0.0; 6];
            for (((velocity, force), mass), inverse_mass) in velocities
                .iter_mut()
                .zip(forces)
                .zip(masses)
                .zip(inverse_masses)
            {
                *velocity = kick.apply(velocity, force, *inverse_mass);
                add_kinetic(&mut sum, velocity, *mass);
            }
            sum
        },
    )
    .fold([0.0; 6], add)
}

/// Σ m v v, order xx, yy, zz, xy, xz, yz.
pub(super) fn kinetic(parallel: bool, velocities: &[Vector3<f64>], masses: &[f64]) -> [f64; 6] {
    let chunks = velocities.chunks(CHUNK).zip(masses.chunks(CHUNK));
    over_chunks(parallel, chunks, |(velocities, masses)| {
        let mut sum = [0.0; 6];
        for (velocity, mass) in velocities.iter().zip(masses) {
            add_kinetic(&mut sum, velocity, *mass);
        }
        sum
    })
    .fold([0.0; 6], add)
}

#[inline]
fn add_kinetic(sum: &mut [f64; 6], velocity: &Vector3<f64>, mass: f64) {
    let momentum = velocity * mass;
    sum[0] += momentum.x * velocity.x;
    sum[1] += momentum.y * velocity.y;
    sum[2] += momentum.z * velocity.z;
    sum[3] += momentum.x * velocity.y;
    sum[4] += momentum.x * velocity.z;
    sum[5] += momentum.y * velocity.z;
}

fn add<const N: usize>(a: [f64; N], b: [f64; N]) -> [f64; N] {
    std::array::from_fn(|k| a[k] + b[k])
}
