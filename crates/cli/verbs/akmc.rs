//! Atomistic kinetic Monte Carlo from the command line: `akmc`.

use anyhow::Result;
use metabasin_pipeline::{Existing, WalkRequest, walk_from_file, write_text};
use metabasin_report::walk_svg;

use crate::arguments::Akmc;
use crate::outputs::Files;
use crate::signals::INTERRUPT;
use crate::verbs::Context;
use crate::verbs::inspect::pairs;

/// `akmc`.
pub fn akmc(context: &mut Context, arguments: &Akmc) -> Result<()> {
    let existing = match (arguments.resume, arguments.force) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    };
    let ends = arguments.time.is_some() || arguments.wall_seconds.is_some();
    let mut request = WalkRequest {
        steps: arguments.steps.or_else(|| (!ends).then_some(100)),
        until: arguments.time,
        every: arguments.every,
        wall_seconds: arguments.wall_seconds,
        cut: arguments.forces.cut,
        kernel: arguments.forces.kernel.into(),
        catalogue: arguments.catalogue.clone(),
        from: arguments.from.clone(),
        attempt_frequency_per_second: arguments.attempt_frequency,
        ..WalkRequest::default()
    };
    request.walk.temperature = arguments.temperature;
    request.walk.highest_barrier = arguments.highest_barrier;
    request.walk.first_effort = arguments.first_effort;
    request.walk.effort = arguments.effort;
    request.walk.trajectories = arguments.trajectories;
    request.walk.seed = arguments.seed;
    let plot = arguments.out.join("energy.svg");
    let mut files = Files::of(true).reads("FILE", &arguments.file);
    if let Some(catalogue) = &arguments.catalogue {
        files = files.reads_catalogue(catalogue);
    }
    if let Some(from) = &arguments.from {
        files = files.reads("--from", from);
    }
    let mut outputs = files.writes_run("--out", &arguments.out).tried()?;
    let watch = (&context.watch as _, &*INTERRUPT);
    let (summary, track) =
        walk_from_file(&arguments.file, &arguments.out, &request, existing, watch)?;
    outputs.write(context, "plot", Some(&plot), |path, mode| {
        write_text(path, &walk_svg(&track.passages, &track.drawn), mode)
    });
    context.output.result(&summary, |s| {
        let mut rows = vec![("steps", s.steps.to_string())];
        for (kind, count) in &s.kinds {
            rows.push((kind.as_str(), count.to_string()));
        }
        rows.extend([
            ("time [tau]", format!("{:.6e}", s.time)),
            ("time, mapped [s]", format!("{:.6e}", s.time_mapped)),
            ("energy, first minimum", format!("{:.6}", s.energy_start)),
            ("energy, last minimum", format!("{:.6}", s.energy_end)),
            ("flickering regions", s.regions.to_string()),
            ("their known minima", s.states.to_string()),
            ("known ways to unseen ones", s.exits.to_string()),
            ("searches", s.searches.to_string()),
            ("force evaluations", s.force_evaluations.to_string()),
            ("seconds", format!("{:.1}", s.seconds)),
            ("  in the first minimum", format!("{:.1}", s.seconds_start)),
            ("tau per wall second", format!("{:.6e}", s.tau_per_second)),
        ]);
        pairs(&rows)
    })?;
    Ok(outputs.finish()?)
}
