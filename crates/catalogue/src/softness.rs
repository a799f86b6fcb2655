//! What makes a place soft: events and their barriers against what is known of the atoms that move.

use metabasin_atoms::{Purpose, random_stream};
use rand::RngExt;
use serde::Serialize;

use crate::correlation::{pearson, ranks};
use crate::statistics::spread;
use crate::{EventRecord, StatisticsOptions};

/// An atom takes part in an event where it goes farther than this share of the farthest.
pub const TAKES_PART: f64 = 0.1;
/// Share of the atoms that are called the softest, and of those with a barrier that are called the hardest.
const EXTREME: f64 = 0.05;
/// Atoms by a measure: the lower, the middle and the upper third.
const THIRDS: usize = 3;

/// A number with its bootstrap error over events; none where it is not defined, or for too few resamples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimated {
    /// The number.
    pub value: Option<f64>,
    /// Its standard error.
    pub error: Option<f64>,
}

/// One measure of the atoms against the events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureSoftness {
    /// Name of the measure.
    pub name: String,
    /// Probability that one of the softest atoms has a larger value than one of all others, ties counting half: 0.5 says
    /// nothing, below 0.5 small values are soft.
    pub auc_softest: Estimated,
    /// The same of the hardest atoms among those that take part in any event.
    pub auc_hardest: Estimated,
    /// Spearman's coefficient of the measure and the lowest barrier, over atoms that take part in any event.
    pub spearman: Estimated,
    /// Events in which an atom takes part: mean over the atoms in the lower, middle and upper third of the measure.
    pub events_per_atom: [Estimated; THIRDS],
    /// Mean over the same of the lowest barrier, where an atom has any `[energy]`.
    pub lowest_barrier: [Estimated; THIRDS],
}

/// All measures against the events of a catalogue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SoftnessTable {
    /// Atoms.
    pub atoms: usize,
    /// Atoms that take part in an event.
    pub atoms_with_events: usize,
    /// Events.
    pub events: usize,
    /// Barrier of the hardest of the softest atoms, and of the softest of the hardest `[energy]`.
    pub soft_below: f64,
    /// See [`SoftnessTable::soft_below`].
    pub hard_above: f64,
    /// A row each.
    pub measures: Vec<MeasureSoftness>,
}

/// In how many events each atom takes part, and the lowest barrier of them; no number where there is none.
pub fn involvement(events: &[EventRecord], atoms: usize) -> (Vec<u32>, Vec<f64>) {
    let members = members(events);
    involvement_of(members.iter(), atoms)
}

/// Barrier and atoms of every event.
fn members(events: &[EventRecord]) -> Vec<(f64, Vec<u32>)> {
    let of = |event: &EventRecord| {
        let field = &event.displacement_final;
        let far = |u: &[f64; 3]| {
            u.iter().map(|c| c * c).sum::<f64>().sqrt() > TAKES_PART * event.largest_displacement
        };
        let moved = field.atoms.iter().zip(&field.displacements);
        let atoms = moved.filter(|(_, u)| far(u)).map(|(&atom, _)| atom);
        (event.barrier_forward, atoms.collect())
    };
    events.iter().map(of).collect()
}

fn involvement_of<'a>(
    events: impl Iterator<Item = &'a (f64, Vec<u32>)>,
    atoms: usize,
) -> (Vec<u32>, Vec<f64>) {
    let (mut counts, mut lowest) = (vec![0; atoms], vec![f64::NAN; atoms]);
    for (barrier, members) in events {
        for &atom in members {
            let atom = atom as usize;
            if atom < atoms {
                counts[atom] += 1;
                // The minimum of a number and none is the number.
                lowest[atom] = lowest[atom].min(*barrier);
            }
        }
    }
    (counts, lowest)
}

/// Probability that a value of `members` is larger than one of the others, ties counting half (Mann and Whitney's U over
/// the number of pairs, the area under the ROC curve); `None` unless there are both.
pub fn area_under_curve(values: &[f64], members: &[bool]) -> Option<f64> {
    let inside = members.iter().filter(|yes| **yes).count();
    let outside = members.len() - inside;
    if inside == 0 || outside == 0 || values.len() != members.len() {
        return None;
    }
    let sum: f64 = (ranks(values).iter().zip(members))
        .filter(|(_, yes)| **yes)
        .map(|(rank, _)| rank)
        .sum();
    let pairs = inside as f64 * outside as f64;
    Some((sum - 0.5 * inside as f64 * (inside as f64 + 1.0)) / pairs)
}

/// What one set of events says of one measure: softest, hardest, Spearman, events per atom, barriers.
type Numbers = [Option<f64>; 3 + 2 * THIRDS];

