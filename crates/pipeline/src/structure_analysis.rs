//! Who is icosahedral and what that means for energy and stress: the verb `analyze`.

use std::collections::BTreeMap;
use std::path::Path;

use metabasin_atoms::{Configuration, Stress};
use metabasin_files::Overwrite;
use metabasin_interactions::{Cut, ForceField, PerAtom};
use metabasin_structure::{
    BondTopology, DisclinationNetwork, IcosahedralNetwork, LavesOrder, Radii, StructureClass,
    Su2Class, Tessellation, Thresholds, class_averages, free_volumes, tessellate,
};
use serde::Serialize;

use crate::atom_groups::means_by_group;
use crate::atom_picture::AtomPicture;
use crate::atom_table::{AtomStructure, AtomTable};
use crate::config::KernelChoice;
use crate::disclination_file::write_disclinations;
use crate::inherent_structure::inherent_structure;
use crate::local_stress::{LocalStresses, ShearModulus, local_stresses, shear_modulus};
use crate::memory::{of_analysis, require_for};
use crate::moduli::{AtomModuli, LocalModuli, local_moduli};
use crate::motion::{EarlierStructure, Motion, motion};
use crate::sample::{Sample, force_field};
use crate::structure_file::Written;
use crate::{Interrupt, PipelineError};

/// The icosahedral network in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Icosahedra {
    /// Icosahedral atoms of either species.
    pub count: usize,
    /// Share of the small atoms that are icosahedral.
    pub fraction_of_small: Option<f64>,
    /// Share of all atoms that are icosahedral.
    pub fraction_of_all: f64,
    /// Atoms of the largest cluster of centers joined by faces.
    pub largest_cluster_centers: usize,
    /// Atoms of the largest cluster of whole icosahedra.
    pub largest_cluster_with_shells: usize,
    /// In how many directions the largest cluster of centers percolates.
    pub winding_rank_centers: u8,
    /// In how many directions the largest cluster of whole icosahedra percolates.
    pub winding_rank_with_shells: u8,
}

/// One class of atoms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassProperties {
    /// Atoms of the class.
    pub atoms: usize,
    /// Their share of all atoms.
    pub fraction: f64,
    /// Mean energy per atom.
    pub energy_per_atom: f64,
    /// Mean of the per-atom virial stresses.
    pub stress: Stress,
}

/// The disclination lines in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disclinations {
    /// Lines between two nodes, and closed ones.
    pub lines: usize,
    /// Closed lines, without a node.
    pub closed_lines: usize,
    /// Atoms at which lines meet or end.
    pub nodes: usize,
    /// Length of the lines of each order in a unit of volume `[1 / length²]`.
    pub length_density: BTreeMap<u32, f64>,
}

impl Disclinations {
    fn of(network: &DisclinationNetwork) -> Self {
        let closed = network.lines().iter().filter(|line| line.is_closed);
        Self {
            lines: network.lines().len(),
            closed_lines: closed.count(),
            nodes: network.nodes().len(),
            length_density: network.length_densities(),
        }
    }
}

/// What `analyze` reports.
#[derive(Clone, Debug, Serialize)]
pub struct StructureAnalysis {
    /// Number of atoms.
    pub atoms: usize,
    /// Length that an edge of a Voronoi cell must exceed to count.
    pub edge_threshold: f64,
    /// Mean number of Voronoi neighbors.
    pub coordination_mean: f64,
    /// The icosahedral network.
    pub icosahedral: Icosahedra,
    /// Share of the large atoms with the index <0,0,12,4> of the Laves crystal, and their largest
    /// cluster: large where the sample has begun to crystallize.
    pub laves_fraction_of_large: Option<f64>,
    /// Atoms of the largest cluster of such atoms.
    pub laves_largest_cluster: usize,
    /// Sum of the Voronoi volumes: the volume of the cell.
    pub volume_sum: f64,
    /// How often each index n3,n4,n5,n6[,n7..] occurs.
    pub voronoi_index_histogram: BTreeMap<String, usize>,
    /// Number of bonds of each order: common neighbors of two atoms whose cells share a face.
    pub bond_order_standard: BTreeMap<u32, usize>,
    /// The same after the modified radical Voronoi step, smallest face first.
    pub bond_order: BTreeMap<u32, usize>,
    /// Atoms of each class by the bonds after that step.
    pub su2: BTreeMap<&'static str, usize>,
    /// Lines of bonds that are not of order 5.
    pub disclinations: Disclinations,
    /// Mean volume of an atom's Voronoi cell beyond the sphere of its radius: of `all` atoms, of each class and each
    /// species that occurs.
    pub free_volume: BTreeMap<&'static str, f64>,
    /// Distributions of the local shear stress.
    pub local_stress: LocalStresses,
    /// Local elastic moduli, where they were asked for.
    pub moduli: Option<LocalModuli>,
    /// Energy and stress by class.
    pub classes: BTreeMap<&'static str, ClassProperties>,
    /// Motion from the reference, where there is one.
    pub displacement: Option<Motion>,
}

