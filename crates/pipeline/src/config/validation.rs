//! What a config that parses must still satisfy: positive numbers, sizes, and a possible order.

use super::{
    BarostatChoice, EquilibrateStage, KmcStage, Pairs, PrepareStage, RunConfig, SHORTEST_FRAME,
    ShearStage, Stage, ThermostatChoice,
};
use metabasin_atoms::units::{StrainRate, Temperature};
use metabasin_eshelby::KmcSettings;
use metabasin_md::{Dynamics, Equilibrate};

/// One fault, by the dotted path of the field.
pub(super) struct Fault {
    pub(super) field: String,
    pub(super) message: String,
}

/// Steps of a trajectory at most: far below where 64-bit counts of all of a run's end, far above what
/// any machine does.
const MOST_STEPS: f64 = 1e14;
/// Inherent structures along a trajectory at most: each takes hundreds of force evaluations.
const MOST_QUENCHES: u64 = 100_000;
/// Trajectories or lattices of one kind at most: each leaves files of its own.
const MOST_TRAJECTORIES: u64 = 100_000;
/// Attempts of an atom to swap in one sweep at most.
const MOST_ATTEMPTS: f64 = 1000.0;

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Fault {
            field: field.into(),
            message: message.into(),
        });
    }

    fn positive(&mut self, field: impl Into<String>, value: f64) {
        if !(value > 0.0 && value.is_finite()) {
            self.add(field, format!("must be positive and finite, got {value}"));
        }
    }

    fn at_least(&mut self, field: impl Into<String>, value: u64, least: u64) {
        if value < least {
            self.add(field, format!("must be at least {least}, got {value}"));
        }
    }

    fn at_most(&mut self, field: impl Into<String>, value: u64, most: u64, why: &str) {
        if value > most {
            self.add(field, format!("must be at most {most}, got {value}: {why}"));
        }
    }

    /// A duration `[τ]` in steps of `time_step` must be a number that can be counted.
    fn countable(&mut self, field: impl Into<String>, duration: f64, time_step: f64) {
        let steps = duration / time_step;
        // What is no number at all is named as not positive or not finite.
        if time_step > 0.0 && duration.is_finite() && steps > MOST_STEPS {
            self.add(
                field,
                format!(
                    "{duration:e} tau are {steps:.1e} steps of {time_step} tau, more than can be \
                     counted ({MOST_STEPS:.0e})"
                ),
            );
        }
    }

    fn rate(&mut self, field: impl Into<String>, rate: StrainRate) {
        let value = rate.per_tau();
        if !(value > 0.0 && value.is_finite()) {
            self.add(
                field,
                format!(
                    "must be positive and finite, got {rate:?}: both signs of strain are always \
                     run, so a rate carries none"
                ),
            );
        }
    }

    fn rates(&mut self, field: &str, rates: &[StrainRate]) {
        if rates.is_empty() {
            self.add(field, "needs at least one rate, e.g. [PerSecond(1e9)]");
        }
        for (k, rate) in rates.iter().enumerate() {
            self.rate(format!("{field}[{k}]"), *rate);
            if rates[..k].contains(rate) {
                self.add(format!("{field}[{k}]"), format!("{rate:?} is listed twice"));
            }
        }
    }

    fn strain(&mut self, field: impl Into<String>, strain: f64) {
        if !(strain > 0.0 && strain <= 0.5) {
            self.add(
                field,
                format!("must lie between 0 and 0.5 (engineering shear strain), got {strain}"),
            );
        }
    }
}

/// All faults of a config, in the order of its text.
pub(super) fn faults(config: &RunConfig) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    faults.positive("time_step", config.time_step.tau());
    if config.time_step.tau() > 0.02 {
        faults.add(
            "time_step",
            format!(
                "{} tau is too long for Lennard-Jones atoms: 0.002778 is the usual one, 0.005 the \
                 longest advisable",
                config.time_step.tau()
            ),
        );
    }
    replicas(&mut faults, config);
    dynamics(&mut faults, config);
    if config.stages.is_empty() {
        faults.add("stages", "needs at least one stage");
    }
    for (k, stage) in config.stages.iter().enumerate() {
        numbers(&mut faults, &format!("stages[{k}]"), stage);
        if let Stage::Equilibrate(equilibrate) = stage {
            reference(&mut faults, &format!("stages[{k}]"), config, equilibrate);
        }
    }
    for (k, stage) in config.stages.iter().enumerate() {
        counts(&mut faults, &format!("stages[{k}]"), stage);
        steps(&mut faults, &format!("stages[{k}]"), stage, config);
    }
    order(&mut faults, config);
    faults.0
}

