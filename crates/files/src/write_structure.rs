//! Writing samples so that other programs open them without options.
//!
//! Every number has 17 significant digits, so that reading it back gives the same bits.

use std::io::{self, Write};
use std::path::Path;

use metabasin_atoms::{Configuration, Species};
use nalgebra::Vector3;

use crate::{FilesError, Overwrite, Problem, write_atomic_compressed};

/// A value of the comment line of an extended XYZ frame.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyValue {
    /// Text, quoted where needed.
    Text(String),
    /// A real number.
    Real(f64),
    /// A whole number.
    Integer(i64),
    /// `T` or `F`.
    Boolean(bool),
    /// An array of real numbers.
    Reals(Vec<f64>),
}

impl From<&str> for KeyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for KeyValue {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<i64> for KeyValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

/// One number or name an atom, a further column of an extended XYZ frame.
#[derive(Clone, Debug, PartialEq)]
pub enum AtomColumn {
    /// Real numbers.
    Reals(Vec<f64>),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Names without blanks.
    Names(Vec<String>),
}

impl AtomColumn {
    fn len(&self) -> usize {
        match self {
            Self::Reals(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Names(values) => values.len(),
        }
    }

    fn kind(&self) -> char {
        match self {
            Self::Reals(_) => 'R',
            Self::Integers(_) => 'I',
            Self::Names(_) => 'S',
        }
    }
}

/// One frame to write: a sample and what the caller knows about it.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The sample.
    pub configuration: &'a Configuration,
    /// Force on every atom `[energy / length]`, column `forces`.
    pub forces: Option<&'a [Vector3<f64>]>,
    /// Keys of the comment line, such as `energy`, `config_type`, `units`, `version`. `Lattice`,
    /// `Properties`, `pbc` and `type_masses` are written by themselves.
    pub keys: Vec<(String, KeyValue)>,
    /// Further columns.
    pub columns: Vec<(String, AtomColumn)>,
}

impl<'a> Frame<'a> {
    /// A frame without forces, keys or further columns.
    pub fn new(configuration: &'a Configuration) -> Self {
        Self {
            configuration,
            forces: None,
            keys: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// With the forces on the atoms.
    #[must_use]
    pub fn with_forces(mut self, forces: &'a [Vector3<f64>]) -> Self {
        self.forces = Some(forces);
        self
    }

    /// With one more key in the comment line.
    #[must_use]
    pub fn with_key(mut self, name: &str, value: impl Into<KeyValue>) -> Self {
        self.keys.push((name.to_owned(), value.into()));
        self
    }

    /// With one more column.
    #[must_use]
    pub fn with_column(mut self, name: &str, column: AtomColumn) -> Self {
        self.columns.push((name.to_owned(), column));
        self
    }

    /// Arrays of the right length, names that the format can hold.
    fn check(&self) -> Result<(), Problem> {
        self.configuration
            .validate()
            .map_err(Problem::Configuration)?;
        let atoms = self.configuration.len() as u64;
        let forces = self.forces.map(<[Vector3<f64>]>::len);
        let columns = self.columns.iter().map(|(_, column)| column.len());
        for found in forces.into_iter().chain(columns) {
            if found as u64 != atoms {
                return Err(Problem::Count {
                    what: "entries of every column",
                    declared: atoms,
                    found: found as u64,
                });
            }
        }
        let plain = |name: &str| {
            !name.is_empty()
                && !name.contains(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | ':'))
        };
        let keys = self.keys.iter().map(|(name, _)| name.as_str());
        let columns = self.columns.iter().map(|(name, _)| name.as_str());
        let names = self.columns.iter().flat_map(|(_, column)| match column {
            AtomColumn::Names(names) => names.as_slice(),
            AtomColumn::Reals(_) | AtomColumn::Integers(_) => &[],
        });
        let mut all = keys.chain(columns).chain(names.map(String::as_str));
        match all.find(|name| !plain(name)) {
            Some(name) => Err(Problem::Unsupported {
                what: format!("the name `{name}` in extended XYZ"),
            }),
            None => Ok(()),
        }
    }
}

/// Seventeen significant digits: enough for the same bits back.
struct Exact(f64);

impl std::fmt::Display for Exact {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:.16e}", self.0)
    }
}

fn write_vector(output: &mut dyn Write, vector: &Vector3<f64>) -> io::Result<()> {
    write!(
        output,
        " {} {} {}",
        Exact(vector.x),
        Exact(vector.y),
        Exact(vector.z)
    )
}

