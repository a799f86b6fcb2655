//! A simulation walking through the stages of a protocol.

use std::ops::ControlFlow;

use crate::control::{Control, XY};
use crate::error::EshelbyError;
use crate::mandel::{add, from_tensor, to_tensor};
use crate::protocol::{LONGEST_UNLOADING, Load, Protocol, Rows, Stage};
use crate::settings::Floor;

use super::waiting::Wait;
use super::{Observer, Outcome, Simulation};

impl Simulation {
    /// Runs a protocol from where the simulation stands: a new one from its first row, a restored
    /// one from the row after its checkpoint.
    ///
    /// # Errors
    /// A protocol with bad numbers, or one with fewer stages than the checkpoint has seen.
    pub fn run(
        &mut self,
        protocol: &Protocol,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, EshelbyError> {
        protocol.validate()?;
        if self.state.stage > protocol.stages.len() {
            return Err(EshelbyError::OtherProtocol {
                stage: self.state.stage,
                stages: protocol.stages.len(),
            });
        }
        while let Some(stage) = protocol.stages.get(self.state.stage) {
            if self.run_stage(stage, observer).is_break() {
                return Ok(Outcome::Stopped);
            }
            if stage.zeroes_strain {
                let elastic = self.lattice.cell.strain(&self.macroscopic());
                self.state.strain_origin = add(&elastic, &self.plastic_strain());
            }
            self.state.stage += 1;
            self.state.row = 0;
            self.state.stage_done = false;
        }
        Ok(Outcome::Finished)
    }

    fn run_stage(&mut self, stage: &Stage, observer: &mut dyn Observer) -> ControlFlow<()> {
        if self.state.row == 0 {
            self.begin(stage);
            self.mark_floored();
            self.emit(observer)?;
        }
        let longest_window = self.longest_window();
        let unloading = matches!(stage.load, Load::Unload { .. });
        while !self.state.stage_done {
            let row = self.state.row;
            if unloading {
                if row > LONGEST_UNLOADING.saturating_mul(stage.rows.last()) {
                    break;
                }
            } else if stage.rows.past(row) {
                break;
            }
            let target = match (unloading, stage.rows) {
                (true, Rows::Even(count)) => {
                    self.state.stage_duration * f64::from(row) / f64::from(count)
                }
                _ => stage.rows.time(row, self.state.stage_duration),
            };
            self.raise_floor(self.floor_of(stage, target));
            loop {
                let until = if unloading {
                    match self.zero_stress_at() {
                        Some(zero) if zero <= target => {
                            self.state.stage_done = true;
                            zero
                        }
                        _ => target,
                    }
                } else {
                    target
                };
                let event = match self.advance(until, longest_window, observer) {
                    Wait::Event(event) => event,
                    Wait::Over => break,
                    Wait::Stopped => return ControlFlow::Break(()),
                };
                self.state.stage_done = false;
                observer.event(&event);
                if self.state.stage_events >= self.lattice.settings.maximum_events {
                    self.state.stage_done = true;
                    self.state.counters.stages_cut_short += 1;
                    break;
                }
            }
            self.emit(observer)?;
        }
        self.mark_floored();
        ControlFlow::Continue(())
    }

    fn emit(&mut self, observer: &mut dyn Observer) -> ControlFlow<()> {
        self.state.row += 1;
        let row = self.row();
        observer.row(&row, self)
    }

    /// Puts the load of a stage on.
    fn begin(&mut self, stage: &Stage) {
        let cell = self.lattice.settings.cell;
        self.state.window = None;
        self.recompute_field();
        let gamma = self.strain();
        // Strain that is prescribed from here on starts at its present value.
        let strain = add(
            &self.lattice.cell.strain(&self.macroscopic()),
            &self.plastic_strain(),
        );
        let stress = to_tensor(self.macroscopic());
        let mut strain_rate = [0.0; 6];
        let (control, rate, duration) = match stage.load {
            Load::StrainRamp { rate, to } => {
                let rate = rate.per_tau();
                let signed = if to < gamma { -rate } else { rate };
                (Control::driven(cell), signed, (to - gamma).abs() / rate)
            }
            Load::StrainHold { duration } => (Control::driven(cell), 0.0, duration.tau()),
            Load::StressHold { stress, duration } => {
                self.state.applied = from_tensor(stress.0);
                (Control::released(cell), 0.0, duration.tau())
            }
            Load::Unload { rate } => {
                let rate = rate.per_tau();
                let signed = if stress[XY] > 0.0 { -rate } else { rate };
                // The time to strain zero, or elastically to stress zero if that is longer.
                let elastic = stress[XY].abs() / self.lattice.cell.shear_modulus();
                (
                    Control::driven(cell),
                    signed,
                    gamma.abs().max(elastic) / rate,
                )
            }
        };
        strain_rate[XY] = from_tensor([0.0, 0.0, 0.0, 0.5 * rate, 0.0, 0.0])[XY];
        self.state.control = control;
        self.state.strain_start = strain;
        self.state.strain_rate = strain_rate;
        self.state.stage_duration = duration;
        self.state.stage_events = 0;
        self.state.elapsed.set(0.0);
        self.state.floor = self.floor_of(stage, stage.rows.time(1, duration));
        self.rebuild_leaps();
    }

    /// E_floor while a row that ends at `row_end` is being run.
    fn floor_of(&self, stage: &Stage, row_end: f64) -> f64 {
        match self.lattice.settings.floor {
            Floor::None => 0.0,
            Floor::Barrier(energy) => energy,
            Floor::Flips(flips) => {
                let span = match stage.rows {
                    Rows::Even(_) => self.state.stage_duration,
                    Rows::Logarithmic { .. } => row_end,
                };
                let fastest = self.attempts.iter().copied().fold(0.0, f64::max);
                let energy = self.lattice.temperature() * (fastest * span / flips).ln();
                // No excitation or no duration: the logarithm is −∞.
                energy.max(0.0)
            }
        }
    }

    /// When the xy stress of the present ramp is zero if nothing happens before; now, if it is
    /// already past zero.
    fn zero_stress_at(&self) -> Option<f64> {
        let stress = self.macroscopic()[XY];
        let rate = self.stress_rate()[XY];
        let now = self.state.elapsed.now();
        (rate != 0.0).then(|| now + (-stress / rate).max(0.0))
    }
}
