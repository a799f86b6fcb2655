//! Plain data: atoms in a cell.

use nalgebra::Vector3;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Cell;

/// Index of an atom's species, counted from 0; files and people count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Species(pub u8);

impl Species {
    /// Type 1 of the Wahnstrom glass, the larger atom.
    pub const LARGE: Self = Self(0);
    /// Type 2 of the Wahnstrom glass, the smaller atom.
    pub const SMALL: Self = Self(1);

    /// The number that files and tables show: 1, 2, ...
    pub fn number(self) -> u8 {
        self.0 + 1
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Error, PartialEq)]
pub enum ConfigurationError {
    /// No atoms at all.
    #[error("the configuration holds no atoms")]
    Empty,
    /// An array has not one entry an atom.
    #[error("{array} has {found} entries for {atoms} atoms")]
    Length {
        /// Which array.
        array: &'static str,
        /// Its entries.
        found: usize,
        /// The number of positions.
        atoms: usize,
    },
    /// A coordinate or velocity is not finite.
    #[error("{array} of atom id {id} is not finite: ({x}, {y}, {z})")]
    NotFinite {
        /// Which array.
        array: &'static str,
        /// Id of the atom.
        id: u64,
        /// First component.
        x: f64,
        /// Second component.
        y: f64,
        /// Third component.
        z: f64,
    },
    /// A species has no mass.
    #[error("atom id {id} has type {number}, but there are masses for {masses} types only")]
    UnknownSpecies {
        /// Id of the atom.
        id: u64,
        /// Its type, counted from 1.
        number: u8,
        /// How many types have a mass.
        masses: usize,
    },
    /// A mass is not positive.
    #[error("the mass of type {number} must be positive and finite, got {mass}")]
    Mass {
        /// Type, counted from 1.
        number: usize,
        /// Its mass.
        mass: f64,
    },
    /// Not one name a mass.
    #[error("there are {names} names for {masses} types")]
    Names {
        /// How many names.
        names: usize,
        /// How many types have a mass.
        masses: usize,
    },
    /// A name that is empty, holds a blank, or stands for two types.
    #[error("the name of type {number} must be one word and of no other type, got `{name}`")]
    Name {
        /// Type, counted from 1.
        number: usize,
        /// Its name.
        name: String,
    },
    /// Two atoms share an id.
    #[error("atom id {0} occurs twice")]
    DuplicateId(u64),
}

/// Atoms in a periodic cell: plain data, no promises beyond [`Configuration::validate`].
///
/// Positions are kept unwrapped (an atom may leave the cell), so that displacements between two
/// moments of one run are plain differences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// The periodic cell, its origin at zero.
    pub cell: Cell,
    /// One position an atom `[length]`.
    pub positions: Vec<Vector3<f64>>,
    /// One velocity an atom `[length / τ]`, where the sample has any.
    pub velocities: Option<Vec<Vector3<f64>>>,
    /// One species an atom.
    pub species: Vec<Species>,
    /// One id an atom, as in the file that the sample came from.
    pub ids: Vec<u64>,
    /// One mass a species `[mass]`.
    pub masses: Vec<f64>,
    /// One name a species, as in the file that the sample came from, where that names any. Nothing
    /// depends on them but what is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
}

impl Configuration {
    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there are no atoms.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Mass of atom `i`.
    ///
    /// # Panics
    /// If its species has no mass, which [`Configuration::validate`] excludes.
    pub fn mass(&self, i: usize) -> f64 {
        self.masses[usize::from(self.species[i].0)]
    }

    /// Number density N/V `[1 / length³]`.
    pub fn density(&self) -> f64 {
        self.len() as f64 / self.cell.volume()
    }

    /// The configuration deformed together with its cell, x → F x for the simple shear
    /// F = 1 + γ x̂ŷ.
    #[must_use]
    pub fn sheared(&self, gamma: f64) -> Self {
        let mut sheared = self.clone();
        sheared.cell = self.cell.sheared(gamma);
        for position in &mut sheared.positions {
            position.x += gamma * position.y;
        }
        sheared
    }

