//! Runs other programs: cargo, rustc, rustup, apt-get.
//!
//! A build must give the same result from a shell, under `cargo run` and in a test under `cargo test`. The
//! outer cargo sets variables that would change the build, so these are removed. The variables that name
//! directories, registries and proxies stay.

use std::ffi::OsStr;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Variables that change what is built, beyond those that begin with `CARGO`.
const REMOVED: [&str; 10] = [
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUSTUP_FORCE_ARG0",
    "RUST_RECURSION_COUNT",
];

/// Prefixes of cargo's variables that name directories or registries, or tell how to reach them.
const KEPT: [&str; 7] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_LOG",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
];

/// A command without the variables of an outer build. `RUSTUP_TOOLCHAIN` stays: if it was set for the outer
/// cargo, there may be no other toolchain.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(changes_builds) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn changes_builds(name: &str) -> bool {
    REMOVED.contains(&name)
        || name == "CARGO"
        || name.starts_with("CARGO_") && !KEPT.iter().any(|kept| name.starts_with(kept))
}

/// Runs a command, and returns its standard output without line ends around it.
///
/// The error is the command's standard error, or the reason why it did not run.
pub(crate) fn output_of(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    said(&output.map_err(|error| does_not_run(command, &error))?)
}

/// The reason why a command did not run.
pub(crate) fn does_not_run(command: &Command, error: &io::Error) -> String {
    format!("`{}`: {error}", command.get_program().to_string_lossy())
}

/// The output of a command, as [`output_of`] returns it.
pub(crate) fn said(output: &Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(if said.is_empty() {
        output.status.to_string()
    } else {
        said
    })
}

/// The longest line that is read from a tool in one piece, in bytes. A longer one comes in several pieces.
const MOST_LINE_BYTES: u64 = 1 << 20;

/// Replaces the content of `line` by the next line, with its end; false if there is none. The code of a build
/// can write to the pipes of cargo without ever ending a line, so the length is bounded.
pub(crate) fn next_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(from.take(MOST_LINE_BYTES).read_until(b'\n', line)? != 0)
}

/// The kept part of each output stream of a tool, in bytes.
const MOST_OUTPUT_BYTES: u64 = 64 << 20;

/// Reads a stream to its end, and keeps the beginning.
fn beginning_of(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.by_ref()
        .take(MOST_OUTPUT_BYTES)
        .read_to_end(&mut bytes)?;
    // The writer must be able to go on.
    io::copy(&mut from, &mut io::sink())?;
    Ok(bytes)
}

/// Waits for the end of a child, and reads all its output. The beginning of each stream is kept.
pub(crate) fn output_to_end(child: &mut Child) -> io::Result<Output> {
    let errors = child.stderr.take();
    let reader = std::thread::Builder::new().name("isopod-tool".to_owned());
    let reader = reader.spawn(move || errors.map_or(Ok(Vec::new()), beginning_of))?;
    let stdout = child.stdout.take().map_or(Ok(Vec::new()), beginning_of)?;
    let stderr = reader
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the thread that reads a tool panicked")))?;
    Ok(Output {
        status: child.wait()?,
        stdout,
        stderr,
    })
}

/// The files `name` in `directories`, in their order, each once.
pub(crate) fn all_named(directories: &[PathBuf], name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in directories.iter().map(|directory| directory.join(name)) {
        if path.is_file() && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// The paths in `directory` whose names begin with `prefix`, sorted; none if it cannot be read.
pub(crate) fn entries(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

/// The last lines of a tool's output: as many as fit into an error.
pub(crate) fn last_lines(text: &str) -> String {
    const LINES: usize = 6;
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines
        .get(lines.len().saturating_sub(LINES)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn variables_that_change_builds_go_and_the_others_stay() {
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET",
            "CARGO_PROFILE_RELEASE_PANIC",
            "CARGO_MANIFEST_DIR",
            "CARGO",
            "RUSTC_WRAPPER",
        ] {
            assert!(changes_builds(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_TERM_COLOR",
            "RUSTUP_TOOLCHAIN",
            "PATH",
        ] {
            assert!(!changes_builds(name), "{name}");
        }
    }

    #[test]
    fn a_command_gives_its_output_or_what_it_said() {
        let run = |script: &str| output_of(command("sh").args(["-c", script]));
        assert_eq!(run("echo yes").unwrap(), "yes");
        assert_eq!(run("echo no >&2; exit 3").unwrap_err(), "no");
        assert_eq!(run("exit 3").unwrap_err(), "exit status: 3");
        assert!(
            output_of(&mut command("/no/such/tool"))
                .unwrap_err()
                .starts_with("`/no/such/tool`")
        );
    }

    #[test]
    fn of_what_has_no_end_a_bounded_part_is_kept() {
        let endless = |length: u64| io::BufReader::new(io::repeat(b'x').take(length));
        let mut from = endless(MOST_LINE_BYTES + 1).chain(&b"\nend"[..]);
        let (mut line, mut lengths) = (Vec::new(), Vec::new());
        while next_line(&mut from, &mut line).unwrap() {
            lengths.push(line.len() as u64);
        }
        assert_eq!(lengths, [MOST_LINE_BYTES, 2, 3]);
        let mut from = endless(MOST_OUTPUT_BYTES + (1 << 20));
        let kept = beginning_of(&mut from).unwrap();
        assert_eq!(kept.len() as u64, MOST_OUTPUT_BYTES);
        assert_eq!(from.read(&mut [0]).unwrap(), 0);
        let mut child = command("sh");
        child.args(["-c", "echo out; echo error >&2; exit 3"]);
        child.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = output_to_end(&mut child.spawn().unwrap()).unwrap();
        let said = (output.status.code(), &*output.stdout, &*output.stderr);
        assert_eq!(said, (Some(3), &b"out\n"[..], &b"error\n"[..]));
    }

    #[test]
    fn only_the_end_of_a_long_text_is_shown() {
        let text: String = (0..20).map(|line| format!("{line}\n\n")).collect();
        assert_eq!(last_lines(&text), "14\n15\n16\n17\n18\n19");
        assert_eq!(last_lines("one"), "one");
    }
}
