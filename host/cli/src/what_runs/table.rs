//! Tables for users.

use super::socket::Answer;
use super::{ProcessRow, Run, Usage};
use crate::values::time;
use isopod_host::plugin::PluginStatistics;
use isopod_text::Line;
use std::borrow::Cow;
use std::time::Duration;

/// A table of a program's live processes: one line each, oldest first, and one for all together.
pub(crate) fn processes(run: &Run) -> String {
    let heading = ["ID", "NAME", "CORE", "CPU", "MEMORY", "TASK", "STATE"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(run.processes.iter().map(row));
    if run.more_processes > 0 {
        let mut more = [const { String::new() }; 7];
        more[1] = format!("and {} more", run.more_processes);
        rows.push(more);
    }
    format!(
        "{}{} alive of {} started, {} of CPU time, {} queued, {} of host memory\n",
        aligned(&rows),
        counted(run.usage.alive, "process", "processes"),
        run.usage.started,
        seconds(run.usage.cpu_seconds),
        bytes(run.usage.queued_bytes),
        bytes(run.usage.host_memory_bytes)
    )
}

/// The same for several programs, each below a line that names it. A program without an answer has only that line.
pub(crate) fn answers(answers: &[Answer]) -> String {
    let paragraphs: Vec<String> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Run(run) => {
                let since = seconds(run.seconds);
                let (pid, program) = (run.pid, Line(&run.program));
                format!("{program}, pid {pid}, since {since}\n{}", processes(run))
            }
            Answer::None { pid, error, .. } => format!("pid {pid}: {}\n", Line(error)),
        })
        .collect();
    paragraphs.join("\n")
}

/// A table of the resources of a program's processes.
pub(crate) fn usage(usage: &Usage, elapsed_seconds: f64) -> String {
    let rows = [
        ["processes started", &usage.started.to_string()],
        ["most alive at a time", &usage.most_alive.to_string()],
        ["wall-clock time", &seconds(elapsed_seconds)],
        ["CPU time", &seconds(usage.cpu_seconds)],
        [
            "memory of the largest process",
            &bytes(usage.largest_memory_bytes),
        ],
        [
            "most memory of the host",
            &bytes(usage.most_host_memory_bytes),
        ],
    ];
    aligned(&rows.map(|row| row.map(str::to_owned)))
}

/// A table of the statistics of calls in this time.
pub(crate) fn calls(statistics: &PluginStatistics, elapsed: Duration) -> String {
    let shown = |latency: Option<Duration>| latency.map_or_else(|| "-".to_owned(), time);
    let calls = statistics.calls as f64;
    let mut rows = vec![
        ["calls".to_owned(), statistics.calls.to_string()],
        ["wall-clock time".to_owned(), time(elapsed)],
        [
            "calls a second".to_owned(),
            format!("{:.0}", calls / elapsed.as_secs_f64().max(1e-9)),
        ],
        ["latency p50".to_owned(), shown(statistics.p50)],
        ["latency p99".to_owned(), shown(statistics.p99)],
        ["longest".to_owned(), shown(statistics.longest)],
        [
            "instances made".to_owned(),
            statistics.instances_made.to_string(),
        ],
        ["memory".to_owned(), bytes(statistics.memory_bytes)],
        [
            "failed".to_owned(),
            statistics.failures.values().sum::<u64>().to_string(),
        ],
    ];
    for (kind, count) in &statistics.failures {
        rows.push([format!("  {}", kind.as_str()), count.to_string()]);
    }
    aligned(&rows)
}

fn row(process: &ProcessRow) -> [String; 7] {
    [
        process.id.to_string(),
        process.name.clone(),
        process
            .core
            .map_or_else(|| "-".to_owned(), |core| core.to_string()),
        seconds(process.cpu_seconds),
        bytes(process.memory_bytes),
        match process.job {
            Some(job) => format!("{}, job {job}", process.task),
            None => process.task.clone(),
        },
        state(process),
    ]
}

fn state(process: &ProcessRow) -> String {
    let text = &process.state_text;
    let Some(wait) = &process.wait else {
        return text.clone();
    };
    let since = seconds(wait.since_seconds);
    match wait.left_seconds {
        None => format!("{text}, since {since}"),
        Some(left) => format!("{text}, since {since}, for {} more", seconds(left)),
    }
}

/// Aligned columns with two blanks between them. Guests choose some cells, so each cell is escaped to one line.
fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let shown = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| Line(cell).to_text()));
    let rows: Vec<[Cow<'_, str>; COLUMNS]> = shown.collect();
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut table = String::new();
    for row in &rows {
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
fn seconds(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

fn bytes(count: u64) -> String {
    bytesize::ByteSize::b(count).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use isopod_host::inspect::TreeUsage;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "bb", "c"], ["dddd", "e", ""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "a     bb  c\ndddd  e\n");
        // A name forges no row, and turns none around.
        let forged = [["a\n2", "b"], ["c", "\u{202e}d"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&forged), "a\\n2  b\nc     \\u{202e}d\n");
    }

    #[test]
    fn what_was_used_is_a_table() {
        let table = usage(&Usage::from(&TreeUsage::default()), 1.5);
        assert_eq!(
            table,
            "processes started              0\n\
             most alive at a time           0\n\
             wall-clock time                1.500 s\n\
             CPU time                       0.000 s\n\
             memory of the largest process  0 B\n\
             most memory of the host        0 B\n"
        );
    }
}
