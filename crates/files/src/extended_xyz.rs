//! Extended XYZ, as ASE and OVITO read and write it.

use nalgebra::{Matrix3, Vector3};

use crate::Problem;
use crate::raw_frame::RawFrame;
use crate::text::{Lines, Located, integer, number, numbers};
use crate::velocity_columns::{VelocityColumn, settle};

/// The key=value pairs of a comment line; a bare key counts as `T`.
fn parse_comment(line: usize, text: &str) -> Result<Vec<(String, String)>, Located> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let key = rest[..end].trim_matches('"').to_owned();
        rest = &rest[end..];
        let Some(after) = rest.strip_prefix('=') else {
            pairs.push((key, "T".to_owned()));
            rest = rest.trim_start();
            continue;
        };
        let closing = match after.chars().next() {
            Some('"') => Some('"'),
            Some('\'') => Some('\''),
            Some('{') => Some('}'),
            _ => None,
        };
        if let Some(closing) = closing {
            let inside = &after[1..];
            let Some((value, behind)) = split_quoted(inside, closing) else {
                return Err(Located::at(
                    line,
                    Problem::Missing {
                        what: format!("the closing {closing} of `{key}`"),
                    },
                ));
            };
            pairs.push((key, value));
            rest = behind.trim_start();
        } else {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            pairs.push((key, after[..end].to_owned()));
            rest = after[end..].trim_start();
        }
    }
    Ok(pairs)
}

/// What stands before the closing mark, escapes resolved, and what comes behind it.
fn split_quoted(text: &str, closing: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == closing {
            return Some((value, &text[at + character.len_utf8()..]));
        }
        if character == '\\' {
            value.push(characters.next()?.1);
        } else {
            value.push(character);
        }
    }
    None
}

/// Where the columns of a frame are.
#[derive(Debug, Default)]
struct Columns {
    species: Option<usize>,
    position: Option<usize>,
    /// Name and place of each.
    velocities: Vec<(String, usize)>,
    momenta: Option<usize>,
    /// Lattice shifts that lead back from wrapped positions.
    image: Option<usize>,
    id: Option<usize>,
    mass: Option<usize>,
    total: usize,
    notes: Vec<String>,
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
    for triple in words.chunks_exact(3) {
        let width: usize = integer(line, "the number of columns in Properties", triple[2])?;
        if width == 0 || width > 1000 {
            return Err(malformed());
        }
        let at = columns.total;
        match (triple[0].to_ascii_lowercase().as_str(), width) {
            ("species" | "type" | "element", 1) => {
                columns.species.get_or_insert(at);
            }
            ("pos" | "position" | "positions", 3) => columns.position = Some(at),
            (name @ ("velo" | "vel" | "velocity" | "velocities"), 3) => {
                columns.velocities.push((name.to_owned(), at));
            }
            ("momenta", 3) => columns.momenta = Some(at),
            ("image", 3) => columns.image = Some(at),
            ("id", 1) => columns.id = Some(at),
            ("mass" | "masses", 1) => columns.mass = Some(at),
            _ => {}
        }
        columns.total += width;
    }
    if columns.momenta.is_some() && (columns.velocities.is_empty() || columns.mass.is_none()) {
        columns.momenta = None;
        columns
            .notes
            .push("the column `momenta` is in another program's units and was left out".to_owned());
    }
    Ok(columns)
}

/// The type number of a species name: 1, 2, ...; A, B, ...; H and He, as ASE names the first two
/// types of a LAMMPS file.
fn species_number(line: usize, name: &str) -> Result<u8, Located> {
    let number = match (name, name.as_bytes()) {
        ("H", _) => 1,
        ("He", _) => 2,
        (_, [letter @ (b'A' | b'B')]) => letter - b'A' + 1,
        _ => name.parse().unwrap_or(0),
    };
    if number > 0 {
        return Ok(number);
    }
    Err(Located::at(
        line,
        Problem::UnknownSpecies {
            text: name.to_owned(),
        },
    ))
}

fn value<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| value.as_str())
}

