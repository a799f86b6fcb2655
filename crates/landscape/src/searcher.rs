//! Saddle searches from one minimum, side by side, handed over in order.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use metabasin_atoms::{Purpose, Stiffness, random_stream};
use metabasin_catalogue::{EvaluationCounts, EventRecord, SearchRecord};
use metabasin_interactions::{EnergyLandscape, FixedCell, flatten, unflatten};
use metabasin_minimizers::InherentStructure;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::active_region::{ActiveRegion, PreconditionedRegion};
use crate::approach::{Leaving, approach};
use crate::climb::WhenConvex;
use crate::displacement::displacements;
use crate::elasticity::{hessian_preconditioner, relaxed_stiffness};
use crate::error::LandscapeError;
use crate::flat::add_scaled;
use crate::heating::{HeatSettings, Surroundings};
use crate::levels::{Departure, Failure, Level, ROUGH_DESCENT_TOLERANCE, Start, climb_through};
use crate::outcome::SearchOutcome;
use crate::preconditioner::IncompleteCholesky;
use crate::push::local_push;
use crate::settings::SearchSettings;
use crate::settling::Neighbor;
use crate::verify::{Origin, Verdict, polished, verify};

/// Regions that cost more than this share of the sample are not worth a level of their own.
const LARGEST_SHARE: f64 = 0.4;

/// What one search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// How it ended and what it cost.
    pub record: SearchRecord,
    /// The event, if it ended connected. Its `id` is 0 until a catalogue stores it.
    pub event: Option<EventRecord>,
}

/// Searches from one minimum.
///
/// Search `index` depends on the minimum, the settings, the seed, the stage and the index alone: it
/// pushes around an atom that follows from the index, draws from its own random stream and starts
/// with a force field that remembers nothing.
#[derive(Clone, Debug)]
pub struct Searcher {
    minimum: InherentStructure,
    landscape: FixedCell,
    coordinates: Vec<f64>,
    preconditioner: IncompleteCholesky,
    stiffness: Stiffness,
    settings: SearchSettings,
    seed: u64,
    stage: u64,
}

impl Searcher {
    /// Polishes the minimum and measures its stiffness.
    ///
    /// # Errors
    /// [`LandscapeError`]: a setting out of bounds, or a structure that is not a stable minimum.
    pub fn new(
        minimum: &InherentStructure,
        settings: SearchSettings,
        seed: u64,
        stage: u64,
    ) -> Result<Self, LandscapeError> {
        settings.validate()?;
        let minimum = polished(minimum)?;
        let mut landscape = minimum.landscape();
        let coordinates = minimum.coordinates();
        let preconditioner = hessian_preconditioner(&mut landscape, &coordinates)?;
        let stiffness = relaxed_stiffness(&minimum)?;
        Ok(Self {
            minimum,
            landscape,
            coordinates,
            preconditioner,
            stiffness,
            settings,
            seed,
            stage,
        })
    }

    /// The polished minimum that the events refer to.
    pub fn minimum(&self) -> &InherentStructure {
        &self.minimum
    }

    /// Its relaxed stiffness: positive definite where the sample would be stable in a free cell,
    /// which a minimum at fixed cell need not be.
    pub fn stiffness(&self) -> Stiffness {
        self.stiffness
    }

    /// The settings.
    pub fn settings(&self) -> &SearchSettings {
        &self.settings
    }

    /// The atom around which search `index` pushes: strides of about 0.618 N through all atoms, so
    /// that any run of searches is spread over the sample and N searches take each atom once.
    pub fn center_atom(&self, index: u64) -> u32 {
        let atoms = self.minimum.configuration().len() as u64;
        let mut stride = (atoms as f64 * 0.618_033_988_749_895) as u64;
        while greatest_common_divisor(stride.max(1), atoms) > 1 {
            stride += 1;
        }
        (index % atoms * stride.max(1) % atoms) as u32
    }

