//! Images on a grid in fractional coordinates, and the rows of neighbors found on it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use super::ListError;
use super::near::{self, Axes, Found, Target};

/// Neighbors in a block.
pub const LANES: usize = 8;

/// Rows built together; fixed, so that the result does not depend on the number of threads.
const ROWS_PER_TASK: usize = 512;

/// Most images an atom.
const MOST_IMAGES: f64 = 1000.0;

/// Most pairs an atom, once there are more than [`PAIRS_ALWAYS_ALLOWED`] in all.
const MOST_NEIGHBORS: usize = 1000;
const PAIRS_ALWAYS_ALLOWED: usize = 1 << 24;

/// Shells of equal width in r² by which a row is ordered.
const SHELLS: usize = 32;

/// Blocks of neighbors, row by row, and the images they point to.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// Atom of each row.
    atom: Vec<u32>,
    /// Image index of each row's atom itself.
    image: Vec<u32>,
    /// Blocks of [`ROWS_PER_TASK`] rows each.
    tasks: Vec<Task>,
    /// Atom of each image.
    images: Vec<u32>,
    /// Lattice vector of each image, as an index into `shifts`.
    shift: Vec<u32>,
    shifts: Vec<Vector3<f64>>,
}

/// Bins along the three lattice directions over fractional coordinates [−margin, 1 + margin].
struct Grid {
    margin: [f64; 3],
    scale: [f64; 3],
    bins: [usize; 3],
}

impl Grid {
    fn new(widths: &[f64; 3], range: f64, images: usize) -> Self {
        // A hair more than the range covers the rounding of fractional coordinates.
        let margin = widths.map(|width| range / width * (1.0 + 1e-9) + 1e-9);
        let most = 8 * images + 64;
        let mut size = 0.5 * range;
        loop {
            // Along x a run of bins is one contiguous piece of memory: finer costs nothing.
            let sizes = [0.5 * size, size, size];
            let wanted: [f64; 3] = std::array::from_fn(|k| {
                ((1.0 + 2.0 * margin[k]) * widths[k] / sizes[k])
                    .floor()
                    .max(1.0)
            });
            if wanted.iter().product::<f64>() <= most as f64 {
                let scale = std::array::from_fn(|k| wanted[k] / (1.0 + 2.0 * margin[k]));
                let bins = wanted.map(|count| count as usize);
                return Self {
                    margin,
                    scale,
                    bins,
                };
            }
            size *= 1.3;
        }
    }

    /// The bin of a coordinate along axis `k`; casts saturate, so nothing leaves the grid.
    fn along(&self, k: usize, fractional: f64) -> usize {
        (((fractional + self.margin[k]) * self.scale[k]) as usize).min(self.bins[k] - 1)
    }

    fn bin(&self, fractional: &Vector3<f64>) -> usize {
        let [x, y, z] = [0, 1, 2].map(|k| self.along(k, fractional[k]));
        (z * self.bins[1] + y) * self.bins[0] + x
    }
}

