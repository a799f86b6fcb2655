//! Writing samples so that other programs open them without options.
//!
//! Positions, velocities and forces have 17 significant digits, masses and radii the fewest that
//! read back to the same bits. What each program takes from each format is in `docs/formats.md`.

use std::io::{self, Write};
use std::path::Path;

use metabasin_atoms::{Configuration, Species};
use nalgebra::Vector3;

use crate::species_names::default_name;
use crate::{
    AtomColumn, FilesError, Frame, KeyValue, Overwrite, Placement, Problem, write_atomic_compressed,
};

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

/// What extended XYZ and dumps call a species: its own name, or `H` and `He` for types 1 and 2, as
/// ASE refuses names that are no elements.
fn species_name(configuration: &Configuration, species: Species) -> String {
    let names = configuration.names.as_ref();
    names
        .and_then(|names| names.get(usize::from(species.0)).cloned())
        .unwrap_or_else(|| default_name(species.number()))
}

/// The names of the types, where LAMMPS takes all of them for labels: they begin with no digit, `*`
/// or `#`, and a `#` begins a comment (manual, "Type labels").
fn labels(configuration: &Configuration) -> &[String] {
    let is_label = |name: &String| {
        !name.contains('#') && !name.starts_with(|c: char| c.is_ascii_digit() || c == '*')
    };
    match &configuration.names {
        Some(names) if names.iter().all(is_label) => names,
        _ => &[],
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

/// Half the Lennard-Jones lengths of the Wahnstrom glass, large and small atom `[length]`.
const RADII: [f64; 2] = [0.5, 5.0 / 12.0];

/// One radius an atom, where all species are the glass's: a column that is right for some atoms only
/// would be wrong for the tessellation of all.
fn radii(frame: &Frame) -> Option<Vec<f64>> {
    let species = frame.configuration.species.iter();
    species
        .map(|species| RADII.get(usize::from(species.0)).copied())
        .collect()
}

fn write_image(output: &mut dyn Write, [a, b, c]: [i32; 3]) -> io::Result<()> {
    write!(output, " {a} {b} {c}")
}

/// Velocities stand under three names, because no two of the programs that want them look for the
/// same: `velo` is OVITO's, `vel` dynasor's and GPUMD's, `momenta` (mass times velocity) ASE's.
const VELOCITY_COLUMNS: &str = ":velo:R:3:vel:R:3:momenta:R:3";

fn write_xyz_frame(output: &mut dyn Write, frame: &Frame) -> io::Result<()> {
    let configuration = frame.configuration;
    let radii = radii(frame);
    writeln!(output, "{}", configuration.len())?;
    let [lx, ly, lz, xy, xz, yz] = configuration.cell.components();
    let lattice = KeyValue::Reals(vec![lx, 0.0, 0.0, xy, ly, 0.0, xz, yz, lz]);
    write!(output, "Lattice=")?;
    write_value(output, &lattice)?;
    write!(output, " Properties=species:S:1:pos:R:3")?;
    if configuration.velocities.is_some() {
        write!(output, "{VELOCITY_COLUMNS}")?;
    }
    write!(output, ":id:I:1:masses:R:1")?;
    if radii.is_some() {
        write!(output, ":radius:R:1")?;
    }
    if frame.placement == Placement::Wrapped {
        write!(output, ":image:I:3")?;
    }
    if frame.forces.is_some() {
        write!(output, ":forces:R:3")?;
    }
    for (name, column) in &frame.columns {
        write!(output, ":{name}:{}:1", column.kind())?;
    }
    write!(output, " pbc=\"T T T\" type_masses=")?;
    write_value(output, &KeyValue::Reals(configuration.masses.clone()))?;
    if let Some(names) = &configuration.names {
        write!(output, " type_names=")?;
        write_value(output, &KeyValue::Text(names.join(" ")))?;
    }
    for (name, value) in &frame.keys {
        write!(output, " {name}=")?;
        write_value(output, value)?;
    }
    writeln!(output)?;
    for i in 0..configuration.len() {
        let (position, image) = frame.place(i);
        let mass = configuration.mass(i);
        write!(
            output,
            "{}",
            species_name(configuration, configuration.species[i])
        )?;
        write_vector(output, &position)?;
        if let Some(velocities) = &configuration.velocities {
            write_vector(output, &velocities[i])?;
            write_vector(output, &velocities[i])?;
            write_vector(output, &(velocities[i] * mass))?;
        }
        write!(output, " {} {mass:?}", configuration.ids[i])?;
        if let Some(radii) = &radii {
            write!(output, " {:?}", radii[i])?;
        }
        if let Some(image) = image {
            write_image(output, image)?;
        }
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
/// Columns `species:S:1:pos:R:3[:velo:R:3:vel:R:3:momenta:R:3]:id:I:1:masses:R:1[:radius:R:1]`
/// `[:image:I:3][:forces:R:3]` and the caller's. Species without names of their own are called `H`
/// and `He` for types 1 and 2, because ASE takes only names of elements; where they have names, these
/// stand in the key `type_names` too, in the order of the types. Masses and radii (1/2 and 5/12, half the
/// Lennard-Jones lengths) are those of the model, which would otherwise be taken for the elements'.
/// The masses of the types stand in the key `type_masses`. `image` is there where the frame is
/// [`Placement::Wrapped`].
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
/// Unwrapped positions have no image flags: LAMMPS wraps them itself when it reads the file, and
/// reading it back here gives the same bits. Wrapped ones have them (`ix iy iz`). The format holds
/// neither forces nor keys nor further columns. Types without names of their own
/// get no labels: OVITO takes for a type `H` the radius of hydrogen, for one without a name none.
///
/// # Errors
/// As [`write_extxyz`].
pub fn write_lammps_data<'a>(
    path: &Path,
    frame: impl Into<Frame<'a>>,
    overwrite: Overwrite,
) -> Result<(), FilesError> {
    let frame: Frame = frame.into();
    frame.check().map_err(|problem| invalid(path, problem))?;
    let configuration = frame.configuration;
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
        let labels = labels(configuration);
        if !labels.is_empty() {
            writeln!(output, "\nAtom Type Labels\n")?;
        }
        for (k, label) in labels.iter().enumerate() {
            writeln!(output, "{} {label}", k + 1)?;
        }
        writeln!(output, "\nMasses\n")?;
        for (k, mass) in configuration.masses.iter().enumerate() {
            writeln!(output, "{} {}", k + 1, Exact(*mass))?;
        }
        writeln!(output, "\nAtoms # atomic\n")?;
        for i in 0..configuration.len() {
            let number = configuration.species[i].number();
            let (position, image) = frame.place(i);
            write!(output, "{} {number}", configuration.ids[i])?;
            write_vector(output, &position)?;
            if let Some(image) = image {
                write_image(output, image)?;
            }
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

/// Writes a LAMMPS text dump, one frame a (step, frame) pair; compressed where the name ends in
/// `.gz` or `.zst`.
///
/// Columns `id type element mass [radius]`, then `xu yu zu` for unwrapped positions and
/// `x y z ix iy iz` for wrapped ones, then `[vx vy vz] [fx fy fz]`. `element` is there because ASE
/// takes the element from the mass where it is not, and calls every atom X; `radius` because OVITO
/// gives an element its own. The format gives a tilted cell by its bounding box, so that lx and ly
/// come back within rounding; an orthorhombic cell comes back with the same bits.
///
/// # Errors
/// As [`write_extxyz`].
pub fn write_lammps_dump<'a, F>(
    path: &Path,
    frames: &[(u64, F)],
    overwrite: Overwrite,
) -> Result<(), FilesError>
where
    F: Clone + Into<Frame<'a>>,
{
    let frames: Vec<(u64, Frame)> = frames
        .iter()
        .map(|(step, frame)| (*step, frame.clone().into()))
        .collect();
    for (_, frame) in &frames {
        frame.check().map_err(|problem| invalid(path, problem))?;
    }
    write_atomic_compressed(path, overwrite, |output| {
        frames
            .iter()
            .try_for_each(|(step, frame)| write_dump_frame(output, *step, frame))
    })
}

fn write_dump_frame(output: &mut dyn Write, step: u64, frame: &Frame) -> io::Result<()> {
    let configuration = frame.configuration;
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
    let radii = radii(frame);
    write!(output, "ITEM: ATOMS id type element mass")?;
    if radii.is_some() {
        write!(output, " radius")?;
    }
    let positions = match frame.placement {
        Placement::Unwrapped => " xu yu zu",
        Placement::Wrapped => " x y z ix iy iz",
    };
    write!(output, "{positions}")?;
    if configuration.velocities.is_some() {
        write!(output, " vx vy vz")?;
    }
    if frame.forces.is_some() {
        write!(output, " fx fy fz")?;
    }
    writeln!(output)?;
    for i in 0..configuration.len() {
        let species = configuration.species[i];
        let (position, image) = frame.place(i);
        let (number, element) = (species.number(), species_name(configuration, species));
        let (id, mass) = (configuration.ids[i], configuration.mass(i));
        write!(output, "{id} {number} {element} {mass:?}")?;
        if let Some(radii) = &radii {
            write!(output, " {:?}", radii[i])?;
        }
        write_vector(output, &position)?;
        if let Some(image) = image {
            write_image(output, image)?;
        }
        if let Some(velocities) = &configuration.velocities {
            write_vector(output, &velocities[i])?;
        }
        if let Some(forces) = frame.forces {
            write_vector(output, &forces[i])?;
        }
        writeln!(output)?;
    }
    Ok(())
}
