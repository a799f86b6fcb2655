//! Tables and views. `docs/catalogue-schema.md` describes every column; a test keeps them in step.

use metabasin_atoms::COMPONENTS;

/// Version of the schema, in `PRAGMA user_version` and in the table `metadata`.
pub const SCHEMA_VERSION: i64 = 4;

/// What takes a catalogue of each older version, from 1, one version further.
pub(crate) fn upgrades() -> [String; 3] {
    [
        // 1 to 2: the split of the barrier into core and elastic part.
        "ALTER TABLE events ADD COLUMN barrier_core REAL;
         ALTER TABLE events ADD COLUMN core_atoms INTEGER;"
            .to_owned(),
        // 2 to 3: what molecular dynamics visited.
        graph_definition(),
        // 3 to 4: how heat softens the minima.
        well_columns(),
    ]
}

/// `PRAGMA application_id`: "mbas".
pub(crate) const APPLICATION_ID: i32 = 0x6d62_6173;

/// What the numbers mean, for people.
pub(crate) const UNITS: &str = "reduced Lennard-Jones: length sigma_11, energy epsilon, mass m_1, \
     k_B = 1, time tau = sigma sqrt(m / epsilon); stress tension-positive";

/// Counts of evaluations, as columns.
pub(crate) const EVALUATIONS: [&str; 5] = [
    "evaluations_basin",
    "evaluations_lowest_mode",
    "evaluations_climb",
    "evaluations_descent",
    "evaluations_verification",
];

/// `prefix_xx REAL, ... prefix_yz REAL`.
fn tensor(prefix: &str, constraint: &str) -> String {
    let columns = COMPONENTS.map(|component| format!("{prefix}_{component} REAL{constraint}"));
    columns.join(", ")
}

/// Evaluation counts as column definitions.
fn evaluations() -> String {
    EVALUATIONS
        .map(|name| format!("{name} INTEGER NOT NULL"))
        .join(", ")
}

/// A displacement field: atom indices and vectors as blobs, their shape, and the norm of the rest.
fn displacement(name: &str) -> String {
    format!(
        "displacement_{name}_atoms BLOB NOT NULL, displacement_{name} BLOB NOT NULL, \
         displacement_{name}_rows INTEGER NOT NULL, displacement_{name}_columns INTEGER NOT NULL, \
         displacement_{name}_rest_norm REAL NOT NULL"
    )
}

/// The columns of a harvest that hold shear moduli of wells, as stored since version 4.
pub(crate) const WELL_MODULI: [&str; 3] =
    ["inherent_modulus", "well_modulus", "well_modulus_error"];
/// Their components, in this order.
pub(crate) const SHEAR_COMPONENTS: [&str; 3] = ["xy", "xz", "yz"];

fn well_columns() -> String {
    let columns = WELL_MODULI.iter().flat_map(|name| {
        SHEAR_COMPONENTS
            .map(|component| format!("ALTER TABLE harvests ADD COLUMN {name}_{component} REAL;\n"))
    });
    columns.collect()
}

/// The tables of the states that molecular dynamics visited, as version 3 had them.
fn graph_definition() -> String {
    let stress = tensor("stress", " NOT NULL");
    let displacement = displacement("state");
    format!(
        "
CREATE TABLE harvests (
    harvest INTEGER PRIMARY KEY NOT NULL, seed TEXT NOT NULL, temperature REAL NOT NULL,
    trajectories INTEGER NOT NULL, settle REAL NOT NULL, duration REAL NOT NULL, interval REAL NOT NULL,
    friction_time REAL NOT NULL, time_step REAL NOT NULL,
    kernel TEXT NOT NULL, version TEXT NOT NULL
);
CREATE TABLE states (
    state INTEGER PRIMARY KEY NOT NULL, first_harvest INTEGER NOT NULL REFERENCES harvests(harvest),
    energy REAL NOT NULL, {stress},
    quenches INTEGER NOT NULL, time REAL NOT NULL, weight REAL, weight_relative_error REAL, {displacement}
);
CREATE TABLE fluxes (
    state_a INTEGER NOT NULL REFERENCES states(state), state_b INTEGER NOT NULL REFERENCES states(state),
    jumps_ab INTEGER NOT NULL, jumps_ba INTEGER NOT NULL, flux REAL, flux_relative_error REAL,
    PRIMARY KEY (state_a, state_b)
);
"
    )
}

