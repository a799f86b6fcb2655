//! The report of made-up findings: what every figure and the page must show.
#![cfg(test)]

mod figures;
mod page;
mod synthetic;
