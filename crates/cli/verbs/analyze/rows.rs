//! What `analyze` says in words.

use std::collections::BTreeMap;

use metabasin_pipeline::{
    LocalModuli, LocalStresses, Motion, StructureAnalysis, VanHoveCorrelation,
};

use crate::output::with_error;

/// The tail of the van Hove correlation.
fn van_hove(correlation: &VanHoveCorrelation) -> String {
    let all = &correlation.classes["all"];
    let range = correlation.tail_range;
    let to = range.to.map_or(String::new(), |to| format!(" to {to:.4}"));
    let non_gaussian = all.non_gaussian.map_or(String::new(), |alpha| {
        format!(", non-Gaussian parameter {alpha:.3}")
    });
    let tail = match &all.tail {
        Some(tail) => format!(
            "tail beyond {:.4}{to} of {} atoms decays over {}{}",
            range.from,
            tail.atoms,
            with_error(tail.decay_length, Some(tail.decay_length_error), 4),
            match tail.over_gaussian {
                Some(ratio) if ratio < 0.0 => " (a Gaussian fits it better)",
                _ => "",
            }
        ),
        None => format!("no tail beyond {:.4}{to}", range.from),
    };
    format!("{tail}{non_gaussian}")
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
pub fn motion_rows(moved: &Motion) -> Vec<(&'static str, String)> {
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
        ("  van Hove", van_hove(&moved.van_hove)),
    ]
}

/// What the table says of the structure.
pub fn structure_rows(r: &StructureAnalysis) -> Vec<(&'static str, String)> {
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
        ("disclination lines", disclinations(r)),
        ("sum of Voronoi volumes", format!("{:.6}", r.volume_sum)),
        ("free volume per atom", free_volume(r)),
    ];
    if let Some(moduli) = &r.moduli {
        rows.extend(moduli_rows(moduli));
    }
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
    rows.extend(stress_rows(&r.local_stress));
    rows
}

fn disclinations(r: &StructureAnalysis) -> String {
    let found = &r.disclinations;
    let density = |order: u32| found.length_density.get(&order).copied().unwrap_or(0.0);
    format!(
        "{} ({} closed), {} nodes; length in unit volume {:.4} of order 4, {:.4} of order 6",
        found.lines,
        found.closed_lines,
        found.nodes,
        density(4),
        density(6)
    )
}

fn free_volume(r: &StructureAnalysis) -> String {
    by_group(&r.free_volume)
}

fn by_group(means: &BTreeMap<&'static str, f64>) -> String {
    let groups = ["all", "icosahedral", "other", "large", "small"];
    let texts: Vec<String> = groups
        .into_iter()
        .filter_map(|name| Some(format!("{name} {:.4}", means.get(name)?)))
        .collect();
    texts.join(", ")
}

/// Local moduli by group.
fn moduli_rows(moduli: &LocalModuli) -> Vec<(&'static str, String)> {
    vec![
        ("shear modulus, affine", by_group(&moduli.shear_born)),
        ("  non-affine part of it", by_group(&moduli.shear_nonaffine)),
        (
            "  lowest Kelvin modulus",
            format!(
                "{}; negative for {:.2} % (stiffness spread over {})",
                by_group(&moduli.kelvin_lowest),
                100.0 * moduli.unstable_fraction,
                moduli.coarse_graining
            ),
        ),
    ]
}

/// The most probable local stress of each group.
fn stress_rows(stresses: &LocalStresses) -> Vec<(&'static str, String)> {
    let names = [
        ("all", "local stress xy of all"),
        ("icosahedral", "  icosahedral"),
        ("other", "  other"),
        ("large", "  large"),
        ("small", "  small"),
    ];
    let groups = names.into_iter().filter_map(|(group, name)| {
        let found = stresses.groups.get(group)?;
        let fit = match (&found.most_probable_over_modulus, &found.most_probable) {
            (Some(fit), _) => Some((fit, 5, " G")),
            (None, Some(fit)) => Some((fit, 4, "")),
            (None, None) => None,
        };
        let text = fit.map_or("no most probable part".to_owned(), |(fit, digits, unit)| {
            format!(
                "most probable {}, width {}{unit}",
                with_error(fit.center, Some(fit.center_error), digits),
                with_error(fit.width, Some(fit.width_error), digits)
            )
        });
        Some((
            name,
            format!(
                "{text}; mean {:.4}, standard deviation {:.4}",
                found.mean, found.standard_deviation
            ),
        ))
    });
    let modulus = stresses
        .shear_modulus
        .map(|modulus| ("shear modulus G", format!("{modulus:.4}")));
    modulus.into_iter().chain(groups).collect()
}
