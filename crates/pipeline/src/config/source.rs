//! Where each value of a RON text stands, so that `--set` can replace it and errors can point at it.
//!
//! `ron::Value` forgets the names of enum variants, so a config cannot be edited as a value and
//! written back; instead the text span of one field is replaced and the whole is parsed once.

use std::ops::Range;

/// One step of a dotted path such as `stages[1].strain_rate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A named field.
    Field(String),
    /// A position in a list, from 0.
    Index(usize),
}

/// Parses `stages[1].rates[0]`.
///
/// # Errors
/// A sentence that says what is wrong with the path.
pub fn parse_path(path: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    for part in path.split('.') {
        let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !name.is_empty() {
            if !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return Err(format!("'{name}' is not a field name"));
            }
            segments.push(Segment::Field(name.to_owned()));
        } else if indices.is_empty() || segments.is_empty() {
            return Err(format!("path '{path}' has an empty field name"));
        }
        for index in indices.split_terminator(']') {
            let digits = index
                .strip_prefix('[')
                .ok_or_else(|| format!("'{part}' lacks a '['"))?;
            let number = digits
                .parse()
                .map_err(|_| format!("'{digits}' in '{part}' is not an index"))?;
            segments.push(Segment::Index(number));
        }
        if !indices.is_empty() && !indices.ends_with(']') {
            return Err(format!("'{part}' lacks a ']'"));
        }
    }
    Ok(segments)
}

/// A value of a RON text, by where it stands.
#[derive(Debug)]
struct Node {
    span: Range<usize>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Scalar,
    List(Vec<Node>),
    /// `Name(...)`, `(...)`: named fields or positional items; `inside` is the text between the
    /// parentheses.
    Group {
        inside: Range<usize>,
        fields: Vec<(String, Node)>,
        items: Vec<Node>,
    },
}

/// A RON text with the places of its values.
#[derive(Debug)]
pub struct Source {
    text: String,
    root: Node,
}

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Line and column of a byte offset.
pub fn place_of(text: &str, offset: usize) -> Place {
    let before = &text[..offset.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// Named fields and positional items between one pair of brackets.
type Contents = (Vec<(String, Node)>, Vec<Node>);

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// Deeper nesting than this is no config; the bound keeps hostile text from exhausting the stack.
const DEEPEST: usize = 64;

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let mut depth = 0_usize;
                let bytes = trimmed.as_bytes();
                let mut k = 0;
                while k < bytes.len() {
                    if bytes[k..].starts_with(b"/*") {
                        depth += 1;
                        k += 2;
                    } else if bytes[k..].starts_with(b"*/") {
                        depth -= 1;
                        k += 2;
                        if depth == 0 {
                            break;
                        }
                    } else {
                        k += 1;
                    }
                }
                self.at += k;
            } else if trimmed.starts_with("#!") {
                self.at += trimmed.find(']').map_or(trimmed.len(), |close| close + 1);
            } else {
                return;
            }
        }
    }

    fn word(&mut self) -> Option<String> {
        // RON's raw identifiers: `r#None` is a name where `None` would be the missing value.
        let raw = if self.rest().starts_with("r#") { 2 } else { 0 };
        let rest = &self.rest()[raw..];
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-')))
            .unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        let word = rest[..end].to_owned();
        self.at += raw + end;
        Some(word)
    }

    fn quoted(&mut self) -> Option<()> {
        let rest = self.rest();
        if let Some(raw) = rest.strip_prefix('r') {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            let close = format!("\"{}", "#".repeat(hashes));
            let body = 1 + hashes + 1;
            let end = rest.get(body..)?.find(&close)?;
            self.at += body + end + close.len();
            return Some(());
        }
        let quote = rest.chars().next()?;
        let mut escaped = false;
        for (k, c) in rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == quote {
                self.at += k + 1;
                return Some(());
            }
        }
        None
    }

    fn sequence(&mut self, close: char) -> Option<Contents> {
        let (mut fields, mut items) = (Vec::new(), Vec::new());
        loop {
            self.skip_blanks();
            if self.peek()? == close {
                self.at += 1;
                return Some((fields, items));
            }
            let start = self.at;
            let name = self.word();
            self.skip_blanks();
            if let (Some(name), Some(':')) = (name, self.peek()) {
                self.at += 1;
                fields.push((name, self.value()?));
            } else {
                self.at = start;
                let item = self.value()?;
                self.skip_blanks();
                if self.peek()? == ':' {
                    // A map entry whose key is not a bare word: the key is passed over.
                    self.at += 1;
                    items.push(self.value()?);
                } else {
                    items.push(item);
                }
            }
            self.skip_blanks();
            match self.peek()? {
                ',' => self.at += 1,
                c if c == close => {}
                _ => return None,
            }
        }
    }

    fn value(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        self.skip_blanks();
        let start = self.at;
        let rest = self.rest();
        let raw_string = rest
            .strip_prefix('r')
            .is_some_and(|raw| raw.trim_start_matches('#').starts_with('"'));
        let mut kind = Kind::Scalar;
        match self.peek()? {
            '"' | '\'' => self.quoted()?,
            _ if raw_string => self.quoted()?,
            '[' => {
                self.at += 1;
                kind = Kind::List(self.sequence(']')?.1);
            }
            '{' => {
                self.at += 1;
                let inside = self.at;
                let (fields, items) = self.sequence('}')?;
                kind = Kind::Group {
                    inside: inside..self.at - 1,
                    fields,
                    items,
                };
            }
            _ => {
                let named = self.word().is_some();
                let end = self.at;
                self.skip_blanks();
                if self.peek() == Some('(') {
                    self.at += 1;
                    let inside = self.at;
                    let (fields, items) = self.sequence(')')?;
                    kind = Kind::Group {
                        inside: inside..self.at - 1,
                        fields,
                        items,
                    };
                } else if named {
                    self.at = end;
                } else {
                    return None;
                }
            }
        }
        self.depth -= 1;
        Some(Node {
            span: start..self.at,
            kind,
        })
    }
}