/// Thermostat and barostat against the time step, as the simulation will check them.
fn dynamics(faults: &mut Faults, config: &RunConfig) {
    let thermostat = config.thermostat.map(ThermostatChoice::reduced);
    let barostat = config.barostat.map(BarostatChoice::reduced);
    let dynamics = Dynamics {
        thermostat: Some(thermostat.unwrap_or_default()),
        barostat: Some(barostat.unwrap_or_default()),
        ..Dynamics::constant_energy(config.time_step.tau().clamp(1e-9, 0.02), 1.0)
    };
    if let Err(error) = dynamics.validate() {
        // The message begins with the dotted field.
        let message = error.to_string();
        let (field, rest) = message.split_once(' ').unwrap_or(("thermostat", &message));
        faults.add(field, rest);
    }
}

fn numbers(faults: &mut Faults, at: &str, stage: &Stage) {
    match stage {
        Stage::Prepare(prepare) => {
            faults.at_least(format!("{at}.atoms"), prepare.atoms as u64, 200);
            if prepare.atoms % 2 == 1 {
                let message = format!("must be even (50:50), got {}", prepare.atoms);
                faults.add(format!("{at}.atoms"), message);
            }
            faults.positive(
                format!("{at}.melt_temperature"),
                prepare.melt_temperature.reduced(),
            );
            faults.positive(format!("{at}.melt_duration"), prepare.melt_duration.tau());
            faults.positive(format!("{at}.melt_density"), prepare.melt_density);
            faults.positive(format!("{at}.cool_to"), prepare.cool_to.reduced());
            faults.positive(format!("{at}.cool_duration"), prepare.cool_duration.tau());
            faults.positive(format!("{at}.cool_from"), prepare.cool_from.reduced());
            if prepare.cool_to.reduced() >= prepare.cool_from.reduced() {
                faults.add(
                    format!("{at}.cool_to"),
                    format!(
                        "the ramp must end below its start ({}), got {}",
                        prepare.cool_from.reduced(),
                        prepare.cool_to.reduced()
                    ),
                );
            }
            preparation_on_the_way(faults, at, prepare);
            if let Some(temperature) = prepare.temperature {
                let (from, to) = (prepare.cool_from.reduced(), prepare.cool_to.reduced());
                if !(to..=from).contains(&temperature.reduced()) {
                    faults.add(
                        format!("{at}.temperature"),
                        format!(
                            "must lie on the ramp, {to} to {from}, got {}",
                            temperature.reduced()
                        ),
                    );
                }
            }
        }
        Stage::FromSample(from) => {
            faults.positive(format!("{at}.temperature"), from.temperature.reduced());
        }
        Stage::Equilibrate(equilibrate) => {
            faults.positive(format!("{at}.duration"), equilibrate.duration.tau());
            faults.at_least(format!("{at}.quenches"), equilibrate.quenches as u64, 2);
        }
        Stage::Shear(shear) => {
            faults.rates(&format!("{at}.rates"), &shear.rates);
            faults.strain(format!("{at}.strain"), shear.strain);
            pairs(faults, &format!("{at}.pairs"), shear);
        }
        Stage::Unload(unload) => faults.rate(format!("{at}.unload_rate"), unload.unload_rate),
        Stage::Recover(recover) => {
            faults.at_least(format!("{at}.quenches"), recover.quenches as u64, 2);
        }
        Stage::Relax(relax) => {
            faults.at_least(format!("{at}.copies"), relax.copies as u64, 1);
            faults.at_least(format!("{at}.quenches"), relax.quenches as u64, 2);
            if let Some(duration) = relax.duration {
                faults.positive(format!("{at}.duration"), duration.tau());
            }
        }
        Stage::Creep(_) | Stage::Cycle(_) => driven(faults, at, stage),
        Stage::Search(search) => {
            faults.at_least(format!("{at}.searches"), search.searches, 1);
            faults.positive(
                format!("{at}.attempt_frequency_per_second"),
                search.attempt_frequency_per_second,
            );
            if let Some(Err(error)) = search.settle.map(|settle| settle.validate()) {
                faults.add(format!("{at}.settle"), error.to_string());
            }
            if let Some(Err(error)) = search.until.map(|goal| goal.validate()) {
                faults.add(format!("{at}.until"), error.to_string());
            }
            if let Err(error) = search.settings.validate() {
                faults.add(format!("{at}.settings"), error.to_string());
            }
            if let Some(Err(error)) = search.rates.map(|rates| rates.validate()) {
                faults.add(format!("{at}.rates"), error.to_string());
            }
        }
        Stage::Harvest(harvest) => {
            faults.at_least(format!("{at}.trajectories"), harvest.trajectories, 1);
            for (field, fault) in harvest.faults() {
                faults.add(format!("{at}.{field}"), fault);
            }
        }
        Stage::Kmc(kmc) => lattices(faults, at, kmc),
        Stage::Compare(_) => {}
    }
}

