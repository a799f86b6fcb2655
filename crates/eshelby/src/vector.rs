//! The two inner loops, compiled once for any processor and once for AVX2.
//!
//! Both versions do the same operations in the same order on every element (nothing is fused or
//! reassociated), so they give the same bits.
#![expect(
    unsafe_code,
    reason = "functions compiled for AVX2 are called after asking the processor"
)]

use crate::mandel::{Mandel, PAIRS, pair_index};
use crate::rates::exponential;

/// Adds to one row of a stress field, six components of `edge` sites each, the stress of plastic
/// volume `plastic`; `lines` holds the 21 rows of the kernel, `stride` apart.
pub(crate) fn add_row(
    row: &mut [f64],
    edge: usize,
    lines: &[f64],
    stride: usize,
    plastic: &Mandel,
) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just said that it has AVX2.
        unsafe { add_row_avx2(row, edge, lines, stride, plastic) };
        return;
    }
    add_row_anywhere(row, edge, lines, stride, plastic);
}

/// Replaces energies by rates ν exp(−E/k_B T); `inverse` is −1/k_B T.
pub(crate) fn rates(energies: &mut [f64], attempts: &[f64], inverse: f64) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just said that it has AVX2.
        unsafe { rates_avx2(energies, attempts, inverse) };
        return;
    }
    rates_anywhere(energies, attempts, inverse);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_row_avx2(row: &mut [f64], edge: usize, lines: &[f64], stride: usize, plastic: &Mandel) {
    add_row_anywhere(row, edge, lines, stride, plastic);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn rates_avx2(energies: &mut [f64], attempts: &[f64], inverse: f64) {
    rates_anywhere(energies, attempts, inverse);
}

#[expect(
    clippy::inline_always,
    reason = "compiled anew for every instruction set"
)]
#[inline(always)]
fn add_row_anywhere(row: &mut [f64], edge: usize, lines: &[f64], stride: usize, plastic: &Mandel) {
    let lines: [&[f64]; PAIRS] = std::array::from_fn(|pair| &lines[pair * stride..][..edge]);
    let [p0, p1, p2, p3, p4, p5] = *plastic;
    for (component, out) in row.chunks_exact_mut(edge).enumerate() {
        let line = |other: usize| lines[pair_index(component, other)];
        let [k0, k1, k2, k3, k4, k5] = [line(0), line(1), line(2), line(3), line(4), line(5)];
        let out = &mut out[..edge];
        for x in 0..edge {
            out[x] +=
                ((k0[x] * p0 + k1[x] * p1) + (k2[x] * p2 + k3[x] * p3)) + (k4[x] * p4 + k5[x] * p5);
        }
    }
}

#[expect(
    clippy::inline_always,
    reason = "compiled anew for every instruction set"
)]
#[inline(always)]
fn rates_anywhere(energies: &mut [f64], attempts: &[f64], inverse: f64) {
    for (energy, attempt) in energies.iter_mut().zip(attempts) {
        *energy = attempt * exponential(*energy * inverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        for edge in [3, 12, 17] {
            let number = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5;
            let lines: Vec<f64> = (0..PAIRS * (edge + 2)).map(number).collect();
            let plastic = [0.3, -0.7, 0.11, 0.9, -0.2, 0.5];
            let start: Vec<f64> = (0..6 * edge).map(number).collect();
            let (mut here, mut anywhere) = (start.clone(), start);
            add_row(&mut here, edge, &lines, edge + 2, &plastic);
            add_row_anywhere(&mut anywhere, edge, &lines, edge + 2, &plastic);
            assert_eq!(here, anywhere);
            let energies: Vec<f64> = (0..edge).map(|i| 10.0 + 20.0 * number(i)).collect();
            let (mut here, mut anywhere) = (energies.clone(), energies);
            rates(&mut here, &vec![3.6; edge], -1.0 / 0.28);
            rates_anywhere(&mut anywhere, &vec![3.6; edge], -1.0 / 0.28);
            assert_eq!(here, anywhere);
        }
    }
}
