//! What `analyze` found, as a page.

use metabasin_pipeline::StructureAnalysis;
use metabasin_report::{AtomView, StructurePage, StructureTable};

use super::drawing::figures;
use super::rows::{motion_rows, structure_rows};
use crate::arguments::Analyze;
use crate::verbs::atom_view::{command, file_name};

/// The page of an analysis; `caveats` are what was said on stderr.
pub fn page(
    arguments: &Analyze,
    analysis: &StructureAnalysis,
    caveats: Vec<String>,
    atoms: Option<AtomView>,
) -> StructurePage {
    let table = |id, title, rows: Vec<(&str, String)>| StructureTable {
        id,
        title,
        rows: (rows.into_iter())
            // Spaces at the beginning, which HTML drops, say what belongs to the row above.
            .map(|(name, value)| (name.replace("  ", "\u{2003}"), value))
            .collect(),
    };
    let mut tables = vec![table("structure", "Structure", structure_rows(analysis))];
    if let Some(moved) = &analysis.displacement {
        tables.push(table("motion", "Motion", motion_rows(moved)));
    }
    StructurePage {
        title: file_name(&arguments.file),
        subtitle: subtitle(arguments, analysis.atoms),
        caveats,
        tables,
        figures: figures(analysis),
        atoms,
        command: command(std::env::args_os().skip(1)),
    }
}

/// What the page and the view are of.
pub fn subtitle(arguments: &Analyze, atoms: usize) -> String {
    let reference = arguments.reference.as_deref();
    let compared = reference.map_or(String::new(), |path| {
        format!(", compared with {}", file_name(path))
    });
    format!("Structure of {atoms} atoms{compared}")
}
