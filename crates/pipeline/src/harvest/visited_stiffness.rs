//! The relaxed stiffness of the minima that trajectories visit.

use metabasin_landscape::relaxed_stiffness;
use metabasin_minimizers::InherentStructure;

use super::relaxation_modulus::SHEAR;
use super::series::StationarySeries;
use crate::displaced_minimum::displaced_minimum;
use crate::escape::interrupted;
use crate::stages::branches::side_by_side;
use crate::{PipelineError, Progress};

/// Moments whose minima the stiffness is averaged over.
const STIFFNESSES: usize = 16;
/// Largest force of the minima whose stiffness is measured `[energy / length]`.
const STIFFNESS_TOLERANCE: f64 = 1e-6;

/// G_IS in xy, xz and yz of minima at equal times along the trajectories; what has no stiffness is left out.
pub(crate) fn visited_stiffnesses(
    series: &[StationarySeries],
    home: &InherentStructure,
    progress: &dyn Progress,
) -> Result<Vec<[f64; 3]>, PipelineError> {
    let moments: Vec<(&StationarySeries, usize)> = series
        .iter()
        .flat_map(|one| (0..one.visits.len()).map(move |moment| (one, moment)))
        .collect();
    let number = STIFFNESSES.min(moments.len());
    let drawn: Vec<usize> = (0..number)
        .map(|k| (2 * k + 1) * moments.len() / (2 * number))
        .collect();
    progress.begin("stiffnesses", number as u64);
    let found: Vec<Option<[f64; 3]>> = side_by_side(&drawn, |&moment| {
        let (one, moment) = moments[moment];
        let there = &one.minima[one.visits[moment] as usize].displacement;
        let displacement = there.coordinates(home.configuration().len());
        let quenched = displaced_minimum(home, &displacement, STIFFNESS_TOLERANCE);
        let stiffness = quenched
            .ok()
            .and_then(|minimum| relaxed_stiffness(&minimum).ok());
        if home.interrupt().is_requested() {
            return Err(interrupted());
        }
        progress.advance(1);
        Ok(stiffness.map(|c| SHEAR.map(|(place, _)| c.0[place][place])))
    })?;
    progress.end();
    let lacking = found.iter().filter(|one| one.is_none()).count();
    if lacking > 0 {
        progress.note(&format!(
            "{lacking} of {number} visited minima have no stiffness and are left out of G_IS"
        ));
    }
    Ok(found.into_iter().flatten().collect())
}
