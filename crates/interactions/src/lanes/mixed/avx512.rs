//! Sixteen single-precision numbers with AVX-512: all pairs of two clusters.
#![expect(unsafe_code, reason = "loads from and stores to arrays")]

use std::arch::x86_64::*;

use metabasin_neighbors::{ClusterList, ClusterPart, MEMBERS};

use super::{BEFORE, Bilinear, MixedTerms};
use crate::clusters::{OnPairs, PartSums};

type Vector = __m512;
type Steps = __m512i;
/// Pairs in a vector.
const COUNT: usize = 16;

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn splat(value: f32) -> Vector {
    _mm512_set1_ps(value)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn splat_steps(value: i32) -> Steps {
    _mm512_set1_epi32(value)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn four_times_each() -> Steps {
    _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)
}

/// Each member four times.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn spread(members: &[f32; MEMBERS], _group: usize) -> Vector {
    // SAFETY: the array holds four numbers.
    let four = unsafe { _mm_loadu_ps(members.as_ptr()) };
    _mm512_permutexvar_ps(four_times_each(), _mm512_castps128_ps512(four))
}

/// Each member four times.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn spread_steps(members: &[i32; MEMBERS], _group: usize) -> Steps {
    // SAFETY: the array holds four integers.
    let four = unsafe { _mm_loadu_si128(members.as_ptr().cast()) };
    _mm512_permutexvar_epi32(four_times_each(), _mm512_castsi128_si512(four))
}

/// All members, four times.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn repeat(members: &[f32; MEMBERS]) -> Vector {
    // SAFETY: the array holds four numbers.
    _mm512_broadcast_f32x4(unsafe { _mm_loadu_ps(members.as_ptr()) })
}

/// All members, four times.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn repeat_steps(members: &[i32; MEMBERS]) -> Steps {
    // SAFETY: the array holds four integers.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(members.as_ptr().cast()) })
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn add_steps(a: Steps, b: Steps) -> Steps {
    _mm512_add_epi32(a, b)
}

/// The exact difference, rounded once.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn between(a: Steps, b: Steps) -> Vector {
    _mm512_cvtepi32_ps(_mm512_sub_epi32(a, b))
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn add(a: Vector, b: Vector) -> Vector {
    _mm512_add_ps(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn sub(a: Vector, b: Vector) -> Vector {
    _mm512_sub_ps(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn mul(a: Vector, b: Vector) -> Vector {
    _mm512_mul_ps(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn min(a: Vector, b: Vector) -> Vector {
    _mm512_min_ps(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn max(a: Vector, b: Vector) -> Vector {
    _mm512_max_ps(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_fmadd_ps(a, b, c)
}

/// a b − c.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn fms(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_fmsub_ps(a, b, c)
}

/// 1/a below the limit, to the last bit or two, else 0: an estimate to 2⁻¹⁴ and a step of Newton's.
/// A division would hold up the arithmetic of a vector by a third.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn inverse_within(a: Vector, limit: Vector) -> Vector {
    let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, limit);
    let estimate = _mm512_rcp14_ps(a);
    let correction = _mm512_fnmadd_ps(a, estimate, _mm512_set1_ps(2.0));
    _mm512_maskz_mul_ps(below, estimate, correction)
}

/// The value where a cluster's member stands before the other of the same cluster.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn first_of_each(value: Vector, _group: usize, otherwise: f32) -> Vector {
    let mut before: __mmask16 = 0;
    for (lane, first) in BEFORE.as_flattened().iter().enumerate() {
        before |= u16::from(*first) << lane;
    }
    _mm512_mask_blend_ps(before, _mm512_set1_ps(otherwise), value)
}

/// Takes a vector off the sums of all pairs.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn subtract(sums: &mut [f32; MEMBERS * MEMBERS], _group: usize, value: Vector) {
    // SAFETY: the array holds sixteen numbers.
    unsafe {
        let before = _mm512_loadu_ps(sums.as_ptr());
        _mm512_storeu_ps(sums.as_mut_ptr(), _mm512_sub_ps(before, value));
    }
}

/// The sum over the four lanes of each member.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn sums_of_four(value: Vector) -> [f32; COUNT / MEMBERS] {
    let pairs = _mm512_add_ps(value, _mm512_permute_ps::<0b10_11_00_01>(value));
    let fours = _mm512_add_ps(pairs, _mm512_permute_ps::<0b01_00_11_10>(pairs));
    let firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    let four = _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, fours));
    let mut sums = [0.0; COUNT / MEMBERS];
    // SAFETY: the array holds four numbers.
    unsafe { _mm_storeu_ps(sums.as_mut_ptr(), four) };
    sums
}

mixed_loop!(#[target_feature(enable = "avx512f,avx512dq")]);
