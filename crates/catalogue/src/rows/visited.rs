//! What molecular dynamics visited, to rows and back.

use super::{BadColumn, Cells, Reader};
use crate::schema::{SHEAR_COMPONENTS, WELL_MODULI};
use crate::state_graph::{FluxRecord, HarvestRecord, StateRecord, WellModuli};

/// Harvests are numbered by their place.
pub(crate) fn harvest_cells(place: usize, harvest: &HarvestRecord) -> Cells {
    let mut cells = Cells::default();
    cells.put_count("harvest", place as u64);
    cells.put("seed", harvest.seed.to_string());
    cells.put("temperature", harvest.temperature);
    cells.put_count("trajectories", harvest.trajectories);
    cells.put("settle", harvest.settle);
    cells.put("duration", harvest.duration);
    cells.put("interval", harvest.interval);
    cells.put("friction_time", harvest.friction_time);
    cells.put("time_step", harvest.time_step);
    cells.put("kernel", harvest.kernel.clone());
    cells.put("version", harvest.version.clone());
    let wells = harvest.wells.as_ref();
    let measured = [
        wells.map(|wells| wells.inherent),
        wells.map(|wells| wells.thermal),
        wells.map(|wells| wells.thermal_error),
    ];
    for (name, moduli) in WELL_MODULI.iter().zip(measured) {
        for (k, component) in SHEAR_COMPONENTS.iter().enumerate() {
            cells.put(
                &format!("{name}_{component}"),
                moduli.map(|moduli| moduli[k]),
            );
        }
    }
    cells
}

/// Shear moduli of wells; none unless all are there.
fn read_wells(row: &Reader) -> Result<Option<WellModuli>, BadColumn> {
    let mut found = [[0.0; 3]; 3];
    for (name, moduli) in WELL_MODULI.iter().zip(&mut found) {
        for (component, modulus) in SHEAR_COMPONENTS.iter().zip(moduli) {
            match row.if_known(&format!("{name}_{component}"))? {
                Some(value) => *modulus = value,
                None => return Ok(None),
            }
        }
    }
    let [inherent, thermal, thermal_error] = found;
    Ok(Some(WellModuli {
        inherent,
        thermal,
        thermal_error,
    }))
}

pub(crate) fn read_harvest(row: &Reader) -> Result<HarvestRecord, BadColumn> {
    Ok(HarvestRecord {
        seed: row.seed()?,
        temperature: row.get("temperature")?,
        trajectories: row.count("trajectories")?,
        settle: row.get("settle")?,
        duration: row.get("duration")?,
        interval: row.get("interval")?,
        friction_time: row.get("friction_time")?,
        time_step: row.get("time_step")?,
        kernel: row.get("kernel")?,
        version: row.get("version")?,
        wells: read_wells(row)?,
    })
}

/// States are numbered by their place.
pub(crate) fn state_cells(place: usize, state: &StateRecord) -> Cells {
    let mut cells = Cells::default();
    cells.put_count("state", place as u64);
    cells.put_count("first_harvest", state.first_harvest as u64);
    cells.put("energy", state.energy);
    cells.put_tensor("stress", Some(state.stress.0));
    cells.put_count("quenches", state.quenches);
    cells.put("time", state.time);
    cells.put("weight", state.weight);
    cells.put("weight_relative_error", state.weight_relative_error);
    cells.put_displacement("state", &state.displacement);
    cells
}

pub(crate) fn read_state(row: &Reader) -> Result<(u64, StateRecord), BadColumn> {
    let state = StateRecord {
        first_harvest: row.narrow("first_harvest")?,
        energy: row.get("energy")?,
        stress: metabasin_atoms::Stress(row.tensor("stress")?),
        quenches: row.count("quenches")?,
        time: row.get("time")?,
        weight: row.get("weight")?,
        weight_relative_error: row.get("weight_relative_error")?,
        displacement: row.displacement("state")?,
    };
    Ok((row.count("state")?, state))
}

pub(crate) fn flux_cells(flux: &FluxRecord) -> Cells {
    let mut cells = Cells::default();
    let [a, b] = flux.between;
    cells.put_count("state_a", a as u64);
    cells.put_count("state_b", b as u64);
    let [ab, ba] = flux.jumps;
    cells.put_count("jumps_ab", ab);
    cells.put_count("jumps_ba", ba);
    cells.put("flux", flux.flux);
    cells.put("flux_relative_error", flux.flux_relative_error);
    cells
}

/// `states` is the number of states.
pub(crate) fn read_flux(row: &Reader, states: usize) -> Result<FluxRecord, BadColumn> {
    let place = |column: &str| -> Result<usize, BadColumn> {
        let place: usize = row.narrow(column)?;
        (place < states).then_some(place).ok_or_else(|| BadColumn {
            column: column.to_owned(),
            detail: format!("{place} is none of {states} states"),
        })
    };
    let between = [place("state_a")?, place("state_b")?];
    if between[0] >= between[1] {
        return Err(BadColumn {
            column: "state_b".to_owned(),
            detail: format!("{} is not above state_a, {}", between[1], between[0]),
        });
    }
    Ok(FluxRecord {
        between,
        jumps: [row.count("jumps_ab")?, row.count("jumps_ba")?],
        flux: row.get("flux")?,
        flux_relative_error: row.get("flux_relative_error")?,
    })
}
