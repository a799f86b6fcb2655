//! One convex cell, kept as its dual: planes, and vertices as triples of planes.
//!
//! Every vertex of a generic cell lies on exactly three planes, so the cell is a triangulated
//! sphere whose nodes are planes and whose triangles are vertices. Cutting with a plane drops the
//! triangles outside, which form one disc, and closes the hole with a fan around the new node.
//! Numbers of edges then follow from the triples alone: no float decides them but the sign of one
//! height a vertex (the representation of Ray et al., ACM Trans. Graph. 37, 265, 2018). Each
//! vertex is solved anew from its three planes, so rounding does not pile up from cut to cut.
//!
//! Ties: a vertex within the tolerance of a plane counts as inside, so a plane that only touches
//! the cell leaves no face. Where more than three planes meet in one point, which happens in
//! perfect crystals, the point becomes several vertices joined by edges of zero length; which
//! planes these edges join follows from the order of the cuts. Volumes and the set of faces with
//! an area do not depend on that choice.

use nalgebra::Vector3;

/// A half-space x · normal ≤ offset that bounds the cell, with the unit normal.
#[derive(Clone, Copy)]
struct Plane {
    normal: Vector3<f64>,
    offset: f64,
    /// Number of the candidate that made it.
    candidate: u32,
}

/// The first six planes: a cube around everything.
const WALLS: usize = 6;

/// What a cut did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The plane does not reach the cell.
    Missed,
    /// The cell lost a part.
    Through,
    /// Nothing is left.
    Emptied,
    /// Rounding made the removed part something else than a disc; the cell is as before.
    Inconsistent,
}

/// A face of a finished cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellFace {
    /// Number of the candidate behind it.
    pub(super) candidate: u32,
    /// Edges, or the edges longer than the threshold.
    pub(super) edges: u32,
    /// Area `[length²]`.
    pub(super) area: f64,
}

/// A convex cell around the origin, and the scratch to cut it.
#[derive(Default)]
pub(super) struct ConvexCell {
    planes: Vec<Plane>,
    /// Coordinates of the vertices, component by component.
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    /// The planes of each vertex, all in the same sense of rotation.
    triples: Vec<[u32; 3]>,
    /// Squared distance of the farthest vertex from the origin.
    farthest_squared: f64,
    heights: Vec<f64>,
    boundary: Vec<(u32, u32)>,
    fresh: Vec<Vector3<f64>>,
    rings: Vec<RingEntry>,
    ring_starts: Vec<u32>,
}

/// A vertex as one of its planes sees it: the planes before and after in its triple.
#[derive(Clone, Copy, Default)]
struct RingEntry {
    next: u32,
    previous: u32,
    vertex: u32,
}

impl ConvexCell {
    /// Starts anew from the cube |x|, |y|, |z| ≤ half.
    pub(super) fn reset(&mut self, half: f64) {
        self.planes.clear();
        for axis in 0..3 {
            for sign in [1.0, -1.0] {
                let mut normal = Vector3::zeros();
                normal[axis] = sign;
                self.planes.push(Plane {
                    normal,
                    offset: half,
                    candidate: u32::MAX,
                });
            }
        }
        self.x.clear();
        self.y.clear();
        self.z.clear();
        self.triples.clear();
        for corner in 0..8_u32 {
            let side = [corner & 1, (corner >> 1) & 1, (corner >> 2) & 1];
            let [a, b, c] = [side[0], 2 + side[1], 4 + side[2]];
            let at = |k: usize| if side[k] == 0 { half } else { -half };
            // Mirrored corners turn the other way round.
            let even = (side[0] + side[1] + side[2]).is_multiple_of(2);
            let triple = if even { [a, b, c] } else { [a, c, b] };
            self.push_vertex(Vector3::new(at(0), at(1), at(2)), triple);
        }
        self.farthest_squared = 3.0 * half * half;
    }

    fn push_vertex(&mut self, place: Vector3<f64>, triple: [u32; 3]) {
        self.x.push(place.x);
        self.y.push(place.y);
        self.z.push(place.z);
        self.triples.push(triple);
    }

