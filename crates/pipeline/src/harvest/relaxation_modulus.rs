//! The relaxation modulus from stress fluctuations at zero load, without barriers or rates.

use metabasin_atoms::Stress;
use metabasin_files::findings::Measured;
use serde::{Deserialize, Serialize};

/// Trajectories without which no error is stated.
const LEAST_TRAJECTORIES: usize = 4;
/// Blocks of five correlation times that a resolved variance needs.
const LEAST_BLOCKS: f64 = 20.0;
/// The three shear components, by their place in a [`Stress`].
pub(crate) const SHEAR: [(usize, &str); 3] = [(3, "xy"), (4, "xz"), (5, "yz")];

/// The modulus a time after a step of strain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModulusPoint {
    /// Time `[τ]`.
    pub time: f64,
    /// G(t) `[energy / length³]`.
    pub modulus: f64,
    /// Its standard error; none of fewer than four trajectories.
    pub error: Option<f64>,
}

/// G(t) of one shear component at fixed cell, from stationary trajectories at zero load.
///
/// ```text
/// G(t) = G_IS − (V/k_B T) [C(0) − C(t)],   C(t) = <δσ_IS(0) δσ_IS(t)>
/// ```
///
/// with the stress σ_IS of the inherent structure at each moment and G_IS the relaxed stiffness of the
/// visited minima, averaged over moments: linear response of jumps between minima (Williams & Evans, J.
/// Chem. Phys. 132, 184105 (2010); Wittmer et al., J. Chem. Phys. 138, 12A533 (2013)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelaxationModulus {
    /// `xy`, `xz` or `yz`.
    pub component: String,
    /// G_IS = G(0) `[energy / length³]`.
    pub inherent: f64,
    /// Its standard error.
    pub inherent_error: Option<f64>,
    /// V C(0) / k_B T `[energy / length³]`.
    pub fluctuation: f64,
    /// Its standard error.
    pub fluctuation_error: Option<f64>,
    /// G(t), ascending in time.
    pub points: Vec<ModulusPoint>,
    /// ∫ C(t) dt / C(0), over five times itself `[τ]`.
    pub correlation_time: f64,
    /// G_IS − V C(0) / k_B T, where the fluctuations are resolved.
    pub equilibrium: Option<f64>,
    /// Its standard error.
    pub equilibrium_error: Option<f64>,
    /// Why the fluctuations are not resolved.
    pub unresolved: Option<String>,
    /// Regression of the stress of the dynamics, averaged between two quenches, on the mean of σ_IS at both:
    /// 1 where states differ in their mean stress as their inherent structures do, less where they do not
    /// or where they also flip between two quenches.
    pub stress_slope: Option<f64>,
    /// Its standard error.
    pub stress_slope_error: Option<f64>,
}

/// Stresses of several trajectories at equal intervals.
pub(crate) struct StressSeries<'a> {
    /// Of the inherent structures, a trajectory each.
    pub(crate) inherent: &'a [Vec<Stress>],
    /// Of the dynamics.
    pub(crate) dynamics: &'a [&'a [Stress]],
    /// Time between two moments `[τ]`.
    pub(crate) interval: f64,
    /// V / k_B T.
    pub(crate) volume_over_temperature: f64,
}

/// Σ over moments of δ(0) δ(lag), and how many, of trajectories around a mean.
fn sums(trajectories: &[&[f64]], mean: f64, lag: usize) -> (f64, f64) {
    let mut sum = 0.0;
    let mut count = 0.0;
    for trajectory in trajectories {
        let later = trajectory.get(lag..).unwrap_or_default();
        for (now, later) in trajectory.iter().zip(later) {
            sum += (now - mean) * (later - mean);
        }
        count += later.len() as f64;
    }
    (sum, count)
}

fn mean(trajectories: &[&[f64]]) -> f64 {
    let count: usize = trajectories.iter().map(|t| t.len()).sum();
    let sum: f64 = trajectories.iter().copied().flatten().sum();
    sum / count as f64
}

