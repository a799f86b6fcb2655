//! The exported LAMMPS job, and what LAMMPS makes of it where there is one: `lmp` on the PATH, or
//! the program that `METABASIN_LMP` names.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};
use std::process::Command;

use metabasin_atoms::Configuration;
use metabasin_files::{Overwrite, Series, read_series, read_with_notes, write_lammps_data};
use metabasin_testkit::data;
use program::{json, metabasin, refused, said, text};
use tempfile::TempDir;

/// The LAMMPS to test with; says which test is skipped where there is none.
fn lammps(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("METABASIN_LMP").map(PathBuf::from);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || {
        std::env::split_paths(&paths)
            .map(|folder| folder.join("lmp"))
            .find(|path| path.is_file())
    };
    let found = named.or_else(on_path);
    if found.is_none() {
        eprintln!("skipped: {test}: no lmp on the PATH and METABASIN_LMP is not set");
    }
    found
}

fn run_in(lmp: &Path, folder: &Path, script: &str) {
    let output = Command::new(lmp)
        .args(["-in", script, "-screen", "none"])
        .current_dir(folder)
        .output()
        .unwrap();
    let log = std::fs::read_to_string(folder.join("log.lammps")).unwrap_or_default();
    assert!(
        output.status.success(),
        "{}{log}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn config(folder: &Path, cut: &str, stages: &str) -> PathBuf {
    let sample = data("wahn500_T0.28.data.gz");
    let config = folder.join("job.ron");
    let content = format!(
        "(cut: {cut}, kernel: portable, time_step: Tau(0.005), sample: {:?}, stages: [\n\
         FromSample(temperature: Reduced(0.28)),\n{stages}])\n",
        sample.display().to_string()
    );
    std::fs::write(&config, content).unwrap();
    config
}

fn equilibration(root: &Path) -> Series {
    read_series(&root.join("02-equilibrate/series/equilibrate.csv")).unwrap()
}

fn exported(config: &Path, job: &Path) {
    let exported = json(&["export-lammps", text(config), "-o", text(job)]);
    assert_eq!(exported["atoms"], 500);
}

#[test]
fn a_job_has_all_that_lammps_needs_and_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let stages = "Equilibrate(duration: Tau(2.0), quenches: 2), Shear(rates: [PerTau(0.01)], \
                  strain: 0.02, pairs: 2), Unload(unload_rate: PerTau(0.01)), Recover(quenches: 2), \
                  Search(searches: 1), Compare()";
    let config = config(folder.path(), "truncated", stages);
    let job = folder.path().join("job");
    let exported = json(&["export-lammps", text(&config), "-o", text(&job)]);
    assert_eq!(exported["trajectories"], 13);
    assert_eq!(exported["left_out"][0], "search");
    let read = |name: &str| std::fs::read_to_string(job.join(name)).unwrap();
    assert!(read("potential.lammps").contains("pair_style lj/cut 2.5"));
    assert!(read("potential.lammps").contains("pair_modify shift no"));
    let script = read("in.lammps");
    assert!(script.contains("fix drive all deform 1 xy erate -0.01 remap x flip no"));
    assert!(script.contains("velocity all create 0.28"));
    assert!(job.join("03-shear").is_dir());
    let refusal = refused(&["export-lammps", text(&config), "-o", text(&job)]);
    assert!(
        refusal.contains("in.lammps") && refusal.contains("--force"),
        "{refusal}"
    );
    // Nothing has run in it yet: a run directory without finished trajectories.
    let run = folder.path().join("run");
    let imported = json(&["import-lammps", text(&job), "-o", text(&run)]);
    assert_eq!(imported["finished"], 0);
    let refusal = refused(&["import-lammps", text(folder.path()), "-o", text(&run)]);
    assert!(refusal.contains("export-lammps"), "{refusal}");
}

