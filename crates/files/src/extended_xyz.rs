//! Extended XYZ, as ASE, OVITO and the `extxyz` library read and write it.

use nalgebra::{Matrix3, Vector3};

use crate::Problem;
use crate::comment_line::{CommentLine, Value};
use crate::raw_frame::{RawFrame, RawFrames};
use crate::species_names::{Naming, TypeNames, types_of_names};
use crate::text::{Lines, Located, integer, number, numbers, type_number};
use crate::velocity_columns::{VelocityColumn, settle};

/// Where the columns of a frame are.
#[derive(Debug, Default)]
struct Columns {
    /// Type numbers: they count where there are names too, since ASE guesses those from masses.
    kind: Option<usize>,
    species: Option<(usize, Naming)>,
    position: Option<usize>,
    /// Name and place of each.
    velocities: Vec<(String, usize)>,
    momenta: Option<usize>,
    /// Lattice shifts that lead back from wrapped positions.
    image: Option<usize>,
    id: Option<usize>,
    mass: Option<usize>,
    /// Momenta that cannot be told apart from another program's units.
    foreign_momenta: bool,
    total: usize,
}

impl Columns {
    /// Columns of velocities, still empty, momenta last; each with its place.
    fn velocity_columns(&self) -> Vec<(VelocityColumn, usize)> {
        let named = self.velocities.iter().cloned();
        let momenta = self.momenta.map(|at| ("momenta".to_owned(), at));
        named
            .chain(momenta)
            .map(|(name, at)| {
                let velocities = Vec::new();
                (VelocityColumn { name, velocities }, at)
            })
            .collect()
    }
}

/// `Properties=name:kind:width:...`.
fn parse_properties(line: usize, text: &str) -> Result<Columns, Located> {
    let words: Vec<&str> = text.split(':').collect();
    let malformed = || {
        Located::at(
            line,
            Problem::Unsupported {
                what: format!("Properties={text} (not a list of name:kind:columns)"),
            },
        )
    };
    if !words.len().is_multiple_of(3) {
        return Err(malformed());
    }
    let mut columns = Columns::default();
    let mut atomic_numbers = None;
    for triple in words.chunks_exact(3) {
        let width: usize = integer(line, "the number of columns in Properties", triple[2])?;
        if width == 0 || width > 1000 {
            return Err(malformed());
        }
        let at = columns.total;
        let name = triple[0].to_ascii_lowercase();
        match (name.as_str(), triple[1], width) {
            ("type", "I", 1) => columns.kind = Some(at),
            ("species" | "symbols" | "type" | "element", _, 1) => {
                columns.species.get_or_insert((at, Naming::Names));
            }
            ("numbers" | "z", _, 1) => atomic_numbers = Some((at, Naming::AtomicNumbers)),
            ("pos" | "position" | "positions", _, 3) => columns.position = Some(at),
            ("image", "I", 3) => columns.image = Some(at),
            (name @ ("velo" | "vel" | "velocity" | "velocities"), _, 3) => {
                columns.velocities.push((name.to_owned(), at));
            }
            ("id", _, 1) => columns.id = Some(at),
            ("mass" | "masses", _, 1) => columns.mass = Some(at),
            ("momenta", _, 3) => columns.momenta = Some(at),
            _ => {}
        }
        columns.total += width;
    }
    columns.species = columns.species.or(atomic_numbers);
    if columns.momenta.is_some() && (columns.velocities.is_empty() || columns.mass.is_none()) {
        columns.momenta = None;
        columns.foreign_momenta = true;
    }
    Ok(columns)
}

/// Whether flags of periodicity, one or one a direction, say that every direction is.
fn is_periodic(flags: &[&str]) -> bool {
    let split: Vec<&str> = match flags {
        // Three letters in one word.
        [word] if word.len() == 3 && word.chars().all(|c| matches!(c, 'T' | 't')) => {
            return true;
        }
        flags => flags.to_vec(),
    };
    matches!(split.len(), 1 | 3)
        && split.iter().all(|flag| match *flag {
            "T" | "t" | "True" | "true" | "TRUE" => true,
            number => number.parse().is_ok_and(|value: f64| value != 0.0),
        })
}