/// The soft and the hard atoms of a set of events.
struct Extremes {
    counts: Vec<u32>,
    lowest: Vec<f64>,
    soft: Vec<bool>,
    soft_below: f64,
    /// Numbers of the atoms that take part in any event, and which of them are hard.
    involved: Vec<usize>,
    hard: Vec<bool>,
    hard_above: f64,
}

impl Extremes {
    fn of(counts: Vec<u32>, lowest: Vec<f64>) -> Option<Self> {
        let atoms = counts.len();
        let involved: Vec<usize> = (0..atoms).filter(|&i| counts[i] > 0).collect();
        let mut order = involved.clone();
        order.sort_by(|&i, &j| lowest[i].total_cmp(&lowest[j]).then(i.cmp(&j)));
        // All that tie with the last one belong to them: it is one event that moves several atoms.
        let softest = ((EXTREME * atoms as f64).ceil() as usize).min(order.len());
        let hardest = (EXTREME * order.len() as f64).ceil() as usize;
        let soft_below = lowest[*order.get(softest.checked_sub(1)?)?];
        let hard_above = lowest[order[order.len() - hardest.max(1)]];
        Some(Self {
            soft: (0..atoms).map(|i| lowest[i] <= soft_below).collect(),
            hard: involved.iter().map(|&i| lowest[i] >= hard_above).collect(),
            counts,
            lowest,
            soft_below,
            involved,
            hard_above,
        })
    }

    fn numbers(&self, values: &[f64], third: &[usize]) -> Numbers {
        let among: Vec<f64> = self.involved.iter().map(|&i| values[i]).collect();
        let barriers: Vec<f64> = self.involved.iter().map(|&i| self.lowest[i]).collect();
        let mut numbers: Numbers = [None; 3 + 2 * THIRDS];
        numbers[0] = area_under_curve(values, &self.soft);
        numbers[1] = area_under_curve(&among, &self.hard);
        numbers[2] = pearson(&ranks(&among), &ranks(&barriers));
        let mean = |of: &mut dyn Iterator<Item = f64>| {
            let (sum, count) = of.fold((0.0, 0), |(sum, count), x| (sum + x, count + 1));
            (count > 0).then(|| sum / f64::from(count))
        };
        for k in 0..THIRDS {
            let of_third = || (0..values.len()).filter(|&i| third[i] == k);
            numbers[3 + k] = mean(&mut of_third().map(|i| f64::from(self.counts[i])));
            let known = of_third().filter(|&i| self.counts[i] > 0);
            numbers[3 + THIRDS + k] = mean(&mut known.map(|i| self.lowest[i]));
        }
        numbers
    }
}

/// The third in which each value lies; equal values lie in one.
fn thirds(values: &[f64]) -> Vec<usize> {
    let count = values.len() as f64;
    let third = |rank: f64| ((THIRDS as f64 * (rank - 0.5) / count) as usize).min(THIRDS - 1);
    ranks(values).into_iter().map(third).collect()
}

