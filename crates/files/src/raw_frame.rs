//! A frame as a file holds it, and the way from there to a [`Configuration`].

use metabasin_atoms::{Cell, CellError, Configuration, Species};
use nalgebra::{Matrix3, Vector3};

use crate::Problem;
use crate::text::Located;

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
    /// One mass a type.
    pub masses: Option<Vec<f64>>,
    /// What the parser had to assume.
    pub notes: Vec<String>,
}

impl RawFrame {
    /// Collects one mass a type from one mass an atom. Types that do not occur get the mass that
    /// keeps 2:1 with the other of the first two. Masses of types that are there already stay where
    /// those of the atoms are the same, rounded; where they differ, the atoms' are taken.
    pub fn masses_from_atoms(&mut self, atom_masses: &[f64]) -> Result<(), Problem> {
        if let Some(given) = &self.masses {
            let same = self.types.iter().zip(atom_masses).all(|(number, mass)| {
                given
                    .get(usize::from(*number) - 1)
                    .is_some_and(|known| (known - mass).abs() <= 1e-6 * known.abs())
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
        if let [None, Some(second)] = masses[..] {
            masses[0] = Some(2.0 * second);
        }
        self.masses = masses
            .into_iter()
            .collect::<Option<Vec<f64>>>()
            .filter(|masses| !masses.is_empty());
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
        let highest = self.types.iter().copied().max().unwrap_or(1);
        let masses = masses(self.masses, highest, velocities.as_mut(), &mut notes)
            .map_err(Located::anywhere)?;
        let ids = self
            .ids
            .unwrap_or_else(|| (1..=positions.len() as u64).collect());
        let configuration = Configuration {
            cell,
            positions,
            velocities,
            species: self
                .types
                .iter()
                .map(|number| Species(number - 1))
                .collect(),
            ids,
            masses,
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

/// Masses with m₁ = 1: a file in the unit m' = m/m₁ has velocities in √(ε/m'), which become
/// √(ε/m₁) when multiplied by √m₁.
fn masses(
    given: Option<Vec<f64>>,
    highest: u8,
    velocities: Option<&mut Vec<Vector3<f64>>>,
    notes: &mut Vec<String>,
) -> Result<Vec<f64>, Problem> {
    let Some(mut masses) = given else {
        if usize::from(highest) > DEFAULT_MASSES.len() {
            return Err(Problem::UnknownSpecies {
                text: highest.to_string(),
            });
        }
        notes.push(
            "the file gives no masses: 1 for type 1 and 0.5 for type 2 were taken".to_owned(),
        );
        return Ok(DEFAULT_MASSES.to_vec());
    };
    if let Some(bad) = masses
        .iter()
        .position(|mass| !(*mass > 0.0 && mass.is_finite()))
    {
        return Err(Problem::Configuration(
            metabasin_atoms::ConfigurationError::Mass {
                number: bad + 1,
                mass: masses[bad],
            },
        ));
    }
    if let [first, second] = masses[..]
        && (first / second - 2.0).abs() > 1e-6
    {
        return Err(Problem::MassRatio { first, second });
    }
    if masses.len() <= 2 && masses[0] != 1.0 {
        let unit = masses[0];
        for mass in &mut masses {
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
    Ok(masses)
}
