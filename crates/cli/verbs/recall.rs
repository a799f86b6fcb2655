//! What a catalogue knows of the ways that molecular dynamics takes: `recall`.

use anyhow::Result;
use metabasin_pipeline::{
    ExitVerdict, Recall, RecallRequest, StationaryRecall, recall as recall_exits, write_missing,
    write_recall_csv, write_text,
};
use metabasin_report::{TakenWay, WayVerdict, recall_svg};

use crate::arguments;
use crate::output::{table, with_error};
use crate::outputs::{Files, Format};
use crate::signals::INTERRUPT;
use crate::verbs::Context;

/// `recall`.
pub fn recall(context: &mut Context, arguments: &arguments::Recall) -> Result<()> {
    let (plot, csv) = (arguments.plot.as_deref(), arguments.csv.as_deref());
    let missing = arguments.missing.as_deref();
    let mut outputs = Files::of(arguments.force)
        .reads_catalogue(&arguments.catalogue)
        .writes("--plot", plot, Format::Svg)
        .writes("--csv", csv, Format::Text)
        .writes("--missing", missing, Format::Text)
        .tried()?;
    let request = RecallRequest {
        trajectories: arguments.trajectories,
        interval: arguments.interval,
        longest: arguments.longest,
        stationary: arguments.stationary,
        settle: arguments.settle,
        duration: arguments.duration,
        dynamics: (&arguments.dynamics).into(),
    };
    let result = recall_exits(&arguments.catalogue, &request, (&context.watch, &INTERRUPT))?;
    outputs.write(context, "table", csv, |path, mode| {
        write_recall_csv(&result, path, mode)
    });
    if missing.is_some() && result.held + result.without_pass == result.exits {
        context.say("no pass is missing: no structures are written");
    }
    let missing = missing.filter(|_| result.held + result.without_pass < result.exits);
    outputs.write(context, "missing passes", missing, |path, mode| {
        write_missing(&result, &arguments.catalogue, path, mode).map(|_| ())
    });
    outputs.write(context, "plot", plot, |path, mode| {
        write_text(path, &drawn(&result), mode)
    });
    context.output.result(&result, describe)?;
    Ok(outputs.finish()?)
}

fn drawn(recall: &Recall) -> String {
    let taken: Vec<TakenWay> = recall
        .channels
        .iter()
        .filter_map(|channel| {
            let [low, high] = channel.rate_interval;
            Some(TakenWay {
                barrier: channel.barrier?,
                rate: channel.rate,
                limits: (low, high),
                verdict: match channel.verdict {
                    ExitVerdict::Held => WayVerdict::Held,
                    ExitVerdict::HeldByDetour => WayVerdict::ByDetour,
                    ExitVerdict::Missing | ExitVerdict::NoPass => WayVerdict::Missing,
                },
            })
        })
        .collect();
    recall_svg(&taken, &recall.events, &recall.verdict())
}

fn describe(recall: &Recall) -> String {
    let header = [
        "exits",
        "rate [1/tau]",
        "barrier [epsilon]",
        "dE [epsilon]",
        "nu [1/tau]",
        "V (s_0 - s)_xy [epsilon]",
        "atoms moved",
        "in the catalogue",
        "event",
        "its barrier",
    ];
    let real = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for channel in &recall.channels {
        rows.push(vec![
            channel.exits.to_string(),
            format!("{:.3}", channel.rate),
            real(channel.barrier),
            format!("{:.3}", channel.energy),
            real(channel.attempt_frequency),
            real(channel.dipole_xy),
            channel.moved_atoms.to_string(),
            channel.verdict.text().to_owned(),
            channel
                .event
                .map_or("-".to_owned(), |event| event.to_string()),
            real(channel.event_barrier),
        ]);
    }
    let share = |value: Option<f64>, interval: Option<[f64; 2]>| match (value, interval) {
        (Some(value), Some([low, high])) => format!("{value:.2} ({low:.2} to {high:.2})"),
        _ => "not seen".to_owned(),
    };
    let [low, high] = recall.rate_md_interval;
    let mut lines = vec![format!(
        "first exits at k_B T = {:.4}, a quench every {:.3} tau, {} trajectories, {} of which stayed",
        recall.temperature, recall.interval, recall.trajectories, recall.stayed
    )];
    if !recall.channels.is_empty() {
        lines.push(table(&rows));
    }
    lines.push(format!(
        "recall by rate {}; of channels seen twice {}; the next exit takes a channel seen with the chance {}",
        share(recall.recall_by_rate, recall.recall_by_rate_interval),
        share(recall.recall_by_count, recall.recall_by_count_interval),
        real(recall.channels_seen),
    ));
    lines.push(format!(
        "rate: MD {:.3} ({low:.3} to {high:.3}) a tau, sum of the catalogue's {:.3e}",
        recall.rate_md, recall.rate_catalogue
    ));
    if let Some(told) = &recall.stationary {
        lines.push(stationary(told));
    }
    lines.push(recall.verdict());
    lines.join("\n")
}

/// What stationary trajectories say of the states of a harvest.
fn stationary(told: &StationaryRecall) -> String {
    let [low, high] = told.rate_md_interval;
    let variance = told.stress_variance.map_or(String::new(), |share| {
        format!("; variance of the xy stress, stored over dynamics: {share:.2}")
    });
    let header = [
        "rate of the channel [1/tau]",
        "lasting exits",
        "held",
        "at another rate",
        "recall",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for window in &told.windows {
        let recall = match (window.recall, window.recall_interval) {
            (Some(value), Some([low, high])) => format!("{value:.2} ({low:.2} to {high:.2})"),
            _ => "not seen".to_owned(),
        };
        rows.push(vec![
            format!("{:.4} to {:.4}", window.faster_than, window.slower_than),
            window.exits.to_string(),
            window.held.to_string(),
            window.held_at_another_rate.to_string(),
            recall,
        ]);
    }
    format!(
        "{} stationary trajectories, {:.4} tau in all: {} of the time in stored states{variance}\n{}\n\
         lasting exits: MD {:.4} ({low:.4} to {high:.4}) a tau, stored states {:.4}",
        told.trajectories,
        told.time,
        with_error(
            told.time_in_stored_states,
            told.time_in_stored_states_error,
            3
        ),
        table(&rows),
        told.rate_md,
        told.rate_stored
    )
}
