//! The content of the report page: findings and provenance as the template wants them.

use metabasin_catalogue::EventRecord;
use metabasin_files::Manifest;
use metabasin_files::findings::{ComparisonRow, Findings, Measured, Quantity, Verdict};
use serde::Serialize;

use crate::answer::{Answer, answer, quantity_name};
use crate::figures::{self, Figure};
use crate::inherent_series::InherentLoading;
use crate::key_numbers::{KeyNumber, key_numbers};
use crate::number::{measured_of, rate, significant};
use crate::provenance::{self, Row, Stage};
use crate::templates;

/// Everything that a page is made of.
pub(crate) struct Material<'a> {
    pub(crate) findings: &'a Findings,
    /// `None` where the run has no readable `run.json`.
    pub(crate) manifest: Option<&'a Manifest>,
    /// `None` where the run has no readable catalogue.
    pub(crate) events: Option<&'a [EventRecord]>,
    /// Inherent states along loading, where they were written.
    pub(crate) inherent: &'a [InherentLoading],
    /// Time series of the stages, relative to the run directory.
    pub(crate) series: &'a [String],
    /// Views in three dimensions that stand beside the report.
    pub(crate) views: &'a [&'a str],
    /// Files that are there and could not be read, with the reasons.
    pub(crate) unreadable: Vec<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    subtitle: String,
    answer: Option<Answer>,
    caveats: Vec<&'a String>,
    key_numbers: Vec<KeyNumber>,
    views: &'a [&'a str],
    signatures: Vec<SignatureRow<'a>>,
    quantities: Vec<Table<'a>>,
    figures: Vec<Drawn<'a>>,
    comparison: Vec<Compared>,
    missing: Vec<String>,
    reproduce: Vec<Step>,
    provenance: Vec<Row>,
    stages: Vec<Stage<'a>>,
    config: &'a str,
}

#[derive(Serialize)]
struct Drawn<'a> {
    name: &'a str,
    svg: String,
    caption: &'a str,
    data: String,
}

#[derive(Serialize)]
struct Table<'a> {
    id: &'static str,
    title: &'static str,
    source_title: &'static str,
    rows: &'a [Quantity],
}

#[derive(Serialize)]
struct SignatureRow<'a> {
    name: &'a str,
    method: &'a str,
    verdict: String,
    class: &'static str,
    evidence: &'a str,
}

#[derive(Serialize)]
struct Compared {
    quantity: String,
    rate: String,
    md: String,
    kmc: String,
    agrees: &'static str,
    class: &'static str,
}

#[derive(Serialize)]
struct Step {
    text: &'static str,
    command: String,
}

/// The page as HTML, and the figures on it: file name and SVG text.
pub(crate) fn render(
    material: &Material<'_>,
) -> Result<(String, Vec<(String, String)>), minijinja::Error> {
    let findings = material.findings;
    let mut figures = figures::all(findings, material.events);
    if !material.inherent.is_empty() {
        figures.push(figures::inherent_energy(material.inherent));
        figures.push(figures::inherent_stress(material.inherent));
        figures.push(figures::inherent_icosahedra(material.inherent));
    }
    let svgs: Vec<String> = figures.iter().map(|figure| figure.plot.to_svg()).collect();
    let page = Page {
        title: match findings.title.trim() {
            "" => "A run of metabasin",
            title => title,
        },
        subtitle: subtitle(findings),
        answer: answer(findings),
        caveats: findings
            .caveats
            .iter()
            .chain(&material.unreadable)
            .collect(),
        key_numbers: key_numbers(findings, material.events),
        views: material.views,
        signatures: signatures(findings),
        quantities: tables(findings),
        figures: figures
            .iter()
            .zip(&svgs)
            .map(|(figure, svg)| Drawn {
                name: &figure.plot.name,
                svg: svg.clone(),
                caption: &figure.caption,
                data: data_line(figure, material.series),
            })
            .collect(),
        comparison: findings
            .comparison
            .iter()
            .map(|row| compared(row, findings.samples))
            .collect(),
        missing: missing(material),
        reproduce: reproduce(material.manifest),
        provenance: material.manifest.map(provenance::rows).unwrap_or_default(),
        stages: material
            .manifest
            .map(provenance::stages)
            .unwrap_or_default(),
        config: material.manifest.map_or("", |manifest| &manifest.config),
    };
    let html = templates::render("report.html", &page)?;
    let plots = figures
        .iter()
        .map(|figure| figure.plot.name.clone())
        .zip(svgs)
        .collect();
    Ok((html, plots))
}

fn subtitle(findings: &Findings) -> String {
    let glass = &findings.glass;
    if glass.atoms == 0 {
        return String::new();
    }
    let origin = glass.origin.trim();
    let origin = if origin.is_empty() {
        String::new()
    } else {
        format!(" · {origin}")
    };
    format!(
        "{} atoms · temperature {} ε/k_B{origin}",
        glass.atoms,
        significant(glass.temperature, 3)
    )
}

