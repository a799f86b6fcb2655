//! The energy along the straight line between two places.

use metabasin_interactions::EnergyLandscape;

use crate::flat::add_scaled;

/// The highest of the energies at the inner points of the line from `origin` along `displacement`,
/// divided into `parts`, and at which share of the line it stands; infinite where atoms come to lie
/// on top of each other. Costs `parts` - 1 evaluations.
///
/// Above the energy of `origin` it bounds the barrier to the other end, which no path of least energy
/// exceeds.
pub fn highest_along(
    landscape: &mut dyn EnergyLandscape,
    origin: &[f64],
    displacement: &[f64],
    parts: u32,
) -> (f64, f64) {
    let mut gradient = vec![0.0; origin.len()];
    (1..parts)
        .map(|k| {
            let place = f64::from(k) / f64::from(parts);
            let mut x = origin.to_vec();
            add_scaled(&mut x, place, displacement);
            let energy = landscape.evaluate(&x, &mut gradient);
            let energy = if energy.is_nan() {
                f64::INFINITY
            } else {
                energy
            };
            (energy, place)
        })
        .fold((f64::NEG_INFINITY, 0.5), |best, point| {
            if point.0 > best.0 { point } else { best }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_surfaces::Quadratic;

    /// Through the minimum of a parabola in between: E = lambda x^2 / 2 at the point farther out.
    #[test]
    fn the_highest_inner_point_is_found_with_its_place() {
        let mut bowl = Quadratic::rotated(&[4.0, 4.0, 4.0]);
        let (energy, place) = highest_along(&mut bowl, &[1.0, 0.0, 0.0], &[-3.0, 0.0, 0.0], 6);
        // Inner points at 0.5, 0, -0.5, -1, -1.5.
        assert!((energy - 0.5 * 4.0 * 1.5 * 1.5).abs() < 1e-12, "{energy}");
        assert!((place - 5.0 / 6.0).abs() < 1e-12, "{place}");
    }

    #[test]
    fn what_is_no_number_is_a_wall() {
        let mut bowl = Quadratic::rotated(&[1.0]);
        let (energy, _) = highest_along(&mut bowl, &[0.0], &[f64::NAN], 4);
        assert_eq!(energy, f64::INFINITY);
    }
}