impl Rows {
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Coordinates of all images from the wrapped positions and the present basis.
    pub fn write_coordinates(
        &self,
        basis: &Matrix3<f64>,
        wrapped: &[[f64; 4]],
        coordinates: &mut Vec<[f64; 4]>,
    ) {
        let vectors: Vec<[f64; 4]> = self
            .shifts
            .iter()
            .map(|shift| {
                let vector = basis * shift;
                [vector.x, vector.y, vector.z, 0.0]
            })
            .collect();
        coordinates.resize(self.images.len() + 1, [0.0; 4]);
        for ((place, &atom), &shift) in coordinates.iter_mut().zip(&self.images).zip(&self.shift) {
            let (inside, vector) = (&wrapped[atom as usize], &vectors[shift as usize]);
            *place = std::array::from_fn(|k| inside[k] + vector[k]);
        }
        coordinates[self.images.len()] = [1e100, 1e100, 1e100, 0.0];
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call, from the list that owns them"
    )]
    pub fn build(
        &mut self,
        widths: &[f64; 3],
        basis: &Matrix3<f64>,
        wrapped: &[[f64; 4]],
        fractional: &[Vector3<f64>],
        range: f64,
        parallel: bool,
        coordinates: &mut Vec<[f64; 4]>,
    ) -> Result<(), ListError> {
        let copies: f64 = widths
            .iter()
            .map(|width| 1.0 + 2.0 * range / width)
            .product();
        if copies.is_nan() || copies >= MOST_IMAGES {
            return Err(ListError::CellTooSmall { range });
        }
        let expected = (copies * fractional.len() as f64) as usize;
        let grid = Grid::new(widths, range, expected);
        let bin_start = self.place_images(&grid, fractional);
        self.write_coordinates(basis, wrapped, coordinates);

        let axis = |k: usize| coordinates.iter().map(|place| place[k]).collect();
        let axes = Axes {
            x: axis(0),
            y: axis(1),
            z: axis(2),
        };
        let locals = self.atom.len();
        let mut tasks = std::mem::take(&mut self.tasks);
        tasks.resize_with(locals.div_ceil(ROWS_PER_TASK), Task::default);
        let most = (MOST_NEIGHBORS * locals).max(PAIRS_ALWAYS_ALLOWED);
        let pairs = AtomicUsize::new(0);
        let search = |(k, task): (usize, &mut Task)| {
            let rows = k * ROWS_PER_TASK..((k + 1) * ROWS_PER_TASK).min(locals);
            task.clear();
            for row in rows {
                self.search(
                    &grid,
                    &bin_start,
                    &axes,
                    &fractional[self.atom[row] as usize],
                    range,
                    row,
                    task,
                );
                let so_far = pairs.fetch_add(task.found.count, Ordering::Relaxed);
                // The sum of all rows decides, so every run comes to the same verdict.
                if so_far + task.found.count > most {
                    return;
                }
            }
        };
        if parallel && tasks.len() > 1 {
            tasks.par_iter_mut().enumerate().for_each(search);
        } else {
            tasks.iter_mut().enumerate().for_each(search);
        }
        self.tasks = tasks;
        if pairs.into_inner() > most {
            return Err(ListError::Crowded { pairs: most });
        }
        Ok(())
    }

    /// Atom of each row.
    pub fn atoms(&self) -> &[u32] {
        &self.atom
    }

    /// Image index of each row's atom itself.
    pub fn own_images(&self) -> &[u32] {
        &self.image
    }

    /// Atom of each image.
    pub fn images(&self) -> &[u32] {
        &self.images
    }

    /// Neighbors of a row.
    pub fn blocks(&self, row: usize) -> &[[u32; LANES]] {
        let task = &self.tasks[row / ROWS_PER_TASK];
        let row = row % ROWS_PER_TASK;
        let first = if row == 0 { 0 } else { task.ends[row - 1] };
        &task.blocks[first as usize..task.ends[row] as usize]
    }

    /// Lists all images within range of the cell in the order of their bins; returns where each
    /// bin begins.
    fn place_images(&mut self, grid: &Grid, fractional: &[Vector3<f64>]) -> Vec<u32> {
        let reach = grid.margin.map(|margin| margin.ceil() as i64 + 1);
        let side = reach.map(|reach| 2 * reach + 1);
        self.shifts.clear();
        for z in -reach[2]..=reach[2] {
            for y in -reach[1]..=reach[1] {
                for x in -reach[0]..=reach[0] {
                    self.shifts.push(Vector3::new(x as f64, y as f64, z as f64));
                }
            }
        }
        let index = |n: [i64; 3]| {
            ((n[2] + reach[2]) * side[1] + n[1] + reach[1]) * side[0] + n[0] + reach[0]
        };
        let local = index([0, 0, 0]) as u32;
        let mut unsorted: Vec<(u32, u32, u32)> = Vec::new();
        let mut bin_start = vec![0_u32; grid.bins.iter().product::<usize>() + 1];
        for (atom, s) in fractional.iter().enumerate() {
            let span: [Range<i64>; 3] = std::array::from_fn(|k| {
                let first = (-grid.margin[k] - s[k]).ceil() as i64;
                let last = (1.0 + grid.margin[k] - s[k]).floor() as i64;
                // The atom itself is always there, even where rounding put it on a face.
                first.clamp(-reach[k], 0)..last.clamp(0, reach[k]) + 1
            });
            for z in span[2].clone() {
                for y in span[1].clone() {
                    for x in span[0].clone() {
                        let bin = grid.bin(&(s + Vector3::new(x as f64, y as f64, z as f64)));
                        bin_start[bin + 1] += 1;
                        unsorted.push((atom as u32, index([x, y, z]) as u32, bin as u32));
                    }
                }
            }
        }
        for bin in 1..bin_start.len() {
            bin_start[bin] += bin_start[bin - 1];
        }
        let mut next = bin_start.clone();
        self.images.clear();
        self.images.resize(unsorted.len(), 0);
        self.shift.clear();
        self.shift.resize(unsorted.len(), 0);
        for (atom, shift, bin) in unsorted {
            let place = next[bin as usize] as usize;
            next[bin as usize] += 1;
            self.images[place] = atom;
            self.shift[place] = shift;
        }
        self.atom.clear();
        self.image.clear();
        for (place, (&atom, &shift)) in self.images.iter().zip(&self.shift).enumerate() {
            if shift == local {
                self.atom.push(atom);
                self.image.push(place as u32);
            }
        }
        bin_start
    }

    /// Appends the blocks of a row to its task.
    #[expect(clippy::too_many_arguments, reason = "one call, from the build above")]
    fn search(
        &self,
        grid: &Grid,
        bin_start: &[u32],
        axes: &Axes,
        s: &Vector3<f64>,
        range: f64,
        row: usize,
        task: &mut Task,
    ) {
        let own = self.image[row];
        let target = Target {
            here: [&axes.x, &axes.y, &axes.z].map(|axis| axis[own as usize]),
            range_squared: range * range,
            shell_scale: SHELLS as f64 / (range * range),
        };
        let first: [usize; 3] = std::array::from_fn(|k| grid.along(k, s[k] - grid.margin[k]));
        let last: [usize; 3] = std::array::from_fn(|k| grid.along(k, s[k] + grid.margin[k]));
        task.found.count = 0;
        for z in first[2]..=last[2] {
            for y in first[1]..=last[1] {
                let line = (z * grid.bins[1] + y) * grid.bins[0];
                let run =
                    bin_start[line + first[0]] as usize..bin_start[line + last[0] + 1] as usize;
                near::search(axes, run, &target, &mut task.found);
            }
        }
        task.push_row(own, self.images.len() as u32);
    }
}

