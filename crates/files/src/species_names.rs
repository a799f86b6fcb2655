//! From the names of species in a file to type numbers.

use crate::Problem;
use crate::text::Located;

/// What the words of a species column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Type numbers, letters, elements or labels.
    Names,
    /// Atomic numbers: 1 and 2 are H and He, as ASE counts the first two types of a LAMMPS file.
    AtomicNumbers,
}

impl Naming {
    /// The type number that a name says by itself: 1, 2, ...; A and B; H and He, as ASE names the
    /// first two types of a LAMMPS file.
    fn number(self, name: &str) -> Option<u8> {
        let number = match name {
            "A" | "a" | "H" | "h" => 1,
            "B" | "b" | "He" | "HE" | "he" => 2,
            _ => name.parse().ok()?,
        };
        let known = match self {
            Self::Names => 1..=u8::MAX,
            Self::AtomicNumbers => 1..=2,
        };
        known.contains(&number).then_some(number)
    }
}

/// The atoms of one name.
struct Kind<'a> {
    name: &'a str,
    /// Where the name stands first.
    line: usize,
    /// Mass of its first atom, where the file gives masses.
    mass: Option<f64>,
}

/// Type numbers of atoms from their names; `line` is that of the first atom.
///
/// Names that say no number are told apart by mass where there are two of them: the heavier is
/// type 1. The note says so then.
pub(crate) fn types_of_names(
    naming: Naming,
    line: usize,
    names: &[&str],
    masses: Option<&[f64]>,
) -> Result<(Vec<u8>, Option<String>), Located> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut kind_of_atom = Vec::with_capacity(names.len());
    for (atom, &name) in names.iter().enumerate() {
        let kind = kinds.iter().position(|kind| kind.name == name);
        kind_of_atom.push(kind.unwrap_or(kinds.len()));
        if kind.is_none() {
            if kinds.len() > usize::from(u8::MAX) {
                return Err(unknown(line + atom, name));
            }
            kinds.push(Kind {
                name,
                line: line + atom,
                mass: masses.map(|masses| masses[atom]),
            });
        }
    }
    let numbers: Vec<Option<u8>> = kinds.iter().map(|kind| naming.number(kind.name)).collect();
    let (numbers, note) = if let Some(numbers) = numbers.iter().copied().collect() {
        (numbers, None)
    } else if let Some((numbers, note)) = by_mass(&kinds) {
        (numbers, Some(note))
    } else {
        let stranger = kinds
            .iter()
            .zip(&numbers)
            .find_map(|(kind, number)| number.is_none().then_some(kind));
        return match stranger {
            Some(kind) => Err(unknown(kind.line, kind.name)),
            None => Ok((Vec::new(), None)),
        };
    };
    let types = kind_of_atom
        .into_iter()
        .map(|kind: usize| numbers[kind])
        .collect();
    Ok((types, note))
}

/// Two names of different masses: the heavier is type 1.
fn by_mass(kinds: &[Kind]) -> Option<(Vec<u8>, String)> {
    let [first, second] = kinds else {
        return None;
    };
    let numbers = match first.mass?.partial_cmp(&second.mass?)? {
        std::cmp::Ordering::Greater => vec![1, 2],
        std::cmp::Ordering::Less => vec![2, 1],
        std::cmp::Ordering::Equal => return None,
    };
    let note = format!(
        "by their masses, species `{}` was taken for type {} and `{}` for type {}",
        first.name, numbers[0], second.name, numbers[1]
    );
    Some((numbers, note))
}

fn unknown(line: usize, name: &str) -> Located {
    Located::at(
        line,
        Problem::UnknownSpecies {
            text: name.to_owned(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(naming: Naming, names: &[&str], masses: Option<&[f64]>) -> Option<Vec<u8>> {
        types_of_names(naming, 3, names, masses)
            .ok()
            .map(|(types, _)| types)
    }

    #[test]
    fn names_say_their_type_or_their_masses_do() {
        let plain = |names: &[&str]| types(Naming::Names, names, None);
        assert_eq!(plain(&["2", "1", "7"]), Some(vec![2, 1, 7]));
        assert_eq!(plain(&["B", "a"]), Some(vec![2, 1]));
        assert_eq!(plain(&["He", "H"]), Some(vec![2, 1]));
        assert_eq!(plain(&["LA", "SB"]), None);
        assert_eq!(plain(&["0"]), None);
        assert_eq!(plain(&["X"]), None);
        let weighed = |names: &[&str], masses: &[f64]| types(Naming::Names, names, Some(masses));
        assert_eq!(
            weighed(&["SB", "LA", "SB"], &[0.5, 1.0, 0.5]),
            Some(vec![2, 1, 2])
        );
        // Equal masses tell nothing, and names that say a number need none.
        assert_eq!(weighed(&["SB", "LA"], &[1.0, 1.0]), None);
        assert_eq!(weighed(&["A", "B"], &[0.5, 1.0]), Some(vec![1, 2]));
        let atomic = |names: &[&str]| types(Naming::AtomicNumbers, names, None);
        assert_eq!(atomic(&["1", "2"]), Some(vec![1, 2]));
        assert_eq!(atomic(&["29", "40"]), None);
    }

    #[test]
    fn a_stranger_is_named_at_its_line() {
        let error = types_of_names(Naming::Names, 3, &["A", "A", "Cu"], None).unwrap_err();
        assert_eq!(error, unknown(5, "Cu"));
    }
}
