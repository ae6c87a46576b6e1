//! One guest in a host of its own: the host's peak memory, and the time from the deadline to its end.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The time-out of a guest.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(500);
/// After this time, or with this much memory, a host has failed for good.
const GUARD: Duration = Duration::from_secs(30);
const MEMORY_GUARD_KIB: u64 = 1 << 20;
/// The time between two looks at the memory of the host: the kernel keeps its peak, so only the last
/// milliseconds can be missed.
const LOOK: Duration = Duration::from_millis(2);

/// The lines of guests consist of a letter and three digits.
const LONGEST_LINE: usize = 4;

/// The outcome of a run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) exit_code: Option<i32>,
    /// The number of calls, and of successful ones: the highest powers of two that the guest printed.
    pub(crate) calls: u64,
    pub(crate) successes: u64,
    /// The last call that the guest printed: the letter of its stage, and its number.
    pub(crate) last: Option<(char, usize)>,
    /// The peak memory of the host, in KiB, after the guest had begun.
    pub(crate) peak_kib: u64,
    /// The time from the guest's deadline to the end of the host, zero if it ended before; without the time
    /// in which the kernel let other programs run.
    pub(crate) after_deadline: Duration,
    pub(crate) stderr: String,
}

/// Runs a component and measures.
pub(crate) fn run(mut command: Command, directory: &Path) -> Run {
    let stderr_path = directory.join("stderr");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&stderr_path).unwrap());
    let mut child = command.spawn().unwrap();
    let lines = lines_of(&mut child);
    let started = Instant::now();
    let mut begun = None;
    let mut run = Run {
        exit_code: None,
        calls: 0,
        successes: 0,
        last: None,
        peak_kib: 0,
        after_deadline: Duration::ZERO,
        stderr: String::new(),
    };
    let mut delays = Delays::default();
    let status = loop {
        if begun.is_some() {
            run.peak_kib = run.peak_kib.max(peak_kib(&child).unwrap_or_default());
        }
        if begun.is_some_and(|begun: Instant| begun.elapsed() > TIMEOUT) {
            delays.look(&child);
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > GUARD || run.peak_kib > MEMORY_GUARD_KIB {
            child.kill().unwrap();
            break child.wait().unwrap();
        }
        match lines.recv_timeout(LOOK) {
            Ok((time, line)) => note(&mut run, &mut begun, &child, time, &line),
            Err(RecvTimeoutError::Timeout) => {}
            // The host has closed its output, so its end is near.
            Err(RecvTimeoutError::Disconnected) => std::thread::park_timeout(LOOK),
        }
    };
    let ended = Instant::now();
    for (time, line) in lines {
        note(&mut run, &mut begun, &child, time, &line);
    }
    run.exit_code = status.code();
    if let Some(begun) = begun {
        let after_deadline = ended.duration_since(begun).saturating_sub(TIMEOUT);
        run.after_deadline = after_deadline.saturating_sub(delays.longest());
    }
    let stderr = std::fs::read(&stderr_path).unwrap();
    run.stderr = String::from_utf8_lossy(&stderr[..stderr.len().min(2000)]).into_owned();
    run
}

/// Each line with the time of its arrival.
fn lines_of(child: &mut Child) -> Receiver<(Instant, String)> {
    let mut output = child.stdout.take().unwrap();
    let (sender, receiver) = channel();
    let read = move || {
        let (mut buffer, mut line) = (vec![0; 1 << 16], Vec::new());
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            for &byte in &buffer[..count] {
                // Some functions write mebibytes: this keeps only bytes that may be a line of the guest.
                match byte {
                    b'\n' => {
                        let text = String::from_utf8_lossy(&line).into_owned();
                        line.clear();
                        if text.len() <= LONGEST_LINE
                            && sender.send((Instant::now(), text)).is_err()
                        {
                            return;
                        }
                    }
                    _ if line.len() <= LONGEST_LINE => line.push(byte),
                    _ => {}
                }
            }
        }
    };
    std::thread::Builder::new()
        .name("lines".to_owned())
        .spawn(read)
        .unwrap();
    receiver
}

/// Records a line of a guest: see `prelude.wat`.
fn note(run: &mut Run, begun: &mut Option<Instant>, child: &Child, time: Instant, line: &str) {
    // Any other output of a guest comes from the function under test.
    let Some((letter, number)) = line.split_at_checked(1) else {
        return;
    };
    let Ok(number) = number.parse::<u32>() else {
        return;
    };
    match letter {
        "g" if begun.is_none() => {
            *begun = Some(time);
            // From here on the peak measures the guest's own work, and not its compilation.
            let _ = std::fs::write(format!("/proc/{}/clear_refs", child.id()), "5");
        }
        "c" => run.calls = 1 << number,
        "s" => run.successes = 1 << number,
        "p" | "f" | "v" => {
            run.last = letter
                .chars()
                .next()
                .map(|letter| (letter, number as usize))
        }
        _ => {}
    }
}

/// The peak memory of a process since the peak was reset.
fn peak_kib(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix(" kB")?.parse().ok()
}

/// The time that each thread of a host has waited for a processor since the deadline.
#[derive(Debug, Default)]
struct Delays {
    /// By thread: at the first look and at the last.
    threads: BTreeMap<String, (Duration, Duration)>,
}

impl Delays {
    fn look(&mut self, child: &Child) {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", child.id())) else {
            return;
        };
        for thread in threads.flatten() {
            let Ok(text) = std::fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            // The second number: the nanoseconds in which the thread could have run and did not.
            let Some(Ok(waited)) = text.split(' ').nth(1).map(str::parse) else {
                continue;
            };
            let waited = Duration::from_nanos(waited);
            let name = thread.file_name().to_string_lossy().into_owned();
            self.threads.entry(name).or_insert((waited, waited)).1 = waited;
        }
    }

    /// The longest wait of one thread. At worst the threads of the host work one after the other, so
    /// without this wait its end would have come at least that much sooner.
    fn longest(&self) -> Duration {
        let waits = self
            .threads
            .values()
            .map(|(first, last)| last.saturating_sub(*first));
        waits.max().unwrap_or_default()
    }
}
