//! Which configurations a force field can treat.

use metabasin_atoms::{Configuration, Species};
use metabasin_neighbors::{ListError, VerletList};

use super::ForceField;
use crate::InteractionError;

impl ForceField {
    /// Whether the potential can treat a configuration.
    ///
    /// # Errors
    /// [`InteractionError`]: arrays of different lengths, an unknown species, a cell shorter than
    /// twice the cutoff, positions that are not finite, or atoms on top of each other.
    pub fn check(&self, configuration: &Configuration) -> Result<(), InteractionError> {
        let Configuration {
            cell,
            positions,
            species,
            ids,
            ..
        } = configuration;
        for (array, found) in [("species", species.len()), ("ids", ids.len())] {
            if found != positions.len() {
                let atoms = positions.len();
                return Err(InteractionError::Length {
                    array,
                    found,
                    atoms,
                });
            }
        }
        let known = self.potential.species();
        for (species, &id) in species.iter().zip(ids) {
            if usize::from(species.0) >= known {
                return Err(InteractionError::UnknownSpecies {
                    id,
                    number: species.number(),
                    known,
                    potential: self.potential.name(),
                });
            }
        }
        let (shortest, cutoff) = (cell.shortest_lattice_vector(), self.potential.cutoff());
        if shortest < 2.0 * cutoff * (1.0 - 1e-12) {
            return Err(InteractionError::CellTooSmall { shortest, cutoff });
        }
        self.check_overlaps(configuration)
    }

    fn check_overlaps(&self, configuration: &Configuration) -> Result<(), InteractionError> {
        let Configuration {
            cell,
            positions,
            species,
            ids,
            ..
        } = configuration;
        let known = self.potential.species() as u8;
        let widest = (0..known)
            .flat_map(|a| (0..known).map(move |b| (Species(a), Species(b))))
            .map(|(a, b)| self.potential.least_distance(a, b))
            .fold(0.0, f64::max);
        if widest <= 0.0 {
            return Ok(());
        }
        let mut close = VerletList::new(widest, 0.0);
        close
            .update(cell, positions, species)
            .map_err(|error| match error {
                ListError::Unresolved { atom } => InteractionError::Unresolved { id: ids[atom] },
                ListError::Crowded { pairs } => InteractionError::Crowded { pairs },
                ListError::CellTooSmall { .. } => InteractionError::CellTooSmall {
                    shortest: cell.shortest_lattice_vector(),
                    cutoff: self.potential.cutoff(),
                },
            })?;
        let mut worst: Option<(f64, InteractionError)> = None;
        for (row, &atom) in close.row_atoms().iter().enumerate() {
            let first = atom as usize;
            for neighbor in close.neighbors(row).filter(|near| near.atom > first) {
                let second = neighbor.atom;
                let least = self
                    .potential
                    .least_distance(species[first], species[second]);
                let distance = neighbor.separation.norm();
                let closer = worst
                    .as_ref()
                    .is_none_or(|(closest, _)| distance < *closest);
                if distance < least && closer {
                    let error = InteractionError::Overlap {
                        first: ids[first],
                        second: ids[second],
                        distance,
                        least,
                    };
                    worst = Some((distance, error));
                }
            }
        }
        worst.map_or(Ok(()), |(_, error)| Err(error))
    }
}
