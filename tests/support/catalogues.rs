//! Catalogues that the program makes of the small glass, and what is in them.

use std::path::Path;
use std::time::{Duration, Instant};

use metabasin_catalogue::{Catalogue, EventRecord, SampleRecord, SearchRecord};

use crate::program::text;

/// Seed of all searches.
const SEED: &str = "33";

/// What makes a catalogue of `file` at `output`, on one thread.
pub fn arguments<'a>(file: &'a str, output: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let search = ["search", file, "-o", text(output)];
    let settings = ["--seed", SEED, "--kernel", "portable", "--threads", "1"];
    [&search[..], &settings[..], more].concat()
}

/// All there is in a catalogue, but for seconds.
pub fn contents(path: &Path) -> (SampleRecord, Vec<EventRecord>, Vec<SearchRecord>) {
    let catalogue = Catalogue::open_read_only(path).unwrap();
    let mut searches = catalogue.searches().unwrap();
    for search in &mut searches {
        search.seconds = 0.0;
    }
    (
        catalogue.sample().unwrap(),
        catalogue.events().unwrap(),
        searches,
    )
}

/// Waits until the catalogue holds so many searches.
pub fn wait_for(path: &Path, searches: usize) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_mins(2) {
        let stored = Catalogue::open_read_only(path).and_then(|catalogue| catalogue.searches());
        if stored.is_ok_and(|stored| stored.len() >= searches) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no {searches} searches in {}", path.display());
}