fn covariance(trajectories: &[&[f64]], lag: usize) -> f64 {
    let (sum, count) = sums(trajectories, mean(trajectories), lag);
    sum / count
}

/// A statistic of some of `n` trajectories, of all of them, and its jackknife error.
pub(crate) fn with_error(n: usize, of: &dyn Fn(&[usize]) -> f64) -> (f64, Option<f64>) {
    let all: Vec<usize> = (0..n).collect();
    let whole = of(&all);
    if n < LEAST_TRAJECTORIES {
        return (whole, None);
    }
    let without: Vec<f64> = (0..n)
        .map(|k| {
            let others: Vec<usize> = all.iter().copied().filter(|&other| other != k).collect();
            of(&others)
        })
        .collect();
    let mean = without.iter().sum::<f64>() / n as f64;
    let squares: f64 = without.iter().map(|v| (v - mean).powi(2)).sum();
    (whole, Some((squares * (n as f64 - 1.0) / n as f64).sqrt()))
}

/// These trajectories of all.
fn chosen<'a>(all: &[&'a [f64]], which: &[usize]) -> Vec<&'a [f64]> {
    which.iter().map(|&k| all[k]).collect()
}

impl RelaxationModulus {
    /// Of the component at `place` of a stress; `stiffness` holds its G_IS at moments drawn from the series.
    pub(crate) fn of(
        series: &StressSeries<'_>,
        (place, component): (usize, &'static str),
        stiffness: &[f64],
    ) -> Self {
        // From the first value: what never changes has no variance, not even by rounding.
        let first = series.inherent.iter().flatten().next();
        let origin = first.map_or(0.0, |stress| stress.0[place]);
        let pick = |stresses: &Vec<Stress>| -> Vec<f64> {
            stresses.iter().map(|s| s.0[place] - origin).collect()
        };
        let values: Vec<Vec<f64>> = series.inherent.iter().map(pick).collect();
        let all: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        let factor = series.volume_over_temperature;
        let Measured {
            value: inherent,
            error: inherent_error,
            ..
        } = Measured::of(stiffness);
        let (variance, variance_error) =
            with_error(all.len(), &|which| covariance(&chosen(&all, which), 0));
        let longest = all.iter().map(|t| t.len()).min().unwrap_or(0);
        let together = |error: Option<f64>| {
            let (a, b) = (inherent_error?, error? * factor);
            Some(a.hypot(b))
        };
        let mut points = vec![ModulusPoint {
            time: 0.0,
            modulus: inherent,
            error: inherent_error,
        }];
        let mut lag = 1;
        while lag <= longest / 4 {
            let (drop, error) = with_error(all.len(), &|which| {
                let these = chosen(&all, which);
                covariance(&these, 0) - covariance(&these, lag)
            });
            points.push(ModulusPoint {
                time: lag as f64 * series.interval,
                modulus: inherent - factor * drop,
                error: together(error),
            });
            lag *= 2;
        }
        let correlation_time = series.interval * correlation_moments(&all, variance, longest);
        let unresolved = unresolved(&all, correlation_time, series.interval);
        let (stress_slope, stress_slope_error) = slope(series, place, &all);
        let equilibrium = unresolved.is_none().then_some(inherent - factor * variance);
        Self {
            component: component.to_owned(),
            inherent,
            inherent_error,
            fluctuation: factor * variance,
            fluctuation_error: variance_error.map(|error| factor * error),
            points,
            correlation_time,
            equilibrium,
            equilibrium_error: equilibrium.and_then(|_| together(variance_error)),
            unresolved,
            stress_slope,
            stress_slope_error,
        }
    }
}

/// ∫ C(t)/C(0) in moments, over five times itself (Sokal, in Functional Integration, 1997, p. 131), at
/// most over half a trajectory.
fn correlation_moments(all: &[&[f64]], variance: f64, longest: usize) -> f64 {
    if variance <= 0.0 {
        return 0.0;
    }
    let mean = mean(all);
    let mut sum = 0.5;
    for lag in 1..=longest / 2 {
        if lag as f64 > 5.0 * sum {
            break;
        }
        let (products, count) = sums(all, mean, lag);
        sum += products / count / variance;
    }
    sum
}

fn unresolved(all: &[&[f64]], correlation_time: f64, interval: f64) -> Option<String> {
    if all.len() < LEAST_TRAJECTORIES {
        return Some(format!(
            "{} trajectories, {LEAST_TRAJECTORIES} at least are needed for an error",
            all.len()
        ));
    }
    let time = interval * all.iter().map(|t| t.len() as f64).sum::<f64>();
    let blocks = time / (5.0 * correlation_time);
    if blocks < LEAST_BLOCKS {
        return Some(format!(
            "{blocks:.1} blocks of five correlation times, {LEAST_BLOCKS} at least are needed"
        ));
    }
    let (change, error) = with_error(all.len(), &|which| {
        let t = chosen(all, which);
        let mean = mean(&t);
        let halves: Vec<(&[f64], &[f64])> = t.iter().map(|t| t.split_at(t.len() / 2)).collect();
        let [first, second]: [Vec<&[f64]>; 2] = [
            halves.iter().map(|h| h.0).collect(),
            halves.iter().map(|h| h.1).collect(),
        ];
        let [first, second] = [first, second].map(|half| {
            let (sum, count) = sums(&half, mean, 0);
            sum / count
        });
        second - first
    });
    let error = error?;
    (change.abs() > 2.0 * error).then(|| {
        "the variance of the second half is another than that of the first, beyond two errors"
            .to_owned()
    })
}

/// Regression of the stress of the dynamics between two quenches on the mean of σ_IS at both.
fn slope(series: &StressSeries<'_>, place: usize, all: &[&[f64]]) -> (Option<f64>, Option<f64>) {
    let pairs: Vec<Vec<(f64, f64)>> = all
        .iter()
        .zip(series.dynamics)
        .map(|(inherent, dynamics)| {
            let ends = inherent.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
            let between = dynamics.iter().skip(1).map(|stress| stress.0[place]);
            ends.zip(between).collect()
        })
        .collect();
    let regression = |which: &[usize]| {
        let these = || which.iter().flat_map(|&k| &pairs[k]);
        let count = these().count() as f64;
        let mean = these().map(|pair| pair.0).sum::<f64>() / count;
        let products: f64 = these().map(|(x, y)| (x - mean) * y).sum();
        let squares: f64 = these().map(|(x, _)| (x - mean).powi(2)).sum();
        products / squares
    };
    let (value, error) = with_error(all.len(), &regression);
    let known = |number: f64| number.is_finite().then_some(number);
    (known(value), error.and_then(known))
}

#[cfg(test)]
mod tests {
    use metabasin_atoms::{Purpose, random_stream};
    use rand::RngExt;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    /// A spin that flips at `rate` a moment, ±`size`; its correlation is size² exp(−2 rate t).
    fn telegraph(
        random: &mut impl RngExt,
        (rate, size): (f64, f64),
        moments: usize,
    ) -> Vec<Stress> {
        let mut up = random.random::<f64>() < 0.5;
        let flip = 0.5 * (1.0 - (-2.0 * rate).exp());
        (0..moments)
            .map(|_| {
                let here = if up { size } else { -size };
                up ^= random.random::<f64>() < flip;
                Stress([0.0, 0.0, 0.0, here, 0.0, 0.0])
            })
            .collect()
    }

