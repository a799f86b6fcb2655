//! Pairs of clusters, row by row.

use std::ops::Range;

use super::Shift;
use super::columns::Columns;
use super::near::{Probe, keep_near};
use super::places::{Cluster, MEMBERS};

/// A cluster and where it stands beside those of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterRow {
    /// Index of the cluster.
    pub cluster: u32,
    /// By which of [`ClusterList::shifts`](super::ClusterList::shifts) it is shifted.
    pub shift: u32,
}

/// Rows of pairs, one after another.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    rows: Vec<ClusterRow>,
    /// End of each row in `others`.
    ends: Vec<u32>,
    others: Vec<u32>,
}

/// Lowest and highest coordinates of a cluster's atoms along x, y, z, in steps.
type Bounds = [[i32; 2]; 3];

/// What the search for pairs reads.
pub(super) struct Search<'a> {
    pub columns: &'a Columns,
    pub clusters: &'a [Cluster],
    pub boxes: Vec<Bounds>,
    pub shifts: &'a [Shift],
    /// The range in fractional coordinates.
    pub margin: [f64; 3],
    /// The squared range in steps.
    pub limit: f32,
    /// Whether clusters that are reached around the cell are named by their copies.
    pub around: bool,
}

/// The boxes around clusters.
pub(super) fn boxes(clusters: &[Cluster]) -> Vec<Bounds> {
    let around = |cluster: &Cluster| {
        let mut bounds = [[i32::MAX, i32::MIN]; 3];
        for member in (0..MEMBERS).filter(|&member| cluster.species[member] >= 0.0) {
            let place = [cluster.x[member], cluster.y[member], cluster.z[member]];
            for ([low, high], along) in bounds.iter_mut().zip(place) {
                *low = along.min(*low);
                *high = along.max(*high);
            }
        }
        bounds
    };
    clusters.iter().map(around).collect()
}

/// Whether boxes are closer than a squared distance. Differences of integers are exact, and the
/// limit is a little more than the range.
fn close(a: &Bounds, b: &Bounds, limit: f32) -> bool {
    let mut squared = 0.0;
    for ([low, high], [other_low, other_high]) in a.iter().zip(b) {
        let gap = (other_low - high).max(low - other_high).max(0) as f32;
        squared += gap * gap;
    }
    squared < limit
}

/// Columns along one lattice vector that hold fractional coordinates from `low` to `high`, which
/// overlap with 0 to 1. What rounding put on the upper face stands in the last column.
fn columns_within([low, high]: [f64; 2], count: usize) -> Range<usize> {
    let column = |s: f64| ((s * count as f64).max(0.0) as usize).min(count - 1);
    column(low)..column(high) + 1
}

impl Pairs {
    /// Each row and its clusters.
    pub fn rows(&self) -> impl Iterator<Item = (ClusterRow, &[u32])> {
        let mut first = 0;
        self.rows.iter().zip(&self.ends).map(move |(row, &end)| {
            let others = &self.others[first..end as usize];
            first = end as usize;
            (*row, others)
        })
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.ends.clear();
        self.others.clear();
    }

    /// Ends a row whose clusters were appended; a row without any is left out.
    fn end_row(&mut self, row: ClusterRow) {
        let end = self.others.len() as u32;
        if self.ends.last().copied().unwrap_or(0) < end {
            self.rows.push(row);
            self.ends.push(end);
        }
    }

    /// Keeps those pairs of a wider list that have atoms within a squared range.
    pub fn draw(&mut self, wide: &Self, clusters: &[Cluster], shifts: &[Shift], limit: f32) {
        self.clear();
        for (row, others) in wide.rows() {
            let shift = shifts[row.shift as usize].steps;
            let probe = Probe::new(&clusters[row.cluster as usize], shift, limit);
            keep_near(clusters, &probe, others, &mut self.others);
            self.end_row(row);
        }
    }

    /// Finds the pairs of some clusters with those behind them along the first lattice vector,
    /// beside it along the second, and above along the third; returns one past the last cluster
    /// named. Stops where `allowed` says that there are too many.
    pub fn find(
        &mut self,
        search: &Search<'_>,
        own: Range<usize>,
        allowed: &impl Fn(usize) -> bool,
    ) -> usize {
        self.clear();
        let columns = search.columns;
        let [slabs, across] = columns.counts;
        let real = columns.atoms.len();
        let mut candidates = Vec::new();
        let mut last = 0;
        let mut column = columns
            .first
            .partition_point(|&first| first as usize <= own.start);
        for cluster in own {
            // Columns without clusters begin and end at the same one.
            while columns.first[column] as usize <= cluster {
                column += 1;
            }
            let here = [(column - 1) / across, (column - 1) % across];
            let extent = &columns.extents[cluster];
            for (shift_index, shift) in (0..).zip(search.shifts) {
                let [x, y, z] = shift.periods;
                // Those behind are in later slabs, or later in this one; of this column, those above.
                // Cells around are counted on, so that the order is the same seen from both sides.
                let first_slab = here[0] as i64 + i64::from(x) * slabs as i64;
                let first_beside = here[1] as i64 + i64::from(y) * across as i64;
                let reached: [[f64; 2]; 3] = std::array::from_fn(|axis| {
                    let period = f64::from(shift.periods[axis]);
                    let [low, high] = extent[axis];
                    [
                        low + period - search.margin[axis],
                        high + period + search.margin[axis],
                    ]
                });
                if reached.iter().any(|[low, high]| *high < 0.0 || *low > 1.0) {
                    continue;
                }
                let [low_z, high_z] = reached[2];
                let slab_range = columns_within(reached[0], slabs);
                let slab_range = slab_range.start.max(first_slab.max(0) as usize)..slab_range.end;
                let beside_range = columns_within(reached[1], across);
                let mut bounds = search.boxes[cluster];
                for (bounds, steps) in bounds.iter_mut().zip(shift.steps) {
                    *bounds = bounds.map(|along| along + steps);
                }
                let turns = if search.around { -x.min(0) as usize } else { 0 };
                candidates.clear();
                for slab in slab_range {
                    let same_slab = slab as i64 == first_slab;
                    for beside in beside_range.clone() {
                        let mut from = 0;
                        if same_slab {
                            if (beside as i64) < first_beside {
                                continue;
                            }
                            if beside as i64 == first_beside {
                                match z {
                                    0 => from = cluster,
                                    1.. => continue,
                                    _ => {}
                                }
                            }
                        }
                        let some = columns.clusters(slab * across + beside);
                        let extents = &columns.extents[some.clone()];
                        let lowest = extents.partition_point(|extent| extent[2][1] < low_z);
                        let from = from.max(some.start + lowest);
                        for other in from..some.end {
                            if columns.extents[other][2][0] > high_z {
                                break;
                            }
                            if close(&bounds, &search.boxes[other], search.limit) {
                                candidates.push((other + turns * real) as u32);
                            }
                        }
                    }
                }
                let probe = Probe::new(&search.clusters[cluster], shift.steps, search.limit);
                let before = self.others.len();
                keep_near(search.clusters, &probe, &candidates, &mut self.others);
                let found = &self.others[before..];
                for &other in found {
                    last = last.max(other as usize + 1);
                }
                if !allowed(found.len()) {
                    return last;
                }
                self.end_row(ClusterRow {
                    cluster: cluster as u32,
                    shift: shift_index,
                });
            }
        }
        last
    }
}
