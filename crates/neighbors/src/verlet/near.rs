//! The innermost search: which of a run of images lie within range.
#![expect(
    unsafe_code,
    reason = "AVX-512 loads and stores; calls of functions that need CPU features"
)]

use std::ops::Range;

use super::fixed_points::FixedPoint;

/// Places of all images on the grid of fixed points, axis by axis, as the search reads them.
#[derive(Debug)]
pub(super) struct Axes([Vec<i32>; 3]);

impl Axes {
    pub fn new(points: &[FixedPoint]) -> Self {
        Self([
            points.iter().map(|point| point.x).collect(),
            points.iter().map(|point| point.y).collect(),
            points.iter().map(|point| point.z).collect(),
        ])
    }
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The image in the middle, which is not its own neighbor.
    pub own: u32,
    /// Squared range in steps of the grid.
    pub squared: f32,
}

/// Images found.
#[derive(Debug, Default)]
pub(super) struct Found {
    image: Vec<u32>,
    count: usize,
}

impl Found {
    pub fn clear(&mut self) {
        self.count = 0;
    }

    pub fn images(&self) -> &[u32] {
        &self.image[..self.count]
    }

    /// Makes room for `more` further images and sixteen that a vector store may touch.
    fn reserve(&mut self, more: usize) {
        let needed = self.count + more + 16;
        if self.image.len() < needed {
            self.image.resize(2 * needed, 0);
        }
    }
}

/// Appends the images of a run within range of the target. The result is the same, bit by bit,
/// with and without AVX-512: products and sums are not fused.
pub(super) fn search(axes: &Axes, run: Range<usize>, target: Target, found: &mut Found) {
    found.reserve(run.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the CPU has AVX-512F.
        unsafe { search_avx512(axes, run, target, found) };
        return;
    }
    search_portable(axes, run, target, found);
}

fn search_portable(axes: &Axes, run: Range<usize>, target: Target, found: &mut Found) {
    let Axes([xs, ys, zs]) = axes;
    let [x0, y0, z0] = [xs, ys, zs].map(|axis| axis[target.own as usize]);
    let first = run.start as u32;
    let places = xs[run.clone()].iter().zip(&ys[run.clone()]).zip(&zs[run]);
    for (image, ((x, y), z)) in (first..).zip(places) {
        let x = x0.wrapping_sub(*x) as f32;
        let y = y0.wrapping_sub(*y) as f32;
        let z = z0.wrapping_sub(*z) as f32;
        found.image[found.count] = image;
        let near = x * x + y * y + z * z < target.squared && image != target.own;
        found.count += usize::from(near);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn search_avx512(axes: &Axes, run: Range<usize>, target: Target, found: &mut Found) {
    use std::arch::x86_64::*;

    let Axes([xs, ys, zs]) = axes;
    let [x0, y0, z0] = [xs, ys, zs].map(|axis| _mm512_set1_epi32(axis[target.own as usize]));
    let squared = _mm512_set1_ps(target.squared);
    let own = _mm512_set1_epi32(target.own as i32);
    let count_up = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let (xs, ys, zs) = (&xs[run.clone()], &ys[run.clone()], &zs[run.clone()]);
    for offset in (0..run.len()).step_by(16) {
        let left = run.len() - offset;
        let lanes: __mmask16 = if left < 16 { (1 << left) - 1 } else { 0xffff };
        // SAFETY: masked lanes lie within the slices; others are not read.
        let (x, y, z) = unsafe {
            (
                _mm512_maskz_loadu_epi32(lanes, xs.as_ptr().add(offset)),
                _mm512_maskz_loadu_epi32(lanes, ys.as_ptr().add(offset)),
                _mm512_maskz_loadu_epi32(lanes, zs.as_ptr().add(offset)),
            )
        };
        let x = _mm512_cvtepi32_ps(_mm512_sub_epi32(x0, x));
        let y = _mm512_cvtepi32_ps(_mm512_sub_epi32(y0, y));
        let z = _mm512_cvtepi32_ps(_mm512_sub_epi32(z0, z));
        let distance = _mm512_add_ps(
            _mm512_add_ps(_mm512_mul_ps(x, x), _mm512_mul_ps(y, y)),
            _mm512_mul_ps(z, z),
        );
        let image = _mm512_add_epi32(count_up, _mm512_set1_epi32((run.start + offset) as i32));
        let near = _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(lanes, distance, squared);
        let near = _mm512_mask_cmpneq_epi32_mask(near, image, own);
        let near_images = _mm512_maskz_compress_epi32(near, image);
        assert!(found.count + 16 <= found.image.len());
        // SAFETY: sixteen places are left, as just asserted.
        unsafe {
            let to = found.image.as_mut_ptr().add(found.count).cast();
            _mm512_storeu_si512(to, near_images);
        }
        found.count += near.count_ones() as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_searches_find_the_same() {
        let wave = |k: i32, step: f64| ((f64::from(k) * step).sin() * 1e8) as i32;
        let points: Vec<FixedPoint> = (0..203)
            .map(|k| FixedPoint {
                x: wave(k, 0.7),
                y: wave(k, 1.3),
                z: wave(k, 2.1),
                species: 0.0,
            })
            .collect();
        let axes = Axes::new(&points);
        let target = Target {
            own: 40,
            squared: 1e16,
        };
        let (mut any, mut portable) = (Found::default(), Found::default());
        for run in [0..1, 1..14, 14..14, 20..36, 36..203] {
            search(&axes, run.clone(), target, &mut any);
            portable.reserve(run.len());
            search_portable(&axes, run, target, &mut portable);
        }
        assert!(any.count > 20 && any.count < 180);
        assert!(!any.images().contains(&40));
        assert_eq!(any.images(), portable.images());
    }
}