    /// Draws Maxwell-Boltzmann velocities at temperature `temperature` (k_B T, `[energy]`), with
    /// zero total momentum and exactly 2 E_kin = (3N − 3) k_B T.
    pub fn draw_velocities(&mut self, temperature: f64, random: &mut Pcg64) {
        let mut velocities: Vec<Vector3<f64>> = (0..self.len())
            .map(|i| {
                let spread = (temperature / self.mass(i)).sqrt();
                Vector3::from_fn(|_, _| {
                    let normal: f64 = StandardNormal.sample(random);
                    spread * normal
                })
            })
            .collect();
        let total_mass: f64 = (0..self.len()).map(|i| self.mass(i)).sum();
        let momentum: Vector3<f64> = velocities
            .iter()
            .enumerate()
            .map(|(i, v)| v * self.mass(i))
            .sum();
        for velocity in &mut velocities {
            *velocity -= momentum / total_mass;
        }
        let twice_kinetic: f64 = velocities
            .iter()
            .enumerate()
            .map(|(i, v)| self.mass(i) * v.norm_squared())
            .sum();
        let wanted = (3 * self.len()).saturating_sub(3) as f64 * temperature;
        if twice_kinetic > 0.0 {
            let scale = (wanted / twice_kinetic).sqrt();
            for velocity in &mut velocities {
                *velocity *= scale;
            }
        }
        self.velocities = Some(velocities);
    }