impl SoftnessTable {
    /// Of measures of all atoms, each a name and one value an atom, and of the verified events of a sample, with errors by
    /// bootstrap over events; `None` where no atom takes part in any event.
    pub fn of(
        measures: &[(String, Vec<f64>)],
        events: &[EventRecord],
        atoms: usize,
        options: &StatisticsOptions,
    ) -> Option<Self> {
        let members = members(events);
        let of = |chosen: &[&(f64, Vec<u32>)]| {
            let (counts, lowest) = involvement_of(chosen.iter().copied(), atoms);
            Extremes::of(counts, lowest)
        };
        let all = of(&members.iter().collect::<Vec<_>>())?;
        let thirds: Vec<Vec<usize>> = measures.iter().map(|(_, values)| thirds(values)).collect();
        let mut drawn: Vec<[Vec<f64>; 3 + 2 * THIRDS]> = vec![Default::default(); measures.len()];
        for index in 0..options.resamples as u64 {
            let mut random = random_stream(options.seed, Purpose::Bootstrap, 0, index);
            let chosen: Vec<&(f64, Vec<u32>)> = members
                .iter()
                .map(|_| &members[random.random_range(0..members.len())])
                .collect();
            let Some(extremes) = of(&chosen) else {
                continue;
            };
            for (((_, values), third), drawn) in measures.iter().zip(&thirds).zip(&mut drawn) {
                for (drawn, number) in drawn.iter_mut().zip(extremes.numbers(values, third)) {
                    drawn.extend(number);
                }
            }
        }
        let rows =
            measures
                .iter()
                .zip(&thirds)
                .zip(&drawn)
                .map(|(((name, values), third), drawn)| {
                    let numbers = all.numbers(values, third);
                    let estimated = |k: usize| Estimated {
                        value: numbers[k],
                        error: (numbers[k].is_some() && drawn[k].len() > 1)
                            .then(|| spread(&drawn[k])),
                    };
                    MeasureSoftness {
                        name: name.clone(),
                        auc_softest: estimated(0),
                        auc_hardest: estimated(1),
                        spearman: estimated(2),
                        events_per_atom: [3, 4, 5].map(estimated),
                        lowest_barrier: [6, 7, 8].map(estimated),
                    }
                });
        Some(Self {
            atoms,
            atoms_with_events: all.involved.len(),
            events: events.len(),
            soft_below: all.soft_below,
            hard_above: all.hard_above,
            measures: rows.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DisplacementField;

    #[test]
    fn the_area_is_that_of_a_table_made_by_hand() {
        // Members 3 and 2 against 1, 2 and 0: 3 beats all three, 2 beats two and ties with one.
        let values = [3.0, 1.0, 2.0, 2.0, 0.0];
        let members = [true, false, true, false, false];
        assert_eq!(area_under_curve(&values, &members), Some(5.5 / 6.0));
        let turned = values.map(|value: f64| -value);
        assert_eq!(area_under_curve(&turned, &members), Some(0.5 / 6.0));
        assert_eq!(area_under_curve(&[7.0; 5], &members), Some(0.5));
        assert_eq!(area_under_curve(&values, &[true; 5]), None);
        assert_eq!(area_under_curve(&values, &[false; 5]), None);
    }

    fn event(barrier_forward: f64, moved: &[(u32, f64)]) -> EventRecord {
        EventRecord {
            barrier_forward,
            largest_displacement: moved.iter().map(|(_, u)| *u).fold(0.0, f64::max),
            displacement_final: DisplacementField {
                atoms: moved.iter().map(|(atom, _)| *atom).collect(),
                displacements: moved.iter().map(|(_, u)| [*u, 0.0, 0.0]).collect(),
                rest_norm: 0.0,
            },
            ..EventRecord::default()
        }
    }

    #[test]
    fn who_hardly_moves_takes_no_part() {
        let events = [
            event(2.0, &[(0, 1.0), (1, 0.05)]),
            event(1.5, &[(0, 0.4), (2, 0.3)]),
        ];
        let (counts, lowest) = involvement(&events, 4);
        assert_eq!(counts, [2, 0, 1, 0]);
        assert_eq!((lowest[0], lowest[2]), (1.5, 1.5));
        assert!(lowest[1].is_nan() && lowest[3].is_nan());
    }

    /// A hundred atoms, one event each of the first sixty, its barrier rising with their number.
    fn ladder() -> Vec<EventRecord> {
        (0..60)
            .map(|i| event(1.0 + f64::from(i), &[(i, 1.0)]))
            .collect()
    }

    #[test]
    fn a_measure_that_knows_everything_has_areas_of_zero_and_one() {
        let rising: Vec<f64> = (0..100).map(f64::from).collect();
        // A digit of the number: nothing about softness.
        let blind: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100)).collect();
        let measures = [("rising".to_owned(), rising), ("blind".to_owned(), blind)];
        let options = StatisticsOptions {
            resamples: 200,
            ..StatisticsOptions::default()
        };
        let table = SoftnessTable::of(&measures, &ladder(), 100, &options).unwrap();
        assert_eq!((table.atoms_with_events, table.events), (60, 60));
        // The five softest of a hundred, the three hardest of sixty.
        assert_eq!((table.soft_below, table.hard_above), (5.0, 58.0));
        let knowing = &table.measures[0];
        assert_eq!(knowing.auc_softest.value, Some(0.0));
        assert_eq!(knowing.auc_hardest.value, Some(1.0));
        assert!((knowing.spearman.value.unwrap() - 1.0).abs() < 1e-12);
        // Thirds of 33, 34 and 33 atoms: 33, 27 and no events.
        let density = knowing.events_per_atom.map(|of| of.value.unwrap());
        assert!((density[0] - 1.0).abs() < 1e-12 && (density[1] - 27.0 / 34.0).abs() < 1e-12);
        assert_eq!(density[2], 0.0);
        assert_eq!(knowing.lowest_barrier[0].value, Some(17.0));
        assert_eq!(knowing.lowest_barrier[2].value, None);
        let blind = &table.measures[1];
        let (area, error) = (
            blind.auc_softest.value.unwrap(),
            blind.auc_softest.error.unwrap(),
        );
        assert!(
            error > 0.02 && (area - 0.5).abs() < 4.0 * error,
            "{area} {error}"
        );
        assert!(SoftnessTable::of(&measures, &[], 100, &options).is_none());
    }

    #[test]
    fn equal_values_lie_in_one_third() {
        assert_eq!(thirds(&[0.0, 0.0, 0.0, 1.0]), [1, 1, 1, 2]);
        assert_eq!(thirds(&[3.0, 1.0, 2.0]), [2, 0, 1]);
    }
}
