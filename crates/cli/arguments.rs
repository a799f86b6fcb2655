//! What the command line may say: the verbs; the words of each stand with those of its kind.

mod catalogues;
mod lammps;
mod numbers;
mod runs;
mod searches;
mod structures;

use clap::{ArgAction, Parser, Subcommand};

pub use catalogues::{
    Activation, Barriers, Escape, Export, ExportFormat, Harvest, Prefactors, Recall, Step,
};
pub use lammps::{ExportLammps, ImportLammps};
pub use runs::{Bench, Check, Compare, Demo, Init, Report, Run, Template};
pub use searches::{Akmc, Merge, Search};
pub use structures::{Analyze, Energy, Forces, Kernel, Minimize, Settle};

/// Thermally activated plasticity of glasses: molecular dynamics, saddle searches and Eshelby
/// kinetic Monte Carlo in one chain.
#[derive(Debug, Parser)]
#[command(
    name = "metabasin",
    version,
    after_help = "Examples:\n  metabasin demo                               the whole chain on a small glass\n  \
                  metabasin init shear > shear.ron             a commented config\n  \
                  metabasin check shear.ron                    what is wrong, what it would cost\n  \
                  metabasin run shear.ron --out shear          run it; --resume after a stop\n\n\
                  Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted (resumable)."
)]
pub struct Arguments {
    /// Threads to use; by default all cores. Results do not depend on it.
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Say more on stderr; twice for everything.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on stderr but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print the results as one JSON object on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The whole pipeline on a small glass in some four minutes, ending in a report.
    #[command(
        after_help = "Example:\n  metabasin demo --out my-demo && xdg-open my-demo/report.html"
    )]
    Demo(Demo),
    /// Prints a commented config to start from, or a glass to try everything on.
    #[command(after_help = "Examples:\n  metabasin init search > search.ron\n  \
                      metabasin init --sample > glass.data.gz")]
    Init(Init),
    /// Runs the stages of a config.
    #[command(
        after_help = "Examples:\n  metabasin run shear.ron --out shear --set stages[2].strain=0.01\n  \
                      metabasin run shear.ron --out shear --resume"
    )]
    Run(Run),
    /// Validates a config without running it, and prints what it would cost.
    #[command(after_help = "Example:\n  metabasin check shear.ron --json")]
    Check(Check),
    /// Energy, stress and largest force of a structure.
    #[command(
        after_help = "Example:\n  metabasin energy glass.data.gz --cut shifted --per-atom atoms.csv"
    )]
    Energy(Energy),
    /// Relaxes a structure to its inherent structure at fixed cell.
    #[command(after_help = "Example:\n  metabasin minimize glass.data.gz -o inherent.extxyz")]
    Minimize(Minimize),
    /// Moves a glass to the deepest minimum that only tiny barriers keep it from.
    ///
    /// Soft spots of a glass flip across barriers far below k_B T. Saddle searches from a minimum
    /// with such a neighbor mostly end beside the neighbor, disconnected: settle first.
    #[command(
        after_help = "Example:\n  metabasin settle glass.data.gz -o settled.extxyz\n  metabasin search \
                      settled.extxyz -o glass.sqlite --searches 500"
    )]
    Settle(Settle),
    /// Voronoi structure, icosahedral network, bond topology and stress by class; motion between two
    /// structures.
    #[command(
        after_help = "Examples:\n  metabasin analyze glass.data.gz --per-atom atoms.csv\n  metabasin analyze \
                      sheared.extxyz --reference glass.data.gz --movers 0.6 --per-atom moved.csv"
    )]
    Analyze(Analyze),
    /// Saddle searches into a catalogue.
    #[command(
        after_help = "Examples:\n  metabasin search glass.data.gz --searches 200 -o glass.sqlite\n  \
                      metabasin search glass.data.gz --searches 400 -o glass.sqlite --resume\n  \
                      metabasin search glass.data.gz --searches 5000 --until-coverage 0.5 -o glass.sqlite\n  \
                      metabasin search search.ron -o glass.sqlite\n\n\
                      A job array: task k does\n  \
                      metabasin search glass.data.gz --range $((100*k))..$((100*k+100)) -o part-$k.sqlite\n\n\
                      An MPI job (docs/scaling.md):\n  \
                      srun metabasin search glass.data.gz --searches 20000 --threads 1 -o glass.sqlite --mpi"
    )]
    Search(Search),
    /// Puts catalogues of ranges of searches together, as if one process had done all.
    #[command(
        after_help = "Example:\n  metabasin merge part-0.sqlite part-1.sqlite part-2.sqlite -o glass.sqlite"
    )]
    Merge(Merge),
    /// Atomistic kinetic Monte Carlo: from minimum to minimum over saddles searched on the way.
    #[command(
        after_help = "Examples:\n  metabasin akmc glass.data.gz --temperature 0.14 --steps 50 --out walk\n  \
                      metabasin akmc glass.data.gz --temperature 0.14 --steps 100 --out walk --resume\n\n\
                      Writes series/walk.csv, structures/current.extxyz, checkpoints/ and energy.svg into the folder."
    )]
    Akmc(Akmc),
    /// Barrier statistics of a catalogue.
    #[command(
        after_help = "Examples:\n  metabasin barriers glass.sqlite --plot barriers.svg --csv events.csv --parquet events.parquet\n  \
                      metabasin barriers glass.sqlite --window 2.8 --window 4.7 --json\n  \
                      metabasin barriers glass.sqlite --verify --gradient-flow"
    )]
    Barriers(Barriers),
    /// Activation volumes, and barriers followed under strain or stress.
    #[command(
        after_help = "Examples:\n  metabasin activation glass.sqlite --to 0.05 --steps 10 --both-ways --plot load.svg\n  \
                      metabasin activation glass.sqlite --strain 1,-0.5,-0.5,0,0,0 --to 0.02\n  \
                      metabasin activation glass.sqlite --stress xy --to 0.5 --steps 10 --plot stress.svg"
    )]
    Activation(Activation),
    /// Vineyard prefactors of stored events, and the core's part of their barriers.
    #[command(after_help = "Examples:\n  metabasin prefactors glass.sqlite\n  \
                      metabasin prefactors glass.sqlite --radii 1.5,2,2.5,3,3.5 --events 20")]
    Prefactors(Prefactors),
    /// Lets molecular dynamics escape from a catalogue's minimum, beside the catalogue's sum of rates.
    #[command(after_help = "Example:\n  metabasin escape glass.sqlite --plot escape.svg")]
    Escape(Escape),
    /// Lets molecular dynamics leave a catalogue's minimum, and looks for every way that it took in the
    /// catalogue.
    ///
    /// Trajectories start in the minimum and are quenched until they end in another one; the pass of each
    /// first exit is found and laid beside the events: held where the catalogue leads to the same minimum
    /// over a pass at most half a k_B T higher.
    #[command(
        after_help = "Examples:\n  metabasin recall glass.sqlite --temperature 0.27 --plot recall.svg\n  \
                      metabasin recall glass.sqlite --trajectories 100 --missing missing.extxyz"
    )]
    Recall(Recall),
    /// Leaves molecular dynamics alone around a catalogue's minimum: the states that it visits, and the
    /// shear modulus that is left once they have relaxed.
    ///
    /// Trajectories at zero load are quenched at equal times. Told are the minima with their shares of the
    /// time and their weights by reversible maximum likelihood, which of them the catalogue stores, lasting
    /// exits, whether the sample ages, and G(t) of xy, xz and yz from the fluctuations of the stress between
    /// minima, without barriers or rates. With --store the catalogue keeps states, weights and fluxes. States
    /// are those of the whole sample: for some hundred atoms.
    #[command(
        after_help = "Examples:\n  metabasin harvest glass.sqlite --temperature 0.28 --plot modulus.svg\n  \
                      metabasin harvest glass.sqlite --trajectories 32 --seed 2 --store --csv states.csv"
    )]
    Harvest(Harvest),
    /// Steps a catalogue's sample by a strain and back: molecular dynamics beside the Eshelby model.
    ///
    /// At fixed cell, without barostat, unloading or fit between the two: the stress relaxes while the strain
    /// is held as atoms flip, and what flipped stands against the rest once it is taken back. Told are stress
    /// over strain in intervals of time that double, half the difference of both signs, what relaxed of it, and
    /// whether the model of the catalogue's events relaxes alike.
    #[command(
        after_help = "Examples:\n  metabasin step glass.sqlite --temperature 0.28 --plot step.svg\n  \
                      metabasin step glass.sqlite --pairs 24 --hold 512 --csv step.csv"
    )]
    Step(Step),
    /// Eshelby kinetic Monte Carlo of a config.
    #[command(
        after_help = "Example:\n  metabasin kmc kmc.ron --set catalogue=glass.sqlite --out kmc"
    )]
    Kmc(Run),
    /// Overlays the results of an MD run and a KMC run.
    #[command(after_help = "Examples:\n  metabasin compare demo demo\n  \
                      metabasin compare demo/03-shear demo/08-kmc --plot overlay.svg")]
    Compare(Compare),
    /// Builds the HTML report of a run directory anew; of an unfinished run, from the pairs of
    /// trajectories that are finished so far.
    #[command(after_help = "Example:\n  metabasin report my-demo")]
    Report(Report),
    /// Exports a catalogue for pandas, ASE or OVITO.
    #[command(
        after_help = "Examples:\n  metabasin export glass.sqlite --format extxyz -o events.extxyz\n  \
                      metabasin export glass.sqlite --format sqlite -o copy.sqlite"
    )]
    Export(Export),
    /// Writes the MD stages of a config as a LAMMPS job: a folder in which `lmp -in in.lammps` does
    /// them.
    #[command(
        after_help = "Example:\n  metabasin export-lammps shear.ron --set stages[0].temperature='Reduced(0.28)' -o job\n  \
                      cd job && mpirun -np 32 lmp -in in.lammps"
    )]
    ExportLammps(ExportLammps),
    /// Reads what LAMMPS left in an exported job into a run directory, for `report` and `compare`.
    #[command(
        after_help = "Example:\n  metabasin import-lammps job -o job-run && metabasin report job-run"
    )]
    ImportLammps(ImportLammps),
    /// Measures this machine's speed, with which `check` estimates cost.
    #[command(after_help = "Example:\n  metabasin bench --json")]
    Bench(Bench),
}
