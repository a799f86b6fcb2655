//! What every excitation does to the others: near at once, far within a bound.

use std::collections::HashMap;

use crate::kernel::Kernel;
use crate::lattice::Pair;
use crate::mandel::{Mandel, PAIRS, dot, multiply, pair_index};
use crate::neighborhood::{Neighborhood, Place, place};

/// Far fields may wait until together they could change a barrier of the usual activation volume
/// by so many k_B T.
const ALLOWANCE: f64 = 1.0;

/// Places of the excitations of a lattice and the reach of each.
#[derive(Clone, Debug)]
pub(crate) struct Influence {
    /// Who feels a jump at once.
    pub(crate) near: Neighborhood,
    /// Excitations on sites before each site, and at the end all.
    first: Vec<u32>,
    /// Site of every excitation.
    pub(crate) places: Vec<Place>,
    /// Largest stress that a jump of each excitation exerts beyond its neighborhood.
    pub(crate) outreach: Vec<f64>,
    /// Change of stress at a site that is left out of the rates' bounds.
    pub(crate) allowance: f64,
    /// Sum over all excitations of the stress that each, in state 2, exerts on their sites.
    pub(crate) on_excitations: Vec<Mandel>,
    /// Sum of that stress over the sites that are not elastic; over all sites it vanishes.
    pub(crate) on_active: Vec<Mandel>,
}

impl Influence {
    /// Of excitations in the order of their sites.
    pub(crate) fn new(kernel: &Kernel, pairs: &[Pair], elastic: &[bool], temperature: f64) -> Self {
        let edge = kernel.edge();
        let mut first = vec![0; kernel.sites() + 1];
        for pair in pairs {
            first[pair.site + 1] += 1;
        }
        for site in 0..kernel.sites() {
            first[site + 1] += first[site];
        }
        let norms = pairs.iter().flat_map(|pair| {
            [false, true].map(|flipped| {
                let to_saddle = pair.to_saddle(flipped).1;
                dot(&to_saddle, &to_saddle)
            })
        });
        let usual = (norms.sum::<f64>() / (2.0 * pairs.len() as f64)).sqrt();
        let allowance = if usual > 0.0 {
            ALLOWANCE * temperature / usual
        } else {
            0.0
        };
        let near = Neighborhood::new(edge, near_radius_squared(kernel));
        let sites: Vec<usize> = pairs.iter().map(|pair| pair.site).collect();
        let mut carried = vec![0.0; kernel.sites()];
        for &site in &sites {
            carried[site] += 1.0;
        }
        let summed = |weights: &[f64]| -> Vec<Mandel> {
            let sums = kernel.weighted_sums(weights, &sites);
            let stresses = sums.iter().zip(pairs);
            stresses
                .map(|(sum, pair)| multiply(sum, &pair.plastic))
                .collect()
        };
        let active: Vec<f64> = elastic
            .iter()
            .map(|&elastic| f64::from(u8::from(!elastic)))
            .collect();
        let nothing = vec![[0.0; 6]; pairs.len()];
        let interacting = kernel.is_interacting();
        Self {
            outreach: outreach(kernel, &near, pairs),
            places: sites.iter().map(|&site| place(site, edge)).collect(),
            on_excitations: if interacting {
                summed(&carried)
            } else {
                nothing.clone()
            },
            on_active: if interacting && elastic.contains(&true) {
                summed(&active)
            } else {
                nothing
            },
            near,
            first,
            allowance,
        }
    }

    /// The excitations on the sites before `site`.
    pub(crate) fn before(&self, site: usize) -> usize {
        self.first[site] as usize
    }

    /// Where the excitations of every row of sites begin, and the end of the last.
    pub(crate) fn rows(&self, edge: usize) -> Vec<usize> {
        self.first
            .iter()
            .step_by(edge)
            .map(|&first| first as usize)
            .collect()
    }
}

/// The neighborhood that makes an event cheapest: to add a near field costs as its volume, and it
/// must be repeated less often the farther the rest is.
fn near_radius_squared(kernel: &Kernel) -> usize {
    if !kernel.is_interacting() {
        return 0;
    }
    let radius = 1.5 * (kernel.edge() as f64).sqrt();
    (radius * radius) as usize
}

/// Largest |K(r) : p| over the displacements beyond the neighborhood, for every excitation.
fn outreach(kernel: &Kernel, near: &Neighborhood, pairs: &[Pair]) -> Vec<f64> {
    if !kernel.is_interacting() || near.is_whole() {
        return vec![0.0; pairs.len()];
    }
    // In descending order of a bound of |K : p|/|p|: few need to be looked at.
    let mut far: Vec<(f64, usize)> = kernel
        .table()
        .iter()
        .enumerate()
        .filter(|&(displacement, _)| !near.holds(displacement))
        .map(|(displacement, matrix)| (frobenius(matrix), displacement))
        .collect();
    far.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut known = HashMap::new();
    let largest = |plastic: &Mandel| {
        let size = dot(plastic, plastic).sqrt();
        let mut largest = 0.0_f64;
        for &(bound, displacement) in &far {
            if bound * size <= largest {
                break;
            }
            let stress = multiply(&kernel.table()[displacement], plastic);
            largest = largest.max(dot(&stress, &stress).sqrt());
        }
        largest
    };
    pairs
        .iter()
        .map(|pair| {
            *known
                .entry(pair.plastic.map(f64::to_bits))
                .or_insert_with(|| largest(&pair.plastic))
        })
        .collect()
}

/// √(Σ K_ij²), which no |K : p|/|p| exceeds.
fn frobenius(matrix: &[f64; PAIRS]) -> f64 {
    let mut sum = 0.0;
    for row in 0..6 {
        for column in 0..6 {
            sum += matrix[pair_index(row, column)].powi(2);
        }
    }
    sum.sqrt()
}
