//! What a mesoscale run is made of: lattice, temperature, what keeps flicker in check.

use std::sync::Arc;

use metabasin_atoms::units::Temperature;
use serde::{Deserialize, Serialize};

use crate::elasticity::Elasticity;
use crate::error::{EshelbyError, positive};
use crate::kernel::{Kernel, source_width};

/// Lowest temperature `[energy]`: barriers, known to 1e-15 or so, are divided by it.
const COLDEST: f64 = 1e-9;

/// The settings of a lattice of excitations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KmcSettings {
    /// Sites along each edge of the periodic cube, 2 to 256.
    pub sites_per_edge: usize,
    /// Volume a³ of one site, which is also the volume of an excitation's source `[length³]`.
    pub site_volume: f64,
    /// Temperature of the rates.
    pub temperature: Temperature,
    /// Excitations are drawn, and their density counted, below this barrier at zero stress
    /// `[energy]`.
    pub upper_barrier: f64,
    /// Multiplies the density counted in the catalogue, a lower bound: to show its error band.
    pub density_factor: f64,
    /// Whether excitations feel each other's stress.
    pub interactions: bool,
    /// How excitations are oriented when they are put on a site.
    pub orientations: Orientations,
    /// Sites that carry no excitation (icosahedral surroundings).
    pub elastic_sites: ElasticSites,
    /// Which strains of the cell may follow the stress.
    pub cell: CellShape,
    /// What keeps fast pairs from flickering.
    pub floor: Floor,
    /// Events after which a stage is cut short.
    pub maximum_events: u64,
}

impl Default for KmcSettings {
    fn default() -> Self {
        Self {
            sites_per_edge: 12,
            site_volume: 10.0,
            temperature: Temperature::Reduced(0.28),
            upper_barrier: 6.0,
            density_factor: 1.0,
            interactions: true,
            orientations: Orientations::Catalogued,
            elastic_sites: ElasticSites::None,
            cell: CellShape::Free,
            floor: Floor::Flips(1e3),
            maximum_events: 10_000_000,
        }
    }
}

/// How excitations are oriented when they are put on a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Orientations {
    /// As in the catalogue: the lattice is loaded in the sample's own axes.
    #[default]
    Catalogued,
    /// Turned by a random one of the 24 rotations of the cube: a small sample's preference for one
    /// direction averages out.
    Cubic,
}

/// Sites that carry no excitation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ElasticSites {
    /// Every site may carry excitations.
    #[default]
    None,
    /// A share of the sites, drawn one by one.
    Independent {
        /// Share of elastic sites, 0 ≤ f < 1.
        fraction: f64,
    },
    /// A share of the sites, in clusters: where a Gaussian random field is highest.
    Clustered {
        /// Share of elastic sites, 0 ≤ f < 1.
        fraction: f64,
        /// Distance over which the field stays correlated, in sites: its correlation function is
        /// exp(−r²/2ξ²).
        correlation_length: f64,
    },
}

impl ElasticSites {
    /// Share of elastic sites.
    pub fn fraction(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Independent { fraction } | Self::Clustered { fraction, .. } => fraction,
        }
    }
}

/// Which strains of the cell may follow the stress while shear in xy is driven or released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CellShape {
    /// All but the driven component: every other macroscopic stress is prescribed.
    #[default]
    Free,
    /// Only volume and the xy shear, as in molecular dynamics with an isotropic barostat: the
    /// other shears and the ratios of the edges are held.
    Fixed,
}

/// A floor under the barriers of both directions of a pair:
///
/// ```text
/// H_saddle → max(H_saddle, max(H_1, H_2) + E_floor)
/// ```
///
/// Both directions share the raised saddle, so detailed balance stays exact; fast pairs stay in
/// equilibrium, only with fewer jumps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Floor {
    /// No floor but zero: H_saddle → max(H_saddle, H_1, H_2).
    None,
    /// This E_floor `[energy]`.
    Barrier(f64),
    /// E_floor = k_B T ln(ν t/m), at least 0: no pair is expected to jump more than about m times
    /// within t. t is the nominal duration of a stage with evenly spaced rows; in a stage with
    /// logarithmic rows the time at the end of the row, so that the early part of a recovery is
    /// followed as closely as the late one. ν is the largest attempt frequency of the lattice.
    Flips(f64),
}

