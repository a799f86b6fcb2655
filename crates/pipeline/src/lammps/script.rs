//! The text of a LAMMPS input script that does the MD stages of a config.

use std::fmt::Write;

use metabasin_interactions::{BinaryLennardJones, Cut, PairPotential};
use metabasin_md::{Barostat, HoldSettings, Integration, PrepareSettings, Thermostat};

use super::{MEAN, NOW, REFERENCE, START, folder};
use crate::PipelineError;
use crate::config::{RunConfig, Stage};
use crate::stages::branches::{Branch, branches, shear_stage};
use crate::stages::relax::{copy_name, duration};
use crate::stages::start::{integration, prepare_settings};

/// Where `Smooth` begins `[length]`.
const INNER: f64 = 2.3;
/// How far an unloading goes, in strains of its loading.
const UNLOADING: f64 = 1.4;

/// Thermostat and barostat as LAMMPS takes them: its Nose-Hoover chain has the masses N_f kT τ² and
/// kT τ², its cell (N + 1) kT τ² in each direction, which are ours but for terms of 1/N.
#[derive(Clone, Copy, Debug)]
struct Couplings {
    /// Relaxation time of the thermostat `[τ]`.
    thermostat: f64,
    /// Length of its chain.
    chain: usize,
    /// Relaxation time of the barostat `[τ]`.
    barostat: f64,
    /// External pressure `[energy / length³]`.
    pressure: f64,
}

impl Couplings {
    fn of(config: &RunConfig) -> Result<Self, PipelineError> {
        let Integration {
            thermostat:
                Thermostat::NoseHooverChain {
                    time_constant: thermostat,
                    length: chain,
                },
            barostat:
                Barostat::Isotropic {
                    pressure,
                    time_constant: barostat,
                },
            ..
        } = integration(config, 1.0)
        else {
            return Err(PipelineError::BadInput(
                "the export knows LAMMPS's counterparts of the Nose-Hoover chain and the isotropic \
                 barostat only: leave thermostat and barostat out, or choose these"
                    .to_owned(),
            ));
        };
        Ok(Self {
            thermostat,
            chain,
            barostat,
            pressure,
        })
    }
}

/// A script that grows line by line.
pub(super) struct Script<'a> {
    config: &'a RunConfig,
    temperature: f64,
    couplings: Couplings,
    text: String,
}

/// `potential.lammps`: the pair style, its coefficients for as many types as there are, and the time
/// step.
pub(super) fn potential(config: &RunConfig, types: usize) -> String {
    let potential = BinaryLennardJones::wahnstrom(config.cut);
    let cutoff = potential.cutoff();
    let (style, shift) = match config.cut {
        Cut::Truncated => (format!("lj/cut {cutoff}"), "no"),
        Cut::Shifted => (format!("lj/cut {cutoff}"), "yes"),
        Cut::Smooth => (format!("lj/smooth {INNER} {cutoff}"), "yes"),
    };
    let mut text = format!("pair_style {style}\n");
    for (a, b, diameter) in [(1, 1, 1.0), (1, 2, 11.0 / 12.0), (2, 2, 5.0 / 6.0)] {
        if b <= types {
            let _ = writeln!(text, "pair_coeff {a} {b} 1.0 {diameter:?}");
        }
    }
    let _ = write!(
        text,
        "pair_modify shift {shift}\ntimestep {:?}\n",
        config.time_step.tau()
    );
    text
}

/// `settings.lammps`: what must be said before a structure is read.
pub(super) const SETTINGS: &str = "units lj
atom_style atomic
boundary p p p
box tilt large
neighbor 0.3 bin
neigh_modify every 1 delay 0 check yes
";

/// `measure.lammps`: the two files of a trajectory, ${out}.now and ${out}.mean, every ${every} steps.
///
/// Stress is tension-positive; energies are per atom; gamma is xy/ly minus that of the reference.
pub(super) fn measure() -> String {
    let columns = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("v_{name}")).collect();
        names.join(" ")
    };
    format!(
        "thermo ${{every}}
thermo_style custom step time temp pe ke vol press pxx pyy pzz pxy pxz pyz lx ly lz xy
thermo_modify norm no format float %.17g flush yes
variable gamma equal xy/ly-v_tilt0
variable T equal temp
variable u equal pe/atoms
variable k equal ke/atoms
variable vol equal vol
variable p equal press
variable sxx equal -pxx
variable syy equal -pyy
variable szz equal -pzz
variable sxy equal -pxy
variable sxz equal -pxz
variable syz equal -pyz
fix now all ave/time ${{every}} 1 ${{every}} {} file ${{out}}.now format \" %.17g\"
fix mean all ave/time 1 ${{every}} ${{every}} {} file ${{out}}.mean format \" %.17g\"
",
        columns(&NOW),
        columns(&MEAN)
    )
}

