//! Short rows drawn from the wide list by distance alone.
#![expect(
    unsafe_code,
    reason = "AVX-512 loads and stores; calls of functions that need CPU features"
)]

use rayon::prelude::*;

use super::build::{LANES, ROWS_PER_PART, Rows, Task};
use super::fixed_points::{FixedPoint, FixedPoints};

/// Places behind a row that a vector store may touch.
const OVERHANG: usize = 16;

/// Neighbors closer than this share of the range come first: most vectors of a kernel then lie on
/// one side of where a potential begins to end.
const CLOSE: f64 = 0.82;

/// Squared distances that decide, in steps of the grid.
#[derive(Clone, Copy, Debug)]
struct Limits {
    kept: f32,
    close: f32,
}

impl Rows {
    /// Keeps the neighbors within `range` of each row, the close ones first.
    pub fn prune(&mut self, fixed: &FixedPoints, range: f64, parallel: bool) {
        let padding = self.images().len() as u32;
        let limits = Limits {
            kept: fixed.squared_steps(range),
            close: fixed.squared_steps(CLOSE * range),
        };
        let mut tasks = std::mem::take(&mut self.tasks);
        let own = &self.image;
        let run = |(k, task): (usize, &mut Task)| {
            let first = k * ROWS_PER_PART;
            let own = &own[first..first + task.wide.ends.len()];
            prune(&fixed.points, own, limits, padding, task);
        };
        if parallel {
            tasks.par_iter_mut().enumerate().for_each(run);
        } else {
            tasks.iter_mut().enumerate().for_each(run);
        }
        self.tasks = tasks;
    }
}

/// The result is the same, bit by bit, with and without AVX-512: products and sums are not fused.
fn prune(points: &[FixedPoint], own: &[u32], limits: Limits, padding: u32, task: &mut Task) {
    let Task {
        wide, pruned, far, ..
    } = task;
    pruned.clear();
    // What an earlier pruning left is overwritten, or cut off at the end.
    let most = wide.blocks.len() + OVERHANG / LANES;
    pruned.blocks.resize(most, [padding; LANES]);
    let images = pruned.blocks.as_flattened_mut();
    let mut count = 0;
    let mut first = 0;
    for (&own, &end) in own.iter().zip(&wide.ends) {
        let row = wide.blocks[first..end as usize].as_flattened();
        if far.len() < row.len() + OVERHANG {
            far.resize(row.len() + OVERHANG, 0);
        }
        let here = &points[own as usize];
        let kept = &mut images[count..];
        #[cfg(target_arch = "x86_64")]
        let (close, distant) = if is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU has AVX-512F; a list only holds indices of its points.
            unsafe { row_avx512(points, here, row, limits, kept, far) }
        } else {
            row_portable(points, here, row, limits, kept, far)
        };
        #[cfg(not(target_arch = "x86_64"))]
        let (close, distant) = row_portable(points, here, row, limits, kept, far);
        kept[close..close + distant].copy_from_slice(&far[..distant]);
        let found = count + close + distant;
        let full = found.next_multiple_of(LANES);
        images[found..full].fill(padding);
        count = full;
        pruned.ends.push((count / LANES) as u32);
        first = end as usize;
    }
    pruned.blocks.truncate(count / LANES);
    pruned.finish(padding);
}

/// Writes the close images of a row to the front of `kept` and those farther out, but within
/// range, to the front of `far`; returns how many of each.
fn row_portable(
    points: &[FixedPoint],
    here: &FixedPoint,
    row: &[u32],
    limits: Limits,
    kept: &mut [u32],
    far: &mut [u32],
) -> (usize, usize) {
    let (mut close, mut distant) = (0, 0);
    for &image in row {
        let there = &points[image as usize];
        let x = here.x.wrapping_sub(there.x) as f32;
        let y = here.y.wrapping_sub(there.y) as f32;
        let z = here.z.wrapping_sub(there.z) as f32;
        let squared = x * x + y * y + z * z;
        let is_close = squared < limits.close;
        kept[close] = image;
        close += usize::from(is_close);
        far[distant] = image;
        distant += usize::from(squared < limits.kept && !is_close);
    }
    (close, distant)
}

