//! Catalogues of parts of a range of searches, put together as if one process had done all: `merge`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use metabasin_catalogue::{
    Catalogue, EventRates, EventRecord, Found, SampleRecord, SearchRecord, Session,
    remove_catalogue,
};
use metabasin_files::{Overwrite, try_output};
use metabasin_landscape::{IdentityTolerances, same_event};
use serde::Serialize;

use crate::journal::beside;
use crate::search_output::{check_replaceable, take_place};
use crate::{PipelineError, Progress};

/// Searches stored in one transaction.
const BATCH: usize = 200;

/// What `merge` reports.
#[derive(Clone, Debug, Serialize)]
pub struct MergeSummary {
    /// Catalogues that held searches.
    pub parts: usize,
    /// Searches in all.
    pub searches: u64,
    /// Index of the first search.
    pub first: u64,
    /// Index of the last search.
    pub last: u64,
    /// Searches that ended in an event.
    pub events_found: u64,
    /// Distinct events.
    pub events_distinct: u64,
    /// Ranges of searches that no part holds: first index, and one above the last.
    pub missing: Vec<[u64; 2]>,
}

/// One catalogue to be merged.
struct Part {
    path: PathBuf,
    range: Range<u64>,
    sample: SampleRecord,
    searches: Vec<SearchRecord>,
    events: Vec<EventRecord>,
    sessions: Vec<(u64, Session)>,
    /// Whether it stores states that molecular dynamics visited.
    has_states: bool,
}

impl Part {
    fn read(path: &Path) -> Result<Option<Self>, PipelineError> {
        let catalogue = Catalogue::open_read_only(path)?;
        let Some(range) = catalogue.search_range()? else {
            return Ok(None);
        };
        Ok(Some(Self {
            path: path.to_owned(),
            range,
            sample: catalogue.sample()?,
            searches: catalogue.searches()?,
            events: catalogue.events()?,
            sessions: catalogue.sessions()?,
            has_states: catalogue.graph()?.is_some(),
        }))
    }
}

/// Puts catalogues of ranges of searches together at `output`: searches in the order of their index,
/// events deduplicated in that order, so that the result is that of one process (seconds, hosts and
/// sessions apart). `partial` allows ranges that no part holds.
///
/// # Errors
/// Catalogues of different samples, settings or seeds, overlapping or missing ranges, a file in the
/// way, what the catalogues report. Nothing is left at `output` then.
pub fn merge_catalogues(
    inputs: &[PathBuf],
    output: &Path,
    overwrite: Overwrite,
    partial: bool,
    progress: &dyn Progress,
) -> Result<MergeSummary, PipelineError> {
    if output.exists() {
        if overwrite == Overwrite::Refuse {
            return Err(PipelineError::in_file(
                output,
                "exists already: --force replaces it",
            ));
        }
        check_replaceable(output)?;
    }
    try_output(output, Overwrite::Allow)?;
    let mut parts = Vec::new();
    for path in inputs {
        match Part::read(path)? {
            Some(part) => {
                if part.has_states {
                    progress.note(&format!(
                        "the states of harvests in {} are not merged: `metabasin harvest --store` of the \
                         merged catalogue makes them again",
                        path.display()
                    ));
                }
                parts.push(part);
            }
            None => progress.note(&format!("{} holds no search yet", path.display())),
        }
    }
    parts.sort_by_key(|part| part.range.start);
    let Some(first) = parts.first() else {
        return Err(PipelineError::BadInput(
            "none of the catalogues holds a search: name the catalogues that `search --range` made"
                .to_owned(),
        ));
    };
    for part in &parts[1..] {
        check_alike(first, part)?;
    }
    let missing = gaps(&parts)?;
    if let (Some([from, to]), false) = (missing.first(), partial) {
        return Err(PipelineError::BadInput(format!(
            "searches {from}..{to} are in none of the catalogues: run or resume `search --range` for \
             them, or merge without them (--partial)"
        )));
    }
    let unfinished = beside(output, ".merging");
    remove_catalogue(&unfinished)?;
    let merged = replay(&parts, &unfinished, progress);
    let (events_found, events_distinct) = match merged {
        Ok(counts) => counts,
        Err(error) => {
            // Best effort: the first error is the one worth telling.
            remove_catalogue(&unfinished).ok();
            return Err(error);
        }
    };
    take_place(&unfinished, output)?;
    Ok(MergeSummary {
        parts: parts.len(),
        searches: parts.iter().map(|part| part.searches.len() as u64).sum(),
        first: first.range.start,
        last: parts.last().map_or(0, |part| part.range.end - 1),
        events_found,
        events_distinct,
        missing,
    })
}

/// Whether two parts belong to one search; names both values where they do not.
fn check_alike(first: &Part, part: &Part) -> Result<(), PipelineError> {
    let differ = |what: &str, a: &dyn std::fmt::Display, b: &dyn std::fmt::Display| {
        PipelineError::BadInput(format!(
            "{} and {} cannot be merged: {what} {a} in the one, {b} in the other; merge catalogues \
             of one sample, one seed and one set of search settings",
            first.path.display(),
            part.path.display()
        ))
    };
    let (a, b) = (&first.sample, &part.sample);
    if a.fingerprint != b.fingerprint {
        return Err(differ("the sample is", &a.fingerprint, &b.fingerprint));
    }
    if a.seed != b.seed {
        return Err(differ("the seed is", &a.seed, &b.seed));
    }
    for (what, a, b) in [
        ("the potential is", &a.potential, &b.potential),
        ("the cut is", &a.cut, &b.cut),
        ("the settings are", &a.settings, &b.settings),
    ] {
        if a != b {
            return Err(differ(what, a, b));
        }
    }
    let shown = |value: Option<f64>| value.map_or("unknown".to_owned(), |value| value.to_string());
    if a.temperature != b.temperature {
        return Err(differ(
            "the temperature is",
            &shown(a.temperature),
            &shown(b.temperature),
        ));
    }
    if a.attempt_frequency != b.attempt_frequency {
        return Err(differ(
            "the attempt frequency is",
            &a.attempt_frequency,
            &b.attempt_frequency,
        ));
    }
    Ok(())
}

