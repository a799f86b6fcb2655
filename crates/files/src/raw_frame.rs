//! A frame as a file holds it, and the way from there to a [`Configuration`].

use std::ops::ControlFlow;

use metabasin_atoms::{Cell, CellError, Configuration, ConfigurationError, Species};
use nalgebra::{Matrix3, Vector3};

use crate::Problem;
use crate::species_names::TypeNames;
use crate::text::{Lines, Located};

/// Masses of the binary Lennard-Jones glass, for files without masses `[mass]`.
const DEFAULT_MASSES: [f64; 2] = [1.0, 0.5];

/// A frame as a file holds it: any orientation, any origin, masses as they come.
#[derive(Debug, Default)]
pub(crate) struct RawFrame {
    /// Line that a problem with the cell is reported at.
    pub cell_line: usize,
    /// Columns are the lattice vectors.
    pub lattice: Matrix3<f64>,
    /// Already subtracted from the positions.
    pub positions: Vec<Vector3<f64>>,
    pub velocities: Option<Vec<Vector3<f64>>>,
    /// Type numbers, counted from 1.
    pub types: Vec<u8>,
    /// `None`: atoms are numbered from 1.
    pub ids: Option<Vec<u64>>,
    /// One mass a type, where it is known.
    pub masses: Option<Vec<Option<f64>>>,
    /// Names of types, as far as the file gives them.
    pub names: TypeNames,
    /// What the parser had to assume.
    pub notes: Vec<String>,
}

/// The frames of a file.
#[derive(Debug, Default)]
pub(crate) struct RawFrames {
    pub whole: Vec<RawFrame>,
    /// What is wrong with a last frame that is cut off while earlier ones are whole.
    pub cut: Option<Located>,
}

impl RawFrames {
    /// Takes what the parser made of the next frame; breaks where the file ends within it.
    pub fn absorb(
        &mut self,
        frame: Result<RawFrame, Located>,
        lines: &mut Lines,
    ) -> Result<ControlFlow<()>, Located> {
        match frame {
            Ok(frame) => {
                self.whole.push(frame);
                Ok(ControlFlow::Continue(()))
            }
            Err(located) if !self.whole.is_empty() && lines.are_cut(&located.problem) => {
                self.cut = Some(located);
                Ok(ControlFlow::Break(()))
            }
            Err(located) => Err(located),
        }
    }
}

impl RawFrame {
    /// Collects one mass a type from one mass an atom. Masses of types that are there already stay
    /// where those of the atoms are the same, rounded; where they differ, the atoms' are taken.
    pub fn masses_from_atoms(&mut self, atom_masses: &[f64]) -> Result<(), Problem> {
        if let Some(given) = &self.masses {
            let same = self.types.iter().zip(atom_masses).all(|(number, mass)| {
                let known = given.get(usize::from(*number) - 1).copied().flatten();
                known.is_some_and(|known| (known - mass).abs() <= 1e-6 * known.abs())
            });
            if same {
                return Ok(());
            }
            self.notes.push(
                "the masses of the atoms differ from those in `type_masses`: those of the atoms \
                 were taken"
                    .to_owned(),
            );
        }
        let highest = self.types.iter().copied().max().unwrap_or(0);
        let mut masses = vec![None; usize::from(highest)];
        for (&number, &mass) in self.types.iter().zip(atom_masses) {
            let slot = &mut masses[usize::from(number) - 1];
            match *slot {
                Some(first) if first != mass => {
                    return Err(Problem::MixedMasses {
                        number,
                        first,
                        second: mass,
                    });
                }
                _ => *slot = Some(mass),
            }
        }
        self.masses = Some(masses).filter(|masses| !masses.is_empty());
        Ok(())
    }

