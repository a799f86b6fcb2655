//! Numbers on the command line, refused before any work where they make no sense.

/// A positive, finite number.
pub fn positive(text: &str) -> Result<f64, String> {
    let wanted = "must be a positive and finite number";
    match text.trim().parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err(wanted.to_owned()),
    }
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
        assert_eq!(share("0.5"), Ok(0.5));
        assert!(share("1").is_err());
    }
}
