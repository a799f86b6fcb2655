//! The events of a catalogue as pictures need them: `barriers --view`.

use std::collections::BTreeMap;
use std::path::Path;

use metabasin_catalogue::{Catalogue, EventRecord, involvement};
use metabasin_files::AtomColumn;
use metabasin_structure::Radii;

use crate::PipelineError;
use crate::atom_picture::AtomPicture;
use crate::atom_table::AtomTable;
use crate::catalogue_reading::minimum_of;
use crate::memory::{of_analysis, require_for};
use crate::structure_analysis::Network;

/// Atoms that go less far to the saddle and to the end stand still in pictures: a pixel `[length]`.
const SEEN: f64 = 0.02;

/// The way of an event, in displacements from the minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct EventMotion {
    /// Its number in the catalogue.
    pub id: u64,
    /// Energy of the saddle less that of the minimum.
    pub barrier: f64,
    /// Energy of the saddle less that of the end state.
    pub barrier_reverse: f64,
    /// Ω_xy, where the compliance is known.
    pub activation_volume: Option<f64>,
    /// Participation number of the displacement to the end.
    pub participation: f64,
    /// Largest displacement to the end.
    pub largest: f64,
    /// Class of the atom that moves most, where known.
    pub structure_class: Option<String>,
    /// Where it is.
    pub center: [f64; 3],
    /// The atoms that are seen to stand elsewhere at the saddle or in the end.
    pub atoms: Vec<u32>,
    /// From the minimum to the saddle.
    pub to_saddle: Vec<[f64; 3]>,
    /// From the minimum to the end state.
    pub to_end: Vec<[f64; 3]>,
}

impl EventMotion {
    fn of(event: &EventRecord) -> Self {
        // An atom may be stored in one of the two fields alone.
        let mut moved: BTreeMap<u32, [[f64; 3]; 2]> = BTreeMap::new();
        for (k, field) in [&event.displacement_saddle, &event.displacement_final]
            .into_iter()
            .enumerate()
        {
            for (&atom, &u) in field.atoms.iter().zip(&field.displacements) {
                moved.entry(atom).or_insert([[0.0; 3]; 2])[k] = u;
            }
        }
        let far = |u: &[f64; 3]| u.iter().map(|c| c * c).sum::<f64>() > SEEN * SEEN;
        moved.retain(|_, ways| ways.iter().any(far));
        Self {
            id: event.id,
            barrier: event.barrier_forward,
            barrier_reverse: event.barrier_reverse,
            activation_volume: event.activation_volume(),
            participation: event.participation,
            largest: event.largest_displacement,
            structure_class: event.structure_class.clone(),
            center: event.center,
            atoms: moved.keys().copied().collect(),
            to_saddle: moved.values().map(|u| u[0]).collect(),
            to_end: moved.values().map(|u| u[1]).collect(),
        }
    }
}

/// The minimum of a catalogue and the events out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPicture {
    /// The minimum.
    pub minimum: AtomPicture,
    /// Events by barrier, the lowest first.
    pub events: Vec<EventMotion>,
}

/// The verified events of a catalogue with a barrier below `below`, where one is given; the lowest first.
///
/// # Errors
/// Where the catalogue cannot be read or holds no possible sample.
pub fn event_picture(
    path: &Path,
    below: Option<f64>,
    radii: &Radii,
) -> Result<EventPicture, PipelineError> {
    let catalogue = Catalogue::open_read_only(path)?;
    let minimum = minimum_of(&catalogue.sample()?)?;
    let atoms = minimum.len();
    require_for(
        "the view",
        atoms,
        of_analysis(atoms),
        "take a smaller sample",
    )?;
    let network = Network::new(&minimum, radii)?;
    let mut records = catalogue.verified_events()?;
    records.retain(|event| below.is_none_or(|below| event.barrier_forward < below));
    let stray = records.iter().flat_map(|event| {
        let fields = [&event.displacement_saddle, &event.displacement_final];
        fields.into_iter().flat_map(|field| &field.atoms)
    });
    if let Some(atom) = stray.copied().find(|&atom| atom as usize >= atoms) {
        return Err(PipelineError::in_file(
            path,
            format!("an event moves atom number {atom} of {atoms}: the catalogue is damaged"),
        ));
    }
    records.sort_by(|p, q| (p.barrier_forward.total_cmp(&q.barrier_forward)).then(p.id.cmp(&q.id)));
    let mut table = AtomTable::default();
    let classes = network.icosahedra.classes();
    let names = classes
        .iter()
        .map(|class| class.name().to_owned())
        .collect();
    table.push(("class", "class by faces", ""), AtomColumn::Names(names));
    let (counts, lowest) = involvement(&records, atoms);
    table.push(
        ("events", "events it takes part in", ""),
        AtomColumn::Integers(counts.into_iter().map(i64::from).collect()),
    );
    table.push(
        ("lowest_barrier", "lowest barrier of these", "ε"),
        AtomColumn::Reals(lowest),
    );
    let picture =
        AtomPicture::new(&minimum, radii, table).with_bonds(&minimum, &network.tessellation, None);
    Ok(EventPicture {
        minimum: picture,
        events: records.iter().map(EventMotion::of).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_catalogue::DisplacementField;

    fn event(barrier_forward: f64, end: &[(u32, f64)]) -> EventRecord {
        EventRecord {
            barrier_forward,
            largest_displacement: end.iter().map(|(_, u)| *u).fold(0.0, f64::max),
            displacement_saddle: DisplacementField {
                atoms: vec![5],
                displacements: vec![[0.0, 0.3, 0.0]],
                rest_norm: 0.0,
            },
            displacement_final: DisplacementField {
                atoms: end.iter().map(|(atom, _)| *atom).collect(),
                displacements: end.iter().map(|(_, u)| [*u, 0.0, 0.0]).collect(),
                rest_norm: 0.0,
            },
            ..EventRecord::default()
        }
    }

    #[test]
    fn atoms_of_either_field_are_on_the_way() {
        let motion = EventMotion::of(&event(1.0, &[(2, 0.5), (5, 0.1), (7, 0.01)]));
        assert_eq!(motion.atoms, [2, 5]);
        assert_eq!(motion.to_saddle, [[0.0; 3], [0.0, 0.3, 0.0]]);
        assert_eq!(motion.to_end, [[0.5, 0.0, 0.0], [0.1, 0.0, 0.0]]);
    }
}
