//! Excitations on the sites of a periodic cube.

use std::sync::Arc;

use metabasin_atoms::{PlasticVolume, Purpose, Stiffness, random_stream};
use nalgebra::Matrix3;
use rand::RngExt;
use rand_distr::{Distribution, Poisson};
use rand_pcg::Pcg64;

use crate::cell_elasticity::CellElasticity;
use crate::error::EshelbyError;
use crate::excitation::Excitation;
use crate::influence::Influence;
use crate::kernel::Kernel;
use crate::mandel::{Mandel, PAIRS, dot, from_tensor, multiply, subtract};
use crate::mask;
use crate::population::Population;
use crate::settings::{KmcSettings, Orientations};

/// One excitation on a site: a pair of states with one saddle between them.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The site.
    pub(crate) site: usize,
    /// Attempt frequency of both directions; their ratio is in the free energy.
    pub(crate) attempt: f64,
    /// Saddle above state 1.
    pub(crate) barrier: f64,
    /// State 2 above state 1.
    pub(crate) energy_final: f64,
    /// State 2 above state 1 with the entropic part.
    pub(crate) free_energy_final: f64,
    /// Plastic volume of the saddle.
    pub(crate) saddle: Mandel,
    /// Plastic volume of state 2.
    pub(crate) plastic: Mandel,
    /// K(0) : plastic, the pair's own contribution to the stress of its site in state 2.
    pub(crate) own_stress: Mandel,
    /// Number of the event in the catalogue.
    pub(crate) event: u64,
}

impl Pair {
    /// Plastic volume of a state.
    pub(crate) fn plastic_in(&self, flipped: bool) -> Mandel {
        if flipped { self.plastic } else { [0.0; 6] }
    }

    /// Change of plastic volume from a state to the other.
    pub(crate) fn change_from(&self, flipped: bool) -> Mandel {
        subtract(&self.plastic_in(!flipped), &self.plastic_in(flipped))
    }

    /// Energy of the saddle above a state and change of plastic volume up to it, both at a driving
    /// stress of zero.
    pub(crate) fn to_saddle(&self, flipped: bool) -> (f64, Mandel) {
        let base = if flipped { self.free_energy_final } else { 0.0 };
        (
            self.barrier - base,
            subtract(&self.saddle, &self.plastic_in(flipped)),
        )
    }
}

/// A lattice of excitations: everything about a run that does not change in it.
#[derive(Clone, Debug)]
pub struct Lattice {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) settings: KmcSettings,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) elastic: Vec<bool>,
    pub(crate) influence: Influence,
    /// How the cell answers as a whole.
    pub(crate) cell: CellElasticity,
    fingerprint: u64,
}

impl Lattice {
    /// Draws a lattice: round(f L³) elastic sites, and on every other site a Poisson number of
    /// excitations of mean n a³/(1 − f), each taken whole and uniformly from the population below
    /// the upper barrier, n its density. So the cube holds n excitations per volume whatever f.
    ///
    /// The same (seed, stage, index) give the same lattice.
    ///
    /// # Errors
    /// Settings out of range, or no excitation below the upper barrier.
    pub fn draw(
        population: &Population,
        settings: &KmcSettings,
        kernel: Arc<Kernel>,
        seed: u64,
        stage: u64,
        index: u64,
    ) -> Result<Self, EshelbyError> {
        settings.validate()?;
        let choices: Vec<&Excitation> = population.below(settings.upper_barrier).collect();
        if choices.is_empty() {
            return Err(EshelbyError::EmptyPopulation {
                upper_barrier: settings.upper_barrier,
            });
        }
        let mut generator = random_stream(seed, Purpose::SiteDraw, stage, index);
        let elastic = mask::draw(settings.elastic_sites, kernel.edge(), &mut generator);
        let density = population.density(settings.upper_barrier).per_volume;
        let active = 1.0 - settings.elastic_sites.fraction();
        let mean = density * settings.density_factor * settings.site_volume / active;
        let number = Poisson::new(mean).map_err(|_| EshelbyError::OutOfRange {
            field: "excitations per site",
            value: mean,
            range: "(0, 1e19)",
        })?;
        let mut placed = Vec::new();
        for (site, &elastic) in elastic.iter().enumerate() {
            if elastic {
                continue;
            }
            for _ in 0..number.sample(&mut generator) as u64 {
                let mut excitation = choices[generator.random_range(0..choices.len())].clone();
                if settings.orientations == Orientations::Cubic {
                    turn(&mut excitation, &mut generator);
                }
                placed.push((site, excitation));
            }
        }
        Self::assemble(settings, kernel, placed, elastic)
    }

    /// A lattice with given excitations on given sites (x fastest, then y, then z), none elastic.
    ///
    /// # Errors
    /// Settings out of range, sites that do not exist, excitations that cannot be used.
    pub fn with_excitations(
        settings: &KmcSettings,
        kernel: Arc<Kernel>,
        placed: Vec<(usize, Excitation)>,
    ) -> Result<Self, EshelbyError> {
        settings.validate()?;
        let elastic = vec![false; kernel.sites()];
        Self::assemble(settings, kernel, placed, elastic)
    }

