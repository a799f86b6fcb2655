//! LAMMPS text dumps.

use nalgebra::{Matrix3, Vector3};

use crate::Problem;
use crate::raw_frame::{RawFrame, RawFrames};
use crate::species_names::{Naming, TypeNames, types_of_names};
use crate::text::{Lines, Located, integer, number, numbers};

/// The box of a frame: lattice vectors in columns, and the low corner.
struct Bounds {
    line: usize,
    lattice: Matrix3<f64>,
    low: Vector3<f64>,
}

fn missing(line: usize, what: &str) -> Located {
    Located::at(
        line,
        Problem::Missing {
            what: what.to_owned(),
        },
    )
}

/// Boundary flags are two letters an axis, `pp` where periodic.
fn check_periodic(line: usize, flags: &[&str]) -> Result<(), Located> {
    if flags.iter().all(|flag| *flag == "pp") {
        return Ok(());
    }
    Err(Located::at(
        line,
        Problem::NotPeriodic {
            found: flags.join(" "),
        },
    ))
}

/// Three lines below `ITEM: BOX BOUNDS`.
///
/// A tilted box is given by its axis-aligned bounding box (LAMMPS manual, "Howto triclinic"):
///
/// ```text
/// xlo_bound = xlo + min(0, xy, xz, xy + xz)    ylo_bound = ylo + min(0, yz)
/// xhi_bound = xhi + max(0, xy, xz, xy + xz)    yhi_bound = yhi + max(0, yz)
/// ```
fn parse_bounds(line: usize, flags: &[&str], lines: &mut Lines) -> Result<Bounds, Located> {
    let mut rows: Vec<(usize, Vec<&str>)> = Vec::with_capacity(3);
    for _ in 0..3 {
        let (row_line, text) = lines.expect("a line of box bounds")?;
        rows.push((row_line, text.split_whitespace().collect()));
    }
    if let ["abc", "origin", rest @ ..] = flags {
        check_periodic(line, rest)?;
        let mut lattice = Matrix3::zeros();
        let mut low = Vector3::zeros();
        for (k, (row_line, words)) in rows.iter().enumerate() {
            let [x, y, z, origin] = numbers::<4>(*row_line, "a line of box bounds", words)?;
            lattice.set_column(k, &Vector3::new(x, y, z));
            low[k] = origin;
        }
        return Ok(Bounds { line, lattice, low });
    }
    let tilted = matches!(flags, ["xy", "xz", "yz", ..]);
    check_periodic(line, if tilted { &flags[3..] } else { flags })?;
    let mut bounds = [[0.0; 3]; 3];
    for (bound, (row_line, words)) in bounds.iter_mut().zip(&rows) {
        *bound = if tilted {
            numbers::<3>(*row_line, "a line of box bounds", words)?
        } else {
            let [lo, hi] = numbers::<2>(*row_line, "a line of box bounds", words)?;
            [lo, hi, 0.0]
        };
    }
    let [[xlo, xhi, xy], [ylo, yhi, xz], [zlo, zhi, yz]] = bounds;
    let low_x = 0.0_f64.min(xy).min(xz).min(xy + xz);
    let high_x = 0.0_f64.max(xy).max(xz).max(xy + xz);
    let low = Vector3::new(xlo - low_x, ylo - 0.0_f64.min(yz), zlo);
    let high = Vector3::new(xhi - high_x, yhi - 0.0_f64.max(yz), zhi);
    let length = high - low;
    for (axis, value) in ["lx", "ly", "lz"].into_iter().zip(length.iter().copied()) {
        if value <= 0.0 {
            return Err(Located::at(
                line,
                Problem::Cell(metabasin_atoms::CellError::Length { axis, value }),
            ));
        }
    }
    Ok(Bounds {
        line,
        lattice: Matrix3::new(length.x, xy, xz, 0.0, length.y, yz, 0.0, 0.0, length.z),
        low,
    })
}

/// How the columns of a frame give positions.
#[derive(Clone, Copy)]
struct PositionColumns {
    columns: [usize; 3],
    scaled: bool,
    /// Image flags count for wrapped coordinates only.
    images: Option<[usize; 3]>,
}

fn three(names: &[&str], wanted: [&str; 3]) -> Option<[usize; 3]> {
    let mut columns = [0; 3];
    for (column, name) in columns.iter_mut().zip(wanted) {
        *column = names.iter().position(|candidate| *candidate == name)?;
    }
    Some(columns)
}

fn position_columns(names: &[&str]) -> Option<PositionColumns> {
    let images = three(names, ["ix", "iy", "iz"]);
    let kinds = [
        (["xu", "yu", "zu"], false, false),
        (["x", "y", "z"], false, true),
        (["xsu", "ysu", "zsu"], true, false),
        (["xs", "ys", "zs"], true, true),
    ];
    kinds.into_iter().find_map(|(wanted, scaled, wrapped)| {
        Some(PositionColumns {
            columns: three(names, wanted)?,
            scaled,
            images: images.filter(|_| wrapped),
        })
    })
}

