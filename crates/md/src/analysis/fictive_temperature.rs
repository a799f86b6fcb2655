//! Where the liquid and glass lines of enthalpy cross.

use serde::{Deserialize, Serialize};

use super::line::line_fit;

/// y = offset + slope x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StraightLine {
    /// y at x = 0.
    pub offset: f64,
    /// dy/dx.
    pub slope: f64,
}

impl StraightLine {
    /// The line at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.offset + self.slope * x
    }
}

/// The temperature T_f where a cooling liquid falls out of equilibrium.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FictiveTemperature {
    /// Mean crossing over the fit windows `[energy]`.
    pub value: f64,
    /// Standard deviation of the crossing over the fit windows `[energy]`.
    pub error: f64,
    /// Liquid line of the middle window.
    pub liquid: StraightLine,
    /// Glass line of the middle window.
    pub glass: StraightLine,
}

/// The glass window is one of these shares of the ramp, from its cold end.
const GLASS_SHARES: [f64; 3] = [0.2, 0.28, 0.36];
/// The liquid window is one of these shares of the ramp, from its hot end.
const LIQUID_SHARES: [f64; 3] = [0.25, 0.33, 0.41];

/// T_f from enthalpy (or volume) against temperature along a cooling ramp: the crossing of a line
/// through the glass (the coldest 20, 28 or 36 % of the ramp) and one through the liquid (the
/// hottest 25, 33 or 41 %). The spread over the nine pairs of windows is the error; the liquid's
/// curve is bent, so it is not small.
///
/// The ramp should run from about 2 T_f to 0.2 T_f. `None` where fewer than five pairs of windows
/// give a crossing within the data with the liquid's slope the larger one: the ramp then does not
/// reach far enough on one side, or is too short for its noise.
pub fn fictive_temperature(temperatures: &[f64], enthalpies: &[f64]) -> Option<FictiveTemperature> {
    over_windows(temperatures, |range, glass_share, liquid_share| {
        let glass = glass_line(temperatures, enthalpies, range, glass_share)?;
        let liquid_start = range.1 - liquid_share * (range.1 - range.0);
        let liquid = line(temperatures, enthalpies, (liquid_start, range.1))?;
        if liquid.slope <= glass.slope {
            return None;
        }
        let value = (glass.offset - liquid.offset) / (liquid.slope - glass.slope);
        (range.0..=range.1)
            .contains(&value)
            .then_some((value, glass, liquid))
    })
}

/// T_f from energy against temperature along a cooling ramp at constant volume.
///
/// There the liquid's line is bent so much that no straight one crosses the glass's reliably; the
/// potential energy of dense liquids follows U = c + a T^(3/5) (Rosenfeld & Tarazona, Mol. Phys.
/// 95, 141 (1998)), so the crossing is that of E = c + 3/2 T + a T^(3/5) with the glass's straight
/// line; [`FictiveTemperature::liquid`] is its tangent there. Windows, error and `None` as in
/// [`fictive_temperature`]; the ramp should begin at 1.5 T_f or above, and T_f at constant volume
/// is high (0.5 at density 1.3).
pub fn fictive_temperature_at_constant_volume(
    temperatures: &[f64],
    energies: &[f64],
) -> Option<FictiveTemperature> {
    const POWER: f64 = 0.6;
    let powers: Vec<f64> = temperatures.iter().map(|t| t.powf(POWER)).collect();
    let potential: Vec<f64> = temperatures
        .iter()
        .zip(energies)
        .map(|(t, energy)| energy - 1.5 * t)
        .collect();
    over_windows(temperatures, |range, glass_share, liquid_share| {
        let glass = glass_line(temperatures, energies, range, glass_share)?;
        let liquid_start = range.1 - liquid_share * (range.1 - range.0);
        let window = (liquid_start.powf(POWER), range.1.powf(POWER));
        let liquid = line(&powers, &potential, window)?;
        let excess = |t: f64| liquid.at(t.powf(POWER)) + 1.5 * t - glass.at(t);
        let (mut below, mut above) = range;
        if excess(below) > 0.0 || excess(above) <= 0.0 {
            return None;
        }
        for _ in 0..60 {
            let middle = 0.5 * (below + above);
            if excess(middle) > 0.0 {
                above = middle;
            } else {
                below = middle;
            }
        }
        let slope = POWER * liquid.slope * above.powf(POWER - 1.0) + 1.5;
        let tangent = StraightLine {
            offset: glass.at(above) - slope * above,
            slope,
        };
        Some((above, glass, tangent))
    })
}

/// Lowest and highest temperature.
type Range = (f64, f64);

