//! Half lists of pairs of clusters: four atoms beside four atoms, all sixteen pairs at once.

mod columns;
mod near;
mod pairs;
mod places;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use metabasin_atoms::{Cell, Species};
use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use crate::deformation::{Frame, ReferenceCell};
use crate::{ListError, Update};

use columns::Columns;
use pairs::{Boxes, Pairs, Search};
use places::{Axes, Follow, Members};

pub use pairs::ClusterRow;
pub use places::{Cluster, MEMBERS};

/// Most images an atom.
const MOST_IMAGES: f64 = 1000.0;

/// Most pairs an atom, once there are more than [`PAIRS_ALWAYS_ALLOWED`] in all.
const MOST_NEIGHBORS: usize = 1000;
const PAIRS_ALWAYS_ALLOWED: usize = 1 << 24;

/// Which coordinates a kernel will read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// [`ClusterList::clusters`] alone.
    FixedPoints,
    /// [`ClusterList::doubles`] as well.
    Doubles,
}

/// A list of all pairs within cutoff + skin, periodic images included, as pairs of clusters of
/// [`MEMBERS`] atoms, every pair once.
///
/// Atoms are sorted into columns along the third lattice vector and along it within a column; four
/// that follow each other are a cluster, whose last places are filled up where a column ends. A
/// pair of clusters is listed if any of its sixteen pairs of atoms is within range. Clusters are
/// cut into [`ClusterList::parts`] that depend on the sample alone, never on threads: each part
/// lists the pairs of its own clusters with those that follow (periodically) along the first
/// lattice vector, so what it adds to others falls into a narrow rim behind its own.
///
/// Like [`VerletList`](crate::VerletList) it follows moving atoms through deforming cells, is
/// rebuilt when the same bound asks for it, and has a wide list from which a short one is drawn by
/// exact distances.
///
/// Coordinates are integers on a grid so fine that 2³⁰ steps span any separation: differences are
/// exact, and the rounding to the grid (half a step an axis) is 6e-8 σ in a box of 30 σ.
#[derive(Clone, Debug)]
pub struct ClusterList {
    cutoff: f64,
    skin: f64,
    inner_skin: f64,
    parallel: bool,
    builds: u64,
    built: Option<Built>,
    columns: Columns,
    members: Members,
    /// Real clusters, then copies of the first ones for parts that reach around the cell.
    clusters: Vec<Cluster>,
    doubles: Vec<Axes>,
    steps_per_length: f64,
    shifts: Vec<Shift>,
    parts: Vec<ClusterPart>,
}

/// The state at the last build, and the moment of the last pruning.
#[derive(Clone, Debug)]
struct Built {
    cell: ReferenceCell,
    pruned: Frame,
}

/// By how much a row's cluster is shifted: a lattice vector.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shift {
    /// In the reduced basis of the build.
    pub periods: [i32; 3],
    /// In steps of the grid.
    pub steps: [i32; 3],
    /// The same `[length]`.
    pub vector: [f64; 3],
}

/// The pairs of some clusters.
#[derive(Clone, Debug, Default)]
pub struct ClusterPart {
    own: Range<usize>,
    /// First and one past the last cluster that pairs name, counted on around the cell.
    window: Range<usize>,
    wide: Pairs,
    pruned: Pairs,
}

impl ClusterPart {
    /// The clusters whose rows these are.
    pub fn own(&self) -> Range<usize> {
        self.own.clone()
    }

    /// All clusters that rows name: indices into [`ClusterList::clusters`].
    pub fn window(&self) -> Range<usize> {
        self.window.clone()
    }

    /// Each row and the clusters beside it. Where a cluster stands beside itself, it is the first
    /// of an unshifted row.
    pub fn rows(&self) -> impl Iterator<Item = (ClusterRow, &[u32])> {
        self.pruned.rows()
    }
}

