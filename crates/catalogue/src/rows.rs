//! Records to rows and back. Blobs are little-endian.

use metabasin_atoms::{COMPONENTS, Stiffness};
use rusqlite::Row;
use rusqlite::types::{FromSql, Value};

use crate::records::{
    DisplacementField, EvaluationCounts, EventRecord, SampleRecord, SearchRecord,
};
use crate::schema::EVALUATIONS;

mod visited;

pub(crate) use visited::{
    flux_cells, harvest_cells, read_flux, read_harvest, read_state, state_cells,
};

/// The cells of a row to be written, in the order given.
#[derive(Debug, Default)]
pub(crate) struct Cells(pub Vec<(String, Value)>);

impl Cells {
    fn put(&mut self, column: &str, value: impl Into<Value>) {
        self.0.push((column.to_owned(), value.into()));
    }

    /// Unsigned numbers fit: SQLite's integers have 63 bits, and no count reaches that.
    fn put_count(&mut self, column: &str, count: u64) {
        self.put(column, i64::try_from(count).unwrap_or(i64::MAX));
    }

    fn put_tensor(&mut self, prefix: &str, tensor: Option<[f64; 6]>) {
        for (k, component) in COMPONENTS.into_iter().enumerate() {
            self.put(&format!("{prefix}_{component}"), tensor.map(|t| t[k]));
        }
    }

    fn put_evaluations(&mut self, counts: &EvaluationCounts) {
        let counts = [
            counts.basin,
            counts.lowest_mode,
            counts.climb,
            counts.descent,
            counts.verification,
        ];
        for (name, count) in EVALUATIONS.into_iter().zip(counts) {
            self.put_count(name, count);
        }
    }

    fn put_displacement(&mut self, name: &str, field: &DisplacementField) {
        let atoms: Vec<u8> = field.atoms.iter().flat_map(|i| i.to_le_bytes()).collect();
        let vectors = reals_to_bytes(field.displacements.iter().flatten());
        self.put(&format!("displacement_{name}_atoms"), atoms);
        self.put(&format!("displacement_{name}"), vectors);
        let rows = field.displacements.len() as u64;
        self.put_count(&format!("displacement_{name}_rows"), rows);
        self.put_count(&format!("displacement_{name}_columns"), 3);
        self.put(&format!("displacement_{name}_rest_norm"), field.rest_norm);
    }

    /// The first real number that is not finite, blobs apart.
    pub fn not_finite(&self) -> Option<(&str, f64)> {
        self.0.iter().find_map(|(column, value)| match value {
            Value::Real(value) if !value.is_finite() => Some((column.as_str(), *value)),
            _ => None,
        })
    }
}

fn reals_to_bytes<'a>(values: impl Iterator<Item = &'a f64>) -> Vec<u8> {
    values.flat_map(|value| value.to_le_bytes()).collect()
}

/// A column that holds something else than it should.
#[derive(Debug)]
pub(crate) struct BadColumn {
    pub column: String,
    pub detail: String,
}

/// Reads columns of one row by name.
pub(crate) struct Reader<'a, 'b>(pub &'a Row<'b>);

impl Reader<'_, '_> {
    fn get<T: FromSql>(&self, column: &str) -> Result<T, BadColumn> {
        self.0.get(column).map_err(|error| BadColumn {
            column: column.to_owned(),
            detail: error.to_string(),
        })
    }

    /// A column that catalogues of an older version, opened read-only, do not have.
    fn if_known<T: FromSql>(&self, column: &str) -> Result<Option<T>, BadColumn> {
        if self.0.as_ref().column_index(column).is_ok() {
            self.get(column)
        } else {
            Ok(None)
        }
    }

    fn count(&self, column: &str) -> Result<u64, BadColumn> {
        self.narrow(column)
    }

    fn narrow<T: TryFrom<i64>>(&self, column: &str) -> Result<T, BadColumn> {
        let value: i64 = self.get(column)?;
        T::try_from(value).map_err(|_| BadColumn {
            column: column.to_owned(),
            detail: format!("{value} is out of range"),
        })
    }

