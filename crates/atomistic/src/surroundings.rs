//! The surroundings of one atom, and the rigid maps that take them to those of another.

use metabasin_atoms::{Cell, Species};
use nalgebra::{Matrix3, Vector3};

/// Atoms this close to the center are compared: three shells of neighbors in a dense crystal
/// `[length]`.
pub(crate) const REACH: f64 = 2.0;
/// Atoms whose places differ by less after a rigid map are in the same place `[length]`.
pub(crate) const SAME: f64 = 0.1;
/// The same before the map is fitted; well below half the distance of two atoms `[length]`.
pub(crate) const NEARLY_SAME: f64 = 0.3;
/// The second atom of a frame is this far off the line through the first, as a sine.
const OFF_LINE: f64 = 0.5;
/// Steps of Newton's iteration for the orthogonal factor: it converges to second order.
const POLAR_STEPS: usize = 30;

/// An atom as seen from the center.
#[derive(Clone, Debug)]
struct Neighbor {
    atom: u32,
    species: Species,
    place: Vector3<f64>,
    distance: f64,
}

/// The atoms around one atom, the nearest first.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    species: Species,
    neighbors: Vec<Neighbor>,
    /// Neighbors that must have a counterpart; those after them only may be one.
    inside: usize,
}

impl Surroundings {
    /// The atoms within [`REACH`] of atom `center`, and those that may be there after a small move.
    pub fn near(cell: &Cell, positions: &[Vector3<f64>], species: &[Species], center: u32) -> Self {
        Self::within(cell, positions, species, center, REACH)
    }

    /// All other atoms of the sample, by their nearest images.
    pub fn wide(cell: &Cell, positions: &[Vector3<f64>], species: &[Species], center: u32) -> Self {
        Self::within(cell, positions, species, center, f64::INFINITY)
    }

    fn within(
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        center: u32,
        reach: f64,
    ) -> Self {
        let origin = positions[center as usize];
        let mut neighbors: Vec<Neighbor> = positions
            .iter()
            .zip(species)
            .enumerate()
            .filter(|(atom, _)| *atom != center as usize)
            .map(|(atom, (position, &species))| {
                let place = cell.minimum_image(&(position - origin));
                Neighbor {
                    atom: atom as u32,
                    species,
                    distance: place.norm(),
                    place,
                }
            })
            .filter(|neighbor| neighbor.distance <= reach + SAME)
            .collect();
        neighbors.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        Self {
            species: species[center as usize],
            inside: neighbors.partition_point(|neighbor| neighbor.distance <= reach),
            neighbors,
        }
    }

    /// The atom of a species nearest to a place, if there is one within `tolerance`; the center is
    /// none of them.
    pub fn atom_at(&self, place: &Vector3<f64>, species: Species, tolerance: f64) -> Option<u32> {
        self.neighbor_at(place, species, tolerance)
            .map(|neighbor| neighbor.atom)
    }

