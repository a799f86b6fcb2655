//! The atoms around a search that move while all others stand still.

use metabasin_atoms::{Cell, Configuration};
use metabasin_catalogue::EvaluationCounts;
use metabasin_interactions::{EnergyLandscape, FixedCell, InteractionError};
use metabasin_minimizers::InherentStructure;
use nalgebra::Vector3;

use crate::elasticity::hessian_blocks;
use crate::error::LandscapeError;
use crate::preconditioner::IncompleteCholesky;

/// How far active atoms may move before pairs with atoms that the region does not hold would
/// matter `[length]`.
const MARGIN: f64 = 0.8;

/// A frozen surrounding makes barriers higher and hides saddles that need it to give way: unless it
/// saves most of the cost, all atoms move.
const LARGEST_SHARE: f64 = 0.125;

/// A region and what shortens its linear solves.
pub(crate) struct PreconditionedRegion {
    pub region: ActiveRegion,
    pub preconditioner: IncompleteCholesky,
}

/// Costs in a region of this `share`, in evaluations of the whole sample, rounded up.
pub(crate) fn shared(counts: EvaluationCounts, share: f64) -> EvaluationCounts {
    let part = |count: u64| (count as f64 * share).ceil() as u64;
    EvaluationCounts {
        basin: part(counts.basin),
        lowest_mode: part(counts.lowest_mode),
        climb: part(counts.climb),
        descent: part(counts.descent),
        verification: part(counts.verification),
    }
}

/// The landscape of the atoms within a radius around one atom, all others frozen.
///
/// Coordinates are those of the active atoms alone, in ascending order of their indices. Only the
/// active atoms and the frozen ones within reach of them are evaluated, so that an evaluation costs
/// [`ActiveRegion::share`] of one of the whole sample, whatever the sample's size. Energies differ
/// from those of the sample by a constant.
///
/// Nothing stops an active atom from moving farther than [`MARGIN`], where it would feel atoms that
/// the region does not hold: a search that goes so far follows a wrong surface there and may miss its
/// saddle or pay more for it. No event that is stored is wrong for that: saddles found in a region
/// are converged again, and descents from them end, on all atoms.
#[derive(Clone, Debug)]
pub(crate) struct ActiveRegion {
    landscape: FixedCell,
    /// Indices of the active atoms in the sample, ascending.
    active: Vec<u32>,
    /// Coordinates of all atoms held, the active ones first.
    coordinates: Vec<f64>,
    /// Coordinates of the minimum, in the same order.
    minimum: Vec<f64>,
    /// Indices in the sample of all atoms held.
    held: Vec<usize>,
    output: Vec<f64>,
    direction: Vec<f64>,
    share: f64,
}

impl ActiveRegion {
    /// The region of `radius` around atom `center` of `minimum`; `None` where an evaluation of it
    /// would cost more than [`LARGEST_SHARE`] of the sample's, or where it reaches around a periodic
    /// boundary.
    ///
    /// # Errors
    /// [`InteractionError`] where the force field refuses the region.
    pub fn new(
        minimum: &InherentStructure,
        center: usize,
        radius: f64,
    ) -> Result<Option<Self>, InteractionError> {
        let sample = minimum.configuration();
        let reach = radius + minimum.potential().cutoff() + MARGIN;
        let narrowest = sample
            .cell
            .widths()
            .into_iter()
            .fold(f64::INFINITY, f64::min);
        let origin = sample.positions[center];
        let within: Vec<(usize, Vector3<f64>)> = sample
            .positions
            .iter()
            .map(|position| sample.cell.minimum_image(&(position - origin)))
            .enumerate()
            .filter(|(_, separation)| separation.norm() <= reach)
            .collect();
        if 2.0 * reach > narrowest || within.len() as f64 > LARGEST_SHARE * sample.len() as f64 {
            return Ok(None);
        }
        let (inside, outside): (Vec<_>, Vec<_>) = within
            .into_iter()
            .partition(|(_, separation)| separation.norm() <= radius);
        let held: Vec<usize> = inside
            .iter()
            .chain(&outside)
            .map(|(atom, _)| *atom)
            .collect();
        // Images stay out of reach of each other, and of atoms that leave their places.
        let side = 2.0 * (reach + MARGIN) + minimum.potential().cutoff();
        let middle = Vector3::repeat(0.5 * side);
        let Ok(cell) = Cell::cubic(side) else {
            return Ok(None);
        };
        let configuration = Configuration {
            cell,
            positions: inside
                .iter()
                .chain(&outside)
                .map(|(_, separation)| middle + separation)
                .collect(),
            species: held.iter().map(|&atom| sample.species[atom]).collect(),
            ids: held.iter().map(|&atom| sample.ids[atom]).collect(),
            velocities: None,
            ..sample.clone()
        };
        let landscape = FixedCell::new(&configuration, minimum.force_field())?;
        let coordinates = landscape.start();
        Ok(Some(Self {
            share: held.len() as f64 / sample.len() as f64,
            active: inside.iter().map(|(atom, _)| *atom as u32).collect(),
            output: vec![0.0; coordinates.len()],
            direction: vec![0.0; coordinates.len()],
            minimum: coordinates.clone(),
            coordinates,
            held,
            landscape,
        }))
    }

