//! How heat leaves the elasticity of a sample, as harvests measured it.

use metabasin_atoms::Stiffness;
use metabasin_catalogue::StateGraph;

/// Places of xy, xz and yz in a stiffness.
const SHEARS: [usize; 3] = [3, 4, 5];

/// Shear moduli of wells at a temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ThermalSoftening {
    /// Of xy, xz and yz `[energy / length³]`.
    shears: [f64; 3],
    /// Their mean over that of the minima.
    pub(crate) ratio: f64,
}

impl ThermalSoftening {
    /// At k_B T = `temperature`: the moduli of the minima and of their wells at the temperature of the harvest,
    /// in a straight line, as the free energy of a well is to first order. None where no harvest measured them, or
    /// where nothing would be left of one.
    pub(crate) fn known(graph: Option<&StateGraph>, temperature: f64) -> Option<Self> {
        let graph = graph?;
        let wells = graph.wells()?;
        let share = temperature / graph.harvests.first()?.temperature;
        let pairs = wells.inherent.iter().zip(wells.thermal);
        let moduli: Vec<f64> = pairs
            .map(|(cold, warm)| cold + (warm - cold) * share)
            .collect();
        let shears: [f64; 3] = moduli.try_into().ok()?;
        let ratio = shears.iter().sum::<f64>() / wells.inherent.iter().sum::<f64>();
        let positive = |modulus: &f64| *modulus > 0.0 && modulus.is_finite();
        (shears.iter().all(positive) && positive(&ratio)).then_some(Self { shears, ratio })
    }

    /// A stiffness scaled on both sides, S C S, which leaves it positive definite: its shear moduli are those of the
    /// wells, and normal components change by the mean ratio.
    pub(crate) fn of(&self, stiffness: &Stiffness) -> Stiffness {
        let mut scales = [self.ratio.sqrt(); 6];
        for (modulus, k) in self.shears.iter().zip(SHEARS) {
            scales[k] = (modulus / stiffness.0[k][k]).sqrt();
        }
        let mut scaled = *stiffness;
        for (row, a) in scaled.0.iter_mut().zip(scales) {
            for (element, b) in row.iter_mut().zip(scales) {
                *element *= a * b;
            }
        }
        scaled
    }
}

#[cfg(test)]
mod tests {
    use metabasin_catalogue::{HarvestRecord, WellModuli};

    use super::*;

    fn graph(wells: Option<WellModuli>) -> StateGraph {
        StateGraph {
            harvests: vec![HarvestRecord {
                temperature: 0.28,
                wells,
                ..HarvestRecord::default()
            }],
            ..StateGraph::default()
        }
    }

    const WELLS: WellModuli = WellModuli {
        inherent: [17.0, 18.0, 15.0],
        thermal: [15.0, 17.0, 13.0],
        thermal_error: [0.1; 3],
    };

    #[test]
    fn half_as_warm_is_half_as_much_softer() {
        let known = graph(Some(WELLS));
        for (temperature, expected) in [(0.28, 0.9), (0.14, 0.95)] {
            let found = ThermalSoftening::known(Some(&known), temperature).unwrap();
            assert!((found.ratio - expected).abs() < 1e-12, "{found:?}");
        }
        for (graph, temperature) in [
            (Some(&known), 2.8),
            (Some(&graph(None)), 0.28),
            (None, 0.28),
        ] {
            assert_eq!(ThermalSoftening::known(graph, temperature), None);
        }
    }

    #[test]
    fn a_stiffness_takes_the_moduli_of_the_wells() {
        let known = graph(Some(WELLS));
        let softening = ThermalSoftening::known(Some(&known), 0.28).unwrap();
        let stiffness = Stiffness::isotropic(16.0, 0.35);
        let found = softening.of(&stiffness);
        for (modulus, k) in WELLS.thermal.iter().zip(SHEARS) {
            assert!((found.0[k][k] - modulus).abs() < 1e-12);
        }
        assert!((found.0[0][1] - 0.9 * stiffness.0[0][1]).abs() < 1e-12);
    }
}
