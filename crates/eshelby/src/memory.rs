//! How much memory lattices take, before they are made.

use crate::excitation::Excitation;
use crate::lattice::Pair;
use crate::mandel::PAIRS;
use crate::neighborhood::Place;
use crate::rates::Leap;
use crate::settings::KmcSettings;

/// Bytes of a number, and of a complex one.
const REAL: f64 = 8.0;
const COMPLEX: f64 = 16.0;
/// Bytes of a number in the text of a checkpoint, twice where the text grows by doubling.
const TEXT: f64 = 2.0 * 22.0;

fn size<T>() -> f64 {
    size_of::<T>() as f64
}

impl KmcSettings {
    /// Bytes that lattices of these settings take at most: the kernel, which all share, `lattices`
    /// of them with so many excitations a site, and `running` simulations at once, each when it
    /// stores a checkpoint.
    pub fn memory(&self, excitations_per_site: f64, lattices: usize, running: usize) -> f64 {
        let sites = (self.sites_per_edge as f64).powi(3);
        let excitations = excitations_per_site * sites;
        let (lattices, running) = (lattices as f64, running as f64);
        // The kernel at every displacement and its transform.
        let components = PAIRS as f64;
        let kernel = 2.0 * REAL * components * sites;
        // Two components a cube, all at once, and one that is turned by each thread.
        let cubes = (components / 2.0).ceil() + running;
        let making = kernel
            + if self.interactions {
                cubes * COMPLEX * sites
            } else {
                0.0
            };
        let tensor = 6.0 * REAL;
        // The pairs, their places and reaches and what each does to all; elastic sites, and how
        // many excitations come before each.
        let lattice = (size::<Pair>() + size::<Place>() + REAL + 2.0 * tensor) * excitations
            + (1.0 + 4.0) * sites;
        // A list that grows by doubling, beside the pairs made of it; heights and order of sites.
        let placing = 3.0 * size::<(usize, Excitation)>() * excitations + 2.0 * REAL * sites;
        // Sums over all sources at every excitation, and three cubes; distances in order.
        let summing = components * REAL * excitations + (3.0 * COMPLEX + 4.0 * REAL) * sites;
        let drawing = placing.max(summing);
        let state = (2.0 + tensor + size::<Leap>() + 4.0 * REAL) * excitations;
        // Three cubes and a turned copy of each, and the new field.
        let convolving = 6.0 * COMPLEX * sites + tensor * excitations;
        // A copy, its text, and what that is read back as.
        let storing = (3.0 * tensor + 6.0 * TEXT + 4.0 + 24.0) * excitations;
        let standing = kernel + lattices * lattice;
        f64::max(
            making,
            standing + f64::max(drawing, running * (state + convolving.max(storing))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel alone holds 42 numbers a site: 5.6 GB at 256 sites an edge.
    #[test]
    fn memory_grows_with_sites_excitations_lattices_and_threads() {
        let of = |sites_per_edge: usize| KmcSettings {
            sites_per_edge,
            ..KmcSettings::default()
        };
        let large = of(256);
        assert!(large.memory(0.0, 1, 1) > 8.0 * 42.0 * 256.0_f64.powi(3));
        let ratio = large.memory(2.0, 8, 2) / of(128).memory(2.0, 8, 2);
        assert!((ratio - 8.0).abs() < 1e-9, "{ratio}");
        assert!(large.memory(2.0, 8, 2) > large.memory(1.0, 8, 2));
        assert!(large.memory(2.0, 8, 2) > large.memory(2.0, 4, 2));
        assert!(large.memory(2.0, 8, 2) > large.memory(2.0, 8, 1));
    }
}
