//! Atoms as a view in three dimensions, to be turned, sliced and asked: `analyze --view`, `barriers --view`.
//!
//! One page without a network: the atoms as base64 in it, some 1,100 lines of script of our own on WebGL2, and a still
//! picture where that is missing. `docs/view.md` says why there is no library in it.

mod payload;
mod still;

use serde::Serialize;

use crate::templates;
use crate::write::ReportError;

/// Name of the view of a run's atoms, beside its report.
pub const ATOMS_PAGE: &str = "atoms.html";
/// Name of the view of a run's events, beside its report.
pub const EVENTS_PAGE: &str = "events.html";

/// What is known of every atom, under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewColumn {
    /// Name without blanks, unique among the columns.
    pub name: String,
    /// What people read.
    pub label: String,
    /// Unit of the numbers; empty for pure numbers.
    pub unit: String,
    /// The values.
    pub values: ViewValues,
}

/// One value an atom.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewValues {
    /// Numbers, colored by a scale.
    Numbers(Vec<f64>),
    /// One of a few names, by its place among them.
    Names {
        /// All names, in the order of the legend; 256 at most.
        names: Vec<String>,
        /// The name of every atom.
        of_atoms: Vec<u8>,
    },
}

/// Bonds that are drawn in one color.
#[derive(Clone, Debug, PartialEq)]
pub struct BondSet {
    /// What people read.
    pub label: String,
    /// Color as `#rrggbb`.
    pub color: &'static str,
    /// Radius of the cylinders `[length]`.
    pub radius: f64,
    /// Whether they are drawn from the beginning.
    pub shown: bool,
    /// Two atoms each, and the lattice shift of the image of the second that is bonded to the first, both where
    /// [`AtomView::positions`] has them.
    pub bonds: Vec<([u32; 2], [i32; 3])>,
}

/// An event of a catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewedEvent {
    /// Number in the catalogue.
    pub id: u64,
    /// Energy of the saddle less that of the minimum `[energy]`.
    pub barrier: f64,
    /// Energy of the saddle less that of the end state `[energy]`.
    pub barrier_reverse: f64,
    /// Ω_xy `[length³]`, where known.
    pub activation_volume: Option<f64>,
    /// Participation number of the displacement to the end.
    pub participation: f64,
    /// Largest displacement to the end `[length]`.
    pub largest: f64,
    /// Class of the atom that moves most, where known.
    pub structure_class: Option<String>,
    /// Where it is `[length]`.
    pub center: [f64; 3],
    /// Atoms that move.
    pub atoms: Vec<u32>,
    /// Their displacements from minimum to saddle `[length]`.
    pub to_saddle: Vec<[f64; 3]>,
    /// Their displacements from minimum to end `[length]`.
    pub to_end: Vec<[f64; 3]>,
}

/// A sample as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AtomView {
    /// Title, such as the name of the file.
    pub title: String,
    /// Line under it.
    pub subtitle: String,
    /// What a reader must know.
    pub caveats: Vec<String>,
    /// Lattice vectors a, b, c `[length]`.
    pub cell: [[f64; 3]; 3],
    /// Positions inside the cell `[length]`.
    pub positions: Vec<[f64; 3]>,
    /// Radii as drawn `[length]`.
    pub radii: Vec<f64>,
    /// Ids.
    pub ids: Vec<u64>,
    /// What is known of every atom; the view begins with the first.
    pub columns: Vec<ViewColumn>,
    /// Bonds.
    pub bonds: Vec<BondSet>,
    /// From where each atom was in a reference to where it is, the strain taken away `[length]`.
    pub displacements: Option<Vec<[f64; 3]>>,
    /// Arrows are drawn of displacements of at least this, until told otherwise `[length]`.
    pub arrows_from: f64,
    /// Events out of this structure.
    pub events: Vec<ViewedEvent>,
    /// The command that makes the page.
    pub command: String,
}

