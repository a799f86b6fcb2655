//! What a run found: digested curves and numbers, `findings.json` on top of a run directory.
//!
//! Written by the pipeline when its stages are done, read by the report; everything a figure
//! shows stands in here, with errors.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::atomic_file::{read_json, write_json};
use crate::{FilesError, Overwrite};

/// A number with its standard error, where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub error: Option<f64>,
    /// Of how many independent values (pairs of trajectories, lattices, samples) the error is the
    /// spread. 0 where it is no spread but what one trajectory shows by itself, its thermal noise
    /// or the scatter about a fit: no verdict rests on that.
    #[serde(default)]
    pub independent: usize,
}

impl Measured {
    /// A number without an error.
    pub fn bare(value: f64) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }

    /// A number with an error from within one trajectory or fit.
    pub fn within(value: f64, error: f64) -> Self {
        Self {
            value,
            error: Some(error),
            independent: 0,
        }
    }

    /// The mean of independent values; its standard error where there are two at least.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Self {
            value: mean,
            error: (values.len() > 1).then(|| (squares / (n * (n - 1.0))).sqrt()),
            independent: values.len(),
        }
    }

    /// The mean of so many independent values, with their standard error.
    pub fn mean_of(independent: usize, value: f64, error: f64) -> Self {
        Self {
            value,
            error: Some(error),
            independent,
        }
    }
}

/// A sampled curve y(x), with standard errors of y where there are any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Abscissae.
    pub x: Vec<f64>,
    /// Ordinates.
    pub y: Vec<f64>,
    /// Standard errors of the ordinates.
    pub y_error: Option<Vec<f64>>,
}

/// The glass that the run worked on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GlassFindings {
    /// Number of atoms.
    pub atoms: usize,
    /// How it was made or where it came from, in one sentence.
    pub origin: String,
    /// Temperature `k_B T` of the experiments `[energy]`.
    pub temperature: f64,
    /// Glass temperature `T_f` where the liquid and glass lines of enthalpy cross, with the spread
    /// over fit windows.
    pub fictive_temperature: Option<Measured>,
    /// Enthalpy per atom against temperature along the cooling ramp `[energy]`.
    pub cooling: Option<Curve>,
    /// The two straight lines whose crossing is `T_f`.
    pub cooling_lines: Vec<Curve>,
    /// Inherent-structure energy per atom of the reference state `[energy]`.
    pub inherent_energy_per_atom: Option<f64>,
    /// Share of the small atoms that are icosahedral.
    pub icosahedral_fraction_of_small: Option<f64>,
    /// Largest cluster of icosahedral centers joined by faces.
    pub icosahedral_largest_cluster: Option<usize>,
    /// A warning where the sample looks crystalline.
    pub crystallization: Option<String>,
}

/// Loading, unloading and recovery at one rate, by one method.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadingFindings {
    /// How many independent samples stand behind; from three on the errors are their spread.
    #[serde(default)]
    pub replicas: usize,
    /// How many independent realizations (pairs of opposite sign count once) stand behind.
    /// The loading curve and the modulus rest on them.
    pub realizations: usize,
    /// How many of them are unloaded: the residual strain rests on these.
    #[serde(default)]
    pub unloaded: usize,
    /// How many of them have recovered: the recovery and its numbers rest on these.
    #[serde(default)]
    pub recovered: usize,
    /// Shear stress against strain while loading, half the difference of both signs.
    pub loading: Curve,
    /// Shear stress against strain while unloading.
    pub unloading: Curve,
    /// Slope of the loading curve at small strain `[energy / length³]`.
    pub shear_modulus: Option<Measured>,
    /// Strain at zero stress after unloading.
    pub residual_strain: Option<Measured>,
    /// Strain against time at zero stress, control subtracted; x in mapped seconds.
    pub recovery: Curve,
    /// Residual strain minus the mean strain over the last quarter of the recovery.
    pub recovered_strain: Option<Measured>,
    /// Time until half of the recovered strain is gone `[mapped seconds]`.
    pub recovery_half_time: Option<Measured>,
    /// Events executed while loading (KMC only).
    pub events_loading: Option<u64>,
}

/// Loading at one rate, by both methods where both were run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RateFindings {
    /// Strain rate per mapped second.
    pub rate_per_second: f64,
    /// Molecular dynamics.
    pub md: Option<LoadingFindings>,
    /// Eshelby kinetic Monte Carlo.
    pub kmc: Option<LoadingFindings>,
}

