//! Departures that are not excursions.

/// A departure from a metabasin without return for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastingExit {
    /// The moment after the last one in the metabasin.
    pub moment: usize,
    /// The metabasin that was left.
    pub from: usize,
    /// The one in which the trajectory is when the time for a return is over.
    pub to: usize,
}

/// The lasting exits of a trajectory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exits {
    /// In order.
    pub exits: Vec<LastingExit>,
    /// The metabasin that each moment belongs to, excursions being part of what they return to; none for
    /// the moments at the end of which it cannot be told.
    pub belongs: Vec<Option<usize>>,
}

/// Looks for lasting exits along a trajectory of metabasins: one is left at a moment if the trajectory
/// is elsewhere then and for all `window` moments behind.
pub fn lasting_exits(trajectory: &[usize], window: usize) -> Exits {
    let mut found = Exits::default();
    let Some(&first) = trajectory.first() else {
        return found;
    };
    let mut current = first;
    let mut moment = 0;
    while moment < trajectory.len() {
        if trajectory[moment] == current {
            found.belongs.push(Some(current));
            moment += 1;
            continue;
        }
        let Some(time) = trajectory.get(moment..=moment + window) else {
            // The trajectory ends before it is known.
            found.belongs.resize(trajectory.len(), None);
            return found;
        };
        if let Some(back) = time.iter().rposition(|&there| there == current) {
            found.belongs.resize(moment + back + 1, Some(current));
            moment += back + 1;
            continue;
        }
        let to = trajectory[moment + window];
        found.exits.push(LastingExit {
            moment,
            from: current,
            to,
        });
        current = to;
        found.belongs.resize(moment + window, Some(to));
        moment += window;
    }
    found
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    #[test]
    fn an_excursion_is_no_exit() {
        let found = lasting_exits(&[0, 0, 1, 0, 1, 1, 1, 2, 2, 2, 2, 0, 2, 1], 2);
        let exit = |moment, from, to| LastingExit { moment, from, to };
        assert_eq!(found.exits, [exit(4, 0, 1), exit(7, 1, 2)]);
        let belongs: Vec<i64> = found
            .belongs
            .iter()
            .map(|b| b.map_or(-1, |b| b as i64))
            .collect();
        assert_eq!(belongs, [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, -1]);
        assert_eq!(lasting_exits(&[], 2), Exits::default());
        assert_eq!(lasting_exits(&[3, 3], 2).belongs, [Some(3); 2]);
    }

    /// Left at the chance p a moment, back at q: an exit lasts if no return comes within the window, at
    /// the chance (1 - q)^window. 200,000 moments; the number of exits is within 4 deviations of the
    /// exact one, a false alarm in 1e4.
    #[test]
    fn the_rate_of_lasting_exits_is_that_of_exits_times_the_chance_to_stay_away() {
        let (p, q, window) = (0.02, 0.2, 5);
        let mut random = Pcg64::seed_from_u64(7);
        let mut state = 0;
        let trajectory: Vec<usize> = (0..200_000)
            .map(|_| {
                let here = state;
                let chance = if state == 0 { p } else { q };
                if random.random::<f64>() < chance {
                    state = 1 - state;
                }
                here
            })
            .collect();
        let found = lasting_exits(&trajectory, window);
        let at_risk = trajectory
            .iter()
            .zip(&found.belongs)
            .filter(|(here, belongs)| **here == 0 && **belongs == Some(0))
            .count() as f64;
        let exits = found.exits.iter().filter(|exit| exit.from == 0).count() as f64;
        let expected = at_risk * p * (1.0_f64 - q).powi(window as i32);
        assert!(
            (exits - expected).abs() < 4.0 * expected.sqrt(),
            "{exits} {expected}"
        );
    }
}
