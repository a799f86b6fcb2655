//! What `analyze` found, as figures.

use metabasin_pipeline::{LocalStresses, MostProbable, Motion, StructureAnalysis};
use metabasin_report::{
    DisplacementCurve, DisplacementCurves, Figure, FittedGaussian, StressHistogram,
    StressHistograms, figures,
};

/// All figures of a structure, and of the motion where there is a reference.
pub fn figures(analysis: &StructureAnalysis) -> Vec<Figure> {
    let stresses = local_stresses(&analysis.local_stress);
    let mut all = vec![
        figures::local_stress_by_class(&stresses),
        figures::local_stress_by_species(&stresses),
        figures::stress_within_limit(&stresses),
        figures::bond_orders(&analysis.bond_order_standard, &analysis.bond_order),
    ];
    if let Some(motion) = &analysis.displacement {
        let curves = displacements(motion);
        all.push(figures::van_hove(&curves));
        all.push(figures::displacement_lengths(&curves));
    }
    all
}

fn displacements(motion: &Motion) -> DisplacementCurves {
    let correlation = &motion.van_hove;
    DisplacementCurves {
        bin_width: correlation.bin_width,
        tail_range: (correlation.tail_range.from, correlation.tail_range.to),
        mover_threshold: motion.mover_threshold,
        classes: correlation
            .classes
            .iter()
            .map(|(name, class)| DisplacementCurve {
                label: (*name).to_owned(),
                atoms: class.atoms,
                self_correlation: class.self_correlation.clone(),
                counts: class.counts.clone(),
                tail: class
                    .tail
                    .map(|tail| (tail.decay_length, tail.decay_length_error, tail.atoms)),
            })
            .collect(),
    }
}

fn local_stresses(stresses: &LocalStresses) -> StressHistograms {
    let fitted = |fit: &MostProbable| FittedGaussian {
        center: (fit.center, fit.center_error),
        width: (fit.width, fit.width_error),
        share: fit.share,
    };
    StressHistograms {
        component: stresses.component.to_owned(),
        shear_modulus: stresses.shear_modulus,
        limits: stresses.limits.clone(),
        groups: stresses
            .groups
            .iter()
            .map(|(name, group)| StressHistogram {
                label: (*name).to_owned(),
                atoms: group.atoms,
                from: group.histogram.from,
                bin_width: group.histogram.width,
                counts: group.histogram.counts.clone(),
                fit: group.most_probable.as_ref().map(fitted),
                within: group.within.clone(),
            })
            .collect(),
    }
}
