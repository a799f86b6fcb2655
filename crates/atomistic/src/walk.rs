//! The walk from minimum to minimum.

mod arrange;
mod carry;
mod discover;
mod take;

use metabasin_atoms::{Purpose, random_stream};
use rand::RngExt;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::error::AtomisticError;
use crate::propagator::Propagator;
use crate::region::Region;
use crate::settings::WalkSettings;
use crate::terrain::{Minimum, Terrain, WayOut};

/// The region without atoms that holds all ways out that touch no other.
pub(crate) const BACKGROUND: usize = 0;

/// What a step of the walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepKind {
    /// The start.
    Start,
    /// A passage led to a minimum that nobody had seen.
    Discovered,
    /// A passage led to a minimum that was known.
    Joined,
    /// Converged again, the passage turned out slower than thought, and was not taken.
    Postponed,
    /// Converged again, the passage was gone.
    Vanished,
    /// The minima of the regions do not exist side by side: the sample fell into another one.
    Rearranged,
    /// The time was up.
    TimeUp,
    /// No way leads on.
    Stuck,
}

impl StepKind {
    /// The name that outputs show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Discovered => "discovered",
            Self::Joined => "joined",
            Self::Postponed => "postponed",
            Self::Vanished => "vanished",
            Self::Rearranged => "rearranged",
            Self::TimeUp => "time_up",
            Self::Stuck => "stuck",
        }
    }
}

/// One step of the walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Number of the step; 0 is the start.
    pub step: u64,
    /// Physical time `[τ]`.
    pub time: f64,
    /// What it came to.
    pub kind: StepKind,
    /// Energy of the minimum after it `[energy]`.
    pub energy: f64,
    /// Energy of that minimum less the sum of the levels of the regions: what they feel of each
    /// other beyond first order `[energy]`.
    pub interaction: f64,
    /// Barrier that was passed `[energy]`, where one was.
    pub barrier: Option<f64>,
    /// Atoms that moved.
    pub moved: u32,
    /// Regions that have more than one known minimum.
    pub regions: u32,
    /// Known minima of all regions, each by itself.
    pub states: u32,
    /// Known ways to unseen minima, from all of them.
    pub exits: u32,
    /// Rate of all known ways out of the minimum after it, to seen and unseen minima `[1/τ]`.
    pub exit_rate: f64,
    /// Rate of those that lead to unseen minima, when all regions stay as they are `[1/τ]`.
    #[serde(default)]
    pub unseen_rate: f64,
    /// Searches and trajectories so far, those from the first minimum included.
    pub searches: u64,
    /// Force evaluations of everything so far, Hessian-vector products counted.
    pub evaluations: u64,
}

/// A walk: where it is, what it knows, and when it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Walk {
    settings: WalkSettings,
    dimension: usize,
    /// The minimum in which the sample is when every region is in its current state.
    minimum: Minimum,
    /// Energy of the minimum less the levels of the current states, when the regions were last
    /// made.
    reference: f64,
    regions: Vec<Region>,
    time: f64,
    steps: u64,
    draws: u64,
    rounds: u64,
    searches: u64,
    evaluations: u64,
    /// Energies of the minima from which dynamics has looked for ways out `[energy]`.
    #[serde(default)]
    looked_from: Vec<f64>,
    /// Chains of the regions, built when asked for.
    #[serde(skip)]
    propagators: Vec<Option<Propagator>>,
}

/// Two walks are equal when they go on alike.
impl PartialEq for Walk {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
            && self.minimum == other.minimum
            && self.reference == other.reference
            && self.regions == other.regions
            && self.time == other.time
            && (self.steps, self.draws, self.rounds) == (other.steps, other.draws, other.rounds)
            && (self.searches, self.evaluations) == (other.searches, other.evaluations)
            && self.looked_from == other.looked_from
    }
}

