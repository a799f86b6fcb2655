//! Displacements from a reference whose cell had another shape: `analyze --reference`.

use std::collections::{BTreeMap, BTreeSet};

use metabasin_atoms::{Cell, Configuration};
use nalgebra::Vector3;
use serde::Serialize;

use crate::PipelineError;
use crate::cell_mapping::{AffineStrain, basis_near};

/// Displacements from a reference structure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Displacements {
    /// Mean square of the non-affine displacement.
    pub mean_square: f64,
    /// Largest non-affine displacement of an atom.
    pub largest: f64,
    /// Id of that atom.
    pub largest_id: u64,
    /// Participation number (Σu²)²/Σu⁴.
    pub participation: f64,
    /// The strain from the reference to the structure that was taken away.
    pub strain: AffineStrain,
    /// Another strain between the same two cells, where it leaves a mean square displacement less
    /// than twice as large: then it is not sure which of them happened.
    pub second_best: Option<OtherStrain>,
}

/// A strain that was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OtherStrain {
    /// The strain.
    pub strain: AffineStrain,
    /// Mean square of the displacement that it leaves.
    pub mean_square: f64,
}

impl Displacements {
    /// What to tell the user where two strains explain the two structures about equally well.
    pub fn doubt(&self) -> Option<String> {
        self.second_best.map(|other| {
            format!(
                "the strain from the reference may be {} (mean square displacement {:.4}, taken) or \
                 {} ({:.4}): compare with a reference that is closer in strain",
                self.strain, self.mean_square, other.strain, other.mean_square
            )
        })
    }
}

/// A second strain is told of where its mean square displacement is below this times the least.
const DOUBTFUL: f64 = 2.0;
/// Whole lattice vectors tried on all three tilts at once, either way.
const ALL_TILTS: i32 = 2;
/// Whole lattice vectors tried on one tilt alone, either way.
const ONE_TILT: i32 = 10;

/// Sums over the atoms of one map.
#[derive(Clone, Copy)]
struct Sums {
    cell: Cell,
    strain: AffineStrain,
    squares: f64,
    fourths: f64,
    largest: f64,
    largest_id: u64,
}

/// The motion of every atom, in the order of the structure.
pub(crate) struct Moves {
    /// Its number in the reference.
    pub(crate) earlier: Vec<usize>,
    /// Where it was in the reference.
    pub(crate) before: Vec<Vector3<f64>>,
    /// Where the strain alone takes it.
    pub(crate) places: Vec<Vector3<f64>>,
    /// From there to where it is, by the shortest vector.
    pub(crate) nonaffine: Vec<Vector3<f64>>,
}

/// Non-affine displacements of `now` from `reference`: the reference is mapped affinely into the
/// cell of `now`, atoms are matched by id, periodic images by the shortest vector.
///
/// Two cells alone do not say which strain lies between them: a lattice is the same when whole
/// lattice vectors are added to its tilts, as a simulation does that flips its cell. Tried are the
/// strain that the two files state, the smallest one, and those whole lattice vectors away from
/// either, on all tilts; the one with the least mean square displacement is taken.
///
/// # Errors
/// Where the two do not hold the same atoms.
pub(crate) fn displacements(
    now: &Configuration,
    reference: &Configuration,
) -> Result<(Displacements, Moves), PipelineError> {
    let pairs = matched(now, reference)?;
    let (mut best, mut second): (Option<Sums>, Option<Sums>) = (None, None);
    for (cell, strain) in candidates(&now.cell, &reference.cell)? {
        let limit = best.map_or(f64::INFINITY, |best: Sums| DOUBTFUL * best.squares);
        let Some(sums) = sum(&pairs, &now.cell, (&cell, strain), limit) else {
            continue;
        };
        let (better, worse) = match best {
            Some(best) if best.squares <= sums.squares => (best, Some(sums)),
            earlier => (sums, earlier),
        };
        best = Some(better);
        second = [worse, second]
            .into_iter()
            .flatten()
            .min_by(|a, b| a.squares.total_cmp(&b.squares));
    }
    let best = best.ok_or_else(|| {
        PipelineError::BadInput("the positions of the two structures are not finite".to_owned())
    })?;
    let mean = |sums: &Sums| sums.squares / now.len() as f64;
    let summary = Displacements {
        mean_square: mean(&best),
        largest: best.largest.sqrt(),
        largest_id: best.largest_id,
        participation: if best.fourths > 0.0 {
            best.squares * best.squares / best.fourths
        } else {
            0.0
        },
        strain: best.strain,
        second_best: second
            .filter(|second| second.squares < DOUBTFUL * best.squares)
            .map(|second| OtherStrain {
                strain: second.strain,
                mean_square: mean(&second),
            }),
    };
    let places: Vec<Vector3<f64>> = pairs
        .iter()
        .map(|(_, fractional, ..)| best.cell.to_cartesian(fractional))
        .collect();
    let moves = Moves {
        earlier: pairs.iter().map(|pair| pair.3).collect(),
        before: pairs
            .iter()
            .map(|(_, fractional, ..)| reference.cell.to_cartesian(fractional))
            .collect(),
        nonaffine: places
            .iter()
            .zip(&now.positions)
            .map(|(place, position)| now.cell.minimum_image(&(position - place)))
            .collect(),
        places,
    };
    Ok((summary, moves))
}