    /// Coordinates of the active atoms where the sample is displaced from its minimum by
    /// `displacement` (flat, all atoms of the sample); the frozen atoms take theirs from now on.
    pub fn enter(&mut self, displacement: &[f64]) -> Vec<f64> {
        for (place, &atom) in self.held.iter().enumerate() {
            for k in 0..3 {
                self.coordinates[3 * place + k] =
                    self.minimum[3 * place + k] + displacement[3 * atom + k];
            }
        }
        self.coordinates[..self.dimension()].to_vec()
    }

    /// Takes the components of a vector of the sample that belong to active atoms.
    pub fn restrict(&self, full: &[f64]) -> Vec<f64> {
        self.active
            .iter()
            .flat_map(|&atom| full[3 * atom as usize..3 * atom as usize + 3].to_vec())
            .collect()
    }

    /// Writes the displacement from the minimum of active atoms at `x` into `displacement`.
    pub fn leave(&self, x: &[f64], displacement: &mut [f64]) {
        self.spread(x, displacement, |place| self.minimum[place]);
    }

    /// Writes a vector over active atoms into one over the sample.
    pub fn embed(&self, vector: &[f64], full: &mut [f64]) {
        self.spread(vector, full, |_| 0.0);
    }

    fn spread(&self, from: &[f64], to: &mut [f64], less: impl Fn(usize) -> f64) {
        for (place, &atom) in self.active.iter().enumerate() {
            for k in 0..3 {
                to[3 * atom as usize + k] = from[3 * place + k] - less(3 * place + k);
            }
        }
    }

    /// The incomplete factorization of the active atoms' Hessian at the minimum.
    pub fn preconditioner(&mut self) -> Result<IncompleteCholesky, LandscapeError> {
        let active = self.active.len();
        let (mut diagonal, mut blocks) = hessian_blocks(&mut self.landscape, &self.minimum);
        diagonal.truncate(active);
        blocks.retain(|block| block.row < active && block.column < active);
        IncompleteCholesky::new(&diagonal, &blocks).ok_or(LandscapeError::NotAMinimum)
    }

    /// Cost of an evaluation over that of the whole sample: atoms evaluated over atoms.
    pub fn share(&self) -> f64 {
        self.share
    }
}

impl EnergyLandscape for ActiveRegion {
    fn dimension(&self) -> usize {
        3 * self.active.len()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.coordinates[..x.len()].copy_from_slice(x);
        let energy = self.landscape.evaluate(&self.coordinates, &mut self.output);
        gradient.copy_from_slice(&self.output[..x.len()]);
        energy
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.coordinates[..x.len()].copy_from_slice(x);
        self.direction[..v.len()].copy_from_slice(v);
        self.landscape
            .hessian_vector(&self.coordinates, &self.direction, &mut self.output);
        product.copy_from_slice(&self.output[..x.len()]);
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        self.landscape.largest_force(gradient)
    }

