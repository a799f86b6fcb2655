//! The same minimization by LAMMPS.

use std::process::Command;

use metabasin_files::{Overwrite, write_lammps_data};

use crate::Run;
use crate::starts::Atoms;

/// `minimize` with a style of LAMMPS until the largest force is below `tolerance`; `None` where
/// there is no LAMMPS.
pub fn minimize(atoms: &Atoms, style: &str, tolerance: f64) -> Option<Run> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("start.data");
    write_lammps_data(&data, &atoms.configuration, Overwrite::Allow).unwrap();
    // Damped dynamics with the time step that needs the fewest evaluations (of 0.001 to 0.005).
    let time_step = if style == "fire" { 0.002 } else { 0.005 };
    // Its Hessian-free Newton knows the Euclidean norm alone, which is the stricter one.
    let norm = if style == "hftn" { "two" } else { "max" };
    let script = format!(
        "units lj\natom_style atomic\natom_modify map array\nread_data start.data\n{}\
         neighbor 0.3 bin\nneigh_modify every 1 delay 0 check yes\ntimestep {time_step}\n\
         min_style {style}\nmin_modify norm {norm}\nthermo 100000\nthermo_style custom step pe\n\
         thermo_modify norm no format float %.14g\n\
         compute force all property/atom fx fy fz\n\
         variable squared atom c_force[1]^2+c_force[2]^2+c_force[3]^2\n\
         compute largest all reduce max v_squared\n\
         minimize 0 {tolerance:e} 20000 20000\n\
         variable largest equal sqrt(c_largest)\nvariable energy equal pe\nrun 0 post no\n\
         print \"RESULT $(v_energy:%.14g) $(v_largest:%.6g)\"\n",
        atoms.potential
    );
    std::fs::write(folder.path().join("in.minimize"), script).unwrap();
    let program = std::env::var("METABASIN_LMP").unwrap_or_else(|_| "lmp".to_owned());
    let output = Command::new(program)
        .args(["-in", "in.minimize", "-log", "none"])
        .env("OMP_NUM_THREADS", "1")
        .current_dir(folder.path())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |begin: &str| -> Vec<f64> {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(begin));
        let line = line.unwrap_or_else(|| panic!("LAMMPS did not finish ({begin}):\n{text}"));
        line.split(|c: char| c.is_whitespace() || c == '=')
            .filter_map(|word| word.parse().ok())
            .collect()
    };
    let busy: f64 = text
        .lines()
        .find_map(|line| line.split_once("% CPU use")?.0.trim().parse().ok())
        .map_or(1.0, |percent: f64| percent / 100.0);
    let (counts, result) = (line("Iterations, force evaluations"), line("RESULT"));
    Some(Run {
        // Its last forces are summed anew here, in another order.
        evaluations: (result[1] <= 1.01 * tolerance + 1e-12).then_some(counts[1] as u64),
        seconds: line("Loop time of")[0] * busy,
        energy: result[0],
        largest_force: result[1],
    })
}