    /// How search `index` leaves the convex part of the basin.
    fn when_convex(&self, index: u64) -> WhenConvex {
        match u64::from(self.settings.soft_every) {
            0 => WhenConvex::PushOutward,
            every if index % every == every - 1 => WhenConvex::FollowMode,
            _ => WhenConvex::PushOutward,
        }
    }

    /// One search; `None` where the force field of the minimum was interrupted meanwhile
    /// ([`metabasin_interactions::ForceField::with_interrupt`]): done again, it finds what it would
    /// have found.
    pub fn run(&self, index: u64) -> Option<SearchResult> {
        self.search(index).map(|(result, _)| result)
    }

    /// One search, and the minima beside a saddle that does not touch the starting one.
    fn search(&self, index: u64) -> Option<(SearchResult, Vec<Vec<f64>>)> {
        let begin = Instant::now();
        let center = self.center_atom(index);
        let mut random = random_stream(self.seed, Purpose::SaddlePush, self.stage, index);
        let configuration = self.minimum.configuration();
        let push;
        let mut landscape = self.landscape.clone();
        let heat = self.settings.heat.map(|heat| heat.of_search(index));
        let mut regions = self.regions(center as usize, heat.as_ref());
        let mut counts = EvaluationCounts::default();
        let mut levels: Vec<Level> = regions
            .iter_mut()
            .map(Level::Region)
            .chain([Level::Whole(&mut landscape)])
            .collect();
        let start = Start {
            x: &self.coordinates,
            energy: self.minimum.energy(),
            preconditioner: &self.preconditioner,
        };
        let departure = match &heat {
            Some(heat) if levels.len() > 1 || heat.surroundings == Surroundings::Free => {
                Departure::Heat(heat, &mut random, center)
            }
            _ => {
                push = local_push(configuration, center as usize, &self.settings, &mut random);
                Departure::Push(&push)
            }
        };
        let climbed = climb_through(
            &mut levels,
            &start,
            departure,
            self.when_convex(index),
            &self.settings,
            &mut counts,
        );
        let verdict = climbed.map_or_else(
            |failure| self.verdict(*failure),
            |climb| verify(&mut landscape, &climb, &self.origin(), &mut counts),
        );
        let Verdict {
            outcome,
            detail,
            mut event,
            elsewhere,
        } = verdict;
        if let Some(event) = &mut event {
            event.first_search = index;
            event.evaluations = counts;
        }
        let result = SearchResult {
            record: SearchRecord {
                index,
                center_atom: center,
                outcome: outcome.name().to_owned(),
                detail,
                event: None,
                evaluations: counts,
                seconds: begin.elapsed().as_secs_f64(),
            },
            event,
        };
        // A request is never taken back: not requested now, it cut nothing short before.
        (!landscape.is_interrupted()).then_some((result, elsewhere))
    }