/// The Voronoi network of a configuration.
pub(crate) struct Network {
    pub(crate) tessellation: Tessellation,
    pub(crate) icosahedra: IcosahedralNetwork,
}

impl Network {
    pub(crate) fn new(configuration: &Configuration, radii: &Radii) -> Result<Self, PipelineError> {
        Self::with_thresholds(configuration, radii, &Thresholds::default())
    }

    fn with_thresholds(
        configuration: &Configuration,
        radii: &Radii,
        thresholds: &Thresholds,
    ) -> Result<Self, PipelineError> {
        let tessellation = tessellate(configuration, radii, thresholds)
            .map_err(|error| PipelineError::BadInput(error.to_string()))?;
        let icosahedra = IcosahedralNetwork::new(&tessellation, &configuration.species)
            .map_err(|error| PipelineError::BadInput(error.to_string()))?;
        Ok(Self {
            tessellation,
            icosahedra,
        })
    }
}

/// Energy and virial stress averaged over the icosahedral atoms and over the others.
pub(crate) fn by_class(
    configuration: &Configuration,
    classes: &[StructureClass],
    field: &mut ForceField,
) -> Result<BTreeMap<&'static str, ClassProperties>, PipelineError> {
    averages(classes, &per_atom(configuration, field))
}

fn per_atom(configuration: &Configuration, field: &mut ForceField) -> PerAtom {
    field.per_atom(
        &configuration.cell,
        &configuration.positions,
        &configuration.species,
    )
}

fn averages(
    classes: &[StructureClass],
    parts: &PerAtom,
) -> Result<BTreeMap<&'static str, ClassProperties>, PipelineError> {
    let averages = class_averages(classes, &parts.energy, &parts.stress)
        .map_err(|error| PipelineError::Failed(error.to_string()))?;
    Ok(averages
        .into_iter()
        .map(|average| {
            let properties = ClassProperties {
                atoms: average.atoms,
                fraction: average.fraction,
                energy_per_atom: average.energy_per_atom,
                stress: average.stress,
            };
            (average.class.name(), properties)
        })
        .collect())
}

/// What is to be found out about a structure, and how.
#[derive(Clone, Copy, Debug)]
pub struct AnalysisRequest<'a> {
    /// Cut mode and kernel of energies and stresses.
    pub forces: (Cut, KernelChoice),
    /// Radii of the Voronoi cells.
    pub radii: &'a Radii,
    /// Which edges and faces count.
    pub thresholds: &'a Thresholds,
    /// The modulus in units of which local stresses are told besides.
    pub shear_modulus: Option<ShearModulus>,
    /// Local moduli, the stiffness of atoms spread over a Gaussian of this width, where they are wanted.
    pub moduli: Option<f64>,
    /// The structure to compare with.
    pub reference: Option<EarlierStructure<'a>>,
    /// Where the table of all atoms goes: extended XYZ where the name ends so, else comma-separated values.
    pub per_atom: Option<&'a Path>,
    /// Where the disclination lines go, see [`DisclinationFormat`](crate::DisclinationFormat).
    pub disclinations: Option<&'a Path>,
    /// Whether the atoms are wanted for a picture.
    pub picture: bool,
    /// Whether the files may be there already.
    pub overwrite: Overwrite,
}

/// What became of an analysis.
#[derive(Debug)]
pub struct Analyzed {
    /// The numbers.
    pub analysis: StructureAnalysis,
    /// The atoms, where a picture of them is wanted.
    pub picture: Option<AtomPicture>,
    /// Whether the files could be written.
    pub written: Written,
}

