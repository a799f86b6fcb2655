//! Who may share a face with an atom: all atoms and images within a radius, from a grid.

use metabasin_atoms::{Cell, Configuration};
use nalgebra::Vector3;

/// An atom or image near the atom in question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// From the atom to it `[length]`.
    pub(super) difference: Vector3<f64>,
    /// Its distance `[length]`.
    pub(super) distance: f64,
    /// Signed distance of the radical plane, (d² + rᵢ² − rⱼ²) / 2d `[length]`.
    pub(super) offset: f64,
    /// Its place in the sorted arrays of the grid.
    pub(super) slot: u32,
    /// Lattice shift within the grid's own cell and wrapping.
    pub(super) shift: [i32; 3],
}

/// Atoms sorted by the boxes of a grid in fractional coordinates.
///
/// The grid lives in a cell of the same lattice with small tilts, so that any tilt costs the same;
/// [`Grid::shift_in_input`] leads back.
pub(super) struct Grid {
    /// lx, ly, lz, xy, xz, yz of the cell with small tilts.
    components: [f64; 6],
    flips: [i32; 3],
    widths: [f64; 3],
    boxes: [i64; 3],
    starts: Vec<u32>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    radius_squared: Vec<f64>,
    fractional: Vec<Vector3<f64>>,
    wrapping: Vec<[i32; 3]>,
    atoms: Vec<u32>,
}

impl Grid {
    /// Sorts the atoms into boxes about `side` wide.
    pub(super) fn new(configuration: &Configuration, radius_squared: &[f64], side: f64) -> Self {
        let (cell, flips) = configuration.cell.with_small_tilts();
        let widths = cell.widths();
        // Not many more boxes than atoms, however flat the cell.
        let most = (configuration.len() as i64).saturating_mul(8).max(1);
        let mut boxes = widths.map(|width| ((width / side) as i64).clamp(1, most));
        while boxes[0].saturating_mul(boxes[1]).saturating_mul(boxes[2]) > most {
            let widest = (0..3).max_by_key(|&k| boxes[k]).unwrap_or(0);
            boxes[widest] = (boxes[widest] / 2).max(1);
        }
        let count = configuration.len();
        let mut wrapped = Vec::with_capacity(count);
        let mut home = Vec::with_capacity(count);
        let total = (boxes[0] * boxes[1] * boxes[2]) as usize;
        let mut starts = vec![0_u32; total + 1];
        for position in &configuration.positions {
            let (inside, shift) = cell.wrap(position);
            let fractional = cell.to_fractional(&inside);
            let place: [i64; 3] = std::array::from_fn(|k| {
                ((fractional[k] * boxes[k] as f64) as i64).clamp(0, boxes[k] - 1)
            });
            let number = ((place[2] * boxes[1] + place[1]) * boxes[0] + place[0]) as usize;
            starts[number + 1] += 1;
            wrapped.push((inside, fractional, shift));
            home.push(number);
        }
        for number in 0..total {
            starts[number + 1] += starts[number];
        }
        let mut fill = starts.clone();
        let mut atoms = vec![0_u32; count];
        for (atom, &number) in home.iter().enumerate() {
            atoms[fill[number] as usize] = atom as u32;
            fill[number] += 1;
        }
        let sorted = |atom: &u32| wrapped[*atom as usize];
        Self {
            components: cell.components(),
            flips,
            widths,
            boxes,
            starts,
            x: atoms.iter().map(|atom| sorted(atom).0.x).collect(),
            y: atoms.iter().map(|atom| sorted(atom).0.y).collect(),
            z: atoms.iter().map(|atom| sorted(atom).0.z).collect(),
            radius_squared: atoms
                .iter()
                .map(|&atom| radius_squared[atom as usize])
                .collect(),
            fractional: atoms.iter().map(|atom| sorted(atom).1).collect(),
            wrapping: atoms.iter().map(|atom| sorted(atom).2).collect(),
            atoms,
        }
    }

    /// The atom at a place of the sorted arrays.
    pub(super) fn atom(&self, slot: usize) -> u32 {
        self.atoms[slot]
    }

    /// Squared radius of the atom at `slot` `[length²]`.
    pub(super) fn radius_squared(&self, slot: usize) -> f64 {
        self.radius_squared[slot]
    }

    /// Half the side of a cube that holds the cell of any atom with room to spare: the images of
    /// the atom itself confine its cell to (|a| + |b| + |c|)/2 around it; this is twice as much
    /// `[length]`.
    pub(super) fn confinement(&self) -> f64 {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        lx + xy.hypot(ly) + (xz.hypot(yz)).hypot(lz)
    }

