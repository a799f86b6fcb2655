//! Eight single-precision numbers with AVX2 and FMA.
#![expect(unsafe_code, reason = "loads without bounds checks, stores to arrays")]

use std::arch::x86_64::*;
use std::ops::Range;

use metabasin_neighbors::{FixedPoint, LANES, RowBlocks, VerletList};
use nalgebra::Vector3;

use super::MixedTerms;
use crate::potential::StepVirial;

type Vector = __m256;
type Steps = __m256i;
type Mask = __m256;
/// Blocks of the list in a vector.
const BLOCKS: usize = 1;

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
fn sqrt(a: Vector) -> Vector {
    _mm256_sqrt_ps(a)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm256_fmadd_ps(a, b, c)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn less(a: Vector, b: Vector) -> Mask {
    _mm256_cmp_ps::<_CMP_LT_OQ>(a, b)
}

/// a < b, where `among` is set.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn less_among(among: Mask, a: Vector, b: Vector) -> Mask {
    _mm256_and_ps(among, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
}

/// 1/a.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn reciprocal(a: Vector) -> Vector {
    _mm256_div_ps(_mm256_set1_ps(1.0), a)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn any(mask: Mask) -> bool {
    _mm256_movemask_ps(mask) != 0
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn choose(mask: Mask, yes: Vector, no: Vector) -> Vector {
    _mm256_blendv_ps(no, yes, mask)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn keep(mask: Mask, value: Vector) -> Vector {
    _mm256_and_ps(mask, value)
}

/// All lanes: a vector is one block.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn lanes_of(_blocks: usize) -> Mask {
    _mm256_castsi256_ps(_mm256_set1_epi32(-1))
}

/// Coordinates and species of eight images.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn points(all: &[FixedPoint], indices: &[u32]) -> (Steps, Steps, Steps, Vector) {
    let indices: &[u32; BLOCKS * LANES] = indices.try_into().expect("one block");
    let at = |k: usize| {
        let index = indices[k] as usize;
        debug_assert!(index < all.len());
        // SAFETY: a list only holds indices of its points and of the padding behind them, which
        // are aligned to sixteen bytes.
        unsafe { _mm_load_si128(all.as_ptr().add(index).cast()) }
    };
    let two = |k: usize| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(at(k)), at(k + 4));
    let [a, b, c, d] = [two(0), two(1), two(2), two(3)];
    let (xy, more_xy) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
    let (zs, more_zs) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
    (
        _mm256_unpacklo_epi64(xy, more_xy),
        _mm256_unpackhi_epi64(xy, more_xy),
        _mm256_unpacklo_epi64(zs, more_zs),
        _mm256_castsi256_ps(_mm256_unpackhi_epi64(zs, more_zs)),
    )
}

/// The sum of the lanes of each of three vectors.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn total_of_each([x, y, z]: [Vector; 3]) -> Vector3<f64> {
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
    trace: __m256d,
    shear: __m256d,
}

impl Sums {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn zero() -> Self {
        Self {
            trace: _mm256_setzero_pd(),
            shear: _mm256_setzero_pd(),
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add(&mut self, trace: Vector, shear: Vector) {
        let wide = |vector: Vector| {
            let folded = _mm_add_ps(
                _mm256_castps256_ps128(vector),
                _mm256_extractf128_ps::<1>(vector),
            );
            _mm256_cvtps_pd(folded)
        };
        self.trace = _mm256_add_pd(self.trace, wide(trace));
        self.shear = _mm256_add_pd(self.shear, wide(shear));
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn total(self) -> StepVirial {
        let total = |vector: __m256d| {
            let mut lanes = [0.0; 4];
            // SAFETY: the array holds four numbers.
            unsafe { _mm256_storeu_pd(lanes.as_mut_ptr(), vector) };
            lanes.iter().sum::<f64>()
        };
        StepVirial {
            trace: -total(self.trace),
            xy: -total(self.shear),
        }
    }
}

mixed_loop!("avx2,fma");
