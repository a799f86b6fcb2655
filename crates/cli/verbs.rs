//! One function a verb: from arguments to a printed result.

mod akmc;
mod analyze;
mod atom_view;
mod barrier_report;
mod barriers;
mod harvest;
mod inspect;
mod lammps;
mod rates;
mod recall;
mod run_views;
mod runs;
mod search;
mod softness;
mod step;

use anyhow::Result;

use crate::arguments::{Arguments, Template, Verb};
use crate::output::Output;
use crate::watch::Watch;

/// What every verb gets.
pub struct Context {
    /// Where results go.
    pub output: Output,
    /// Who watches.
    pub watch: Watch,
    /// Say nothing but errors.
    pub quiet: bool,
}

impl Context {
    /// A line on stderr, unless quiet.
    pub fn say(&self, message: &str) {
        if !self.quiet {
            crate::output::complain(message);
        }
    }

    /// Lines on stderr, unless quiet.
    pub fn say_all(&self, messages: &[String]) {
        for message in messages {
            self.say(message);
        }
    }
}

/// Does what the command line says.
pub fn execute(arguments: &Arguments) -> Result<()> {
    crate::signals::listen()?;
    let mut context = Context {
        output: Output::new(arguments.json),
        watch: Watch::new(arguments.quiet),
        quiet: arguments.quiet,
    };
    let context = &mut context;
    match &arguments.verb {
        Verb::Demo(demo) => runs::demo(context, demo),
        Verb::Init(init) => runs::init(context, init),
        Verb::Run(run) => runs::run(context, "run", run),
        Verb::Kmc(run) => runs::kmc(context, run),
        Verb::Check(check) => runs::check(context, check),
        Verb::Energy(energy) => inspect::energy(context, energy),
        Verb::Minimize(minimize) => inspect::minimize(context, minimize),
        Verb::Settle(settle) => search::settle(context, settle),
        Verb::Analyze(analyze) => analyze::analyze(context, analyze),
        Verb::Search(search) => search::search(context, search),
        Verb::Merge(merge) => search::merge(context, merge),
        Verb::Barriers(barriers) => barrier_report::barriers(context, barriers),
        Verb::Akmc(walk) => akmc::akmc(context, walk),
        Verb::Activation(activation) => barriers::activation(context, activation),
        Verb::Prefactors(prefactors) => rates::prefactors(context, prefactors),
        Verb::Escape(escape) => rates::escape(context, escape),
        Verb::Recall(asked) => recall::recall(context, asked),
        Verb::Harvest(asked) => harvest::harvest(context, asked),
        Verb::Step(asked) => step::step(context, asked),
        Verb::Export(export) => barriers::export(context, export),
        Verb::Compare(compare) => runs::compare(context, compare),
        Verb::Report(report) => runs::report(context, report),
        Verb::ExportLammps(export) => lammps::export(context, export),
        Verb::ImportLammps(import) => lammps::import(context, import),
        Verb::Bench(bench) => inspect::bench(context, bench),
    }
}

/// The glass of `init --sample`.
pub const SAMPLE: &[u8] = include_bytes!("../../configs/glass.data.gz");

/// The configs that `init` prints; the demo runs the first.
pub fn text_of(template: Template) -> &'static str {
    match template {
        Template::Demo => include_str!("../../configs/demo.ron"),
        Template::Shear => include_str!("../../configs/shear.ron"),
        Template::Search => include_str!("../../configs/search.ron"),
        Template::Kmc => include_str!("../../configs/kmc.ron"),
        Template::FromSample => include_str!("../../configs/from-sample.ron"),
    }
}
