//! Atoms sorted into columns, and columns cut into clusters.

use std::ops::Range;

use nalgebra::Vector3;

use super::places::MEMBERS;
use crate::ListError;
use crate::deformation::ReferenceCell;

/// Fractional coordinates beyond this have lost the atom's place in the cell to rounding.
const FARTHEST_PERIOD: f64 = 1e9;

/// Width of a column in edges of a cube that holds a cluster's atoms on average. Narrower ones make
/// long thin clusters, wider ones flat ones, both with more pairs out of range.
const COLUMN: f64 = 1.2;

/// Columns along the first lattice vector that a part has at least: its rim behind them is two or
/// three more.
const SLABS_A_PART: usize = 2;

/// Clusters that a part has at least, about 3,600 atoms.
const CLUSTERS_A_PART: usize = 1000;

/// Atoms in the order of columns, four and four a cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    /// Columns along the first two lattice vectors; the second runs faster.
    pub counts: [usize; 2],
    /// Where each column's clusters begin, and where the last one's end.
    pub first: Vec<u32>,
    /// Atom of each place; where a cluster is filled up, its first atom once more.
    pub atoms: Vec<[u32; MEMBERS]>,
    /// How many atoms each cluster has.
    pub filled: Vec<u8>,
    /// Lowest and highest fractional coordinates of each cluster's atoms.
    pub extents: Vec<[[f64; 2]; 3]>,
    /// The third of them once more, lowest and highest.
    pub lowest: Vec<f64>,
    pub highest: Vec<f64>,
    /// Place of each atom.
    pub slots: Vec<u32>,
    /// Lattice vectors subtracted from each atom's position, in the reduced basis.
    pub periods: Vec<[i32; 3]>,
}

/// How clusters are cut into parts.
pub(super) struct PartLayout {
    /// Clusters of each part.
    pub parts: Vec<Range<usize>>,
    /// How many of the first clusters the last parts may see behind the last.
    pub reach: usize,
}

impl Columns {
    pub fn sort(reference: &ReferenceCell, positions: &[Vector3<f64>]) -> Result<Self, ListError> {
        let (basis, inverse) = (reference.basis(), reference.basis_inverse());
        let counts = count_columns(reference, positions.len());
        let mut fractional = Vec::with_capacity(positions.len());
        let mut periods = Vec::with_capacity(positions.len());
        let mut column_of = Vec::with_capacity(positions.len());
        let mut ends = vec![0_u32; counts[0] * counts[1] + 1];
        for (atom, position) in positions.iter().enumerate() {
            let coordinates = inverse * position;
            // NaN fails this test as well.
            if !coordinates.iter().all(|s| s.abs() < FARTHEST_PERIOD) {
                return Err(ListError::Unresolved { atom });
            }
            let floor = coordinates.map(f64::floor);
            let inside = inverse * (position - basis * floor);
            let along = |k: usize| ((inside[k] * counts[k] as f64) as usize).min(counts[k] - 1);
            let column = along(0) * counts[1] + along(1);
            ends[column + 1] += 1;
            column_of.push(column as u32);
            fractional.push(inside);
            periods.push([floor.x as i32, floor.y as i32, floor.z as i32]);
        }
        for column in 1..ends.len() {
            ends[column] += ends[column - 1];
        }
        let mut next = ends.clone();
        let mut order = vec![(0.0, 0_u32); positions.len()];
        for (atom, &column) in column_of.iter().enumerate() {
            let place = &mut next[column as usize];
            order[*place as usize] = (fractional[atom].z, atom as u32);
            *place += 1;
        }
        let mut columns = Self {
            counts,
            periods,
            slots: vec![0; positions.len()],
            ..Self::default()
        };
        for bounds in ends.windows(2) {
            columns.first.push(columns.atoms.len() as u32);
            let column = &mut order[bounds[0] as usize..bounds[1] as usize];
            column.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for members in column.chunks(MEMBERS) {
                columns.push(members, &fractional);
            }
        }
        columns.first.push(columns.atoms.len() as u32);
        Ok(columns)
    }

    fn push(&mut self, members: &[(f64, u32)], fractional: &[Vector3<f64>]) {
        let mut extent = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
        let mut atoms = [members[0].1; MEMBERS];
        for (k, &(_, atom)) in members.iter().enumerate() {
            atoms[k] = atom;
            self.slots[atom as usize] = (self.atoms.len() * MEMBERS + k) as u32;
            for ([low, high], s) in extent.iter_mut().zip(&fractional[atom as usize]) {
                *low = low.min(*s);
                *high = high.max(*s);
            }
        }
        self.atoms.push(atoms);
        self.filled.push(members.len() as u8);
        self.lowest.push(extent[2][0]);
        self.highest.push(extent[2][1]);
        self.extents.push(extent);
    }

    /// The clusters of a column.
    pub fn clusters(&self, column: usize) -> Range<usize> {
        self.first[column] as usize..self.first[column + 1] as usize
    }

    /// Parts of whole slabs of columns for a range that reaches `margin` along the first lattice
    /// vector, in fractional coordinates.
    pub fn layout(&self, margin: f64) -> PartLayout {
        let [slabs, across] = self.counts;
        let clusters = self.atoms.len();
        let rim = (margin * slabs as f64).ceil() as usize + 1;
        let most = (slabs / SLABS_A_PART)
            .min(clusters / CLUSTERS_A_PART)
            .max(1);
        // A power of two is shared evenly by two, four and eight threads.
        let mut count = 1 << most.ilog2();
        if slabs.div_ceil(count) + rim > slabs {
            count = 1;
        }
        let start = |slab: usize| self.first[slab * across] as usize;
        PartLayout {
            parts: (0..count)
                .map(|k| start(k * slabs / count)..start((k + 1) * slabs / count))
                .collect(),
            reach: if count > 1 { start(rim) } else { 0 },
        }
    }
}

/// Columns along the first two lattice vectors, so that a cluster is about as long as it is wide.
fn count_columns(reference: &ReferenceCell, atoms: usize) -> [usize; 2] {
    let per_cluster = MEMBERS as f64 * reference.basis().determinant().abs() / atoms.max(1) as f64;
    let edge = COLUMN * per_cluster.cbrt();
    let [x, y, _] = reference
        .widths()
        .map(|width| (width / edge).round().max(1.0) as usize);
    // A flat or thin cell has no more columns than atoms.
    let x = x.min(atoms.max(1));
    [x, y.min((atoms / x).max(1))]
}
