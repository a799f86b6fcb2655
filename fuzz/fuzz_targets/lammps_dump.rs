//! No LAMMPS dump makes its reader panic, and what it accepts is a valid configuration.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use metabasin_files::{StructureFormat, parse_as};

fuzz_target!(|text: &str| {
    if let Ok(report) = parse_as(text, StructureFormat::LammpsDump, Path::new("fuzz")) {
        assert_eq!(report.configuration.validate(), Ok(()));
    }
});