    /// The event over the first pass on the way to the minimum at `end` from this one, and what it
    /// took: verified like those of searches, its `first_search` zero. The inner value is `None` where
    /// no way there was found ([`approach`]) or what was found does not hold; the outer one where the
    /// force field of the minimum was interrupted.
    pub fn event_towards(&self, end: &[f64]) -> Option<(Option<EventRecord>, EvaluationCounts)> {
        let mut landscape = self.landscape.clone();
        let cell = *landscape.cell();
        let positions = &self.minimum.configuration().positions;
        let displacement = |x: &[f64]| flatten(&displacements(&cell, positions, &unflatten(x)));
        let from = Leaving {
            x: &self.coordinates,
            energy: self.minimum.energy(),
            preconditioner: &self.preconditioner,
            displacement: &displacement,
            descent_tolerance: self.settings.force_tolerance.max(ROUGH_DESCENT_TOLERANCE),
        };
        let (found, mut counts) = approach(&mut landscape, from, end, &self.settings);
        let event = found.and_then(|pass| {
            verify(&mut landscape, &pass.saddle, &self.origin(), &mut counts).event
        });
        let event = event.map(|event| EventRecord {
            evaluations: counts,
            ..event
        });
        (!landscape.is_interrupted()).then_some((event, counts))
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            positions: &self.minimum.configuration().positions,
            energy: self.minimum.energy(),
            stress: self.minimum.stress(),
            stiffness: self.stiffness.stable_or_isotropic().0,
            settings: &self.settings,
            preconditioner: &self.preconditioner,
        }
    }

    /// Minima beside the saddles that the searches of `range` find, in the order of the searches,
    /// and what those cost; `None` where `before_search` breaks, or on an interrupt.
    pub(crate) fn neighboring_minima(
        &self,
        range: Range<u64>,
        before_search: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Option<(Vec<Neighbor>, u64)> {
        let found: Vec<(SearchResult, Vec<Vec<f64>>)> = range
            .into_par_iter()
            .map(|index| {
                let goes_on = before_search().is_continue();
                goes_on.then(|| self.search(index)).flatten()
            })
            .collect::<Option<_>>()?;
        let cost = found
            .iter()
            .map(|(result, _)| result.record.evaluations.search())
            .sum();
        let neighbors = found.into_iter().flat_map(|(result, minima)| {
            let beside = minima.into_iter().map(|x| Neighbor { x, barrier: None });
            let behind = result.event.map(|event| Neighbor {
                x: self.final_minimum(&event),
                barrier: Some(event.barrier_forward),
            });
            beside.chain(behind)
        });
        Some((neighbors.collect(), cost))
    }

    /// Coordinates of an event's final minimum, up to the displacements that are not stored.
    fn final_minimum(&self, event: &EventRecord) -> Vec<f64> {
        let mut x = self.coordinates.clone();
        let field = &event.displacement_final;
        for (&atom, displacement) in field.atoms.iter().zip(&field.displacements) {
            add_scaled(
                &mut x[3 * atom as usize..3 * atom as usize + 3],
                1.0,
                displacement,
            );
        }
        x
    }

    /// The regions around an atom through which searches climb, smallest first; none where those
    /// that fit the sample save too little. A region whose Hessian has no factor is left out: the
    /// search then begins in the next larger one. Where heated atoms are to have free surroundings the
    /// largest alone, which must not be the smallest of the settings.
    fn regions(&self, center: usize, heat: Option<&HeatSettings>) -> Vec<PreconditionedRegion> {
        let free = heat.is_some_and(|heat| heat.surroundings == Surroundings::Free);
        let mut regions: Vec<PreconditionedRegion> = self
            .settings
            .region_radii
            .iter()
            .skip(usize::from(free))
            .filter_map(|&radius| ActiveRegion::new(&self.minimum, center, radius))
            .filter(|region| region.share() < LARGEST_SHARE)
            .filter_map(|mut region| {
                let preconditioner = region.preconditioner().ok()?;
                Some(PreconditionedRegion {
                    region,
                    preconditioner,
                })
            })
            .collect();
        if free {
            regions.drain(..regions.len().saturating_sub(1));
        }
        regions
    }

    fn verdict(&self, failure: Failure) -> Verdict {
        match failure {
            Failure::Climb(climb) => Verdict::failed(
                climb
                    .outcome
                    .failure()
                    .unwrap_or(SearchOutcome::NotConverged),
                self.describe(&climb),
            ),
            Failure::NotHeatedOut => Verdict::failed(
                SearchOutcome::StayedInBasin,
                "no round of heating left the basin".to_owned(),
            ),
            Failure::NoPass => Verdict::failed(
                SearchOutcome::NotConverged,
                "no pass to the minimum behind was found".to_owned(),
            ),
            Failure::BothSidesSame(climb) => {
                Verdict::failed(SearchOutcome::BothSidesSame, self.describe(&climb))
            }
            Failure::Disconnected(climb, sides) => Verdict {
                elsewhere: sides.into(),
                ..Verdict::failed(SearchOutcome::Disconnected, self.describe(&climb))
            },
        }
    }

    fn describe(&self, climb: &crate::climb::Climb) -> String {
        let eigenvalue = climb.mode.as_ref().map_or(f64::NAN, |mode| mode.eigenvalue);
        format!(
            "at {:.4} above the minimum, largest force {:.2e}, lowest eigenvalue {eigenvalue:.3}",
            climb.energy - self.minimum.energy(),
            climb.largest_force
        )
    }

    /// Runs the searches of `range` on the current rayon pool and hands the results to `deliver`
    /// in the order of their indices, whatever the order in which they finish; stops early when
    /// `deliver` breaks, or on an interrupt. Whenever it stops, what was delivered is a prefix of the range.
    pub fn run_range(
        &self,
        range: Range<u64>,
        mut deliver: impl FnMut(SearchResult) -> ControlFlow<()> + Send,
    ) {
        let next = AtomicU64::new(range.start);
        let stopped = AtomicBool::new(false);
        let claim = || {
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            let index = next.fetch_add(1, Ordering::Relaxed);
            (index < range.end).then_some(index)
        };
        let (sender, receiver) = mpsc::channel();
        let mut waiting = BTreeMap::new();
        let mut wanted = range.start;
        let mut accept = |result: SearchResult| {
            waiting.insert(result.record.index, result);
            while let Some(result) = waiting.remove(&wanted) {
                wanted += 1;
                if deliver(result).is_break() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        };
        // A caller inside the pool occupies one of its threads and therefore works too; a caller
        // outside only receives.
        let works = rayon::current_thread_index().is_some();
        let helpers = rayon::current_num_threads() - usize::from(works);
        rayon::in_place_scope(|scope| {
            let (claim, stopped) = (&claim, &stopped);
            for _ in 0..helpers {
                let sender = sender.clone();
                scope.spawn(move |_| {
                    while let Some(index) = claim() {
                        let Some(result) = self.run(index) else {
                            return;
                        };
                        if sender.send(result).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let mut flow = ControlFlow::Continue(());
            while works && flow.is_continue() {
                let Some(result) = claim().and_then(|index| self.run(index)) else {
                    break;
                };
                flow = accept(result);
                while flow.is_continue() {
                    let Ok(result) = receiver.try_recv() else {
                        break;
                    };
                    flow = accept(result);
                }
            }
            if works {
                // The helpers may not have started: let this thread take over their turn instead
                // of waiting for them with its hands tied.
                while flow.is_continue() {
                    match receiver.try_recv() {
                        Ok(result) => flow = accept(result),
                        Err(mpsc::TryRecvError::Disconnected) => break,
                        Err(mpsc::TryRecvError::Empty) => {
                            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                                std::thread::sleep(std::time::Duration::from_millis(1));
                            }
                        }
                    }
                }
            } else {
                while flow.is_continue() {
                    let Ok(result) = receiver.recv() else { break };
                    flow = accept(result);
                }
            }
            if flow.is_break() {
                stopped.store(true, Ordering::Relaxed);
            }
        });
    }
}

/// The outcomes of `results` by name and count, most frequent first.
pub fn count_outcomes<'a>(
    results: impl IntoIterator<Item = &'a SearchRecord>,
) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for record in results {
        *counts.entry(&record.outcome).or_default() += 1;
    }
    let mut sorted: Vec<(String, u64)> = counts
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted
}

/// Force evaluations of all searches (verification apart) for each distinct event.
pub fn evaluations_per_event<'a>(
    records: impl IntoIterator<Item = &'a SearchRecord>,
    distinct: usize,
) -> Option<f64> {
    let total: u64 = records
        .into_iter()
        .map(|record| EvaluationCounts::search(&record.evaluations))
        .sum();
    (distinct > 0).then(|| total as f64 / distinct as f64)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// Whether a search record ended connected.
pub fn is_connected(record: &SearchRecord) -> bool {
    record.outcome == SearchOutcome::Connected.name()
}
