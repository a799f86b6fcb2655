//! The groups of atoms that `analyze` tells apart.

use std::collections::BTreeMap;

use metabasin_atoms::Species;
use metabasin_structure::StructureClass;

/// What `of` makes of the values of `all` atoms, of `icosahedral` and `other` ones, and of `large` and
/// `small` ones; groups without atoms are left out.
pub(crate) fn by_group<T>(
    values: &[f64],
    classes: &[StructureClass],
    species: &[Species],
    of: impl Fn(&[f64]) -> T,
) -> BTreeMap<&'static str, T> {
    let mut groups = BTreeMap::new();
    let mut add = |name: &'static str, holds: &dyn Fn(usize) -> bool| {
        let members: Vec<f64> = (0..values.len())
            .filter(|&i| holds(i))
            .map(|i| values[i])
            .collect();
        if !members.is_empty() {
            groups.insert(name, of(&members));
        }
    };
    add("all", &|_| true);
    for class in [StructureClass::Icosahedral, StructureClass::Other] {
        add(class.name(), &|i| classes[i] == class);
    }
    for (name, kind) in [("large", Species::LARGE), ("small", Species::SMALL)] {
        add(name, &|i| species[i] == kind);
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
