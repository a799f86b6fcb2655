//! From the names of species in a file to type numbers, and the names that are kept with a sample.

use std::collections::{BTreeMap, BTreeSet};

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

/// What a species without a name of its own is called: the element of that atomic number, as ASE
/// calls the types of a LAMMPS file. `H` is type 1 and `He` type 2.
pub(crate) fn default_name(number: u8) -> String {
    match number {
        1 => "H".to_owned(),
        2 => "He".to_owned(),
        number => number.to_string(),
    }
}

/// Names of types that a file gives, by type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TypeNames(BTreeMap<u8, String>);

impl TypeNames {
    /// The names that the file itself lists.
    pub fn declared<'a>(names: impl IntoIterator<Item = (u8, &'a str)>) -> Self {
        let owned = |(number, name): (u8, &str)| (number, name.to_owned());
        Self(names.into_iter().map(owned).collect())
    }

    /// The names that atoms bear, one word an atom. None where two types share a name (ASE calls
    /// every type X) or one type has two, and where they are numbers or the default names.
    pub fn of_atoms(types: &[u8], words: &[&str]) -> Self {
        let mut names: BTreeMap<u8, &str> = BTreeMap::new();
        for (&number, &word) in types.iter().zip(words) {
            if *names.entry(number).or_insert(word) != word {
                return Self::default();
            }
        }
        let distinct: BTreeSet<&str> = names.values().copied().collect();
        let says_nothing = |name: &str| name == "X" || name.parse::<f64>().is_ok();
        let default =
            |(&number, name): (&u8, &&str)| name.eq_ignore_ascii_case(&default_name(number));
        if distinct.len() < names.len()
            || distinct.into_iter().any(says_nothing)
            || names.iter().all(default)
        {
            return Self::default();
        }
        Self::declared(names)
    }

    /// These, or others where there are none.
    pub fn or(self, others: impl FnOnce() -> Self) -> Self {
        if self.0.is_empty() { others() } else { self }
    }

    /// The type of a name, and that of every word where all are names.
    pub fn types_of(&self, words: &[&str]) -> Option<Vec<u8>> {
        let number = |word: &&str| {
            let mut names = self.0.iter();
            names.find_map(|(&number, name)| (name == word).then_some(number))
        };
        words.iter().map(number).collect()
    }

    /// One name for each of `types` types, where the atoms of the file's types `before` are now of
    /// types `after`; a type that has none gets the default.
    pub fn renumbered(&self, before: &[u8], after: &[u8], types: usize) -> Option<Vec<String>> {
        if self.0.is_empty() {
            return None;
        }
        let highest = u8::try_from(types).ok()?;
        let names: Vec<String> = (1..=highest)
            .map(|number| {
                let atom = after.iter().position(|&other| other == number);
                let old = atom.map_or(number, |atom| before[atom]);
                let name = self.0.get(&old).cloned();
                name.unwrap_or_else(|| default_name(number))
            })
            .collect();
        let distinct: BTreeSet<&String> = names.iter().collect();
        (distinct.len() == names.len()).then_some(names)
    }
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
    fn names_are_kept_where_they_tell_the_types_apart() {
        let kept = |types: &[u8], words: &[&str]| TypeNames::of_atoms(types, words);
        let pair = TypeNames::declared([(1, "LA"), (2, "SB")]);
        assert_eq!(kept(&[2, 1, 2], &["SB", "LA", "SB"]), pair);
        // Numbers, what we write where there are none, what ASE writes, one name for two types, and
        // two for one.
        for words in [["1", "2"], ["h", "HE"], ["X", "Y"], ["C", "C"]] {
            assert_eq!(kept(&[1, 2], &words), TypeNames::default(), "{words:?}");
        }
        assert_eq!(kept(&[1, 1], &["LA", "SB"]), TypeNames::default());
        assert_eq!(
            kept(&[1, 2], &["He", "H"]),
            TypeNames::declared([(1, "He"), (2, "H")])
        );
        assert_eq!(pair.types_of(&["SB", "LA"]), Some(vec![2, 1]));
        assert_eq!(pair.types_of(&["SB", "B"]), None);
        // The second and third of three types are the first and second here.
        let three = TypeNames::declared([(1, "Ar"), (2, "LA"), (3, "SB")]);
        let names = three.renumbered(&[3, 2], &[2, 1], 2);
        assert_eq!(names, Some(vec!["LA".to_owned(), "SB".to_owned()]));
        // No atom of type 1, whose name the file does not say.
        let small = kept(&[2, 2], &["SB", "SB"]).renumbered(&[2, 2], &[2, 2], 2);
        assert_eq!(small, Some(vec!["H".to_owned(), "SB".to_owned()]));
        let taken = kept(&[2], &["H"]).renumbered(&[2], &[2], 2);
        assert_eq!(taken, None);
    }

    #[test]
    fn a_stranger_is_named_at_its_line() {
        let error = types_of_names(Naming::Names, 3, &["A", "A", "Cu"], None).unwrap_err();
        assert_eq!(error, unknown(5, "Cu"));
    }
}
