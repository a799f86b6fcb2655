//! The minimum of a catalogue that trajectories start from, and what is known around it.

use std::path::Path;

use metabasin_catalogue::{Catalogue, EventRecord, SampleRecord, StateGraph};
use metabasin_landscape::Searcher;

use crate::catalogue_reading::open_minimum;
use crate::escape::{interrupted, positive};
use crate::trajectory_dynamics::TrajectoryDynamics;
use crate::{Interrupt, PipelineError};

/// What trajectories around the minimum of a catalogue start from and are laid beside.
pub(crate) struct TrajectoryStart {
    pub(crate) sample: SampleRecord,
    /// The verified ones.
    pub(crate) events: Vec<EventRecord>,
    /// The states that molecular dynamics visited before.
    pub(crate) graph: Option<StateGraph>,
    /// k_B T `[energy]`.
    pub(crate) temperature: f64,
    /// Of the minimum, which is proven to be one.
    pub(crate) searcher: Searcher,
}

impl TrajectoryStart {
    /// Reads a catalogue; its temperature is that of the sample where the dynamics say none.
    ///
    /// # Errors
    /// A catalogue that cannot be read, whose minimum is none, or which has no temperature; a temperature
    /// out of bounds; or on request.
    pub(crate) fn open(
        path: &Path,
        (dynamics, interrupt): (&TrajectoryDynamics, &Interrupt),
    ) -> Result<Self, PipelineError> {
        let catalogue = Catalogue::open_read_only(path)?;
        let sample = catalogue.sample()?;
        let events = catalogue.verified_events()?;
        let graph = catalogue.graph()?;
        let temperature = dynamics.temperature.or(sample.temperature).ok_or_else(|| {
            PipelineError::in_file(path, "says no temperature: give --temperature")
        })?;
        positive("--temperature", temperature)?;
        let (minimum, settings) = open_minimum(path, &sample, (dynamics.kernel, interrupt))?;
        let searcher = Searcher::new(&minimum, settings, sample.seed, 0).map_err(|error| {
            if interrupt.is_requested() {
                interrupted()
            } else {
                PipelineError::in_file(path, error)
            }
        })?;
        Ok(Self {
            sample,
            events,
            graph,
            temperature,
            searcher,
        })
    }
}
