//! Disclination lines: bonds that are not of order 5, strung together.

use std::collections::BTreeMap;

use metabasin_atoms::Configuration;
use nalgebra::Vector3;

use crate::{Bond, BondTopology, StructureError};

/// Bonds of one order other than 5, each beginning where the one before ends.
#[derive(Clone, Debug, PartialEq)]
pub struct DisclinationLine {
    /// Order of its bonds: 4 for a disclination of +72°, 6 for one of −72°, seldom another.
    pub order: u32,
    /// Its atoms along the line, nodes at both ends; of a closed line, the first atom stands at the
    /// end again.
    pub atoms: Vec<u32>,
    /// Where they are `[length]`: each next to the one before, whatever periodic border lies between.
    pub points: Vec<Vector3<f64>>,
    /// Whether it ends where it begins, in the same image or in another, with no node on it.
    pub is_closed: bool,
    /// Sum of the lengths of its bonds `[length]`.
    pub length: f64,
}

/// The disclination lines of a sample and the nodes at which they meet (Nelson, Phys. Rev. B 28,
/// 5515, 1983; Derlet, arXiv 2007.08878).
///
/// A bond of order 5 is that of a perfect icosahedral packing of space with curvature; 4 and 6 are
/// its defects, and they lie in lines along the bonds. An atom with exactly two defect bonds of one order is
/// inside a line; every other atom with defect bonds is a node: 3 or more lines meet there, lines of two orders, or,
/// where the atom breaks the rules, a single line ends.
#[derive(Clone, Debug, PartialEq)]
pub struct DisclinationNetwork {
    lines: Vec<DisclinationLine>,
    nodes: Vec<usize>,
    volume: f64,
}

/// One end of a defect bond, seen from its atom.
#[derive(Clone, Copy)]
struct End {
    bond: usize,
    forward: bool,
}

impl DisclinationNetwork {
    /// The lines of the bonds that the modified radical Voronoi step left.
    ///
    /// Lines come in the order of the atoms at which they begin, first those between nodes, then the
    /// closed ones.
    ///
    /// # Errors
    /// [`StructureError::Length`] unless the topology is one of these atoms.
    pub fn new(
        topology: &BondTopology,
        configuration: &Configuration,
    ) -> Result<Self, StructureError> {
        let count = configuration.len();
        let environments = topology.environments();
        StructureError::unless_one_an_atom("bond topology", environments.len(), count)?;
        let defects: Vec<(Bond, u32)> = topology
            .bonds()
            .iter()
            .filter(|(_, order)| *order != 5)
            .copied()
            .collect();
        let mut walk = Walk::new(&defects, configuration);
        let nodes: Vec<usize> = (0..count).filter(|&i| walk.is_node(i)).collect();
        let mut lines = Vec::new();
        for &node in &nodes {
            for place in walk.starts[node]..walk.starts[node + 1] {
                lines.extend(walk.follow(walk.ends[place], node));
            }
        }
        for atom in 0..count {
            for place in walk.starts[atom]..walk.starts[atom + 1] {
                lines.extend(walk.follow(walk.ends[place], atom));
            }
        }
        Ok(Self {
            lines,
            nodes,
            volume: configuration.cell.volume(),
        })
    }

    /// All lines.
    pub fn lines(&self) -> &[DisclinationLine] {
        &self.lines
    }

    /// The atoms at which lines end or meet, ascending.
    pub fn nodes(&self) -> &[usize] {
        &self.nodes
    }

    /// Length of the lines of each order in a unit of volume `[1 / length²]`.
    pub fn length_densities(&self) -> BTreeMap<u32, f64> {
        let mut densities = BTreeMap::new();
        for line in &self.lines {
            *densities.entry(line.order).or_insert(0.0) += line.length / self.volume;
        }
        densities
    }
}

/// What is walked along, and which bonds are done.
struct Walk<'a> {
    defects: &'a [(Bond, u32)],
    configuration: &'a Configuration,
    starts: Vec<usize>,
    ends: Vec<End>,
    done: Vec<bool>,
}

impl<'a> Walk<'a> {
    fn new(defects: &'a [(Bond, u32)], configuration: &'a Configuration) -> Self {
        let mut starts = vec![0; configuration.len() + 1];
        for (bond, _) in defects {
            for atom in [bond.from, bond.to] {
                starts[atom as usize + 1] += 1;
            }
        }
        for atom in 0..configuration.len() {
            starts[atom + 1] += starts[atom];
        }
        let nothing = End {
            bond: 0,
            forward: true,
        };
        let (mut fill, mut ends) = (starts.clone(), vec![nothing; 2 * defects.len()]);
        for (bond, (ends_of, _)) in defects.iter().enumerate() {
            for (atom, forward) in [(ends_of.from, true), (ends_of.to, false)] {
                ends[fill[atom as usize]] = End { bond, forward };
                fill[atom as usize] += 1;
            }
        }
        Self {
            defects,
            configuration,
            starts,
            ends,
            done: vec![false; defects.len()],
        }
    }

    fn ends_at(&self, atom: usize) -> &[End] {
        &self.ends[self.starts[atom]..self.starts[atom + 1]]
    }

    /// Whether lines end or meet here.
    fn is_node(&self, atom: usize) -> bool {
        let order = |end: &End| self.defects[end.bond].1;
        match self.ends_at(atom) {
            [] => false,
            [one, other] => order(one) != order(other),
            _ => true,
        }
    }

    /// The line that begins with this end of a bond, unless it was followed before.
    fn follow(&mut self, begin: End, first: usize) -> Option<DisclinationLine> {
        if self.done[begin.bond] {
            return None;
        }
        let order = self.defects[begin.bond].1;
        let mut line = DisclinationLine {
            order,
            atoms: vec![first as u32],
            points: vec![self.configuration.positions[first]],
            is_closed: false,
            length: 0.0,
        };
        let mut place = line.points[0];
        let mut end = begin;
        loop {
            self.done[end.bond] = true;
            let (step, to) = self.step(end);
            place += step;
            line.length += step.norm();
            line.atoms.push(to as u32);
            line.points.push(place);
            if self.is_node(to) {
                break;
            }
            // Inside a line: on by the other of the two bonds.
            let next = self.ends_at(to).iter().find(|end| !self.done[end.bond]);
            let Some(next) = next else {
                line.is_closed = true;
                break;
            };
            end = *next;
        }
        Some(line)
    }

    /// Along a bond from one of its ends: the way, and the atom at the other end.
    fn step(&self, end: End) -> (Vector3<f64>, usize) {
        let bond = &self.defects[end.bond].0;
        let Configuration {
            positions, cell, ..
        } = self.configuration;
        let image = cell.to_cartesian(&Vector3::from(bond.shift.map(f64::from)));
        let along = positions[bond.to as usize] + image - positions[bond.from as usize];
        if end.forward {
            (along, bond.to as usize)
        } else {
            (-along, bond.from as usize)
        }
    }
}
