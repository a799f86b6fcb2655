//! The same step and back by the states that molecular dynamics visited at zero load: their weights and fluxes
//! in the strained cell, without an elastic model between them.

use metabasin_atoms::{Purpose, random_stream};
use metabasin_catalogue::{SampleRecord, StateGraph};
use metabasin_graphs::{Counts, ReversibleModel};
use metabasin_minimizers::InherentStructure;
use rand_distr::{Distribution, Poisson};

use super::driven_states::{Response, stepped_states};
use super::dynamics::SteppedPair;
use super::network::turn;
use super::stepped::Stepped;
use super::strained_states::StrainedStates;
use crate::escape::interrupted;
use crate::harvest::{VisitedMinimum, as_series, check_temperature, counts_of};
use crate::stages::branches::side_by_side;
use crate::{Interrupt, PipelineError};

/// Draws of the counts, for the error.
const DRAWS: u64 = 32;
/// More states than this take more time to diagonalize than to simulate.
const MOST_STATES: usize = 3000;

/// The cell that a trajectory is in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// As it is in the catalogue.
    Rest,
    /// Sheared by the positive strain.
    Plus,
    /// Sheared by the negative one.
    Minus,
}

/// The states of a catalogue at the strain of the step of both signs.
pub(crate) struct SteppedStates<'a> {
    graph: &'a StateGraph,
    home: &'a InherentStructure,
    sample: &'a SampleRecord,
    at_rest: Vec<VisitedMinimum>,
    counts: Counts,
    model: ReversibleModel,
    /// At positive and at negative strain.
    strained: [StrainedStates; 2],
}

/// What the visited states predict.
pub(crate) struct Predicted {
    /// Moduli and what relaxed of them; errors by the counts of the jumps.
    pub(crate) stepped: Stepped,
    /// States with a weight.
    pub(crate) states: usize,
    /// Share of the harvested time that was spent in them.
    pub(crate) share: f64,
    /// Of the equilibrium at zero load, the share in states that the strain takes away, mean of both signs.
    pub(crate) fallen: f64,
    /// By how much heat softens their wells, with its error, where that was measured.
    pub(crate) softening: Option<(f64, f64)>,
}

impl<'a> SteppedStates<'a> {
    /// Relaxes the states of a catalogue at both strains.
    ///
    /// # Errors
    /// States of another temperature, or no two that lead to each other, nor a single one whose well was measured;
    /// a quench that fails; or on request.
    pub(crate) fn new(
        graph: &'a StateGraph,
        (home, sample): (&'a InherentStructure, &'a SampleRecord),
        (temperature, strain): (f64, f64),
        interrupt: &Interrupt,
    ) -> Result<Self, PipelineError> {
        let none =
            |why: &str| PipelineError::BadInput(format!("the stored states tell nothing: {why}"));
        check_temperature(graph, temperature).map_err(PipelineError::BadInput)?;
        let counts = counts_of(graph, graph.states.len());
        // What stays in one well has the stiffness of that, which heat softens.
        let least = if graph.wells().is_some() { 1 } else { 2 };
        let model = ReversibleModel::fit(&counts).filter(|model| model.states().len() >= least);
        let model = model.ok_or_else(|| none("no two of them lead to each other: harvest more"))?;
        if model.states().len() > MOST_STATES {
            return Err(none("they are too many"));
        }
        let at = |gamma| StrainedStates::relaxed(graph, (home, sample), gamma, interrupt);
        Ok(Self {
            graph,
            home,
            sample,
            at_rest: as_series(graph).minima,
            counts,
            model,
            strained: [at(strain)?, at(-strain)?],
        })
    }

    /// Whether a quenched configuration is one of the states, with a weight or without.
    pub(crate) fn stores(&self, quenched: &InherentStructure, at: At) -> bool {
        let strained = match at {
            At::Rest => {
                let here = VisitedMinimum::beside(self.home, quenched);
                let mut known = self.at_rest.iter();
                return known.any(|known| known.is_same_state(&here, self.sample));
            }
            At::Plus => &self.strained[0],
            At::Minus => &self.strained[1],
        };
        strained.holds(quenched)
    }

