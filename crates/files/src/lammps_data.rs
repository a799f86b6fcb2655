//! LAMMPS data files, atom style `atomic`, their types by number or by label.

use std::collections::{HashMap, HashSet};

use metabasin_atoms::{CellError, ConfigurationError};
use nalgebra::{Matrix3, Vector3};

use crate::Problem;
use crate::raw_frame::RawFrame;
use crate::species_names::TypeNames;
use crate::text::{Lines, Located, integer, number, numbers, type_number};

/// What stands above the first section.
#[derive(Default)]
struct Header {
    atoms: Option<u64>,
    types: Option<u64>,
    bounds: [Option<[f64; 2]>; 3],
    tilts: [f64; 3],
    /// avec, bvec, cvec of a general triclinic box.
    vectors: [Option<[f64; 3]>; 3],
    origin: [f64; 3],
    line: usize,
}

impl Header {
    /// One line `values... keyword keyword`.
    fn absorb(&mut self, line: usize, text: &str) -> Result<(), Located> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let count = words
            .iter()
            .position(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
            .unwrap_or(words.len());
        // `nan` and `inf` begin with a letter but are values.
        let count = count.max(
            words
                .iter()
                .take_while(|word| word.parse::<f64>().is_ok())
                .count(),
        );
        let (values, keywords) = words.split_at(count);
        // LAMMPS lets anything stand behind the keywords that it knows.
        match keywords {
            ["atoms", ..] => self.atoms = Some(count_of(line, "the number of atoms", values)?),
            ["atom", "types", ..] => {
                self.types = Some(count_of(line, "the number of atom types", values)?);
            }
            ["xlo", "xhi", ..] => self.bound(0, line, values)?,
            ["ylo", "yhi", ..] => self.bound(1, line, values)?,
            ["zlo", "zhi", ..] => self.bound(2, line, values)?,
            ["xy", "xz", "yz", ..] => self.tilts = numbers(line, "the tilt line", values)?,
            ["avec", ..] => self.vectors[0] = Some(numbers(line, "the lattice vector a", values)?),
            ["bvec", ..] => self.vectors[1] = Some(numbers(line, "the lattice vector b", values)?),
            ["cvec", ..] => self.vectors[2] = Some(numbers(line, "the lattice vector c", values)?),
            ["abc", "origin", ..] => self.origin = numbers(line, "the origin of the box", values)?,
            _ if values.is_empty() => {
                return Err(Located::at(
                    line,
                    Problem::Unsupported {
                        what: format!("the header line `{text}`"),
                    },
                ));
            }
            // Bonds, angles and the like: nothing that this program needs.
            _ => {}
        }
        Ok(())
    }

    fn bound(&mut self, axis: usize, line: usize, values: &[&str]) -> Result<(), Located> {
        self.bounds[axis] = Some(numbers(line, "the line of box bounds", values)?);
        self.line = line;
        Ok(())
    }

    /// Lattice vectors in columns, and the low corner.
    fn lattice(&self) -> Result<(Matrix3<f64>, Vector3<f64>), Located> {
        if let [Some(a), Some(b), Some(c)] = self.vectors {
            let columns = [a.into(), b.into(), c.into()];
            return Ok((Matrix3::from_columns(&columns), self.origin.into()));
        }
        let mut low = Vector3::zeros();
        let mut length = [0.0; 3];
        for (axis, name) in ["xlo xhi", "ylo yhi", "zlo zhi"].into_iter().enumerate() {
            let [lo, hi] = self.bounds[axis].ok_or_else(|| {
                Located::anywhere(Problem::Missing {
                    what: format!("the header line `{name}`"),
                })
            })?;
            low[axis] = lo;
            length[axis] = hi - lo;
        }
        let [lx, ly, lz] = length;
        for (axis, value) in ["lx", "ly", "lz"].into_iter().zip(length) {
            if value <= 0.0 {
                return Err(Located::at(
                    self.line,
                    Problem::Cell(CellError::Length { axis, value }),
                ));
            }
        }
        let [xy, xz, yz] = self.tilts;
        let lattice = Matrix3::new(lx, xy, xz, 0.0, ly, yz, 0.0, 0.0, lz);
        Ok((lattice, low))
    }
}

fn count_of(line: usize, what: &'static str, values: &[&str]) -> Result<u64, Located> {
    match values {
        [value] => integer(line, what, value),
        _ => Err(Located::at(
            line,
            Problem::Columns {
                what,
                expected: "1".to_owned(),
                found: values.len(),
            },
        )),
    }
}