impl Walk {
    /// Relaxes the start and searches for ways out around all of its sites, unless some are known
    /// already.
    ///
    /// # Errors
    /// [`AtomisticError`]: a setting out of bounds, a start that does not relax, no way out of it.
    pub fn start(
        terrain: &impl Terrain,
        x: &[f64],
        known: &[WayOut],
        settings: WalkSettings,
    ) -> Result<Self, AtomisticError> {
        settings.validate()?;
        let (minimum, evaluations) = terrain.relax(x)?;
        let mut walk = Self {
            dimension: x.len(),
            reference: minimum.energy,
            minimum,
            regions: vec![Region::at_rest(Vec::new())],
            time: 0.0,
            steps: 0,
            draws: 0,
            rounds: 0,
            searches: 0,
            evaluations,
            looked_from: Vec::new(),
            propagators: Vec::new(),
            settings,
        };
        let per_site = terrain.site_dimension();
        if known.is_empty() {
            let effort = walk.settings.first_effort;
            walk.search(terrain, None, effort)?;
        }
        for way in known {
            walk.learn(per_site, way);
        }
        // Searches find some of several ways that are alike.
        let sites: Vec<u32> = (0..(x.len() / per_site) as u32).collect();
        let here = walk.chart(per_site);
        walk.carry(terrain, &[here], &sites)?;
        walk.look_for_exits(terrain)?;
        if walk.regions[BACKGROUND].passages.is_empty() {
            return Err(AtomisticError::NoWayOut {
                searches: walk.searches,
                highest_barrier: walk.settings.highest_barrier,
            });
        }
        Ok(walk)
    }

    /// The same place and knowledge with other settings: another temperature or seed from one
    /// start. Ways that were left out as too high before stay unknown.
    ///
    /// # Errors
    /// [`AtomisticError::Setting`].
    pub fn with_settings(mut self, settings: WalkSettings) -> Result<Self, AtomisticError> {
        settings.validate()?;
        self.settings = settings;
        // Other temperatures, other ways.
        self.looked_from.clear();
        self.forget_chains();
        Ok(self)
    }

    /// Checks that a stored walk belongs to the sample with the coordinates `x`.
    ///
    /// # Errors
    /// [`AtomisticError::ForeignState`].
    pub fn check(&self, x: &[f64]) -> Result<(), AtomisticError> {
        if self.dimension == x.len() && self.minimum.x.len() == x.len() {
            Ok(())
        } else {
            Err(AtomisticError::ForeignState {
                stored: self.dimension,
                given: x.len(),
            })
        }
    }

    /// The settings.
    pub fn settings(&self) -> &WalkSettings {
        &self.settings
    }

    /// The minimum in which the sample is.
    pub fn minimum(&self) -> &Minimum {
        &self.minimum
    }

