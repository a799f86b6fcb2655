//! The atoms around a search that move while all others stand still.

use std::sync::Arc;

use metabasin_atoms::{Cell, Interrupt};
use metabasin_catalogue::EvaluationCounts;
use metabasin_interactions::{
    EnergyLandscape, HessianBlock, HessianBlocks, Potential, largest_norm,
};
use metabasin_minimizers::InherentStructure;
use nalgebra::{Matrix3, Vector3};

use crate::error::LandscapeError;
use crate::preconditioner::IncompleteCholesky;

/// How far active atoms may move before pairs with atoms that the region does not hold would
/// matter `[length]`. Nothing checks that they stay within it: a saddle found in a region is only
/// the start of a search among all atoms.
const MARGIN: f64 = 0.8;

/// Pairs this much beyond the cutoff are listed `[length]`.
const SKIN: f64 = 0.4;

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

/// A pair of an active atom and one that comes later in the region.
#[derive(Clone, Copy, Debug)]
struct NearPair {
    first: u32,
    second: u32,
    /// Lattice vector to the nearest image: r = `x_first` − `x_second` + shift.
    shift: Vector3<f64>,
}

/// One pair of active atoms, linearized: its Hessian is A r rᵀ + B 1.
#[derive(Clone, Copy, Debug)]
struct Spring {
    first: u32,
    second: u32,
    separation: Vector3<f64>,
    along: f64,
    across: f64,
}

impl Spring {
    fn stiffness(&self) -> Matrix3<f64> {
        self.separation * self.separation.transpose() * self.along
            + Matrix3::identity() * self.across
    }
}

/// The Hessian of the active atoms at one place.
#[derive(Clone, Debug, Default)]
struct Linearized {
    at: Vec<f64>,
    diagonal: Vec<Matrix3<f64>>,
    springs: Vec<Spring>,
}

/// The landscape of the atoms within a radius around one atom, all others frozen, where the model
/// is a sum over pairs.
///
/// Coordinates are those of the active atoms alone, in ascending order of their indices. Only pairs
/// with an active atom are evaluated, so that an evaluation costs [`ActiveRegion::share`] of one of
/// the whole sample, whatever the sample's size. Energies differ from those of the sample by a
/// constant. Sums are in plain code: the same bits on every machine.
#[derive(Clone, Debug)]
pub(crate) struct ActiveRegion {
    potential: Arc<dyn Potential>,
    cutoff: f64,
    /// Indices of the active atoms in the sample, ascending.
    active: Vec<u32>,
    /// Indices in the sample of all atoms held, the active ones first.
    held: Vec<usize>,
    species: Vec<usize>,
    /// Coordinates of all atoms held, around the center.
    coordinates: Vec<f64>,
    /// Coordinates of the minimum, in the same order.
    minimum: Vec<f64>,
    /// Pairs that can come within reach while no atom leaves its place by more than the margin, in
    /// ascending order.
    candidates: Vec<NearPair>,
    /// Those within the cutoff and the skin.
    pairs: Vec<NearPair>,
    /// Coordinates for which `pairs` was made; empty where the frozen atoms have moved since.
    listed_at: Vec<f64>,
    linearized: Linearized,
    share: f64,
    interrupt: Interrupt,
}

impl ActiveRegion {
    /// The region of `radius` around atom `center` of `minimum`; `None` where it would meet its own
    /// image or an atom two images of another, or where the model is no sum over pairs.
    pub fn new(minimum: &InherentStructure, center: usize, radius: f64) -> Option<Self> {
        let sample = minimum.configuration();
        let potential = Arc::clone(minimum.potential());
        let cutoff = potential.as_pair()?.cutoff();
        let reach = radius + cutoff + MARGIN;
        let narrowest = sample
            .cell
            .widths()
            .into_iter()
            .fold(f64::INFINITY, f64::min);
        if 2.0 * f64::max(radius, cutoff + SKIN) >= narrowest {
            return None;
        }
        let origin = sample.positions[center];
        let within = sample
            .positions
            .iter()
            .map(|position| sample.cell.minimum_image(&(position - origin)))
            .enumerate()
            .filter(|(_, separation)| separation.norm() <= reach);
        let (inside, outside): (Vec<_>, Vec<_>) =
            within.partition(|(_, separation)| separation.norm() <= radius);
        let (held, coordinates): (Vec<usize>, Vec<[f64; 3]>) = inside
            .iter()
            .chain(&outside)
            .map(|(atom, separation)| (*atom, <[f64; 3]>::from(*separation)))
            .unzip();
        let coordinates = coordinates.into_flattened();
        let mut region = Self {
            active: inside.iter().map(|(atom, _)| *atom as u32).collect(),
            species: held
                .iter()
                .map(|&atom| usize::from(sample.species[atom].0))
                .collect(),
            minimum: coordinates.clone(),
            coordinates,
            held,
            potential,
            cutoff,
            candidates: Vec::new(),
            pairs: Vec::new(),
            listed_at: Vec::new(),
            linearized: Linearized::default(),
            share: 1.0,
            interrupt: minimum.interrupt().clone(),
        };
        region.list_candidates(&sample.cell);
        region.list_pairs();
        region.share = region.share_of(sample.len());
        Some(region)
    }

