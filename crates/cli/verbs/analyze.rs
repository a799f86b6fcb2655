//! The structure of a glass and the motion between two: `analyze`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use metabasin_pipeline::{
    EarlierStructure, Motion, PipelineError, Radii, Sample, StructureAnalysis, Thresholds,
    analyze as analyze_sample,
};

use crate::arguments::Analyze;
use crate::outputs::{Files, Format};
use crate::verbs::Context;
use crate::verbs::inspect::pairs;

/// The radii of the Voronoi cells.
fn radii_of(arguments: &Analyze) -> Result<Radii, PipelineError> {
    match &arguments.radii {
        Some(radii) if radii.len() != 2 => Err(PipelineError::BadInput(format!(
            "--radii takes two radii, of the large and the small atom, got {}: e.g. --radii \
                 0.5,0.4167",
            radii.len()
        ))),
        Some(radii) => {
            Radii::new(radii.clone()).map_err(|error| PipelineError::BadInput(error.to_string()))
        }
        None => Ok(Radii::half_sigma()),
    }
}

/// Shares of the bonds of order 4, 5 and 6, and how many bonds the modified radical Voronoi step
/// left.
fn bond_shares(orders: &BTreeMap<u32, usize>, standard: &BTreeMap<u32, usize>) -> String {
    let all: usize = orders.values().sum();
    let share = |order: u32| {
        let bonds = orders.get(&order).copied().unwrap_or(0);
        format!("{:.2} %", 100.0 * bonds as f64 / all as f64)
    };
    format!(
        "{}, {}, {} of {all} (of {} before the modified step)",
        share(4),
        share(5),
        share(6),
        standard.values().sum::<usize>()
    )
}

/// What the table says of the motion from the reference.
fn motion_rows(moved: &Motion) -> Vec<(&'static str, String)> {
    let Motion {
        displacements,
        strings,
        ..
    } = moved;
    let share = |share: Option<f64>| {
        share.map_or("none".to_owned(), |share| format!("{:.2} %", 100.0 * share))
    };
    let number = |counts: &BTreeMap<usize, usize>| counts.values().sum::<usize>();
    vec![
        (
            "displacement",
            format!(
                "mean square {:.6}, largest {:.4} (atom id {}), participation {:.1}",
                displacements.mean_square,
                displacements.largest,
                displacements.largest_id,
                displacements.participation
            ),
        ),
        ("  beyond the strain", displacements.strain.to_string()),
        (
            "  movers",
            format!(
                "{} by more than {}: {} of icosahedral, {} of other atoms",
                moved.movers,
                moved.mover_threshold,
                share(moved.movers_fraction.icosahedral),
                share(moved.movers_fraction.other)
            ),
        ),
        (
            "  strings",
            format!(
                "{} chains, {} rings, longest {} atoms",
                number(&strings.chains),
                number(&strings.rings),
                strings.longest
            ),
        ),
        (
            "  mean D2min",
            format!(
                "{:.6} (neighbors within {})",
                moved.d2min_mean, moved.d2min_cutoff
            ),
        ),
    ]
}

/// What the table says of the structure, and of the motion where there is a reference.
fn structure_rows(r: &StructureAnalysis) -> Vec<(&'static str, String)> {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let optional = |share: Option<f64>| share.map_or("none".to_owned(), percent);
    let network = &r.icosahedral;
    let mut rows = vec![
        ("atoms", r.atoms.to_string()),
        ("mean coordination", format!("{:.4}", r.coordination_mean)),
        ("icosahedral atoms", network.count.to_string()),
        (
            "  share of small atoms",
            optional(network.fraction_of_small),
        ),
        ("  share of all atoms", percent(network.fraction_of_all)),
        (
            "  largest cluster of centers",
            format!(
                "{} atoms, percolates in {} directions",
                network.largest_cluster_centers, network.winding_rank_centers
            ),
        ),
        (
            "  largest cluster with shells",
            format!(
                "{} atoms, percolates in {} directions",
                network.largest_cluster_with_shells, network.winding_rank_with_shells
            ),
        ),
        (
            "Laves-like large atoms",
            optional(r.laves_fraction_of_large),
        ),
        (
            "bonds of order 4, 5, 6",
            bond_shares(&r.bond_order, &r.bond_order_standard),
        ),
        (
            "SU(2) classes",
            format!(
                "{} icosahedral, {} Frank-Kasper, {} Nelson, {} other",
                r.su2["icosahedral"], r.su2["frank_kasper"], r.su2["nelson"], r.su2["other"]
            ),
        ),
        ("sum of Voronoi volumes", format!("{:.6}", r.volume_sum)),
    ];
    for (class, properties) in &r.classes {
        let name = if *class == "icosahedral" {
            "class icosahedral"
        } else {
            "class other"
        };
        rows.push((
            name,
            format!(
                "{} atoms, energy per atom {:.6}, pressure {:.4}, shear stress xy {:.4}",
                properties.atoms,
                properties.energy_per_atom,
                properties.stress.pressure(),
                properties.stress.xy()
            ),
        ));
    }
    if let Some(moved) = &r.displacement {
        rows.extend(motion_rows(moved));
    }
    rows
}

/// `analyze`.
pub fn analyze(context: &mut Context, arguments: &Analyze) -> Result<()> {
    let forces = arguments.forces;
    let per_atom = arguments.per_atom.as_deref();
    let mut files = Files::of(arguments.force).reads("FILE", &arguments.file);
    if let Some(reference) = &arguments.reference {
        files = files.reads("--reference", reference);
    }
    let mut outputs = files.writes("--per-atom", per_atom, Format::Text).tried()?;
    let sample = Sample::read(&arguments.file, forces.cut)?;
    context.say_all(&sample.notes);
    let radii = radii_of(arguments)?;
    let thresholds = Thresholds {
        edge: arguments.edge_threshold,
        ..Thresholds::default()
    };
    let read = |path: &Path| Sample::read(path, forces.cut).map(|sample| sample.configuration);
    let reference = arguments.reference.as_deref().map(read).transpose()?;
    let per_atom = per_atom.map(|path| (path, outputs.overwrite()));
    let (result, written) = analyze_sample(
        &sample,
        (forces.cut, forces.kernel.into()),
        (&radii, &thresholds),
        reference.as_ref().map(|configuration| EarlierStructure {
            configuration,
            mover_threshold: arguments.movers,
            d2min_cutoff: arguments.d2min_cutoff,
        }),
        per_atom,
    )?;
    let moved = result.displacement.as_ref();
    if let Some(doubt) = moved.and_then(|moved| moved.displacements.doubt()) {
        context.say(&doubt);
    }
    outputs.keep_if(written);
    context.output.result(&result, |r| {
        let rows = structure_rows(r);
        let mut frequent: Vec<_> = r.voronoi_index_histogram.iter().collect();
        frequent.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let mut lines = vec![
            pairs(&rows),
            "most frequent Voronoi indices n3,n4,n5,n6:".to_owned(),
        ];
        for (index, count) in frequent.into_iter().take(8) {
            lines.push(format!("  {index:<14} {count}"));
        }
        lines.join("\n")
    })?;
    Ok(outputs.finish()?)
}