/// The frame that a comment line describes, still without atoms.
fn parse_head(line: usize, text: &str) -> Result<(RawFrame, Vector3<f64>, Columns), Located> {
    let pairs = parse_comment(line, text)?;
    let lattice = value(&pairs, "Lattice").ok_or_else(|| {
        Located::at(
            line,
            Problem::Missing {
                what: "Lattice=\"ax ay az bx by bz cx cy cz\"".to_owned(),
            },
        )
    })?;
    let words: Vec<&str> = lattice.split_whitespace().collect();
    let vectors: [f64; 9] = numbers(line, "Lattice", &words)?;
    let mut frame = RawFrame {
        cell_line: line,
        // Vectors stand one after the other in the file, and in columns here.
        lattice: Matrix3::from_column_slice(&vectors),
        ..RawFrame::default()
    };
    if let Some(pbc) = value(&pairs, "pbc")
        && !pbc
            .split_whitespace()
            .all(|flag| matches!(flag, "T" | "True" | "true" | "1"))
    {
        return Err(Located::at(
            line,
            Problem::NotPeriodic {
                found: pbc.to_owned(),
            },
        ));
    }
    let mut origin = Vector3::zeros();
    if let Some(text) = value(&pairs, "Origin") {
        let words: Vec<&str> = text.split_whitespace().collect();
        origin = numbers::<3>(line, "Origin", &words)?.into();
    }
    if let Some(text) = value(&pairs, "type_masses") {
        let mut masses = Vec::new();
        for word in text.split_whitespace() {
            masses.push(number(line, "type_masses", word)?);
        }
        frame.masses = Some(masses).filter(|masses| !masses.is_empty());
    }
    let properties = value(&pairs, "Properties").unwrap_or("species:S:1:pos:R:3");
    let mut columns = parse_properties(line, properties)?;
    frame.notes = std::mem::take(&mut columns.notes);
    frame.ids = columns.id.map(|_| Vec::new());
    Ok((frame, origin, columns))
}

fn parse_frame(count_line: usize, count: &str, lines: &mut Lines) -> Result<RawFrame, Located> {
    let declared: u64 = integer(count_line, "the number of atoms", count.trim())?;
    let (line, comment) = lines.expect("the comment line with Lattice and Properties")?;
    let (mut frame, origin, columns) = parse_head(line, comment)?;
    let missing = |what: &str| {
        Located::at(
            line,
            Problem::Missing {
                what: format!("`{what}` in Properties"),
            },
        )
    };
    let species = columns.species.ok_or_else(|| missing("species:S:1"))?;
    let position = columns.position.ok_or_else(|| missing("pos:R:3"))?;
    let mut masses = Vec::new();
    let named = columns.velocities.iter().cloned();
    let momenta = columns.momenta.map(|at| ("momenta".to_owned(), at));
    let mut velocities: Vec<(VelocityColumn, usize)> = named
        .chain(momenta)
        .map(|(name, at)| {
            let velocities = Vec::new();
            (VelocityColumn { name, velocities }, at)
        })
        .collect();
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
        frame.types.push(species_number(line, words[species])?);
        let mut place = Vector3::from(at(position, "the position")?) - origin;
        if let Some(start) = columns.image {
            let mut image = Vector3::zeros();
            for (flag, word) in image.iter_mut().zip(&words[start..start + 3]) {
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
        if let Some(column) = columns.mass {
            masses.push(number(line, "the mass", words[column])?);
        }
    }
    if columns.momenta.is_some()
        && let Some((momenta, _)) = velocities.last_mut()
    {
        for (momentum, mass) in momenta.velocities.iter_mut().zip(&masses) {
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
    if columns.mass.is_some() {
        frame
            .masses_from_atoms(&masses)
            .map_err(|problem| Located::at(line, problem))?;
    }
    Ok(frame)
}

/// Parses every frame.
pub(crate) fn parse(text: &str) -> Result<Vec<RawFrame>, Located> {
    let mut lines = Lines::new(text);
    let mut frames = Vec::new();
    while let Some((line, count)) = lines.peek_not_blank() {
        lines.next();
        frames.push(parse_frame(line, count, &mut lines)?);
    }
    Ok(frames)
}
