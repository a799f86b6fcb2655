//! Some atoms of a landscape stand still.

use metabasin_interactions::EnergyLandscape;

use crate::preconditioner::Preconditioner;

/// A landscape in which `atoms` stand still: their forces count as zero.
pub(crate) struct Held<'a> {
    pub landscape: &'a mut dyn EnergyLandscape,
    pub atoms: &'a [usize],
}

/// M⁻¹ between the atoms that move.
pub(crate) struct Around<'a> {
    pub preconditioner: &'a dyn Preconditioner,
    pub atoms: &'a [usize],
}

fn clear(atoms: &[usize], vector: &mut [f64]) {
    for atom in atoms {
        vector[3 * atom..3 * atom + 3].fill(0.0);
    }
}

impl EnergyLandscape for Held<'_> {
    fn dimension(&self) -> usize {
        self.landscape.dimension()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let energy = self.landscape.evaluate(x, gradient);
        clear(self.atoms, gradient);
        energy
    }

    /// Of a direction in which the held atoms do not move.
    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.landscape.hessian_vector(x, v, product);
        clear(self.atoms, product);
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        self.landscape.largest_force(gradient)
    }

    fn is_interrupted(&self) -> bool {
        self.landscape.is_interrupted()
    }

    fn energy_resolution(&self, energy: f64) -> f64 {
        self.landscape.energy_resolution(energy)
    }
}

impl Preconditioner for Around<'_> {
    fn apply(&self, r: &[f64], z: &mut [f64]) {
        self.preconditioner.apply(r, z);
        clear(self.atoms, z);
    }
}
