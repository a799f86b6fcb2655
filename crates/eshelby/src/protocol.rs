//! What is done to a lattice: loads in stages.

use metabasin_atoms::Stress;
use metabasin_atoms::units::{Duration, StrainRate};
use serde::{Deserialize, Serialize};

use crate::error::{EshelbyError, finite, positive};

/// An unloading that has not reached zero stress after so many times the strain it started from
/// ends there.
pub(crate) const LONGEST_UNLOADING: u32 = 10;

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Load {
    /// Simple shear xy at a constant rate from the present strain to γ = `to`.
    StrainRamp {
        /// |dγ/dt|; the sign follows from where `to` lies.
        rate: StrainRate,
        /// Strain γ at the end.
        to: f64,
    },
    /// The present strain γ is held.
    StrainHold {
        /// For how long.
        duration: Duration,
    },
    /// The stress is set at once and held.
    StressHold {
        /// The stress; in a cell of fixed shape only its xy component and its trace count.
        stress: Stress,
        /// For how long.
        duration: Duration,
    },
    /// Simple shear xy against the present stress until the macroscopic xy stress is zero.
    Unload {
        /// |dγ/dt|.
        rate: StrainRate,
    },
}

/// When rows are written during a stage. A row also opens every stage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Rows {
    /// So many, evenly in time (so, under a ramp, evenly in strain). In an unloading: so many to
    /// strain zero, fewer if the stress is gone before.
    Even(u32),
    /// So many, evenly in log time over the last `decades` decades of the stage.
    Logarithmic {
        /// Number of rows.
        count: u32,
        /// Decades from the first row to the last.
        decades: f64,
    },
}

impl Rows {
    /// Number of the last row.
    pub(crate) fn last(self) -> u32 {
        match self {
            Self::Even(count) | Self::Logarithmic { count, .. } => count,
        }
    }

    /// Time of row 1, 2, ... of a stage of the given duration `[τ]`.
    pub(crate) fn time(self, row: u32, duration: f64) -> f64 {
        if row == self.last() {
            // To the last bit, whatever the rounding below.
            return duration;
        }
        let share = f64::from(row) / f64::from(self.last());
        match self {
            Self::Even(_) => duration * share,
            Self::Logarithmic { decades, .. } => duration * 10.0_f64.powf(decades * (share - 1.0)),
        }
    }

    /// Whether row `row` lies beyond the last.
    pub(crate) fn past(self, row: u32) -> bool {
        row > self.last()
    }
}

/// One stage of a protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Name for tables and plots, e.g. `load`.
    pub name: String,
    /// The load.
    pub load: Load,
    /// Its rows.
    pub rows: Rows,
    /// Whether the strain at the end of the stage is called γ = 0 from then on.
    #[serde(default)]
    pub zeroes_strain: bool,
}

/// Stages in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// The stages.
    pub stages: Vec<Stage>,
}

/// A cycle of aging, loading, unloading and recovery.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// Hold at zero stress before loading, whose end is γ = 0; `None` for none.
    #[serde(default)]
    pub aging: Option<Duration>,
    /// Loading rate.
    pub strain_rate: StrainRate,
    /// Strain reached, of either sign.
    pub strain: f64,
    /// Unloading rate.
    pub unload_rate: StrainRate,
    /// Hold at zero stress after unloading.
    pub recovery: Duration,
    /// Rows of every stage.
    pub rows: u32,
    /// Decades of time over which the rows of the holds spread.
    pub decades: f64,
}

impl Cycle {
    /// The stages `age` (if any), `load`, `unload`, `recover`.
    pub fn protocol(&self) -> Protocol {
        let hold = |name: &str, duration| Stage {
            name: name.into(),
            load: Load::StressHold {
                stress: Stress::ZERO,
                duration,
            },
            rows: Rows::Logarithmic {
                count: self.rows,
                decades: self.decades,
            },
            zeroes_strain: name == "age",
        };
        let mut stages = Vec::new();
        if let Some(duration) = self.aging {
            stages.push(hold("age", duration));
        }
        stages.push(Stage {
            name: "load".into(),
            load: Load::StrainRamp {
                rate: self.strain_rate,
                to: self.strain,
            },
            rows: Rows::Even(self.rows),
            zeroes_strain: false,
        });
        stages.push(Stage {
            name: "unload".into(),
            load: Load::Unload {
                rate: self.unload_rate,
            },
            rows: Rows::Even(self.rows),
            zeroes_strain: false,
        });
        stages.push(hold("recover", self.recovery));
        Protocol { stages }
    }

