//! The end of a run of isopod, as text to compare.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// The results of a run: `Display` prints all of them.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code, or a shell's exit code for a signal.
    pub(crate) exit_code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Ended {
        let ended = Ended {
            exit_code: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            stdout: String::from_utf8(stdout.to_vec()).unwrap(),
            stderr: without_addresses(std::str::from_utf8(stderr).unwrap()),
        };
        // Whatever a program does, isopod itself must not panic.
        assert!(!ended.stderr.contains("panicked at host/"), "{ended}");
        assert!(!ended.stderr.contains("stack backtrace"), "{ended}");
        ended
    }

    /// The error of isopod itself that ended the run, checked for its form: exit code 125, one paragraph on
    /// standard error, with one `error:` and at most one `hint:`, and nothing else.
    pub(crate) fn own_error(&self) -> &str {
        assert_eq!(self.exit_code, 125, "{self}");
        assert_eq!(self.stdout, "", "{self}");
        let labels: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| !line.starts_with("  "))
            .map(|line| line.split_once(": ").map_or(line, |(label, _)| label))
            .collect();
        let (first, rest) = labels.split_first().unwrap();
        let (last, causes) = match rest.split_last() {
            Some((last, causes)) => (*last, causes),
            None => ("hint", rest),
        };
        assert_eq!(*first, "error", "{self}");
        assert!(causes.iter().all(|label| *label == "cause"), "{self}");
        assert!(["cause", "hint"].contains(&last), "{self}");
        assert!(!self.stderr.contains("panicked"), "{self}");
        &self.stderr
    }

    /// The same without the frames of backtraces, whose names depend on the compiler, and without the
    /// core and the memory of crash reports.
    pub(crate) fn without_frames(mut self) -> Ended {
        let is_frame = |line: &&str| {
            let number = line.trim_start().split(':').next().unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let lines = self.stderr.lines().filter(|line| !is_frame(line));
        let lines = lines.map(|line| match line.split_once(", on core ") {
            Some((task, place)) if is_place(place) => {
                format!("{task}, on core N, with N of memory\n")
            }
            _ => format!("{line}\n"),
        });
        self.stderr = lines.collect();
        self
    }

    /// The same with each occurrence of this text replaced.
    pub(crate) fn replace(mut self, text: &str, with: &str) -> Ended {
        self.stdout = self.stdout.replace(text, with);
        self.stderr = self.stderr.replace(text, with);
        self
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "exit code: {}", self.exit_code)?;
        for (name, text) in [
            ("standard output", &self.stdout),
            ("standard error", &self.stderr),
        ] {
            if !text.is_empty() {
                writeln!(formatter, "--- {name}")?;
                formatter.write_str(text)?;
                if !text.ends_with('\n') {
                    formatter.write_str("(no line end)\n")?;
                }
            }
        }
        Ok(())
    }
}

/// The text with each number in hexadecimal as `0x..`: addresses differ from compiler to compiler.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut output = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        output.push_str("0x..");
        output.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()));
    }
    output
}

/// Whether this is the end of a crash report: `1, with 1.1 MiB of memory`.
fn is_place(text: &str) -> bool {
    let Some((core, memory)) = text.split_once(", with ") else {
        return false;
    };
    let size = memory.strip_suffix(" of memory").unwrap_or_default();
    core.parse::<u32>().is_ok()
        && matches!(size.split_once(' '), Some((count, "bytes" | "KiB" | "MiB" | "GiB"))
            if count.parse::<f64>().is_ok())
}
