//! The HTML pages: one style, a template each.

use minijinja::Environment;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::plot::text::escape_with_html_subscripts;

/// The files that templates are made of, by name.
const FILES: [(&str, &str); 5] = [
    ("atoms.html", include_str!("templates/atoms.html")),
    ("report.html", include_str!("templates/report.html")),
    ("structure.html", include_str!("templates/structure.html")),
    ("style.css", include_str!("templates/style.css")),
    ("view.html", include_str!("templates/view.html")),
];

/// A page from its template and content; text is escaped, `subscripts` shows σ_xy as it is meant.
pub(crate) fn render(template: &str, page: &impl Serialize) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_filter("subscripts", |text: String| {
        Value::from_safe_string(escape_with_html_subscripts(&text))
    });
    for (name, text) in FILES {
        environment.add_template(name, text)?;
    }
    environment
        .get_template(template)?
        .render(Value::from(Serde(page)))
}
