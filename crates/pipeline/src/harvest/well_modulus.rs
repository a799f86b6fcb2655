//! How stiff the minima are at temperature: the modulus of their wells, jumps between them apart.

use metabasin_catalogue::WellModuli;

use super::relaxation_modulus::{SHEAR, with_error};
use super::series::StationarySeries;
use super::states::States;

/// Intervals within one state, of all trajectories together, without which nothing is told.
const LEAST_INTERVALS: usize = 100;
/// Intervals that each state must lend on average: its mean stress is known then.
const LEAST_OF_A_STATE: usize = 4;

/// The sample that was followed.
pub(crate) struct Followed {
    /// `[length³]`.
    pub(crate) volume: f64,
    /// Atoms.
    pub(crate) atoms: usize,
    /// k_B T `[energy]`.
    pub(crate) temperature: f64,
}

/// What the intervals of a trajectory lend to the modulus: the state of each that began and ended in the same,
/// with its place.
fn within(trajectory: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let pairs = trajectory.windows(2).zip(1..);
    pairs.filter_map(|(pair, place)| (pair[0] == pair[1]).then_some((pair[0], place)))
}

/// Modulus of the component `k` of xy, xz, yz of the wells that these trajectories stay in: the
/// fluctuation formula (Squire, Holt & Hoover, Physica 42, 388 (1969)), its variance that of the stress
/// around the mean of each state,
///
/// ```text
/// G = <B> + ρ k_B T − (V/k_B T) <(σ − <σ>_i)²>
/// ```
///
/// B the affine (Born) stiffness and σ the stress with its kinetic part. The variance is that within
/// intervals plus that of their means around the mean of their state, which takes a degree of freedom from
/// each state; none where stays are too short for that.
fn modulus(
    series: &[StationarySeries],
    trajectories: &[Vec<usize>],
    which: &[usize],
    (k, followed): (usize, &Followed),
) -> Option<f64> {
    let place = SHEAR[k].0;
    let states = trajectories.iter().flatten().max()? + 1;
    let (mut numbers, mut sums) = (vec![0_usize; states], vec![0.0; states]);
    let (mut affine, mut inside) = (0.0, 0.0);
    for &trajectory in which {
        let one = &series[trajectory];
        for (state, at) in within(&trajectories[trajectory]) {
            let mean = one.stresses[at].0[place];
            numbers[state] += 1;
            sums[state] += mean;
            inside += one.squares[at][k] - mean * mean;
            affine += one.affine[at][k];
        }
    }
    let all: usize = numbers.iter().sum();
    let stayed = numbers.iter().filter(|number| **number > 0).count();
    if all < LEAST_INTERVALS || all < LEAST_OF_A_STATE * stayed {
        return None;
    }
    let mut between = 0.0;
    for &trajectory in which {
        for (state, at) in within(&trajectories[trajectory]) {
            let mean = sums[state] / numbers[state] as f64;
            between += (series[trajectory].stresses[at].0[place] - mean).powi(2);
        }
    }
    let variance = inside / all as f64 + between / (all - stayed) as f64;
    let Followed {
        volume,
        atoms,
        temperature,
    } = *followed;
    let kinetic = atoms as f64 * temperature / volume;
    Some(affine / all as f64 + kinetic - volume / temperature * variance)
}

