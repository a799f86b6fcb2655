//! The radical Voronoi tessellation of a periodic sample.

mod convex_cell;

use metabasin_atoms::Configuration;
use rayon::prelude::*;

use crate::grid::{Candidate, Grid, spacing};
use crate::{Radii, StructureError, Thresholds, VoronoiIndex};
use convex_cell::{CellFace, ConvexCell, Cut};

/// One face of an atom's cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Index of the atom behind it (the atom itself where a small cell makes it its own neighbor).
    pub neighbor: u32,
    /// Lattice shift n of the neighbor's image: positions\[j\] + h n, seen from positions\[i\].
    pub shift: [i32; 3],
    /// Number of its edges that count.
    pub edges: u32,
    /// Area `[length²]`.
    pub area: f64,
    /// Whether the face passes the thresholds.
    pub counts: bool,
}

/// The cells of all atoms.
#[derive(Clone, Debug, PartialEq)]
pub struct Tessellation {
    starts: Vec<usize>,
    faces: Vec<Face>,
    volumes: Vec<f64>,
    edge_threshold: f64,
}

impl Tessellation {
    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.volumes.len()
    }

    /// Whether there are no atoms.
    pub fn is_empty(&self) -> bool {
        self.volumes.is_empty()
    }

    /// All faces of atom `i`, sorted by neighbor and shift; those under a threshold have `counts`
    /// false.
    pub fn faces(&self, i: usize) -> &[Face] {
        &self.faces[self.range(i)]
    }

    /// Where the faces of atom `i` stand among those of all atoms.
    pub(crate) fn range(&self, i: usize) -> std::ops::Range<usize> {
        self.starts[i]..self.starts[i + 1]
    }

    /// The faces of atom `i` that count.
    pub fn counted_faces(&self, i: usize) -> impl Iterator<Item = &Face> {
        self.faces(i).iter().filter(|face| face.counts)
    }

    /// Volume of the cell of atom `i` `[length³]`; zero where its neighbors hide it.
    pub fn volume(&self, i: usize) -> f64 {
        self.volumes[i]
    }

    /// Volumes of all cells `[length³]`.
    pub fn volumes(&self) -> &[f64] {
        &self.volumes
    }

    /// Sum of all volumes: the volume of the periodic cell but for rounding `[length³]`.
    pub fn volume_sum(&self) -> f64 {
        self.volumes.iter().sum()
    }

    /// The length above which an edge counts `[length]`.
    pub fn edge_threshold(&self) -> f64 {
        self.edge_threshold
    }

    /// Number of counted faces of atom `i`.
    pub fn coordination(&self, i: usize) -> usize {
        self.counted_faces(i).count()
    }

    /// Mean number of counted faces.
    pub fn coordination_mean(&self) -> f64 {
        let total: usize = (0..self.len()).map(|i| self.coordination(i)).sum();
        total as f64 / self.len() as f64
    }

    /// The face of atom `i` as the atom behind it sees it; `None` where rounding gave a face of no
    /// area to one side only.
    pub fn mirrored(&self, i: usize, face: &Face) -> Option<&Face> {
        let key = (i as u32, face.shift.map(|n| -n));
        let there = self.faces(face.neighbor as usize);
        there
            .binary_search_by_key(&key, |other| (other.neighbor, other.shift))
            .ok()
            .map(|place| &there[place])
    }

    /// Lets no face count that has too few counted edges from one of its sides.
    ///
    /// The two sides are two computations: an edge within rounding of the threshold may count for
    /// one and not for the other, and a face of no area may exist for one alone.
    fn count_from_both_sides(&mut self) {
        let mut one_sided = Vec::with_capacity(self.faces.len());
        for i in 0..self.len() {
            one_sided.extend(self.faces(i).iter().map(|face| {
                self.mirrored(i, face)
                    .is_none_or(|other| other.edges < LEAST_EDGES)
            }));
        }
        for (face, one_sided) in self.faces.iter_mut().zip(one_sided) {
            face.counts &= !one_sided;
        }
    }

    /// Voronoi index of atom `i`.
    pub fn index(&self, i: usize) -> VoronoiIndex {
        VoronoiIndex::from_edges(self.counted_faces(i).map(|face| face.edges))
    }

    /// Whether atom `i` has the index <0,0,12,0>.
    pub fn is_icosahedral(&self, i: usize) -> bool {
        let mut faces = 0;
        self.counted_faces(i).all(|face| {
            faces += 1;
            face.edges == 5
        }) && faces == 12
    }

    /// How often each Voronoi index occurs, the most frequent first, equals in the order of the
    /// index.
    pub fn histogram(&self) -> Vec<(VoronoiIndex, usize)> {
        let mut all: Vec<VoronoiIndex> = (0..self.len()).map(|i| self.index(i)).collect();
        all.sort_unstable();
        let mut histogram: Vec<(VoronoiIndex, usize)> = Vec::new();
        for index in all {
            match histogram.last_mut() {
                Some((last, count)) if *last == index => *count += 1,
                _ => histogram.push((index, 1)),
            }
        }
        histogram.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        histogram
    }
}

