//! Bond orders by common neighbors, before and after the modified radical Voronoi step.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use metabasin_atoms::Configuration;
use nalgebra::Vector3;
use rayon::prelude::*;

use crate::{Bond, BondEnvironment, Face, StructureError, Su2Class, Tessellation};

/// The bonds of a sample and their orders (Derlet, arXiv 2007.08878).
///
/// Two atoms are bonded where their Voronoi cells share a face that counts. The order of a bond is
/// the number of common neighbors of its ends: at least the number of edges of the face, and more
/// where a common neighbor sits off the ring around it.
///
/// Some of these bonds only look past others: the **modified radical Voronoi step** drops bond ij
/// if three of the common neighbors of i and j, bonded with one another, form a triangle that the
/// line ij pierces, that is, if the tetrahedra (i, j, k, l), (i, j, l, m) and (i, j, m, k) have
/// volumes of one sign. One bond at a time, smallest face first, until no more is dropped.
///
/// Bonds are told apart by the images of their ends, so cells may be so small that atoms are
/// bonded to several images of one another.
#[derive(Clone, Debug, PartialEq)]
pub struct BondTopology {
    standard: BTreeMap<u32, usize>,
    modified: BTreeMap<u32, usize>,
    environments: Vec<BondEnvironment>,
    bonds: Vec<(Bond, u32)>,
    dropped: Vec<Bond>,
}

impl BondTopology {
    /// Bonds of a configuration by its tessellation.
    ///
    /// # Errors
    /// [`StructureError::Length`] unless the tessellation has one cell an atom.
    pub fn new(
        tessellation: &Tessellation,
        configuration: &Configuration,
    ) -> Result<Self, StructureError> {
        let count = configuration.len();
        StructureError::unless_one_an_atom("tessellation", tessellation.len(), count)?;
        let mut graph = Graph::new(tessellation, configuration);
        let (standard, mut suspects) = graph.orders_and_pierced();
        suspects.sort_unstable_by(|p, q| {
            p.area
                .total_cmp(&q.area)
                .then_with(|| p.bond.key().cmp(&q.bond.key()))
        });
        let mut scratch = Scratch::default();
        let mut dropped = Vec::new();
        // A dropped bond takes triangles away and adds none: who was not pierced never will be,
        // and a second pass would find nothing.
        for suspect in suspects {
            if graph.is_pierced(&suspect.bond, &mut scratch) {
                graph.drop_bond(&suspect.bond);
                dropped.push(suspect.bond);
            }
        }
        let bonds = graph.bonds_with_orders();
        let mut environments = vec![BondEnvironment::default(); count];
        for (bond, order) in &bonds {
            environments[bond.from as usize].add(*order);
            environments[bond.to as usize].add(*order);
        }
        Ok(Self {
            standard,
            modified: counts(bonds.iter().map(|(_, order)| *order)),
            environments,
            bonds,
            dropped,
        })
    }

    /// Number of bonds of each order in the radical Voronoi tessellation as it stands.
    pub fn standard_orders(&self) -> &BTreeMap<u32, usize> {
        &self.standard
    }

    /// Number of bonds of each order after the modified radical Voronoi step.
    pub fn orders(&self) -> &BTreeMap<u32, usize> {
        &self.modified
    }

    /// Every bond that is left, once, with its order, in the order of the atoms.
    pub fn bonds(&self) -> &[(Bond, u32)] {
        &self.bonds
    }

    /// The bonds that were dropped, in that order.
    pub fn dropped(&self) -> &[Bond] {
        &self.dropped
    }

    /// What bonds each atom has after the step.
    pub fn environments(&self) -> &[BondEnvironment] {
        &self.environments
    }

    /// The class of each atom.
    pub fn classes(&self) -> Vec<Su2Class> {
        self.environments
            .iter()
            .map(BondEnvironment::class)
            .collect()
    }
}

