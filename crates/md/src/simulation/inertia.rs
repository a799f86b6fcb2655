//! Which components of the cell are free, and how heavy they are.

use super::degrees_of_freedom;
use super::linear_map::UpperTriangular;
use crate::{Barostat, Drive, Dynamics};

/// Masses of the cell's own motion, components of the velocity gradient G in ḣ = G h.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inertia {
    /// W of ε̇ = G_xx = G_yy = G_zz, where the volume moves alone `[energy τ²]`.
    pub(super) volume: Option<f64>,
    /// W_g of each component but xy, where the whole cell moves `[energy τ²]`.
    pub(super) shape: Option<f64>,
    /// W_γ of γ̇ = G_xy, where it is free `[energy τ²]`.
    pub(super) tilt: Option<f64>,
}

/// Components of G that a full cell moves beside xy.
const SHAPE: [usize; 5] = [0, 1, 2, 4, 5];
/// The component of the simple shear.
pub(super) const XY: usize = 3;

impl Inertia {
    pub(super) fn new(dynamics: &Dynamics, atoms: usize) -> Self {
        let unit = (degrees_of_freedom(atoms) + 3.0) * dynamics.temperature.mean();
        let of_component = |time_constant: f64| unit * time_constant.powi(2) / 3.0;
        let volume = match dynamics.barostat {
            Some(Barostat::Isotropic { time_constant, .. }) => Some(unit * time_constant.powi(2)),
            _ => None,
        };
        let shape = match dynamics.barostat {
            Some(Barostat::FullCell { time_constant, .. }) => Some(of_component(time_constant)),
            _ => None,
        };
        let tilt = match dynamics.drive {
            Drive::None => shape,
            Drive::Shear { .. } | Drive::CyclicShear { .. } => None,
            Drive::ZeroShearStress { time_constant }
            | Drive::ConstantShearStress { time_constant, .. } => Some(of_component(time_constant)),
        };
        Self {
            volume,
            shape,
            tilt,
        }
    }

    /// How many motions of the cell are free.
    pub(super) fn count(&self) -> usize {
        let shape = if self.shape.is_some() { SHAPE.len() } else { 0 };
        usize::from(self.volume.is_some()) + shape + usize::from(self.tilt.is_some())
    }

    /// Twice the kinetic energy of the free motions `[energy]`.
    pub(super) fn twice_kinetic(&self, gradient: &UpperTriangular) -> f64 {
        let g = &gradient.0;
        let shape: f64 = SHAPE.iter().map(|k| g[*k] * g[*k]).sum();
        self.volume.unwrap_or(0.0) * g[0] * g[0]
            + self.shape.unwrap_or(0.0) * shape
            + self.tilt.unwrap_or(0.0) * g[XY] * g[XY]
    }

    /// Applies `change(rate, mass)` to each free motion.
    pub(super) fn change_rates(
        &self,
        gradient: &mut UpperTriangular,
        mut change: impl FnMut(f64, f64) -> f64,
    ) {
        let g = &mut gradient.0;
        if let Some(mass) = self.volume {
            let rate = change(g[0], mass);
            g[..3].fill(rate);
        }
        if let Some(mass) = self.shape {
            for k in SHAPE {
                g[k] = change(g[k], mass);
            }
        }
        if let Some(mass) = self.tilt {
            g[XY] = change(g[XY], mass);
        }
    }

    /// Pushes the free motions for `duration` by the forces on the components of G `[energy]`.
    pub(super) fn push(&self, gradient: &mut UpperTriangular, force: &[f64; 6], duration: f64) {
        let g = &mut gradient.0;
        if let Some(mass) = self.volume {
            let rate = g[0] + duration * (force[0] + force[1] + force[2]) / mass;
            g[..3].fill(rate);
        }
        if let Some(mass) = self.shape {
            for k in SHAPE {
                g[k] += duration * force[k] / mass;
            }
        }
        if let Some(mass) = self.tilt {
            g[XY] += duration * force[XY] / mass;
        }
    }
}
