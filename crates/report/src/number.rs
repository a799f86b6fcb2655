//! Numbers as people read them: significant digits, errors, powers of ten.

use metabasin_files::findings::Measured;

/// A minus sign of the width of a plus.
const MINUS: char = '−';

/// The exponent of the leading decimal digit, floor(log10 |value|); 0 for 0 and for what is not
/// finite.
pub(crate) fn decimal_exponent(value: f64) -> i32 {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    // Scientific formatting rounds right where log10 alone may fall on the wrong side of a power.
    format!("{:e}", value.abs())
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0)
}

/// A number with this many decimals and a typographic minus; `-0` is `0`.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| c == '0' || c == '.') => digits.to_owned(),
        Some(digits) => format!("{MINUS}{digits}"),
        None => text,
    }
}

/// An integer as superscript digits.
pub(crate) fn superscript(exponent: i32) -> String {
    exponent
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            _ => '⁰',
        })
        .collect()
}

/// A number with this many significant digits; very large and very small ones as a power of ten.
pub(crate) fn significant(value: f64, digits: i32) -> String {
    if !value.is_finite() {
        return "not finite".to_owned();
    }
    // Rounding may carry into a further digit (9.99 to 10.0), so the exponent is taken after it.
    let rounded: f64 = format!("{value:.*e}", (digits - 1).max(0) as usize)
        .parse()
        .unwrap_or(value);
    let exponent = decimal_exponent(rounded);
    if rounded != 0.0 && !(-4..6).contains(&exponent) {
        let mantissa = rounded / 10f64.powi(exponent);
        return format!(
            "{}×10{}",
            fixed(mantissa, (digits - 1).max(0) as usize),
            superscript(exponent)
        );
    }
    fixed(rounded, (digits - 1 - exponent).max(0) as usize)
}

/// A value with its standard error, both to the error's second digit: `0.0012 ± 0.0020`.
pub(crate) fn measured(quantity: Measured) -> String {
    let Measured { value, error, .. } = quantity;
    match error {
        Some(error) if error.is_finite() && error > 0.0 && value.is_finite() => {
            let exponent = decimal_exponent(value).max(decimal_exponent(error));
            let last = decimal_exponent(error) - 1;
            if value != 0.0 && !(-4..6).contains(&exponent) {
                let scale = 10f64.powi(exponent);
                let decimals = (exponent - last).max(0) as usize;
                return format!(
                    "({} ± {})×10{}",
                    fixed(value / scale, decimals),
                    fixed(error / scale, decimals),
                    superscript(exponent)
                );
            }
            let decimals = (-last).max(0) as usize;
            format!("{} ± {}", fixed(value, decimals), fixed(error, decimals))
        }
        _ => significant(value, 3),
    }
}

/// A value with its standard error.
pub(crate) fn with_error(value: f64, error: f64) -> String {
    measured(Measured {
        value,
        error: Some(error),
        independent: 0,
    })
}

/// [`measured`], with what its error is not: an error from within one trajectory or one sample says
/// nothing of others.
pub(crate) fn measured_of(samples: usize, quantity: Measured) -> String {
    let text = measured(quantity);
    match quantity.error {
        Some(_) if quantity.independent == 0 => format!("{text} (thermal noise alone)"),
        Some(_) if samples < 2 => format!("{text} (within this sample)"),
        _ => text,
    }
}

/// A strain rate as legends name it: `1e9 /s`.
pub(crate) fn rate(per_second: f64) -> String {
    let text = format!("{per_second:.2e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => {
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            format!("{mantissa}e{exponent} /s")
        }
        _ => format!("{text} /s"),
    }
}

/// A span of wall time: `0.42 s`, `12.3 s`, `2 min 5 s`, `3 h 12 min`.
pub(crate) fn wall_time(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    if seconds < 60.0 {
        return format!("{} s", significant(seconds, 3));
    }
    let whole = seconds.round() as u64;
    if whole < 3600 {
        return format!("{} min {} s", whole / 60, whole % 60);
    }
    format!("{} h {} min", whole / 3600, whole % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits_and_powers() {
        assert_eq!(significant(17.345, 3), "17.3");
        assert_eq!(significant(-0.00123456, 3), "−0.00123");
        assert_eq!(significant(2.5e-9, 2), "2.5×10⁻⁹");
        assert_eq!(significant(0.0, 3), "0.00");
        assert_eq!(significant(9.999, 3), "10.0");
        assert_eq!(significant(1234567.0, 3), "1.23×10⁶");
        assert_eq!(significant(f64::NAN, 3), "not finite");
    }

    #[test]
    fn errors_say_what_they_are_of() {
        let four = Measured::mean_of(4, 0.00123, 0.0021);
        assert_eq!(measured_of(8, four), "0.0012 ± 0.0021");
        assert_eq!(measured_of(1, four), "0.0012 ± 0.0021 (within this sample)");
        let noise = Measured::within(0.00123, 0.0021);
        assert_eq!(
            measured_of(8, noise),
            "0.0012 ± 0.0021 (thermal noise alone)"
        );
        assert_eq!(measured_of(1, Measured::bare(2.0)), "2.00");
    }

    #[test]
    fn errors_decide_the_digits() {
        let with = |value, error| measured(Measured::within(value, error));
        assert_eq!(with(0.00123, 0.0021), "0.0012 ± 0.0021");
        assert_eq!(with(17.234, 0.31), "17.23 ± 0.31");
        assert_eq!(with(-3.21e-5, 4e-6), "(−3.21 ± 0.40)×10⁻⁵");
        assert_eq!(measured(Measured::bare(2.0)), "2.00");
    }

    #[test]
    fn rates_as_in_configs() {
        assert_eq!(rate(1e9), "1e9 /s");
        assert_eq!(rate(2e8), "2e8 /s");
        assert_eq!(rate(1.5e-3), "1.5e-3 /s");
    }

    #[test]
    fn wall_times() {
        assert_eq!(wall_time(12.34), "12.3 s");
        assert_eq!(wall_time(125.0), "2 min 5 s");
        assert_eq!(wall_time(11520.0), "3 h 12 min");
        assert_eq!(wall_time(f64::NAN), "unknown");
    }
}