fn counts(orders: impl Iterator<Item = u32>) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for order in orders {
        *counts.entry(order).or_insert(0) += 1;
    }
    counts
}

/// A bond that some triangle of its common neighbors blocks in the tessellation as it stands.
struct Suspect {
    area: f64,
    bond: Bond,
}

/// A common neighbor: an atom, and the lattice shift of its image seen from the first end.
#[derive(Clone, Copy)]
struct Common {
    atom: u32,
    shift: [i32; 3],
}

#[derive(Default)]
struct Scratch {
    common: Vec<Common>,
    places: Vec<Vector3<f64>>,
}

fn plus(p: [i32; 3], q: [i32; 3]) -> [i32; 3] {
    std::array::from_fn(|k| p[k] + q[k])
}

fn minus(p: [i32; 3], q: [i32; 3]) -> [i32; 3] {
    std::array::from_fn(|k| p[k] - q[k])
}

impl Bond {
    fn key(&self) -> (u32, u32, [i32; 3]) {
        (self.from, self.to, self.shift)
    }

    fn reversed(&self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            shift: self.shift.map(|n| -n),
        }
    }
}

/// The faces of a tessellation that are bonds.
struct Graph<'a> {
    tessellation: &'a Tessellation,
    configuration: &'a Configuration,
    /// For every face of the tessellation, whether it is a bond.
    bonded: Vec<bool>,
}

impl<'a> Graph<'a> {
    fn new(tessellation: &'a Tessellation, configuration: &'a Configuration) -> Self {
        let bonded = (0..tessellation.len())
            .into_par_iter()
            .flat_map_iter(|i| {
                tessellation.faces(i).iter().map(move |face| {
                    face.counts
                        && tessellation
                            .mirrored(i, face)
                            .is_some_and(|mirrored| mirrored.counts)
                })
            })
            .collect();
        Self {
            tessellation,
            configuration,
            bonded,
        }
    }

