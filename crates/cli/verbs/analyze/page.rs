//! What `analyze` found, as a page.

use std::ffi::OsString;

use metabasin_pipeline::StructureAnalysis;
use metabasin_report::{StructurePage, StructureTable};

use super::drawing::figures;
use super::rows::{motion_rows, structure_rows};
use crate::arguments::Analyze;

/// The page of an analysis; `caveats` are what was said on stderr.
pub fn page(
    arguments: &Analyze,
    analysis: &StructureAnalysis,
    caveats: Vec<String>,
) -> StructurePage {
    let name = |path: &std::path::Path| {
        let last = path.file_name().unwrap_or(path.as_os_str());
        last.to_string_lossy().into_owned()
    };
    let reference = arguments.reference.as_deref();
    let compared = reference.map_or(String::new(), |path| {
        format!(", compared with {}", name(path))
    });
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
        title: name(&arguments.file),
        subtitle: format!("Structure of {} atoms{compared}", analysis.atoms),
        caveats,
        tables,
        figures: figures(analysis),
        command: command(std::env::args_os().skip(1)),
    }
}

/// The command line, quoted where a shell would take it apart.
fn command(arguments: impl Iterator<Item = OsString>) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=:+".contains(c);
    let mut words = vec!["metabasin".to_owned()];
    for argument in arguments {
        let word = argument.to_string_lossy();
        if !word.is_empty() && word.chars().all(plain) {
            words.push(word.into_owned());
        } else {
            words.push(format!("'{}'", word.replace('\'', r"'\''")));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_and_quotes_are_quoted() {
        let words = ["analyze", "my glass.data", "it's", "--tail", "0.3,0.6", ""];
        let shown = command(words.iter().map(OsString::from));
        assert_eq!(
            shown,
            r"metabasin analyze 'my glass.data' 'it'\''s' --tail 0.3,0.6 ''"
        );
    }
}