/// Moduli of the wells with errors over trajectories, beside those of the minima, `stiffnesses` at moments drawn
/// from them; none where stays are too short, trajectories too few for an error, or no minimum has a
/// stiffness.
pub(crate) fn well_moduli(
    series: &[StationarySeries],
    states: &States<'_>,
    stiffnesses: &[[f64; 3]],
    followed: &Followed,
) -> Option<WellModuli> {
    if stiffnesses.is_empty() {
        return None;
    }
    let mut found = WellModuli::default();
    for k in 0..SHEAR.len() {
        let of = |which: &[usize]| {
            let modulus = modulus(series, &states.trajectories, which, (k, followed));
            modulus.unwrap_or(f64::NAN)
        };
        let (value, error) = with_error(series.len(), &of);
        found.thermal[k] = value;
        found.thermal_error[k] = error?;
        let sum: f64 = stiffnesses.iter().map(|stiffness| stiffness[k]).sum();
        found.inherent[k] = sum / stiffnesses.len() as f64;
    }
    let told = |error: &f64| error.is_finite() && *error > 0.0;
    let finite = found.thermal.iter().all(|modulus| modulus.is_finite());
    (finite && found.thermal_error.iter().all(told)).then_some(found)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use metabasin_atoms::{Purpose, Stress, random_stream};
    use metabasin_catalogue::{DisplacementField, SampleRecord};
    use rand_distr::{Distribution, Normal};

    use super::super::series::VisitedMinimum;
    use super::*;

    const FOLLOWED: Followed = Followed {
        volume: 400.0,
        // So many that their kinetic part stands far beyond the errors.
        atoms: 5000,
        temperature: 0.25,
    };
    const AFFINE: f64 = 40.0;
    /// Variances of the stress within an interval and of its mean over one.
    const SPREAD: [f64; 2] = [0.010, 0.003];

    static SAMPLE: LazyLock<SampleRecord> = LazyLock::new(|| SampleRecord {
        cell: [20.0, 20.0, 20.0, 0.0, 0.0, 0.0],
        positions: vec![[0.0; 3]; 2],
        species: vec![1, 2],
        ..SampleRecord::default()
    });

    /// So many states of its own whose mean stresses differ by `apart`, `stay` intervals in each in turn, and what
    /// lies between them elsewhere.
    fn series(
        (apart, states): (f64, usize),
        (stay, moments): (usize, usize),
        trajectory: u64,
    ) -> StationarySeries {
        let mut random = random_stream(3, Purpose::Bootstrap, 0, trajectory);
        let minimum = |energy: f64| VisitedMinimum {
            energy,
            stress: Stress::ZERO,
            displacement: DisplacementField::default(),
        };
        let [within, between] = SPREAD;
        let mut one = StationarySeries {
            minima: (0..states)
                .map(|state| minimum(state as f64 + 1e6 * trajectory as f64))
                .collect(),
            visits: Vec::new(),
            stresses: Vec::new(),
            squares: Vec::new(),
            affine: Vec::new(),
        };
        let law = Normal::new(0.0, between.sqrt()).unwrap();
        for moment in 0..moments {
            let state = (moment / stay) % states;
            // The interval in which it jumps is far off: it must not count.
            let jumped = moment > 0 && moment % stay == 0;
            let center = if jumped { 9.0 } else { apart * state as f64 };
            let means = [0; 3].map(|_| center + law.sample(&mut random));
            one.visits.push(state as u32);
            one.stresses
                .push(Stress([0.0, 0.0, 0.0, means[0], means[1], means[2]]));
            one.squares.push(means.map(|mean| mean * mean + within));
            one.affine.push([AFFINE; 3]);
        }
        one
    }

    fn told(apart: (f64, usize), times: (usize, usize)) -> Option<WellModuli> {
        let all: Vec<StationarySeries> = (0..6).map(|k| series(apart, times, k)).collect();
        let states = States::of(&all, &SAMPLE);
        well_moduli(&all, &states, &[[18.0, 17.0, 16.0], [16.0; 3]], &FOLLOWED)
    }

    /// G = B + ρ k_B T − (V/k_B T) (sum of both variances), however far the states lie apart; also where each
    /// stay is short, and each the only one in its state. A false alarm at five errors of five degrees of freedom is below 0.5 % each.
    #[test]
    fn stress_fluctuates_within_wells_only() {
        let expected = AFFINE + 5000.0 * 0.25 / 400.0 - 400.0 / 0.25 * SPREAD.iter().sum::<f64>();
        for (apart, states, stay) in [(0.0, 2, 50), (0.3, 2, 50), (0.3, 2, 4), (0.3, 100, 6)] {
            let found = told((apart, states), (stay, 600)).unwrap();
            assert_eq!(found.inherent, [17.0, 16.5, 16.0]);
            for (thermal, error) in found.thermal.iter().zip(found.thermal_error) {
                assert!(
                    (thermal - expected).abs() < 5.0 * error && error < 0.4,
                    "{apart} {states} {stay}: {found:?} {expected}"
                );
            }
        }
    }

    /// With as many states as intervals their means tell nothing, and neither does a short time.
    #[test]
    fn short_stays_tell_nothing() {
        assert_eq!(told((0.3, 2), (1, 600)), None);
        assert_eq!(told((0.3, 150), (4, 600)), None);
        assert_eq!(told((0.0, 2), (50, 15)), None);
        let few: Vec<StationarySeries> = (0..2).map(|k| series((0.0, 2), (50, 600), k)).collect();
        let states = States::of(&few, &SAMPLE);
        assert_eq!(well_moduli(&few, &states, &[[17.0; 3]], &FOLLOWED), None);
        assert_eq!(well_moduli(&few, &states, &[], &FOLLOWED), None);
    }
}