impl ClusterList {
    /// An empty list that will hold all pairs closer than `cutoff` + `skin` `[length]`, and a short
    /// one of those closer than `cutoff` + `inner_skin`.
    ///
    /// # Panics
    /// If `cutoff` or `inner_skin` is not positive and finite, or `skin` is negative or not finite.
    pub fn new(cutoff: f64, skin: f64, inner_skin: f64) -> Self {
        assert!(
            cutoff > 0.0 && cutoff.is_finite() && skin >= 0.0 && skin.is_finite(),
            "cutoff {cutoff} must be positive and skin {skin} not negative, both finite"
        );
        assert!(
            inner_skin > 0.0 && inner_skin.is_finite(),
            "inner skin {inner_skin} must be positive and finite"
        );
        Self {
            cutoff,
            skin,
            inner_skin: inner_skin.min(skin),
            parallel: false,
            builds: 0,
            built: None,
            columns: Columns::default(),
            members: Members::default(),
            clusters: Vec::new(),
            doubles: Vec::new(),
            steps_per_length: 0.0,
            shifts: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Whether updates use rayon; the list is the same, bit by bit.
    pub fn set_parallel(&mut self, parallel: bool) {
        self.parallel = parallel;
    }

    /// How often the list was built.
    pub fn builds(&self) -> u64 {
        self.builds
    }

    /// Forgets the list: the next update builds it from the present positions alone.
    pub fn invalidate(&mut self) {
        self.built = None;
    }

    /// Makes the list complete for `positions` in `cell`: follows it where it still holds every
    /// pair within the cutoff, prunes or builds it anew where not.
    ///
    /// # Errors
    /// [`ListError`] where positions or cell do not allow a list; the list is then empty.
    ///
    /// # Panics
    /// If `positions` and `species` differ in length.
    pub fn update(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        coordinates: Coordinates,
    ) -> Result<Update, ListError> {
        assert_eq!(positions.len(), species.len(), "one species an atom");
        let wanted = (positions, species, coordinates);
        if let Some((basis, update)) = self.still_complete(cell, wanted) {
            if update == Update::Pruned {
                self.prune(&basis, positions);
            }
            return Ok(update);
        }
        if let Err(error) = self.build(cell, wanted) {
            *self = Self {
                builds: self.builds,
                parallel: self.parallel,
                ..Self::new(
                    self.cutoff,
                    self.skin,
                    self.inner_skin.max(f64::MIN_POSITIVE),
                )
            };
            return Err(error);
        }
        Ok(Update::Rebuilt)
    }

    /// The present reduced basis where the list still holds every pair within the cutoff, and
    /// whether its rows must be pruned anew. Writes the coordinates.
    fn still_complete(
        &mut self,
        cell: &Cell,
        wanted: (&[Vector3<f64>], &[Species], Coordinates),
    ) -> Option<(Matrix3<f64>, Update)> {
        let built = self.built.as_ref()?;
        let positions = wanted.0;
        if self.columns.slots.len() != positions.len() {
            return None;
        }
        let basis = built.cell.present_basis(cell)?;
        let since_pruning = built.pruned.deformation(&basis);
        let since_build = built.cell.frame().deformation(&basis);
        let motion = self.follow(&basis, since_pruning, wanted);
        let kept = self.cutoff + self.inner_skin;
        if motion.is_some_and(|motion| motion.leaves_within(kept, self.cutoff)) {
            return Some((basis, Update::Kept));
        }
        let motion = self.members.motion(since_build?, positions, self.parallel);
        motion
            .leaves_within(self.cutoff + self.skin, kept)
            .then_some((basis, Update::Pruned))
    }

    /// Writes the coordinates of all clusters, and returns how far atoms have moved beyond a
    /// deformation since the last pruning.
    fn follow(
        &mut self,
        basis: &Matrix3<f64>,
        deformation: Option<(Matrix3<f64>, f64)>,
        (positions, species, coordinates): (&[Vector3<f64>], &[Species], Coordinates),
    ) -> Option<crate::deformation::Motion> {
        self.place_shifts(basis);
        let follow = Follow {
            basis,
            deformation: deformation.map_or_else(Matrix3::identity, |(matrix, _)| matrix),
            center: basis * Vector3::repeat(0.5),
            steps_per_length: self.steps_per_length,
            positions,
            species,
            parallel: self.parallel,
        };
        let real = self.members.len();
        let reach = self.clusters.len() - real;
        let doubles = match coordinates {
            Coordinates::FixedPoints => &mut [],
            Coordinates::Doubles => {
                self.doubles.resize(real + reach, Axes::default());
                &mut self.doubles[..real]
            }
        };
        let largest = self
            .members
            .follow(&follow, &mut self.clusters[..real], doubles);
        self.clusters.copy_within(..reach, real);
        if coordinates == Coordinates::Doubles {
            self.doubles.copy_within(..reach, real);
        }
        deformation.map(|(_, smallest_stretch)| largest.motion(smallest_stretch))
    }

    /// The grid and the lattice vectors of rows in the present basis.
    fn place_shifts(&mut self, basis: &Matrix3<f64>) {
        let mut span = 0.0_f64;
        for axis in 0..3 {
            let cell: f64 = basis.row(axis).iter().map(|element| element.abs()).sum();
            let mut farthest = 0.0_f64;
            for shift in &mut self.shifts {
                let vector = basis * Vector3::from(shift.periods.map(f64::from));
                shift.vector[axis] = vector[axis];
                farthest = farthest.max(vector[axis].abs());
            }
            span = span.max(cell + farthest);
        }
        // Atoms leave the cell by less than the skin before the next build.
        span = (span + 2.0 * self.skin).max(2.0 * (self.cutoff + self.skin));
        self.steps_per_length = (places::STEPS / span).log2().floor().exp2();
        for shift in &mut self.shifts {
            shift.steps = shift
                .vector
                .map(|along| (along * self.steps_per_length).round() as i32);
        }
    }

    /// Draws the short list from the wide one at the present positions.
    fn prune(&mut self, basis: &Matrix3<f64>, positions: &[Vector3<f64>]) {
        let limit = squared_steps(self.cutoff + self.inner_skin, self.steps_per_length);
        let (clusters, shifts) = (&self.clusters, &self.shifts);
        over_parts(&mut self.parts, self.parallel, |part| {
            part.pruned.draw(&part.wide, clusters, shifts, limit);
        });
        self.members.take_pruned(positions);
        if let Some(built) = &mut self.built {
            built.pruned = Frame::new(basis);
        }
    }

    fn build(
        &mut self,
        cell: &Cell,
        wanted: (&[Vector3<f64>], &[Species], Coordinates),
    ) -> Result<(), ListError> {
        let positions = wanted.0;
        let range = self.cutoff + self.skin;
        let reference = ReferenceCell::new(cell, range)?;
        let widths = reference.widths();
        let copies: f64 = widths
            .iter()
            .map(|width| 1.0 + 2.0 * range / width)
            .product();
        if copies.is_nan() || copies >= MOST_IMAGES {
            return Err(ListError::CellTooSmall { range });
        }
        // A hair more than the range covers the rounding of fractional coordinates.
        let margin = widths.map(|width| range / width * (1.0 + 1e-9) + 1e-9);
        self.columns = Columns::sort(&reference, positions)?;
        self.members.assign(&self.columns, positions);
        let reach = margin.map(|margin| margin.ceil() as i32);
        self.shifts.clear();
        for z in -reach[2]..=reach[2] {
            for y in -reach[1]..=reach[1] {
                for x in -reach[0]..=reach[0] {
                    self.shifts.push(Shift {
                        periods: [x, y, z],
                        ..Shift::default()
                    });
                }
            }
        }
        let layout = self.columns.layout(margin[0]);
        let real = self.members.len();
        self.clusters.clear();
        self.clusters
            .resize(real + layout.reach, Cluster::default());
        let basis = *reference.basis();
        self.follow(&basis, Some((Matrix3::identity(), 1.0)), wanted);
        let most = (MOST_NEIGHBORS * positions.len()).max(PAIRS_ALWAYS_ALLOWED);
        let listed = AtomicUsize::new(0);
        let boxes = Boxes::around(&self.clusters[..real]);
        let columns = self.columns.first.windows(2);
        let column_boxes = columns
            .map(|ends| boxes.column(ends[0] as usize..ends[1] as usize))
            .collect();
        let search = Search {
            columns: &self.columns,
            clusters: &self.clusters,
            boxes,
            column_boxes,
            shifts: &self.shifts,
            margin,
            limit: squared_steps(range, self.steps_per_length),
            around: layout.parts.len() > 1,
        };
        self.parts
            .resize_with(layout.parts.len(), ClusterPart::default);
        for (part, own) in self.parts.iter_mut().zip(layout.parts) {
            part.own = own;
        }
        over_parts(&mut self.parts, self.parallel, |part| {
            let last = part.wide.find(&search, part.own.clone(), &|more| {
                // Each stands for as many pairs as a full list would hold twice, at the most.
                let pairs = MEMBERS * MEMBERS * more;
                // The sum of all rows decides, so every run comes to the same verdict.
                listed.fetch_add(pairs, Ordering::Relaxed) + pairs <= most
            });
            part.window = if search.around {
                part.own.start..last.max(part.own.end)
            } else {
                0..real
            };
        });
        if listed.into_inner() > most {
            return Err(ListError::Crowded { pairs: most });
        }
        self.builds += 1;
        self.built = Some(Built {
            pruned: reference.frame().clone(),
            cell: reference,
        });
        self.prune(&basis, positions);
        Ok(())
    }

    /// All clusters, then copies of the first ones where parts reach around the cell. Members that
    /// only fill up a cluster have a negative species and stand farther from all atoms than any
    /// cutoff.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// x, y and z of the members of [`ClusterList::clusters`], counted from the middle of the cell,
    /// after an update that asked for [`Coordinates::Doubles`] `[length]`.
    pub fn doubles(&self) -> &[[[f64; MEMBERS]; 3]] {
        &self.doubles
    }

    /// Number of clusters, copies not counted.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no clusters.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parts that sums are cut into.
    pub fn parts(&self) -> &[ClusterPart] {
        &self.parts
    }

    /// The lattice vectors that rows name.
    pub fn shifts(&self) -> &[Shift] {
        &self.shifts
    }

    /// The one of them that is zero.
    pub fn unshifted(&self) -> u32 {
        // Lattice vectors run from one corner to the opposite one.
        (self.shifts.len() / 2) as u32
    }

    /// Place of each atom: cluster times [`MEMBERS`] plus member.
    pub fn slots(&self) -> &[u32] {
        &self.columns.slots
    }

    /// Steps of the grid a unit of length, a power of two `[1 / length]`.
    pub fn steps_per_length(&self) -> f64 {
        self.steps_per_length
    }
}

/// The square of a range in steps, a little more than the range: distances are rounded to single
/// precision and coordinates to the grid.
fn squared_steps(range: f64, steps_per_length: f64) -> f32 {
    let steps = (range * (1.0 + 1e-5) * steps_per_length) as f32;
    steps * steps
}

fn over_parts(
    parts: &mut [ClusterPart],
    parallel: bool,
    task: impl Fn(&mut ClusterPart) + Sync + Send,
) {
    if parallel && parts.len() > 1 {
        parts.par_iter_mut().for_each(task);
    } else {
        parts.iter_mut().for_each(task);
    }
}
