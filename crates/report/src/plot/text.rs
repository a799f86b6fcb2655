//! Text inside SVG and HTML: escaping, wrapping, and how wide it is about to be.

/// Escapes text for element content and quoted attributes, and drops the control characters that
/// XML forbids.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            c if (c as u32) < 0x20 || c == '\u{7f}' || c == '\u{fffe}' || c == '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escapes text for SVG and sets what follows an underscore, up to the next character that is
/// neither letter nor digit, as a subscript: `Ω_xy`.
pub fn escape_with_subscripts(text: &str) -> String {
    // A shift lasts until it is taken back, and only a character can carry it back.
    with_subscripts(
        text,
        (
            "<tspan dy=\"3\" font-size=\"78%\">",
            "</tspan><tspan dy=\"-3\">\u{200b}</tspan>",
        ),
    )
}

/// As [`escape_with_subscripts`], for HTML.
pub fn escape_with_html_subscripts(text: &str) -> String {
    with_subscripts(text, ("<sub>", "</sub>"))
}

fn with_subscripts(text: &str, (open, close): (&str, &str)) -> String {
    let mut output = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('_') {
        let end = after
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(after.len());
        let (low, next) = after.split_at(end);
        output.push_str(&escape(before));
        if low.is_empty() || before.is_empty() {
            output.push('_');
            output.push_str(&escape(low));
        } else {
            output.push_str(open);
            output.push_str(&escape(low));
            output.push_str(close);
        }
        rest = next;
    }
    output.push_str(&escape(rest));
    output
}

/// Width of a text in a proportional sans-serif face, estimated on the wide side `[pixels]`.
pub fn width(text: &str, font_size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.32,
            ' ' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' => 0.40,
            '⁰' | '¹' | '²' | '³' | '⁴' | '⁵' | '⁶' | '⁷' | '⁸' | '⁹' | '⁻' => {
                0.42
            }
            'm' | 'w' | 'M' | 'W' | '−' | '±' | '×' => 0.86,
            c if c.is_uppercase() => 0.70,
            _ => 0.61,
        })
        .sum();
    ems * font_size
}

/// Breaks a text at spaces into lines no wider than `limit` pixels; a longer word stands alone,
/// cut where it must be.
pub fn wrap(text: &str, font_size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let candidate = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if width(&candidate, font_size) <= limit {
            line = candidate;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            if !line.is_empty() && width(&line, font_size) + font_size > limit {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_does_not_survive() {
        assert_eq!(
            escape("<script>\"a\" & 'b'</script>\u{0}\u{b}"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"
        );
    }

    #[test]
    fn subscripts_keep_every_letter_and_escape_it() {
        let letters = |markup: &str| {
            let mut inside = false;
            markup
                .chars()
                .filter(|c| {
                    inside = (inside || *c == '<') && *c != '>';
                    !inside && *c != '>' && *c != '\u{200b}'
                })
                .collect::<String>()
        };
        for (text, expected) in [
            ("Ω_xy > 0", "Ωxy &gt; 0"),
            ("|Ω_xy|: 2", "|Ωxy|: 2"),
            ("_a__b_", "_a__b_"),
        ] {
            let markup = escape_with_subscripts(text);
            assert_eq!(
                letters(&markup).replace(';', ""),
                letters(expected).replace(';', "")
            );
        }
        assert!(escape_with_subscripts("T_f").contains("<tspan dy=\"3\" font-size=\"78%\">f<"));
        assert!(!escape_with_subscripts("a_<b>").contains("<b>"));
    }

    #[test]
    fn wrapped_lines_fit_and_lose_nothing() {
        let text = "coverage 0.62 of the next search and averyveryveryverylongwordthatdoesnotfit";
        let lines = wrap(text, 12.0, 120.0);
        assert!(lines.len() > 3);
        assert!(lines.iter().all(|line| width(line, 12.0) <= 132.0));
        let squeeze = |s: &str| s.replace(' ', "");
        assert_eq!(squeeze(&lines.concat()), squeeze(text));
    }
}
