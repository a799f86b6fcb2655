//! The groups of atoms that `analyze` tells apart.

use std::collections::BTreeMap;

use metabasin_atoms::Species;
use metabasin_structure::StructureClass;

/// The values of some atoms.
fn members(values: &[f64], holds: impl Fn(usize) -> bool) -> Vec<f64> {
    let atoms = (0..values.len()).filter(|&i| holds(i));
    atoms.map(|i| values[i]).collect()
}

/// What `of` makes of the values of `all` atoms and of `icosahedral` and `other` ones; groups without atoms are
/// left out.
pub(crate) fn by_class<T>(
    values: &[f64],
    classes: &[StructureClass],
    of: impl Fn(&[f64]) -> T,
) -> BTreeMap<&'static str, T> {
    let classes = [StructureClass::Icosahedral, StructureClass::Other]
        .map(|class| (class.name(), members(values, |i| classes[i] == class)));
    let groups = [("all", values.to_vec())].into_iter().chain(classes);
    let groups = groups.filter(|(_, members)| !members.is_empty());
    groups.map(|(name, members)| (name, of(&members))).collect()
}

/// The same, and of `large` and `small` ones.
pub(crate) fn by_group<T>(
    values: &[f64],
    classes: &[StructureClass],
    species: &[Species],
    of: impl Fn(&[f64]) -> T,
) -> BTreeMap<&'static str, T> {
    let mut groups = by_class(values, classes, &of);
    for (name, kind) in [("large", Species::LARGE), ("small", Species::SMALL)] {
        let members = members(values, |i| species[i] == kind);
        if !members.is_empty() {
            groups.insert(name, of(&members));
        }
    }
    groups
}

/// Means over the groups.
pub(crate) fn means_by_group(
    values: &[f64],
    classes: &[StructureClass],
    species: &[Species],
) -> BTreeMap<&'static str, f64> {
    by_group(values, classes, species, |members| {
        members.iter().sum::<f64>() / members.len() as f64
    })
}
