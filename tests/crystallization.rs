//! A crystal is never passed off as a glass: `run` says so on stderr and on stdout, in `run.json`
//! and at the head of the report, for whole and for partial crystals, and for no glass.
#![cfg(test)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use metabasin_files::Manifest;
use metabasin_files::findings::Findings;

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;
use program::{glass, metabasin, text};

/// `MgZn2` (C14), four cells a side, Mg large and Zn small; atoms whose height is above
/// `crystal_share` of the cell are pushed from their sites by up to 0.25 along each axis, by a
/// fixed rule without order.
fn laves(folder: &Path, crystal_share: f64) -> PathBuf {
    let (a, z, x, copies) = (1.845, 0.062, 0.830, 4_i32);
    let (third, ratio) = (1.0 / 3.0, (8.0_f64 / 3.0).sqrt());
    let motif = [
        (1, [third, 2.0 * third, z]),
        (1, [2.0 * third, third, z + 0.5]),
        (1, [2.0 * third, third, 1.0 - z]),
        (1, [third, 2.0 * third, 0.5 - z]),
        (2, [0.0, 0.0, 0.0]),
        (2, [0.0, 0.0, 0.5]),
        (2, [x, 2.0 * x, 0.25]),
        (2, [-2.0 * x, -x, 0.25]),
        (2, [x, -x, 0.25]),
        (2, [-x, -2.0 * x, 0.75]),
        (2, [2.0 * x, x, 0.75]),
        (2, [-x, x, 0.75]),
    ];
    let side = a * f64::from(copies);
    let (ly, lz) = (side * 0.75_f64.sqrt(), side * ratio);
    let mut lines = String::new();
    let mut count = 0_u32;
    for number in 0..copies.pow(3) {
        let corner = [
            number % copies,
            number / copies % copies,
            number / copies / copies,
        ];
        for (kind, site) in motif {
            count += 1;
            let [u, v, w] = [0, 1, 2].map(|k| (f64::from(corner[k]) + site[k]) / f64::from(copies));
            let mut position = [side * (u - 0.5 * v), ly * v, lz * w];
            if w > crystal_share {
                for (k, coordinate) in (1_u32..).zip(&mut position) {
                    let scattered = (f64::from(count * (12 + k)) * 0.754_877_666).fract();
                    *coordinate += 0.5 * (scattered - 0.5);
                }
            }
            let [px, py, pz] = position;
            let mass = if kind == 1 { 1.0 } else { 0.5 };
            writeln!(lines, "{kind} {px} {py} {pz} {mass}").unwrap();
        }
    }
    let path = folder.join("laves.extxyz");
    let header = format!(
        "Lattice=\"{side} 0 0 {} {ly} 0 0 0 {lz}\" Properties=type:I:1:pos:R:3:masses:R:1",
        -0.5 * side
    );
    std::fs::write(&path, format!("{count}\n{header}\n{lines}")).unwrap();
    path
}

struct Ran {
    stdout: String,
    stderr: String,
    manifest: Manifest,
    findings: Findings,
    report: String,
}

fn run(folder: &Path, sample: &str, stages: &str) -> Ran {
    let config = folder.join("config.ron");
    let body = format!(
        "(kernel: portable, time_step: Tau(0.005), sample: \"{sample}\", stages: [{stages}])"
    );
    std::fs::write(&config, body).unwrap();
    let out = folder.join("out");
    let output = metabasin(&["run", text(&config), "--out", text(&out)]);
    let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let stderr = said(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    Ran {
        stdout: said(&output.stdout),
        stderr,
        manifest: Manifest::read(&out).unwrap(),
        findings: Findings::read(&out).unwrap(),
        report: std::fs::read_to_string(out.join("report.html")).unwrap(),
    }
}

#[test]
fn a_crystal_is_called_one_at_every_turn() {
    let folder = tempfile::tempdir().unwrap();
    let sample = laves(folder.path(), 1.0);
    let stages = "FromSample(temperature: Reduced(0.1)), \
                  Equilibrate(duration: Tau(2.0), quenches: 2), Compare()";
    let ran = run(folder.path(), text(&sample), stages);
    for said in [&ran.stdout, &ran.stderr, &ran.report] {
        assert!(said.contains("of the Laves phase MgZn2"), "{said}");
    }
    // Both stages say so: the file's sample, and its inherent states.
    assert_eq!(
        ran.manifest.warnings.len(),
        2,
        "{:?}",
        ran.manifest.warnings
    );
    assert!(ran.manifest.warnings[1].contains("256 of them in one cluster"));
    assert!(ran.manifest.warnings[1].contains("this is a crystal, not a glass"));
    assert!(ran.findings.glass.crystallization.is_some());
    assert!(ran.findings.caveats[0].starts_with("crystallization"));
}

#[test]
fn a_sample_half_crystal_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let sample = laves(folder.path(), 0.3);
    let stages = "FromSample(temperature: Reduced(0.1)), Compare()";
    let ran = run(folder.path(), text(&sample), stages);
    let [warning] = &ran.manifest.warnings[..] else {
        panic!("{:?}", ran.manifest.warnings)
    };
    // Between 15 and 45 % of the large atoms: the layers that were left alone.
    let share: f64 = warning
        .split(" % of the large")
        .next()
        .and_then(|text| text.rsplit(' ').next())
        .unwrap()
        .parse()
        .unwrap();
    assert!((15.0..45.0).contains(&share), "{warning}");
}

#[test]
fn a_glass_is_not_called_a_crystal() {
    let folder = tempfile::tempdir().unwrap();
    let stages = "FromSample(temperature: Reduced(0.28)), \
                  Equilibrate(duration: Tau(2.0), quenches: 2), Compare()";
    let ran = run(folder.path(), &glass(), stages);
    assert!(ran.manifest.warnings.is_empty());
    assert_eq!(ran.findings.glass.crystallization, None);
    for said in [&ran.stdout, &ran.stderr, &ran.report] {
        assert!(!said.contains("crystallization"), "{said}");
    }
}
