//! Axes as maps from data to pixels, and their ticks.

use crate::number::{decimal_exponent, fixed, superscript};

/// How an axis spreads its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScaleKind {
    /// Equal differences take equal lengths.
    #[default]
    Linear,
    /// Equal ratios take equal lengths; only positive values have a place.
    Logarithmic,
}

/// A map from a range of data to a range of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    kind: ScaleKind,
    low: f64,
    high: f64,
    first_pixel: f64,
    last_pixel: f64,
}

/// A tick: where it stands and what is written there.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Value on the axis.
    pub value: f64,
    /// Text, empty for a minor tick.
    pub label: String,
}

impl Scale {
    /// Maps `low..high` onto `first_pixel..last_pixel`. A range that no scale can show (empty, not
    /// finite, not positive on a logarithmic axis) becomes one around it that it can.
    pub fn new(kind: ScaleKind, range: (f64, f64), pixels: (f64, f64)) -> Self {
        let (low, high) = showable(kind, range);
        Self {
            kind,
            low,
            high,
            first_pixel: pixels.0,
            last_pixel: pixels.1,
        }
    }

    /// Ends of the data range.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Pixel of a value; `None` where the axis has no place for it (not finite, not positive on a
    /// logarithmic axis, or too far off to be counted in pixels).
    pub fn position(&self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let share = match self.kind {
            ScaleKind::Linear => (value - self.low) / (self.high - self.low),
            ScaleKind::Logarithmic => {
                if value <= 0.0 {
                    return None;
                }
                // Differences of logarithms: a ratio of extremes could overflow.
                (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
            }
        };
        let pixel = self.first_pixel + share * (self.last_pixel - self.first_pixel);
        pixel.is_finite().then_some(pixel)
    }

    /// Whether a value lies within the range, ends included.
    pub fn contains(&self, value: f64) -> bool {
        value >= self.low && value <= self.high
    }

    /// Power of ten that tick labels leave out: the axis title has to name it. 0 for none.
    pub fn exponent(&self) -> i32 {
        let largest = self.low.abs().max(self.high.abs());
        let exponent = decimal_exponent(largest);
        if self.kind == ScaleKind::Linear && !(-3..5).contains(&exponent) {
            exponent
        } else {
            0
        }
    }

    /// About `target` labeled ticks and minor ones between.
    pub fn ticks(&self, target: usize) -> Vec<Tick> {
        let target = target.max(2);
        match self.kind {
            ScaleKind::Linear => self.linear_ticks(target),
            ScaleKind::Logarithmic => self.logarithmic_ticks(target),
        }
    }

    fn linear_ticks(&self, target: usize) -> Vec<Tick> {
        let rough = (self.high - self.low) / target as f64;
        let exponent = decimal_exponent(rough);
        let power = 10f64.powi(exponent);
        let (step, minor) = match rough / power {
            ratio if ratio <= 1.0 => (power, 5),
            ratio if ratio <= 2.0 => (2.0 * power, 4),
            ratio if ratio <= 5.0 => (5.0 * power, 5),
            _ => (10.0 * power, 5),
        };
        let shift = self.exponent();
        let decimals = (shift - decimal_exponent(step * (1.0 + 1e-9))).max(0) as usize;
        let fine = step / f64::from(minor);
        let slack = 1e-9 * (self.high - self.low);
        let first = ((self.low - slack) / fine).ceil() as i64;
        let last = ((self.high + slack) / fine).floor() as i64;
        (first..=last.min(first + 1000))
            .map(|i| {
                let value = i as f64 * fine;
                let label = if i % i64::from(minor) == 0 {
                    fixed(value / 10f64.powi(shift), decimals)
                } else {
                    String::new()
                };
                Tick { value, label }
            })
            // Steps near the largest number that there is overflow.
            .filter(|tick| tick.value.is_finite() && !tick.label.contains("NaN"))
            .collect()
    }

    fn logarithmic_ticks(&self, target: usize) -> Vec<Tick> {
        let first = decimal_exponent(self.low);
        let last = decimal_exponent(self.high);
        let decades = self.high.log10() - self.low.log10();
        let stride = (decades / target as f64).ceil().max(1.0) as i32;
        // Powers of ten alone would leave a narrow axis with fewer than two labels.
        let labeled: &[i32] = if decades < 1.2 {
            &[1, 2, 3, 5, 7]
        } else if decades < 2.2 {
            &[1, 3]
        } else {
            &[1]
        };
        let mut ticks = Vec::new();
        for exponent in first..=last {
            for digit in 1..10 {
                let value = f64::from(digit) * 10f64.powi(exponent);
                if !self.contains(value) || (stride > 1 && digit > 1) {
                    continue;
                }
                let label = if labeled.contains(&digit) && exponent.rem_euclid(stride) == 0 {
                    power_label(digit, exponent)
                } else {
                    String::new()
                };
                ticks.push(Tick { value, label });
            }
        }
        ticks
    }
}

/// `10⁻⁹`, `2×10⁻⁹`, and plain numbers between 0.1 and 100.
fn power_label(digit: i32, exponent: i32) -> String {
    match exponent {
        -1 => format!("0.{digit}"),
        0 => digit.to_string(),
        1 => (10 * digit).to_string(),
        _ if digit == 1 => format!("10{}", superscript(exponent)),
        _ => format!("{digit}×10{}", superscript(exponent)),
    }
}

fn showable(kind: ScaleKind, (low, high): (f64, f64)) -> (f64, f64) {
    let (low, high) = if low <= high {
        (low, high)
    } else {
        (high, low)
    };
    match kind {
        ScaleKind::Linear => {
            if !low.is_finite() || !high.is_finite() || !(high - low).is_finite() {
                (0.0, 1.0)
            } else if high - low <= 1e-12 * low.abs().max(high.abs()) {
                // One value: an interval around it in which it is visibly alone.
                let half = if low == 0.0 { 1.0 } else { 0.5 * low.abs() };
                (low - half, high + half)
            } else {
                (low, high)
            }
        }
        ScaleKind::Logarithmic => {
            if !low.is_finite() || !high.is_finite() || high <= 0.0 {
                (1.0, 10.0)
            } else if low <= 0.0 {
                (high / 1e3, high)
            } else if high / low < 1.0 + 1e-9 {
                (low / 3.0, high * 3.0)
            } else {
                (low, high)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale, target: usize) -> Vec<String> {
        scale
            .ticks(target)
            .into_iter()
            .map(|tick| tick.label)
            .filter(|label| !label.is_empty())
            .collect()
    }

    #[test]
    fn linear_positions_are_affine_and_flip() {
        let scale = Scale::new(ScaleKind::Linear, (0.0, 10.0), (400.0, 0.0));
        assert_eq!(scale.position(0.0), Some(400.0));
        assert_eq!(scale.position(10.0), Some(0.0));
        assert_eq!(scale.position(2.5), Some(300.0));
        assert_eq!(scale.position(f64::NAN), None);
    }

    #[test]
    fn logarithmic_positions_count_decades() {
        let scale = Scale::new(ScaleKind::Logarithmic, (1e4, 1e9), (0.0, 500.0));
        for decade in 4..=9 {
            let pixel = scale.position(10f64.powi(decade)).unwrap();
            assert!((pixel - 100.0 * f64::from(decade - 4)).abs() < 1e-9);
        }
        assert_eq!(scale.position(0.0), None);
        assert_eq!(scale.position(-1.0), None);
    }

    #[test]
    fn ticks_are_round_numbers() {
        let scale = Scale::new(ScaleKind::Linear, (-0.001, 0.0208), (0.0, 1.0));
        assert_eq!(
            labels(&scale, 5),
            ["0.000", "0.005", "0.010", "0.015", "0.020"]
        );
        let scale = Scale::new(ScaleKind::Linear, (-0.31, 0.62), (0.0, 1.0));
        assert_eq!(labels(&scale, 5), ["−0.2", "0.0", "0.2", "0.4", "0.6"]);
    }

    #[test]
    fn small_values_leave_their_power_to_the_title() {
        let scale = Scale::new(ScaleKind::Linear, (-4.1e-4, 0.0), (0.0, 1.0));
        assert_eq!(scale.exponent(), -4);
        assert_eq!(labels(&scale, 4), ["−4", "−2", "0"]);
    }

    #[test]
    fn decades_are_labeled_and_thinned() {
        let scale = Scale::new(ScaleKind::Logarithmic, (5e3, 2e9), (0.0, 1.0));
        assert_eq!(
            labels(&scale, 8),
            ["10⁴", "10⁵", "10⁶", "10⁷", "10⁸", "10⁹"]
        );
        let scale = Scale::new(ScaleKind::Logarithmic, (1e-12, 1e12), (0.0, 1.0));
        assert!(labels(&scale, 6).len() <= 7);
        let scale = Scale::new(ScaleKind::Logarithmic, (0.8, 6.0), (0.0, 1.0));
        assert_eq!(labels(&scale, 5), ["1", "2", "3", "5"]);
    }

    #[test]
    fn ranges_that_cannot_be_shown_are_widened() {
        for kind in [ScaleKind::Linear, ScaleKind::Logarithmic] {
            for range in [
                (f64::NAN, 1.0),
                (f64::NEG_INFINITY, f64::INFINITY),
                (2.0, 2.0),
                (0.0, 0.0),
                (-3.0, -1.0),
                (-f64::MAX, f64::MAX),
            ] {
                let scale = Scale::new(kind, range, (0.0, 100.0));
                let (low, high) = scale.range();
                assert!(low < high, "{kind:?} {range:?}");
                assert!(scale.ticks(5).len() >= 2, "{kind:?} {range:?}");
            }
        }
    }
}