    /// Checks lengths, finiteness, species, masses and ids.
    ///
    /// # Errors
    /// The first [`ConfigurationError`] found.
    pub fn validate(&self) -> Result<(), ConfigurationError> {
        let atoms = self.len();
        if atoms == 0 {
            return Err(ConfigurationError::Empty);
        }
        let lengths = [
            ("species", self.species.len()),
            ("ids", self.ids.len()),
            (
                "velocities",
                self.velocities.as_ref().map_or(atoms, Vec::len),
            ),
        ];
        for (array, found) in lengths {
            if found != atoms {
                return Err(ConfigurationError::Length {
                    array,
                    found,
                    atoms,
                });
            }
        }
        for (k, &mass) in self.masses.iter().enumerate() {
            if !(mass > 0.0 && mass.is_finite()) {
                return Err(ConfigurationError::Mass {
                    number: k + 1,
                    mass,
                });
            }
        }
        for (i, species) in self.species.iter().enumerate() {
            if usize::from(species.0) >= self.masses.len() {
                return Err(ConfigurationError::UnknownSpecies {
                    id: self.ids[i],
                    number: species.number(),
                    masses: self.masses.len(),
                });
            }
        }
        self.validate_names()?;
        let arrays = [
            ("position", Some(&self.positions)),
            ("velocity", self.velocities.as_ref()),
        ];
        for (array, vectors) in arrays {
            for (i, v) in vectors.into_iter().flatten().enumerate() {
                if !v.iter().all(|component| component.is_finite()) {
                    let (x, y, z) = (v.x, v.y, v.z);
                    return Err(ConfigurationError::NotFinite {
                        array,
                        id: self.ids[i],
                        x,
                        y,
                        z,
                    });
                }
            }
        }
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ConfigurationError::DuplicateId(pair[0])),
            None => Ok(()),
        }
    }

    fn validate_names(&self) -> Result<(), ConfigurationError> {
        let Some(names) = &self.names else {
            return Ok(());
        };
        if names.len() != self.masses.len() {
            return Err(ConfigurationError::Names {
                names: names.len(),
                masses: self.masses.len(),
            });
        }
        let bad = (0..names.len()).find(|&k| {
            names[k].is_empty()
                || names[k].contains(char::is_whitespace)
                || names[..k].contains(&names[k])
        });
        match bad {
            Some(k) => Err(ConfigurationError::Name {
                number: k + 1,
                name: names[k].clone(),
            }),
            None => Ok(()),
        }
    }

    /// A 64-bit fingerprint (FNV-1a over the bits of cell, positions, species and ids, not of names): two
    /// samples with the same fingerprint are the same sample.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut absorb = |bits: u64| {
            for byte in bits.to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for component in self.cell.components() {
            absorb(component.to_bits());
        }
        for ((position, species), id) in self.positions.iter().zip(&self.species).zip(&self.ids) {
            position
                .iter()
                .for_each(|component| absorb(component.to_bits()));
            absorb(u64::from(species.0));
            absorb(*id);
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, random_stream};

    fn sample() -> Configuration {
        Configuration {
            cell: Cell::cubic(4.0).unwrap(),
            positions: vec![
                Vector3::new(0.5, 0.5, 0.5),
                Vector3::new(2.0, 2.5, 3.0),
                Vector3::new(1.0, 3.0, 2.0),
            ],
            velocities: None,
            species: vec![Species::LARGE, Species::SMALL, Species::SMALL],
            ids: vec![1, 2, 3],
            masses: vec![1.0, 0.5],
            names: None,
        }
    }

    #[test]
    fn every_fault_is_named() {
        assert_eq!(sample().validate(), Ok(()));
        let mut bad = sample();
        bad.positions[1].y = f64::NAN;
        assert!(
            bad.validate()
                .unwrap_err()
                .to_string()
                .contains("position of atom id 2")
        );
        let mut bad = sample();
        bad.species[2] = Species(4);
        assert!(bad.validate().unwrap_err().to_string().contains("type 5"));
        let mut bad = sample();
        bad.ids[2] = 1;
        assert_eq!(bad.validate(), Err(ConfigurationError::DuplicateId(1)));
        let mut bad = sample();
        bad.masses[1] = -0.5;
        assert!(bad.validate().unwrap_err().to_string().contains("type 2"));
        let named = |names: &[&str]| Configuration {
            names: Some(names.iter().map(|&name| name.to_owned()).collect()),
            ..sample()
        };
        assert_eq!(named(&["Cu", "Zr"]).validate(), Ok(()));
        assert_eq!(named(&["Cu", "Zr"]).fingerprint(), sample().fingerprint());
        let error = named(&["Cu"]).validate().unwrap_err().to_string();
        assert!(error.contains("1 names for 2 types"), "{error}");
        for bad in [["Cu", "Cu"], ["Cu", ""], ["Cu", "Z r"]] {
            let error = named(&bad).validate().unwrap_err().to_string();
            assert!(error.contains("name of type 2"), "{error}");
        }
        let mut bad = sample();
        bad.ids.pop();
        assert!(
            bad.validate()
                .unwrap_err()
                .to_string()
                .contains("ids has 2 entries")
        );
    }

    #[test]
    fn drawn_velocities_have_no_momentum_and_the_exact_temperature() {
        let mut drawn = sample();
        drawn.draw_velocities(0.7, &mut random_stream(1, Purpose::Test, 0, 0));
        let velocities = drawn.velocities.as_ref().unwrap();
        let momentum: Vector3<f64> = velocities
            .iter()
            .enumerate()
            .map(|(i, v)| v * drawn.mass(i))
            .sum();
        let twice_kinetic: f64 = velocities
            .iter()
            .enumerate()
            .map(|(i, v)| drawn.mass(i) * v.norm_squared())
            .sum();
        assert!(momentum.norm() < 1e-14);
        assert!((twice_kinetic - 6.0 * 0.7).abs() < 1e-13);
    }

    #[test]
    fn the_fingerprint_sees_the_last_bit_of_a_position() {
        let mut moved = sample();
        moved.positions[0].x = f64::from_bits(moved.positions[0].x.to_bits() + 1);
        assert_ne!(sample().fingerprint(), moved.fingerprint());
        assert_eq!(sample().fingerprint(), sample().fingerprint());
    }
}
