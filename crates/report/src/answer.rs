//! What a reader wants to know first: whether MD and KMC agree, where, and what to trust.

use metabasin_files::findings::{ComparisonRow, Findings, LoadingFindings, RateFindings};
use serde::Serialize;

use crate::number::rate;

/// One sentence and one table, one row a quantity.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Answer {
    sentence: String,
    rows: Vec<Row>,
}

/// Where both methods agree on a quantity, where they differ, and where it cannot be told.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    quantity: String,
    agree: String,
    differ: String,
    unresolved: String,
    one_alone: String,
    rests_on: String,
}

/// What a quantity of the comparison is called.
pub(crate) fn quantity_name(quantity: &str) -> String {
    match quantity {
        "shear_modulus" => "shear modulus G".to_owned(),
        "recovery_half_time" => "half time of recovery".to_owned(),
        "energy_drop" => "energy drop per atom".to_owned(),
        other => other.replace('_', " "),
    }
}

fn place(row: &ComparisonRow) -> String {
    row.rate_per_second
        .map_or_else(|| "zero load".to_owned(), rate)
}

/// `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The answer; `None` where nothing was loaded.
pub(crate) fn answer(findings: &Findings) -> Option<Answer> {
    let has = |of: fn(&RateFindings) -> bool| findings.rates.iter().any(of);
    let (md, kmc) = (
        has(|rate| rate.md.is_some()),
        has(|rate| rate.kmc.is_some()),
    );
    if !md && !kmc {
        return None;
    }
    let scope = match findings.samples {
        0 | 1 => "all is of one sample, and no error here says what another would give".to_owned(),
        samples => format!("errors are the spread of {samples} samples"),
    };
    let verdict = match (md, kmc) {
        (true, false) => "Whether MD and KMC agree cannot be said: there is no KMC".to_owned(),
        (false, true) => "Whether MD and KMC agree cannot be said: there is no MD".to_owned(),
        _ => agreement(&findings.comparison),
    };
    Some(Answer {
        sentence: format!("{verdict}; {scope}."),
        rows: rows(findings),
    })
}

fn both(row: &ComparisonRow) -> bool {
    row.md.is_some() && row.kmc.is_some()
}

/// On what, and where, both agree and differ, as one clause.
fn agreement(comparison: &[ComparisonRow]) -> String {
    let on = |answer: Option<bool>| {
        let names = names(comparison);
        let parts: Vec<String> = names
            .iter()
            .filter_map(|name| {
                let places: Vec<String> = comparison
                    .iter()
                    .filter(|row| both(row))
                    .filter(|row| row.quantity == *name && row.agrees == answer)
                    .map(place)
                    .collect();
                (!places.is_empty())
                    .then(|| format!("the {} at {}", quantity_name(name), listed(&places)))
            })
            .collect();
        listed(&parts)
    };
    let (agree, differ, unresolved) = (on(Some(true)), on(Some(false)), on(None));
    let mut clauses = Vec::new();
    if !agree.is_empty() {
        clauses.push(format!("MD and KMC agree on {agree}"));
    }
    if !differ.is_empty() {
        let who = if agree.is_empty() {
            "MD and KMC"
        } else {
            "they"
        };
        clauses.push(format!("{who} differ on {differ}"));
    }
    match (clauses.is_empty(), unresolved.is_empty()) {
        (true, true) => {
            "MD and KMC were run at no rate in common, so whether they agree cannot be \
                         said"
                .to_owned()
        }
        (true, false) => {
            "Whether MD and KMC agree is not resolvable anywhere: no number that both \
                          have is known well enough"
                .to_owned()
        }
        (false, true) => clauses.join(", "),
        (false, false) => format!("{}, and the rest is not resolvable", clauses.join(", ")),
    }
}

/// The quantities of a comparison, each once, in its order.
fn names(comparison: &[ComparisonRow]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for row in comparison {
        if !names.contains(&row.quantity.as_str()) {
            names.push(&row.quantity);
        }
    }
    names
}

fn rows(findings: &Findings) -> Vec<Row> {
    let comparison = &findings.comparison;
    let row = |name: &str| {
        let at = |wanted: &dyn Fn(&ComparisonRow) -> bool| {
            let of_name = comparison.iter().filter(|row| row.quantity == name);
            let places: Vec<String> = of_name.filter(|row| wanted(row)).map(place).collect();
            places.join(", ")
        };
        let judged = |answer: Option<bool>| at(&|row| both(row) && row.agrees == answer);
        let alone = [
            ("MD", at(&|row| row.kmc.is_none())),
            ("KMC", at(&|row| row.md.is_none())),
        ];
        let one_alone: Vec<String> = alone
            .into_iter()
            .filter(|(_, places)| !places.is_empty())
            .map(|(method, places)| format!("{method} at {places}"))
            .collect();
        Row {
            quantity: quantity_name(name),
            agree: judged(Some(true)),
            differ: judged(Some(false)),
            unresolved: judged(None),
            one_alone: one_alone.join("; "),
            rests_on: rests_on(findings, name),
        }
    };
    names(comparison).into_iter().map(row).collect()
}

