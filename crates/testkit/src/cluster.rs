//! Lennard-Jones clusters in open space.

use metabasin_interactions::EnergyLandscape;
use nalgebra::Vector3;

/// Identical Lennard-Jones atoms in open space, no cut: E = Σ_{i<j} 4 (r⁻¹² − r⁻⁶), σ = ε = 1.
///
/// Coordinates are [x₀, y₀, z₀, x₁, …]. The landscape is invariant under rotations too, which
/// leaves three zero modes beside the translations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LennardJonesCluster {
    atoms: usize,
}

impl LennardJonesCluster {
    /// Energy of the global minimum of 13 atoms, a centered icosahedron (Hoare & Pal 1971; the
    /// Cambridge Cluster Database).
    pub const LJ13_ENERGY: f64 = -44.326801;

    /// Energy of the global minimum of 38 atoms, a truncated octahedron of the fcc lattice
    /// (Pillardy & Piela 1995; the Cambridge Cluster Database).
    pub const LJ38_ENERGY: f64 = -173.928427;

    /// A cluster of this many atoms.
    pub fn new(atoms: usize) -> Self {
        Self { atoms }
    }

    /// Thirteen atoms on a centered icosahedron with `radius` from center to vertex, flattened.
    pub fn icosahedron(radius: f64) -> Vec<f64> {
        let golden = f64::midpoint(1.0, 5.0_f64.sqrt());
        let scale = radius / (1.0 + golden * golden).sqrt();
        let mut sites = vec![Vector3::zeros()];
        for short in [-1.0, 1.0] {
            for long in [-golden, golden] {
                sites.push(Vector3::new(0.0, short, long) * scale);
                sites.push(Vector3::new(short, long, 0.0) * scale);
                sites.push(Vector3::new(long, 0.0, short) * scale);
            }
        }
        flat(&sites)
    }

    /// Thirty-eight sites of the fcc lattice around an octahedral hole that form a truncated
    /// octahedron, with nearest neighbors at `distance`, flattened.
    pub fn truncated_octahedron(distance: f64) -> Vec<f64> {
        // In units of half the lattice constant the sites around a hole are the integer points
        // of odd sum; |x| + |y| + |z| ≤ 3 is the octahedron of 44, its six vertices are cut off.
        let scale = distance / 2.0_f64.sqrt();
        let mut sites = Vec::new();
        for x in -2_i32..=2 {
            for y in -2_i32..=2 {
                for z in -2_i32..=2 {
                    if (x + y + z) % 2 != 0 && x.abs() + y.abs() + z.abs() <= 3 {
                        sites.push(Vector3::new(x, y, z).map(f64::from) * scale);
                    }
                }
            }
        }
        flat(&sites)
    }
}

fn flat(sites: &[Vector3<f64>]) -> Vec<f64> {
    sites.iter().flat_map(|site| site.iter().copied()).collect()
}

fn site(x: &[f64], i: usize) -> Vector3<f64> {
    Vector3::new(x[3 * i], x[3 * i + 1], x[3 * i + 2])
}

fn add(sum: &mut [f64], i: usize, v: &Vector3<f64>) {
    for axis in 0..3 {
        sum[3 * i + axis] += v[axis];
    }
}

impl EnergyLandscape for LennardJonesCluster {
    fn dimension(&self) -> usize {
        3 * self.atoms
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut energy = 0.0;
        for i in 0..self.atoms {
            for j in 0..i {
                let r = site(x, i) - site(x, j);
                let inverse_square = r.norm_squared().recip();
                let attraction = inverse_square.powi(3);
                energy += 4.0 * attraction * (attraction - 1.0);
                // V'/r.
                let slope = -24.0 * attraction * (2.0 * attraction - 1.0) * inverse_square;
                add(gradient, i, &(slope * r));
                add(gradient, j, &(-slope * r));
            }
        }
        energy
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        product.fill(0.0);
        for i in 0..self.atoms {
            for j in 0..i {
                let r = site(x, i) - site(x, j);
                let u = site(v, i) - site(v, j);
                let inverse_square = r.norm_squared().recip();
                let attraction = inverse_square.powi(3);
                let slope = -24.0 * attraction * (2.0 * attraction - 1.0) * inverse_square;
                // (V'' − V'/r)/r².
                let bend =
                    96.0 * attraction * (7.0 * attraction - 2.0) * inverse_square * inverse_square;
                let change = slope * u + bend * r.dot(&u) * r;
                add(product, i, &change);
                add(product, j, &-change);
            }
        }
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        (0..self.atoms).fold(0.0, |largest, i| {
            f64::max(largest, site(gradient, i).norm())
        })
    }

    fn translation_invariant(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_atoms_rest_at_the_sixth_root_of_two() {
        let mut pair = LennardJonesCluster::new(2);
        let mut gradient = [0.0; 6];
        let rest = 2.0_f64.powf(1.0 / 6.0);
        let energy = pair.evaluate(&[0.0, 0.0, 0.0, rest, 0.0, 0.0], &mut gradient);
        assert!((energy + 1.0).abs() < 1e-15);
        assert!(pair.largest_force(&gradient) < 1e-13);
    }

    #[test]
    fn the_starts_have_the_neighbors_of_their_polyhedra() {
        let neighbors = |x: &[f64], distance: f64| {
            let atoms = x.len() / 3;
            (0..atoms)
                .flat_map(|i| (0..i).map(move |j| (i, j)))
                .filter(|&(i, j)| (site(x, i) - site(x, j)).norm() < 1.06 * distance)
                .count()
        };
        let icosahedron = LennardJonesCluster::icosahedron(1.0);
        assert_eq!(icosahedron.len(), 39);
        // Twelve spokes and thirty edges; the edge is 1.0515 of the radius.
        assert_eq!(neighbors(&icosahedron, 1.0), 42);
        let octahedron = LennardJonesCluster::truncated_octahedron(1.1);
        assert_eq!(octahedron.len(), 3 * 38);
        assert_eq!(neighbors(&octahedron, 1.1), 144);
    }
}
