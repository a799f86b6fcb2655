//! Atoms in a cell that gives way to a dead load, as an energy landscape.

use metabasin_atoms::{Cell, Configuration, Strain, Stress};
use metabasin_interactions::{EnergyLandscape, ForceField, largest_norm, unflatten};
use nalgebra::{DMatrix, Matrix3, Vector3};

use super::loading::inverse;
use crate::error::LandscapeError;
use crate::flat::dot;

/// Rows and columns of the six components of an upper triangle, in the order xx, yy, zz, xy, xz, yz.
const TRIANGLE: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)];

/// Strain either way by which the coupling of cell and atoms is differenced: its error is of second
/// order, (20 · 1e-5)² / 6, as small as the rounding of the gradients.
const STRAIN_STEP: f64 = 1e-5;

/// Stiffness of the spring that holds the atoms' mean in place `[energy / length²]`: like a glass's own.
const PIN: f64 = 100.0;

/// The enthalpy of atoms in a cell under a constant nominal stress T, the reference cell's forces kept
/// as the cell gives way (a dead load),
///
/// ```text
/// H(s, U) = E((1 + U) s) − V₀ T : e,   e = (U + Uᵀ)/2,
/// ```
///
/// over reference positions s and the upper triangle U, which keeps the cell's vectors in their standard
/// form; V₀ is the volume of the reference cell. T is conjugate to e exactly, at any strain: where H is
/// stationary, V₀ T = V σ F⁻ᵀ on the upper triangle (σ the Cauchy stress, F = 1 + U, V = V₀ det F), and
/// dH/dT = −V₀ e. T and σ agree in the reference cell and part with the strain times the stress.
///
/// Coordinates are the 3N of s, then the six of U times V₀^(1/3). A spring holds the mean
/// of s: translations cost energy, and at no stationary point does it pull.
#[derive(Clone, Debug)]
pub(crate) struct DeadLoad {
    /// The atoms in the reference cell.
    reference: Configuration,
    field: ForceField,
    load: Stress,
    /// V₀.
    volume: f64,
    /// V₀^(1/3): the move of the cell's faces for a strain of one.
    length: f64,
    center: Vector3<f64>,
    forces: Vec<Vector3<f64>>,
    coupling: Option<Coupling>,
}

/// Derivatives of the gradient by the six coordinates of the cell.
#[derive(Clone, Debug)]
struct Coupling {
    x: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

fn mean(vectors: &[Vector3<f64>]) -> Vector3<f64> {
    vectors.iter().sum::<Vector3<f64>>() / vectors.len().max(1) as f64
}

impl DeadLoad {
    pub fn new(
        reference: &Configuration,
        field: ForceField,
        load: Stress,
    ) -> Result<Self, LandscapeError> {
        field.check(reference).map_err(LandscapeError::from)?;
        let volume = reference.cell.volume();
        let mut field = field;
        field.invalidate();
        Ok(Self {
            center: mean(&reference.positions),
            forces: vec![Vector3::zeros(); reference.len()],
            volume,
            length: volume.cbrt(),
            reference: reference.clone(),
            field,
            load,
            coupling: None,
        })
    }

    fn atoms(&self) -> usize {
        self.reference.len()
    }

    /// F = 1 + U.
    fn deformation(&self, x: &[f64]) -> Matrix3<f64> {
        let mut deformation = Matrix3::identity();
        for (place, coordinate) in TRIANGLE.iter().zip(&x[3 * self.atoms()..]) {
            deformation[*place] += coordinate / self.length;
        }
        deformation
    }

    fn cell(&self, deformation: &Matrix3<f64>) -> Option<Cell> {
        Cell::from_matrix(&(deformation * self.reference.cell.matrix())).ok()
    }

    /// e = (U + Uᵀ)/2 from the reference cell.
    pub fn strain(&self, x: &[f64]) -> Strain {
        let mut components = [0.0; 6];
        for (k, (component, coordinate)) in components
            .iter_mut()
            .zip(&x[3 * self.atoms()..])
            .enumerate()
        {
            *component = coordinate / self.length * if k < 3 { 1.0 } else { 0.5 };
        }
        Strain(components)
    }

    /// Volume of the cell `[length³]`.
    pub fn volume_at(&self, x: &[f64]) -> f64 {
        self.volume * self.deformation(x).determinant()
    }

    fn positions(&self, x: &[f64], deformation: &Matrix3<f64>) -> Vec<Vector3<f64>> {
        let reference = unflatten(&x[..3 * self.atoms()]);
        reference.iter().map(|site| deformation * site).collect()
    }

