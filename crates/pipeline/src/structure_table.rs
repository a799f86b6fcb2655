//! The atoms of an analyzed structure as a table: `analyze --per-atom`.

use std::path::Path;

use metabasin_atoms::Configuration;
use metabasin_files::{Overwrite, write_atomic};
use metabasin_structure::{StructureClass, Su2Class, Tessellation};

use crate::csv;
use crate::motion::AtomMotion;
use crate::structure_file::Written;

/// What is known of every atom.
pub(crate) struct StructureTable<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) tessellation: &'a Tessellation,
    pub(crate) classes: &'a [StructureClass],
    pub(crate) su2: &'a [Su2Class],
    pub(crate) free_volume: &'a [f64],
    /// Motion from a reference, where there is one: six more columns.
    pub(crate) motion: Option<&'a AtomMotion>,
}

/// One line an atom, in the order of the file.
pub(crate) fn write_structure_table(
    path: &Path,
    overwrite: Overwrite,
    table: &StructureTable<'_>,
) -> Written {
    let StructureTable {
        configuration,
        tessellation,
        ..
    } = table;
    write_atomic(path, overwrite, |writer| {
        csv::comment(writer, "radical Voronoi cells, atom by atom")?;
        write!(
            writer,
            "id,species,n3,n4,n5,n6,coordination,volume,class,su2,free_volume"
        )?;
        writeln!(
            writer,
            "{}",
            table
                .motion
                .map_or("", |_| ",d2min,ux,uy,uz,von_mises_change,string")
        )?;
        for (i, class) in table.classes.iter().enumerate() {
            let index = tessellation.index(i);
            let counts: Vec<String> = (3..=6)
                .map(|edges| index.faces_with(edges).to_string())
                .collect();
            let (id, species) = (configuration.ids[i], configuration.species[i].number());
            let coordination = tessellation.coordination(i);
            let volume = tessellation.volume(i);
            let (counts, class, su2) = (counts.join(","), class.name(), table.su2[i].name());
            write!(
                writer,
                "{id},{species},{counts},{coordination},{volume:?},{class},{su2},{:?}",
                table.free_volume[i]
            )?;
            if let Some(motion) = table.motion {
                let u = motion.nonaffine[i];
                let change = motion.von_mises_change[i];
                let numbers = csv::numbers(&[motion.d2min[i], u.x, u.y, u.z, change]);
                write!(writer, ",{numbers},{}", motion.string[i])?;
            }
            writeln!(writer)?;
        }
        Ok(())
    })?;
    Ok(())
}
