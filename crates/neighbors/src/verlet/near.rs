//! The innermost search: which of a run of images lie within range.
#![expect(
    unsafe_code,
    reason = "AVX-512 loads and stores; calls of functions that need CPU features"
)]

use std::ops::Range;

/// Coordinates of all images, axis by axis, as the search reads them.
#[derive(Debug, Default)]
pub(super) struct Axes {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub z: Vec<f64>,
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub here: [f64; 3],
    pub range_squared: f64,
    /// Shells an r².
    pub shell_scale: f64,
}

/// Images found, and the shells of r² that they lie in.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub image: Vec<u32>,
    pub shell: Vec<u32>,
    pub count: usize,
}

impl Found {
    /// Makes room for `more` further images and eight that a vector store may touch.
    fn reserve(&mut self, more: usize) {
        let needed = self.count + more + 8;
        if self.image.len() < needed {
            self.image.resize(2 * needed, 0);
            self.shell.resize(2 * needed, 0);
        }
    }
}

/// Appends the images of a run within range of the target. The result is the same, bit by bit,
/// with and without AVX-512: products and sums are not fused.
pub(super) fn search(axes: &Axes, run: Range<usize>, target: &Target, found: &mut Found) {
    found.reserve(run.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the CPU has AVX-512F.
        unsafe { search_avx512(axes, run, target, found) };
        return;
    }
    search_portable(axes, run, target, found);
}

fn search_portable(axes: &Axes, run: Range<usize>, target: &Target, found: &mut Found) {
    let [x0, y0, z0] = target.here;
    let first = run.start as u32;
    let axes = axes.x[run.clone()]
        .iter()
        .zip(&axes.y[run.clone()])
        .zip(&axes.z[run]);
    for (image, ((x, y), z)) in (first..).zip(axes) {
        let (x, y, z) = (x0 - x, y0 - y, z0 - z);
        let squared = x * x + y * y + z * z;
        found.image[found.count] = image;
        found.shell[found.count] = (squared * target.shell_scale) as u32;
        found.count += usize::from(squared <= target.range_squared);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn search_avx512(axes: &Axes, run: Range<usize>, target: &Target, found: &mut Found) {
    use std::arch::x86_64::*;

    let [x0, y0, z0] = target.here.map(|value| _mm512_set1_pd(value));
    let range_squared = _mm512_set1_pd(target.range_squared);
    let scale = _mm512_set1_pd(target.shell_scale);
    let count_up = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0);
    let (xs, ys, zs) = (
        &axes.x[run.clone()],
        &axes.y[run.clone()],
        &axes.z[run.clone()],
    );
    for offset in (0..run.len()).step_by(8) {
        let left = run.len() - offset;
        let lanes: __mmask8 = if left < 8 { (1 << left) - 1 } else { 0xff };
        // SAFETY: masked lanes lie within the slices; others are not read.
        let (x, y, z) = unsafe {
            (
                _mm512_maskz_loadu_pd(lanes, xs.as_ptr().add(offset)),
                _mm512_maskz_loadu_pd(lanes, ys.as_ptr().add(offset)),
                _mm512_maskz_loadu_pd(lanes, zs.as_ptr().add(offset)),
            )
        };
        let (x, y, z) = (
            _mm512_sub_pd(x0, x),
            _mm512_sub_pd(y0, y),
            _mm512_sub_pd(z0, z),
        );
        let squared = _mm512_add_pd(
            _mm512_add_pd(_mm512_mul_pd(x, x), _mm512_mul_pd(y, y)),
            _mm512_mul_pd(z, z),
        );
        let near = _mm512_mask_cmp_pd_mask::<_CMP_LE_OQ>(lanes, squared, range_squared);
        let image = _mm512_add_epi32(count_up, _mm512_set1_epi32((run.start + offset) as i32));
        let shell = _mm512_cvttpd_epi32(_mm512_mul_pd(squared, scale));
        let image = _mm512_maskz_compress_epi32(u16::from(near), image);
        let shell = _mm512_maskz_compress_epi32(u16::from(near), _mm512_castsi256_si512(shell));
        assert!(found.count + 8 <= found.image.len() && found.count + 8 <= found.shell.len());
        // SAFETY: eight places are left in both, as just asserted.
        unsafe {
            let to = found.image.as_mut_ptr().add(found.count).cast::<i32>();
            _mm512_mask_storeu_epi32(to, 0xff, image);
            let to = found.shell.as_mut_ptr().add(found.count).cast::<i32>();
            _mm512_mask_storeu_epi32(to, 0xff, shell);
        }
        found.count += near.count_ones() as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_searches_find_the_same() {
        let wave = |k: i32, step: f64| (f64::from(k) * step).sin();
        let axes = Axes {
            x: (0..203).map(|k| wave(k, 0.7)).collect(),
            y: (0..203).map(|k| wave(k, 1.3)).collect(),
            z: (0..203).map(|k| wave(k, 2.1)).collect(),
        };
        let target = Target {
            here: [0.1, -0.2, 0.3],
            range_squared: 1.0,
            shell_scale: 32.0,
        };
        let (mut any, mut portable) = (Found::default(), Found::default());
        for run in [0..1, 1..14, 14..14, 20..36, 36..203] {
            search(&axes, run.clone(), &target, &mut any);
            portable.reserve(run.len());
            search_portable(&axes, run, &target, &mut portable);
        }
        assert!(any.count > 20 && any.count < 180);
        assert_eq!(any.count, portable.count);
        assert_eq!(any.image[..any.count], portable.image[..any.count]);
        assert_eq!(any.shell[..any.count], portable.shell[..any.count]);
    }
}