    /// The lattice shift of a candidate as the input counts it: its image of the atom at `slot`
    /// is positions\[j\] + h shift, seen from positions\[i\], in the cell as given.
    pub(super) fn shift_in_input(&self, slot: usize, candidate: &Candidate) -> [i32; 3] {
        let (here, there) = (self.wrapping[slot], self.wrapping[candidate.slot as usize]);
        let [a, b, c] = std::array::from_fn(|k| candidate.shift[k] - there[k] + here[k]);
        // b' = b − f_xy a and c' = c − f_yz b − f_xz a.
        let [xy, xz, yz] = self.flips;
        [a - xy * b - xz * c, b - yz * c, c]
    }

    /// Appends every atom and image with inner < distance ≤ outer from the atom at `slot`.
    pub(super) fn gather(
        &self,
        slot: usize,
        inner: f64,
        outer: f64,
        candidates: &mut Vec<Candidate>,
    ) {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        let s = self.fractional[slot];
        let place = Vector3::new(self.x[slot], self.y[slot], self.z[slot]);
        let range = |k: usize| {
            let (reach, boxes) = (outer / self.widths[k], self.boxes[k] as f64);
            // A box more at a border that rounding may have moved.
            let low = ((s[k] - reach) * boxes - 1e-9).floor() as i64;
            let high = ((s[k] + reach) * boxes + 1e-9).floor() as i64;
            low..=high
        };
        for c in range(2) {
            let (c_low, c_high) = self.span(2, c);
            let z_gap = gap(lz * c_low - place.z, lz * c_high - place.z);
            for b in range(1) {
                let (b_low, b_high) = self.span(1, b);
                let tilt = ordered(yz * c_low, yz * c_high);
                let y_gap = gap(
                    ly * b_low + tilt.0 - place.y,
                    ly * b_high + tilt.1 - place.y,
                );
                let left = outer * outer - y_gap * y_gap - z_gap * z_gap;
                if left < 0.0 {
                    continue;
                }
                // Along a, which is parallel to x, only what the sphere leaves.
                let half = left.sqrt();
                let (tilt_b, tilt_c) = (
                    ordered(xy * b_low, xy * b_high),
                    ordered(xz * c_low, xz * c_high),
                );
                let boxes = self.boxes[0] as f64;
                let low = (place.x - half - tilt_b.1 - tilt_c.1) / lx * boxes - 1e-9;
                let high = (place.x + half - tilt_b.0 - tilt_c.0) / lx * boxes + 1e-9;
                self.gather_row(
                    slot,
                    (low.floor() as i64, high.floor() as i64),
                    (b, c),
                    (inner, outer),
                    candidates,
                );
            }
        }
    }

    /// Fractional coordinates between which box `number` along axis `k` lies.
    fn span(&self, k: usize, number: i64) -> (f64, f64) {
        let boxes = self.boxes[k] as f64;
        (number as f64 / boxes, (number + 1) as f64 / boxes)
    }

    fn gather_row(
        &self,
        slot: usize,
        (low, high): (i64, i64),
        (b, c): (i64, i64),
        (inner, outer): (f64, f64),
        candidates: &mut Vec<Candidate>,
    ) {
        let [lx, ly, lz, xy, xz, yz] = self.components;
        let [boxes_a, boxes_b, boxes_c] = self.boxes;
        let (shift_b, shift_c) = (b.div_euclid(boxes_b), c.div_euclid(boxes_c));
        let row = (c.rem_euclid(boxes_c) * boxes_b + b.rem_euclid(boxes_b)) * boxes_a;
        let (n_b, n_c) = (shift_b as f64, shift_c as f64);
        let (outer_squared, inner_squared) = (outer * outer, inner * inner.abs());
        let mut a = low;
        while a <= high {
            let shift_a = a.div_euclid(boxes_a);
            let last = high.min(shift_a * boxes_a + boxes_a - 1);
            let first_box = (row + a - shift_a * boxes_a) as usize;
            let last_box = (row + last - shift_a * boxes_a) as usize;
            a = last + 1;
            let shift = [shift_a as i32, shift_b as i32, shift_c as i32];
            // First the shift, then the difference: an image across the border is as exact seen
            // from either side.
            let to_x = lx * shift_a as f64 + xy * n_b + xz * n_c;
            let to_y = ly * n_b + yz * n_c;
            let to_z = lz * n_c;
            let begin = self.starts[first_box] as usize;
            let end = self.starts[last_box + 1] as usize;
            let (xs, ys, zs) = (
                &self.x[begin..end],
                &self.y[begin..end],
                &self.z[begin..end],
            );
            for k in 0..end - begin {
                let difference = Vector3::new(
                    xs[k] - self.x[slot] + to_x,
                    ys[k] - self.y[slot] + to_y,
                    zs[k] - self.z[slot] + to_z,
                );
                let squared = difference.norm_squared();
                if squared > outer_squared || squared <= inner_squared {
                    continue;
                }
                let other = begin + k;
                if other == slot && shift == [0; 3] {
                    continue;
                }
                let distance = squared.sqrt();
                let power = squared + self.radius_squared[slot] - self.radius_squared[other];
                candidates.push(Candidate {
                    difference,
                    distance,
                    offset: 0.5 * power / distance,
                    slot: other as u32,
                    shift,
                });
            }
        }
    }
}