    /// Turns the cell into its standard form, brings the masses to m₁ = 1 and checks everything.
    pub fn into_configuration(self) -> Result<(Configuration, Vec<String>), Located> {
        let mut notes = self.notes;
        let (cell, rotation) =
            standard_cell(&self.lattice).map_err(|problem| Located::at(self.cell_line, problem))?;
        let mut positions = self.positions;
        let mut velocities = self.velocities;
        if let Some(rotation) = rotation {
            for vector in positions.iter_mut().chain(velocities.iter_mut().flatten()) {
                *vector = rotation * *vector;
            }
            notes.push(
                "the sample was rotated so that its lattice vectors are (lx, 0, 0), (xy, ly, 0), \
                 (xz, yz, lz)"
                    .to_owned(),
            );
        }
        let ids = self
            .ids
            .unwrap_or_else(|| (1..=positions.len() as u64).collect());
        let mut types = self.types.clone();
        let masses = match self.masses {
            Some(given) => {
                let mut masses = masses_that_occur(&given, &mut types, &ids, &mut notes)
                    .map_err(Located::anywhere)?;
                bring_to_unit(&mut masses, velocities.as_mut(), &mut notes)
                    .map_err(Located::anywhere)?;
                masses
            }
            None => default_masses(&types, &mut notes).map_err(Located::anywhere)?,
        };
        let names = self.names.renumbered(&self.types, &types, masses.len());
        let configuration = Configuration {
            cell,
            positions,
            velocities,
            species: types.iter().map(|number| Species(number - 1)).collect(),
            ids,
            masses,
            names,
        };
        configuration
            .validate()
            .map_err(|error| Located::anywhere(Problem::Configuration(error)))?;
        Ok((configuration, notes))
    }
}

/// The cell of a lattice, and the rotation into its frame where the lattice is turned.
///
/// x̂ along a, ŷ in the plane of a and b, ẑ along a × b.
fn standard_cell(lattice: &Matrix3<f64>) -> Result<(Cell, Option<Matrix3<f64>>), Problem> {
    match Cell::from_matrix(lattice) {
        Ok(cell) => return Ok((cell, None)),
        Err(CellError::Tilt { axis, value }) => {
            return Err(Problem::Cell(CellError::Tilt { axis, value }));
        }
        Err(CellError::NotUpperTriangular | CellError::Length { .. }) => {}
    }
    let a = lattice.column(0).into_owned();
    let b = lattice.column(1).into_owned();
    let c = lattice.column(2).into_owned();
    let normal = a.cross(&b);
    let triple_product = normal.dot(&c);
    let scale = a.norm() * b.norm() * c.norm();
    // Written so that NaN counts as no volume.
    if !(triple_product.abs() > 1e-12 * scale && triple_product.is_finite()) {
        return Err(Problem::NoVolume);
    }
    if triple_product < 0.0 {
        return Err(Problem::LeftHanded { triple_product });
    }
    let x = a.normalize();
    let z = normal.normalize();
    let y = z.cross(&x);
    let rotation = Matrix3::from_rows(&[x.transpose(), y.transpose(), z.transpose()]);
    let components = [
        a.norm(),
        b.dot(&y),
        c.dot(&z),
        b.dot(&x),
        c.dot(&x),
        c.dot(&y),
    ];
    let cell = Cell::new(components).map_err(Problem::Cell)?;
    Ok((cell, Some(rotation)))
}

/// Masses for a file that gives none.
fn default_masses(types: &[u8], notes: &mut Vec<String>) -> Result<Vec<f64>, Problem> {
    let highest = usize::from(types.iter().copied().max().unwrap_or(1));
    let masses = DEFAULT_MASSES.get(..highest).ok_or(Problem::NoMass {
        number: highest as u8,
    })?;
    notes.push("the file gives no masses: 1 for type 1 and 0.5 for type 2 were taken".to_owned());
    Ok(masses.to_vec())
}

