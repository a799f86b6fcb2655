//! One structure, or two and the motion between them, as a page: `analyze --report`.

use serde::Serialize;

use crate::figures::Figure;
use crate::templates;
use crate::view::{AtomView, Embedded};
use crate::write::ReportError;

/// A table of names and values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StructureTable {
    /// Anchor of the section.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Name and value of each row.
    pub rows: Vec<(String, String)>,
}

/// What the page of a structure shows.
#[derive(Clone, Debug, PartialEq)]
pub struct StructurePage {
    /// Title, such as the name of the file.
    pub title: String,
    /// Line under it.
    pub subtitle: String,
    /// What a reader must know before all else.
    pub caveats: Vec<String>,
    /// Tables of numbers.
    pub tables: Vec<StructureTable>,
    /// Figures in their order.
    pub figures: Vec<Figure>,
    /// The atoms in three dimensions, where they are to be shown.
    pub atoms: Option<AtomView>,
    /// The command that makes the page.
    pub command: String,
}

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    subtitle: &'a str,
    caveats: &'a [String],
    tables: &'a [StructureTable],
    figures: Vec<Drawn<'a>>,
    atoms: Option<Embedded>,
    command: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Drawn<'a> {
    name: &'a str,
    svg: String,
    caption: &'a str,
    data: &'a str,
}

impl StructurePage {
    /// The page as one HTML text that opens from disk without a network.
    ///
    /// # Errors
    /// [`ReportError::Template`] where the page cannot be put together.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let page = Page {
            title: &self.title,
            subtitle: &self.subtitle,
            caveats: &self.caveats,
            tables: &self.tables,
            figures: self
                .figures
                .iter()
                .map(|figure| Drawn {
                    name: &figure.plot.name,
                    svg: figure.plot.to_svg(),
                    caption: &figure.caption,
                    data: &figure.source,
                })
                .collect(),
            atoms: self.atoms.as_ref().map(AtomView::embedded),
            command: &self.command,
            version: env!("CARGO_PKG_VERSION"),
        };
        Ok(templates::render("structure.html", &page)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::figures::bond_orders;

    #[test]
    fn text_is_escaped_and_nothing_is_fetched() {
        let orders = BTreeMap::from([(4, 1), (5, 3)]);
        let page = StructurePage {
            title: "a<b>.data".to_owned(),
            subtitle: "4 atoms".to_owned(),
            caveats: vec!["two strains & no more".to_owned()],
            tables: vec![StructureTable {
                id: "structure",
                title: "Structure",
                rows: vec![("shear stress σ_xy".to_owned(), "0.25 < 1".to_owned())],
            }],
            figures: vec![bond_orders(&orders, &orders)],
            atoms: Some(crate::view::tests::small()),
            command: "metabasin analyze 'a<b>.data' --report a.html".to_owned(),
        };
        let html = page.to_html().unwrap();
        for text in [
            "<h1>a&lt;b&gt;.data</h1>",
            "two strains &amp; no more",
            "σ<sub>xy</sub>",
            "0.25 &lt; 1",
            "id=\"figure-bond-orders\"",
            "id=\"atoms-view\"",
            "--accent: #0072b2",
        ] {
            assert!(html.contains(text), "{text} is not in {html}");
        }
        let without_namespace = html.replace("http://www.w3.org/2000/svg", "");
        for text in ["http:", "https:", "src=", "@import", "url(h"] {
            assert!(!without_namespace.contains(text), "{text}");
        }
    }
}
