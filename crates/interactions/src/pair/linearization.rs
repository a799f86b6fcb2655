//! The Hessian of a pair potential at one configuration, as a stream of pairs.

use metabasin_neighbors::{LANES, VerletList};
use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use super::ROWS_PER_TASK;
use crate::potential::{Execution, Linearization};
use crate::{HessianBlock, HessianBlocks, Kernel, lanes};

/// Geometry and stiffness of eight neighbors of one atom; empty places have no stiffness and point
/// to atom 0.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Block {
    /// `r_i` − `r_j`.
    pub separation: [[f64; LANES]; 3],
    /// A = (V'' − V'/r)/r².
    pub along: [f64; LANES],
    /// B = V'/r.
    pub across: [f64; LANES],
    /// The neighbors' atoms.
    pub atom: [u32; LANES],
}

impl Block {
    pub const EMPTY: Self = Self {
        separation: [[0.0; LANES]; 3],
        along: [0.0; LANES],
        across: [0.0; LANES],
        atom: [0; LANES],
    };
}

/// Appends pairs of one row after another.
pub(crate) struct BlockWriter<'a> {
    blocks: &'a mut Vec<Block>,
    ends: &'a mut Vec<u32>,
    lane: usize,
}

impl BlockWriter<'_> {
    pub fn push(&mut self, atom: u32, separation: Vector3<f64>, along: f64, across: f64) {
        if self.lane == 0 {
            self.blocks.push(Block::EMPTY);
        }
        let block = self.blocks.last_mut().expect("a block was just pushed");
        for k in 0..3 {
            block.separation[k][self.lane] = separation[k];
        }
        block.along[self.lane] = along;
        block.across[self.lane] = across;
        block.atom[self.lane] = atom;
        self.lane = (self.lane + 1) % LANES;
    }

    /// An empty block to fill as a whole.
    pub fn open_block(&mut self) -> &mut Block {
        self.blocks.push(Block::EMPTY);
        self.blocks.last_mut().expect("a block was just pushed")
    }

    /// Keeps the block last opened, or drops it.
    pub fn close_block(&mut self, used: bool) {
        if !used {
            self.blocks.pop();
        }
    }

    pub fn end_row(&mut self) {
        self.lane = 0;
        self.ends.push(self.blocks.len() as u32);
    }
}

/// Rows that one task linearizes and multiplies.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub atoms: Vec<u32>,
    pub blocks: Vec<Block>,
    pub ends: Vec<u32>,
}

/// The Hessian as a stream: (Hv)_i = `Σ_j` A r (`r·(v_i` − `v_j`)) + B (`v_i` − `v_j`).
#[derive(Debug, Default)]
pub(crate) struct PairLinearization {
    parts: Vec<Part>,
    execution: Option<Execution>,
    /// The vector to multiply, padded to four components.
    padded: Vec<[f64; 4]>,
}

impl PairLinearization {
    /// Fills all rows by `fill`, in the memory of `spare` where that is of this kind.
    pub fn new(
        list: &VerletList,
        execution: Execution,
        spare: Option<Box<dyn Linearization>>,
        fill: impl Fn(std::ops::Range<usize>, &mut BlockWriter<'_>) + Sync + Send,
    ) -> Self {
        let mut this = spare
            .and_then(|spare| (spare as Box<dyn std::any::Any>).downcast::<Self>().ok())
            .map(|this| *this)
            .unwrap_or_default();
        this.execution = Some(execution);
        let rows = list.rows();
        this.parts
            .resize_with(rows.div_ceil(ROWS_PER_TASK), Part::default);
        let run = |(k, part): (usize, &mut Part)| {
            let range = k * ROWS_PER_TASK..((k + 1) * ROWS_PER_TASK).min(rows);
            part.atoms.clear();
            part.atoms
                .extend_from_slice(&list.row_atoms()[range.clone()]);
            part.blocks.clear();
            part.ends.clear();
            fill(
                range,
                &mut BlockWriter {
                    blocks: &mut part.blocks,
                    ends: &mut part.ends,
                    lane: 0,
                },
            );
        };
        if execution.parallel {
            this.parts.par_iter_mut().enumerate().for_each(run);
        } else {
            this.parts.iter_mut().enumerate().for_each(run);
        }
        this
    }
}

impl Linearization for PairLinearization {
    fn multiply(&mut self, v: &[Vector3<f64>], product: &mut [Vector3<f64>]) {
        // Vector kernels rely on it.
        let atoms: usize = self.parts.iter().map(|part| part.atoms.len()).sum();
        assert_eq!(v.len(), atoms, "one direction an atom");
        self.padded.clear();
        self.padded.extend(v.iter().map(|v| [v.x, v.y, v.z, 0.0]));
        let padded = &self.padded;
        let execution = self.execution.unwrap_or(Execution {
            kernel: Kernel::Portable,
            parallel: false,
        });
        let multiply = |part: &Part| multiply_part(execution.kernel, part, padded);
        if execution.parallel {
            let products: Vec<Vec<Vector3<f64>>> = self.parts.par_iter().map(multiply).collect();
            for (part, products) in self.parts.iter().zip(&products) {
                scatter(part, products, product);
            }
        } else {
            for part in &self.parts {
                scatter(part, &multiply(part), product);
            }
        }
    }

