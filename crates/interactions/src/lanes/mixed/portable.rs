//! Four single-precision numbers in plain code that compilers turn into vectors: one member beside
//! four.

use metabasin_neighbors::{ClusterList, ClusterPart, MEMBERS};

use super::{BEFORE, Bilinear, MixedTerms};
use crate::clusters::{OnPairs, PartSums};

type Vector = [f32; COUNT];
type Steps = [i32; COUNT];
/// Pairs in a vector.
const COUNT: usize = 4;

#[inline(always)]
fn each(function: impl Fn(usize) -> f32) -> Vector {
    [function(0), function(1), function(2), function(3)]
}

#[inline(always)]
fn splat(value: f32) -> Vector {
    [value; COUNT]
}

#[inline(always)]
fn splat_steps(value: i32) -> Steps {
    [value; COUNT]
}

/// A group's member four times.
#[inline(always)]
fn spread(members: &[f32; MEMBERS], group: usize) -> Vector {
    [members[group]; COUNT]
}

/// A group's member four times.
#[inline(always)]
fn spread_steps(members: &[i32; MEMBERS], group: usize) -> Steps {
    [members[group]; COUNT]
}

#[inline(always)]
fn repeat(members: &[f32; MEMBERS]) -> Vector {
    *members
}

#[inline(always)]
fn repeat_steps(members: &[i32; MEMBERS]) -> Steps {
    *members
}

#[inline(always)]
fn add_steps(a: Steps, b: Steps) -> Steps {
    std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
}

/// The exact difference, rounded once.
#[inline(always)]
fn between(a: Steps, b: Steps) -> Vector {
    each(|lane| a[lane].wrapping_sub(b[lane]) as f32)
}

#[inline(always)]
fn add(a: Vector, b: Vector) -> Vector {
    each(|lane| a[lane] + b[lane])
}

#[inline(always)]
fn sub(a: Vector, b: Vector) -> Vector {
    each(|lane| a[lane] - b[lane])
}

#[inline(always)]
fn mul(a: Vector, b: Vector) -> Vector {
    each(|lane| a[lane] * b[lane])
}

#[inline(always)]
fn min(a: Vector, b: Vector) -> Vector {
    each(|lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
}

#[inline(always)]
fn max(a: Vector, b: Vector) -> Vector {
    each(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
}

#[inline(always)]
fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
    each(|lane| a[lane] * b[lane] + c[lane])
}

/// a b − c.
#[inline(always)]
fn fms(a: Vector, b: Vector, c: Vector) -> Vector {
    each(|lane| a[lane] * b[lane] - c[lane])
}

/// 1/a below the limit, else 0.
#[inline(always)]
fn inverse_within(a: Vector, limit: Vector) -> Vector {
    each(|lane| {
        let inverse = 1.0 / a[lane];
        if a[lane] < limit[lane] { inverse } else { 0.0 }
    })
}

/// The value where a cluster's member stands before the other of the same cluster.
#[inline(always)]
fn first_of_each(value: Vector, group: usize, otherwise: f32) -> Vector {
    each(|lane| {
        if BEFORE[group][lane] {
            value[lane]
        } else {
            otherwise
        }
    })
}

/// Takes a vector off the sums of a member's pairs.
#[inline(always)]
fn subtract(sums: &mut [f32; MEMBERS * MEMBERS], group: usize, value: Vector) {
    for (sum, value) in sums[group * COUNT..].iter_mut().zip(value) {
        *sum -= value;
    }
}

/// The sum over the four lanes of the member.
#[inline(always)]
fn sums_of_four(value: Vector) -> [f32; COUNT / MEMBERS] {
    [(value[0] + value[1]) + (value[2] + value[3])]
}

mixed_loop!();