    /// What they do.
    ///
    /// # Errors
    /// On request.
    pub(crate) fn predicted<'s>(
        &'s self,
        temperature: f64,
        (strain, edges): (f64, &[f64]),
        (seed, interrupt): (u64, &Interrupt),
    ) -> Result<Predicted, PipelineError> {
        let response = |strained: &'s StrainedStates, gamma: f64| {
            let found = (
                strained.minima.as_slice(),
                strained.became.as_slice(),
                strained.returns_to.as_slice(),
            );
            let applied = (self.sample.volume(), temperature, gamma);
            Response::new(&self.graph.states, found, applied)
        };
        let [plus, minus] = &self.strained;
        let responses = [response(plus, strain), response(minus, -strain)];
        let softening = self.softening(&responses, strain);
        let (ratio, error) = softening.unwrap_or((1.0, 0.0));
        let responses = responses.map(|response| response.times(ratio));
        let states = self.graph.states.iter();
        let still: Vec<f64> = states.map(|s| ratio * s.stress.xy()).collect();
        let step = |model: &ReversibleModel| stepped_states(model, &responses, &still, edges);
        let draws: Vec<u64> = (0..DRAWS).collect();
        let drawn: Vec<Option<SteppedPair>> = side_by_side(&draws, |&draw| {
            if interrupt.is_requested() {
                return Err(interrupted());
            }
            let drawn = drawn(&self.counts, seed, draw);
            Ok(ReversibleModel::fit(&drawn).map(|model| step(&model)))
        })?;
        let drawn: Vec<SteppedPair> = drawn.into_iter().flatten().collect();
        let model = &self.model;
        let fitted = Stepped::of(&[step(model)], strain);
        let counts = &self.counts;
        let times: f64 = (0..counts.states()).map(|state| counts.time(state)).sum();
        let kept: f64 = model.states().iter().map(|&state| counts.time(state)).sum();
        let fallen = responses.each_ref().map(|response| {
            let states = model.states().iter();
            let fallen = states.filter(|&&state| response.became[state] != state);
            fallen
                .filter_map(|&state| model.weight(state))
                .fold(0.0, |sum, weight| sum + weight)
        });
        Ok(Predicted {
            stepped: fitted
                .with_spread(&Stepped::of(&drawn, strain), drawn.len())
                .with_common_error(error / ratio),
            states: model.states().len(),
            share: kept / times,
            fallen: 0.5 * (fallen[0] + fallen[1]),
            softening,
        })
    }

    /// What heat does to the wells: modulus of the average well at the temperature of the harvest over that of its
    /// minimum between both signs of `strain`, with its standard error; none where the harvest did not measure it.
    ///
    /// Heat softens wells without a jump, and wells of a few k_B T answer to a strain in a straight line where
    /// minima bend within it. What the strain does to the free energy of a well, and so to its stress, is taken as
    /// this many times what it does to the energy of its minimum, in all of them alike.
    fn softening(&self, responses: &[Response<'_>; 2], strain: f64) -> Option<(f64, f64)> {
        let wells = self.graph.wells()?;
        let weighed = |response: &Response<'_>| -> f64 {
            let states = self.model.states().iter();
            states
                .filter_map(|&state| Some(self.model.weight(state)? * response.stresses[state]))
                .sum()
        };
        let minima = (weighed(&responses[0]) - weighed(&responses[1])) / (2.0 * strain);
        let thermal = wells.thermal[0] + turn(self.sample);
        let known = minima > 0.0 && thermal > 0.0;
        known.then(|| (thermal / minima, wells.thermal_error[0] / minima))
    }
}

/// Counts as another series of the same length might have given them: jumps are counted independently of each
/// other, so each count is Poisson's.
fn drawn(counts: &Counts, seed: u64, draw: u64) -> Counts {
    let mut generator = random_stream(seed, Purpose::Bootstrap, 0, draw);
    let mut drawn = Counts::new(counts.states());
    for state in 0..counts.states() {
        drawn.add_time(state, counts.time(state));
    }
    for (from, to, jumps) in counts.all_jumps() {
        let number = Poisson::new(jumps as f64).map_or(0.0, |law| law.sample(&mut generator));
        drawn.add_jumps([from, to], number as u64);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_counts_keep_times_and_scatter_by_their_roots() {
        let mut counts = Counts::new(2);
        counts.add_time(0, 50.0);
        counts.add_jumps([0, 1], 400);
        let draws: Vec<f64> = (0..200)
            .map(|draw| {
                let drawn = drawn(&counts, 5, draw);
                assert_eq!(drawn.time(0), 50.0);
                drawn.jumps(0, 1) as f64
            })
            .collect();
        let found = metabasin_files::findings::Measured::of(&draws);
        // Four deviations of the mean, and of the spread.
        assert!((found.value - 400.0).abs() < 4.0 * 20.0 / 200.0_f64.sqrt());
        let spread = found.error.unwrap() * 200.0_f64.sqrt();
        assert!((spread - 20.0).abs() < 4.0 * 20.0 / 400.0_f64.sqrt());
    }
}
