//! Images on a grid in fractional coordinates, and the rows of neighbors found on it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use super::ListError;
use super::fixed_points::{FAR_AWAY, FixedGrid, FixedPoints};
use super::near::{self, Axes, Found, Target};

/// Neighbors in a block.
pub const LANES: usize = 8;

/// Rows built together; fixed, so that the result does not depend on the number of threads.
pub const ROWS_PER_PART: usize = 512;

/// Images written together.
const IMAGES_PER_TASK: usize = 4096;

/// Blocks of padding behind the rows of a part, for kernels that read ahead.
const BLOCKS_AHEAD: usize = 2;

/// Most images an atom.
const MOST_IMAGES: f64 = 1000.0;

/// Most pairs an atom, once there are more than [`PAIRS_ALWAYS_ALLOWED`] in all.
const MOST_NEIGHBORS: usize = 1000;
const PAIRS_ALWAYS_ALLOWED: usize = 1 << 24;

/// The blocks of some rows, one row after another, and at least two blocks behind the last.
#[derive(Clone, Copy, Debug)]
pub struct RowBlocks<'a> {
    /// All blocks of the part of the list that the rows belong to.
    pub blocks: &'a [[u32; LANES]],
    /// Where the blocks of the first row begin.
    pub first: usize,
    /// Where the blocks of each row end, and those of the next begin.
    pub ends: &'a [u32],
}

/// Blocks of neighbors, row by row, and the images they point to.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// Atom of each row.
    atom: Vec<u32>,
    /// Row of each atom.
    row: Vec<u32>,
    /// Image index of each row's atom itself.
    pub(super) image: Vec<u32>,
    /// Blocks of [`ROWS_PER_PART`] rows each.
    pub(super) tasks: Vec<Task>,
    /// Atom of each image.
    images: Vec<u32>,
    /// Lattice vector of each image, as an index into `shifts`.
    shift: Vec<u32>,
    shifts: Vec<Vector3<f64>>,
    /// How far images reach beyond the cell, in fractional coordinates.
    margin: [f64; 3],
}

