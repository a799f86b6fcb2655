//! Tables as Apache Parquet, for pandas, Polars, DuckDB and Arrow.

use std::fmt::Write;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::columns::{Column, ColumnValues};
use crate::error::CatalogueError;

/// Columns as a whole Parquet file: one row group, whole numbers as INT64, real numbers as DOUBLE with
/// the bits that they have, words as UTF-8 strings, all of them nullable.
///
/// The file's key-value metadata holds `notes`, and under `units` a JSON object with the unit of
/// every column that has one. Equal arguments give equal bytes.
///
/// # Errors
/// [`CatalogueError::Parquet`] where a column has another length than the first, or a name twice.
pub fn parquet_bytes(
    columns: &[Column],
    notes: &[(String, String)],
) -> Result<Vec<u8>, CatalogueError> {
    let failed = |error: ParquetError| CatalogueError::Parquet(error.to_string());
    for (k, column) in columns.iter().enumerate() {
        if columns[..k].iter().any(|other| other.name == column.name) {
            let twice = format!("two columns are named {}", column.name);
            return Err(CatalogueError::Parquet(twice));
        }
    }
    let fields = columns.iter().map(field).collect::<Result<_, _>>();
    let schema = Type::group_type_builder("table")
        .with_fields(fields.map_err(failed)?)
        .build()
        .map_err(failed)?;
    let mut metadata = vec![KeyValue::new("units".to_owned(), units(columns))];
    for (key, value) in notes {
        metadata.push(KeyValue::new(key.clone(), value.clone()));
    }
    let properties = WriterProperties::builder()
        .set_created_by(format!("metabasin {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata))
        .build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties))
        .map_err(failed)?;
    let mut group = writer.next_row_group().map_err(failed)?;
    for column in columns {
        if let Some(mut output) = group.next_column().map_err(failed)? {
            write(&mut output, &column.values).map_err(failed)?;
            output.close().map_err(failed)?;
        }
    }
    group.close().map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(bytes)
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let (physical, logical) = match &column.values {
        ColumnValues::Integers(_) => (Physical::INT64, None),
        ColumnValues::Numbers(_) => (Physical::DOUBLE, None),
        ColumnValues::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let field = Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(field))
}

/// A JSON object; names and units hold nothing that JSON escapes but what is escaped here.
fn units(columns: &[Column]) -> String {
    let mut text = String::from("{");
    for column in columns.iter().filter(|column| !column.unit.is_empty()) {
        if text.len() > 1 {
            text.push_str(", ");
        }
        let name = column.name.replace('\\', "\\\\").replace('"', "\\\"");
        // Writing to a string cannot fail.
        let _ = write!(text, "\"{name}\": \"{}\"", column.unit);
    }
    text.push('}');
    text
}

/// The values that there are, and for every row whether there is one (1) or not (0).
fn split<T, P>(values: &[Option<T>], of: impl Fn(&T) -> P) -> (Vec<P>, Vec<i16>) {
    let present = values.iter().flatten().map(of).collect();
    let levels = values.iter().map(|value| i16::from(value.is_some()));
    (present, levels.collect())
}

fn write(
    output: &mut SerializedColumnWriter<'_>,
    values: &ColumnValues,
) -> Result<(), ParquetError> {
    match values {
        ColumnValues::Integers(values) => {
            let (present, levels) = split(values, |value| *value);
            output
                .typed::<Int64Type>()
                .write_batch(&present, Some(&levels), None)?;
        }
        ColumnValues::Numbers(values) => {
            let (present, levels) = split(values, |value| *value);
            output
                .typed::<DoubleType>()
                .write_batch(&present, Some(&levels), None)?;
        }
        ColumnValues::Texts(values) => {
            let (present, levels) = split(values, |text| ByteArray::from(text.as_str()));
            output
                .typed::<ByteArrayType>()
                .write_batch(&present, Some(&levels), None)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    use proptest::prelude::*;

    use super::*;

    fn columns_of(rows: Vec<(Option<i64>, Option<f64>, Option<String>)>) -> Vec<Column> {
        let column = |name: &str, unit, values| Column {
            name: name.to_owned(),
            unit,
            values,
        };
        let integers = rows.iter().map(|row| row.0).collect();
        let numbers = rows.iter().map(|row| row.1).collect();
        let texts = rows.into_iter().map(|row| row.2).collect();
        vec![
            column("whole", "", ColumnValues::Integers(integers)),
            column("real", "epsilon", ColumnValues::Numbers(numbers)),
            column("words", "", ColumnValues::Texts(texts)),
        ]
    }

    fn read(bytes: Vec<u8>) -> SerializedFileReader<bytes::Bytes> {
        SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_bit_by_bit(
            rows in prop::collection::vec(
                (
                    prop::option::of(any::<i64>()),
                    prop::option::of(any::<f64>()),
                    prop::option::of(".{0,8}"),
                ),
                0..40,
            ),
        ) {
            let bytes = parquet_bytes(&columns_of(rows.clone()), &[]).unwrap();
            let reader = read(bytes);
            let mut count = 0;
            for (found, (whole, real, words)) in reader.get_row_iter(None).unwrap().zip(&rows) {
                let found = found.unwrap();
                let fields: Vec<&Field> = found.get_column_iter().map(|(_, field)| field).collect();
                match (fields[0], whole) {
                    (Field::Long(found), Some(whole)) => prop_assert_eq!(found, whole),
                    (found, whole) => prop_assert!(*found == Field::Null && whole.is_none()),
                }
                match (fields[1], real) {
                    (Field::Double(found), Some(real)) => {
                        prop_assert_eq!(found.to_bits(), real.to_bits());
                    }
                    (found, real) => prop_assert!(*found == Field::Null && real.is_none()),
                }
                match (fields[2], words) {
                    (Field::Str(found), Some(words)) => prop_assert_eq!(found, words),
                    (found, words) => prop_assert!(*found == Field::Null && words.is_none()),
                }
                count += 1;
            }
            prop_assert_eq!(count, rows.len());
        }
    }

    #[test]
    fn units_and_notes_are_in_the_file() {
        let columns = columns_of(vec![(Some(1), None, Some("a".to_owned()))]);
        let notes = [("seed".to_owned(), "7".to_owned())];
        let bytes = parquet_bytes(&columns, &notes).unwrap();
        assert_eq!(bytes, parquet_bytes(&columns, &notes).unwrap());
        let reader = read(bytes);
        let file = reader.metadata().file_metadata();
        let metadata = file.key_value_metadata().unwrap();
        let value = |key: &str| {
            let entry = metadata.iter().find(|entry| entry.key == key).unwrap();
            entry.value.clone().unwrap()
        };
        assert_eq!(value("seed"), "7");
        assert_eq!(value("units"), "{\"real\": \"epsilon\"}");
        assert!(file.created_by().unwrap().starts_with("metabasin"));
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        let mut columns = columns_of(vec![(Some(1), None, None), (None, Some(2.0), None)]);
        columns[1].name = "whole".to_owned();
        let error = parquet_bytes(&columns, &[]).unwrap_err().to_string();
        assert!(error.contains("whole"), "{error}");
        columns[1].name = "real".to_owned();
        columns[2].values = ColumnValues::Texts(vec![None]);
        assert!(parquet_bytes(&columns, &[]).is_err());
    }
}
