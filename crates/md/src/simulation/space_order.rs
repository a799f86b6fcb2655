//! The order of atoms in memory: close in space, close in memory.

use metabasin_interactions::Precision;

use super::Simulation;

/// Width of the columns along x in which atoms follow one another `[length]`.
const COLUMN: f64 = 1.5;

/// Width of the columns along z, in edges of a cube that holds four atoms: that of the columns in
/// which lists of clusters put them.
const CLUSTER_COLUMN: f64 = 1.2;

impl Simulation {
    /// Sorts all arrays by columns of the cell and along them within a column, as lists of
    /// neighbors read them: along z where they are lists of clusters, else along x. The order
    /// depends on the places of the atoms in the cell alone, not on the order before.
    pub(super) fn sort_in_space(&mut self) {
        let cell = &self.configuration.cell;
        let lengths = cell.components();
        let positions = &self.configuration.positions;
        let ([slow, fast, along], columns) = match self.force_field.precision() {
            Precision::Double => ([2, 1, 0], lengths.map(|length| (length / COLUMN).ceil())),
            Precision::Mixed => {
                let cube = 4.0 * cell.volume() / positions.len() as f64;
                let width = CLUSTER_COLUMN * cube.cbrt();
                ([0, 1, 2], lengths.map(|length| (length / width).round()))
            }
        };
        let mut keys: Vec<(u32, u32, f64, u64, u32)> = positions
            .iter()
            .zip(&self.configuration.ids)
            .enumerate()
            .map(|(k, (position, id))| {
                let place = cell.to_fractional(position);
                let inside = place - place.map(f64::floor);
                let column = |axis: usize| (inside[axis] * columns[axis].max(1.0)) as u32;
                (column(slow), column(fast), inside[along], *id, k as u32)
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
