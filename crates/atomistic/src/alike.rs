//! Where a move has changed the surroundings of atoms, and where surroundings are alike.

use metabasin_interactions::unflatten;
use nalgebra::Vector3;

use crate::glass::GlassTerrain;
use crate::surroundings::{NEARLY_SAME, REACH, Surroundings};
use crate::terrain::{Likeness, Terrain};

/// Atoms this close are neighbors: the first minimum of g(r) between large atoms `[length]`.
const NEIGHBORS: f64 = 1.5;
/// A neighbor that moves by more than this, as seen from an atom, is another one or in another place:
/// about a third of the distance of two atoms `[length]`.
const MOVES_AWAY: f64 = 0.4;
/// Surroundings like those of an atom are looked for among atoms this close to its place `[length]`.
const CLOSE_BY: f64 = 2.0 * REACH + 1.0;
/// Displacements up to this are not mapped. Low saddles that lie side by side are told apart only from
/// close by `[length]`.
const FAINT: f64 = 1e-4;
/// An atom that moves more than this must have a counterpart `[length]`.
const MOVES: f64 = 0.1;

impl GlassTerrain<'_> {
    /// See [`Terrain::changed`]: the atoms of `moved`, and those that have won or lost a neighbor by
    /// their moves.
    pub(crate) fn other_neighbors(&self, before: &[f64], after: &[f64], moved: &[u32]) -> Vec<u32> {
        let [old, new]: [Vec<Vector3<f64>>; 2] = [before, after].map(unflatten);
        let moves: Vec<Vector3<f64>> = unflatten(&self.displacement(before, after));
        let neighbors = |positions: &[Vector3<f64>], a: usize, b: usize| {
            let separation = positions[a] - positions[b];
            self.cell().minimum_image(&separation).norm() < NEIGHBORS
        };
        (0..moves.len())
            .filter(|&atom| {
                moved.binary_search(&(atom as u32)).is_ok()
                    || moved.iter().any(|&other| {
                        let other = other as usize;
                        (moves[atom] - moves[other]).norm() > MOVES_AWAY
                            && (neighbors(&old, atom, other) || neighbors(&new, atom, other))
                    })
            })
            .map(|atom| atom as u32)
            .collect()
    }

    fn near(&self, positions: &[Vector3<f64>], atom: u32) -> Surroundings {
        Surroundings::near(self.cell(), positions, self.species(), atom)
    }

    /// Whether each atom has one image within reach, so that surroundings can be compared.
    fn is_wide_enough(&self) -> bool {
        let widths = self.cell().widths().into_iter();
        widths.fold(f64::INFINITY, f64::min) > 2.0 * (REACH + NEARLY_SAME)
    }

    /// See [`Terrain::alike`].
    pub(crate) fn likenesses(
        &self,
        from: &[f64],
        known: &[u32],
        to: &[f64],
        sites: &[u32],
    ) -> Vec<Likeness> {
        if !self.is_wide_enough() {
            return Vec::new();
        }
        let [old, new]: [Vec<Vector3<f64>>; 2] = [from, to].map(unflatten);
        let around = |positions: &[Vector3<f64>], atoms: &[u32]| -> Vec<(u32, Surroundings)> {
            let atoms = atoms.iter();
            atoms
                .map(|&atom| (atom, self.near(positions, atom)))
                .collect()
        };
        let (known, sites) = (around(&old, known), around(&new, sites));
        let mut found = Vec::new();
        for (site, here) in &sites {
            for (known, there) in &known {
                found.extend(there.maps(here).map(|map| Likeness {
                    known: *known,
                    site: *site,
                    map,
                }));
            }
        }
        found
    }

    /// See [`Terrain::familiar`].
    pub(crate) fn seen_close_by(&self, from: &[f64], to: &[f64], sites: &[u32]) -> Vec<u32> {
        if !self.is_wide_enough() {
            return Vec::new();
        }
        let [old, new]: [Vec<Vector3<f64>>; 2] = [from, to].map(unflatten);
        let close = |atom: usize, site: u32| {
            let separation = old[atom] - old[site as usize];
            self.cell().minimum_image(&separation).norm() < CLOSE_BY
        };
        let known: Vec<Surroundings> = (0..old.len())
            .filter(|&atom| sites.iter().any(|&site| close(atom, site)))
            .map(|atom| self.near(&old, atom as u32))
            .collect();
        let mut seen = sites.to_vec();
        seen.retain(|&site| {
            let here = self.near(&new, site);
            known.iter().any(|there| there.maps(&here).next().is_some())
        });
        seen
    }

    /// See [`Terrain::mapped`].
    pub(crate) fn displacement_under(
        &self,
        from: &[f64],
        displacement: &[f64],
        to: &[f64],
        likeness: &Likeness,
    ) -> Option<Vec<f64>> {
        let [old, new]: [Vec<Vector3<f64>>; 2] = [from, to].map(unflatten);
        let here = Surroundings::wide(self.cell(), &new, self.species(), likeness.site);
        let moves: Vec<Vector3<f64>> = unflatten(displacement);
        let center = old[likeness.known as usize];
        let mut mapped = vec![0.0; to.len()];
        for (atom, move_) in moves.iter().enumerate() {
            let length = move_.norm();
            if length <= FAINT {
                continue;
            }
            let counterpart = if atom == likeness.known as usize {
                Some(likeness.site)
            } else {
                let place = self.cell().minimum_image(&(old[atom] - center));
                here.atom_at(&(likeness.map * place), self.species()[atom], NEARLY_SAME)
            };
            match counterpart {
                Some(counterpart) => {
                    let k = 3 * counterpart as usize;
                    mapped[k..k + 3].copy_from_slice((likeness.map * move_).as_slice());
                }
                None if length > MOVES => return None,
                None => {}
            }
        }
        Some(mapped)
    }
}
