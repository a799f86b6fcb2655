//! No structure file, told by its content, makes the reader panic, and what it accepts is a valid
//! configuration.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(report) = metabasin_files::parse_with_notes(text, Path::new("fuzz")) {
        assert_eq!(report.configuration.validate(), Ok(()));
    }
});