/// Position now, fractional coordinates in the reference, id, and number in the reference of every atom.
type Matched = (Vector3<f64>, Vector3<f64>, u64, usize);

fn matched(now: &Configuration, reference: &Configuration) -> Result<Vec<Matched>, PipelineError> {
    if reference.len() != now.len() {
        return Err(PipelineError::BadInput(format!(
            "the reference has {} atoms, the structure {}: they must hold the same atoms",
            reference.len(),
            now.len()
        )));
    }
    let places: BTreeMap<u64, usize> = reference
        .ids
        .iter()
        .enumerate()
        .map(|(place, &id)| (id, place))
        .collect();
    let number = |configuration: &Configuration, i: usize| configuration.species[i].number();
    now.positions
        .iter()
        .zip(&now.ids)
        .enumerate()
        .map(|(i, (position, id))| {
            let place = *places.get(id).ok_or_else(|| {
                PipelineError::BadInput(format!("atom id {id} is missing in the reference"))
            })?;
            if reference.species[place] != now.species[i] {
                return Err(PipelineError::BadInput(format!(
                    "atom id {id} has type {} in the structure and type {} in the reference: they \
                     must hold the same atoms",
                    number(now, i),
                    number(reference, place)
                )));
            }
            let fractional = reference.cell.to_fractional(&reference.positions[place]);
            Ok((*position, fractional, *id, place))
        })
        .collect()
}

/// The sums of one map; `None` as soon as the squares reach `limit`, or where they are no number.
fn sum(
    pairs: &[Matched],
    lattice: &Cell,
    (cell, strain): (&Cell, AffineStrain),
    limit: f64,
) -> Option<Sums> {
    let mut sums = Sums {
        cell: *cell,
        strain,
        squares: 0.0,
        fourths: 0.0,
        largest: 0.0,
        largest_id: 0,
    };
    for (position, fractional, id, _) in pairs {
        let squared = lattice
            .minimum_image(&(position - cell.to_cartesian(fractional)))
            .norm_squared();
        sums.squares += squared;
        sums.fourths += squared * squared;
        if squared > sums.largest {
            (sums.largest, sums.largest_id) = (squared, *id);
        }
        // Not the opposite of `>=`: what is no number ends the sum, too.
        if sums.squares.is_nan() || sums.squares > limit {
            return None;
        }
    }
    Some(sums)
}