    fn energy_resolution(&self, energy: f64) -> f64 {
        self.landscape.energy_resolution(energy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use metabasin_atoms::Species;
    use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
    use metabasin_minimizers::Lbfgs;

    use super::*;

    /// A face-centered crystal of one species, 11 cells along each edge.
    fn crystal() -> InherentStructure {
        let cells = 11;
        let constant = 1.49;
        let corners = [
            [0.0, 0.0, 0.0],
            [0.0, 0.5, 0.5],
            [0.5, 0.0, 0.5],
            [0.5, 0.5, 0.0],
        ];
        let mut positions = Vec::new();
        for cell in 0..cells * cells * cells {
            let place = [cell % cells, cell / cells % cells, cell / (cells * cells)];
            for corner in corners {
                positions.push(Vector3::from_fn(|k, _| {
                    constant * (f64::from(place[k]) + corner[k])
                }));
            }
        }
        let atoms = positions.len();
        let configuration = Configuration {
            cell: Cell::cubic(constant * f64::from(cells)).unwrap(),
            positions,
            velocities: None,
            species: vec![Species(0); atoms],
            ids: (1..=atoms as u64).collect(),
            masses: vec![1.0, 0.5],
        };
        let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
        let field = ForceField::new(potential, Kernel::Portable);
        InherentStructure::quench(&configuration, field, &Lbfgs::default(), 1e-8)
            .unwrap()
            .0
    }

    #[test]
    fn active_atoms_feel_what_they_feel_in_the_whole_sample() {
        let minimum = crystal();
        let center = 2000;
        let mut region = ActiveRegion::new(&minimum, center, 1.6).unwrap().unwrap();
        assert!(region.share() < LARGEST_SHARE);
        let size = region.dimension();
        assert_eq!(size, 3 * 19, "an atom and its first and second neighbors");
        let mut whole = minimum.landscape();
        let rest = minimum.coordinates();
        // A frozen atom is displaced too: the region takes over where it stands.
        let mut displacement = vec![0.0; rest.len()];
        let neighbor = nearest_frozen(&minimum, &region, center);
        displacement[3 * neighbor] = 0.05;
        let start = region.enter(&displacement);
        let moved: Vec<f64> = (0..size).map(|k| 0.1 * (1.7 * k as f64).sin()).collect();
        let mut x = start.clone();
        for (x, moved) in x.iter_mut().zip(&moved) {
            *x += moved;
        }
        region.leave(&x, &mut displacement);
        let place = |displacement: &[f64]| -> Vec<f64> {
            rest.iter().zip(displacement).map(|(x, u)| x + u).collect()
        };
        let full = place(&displacement);
        let mut gradient = vec![0.0; size];
        let mut whole_gradient = vec![0.0; rest.len()];
        let before = region.evaluate(&start, &mut gradient);
        let after = region.evaluate(&x, &mut gradient);
        let mut unmoved = vec![0.0; rest.len()];
        unmoved[3 * neighbor] = 0.05;
        let whole_before = whole.evaluate(&place(&unmoved), &mut whole_gradient);
        let whole_after = whole.evaluate(&full, &mut whole_gradient);
        let change = whole_after - whole_before;
        assert!(change > 1.0);
        // Energies of the whole sample carry ten roundings of 3e4.
        assert!((after - before - change).abs() < 1e-9);
        for (inside, outside) in gradient.iter().zip(region.restrict(&whole_gradient)) {
            assert!((inside - outside).abs() < 1e-10);
        }
        let mut product = vec![0.0; size];
        region.hessian_vector(&x, &moved, &mut product);
        let mut direction = vec![0.0; rest.len()];
        region.embed(&moved, &mut direction);
        let mut whole_product = vec![0.0; rest.len()];
        whole.hessian_vector(&full, &direction, &mut whole_product);
        for (inside, outside) in product.iter().zip(region.restrict(&whole_product)) {
            assert!((inside - outside).abs() < 1e-9);
        }
    }

    /// The frozen atom of a region that is nearest to its center.
    fn nearest_frozen(minimum: &InherentStructure, region: &ActiveRegion, center: usize) -> usize {
        let frozen = region.held.iter().copied();
        let distance = |atom: usize| separation(minimum, center, atom).norm();
        frozen
            .filter(|&atom| !region.active.contains(&(atom as u32)))
            .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
            .unwrap()
    }

    fn separation(minimum: &InherentStructure, from: usize, to: usize) -> Vector3<f64> {
        let sample = minimum.configuration();
        let apart = sample.positions[to] - sample.positions[from];
        sample.cell.minimum_image(&apart)
    }

    #[test]
    fn an_atom_that_leaves_its_place_still_feels_all_that_it_would() {
        // An atom at the edge hops outward into the hole beside it, 0.7 away: less than the margin.
        let minimum = crystal();
        let center = 2000;
        let mut region = ActiveRegion::new(&minimum, center, 1.6).unwrap().unwrap();
        let at_rest = vec![0.0; minimum.coordinates().len()];
        let mut x = region.enter(&at_rest);
        let outward = |&place: &usize| separation(&minimum, center, region.held[place]).x;
        let edge = (0..region.active.len())
            .max_by(|a, b| outward(a).total_cmp(&outward(b)))
            .unwrap();
        x[3 * edge] += 0.7;
        let mut displacement = at_rest;
        region.leave(&x, &mut displacement);
        let mut gradient = vec![0.0; x.len()];
        region.evaluate(&x, &mut gradient);
        let start = minimum.coordinates();
        let full: Vec<f64> = start
            .iter()
            .zip(&displacement)
            .map(|(x, u)| x + u)
            .collect();
        let mut whole = vec![0.0; full.len()];
        minimum.landscape().evaluate(&full, &mut whole);
        for (inside, outside) in gradient.iter().zip(region.restrict(&whole)) {
            assert!((inside - outside).abs() < 1e-9 * outside.abs().max(1.0));
        }
    }

    #[test]
    fn a_region_holds_what_its_radius_says_and_costs_its_share() {
        let minimum = crystal();
        let center = 2000;
        let atoms = minimum.configuration().len();
        // Neighbors of an atom of the crystal at 1.05 and 1.49.
        for (radius, active) in [(1.45, 13), (1.53, 19)] {
            let region = ActiveRegion::new(&minimum, center, radius)
                .unwrap()
                .unwrap();
            assert_eq!(region.dimension(), 3 * active);
            let reach = radius + minimum.potential().cutoff() + MARGIN;
            let within = (0..atoms)
                .filter(|&atom| separation(&minimum, center, atom).norm() <= reach)
                .count();
            assert_eq!(region.share(), within as f64 / atoms as f64);
        }
    }

    #[test]
    fn the_preconditioner_is_the_inverse_where_all_active_atoms_touch() {
        use crate::preconditioner::Preconditioner;
        // An atom and its first neighbors, all within the cutoff of each other: the factorization of
        // their Hessian leaves nothing out.
        let minimum = crystal();
        let mut region = ActiveRegion::new(&minimum, 2000, 1.2).unwrap().unwrap();
        let size = region.dimension();
        assert_eq!(size, 3 * 13);
        let preconditioner = region.preconditioner().unwrap();
        let x = region.enter(&vec![0.0; minimum.coordinates().len()]);
        let direction: Vec<f64> = (0..size).map(|k| (2.3 * k as f64).cos()).collect();
        let (mut product, mut back) = (vec![0.0; size], vec![0.0; size]);
        region.hessian_vector(&x, &direction, &mut product);
        preconditioner.apply(&product, &mut back);
        for (back, direction) in back.iter().zip(&direction) {
            assert!((back - direction).abs() < 1e-9, "{back} {direction}");
        }
    }

    #[test]
    fn a_region_that_saves_little_is_none() {
        let minimum = crystal();
        assert!(ActiveRegion::new(&minimum, 0, 3.5).unwrap().is_none());
    }

    #[test]
    fn costs_are_shared_and_rounded_up() {
        let counts = EvaluationCounts {
            basin: 1,
            lowest_mode: 100,
            climb: 0,
            descent: 11,
            verification: 10,
        };
        let part = shared(counts, 0.1);
        assert_eq!((part.basin, part.lowest_mode, part.climb), (1, 10, 0));
        assert_eq!((part.descent, part.verification), (2, 1));
    }
}
