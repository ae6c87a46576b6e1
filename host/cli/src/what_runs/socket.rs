//! The socket over which one isopod asks another for its [`Run`]. It lies in the cache directory, and only its user can
//! reach it (the directory has mode 0700, the socket 0600).
//!
//! Each connection gets one [`Run`] as JSON and is closed. The socket reads nothing, so a question cannot affect the
//! program.

use super::{ProcessRow, Run};
use anyhow::Context as _;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The directory of the sockets, in the cache directory. Each is named by a process number.
const SOCKETS: &str = "runs";

/// Longest time from a question to the end of its answer. A run that takes longer is reported as such.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Longest time for the peer to read the answer. The socket then closes the connection.
const READ_TIME: Duration = Duration::from_secs(2);

/// Largest answer of a run: [`Run::now`](super::Run::now) describes a bounded number of processes.
const LONGEST_ANSWER_BYTES: u64 = 16 << 20;

/// Most runs to ask; each takes a thread and an answer.
const MOST_RUNS: usize = 256;

/// The socket of this run. Dropping this removes it.
#[derive(Debug)]
pub(crate) struct Socket {
    directory: PathBuf,
    path: PathBuf,
    /// `None` once a thread answers.
    listener: Option<UnixListener>,
}

impl Socket {
    /// Creates the socket. Peers wait until [`answer`](Self::answer).
    ///
    /// # Errors
    /// If there is no cache directory that can be written, or its path is too long for a socket.
    pub(crate) fn open() -> anyhow::Result<Socket> {
        let directory = directory().context("there is no cache directory: `HOME` is not set")?;
        let path = directory.join(std::process::id().to_string());
        let listener = listen(&directory, &path)
            .with_context(|| format!("cannot listen on `{}`", path.display()))?;
        Ok(Socket {
            directory,
            path,
            listener: Some(listener),
        })
    }

    /// The directory of the sockets of all runs.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Begins to answer each question with the current result of `run`, on a thread of its own.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn answer(&mut self, run: impl Fn() -> Run + Send + 'static) -> anyhow::Result<()> {
        let Some(listener) = self.listener.take() else {
            return Ok(());
        };
        std::thread::Builder::new()
            .name("isopod-ps".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    // On an error the peer is gone.
                    let _ = answer(stream, &run());
                }
            })
            .context("cannot start the thread that answers `isopod ps`")?;
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = fs::remove_file(&self.path);
    }
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// The run has answered.
    Run(Run),
    /// There is no answer, or no valid one.
    None {
        pid: u32,
        /// The reason.
        error: String,
        /// Always empty, so that a reader of the JSON can iterate over the processes of all answers.
        processes: [ProcessRow; 0],
    },
}

impl Answer {
    fn none(pid: u32, error: String) -> Answer {
        Answer::None {
            pid,
            error,
            processes: [],
        }
    }

    fn pid(&self) -> u32 {
        match self {
            Answer::Run(run) => run.pid,
            Answer::None { pid, .. } => *pid,
        }
    }
}

/// Asks the isopod with this process number for its run; `None` if it does not exist.
///
/// # Errors
/// If the thread that asks cannot be started.
pub(crate) fn ask(pid: u32) -> anyhow::Result<Option<Answer>> {
    let Some(directory) = directory() else {
        return Ok(None);
    };
    let path = directory.join(pid.to_string());
    Ok(ask_each(vec![(pid, path)])?.pop())
}

/// Asks all runs concurrently, and sorts the answers by process number. Leaves out runs that end meanwhile. A run that is
/// stopped, or gives no valid answer, affects its own row only.
///
/// # Errors
/// If the directory of the sockets cannot be read, or a thread that asks cannot be started.
pub(crate) fn ask_all() -> anyhow::Result<Vec<Answer>> {
    let Some(directory) = directory() else {
        return Ok(Vec::new());
    };
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read `{}`", directory.display()))?,
    };
    // Other names belong to no run.
    let sockets = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, entry.path()))
    });
    let mut sockets: Vec<(u32, PathBuf)> = sockets.take(MOST_RUNS).collect();
    sockets.sort_unstable();
    ask_each(sockets)
}

/// Asks these sockets concurrently, and returns the answers within the time.
fn ask_each(sockets: Vec<(u32, PathBuf)>) -> anyhow::Result<Vec<Answer>> {
    let (sender, answers) = mpsc::channel();
    let mut silent = BTreeSet::new();
    for (pid, path) in sockets {
        let sender = sender.clone();
        // On a thread of its own: connecting to a stopped program can take for ever.
        std::thread::Builder::new()
            .name("isopod-ask".to_owned())
            .spawn(move || {
                let answer = match ask_at(&path) {
                    Ok(Some(run)) => Some(Answer::Run(Run { pid, ..run })),
                    Ok(None) => None,
                    Err(error) => Some(Answer::none(pid, format!("{error:#}"))),
                };
                // The receiver is gone if the answer comes too late.
                let _ = sender.send((pid, answer));
            })
            .context("cannot start a thread that asks an `isopod run`")?;
        silent.insert(pid);
    }
    drop(sender);
    let deadline = Instant::now() + ANSWER_TIME;
    let mut told = Vec::new();
    while !silent.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok((pid, answer)) = answers.recv_timeout(left) else {
            break;
        };
        silent.remove(&pid);
        told.extend(answer);
    }
    told.extend(silent.into_iter().map(|pid| Answer::none(pid, no_answer())));
    told.sort_by_key(Answer::pid);
    Ok(told)
}

