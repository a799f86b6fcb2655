//! The README's tour as data: commands, and what it shows of their output.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// A command of a `console` block and the lines under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// As given to the shell, its comment with it.
    pub command: String,
    /// Lines of output; `...` stands for any lines, and at the end of a line for the rest of it.
    pub shown: Vec<String>,
    /// Line of the command in the text, from 0.
    pub line: usize,
    /// Whether it takes minutes, as its comment says (`# about 2 min`), or stands in a block after
    /// one that does and may need what that makes.
    pub is_long: bool,
}

/// Whether the comment of a command says that it takes minutes.
fn takes_minutes(command: &str) -> bool {
    let comment = command.split_once(" # ").map_or("", |(_, after)| after);
    comment
        .split_once("about ")
        .is_some_and(|(_, after)| after.split_whitespace().nth(1).is_some_and(is_minutes))
}

fn is_minutes(word: &str) -> bool {
    word.trim_end_matches(|c: char| !c.is_alphanumeric()) == "min"
}

/// The steps of all `console` blocks between the heading `## A tour` and the next of its rank.
pub fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut in_tour, mut in_block, mut is_long) = (false, false, false);
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("## ") {
            in_tour = line == "## A tour";
        } else if in_tour && line.starts_with("```") {
            in_block = line == "```console";
            is_long = false;
        } else if in_tour && in_block {
            if let Some(command) = line.strip_prefix("$ ") {
                is_long |= takes_minutes(command);
                steps.push(Step {
                    is_long,
                    command: command.to_owned(),
                    shown: Vec::new(),
                    line: number,
                });
            } else if let Some(step) = steps.last_mut() {
                step.shown.push(line.to_owned());
            }
        }
    }
    steps
}

/// Runs a step in `folder` as a shell does, with the program that was just built first on the path;
/// its standard output. Its exit code is 0, or 1 where its comment says so.
pub fn run(step: &Step, program: &Path, folder: &Path) -> String {
    let tools = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{tools}", program.parent().unwrap().display());
    let output = Command::new("sh")
        .args(["-c", &step.command])
        .current_dir(folder)
        .env("PATH", path)
        .output()
        .unwrap();
    let (said, printed) = (
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout),
    );
    let expected = i32::from(step.command.contains("exit code 1"));
    assert_eq!(
        output.status.code(),
        Some(expected),
        "$ {}\n{said}",
        step.command
    );
    printed.into_owned()
}

/// Words of a line; a number before a unit of time, and one that is a speed, may be any.
fn words(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_number = |word: &str| word.parse::<f64>().is_ok();
    let is_unit = |word: &str| {
        let unit = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        ["s", "min", "h", "days", "years"].contains(&unit) || unit.ends_with("/s")
    };
    let mut kept = Vec::new();
    let mut k = 0;
    while k < words.len() {
        let next_is_unit = words.get(k + 1).is_some_and(|next| is_unit(next));
        if is_number(words[k]) && next_is_unit {
            kept.push("<time or speed>".to_owned());
            k += 2;
        } else {
            kept.push(words[k].to_owned());
            k += 1;
        }
    }
    kept
}

/// Whether two words are the same, numbers up to one unit in the last place shown.
fn same_word(shown: &str, printed: &str) -> bool {
    if shown == printed {
        return true;
    }
    let bare = |word: &str| word.trim_matches([',', ';', '(', ')']).to_owned();
    let (a, b) = (bare(shown), bare(printed));
    let (Ok(x), Ok(y)) = (a.parse::<f64>(), b.parse::<f64>()) else {
        return false;
    };
    let (mantissa, exponent) = a.split_once('e').unwrap_or((&a, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, part)| part.len());
    let exponent: i32 = exponent.parse().unwrap_or(0);
    decimals > 0 && (x - y).abs() < 1.5 * 10_f64.powi(exponent - decimals as i32)
}

/// Whether a line of output is the one that is shown.
pub fn same_line(shown: &str, printed: &str) -> bool {
    let (shown, cut) = shown
        .strip_suffix("...")
        .map_or((shown, false), |start| (start, true));
    let (shown, printed) = (words(shown), words(printed));
    (shown.len() == printed.len() || cut && shown.len() < printed.len())
        && shown.iter().zip(&printed).all(|(a, b)| same_word(a, b))
}

/// What of a step's output is not as shown, in words; `None` where all is.
pub fn difference(step: &Step, printed: &str) -> Option<String> {
    let mut rest = printed.lines();
    let mut skipping = false;
    for shown in &step.shown {
        if shown.trim() == "..." {
            skipping = true;
            continue;
        }
        let found = if skipping {
            rest.any(|line| same_line(shown, line))
        } else {
            rest.next().is_some_and(|line| same_line(shown, line))
        };
        if !found {
            return Some(format!(
                "$ {}\ndoes not print, where it should:\n{shown}\nbut:\n{printed}",
                step.command
            ));
        }
        skipping = false;
    }
    // A command under which nothing stands may print what it likes.
    let left = rest.find(|line| !line.trim().is_empty());
    left.filter(|_| !skipping && !step.shown.is_empty())
        .map(|line| format!("$ {}\nprints more:\n{line}", step.command))
}

/// What names a line of output: its words up to the first number.
fn label(line: &str) -> Vec<&str> {
    line.split_whitespace()
        .take_while(|word| !word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+'))
        .collect()
}

/// The text with the outputs of its steps put in place of those shown: of the same lines, found by
/// their labels.
pub fn rewritten(text: &str, printed: &[(Step, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    for (step, printed) in printed {
        let mut rest = printed.lines();
        for (k, shown) in step.shown.iter().enumerate() {
            if shown.trim() == "..." {
                continue;
            }
            let (start, cut) = shown
                .strip_suffix("...")
                .map_or((shown.as_str(), false), |start| (start, true));
            let Some(line) = rest.find(|line| label(line) == label(start)) else {
                continue;
            };
            // Of a line that is cut, as many words as were shown.
            let fresh = if cut {
                let words = start.split_whitespace().count();
                let mut end = 0;
                for word in line.split_whitespace().take(words) {
                    end = line[end..]
                        .find(word)
                        .map_or(end, |at| end + at + word.len());
                }
                let mut fresh = line[..end].to_owned();
                let _ = write!(fresh, "  ...");
                fresh
            } else {
                line.to_owned()
            };
            lines[step.line + 1 + k] = fresh;
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}