    fn assemble(
        settings: &KmcSettings,
        kernel: Arc<Kernel>,
        mut placed: Vec<(usize, Excitation)>,
        elastic: Vec<bool>,
    ) -> Result<Self, EshelbyError> {
        placed.sort_by_key(|(site, _)| *site);
        let temperature = settings.temperature.reduced();
        let own = kernel.at([0, 0, 0]);
        let mut pairs = Vec::with_capacity(placed.len());
        for (site, excitation) in placed {
            if site >= kernel.sites() {
                return Err(EshelbyError::NoSuchSite {
                    site,
                    sites: kernel.sites(),
                });
            }
            let excitation = excitation.validated()?;
            let plastic = from_tensor(excitation.plastic_final.0);
            pairs.push(Pair {
                site,
                attempt: excitation.attempt_forward,
                barrier: excitation.barrier,
                energy_final: excitation.energy_final,
                free_energy_final: excitation.free_energy_final(temperature),
                saddle: from_tensor(excitation.plastic_saddle.0),
                plastic,
                own_stress: multiply(&own, &plastic),
                event: excitation.event,
            });
        }
        let cell = CellElasticity::isotropic(&kernel.elasticity())?;
        let fingerprint = fingerprint((&kernel, &cell), &pairs, &elastic, temperature);
        Ok(Self {
            cell,
            influence: Influence::new(&kernel, &pairs, &elastic, temperature),
            kernel,
            settings: settings.clone(),
            pairs,
            elastic,
            fingerprint,
        })
    }

    /// The same lattice where the cell as a whole, the average over all sites, has a stiffness of its own; between
    /// sites excitations act through the isotropic medium of the kernel.
    ///
    /// # Errors
    /// A stiffness that is not positive definite.
    pub fn with_cell_stiffness(self, stiffness: &Stiffness) -> Result<Self, EshelbyError> {
        let cell = CellElasticity::of(stiffness)?;
        let temperature = self.temperature();
        let fingerprint = fingerprint(
            (&self.kernel, &cell),
            &self.pairs,
            &self.elastic,
            temperature,
        );
        Ok(Self {
            cell,
            fingerprint,
            ..self
        })
    }

    /// Shear modulus xy of the cell as a whole `[energy / length³]`.
    pub fn shear_modulus(&self) -> f64 {
        self.cell.shear_modulus()
    }

    /// The kernel.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &KmcSettings {
        &self.settings
    }

    /// Number of excitations on the lattice.
    pub fn excitations(&self) -> usize {
        self.pairs.len()
    }

    /// Number of sites that carry no excitation by design.
    pub fn elastic_sites(&self) -> usize {
        self.elastic.iter().filter(|&&elastic| elastic).count()
    }

    /// Volume of the cube `[length³]`.
    pub fn volume(&self) -> f64 {
        self.kernel.volume()
    }

    /// k_B T `[energy]`.
    pub fn temperature(&self) -> f64 {
        self.settings.temperature.reduced()
    }

    /// A number that differs between lattices: a checkpoint fits one only.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Energy by the double sum over all pairs of excitations,
    /// Σ c_i − ½ Σ_{i≠j} p_i : K(r_ij) : p_j, for the given states; slow, for checks.
    pub fn interaction_energy(&self, flipped: &[bool]) -> f64 {
        let edge = self.kernel.edge();
        let place = |site: usize| {
            [site % edge, site / edge % edge, site / (edge * edge)].map(|i| i as isize)
        };
        let excited: Vec<&Pair> = self
            .pairs
            .iter()
            .zip(flipped)
            .filter_map(|(pair, &flipped)| flipped.then_some(pair))
            .collect();
        let mut energy = 0.0;
        for (i, a) in excited.iter().enumerate() {
            energy += a.free_energy_final;
            let to = place(a.site);
            for b in &excited[..i] {
                let from = place(b.site);
                let kernel: [f64; PAIRS] = self
                    .kernel
                    .at(std::array::from_fn(|axis| to[axis] - from[axis]));
                energy -= dot(&a.plastic, &multiply(&kernel, &b.plastic));
            }
        }
        energy
    }
}

/// Turns an excitation by a random rotation of the cube. Permuting the axes and changing the sign
/// of two of them gives all 24, for a symmetric tensor does not see the inversion.
fn turn(excitation: &mut Excitation, generator: &mut Pcg64) {
    let first = generator.random_range(0..3_usize);
    let step = generator.random_range(1..3_usize);
    let axes = [first, (first + step) % 3, (first + 2 * step) % 3];
    let mut rotation = Matrix3::zeros();
    for (row, &axis) in axes.iter().enumerate() {
        let negative = row < 2 && generator.random::<bool>();
        rotation[(row, axis)] = if negative { -1.0 } else { 1.0 };
    }
    let rotate = |plastic: PlasticVolume| {
        PlasticVolume::from_matrix(&(rotation * plastic.to_matrix() * rotation.transpose()))
    };
    excitation.plastic_saddle = rotate(excitation.plastic_saddle);
    excitation.plastic_final = rotate(excitation.plastic_final);
}

/// FNV-1a over the bits of everything that decides a run.
fn fingerprint(
    (kernel, cell): (&Kernel, &CellElasticity),
    pairs: &[Pair],
    elastic: &[bool],
    temperature: f64,
) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |bits: u64| {
        for byte in bits.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    eat(kernel.edge() as u64);
    for value in kernel.at([0, 0, 0]).iter().chain(&kernel.at([1, 0, 0])) {
        eat(value.to_bits());
    }
    eat(kernel.spacing().to_bits());
    for value in cell.components() {
        eat(value.to_bits());
    }
    eat(temperature.to_bits());
    for pair in pairs {
        eat(pair.site as u64);
        eat(pair.event);
        for value in [pair.attempt, pair.barrier, pair.free_energy_final] {
            eat(value.to_bits());
        }
        for value in pair.saddle.iter().chain(&pair.plastic) {
            eat(value.to_bits());
        }
    }
    for &site in elastic {
        eat(u64::from(site));
    }
    hash
}

#[cfg(test)]
mod tests;