/// Every statement that makes an empty catalogue.
pub(crate) fn definition() -> String {
    let stress_minimum = tensor("stress_minimum", " NOT NULL");
    let stress_thermal = tensor("stress_thermal", "");
    let dipole_saddle = tensor("dipole_saddle", " NOT NULL");
    let dipole_final = tensor("dipole_final", " NOT NULL");
    let plastic_saddle = tensor("plastic_saddle", "");
    let plastic_final = tensor("plastic_final", "");
    let displacement_saddle = displacement("saddle");
    let displacement_final = displacement("final");
    let evaluations = evaluations();
    let graph = graph_definition();
    let wells = well_columns();
    format!(
        r#"
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE metadata (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
CREATE TABLE samples (
    fingerprint TEXT PRIMARY KEY NOT NULL, source TEXT NOT NULL, potential TEXT NOT NULL, cut TEXT NOT NULL,
    cell_lx REAL NOT NULL, cell_ly REAL NOT NULL, cell_lz REAL NOT NULL,
    cell_xy REAL NOT NULL, cell_xz REAL NOT NULL, cell_yz REAL NOT NULL, volume REAL NOT NULL,
    atoms INTEGER NOT NULL,
    positions BLOB NOT NULL, positions_rows INTEGER NOT NULL, positions_columns INTEGER NOT NULL,
    species BLOB NOT NULL, ids BLOB NOT NULL, masses BLOB NOT NULL, masses_rows INTEGER NOT NULL,
    energy REAL NOT NULL, largest_force REAL NOT NULL, temperature REAL,
    {stress_minimum}, {stress_thermal},
    stiffness BLOB, stiffness_rows INTEGER, stiffness_columns INTEGER, shear_modulus REAL, poisson_ratio REAL,
    attempt_frequency REAL NOT NULL, attempt_frequency_band REAL NOT NULL,
    settings TEXT NOT NULL, seed TEXT NOT NULL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY NOT NULL, first_search INTEGER NOT NULL,
    barrier_forward REAL NOT NULL, barrier_reverse REAL NOT NULL,
    energy_minimum REAL NOT NULL, energy_saddle REAL NOT NULL, energy_final REAL NOT NULL,
    lowest_eigenvalue REAL NOT NULL,
    {dipole_saddle}, {dipole_final}, {plastic_saddle}, {plastic_final},
    prefactor_forward REAL, prefactor_reverse REAL,
    center_x REAL NOT NULL, center_y REAL NOT NULL, center_z REAL NOT NULL,
    participation REAL NOT NULL, largest_displacement REAL NOT NULL,
    species INTEGER NOT NULL, structure_class TEXT, largest_force_saddle REAL NOT NULL,
    converged INTEGER NOT NULL, "index" INTEGER NOT NULL, index_method TEXT NOT NULL,
    connected INTEGER NOT NULL, hits INTEGER NOT NULL,
    {evaluations}, {displacement_saddle}, {displacement_final},
    barrier_core REAL, core_atoms INTEGER
);
CREATE TABLE searches (
    search INTEGER PRIMARY KEY NOT NULL, center_atom INTEGER NOT NULL, outcome TEXT NOT NULL,
    detail TEXT, event INTEGER REFERENCES events(id), {evaluations}, seconds REAL NOT NULL
);
CREATE INDEX searches_by_event ON searches(event);
CREATE TABLE provenance (
    session INTEGER PRIMARY KEY NOT NULL, first_search INTEGER NOT NULL, config TEXT NOT NULL,
    seed TEXT NOT NULL, version TEXT NOT NULL, kernel TEXT NOT NULL, host TEXT NOT NULL,
    started TEXT NOT NULL
);
CREATE VIEW verified_events AS
    SELECT *, 2.0 * plastic_saddle_xy AS activation_volume FROM events
    WHERE converged = 1 AND "index" = 1 AND connected = 1;
CREATE VIEW minima AS
    SELECT 0 AS event, energy, 0.0 AS energy_above_sample FROM samples
    UNION ALL
    SELECT id, energy_final, energy_final - energy_minimum FROM events;
{graph}{wells}"#
    )
}
