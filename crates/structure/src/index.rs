//! The Voronoi index of an atom.

use std::fmt;

/// How many faces of a cell have 3, 4, 5, ... edges: n₃, n₄, n₅, n₆ and on up to the last
/// that is not zero.
///
/// Shown as `n3,n4,n5,n6[,n7..]`; at least four numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VoronoiIndex(Vec<u32>);

impl VoronoiIndex {
    /// The index of a cell whose counted faces have these numbers of edges; faces with fewer than
    /// three edges are no faces.
    pub fn from_edges(edges: impl IntoIterator<Item = u32>) -> Self {
        let mut counts = vec![0; 4];
        for edges in edges.into_iter().filter(|&edges| edges >= 3) {
            let place = edges as usize - 3;
            if place >= counts.len() {
                counts.resize(place + 1, 0);
            }
            counts[place] += 1;
        }
        Self(counts)
    }

    /// nₖ, the number of faces with k edges.
    pub fn faces_with(&self, edges: usize) -> u32 {
        edges
            .checked_sub(3)
            .and_then(|place| self.0.get(place))
            .copied()
            .unwrap_or(0)
    }

    /// n₃, n₄, n₅, n₆, ...
    pub fn counts(&self) -> &[u32] {
        &self.0
    }

    /// Number of faces.
    pub fn coordination(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Whether this is <0,0,12,0>: twelve faces, all pentagons.
    pub fn is_icosahedral(&self) -> bool {
        self.0 == [0, 0, 12, 0]
    }
}

impl fmt::Display for VoronoiIndex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, count) in self.0.iter().enumerate() {
            if k > 0 {
                formatter.write_str(",")?;
            }
            write!(formatter, "{count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_shown_with_at_least_four_numbers() {
        let icosahedron = VoronoiIndex::from_edges([5; 12]);
        assert_eq!(icosahedron.to_string(), "0,0,12,0");
        assert!(icosahedron.is_icosahedral());
        let odd = VoronoiIndex::from_edges([3, 8, 4, 2]);
        assert_eq!(odd.to_string(), "1,1,0,0,0,1");
        assert_eq!(odd.coordination(), 3);
        assert_eq!(
            [2, 3, 8, 9].map(|edges| odd.faces_with(edges)),
            [0, 1, 1, 0]
        );
        assert!(!VoronoiIndex::from_edges([5; 12].into_iter().chain([7])).is_icosahedral());
        assert_eq!(VoronoiIndex::from_edges([]).to_string(), "0,0,0,0");
    }
}
