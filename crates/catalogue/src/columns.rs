//! Tables as columns, with the unit of each: what exports are made of.

use crate::EventMeasures;

/// A column of a table, with a value or none in every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The unit of its numbers in reduced Lennard-Jones units (`epsilon`, `sigma^3`, ...); empty where they
    /// have none.
    pub unit: &'static str,
    /// Its values.
    pub values: ColumnValues,
}

/// The values of a column, of one kind.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Whole numbers.
    Integers(Vec<Option<i64>>),
    /// Real numbers.
    Numbers(Vec<Option<f64>>),
    /// Words.
    Texts(Vec<Option<String>>),
}

impl ColumnValues {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Numbers(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in a row as text, empty where there is none: numbers in the shortest form that reads back to
    /// the same bits, words in quotes where CSV needs them.
    fn cell(&self, row: usize) -> String {
        match self {
            Self::Integers(values) => values[row].map_or(String::new(), |value| value.to_string()),
            Self::Numbers(values) => {
                values[row].map_or(String::new(), |value| format!("{value:?}"))
            }
            Self::Texts(values) => values[row].as_deref().map_or(String::new(), |text| {
                if text.contains([',', '"', '\n', '\r']) {
                    format!("\"{}\"", text.replace('"', "\"\""))
                } else {
                    text.to_owned()
                }
            }),
        }
    }
}

/// Columns as CSV text, one row each, with a header; missing values are empty.
pub(crate) fn csv(columns: &[Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut text = names.join(",");
    text.push('\n');
    for row in 0..columns.first().map_or(0, |column| column.values.len()) {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| column.values.cell(row))
            .collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// Measures as columns, one row an event.
pub fn measures_columns(measures: &[EventMeasures]) -> Vec<Column> {
    let column = |name: &str, unit: &'static str, values: ColumnValues| Column {
        name: name.to_owned(),
        unit,
        values,
    };
    let number = |name: &str, unit: &'static str, of: &dyn Fn(&EventMeasures) -> Option<f64>| {
        let values = measures.iter().map(of).collect();
        column(name, unit, ColumnValues::Numbers(values))
    };
    let integer = |name: &str, of: &dyn Fn(&EventMeasures) -> u64| {
        let values = measures.iter().map(|m| Some(of(m).cast_signed())).collect();
        column(name, "", ColumnValues::Integers(values))
    };
    let classes = measures.iter().map(|m| m.structure_class.clone()).collect();
    let volume =
        |plane: usize| move |m: &EventMeasures| m.activation_volumes.map(|volumes| volumes[plane]);
    let orientation =
        |plane: usize| move |m: &EventMeasures| m.orientation.map(|planes| planes[plane]);
    vec![
        integer("event", &|m| m.event),
        number("barrier_forward", "epsilon", &|m| Some(m.barrier_forward)),
        number("barrier_reverse", "epsilon", &|m| Some(m.barrier_reverse)),
        number("energy_difference", "epsilon", &|m| {
            Some(m.energy_difference)
        }),
        number("activation_volume_xy", "sigma^3", &volume(0)),
        number("activation_volume_xz", "sigma^3", &volume(1)),
        number("activation_volume_yz", "sigma^3", &volume(2)),
        number("orientation_xy", "", &orientation(0)),
        number("orientation_xz", "", &orientation(1)),
        number("orientation_yz", "", &orientation(2)),
        number("alignment", "", &|m| m.alignment),
        number("participation", "", &|m| Some(m.participation)),
        number("largest_displacement", "sigma", &|m| {
            Some(m.largest_displacement)
        }),
        integer("string_length", &|m| m.string_length as u64),
        integer("species", &|m| u64::from(m.species)),
        column("structure_class", "", ColumnValues::Texts(classes)),
        number("prefactor_forward", "1/tau", &|m| m.prefactor_forward),
        number("prefactor_reverse", "1/tau", &|m| m.prefactor_reverse),
        integer("hits", &|m| m.hits),
        integer("evaluations", &|m| m.evaluations),
    ]
}

/// Measures as CSV text, one row an event, with a header; missing values are empty. Numbers have
/// the shortest form that reads back to the same bits.
pub fn measures_csv(measures: &[EventMeasures]) -> String {
    csv(&measures_columns(measures))
}
