//! By how much heat softens the medium of the KMC, as harvests measured it.

use metabasin_catalogue::StateGraph;

/// Shear modulus of the wells at k_B T = `temperature` over that of their minima, the mean of xy, xz and yz: 1
/// less a part in proportion to the temperature, as the free energy of a well is to first order. None where no
/// harvest measured it, or where it would leave nothing.
pub(crate) fn thermal_softening(graph: Option<&StateGraph>, temperature: f64) -> Option<f64> {
    let graph = graph?;
    let wells = graph.wells()?;
    let measured_at = graph.harvests.first()?.temperature;
    let ratio = wells.thermal.iter().sum::<f64>() / wells.inherent.iter().sum::<f64>();
    let softening = 1.0 - (1.0 - ratio) * temperature / measured_at;
    (softening > 0.0 && softening.is_finite()).then_some(softening)
}

#[cfg(test)]
mod tests {
    use metabasin_catalogue::{HarvestRecord, WellModuli};

    use super::*;

    #[test]
    fn half_as_warm_is_half_as_much_softer() {
        let graph = |wells| StateGraph {
            harvests: vec![HarvestRecord {
                temperature: 0.28,
                wells,
                ..HarvestRecord::default()
            }],
            ..StateGraph::default()
        };
        let wells = WellModuli {
            inherent: [17.0, 18.0, 15.0],
            thermal: [15.0, 17.0, 13.0],
            thermal_error: [0.1; 3],
        };
        let known = graph(Some(wells));
        for (temperature, expected) in [(0.28, 0.9), (0.14, 0.95)] {
            let found = thermal_softening(Some(&known), temperature).unwrap();
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
        assert_eq!(thermal_softening(Some(&known), 2.8), None);
        assert_eq!(thermal_softening(Some(&graph(None)), 0.28), None);
        assert_eq!(thermal_softening(None, 0.28), None);
    }
}