/// Where the data of a figure lie, for a reader with the run directory at hand.
fn data_line(figure: &Figure, series: &[String]) -> String {
    let behind: Vec<&str> = series
        .iter()
        .filter(|path| figure.stages.iter().any(|word| path.contains(word)))
        .map(String::as_str)
        .collect();
    if behind.is_empty() {
        figure.source.clone()
    } else {
        format!("{}; frames: {}", figure.source, behind.join(", "))
    }
}

fn signatures(findings: &Findings) -> Vec<SignatureRow<'_>> {
    findings
        .signatures
        .iter()
        .map(|signature| {
            let (verdict, class) = match signature.verdict {
                Verdict::Present => ("present", "present"),
                Verdict::Absent => ("absent", "absent"),
                Verdict::NotResolvable => ("not resolvable", "not-resolvable"),
            };
            let told = signature.verdict != Verdict::NotResolvable;
            SignatureRow {
                name: &signature.name,
                method: &signature.method,
                verdict: if told && findings.samples < 2 {
                    format!("{verdict} in this sample")
                } else {
                    verdict.to_owned()
                },
                class,
                evidence: &signature.evidence,
            }
        })
        .collect()
}

fn tables(findings: &Findings) -> Vec<Table<'_>> {
    [
        Table {
            id: "measured",
            title: "What was measured",
            source_title: "From",
            rows: &findings.measured,
        },
        Table {
            id: "assumed",
            title: "What was assumed",
            source_title: "Why, or from where",
            rows: &findings.assumed,
        },
    ]
    .into_iter()
    .filter(|table| !table.rows.is_empty())
    .collect()
}

fn compared(row: &ComparisonRow, samples: usize) -> Compared {
    let side = |value: Option<f64>, error: Option<f64>, independent: usize| {
        let measured = |value| Measured {
            value,
            error,
            independent,
        };
        value.map_or_else(
            || "–".to_owned(),
            |value| measured_of(samples, measured(value)),
        )
    };
    let unit = match row.quantity.as_str() {
        "shear_modulus" => " [ε/σ³]",
        "recovery_half_time" => " [mapped s]",
        "energy_drop" => " [ε]",
        _ => "",
    };
    let quantity = format!("{}{unit}", quantity_name(&row.quantity));
    let (agrees, class) = match row.agrees {
        Some(true) => ("yes", "yes"),
        Some(false) => ("no", "no"),
        None => ("not resolvable", "unknown"),
    };
    Compared {
        quantity,
        rate: row
            .rate_per_second
            .map_or_else(|| "zero load".to_owned(), rate),
        md: side(row.md, row.md_error, row.md_independent),
        kmc: side(row.kmc, row.kmc_error, row.kmc_independent),
        agrees,
        class,
    }
}

fn missing(material: &Material<'_>) -> Vec<String> {
    let findings = material.findings;
    let mut missing = Vec::new();
    let mut say = |absent: bool, text: &str| {
        if absent {
            missing.push(text.to_owned());
        }
    };
    let none = |pick: fn(&metabasin_files::findings::RateFindings) -> bool| {
        !findings.rates.iter().any(pick)
    };
    say(
        findings.glass.cooling.is_none(),
        "Cooling: the sample was not made in this run.",
    );
    say(none(|found| found.md.is_some()), "Loading by MD.");
    say(
        none(|found| found.kmc.is_some()),
        "Loading by kinetic Monte Carlo.",
    );
    say(findings.zero_load_md.is_none(), "MD at zero load.");
    say(
        findings.zero_load_kmc.is_none(),
        "Kinetic Monte Carlo at zero load.",
    );
    say(
        material.events.is_none(),
        "Saddle searches: the run directory holds no catalogue of events.",
    );
    say(
        material.manifest.is_none(),
        "Provenance: the run directory holds no run.json.",
    );
    say(
        findings.comparison.is_empty(),
        "Comparison of MD and KMC: it needs both.",
    );
    missing.extend(material.unreadable.iter().cloned());
    missing
}

fn reproduce(manifest: Option<&Manifest>) -> Vec<Step> {
    let mut steps = Vec::new();
    if manifest.is_some_and(|manifest| !manifest.config.is_empty()) {
        steps.push(Step {
            text: "Save the configuration below as run.ron: it holds the seed. The same force \
                   kernel (see the provenance) gives the same bits, for any number of threads; a \
                   run with kernel: portable gives the same bits on every machine.",
            command: "metabasin run run.ron --out DIR".to_owned(),
        });
    }
    steps.push(Step {
        text: "This page and its plots are rebuilt from the files of the run directory, without \
               simulating, by",
        command: "metabasin report DIR".to_owned(),
    });
    steps
}