/// The table below `ITEM: ATOMS`.
fn parse_atoms(
    line: usize,
    names: &[&str],
    declared: u64,
    bounds: &Bounds,
    lines: &mut Lines,
) -> Result<RawFrame, Located> {
    let find = |name: &str| names.iter().position(|candidate| *candidate == name);
    // Labels stand under `type` too, where `dump_modify types labels` was said.
    let kinds = ["type", "typelabel", "element"]
        .into_iter()
        .find_map(find)
        .ok_or_else(|| missing(line, "the column `type`, `typelabel` or `element`"))?;
    // Beside numbers, what says the names.
    let naming = ["typelabel", "element"].into_iter().find_map(find);
    let position = position_columns(names).ok_or_else(|| {
        missing(
            line,
            "a set of columns `x y z`, `xu yu zu`, `xs ys zs` or `xsu ysu zsu`",
        )
    })?;
    let ids = find("id");
    let velocity = three(names, ["vx", "vy", "vz"]);
    let mass = find("mass");
    let mut frame = RawFrame {
        cell_line: bounds.line,
        lattice: bounds.lattice,
        ids: ids.map(|_| Vec::new()),
        velocities: velocity.map(|_| Vec::new()),
        ..RawFrame::default()
    };
    let mut atom_kinds = Vec::new();
    let mut atom_names = Vec::new();
    let mut atom_masses = Vec::new();
    for found in 0..declared {
        let (line, text) = match lines.peek() {
            Some((line, text)) if !text.starts_with("ITEM:") && !text.trim().is_empty() => {
                lines.next();
                (line, text)
            }
            other => {
                return Err(Located {
                    line: other.map(|(line, _)| line).or(Some(lines.last_line())),
                    problem: Problem::Count {
                        what: "atoms",
                        declared,
                        found,
                    },
                });
            }
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() != names.len() {
            return Err(Located::at(
                line,
                Problem::Columns {
                    what: "an atom",
                    expected: names.len().to_string(),
                    found: words.len(),
                },
            ));
        }
        let vector = |columns: [usize; 3]| -> Result<Vector3<f64>, Located> {
            let mut vector = Vector3::zeros();
            for (component, column) in vector.iter_mut().zip(columns) {
                *component = number(line, names[column], words[column])?;
            }
            Ok(vector)
        };
        let given = vector(position.columns)?;
        let mut place = if position.scaled {
            bounds.lattice * given
        } else {
            given - bounds.low
        };
        if let Some(columns) = position.images {
            let mut image = Vector3::zeros();
            for (flag, column) in image.iter_mut().zip(columns) {
                *flag = f64::from(integer::<i32>(line, names[column], words[column])?);
            }
            place += bounds.lattice * image;
        }
        frame.positions.push(place);
        atom_kinds.push(words[kinds]);
        atom_names.extend(naming.map(|column| words[column]));
        if let (Some(all), Some(column)) = (&mut frame.ids, ids) {
            all.push(integer(line, "the atom id", words[column])?);
        }
        if let (Some(all), Some(columns)) = (&mut frame.velocities, velocity) {
            all.push(vector(columns)?);
        }
        if let Some(column) = mass {
            atom_masses.push(number(line, "the mass", words[column])?);
        }
    }
    let masses = mass.map(|_| &atom_masses[..]);
    let (types, note) = types_of_names(Naming::Names, line + 1, &atom_kinds, masses)?;
    frame.names =
        TypeNames::of_atoms(&types, &atom_kinds).or(|| TypeNames::of_atoms(&types, &atom_names));
    frame.types = types;
    frame.notes.extend(note);
    if mass.is_some() {
        frame
            .masses_from_atoms(&atom_masses)
            .map_err(|problem| Located::at(line, problem))?;
    }
    Ok(frame)
}

/// The next frame, its items in any order before the atoms; `None` at the end of the file.
fn parse_frame(lines: &mut Lines) -> Result<Option<RawFrame>, Located> {
    let mut begun = false;
    let mut atoms: Option<u64> = None;
    let mut bounds: Option<Bounds> = None;
    while let Some((line, text)) = lines.peek_not_blank() {
        lines.next();
        let Some(item) = text.trim_start().strip_prefix("ITEM:") else {
            if !begun {
                return Err(Located::at(
                    line,
                    Problem::Unsupported {
                        what: "a line beyond the declared atoms".to_owned(),
                    },
                ));
            }
            // Values of items that are not needed.
            continue;
        };
        begun = true;
        let words: Vec<&str> = item.split_whitespace().collect();
        match &words[..] {
            ["NUMBER", "OF", "ATOMS"] => {
                let (line, text) = lines.expect("the number of atoms")?;
                atoms = Some(integer(line, "the number of atoms", text.trim())?);
            }
            ["BOX", "BOUNDS", flags @ ..] => bounds = Some(parse_bounds(line, flags, lines)?),
            ["ATOMS", names @ ..] => {
                let declared =
                    atoms.ok_or_else(|| missing(line, "`ITEM: NUMBER OF ATOMS` before this"))?;
                let bounds =
                    bounds.ok_or_else(|| missing(line, "`ITEM: BOX BOUNDS` before this"))?;
                return parse_atoms(line, names, declared, &bounds, lines).map(Some);
            }
            ["TIMESTEP" | "TIME" | "UNITS", ..] => {
                lines.expect("the value of this item")?;
            }
            _ => {}
        }
    }
    if begun {
        return Err(Located::at(
            lines.last_line(),
            Problem::Missing {
                what: "`ITEM: ATOMS` of the last frame".to_owned(),
            },
        ));
    }
    Ok(None)
}

/// Parses every frame.
pub(crate) fn parse(text: &str) -> Result<RawFrames, Located> {
    let mut lines = Lines::new(text);
    let mut frames = RawFrames::default();
    while let Some(frame) = parse_frame(&mut lines).transpose() {
        if frames.absorb(frame, &mut lines)?.is_break() {
            break;
        }
    }
    Ok(frames)
}