fn lattices(faults: &mut Faults, at: &str, kmc: &KmcStage) {
    faults.rates(&format!("{at}.rates"), &kmc.rates);
    faults.rate(format!("{at}.unload_rate"), kmc.unload_rate);
    faults.strain(format!("{at}.strain"), kmc.strain);
    faults.at_least(format!("{at}.pairs"), kmc.pairs as u64, 1);
    if let Some(temperature) = kmc.temperature {
        let of_stage = KmcSettings {
            temperature,
            ..KmcSettings::default()
        };
        if let Err(error) = of_stage.validate() {
            faults.add(format!("{at}.temperature"), error.to_string());
        }
    }
    if let Err(error) = kmc.settings.validate() {
        faults.add(format!("{at}.settings"), error.to_string());
    }
}

/// A reference state is an average over frames: too few of them are told before the run, not after.
fn reference(faults: &mut Faults, at: &str, config: &RunConfig, stage: &EquilibrateStage) {
    let (duration, time_step) = (stage.duration.tau(), config.time_step.tau());
    let shortest = (Equilibrate::FEWEST_FRAMES * SHORTEST_FRAME) as f64 * time_step;
    if duration > 0.0 && duration < shortest {
        faults.add(
            format!("{at}.duration"),
            format!(
                "must be at least Tau({shortest}), {} frames of {SHORTEST_FRAME} time steps, for a \
                 mean cell, got Tau({duration})",
                Equilibrate::FEWEST_FRAMES
            ),
        );
    }
}

fn replicas(faults: &mut Faults, config: &RunConfig) {
    faults.at_least("replicas", config.replicas as u64, 1);
    faults.at_most(
        "replicas",
        config.replicas as u64,
        MOST_TRAJECTORIES,
        "each leaves a run directory of its own",
    );
    let prepares = matches!(config.stages.first(), Some(Stage::Prepare(_)));
    if config.replicas > 1 && !prepares {
        faults.add(
            "replicas",
            format!(
                "{} replicas are that many samples of their own, so 'Prepare' must come first; for \
                 more trajectories of one sample raise pairs",
                config.replicas
            ),
        );
    }
}

/// The stages of creep and of cycles.
fn driven(faults: &mut Faults, at: &str, stage: &Stage) {
    match stage {
        Stage::Creep(creep) => {
            if creep.stresses.is_empty() {
                faults.add(format!("{at}.stresses"), "needs at least one stress");
            }
            for (k, stress) in creep.stresses.iter().enumerate() {
                // Both signs are always run.
                faults.positive(format!("{at}.stresses[{k}]"), *stress);
                if creep.stresses[..k].contains(stress) {
                    let message = format!("{stress} is listed twice");
                    faults.add(format!("{at}.stresses[{k}]"), message);
                }
            }
            faults.positive(format!("{at}.duration"), creep.duration.tau());
            faults.at_least(format!("{at}.pairs"), creep.pairs as u64, 1);
            faults.at_least(format!("{at}.quenches"), creep.quenches as u64, 2);
        }
        Stage::Cycle(cycle) => {
            faults.strain(format!("{at}.amplitude"), cycle.amplitude);
            faults.positive(format!("{at}.period"), cycle.period.tau());
            faults.at_least(format!("{at}.cycles"), cycle.cycles, 1);
            faults.at_least(format!("{at}.copies"), cycle.copies as u64, 1);
            faults.at_least(format!("{at}.quenches"), cycle.quenches as u64, 2);
        }
        _ => {}
    }
}

fn pairs(faults: &mut Faults, field: &str, shear: &ShearStage) {
    match &shear.pairs {
        Pairs::Each(pairs) => faults.at_least(field, *pairs as u64, 1),
        Pairs::ByRate(pairs) if pairs.len() != shear.rates.len() => faults.add(
            field,
            format!(
                "one number for each of the {} rates, got {}",
                shear.rates.len(),
                pairs.len()
            ),
        ),
        Pairs::ByRate(pairs) => {
            for (k, number) in pairs.iter().enumerate() {
                faults.at_least(format!("{field}[{k}]"), *number as u64, 1);
            }
        }
    }
}