/// Edges of a face.
const LEAST_EDGES: u32 = 3;
/// First search radius in units of the mean spacing: most cells are settled by it.
const FIRST_REACH: f64 = 1.75;
/// Side of the boxes of the candidate grid in units of the mean spacing.
const BOX_SIDE: f64 = 1.25;
/// Vertices within this of a plane, in units of the mean spacing, lie on it.
const TOLERANCE: f64 = 1e-11;
/// Atoms that one task works on.
const ATOMS_A_TASK: usize = 256;
/// So often the reach around an atom is widened at most, by up to a half each time.
const REACHES: usize = 200;

/// The radical Voronoi tessellation of a configuration.
///
/// Works for any tilt and for cells so small that an atom neighbors its own images. The result
/// does not depend on the number of threads. In perfect crystals, where more than three faces
/// meet in a point, edges of no length do not count unless [`Thresholds::edge`] is zero, and a face
/// with fewer than three others is no face.
///
/// # Errors
/// [`StructureError`] for a broken configuration, bad or missing radii, bad thresholds, or atoms
/// on top of each other.
pub fn tessellate(
    configuration: &Configuration,
    radii: &Radii,
    thresholds: &Thresholds,
) -> Result<Tessellation, StructureError> {
    configuration.validate()?;
    radii.check()?;
    thresholds.check()?;
    let count = configuration.len();
    if u32::try_from(count).is_err() {
        return Err(StructureError::TooManyAtoms(count));
    }
    let mut radius_squared = Vec::with_capacity(count);
    for i in 0..count {
        let radius = radii.of_atom(configuration, i)?;
        radius_squared.push(radius * radius);
    }
    let largest = radius_squared.iter().copied().fold(0.0, f64::max);
    let spacing = spacing(&configuration.cell, count);
    let grid = Grid::new(
        &configuration.cell,
        &configuration.positions,
        &radius_squared,
        BOX_SIDE * spacing,
    );
    let extent = grid.confinement();
    let worker = Worker {
        configuration,
        grid: &grid,
        thresholds,
        edge_threshold: thresholds.edge_length(spacing),
        largest_radius_squared: largest,
        first_reach: FIRST_REACH * spacing,
        wall: extent,
        // Coordinates are rounded on the scale of the whole cell.
        tolerance: (TOLERANCE * spacing).max(64.0 * f64::EPSILON * extent),
    };
    let parts: Vec<Result<Part, StructureError>> = (0..count.div_ceil(ATOMS_A_TASK))
        .into_par_iter()
        .map_init(Scratch::default, |scratch, task| {
            let first = task * ATOMS_A_TASK;
            worker.part(first..count.min(first + ATOMS_A_TASK), scratch)
        })
        .collect();
    let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut tessellation = assemble(&grid, &parts, count, worker.edge_threshold);
    if worker.edge_threshold > 0.0 {
        tessellation.count_from_both_sides();
    }
    Ok(tessellation)
}

/// The cells of consecutive slots of the grid.
#[derive(Default)]
struct Part {
    faces: Vec<Face>,
    ends: Vec<usize>,
    volumes: Vec<f64>,
}

/// Puts the cells into the order of the atoms.
fn assemble(grid: &Grid, parts: &[Part], count: usize, edge_threshold: f64) -> Tessellation {
    let mut lengths = vec![0; count + 1];
    let mut volumes = vec![0.0; count];
    let mut sources: Vec<&[Face]> = vec![&[]; count];
    let mut slot = 0;
    for part in parts {
        let mut begin = 0;
        for (&end, &volume) in part.ends.iter().zip(&part.volumes) {
            let atom = grid.atom(slot) as usize;
            volumes[atom] = volume;
            lengths[atom + 1] = end - begin;
            sources[atom] = &part.faces[begin..end];
            begin = end;
            slot += 1;
        }
    }
    for atom in 0..count {
        lengths[atom + 1] += lengths[atom];
    }
    Tessellation {
        starts: lengths,
        faces: sources.concat(),
        volumes,
        edge_threshold,
    }
}

/// What one thread reuses from atom to atom.
#[derive(Default)]
struct Scratch {
    cell: ConvexCell,
    candidates: Vec<Candidate>,
    order: Vec<(f64, u32)>,
    faces: Vec<CellFace>,
}

/// What all threads share.
struct Worker<'a> {
    configuration: &'a Configuration,
    grid: &'a Grid,
    thresholds: &'a Thresholds,
    edge_threshold: f64,
    largest_radius_squared: f64,
    first_reach: f64,
    wall: f64,
    tolerance: f64,
}