/// A job is of one sample, and comes back as a run of one.
#[test]
fn the_job_of_a_config_with_replicas_is_of_the_first() {
    let folder = TempDir::new().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/small/replicas.ron");
    let [job, run] = ["job", "run"].map(|name| folder.path().join(name));
    let few = ["--set", "stages[0].atoms=500"];
    let output = metabasin(
        &[
            &["export-lammps", text(&config), "-o", text(&job)][..],
            &few,
        ]
        .concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("first of 3 samples"),
        "{}",
        said(&output)
    );
    let written = std::fs::read_to_string(job.join("config.ron")).unwrap();
    assert!(written.contains("replicas: 1"), "{written}");
    let imported = json(&["import-lammps", text(&job), "-o", text(&run)]);
    assert_eq!(imported["finished"], 0);
    // As exported by versions that left the number of samples in.
    std::fs::write(
        job.join("config.ron"),
        written.replace("replicas: 1", "replicas: 3"),
    )
    .unwrap();
    let again = ["import-lammps", text(&job), "-o", text(&run), "--force"];
    assert_eq!(json(&again)["trajectories"], imported["trajectories"]);
}

#[test]
fn a_temperature_that_is_to_be_measured_cannot_be_exported() {
    let folder = TempDir::new().unwrap();
    let job = folder.path().join("job");
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/small/loading.ron");
    let refusal = refused(&["export-lammps", text(&config), "-o", text(&job)]);
    assert!(
        refusal.contains("stages[0].temperature") && refusal.contains("--set"),
        "{refusal}"
    );
    assert!(!job.exists());
    let exported = json(&[
        "export-lammps",
        text(&config),
        "-o",
        text(&job),
        "--set",
        "stages[0].temperature=Reduced(0.28)",
    ]);
    assert_eq!(exported["atoms"], 4000);
}

/// Same structure, same cut: energies and the pressure tensor of step 0 agree to rounding, and after
/// a few steps to what the integrators differ by.
#[test]
fn lammps_finds_our_energies_and_pressures_at_step_0() {
    let Some(lmp) = lammps("lammps_finds_our_energies_and_pressures_at_step_0") else {
        return;
    };
    for cut in ["truncated", "shifted", "smooth"] {
        let folder = TempDir::new().unwrap();
        let config = config(
            folder.path(),
            cut,
            "Equilibrate(duration: Tau(2.0), quenches: 2), Compare()",
        );
        let [job, theirs, ours] = ["job", "theirs", "ours"].map(|name| folder.path().join(name));
        exported(&config, &job);
        run_in(&lmp, &job, "in.lammps");
        json(&["import-lammps", text(&job), "-o", text(&theirs)]);
        json(&["run", text(&config), "--out", text(&ours)]);
        let (theirs, ours) = (equilibration(&theirs), equilibration(&ours));
        assert_eq!(theirs.steps, ours.steps, "{cut}");
        let stress = ["xx", "yy", "zz", "xy", "xz", "yz"].map(|ab| format!("mean_stress_{ab}"));
        for name in [
            "temperature",
            "potential_energy_per_atom",
            "kinetic_energy_per_atom",
            "volume",
            "pressure",
        ]
        .into_iter()
        .chain(stress.iter().map(String::as_str))
        {
            let (a, b) = (theirs.column(name).unwrap(), ours.column(name).unwrap());
            let scale = b[0].abs().max(1.0);
            assert!(
                (a[0] - b[0]).abs() < 1e-10 * scale,
                "{cut} {name}: {} {}",
                a[0],
                b[0]
            );
            // Their barostat's mass differs by 2/N, so paths part slowly; means of an interval are
            // over every step there, over every tenth here.
            assert!(
                name.starts_with("mean_") || (a[1] - b[1]).abs() < 2e-3,
                "{cut} {name}: {} {}",
                a[1],
                b[1]
            );
        }
    }
}