/// One line of the comparison of MD and KMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRow {
    /// `shear_modulus`, `residual_strain`, `recovered_strain`, `recovery_half_time`,
    /// `energy_drop`.
    pub quantity: String,
    /// Strain rate per mapped second; `None` at zero load.
    pub rate_per_second: Option<f64>,
    /// Value by MD.
    pub md: Option<f64>,
    /// Its standard error.
    pub md_error: Option<f64>,
    /// Of how many independent values it is the spread, see [`Measured::independent`].
    #[serde(default)]
    pub md_independent: usize,
    /// Value by KMC.
    pub kmc: Option<f64>,
    /// Its standard error.
    pub kmc_error: Option<f64>,
    /// Of how many independent values it is the spread.
    #[serde(default)]
    pub kmc_independent: usize,
    /// Whether zero lies in the 95 % interval of their difference (Student's t). `None`, not
    /// resolvable, where either error is not the spread of at least four independent values, or
    /// where that interval is wider than the numbers themselves.
    pub agrees: Option<bool>,
}

/// What is said of an expected signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Seen: the 95 % interval (Student's t) lies above zero.
    Present,
    /// Its opposite is seen, or the interval ends below what would matter.
    Absent,
    /// Neither; also wherever the error is not the spread of at least four independent values.
    NotResolvable,
}

/// One of the signatures that the reference paper reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// Name in a few words.
    pub name: String,
    /// By which method: `MD` or `KMC`.
    pub method: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The numbers behind the verdict, noise included, in one sentence.
    pub evidence: String,
}

/// A number that the run measured or assumed, for the summary table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// What it is.
    pub name: String,
    /// Its value, formatted, with its error.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// Where it comes from (stage, file or formula), or why it was assumed.
    pub source: String,
}

/// The energy landscape, from the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LandscapeFindings {
    /// Searches by outcome, in order of frequency.
    pub outcomes: Vec<(String, u64)>,
    /// Distinct verified events.
    pub distinct: usize,
    /// Force evaluations (both relaxations and failures counted) per distinct event.
    pub force_evaluations_per_event: Option<f64>,
    /// Good-Turing coverage: probability that the next search finds a known event.
    pub coverage: Option<f64>,
    /// Chao1 lower bound of the number of events that these searches can find.
    pub chao1: Option<f64>,
    /// Energy window E* = kT ln(ν·0.02/γ̇) of the slowest MD rate `[energy]`.
    pub window: Option<f64>,
    /// That plastic volumes are not by the sample's own compliance, and why, where it is so.
    #[serde(default)]
    pub compliance: Option<String>,
}

/// Everything that a report shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Title of the run.
    pub title: String,
    /// How many independent samples stand behind.
    #[serde(default)]
    pub samples: usize,
    /// Caveats that a reader must see before any figure.
    pub caveats: Vec<String>,
    /// The glass.
    pub glass: GlassFindings,
    /// One entry a rate, fastest first.
    pub rates: Vec<RateFindings>,
    /// Inherent-structure energy per atom against time at zero load, by MD `[energy]`; x in mapped seconds,
    /// y relative to the first frame.
    pub zero_load_md: Option<Curve>,
    /// The same by KMC.
    pub zero_load_kmc: Option<Curve>,
    /// The energy landscape.
    pub landscape: Option<LandscapeFindings>,
    /// Comparison of MD and KMC.
    pub comparison: Vec<ComparisonRow>,
    /// Signatures of the reference paper.
    pub signatures: Vec<Signature>,
    /// What was measured.
    pub measured: Vec<Quantity>,
    /// What was assumed.
    pub assumed: Vec<Quantity>,
}

impl Findings {
    /// File name within a run directory.
    pub const FILE_NAME: &'static str = "findings.json";

    /// Reads `findings.json` in a run directory.
    ///
    /// # Errors
    /// [`FilesError::Read`] and [`FilesError::Json`].
    pub fn read(run_directory: &Path) -> Result<Self, FilesError> {
        read_json(&run_directory.join(Self::FILE_NAME))
    }

    /// Writes `findings.json` in a run directory, whole, replacing an older one.
    ///
    /// # Errors
    /// [`FilesError::NotFinite`] for a NaN or infinity, which JSON cannot hold, and as
    /// [`crate::write_atomic`].
    pub fn write(&self, run_directory: &Path) -> Result<(), FilesError> {
        write_json(&run_directory.join(Self::FILE_NAME), self, Overwrite::Allow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let findings = Findings {
            title: "glass".to_owned(),
            zero_load_md: Some(Curve {
                x: vec![1e-12, 2e-12],
                y: vec![0.1, 0.30000000000000004],
                y_error: None,
            }),
            signatures: vec![Signature {
                name: "recovery".to_owned(),
                method: "MD".to_owned(),
                verdict: Verdict::NotResolvable,
                evidence: "noise 0.007".to_owned(),
            }],
            ..Findings::default()
        };
        findings.write(folder.path()).unwrap();
        assert_eq!(Findings::read(folder.path()).unwrap(), findings);
    }

    #[test]
    fn a_curve_with_a_hole_is_refused_before_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let findings = Findings {
            zero_load_md: Some(Curve {
                x: vec![1.0],
                y: vec![f64::NAN],
                y_error: None,
            }),
            ..Findings::default()
        };
        let error = findings.write(folder.path()).unwrap_err();
        assert!(matches!(error, FilesError::NotFinite { .. }), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
