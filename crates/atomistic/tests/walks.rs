//! Walks on land whose minima and saddles are known.
#![cfg(test)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use metabasin_atomistic::{
    AtomisticError, Minimum, Round, StepKind, Terrain, Walk, WalkSettings, WayOut,
};
use nalgebra::{DMatrix, DVector};

/// Double wells side by side, one coordinate a site:
///
/// ```text
/// E = Σ_i [h_i (x_i² − 1)² + c_i x_i] + J Σ_i x_i x_{i+1}
/// ```
struct Wells {
    heights: Vec<f64>,
    tilts: Vec<f64>,
    coupling: f64,
    /// Sites this close to one that moves belong to its surroundings.
    shell: u32,
}

impl Wells {
    fn apart() -> Self {
        Self {
            heights: vec![1.0, 0.7, 1.4],
            tilts: vec![0.1, -0.15, 0.2],
            coupling: 0.0,
            shell: 0,
        }
    }

    fn coupled() -> Self {
        Self {
            coupling: 0.12,
            shell: 1,
            ..Self::apart()
        }
    }

    fn energy(&self, x: &[f64]) -> f64 {
        (0..x.len())
            .map(|i| {
                let pair = x.get(i + 1).map_or(0.0, |next| self.coupling * x[i] * next);
                self.heights[i] * (x[i] * x[i] - 1.0).powi(2) + self.tilts[i] * x[i] + pair
            })
            .sum()
    }

    fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let n = x.len();
        (0..n)
            .map(|i| {
                let own = 4.0 * self.heights[i] * x[i] * (x[i] * x[i] - 1.0) + self.tilts[i];
                let left = if i > 0 { x[i - 1] } else { 0.0 };
                let right = if i + 1 < n { x[i + 1] } else { 0.0 };
                own + self.coupling * (left + right)
            })
            .collect()
    }

    fn hessian(&self, x: &[f64]) -> DMatrix<f64> {
        DMatrix::from_fn(x.len(), x.len(), |i, j| {
            if i == j {
                4.0 * self.heights[i] * (3.0 * x[i] * x[i] - 1.0)
            } else if i.abs_diff(j) == 1 {
                self.coupling
            } else {
                0.0
            }
        })
    }

    /// The stationary point next to `x` by Newton's method.
    fn stationary(&self, x: &[f64]) -> Vec<f64> {
        let mut x = x.to_vec();
        for _ in 0..60 {
            let gradient = DVector::from_vec(self.gradient(&x));
            let step = self.hessian(&x).lu().solve(&gradient).unwrap();
            for (x, step) in x.iter_mut().zip(step.iter()) {
                *x -= step;
            }
        }
        x
    }

    fn minimum(&self, x: &[f64]) -> Minimum {
        let x = self.stationary(&x.iter().map(|x| x.signum()).collect::<Vec<f64>>());
        Minimum {
            energy: self.energy(&x),
            x,
        }
    }

    /// The way over the barrier of one site.
    fn over(&self, minimum: &Minimum, site: usize) -> WayOut {
        let mut guess = minimum.x.clone();
        guess[site] = 0.0;
        let saddle = self.stationary(&guess);
        let mut beyond = minimum.x.clone();
        beyond[site] = -beyond[site];
        let end = self.minimum(&beyond);
        WayOut {
            barrier: self.energy(&saddle) - minimum.energy,
            end_energy: end.energy - minimum.energy,
            saddle: self.displacement(&minimum.x, &saddle),
            end: self.displacement(&minimum.x, &end.x),
            prefactors: None,
        }
    }

    /// All its minima, by the signs of the coordinates as bits.
    fn minima(&self) -> Vec<Minimum> {
        let n = self.heights.len();
        (0..1 << n)
            .map(|bits: usize| {
                let signs: Vec<f64> = (0..n)
                    .map(|i| if bits >> i & 1 == 1 { 1.0 } else { -1.0 })
                    .collect();
                self.minimum(&signs)
            })
            .collect()
    }
}

fn bits(x: &[f64]) -> usize {
    x.iter()
        .enumerate()
        .map(|(i, x)| usize::from(*x > 0.0) << i)
        .sum()
}

impl Terrain for Wells {
    fn site_dimension(&self) -> usize {
        1
    }

    fn relax(&self, x: &[f64]) -> Result<(Minimum, u64), AtomisticError> {
        Ok((self.minimum(x), 1))
    }

    fn displacement(&self, from: &[f64], to: &[f64]) -> Vec<f64> {
        from.iter().zip(to).map(|(from, to)| to - from).collect()
    }

    fn surroundings(&self, x: &[f64], core: &[u32]) -> Vec<u32> {
        (0..x.len() as u32)
            .filter(|site| core.iter().any(|other| site.abs_diff(*other) <= self.shell))
            .collect()
    }

