//! Coordinates as integers: differences of close atoms are exact, however large the cell.

/// A place on a grid so fine that 2³⁰ steps span all images, and the atom's species.
///
/// The difference of two places is an exact integer, so that its rounding to a single-precision
/// number costs a relative 6e-8 of the separation, not of the coordinates. What is lost is the
/// rounding to the grid: at most √3/2 steps, 1e-7 σ in a box of 30 σ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(16))]
pub(super) struct FixedPoint {
    /// Steps of the grid from its corner along x.
    pub x: i32,
    /// Along y.
    pub y: i32,
    /// Along z.
    pub z: i32,
    /// Species, counted from 0.
    pub species: f32,
}

/// All images of a list as [`FixedPoint`]s, then one point farther from all than any cutoff.
#[derive(Clone, Debug, Default)]
pub(super) struct FixedPoints {
    pub(super) points: Vec<FixedPoint>,
    pub(super) steps_per_length: f64,
}

impl FixedPoints {
    /// In the order of the list's images; the last one pads blocks.
    pub fn points(&self) -> &[FixedPoint] {
        &self.points
    }

    /// The square of a range in steps, a little more than the range: distances are rounded to
    /// single precision and coordinates to the grid.
    pub(super) fn squared_steps(&self, range: f64) -> f32 {
        let steps = (range * (1.0 + 1e-5) * self.steps_per_length) as f32;
        steps * steps
    }

    pub(super) fn clear(&mut self) {
        self.points.clear();
    }
}

/// Where the grid begins and how fine it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct FixedGrid {
    pub corner: [f64; 3],
    pub steps_per_length: f64,
}

/// Places lie between 0 and this.
const STEPS: f64 = (1_u32 << 30) as f64;

/// The point that pads blocks: 2³⁰ steps and more from every place, and no difference overflows.
pub(super) const FAR_AWAY: FixedPoint = FixedPoint {
    x: i32::MAX,
    y: i32::MAX,
    z: i32::MAX,
    species: 0.0,
};

impl FixedGrid {
    /// The finest grid, with a power of two of steps a length, that covers a box.
    pub fn around(extent: &[[f64; 2]; 3]) -> Self {
        let longest = extent
            .iter()
            .map(|[low, high]| high - low)
            .fold(0.0, f64::max);
        Self {
            corner: extent.map(|[low, _]| low),
            steps_per_length: (STEPS / longest).log2().floor().exp2(),
        }
    }

    /// The place of a point; the cast saturates, so nothing leaves the range of integers.
    pub fn place(&self, point: &[f64; 4]) -> FixedPoint {
        let along = |k: usize| ((point[k] - self.corner[k]) * self.steps_per_length) as i32;
        FixedPoint {
            x: along(0),
            y: along(1),
            z: along(2),
            species: point[3] as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separations_are_exact_to_half_a_step_an_axis() {
        let grid = FixedGrid::around(&[[-20.0, 15.0], [-3.0, 30.0], [0.0, 4.0]]);
        assert_eq!(grid.steps_per_length, f64::from(1 << 24));
        let points = [
            [-19.9, 29.7, 0.1, 1.0],
            [14.3, -2.9, 3.9, 0.0],
            [1.0, 2.0, 3.0, 0.0],
        ];
        let places = points.map(|point| grid.place(&point));
        for (a, p) in points.iter().zip(&places) {
            for (b, q) in points.iter().zip(&places) {
                let x = f64::from(p.x - q.x) / grid.steps_per_length;
                let y = f64::from(p.y - q.y) / grid.steps_per_length;
                let error = f64::hypot(x - (a[0] - b[0]), y - (a[1] - b[1]));
                assert!(error <= 1.5 / grid.steps_per_length, "{error}");
            }
            assert!(FAR_AWAY.x - p.x >= 1 << 30);
        }
        assert_eq!(places[0].species, 1.0);
    }
}