    /// Pairs of the region over pairs of the sample, if atoms everywhere have as many neighbors.
    fn share_of(&self, atoms: usize) -> f64 {
        let active = self.active.len();
        let mut among = 0.0;
        let mut outward = 0.0;
        for pair in &self.pairs {
            if self.separation(*pair).norm() < self.cutoff {
                if (pair.second as usize) < active {
                    among += 1.0;
                } else {
                    outward += 1.0;
                }
            }
        }
        let neighbors = (2.0 * among + outward) / active as f64;
        (among + outward) / (0.5 * neighbors * atoms as f64).max(1.0)
    }

    fn separation(&self, pair: NearPair) -> Vector3<f64> {
        let place = |atom: u32| {
            Vector3::from_column_slice(&self.coordinates[3 * atom as usize..3 * atom as usize + 3])
        };
        place(pair.first) - place(pair.second) + pair.shift
    }

    /// Lists the pairs that are or can come within reach, in ascending order.
    fn list_candidates(&mut self, cell: &Cell) {
        let wide = self.cutoff + 2.0 * MARGIN;
        // Atoms nearer than this are nearest in the image in which they are held.
        let narrowest = cell.widths().into_iter().fold(f64::INFINITY, f64::min);
        let unique = (narrowest - wide).max(0.0);
        let (places, _) = self.coordinates.as_chunks::<3>();
        for first in 0..self.active.len() {
            let here = Vector3::from(places[first]);
            for (second, there) in places.iter().enumerate().skip(first + 1) {
                let apart = here - Vector3::from(*there);
                let shift = if apart.norm_squared() > unique * unique {
                    cell.minimum_image(&apart) - apart
                } else {
                    Vector3::zeros()
                };
                if (apart + shift).norm_squared() < wide * wide {
                    self.candidates.push(NearPair {
                        first: first as u32,
                        second: second as u32,
                        shift,
                    });
                }
            }
        }
    }

    /// Lists the candidates within the cutoff and the skin.
    fn list_pairs(&mut self) {
        let squared = (self.cutoff + SKIN) * (self.cutoff + SKIN);
        let mut pairs = std::mem::take(&mut self.pairs);
        pairs.clear();
        pairs.extend(
            self.candidates
                .iter()
                .filter(|pair| self.separation(**pair).norm_squared() < squared),
        );
        self.pairs = pairs;
        self.listed_at = self.coordinates[..self.dimension()].to_vec();
    }

    /// Moves the active atoms to `x`. Which pairs are listed never changes a sum: those beyond the
    /// cutoff contribute nothing and the others stand in a fixed order.
    fn move_to(&mut self, x: &[f64]) {
        self.coordinates[..x.len()].copy_from_slice(x);
        let limit = 0.25 * SKIN * SKIN;
        let stays = self.listed_at.len() == x.len()
            && x.chunks_exact(3)
                .zip(self.listed_at.chunks_exact(3))
                .all(|(a, b)| {
                    let squared: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
                    squared < limit
                });
        if !stays {
            self.list_pairs();
        }
    }

    fn linearize_at(&mut self, x: &[f64]) {
        if self.linearized.at == x {
            return;
        }
        self.move_to(x);
        let mut linearized = std::mem::take(&mut self.linearized);
        let active = self.active.len();
        linearized.at = x.to_vec();
        linearized.springs.clear();
        linearized.diagonal = vec![Matrix3::zeros(); active];
        if let Some(potential) = self.potential.as_pair() {
            for pair in &self.pairs {
                let separation = self.separation(*pair);
                let squared = separation.norm_squared();
                if squared >= self.cutoff * self.cutoff {
                    continue;
                }
                let (a, b) = self.species_of(*pair);
                let (along, across) = potential.stiffness(a, b, squared);
                let spring = Spring {
                    first: pair.first,
                    second: pair.second,
                    separation,
                    along,
                    across,
                };
                let stiffness = spring.stiffness();
                linearized.diagonal[pair.first as usize] += stiffness;
                if (pair.second as usize) < active {
                    linearized.diagonal[pair.second as usize] += stiffness;
                    linearized.springs.push(spring);
                }
            }
        }
        self.linearized = linearized;
    }

