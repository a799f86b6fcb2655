//! One frame to write: a sample, what is known about it, and where its atoms are put.

use metabasin_atoms::Configuration;
use nalgebra::Vector3;

use crate::Problem;

/// A value of the comment line of an extended XYZ frame.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyValue {
    /// Text, quoted where needed.
    Text(String),
    /// A real number.
    Real(f64),
    /// A whole number.
    Integer(i64),
    /// `T` or `F`.
    Boolean(bool),
    /// An array of real numbers.
    Reals(Vec<f64>),
}

impl From<&str> for KeyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for KeyValue {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<i64> for KeyValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

/// One number or name an atom, a further column of an extended XYZ frame.
#[derive(Clone, Debug, PartialEq)]
pub enum AtomColumn {
    /// Real numbers.
    Reals(Vec<f64>),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Names without blanks.
    Names(Vec<String>),
}

impl AtomColumn {
    fn len(&self) -> usize {
        match self {
            Self::Reals(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Names(values) => values.len(),
        }
    }

    pub(crate) fn kind(&self) -> char {
        match self {
            Self::Reals(_) => 'R',
            Self::Integers(_) => 'I',
            Self::Names(_) => 'S',
        }
    }
}

/// Where the atoms of a periodic cell are put in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Where the configuration has them, the same bits: an atom that left the cell is outside.
    #[default]
    Unwrapped,
    /// Inside the cell, each with the lattice shift n that leads back, x = wrapped + h n: programs
    /// that take positions for those of the cell need it.
    Wrapped,
}

/// One frame to write: a sample and what the caller knows about it.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The sample.
    pub configuration: &'a Configuration,
    /// Where its atoms are put.
    pub placement: Placement,
    /// Force on every atom `[energy / length]`; formats for them are extended XYZ and dumps.
    pub forces: Option<&'a [Vector3<f64>]>,
    /// Keys of the comment line of extended XYZ, such as `energy`, `config_type`, `units`,
    /// `version`. `Lattice`, `Properties`, `pbc`, `type_masses` and `type_names` are written by themselves.
    pub keys: Vec<(String, KeyValue)>,
    /// Further columns of extended XYZ.
    pub columns: Vec<(String, AtomColumn)>,
}

impl<'a> From<&'a Configuration> for Frame<'a> {
    fn from(configuration: &'a Configuration) -> Self {
        Self::new(configuration)
    }
}

impl<'a> Frame<'a> {
    /// A frame without forces, keys or further columns, its atoms unwrapped.
    pub fn new(configuration: &'a Configuration) -> Self {
        Self {
            configuration,
            placement: Placement::Unwrapped,
            forces: None,
            keys: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// With its atoms put there.
    #[must_use]
    pub fn placed(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// With the forces on the atoms.
    #[must_use]
    pub fn with_forces(mut self, forces: &'a [Vector3<f64>]) -> Self {
        self.forces = Some(forces);
        self
    }

    /// With one more key in the comment line.
    #[must_use]
    pub fn with_key(mut self, name: &str, value: impl Into<KeyValue>) -> Self {
        self.keys.push((name.to_owned(), value.into()));
        self
    }

    /// With one more column.
    #[must_use]
    pub fn with_column(mut self, name: &str, column: AtomColumn) -> Self {
        self.columns.push((name.to_owned(), column));
        self
    }

    /// Where atom `i` is written, and the lattice shift to be written beside it, if any.
    ///
    /// An atom that is inside the cell keeps its bits.
    pub(crate) fn place(&self, i: usize) -> (Vector3<f64>, Option<[i32; 3]>) {
        let position = self.configuration.positions[i];
        match self.placement {
            Placement::Unwrapped => (position, None),
            Placement::Wrapped => match self.configuration.cell.wrap(&position) {
                (_, image @ [0, 0, 0]) => (position, Some(image)),
                (wrapped, image) => (wrapped, Some(image)),
            },
        }
    }

    /// Arrays of the right length, shifts and names that the formats can hold.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        self.configuration
            .validate()
            .map_err(Problem::Configuration)?;
        let atoms = self.configuration.len() as u64;
        let forces = self.forces.map(<[Vector3<f64>]>::len);
        let columns = self.columns.iter().map(|(_, column)| column.len());
        for found in forces.into_iter().chain(columns) {
            if found as u64 != atoms {
                return Err(Problem::Count {
                    what: "entries of every column",
                    declared: atoms,
                    found: found as u64,
                });
            }
        }
        if self.placement == Placement::Wrapped {
            let cell = &self.configuration.cell;
            let far = |position: &&Vector3<f64>| {
                cell.to_fractional(position).amax() >= f64::from(i32::MAX)
            };
            if let Some(position) = self.configuration.positions.iter().find(far) {
                return Err(Problem::Unsupported {
                    what: format!(
                        "wrapping an atom at ({}, {}, {}), 2^31 cells away or more",
                        position.x, position.y, position.z
                    ),
                });
            }
        }
        let plain = |name: &str| {
            !name.is_empty()
                && !name.contains(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | ':'))
        };
        let keys = self.keys.iter().map(|(name, _)| name.as_str());
        let columns = self.columns.iter().map(|(name, _)| name.as_str());
        let names = self.columns.iter().flat_map(|(_, column)| match column {
            AtomColumn::Names(names) => names.as_slice(),
            AtomColumn::Reals(_) | AtomColumn::Integers(_) => &[],
        });
        let mut all = keys.chain(columns).chain(names.map(String::as_str));
        match all.find(|name| !plain(name)) {
            Some(name) => Err(Problem::Unsupported {
                what: format!("the name `{name}` in extended XYZ"),
            }),
            None => Ok(()),
        }
    }
}
