//! Numbers on the command line, refused before any work where they make no sense.

use metabasin_pipeline::{ShearModulus, TailRange};

/// A positive, finite number.
pub fn positive(text: &str) -> Result<f64, String> {
    let wanted = "must be a positive and finite number";
    match text.trim().parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err(wanted.to_owned()),
    }
}

/// Where the tail of a distribution begins and, behind a comma, where it ends.
pub fn tail_range(text: &str) -> Result<TailRange, String> {
    let mut ends = text.split(',').map(positive);
    let range = TailRange {
        from: ends.next().unwrap_or_else(|| positive(""))?,
        to: ends.next().transpose()?,
    };
    let is_range = ends.next().is_none() && range.to.is_none_or(|to| to > range.from);
    is_range
        .then_some(range)
        .ok_or_else(|| "must be one length, or two, the shorter one first: e.g. 0.3,0.6".to_owned())
}

/// A shear modulus, or that a structure's own is wanted.
pub fn shear_modulus(text: &str) -> Result<ShearModulus, String> {
    if text.trim() == "relaxed" {
        return Ok(ShearModulus::Relaxed);
    }
    let given = positive(text).map(ShearModulus::Given);
    given.map_err(|why| format!("{why}, or `relaxed`"))
}

/// A finite number.
pub fn finite(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("must be a finite number".to_owned()),
    }
}

/// A number between 0 and 1.
pub fn share(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if number > 0.0 && number < 1.0 => Ok(number),
        _ => Err("must lie between 0 and 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_to_work_with_is_refused() {
        for text in ["nan", "NaN", "inf", "-inf", "", "1e400", "one", "1,5"] {
            assert!(positive(text).is_err() && finite(text).is_err(), "{text}");
            assert!(share(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "-0.0", "1e-400"] {
            assert!(positive(text).is_err() && share(text).is_err(), "{text}");
            assert!(finite(text).is_ok(), "{text}");
        }
        assert_eq!(positive(" 2.5e-3"), Ok(2.5e-3));
        assert_eq!(shear_modulus("relaxed"), Ok(ShearModulus::Relaxed));
        assert_eq!(shear_modulus("16.5"), Ok(ShearModulus::Given(16.5)));
        assert!(shear_modulus("-1").is_err_and(|why| why.ends_with("or `relaxed`")));
        for text in [
            "",
            "0",
            "0.3,",
            "0.3,0.3",
            "0.6,0.3",
            "0.3,0.6,0.9",
            "0.3,inf",
        ] {
            assert!(tail_range(text).is_err(), "{text}");
        }
        let (from, to) = (0.3, Some(0.6));
        assert_eq!(tail_range("0.3, 0.6"), Ok(TailRange { from, to }));
        assert_eq!(tail_range("0.3"), Ok(TailRange { from, to: None }));
        assert_eq!(share("0.5"), Ok(0.5));
        assert!(share("1").is_err());
    }
}