/// The parts of a view that a template puts into a page.
#[derive(Serialize)]
pub(crate) struct Embedded {
    still: String,
    data: String,
    script: String,
    pub(crate) style: &'static str,
}

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    subtitle: &'a str,
    caveats: &'a [String],
    atoms: Embedded,
    command: &'a str,
    version: &'a str,
}

/// The script, in the order in which its parts build on one another.
const SCRIPT: [&str; 9] = [
    include_str!("templates/viewer/scene.js"),
    include_str!("templates/viewer/camera.js"),
    include_str!("templates/viewer/drawing.js"),
    include_str!("templates/viewer/coloring.js"),
    include_str!("templates/viewer/ribbons.js"),
    include_str!("templates/viewer/controls.js"),
    include_str!("templates/viewer/viewer.js"),
    include_str!("templates/viewer/panel.js"),
    include_str!("templates/viewer/events.js"),
];
const BEGIN: &str = include_str!("templates/viewer/main.js");
const STYLE: &str = include_str!("templates/viewer/view.css");

impl AtomView {
    /// The view as one HTML text that opens from disk without a network.
    ///
    /// # Errors
    /// [`ReportError::Template`] where the page cannot be put together.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let page = Page {
            title: &self.title,
            subtitle: &self.subtitle,
            caveats: &self.caveats,
            atoms: self.embedded(),
            command: &self.command,
            version: env!("CARGO_PKG_VERSION"),
        };
        Ok(templates::render("view.html", &page)?)
    }

    pub(crate) fn embedded(&self) -> Embedded {
        Embedded {
            still: still::picture(self),
            data: payload::of(self),
            // Nothing leaks into the page, and strict mode names misspelt variables.
            script: format!(
                "\"use strict\";\n(() => {{\n{}\n{BEGIN}}})();\n",
                SCRIPT.join("\n")
            ),
            style: STYLE,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Three atoms, a bond through a face, and an event.
    pub(crate) fn small() -> AtomView {
        AtomView {
            title: "a<b>.data".to_owned(),
            subtitle: "three atoms".to_owned(),
            cell: [[4.0, 0.0, 0.0], [1.0, 4.0, 0.0], [0.0, 0.0, 4.0]],
            positions: vec![[0.5, 0.5, 0.5], [2.0, 2.0, 2.0], [3.5, 0.5, 3.0]],
            radii: vec![0.5, 0.4, 0.5],
            ids: vec![7, 8, 9],
            columns: vec![ViewColumn {
                name: "species".to_owned(),
                label: "species".to_owned(),
                unit: String::new(),
                values: ViewValues::Names {
                    names: vec!["</script>".to_owned(), "small".to_owned()],
                    of_atoms: vec![0, 1, 0],
                },
            }],
            bonds: vec![BondSet {
                label: "network".to_owned(),
                color: "#e69f00",
                radius: 0.1,
                shown: true,
                bonds: vec![([0, 2], [-1, 0, 0])],
            }],
            events: vec![ViewedEvent {
                id: 3,
                barrier: 1.5,
                barrier_reverse: 0.5,
                activation_volume: None,
                participation: 1.0,
                largest: 0.5,
                structure_class: None,
                center: [2.0, 2.0, 2.0],
                atoms: vec![1],
                to_saddle: vec![[0.25, 0.0, 0.0]],
                to_end: vec![[0.5, 0.0, 0.0]],
            }],
            ..AtomView::default()
        }
    }

    #[test]
    fn the_page_stands_alone_and_escapes_what_it_is_given() {
        let html = small().to_html().unwrap();
        assert!(html.contains("<title>a&lt;b&gt;.data</title>"), "{html}");
        // The two scripts end once each: the name of a species ends none.
        assert_eq!(html.matches("</script>").count(), 2);
        for fetched in [" src=", "@import", "url(", "fetch(", "import("] {
            assert!(!html.contains(fetched), "{fetched}");
        }
        assert!(html.contains("class=\"still\"><svg"));
    }
}
