//! How much memory this machine has left for the process.

use std::fs;
use std::path::{Path, PathBuf};

use crate::PipelineError;

/// Memory that the process may still take.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Available {
    /// Bytes.
    pub(crate) bytes: f64,
    /// Who says so.
    pub(crate) source: &'static str,
}

/// The least that machine, control group and shell leave to this process; `None` where none of them
/// says.
pub(crate) fn available() -> Option<Available> {
    let of = |bytes: Option<f64>, source| bytes.map(|bytes| Available { bytes, source });
    [
        of(of_machine(), "free on this machine"),
        of(of_groups(), "left in this process's control group"),
        of(of_shell(), "left under the shell's limit (ulimit -v)"),
    ]
    .into_iter()
    .flatten()
    .min_by(|a, b| a.bytes.total_cmp(&b.bytes))
}

/// Refuses work that needs more memory than there is.
///
/// # Errors
/// Bad input with both numbers and what to do about it.
pub(crate) fn require(what: &str, bytes: f64, remedy: &str) -> Result<(), PipelineError> {
    match refusal(bytes, available().as_ref()) {
        Some(refusal) => Err(PipelineError::BadInput(format!(
            "{what} {refusal}: {remedy}"
        ))),
        None => Ok(()),
    }
}

/// Why work that needs so much memory cannot be done; `None` where it can.
pub(crate) fn refusal(bytes: f64, available: Option<&Available>) -> Option<String> {
    let available = available.filter(|available| bytes > available.bytes)?;
    Some(format!(
        "needs about {} of memory, and {} are {}",
        in_words(bytes),
        in_words(available.bytes),
        available.source
    ))
}

/// Bytes as people say them.
pub(crate) fn in_words(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1e9 => format!("{:.0} MB", bytes / 1e6),
        bytes if bytes < 1e12 => format!("{:.1} GB", bytes / 1e9),
        bytes => format!("{:.1} TB", bytes / 1e12),
    }
}

/// The number behind `name` in a file of lines `name value [unit]`, in units of `unit` bytes.
fn field(path: &str, name: &str, unit: f64) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * unit)
}

fn of_machine() -> Option<f64> {
    field("/proc/meminfo", "MemAvailable:", 1024.0)
}

/// A shell's limit on the address space, less what is taken.
fn of_shell() -> Option<f64> {
    let limit = field("/proc/self/limits", "Max address space", 1.0)?;
    let taken = field("/proc/self/status", "VmSize:", 1024.0)?;
    Some((limit - taken).max(0.0))
}

/// The least left in the control groups that hold this process, version 2 or 1.
fn of_groups() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let groups = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        match controllers {
            "" => Some(("/sys/fs/cgroup", "memory.max", "memory.current", path)),
            list if list.split(',').any(|name| name == "memory") => Some((
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                path,
            )),
            _ => None,
        }
    });
    groups
        .flat_map(|(root, limit, usage, path)| {
            // In a container the group's path may be that outside of it: then its root is asked alone.
            let group = PathBuf::from(format!("{root}{path}"));
            let root = Path::new(root);
            let folders: Vec<PathBuf> = group
                .ancestors()
                .take_while(|folder| folder.starts_with(root))
                .map(Path::to_owned)
                .collect();
            folders
                .into_iter()
                .filter_map(|folder| left(&folder, limit, usage))
                .collect::<Vec<f64>>()
        })
        .min_by(f64::total_cmp)
}

/// What one group leaves; `None` where it has no limit.
fn left(folder: &Path, limit: &str, usage: &str) -> Option<f64> {
    let number = |name: &str| -> Option<f64> {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        text.trim().parse().ok()
    };
    let left = number(limit)? - number(usage)? + reclaimable(folder);
    Some(left.max(0.0))
}

/// What a group holds of files that the system gives back when memory is short.
fn reclaimable(folder: &Path) -> f64 {
    let path = folder.join("memory.stat");
    let of = |name: &str| field(&path.to_string_lossy(), name, 1.0).unwrap_or(0.0);
    of("inactive_file ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused_with_both_numbers() {
        let left = Available {
            bytes: 3.21e9,
            source: "free on this machine",
        };
        assert_eq!(refusal(3.2e9, Some(&left)), None);
        assert_eq!(refusal(1e30, None), None);
        let text = refusal(2.5e12, Some(&left)).unwrap();
        assert!(
            text.contains("2.5 TB") && text.contains("3.2 GB are free"),
            "{text}"
        );
    }

    #[test]
    fn a_group_leaves_its_limit_less_what_is_taken_and_not_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("memory.max", "max\n");
        write("memory.current", "500\n");
        assert_eq!(left(folder.path(), "memory.max", "memory.current"), None);
        write("memory.max", "2000\n");
        write("memory.stat", "anon 300\ninactive_file 100\n");
        assert_eq!(
            left(folder.path(), "memory.max", "memory.current"),
            Some(1600.0)
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_says_how_much_it_has() {
        let found = available().unwrap();
        assert!(found.bytes > 1e6 && found.bytes < 1e15, "{found:?}");
    }
}