/// The same, sixteen images at a time.
///
/// # Safety
/// All images of the row are indices of `points`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn row_avx512(
    points: &[FixedPoint],
    here: &FixedPoint,
    row: &[u32],
    limits: Limits,
    kept: &mut [u32],
    far: &mut [u32],
) -> (usize, usize) {
    use std::arch::x86_64::*;

    let [x0, y0, z0] = [here.x, here.y, here.z].map(|value| _mm512_set1_epi32(value));
    let kept_squared = _mm512_set1_ps(limits.kept);
    let close_squared = _mm512_set1_ps(limits.close);
    let (mut close, mut distant) = (0, 0);
    for first in (0..row.len()).step_by(16) {
        let left = row.len() - first;
        let lanes: __mmask16 = if left < 16 { (1 << left) - 1 } else { 0xffff };
        // SAFETY: masked lanes lie within the row; others are not read.
        let images = unsafe { _mm512_maskz_loadu_epi32(lanes, row.as_ptr().add(first).cast()) };
        // Rows come in blocks of eight: the second half may be missing.
        let second = if left < 16 { first } else { first + LANES };
        let halves = [&row[first..first + LANES], &row[second..second + LANES]];
        let at = |k: usize| {
            let image = halves[k / LANES][k % LANES] as usize;
            // SAFETY: the caller's promise.
            unsafe { _mm_load_si128(points.as_ptr().add(image).cast()) }
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
        let x = _mm512_unpacklo_epi64(xy, more_xy);
        let y = _mm512_unpackhi_epi64(xy, more_xy);
        let z = _mm512_unpacklo_epi64(zs, more_zs);
        let x = _mm512_cvtepi32_ps(_mm512_sub_epi32(x0, x));
        let y = _mm512_cvtepi32_ps(_mm512_sub_epi32(y0, y));
        let z = _mm512_cvtepi32_ps(_mm512_sub_epi32(z0, z));
        let squared = _mm512_add_ps(
            _mm512_add_ps(_mm512_mul_ps(x, x), _mm512_mul_ps(y, y)),
            _mm512_mul_ps(z, z),
        );
        let near = _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(lanes, squared, close_squared);
        let within = _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(lanes, squared, kept_squared);
        let outer = within & !near;
        assert!(close + 16 <= kept.len() && distant + 16 <= far.len());
        // SAFETY: sixteen places are left in both, as just asserted.
        unsafe {
            let to = kept.as_mut_ptr().add(close).cast();
            _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(near, images));
            let to = far.as_mut_ptr().add(distant).cast();
            _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(outer, images));
        }
        close += near.count_ones() as usize;
        distant += outer.count_ones() as usize;
    }
    (close, distant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_keep_the_same() {
        let wave = |k: i32, step: f64| ((f64::from(k) * step).sin() * 1e8) as i32;
        let points: Vec<FixedPoint> = (0..200)
            .map(|k| FixedPoint {
                x: wave(k, 0.7),
                y: wave(k, 1.3),
                z: wave(k, 2.1),
                species: 0.0,
            })
            .collect();
        let limits = Limits {
            kept: 2e16,
            close: 0.8e16,
        };
        let row: Vec<u32> = (0..200).rev().collect();
        for length in [0, 8, 16, 24, 200] {
            let (mut kept, mut far) = (vec![0; 256], vec![0; 256]);
            let row = &row[..length];
            let (close, distant) =
                row_portable(&points, &points[7], row, limits, &mut kept, &mut far);
            assert!(length < 200 || (close > 10 && distant > 10 && close + distant < 190));
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx512f") {
                let (mut same, mut also) = (vec![0; 256], vec![0; 256]);
                // SAFETY: the CPU has the feature; the row holds indices of the points.
                let counts =
                    unsafe { row_avx512(&points, &points[7], row, limits, &mut same, &mut also) };
                assert_eq!(counts, (close, distant));
                assert_eq!(kept[..close], same[..close]);
                assert_eq!(far[..distant], also[..distant]);
            }
        }
    }
}