    fn search(
        &self,
        minimum: &Minimum,
        around: Option<&[u32]>,
        _effort: u32,
        _round: u64,
    ) -> Result<Round, AtomisticError> {
        let ways: Vec<WayOut> = (0..self.heights.len())
            .filter(|&site| around.is_none_or(|around| around.contains(&(site as u32))))
            .map(|site| self.over(minimum, site))
            .collect();
        Ok(Round {
            searches: ways.len() as u64,
            ways,
            evaluations: 1,
        })
    }

    fn confirm(
        &self,
        minimum: &Minimum,
        saddle: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        let site = (0..saddle.len()).find(|&i| (minimum.x[i] + saddle[i]).abs() < 0.5);
        Ok((site.map(|site| self.over(minimum, site)), 1))
    }
}

/// Wells that write down from where dynamics was asked for, by the signs of the coordinates.
struct Asked {
    wells: Wells,
    /// From which minimum, whether at the hotter temperature, in which round.
    from: Mutex<Vec<(usize, bool, u64)>>,
}

impl Terrain for Asked {
    fn site_dimension(&self) -> usize {
        self.wells.site_dimension()
    }
    fn relax(&self, x: &[f64]) -> Result<(Minimum, u64), AtomisticError> {
        self.wells.relax(x)
    }
    fn displacement(&self, from: &[f64], to: &[f64]) -> Vec<f64> {
        self.wells.displacement(from, to)
    }
    fn surroundings(&self, x: &[f64], core: &[u32]) -> Vec<u32> {
        self.wells.surroundings(x, core)
    }
    fn search(
        &self,
        minimum: &Minimum,
        around: Option<&[u32]>,
        effort: u32,
        round: u64,
    ) -> Result<Round, AtomisticError> {
        self.wells.search(minimum, around, effort, round)
    }
    fn exits(
        &self,
        minimum: &Minimum,
        known: &[Vec<f64>],
        (temperature, trajectories): (f64, u32),
        round: u64,
    ) -> Result<Round, AtomisticError> {
        let heats = [1.5, 3.0].map(|heat: f64| (temperature - heat * 0.15).abs() < 1e-12);
        assert!(heats.contains(&true) && trajectories == 48);
        for neighbor in known {
            let there: Vec<f64> = minimum.x.iter().zip(neighbor).map(|(x, u)| x + u).collect();
            let (relaxed, _) = self.wells.relax(&there)?;
            assert_ne!(bits(&relaxed.x), bits(&minimum.x));
        }
        // Of three wells, the one that was just come from among them.
        assert!(!known.is_empty() && known.len() <= 3, "{}", known.len());
        let look = (bits(&minimum.x), heats[1], round);
        self.from.lock().unwrap().push(look);
        Ok(Round::default())
    }
    fn confirm(
        &self,
        minimum: &Minimum,
        saddle: &[f64],
    ) -> Result<(Option<WayOut>, u64), AtomisticError> {
        self.wells.confirm(minimum, saddle)
    }
}

#[test]
fn dynamics_looks_once_from_every_minimum_in_which_the_walk_stops() {
    let asked = Asked {
        wells: Wells::coupled(),
        from: Mutex::new(Vec::new()),
    };
    let mut walk = Walk::start(&asked, &[-1.0; 3], &[], settings(1, 0.15)).unwrap();
    let mut stopped = vec![bits(&walk.minimum().x)];
    for _ in 0..12 {
        let step = walk.step(&asked, f64::INFINITY).unwrap();
        if step.kind == StepKind::Discovered {
            stopped.push(bits(&walk.minimum().x));
        }
    }
    let from = asked.from.into_inner().unwrap();
    let looks: BTreeSet<(usize, bool)> = from.iter().map(|look| (look.0, look.1)).collect();
    let rounds: BTreeSet<u64> = from.iter().map(|look| look.2).collect();
    assert!(stopped.len() > 1);
    for minimum in stopped {
        assert!(looks.contains(&(minimum, false)) && looks.contains(&(minimum, true)));
    }
    // Once each at either temperature, from streams of their own.
    assert_eq!((looks.len(), rounds.len()), (from.len(), from.len()));
}

fn settings(seed: u64, temperature: f64) -> WalkSettings {
    WalkSettings {
        temperature,
        attempt_frequency: 1.0,
        core_move: 0.3,
        same_place: 0.1,
        seed,
        ..WalkSettings::default()
    }
}

fn start(wells: &Wells, seed: u64, temperature: f64) -> Walk {
    Walk::start(wells, &[-1.0; 3], &[], settings(seed, temperature)).unwrap()
}

