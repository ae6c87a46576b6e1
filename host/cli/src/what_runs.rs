//! What runs, and what was used: tables for people, on standard error.

use isopod_host::{Process, RunState, TreeUsage};
use std::time::{Duration, Instant};

/// A table of the live processes of a tree: one line each, oldest first, and one for the tree.
pub(crate) fn processes(main: &Process) -> String {
    let heading = ["ID", "NAME", "CORE", "CPU", "MEMORY", "TASK", "STATE"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(main.tree().iter().map(row));
    let usage = main.tree_usage();
    format!(
        "{}{} alive of {} started, {} of CPU time, {} queued\n",
        aligned(&rows),
        counted(usage.alive, "process", "processes"),
        usage.started,
        seconds(usage.cpu_time),
        bytes(usage.queued_bytes)
    )
}

/// A table of what the processes of a tree have used.
pub(crate) fn usage(usage: &TreeUsage, elapsed: Duration) -> String {
    let rows = [
        ["processes started", &usage.started.to_string()],
        ["most alive at a time", &usage.most_alive.to_string()],
        ["wall-clock time", &seconds(elapsed)],
        ["CPU time", &seconds(usage.cpu_time)],
        [
            "memory of the largest process",
            &bytes(usage.largest_memory_bytes),
        ],
    ];
    aligned(&rows.map(|row| row.map(str::to_owned)))
}

fn row(process: &Process) -> [String; 7] {
    let task = match process.job() {
        Some(job) => format!("{}, job {job}", process.task()),
        None => process.task().to_owned(),
    };
    [
        process.id().to_string(),
        process.name().to_owned(),
        process
            .core()
            .map_or_else(|| "-".to_owned(), |core| core.to_string()),
        seconds(process.cpu_time()),
        bytes(process.memory_bytes()),
        task,
        state(&process.state(), Instant::now()),
    ]
}

fn state(state: &RunState, now: Instant) -> String {
    match state {
        RunState::Waiting(wait) => {
            let since = seconds(now.saturating_duration_since(wait.since));
            match wait.deadline {
                None => format!("{state}, since {since}"),
                Some(deadline) => {
                    let left = seconds(deadline.saturating_duration_since(now));
                    format!("{state}, since {since}, for {left} more")
                }
            }
        }
        other => other.to_string(),
    }
}

/// Columns with two blanks between them; the last is as wide as it is.
fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut table = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(cell);
            let padding = width.saturating_sub(cell.chars().count()) + 2;
            line.extend(std::iter::repeat_n(' ', padding));
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

/// `1.234 s`.
fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

fn bytes(count: u64) -> String {
    bytesize::ByteSize::b(count).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "bb", "c"], ["dddd", "e", ""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "a     bb  c\ndddd  e\n");
    }

    #[test]
    fn what_was_used_is_a_table() {
        let table = usage(&TreeUsage::default(), Duration::from_millis(1_500));
        assert_eq!(
            table,
            "processes started              0\n\
             most alive at a time           0\n\
             wall-clock time                1.500 s\n\
             CPU time                       0.000 s\n\
             memory of the largest process  0 B\n"
        );
    }
}
