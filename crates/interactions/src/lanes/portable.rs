//! Four doubles in plain code that compilers turn into vectors.
#![expect(
    clippy::inline_always,
    reason = "each of these is an instruction or two"
)]

use metabasin_neighbors::{ClusterList, ClusterPart, MEMBERS};

use super::mixed::BEFORE;
use crate::clusters::{OnPairs, PartSums};
use crate::lennard_jones::BinaryLennardJones;

type Vector = [f64; COUNT];
type Mask = [bool; COUNT];
/// Doubles in a vector.
const COUNT: usize = 4;

#[inline(always)]
fn each(function: impl Fn(usize) -> f64) -> Vector {
    [function(0), function(1), function(2), function(3)]
}

#[inline(always)]
fn splat(value: f64) -> Vector {
    [value; COUNT]
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
fn div(a: Vector, b: Vector) -> Vector {
    each(|lane| a[lane] / b[lane])
}

#[inline(always)]
fn sqrt(a: Vector) -> Vector {
    each(|lane| a[lane].sqrt())
}

#[inline(always)]
fn fma(a: Vector, b: Vector, c: Vector) -> Vector {
    each(|lane| a[lane] * b[lane] + c[lane])
}

#[inline(always)]
fn less(a: Vector, b: Vector) -> Mask {
    std::array::from_fn(|lane| a[lane] < b[lane])
}

/// a < b, where `among` is set.
#[inline(always)]
fn less_among(among: Mask, a: Vector, b: Vector) -> Mask {
    std::array::from_fn(|lane| among[lane] && a[lane] < b[lane])
}

#[inline(always)]
fn any(mask: Mask) -> bool {
    mask != [false; COUNT]
}

#[inline(always)]
fn choose(mask: Mask, yes: Vector, no: Vector) -> Vector {
    each(|lane| if mask[lane] { yes[lane] } else { no[lane] })
}

#[inline(always)]
fn keep(mask: Mask, value: Vector) -> Vector {
    each(|lane| if mask[lane] { value[lane] } else { 0.0 })
}

#[inline(always)]
fn total(value: Vector) -> f64 {
    (value[0] + value[1]) + (value[2] + value[3])
}

/// A group's member of a cluster four times.
#[inline(always)]
fn spread(members: &[f64; MEMBERS], group: usize) -> Vector {
    [members[group]; COUNT]
}

#[inline(always)]
fn repeat(members: &[f64; MEMBERS]) -> Vector {
    *members
}

/// The value where a cluster's member stands before the other of the same cluster.
#[inline(always)]
fn first_of_each(value: Vector, group: usize, otherwise: f64) -> Vector {
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
fn subtract(sums: &mut [f64; MEMBERS * MEMBERS], group: usize, value: Vector) {
    for (sum, value) in sums[group * COUNT..].iter_mut().zip(value) {
        *sum -= value;
    }
}

/// The sum over the four lanes of the member.
#[inline(always)]
fn sums_of_four(value: Vector) -> [f64; COUNT / MEMBERS] {
    [total(value)]
}

cluster_loop!();
