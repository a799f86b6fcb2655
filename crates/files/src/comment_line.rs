//! The comment line of extended XYZ: `key=value` pairs in every spelling that ASE's reader or the
//! `extxyz` library takes.

use crate::Problem;
use crate::text::{Located, number};

/// A value as it stands: quotes taken off and escapes resolved, brackets kept.
#[derive(Debug, PartialEq)]
pub(crate) struct Value {
    text: String,
    /// Whether it stood in quotes: brackets in it are text then.
    quoted: bool,
}

/// The pairs of a comment line; a bare key counts as `T`.
#[derive(Debug)]
pub(crate) struct CommentLine {
    line: usize,
    pairs: Vec<(String, Value)>,
}

impl CommentLine {
    /// Keys may be quoted; blanks may stand around `=`; values may be bare, in `"..."`, `'...'`,
    /// `{...}` or `[...]` (nested where they are arrays of arrays).
    pub fn parse(line: usize, text: &str) -> Result<Self, Located> {
        let mut pairs = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (key, behind) = if let Some(inside) = rest.strip_prefix('"') {
                enclosed(inside, '"').ok_or_else(|| unclosed(line, '"', rest))?
            } else {
                let end = rest
                    .find(|c: char| c == '=' || c.is_whitespace())
                    .unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            };
            let Some(after) = behind.trim_start().strip_prefix('=') else {
                pairs.push((
                    key,
                    Value {
                        text: "T".to_owned(),
                        quoted: false,
                    },
                ));
                rest = behind.trim_start();
                continue;
            };
            let (value, behind) = parse_value(line, &key, after)?;
            pairs.push((key, value));
            rest = behind.trim_start();
        }
        Ok(Self { line, pairs })
    }

    /// The value of a key: of several the last, as ASE takes it; a key in the right case before
    /// one in another.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let find = |same: &dyn Fn(&str) -> bool| {
            let mut pairs = self.pairs.iter().rev();
            pairs.find(|(name, _)| same(name)).map(|(_, value)| value)
        };
        find(&|name| name == key).or_else(|| find(&|name| name.eq_ignore_ascii_case(key)))
    }

    /// The numbers of an array, in any of its spellings.
    pub fn reals(&self, key: &'static str) -> Result<Option<Vec<f64>>, Located> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let words = value.words().into_iter();
        words
            .map(|word| number(self.line, key, word))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

impl Value {
    /// The text itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is an array of arrays, `[[...], ...]`.
    pub fn is_nested(&self) -> bool {
        let mut marks = self.text.chars().filter(|c| !c.is_whitespace());
        !self.quoted && marks.next() == Some('[') && marks.next() == Some('[')
    }

    /// The entries of an array: between blanks and commas, brackets taken off, and the `_JSON`
    /// that ASE sets before a list.
    pub fn words(&self) -> Vec<&str> {
        let text = self.text.trim();
        let (list, separators): (&str, &[char]) = match text.strip_prefix("_JSON ") {
            Some(list) => (list, &[',', '[', ']']),
            None if self.quoted => (text, &[',']),
            None => (text, &[',', '[', ']', '{', '}']),
        };
        list.split(|c: char| c.is_whitespace() || separators.contains(&c))
            .filter(|word| !word.is_empty())
            .collect()
    }
}

/// The value behind `key=`, and what comes behind it.
fn parse_value<'a>(line: usize, key: &str, after: &'a str) -> Result<(Value, &'a str), Located> {
    let trimmed = after.trim_start();
    let found = match trimmed.chars().next() {
        Some(mark @ ('"' | '\'')) => enclosed(&trimmed[1..], mark).map(|(text, behind)| {
            let value = Value { text, quoted: true };
            (value, behind)
        }),
        Some('{') => enclosed(&trimmed[1..], '}').map(|(text, behind)| {
            let value = Value {
                text,
                quoted: false,
            };
            (value, behind)
        }),
        Some('[') => bracketed(trimmed).map(|(text, behind)| {
            let value = Value {
                text: text.to_owned(),
                quoted: false,
            };
            (value, behind)
        }),
        _ => {
            let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
            // `key= next=value`: nothing stands behind the first mark.
            let next = trimmed.len() < after.len() && trimmed[..end].contains('=');
            let (text, behind) = if next {
                ("", trimmed)
            } else {
                (&trimmed[..end], &trimmed[end..])
            };
            let value = Value {
                text: text.to_owned(),
                quoted: false,
            };
            Some((value, behind))
        }
    };
    found.ok_or_else(|| {
        let closing = match trimmed.chars().next() {
            Some('[') => ']',
            Some('{') => '}',
            Some('\'') => '\'',
            _ => '"',
        };
        unclosed(line, closing, key)
    })
}

fn unclosed(line: usize, closing: char, key: &str) -> Located {
    let key: String = key.chars().take(40).collect();
    Located::at(
        line,
        Problem::Missing {
            what: format!("the closing {closing} of `{key}`"),
        },
    )
}

/// What stands before the closing mark, escapes resolved, and what comes behind it.
fn enclosed(text: &str, closing: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == closing {
            return Some((value, &text[at + character.len_utf8()..]));
        }
        if character == '\\' {
            value.push(characters.next()?.1);
        } else {
            value.push(character);
        }
    }
    None
}

/// An array with its brackets, nested ones and quoted entries seen through, and what comes behind.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next()?;
            }
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(text.split_at(at + 1));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let comment = CommentLine::parse(2, text).unwrap();
        let words = comment.get("k").unwrap().words();
        words.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn an_array_is_read_in_every_spelling() {
        for text in [
            "k=\"1 2 3\"",
            "k='1 2 3'",
            "k={1 2 3}",
            "k={1, 2, 3}",
            "k=[1, 2, 3]",
            "k=[1,2,3]",
            "k=[1 2 3]",
            "k=1,2,3",
            "k=\"1, 2, 3,\"",
            "k=\" 1\t2 3 \"",
            "k = \"1 2 3\" z=4",
            "\"k\"=\"1 2 3\"",
            "k=\"_JSON [1, 2, 3]\"",
            "flag k=[[1], [2, 3]]",
            "k=9 name=\"a=b k=7\" k=\"1 2 3\"next=[\"]\", 4]",
        ] {
            assert_eq!(words(text), ["1", "2", "3"], "{text}");
        }
        assert_eq!(words("k= next=[1]"), Vec::<String>::new());
        // Brackets within quotes are text.
        assert_eq!(words("k=\"[1, 2]\""), ["[1", "2]"]);
    }

    #[test]
    fn what_is_not_closed_is_named() {
        for (text, mark) in [
            ("k=\"1 2", '"'),
            ("k=[[1, 2]", ']'),
            ("k={1", '}'),
            ("\"k", '"'),
        ] {
            let error = CommentLine::parse(2, text).unwrap_err();
            assert_eq!(error.line, Some(2));
            let problem = error.problem.to_string();
            assert!(problem.contains(&format!("closing {mark}")), "{problem}");
        }
    }
}