    /// Squared distance of the farthest vertex from the origin.
    pub(super) fn farthest_squared(&self) -> f64 {
        self.farthest_squared
    }

    /// The point on three planes, by Cramer's rule.
    fn intersection(&self, a: u32, b: u32, new: &Plane) -> Vector3<f64> {
        let (p, q) = (&self.planes[a as usize], &self.planes[b as usize]);
        let across = p.normal.cross(&q.normal);
        let numerator =
            across * new.offset + (q.normal * p.offset - p.normal * q.offset).cross(&new.normal);
        numerator / across.dot(&new.normal)
    }

    /// Heights of all vertices above the plane; returns the largest.
    #[inline]
    fn measure_heights(&mut self, normal: &Vector3<f64>, offset: f64) -> f64 {
        let count = self.triples.len();
        self.heights.resize(count, 0.0);
        let (x, y, z) = (&self.x[..count], &self.y[..count], &self.z[..count]);
        let heights = &mut self.heights[..count];
        for k in 0..count {
            heights[k] = x[k] * normal.x + y[k] * normal.y + z[k] * normal.z - offset;
        }
        let mut highest = [f64::NEG_INFINITY; 4];
        let (blocks, rest) = heights.as_chunks::<4>();
        for block in blocks {
            for lane in 0..4 {
                highest[lane] = if block[lane] > highest[lane] {
                    block[lane]
                } else {
                    highest[lane]
                };
            }
        }
        for &height in rest {
            highest[0] = highest[0].max(height);
        }
        highest[0].max(highest[1]).max(highest[2].max(highest[3]))
    }

    /// Cuts away x · normal > offset, `normal` a unit vector, vertices within `tolerance` above
    /// the plane counting as inside.
    pub(super) fn cut(
        &mut self,
        normal: Vector3<f64>,
        offset: f64,
        candidate: u32,
        tolerance: f64,
    ) -> Cut {
        let highest = self.measure_heights(&normal, offset);
        if highest <= tolerance {
            return Cut::Missed;
        }
        let plane = Plane {
            normal,
            offset,
            candidate,
        };
        let mut removed = 0;
        self.boundary.clear();
        for (height, &[a, b, c]) in self.heights.iter().zip(&self.triples) {
            if *height > tolerance {
                removed += 1;
                for (from, to) in [(a, b), (b, c), (c, a)] {
                    // An edge between two removed vertices is seen once from either side.
                    match self.boundary.iter().position(|&edge| edge == (to, from)) {
                        Some(twin) => {
                            self.boundary.swap_remove(twin);
                        }
                        None => self.boundary.push((from, to)),
                    }
                }
            }
        }
        if removed == self.triples.len() {
            self.triples.clear();
            return Cut::Emptied;
        }
        if !close_cycle(&mut self.boundary) {
            return Cut::Inconsistent;
        }
        self.fresh.clear();
        // New vertices lie on edges of the old cell, hence not farther than its vertices.
        let reach = self.farthest_squared * (1.0 + 1e-6) + tolerance * tolerance;
        for &(a, b) in &self.boundary {
            let place = self.intersection(a, b, &plane);
            let squared = place.norm_squared();
            if squared.is_nan() || squared > reach {
                return Cut::Inconsistent;
            }
            self.fresh.push(place);
        }
        for k in (0..self.triples.len()).rev() {
            if self.heights[k] > tolerance {
                self.x.swap_remove(k);
                self.y.swap_remove(k);
                self.z.swap_remove(k);
                self.triples.swap_remove(k);
            }
        }
        let number = self.planes.len() as u32;
        self.planes.push(plane);
        for k in 0..self.boundary.len() {
            let (a, b) = self.boundary[k];
            self.push_vertex(self.fresh[k], [a, b, number]);
        }
        self.farthest_squared = self
            .x
            .iter()
            .zip(&self.y)
            .zip(&self.z)
            .map(|((x, y), z)| x * x + y * y + z * z)
            .fold(
                0.0,
                |far, squared| if squared > far { squared } else { far },
            );
        Cut::Through
    }