    /// Physical time `[τ]`.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Counts searches that were done for this walk before it began, and their force evaluations.
    #[must_use]
    pub fn with_cost(mut self, searches: u64, evaluations: u64) -> Self {
        self.searches += searches;
        self.evaluations += evaluations;
        self
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Barriers of the known ways to unseen minima from where every region is, ascending
    /// `[energy]`.
    pub fn barriers(&self) -> Vec<f64> {
        let mut barriers: Vec<f64> = self
            .regions
            .iter()
            .flat_map(|region| {
                region
                    .exits_of(region.current)
                    .map(|exit| region.passages[exit].barrier(&region.states))
            })
            .collect();
        barriers.sort_by(f64::total_cmp);
        barriers
    }

    /// Where the walk is, as a row of the log.
    pub fn row(&self, kind: StepKind, barrier: Option<f64>, moved: usize) -> Step {
        let flickering = self.regions.iter().skip(1);
        Step {
            step: self.steps,
            time: self.time,
            kind,
            energy: self.minimum.energy,
            interaction: self.minimum.energy - self.reference - self.levels(),
            barrier,
            moved: moved as u32,
            regions: flickering.clone().count() as u32,
            states: flickering.map(|region| region.states.len()).sum::<usize>() as u32,
            exits: self
                .regions
                .iter()
                .flat_map(|region| &region.passages)
                .filter(|passage| passage.to.is_none())
                .count() as u32,
            exit_rate: self.rate_of(|region| region.leaving_rate(&self.settings)),
            unseen_rate: self.rate_of(|region| region.unseen_rate(&self.settings)),
            searches: self.searches,
            evaluations: self.evaluations,
        }
    }

    fn levels(&self) -> f64 {
        self.regions
            .iter()
            .map(|region| region.states[region.current].level)
            .sum()
    }

    /// A rate of every region, added up; nothing adds up to 0, and not to −0 as in `sum`.
    fn rate_of(&self, rate: impl Fn(&Region) -> f64) -> f64 {
        self.regions
            .iter()
            .map(rate)
            .fold(0.0, |sum, rate| sum + rate)
    }

    /// One step: the first passage of any region to a minimum that nobody has seen, or the end of
    /// the time `until` `[τ]`.
    ///
    /// Each region draws when it leaves its known minima; the first one does, and the others are
    /// drawn where they are at that time, given that they have not left. This is exact for regions
    /// that do not feel each other; the passage itself is converged again with all regions where
    /// they are, and taken with probability min(1, k_new / k_old) (thinning), so that rates that
    /// were thought too high do no harm.
    ///
    /// # Errors
    /// [`AtomisticError`] where an energy is no number or a minimum cannot be reached.
    pub fn step(&mut self, terrain: &impl Terrain, until: f64) -> Result<Step, AtomisticError> {
        self.steps += 1;
        let mut random = random_stream(
            self.settings.seed,
            Purpose::KineticMonteCarlo,
            self.settings.stage,
            self.draws,
        );
        self.draws += 1;
        self.build_chains()?;
        let starts: Vec<usize> = self.regions.iter().map(|region| region.current).collect();
        let mut first: Option<(usize, crate::propagator::Exit)> = None;
        let chains = self.propagators.iter_mut().flatten();
        for (region, (chain, &start)) in chains.zip(&starts).enumerate() {
            let exit = chain.exit(start, open_uniform(&mut random));
            if first.as_ref().is_none_or(|(_, best)| exit.time < best.time) {
                first = Some((region, exit));
            }
        }
        let Some((leaving, exit)) = first else {
            return Ok(self.row(StepKind::Stuck, None, 0));
        };
        let left = until - self.time;
        let up = exit.time >= left;
        if up && !left.is_finite() {
            return Ok(self.row(StepKind::Stuck, None, 0));
        }
        let duration = if up { left } else { exit.time };
        let mut states = starts.clone();
        let chains = self.propagators.iter_mut().flatten();
        for (region, (chain, state)) in chains.zip(&mut states).enumerate() {
            let weights = if !up && region == leaving {
                exit.weights.clone()
            } else {
                chain.state_at(*state, duration)
            };
            *state = chosen(&weights, &mut random).unwrap_or(*state);
        }
        self.time = if up { until } else { self.time + duration };
        if !self.arrange(terrain, &states)? {
            return Ok(self.row(StepKind::Rearranged, None, 0));
        }
        if up {
            return Ok(self.row(StepKind::TimeUp, None, 0));
        }
        let region = &self.regions[leaving];
        let exits: Vec<usize> = region.exits_of(states[leaving]).collect();
        let rates: Vec<f64> = exits
            .iter()
            .map(|&exit| region.rate(&region.passages[exit], &self.settings))
            .collect();
        // What is found from this combination of states counts from now on: the passage was drawn
        // among those known before.
        let choice = chosen(&rates, &mut random);
        self.look_for_exits(terrain)?;
        match choice {
            Some(choice) => self.pass(terrain, leaving, exits[choice], &mut random),
            None => Ok(self.row(StepKind::Stuck, None, 0)),
        }
    }

    fn build_chains(&mut self) -> Result<(), AtomisticError> {
        self.propagators.resize_with(self.regions.len(), || None);
        for (region, propagator) in self.regions.iter().zip(&mut self.propagators) {
            if propagator.is_none() {
                *propagator = Some(region.chain(&self.settings)?.propagator());
            }
        }
        Ok(())
    }

    /// Whatever is known of the rates has changed.
    fn forget_chains(&mut self) {
        self.propagators.clear();
    }
}

/// A number in (0, 1].
fn open_uniform(random: &mut Pcg64) -> f64 {
    1.0 - random.random::<f64>()
}

/// One of several by weight.
fn chosen(weights: &[f64], random: &mut Pcg64) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    let mut mark = random.random::<f64>() * total;
    let mut last = None;
    for (index, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            last = Some(index);
            mark -= weight;
            if mark < 0.0 {
                break;
            }
        }
    }
    last
}