/// Tessellates a sample and looks at it from all sides; also writes the files that were asked for.
///
/// # Errors
/// Where the sample cannot be tessellated, the reference holds other atoms, or the relaxed shear
/// modulus is wanted of what is no inherent structure.
pub fn analyze(
    sample: &Sample,
    request: &AnalysisRequest<'_>,
    interrupt: &Interrupt,
) -> Result<Analyzed, PipelineError> {
    let bad =
        |error: metabasin_structure::StructureError| PipelineError::BadInput(error.to_string());
    let configuration = &sample.configuration;
    let atoms = configuration.len();
    require_for(
        "analyze",
        atoms,
        of_analysis(atoms),
        "take a smaller sample",
    )?;
    let modulus = request
        .shear_modulus
        .map(|asked| shear_modulus(asked, configuration, request.forces, interrupt))
        .transpose()?;
    let Network {
        tessellation,
        icosahedra,
    } = Network::with_thresholds(configuration, request.radii, request.thresholds)?;
    let laves = LavesOrder::new(&tessellation, &configuration.species).map_err(bad)?;
    let classes = icosahedra.classes();
    let bonds = BondTopology::new(&tessellation, configuration).map_err(bad)?;
    let su2 = bonds.classes();
    let network = DisclinationNetwork::new(&bonds, configuration).map_err(bad)?;
    let free_volume = free_volumes(&tessellation, configuration, request.radii).map_err(bad)?;
    let moduli = moduli_of(configuration, request, interrupt)?;
    let mut field = force_field(request.forces.0, request.forces.1);
    let parts = per_atom(configuration, &mut field);
    let wants_atoms = request.per_atom.is_some() || request.picture;
    let (motion, atom_motion) = request
        .reference
        .map(|earlier| {
            let (motion, mut atom_motion) = motion(configuration, &earlier, &classes)?;
            if wants_atoms {
                let before = per_atom(earlier.configuration, &mut field).stress;
                atom_motion.compare_stress(&parts.stress, &before);
            }
            Ok::<_, PipelineError>((motion, atom_motion))
        })
        .transpose()?
        .unzip();
    let analysis = StructureAnalysis {
        atoms,
        edge_threshold: tessellation.edge_threshold(),
        coordination_mean: tessellation.coordination_mean(),
        icosahedral: in_numbers(&icosahedra),
        laves_fraction_of_large: laves.fraction_of_large(),
        laves_largest_cluster: laves.largest_cluster(),
        volume_sum: tessellation.volume_sum(),
        voronoi_index_histogram: tessellation
            .histogram()
            .into_iter()
            .map(|(index, count)| (index.to_string(), count))
            .collect(),
        classes: averages(&classes, &parts)?,
        bond_order_standard: bonds.standard_orders().clone(),
        bond_order: bonds.orders().clone(),
        su2: counts_of(&su2),
        disclinations: Disclinations::of(&network),
        free_volume: means_by_group(&free_volume, &classes, &configuration.species),
        local_stress: local_stresses(&parts.stress, &classes, &configuration.species, modulus),
        moduli: moduli.as_ref().map(|(width, moduli)| {
            LocalModuli::of(moduli, *width, &classes, &configuration.species)
        }),
        displacement: motion,
    };
    let motion = atom_motion.as_ref();
    let table = wants_atoms.then(|| {
        let of = AtomStructure {
            tessellation: &tessellation,
            classes: &classes,
            su2: &su2,
            free_volume: &free_volume,
            parts: &parts,
        };
        AtomTable::new(&of, moduli.as_ref().map(|(_, moduli)| moduli), motion)
    });
    let overwrite = request.overwrite;
    let mut written = match (request.per_atom, &table) {
        (Some(path), Some(table)) => table.write(path, overwrite, configuration),
        _ => Ok(()),
    };
    if let Some(path) = request.disclinations {
        let lines = write_disclinations((path, overwrite), configuration, &bonds, &network);
        written = written.and(lines);
    }
    let picture = table.filter(|_| request.picture).map(|table| {
        AtomPicture::new(configuration, request.radii, table)
            .with_bonds(configuration, &tessellation, Some(&bonds))
            .with_motion(motion)
    });
    Ok(Analyzed {
        analysis,
        picture,
        written,
    })
}

/// The local moduli, where they are wanted, and the width over which they are spread.
fn moduli_of(
    configuration: &Configuration,
    request: &AnalysisRequest<'_>,
    interrupt: &Interrupt,
) -> Result<Option<(f64, AtomModuli)>, PipelineError> {
    let Some(width) = request.moduli else {
        return Ok(None);
    };
    let minimum = inherent_structure("--moduli", configuration, request.forces, interrupt)?;
    Ok(Some((width, local_moduli(&minimum, width, interrupt)?)))
}

/// Atoms of each class, those without atoms included.
fn counts_of(su2: &[Su2Class]) -> BTreeMap<&'static str, usize> {
    let count = |class| su2.iter().filter(|of| **of == class).count();
    Su2Class::ALL
        .map(|class| (class.name(), count(class)))
        .into()
}

fn in_numbers(icosahedra: &IcosahedralNetwork) -> Icosahedra {
    let (largest_cluster_centers, winding_rank_centers) = icosahedra.largest_of_centers();
    let (largest_cluster_with_shells, winding_rank_with_shells) = icosahedra.largest_with_shells();
    Icosahedra {
        count: icosahedra.count(),
        fraction_of_small: icosahedra.fraction_of_small(),
        fraction_of_all: icosahedra.fraction_of_all(),
        largest_cluster_centers,
        largest_cluster_with_shells,
        winding_rank_centers,
        winding_rank_with_shells,
    }
}