/// The ranges that no part holds, of parts in the order of their ranges.
fn gaps(parts: &[Part]) -> Result<Vec<[u64; 2]>, PipelineError> {
    let mut missing = Vec::new();
    let mut before: Option<&Part> = None;
    for part in parts {
        if let Some(before) = before {
            if part.range.start < before.range.end {
                return Err(PipelineError::BadInput(format!(
                    "{} holds searches {}..{} and {} holds {}..{}: the ranges overlap; merge each \
                     search once",
                    before.path.display(),
                    before.range.start,
                    before.range.end,
                    part.path.display(),
                    part.range.start,
                    part.range.end
                )));
            }
            if part.range.start > before.range.end {
                missing.push([before.range.end, part.range.start]);
            }
        }
        // Within a part that was merged with --partial.
        for pair in part.searches.windows(2) {
            if pair[1].index > pair[0].index + 1 {
                missing.push([pair[0].index + 1, pair[1].index]);
            }
        }
        before = Some(part);
    }
    missing.sort_unstable();
    Ok(missing)
}

/// Stores the searches of all parts one after the other; how many ended in an event, and in how
/// many distinct ones.
fn replay(
    parts: &[Part],
    path: &Path,
    progress: &dyn Progress,
) -> Result<(u64, u64), PipelineError> {
    let sample = &parts[0].sample;
    let mut catalogue = Catalogue::create(path, sample)?;
    let mut known: Vec<EventRecord> = Vec::new();
    let mut found_events = 0;
    let total: usize = parts.iter().map(|part| part.searches.len()).sum();
    progress.begin("merge", total as u64);
    for part in parts {
        for (first_search, session) in &part.sessions {
            catalogue.record_session_from((*first_search).max(part.range.start), session)?;
        }
        let earlier = known.len();
        // Events of this part by the id that they have in the merged catalogue.
        let mut merged_ids = std::collections::BTreeMap::new();
        for searches in part.searches.chunks(BATCH) {
            let mut batch: Vec<(&SearchRecord, Found)> = Vec::with_capacity(searches.len());
            for search in searches {
                let found = match search.event {
                    None => Found::None,
                    Some(id) => {
                        found_events += 1;
                        found_event(part, id, &mut known, earlier, sample, &mut merged_ids)?
                    }
                };
                batch.push((search, found));
            }
            catalogue.record_searches(batch.iter().map(|(search, found)| (*search, found)))?;
            progress.advance(searches.len() as u64);
        }
        keep_measured_rates(&mut catalogue, part, &merged_ids, &mut known)?;
    }
    progress.end();
    Ok((found_events, known.len() as u64))
}

/// What a search of a part that ended in the part's event `id` means to the merged catalogue.
fn found_event(
    part: &Part,
    id: u64,
    known: &mut Vec<EventRecord>,
    earlier: usize,
    sample: &SampleRecord,
    merged_ids: &mut std::collections::BTreeMap<u64, u64>,
) -> Result<Found, PipelineError> {
    if let Some(&event) = merged_ids.get(&id) {
        return Ok(Found::Known { event });
    }
    let event = part.events.iter().find(|event| event.id == id);
    let event = event.ok_or_else(|| {
        PipelineError::in_file(
            &part.path,
            format!("a search refers to event {id}, which is not there: restore it from a copy"),
        )
    })?;
    // Events of one part are told apart already: only those of earlier parts can be the same.
    let same = known[..earlier]
        .iter()
        .find(|other| same_event(other, event, sample, IdentityTolerances::default()));
    if let Some(same) = same {
        merged_ids.insert(id, same.id);
        return Ok(Found::Known { event: same.id });
    }
    let mut event = event.clone();
    event.id = known.len() as u64 + 1;
    merged_ids.insert(id, event.id);
    known.push(event.clone());
    Ok(Found::New(Box::new(event)))
}

/// Rates that only a later part measured go with the event that an earlier part found.
fn keep_measured_rates(
    catalogue: &mut Catalogue,
    part: &Part,
    merged_ids: &std::collections::BTreeMap<u64, u64>,
    known: &mut [EventRecord],
) -> Result<(), PipelineError> {
    let mut kept: Vec<(u64, EventRates)> = Vec::new();
    for event in &part.events {
        let measured = EventRates {
            prefactor_forward: event.prefactor_forward,
            prefactor_reverse: event.prefactor_reverse,
            barrier_core: event.barrier_core,
            core_atoms: event.core_atoms,
        };
        let Some(&id) = merged_ids.get(&event.id) else {
            continue;
        };
        let Some(stored) = known.get_mut(id as usize - 1) else {
            continue;
        };
        let has_rates = stored.prefactor_forward.is_some() || stored.barrier_core.is_some();
        if !has_rates && measured != EventRates::default() {
            kept.push((id, measured));
            stored.prefactor_forward = measured.prefactor_forward;
            stored.prefactor_reverse = measured.prefactor_reverse;
            stored.barrier_core = measured.barrier_core;
            stored.core_atoms = measured.core_atoms;
        }
    }
    catalogue.set_rates(kept.iter().map(|(id, rates)| (*id, rates)))?;
    Ok(())
}
