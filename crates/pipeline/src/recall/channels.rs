//! Exits told apart, and laid beside a catalogue.

use metabasin_catalogue::{EventRecord, SampleRecord};
use metabasin_landscape::same_minimum;
use serde::Serialize;

use super::first_exit::Exit;
use crate::poisson;

/// Minima whose atoms are this close are the same `[length]`: both are converged far better.
const SAME_MINIMUM: f64 = 0.05;
/// An exit is held where the catalogue's pass is at most so many k_B T above the one that was taken.
const NO_HIGHER: f64 = 0.5;
/// Atoms that moved farther count `[length]`.
pub(crate) const MOVED: f64 = 0.1;

/// What a catalogue knows of a way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitVerdict {
    /// The minimum behind, over a pass at most half a k_B T higher.
    Held,
    /// The minimum behind, but only over a higher pass.
    HeldByDetour,
    /// Nothing.
    Missing,
    /// No pass was found to where the dynamics went, so that nothing can be compared.
    NoPass,
}

impl ExitVerdict {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::HeldByDetour => "by a detour",
            Self::Missing => "missing",
            Self::NoPass => "no pass found",
        }
    }
}

/// All exits over the same pass to the same minimum.
#[derive(Clone, Debug, Serialize)]
pub struct ExitChannel {
    /// Exits that took it.
    pub exits: u64,
    /// Exits a time at risk `[1/τ]`.
    pub rate: f64,
    /// Its exact limits at one standard deviation `[1/τ]`.
    pub rate_interval: [f64; 2],
    /// Height of the pass `[energy]`; none where none was found.
    pub barrier: Option<f64>,
    /// Energy of the minimum behind, above the one left `[energy]`.
    pub energy: f64,
    /// ν = rate exp(barrier/k_B T) `[1/τ]`.
    pub attempt_frequency: Option<f64>,
    /// V (σ_xy of the minimum left − that of the one behind) `[energy]`.
    pub dipole_xy: Option<f64>,
    /// Atoms that moved farther than 0.1 σ.
    pub moved_atoms: usize,
    /// What the catalogue knows.
    pub verdict: ExitVerdict,
    /// The catalogue's event to the same minimum, over the lowest pass.
    pub event: Option<u64>,
    /// Its barrier `[energy]`.
    pub event_barrier: Option<f64>,
    /// The pass and the minimum behind, as an event of the catalogue's minimum.
    #[serde(skip)]
    pub pass: Option<EventRecord>,
}

/// An exit as an event: what is not known of one without a pass is zero.
fn as_event(exit: &Exit) -> EventRecord {
    exit.pass.clone().unwrap_or_else(|| EventRecord {
        displacement_final: exit.end.clone(),
        ..EventRecord::default()
    })
}

/// The exits of all trajectories by channel, the most frequent first; rates are a time `exposure` `[τ]`.
pub(crate) fn channels<'a>(
    exits: impl Iterator<Item = &'a Exit>,
    events: &[EventRecord],
    sample: &SampleRecord,
    (temperature, exposure): (f64, f64),
) -> Vec<ExitChannel> {
    let same = |a: &EventRecord, b: &EventRecord| {
        let (a, b) = (&a.displacement_final, &b.displacement_final);
        same_minimum(a, b, sample, SAME_MINIMUM)
    };
    // A minimum is behind the pass that another exit to it took: looking for one again may fail where the
    // minimum is as shallow as to be hardly one.
    let (with, without): (Vec<&Exit>, Vec<&Exit>) = exits.partition(|exit| exit.pass.is_some());
    let mut found: Vec<(EventRecord, &Exit, u64)> = Vec::new();
    for exit in with.into_iter().chain(without) {
        let event = as_event(exit);
        match found.iter_mut().find(|(known, ..)| same(known, &event)) {
            Some((.., count)) => *count += 1,
            None => found.push((event, exit, 1)),
        }
    }
    let mut channels: Vec<ExitChannel> = found
        .into_iter()
        .map(|(event, exit, exits)| {
            let lowest = events
                .iter()
                .filter(|known| known.is_verified() && same(known, &event))
                .min_by(|a, b| a.barrier_forward.total_cmp(&b.barrier_forward));
            let barrier = exit.pass.as_ref().map(|pass| pass.barrier_forward);
            let verdict = match (barrier, lowest) {
                (None, _) => ExitVerdict::NoPass,
                (Some(_), None) => ExitVerdict::Missing,
                (Some(barrier), Some(known)) => {
                    if known.barrier_forward <= barrier + NO_HIGHER * temperature {
                        ExitVerdict::Held
                    } else {
                        ExitVerdict::HeldByDetour
                    }
                }
            };
            let rate = exits as f64 / exposure;
            let (low, high) = poisson::limits(exits, 1.0);
            ExitChannel {
                exits,
                rate,
                rate_interval: [low / exposure, high / exposure],
                barrier,
                energy: exit
                    .pass
                    .as_ref()
                    .map_or(exit.energy, |pass| pass.energy_final - pass.energy_minimum),
                attempt_frequency: barrier.map(|barrier| rate * (barrier / temperature).exp()),
                dipole_xy: exit.pass.as_ref().map(|pass| pass.dipole_final.0[3]),
                moved_atoms: event.displacement_final.atoms_beyond(MOVED),
                verdict,
                event: lowest.map(|known| known.id),
                event_barrier: lowest.map(|known| known.barrier_forward),
                pass: exit.pass.clone(),
            }
        })
        .collect();
    channels.sort_by_key(|channel| std::cmp::Reverse(channel.exits));
    channels
}