/// Lattice vectors in columns: nine numbers give one vector after the other, three the edges of an
/// orthorhombic cell, and three brackets of three, which only the `extxyz` library reads, the rows
/// of the matrix whose columns are the vectors.
fn parse_lattice(line: usize, comment: &CommentLine) -> Result<Matrix3<f64>, Located> {
    let missing = || {
        Located::at(
            line,
            Problem::Missing {
                what: "Lattice=\"ax ay az bx by bz cx cy cz\"".to_owned(),
            },
        )
    };
    let values = comment.reals("Lattice")?.ok_or_else(missing)?;
    let nested = comment.get("Lattice").is_some_and(Value::is_nested);
    match (&values[..], nested) {
        (&[x, y, z], false) => Ok(Matrix3::from_diagonal(&Vector3::new(x, y, z))),
        (values, false) if values.len() == 9 => Ok(Matrix3::from_column_slice(values)),
        (values, true) if values.len() == 9 => Ok(Matrix3::from_row_slice(values)),
        (values, _) => Err(Located::at(
            line,
            Problem::Columns {
                what: "Lattice",
                expected: "9 (or the 3 edges of an orthorhombic cell)".to_owned(),
                found: values.len(),
            },
        )),
    }
}

/// What a comment line says.
struct Head {
    /// Still without atoms.
    frame: RawFrame,
    origin: Vector3<f64>,
    columns: Columns,
    /// Names of the types, first to last, as the key `type_names` may be understood: a name may hold
    /// a comma or a bracket, and other programs write lists with them.
    listed: [TypeNames; 2],
}

fn parse_head(line: usize, text: &str) -> Result<Head, Located> {
    let comment = CommentLine::parse(line, text)?;
    let mut frame = RawFrame {
        cell_line: line,
        lattice: parse_lattice(line, &comment)?,
        ..RawFrame::default()
    };
    if let Some(pbc) = comment.get("pbc")
        && !is_periodic(&pbc.words())
    {
        return Err(Located::at(
            line,
            Problem::NotPeriodic {
                found: pbc.text().to_owned(),
            },
        ));
    }
    let origin = match comment.reals("Origin")?.as_deref() {
        None => Vector3::zeros(),
        Some(&[x, y, z]) => Vector3::new(x, y, z),
        Some(other) => {
            return Err(Located::at(
                line,
                Problem::Columns {
                    what: "Origin",
                    expected: "3".to_owned(),
                    found: other.len(),
                },
            ));
        }
    };
    frame.masses = comment
        .reals("type_masses")?
        .filter(|masses| !masses.is_empty())
        .map(|masses| masses.into_iter().map(Some).collect());
    let properties = comment
        .get("Properties")
        .map_or("species:S:1:pos:R:3", Value::text);
    let columns = parse_properties(line, properties)?;
    if columns.foreign_momenta {
        frame
            .notes
            .push("the column `momenta` is in another program's units and was left out".to_owned());
    }
    frame.ids = columns.id.map(|_| Vec::new());
    let listed = comment.get("type_names").map(|value| {
        let words: Vec<&str> = value.text().split_whitespace().collect();
        [words, value.words()].map(|words| TypeNames::declared((1..=u8::MAX).zip(words)))
    });
    Ok(Head {
        frame,
        origin,
        columns,
        listed: listed.unwrap_or_default(),
    })
}

/// The types of the atoms: by number where there is such a column, else by the names that the frame
/// itself lists for its types, else by what names say; and the names to keep.
fn types(
    first_line: usize,
    numbers: &[u8],
    (naming, listed): (Naming, [TypeNames; 2]),
    names: &[&str],
    masses: Option<&[f64]>,
    notes: &mut Vec<String>,
) -> Result<(Vec<u8>, TypeNames), Located> {
    let listed = listed
        .into_iter()
        .find_map(|listed| Some((listed.types_of(names)?, listed)));
    let named = match &listed {
        Some((types, _)) => Ok((types.clone(), None)),
        None => types_of_names(naming, first_line, names, masses),
    };
    let kept = |types: Vec<u8>| match listed {
        Some((by_list, listed)) if by_list == types => (types, listed),
        _ => {
            let names = TypeNames::of_atoms(&types, names);
            (types, names)
        }
    };
    if numbers.is_empty() {
        let (types, note) = named?;
        notes.extend(note);
        return Ok(kept(types));
    }
    if matches!(&named, Ok((types, None)) if !types.is_empty() && types != numbers) {
        notes.push(
            "the column `type` and the names of the species say different types: `type` was taken"
                .to_owned(),
        );
    }
    Ok(kept(numbers.to_vec()))
}

