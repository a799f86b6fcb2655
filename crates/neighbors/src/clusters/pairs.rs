//! Pairs of clusters, row by row.
#![expect(
    clippy::inline_always,
    reason = "what a search calls must be compiled for the search's vectors"
)]

use std::ops::Range;

use super::Shift;
use super::columns::Columns;
use super::near::{Probe, keep_near};
use super::places::Cluster;

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
pub(super) type Bounds = [[i32; 2]; 3];

/// What the search for pairs reads.
pub(super) struct Search<'a> {
    pub columns: &'a Columns,
    pub clusters: &'a [Cluster],
    pub boxes: Boxes,
    /// The boxes around all clusters of each column.
    pub column_boxes: Vec<Bounds>,
    pub shifts: &'a [Shift],
    /// The range in fractional coordinates.
    pub margin: [f64; 3],
    /// The squared range in steps.
    pub limit: f32,
    /// Whether clusters that are reached around the cell are named by their copies.
    pub around: bool,
}

/// Boxes around clusters, axis by axis, as the search reads them.
#[derive(Clone, Debug)]
pub(super) struct Boxes {
    low: [Vec<i32>; 3],
    high: [Vec<i32>; 3],
}

/// Boxes looked at together.
const RUN: usize = 8;

impl Boxes {
    pub fn around(clusters: &[Cluster]) -> Self {
        let mut boxes = Self {
            low: [const { Vec::new() }; 3],
            high: [const { Vec::new() }; 3],
        };
        for cluster in clusters {
            for (axis, places) in [&cluster.x, &cluster.y, &cluster.z].into_iter().enumerate() {
                let atoms = places.iter().zip(&cluster.species);
                let atoms = atoms.filter(|(_, species)| **species >= 0.0);
                let (mut low, mut high) = (i32::MAX, i32::MIN);
                for (&place, _) in atoms {
                    (low, high) = (low.min(place), high.max(place));
                }
                boxes.low[axis].push(low);
                boxes.high[axis].push(high);
            }
        }
        // A run that begins at the last cluster reads on.
        for axis in boxes.low.iter_mut().chain(&mut boxes.high) {
            axis.resize(axis.len() + RUN, 0);
        }
        boxes
    }

    fn of(&self, cluster: usize) -> Bounds {
        [0, 1, 2].map(|axis| [self.low[axis][cluster], self.high[axis][cluster]])
    }

    /// The box around those of some clusters, which are not none.
    pub fn column(&self, clusters: Range<usize>) -> Bounds {
        let mut bounds = [[0; 2]; 3];
        for (axis, bounds) in bounds.iter_mut().enumerate() {
            let low = self.low[axis][clusters.clone()].iter().min();
            let high = self.high[axis][clusters.clone()].iter().max();
            *bounds = [low, high].map(|end| end.copied().unwrap_or(0));
        }
        bounds
    }

    /// Appends those of some clusters whose boxes are within a squared distance, `named` that much
    /// higher.
    #[inline(always)]
    fn push_close(
        &self,
        bounds: &Bounds,
        clusters: Range<usize>,
        (limit, named): (f32, usize),
        found: &mut Vec<u32>,
    ) {
        let mut first = clusters.start;
        while first < clusters.end {
            let mut squared = [0.0_f32; RUN];
            for (axis, [low, high]) in bounds.iter().enumerate() {
                let lows = &self.low[axis][first..first + RUN];
                let highs = &self.high[axis][first..first + RUN];
                for (squared, (other_low, other_high)) in
                    squared.iter_mut().zip(lows.iter().zip(highs))
                {
                    let gap = other_low
                        .wrapping_sub(*high)
                        .max(low.wrapping_sub(*other_high));
                    let gap = gap.max(0) as f32;
                    *squared += gap * gap;
                }
            }
            for (cluster, squared) in (first..clusters.end).zip(squared) {
                if squared < limit {
                    found.push((cluster + named) as u32);
                }
            }
            first += RUN;
        }
    }
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
    Range {
        start: column(low),
        end: column(high) + 1,
    }
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
    #[cfg_attr(
        target_arch = "x86_64",
        expect(unsafe_code, reason = "a call of a function that needs CPU features")
    )]
    pub fn find(
        &mut self,
        search: &Search<'_>,
        own: Range<usize>,
        allowed: &impl Fn(usize) -> bool,
    ) -> usize {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            /// The same search in wider vectors: of integers, so with the same result.
            #[target_feature(enable = "avx2")]
            fn find_avx2(
                pairs: &mut Pairs,
                search: &Search<'_>,
                own: Range<usize>,
                allowed: &impl Fn(usize) -> bool,
            ) -> usize {
                pairs.find_any(search, own, allowed)
            }
            // SAFETY: the CPU has AVX2.
            return unsafe { find_avx2(self, search, own, allowed) };
        }
        self.find_any(search, own, allowed)
    }

    #[inline(always)]
    fn find_any(
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
        let mut next_column = columns
            .first
            .partition_point(|&first| first as usize <= own.start);
        for cluster in own {
            // Columns without clusters begin and end at the same one.
            while columns.first[next_column] as usize <= cluster {
                next_column += 1;
            }
            let here = [(next_column - 1) / across, (next_column - 1) % across];
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
                let mut bounds = search.boxes.of(cluster);
                for (bounds, steps) in bounds.iter_mut().zip(shift.steps) {
                    *bounds = bounds.map(|along| along + steps);
                }
                let turns = if search.around {
                    (-x).max(0) as usize
                } else {
                    0
                };
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
                        let column = slab * across + beside;
                        let some = columns.clusters(column);
                        if some.is_empty()
                            || !close(&bounds, &search.column_boxes[column], search.limit)
                        {
                            continue;
                        }
                        let lows = &columns.lowest[some.clone()];
                        let highs = &columns.highest[some.clone()];
                        let end = some.start + lows.partition_point(|&low| low <= high_z);
                        let start = some.start + highs.partition_point(|&high| high < low_z);
                        let named = (search.limit, turns * real);
                        let some = from.max(start)..end;
                        search
                            .boxes
                            .push_close(&bounds, some, named, &mut candidates);
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
