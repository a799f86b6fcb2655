//! What makes a place soft: `barriers --softness`.

use anyhow::Result;
use metabasin_pipeline::{Estimated, SoftnessRequest, SoftnessTable, softness};

use crate::arguments::Barriers;
use crate::output::table;
use crate::signals::INTERRUPT;
use crate::verbs::Context;

/// `barriers --softness`, local moduli spread over a Gaussian of a width.
pub fn tell_softness(context: &mut Context, arguments: &Barriers, width: f64) -> Result<()> {
    let request = SoftnessRequest {
        below: arguments.below,
        coarse_graining: width,
        seed: arguments.seed,
    };
    let found = softness(&arguments.catalogue, &request, &INTERRUPT)?;
    context.output.result(&found, describe)
}

fn describe(found: &SoftnessTable) -> String {
    let header = [
        "measure",
        "AUC softest",
        "AUC hardest",
        "Spearman",
        "events per atom by thirds",
        "",
        "",
        "lowest barrier by thirds",
        "",
        "",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for measure in &found.measures {
        let mut row = vec![
            measure.name.clone(),
            with_error(measure.auc_softest),
            with_error(measure.auc_hardest),
            with_error(measure.spearman),
        ];
        row.extend(measure.events_per_atom.map(with_error));
        row.extend(measure.lowest_barrier.map(with_error));
        rows.push(row);
    }
    format!(
        "{} of {} atoms take part in {} events; the softest 5 % have barriers up to {:.3}, the hardest 5 % of those with \
         any from {:.3}\n{}",
        found.atoms_with_events,
        found.atoms,
        found.events,
        found.soft_below,
        found.hard_above,
        table(&rows)
    )
}

fn with_error(of: Estimated) -> String {
    match (of.value, of.error) {
        (Some(value), Some(error)) => format!("{value:.3} +- {error:.3}"),
        (Some(value), None) => format!("{value:.3}"),
        (None, _) => "-".to_owned(),
    }
}
