//! A step of strain and back, in molecular dynamics and in the Eshelby model: `step`.

use anyhow::Result;
use metabasin_pipeline::{
    StepRequest, SteppedStress, StrainStep, strain_step, write_step_csv, write_text,
};
use metabasin_report::{SteppedInterval, strain_step_svg};

use crate::arguments;
use crate::output::{table, with_error};
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::Context;

/// `step`.
pub fn step(context: &mut Context, arguments: &arguments::Step) -> Result<()> {
    let (plot, csv) = (arguments.plot.as_deref(), arguments.csv.as_deref());
    let mut outputs = Files::of(arguments.force)
        .reads_catalogue(&arguments.catalogue)
        .writes("--plot", plot, Format::Svg)
        .writes("--csv", csv, Format::Text)
        .tried()?;
    let request = StepRequest {
        strain: arguments.strain,
        hold: arguments.hold,
        pairs: arguments.pairs,
        settle: arguments.settle,
        dynamics: (&arguments.dynamics).into(),
        runs: arguments.runs,
    };
    let result = strain_step(&arguments.catalogue, &request, (&context.watch, &INTERRUPT))?;
    outputs.write(context, "table", csv, |path, mode| {
        write_step_csv(&result, path, mode)
    });
    outputs.write(context, "plot", plot, |path, mode| {
        write_text(path, &drawn(&result), mode)
    });
    context.output.result(&result, describe)?;
    Ok(outputs.finish()?)
}

fn drawn(step: &StrainStep) -> String {
    let measured = |stress: SteppedStress| (stress.modulus, stress.modulus_error);
    let intervals: Vec<SteppedInterval> = step
        .rows
        .iter()
        .map(|row| SteppedInterval {
            back: row.back,
            from: row.from,
            to: row.to,
            md: measured(row.md),
            kmc: row.kmc.map(measured),
            states: row.states.map(measured),
        })
        .collect();
    strain_step_svg(&intervals, &step.verdict())
}

/// Two cells of a table.
fn stresses(stress: Option<SteppedStress>) -> [String; 2] {
    let Some(stress) = stress else {
        return ["-".to_owned(), "-".to_owned()];
    };
    [
        with_error(stress.modulus, stress.modulus_error, 2),
        with_error(stress.relaxed, stress.relaxed_error, 2),
    ]
}

fn alike(agrees: Option<bool>) -> String {
    let told = agrees.map_or("cannot be told", |agrees| if agrees { "yes" } else { "no" });
    told.to_owned()
}

fn describe(step: &StrainStep) -> String {
    let model = step.medium.map_or(String::new(), |medium| {
        format!(
            ", {} runs of {} events in a cell of G_xy = {:.2} and a medium of G = {medium:.2}",
            step.runs,
            step.events.unwrap_or_default(),
            step.cell_modulus.unwrap_or_default()
        )
    });
    let mut header = vec![
        "t [tau]",
        "MD stress/strain",
        "MD relaxed",
        "its minima",
        "KMC stress/strain",
        "KMC relaxed",
        "alike",
    ];
    if step.states.is_some() {
        header.extend([
            "states stress/strain",
            "states relaxed",
            "alike",
            "MD in states",
        ]);
    }
    let mut parts = vec![format!(
        "strain {} at fixed cell, k_B T = {:.4}: {} pairs of trajectories{model}; half the difference of both \
         signs in epsilon/sigma^3",
        step.strain, step.temperature, step.pairs
    )];
    for (back, name) in [(false, "strain held"), (true, "strain taken back")] {
        let header = header.iter().map(|&name| name.to_owned());
        let mut rows: Vec<Vec<String>> = vec![header.collect()];
        for row in step.rows.iter().filter(|row| row.back == back) {
            let mut cells = vec![format!("{} to {}", row.from, row.to)];
            cells.extend(stresses(Some(row.md)));
            let minima = row.md_inherent;
            cells.push(with_error(minima.modulus, minima.modulus_error, 2));
            cells.extend(stresses(row.kmc));
            cells.push(alike(row.agrees));
            if step.states.is_some() {
                cells.extend(stresses(row.states));
                cells.push(alike(row.states_agree));
                let inside = row.md_in_states;
                cells
                    .push(inside.map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share)));
            }
            rows.push(cells);
        }
        parts.push(format!("{name}\n{}", table(&rows)));
    }
    let of_kmc = step.residual_strain_kmc.map_or(String::new(), |residual| {
        format!(
            ", Eshelby model {}",
            with_error(residual, step.residual_strain_kmc_error, 5)
        )
    });
    let of_states = step
        .residual_strain_states
        .map_or(String::new(), |residual| {
            let error = step.residual_strain_states_error;
            format!(", visited states {}", with_error(residual, error, 5))
        });
    parts.push(format!(
        "residual strain after the last interval: molecular dynamics {}{of_kmc}{of_states}",
        with_error(step.residual_strain_md, step.residual_strain_md_error, 5)
    ));
    if let (Some(states), Some(share)) = (step.states, step.states_share) {
        let softened = step.softening.map_or_else(
            || "; what heat does to their wells the harvest did not measure".to_owned(),
            |ratio| {
                format!(
                    "; by the fluctuations of the stress their wells have {} times the modulus of the minima",
                    with_error(ratio, step.softening_error, 3)
                )
            },
        );
        parts.push(format!(
            "{states} state{} that molecular dynamics visited at zero load, {:.0} % of the harvested time, relaxed in \
             the strained cell, where {:.0} % of their weight falls to others{softened}; errors are those of the \
             counts of jumps and of that modulus",
            if states == 1 { "" } else { "s" },
            100.0 * share,
            100.0 * step.states_fallen.unwrap_or_default()
        ));
    }
    parts.push(step.verdict());
    parts.join("\n")
}