    fn vertex(&self, k: u32) -> Vector3<f64> {
        let k = k as usize;
        Vector3::new(self.x[k], self.y[k], self.z[k])
    }

    /// Writes the faces in the order of their planes and returns the volume `[length³]`; `None`
    /// if a wall of the first cube is left.
    ///
    /// Edges up to `edge_threshold` long are not counted, zero counting all.
    pub(super) fn faces(&mut self, edge_threshold: f64, faces: &mut Vec<CellFace>) -> Option<f64> {
        faces.clear();
        let planes = self.planes.len();
        self.ring_starts.clear();
        self.ring_starts.resize(planes + 2, 0);
        for triple in &self.triples {
            for &plane in triple {
                self.ring_starts[plane as usize + 2] += 1;
            }
        }
        for plane in 2..self.ring_starts.len() {
            self.ring_starts[plane] += self.ring_starts[plane - 1];
        }
        self.rings.clear();
        self.rings
            .resize(3 * self.triples.len(), RingEntry::default());
        for (vertex, &[a, b, c]) in self.triples.iter().enumerate() {
            for (plane, next, previous) in [(a, b, c), (b, c, a), (c, a, b)] {
                let place = &mut self.ring_starts[plane as usize + 1];
                self.rings[*place as usize] = RingEntry {
                    next,
                    previous,
                    vertex: vertex as u32,
                };
                *place += 1;
            }
        }
        if self.ring_starts[WALLS] > 0 {
            return None;
        }
        let shortest_squared = edge_threshold * edge_threshold;
        let mut volume = 0.0;
        for number in WALLS..planes {
            let range = self.ring_starts[number] as usize..self.ring_starts[number + 1] as usize;
            if range.is_empty() {
                continue;
            }
            let plane = self.planes[number];
            let ring = &self.rings[range];
            let first = self.vertex(ring[0].vertex);
            let mut twice_area = Vector3::zeros();
            let mut edges = 0;
            for entry in ring {
                // The vertex across the edge that this face shares with `previous`.
                let across = ring.iter().find(|other| other.next == entry.previous)?;
                let (here, there) = (self.vertex(entry.vertex), self.vertex(across.vertex));
                twice_area += (here - first).cross(&(there - first));
                if edge_threshold <= 0.0 || (there - here).norm_squared() > shortest_squared {
                    edges += 1;
                }
            }
            let area = 0.5 * twice_area.dot(&plane.normal).abs();
            volume += area * plane.offset / 3.0;
            faces.push(CellFace {
                candidate: plane.candidate,
                edges,
                area,
            });
        }
        Some(volume)
    }
}