fn no_answer() -> String {
    let time = humantime::format_duration(ANSWER_TIME);
    format!("no answer within {time}: the process is stopped or busy")
}

fn directory() -> Option<PathBuf> {
    Some(isopod_build::cache_directory()?.join(SOCKETS))
}

fn listen(directory: &Path, path: &Path) -> io::Result<UnixListener> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    // An older directory may have another mode.
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    match fs::remove_file(path) {
        // Left by a killed run with the same process number.
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn answer(mut stream: UnixStream, run: &Run) -> io::Result<()> {
    let text = serde_json::to_vec(run)?;
    let deadline = Instant::now() + READ_TIME;
    let mut rest = text.as_slice();
    while !rest.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(Some(left))?;
        match stream.write(rest) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn ask_at(path: &Path) -> anyhow::Result<Option<Run>> {
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            // Left by a killed run.
            let _ = fs::remove_file(path);
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot connect to `{}`", path.display()));
        }
    };
    // Ends the thread after its receiver has given up.
    stream.set_read_timeout(Some(ANSWER_TIME))?;
    let mut text = Vec::new();
    let read = stream.take(LONGEST_ANSWER_BYTES + 1).read_to_end(&mut text);
    match read {
        // The run ended before it could answer.
        Ok(0) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
        // The read's own time can end just before the caller's.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            anyhow::bail!(no_answer())
        }
        read => read.with_context(|| format!("no answer from `{}`", path.display()))?,
    };
    anyhow::ensure!(
        u64::try_from(text.len()).is_ok_and(|length| length <= LONGEST_ANSWER_BYTES),
        "the answer from `{}` is larger than {} MiB",
        path.display(),
        LONGEST_ANSWER_BYTES >> 20
    );
    let run = serde_json::from_slice(&text)
        .with_context(|| format!("the answer from `{}` is not valid", path.display()))?;
    Ok(Some(run))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        reason = "tests, which start threads as they like"
    )]
    use super::*;

    #[test]
    fn a_socket_that_nobody_listens_on_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1");
        drop(UnixListener::bind(&path).unwrap());
        assert!(ask_at(&path).unwrap().is_none());
        assert!(!path.exists());
        assert!(ask_at(&path).unwrap().is_none());
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1");
        let listener = UnixListener::bind(&path).unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"{}").unwrap();
        });
        let error = ask_at(&path).unwrap_err();
        assert!(error.to_string().starts_with("the answer from "), "{error}");
        answering.join().unwrap();
    }

    #[test]
    fn who_does_not_answer_costs_its_own_row_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = |pid: u32| directory.path().join(pid.to_string());
        // It listens, and never accepts: as a program that is stopped.
        let _stopped = UnixListener::bind(path(1)).unwrap();
        let serve = |pid, act: fn(UnixStream)| {
            let listener = UnixListener::bind(path(pid)).unwrap();
            std::thread::spawn(move || act(listener.accept().unwrap().0))
        };
        // It answers without end, as fast as it can.
        serve(
            2,
            |mut stream| while stream.write_all(&[b' '; 1 << 16]).is_ok() {},
        );
        // A byte at a time, so that no single wait is long.
        serve(3, |mut stream| {
            while stream.write_all(b" ").is_ok() {
                std::thread::park_timeout(Duration::from_millis(50));
            }
        });
        serve(4, |mut stream| stream.write_all(b"[1, 2]").unwrap());
        // Nothing listens there: it is removed.
        fs::write(path(5), "no socket").unwrap();
        serve(6, |stream| {
            let run = Run {
                pid: 77,
                program: "sound".to_owned(),
                seconds: 1.0,
                usage: (&isopod_host::inspect::TreeUsage::default()).into(),
                processes: Vec::new(),
                more_processes: 0,
            };
            answer(stream, &run).unwrap();
        });
        let begin = Instant::now();
        let sockets = (1..=7).map(|pid| (pid, path(pid))).collect();
        let answers = ask_each(sockets).unwrap();
        assert!(begin.elapsed() < ANSWER_TIME * 5, "{:?}", begin.elapsed());
        let errors: Vec<(u32, &str)> = answers
            .iter()
            .filter_map(|answer| match answer {
                Answer::None { pid, error, .. } => Some((*pid, error.as_str())),
                Answer::Run(_) => None,
            })
            .collect();
        let (pids, errors): (Vec<u32>, Vec<&str>) = errors.into_iter().unzip();
        assert_eq!(pids, [1, 2, 3, 4]);
        let [stopped, endless, slow, broken] = errors.try_into().unwrap();
        assert!(stopped.starts_with("no answer within 2s"), "{stopped}");
        assert!(endless.ends_with("is larger than 16 MiB"), "{endless}");
        assert!(slow.starts_with("no answer within 2s"), "{slow}");
        assert!(broken.starts_with("the answer from"), "{broken}");
        assert!(!path(5).exists());
        // Its socket identifies it; the pid in the answer does not.
        assert!(matches!(answers.last(), Some(Answer::Run(run)) if run.pid == 6));
    }

    #[test]
    fn only_the_user_reaches_it() {
        let directory = tempfile::tempdir().unwrap();
        let sockets = directory.path().join("runs");
        let path = sockets.join("1");
        let _listener = listen(&sockets, &path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&sockets), mode(&path)), (0o700, 0o600));
    }
}