    fn neighbor_at(
        &self,
        place: &Vector3<f64>,
        species: Species,
        tolerance: f64,
    ) -> Option<&Neighbor> {
        let distance = place.norm();
        let first = self
            .neighbors
            .partition_point(|neighbor| neighbor.distance < distance - tolerance);
        self.neighbors[first..]
            .iter()
            .take_while(|neighbor| neighbor.distance <= distance + tolerance)
            .filter(|neighbor| neighbor.species == species)
            .map(|neighbor| ((neighbor.place - place).norm(), neighbor))
            .filter(|(off, _)| *off < tolerance)
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, neighbor)| neighbor)
    }

    /// Whether the distances from the center allow a map onto `other`: the k-th nearest atoms are as
    /// far away.
    fn as_far(&self, other: &Self) -> bool {
        let fits = |a: &Self, b: &Self| {
            b.neighbors.len() >= a.inside
                && a.neighbors[..a.inside]
                    .iter()
                    .zip(&b.neighbors)
                    .all(|(a, b)| (a.distance - b.distance).abs() < SAME)
        };
        self.species == other.species && fits(self, other) && fits(other, self)
    }

    /// The two neighbors that fix a frame: the nearest one, and the nearest off the line through it.
    fn frame(&self) -> Option<[&Neighbor; 2]> {
        let first = self.neighbors[..self.inside].first()?;
        let second = self.neighbors[1..self.inside].iter().find(|second| {
            first.place.cross(&second.place).norm() > OFF_LINE * first.distance * second.distance
        })?;
        Some([first, second])
    }

    /// The rotations and reflections Q about the center under which every atom, at r, has a
    /// counterpart of its species in `other`, at Q r, and the other way around. None where there are
    /// too few atoms to fix one.
    ///
    /// A map follows from where it takes two atoms: all pairs of `other` that could be these two are
    /// tried, and the map is fitted to all atoms before it is judged.
    pub fn maps<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Matrix3<f64>> + 'a {
        let frame = self.as_far(other).then(|| self.frame()).flatten();
        frame.into_iter().flat_map(move |[first, second]| {
            let like = |known: &'a Neighbor| {
                other.neighbors.iter().filter(move |neighbor| {
                    neighbor.species == known.species
                        && (neighbor.distance - known.distance).abs() < SAME
                })
            };
            let apart = (first.place - second.place).norm();
            like(first)
                .flat_map(move |a| like(second).map(move |b| (a, b)))
                .filter(move |(a, b)| ((a.place - b.place).norm() - apart).abs() < 2.0 * SAME)
                .flat_map(|pair| [(pair, 1.0), (pair, -1.0)])
                .filter_map(move |((a, b), handedness)| {
                    let from = axes(&first.place, &second.place, 1.0)?;
                    let to = axes(&a.place, &b.place, handedness)?;
                    self.fitted(other, &(to * from.transpose()))
                })
        })
    }

    /// A rough map, fitted to all atoms; none where it takes one to nowhere.
    fn fitted(&self, other: &Self, rough: &Matrix3<f64>) -> Option<Matrix3<f64>> {
        let mut overlap = Matrix3::zeros();
        for neighbor in &self.neighbors[..self.inside] {
            let place = rough * neighbor.place;
            let there = other.neighbor_at(&place, neighbor.species, NEARLY_SAME)?;
            overlap += there.place * place.transpose();
        }
        let map = orthogonal_factor(&overlap)? * rough;
        let back = map.transpose();
        let maps = |from: &Self, map: &Matrix3<f64>, to: &Self| {
            from.neighbors[..from.inside].iter().all(|neighbor| {
                let place = map * neighbor.place;
                to.neighbor_at(&place, neighbor.species, SAME).is_some()
            })
        };
        (maps(self, &map, other) && maps(other, &back, self)).then_some(map)
    }
}

/// Three orthogonal directions: along the first vector, towards the second, and along their cross
/// product times the handedness.
fn axes(first: &Vector3<f64>, second: &Vector3<f64>, handedness: f64) -> Option<Matrix3<f64>> {
    let along = first.try_normalize(f64::MIN_POSITIVE)?;
    let across = (second - along * along.dot(second)).try_normalize(f64::MIN_POSITIVE)?;
    let third = along.cross(&across) * handedness;
    Some(Matrix3::from_columns(&[along, across, third]))
}

/// The rotation nearest to Σ b aᵀ, which takes the a to the b with the least squares (Kabsch, Acta
/// Cryst. A 32, 922 (1976)), by Newton's iteration Q → (Q + Q⁻ᵀ)/2; one that is near the identity,
/// from which atoms in one plane do not take it away.
fn orthogonal_factor(overlap: &Matrix3<f64>) -> Option<Matrix3<f64>> {
    let held = 1e-6 * overlap.trace();
    let mut factor = overlap + Matrix3::identity() * held;
    for _ in 0..POLAR_STEPS {
        let next = (factor + factor.try_inverse()?.transpose()) * 0.5;
        let change = (next - factor).amax();
        factor = next;
        if change < 1e-12 {
            break;
        }
    }
    let error = (factor * factor.transpose() - Matrix3::identity()).amax();
    (error < 1e-9 && factor.determinant() > 0.0).then_some(factor)
}

#[cfg(test)]
mod tests {
    use nalgebra::Rotation3;

    use super::*;

    const CONSTANT: f64 = 1.56;

