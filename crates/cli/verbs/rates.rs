//! How fast events are: `prefactors`, `escape`.

use anyhow::Result;
use metabasin_pipeline::{
    EscapeRequest, EscapeTest, MeyerNeldel, PrefactorRequest, PrefactorSpread, RateSettings,
    escape_test, measure_prefactors, prefactor_convergence, write_escape_csv, write_text,
};
use metabasin_report::{EscapePoint, escape_svg};

use crate::arguments::{Escape, Prefactors};
use crate::output::table;
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::inspect::pairs;

fn spread(of: Option<&PrefactorSpread>) -> String {
    of.map_or("none".to_owned(), |s| {
        format!(
            "median {:.3}, quantiles 5 % {:.3}, 25 % {:.3}, 75 % {:.3}, 95 % {:.3}; spread of ln nu {:.2}",
            s.median, s.q05, s.q25, s.q75, s.q95, s.log_std
        )
    })
}

/// The Meyer-Neldel rule in words.
pub fn meyer_neldel_text(rule: Option<&MeyerNeldel>) -> String {
    let Some(rule) = rule else {
        return "prefactors not measured: metabasin prefactors".to_owned();
    };
    let energy = match (rule.meyer_neldel_energy, rule.meyer_neldel_energy_error) {
        (Some(energy), Some(error)) => format!("E_MN = {energy:.2} +- {error:.2}"),
        _ => "no compensation: the slope is not positive beyond two standard errors".to_owned(),
    };
    format!(
        "d ln nu / dE = {:.3} +- {:.3} over {} events (scatter of ln nu {:.2}, correlation {:.2}); {energy}",
        rule.slope, rule.slope_error, rule.events, rule.scatter, rule.correlation
    )
}

/// `prefactors`.
pub fn prefactors(context: &mut Context, arguments: &Prefactors) -> Result<()> {
    let request = PrefactorRequest {
        settings: RateSettings {
            prefactor_radius: arguments.radius,
            core_threshold: arguments.core,
        },
        anew: arguments.anew,
        kernel: arguments.kernel.into(),
    };
    if !arguments.radii.is_empty() {
        return convergence(context, arguments, &request);
    }
    let watch = (&context.watch as &_, &*INTERRUPT);
    let result = measure_prefactors(&arguments.catalogue, &request, watch)?;
    context.output.result(&result, |r| {
        let mut rows = vec![
            ("verified events", r.events.to_string()),
            ("measured now", r.measured.to_string()),
            ("with prefactors", r.with_prefactors.to_string()),
            ("without", r.unmeasured.len().to_string()),
            (
                "radius of the regions [sigma]",
                format!("{}", r.prefactor_radius),
            ),
            (
                "threshold of the core [sigma]",
                format!("{}", r.core_threshold),
            ),
            (
                "declared nu_0 [1/tau]",
                format!("{:.3}", r.attempt_frequency),
            ),
            ("nu forward [1/tau]", spread(r.forward.as_ref())),
            ("nu reverse [1/tau]", spread(r.reverse.as_ref())),
        ];
        if let Some(part) = r.core_part {
            rows.push(("core's part of the barrier, mean", format!("{part:.3}")));
        }
        rows.push(("seconds", format!("{:.1}", r.seconds)));
        let mut lines = vec![pairs(&rows)];
        lines.extend(
            r.unmeasured
                .iter()
                .map(|event| format!("event {}: {}", event.event, event.reason)),
        );
        lines.join("\n")
    })
}

