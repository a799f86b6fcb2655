//! Eight single-precision numbers with AVX2 and FMA: two members beside four.
#![expect(unsafe_code, reason = "loads from and stores to arrays")]

use std::arch::x86_64::*;

use metabasin_neighbors::{ClusterList, ClusterPart, MEMBERS};

use super::{BEFORE, Bilinear, MixedTerms};
use crate::clusters::{OnPairs, PartSums};

type Vector = __m256;
type Steps = __m256i;
/// Pairs in a vector.
const COUNT: usize = 8;

#[target_feature(enable = "avx2,fma")]
#[inline]
fn splat(value: f32) -> Vector {
    _mm256_set1_ps(value)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn splat_steps(value: i32) -> Steps {
    _mm256_set1_epi32(value)
}

/// Each of a group's two members four times.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn spread(members: &[f32; MEMBERS], group: usize) -> Vector {
    let [low, high] = [members[2 * group], members[2 * group + 1]];
    _mm256_setr_m128(_mm_set1_ps(low), _mm_set1_ps(high))
}

/// Each of a group's two members four times.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn spread_steps(members: &[i32; MEMBERS], group: usize) -> Steps {
    let [low, high] = [members[2 * group], members[2 * group + 1]];
    _mm256_setr_m128i(_mm_set1_epi32(low), _mm_set1_epi32(high))
}

/// All members, twice.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn repeat(members: &[f32; MEMBERS]) -> Vector {
    // SAFETY: the array holds four numbers.
    let four = unsafe { _mm_loadu_ps(members.as_ptr()) };
    _mm256_setr_m128(four, four)
}

/// All members, twice.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn repeat_steps(members: &[i32; MEMBERS]) -> Steps {
    // SAFETY: the array holds four integers.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(members.as_ptr().cast()) })
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn add_steps(a: Steps, b: Steps) -> Steps {
    _mm256_add_epi32(a, b)
}

/// The exact difference, rounded once.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn between(a: Steps, b: Steps) -> Vector {
    _mm256_cvtepi32_ps(_mm256_sub_epi32(a, b))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn add(a: Vector, b: Vector) -> Vector {
    _mm256_add_ps(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn sub(a: Vector, b: Vector) -> Vector {
    _mm256_sub_ps(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn mul(a: Vector, b: Vector) -> Vector {
    _mm256_mul_ps(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn min(a: Vector, b: Vector) -> Vector {
    _mm256_min_ps(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn max(a: Vector, b: Vector) -> Vector {
    _mm256_max_ps(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm256_fmadd_ps(a, b, c)
}

/// a b − c.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn fms(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm256_fmsub_ps(a, b, c)
}

/// 1/a below the limit, to the last bit or two, else 0: an estimate e to 1.5 × 2⁻¹², and
/// e + e d + e d² with what e lacks, d = 1 − a e. (A plain step of Newton's would leave all
/// pairs 4e-8 too weak on average.)
#[target_feature(enable = "avx2,fma")]
#[inline]
fn inverse_within(a: Vector, limit: Vector) -> Vector {
    let below = _mm256_cmp_ps::<_CMP_LT_OQ>(a, limit);
    let estimate = _mm256_rcp_ps(a);
    let lacks = _mm256_fnmadd_ps(a, estimate, _mm256_set1_ps(1.0));
    let correction = _mm256_fmadd_ps(lacks, lacks, lacks);
    _mm256_and_ps(below, _mm256_fmadd_ps(estimate, correction, estimate))
}

/// The value where a cluster's member stands before the other of the same cluster.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn first_of_each(value: Vector, group: usize, otherwise: f32) -> Vector {
    let mut lanes = [0.0; COUNT];
    // SAFETY: the array holds eight numbers.
    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), value) };
    let before = &BEFORE.as_flattened()[group * COUNT..];
    for (lane, &first) in lanes.iter_mut().zip(before) {
        if !first {
            *lane = otherwise;
        }
    }
    // SAFETY: as above.
    unsafe { _mm256_loadu_ps(lanes.as_ptr()) }
}

/// Takes a vector off the sums of a group's pairs.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn subtract(sums: &mut [f32; MEMBERS * MEMBERS], group: usize, value: Vector) {
    let half = &mut sums[group * COUNT..(group + 1) * COUNT];
    // SAFETY: the slice holds eight numbers.
    unsafe {
        let before = _mm256_loadu_ps(half.as_ptr());
        _mm256_storeu_ps(half.as_mut_ptr(), _mm256_sub_ps(before, value));
    }
}

/// The sum over the four lanes of each member.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn sums_of_four(value: Vector) -> [f32; COUNT / MEMBERS] {
    let pairs = _mm256_add_ps(value, _mm256_permute_ps::<0b10_11_00_01>(value));
    let fours = _mm256_add_ps(pairs, _mm256_permute_ps::<0b01_00_11_10>(pairs));
    [
        _mm256_cvtss_f32(fours),
        _mm_cvtss_f32(_mm256_extractf128_ps::<1>(fours)),
    ]
}

mixed_loop!(#[target_feature(enable = "avx2,fma")]);
