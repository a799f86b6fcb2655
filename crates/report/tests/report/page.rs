//! The page: whole, self-contained, escaped, the same every time.

use std::path::Path;

use metabasin_files::findings::{Findings, Quantity};
use metabasin_files::{Manifest, StageEntry, StageState};
use metabasin_report::{ReportError, write_report};

use crate::synthetic::findings;

fn manifest() -> Manifest {
    let mut manifest = Manifest::new("run", "(seed: 1, title: \"<b>&\")", 42, "portable", 2);
    manifest.started = "2026-01-01T00:00:00Z".to_owned();
    manifest.stages = vec![StageEntry {
        name: "shear".to_owned(),
        folder: "02-shear".to_owned(),
        state: StageState::Done,
        seconds: Some(75.0),
        reason: None,
        files: None,
    }];
    manifest
}

fn page(folder: &Path) -> String {
    let path = write_report(folder).unwrap();
    assert_eq!(path, folder.join("report.html"));
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_whole_run_has_every_section() {
    let folder = tempfile::tempdir().unwrap();
    findings().write(folder.path()).unwrap();
    manifest().write(folder.path()).unwrap();
    let series = folder.path().join("02-shear/series");
    std::fs::create_dir_all(&series).unwrap();
    std::fs::write(series.join("stress.csv"), "time\n").unwrap();
    // The template engine escapes slashes, too.
    let html = page(folder.path()).replace("&#x2f;", "/");
    for id in [
        "answer",
        "caveats",
        "key-numbers",
        "signatures",
        "measured",
        "assumed",
        "figures",
        "comparison",
        "missing",
        "reproduce",
        "provenance",
        "config",
    ] {
        assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
    for text in [
        "0.381 ± 0.012",
        "not resolvable",
        "17.02 ± 0.31",
        "1 min 15 s",
        "metabasin run run.ron --out DIR",
        "02-shear/series/*.csv",
        "(seed: 1, title: &quot;&lt;b&gt;&amp;&quot;)",
    ] {
        assert!(html.contains(text), "{text}");
    }
    // The answer comes first, then the caveats, before the first figure and the first number.
    let at = |text: &str| html.find(text).unwrap();
    assert!(at("Do MD and KMC agree?") < at("id=\"caveats\""));
    assert!(html.contains(
        "MD and KMC agree on the shear modulus G at 1e9 /s, they differ on the residual strain at \
         1e9 /s, and the rest is not resolvable; all is of one sample"
    ));
    assert!(at("id=\"caveats\"") < at("id=\"key-numbers\""));
    assert!(at("id=\"key-numbers\"") < at("<figure"));
    // Each figure is in the page and beside it, the same text.
    let plots: Vec<_> = std::fs::read_dir(folder.path().join("plots"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(plots.len(), html.matches("<figure id=").count());
    for plot in plots {
        assert!(html.contains(std::fs::read_to_string(plot).unwrap().trim()));
    }
}

#[test]
fn inherent_states_along_loading_are_drawn_and_broken_ones_told() {
    let folder = tempfile::tempdir().unwrap();
    findings().write(folder.path()).unwrap();
    assert!(!page(folder.path()).contains("figure-inherent-stress"));
    let series = folder.path().join("03-shear/series");
    std::fs::create_dir_all(&series).unwrap();
    let columns = "step,gamma,energy_per_atom [epsilon],stress_xy [epsilon/sigma^3],\
                   icosahedral_fraction_of_small,stress_xy_icosahedral [epsilon/sigma^3],\
                   stress_xy_other [epsilon/sigma^3]";
    for (sign, word) in [(1.0, "plus"), (-1.0, "minus")] {
        let stress = 0.15 * sign;
        let text = format!(
            "# metabasin series 1\n{columns}\n0,0.0,-7.0,0.0,0.25,0.0,0.0\n\
             10,{},-6.99,{stress},0.24,{stress},{stress}\n",
            0.01 * sign
        );
        std::fs::write(
            series.join(format!("rate-1e9-pair-1-{word}-inherent.csv")),
            text,
        )
        .unwrap();
    }
    let html = page(folder.path());
    for name in ["energy", "stress", "icosahedra"] {
        let figure = format!("<figure id=\"figure-inherent-{name}\">");
        assert_eq!(html.matches(&figure).count(), 1, "{name}");
    }
    assert!(html.contains("1e9 /s"));
    std::fs::write(series.join("rate-1e9-pair-2-plus-inherent.csv"), "broken\n").unwrap();
    let html = page(folder.path());
    assert!(!html.contains("figure-inherent-stress"));
    assert!(html.contains("inherent states along loading:"));
}

#[test]
fn the_page_loads_nothing_and_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    findings().write(folder.path()).unwrap();
    manifest().write(folder.path()).unwrap();
    let html = page(folder.path());
    let without_namespace = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for word in [
        "http://", "https://", "<script", "<link", "@import", "src=", "href=",
    ] {
        assert!(!without_namespace.contains(word), "{word}");
    }
    assert_eq!(page(folder.path()), html);
}

#[test]
fn hostile_text_is_escaped_everywhere() {
    let hostile = "<script>alert('x')</script>\"&";
    let folder = tempfile::tempdir().unwrap();
    let mut findings = findings();
    findings.title = hostile.to_owned();
    findings.glass.origin = hostile.to_owned();
    findings.caveats = vec![hostile.to_owned()];
    findings.signatures[0].evidence = hostile.to_owned();
    findings.comparison[0].quantity = hostile.to_owned();
    findings.measured = vec![Quantity {
        name: hostile.to_owned(),
        value: hostile.to_owned(),
        unit: hostile.to_owned(),
        source: hostile.to_owned(),
    }];
    findings.landscape.as_mut().unwrap().outcomes[1].0 = hostile.to_owned();
    findings.write(folder.path()).unwrap();
    let mut manifest = manifest();
    manifest.config = hostile.to_owned();
    manifest.kernel = hostile.to_owned();
    manifest.stages[0].name = hostile.to_owned();
    manifest.write(folder.path()).unwrap();
    let html = page(folder.path());
    assert!(!html.contains("<script"));
    assert!(html.matches("&lt;script&gt;").count() >= 12);
    let svg = std::fs::read_to_string(folder.path().join("plots/search-outcomes.svg")).unwrap();
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"));
}

#[test]
fn missing_parts_are_named_and_do_not_fail() {
    let folder = tempfile::tempdir().unwrap();
    Findings::default().write(folder.path()).unwrap();
    let html = page(folder.path());
    assert!(html.contains("This run has nothing to draw"));
    for text in [
        "Loading by MD",
        "Loading by kinetic Monte Carlo",
        "no run.json",
        "no catalogue",
    ] {
        assert!(html.contains(text), "{text}");
    }
    for id in [
        "caveats",
        "comparison",
        "provenance",
        "config",
        "signatures",
    ] {
        assert!(!html.contains(&format!("id=\"{id}\"")), "{id}");
    }

    let mut only_md = findings();
    for found in &mut only_md.rates {
        found.kmc = None;
    }
    only_md.write(folder.path()).unwrap();
    std::fs::write(folder.path().join("run.json"), "{").unwrap();
    let html = page(folder.path());
    assert!(html.contains("1e9 /s MD") && !html.contains("1e9 /s KMC"));
    assert!(html.contains("run.json: "));
}

#[test]
fn a_catalogue_that_is_missing_foreign_or_damaged_is_said_before_any_figure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let mut findings = findings();
    findings.landscape.as_mut().unwrap().outcomes = vec![("connected".to_owned(), 1)];
    findings.write(folder.path()).unwrap();
    let mut manifest = manifest();
    manifest.stages[0].name = "search".to_owned();
    manifest.write(folder.path()).unwrap();
    let caveat = |expected: &str| {
        let html = page(folder.path());
        let caveats = html.split("id=\"caveats\"").nth(1).unwrap();
        let caveats = caveats.split("</section>").next().unwrap();
        assert!(caveats.contains(expected), "{expected}: {caveats}");
    };
    caveat("catalogue.sqlite: is missing");

    let sample = metabasin_catalogue::SampleRecord::default();
    let session = |config: &str| metabasin_catalogue::Session {
        config: config.to_owned(),
        ..Default::default()
    };
    let mut catalogue = metabasin_catalogue::Catalogue::create(&path, &sample).unwrap();
    catalogue
        .record_session(&session("another config"))
        .unwrap();
    caveat("catalogue.sqlite: is not the one that this run made");
    catalogue
        .record_session(&session(&manifest.config))
        .unwrap();
    caveat("holds 0 searches, the findings rest on 1");
    let search = metabasin_catalogue::SearchRecord {
        index: 0,
        center_atom: 0,
        outcome: "connected".to_owned(),
        detail: None,
        event: None,
        evaluations: metabasin_catalogue::EvaluationCounts::default(),
        seconds: 0.5,
    };
    catalogue
        .record_search(&search, &metabasin_catalogue::Found::None)
        .unwrap();
    drop(catalogue);
    assert!(!page(folder.path()).contains("catalogue.sqlite: "));

    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    caveat("is damaged");
}

#[test]
fn a_folder_without_findings_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = write_report(folder.path()).unwrap_err();
    assert!(matches!(error, ReportError::NoFindings { .. }));
    assert!(error.to_string().contains("findings.json"));
    std::fs::write(folder.path().join("findings.json"), "{\"title\": 3}").unwrap();
    let error = write_report(folder.path()).unwrap_err().to_string();
    assert!(error.contains("findings.json"), "{error}");
    assert!(!folder.path().join("report.html").exists());
}
