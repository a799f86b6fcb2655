//! Four doubles with AVX2 and FMA.

use std::arch::x86_64::*;
use std::ops::Range;

use metabasin_neighbors::{ClusterList, ClusterPart, LANES, MEMBERS, RowBlocks, VerletList};
use nalgebra::Vector3;

use super::mixed::BEFORE;
use crate::clusters::{OnPairs, PartSums};
use crate::lennard_jones::BinaryLennardJones;
use crate::pair::{BlockWriter, Part};
use crate::potential::Totals;

type Vector = __m256d;
type Mask = __m256d;
/// Doubles in a vector.
const COUNT: usize = 4;

#[target_feature(enable = "avx2,fma")]
#[inline]
fn splat(value: f64) -> Vector {
    _mm256_set1_pd(value)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn add(a: Vector, b: Vector) -> Vector {
    _mm256_add_pd(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn sub(a: Vector, b: Vector) -> Vector {
    _mm256_sub_pd(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn mul(a: Vector, b: Vector) -> Vector {
    _mm256_mul_pd(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn div(a: Vector, b: Vector) -> Vector {
    _mm256_div_pd(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn sqrt(a: Vector) -> Vector {
    _mm256_sqrt_pd(a)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm256_fmadd_pd(a, b, c)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn less(a: Vector, b: Vector) -> Mask {
    _mm256_cmp_pd::<_CMP_LT_OQ>(a, b)
}

/// a < b, where `among` is set.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn less_among(among: Mask, a: Vector, b: Vector) -> Mask {
    _mm256_and_pd(among, _mm256_cmp_pd::<_CMP_LT_OQ>(a, b))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn any(mask: Mask) -> bool {
    _mm256_movemask_pd(mask) != 0
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn choose(mask: Mask, yes: Vector, no: Vector) -> Vector {
    _mm256_blendv_pd(no, yes, mask)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn keep(mask: Mask, value: Vector) -> Vector {
    _mm256_and_pd(mask, value)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn total(value: Vector) -> f64 {
    let halves = _mm_add_pd(
        _mm256_castpd256_pd128(value),
        _mm256_extractf128_pd::<1>(value),
    );
    _mm_cvtsd_f64(_mm_add_sd(halves, _mm_unpackhi_pd(halves, halves)))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(from: &[f64]) -> Vector {
    assert!(from.len() == COUNT);
    // SAFETY: the slice holds four doubles.
    unsafe { _mm256_loadu_pd(from.as_ptr()) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(to: &mut [f64], value: Vector) {
    assert!(to.len() == COUNT);
    // SAFETY: the slice holds four doubles.
    unsafe { _mm256_storeu_pd(to.as_mut_ptr(), value) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn points(all: &[[f64; 4]], indices: &[u32]) -> [Vector; 4] {
    let at = |k: usize| {
        let index = indices[k] as usize;
        debug_assert!(index < all.len());
        // SAFETY: a list only holds indices of its coordinates and of the padding behind them, a
        // linearization only those of its atoms.
        unsafe { _mm256_loadu_pd(all.get_unchecked(index).as_ptr()) }
    };
    let rows = [at(0), at(1), at(2), at(3)];
    let xz = [
        _mm256_unpacklo_pd(rows[0], rows[1]),
        _mm256_unpacklo_pd(rows[2], rows[3]),
    ];
    let yw = [
        _mm256_unpackhi_pd(rows[0], rows[1]),
        _mm256_unpackhi_pd(rows[2], rows[3]),
    ];
    [
        _mm256_permute2f128_pd::<0x20>(xz[0], xz[1]),
        _mm256_permute2f128_pd::<0x20>(yw[0], yw[1]),
        _mm256_permute2f128_pd::<0x31>(xz[0], xz[1]),
        _mm256_permute2f128_pd::<0x31>(yw[0], yw[1]),
    ]
}

/// The sum of the lanes of each of three vectors.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn total_of_each([x, y, z]: [Vector; 3]) -> Vector3<f64> {
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

/// A group's member of a cluster four times.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn spread(members: &[f64; MEMBERS], group: usize) -> Vector {
    splat(members[group])
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn repeat(members: &[f64; MEMBERS]) -> Vector {
    load(members)
}

/// The value where a cluster's member stands before the other of the same cluster.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn first_of_each(value: Vector, group: usize, otherwise: f64) -> Vector {
    let mut lanes = [0.0; COUNT];
    store(&mut lanes, value);
    for (lane, first) in lanes.iter_mut().zip(BEFORE[group]) {
        if !first {
            *lane = otherwise;
        }
    }
    load(&lanes)
}

/// Takes a vector off the sums of a member's pairs.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn subtract(sums: &mut [f64; MEMBERS * MEMBERS], group: usize, value: Vector) {
    let quarter = &mut sums[group * COUNT..(group + 1) * COUNT];
    let before = load(quarter);
    store(quarter, sub(before, value));
}

/// The sum over the four lanes of the member.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn sums_of_four(value: Vector) -> [f64; COUNT / MEMBERS] {
    [total(value)]
}

pair_loops!("avx2,fma");
cluster_loop!(#[target_feature(enable = "avx2,fma")]);