/// A line without its comment.
fn bare(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

/// Whether a line opens a section: it begins with a capital letter, as no data line does.
fn is_section(line: &str) -> bool {
    line.trim_start()
        .starts_with(|c: char| c.is_ascii_uppercase())
        && bare(line)
            .split_whitespace()
            .all(|word| word.chars().all(char::is_alphabetic))
        && !bare(line).eq_ignore_ascii_case("nan")
        && !bare(line).eq_ignore_ascii_case("inf")
}

/// The names that a file gives to its types, section `Atom Type Labels`.
#[derive(Default)]
struct Labels {
    numbers: HashMap<String, u8>,
}

impl Labels {
    fn parse(data: &[(usize, &str)]) -> Result<Self, Located> {
        let mut labels = Self::default();
        for &(line, text) in data {
            let words: Vec<&str> = text.split_whitespace().collect();
            let [number, label] = words[..] else {
                return Err(Located::at(
                    line,
                    Problem::Columns {
                        what: "a type label",
                        expected: "2 (type, label)".to_owned(),
                        found: words.len(),
                    },
                ));
            };
            let number = type_number(line, number)?;
            let taken = labels.numbers.iter().find_map(|(other, &taken)| {
                if other == label {
                    Some(format!("stands for type {taken} already"))
                } else {
                    (taken == number).then(|| format!("that is `{other}` already"))
                }
            });
            if let Some(taken) = taken {
                let label = label.to_owned();
                let problem = Problem::LabelTaken {
                    label,
                    number,
                    taken,
                };
                return Err(Located::at(line, problem));
            }
            labels.numbers.insert(label.to_owned(), number);
        }
        Ok(labels)
    }

    /// The names by type.
    fn names(&self) -> TypeNames {
        TypeNames::declared(self.numbers.iter().map(|(label, &n)| (n, label.as_str())))
    }

    /// Which type bears which name, for people; nothing where types have none.
    fn note(&self) -> Option<String> {
        let mut names: Vec<(u8, &String)> =
            self.numbers.iter().map(|(label, &n)| (n, label)).collect();
        names.sort_unstable();
        let names: Vec<String> = names
            .into_iter()
            .map(|(number, label)| format!("type {number} `{label}`"))
            .collect();
        (!names.is_empty()).then(|| format!("the file names {}", names.join(" and ")))
    }

    /// The type that a word means: its number or, as no label begins with a digit, its label.
    fn type_of(&self, line: usize, word: &str) -> Result<u8, Located> {
        if let Some(&number) = self.numbers.get(word) {
            return Ok(number);
        }
        if self.numbers.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return type_number(line, word);
        }
        let label = word.to_owned();
        Err(Located::at(line, Problem::UndeclaredLabel { label }))
    }
}

/// Atoms as the section gives them.
#[derive(Default)]
struct Atoms {
    ids: Vec<u64>,
    types: Vec<u8>,
    /// As in the file: wrapped, low corner not subtracted.
    positions: Vec<Vector3<f64>>,
    images: Vec<[i32; 3]>,
}

/// The data lines of a section, comments and blank lines left out.
fn section_lines<'a>(lines: &mut Lines<'a>) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    while let Some((_, line)) = lines.peek() {
        if is_section(line) {
            break;
        }
        if let Some((number, line)) = lines.next()
            && !bare(line).is_empty()
        {
            found.push((number, bare(line)));
        }
    }
    found
}

fn check_count(
    what: &'static str,
    declared: u64,
    data: &[(usize, &str)],
    section_line: usize,
) -> Result<(), Located> {
    let found = data.len() as u64;
    if found == declared {
        return Ok(());
    }
    let line = data.last().map_or(section_line, |(line, _)| *line);
    Err(Located::at(
        line,
        Problem::Count {
            what,
            declared,
            found,
        },
    ))
}

fn parse_atoms(data: &[(usize, &str)], labels: &Labels) -> Result<Atoms, Located> {
    let mut atoms = Atoms::default();
    let mut seen = HashSet::new();
    for &(line, text) in data {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() != 5 && words.len() != 8 {
            return Err(Located::at(
                line,
                Problem::Columns {
                    what: "an atom",
                    expected: "5 or 8 (atom style atomic: id type x y z [ix iy iz])".to_owned(),
                    found: words.len(),
                },
            ));
        }
        let id = integer(line, "the atom id", words[0])?;
        if !seen.insert(id) {
            let problem = Problem::Configuration(ConfigurationError::DuplicateId(id));
            return Err(Located::at(line, problem));
        }
        atoms.ids.push(id);
        atoms.types.push(labels.type_of(line, words[1])?);
        let mut position = Vector3::zeros();
        for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
            position[axis] = number(line, name, words[2 + axis])?;
        }
        atoms.positions.push(position);
        let mut image = [0; 3];
        if words.len() == 8 {
            for (axis, name) in ["ix", "iy", "iz"].into_iter().enumerate() {
                image[axis] = integer(line, name, words[5 + axis])?;
            }
        }
        atoms.images.push(image);
    }
    Ok(atoms)
}