/// How many pairs, lattices or copies stand behind a quantity, and of how many samples.
fn rests_on(findings: &Findings, quantity: &str) -> String {
    let of_rate = |found: &LoadingFindings| match quantity {
        "shear_modulus" => Some(found.realizations),
        "residual_strain" => Some(found.unloaded),
        "recovered_strain" | "recovery_half_time" => Some(found.recovered),
        _ => None,
    };
    let counts = |of: fn(&RateFindings) -> Option<&LoadingFindings>| -> Vec<usize> {
        let counts = findings.rates.iter().filter_map(of).filter_map(of_rate);
        counts.filter(|count| *count > 0).collect()
    };
    let range = |counts: &[usize]| -> Option<String> {
        let (least, most) = (counts.iter().min()?, counts.iter().max()?);
        Some(if least == most {
            least.to_string()
        } else {
            format!("{least} to {most}")
        })
    };
    let mut parts = Vec::new();
    if let Some(pairs) = range(&counts(|rate| rate.md.as_ref())) {
        parts.push(format!("MD: pairs a rate {pairs}"));
    }
    if let Some(lattices) = range(&counts(|rate| rate.kmc.as_ref())) {
        parts.push(format!("KMC: lattices a rate {lattices}"));
    }
    let samples = match findings.samples {
        0 | 1 => "one sample".to_owned(),
        samples => format!("{samples} samples"),
    };
    parts.push(samples);
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(
        quantity: &str,
        rate: Option<f64>,
        sides: (bool, bool),
        agrees: Option<bool>,
    ) -> ComparisonRow {
        ComparisonRow {
            quantity: quantity.to_owned(),
            rate_per_second: rate,
            md: sides.0.then_some(1.0),
            md_error: None,
            md_independent: 0,
            kmc: sides.1.then_some(1.0),
            kmc_error: None,
            kmc_independent: 0,
            agrees,
        }
    }

    fn findings(comparison: Vec<ComparisonRow>) -> Findings {
        let found = |count: usize| LoadingFindings {
            realizations: count,
            unloaded: count,
            ..LoadingFindings::default()
        };
        Findings {
            rates: vec![RateFindings {
                rate_per_second: 1e9,
                md: Some(found(1)),
                kmc: Some(found(4)),
            }],
            comparison,
            ..Findings::default()
        }
    }

    #[test]
    fn the_sentence_says_where_both_agree_differ_and_cannot_be_told_apart() {
        let found = findings(vec![
            row("shear_modulus", Some(1e9), (true, true), Some(false)),
            row("shear_modulus", Some(2e8), (true, true), Some(false)),
            row("residual_strain", Some(1e9), (true, true), Some(true)),
            row("residual_strain", Some(1e7), (false, true), None),
            row("energy_drop", None, (true, true), None),
        ]);
        let answer = answer(&found).unwrap();
        assert_eq!(
            answer.sentence,
            "MD and KMC agree on the residual strain at 1e9 /s, they differ on the shear modulus G \
             at 1e9 /s and 2e8 /s, and the rest is not resolvable; all is of one sample, and no \
             error here says what another would give."
        );
        let residual = &answer.rows[1];
        assert_eq!(
            (residual.agree.as_str(), residual.one_alone.as_str()),
            ("1e9 /s", "KMC at 1e7 /s")
        );
        assert_eq!(
            residual.rests_on,
            "MD: pairs a rate 1; KMC: lattices a rate 4; one sample"
        );
        assert_eq!(answer.rows[2].unresolved, "zero load");
    }

    #[test]
    fn one_pair_is_no_ground_to_say_anything() {
        let mut found = findings(vec![row("shear_modulus", Some(1e9), (true, true), None)]);
        let said = |found: &Findings| answer(found).unwrap().sentence;
        assert!(said(&found).starts_with("Whether MD and KMC agree is not resolvable anywhere"));
        found.samples = 8;
        assert!(said(&found).ends_with("errors are the spread of 8 samples."));
        found.rates[0].kmc = None;
        assert!(said(&found).contains("there is no KMC"));
        found.rates.clear();
        assert!(answer(&found).is_none());
    }
}