/// Orders directed edges into one closed cycle that visits each node once; false if they form
/// none.
fn close_cycle(edges: &mut [(u32, u32)]) -> bool {
    let count = edges.len();
    if count < 3 {
        return false;
    }
    for k in 1..count {
        let wanted = edges[k - 1].1;
        let Some(step) = edges[k..].iter().position(|edge| edge.0 == wanted) else {
            return false;
        };
        edges.swap(k, k + step);
        // Back at a node visited before: a pinched boundary or several loops.
        if k + 1 < count && edges[..k].iter().any(|edge| edge.0 == edges[k].1) {
            return false;
        }
    }
    edges[count - 1].1 == edges[0].0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_all(cell: &mut ConvexCell, planes: &[(Vector3<f64>, f64)]) -> Vec<Cut> {
        planes
            .iter()
            .enumerate()
            .map(|(k, (normal, offset))| cell.cut(normal.normalize(), *offset, k as u32, 1e-12))
            .collect()
    }

    fn unit_cube() -> Vec<(Vector3<f64>, f64)> {
        let axes = [Vector3::x(), Vector3::y(), Vector3::z()];
        axes.iter()
            .flat_map(|axis| [(*axis, 0.5), (-axis, 0.5)])
            .collect()
    }

    #[test]
    fn a_cube_has_six_squares_and_cutting_a_corner_adds_a_triangle() {
        let mut cell = ConvexCell::default();
        let mut faces = Vec::new();
        cell.reset(10.0);
        assert_eq!(cut_all(&mut cell, &unit_cube()), [Cut::Through; 6]);
        let volume = cell.faces(0.0, &mut faces).unwrap();
        assert!((volume - 1.0).abs() < 1e-15);
        assert!(faces.iter().all(|face| face.edges == 4));
        assert!(faces.iter().all(|face| (face.area - 1.0).abs() < 1e-15));
        // The corner tetrahedron with legs t has volume t³/6.
        let t: f64 = 0.25;
        let offset = (1.5 - t) / 3.0_f64.sqrt();
        assert_eq!(
            cell.cut(Vector3::repeat(1.0).normalize(), offset, 6, 1e-12),
            Cut::Through
        );
        let volume = cell.faces(0.0, &mut faces).unwrap();
        assert!((volume - (1.0 - t.powi(3) / 6.0)).abs() < 1e-15);
        let mut edges: Vec<u32> = faces.iter().map(|face| face.edges).collect();
        edges.sort_unstable();
        assert_eq!(edges, [3, 4, 4, 4, 5, 5, 5]);
        // Three edges of the triangle, t√2 long, are dropped by a threshold just above.
        cell.faces(t * 2.0_f64.sqrt() * 1.001, &mut faces).unwrap();
        assert_eq!(faces.iter().filter(|face| face.edges == 0).count(), 1);
        assert_eq!(faces.iter().filter(|face| face.edges == 4).count(), 6);
    }

    #[test]
    fn planes_that_touch_or_miss_change_nothing_and_one_can_empty_the_cell() {
        let mut cell = ConvexCell::default();
        let mut faces = Vec::new();
        cell.reset(10.0);
        cut_all(&mut cell, &unit_cube());
        let corner = 0.75_f64.sqrt();
        let edge = 0.5_f64.sqrt();
        for (normal, offset) in [
            (Vector3::new(1.0, 1.0, 1.0), corner),
            (Vector3::new(1.0, -1.0, 0.0), edge),
            (Vector3::new(0.0, 0.0, 1.0), 0.5),
            (Vector3::new(0.0, 1.0, 1.0), 2.0),
        ] {
            assert_eq!(cell.cut(normal.normalize(), offset, 9, 1e-12), Cut::Missed);
        }
        assert!((cell.faces(0.0, &mut faces).unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(cell.cut(Vector3::x(), -0.6, 9, 1e-12), Cut::Emptied);
        assert_eq!(cell.faces(0.0, &mut faces), Some(0.0));
        assert!(faces.is_empty());
    }

    #[test]
    fn a_leftover_wall_is_reported() {
        let mut cell = ConvexCell::default();
        cell.reset(1.0);
        assert_eq!(cell.cut(Vector3::x(), 0.5, 0, 1e-12), Cut::Through);
        assert_eq!(cell.faces(0.0, &mut Vec::new()), None);
    }

    #[test]
    fn only_one_simple_cycle_is_accepted() {
        let mut good = [(3, 1), (7, 3), (1, 5), (5, 7)];
        assert!(close_cycle(&mut good));
        assert_eq!(good, [(3, 1), (1, 5), (5, 7), (7, 3)]);
        // Two loops, a pinch, an open path, too short.
        assert!(!close_cycle(&mut [
            (1, 2),
            (2, 3),
            (3, 1),
            (4, 5),
            (5, 6),
            (6, 4)
        ]));
        assert!(!close_cycle(&mut [
            (1, 2),
            (2, 3),
            (3, 1),
            (1, 4),
            (4, 5),
            (5, 1)
        ]));
        assert!(!close_cycle(&mut [(1, 2), (2, 3), (3, 4)]));
        assert!(!close_cycle(&mut [(1, 2), (2, 1)]));
    }
}
