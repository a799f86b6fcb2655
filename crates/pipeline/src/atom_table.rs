//! What is known of every atom of a structure, as a table, as columns of a structure file, and for pictures.

use std::path::Path;

use metabasin_atoms::Configuration;
use metabasin_files::{AtomColumn, Frame, Overwrite, write_atomic, write_extxyz};
use metabasin_interactions::PerAtom;
use metabasin_structure::{StructureClass, Su2Class, Tessellation};

use crate::csv;
use crate::moduli::AtomModuli;
use crate::motion::AtomMotion;
use crate::structure_file::Written;

/// One number or name an atom.
#[derive(Clone, Debug, PartialEq)]
pub struct AtomProperty {
    /// Name without blanks, as in the head of the table.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Unit of the numbers; empty for names and pure numbers.
    pub unit: &'static str,
    /// The values, one an atom.
    pub values: AtomColumn,
}

/// All that `analyze` knows of every atom, a column each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AtomTable {
    /// The columns, in the order of the table.
    pub columns: Vec<AtomProperty>,
}

/// What is known of the structure alone.
pub(crate) struct AtomStructure<'a> {
    pub(crate) tessellation: &'a Tessellation,
    pub(crate) classes: &'a [StructureClass],
    pub(crate) su2: &'a [Su2Class],
    pub(crate) free_volume: &'a [f64],
    pub(crate) parts: &'a PerAtom,
}