/// Mean and spread of the crossings that `crossing` finds for the nine pairs of windows.
fn over_windows(
    temperatures: &[f64],
    crossing: impl Fn(Range, f64, f64) -> Option<(f64, StraightLine, StraightLine)>,
) -> Option<FictiveTemperature> {
    let range = temperatures
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), t| {
            (low.min(*t), high.max(*t))
        });
    let mut crossings = Vec::with_capacity(9);
    let mut middle = None;
    for (i, glass_share) in GLASS_SHARES.into_iter().enumerate() {
        for (j, liquid_share) in LIQUID_SHARES.into_iter().enumerate() {
            if let Some((value, glass, liquid)) = crossing(range, glass_share, liquid_share) {
                crossings.push(value);
                if (i, j) == (1, 1) || middle.is_none() {
                    middle = Some((glass, liquid));
                }
            }
        }
    }
    if crossings.len() < 5 {
        return None;
    }
    let (glass, liquid) = middle?;
    let count = crossings.len() as f64;
    let value = crossings.iter().sum::<f64>() / count;
    let variance = crossings.iter().map(|t| (t - value).powi(2)).sum::<f64>() / (count - 1.0);
    Some(FictiveTemperature {
        value,
        error: variance.sqrt(),
        liquid,
        glass,
    })
}

fn glass_line(
    temperatures: &[f64],
    enthalpies: &[f64],
    (lowest, highest): Range,
    share: f64,
) -> Option<StraightLine> {
    let end = lowest + share * (highest - lowest);
    line(temperatures, enthalpies, (lowest, end))
}

/// The straight line through the points with x within `range`.
fn line(x: &[f64], y: &[f64], range: Range) -> Option<StraightLine> {
    let (x, y): (Vec<f64>, Vec<f64>) = x
        .iter()
        .zip(y)
        .filter(|(x, _)| (range.0..=range.1).contains(*x))
        .unzip();
    line_fit(&x, &y).map(|fit| StraightLine {
        offset: fit.offset,
        slope: fit.slope,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests_support::white_noise;

    #[test]
    fn two_lines_cross_where_they_cross() {
        let temperatures: Vec<f64> = (0..300)
            .map(|i| 0.7 - 0.65 * f64::from(i) / 299.0)
            .collect();
        let noise = white_noise(4, temperatures.len());
        let enthalpies: Vec<f64> = temperatures
            .iter()
            .zip(&noise)
            .map(|(t, n)| {
                let from_crossing = t - 0.36;
                -6.0 + from_crossing * if from_crossing > 0.0 { 4.8 } else { 3.1 } + 2e-4 * n
            })
            .collect();
        let found = fictive_temperature(&temperatures, &enthalpies).unwrap();
        assert!((found.value - 0.36).abs() < 1e-3, "{found:?}");
        assert!((found.liquid.slope - 4.8).abs() < 0.01);
        assert!((found.glass.slope - 3.1).abs() < 0.01);
        assert!((found.liquid.at(0.36) + 6.0).abs() < 1e-3);
    }

    #[test]
    fn at_constant_volume_the_bent_line_of_the_liquid_counts() {
        // Glass 3 T; liquid 3/2 T + a T^(3/5), so flat at first that straight lines cross far off.
        let crossing: f64 = 0.5;
        let a = 2.6;
        let temperatures: Vec<f64> = (0..400)
            .map(|i| 1.0 - 0.92 * f64::from(i) / 399.0)
            .collect();
        let noise = white_noise(4, temperatures.len());
        let liquid = |t: f64| 1.5 * t + a * t.powf(0.6);
        let energies: Vec<f64> = temperatures
            .iter()
            .zip(&noise)
            .map(|(t, n)| {
                let glass = liquid(crossing) + 2.9 * (t - crossing);
                2e-4 * n + if *t > crossing { liquid(*t) } else { glass }
            })
            .collect();
        // Straight lines miss it by far.
        let straight = fictive_temperature(&temperatures, &energies);
        assert!(straight.is_none_or(|found| (found.value - crossing).abs() > 0.1));
        let found = fictive_temperature_at_constant_volume(&temperatures, &energies).unwrap();
        assert!((found.value - crossing).abs() < 5e-3, "{found:?}");
        let slope = 1.5 + 0.6 * a * crossing.powf(-0.4);
        assert!((found.liquid.slope - slope).abs() < 0.02, "{found:?}");
        assert!((found.liquid.at(found.value) - found.glass.at(found.value)).abs() < 1e-3);
    }

    #[test]
    fn a_curve_without_the_right_kink_has_no_crossing() {
        let temperatures: Vec<f64> = (0..300).map(|i| 0.7 - 0.3 * f64::from(i) / 299.0).collect();
        let enthalpies: Vec<f64> = temperatures.iter().map(|t| 4.8 * t - 2.0 * t * t).collect();
        assert_eq!(fictive_temperature(&temperatures, &enthalpies), None);
    }

    #[test]
    fn the_published_cooling_curve_gives_its_fictive_temperature() {
        // 4,000 atoms cooled at 2.25e-3 per τ with another code; by other windows 0.33 to 0.36.
        let text = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/data/cool_q4000.dat"
        ));
        let (temperatures, enthalpies): (Vec<f64>, Vec<f64>) = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let numbers: Vec<f64> = line
                    .split_whitespace()
                    .map(|word| word.parse().unwrap())
                    .collect();
                (numbers[1], numbers[3])
            })
            .unzip();
        let found = fictive_temperature(&temperatures, &enthalpies).unwrap();
        assert!(
            (found.value - 0.345).abs() < 0.015 + 2.0 * found.error,
            "{found:?}"
        );
        assert!((0.002..0.03).contains(&found.error), "{found:?}");
    }
}
