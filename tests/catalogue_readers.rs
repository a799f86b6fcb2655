//! `barriers`, `activation`, `export` and `kmc` from the command line, around one small catalogue.
#![cfg(test)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use metabasin_atoms::Configuration;
use metabasin_catalogue::{Catalogue, EventRecord};
use metabasin_files::read_trajectory;
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use nalgebra::Vector3;
use serde_json::Value;
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;
#[path = "support/small_catalogue.rs"]
mod small_catalogue;
use program::{assert_keys, json, refused, text};
use small_catalogue::{SEED, SHARED, events};

#[test]
fn barriers_gives_statistics_and_a_plot() {
    let folder = TempDir::new().unwrap();
    let plot = folder.path().join("barriers.svg");
    let catalogue = text(&SHARED.path);
    let arguments = ["barriers", catalogue, "--plot", text(&plot), "--bins", "7"];
    let found = json(&arguments);
    assert_keys(
        &found,
        &["events", "distinct", "coverage", "chao1", "classes"],
    );
    for quantity in ["barrier", "activation_volume"] {
        assert_keys(
            &found[quantity],
            &["mean", "std", "q05", "q25", "median", "q75", "q95"],
        );
    }
    let mut barriers: Vec<f64> = events(&SHARED.path)
        .iter()
        .filter(|event| event.is_verified())
        .map(|event| event.barrier_forward)
        .collect();
    barriers.sort_by(f64::total_cmp);
    assert_eq!(found["distinct"], barriers.len());
    assert_eq!(found["distinct"], SHARED.summary["events_distinct"]);
    let mean = barriers.iter().sum::<f64>() / barriers.len() as f64;
    assert!((found["barrier"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    let histogram = &found["histogram"];
    assert_eq!(histogram["edges"].as_array().unwrap().len(), 8);
    let counts = histogram["counts"].as_array().unwrap();
    let counted: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(counted, barriers.len() as u64);

    let svg = std::fs::read_to_string(&plot).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    std::fs::write(&plot, "mine").unwrap();
    assert!(refused(&arguments).contains("--force"));
    assert_eq!(std::fs::read_to_string(&plot).unwrap(), "mine");
    json(&[&arguments[..], &["--force"]].concat());
    assert_eq!(std::fs::read_to_string(&plot).unwrap(), svg);

    let window = format!("{}", barriers[barriers.len() - 1]);
    let below = json(&["barriers", catalogue, "--below", &window]);
    assert_eq!(below["distinct"], barriers.len() - 1);
    assert!(refused(&["barriers", catalogue, "--below", "-1"]).contains("-1"));
}

#[test]
fn barriers_follow_the_stress_as_their_activation_volumes_say() {
    // dΔH/dσ_xy = −Ω_xy. The central difference is off by step² times the third derivative and by
    // enthalpies converged to 1e-10 over the step.
    let folder = TempDir::new().unwrap();
    let plot = folder.path().join("stress.svg");
    let table = folder.path().join("stress.csv");
    let found = json(&[
        "activation",
        text(&SHARED.path),
        "--stress",
        "xy",
        "--to",
        "1e-3",
        "--steps",
        "1",
        "--both-ways",
        "--kernel",
        "portable",
        "--plot",
        text(&plot),
        "--csv",
        text(&table),
    ]);
    assert_eq!(found["control"], "stress");
    let rows = found["rows"].as_array().unwrap();
    let mut compared = 0;
    for event in found["ends"].as_array().unwrap() {
        let at = |gamma: f64| -> Option<&Value> {
            rows.iter().find(|row| {
                row["event"] == event["event"]
                    && row["gamma"].as_f64() == Some(gamma)
                    && row["state"] == "followed"
            })
        };
        if let (Some(here), Some(plus), Some(minus)) = (at(0.0), at(1e-3), at(-1e-3)) {
            let number = |row: &Value, key: &str| row[key].as_f64().unwrap();
            let slope = (number(plus, "barrier") - number(minus, "barrier")) / 2e-3;
            let volume = number(here, "omega_xy");
            assert!(
                (slope + volume).abs() < 1e-3 * volume.abs().max(1.0),
                "{slope} {volume}"
            );
            assert!((number(here, "slope") + volume).abs() < 1e-9);
            compared += 1;
        }
    }
    assert!(compared > 0);
    let table = std::fs::read_to_string(table).unwrap();
    assert!(table.starts_with('#') && table.contains("nominal stress"));
    let sheet = std::fs::read_to_string(plot).unwrap();
    assert!(sheet.contains("Stress added"));
    let refusal = |arguments: &[&str]| {
        let all = [&["activation", text(&SHARED.path)], arguments].concat();
        refused(&all)
    };
    assert!(refusal(&["--stress", "xy", "--strain", "xy"]).contains("--strain"));
    assert!(refusal(&["--stress", "xy", "--to", "100"]).contains("--stress times --to"));
}

/// The cells of a Parquet file as CSV would have them, header first.
#[cfg(feature = "parquet")]
fn parquet_cells(path: &Path) -> Vec<Vec<String>> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let columns = reader.metadata().file_metadata().schema_descr().columns();
    let header = columns.iter().map(|column| column.name().to_owned());
    let mut table = vec![header.collect::<Vec<_>>()];
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let cells = row.get_column_iter().map(|(_, field)| match field {
            Field::Null => String::new(),
            Field::Long(number) => number.to_string(),
            Field::Double(number) => format!("{number:?}"),
            Field::Str(text) => text.clone(),
            other => panic!("{other:?}"),
        });
        table.push(cells.collect());
    }
    table
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_the_rows_of_the_csv_and_what_made_them() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let path = text(&SHARED.path);
    let (csv, table) = (at("events.csv"), at("events.parquet"));
    json(&["barriers", path, "--csv", &csv, "--parquet", &table]);
    let (all_csv, all) = (at("all.csv"), at("all.parquet"));
    json(&["export", path, "--format", "csv", "-o", &all_csv]);
    json(&["export", path, "--format", "parquet", "-o", &all]);
    for (csv, table) in [(&csv, &table), (&all_csv, &all)] {
        let text = std::fs::read_to_string(csv).unwrap();
        let rows = text.lines().map(|row| row.split(',').map(str::to_owned));
        let rows: Vec<Vec<String>> = rows.map(Iterator::collect).collect();
        assert!(rows.len() > 1);
        assert_eq!(parquet_cells(Path::new(table)), rows);
    }
    let reader = SerializedFileReader::new(std::fs::File::open(&table).unwrap()).unwrap();
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let value = |key: &str| -> String {
        let entry = metadata.unwrap().iter().find(|entry| entry.key == key);
        entry.unwrap().value.clone().unwrap()
    };
    let sample = Catalogue::open_read_only(&SHARED.path)
        .unwrap()
        .sample()
        .unwrap();
    assert_eq!(value("seed"), SEED);
    assert_eq!(value("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(value("sample"), sample.fingerprint);
    assert_eq!(value("search_settings"), sample.settings);
    assert!(value("search_configs").starts_with('['));
    let units: Value = serde_json::from_str(&value("units")).unwrap();
    assert_eq!(units["barrier_forward"], "epsilon");
    assert_eq!(units["activation_volume_xy"], "sigma^3");
    assert!(units["hits"].is_null());
    // Written over only on request.
    assert!(refused(&["barriers", path, "--parquet", &table]).contains("--force"));
    json(&["barriers", path, "--parquet", &table, "--force"]);
}

/// What the README shows. Needs a Python with pandas and pyarrow.
#[cfg(feature = "parquet")]
#[test]
fn pandas_reads_the_parquet_file() {
    let script = "import sys, json, pandas, pyarrow.parquet\n\
                  events = pandas.read_parquet(sys.argv[1])\n\
                  metadata = pyarrow.parquet.read_schema(sys.argv[1]).metadata\n\
                  units = json.loads(metadata[b'units'])\n\
                  print(json.dumps([len(events), repr(events.barrier_forward.sum()), \
                  str(events.hits.dtype), units['barrier_forward'], metadata[b'seed'].decode()]))\n";
    let python = std::env::var("METABASIN_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = std::process::Command::new(&python)
        .args(["-c", "import pandas, pyarrow"])
        .output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "skipped: pandas_reads_the_parquet_file: {python} has no pandas with pyarrow \
             (METABASIN_PYTHON names another)"
        );
        return;
    }
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("events.parquet");
    json(&["barriers", text(&SHARED.path), "--parquet", text(&table)]);
    let output = std::process::Command::new(&python)
        .args(["-c", script, text(&table)])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let found: Value = serde_json::from_str(&printed).unwrap();
    let verified: Vec<EventRecord> = events(&SHARED.path)
        .into_iter()
        .filter(EventRecord::is_verified)
        .collect();
    assert_eq!(found[0], verified.len());
    let sum: f64 = verified.iter().map(|event| event.barrier_forward).sum();
    let theirs: f64 = found[1]
        .as_str()
        .unwrap()
        .trim_start_matches("np.float64(")
        .trim_end_matches(')')
        .parse()
        .unwrap();
    assert!((theirs - sum).abs() < 1e-9, "{theirs} {sum}");
    assert_eq!(found[2], "int64");
    assert_eq!(found[3], "epsilon");
    assert_eq!(found[4], SEED);
}

#[test]
fn barriers_follow_the_strain_as_their_dipoles_say() {
    // d(barrier)/dγ = −P_xy at fixed cell. The central difference at ±γ has an error of order γ²,
    // and that of saddle energies converged to |F| < 1e-5: about 1e-9 / γ.
    let gamma = 1e-5;
    let loaded = |strain: &str| {
        let found = json(&[
            "activation",
            text(&SHARED.path),
            "--to",
            strain,
            "--steps",
            "1",
            "--kernel",
            "portable",
        ]);
        assert_keys(&found, &["events", "rows"]);
        found
    };
    let (forward, backward) = (loaded("1e-5"), loaded("-1e-5"));
    let events: Vec<EventRecord> = events(&SHARED.path)
        .into_iter()
        .filter(EventRecord::is_verified)
        .collect();
    assert_eq!(forward["events"], events.len());
    for (k, event) in events.iter().enumerate() {
        let (stored, plus, minus) = (
            &forward["rows"][2 * k],
            &forward["rows"][2 * k + 1],
            &backward["rows"][2 * k + 1],
        );
        assert_eq!(stored["event"], event.id);
        assert_eq!(stored["barrier"], event.barrier_forward);
        assert_eq!(stored["omega_xy"].as_f64(), event.activation_volume());
        let number = |row: &Value, key: &str| row[key].as_f64().unwrap();
        assert_eq!(number(plus, "gamma"), gamma);
        let slope = (number(plus, "barrier") - number(minus, "barrier")) / (2.0 * gamma);
        let expected = -event.dipole_saddle.0[3];
        assert!(
            (slope - expected).abs() < 1e-2 * expected.abs().max(1.0),
            "{slope} {expected}"
        );
        let volume = event.activation_volume().unwrap();
        for row in [plus, minus] {
            assert!((number(row, "barrier") - event.barrier_forward).abs() < 1e-2);
            assert!((number(row, "omega_xy") - volume).abs() < 1e-2 * volume.abs().max(1.0));
        }
    }
    let first = json(&[
        "activation",
        text(&SHARED.path),
        "--events",
        "1",
        "--steps",
        "1",
    ]);
    assert_eq!(first["events"], 1);
    for to in ["0", "nan", "0.9"] {
        let message = refused(&["activation", text(&SHARED.path), "--to", to]);
        assert!(message.contains("--to"), "{message}");
    }
    for strain in ["0.01", "xw", "1,2,3", "0,0,0,0,0,0"] {
        let message = refused(&["activation", text(&SHARED.path), "--strain", strain]);
        assert!(message.contains("--strain"), "{message}");
    }
}

/// Kills a verb once one of its results is on disk; whatever that was, the same command ends with
/// what it would have given anyway.
fn killed_goes_on(arguments: &[&str], kept: &Path) {
    let without_seconds = || {
        let mut found = json(arguments);
        found.as_object_mut().unwrap().remove("seconds");
        found
    };
    let whole = without_seconds();
    assert!(!kept.exists(), "all is done");
    let mut killed = Command::new(env!("CARGO_BIN_EXE_metabasin"))
        .args(arguments)
        .args(["--threads", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = || std::fs::read_to_string(kept).map_or(0, |text| text.lines().count());
    while lines() < 2 {
        assert!(killed.try_wait().unwrap().is_none(), "nothing was kept");
        std::thread::sleep(Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(without_seconds(), whole);
    assert!(!kept.exists(), "all is done");
}

#[test]
fn a_killed_activation_and_a_killed_escape_go_on_with_what_is_left() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("glass.sqlite");
    std::fs::copy(&SHARED.path, &path).unwrap();
    let portable = ["--kernel", "portable"];
    let activation = ["activation", text(&path), "--to", "0.0005", "--both-ways"];
    let activation = [&activation[..], &["--steps", "1"]].concat();
    let kept = folder.path().join("glass.sqlite.activation");
    killed_goes_on(&[&activation[..], &portable[..]].concat(), &kept);
    let escape = ["escape", text(&path), "--temperatures", "0.2"];
    let short = "--trajectories 3 --interval 5 --time-step 0.005".split(' ');
    let short: Vec<&str> = short.collect();
    let kept = folder.path().join("glass.sqlite.escape");
    killed_goes_on(&[&escape[..], &short, &portable[..]].concat(), &kept);
}

fn energy(configuration: &Configuration) -> f64 {
    let potential = BinaryLennardJones::wahnstrom(Cut::Smooth);
    let mut field = ForceField::new(std::sync::Arc::new(potential), Kernel::Portable);
    let mut forces = vec![Vector3::zeros(); configuration.len()];
    let (cell, species) = (&configuration.cell, &configuration.species);
    field
        .evaluate(cell, &configuration.positions, species, &mut forces)
        .energy
}

#[test]
fn exported_frames_give_the_stored_barriers_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.extxyz");
    let arguments = [
        "export",
        text(&SHARED.path),
        "--format",
        "extxyz",
        "-o",
        text(&path),
    ];
    let exported = json(&arguments);
    let events: Vec<EventRecord> = events(&SHARED.path)
        .into_iter()
        .filter(EventRecord::is_verified)
        .collect();
    assert_eq!(exported["events"], events.len());
    let frames = read_trajectory(&path).unwrap();
    assert_eq!(frames.len(), 3 * events.len());
    let written = std::fs::read_to_string(&path).unwrap();
    let keys: Vec<&str> = written
        .lines()
        .filter(|line| line.contains("config_type="))
        .collect();
    assert_eq!(keys.len(), frames.len());
    for ((event, states), keys) in events.iter().zip(frames.chunks(3)).zip(keys.chunks(3)) {
        let [minimum, saddle, last] = [0, 1, 2].map(|k| energy(&states[k]));
        // Atoms that moved less than 1e-4 stand where they stood: the error is of second order.
        assert!((saddle - minimum - event.barrier_forward).abs() < 1e-4);
        assert!((saddle - last - event.barrier_reverse).abs() < 1e-4);
        for (line, (name, energy)) in
            keys.iter()
                .zip([("minimum", minimum), ("saddle", saddle), ("final", last)])
        {
            assert!(line.contains(&format!("config_type=\"{name}\"")), "{line}");
            assert!(line.contains(&format!("event={}", event.id)), "{line}");
            assert!(
                line.contains("cut=\"smooth\"") && line.contains("forces:R:3"),
                "{line}"
            );
            let stored = line
                .split("energy=")
                .nth(1)
                .unwrap()
                .split(' ')
                .next()
                .unwrap();
            assert!((stored.parse::<f64>().unwrap() - energy).abs() < 1e-9);
        }
    }
    assert!(refused(&arguments).contains("--force"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);

    // Wrapped, the same atoms to rounding; unwrapped, one frame differs from the next by what moved.
    let wrapped = folder.path().join("wrapped.extxyz");
    let [verb, catalogue, format, kind, o, _] = arguments;
    json(&[
        verb,
        catalogue,
        format,
        kind,
        o,
        text(&wrapped),
        "--wrapped",
    ]);
    let inside = std::fs::read_to_string(&wrapped).unwrap();
    assert_eq!(inside.matches("image:I:3").count(), frames.len());
    assert!(!written.contains("image:I:3"));
    for (wrapped, frame) in read_trajectory(&wrapped).unwrap().iter().zip(&frames) {
        let pairs = wrapped.positions.iter().zip(&frame.positions);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).amax() < 1e-11));
    }
    let table = folder.path().join("wrapped.csv");
    let refusal = refused(&[verb, catalogue, format, "csv", o, text(&table), "--wrapped"]);
    assert!(refusal.contains("--format extxyz"), "{refusal}");
    assert!(!table.exists());
}

#[test]
fn exported_rows_give_the_stored_numbers_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.csv");
    let arguments = [
        "export",
        text(&SHARED.path),
        "--format",
        "csv",
        "-o",
        text(&path),
    ];
    json(&arguments);
    let table = std::fs::read_to_string(&path).unwrap();
    let mut lines = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|title| *title == name).unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let events = events(&SHARED.path);
    assert_eq!(rows.len(), events.len());
    for (row, event) in rows.iter().zip(&events) {
        assert_eq!(row.len(), header.len());
        let number = |name: &str| row[column(name)].parse::<f64>().unwrap();
        assert_eq!(number("barrier_forward"), event.barrier_forward);
        assert_eq!(number("dipole_saddle_xy"), event.dipole_saddle.0[3]);
        assert_eq!(number("center_x"), event.center[0]);
        assert_eq!(number("hits"), event.hits as f64);
        assert_eq!(row[column("prefactor_forward")], "");
    }
    assert!(refused(&arguments).contains("--force"));
    json(&[&arguments[..], &["--force"]].concat());
}

