//! Who feels an event at once: the sites within a radius of it on a periodic cube.

use std::ops::Range;

/// Coordinates of a site.
pub(crate) type Place = [u16; 3];

/// Coordinates of a site by its index, x fastest.
pub(crate) fn place(site: usize, edge: usize) -> Place {
    [1, edge, edge * edge].map(|step| (site / step % edge) as u16)
}

/// A ball of sites around any source, nearest images counted.
#[derive(Clone, Debug)]
pub(crate) struct Neighborhood {
    edge: usize,
    radius_squared: usize,
    rows: Vec<NearRow>,
}

/// The sites of the ball in one row of x.
#[derive(Clone, Copy, Debug)]
struct NearRow {
    /// Steps from the source's row to this one, modulo the edge.
    y: usize,
    z: usize,
    /// Sites to either side of the source.
    reach: usize,
}

/// A stretch of one row within the ball.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// The row, y + edge·z.
    pub(crate) row: usize,
    /// Its sites.
    pub(crate) sites: Range<usize>,
    /// Index of the displacement from the source to the first of them; the others follow.
    pub(crate) displacement: usize,
}

/// Steps to the nearest image.
fn nearest(steps: usize, edge: usize) -> usize {
    steps.min(edge - steps)
}

impl Neighborhood {
    /// The ball of squared radius `radius_squared`, in sites.
    pub(crate) fn new(edge: usize, radius_squared: usize) -> Self {
        let mut rows = Vec::new();
        for z in 0..edge {
            for y in 0..edge {
                let across = nearest(y, edge).pow(2) + nearest(z, edge).pow(2);
                if across <= radius_squared {
                    let reach = (radius_squared - across).isqrt();
                    rows.push(NearRow { y, z, reach });
                }
            }
        }
        Self {
            edge,
            radius_squared,
            rows,
        }
    }

    /// Whether the ball holds every site.
    pub(crate) fn is_whole(&self) -> bool {
        self.radius_squared >= 3 * (self.edge / 2).pow(2)
    }

    /// Whether a displacement, by its index, lies in the ball.
    pub(crate) fn holds(&self, displacement: usize) -> bool {
        let edge = self.edge;
        let steps = [1, edge, edge * edge].map(|step| displacement / step % edge);
        self.holds_steps(steps)
    }

    fn holds_steps(&self, steps: [usize; 3]) -> bool {
        let [x, y, z] = steps.map(|steps| nearest(steps, self.edge));
        x * x + y * y + z * z <= self.radius_squared
    }

    /// Index of the displacement from one place to another, `None` within the ball.
    pub(crate) fn far(&self, from: Place, to: Place) -> Option<usize> {
        let steps: [usize; 3] = std::array::from_fn(|axis| {
            let (a, b) = (usize::from(from[axis]), usize::from(to[axis]));
            if b >= a { b - a } else { b + self.edge - a }
        });
        let [x, y, z] = steps;
        (!self.holds_steps(steps)).then_some((z * self.edge + y) * self.edge + x)
    }

    /// The ball around `source`, in stretches of ascending displacement and site; those of one row
    /// follow each other.
    pub(crate) fn stretches(&self, source: usize, mut visit: impl FnMut(Stretch)) {
        let edge = self.edge;
        let (x, y, z) = (source % edge, source / edge % edge, source / (edge * edge));
        for near in &self.rows {
            let row = (z + near.z) % edge * edge + (y + near.y) % edge;
            let base = (near.z * edge + near.y) * edge;
            // From the source on, and from the source's own nearest image on its left.
            let right = near.reach.min(edge - 1);
            let left = near.reach.min(edge - 1 - right);
            let mut piece = |first: usize, displacement: usize, count: usize| {
                let in_row = count.min(edge - first);
                for (first, displacement, count) in [
                    (first, displacement, in_row),
                    (0, displacement + in_row, count - in_row),
                ] {
                    if count > 0 {
                        visit(Stretch {
                            row,
                            sites: row * edge + first..row * edge + first + count,
                            displacement: base + displacement,
                        });
                    }
                }
            };
            piece(x, 0, right + 1);
            piece((x + edge - left) % edge, edge - left, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_visit_every_site_of_the_ball_once_with_its_displacement() {
        for edge in [2, 3, 6, 7, 10] {
            for radius_squared in [0, 1, 5, 9, 14, 30, 1000] {
                let ball = Neighborhood::new(edge, radius_squared);
                let sites = edge * edge * edge;
                for source in [0, 1, sites / 2, sites - 1] {
                    let mut seen = vec![None; sites];
                    ball.stretches(source, |stretch| {
                        for (k, site) in stretch.sites.enumerate() {
                            assert_eq!(site / edge, stretch.row);
                            let first = seen[site].replace(stretch.displacement + k);
                            assert_eq!(first, None, "{edge} {radius_squared} {site}");
                        }
                    });
                    for (site, seen) in seen.into_iter().enumerate() {
                        let (from, to) = (place(source, edge), place(site, edge));
                        let mut distance = 0;
                        let mut displacement = 0;
                        for axis in [2, 1, 0] {
                            let straight = to[axis] as isize - from[axis] as isize;
                            let wrapped = straight.rem_euclid(edge as isize) as usize;
                            displacement = displacement * edge + wrapped;
                            distance += wrapped.min(edge - wrapped).pow(2);
                        }
                        let near = distance <= radius_squared;
                        assert_eq!(ball.holds(displacement), near);
                        let far = ball.far(from, to);
                        assert_eq!(far, (!near).then_some(displacement));
                        assert_eq!(seen, near.then_some(displacement));
                    }
                }
                let whole = (0..sites).all(|displacement| ball.holds(displacement));
                assert_eq!(ball.is_whole(), whole, "{edge} {radius_squared}");
            }
        }
    }
}