/// Hold and swaps of a preparation.
fn preparation_on_the_way(faults: &mut Faults, at: &str, prepare: &PrepareStage) {
    faults.at_least(format!("{at}.quenches"), prepare.quenches as u64, 2);
    let mut swaps = vec![(format!("{at}.swap"), prepare.swap)];
    if let Some(hold) = &prepare.hold {
        faults.positive(format!("{at}.hold.duration"), hold.duration.tau());
        swaps.push((format!("{at}.hold.swap"), hold.swap));
        let (from, to) = (prepare.cool_from.reduced(), prepare.cool_to.reduced());
        if let Some(temperature) = hold.temperature.map(Temperature::reduced) {
            if !(temperature > to && temperature < from) {
                faults.add(
                    format!("{at}.hold.temperature"),
                    format!(
                        "must lie between cool_to and cool_from, {to} to {from}, got {temperature}"
                    ),
                );
            }
            if prepare
                .temperature
                .is_some_and(|wanted| wanted.reduced() > temperature)
            {
                faults.add(
                    format!("{at}.temperature"),
                    format!("must lie on the ramp after the hold, {to} to {temperature}"),
                );
            }
        }
    }
    for (field, swap) in swaps {
        if let Some(swap) = swap {
            faults.positive(format!("{field}.attempts_per_atom"), swap.attempts_per_atom);
            if swap.attempts_per_atom.is_finite() && swap.attempts_per_atom > MOST_ATTEMPTS {
                faults.add(
                    format!("{field}.attempts_per_atom"),
                    format!(
                        "must be at most {MOST_ATTEMPTS}, got {}: shorten the interval instead",
                        swap.attempts_per_atom
                    ),
                );
            }
            faults.positive(format!("{field}.interval"), swap.interval.tau());
        }
    }
}

/// Numbers of things that are made one by one.
fn counts(faults: &mut Faults, at: &str, stage: &Stage) {
    let quenches = match stage {
        Stage::Prepare(prepare) => prepare.quenches,
        Stage::Equilibrate(equilibrate) => equilibrate.quenches,
        Stage::Shear(shear) => shear.quenches,
        Stage::Recover(recover) => recover.quenches,
        Stage::Relax(relax) => relax.quenches,
        Stage::Creep(creep) => creep.quenches,
        Stage::Cycle(cycle) => cycle.quenches,
        Stage::Harvest(harvest) => {
            let why = "each takes hundreds of evaluations: take a longer interval";
            let quenches = harvest.quenches();
            faults.at_most(format!("{at}.duration"), quenches, MOST_QUENCHES, why);
            0
        }
        _ => 0,
    };
    let why = "each is minimized and analyzed";
    faults.at_most(
        format!("{at}.quenches"),
        quenches as u64,
        MOST_QUENCHES,
        why,
    );
    let trajectories = match stage {
        Stage::Shear(shear) => {
            vec![(
                "pairs",
                shear
                    .pairs_by_rate()
                    .map(|(_, pairs)| pairs)
                    .max()
                    .unwrap_or(0),
            )]
        }
        Stage::Creep(creep) => vec![("pairs", creep.pairs)],
        Stage::Kmc(kmc) => vec![("pairs", kmc.pairs)],
        Stage::Harvest(harvest) => vec![("trajectories", harvest.trajectories as usize)],
        Stage::Relax(relax) => vec![("copies", relax.copies)],
        Stage::Cycle(cycle) => vec![("copies", cycle.copies)],
        _ => Vec::new(),
    };
    for (field, number) in trajectories {
        let why = "each leaves files of its own";
        faults.at_most(
            format!("{at}.{field}"),
            number as u64,
            MOST_TRAJECTORIES,
            why,
        );
    }
}

/// How long a strain takes at a rate `[τ]`, finite; 0 where the rate is none, which is said elsewhere.
fn lasting(strain: f64, rate: StrainRate) -> f64 {
    let rate = rate.per_tau();
    if rate > 0.0 {
        (strain / rate).min(f64::MAX)
    } else {
        0.0
    }
}

