//! Clusters in a periodic sample and the directions in which they percolate.

/// A bond between two nodes: node `to`, in the image shifted by `shift`, touches node `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bond {
    /// One node.
    pub from: u32,
    /// The other node.
    pub to: u32,
    /// Lattice shift of the other node's image.
    pub shift: [i32; 3],
}

/// A connected cluster of a periodic network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its nodes, ascending.
    pub nodes: Vec<usize>,
    /// Rank of the lattice vectors by which the cluster wraps onto itself: 0 is a finite cluster,
    /// 3 percolates in three dimensions. "Touches both sides" is not percolation; this is.
    pub winding_rank: u8,
}

/// Independent lattice vectors, at most three.
#[derive(Clone, Debug, Default)]
struct Windings(Vec<[i64; 3]>);

fn cross(p: [i64; 3], q: [i64; 3]) -> [i64; 3] {
    [
        p[1] * q[2] - p[2] * q[1],
        p[2] * q[0] - p[0] * q[2],
        p[0] * q[1] - p[1] * q[0],
    ]
}

impl Windings {
    /// Keeps a vector that the others do not span.
    fn add(&mut self, vector: [i64; 3]) {
        let independent = match self.0[..] {
            [] => vector != [0; 3],
            [p] => cross(p, vector) != [0; 3],
            [p, q] => {
                let normal = cross(p, q);
                (0..3).map(|k| normal[k] * vector[k]).sum::<i64>() != 0
            }
            _ => false,
        };
        if independent {
            self.0.push(vector);
        }
    }
}

/// Union-find whose links carry the lattice shift from a node to its parent.
struct Forest {
    parent: Vec<u32>,
    offset: Vec<[i64; 3]>,
    size: Vec<u32>,
    windings: Vec<Windings>,
}

fn add(p: [i64; 3], q: [i64; 3]) -> [i64; 3] {
    std::array::from_fn(|k| p[k] + q[k])
}

fn subtract(p: [i64; 3], q: [i64; 3]) -> [i64; 3] {
    std::array::from_fn(|k| p[k] - q[k])
}

impl Forest {
    fn new(nodes: usize) -> Self {
        Self {
            parent: (0..nodes as u32).collect(),
            offset: vec![[0; 3]; nodes],
            size: vec![1; nodes],
            windings: vec![Windings::default(); nodes],
        }
    }

    /// The root of a node and the shift of the node's image in the root's tree. Trees are joined
    /// by size, so the walk is short.
    fn find(&self, node: u32) -> (u32, [i64; 3]) {
        let (mut here, mut shift) = (node, [0; 3]);
        while self.parent[here as usize] != here {
            shift = add(shift, self.offset[here as usize]);
            here = self.parent[here as usize];
        }
        (here, shift)
    }

    fn join(&mut self, bond: &Bond) {
        let (root, at) = self.find(bond.from);
        let (other, there) = self.find(bond.to);
        // Where the bond puts the image of `to`, in the tree of `from`.
        let wanted = add(at, bond.shift.map(i64::from));
        if root == other {
            self.windings[root as usize].add(subtract(wanted, there));
            return;
        }
        let difference = subtract(wanted, there);
        let (keep, hang, offset) = if self.size[root as usize] >= self.size[other as usize] {
            (root as usize, other as usize, difference)
        } else {
            (
                other as usize,
                root as usize,
                difference.map(|component| -component),
            )
        };
        self.parent[hang] = keep as u32;
        self.offset[hang] = offset;
        self.size[keep] += self.size[hang];
        for vector in std::mem::take(&mut self.windings[hang]).0 {
            self.windings[keep].add(vector);
        }
    }
}