/// Bases of `now`'s lattice to map the reference into, and the strains that they mean, the stated
/// one first, then by how far they are from it or from the smallest.
fn candidates(now: &Cell, reference: &Cell) -> Result<Vec<(Cell, AffineStrain)>, PipelineError> {
    let stated = AffineStrain::between(reference, now);
    let mut steps: Vec<[i32; 3]> = Vec::new();
    for xy in -ONE_TILT..=ONE_TILT {
        for xz in -ONE_TILT..=ONE_TILT {
            for yz in -ONE_TILT..=ONE_TILT {
                let step = [xy, xz, yz];
                let alone = step.iter().filter(|n| **n != 0).count() == 1;
                if alone || step.iter().all(|n| n.abs() <= ALL_TILTS) {
                    steps.push(step);
                }
            }
        }
    }
    steps.sort_by_key(|step| step.iter().map(|n| n * n).sum::<i32>());
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for step in steps {
        for center in [stated, AffineStrain::default()] {
            let basis = basis_near(now, reference, center, step)?;
            if seen.insert(basis.steps) {
                found.push((basis.cell, AffineStrain::between(reference, &basis.cell)));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use metabasin_atoms::{Purpose, Species, random_stream};
    use nalgebra::{Matrix3, Vector3};
    use rand::RngExt;

    /// A tilted cell with atoms in no order.
    fn reference() -> Configuration {
        let cell = Cell::new([5.1, 4.9, 5.3, 1.3, -0.9, 1.7]).unwrap();
        let mut random = random_stream(1, Purpose::Test, 0, 0);
        let positions = (0..150)
            .map(|_| cell.to_cartesian(&Vector3::from_fn(|_, _| random.random_range(0.0..1.0))))
            .collect();
        Configuration {
            cell,
            positions,
            velocities: None,
            species: vec![Species::LARGE; 150],
            ids: (1..=150).collect(),
            masses: vec![1.0],
            names: None,
        }
    }

    fn shear(xy: f64, xz: f64, yz: f64) -> AffineStrain {
        AffineStrain {
            xy,
            xz,
            yz,
            ..AffineStrain::default()
        }
    }

    /// The reference after a strain, every atom moved by up to `by` along each axis; and the mean
    /// square of these moves.
    fn strained(reference: &Configuration, strain: AffineStrain, by: f64) -> (Configuration, f64) {
        let [xx, yy, zz, xy, xz, yz] = strain.into();
        let map = Matrix3::new(1.0 + xx, xy, xz, 0.0, 1.0 + yy, yz, 0.0, 0.0, 1.0 + zz);
        let mut random = random_stream(1, Purpose::Test, 0, 1);
        let mut now = reference.clone();
        now.cell = Cell::from_matrix(&(map * reference.cell.matrix())).unwrap();
        let mut squares = 0.0;
        for position in &mut now.positions {
            let moved = Vector3::from_fn(|_, _| random.random_range(-by..by));
            squares += moved.norm_squared();
            *position = map * *position + moved;
        }
        (now, squares / 150.0)
    }

    /// The same atoms as a simulation shows them that keeps its tilts small and its atoms inside.
    fn flipped(mut now: Configuration) -> Configuration {
        now.cell = now.cell.with_small_tilts().0;
        for position in &mut now.positions {
            *position = now.cell.wrap(position).0;
        }
        now
    }

    fn assert_found(
        now: &Configuration,
        reference: &Configuration,
        strain: AffineStrain,
        expected: f64,
    ) {
        let (found, moves) = displacements(now, reference).unwrap();
        let squares = moves.nonaffine.iter().map(Vector3::norm_squared);
        assert!((squares.sum::<f64>() / 150.0 - expected).abs() < 1e-9);
        assert_eq!(moves.before.len(), 150);
        assert!(
            (found.mean_square - expected).abs() < 1e-9,
            "{strain}: {} instead of {expected}, with {}",
            found.mean_square,
            found.strain
        );
        for (found, right) in <[f64; 6]>::from(found.strain)
            .into_iter()
            .zip(<[f64; 6]>::from(strain))
        {
            assert!((found - right).abs() < 1e-9, "{strain}");
        }
        assert_eq!(found.second_best, None, "{strain}");
        assert_eq!(found.doubt(), None);
    }

    #[test]
    fn any_strain_is_found_from_cells_that_flipped_or_not() {
        let reference = reference();
        let mut strains: Vec<[f64; 3]> = (-60..=60)
            .map(|k| [0.05 * f64::from(k), 0.0, 0.0])
            .collect();
        for k in -12..=12 {
            let much = 0.15 * f64::from(k);
            strains.push([0.0, much, 0.0]);
            strains.push([0.0, 0.0, much]);
            strains.push([much, -0.9 * much, 0.3]);
            strains.push([0.7, 0.8 * much, -much]);
        }
        for k in -4..=4 {
            let volume = 0.02 * f64::from(k);
            let strain = AffineStrain {
                xx: volume,
                yy: volume,
                zz: volume,
                ..shear(0.2 * f64::from(k), 0.4, -0.1)
            };
            let (now, mean_square) = strained(&reference, strain, 0.12);
            assert_found(&now, &reference, strain, mean_square);
            assert_found(&flipped(now), &reference, strain, mean_square);
        }
        strains.extend([[6.0, 0.0, 0.0], [0.0, -5.0, 0.0], [0.0, 0.0, 4.0]]);
        for [xy, xz, yz] in strains {
            let strain = shear(xy, xz, yz);
            let (now, mean_square) = strained(&reference, strain, 0.12);
            assert_found(&now, &reference, strain, mean_square);
            assert_found(&flipped(now), &reference, strain, mean_square);
        }
    }

    #[test]
    fn a_strain_that_is_stated_is_found_however_large() {
        let reference = reference();
        let strain = shear(83.0, -41.0, 27.5);
        let (now, mean_square) = strained(&reference, strain, 0.12);
        assert_found(&now, &reference, strain, mean_square);
    }

    #[test]
    fn atoms_that_went_anywhere_leave_the_strain_in_doubt() {
        let reference = reference();
        let (now, _) = strained(&reference, AffineStrain::default(), 3.0);
        let (found, _) = displacements(&now, &reference).unwrap();
        let other = found.second_best.unwrap();
        assert!(other.mean_square < 2.0 * found.mean_square);
        assert!(other.mean_square >= found.mean_square);
        assert_ne!(other.strain, found.strain);
        assert!(found.doubt().unwrap().contains("closer in strain"));
    }

    #[test]
    fn the_reference_itself_is_nowhere_else() {
        let reference = reference();
        let (found, _) = displacements(&reference, &reference).unwrap();
        assert!(found.mean_square < 1e-28);
        assert_eq!(found.strain, AffineStrain::default());
    }

    #[test]
    fn other_atoms_and_positions_that_are_no_numbers_are_refused() {
        let reference = reference();
        let mut fewer = reference.clone();
        fewer.positions.pop();
        fewer.ids.pop();
        fewer.species.pop();
        let refused =
            |now: &Configuration| displacements(now, &reference).err().unwrap().to_string();
        assert!(refused(&fewer).contains("149"));
        let mut other = reference.clone();
        other.ids[3] = 1000;
        assert!(refused(&other).contains("atom id 1000"));
        let mut swapped = reference.clone();
        swapped.species[7] = Species::SMALL;
        assert!(refused(&swapped).contains("atom id 8 has type 2 in the structure and type 1"));
        let mut broken = reference.clone();
        broken.positions[0].x = f64::NAN;
        assert!(refused(&broken).contains("not finite"));
    }
}
