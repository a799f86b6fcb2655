//! Who is icosahedral and what that means for energy and stress: the verb `analyze`.

use std::collections::BTreeMap;
use std::path::Path;

use metabasin_atoms::{Configuration, Stress};
use metabasin_files::{Overwrite, write_atomic};
use metabasin_interactions::{Cut, ForceField};
use metabasin_structure::{
    IcosahedralNetwork, LavesOrder, Radii, StructureClass, Tessellation, Thresholds,
    class_averages, tessellate,
};
use serde::Serialize;

use crate::config::KernelChoice;
use crate::displacements::{Displacements, displacements};
use crate::memory::{of_analysis, require_for};
use crate::sample::{Sample, force_field};
use crate::structure_file::Written;
use crate::{PipelineError, csv};

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
    /// Energy and stress by class.
    pub classes: BTreeMap<&'static str, ClassProperties>,
    /// Displacements, where there is a reference.
    pub displacement: Option<Displacements>,
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

/// Tessellates a sample; `per_atom` also writes index, coordination, volume and class of every
/// atom.
///
/// # Errors
/// Where the sample cannot be tessellated, or the reference holds other atoms.
pub fn analyze(
    sample: &Sample,
    (cut, kernel): (Cut, KernelChoice),
    (radii, thresholds): (&Radii, &Thresholds),
    reference: Option<&Configuration>,
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
    let write = |(path, overwrite): (&Path, Overwrite)| {
        write_atomic(path, overwrite, |writer| {
            csv::comment(writer, "radical Voronoi cells, atom by atom")?;
            writeln!(writer, "id,species,n3,n4,n5,n6,coordination,volume,class")?;
            for (i, class) in classes.iter().enumerate() {
                let index = tessellation.index(i);
                let counts: Vec<String> = (3..=6)
                    .map(|edges| index.faces_with(edges).to_string())
                    .collect();
                let (id, species) = (configuration.ids[i], configuration.species[i].number());
                let coordination = tessellation.coordination(i);
                let volume = tessellation.volume(i);
                let (counts, class) = (counts.join(","), class.name());
                writeln!(
                    writer,
                    "{id},{species},{counts},{coordination},{volume:?},{class}"
                )?;
            }
            Ok(())
        })?;
        Ok(())
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
        displacement: reference
            .map(|r| displacements(configuration, r))
            .transpose()?,
    };
    Ok((analysis, per_atom.map_or(Ok(()), write)))
}