    /// Dynamics that follow the states before and behind at a slope of 0.9 and shake by 0.3.
    fn shaken(random: &mut impl RngExt, states: &[Stress]) -> Vec<Stress> {
        let mut shake = || -> f64 { StandardNormal.sample(&mut *random) };
        let mut before = states[0];
        let mut follow = |state: &Stress| {
            let mean = (std::mem::replace(&mut before, *state) + *state) * 0.5;
            Stress(mean.0.map(|c| 0.9 * c + 0.3 * shake()))
        };
        states.iter().map(&mut follow).collect()
    }

    fn modulus(inherent: &[Vec<Stress>], dynamics: &[Vec<Stress>]) -> RelaxationModulus {
        let dynamics: Vec<&[Stress]> = dynamics.iter().map(Vec::as_slice).collect();
        let series = StressSeries {
            inherent,
            dynamics: &dynamics,
            interval: 0.5,
            volume_over_temperature: 1500.0,
        };
        RelaxationModulus::of(&series, SHEAR[0], &[15.0, 15.2, 14.8, 15.0])
    }

    /// 16 trajectories of 2,000 moments: every point is within four of its errors of the exact G(t), the
    /// errors are those of repeated draws within 40 % (40 draws), and the slope is the one put in. A false
    /// alarm in 1,000.
    #[test]
    fn a_spin_that_flips_softens_as_linear_response_says() {
        let mut random = random_stream(11, Purpose::InitialVelocities, 0, 0);
        let (rate, size) = (0.02, 0.05);
        let mut deviations = Vec::new();
        for _ in 0..40 {
            let states: Vec<Vec<Stress>> = (0..16)
                .map(|_| telegraph(&mut random, (rate, size), 2000))
                .collect();
            let dynamics: Vec<Vec<Stress>> =
                states.iter().map(|s| shaken(&mut random, s)).collect();
            let found = modulus(&states, &dynamics);
            for point in &found.points {
                // A moment is 0.5 tau.
                let kept = (-2.0 * rate * point.time / 0.5).exp();
                let exact = 15.0 - 1500.0 * size * size * (1.0 - kept);
                let z = (point.modulus - exact) / point.error.unwrap();
                assert!(z.abs() < 4.5, "{point:?} {exact}");
            }
            assert!(
                (found.correlation_time - 0.5 / (2.0 * rate)).abs() < 4.0 * 1.6,
                "{found:?}"
            );
            assert!(found.unresolved.is_none(), "{:?}", found.unresolved);
            let equilibrium = found.equilibrium.unwrap();
            assert_eq!(equilibrium, found.inherent - found.fluctuation);
            assert!(
                (found.stress_slope.unwrap() - 0.9).abs() < 4.0 * 0.034,
                "{found:?}"
            );
            let point = found.points[6];
            let exact = 15.0 - 3.75 * (1.0 - (-2.0 * rate * point.time / 0.5).exp());
            let spread =
                (point.error.unwrap().powi(2) - found.inherent_error.unwrap().powi(2)).sqrt();
            deviations.push((point.modulus - exact) / spread);
        }
        let squares: f64 = deviations.iter().map(|z| z * z).sum();
        let spread = (squares / deviations.len() as f64).sqrt();
        assert!((0.6..1.6).contains(&spread), "{spread}");
    }

