//! Sixteen single-precision numbers with AVX-512.
#![expect(unsafe_code, reason = "loads without bounds checks, stores to arrays")]

use std::arch::x86_64::*;
use std::ops::Range;

use metabasin_neighbors::{FixedPoint, LANES, RowBlocks, VerletList};
use nalgebra::Vector3;

use super::MixedTerms;
use crate::potential::StepVirial;

type Vector = __m512;
type Steps = __m512i;
type Mask = __mmask16;
/// Blocks of the list in a vector.
const BLOCKS: usize = 2;

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
fn sqrt(a: Vector) -> Vector {
    _mm512_sqrt_ps(a)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_fmadd_ps(a, b, c)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn less(a: Vector, b: Vector) -> Mask {
    _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b)
}

/// a < b, where `among` is set.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn less_among(among: Mask, a: Vector, b: Vector) -> Mask {
    _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(among, a, b)
}

/// 1/a to the last bit or two: an estimate to 2⁻¹⁴ and a step of Newton's. A division would hold
/// up the arithmetic of a vector by a third.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn reciprocal(a: Vector) -> Vector {
    let estimate = _mm512_rcp14_ps(a);
    mul(estimate, _mm512_fnmadd_ps(a, estimate, _mm512_set1_ps(2.0)))
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn any(mask: Mask) -> bool {
    mask != 0
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn choose(mask: Mask, yes: Vector, no: Vector) -> Vector {
    _mm512_mask_blend_ps(mask, no, yes)
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn keep(mask: Mask, value: Vector) -> Vector {
    _mm512_maskz_mov_ps(mask, value)
}

/// The lanes of the first blocks.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn lanes_of(blocks: usize) -> Mask {
    if blocks == BLOCKS { 0xffff } else { 0x00ff }
}

/// Coordinates and species of sixteen images.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn points(all: &[FixedPoint], indices: &[u32]) -> (Steps, Steps, Steps, Vector) {
    let indices: &[u32; BLOCKS * LANES] = indices.try_into().expect("two blocks");
    let at = |k: usize| {
        let index = indices[k] as usize;
        debug_assert!(index < all.len());
        // SAFETY: a list only holds indices of its points and of the padding behind them, which
        // are aligned to sixteen bytes.
        unsafe { _mm_load_si128(all.as_ptr().add(index).cast()) }
    };
    let four = |k: usize| {
        let one = _mm512_castsi128_si512(at(k));
        let two = _mm512_inserti32x4::<1>(one, at(k + 4));
        let three = _mm512_inserti32x4::<2>(two, at(k + 8));
        _mm512_inserti32x4::<3>(three, at(k + 12))
    };
    let [a, b, c, d] = [four(0), four(1), four(2), four(3)];
    let (xy, more_xy) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
    let (zs, more_zs) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
    (
        _mm512_unpacklo_epi64(xy, more_xy),
        _mm512_unpackhi_epi64(xy, more_xy),
        _mm512_unpacklo_epi64(zs, more_zs),
        _mm512_castsi512_ps(_mm512_unpackhi_epi64(zs, more_zs)),
    )
}

/// Adds the upper half of the lanes to the lower.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn fold(vector: Vector) -> __m256 {
    _mm256_add_ps(
        _mm512_castps512_ps256(vector),
        _mm512_extractf32x8_ps::<1>(vector),
    )
}

/// The sum of the lanes of each of three vectors.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn total_of_each(vectors: [Vector; 3]) -> Vector3<f64> {
    let [x, y, z] = vectors.map(|vector| fold(vector));
    let zero = _mm256_setzero_ps();
    let xy = _mm256_add_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y));
    let zz = _mm256_add_ps(_mm256_unpacklo_ps(z, zero), _mm256_unpackhi_ps(z, zero));
    let xyz = _mm256_add_ps(
        _mm256_shuffle_ps::<0b01_00_01_00>(xy, zz),
        _mm256_shuffle_ps::<0b11_10_11_10>(xy, zz),
    );
    let sums = _mm_add_ps(_mm256_castps256_ps128(xyz), _mm256_extractf128_ps::<1>(xyz));
    let mut out = [0.0_f32; 4];
    // SAFETY: the array holds four numbers.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), sums) };
    Vector3::new(out[0], out[1], out[2]).map(f64::from)
}

/// Sums over rows in double precision.
struct Sums {
    trace: __m512d,
    shear: __m512d,
}

impl Sums {
    #[target_feature(enable = "avx512f,avx512dq")]
    #[inline]
    fn zero() -> Self {
        Self {
            trace: _mm512_setzero_pd(),
            shear: _mm512_setzero_pd(),
        }
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    #[inline]
    fn add(&mut self, trace: Vector, shear: Vector) {
        self.trace = _mm512_add_pd(self.trace, _mm512_cvtps_pd(fold(trace)));
        self.shear = _mm512_add_pd(self.shear, _mm512_cvtps_pd(fold(shear)));
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    #[inline]
    fn total(self) -> StepVirial {
        StepVirial {
            trace: -_mm512_reduce_add_pd(self.trace),
            xy: -_mm512_reduce_add_pd(self.shear),
        }
    }
}

mixed_loop!("avx512f,avx512dq");
