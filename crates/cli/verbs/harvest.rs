//! What molecular dynamics does around a minimum: `harvest`.

use anyhow::Result;
use metabasin_pipeline::{
    Harvest, HarvestRequest, Keep, RelaxationModulus, harvest as harvest_states, write_harvest_csv,
    write_text,
};
use metabasin_report::{ModulusCurve, relaxation_modulus_svg};

use crate::arguments;
use crate::output::{table, with_error};
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::Context;

/// States in the table; all are in the file of `--csv`.
const ROWS: usize = 12;

/// `harvest`.
pub fn harvest(context: &mut Context, arguments: &arguments::Harvest) -> Result<()> {
    let (plot, csv) = (arguments.plot.as_deref(), arguments.csv.as_deref());
    let mut outputs = Files::of(arguments.force)
        .reads_catalogue(&arguments.catalogue)
        .writes("--plot", plot, Format::Svg)
        .writes("--csv", csv, Format::Text)
        .tried()?;
    let request = HarvestRequest {
        trajectories: arguments.trajectories,
        settle: arguments.settle,
        duration: arguments.duration,
        interval: arguments.interval,
        dynamics: (&arguments.dynamics).into(),
    };
    let keep = if arguments.store {
        Keep::States
    } else {
        Keep::Nothing
    };
    let asked = (&request, keep);
    let result = harvest_states(&arguments.catalogue, asked, (&context.watch, &INTERRUPT))?;
    outputs.write(context, "table", csv, |path, mode| {
        write_harvest_csv(&result, path, mode)
    });
    outputs.write(context, "plot", plot, |path, mode| {
        write_text(path, &drawn(&result), mode)
    });
    context.output.result(&result, describe)?;
    Ok(outputs.finish()?)
}

fn drawn(harvest: &Harvest) -> String {
    let curves: Vec<ModulusCurve> = harvest
        .moduli
        .iter()
        .map(|modulus| ModulusCurve {
            component: modulus.component.clone(),
            points: modulus
                .points
                .iter()
                .map(|point| (point.time, point.modulus, point.error))
                .collect(),
            equilibrium: modulus.equilibrium.zip(modulus.equilibrium_error),
        })
        .collect();
    relaxation_modulus_svg(&curves, &harvest.verdict())
}

fn describe(harvest: &Harvest) -> String {
    let mut lines = vec![format!(
        "{} trajectories at k_B T = {:.4}, {:.4} tau in all, a quench every {:.3} tau: {} states, {} jumps",
        harvest.trajectories,
        harvest.temperature,
        harvest.time,
        harvest.interval,
        harvest.states.len(),
        harvest.jumps
    )];
    lines.push(states(harvest));
    let balance = match (harvest.imbalance, harvest.imbalance_degrees) {
        (Some(chi_squared), Some(degrees)) if degrees > 0 => {
            format!("; detailed balance: chi^2 {chi_squared:.1} for {degrees} degrees of freedom")
        }
        _ => String::new(),
    };
    let [low, high] = harvest.lasting_rate_interval;
    lines.push(format!(
        "{} metabasins, {} lasting exits, {:.4} ({low:.4} to {high:.4}) a tau{balance}",
        harvest.metabasins, harvest.lasting_exits, harvest.lasting_rate
    ));
    lines.push(format!(
        "energy of the second halves above the first: {}",
        with_error(harvest.energy_drift, harvest.energy_drift_error, 3)
    ));
    if let Some(moduli) = moduli(&harvest.moduli) {
        lines.push(moduli);
    }
    if let Some(wells) = &harvest.wells {
        let each = (0..).zip(&harvest.moduli).map(|(k, modulus): (usize, _)| {
            let thermal = with_error(wells.thermal[k], Some(wells.thermal_error[k]), 2);
            let component = &modulus.component;
            format!("{component} {thermal} (minima {:.2})", wells.inherent[k])
        });
        let each: Vec<String> = each.collect();
        lines.push(format!(
            "G of the wells at this temperature, jumps apart: {}",
            each.join(", ")
        ));
    }
    lines.push(harvest.verdict());
    lines.join("\n")
}

fn states(harvest: &Harvest) -> String {
    let header = [
        "energy [epsilon]",
        "share",
        "entered",
        "weight",
        "metabasin",
        "V (s_0 - s)_xy [epsilon]",
        "atoms moved",
        "in the catalogue",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for state in harvest.states.iter().take(ROWS) {
        let weight = state.weight.map_or("-".to_owned(), |weight| {
            let error = state.weight_error.map(|error| error * weight);
            with_error(weight, error, 3)
        });
        rows.push(vec![
            format!("{:.3}", state.energy),
            format!("{:.3}", state.share),
            state.entries.to_string(),
            weight,
            state
                .metabasin
                .map_or("-".to_owned(), |basin| basin.to_string()),
            format!("{:.2}", state.dipole[0]),
            state.moved_atoms.to_string(),
            if state.stored { "yes" } else { "no" }.to_owned(),
        ]);
    }
    table(&rows)
}

fn moduli(moduli: &[RelaxationModulus]) -> Option<String> {
    let first = moduli.first()?;
    let mut header = vec!["t [tau]".to_owned()];
    header.extend(
        moduli
            .iter()
            .map(|modulus| format!("G_{}(t)", modulus.component)),
    );
    let mut rows = vec![header];
    for k in 0..first.points.len() {
        let mut row = vec![format!("{}", first.points[k].time)];
        row.extend(moduli.iter().map(|modulus| {
            let point = modulus.points[k];
            with_error(point.modulus, point.error, 2)
        }));
        rows.push(row);
    }
    let mut lines = vec![table(&rows)];
    for modulus in moduli {
        let slope = modulus.stress_slope.map_or(String::new(), |slope| {
            let slope = with_error(slope, modulus.stress_slope_error, 2);
            format!("; the stress of the dynamics follows at a slope of {slope}")
        });
        lines.push(match (modulus.equilibrium, &modulus.unresolved) {
            (Some(value), _) => format!(
                "G_{} once all has relaxed: {}; correlation time {:.1} tau{slope}",
                modulus.component,
                with_error(value, modulus.equilibrium_error, 2),
                modulus.correlation_time
            ),
            (None, why) => format!(
                "G_{} once all has relaxed: not resolved: {}{slope}",
                modulus.component,
                why.as_deref().unwrap_or("no fluctuations")
            ),
        });
    }
    Some(lines.join("\n"))
}