impl AtomTable {
    pub(crate) fn push(
        &mut self,
        (name, label, unit): (&'static str, &'static str, &'static str),
        values: AtomColumn,
    ) {
        self.columns.push(AtomProperty {
            name,
            label,
            unit,
            values,
        });
    }

    fn reals(
        &mut self,
        names: (&'static str, &'static str, &'static str),
        values: impl Iterator<Item = f64>,
    ) {
        self.push(names, AtomColumn::Reals(values.collect()));
    }

    fn integers(
        &mut self,
        (name, label): (&'static str, &'static str),
        values: impl Iterator<Item = usize>,
    ) {
        let values = values.map(|value| value as i64).collect();
        self.push((name, label, ""), AtomColumn::Integers(values));
    }

    fn names<'a>(
        &mut self,
        (name, label): (&'static str, &'static str),
        values: impl Iterator<Item = &'a str>,
    ) {
        let values = values.map(str::to_owned).collect();
        self.push((name, label, ""), AtomColumn::Names(values));
    }

    /// Index, cells, classes, energy and stress of every atom, and its motion where there is a reference.
    pub(crate) fn new(
        of: &AtomStructure<'_>,
        moduli: Option<&AtomModuli>,
        motion: Option<&AtomMotion>,
    ) -> Self {
        let mut table = Self::default();
        let cells = of.tessellation;
        let atoms = || 0..cells.len();
        for (edges, names) in (3..).zip([
            ("n3", "faces with 3 edges"),
            ("n4", "faces with 4 edges"),
            ("n5", "faces with 5 edges"),
            ("n6", "faces with 6 edges"),
        ]) {
            table.integers(
                names,
                atoms().map(|i| cells.index(i).faces_with(edges) as usize),
            );
        }
        table.integers(
            ("coordination", "coordination"),
            atoms().map(|i| cells.coordination(i)),
        );
        table.reals(
            ("volume", "Voronoi volume", "σ³"),
            atoms().map(|i| cells.volume(i)),
        );
        table.names(
            ("class", "class by faces"),
            of.classes.iter().map(|class| class.name()),
        );
        table.names(
            ("su2", "class by bonds, SU(2)"),
            of.su2.iter().map(|class| class.name()),
        );
        table.reals(
            ("free_volume", "free volume", "σ³"),
            of.free_volume.iter().copied(),
        );
        table.reals(("energy", "energy", "ε"), of.parts.energy.iter().copied());
        table.reals(
            ("stress_xy", "shear stress xy", "ε/σ³"),
            of.parts.stress.iter().map(|stress| stress.xy()),
        );
        table.reals(
            ("von_mises", "von Mises stress", "ε/σ³"),
            of.parts.stress.iter().map(|stress| stress.von_mises()),
        );
        if let Some(moduli) = moduli {
            let columns = [
                ("shear_born", "shear modulus, affine", &moduli.shear_born),
                (
                    "shear_nonaffine",
                    "non-affine part of it",
                    &moduli.shear_nonaffine,
                ),
                (
                    "kelvin_lowest",
                    "lowest Kelvin modulus",
                    &moduli.kelvin_lowest,
                ),
            ];
            for (name, label, values) in columns {
                table.reals((name, label, "ε/σ³"), values.iter().copied());
            }
        }
        if let Some(motion) = motion {
            table.add_motion(motion);
        }
        table
    }

    fn add_motion(&mut self, motion: &AtomMotion) {
        self.reals(("d2min", "D²min", "σ²"), motion.d2min.iter().copied());
        for (k, names) in [
            ("ux", "displacement x", "σ"),
            ("uy", "displacement y", "σ"),
            ("uz", "displacement z", "σ"),
        ]
        .into_iter()
        .enumerate()
        {
            self.reals(names, motion.nonaffine.iter().map(|u| u[k]));
        }
        self.reals(
            ("von_mises_change", "change of von Mises", "ε/σ³"),
            motion.von_mises_change.iter().copied(),
        );
        self.integers(
            ("string", "string, 1 the longest"),
            motion.string.iter().copied(),
        );
    }

    /// Writes the columns: extended XYZ with the atoms where the name ends so, else comma-separated values, one line an
    /// atom in the order of the file.
    pub(crate) fn write(
        &self,
        path: &Path,
        overwrite: Overwrite,
        configuration: &Configuration,
    ) -> Written {
        if is_extended_xyz(path) {
            self.write_extxyz(path, overwrite, configuration)
        } else {
            self.write_csv(path, overwrite, configuration)
        }
    }

    fn write_csv(
        &self,
        path: &Path,
        overwrite: Overwrite,
        configuration: &Configuration,
    ) -> Written {
        write_atomic(path, overwrite, |writer| {
            csv::comment(writer, "radical Voronoi cells, atom by atom")?;
            write!(writer, "id,species")?;
            for column in &self.columns {
                write!(writer, ",{}", column.name)?;
            }
            writeln!(writer)?;
            for i in 0..configuration.len() {
                let species = configuration.species[i].number();
                write!(writer, "{},{species}", configuration.ids[i])?;
                for column in &self.columns {
                    match &column.values {
                        AtomColumn::Reals(values) => write!(writer, ",{:?}", values[i])?,
                        AtomColumn::Integers(values) => write!(writer, ",{}", values[i])?,
                        AtomColumn::Names(values) => write!(writer, ",{}", values[i])?,
                    }
                }
                writeln!(writer)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn write_extxyz(
        &self,
        path: &Path,
        overwrite: Overwrite,
        configuration: &Configuration,
    ) -> Written {
        let frame = self.columns.iter().fold(
            Frame::new(configuration)
                .with_key("program", concat!("metabasin ", env!("CARGO_PKG_VERSION")))
                .with_key("units", "reduced Lennard-Jones"),
            // Energy of an atom: a column called `energy` alone is taken for results of a calculator.
            |frame, column| {
                let name = if column.name == "energy" {
                    "atom_energy"
                } else {
                    column.name
                };
                frame.with_column(name, column.values.clone())
            },
        );
        write_extxyz(path, &[frame], overwrite)?;
        Ok(())
    }
}

/// Whether a name asks for extended XYZ, compressed or not.
fn is_extended_xyz(path: &Path) -> bool {
    let name = path.to_string_lossy().to_lowercase();
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    [".extxyz", ".xyz"]
        .iter()
        .any(|ending| name.ends_with(ending))
}