/// The node, or the one inside a newtype wrapper such as `Some(...)` or `Shear((...))`.
fn unwrapped(mut node: &Node) -> &Node {
    while let Kind::Group { fields, items, .. } = &node.kind {
        match (fields.as_slice(), items.as_slice()) {
            ([], [single]) if !matches!(single.kind, Kind::Scalar) => node = single,
            _ => break,
        }
    }
    node
}

impl Source {
    /// Finds the places of all values; `None` where the text is not RON at all (RON's own parser
    /// then says why).
    pub fn new(text: String) -> Option<Self> {
        let mut scanner = Scanner {
            text: &text,
            at: 0,
            depth: 0,
        };
        let root = scanner.value()?;
        scanner.skip_blanks();
        let complete = scanner.rest().is_empty();
        complete.then_some(Self { text, root })
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The span of the value at `path`, or of the innermost value around it that the text holds.
    pub fn span(&self, path: &[Segment]) -> Range<usize> {
        let mut node = &self.root;
        for segment in path {
            match child(node, segment) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.span.clone()
    }

    /// Replaces the value at `path` by `value`; a field that the text does not hold is added to
    /// its group. Returns the new text and where the value stands in it.
    ///
    /// # Errors
    /// A sentence that says which part of the path does not exist.
    pub fn replaced(
        &self,
        path: &[Segment],
        value: &str,
    ) -> Result<(String, Range<usize>), String> {
        let (last, parents) = path.split_last().ok_or("the path is empty")?;
        let mut node = &self.root;
        for segment in parents {
            node = child(node, segment).ok_or_else(|| missing(node, segment))?;
        }
        if let Some(target) = child(node, last) {
            let mut text = self.text.clone();
            text.replace_range(target.span.clone(), value);
            return Ok((text, target.span.start..target.span.start + value.len()));
        }
        match (&unwrapped(node).kind, last) {
            (Kind::Group { inside, items, .. }, Segment::Field(name)) if items.is_empty() => {
                let mut text = self.text.clone();
                let start = inside.start + name.len() + 2;
                text.insert_str(inside.start, &format!("{name}: {value}, "));
                Ok((text, start..start + value.len()))
            }
            _ => Err(missing(node, last)),
        }
    }
}

fn child<'a>(node: &'a Node, segment: &Segment) -> Option<&'a Node> {
    match (&unwrapped(node).kind, segment) {
        (Kind::List(items), Segment::Index(index)) => items.get(*index),
        (Kind::Group { fields, .. }, Segment::Field(name)) => fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value),
        _ => None,
    }
}

