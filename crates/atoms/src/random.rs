//! Addressed random streams: the same address gives the same numbers, whoever asks and whenever.

use rand::SeedableRng;
use rand_pcg::Pcg64;

/// What a stream is for; streams of different purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Positions of the atoms of a new sample.
    InitialPositions = 1,
    /// Maxwell-Boltzmann velocities.
    InitialVelocities = 2,
    /// Stochastic thermostats and barostats.
    Thermostat = 3,
    /// The push that starts a saddle search; the index is the number of the search.
    SaddlePush = 4,
    /// Start vectors of Lanczos iterations that check an index.
    IndexCheck = 5,
    /// Placement of events on the sites of the mesoscale lattice.
    SiteDraw = 6,
    /// Choice of events and waiting times in kinetic Monte Carlo.
    KineticMonteCarlo = 7,
    /// Bootstrap resampling.
    Bootstrap = 8,
    /// Generators that tests use.
    Test = 9,
    /// Species swaps; the index is the number of the sweep.
    SpeciesSwap = 10,
    /// Velocities of short trajectories that leave a minimum; the index is the number of the trajectory.
    ThermalExit = 11,
}

/// SplitMix64's finalizer (Steele, Lea & Flood 2014): a one-to-one scatterer of bits.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The generator of one piece of work, addressed by (seed, purpose, stage, index).
///
/// `stage` is the position of the stage in its pipeline (0 for a verb on its own), `index` the
/// number of the work item within it: search 1234 draws the same numbers on any machine, in any
/// order, on any number of threads.
pub fn random_stream(seed: u64, purpose: Purpose, stage: u64, index: u64) -> Pcg64 {
    // The address passes through `seed_from_u64`, not `from_seed`: the latter drops the lowest
    // bit of PCG's increment, so neighboring indices would share a stream.
    Pcg64::seed_from_u64(mix(mix(mix(mix(seed) ^ purpose as u64) ^ stage) ^ index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;
    use std::collections::HashSet;

    #[test]
    fn every_address_has_its_own_stream() {
        let mut seen = HashSet::new();
        for seed in 0..4 {
            for stage in 0..4 {
                for purpose in [Purpose::SaddlePush, Purpose::Bootstrap] {
                    for index in 0..64 {
                        assert!(seen.insert(random_stream(seed, purpose, stage, index).next_u64()));
                    }
                }
            }
        }
    }

    #[test]
    fn a_stream_is_repeatable() {
        let draw = || random_stream(7, Purpose::Test, 1, 2).next_u64();
        assert_eq!(draw(), draw());
    }
}