    fn neighbors(&self, i: usize) -> impl Iterator<Item = &'a Face> {
        let flags = &self.bonded[self.tessellation.range(i)];
        let faces = self.tessellation.faces(i).iter();
        faces.zip(flags).filter(|(_, bonded)| **bonded).map(|p| p.0)
    }

    /// Bonds of atom `i`, each from one of its two ends alone.
    fn own_bonds(&self, i: usize) -> impl Iterator<Item = (&'a Face, Bond)> {
        let from = i as u32;
        self.neighbors(i).filter_map(move |face| {
            let bond = Bond {
                from,
                to: face.neighbor,
                shift: face.shift,
            };
            (bond.key() < bond.reversed().key()).then_some((face, bond))
        })
    }

    /// The place of a bond among the faces of its first end.
    fn place(&self, bond: &Bond) -> Option<usize> {
        let i = bond.from as usize;
        let found = self
            .tessellation
            .faces(i)
            .binary_search_by_key(&(bond.to, bond.shift), |face| (face.neighbor, face.shift))
            .ok()?;
        Some(self.tessellation.range(i).start + found)
    }

    fn are_bonded(&self, k: &Common, l: &Common) -> bool {
        let bond = Bond {
            from: k.atom,
            to: l.atom,
            shift: minus(l.shift, k.shift),
        };
        self.place(&bond).is_some_and(|place| self.bonded[place])
    }

    fn drop_bond(&mut self, bond: &Bond) {
        for half in [*bond, bond.reversed()] {
            if let Some(place) = self.place(&half) {
                self.bonded[place] = false;
            }
        }
    }

    /// Atoms bonded to both ends; both lists are sorted, and stay so in the frame of the first end.
    fn find_common(&self, bond: &Bond, common: &mut Vec<Common>) {
        common.clear();
        let mut here = self.neighbors(bond.from as usize).peekable();
        let mut there = self.neighbors(bond.to as usize).peekable();
        while let (Some(p), Some(q)) = (here.peek(), there.peek()) {
            let order = p
                .neighbor
                .cmp(&q.neighbor)
                .then_with(|| p.shift.cmp(&plus(q.shift, bond.shift)));
            if order == Ordering::Equal {
                common.push(Common {
                    atom: p.neighbor,
                    shift: p.shift,
                });
            }
            if order != Ordering::Greater {
                here.next();
            }
            if order != Ordering::Less {
                there.next();
            }
        }
    }

    /// From one atom to the image of another.
    fn difference(&self, from: u32, to: u32, shift: [i32; 3]) -> Vector3<f64> {
        let positions = &self.configuration.positions;
        let image = self
            .configuration
            .cell
            .to_cartesian(&Vector3::from(shift.map(f64::from)));
        positions[to as usize] - positions[from as usize] + image
    }

    fn is_pierced(&self, bond: &Bond, scratch: &mut Scratch) -> bool {
        self.find_common(bond, &mut scratch.common);
        self.is_pierced_by(bond, scratch)
    }

    /// Whether a triangle of the common neighbors in `scratch` is pierced by the line of the bond.
    fn is_pierced_by(&self, bond: &Bond, scratch: &mut Scratch) -> bool {
        let Scratch { common, places } = scratch;
        if common.len() < 3 {
            return false;
        }
        let axis = self.difference(bond.from, bond.to, bond.shift);
        places.clear();
        places.extend(
            common
                .iter()
                .map(|c| self.difference(bond.from, c.atom, c.shift)),
        );
        // Six times the volume of the tetrahedron of the bond and two common neighbors.
        let volume = |k: usize, l: usize| axis.dot(&places[k].cross(&places[l]));
        for k in 0..common.len() {
            for l in k + 1..common.len() {
                let first = volume(k, l);
                let mut bonded = None;
                for m in l + 1..common.len() {
                    let (second, third) = (volume(l, m), volume(m, k));
                    let one_sign = (first > 0.0 && second > 0.0 && third > 0.0)
                        || (first < 0.0 && second < 0.0 && third < 0.0);
                    if one_sign
                        && *bonded.get_or_insert_with(|| self.are_bonded(&common[k], &common[l]))
                        && self.are_bonded(&common[l], &common[m])
                        && self.are_bonded(&common[m], &common[k])
                    {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// How many bonds there are of each order, and which of them are pierced.
    fn orders_and_pierced(&self) -> (BTreeMap<u32, usize>, Vec<Suspect>) {
        let of_atom = |scratch: &mut Scratch, i: usize| {
            let mut orders = Vec::new();
            let mut suspects = Vec::new();
            for (face, bond) in self.own_bonds(i) {
                self.find_common(&bond, &mut scratch.common);
                orders.push(scratch.common.len() as u32);
                if self.is_pierced_by(&bond, scratch) {
                    // The two sides are two computations: their sum is the same from either.
                    let other = self.tessellation.mirrored(i, face).unwrap_or(face);
                    suspects.push(Suspect {
                        area: face.area + other.area,
                        bond,
                    });
                }
            }
            (orders, suspects)
        };
        let parts: Vec<_> = (0..self.tessellation.len())
            .into_par_iter()
            .map_init(Scratch::default, of_atom)
            .collect();
        let orders = counts(parts.iter().flat_map(|(orders, _)| orders).copied());
        let suspects = parts.into_iter().flat_map(|(_, suspects)| suspects);
        (orders, suspects.collect())
    }

    fn bonds_with_orders(&self) -> Vec<(Bond, u32)> {
        (0..self.tessellation.len())
            .into_par_iter()
            .map_init(Scratch::default, |scratch, i| {
                self.own_bonds(i)
                    .map(|(_, bond)| {
                        self.find_common(&bond, &mut scratch.common);
                        (bond, scratch.common.len() as u32)
                    })
                    .collect::<Vec<_>>()
            })
            .flatten_iter()
            .collect()
    }
}
