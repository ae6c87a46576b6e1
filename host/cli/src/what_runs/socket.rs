//! How one isopod asks another what it runs: over a socket in the cache directory, which only its
//! user can reach (the directory has mode 0700, the socket 0600).
//!
//! Whoever connects gets one [`Run`] as JSON, and the connection is closed. Nothing is read: there is
//! nothing to ask but this, and nothing that the question could do to the program.

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

/// How long an answer may take from the question to its end: whoever does not give it is told as such.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// How long whoever asks may take to read the answer; who does not read it is left alone.
const READ_TIME: Duration = Duration::from_secs(2);

/// What a run may answer at most: [`Run::now`](super::Run::now) describes a bounded number of processes.
const LONGEST_ANSWER_BYTES: u64 = 16 << 20;

/// How many programs are asked; each takes a thread and an answer.
const MOST_RUNS: usize = 256;

/// A socket that is there until this is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    directory: PathBuf,
    path: PathBuf,
    /// Until it is answered.
    listener: Option<UnixListener>,
}

impl Socket {
    /// Makes the socket. Who asks waits until it is answered.
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

    /// Where it lies, with those of other runs.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Begins to answer, on a thread of its own, each question with what `run` gives then.
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
                    // Who asked has gone: nobody is left to be told.
                    let _ = answer(stream, &run());
                }
            })
            .context("cannot start the thread that tells what runs")?;
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // If it is gone already, that is as well.
        let _ = fs::remove_file(&self.path);
    }
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// It told what it runs.
    Run(Run),
    /// It did not, or not as it should.
    None {
        pid: u32,
        /// Why.
        error: String,
        /// None are known: for whoever goes through the processes of all.
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

/// Asks the isopod with this number what it runs; none if there is no such one.
///
/// # Errors
/// If no thread can be made to ask it.
pub(crate) fn ask(pid: u32) -> anyhow::Result<Option<Answer>> {
    let Some(directory) = directory() else {
        return Ok(None);
    };
    let path = directory.join(pid.to_string());
    Ok(ask_each(vec![(pid, path)])?.pop())
}

/// Asks all that run, by their numbers, at the same time. Who ends meanwhile is left out; one that is stopped, or
/// gives no answer or none that is one, costs its own row only.
///
/// # Errors
/// If the directory of the sockets cannot be read, or there are no threads to ask.
pub(crate) fn ask_all() -> anyhow::Result<Vec<Answer>> {
    let Some(directory) = directory() else {
        return Ok(Vec::new());
    };
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read `{}`", directory.display()))?,
    };
    // What has no number for a name is none of ours.
    let sockets = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, entry.path()))
    });
    let mut sockets: Vec<(u32, PathBuf)> = sockets.take(MOST_RUNS).collect();
    sockets.sort_unstable();
    ask_each(sockets)
}

/// Asks these, at the same time, and gives what they have answered when the time is over.
fn ask_each(sockets: Vec<(u32, PathBuf)>) -> anyhow::Result<Vec<Answer>> {
    let (sender, answers) = mpsc::channel();
    let mut silent = BTreeSet::new();
    for (pid, path) in sockets {
        let sender = sender.clone();
        // On a thread of its own: to connect to a program that is stopped can take for ever.
        std::thread::Builder::new()
            .name("isopod-ask".to_owned())
            .spawn(move || {
                let answer = match ask_at(&path) {
                    Ok(Some(run)) => Some(Answer::Run(Run { pid, ..run })),
                    Ok(None) => None,
                    Err(error) => Some(Answer::none(pid, format!("{error:#}"))),
                };
                // Nobody waits for an answer that comes late.
                let _ = sender.send((pid, answer));
            })
            .context("cannot start a thread that asks what runs")?;
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
    format!("no answer within {time}: it is stopped, or busy")
}

fn directory() -> Option<PathBuf> {
    Some(isopod_build::cache_directory()?.join(SOCKETS))
}

fn listen(directory: &Path, path: &Path) -> io::Result<UnixListener> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    // It may be older than this program, or made with another mode.
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    match fs::remove_file(path) {
        // Of one that had this number before and was ended without a chance to tidy up.
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
            // Nobody listens any more: it was ended without a chance to tidy up.
            let _ = fs::remove_file(path);
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot connect to `{}`", path.display()));
        }
    };
    // For a thread that nobody waits for any more.
    stream.set_read_timeout(Some(ANSWER_TIME))?;
    let mut text = Vec::new();
    let read = stream.take(LONGEST_ANSWER_BYTES + 1).read_to_end(&mut text);
    match read {
        // It has ended before it could answer.
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
        "an answer from `{}` of more than {} MiB",
        path.display(),
        LONGEST_ANSWER_BYTES >> 20
    );
    let run = serde_json::from_slice(&text)
        .with_context(|| format!("an answer from `{}` that is none", path.display()))?;
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
        assert!(error.to_string().starts_with("an answer from "), "{error}");
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
        assert!(endless.ends_with("of more than 16 MiB"), "{endless}");
        assert!(slow.starts_with("no answer within 2s"), "{slow}");
        assert!(broken.starts_with("an answer from"), "{broken}");
        assert!(!path(5).exists());
        // It is known by its socket, whatever it says.
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
