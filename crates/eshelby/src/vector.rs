//! The inner loop of rates, compiled once for any processor and once for AVX2.
//!
//! Both versions do the same operations in the same order on every element (nothing is fused or
//! reassociated), so they give the same bits.
#![expect(
    unsafe_code,
    reason = "functions compiled for AVX2 are called after asking the processor"
)]

use crate::rates::exponential;

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
fn rates_avx2(energies: &mut [f64], attempts: &[f64], inverse: f64) {
    rates_anywhere(energies, attempts, inverse);
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
            let energies: Vec<f64> = (0..edge).map(|i| 10.0 + 20.0 * number(i)).collect();
            let (mut here, mut anywhere) = (energies.clone(), energies);
            rates(&mut here, &vec![3.6; edge], -1.0 / 0.28);
            rates_anywhere(&mut anywhere, &vec![3.6; edge], -1.0 / 0.28);
            assert_eq!(here, anywhere);
        }
    }
}