fn missing(node: &Node, segment: &Segment) -> String {
    match (&unwrapped(node).kind, segment) {
        (Kind::List(items), Segment::Index(index)) => {
            format!(
                "there is no entry [{index}]: the list has {} entries, counted from 0",
                items.len()
            )
        }
        (_, Segment::Index(index)) => format!("there is no list for [{index}]"),
        (Kind::Group { fields, .. }, Segment::Field(name)) => {
            let known: Vec<&str> = fields.iter().map(|(field, _)| field.as_str()).collect();
            format!(
                "there is no field '{name}' here (there are: {})",
                known.join(", ")
            )
        }
        (_, Segment::Field(name)) => {
            format!("there is no group that could hold the field '{name}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#![enable(implicit_some)]\n// a comment with (brackets\n(\n    title: \"a \\\" quote)\",\n    stages: [\n        Melt,\n        Shear(rates: [PerSecond(1e9), PerTau(-2.5e-4)], strain: 0.02),\n        Search((settings: (push: 0.1))), /* nested /* comment */ ) */\n    ],\n)\n";

    fn at(path: &str) -> String {
        let source = Source::new(TEXT.to_owned()).unwrap();
        source.text()[source.span(&parse_path(path).unwrap())].to_owned()
    }

    #[test]
    fn values_are_found_through_variants_lists_and_comments() {
        assert_eq!(at("title"), "\"a \\\" quote)\"");
        assert_eq!(at("stages[0]"), "Melt");
        assert_eq!(at("stages[1].rates[1]"), "PerTau(-2.5e-4)");
        assert_eq!(at("stages[1].strain"), "0.02");
        assert_eq!(at("stages[2].settings.push"), "0.1");
        assert_eq!(at("stages[1].absent"), at("stages[1]"));
    }

    #[test]
    fn raw_names_are_not_raw_strings() {
        let text = "(floor: r#None, r#title: r#\"a \"quote\" \"#, short: r\"\\\", last: 3)";
        let source = Source::new(text.to_owned()).unwrap();
        let at = |path: &str| &source.text()[source.span(&parse_path(path).unwrap())];
        assert_eq!(at("floor"), "r#None");
        assert_eq!(at("title"), "r#\"a \"quote\" \"#");
        assert_eq!(at("short"), "r\"\\\"");
        assert_eq!(at("last"), "3");
    }

    #[test]
    fn replacing_keeps_everything_else() {
        let source = Source::new(TEXT.to_owned()).unwrap();
        let path = parse_path("stages[1].strain").unwrap();
        let (text, span) = source.replaced(&path, "0.05").unwrap();
        assert_eq!(text, TEXT.replace("0.02", "0.05"));
        assert_eq!(&text[span], "0.05");
        let (text, span) = source
            .replaced(&parse_path("stages[2].count").unwrap(), "7")
            .unwrap();
        assert!(text.contains("Search((count: 7, settings: (push: 0.1)))"));
        assert_eq!(&text[span], "7");
    }

    #[test]
    fn a_wrong_path_says_what_there_is() {
        let source = Source::new(TEXT.to_owned()).unwrap();
        let message = source
            .replaced(&parse_path("stages[9].x").unwrap(), "1")
            .unwrap_err();
        assert!(
            message.contains("[9]") && message.contains("3 entries"),
            "{message}"
        );
        assert!(parse_path("stages[x]").is_err());
        assert!(parse_path("a..b").is_err());
        assert!(parse_path("a[1").is_err());
    }

    #[test]
    fn places_count_from_one() {
        assert_eq!(place_of("ab\ncd", 4), Place { line: 2, column: 2 });
        assert_eq!(place_of("", 0), Place { line: 1, column: 1 });
    }

    #[test]
    fn what_is_not_ron_is_refused_without_a_panic() {
        for text in [
            "(",
            "(a: )",
            "\"open",
            "[1, 2",
            "(a: 1) trailing",
            "",
            "/* open",
            "r#\"x",
        ] {
            assert!(Source::new(text.to_owned()).is_none(), "{text}");
        }
        assert!(Source::new("(".repeat(100_000)).is_none());
    }
}
