//! Structure files, time series and run manifests, written whole.
//!
//! Read in this order: [`read_configuration`] opens a sample in any of three formats
//! ([`StructureFormat`]), compressed or not, and [`read_with_notes`] also tells what it had to
//! assume; [`write_extxyz`], [`write_lammps_data`] and [`write_lammps_dump`] write a [`Frame`] so
//! that ASE, OVITO and LAMMPS open it without options; [`write_atomic`] is how every file comes into
//! being: whole or not at all; [`SeriesWriter`] appends to a time series that a resumed run
//! continues byte for byte; [`Manifest`] is the `run.json` of a run directory, and [`findings`]
//! what the run found.

mod atomic_file;
mod checksum;
mod comment_line;
mod compression;
mod error;
mod extended_xyz;
pub mod findings;
mod frame;
mod lammps_data;
mod lammps_dump;
mod manifest;
mod output_trial;
mod raw_frame;
mod series;
mod species_names;
mod structure;
mod text;
mod velocity_columns;
mod write_structure;

pub use atomic_file::{
    Overwrite, is_temporary, read_checkpoint, read_json, remove_temporaries, write_atomic,
    write_atomic_compressed, write_checkpoint, write_json,
};
pub use checksum::{Checksum, Checksums, Damage, DamageKind, checksums_below};
pub use compression::Compression;
pub use error::{FilesError, Problem};
pub use frame::{AtomColumn, Frame, KeyValue, Placement};
pub use manifest::{Host, Manifest, StageEntry, StageState, rfc3339};
pub use output_trial::try_output;
pub use series::{Series, SeriesColumn, SeriesHeader, SeriesWriter, read_series};
pub use structure::{
    ReadReport, StructureFormat, parse_as, parse_with_notes, read_configuration, read_trajectory,
    read_with_notes,
};
pub use write_structure::{write_extxyz, write_lammps_data, write_lammps_dump};
