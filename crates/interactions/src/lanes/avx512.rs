//! Eight doubles with AVX-512.

use std::arch::x86_64::*;
use std::ops::Range;

use metabasin_neighbors::{ClusterList, ClusterPart, LANES, MEMBERS, RowBlocks, VerletList};
use nalgebra::Vector3;

use super::mixed::BEFORE;
use crate::clusters::{OnPairs, PartSums};
use crate::lennard_jones::BinaryLennardJones;
use crate::pair::{BlockWriter, Part};
use crate::potential::Totals;

type Vector = __m512d;
type Mask = __mmask8;
/// Doubles in a vector.
const COUNT: usize = 8;

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn splat(value: f64) -> Vector {
    _mm512_set1_pd(value)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn add(a: Vector, b: Vector) -> Vector {
    _mm512_add_pd(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn sub(a: Vector, b: Vector) -> Vector {
    _mm512_sub_pd(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn mul(a: Vector, b: Vector) -> Vector {
    _mm512_mul_pd(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn div(a: Vector, b: Vector) -> Vector {
    _mm512_div_pd(a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn sqrt(a: Vector) -> Vector {
    _mm512_sqrt_pd(a)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_fmadd_pd(a, b, c)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn less(a: Vector, b: Vector) -> Mask {
    _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b)
}

/// a < b, where `among` is set.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn less_among(among: Mask, a: Vector, b: Vector) -> Mask {
    _mm512_mask_cmp_pd_mask::<_CMP_LT_OQ>(among, a, b)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn any(mask: Mask) -> bool {
    mask != 0
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn choose(mask: Mask, yes: Vector, no: Vector) -> Vector {
    _mm512_mask_blend_pd(mask, no, yes)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn keep(mask: Mask, value: Vector) -> Vector {
    _mm512_maskz_mov_pd(mask, value)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn total(value: Vector) -> f64 {
    _mm512_reduce_add_pd(value)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn load(from: &[f64]) -> Vector {
    assert!(from.len() == COUNT);
    // SAFETY: the slice holds eight doubles.
    unsafe { _mm512_loadu_pd(from.as_ptr()) }
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn store(to: &mut [f64], value: Vector) {
    assert!(to.len() == COUNT);
    // SAFETY: the slice holds eight doubles.
    unsafe { _mm512_storeu_pd(to.as_mut_ptr(), value) }
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn points(all: &[[f64; 4]], indices: &[u32]) -> [Vector; 4] {
    let at = |k: usize| {
        let index = indices[k] as usize;
        debug_assert!(index < all.len());
        // SAFETY: a list only holds indices of its coordinates and of the padding behind them, a
        // linearization only those of its atoms.
        unsafe { _mm256_loadu_pd(all.get_unchecked(index).as_ptr()) }
    };
    let pair = |low: usize, high: usize| {
        _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(at(low)), at(high))
    };
    let rows = [pair(0, 2), pair(1, 3), pair(4, 6), pair(5, 7)];
    let xz = [
        _mm512_unpacklo_pd(rows[0], rows[1]),
        _mm512_unpacklo_pd(rows[2], rows[3]),
    ];
    let yw = [
        _mm512_unpackhi_pd(rows[0], rows[1]),
        _mm512_unpackhi_pd(rows[2], rows[3]),
    ];
    [
        _mm512_shuffle_f64x2::<0b10_00_10_00>(xz[0], xz[1]),
        _mm512_shuffle_f64x2::<0b10_00_10_00>(yw[0], yw[1]),
        _mm512_shuffle_f64x2::<0b11_01_11_01>(xz[0], xz[1]),
        _mm512_shuffle_f64x2::<0b11_01_11_01>(yw[0], yw[1]),
    ]
}

/// The sum of the lanes of each of three vectors.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn total_of_each(vectors: [Vector; 3]) -> Vector3<f64> {
    let [x, y, z] = vectors.map(|vector| {
        _mm256_add_pd(
            _mm512_castpd512_pd256(vector),
            _mm512_extractf64x4_pd::<1>(vector),
        )
    });
    // (x0 + x1, y0 + y1, x2 + x3, y2 + y3) and the same of z.
    let (xy, zz) = (_mm256_hadd_pd(x, y), _mm256_hadd_pd(z, z));
    let sums = _mm256_add_pd(
        _mm256_permute2f128_pd::<0x20>(xy, zz),
        _mm256_permute2f128_pd::<0x31>(xy, zz),
    );
    let mut out = [0.0; 4];
    // SAFETY: the array holds four doubles.
    unsafe { _mm256_storeu_pd(out.as_mut_ptr(), sums) };
    Vector3::new(out[0], out[1], out[2])
}

/// Each of a group's two members of a cluster four times.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn spread(members: &[f64; MEMBERS], group: usize) -> Vector {
    let [low, high] = [members[2 * group], members[2 * group + 1]];
    _mm512_insertf64x4::<1>(_mm512_set1_pd(low), _mm256_set1_pd(high))
}

/// All members, twice.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn repeat(members: &[f64; MEMBERS]) -> Vector {
    // SAFETY: the array holds four doubles.
    _mm512_broadcast_f64x4(unsafe { _mm256_loadu_pd(members.as_ptr()) })
}

/// The value where a cluster's member stands before the other of the same cluster.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn first_of_each(value: Vector, group: usize, otherwise: f64) -> Vector {
    let mut before: Mask = 0;
    for (lane, &first) in BEFORE.as_flattened()[group * COUNT..][..COUNT]
        .iter()
        .enumerate()
    {
        before |= u8::from(first) << lane;
    }
    choose(before, value, splat(otherwise))
}

/// Takes a vector off the sums of a group's pairs.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn subtract(sums: &mut [f64; MEMBERS * MEMBERS], group: usize, value: Vector) {
    let half = &mut sums[group * COUNT..(group + 1) * COUNT];
    let before = load(half);
    store(half, sub(before, value));
}

/// The sum over the four lanes of each member.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn sums_of_four(value: Vector) -> [f64; COUNT / MEMBERS] {
    let mut lanes = [0.0; COUNT];
    store(&mut lanes, value);
    let [a, b, c, d, e, f, g, h] = lanes;
    [(a + b) + (c + d), (e + f) + (g + h)]
}

pair_loops!("avx512f,avx512dq");
cluster_loop!(#[target_feature(enable = "avx512f,avx512dq")]);