    #[test]
    fn what_is_too_slow_or_changes_is_not_resolved() {
        let mut random = random_stream(5, Purpose::InitialVelocities, 0, 0);
        let slow: Vec<Vec<Stress>> = (0..4)
            .map(|_| telegraph(&mut random, (0.002, 0.05), 500))
            .collect();
        let found = modulus(&slow, &slow);
        assert!(found.unresolved.unwrap().contains("blocks"));
        assert_eq!((found.equilibrium, found.equilibrium_error), (None, None));
        let mut changing: Vec<Vec<Stress>> = (0..8)
            .map(|_| telegraph(&mut random, (0.2, 0.05), 1000))
            .collect();
        for trajectory in &mut changing {
            for stress in &mut trajectory[500..] {
                stress.0[3] *= 2.0;
            }
        }
        let found = modulus(&changing, &changing);
        assert!(found.unresolved.unwrap().contains("second half"));
        let few = modulus(&slow[..3], &slow[..3]);
        assert!(few.unresolved.unwrap().contains("trajectories"));
        assert!(few.points[1].error.is_none());
    }

    #[test]
    fn where_nothing_flips_the_modulus_stays() {
        let still = vec![vec![Stress([0.1; 6]); 100]; 4];
        let found = modulus(&still, &still);
        assert_eq!((found.fluctuation, found.stress_slope), (0.0, None));
        assert!(found.points.iter().all(|point| point.modulus == 15.0));
        assert_eq!(found.equilibrium, Some(15.0));
    }
}