/// The clusters that bonds make of the nodes for which `member` is true, largest first (equals:
/// higher winding rank first, then lowest node). Bonds to nodes that are no members, or beyond the end
/// of `member`, are ignored.
pub fn clusters(member: &[bool], bonds: impl IntoIterator<Item = Bond>) -> Vec<Cluster> {
    let is_member = |node: u32| member.get(node as usize).copied().unwrap_or(false);
    let mut forest = Forest::new(member.len());
    for bond in bonds {
        if is_member(bond.from) && is_member(bond.to) {
            forest.join(&bond);
        }
    }
    let mut nodes: Vec<Vec<usize>> = vec![Vec::new(); member.len()];
    for node in (0..member.len()).filter(|&node| member[node]) {
        nodes[forest.find(node as u32).0 as usize].push(node);
    }
    let mut found: Vec<Cluster> = nodes
        .into_iter()
        .zip(&forest.windings)
        .filter(|(nodes, _)| !nodes.is_empty())
        .map(|(nodes, windings)| Cluster {
            nodes,
            winding_rank: windings.0.len() as u8,
        })
        .collect();
    found.sort_by(|p, q| {
        (q.nodes.len(), q.winding_rank)
            .cmp(&(p.nodes.len(), p.winding_rank))
            .then(p.nodes[0].cmp(&q.nodes[0]))
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bond(from: u32, to: u32, shift: [i32; 3]) -> Bond {
        Bond { from, to, shift }
    }

    fn rank(nodes: usize, bonds: &[Bond]) -> u8 {
        let found = clusters(&vec![true; nodes], bonds.iter().copied());
        assert_eq!(found.len(), 1);
        found[0].winding_rank
    }

    #[test]
    fn hand_made_networks_have_the_rank_they_were_made_with() {
        // A chain across the border and back: touches both sides, wraps nowhere.
        assert_eq!(rank(3, &[bond(0, 1, [0, 0, 0]), bond(1, 2, [1, 0, 0])]), 0);
        let hairpin = [
            bond(0, 1, [1, 0, 0]),
            bond(1, 2, [0, 0, 0]),
            bond(2, 0, [-1, 0, 0]),
        ];
        assert_eq!(rank(3, &hairpin), 0);
        // A rod, closed by its own image.
        let rod = [
            bond(0, 1, [0, 0, 0]),
            bond(1, 2, [0, 0, 0]),
            bond(2, 0, [1, 0, 0]),
        ];
        assert_eq!(rank(3, &rod), 1);
        // The same rod closed twice, and a slanted rod that winds around a and b at once.
        assert_eq!(rank(3, &[rod[0], rod[1], rod[2], bond(0, 1, [2, 0, 0])]), 1);
        assert_eq!(rank(2, &[bond(0, 1, [0, 0, 0]), bond(1, 0, [1, -1, 0])]), 1);
        // A sheet and a solid of one node.
        assert_eq!(rank(1, &[bond(0, 0, [1, 0, 0]), bond(0, 0, [1, 2, 0])]), 2);
        let solid = [
            bond(0, 0, [1, 1, 0]),
            bond(0, 0, [0, 1, 1]),
            bond(0, 0, [1, 0, 1]),
        ];
        assert_eq!(rank(1, &solid), 3);
        // Three vectors in one plane.
        let plane = [
            bond(0, 0, [1, -1, 0]),
            bond(0, 0, [0, 1, -1]),
            bond(0, 0, [1, 0, -1]),
        ];
        assert_eq!(rank(1, &plane), 2);
    }

    #[test]
    fn joined_clusters_bring_their_windings_along() {
        // Two rods in different directions, joined last, in either order of size.
        let bonds = [
            bond(0, 1, [0, 0, 0]),
            bond(1, 0, [0, 0, 1]),
            bond(2, 3, [0, 0, 0]),
            bond(3, 4, [0, 1, 0]),
            bond(4, 2, [0, 1, 0]),
            bond(1, 3, [5, -4, 2]),
        ];
        assert_eq!(rank(5, &bonds), 2);
        let reversed: Vec<Bond> = bonds.iter().rev().copied().collect();
        assert_eq!(rank(5, &reversed), 2);
    }

    #[test]
    fn clusters_come_largest_first_and_outsiders_do_not_join_them() {
        let member = [true, true, false, true, true, true];
        let bonds = [
            bond(0, 1, [0; 3]),
            bond(1, 2, [0; 3]),
            bond(2, 3, [0; 3]),
            bond(4, 5, [0; 3]),
            bond(5, 4, [1, 0, 0]),
            bond(3, 17, [0; 3]),
        ];
        let found = clusters(&member, bonds);
        let nodes: Vec<&[usize]> = found.iter().map(|c| &c.nodes[..]).collect();
        assert_eq!(nodes, [&[4, 5][..], &[0, 1], &[3]]);
        assert_eq!(
            found.iter().map(|c| c.winding_rank).collect::<Vec<_>>(),
            [1, 0, 0]
        );
    }
}