impl<'a> Script<'a> {
    pub(super) fn new(config: &'a RunConfig, temperature: f64) -> Result<Self, PipelineError> {
        let text = format!(
            "# {}
# Written by metabasin {} export-lammps; run it in this folder: lmp -in in.lammps
# Read the output back with: metabasin import-lammps FOLDER -o RUN_DIR
#
# Where LAMMPS differs from metabasin:
# - Constant-rate shear is fix deform (atoms remapped) with fix npt on the thermal velocities;
#   metabasin integrates SLLOD, whose further term is of the order of the rate. The rate refers to
#   ly at the start of a run, metabasin's to ly at each moment: 1e-3 of it where the volume moves
#   by as much.
# - Velocities drawn anew come from another random generator, and rounding differs, so that
#   trajectories part within a few tau: compare averages.
# - metabasin ends an unloading when the fit of its root is good; here it always goes through {UNLOADING}
#   times the strain, and the recovery starts from a second, shorter unloading to the root.
# - Inherent states are not quenched along the way.
# - The last frame of a trajectory is left out where its steps are no multiple of the interval.
",
            config.title,
            env!("CARGO_PKG_VERSION")
        );
        Ok(Self {
            config,
            temperature,
            couplings: Couplings::of(config)?,
            text,
        })
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Begins with a structure; what was before is forgotten but for the variables.
    fn begin(&mut self, structure: &str) {
        self.line("clear");
        self.line("include settings.lammps");
        self.line(&format!("read_data {structure}"));
        self.line("include potential.lammps");
        self.line("reset_timestep 0");
    }

    fn measure(&mut self, out: &str, integration: &Integration) {
        self.line(&format!("variable out string {out}"));
        self.line(&format!(
            "variable every string {}",
            integration.frame_interval
        ));
        self.line("log ${out}.log");
        self.line("include measure.lammps");
    }

    fn nvt(&mut self, from: f64, to: f64, steps: u64) {
        let Couplings {
            thermostat, chain, ..
        } = self.couplings;
        self.line(&format!(
            "fix move all nvt temp {from:?} {to:?} {thermostat:?} tchain {chain}"
        ));
        self.line(&format!("run {steps}"));
        self.line("unfix move");
    }

    fn npt(&mut self, from: f64, to: f64) {
        let Couplings {
            thermostat,
            chain,
            barostat,
            pressure: p,
        } = self.couplings;
        self.line(&format!(
            "fix move all npt temp {from:?} {to:?} {thermostat:?} tchain {chain} iso {p:?} {p:?} \
             {barostat:?} flip no"
        ));
    }

    /// Constant pressure with a free xy tilt at zero shear stress.
    fn free_tilt(&mut self) {
        let Couplings {
            thermostat,
            chain,
            barostat: b,
            pressure: p,
        } = self.couplings;
        let t = self.temperature;
        let axis = |axis: &str| format!("{axis} {p:?} {p:?} {b:?}");
        let axes = [axis("x"), axis("y"), axis("z")].join(" ");
        self.line(&format!(
            "fix move all npt temp {t:?} {t:?} {thermostat:?} tchain {chain} {axes} couple xyz xy 0.0 \
             0.0 {b:?} flip no"
        ));
    }

    fn prepare(&mut self, out: &str, settings: &PrepareSettings) {
        let step = settings.integration.time_step;
        let steps = |duration: f64| (duration / step - 1e-9).ceil() as u64;
        let (melt, from) = (settings.melt_temperature, settings.cool_from);
        self.line("\n# Melt, quench and settle, then cool at zero pressure; the sample is taken on the way.");
        self.begin(START);
        self.line("variable tilt0 string 0.0");
        self.nvt(melt, melt, steps(settings.melt_duration));
        self.nvt(melt, from, steps(settings.settle_duration));
        self.npt(from, from);
        self.line(&format!("run {}", steps(settings.settle_duration)));
        self.line("unfix move");
        self.line("reset_timestep 0");
        self.measure(out, &settings.integration);
        let total = steps((from - settings.cool_to) / settings.cooling_rate);
        let taken = steps((from - self.temperature) / settings.cooling_rate);
        self.npt(from, settings.cool_to);
        self.line(&format!("run {taken} start 0 stop {total}"));
        self.line("write_data sample.data nocoeff");
        self.line(&format!("run {} start 0 stop {total}", total - taken));
    }

    fn equilibrate(&mut self, out: &str, settings: &HoldSettings, sample: &str) {
        let total = settings.total_steps();
        let settling = total / 4;
        self.line(
            "\n# The reference state: zero pressure and zero shear stress, then the mean cell.",
        );
        self.begin(sample);
        self.line("variable tilt0 string $(xy/ly)");
        self.line("change_box all triclinic");
        self.measure(out, &settings.integration);
        self.free_tilt();
        self.line(&format!("run {settling}"));
        self.line("variable tilt equal xy/ly");
        self.line("fix cell all ave/time 1 1 1 v_vol v_tilt ave running");
        self.line(&format!("run {}", total - settling));
        self.line("variable scale string $((f_cell[1]/vol)^(1.0/3.0))");
        self.line("variable tilted string $(f_cell[2])");
        self.line("variable x string $(lx*v_scale)");
        self.line("variable y string $(ly*v_scale)");
        self.line("variable z string $(lz*v_scale)");
        self.line("variable shear string $(v_tilted*v_y)");
        self.line(
            "change_box all x final 0.0 ${x} y final 0.0 ${y} z final 0.0 ${z} xy final ${shear} \
             remap units box",
        );
        self.line(&format!("write_data {REFERENCE} nocoeff"));
        self.line("variable tilt0 string ${tilted}");
    }

    /// Pairs after the first, and copies after the first, have velocities of their own.
    fn draw_velocities(&mut self, number: usize) {
        if number > 1 {
            let seed = 1 + (self.config.seed.wrapping_mul(7919) + number as u64) % 900_000_000;
            let t = self.temperature;
            self.line(&format!(
                "velocity all create {t:?} {seed} mom yes rot no dist gaussian loop all"
            ));
        }
    }

    fn shear(&mut self, out: &str, strain: f64, branch: &Branch) {
        let rate = branch.rate.per_tau();
        let integration = integration(self.config, strain / rate);
        let steps = (strain / rate / integration.time_step - 1e-9).ceil() as u64;
        let last = steps / 20;
        self.line(&format!(
            "\n# Loading at {:e} per mapped second, sign {}.",
            branch.rate.per_second(),
            branch.sign
        ));
        self.begin(REFERENCE);
        self.draw_velocities(branch.pair);
        self.measure(out, &integration);
        self.npt(self.temperature, self.temperature);
        self.line(&format!(
            "fix drive all deform 1 xy erate {:?} remap x flip no",
            branch.sign * rate
        ));
        self.line(&format!("run {}", steps - last));
        self.line("fix last all ave/time 1 1 1 v_sxy ave running");
        self.line(&format!("run {last}"));
        self.line("variable largest string $(abs(f_last))");
        self.line("write_data loaded.data nocoeff");
    }

    /// Two passes: the first finds the root of a line through the strains near zero, the second
    /// stops there.
    fn unload(&mut self, out: &str, strain: f64, rate: f64, branch: &Branch) {
        let integration = integration(self.config, 2.0 * strain / rate);
        let every = integration.frame_interval;
        let step = integration.time_step;
        let frames = (UNLOADING * strain / rate / step / every as f64).ceil() as u64;
        let signed = -branch.sign * rate;
        self.line(
            "\n# Unloading through zero stress: gamma and stress of every frame with |gamma| below",
        );
        self.line("# 0.3 of the largest strain go into a line, whose root is the residual strain.");
        self.begin("loaded.data");
        self.measure(out, &integration);
        self.npt(self.temperature, self.temperature);
        self.line(&format!(
            "fix drive all deform 1 xy erate {signed:?} remap x flip no"
        ));
        self.line("variable begin string $(xy/ly-v_tilt0)");
        for sum in ["n", "g", "s", "gg", "gs"] {
            self.line(&format!("variable sum_{sum} string 0.0"));
        }
        self.line(&format!("variable frame loop {frames}"));
        // `jump` goes to the first label of a name in the file.
        let label = format!("unloading-{}", branch.name());
        self.line(&format!("label {label}"));
        self.line(&format!("run {every}"));
        self.line("variable g string $(f_mean[1])");
        self.line("variable s string $(f_mean[8])");
        self.line(&format!(
            "variable inside string $(abs(v_g)<{:?})",
            0.3 * strain
        ));
        for (sum, term) in [
            ("n", "1"),
            ("g", "v_g"),
            ("s", "v_s"),
            ("gg", "v_g*v_g"),
            ("gs", "v_g*v_s"),
        ] {
            self.line(&format!(
                "variable sum_{sum} string $(v_sum_{sum}+v_inside*{term}:%.17g)"
            ));
        }
        self.line("next frame");
        self.line(&format!("jump SELF {label}"));
        self.line("variable slope string $((v_sum_n*v_sum_gs-v_sum_g*v_sum_s)/(v_sum_n*v_sum_gg-v_sum_g*v_sum_g))");
        self.line("variable root string $((v_sum_g-v_sum_s/v_slope)/v_sum_n)");
        self.line(&format!(
            "variable back string $(round(abs(v_begin-v_root)/{:?}))",
            rate * step
        ));
        self.line("if \"${slope} <= 0.0\" then \"print 'metabasin: no positive slope: the stress never crosses zero'\" \"quit 1\"");
        self.begin("loaded.data");
        self.npt(self.temperature, self.temperature);
        self.line(&format!(
            "fix drive all deform 1 xy erate {signed:?} remap x flip no"
        ));
        self.line("run ${back}");
        self.line("write_data unloaded.data nocoeff");
    }

    fn hold(&mut self, out: &str, structure: &str, duration: f64, copy: usize) {
        let integration = integration(self.config, duration);
        let steps = (duration / integration.time_step - 1e-9).ceil() as u64;
        self.line("\n# Zero pressure and zero shear stress.");
        self.begin(structure);
        self.draw_velocities(copy);
        self.measure(out, &integration);
        self.free_tilt();
        self.line(&format!("run {steps}"));
    }

    /// All stages that LAMMPS does, in their order.
    pub(super) fn write(mut self) -> Result<String, PipelineError> {
        let config = self.config;
        let mut sample = START;
        let mut loaded = false;
        for (k, stage) in config.stages.iter().enumerate() {
            let folder = folder(k, stage);
            match stage {
                Stage::Prepare(prepare) => {
                    let settings = prepare_settings(config, prepare);
                    self.prepare(&format!("{folder}/cooling"), &settings);
                    sample = "sample.data";
                }
                Stage::Equilibrate(hold) => {
                    let duration = hold.duration.tau();
                    let settings = HoldSettings {
                        temperature: self.temperature,
                        duration,
                        integration: integration(config, duration),
                    };
                    self.equilibrate(&format!("{folder}/equilibrate"), &settings, sample);
                }
                Stage::Shear(_) | Stage::Unload(_) | Stage::Recover(_) if !loaded => {
                    loaded = true;
                    self.loading()?;
                }
                Stage::Relax(relax) => {
                    let duration = duration(config, relax)?;
                    for copy in 1..=relax.copies {
                        let out = format!("{folder}/{}", copy_name(copy));
                        self.hold(&out, REFERENCE, duration, copy);
                    }
                }
                _ => {}
            }
        }
        self.line("\nprint \"metabasin: all done\"");
        Ok(self.text)
    }

    fn loading(&mut self) -> Result<(), PipelineError> {
        let config = self.config;
        let strain = shear_stage(config)?.strain;
        for branch in branches(shear_stage(config)?) {
            for (k, stage) in config.stages.iter().enumerate() {
                let out = format!("{}/{}", folder(k, stage), branch.name());
                match stage {
                    Stage::Shear(_) => self.shear(&out, strain, &branch),
                    Stage::Unload(unload) => {
                        self.unload(&out, strain, unload.unload_rate.per_tau(), &branch);
                    }
                    Stage::Recover(_) => {
                        let duration = strain / branch.rate.per_tau();
                        self.hold(&out, "unloaded.data", duration, 1);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