    /// The same cycle loaded the other way.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.strain = -self.strain;
        self
    }

    /// The control: the stages `age` (if any) and `relax`, a hold at zero stress as long as
    /// loading, unloading (at most) and recovery together, with even rows.
    pub fn control(&self) -> Protocol {
        let loading = self.strain.abs() / self.strain_rate.per_tau();
        let unloading = self.strain.abs() / self.unload_rate.per_tau();
        let mut protocol = self.protocol();
        protocol.stages.retain(|stage| stage.name == "age");
        protocol.stages.push(Stage {
            name: "relax".into(),
            load: Load::StressHold {
                stress: Stress::ZERO,
                duration: Duration::Tau(loading + unloading + self.recovery.tau()),
            },
            rows: Rows::Even(self.rows),
            zeroes_strain: false,
        });
        protocol
    }
}

impl Protocol {
    /// Checks every number.
    ///
    /// # Errors
    /// Names the field and its value.
    pub fn validate(&self) -> Result<(), EshelbyError> {
        for stage in &self.stages {
            match stage.load {
                Load::StrainRamp { rate, to } => {
                    positive("rate", rate.per_tau())?;
                    finite("to", to)?;
                }
                Load::StrainHold { duration } => {
                    positive("duration", duration.tau())?;
                }
                Load::StressHold { stress, duration } => {
                    for component in stress.0 {
                        finite("stress", component)?;
                    }
                    positive("duration", duration.tau())?;
                }
                Load::Unload { rate } => {
                    positive("rate", rate.per_tau())?;
                    if !matches!(stage.rows, Rows::Even(_)) {
                        return Err(EshelbyError::OutOfRange {
                            field: "rows",
                            value: f64::from(stage.rows.last()),
                            range: "Even(...) for an unloading",
                        });
                    }
                }
            }
            positive("rows", f64::from(stage.rows.last()))?;
            if let Rows::Logarithmic { decades, .. } = stage.rows {
                positive("decades", decades)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_with_the_stage_and_keep_their_spacing() {
        let rows = Rows::Logarithmic {
            count: 6,
            decades: 3.0,
        };
        assert_eq!(rows.time(6, 5e4), 5e4);
        let ratio = rows.time(3, 5e4) / rows.time(2, 5e4);
        assert!((ratio - 10.0_f64.sqrt()).abs() < 1e-12);
        assert!((Rows::Even(4).time(1, 8.0) - 2.0).abs() < 1e-15);
        assert!(!rows.past(6) && rows.past(7));
    }

    #[test]
    fn a_cycle_round_trips_and_bad_stages_are_refused() {
        let cycle = Cycle {
            aging: Some(Duration::Seconds(1e-9)),
            strain_rate: StrainRate::PerSecond(1e7),
            strain: 0.02,
            unload_rate: StrainRate::PerSecond(1e9),
            recovery: Duration::Seconds(1e-8),
            rows: 10,
            decades: 4.0,
        };
        let protocol = cycle.protocol();
        let names: Vec<&str> = protocol.stages.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["age", "load", "unload", "recover"]);
        assert!(protocol.stages[0].zeroes_strain && !protocol.stages[3].zeroes_strain);
        assert_eq!(cycle.reversed().strain, -0.02);
        assert_eq!(cycle.control().stages.len(), 2);
        let text = serde_json::to_string(&protocol).unwrap();
        let mut back: Protocol = serde_json::from_str(&text).unwrap();
        assert_eq!(back, protocol);
        back.validate().unwrap();
        back.stages[1].load = Load::StrainRamp {
            rate: StrainRate::PerTau(-1e-6),
            to: 0.02,
        };
        let message = back.validate().unwrap_err().to_string();
        assert!(
            message.contains("rate") && message.contains("-0.000001"),
            "{message}"
        );
    }
}