#[test]
fn a_whole_job_comes_back_as_a_run() {
    let Some(lmp) = lammps("a_whole_job_comes_back_as_a_run") else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let stages = "Equilibrate(duration: Tau(5.0), quenches: 2),\n\
                  Shear(rates: [PerTau(0.0025)], strain: 0.02, quenches: 2),\n\
                  Unload(unload_rate: PerTau(0.0025)),\nRecover(quenches: 2),\n\
                  Relax(copies: 1, duration: Tau(1.0), quenches: 2),\nCompare()";
    let config = config(folder.path(), "smooth", stages);
    let [job, run] = ["job", "run"].map(|name| folder.path().join(name));
    exported(&config, &job);
    run_in(&lmp, &job, "in.lammps");
    let imported = json(&["import-lammps", text(&job), "-o", text(&run)]);
    assert_eq!(imported["trajectories"], imported["finished"]);
    let reported = json(&["report", text(&run)]);
    assert_eq!(reported["finished"], true);
    assert_eq!(reported["pairs"][0]["unloaded"], 1);
    let names: Vec<_> = std::fs::read_dir(run.join("03-shear/series"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for path in names {
        let series = read_series(&path).unwrap();
        let strain = series.column("gamma").unwrap().last().unwrap().abs();
        // Their rate refers to ly at the start, which breathes by less than 1 %.
        assert!((strain - 0.02).abs() < 2e-4, "{}: {strain}", path.display());
    }
    assert!(run.join("report.html").exists());
}

/// Whether two configurations are the same atom by atom, up to images and the order.
fn assert_same(a: &Configuration, b: &Configuration) {
    assert_eq!(a.len(), b.len());
    let cells = a.cell.components().into_iter().zip(b.cell.components());
    for (p, q) in cells {
        assert!((p - q).abs() < 1e-12, "{p} {q}");
    }
    let (v, w) = (
        a.velocities.as_ref().unwrap(),
        b.velocities.as_ref().unwrap(),
    );
    for (i, id) in a.ids.iter().enumerate() {
        let j = b.ids.iter().position(|other| other == id).unwrap();
        assert_eq!(a.species[i], b.species[j]);
        let moved = a.cell.minimum_image(&(a.positions[i] - b.positions[j]));
        assert!(moved.norm() < 1e-12, "atom {id} moved by {}", moved.norm());
        assert!((v[i] - w[j]).norm() < 1e-13, "velocity of atom {id}");
    }
}

#[test]
fn a_sheared_sample_with_velocities_survives_lammps_as_data_and_as_dump() {
    let Some(lmp) = lammps("a_sheared_sample_with_velocities_survives_lammps_as_data_and_as_dump")
    else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let mut sample = read_with_notes(&data("wahn500_T0.28.data.gz"))
        .unwrap()
        .configuration;
    let [lx, ly, lz, ..] = sample.cell.components();
    let cell = metabasin_atoms::Cell::new([lx, ly, lz, 0.31, -0.17, 0.23]).unwrap();
    for position in &mut sample.positions {
        let fraction = sample.cell.to_fractional(position);
        *position = cell.to_cartesian(&fraction);
    }
    sample.cell = cell;
    let path = |name: &str| folder.path().join(name);
    write_lammps_data(&path("ours.data"), &sample, Overwrite::Refuse).unwrap();
    let script = "units lj\natom_style atomic\nread_data ours.data\npair_style zero 2.5\n\
                  pair_coeff * *\nwrite_data theirs.data nocoeff\n\
                  write_dump all custom theirs.dump id type mass x y z vx vy vz modify format float \
                  %.17g\n";
    std::fs::write(path("in.round"), script).unwrap();
    run_in(&lmp, folder.path(), "in.round");
    for name in ["theirs.data", "theirs.dump"] {
        assert_same(
            &sample,
            &read_with_notes(&path(name)).unwrap().configuration,
        );
    }
}

/// A job on a sample of the test data: a short reference state, then `more`.
fn small_job(folder: &Path, sample: &str, more: &str) -> PathBuf {
    let config = folder.join("small.ron");
    let content = format!(
        "(cut: truncated, kernel: portable, time_step: Tau(0.005), sample: {:?}, stages: [\n\
         FromSample(temperature: Reduced(0.28)), Equilibrate(duration: Tau(2.0), quenches: 2),\n\
         {more} Compare()])\n",
        data(sample).display().to_string()
    );
    std::fs::write(&config, content).unwrap();
    let job = folder.join("job");
    json(&["export-lammps", text(&config), "-o", text(&job)]);
    job
}

/// Potential energy of step 0 of a job, by LAMMPS.
fn energy_at_step_0(lmp: &Path, job: &Path, atoms: f64) -> f64 {
    run_in(lmp, job, "in.lammps");
    let table = std::fs::read_to_string(job.join("02-equilibrate/equilibrate.now")).unwrap();
    let row = table.lines().find(|line| line.starts_with("0 ")).unwrap();
    let per_atom: f64 = row.split_whitespace().nth(3).unwrap().parse().unwrap();
    per_atom * atoms
}

fn our_energy(path: &Path) -> f64 {
    let found = json(&["energy", text(path), "--cut", "truncated"]);
    found["energy"].as_f64().unwrap()
}

/// Beyond one half LAMMPS refuses a tilt (older versions) or warns of its cost: the job has another basis
/// of the same lattice.
#[test]
fn a_cell_of_any_tilt_is_exported_with_tilts_below_one_half() {
    let expected = -1241.386204;
    let folder = TempDir::new().unwrap();
    let job = small_job(folder.path(), "wahn168_tilted.data", "");
    let start = read_with_notes(&job.join("start.data"))
        .unwrap()
        .configuration;
    let [lx, ly, _, xy, xz, yz] = start.cell.components();
    assert!((xy / lx).abs() <= 0.5 && (xz / lx).abs() <= 0.5 && (yz / ly).abs() <= 0.5);
    let ours = our_energy(&job.join("start.data"));
    assert!((ours - expected).abs() < 1e-6, "{ours}");
    let Some(lmp) = lammps("a_cell_of_any_tilt_is_exported_with_tilts_below_one_half") else {
        return;
    };
    let theirs = energy_at_step_0(&lmp, &job, 168.0);
    assert!((theirs - expected).abs() < 1e-6, "{theirs}");
}

#[test]
fn a_job_declares_the_types_that_occur() {
    for (sample, types) in [
        ("wahn168_unused_type.data", 2),
        ("wahn168_one_type.data", 1),
    ] {
        let folder = TempDir::new().unwrap();
        let job = small_job(folder.path(), sample, "");
        let read = |name: &str| std::fs::read_to_string(job.join(name)).unwrap();
        assert!(read("start.data").contains(&format!("\n{types} atom types\n")));
        let coefficients = read("potential.lammps").matches("pair_coeff").count();
        assert_eq!(coefficients, types * (types + 1) / 2, "{sample}");
        let Some(lmp) = lammps("a_job_declares_the_types_that_occur") else {
            continue;
        };
        let ours = our_energy(&job.join("start.data"));
        let theirs = energy_at_step_0(&lmp, &job, 168.0);
        assert!((theirs - ours).abs() < 1e-6, "{sample}: {theirs} {ours}");
    }
}

/// A cell that is sheared past one half is not flipped back: strains go on. This one begins at a tilt
/// of a quarter.
#[test]
fn a_loading_goes_beyond_a_tilt_of_one_half() {
    let folder = TempDir::new().unwrap();
    let more = "Shear(rates: [PerTau(0.05)], strain: 0.4, quenches: 2),";
    let job = small_job(folder.path(), "wahn168_tilted.data", more);
    let Some(lmp) = lammps("a_loading_goes_beyond_a_tilt_of_one_half") else {
        return;
    };
    run_in(&lmp, &job, "in.lammps");
    let tables = std::fs::read_dir(job.join("03-shear")).unwrap();
    let tables = tables.map(|entry| entry.unwrap().path());
    let mut seen = 0;
    for path in tables.filter(|path| path.extension().is_some_and(|end| end == "now")) {
        let table = std::fs::read_to_string(&path).unwrap();
        let row = table.lines().last().unwrap();
        let gamma: f64 = row.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(
            (gamma.abs() - 0.4).abs() < 0.02,
            "{}: {gamma}",
            path.display()
        );
        seen += 1;
    }
    assert_eq!(seen, 2);
}

/// The script as far as its first run, of 100 steps.
fn beginning(script: &str) -> String {
    let lines = script.lines();
    let before: Vec<&str> = lines.take_while(|line| !line.starts_with("run ")).collect();
    before.join("\n") + "\nrun 100\n"
}

/// The script with at most five steps in every run. The unloading's fit needs a whole curve: it goes
/// back by five steps instead.
fn shortened(script: &str) -> String {
    let mut lines = Vec::new();
    for line in script.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        lines.push(match words[..] {
            ["run", count, ref rest @ ..] => match count.parse::<u64>() {
                Ok(count) => [&["run", &count.min(5).to_string()][..], rest]
                    .concat()
                    .join(" "),
                Err(_) => line.to_owned(),
            },
            ["variable", "every", ..] => "variable every string 5".to_owned(),
            ["variable", "frame", ..] => "variable frame loop 2".to_owned(),
            ["variable", "back", ..] => "variable back string 5".to_owned(),
            ["if", "\"${slope}", ..] => String::new(),
            _ => line.to_owned(),
        });
    }
    lines.join("\n") + "\n"
}

/// Exports a config of the project, with a sample and a temperature where it leaves them open; the
/// message where it is refused. `small`: of 500 atoms where the config makes its sample.
fn exported_of_project(config: &Path, job: &Path, small: bool) -> Result<u64, String> {
    let content = std::fs::read_to_string(config).unwrap();
    let sample = format!("sample={}", data("wahn500_T0.28.data.gz").display());
    let mut arguments = vec!["export-lammps", text(config), "-o", text(job)];
    if content.contains("sample:") {
        arguments.extend(["--set", &sample]);
    }
    if content.contains("temperature: None") {
        arguments.extend(["--set", "stages[0].temperature=Reduced(0.28)"]);
    }
    if small && content.contains("Prepare(") {
        arguments.extend(["--set", "stages[0].atoms=500"]);
    }
    let output = metabasin(&[&arguments[..], &["--json"]].concat());
    if output.status.code() == Some(2) {
        return Err(said(&output));
    }
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let exported: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    Ok(exported["trajectories"].as_u64().unwrap())
}

/// Every job as it is, for 100 steps; then every command of it, for 500 atoms and a few steps each.
#[test]
fn the_job_of_every_config_of_the_project_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let lmp = lammps("the_job_of_every_config_of_the_project_runs");
    let mut refusals = Vec::new();
    for folder in [root.clone(), root.join("small"), root.join("paper")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let config = entry.unwrap().path();
            if config.extension().is_none_or(|end| end != "ron") {
                continue;
            }
            let name = config.strip_prefix(&root).unwrap().display().to_string();
            let place = TempDir::new().unwrap();
            let [whole, job] = ["whole", "job"].map(|name| place.path().join(name));
            let trajectories = match exported_of_project(&config, &whole, false) {
                Ok(trajectories) => trajectories,
                Err(message) => {
                    refusals.push((name, message));
                    continue;
                }
            };
            let Some(lmp) = &lmp else { continue };
            let in_short = |job: &Path, change: fn(&str) -> String| {
                let script = std::fs::read_to_string(job.join("in.lammps")).unwrap();
                std::fs::write(job.join("in.short"), change(&script)).unwrap();
                run_in(lmp, job, "in.short");
            };
            if trajectories > 0 {
                in_short(&whole, beginning);
            }
            assert_eq!(exported_of_project(&config, &job, true), Ok(trajectories));
            in_short(&job, shortened);
            let run = place.path().join("run");
            let imported = json(&["import-lammps", text(&job), "-o", text(&run)]);
            assert_eq!(imported["trajectories"], trajectories, "{name}");
            let series = |path: &Path| path.extension().is_some_and(|end| end == "csv");
            let stages = std::fs::read_dir(&run).unwrap();
            let found = stages
                .filter_map(|stage| std::fs::read_dir(stage.unwrap().path().join("series")).ok())
                .flatten()
                .filter(|entry| series(&entry.as_ref().unwrap().path()))
                .count();
            assert_eq!(found as u64, trajectories, "{name}");
        }
    }
    refusals.sort();
    let names: Vec<&str> = refusals.iter().map(|(name, _)| name.as_str()).collect();
    let expected = "creep.ron kmc.ron small/recall.ron swap.ron";
    assert_eq!(names.join(" "), expected, "{refusals:?}");
}
