//! The order of atoms in memory: close in space, close in memory.

use super::Simulation;

/// Width of the columns along x in which atoms follow one another `[length]`.
const COLUMN: f64 = 1.5;

impl Simulation {
    /// Sorts all arrays by columns of the cell along x, and along x within a column. The order
    /// depends on the places of the atoms in the cell alone, not on the order before.
    pub(super) fn sort_in_space(&mut self) {
        let cell = &self.configuration.cell;
        let [_, ly, lz, ..] = cell.components();
        let columns = [ly, lz].map(|length| (length / COLUMN).ceil().max(1.0));
        let positions = &self.configuration.positions;
        let mut keys: Vec<(u32, u32, f64, u64, u32)> = positions
            .iter()
            .zip(&self.configuration.ids)
            .enumerate()
            .map(|(k, (position, id))| {
                let place = cell.to_fractional(position);
                let inside = place - place.map(f64::floor);
                let column = |k: usize| (inside[k] * columns[k - 1]) as u32;
                (column(2), column(1), inside.x, *id, k as u32)
            })
            .collect();
        keys.sort_unstable_by(|a, b| {
            (a.0, a.1)
                .cmp(&(b.0, b.1))
                .then(a.2.total_cmp(&b.2))
                .then(a.3.cmp(&b.3))
        });
        let order: Vec<usize> = keys.into_iter().map(|key| key.4 as usize).collect();
        permute(&order, &mut self.configuration.positions);
        permute(&order, &mut self.configuration.species);
        permute(&order, &mut self.configuration.ids);
        permute(&order, &mut self.places);
        permute(&order, &mut self.velocities);
        permute(&order, &mut self.masses);
        permute(&order, &mut self.inverse_masses);
    }
}

fn permute<T: Copy>(order: &[usize], array: &mut [T]) {
    let before = array.to_vec();
    for (element, &k) in array.iter_mut().zip(order) {
        *element = before[k];
    }
}
