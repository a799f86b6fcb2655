//! One structure: `energy`, `minimize`, `settle`, `analyze`; and how forces are computed.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use metabasin_pipeline::{Cut, KernelChoice, MinimizerKind, ShearModulus, TailRange};

use super::numbers::{positive, shear_modulus, tail_range};

/// How forces are computed.
#[derive(Args, Clone, Copy, Debug)]
pub struct Forces {
    /// Cut mode of the potential at 2.5 sigma_11.
    #[arg(
        long,
        value_name = "truncated|shifted|smooth",
        default_value = "smooth"
    )]
    pub cut: Cut,
    /// Force kernel: `portable` gives the same bits on every machine.
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
}

/// Force kernels by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kernel {
    /// The fastest one this machine has.
    Auto,
    /// The portable one.
    Portable,
}

impl From<Kernel> for KernelChoice {
    fn from(kernel: Kernel) -> Self {
        match kernel {
            Kernel::Auto => Self::Auto,
            Kernel::Portable => Self::Portable,
        }
    }
}

/// Arguments of `energy`.
#[derive(Args, Debug)]
pub struct Energy {
    /// Structure file: LAMMPS data or dump, extended XYZ; gzip or zstd.
    pub file: PathBuf,
    /// Forces.
    #[command(flatten)]
    pub forces: Forces,
    /// Write id, species, energy, force and stress of every atom.
    #[arg(long, value_name = "FILE.csv")]
    pub per_atom: Option<PathBuf>,
    /// Overwrite the file that --per-atom names.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `minimize`.
#[derive(Args, Debug)]
pub struct Minimize {
    /// Structure file.
    pub file: PathBuf,
    /// Where the inherent structure goes: `.extxyz`, `.data` or `.dump`, `.gz` or `.zst` behind.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Put atoms inside the cell, with the lattice shift of each (columns `image`, or `ix iy iz`);
    /// otherwise they stand where they have moved to, the same bits.
    #[arg(long)]
    pub wrapped: bool,
    /// Forces.
    #[command(flatten)]
    pub forces: Forces,
    /// Minimizer: conjugate_gradient, lbfgs, fire, truncated_newton.
    #[arg(long, value_name = "NAME", default_value = "lbfgs")]
    pub method: MinimizerKind,
    /// Largest force on an atom at which the structure counts as converged.
    #[arg(long, value_name = "FORCE", default_value_t = 1e-8, allow_negative_numbers = true, value_parser = positive)]
    pub force_tolerance: f64,
    /// Overwrite the output.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `settle`.
#[derive(Args, Debug)]
pub struct Settle {
    /// Structure file.
    pub file: PathBuf,
    /// Where the deepest neighbor goes: `.extxyz`, `.data` or `.dump`, `.gz` or `.zst` behind.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Put atoms inside the cell, with the lattice shift of each (columns `image`, or `ix iy iz`);
    /// otherwise they stand where they have moved to, the same bits.
    #[arg(long)]
    pub wrapped: bool,
    /// Forces.
    #[command(flatten)]
    pub forces: Forces,
    /// Highest energy on the straight line to a deeper minimum that is crossed, above the one left.
    #[arg(long, value_name = "ENERGY", default_value_t = 0.8, allow_negative_numbers = true, value_parser = positive)]
    pub barrier: f64,
    /// Saddle searches from every minimum on the way; by default one for every 16 atoms.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub searches: Option<u64>,
    /// Seed of the searches.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        allow_negative_numbers = true
    )]
    pub seed: u64,
    /// Overwrite the output.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `analyze`.
#[derive(Args, Debug)]
pub struct Analyze {
    /// Structure file.
    pub file: PathBuf,
    /// Cut mode for energy and stress by class.
    #[command(flatten)]
    pub forces: Forces,
    /// Radii of the radical Voronoi cells, large and small atom.
    #[arg(long, value_name = "R1,R2", value_delimiter = ',', allow_negative_numbers = true, value_parser = positive)]
    pub radii: Option<Vec<f64>>,
    /// An edge of a Voronoi cell counts if it is longer, a face if it has three such edges; by
    /// default 1e-7 of the mean spacing, so that perfect crystals have their indices. 0 counts all.
    #[arg(long, value_name = "LENGTH")]
    pub edge_threshold: Option<f64>,
    /// Compare with this earlier structure: displacements beyond the strain between the two cells.
    ///
    /// Cells say that strain but for whole lattice vectors. Tried are the strain that the files
    /// state, the smallest one, and those up to 10 lattice vectors from either on one tilt, up to 2
    /// on all three; the one with the least mean square displacement is taken.
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// With --reference: an atom moved if its displacement beyond the strain is larger.
    #[arg(
        long,
        value_name = "LENGTH",
        default_value_t = 0.6,
        requires = "reference",
        allow_negative_numbers = true,
        value_parser = positive
    )]
    pub movers: f64,
    /// With --reference: sum D2min over neighbors up to this far in the reference.
    #[arg(
        long,
        value_name = "LENGTH",
        default_value_t = 1.5,
        requires = "reference",
        allow_negative_numbers = true,
        value_parser = positive
    )]
    pub d2min_cutoff: f64,
    /// With --reference: fit the tail of the van Hove correlation to displacements beyond FROM, up to TO;
    /// by default beyond four widths of its Gaussian core.
    #[arg(long, value_name = "FROM[,TO]", requires = "reference", allow_negative_numbers = true, value_parser = tail_range)]
    pub tail: Option<TailRange>,
    /// Tell local stresses also in units of this shear modulus: a number, or `relaxed` for that of an
    /// inherent structure in the plane xy, which takes longer than all else.
    #[arg(long, value_name = "G|relaxed", allow_negative_numbers = true, value_parser = shear_modulus)]
    pub shear_modulus: Option<ShearModulus>,
    /// Local elastic moduli of an inherent structure, the stiffness of atoms spread over a Gaussian of this width: the
    /// shear modulus where atoms follow the strain, what their further motion takes from it, and the lowest Kelvin
    /// modulus. Takes longer than all else.
    #[arg(
        long,
        value_name = "WIDTH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        allow_negative_numbers = true,
        value_parser = positive
    )]
    pub moduli: Option<f64>,
    /// Write index, coordination, volume, classes, free volume, energy and stress of every atom; with --reference also
    /// D2min, displacement beyond the strain, change of the von Mises stress, and the number of its string. As columns
    /// of extended XYZ, which OVITO and ASE show, where the name ends in `.extxyz`.
    #[arg(long, value_name = "FILE.csv|FILE.extxyz")]
    pub per_atom: Option<PathBuf>,
    /// Write the disclination lines: `.data` for OVITO, with the defect bonds as bonds of type 1 (order 4), 2
    /// (order 6) and 3 (others), or `.json` with the polylines.
    #[arg(long, value_name = "FILE.data|FILE.json")]
    pub disclinations: Option<PathBuf>,
    /// Draw local stresses, bonds by their order and, with --reference, how far atoms went.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Write all numbers, figures and the view of the atoms as one page that opens without a network.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Show the atoms in three dimensions in a page that opens without a network: to be turned, sliced, colored by
    /// what is known of them, and asked; with the icosahedral network, disclination lines and displacements.
    #[arg(long, value_name = "FILE.html")]
    pub view: Option<PathBuf>,
    /// Overwrite the files that --per-atom, --disclinations, --plot, --report and --view name.
    #[arg(long)]
    pub force: bool,
}