    /// Four cubic cells an edge of a face-centered crystal.
    fn crystal() -> (Cell, Vec<Vector3<f64>>) {
        let mut positions = Vec::new();
        for cell in 0..64 {
            let corner = Vector3::new(
                f64::from(cell % 4),
                f64::from(cell / 4 % 4),
                f64::from(cell / 16),
            );
            for [x, y, z] in [
                [0.0, 0.0, 0.0],
                [0.5, 0.5, 0.0],
                [0.5, 0.0, 0.5],
                [0.0, 0.5, 0.5],
            ] {
                positions.push((corner + Vector3::new(x, y, z)) * CONSTANT);
            }
        }
        (Cell::cubic(4.0 * CONSTANT).unwrap(), positions)
    }

    fn count(from: &Surroundings, to: &Surroundings) -> usize {
        let mut maps = 0;
        for map in from.maps(to) {
            assert!((map * map.transpose() - Matrix3::identity()).amax() < 1e-9);
            maps += 1;
        }
        maps
    }

    #[test]
    fn atoms_of_a_crystal_have_the_symmetry_of_their_place() {
        let (cell, mut positions) = crystal();
        let mut species = vec![Species::LARGE; positions.len()];
        let near = |positions: &[Vector3<f64>], species: &[Species], atom| {
            Surroundings::near(&cell, positions, species, atom)
        };
        let bulk = near(&positions, &species, 0);
        assert_eq!(bulk.inside, 42);
        // The full cubic group.
        assert_eq!(count(&bulk, &near(&positions, &species, 77)), 48);
        // A neighbor that is another species leaves the maps that keep its direction, mm2.
        species[1] = Species::SMALL;
        let beside = near(&positions, &species, 0);
        assert_eq!(count(&beside, &beside), 4);
        assert_eq!(count(&bulk, &beside), 0);
        // As does a vacancy. Atom 254 is far from it, and so are most of its neighbors.
        species[1] = Species::LARGE;
        positions.swap_remove(1);
        species.pop();
        let beside = near(&positions, &species, 0);
        assert_eq!(count(&beside, &beside), 4);
        assert_eq!(count(&beside, &near(&positions, &species, 2)), 4);
        assert_eq!(count(&beside, &near(&positions, &species, 254)), 0);
        assert_eq!(count(&bulk, &near(&positions, &species, 254)), 48);
    }

    /// An irregular cluster has one map onto itself turned and mirrored: that one.
    #[test]
    fn a_turned_and_mirrored_cluster_is_found_again() {
        let cell = Cell::cubic(20.0).unwrap();
        let species = vec![Species::LARGE; 7];
        let places = [
            [0.0, 0.0, 0.0],
            [1.0, 0.1, 0.0],
            [-0.2, 1.1, 0.1],
            [0.1, -0.3, 1.2],
            [-0.9, -0.4, -0.6],
            [0.9, 0.9, 0.8],
            [0.3, -1.2, -0.5],
        ];
        let positions: Vec<Vector3<f64>> = places.into_iter().map(Vector3::from).collect();
        let mirror = Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, -1.0));
        let turn = Rotation3::new(Vector3::new(0.4, -1.1, 2.0)).into_inner() * mirror;
        // Off by up to 0.03 each.
        let turned: Vec<Vector3<f64>> = positions
            .iter()
            .enumerate()
            .map(|(k, place)| {
                let k = k as f64;
                let off = Vector3::new((7.0 * k).sin(), (5.0 * k).cos(), (3.0 * k).sin());
                turn * place + off * 0.017 + Vector3::new(5.0, 19.9, 3.0)
            })
            .collect();
        let from = Surroundings::near(&cell, &positions, &species, 0);
        let to = Surroundings::near(&cell, &turned, &species, 0);
        let maps: Vec<Matrix3<f64>> = from.maps(&to).collect();
        assert_eq!(maps.len(), 1);
        assert!((maps[0] - turn).amax() < 0.05, "{}", maps[0] - turn);
        // One atom in another place, and nothing is alike.
        let mut other = turned;
        other[4] += Vector3::new(0.0, 0.2, 0.0);
        let other = Surroundings::near(&cell, &other, &species, 0);
        assert_eq!(count(&from, &other), 0);
    }

    #[test]
    fn too_few_atoms_fix_no_map() {
        let cell = Cell::cubic(20.0).unwrap();
        let positions = [0.0, 1.0, 2.0].map(|x| Vector3::new(x, 0.0, 0.0));
        for atoms in 1..=3 {
            let species = vec![Species::LARGE; atoms];
            let line = Surroundings::near(&cell, &positions[..atoms], &species, 0);
            assert_eq!(count(&line, &line), 0);
        }
    }
}