/// Durations in steps.
fn steps(faults: &mut Faults, at: &str, stage: &Stage, config: &RunConfig) {
    let step = config.time_step.tau();
    let mut countable =
        |field: &str, duration: f64| faults.countable(format!("{at}.{field}"), duration, step);
    match stage {
        Stage::Prepare(prepare) => {
            countable("melt_duration", prepare.melt_duration.tau());
            countable("cool_duration", prepare.cool_duration.tau());
            if let Some(hold) = &prepare.hold {
                countable("hold.duration", hold.duration.tau());
            }
        }
        Stage::Equilibrate(equilibrate) => countable("duration", equilibrate.duration.tau()),
        Stage::Shear(shear) => {
            for (k, rate) in shear.rates.iter().enumerate() {
                countable(&format!("rates[{k}]"), lasting(shear.strain, *rate));
            }
        }
        Stage::Unload(unload) => {
            let strain = config.stages.iter().find_map(|stage| match stage {
                Stage::Shear(shear) => Some(shear.strain),
                _ => None,
            });
            let strain = strain.unwrap_or(1.0);
            countable("unload_rate", lasting(strain, unload.unload_rate));
        }
        Stage::Relax(relax) => {
            if let Some(duration) = relax.duration {
                countable("duration", duration.tau());
            }
        }
        Stage::Creep(creep) => countable("duration", creep.duration.tau()),
        Stage::Cycle(cycle) => {
            countable("cycles", cycle.period.tau() * cycle.cycles as f64);
        }
        Stage::Harvest(harvest) => {
            countable("settle", harvest.settle.tau());
            countable("duration", harvest.duration.tau());
        }
        Stage::FromSample(_)
        | Stage::Recover(_)
        | Stage::Search(_)
        | Stage::Kmc(_)
        | Stage::Compare(_) => {}
    }
}

/// What each stage needs before it.
fn order(faults: &mut Faults, config: &RunConfig) {
    let stages = &config.stages;
    let before = |k: usize, name: &str| stages[..k].iter().any(|stage| stage.name() == name);
    for (k, stage) in stages.iter().enumerate() {
        let at = format!("stages[{k}]");
        let name = stage.name();
        if before(k, name) {
            faults.add(
                &at,
                format!("a second stage '{name}': a run has at most one of a kind"),
            );
        }
        let started = before(k, "prepare") || before(k, "from-sample");
        let needs: &[&str] = match stage {
            Stage::Prepare(_) | Stage::FromSample(_) => {
                if started || k > 0 {
                    faults.add(
                        &at,
                        format!("'{name}' makes the sample, so it must come first"),
                    );
                }
                &[]
            }
            Stage::Equilibrate(_) => {
                if !started {
                    faults.add(
                        &at,
                        "'equilibrate' needs 'Prepare' or 'FromSample' before it",
                    );
                }
                &[]
            }
            Stage::Shear(_) | Stage::Relax(_) | Stage::Creep(_) | Stage::Cycle(_) => {
                &["equilibrate"]
            }
            Stage::Unload(_) => &["shear"],
            Stage::Recover(_) => &["unload"],
            Stage::Harvest(_) => &["search"],
            Stage::Search(_) => {
                if !started {
                    faults.add(&at, "'search' needs 'Prepare' or 'FromSample' before it");
                }
                &[]
            }
            Stage::Kmc(_) => {
                if !before(k, "search") && config.catalogue.is_none() {
                    faults.add(
                        &at,
                        "'kmc' needs a 'Search' stage before it, or catalogue: \"FILE\" at the top",
                    );
                }
                &[]
            }
            Stage::Compare(_) => {
                if k == 0 {
                    faults.add(&at, "'compare' needs stages before it to compare");
                }
                &[]
            }
        };
        for need in needs {
            if !before(k, need) {
                faults.add(&at, format!("'{name}' needs the stage '{need}' before it"));
            }
        }
        if matches!(stage, Stage::Prepare(_)) && config.sample.is_some() {
            faults.add(
                "sample",
                "'Prepare' makes a sample of its own: leave `sample` out, or start with 'FromSample' in \
                 place of 'Prepare'",
            );
        }
        if matches!(stage, Stage::FromSample(_)) && config.sample.is_none() {
            faults.add(
                &at,
                "'from-sample' needs a structure file: sample: \"FILE\" at the top, or --set \
                 sample=FILE",
            );
        }
        if let Stage::Unload(unload) = stage {
            let fastest = stages[..k].iter().find_map(|stage| match stage {
                Stage::Shear(shear) => shear
                    .rates
                    .iter()
                    .map(|rate| rate.per_tau())
                    .reduce(f64::max),
                _ => None,
            });
            if fastest.is_some_and(|fastest| unload.unload_rate.per_tau() < fastest * (1.0 - 1e-9))
            {
                faults.add(
                    format!("{at}.unload_rate"),
                    "must not be below the fastest rate of loading, or the unloading itself creeps",
                );
            }
        }
    }
}
