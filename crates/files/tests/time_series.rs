//! A time series is appended to, cut and continued without a trace.
#![cfg(test)]

use std::fs;

use metabasin_files::{FilesError, Overwrite, Problem, SeriesHeader, SeriesWriter, read_series};
use proptest::prelude::*;

fn header() -> SeriesHeader {
    SeriesHeader::new(&[
        ("time", "tau"),
        ("gamma", ""),
        ("stress_xy", "energy / length^3"),
    ])
    .with_comment("shear of a glass")
}

fn row(step: u64) -> [f64; 3] {
    let time = step as f64 * 0.002778;
    [time, 1e-8 * time, (time * 0.7).sin() / 3.0]
}

#[test]
fn a_resumed_series_has_the_bytes_of_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.csv");
    let mut writer = SeriesWriter::create(&whole, &header(), Overwrite::Refuse).unwrap();
    for step in 0..50 {
        writer.append(10 * step, &row(step)).unwrap();
    }
    writer.flush().unwrap();
    let expected = fs::read(&whole).unwrap();
    // Killed at any byte at or beyond the checkpoint of step 200, and before anything was on disk.
    let checkpoint = {
        let text = String::from_utf8(expected.clone()).unwrap();
        text.find("\n210,").unwrap() + 1
    };
    for cut in (checkpoint..=expected.len())
        .step_by(13)
        .chain([expected.len()])
    {
        let path = folder.path().join("cut.csv");
        fs::write(&path, &expected[..cut]).unwrap();
        let mut writer = SeriesWriter::resume(&path, &header(), 200).unwrap();
        assert_eq!(writer.last_step(), Some(200));
        for step in 21..50 {
            writer.append(10 * step, &row(step)).unwrap();
        }
        drop(writer);
        assert!(fs::read(&path).unwrap() == expected, "cut at byte {cut}");
    }
    for cut in [0, 5, 30, header_length(&expected)] {
        let path = folder.path().join("early.csv");
        fs::write(&path, &expected[..cut]).unwrap();
        let mut writer = SeriesWriter::resume(&path, &header(), 0).unwrap();
        for step in 0..50 {
            writer.append(10 * step, &row(step)).unwrap();
        }
        drop(writer);
        assert!(fs::read(&path).unwrap() == expected, "cut at byte {cut}");
    }
}

fn header_length(text: &[u8]) -> usize {
    String::from_utf8_lossy(text).find("\n0,").unwrap() + 1
}

#[test]
fn the_header_carries_units_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.csv");
    let mut writer = SeriesWriter::create(&path, &header(), Overwrite::Refuse).unwrap();
    writer.append(5, &[0.1 + 0.2, f64::NAN, -1e-300]).unwrap();
    writer.flush().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        "# metabasin series 1\n# shear of a glass\n\
         step,time [tau],gamma,stress_xy [energy / length^3]\n\
         5,0.30000000000000004,NaN,-1e-300\n"
    );
    let series = read_series(&path).unwrap();
    assert_eq!(series.header, header());
    assert_eq!(series.steps, [5]);
    assert_eq!(series.column("stress_xy").unwrap(), [-1e-300]);
    assert!(series.column("gamma").unwrap()[0].is_nan());
    assert!(series.column("tau").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn numbers_come_back_with_the_same_bits(values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 3)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("series.csv");
        let mut writer = SeriesWriter::create(&path, &header(), Overwrite::Refuse).unwrap();
        writer.append(0, &values).unwrap();
        drop(writer);
        let series = read_series(&path).unwrap();
        for (column, value) in series.values.iter().zip(&values) {
            prop_assert_eq!(column[0].to_bits(), value.to_bits());
        }
    }
}

#[test]
fn faults_are_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.csv");
    let mut writer = SeriesWriter::create(&path, &header(), Overwrite::Refuse).unwrap();
    writer.append(5, &[0.0; 3]).unwrap();
    let problem = |error| match error {
        FilesError::Content { problem, .. } => problem,
        other => panic!("{other}"),
    };
    let late = writer.append(5, &[0.0; 3]).unwrap_err();
    assert_eq!(problem(late), Problem::StepOrder { last: 5, step: 5 });
    let short = writer.append(6, &[0.0; 2]).unwrap_err();
    assert!(matches!(problem(short), Problem::Columns { found: 3, .. }));
    writer.flush().unwrap();
    let again = SeriesWriter::create(&path, &header(), Overwrite::Refuse).unwrap_err();
    assert!(matches!(again, FilesError::Exists { .. }));
    let other = SeriesHeader::new(&[("time", "s")]);
    let other = SeriesWriter::resume(&path, &other, 5).unwrap_err();
    assert!(matches!(problem(other), Problem::Header { .. }));
    let comma = SeriesHeader::new(&[("a,b", "")]);
    assert!(SeriesWriter::create(&path, &comma, Overwrite::Allow).is_err());
    fs::write(&path, "# metabasin series 1\nstep,time\n0,x\n").unwrap();
    let text = read_series(&path).unwrap_err().to_string();
    assert!(
        text.contains("series.csv:3") && text.contains("`x`"),
        "{text}"
    );
    fs::write(&path, "step,time\n0,1\n").unwrap();
    let text = read_series(&path).unwrap_err().to_string();
    assert!(text.contains("# metabasin series 1"), "{text}");
}