/// What extended XYZ calls the species: the element of that atomic number, as ASE calls the types
/// of a LAMMPS file. ASE refuses names that are no elements; `H` is type 1 and `He` type 2.
fn species_name(species: Species) -> String {
    match species.number() {
        1 => "H".to_owned(),
        2 => "He".to_owned(),
        number => number.to_string(),
    }
}

fn write_value(output: &mut dyn Write, value: &KeyValue) -> io::Result<()> {
    match value {
        KeyValue::Text(text) => {
            let text = text.replace(['\n', '\r'], " ");
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            write!(output, "\"{escaped}\"")
        }
        KeyValue::Real(value) => write!(output, "{}", Exact(*value)),
        KeyValue::Integer(value) => write!(output, "{value}"),
        KeyValue::Boolean(value) => write!(output, "{}", if *value { 'T' } else { 'F' }),
        KeyValue::Reals(values) => {
            let words: Vec<String> = values.iter().map(|v| Exact(*v).to_string()).collect();
            write!(output, "\"{}\"", words.join(" "))
        }
    }
}

fn write_xyz_frame(output: &mut dyn Write, frame: &Frame) -> io::Result<()> {
    let configuration = frame.configuration;
    writeln!(output, "{}", configuration.len())?;
    let [lx, ly, lz, xy, xz, yz] = configuration.cell.components();
    let lattice = KeyValue::Reals(vec![lx, 0.0, 0.0, xy, ly, 0.0, xz, yz, lz]);
    write!(output, "Lattice=")?;
    write_value(output, &lattice)?;
    write!(output, " Properties=species:S:1:pos:R:3")?;
    if configuration.velocities.is_some() {
        write!(output, ":velo:R:3")?;
    }
    write!(output, ":id:I:1")?;
    if frame.forces.is_some() {
        write!(output, ":forces:R:3")?;
    }
    for (name, column) in &frame.columns {
        write!(output, ":{name}:{}:1", column.kind())?;
    }
    write!(output, " pbc=\"T T T\" type_masses=")?;
    write_value(output, &KeyValue::Reals(configuration.masses.clone()))?;
    for (name, value) in &frame.keys {
        write!(output, " {name}=")?;
        write_value(output, value)?;
    }
    writeln!(output)?;
    for i in 0..configuration.len() {
        write!(output, "{}", species_name(configuration.species[i]))?;
        write_vector(output, &configuration.positions[i])?;
        if let Some(velocities) = &configuration.velocities {
            write_vector(output, &velocities[i])?;
        }
        write!(output, " {}", configuration.ids[i])?;
        if let Some(forces) = frame.forces {
            write_vector(output, &forces[i])?;
        }
        for (_, column) in &frame.columns {
            match column {
                AtomColumn::Reals(values) => write!(output, " {}", Exact(values[i]))?,
                AtomColumn::Integers(values) => write!(output, " {}", values[i])?,
                AtomColumn::Names(values) => write!(output, " {}", values[i])?,
            }
        }
        writeln!(output)?;
    }
    Ok(())
}

fn invalid(path: &Path, problem: Problem) -> FilesError {
    FilesError::Content {
        path: path.to_owned(),
        line: None,
        problem,
    }
}

/// Writes extended XYZ, one frame or many; compressed where the name ends in `.gz` or `.zst`.
///
/// Columns `species:S:1:pos:R:3[:velo:R:3]:id:I:1[:forces:R:3]` and the caller's; species are
/// named `H` and `He` for types 1 and 2, because ASE takes only names of elements; the masses of
/// the types stand in the key `type_masses`. Positions are unwrapped, as in the configuration.
///
/// # Errors
/// [`FilesError::Content`] for a frame that is not valid, and as [`crate::write_atomic`].
pub fn write_extxyz(path: &Path, frames: &[Frame], overwrite: Overwrite) -> Result<(), FilesError> {
    for frame in frames {
        frame.check().map_err(|problem| invalid(path, problem))?;
    }
    write_atomic_compressed(path, overwrite, |output| {
        frames
            .iter()
            .try_for_each(|frame| write_xyz_frame(output, frame))
    })
}

