//! Images on a grid in fractional coordinates, and the rows of neighbors found on it.

use std::ops::Range;

use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use super::ListError;

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
    pub atom: Vec<u32>,
    /// Image index of each row's atom itself.
    pub image: Vec<u32>,
    /// First block of each row, and the end of the last.
    pub start: Vec<u32>,
    pub blocks: Vec<[u32; LANES]>,
    /// Atom of each image.
    pub images: Vec<u32>,
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
        // NaN fails this test as well.
        if !(copies < MOST_IMAGES) {
            return Err(ListError::CellTooSmall { range });
        }
        let expected = (copies * fractional.len() as f64) as usize;
        let grid = Grid::new(widths, range, expected);
        let bin_start = self.place_images(&grid, fractional);
        self.write_coordinates(basis, wrapped, coordinates);

        let locals = self.atom.len();
        let tasks = locals.div_ceil(ROWS_PER_TASK);
        let search = |task: usize| {
            let rows = task * ROWS_PER_TASK..((task + 1) * ROWS_PER_TASK).min(locals);
            self.search(&grid, &bin_start, coordinates, fractional, range, rows)
        };
        let found: Option<Vec<Task>> = if parallel && tasks > 1 {
            (0..tasks).into_par_iter().map(search).collect()
        } else {
            (0..tasks).map(search).collect()
        };
        let most = most_pairs(locals);
        let found = found.ok_or(ListError::Crowded { pairs: most })?;
        if found.iter().map(|task| task.blocks.len()).sum::<usize>() > most / LANES {
            return Err(ListError::Crowded { pairs: most });
        }
        self.start.clear();
        self.blocks.clear();
        self.start.push(0);
        for task in found {
            let before = self.blocks.len() as u32;
            self.blocks.extend_from_slice(&task.blocks);
            self.start.extend(task.ends.iter().map(|end| before + end));
        }
        Ok(())
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

    /// The blocks of some rows; `None` where there are far too many.
    fn search(
        &self,
        grid: &Grid,
        bin_start: &[u32],
        coordinates: &[[f64; 4]],
        fractional: &[Vector3<f64>],
        range: f64,
        rows: Range<usize>,
    ) -> Option<Task> {
        let padding = self.images.len() as u32;
        let most = most_pairs(self.atom.len()) / LANES;
        let shell_scale = SHELLS as f64 / (range * range);
        let mut task = Task::default();
        let mut found: Vec<(u32, f64)> = Vec::new();
        for row in rows {
            let own = self.image[row];
            let here = coordinates[own as usize];
            let s = fractional[self.atom[row] as usize];
            let first: [usize; 3] = std::array::from_fn(|k| grid.along(k, s[k] - grid.margin[k]));
            let last: [usize; 3] = std::array::from_fn(|k| grid.along(k, s[k] + grid.margin[k]));
            found.clear();
            for z in first[2]..=last[2] {
                for y in first[1]..=last[1] {
                    let line = (z * grid.bins[1] + y) * grid.bins[0];
                    let run = bin_start[line + first[0]]..bin_start[line + last[0] + 1];
                    near(&here, coordinates, run, range * range, own, &mut found);
                }
            }
            task.push_row(&found, shell_scale, padding);
            if task.blocks.len() > most {
                return None;
            }
        }
        Some(task)
    }
}

/// Appends the images of a run that lie within range, without the atom itself.
fn near(
    here: &[f64; 4],
    coordinates: &[[f64; 4]],
    run: Range<u32>,
    range_squared: f64,
    own: u32,
    found: &mut Vec<(u32, f64)>,
) {
    let before = found.len();
    found.resize(before + run.len(), (0, 0.0));
    let mut end = before;
    for image in run {
        let there = &coordinates[image as usize];
        let [x, y, z] = [0, 1, 2].map(|k| here[k] - there[k]);
        let squared = x * x + y * y + z * z;
        found[end] = (image, squared);
        end += usize::from(squared <= range_squared && image != own);
    }
    found.truncate(end);
}

fn most_pairs(atoms: usize) -> usize {
    (MOST_NEIGHBORS * atoms).max(PAIRS_ALWAYS_ALLOWED)
}

/// What one task found.
#[derive(Default)]
struct Task {
    blocks: Vec<[u32; LANES]>,
    /// End of each row in `blocks`.
    ends: Vec<u32>,
}

impl Task {
    /// Adds a row, ordered by shells of distance.
    fn push_row(&mut self, found: &[(u32, f64)], shell_scale: f64, padding: u32) {
        let shell = |squared: f64| ((squared * shell_scale) as usize).min(SHELLS - 1);
        let mut next = [0_usize; SHELLS + 1];
        for &(_, squared) in found {
            next[shell(squared) + 1] += 1;
        }
        for k in 1..=SHELLS {
            next[k] += next[k - 1];
        }
        let before = self.blocks.len();
        self.blocks
            .resize(before + found.len().div_ceil(LANES), [padding; LANES]);
        let row = self.blocks[before..].as_flattened_mut();
        for &(image, squared) in found {
            let place = &mut next[shell(squared)];
            row[*place] = image;
            *place += 1;
        }
        self.ends.push(self.blocks.len() as u32);
    }
}