    /// Derivatives of the gradient by the cell's coordinates at `x`, by central differences, symmetric
    /// among those coordinates.
    fn coupling(&mut self, x: &[f64]) -> &Coupling {
        if self.coupling.as_ref().is_none_or(|known| known.x != x) {
            let start = 3 * self.atoms();
            let step = STRAIN_STEP * self.length;
            let mut columns: Vec<Vec<f64>> = (0..6)
                .map(|k| {
                    let mut side = |sign: f64| {
                        let mut there = x.to_vec();
                        there[start + k] += sign * step;
                        let mut gradient = vec![0.0; x.len()];
                        self.evaluate(&there, &mut gradient);
                        gradient
                    };
                    let (ahead, behind) = (side(1.0), side(-1.0));
                    let pairs = ahead.iter().zip(&behind);
                    pairs.map(|(a, b)| (a - b) / (2.0 * step)).collect()
                })
                .collect();
            for row in 0..6 {
                for column in 0..row {
                    let both = 0.5 * (columns[row][start + column] + columns[column][start + row]);
                    columns[row][start + column] = both;
                    columns[column][start + row] = both;
                }
            }
            self.coupling = Some(Coupling {
                x: x.to_vec(),
                columns,
            });
        }
        self.coupling.as_ref().expect("just made")
    }

    /// Curvatures of the six coordinates of the cell at `x`, atoms moving with it; at least 1.
    pub fn cell_diagonal(&mut self, x: &[f64]) -> Vec<f64> {
        let start = 3 * self.atoms();
        let columns = self.coupling(x).columns.iter().enumerate();
        columns
            .map(|(k, column)| column[start + k].max(1.0))
            .collect()
    }

    /// The full Hessian at `x`, the spring's included.
    pub fn dense_hessian(&mut self, x: &[f64]) -> Option<DMatrix<f64>> {
        let deformation = self.deformation(x);
        let cell = self.cell(&deformation)?;
        let positions = self.positions(x, &deformation);
        let atoms = self
            .field
            .dense_hessian(&cell, &positions, &self.reference.species)?;
        let (count, size) = (self.atoms(), x.len());
        let mut hessian = DMatrix::zeros(size, size);
        for i in 0..count {
            for j in 0..count {
                let block = atoms.fixed_view::<3, 3>(3 * i, 3 * j);
                let mut mapped = deformation.transpose() * block * deformation;
                mapped += Matrix3::from_diagonal_element(PIN / count as f64);
                hessian
                    .fixed_view_mut::<3, 3>(3 * i, 3 * j)
                    .copy_from(&mapped);
            }
        }
        for (k, column) in self.coupling(x).columns.iter().enumerate() {
            for (row, element) in column.iter().enumerate() {
                hessian[(row, 3 * count + k)] = *element;
                hessian[(3 * count + k, row)] = *element;
            }
        }
        Some(hessian)
    }
}

impl EnergyLandscape for DeadLoad {
    fn dimension(&self) -> usize {
        3 * self.atoms() + 6
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let deformation = self.deformation(x);
        let Some(cell) = self.cell(&deformation) else {
            gradient.fill(f64::NAN);
            return f64::INFINITY;
        };
        let positions = self.positions(x, &deformation);
        let species = &self.reference.species;
        let found = self
            .field
            .evaluate(&cell, &positions, species, &mut self.forces);
        let drift = mean(&unflatten(&x[..3 * self.atoms()])) - self.center;
        let back = deformation.transpose();
        for (chunk, force) in gradient.chunks_exact_mut(3).zip(&self.forces) {
            chunk.copy_from_slice((PIN * drift - back * force).as_slice());
        }
        let nominal = found.virial_stress.to_matrix() * inverse(&deformation).transpose();
        let volume = self.volume * deformation.determinant();
        let start = 3 * self.atoms();
        for (k, place) in TRIANGLE.iter().enumerate() {
            let pull = volume * nominal[*place] - self.volume * self.load.0[k];
            gradient[start + k] = pull / self.length;
        }
        let work = self.volume * self.load.contract(self.strain(x).0);
        let spring = 0.5 * PIN * self.atoms() as f64 * drift.norm_squared();
        found.energy - work + spring
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        let deformation = self.deformation(x);
        let Some(cell) = self.cell(&deformation) else {
            product.fill(f64::NAN);
            return;
        };
        let start = 3 * self.atoms();
        let positions = self.positions(x, &deformation);
        let direction = self.positions(v, &deformation);
        let mut image = vec![Vector3::zeros(); self.atoms()];
        self.field.hessian_vector(
            &cell,
            &positions,
            &self.reference.species,
            &direction,
            &mut image,
        );
        let drift = mean(&unflatten(&v[..start]));
        let back = deformation.transpose();
        for (chunk, vector) in product.chunks_exact_mut(3).zip(&image) {
            chunk.copy_from_slice((PIN * drift + back * vector).as_slice());
        }
        product[start..].fill(0.0);
        for (k, column) in self.coupling(x).columns.iter().enumerate() {
            for (element, slope) in product.iter_mut().zip(column) {
                *element += slope * v[start + k];
            }
            product[start + k] += dot(&column[..start], &v[..start]);
        }
    }

    /// The Cauchy stress.
    fn stress(&mut self, x: &[f64]) -> Option<Stress> {
        let deformation = self.deformation(x);
        let cell = self.cell(&deformation)?;
        let positions = self.positions(x, &deformation);
        let species = &self.reference.species;
        let found = self
            .field
            .evaluate(&cell, &positions, species, &mut self.forces);
        Some(found.virial_stress)
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        largest_norm(gradient)
    }

