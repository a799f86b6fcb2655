//! Lines and numbers of a text file, with errors that name their line.

use crate::Problem;

/// What some editors set before a text in Unicode.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a structure file: UTF-8; UTF-16 behind its byte order mark, as Windows shells write
/// it; else Latin-1, so that the title of a file may be in any encoding that holds ASCII.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, Problem> {
    let sixteen = match bytes[..] {
        [0xff, 0xfe, ref rest @ ..] => Some((rest, u16::from_le_bytes as fn([u8; 2]) -> u16)),
        [0xfe, 0xff, ref rest @ ..] => Some((rest, u16::from_be_bytes as fn([u8; 2]) -> u16)),
        _ => None,
    };
    if let Some((rest, unit)) = sixteen {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        return char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map_err(|_| Problem::NotText { byte: 0 });
    }
    String::from_utf8(bytes).or_else(|error| {
        let byte = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let is_binary = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t'..=b'\r');
        if bytes.iter().any(is_binary) {
            return Err(Problem::NotText { byte });
        }
        Ok(bytes.into_iter().map(char::from).collect())
    })
}

/// A problem and the line (counted from 1) that it is in, where one line is to blame.
#[derive(Debug, PartialEq)]
pub(crate) struct Located {
    pub line: Option<usize>,
    pub problem: Problem,
}

impl Located {
    pub fn at(line: usize, problem: Problem) -> Self {
        Self {
            line: Some(line),
            problem,
        }
    }

    pub fn anywhere(problem: Problem) -> Self {
        Self {
            line: None,
            problem,
        }
    }
}

/// The lines of a text, numbered from 1.
pub(crate) struct Lines<'a> {
    rest: std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'a>>>,
    last: usize,
    /// Whether the last line ends in a line break.
    complete: bool,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            rest: text.lines().enumerate().peekable(),
            last: 0,
            complete: text.ends_with('\n'),
        }
    }

    /// Number of the line that was consumed last.
    pub fn last_line(&self) -> usize {
        self.last
    }

    /// The next line and its number.
    pub fn next(&mut self) -> Option<(usize, &'a str)> {
        let (index, line) = self.rest.next()?;
        self.last = index + 1;
        Some((self.last, line))
    }

    /// The next line and its number, without consuming it.
    pub fn peek(&mut self) -> Option<(usize, &'a str)> {
        self.rest.peek().map(|&(index, line)| (index + 1, line))
    }

    /// The next line that is not blank, without consuming it; blank lines before it are consumed.
    pub fn peek_not_blank(&mut self) -> Option<(usize, &'a str)> {
        while let Some((_, line)) = self.peek() {
            if line.trim().is_empty() {
                self.next();
            } else {
                break;
            }
        }
        self.peek()
    }

    /// Whether the text was cut off at its end, where `problem` was found.
    pub fn are_cut(&mut self, problem: &Problem) -> bool {
        let short = matches!(problem, Problem::Count { .. } | Problem::Missing { .. });
        self.peek_not_blank().is_none() && (short || !self.complete)
    }

    /// The next line, or an error that says what the file ends before.
    pub fn expect(&mut self, what: &str) -> Result<(usize, &'a str), Located> {
        let end = self.last.max(1);
        self.next().ok_or_else(|| {
            Located::at(
                end,
                Problem::Missing {
                    what: format!("{what} (the file ends here)"),
                },
            )
        })
    }
}

/// A finite number; the exponent may be Fortran's (`1.5D+00`).
pub(crate) fn number(line: usize, what: &str, text: &str) -> Result<f64, Located> {
    let fortran = || text.replace(['d', 'D'], "e").parse();
    let value: f64 = text.parse().or_else(|_| fortran()).map_err(|_| {
        Located::at(
            line,
            Problem::Number {
                what: what.to_owned(),
                text: text.to_owned(),
            },
        )
    })?;
    if value.is_finite() {
        return Ok(value);
    }
    Err(Located::at(
        line,
        Problem::NotFinite {
            what: what.to_owned(),
            text: text.to_owned(),
        },
    ))
}

/// A whole number.
pub(crate) fn integer<T: std::str::FromStr>(
    line: usize,
    what: &str,
    text: &str,
) -> Result<T, Located> {
    text.parse().map_err(|_| {
        Located::at(
            line,
            Problem::Number {
                what: what.to_owned(),
                text: text.to_owned(),
            },
        )
    })
}

/// Exactly `N` finite numbers.
pub(crate) fn numbers<const N: usize>(
    line: usize,
    what: &'static str,
    words: &[&str],
) -> Result<[f64; N], Located> {
    if words.len() != N {
        return Err(Located::at(
            line,
            Problem::Columns {
                what,
                expected: N.to_string(),
                found: words.len(),
            },
        ));
    }
    let mut values = [0.0; N];
    for (value, word) in values.iter_mut().zip(words) {
        *value = number(line, what, word)?;
    }
    Ok(values)
}

/// A type number, counted from 1.
pub(crate) fn type_number(line: usize, text: &str) -> Result<u8, Located> {
    match text.parse::<u8>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Located::at(
            line,
            Problem::UnknownSpecies {
                text: text.to_owned(),
            },
        )),
    }
}
