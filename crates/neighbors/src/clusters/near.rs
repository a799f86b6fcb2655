//! Which of some clusters have an atom within range of a shifted cluster's.
#![expect(
    unsafe_code,
    reason = "AVX-512 loads; calls of functions that need CPU features"
)]

use super::places::{Cluster, MEMBERS};

/// A cluster where its row puts it, and how far each of its members sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    x: [i32; MEMBERS],
    y: [i32; MEMBERS],
    z: [i32; MEMBERS],
    /// Squared range in steps of the grid; negative for a member that is no atom.
    limit: [f32; MEMBERS],
}

impl Probe {
    pub fn new(cluster: &Cluster, shift: [i32; 3], limit: f32) -> Self {
        Self {
            x: cluster.x.map(|x| x.wrapping_add(shift[0])),
            y: cluster.y.map(|y| y.wrapping_add(shift[1])),
            z: cluster.z.map(|z| z.wrapping_add(shift[2])),
            limit: cluster
                .species
                .map(|species| if species < 0.0 { -1.0 } else { limit }),
        }
    }

    fn sees_any(&self, other: &Cluster) -> bool {
        let mut any = false;
        for k in 0..MEMBERS {
            for l in 0..MEMBERS {
                let x = self.x[k].wrapping_sub(other.x[l]) as f32;
                let y = self.y[k].wrapping_sub(other.y[l]) as f32;
                let z = self.z[k].wrapping_sub(other.z[l]) as f32;
                any |= x * x + y * y + z * z < self.limit[k];
            }
        }
        any
    }
}

/// Appends those of some clusters that have a member within range. The result is the same, bit by
/// bit, with and without AVX-512: products and sums are not fused.
///
/// # Panics
/// If `others` names a cluster that does not exist.
pub(super) fn keep_near(clusters: &[Cluster], probe: &Probe, others: &[u32], kept: &mut Vec<u32>) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the CPU has AVX-512F.
        unsafe { keep_near_avx512(clusters, probe, others, kept) };
        return;
    }
    keep_near_portable(clusters, probe, others, kept);
}

fn keep_near_portable(clusters: &[Cluster], probe: &Probe, others: &[u32], kept: &mut Vec<u32>) {
    let near = |other: &&u32| probe.sees_any(&clusters[**other as usize]);
    kept.extend(others.iter().filter(near));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn keep_near_avx512(clusters: &[Cluster], probe: &Probe, others: &[u32], kept: &mut Vec<u32>) {
    use std::arch::x86_64::*;

    let four_times = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    // SAFETY: an array of four integers is read.
    let load = |axis: &[i32; MEMBERS]| unsafe { _mm_loadu_si128(axis.as_ptr().cast()) };
    let spread = |axis: &[i32; MEMBERS]| {
        _mm512_permutexvar_epi32(four_times, _mm512_castsi128_si512(load(axis)))
    };
    let [x0, y0, z0] = [&probe.x, &probe.y, &probe.z].map(&spread);
    let limit = _mm512_castsi512_ps(spread(&probe.limit.map(|limit| limit.to_bits() as i32)));
    let first = kept.len();
    kept.resize(first + others.len(), 0);
    let mut count = first;
    for &other in others {
        let there = &clusters[other as usize];
        let between = |a, axis: &[i32; MEMBERS]| {
            _mm512_cvtepi32_ps(_mm512_sub_epi32(a, _mm512_broadcast_i32x4(load(axis))))
        };
        let x = between(x0, &there.x);
        let y = between(y0, &there.y);
        let z = between(z0, &there.z);
        let squared = _mm512_add_ps(
            _mm512_add_ps(_mm512_mul_ps(x, x), _mm512_mul_ps(y, y)),
            _mm512_mul_ps(z, z),
        );
        kept[count] = other;
        count += usize::from(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(squared, limit) != 0);
    }
    kept.truncate(count);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_keep_the_same() {
        let wave = |k: i32, step: f64| ((f64::from(k) * step).sin() * 1e8) as i32;
        let clusters: Vec<Cluster> = (0..200)
            .map(|k| Cluster {
                x: [0, 1, 2, 3].map(|l| wave(4 * k + l, 0.07)),
                y: [0, 1, 2, 3].map(|l| wave(4 * k + l, 0.13)),
                z: [0, 1, 2, 3].map(|l| wave(4 * k + l, 0.21)),
                species: [0.0, 1.0, 0.0, if k % 3 == 0 { -1.0 } else { 0.0 }],
            })
            .collect();
        let others: Vec<u32> = (0..200).rev().collect();
        for (k, limit) in [(3, 3e15), (4, 1e16), (90, 0.0)] {
            let probe = Probe::new(&clusters[k], [5, -1000, 1 << 24], limit);
            let (mut any, mut portable) = (vec![7], vec![7]);
            keep_near(&clusters, &probe, &others, &mut any);
            keep_near_portable(&clusters, &probe, &others, &mut portable);
            assert!((limit == 0.0) == (any.len() == 1) && any.len() < 150);
            assert_eq!(any, portable);
        }
    }

    #[test]
    fn a_member_that_is_no_atom_sees_nothing() {
        let mut cluster = Cluster {
            species: [-1.0; MEMBERS],
            ..Cluster::default()
        };
        let all = [cluster];
        let mut kept = Vec::new();
        keep_near(&all, &Probe::new(&cluster, [0; 3], 1e15), &[0], &mut kept);
        assert!(kept.is_empty());
        cluster.species[2] = 0.0;
        keep_near(&all, &Probe::new(&cluster, [0; 3], 1e15), &[0], &mut kept);
        assert_eq!(kept, [0]);
    }
}