    fn is_interrupted(&self) -> bool {
        self.field.is_interrupted()
    }

    /// Ten times that of a fixed cell: the rounding of a lattice vector, which moves with the cell, is common
    /// to all pairs across a face.
    fn energy_resolution(&self, energy: f64) -> f64 {
        100.0 * f64::EPSILON * energy.abs().max(self.atoms() as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use metabasin_atoms::{Purpose, Species, random_stream};
    use metabasin_interactions::{BinaryLennardJones, Cut, Kernel, flatten};
    use rand::RngExt;

    use super::*;

    /// A shaken cubic lattice in a leaning cell, and a point beside it at which the cell is strained.
    fn sample() -> (DeadLoad, Vec<f64>) {
        let mut random = random_stream(5, Purpose::Test, 0, 0);
        let mut shake = |size: f64| random.random_range(-size..size);
        let cell = Cell::new([6.6, 6.7, 6.9, 0.4, -0.3, 0.2]).unwrap();
        let mut positions = Vec::new();
        for site in 0..216_u32 {
            let [x, y, z] = [site / 36, site / 6 % 6, site % 6].map(|k| f64::from(k) / 6.0);
            let shaken = Vector3::new(shake(0.08), shake(0.08), shake(0.08));
            positions.push(cell.to_cartesian(&Vector3::new(x, y, z)) + shaken);
        }
        let species = (0..216).map(|k| Species(k % 2)).collect();
        let reference = Configuration {
            cell,
            positions,
            velocities: None,
            species,
            ids: (1..=216).collect(),
            masses: vec![1.0, 0.5],
            names: None,
        };
        let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
        let field = ForceField::new(potential, Kernel::Portable);
        let load = Stress([1.5, -2.0, 0.5, 0.7, -0.4, 0.9]);
        let landscape = DeadLoad::new(&reference, field, load).unwrap();
        let mut x = flatten(&reference.positions);
        for x in &mut x {
            *x += shake(0.03);
        }
        x.extend([0.02, -0.03, 0.01, 0.05, 0.04, -0.06].map(|u| u * landscape.length));
        (landscape, x)
    }

    fn along(x: &[f64], direction: &[f64], step: f64) -> Vec<f64> {
        let pairs = x.iter().zip(direction);
        pairs.map(|(x, d)| x + step * d).collect()
    }

    #[test]
    fn the_gradient_is_that_of_the_enthalpy_and_the_product_that_of_the_gradient() {
        let (mut landscape, x) = sample();
        let size = x.len();
        let mut gradient = vec![0.0; size];
        landscape.evaluate(&x, &mut gradient);
        let unit = |k: usize| -> Vec<f64> { (0..size).map(|i| f64::from(i == k)).collect() };
        let all: Vec<f64> = (0..size).map(|k| (k as f64 * 0.7).sin()).collect();
        let directions = (size - 6..size).map(unit).chain([unit(4), all]);
        let hessian = landscape.dense_hessian(&x).unwrap();
        let step = 1e-5;
        for (k, direction) in directions.enumerate() {
            let [mut ahead, mut behind] = [1.0, -1.0].map(|_| vec![0.0; size]);
            let up = landscape.evaluate(&along(&x, &direction, step), &mut ahead);
            let down = landscape.evaluate(&along(&x, &direction, -step), &mut behind);
            // Off by rounding of energies of 1000 over the step, 1e-8, and step² H''.
            let slope = dot(&gradient, &direction);
            let expected = (up - down) / (2.0 * step);
            assert!(
                (slope - expected).abs() < 2e-6 * expected.abs().max(1.0),
                "{k}: gradient {slope} against {expected}"
            );
            let mut product = vec![0.0; size];
            landscape.hessian_vector(&x, &direction, &mut product);
            let dense = &hessian * nalgebra::DVector::from_column_slice(&direction);
            let largest = product.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            for i in 0..size {
                let expected = (ahead[i] - behind[i]) / (2.0 * step);
                assert!(
                    (product[i] - expected).abs() < 1e-6 * largest,
                    "{k}, {i}: product {} against {expected}",
                    product[i]
                );
                assert!((dense[i] - product[i]).abs() < 1e-9 * largest, "{k}, {i}");
            }
        }
    }

    #[test]
    fn a_translation_costs_the_spring_alone() {
        let (mut landscape, x) = sample();
        let start = x.len() - 6;
        let mut gradient = vec![0.0; x.len()];
        let mut shift = vec![0.0; x.len()];
        shift[..start].chunks_exact_mut(3).for_each(|v| v[1] = 1.0);
        // From where the spring rests.
        let drift = mean(&unflatten(&x[..start])) - landscape.center;
        let mut rest = x.clone();
        for site in rest[..start].chunks_exact_mut(3) {
            site.iter_mut().zip(&drift).for_each(|(s, d)| *s -= d);
        }
        let before = landscape.evaluate(&rest, &mut gradient);
        let after = landscape.evaluate(&along(&rest, &shift, 0.3), &mut gradient);
        let spring = 0.5 * PIN * 216.0 * 0.09;
        assert!((after - before - spring).abs() < 1e-9 * spring);
    }
}