/// `prefactors --radii`.
fn convergence(
    context: &mut Context,
    arguments: &Prefactors,
    request: &PrefactorRequest,
) -> Result<()> {
    let result = prefactor_convergence(
        &arguments.catalogue,
        request,
        (&arguments.radii, arguments.events),
        (&context.watch, &INTERRUPT),
    )?;
    context.output.result(&result, |r| {
        let header = [
            "radius [sigma]",
            "atoms",
            "events",
            "ln ratio: mean",
            "rms",
            "largest",
            "seconds",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for row in &r.rows {
            rows.push(vec![
                format!("{}", row.radius),
                format!("{:.0}", row.atoms),
                row.events.to_string(),
                format!("{:+.4}", row.log_mean),
                format!("{:.4}", row.log_rms),
                format!("{:.4}", row.log_largest),
                format!("{:.3}", row.seconds),
            ]);
        }
        format!(
            "ln(nu of the region / nu of the full cell of {} atoms), forward and reverse, over {} events\n\
             {}\nfull cell: {:.3} s an event",
            r.atoms,
            r.events,
            table(&rows),
            r.seconds_full
        )
    })
}

/// `escape`.
pub fn escape(context: &mut Context, arguments: &Escape) -> Result<()> {
    let (plot, csv) = (arguments.plot.as_deref(), arguments.csv.as_deref());
    let mut outputs = Files::of(arguments.force)
        .reads_catalogue(&arguments.catalogue)
        .writes("--plot", plot, Format::Svg)
        .writes("--csv", csv, Format::Text)
        .tried()?;
    let request = EscapeRequest {
        temperatures: arguments.temperatures.clone(),
        trajectories: usize::from(arguments.trajectories),
        friction_time: arguments.friction_time,
        time_step: arguments.time_step,
        interval: arguments.interval,
        seed: arguments.seed,
        kernel: arguments.kernel.into(),
    };
    let test = escape_test(&arguments.catalogue, &request, (&context.watch, &INTERRUPT))?;
    outputs.write(context, "table", csv, |path, mode| {
        write_escape_csv(&test, path, mode)
    });
    outputs.write(context, "plot", plot, |path, mode| {
        let points: Vec<EscapePoint> = test
            .rows
            .iter()
            .map(|row| EscapePoint {
                temperature: row.temperature,
                md: row.md,
                md_limits: (row.md_low, row.md_high),
                catalogue: row.catalogue.lasting,
                corrected: row.corrected,
                declared: (row.declared_low, row.declared_high),
            })
            .collect();
        write_text(path, &escape_svg(&points, &test.verdict()), mode)
    });
    context.output.result(&test, describe)?;
    Ok(outputs.finish()?)
}

fn describe(test: &EscapeTest) -> String {
    let header = [
        "k_B T [epsilon]",
        "escapes",
        "known",
        "recrossings",
        "time [tau]",
        "MD [1/tau]",
        "catalogue",
        "by coverage",
        "declared nu_0",
        "agrees",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for row in &test.rows {
        rows.push(vec![
            format!("{:.5}", row.temperature),
            format!("{} of {}", row.escapes, row.trajectories),
            row.known.to_string(),
            row.recrossings.to_string(),
            format!("{:.0}", row.exposure),
            format!("{:.2e} ({:.2e} .. {:.2e})", row.md, row.md_low, row.md_high),
            format!("{:.2e}", row.catalogue.lasting),
            row.corrected
                .map_or("-".to_owned(), |rate| format!("{rate:.2e}")),
            format!("{:.2e} .. {:.2e}", row.declared_low, row.declared_high),
            match (row.rare, row.agrees) {
                (false, _) => "not rare".to_owned(),
                _ if row.trajectories == 0 => "not settled".to_owned(),
                (true, true) => "yes".to_owned(),
                (true, false) => "no".to_owned(),
            },
        ]);
    }
    format!(
        "{}\nattempt period 1/nu_0 {:.4} tau, a quench every {:.4} tau, returns within {:.3} tau are \
         recrossings; catalogue: lasting rates, by coverage: divided by the Good-Turing coverage of the \
         events that make 99 % of the sum (the chance that the next search that ends there finds a known \
         one)\n{}",
        table(&rows),
        test.attempt_period,
        test.interval,
        test.lasting_time,
        test.verdict()
    )
}