/// The neighbors of some rows.
#[derive(Debug, Default)]
struct Task {
    blocks: Vec<[u32; LANES]>,
    /// End of each row in `blocks`.
    ends: Vec<u32>,
    /// What the search of the last row found; kept for its memory.
    found: Found,
}

impl Clone for Task {
    fn clone(&self) -> Self {
        Self {
            blocks: self.blocks.clone(),
            ends: self.ends.clone(),
            found: Found::default(),
        }
    }
}

impl Task {
    fn clear(&mut self) {
        self.blocks.clear();
        self.ends.clear();
    }

    /// Adds the row just searched, without the atom itself, ordered by shells of distance.
    fn push_row(&mut self, own: u32, padding: u32) {
        let count = self.found.count;
        let shells = &mut self.found.shell[..count];
        let images = &self.found.image[..count];
        let mut next = [0_u32; SHELLS + 1];
        for shell in &mut *shells {
            *shell = (*shell).min(SHELLS as u32 - 1);
            next[*shell as usize + 1] += 1;
        }
        for k in 1..=SHELLS {
            next[k] += next[k - 1];
        }
        let before = self.blocks.len();
        self.blocks
            .resize(before + (count - 1).div_ceil(LANES), [padding; LANES]);
        let row = self.blocks[before..].as_flattened_mut();
        // The atom itself, at distance zero, was counted in the first shell: all later shells
        // begin one place earlier without it.
        for place in &mut next[1..] {
            *place -= 1;
        }
        for (&image, &shell) in images.iter().zip(&*shells) {
            if image != own {
                let place = &mut next[shell as usize];
                row[*place as usize] = image;
                *place += 1;
            }
        }
        self.ends.push(self.blocks.len() as u32);
    }
}
