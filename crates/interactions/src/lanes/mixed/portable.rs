//! The same in plain code: one loop over the sixteen pairs of two clusters, which compilers turn
//! into vectors.

use metabasin_neighbors::{Cluster, ClusterList, ClusterPart, MEMBERS};

use super::{BEFORE, Bilinear, MixedTerms};
use crate::clusters::{OnPairs, PartSums};

/// Pairs of two clusters.
const PAIRS: usize = MEMBERS * MEMBERS;

/// A row's cluster, each member four times.
struct Row {
    place: [[i32; PAIRS]; 3],
    size: [[f32; PAIRS]; 2],
    cutoff: [[f32; PAIRS]; 2],
    pull: [[f32; PAIRS]; 2],
    scale: [[f32; PAIRS]; 2],
    start: [[f32; PAIRS]; 2],
}

fn spread<T: Copy>(members: &[T; MEMBERS]) -> [T; PAIRS] {
    std::array::from_fn(|lane| members[lane / MEMBERS])
}

fn repeat<T: Copy>(members: &[T; MEMBERS]) -> [T; PAIRS] {
    std::array::from_fn(|lane| members[lane % MEMBERS])
}

/// A constant of a row's members beside one of species 0, and what species 1 of that one adds.
fn beside(kinds: &[f32; MEMBERS], of: Bilinear) -> [[f32; PAIRS]; 2] {
    [
        spread(&kinds.map(|kind| kind * of.one + of.both)),
        spread(&kinds.map(|kind| kind * of.two + of.one)),
    ]
}

impl Row {
    fn new(terms: &MixedTerms, here: &Cluster, shift: [i32; 3]) -> Self {
        let place = |axis: &[i32; MEMBERS], shift: i32| {
            spread(&axis.map(|along| along.wrapping_add(shift)))
        };
        let kinds = &here.species;
        let mut cutoff = beside(kinds, terms.bilinear(|pair| pair.cutoff_squared));
        for (lane, kind) in spread(kinds).into_iter().enumerate() {
            if kind < 0.0 {
                [cutoff[0][lane], cutoff[1][lane]] = [-1.0, 0.0];
            }
        }
        Self {
            place: [
                place(&here.x, shift[0]),
                place(&here.y, shift[1]),
                place(&here.z, shift[2]),
            ],
            size: beside(kinds, terms.bilinear(|pair| pair.size)),
            cutoff,
            pull: beside(kinds, terms.bilinear(|pair| pair.attraction)),
            scale: beside(kinds, terms.bilinear(|pair| pair.rim_scale)),
            start: beside(kinds, terms.bilinear(|pair| pair.rim_start)),
        }
    }

    /// The row beside its own cluster: each pair of members once.
    fn beside_itself(&self) -> Self {
        let mut cutoff = self.cutoff;
        for (lane, &first) in BEFORE.as_flattened().iter().enumerate() {
            if !first {
                [cutoff[0][lane], cutoff[1][lane]] = [-1.0, 0.0];
            }
        }
        Self { cutoff, ..*self }
    }

    /// Adds the forces of all pairs with another cluster. A function of its own, so that compilers
    /// know that its arguments do not overlap.
    #[inline(never)]
    fn push<const SMOOTH: bool, const UNIFORM: bool>(
        &self,
        terms: &MixedTerms,
        there: &Cluster,
        sum: &mut [[f32; PAIRS]; 3],
        on: &mut OnPairs<f32>,
    ) {
        let any = &terms.pairs[0];
        let smoothing = terms.smoothing.unwrap_or_default();
        let [xs, ys, zs] = [repeat(&there.x), repeat(&there.y), repeat(&there.z)];
        let species = repeat(&there.species);
        let [sum_x, sum_y, sum_z] = sum;
        let OnPairs([on_x, on_y, on_z]) = on;
        for lane in 0..PAIRS {
            let x = self.place[0][lane].wrapping_sub(xs[lane]) as f32;
            let y = self.place[1][lane].wrapping_sub(ys[lane]) as f32;
            let z = self.place[2][lane].wrapping_sub(zs[lane]) as f32;
            let kind = species[lane];
            let of = |constant: &[[f32; PAIRS]; 2]| constant[1][lane] * kind + constant[0][lane];
            let squared = x * x + y * y + z * z;
            let limit = if UNIFORM {
                self.cutoff[0][lane]
            } else {
                of(&self.cutoff)
            };
            let near = if squared < limit { 1.0 } else { 0.0 };
            let inverse = near / squared.max(f32::MIN_POSITIVE);
            let ratio = of(&self.size) * inverse;
            let s = ratio * ratio * ratio;
            let q = if UNIFORM {
                any.attraction
            } else {
                of(&self.pull)
            };
            // -r V' of the pair.
            let radial = if SMOOTH {
                let (scale, start) = if UNIFORM {
                    (any.rim_scale, any.rim_start)
                } else {
                    (of(&self.scale), of(&self.start))
                };
                let u = (squared * scale - start).clamp(0.0, 1.0);
                let [r0, r1, r2, r3] = smoothing.repulsion;
                let a = 1.0 + u * u * (r0 + u * (r1 + u * (r2 + u * r3)));
                let [t0, t1, t2, t3, t4] = smoothing.attraction;
                let b = 1.0 + u * u * (t0 + u * (t1 + u * (t2 + u * (t3 + u * t4))));
                s * (s * a - q * b)
            } else {
                s * (s - q)
            };
            let push = radial * inverse;
            sum_x[lane] += push * x;
            sum_y[lane] += push * y;
            sum_z[lane] += push * z;
            on_x[lane] -= push * x;
            on_y[lane] -= push * y;
            on_z[lane] -= push * z;
        }
    }
}

/// Adds the forces of a part's pairs times a step's length.
pub fn forces<const SMOOTH: bool, const UNIFORM: bool>(
    terms: &MixedTerms,
    list: &ClusterList,
    part: &ClusterPart,
    sums: &mut PartSums<f32>,
) {
    let clusters = list.clusters();
    let (own_start, window_start) = (part.own().start, part.window().start);
    for (row, mut others) in part.rows() {
        let here = &clusters[row.cluster as usize];
        let shift = list.shifts()[row.shift as usize].steps;
        let own = Row::new(terms, here, shift);
        let mut sum = [[0.0; PAIRS]; 3];
        if row.shift == list.unshifted() && others[0] == row.cluster {
            let on = &mut sums.pushed[row.cluster as usize - window_start];
            let own = own.beside_itself();
            own.push::<SMOOTH, UNIFORM>(terms, here, &mut sum, on);
            others = &others[1..];
        }
        for &other in others {
            let on = &mut sums.pushed[other as usize - window_start];
            let there = &clusters[other as usize];
            own.push::<SMOOTH, UNIFORM>(terms, there, &mut sum, on);
        }
        let mut shifted = [0.0; 3];
        let members = &mut sums.own[row.cluster as usize - own_start];
        for ((own, sum), shifted) in members.iter_mut().zip(&sum).zip(&mut shifted) {
            for (total, four) in own.iter_mut().zip(sum.chunks_exact(MEMBERS)) {
                let more = (four[0] + four[1]) + (four[2] + four[3]);
                *total += more;
                *shifted += f64::from(more);
            }
        }
        sums.add_shifted(row.shift, shifted);
    }
}