impl Worker<'_> {
    fn part(
        &self,
        slots: std::ops::Range<usize>,
        scratch: &mut Scratch,
    ) -> Result<Part, StructureError> {
        let mut part = Part::default();
        for slot in slots {
            self.carve(slot, scratch)?;
            let volume = scratch
                .cell
                .faces(self.edge_threshold, &mut scratch.faces)
                .ok_or_else(|| self.degenerate(slot))?;
            self.keep(slot, scratch, &mut part.faces);
            part.ends.push(part.faces.len());
            part.volumes.push(volume);
        }
        Ok(part)
    }

    fn id(&self, slot: usize) -> u64 {
        self.configuration.ids[self.grid.atom(slot) as usize]
    }

    fn coincident(&self, slot: usize, other: &Candidate) -> StructureError {
        let ids = [self.id(slot), self.id(other.slot as usize)];
        StructureError::Coincident {
            first: ids[0].min(ids[1]),
            second: ids[0].max(ids[1]),
            distance: other.distance,
        }
    }

    fn degenerate(&self, slot: usize) -> StructureError {
        StructureError::Degenerate { id: self.id(slot) }
    }

    /// Cuts the cell of the atom at `slot` out of the first cube.
    fn carve(&self, slot: usize, scratch: &mut Scratch) -> Result<(), StructureError> {
        let Scratch {
            cell,
            candidates,
            order,
            ..
        } = scratch;
        cell.reset(self.wall);
        candidates.clear();
        let excess = self.largest_radius_squared - self.grid.radius_squared(slot);
        let (mut inner, mut outer) = (-1.0, self.first_reach);
        for _ in 0..REACHES {
            let known = candidates.len();
            self.grid.gather(slot, inner, outer, candidates);
            // No plane lies between atoms on one place, wherever that would put it in the order.
            if let Some(other) = candidates[known..]
                .iter()
                .find(|candidate| candidate.distance <= self.tolerance)
            {
                return Err(self.coincident(slot, other));
            }
            order.clear();
            order.extend(
                candidates[known..]
                    .iter()
                    .enumerate()
                    .map(|(k, candidate)| (candidate.offset, (known + k) as u32)),
            );
            order.sort_unstable_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)));
            for &(offset, number) in order.iter() {
                // The cell lies within its farthest vertex, and so does every plane that cuts it.
                if offset > 0.0 && offset * offset >= cell.farthest_squared() {
                    break;
                }
                let candidate = &candidates[number as usize];
                let normal = candidate.difference / candidate.distance;
                match self.cut(cell, normal, offset, number) {
                    Cut::Emptied => return Ok(()),
                    Cut::Inconsistent => return Err(self.degenerate(slot)),
                    Cut::Missed | Cut::Through => {}
                }
            }
            // A plane at distance h ≥ (d² + r_i² − r_max²)/2d beyond the farthest vertex R cannot
            // cut: all d above R + √(R² + r_max² − r_i²) are done with.
            let far = cell.farthest_squared();
            let needed = far.sqrt() + (far + excess).sqrt();
            if outer >= needed {
                return Ok(());
            }
            inner = outer;
            outer = needed.min(1.5 * outer);
        }
        // A cell whose vertices are no numbers.
        Err(self.degenerate(slot))
    }

    /// One cut; where the tolerance itself splits a cluster of coincident vertices, a larger one
    /// takes the cluster whole.
    fn cut(
        &self,
        cell: &mut ConvexCell,
        normal: nalgebra::Vector3<f64>,
        offset: f64,
        number: u32,
    ) -> Cut {
        for factor in [1.0, 8.0, 64.0, 512.0] {
            let cut = cell.cut(normal, offset, number, factor * self.tolerance);
            if cut != Cut::Inconsistent {
                return cut;
            }
        }
        Cut::Inconsistent
    }

    /// Appends the faces of a finished cell in the order of neighbor and shift.
    fn keep(&self, slot: usize, scratch: &Scratch, faces: &mut Vec<Face>) {
        let surface: f64 = scratch.faces.iter().map(|face| face.area).sum();
        let smallest = self
            .thresholds
            .absolute_face
            .max(self.thresholds.relative_face * surface);
        let begin = faces.len();
        faces.extend(scratch.faces.iter().map(|face| {
            let candidate = &scratch.candidates[face.candidate as usize];
            Face {
                neighbor: self.grid.atom(candidate.slot as usize),
                shift: self.grid.shift_in_input(slot, candidate),
                edges: face.edges,
                area: face.area,
                counts: face.edges >= LEAST_EDGES && (smallest <= 0.0 || face.area > smallest),
            }
        }));
        faces[begin..].sort_unstable_by_key(|face| (face.neighbor, face.shift));
    }
}