/// A cell as the search sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    /// Distances between opposite faces `[length]`.
    pub widths: &'a [f64; 3],
    /// The reduced basis, columns are lattice vectors.
    pub basis: &'a Matrix3<f64>,
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

    /// The runs of images in bins within range of a point.
    fn runs_around(
        &self,
        s: &Vector3<f64>,
        bin_start: &[u32],
    ) -> impl Iterator<Item = Range<usize>> {
        let first: [usize; 3] = std::array::from_fn(|k| self.along(k, s[k] - self.margin[k]));
        let last: [usize; 3] = std::array::from_fn(|k| self.along(k, s[k] + self.margin[k]));
        (first[2]..=last[2]).flat_map(move |z| {
            (first[1]..=last[1]).map(move |y| {
                let line = (z * self.bins[1] + y) * self.bins[0];
                bin_start[line + first[0]] as usize..bin_start[line + last[0] + 1] as usize
            })
        })
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
        parallel: bool,
        coordinates: &mut Vec<[f64; 4]>,
    ) {
        self.write_images(basis, wrapped, parallel, coordinates, |place| place);
        coordinates.push([1e100, 1e100, 1e100, 0.0]);
    }

    /// The same as integers.
    pub fn write_fixed_points(
        &self,
        basis: &Matrix3<f64>,
        wrapped: &[[f64; 4]],
        grid: FixedGrid,
        parallel: bool,
        fixed: &mut FixedPoints,
    ) {
        let points = &mut fixed.points;
        self.write_images(basis, wrapped, parallel, points, |place| grid.place(&place));
        points.push(FAR_AWAY);
        fixed.steps_per_length = grid.steps_per_length;
    }

    fn write_images<T: Copy + Default + Send>(
        &self,
        basis: &Matrix3<f64>,
        wrapped: &[[f64; 4]],
        parallel: bool,
        all: &mut Vec<T>,
        convert: impl Fn([f64; 4]) -> T + Sync,
    ) {
        let vectors: Vec<[f64; 4]> = self
            .shifts
            .iter()
            .map(|shift| {
                let vector = basis * shift;
                [vector.x, vector.y, vector.z, 0.0]
            })
            .collect();
        all.resize(self.images.len(), T::default());
        let task = |(k, places): (usize, &mut [T])| {
            let first = k * IMAGES_PER_TASK;
            let images = first..first + places.len();
            let sources = self.images[images.clone()].iter().zip(&self.shift[images]);
            for (place, (&atom, &shift)) in places.iter_mut().zip(sources) {
                let (inside, vector) = (&wrapped[atom as usize], &vectors[shift as usize]);
                *place = convert(std::array::from_fn(|k| inside[k] + vector[k]));
            }
        };
        if parallel {
            all.par_chunks_mut(IMAGES_PER_TASK)
                .enumerate()
                .for_each(task);
        } else {
            all.chunks_mut(IMAGES_PER_TASK).enumerate().for_each(task);
        }
    }

    /// Least and greatest coordinates along x, y, z that images can have in the present basis,
    /// their atoms having left the places of the build by no more than `motion`.
    pub fn extent(&self, basis: &Matrix3<f64>, motion: f64) -> [[f64; 2]; 3] {
        std::array::from_fn(|k| {
            let mut range = [-motion, motion];
            for axis in 0..3 {
                let ends = [-self.margin[axis], 1.0 + self.margin[axis]]
                    .map(|fraction| basis[(k, axis)] * fraction);
                range[0] += ends[0].min(ends[1]);
                range[1] += ends[0].max(ends[1]);
            }
            range
        })
    }

    /// Lists images and neighbors within `range`, as far as fixed points tell distances; writes
    /// the fixed points.
    pub fn build(
        &mut self,
        cell: Shape<'_>,
        wrapped: &[[f64; 4]],
        fractional: &[Vector3<f64>],
        range: f64,
        parallel: bool,
        fixed: &mut FixedPoints,
    ) -> Result<(), ListError> {
        let Shape { widths, basis } = cell;
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
        self.margin = grid.margin;
        let steps = FixedGrid::around(&self.extent(basis, 0.0));
        self.write_fixed_points(basis, wrapped, steps, parallel, fixed);
        let axes = Axes::new(fixed.points());
        let squared = fixed.squared_steps(range);
        let locals = self.atom.len();
        let mut tasks = std::mem::take(&mut self.tasks);
        tasks.resize_with(locals.div_ceil(ROWS_PER_PART), Task::default);
        let most = (MOST_NEIGHBORS * locals).max(PAIRS_ALWAYS_ALLOWED);
        let pairs = AtomicUsize::new(0);
        let padding = self.images.len() as u32;
        let search = |(k, task): (usize, &mut Task)| {
            let rows = k * ROWS_PER_PART..((k + 1) * ROWS_PER_PART).min(locals);
            task.wide.clear();
            for row in rows {
                let own = self.image[row];
                let s = &fractional[self.atom[row] as usize];
                task.found.clear();
                for run in grid.runs_around(s, &bin_start) {
                    near::search(&axes, run, Target { own, squared }, &mut task.found);
                }
                let count = task.found.images().len();
                task.wide.push_row(task.found.images(), padding);
                let so_far = pairs.fetch_add(count, Ordering::Relaxed);
                // The sum of all rows decides, so every run comes to the same verdict.
                if so_far + count > most {
                    return;
                }
            }
            task.wide.finish(padding);
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

    /// Row of each atom.
    pub fn atom_rows(&self) -> &[u32] {
        &self.row
    }

    /// Image index of each row's atom itself.
    pub fn own_images(&self) -> &[u32] {
        &self.image
    }

    /// Atom of each image.
    pub fn images(&self) -> &[u32] {
        &self.images
    }

    /// Blocks of rows that belong to one part.
    pub fn row_blocks(&self, rows: Range<usize>, pruned: bool) -> RowBlocks<'_> {
        let part = rows.start / ROWS_PER_PART;
        let task = &self.tasks[part];
        let lists = if pruned { &task.pruned } else { &task.wide };
        let rows = rows.start - part * ROWS_PER_PART..rows.end - part * ROWS_PER_PART;
        let first = rows.start.checked_sub(1).map_or(0, |row| lists.ends[row]);
        RowBlocks {
            blocks: &lists.blocks,
            first: first as usize,
            ends: &lists.ends[rows],
        }
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
        self.row.resize(self.atom.len(), 0);
        for (row, &atom) in self.atom.iter().enumerate() {
            self.row[atom as usize] = row as u32;
        }
        bin_start
    }
}

/// Blocks of some rows, then padding.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    pub blocks: Vec<[u32; LANES]>,
    /// End of each row in `blocks`.
    pub ends: Vec<u32>,
}

impl Lists {
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.ends.clear();
    }

    fn push_row(&mut self, images: &[u32], padding: u32) {
        let before = self.blocks.len();
        let blocks = before + images.len().div_ceil(LANES);
        self.blocks.resize(blocks, [padding; LANES]);
        self.blocks[before..].as_flattened_mut()[..images.len()].copy_from_slice(images);
        self.ends.push(blocks as u32);
    }

    /// Pads the end, so that kernels may read ahead.
    pub fn finish(&mut self, padding: u32) {
        let end = self.blocks.len() + BLOCKS_AHEAD;
        self.blocks.resize(end, [padding; LANES]);
    }
}

/// The neighbors of some rows.
#[derive(Debug, Default)]
pub(super) struct Task {
    /// Within cutoff + skin at the build.
    pub wide: Lists,
    /// Within the range of the last pruning.
    pub pruned: Lists,
    /// The far neighbors of the row last pruned; kept for its memory.
    pub far: Vec<u32>,
    /// What the search of the last row found; kept for its memory.
    pub found: Found,
}

impl Clone for Task {
    fn clone(&self) -> Self {
        Self {
            wide: self.wide.clone(),
            pruned: self.pruned.clone(),
            far: Vec::new(),
            found: Found::default(),
        }
    }
}