#[test]
fn kmc_runs_from_a_catalogue() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("kmc");
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/kmc.ron");
    let catalogue = format!("catalogue={}", SHARED.path.display());
    let arguments = [
        "kmc",
        text(&config),
        "--out",
        text(&run),
        "--set",
        &catalogue,
        "--set",
        "stages[0].rates=[PerSecond(1e9)]",
        "--set",
        "stages[0].pairs=1",
        "--set",
        "stages[0].settings=(sites_per_edge: 4, upper_barrier: 20.0)",
    ];
    let found = json(&arguments);
    assert_keys(&found, &["events", "seconds", "events_per_second", "final"]);
    let (events, seconds) = (
        found["events"].as_f64().unwrap(),
        found["seconds"].as_f64().unwrap(),
    );
    let per_second = found["events_per_second"].as_f64().unwrap();
    assert!((per_second * seconds - events).abs() <= 1e-9 * events.max(1.0));
    assert_keys(&found["final"], &["time", "strain", "stress"]);
    assert_eq!(found["final"]["stress"].as_array().unwrap().len(), 6);
    assert!(run.join("findings.json").exists() && run.join("report.html").exists());
    assert!(refused(&arguments).contains("--force"));

    let search = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/search.ron");
    let message = refused(&[
        "kmc",
        text(&search),
        "--out",
        text(&folder.path().join("no")),
    ]);
    assert!(message.contains("Kmc"), "{message}");
    assert!(!folder.path().join("no").exists());
}