fn parse_frame(count_line: usize, count: &str, lines: &mut Lines) -> Result<RawFrame, Located> {
    let declared: u64 = integer(count_line, "the number of atoms", count.trim())?;
    let (line, comment) = lines.expect("the comment line with Lattice and Properties")?;
    let Head {
        mut frame,
        origin,
        columns,
        listed,
    } = parse_head(line, comment)?;
    let missing = |what: &str| {
        Located::at(
            line,
            Problem::Missing {
                what: format!("`{what}` in Properties"),
            },
        )
    };
    let position = columns.position.ok_or_else(|| missing("pos:R:3"))?;
    if columns.species.is_none() && columns.kind.is_none() {
        return Err(missing("species:S:1"));
    }
    let mut names = Vec::new();
    let mut type_numbers = Vec::new();
    let mut masses = columns.mass.map(|_| Vec::new());
    let mut velocities = columns.velocity_columns();
    for found in 0..declared {
        let count = Problem::Count {
            what: "atoms",
            declared,
            found,
        };
        let Some((line, text)) = lines.next().filter(|(_, text)| !text.trim().is_empty()) else {
            return Err(Located::at(line + found as usize, count));
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() != columns.total {
            // A bare count where an atom should be is the head of the next frame.
            let problem = if words.len() == 1 {
                count
            } else {
                Problem::Columns {
                    what: "an atom",
                    expected: columns.total.to_string(),
                    found: words.len(),
                }
            };
            return Err(Located::at(line, problem));
        }
        let at = |start: usize, what| numbers::<3>(line, what, &words[start..start + 3]);
        names.extend(columns.species.map(|(column, _)| words[column]));
        if let Some(column) = columns.kind {
            type_numbers.push(type_number(line, words[column])?);
        }
        let mut place = Vector3::from(at(position, "the position")?) - origin;
        if let Some(start) = columns.image {
            let mut image = Vector3::zeros();
            for (flag, word) in image.iter_mut().zip(&words[start..]) {
                *flag = f64::from(integer::<i32>(line, "the lattice shift in `image`", word)?);
            }
            place += frame.lattice * image;
        }
        frame.positions.push(place);
        for (column, start) in &mut velocities {
            column.velocities.push(at(*start, "the velocity")?.into());
        }
        if let (Some(all), Some(column)) = (&mut frame.ids, columns.id) {
            all.push(integer(line, "the atom id", words[column])?);
        }
        if let (Some(all), Some(column)) = (&mut masses, columns.mass) {
            all.push(number(line, "the mass", words[column])?);
        }
    }
    let naming = columns.species.map_or(Naming::Names, |(_, naming)| naming);
    (frame.types, frame.names) = types(
        line + 1,
        &type_numbers,
        (naming, listed),
        &names,
        masses.as_deref(),
        &mut frame.notes,
    )?;
    if columns.momenta.is_some()
        && let (Some((momenta, _)), Some(masses)) = (velocities.last_mut(), &masses)
    {
        for (momentum, mass) in momenta.velocities.iter_mut().zip(masses) {
            *momentum /= *mass;
        }
    }
    let velocities = velocities.into_iter().map(|(column, _)| column).collect();
    if let Some((velocities, note)) =
        settle(velocities).map_err(|problem| Located::at(line, problem))?
    {
        frame.velocities = Some(velocities);
        frame.notes.extend(note);
    }
    if let Some(masses) = masses {
        frame
            .masses_from_atoms(&masses)
            .map_err(|problem| Located::at(line, problem))?;
    }
    Ok(frame)
}

/// Parses every frame.
pub(crate) fn parse(text: &str) -> Result<RawFrames, Located> {
    let mut lines = Lines::new(text);
    let mut frames = RawFrames::default();
    while let Some((line, count)) = lines.peek_not_blank() {
        lines.next();
        let frame = parse_frame(line, count, &mut lines);
        if frames.absorb(frame, &mut lines)?.is_break() {
            break;
        }
    }
    Ok(frames)
}