impl KmcSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// Names the field and its value.
    pub fn validate(&self) -> Result<(), EshelbyError> {
        if !(2..=256).contains(&self.sites_per_edge) {
            return Err(EshelbyError::OutOfRange {
                field: "sites_per_edge",
                value: self.sites_per_edge as f64,
                range: "[2, 256]",
            });
        }
        positive("site_volume", self.site_volume)?;
        let temperature = positive("temperature", self.temperature.reduced())?;
        if temperature < COLDEST {
            return Err(EshelbyError::OutOfRange {
                field: "temperature",
                value: temperature,
                range: "[1e-9, ...) in units of epsilon: below, barriers are rounding beside it",
            });
        }
        positive("upper_barrier", self.upper_barrier)?;
        positive("density_factor", self.density_factor)?;
        let fraction = self.elastic_sites.fraction();
        if !(0.0..1.0).contains(&fraction) {
            return Err(EshelbyError::OutOfRange {
                field: "elastic_sites.fraction",
                value: fraction,
                range: "[0, 1)",
            });
        }
        if let ElasticSites::Clustered {
            correlation_length, ..
        } = self.elastic_sites
        {
            positive("elastic_sites.correlation_length", correlation_length)?;
        }
        match self.floor {
            Floor::None => {}
            Floor::Barrier(energy) => {
                if !(energy.is_finite() && energy >= 0.0) {
                    return Err(EshelbyError::OutOfRange {
                        field: "floor.Barrier",
                        value: energy,
                        range: "[0, ...)",
                    });
                }
            }
            Floor::Flips(flips) => {
                positive("floor.Flips", flips)?;
            }
        }
        Ok(())
    }

    /// The kernel of these settings in a medium; runs that differ only in seed and load share it.
    ///
    /// # Errors
    /// As [`KmcSettings::validate`].
    pub fn kernel(&self, elasticity: Elasticity) -> Result<Arc<Kernel>, EshelbyError> {
        self.validate()?;
        let spacing = self.site_volume.cbrt();
        let kernel = if self.interactions {
            let width = source_width(self.site_volume);
            Kernel::gaussian(self.sites_per_edge, spacing, width, elasticity)
        } else {
            Kernel::without_interaction(self.sites_per_edge, spacing, elasticity)
        };
        kernel.map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_round_trip_and_unknown_fields_do_not() {
        let settings = KmcSettings {
            elastic_sites: ElasticSites::Clustered {
                fraction: 0.125,
                correlation_length: 2.0,
            },
            floor: Floor::Barrier(1.5),
            ..KmcSettings::default()
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            serde_json::from_str::<KmcSettings>(&text).unwrap(),
            settings
        );
        let message = serde_json::from_str::<KmcSettings>(r#"{"sites": 3}"#)
            .unwrap_err()
            .to_string();
        assert!(message.contains("unknown field `sites`"), "{message}");
    }

    #[test]
    fn bad_numbers_are_refused_by_name_and_value() {
        type Spoil = fn(&mut KmcSettings);
        let cases: [(&str, &str, Spoil); 7] = [
            ("sites_per_edge", "1", |s| s.sites_per_edge = 1),
            ("site_volume", "-2", |s| s.site_volume = -2.0),
            ("temperature", "0", |s| {
                s.temperature = Temperature::Kelvin(0.0);
            }),
            ("upper_barrier", "NaN", |s| s.upper_barrier = f64::NAN),
            ("density_factor", "inf", |s| {
                s.density_factor = f64::INFINITY;
            }),
            ("fraction", "1.5", |s| {
                s.elastic_sites = ElasticSites::Independent { fraction: 1.5 };
            }),
            ("floor.Flips", "0", |s| s.floor = Floor::Flips(0.0)),
        ];
        for (field, value, spoil) in cases {
            let mut settings = KmcSettings::default();
            assert!(settings.validate().is_ok());
            spoil(&mut settings);
            let message = settings.validate().unwrap_err().to_string();
            assert!(
                message.contains(field) && message.contains(value),
                "{message}"
            );
        }
    }
}
