//! The configuration of a run, its stages in order, resume and comparison.
//!
//! Read in this order: [`config`] is what a run may be asked; [`run`] does it, stage by stage, in
//! a run directory that resumes after any stop; [`Sample`] is a structure file found fit, which
//! [`single_point`], [`relax`], [`analyze`] and [`search_from_file`] look at one at a time;
//! [`merge_catalogues`] puts ranges of searches together; [`barrier_report`], [`activation_volumes`] and the exports read catalogues;
//! [`compare_runs`] lays MD and KMC side by side; [`estimate`] and [`measure_speed`] say what a
//! run would cost.

mod across_runs;
mod activation;
mod atom_groups;
mod atom_picture;
mod atom_table;
mod atomistic_walk;
mod catalogue_reading;
mod cell_mapping;
mod comparison;
pub mod config;
mod coverage_goal;
mod crystallization;
mod csv;
mod digest;
mod disclination_file;
mod displaced_minimum;
mod displacements;
mod elastic_stability;
mod error;
mod escape;
mod estimate;
mod event_picture;
mod finished_run;
mod finished_stages;
mod finished_trajectories;
mod harvest;
mod inherent_states;
mod inherent_structure;
mod journal;
mod kmc_runs;
mod lammps;
mod local_stress;
mod machine_memory;
mod machine_speed;
mod memory;
mod merge;
mod moduli;
mod motion;
mod parquet_tables;
mod poisson;
mod prefactors;
mod progress;
mod recall;
mod relaxation;
mod replicas;
mod reverification;
mod run;
mod run_directory;
mod run_picture;
mod saddle_searches;
mod sample;
mod search_output;
mod search_team;
mod settling;
mod single_point;
mod softness;
mod stage;
mod stages;
mod strain_step;
mod structure_analysis;
mod structure_file;
mod thermal_softening;
mod trajectory;
mod trajectory_dynamics;
mod trajectory_start;
mod unfinished;
mod van_hove;

pub use across_runs::{AcrossRow, AcrossRuns, across_runs};
pub use activation::{
    Activation, ActivationEnd, ActivationRequest, ActivationRow, LoadControl, LoadedWay,
    activation_volumes, write_activation_csv,
};
pub use atom_picture::{AtomPicture, PicturedBond, PicturedBonds};
pub use atom_table::{AtomProperty, AtomTable};
pub use atomistic_walk::{WalkRequest, WalkSummary, WalkTrack, walk_from_file};
pub use catalogue_reading::{
    BarrierRequest, WINDOW_RATES, barrier_report, export_csv, export_extxyz, export_sqlite,
};
pub use cell_mapping::AffineStrain;
pub use comparison::{Comparison, compare_runs};
pub use config::KernelChoice;
pub use coverage_goal::CoverageGoal;
pub use disclination_file::DisclinationFormat;
pub use displacements::{Displacements, OtherStrain};
pub use elastic_stability::compliance_note;
pub use error::PipelineError;
pub use escape::{EscapeRequest, EscapeRow, EscapeTest, escape_test, write_escape_csv};
pub use estimate::{Estimate, StageEstimate, estimate, takes_long};
pub use event_picture::{EventMotion, EventPicture, event_picture};
pub use finished_run::damaged_files;
pub use harvest::{
    Harvest, HarvestRequest, Keep, ModulusPoint, RelaxationModulus, VisitedState, harvest,
    write_harvest_csv,
};
pub use kmc_runs::{KmcFinal, KmcSummary, kmc_summary};
pub use lammps::{LammpsExport, LammpsImport, export_lammps, import_lammps};
pub use local_stress::{LocalStresses, ShearModulus, StressDistribution};
pub use machine_speed::{ForceSpeed, KmcSpeed, MachineSpeed, MdSpeed, measure_speed};
pub use memory::{StageMemory, check_memory};
pub use merge::{MergeSummary, merge_catalogues};
pub use metabasin_atoms::units::SECONDS_PER_TAU;
pub use metabasin_atoms::{Interrupt, Strain, Stress};
pub use metabasin_catalogue::{
    BarrierReport, Correlation, Distribution, Estimated, EventMeasures, MeyerNeldel, SoftnessTable,
    WindowCompleteness, measures_csv,
};
pub use metabasin_files::{AtomColumn, FilesError, Overwrite, Placement, try_output};
pub use metabasin_interactions::Cut;
pub use metabasin_landscape::{
    DescentMethod, HeatSettings, RateSettings, Reverification, ReverificationTolerances,
    SearchSettings, Surroundings,
};
pub use metabasin_minimizers::MinimizerKind;
pub use metabasin_structure::{
    ExponentialTail, Histogram, MostProbable, Radii, TailRange, Thresholds,
};
pub use moduli::{LocalModuli, ModuliByGroup};
pub use motion::{EarlierStructure, Motion, MoversFraction, StringCounts};
pub use parquet_tables::{check_parquet, export_parquet, write_measures_parquet};
pub use prefactors::{
    ConvergenceRow, PrefactorConvergence, PrefactorRequest, PrefactorSpread, PrefactorSummary,
    Unmeasured, measure_prefactors, prefactor_convergence,
};
pub use progress::{Progress, Silent, Work};
pub use recall::{
    ExitChannel, ExitVerdict, Recall, RecallRequest, RecallWindow, StationaryRecall, recall,
    write_missing, write_recall_csv,
};
pub use relaxation::{Relaxation, relax};
pub use reverification::{LargestShifts, ReverificationRequest, ReverificationSummary, reverify};
pub use run::{RunSummary, StageSummary, run};
pub use run_directory::{Existing, RunDirectory};
pub use run_picture::run_picture;
pub use saddle_searches::{SearchRequest, SearchSummary, search_from_config, search_from_file};
pub use sample::{Sample, force_field};
pub use search_output::files_beside_catalogue;
#[cfg(feature = "mpi")]
pub use search_team::Ranks;
pub use search_team::{Deliver, FinishedAhead, SearchIdentity, SearchJob, SearchTeam, ThisProcess};
pub use settling::{SettleRequest, SettleSettings, SettleSummary, SettlingMove, settle_sample};
pub use single_point::{SinglePoint, single_point};
pub use softness::{SoftnessRequest, softness};
pub use strain_step::{
    StepRequest, StepRow, SteppedStress, StrainStep, strain_step, write_step_csv,
};
pub use structure_analysis::{
    AnalysisRequest, Analyzed, ClassProperties, Disclinations, Icosahedra, StructureAnalysis,
    analyze,
};
pub use structure_file::{StructureOutput, Written, check_structure_name, write_bytes, write_text};
pub use trajectory_dynamics::TrajectoryDynamics;
pub use unfinished::{PairCount, digest_so_far};
pub use van_hove::{DisplacementDistribution, VanHoveCorrelation};
