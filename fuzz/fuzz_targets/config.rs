//! No config text, with or without an edit, makes the loader panic.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, edit) = input;
    let edits = if edit.is_empty() {
        Vec::new()
    } else {
        vec![edit.to_owned()]
    };
    // Refusing is fine; panicking is not.
    let _ = metabasin_pipeline::config::load_text(text, Path::new("fuzz.ron"), &edits);
});
