//! The handful of numbers that a reader wants first.

use metabasin_catalogue::EventRecord;
use metabasin_files::findings::{
    Findings, GlassFindings, LandscapeFindings, LoadingFindings, Measured, RateFindings,
};
use serde::Serialize;

use crate::number::{fixed, measured, measured_of, rate, significant};

/// A number with its name, unit and a remark.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct KeyNumber {
    name: String,
    value: String,
    unit: &'static str,
    note: String,
}

impl KeyNumber {
    fn new(name: impl Into<String>, value: String, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            note: String::new(),
        }
    }

    fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// The key numbers of a run, those that it has.
pub(crate) fn key_numbers(findings: &Findings, events: Option<&[EventRecord]>) -> Vec<KeyNumber> {
    let mut numbers = of_the_glass(&findings.glass);
    numbers.extend(of_the_loading(&findings.rates, findings.samples));
    if let Some(events) = events {
        numbers.push(of_the_events(events));
    }
    if let Some(landscape) = &findings.landscape {
        numbers.extend(of_the_searches(landscape));
    }
    numbers
}

fn of_the_glass(glass: &GlassFindings) -> Vec<KeyNumber> {
    let mut numbers = Vec::new();
    if let Some(fictive) = glass.fictive_temperature {
        numbers.push(
            KeyNumber::new("Glass temperature T_f", measured(fictive), "ε/k_B")
                .noting("crossing of the liquid and glass lines of enthalpy; ± over fit windows"),
        );
    }
    if let Some(energy) = glass.inherent_energy_per_atom {
        numbers.push(
            KeyNumber::new("Inherent energy per atom", fixed(energy, 4), "ε")
                .noting("of the reference state"),
        );
    }
    if let Some(fraction) = glass.icosahedral_fraction_of_small {
        let mut number = KeyNumber::new(
            "Icosahedral share of small atoms",
            fixed(100.0 * fraction, 1),
            "%",
        );
        if let Some(cluster) = glass.icosahedral_largest_cluster {
            number = number.noting(format!("largest cluster: {cluster} centers"));
        }
        numbers.push(number);
    }
    numbers
}

/// One strain of a loading, picked out of its findings.
type Pick = fn(&LoadingFindings) -> Option<Measured>;
/// How many pairs it rests on.
type Count = fn(&LoadingFindings) -> usize;

/// How many pairs, and samples where there are several, stand behind a number.
fn of_pairs(count: usize, samples: usize) -> String {
    let pairs = match count {
        1 => "1 pair".to_owned(),
        count => format!("{count} pairs"),
    };
    if samples > 1 {
        format!("{pairs} of {samples} samples")
    } else {
        pairs
    }
}

fn of_the_loading(rates: &[RateFindings], samples: usize) -> Vec<KeyNumber> {
    let measured = |quantity: Measured| measured_of(samples, quantity);
    let mut numbers = Vec::new();
    let modulus = rates.iter().find_map(|found| {
        let md = found.md.as_ref()?;
        Some((md.shear_modulus?, found.rate_per_second, md))
    });
    if let Some((modulus, at, md)) = modulus {
        let mut note = format!("slope at {}", rate(at));
        if md.realizations > 0 {
            note = format!("{note}, {}", of_pairs(md.realizations, md.replicas));
        }
        numbers.push(KeyNumber::new("Shear modulus G, MD", measured(modulus), "ε/σ³").noting(note));
    }
    let strains: [(&str, Pick, Count); 2] = [
        ("Residual strain", |s| s.residual_strain, |s| s.unloaded),
        ("Recovered strain", |s| s.recovered_strain, |s| s.recovered),
    ];
    for (name, pick, count) in strains {
        for found in rates {
            let Some(value) = found.md.as_ref().and_then(pick) else {
                continue;
            };
            let name = format!("{name}, MD, {}", rate(found.rate_per_second));
            let mut number = KeyNumber::new(name, measured(value), "");
            let mut notes = Vec::new();
            if let Some(md) = found.md.as_ref().filter(|md| count(md) > 0) {
                notes.push(of_pairs(count(md), md.replicas));
            }
            if let Some(kmc) = found.kmc.as_ref().and_then(pick) {
                notes.push(format!("KMC: {}", measured(kmc)));
            }
            if !notes.is_empty() {
                number = number.noting(notes.join("; "));
            }
            numbers.push(number);
        }
    }
    numbers
}

fn of_the_events(events: &[EventRecord]) -> KeyNumber {
    let mut barriers: Vec<f64> = events
        .iter()
        .filter(|event| event.is_verified())
        .map(|event| event.barrier_forward)
        .collect();
    barriers.sort_by(f64::total_cmp);
    let count = barriers.len();
    let number = KeyNumber::new("Distinct verified events", count.to_string(), "");
    if count == 0 {
        return number;
    }
    let median = 0.5 * (barriers[(count - 1) / 2] + barriers[count / 2]);
    number.noting(format!("median barrier {} ε", significant(median, 3)))
}

fn of_the_searches(landscape: &LandscapeFindings) -> Vec<KeyNumber> {
    let mut numbers = Vec::new();
    let total: u64 = landscape.outcomes.iter().map(|(_, count)| count).sum();
    let connected: u64 = landscape
        .outcomes
        .iter()
        .filter(|(name, _)| name == "connected")
        .map(|(_, count)| count)
        .sum();
    if total > 0 {
        let share = 100.0 * connected as f64 / total as f64;
        numbers.push(
            KeyNumber::new(
                "Searches that ended connected",
                format!("{connected} of {total}"),
                "",
            )
            .noting(format!("{} %", fixed(share, 0))),
        );
    }
    if let Some(cost) = landscape.force_evaluations_per_event {
        numbers.push(
            KeyNumber::new("Force evaluations per event", significant(cost, 3), "")
                .noting("failures counted, per distinct event"),
        );
    }
    if let Some(coverage) = landscape.coverage {
        let mut number = KeyNumber::new("Coverage of the catalogue", fixed(coverage, 2), "");
        if let Some(chao1) = landscape.chao1 {
            number = number.noting(format!("Chao1: at least {} events", fixed(chao1, 0)));
        }
        numbers.push(number);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_found_is_named() {
        assert_eq!(key_numbers(&Findings::default(), None), []);
        let landscape = LandscapeFindings {
            outcomes: vec![
                ("connected".to_owned(), 30),
                ("disconnected".to_owned(), 10),
            ],
            coverage: Some(0.25),
            chao1: Some(812.4),
            ..LandscapeFindings::default()
        };
        let findings = Findings {
            landscape: Some(landscape),
            ..Findings::default()
        };
        let numbers = key_numbers(&findings, None);
        assert_eq!(numbers.len(), 2);
        assert_eq!(
            (numbers[0].value.as_str(), numbers[0].note.as_str()),
            ("30 of 40", "75 %")
        );
        assert_eq!(numbers[1].note, "Chao1: at least 812 events");
    }
}
