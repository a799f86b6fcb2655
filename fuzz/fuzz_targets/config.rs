//! No config text, with or without an edit as `--set` gives it, makes the loader panic.
//!
//! The edit stands in the first line of the input, the config below.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (edit, text) = input.split_once('\n').unwrap_or(("", input));
    let edits = if edit.is_empty() {
        Vec::new()
    } else {
        vec![edit.to_owned()]
    };
    // Refusing is fine; panicking is not.
    let _ = metabasin_pipeline::config::load_text(text, Path::new("fuzz.ron"), &edits);
});
