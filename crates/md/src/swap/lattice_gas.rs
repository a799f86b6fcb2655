//! Two species on a fixed set of sites.

#[cfg(test)]
mod tests;

use metabasin_atoms::Species;
use metabasin_interactions::SitePair;
use rand::RngExt;

/// Two species on fixed sites: an Ising model whose energies are those of the pair potential.
///
/// With `V_ab` the energy of a pair of sites under labels a and b,
///
/// ```text
/// h_i = Σ_k V_2,s(k) − V_1,s(k)        what it costs to turn site i from species 1 into 2
/// J_ik = V_22 + V_11 − 2 V_12          what turning k from 1 into 2 adds to h_i
/// ΔE = h_i − h_j − J_ij                exchange of 1 at i and 2 at j
/// ```
///
/// so with all h at hand an attempt costs the same however many neighbors a site has, and only an
/// accepted one touches them.
#[derive(Clone, Debug)]
pub(super) struct LatticeGas {
    species: Vec<Species>,
    /// h of each site `[energy]`.
    fields: Vec<f64>,
    /// Where the neighbors of each site begin; they are in ascending order, one an image.
    starts: Vec<u32>,
    neighbors: Vec<u32>,
    /// J with each neighbor `[energy]`.
    couplings: Vec<f64>,
    /// The largest J of a site with any other site, zero at least `[energy]`.
    largest_couplings: Vec<f64>,
    /// The sites of each species, in no order.
    sites: [Vec<u32>; 2],
    /// Which atom sits on each site, counted from the sites of the start.
    occupants: Vec<u32>,
}

/// What a number of attempts did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Attempts {
    pub(super) accepted: u64,
    /// Sum of the energy changes `[energy]`.
    pub(super) energy: f64,
}

impl LatticeGas {
    pub(super) fn new(species: &[Species], pairs: &[SitePair]) -> Self {
        let count = species.len();
        let is_large = |site: u32| species[site as usize] == Species::LARGE;
        let mut fields = vec![0.0; count];
        let mut degrees = vec![0_u32; count + 1];
        for pair in pairs {
            let [large, mixed, small] = pair.energies;
            if pair.first == pair.second {
                fields[pair.first as usize] += small - large;
                continue;
            }
            for (site, other) in [(pair.first, pair.second), (pair.second, pair.first)] {
                degrees[site as usize + 1] += 1;
                fields[site as usize] += if is_large(other) {
                    mixed - large
                } else {
                    small - mixed
                };
            }
        }
        for site in 0..count {
            degrees[site + 1] += degrees[site];
        }
        let (starts, neighbors, couplings) = sorted_rows(degrees, pairs);
        let mut gas = Self {
            species: species.to_vec(),
            fields,
            largest_couplings: Vec::new(),
            sites: [Species::LARGE, Species::SMALL].map(|kind| {
                (0..count as u32)
                    .filter(|&site| species[site as usize] == kind)
                    .collect()
            }),
            occupants: (0..count as u32).collect(),
            starts,
            neighbors,
            couplings,
        };
        gas.largest_couplings = (0..count).map(|site| gas.largest_coupling(site)).collect();
        gas
    }

    fn row(&self, site: usize) -> std::ops::Range<usize> {
        self.starts[site] as usize..self.starts[site + 1] as usize
    }

    fn largest_coupling(&self, site: usize) -> f64 {
        let row = self.row(site);
        self.neighbors[row.clone()]
            .iter()
            .map(|&other| self.coupling(site, other))
            .fold(0.0, f64::max)
    }

    /// J of two sites, all their images together.
    fn coupling(&self, site: usize, other: u32) -> f64 {
        let row = self.row(site);
        let neighbors = &self.neighbors[row.clone()];
        let first = neighbors.partition_point(|&neighbor| neighbor < other);
        neighbors[first..]
            .iter()
            .zip(&self.couplings[row.start + first..row.end])
            .take_while(|(neighbor, _)| **neighbor == other)
            .map(|(_, coupling)| coupling)
            .sum()
    }

    /// ΔE of exchanging species 1 at `large` and species 2 at `small` `[energy]`.
    #[cfg(test)]
    fn energy_change(&self, large: u32, small: u32) -> f64 {
        self.fields[large as usize]
            - self.fields[small as usize]
            - self.coupling(large as usize, small)
    }

    /// Exchanges the species of two unlike sites; `places` are their places in the lists.
    fn exchange(&mut self, places: [usize; 2]) {
        let [large, small] = [0, 1].map(|kind| self.sites[kind][places[kind]]);
        for (turned, sign) in [(large, 1.0), (small, -1.0)] {
            for entry in self.row(turned as usize) {
                self.fields[self.neighbors[entry] as usize] += sign * self.couplings[entry];
            }
        }
        self.species.swap(large as usize, small as usize);
        self.occupants.swap(large as usize, small as usize);
        self.sites[0][places[0]] = small;
        self.sites[1][places[1]] = large;
    }

    /// Tries to exchange pairs drawn uniformly among the unlike ones, by Metropolis' rule:
    /// accepted with probability min(1, exp(−ΔE / `k_B` T)).
    pub(super) fn attempt(
        &mut self,
        attempts: u64,
        thermal_energy: f64,
        random: &mut impl RngExt,
    ) -> Attempts {
        let mut done = Attempts::default();
        let counts = [self.sites[0].len(), self.sites[1].len()];
        if counts.contains(&0) {
            return done;
        }
        let inverse = 1.0 / thermal_energy;
        for _ in 0..attempts {
            let places = counts.map(|count| random.random_range(0..count));
            let draw: f64 = random.random();
            let [large, small] = [0, 1].map(|kind| self.sites[kind][places[kind]]);
            let fields = self.fields[large as usize] - self.fields[small as usize];
            // The number is drawn already, so what no coupling can save needs no look at the
            // neighbors: exp is monotonic, and the answer is the same.
            let least = fields - self.largest_couplings[large as usize];
            if least > 0.0 && (-least * inverse).exp() < draw {
                continue;
            }
            let change = fields - self.coupling(large as usize, small);
            if change <= 0.0 || draw < (-change * inverse).exp() {
                self.exchange(places);
                done.accepted += 1;
                done.energy += change;
            }
        }
        done
    }

    /// Which atom sits on each site.
    pub(super) fn occupants(&self) -> &[u32] {
        &self.occupants
    }
}

/// The neighbors of each site in ascending order with their couplings: a counting sort, twice.
fn sorted_rows(starts: Vec<u32>, pairs: &[SitePair]) -> (Vec<u32>, Vec<u32>, Vec<f64>) {
    let entries = starts.last().map_or(0, |&end| end as usize);
    let mut next = starts.clone();
    let mut unsorted = vec![(0_u32, 0.0); entries];
    for pair in pairs.iter().filter(|pair| pair.first != pair.second) {
        let [large, mixed, small] = pair.energies;
        let coupling = small + large - 2.0 * mixed;
        for (site, other) in [(pair.first, pair.second), (pair.second, pair.first)] {
            let place = &mut next[site as usize];
            unsorted[*place as usize] = (other, coupling);
            *place += 1;
        }
    }
    let mut next = starts.clone();
    let (mut neighbors, mut couplings) = (vec![0; entries], vec![0.0; entries]);
    for site in 0..starts.len() - 1 {
        for &(other, coupling) in &unsorted[starts[site] as usize..starts[site + 1] as usize] {
            let place = &mut next[other as usize];
            neighbors[*place as usize] = site as u32;
            couplings[*place as usize] = coupling;
            *place += 1;
        }
    }
    (starts, neighbors, couplings)
}