#[cfg(test)]
mod tests {
    use metabasin_catalogue::DisplacementField;

    use super::*;

    fn sample() -> SampleRecord {
        SampleRecord {
            cell: [10.0, 10.0, 10.0, 0.0, 0.0, 0.0],
            positions: (0..8).map(|k| [f64::from(k), 0.0, 0.0]).collect(),
            species: vec![1, 1, 1, 1, 2, 2, 2, 2],
            ..SampleRecord::default()
        }
    }

    fn moved(moves: &[(u32, [f64; 3])]) -> DisplacementField {
        DisplacementField {
            atoms: moves.iter().map(|(atom, _)| *atom).collect(),
            displacements: moves.iter().map(|(_, u)| *u).collect(),
            rest_norm: 0.0,
        }
    }

    fn event(id: u64, barrier: f64, moves: &[(u32, [f64; 3])]) -> EventRecord {
        EventRecord {
            id,
            barrier_forward: barrier,
            energy_final: 0.1,
            converged: true,
            index: 1,
            connected: true,
            displacement_final: moved(moves),
            ..EventRecord::default()
        }
    }

    fn exit(barrier: f64, moves: &[(u32, [f64; 3])]) -> Exit {
        Exit {
            pass: Some(event(0, barrier, moves)),
            end: moved(moves),
            energy: 0.1,
        }
    }

    #[test]
    fn a_pass_that_is_known_only_by_a_detour_is_not_held() {
        let there = [(2, [0.0, 0.6, 0.0])];
        let elsewhere = [(5, [0.0, 0.0, 0.7])];
        let temperature = 0.25;
        let verdicts = |exits: &[Exit], events: &[EventRecord]| -> Vec<ExitVerdict> {
            channels(exits.iter(), events, &sample(), (temperature, 10.0))
                .iter()
                .map(|channel| channel.verdict)
                .collect()
        };
        let taken = [exit(0.3, &there)];
        // Half a k_B T is 0.125.
        assert_eq!(
            verdicts(&taken, &[event(1, 0.424, &there)]),
            [ExitVerdict::Held]
        );
        let detour = [event(1, 0.426, &there)];
        assert_eq!(verdicts(&taken, &detour), [ExitVerdict::HeldByDetour]);
        let both = [event(1, 5.6, &there), event(2, 0.3, &there)];
        assert_eq!(verdicts(&taken, &both), [ExitVerdict::Held]);
        let other = [event(1, 0.3, &elsewhere)];
        assert_eq!(verdicts(&taken, &other), [ExitVerdict::Missing]);
        // What was never verified is not known.
        let mut refused = event(1, 0.3, &there);
        refused.connected = false;
        assert_eq!(verdicts(&taken, &[refused]), [ExitVerdict::Missing]);
        let mut nowhere = exit(0.3, &there);
        nowhere.pass = None;
        assert_eq!(
            verdicts(std::slice::from_ref(&nowhere), &both),
            [ExitVerdict::NoPass]
        );
        // Another exit to the same minimum found the pass, sooner or later.
        for exits in [
            [nowhere.clone(), exit(0.3, &there)],
            [exit(0.3, &there), nowhere.clone()],
        ] {
            let found = channels(exits.iter(), &both, &sample(), (temperature, 10.0));
            let counts: Vec<(u64, ExitVerdict)> =
                found.iter().map(|c| (c.exits, c.verdict)).collect();
            assert_eq!(counts, [(2, ExitVerdict::Held)]);
        }
        let apart = [nowhere, exit(0.3, &elsewhere)];
        assert_eq!(verdicts(&apart, &both).len(), 2);
    }

    #[test]
    fn exits_to_one_minimum_are_one_channel_however_like_atoms_are_numbered() {
        // Atoms 1 and 2 exchange their places, or move along together: the same arrangement.
        let turned = [(1, [1.0, 0.3, 0.0]), (2, [-1.0, 0.3, 0.0])];
        let straight = [(1, [0.0, 0.3, 0.0]), (2, [0.0, 0.3, 0.0])];
        let other = [(5, [0.0, 0.0, 0.7])];
        let exits = [
            exit(0.2, &turned),
            exit(0.5, &other),
            exit(0.2, &straight),
            exit(0.2, &turned),
        ];
        let found = channels(exits.iter(), &[], &sample(), (0.25, 20.0));
        let counts: Vec<u64> = found.iter().map(|channel| channel.exits).collect();
        assert_eq!(counts, [3, 1]);
        assert!((found[0].rate - 0.15).abs() < 1e-15);
        let frequency = found[0].attempt_frequency.unwrap();
        assert!((frequency - 0.15 * (0.8_f64).exp()).abs() < 1e-12);
        assert_eq!((found[0].moved_atoms, found[1].moved_atoms), (2, 1));
    }
}