/// Distance of zero from the interval low..high.
fn gap(low: f64, high: f64) -> f64 {
    low.max(-high).max(0.0)
}

fn ordered(p: f64, q: f64) -> (f64, f64) {
    if p <= q { (p, q) } else { (q, p) }
}

/// Mean spacing of the atoms, (V/N)^(1/3) `[length]`.
pub(super) fn spacing(cell: &Cell, atoms: usize) -> f64 {
    (cell.volume() / atoms as f64).cbrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_atoms::Species;
    use proptest::prelude::*;

    fn configuration(cell: Cell, positions: Vec<Vector3<f64>>) -> Configuration {
        Configuration {
            cell,
            species: vec![Species::LARGE; positions.len()],
            ids: (1..=positions.len() as u64).collect(),
            positions,
            velocities: None,
            masses: vec![1.0],
            names: None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_grid_finds_what_brute_force_finds(
            lengths in prop::array::uniform3(1.0..4.0),
            tilts in prop::array::uniform3(-1.7..1.7),
            fractions in prop::collection::vec(prop::array::uniform3(-2.0..2.0), 1..12),
            side in 0.4..2.0,
            inner in -1.0..1.0,
            width in 0.2..2.0,
        ) {
            let [lx, ly, lz] = lengths;
            let cell = Cell::new([lx, ly, lz, tilts[0] * lx, tilts[1] * lx, tilts[2] * ly]).unwrap();
            let positions: Vec<_> = fractions
                .iter()
                .map(|s| cell.to_cartesian(&Vector3::from(*s)))
                .collect();
            let sample = configuration(cell, positions.clone());
            let outer = f64::max(inner, 0.0) + width;
            let grid = Grid::new(&sample, &vec![0.25; positions.len()], side);
            let reach = cell.widths().map(|w| (f64::ceil(outer / w)) as i32 + 4);
            for slot in 0..positions.len() {
                let mut found = Vec::new();
                grid.gather(slot, inner, outer, &mut found);
                let i = grid.atom(slot) as usize;
                let mut seen: Vec<(u32, [i32; 3])> = found
                    .iter()
                    .map(|candidate| {
                        (grid.atom(candidate.slot as usize), grid.shift_in_input(slot, candidate))
                    })
                    .collect();
                for (candidate, (j, shift)) in found.iter().zip(&seen) {
                    let image = positions[*j as usize]
                        + cell.matrix() * Vector3::from(shift.map(f64::from));
                    prop_assert!((image - positions[i] - candidate.difference).norm() < 1e-12);
                    prop_assert!((2.0 * candidate.offset - candidate.distance).abs() < 1e-12);
                }
                seen.sort_unstable();
                let mut expected = Vec::new();
                for (j, other) in positions.iter().enumerate() {
                    let start = cell.to_fractional(&(other - positions[i])).map(f64::round);
                    for a in -reach[0]..=reach[0] {
                        for b in -reach[1]..=reach[1] {
                            for c in -reach[2]..=reach[2] {
                                let shift = [a - start.x as i32, b - start.y as i32, c - start.z as i32];
                                let image = other + cell.matrix() * Vector3::from(shift.map(f64::from));
                                let distance = (image - positions[i]).norm();
                                if distance <= outer && distance > inner && (j != i || shift != [0; 3]) {
                                    expected.push((j as u32, shift));
                                }
                            }
                        }
                    }
                }
                expected.sort_unstable();
                prop_assert_eq!(seen, expected);
            }
        }
    }
}