fn parse_masses(data: &[(usize, &str)], labels: &Labels) -> Result<Vec<Option<f64>>, Located> {
    let mut masses = vec![None; data.len()];
    for &(line, text) in data {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [kind, mass] = words[..] else {
            return Err(Located::at(
                line,
                Problem::Columns {
                    what: "a mass",
                    expected: "2 (type, mass)".to_owned(),
                    found: words.len(),
                },
            ));
        };
        let index = usize::from(labels.type_of(line, kind)?) - 1;
        let slot = masses.get_mut(index).ok_or_else(|| {
            Located::at(
                line,
                Problem::UnknownSpecies {
                    text: kind.to_owned(),
                },
            )
        })?;
        *slot = Some(number(line, "the mass", mass)?);
    }
    Ok(masses)
}

fn parse_velocities(data: &[(usize, &str)], ids: &[u64]) -> Result<Vec<Vector3<f64>>, Located> {
    let index: HashMap<u64, usize> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    let mut velocities = vec![Vector3::from_element(f64::NAN); ids.len()];
    for &(line, text) in data {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() != 4 {
            return Err(Located::at(
                line,
                Problem::Columns {
                    what: "a velocity",
                    expected: "4 (id vx vy vz)".to_owned(),
                    found: words.len(),
                },
            ));
        }
        let id = integer(line, "the atom id", words[0])?;
        let &i = index
            .get(&id)
            .ok_or_else(|| Located::at(line, Problem::NoSuchAtom { id }))?;
        velocities[i] = numbers::<3>(line, "a velocity", &words[1..])?.into();
    }
    Ok(velocities)
}

/// Parses a data file.
pub(crate) fn parse(text: &str) -> Result<RawFrame, Located> {
    let mut lines = Lines::new(text);
    // The first line is a title, whatever it says.
    lines.next();
    let mut header = Header::default();
    while let Some((number, line)) = lines.peek() {
        if is_section(line) {
            break;
        }
        lines.next();
        if !bare(line).is_empty() {
            header.absorb(number, bare(line))?;
        }
    }
    let (lattice, low) = header.lattice()?;
    let declared = header.atoms.ok_or_else(|| {
        Located::anywhere(Problem::Missing {
            what: "the header line `N atoms`".to_owned(),
        })
    })?;
    let mut labels = Labels::default();
    let mut masses = None;
    let mut atoms = None;
    let mut velocities = None;
    while let Some((section_line, title)) = lines.next() {
        let data = section_lines(&mut lines);
        let name: Vec<&str> = bare(title).split_whitespace().collect();
        match name.join(" ").as_str() {
            "Atom Type Labels" => {
                let declared = header.types.unwrap_or(0);
                check_count("atom type labels", declared, &data, section_line)?;
                labels = Labels::parse(&data)?;
            }
            "Masses" => {
                check_count("masses", header.types.unwrap_or(0), &data, section_line)?;
                masses = Some(parse_masses(&data, &labels)?);
            }
            "Atoms" => {
                let style = title.split_once('#').map_or("", |(_, style)| style.trim());
                if !style.is_empty() && style != "atomic" {
                    return Err(Located::at(
                        section_line,
                        Problem::Unsupported {
                            what: format!("atom style `{style}` (only `atomic` is)"),
                        },
                    ));
                }
                check_count("atoms", declared, &data, section_line)?;
                atoms = Some(parse_atoms(&data, &labels)?);
            }
            "Velocities" => {
                check_count("velocities", declared, &data, section_line)?;
                velocities = Some(data);
            }
            // Coefficients of another program's force field.
            _ => {}
        }
    }
    let atoms = atoms.ok_or_else(|| {
        Located::anywhere(Problem::Missing {
            what: "the section `Atoms`".to_owned(),
        })
    })?;
    let velocities = velocities
        .map(|data| parse_velocities(&data, &atoms.ids))
        .transpose()?;
    let positions = atoms
        .positions
        .iter()
        .zip(&atoms.images)
        .map(|(position, image)| position - low + lattice * Vector3::from(image.map(f64::from)))
        .collect();
    Ok(RawFrame {
        cell_line: header.line,
        lattice,
        positions,
        velocities,
        types: atoms.types,
        ids: Some(atoms.ids),
        masses: masses.filter(|masses| !masses.is_empty()),
        names: labels.names(),
        notes: labels.note().into_iter().collect(),
    })
}