    fn species_of(&self, pair: NearPair) -> (usize, usize) {
        (
            self.species[pair.first as usize],
            self.species[pair.second as usize],
        )
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
        self.listed_at.clear();
        self.linearized.at.clear();
        self.coordinates[..self.dimension()].to_vec()
    }

    /// Indices of the active atoms in the sample.
    pub fn active(&self) -> &[u32] {
        &self.active
    }

    /// Coordinates of the active atoms in the minimum.
    pub fn start(&self) -> &[f64] {
        &self.minimum[..self.dimension()]
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
    ///
    /// # Errors
    /// [`LandscapeError::NotAMinimum`] where it cannot be factorized.
    pub fn preconditioner(&mut self) -> Result<IncompleteCholesky, LandscapeError> {
        let start = self.start().to_vec();
        IncompleteCholesky::at(self, &start, &[]).ok_or(LandscapeError::NotAMinimum)
    }

    /// Cost of an evaluation over that of the whole sample: pairs evaluated over pairs.
    pub fn share(&self) -> f64 {
        self.share
    }
}

fn triple(values: &[f64], atom: u32) -> Vector3<f64> {
    Vector3::from_column_slice(&values[3 * atom as usize..3 * atom as usize + 3])
}

fn add_triple(values: &mut [f64], atom: usize, change: &Vector3<f64>) {
    for (value, change) in values[3 * atom..3 * atom + 3].iter_mut().zip(change.iter()) {
        *value += change;
    }
}

impl EnergyLandscape for ActiveRegion {
    fn dimension(&self) -> usize {
        3 * self.active.len()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.move_to(x);
        gradient.fill(0.0);
        let active = self.active.len();
        let mut energy = 0.0;
        if let Some(potential) = self.potential.as_pair() {
            for pair in &self.pairs {
                let separation = self.separation(*pair);
                let squared = separation.norm_squared();
                if squared >= self.cutoff * self.cutoff {
                    continue;
                }
                let (a, b) = self.species_of(*pair);
                let (share, push) = potential.energy_and_force(a, b, squared);
                energy += share;
                let force = separation * push;
                add_triple(gradient, pair.first as usize, &-force);
                if (pair.second as usize) < active {
                    add_triple(gradient, pair.second as usize, &force);
                }
            }
        }
        energy
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.linearize_at(x);
        for (atom, stiffness) in self.linearized.diagonal.iter().enumerate() {
            let image = stiffness * triple(v, atom as u32);
            product[3 * atom..3 * atom + 3].copy_from_slice(image.as_slice());
        }
        for spring in &self.linearized.springs {
            let image = |w: Vector3<f64>| {
                spring.separation * (spring.along * spring.separation.dot(&w)) + w * spring.across
            };
            let (first, second) = (triple(v, spring.first), triple(v, spring.second));
            add_triple(product, spring.first as usize, &-image(second));
            add_triple(product, spring.second as usize, &-image(first));
        }
    }

    fn hessian_blocks(&mut self, x: &[f64], weakest: f64) -> Option<HessianBlocks> {
        self.linearize_at(x);
        let mut hessian = HessianBlocks {
            diagonal: self.linearized.diagonal.clone(),
            below: Vec::new(),
        };
        let limit = weakest * hessian.mean_diagonal();
        let springs = self.linearized.springs.iter().map(|spring| HessianBlock {
            row: spring.second as usize,
            column: spring.first as usize,
            matrix: -spring.stiffness(),
        });
        hessian.below = springs
            .filter(|block| block.matrix.norm() >= limit)
            .collect();
        Some(hessian)
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        largest_norm(gradient)
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_requested()
    }

    /// Ten roundings of the energy, or of one unit of energy an atom where that is more.
    fn energy_resolution(&self, energy: f64) -> f64 {
        10.0 * f64::EPSILON * energy.abs().max(self.active.len() as f64)
    }
}

#[cfg(test)]
mod tests;
