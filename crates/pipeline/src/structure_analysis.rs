//! Who is icosahedral and what that means for energy and stress: the verb `analyze`.

use std::collections::BTreeMap;
use std::path::Path;

use metabasin_atoms::{Configuration, Stress};
use metabasin_files::Overwrite;
use metabasin_interactions::{Cut, ForceField};
use metabasin_structure::{
    BondTopology, IcosahedralNetwork, LavesOrder, Radii, StructureClass, Su2Class, Tessellation,
    Thresholds, class_averages, tessellate,
};
use serde::Serialize;

use crate::PipelineError;
use crate::config::KernelChoice;
use crate::memory::{of_analysis, require_for};
use crate::motion::{EarlierStructure, Motion, motion};
use crate::sample::{Sample, force_field};
use crate::structure_file::Written;
use crate::structure_table::{StructureTable, write_structure_table};

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
    let parts = field.per_atom(
        &configuration.cell,
        &configuration.positions,
        &configuration.species,
    );
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

/// Tessellates a sample; `per_atom` also writes index, coordination, volume, classes and motion of
/// every atom.
///
/// # Errors
/// Where the sample cannot be tessellated, or the reference holds other atoms.
pub fn analyze(
    sample: &Sample,
    (cut, kernel): (Cut, KernelChoice),
    (radii, thresholds): (&Radii, &Thresholds),
    reference: Option<EarlierStructure<'_>>,
    per_atom: Option<(&Path, Overwrite)>,
) -> Result<(StructureAnalysis, Written), PipelineError> {
    let configuration = &sample.configuration;
    let atoms = configuration.len();
    require_for(
        "analyze",
        atoms,
        of_analysis(atoms),
        "take a smaller sample",
    )?;
    let Network {
        tessellation,
        icosahedra,
    } = Network::with_thresholds(configuration, radii, thresholds)?;
    let laves = LavesOrder::new(&tessellation, &configuration.species)
        .map_err(|error| PipelineError::BadInput(error.to_string()))?;
    let classes = icosahedra.classes();
    let (largest_cluster_centers, winding_rank_centers) = icosahedra.largest_of_centers();
    let (largest_cluster_with_shells, winding_rank_with_shells) = icosahedra.largest_with_shells();
    let bonds = BondTopology::new(&tessellation, configuration)
        .map_err(|error| PipelineError::BadInput(error.to_string()))?;
    let su2 = bonds.classes();
    let mut su2_counts: BTreeMap<&'static str, usize> =
        Su2Class::ALL.map(|class| (class.name(), 0)).into();
    for class in &su2 {
        *su2_counts.entry(class.name()).or_insert(0) += 1;
    }
    let (motion, atom_motion) = reference
        .map(|earlier| motion(configuration, &earlier, &classes))
        .transpose()?
        .unzip();
    let table = StructureTable {
        configuration,
        tessellation: &tessellation,
        classes: &classes,
        su2: &su2,
        motion: atom_motion.as_ref(),
    };
    let analysis = StructureAnalysis {
        atoms: configuration.len(),
        edge_threshold: tessellation.edge_threshold(),
        coordination_mean: tessellation.coordination_mean(),
        icosahedral: Icosahedra {
            count: icosahedra.count(),
            fraction_of_small: icosahedra.fraction_of_small(),
            fraction_of_all: icosahedra.fraction_of_all(),
            largest_cluster_centers,
            largest_cluster_with_shells,
            winding_rank_centers,
            winding_rank_with_shells,
        },
        laves_fraction_of_large: laves.fraction_of_large(),
        laves_largest_cluster: laves.largest_cluster(),
        volume_sum: tessellation.volume_sum(),
        voronoi_index_histogram: tessellation
            .histogram()
            .into_iter()
            .map(|(index, count)| (index.to_string(), count))
            .collect(),
        classes: by_class(configuration, &classes, &mut force_field(cut, kernel))?,
        bond_order_standard: bonds.standard_orders().clone(),
        bond_order: bonds.orders().clone(),
        su2: su2_counts,
        displacement: motion,
    };
    let written = per_atom.map_or(Ok(()), |(path, overwrite)| {
        write_structure_table(path, overwrite, &table)
    });
    Ok((analysis, written))
}
