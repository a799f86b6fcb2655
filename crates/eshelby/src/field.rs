//! The stress at every excitation's site: of near jumps at once, of far ones when it must be known.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::lattice::Lattice;
use crate::mandel::{Mandel, add, multiply};

/// Cost of the transforms that make the field anew, for each site, in additions of a far field to
/// one excitation.
const TRANSFORM_COST: usize = 10;

/// Stress at the sites of excitations, own field included, macroscopic stress left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LazyField {
    /// All stresses but those that wait.
    known: Vec<Mandel>,
    /// Excitations that changed their state and whose field is not in `known` beyond their
    /// neighborhood.
    waiting: Vec<usize>,
}

impl LazyField {
    /// Of so many excitations, all in state 1.
    pub(crate) fn new(excitations: usize) -> Self {
        Self {
            known: vec![[0.0; 6]; excitations],
            waiting: Vec::new(),
        }
    }

    /// Whether this is a field of so many excitations.
    pub(crate) fn fits(&self, excitations: usize) -> bool {
        self.known.len() == excitations && self.waiting.iter().all(|&index| index < excitations)
    }

    /// What is known of the stress at every excitation's site.
    pub(crate) fn known(&self) -> &[Mandel] {
        &self.known
    }

    /// A bound of what is not known, for any site.
    pub(crate) fn unknown(&self, lattice: &Lattice) -> f64 {
        let outreach = &lattice.influence.outreach;
        self.waiting.iter().map(|&index| outreach[index]).sum()
    }

    /// The stress at one excitation's site, `flipped` being the present states.
    pub(crate) fn at(&self, lattice: &Lattice, flipped: &[bool], index: usize) -> Mandel {
        let influence = &lattice.influence;
        let to = influence.places[index];
        let mut stress = self.known[index];
        for &source in &self.waiting {
            if let Some(displacement) = influence.near.far(influence.places[source], to) {
                let change = lattice.pairs[source].change_from(!flipped[source]);
                let matrix = &lattice.kernel.table()[displacement];
                stress = add(&stress, &multiply(matrix, &change));
            }
        }
        stress
    }

    /// An excitation changes its plastic volume: adds the near field and lists in `touched` the
    /// excitations that it reaches, with their rows; the far field waits.
    pub(crate) fn jump(
        &mut self,
        lattice: &Lattice,
        index: usize,
        change: &Mandel,
        touched: &mut Vec<(usize, Range<usize>)>,
    ) {
        let influence = &lattice.influence;
        touched.clear();
        influence
            .near
            .stretches(lattice.pairs[index].site, |stretch| {
                let pairs =
                    influence.before(stretch.sites.start)..influence.before(stretch.sites.end);
                if pairs.is_empty() {
                    return;
                }
                let matrices = &lattice.kernel.table()[stretch.displacement..];
                let first = stretch.sites.start % lattice.kernel.edge();
                let targets = &influence.places[pairs.clone()];
                for (stress, place) in self.known[pairs.clone()].iter_mut().zip(targets) {
                    let matrix = &matrices[usize::from(place[0]) - first];
                    *stress = add(stress, &multiply(matrix, change));
                }
                touched.push((stretch.row, pairs));
            });
        if influence.outreach[index] > 0.0 {
            // Back in its state, it has nothing to tell.
            match self.waiting.iter().position(|&other| other == index) {
                Some(place) => {
                    self.waiting.swap_remove(place);
                }
                None => self.waiting.push(index),
            }
        }
    }

    /// Adds what waits: one by one where that is cheaper, else by [`LazyField::recompute`]. Returns
    /// whether it recomputed.
    pub(crate) fn settle(&mut self, lattice: &Lattice, flipped: &[bool]) -> bool {
        let additions = self.waiting.len() * self.known.len();
        if additions > TRANSFORM_COST * lattice.kernel.sites() {
            self.recompute(lattice, flipped);
            return true;
        }
        let influence = &lattice.influence;
        for source in std::mem::take(&mut self.waiting) {
            let from = influence.places[source];
            let change = lattice.pairs[source].change_from(!flipped[source]);
            for (stress, &to) in self.known.iter_mut().zip(&influence.places) {
                if let Some(displacement) = influence.near.far(from, to) {
                    let matrix = &lattice.kernel.table()[displacement];
                    *stress = add(stress, &multiply(matrix, &change));
                }
            }
        }
        false
    }

    /// The field of the states by Fourier transform, without the rounding of many additions.
    pub(crate) fn recompute(&mut self, lattice: &Lattice, flipped: &[bool]) {
        self.waiting.clear();
        if !lattice.kernel.is_interacting() {
            return;
        }
        let sources = lattice
            .pairs
            .iter()
            .zip(flipped)
            .filter(|&(_, &flipped)| flipped)
            .map(|(pair, _)| (pair.site, pair.plastic));
        let targets = lattice.pairs.iter().map(|pair| pair.site);
        self.known = lattice.kernel.convolve(sources, targets);
    }
}
