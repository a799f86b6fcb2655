//! Pairs of opposite sign, controls, and the noise floor.

/// Half the difference of two runs of opposite load on the same frames: (y₊ − y₋)/2, which keeps
/// what is odd in the load and drops what both runs share. Ends with the shorter run.
pub fn half_difference(plus: &[f64], minus: &[f64]) -> Vec<f64> {
    plus.iter()
        .zip(minus)
        .map(|(plus, minus)| 0.5 * (plus - minus))
        .collect()
}

/// y(t) minus a control run without load, interpolated linearly to the same times (constant
/// beyond its ends). An empty control leaves y as it is.
pub fn subtract_control(
    time: &[f64],
    values: &[f64],
    control_time: &[f64],
    control: &[f64],
) -> Vec<f64> {
    time.iter()
        .zip(values)
        .map(|(t, y)| y - interpolate(*t, control_time, control))
        .collect()
}

fn interpolate(at: f64, x: &[f64], y: &[f64]) -> f64 {
    let points = x.len().min(y.len());
    if points == 0 {
        return 0.0;
    }
    let above = x[..points].partition_point(|x| *x < at);
    if above == 0 {
        return y[0];
    }
    if above == points {
        return y[points - 1];
    }
    let share = (at - x[above - 1]) / (x[above] - x[above - 1]);
    y[above - 1] + share * (y[above] - y[above - 1])
}

/// Thermal fluctuation √(k_B T/(G V)) of the strain at zero stress: what a single sample of
/// volume V and shear modulus G cannot resolve.
pub fn strain_fluctuation(thermal_energy: f64, shear_modulus: f64, volume: f64) -> f64 {
    (thermal_energy / (shear_modulus * volume)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_drift_cancels_in_the_half_difference() {
        let drift = [0.0, 0.3, 0.1];
        let plus: Vec<f64> = drift
            .iter()
            .zip(0..)
            .map(|(d, k)| d + f64::from(k))
            .collect();
        let minus: Vec<f64> = drift
            .iter()
            .zip(0..)
            .map(|(d, k)| d - f64::from(k))
            .collect();
        let half = half_difference(&plus, &minus[..2]);
        assert_eq!(half.len(), 2);
        assert!((half[1] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_control_is_interpolated() {
        let corrected = subtract_control(
            &[0.0, 0.5, 3.0],
            &[1.0, 1.0, 1.0],
            &[0.0, 1.0, 2.0],
            &[0.0, 0.2, 0.4],
        );
        for (found, expected) in corrected.iter().zip([1.0, 0.9, 0.6]) {
            assert!((found - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn the_noise_floor_of_500_atoms_is_the_known_one() {
        assert!((strain_fluctuation(0.28, 17.0, 387.0) - 0.0065).abs() < 1e-4);
    }
}