/// The masses of the types that occur, in their order, and the atoms renumbered to match: types
/// that a file declares and no atom has are left out, whatever their mass.
///
/// Small atoms alone stay type 2; twice their mass stands for type 1.
fn masses_that_occur(
    given: &[Option<f64>],
    types: &mut [u8],
    ids: &[u64],
    notes: &mut Vec<String>,
) -> Result<Vec<f64>, Problem> {
    let mut occurring = types.to_vec();
    occurring.sort_unstable();
    occurring.dedup();
    let mut masses = Vec::with_capacity(occurring.len());
    for &number in &occurring {
        let mass = given.get(usize::from(number) - 1).copied().flatten();
        let atom = types.iter().position(|&other| other == number);
        masses.push(mass.ok_or_else(|| {
            Problem::Configuration(ConfigurationError::UnknownSpecies {
                id: atom.map_or(0, |atom| ids[atom]),
                number,
                masses: given.len(),
            })
        })?);
    }
    if let Some(bad) = masses
        .iter()
        .position(|mass| !(*mass > 0.0 && mass.is_finite()))
    {
        return Err(Problem::Configuration(ConfigurationError::Mass {
            number: usize::from(occurring[bad]),
            mass: masses[bad],
        }));
    }
    let small_only = occurring[..] == [2];
    let idle: Vec<String> = (1..)
        .zip(given)
        .filter_map(|(number, mass)| Some((number, (*mass)?)))
        .filter(|(number, _)| !occurring.iter().any(|&other| usize::from(other) == *number))
        .filter(|&(number, mass)| !(small_only && number == 1 && mass == 2.0 * masses[0]))
        .map(|(number, _): (usize, f64)| number.to_string())
        .collect();
    if !idle.is_empty() {
        let types = if idle.len() == 1 { "type" } else { "types" };
        notes.push(format!(
            "no atom is of {types} {}: left out",
            idle.join(", ")
        ));
    }
    match occurring[..] {
        [2] => masses.insert(0, 2.0 * masses[0]),
        [1] => {}
        [number] => return Err(Problem::LoneType { number }),
        _ => {
            let mut moved = Vec::new();
            for (number, &old) in (1_u8..).zip(&occurring) {
                if number != old {
                    moved.push(format!("{old} of the file is type {number} here"));
                }
            }
            if !moved.is_empty() {
                notes.push(format!("type {}", moved.join(", ")));
                for kind in types {
                    let rank = occurring.iter().position(|other| other == kind);
                    *kind = rank.map_or(*kind, |rank| rank as u8 + 1);
                }
            }
        }
    }
    Ok(masses)
}

/// Whether a mass is an element's: programs have it from different tables.
fn is_mass_of(mass: f64, element: f64) -> bool {
    (mass - element).abs() < 1e-3
}

/// Masses with m₁ = 1: a file in the unit m' = m/m₁ has velocities in √(ε/m'), which become
/// √(ε/m₁) when multiplied by √m₁.
fn bring_to_unit(
    masses: &mut [f64],
    velocities: Option<&mut Vec<Vector3<f64>>>,
    notes: &mut Vec<String>,
) -> Result<(), Problem> {
    if let [first, second] = *masses
        && is_mass_of(first, 1.008)
        && is_mass_of(second, 4.0026)
    {
        masses.copy_from_slice(&DEFAULT_MASSES);
        notes.push(format!(
            "the masses {first} and {second} are those of the elements H and He, by which other \
             programs call types 1 and 2: 1 and 0.5 were taken"
        ));
    }
    if let [first, second] = *masses
        && (first / second - 2.0).abs() > 1e-6
    {
        return Err(Problem::MassRatio { first, second });
    }
    if masses.len() <= 2 && masses.first().is_some_and(|unit| *unit != 1.0) {
        let unit = masses[0];
        for mass in masses.iter_mut() {
            *mass /= unit;
        }
        let factor = unit.sqrt();
        for velocity in velocities.into_iter().flatten() {
            *velocity *= factor;
        }
        notes.push(format!(
            "the file gives mass {unit} to type 1: masses were divided by it and velocities \
             multiplied by its square root, so that type 1 has mass 1"
        ));
    }
    Ok(())
}