/// Writes a LAMMPS data file, atom style `atomic`, `units lj`; compressed where the name ends in
/// `.gz` or `.zst`.
///
/// Positions are written unwrapped and without image flags: LAMMPS wraps them itself when it reads
/// the file, and reading it back here gives the same bits.
///
/// # Errors
/// As [`write_extxyz`].
pub fn write_lammps_data(
    path: &Path,
    configuration: &Configuration,
    overwrite: Overwrite,
) -> Result<(), FilesError> {
    configuration
        .validate()
        .map_err(|error| invalid(path, Problem::Configuration(error)))?;
    write_atomic_compressed(path, overwrite, |output| {
        writeln!(
            output,
            "LAMMPS data file by metabasin {}, units = lj\n",
            env!("CARGO_PKG_VERSION")
        )?;
        writeln!(output, "{} atoms", configuration.len())?;
        writeln!(output, "{} atom types\n", configuration.masses.len())?;
        let [lx, ly, lz, xy, xz, yz] = configuration.cell.components();
        for (axis, length) in ["x", "y", "z"].into_iter().zip([lx, ly, lz]) {
            writeln!(output, "0.0 {} {axis}lo {axis}hi", Exact(length))?;
        }
        if [xy, xz, yz].iter().any(|tilt| *tilt != 0.0) {
            writeln!(output, "{} {} {} xy xz yz", Exact(xy), Exact(xz), Exact(yz))?;
        }
        writeln!(output, "\nMasses\n")?;
        for (k, mass) in configuration.masses.iter().enumerate() {
            writeln!(output, "{} {}", k + 1, Exact(*mass))?;
        }
        writeln!(output, "\nAtoms # atomic\n")?;
        for i in 0..configuration.len() {
            let number = configuration.species[i].number();
            write!(output, "{} {number}", configuration.ids[i])?;
            write_vector(output, &configuration.positions[i])?;
            writeln!(output)?;
        }
        if let Some(velocities) = &configuration.velocities {
            writeln!(output, "\nVelocities\n")?;
            for (id, velocity) in configuration.ids.iter().zip(velocities) {
                write!(output, "{id}")?;
                write_vector(output, velocity)?;
                writeln!(output)?;
            }
        }
        Ok(())
    })
}

/// Writes a LAMMPS text dump, one frame a (step, configuration) pair; compressed where the name
/// ends in `.gz` or `.zst`.
///
/// Columns `id type mass xu yu zu [vx vy vz]`, positions unwrapped. The format gives a tilted cell by
/// its bounding box, so that lx and ly come back within rounding; an orthorhombic cell comes back
/// with the same bits.
///
/// # Errors
/// As [`write_extxyz`].
pub fn write_lammps_dump(
    path: &Path,
    frames: &[(u64, &Configuration)],
    overwrite: Overwrite,
) -> Result<(), FilesError> {
    for (_, configuration) in frames {
        configuration
            .validate()
            .map_err(|error| invalid(path, Problem::Configuration(error)))?;
    }
    write_atomic_compressed(path, overwrite, |output| {
        frames
            .iter()
            .try_for_each(|(step, configuration)| write_dump_frame(output, *step, configuration))
    })
}

fn write_dump_frame(
    output: &mut dyn Write,
    step: u64,
    configuration: &Configuration,
) -> io::Result<()> {
    writeln!(output, "ITEM: TIMESTEP\n{step}")?;
    writeln!(output, "ITEM: NUMBER OF ATOMS\n{}", configuration.len())?;
    let [lx, ly, lz, xy, xz, yz] = configuration.cell.components();
    if [xy, xz, yz].iter().any(|tilt| *tilt != 0.0) {
        let low_x = 0.0_f64.min(xy).min(xz).min(xy + xz);
        let high_x = 0.0_f64.max(xy).max(xz).max(xy + xz);
        let (low_y, high_y) = (0.0_f64.min(yz), 0.0_f64.max(yz));
        writeln!(output, "ITEM: BOX BOUNDS xy xz yz pp pp pp")?;
        let rows = [
            (low_x, lx + high_x, xy),
            (low_y, ly + high_y, xz),
            (0.0, lz, yz),
        ];
        for (low, high, tilt) in rows {
            writeln!(output, "{} {} {}", Exact(low), Exact(high), Exact(tilt))?;
        }
    } else {
        writeln!(output, "ITEM: BOX BOUNDS pp pp pp")?;
        for length in [lx, ly, lz] {
            writeln!(output, "{} {}", Exact(0.0), Exact(length))?;
        }
    }
    let velocity_columns = match configuration.velocities {
        Some(_) => " vx vy vz",
        None => "",
    };
    writeln!(
        output,
        "ITEM: ATOMS id type mass xu yu zu{velocity_columns}"
    )?;
    for i in 0..configuration.len() {
        let number = configuration.species[i].number();
        let mass = Exact(configuration.mass(i));
        write!(output, "{} {number} {mass}", configuration.ids[i])?;
        write_vector(output, &configuration.positions[i])?;
        if let Some(velocities) = &configuration.velocities {
            write_vector(output, &velocities[i])?;
        }
        writeln!(output)?;
    }
    Ok(())
}