    fn array<T, const N: usize>(
        &self,
        column: &str,
        from: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, BadColumn> {
        let bytes: Vec<u8> = self.get(column)?;
        let (chunks, rest) = bytes.as_chunks::<N>();
        if !rest.is_empty() {
            return Err(BadColumn {
                column: column.to_owned(),
                detail: format!("{} bytes are no multiple of {N}", bytes.len()),
            });
        }
        Ok(chunks.iter().map(|chunk| from(*chunk)).collect())
    }

    fn reals(&self, column: &str) -> Result<Vec<f64>, BadColumn> {
        self.array(column, f64::from_le_bytes)
    }

    /// Vectors of a blob with columns `COLUMN_rows` and `COLUMN_columns`.
    fn vectors(&self, column: &str) -> Result<Vec<[f64; 3]>, BadColumn> {
        let values = self.reals(column)?;
        let rows = self.count(&format!("{column}_rows"))?;
        let (vectors, rest) = values.as_chunks::<3>();
        if !rest.is_empty() || vectors.len() as u64 != rows {
            return Err(BadColumn {
                column: column.to_owned(),
                detail: format!("{} numbers are not {rows} rows of 3", values.len()),
            });
        }
        Ok(vectors.to_vec())
    }

    fn optional_tensor(&self, prefix: &str) -> Result<Option<[f64; 6]>, BadColumn> {
        let mut tensor = [0.0; 6];
        for (slot, component) in tensor.iter_mut().zip(COMPONENTS) {
            match self.get(&format!("{prefix}_{component}"))? {
                Some(value) => *slot = value,
                None => return Ok(None),
            }
        }
        Ok(Some(tensor))
    }

    fn tensor(&self, prefix: &str) -> Result<[f64; 6], BadColumn> {
        self.optional_tensor(prefix)?.ok_or_else(|| BadColumn {
            column: prefix.to_owned(),
            detail: "a component is missing".to_owned(),
        })
    }

    fn evaluations(&self) -> Result<EvaluationCounts, BadColumn> {
        let [basin, lowest_mode, climb, descent, verification] = EVALUATIONS;
        Ok(EvaluationCounts {
            basin: self.count(basin)?,
            lowest_mode: self.count(lowest_mode)?,
            climb: self.count(climb)?,
            descent: self.count(descent)?,
            verification: self.count(verification)?,
        })
    }

    fn displacement(&self, name: &str) -> Result<DisplacementField, BadColumn> {
        let column = format!("displacement_{name}");
        let field = DisplacementField {
            atoms: self.array(&format!("{column}_atoms"), u32::from_le_bytes)?,
            displacements: self.vectors(&column)?,
            rest_norm: self.get(&format!("{column}_rest_norm"))?,
        };
        if field.atoms.len() != field.displacements.len() {
            return Err(BadColumn {
                column,
                detail: "atoms and vectors differ in number".to_owned(),
            });
        }
        Ok(field)
    }

    /// Seeds have 64 bits and are stored as text.
    fn seed(&self) -> Result<u64, BadColumn> {
        let text: String = self.get("seed")?;
        text.parse().map_err(|_| BadColumn {
            column: "seed".to_owned(),
            detail: format!("`{text}` is no whole number"),
        })
    }
}

pub(crate) fn sample_cells(sample: &SampleRecord) -> Cells {
    let mut cells = Cells::default();
    cells.put("fingerprint", sample.fingerprint.clone());
    cells.put("source", sample.source.clone());
    cells.put("potential", sample.potential.clone());
    cells.put("cut", sample.cut.clone());
    let names = ["lx", "ly", "lz", "xy", "xz", "yz"];
    for (name, value) in names.into_iter().zip(sample.cell) {
        cells.put(&format!("cell_{name}"), value);
    }
    cells.put("volume", sample.volume());
    cells.put_count("atoms", sample.positions.len() as u64);
    cells.put(
        "positions",
        reals_to_bytes(sample.positions.iter().flatten()),
    );
    cells.put_count("positions_rows", sample.positions.len() as u64);
    cells.put_count("positions_columns", 3);
    cells.put("species", sample.species.clone());
    let ids: Vec<u8> = sample.ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    cells.put("ids", ids);
    cells.put("masses", reals_to_bytes(sample.masses.iter()));
    cells.put_count("masses_rows", sample.masses.len() as u64);
    cells.put("energy", sample.energy);
    cells.put("largest_force", sample.largest_force);
    cells.put("temperature", sample.temperature);
    cells.put_tensor("stress_minimum", Some(sample.stress_minimum.0));
    cells.put_tensor(
        "stress_thermal",
        sample.stress_thermal.map(|stress| stress.0),
    );
    let stiffness = sample.stiffness;
    cells.put(
        "stiffness",
        stiffness.map(|stiffness| reals_to_bytes(stiffness.0.iter().flatten())),
    );
    cells.put("stiffness_rows", stiffness.map(|_| 6_i64));
    cells.put("stiffness_columns", stiffness.map(|_| 6_i64));
    let average = stiffness.map(Stiffness::isotropic_average);
    cells.put(
        "shear_modulus",
        average.map(|(shear_modulus, _)| shear_modulus),
    );
    cells.put(
        "poisson_ratio",
        average.map(|(_, poisson_ratio)| poisson_ratio),
    );
    cells.put("attempt_frequency", sample.attempt_frequency);
    cells.put("attempt_frequency_band", sample.attempt_frequency_band);
    cells.put("settings", sample.settings.clone());
    cells.put("seed", sample.seed.to_string());
    cells
}

pub(crate) fn read_sample(row: &Reader) -> Result<SampleRecord, BadColumn> {
    let mut cell = [0.0; 6];
    for (slot, name) in cell.iter_mut().zip(["lx", "ly", "lz", "xy", "xz", "yz"]) {
        *slot = row.get(&format!("cell_{name}"))?;
    }
    let stiffness: Option<Vec<u8>> = row.get("stiffness")?;
    let stiffness = if stiffness.is_some() {
        let values = row.reals("stiffness")?;
        let (rows, rest) = values.as_chunks::<6>();
        let matrix = <[[f64; 6]; 6]>::try_from(rows).ok();
        let matrix = matrix.filter(|_| rest.is_empty());
        Some(Stiffness(matrix.ok_or_else(|| BadColumn {
            column: "stiffness".to_owned(),
            detail: format!("{} numbers are not 6 rows of 6", values.len()),
        })?))
    } else {
        None
    };
    Ok(SampleRecord {
        fingerprint: row.get("fingerprint")?,
        source: row.get("source")?,
        potential: row.get("potential")?,
        cut: row.get("cut")?,
        cell,
        positions: row.vectors("positions")?,
        species: row.get("species")?,
        ids: row.array("ids", u64::from_le_bytes)?,
        masses: row.reals("masses")?,
        energy: row.get("energy")?,
        largest_force: row.get("largest_force")?,
        temperature: row.get("temperature")?,
        stress_minimum: metabasin_atoms::Stress(row.tensor("stress_minimum")?),
        stress_thermal: row
            .optional_tensor("stress_thermal")?
            .map(metabasin_atoms::Stress),
        stiffness,
        attempt_frequency: row.get("attempt_frequency")?,
        attempt_frequency_band: row.get("attempt_frequency_band")?,
        settings: row.get("settings")?,
        seed: row.seed()?,
    })
}

pub(crate) fn event_cells(event: &EventRecord) -> Cells {
    let mut cells = Cells::default();
    cells.put_count("id", event.id);
    cells.put_count("first_search", event.first_search);
    cells.put("barrier_forward", event.barrier_forward);
    cells.put("barrier_reverse", event.barrier_reverse);
    cells.put("energy_minimum", event.energy_minimum);
    cells.put("energy_saddle", event.energy_saddle);
    cells.put("energy_final", event.energy_final);
    cells.put("lowest_eigenvalue", event.lowest_eigenvalue);
    cells.put_tensor("dipole_saddle", Some(event.dipole_saddle.0));
    cells.put_tensor("dipole_final", Some(event.dipole_final.0));
    cells.put_tensor(
        "plastic_saddle",
        event.plastic_saddle.map(|plastic| plastic.0),
    );
    cells.put_tensor(
        "plastic_final",
        event.plastic_final.map(|plastic| plastic.0),
    );
    cells.put("prefactor_forward", event.prefactor_forward);
    cells.put("prefactor_reverse", event.prefactor_reverse);
    for (name, value) in ["x", "y", "z"].into_iter().zip(event.center) {
        cells.put(&format!("center_{name}"), value);
    }
    cells.put("participation", event.participation);
    cells.put("largest_displacement", event.largest_displacement);
    cells.put("species", i64::from(event.species));
    cells.put("structure_class", event.structure_class.clone());
    cells.put("largest_force_saddle", event.largest_force_saddle);
    cells.put("converged", event.converged);
    cells.put("index", i64::from(event.index));
    cells.put("index_method", event.index_method.clone());
    cells.put("connected", event.connected);
    cells.put_count("hits", event.hits);
    cells.put_evaluations(&event.evaluations);
    cells.put_displacement("saddle", &event.displacement_saddle);
    cells.put_displacement("final", &event.displacement_final);
    cells.put("barrier_core", event.barrier_core);
    cells.put("core_atoms", event.core_atoms.map(i64::from));
    cells
}

pub(crate) fn read_event(row: &Reader) -> Result<EventRecord, BadColumn> {
    Ok(EventRecord {
        id: row.count("id")?,
        first_search: row.count("first_search")?,
        barrier_forward: row.get("barrier_forward")?,
        barrier_reverse: row.get("barrier_reverse")?,
        energy_minimum: row.get("energy_minimum")?,
        energy_saddle: row.get("energy_saddle")?,
        energy_final: row.get("energy_final")?,
        lowest_eigenvalue: row.get("lowest_eigenvalue")?,
        dipole_saddle: metabasin_atoms::Dipole(row.tensor("dipole_saddle")?),
        dipole_final: metabasin_atoms::Dipole(row.tensor("dipole_final")?),
        plastic_saddle: row
            .optional_tensor("plastic_saddle")?
            .map(metabasin_atoms::PlasticVolume),
        plastic_final: row
            .optional_tensor("plastic_final")?
            .map(metabasin_atoms::PlasticVolume),
        prefactor_forward: row.get("prefactor_forward")?,
        prefactor_reverse: row.get("prefactor_reverse")?,
        center: [
            row.get("center_x")?,
            row.get("center_y")?,
            row.get("center_z")?,
        ],
        participation: row.get("participation")?,
        largest_displacement: row.get("largest_displacement")?,
        species: row.narrow("species")?,
        structure_class: row.get("structure_class")?,
        largest_force_saddle: row.get("largest_force_saddle")?,
        converged: row.get("converged")?,
        index: row.narrow("index")?,
        index_method: row.get("index_method")?,
        connected: row.get("connected")?,
        hits: row.count("hits")?,
        evaluations: row.evaluations()?,
        displacement_saddle: row.displacement("saddle")?,
        displacement_final: row.displacement("final")?,
        barrier_core: row.if_known("barrier_core")?,
        core_atoms: row
            .if_known::<i64>("core_atoms")?
            .map(|_| row.narrow("core_atoms"))
            .transpose()?,
    })
}

pub(crate) fn search_cells(search: &SearchRecord) -> Cells {
    let mut cells = Cells::default();
    cells.put_count("search", search.index);
    cells.put("center_atom", i64::from(search.center_atom));
    cells.put("outcome", search.outcome.clone());
    cells.put("detail", search.detail.clone());
    cells.put(
        "event",
        search.event.and_then(|event| i64::try_from(event).ok()),
    );
    cells.put_evaluations(&search.evaluations);
    cells.put("seconds", search.seconds);
    cells
}

pub(crate) fn read_search(row: &Reader) -> Result<SearchRecord, BadColumn> {
    let event: Option<i64> = row.get("event")?;
    Ok(SearchRecord {
        index: row.count("search")?,
        center_atom: row.narrow("center_atom")?,
        outcome: row.get("outcome")?,
        detail: row.get("detail")?,
        event: event.map(|_| row.count("event")).transpose()?,
        evaluations: row.evaluations()?,
        seconds: row.get("seconds")?,
    })
}