#[test]
fn the_first_minimum_is_left_after_one_over_the_sum_of_the_rates() {
    let temperature = 0.15;
    for wells in [Wells::apart(), Wells::coupled()] {
        let minimum = wells.minimum(&[-1.0; 3]);
        let rates: Vec<f64> = (0..3)
            .map(|site| (-wells.over(&minimum, site).barrier / temperature).exp())
            .collect();
        let total: f64 = rates.iter().sum();
        let draws = 20_000;
        let (mut time, mut first) = (0.0, [0.0; 3]);
        for seed in 0..draws {
            let mut walk = start(&wells, seed, temperature);
            let step = walk.step(&wells, f64::INFINITY).unwrap();
            assert_eq!(step.kind, StepKind::Discovered);
            time += step.time;
            let moved = walk.minimum().x.iter().position(|x| *x > 0.0);
            first[moved.unwrap()] += 1.0;
        }
        let draws = draws as f64;
        // An exponential scatters by its mean; four standard errors: false in 6e-5 of all seeds,
        // with three choices by their binomials 2.5e-4.
        let error = 1.0 / (total * draws.sqrt());
        assert!((time / draws - 1.0 / total).abs() < 4.0 * error);
        // A time 5 % off shows.
        assert!((time / draws - 1.05 / total).abs() > 2.0 * error);
        for (count, rate) in first.iter().zip(&rates) {
            let p = rate / total;
            assert!((count / draws - p).abs() < 4.0 * (p * (1.0 - p) / draws).sqrt());
        }
    }
}

/// Shares of the times at which a walk is seen in each minimum, at intervals much longer than it
/// remembers.
fn seen(wells: &Wells, temperature: f64, looks: u32) -> (Walk, Vec<f64>) {
    let mut walk = start(wells, 5, temperature);
    let mut seen = vec![0.0; 8];
    for look in 1..=looks {
        let until = f64::from(look) * 4000.0;
        while walk.step(wells, until).unwrap().kind != StepKind::TimeUp {}
        seen[bits(&walk.minimum().x)] += 1.0 / f64::from(looks);
    }
    (walk, seen)
}

#[test]
fn minima_are_seen_as_often_as_boltzmann_says() {
    // Slowest barrier 1.6 at T = 0.25: it is passed about every e^6.4 = 600, so that looks 4000
    // apart are independent (e^-6). Chi-square with 7 degrees of freedom: above 29.9 in 1e-4 of
    // all seeds, both lands 2e-4.
    let (temperature, looks) = (0.25, 4000);
    for wells in [Wells::apart(), Wells::coupled()] {
        let minima = wells.minima();
        let weights: Vec<f64> = minima
            .iter()
            .map(|minimum| (-minimum.energy / temperature).exp())
            .collect();
        let sum: f64 = weights.iter().sum();
        let (walk, seen) = seen(&wells, temperature, looks);
        let chi_square = |tempering: f64| -> f64 {
            let weights: Vec<f64> = weights.iter().map(|w| w.powf(tempering)).collect();
            let sum: f64 = weights.iter().sum();
            seen.iter()
                .zip(&weights)
                .map(|(seen, w)| f64::from(looks) * (seen - w / sum).powi(2) / (w / sum))
                .sum()
        };
        assert!(chi_square(1.0) < 29.9, "{seen:?} {weights:?} {sum}");
        // A temperature 15 % off shows.
        assert!(chi_square(1.15) > 29.9);
        // All is known in the end: three pairs, or one region with all eight minima.
        let row = walk.row(StepKind::Start, None, 0);
        let expected = if wells.coupling == 0.0 {
            (3, 6)
        } else {
            (1, 8)
        };
        assert_eq!(
            (row.regions, row.states, row.exits),
            (expected.0, expected.1, 0)
        );
        assert!(row.interaction.abs() < 1e-9);
    }
}

#[test]
fn a_walk_goes_on_from_where_it_was_stored() {
    let wells = Wells::coupled();
    let mut walk = start(&wells, 9, 0.2);
    let mut kept = None;
    let mut steps = Vec::new();
    for number in 0..12 {
        if number == 5 {
            kept = Some(serde_json::to_string(&walk).unwrap());
        }
        steps.push(walk.step(&wells, 1e6).unwrap());
    }
    let mut again: Walk = serde_json::from_str(&kept.unwrap()).unwrap();
    let resumed: Vec<_> = (5..12).map(|_| again.step(&wells, 1e6).unwrap()).collect();
    assert_eq!(resumed, steps[5..]);
    assert!(again == walk);
}

#[test]
fn settings_out_of_bounds_and_foreign_states_are_refused() {
    let wells = Wells::apart();
    let bad = WalkSettings {
        temperature: f64::NAN,
        ..settings(1, 0.2)
    };
    let error = Walk::start(&wells, &[-1.0; 3], &[], bad).unwrap_err();
    assert!(error.to_string().contains("temperature"));
    let blind = WalkSettings {
        highest_barrier: 0.01,
        ..settings(1, 0.2)
    };
    let error = Walk::start(&wells, &[-1.0; 3], &[], blind).unwrap_err();
    assert!(matches!(
        error,
        AtomisticError::NoWayOut { searches: 3, .. }
    ));
    let error = start(&wells, 1, 0.2).check(&[0.0; 6]).unwrap_err();
    assert!(matches!(
        error,
        AtomisticError::ForeignState {
            stored: 3,
            given: 6
        }
    ));
}