    fn blocks(&self, weakest: f64) -> HessianBlocks {
        let atoms: usize = self.parts.iter().map(|part| part.atoms.len()).sum();
        let mut hessian = HessianBlocks {
            diagonal: vec![Matrix3::zeros(); atoms],
            below: Vec::new(),
        };
        for part in &self.parts {
            part.each_pair(|row, _, along, across, r| {
                hessian.diagonal[row] += stiffness(along, across, r);
            });
        }
        let limit = weakest * hessian.mean_diagonal();
        let mut rows: Vec<Vec<(usize, Matrix3<f64>)>> = vec![Vec::new(); atoms];
        for part in &self.parts {
            part.each_pair(|row, column, along, across, r| {
                // |A r rᵀ + B 1| from its eigenvalues.
                let stretched = along * r.norm_squared() + across;
                let squared = stretched * stretched + 2.0 * across * across;
                if column < row && squared >= limit * limit {
                    rows[row].push((column, -stiffness(along, across, r)));
                }
            });
        }
        for (row, entries) in rows.iter_mut().enumerate() {
            entries.sort_by_key(|entry| entry.0);
            // One pair may meet through several images: its blocks add up.
            for images in entries.chunk_by(|a, b| a.0 == b.0) {
                hessian.below.push(HessianBlock {
                    row,
                    column: images[0].0,
                    matrix: images.iter().map(|image| image.1).sum(),
                });
            }
        }
        hessian
    }
}

impl Part {
    /// Calls `visit` with both atoms, A, B and r of every pair of this part; an atom and its own
    /// image are no pair.
    fn each_pair(&self, mut visit: impl FnMut(usize, usize, f64, f64, Vector3<f64>)) {
        let mut first = 0;
        for (&row, &end) in self.atoms.iter().zip(&self.ends) {
            for block in &self.blocks[first..end as usize] {
                for lane in 0..LANES {
                    let (along, across) = (block.along[lane], block.across[lane]);
                    if block.atom[lane] != row && (along != 0.0 || across != 0.0) {
                        let r = Vector3::from_fn(|k, _| block.separation[k][lane]);
                        visit(row as usize, block.atom[lane] as usize, along, across, r);
                    }
                }
            }
            first = end as usize;
        }
    }
}

fn stiffness(along: f64, across: f64, r: Vector3<f64>) -> Matrix3<f64> {
    r * r.transpose() * along + Matrix3::identity() * across
}

fn scatter(part: &Part, products: &[Vector3<f64>], all: &mut [Vector3<f64>]) {
    for (&atom, product) in part.atoms.iter().zip(products) {
        all[atom as usize] = *product;
    }
}

fn multiply_part(kernel: Kernel, part: &Part, v: &[[f64; 4]]) -> Vec<Vector3<f64>> {
    let mut products = Vec::with_capacity(part.atoms.len());
    if lanes::multiply(kernel, part, v, &mut products) {
        return products;
    }
    let mut first = 0;
    for (&atom, &end) in part.atoms.iter().zip(&part.ends) {
        let own = v[atom as usize];
        let mut product = Vector3::zeros();
        for block in &part.blocks[first..end as usize] {
            for lane in 0..LANES {
                let other = v[block.atom[lane] as usize];
                let r = Vector3::from_fn(|k, _| block.separation[k][lane]);
                let difference = Vector3::from_fn(|k, _| own[k] - other[k]);
                product +=
                    r * (block.along[lane] * r.dot(&difference)) + difference * block.across[lane];
            }
        }
        first = end as usize;
        products.push(product);
    }
    products
}
